"""The jump channels of quarkonium, one list for every method: in the dipole limit, and beyond it.

At leading and next-to-leading order in E/T a channel leads from one color to another and changes l by +-1. On reduced
radial functions u = r R it acts as sqrt(kappa * color_weight * angular_weight(l)) C with (arXiv:1711.04515 at LO,
arXiv:2205.10289 at NLO)

    LO    C = r
    NLO   C_i = r_i (1 - dV/(4T)) + i p_i/(2 M T),   dV = V_target - V_source
          C   = r (1 - dV/(4T)) + (1/(2 M T)) (d/dr + l/r)         for l -> l - 1
          C   = r (1 - dV/(4T)) + (1/(2 M T)) (d/dr - (l+1)/r)     for l -> l + 1

which is the beginning of C_mn = r_mn (1 - omega_mn/(4T)), omega the energy that the pair absorbs. For Coulomb
potentials dV r is a constant, N_c alpha_s/2 for s -> o, and this is arXiv:2205.10289. All of it has the form
C = r + (1/T) [recoil (d/dr + centrifugal(l)/r) + shift dV r]. Beyond this expansion, at all orders in E/T, a jump is
no operator that follows from r, see `physics.spectrum`.

In a complex potential (see `noise`) a jump is a wave exp(+-i q.r/2) of the color field, absorbed by either quark. With
the generators t_1, t_2 of the quark and the antiquark (in the conjugate representation) its operator is

    cos(q.r/2) (t_1 + t_2) + i sin(q.r/2) (t_1 - t_2),

and averaged over directions of q it is a sum of partial waves j_L(q r/2) P_L(mu), odd L from the sine and even L from
the cosine. t_1 - t_2 leads from the singlet to the octet with the color factor 4 C_F, back with 2/N, and within the
octet (d-type) with (N^2 - 4)/N; t_1 + t_2 rotates the octet's color (f-type), factor N. Where q r is small, a rotation
does nothing to the relative motion. The equation is the same with cos - 1 in place of cos (C -> C - c for C hermitian
and c real changes no Lindblad equation), and then such jumps do not occur: j_0 - 1 in place of j_0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from scipy.special import gammaln, spherical_jn

from .._checks import choice, number, settle
from .._types import Float, Integer
from ..units import C_F, N_C
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


@dataclass(frozen=True)
class WaveChannel:
    """Partial waves of one kind of jump in a complex potential.

    With G(r) = sum_k w_k [1 - sin(q_k r)/(q_k r)], as in `positivity`, the rate of the jump of each k, L and l' from l
    is color_weight w_k (2L + 1) angular |radial(L, q_k r/2)|^2.

    Parameters
    ----------
    source, target : {"singlet", "octet"}
        Color before and after.
    odd : bool
        Whether L is odd, from sin(q.r/2), or even, from cos(q.r/2) - 1.
    color_weight : float
        Color factor, summed over the final colors.
    """

    source: Color
    target: Color
    odd: bool
    color_weight: float

    def whole(self, waves: Float, half_waves: Float) -> Float:
        """Return the sum of (2L + 1) |radial|^2 over all L from 1 - sin(q r)/(q r) and the same at r/2."""
        # of sin^2 and (cos - 1)^2, averaged over angles
        return np.asarray(waves / 2 if self.odd else np.maximum(2 * half_waves - waves / 2, 0.0))


def wave_channels() -> tuple[WaveChannel, ...]:
    """Return the channels of a complex potential; their rates sum up to the widths of `noise`."""
    return (
        WaveChannel("singlet", "octet", odd=True, color_weight=4 * C_F),
        WaveChannel("octet", "singlet", odd=True, color_weight=2 / N_C),
        WaveChannel("octet", "octet", odd=True, color_weight=(N_C**2 - 4) / N_C),
        WaveChannel("octet", "octet", odd=False, color_weight=N_C),
    )


def radial(L: Integer, x: Float) -> Float:
    """Return what a partial wave does to u, j_L(x), or j_0(x) - 1 for L = 0; shapes broadcast."""
    return np.where(L == 0, -wave(x), spherical_jn(L, x))


def wave(x: Float) -> Float:
    """Return 1 - sin(x)/x, any shape, to rounding at small x, too."""
    small = np.abs(x) < 0.1
    s = np.where(small, x, 0.0) ** 2
    series = s / 6 * (1 - s / 20 * (1 - s / 42 * (1 - s / 72)))
    return np.where(small, series, 1 - np.sinc(x / np.pi))


@lru_cache(maxsize=4096)
def angular(l: int, L: int) -> Float:
    """Return the probabilities (2l' + 1) (l L l'; 0 0 0)^2 of l' = |l - L|, |l - L| + 2, ... l + L."""
    target = np.arange(abs(l - L), l + L + 1, 2)
    # the closed form of the 3j symbol without projections: A. R. Edmonds, Angular Momentum, eq. (3.7.17)
    half = (l + L + target) / 2
    log = sum(
        gammaln(2 * (half - x) + 1) - 2 * gammaln(half - x + 1)
        for x in (np.float64(l), np.float64(L), target)
    )
    return np.asarray((2 * target + 1) * np.exp(log + 2 * gammaln(half + 1) - gammaln(2 * half + 2)))
