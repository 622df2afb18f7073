"""Potentials between the heavy quark and antiquark, for each color state of the pair."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..._checks import positive, settle
from ..._types import Float
from ...errors import InputError
from ...units import C_F, OCTET_DIMENSION

Color = Literal["singlet", "octet"]
COLORS: tuple[Color, Color] = ("singlet", "octet")


@runtime_checkable
class Potential(Hashable, Protocol):
    """Interface of a potential; hashable, since eigenstates are cached."""

    @property
    def alpha(self) -> float:
        """Coulomb coupling that sets the Bohr radius of the initial states."""
        ...

    def vacuum(self, r: Float, color: Color) -> Float:
        """Return V_color(r) in GeV without medium, for r in GeV^-1, any shape."""
        ...


@runtime_checkable
class ThermalPotential(Potential, Protocol):
    """A potential that changes with the medium.

    A class that is thermal for some of its arguments only says so by an attribute ``is_thermal``; see
    `thermal_potential`.
    """

    @property
    def has_width(self) -> bool:
        """Whether it is complex: then it describes decay, but no consistent jumps, and `NoJump` alone applies."""
        ...

    def medium(self, r: Float, color: Color, T: Float, xi: Float, hard_scale: Float) -> NDArray[Any]:
        """Return V_color(r) in GeV in the medium, real or complex, shape (nt, nr), for r (nr,) in GeV^-1.

        T, xi, hard_scale (nt,) are temperature in GeV, anisotropy and hard scale in GeV, as `medium_state` returns
        them; xi = 0 and hard_scale = T in an isotropic medium.
        """
        ...


def thermal_potential(potential: Potential) -> ThermalPotential | None:
    """Return `potential` if it changes with the medium, else None."""
    if isinstance(potential, ThermalPotential) and getattr(potential, "is_thermal", True):
        return potential
    return None


@dataclass(frozen=True)
class CoulombPotential:
    """Coulomb potential of potential NRQCD: V_s = -alpha/r, V_o = alpha/(8 r).

    Parameters
    ----------
    alpha : float
        alpha = C_F alpha_s, positive. The default is the group's value for bottomonium.

    Raises
    ------
    InputError
        If `alpha` is not positive.

    References
    ----------
    arXiv:1711.04515, eq. (3); PHYSICS constants of arXiv:2107.06147.
    """

    alpha: float = 0.6239853

    def __post_init__(self) -> None:
        settle(self, alpha=check_alpha(self.alpha))

    @property
    def alpha_s(self) -> float:
        """Strong coupling alpha_s = alpha / C_F."""
        return self.alpha / C_F

    def vacuum(self, r: Float, color: Color) -> Float:
        """Return V_color(r) in GeV, for r in GeV^-1."""
        return -self.alpha / r if color == "singlet" else coulomb_octet(self.alpha, r)


def coulomb_octet(alpha: float, r: Float) -> Float:
    """Return the Coulomb potential of an octet, alpha/((N_c^2 - 1) r) in GeV, for r in GeV^-1."""
    return alpha / (OCTET_DIMENSION * r)


def plain_octet(potential: Any, octet: Any, r: Float) -> Float:
    """Return the octet of a potential that was given ``octet="coulomb"``; raise `InputError` if it was given None."""
    if octet is None:
        allowed = f"be given to {type(potential).__name__}: this method needs the octet's potential"
        raise InputError("octet", None, allowed, "octet='coulomb' is +alpha/(8 r).")
    return coulomb_octet(potential.alpha, r)


def check_alpha(alpha: Any) -> float:
    """Return `alpha` as a float, or raise `InputError` unless it is a positive coupling."""
    return positive("alpha", alpha, "be a positive coupling (C_F alpha_s)")


def check_isotropic(xi: Float) -> None:
    """Raise `InputError` if a medium is anisotropic, for potentials that know nothing of it."""
    if np.any(xi != 0):
        allowed = "be isotropic for a potential that depends on r and T only"
        remedy = "Leave out alpha and hard_scale of the medium, or use a potential of (r, T, xi, hard_scale)."
        raise InputError("medium", f"xi up to {float(np.max(np.abs(xi))):.3g}", allowed, remedy)
