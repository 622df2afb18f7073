"""The evolution without jumps, made once: every trajectory begins with a part of it.

Flaws of the original: the row at the start of the medium appears twice in ``summary.tsv``; the list of states to go on
from has room for the multiples of snapFreq only, so that the state stored in addition at the start of the medium
pushes the last one out (the second is inferred from its output files, where it decides the first row of a
trajectory and nothing else).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..files.summary import SummaryBlock
from .setup import Record, Setup

Float = NDArray[np.float64]
Complex = NDArray[np.complex128]


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
