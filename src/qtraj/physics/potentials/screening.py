"""Functions of the screened potentials: Landau damping, anisotropic screening, running coupling."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import exp1, expi

from ..._checks import float_array
from ...errors import InputError
from ...units import N_C

Float = NDArray[np.float64]

_SERIES_BELOW: Final = 3.0
_ASYMPTOTIC_ABOVE: Final = 45.0


def landau_damping(x: ArrayLike) -> Float:
    """Return phi(x) = 2 Int_0^inf dz z/(z^2+1)^2 [1 - sin(zx)/(zx)] for x >= 0, any shape; accurate to 1e-14.

    Notes
    -----
    phi rises from 0 as -(x^2/3)(ln x + gamma_E - 4/3) to 1 as 1 - 2/x^2. With Int sin(zx)/(z^2+a^2) dz =
    [e^{-ax} Ei(ax) + e^{ax} E_1(ax)]/(2a) and a derivative with respect to a,

        phi(x) = 1 - [(1 + x) e^{-x} Ei(x) + (1 - x) e^x E_1(x)]/(2x)
               = sum_{k>=1} x^{2k}/(2k+1)! [2k (H_{2k} - gamma_E - ln x) - 1/(2k+1)]       (H_n: harmonic numbers)

    The series is used for small x, where the closed form cancels, and the asymptotic series of Ei and E_1 for large x.
    Source of phi: Laine,
    Philipsen, Romatschke and Tassler, JHEP 03 (2007) 054.
    """
    x = float_array("x", x)
    small, large = x < _SERIES_BELOW, x > _ASYMPTOTIC_ABOVE
    middle = ~(small | large)
    phi = np.empty_like(x)
    phi[small], phi[middle], phi[large] = _small_x(x[small]), _closed_form(x[middle]), _large_x(x[large])
    return phi


def screening_anisotropy(xi: ArrayLike) -> Float:
    """Return f(xi) = (mu/m_D)^2, the effective screening mass squared in an anisotropic medium over the isotropic one.

    Parameters
    ----------
    xi : array_like
        Anisotropy <p_T^2>/(2 <p_z^2>) - 1 > -1 of the momentum distribution; positive for an oblate one.

    Raises
    ------
    InputError
        If xi <= -1.

    Notes
    -----
    With A(xi) = arctan(sqrt(xi))/sqrt(xi), which continues to artanh(sqrt(-xi))/sqrt(-xi),

        f = A / sqrt(R),    R = [1/(1 + xi) + A]/2 = (T/Lambda)^4:

    A is m_D^2(Lambda, xi)/m_D^2(Lambda) averaged over angles, and R converts the hard scale Lambda to the temperature T
    of equal energy density. Both printed forms of the literature, for xi > 0 with arcsin(sqrt(xi/(1 + xi))) and for
    xi < 0 with arsinh(sqrt(|xi|/(1 - |xi|))), are this one function; its expansion 1 - 2 xi^2/45 + 44 xi^3/945 -
    8 xi^4/189 has no linear term. Source: Dong, Guo,
    Islam, Rothkopf and Strickland, arXiv:2205.10349, and arXiv:2109.01284 for the effective mass.
    """
    xi = float_array("xi", xi)
    if not np.all(xi > -1):
        raise InputError("xi", float(np.min(xi)), "be an anisotropy above -1")
    size = np.sqrt(np.abs(xi))
    tiny = size < 1e-3  # arctan(s)/s = 1 - s^2/3 + s^4/5 to rounding
    s = np.where(tiny, 0.5, size)
    angle = np.where(xi > 0, np.arctan(s), np.arctanh(np.where(xi > 0, 0.5, s)))
    ratio = np.where(tiny, 1 - xi / 3 + xi**2 / 5, angle / s)
    return np.asarray(ratio / np.sqrt((1 / (1 + xi) + ratio) / 2))


def running_coupling(mu: ArrayLike, n_f: int, lambda_ms: float) -> Float:
    """Return alpha_s(mu) of the three-loop beta function in the MS-bar scheme, expanded in 1/ln(mu^2/Lambda^2).

    Parameters
    ----------
    mu : array_like
        Scale in GeV, well above `lambda_ms`.
    n_f : int
        Number of light flavors.
    lambda_ms : float
        Lambda in GeV.

    Notes
    -----
    Particle Data Group, review of quantum chromodynamics, with b3 = 0; t = ln(mu^2/Lambda^2), L = ln t:

        alpha_s = 1/(b0 t) { 1 - b1 L/(b0^2 t) + [b1^2 (L^2 - L - 1) + b0 b2]/(b0^4 t^2)
                             - [b1^3 (L^3 - 5 L^2/2 - 2 L + 1/2) + 3 b0 b1 b2 L]/(b0^6 t^3) }

    The last term, 2 to 3 % at mu = 2 pi T, is what the C++ code has, too.
    """
    b0 = (11 * N_C - 2 * n_f) / (12 * np.pi)
    b1 = (153 - 19 * n_f) / (24 * np.pi**2)
    b2 = (2857 - 5033 * n_f / 9 + 325 * n_f**2 / 27) / (128 * np.pi**3)
    t = 2 * np.log(np.asarray(mu, dtype=float) / lambda_ms)
    log, x = np.log(t), 1 / (b0**2 * t)
    second = b1**2 * (log**2 - log - 1) + b0 * b2
    third = b1**3 * (log**3 - 5 * log**2 / 2 - 2 * log + 1 / 2) + 3 * b0 * b1 * b2 * log
    return np.asarray((1 - b1 * log * x + second * x**2 - third * x**3) / (b0 * t))


def _small_x(x: Float) -> Float:
    with np.errstate(divide="ignore"):
        log = np.euler_gamma + np.log(np.where(x > 0, x, 1.0))
    total, power, harmonic = np.zeros_like(x), np.ones_like(x), 0.0
    for k in range(1, 19):  # 3^36/37! = 1e-26
        power = power * x**2 / ((2 * k) * (2 * k + 1))
        harmonic += 1 / (2 * k - 1) + 1 / (2 * k)
        total += power * (2 * k * (harmonic - log) - 1 / (2 * k + 1))
    return total


def _closed_form(x: Float) -> Float:
    bracket = (1 + x) * np.exp(-x) * expi(x) + (1 - x) * np.exp(x) * exp1(x)
    return np.asarray(1 - bracket / (2 * x))


def _large_x(x: Float) -> Float:
    # e^{-x} Ei(x) = sum n!/x^{n+1} and e^x E_1(x) the same with alternating signs: even powers of 1/x remain
    total, term = np.zeros_like(x), 1 / x**2
    for k in range(1, 14):
        total += 2 * k * term
        term = term * (2 * k - 1) * (2 * k) / x**2
    return 1 - total
