"""Optical Glauber model: participants and binary collisions of two equal nuclei, or of a proton and a nucleus.

Miller, Reygers, Sanders, Steinberg, arXiv:nucl-ex/0701025, section 2.3; its equations are quoted as (n).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import cumulative_trapezoid
from scipy.interpolate import CubicSpline

from .._checks import instance, integer, mapping, number, positive, settle, text
from .._types import Float
from ..errors import InputError
from ..observables.geometry import CollisionGeometry

MB_TO_FM2: Final = 0.1

# diffuseness lengths after which a Woods-Saxon tail, e^-20 = 2e-9, is left out.
_TAIL = 20.0

# trapezoid rule: the integrands are analytic within pi a = 1.7 fm of the real axis, so it converges as
# exp(-2 pi 1.7/step); the step of 0.1 fm is far beyond need.
_STEP_FM = 0.1


@dataclass(frozen=True)
class Nucleus:
    """A spherical nucleus with Woods-Saxon density rho0 (1 + w r^2/R^2)/(1 + exp((r - R)/a)).

    Parameters
    ----------
    A : int
        Mass number.
    R_fm, a_fm : float
        Radius and diffuseness, fm.
    rho0_fm3 : float, optional
        Density at the center in fm^-3; by default the density integrates to A.
    name : str, optional
        For messages.
    w : float, optional
        Central depression (below zero) or bump of a light nucleus (three-parameter Fermi distribution), dimensionless.

    Raises
    ------
    InputError
        If a number is not positive, or `w` makes the density negative within the nucleus.
    """

    A: int
    R_fm: float
    a_fm: float
    rho0_fm3: float | None = None
    name: str = ""
    w: float = 0.0

    def __post_init__(self) -> None:
        settle(self, A=integer("A", self.A, 1), name=text("name", self.name))
        for name in ("R_fm", "a_fm", *(("rho0_fm3",) if self.rho0_fm3 is not None else ())):
            settle(self, **{name: positive(name, getattr(self, name), "be positive")})
        allowed = "be above -0.25, so that the density is positive up to 2 R"
        settle(self, w=number("w", self.w, allowed, above=-0.25))

    @property
    def extent_fm(self) -> float:
        """Radius beyond which the density is left out."""
        return self.R_fm + _TAIL * self.a_fm

    @cached_property
    def rho0(self) -> float:
        """Density at the center, fm^-3."""
        if self.rho0_fm3 is not None:
            return self.rho0_fm3
        # trapezoids: the integrand vanishes with its slope at both ends
        r = np.linspace(0.0, 2 * self.extent_fm, 8001)
        return float(self.A / np.trapezoid(4 * np.pi * r**2 * self._shape(r), r))

    def _shape(self, r: Float) -> Float:
        # w < 0 would turn the far tail negative; 1 % of it is below any digit that matters
        factor = np.maximum(1.0 + self.w * (r / self.R_fm) ** 2, 0.01)
        return np.asarray(factor / (1.0 + np.exp((r - self.R_fm) / self.a_fm)))

    @cached_property
    def _log_thickness(self) -> CubicSpline:
        r = np.linspace(0.0, 1.5 * self.extent_fm, 1201)
        z = np.arange(0.0, 2 * self.extent_fm, _STEP_FM / 2)
        density = self._shape(np.hypot(r[:, None], z))
        # the logarithm is nearly linear in the tail, where T_A itself falls over many decades
        return CubicSpline(r, np.log(self.rho0 * 2 * np.trapezoid(density, z, axis=1)))

    def thickness(self, r_fm: ArrayLike) -> Float:
        """Return T_A(r) = integral of the density over z, fm^-2, eq. (1), at transverse `r_fm` of any shape."""
        r = np.asarray(r_fm, dtype=float)
        # beyond the table T_A is below e^-20 of that of the center
        inside = r <= 1.5 * self.extent_fm
        return np.asarray(np.where(inside, np.exp(self._log_thickness(np.where(inside, r, 0.0))), 0.0))


def _cross_section(sigma_nn_mb: float) -> float:
    return number("sigma_nn_mb", sigma_nn_mb, "be in mb, between 1 and 1000", low=1, high=1000)


@dataclass(frozen=True)
class OpticalGlauber:
    """Two equal nuclei colliding; the impact parameter is along x, the nuclei sit at x = +b/2 and -b/2.

    Parameters
    ----------
    nucleus : Nucleus
        Both nuclei.
    sigma_nn_mb : float
        Inelastic nucleon-nucleon cross section, mb.

    Raises
    ------
    InputError
        If the cross section is not between 1 and 1000 mb.
    """

    nucleus: Nucleus
    sigma_nn_mb: float

    def __post_init__(self) -> None:
        instance("nucleus", self.nucleus, Nucleus)
        settle(self, sigma_nn_mb=_cross_section(self.sigma_nn_mb))

    @classmethod
    def from_attrs(cls, attrs: Mapping[str, Any]) -> OpticalGlauber:
        """Return the model behind a shipped run's initial state, from `Hydro.attrs`, here `attrs`."""
        names = ("A", "woods_saxon_R_fm", "woods_saxon_a_fm", "sigma_nn_mb")
        missing = [name for name in names if name not in mapping("attrs", attrs)]
        if missing:
            remedy = "Give the nucleus as Nucleus(A, R, a)."
            raise InputError("attrs", sorted(attrs), f"hold {missing}", remedy)
        A, R, a, sigma = (float(attrs[name]) for name in names)
        w = float(attrs.get("woods_saxon_w", 0.0))
        return cls(Nucleus(int(A), R, a, name=str(attrs.get("system", "")), w=w), sigma)

    @property
    def sigma_fm2(self) -> float:
        """Cross section in fm^2."""
        return self.sigma_nn_mb * MB_TO_FM2

    def _thicknesses(self, b_fm: float, x_fm: ArrayLike, y_fm: ArrayLike) -> tuple[Float, Float]:
        x, y = np.asarray(x_fm, dtype=float), np.asarray(y_fm, dtype=float)
        T = self.nucleus.thickness
        return T(np.hypot(x - b_fm / 2, y)), T(np.hypot(x + b_fm / 2, y))

    def collision_density(self, b_fm: float, x_fm: ArrayLike, y_fm: ArrayLike) -> Float:
        """Return binary collisions per area, sigma T_A T_B in fm^-2, at (`x_fm`, `y_fm`), which broadcast.

        Its integral is `n_coll` at the impact parameter `b_fm`.
        """
        T_A, T_B = self._thicknesses(b_fm, x_fm, y_fm)
        return np.asarray(self.sigma_fm2 * T_A * T_B)

    def participant_density(self, b_fm: float, x_fm: ArrayLike, y_fm: ArrayLike) -> Float:
        """Return participants per area in fm^-2 at (`x_fm`, `y_fm`), which broadcast.

        Its integral is `n_part` at the impact parameter `b_fm`, eq. (8).
        """
        T_A, T_B = self._thicknesses(b_fm, x_fm, y_fm)
        A = self.nucleus.A
        # 1 - (1 - sigma T/A)^A: the chance of a nucleon to meet at least one of A others
        hit_A, hit_B = (1.0 - (1.0 - self.sigma_fm2 * T / A) ** A for T in (T_B, T_A))
        return np.asarray(T_A * hit_A + T_B * hit_B)

    def n_coll(self, b_fm: float) -> float:
        """Return the number of binary collisions at impact parameter `b_fm`, eq. (7)."""
        return float(self.collision_density(b_fm, *self._grid(b_fm)).sum() * _STEP_FM**2)

    def n_part(self, b_fm: float) -> float:
        """Return the number of participants at impact parameter `b_fm`, eq. (8)."""
        return float(self.participant_density(b_fm, *self._grid(b_fm)).sum() * _STEP_FM**2)

    def _grid(self, b_fm: float) -> tuple[Float, Float]:
        b_fm = number("b_fm", b_fm, "be a non-negative number of fm", low=0)
        # wide enough for both nuclei, whose centers are at +-b/2
        extent = self.nucleus.extent_fm
        x = np.arange(-extent - b_fm / 2, extent + b_fm / 2, _STEP_FM)
        return x[:, None], np.arange(-extent, extent, _STEP_FM)[None, :]


