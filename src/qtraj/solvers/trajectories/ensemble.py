"""A batch of quantum trajectories evolved together through the steps of one history.

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

from .propagators import Complex, Integer, Propagators, color_and_l, squared_norm
from .streams import Streams

Float = NDArray[np.float64]

ROULETTE_BELOW, ROULETTE_WEIGHT = 0.1, 0.4
"""Trajectories below the first of these fractions of their first weight survive with the second one, or end."""

UNLIMITED = np.iinfo(np.int64).max


class Jumps(NamedTuple):
    """Jumps of one step: trajectory, time (GeV^-1), color and l after it; each of shape (jumps,)."""

    trajectory: Integer
    time: Float
    color: Integer
    l: Integer


class Scorer(Protocol):
    """Estimator: called with the trajectories at the edges of the steps."""

    @property
    def scores(self) -> Float:
        """Scores of every row at every mark, shape (marks, B + 1, 6)."""
        ...

    def observe(self, edge: int, ensemble: Ensemble, rows: Integer) -> None:
        """Score the states of `rows` at an edge of the time grid."""
        ...


@dataclass(eq=False)
class Segments:
    """Pieces of trajectories inside one step: from a start state to the end of the step.

    Parameters
    ----------
    rows : ndarray, shape (J,)
        Their trajectories.
    start, end : ndarray, shape (J, N)
        States at both ends, |state|^2 being the norm since the last jump.
    sectors : ndarray, shape (J,)
        Sector numbers.
    norm_start, norm_end : ndarray, shape (J,)
        Norms.
    keep : ndarray, shape (J,)
        Part of the weight that stays in the basis on the way.
    fraction : ndarray, shape (J,)
        Lengths in units of the step.
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

    Parameters
    ----------
    propagators : Propagators
        Steps of H_eff.
    start : ndarray, shape (N,)
        Initial state.
    start_sector : int
        Its sector.
    r0 : ndarray, shape (B,)
        Norm at which each trajectory jumps first.
    first_weight : ndarray, shape (B,)
        Weight of each trajectory before anything is lost.
    streams : Streams
        Their further random numbers; number 0 was used for r0.
    max_jumps : int
        A trajectory that would jump once more ends.
    scorers : sequence of Scorer
        Estimators, called at every edge.
    record : bool
        Keep every jump.
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
        self.active = np.zeros(size, dtype=bool)
        self.active[0] = True
        self.drawn = np.ones(size, dtype=np.int64)
        self.jumped = np.zeros(size, dtype=np.int64)
        self.waiting = np.ones(size, dtype=bool)
        self.waiting[0] = False

    def run(self) -> None:
        """March to the end."""
        self._observe(0)
        for step in range(self.propagators.time_grid.steps):
            self._advance(step)
            self._observe(step + 1)

    def _observe(self, edge: int) -> None:
        rows = np.flatnonzero(self.active)
        for scorer in self.scorers:
            scorer.observe(edge, self, rows)

    def _advance(self, step: int) -> None:
        rows = np.flatnonzero(self.active)
        # r0 falls with the row, so without deaths the active rows come first and are evolved in place
        whole = slice(0, len(rows)) if rows[-1] == len(rows) - 1 else rows
        start, end = self.states[whole].copy(), self.states[whole]
        sectors, norm = self.sectors[rows], self.norm[rows]
        keep = self.propagators.advance(end, sectors, step)
        norm_end = _restored(end, keep)
        again = norm_end <= self.threshold[rows]
        ones = np.ones(len(rows))
        jumping = Segments(
            rows[again],
            start[again],
            end[again],
            sectors[again],
            norm[again],
            norm_end[again],
            keep[again],
            ones[again],
        )
        no_jump = Segments(
            rows[:1], start[:1], end[:1], sectors[:1], norm[:1], norm_end[:1], keep[:1], ones[:1]
        )
        jumping = jumping.joined(self._first_jumps(no_jump))
        self.states[whole], self.norm[rows] = end, norm_end
        self.weight[rows[~again]] *= keep[~again]
        while len(jumping.rows):
            jumping = self._jump(jumping, step)

    def _first_jumps(self, no_jump: Segments) -> Segments:
        """Return a copy of row 0's segment for every trajectory that jumps first in it."""
        rows = np.flatnonzero(self.waiting & (self.threshold >= no_jump.norm_end))
        self.waiting[rows] = False
        self.active[rows] = True
        self.weight[rows] *= self.weight[0]
        copies = no_jump[np.zeros(len(rows), dtype=np.int64)]
        copies.rows = rows
        return copies

    def _settle(self, segments: Segments) -> None:
        """Take the ends of segments without a jump as the new states."""
        rows = segments.rows
        self.states[rows], self.norm[rows] = segments.end, segments.norm_end
        self.sectors[rows] = segments.sectors
        self.weight[rows] *= segments.keep

    def _jump(self, at: Segments, step: int) -> Segments:
        """Let every segment jump where its norm meets its threshold; return those that jump again in the step."""
        ended = self.jumped[at.rows] >= self.max_jumps
        self.active[at.rows[ended]] = False
        at = at[~ended]
        part = self._locate(at, step)
        before = at.start.copy()
        keep = self.propagators.advance(before, at.sectors, step, part * at.fraction)
        after, sectors, kept = self.propagators.jump(before, at.sectors, step, self._draw(at.rows))
        self.weight[at.rows] *= keep * kept
        left = at.fraction * (1 - part)
        if self.record:
            self._record(at.rows, step, left, sectors)
        self.jumped[at.rows] += 1
        self.threshold[at.rows] = self._draw(at.rows)
        alive = self._roulette(at.rows)
        rows = at.rows[alive]
        start, fraction = after[alive], left[alive]
        end = start.copy()
        keep = self.propagators.advance(end, sectors[alive], step, fraction)
        norm_end = _restored(end, keep)
        segments = Segments(rows, start, end, sectors[alive], np.ones(len(rows)), norm_end, keep, fraction)
        again = segments.norm_end <= self.threshold[rows]
        self._settle(segments[~again])
        return segments[again]

    def _locate(self, at: Segments, step: int) -> Float:
        """Return where the norm of each segment meets its threshold, in units of the segment."""
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
            alive[small] = self._draw(rows[small]) * prize < weight[small]
            self.weight[rows[small]] = np.where(alive[small], prize, 0.0)
        self.active[rows[~alive]] = False
        return alive

    def _record(self, rows: Integer, step: int, left: Float, sectors: Integer) -> None:
        time_grid = self.propagators.time_grid
        color, l = color_and_l(sectors)
        self.jumps.append(
            Jumps(rows - 1, time_grid.edges[step + 1] - left * time_grid.lengths[step], color, l)
        )


def _restored(states: Complex, keep: Float) -> Float:
    """Give the states back, in place, what left the basis: it is in the weights. Return their norms."""
    if np.any(keep < 1):
        states /= np.sqrt(keep)[:, None]
    return squared_norm(states)
