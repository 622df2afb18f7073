"""One way to the answer is a Task; what it took and what came out is a Point. Tasks are timed in turns."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from cases.common import TRUTH

Survival = dict[str, float]


@dataclass(frozen=True)
class Answer:
    """Survivals, and for sampling methods the standard error of each and the number of trajectories."""

    survival: Survival
    noise: Survival | None = None
    trajectories: int = 0


@dataclass(frozen=True)
class Task:
    """One setting of one method.

    Parameters
    ----------
    curve, setting : str
        Name of the method, and what was chosen in it.
    run : callable
        Returns the `Answer`.
    limit : callable, optional
        Returns what the method would answer in its own space without error of time integration.
    floor : callable, optional
        Returns the relative discretization error of each state, for sampling methods that do not resolve it.
    truth : mapping
        True survivals.
    prepare : callable, optional
        Compiles; timed once. Without it the first run is taken for that.
    share : int
        Histories in the call: times are divided by it.
    long : bool
        Run once and never in a quick run.
    """

    curve: str
    setting: str
    run: Callable[[], Answer]
    limit: Callable[[], Survival] | None = None
    floor: Callable[[], Survival] | None = None
    truth: Survival = field(default_factory=lambda: TRUTH)
    prepare: Callable[[], Any] | None = None
    share: int = 1
    long: bool = False


@dataclass
class Point:
    """What a task took and gave; errors are relative to the true survival, with sign.

    Attributes
    ----------
    wall_s, cpu_s : float
        Shortest of the warm runs, a history: other loads of the machine only add.
    first_s : float
        Wall time of the first run, or of the preparation.
    runs : int
        Number of warm runs.
    error : mapping
        Difference from the truth.
    noise : mapping
        Standard error of a sampling method; empty otherwise.
    floor : mapping
        Error of the discretization alone, where known.
    time_error : mapping
        Difference from `Task.limit` where known: what a smaller tolerance removes.
    """

    curve: str
    setting: str
    wall_s: float = np.inf
    cpu_s: float = np.inf
    first_s: float = 0.0
    runs: int = 0
    trajectories: int = 0
    error: Survival = field(default_factory=dict)
    noise: Survival = field(default_factory=dict)
    floor: Survival = field(default_factory=dict)
    time_error: Survival = field(default_factory=dict)

    def expected_error(self, state: str) -> float:
        """Return the absolute error to expect: that found, or noise and floor in quadrature for a sampling method."""
        if self.noise:
            return float(np.hypot(self.noise[state], self.floor.get(state, 0.0)))
        return abs(self.error[state])

    def as_dict(self) -> dict[str, Any]:
        """Return the point for a JSON file."""
        return asdict(self)


def measured(tasks: Sequence[Task], rounds: int, report: Callable[[str], None]) -> list[Point]:
    """Run all tasks in turns, `rounds` times (long ones once), and return a point for each.

    Each round takes every task once, so that a load that comes and goes meets all methods alike.
    """
    points = [Point(t.curve, t.setting) for t in tasks]
    for task, point in zip(tasks, points, strict=True):
        report(f"{task.curve}, {task.setting}: first")
        if task.prepare or not task.long:
            point.first_s, _, _ = timed(task.prepare or task.run)
    for i in range(rounds):
        for task, point in zip(tasks, points, strict=True):
            if i == 0 or not task.long:
                report(f"{task.curve}, {task.setting}: run {i + 1}")
                _run(task, point)
    return points


def timed(call: Callable[[], Any]) -> tuple[float, float, Any]:
    """Return (wall time in s, CPU time of the process in s, result)."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = call()
    return time.perf_counter() - wall, time.process_time() - cpu, result


def _run(task: Task, point: Point) -> None:
    wall, cpu, answer = timed(task.run)
    point.wall_s, point.cpu_s = min(point.wall_s, wall / task.share), min(point.cpu_s, cpu / task.share)
    point.runs += 1
    point.trajectories = answer.trajectories
    point.error = {n: answer.survival[n] / truth - 1 for n, truth in task.truth.items()}
    if answer.noise:
        point.noise = {n: answer.noise[n] / truth for n, truth in task.truth.items()}
    if task.limit:
        limit = task.limit()
        point.floor = {n: limit[n] / truth - 1 for n, truth in task.truth.items()}
        point.time_error = {n: (answer.survival[n] - limit[n]) / truth for n, truth in task.truth.items()}
    elif task.floor:
        point.floor = task.floor()
