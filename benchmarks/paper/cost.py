"""Cost against num, and the paper's fit A NUM^B log NUM."""

from __future__ import annotations

import warnings

import numpy as np
from cases.common import MEDIUM, MODEL, START, Table
from numpy.typing import NDArray

import qtraj as qt
from qtraj.solvers.trajectories.propagators_dipole import SinePropagators
from qtraj.solvers.trajectories.time_grid import uniform_time_grid

from .record import Record
from .reported import (
    CPP_NUM,
    CPP_SECONDS,
    CPP_SLOW_NUM,
    CPP_SLOW_SECONDS,
    PAPER_SECONDS,
    PAPER_STEPS,
)
from .timing import cpu_time

Float = NDArray[np.float64]

BATCH_VALUES = 1 << 16
LENGTH, DT = 80.0, 0.001
FASTEST = "fftw, 2^n - 1"
CACHED = 16_383
"""Largest num whose states and factors stay in a cache of 1 MB or so."""


def cost(record: Record) -> tuple[Table, ...]:
    """Time a split step and whole trajectories for many num."""
    powers = range(7, 9) if record.quick else range(9, 19)
    slow = range(7, 8) if record.quick else range(9, 15)
    whole = (63, 127) if record.quick else (1023, 2047, 4095)
    record.expect(2 * len(powers) + len(slow) + len(whole))
    series: dict[str, dict[int, float]] = {FASTEST: {}, "scipy, 2^n - 1": {}, "fftw, 2^n": {}}
    for n in powers:
        for name, transform in ((FASTEST, "fftw"), ("scipy, 2^n - 1", "scipy")):
            num = 2**n - 1
            series[name][num] = record.piece(
                f"{name}, {num}", lambda m=num, t=transform: _step(m, t, record.quick)
            )
    for n in slow:
        series["fftw, 2^n"][2**n] = record.piece(
            f"fftw, {2**n}", lambda m=2**n: _step(m, "fftw", record.quick)
        )
    entire = {n: record.piece(f"trajectories, {n}", lambda n=n: _trajectory(n, record.quick)) for n in whole}
    return _steps(series), _fits(series), _trajectories(entire)


