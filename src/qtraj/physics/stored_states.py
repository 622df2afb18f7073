"""Radial functions of vacuum states from elsewhere: to project on and to start from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import CubicSpline

from .._checks import choice, float_array, settle
from .._types import Float
from ..errors import AccuracyWarning, InputError, warn_user
from ..states import STATE_NAMES, State
from .initial import ArrayState

# Largest |Int u^2 dr - 1|. A coarse grid misses 1e-3; another unit of r, or R(r) given for u(r), far more.
NORM_TOLERANCE: Final = 0.02

# Largest |Int u_i u_j dr| of two states of one l before a warning: 1e-4 of one survival in the other.
ORTHOGONALITY_TOLERANCE: Final = 0.01

# the four-point Gauss rule integrates the square of a cubic exactly
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(4)


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
        for name, values in _by_name(self.values).items():
            state = ArrayState(r, values, l=State.named(name).l)
            norm = _product(state.spline, state.spline)
            if not abs(norm - 1) <= NORM_TOLERANCE:
                remedy = "Radii are in GeV^-1; divide a function by the root of its integral."
                raise InputError("values", norm, f"be u = r R(r) with Int u^2 dr = 1 for {name}", remedy)
            # normalized: the sum over a coarse grid, 1 where the file was written, misses the integral by 1e-3
            states[name] = replace(state, values=values / np.sqrt(norm))
        settle(self, _states=states)
        self._warn_of_overlaps()

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

    def _warn_of_overlaps(self) -> None:
        pairs = []
        for one, other in combinations(self.names, 2):
            if self._states[one].l == self._states[other].l:
                overlap = _product(self._states[one].spline, self._states[other].spline)
                if abs(overlap) > ORTHOGONALITY_TOLERANCE:
                    pairs.append(f"{one} and {other} (overlap {overlap:.3g})")
        if pairs:
            warn_user(f"stored states are not orthogonal: {', '.join(pairs)}", AccuracyWarning)


def _by_name(values: ArrayLike | Mapping[str, ArrayLike]) -> dict[str, Float]:
    if isinstance(values, Mapping):
        unknown = [name for name in values if name not in STATE_NAMES]
        if unknown or not values:
            raise InputError("values", unknown or values, f"have names among {', '.join(STATE_NAMES)}")
        return {name: float_array(f"values[{name!r}]", values[name]) for name in values}
    array = float_array("values", values)
    if array.ndim != 2 or len(array) != len(STATE_NAMES):
        raise InputError("values", array.shape, f"have one row for each of {' '.join(STATE_NAMES)}")
    return dict(zip(STATE_NAMES, array, strict=True))


def _product(one: CubicSpline, other: CubicSpline) -> float:
    """Return Int u v dr of two cubic splines on the same radii, exactly."""
    half = np.diff(one.x)[:, None] / 2
    points = one.x[:-1, None] + half * (1 + _NODES)
    return float(np.sum(half * _WEIGHTS * one(points) * other(points)))
