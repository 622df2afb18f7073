"""Cornell's potential with a string that breaks, and the Kent State University (KSU) potential, which it is in vacuum.

KSU's is screened and has Landau damping in the medium, isotropic or not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import exp1, expi

from ..._checks import choice, float_array, integer, number, settle
from ..._types import Float
from ...errors import InputError
from ...units import C_F, N_C, from_fm
from .coulomb import Color, Octet, octet_of

# where the forms of phi change: the closed form cancels below 3, and e^x E_1(x) has lost its accuracy long before it
# overflows at 700; the series of 18 and of 13 terms are exact to rounding there
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
    Source of phi: Laine, Philipsen, Romatschke and Tassler, arXiv:hep-ph/0611300.
    """
    x = float_array("x", x)
    small, large = x < _SERIES_BELOW, x > _ASYMPTOTIC_ABOVE
    middle = ~(small | large)
    phi, m = np.zeros_like(x), x[middle]
    s, log = x[small], np.euler_gamma + np.log(np.where(x > 0, x, 1.0))[small]
    power, harmonic = np.ones_like(s), 0.0
    for k in range(1, 19):  # 3^36/37! = 1e-26
        power *= s**2 / ((2 * k) * (2 * k + 1))
        harmonic += 1 / (2 * k - 1) + 1 / (2 * k)
        phi[small] += power * (2 * k * (harmonic - log) - 1 / (2 * k + 1))
    # e^{-x} Ei(x) = sum n!/x^{n+1} and e^x E_1(x) the same with alternating signs: even powers of 1/x remain
    term, phi[large] = 1 / x[large] ** 2, 1.0
    for k in range(1, 14):
        phi[large] -= 2 * k * term
        term *= (2 * k - 1) * (2 * k) / x[large] ** 2
    phi[middle] = 1 - ((1 + m) * np.exp(-m) * expi(m) + (1 - m) * np.exp(m) * exp1(m)) / (2 * m)
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
    8 xi^4/189 has no linear term. Source: Dong, Guo, Islam, Rothkopf and Strickland, arXiv:2205.10349, and
    arXiv:2109.01284 for the effective mass.
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


def debye_ratio(coupling: ArrayLike, n_f: int) -> Any:
    """Return m_D/T = sqrt((N_c/3 + n_f/6) 4 pi coupling) of leading order, any shape."""
    return np.sqrt((N_C / 3 + n_f / 6) * 4 * np.pi * np.asarray(coupling))


# GeV, 2 pi times T = 0.1 GeV; there C_F alpha_s is about 1, above every frozen value, and below its series soon fails
_RUNS_ABOVE: Final = 2 * np.pi * 0.1


def frozen_coupling(mu: Float, largest: float, n_f: int, lambda_ms: float) -> Float:
    """Return C_F alpha_s(mu) at three loops, at most `largest`, which must be below 0.9; mu in GeV, any shape."""
    runs = mu > _RUNS_ABOVE
    # where it does not run any scale will do: the result is not used
    running = C_F * running_coupling(np.where(runs, mu, _RUNS_ABOVE), n_f, lambda_ms)
    return np.where(runs, np.minimum(running, largest), largest)


def check_running(potential: Any) -> None:
    """Settle `n_f`, `lambda_ms` and `octet` of a potential with Landau damping, or raise `InputError`."""
    allowed = "be from 0.05 to 0.45 GeV"
    settle(
        potential,
        n_f=integer("n_f", potential.n_f, 0, 6, "be a number of flavors, 0 to 6"),
        lambda_ms=number("lambda_ms", potential.lambda_ms, allowed, low=0.05, high=0.45),
        octet=choice("octet", potential.octet, get_args(Octet)),
    )


