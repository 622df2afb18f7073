"""The QCD potential at three loops, without its renormalon (RS' scheme), and its running coupling at four loops."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import solve_ivp
from scipy.special import gamma as gamma_function
from scipy.special import zeta

from ..._checks import choice, finite_array, number, settle
from ..._types import Float
from ...errors import InputError
from ...units import C_F, N_C
from .coulomb import Color, octet_of

OctetPart = Literal["perturbative", "casimir", "coulomb"]

# of three light flavors: d alpha_s/d ln mu = -2 alpha_s (b0 a + b1 a^2 + b2 a^3 + b3 a^4), a = alpha_s/(4 pi), and the
# constants of the static potential at one, two and three loops
_B: Final = (9.0, 64.0, 643.83, 12090.4)
_A: Final = (7.0, 268.80, 5199.7)

_TAU_MASS: Final = 1.777  # GeV, where the coupling is measured
_RUNNING: Final = (0.5, 1e9)  # GeV; the integral of the running coupling goes from 1.777 GeV to these ends
_NU_F: Final = 1.0  # GeV, the factorization scale of the renormalon
_NORM: Final = 0.563  # N_m of the renormalon
_ALPHA_OCTET: Final = 0.43  # alpha_s of the octet's Coulomb potential alpha_s/(6 r), good to 10 to 20 %
_OCTET_SHARE: Final = (N_C**2 - 2) / (2 * (N_C**2 - 1))  # 7/16, of the octet in r^2 terms


@dataclass(frozen=True)
class ThreeLoopPotential:
    """Static QCD potential at three loops in the RS' scheme, with the vacuum part of gamma, for three light flavors.

    Parameters
    ----------
    gamma_vacuum : float
        gamma(0) in GeV^3, 0 to 0.2: V_s contains gamma(0) r^2/2 in the vacuum and in the medium.
    alpha_s_tau : float
        alpha_s at 1.777 GeV, 0.28 to 0.34.
    nu : float
        Scale in GeV of the coupling far away.
    nu_r : float
        In GeV: the scale is 1/r for r < 1/nu_r and `nu` beyond.
    nu_us : float
        Ultrasoft scale in GeV.
    octet : {"perturbative", "casimir", "coulomb"}
        Octet: 0.43/(6 r) + (7/16) gamma(0) r^2/2; V_inf + (V_inf - V_s)/8, which needs gamma(0) = 0; or
        alpha/(8 r) + (7/16) gamma(0) r^2/2.

    Attributes
    ----------
    alpha : float
        C_F alpha_s(nu), which sets the Bohr radius of the initial states.

    Raises
    ------
    InputError
        If an argument is out of range, or the octet is "casimir" and the potential does not saturate.

    Notes
    -----
    Of arXiv:2403.15545, as reconstructed from talks of its authors. L = 2 ln(nu r) + 2 gamma_E, a = alpha_s/(4 pi):

        V_s = -(C_F alpha_s/r) {1 + a [a1 + b0 L] + a^2 [a2 + b0^2 (L^2 + pi^2/3) + (b1 + 2 b0 a1) L]
              + a^3 [a3 + b0^3 (L^3 + pi^2 L + 16 zeta(3)) + (3 a1 b0^2 + (5/2) b0 b1)(L^2 + pi^2/3)
              + (b2 + 2 a1 b1 + 3 b0 a2) L + (16 pi^2/3) C_A^3 ln(r nu_us e^{gamma_E})]} + 2 dm + gamma(0) r^2/2
        dm  = N_m nu_f sum_{n=1}^3 (b0/2 pi)^n S_n alpha_s^{n+1}(nu_f),  re-expanded in alpha_s(nu) through alpha_s^4
        S_n = G(n+1+b)/G(1+b) + c1 G(n+b)/G(b),  b = b1/(2 b0^2),  c1 = (b1^2/b0 - b2)/(4 b b0^3)

    and for r < 1/nu_r with nu = 1/r, in dm, too. Only splittings are meant: a constant is absorbed in twice the mass,
    4.85 GeV. Splittings of 2S, 3S, 1P and 2P from 1S are 597, 960, 442 and 841 MeV (the paper's 597, 950, 442, 834).
    V_s steps by 0.002 GeV at r = 1/nu_r, so that meshes converge slowly: splittings to 0.1 MeV on the default one.

    Which octet the paper takes beyond its Coulomb part is not known here: the perturbative one has the octet's share of
    gamma(0), 7/16. In a medium `Transport` gives kappa and the thermal part of gamma alone: gamma(0) is in V_s already.
    """

    gamma_vacuum: float = 0.017
    alpha_s_tau: float = 0.314
    nu: float = field(default=1.20, kw_only=True)
    nu_r: float = field(default=1.11, kw_only=True)
    nu_us: float = field(default=1.0, kw_only=True)
    octet: OctetPart = field(default="perturbative", kw_only=True)

    def __post_init__(self) -> None:
        for name, low, high, unit in (
            ("gamma_vacuum", 0.0, 0.2, " GeV^3"),
            ("alpha_s_tau", 0.28, 0.34, ""),
            ("nu", 0.9, 3.0, " GeV"),
            ("nu_r", 0.9, 3.0, " GeV"),
            ("nu_us", 0.3, 3.0, " GeV"),
        ):
            allowed = f"be from {low:g} to {high:g}{unit}"
            settle(self, **{name: number(name, getattr(self, name), allowed, low=low, high=high)})
        settle(self, octet=choice("octet", self.octet, get_args(OctetPart)))
        if self.octet == "casimir" and self.gamma_vacuum:
            allowed = "be 'perturbative' or 'coulomb' with gamma_vacuum: gamma(0) r^2/2 does not saturate"
            raise InputError("octet", "casimir", allowed)

    @property
    def alpha(self) -> float:
        """C_F alpha_s(nu), which sets the Bohr radius of the initial states."""
        return C_F * float(self.alpha_s(self.nu))

    def alpha_s(self, mu: ArrayLike) -> Float:
        """Return alpha_s(mu) at four loops for three flavors, mu in GeV, at least 0.5, any shape."""
        mu = finite_array("mu", mu, low=_RUNNING[0])
        running = _running(self.alpha_s_tau)
        return np.asarray(running(np.log(np.minimum(mu, _RUNNING[1]).ravel())).reshape(mu.shape))

    def vacuum(self, r: Float, color: Color) -> Float:
        """Return V_color(r) in GeV, for r in GeV^-1, any shape."""
        r = np.asarray(r, dtype=float)
        held = self.gamma_vacuum * r**2 / 2
        if color == "singlet":
            return self._perturbative(r) + held
        if self.octet == "perturbative":
            return _ALPHA_OCTET / (6 * r) + _OCTET_SHARE * held
        far = 2 * self._residual_mass(self.nu)
        return octet_of(self, r, lambda: (self._perturbative(r), far)) + _OCTET_SHARE * held

    def _residual_mass(self, nu: Any) -> Any:
        """Return dm in GeV at scales nu in GeV, any shape."""
        b0, b1, b2, _ = _B
        b = b1 / (2 * b0**2)
        c1 = (b1**2 / b0 - b2) / (4 * b * b0**3)
        S = [
            gamma_function(n + 1 + b) / gamma_function(1 + b) + c1 * gamma_function(n + b) / gamma_function(b)
            for n in (1, 2, 3)
        ]
        first, second, third = (_NORM * _NU_F * (b0 / (2 * np.pi)) ** n * S[n - 1] for n in (1, 2, 3))
        # alpha_s(nu_f) = alpha_s [1 + b0 l a + (b0^2 l^2 + b1 l) a^2 + ...], l = ln(nu^2/nu_f^2)
        alpha_s, l = self.alpha_s(nu), 2 * np.log(np.asarray(nu) / _NU_F)
        one, two = b0 * l * alpha_s / (4 * np.pi), (b0**2 * l**2 + b1 * l) * (alpha_s / (4 * np.pi)) ** 2
        return (
            first * alpha_s**2 * (1 + 2 * one + one**2 + 2 * two)
            + second * alpha_s**3 * (1 + 3 * one)
            + third * alpha_s**4
        )

    def _perturbative(self, r: Float) -> Float:
        """Return V_s without gamma(0), with 2 dm, in GeV."""
        (b0, b1, b2, _), (a1, a2, a3) = _B, _A
        nu = np.where(r < 1 / self.nu_r, 1 / r, self.nu)
        alpha_s, L = self.alpha_s(nu), 2 * np.log(nu * r) + 2 * np.euler_gamma
        a = alpha_s / (4 * np.pi)
        one = a1 + b0 * L
        two = a2 + b0**2 * (L**2 + np.pi**2 / 3) + (b1 + 2 * b0 * a1) * L
        three = a3 + b0**3 * (L**3 + np.pi**2 * L + 16 * zeta(3))
        three = three + (3 * a1 * b0**2 + 2.5 * b0 * b1) * (L**2 + np.pi**2 / 3)
        three = three + (b2 + 2 * a1 * b1 + 3 * b0 * a2) * L
        three = three + 16 * np.pi**2 / 3 * N_C**3 * (np.log(r * self.nu_us) + np.euler_gamma)
        coulomb = -C_F * alpha_s / r * (1 + a * one + a**2 * two + a**3 * three)
        return np.asarray(coulomb + 2 * self._residual_mass(nu))


@lru_cache(maxsize=8)
def _running(alpha_s_tau: float) -> Callable[[Float], Float]:
    """Return alpha_s as a function of ln mu (n,), from its value at the mass of the tau downward and upward."""

    def slope(log_mu: float, alpha_s: Float) -> Float:
        a = alpha_s / (4 * np.pi)
        return np.asarray(-2 * alpha_s * sum(b * a ** (n + 1) for n, b in enumerate(_B)))

    start = np.log(_TAU_MASS)
    down, up = (
        solve_ivp(slope, (start, np.log(end)), [alpha_s_tau], dense_output=True, rtol=1e-12, atol=1e-14).sol
        for end in _RUNNING
    )

    def at(log_mu: Float) -> Float:
        below, above = down(np.minimum(log_mu, start))[0], up(np.maximum(log_mu, start))[0]
        return np.asarray(np.where(log_mu < start, below, above))

    return at
