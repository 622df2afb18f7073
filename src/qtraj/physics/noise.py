"""Jumps of any complex potential: two color charges in a gluon field whose noise Im V knows.

Two static charges at a distance r in a color field with white noise, <A^a(x,t) A^b(y,t')> = delta^ab delta(t-t')
D(x - y), traced over the center of mass. There is no expansion in r, and recoil is neglected. All that enters is

    G(x; T) = D(0) - D(x) = -Im V_s(x; T)/C_F >= 0.

With g = G(r), g' = G(r') and G+- = G(|r +- r'|/2), where |r +- r'|^2 = r^2 + r'^2 +- 2 r r' mu and mu = cos(r, r'),
the blocks rho_s and rho_o (traced over its N^2 - 1 colors) change by d/dt (rho_s, rho_o) = K (rho_s, rho_o),

    K_ss = -C_F (g + g')              K_so = (G+ - G-)/N
    K_os = 2 C_F (G+ - G-)            K_oo = (g + g')/(2 N) - (2/N) G+ - ((N^2 - 2)/N) G-.

G = kappa x^2/(2 C_F) is the dipole limit and gives the equation of leading order, arXiv:2107.06147 eqs. (2.2)-(2.9);
`tests/physics/test_noise.py` derives K from the generators of SU(3).

Which jumps are counted as such is a choice: a rotation of color that does nothing to the relative motion is none. The
octet then decays with Gamma_o = 2 N G(r/2) - G(r)/N, and 7/16 of the singlet's width in the dipole limit. What is left
without any jump depends on this choice for octets, and on nothing for singlets.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._types import Float
from ..units import C_F, N_C
from .potentials.coulomb import Color, ThermalPotential


def correlation(potential: ThermalPotential, x: Float, T: Float, xi: Float, hard_scale: Float) -> Float:
    """Return G(x; T) = -Im V_s/C_F in GeV, shape (nt, nx).

    Parameters
    ----------
    potential : ThermalPotential
        A potential with a width.
    x : ndarray, shape (nx,)
        Distances in GeV^-1, above 0.
    T, xi, hard_scale : ndarray, shape (nt,)
        The medium, as for `ThermalPotential.medium`.
    """
    return np.asarray(-np.imag(potential.medium(x, "singlet", T, xi, hard_scale)) / C_F)


def singlet_decay(g: Any) -> Any:
    """Return Gamma_s/2 in GeV, the decay of a singlet's amplitude, from g = G(r)."""
    return C_F * g


def octet_decay(g: Any, half: Any) -> Any:
    """Return Gamma_o/2 in GeV, the decay of an octet's amplitude, from g = G(r) and half = G(r/2)."""
    return N_C * half - g / (2 * N_C)


def gains(half: Any, half_prime: Any, plus: Any, minus: Any) -> tuple[Any, Any, Any]:
    """Return what jumps bring back, K_so, K_os and K_oo without the decay of the octet, in GeV.

    `half` and `half_prime` are G(r/2) and G(r'/2), `plus` and `minus` G+ and G-; shapes broadcast, of NumPy or JAX.
    K_ss is decay alone: a singlet cannot absorb a gluon and stay one.
    """
    difference = plus - minus
    within = N_C * (half + half_prime) - (2 / N_C) * plus - ((N_C**2 - 2) / N_C) * minus
    return difference / N_C, 2 * C_F * difference, within


def effective_potential(
    potential: ThermalPotential, r: Float, color: Color, T: Float, xi: Float, hard_scale: Float
) -> NDArray[Any]:
    """Return V_c - i Gamma_c/2 in GeV, what a pair without any jump feels, shape (nt, nr); arguments as above.

    Real if the potential has no width. That of an octet has a width where it was given none of its own: the one that
    its jumps make.
    """
    V = potential.medium(r, color, T, xi, hard_scale)
    own = np.iscomplexobj(V) and np.any(V.imag)  # a complex formula may be real
    if color == "singlet" or not potential.has_width or own:
        return V
    g, half = (correlation(potential, x, T, xi, hard_scale) for x in (r, r / 2))
    return np.asarray(V - 1j * octet_decay(g, half))