def damping(coupling: Float, mass: Float, r: Float, xi: Float, hard_scale: Float) -> Float:
    """Return Im V = -coupling lambda phi(m_D r)/sqrt(1 + xi/3) in GeV, shape (nt, nr), averaged over angles.

    `coupling` is C_F alpha_s, `mass` m_D at the hard scale lambda in GeV, (nt,) each, and r (nr,) in GeV^-1.
    """
    strength = coupling * hard_scale / np.sqrt(1 + xi / 3)
    return np.asarray(-strength[:, None] * landau_damping(np.outer(mass, r)))


# GeV^-1; far beyond every screening length: r V is then exact to rounding, and a string without screening has broken
_FAR: Final = 1e15


@dataclass(frozen=True)
class CornellPotential:
    """Coulomb and linear potential up to the distance where the string breaks, constant beyond.

    Parameters
    ----------
    alpha : float
        Coulomb coupling C_F alpha_s, 0.01 to 0.9.
    sigma : float
        String tension in GeV^2.
    string_breaking_fm : float
        Distance r_SB in fm beyond which the potential is constant.
    octet : {"casimir", "coulomb"}
        Octet: V_o = V_SB + (V_SB - V_s)/8, which ends at the same energy V_SB as the singlet, or +alpha/(8 r).

    Raises
    ------
    InputError
        If an argument is out of range.

    Notes
    -----
    V_s = -alpha/r + sigma r for r <= r_SB, V_SB = -alpha/r_SB + sigma r_SB beyond: the vacuum of `KSUPotential`,
    arXiv:2007.10211, whose numbers are the defaults. Every method solves it, with dipole terms in the medium.
    """

    alpha: float = 0.409
    sigma: float = 0.21
    string_breaking_fm: float = 1.25
    octet: Octet = field(default="casimir", kw_only=True)

    def __post_init__(self) -> None:
        for name, low, high, unit in (
            ("alpha", 0.01, 0.9, ""),
            ("sigma", 0.0, 2.0, " GeV^2"),
            ("string_breaking_fm", 0.1, 10.0, " fm"),
        ):
            allowed = f"be from {low:g} to {high:g}{unit}"
            settle(self, **{name: number(name, getattr(self, name), allowed, low=low, high=high)})
        settle(self, octet=choice("octet", self.octet, get_args(Octet)))

    @property
    def string_breaking(self) -> float:
        """Distance r_SB in GeV^-1 beyond which the vacuum potential is constant."""
        return from_fm(self.string_breaking_fm)

    @property
    def ceiling(self) -> float:
        """V_vac(r_SB) in GeV: the energy at which the string breaks."""
        return -self.alpha / self.string_breaking + self.sigma * self.string_breaking

    def vacuum(self, r: Float, color: Color) -> Float:
        """Return V_color(r) in GeV without medium, for r in GeV^-1, any shape."""
        inside = np.minimum(r, self.string_breaking)
        V = -self.alpha / inside + self.sigma * inside
        return V if color == "singlet" else octet_of(self, r, lambda: (V, self.ceiling))


