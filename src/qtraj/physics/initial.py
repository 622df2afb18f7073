"""Initial states of the pair: a radial function, an angular momentum and a color (those of QTraj: arXiv:2107.06147)."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import factorial
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicSpline
from scipy.special import eval_genlaguerre

from .._checks import choice, float_array, integer, number, settle
from ..errors import InputError
from .model import LindbladModel
from .potentials.coulomb import COLORS

Float = NDArray[np.float64]

MAX_L = 3


class InitialState(Protocol):
    """Interface of an initial state."""

    @property
    def l(self) -> int:  # noqa: E743
        """Orbital angular momentum."""
        ...

    @property
    def color(self) -> str | float:
        """``"singlet"``, ``"octet"``, or the probability of the singlet."""
        ...

    @property
    def survival_is_ratio(self) -> bool:
        """Whether survival is quoted relative to the initial overlap (the C++ code's rule)."""
        ...

    def u(self, r: Float, model: LindbladModel) -> Float:
        """Return the reduced radial function u(r), any norm, for r in GeV^-1, of the shape of `r`.

        The model gives what a state may depend on: its potential, mass and Bohr radius.
        """
        ...


def check_initial(argument: str, initial: Any) -> None:
    """Raise `InputError` unless `initial` is a start: something with the attributes of `InitialState`, and no class."""
    if isinstance(initial, type) or not all(
        hasattr(initial, name) for name in ("u", "l", "color", "survival_is_ratio")
    ):
        raise InputError(argument, initial, "be an initial state such as GaussianState(l=0, width=0.2)")
    singlet_probability(initial.color)
    integer(f"{argument}.l", initial.l, 0)


def singlet_probability(color: str | float) -> float:
    """Return the probability of the singlet, or raise `InputError` for a bad `color`."""
    allowed = "be 'singlet', 'octet' or the probability of the singlet, from 0 to 1"
    if isinstance(color, str):
        return 1.0 if choice("color", color, COLORS, allowed) == "singlet" else 0.0
    return number("color", color, allowed, low=0, high=1)


@dataclass(frozen=True)
class GaussianState:
    """Local ("Gaussian") start u ~ (r/a0)^(l+1) exp(-(r/a0)^2 / width^2), without a factor 1/2 in the exponent.

    Parameters
    ----------
    l : int
        Orbital angular momentum, 0 to 3.
    width : float
        Width Delta in units of the Bohr radius a0 = 2/(M alpha); the default is the group's 0.2.
    color : {"singlet", "octet"} or float
        Color, or the probability of the singlet in an incoherent mixture.

    Raises
    ------
    InputError
        If an argument is out of range.
    """

    l: int = 0
    width: float = 0.2
    color: str | float = "singlet"

    def __post_init__(self) -> None:
        width = number("width", self.width, "be between 0.05 and 10 Bohr radii", low=0.05, high=10)
        settle(self, l=_checked_l(self.l), width=width, color=_checked_color(self.color))

    @property
    def survival_is_ratio(self) -> bool:
        """True for a singlet."""
        return singlet_probability(self.color) == 1.0

    def u(self, r: Float, model: LindbladModel) -> Float:
        """Return u(r), any norm."""
        x = r / model.bohr_radius
        return np.asarray(x ** (self.l + 1) * np.exp(-((x / self.width) ** 2)))


@dataclass(frozen=True)
class CoulombState:
    """Coulomb eigenstate u ~ rho^(l+1) exp(-rho/2) L_{n-l-1}^{2l+1}(rho), rho = 2 r/(n a0).

    Parameters
    ----------
    n, l : int
        Quantum numbers, 0 <= l < n; (2, 1) is the 1P state.
    color : {"singlet", "octet"} or float
        Color, or the probability of the singlet in an incoherent mixture.

    Raises
    ------
    InputError
        If the quantum numbers are not those of a bound state.
    """

    n: int
    l: int
    color: str | float = "singlet"

    def __post_init__(self) -> None:
        l = _checked_l(self.l)
        allowed = f"be an integer with l = {l} < n <= 6"
        n = integer("n", self.n, l + 1, 6, allowed, "1P is n = 2, l = 1.")
        settle(self, n=n, l=l, color=_checked_color(self.color))

    @property
    def survival_is_ratio(self) -> bool:
        """False: raw overlaps, as in the C++ code."""
        return False

    def u(self, r: Float, model: LindbladModel) -> Float:
        """Return u(r), any norm."""
        rho = 2 * r / (self.n * model.bohr_radius)
        return np.asarray(
            rho ** (self.l + 1)
            * np.exp(-rho / 2)
            * eval_genlaguerre(self.n - self.l - 1, 2 * self.l + 1, rho)
        )

    def norm_squared(self, model: LindbladModel) -> float:
        """Return Int u^2 dr in GeV^-1 of the function that `u` returns for `model`: (n a0/2) 2n (n+l)!/(n-l-1)!."""
        ratio = factorial(self.n + self.l) / factorial(self.n - self.l - 1)
        return self.n**2 * model.bohr_radius * ratio


@dataclass(frozen=True, eq=False)
class ArrayState:
    """A radial function given by values on a grid, interpolated by a cubic spline and zero beyond its last point.

    Parameters
    ----------
    r : array_like, shape (n,)
        Increasing radii in GeV^-1, the first >= 0.
    values : array_like, shape (n,)
        Reduced radial function u(r), real, any norm.
    l : int
        Orbital angular momentum, 0 to 3.
    color : {"singlet", "octet"} or float
        Color, or the probability of the singlet in an incoherent mixture.

    Attributes
    ----------
    spline : scipy.interpolate.CubicSpline
        u(r) from the origin to the last radius.

    Raises
    ------
    InputError
        If the arrays are not finite, increasing, of one length >= 8, or the function vanishes.
    """

    r: ArrayLike
    values: ArrayLike
    l: int = 0
    color: str | float = "singlet"
    spline: CubicSpline = field(init=False, repr=False)

    def __post_init__(self) -> None:
        settle(self, l=_checked_l(self.l), color=_checked_color(self.color))
        r, u = float_array("r", self.r), float_array("values", self.values)
        if r.ndim != 1 or r.shape != u.shape or len(r) < 8:
            raise InputError("values", u.shape, f"be a 1-D array of the length of r (at least 8), {r.shape}")
        if not (np.all(np.isfinite(r)) and np.all(np.diff(r) > 0) and r[0] >= 0):
            raise InputError("r", r[:4], "be finite, increasing and non-negative radii in GeV^-1")
        # a state of zeros has no norm
        if not np.all(np.isfinite(u)) or not np.any(u):
            raise InputError("values", u[:4], "be finite and not all zero")
        if r[0] > 0:  # u vanishes at the origin
            r, u = np.concatenate([[0.0], r]), np.concatenate([[0.0], u])
        settle(self, spline=CubicSpline(r, u))

    @property
    def survival_is_ratio(self) -> bool:
        """False: raw overlaps."""
        return False

    def u(self, r: Float, model: LindbladModel) -> Float:
        """Return u(r), any norm."""
        inside = r <= self.spline.x[-1]
        return np.where(inside, self.spline(np.minimum(r, self.spline.x[-1])), 0.0)


def _checked_l(l: int) -> int:
    return integer("l", l, 0, MAX_L)


def _checked_color(color: str | float) -> str | float:
    """Return `color` in its plain type."""
    share = singlet_probability(color)
    return str(color) if isinstance(color, str) else share
