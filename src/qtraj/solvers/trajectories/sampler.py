"""The sampling of one history: rounds until a stop rule applies, then what was omitted and what may be unseen."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from ..._checks import boolean, choice, instance, integer, number, positive, settle
from ...errors import InputError, note
from ...physics.initial import InitialState
from ...physics.medium import History
from ...physics.model import LindbladModel
from ...radial.laguerre import LaguerreMesh
from ...radial.sine import SineGrid
from ...states import STATE_NAMES
from ..basis import states_with
from ..density.propagate import components, missing
from ..density.resolution import FILTER, SOFT, Discretization, energy_doublings_of, jump_range_of
from ..nojump.method import check_dt, check_step
from ..nojump.on_sine import DEFAULT_DT
from ..projection import Projection, checked_projection
from .estimators import L_TRACKED
from .propagators import Propagators, make_propagators
from .propagators_nlo import NloPropagators
from .records import JumpRecord, join_jumps
from .start_ensemble import Estimator, StartEnsemble, StratifiedBatch
from .statistics import Sample
from .time_grid import TimeGrid, graded_time_grid, uniform_time_grid

Float = NDArray[np.float64]

MESH_ROUND, SINE_ROUND = 4096, 256
"""Trajectories between two looks at the stop rules, and strata of a full round: seconds to a minute."""

MESH_BATCH, SINE_VALUES = 4096, 1 << 16
"""Trajectories of a batch on a mesh, where many share a matrix product; complex numbers of one on a sine grid: 1 MB,
so that a step stays in the CPU's cache."""

NODE_SPACING = 0.05
"""Distance in GeV^-1 of the places where the last jump is scored, if the steps are shorter."""

OCTET_KEY, OMITTED_KEY = 1 << 40, 1 << 41
"""Added to the number of a history, for octet starts and for the trajectories that measure what `r_max` omits."""


@dataclass(frozen=True, eq=False)
class Answer:
    """What is kept of the sampling of one history.

    Parameters
    ----------
    mean : ndarray, shape (marks, 6)
        Overlaps after at least one jump.
    parts : dict of str to ndarray, shape (marks, 6)
        Parts of its error.
    populations, population_error : ndarray, shape (marks, 2, L_TRACKED + 1)
        Populations by color and l, and their statistical errors.
    color_error : ndarray, shape (marks, 2)
        Statistical errors of the populations of the two colors.
    lost, cut : ndarray, shape (2,)
        What no population holds at the end, and what of it was left out of the start in each color.
    covariance, effective : ndarray, shape (6, 6) and (6,)
        Covariance of the mean and effective number of contributions, at the end.
    trajectories : int
        Their number.
    stopped_by : str
        The stop rule that applied.
    record : JumpRecord or None
        Jumps, if asked for.
    """

    mean: Float
    parts: dict[str, Float]
    populations: Float
    population_error: Float
    color_error: Float
    lost: Float
    cut: Float
    covariance: Float
    effective: Float
    trajectories: int
    stopped_by: str
    record: JumpRecord | None


