"""Media: the temperature that acts on a pair as a function of its time, and where it acts.

The medium acts while T > T_end, from the first time given on; before it, in colder gaps and after it the evolution
is vacuum, which changes no overlap with a vacuum eigenstate, so a run stops at the last time with T > T_end
(arXiv:2107.06147). Boost-invariant flow: J. D. Bjorken, Phys. Rev. D 27 (1983) 140. An anisotropic medium has the
momentum distribution f = f_iso( sqrt(sum_i p_i^2/alpha_i^2 + m^2)/lambda ), lambda the hard scale.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import PchipInterpolator

from .._checks import boolean, float_array, mapping, number, positive, settle
from .._types import Float
from ..errors import InputError
from ..units import HBARC, from_fm

Interval = tuple[float, float]

# No fluid is hotter than 5 GeV: a larger number was given in MeV.
MAX_T = 5.0

# No medium starts later than 2.5 fm/c: a larger number was given in GeV^-1.
MAX_START_FM = 2.5

# No medium acts longer, in fm/c: a fireball of the LHC is above 0.15 GeV for 15 fm/c, and a run without a bound on its
# length would go on for hours because of one misplaced digit of T_end.
MAX_END_FM = 200.0

HINT_MEV = "Temperatures are in GeV; divide MeV by 1000."
HINT_TIME = f"Times are in fm/c; multiply GeV^-1 by {HBARC:.4f}."


@runtime_checkable
class History(Protocol):
    """Temperature history of one pair.

    One whose temperature bends or jumps at known times lists them, in GeV^-1, in an attribute ``knots``: see
    `knots_of`.
    """

    @property
    def active(self) -> tuple[Interval, ...]:
        """Intervals (start, end) in GeV^-1, increasing, in which the medium acts; empty for a cold history."""
        ...

    def temperature(self, t: Float) -> Float:
        """Return T in GeV at times t in GeV^-1 inside the active intervals."""
        ...


@runtime_checkable
class AnisotropicHistory(History, Protocol):
    """A history of an anisotropic medium."""

    def anisotropy(self, t: Float) -> tuple[Float, Float]:
        """Return xi and the hard scale in GeV at times t in GeV^-1, each of the shape of t."""
        ...


def knots_of(history: History) -> Float:
    """Return the times in GeV^-1, increasing, at which the temperature of a history may bend; none for a smooth one.

    A history says so by an attribute ``knots``: features as fine as their spacing are then seen by every method.
    """
    return np.sort(np.asarray(getattr(history, "knots", ()), dtype=float))


def medium_state(history: History, t: Float) -> tuple[Float, Float, Float]:
    """Return temperature, anisotropy and hard scale of the medium at times t in GeV^-1 inside the active intervals.

    Each has the shape of t. The anisotropy is (alpha_perp/alpha_z)^2 - 1; without one it is 0, and the hard scale is T.
    """
    T = history.temperature(t)
    if isinstance(history, AnisotropicHistory):
        return (T, *history.anisotropy(t))
    return T, np.zeros_like(T), T


@dataclass(frozen=True)
class Bjorken:
    """Ideal boost-invariant cooling, T = T0 (tau_med/t)^(1/3) from tau_med until T = T_end.

    Parameters
    ----------
    T0 : float
        Temperature at the start in GeV.
    tau_fm : float
        Start of the medium tau_med in fm/c.
    T_end : float
        Temperature at which the medium stops acting, in GeV, below T0.

    Raises
    ------
    InputError
        If a temperature is not positive, above 5 GeV (MeV?), T_end >= T0, tau_fm is implausible (GeV^-1?), or T_end so
        low that the flow reaches it after 200 fm/c only.
    """

    T0: float
    tau_fm: float = 0.6
    T_end: float = 0.25

    def __post_init__(self) -> None:
        T0, tau_fm = check_temperature("T0", self.T0), check_start("tau_fm", self.tau_fm)
        T_end = check_end(self.T_end, T0)
        lowest = T0 * (tau_fm / MAX_END_FM) ** (1 / 3)  # reached after MAX_END_FM
        remedy = f"Raise T_end to {lowest:.3g} GeV or more, or lower T0."
        check_lifetime(tau_fm * (T0 / T_end) ** 3, "T_end", T_end, remedy)
        settle(self, T0=T0, tau_fm=tau_fm, T_end=T_end)

    @property
    def active(self) -> tuple[Interval, ...]:
        """One interval from tau_med to the time at which T = T_end, in GeV^-1."""
        start = from_fm(self.tau_fm)
        return ((start, start * (self.T0 / self.T_end) ** 3),)

    def temperature(self, t: Float) -> Float:
        """Return T(t) in GeV, t in GeV^-1."""
        return np.asarray(self.T0 * np.cbrt(from_fm(self.tau_fm) / t))


@dataclass(frozen=True)
class ConstantTemperature:
    """Constant temperature T from tau_fm on for duration_fm.

    Parameters
    ----------
    T : float
        Temperature in GeV.
    tau_fm : float
        Start in fm/c.
    duration_fm : float
        Duration in fm/c, positive.

    Raises
    ------
    InputError
        If an argument is not positive or implausible.
    """

    T: float
    tau_fm: float
    duration_fm: float

    def __post_init__(self) -> None:
        allowed = "be positive and at most 100 fm/c"
        settle(
            self,
            T=check_temperature("T", self.T),
            tau_fm=check_start("tau_fm", self.tau_fm),
            duration_fm=number("duration_fm", self.duration_fm, allowed, HINT_TIME, above=0, high=100),
        )

    @property
    def active(self) -> tuple[Interval, ...]:
        """The one interval, in GeV^-1."""
        start = from_fm(self.tau_fm)
        return ((start, start + from_fm(self.duration_fm)),)

    def temperature(self, t: Float) -> Float:
        """Return T for every t."""
        return np.full_like(t, self.T)


@dataclass(frozen=True, eq=False)
class TabulatedTemperature:
    """Temperature table, interpolated monotonically in (ln tau, ln T).

    Parameters
    ----------
    tau_fm : array_like, shape (nt,)
        Increasing times in fm/c; the medium acts from the first one.
    T : array_like, shape (nt,)
        Temperatures in GeV, positive.
    T_end : float
        The medium acts where T > T_end, in GeV.
    allow_cold : bool
        Accept a table that never exceeds T_end (then nothing happens to the pair).
    alpha : array_like, shape (nt, 3), optional
        alpha_x, alpha_y, alpha_z of an anisotropic medium, f = f_iso( sqrt(sum p_i^2/alpha_i^2 + m^2)/hard_scale ).
    hard_scale : array_like, shape (nt,), optional
        lambda in GeV; goes with `alpha`.
    allow_hot_end : bool
        Accept a table that is hotter than T_end at its last time: the medium then ends there.

    Raises
    ------
    InputError
        If the table is empty, not increasing, not finite, not positive, in MeV or GeV^-1, cold and `allow_cold`
        is False, hot at its end and `allow_hot_end` is False, or hot after 200 fm/c, or if one of `alpha` and
        `hard_scale` is given without the other.

    Notes
    -----
    The interpolation is the piecewise cubic Hermite polynomial of Fritsch and Butland: it does not overshoot, so no
    heat appears between the points. After the last point the medium does not act. Only potentials that change with
    the medium see its anisotropy; kappa and gamma are functions of T.
    """

    tau_fm: ArrayLike
    T: ArrayLike
    T_end: float
    allow_cold: bool = False
    alpha: ArrayLike | None = field(default=None, repr=False)
    hard_scale: ArrayLike | None = field(default=None, repr=False)
    allow_hot_end: bool = False
    _log: PchipInterpolator = field(init=False, repr=False)
    _anisotropy: PchipInterpolator | None = field(init=False, repr=False)
    active: tuple[Interval, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        tau, T = check_table(self.tau_fm, self.T)
        if T.ndim != 1:
            remedy = "A batch of tables is a Histories(tau_fm, T, T_end)."
            raise InputError("T", T.shape, "be a 1-D array", remedy)
        T_end = check_temperature("T_end", self.T_end)
        if not boolean("allow_cold", self.allow_cold):
            check_end(T_end, float(T.max()), "the largest T of the table")
        check_cools(tau, T, T_end, allow_hot_end=boolean("allow_hot_end", self.allow_hot_end))
        alpha, hard_scale = check_columns(self.alpha, self.hard_scale, T.shape)
        # in (ln tau, ln T) Bjorken flow is a straight line; the cubic keeps the data's monotony
        x = np.log(tau / HBARC)
        log, anisotropy = PchipInterpolator(x, np.log(T)), None
        if alpha is not None and hard_scale is not None:
            anisotropy = PchipInterpolator(x, np.log(np.column_stack([alpha, hard_scale])))
        # in ln t all roots of the piecewise cubic: the medium may act in several intervals
        end, first, last = float(np.log(T_end)), float(x[0]), float(x[-1])
        crossings = np.asarray(log.solve(end, extrapolate=False), dtype=float)
        crossings = crossings[np.isfinite(crossings) & (crossings > first) & (crossings < last)]
        edges = np.concatenate([[first], np.unique(crossings), [last]])
        hot = np.concatenate([[False], log(0.5 * (edges[1:] + edges[:-1])) > end, [False]])
        # where heat begins and ends: a touching point that is no crossing splits nothing
        starts, stops = np.exp(edges[~hot[:-1] & hot[1:]]), np.exp(edges[hot[:-1] & ~hot[1:]])
        settle(
            self,
            T_end=T_end,
            allow_cold=bool(self.allow_cold),
            allow_hot_end=bool(self.allow_hot_end),
            _log=log,
            _anisotropy=anisotropy,
            active=tuple(zip(starts.tolist(), stops.tolist(), strict=True)),
        )

    @property
    def knots(self) -> Float:
        """Times of the table in GeV^-1: between two of them the interpolant is smooth."""
        return np.asarray(self.tau_fm, dtype=float) / HBARC

    def temperature(self, t: Float) -> Float:
        """Return T(t) in GeV, t in GeV^-1 inside the table."""
        return np.asarray(np.exp(self._log(np.log(t))))

    def anisotropy(self, t: Float) -> tuple[Float, Float]:
        """Return xi = (alpha_perp/alpha_z)^2 - 1 and lambda in GeV at t in GeV^-1; (0, T) for an isotropic table."""
        if self._anisotropy is None:
            return np.zeros_like(t), self.temperature(t)
        x, y, z, scale = np.moveaxis(np.exp(self._anisotropy(np.log(t))), -1, 0)
        return np.asarray(((x + y) / (2 * z)) ** 2 - 1), scale


class Histories(Sequence[TabulatedTemperature]):
    """A batch of tabulated histories.

    Parameters
    ----------
    tau_fm : array_like, shape (nt,) or (n, nt)
        Increasing proper times in fm/c, of all histories or of each; the medium acts from the first one.
    T : array_like, shape (n, nt)
        Temperatures in GeV, finite and positive; where a fluid stored nothing put its floor temperature.
    T_end : float
        The medium acts where T > T_end, in GeV. A history that never exceeds it is cold: its pair survives.
    metadata : mapping of str to array_like, optional
        Arrays of shape (n,) that describe the histories: x_fm, y_fm, pT, phi, replicate, ...
    attrs : mapping, optional
        Provenance.
    alpha : array_like, shape (n, nt, 3), optional
        alpha_x, alpha_y, alpha_z of anisotropic media, as for `TabulatedTemperature`.
    hard_scale : array_like, shape (n, nt), optional
        lambda in GeV; goes with `alpha`.
    allow_hot_end : bool
        Accept histories that are hotter than T_end at the last time: their medium then ends there.

    Raises
    ------
    InputError
        For bad tables, one that ends hot unless `allow_hot_end` is True, or metadata of another length.
    """

    def __init__(
        self,
        tau_fm: ArrayLike,
        T: ArrayLike,
        T_end: float,
        metadata: Mapping[str, ArrayLike] | None = None,
        attrs: Mapping[str, Any] | None = None,
        alpha: ArrayLike | None = None,
        hard_scale: ArrayLike | None = None,
        allow_hot_end: bool = False,
    ) -> None:
        self.T = float_array("T", T)
        if self.T.ndim != 2 or self.T.shape[0] == 0:
            raise InputError("T", self.T.shape, "be of shape (histories, times) with at least one history")
        self.tau_fm, _ = check_table(tau_fm, self.T)
        self.T_end = check_temperature("T_end", T_end)
        self.allow_hot_end = boolean("allow_hot_end", allow_hot_end)
        names = {"medium": "the grid of times", "row": "history"}
        check_cools(self.tau_fm, self.T, self.T_end, allow_hot_end=self.allow_hot_end, **names)
        self.alpha, self.hard_scale = check_columns(alpha, hard_scale, self.T.shape)
        given = {} if metadata is None else mapping("metadata", metadata)
        self.metadata = {name: np.asarray(values) for name, values in given.items()}
        for name, values in self.metadata.items():
            if values.shape[:1] != (len(self),):
                allowed = f"have one entry for each of {len(self)} histories"
                raise InputError(f"metadata[{name!r}]", values.shape, allowed)
        self.attrs = {} if attrs is None else dict(mapping("attrs", attrs))

    def __len__(self) -> int:
        return int(self.T.shape[0])

    def __getitem__(self, index: Any) -> Any:
        """Return history `index`, or the batch of a slice or index array."""
        T, hot = self.T[index], self.allow_hot_end
        alpha, scale = (None if c is None else c[index] for c in (self.alpha, self.hard_scale))
        tau_fm = self.tau_fm if self.tau_fm.ndim == 1 else self.tau_fm[index]
        if isinstance(index, int | np.integer):
            # a cold history is a pair that survives, not an error
            return TabulatedTemperature(tau_fm, T, self.T_end, True, alpha, scale, hot)
        metadata = {name: values[index] for name, values in self.metadata.items()}
        return Histories(tau_fm, T, self.T_end, metadata, self.attrs, alpha, scale, hot)

    def __repr__(self) -> str:
        first, last = self.tau_fm.min(), self.tau_fm.max()
        return (
            f"Histories({len(self)} histories, {self.T.shape[1]} times {first:g}-{last:g} fm/c, "
            f"T up to {self.T.max():.3f} GeV, T_end={self.T_end:g} GeV)"
        )

    def _repr_html_(self) -> str:
        """Return what a notebook shows: between what the histories lie."""
        import pandas as pd  # noqa: PLC0415  `import qtraj` is a third quicker without

        columns = {"highest T [GeV]": self.T.max(axis=1)}
        columns |= {name: v for name, v in self.metadata.items() if v.ndim == 1 and v.dtype.kind in "iuf"}
        table = pd.DataFrame(columns).agg(["min", "mean", "max"]).T
        return f"<p>{escape(repr(self))}</p>{table.to_html(border=0, max_rows=20)}"


def as_histories(medium: Any) -> tuple[Sequence[History], bool]:
    """Return the sequence of histories in `medium`, and whether it was a batch."""
    if isinstance(medium, Histories):
        return medium, True
    if isinstance(medium, History) and not isinstance(medium, type):
        return (medium,), False
    if isinstance(medium, Sequence) and not isinstance(medium, str) and len(medium) > 0:
        for i, member in enumerate(medium):
            if isinstance(member, type) or not isinstance(member, History):
                raise InputError(f"medium[{i}]", member, "be a medium such as Bjorken(...)")
        return medium, True
    allowed = "be a medium such as Bjorken(...), a non-empty list of media, or Histories"
    raise InputError("medium", medium, allowed)


def check_table(tau_fm: ArrayLike, T: ArrayLike) -> tuple[Float, Float]:
    """Return tau_fm of shape (nt,) and T of shape (..., nt) as float arrays, or raise `InputError`.

    Tables (n, nt) may each have their own times: tau_fm is then of shape (n, nt), too.
    """
    tau, temperature = float_array("tau_fm", tau_fm), float_array("T", T)
    own = tau.ndim == 2 and tau.shape == temperature.shape
    if not (own or tau.ndim == 1) or tau.shape[-1] < 2:
        raise InputError("tau_fm", tau.shape, "be a 1-D array of at least two times in fm/c")
    if temperature.shape[-1:] != tau.shape[-1:]:
        raise InputError("T", temperature.shape, f"have one temperature for each of {len(tau)} times")
    if not np.all(np.isfinite(tau)):
        raise InputError("tau_fm", float(tau[~np.isfinite(tau)][0]), "be finite")
    if np.any(falls := np.diff(tau) <= 0):
        *row, i = np.argwhere(falls)[0].tolist()
        allowed = f"increase strictly (entries {i}, {i + 1}{f' of row {row[0]}' if row else ''})"
        times = tau[tuple(row)]
        raise InputError("tau_fm", (float(times[i]), float(times[i + 1])), allowed)
    for start in (float(tau[..., 0].min()), float(tau[..., 0].max())):
        check_start("tau_fm[0]", start)
    bad = ~np.isfinite(temperature) | (temperature <= 0)
    if np.any(bad):
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        raise InputError("T", float(temperature[bad][0]), f"be finite and positive, in GeV (entry {where})")
    check_temperature("T", float(temperature.max()))
    return tau, temperature


def check_temperature(name: str, T: Any) -> float:
    """Return `T` as a float, or raise `InputError` unless it is a plausible temperature in GeV."""
    temperature = positive(name, T, "be a positive, finite temperature in GeV")
    return number(name, temperature, f"be a temperature in GeV, at most {MAX_T:g}", HINT_MEV, high=MAX_T)


def check_start(name: str, tau_fm: Any) -> float:
    """Return `tau_fm` as a float, or raise `InputError` unless it is a plausible start of a medium in fm/c."""
    allowed = f"be a start time in fm/c, above 0 and at most {MAX_START_FM}"
    return number(name, tau_fm, allowed, HINT_TIME, above=0, high=MAX_START_FM)


def check_end(T_end: Any, hottest: float, what: str = "T0") -> float:
    """Return T_end as a float, or raise `InputError` unless it lies below the hottest temperature, in GeV."""
    T_end, allowed = check_temperature("T_end", T_end), f"be below {what} = {hottest:g} GeV"
    return number("T_end", T_end, allowed, "Otherwise the medium never acts.", below=hottest)


def check_cools(
    tau_fm: Float, T: Float, T_end: float, *, allow_hot_end: bool, medium: str = "the table", row: str = "row"
) -> None:
    """Raise `InputError` if temperatures end above T_end, or still exceed it after any fireball.

    The one check of everything that comes as a table: what follows its last time is unknown, and a medium that is cut
    there lets too many pairs survive, unless `allow_hot_end` says that the cut is meant. Times (nt,) or (n, nt) are in
    fm/c, temperatures T (nt,) or (n, nt) in GeV, NaN where nothing is known, which counts as cold; `medium` and `row`
    name the whole and one of several in messages.
    """
    rows = np.atleast_2d(T)
    times = np.broadcast_to(tau_fm, rows.shape)
    hot = np.flatnonzero(rows[:, -1] > T_end)
    if hot.size and not allow_hot_end:
        of = f" of {row} {hot[0]}" if T.ndim > 1 else ""
        last = f"the last temperature{of} is {rows[hot[0], -1]:.4g} GeV, at {times[hot[0], -1]:g} fm/c"
        remedy = (
            "Raise T_end, or take what goes on longer; allow_hot_end=True ends the medium there all the same."
        )
        raise InputError("T_end", T_end, f"be reached before {medium} ends ({last})", remedy)
    # a table may be long if it is cold late
    if len(ends := times[rows > T_end]):
        check_lifetime(float(ends.max()))


def check_lifetime(end_fm: float, argument: str = "T_end", value: Any = None, remedy: str = "") -> None:
    """Raise `InputError` if a medium acts beyond `MAX_END_FM`; `end_fm` is when it ends, in fm/c."""
    if end_fm > MAX_END_FM:
        allowed, acts = f"end the medium before {MAX_END_FM:g} fm/c", f"acts until {end_fm:.4g} fm/c"
        remedy = remedy or f"Raise T_end, or check the units. {HINT_TIME}"
        if value is None:
            raise InputError(argument, f"a medium that {acts}", allowed, remedy)
        raise InputError(argument, value, f"{allowed} (it {acts})", remedy)


def check_columns(
    alpha: ArrayLike | None, hard_scale: ArrayLike | None, shape: tuple[int, ...]
) -> tuple[Float | None, Float | None]:
    """Return alpha of shape (*shape, 3) and hard_scale of shape `shape`, or None for both, or raise `InputError`."""
    if alpha is None and hard_scale is None:
        return None, None
    if alpha is None or hard_scale is None:
        missing = "alpha" if alpha is None else "hard_scale"
        raise InputError(missing, None, "be given: an anisotropic medium has both alpha and hard_scale")
    factors, scale = float_array("alpha", alpha), float_array("hard_scale", hard_scale)
    for name, array, expected in (("alpha", factors, (*shape, 3)), ("hard_scale", scale, shape)):
        if array.shape != expected:
            raise InputError(name, array.shape, f"be of shape {expected}, as T is of shape {shape}")
        bad = ~(np.isfinite(array) & (array > 0))
        if np.any(bad):
            raise InputError(name, float(array[bad][0]), "be finite and positive")
    check_temperature("hard_scale", float(scale.max()))
    return factors, scale
