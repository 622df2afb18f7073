"""Steps of the NLO density matrix: coefficients averaged over each step, and the Chebyshev sums of its exponential."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import jv

from ...errors import InputError
from ..steps import GAMMA, KAPPA, KAPPA_OVER_T, Profile, Steps, pad
from .nlo_kernels import NloSteps

Float = NDArray[np.float64]
Complex = NDArray[np.complex128]

TOLERANCE = 1e-10
"""Relative size of the first term left out of an exponential."""

MAX_TERMS = 400
"""Terms summed at most."""


@dataclass(frozen=True)
class ThermalSteps(Steps):
    """Steps of one history of constant length, coefficients and temperature.

    Parameters
    ----------
    vacuum : ndarray, shape (steps + 1,)
        Vacuum times in GeV^-1 before each step and at the end.
    kappa, gamma : ndarray, shape (steps, 1)
        Time integrals in GeV^2.
    length, inverse_T : ndarray, shape (steps,)
        Length in GeV^-1 and mean of 1/T, weighted with kappa, in GeV^-1.
    """

    length: Float
    inverse_T: Float


@dataclass(frozen=True)
class Bounds:
    """Where the spectrum lies: up to energy dt + |gamma| phase on the imaginary, kappa decay on the negative real axis.

    Parameters
    ----------
    energy : float
        Largest difference of vacuum energies in GeV.
    phase : float
        Largest g_c r^2/2 in GeV^-2.
    decay : float
        Largest decay rate over kappa in GeV^-2.
    """

    energy: float
    phase: float
    decay: float


def commutator_free(profile: Profile, intervals: Sequence[Float], start: float, end: float) -> ThermalSteps:
    """Return fourth-order steps: two exponentials for each step between the edges of `step_edges`.

    With A_0 = Int L dt and A_1 = Int (t - t_middle) L dt/dt_step of the generator L over a step, they are
    exp(A_0/2 - 2 A_1), then exp(A_0/2 + 2 A_1): S. Blanes and P. C. Moan, Appl. Numer. Math. 56 (2006) 1519, eq. (13),
    with exact integrals in the place of Gauss quadrature. Each exponent is taken at one temperature, which changes its
    1/T^2 terms by 1e-4 of themselves and keeps the map completely positive, as long as its kappa is not negative:
    the medium has to be smooth in a step, see `schedule.resolved`.

    Parameters
    ----------
    profile : Profile
        The coefficients along the history.
    intervals : sequence of ndarray
        Step edges of each active interval.
    start, end : float
        Time before the first and after the last step in GeV^-1.
    """
    vacuum, now = [0.0], start
    pieces = [np.zeros((0, 4))]
    for edges in intervals:
        vacuum[-1] += edges[0] - now
        vacuum += [0.0] * (2 * (len(edges) - 1))
        pieces.append(_exponents(profile, edges))
        now = edges[-1]
    vacuum[-1] += end - now
    length, kappa, gamma, inverse_T = np.concatenate(pieces).T
    return ThermalSteps(np.array(vacuum), kappa[:, None], gamma[:, None], length, inverse_T)


def _exponents(profile: Profile, edges: Float) -> Float:
    """Return length, integrals of kappa and gamma, and 1/T of the two exponentials of each step, (2 steps, 4)."""
    dt = np.diff(edges)
    c = profile.legendre_of(edges, 1) * dt[:, None, None]
    # A_0 = c_0 and A_1 = c_1/6 for c in Legendre polynomials times the length of the step
    weights = np.stack([c[..., 0] / 2 - c[..., 1] / 3, c[..., 0] / 2 + c[..., 1] / 3], axis=1)
    kappa = np.maximum(weights[..., KAPPA], 0.0)
    # where kappa vanishes, so do all terms with 1/T
    inverse_T = np.divide(weights[..., KAPPA_OVER_T], kappa, out=np.zeros_like(kappa), where=kappa > 0)
    mean = np.divide(c[:, KAPPA_OVER_T, 0], c[:, KAPPA, 0], out=np.zeros_like(dt), where=c[:, KAPPA, 0] > 0)
    # in a step that is rough still, an exponent of little kappa may have any 1/T by extrapolation
    inverse_T = np.clip(inverse_T, mean[:, None] / 2, 2 * mean[:, None])
    length = np.repeat(dt[:, None] / 2, 2, axis=1)
    return np.stack([length, kappa, weights[..., GAMMA], inverse_T], axis=-1).reshape(-1, 4)


def stacked(members: Sequence[ThermalSteps], bounds: Bounds) -> tuple[NloSteps, int]:
    """Return the steps of a batch, padded to one of few lengths with steps that do nothing, and the number to take."""
    padded, count, rows = pad(members), max(m.steps for m in members), 32
    while rows < count:
        rows *= 4

    def longer(arrays: Sequence[Float], length: int) -> Float:
        return np.stack([np.concatenate([a, np.zeros(length - len(a))]) for a in arrays], axis=1)

    # what follows the last step of a short member comes after the last of all
    vacuum = np.zeros((rows + 1, len(members)))
    for b, m in enumerate(members):
        vacuum[: m.steps, b], vacuum[count, b] = m.vacuum[:-1], m.vacuum[-1]
    kappa, gamma = longer(list(padded.kappa[..., 0]), rows), longer(list(padded.gamma[..., 0]), rows)
    length, inverse_T = (longer([getattr(m, n) for m in members], rows) for n in ("length", "inverse_T"))
    series = chebyshev_series(length, kappa, gamma, bounds)
    return NloSteps(vacuum, length, kappa, gamma, inverse_T, *series), count


def chebyshev_series(
    length: Float, kappa: Float, gamma: Float, bounds: Bounds
) -> tuple[Float, Float, Float, NDArray[np.int64]]:
    """Return focus, shift, coefficients and number of terms of the exponentials of steps, see `kernels_nlo`.

    Parameters
    ----------
    length, kappa, gamma : ndarray, shape (S, B)
        Length and integrals of each step.
    bounds : Bounds
        Bounds on the generator.

    Returns
    -------
    focus, shift : ndarray, shape (S, B)
        Half of the range of the spectrum on the imaginary and on the real axis.
    coefficients : ndarray, shape (S, size, B)
        (2 - delta_n0) J_n(focus) exp(-shift), scaled so that the sum is exactly 1 for L = 0: what the equation
        conserves, each step conserves.
    terms : ndarray, shape (S,)
        How many terms each step needs, the same for all histories.

    Raises
    ------
    InputError
        If a step is too long to be summed.
    """
    shift = kappa * bounds.decay / 2
    quick, slow = bounds.energy * length, bounds.phase * np.abs(gamma)
    # a short interval beside a wide real axis makes polynomials overflow
    focus = np.maximum(np.maximum(quick + slow, shift / 2), 1e-3)
    # pairs near each other keep all energies, undamped; those far apart feel gamma, and decay
    corners = np.stack([shift + 1j * quick, 1j * (quick + slow), shift]).astype(complex) / focus
    n = np.arange(MAX_TERMS)
    c = (2 - (n == 0)) * jv(n, focus[..., None])
    with np.errstate(over="ignore", invalid="ignore"):
        values = _polynomials(corners, MAX_TERMS)
        size = np.nan_to_num(np.abs(values * c * np.exp(-shift)[..., None]), nan=0.0, posinf=0.0).max(axis=0)
    needed = MAX_TERMS - np.argmax(size[..., ::-1] > TOLERANCE, axis=-1)
    if needed.max() == MAX_TERMS:
        raise InputError(
            "step",
            float(length.max()) * 2,
            f"need at most {MAX_TERMS} terms of the exponential in every step",
            "Take shorter steps, or a coarser mesh, whose states reach lower energies.",
        )
    # few sizes occur, since each is compiled
    most = next(size for size in (64, 128, MAX_TERMS) if size >= needed.max())
    # what a history does not need is left out, so that its result does not depend on the others
    c = np.where(n < needed[..., None], c, 0.0)[..., :most]
    kept = np.where(c != 0, values[2, ..., :most].real, 0.0)  # beyond, they may overflow
    total = (c * kept).sum(axis=-1, keepdims=True)
    return focus, shift, np.swapaxes(c / total, 1, 2), needed.max(axis=1)


def _polynomials(y: NDArray[Any], count: int) -> Complex:
    """Return P_n(y) = i^n T_n(-i y), n < count, shape (*y.shape, count)."""
    values = np.empty((*y.shape, count), complex)
    values[..., 0], values[..., 1] = 1, y
    for n in range(1, count - 1):
        values[..., n + 1] = 2 * y * values[..., n] + values[..., n - 1]
    return values
