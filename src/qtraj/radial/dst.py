"""Type-I discrete sine transforms of complex rows, by the complex FFT of their odd extension.

With n = num + 1 the orthonormal transform is X_k = sqrt(2/n) sum_j x_j sin(pi j k/n), j and k from 1 to num. The
odd extension (0, x_1 ... x_num, 0, -x_num ... -x_1), of length 2 n, has the Fourier transform -i sqrt(2 n) X_k.

Why not FFTW's own RODFT00 on the real and the imaginary parts, with half the arithmetic: its real transforms have
no vector code. At num 2047 the two of one complex row take 18 us, the FFT of length 4096 takes 11 us, and in SciPy
the ratio is about the same. A row is also transformed by the same plan whatever the size of its batch, so that
batches equal single rows to the last bit.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from ..errors import InputError

Complex = NDArray[np.complex128]

TRANSFORMS = ("scipy", "fftw")

BLOCK = 2**15
"""Numbers of extended rows worked on at once: 512 kB, so that a block stays in the second-level cache."""


class _Buffer(Protocol):
    """Extended rows, shape (rows, 2 n), and their FFTs without normalization, in place where possible."""

    data: Complex

    def forward(self, rows: int) -> Complex:
        """Transform the first `rows` rows of `data`; return the array that holds the result."""

    def backward(self, spectrum: Complex) -> Complex:
        """Transform what `forward` returned back, with 2 n times the rows as the result."""


class _SciPyBuffer:
    def __init__(self, rows: int, length: int) -> None:
        self.data = np.zeros((rows, length), dtype=np.complex128)

    def forward(self, rows: int) -> Complex:
        return np.asarray(fft.fft(self.data[:rows], overwrite_x=True))

    def backward(self, spectrum: Complex) -> Complex:
        return np.asarray(fft.ifft(spectrum, norm="forward", overwrite_x=True))


class _FFTWBuffer:
    """Aligned rows, each with its plans; the first row's planning is measured, the others take its wisdom."""

    def __init__(self, rows: int, length: int) -> None:
        pyfftw = import_pyfftw()
        self.data: Complex = pyfftw.zeros_aligned((rows, length), dtype=np.complex128)

        def plans(direction: str) -> list[Callable[[], None]]:
            return [
                pyfftw.FFTW(row, row, direction=direction, flags=("FFTW_MEASURE",), threads=1).execute
                for row in self.data
            ]

        self._forward, self._backward = plans("FFTW_FORWARD"), plans("FFTW_BACKWARD")

    def forward(self, rows: int) -> Complex:
        for execute in self._forward[:rows]:
            execute()
        return self.data[:rows]

    def backward(self, spectrum: Complex) -> Complex:
        for execute in self._backward[: len(spectrum)]:
            execute()
        return spectrum


_BUFFERS: dict[str, Callable[[int, int], _Buffer]] = {"scipy": _SciPyBuffer, "fftw": _FFTWBuffer}


class SineTransform:
    """Transforms of rows of `num` complex numbers by one library; use `sine_transform_of`, which keeps the plans.

    It may be used from several threads at once: each call works in a buffer of its own.

    Parameters
    ----------
    num : int
        Length of a row.
    transform : str
        "scipy" or "fftw".
    """

    def __init__(self, num: int, transform: str) -> None:
        self._n = num + 1
        self._rows = max(1, BLOCK // (2 * self._n))
        self._new_buffer = _BUFFERS[transform]
        self._free: list[_Buffer] = []

    def transform(self, states: Complex, threads: int = 1) -> Complex:
        """Return the orthonormal transform of each row of `states`, shape (B, num); its own inverse."""
        result = np.empty_like(states)

        def block(rows: slice) -> None:
            with self._buffer() as buffer:
                spectrum = self._extended(buffer, states[rows])
                np.multiply(spectrum[:, 1 : self._n], 1j / np.sqrt(2 * self._n), out=result[rows])

        self._each_block(block, len(states), threads)
        return result

    def filter(self, states: Complex, factor: NDArray[Any], threads: int = 1) -> None:
        """Replace `states`, shape (B, num), by transform(factor transform(states)); factor (num,) or (B, num)."""
        n = self._n

        def block(rows: slice) -> None:
            with self._buffer() as buffer:
                spectrum = self._extended(buffer, states[rows])
                here = factor if factor.ndim == 1 else factor[rows]
                spectrum[:, 1:n] *= here
                spectrum[:, :n:-1] *= here  # the negative frequencies: an odd function stays odd
                np.multiply(buffer.backward(spectrum)[:, 1:n], 1 / (2 * n), out=states[rows])

        self._each_block(block, len(states), threads)

    def _extended(self, buffer: _Buffer, states: Complex) -> Complex:
        """Return the Fourier transform of the odd extension of `states`."""
        n, odd = self._n, buffer.data[: len(states)]
        odd[:, 0] = odd[:, n] = 0
        odd[:, 1:n] = states
        np.negative(states[:, ::-1], out=odd[:, n + 1 :])
        return buffer.forward(len(states))

    def _each_block(self, block: Callable[[slice], None], count: int, threads: int) -> None:
        blocks = [slice(start, start + self._rows) for start in range(0, count, self._rows)]
        if threads > 1 and len(blocks) > 1:
            list(_pool(threads).map(block, blocks))  # list: raises what a block raised
        else:
            for rows in blocks:
                block(rows)

    @contextmanager
    def _buffer(self) -> Iterator[_Buffer]:
        try:
            buffer = self._free.pop()
        except IndexError:  # first use, or all taken by other threads
            buffer = self._new_buffer(self._rows, 2 * self._n)
        try:
            yield buffer
        finally:
            self._free.append(buffer)


@lru_cache(maxsize=16)
def sine_transform_of(num: int, transform: str) -> SineTransform:
    """Return the transform of this process for rows of `num` numbers, planned at its first use."""
    return SineTransform(num, transform)


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
        raise InputError(
            "transform",
            "fftw",
            'be "scipy" where pyFFTW cannot be imported',
            'Install it with: python -m pip install "qtraj[fftw]".',
        ) from error
    return pyfftw
