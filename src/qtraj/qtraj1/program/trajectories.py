"""The jump algorithm of the original program (arXiv:2107.06147, section 3), trajectories side by side.

The evolution without jumps is made once. A trajectory draws r0. Below the norm of the no-jump evolution it is that
evolution; above rMax it records zeros. Else it starts from a stored no-jump state, jumps when its norm falls to the
last random number, and draws the next one.

Flaws of the original, all reproduced here:

- a jump happens at the end of the first step with norm <= r, at most one in a step, the overshoot is not corrected
  and the last step has none: the number of jumps depends on dt;
- a trajectory that stops after maxJumps jumps records the overlaps of the state it stopped in, as if time had ended;
- rMax biases every mean;
- the row at the start of the medium appears twice in ``summary.tsv``;
- the list of states to start from has room for the multiples of snapFreq only, so that the state stored in addition at
  the start of the medium pushes the last one out (inferred from its output files, where it decides the first row of a
  trajectory and nothing else).

The random numbers are not those of the C library's rand(): trajectory j of seed s takes its numbers from the Philox
stream of key (s, j), in the order r0, then color, l and r for each jump. Results do not depend on how many
trajectories run side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...physics.model import OCTET_WIDTH
from ...states import STATES
from ...units import OCTET_DIMENSION
from ..files.evolution import SummaryBlock
from .setup import Record, Setup

Complex = NDArray[np.complex128]
Float = NDArray[np.float64]

OCTET_TO_SINGLET: Final = 1 / OCTET_DIMENSION / OCTET_WIDTH
"""Probability 2/7 that the jump of an octet leads to a singlet."""

BATCH_NUMBERS: Final = 2**14
"""Complex numbers in the states that evolve side by side; more gain nothing and are lost together by an interrupt."""

SMALLEST_BATCH: Final = 4


@dataclass(frozen=True, eq=False)
class Stored:
    """The un-normalized state (num,) at the start of a step, and its norm."""

    step: int
    state: Complex
    norm: float


@dataclass(frozen=True, eq=False)
class NoJumpEvolution:
    """The evolution with H_eff from start to end.

    Parameters
    ----------
    stored : tuple of Stored
        In time: step 0, the multiples of snapFreq, the first step of the medium, the end.
    rows : SummaryBlock
        Their rows in ``summary.tsv``.
    ratios, overlaps : ndarray, shape (6,)
        Final overlaps of the un-normalized state over initial ones, and these overlaps themselves.
    vacuum_rows : int
        How many of the rows belong to the vacuum; the next one repeats the last of them.
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
        room = self.stored[-1].step // snapshot_every + 1
        usable = self.stored[:-1][:room]
        return next((state for state in reversed(usable) if state.norm > r0), usable[0])


def evolve_without_jumps(setup: Setup, tick: Callable[[int], None] | None = None) -> NoJumpEvolution:
    """Return the evolution with H_eff; `tick` is called with the number of steps done, for a progress bar."""
    p, steps, record = setup.p, setup.steps, Record(setup)
    color, l = np.array([p.initC]), np.array([p.initL])
    states = setup.functions.initial[None, :].astype(complex)
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
    overlaps = setup.overlaps(states, color, l)[0]
    return NoJumpEvolution(tuple(stored), record.block(), setup.ratios(overlaps), overlaps, vacuum_rows)


@dataclass(frozen=True, eq=False)
class Outcome:
    """The end of one trajectory.

    Parameters
    ----------
    number : int
        Number of the trajectory, from 0.
    r0 : float
        First random number.
    ratios : ndarray, shape (6,)
        Overlaps of the normalized final state over initial ones.
    color, l : int
        Color (0 singlet, 1 octet) and angular momentum at the end.
    jumps, to_singlet : int
        Number of jumps, and of those from octet to singlet.
    evolved : bool
        Whether it was computed; if not, it did not jump (r0 below the no-jump norm) or r0 exceeds rMax.
    rows : SummaryBlock
        Its block of ``summary.tsv``.
    snapshots : mapping of int to ndarray
        Un-normalized states (num,) by step, if wave functions are saved: those that no later trajectory of the
        batch replaces.
    """

    number: int
    r0: float
    ratios: Float
    color: int
    l: int
    jumps: int
    to_singlet: int
    evolved: bool
    rows: SummaryBlock
    snapshots: dict[int, Complex]


