"""Evolution without jumps under a potential that changes with the medium, complex or real, on the Laguerre mesh.

Strang steps: half a vacuum step, exact in the eigenbasis of the vacuum Hamiltonian; the factor
exp(-i Int (V_medium - V_vacuum) dt) and the dipole terms, if there are any, at the mesh points; half a vacuum step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..physics.initial import InitialState, singlet_probability
from ..physics.medium import History
from ..physics.model import LindbladModel
from ..physics.potentials import COLORS, Potential
from ..radial.laguerre import MAX_POINTS, LaguerreMesh
from ..states import STATES
from .basis import ENERGY_CUT, OCTET, SINGLET
from .nojump_budget import error_parts, no_jump_solution
from .projection import Projection, initial_coefficients, projection_vectors
from .result import Progress, Solution
from .schedule import coarsened, medium_integrals, step_edges
from .thermal import check_thermal, thermal_integrals

Float = NDArray[np.float64]
Complex = NDArray[np.complex128]

STEP_FRACTION = 0.125
"""Length of a Strang step over that of the fourth-order steps of dipole terms."""


@dataclass(frozen=True, eq=False)
class Sector:
    """Vacuum eigenstates of one color and l below the energy cut.

    Parameters
    ----------
    mesh : LaguerreMesh
        Mesh of N points.
    color : int
        0 singlet, 1 octet.
    energies : ndarray, shape (K,)
        In GeV.
    vectors : ndarray, shape (N, K)
        Mesh coefficients, orthonormal columns.
    """

    mesh: LaguerreMesh
    color: int
    energies: Float
    vectors: Float


@dataclass(frozen=True)
class Timing:
    """Check points in GeV^-1, step as in `step_edges`, and whether to join the steps in pairs."""

    checkpoints: Sequence[float]
    step: float
    coarse: bool


def solve_thermal(
    grid: LaguerreMesh,
    step: float,
    model: LindbladModel,
    histories: Sequence[History],
    initial: InitialState,
    checkpoints: Sequence[float],
    progress: Progress,
    *,
    projection: Projection = "computed",
    error_budget: bool = True,
) -> Solution:
    """Return the overlaps of every history without jumps, as `NoJump.solve`.

    Notes
    -----
    Errors: `time_step` from twice the step, `mesh` from a denser and longer mesh, a higher energy cut and moved points.
    A kink in the vacuum potential, as of string breaking, limits the mesh to algebraic convergence: with the KSU
    potential 96 points miss 5e-5 of 1S, 1e-3 of 2S and 3e-3 of 3S after a local start. The KSU width is bounded, so
    that fast pairs survive, too, and the norm depends on the energy cut: a sine grid gives the norm of a local start.
    """

    def run(mesh: LaguerreMesh, size: int, history: History, *, coarse: bool) -> Float:
        time = Timing(checkpoints, step * STEP_FRACTION, coarse)
        return _propagate(model, mesh, size, history, initial, projection, time)

    for color, _ in _components(initial):
        check_thermal(model, histories, grid.r, COLORS[color])
    size = _size(model, grid)
    others = _other_bases(model, grid) if error_budget else []
    found, parts = [], []
    for i, history in enumerate(histories):
        found.append(run(grid, size, history, coarse=False))
        if error_budget:
            coarse = run(grid, size, history, coarse=True)
            compared = [run(*other, history, coarse=True) for other in others]
            # at a kink all bases are equally wrong
            parts.append(error_parts(found[-1], coarse, compared, share=1 / 2, excess=2.0))
        progress(i + 1, len(histories))
    names = parts[0] if parts else ()
    return no_jump_solution(
        _initial_overlap(model, grid, size, initial, projection),
        np.array(found),
        {name: np.array([part[name] for part in parts]) for name in names},
    )


def _other_bases(model: LindbladModel, grid: LaguerreMesh) -> list[tuple[LaguerreMesh, int]]:
    """Return meshes and sizes to compare with: denser and longer, with a higher energy cut, and with moved points.

    What a kink costs depends on where it lies between two points, so that two meshes can agree by accident.
    """
    finer = replace(grid, points=min(MAX_POINTS, int(np.ceil(1.25 * grid.points))))
    moved = replace(grid, scale=1.1 * grid.scale)
    size = _size(model, finer)
    return [(finer, size), (finer, min(finer.points, int(1.3 * size))), (moved, _size(model, moved))]


def _propagate(
    model: LindbladModel,
    mesh: LaguerreMesh,
    size: int,
    history: History,
    initial: InitialState,
    projection: Projection,
    time: Timing,
) -> Float:
    """Return overlaps and norm at the check points and at the end, shape (times, 7)."""
    end = max([b for _, b in history.active] + list(time.checkpoints), default=0.0)
    segments = list(pairwise([0.0, *time.checkpoints, end]))
    values = np.zeros((len(segments), len(STATES) + 1))
    for color, weight in _components(initial):
        sector = _sector(model, mesh, size, color, initial.l)
        targets = _targets(model, sector, initial.l, projection)
        state = _start(model, sector, initial).astype(complex)
        for k, (start, stop) in enumerate(segments):
            edges = step_edges(model, history, start, stop, time.step)
            intervals = coarsened(edges) if time.coarse else edges
            state = _segment(model, sector, history, intervals, start, stop, state)
            values[k, -1] += weight * np.sum(np.abs(state) ** 2)
            values[k, :-1] += weight * np.abs(targets @ state) ** 2
    return values


def _segment(
    model: LindbladModel,
    sector: Sector,
    history: History,
    intervals: Sequence[Float],
    start: float,
    stop: float,
    state: Complex,
) -> Complex:
    """Return the amplitudes (K,) of the eigenstates at `stop`."""
    now, vectors = start, sector.vectors
    for edges in intervals:
        factors = _factors(model, sector, history, edges)
        for middle, factor in zip((edges[1:] + edges[:-1]) / 2, factors, strict=True):
            state = np.exp(-1j * sector.energies * (middle - now)) * state
            state = vectors.T @ (factor * (vectors @ state))
            now = middle
    return np.asarray(np.exp(-1j * sector.energies * (stop - now)) * state)


def _factors(model: LindbladModel, sector: Sector, history: History, edges: Float) -> Complex:
    """Return the factor of every step at the mesh points, shape (steps, N)."""
    r = sector.mesh.r
    kappa, gamma = medium_integrals(model, history, edges)
    exponent = np.multiply.outer((kappa + 1j * gamma) / 2, model.widths[sector.color] * r**2)
    integrals = thermal_integrals(model, history, edges, r, COLORS[sector.color])
    if integrals is not None:
        exponent = exponent + 1j * integrals
    return np.asarray(np.exp(-exponent))


def _size(model: LindbladModel, mesh: LaguerreMesh) -> int:
    energies, _ = _spectrum(model.potential, model.mass, mesh, SINGLET, 0)
    return max(len(STATES), int(np.searchsorted(energies, ENERGY_CUT)))


def _sector(model: LindbladModel, mesh: LaguerreMesh, size: int, color: int, l: int) -> Sector:
    energies, vectors = _spectrum(model.potential, model.mass, mesh, color, l)
    return Sector(mesh, color, energies[:size], np.ascontiguousarray(vectors[:, :size]))


@lru_cache(maxsize=32)
def _spectrum(
    potential: Potential, mass: float, mesh: LaguerreMesh, color: int, l: int
) -> tuple[Float, Float]:
    # one color only: a potential may know no octet
    energies, vectors = np.linalg.eigh(mesh.hamiltonian(potential.vacuum(mesh.r, COLORS[color]), l, mass))
    return energies, vectors


def _start(model: LindbladModel, sector: Sector, initial: InitialState) -> Float:
    c = initial_coefficients(initial, sector.mesh, model, COLORS[sector.color])
    return np.asarray(sector.vectors.T @ c)


def _targets(model: LindbladModel, sector: Sector, l: int, projection: Projection) -> Float:
    """Return the amplitudes of the six states in this sector, shape (6, K); zero where color or l differ."""
    same = np.array([sector.color == SINGLET and state.l == l for state in STATES])
    vectors = projection_vectors(projection, sector.mesh, model)
    return np.asarray(np.where(same[:, None], vectors @ sector.vectors, 0.0))


def _initial_overlap(
    model: LindbladModel, mesh: LaguerreMesh, size: int, initial: InitialState, projection: Projection
) -> Float:
    overlap = np.zeros(len(STATES))
    for color, weight in _components(initial):
        sector = _sector(model, mesh, size, color, initial.l)
        overlap += (
            weight * (_targets(model, sector, initial.l, projection) @ _start(model, sector, initial)) ** 2
        )
    return overlap


def _components(initial: InitialState) -> list[tuple[int, float]]:
    p = singlet_probability(initial.color)
    return [(color, weight) for color, weight in ((SINGLET, p), (OCTET, 1 - p)) if weight > 0]
