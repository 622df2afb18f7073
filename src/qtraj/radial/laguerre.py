"""Regularized Lagrange-Laguerre mesh for reduced radial functions u(r) = r R(r) with u(0) = 0.

The basis functions f_i(r) vanish at all mesh points but one, so that a function of r is diagonal (its values at
the points, by Gauss quadrature) and the kinetic energy is a dense matrix with a closed form. The quadrature
integrates the Coulomb cusp exactly, and results converge exponentially with the number of points.

Source: D. Baye, Phys. Rep. 565 (2015) 1, sections 3.4.4 and 3.4.5 (alpha = 0, regularized by x).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.special import roots_laguerre

from .._checks import integer, positive, settle
from .._types import Float

# Beyond it the quadrature weights underflow in double precision.
MAX_POINTS = 170


@dataclass(frozen=True)
class LaguerreMesh:
    """Mesh r_i = scale x_i at the zeros x_i of the Laguerre polynomial L_points.

    A wave function is represented by the coefficients c_i = sqrt(weights_i) u(r_i), for which
    sum |c_i|^2 = Int |u|^2 dr.

    Parameters
    ----------
    points : int
        Number of mesh points, 4 to 170. Cost per step grows as points^3.
    scale : float
        Scale in GeV^-1; the last point lies near 4 points scale.

    Raises
    ------
    InputError
        If an argument is out of range.
    """

    points: int = 64
    scale: float = 0.12

    def __post_init__(self) -> None:
        settle(
            self,
            points=integer("points", self.points, 4, MAX_POINTS),
            scale=positive("scale", self.scale, "be a positive length in GeV^-1"),
        )

    @cached_property
    def x(self) -> Float:
        """Zeros of L_points, shape (points,), dimensionless."""
        zeros, _ = roots_laguerre(self.points)
        return np.asarray(zeros, dtype=float)

    @cached_property
    def r(self) -> Float:
        """Mesh points in GeV^-1, shape (points,)."""
        return self.scale * self.x

    @cached_property
    def weights(self) -> Float:
        """Quadrature weights, Int g(r) dr = sum_i weights_i g(r_i), in GeV^-1, shape (points,)."""
        x, n = self.x, self.points
        derivative = -n * _laguerre_functions(x, n)[-1] / x  # x L_n' = n (L_n - L_{n-1}) and L_n(x_i) = 0
        return np.asarray(self.scale / (x * derivative**2))

    @cached_property
    def p_squared(self) -> Float:
        """Matrix of p_r^2 = -d^2/dr^2 in GeV^2, symmetric, shape (points, points); Baye eq. (3.77)."""
        x, n = self.x, self.points
        with np.errstate(divide="ignore", invalid="ignore"):
            matrix = self._signs * (x[:, None] + x) / (np.sqrt(np.outer(x, x)) * (x[:, None] - x) ** 2)
        # the limit i = j of the formula
        np.fill_diagonal(matrix, (4 + 2 * (2 * n + 1) * x - x**2) / (12 * x**2))
        return np.asarray(matrix / self.scale**2)

    @cached_property
    def derivative(self) -> Float:
        """Matrix D of d/dr by collocation, (du/dr)(r_i) sqrt(weights_i) = sum_j D_ij c_j, in GeV, (points, points)."""
        x = self.x
        with np.errstate(divide="ignore", invalid="ignore"):
            matrix = self._signs * np.sqrt(x[:, None] / x) / (x[:, None] - x)
        np.fill_diagonal(matrix, 1 / (2 * x))
        return np.asarray(matrix / self.scale)

    def scaled(self, factor: float) -> LaguerreMesh:
        """Return the mesh for lengths `factor` times as large."""
        return replace(self, scale=factor * self.scale)

    def compared(self, factor: float) -> LaguerreMesh:
        """Return a mesh of the same scale with `factor` > 1 times the points, to estimate the error of this one by.

        Where it would have more points than double precision allows, it has as many times fewer: the difference then
        bounds the error of this mesh all the more.
        """
        points = math.ceil(factor * self.points)
        if points > MAX_POINTS:
            points = max(4, math.floor(self.points / factor))
        return replace(self, points=points)

    @property
    def _signs(self) -> Float:
        parity = (-1.0) ** np.arange(self.points)
        return np.outer(parity, parity)

    def coefficients(self, u: Float) -> Float:
        """Return c_i = sqrt(weights_i) u_i from the values u_i = u(r_i), shape (points,)."""
        return np.sqrt(self.weights) * u

    def values(self, coefficients: Float) -> Float:
        """Return the values u(r_i) from coefficients, last axis (points,)."""
        return np.asarray(coefficients / np.sqrt(self.weights))

    def interpolate(self, coefficients: Float, r: Float) -> Float:
        """Return u(r) between the mesh points: the function of the mesh's space with these coefficients.

        The Lagrange functions are a finite sum of x exp(-x/2) L_k(x), k < points. Summed in this form (the quadrature
        gives its coefficients exactly) nothing cancels, neither near a mesh point nor near the origin. `coefficients`
        have the shape (..., points), `r` any shape, in GeV^-1 and not negative; the result, (..., *r.shape), is in
        GeV^(1/2) for normalized ones.
        """
        x = np.asarray(r, dtype=float) / self.scale
        # the quadrature is exact for these products, so the expansion is, too
        at_points = _laguerre_functions(self.x, self.points) * np.sqrt(self.weights / self.scale)
        expansion = (coefficients / self.x) @ at_points.T
        functions = _laguerre_functions(x.ravel(), self.points)
        values = expansion @ functions * x.ravel() / np.sqrt(self.scale)
        return np.asarray(values.reshape(*values.shape[:-1], *x.shape))

    def hamiltonian(self, potential: Float, l: int, mass: float) -> Float:
        """Return the matrix of p_r^2/M + l(l+1)/(M r^2) + V(r) in GeV, shape (points, points).

        `potential` (points,) is V(r_i) in GeV, `l` the angular momentum, `mass` that of the heavy quark, M, in GeV
        (twice the reduced mass).
        """
        return self.p_squared / mass + np.diag(potential + l * (l + 1) / (mass * self.r**2))


def _laguerre_functions(x: Float, count: int) -> Float:
    """Return exp(-x/2) L_k(x), k < count, shape (count, len(x)), by the three-term recurrence.

    The polynomials without the weight overflow at large x.
    """
    functions = np.empty((count, len(x)))
    functions[0] = np.exp(-x / 2)
    functions[1] = functions[0] * (1 - x)
    for k in range(1, count - 1):
        functions[k + 1] = ((2 * k + 1 - x) * functions[k] - k * functions[k - 1]) / (k + 1)
    return functions
