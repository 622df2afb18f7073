"""Quantum trajectories: the reference method of QTraj (arXiv:2107.06147), with exact no-jump part and known errors.

`Sampling` is one history: rounds of trajectories until a stop rule applies, then what was omitted and may be unseen.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, get_args

import numpy as np

from ..._checks import boolean, choice, instance, integer, number, positive, settle
from ..._types import Float
from ...errors import InputError, note
from ...physics.initial import InitialState
from ...physics.medium import History
from ...physics.model import LindbladModel
from ...radial.laguerre import LaguerreMesh
from ...radial.sine import SineGrid
from ...states import STATE_NAMES
from ..basis import basis_size, states_with
from ..density.propagate import components, missing
from ..density.resolution import FILTER, SOFT, energy_doublings_of, jump_range_of
from ..nojump.method import NoJump, check_dt, check_step
from ..nojump.on_sine import DEFAULT_DT
from ..parallel import Tally
from ..projection import Projection, checked_projection
from ..result import Progress, Solution
from ..thermal import check_jumps
from .ensemble import UNLIMITED
from .estimators import L_TRACKED, Sample
from .propagators import Propagators, make_propagators, next_order_refused
from .start_ensemble import Estimator, JumpRecord, StartEnsemble, StratifiedBatch, join_jumps
from .time_grid import graded_time_grid, uniform_time_grid

NOT_ESTIMATED = ("time step of the jumps", "grid of the jumps")

# Trajectories between two checks of the stop rules, and strata of a full round: seconds to a minute.
MESH_ROUND, SINE_ROUND = 4096, 256

# Trajectories of a batch on a mesh, where many share a matrix product; complex numbers of one on a sine grid: 1 MB, so
# that a step stays in the CPU's cache.
MESH_BATCH, SINE_VALUES = 4096, 1 << 16

# Mesh of the jumps, for bottomonium; scaled with the Bohr radius of other models.
DEFAULT_MESH = LaguerreMesh(64, 0.12)

# Distance in GeV^-1 of the places where the last jump is scored, if the steps are shorter.
NODE_SPACING = 0.05

# Added to the number of a history, for octet starts and for the trajectories that measure what `r_max` omits.
OCTET_KEY, OMITTED_KEY = 1 << 40, 1 << 41


@dataclass(frozen=True)
class QuantumTrajectories:
    """Survival with jumps by sampling quantum trajectories; the part without jumps is exact.

    Parameters
    ----------
    n : int
        Number of trajectories of each history and each color it starts in, or the largest number if `target_error` or
        `time_limit_s` is set.
    seed : int
        Seed. Trajectory j of history i takes the same random numbers in any batch and on any number of workers.
    grid : LaguerreMesh or SineGrid, optional
        Grid of the jumps; by default a mesh of 64 points, scaled with the Bohr radius of the model.
        On a mesh the part without jumps comes from ``NoJump()``, converged to 1e-5; on a sine
        grid from that grid itself.
    target_error : float, optional
        Stop when the statistical error of every survival of the start's l is below this fraction of it.
    time_limit_s : float, optional
        Stop after this time in seconds, shared evenly among the histories; at least one round is done.

    Other Parameters
    ----------------
    step : float
        Time step on a mesh in GeV^-1, as `NoJump.step`.
    dt : float, optional
        Time step on a sine grid in GeV^-1; by default 0.002.
    estimator : {"last_jump", "end_point"}
        Score every place where the last jump may happen (default), or the end of each trajectory: hundreds of times
        the variance, see `scoring`.
    projection : {"computed", "coulomb"} or StoredStates
        What to project on, see `projection_vectors`.
    max_jumps : int, optional
        End a trajectory that would jump once more. What that omits is measured on the first round and becomes the
        part ``max_jumps`` of the error.
    r_max : float
        Sample only r0 < r_max, QTraj's way to leave out early jumps. What that omits is measured on one round and
        becomes the part ``r_max`` of the error.
    jump_range : float, optional
        On a mesh: distance in GeV^-1 beyond which jumps count as lost, as for `DensityMatrix`.
    records : bool
        Keep every jump of every trajectory in ``result.jumps``, a `JumpRecord`.
    batch : int, optional
        Trajectories that are evolved together; changes nothing but speed and memory.
    workers : int
        Threads that evolve batches side by side; changes nothing but speed.

    Raises
    ------
    InputError
        If an argument is out of range, or the imaginary part of a complex potential is not that of noise, see `noise`.

    Warns
    -----
    AccuracyWarning
        If a survival rests on so few contributions that their scatter is no safe error; the part ``rare_events`` of
        the error then bounds what may not have been seen, at 95 % confidence.

    Notes
    -----
    Errors: ``statistical`` from the scatter of neighboring strata; those of the part without jumps. Time step and grid
    of the jumps are not estimated: on the baseline the defaults change survival by less than 1e-3 of it.
    """

    n: int = 4096
    seed: int = 0
    grid: LaguerreMesh | SineGrid | None = None
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
        if self.grid is not None:
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

    def solve(
        self,
        model: LindbladModel,
        histories: Sequence[History],
        initial: InitialState,
        checkpoints: Sequence[float],
        progress: Progress,
    ) -> Solution:
        """Return the overlaps of every history; called by `solve`, which has checked the arguments."""
        on_sine = isinstance(self.grid, SineGrid)
        if not model.is_lindblad:
            allowed = "be DensityMatrix() or NoJump() for the master equation at all orders in E/T"
            remedy = "It is no Lindblad equation, and jumps would need rates below zero. With positive=True the model "
            remedy += "is its completely positive twin, which has jumps."
            raise InputError("method", type(self).__name__, allowed, remedy)
        if not model.is_local and on_sine:
            raise next_order_refused(model, "QuantumTrajectories on a SineGrid")
        check_potential(self, model, histories)
        without_jumps = NoJump(projection=self.projection)
        if on_sine:
            without_jumps = replace(without_jumps, grid=self.grid, dt=self.dt)
        no_jump = without_jumps.solve(model, histories, initial, checkpoints, lambda done, total: None)
        count, work = len(histories), self.n * len(components(initial))
        tally = Tally(progress, count * work)
        end = time.monotonic() + (np.inf if self.time_limit_s is None else self.time_limit_s)

        def answer(i: int) -> Answer:
            # only numbers outlive this: propagators, backward states and batches fill 50 MB on a SineGrid(1023)
            sampling = Sampling(self, model, histories[i], initial, checkpoints, i, no_jump.overlap[i])
            now = time.monotonic()
            deadline = now + (end - now) / (count - i)  # an even share of what is left
            tally.until((i + 1) * work)
            found = sampling.run(deadline, tally.add)
            tally.reach()  # it may have stopped early
            return found

        answers = [answer(i) for i in range(count)]
        return _solution(no_jump, answers)

    def _grid(self, model: LindbladModel) -> LaguerreMesh | SineGrid:
        return DEFAULT_MESH.scaled(model.scales.length) if self.grid is None else self.grid


class Answer(NamedTuple):
    """What is kept of the sampling of one history: overlaps after at least one jump, (marks, 6), and their errors.

    With the diagnostics of a `Solution`, the stop rule that applied and the record of the jumps, if asked for.
    """

    mean: Float
    parts: dict[str, Float]
    diagnostics: dict[str, Float]
    stopped_by: str
    record: JumpRecord | None


def check_potential(
    method: QuantumTrajectories, model: LindbladModel, histories: Sequence[History] = ()
) -> None:
    """Raise `InputError` for a complex potential whose jumps are not known, or would have negative probabilities."""
    if model.has_width:
        r = method._grid(model).r
        check_jumps(model, histories, r, float(r[-1]))


def _solution(no_jump: Solution, answers: Sequence[Answer]) -> Solution:
    parts = {name: np.stack([answer.parts[name] for answer in answers]) for name in answers[0].parts}
    if not np.any(parts["rare_events"]):
        del parts["rare_events"]
    names = answers[0].diagnostics
    return replace(
        no_jump,
        overlap=no_jump.overlap + np.stack([answer.mean for answer in answers]),
        parts={**no_jump.parts, **parts},
        not_estimated=(*no_jump.not_estimated, *NOT_ESTIMATED),
        diagnostics={name: np.array([answer.diagnostics[name] for answer in answers]) for name in names},
        settings={"stopped_by": ", ".join(sorted({answer.stopped_by for answer in answers}))},
        jumps=tuple(answer.record for answer in answers),
    )


@dataclass(eq=False)
class Sampling:
    """Trajectories of history `number`, part of the key of its random numbers.

    `no_jump` (marks, 6) are the overlaps without any jump, which the target error counts too.
    """

    method: QuantumTrajectories
    model: LindbladModel
    history: History
    initial: InitialState
    checkpoints: Sequence[float]
    number: int
    no_jump: Float

    def __post_init__(self) -> None:
        method, grid, slow = self.method, self.method.grid, 1 / self.model.scales.energy
        if isinstance(grid, SineGrid):
            dt = slow * DEFAULT_DT if method.dt is None else method.dt
            stride, batch = max(1, int(slow * NODE_SPACING / dt)), max(16, SINE_VALUES // grid.num)
        else:
            stride, batch = 1, MESH_BATCH
        propagators = self._propagators()
        self._shares = components(self.initial)
        options = (method.estimator, stride, method.batch or batch, method.workers)
        self._start_ensembles = [
            StartEnsemble(propagators, self.initial, color, *options) for color, _ in self._shares
        ]
        marks = len(propagators.time_grid.marks)
        self._sample = Sample((marks, len(STATE_NAMES)))
        self._jumped = Sample((marks, 2 * (L_TRACKED + 1)))
        self._one_jump = self._mixed([ensemble.one_jump for ensemble in self._start_ensembles])
        self._own = [i for i, _ in states_with(self.initial.l)]

    def _propagators(self) -> Propagators:
        method, scales = self.method, self.model.scales
        grid = method._grid(self.model)
        problem = (self.model, self.history)
        if isinstance(grid, SineGrid):
            dt = DEFAULT_DT / scales.energy if method.dt is None else method.dt
            time_grid = uniform_time_grid(*problem, self.checkpoints, dt)
            return make_propagators(*problem, time_grid, grid, method.projection)
        time_grid = graded_time_grid(*problem, self.checkpoints, method.step)
        reach = method.jump_range or jump_range_of(time_grid.profile)
        # an early medium meets faster pairs
        doubled = scales.energy * 2.0 ** energy_doublings_of(self.history, scales.energy)
        size = None if self.model.is_local else basis_size(self.model, grid, SOFT.cut * doubled)
        return make_propagators(*problem, time_grid, grid, method.projection, reach, size, FILTER * doubled)

    def run(self, deadline: float, advance: Callable[[int], None]) -> Answer:
        """Sample until a stop rule applies; `advance` is called with numbers of trajectories, of each color."""
        method, stopped_by, first = self.method, "nothing to sample", 0
        asked = {"max_jumps": method.max_jumps is not None, "r_max": method.r_max < 1}
        names = ["statistical", "rare_events", *(name for name in asked if asked[name])]
        parts = dict.fromkeys(names, np.zeros_like(self._one_jump))
        rounds: list[list[StratifiedBatch]] = []
        # no trajectory of a cold history jumps
        if any(high > low * (1 + 1e-12) for low, high in self._norm_ranges):
            stopped_by = "n"
            for size in round_sizes(method):
                batches = self._round(first, size, advance=advance)
                scores = self._mixed([b.scores for b in batches])
                populations = self._mixed([b.populations for b in batches])
                self._sample.add(scores)
                self._jumped.add(populations.reshape(*populations.shape[:2], -1))
                if first == 0:
                    first_scores = scores
                if method.records:
                    rounds.append(batches)
                first += size
                if self._precise_enough():
                    stopped_by = "target_error"
                    break
                if time.monotonic() >= deadline:
                    stopped_by = "time_limit_s"
                    break
            parts = self._errors(first_scores)
        return self._answer(parts, stopped_by, rounds)

    def _answer(
        self, parts: dict[str, Float], stopped_by: str, rounds: Sequence[Sequence[StratifiedBatch]]
    ) -> Answer:
        start_ensembles, sample, jumped = self._start_ensembles, self._sample, self._jumped
        unjumped = self._mixed([ensemble.population for ensemble in start_ensembles])
        populations = unjumped + jumped.mean.reshape(unjumped.shape)
        by_color = jumped.covariance.reshape(-1, 2, L_TRACKED + 1, 2, L_TRACKED + 1).sum(axis=(2, 4))
        kept = np.zeros((2, 1))
        for ensemble, (color, share) in zip(start_ensembles, self._shares, strict=True):
            kept[color] = share * ensemble.norm_range[1]
        cut = missing(self.initial, kept)
        later = 1 - cut.sum() - populations[-1].sum()  # left out after the start
        diagnostics = {
            "population": populations,
            "population_error": jumped.error.reshape(unjumped.shape),
            "color_error": np.sqrt(np.diagonal(by_color, axis1=-2, axis2=-1)),
            "lost": np.array([later, cut.sum()]),
            "cut": cut,
            "covariance": sample.covariance[-1],
            "effective_contributions": sample.effective[-1],
            "trajectories": np.array(sample.n * len(start_ensembles)),  # as many from each color of the start
        }
        record = None
        if self.method.records:
            of_color = [[batches[i] for batches in rounds] for i in range(len(start_ensembles))]
            record = join_jumps([(c, p, mine) for (c, p), mine in zip(self._shares, of_color, strict=True)])
        return Answer(self._one_jump + sample.mean, parts, diagnostics, stopped_by, record)

    @property
    def _norm_ranges(self) -> list[tuple[float, float]]:
        return [ensemble.norm_range for ensemble in self._start_ensembles]

    def _round(
        self,
        first: int,
        size: int,
        *,
        omitted: bool = False,
        unlimited: bool = False,
        advance: Callable[[int], None] = lambda trajectories: None,
    ) -> list[StratifiedBatch]:
        """Return a round of every starting color; trajectory j starts in each, weighted with its probability."""
        method, rounds = self.method, []
        limit = UNLIMITED if unlimited or method.max_jumps is None else method.max_jumps
        record = method.records and not (omitted or unlimited)
        for ensemble in self._start_ensembles:
            low, high = ensemble.norm_range
            # first numbers below `low` never jump, above `high` the start has no norm
            edge = min(max(low, method.r_max), high)
            key = self.number + ensemble.color * OCTET_KEY + omitted * OMITTED_KEY
            r_range = (edge, high) if omitted else (low, edge)
            stratified = (method.seed, key), first, size, r_range, limit
            rounds.append(ensemble.round(*stratified, record=record, advance=advance))
        return rounds

    def _precise_enough(self) -> bool:
        own, sample = self._own, self._sample
        if self.method.target_error is None:
            return False
        # relative to all that survives, most of which never jumped and is exact
        total = np.abs(self.no_jump + self._one_jump + sample.mean)[-1, own]
        safe = np.all(sample.unseen(1.0)[-1, own] == 0)
        return bool(safe and np.all(sample.error[-1, own] <= self.method.target_error * total))

    def _errors(self, first_scores: Float) -> dict[str, Float]:
        """Return the statistical error, a bound where it is not safe, and what max_jumps and r_max leave out."""
        method, sample = self.method, self._sample
        rare = sample.unseen(max(high * np.log(high / low) for low, high in self._norm_ranges))
        few = {STATE_NAMES[i]: float(sample.effective[-1, i]) for i in self._own if rare[-1, i] > 0}
        note(_few_contributions, (self.number, sample.n, few))
        parts = {"statistical": sample.error, "rare_events": rare}
        size = round_sizes(method)[0]
        if method.max_jumps is not None:
            # the same trajectories, so that only those that would jump on differ
            free = self._mixed([r.scores for r in self._round(0, size, unlimited=True)])
            parts["max_jumps"] = _bound(free - first_scores)
        if method.r_max < 1:
            parts["r_max"] = _bound(self._mixed([r.scores for r in self._round(0, size, omitted=True)]))
        return parts

    def _mixed(self, values: Sequence[Float]) -> Float:
        return np.asarray(
            sum(share * value for (_, share), value in zip(self._shares, values, strict=True)), dtype=float
        )


def _few_contributions(noted: list[tuple[int, int, dict[str, float]]]) -> list[str]:
    """Say in how many histories a survival rests on few trajectories, and show the one with the fewest."""
    concerned = [each for each in noted if each[2]]
    if not concerned:
        return []
    number, n, few = min(concerned, key=lambda each: min(each[2].values()))
    counts = ", ".join(f"{count:.1f}" for count in few.values())
    where = f"history {number}"
    if len(noted) > 1:
        where = f"{len(concerned)} of {len(noted)} histories rest on few trajectories; in the worst, {where}"
    return [
        f"{where}: {n} trajectories leave only {counts} effective contributions to "
        f"{', '.join(few)}, so their scatter is no safe error; the part rare_events of the error bounds what was not "
        "seen (95 % confidence). Take more trajectories, estimator='last_jump', or DensityMatrix()."
    ]


def round_sizes(method: QuantumTrajectories) -> list[int]:
    """Return the sizes of the rounds; each has at least two trajectories, which an error needs."""
    largest = SINE_ROUND if isinstance(method.grid, SineGrid) else MESH_ROUND
    full, rest = divmod(method.n, largest)
    if rest == 1:
        return [largest] * (full - 1) + [largest - 1, 2]
    return [largest] * full + ([rest] if rest else [])


def _bound(scores: Float) -> Float:
    """Return a bound on the mean of a round of scores: its size and two standard errors."""
    sample = Sample((scores.shape[0], scores.shape[2]))
    sample.add(scores)
    return np.abs(sample.mean) + 2 * sample.error
