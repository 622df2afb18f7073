"""Quantum trajectories: time of one, error at a given number, last-jump against end-point scoring, memory."""

from __future__ import annotations

import sys
import warnings

import numpy as np

import qtraj as qt

from .common import MEDIUM, MODEL, START, TRUTH, Table, best_time, in_new_process

CPP_SECONDS = (1.24, 11.0)
"""Seconds of a trajectory of QTraj-NLO 2.1, num 4096, at most 6 jumps and any number; one core of an AMD EPYC."""

MEMORY = """
import resource, sys, warnings
import qtraj as qt
warnings.simplefilter("ignore")
qt.solve(qt.LindbladModel(), qt.Bjorken(T0=0.425, tau_fm=0.6, T_end=0.25), qt.GaussianState(),
         qt.QuantumTrajectories(n=int(sys.argv[1])))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def mesh_trajectories(quick: bool) -> Table:
    """Time of a whole baseline trajectory on the mesh, and what the step costs in accuracy."""
    rows = []
    n = 4096 if quick else 131_072
    for step in (0.3,) if quick else (0.6, 0.3, 0.15):
        seconds, _ = best_time(lambda s=step: _solve(n=4096, step=s), 1 if quick else 5)
        many = _solve(n=n, step=step)
        off = [f"{many.survival[s].value / TRUTH[s] - 1:+.1e}" for s in TRUTH]
        noise = [f"{many.survival[s].parts['statistical'] / TRUTH[s]:.1e}" for s in TRUTH]
        each = seconds / 4096
        ratios = " to ".join(f"{cpp / each:.0f}" for cpp in CPP_SECONDS)
        rows.append((step, f"{1e3 * each:.3f}", ratios, *off, *noise))
    return Table(
        "Baseline trajectories on the default mesh, one thread",
        (
            "step (1/GeV)",
            "ms a trajectory",
            "C++ / ours",
            *(f"off {s}" for s in TRUTH),
            *(f"noise {s}" for s in TRUTH),
        ),
        tuple(rows),
        f"Relative difference from the density matrix, and statistical error, of {n} trajectories. C++: 1.24 to 11 s.",
    )


def sine_trajectories(quick: bool) -> Table:
    """Time of a trajectory-step on the sine grid, everything included: jumps, scores, several sectors."""
    rows = []
    medium = qt.ConstantTemperature(T=0.4, tau_fm=0.1, duration_fm=0.1 if quick else 0.4)
    for num, cpp in {1023: 1.2 / 11_900, 2047: 2.5 / 11_900}.items():
        for transform in ("scipy", "fftw"):
            settings = {"grid": qt.SineGrid(num, 40.0, transform), "dt": 0.002, "projection": "coulomb"}
            few, many = (best_time(lambda m=n, s=settings: _solve(medium, n=m, **s), 1)[0] for n in (64, 192))
            # the jumps are spread over the medium, so a trajectory marches through half of its steps
            steps = (medium.active[0][1] - medium.active[0][0]) / 0.002
            share = _share_of_steps(medium, settings)
            each = (many - few) / 128 / (steps * share)
            rows.append((num, transform, f"{1e3 * each:.3f}", f"{1e3 * cpp:.3f}", f"{cpp / each:.1f}"))
    return Table(
        "Trajectory-step on the sine grid, jumps and scores included, one thread",
        ("num", "transform", "ms a trajectory-step", "C++ (no jumps)", "C++ / ours"),
        tuple(rows),
        "From the difference of 192 and 64 trajectories; C++: QTraj-NLO 2.1 on one core of an AMD EPYC.",
    )


def estimators(quick: bool) -> Table:
    """Variance times work of end-point scoring over that of last-jump scoring, same trajectories."""
    n = 8192 if quick else 65_536
    work = {}
    for name in ("last_jump", "end_point"):
        seconds, result = best_time(lambda e=name: _solve(n=n, estimator=e), 1)
        errors = np.array([result.survival[s].parts["statistical"] for s in TRUTH])
        work[name] = errors**2, seconds
    (last, last_s), (end, end_s) = work["last_jump"], work["end_point"]
    rows = [
        (s, f"{np.sqrt(a):.1e}", f"{np.sqrt(b):.1e}", round(b / a), round(b * end_s / (a * last_s)))
        for s, a, b in zip(TRUTH, last, end, strict=True)
    ]
    return Table(
        f"Last-jump against end-point scoring, {n} baseline trajectories",
        ("state", "error, last jump", "error, end point", "variance ratio", "at equal work"),
        tuple(rows),
    )


def sampling_memory(quick: bool) -> Table:
    """Peak memory of a process against the number of trajectories."""
    unit = 1 if sys.platform == "darwin" else 1024
    rows = []
    for n in (1024, 8192) if quick else (1024, 8192, 65_536):
        _, printed = in_new_process(MEMORY, [str(n)])
        rows.append((n, round(int(printed) * unit / 1e6)))
    return Table("Memory of trajectories, new process", ("trajectories", "peak memory (MB)"), tuple(rows))


def _share_of_steps(medium, settings) -> float:
    """Return the mean part of the medium that a trajectory marches through after its first jump."""
    result = _solve(medium, n=64, records=True, **settings)
    start, end = (t * qt.units.HBARC for t in medium.active[0])
    first = [result.jumps.of(j)[0][0] for j in range(64) if result.jumps.of(j)]
    return float(np.mean((end - np.array(first)) / (end - start)))


def _solve(medium=MEDIUM, **settings):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", qt.AccuracyWarning)
        return qt.solve(MODEL, medium, START, qt.QuantumTrajectories(**settings))
