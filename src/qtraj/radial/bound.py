"""Lowest eigenstates of a radial Hamiltonian p_r^2/M + l(l+1)/(M r^2) + V(r) on a mesh or a uniform grid.

On the Laguerre mesh and on small sine grids the matrix is dense and is diagonalized. With second differences it is
tridiagonal. The spectral kinetic energy of a large sine grid is applied by transforms, and the states come from a
block conjugate-gradient iteration (A. V. Knyazev, SIAM J. Sci. Comput. 23 (2001) 517): the tridiagonal problem has
the same potential and a kinetic energy within a factor (pi/2)^2, so its states are good starts and its inverse is a
preconditioner whose quality does not depend on the number of points.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from numpy.polynomial.legendre import leggauss
from numpy.typing import ArrayLike
from scipy.linalg import eigh, eigh_tridiagonal, solveh_banded
from scipy.sparse.linalg import LinearOperator, lobpcg
from scipy.special import eval_legendre

from .._checks import float_array, instance, integer, positive
from .._types import Float
from ..errors import InputError
from .laguerre import LaguerreMesh
from .sine import SineGrid

Grid = LaguerreMesh | SineGrid

# Largest number of points of a spectral sine grid for which the dense matrix is faster than the iteration.
DENSE_LIMIT = 255

# Further states in the iteration: the highest state of a block converges slowly when its neighbor is close.
GUARDS = 2

# Norm of H c - E c in GeV that the iteration aims at; the error of E is its square over the level spacing.
TOLERANCE = 1e-10

# Residual that rounding leaves, in units of machine precision times the largest kinetic energy.
ROUNDING = 10.0

# Iterations between two checks of the residual (the guards need not converge), and the number of checks.
ROUND, MAX_ROUNDS = 30, 30

# Polynomials beside two for each state: with pi to a wave length they would just resolve the highest in a box.
POLYNOMIALS = 24


def bound_states(
    grid: Grid, potential_values: ArrayLike, l: int, mass: float, count: int
) -> tuple[Float, Float]:
    """Return the lowest `count` eigenstates of p_r^2/M + l(l+1)/(M r^2) + V(r), bound or not.

    `potential_values` are V(r_i) in GeV at the N points of a grid, real; ``derivative=1`` of a sine grid takes second
    differences. Energies (count,) are in GeV, increasing; the vectors (count, N) are coefficients c of the grid with
    sum c^2 = 1, positive near the origin. An argument out of range, or an iteration for a large grid that does not
    converge, raises `InputError`.
    """
    instance("grid", grid, (LaguerreMesh, SineGrid), "be a LaguerreMesh or a SineGrid")
    values, points = float_array("potential_values", potential_values), len(grid.r)
    if values.shape != (points,) or not np.all(np.isfinite(values)):
        allowed = f"be finite values at the {points} points of the grid"
        raise InputError("potential_values", potential_values, allowed)
    integer("l", l, 0, allowed="be a non-negative integer")
    positive("mass", mass, "be a positive mass in GeV")
    integer("count", count, 1, points, f"be an integer from 1 to the {points} points of the grid")
    if isinstance(grid, SineGrid) and grid.derivative == 1:
        energies, vectors = _tridiagonal(grid, values, l, mass, count)
    # the block of the iteration is to be small beside the grid
    elif isinstance(grid, SineGrid) and points > DENSE_LIMIT and points >= 5 * (count + GUARDS):
        energies, vectors = _iterated(grid, values, l, mass, count)
    else:
        energies, vectors = eigh(grid.hamiltonian(values, l, mass), subset_by_index=(0, count - 1))
    vectors = vectors.T
    # positive near the origin: at the first value of any size
    size = np.abs(vectors)
    first = np.argmax(size > 1e-3 * size.max(axis=1, keepdims=True), axis=1)
    return energies, np.asarray(vectors * np.sign(vectors[np.arange(count), first])[:, None])


def states_in_box(
    length: float, potential: Callable[[Float], Float], l: int, mass: float, count: int
) -> tuple[Float, Float, Float]:
    """Return the lowest `count` eigenstates between r = 0 and a hard wall at `length` GeV^-1.

    They are sums of polynomials that vanish at both ends, P_k(x) - P_{k+2}(x) with x = 2 r/length - 1. A Coulomb cusp,
    1/r and 1/r^2 are exact in them and in their quadrature, so that the error falls exponentially with their number.
    `potential` is V(r) in GeV for r (Q,). Energies (count,) are in GeV; then the points r (Q,) of the quadrature, and
    values (count, Q) of u times the root of its weights, orthonormal: an integral of u f(r) u' is a sum over points.
    """
    n = 2 * count + POLYNOMIALS
    x, weights = leggauss(n + 8)  # exact to the degree 2 n + 15, of u^2 and some polynomial of the potential
    r, k = length / 2 * (1 + x), np.arange(n)[:, None]
    root = np.sqrt(weights * length / 2) / np.sqrt(4 * k + 6)
    u = (eval_legendre(k, x) - eval_legendre(k + 2, x)) * root
    slope = -(2 * k + 3) * eval_legendre(k + 1, x) * root * (2 / length)
    H = slope @ slope.T / mass + (u * (potential(r) + l * (l + 1) / (mass * r**2))) @ u.T
    energies, vectors = eigh(H, u @ u.T, subset_by_index=(0, count - 1))
    return energies, r, np.asarray(vectors.T @ u)


def _bands(grid: SineGrid, values: Float, l: int, mass: float) -> tuple[Float, Float, Float]:
    """Return potential and centrifugal term (N,), and both bands of the Hamiltonian with second differences, in GeV."""
    static = values + l * (l + 1) / (mass * grid.r**2)
    off = -1 / (mass * grid.dx**2)
    return static, static - 2 * off, np.full(len(values) - 1, off)


def _tridiagonal(grid: SineGrid, values: Float, l: int, mass: float, count: int) -> tuple[Float, Float]:
    _, diagonal, off = _bands(grid, values, l, mass)
    energies, vectors = eigh_tridiagonal(diagonal, off, select="i", select_range=(0, count - 1))
    return energies, vectors


def _iterated(grid: SineGrid, values: Float, l: int, mass: float, count: int) -> tuple[Float, Float]:
    """Refine the states of second differences to those of the spectral kinetic energy."""
    energies, vectors = _tridiagonal(grid, values, l, mass, count + GUARDS)
    static, diagonal, off = _bands(grid, values, l, mass)
    kinetic = grid.kinetic(mass)

    def apply(states: Float) -> Float:
        moving = grid.kinetic_step(states.T.astype(complex), kinetic)
        return np.asarray(moving.real + static * states.T).T

    # the tridiagonal problem as preconditioner, shifted below the spectrum so that it is positive
    shift = energies[0] - (energies[-1] - energies[0])
    bands = np.array([np.append(0.0, off), diagonal - shift])

    def precondition(states: Float) -> Float:
        return np.asarray(solveh_banded(bands, states))

    shape = (len(values), len(values))
    operator = LinearOperator(shape, matvec=apply, matmat=apply, dtype=float)
    inverse = LinearOperator(shape, matvec=precondition, matmat=precondition, dtype=float)
    # no iteration gets below what rounding leaves of the largest kinetic energy
    goal = TOLERANCE + ROUNDING * float(np.finfo(float).eps * kinetic.max())
    for _ in range(MAX_ROUNDS):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the residual below says whether it converged
            energies, vectors = lobpcg(operator, vectors, M=inverse, largest=False, tol=goal, maxiter=ROUND)
        # the iteration does not promise an order of its block
        order = np.argsort(energies)
        energies, vectors = energies[order], vectors[:, order]
        lowest = vectors[:, :count]
        residual = float(np.max(np.linalg.norm(apply(lowest) - lowest * energies[:count], axis=0)))
        if residual <= 2 * goal:
            return energies[:count], lowest
    allowed = f"hold {count} states of l = {l} that the iteration finds (residual {residual:.1e} GeV)"
    raise InputError("grid", grid, allowed, "Take fewer points, a shorter grid or derivative=1.")
