"""Heavy-quark transport coefficients kappa = kappa_hat(T) T^3 and gamma = gamma_hat T^3."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._checks import is_finite_number
from ..errors import InputError

Float = NDArray[np.float64]
FitName = Literal["central", "lower", "upper"]

KAPPA_FITS: Final[dict[str, tuple[float, float, float, float]]] = {
    "central": (-0.51888965324059919, 0.98030718982413288, -0.083409768363912536, 0.0039726666253277474),
    "lower": (-0.8071156107961191, 1.5560083173857689, -0.14261556412444807, 0.0071217431979965582),
    "upper": (-0.38196931268763431, 0.71513037386309615, -0.058542116432588807, 0.0027170443410800557),
}
"""Coefficients (a, b, c, d) of 1/kappa_hat = a + b x^(1/2) + c x + d x^(3/2), x = T/T_c: fits to the lattice band
used by arXiv:2012.01240 and arXiv:2107.06147."""


@dataclass(frozen=True)
class Transport:
    """Transport coefficients as functions of temperature.

    Parameters
    ----------
    kappa : {"central", "lower", "upper"}, float or callable
        kappa_hat = kappa/T^3: one of three fits to lattice data, a non-negative constant, or a function of T
        (array in GeV, any shape) that returns an array of the same shape.
    gamma : float or callable
        gamma_hat = gamma/T^3; the group's central value is -1.75, its range (-3.5, 0).
    T_c : float
        Critical temperature in GeV that scales the fits: 0.150 in the C++ code, 0.155 in the caption of
        arXiv:2107.06147 (kappa_hat changes by about 3 %).

    Raises
    ------
    InputError
        For an unknown fit, a negative or non-finite constant, or T_c outside 0.1 to 0.3 GeV.
    """

    kappa: FitName | float | Callable[[Any], Any] = "central"
    gamma: float | Callable[[Any], Any] = -1.75
    T_c: float = 0.150

    def __post_init__(self) -> None:
        if isinstance(self.kappa, str):
            if self.kappa not in KAPPA_FITS:
                raise InputError(
                    "kappa", self.kappa, f"be one of {sorted(KAPPA_FITS)}, a number or a callable"
                )
        elif not callable(self.kappa) and not (is_finite_number(self.kappa) and self.kappa >= 0):
            raise InputError(
                "kappa", self.kappa, "be a non-negative number (kappa_hat), a fit name or a callable"
            )
        if not callable(self.gamma) and not is_finite_number(self.gamma):
            raise InputError("gamma", self.gamma, "be a finite number (gamma_hat) or a callable")
        if not (is_finite_number(self.T_c) and 0.1 <= self.T_c <= 0.3):
            raise InputError("T_c", self.T_c, "be between 0.1 and 0.3 GeV", "Temperatures are in GeV.")

    def kappa_hat(self, T: ArrayLike) -> Float:
        """Return kappa_hat(T), dimensionless, for T in GeV of any shape.

        Raises
        ------
        InputError
            If the coefficient is negative or not finite at some T.
        """
        T = np.asarray(T, dtype=float)
        if isinstance(self.kappa, str):
            a, b, c, d = KAPPA_FITS[self.kappa]
            x = np.sqrt(T / self.T_c)
            inverse = a + b * x + c * x**2 + d * x**3
            if np.any(inverse <= 0):
                raise InputError(
                    "T",
                    float(T[inverse <= 0].min()) if T.ndim else float(T),
                    f"be above the pole of the {self.kappa!r} kappa fit",
                    "Raise T_end or give a constant kappa.",
                )
            return np.asarray(1 / inverse)
        return _evaluated("kappa", self.kappa, T, non_negative=True)

    def gamma_hat(self, T: ArrayLike) -> Float:
        """Return gamma_hat(T), dimensionless, for T in GeV of any shape."""
        return _evaluated("gamma", self.gamma, np.asarray(T, dtype=float), non_negative=False)

    def at(self, T: ArrayLike) -> tuple[Float, Float]:
        """Return (kappa, gamma) in GeV^3 at the temperatures T in GeV, of any shape."""
        T = np.asarray(T, dtype=float)
        return self.kappa_hat(T) * T**3, self.gamma_hat(T) * T**3


def _evaluated(name: str, coefficient: Any, T: Float, *, non_negative: bool) -> Float:
    if not callable(coefficient):
        return np.full_like(T, float(coefficient))
    result = np.asarray(coefficient(T), dtype=float)
    if result.shape != T.shape:
        raise InputError(name, result.shape, f"return an array of the shape of T, {T.shape}")
    bad = ~np.isfinite(result) | ((result < 0) if non_negative else False)
    if np.any(bad):
        where = f"T = {float(T[bad].ravel()[0]) if T.ndim else float(T):.4g} GeV"
        raise InputError(
            name,
            float(result[bad].ravel()[0]),
            f"return {'non-negative, ' if non_negative else ''}finite values ({where})",
        )
    return result
