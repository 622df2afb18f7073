"""The initial state and the states to project on, as functions on the grid: initType and projType.

Computed eigenstates (initType 100, projType 1) are those of the second-difference Hamiltonian with the real potential
at T = 0, whatever the stepper. Flaw of the original: with projType 0 a run with the KSU potential projects on Coulomb
functions of its alpha.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import FileFormatError
from ...physics.initial import CoulombState, GaussianState
from ...physics.model import LindbladModel
from ...physics.potentials.coulomb import CoulombPotential
from ...radial.bound import bound_states
from ...radial.sine import SineGrid
from ...states import STATES, State
from ..files.basis import read_basis
from ..files.parameters import LegacyParameters
from .interaction import Interaction

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Functions:
    """Normalized functions u(r_i) on the grid, dx sum u^2 = 1.

    Parameters
    ----------
    initial : ndarray, shape (num,)
        Initial state.
    basis : ndarray, shape (6, num)
        States to project on in the order 1S 2S 1P 3S 2P 1D; zero beyond nBasis.
    computed : ndarray, shape (nBasis, num), optional
        Lattice eigenstates, if initType or projType asks for them.
    masses : ndarray, shape (nBasis,), optional
        Their masses 2 M_Q + E in GeV.
    """

    initial: Float
    basis: Float
    computed: Float | None = None
    masses: Float | None = None


def functions(p: LegacyParameters, grid: SineGrid, interaction: Interaction, directory: Path) -> Functions:
    """Return initial state and basis of a run.

    Raises
    ------
    FileFormatError
        If the file of basis functions is missing or not for this grid.
    """
    computed, masses, stored = None, None, None
    if p.initType == 100 or p.projType == 1:
        computed, masses = eigenstates(p, grid, interaction.vacuum)
    if p.initType == 200 or p.projType == 2:
        stored = _stored(p, grid, directory)
    chosen = {0: None, 1: computed, 2: stored}[p.projType]
    if chosen is None:
        chosen = np.array([_coulomb(p, grid, state) for state in STATES[: p.nBasis]])
    basis = np.zeros((len(STATES), grid.num))
    basis[: p.nBasis] = chosen
    return Functions(_initial(p, grid, {100: computed, 200: stored}), basis, computed, masses)


def eigenstates(p: LegacyParameters, grid: SineGrid, vacuum: Float) -> tuple[Float, Float]:
    """Return the first nBasis lattice eigenstates, shape (nBasis, num), and their masses in GeV, shape (nBasis,)."""
    lattice = replace(grid, derivative=1)
    found = {l: bound_states(lattice, vacuum, l, p.mass, 3 - l) for l in range(3)}
    energies = [found[state.l][0][state.radial_index] for state in STATES[: p.nBasis]]
    vectors = [found[state.l][1][state.radial_index] for state in STATES[: p.nBasis]]
    return np.array(vectors) / np.sqrt(grid.dx), 2 * p.mass + np.array(energies)


def _initial(p: LegacyParameters, grid: SineGrid, lists: dict[int, Float | None]) -> Float:
    chosen = lists.get(p.initType)
    if chosen is not None:
        return np.asarray(chosen[STATES.index(State(p.initN, p.initL))])
    if p.initType == 0:
        return _coulomb(p, grid, State(p.initN, p.initL))
    return _normalized(grid, GaussianState(p.initL, p.initWidth).u(grid.r, _model(p)))


def _coulomb(p: LegacyParameters, grid: SineGrid, state: State) -> Float:
    return _normalized(grid, CoulombState(state.n, state.l).u(grid.r, _model(p)))


def _model(p: LegacyParameters) -> LindbladModel:
    """Return the model whose Bohr radius scales the analytic functions."""
    return LindbladModel(CoulombPotential(p.alpha), mass=p.mass)


def _stored(p: LegacyParameters, grid: SineGrid, directory: Path) -> Float:
    found = read_basis(directory / str(p.basisFunctionsFile), grid.num, p.nBasis)
    if np.any(found.imag):
        raise FileFormatError(
            p.basisFunctionsFile, "it holds complex functions", "Eigenstates of bound pairs are real."
        )
    return np.asarray(found.real)


def _normalized(grid: SineGrid, u: Float) -> Float:
    return np.asarray(u / np.sqrt(grid.dx * np.sum(u**2)))
