"""The evolution stored in an output folder of QTraj 1.0: ``summary.tsv`` and the snapshots beside it."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from .._checks import path as path_of
from ..errors import FileFormatError, InputError
from ..qtraj1 import LegacyParameters, Snapshot, SummaryBlock, read_params, read_snapshot, read_summary
from .evolution import Complex, Evolution, Float, Integer

SUMMARY: Final = "summary.tsv"
_COLUMNS: Final = ("t_fm", "norm", "color", "l", "overlaps", "r_mean", "energy")
_SNAPSHOT: Final = re.compile(r"snapshot_(\d+)\.tsv")
_LEGACY_HBARC: Final = 0.197326938  # GeV fm, of the times in these files
_PRINTED: Final = 2e-6  # fm/c: times are printed with six decimals


def load_legacy_evolution(
    folder: str | os.PathLike[str],
    *,
    trajectory: int | None = None,
    params: str | os.PathLike[str] | None = None,
) -> Evolution:
    """Return the no-jump evolution of a QTraj 1.0 run, or one of its trajectories.

    Parameters
    ----------
    folder : str or path
        Output folder with ``summary.tsv`` and any number of ``snapshot_<step>.tsv``.
    trajectory : int, optional
        Number of the trajectory; the no-jump evolution by default. What happened before the trajectory left the
        no-jump evolution comes from there.
    params : str or path, optional
        The run's ``params.txt``; by default ``../input/params.txt`` of the folder, the layout of QTraj. It gives the
        units of <r> and of the energy and the times of the snapshots.

    Returns
    -------
    Evolution

    Raises
    ------
    FileFormatError
        If a file is missing or damaged, or ``params.txt`` belongs to another run.
    InputError
        If there is no such trajectory.
    """
    folder = path_of("folder", folder)
    blocks = read_summary(folder / SUMMARY)
    parameters = read_params(find_params(folder) if params is None else Path(params))
    if len(blocks) > 1 and not parameters.doJumps:
        raise _other_run(folder, "it has trajectories, and doJumps is 0")
    rows, writer = _chosen(folder, blocks, trajectory)
    scale = _scale(rows, parameters, normalized_overlaps=trajectory is not None)
    r, u, others = _snapshots(folder, blocks, rows, writer, parameters)
    name = "evolution without jumps" if trajectory is None else f"trajectory {trajectory}"
    return Evolution(
        title=f"{folder.name}: {name}",
        times_fm=rows.t_fm,
        norm=rows.norm,
        color=rows.color,
        l=rows.l,
        overlaps=rows.overlaps * scale[0][:, None],
        mean_radius=rows.r_mean * scale[1] * 3 / (2 * parameters.m * parameters.alpha),
        energy=rows.energy * scale[1] * parameters.L / (parameters.num + 1),
        r=r,
        u=u,
        jumps=trajectory is not None,
        notes=_notes(others, trajectory),
    )


def find_params(source: str | os.PathLike[str]) -> Path:
    """Return ``../input/params.txt`` of an output folder or file of QTraj 1.0, where QTraj keeps it.

    Raises
    ------
    FileFormatError
        If there is none.
    """
    path = Path(source).resolve().parent / "input" / "params.txt"
    if not path.is_file():
        problem = "the params.txt of this run is not in ../input, where QTraj keeps it"
        raise FileFormatError(source, problem, "Name it: --params FILE (params= in Python).")
    return path


def _chosen(
    folder: Path, blocks: Sequence[SummaryBlock], trajectory: int | None
) -> tuple[SummaryBlock, Integer]:
    """Return the rows of the evolution, and for each row the trajectory that writes its snapshot (-1: none)."""
    no_jump = _rows(blocks[0], _first_of_each(blocks[0].t_fm))  # the first row of the medium comes twice
    if not len(no_jump):
        raise FileFormatError(
            folder / SUMMARY, "has no evolution without jumps", "Check that the run finished."
        )
    if trajectory is None:
        return no_jump, np.full(len(no_jump), -1)
    chosen = [block for block in blocks[1:] if block.trajectory == trajectory]
    if not chosen:
        numbers = [int(b.trajectory) for b in blocks[1:] if b.trajectory is not None]
        allowed = (
            f"be from {min(numbers)} to {max(numbers)} in {folder / SUMMARY}" if numbers else "be left out"
        )
        remedy = "" if numbers else f"{folder / SUMMARY} has no trajectories."
        raise InputError("trajectory", trajectory, allowed, remedy)
    jumped = chosen[0]
    before = no_jump.t_fm < jumped.t_fm[0] - _PRINTED if len(jumped) else np.full(len(no_jump), True)
    together = _joined(_rows(no_jump, np.flatnonzero(before)), jumped)
    # its first row is still the state without jump
    after = np.arange(len(together)) > np.count_nonzero(before)
    return together, np.where(after, trajectory, -1)


def _scale(
    rows: SummaryBlock, parameters: LegacyParameters, *, normalized_overlaps: bool
) -> tuple[Float, Float]:
    """Return factors that bring the overlaps, and <r> and the energy, to the norms of `Evolution`."""
    ones = np.ones(len(rows))
    if parameters.doJumps:  # printed for the normalized state
        return (ones if normalized_overlaps else rows.norm), ones
    with np.errstate(divide="ignore"):
        inverse = np.where(rows.norm > 0, 1 / rows.norm, np.nan)
    return (inverse if normalized_overlaps else ones), inverse


def _snapshots(
    folder: Path,
    blocks: Sequence[SummaryBlock],
    rows: SummaryBlock,
    writer: Integer,
    parameters: LegacyParameters,
) -> tuple[Float, Complex, dict[int, int]]:
    """Return r, the wave functions u, and how many other snapshots each trajectory wrote (-1: the no-jump one)."""
    r, others = np.empty(0), dict[int, int]()
    u = np.empty((0, 0), complex)
    for step, path in _snapshot_files(folder):
        time = (step * parameters.dt + parameters.t0) * _LEGACY_HBARC
        last = _last_writer(blocks, time)
        if last is None:
            raise _other_run(folder, f"{path.name} would be at {time:.6f} fm/c, where {SUMMARY} has no row")
        row = np.flatnonzero(np.abs(rows.t_fm - time) < _PRINTED)
        if not len(row) or writer[row[0]] != last or not rows.norm[row[0]] > 0:
            others[last] = others.get(last, 0) + 1
            continue
        snapshot = read_snapshot(path)
        if not u.size:
            r, u = snapshot.r, np.full((len(rows), len(snapshot.r)), np.nan, complex)
        if not np.array_equal(snapshot.r, r):
            raise FileFormatError(
                path, "has other radii than the first snapshot", "Remove files of other runs."
            )
        u[row[0]] = snapshot.u / np.sqrt(_norm_of(snapshot, float(rows.norm[row[0]]), last))
    return r, u, others


def _norm_of(snapshot: Snapshot, norm: float, writer: int) -> float:
    """Return the norm of the state in a snapshot; its points are too sparse to integrate a narrow start."""
    if writer < 0 or norm != 1:
        return norm
    # a jump in this very step: the file holds the state before it was normalized
    return float(np.abs(snapshot.u) ** 2 @ np.gradient(snapshot.r))


def _snapshot_files(folder: Path) -> list[tuple[int, Path]]:
    matches = ((_SNAPSHOT.fullmatch(path.name), path) for path in folder.iterdir())
    return sorted((int(match[1]), path) for match, path in matches if match)


def _last_writer(blocks: Sequence[SummaryBlock], time: float) -> int | None:
    """Return which trajectory wrote the snapshot of a time last, -1 for the no-jump evolution, None for nobody."""
    writer = -1 if np.any(np.abs(blocks[0].t_fm - time) < _PRINTED) else None
    for block in blocks[1:]:
        # the first row of a block repeats the state without jump
        if block.trajectory is not None and np.any(np.abs(block.t_fm[1:] - time) < _PRINTED):
            writer = block.trajectory
    return writer


def _notes(others: dict[int, int], trajectory: int | None) -> tuple[str, ...]:
    notes = []
    if trajectory is not None:
        notes.append("Dotted lines lead the eye: jumps between the stored times are not in the file.")
    for last, count in sorted(others.items()):
        files = "1 snapshot file holds" if count == 1 else f"{count} snapshot files hold"
        whose, flag = f"a state of trajectory {last}", f"--trajectory {last}"
        if last == -1:
            whose, flag = "a state of the evolution without jumps", "no --trajectory"
        notes.append(f"{files} {whose}, not shown here (see them with {flag}); QTraj overwrites snapshots.")
    return tuple(notes)


def _other_run(folder: Path, problem: str) -> FileFormatError:
    remedy = "If keys were set on the command line, name a params.txt with them: --params FILE."
    return FileFormatError(folder, f"params.txt is not that of this run: {problem}", remedy)


def _first_of_each(t: Float) -> Integer:
    return np.unique(t, return_index=True)[1]


def _rows(block: SummaryBlock, index: Integer) -> SummaryBlock:
    columns: dict[str, Any] = {name: getattr(block, name)[index] for name in _COLUMNS}
    return replace(block, **columns)


def _joined(first: SummaryBlock, second: SummaryBlock) -> SummaryBlock:
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(first, name), getattr(second, name)]) for name in _COLUMNS
    }
    return replace(second, **columns)
