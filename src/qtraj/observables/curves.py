"""An observable in bins of one variable, and the range that settings of the model span."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import PchipInterpolator

from .. import _checks as check
from .._checks import settle
from .._types import Float
from ..errors import InputError
from .estimate import Estimate
from .feeddown import MESON_NAMES


@dataclass(frozen=True, eq=False)
class Curve:
    """An observable in bins of one variable, for one setting of the model.

    Parameters
    ----------
    observable : str
        ``"R_AA"``, ``"double_ratio"``, ``"v2"``, ...
    x_name : str
        As in `Bins`.
    x, x_low, x_high : array_like, shape (k,)
        Mean of the bin and its edges (equal at a fixed value, NaN for ``"integrated"``).
    values : mapping of str to Estimate, shape (k,)
        For each meson (``"Y(1S)"``) or ratio (``"Y(2S)/Y(1S)"``).
    selection : str, optional
        In words, what else was selected.

    Raises
    ------
    InputError
        If values differ in shape from `x`.
    """

    observable: str
    x_name: str
    x: Any
    x_low: Any
    x_high: Any
    values: Mapping[str, Estimate]
    selection: str = ""

    def __post_init__(self) -> None:
        for name in ("observable", "x_name", "selection"):
            settle(self, **{name: check.text(name, getattr(self, name))})
        for name in ("x", "x_low", "x_high"):
            settle(self, **{name: np.atleast_1d(check.float_array(name, getattr(self, name)))})
            if getattr(self, name).shape != self.x.shape or self.x.ndim != 1:
                raise InputError(name, getattr(self, name), "be a list of numbers, all three of one length")
        for name, value in check.mapping("values", self.values).items():
            check.instance(f"values[{name!r}]", value, Estimate)
            if np.shape(value.value) != self.x.shape:
                raise InputError(f"values[{name!r}]", np.shape(value.value), f"have shape {self.x.shape}")

    def __len__(self) -> int:
        return len(self.x)

    @property
    def binned(self) -> bool:
        """Whether the points are bins of some width."""
        return bool(np.any(self.x_high > self.x_low))

    def __getitem__(self, name: str) -> Estimate:
        """Return the values of one meson or ratio."""
        return self.values[check.choice("name", name, self.values, f"be one of {', '.join(self.values)}")]

    def at(self, name: str, x: ArrayLike) -> Estimate:
        """Return the observable `name`, a meson or ratio, at `x` (m,), by a monotone cubic through its points.

        PCHIP through values and errors; NaN outside of the points: nothing is extrapolated. The error of the
        interpolation is in ``not_estimated``. `InputError` if there are fewer than two points or x does not increase.
        """
        at, values = check.float_array("x", x), self[name]
        there = np.isfinite(values.value)
        if np.count_nonzero(there) < 2 or not np.all(np.diff(self.x) > 0):
            raise InputError("x", self.x[there], "hold at least two increasing points to interpolate between")

        def between(numbers: Any) -> Float:
            return np.asarray(PchipInterpolator(self.x[there], numbers[there], extrapolate=False)(at))

        # an error is undefined outside and has no sign
        parts = {n: np.nan_to_num(np.maximum(between(part), 0.0)) for n, part in values.parts.items()}
        missing = (*values.not_estimated, f"interpolation in {self.x_name}")
        return Estimate(between(values.value), parts, missing)


@dataclass(frozen=True, eq=False)
class CurveBand:
    """One meson or ratio of several curves: the central one and the range that all of them span.

    Parameters
    ----------
    name : str
        Meson or ratio.
    curve : Curve
        The central one, with the errors of the calculation.
    low, high : ndarray, shape (k,)
        Smallest and largest value over the settings, point by point: how far the model moves, no confidence interval.
    label : str, optional
        What was varied, for a legend.

    Raises
    ------
    InputError
        If a shape differs from that of the curve.
    """

    name: str
    curve: Curve
    low: Float
    high: Float
    label: str = ""

    def __post_init__(self) -> None:
        check.instance("curve", self.curve, Curve)
        settle(self, name=check.text("name", self.name), label=check.text("label", self.label))
        for name in ("low", "high"):
            settle(self, **{name: check.float_array(name, getattr(self, name))})
            if getattr(self, name).shape != self.curve.x.shape:
                allowed = f"have one value for each of {len(self.curve)} points"
                raise InputError(name, getattr(self, name), allowed)

    @property
    def central(self) -> Estimate:
        """Values of the central setting."""
        return self.curve[self.name]

    def without_gaps(self) -> CurveBand:
        """Return the band at the points where every setting has a value."""
        there = np.isfinite(self.central.value + self.low + self.high)
        curve = self.curve
        x, low, high = (axis[there] for axis in (curve.x, curve.x_low, curve.x_high))
        values = {self.name: self.central[there]}
        kept = Curve(curve.observable, curve.x_name, x, low, high, values, curve.selection)
        return CurveBand(self.name, kept, self.low[there], self.high[there], self.label)


def curve_band(curves: Sequence[Curve], name: str, label: str = "") -> CurveBand:
    """Return the band that curves over model settings (kappa, gamma, T_f, ...) span around the first of them.

    Parameters
    ----------
    curves : sequence of Curve
        One for each setting on the same bins, the central one first.
    name : str
        Meson or ratio.
    label : str, optional
        What was varied, for a legend.

    Returns
    -------
    CurveBand
        Point-by-point minimum and maximum over all curves.

    Raises
    ------
    InputError
        If there is no curve, or they differ in observable or bins.
    """
    curves, label = check.instances("curves", curves, Curve), check.text("label", label)
    if not curves:
        raise InputError("curves", curves, "hold at least the central one")
    central = curves[0]
    for other in curves:
        same = (other.observable, other.x_name) == (central.observable, central.x_name)
        # the mean x of a bin differs between samples of paths, its edges do not
        edges = zip((other.x_low, other.x_high), (central.x_low, central.x_high), strict=True)
        if not same or not all(np.array_equal(a, b, equal_nan=True) for a, b in edges):
            allowed = f"have the bins of the first, {central.x}"
            raise InputError("curves", (other.observable, other.x), allowed)
    values = np.stack([np.asarray(curve[name].value) for curve in curves])
    return CurveBand(name, central, values.min(axis=0), values.max(axis=0), label)


class RaaCurve(Curve):
    """R_AA at a few values of N_part, for one setting of the model: a `Curve` of points.

    Parameters
    ----------
    n_part : array_like, shape (k,)
        Mean number of participants, positive and strictly increasing.
    raa : mapping of str to Estimate, shape (k,)
        R_AA of each meson.

    Raises
    ------
    InputError
        If `n_part` is not increasing or a shape differs.
    """

    def __init__(self, n_part: ArrayLike, raa: Mapping[str, Estimate]) -> None:
        allowed = "be positive and strictly increasing"
        n_part = check.increasing("n_part", check.finite_array("n_part", n_part, 1), allowed, above=0)
        for name, value in check.mapping("raa", raa).items():
            check.instance(f"raa[{name!r}]", value, Estimate)
            if np.shape(value.value) != n_part.shape:
                allowed = f"have one value per N_part, shape {n_part.shape}"
                raise InputError(f"raa[{name!r}]", np.shape(value.value), allowed)
        super().__init__("R_AA", "N_part", n_part, n_part, n_part, raa)

    @property
    def n_part(self) -> Float:
        """Mean number of participants, shape (k,)."""
        return np.asarray(self.x)

    @property
    def raa(self) -> Mapping[str, Estimate]:
        """R_AA of each meson, shape (k,)."""
        return self.values


class Band(CurveBand):
    """R_AA of one meson against N_part with the range that model settings span: a `CurveBand` of points.

    Parameters
    ----------
    state : str
        Meson name, for example ``"Y(1S)"``.
    n_part : array_like, shape (k,)
        Mean number of participants, positive and strictly increasing.
    central : Estimate, shape (k,)
        R_AA of the central setting; its errors are those of the calculation (paths, numerics, branching fractions).
    low, high : array_like, shape (k,)
        Smallest and largest value over the settings, point by point: how far the model moves, not a confidence
        interval. The errors of the calculation are NOT folded in; they belong to `central` and show beside it.
    label : str, optional
        What was varied, for a legend.

    Raises
    ------
    InputError
        If the state is unknown, shapes differ or ``low <= central <= high`` does not hold.
    """

    def __init__(
        self,
        state: str,
        n_part: ArrayLike,
        central: Estimate,
        low: ArrayLike,
        high: ArrayLike,
        label: str = "",
    ) -> None:
        state = check.choice("state", state, MESON_NAMES, f"be one of {', '.join(MESON_NAMES)}")
        curve = RaaCurve(n_part, {state: check.instance("central", central, Estimate)})
        super().__init__(state, curve, check.float_array("low", low), check.float_array("high", high), label)
        if not np.all((self.low <= central.value) & (central.value <= self.high)):
            raise InputError("central", central.value, "lie between low and high")

    @property
    def state(self) -> str:
        """Name of the meson."""
        return self.name

    @property
    def n_part(self) -> Float:
        """Mean number of participants, shape (k,)."""
        return np.asarray(self.curve.x)


def envelope(curves: Mapping[str, RaaCurve], state: str, central: str, label: str = "") -> Band:
    """Return the band that several settings of the model span around one of them.

    Parameters
    ----------
    curves : mapping of str to RaaCurve
        One curve per setting, on the same N_part.
    state : str
        Meson name.
    central : str
        Key of the central setting.
    label : str, optional
        What was varied, for a legend.

    Returns
    -------
    Band
        Point-by-point minimum and maximum over all curves; one setting alone gives a band without width.

    Raises
    ------
    InputError
        If the central setting is missing or the curves have different N_part.
    """
    for name, curve in check.mapping("curves", curves).items():
        check.instance(f"curves[{name!r}]", curve, RaaCurve)
    if not curves:
        raise InputError("curves", curves, "hold at least one setting")
    central = check.choice("central", central, curves, f"be one of {', '.join(curves)}")
    middle = curves[central]
    for name, curve in curves.items():
        if not np.array_equal(curve.x, middle.x):
            allowed = f"have the N_part of the central one, {middle.x}"
            raise InputError(f"curves[{name!r}]", curve.x, allowed)
    band = curve_band([middle, *curves.values()], state, label)
    return Band(state, middle.x, band.central, band.low, band.high, label)
