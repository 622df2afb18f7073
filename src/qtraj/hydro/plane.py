"""A density in the transverse plane and the inverse of its cumulative distribution."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import BSpline, RectBivariateSpline, make_interp_spline

from .._checks import called, float_array, function, positive
from ..errors import InputError

Float = NDArray[np.float64]

POINTS: Final = 201
"""Grid lines of the tables in x and in y."""

CDF_ERROR: Final = 1e-8
"""Bound on the error of the tabulated distributions (probability) for Woods-Saxon densities; tested."""

# Density relative to its maximum below which the plane is left out (probability of the rest: < 1e-8).
_NEGLIGIBLE = 1e-10
_DEGREE = 5
_BISECTIONS = 45


class PlaneDensity:
    """A smooth density n(x, y), prepared for inversion of its distribution: marginal in x, then y given x.

    The cumulative integrals are antiderivatives of quintic splines through `POINTS` x `POINTS` values on
    the box where the density matters; for Woods-Saxon nuclei their error is below `CDF_ERROR`. They are
    inverted by bisection to rounding, so no further error enters.

    Parameters
    ----------
    density : callable
        n(x, y) >= 0 for arrays x, y in fm that broadcast; any normalization.
    half_width_fm : float
        The density is taken as zero where abs(x) or abs(y) is larger.

    Raises
    ------
    InputError
        If the density is negative, not finite, or zero everywhere.
    """

    def __init__(self, density: Callable[[Float, Float], Float], half_width_fm: float) -> None:
        function("density", density, "be a function of arrays x and y in fm")
        half_width_fm = positive("half_width_fm", half_width_fm, "be positive")
        x = y = np.linspace(-half_width_fm, half_width_fm, POINTS)
        values = _evaluate(density, x, y)
        self.x_fm, self.y_fm = (_important(a, values.max(axis=1 - i)) for i, a in enumerate((x, y)))
        values = _evaluate(density, self.x_fm, self.y_fm)
        cumulative = _cumulative(self.y_fm, values.T)(self.y_fm).T
        marginal = cumulative[:, -1]
        self._x_cdf = _cumulative(self.x_fm, marginal)
        self._total = float(self._x_cdf(self.x_fm[-1]))
        # normalized row by row, so that the tails in x are as accurate as the center
        rows = np.maximum(marginal, np.finfo(float).tiny)[:, None]
        self._y_cdf = RectBivariateSpline(
            self.x_fm, self.y_fm, cumulative / rows, kx=_DEGREE, ky=_DEGREE, s=0
        )

    def marginal_cdf(self, x_fm: ArrayLike) -> Float:
        """Return the probability of a point left of `x_fm`."""
        return np.asarray(self._x_cdf(np.asarray(x_fm, dtype=float)) / self._total)

    def conditional_cdf(self, x_fm: ArrayLike, y_fm: ArrayLike) -> Float:
        """Return the probability of a point below `y_fm` if it is at `x_fm`; the arguments have one shape."""
        return np.asarray(self._y_cdf.ev(np.asarray(x_fm, dtype=float), np.asarray(y_fm, dtype=float)))

    def inverse(self, u: ArrayLike, v: ArrayLike) -> tuple[Float, Float]:
        """Map (u, v) of the unit square to (x, y) in fm, so that uniform points become points of the density.

        Parameters
        ----------
        u, v : array_like, shape (n,)
            In [0, 1].

        Returns
        -------
        x, y : numpy.ndarray, shape (n,)
        """
        x = _bisect(self.marginal_cdf, np.asarray(u, dtype=float), self.x_fm[0], self.x_fm[-1])
        y = _bisect(
            lambda y: self.conditional_cdf(x, y), np.asarray(v, dtype=float), self.y_fm[0], self.y_fm[-1]
        )
        return x, y


def _evaluate(density: Callable[[Float, Float], Float], x: Float, y: Float) -> Float:
    values = float_array("density", called("density", density, x[:, None], y[None, :]), "return real numbers")
    if values.shape != (len(x), len(y)) or not np.all(np.isfinite(values)) or np.any(values < 0):
        raise InputError(
            "density", "another shape, negative or not finite", "be finite, >= 0, of shape (x, y)"
        )
    if not np.any(values > 0):
        raise InputError("density", "zero on the whole box", "be positive somewhere")
    return values


def _important(axis: Float, largest: Float) -> Float:
    where = np.flatnonzero(largest > _NEGLIGIBLE * largest.max())
    low, high = axis[max(where[0] - 1, 0)], axis[min(where[-1] + 1, len(axis) - 1)]
    return np.linspace(low, high, POINTS)


def _cumulative(axis: Float, values: Float) -> BSpline[Any]:
    spline: BSpline[Any] = make_interp_spline(axis, values, k=_DEGREE).antiderivative()
    return spline


def _bisect(cdf: Callable[[Float], Float], target: Float, low: float, high: float) -> Float:
    """Solve cdf(z) = target for every element; the cdf increases from 0 at `low` to 1 at `high`."""
    a, b = np.full(target.shape, low), np.full(target.shape, high)
    for _ in range(_BISECTIONS):
        middle = np.asarray(0.5 * (a + b))
        below = cdf(middle) < target
        a, b = np.where(below, middle, a), np.where(below, b, middle)
    return np.asarray(0.5 * (a + b))