@dataclass
class _Trajectory:
    """A trajectory on its way; its wave function is a row of the batch."""

    number: int
    r0: float
    random: np.random.Generator
    record: Record
    r: float
    color: int
    l: int
    jumps: int = 0
    to_singlet: int = 0

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
) -> Iterator[Outcome]:
    """Yield the outcomes of trajectories, in their order.

    Their random numbers depend on `seed` and their number alone; `batch`, how many are evolved side by side, has no
    influence on the outcomes. `no_jump` is that of the same setup.
    """
    batch = max(SMALLEST_BATCH, BATCH_NUMBERS // setup.grid.num) if batch is None else batch
    waiting: list[Outcome | _Trajectory] = []
    evolving = 0
    for number in numbers:
        waiting.append(_begin(setup, no_jump, seed, number))
        evolving += isinstance(waiting[-1], _Trajectory)
        if evolving == batch or number == numbers[-1]:
            done = _evolve(setup, no_jump, [w for w in waiting if isinstance(w, _Trajectory)])
            yield from (w if isinstance(w, Outcome) else done[w.number] for w in waiting)
            waiting, evolving = [], 0


def first_random_number(seed: int, number: int) -> float:
    """Return r0 of a trajectory: it tells a seed in a file of ratios."""
    return float(_random(seed, number).random())


def _random(seed: int, number: int) -> np.random.Generator:
    key = np.array([seed % 2**64, number], dtype=np.uint64)  # a list of large integers would become floats
    return np.random.Generator(np.random.Philox(key=key))


def _begin(setup: Setup, no_jump: NoJumpEvolution, seed: int, number: int) -> Outcome | _Trajectory:
    """Draw r0; return the trajectory that it starts, or the outcome if there is nothing to compute."""
    p, record, random = setup.p, Record(setup), _random(seed, number)
    r0 = float(random.random())
    if no_jump.norm <= r0 <= p.rMax:
        return _Trajectory(number, r0, random, record, r0, p.initC, p.initL)
    ratios = no_jump.ratios / no_jump.norm if r0 < no_jump.norm else np.zeros(len(STATES))
    return Outcome(number, r0, ratios, p.initC, p.initL, 0, 0, False, record.block(number), {})


def _evolve(
    setup: Setup, no_jump: NoJumpEvolution, trajectories: Sequence[_Trajectory]
) -> dict[int, Outcome]:
    """Evolve trajectories side by side; each joins at the step of its stored no-jump state. Outcomes by number."""
    p, total = setup.p, setup.steps.total
    starts: dict[int, list[tuple[_Trajectory, Stored]]] = {}
    for trajectory in trajectories:
        start = no_jump.start_for(trajectory.r0, p.snapFreq)
        starts.setdefault(start.step, []).append((trajectory, start))
    active: list[_Trajectory] = []
    states = np.empty((0, setup.grid.num), dtype=complex)  # a row for each active trajectory
    done: dict[int, Outcome] = {}
    snapshots: dict[int, tuple[int, Complex]] = {}  # by step: number of the trajectory and state

    def note(trajectory: _Trajectory, step: int, state: Complex, norm: float) -> None:
        if p.outputSummaryFile:
            trajectory.record.add(step, state, trajectory.color, trajectory.l, norm)
        # the original overwrites the file of a step with every trajectory: the highest number stays
        if p.saveWavefunctions and snapshots.get(step, (-1,))[0] < trajectory.number:
            snapshots[step] = (trajectory.number, state.copy())

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
                    states[i] = _jumped(setup, states[i])
                    norms[i] = 1.0
            # a trajectory stops with its last jump
            stops = hit & np.array([t.jumps == p.maxJumps for t in active])
            for i in np.flatnonzero(stops):
                done[active[i].number] = _outcome(setup, active[i], states[i])
            states, norms = states[~stops], norms[~stops]
            active = [t for t, stopped in zip(active, stops, strict=True) if not stopped]
        if setup.is_snapshot(n + 1):
            for trajectory, state, norm in zip(active, states, norms, strict=True):
                note(trajectory, n + 1, state, float(norm))
    for trajectory, state in zip(active, states, strict=True):
        done[trajectory.number] = _outcome(setup, trajectory, state)
    for step, (number, state) in snapshots.items():
        done[number].snapshots[step] = state
    return done


def _jumped(setup: Setup, state: Complex) -> Complex:
    """Return r u, normalized."""
    jumped = setup.grid.r * state
    norm = float(setup.norms(jumped))
    if norm == 0:
        raise InputError("dt", setup.p.dt, "be so short that something of a state is left after a step")
    return np.asarray(jumped / np.sqrt(norm))


def _outcome(setup: Setup, t: _Trajectory, state: Complex) -> Outcome:
    overlaps = setup.overlaps(state[None, :], np.array([t.color]), np.array([t.l]))[0]
    ratios = setup.ratios(overlaps / float(setup.norms(state)))
    rows = t.record.block(t.number)
    return Outcome(t.number, t.r0, ratios, t.color, t.l, t.jumps, t.to_singlet, True, rows, {})
