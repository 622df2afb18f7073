"""Thermal levels from the peaks of spectral functions, state by state and temperature by temperature."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .._checks import choice
from ..physics.bound_state import BoundState
from ..physics.initial import GaussianState, InitialState
from ..physics.model import LindbladModel
from ..radial.laguerre import LaguerreMesh
from ..states import State
from .peaks import Peak, fit_peak, refit
from .perturbation import first_order
from .routes import MISSING, RouteLevels, distance, modulus
from .spectral import SpectralFunction

Float = NDArray[np.float64]
Complex = NDArray[np.complex128]

SOURCES = ("state", "local")

LOCAL_WIDTH = 0.2
"""Width of the local source in Bohr radii: the group's start (arXiv:2107.06147)."""

SCAN, SCAN_POINTS = 3.0, 301
"""Where first order misses the peak, the highest point within this many of its widths is tried instead."""

NARROWEST = 1e-7
"""Width in GeV below which a spectral function has no peak to fit but a line."""


def source_of(state: State, source: str) -> InitialState:
    """Return the source of a channel: the vacuum state itself (``state``) or a narrow Gaussian (``local``).

    Raises
    ------
    InputError
        For another word.
    """
    if choice("source", source, SOURCES, f"be one of {', '.join(SOURCES)}") == "state":
        return BoundState(state.n, state.l)
    return GaussianState(l=state.l, width=LOCAL_WIDTH)


def peak_levels(
    model: LindbladModel,
    T: Float,
    states: tuple[State, ...],
    mesh: LaguerreMesh,
    finer: LaguerreMesh,
    source: str = "state",
) -> RouteLevels:
    """Return energies and widths of peaks of spectral functions.

    Parameters
    ----------
    model, T, states, mesh, finer
        As for `perturbation.first_order`.
    source : {"state", "local"}
        The vacuum wave function of each state, an extended source that prefers its peak; or a narrow Gaussian, whose
        spectral function has all peaks of the channel, the higher the weaker.

    Returns
    -------
    RouteLevels
        With the parts ``fit`` and ``mesh``; no radii. Where no peak can be told apart, NaN and the remark ``no peak``.
    """
    shape = (len(states), len(T))
    energy = np.full(shape, MISSING)
    fit, other = np.zeros(shape, dtype=complex), np.zeros(shape, dtype=complex)
    for l in sorted({state.l for state in states}):
        ladder = _ladder(states, l)
        guesses = first_order(model, T, ladder, mesh, mesh).energy
        for state, j, peak, on_finer in _channel(model, T, ladder, (mesh, finer), source, guesses):
            if state in states:
                i = states.index(state)
                energy[i, j] = peak.pole
                fit[i, j], other[i, j] = modulus(peak.error), distance(peak.pole, on_finer)
    return RouteLevels(
        energy,
        {"fit": fit, "mesh": other},
        np.full(shape, np.nan),
        remarks=np.where(np.isnan(energy), "no peak", ""),
    )


def _ladder(states: tuple[State, ...], l: int) -> tuple[State, ...]:
    """All states of one l up to the highest wanted: lower peaks must be known."""
    highest = max(state.n for state in states if state.l == l)
    return tuple(State(n, l) for n in range(l + 1, highest + 1))


def _channel(
    model: LindbladModel,
    T: Float,
    ladder: tuple[State, ...],
    meshes: tuple[LaguerreMesh, LaguerreMesh],
    source: str,
    guesses: Complex,
) -> Iterator[tuple[State, int, Peak, complex]]:
    """Yield the peaks that are found, each with its pole on the other mesh."""
    last: dict[State, complex] = {}
    for j, t in enumerate(T):
        lower: list[Peak] = []
        for state, guess in zip(ladder, guesses[:, j], strict=True):
            first, second = (
                SpectralFunction(model, float(t), source_of(state, source), mesh) for mesh in meshes
            )
            peak = _search(first, last.get(state), guess, lower)
            on_finer = None if peak is None else refit(second.density, peak, lower)
            if peak is None or on_finer is None:
                break  # what lies above an unknown peak cannot be told apart either
            yield state, j, peak, on_finer
            lower.append(peak)
            last[state] = peak.pole


def _search(
    function: SpectralFunction, last: complex | None, guess: complex, lower: list[Peak]
) -> Peak | None:
    """Try the peak of the last temperature, first order, and the highest point around."""
    if -2 * guess.imag < NARROWEST:
        return None
    starts = [guess] if last is None else [last, guess]
    span = -2 * guess.imag * np.linspace(-SCAN, SCAN, SCAN_POINTS)
    omega = guess.real + span
    if lower:
        omega = omega[omega > lower[-1].energy + lower[-1].width]
    if len(omega):
        starts.append(complex(omega[np.argmax(function.density(omega))], guess.imag))
    found = (fit_peak(function.density, start, lower) for start in starts)
    return next((peak for peak in found if peak is not None), None)
