"""The six vacuum states on a grid: their levels, what a wave function is projected on, and the state it starts from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from .._checks import choice, instance
from .._types import Float
from ..errors import InputError, note
from ..physics.initial import CoulombState, InitialState, StoredStates, singlet_probability
from ..physics.model import LindbladModel
from ..physics.potentials.coulomb import Color, Potential
from ..radial.bound import Grid, bound_states
from ..radial.laguerre import LaguerreMesh
from ..radial.sine import SineGrid
from ..states import STATE_NAMES, STATES

Projection = Literal["computed", "coulomb"] | StoredStates

# Largest probability within one decay length of the end of the grid before a warning: the end then deforms a state.
EDGE_TOLERANCE = 0.01

# Largest change of the norm of a given function when it is sampled on the grid.
NORM_TOLERANCE = 0.05

# Longer than the solvers' mesh, to 58 GeV^-1: the radius of the Coulomb 3S is then right to all digits printed.
STATES_MESH: Final = LaguerreMesh(128, 0.12)

# Radii at which states of a Laguerre mesh are stored: a cubic spline through them is exact to about 1e-8.
STORED_POINTS = 4096

# A start that is no local one holds a state if their overlap is more than this times the largest. What a grid makes of
# exact zeros is smaller: on a sine grid of 511 points to 40 GeV^-1 the Coulomb 1S has 1.4e-5 of the 2S.
HELD = 1e-4

_HYDROGEN: Final = tuple(CoulombState(state.n, state.l) for state in STATES)
_L: Final = np.array([state.l for state in STATES])


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
    r, projection = grid.r, checked_projection(projection)
    if isinstance(projection, StoredStates):
        vectors = np.zeros((len(STATES), len(r)))
        for name in projection.names:
            vectors[STATE_NAMES.index(name)] = _sampled(name, projection.u(name, r), 1.0, grid)
        return vectors
    if projection == "coulomb":
        pairs = zip(STATE_NAMES, _HYDROGEN, strict=True)
        return np.array([_sampled(n, f.u(r, model), f.norm_squared(model), grid) for n, f in pairs])
    energies, vectors = vacuum_states(model.potential, model.mass, grid)
    limit = threshold(model.potential, grid)
    loose = [name for name, energy in zip(STATE_NAMES, energies, strict=True) if not energy < limit]
    if loose:
        raise InputError(
            "projection",
            "computed",
            "be 'coulomb' or StoredStates for this potential and grid",
            f"{', '.join(loose)} {'is' if len(loose) == 1 else 'are'} not bound: above {limit:.4g} GeV, the "
            f"potential at the end of the grid, {r[-1]:.3g} GeV^-1. If the box is too short for them, take a "
            "longer one; else project on StoredStates of the states that are bound, as `qtraj states --out` writes.",
        )
    _warn_at_the_edge(energies, vectors, grid, model)
    return vectors


def checked_projection(projection: Projection) -> Projection:
    """Return `projection`, or raise `InputError` if it is none."""
    if isinstance(projection, StoredStates):
        return projection
    allowed = "be 'computed', 'coulomb' or StoredStates"
    return choice("projection", projection, ("computed", "coulomb"), allowed)


def _sampled(name: str, u: Float, norm_squared: float, grid: Any) -> Float:
    """Return normalized coefficients of a function whose Int u^2 dr is known."""
    c = grid.coefficients(u)
    norm = float(np.sum(c**2)) / norm_squared
    if not abs(norm - 1) <= NORM_TOLERANCE:
        remedy = f"On its points the norm is {norm:.3g} instead of one."
        raise InputError("grid", grid, f"hold the projected {name}", remedy)
    return np.asarray(c / np.sqrt(np.sum(c**2)))


def initial_coefficients(initial: InitialState, grid: Grid, model: LindbladModel, color: Color) -> Float:
    """Return the initial radial function as coefficients (N,) of the grid, normalized there.

    A mixture has the same radial function in both colors. A color in which the state does not occur raises
    `InputError`, as does a state that vanishes on the grid.
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
    """Return energies (6,) in GeV and coefficients (6, N) of the lowest singlet states, bound or not, read-only."""
    energies, vectors = np.empty(len(STATES)), np.empty((len(STATES), len(grid.r)))
    values = potential.vacuum(grid.r, "singlet")
    for l in set(_L.tolist()):
        rows = np.flatnonzero(l == _L)
        energies[rows], vectors[rows] = bound_states(grid, values, l, mass, len(rows))
    energies.flags.writeable = vectors.flags.writeable = False
    return energies, vectors


def threshold(potential: Potential, grid: Grid) -> float:
    """Return the singlet potential at the end of the grid in GeV: only what lies below it is bound."""
    return float(potential.vacuum(grid.r[-1:], "singlet")[0])


def _warn_at_the_edge(energies: Float, vectors: Float, grid: Grid, model: LindbladModel) -> None:
    """Warn of the bound states that the end of the grid deforms; arguments as `vacuum_states` returns them."""
    r, limit = grid.r, threshold(model.potential, grid)
    deformed = {}
    for state, energy, c in zip(STATES, energies, vectors, strict=True):
        if not energy < limit:
            continue
        # square of the rate at which u falls beyond the end, by binding and centrifugal energy
        barrier = model.mass * (limit - energy) + state.l * (state.l + 1) / r[-1] ** 2
        edge = float(np.sum(c[r > r[-1] - 1 / np.sqrt(barrier)] ** 2))
        if edge > EDGE_TOLERANCE:
            deformed[state.name] = edge
    if deformed:
        note(_deformed, (float(r[-1]), deformed))


