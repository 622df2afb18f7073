"""The wave function of a pair that never jumps, at chosen times: to look at, not to average.

Split steps on a sine grid, which represents the fast waves of a local start; the survival of such a pair comes faster
and with an error budget from `NoJump`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._checks import increasing, instance, number
from ..errors import InputError
from ..physics.initial import InitialState, singlet_probability
from ..physics.model import LindbladModel
from ..physics.potentials import COLORS
from ..radial.sine import SineGrid
from ..states import STATES
from ..units import from_fm
from .basis import OCTET, SINGLET
from .clock import Clock, uniform_clock
from .flows import sector_of
from .flows_grids import SineFlows
from .projection import Projection, checked_projection
from .solve import checked_problem

Float = NDArray[np.float64]
Complex = NDArray[np.complex128]

DEFAULT_GRID = SineGrid(num=1023, length=40.0)
"""Spacing 0.04 GeV^-1, a third of the width of the group's Gaussian."""


@dataclass(frozen=True, eq=False)
class WaveFunctions:
    """Wave functions at nt times on a grid of nr points.

    Parameters
    ----------
    times_fm : ndarray, shape (nt,)
        Times in fm/c.
    r : ndarray, shape (nr,)
        Grid points in GeV^-1.
    u : ndarray, shape (nt, nr)
        Reduced radial functions in GeV^(1/2); Int |u|^2 dr is the norm.
    norm : ndarray, shape (nt,)
        Probability of no jump so far.
    overlaps : ndarray, shape (nt, 6)
        |<nl|u>|^2 of the state with its norm, order of `STATES`; 0 for an octet.
    mean_radius, energy : ndarray, shape (nt,)
        <r> in GeV^-1 and vacuum energy <h> in GeV of the normalized state.
    color, l : int
        Color (0 singlet, 1 octet) and angular momentum.
    """

    times_fm: Float
    r: Float
    u: Complex
    norm: Float
    overlaps: Float
    mean_radius: Float
    energy: Float
    color: int
    l: int


def wave_functions(
    model: LindbladModel,
    medium: Any,
    initial: InitialState,
    times_fm: ArrayLike,
    *,
    grid: SineGrid = DEFAULT_GRID,
    dt: float = 0.004,
    projection: Projection = "computed",
) -> WaveFunctions:
    """Evolve one pair under H_eff = H - i Gamma/2 and return its wave function at the given times.

    Parameters
    ----------
    model : LindbladModel
        Potential, transport coefficients, mass.
    medium : medium
        Temperature history of the pair.
    initial : InitialState
        A pure color state.
    times_fm : array_like, shape (nt,)
        Increasing times in fm/c, the first may be 0.
    grid : SineGrid, optional
        Where the functions live; the error falls as dx^2 for a potential with a Coulomb cusp.
    dt : float, optional
        Longest step in GeV^-1; the error falls as dt^2. Below 2 M dx^2/pi, so that the fastest wave on the grid turns
        less than once in a step: otherwise the potential at the origin makes spurious fast waves.
    projection : optional
        What to project on, as for `NoJump`.

    Returns
    -------
    WaveFunctions

    Raises
    ------
    InputError
        If the times do not increase, the color is a mixture, or more than one medium is given.
    """
    times = increasing("times_fm", times_fm, "be increasing times in fm/c, 0 or later", low=0)
    dt = number("dt", dt, "be a time step in GeV^-1, above 0 and at most 1", above=0, high=1)
    instance("grid", grid, SineGrid)
    projection = checked_projection(projection)
    histories, batch = checked_problem(model, medium, initial)
    if batch:
        raise InputError("medium", medium, "be one temperature history")
    color = _pure_color(initial)
    clock = uniform_clock(model, histories[0], [from_fm(t) for t in times], dt)
    flows = SineFlows(model, histories[0], clock, grid, projection)
    c = _coefficients_at_marks(flows, clock, initial, color, len(times))
    probability = np.abs(c) ** 2
    norm = probability.sum(axis=1)
    overlaps = np.abs(c @ flows.targets.T) ** 2 * (color == SINGLET)
    return WaveFunctions(
        times_fm=times,
        r=grid.r,
        u=c / np.sqrt(grid.dx),
        norm=norm,
        overlaps=overlaps * [state.l == initial.l for state in STATES],
        mean_radius=probability @ grid.r / norm,
        energy=_energy(model, grid, c, color, initial.l) / norm,
        color=color,
        l=initial.l,
    )


def _pure_color(initial: InitialState) -> int:
    share = singlet_probability(initial.color)
    if share not in (0.0, 1.0):
        raise InputError("color", initial.color, "be 'singlet' or 'octet'", "A mixture has no wave function.")
    return SINGLET if share else OCTET


def _coefficients_at_marks(
    flows: SineFlows, clock: Clock, initial: InitialState, color: int, count: int
) -> Complex:
    """Return the coefficients at the first `count` marks of the clock, shape (count, N)."""
    state = flows.start(initial, color)[None].astype(complex)
    sectors = np.array([sector_of(color, initial.l)])
    found, edge = [], 0
    for mark in clock.marks[:count]:
        for step in range(edge, mark):
            flows.advance(state, sectors, step)
        edge = mark
        found.append(state[0].copy())
    return np.array(found)


def _energy(model: LindbladModel, grid: SineGrid, c: Complex, color: int, l: int) -> Float:
    """Return <h> in GeV of states (nt, N), not divided by their norm, shape (nt,)."""
    potential = model.potential.vacuum(grid.r, COLORS[color]) + l * (l + 1) / (model.mass * grid.r**2)
    waves = grid.sine_transform(c)
    return np.abs(waves) ** 2 @ grid.kinetic(model.mass) + np.abs(c) ** 2 @ potential