@dataclass(eq=False)
class Sampling:
    """Trajectories of one history.

    Parameters
    ----------
    settings : TrajectorySettings
        Of the method.
    model, history, initial, checkpoints
        As for the method.
    number : int
        Number of the history, part of the key of its random numbers.
    bare : ndarray, shape (marks, 6)
        Overlaps without any jump, which the target error counts too.
    """

    settings: TrajectorySettings
    model: LindbladModel
    history: History
    initial: InitialState
    checkpoints: Sequence[float]
    number: int
    no_jump: Float

    def __post_init__(self) -> None:
        self._shares = components(self.initial)
        self._start_ensembles = [self._start_ensemble(color) for color, _ in self._shares]
        marks = len(self._start_ensembles[0].propagators.time_grid.marks)
        self.sample = Sample((marks, len(STATE_NAMES)))
        self.stopped_by = "n"
        zero = np.zeros(self.sample.shape)
        self.parts: dict[str, Float] = {"statistical": zero, "rare_events": zero}
        self.record: JumpRecord | None = None
        self._one_jump = self._mixed([start_ensemble.one_jump for start_ensemble in self._start_ensembles])
        self._jumped = Sample((marks, 2 * (L_TRACKED + 1)))
        self._first_scores: Float | None = None

    def answer(self) -> Answer:
        """Return what is to be kept when the sampling has ended."""
        return Answer(
            self.mean,
            self.parts,
            self.populations,
            self.population_error,
            self.color_error,
            self.lost,
            self.cut,
            self.sample.covariance[-1],
            self.sample.effective[-1],
            self.trajectories,
            self.stopped_by,
            self.record,
        )

    @property
    def mean(self) -> Float:
        """Overlaps after at least one jump, shape (marks, 6)."""
        return self._one_jump + self.sample.mean

    @property
    def trajectories(self) -> int:
        """Number of trajectories: as many from each color of the start."""
        return self.sample.n * len(self._start_ensembles)

    @property
    def populations(self) -> Float:
        """Populations by color and l at the marks, shape (marks, 2, L_TRACKED + 1)."""
        unjumped = self._mixed([start_ensemble.population for start_ensemble in self._start_ensembles])
        return unjumped + self._jumped.mean.reshape(unjumped.shape)

    @property
    def population_error(self) -> Float:
        """Statistical errors of the populations, shape (marks, 2, L_TRACKED + 1)."""
        return self._jumped.error.reshape(-1, 2, L_TRACKED + 1)

    @property
    def color_error(self) -> Float:
        """Statistical errors of the populations of the two colors, shape (marks, 2)."""
        by_color = self._jumped.covariance.reshape(-1, 2, L_TRACKED + 1, 2, L_TRACKED + 1).sum(axis=(2, 4))
        return np.asarray(np.sqrt(np.diagonal(by_color, axis1=-2, axis2=-1)))

    @property
    def cut(self) -> Float:
        """Part of the start above the energies kept, in each color, shape (2,)."""
        kept = np.zeros((2, 1))
        for start_ensemble, (color, share) in zip(self._start_ensembles, self._shares, strict=True):
            kept[color] = share * start_ensemble.norm_range[1]
        return missing(self.initial, kept)

    @property
    def lost(self) -> Float:
        """Pairs that are in no population at the end: left out after the start, and at the start, shape (2,)."""
        cut = float(self.cut.sum())
        return np.array([1 - cut - self.populations[-1].sum(), cut])

    def run(self, deadline: float) -> Iterator[int]:
        """Sample until a stop rule applies, and yield the number of rounds done."""
        first = 0
        kept: list[list[StratifiedBatch]] = [[] for _ in self._start_ensembles]
        if self.settings.records:
            self.record = self._recorded(kept)
        if all(high <= low * (1 + 1e-12) for low, high in (c.norm_range for c in self._start_ensembles)):
            self.stopped_by = "nothing to sample"  # a cold history: no trajectory jumps
            return
        for done, size in enumerate(round_sizes(self.settings)):
            rounds = self._rounds(first, size)
            self._add(rounds, size)
            first += size
            if self.settings.records:
                for mine, found in zip(kept, rounds, strict=True):
                    mine.append(found)
            yield done + 1
            if self._precise_enough():
                self.stopped_by = "target_error"
                break
            if time.monotonic() >= deadline:
                self.stopped_by = "time_limit_s"
                break
        if self.settings.records:
            self.record = self._recorded(kept)
        self._judge()
        self._measure_omissions()

    def _recorded(self, rounds: Sequence[Sequence[StratifiedBatch]]) -> JumpRecord:
        """Return the record of the rounds of every starting color."""
        return join_jumps([(color, p, mine) for (color, p), mine in zip(self._shares, rounds, strict=True)])

    def _start_ensemble(self, color: int) -> StartEnsemble:
        settings, grid = self.settings, self.settings.grid
        if isinstance(grid, SineGrid):
            dt = DEFAULT_DT if settings.dt is None else settings.dt
            time_grid = uniform_time_grid(self.model, self.history, self.checkpoints, dt)
            stride = max(1, int(NODE_SPACING / dt))
        else:
            time_grid = graded_time_grid(self.model, self.history, self.checkpoints, settings.step)
            stride = 1
        propagators = self._propagators(time_grid)
        batch = settings.batch or (
            max(16, SINE_VALUES // grid.num) if isinstance(grid, SineGrid) else MESH_BATCH
        )
        return StartEnsemble(
            propagators, self.initial, color, settings.estimator, stride, batch, settings.workers
        )

    def _propagators(self, time_grid: TimeGrid) -> Propagators:
        settings, grid = self.settings, self.settings.grid
        fast = FILTER * 2.0 ** energy_doublings_of(self.history)
        if not self.model.is_local and isinstance(grid, LaguerreMesh):
            reach = settings.jump_range or jump_range_of(time_grid.profile)
            d = Discretization(
                grid,
                self.initial.l,
                settings.step,
                reach,
                filter_energy=fast,
                cut=SOFT.cut * 2.0 ** energy_doublings_of(self.history),
            )
            return NloPropagators(self.model, self.history, time_grid, settings.projection, d)
        reach = settings.jump_range or jump_range_of(time_grid.profile)
        return make_propagators(self.model, self.history, time_grid, grid, settings.projection, reach, fast)

    def _rounds(
        self, first: int, size: int, *, omitted: bool = False, unlimited: bool = False
    ) -> list[StratifiedBatch]:
        """Return a round of every starting color; trajectory j starts in each, weighted with its probability."""
        settings, rounds = self.settings, []
        for start_ensemble in self._start_ensembles:
            low, high = start_ensemble.norm_range
            edge = min(max(low, settings.r_max), high)
            key = self.number + start_ensemble.color * OCTET_KEY + omitted * OMITTED_KEY
            rounds.append(
                start_ensemble.round(
                    (settings.seed, key),
                    first,
                    size,
                    (edge, high) if omitted else (low, edge),
                    None if unlimited else settings.max_jumps,
                    record=settings.records and not (omitted or unlimited),
                )
            )
        return rounds

    def _add(self, rounds: Sequence[StratifiedBatch], size: int) -> None:
        scores = self._mixed([r.scores for r in rounds])
        populations = self._mixed([r.populations for r in rounds])
        self._jumped.add(populations.reshape(*populations.shape[:2], -1))
        self.sample.add(scores)
        if self._first_scores is None:
            self._first_scores = scores

    def _precise_enough(self) -> bool:
        if self.settings.target_error is None:
            return False
        own = [i for i, _ in states_with(self.initial.l)]
        total = np.abs(self.no_jump + self.mean)[-1, own]
        safe = np.all(self.sample.unseen(1.0)[-1, own] == 0)
        return bool(safe and np.all(self.sample.error[-1, own] <= self.settings.target_error * total))

    def _judge(self) -> None:
        """Set the statistical error, and a bound where the scatter of the sample is no safe error."""
        most = max(high * np.log(high / low) for low, high in (c.norm_range for c in self._start_ensembles))
        self.parts["statistical"] = self.sample.error
        rare = self.sample.unseen(most)
        own = [i for i, _ in states_with(self.initial.l)]
        self.parts["rare_events"] = rare
        few = {STATE_NAMES[i]: float(self.sample.effective[-1, i]) for i in own if rare[-1, i] > 0}
        note(_few_contributions, (self.number, self.sample.n, few))

    def _measure_omissions(self) -> None:
        """Measure what max_jumps and r_max leave out, on one round each; the sum with its error bounds the bias."""
        size = round_sizes(self.settings)[0]
        if self.settings.max_jumps is not None and self._first_scores is not None:
            free = self._mixed([r.scores for r in self._rounds(0, size, unlimited=True)])
            self.parts["max_jumps"] = _bound(free - self._first_scores)
        if self.settings.r_max < 1:
            self.parts["r_max"] = _bound(self._mixed([r.scores for r in self._rounds(0, size, omitted=True)]))

    def _mixed(self, values: Sequence[Float]) -> Float:
        return np.asarray(
            sum(share * value for (_, share), value in zip(self._shares, values, strict=True)), dtype=float
        )


def _few_contributions(found: list[tuple[int, int, dict[str, float]]]) -> list[str]:
    """Say in how many histories a survival rests on few trajectories, and show the one with the fewest."""
    concerned = [each for each in found if each[2]]
    if not concerned:
        return []
    number, n, few = min(concerned, key=lambda each: min(each[2].values()))
    counts = ", ".join(f"{count:.1f}" for count in few.values())
    where = f"history {number}"
    if len(found) > 1:
        where = f"{len(concerned)} of {len(found)} histories rest on few trajectories; in the worst, {where}"
    return [
        f"{where}: {n} trajectories leave only {counts} effective contributions to "
        f"{', '.join(few)}, so their scatter is no safe error; the part rare_events of the error bounds what was not "
        "seen (95 % confidence). Take more trajectories, estimator='last_jump', or DensityMatrix()."
    ]


def round_sizes(settings: TrajectorySettings) -> list[int]:
    """Return the sizes of the rounds; each has at least two trajectories."""
    full, rest = divmod(
        settings.n, largest := SINE_ROUND if isinstance(settings.grid, SineGrid) else MESH_ROUND
    )
    if rest == 1:
        return [largest] * (full - 1) + [largest - 1, 2]
    return [largest] * full + ([rest] if rest else [])


def _bound(scores: Float) -> Float:
    sample = Sample((scores.shape[0], scores.shape[2]))
    sample.add(scores)
    return np.abs(sample.mean) + 2 * sample.error


@dataclass(frozen=True)
class TrajectorySettings:
    """Arguments of `QuantumTrajectories`, which explains them."""

    n: int = 4096
    seed: int = 0
    grid: LaguerreMesh | SineGrid = field(default=LaguerreMesh(64, 0.12))
    target_error: float | None = None
    time_limit_s: float | None = None
    step: float = 0.3
    dt: float | None = None
    estimator: Estimator = "last_jump"
    projection: Projection = "computed"
    max_jumps: int | None = None
    r_max: float = 1.0
    jump_range: float | None = None
    records: bool = False
    batch: int | None = None
    workers: int = 1

    def __post_init__(self) -> None:
        instance("grid", self.grid, (LaguerreMesh, SineGrid), "be a LaguerreMesh(...) or a SineGrid(...)")
        settle(
            self,
            n=integer("n", self.n, 2),
            seed=integer("seed", self.seed, 0),
            step=check_step(self.step),
            dt=check_dt(self.dt, self.grid),
            estimator=choice("estimator", self.estimator, get_args(Estimator)),
            projection=checked_projection(self.projection),
            r_max=number("r_max", self.r_max, "be above 0 and at most 1", above=0, high=1),
            records=boolean("records", self.records),
            workers=integer("workers", self.workers, 1),
        )
        for name in ("max_jumps", "batch"):
            if getattr(self, name) is not None:
                settle(self, **{name: integer(name, getattr(self, name), 1)})
        for name in ("target_error", "time_limit_s", "jump_range"):
            if getattr(self, name) is not None:
                settle(self, **{name: positive(name, getattr(self, name), "be a positive number or None")})
        if self.jump_range is not None and isinstance(self.grid, SineGrid):
            raise InputError("jump_range", self.jump_range, "be None on a SineGrid, which keeps all jumps")
