"""Potentials between the heavy quark and antiquark, for each color state of the pair."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, is_finite_number
from ..units import C_F

Float = NDArray[np.float64]
Color = Literal["singlet", "octet"]
COLORS: tuple[Color, Color] = ("singlet", "octet")


@runtime_checkable
class Potential(Hashable, Protocol):
    """What the solvers need of a potential; hashable, since eigenstates are cached."""

    @property
    def alpha(self) -> float:
        """Coulomb coupling that sets the Bohr radius of the initial states."""
        ...

    def vacuum(self, r: Float, color: Color) -> Float:
        """Return V_color(r) in GeV without medium, for r in GeV^-1, any shape."""
        ...


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
        if not (is_finite_number(self.alpha) and self.alpha > 0):
            raise InputError("alpha", self.alpha, "be a positive coupling (C_F alpha_s)")

    @property
    def alpha_s(self) -> float:
        """Strong coupling alpha_s = alpha / C_F."""
        return self.alpha / C_F

    def vacuum(self, r: Float, color: Color) -> Float:
        """Return V_color(r) in GeV, for r in GeV^-1."""
        return -self.alpha / r if color == "singlet" else self.alpha / (8 * r)
