"""Bins of a kinematic variable, and an observable in each of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import PchipInterpolator

from .._checks import choice, float_array, increasing, instance, instances, mapping, settle, text
from ..errors import InputError
from .data.dataset import DataSet
from .estimate import Estimate, Float
from .table import COORDINATES, SurvivalTable

INTEGRATED: Final = "integrated"
"""Name of the axis of a single number over everything, minimum bias for a table of all centralities."""

_SAME: Final = 1e-9  # values of one geometry agree to rounding


@dataclass(frozen=True, eq=False)
class Bins:
    """Bins of one variable.

    Parameters
    ----------
    x_name : str
        ``"N_part"``, ``"centrality_pct"``, ``"b_fm"``, ``"pT_GeV"``, ``"y"``, ``"abs_y"``, ``"y_cm"`` or
        ``"integrated"``.
    intervals : sequence of (low, high), optional
        low <= x < high; they may overlap or leave gaps, as those of measurements do. By default each value that the
        table holds is a bin of its own (geometries at fixed impact parameters).

    Raises
    ------
    InputError
        If the name is unknown or an interval is not increasing.
    """

    x_name: str
    intervals: Sequence[tuple[float, float]] | None = None

    def __post_init__(self) -> None:
        known = (*COORDINATES, INTEGRATED)
        settle(self, x_name=choice("x_name", self.x_name, known, f"be one of {', '.join(known)}"))
        if self.intervals is not None:
            allowed = "be pairs (low, high) with low < high"
            pairs = float_array("intervals", self.intervals, allowed)
            if pairs.ndim != 2 or pairs.shape[1:] != (2,) or not np.all(pairs[:, 0] < pairs[:, 1]):
                raise InputError("intervals", self.intervals, allowed)
            settle(self, intervals=[(float(low), float(high)) for low, high in pairs])

    @classmethod
    def edges(cls, x_name: str, edges: ArrayLike) -> Bins:
        """Return adjacent bins of `x_name` with these edges."""
        e = increasing("edges", edges, "be at least two increasing numbers: low < high in each bin", least=2)
        return cls(x_name, list(pairwise(e.tolist())))

    @classmethod
    def of(cls, data: DataSet) -> Bins:
        """Return the bins of a measurement, so that theory is averaged over the same intervals.

        Raises
        ------
        InputError
            If the data set gives no bin edges.
        """
        instance("data", data, DataSet)
        if data.x_name == INTEGRATED:
            return cls(INTEGRATED)
        if not np.all(np.isfinite(data.x_low) & np.isfinite(data.x_high)):
            raise InputError("data", str(data), "have the edges of its bins")
        return cls(data.x_name, list(zip(data.x_low.tolist(), data.x_high.tolist(), strict=True)))

    def split(self, table: SurvivalTable) -> Iterator[tuple[float, float, float, SurvivalTable]]:
        """Yield x, low, high and the rows of `table` in each bin; x is their weighted mean.

        Raises
        ------
        InputError
            If a bin holds no row of positive weight.
        """
        if self.x_name == INTEGRATED:
            yield np.nan, np.nan, np.nan, table
            return
        x = table.coordinate(self.x_name)
        if self.intervals is None:
            for value in _distinct(x):
                yield value, value, value, table.rows(np.abs(x - value) <= _SAME * max(abs(value), 1.0))
            return
        for low, high in self.intervals:
            chosen = (low <= x) & (x < high)
            if not table.weight[chosen].sum() > 0:
                raise InputError(
                    "intervals", (low, high), f"hold rows of the table, {self.x_name} of which is "
                    f"{x.min():.4g} to {x.max():.4g}"
                )  # fmt: skip
            yield float(np.average(x[chosen], weights=table.weight[chosen])), low, high, table.rows(chosen)


def _distinct(x: Float) -> list[float]:
    values = np.unique(x)
    new = np.diff(values, prepend=-np.inf) > _SAME * np.maximum(np.abs(values), 1.0)
    return [float(value) for value in values[new]]


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
            settle(self, **{name: text(name, getattr(self, name))})
        for name in ("x", "x_low", "x_high"):
            settle(self, **{name: np.atleast_1d(float_array(name, getattr(self, name)))})
            if getattr(self, name).shape != self.x.shape or self.x.ndim != 1:
                raise InputError(name, getattr(self, name), "be a list of numbers, all three of one length")
        for name, value in mapping("values", self.values).items():
            instance(f"values[{name!r}]", value, Estimate)
            if np.shape(value.value) != self.x.shape:
                raise InputError(f"values[{name!r}]", np.shape(value.value), f"have shape {self.x.shape}")

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, name: str) -> Estimate:
        """Return the values of one meson or ratio."""
        return self.values[choice("name", name, self.values, f"be one of {', '.join(self.values)}")]

    def at(self, name: str, x: ArrayLike) -> Estimate:
        """Return the observable between its points, by a monotone cubic (PCHIP) through values and errors.

        Parameters
        ----------
        name : str
            Meson or ratio.
        x : array_like, shape (m,)
            Where.

        Returns
        -------
        Estimate, shape (m,)
            NaN outside of the points: nothing is extrapolated. The error of the interpolation is in
            ``not_estimated``.

        Raises
        ------
        InputError
            If there are fewer than two points or x does not increase.
        """
        if len(self) < 2 or not np.all(np.diff(self.x) > 0):
            raise InputError("x", self.x, "hold at least two increasing points to interpolate between")
        at, own = float_array("x", x), self[name]

        def between(values: Any) -> Float:
            return np.asarray(PchipInterpolator(self.x, values, extrapolate=False)(at))

        # an error is undefined outside and has no sign
        parts = {n: np.nan_to_num(np.maximum(between(part), 0.0)) for n, part in own.parts.items()}
        return Estimate(between(own.value), parts, (*own.not_estimated, f"interpolation in {self.x_name}"))


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
        instance("curve", self.curve, Curve)
        settle(self, name=text("name", self.name), label=text("label", self.label))
        for name in ("low", "high"):
            settle(self, **{name: float_array(name, getattr(self, name))})
            if getattr(self, name).shape != self.curve.x.shape:
                raise InputError(
                    name, getattr(self, name), f"have one value for each of {len(self.curve)} points"
                )

    @property
    def central(self) -> Estimate:
        """Values of the central setting."""
        return self.curve[self.name]


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
    curves, label = instances("curves", curves, Curve), text("label", label)
    if not curves:
        raise InputError("curves", curves, "hold at least the central one")
    central = curves[0]
    for other in curves:
        if (other.observable, other.x_name) != (central.observable, central.x_name) or not np.array_equal(
            other.x, central.x, equal_nan=True
        ):
            raise InputError(
                "curves", (other.observable, other.x), f"have the bins of the first, {central.x}"
            )
    values = np.stack([np.asarray(curve[name].value) for curve in curves])
    return CurveBand(name, central, values.min(axis=0), values.max(axis=0), label)


@dataclass(frozen=True)
class Selection:
    """Ranges that select rows, and their words.

    Parameters
    ----------
    ranges : mapping of str to (low, high)
        Keyed by the names of axes.
    """

    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def __str__(self) -> str:
        return "; ".join(f"{low:g} <= {name} < {high:g}" for name, (low, high) in self.ranges.items())
