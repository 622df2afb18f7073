"""What every route to thermal levels returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..observables.estimate import Estimate

Float = NDArray[np.float64]
Complex = NDArray[np.complex128]

MISSING = complex(np.nan, np.nan)
"""Energy of a state that a route does not find."""


@dataclass(frozen=True, eq=False)
class RouteLevels:
    """Complex energies E - i Gamma/2 of ns states at nt temperatures by one route.

    Parameters
    ----------
    energy : ndarray, shape (ns, nt)
        In GeV, without the masses of the quarks; `MISSING` where the route finds no state.
    parts : mapping of str to ndarray, shape (ns, nt)
        Bounds of the error: the real part is that of Re E, the imaginary part that of Gamma/2, GeV.
    radius : ndarray, shape (ns, nt)
        <r> in GeV^-1; NaN where the route has none.
    radius_parts : mapping of str to ndarray, shape (ns, nt)
        Bounds of its error in GeV^-1.
    remarks : ndarray of str, shape (ns, nt)
        Why there is no number, else empty.
    """

    energy: Complex
    parts: Mapping[str, Complex]
    radius: Float
    radius_parts: Mapping[str, Float] = field(default_factory=dict)
    remarks: NDArray[np.str_] | None = None

    def real(self, offset: Float | float = 0.0) -> Estimate:
        """Return Re E - offset in GeV with its error, shape (ns, nt)."""
        return _estimate(self.energy.real - offset, {name: part.real for name, part in self.parts.items()})

    def width(self) -> Estimate:
        """Return Gamma in GeV with its error, shape (ns, nt)."""
        return _estimate(-2 * self.energy.imag, {name: 2 * part.imag for name, part in self.parts.items()})

    def mean_radius(self) -> Estimate:
        """Return <r> in GeV^-1 with its error, shape (ns, nt)."""
        return _estimate(self.radius, self.radius_parts)

    def remark(self, state: int, temperature: int) -> str:
        """Return why one number is missing, else an empty text."""
        return "" if self.remarks is None else str(self.remarks[state, temperature])


def distance(a: Complex | complex, b: Complex | complex) -> Complex:
    """Return |Re(a - b)| + i |Im(a - b)|, the form of a part of an error."""
    difference = np.asarray(a) - np.asarray(b)
    return np.asarray(np.abs(difference.real) + 1j * np.abs(difference.imag))


def modulus(a: Complex | complex) -> Complex:
    """Return |a| (1 + i): a bound on both parts where only the size is known."""
    return np.asarray(np.abs(a) * (1 + 1j))


def _estimate(value: Float, parts: Mapping[str, Float]) -> Estimate:
    # an Estimate takes no NaN as error; where the value is NaN it has none
    return Estimate(value, {name: np.where(np.isfinite(value), part, 0.0) for name, part in parts.items()})
