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
        What ``summary.tsv`` says of them.
    ratios : ndarray, shape (6,)
        Final overlaps of the un-normalized state over initial ones.
    overlaps : ndarray, shape (6,)
        The final overlaps.
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
        """Return the state from which a trajectory with first random number `r0` goes on.

        Parameters
        ----------
        r0 : float
            Above `norm`.
        snapshot_every : int
            snapFreq.
        """
        room = self.stored[-1].step // snapshot_every + 1
        usable = self.stored[:-1][:room]
        return next((each for each in reversed(usable) if each.norm > r0), usable[0])


def evolve_without_jumps(setup: Setup, tick: Callable[[int], None] | None = None) -> NoJumpEvolution:
    """Return the evolution with H_eff.

    Parameters
    ----------
    setup : Setup
    tick : callable, optional
        Called with the number of steps done, for a progress bar.
    """
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


OCTET_TO_SINGLET: Final = 1 / OCTET_DIMENSION / OCTET_WIDTH
"""Probability 2/7 that the jump of an octet leads to a singlet."""

BATCH_NUMBERS: Final = 2**14
"""Complex numbers in the states that evolve side by side; more gain nothing and are lost together by an interrupt."""

SMALLEST_BATCH: Final = 4


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of one trajectory.

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
    """Iterate over the outcomes of trajectories, in their order.

    Parameters
    ----------
    setup : Setup
    no_jump : NoJumpEvolution
        Of the same setup.
    seed : int
    numbers : range
        Which trajectories; their random numbers depend on seed and number alone.
    batch : int, optional
        How many are evolved side by side; no influence on the outcomes.

    Yields
    ------
    Outcome
    """
    batch = max(SMALLEST_BATCH, BATCH_NUMBERS // setup.grid.num) if batch is None else batch
    waiting: list[Outcome | _Trajectory] = []
    evolving = 0
    for number in numbers:
        each = _begin(setup, no_jump, seed, number)
        waiting.append(each)
        evolving += isinstance(each, _Trajectory)
        if evolving == batch:
            yield from _finished(setup, no_jump, waiting)
            waiting, evolving = [], 0
    yield from _finished(setup, no_jump, waiting)


def first_random_number(seed: int, number: int) -> float:
    """Return r0 of a trajectory: it tells a seed in a file of ratios."""
    return float(_random(seed, number).random())


def _random(seed: int, number: int) -> np.random.Generator:
    key = np.array([seed % 2**64, number], dtype=np.uint64)  # a list of large integers would become floats
    return np.random.Generator(np.random.Philox(key=key))


def _begin(setup: Setup, no_jump: NoJumpEvolution, seed: int, number: int) -> Outcome | _Trajectory:
    p = setup.p
    random = _random(seed, number)
    r0 = float(random.random())
    record = Record(setup)
    if r0 < no_jump.norm or r0 > p.rMax:
        ratios = no_jump.ratios / no_jump.norm if r0 < no_jump.norm else np.zeros(len(STATES))
        return Outcome(
            number, r0, ratios, p.initC, p.initL, 0, 0, evolved=False, rows=record.block(number), snapshots={}
        )
    return _Trajectory(number, r0, random, record, r0, p.initC, p.initL)


def _finished(
    setup: Setup, no_jump: NoJumpEvolution, waiting: Sequence[Outcome | _Trajectory]
) -> Iterator[Outcome]:
    done = _Batch(setup, no_jump, [each for each in waiting if isinstance(each, _Trajectory)]).evolve()
    for each in waiting:
        yield each if isinstance(each, Outcome) else done[each.number]


class _Batch:
    """Trajectories that take their steps together; each joins at the step of its stored no-jump state."""

    def __init__(self, setup: Setup, no_jump: NoJumpEvolution, trajectories: Sequence[_Trajectory]) -> None:
        self._setup, self._p = setup, setup.p
        self._starts: dict[int, list[tuple[_Trajectory, Complex, float]]] = {}
        for each in trajectories:
            start = no_jump.start_for(each.r0, setup.p.snapFreq)
            self._starts.setdefault(start.step, []).append((each, start.state, start.norm))
        self._active: list[_Trajectory] = []
        self._states = np.empty((0, setup.grid.num), dtype=complex)
        self._done: dict[int, Outcome] = {}
        self._snapshots: dict[int, tuple[int, Complex]] = {}  # by step: trajectory and state

    def evolve(self) -> dict[int, Outcome]:
        """Return the outcomes by number."""
        total = self._setup.steps.total
        for n in range(min(self._starts, default=total), total):
            self._join(n)
            if not self._active:
                continue
            color = np.array([each.color for each in self._active])
            l = np.array([each.l for each in self._active])
            self._states = self._setup.stepper.advance(self._states, color, l, n)
            norms = self._setup.norms(self._states)
            if n + 1 < total:
                norms = self._jump(norms)
            self._note(n + 1, norms)
        self._stop([True] * len(self._active))
        for step, (number, state) in self._snapshots.items():
            self._done[number].snapshots[step] = state
        return self._done

    def _join(self, step: int) -> None:
        for each, state, norm in self._starts.get(step, ()):
            self._active.append(each)
            self._states = np.concatenate([self._states, state[None, :]])
            self._keep(each, step, state, norm)

    def _jump(self, norms: Float) -> Float:
        """Let those jump whose norm fell to their random number, and stop those that jumped maxJumps times.

        Returns the norms of those that go on.
        """
        hit = norms <= np.array([each.r for each in self._active])
        for i in np.flatnonzero(hit):
            if self._active[i].jumps < self._p.maxJumps:
                self._active[i].jump()
                self._states[i] = self._jumped(self._states[i])
                norms[i] = 1.0
        spent = [h and each.jumps == self._p.maxJumps for h, each in zip(hit, self._active, strict=True)]
        if not any(spent):
            return norms
        self._stop(spent)
        return np.asarray(norms[~np.array(spent)])

    def _jumped(self, state: Complex) -> Complex:
        """Return r u, normalized."""
        jumped = self._setup.grid.r * state
        norm = float(self._setup.norms(jumped))
        if norm == 0:
            raise InputError("dt", self._p.dt, "be so short that something of a state is left after a step")
        return np.asarray(jumped / np.sqrt(norm))

    def _note(self, step: int, norms: Float) -> None:
        if self._setup.is_snapshot(step):
            for each, state, norm in zip(self._active, self._states, norms, strict=True):
                self._keep(each, step, state, float(norm))

    def _keep(self, each: _Trajectory, step: int, state: Complex, norm: float) -> None:
        if self._p.outputSummaryFile:
            each.record.add(step, state, each.color, each.l, norm)
        if self._p.saveWavefunctions and self._snapshots.get(step, (-1,))[0] < each.number:
            self._snapshots[step] = (each.number, state.copy())

    def _stop(self, spent: Sequence[bool]) -> None:
        """Turn the trajectories marked in `spent` into outcomes."""
        for each, state, stops in zip(self._active, self._states, spent, strict=True):
            if stops:
                self._done[each.number] = self._outcome(each, state)
        kept = ~np.array(spent, dtype=bool)
        self._states = self._states[kept]
        self._active = [each for each, stays in zip(self._active, kept, strict=True) if stays]

    def _outcome(self, each: _Trajectory, state: Complex) -> Outcome:
        setup = self._setup
        overlaps = setup.overlaps(state[None, :], np.array([each.color]), np.array([each.l]))[0]
        ratios = setup.ratios(overlaps / float(setup.norms(state)))
        rows = each.record.block(each.number)
        return Outcome(
            each.number, each.r0, ratios, each.color, each.l, each.jumps, each.to_singlet,
            evolved=True, rows=rows, snapshots={},
        )  # fmt: skip
