"""The wave function of a pair that never jumps, at chosen times: to look at, not to average.

Split steps on a sine grid, which represents the fast waves of a local start; at next-to-leading order, where H_eff is
no multiplication, exponentials of all of it on a mesh, without the fastest waves. The survival of such a pair comes
faster and with an error budget from `NoJump`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..._checks import increasing, instance, number
from ..._types import Complex, Float
from ...errors import InputError
from ...physics.initial import InitialState, singlet_probability
from ...physics.medium import History
from ...physics.model import LindbladModel
from ...physics.potentials.coulomb import COLORS
from ...radial.laguerre import LaguerreMesh
from ...radial.sine import SineGrid
from ...states import STATES
from ...units import from_fm
from ..basis import OCTET, SINGLET, basis_size, spectrum
from ..density.resolution import jump_range_of
from ..projection import Projection, checked_projection
from ..result import ROUNDING
from ..solve import checked_problem
from ..trajectories.propagators import (
    NloPropagators,
    Propagators,
    make_propagators,
    next_order_refused,
    sector_of,
)
from ..trajectories.time_grid import graded_time_grid, uniform_time_grid
from .method import DEFAULT_MESH
from .on_mesh import MeshSetting

DEFAULT_GRID = SineGrid(num=1023, length=40.0)
"""Spacing 0.04 GeV^-1, a third of the width of the group's Gaussian."""

SINE_DT, MESH_DT = 0.004, 0.2
"""Longest steps in GeV^-1; on a mesh in a medium of the strength of the baseline, as that of `NoJump`."""


