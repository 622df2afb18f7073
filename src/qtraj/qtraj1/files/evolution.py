"""Files of QTraj 1.0 about the wave function: ``summary.tsv``, ``snapshot_<step>.tsv``, ``basisfunctions.tsv``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..._checks import complex_array, float_array, instance, instances, integer, positive, settle
from ..._checks import path as path_of
from ..._types import Complex, Float
from ...errors import FileFormatError, InputError
from ...states import STATE_NAMES, STATES
from .text import DAMAGED, lines_of, numbers, write_lines

# number of columns of each file
_SUMMARY, _SNAPSHOT, _BASIS = 12, 4, 2
_HEADING: Final = re.compile(r"# Trajectory Number (\d+)")


@dataclass(frozen=True, eq=False)
class SummaryBlock:
    """Rows of a ``summary.tsv`` that belong together: one evolution, as columns over time.

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
            settle(self, trajectory=integer("trajectory", self.trajectory, 0))
        n = len(np.atleast_1d(float_array("t_fm", self.t_fm)))
        for name in ("t_fm", "norm", "color", "l", "overlaps", "r_mean", "energy"):
            values = float_array(name, getattr(self, name))
            shape = (n, len(STATE_NAMES)) if name == "overlaps" else (n,)
            values = values.reshape(shape) if values.size == 0 == n else values
            if values.shape != shape or not np.all(np.isfinite(values)):
                raise InputError(name, getattr(self, name), f"be finite and have shape {shape}")
            settle(self, **{name: values.astype(np.intp) if name in {"color", "l"} else values})

    def __len__(self) -> int:
        return len(self.t_fm)


def read_summary(path: str | Path) -> tuple[SummaryBlock, ...]:
    """Read a whole ``summary.tsv``; `iterate_summary` does it block by block, with the same errors.

    Parameters
    ----------
    path : str or Path
        The file, plain or gzip.

    Returns
    -------
    tuple of SummaryBlock
        First the one of the no-jump evolution, then one for each trajectory.
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
        if not (heading := _HEADING.fullmatch(line)):
            problem = f"line {number}: {line!r} is no heading '# Trajectory Number n'"
            raise FileFormatError(path, problem, DAMAGED)
        yield _block(path, trajectory, rows, number - len(rows))
        trajectory, rows = int(heading[1]), []
    yield _block(path, trajectory, rows, number + 1 - len(rows))


def _block(path: Path, trajectory: int | None, lines: Sequence[str], first: int) -> SummaryBlock:
    values = numbers(path, lines, _SUMMARY, first) if lines else np.empty((0, _SUMMARY))
    t_fm, norm, color, l = values[:, :4].T
    bad = (color != np.rint(color)) | (l != np.rint(l)) | ~np.isin(color, (0, 1)) | (l < 0)
    if np.any(bad):
        problem = f"line {first + int(np.argmax(bad))}: columns 3 and 4 are no color (0, 1) and no l"
        raise FileFormatError(path, problem, DAMAGED)
    color, l = color.astype(np.intp), l.astype(np.intp)
    return SummaryBlock(trajectory, t_fm, norm, color, l, values[:, 4:10], values[:, 10], values[:, 11])


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
    # an iterator makes its blocks one at a time and cannot be checked beforehand
    checked = blocks if isinstance(blocks, Iterator) else instances("blocks", blocks, SummaryBlock)
    for i, block in enumerate(checked):
        instance(f"blocks[{i}]", block, SummaryBlock)
        if (block.trajectory is None) != (i == 0):
            allowed = "have no number in the first block and one in the others"
            raise InputError("blocks", block.trajectory, allowed)
        if i > 0:
            yield f"# Trajectory Number {block.trajectory}"
        for k in range(len(block)):
            head = f"{block.t_fm[k]:.6f}\t{block.norm[k]:.6f}\t{block.color[k]}\t{block.l[k]}"
            scientific = (*block.overlaps[k], block.r_mean[k], block.energy[k])
            yield "\t".join([head, *(f"{value:.6e}" for value in scientific)])


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A wave function at one step.

    Parameters
    ----------
    r : array_like, shape (n,)
        Points in GeV^-1, with the walls.
    u : array_like of complex, shape (n,)
        u(r) in GeV^(1/2), not normalized.
    magnitude : array_like, shape (n,), optional
        abs(u) in GeV^(1/2) as the file has it: of a u with more digits than the file shows. Default abs(u).

    Raises
    ------
    InputError
        If shapes differ or a number is not finite.
    """

    r: Float
    u: Complex
    magnitude: Float | None = None

    def __post_init__(self) -> None:
        r = float_array("r", self.r)
        u = complex_array("u", self.u).astype(np.complex128)
        magnitude = np.abs(u) if self.magnitude is None else float_array("magnitude", self.magnitude)
        for name, values in (("r", r), ("u", u), ("magnitude", magnitude)):
            if values.shape != (r.size,) or r.size == 0 or not np.all(np.isfinite(values)):
                raise InputError(name, values.shape, f"be finite, of one shape (n,), here ({r.size},)")
            settle(self, **{name: values})

    def __len__(self) -> int:
        return len(self.r)


