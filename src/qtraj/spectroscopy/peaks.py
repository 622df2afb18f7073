"""Peaks of a spectral function as skewed Breit-Wigner curves on a smooth background.

Near an isolated pole E - i Gamma/2 with complex residue,

    rho(omega) = [ A Gamma/2 + B (omega - E) ] / [ (omega - E)^2 + Gamma^2/4 ] + polynomial

(the form used for lattice spectral functions: Y. Burnier and A. Rothkopf, arXiv:1208.1899). A, B and the polynomial are
linear, so only E and Gamma are searched for. Lower peaks of the same channel, found before, join with free A and B.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

Float = NDArray[np.float64]
Density = Callable[[Float], Float]

POINTS = 81
"""Energies in the window of a fit."""

WINDOWS = (0.5, 0.8)
"""Half-widths of the window in units of Gamma; the first is the result, the spread of all is the error."""

DEGREES = (2, 1)
"""Degrees of the background."""

ROUNDS = 20
"""Fits, each in the window of the one before, until the peak stays where it is."""

SETTLED = 1e-6
"""Change of E and Gamma, relative to Gamma, at which it stays."""

FACTOR = 8.0
"""Between the widths of the peak and of the guess; first order misses that of excited states by 5 in a hot medium."""

SMALLEST = 1e-9
"""Least height of a peak over that of rho: below, it fits rounding."""

LOST = 0.25
"""Error of E or Gamma/2 relative to Gamma above which there is no peak to speak of."""

RESOLVED = 0.25
"""Least distance from the next lower peak relative to Gamma: closer ones cannot be told apart by a fit."""


@dataclass(frozen=True)
class Peak:
    """One peak.

    Parameters
    ----------
    energy, width : float
        E and Gamma in GeV.
    error : float
        Bound on the errors of E and of Gamma/2 in GeV, from other windows and backgrounds.
    """

    energy: float
    width: float
    error: float = 0.0

    @property
    def pole(self) -> complex:
        """E - i Gamma/2."""
        return self.energy - 0.5j * self.width


def fit_peak(density: Density, guess: complex, lower: Sequence[Peak] = ()) -> Peak | None:
    """Return the peak of a spectral function near a guess, or None if there is none.

    Parameters
    ----------
    density : callable
        rho(omega) for energies in GeV, shape (nw,).
    guess : complex
        E - i Gamma/2 to start from.
    lower : sequence of Peak
        Lower peaks, which overlap with this one.

    Returns
    -------
    Peak or None
        None if a fit does not converge near the guess, the fits differ by more than a quarter of the width, or a lower
        peak is closer than that.
    """
    poles: list[complex] = []
    for window, degree in product(WINDOWS, DEGREES):
        pole = _fit(density, guess, lower, window, degree)
        if pole is None:
            return None
        poles.append(pole)
    width = -2 * poles[0].imag
    error = max(abs(pole - poles[0]) for pole in poles)
    gap = min((abs(poles[0].real - peak.energy) for peak in lower), default=np.inf)
    if error > LOST * width or gap < RESOLVED * width:
        return None
    return Peak(poles[0].real, width, error)


def refit(density: Density, peak: Peak, lower: Sequence[Peak] = ()) -> complex | None:
    """Return E - i Gamma/2 of the central fit only, for another spectral function with the same peak."""
    return _fit(density, peak.pole, lower, WINDOWS[0], DEGREES[0])


def _fit(
    density: Density, guess: complex, lower: Sequence[Peak], window: float, degree: int
) -> complex | None:
    """One fit, its window moving with the peak."""
    energy, width = guess.real, -2 * guess.imag
    if not width > 0:
        return None
    for _ in range(ROUNDS):
        start, scale = energy, width
        omega = np.linspace(start - window * scale, start + window * scale, POINTS)
        values = density(omega)
        if not np.any(values):
            return None
        others = [((peak.energy - start) / scale, peak.width / scale) for peak in lower]
        # in units of the width of the peak, and of the height of rho; no further than a width from the last place
        problem = ((omega - start) / scale, values / np.max(np.abs(values)), others, degree)
        result = least_squares(
            _misfit, [0.0, 1.0], bounds=([-1, 0.2], [1, 5]), args=problem, xtol=1e-12, ftol=1e-14, gtol=1e-14
        )
        energy, width = start + scale * result.x[0], scale * result.x[1]
        if not _near(energy, width, guess) or _share(result.x, *problem) < SMALLEST:
            return None
        if max(abs(result.x[0]), abs(result.x[1] - 1)) < SETTLED:
            return complex(energy, -width / 2)
    return None


def _near(energy: float, width: float, guess: complex) -> bool:
    """Whether a peak is the one that was looked for."""
    expected = -2 * guess.imag
    return abs(energy - guess.real) <= max(expected, width) and 1 / FACTOR < width / expected < FACTOR


def _misfit(
    parameters: Float, x: Float, values: Float, others: Sequence[tuple[float, float]], degree: int
) -> Float:
    """Residuals after the linear parameters have been solved for."""
    design, linear = _linear(parameters, x, values, others, degree)
    return np.asarray(design @ linear - values)


def _share(
    parameters: Float, x: Float, values: Float, others: Sequence[tuple[float, float]], degree: int
) -> float:
    """Return the height of the peak alone over that of the density, in the window."""
    design, linear = _linear(parameters, x, values, others, degree)
    peak = slice(degree + 1, degree + 3)
    return float(np.max(np.abs(design[:, peak] @ linear[peak])))


def _linear(
    parameters: Float, x: Float, values: Float, others: Sequence[tuple[float, float]], degree: int
) -> tuple[Float, Float]:
    """Background, peak and lower peaks in the columns (nw, k), and their best coefficients (k,)."""
    columns = [x**k for k in range(degree + 1)]
    for energy, width in [(parameters[0], parameters[1]), *others]:
        below = (x - energy) ** 2 + width**2 / 4
        columns += [width / 2 / below, (x - energy) / below]
    design = np.array(columns).T
    # columns of very different size would lose digits
    design /= np.linalg.norm(design, axis=0)
    linear, *_ = np.linalg.lstsq(design, values, rcond=None)
    return design, np.asarray(linear, dtype=np.float64)
