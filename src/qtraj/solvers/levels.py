"""The six vacuum states of a model on a grid: energies, sizes, and how much of each is a hydrogen function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .._checks import instance
from ..errors import InputError
from ..physics.initial import CoulombState
from ..physics.model import LindbladModel
from ..physics.stored_states import StoredStates
from ..radial.bound import Grid
from ..radial.laguerre import LaguerreMesh
from ..radial.sine import SineGrid
from ..states import STATE_NAMES, STATES
from .projection import threshold, vacuum_states, warn_at_the_edge

Float = NDArray[np.float64]

STATES_MESH: Final = LaguerreMesh(128, 0.12)
"""Longer than the solvers' mesh, to 58 GeV^-1: the radius of the Coulomb 3S is then right to all digits printed."""

STORED_POINTS = 4096
"""Radii at which states of a Laguerre mesh are stored: a cubic spline through them is exact to about 1e-8."""


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

    def stored(self) -> StoredStates:
        """Return the bound states as functions of r.

        Raises
        ------
        InputError
            If there is none.
        """
        if not self.names:
            raise InputError("potential", self.model.potential, "bind at least one state to store")
        if isinstance(self.grid, LaguerreMesh):
            r = np.linspace(0, self.grid.r[-1], STORED_POINTS)
            values = self.grid.interpolate(self.vectors, r)
        else:
            r, values = self.grid.r, self.grid.values(self.vectors)
        return StoredStates(r, {name: values[STATE_NAMES.index(name)] for name in self.names})


def vacuum_levels(model: LindbladModel, grid: Grid = STATES_MESH) -> Levels:
    """Return the six lowest vacuum states of a model in the singlet.

    Parameters
    ----------
    model : LindbladModel
        For its potential and mass.
    grid : LaguerreMesh or SineGrid
        Grid of N points; by default `STATES_MESH`.

    Returns
    -------
    Levels

    Warns
    -----
    AccuracyWarning
        If the end of the grid deforms a state.
    """
    instance("model", model, LindbladModel)
    instance("grid", grid, (LaguerreMesh, SineGrid))
    energies, vectors = vacuum_states(model.potential, model.mass, grid)
    limit = threshold(model.potential, grid)
    warn_at_the_edge(energies, vectors, grid, model)
    overlaps = (vectors @ _hydrogen(model, grid).T) ** 2

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
        if_bound(np.where(_same_l(), overlaps, 0.0)),
    )


def _hydrogen(model: LindbladModel, grid: Grid) -> Float:
    """Coefficients (6, N) of hydrogen functions, normalized on the half-line: they may reach beyond the grid."""
    functions = [CoulombState(state.n, state.l) for state in STATES]
    return np.array(
        [grid.coefficients(f.u(grid.r, model)) / np.sqrt(f.norm_squared(model)) for f in functions]
    )


def _same_l() -> NDArray[np.bool_]:
    l = np.array([state.l for state in STATES])
    return np.asarray(l[:, None] == l)
