"""Heavy-quark transport coefficients kappa = kappa_hat(T) T^3 and gamma = gamma_hat T^3."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from .._checks import called, choice, float_array, number, settle
from .._types import Float
from ..errors import InputError

FitName = Literal["central", "lower", "upper"]

# Coefficients (a, b, c, d) of 1/kappa_hat = a + b x^(1/2) + c x + d x^(3/2), x = T/T_c: fits to the lattice band used
# by arXiv:2012.01240 and arXiv:2107.06147.
KAPPA_FITS: Final[dict[str, tuple[float, float, float, float]]] = {
    "central": (-0.51888965324059919, 0.98030718982413288, -0.083409768363912536, 0.0039726666253277474),
    "lower": (-0.8071156107961191, 1.5560083173857689, -0.14261556412444807, 0.0071217431979965582),
    "upper": (-0.38196931268763431, 0.71513037386309615, -0.058542116432588807, 0.0027170443410800557),
}

_FOR_ARRAYS: Final = (
    "It is called with an array: np.where(T > 0.3, a, b) takes the place of `a if T > 0.3 else b`."
)


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
        names = get_args(FitName)
        if isinstance(self.kappa, str):
            allowed = f"be one of {sorted(names)}, a number or a callable"
            settle(self, kappa=choice("kappa", self.kappa, names, allowed))
        elif not callable(self.kappa):
            allowed = "be a non-negative number (kappa_hat), a fit name or a callable"
            settle(self, kappa=number("kappa", self.kappa, allowed, low=0))
        if not callable(self.gamma):
            settle(self, gamma=number("gamma", self.gamma, "be a finite number (gamma_hat) or a callable"))
        allowed = "be between 0.1 and 0.3 GeV"
        settle(self, T_c=number("T_c", self.T_c, allowed, "Temperatures are in GeV.", low=0.1, high=0.3))

    def kappa_hat(self, T: ArrayLike) -> Float:
        """Return kappa_hat(T), dimensionless, for T in GeV of any shape.

        `InputError` if it is negative or not finite at some T.
        """
        T = float_array("T", T)
        if isinstance(self.kappa, str):
            a, b, c, d = KAPPA_FITS[self.kappa]
            x = np.sqrt(T / self.T_c)
            inverse = a + b * x + c * x**2 + d * x**3
            if np.any(inverse <= 0):
                allowed = f"be above the pole of the {self.kappa!r} kappa fit"
                remedy = "Raise T_end or give a constant kappa."
                raise InputError("T", float(T[inverse <= 0].min()) if T.ndim else float(T), allowed, remedy)
            return np.asarray(1 / inverse)
        return _evaluated("kappa", self.kappa, T, non_negative=True)

    def gamma_hat(self, T: ArrayLike) -> Float:
        """Return gamma_hat(T), dimensionless, for T in GeV of any shape."""
        return _evaluated("gamma", self.gamma, float_array("T", T), non_negative=False)

    def at(self, T: ArrayLike) -> tuple[Float, Float]:
        """Return (kappa, gamma) in GeV^3 at the temperatures T in GeV, of any shape."""
        T = float_array("T", T)
        return self.kappa_hat(T) * T**3, self.gamma_hat(T) * T**3


def _evaluated(name: str, coefficient: Any, T: Float, *, non_negative: bool) -> Float:
    if not callable(coefficient):
        return np.full_like(T, float(coefficient))
    result = float_array(
        name, called(name, coefficient, T, remedy=_FOR_ARRAYS), "return an array of real numbers"
    )
    if result.shape != T.shape:
        raise InputError(name, result.shape, f"return an array of the shape of T, {T.shape}")
    bad = ~np.isfinite(result) | ((result < 0) if non_negative else False)
    if np.any(bad):
        where = f"T = {float(T[bad].ravel()[0]) if T.ndim else float(T):.4g} GeV"
        allowed = f"return {'non-negative, ' if non_negative else ''}finite values ({where})"
        raise InputError(name, float(result[bad].ravel()[0]), allowed)
    return result
