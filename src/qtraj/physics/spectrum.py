"""All orders in E/T: the spectrum of the chromoelectric field, and the master equation that contains it.

At dipole order the medium acts through one correlator, whose spectrum S(omega) says how it answers to a pair that
absorbs the energy omega (arXiv:1612.07248, arXiv:1711.04515). In the vacuum states, with R_mn = <c' l' m| r |c l n>,
omega_mn = E_m - E_n and Lambda_mn = R_mn g(omega_mn),

    g(omega) = S(omega)/2 + i gamma/2
    d rho_{c,l}   contains  - sum over (c', l') of B_c'c W_l'l (R^T Lambda rho + h.c.)
    d rho_{c',l'} contains  + B_c'c W_l'l (Lambda rho R^T + h.c.)

S = kappa is leading order, S = kappa (1 - omega/(2T)) next-to-leading order but for terms of second order. With
detailed balance, S(omega) = e^(-omega/T) S(-omega), the equation drives a pair in a box to its Gibbs state. The trace is
conserved. It is a Redfield equation: rho may have eigenvalues slightly below zero, and trajectories a sign problem.

The dispersive part of the correlator diverges with energy, so gamma(T) stays a parameter, the same at all omega.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from .._checks import called, float_array, function
from .._types import Float
from ..errors import InputError

Spectrum = Callable[[Any, Any], Any]
"""S(omega, T)/kappa for arrays omega and T in GeV, which broadcast against each other."""

_PROBE_OMEGA: Final = np.concatenate([[0.0], np.geomspace(1e-4, 12.0, 40)])
_PROBE_T: Final = np.array([0.15, 0.25, 0.4, 0.6])

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


def check_spectrum(spectrum: Spectrum) -> None:
    """Raise `InputError` unless a function is a spectrum: 1 at omega = 0, not negative, in detailed balance."""
    function("spectrum", spectrum, "be a function of (omega, T)")
    omega, T = np.broadcast_arrays(_PROBE_OMEGA[None], _PROBE_T[:, None])
    remedy = "It is called with arrays of omega and T in GeV."
    up, down = (
        float_array(
            "spectrum", called("spectrum", spectrum, sign * omega, T, remedy=remedy), "return real numbers"
        )
        for sign in (1, -1)
    )
    if up.shape != omega.shape or down.shape != omega.shape:
        raise InputError(
            "spectrum", up.shape, f"return an array of the shape of its arguments, {omega.shape}"
        )
    if not np.all(np.isfinite(up) & np.isfinite(down)):
        raise InputError("spectrum", spectrum, "be finite from omega = -12 to 12 GeV and T = 0.15 to 0.6 GeV")
    if np.any(np.abs(up[:, 0] - 1) > BALANCE):
        where = f"{up[0, 0]:.6g} at omega = 0"
        raise InputError(
            "spectrum", where, "be 1 at omega = 0: S(omega, T) over kappa(T)", "Divide it by S(0, T)."
        )
    if np.any(up < 0) or np.any(down < 0):
        raise InputError("spectrum", float(min(up.min(), down.min())), "be nowhere negative")
    violation = np.abs(up - np.exp(-omega / T) * down) / np.maximum(
        np.maximum(up, np.exp(-omega / T) * down), 1e-300
    )
    if violation.max() > BALANCE:
        i, j = np.unravel_index(np.argmax(violation), violation.shape)
        allowed = "obey detailed balance, S(omega) = e^(-omega/T) S(-omega)"
        remedy = f"It is off by {violation.max():.2g} of itself at omega = {omega[i, j]:.3g} GeV, T = {T[i, j]:g} GeV."
        raise InputError("spectrum", spectrum, allowed, remedy)