@dataclass(frozen=True, eq=False)
class WaveFunctions:
    """Wave functions at nt times on a grid of nr points.

    Parameters
    ----------
    times_fm : ndarray, shape (nt,)
        Times in fm/c.
    r : ndarray, shape (nr,)
        Distances in GeV^-1: the points of a sine grid; on a mesh, whose points are few, as many evenly spaced ones up
        to its end as `DEFAULT_GRID` has.
    u : ndarray, shape (nt, nr)
        Reduced radial functions in GeV^(1/2); Int |u|^2 dr is the norm.
    norm : ndarray, shape (nt,)
        Probability of no jump so far; of a start without `cut` it is one before the medium.
    cut : float
        Part of the start that is left out: pairs above the energies that a mesh keeps. It is 0 on a sine grid.
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
    cut: float
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
    grid: SineGrid | LaguerreMesh | None = None,
    dt: float | None = None,
    projection: Projection = "computed",
) -> WaveFunctions:
    """Evolve one pair under H_eff = H - i Gamma/2 and return its wave function at the given times.

    Parameters
    ----------
    model : LindbladModel
        Potential, transport coefficients, mass, of either order.
    medium : medium
        Temperature history of the pair.
    initial : InitialState
        A pure color state.
    times_fm : array_like, shape (nt,)
        Increasing times in fm/c, the first may be 0.
    grid : SineGrid or LaguerreMesh, optional
        Where the functions live; by default `DEFAULT_GRID`, and for a model at next-to-leading order, which has no
        steps on a sine grid, the mesh of `NoJump`. On a sine grid the error falls as dx^2 for a potential with a
        Coulomb cusp.
    dt : float, optional
        Longest step in GeV^-1; the error falls as dt^2. On a sine grid by default 0.004, and below 2 M dx^2/pi, so that
        the fastest wave on the grid turns less than once in a step: otherwise the potential at the origin makes
        spurious fast waves. On a mesh by default 0.2, a step as that of `NoJump`.
    projection : optional
        What to project on, as for `NoJump`.

    Returns
    -------
    WaveFunctions

    Raises
    ------
    InputError
        If the times do not increase, the color is a mixture, more than one medium is given, or the grid is a sine grid
        for a model at next-to-leading order.
    """
    times = increasing("times_fm", times_fm, "be increasing times in fm/c, 0 or later", low=0)
    if dt is not None:
        dt = number("dt", dt, "be a time step in GeV^-1, above 0 and at most 1, or None", above=0, high=1)
    projection = checked_projection(projection)
    histories, batch = checked_problem(model, medium, initial)
    if batch:
        raise InputError("medium", medium, "be one temperature history")
    if grid is None:
        length = model.scales.length
        grid = DEFAULT_GRID.scaled(length) if model.is_local else DEFAULT_MESH.scaled(length)
    instance("grid", grid, (SineGrid, LaguerreMesh), "be a SineGrid(...) or a LaguerreMesh(...)")
    color = _pure_color(initial)
    propagators = _propagators(model, histories[0], [from_fm(t) for t in times], grid, dt, projection)
    states = _states_at_marks(propagators, initial, color, len(times))
    overlaps = np.abs(states @ propagators.targets.T) ** 2 * (color == SINGLET)
    c = states
    if isinstance(propagators, NloPropagators):  # its states are made of vacuum states, others of points
        c = states @ propagators.vacuum_states(int(sector_of(color, initial.l))).T
    probability = np.abs(c) ** 2
    norm = probability.sum(axis=1)
    cut = 1 - float(np.sum(propagators.start(initial, color) ** 2))
    r, u = _functions(grid, c)
    return WaveFunctions(
        times_fm=times,
        r=r,
        u=u,
        norm=norm,
        cut=cut if cut > ROUNDING else 0.0,
        overlaps=overlaps * [state.l == initial.l for state in STATES],
        mean_radius=probability @ grid.r / norm,
        energy=_energy(model, grid, c, color, initial.l) / norm,
        color=color,
        l=initial.l,
    )


def _propagators(
    model: LindbladModel,
    history: History,
    times: list[float],
    grid: SineGrid | LaguerreMesh,
    dt: float | None,
    projection: Projection,
) -> Propagators:
    """Return the steps of H_eff at the order of the model."""
    if isinstance(grid, SineGrid):
        if not model.is_local:
            raise next_order_refused(model, "wave_functions on a SineGrid")
        time_grid = uniform_time_grid(
            model, history, times, SINE_DT / model.scales.energy if dt is None else dt
        )
        return make_propagators(model, history, time_grid, grid, projection)
    time_grid = graded_time_grid(model, history, times, MESH_DT if dt is None else dt)
    setting = MeshSetting.of(grid, time_grid.profile)  # as `NoJump` for such a history
    reach = jump_range_of(time_grid.profile) if model.is_local else setting.jump_range
    size = None if model.is_local else basis_size(model, grid, setting.cut)
    return make_propagators(model, history, time_grid, grid, projection, reach, size, setting.filter_energy)


def _pure_color(initial: InitialState) -> int:
    share = singlet_probability(initial.color)
    if share not in (0.0, 1.0):
        raise InputError("color", initial.color, "be 'singlet' or 'octet'", "A mixture has no wave function.")
    return SINGLET if share else OCTET


def _states_at_marks(propagators: Propagators, initial: InitialState, color: int, count: int) -> Complex:
    """Return the coefficients at the first `count` marks of the time grid, shape (count, N)."""
    state = propagators.start(initial, color)[None].astype(complex)
    sectors = np.array([sector_of(color, initial.l)])
    found, edge = [], 0
    for mark in propagators.time_grid.marks[:count]:
        for step in range(edge, mark):
            propagators.advance(state, sectors, step)
        edge = mark
        found.append(state[0].copy())
    return np.array(found)


def _functions(grid: SineGrid | LaguerreMesh, c: Complex) -> tuple[Float, Complex]:
    """Return distances and the functions u there, (nt, nr), of coefficients (nt, N)."""
    if isinstance(grid, SineGrid):
        return grid.r, c / np.sqrt(grid.dx)
    r = grid.r[-1] * np.arange(1, DEFAULT_GRID.num + 1) / (DEFAULT_GRID.num + 1)
    return r, grid.interpolate(c.real, r) + 1j * grid.interpolate(c.imag, r)


def _energy(model: LindbladModel, grid: SineGrid | LaguerreMesh, c: Complex, color: int, l: int) -> Float:
    """Return <h> in GeV of states (nt, N), not divided by their norm, shape (nt,)."""
    if isinstance(grid, LaguerreMesh):
        energies, vectors = spectrum(model.potential, model.mass, grid, color, l)
        return np.abs(c @ vectors) ** 2 @ energies
    potential = model.potential.vacuum(grid.r, COLORS[color]) + l * (l + 1) / (model.mass * grid.r**2)
    waves = grid.sine_transform(c)
    return np.abs(waves) ** 2 @ grid.kinetic(model.mass) + np.abs(c) ** 2 @ potential
