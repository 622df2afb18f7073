"""Potentials between the heavy quark and antiquark, for each color state of the pair."""

from __future__ import annotations

from collections.abc import Callable, Hashable
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

Octet = Literal["casimir", "coulomb"]
"""Octet of a potential that only says its singlet: see `octet_of`."""


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

    A class that is thermal for some of its arguments only says so by an attribute ``is_thermal``, see
    `thermal_potential`; one that is known between two temperatures only, by ``T_range``, lowest and highest in GeV.
    """

    @property
    def has_width(self) -> bool:
        """Whether its singlet is complex: Im V_s is then a width, and no dipole terms go with it."""
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


def octet_of(potential: Any, r: Float, singlet: Callable[[], tuple[Any, Any]]) -> Float:
    """Return the real octet potential in GeV of a potential with an attribute ``octet`` of its singlet.

    Parameters
    ----------
    potential : object
        Has ``alpha`` and ``octet``, "casimir", "coulomb" or None.
    r : ndarray
        Distances in GeV^-1.
    singlet : callable
        Returns V_s and V_s(infinity) in GeV, which broadcast; called for "casimir" only.

    Raises
    ------
    InputError
        If ``octet`` is None: this potential only ever has singlets.

    Notes
    -----
    The octet's Coulomb coupling is -1/(N_c^2 - 1) of the singlet's, and far apart the color of the pair does not
    matter, so that both potentials end at one energy:

        V_o = V_s(infinity) + [V_s(infinity) - Re V_s]/(N_c^2 - 1).

    It is the octet of the Coulomb potential and of the HTL potential. Im V_s makes no imaginary part here: the decay
    of octets is that of their jumps.
    """
    if potential.octet is None:
        allowed = f"be given to {type(potential).__name__}: this method needs the octet's potential"
        remedy = "octet='casimir' follows from the singlet, octet='coulomb' is +alpha/(8 r)."
        raise InputError("octet", None, allowed, remedy)
    if potential.octet == "coulomb":
        return coulomb_octet(potential.alpha, r)
    V, far = singlet()
    return np.asarray(far + (far - np.real(V)) / OCTET_DIMENSION)


def check_alpha(alpha: Any) -> float:
    """Return `alpha` as a float, or raise `InputError` unless it is a positive coupling."""
    return positive("alpha", alpha, "be a positive coupling (C_F alpha_s)")


def check_isotropic(xi: Float) -> None:
    """Raise `InputError` if a medium is anisotropic, for potentials that know nothing of it."""
    if np.any(xi != 0):
        allowed = "be isotropic for a potential that depends on r and T only"
        remedy = "Leave out alpha and hard_scale of the medium, or use a potential of (r, T, xi, hard_scale)."
        raise InputError("medium", f"xi up to {float(np.max(np.abs(xi))):.3g}", allowed, remedy)
