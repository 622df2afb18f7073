"""Dependence on the number of trajectories, and the noise of three estimators."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from cases.common import MEDIUM, MODEL, START, Table
from numpy.typing import NDArray

import qtraj as qt
from qtraj.states import STATE_NAMES

from . import exact, sampled
from .record import Record
from .reported import PAPER_TRAJECTORIES, STATES

Float = NDArray[np.float64]

ESTIMATORS = {"end_point": "no jump exact, end point", "last_jump": "no jump exact, last jump"}
PLAIN = "paper's mean"
POOL = 32_768
RUNS = 200
"""Runs of the paper's kind from which the spread is taken."""
WANTED = 0.1
"""Relative error asked for in the last table."""


def trajectories(record: Record) -> tuple[Table, ...]:
    """Change the number of trajectories."""
    numbers = (64, 256) if record.quick else (100, 1000, 10_000)
    plain = numbers if record.quick else (*numbers, PAPER_TRAJECTORIES)
    record.expect(2 + len(plain) + len(numbers) * len(ESTIMATORS))
    true = np.array(record.piece("without noise", lambda: _truth().tolist()))
    pool = _pool(record)
    found = {}
    for n in plain:
        found[PLAIN, n] = np.array(record.piece(f"{n}, paper's mean", lambda n=n: _plain(pool(), n)))
    for n in numbers:
        for name in ESTIMATORS:
            found[name, n] = np.array(record.piece(f"{n}, {name}", lambda n=n, e=name: _run(n, e)))
    moments = np.array(record.piece("moments", lambda: [pool().deviation.tolist(), pool().mean.tolist()]))
    return (
        _survivals(found, true[exact.S_WAVES]),
        _spreads(plain, found, true[exact.S_WAVES]),
        _needed(numbers[-1], found, moments[0], true),
    )


def _pool(record: Record) -> Callable[[], sampled.Pool]:
    """Return a function that makes the weighted sample when it is needed first."""
    made = []

    def get() -> sampled.Pool:
        if not made:
            made.append(sampled.pool(1024 if record.quick else POOL, seed=1))
        return made[0]

    return get


def _truth() -> Float:
    """Return without noise the survivals of S waves, ratios, and the overlaps of the others."""
    result = qt.solve(MODEL, MEDIUM, START, qt.DensityMatrix(rtol=1e-4))
    found = {**result.overlap, **result.survival}
    return np.array([float(found[name].value) for name in STATE_NAMES])


def _plain(pool: sampled.Pool, n: int) -> list[list[float]]:
    """Return mean and error of the first run, and the standard deviation of the means, (3, 6)."""
    means, errors = pool.runs(n, RUNS, seed=n)
    return [means[0].tolist(), errors[0].tolist(), means.std(axis=0, ddof=1).tolist()]


def _run(n: int, estimator: str) -> list[list[float]]:
    """Return mean, statistical error and bound on unseen events of a run, (3, 6)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", qt.AccuracyWarning)
        result = qt.solve(MODEL, MEDIUM, START, qt.QuantumTrajectories(n=n, seed=1, estimator=estimator))
    estimates = list({**result.overlap, **result.survival}.values())
    parts = [[float(e.parts.get(part, 0.0)) for e in estimates] for part in ("statistical", "rare_events")]
    return [[float(e.value) for e in estimates], *parts]


def _survivals(found, true: Float) -> Table:
    rows = []
    for name, title in {PLAIN: PLAIN, **ESTIMATORS}.items():
        for n in sorted(n for each, n in found if each == name):
            mean, error, _ = found[name, n][:, exact.S_WAVES]
            rows.append((title, n, *(f"{m:.5f} ± {e:.5f}" for m, e in zip(mean, error, strict=True))))
    rows.append(("density matrix", "none", *(f"{x:.5f}" for x in true)))
    return Table(
        "One run by each estimator",
        ("estimator", "trajectories", *STATES),
        tuple(rows),
        "Errors: scatter of the sample. End-point scoring with few trajectories rests on a handful of them: the "
        "package then adds a bound on what was not seen.",
    )


def _spreads(numbers, found, true: Float) -> Table:
    rows = []
    for n in numbers:
        spread = found[PLAIN, n][2][exact.S_WAVES] / true
        others = [_errors(found, name, n) / true for name in ESTIMATORS]
        rows.append((n, *(f"{100 * x:.2g} %" for values in (spread, *others) for x in values)))
    columns = [f"{title} {s}" for title in (PLAIN, *ESTIMATORS.values()) for s in STATES]
    return Table(
        "Relative noise against the number of trajectories",
        ("trajectories", *columns),
        tuple(rows),
        f"Paper's mean: spread of {RUNS} runs. The others: scatter of one run, too small where the rare pairs that "
        f"carry the mean were not seen (1S by end points); beyond "
        f"{numbers[-2]} extrapolated.",
    )


def _errors(found, name: str, n: int) -> Float:
    """Return the errors of a run, extrapolated from the largest one if there is none of this size."""
    last = max(k for each, k in found if each == name)
    known = min(n, last)
    return found[name, known][1][exact.S_WAVES] * np.sqrt(known / n)


def _needed(n: int, found, deviation: Float, true: Float) -> Table:
    rows = []
    for i, state in enumerate(STATE_NAMES):
        counts = [(deviation[i] / (WANTED * true[i])) ** 2]
        counts += [n * (found[name, n][1][i] / (WANTED * true[i])) ** 2 for name in ESTIMATORS]
        rows.append((state, f"{true[i]:.3e}", *(_rounded(count) for count in counts)))
    return Table(
        f"Trajectories needed for a standard error of {100 * WANTED:.0f} %",
        ("state", "survival", PLAIN, *ESTIMATORS.values()),
        tuple(rows),
        "1P, 2P, 1D from an S-wave start: raw overlaps. Extrapolated from the largest run; below 20, the answer is "
        "the part without jumps.",
    )


def _rounded(count: float) -> str:
    return f"{max(count, 1):.1g}" if count < 1e3 else f"{count:.1e}"
