"""Checks of the arrays of a tabulated potential."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..._checks import complex_array, increasing
from ...errors import InputError
from ..medium_checks import HINT_MEV, MAX_T

Float = NDArray[np.float64]


def checked_axes(r: ArrayLike, T: ArrayLike | None) -> tuple[Float, Float | None]:
    """Return r (nr,) in GeV^-1 and T (nt,) in GeV or None as float arrays, or raise `InputError`."""
    distances = _increasing("r", r, 4)
    if distances[0] <= 0:
        raise InputError("r", float(distances[0]), "be positive distances in GeV^-1", "Leave out r = 0.")
    if T is None:
        return distances, None
    temperatures = _increasing("T", T, 2)
    if temperatures[0] < 0 or temperatures[-1] > MAX_T:
        raise InputError("T", float(temperatures[-1]), f"be temperatures in GeV, 0 to {MAX_T:g}", HINT_MEV)
    return distances, temperatures


def checked_values(name: str, V: ArrayLike, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return V of the given shape in GeV, complex only where an imaginary part is not 0, or raise `InputError`."""
    array = complex_array(name, V, "be an array of numbers in GeV")
    if array.shape != shape:
        raise InputError(name, array.shape, f"be of shape {shape}, the axes of the table")
    if not np.all(np.isfinite(array)):
        raise InputError(name, complex(array[~np.isfinite(array)][0]), "be finite")
    if not np.any(array.imag):
        return np.array(array.real, dtype=float)
    if np.any(array.imag > 0):
        raise InputError(name, float(array.imag.max()), "have Im V <= 0: a width absorbs")
    return np.array(array, dtype=complex)


def _increasing(name: str, value: ArrayLike, least: int) -> Float:
    return increasing(
        name, value, f"be a 1-D array of at least {least} finite, increasing numbers", least=least
    )
