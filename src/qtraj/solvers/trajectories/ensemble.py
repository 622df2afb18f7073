"""A batch of quantum trajectories evolved together through the steps of one history, and its random numbers.

Row 0 of the batch is the state that never jumps; it belongs to all trajectories until their first jump, so a
trajectory costs nothing before it. The waiting time of a jump is where the norm of the state since its last jump falls
to a random number (arXiv:2107.06147, section 2.3). Here the time is located inside the step, by inverse cubic Hermite
interpolation of the logarithm of the norm, whose slopes are the known widths; the state there is a partial step, of
second order like the step itself.

A trajectory carries a weight: what leaves the basis, or would jump beyond the jump range, reduces it instead of
ending the trajectory by chance. Trajectories of small weight play Russian roulette.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ..._types import Complex, Float, Integer
from .propagators import Propagators, color_and_l, squared_norm

# Trajectories below the first of these fractions of their first weight survive with the second one, or end.
ROULETTE_BELOW, ROULETTE_WEIGHT = 0.1, 0.4

UNLIMITED = np.iinfo(np.int64).max


class Streams:
    """Uniform numbers in [0, 1) for trajectories first ... first + size - 1 of one history.

    The k-th numbers of all trajectories are one Philox stream (its counter's upper words hold k, its key comes from
    the seed and the history), and trajectory j takes the j-th number of it. A trajectory therefore finds the same
    numbers in any batch and any process, and a whole batch draws at the cost of one call.
    """

    def __init__(self, seed: int, history: int, first: int, size: int) -> None:
        self._key = np.random.SeedSequence((seed, history)).generate_state(2, np.uint64)
        self._first, self._size = first, size
        self._columns: list[Float] = []

    def numbers(self, k: int) -> Float:
        """Return the k-th number of every trajectory, shape (size,)."""
        while len(self._columns) <= k:
            # Philox 4x64 makes four numbers for each value of its counter
            count, skip = divmod(self._first, 4)
            generator = np.random.Philox(key=self._key, counter=[count, 0, len(self._columns), 0])
            self._columns.append(np.random.Generator(generator).random(skip + self._size)[skip:])
        return self._columns[k]

    def take(self, rows: Integer, k: Integer) -> Float:
        """Return number k[i] of trajectory rows[i] (counted from the first), shape (len(rows),)."""
        out = np.empty(len(rows))
        for column in np.unique(k):
            chosen = k == column
            out[chosen] = self.numbers(int(column))[rows[chosen]]
        return out


class Jumps(NamedTuple):
    """Jumps of one step: trajectory, time (GeV^-1), color and l after it; each of shape (jumps,)."""

    trajectory: Integer
    time: Float
    color: Integer
    l: Integer


class Scorer(Protocol):
    """Estimator of the six overlaps; `scores` has shape (marks, B + 1, 6)."""

    scores: Float

    def observe(self, edge: int, ensemble: Ensemble, rows: Integer) -> None:
        """Score the states of the active `rows`; called at every edge of the time grid."""
        ...


@dataclass(eq=False)
class Segments:
    """Pieces of trajectories (J) inside one step: states (J, N) at both ends, their norms since the last jump.

    `keep` is the part of the weight that stays in the basis on the way, `fraction` the length in units of the step.
    """

    rows: Integer
    start: Complex
    end: Complex
    sectors: Integer
    norm_start: Float
    norm_end: Float
    keep: Float
    fraction: Float

    def __getitem__(self, chosen: Any) -> Segments:
        return Segments(*(getattr(self, f.name)[chosen] for f in fields(self)))

    def joined(self, other: Segments) -> Segments:
        """Return these segments, then the others."""
        pairs = ((getattr(self, f.name), getattr(other, f.name)) for f in fields(self))
        return Segments(*(np.concatenate(pair) for pair in pairs))


@dataclass(eq=False)
class Ensemble:
    """Trajectories with given first random numbers, from t = 0 to the end.

    They start in the state `start` (N,) of sector `start_sector`, have the norms `r0` (B,) at which they jump first and
    the weights `first_weight` (B,) before anything is lost. Further random numbers come from the `streams`; number 0
    was used for r0. The `scorers` are called at every edge. A trajectory that would jump more than `max_jumps` times
    ends; with `record` every jump is kept in `jumps`.
    """

    propagators: Propagators
    start: Float
    start_sector: int
    r0: Float
    first_weight: Float
    streams: Streams
    scorers: tuple[Scorer, ...]
    max_jumps: int = UNLIMITED
    record: bool = False
    jumps: list[Jumps] = field(default_factory=list)

    def __post_init__(self) -> None:
        size = len(self.r0) + 1
        self.states = np.zeros((size, len(self.start)), dtype=complex)
        self.states[0] = self.start
        self.sectors = np.full(size, self.start_sector)
        self.norm = np.ones(size)
        self.norm[0] = squared_norm(self.states[:1])[0]
        self.threshold = np.concatenate([[0.0], self.r0])
        # row 0: the part of its norm that did not leave the basis
        self.weight = np.concatenate([[1.0], self.first_weight])
        self.active = np.arange(size) == 0
        self.waiting = ~self.active
        self.drawn = np.ones(size, dtype=np.int64)
        self.jumped = np.zeros(size, dtype=np.int64)

    def run(self) -> None:
        """Evolve to the end, with a call of every scorer at every edge."""
        for edge in range(self.propagators.time_grid.steps + 1):
            if edge > 0:
                self._advance(edge - 1)
            rows = np.flatnonzero(self.active)
            for scorer in self.scorers:
                scorer.observe(edge, self, rows)

    def _advance(self, step: int) -> None:
        rows = np.flatnonzero(self.active)
        # r0 falls with the row, so without deaths the active rows come first and are evolved in place
        places = slice(0, len(rows)) if rows[-1] == len(rows) - 1 else rows
        start, end = self.states[places].copy(), self.states[places]
        sectors, norm = self.sectors[rows], self.norm[rows]
        keep = self.propagators.advance(end, sectors, step)
        norm_end = _restored(end, keep)
        segments = Segments(rows, start, end, sectors, norm, norm_end, keep, np.ones(len(rows)))
        again = norm_end <= self.threshold[rows]

        # every trajectory that jumps first in this step begins as a copy of row 0
        first = np.flatnonzero(self.waiting & (self.threshold >= norm_end[0]))
        self.waiting[first], self.active[first] = False, True
        self.weight[first] *= self.weight[0]
        copies = segments[np.zeros(len(first), dtype=np.int64)]
        copies.rows = first
        jumping = segments[again].joined(copies)

        self.states[places], self.norm[rows] = end, norm_end
        self.weight[rows[~again]] *= keep[~again]
        while len(jumping.rows):
            jumping = self._jump(jumping, step)

    def _jump(self, at: Segments, step: int) -> Segments:
        """Let every segment jump where its norm meets its threshold; return those that jump again in the step."""
        ended = self.jumped[at.rows] >= self.max_jumps
        self.active[at.rows[ended]] = False
        at = at[~ended]
        part = self._locate(at, step)
        before = at.start.copy()
        # not restored as in `_advance`: a jump normalizes the state
        keep = self.propagators.advance(before, at.sectors, step, part * at.fraction)
        after, sectors, kept = self.propagators.jump(before, at.sectors, step, self._draw(at.rows))
        self.weight[at.rows] *= keep * kept
        left = at.fraction * (1 - part)
        if self.record:
            time_grid = self.propagators.time_grid
            time = time_grid.edges[step + 1] - left * time_grid.lengths[step]
            self.jumps.append(Jumps(at.rows - 1, time, *color_and_l(sectors)))
        self.jumped[at.rows] += 1
        self.threshold[at.rows] = self._draw(at.rows)
        alive = self._roulette(at.rows)
        rows, start, sectors, fraction = at.rows[alive], after[alive], sectors[alive], left[alive]
        end = start.copy()
        keep = self.propagators.advance(end, sectors, step, fraction)
        norm_end = _restored(end, keep)
        segments = Segments(rows, start, end, sectors, np.ones(len(rows)), norm_end, keep, fraction)
        again = norm_end <= self.threshold[rows]
        done = segments[~again]
        self.states[done.rows], self.norm[done.rows] = done.end, done.norm_end
        self.sectors[done.rows] = done.sectors
        self.weight[done.rows] *= done.keep
        return segments[again]

    def _locate(self, at: Segments, step: int) -> Float:
        """Return where the norm of each segment meets its threshold, in units of the segment."""
        # time as a function of ln norm, which is nearly linear where the width changes slowly
        fall = np.log(at.norm_start / at.norm_end)
        depth = np.log(at.norm_start / self.threshold[at.rows]) / fall
        slopes = []
        for states, norm in ((at.start, at.norm_start), (at.end, at.norm_end)):
            rate = at.fraction * self.propagators.decay(states, at.sectors, step) / norm
            # slopes of the inverse function; above 3 a cubic Hermite polynomial is not monotone
            slopes.append(np.minimum(fall / np.maximum(rate, fall / 3), 3.0))
        s = np.clip(depth, 0.0, 1.0)
        cubic = slopes[0] * s * (1 - s) ** 2 + s**2 * (3 - 2 * s) - slopes[1] * s**2 * (1 - s)
        return np.asarray(np.clip(cubic, 0.0, 1.0))

    def _draw(self, rows: Integer) -> Float:
        numbers = self.streams.take(rows - 1, self.drawn[rows])
        self.drawn[rows] += 1
        return numbers

    def _roulette(self, rows: Integer) -> NDArray[np.bool_]:
        """End most trajectories of small weight, and give the others theirs."""
        # no ratio of weights: where there is nothing to sample, all of them vanish
        weight, first = self.weight[rows], self.first_weight[rows - 1]
        small = np.flatnonzero(weight < ROULETTE_BELOW * first)
        alive = np.ones(len(rows), dtype=bool)
        if len(small):
            prize = ROULETTE_WEIGHT * first[small]
            # the chance weight/prize to get the prize: the mean weight stays
            alive[small] = self._draw(rows[small]) * prize < weight[small]
            self.weight[rows[small]] = np.where(alive[small], prize, 0.0)
        self.active[rows[~alive]] = False
        return alive


def _restored(states: Complex, keep: Float) -> Float:
    """Give the states back, in place, what left the basis: it is in the weights. Return their norms."""
    if np.any(keep < 1):
        states /= np.sqrt(keep)[:, None]
    return squared_norm(states)
