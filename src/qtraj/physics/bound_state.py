"""Initial states that are eigenstates of the model's own vacuum potential, whatever the grid of the solver.

They solve [p_r^2/M + l(l+1)/(M r^2) + V(r)] u = E u; QTraj computes them on its grid (arXiv:2107.06147).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .._checks import choice, integer, settle
from ..errors import InputError
from ..radial.bound import bound_states
from ..radial.laguerre import LaguerreMesh
from ..states import State
from .initial import MAX_L
from .model import LindbladModel
from .potentials.coulomb import COLORS, Color, Potential

Float = NDArray[np.float64]

MAX_N = 6

POINTS, CHECK_POINTS = 120, 160
"""Points of the mesh that gives the state and of the finer and shorter-scaled one that checks it."""

MESH_TOLERANCE = 1e-4
"""Largest 1 - overlap^2 and relative change of the binding energy between the two meshes. A smooth potential stays
below 1e-9; the kink of a string-breaking potential leaves 1e-5."""

LARGEST_SCALE = 5.0
"""In GeV^-1: states much larger than 100 GeV^-1 (20 fm) are not quarkonium."""


@dataclass(frozen=True)
class BoundState:
    """Eigenstate of the vacuum potential of the model in one color.

    It is computed once, on a Laguerre mesh of its own that follows the size of the state, and can be evaluated at any
    radius; it does not depend on the grid of the solver.

    Parameters
    ----------
    n, l : int
        Quantum numbers, 0 <= l < n <= 6; (2, 1) is the 1P state.
    color : {"singlet", "octet"}
        Color of the pair, and the potential that binds it.

    Raises
    ------
    InputError
        If the quantum numbers or the color are not allowed and, when the state is used, if the potential of the model
        does not bind it.
    """

    n: int
    l: int
    color: Color = "singlet"

    def __post_init__(self) -> None:
        l = integer("l", self.l, 0, MAX_L)
        allowed = f"be an integer with l = {l} < n <= {MAX_N}"
        n = integer("n", self.n, l + 1, MAX_N, allowed, "1P is n = 2, l = 1.")
        color = choice("color", self.color, COLORS, "be 'singlet' or 'octet': it chooses the potential")
        settle(self, n=n, l=l, color=color)

    @property
    def survival_is_ratio(self) -> bool:
        """False: raw overlaps, as in the C++ code."""
        return False

    def energy(self, model: LindbladModel) -> float:
        """Return the energy in the potential of `model` in GeV; the meson's mass is 2 M_Q more.

        Raises
        ------
        InputError
            If the potential does not bind the state.
        """
        return _solved(model.potential, model.mass, self)[0]

    def u(self, r: Float, model: LindbladModel) -> Float:
        """Return u(r) with Int u^2 dr = 1, positive near the origin.

        Raises
        ------
        InputError
            If the potential does not bind the state.
        """
        _, mesh, coefficients = _solved(model.potential, model.mass, self)
        return mesh.interpolate(coefficients, r)


@lru_cache(maxsize=64)
def _solved(potential: Potential, mass: float, state: BoundState) -> tuple[float, LaguerreMesh, Float]:
    """Return energy, mesh and coefficients of a state, or raise `InputError` if it is not bound."""
    scale = state.n / (2 * mass * potential.alpha)  # a quarter of n Bohr radii
    # the scale of the mesh follows the size of the state, which a start from the Coulomb one misses
    for _ in range(8):
        mesh = LaguerreMesh(POINTS, scale)
        energy, c = _eigenstate(potential, mass, state, mesh)
        # for a Coulomb state <r> is about 3 n^2 a0/2 again, and this the same scale
        previous, scale = scale, min(float(c**2 @ mesh.r) / (6 * state.n), LARGEST_SCALE)
        if abs(scale - previous) < 0.2 * previous:
            break
    threshold = _at_large_r(potential, state, mesh)
    name = State(state.n, state.l).name
    if not energy < threshold:
        allowed = f"with l = {state.l} name a state that the {state.color} potential binds"
        remedy = (
            f"The level {name} lies at {energy:.4g} GeV, above the potential at large r, {threshold:.4g} GeV."
        )
        raise InputError("n", state.n, allowed, remedy)
    # another scale, too: an error of the scale would repeat itself on more points alone
    finer = LaguerreMesh(CHECK_POINTS, 0.8 * mesh.scale)
    checked_energy, d = _eigenstate(potential, mass, state, finer)
    overlap = float(d @ finer.coefficients(mesh.interpolate(c, finer.r)))
    change = max(1 - overlap**2, abs(checked_energy - energy) / (threshold - energy))
    if not change <= MESH_TOLERANCE:
        allowed = f"be smooth and bind {name} ({state.color}) well enough to compute it"
        remedy = f"Its energy or wave function changes by a part {change:.1e} with the mesh."
        raise InputError("potential", potential, allowed, remedy)
    return energy, mesh, c


def _eigenstate(
    potential: Potential, mass: float, state: BoundState, mesh: LaguerreMesh
) -> tuple[float, Float]:
    index = State(state.n, state.l).radial_index
    values = potential.vacuum(mesh.r, state.color)
    energies, vectors = bound_states(mesh, values, state.l, mass, index + 1)
    return float(energies[index]), vectors[index]


def _at_large_r(potential: Potential, state: BoundState, mesh: LaguerreMesh) -> float:
    """Value of the potential at the last point of the mesh, some ten times beyond the state."""
    return float(potential.vacuum(mesh.r[-1:], state.color)[0])
