"""Uniform grid and type-I discrete sine transform for reduced radial functions u(r) = r R(r), u(0) = u(L) = 0.

The grid of QTraj 1.0 (arXiv:2107.06147). The functions sin(k_j r), k_j = j pi/L, diagonalize the kinetic energy, so
that exp(-i p_r^2 dt/M) is two transforms and a multiplication, unitary to rounding. The Coulomb cusp at r = 0 limits
its accuracy to the order dx^2; `LaguerreMesh` has no such limit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.fft import next_fast_len, prev_fast_len

from .._checks import choice, integer, positive, settle
from ..errors import InputError, PerformanceWarning, warn_user
from .dst import TRANSFORMS, Complex, import_pyfftw, sine_transform_of

Float = NDArray[np.float64]

MAX_NUM = 2**22
"""Sixteen times the largest grid of the QTraj 1.0 paper; more is taken for a mistake."""


@dataclass(frozen=True)
class SineGrid:
    """Grid r_i = (i + 1) dx, i = 0 ... num - 1, of spacing dx = length/(num + 1).

    A wave function is represented by the coefficients c_i = sqrt(dx) u(r_i), for which sum |c_i|^2 = Int |u|^2 dr.

    Parameters
    ----------
    num : int
        Number of points, 3 to 2^22. Fast if num + 1 has no prime factor above 11, fastest for num = 2^n - 1.
    length : float
        Length L of the box in GeV^-1.
    transform : {"scipy", "fftw"}
        Library of the transforms. "fftw" (FFTW through pyFFTW, the extra `fftw`) takes a half to two thirds of the
        time of "scipy", after measuring its plans for a second once per process and num. Plans may differ from one
        process to the next, and with them the last bits of a result; those of "scipy" never do.
    derivative : {0, 1}
        Dispersion of p_r^2: 0 for k^2, exact for sin(k r); 1 for that of the second difference,
        2 (1 - cos k dx)/dx^2 (QTraj 1.0's derivType).
    threads : int
        Threads for batches of states. It changes no result and does not count in comparisons.

    Raises
    ------
    InputError
        If an argument is out of range, or pyFFTW is asked for and missing.

    Warns
    -----
    PerformanceWarning
        If `num` is slow to transform; names the nearest fast values.
    """

    num: int = 2047
    length: float = 40.0
    transform: str = "scipy"
    derivative: int = 0
    threads: int = field(default=1, compare=False)

    def __post_init__(self) -> None:
        settle(
            self,
            num=integer("num", self.num, 3, MAX_NUM, f"be an integer from 3 to {MAX_NUM}"),
            length=positive("length", self.length, "be a positive length in GeV^-1"),
            transform=choice("transform", self.transform, TRANSFORMS),
            derivative=choice(
                "derivative", self.derivative, (0, 1), "be 0 (spectral) or 1 (second difference)"
            ),
            threads=integer("threads", self.threads, 1, allowed="be a positive integer"),
        )
        if self.transform == "fftw":
            import_pyfftw()
        _warn_if_slow(self.num)

    @property
    def dx(self) -> float:
        """Spacing in GeV^-1."""
        return self.length / (self.num + 1)

    @cached_property
    def r(self) -> Float:
        """Grid points in GeV^-1, shape (num,)."""
        return np.arange(1, self.num + 1, dtype=float) * self.dx

    @cached_property
    def weights(self) -> Float:
        """Quadrature weights dx in GeV^-1, shape (num,)."""
        return np.full(self.num, self.dx)

    @cached_property
    def k(self) -> Float:
        """Wave numbers k_j = j pi/L in GeV, shape (num,)."""
        return np.arange(1, self.num + 1, dtype=float) * (np.pi / self.length)

    @property
    def p_squared(self) -> Float:
        """Matrix of p_r^2 in GeV^2, symmetric, shape (num, num).

        For derivative 0 the closed form of sum_j sin(k_j r) k_j^2 sin(k_j r'): D. T. Colbert and W. H. Miller,
        J. Chem. Phys. 96 (1992) 1982, appendix A, particle in a box.
        """
        n = self.num + 1
        if self.derivative == 1:
            second = 2 * np.eye(self.num) - np.eye(self.num, k=1) - np.eye(self.num, k=-1)
            return np.asarray(second / self.dx**2)
        i = np.arange(1, n)
        # 1/sin^2(pi m/2n) for m = 0 ... 2n - 2; what belongs to m = 0, the diagonal, is set below
        inverse = np.ones(2 * n - 1)
        inverse[1:] = np.sin(np.pi * np.arange(1, 2 * n - 1) / (2 * n)) ** -2
        matrix = inverse[np.abs(i[:, None] - i)] - inverse[i[:, None] + i]
        matrix[(i[:, None] - i) % 2 == 1] *= -1
        np.fill_diagonal(matrix, (2 * n**2 + 1) / 3 - np.sin(np.pi * i / n) ** -2)
        return np.asarray(np.pi**2 / (2 * self.length**2) * matrix)

    def coefficients(self, u: Float) -> Float:
        """Return c_i = sqrt(dx) u_i from the values u_i = u(r_i), shape (num,)."""
        return np.asarray(np.sqrt(self.dx) * u)

    def values(self, coefficients: Float) -> Float:
        """Return the values u(r_i) from coefficients, last axis (num,)."""
        return np.asarray(coefficients / np.sqrt(self.dx))

    def kinetic(self, mass: float) -> Float:
        """Return the kinetic energies p_r^2/M of the waves sin(k_j r) in GeV, shape (num,).

        Parameters
        ----------
        mass : float
            Heavy-quark mass M in GeV (twice the reduced mass).
        """
        # 2 (1 - cos k dx) = (2 sin(k dx/2))^2, without the cancellation at small k
        p = self.k if self.derivative == 0 else 2 / self.dx * np.sin(self.k * self.dx / 2)
        return np.asarray(p**2 / mass)

    def hamiltonian(self, potential: Float, l: int, mass: float) -> Float:
        """Return the matrix of p_r^2/M + l(l+1)/(M r^2) + V(r) in GeV, shape (num, num).

        Parameters
        ----------
        potential : ndarray, shape (num,)
            V(r_i) in GeV, real or complex.
        l : int
            Orbital angular momentum.
        mass : float
            Heavy-quark mass M in GeV (twice the reduced mass).
        """
        return self.p_squared / mass + np.diag(potential + l * (l + 1) / (mass * self.r**2))

    def sine_transform(self, states: Complex) -> Complex:
        """Return the orthonormal type-I discrete sine transform along the last axis; it is its own inverse.

        Parameters
        ----------
        states : ndarray, shape (..., num)
            Coefficients, real or complex; computed in double precision.

        Returns
        -------
        ndarray, shape (..., num)
            sqrt(2/(num + 1)) sum_i sin(k_j r_i) states_i, complex.

        Raises
        ------
        InputError
            If the last axis has not `num` entries.
        """
        rows, shape = self._rows(states)
        return sine_transform_of(self.num, self.transform).transform(rows, self.threads).reshape(shape)

    def kinetic_step(self, states: Complex, factor: NDArray[np.float64 | np.complex128]) -> Complex:
        """Return the states with each wave sin(k_j r) multiplied by factor_j, as exp(-i kinetic(mass) dt).

        Parameters
        ----------
        states : ndarray, shape (..., num)
            Coefficients. Overwritten if it is a contiguous complex128 array: use what is returned.
        factor : ndarray, shape (num,) or that of `states`
            One factor for each wave, or for each state and wave.

        Returns
        -------
        ndarray, shape (..., num)
            sine_transform(factor sine_transform(states)).

        Raises
        ------
        InputError
            If the shapes do not agree.
        """
        rows, shape = self._rows(states)
        factor = np.asarray(factor)
        if factor.shape not in {(self.num,), shape}:
            allowed = f"have the shape ({self.num},) or that of the states, {shape}"
            raise InputError("factor", factor.shape, allowed)
        factor = factor if factor.ndim == 1 else factor.reshape(rows.shape)
        sine_transform_of(self.num, self.transform).filter(rows, factor, self.threads)
        return rows.reshape(shape)

    def _rows(self, states: Complex) -> tuple[Complex, tuple[int, ...]]:
        """Return contiguous states as a (B, num) array, without a copy where possible, and their shape."""
        states = np.asarray(states, dtype=np.complex128, order="C")
        if states.ndim == 0 or states.shape[-1] != self.num:
            raise InputError("states", states.shape, f"have {self.num} entries, `num`, along the last axis")
        return states.reshape(-1, self.num), states.shape


def _warn_if_slow(num: int) -> None:
    n = num + 1
    below, above = prev_fast_len(n), next_fast_len(n)
    if below == above:
        return
    power = 2 ** (n.bit_length() - 1)
    nearest = power if n - power < 2 * power - n else 2 * power
    warn_user(
        f"SineGrid: num = {num} is slow to transform, since num + 1 = {n} has a prime factor above 11. The nearest "
        f"fast values are {below - 1} and {above - 1}; the nearest of the fastest, 2^n - 1, is {nearest - 1}.",
        PerformanceWarning,
    )
