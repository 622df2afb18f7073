"""Anisotropy of the medium along a history: f = f_iso( sqrt(sum_i p_i^2/alpha_i^2 + m^2)/lambda )."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import PchipInterpolator

from .._checks import float_array
from ..errors import InputError
from ..units import HBARC
from .medium_checks import check_temperature

Float = NDArray[np.float64]


def check_columns(
    alpha: ArrayLike | None, hard_scale: ArrayLike | None, shape: tuple[int, ...]
) -> tuple[Float | None, Float | None]:
    """Return alpha of shape (*shape, 3) and hard_scale of shape `shape`, or None for both, or raise `InputError`."""
    if alpha is None and hard_scale is None:
        return None, None
    if alpha is None or hard_scale is None:
        missing = "alpha" if alpha is None else "hard_scale"
        raise InputError(missing, None, "be given: an anisotropic medium has both alpha and hard_scale")
    factors, scale = float_array("alpha", alpha), float_array("hard_scale", hard_scale)
    for name, array, wanted in (("alpha", factors, (*shape, 3)), ("hard_scale", scale, shape)):
        if array.shape != wanted:
            raise InputError(name, array.shape, f"be of shape {wanted}, as T is of shape {shape}")
        if not np.all(np.isfinite(array) & (array > 0)):
            raise InputError(
                name, float(array[~(np.isfinite(array) & (array > 0))][0]), "be finite and positive"
            )
    check_temperature("hard_scale", float(scale.max()))
    return factors, scale


class AnisotropyTable:
    """Anisotropy and hard scale of one history, their logarithms interpolated monotonically in ln tau.

    Parameters
    ----------
    tau_fm : ndarray, shape (nt,)
        Increasing times in fm/c.
    alpha : ndarray, shape (nt, 3)
        alpha_x, alpha_y, alpha_z.
    hard_scale : ndarray, shape (nt,)
        lambda in GeV.
    """

    def __init__(self, tau_fm: Float, alpha: Float, hard_scale: Float) -> None:
        columns = np.column_stack([alpha, hard_scale])
        self._log = PchipInterpolator(np.log(tau_fm / HBARC), np.log(columns))

    def __call__(self, t: Float) -> tuple[Float, Float]:
        """Return xi = (alpha_perp/alpha_z)^2 - 1, alpha_perp = (alpha_x + alpha_y)/2, and lambda at t in GeV^-1."""
        x, y, z, scale = np.moveaxis(np.exp(self._log(np.log(t))), -1, 0)
        return np.asarray(((x + y) / (2 * z)) ** 2 - 1), scale
