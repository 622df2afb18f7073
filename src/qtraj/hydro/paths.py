"""Straight paths of quarkonia, and the temperature that a hydro run gives along them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._checks import boolean, finite_array, instance, mapping, number, positive, settle
from .._types import Float
from ..errors import InputError, note
from ..physics.medium import Histories, check_cools, check_temperature
from ..states import MESONS
from .field import Hydro

# the last digit of a PDG number of a meson is 2J + 1.
_SPIN_STATES: Final = np.array([meson.pdg_id % 10 for meson in MESONS])
MEAN_MASS: Final = float(np.average([meson.mass for meson in MESONS], weights=_SPIN_STATES))
"""Mean mass of the nine bottomonia weighted with their 2J + 1 spin states, GeV: one p_T spectrum for all."""

COLUMNS: Final = ("x_fm", "y_fm", "pT", "phi", "replicate")  # what each path has of its own


@dataclass(frozen=True, eq=False)
class Paths:
    """Straight paths of quarkonia of one rapidity, created at tau = 0.

    Parameters
    ----------
    x_fm, y_fm : array_like, shape (n,)
        Production point, fm; the impact parameter is along x.
    pT : array_like, shape (n,)
        Transverse momentum, GeV.
    phi : array_like, shape (n,)
        Its direction from the x axis, radians.
    replicate : array_like of int, shape (n,)
        Independent replicate to which the path belongs: the scatter of replicate means is the sampling error.
    mass : float
        Mass of the moving pair, GeV.
    attrs : mapping, optional
        How the paths were drawn.
    rapidity : float, optional
        Of all paths; 0 is mid-rapidity. A pair stays at the space-time rapidity that equals its own.

    Raises
    ------
    InputError
        If shapes differ, a number is not finite, or p_T is negative.
    """

    x_fm: Float
    y_fm: Float
    pT: Float
    phi: Float
    replicate: NDArray[np.int64]
    mass: float = MEAN_MASS
    attrs: Mapping[str, Any] = field(default_factory=dict)
    rapidity: float = 0.0

    def __post_init__(self) -> None:
        for name in COLUMNS:
            whole = name == "replicate"
            allowed = "be integers" if whole else "be a non-empty one-dimensional array of finite numbers"
            array = np.atleast_1d(finite_array(name, getattr(self, name), allowed=allowed))
            if array.ndim != 1 or array.size == 0:
                raise InputError(name, array, allowed)
            settle(self, **{name: array})
        if np.any(self.replicate != np.floor(self.replicate)):
            raise InputError("replicate", self.replicate, "be integers")
        settle(self, replicate=self.replicate.astype(np.int64), attrs=mapping("attrs", self.attrs))
        lengths = {len(getattr(self, name)) for name in COLUMNS}
        if len(lengths) != 1:
            raise InputError(", ".join(COLUMNS), sorted(lengths), "have one length")
        if np.any(self.pT < 0):
            raise InputError("pT", float(self.pT.min()), "be non-negative")
        settle(self, mass=positive("mass", self.mass, "be positive, in GeV"))
        settle(self, rapidity=number("rapidity", self.rapidity, "be a finite number"))

    def __len__(self) -> int:
        return len(self.x_fm)

    @property
    def v_T(self) -> Float:
        """Transverse velocity p_T/E_T in units of c, shape (n,)."""
        return np.asarray(self.pT / np.hypot(self.pT, self.mass))

    def position(self, tau_fm: ArrayLike) -> tuple[Float, Float]:
        """Return (x, y) in fm at proper times `tau_fm` (nt,), each of shape (n, nt)."""
        distance = self.v_T[:, None] * np.asarray(tau_fm, dtype=float)
        x = self.x_fm[:, None] + distance * np.cos(self.phi)[:, None]
        return x, self.y_fm[:, None] + distance * np.sin(self.phi)[:, None]


def histories_along(hydro: Hydro, paths: Paths, T_end: float, *, allow_hot_end: bool = False) -> Histories:
    """Return the temperature that each path meets, at the frames of the run.

    A pair created at (x, y), tau = 0, moves on a straight line with dx/dtau = v_T = p_T/E_T at the space-time rapidity
    that is its own rapidity; in the frame where that is 0, its time is the proper time tau of the hydro. Between the
    frames `Histories` interpolates T along the moving path. Where a path leaves the stored cells, T is set to
    `hydro.T_floor`, an upper bound of what a sparse file left out.

    Parameters
    ----------
    hydro : Hydro
        The run; 3+1D runs are read at eta = `paths.rapidity`.
    paths : Paths
        n paths.
    T_end : float
        Temperature in GeV below which the medium does not act.
    allow_hot_end : bool, optional
        Accept paths that are hotter than T_end at the last frame: their medium then ends there.

    Returns
    -------
    Histories
        n histories on `hydro.tau_fm`, with `metadata` x_fm, y_fm, pT, phi, replicate.

    Raises
    ------
    InputError
        If `T_end` is not above `hydro.T_floor`, or a path is hotter than `T_end` at the last frame (unless
        `allow_hot_end`) or where it leaves the grid: then the run does not contain what the history needs.

    Warns
    -----
    AccuracyWarning
        If a path loses medium hotter than `T_end` because a corner of its cell is not stored.
    """
    instance("hydro", hydro, Hydro)
    instance("paths", paths, Paths)
    source = str(hydro.attrs.get("source", "the hydro"))
    allowed = f"be above {hydro.T_floor:.5f} GeV, the lowest temperature that {source} stores"
    remedy = "The file does not know when the medium cools below it."
    T_end = check_temperature("T_end", number("T_end", T_end, allowed, remedy, above=hydro.T_floor))
    allow_hot_end = boolean("allow_hot_end", allow_hot_end)
    x, y = paths.position(hydro.tau_fm)
    # at the frames of the file alone: Histories interpolates in time along the moving path
    y_L = paths.rapidity
    if hydro.eta is not None and not hydro.eta[0] <= y_L <= hydro.eta[-1]:
        allowed = f"be within the rapidities of {source}, {hydro.eta[0]:g} to {hydro.eta[-1]:g}"
        raise InputError("rapidity", y_L, allowed, "A file with eta >= 0 alone is completed by mirror = 'z'.")
    T = hydro.temperature_at_frames(np.arange(len(hydro.tau_fm)), x, y, y_L)
    check_cools(hydro.tau_fm, T, T_end, allow_hot_end=allow_hot_end, medium=source, row="path")
    outside = np.isnan(T)
    _check_grid(hydro, source, outside, x, y, T_end)
    # where no T can be interpolated, a hot stored corner of the cell says that medium may be cut away
    path, frame = np.nonzero(outside)
    corner = hydro.largest_corner(frame, x[path, frame], y[path, frame], y_L)
    if cut := len(np.unique(path[corner > T_end])):
        note(_cut_short, (cut, len(paths), T_end))
    return Histories(
        hydro.tau_fm,
        np.where(outside, hydro.T_floor, T),
        T_end,
        metadata={name: getattr(paths, name) for name in COLUMNS},
        attrs={
            **{f"hydro_{name}": value for name, value in hydro.attrs.items()},
            **{f"paths_{name}": value for name, value in paths.attrs.items()},
            "T_floor": hydro.T_floor,
            "clock": "proper time tau of the hydro; at mid-rapidity the lab time since the collision",
            "path": f"straight line from the production point at tau = 0 with v_T = p_T/E_T, rapidity {y_L:g}",
        },
        allow_hot_end=allow_hot_end,
    )


def _cut_short(counts: list[tuple[int, int, float]]) -> list[str]:
    cut, total = (sum(entry[i] for entry in counts) for i in (0, 1))
    return [
        f"{cut} of {total} paths end in a cell with a corner above T_end = {counts[0][2]} GeV and another "
        "that the file does not store: their medium is cut short by part of a cell."
    ]


def _check_grid(
    hydro: Hydro, source: str, outside: NDArray[np.bool_], x: Float, y: Float, T_end: float
) -> None:
    """Refuse paths that leave the grid in a frame in which its border is hotter than T_end."""
    n_frames = len(hydro.tau_fm)
    # all four sides of the grid in every frame; NaN, not stored, counts as cold
    edges = [hydro.T[:, [0, -1]].reshape(n_frames, -1), hydro.T[:, :, [0, -1]].reshape(n_frames, -1)]
    border_is_hot = np.any(np.concatenate(edges, axis=1) > T_end, axis=1)
    left = (x < hydro.x_fm[0]) | (x > hydro.x_fm[-1]) | (y < hydro.y_fm[0]) | (y > hydro.y_fm[-1])
    bad = np.argwhere(outside & left & border_is_hot)
    if bad.size:
        path, frame = bad[0]
        where = f"path {path} leaves its grid at tau = {hydro.tau_fm[frame]:g} fm/c"
        allowed = f"reach beyond the medium, but {where} while the border is above T_end = {T_end} GeV"
        raise InputError("hydro", source, allowed, "Raise T_end, or take a run on a larger grid.")
