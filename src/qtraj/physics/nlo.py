"""Widths at next-to-leading order in E/T in closed form (arXiv:2205.10289), for grids without dense matrices and tests.

With p^2 = p_r^2 + l (l+1)/r^2, M the heavy-quark mass and a = shift/T of each channel,

    Gamma_c = kappa sum_channels color_weight [ r^2 - 3/(2 M T) + 2 a r + p^2/(4 M^2 T^2) - (a/(M T))/r + a^2 ]

which is what sum_channels rate(l) C^+C adds up to, both directions of l together.
"""

from __future__ import annotations

from dataclasses import dataclass

from .model import LindbladModel
from .potentials.coulomb import Color


@dataclass(frozen=True)
class WidthTerms:
    """Gamma_c/kappa as r_squared r^2 + linear r + constant + inverse/r + p_squared p^2.

    Parameters
    ----------
    r_squared : float
        Coefficient of r^2, dimensionless.
    linear : float
        Coefficient of r in GeV^-1.
    constant : float
        In GeV^-2.
    inverse : float
        Coefficient of 1/r in GeV^-3.
    p_squared : float
        Coefficient of p^2, all of it, in GeV^-4.
    """

    r_squared: float
    linear: float
    constant: float
    inverse: float
    p_squared: float


def width_terms(model: LindbladModel, color: Color, T: float) -> WidthTerms:
    """Return the width of a color in units of kappa.

    Parameters
    ----------
    model : LindbladModel
        Either order.
    color : {"singlet", "octet"}
        Color of the pair.
    T : float
        Temperature in GeV.
    """
    terms = [0.0] * 5
    # the channels up stand for both directions: their terms in l cancel in the sum weighted with angular_weight
    for c in model.channels:
        if c.source == color and c.delta_l > 0:
            e, a = c.recoil / T, c.shift / T
            found = (1.0, 2 * a, -3 * e + a**2, -2 * a * e, e**2)
            terms = [t + c.color_weight * x for t, x in zip(terms, found, strict=True)]
    return WidthTerms(*terms)