def _step(num: int, transform: str, quick: bool) -> float:
    """Return milliseconds of a step of one state in a batch that fits the cache, medium included."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", qt.errors.PerformanceWarning)
        grid = qt.SineGrid(num, LENGTH, transform)
    propagators = SinePropagators(MODEL, MEDIUM, uniform_time_grid(MODEL, MEDIUM, [], 0.01), grid, "coulomb")
    first = int(np.argmax(propagators.time_grid.active))
    count = max(1, BATCH_VALUES // num)
    states = np.repeat(propagators.start(START, 0)[None].astype(complex), count, axis=0)
    sectors = np.zeros(count, dtype=np.int64)
    steps = 2 if quick else max(3, 40_000 // num)

    def ensemble() -> None:
        for step in range(first, first + steps):
            propagators.advance(states, sectors, step)

    seconds, _ = cpu_time(ensemble, 1 if quick else 3)
    return 1e3 * seconds / (count * steps)


def _trajectory(num: int, quick: bool) -> dict[str, float]:
    """Return seconds of one trajectory at dt 0.001, from two runs of other sizes with longer steps."""
    dt, few, many = (0.04, 2, 6) if quick else (0.01, 8, 40)
    found = {}
    for estimator in ("end_point", "last_jump"):
        times = []
        for n in (few, many):
            method = qt.QuantumTrajectories(
                n=n, grid=qt.SineGrid(num, LENGTH / 2, "fftw"), dt=dt, estimator=estimator
            )
            seconds, _ = cpu_time(lambda m=method: _solve(m), 1, warm=n == few)
            times.append(seconds)
        found[estimator] = (times[1] - times[0]) / (many - few) * dt / DT
    return found


def _solve(method: qt.QuantumTrajectories) -> qt.Result:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", qt.AccuracyWarning)
        return qt.solve(MODEL, MEDIUM, START, method)


def fit(num: Float, times: Float) -> tuple[float, float, float]:
    """Return A, B of A num^B log num, and the largest relative deviation from it."""
    x, y = np.log(num), np.log(times / np.log(num))
    B, log_A = np.polyfit(x, y, 1)
    return float(np.exp(log_A)), float(B), float(np.max(np.abs(np.expm1(y - (log_A + B * x)))))


def _steps(series: dict[str, dict[int, float]]) -> Table:
    cpp = {int(n): 1e3 * s / PAPER_STEPS for n, s in zip(CPP_NUM, CPP_SECONDS, strict=True)}
    cpp_slow = {int(n): 1e3 * s / PAPER_STEPS for n, s in zip(CPP_SLOW_NUM, CPP_SLOW_SECONDS, strict=True)}
    rows = []
    for num, fast in series[FASTEST].items():
        slow, theirs, theirs_slow = series["fftw, 2^n"].get(num + 1), cpp.get(num), cpp_slow.get(num + 1)
        rows.append(
            (
                num,
                f"{fast:.4g}",
                f"{series['scipy, 2^n - 1'][num]:.4g}",
                _or_dash(slow),
                "-" if slow is None else f"{slow / fast:.1f}",
                _or_dash(theirs),
                _or_dash(theirs_slow),
                "-" if theirs is None else f"{theirs / fast:.1f}",
            )
        )
    return Table(
        "CPU time of one split step of one state in the medium, ms, one thread",
        (
            "num = 2^n - 1",
            "FFTW",
            "SciPy",
            "FFTW, num + 1",
            "2^n / 2^n - 1",
            "C++",
            "C++, num + 1",
            "C++ / FFTW",
        ),
        tuple(rows),
        "Here: batches of 65 536 numbers or one state, best of 3. C++: QTraj-NLO 2.1, 11 900 steps without "
        "jumps on one core of an AMD EPYC.",
    )


def _fits(series: dict[str, dict[int, float]]) -> Table:
    measured = {f"here, {name}": times for name, times in series.items()}
    for name, nums, seconds in (
        ("C++, 2^n - 1 (AMD EPYC)", CPP_NUM, CPP_SECONDS),
        ("C++, 2^n (AMD EPYC)", CPP_SLOW_NUM, CPP_SLOW_SECONDS),
    ):
        measured[name] = dict(zip(nums.tolist(), (1e3 * seconds / PAPER_STEPS).tolist(), strict=True))
    cached = {num: t for num, t in series[FASTEST].items() if num <= CACHED}
    measured[f"here, {FASTEST}, in the cache"] = cached
    rows = []
    for name, times in measured.items():
        if len(times) > 2:
            A, B, off = fit(np.array(list(times)), np.array(list(times.values())))
            rows.append((name, f"{min(times)} to {max(times)}", f"{A:.2e}", f"{B:.3f}", f"{100 * off:.0f} %"))
    rows.append(("paper (Xeon E5-2630 v3)", "512 to 2.5e5", "-", "about 1", "5 %"))
    return Table(
        "Fits of A NUM^B log NUM to the time of a step in ms",
        ("program", "num", "A (ms)", "B", "largest deviation"),
        tuple(rows),
        "Large grids leave the cache of this CPU, which no such fit knows.",
    )


def _trajectories(entire: dict[int, dict[str, float]]) -> Table:
    rows = [
        (
            num,
            f"{each['end_point']:.3g}",
            f"{each['last_jump']:.3g}",
            f"{PAPER_SECONDS:g}" if num == 4095 else "-",
        )
        for num, each in entire.items()
    ]
    return Table(
        "CPU seconds of a whole baseline trajectory on the sine grid, dt 0.001, any number of jumps, one thread",
        ("num", "end-point scoring", "last-jump scoring", "paper"),
        tuple(rows),
        "Marginal cost from runs of 40 and 8 trajectories at dt 0.01, times 10; FFTW, L 40. A trajectory here "
        "begins at its first jump. Paper: num 4096, Xeon E5-2630 v3.",
    )


def _or_dash(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