def thinned(u: ArrayLike, length: float, points: int) -> Snapshot:
    """Return the part of a wave function that QTraj 1.0 writes: both walls and every (num // points)-th point.

    Parameters
    ----------
    u : array_like of complex, shape (num,)
        In GeV^(1/2), on the grid r_i = (i + 1) dx, dx = length/(num + 1); the first point written is r = dx.
    length : float
        Length of the box in GeV^-1.
    points : int
        The parameter ``snapPts``, 1 to num.

    Returns
    -------
    Snapshot
        The points to write.

    Raises
    ------
    InputError
        If `points` is out of range.
    """
    u = complex_array("u", u).astype(np.complex128)
    if u.ndim != 1 or not len(u) or not np.all(np.isfinite(u)):
        raise InputError("u", u.shape, "be a list of finite numbers")
    length = positive("length", length, "be a positive length in GeV^-1")
    points = integer("points", points, 1, len(u), f"be from 1 to num = {len(u)}")
    index = np.arange(0, len(u), len(u) // points)
    r = (index + 1) * (length / (len(u) + 1))
    return Snapshot(np.concatenate([[0.0], r, [length]]), np.concatenate([[0.0], u[index], [0.0]]))


def read_snapshot(path: str | Path) -> Snapshot:
    """Read a ``snapshot_<step>.tsv``, plain or gzip.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    Snapshot
        Points and wave function, of n points with the walls.

    Raises
    ------
    FileFormatError
        Naming file and line, for a missing, empty, truncated or damaged file.
    """
    values = numbers(path, list(lines_of(path)), _SNAPSHOT)
    return Snapshot(values[:, 0], complex_of(*values[:, 2:].T), values[:, 1])


def write_snapshot(
    path: str | Path, r: ArrayLike, u: ArrayLike, *, magnitude: ArrayLike | None = None
) -> Path:
    """Write a ``snapshot_<step>.tsv`` as QTraj 1.0 does: r, abs(u), Re u, Im u on six significant digits.

    Parameters
    ----------
    path : str or Path
        The file; gzip if the name ends in ``.gz``.
    r, u, magnitude : array_like, shape (n,)
        As in `Snapshot`; `thinned` picks the points that the original writes.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If shapes differ or a number is not finite.
    FileFormatError
        If the file cannot be written.
    """
    arrays: Any = r, u, magnitude  # Snapshot makes arrays of them
    return write_lines(path_of("path", path), snapshot_lines(Snapshot(*arrays)))


def snapshot_lines(snapshot: Snapshot) -> Iterator[str]:
    """Yield the lines of a ``snapshot_<step>.tsv``."""
    columns = np.stack([snapshot.r, np.asarray(snapshot.magnitude), snapshot.u.real, snapshot.u.imag], axis=1)
    for row in columns.tolist():
        yield "\t".join(f"{value:g}" for value in row)


def read_basis(path: str | Path, num: int | None = None, count: int | None = None) -> Complex:
    """Read a ``basisfunctions.tsv``, plain or gzip: eigenstates on the whole grid, one after the other.

    The file names neither grid nor number of states: two of the three numbers, lines, `num` and `count`, fix it.

    Parameters
    ----------
    path : str or Path
    num : int, optional
        Points of the grid (the parameter ``num``).
    count : int, optional
        Number of states (the parameter ``nBasis``); six if neither is given.

    Returns
    -------
    ndarray of complex, shape (count, num)
        Rows in the order of STATES, dx sum u^2 = 1, any sign.

    Raises
    ------
    FileFormatError
        Naming file and line for a damaged file; if the number of lines is not num * count.
    """
    path = path_of("path", path)
    num = None if num is None else integer("num", num, 1)
    count = None if count is None else integer("count", count, 1)
    values = numbers(path, lines := list(lines_of(path)), _BASIS)
    if count is None:
        count = len(STATES) if num is None else len(lines) // num
    points, rest = (num, len(lines) - num * count) if num is not None else divmod(len(lines), count)
    if rest or not points or not count:
        problem = f"{len(lines)} lines are not {count} states" + ("" if num is None else f" of {num} points")
        raise FileFormatError(path, problem, "Check num and nBasis of the run that wrote it.")
    return complex_of(*values.T).reshape(count, points)


def write_basis(path: str | Path, states: ArrayLike) -> Path:
    """Write a ``basisfunctions.tsv`` as QTraj 1.0 does, with 17 significant digits: every bit comes back.

    Parameters
    ----------
    path : str or Path
        The file; gzip if the name ends in ``.gz``.
    states : array_like, shape (count, num)
        Real or complex, rows in the order of STATES.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If the shape is wrong or a number is not finite.
    FileFormatError
        If the file cannot be written.
    """
    return write_lines(path_of("path", path), basis_lines(states))


def basis_lines(states: ArrayLike) -> Iterator[str]:
    """Yield the lines of a ``basisfunctions.tsv``."""
    u = complex_array("states", states).astype(np.complex128)
    if u.ndim != 2 or not u.size or not np.all(np.isfinite(u)):
        raise InputError("states", u.shape, "be finite and have shape (count, num)")
    for value in u.ravel().tolist():
        yield f"{value.real:.17g}\t{value.imag:.17g}"


def complex_of(real: Float, imaginary: Float) -> Complex:
    """Return complex numbers of their parts, of one shape; adding i times one would lose the sign of a zero."""
    u = np.empty(real.shape, dtype=np.complex128)
    u.real, u.imag = real, imaginary
    return u
