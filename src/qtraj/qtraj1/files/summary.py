"""``summary.tsv`` of QTraj 1.0: the no-jump evolution, then a block for each trajectory."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..._checks import float_array, instance, instances, integer
from ..._checks import path as path_of
from ...errors import FileFormatError, InputError
from ...states import STATE_NAMES
from .text import Float, lines_of, numbers, write_lines

COLUMNS: Final = 12
_HEADING: Final = re.compile(r"# Trajectory Number (\d+)")


@dataclass(frozen=True, eq=False)
class SummaryBlock:
    """One stretch of a ``summary.tsv``: columns over time.

    Parameters
    ----------
    trajectory : int or None
        Number of the trajectory, from 0; None for the vacuum and no-jump evolution that comes first.
    t_fm : array_like, shape (n,)
        Time in fm/c (QTraj's own hbar c, 0.197326938 GeV fm); n may be 0.
    norm : array_like, shape (n,)
        Norm since the last jump.
    color, l : array_like of int, shape (n,)
        0 singlet, 1 octet; angular momentum.
    overlaps : array_like, shape (n, 6)
        Overlaps with the states, in the order of STATE_NAMES; not ratios.
    r_mean : array_like, shape (n,)
        Ratio of <r> to that of the Coulomb 1S state, 3/(2 m alpha).
    energy : array_like, shape (n,)
        Vacuum energy as printed, without the factor dx: times dx it is in GeV.

    Raises
    ------
    InputError
        If shapes differ or a number is not finite.
    """

    trajectory: int | None
    t_fm: Float
    norm: Float
    color: NDArray[np.intp]
    l: NDArray[np.intp]
    overlaps: Float
    r_mean: Float
    energy: Float

    def __post_init__(self) -> None:
        if self.trajectory is not None:
            object.__setattr__(self, "trajectory", integer("trajectory", self.trajectory, 0))
        n = len(np.atleast_1d(float_array("t_fm", self.t_fm)))
        for name in ("t_fm", "norm", "color", "l", "overlaps", "r_mean", "energy"):
            values = float_array(name, getattr(self, name))
            shape = (n, len(STATE_NAMES)) if name == "overlaps" else (n,)
            values = values.reshape(shape) if values.size == 0 == n else values
            if values.shape != shape or not np.all(np.isfinite(values)):
                raise InputError(name, getattr(self, name), f"be finite and have shape {shape}")
            whole = name in {"color", "l"}
            object.__setattr__(self, name, values.astype(np.intp) if whole else values)

    def __len__(self) -> int:
        return len(self.t_fm)


def read_summary(path: str | Path) -> tuple[SummaryBlock, ...]:
    """Read a whole ``summary.tsv``; `iterate_summary` does it block by block.

    Parameters
    ----------
    path : str or Path
        The file, plain or gzip.

    Returns
    -------
    tuple of SummaryBlock
        First the one of the no-jump evolution, then one for each trajectory.

    Raises
    ------
    FileFormatError
        As `iterate_summary`.
    """
    return tuple(iterate_summary(path))


def iterate_summary(path: str | Path) -> Iterator[SummaryBlock]:
    """Iterate over the blocks of a ``summary.tsv`` without holding it in memory.

    Parameters
    ----------
    path : str or Path
        The file, plain or gzip.

    Yields
    ------
    SummaryBlock
        First the one of the no-jump evolution, then one for each trajectory.

    Raises
    ------
    FileFormatError
        Naming file and line, for a missing, empty, truncated or damaged file.
    """
    return _blocks(path_of("path", path))


def _blocks(path: Path) -> Iterator[SummaryBlock]:
    trajectory: int | None = None
    rows: list[str] = []
    number = 0
    for number, line in enumerate(lines_of(path), start=1):
        if not line.startswith("#"):
            rows.append(line)
            continue
        heading = _HEADING.fullmatch(line)
        if heading is None:
            problem = f"line {number}: {line!r} is no heading '# Trajectory Number n'"
            raise FileFormatError(path, problem, "The line is damaged, or the file is of another kind.")
        yield _block(path, trajectory, rows, number - len(rows))
        trajectory, rows = int(heading[1]), []
    yield _block(path, trajectory, rows, number + 1 - len(rows))


def write_summary(path: str | Path, blocks: Iterable[SummaryBlock]) -> Path:
    """Write a ``summary.tsv`` as QTraj 1.0 does.

    Parameters
    ----------
    path : str or Path
        The file; gzip if the name ends in ``.gz``.
    blocks : iterable of SummaryBlock
        The no-jump evolution, then the trajectories.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        If a block but the first lacks a number.
    FileFormatError
        If the file cannot be written.
    """
    return write_lines(path, summary_lines(blocks))


def summary_lines(blocks: Iterable[SummaryBlock]) -> Iterator[str]:
    """Yield the lines of a ``summary.tsv``."""
    for i, block in enumerate(
        blocks if isinstance(blocks, Iterator) else instances("blocks", blocks, SummaryBlock)
    ):
        instance(f"blocks[{i}]", block, SummaryBlock)
        if (block.trajectory is None) != (i == 0):
            raise InputError(
                "blocks", block.trajectory, "have no number in the first block and one in the others"
            )
        if i > 0:
            yield f"# Trajectory Number {block.trajectory}"
        for k in range(len(block)):
            scientific = (*block.overlaps[k], block.r_mean[k], block.energy[k])
            words = [f"{block.t_fm[k]:.6f}", f"{block.norm[k]:.6f}", str(block.color[k]), str(block.l[k])]
            yield "\t".join([*words, *(f"{value:.6e}" for value in scientific)])


def _block(path: Path, trajectory: int | None, lines: Sequence[str], first: int) -> SummaryBlock:
    values = numbers(path, lines, COLUMNS, first) if lines else np.empty((0, COLUMNS))
    t_fm, norm, color, l = values[:, :4].T
    bad = (color != np.rint(color)) | (l != np.rint(l)) | ~np.isin(color, (0, 1)) | (l < 0)
    if np.any(bad):
        problem = f"line {first + int(np.argmax(bad))}: columns 3 and 4 are no color (0, 1) and no l"
        raise FileFormatError(path, problem, "The line is damaged, or the file is of another kind.")
    return SummaryBlock(
        trajectory,
        t_fm,
        norm,
        color.astype(np.intp),
        l.astype(np.intp),
        values[:, 4:10],
        values[:, 10],
        values[:, 11],
    )
