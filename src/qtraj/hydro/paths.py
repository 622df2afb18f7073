"""Straight paths of quarkonia, and the temperature that a hydro run gives along them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._checks import boolean, choice, finite_array, instance, mapping, number, positive, settle
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

# Whose proper time the time of a history is
Clock = Literal["hydro", "pair"]
CLOCKS: Final[dict[str, str]] = {
    "hydro": "proper time tau of the hydro; at mid-rapidity the lab time since the collision",
    "pair": "proper time of the pair, tau M/m_T",
}
BOOST_INVARIANT: Final = (
    "The hydro is boost invariant: a pair at any rapidity meets the medium of mid-rapidity."
)


@dataclass(frozen=True, eq=False)
class Paths:
    """Straight paths of quarkonia, created at tau = 0.

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
    rapidity : float or array_like, shape (n,), optional
        Of all paths, or of each; 0 is mid-rapidity. Kept as an array (n,).

    Raises
    ------
    InputError
        If shapes differ, a number is not finite, or p_T is negative.

    Notes
    -----
    A pair of rapidity y made at z = t = 0 moves with z = t tanh y, so it stays at the space-time rapidity y and meets
    the hydro at tau = t/cosh y. Its transverse velocity is p_T/(m_T cosh y), m_T^2 = M^2 + p_T^2, and its transverse
    distance p_T/(m_T cosh y) t = (p_T/m_T) tau at every rapidity.
    """

    x_fm: Float
    y_fm: Float
    pT: Float
    phi: Float
    replicate: NDArray[np.int64]
    mass: float = MEAN_MASS
    attrs: Mapping[str, Any] = field(default_factory=dict)
    rapidity: Any = 0.0

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
        rapidity = finite_array("rapidity", self.rapidity)
        if rapidity.shape not in ((), self.x_fm.shape):
            raise InputError(
                "rapidity", rapidity.shape, f"be one number, or one for each of {len(self)} paths"
            )
        settle(self, rapidity=np.array(np.broadcast_to(rapidity, self.x_fm.shape)))

    def __len__(self) -> int:
        return len(self.x_fm)

    @property
    def v_T(self) -> Float:
        """Transverse distance per proper time of the hydro, p_T/m_T, shape (n,); at y = 0 the velocity over c."""
        return np.asarray(self.pT / np.hypot(self.pT, self.mass))

    def position(self, tau_fm: ArrayLike) -> tuple[Float, Float]:
        """Return (x, y) in fm at proper times `tau_fm` (nt,), each of shape (n, nt)."""
        distance = self.v_T[:, None] * np.asarray(tau_fm, dtype=float)
        x = self.x_fm[:, None] + distance * np.cos(self.phi)[:, None]
        return x, self.y_fm[:, None] + distance * np.sin(self.phi)[:, None]


def histories_along(
    hydro: Hydro, paths: Paths, T_end: float, *, allow_hot_end: bool = False, clock: Clock = "hydro"
) -> Histories:
    """Return the temperature that each path meets, at the frames of the run.

    A pair created at (x, y), tau = 0, stays at the space-time rapidity that is its own rapidity and moves on a straight
    line with p_T/m_T per proper time of the hydro, see `Paths`. Between the frames `Histories` interpolates T along the
    moving path. Where a path leaves the stored cells, T is set to `hydro.T_floor`, an upper bound of what a sparse file
    left out.

    Parameters
    ----------
    hydro : Hydro
        The run. 3+1D runs are read at eta = `paths.rapidity`; a boost-invariant one is the same at every rapidity.
    paths : Paths
        n paths.
    T_end : float
        Temperature in GeV below which the medium does not act.
    allow_hot_end : bool, optional
        Accept paths that are hotter than T_end at the last frame: their medium then ends there.
    clock : {"hydro", "pair"}, optional
        Whose proper time the time of the histories is, in fm/c: tau of the hydro, the convention of QTraj, or that of
        the moving pair, d tau_pair = d tau M/m_T, which runs slower the larger p_T is.

    Returns
    -------
    Histories
        n histories on `hydro.tau_fm`, or each on its own times, with `metadata` x_fm, y_fm, pT, phi, replicate, y.

    Raises
    ------
    InputError
        If `T_end` is not above `hydro.T_floor`, a rapidity is outside the file's, or a path is hotter than `T_end` at
        the last frame (unless `allow_hot_end`) or where it leaves the grid: then the run does not contain what the
        history needs.

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
    clock = choice("clock", clock, get_args(Clock))
    rapidity = paths.rapidity
    if hydro.eta is not None:
        beyond = rapidity[(rapidity < hydro.eta[0]) | (rapidity > hydro.eta[-1])]
        if len(beyond):
            allowed = f"be within the rapidities of {source}, {hydro.eta[0]:g} to {hydro.eta[-1]:g}"
            half = hydro.eta[0] >= 0
            remedy = "Give `sample_paths` a range inside them, or take a run on a longer grid."
            remedy = "A file with eta >= 0 alone is completed by mirror = 'z'." if half else remedy
            raise InputError("rapidity", float(beyond[0]), allowed, remedy)
    T = np.empty((len(paths), len(hydro.tau_fm)))
    outside, cut, lost = np.zeros(T.shape, dtype=bool), np.zeros(len(paths), dtype=bool), ""
    # frame by frame, at the frames of the file alone: of a large run one frame is in use at a time, and Histories
    # interpolates in time along the moving path
    for frame, tau in enumerate(hydro.tau_fm):
        x, y = (coordinate[:, 0] for coordinate in paths.position([tau]))
        T[:, frame] = hydro.temperature_at_frames(frame, x, y, rapidity)
        outside[:, frame] = np.isnan(T[:, frame])
        path = np.flatnonzero(outside[:, frame])
        if not len(path):
            continue
        # where no T can be interpolated, a hot stored corner of the cell says that medium may be cut away
        cut[path[hydro.largest_corner(frame, x[path], y[path], rapidity[path]) > T_end]] = True
        left = (x < hydro.x_fm[0]) | (x > hydro.x_fm[-1]) | (y < hydro.y_fm[0]) | (y > hydro.y_fm[-1])
        gone = path[left[path]]
        # all four sides of the grid; NaN, not stored, counts as cold
        field = hydro.T[frame]
        if (
            not lost
            and len(gone)
            and any(np.any(side > T_end) for side in (field[[0, -1]], field[:, [0, -1]]))
        ):
            lost = f"path {gone[0]} leaves its grid at tau = {tau:g} fm/c"
    check_cools(hydro.tau_fm, T, T_end, allow_hot_end=allow_hot_end, medium=source, row="path")
    if lost:
        allowed = f"reach beyond the medium, but {lost} while the border is above T_end = {T_end} GeV"
        raise InputError("hydro", source, allowed, "Raise T_end, or take a run on a larger grid.")
    if np.any(cut):
        note(_cut_short, (int(np.count_nonzero(cut)), len(paths), T_end))
    low, high = float(rapidity.min()), float(rapidity.max())
    words = f"rapidity {low:g}" + (f" to {high:g}" if high > low else "")
    slower = paths.mass / np.hypot(paths.pT, paths.mass)
    return Histories(
        hydro.tau_fm if clock == "hydro" else slower[:, None] * hydro.tau_fm,
        np.where(outside, hydro.T_floor, T),
        T_end,
        metadata={**{name: getattr(paths, name) for name in COLUMNS}, "y": rapidity},
        attrs={
            **{f"hydro_{name}": value for name, value in hydro.attrs.items()},
            **{f"paths_{name}": value for name, value in paths.attrs.items()},
            "T_floor": hydro.T_floor,
            "clock": CLOCKS[clock],
            "path": f"straight line from the production point at tau = 0 with p_T/m_T per tau, {words}",
            **({"medium": BOOST_INVARIANT} if hydro.eta is None and (low, high) != (0.0, 0.0) else {}),
        },
        allow_hot_end=allow_hot_end,
    )


def _cut_short(counts: list[tuple[int, int, float]]) -> list[str]:
    cut, total = (sum(entry[i] for entry in counts) for i in (0, 1))
    return [
        f"{cut} of {total} paths end in a cell with a corner above T_end = {counts[0][2]} GeV and another "
        "that the file does not store: their medium is cut short by part of a cell."
    ]
