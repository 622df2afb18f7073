"""The potential of hard thermal loops (HTL): screened, and damped by scattering off the medium."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ..._checks import choice, number, settle
from ..._types import Float
from ...units import C_F
from .coulomb import Color, CoulombPotential, Octet, octet_of
from .ksu import check_running, damping, debye_ratio, frozen_coupling, screening_anisotropy

RealPart = Literal["screened", "yukawa", "coulomb"]


@dataclass(frozen=True)
class HTLPotential:
    """Complex potential of hard thermal loops at leading order, a Coulomb potential in the vacuum.

    Parameters
    ----------
    alpha_s : float
        Strong coupling of Im V and of m_D, 0.01 to 0.675.
    md_over_T : float, optional
        m_D/T, dimensionless, 0 to 10. By default that of leading order, sqrt((N_c/3 + n_f/6) 4 pi alpha_s).
    real : {"screened", "yukawa", "coulomb"}
        Re V in the medium: -alpha [e^{-m_D r}/r + m_D]; without the constant m_D; or the vacuum's -alpha/r.
    alpha : float, optional
        Coulomb coupling of Re V and of the vacuum; by default C_F alpha_s.
    running : float, optional
        Where the coupling of Im V and of the default m_D runs: alpha_s(running T) at three loops, at most `alpha_s`,
        for example with 2 pi. By default it is constant.
    n_f : int
        Number of light flavors, of the default m_D and of the running.
    lambda_ms : float
        Lambda_MS of the running in GeV.
    octet : {"casimir", "coulomb"}
        Octet, real: -1/8 of the singlet's part in r, ending at the same energy as the singlet; or +alpha/(8 r).

    Raises
    ------
    InputError
        If an argument is out of range.

    Notes
    -----
    In an isotropic medium, with phi of `landau_damping`,

        V_s = -alpha [ e^{-m_D r}/r + m_D ] - i C_F alpha_s T phi(m_D r),
        V_o = V_inf + [V_inf - Re V_s]/8,  V_inf = -alpha m_D  ("screened") or 0.

    Sources: Laine, Philipsen, Romatschke and Tassler, arXiv:hep-ph/0611300; Beraudo, Blaizot and Ratti,
    arXiv:0712.4394. Re V keeps the coupling of the vacuum where that of Im V runs: near the origin the medium changes
    nothing. In an anisotropic medium the potential is averaged over angles as that of `KSUPotential`: m_D of Re V is
    sqrt(f(xi)) m_D(T), and Im V is -C_F alpha_s lambda phi(m_D(lambda) r)/sqrt(1 + xi/3), lambda the hard scale.
    """

    alpha_s: float = CoulombPotential.alpha / C_F
    md_over_T: float | None = None
    real: RealPart = field(default="screened", kw_only=True)
    alpha: float = field(default=None, kw_only=True)  # type: ignore[assignment]  # C_F alpha_s: see __post_init__
    running: float | None = field(default=None, kw_only=True)
    n_f: int = field(default=3, kw_only=True)
    lambda_ms: float = field(default=0.344, kw_only=True)
    octet: Octet = field(default="casimir", kw_only=True)

    def __post_init__(self) -> None:
        alpha_s = number("alpha_s", self.alpha_s, "be from 0.01 to 0.675", low=0.01, high=0.675)
        given: Any = self.alpha
        alpha = C_F * alpha_s if given is None else given
        settle(
            self,
            alpha_s=alpha_s,
            alpha=number("alpha", alpha, "be a coupling C_F alpha_s from 0.01 to 2", low=0.01, high=2),
            real=choice("real", self.real, get_args(RealPart)),
        )
        check_running(self)
        if self.md_over_T is not None:
            allowed = "be m_D/T from 0 to 10, or None"
            settle(self, md_over_T=number("md_over_T", self.md_over_T, allowed, low=0, high=10))
        if self.running is not None:
            allowed = "be the scale over T from 1 to 30, or None"
            settle(self, running=number("running", self.running, allowed, low=1, high=30))

    @property
    def has_width(self) -> bool:
        """True: Im V is a width of its own."""
        return True

    def vacuum(self, r: Float, color: Color) -> Float:
        """Return V_color(r) in GeV without medium, for r in GeV^-1, any shape."""
        V = -self.alpha / r
        return V if color == "singlet" else octet_of(self, r, lambda: (V, 0.0))

    def medium(self, r: Float, color: Color, T: Float, xi: Float, hard_scale: Float) -> NDArray[Any]:
        """Return V_color(r) in GeV in the medium, shape (nt, nr), of an octet real; see `ThermalPotential.medium`."""
        mass = np.sqrt(screening_anisotropy(xi)) * self.debye_mass(T, T)
        decay = 1.0 if self.real == "coulomb" else np.exp(-np.outer(mass, r))
        far = -self.alpha * mass[:, None] if self.real == "screened" else 0.0
        V = np.broadcast_to(-self.alpha / r * decay + far, (len(T), len(r)))
        if color == "octet":
            return np.broadcast_to(octet_of(self, r, lambda: (V, far)), V.shape)
        return V + 1j * damping(C_F * self.coupling(T), self.debye_mass(T, hard_scale), r, xi, hard_scale)

    def coupling(self, T: Float) -> Float:
        """Return alpha_s of Im V and of the default m_D, T in GeV, any shape."""
        T = np.asarray(T, dtype=float)
        if self.running is None:
            return np.full_like(T, self.alpha_s)
        return frozen_coupling(self.running * T, C_F * self.alpha_s, self.n_f, self.lambda_ms) / C_F

    def debye_mass(self, T: Float, hard_scale: Float) -> Float:
        """Return m_D in GeV, any shape; `T` sets the coupling and `hard_scale` the momenta, both in GeV, else equal."""
        ratio = debye_ratio(self.coupling(T), self.n_f) if self.md_over_T is None else self.md_over_T
        return np.asarray(ratio * hard_scale)
