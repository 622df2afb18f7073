"""The Kent State University (KSU) potential: screened Coulomb and string terms, Landau damping, isotropic or not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..._checks import integer, number, settle
from ...errors import InputError
from ...units import C_F, N_C, from_fm
from .coulomb import Color
from .screening import landau_damping, running_coupling, screening_anisotropy

Float = NDArray[np.float64]
Complex = NDArray[np.complex128]

RUNNING_ABOVE_T = 0.1
"""GeV; there C_F alpha_s(2 pi T) is about 1, above every frozen value, and below its series soon fails."""


@dataclass(frozen=True)
class KSUPotential:
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

    Raises
    ------
    InputError
        If an argument is out of range, or the potential of an octet is asked for: there is none.

    Notes
    -----
    With the Debye mass m_D(T) = md_factor sqrt((N_c/3 + n_f/6) 4 pi alpha) T, with alpha, not alpha_s,
    and mu = sqrt(f(xi)) m_D(T), f of `screening_anisotropy`:

        Re V = min[ -(alpha/r)(1 + mu r) e^{-mu r} + (2 sigma/mu)(1 - e^{-mu r}) - sigma r e^{-mu r},  V_vac(r_SB) ]
        Im V = -min(C_F alpha_s(2 pi T), alpha) lambda phi(m_D(lambda) r)/sqrt(1 + xi/3)
        V_vac = -alpha/r + sigma r for r <= r_SB, constant beyond

    lambda is the hard scale and phi is `landau_damping`; in an isotropic medium xi = 0 and lambda = T. Sources: Karsch,
    Mehr and Satz, Z. Phys. C 37 (1988) 617; Strickland, Phys. Rev. Lett. 107 (2011) 132301; Islam and Strickland,
    arXiv:2007.10211; as an option of QTraj, arXiv:2107.06147.
    """

    alpha: float = 0.409
    sigma: float = 0.21
    string_breaking_fm: float = 1.25
    md_factor: float = 1.0
    n_f: int = 2
    lambda_ms: float = 0.344

    def __post_init__(self) -> None:
        for name, low, high, unit in (
            ("alpha", 0.01, 0.9, ""),
            ("sigma", 0.0, 2.0, " GeV^2"),
            ("string_breaking_fm", 0.1, 10.0, " fm"),
            ("md_factor", 0.0, 10.0, ""),
            ("lambda_ms", 0.05, 0.45, " GeV"),
        ):
            allowed = f"be from {low:g} to {high:g}{unit}"
            settle(self, **{name: number(name, getattr(self, name), allowed, low=low, high=high)})
        settle(self, n_f=integer("n_f", self.n_f, 0, 6, "be a number of flavors, 0 to 6"))

    @property
    def has_width(self) -> bool:
        """True: Im V is a width of its own."""
        return True

    @property
    def string_breaking(self) -> float:
        """Distance r_SB in GeV^-1 beyond which the vacuum potential is constant."""
        return from_fm(self.string_breaking_fm)

    @property
    def ceiling(self) -> float:
        """V_vac(r_SB) in GeV: the energy at which the string breaks."""
        return -self.alpha / self.string_breaking + self.sigma * self.string_breaking

    def vacuum(self, r: Float, color: Color) -> Float:
        """Return V_vac(r) in GeV for r in GeV^-1, any shape; singlet only."""
        _check_singlet(color)
        r = np.minimum(r, self.string_breaking)
        return -self.alpha / r + self.sigma * r

    def medium(self, r: Float, color: Color, T: Float, xi: Float, hard_scale: Float) -> Complex:
        """Return V(r) in GeV in the medium, shape (nt, nr); see `ThermalPotential.medium`."""
        _check_singlet(color)
        return self.real_part(r, T, xi) + 1j * self.imaginary_part(r, T, xi, hard_scale)

    def real_part(self, r: Float, T: Float, xi: Float) -> Float:
        """Return Re V in GeV, shape (nt, nr), for r (nr,) in GeV^-1 and T, xi (nt,)."""
        mu = np.sqrt(screening_anisotropy(xi)) * self.debye_mass(T)
        return np.minimum(self.screened(r, mu), self.ceiling)

    def imaginary_part(self, r: Float, T: Float, xi: Float, hard_scale: Float) -> Float:
        """Return Im V <= 0 in GeV, shape (nt, nr), for r (nr,) in GeV^-1 and T, xi, hard_scale (nt,)."""
        strength = self.coupling(T) * hard_scale / np.sqrt(1 + xi / 3)
        return np.asarray(-strength[:, None] * landau_damping(np.outer(self.debye_mass(hard_scale), r)))

    def screened(self, r: Float, mass: Float) -> Float:
        """Return the Karsch-Mehr-Satz potential in GeV, shape (nt, nr), for r (nr,) in GeV^-1, mass (nt,) in GeV."""
        x = np.outer(mass, r)
        decay = np.exp(-x)
        # (1 - e^-x)/x, which is 1 without screening
        mean_decay = np.where(x > 0, -np.expm1(-x) / np.where(x > 0, x, 1.0), 1.0)
        return np.asarray(-self.alpha / r * (1 + x) * decay + self.sigma * r * (2 * mean_decay - decay))

    def debye_mass(self, T: Float) -> Float:
        """Return m_D(T) in GeV, T in GeV."""
        return float(self.md_factor * np.sqrt((N_C / 3 + self.n_f / 6) * 4 * np.pi * self.alpha)) * T

    def coupling(self, T: Float) -> Float:
        """Return the coupling of Im V, C_F alpha_s(2 pi T) at three loops, frozen at `alpha` from above."""
        T = np.asarray(T, dtype=float)
        runs = T > RUNNING_ABOVE_T
        scale = 2 * np.pi * np.where(runs, T, RUNNING_ABOVE_T)
        running = C_F * running_coupling(scale, self.n_f, self.lambda_ms)
        return np.where(runs, np.minimum(running, self.alpha), self.alpha)


def _check_singlet(color: Color) -> None:
    if color != "singlet":
        raise InputError(
            "color",
            color,
            "be 'singlet' with a KSU potential",
            "It describes singlets; start from one, or give a CallablePotential(singlet=..., octet=...).",
        )
