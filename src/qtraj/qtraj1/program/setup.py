"""One history of a run, ready to evolve: grid, time steps, stepper, initial state, states to project on, table rows.

Computed eigenstates (initType 100, projType 1) are those of the second-difference Hamiltonian with the real potential
at T = 0, whatever the stepper. Flaws of the original: with projType 0 a run with the KSU potential projects on Coulomb
functions of its alpha; in ``summary.tsv`` the vacuum energy lacks the factor dx and has the Coulomb potential and
second differences for every potential and stepper; with doJumps 0 nothing is divided by the norm.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ...errors import FileFormatError, InputError
from ...physics.initial import CoulombState, GaussianState
from ...physics.model import LindbladModel
from ...physics.potentials.coulomb import COLORS, CoulombPotential
from ...radial.bound import bound_states
from ...radial.sine import SineGrid
from ...states import STATES, State
from ..files.evolution import SummaryBlock, read_basis
from ..files.parameters import LegacyParameters
from .interaction import Interaction, make_interaction
from .steppers import CrankNicolson, SplitStep, Stepper
from .temperature import Steps

Complex = NDArray[np.complex128]
Float = NDArray[np.float64]
Integer = NDArray[np.int64]
Transform = Literal["scipy", "fftw"]

L_OF_STATE = np.array([state.l for state in STATES])


@dataclass(frozen=True, eq=False)
class Functions:
    """Functions u(r_i) on the grid, normalized to dx sum u^2 = 1.

    `initial` (num,) is the start; `basis` (6, num) are the states to project on, in the order 1S 2S 1P 3S 2P 1D, zero
    beyond nBasis; `computed` (nBasis, num) are the lattice eigenstates and `masses` (nBasis,) their 2 M_Q + E in GeV,
    if initType or projType asks for them.
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
    # the Bohr radius of this model scales the analytic functions
    model = LindbladModel(CoulombPotential(p.alpha), mass=p.mass)
    computed, masses, stored = None, None, None
    if p.initType == 100 or p.projType == 1:
        computed, masses = eigenstates(p, grid, interaction.vacuum)
    if p.initType == 200 or p.projType == 2:
        states = read_basis(directory / str(p.basisFunctionsFile), grid.num, p.nBasis)
        if np.any(states.imag):
            remedy = "Eigenstates of bound pairs are real."
            raise FileFormatError(p.basisFunctionsFile, "it holds complex functions", remedy)
        stored = np.asarray(states.real)

    projections = {0: None, 1: computed, 2: stored}[p.projType]
    if projections is None:
        analytic = [CoulombState(state.n, state.l).u(grid.r, model) for state in STATES[: p.nBasis]]
        projections = np.array([_normalized(grid, u) for u in analytic])
    basis = np.zeros((len(STATES), grid.num))
    basis[: p.nBasis] = projections

    eigenstate = {100: computed, 200: stored}.get(p.initType)
    if eigenstate is not None:
        initial = np.asarray(eigenstate[STATES.index(State(p.initN, p.initL))])
    elif p.initType == 0:
        initial = _normalized(grid, CoulombState(p.initN, p.initL).u(grid.r, model))
    else:
        initial = _normalized(grid, GaussianState(p.initL, p.initWidth).u(grid.r, model))
    return Functions(initial, basis, computed, masses)


def eigenstates(p: LegacyParameters, grid: SineGrid, vacuum: Float) -> tuple[Float, Float]:
    """Return the first nBasis lattice eigenstates, shape (nBasis, num), and their masses in GeV, shape (nBasis,)."""
    lattice = replace(grid, derivative=1)
    # the six states are 1S 2S 3S, 1P 2P, 1D: 3 - l for each l
    levels = {l: bound_states(lattice, vacuum, l, p.mass, 3 - l) for l in range(3)}
    energies = [levels[state.l][0][state.radial_index] for state in STATES[: p.nBasis]]
    vectors = [levels[state.l][1][state.radial_index] for state in STATES[: p.nBasis]]
    return np.array(vectors) / np.sqrt(grid.dx), 2 * p.mass + np.array(energies)


def _normalized(grid: SineGrid, u: Float) -> Float:
    return np.asarray(u / np.sqrt(grid.dx * np.sum(u**2)))


