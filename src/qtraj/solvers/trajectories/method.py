"""Quantum trajectories: the reference method of QTraj (arXiv:2107.06147), with exact no-jump part and known errors."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...physics.initial import InitialState
from ...physics.medium import History
from ...physics.model import LindbladModel
from ...radial.sine import SineGrid
from ..nojump.method import NoJump
from ..order import next_order_refused
from ..result import Progress, Solution
from .sampler import Answer, Sampling, round_sizes
from .settings import TrajectorySettings

Float = NDArray[np.float64]

NOT_ESTIMATED = ("time step of the jumps", "grid of the jumps")


@dataclass(frozen=True)
class QuantumTrajectories(TrajectorySettings):
    """Survival with jumps by sampling quantum trajectories; the part without jumps is exact.

    Parameters
    ----------
    n : int
        Number of trajectories of each history and each color it starts in, or the largest number if `target_error` or
        `time_limit_s` is set.
    seed : int
        Seed. Trajectory j of history i takes the same random numbers in any batch and on any number of workers.
    grid : LaguerreMesh or SineGrid
        Grid of the jumps. On a mesh the part without jumps comes from ``NoJump()``, converged to 1e-5; on a sine
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
        If an argument is out of range, or the potential has a width of its own and so no consistent jumps.

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

    def solve(
        self,
        model: LindbladModel,
        histories: Sequence[History],
        initial: InitialState,
        checkpoints: Sequence[float],
        progress: Progress,
    ) -> Solution:
        """Return the overlaps of every history; called by `solve`, which has checked the arguments."""
        if not model.is_local and isinstance(self.grid, SineGrid):
            raise next_order_refused(model, "QuantumTrajectories on a SineGrid")
        if not model.channels:
            raise InputError(
                "method",
                type(self).__name__,
                "be NoJump for a potential with a width of its own",
                "Such a width comes without jump operators.",
            )
        no_jump = self._without_jumps().solve(
            model, histories, initial, checkpoints, lambda done, total: None
        )
        rounds = len(round_sizes(self))
        started = time.monotonic()

        def answer(i: int) -> Answer:
            # only numbers outlive this: propagators, backward states and batches fill 50 MB on a SineGrid(1023)
            sampling = Sampling(self, model, histories[i], initial, checkpoints, i, no_jump.overlap[i])
            for done in sampling.run(self._deadline(started, i, len(histories))):
                progress(i * rounds + done, len(histories) * rounds)
            return sampling.answer()

        answers = [answer(i) for i in range(len(histories))]
        progress(len(histories) * rounds, len(histories) * rounds)
        return _solution(no_jump, answers)

    def _without_jumps(self) -> NoJump:
        if isinstance(self.grid, SineGrid):
            return NoJump(grid=self.grid, dt=self.dt, projection=self.projection)
        return NoJump(projection=self.projection)

    def _deadline(self, started: float, i: int, count: int) -> float:
        if self.time_limit_s is None:
            return float("inf")
        now = time.monotonic()
        return now + (self.time_limit_s - (now - started)) / (count - i)


def _solution(no_jump: Solution, answers: Sequence[Answer]) -> Solution:
    jumps = np.stack([answer.mean for answer in answers])
    parts = {name: np.stack([answer.parts[name] for answer in answers]) for name in answers[0].parts}
    if not np.any(parts["rare_events"]):
        del parts["rare_events"]
    return Solution(
        initial_overlap=no_jump.initial_overlap,
        overlap=no_jump.overlap + jumps,
        parts={**no_jump.parts, **parts},
        no_jump=no_jump.no_jump,
        no_jump_parts=no_jump.no_jump_parts,
        norm=no_jump.norm,
        norm_parts=no_jump.norm_parts,
        not_estimated=(*no_jump.not_estimated, *NOT_ESTIMATED),
        diagnostics={
            "population": np.stack([answer.populations for answer in answers]),
            "population_error": np.stack([answer.population_error for answer in answers]),
            "color_error": np.stack([answer.color_error for answer in answers]),
            "lost": np.stack([answer.lost for answer in answers]),
            "cut": np.stack([answer.cut for answer in answers]),
            "covariance": np.stack([answer.covariance for answer in answers]),
            "effective_contributions": np.stack([answer.effective for answer in answers]),
            "trajectories": np.array([answer.trajectories for answer in answers]),
        },
        settings={"stopped_by": ", ".join(sorted({answer.stopped_by for answer in answers}))},
        jumps=tuple(answer.record for answer in answers),
    )
