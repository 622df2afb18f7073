"""The evolution of one pair in time as plain arrays, solved or read from a run of QTraj 1.0: what every view shows."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from .._checks import boolean, complex_array, finite_array, float_array, integer, settle, text, texts
from .._checks import path as path_of
from .._types import Complex, Float, Integer
from ..errors import FileFormatError, InputError
from ..physics.initial import InitialState
from ..physics.medium import as_histories
from ..physics.model import LindbladModel
from ..qtraj1 import LegacyParameters, SummaryBlock, read_params, read_snapshot, read_summary
from ..qtraj1.convert import NETCDF, convert
from ..solvers.nojump.wave_functions import wave_functions
from ..states import STATE_NAMES
from ..units import HBARC, to_fm

# file of QTraj 1.0 with the evolution of a run; its wave functions are in ``snapshot_<step>.tsv`` beside it
SUMMARY: Final = "summary.tsv"
_SNAPSHOT: Final = re.compile(r"snapshot_(\d+)\.tsv")
_SERIES: Final = ("norm", "color", "l", "mean_radius", "energy")
_HELD: Final = 0.99  # share of the probability that sets the radius of the views
_MARGIN: Final = 2.0
_LEAST_POINTS: Final = 24  # of the views: a local start between a few points shows nothing
_TIMES: Final = 121
_COLD_FM: Final = 3.0  # shown of a pair that meets no medium
_LEAST_CUT: Final = 1e-3  # of the start: less than this nobody misses
_ROUNDING: Final = 1e-12  # projections that vanish by symmetry come out as rounding in stored runs
_LEGACY_HBARC: Final = 0.197326938  # GeV fm, of the times in the files of QTraj 1.0
_PRINTED: Final = 2e-6  # fm/c: times are printed with six decimals


@dataclass(frozen=True, eq=False)
class Evolution:
    """State of one pair at nt times: a no-jump evolution, or one quantum trajectory.

    Parameters
    ----------
    title : str
        What it is, a line.
    times_fm : array_like, shape (nt,)
        Increasing times in fm/c.
    norm : array_like, shape (nt,)
        Norm of the state; it falls under H_eff, and a jump sets it to 1.
    color : array_like, shape (nt,)
        0 singlet, 1 octet.
    l : array_like, shape (nt,)
        Orbital angular momentum.
    overlaps : array_like, shape (nt, 6)
        Probability of each state, order of `STATES`: |<nl|u>|^2 of the state with its norm, or of the normalized state
        where `jumps`.
    mean_radius, energy : array_like, shape (nt,)
        <r> in GeV^-1 and vacuum energy <H> in GeV of the normalized state; NaN where unknown.
    r : array_like, shape (nr,)
        Radii in GeV^-1 of the wave functions; empty where there are none.
    u : array_like, shape (nt, nr)
        Reduced radial functions in GeV^(1/2), normalized to Int |u|^2 dr = 1; rows of NaN where none is known.
    jumps : bool
        Whether this is a quantum trajectory.
    notes : tuple of str
        What a reader has to know, a sentence each.

    Raises
    ------
    InputError
        If shapes disagree, times do not increase, or there is no time.
    """

    title: str
    times_fm: Float
    norm: Float
    color: Integer
    l: Integer
    overlaps: Float
    mean_radius: Float
    energy: Float
    r: Float = field(default_factory=lambda: np.empty(0))
    u: Complex = field(default_factory=lambda: np.empty((0, 0), complex))
    jumps: bool = False
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("times_fm", "norm", "overlaps", "mean_radius", "energy", "r"):
            settle(self, **{name: float_array(name, getattr(self, name))})
        for name in ("color", "l"):
            settle(self, **{name: finite_array(name, getattr(self, name)).astype(np.int64)})
        nt, nr = np.size(self.times_fm), np.size(self.r)
        u = complex_array("u", self.u).astype(complex)
        settle(
            self,
            title=text("title", self.title),
            u=u if u.size else np.full((nt, nr), np.nan, complex),
            jumps=boolean("jumps", self.jumps),
            notes=texts("notes", self.notes),
        )
        if nt == 0 or self.times_fm.ndim != 1 or not np.all(np.diff(self.times_fm) > 0):
            raise InputError("times_fm", self.times_fm, "be at least one increasing time in fm/c")
        shapes: dict[str, tuple[int, ...]] = dict.fromkeys(_SERIES, (nt,))
        shapes |= {"overlaps": (nt, len(STATE_NAMES)), "r": (nr,), "u": (nt, nr)}
        for name, shape in shapes.items():
            given = np.shape(getattr(self, name))
            if given != shape:
                raise InputError(name, given, f"have the shape {shape}")

    @property
    def snapshots(self) -> Integer:
        """Indices of the times whose wave function is known, shape (ns,)."""
        if not len(self.r):
            return np.empty(0, np.int64)
        return np.flatnonzero(np.all(np.isfinite(self.u), axis=1))

    @property
    def r_fm(self) -> Float:
        """Radii in fm, shape (nr,)."""
        return self.r * HBARC

    @property
    def u_fm(self) -> Complex:
        """Normalized wave functions in fm^(-1/2), shape (nt, nr)."""
        return np.asarray(self.u / np.sqrt(HBARC))

    @property
    def density_fm(self) -> Float:
        """Normalized densities |u|^2 in 1/fm, shape (nt, nr)."""
        return np.abs(self.u_fm) ** 2

    @property
    def mean_radius_fm(self) -> Float:
        """<r> in fm, shape (nt,)."""
        return self.mean_radius * HBARC

    @property
    def populated(self) -> tuple[int, ...]:
        """Positions in `STATES` of the states that are populated at some time."""
        return tuple(int(i) for i in np.flatnonzero(np.any(self.overlaps > _ROUNDING, axis=0)))

    @property
    def visible_radius_fm(self) -> float:
        """Radius in fm that the views show: twice what holds 99 % of the probability, half of the time.

        The fast waves of a local start, which go far and are absorbed, do not set it.
        """
        density = self.density_fm[self.snapshots]
        inside = np.cumsum(density * np.gradient(self.r_fm), axis=1)
        reached = np.argmax(inside >= _HELD * inside[:, -1:], axis=1)
        typical = np.percentile(self.r_fm[reached], 50, method="higher")
        least = self.r_fm[min(_LEAST_POINTS, len(self.r) - 1)]
        return float(min(max(_MARGIN * typical, least), self.r_fm[-1]))

    def nearest_snapshots(self, times_fm: ArrayLike) -> Integer:
        """Return the distinct indices of the snapshots nearest to `times_fm`, increasing."""
        known = self.snapshots
        distance = np.abs(self.times_fm[known] - np.atleast_1d(float_array("times_fm", times_fm))[:, None])
        return np.unique(known[np.argmin(distance, axis=1)])

    def thinned(self, frames: int, points: int) -> Evolution:
        """Return the evolution inside the visible radius with at most `frames` times and `points` radii.

        Without wave functions only the times are thinned. The first and the last time are kept.
        """

        def spread(length: int, count: int) -> Integer:
            return np.unique(np.round(np.linspace(0, length - 1, min(length, count))).astype(np.int64))

        rows = spread(len(self.times_fm), frames)
        columns, u = np.empty(0, np.int64), np.empty((0, 0), complex)
        if len(self.snapshots):
            visible = int(np.searchsorted(self.r_fm, self.visible_radius_fm, side="right"))
            columns = spread(max(visible, min(2, len(self.r))), points)
            u = self.u[np.ix_(rows, columns)]
        series = {name: getattr(self, name)[rows] for name in ("times_fm", "overlaps", *_SERIES)}
        return replace(self, r=self.r[columns], u=u, **series)


def evolve_for_view(
    model: LindbladModel,
    medium: Any,
    initial: InitialState,
    times_fm: ArrayLike | None = None,
    **options: Any,
) -> Evolution:
    """Evolve a pair that never jumps and return what the views show.

    Parameters
    ----------
    model, medium, initial
        As for `qtraj.solve`; a model of either order, one medium, and a pure color.
    times_fm : array_like, shape (nt,), optional
        Increasing times in fm/c; by default 121 from 0 to the end of the medium.
    **options
        ``grid``, ``dt`` and ``projection`` of `wave_functions`.

    Returns
    -------
    Evolution

    Raises
    ------
    InputError
        As `wave_functions`.
    """
    if times_fm is None:
        ends = [end for history in as_histories(medium)[0] for _, end in history.active]
        times_fm = np.linspace(0, to_fm(max(ends)) if ends else _COLD_FM, _TIMES)
    waves = wave_functions(model, medium, initial, times_fm, **options)
    notes = [f"{initial!r} in {medium!r}", f"{model!r}"]
    if waves.cut > _LEAST_CUT:
        left_out = f"Pairs of high energy, {100 * waves.cut:.2g} % of the start, are left out"
        notes.append(f"{left_out}: the norm begins at {1 - waves.cut:.3g}.")
    return Evolution(
        title="Evolution without jumps",
        times_fm=waves.times_fm,
        norm=waves.norm,
        color=np.full(len(waves.times_fm), waves.color),
        l=np.full(len(waves.times_fm), waves.l),
        overlaps=waves.overlaps,
        mean_radius=waves.mean_radius,
        energy=waves.energy,
        # u(0) = 0 is no point of the mesh, but of every figure
        r=np.concatenate([[0.0], waves.r]),
        u=np.pad(waves.u / np.sqrt(waves.norm)[:, None], ((0, 0), (1, 0))),
        notes=tuple(notes),
    )


def load_evolution(
    source: str | os.PathLike[str],
    *,
    trajectory: int | None = None,
    params: str | os.PathLike[str] | None = None,
) -> Evolution:
    """Return the evolution stored in `source`.

    Parameters
    ----------
    source : str or path
        Output folder of QTraj 1.0, its ``summary.tsv``, or what `qtraj convert` made of the folder.
    trajectory : int, optional
        Number of the trajectory; the no-jump evolution by default. What happened before the trajectory left the
        no-jump evolution comes from there.
    params : str or path, optional
        The run's ``params.txt``; by default ``../input/params.txt`` of the folder, the layout of QTraj. It gives the
        units of <r> and of the energy and the times of the snapshots.

    Returns
    -------
    Evolution
        Of the pair that never jumps, or of the trajectory.

    Raises
    ------
    FileFormatError
        If there is no evolution in `source`, a file is missing or damaged, or ``params.txt`` belongs to another run.
    InputError
        If there is no such trajectory.
    """
    path = path_of("source", source)
    trajectory = None if trajectory is None else integer("trajectory", trajectory)
    params = None if params is None else path_of("params", params)
    if not path.exists():
        raise FileFormatError(path, "no such file or folder", "Check the path.")
    if path.suffix != NETCDF:
        return _from_folder(path.parent if path.name == SUMMARY else path, path, trajectory, params)
    params = _params_of(path) if params is None else params
    with TemporaryDirectory() as scratch:
        folder = Path(scratch) / path.stem
        folder.mkdir()
        convert(path, folder)
        return _from_folder(folder, path, trajectory, params)


def _from_folder(folder: Path, source: Path, trajectory: int | None, params: Path | None) -> Evolution:
    """Return the evolution of an output folder of QTraj 1.0, which was unpacked from `source` or is it."""
    if not (folder / SUMMARY).is_file():
        remedy = "QTraj writes it with outputSummaryFile 1; `qtraj solve --view DIR` needs no files."
        raise FileFormatError(source, f"holds no {SUMMARY}", remedy)
    blocks = read_summary(folder / SUMMARY)
    parameters = read_params(_params_of(folder) if params is None else params)
    if len(blocks) > 1 and not parameters.doJumps:
        raise _other_run(folder, "it has trajectories, and doJumps is 0")
    rows, writer = _rows_of(folder, blocks, trajectory)
    # The program prints <r>, the energy and, of trajectories, the overlaps of the normalized state if it makes jumps,
    # else of the state with its norm; `Evolution` wants the no-jump overlaps with the norm, all else without.
    with np.errstate(divide="ignore"):
        normalizing = np.where(rows.norm > 0, 1 / rows.norm, np.nan)
    moments = np.ones(len(rows)) if parameters.doJumps else normalizing
    overlaps = moments if trajectory is not None else rows.norm if parameters.doJumps else np.ones(len(rows))
    r, u, others = _snapshots(folder, blocks, rows, writer, parameters)
    notes, name = [], "evolution without jumps"
    if trajectory is not None:
        name = f"trajectory {trajectory}"
        notes.append("Dotted lines lead the eye: jumps between the stored times are not in the file.")
    for last, count in sorted(others.items()):
        files = "1 snapshot file holds" if count == 1 else f"{count} snapshot files hold"
        whose, flag = f"a state of trajectory {last}", f"--trajectory {last}"
        if last == -1:
            whose, flag = "a state of the evolution without jumps", "no --trajectory"
        notes.append(f"{files} {whose}, not shown here (see them with {flag}); QTraj overwrites snapshots.")
    return Evolution(
        title=f"{folder.name}: {name}",
        times_fm=rows.t_fm,
        norm=rows.norm,
        color=rows.color,
        l=rows.l,
        overlaps=rows.overlaps * overlaps[:, None],
        # printed: <r> over that of 1S, 3/2 a0 with a0 = 1/(m alpha), and the energy without the spacing of the grid
        mean_radius=rows.r_mean * moments * 3 / (2 * parameters.m * parameters.alpha),
        energy=rows.energy * moments * parameters.L / (parameters.num + 1),
        r=r,
        u=u,
        jumps=trajectory is not None,
        notes=tuple(notes),
    )


def _params_of(source: Path) -> Path:
    """Return ``../input/params.txt`` of an output folder or file of QTraj 1.0, where QTraj keeps it."""
    path = source.resolve().parent / "input" / "params.txt"
    if not path.is_file():
        problem = "the params.txt of this run is not in ../input, where QTraj keeps it"
        raise FileFormatError(source, problem, "Name it: --params FILE (params= in Python).")
    return path


def _rows_of(
    folder: Path, blocks: Sequence[SummaryBlock], trajectory: int | None
) -> tuple[SummaryBlock, Integer]:
    """Return the rows of the evolution, and for each row the trajectory that writes its snapshot (-1: none)."""
    path = folder / SUMMARY
    # the first row of the medium comes twice
    no_jump = _joined((blocks[0], np.unique(blocks[0].t_fm, return_index=True)[1]))
    if not len(no_jump):
        raise FileFormatError(path, "has no evolution without jumps", "Check that the run finished.")
    if trajectory is None:
        return no_jump, np.full(len(no_jump), -1)
    numbers = [block.trajectory for block in blocks[1:] if block.trajectory is not None]
    if trajectory not in numbers:
        if not numbers:
            raise InputError("trajectory", trajectory, "be left out", f"{path} has no trajectories.")
        allowed = f"be from {int(min(numbers))} to {int(max(numbers))} in {path}"
        raise InputError("trajectory", trajectory, allowed)
    jumped = next(block for block in blocks[1:] if block.trajectory == trajectory)
    before = no_jump.t_fm < jumped.t_fm[0] - _PRINTED if len(jumped) else np.full(len(no_jump), True)
    together = _joined((no_jump, np.flatnonzero(before)), (jumped, np.arange(len(jumped))))
    # its first row is still the state without jump
    after = np.arange(len(together)) > np.count_nonzero(before)
    return together, np.where(after, trajectory, -1)


def _joined(*parts: tuple[SummaryBlock, Integer]) -> SummaryBlock:
    """Return the chosen rows of blocks, one below the other, as a block like the last."""
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(block, name)[rows] for block, rows in parts])
        for name in ("t_fm", "norm", "color", "l", "overlaps", "r_mean", "energy")
    }
    return replace(parts[-1][0], **columns)


def _snapshots(
    folder: Path,
    blocks: Sequence[SummaryBlock],
    rows: SummaryBlock,
    writer: Integer,
    parameters: LegacyParameters,
) -> tuple[Float, Complex, dict[int, int]]:
    """Return r, the wave functions u, and how many other snapshots each trajectory wrote (-1: the no-jump one)."""
    r, u, others = np.empty(0), np.empty((0, 0), complex), dict[int, int]()
    matches = ((_SNAPSHOT.fullmatch(path.name), path) for path in folder.iterdir())
    for step, path in sorted((int(match[1]), path) for match, path in matches if match):
        time = (step * parameters.dt + parameters.t0) * _LEGACY_HBARC
        # the trajectory that wrote this time last, -1 for the no-jump evolution
        last = -1 if np.any(np.abs(blocks[0].t_fm - time) < _PRINTED) else None
        for block in blocks[1:]:
            # the first row of a block repeats the state without jump
            if block.trajectory is not None and np.any(np.abs(block.t_fm[1:] - time) < _PRINTED):
                last = block.trajectory
        if last is None:
            raise _other_run(folder, f"{path.name} would be at {time:.6f} fm/c, where {SUMMARY} has no row")
        row = np.flatnonzero(np.abs(rows.t_fm - time) < _PRINTED)
        if not len(row) or writer[row[0]] != last or not rows.norm[row[0]] > 0:
            others[last] = others.get(last, 0) + 1
            continue
        snapshot, norm = read_snapshot(path), float(rows.norm[row[0]])
        if not u.size:
            r, u = snapshot.r, np.full((len(rows), len(snapshot.r)), np.nan, complex)
        if not np.array_equal(snapshot.r, r):
            problem = "has other radii than the first snapshot"
            raise FileFormatError(path, problem, "Remove files of other runs.")
        if (
            last >= 0 and norm == 1
        ):  # a jump in this very step: the file holds the state before it was normalized
            norm = float(np.abs(snapshot.u) ** 2 @ np.gradient(snapshot.r))
        # else the norm is that of the row: the points of a file are too sparse to integrate a narrow start
        u[row[0]] = snapshot.u / np.sqrt(norm)
    return r, u, others


def _other_run(folder: Path, problem: str) -> FileFormatError:
    remedy = "If keys were set on the command line, name a params.txt with them: --params FILE."
    return FileFormatError(folder, f"params.txt is not that of this run: {problem}", remedy)