@dataclass(frozen=True, eq=False)
class Setup:
    """Everything that the evolution of one history uses."""

    p: LegacyParameters
    grid: SineGrid
    steps: Steps
    stepper: Stepper
    functions: Functions

    def overlaps(self, states: Complex, color: Integer, l: Integer) -> Float:
        """Return |dx sum u_n u|^2 for states (B, num), shape (B, 6); 0 in the octet and for another l."""
        amplitudes = self.grid.dx * np.einsum("bi,ni->bn", states, self.functions.basis)
        allowed = (color == 0)[:, None] & (l[:, None] == L_OF_STATE)
        return np.where(allowed, np.abs(amplitudes) ** 2, 0.0)

    def norms(self, states: Complex) -> Float:
        """Return dx sum |u|^2 of states (B, num), shape (B,)."""
        return np.asarray(self.grid.dx * np.sum(states.real**2 + states.imag**2, axis=-1))

    def ratios(self, overlaps: Float) -> Float:
        """Return overlaps (..., 6) divided by the initial ones, raw where the original leaves them so."""
        initial = self.functions.initial[None, :].astype(complex)
        start = self.overlaps(initial, np.array([self.p.initC]), np.array([self.p.initL]))[0]
        # eigenstates as start have no ratio, and a zero overlap cannot divide
        raw = (start == 0) | (self.p.initType in (0, 100))
        return overlaps / np.where(raw, 1.0, start)

    def is_snapshot(self, step: int) -> bool:
        """Return whether a trajectory prints a row at the start of `step`."""
        return step % self.p.snapFreq == 0 or step == self.steps.total

    def printed_energy(self, state: Complex, color: int, l: int) -> float:
        """Return the vacuum energy as the original prints it: without dx, not divided by the norm."""
        m, dx, r = self.p.m, self.grid.dx, self.grid.r
        static = CoulombPotential(self.p.alpha).vacuum(r, COLORS[color]) + l * (l + 1) / (2 * m * r**2)
        walls = np.concatenate([[0], state, [0]])
        second = (walls[2:] + walls[:-2] - 2 * state) / dx**2
        return float(np.vdot(state, static * state - second / (2 * m)).real)


def make_setup(p: LegacyParameters, steps: Steps, directory: Path, transform: Transform = "scipy") -> Setup:
    """Make the setup of one history; `directory` is where relative file names count from."""
    grid = SineGrid(p.num, p.L, transform, p.derivType, threads=p.nThreads)
    interaction = make_interaction(p, steps, grid.r)
    stepper: Stepper
    if p.stepper == 0:
        stepper = SplitStep(grid, interaction, p.m, p.dt)
    else:
        stepper = CrankNicolson(grid, interaction, p.m, p.dt, p.alpha, nlo=p.stepper == 2)
    return Setup(p, grid, steps, stepper, functions(p, grid, interaction, directory))


@dataclass
class Record:
    """Rows of ``summary.tsv``, added one by one."""

    setup: Setup
    _rows: list[tuple[float, float, int, int, Float, float, float]] = field(default_factory=list)

    def add(self, step: int, state: Complex, color: int, l: int, norm: float) -> None:
        """Add the row of a state (num,) at the start of `step`."""
        setup, p = self.setup, self.setup.p
        scale = norm if p.doJumps and norm > 0 else 1.0
        overlaps = setup.overlaps(state[None, :], np.array([color]), np.array([l]))[0]
        # <r> in units of that of the Coulomb 1S state, 3/(2 m alpha)
        radius = setup.grid.dx * float(np.sum(setup.grid.r * np.abs(state) ** 2)) / (3 / (2 * p.m * p.alpha))
        energy = setup.printed_energy(state, color, l)
        time = setup.steps.time_fm(step)
        self._rows.append((time, norm, color, l, overlaps / scale, radius / scale, energy / scale))

    def block(self, trajectory: int | None = None) -> SummaryBlock:
        """Return the rows so far as one block."""
        columns = zip(*self._rows, strict=True) if self._rows else ((),) * 7
        return SummaryBlock(trajectory, *(np.array(column) for column in columns))


def refuse_unknown(p: LegacyParameters) -> None:
    """Raise InputError for what the original does in a way that no document describes to the last factor.

    At NLO its jumps branch by direction-averaged rates, with a reduced mass in the place of the heavy-quark mass in
    one term; what its KSU potential is for octets is not said.
    """
    if p.potential != 0 and p.initC == 1:
        remedy = "A KSU potential is one of singlets."
        raise InputError("initC", 1, f"be 0 with potential {p.potential}", remedy)
    if p.stepper == 2 and p.doJumps:
        remedy = "The jumps of the original at NLO are not documented; for NLO with jumps use qtraj.solve."
        raise InputError("doJumps", 1, "be 0 with stepper 2", remedy)
