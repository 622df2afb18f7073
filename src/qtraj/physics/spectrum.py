"""All orders in E/T: the spectrum of the chromoelectric field, and the master equation that contains it.

At dipole order the medium acts through one correlator, whose spectrum S(omega) says how it answers to a pair that
absorbs the energy omega (arXiv:1612.07248, arXiv:1711.04515). In the vacuum states, with R_mn = <c' l' m| r |c l n>,
omega_mn = E_m - E_n and Lambda_mn = R_mn g(omega_mn),

    g(omega) = S(omega)/2 + i gamma/2
    d rho_{c,l}   contains  - sum over (c', l') of B_c'c W_l'l (R^T Lambda rho + h.c.)
    d rho_{c',l'} contains  + B_c'c W_l'l (Lambda rho R^T + h.c.)

S = kappa is leading order, S = kappa (1 - omega/(2T)) next-to-leading order but for terms of second order. With
detailed balance, S(omega) = e^(-omega/T) S(-omega), the equation drives a pair in a box to its Gibbs state. The trace
is conserved. It is a Redfield equation: rho may have eigenvalues slightly below zero, and trajectories a sign problem.

Its completely positive twin, the universal Lindblad equation (arXiv:2004.01469), has the jumps

    C_mn = R_mn sqrt(S(omega_mn)),     Gamma = sum C^+C,

and the same gamma; to first order in omega/T these are the jumps of next-to-leading order, without its friction. Both
equations are as good as the assumption that the field forgets faster than the pair changes; their difference says how
good that is.

The dispersive part of the correlator diverges with energy, so gamma(T) stays a parameter, the same at all omega.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from .._checks import boolean, called, float_array, function, settle
from .._types import Float
from ..errors import InputError

SpectrumFunction = Callable[[Any, Any], Any]
"""S(omega, T)/kappa for arrays omega and T in GeV, which broadcast against each other."""


@dataclass(frozen=True)
class Spectrum:
    """A spectrum of the chromoelectric field, S(omega, T)/kappa, for `LindbladModel` at all orders.

    Parameters
    ----------
    shape : callable
        The function of arrays omega (energy in GeV that the pair absorbs) and T in GeV, which broadcast; 1 at
        omega = 0.
    check : bool
        Whether it must obey detailed balance, S(omega) = e^(-omega/T) S(-omega), to 1e-6. Without, a pair relaxes to
        no thermal state: for limits such as S = kappa, leading order, and for studies.

    Raises
    ------
    InputError
        If the shape is not 1 at omega = 0, negative, or without detailed balance where that is checked.
    """

    shape: SpectrumFunction
    check: bool = True

    def __post_init__(self) -> None:
        settle(self, check=boolean("check", self.check))
        check_spectrum(self.shape, balance=self.check, name="shape")

    def __call__(self, omega: Any, T: Any) -> Any:
        """Return S(omega, T)/kappa."""
        return self.shape(omega, T)


_PROBE_OMEGA: Final = np.concatenate([[0.0], np.geomspace(1e-4, 30.0, 40)])
_PROBE_T: Final = np.array([0.12, 0.2, 0.4, 0.9])

BALANCE: Final = 1e-6
"""Largest violation of detailed balance, over the larger side: rounding and smooth tables, no physics."""


def ohmic(omega: Any, T: Any) -> Float:
    """Return x/(e^x - 1) with x = omega/T: the spectrum of a field whose spectral function is linear in omega.

    The limit of weak coupling at small omega, and the plainest function with detailed balance.

    Parameters
    ----------
    omega : array_like
        Energy that the pair absorbs, in GeV.
    T : array_like
        Temperature in GeV; both broadcast.
    """
    x = np.asarray(omega, dtype=float) / T
    small = np.abs(x) < 1e-5  # 1 - x/2 + x^2/12 to rounding
    # e^x overflows long after the value is zero
    safe = np.where(small, 1.0, np.minimum(x, 700.0))
    return np.asarray(np.where(small, 1 - x / 2 + x**2 / 12, safe / np.expm1(safe)))


def check_spectrum(spectrum: SpectrumFunction, *, balance: bool = True, name: str = "spectrum") -> None:
    """Raise `InputError` unless a function is a spectrum: 1 at omega = 0, not negative, in detailed `balance`."""
    function(name, spectrum, "be a function of (omega, T)")
    omega, T = np.broadcast_arrays(_PROBE_OMEGA[None], _PROBE_T[:, None])
    remedy = "It is called with arrays of omega and T in GeV."
    up, down = (
        float_array(name, called(name, spectrum, sign * omega, T, remedy=remedy), "return real numbers")
        for sign in (1, -1)
    )
    if up.shape != omega.shape or down.shape != omega.shape:
        raise InputError(name, up.shape, f"return an array of the shape of its arguments, {omega.shape}")
    if not np.all(np.isfinite(up) & np.isfinite(down)):
        raise InputError(name, spectrum, "be finite from omega = -30 to 30 GeV and T = 0.12 to 0.9 GeV")
    if np.any(np.abs(up[:, 0] - 1) > BALANCE):
        where = f"{up[0, 0]:.6g} at omega = 0"
        raise InputError(name, where, "be 1 at omega = 0: S(omega, T) over kappa(T)", "Divide it by S(0, T).")
    if np.any(up < 0) or np.any(down < 0):
        raise InputError(name, float(min(up.min(), down.min())), "be nowhere negative")
    if not balance:
        return
    detailed = np.exp(-omega / T) * down
    # a table may end where nothing absorbs
    violation = np.abs(up - detailed) / np.maximum(np.maximum(up, detailed), 1e-9)
    if violation.max() > BALANCE:
        i, j = np.unravel_index(np.argmax(violation), violation.shape)
        allowed = "obey detailed balance, S(omega) = e^(-omega/T) S(-omega)"
        remedy = f"It is off by {violation.max():.2g} of itself at omega = {omega[i, j]:.3g} GeV, T = {T[i, j]:g} GeV. "
        remedy += "Spectrum(function, check=False) takes it all the same."
        raise InputError(name, spectrum, allowed, remedy)
