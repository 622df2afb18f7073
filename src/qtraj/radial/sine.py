"""Uniform grid and type-I discrete sine transform for reduced radial functions u(r) = r R(r), u(0) = u(L) = 0.

The grid of QTraj 1.0 (arXiv:2107.06147). The functions sin(k_j r), k_j = j pi/L, diagonalize the kinetic energy, so
that exp(-i p_r^2 dt/M) is two transforms and a multiplication, unitary to rounding. The Coulomb cusp at r = 0 limits
its accuracy to the order dx^2; `LaguerreMesh` has no such limit.

With n = num + 1 the orthonormal transform is X_k = sqrt(2/n) sum_j x_j sin(pi j k/n), j and k from 1 to num. The
odd extension (0, x_1 ... x_num, 0, -x_num ... -x_1), of length 2 n, has the Fourier transform -i sqrt(2 n) X_k, so a
complex FFT does it. Why not FFTW's own RODFT00 on the real and the imaginary parts, with half the arithmetic: its real
transforms have no vector code. At num 2047 the two of one complex row take 18 us, the FFT of length 4096 takes 11 us,
and in SciPy the ratio is about the same. A row is also transformed by the same plan whatever the size of its batch, so
that batches equal single rows to the last bit.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.fft import next_fast_len, prev_fast_len

from .._checks import choice, integer, positive, settle
from .._types import Complex, Float
from ..errors import InputError, PerformanceWarning, warn_user

TRANSFORMS = ("scipy", "fftw")

# Numbers of extended rows worked on at once: 512 kB, so that a block stays in the second-level cache.
BLOCK = 2**15


class _Buffer:
    """Extended rows, `data` of shape (rows, 2 n), and their FFTs without normalization, in place where possible."""

    def __init__(self, rows: int, length: int, library: str) -> None:
        self._plans: list[list[Callable[[], None]]] = []
        if library == "scipy":
            self.data: Complex = np.zeros((rows, length), dtype=np.complex128)
            return
        pyfftw = import_pyfftw()
        self.data = pyfftw.zeros_aligned((rows, length), dtype=np.complex128)
        # one plan a row: the first one's planning is measured, the others take its wisdom
        self._plans = [
            [
                pyfftw.FFTW(row, row, direction=direction, flags=("FFTW_MEASURE",), threads=1).execute
                for row in self.data
            ]
            for direction in ("FFTW_FORWARD", "FFTW_BACKWARD")
        ]

    def forward(self, rows: int) -> Complex:
        """Transform the first `rows` rows of `data`; return the array that holds the result."""
        if not self._plans:
            return np.asarray(fft.fft(self.data[:rows], overwrite_x=True))
        for execute in self._plans[0][:rows]:
            execute()
        return self.data[:rows]

    def backward(self, spectrum: Complex) -> Complex:
        """Transform what `forward` returned back, with 2 n times the rows as the result."""
        if not self._plans:
            return np.asarray(fft.ifft(spectrum, norm="forward", overwrite_x=True))
        for execute in self._plans[1][: len(spectrum)]:
            execute()
        return spectrum


class SineTransform:
    """Transforms of rows of `num` complex numbers by one library; use `sine_transform_of`, which keeps the plans.

    It may be used from several threads at once: each call works in a buffer of its own.
    """

    def __init__(self, num: int, library: str) -> None:
        self._n, self._library = num + 1, library
        self._rows = max(1, BLOCK // (2 * self._n))
        self._free: list[_Buffer] = []

    def transform(self, states: Complex, threads: int = 1) -> Complex:
        """Return the orthonormal transform of each row of `states`, shape (B, num); its own inverse."""
        result = np.empty_like(states)

        def work(buffer: _Buffer, rows: slice) -> None:
            spectrum = self._extended(buffer, states[rows])
            np.multiply(spectrum[:, 1 : self._n], 1j / np.sqrt(2 * self._n), out=result[rows])

        self._each_block(work, len(states), threads)
        return result

    def filter(self, states: Complex, factor: NDArray[Any], threads: int = 1) -> None:
        """Replace `states`, shape (B, num), by transform(factor transform(states)); factor (num,) or (B, num)."""
        n = self._n

        def work(buffer: _Buffer, rows: slice) -> None:
            spectrum = self._extended(buffer, states[rows])
            mine = factor if factor.ndim == 1 else factor[rows]
            spectrum[:, 1:n] *= mine
            spectrum[:, :n:-1] *= mine  # the negative frequencies: an odd function stays odd
            np.multiply(buffer.backward(spectrum)[:, 1:n], 1 / (2 * n), out=states[rows])

        self._each_block(work, len(states), threads)

    def _extended(self, buffer: _Buffer, states: Complex) -> Complex:
        """Return the Fourier transform of the odd extension of `states`."""
        n, odd = self._n, buffer.data[: len(states)]
        odd[:, 0] = odd[:, n] = 0
        odd[:, 1:n] = states
        np.negative(states[:, ::-1], out=odd[:, n + 1 :])
        return buffer.forward(len(states))

    def _each_block(self, work: Callable[[_Buffer, slice], None], count: int, threads: int) -> None:
        def block(rows: slice) -> None:
            try:
                buffer = self._free.pop()
            except IndexError:  # first use, or all taken by other threads
                buffer = _Buffer(self._rows, 2 * self._n, self._library)
            work(buffer, rows)
            self._free.append(buffer)  # kept for the next call of any thread

        blocks = [slice(start, start + self._rows) for start in range(0, count, self._rows)]
        run = _pool(threads).map if threads > 1 and len(blocks) > 1 else map
        list(run(block, blocks))  # list: does the work, and raises what a block raised


# The transform of this process for rows of `num` numbers by a library, planned at its first use.
sine_transform_of = lru_cache(maxsize=16)(SineTransform)


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="qtraj-dst")


if hasattr(os, "register_at_fork"):
    # threads do not survive a fork: a child process starts its own
    os.register_at_fork(after_in_child=_pool.cache_clear)


def import_pyfftw() -> Any:
    """Return the module pyfftw, or raise `InputError` with the command that installs it."""
    try:
        import pyfftw  # noqa: PLC0415  an optional dependency
    except ImportError as error:
        remedy = 'Install it with: python -m pip install "qtraj[fftw]".'
        raise InputError("transform", "fftw", 'be "scipy" where pyFFTW cannot be imported', remedy) from error
    return pyfftw


# Sixteen times the largest grid of the QTraj 1.0 paper; more is taken for a mistake.
MAX_NUM = 2**22


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

    def scaled(self, factor: float) -> SineGrid:
        """Return the grid for lengths `factor` times as large."""
        return replace(self, length=factor * self.length)

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
        # the sign (-1)^(i - j) of the closed form
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
        """Return the kinetic energies p_r^2/M of the waves sin(k_j r) in GeV, shape (num,), for a mass M in GeV."""
        # 2 (1 - cos k dx) = (2 sin(k dx/2))^2, without the cancellation at small k
        p = self.k if self.derivative == 0 else 2 / self.dx * np.sin(self.k * self.dx / 2)
        return np.asarray(p**2 / mass)

    def hamiltonian(self, potential: Float, l: int, mass: float) -> Float:
        """Return the matrix of p_r^2/M + l(l+1)/(M r^2) + V(r) in GeV, shape (num, num).

        `potential` (num,) is V(r_i) in GeV, real or complex, `l` the angular momentum, `mass` that of the heavy quark,
        M, in GeV (twice the reduced mass).
        """
        return self.p_squared / mass + np.diag(potential + l * (l + 1) / (mass * self.r**2))

    def sine_transform(self, states: Complex) -> Complex:
        """Return the orthonormal type-I discrete sine transform along the last axis; it is its own inverse.

        It is sqrt(2/(num + 1)) sum_i sin(k_j r_i) states_i, complex, of `states` (..., num), real or complex, in double
        precision; `InputError` if the last axis has not `num` entries.
        """
        rows, shape = self._rows(states)
        return sine_transform_of(self.num, self.transform).transform(rows, self.threads).reshape(shape)

    def kinetic_step(self, states: Complex, factor: NDArray[np.float64 | np.complex128]) -> Complex:
        """Return the states with each wave sin(k_j r) multiplied by factor_j, as exp(-i kinetic(mass) dt).

        That is sine_transform(factor sine_transform(states)) of `states` (..., num), with one `factor` (num,) for each
        wave, or one for each state and wave. The states are overwritten if they are a contiguous complex128 array: use
        what is returned. `InputError` if the shapes do not agree.
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
    nearest = power if 2 * n < 3 * power else 2 * power  # of the powers of two
    warn_user(
        f"SineGrid: num = {num} is slow to transform, since num + 1 = {n} has a prime factor above 11. The nearest "
        f"fast values are {below - 1} and {above - 1}; the nearest of the fastest, 2^n - 1, is {nearest - 1}.",
        PerformanceWarning,
    )
