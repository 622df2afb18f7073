"""The six states that a wave function on a grid is projected on, and the state that it starts from."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .._checks import choice
from ..errors import InputError, note
from ..physics.initial import CoulombState, InitialState, singlet_probability
from ..physics.model import LindbladModel
from ..physics.potentials.coulomb import Color, Potential
from ..physics.stored_states import StoredStates
from ..radial.bound import Grid, bound_states
from ..states import STATE_NAMES, STATES

Float = NDArray[np.float64]
Projection = Literal["computed", "coulomb"] | StoredStates

_PROJECTIONS = "be 'computed', 'coulomb' or StoredStates"

EDGE_TOLERANCE = 0.01
"""Largest probability within one decay length of the end of the grid before a warning: the end then deforms a state."""

NORM_TOLERANCE = 0.05
"""Largest change of the norm of a given function when it is sampled on the grid."""


def projection_vectors(projection: Projection, grid: Grid, model: LindbladModel) -> Float:
    """Return the six states to project on, as coefficients of the grid.

    ``"computed"`` takes the eigenstates of the model's vacuum Hamiltonian (singlet) on the grid itself: each must lie
    below the potential at the end of the grid, so that a state which the potential does not bind, or the box does not
    hold, never passes for a bound one. ``"coulomb"`` takes hydrogen functions with the Bohr radius of the model,
    whatever its potential. States that a `StoredStates` leaves out have rows of zeros: nothing survives as them, and
    that is how a potential with fewer than six bound states is treated.

    Parameters
    ----------
    projection : {"computed", "coulomb"} or StoredStates
        Where the states come from.
    grid : LaguerreMesh or SineGrid
        Grid of N points.
    model : LindbladModel
        For its potential, mass and Bohr radius.

    Returns
    -------
    ndarray, shape (6, N)
        Rows in the order of `STATES`, each of norm one (or zero, see above), positive near the origin if computed.

    Raises
    ------
    InputError
        If a computed state is not bound (the message names it), a given function does not fit on the grid, or the
        projection is unknown.

    Warns
    -----
    AccuracyWarning
        If the end of the grid deforms a computed state: more than 0.01 of its probability lies within one decay length
        of it.
    """
    if isinstance(projection, StoredStates):
        return np.array([_stored(projection, name, grid) for name in STATE_NAMES])
    if isinstance(projection, str) and projection == "coulomb":
        return np.array([_coulomb(i, grid, model) for i in range(len(STATES))])
    if isinstance(projection, str) and projection == "computed":
        energies, vectors = vacuum_states(model.potential, model.mass, grid)
        _require_bound(energies, grid, model)
        warn_at_the_edge(energies, vectors, grid, model)
        return vectors
    raise InputError("projection", projection, _PROJECTIONS)


def checked_projection(projection: Projection) -> Projection:
    """Return `projection`, or raise `InputError` if it is none."""
    if isinstance(projection, StoredStates):
        return projection
    return choice("projection", projection, ("computed", "coulomb"), _PROJECTIONS)


def initial_coefficients(initial: InitialState, grid: Grid, model: LindbladModel, color: Color) -> Float:
    """Return the initial radial function as coefficients of the grid, normalized there.

    Parameters
    ----------
    initial : InitialState
        The start.
    grid : LaguerreMesh or SineGrid
        Grid of N points.
    model : LindbladModel
        For what the state depends on.
    color : {"singlet", "octet"}
        The color in which it starts; a mixture has the same radial function in both.

    Returns
    -------
    ndarray, shape (N,)

    Raises
    ------
    InputError
        If the state does not occur in this color, or vanishes on the grid.
    """
    share = singlet_probability(initial.color)
    if not (share if color == "singlet" else 1 - share) > 0:
        raise InputError("color", color, f"be a color of the initial state, which is {initial.color!r}")
    c = grid.coefficients(initial.u(grid.r, model))
    norm = np.linalg.norm(c)
    if not (np.isfinite(norm) and norm > 0):
        raise InputError("grid", grid, f"have points where {initial!r} is finite and not zero")
    return np.asarray(c / norm)


@lru_cache(maxsize=32)
def vacuum_states(potential: Potential, mass: float, grid: Grid) -> tuple[Float, Float]:
    """Return energies (6,) in GeV and coefficients (6, N) of the lowest singlet eigenstates, bound or not, read-only.

    Parameters
    ----------
    potential : Potential
        The potential; its vacuum singlet is taken.
    mass : float
        Heavy-quark mass in GeV.
    grid : LaguerreMesh or SineGrid
        Grid of N points.
    """
    energies, vectors = np.empty(len(STATES)), np.empty((len(STATES), len(grid.r)))
    values = potential.vacuum(grid.r, "singlet")
    for l in {state.l for state in STATES}:
        rows = [i for i, state in enumerate(STATES) if state.l == l]
        energies[rows], vectors[rows] = bound_states(grid, values, l, mass, len(rows))
    energies.flags.writeable = vectors.flags.writeable = False
    return energies, vectors


def threshold(potential: Potential, grid: Grid) -> float:
    """Return the singlet potential at the end of the grid in GeV: only what lies below it is bound."""
    return float(potential.vacuum(grid.r[-1:], "singlet")[0])


def _require_bound(energies: Float, grid: Grid, model: LindbladModel) -> None:
    limit = threshold(model.potential, grid)
    loose = [name for name, energy in zip(STATE_NAMES, energies, strict=True) if not energy < limit]
    if loose:
        raise InputError(
            "projection",
            "computed",
            "be 'coulomb' or StoredStates for this potential and grid",
            f"{', '.join(loose)} {'is' if len(loose) == 1 else 'are'} not bound: above {limit:.4g} GeV, the "
            f"potential at the end of the grid, {grid.r[-1]:.3g} GeV^-1. If the box is too short for them, take a "
            "longer one; else project on StoredStates of the states that are bound, as `qtraj states --out` writes.",
        )


def warn_at_the_edge(energies: Float, vectors: Float, grid: Grid, model: LindbladModel) -> None:
    """Warn of the bound states that the end of the grid deforms; arguments as `vacuum_states` returns them."""
    r, limit = grid.r, threshold(model.potential, grid)
    deformed = {}
    for state, energy, c in zip(STATES, energies, vectors, strict=True):
        if not energy < limit:
            continue
        barrier = model.mass * (limit - energy) + state.l * (state.l + 1) / r[-1] ** 2
        edge = float(np.sum(c[r > r[-1] - 1 / np.sqrt(barrier)] ** 2))
        if edge > EDGE_TOLERANCE:
            deformed[state.name] = edge
    if deformed:
        note(_deformed, (float(r[-1]), deformed))


def _deformed(found: list[tuple[float, dict[str, float]]]) -> list[str]:
    """Say which states the end of the grid deforms, once, however many histories and runs are projected on them.

    The first is the user's grid; those of the same length that a budget compares with deform the same states.
    """
    end, states = found[0]
    parts = ", ".join(f"{name} ({100 * edge:.2g} %)" for name, edge in states.items())
    return [
        f"the grid ends at {end:.3g} GeV^-1 and deforms the computed {parts}: so much of it is within one decay length "
        "of the end; take a longer grid"
    ]


def _coulomb(i: int, grid: Grid, model: LindbladModel) -> Float:
    state = CoulombState(STATES[i].n, STATES[i].l)
    return _sampled(STATES[i].name, state.u(grid.r, model), state.norm_squared(model), grid)


def _stored(states: StoredStates, name: str, grid: Grid) -> Float:
    if name not in states.names:
        return np.zeros(len(grid.r))
    return _sampled(name, states.u(name, grid.r), 1.0, grid)


def _sampled(name: str, u: Float, norm_squared: float, grid: Any) -> Float:
    """Return normalized coefficients of a function whose Int u^2 dr is known."""
    c = grid.coefficients(u)
    found = float(np.sum(c**2)) / norm_squared
    if not abs(found - 1) <= NORM_TOLERANCE:
        raise InputError(
            "grid",
            grid,
            f"hold the projected {name}",
            f"On its points the norm is {found:.3g} instead of one.",
        )
    return np.asarray(c / np.sqrt(np.sum(c**2)))
