"""The evolution of one pair in time as plain arrays: what every view of it is drawn from."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._checks import boolean, complex_array, finite_array, float_array, settle, text, texts
from ..errors import InputError
from ..physics.initial import InitialState
from ..physics.medium import as_histories
from ..physics.model import LindbladModel
from ..solvers.nojump.wave_functions import wave_functions
from ..states import STATE_NAMES
from ..units import HBARC, to_fm

Float = NDArray[np.float64]
Complex = NDArray[np.complex128]
Integer = NDArray[np.int64]

_HELD = 0.99  # share of the probability that sets the radius of the views
_MARGIN = 2.0
_LEAST_POINTS = 24
_TIMES = 121
_COLD_FM = 3.0  # shown of a pair that meets no medium
_LEAST_CUT = 1e-3  # of the start: less than this nobody misses
_ROUNDING = 1e-12  # projections that vanish by symmetry come out as rounding in stored runs


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
        for name, shape in self._shapes(nt, nr).items():
            given = np.shape(getattr(self, name))
            if given != shape:
                raise InputError(name, given, f"have the shape {shape}")

    @staticmethod
    def _shapes(nt: int, nr: int) -> dict[str, tuple[int, ...]]:
        series = dict.fromkeys(("norm", "color", "l", "mean_radius", "energy"), (nt,))
        return {**series, "overlaps": (nt, len(STATE_NAMES)), "r": (nr,), "u": (nt, nr)}

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
        least = self.r_fm[
            min(_LEAST_POINTS, len(self.r) - 1)
        ]  # a local start between a few points shows nothing
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
        rows = _spread(len(self.times_fm), frames)
        if not len(self.snapshots):
            return self._taken(rows, np.empty(0, np.int64))
        visible = int(np.searchsorted(self.r_fm, self.visible_radius_fm, side="right"))
        return self._taken(rows, _spread(max(visible, min(2, len(self.r))), points))

    def _taken(self, rows: Integer, columns: Integer) -> Evolution:
        series = ("times_fm", "norm", "color", "l", "overlaps", "mean_radius", "energy")
        thinned = {name: getattr(self, name)[rows] for name in series}
        u = self.u[np.ix_(rows, columns)] if len(columns) else np.empty((0, 0), complex)
        return replace(self, r=self.r[columns], u=u, **thinned)


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
    count = len(waves.times_fm)
    notes = [f"{initial!r} in {medium!r}", f"{model!r}"]
    if waves.cut > _LEAST_CUT:
        notes.append(
            f"Pairs of high energy, {100 * waves.cut:.2g} % of the start, are left out: the norm begins at "
            f"{1 - waves.cut:.3g}."
        )
    return Evolution(
        title="Evolution without jumps",
        times_fm=waves.times_fm,
        norm=waves.norm,
        color=np.full(count, waves.color),
        l=np.full(count, waves.l),
        overlaps=waves.overlaps,
        mean_radius=waves.mean_radius,
        energy=waves.energy,
        r=np.concatenate([[0.0], waves.r]),
        u=np.pad(waves.u / np.sqrt(waves.norm)[:, None], ((0, 0), (1, 0))),
        notes=tuple(notes),
    )


def _spread(length: int, count: int) -> Integer:
    """Return at most `count` indices of a sequence, evenly spread, with its first and last."""
    return np.unique(np.round(np.linspace(0, length - 1, min(length, count))).astype(np.int64))