@dataclass(frozen=True)
class KSUPotential(CornellPotential):
    """Complex singlet potential of the Kent State University group, in isotropic and anisotropic media.

    Parameters
    ----------
    alpha : float
        Coulomb coupling C_F alpha_s of the vacuum potential, up to 0.9. The coupling of Im V is frozen at it.
    sigma : float
        String tension in GeV^2.
    string_breaking_fm : float
        Distance in fm beyond which the vacuum potential is constant.
    md_factor : float
        Factor of the Debye mass; 0 leaves the vacuum potential.
    n_f : int
        Number of light flavors, in m_D and in the running of alpha_s.
    lambda_ms : float
        Lambda_MS of the running in GeV.
    octet : {"casimir", "coulomb"}
        Octet, real: V_o = V_inf + (V_inf - Re V)/8 with V_inf = Re V far away, in the vacuum and at each temperature,
        or +alpha/(8 r).

    Raises
    ------
    InputError
        If an argument is out of range.

    Notes
    -----
    With the Debye mass m_D(T) = md_factor sqrt((N_c/3 + n_f/6) 4 pi alpha) T, with alpha, not alpha_s,
    and mu = sqrt(f(xi)) m_D(T), f of `screening_anisotropy`:

        Re V = min[ -(alpha/r)(1 + mu r) e^{-mu r} + (2 sigma/mu)(1 - e^{-mu r}) - sigma r e^{-mu r},  V_vac(r_SB) ]
        Im V = -min(C_F alpha_s(2 pi T), alpha) lambda phi(m_D(lambda) r)/sqrt(1 + xi/3)
        V_vac = -alpha/r + sigma r for r <= r_SB, constant beyond

    lambda is the hard scale and phi is `landau_damping`; in an isotropic medium xi = 0 and lambda = T. In an
    anisotropic one V is an average over the angles between r and the beam: it depends on the distance alone. Sources:
    Karsch, Mehr and Satz, Z. Phys. C 37 (1988) 617; Strickland, arXiv:1106.2571; Islam and
    Strickland, arXiv:2007.10211; as an option of QTraj, arXiv:2107.06147. The octet is a choice of this package: these
    papers have singlets only.
    """

    md_factor: float = 1.0
    n_f: int = 2
    lambda_ms: float = 0.344

    def __post_init__(self) -> None:
        super().__post_init__()
        settle(self, md_factor=number("md_factor", self.md_factor, "be from 0 to 10", low=0, high=10))
        check_running(self)

    @property
    def has_width(self) -> bool:
        """True: Im V is a width of its own."""
        return True

    def medium(self, r: Float, color: Color, T: Float, xi: Float, hard_scale: Float) -> NDArray[Any]:
        """Return V(r) in GeV in the medium, shape (nt, nr), of an octet real; see `ThermalPotential.medium`."""
        if color == "singlet":
            return self.real_part(r, T, xi) + 1j * self.imaginary_part(r, T, xi, hard_scale)

        def near_and_far() -> tuple[Float, Float]:
            return self.real_part(r, T, xi), self.real_part(np.array([_FAR]), T, xi)

        return np.broadcast_to(octet_of(self, r, near_and_far), (len(T), len(r)))

    def real_part(self, r: Float, T: Float, xi: Float) -> Float:
        """Return Re V in GeV, shape (nt, nr), for r (nr,) in GeV^-1 and T, xi (nt,)."""
        mu = np.sqrt(screening_anisotropy(xi)) * self.debye_mass(T)
        # the string breaks: no more energy than V_vac(r_SB)
        return np.minimum(self.screened(r, mu), self.ceiling)

    def imaginary_part(self, r: Float, T: Float, xi: Float, hard_scale: Float) -> Float:
        """Return Im V <= 0 in GeV, shape (nt, nr), for r (nr,) in GeV^-1 and T, xi, hard_scale (nt,)."""
        return damping(self.coupling(T), self.debye_mass(hard_scale), r, xi, hard_scale)

    def screened(self, r: Float, mass: Float) -> Float:
        """Return the Karsch-Mehr-Satz potential in GeV, shape (nt, nr), for r (nr,) in GeV^-1, mass (nt,) in GeV."""
        # mu r; at mu = 0 all terms become those of -alpha/r + sigma r
        x = np.outer(mass, r)
        decay = np.exp(-x)
        # (1 - e^-x)/x, which is 1 without screening
        mean_decay = np.where(x > 0, -np.expm1(-x) / np.where(x > 0, x, 1.0), 1.0)
        return np.asarray(-self.alpha / r * (1 + x) * decay + self.sigma * r * (2 * mean_decay - decay))

    def debye_mass(self, T: Float) -> Float:
        """Return m_D(T) in GeV, T in GeV."""
        return float(self.md_factor * debye_ratio(self.alpha, self.n_f)) * T

    def coupling(self, T: Float) -> Float:
        """Return the coupling of Im V, C_F alpha_s(2 pi T) at three loops, frozen at `alpha` from above."""
        return frozen_coupling(2 * np.pi * np.asarray(T, dtype=float), self.alpha, self.n_f, self.lambda_ms)
