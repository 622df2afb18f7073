"""Rounds of quantum trajectories of one history: what they share, the scores of one round, the record of all jumps.

The part of the norm that never jumps, p, is known exactly, so only first random numbers r0 in (p, 1) are sampled:
one in each of n strata, equal in ln r0 and weighted with r0 ln(1/p). Late first jumps, which leave the largest
survival, are rare in r0 itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

import numpy as np

from ..._types import Float, Integer
from ...physics.initial import InitialState
from ...units import to_fm
from ..parallel import side_by_side
from .ensemble import UNLIMITED, Ensemble, Jumps, Streams
from .estimators import EndPoint, LastJump, backward_states
from .propagators import Propagators, sector_of

if TYPE_CHECKING:
    import xarray as xr

Estimator = Literal["last_jump", "end_point"]


class StratifiedBatch(NamedTuple):
    """The n trajectories of one round in the order of their strata, with first random numbers r0 (n,) and weights (n,).

    Scores (marks, n, 6) are in units of overlap; populations (marks, n, 2, L_TRACKED + 1) are the weight of each
    trajectory where it is by color and l. Jumps, if asked for, come with the numbers of the trajectories.
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

    The `color` of the start is 0 for a singlet, 1 for an octet. The estimator, "last_jump" or "end_point", is how
    trajectories score, `stride` the number of steps between the places where `LastJump` does. `batch` trajectories are
    evolved together, `workers` batches side by side.
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
        no_jump, plain = self._ensemble(np.zeros(0), np.zeros(0), Streams(0, 0, 0, 0))
        self.overlap, self.population = plain.scores[:, 0], plain.population[:, 0]
        self.one_jump = np.zeros_like(self.overlap)
        if self.estimator == "last_jump":  # row 0 scores what one jump makes of it, without any sampling
            self.one_jump = no_jump.scorers[-1].scores[:, 0]
        self.norm_range = (max(float(no_jump.norm[0]), np.finfo(float).tiny), float(np.sum(self._start**2)))

    def round(
        self,
        key: tuple[int, int],
        first: int,
        size: int,
        r_range: tuple[float, float],
        max_jumps: int = UNLIMITED,
        *,
        record: bool = False,
        advance: Callable[[int], None] = lambda trajectories: None,
    ) -> StratifiedBatch:
        """Return the trajectories first ... first + size - 1 of a (seed, history), which sample r0 in `r_range`.

        `advance` is called with the number of those that have just ended, in any thread.
        """
        low, high = np.log(r_range)
        numbers = Streams(*key, first, size).numbers(0)
        # falling, so that trajectories which jump first come first, see `Ensemble`
        r0 = np.exp(high - (np.arange(size) + numbers) / size * (high - low))
        weight = r0 * (high - low)

        def ensemble(a: int) -> tuple[Float, Float, list[Jumps]]:
            part = slice(a, min(a + self.batch, size))
            streams = Streams(*key, first + a, part.stop - a)
            done, plain = self._ensemble(r0[part], weight[part], streams, max_jumps, record=record)
            jumps = [step._replace(trajectory=step.trajectory + first + a) for step in done.jumps]
            advance(part.stop - a)
            return done.scorers[-1].scores[:, 1:], plain.population[:, 1:], jumps

        batches = side_by_side(ensemble, range(0, size, self.batch), self.workers)
        scores, populations, jumps = zip(*batches, strict=True)
        return StratifiedBatch(
            np.concatenate(scores, axis=1),
            np.concatenate(populations, axis=1),
            tuple(step for steps in jumps for step in steps),
            r0,
            weight,
        )

    def _ensemble(
        self, r0: Float, weight: Float, streams: Streams, max_jumps: int = UNLIMITED, *, record: bool = False
    ) -> tuple[Ensemble, EndPoint]:
        """Return an ensemble at the end, and its end points."""
        sector, scorers = int(sector_of(self.color, self.initial.l)), self._scorers(len(r0) + 1)
        ensemble = Ensemble(
            self.propagators, self._start, sector, r0, weight, streams, scorers, max_jumps, record
        )
        ensemble.run()
        return ensemble, cast("EndPoint", scorers[0])

    def _scorers(self, rows: int) -> tuple[EndPoint | LastJump, ...]:
        # the estimator comes last: it makes the scores; the end points make the populations in any case
        plain = EndPoint(self.propagators, rows)
        if self.estimator == "end_point":
            return (plain,)
        return plain, LastJump(self.propagators, self._backward, rows)


