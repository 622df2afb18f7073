"""``basisfunctions.tsv`` of QTraj 1.0: eigenstates on the whole grid, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..._checks import complex_array, integer
from ..._checks import path as path_of
from ...errors import FileFormatError, InputError
from ...states import STATES
from .text import lines_of, numbers, write_lines

Complex = NDArray[np.complex128]

COLUMNS: Final = 2


def read_basis(path: str | Path, num: int | None = None, count: int | None = None) -> Complex:
    """Read a ``basisfunctions.tsv``, plain or gzip.

    The file names neither grid nor number of states: two of the three numbers, lines, `num` and `count`, fix it.

    Parameters
    ----------
    path : str or Path
        The file.
    num : int, optional
        Points of the grid (the parameter ``num``).
    count : int, optional
        Number of states (the parameter ``nBasis``); six if neither is given.

    Returns
    -------
    ndarray of complex, shape (count, num)
        Rows in the order of STATES, dx sum u^2 = 1, any sign.

    Raises
    ------
    FileFormatError
        Naming file and line for a damaged file; if the number of lines is not num * count.
    """
    path = path_of("path", path)
    num, count = (None if n is None else integer(name, n, 1) for name, n in (("num", num), ("count", count)))
    values = numbers(path, lines := list(lines_of(path)), COLUMNS)
    if count is None:
        count = len(STATES) if num is None else len(lines) // num
    points, rest = (num, len(lines) - num * count) if num is not None else divmod(len(lines), count)
    if rest or not points or not count:
        wanted = f"{count} states" + ("" if num is None else f" of {num} points")
        raise FileFormatError(
            path, f"{len(lines)} lines are not {wanted}", "Check num and nBasis of the run that wrote it."
        )
    u = np.empty(len(lines), dtype=np.complex128)
    u.real, u.imag = values.T
    return u.reshape(count, points)


def write_basis(path: str | Path, states: ArrayLike) -> Path:
    """Write a ``basisfunctions.tsv`` as QTraj 1.0 does, with 17 significant digits: every bit comes back.

    Parameters
    ----------
    path : str or Path
        The file; gzip if the name ends in ``.gz``.
    states : array_like, shape (count, num)
        Real or complex, rows in the order of STATES.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        If the shape is wrong or a number is not finite.
    FileFormatError
        If the file cannot be written.
    """
    return write_lines(path_of("path", path), basis_lines(states))


def basis_lines(states: ArrayLike) -> Iterator[str]:
    """Yield the lines of a ``basisfunctions.tsv``."""
    u = complex_array("states", states).astype(np.complex128)
    if u.ndim != 2 or not u.size or not np.all(np.isfinite(u)):
        raise InputError("states", u.shape, "be finite and have shape (count, num)")
    for value in u.ravel().tolist():
        yield f"{value.real:.17g}\t{value.imag:.17g}"