PB208: Final = Nucleus(208, R_fm=6.62, a_fm=0.546, name="Pb")
"""Woods-Saxon of the shipped MUSIC runs (electron scattering; normalized to 208)."""

PB208_GROUP: Final = Nucleus(208, R_fm=6.490843, a_fm=0.54, rho0_fm3=0.17, name="Pb")
"""Woods-Saxon behind the (b, N_part) pairs of the QTraj papers: R = 1.12 A^(1/3) - 0.86 A^(-1/3); it is not
renormalized to 208."""


@dataclass(frozen=True)
class ProtonNucleus:
    """A point-like proton on a nucleus, optical Glauber; `sigma_nn_mb` is as for `OpticalGlauber`.

    N_coll = sigma T_A(b); the proton hits with P = 1 - (1 - sigma T_A/A)^A, so N_part = P + N_coll, averaged over all
    collisions at b, those without a hit included, as for two nuclei (arXiv:nucl-ex/0701025, eqs. 5 to 8).
    """

    nucleus: Nucleus
    sigma_nn_mb: float

    def __post_init__(self) -> None:
        instance("nucleus", self.nucleus, Nucleus)
        settle(self, sigma_nn_mb=_cross_section(self.sigma_nn_mb))

    def n_coll(self, b_fm: float) -> float:
        """Return the mean number of binary collisions at `b_fm`."""
        return float(self.sigma_nn_mb * MB_TO_FM2 * self.nucleus.thickness(b_fm))

    def n_part(self, b_fm: float) -> float:
        """Return the mean number of participants at `b_fm`, the proton included."""
        collisions = self.n_coll(b_fm)
        A = self.nucleus.A
        return float(1.0 - (1.0 - collisions / A) ** A + collisions)


def collision_geometry(
    collider: OpticalGlauber | ProtonNucleus, b_max_fm: float = 20.0, *, step_fm: float = 0.1, name: str = ""
) -> CollisionGeometry:
    """Return centrality, participants and collisions every `step_fm` of the impact parameter up to `b_max_fm`.

    The centrality is the fraction of the inelastic cross section, with P_inel(b) = 1 - exp(-N_coll(b)); N_coll should
    be far below 1 at the last b.
    """
    b_max_fm = positive("b_max_fm", b_max_fm)
    allowed = "be positive, the step the smaller of it and b_max_fm"
    step_fm = number("step_fm", step_fm, allowed, above=0, below=b_max_fm)
    b = np.linspace(0.0, b_max_fm, round(b_max_fm / step_fm) + 1)
    n_coll = np.array([collider.n_coll(float(b_fm)) for b_fm in b])
    n_part = np.array([collider.n_part(float(b_fm)) for b_fm in b])
    # d sigma_inel = 2 pi b db (1 - exp(-N_coll)); 2 pi cancels in the ratio. The error of these trapezoids is a twelfth
    # of step^2 times the change of slope: 3e-5 of the whole for 0.1 fm
    below = cumulative_trapezoid(b * -np.expm1(-n_coll), b, initial=0)
    return CollisionGeometry(b, np.asarray(below / below[-1]), n_part, n_coll, name)