def _deformed(noted: list[tuple[float, dict[str, float]]]) -> list[str]:
    """Say which states the end of the grid deforms, once, however many histories and runs are projected on them.

    The first is the user's grid; those of the same length that a budget compares with deform the same states.
    """
    end, states = noted[0]
    parts = ", ".join(f"{name} ({100 * edge:.2g} %)" for name, edge in states.items())
    return [
        f"the grid ends at {end:.3g} GeV^-1 and deforms the computed {parts}: so much of it is within one decay length "
        "of the end; take a longer grid"
    ]


@dataclass(frozen=True, eq=False)
class Levels:
    """Vacuum states of a model in the singlet, in the order of `STATES`; NaN for states that are not bound.

    Parameters
    ----------
    model : LindbladModel
        The model.
    grid : LaguerreMesh or SineGrid
        Grid of N points on which they were computed.
    threshold : float
        Potential at the end of the grid in GeV; only states below it are bound.
    energies : ndarray, shape (6,)
        Energies in GeV.
    vectors : ndarray, shape (6, N)
        Coefficients of the grid.
    mean_radius, rms_radius : ndarray, shape (6,)
        <r> and <r^2>^(1/2) in GeV^-1.
    coulomb_overlap : ndarray, shape (6, 6)
        |<state|hydrogen function>|^2, the hydrogen functions with the Bohr radius of the model in the columns.
    """

    model: LindbladModel
    grid: Grid
    threshold: float
    energies: Float
    vectors: Float
    mean_radius: Float
    rms_radius: Float
    coulomb_overlap: Float

    @property
    def masses(self) -> Float:
        """Masses 2 M_Q + E in GeV, shape (6,)."""
        return 2 * self.model.mass + self.energies

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the bound states."""
        return tuple(
            name for name, bound in zip(STATE_NAMES, np.isfinite(self.energies), strict=True) if bound
        )

    def __repr__(self) -> str:
        lines = [f"Vacuum states of {self.model.potential}, M = {self.model.mass:g} GeV, on {self.grid}"]
        for name, *cells in self._rows():
            lines.append(f"{name:4}" + "".join(f"{cell:>14}" for cell in cells))
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        import pandas as pd  # noqa: PLC0415  `import qtraj` is a third quicker without

        heading, (names, *rows) = repr(self).partition("\n")[0], self._rows()
        return f"<p>{escape(heading)}</p>{pd.DataFrame(rows, columns=names).to_html(index=False, border=0)}"

    def _rows(self) -> list[list[str]]:
        """Return the cells of a table, the first row its headings."""
        numbers = np.transpose([self.energies, self.masses, self.mean_radius, self.rms_radius])
        cells = [[f"{number:.5g}" if np.isfinite(number) else "unbound" for number in row] for row in numbers]
        headings = ["", "E [GeV]", "2M+E [GeV]", "<r> [GeV^-1]", "rms [GeV^-1]"]
        return [headings, *([name, *row] for name, row in zip(STATE_NAMES, cells, strict=True))]

    def stored(self) -> StoredStates:
        """Return the bound states as functions of r; `InputError` if there is none."""
        if not self.names:
            raise InputError("potential", self.model.potential, "bind at least one state to store")
        if isinstance(self.grid, LaguerreMesh):
            r = np.linspace(0, self.grid.r[-1], STORED_POINTS)
            values = self.grid.interpolate(self.vectors, r)
        else:
            r, values = self.grid.r, self.grid.values(self.vectors)
        return StoredStates(r, {name: values[STATE_NAMES.index(name)] for name in self.names})


def vacuum_levels(model: LindbladModel, grid: Grid | None = None) -> Levels:
    """Return the six lowest vacuum states of a model in the singlet.

    Parameters
    ----------
    model : LindbladModel
        For its potential and mass.
    grid : LaguerreMesh or SineGrid, optional
        Grid of N points; by default `STATES_MESH`, scaled with the Bohr radius.

    Returns
    -------
    Levels

    Warns
    -----
    AccuracyWarning
        If the end of the grid deforms a state.
    """
    instance("model", model, LindbladModel)
    grid = STATES_MESH.scaled(model.scales.length) if grid is None else grid
    instance("grid", grid, (LaguerreMesh, SineGrid))
    energies, vectors = vacuum_states(model.potential, model.mass, grid)
    limit = threshold(model.potential, grid)
    _warn_at_the_edge(energies, vectors, grid, model)
    # normalized on the half-line: hydrogen functions may reach beyond the grid
    hydrogen = [grid.coefficients(f.u(grid.r, model)) / np.sqrt(f.norm_squared(model)) for f in _HYDROGEN]
    overlaps = np.where(_L[:, None] == _L, (vectors @ np.array(hydrogen).T) ** 2, 0.0)

    def if_bound(values: Float) -> Float:
        return np.where((energies < limit).reshape(-1, *[1] * (values.ndim - 1)), values, np.nan)

    return Levels(
        model,
        grid,
        limit,
        if_bound(energies),
        vectors,
        if_bound(vectors**2 @ grid.r),
        if_bound(np.sqrt(vectors**2 @ grid.r**2)),
        if_bound(overlaps),
    )


def held_states(initial_overlap: Float, *, is_ratio: bool) -> NDArray[np.bool_]:
    """Return which of the six states a start holds, so that one can speak of their survival, shape (6,).

    With `is_ratio` survivals are ratios to the overlaps at the start: a local start holds all states of its l, however
    little of each.
    """
    least = 0.0 if is_ratio else HELD * float(initial_overlap.max())
    return np.asarray(initial_overlap > least)
