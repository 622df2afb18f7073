"""Hydro: the temperature field of one hydrodynamic run, and its interpolation in space and time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._checks import choice, float_array, instance, integer, mapping, number, positive, settle, text
from .._types import Float
from ..errors import InputError
from ..physics.medium import MAX_START_FM, MAX_T
from ..units import HBARC

Array = NDArray[Any]

# positions this close to a grid line (in cells) are taken as on it: text files and float32 headers carry
# coordinates to about 1e-7, and a corner of weight zero must not turn a stored value into NaN.
_SNAP = 1e-6

# fm/c; no fireball at RHIC or LHC lives longer, so a larger last time is in GeV^-1
TAU_LAST_MAX_FM: Final = 50.0

# A text axis of step 0.1 fm with three decimals is uniform to 1 %.
_UNIFORM = 0.02


@dataclass(frozen=True, eq=False)
class Hydro:
    """Temperature on a regular grid in (tau, x, y[, eta]).

    Parameters
    ----------
    tau_fm : array_like, shape (nt,)
        Increasing proper times of the frames, fm/c, nt >= 2; the spacing may vary (frames may be missing).
    x_fm, y_fm : array_like, shapes (nx,) and (ny,)
        Increasing, uniform coordinates in the transverse plane, fm; the impact parameter is along x.
    T : array_like, shape (nt, nx, ny) or (nt, nx, ny, neta)
        Temperature in GeV, > 0, NaN where the file stores nothing.
    eta : array_like, shape (neta,), optional
        Increasing, uniform space-time rapidity; None for a boost-invariant run.
    vx, vy : array_like, shape of `T`, optional
        Velocity of the fluid in units of c.
    attrs : mapping, optional
        Provenance: ``source``, ``units``, ``sha256``, ``b_fm``, ``system``, ...

    Raises
    ------
    InputError
        If an axis is not increasing, finite (and uniform), the shapes disagree, `T` is not positive, or is
        larger than 5 GeV (MeV was given), or nothing is stored.
    """

    tau_fm: Float
    x_fm: Float
    y_fm: Float
    T: Array
    eta: Float | None = None
    vx: Array | None = None
    vy: Array | None = None
    attrs: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        settle(self, tau_fm=check_times("tau_fm", self.tau_fm))
        for name in ("x_fm", "y_fm", *(() if self.eta is None else ("eta",))):
            settle(self, **{name: check_axis(name, getattr(self, name))})
        settle(self, T=check_temperature("T", self.T, self.shape))
        for name in ("vx", "vy"):
            if getattr(self, name) is None:
                continue
            array = _uncopied(name, getattr(self, name))
            if array.shape != self.shape:
                raise InputError(name, array.shape, f"have the shape of `T`, {self.shape}")
            if not np.all(np.abs(array[self.stored]) <= 1.0):
                allowed = "be velocities in units of c where T is stored"
                raise InputError(name, "larger than 1 or NaN", allowed)
            settle(self, **{name: array})
        mapping("attrs", self.attrs)

    @property
    def shape(self) -> tuple[int, ...]:
        """Numbers of points (nt, nx, ny) or (nt, nx, ny, neta)."""
        return tuple(len(axis) for axis in (self.tau_fm, *self._space))

    @property
    def _space(self) -> tuple[Float, ...]:
        return (self.x_fm, self.y_fm) if self.eta is None else (self.x_fm, self.y_fm, self.eta)

    @cached_property
    def stored(self) -> NDArray[np.bool_]:
        """True where the file stores a temperature, shape of `T`."""
        return np.isfinite(self.T)

    @cached_property
    def T_floor(self) -> float:
        """Smallest stored temperature in GeV: where a sparse file stores nothing, T is below it."""
        return float(np.nanmin(self.T))

    def mirrored(self, axes: str) -> Hydro:
        """Return the whole fireball where this is the half (quarter, octant) with coordinates from 0 on.

        Parameters
        ----------
        axes : str
            ``"x"``, ``"y"``, ``"z"`` (the rapidity of a 3+1D run) or several of them: T(-x) = T(x), vx(-x) = -vx(x).

        Returns
        -------
        Hydro
            Of nearly twice as many points along each of the axes, which began at 0 or at half a step.

        Raises
        ------
        InputError
            If an axis begins elsewhere, or a boost-invariant run shall be mirrored in rapidity.
        """
        allowed = "be made of x, y and z, each at most once"
        if set(text("mirror", axes)) - set("xyz") or len(set(axes)) < len(axes):
            raise InputError("mirror", axes, allowed)
        if "z" in axes and self.eta is None:
            raise InputError("mirror", axes, "be made of x and y for a boost-invariant run")
        return _reflected(_reflected(_reflected(self, axes, "x"), axes, "y"), axes, "z")

    def temperature_at_frames(
        self, frame: ArrayLike, x_fm: ArrayLike, y_fm: ArrayLike, eta: ArrayLike = 0.0
    ) -> Float:
        """Interpolate T (bi- or trilinearly) in space at frames of the file, `frame` (int) counting in `tau_fm`.

        `x_fm` and `y_fm` in fm and the space-time rapidity `eta`, which a boost-invariant run does not depend on,
        broadcast with `frame`. The result in GeV is NaN outside the grid and where a needed corner is not stored.
        """
        return self._combine(frame, (x_fm, y_fm, eta), largest=False)

    def largest_corner(
        self, frame: ArrayLike, x_fm: ArrayLike, y_fm: ArrayLike, eta: ArrayLike = 0.0
    ) -> Float:
        """Return the largest stored T in GeV among the corners of the cell, NaN if none or outside the grid.

        `frame`, `x_fm`, `y_fm` and `eta` are those of `temperature_at_frames`: where that is NaN inside the grid, this
        bounds the T that was cut away.
        """
        return self._combine(frame, (x_fm, y_fm, eta), largest=True)

    def temperature(self, tau_fm: ArrayLike, x_fm: ArrayLike, y_fm: ArrayLike, eta: ArrayLike = 0.0) -> Float:
        """Return T in GeV at any points inside the run: `tau_fm` in fm/c, `x_fm`, `y_fm` and `eta`, which broadcast.

        Linear in x, y (and eta) at the two frames around `tau_fm`, then linear in (ln tau, ln T) between
        them, which is exact for Bjorken flow; NaN as for `temperature_at_frames`. Histories along paths use a
        monotone cubic in (ln tau, ln T) instead.
        """
        tau, x, y, e = np.broadcast_arrays(*(np.asarray(a, dtype=float) for a in (tau_fm, x_fm, y_fm, eta)))
        last = len(self.tau_fm) - 2
        frame = np.clip(np.searchsorted(self.tau_fm, tau, side="right") - 1, 0, last)
        t0, t1 = self.tau_fm[frame], self.tau_fm[frame + 1]
        inside = (tau >= self.tau_fm[0]) & (tau <= self.tau_fm[-1])
        # outside the run any time will do: the result is NaN there
        weight = np.log(np.where(inside, tau, t0) / t0) / np.log(t1 / t0)
        early = np.log(self.temperature_at_frames(frame, x, y, e))
        late = np.log(self.temperature_at_frames(frame + 1, x, y, e))
        # a frame of weight zero must not make a stored value NaN
        early_part = np.where(weight < 1.0, (1.0 - weight) * early, 0.0)
        late_part = np.where(weight > 0.0, weight * late, 0.0)
        return np.asarray(np.where(inside, np.exp(early_part + late_part), np.nan))

    def _combine(self, frame: ArrayLike, position: tuple[ArrayLike, ...], *, largest: bool) -> Float:
        """Sum over the corners of the cell with their weights, or take the largest corner."""
        frames, *coordinates = np.broadcast_arrays(
            np.asarray(frame), *(np.asarray(p, dtype=float) for p in position)
        )
        cells = [_locate(axis, c) for axis, c in zip(self._space, coordinates, strict=False)]
        # a single frame is all that is touched then: fields may be larger than the memory
        one = np.ndim(frame) == 0
        flat = (self.T[int(frames.flat[0])] if one and frames.size else self.T).reshape(-1)
        first = np.zeros((), dtype=np.intp) if one else frames
        inside = np.logical_and.reduce([cell[2] for cell in cells])
        # from the last axis on: how far apart neighbors of an axis are in `flat`
        strides = [int(np.prod(self.shape[2 + i :])) for i in range(len(cells))]
        lowest = first * int(np.prod(self.shape[1:])) + sum(
            cell[0] * stride for cell, stride in zip(cells, strides, strict=True)
        )
        # a point on a grid line has no upper corner: what is not stored there does not matter
        steps = [np.where(cell[1] > 0, stride, 0) for cell, stride in zip(cells, strides, strict=True)]

        def along_eta(index: NDArray[np.intp]) -> Float:
            # fields stay in the precision of their file, sums are in double
            value = np.asarray(flat[index], dtype=float)
            if self.eta is None:
                return value
            above = np.asarray(flat[index + steps[2]], dtype=float)
            if largest:
                return np.asarray(np.fmax(value, above))
            # written so that a field without dependence on eta is exactly that without eta
            return np.asarray(value + cells[2][1] * (above - value))

        result = np.full(frames.shape, -np.inf if largest else 0.0)
        for i, j in np.ndindex(2, 2):
            value = along_eta(lowest + i * steps[0] + j * steps[1])
            if largest:
                result = np.fmax(result, value)
            else:
                (_, u, _), (_, v, _) = cells[:2]
                result += ((u if i else 1.0 - u) * (v if j else 1.0 - v)) * value
        return np.where(inside & np.isfinite(result), result, np.nan)


def _reflected(hydro: Hydro, axes: str, letter: str) -> Hydro:
    """Return a field completed by reflection along one axis, or as it is if that is not among `axes`."""
    if letter not in axes:
        return hydro
    name = {"x": "x_fm", "y": "y_fm", "z": "eta"}[letter]
    half, where = getattr(hydro, name), 1 + "xyz".index(letter)
    step = half[1] - half[0]
    # a text axis has rounded digits: zero to 1e-6 of a step, half a step to 1e-3 of it
    on_zero = abs(half[0]) < 1e-6 * step
    if not on_zero and abs(half[0] - step / 2) > 1e-3 * step:
        raise InputError(
            "mirror",
            axes,
            f"be without {letter}, which starts at {half[0]:g}, neither at 0 nor at half a step",
        )
    first = int(on_zero)  # a point at 0 is its own image

    def whole(values: Array, sign: float = 1.0) -> Array:
        image = np.flip(np.delete(values, np.s_[:first], axis=where), axis=where)
        return np.concatenate([image if sign > 0 else -image, values], axis=where)

    changed: dict[str, Any] = {name: np.concatenate([-np.flip(half[first:]), half]), "T": whole(hydro.T)}
    if hydro.vx is not None and hydro.vy is not None:
        # the velocity across the mirror changes sign
        changed["vx"] = whole(hydro.vx, -1.0 if letter == "x" else 1.0)
        changed["vy"] = whole(hydro.vy, -1.0 if letter == "y" else 1.0)
    return replace(hydro, **changed)


def join(early: Hydro, late: Hydro, *, tolerance: float = 0.1) -> Hydro:
    """Return one field of a pre-equilibrium stage and the hydrodynamics that goes on from it.

    Parameters
    ----------
    early, late : Hydro
        The two stages. Frames of `early` from the first time of `late` on are left out. Its temperatures are
        interpolated to the grid of `late` where the two differ.
    tolerance : float, optional
        Largest relative difference of the two temperatures where they meet, in the cells of `late` above half of its
        highest temperature. Where `early` ends before `late` begins, T may fall in between, but not faster than 1/tau.

    Returns
    -------
    Hydro
        On the grid of `late`, NaN where one stage stores nothing; without velocities unless both have them on one grid.

    Raises
    ------
    InputError
        If `early` does not begin before `late`, ends more than two of its steps before it, or the temperatures differ;
        or if only one of them is boost invariant.
    """
    tolerance = positive("tolerance", tolerance, "be a relative difference above 0")
    instance("early", early, Hydro)
    instance("late", late, Hydro)
    begin, last = float(late.tau_fm[0]), float(early.tau_fm[-1])
    frames = np.flatnonzero(early.tau_fm < begin * (1 - _SNAP))
    first, second = (str(s.attrs.get("source", n)) for s, n in ((early, "early"), (late, "late")))
    if not len(frames):
        value, allowed = f"{first} from {early.tau_fm[0]:g} fm/c", f"begin before {second}, at {begin:g} fm/c"
        raise InputError("early", value, allowed, "Are the two exchanged?")
    if (early.eta is None) != (late.eta is None):
        raise InputError("early", first, f"be boost invariant if {second} is, and 3+1D if it is")
    if begin - last > 2 * (last - early.tau_fm[-2]):
        value, allowed = f"{first} until {last:g} fm/c", f"reach the first time of {second}, {begin:g} fm/c"
        raise InputError("early", value, allowed, "A stage between them is missing.")
    place = np.meshgrid(*late._space, indexing="ij")
    end = min(last, begin)
    hot = late.T[0] > 0.5 * np.nanmax(late.T[0])
    ratio = (late.T[0] / early.temperature(end, *place))[hot]
    if not np.all((ratio > end / begin * (1 - tolerance)) & (ratio < 1 + tolerance)):
        worst = float(ratio[np.argmax(np.abs(np.log(ratio)))])  # NaN if one is
        differs = f"{1 / worst:.3g} times as hot" if np.isfinite(worst) else "which stores nothing there"
        allowed = f"end as {second} begins, within {tolerance:.0%} where that is hot"
        remedy = "Are both of one event, in one unit, on axes of one order?"
        raise InputError("early", f"{first}, {differs}", allowed, remedy)
    same = all(len(a) == len(b) and np.allclose(a, b) for a, b in zip(early._space, late._space, strict=True))
    of_stage = frames.reshape(-1, *[1] * len(place))
    T = early.T[frames] if same else early.temperature_at_frames(of_stage, *place)
    fields: dict[str, Any] = {"T": np.concatenate([T, late.T]), "vx": None, "vy": None}
    for name in ("vx", "vy"):
        before, after = getattr(early, name), getattr(late, name)
        if same and before is not None and after is not None:
            fields[name] = np.concatenate([before[frames], after])
    attrs = {**late.attrs, "source": f"{first} then {second}"}
    attrs["pre_equilibrium_sha256"] = str(early.attrs.get("sha256", ""))
    return replace(late, tau_fm=np.concatenate([early.tau_fm[frames], late.tau_fm]), **fields, attrs=attrs)


joined_hydro = join  # its name in version 0.1

EarlyLaw = Literal["constant", "bjorken", "free_streaming"]
EARLY_POWERS: Final[Mapping[EarlyLaw, float]] = {"constant": 0.0, "bjorken": 1 / 3, "free_streaming": 1 / 4}
"""T ~ tau^-power before the first frame."""

# frames before the first one are this factor apart at most: a path moves little between them
_EARLY_RATIO: Final = 1.1


def begin_earlier(hydro: Hydro, law: EarlyLaw, from_fm: float) -> Hydro:
    """Return the field with a medium before its first frame, where each cell follows a law of time alone.

    Parameters
    ----------
    hydro : Hydro
        The run.
    law : {"constant", "bjorken", "free_streaming"}
        ``"constant"``: T of the first frame. ``"bjorken"``: T ~ tau^(-1/3), the boost-invariant expansion of an ideal
        gas in equilibrium (J. D. Bjorken, Phys. Rev. D 27 (1983) 140). ``"free_streaming"``: T ~ tau^(-1/4), massless
        partons that stream without collisions and so have no longitudinal pressure left: de/dtau = -(e + P_L)/tau with
        P_L = 0, e ~ 1/tau, and T stands for e^(1/4).
    from_fm : float
        Proper time in fm/c at which the medium begins, before the first frame.

    Returns
    -------
    Hydro
        With further frames, at most 10 % apart in time, without velocities. Expansion in the transverse plane before
        the first frame is left out.

    Raises
    ------
    InputError
        If `from_fm` is not before the first frame, or T there would be no temperature in GeV below 5.
    """
    instance("hydro", hydro, Hydro)
    allowed = f"be one of {', '.join(map(repr, EARLY_POWERS))}; without a medium before the first frame leave it out"
    power = EARLY_POWERS[choice("law", law, EARLY_POWERS, allowed)]
    first = float(hydro.tau_fm[0])
    allowed = f"be a time above 0 and before the first frame, at {first:g} fm/c"
    from_fm = number("from_fm", from_fm, allowed, above=0, below=first)
    n = int(np.ceil(np.log(first / from_fm) / np.log(_EARLY_RATIO)))
    tau = np.geomspace(from_fm, first, n + 1)[:-1]
    factor = (first / tau) ** power
    T = np.concatenate([factor.reshape(-1, *[1] * len(hydro._space)) * hydro.T[:1], hydro.T])
    attrs = {**hydro.attrs, "before_first_frame": f"{law} from {from_fm:g} fm/c"}
    return Hydro(
        np.append(tau, hydro.tau_fm), hydro.x_fm, hydro.y_fm, T.astype(hydro.T.dtype), hydro.eta, attrs=attrs
    )


def event_plane(hydro: Hydro, n: int = 2) -> float:
    """Return the angle of the event plane of order `n` of the first frame at mid-rapidity.

    Parameters
    ----------
    hydro : Hydro
        The run.
    n : int, optional
        2 for the elliptic plane, which is along the short axis of the fireball.

    Returns
    -------
    float
        psi_n = (arg <r^n exp(i n phi)> + pi)/n in radians from the x axis, in (-pi/n, pi/n]; the average has the weight
        T^3, the entropy density of an ideal gas, about its own center (B. Alver and G. Roland, Phys. Rev. C 81 (2010)
        054905, eq. (7), with entropy in place of participants and r^n in place of r^2).
    """
    instance("hydro", hydro, Hydro)
    n = integer("n", n, 2)
    T = hydro.T[0] if hydro.eta is None else hydro.T[0][..., int(np.argmin(np.abs(hydro.eta)))]
    weight = np.nan_to_num(T).astype(float) ** 3
    z = hydro.x_fm[:, None] + 1j * hydro.y_fm
    z = z - np.average(z, weights=weight)
    moment = complex(np.average(z**n, weights=weight))
    angle = (np.angle(moment) + np.pi) / n
    return float(angle - 2 * np.pi / n if angle > np.pi / n else angle)


def _locate(axis: Float, position: Float) -> tuple[NDArray[np.intp], Float, NDArray[np.bool_]]:
    """Return index of the grid line below, distance from it in steps below 1, and whether the position is on the axis.

    A position off the axis is put on its first line.
    """
    step = (axis[-1] - axis[0]) / (len(axis) - 1)
    cells = (position - axis[0]) / step
    nearest = np.round(cells)
    cells = np.where(np.abs(cells - nearest) < _SNAP, nearest, cells)
    inside = (cells >= 0) & (cells <= len(axis) - 1)
    cells = np.where(inside, cells, 0.0)
    low = cells.astype(np.intp)
    return low, cells - low, inside


def check_axis(name: str, value: ArrayLike, *, uniform: bool = True) -> Float:
    """Return `value` as an increasing axis of at least two finite points, or raise InputError."""
    axis = float_array(name, value)
    if axis.ndim != 1 or axis.size < 2:
        raise InputError(name, axis.shape, "be one-dimensional with at least 2 points")
    if not np.all(np.isfinite(axis)):
        raise InputError(name, axis[~np.isfinite(axis)][0], "be finite")
    steps = np.diff(axis)
    if np.any(steps <= 0):
        where = int(np.argmax(steps <= 0))
        raise InputError(name, axis[where : where + 2].tolist(), f"be strictly increasing (at index {where})")
    if uniform and np.ptp(steps) > _UNIFORM * steps.mean():
        raise InputError(name, [float(steps.min()), float(steps.max())], "have one spacing")
    return axis


def check_times(name: str, value: ArrayLike) -> Float:
    """Return `value` as increasing positive proper times in fm/c, or raise InputError."""
    tau = check_axis(name, value, uniform=False)
    if tau[0] <= 0:
        raise InputError(name, float(tau[0]), "start at a positive proper time")
    if tau[0] > MAX_START_FM or tau[-1] > TAU_LAST_MAX_FM:
        allowed = f"be in fm/c, from at most {MAX_START_FM:g} to at most {TAU_LAST_MAX_FM:g}"
        remedy = f"Is it in GeV^-1? Multiply by {HBARC}."
        raise InputError(name, [float(tau[0]), float(tau[-1])], allowed, remedy)
    return tau


def _uncopied(name: str, value: ArrayLike) -> Array:
    """Return numbers as an array: floats as they are, since a 3+1D run may fill much of the memory."""
    if isinstance(value, np.ndarray) and value.dtype in (np.float32, np.float64):
        return value
    return float_array(name, value)


def check_temperature(name: str, value: ArrayLike, shape: tuple[int, ...]) -> Array:
    """Return `value` as positive GeV with NaN where nothing is stored, or raise InputError."""
    array = _uncopied(name, value)
    if array.shape != shape:
        raise InputError(name, array.shape, f"have the shape of its axes, {shape}")
    if np.all(np.isnan(array)):
        raise InputError(name, "NaN everywhere", "hold at least one temperature")
    low, high = float(np.nanmin(array)), float(np.nanmax(array))
    if low <= 0 or not np.isfinite(high):
        allowed = "be positive and finite, NaN where nothing is stored"
        raise InputError(name, low if low <= 0 else high, allowed)
    if high > MAX_T:
        raise InputError(name, high, f"be in GeV, at most {MAX_T:g}", "Is it in MeV? Divide by 1000.")
    return array
