"""The jump algorithm of the original program (arXiv:2107.06147, section 3), trajectories side by side.

The evolution without jumps is made once. A trajectory draws r0. Below the norm of the no-jump evolution it is that
evolution; above rMax it records zeros. Else it starts from a stored no-jump state, jumps when its norm falls to the
last random number, and draws the next one. Computed eigenstates (initType 100, projType 1) are those of the
second-difference Hamiltonian with the real potential at T = 0, whatever the stepper.

Flaws of the original, all reproduced here:

- a jump happens at the end of the first step with norm <= r, at most one in a step, the overshoot is not corrected
  and the last step has none: the number of jumps depends on dt;
- a trajectory that stops after maxJumps jumps records the overlaps of the state it stopped in, as if time had ended;
- rMax biases every mean;
- the row at the start of the medium appears twice in ``summary.tsv``;
- the list of states to start from has room for the multiples of snapFreq only, so that the state stored in addition at
  the start of the medium pushes the last one out (inferred from its output files, where it decides the first row of a
  trajectory and nothing else);
- with projType 0 a run with the KSU potential projects on Coulomb functions of its alpha;
- in ``summary.tsv`` the vacuum energy lacks the factor dx and has the Coulomb potential and second differences for
  every potential and stepper;
- with doJumps 0 nothing is divided by the norm.

The random numbers are not those of the C library's rand(): trajectory j of seed s takes its numbers from the Philox
stream of key (s, j), in the order r0, then color, l and r for each jump. Results do not depend on how many
trajectories run side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike

from ..._types import Complex, Float
from ...errors import FileFormatError, InputError
from ...physics.initial import CoulombState, GaussianState
from ...physics.model import OCTET_WIDTH, LindbladModel
from ...physics.potentials.coulomb import COLORS, CoulombPotential
from ...radial.bound import bound_states
from ...radial.sine import SineGrid
from ...states import STATES, State
from ..files.evolution import SummaryBlock, read_basis
from ..files.parameters import LegacyParameters
from .steps import TO_SINGLET, CrankNicolson, Munich, Screened, SplitStep, Steps

Transform = Literal["scipy", "fftw"]
L_OF_STATE: Final = np.array([state.l for state in STATES])

# probability 2/7 that the jump of an octet leads to a singlet
OCTET_TO_SINGLET: Final = TO_SINGLET / OCTET_WIDTH

# complex numbers in the states that evolve side by side; more gain nothing and are lost together by an interrupt
BATCH_NUMBERS: Final = 2**14
SMALLEST_BATCH: Final = 4


@dataclass(frozen=True, eq=False)
class Setup:
    """Everything that the evolution of one history uses; functions u(r_i) are normalized to dx sum u^2 = 1.

    `initial` (num,) is the start; `basis` (6, num) are the states to project on, in the order 1S 2S 1P 3S 2P 1D, zero
    beyond nBasis; `computed` (nBasis, num) are the lattice eigenstates and `masses` (nBasis,) their 2 M_Q + E in GeV,
    if initType or projType asks for them.
    """

    p: LegacyParameters
    grid: SineGrid
    steps: Steps
    stepper: SplitStep | CrankNicolson
    initial: Float
    basis: Float
    computed: Float | None = None
    masses: Float | None = None

    def overlaps(self, states: Complex, color: ArrayLike, l: ArrayLike) -> Float:
        """Return |dx sum u_n u|^2 for states (..., num), shape (..., 6); 0 in the octet and for another l."""
        # einsum and no matrix product: the numbers of a state do not depend on those beside it
        amplitudes = self.grid.dx * np.einsum("...i,ni->...n", states, self.basis)
        allowed = (np.asarray(color)[..., None] == 0) & (np.asarray(l)[..., None] == L_OF_STATE)
        return np.where(allowed, np.abs(amplitudes) ** 2, 0.0)

    def norms(self, states: Complex) -> Float:
        """Return dx sum |u|^2 of states (B, num), shape (B,)."""
        return np.asarray(self.grid.dx * np.sum(states.real**2 + states.imag**2, axis=-1))

    def ratios(self, overlaps: Float) -> Float:
        """Return overlaps (..., 6) divided by the initial ones, raw where the original leaves them so."""
        start = self.overlaps(self.initial.astype(complex), self.p.initC, self.p.initL)
        # eigenstates as start have no ratio, and a zero overlap cannot divide
        raw = (start == 0) | (self.p.initType in (0, 100))
        return overlaps / np.where(raw, 1.0, start)

    def is_snapshot(self, step: int) -> bool:
        """Return whether a trajectory prints a row at the start of `step`."""
        return step % self.p.snapFreq == 0 or step == self.steps.total


def make_setup(p: LegacyParameters, steps: Steps, directory: Path, transform: Transform = "scipy") -> Setup:
    """Make the setup of one history; `directory` is where relative file names count from."""
    grid = SineGrid(p.num, p.L, transform, p.derivType, threads=p.nThreads)
    interaction = Munich(p, steps, grid.r) if p.potential == 0 else Screened(p, steps, grid.r)
    kind = partial(CrankNicolson, alpha=p.alpha, nlo=p.stepper == 2) if p.stepper else SplitStep
    stepper = kind(grid, interaction, p.m, p.dt)
    # the Bohr radius of this model scales the analytic functions
    model = LindbladModel(CoulombPotential(p.alpha), mass=p.mass)
    some = STATES[: p.nBasis]

    def normalized(state: CoulombState | GaussianState) -> Float:
        u = state.u(grid.r, model)
        return np.asarray(u / np.sqrt(grid.dx * np.sum(u**2)))

    computed, masses, stored = None, None, None
    if p.initType == 100 or p.projType == 1:
        lattice = replace(grid, derivative=1)
        # the six states are 1S 2S 3S, 1P 2P, 1D: 3 - l for each l
        levels = {l: bound_states(lattice, interaction.vacuum, l, p.mass, 3 - l) for l in range(3)}
        energies, vectors = ([levels[s.l][i][s.radial_index] for s in some] for i in (0, 1))
        computed, masses = np.array(vectors) / np.sqrt(grid.dx), 2 * p.mass + np.array(energies)
    if p.initType == 200 or p.projType == 2:
        states = read_basis(directory / str(p.basisFunctionsFile), grid.num, p.nBasis)
        if np.any(states.imag):
            remedy = "Eigenstates of bound pairs are real."
            raise FileFormatError(p.basisFunctionsFile, "it holds complex functions", remedy)
        stored = np.asarray(states.real)
    projections = {0: None, 1: computed, 2: stored}[p.projType]
    if projections is None:
        projections = np.array([normalized(CoulombState(state.n, state.l)) for state in some])
    basis = np.zeros((len(STATES), grid.num))
    basis[: p.nBasis] = projections
    eigenstate = {100: computed, 200: stored}.get(p.initType)
    if eigenstate is not None:
        initial = np.asarray(eigenstate[STATES.index(State(p.initN, p.initL))])
    elif p.initType == 0:
        initial = normalized(CoulombState(p.initN, p.initL))
    else:
        initial = normalized(GaussianState(p.initL, p.initWidth))
    return Setup(p, grid, steps, stepper, initial, basis, computed, masses)


@dataclass
class Record:
    """Rows of ``summary.tsv``, added one by one."""

    setup: Setup
    _rows: list[tuple[float, float, int, int, Float, float, float]] = field(default_factory=list)

    def add(self, step: int, state: Complex, color: int, l: int, norm: float) -> None:
        """Add the row of a state (num,) at the start of `step`."""
        setup, p = self.setup, self.setup.p
        scale = norm if p.doJumps and norm > 0 else 1.0
        overlaps = setup.overlaps(state, color, l)
        # <r> in units of that of the Coulomb 1S state, 3/(2 m alpha)
        radius = setup.grid.dx * float(np.sum(setup.grid.r * np.abs(state) ** 2)) / (3 / (2 * p.m * p.alpha))
        # the vacuum energy as the original prints it: without dx, from second differences
        m, dx, r = p.m, setup.grid.dx, setup.grid.r
        static = CoulombPotential(p.alpha).vacuum(r, COLORS[color]) + l * (l + 1) / (2 * m * r**2)
        walls = np.concatenate([[0], state, [0]])
        second = (walls[2:] + walls[:-2] - 2 * state) / dx**2
        energy = float(np.vdot(state, static * state - second / (2 * m)).real)
        time = setup.steps.time_fm(step)
        self._rows.append((time, norm, color, l, overlaps / scale, radius / scale, energy / scale))

    def block(self, trajectory: int | None = None) -> SummaryBlock:
        """Return the rows so far as one block."""
        columns = zip(*self._rows, strict=True) if self._rows else ((),) * 7
        return SummaryBlock(trajectory, *(np.array(column) for column in columns))


@dataclass(frozen=True, eq=False)
class Stored:
    """The un-normalized state (num,) at the start of a step, and its norm."""

    step: int
    state: Complex
    norm: float


@dataclass(frozen=True, eq=False)
class NoJumpEvolution:
    """The evolution with H_eff from start to end.

    `stored` are its states at step 0, the multiples of snapFreq, the first step of the medium and the end; `rows` those
    of ``summary.tsv``, of which the first `vacuum_rows` belong to the vacuum and the next one repeats the last of them.
    `overlaps` (6,) are the final ones of the un-normalized state, `ratios` (6,) these over the initial ones.
    """

    stored: tuple[Stored, ...]
    rows: SummaryBlock
    ratios: Float
    overlaps: Float
    vacuum_rows: int

    @property
    def norm(self) -> float:
        """Probability of no jump."""
        return self.stored[-1].norm

    def start_for(self, r0: float, snapshot_every: int) -> Stored:
        """Return the state from which a trajectory with first random number `r0` above `norm` goes on."""
        # the flaw of the list named above
        usable = self.stored[:-1][: self.stored[-1].step // snapshot_every + 1]
        return next((state for state in reversed(usable) if state.norm > r0), usable[0])


def evolve_without_jumps(setup: Setup, tick: Callable[[int], None] | None = None) -> NoJumpEvolution:
    """Return the evolution with H_eff; `tick` is called with the number of steps done, for a progress bar."""
    p, steps, record = setup.p, setup.steps, Record(setup)
    color, l = np.array([p.initC]), np.array([p.initL])
    states = setup.initial[None, :].astype(complex)
    stored, vacuum_rows = [], 0
    for n in range(steps.total + 1):
        if setup.is_snapshot(n) or n == steps.first_medium:
            stored.append(Stored(n, states[0].copy(), float(setup.norms(states)[0])))
            vacuum_rows += n <= steps.first_medium
            for _ in range(2 if n == steps.first_medium else 1):
                record.add(n, states[0], p.initC, p.initL, stored[-1].norm)
        if n < steps.total:
            states = setup.stepper.advance(states, color, l, n)
        if tick is not None:
            tick(n)
    overlaps = setup.overlaps(states[0], p.initC, p.initL)
    return NoJumpEvolution(tuple(stored), record.block(), setup.ratios(overlaps), overlaps, vacuum_rows)


@dataclass(eq=False)
class Trajectory:
    """One trajectory, on its way or at its end; while it evolves its wave function is a row of a batch.

    `r0` is its first random number and `r` the last one, which its norm falls to before it jumps. `to_singlet` of its
    `jumps` went from octet to singlet. It is not `evolved` if there is nothing to compute: it never jumps (r0 below the
    no-jump norm), or r0 exceeds rMax. At the end, `ratios` (6,) are overlaps of the normalized state over initial ones;
    `snapshots` are un-normalized states (num,) by step, if wave functions are saved: those that no later trajectory of
    the batch replaces.
    """

    number: int
    r0: float
    random: np.random.Generator
    record: Record
    r: float
    color: int
    l: int
    jumps: int = 0
    to_singlet: int = 0
    evolved: bool = False
    ratios: Float = field(default_factory=lambda: np.zeros(len(STATES)))
    snapshots: dict[int, Complex] = field(default_factory=dict)

    @cached_property
    def rows(self) -> SummaryBlock:
        """Its block of ``summary.tsv``, of a trajectory at its end."""
        return self.record.block(self.number)

    def jump(self) -> None:
        """Choose color and l after a jump and draw the next random number."""
        color_draw, l_draw, self.r = self.random.random(3).tolist()
        returns = self.color == 1 and color_draw < OCTET_TO_SINGLET
        self.color = 0 if returns else 1
        self.l += -1 if l_draw < self.l / (2 * self.l + 1) else 1
        self.jumps += 1
        self.to_singlet += returns


def sample(
    setup: Setup, no_jump: NoJumpEvolution, seed: int, numbers: range, batch: int | None = None
) -> Iterator[Trajectory]:
    """Yield trajectories at their end, in their order; `no_jump` is that of the same setup.

    Their random numbers depend on `seed` and their number alone; `batch`, how many are evolved side by side, has no
    influence on the outcomes.
    """
    batch = max(SMALLEST_BATCH, BATCH_NUMBERS // setup.grid.num) if batch is None else batch
    waiting: list[Trajectory] = []
    evolving: list[Trajectory] = []
    for number in numbers:
        random = random_numbers(seed, number)
        r0 = float(random.random())
        trajectory = Trajectory(number, r0, random, Record(setup), r0, setup.p.initC, setup.p.initL)
        trajectory.evolved = no_jump.norm <= r0 <= setup.p.rMax
        if r0 < no_jump.norm:
            trajectory.ratios = no_jump.ratios / no_jump.norm
        waiting.append(trajectory)
        evolving += [trajectory] if trajectory.evolved else []
        if len(evolving) == batch or number == numbers[-1]:
            _evolve(setup, no_jump, evolving)
            yield from waiting
            waiting, evolving = [], []


def random_numbers(seed: int, number: int) -> np.random.Generator:
    """Return the generator of a trajectory; its first number is r0, which tells a seed in a file of ratios."""
    key = np.array([seed % 2**64, number], dtype=np.uint64)  # a list of large integers would become floats
    return np.random.Generator(np.random.Philox(key=key))


def _evolve(setup: Setup, no_jump: NoJumpEvolution, trajectories: Sequence[Trajectory]) -> None:
    """Evolve trajectories side by side to their end; each joins at the step of its stored no-jump state."""
    p, total = setup.p, setup.steps.total
    starts: dict[int, list[tuple[Trajectory, Stored]]] = {}
    for trajectory in trajectories:
        start = no_jump.start_for(trajectory.r0, p.snapFreq)
        starts.setdefault(start.step, []).append((trajectory, start))
    active: list[Trajectory] = []
    states = np.empty((0, setup.grid.num), dtype=complex)  # a row for each active trajectory
    last: dict[int, Trajectory] = {}  # by step: whose state is its snapshot

    def note(trajectory: Trajectory, step: int, state: Complex, norm: float) -> None:
        if p.outputSummaryFile:
            trajectory.record.add(step, state, trajectory.color, trajectory.l, norm)
        # the original overwrites the file of a step with every trajectory: the highest number stays
        if p.saveWavefunctions and (step not in last or last[step].number < trajectory.number):
            if step in last:
                del last[step].snapshots[step]
            last[step] = trajectory
            trajectory.snapshots[step] = state.copy()

    def end(trajectory: Trajectory, state: Complex) -> None:
        overlaps = setup.overlaps(state, trajectory.color, trajectory.l)
        trajectory.ratios = setup.ratios(overlaps / float(setup.norms(state)))

    for n in range(min(starts, default=total), total):
        for trajectory, start in starts.get(n, ()):
            active.append(trajectory)
            states = np.concatenate([states, start.state[None, :]])
            note(trajectory, n, start.state, start.norm)
        if not active:
            continue
        color, l = np.array([t.color for t in active]), np.array([t.l for t in active])
        states = setup.stepper.advance(states, color, l, n)
        norms = setup.norms(states)
        # no jump in the last step, as in the original
        if n + 1 < total:
            hit = norms <= np.array([t.r for t in active])
            for i in np.flatnonzero(hit):
                if active[i].jumps < p.maxJumps:
                    active[i].jump()
                    jumped = setup.grid.r * states[i]
                    norms[i] = 1.0
                    if (norm := float(setup.norms(jumped))) == 0:
                        allowed = "be so short that something of a state is left after a step"
                        raise InputError("dt", p.dt, allowed)
                    states[i] = jumped / np.sqrt(norm)
            # a trajectory stops with its last jump
            stops = hit & np.array([t.jumps == p.maxJumps for t in active])
            for i in np.flatnonzero(stops):
                end(active[i], states[i])
            states, norms = states[~stops], norms[~stops]
            active = [t for t, stopped in zip(active, stops, strict=True) if not stopped]
        if setup.is_snapshot(n + 1):
            for trajectory, state, norm in zip(active, states, norms, strict=True):
                note(trajectory, n + 1, state, float(norm))
    for trajectory, state in zip(active, states, strict=True):
        end(trajectory, state)
