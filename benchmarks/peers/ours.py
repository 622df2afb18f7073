"""The three methods of qtraj on the baseline."""

from __future__ import annotations

import warnings
from functools import lru_cache, partial
from typing import Any

import numpy as np
from cases.common import MEDIUM, MODEL, START, TRUTH

import qtraj as qt

from .points import Answer, Survival, Task

BATCH = 64
"""Histories in one call: from some ten on nothing more is gained."""

FINEST = qt.NoJump(grid=qt.LaguerreMesh(160, 0.06), step=0.05, error_budget=False)
"""The part without jumps, twice as fine in everything as the default; the default agrees with it to 1e-6."""

SINE = qt.SineGrid(num=1023, length=40.0)
SINE_DT = 0.005


def tasks(quick: bool) -> list[Task]:
    """Return all settings of all methods."""
    return [*_density(quick), *_no_jump(quick), *_mesh_trajectories(quick), *_sine_trajectories(quick)]


@lru_cache(maxsize=1)
def without_jump() -> Survival:
    """Return the survival without any jump."""
    return _answer(FINEST, "no_jump").survival


@lru_cache(maxsize=8)
def sine_floor(grid: qt.SineGrid, dt: float) -> tuple[tuple[str, float], ...]:
    """Return the discretization error of the no-jump part on a sine grid, relative to the whole survival."""
    found = _answer(qt.NoJump(grid=grid, dt=dt, error_budget=False), "no_jump").survival
    return tuple((n, (found[n] - without_jump()[n]) / truth) for n, truth in TRUTH.items())


def never_jumped() -> float:
    """Return the share of the pairs that never jump."""
    return float(_solve(FINEST).norm.value)


def _density(quick: bool) -> list[Task]:
    found = []
    for rtol in (5e-3, 1e-3) if quick else (5e-3, 1e-3, 3e-4, 1e-4, 3e-5):
        setting, bare = f"rtol {rtol:g}", qt.DensityMatrix(rtol=rtol, error_budget=False)
        found.append(Task("DensityMatrix", setting, partial(_answer, bare)))
        if rtol >= 3e-4:
            budget = qt.DensityMatrix(rtol=rtol)
            found.append(Task("DensityMatrix, error budget", setting, partial(_answer, budget)))
        if rtol >= 3e-4 and not quick:
            call = partial(_answer, bare, count=BATCH)
            found.append(Task(f"DensityMatrix, {BATCH} in one call", setting, call, share=BATCH))
    return found


def _no_jump(quick: bool) -> list[Task]:
    return [
        Task(
            "NoJump (that part only)",
            f"step {step:g}",
            partial(_answer, qt.NoJump(step=step, error_budget=False), "no_jump"),
            truth=without_jump(),
        )
        for step in ((0.4,) if quick else (1.6, 0.8, 0.4, 0.2))
    ]


def _mesh_trajectories(quick: bool) -> list[Task]:
    return [
        Task(
            "QuantumTrajectories, mesh",
            f"n {n}",
            partial(_answer, qt.QuantumTrajectories(n=n)),
            floor=lambda: dict(mesh_floor(1024 if quick else 8192)),
        )
        for n in ((1024,) if quick else (1024, 4096, 16_384))
    ]


@lru_cache(maxsize=2)
def mesh_floor(n: int) -> tuple[tuple[str, float], ...]:
    """Return the relative error of the default time step, from runs at it and at half of it.

    Both take the same random numbers, so that most of the noise cancels; the error falls as the square of the step.
    """
    step = qt.QuantumTrajectories().step
    coarse, fine = (_answer(qt.QuantumTrajectories(n=n, step=s)).survival for s in (step, step / 2))
    return tuple((name, (coarse[name] - fine[name]) / 0.75 / truth) for name, truth in TRUTH.items())


def _sine_trajectories(quick: bool) -> list[Task]:
    return [
        Task(
            "QuantumTrajectories, sine grid",
            f"n {n}, num {SINE.num}, dt {SINE_DT}",
            partial(_answer, qt.QuantumTrajectories(n=n, grid=SINE, dt=SINE_DT)),
            floor=lambda: dict(sine_floor(SINE, SINE_DT)),
            long=True,
        )
        for n in (() if quick else (32, 128))
    ]


def _answer(method: Any, part: str = "survival", count: int = 1) -> Answer:
    result = _solve(method, count)
    estimates = getattr(result, part)
    values = {n: float(np.ravel(estimates[n].value)[0]) for n in TRUTH}
    if not isinstance(method, qt.QuantumTrajectories):
        return Answer(values)
    return Answer(values, {n: float(estimates[n].parts["statistical"]) for n in TRUTH}, method.n)


def _solve(method: Any, count: int = 1) -> qt.Result:
    with warnings.catch_warnings():
        # coarse settings are measured on purpose
        warnings.simplefilter("ignore", qt.AccuracyWarning)
        return qt.solve(MODEL, MEDIUM if count == 1 else [MEDIUM] * count, START, method)
