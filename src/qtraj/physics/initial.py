"""Initial states of the pair: a radial function, an angular momentum and a color (those of QTraj: arXiv:2107.06147).

A `BoundState` solves [p_r^2/M + l(l+1)/(M r^2) + V(r)] u = E u in the model's own vacuum potential, whatever the grid
of the solver. `StoredStates` are vacuum states from elsewhere, to start from and to project on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import combinations
from math import factorial
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import CubicSpline
from scipy.special import eval_genlaguerre

from .._checks import choice, float_array, integer, number, settle
from .._types import Float
from ..errors import AccuracyWarning, InputError, warn_user
from ..radial.bound import bound_states
from ..radial.laguerre import LaguerreMesh
from ..states import STATE_NAMES, State
from .model import LindbladModel
from .potentials.coulomb import COLORS, Color, Potential

MAX_N, MAX_L = 6, 3

# Points of the mesh that gives a bound state and of the finer and shorter-scaled one that checks it.
POINTS, CHECK_POINTS = 120, 160

# Largest 1 - overlap^2 and relative change of the binding energy between the two meshes. A smooth potential stays below
# 1e-9; the kink of a string-breaking potential leaves 1e-5.
MESH_TOLERANCE = 1e-4

# In GeV^-1: states much larger than 100 GeV^-1 (20 fm) are not quarkonium.
LARGEST_SCALE = 5.0

# Largest |Int u^2 dr - 1|. A coarse grid misses 1e-3; another unit of r, or R(r) given for u(r), far more.
NORM_TOLERANCE = 0.02

# Largest |Int u_i u_j dr| of two states of one l before a warning: 1e-4 of one survival in the other.
ORTHOGONALITY_TOLERANCE = 0.01

# the four-point Gauss rule integrates the square of a cubic exactly
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(4)


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
        settle(self, l=integer("l", self.l, 0, MAX_L), width=width, color=_checked_color(self.color))

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

    survival_is_ratio: ClassVar[bool] = False  # raw overlaps, as in the C++ code

    def __post_init__(self) -> None:
        n, l = _checked_n_l(self.n, self.l)
        settle(self, n=n, l=l, color=_checked_color(self.color))

    def u(self, r: Float, model: LindbladModel) -> Float:
        """Return u(r), any norm."""
        rho = 2 * r / (self.n * model.bohr_radius)
        laguerre = eval_genlaguerre(self.n - self.l - 1, 2 * self.l + 1, rho)
        return np.asarray(rho ** (self.l + 1) * np.exp(-rho / 2) * laguerre)

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
    survival_is_ratio: ClassVar[bool] = False

    def __post_init__(self) -> None:
        settle(self, l=integer("l", self.l, 0, MAX_L), color=_checked_color(self.color))
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

    def u(self, r: Float, model: LindbladModel) -> Float:
        """Return u(r), any norm."""
        return self.within(r)

    def within(self, r: Float) -> Float:
        """Return u(r) for r in GeV^-1 of any shape, zero beyond the last radius: it depends on no model."""
        end = self.spline.x[-1]
        return np.where(r <= end, self.spline(np.minimum(r, end)), 0.0)


def _checked_n_l(n: int, l: int) -> tuple[int, int]:
    l = integer("l", l, 0, MAX_L)
    allowed = f"be an integer with l = {l} < n <= {MAX_N}"
    return integer("n", n, l + 1, MAX_N, allowed, "1P is n = 2, l = 1."), l


def _checked_color(color: str | float) -> str | float:
    """Return `color` in its plain type."""
    share = singlet_probability(color)
    return str(color) if isinstance(color, str) else share


@dataclass(frozen=True)
class BoundState:
    """Eigenstate of the vacuum potential of the model in one color.

    It is computed once, on a Laguerre mesh of its own that follows the size of the state, and can be evaluated at any
    radius; it does not depend on the grid of the solver.

    Parameters
    ----------
    n, l : int
        Quantum numbers, 0 <= l < n <= 6; (2, 1) is the 1P state.
    color : {"singlet", "octet"}
        Color of the pair, and the potential that binds it.

    Raises
    ------
    InputError
        If the quantum numbers or the color are not allowed and, when the state is used, if the potential of the model
        does not bind it.
    """

    n: int
    l: int
    color: Color = "singlet"
    survival_is_ratio: ClassVar[bool] = False  # raw overlaps, as in the C++ code

    def __post_init__(self) -> None:
        n, l = _checked_n_l(self.n, self.l)
        color = choice("color", self.color, COLORS, "be 'singlet' or 'octet': it chooses the potential")
        settle(self, n=n, l=l, color=color)

    def energy(self, model: LindbladModel) -> float:
        """Return the energy in the potential of `model` in GeV; the meson's mass is 2 M_Q more.

        `InputError` if the potential does not bind the state.
        """
        return _solved(model.potential, model.mass, self)[0]

    def u(self, r: Float, model: LindbladModel) -> Float:
        """Return u(r) with Int u^2 dr = 1, positive near the origin.

        `InputError` if the potential of `model` does not bind the state.
        """
        _, mesh, coefficients = _solved(model.potential, model.mass, self)
        return mesh.interpolate(coefficients, r)


@lru_cache(maxsize=64)
def _solved(potential: Potential, mass: float, state: BoundState) -> tuple[float, LaguerreMesh, Float]:
    """Return energy, mesh and coefficients of a state, or raise `InputError` if it is not bound."""
    scale = state.n / (2 * mass * potential.alpha)  # a quarter of n Bohr radii
    # the scale of the mesh follows the size of the state, which a start from the Coulomb one misses
    for _ in range(8):
        mesh = LaguerreMesh(POINTS, scale)
        energy, c = _eigenstate(potential, mass, state, mesh)
        # for a Coulomb state <r> is about 3 n^2 a0/2 again, and this the same scale
        previous, scale = scale, min(float(c**2 @ mesh.r) / (6 * state.n), LARGEST_SCALE)
        # a scale right to 20 % is as good as any on so many points
        if abs(scale - previous) < 0.2 * previous:
            break
    # the last point of the mesh lies some ten times beyond the state
    threshold = float(potential.vacuum(mesh.r[-1:], state.color)[0])
    name = State(state.n, state.l).name
    if not energy < threshold:
        allowed = f"with l = {state.l} name a state that the {state.color} potential binds"
        level = f"The level {name} lies at {energy:.4g} GeV"
        remedy = f"{level}, above the potential at large r, {threshold:.4g} GeV."
        raise InputError("n", state.n, allowed, remedy)
    # another scale, too: an error of the scale would repeat itself on more points alone
    finer = LaguerreMesh(CHECK_POINTS, 0.8 * mesh.scale)
    checked_energy, d = _eigenstate(potential, mass, state, finer)
    overlap = float(d @ finer.coefficients(mesh.interpolate(c, finer.r)))
    change = max(1 - overlap**2, abs(checked_energy - energy) / (threshold - energy))
    if not change <= MESH_TOLERANCE:
        allowed = f"be smooth and bind {name} ({state.color}) well enough to compute it"
        remedy = f"Its energy or wave function changes by a part {change:.1e} with the mesh."
        raise InputError("potential", potential, allowed, remedy)
    return energy, mesh, c


def _eigenstate(
    potential: Potential, mass: float, state: BoundState, mesh: LaguerreMesh
) -> tuple[float, Float]:
    index = State(state.n, state.l).radial_index
    values = potential.vacuum(mesh.r, state.color)
    energies, vectors = bound_states(mesh, values, state.l, mass, index + 1)
    return float(energies[index]), vectors[index]


@dataclass(frozen=True, eq=False)
class StoredStates:
    """Vacuum states given by values on a grid, interpolated by cubic splines and zero beyond the last point.

    Parameters
    ----------
    r : array_like, shape (n,)
        Increasing radii in GeV^-1, the first >= 0.
    values : mapping of str to array_like (n,), or array_like (6, n)
        Reduced radial functions u(r) = r R(r), real, Int u^2 dr = 1, by the names of the states; an array has the
        rows 1S 2S 1P 3S 2P 1D. A state that a mapping leaves out does not exist: nothing survives as it.

    Raises
    ------
    InputError
        If an array is not finite or has the wrong shape, a name is none of the six, or a norm differs from one by
        more than 0.02.

    Warns
    -----
    AccuracyWarning
        If two states of one l overlap by more than 0.01: they are then not the states of one potential.
    """

    r: ArrayLike
    values: ArrayLike | Mapping[str, ArrayLike]
    _states: dict[str, ArrayState] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        r, states = float_array("r", self.r), {}
        if isinstance(self.values, Mapping):
            unknown = [name for name in self.values if name not in STATE_NAMES]
            if unknown or not self.values:
                raise InputError(
                    "values", unknown or self.values, f"have names among {', '.join(STATE_NAMES)}"
                )
            by_name = {name: float_array(f"values[{name!r}]", u) for name, u in self.values.items()}
        else:
            array = float_array("values", self.values)
            if array.ndim != 2 or len(array) != len(STATE_NAMES):
                raise InputError("values", array.shape, f"have one row for each of {' '.join(STATE_NAMES)}")
            by_name = dict(zip(STATE_NAMES, array, strict=True))
        for name, values in by_name.items():
            state = ArrayState(r, values, l=State.named(name).l)
            norm = _product(state.spline, state.spline)
            if not abs(norm - 1) <= NORM_TOLERANCE:
                remedy = "Radii are in GeV^-1; divide a function by the root of its integral."
                raise InputError("values", norm, f"be u = r R(r) with Int u^2 dr = 1 for {name}", remedy)
            # normalized: the sum over a coarse grid, 1 where the file was written, misses the integral by 1e-3
            states[name] = replace(state, values=values / np.sqrt(norm))
        settle(self, _states=states)
        pairs = []
        for one, other in combinations(self.names, 2):
            if states[one].l == states[other].l:
                overlap = _product(states[one].spline, states[other].spline)
                if abs(overlap) > ORTHOGONALITY_TOLERANCE:
                    pairs.append(f"{one} and {other} (overlap {overlap:.3g})")
        if pairs:
            warn_user(f"stored states are not orthogonal: {', '.join(pairs)}", AccuracyWarning)

    def __repr__(self) -> str:
        return f"StoredStates({' '.join(self.names)}, {len(self.radii)} radii to {self.radii[-1]:.4g} GeV^-1)"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the states, in the order of `STATES`."""
        return tuple(name for name in STATE_NAMES if name in self._states)

    @property
    def radii(self) -> Float:
        """Radii in GeV^-1 from the origin on, shape (n,) or (n + 1,)."""
        return np.asarray(next(iter(self._states.values())).spline.x)

    def u(self, name: str, r: Float) -> Float:
        """Return u(r) of a state, Int u^2 dr = 1, zero beyond the last radius, for r in GeV^-1 of any shape."""
        return self._state(name).within(r)

    def state(self, name: str, color: str | float = "singlet") -> ArrayState:
        """Return the state `name` as a start for `qtraj.solve`; `color` may be the probability of the singlet.

        `InputError` if there is no such state.
        """
        return replace(self._state(name), color=color)

    def _state(self, name: str) -> ArrayState:
        allowed = f"be one of the stored states {', '.join(self.names)}"
        return self._states[choice("name", name, self.names, allowed)]


def _product(one: CubicSpline, other: CubicSpline) -> float:
    """Return Int u v dr of two cubic splines on the same radii, exactly."""
    half = np.diff(one.x)[:, None] / 2
    points = one.x[:-1, None] + half * (1 + _NODES)
    return float(np.sum(half * _WEIGHTS * one(points) * other(points)))
