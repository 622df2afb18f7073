"""The jump channels of quarkonium, one list for every method, at leading and next-to-leading order in E/T.

A channel leads from one color to another and changes l by +-1. On reduced radial functions u = r R it acts as
sqrt(kappa * color_weight * angular_weight(l)) C with (arXiv:1711.04515 at LO, arXiv:2205.10289 at NLO)

    LO    C = r
    NLO   C_i = r_i (1 - dV/(4T)) + i p_i/(2 M T),   dV = V_target - V_source
          C   = r (1 - dV/(4T)) + (1/(2 M T)) (d/dr + l/r)         for l -> l - 1
          C   = r (1 - dV/(4T)) + (1/(2 M T)) (d/dr - (l+1)/r)     for l -> l + 1

which is the beginning of C_mn = r_mn (1 - omega_mn/(4T)), omega the energy that the pair absorbs. For Coulomb
potentials dV r is a constant, N_c alpha_s/2 for s -> o, and this is arXiv:2205.10289. All of it has the form
C = r + (1/T) [recoil (d/dr + centrifugal(l)/r) + shift dV r]. Beyond this expansion, at all orders in E/T, a jump is
no operator that follows from r, see `physics.spectrum`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from .._checks import choice, number, settle
from ..units import N_C
from .potentials.coulomb import COLORS, Color


@dataclass(frozen=True)
class JumpChannel:
    """One way to jump: from one color to another with l -> l + delta_l.

    Parameters
    ----------
    source, target : {"singlet", "octet"}
        Color before and after.
    delta_l : {+1, -1}
        Change of l.
    color_weight : float
        Rate of this color change in units of kappa C^+C, summed over the final colors (B of the model).
    recoil : float
        1/(2 M) in GeV^-1 beyond leading order, 0 at leading order.
    shift : float
        What multiplies (V_target - V_source) r, the change of the potential in a jump, dimensionless: -1/4 at
        next-to-leading order.

    Raises
    ------
    InputError
        If an argument is out of range.
    """

    source: Color
    target: Color
    delta_l: int
    color_weight: float
    recoil: float = 0.0
    shift: float = 0.0

    def __post_init__(self) -> None:
        allowed = "be a rate in units of kappa C^+C, not negative"
        settle(
            self,
            source=choice("source", self.source, COLORS),
            target=choice("target", self.target, COLORS),
            delta_l=choice("delta_l", self.delta_l, (1, -1), "be +1 or -1"),
            color_weight=number("color_weight", self.color_weight, allowed, low=0),
            recoil=number("recoil", self.recoil),
            shift=number("shift", self.shift),
        )

    def angular_weight(self, l: int) -> float:
        """Return the weight of this direction from l: (l+1)/(2l+1) up, l/(2l+1) down.

        At leading order it is the probability that a jump from l goes this way.
        """
        return (l + 1) / (2 * l + 1) if self.delta_l > 0 else l / (2 * l + 1)

    def rate(self, l: int) -> float:
        """Return the weight of C^+C out of (source, l) through this channel in units of kappa."""
        return self.color_weight * self.angular_weight(l)

    def centrifugal(self, l: int) -> int:
        """Return the coefficient of 1/r beside d/dr in C: -(l+1) up, l down."""
        return -(l + 1) if self.delta_l > 0 else l


def leading_order_channels() -> tuple[JumpChannel, ...]:
    """Return the channels of the LO equation, arXiv:2107.06147 eqs. (2.7) and (2.8)."""
    # C^0 couples singlet and octet with weight 1 to the octet, 1/(N_c^2-1) back; C^1 stays in the octet
    to_octet, to_singlet = 1.0, 1 / (N_C**2 - 1)
    within_octet = (N_C**2 - 4) / (2 * (N_C**2 - 1))
    colors: tuple[tuple[Color, Color, float], ...] = (
        ("singlet", "octet", to_octet),
        ("octet", "singlet", to_singlet),
        ("octet", "octet", within_octet),
    )
    return tuple(JumpChannel(s, t, dl, w) for s, t, w in colors for dl in (1, -1))


def recoiling_channels(mass: float, shift: float) -> tuple[JumpChannel, ...]:
    """Return the channels beyond leading order, whose jumps change the energy: arXiv:2205.10289 at next-to-leading.

    Parameters
    ----------
    mass : float
        Heavy-quark mass M in GeV.
    shift : float
        That of `JumpChannel`, of jumps between the colors.
    """
    return tuple(
        replace(c, recoil=1 / (2 * mass), shift=0.0 if c.source == c.target else shift)
        for c in leading_order_channels()
    )