@dataclass(frozen=True, eq=False)
class JumpRecord:
    """Every jump of the n trajectories of one history, sorted by trajectory and time.

    A start that is a mixture of colors has trajectories from each color: first those from the singlet, then those from
    the octet, numbered on.

    Parameters
    ----------
    trajectory : ndarray, shape (jumps,)
        Number of the trajectory, 0 to n - 1.
    time_fm : ndarray, shape (jumps,)
        Time of the jump in fm/c.
    color, l : ndarray, shape (jumps,)
        Color (0 singlet, 1 octet) and l after the jump.
    r0, weight : ndarray, shape (n,)
        First random number of each trajectory, and its weight: the mean over all pairs of what those that jump have is
        ``np.mean(weight * x)``. On a mesh, pairs that jump beyond the jump range are followed with less weight than
        this.
    start : ndarray, shape (n,)
        Color of each trajectory at the start, before its first jump.
    """

    trajectory: Integer
    time_fm: Float
    color: Integer
    l: Integer
    r0: Float
    weight: Float
    start: Integer

    def of(self, trajectory: int) -> list[tuple[float, int, int]]:
        """Return (time in fm/c, color, l) of every jump of a trajectory."""
        a, b = np.searchsorted(self.trajectory, [trajectory, trajectory + 1])
        return [(float(self.time_fm[i]), int(self.color[i]), int(self.l[i])) for i in range(a, b)]


def join_jumps(starts: Sequence[tuple[int, float, Sequence[StratifiedBatch]]]) -> JumpRecord:
    """Return the record of all jumps, from (color, probability, rounds) of each color of the start."""
    steps, first, sizes = [], 0, []
    for _, _, rounds in starts:
        # trajectory j of every color has the same number in its rounds, but is another pair with another history
        steps += [s._replace(trajectory=s.trajectory + first) for r in rounds for s in r.jumps]
        sizes.append(sum(len(r.r0) for r in rounds))
        first += sizes[-1]
    none = np.zeros(0)
    trajectory, time, color, l = (
        np.concatenate([none, *parts]) for parts in (zip(*steps, strict=True) if steps else ([],) * 4)
    )
    order = np.lexsort((time, trajectory))
    return JumpRecord(
        trajectory[order].astype(np.int64),
        to_fm(1.0) * time[order],
        color[order].astype(np.int64),
        l[order].astype(np.int64),
        np.concatenate([none, *(r.r0 for _, _, rounds in starts for r in rounds)]),
        # so that a plain mean over all rows is the mean over the mixture
        np.concatenate([none, *(len(starts) * p * r.weight for _, p, rounds in starts for r in rounds)]),
        np.repeat([color for color, _, _ in starts], sizes),
    )


def jump_variables(jumps: Any) -> dict[str, Any]:
    """Return the records of all jumps, those of a batch one behind the other, with the number of their history."""
    if jumps is None:
        return {}
    records: Sequence[JumpRecord] = (jumps,) if isinstance(jumps, JumpRecord) else jumps
    variables: dict[str, Any] = {}
    for name, first in asdict(records[0]).items():
        axis = "trajectory" if name in ("r0", "weight", "start") else "jump"
        arrays = [getattr(record, name) for record in records]
        variables[f"jump_{name}"] = axis, np.concatenate(arrays).astype(first.dtype)
        variables[f"{axis}_history"] = axis, np.repeat(np.arange(len(records)), [len(a) for a in arrays])
    return variables


def jumps_of(dataset: xr.Dataset) -> Any:
    """Return what `jump_variables` made variables of, None if there are none."""
    if "jump_history" not in dataset:
        return None
    records = []
    for i in range(dataset.sizes.get("history", 1)):
        mine = {axis: dataset[f"{axis}_history"].values == i for axis in ("jump", "trajectory")}
        fields = {name: dataset[f"jump_{name}"] for name in JumpRecord.__dataclass_fields__}
        records.append(JumpRecord(**{n: v.values[mine[str(v.dims[0])]] for n, v in fields.items()}))
    return tuple(records) if "history" in dataset.sizes else records[0]
