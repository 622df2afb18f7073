"""Rounds of quantum trajectories of one history: what they share, and the scores of one round.

The part of the norm that never jumps, p, is known exactly, so only first random numbers r0 in (p, 1) are sampled:
one in each of n strata, equal in ln r0 and weighted with r0 ln(1/p). Late first jumps, which leave the largest
survival, are rare in r0 itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from ...physics.initial import InitialState
from ..parallel import side_by_side
from .ensemble import UNLIMITED, Ensemble, Jumps
from .estimators import EndPoint, LastJump, backward_states
from .propagators import Propagators, sector_of
from .streams import Streams

Float = NDArray[np.float64]
Estimator = Literal["last_jump", "end_point"]


@dataclass(frozen=True, eq=False)
class StratifiedBatch:
    """Trajectories of one round.

    Parameters
    ----------
    scores : ndarray, shape (marks, n, 6)
        Scores in units of overlap, in the order of the strata.
    populations : ndarray, shape (marks, n, 2, L_TRACKED + 1)
        Weight of each trajectory where it is by color and l.
    jumps : tuple of Jumps
        Jumps, if asked for, with the numbers of the trajectories.
    r0, weight : ndarray, shape (n,)
        First random numbers and weights.
    """

    scores: Float
    populations: Float
    jumps: tuple[Jumps, ...]
    r0: Float
    weight: Float

    @property
    def population(self) -> Float:
        """Mean populations by color and l, shape (marks, 2, L_TRACKED + 1)."""
        return np.asarray(self.populations.mean(axis=1))


@dataclass(eq=False)
class StartEnsemble:
    """One history from one start: the state that never jumps, and rounds of trajectories beside it.

    Parameters
    ----------
    propagators : Propagators
        Steps of H_eff.
    initial : InitialState
        The start.
    color : int
        Its color, 0 singlet or 1 octet.
    estimator : {"last_jump", "end_point"}
        How trajectories score.
    stride : int
        Steps between the places where `LastJump` scores.
    batch : int
        Trajectories that are evolved together.
    workers : int
        Batches side by side.
    """

    propagators: Propagators
    initial: InitialState
    color: int
    estimator: Estimator
    stride: int
    batch: int
    workers: int

    def __post_init__(self) -> None:
        self._start = self.propagators.start(self.initial, self.color)
        if self.estimator == "last_jump":
            self._backward = backward_states(self.propagators, self.stride)
        no_jump = self._ensemble(np.zeros(0), np.zeros(0), Streams(0, 0, 0, 0))
        plain = _end_point(no_jump)
        self.overlap = plain.scores[:, 0]
        self.population = plain.population[:, 0]
        self.one_jump = (
            _scores(no_jump)[:, 0] if self.estimator == "last_jump" else np.zeros_like(self.overlap)
        )
        self.norm_range = (max(float(no_jump.norm[0]), np.finfo(float).tiny), float(np.sum(self._start**2)))

    def round(
        self,
        key: tuple[int, int],
        first: int,
        size: int,
        r_range: tuple[float, float],
        max_jumps: int | None = None,
        *,
        record: bool = False,
    ) -> StratifiedBatch:
        """Return the trajectories first ... first + size - 1 of a (seed, history), which sample r0 in `r_range`."""
        low, high = np.log(r_range)
        numbers = Streams(*key, first, size).numbers(0)
        # falling, so that trajectories which jump first come first, see `March`
        r0 = np.exp(high - (np.arange(size) + numbers) / size * (high - low))
        weight = r0 * (high - low)

        def ensemble(a: int) -> tuple[Float, Float, list[Jumps]]:
            part = slice(a, min(a + self.batch, size))
            streams = Streams(*key, first + a, part.stop - a)
            done = self._ensemble(r0[part], weight[part], streams, max_jumps, record=record)
            jumps = [step._replace(trajectory=step.trajectory + first + a) for step in done.jumps]
            return _scores(done)[:, 1:], _end_point(done).population[:, 1:], jumps

        scores, populations, jumps = zip(
            *side_by_side(ensemble, range(0, size, self.batch), self.workers), strict=True
        )
        return StratifiedBatch(
            np.concatenate(scores, axis=1),
            np.concatenate(populations, axis=1),
            tuple(step for steps in jumps for step in steps),
            r0,
            weight,
        )

    def _ensemble(
        self,
        r0: Float,
        weight: Float,
        streams: Streams,
        max_jumps: int | None = None,
        *,
        record: bool = False,
    ) -> Ensemble:
        sector = int(sector_of(self.color, self.initial.l))
        limit = UNLIMITED if max_jumps is None else max_jumps
        ensemble = Ensemble(
            self.propagators,
            self._start,
            sector,
            r0,
            weight,
            streams,
            self._scorers(len(r0) + 1),
            limit,
            record,
        )
        ensemble.run()
        return ensemble

    def _scorers(self, rows: int) -> tuple[EndPoint | LastJump, ...]:
        # the estimator comes last: it makes the scores; the end points make the populations in any case
        plain = EndPoint(self.propagators, rows)
        return (
            (plain,)
            if self.estimator == "end_point"
            else (plain, LastJump(self.propagators, self._backward, rows))
        )


def _scores(ensemble: Ensemble) -> Float:
    return ensemble.scorers[-1].scores


def _end_point(ensemble: Ensemble) -> EndPoint:
    found = ensemble.scorers[0]
    return cast("EndPoint", found)
