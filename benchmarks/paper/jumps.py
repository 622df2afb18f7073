"""What is lost by following few jumps (maxJumps) or late first jumps only (rMax)."""

from __future__ import annotations

import warnings

import numpy as np
from cases.common import MEDIUM, MODEL, START, Table
from numpy.typing import NDArray

import qtraj as qt
from qtraj.states import STATE_NAMES

from . import exact
from .record import Record
from .reported import STATES

Float = NDArray[np.float64]


def max_jumps(record: Record) -> tuple[Table, ...]:
    """Change maxJumps."""
    # the last power told apart carries the error of those that are not: two jumps more than shown
    shown, step, l_max = (2, 0.7, 3) if record.quick else (6, 0.1, 7)
    most = shown + 2
    limits = (2,) if record.quick else (2, 4, 6)
    record.expect(2 + len(limits))
    exactly, at_jump, total = (
        np.array(x)
        for x in record.piece(
            "by number of jumps", lambda: [x.tolist() for x in exact.by_jumps(most, step=step, l_max=l_max)]
        )
    )

    def one_less() -> list[list[float]]:
        return exact.by_jumps(most, step=step, l_max=l_max, degree=exact.DEGREE - 1)[0].tolist()

    fewer = np.array(record.piece("one power less", one_less))
    unsure = np.max(np.abs(np.cumsum(fewer - exactly, axis=0) / total)[: shown + 1, exact.S_WAVES])
    sampled = {
        m: record.piece(
            f"sampled, at most {m}", lambda m=m: _sampled(256 if record.quick else 8_192, max_jumps=m - 1)
        )
        for m in limits
    }
    kept = np.cumsum(exactly, axis=0)
    # a stopped trajectory records its state, those with fewer jumps their own end
    recorded = np.vstack([np.zeros(6), kept[:-1]]) + at_jump
    recorded[0] = np.nan  # maxJumps 0 records the start of every trajectory
    order = [*exact.S_WAVES, *(i for i in range(6) if i not in exact.S_WAVES)]
    rows = []
    for m in range(shown + 1):
        kept_m, recorded_m = kept[m] / total, recorded[m] / total
        by_sample = [f"{v:.4f} ± {e:.4f}" for v, e in sampled[m]] if m in sampled else ["", "", ""]
        rows.append(
            (
                m,
                *(_share(kept_m[i]) for i in order),
                *by_sample,
                *(_share(recorded_m[i]) for i in exact.S_WAVES),
            )
        )
    names = [STATE_NAMES[i] for i in order]
    answer = Table(
        "Share of survival that is left with at most maxJumps jumps",
        (
            "maxJumps",
            *names,
            *(f"sampled {s}" for s in STATES),
            *(f"QTraj's rule {s}" for s in STATES),
        ),
        tuple(rows),
        "Without noise, from the density matrix with its jumps multiplied by a number, good to "
        f"{unsure:.0e} (S waves). Sampled: QuantumTrajectories of "
        "8 192 trajectories, last-jump scoring. QTraj's rule: a trajectory that is stopped records the overlaps of "
        "the state in which it stops, as if time had ended; it overestimates.",
    )
    return (answer,)


def r_max(record: Record) -> tuple[Table, ...]:
    """Change rMax: first jumps while the norm is above it lead nowhere."""
    step, l_max, n = (0.7, 3, 256) if record.quick else (0.175, 5, 8_192)
    limits = (0.5, 0.05) if record.quick else (0.5, 0.2, 0.1, 0.05, 0.03, 0.02, 0.015, 0.012)
    checked = limits[:1] if record.quick else (0.2, 0.05, 0.02)
    record.expect(2 + len(checked))
    edges = exact.edges_of(step / 4)
    norms = np.array(record.piece("norm in time", lambda: exact.no_jump_norms(edges).tolist()))
    times = np.interp(-np.log(limits), -np.log(norms), edges)
    shares = np.array(
        record.piece(
            "late jumps only",
            lambda: exact.with_late_jumps([0.0, *times.tolist(), exact.END], step=step, l_max=l_max).tolist(),
        )
    )
    sampled = {
        limit: record.piece(f"sampled, rMax {limit:g}", lambda r=limit: _sampled(n, r_max=r))
        for limit in checked
    }
    rows = []
    # the last one is the evolution without jumps: rMax = p
    for limit, share in zip((1.0, *limits, float(norms[-1])), shares / shares[0], strict=True):
        by_sample = [f"{v:.4f} ± {e:.4f}" for v, e in sampled[limit]] if limit in sampled else ["", "", ""]
        rows.append(
            (
                f"{limit:.4g}",
                *(_share(share[i]) for i in exact.S_WAVES),
                *by_sample,
                f"{_evolved(limit, norms):.4f}",
                f"{_work(limit, norms, edges):.4f}",
            )
        )
    answer = Table(
        "Share of survival that is left with first random numbers below rMax, and what it costs",
        (
            "rMax",
            *STATES,
            *(f"sampled {s}" for s in STATES),
            "trajectories evolved",
            "steps evolved",
        ),
        tuple(rows),
        "Without noise: jumps before the norm has fallen to rMax lead nowhere. Costs are relative to rMax 1. Last row: "
        "no jumps at all. Sampled: QuantumTrajectories of 8 192 trajectories, last-jump scoring.",
    )
    return (answer,)


def _evolved(limit: float, norms: Float) -> float:
    """Return how many trajectories have to be evolved, relative to rMax = 1."""
    return (limit - norms[-1]) / (1 - norms[-1])


def _work(limit: float, norms: Float, edges: Float) -> float:
    """Return how many steps have to be evolved, relative to rMax = 1, if each begins at its first jump."""

    def steps(r: float) -> float:
        # Int (END - t(r0)) dr0 from p to r; with t as the variable: who has jumped by then
        return float(np.trapezoid(np.maximum(r - norms, 0.0), edges))

    return steps(limit) / steps(1.0)


def _sampled(n: int, **settings: float) -> list[tuple[float, float]]:
    """Return the share of survival and its statistical error for 1S, 2S, 3S, by trajectories."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", qt.AccuracyWarning)
        few = qt.solve(MODEL, MEDIUM, START, qt.QuantumTrajectories(n=n, **settings))
    whole = exact.truth()[0]
    return [
        (float(few.survival[s].value / whole[i]), float(few.survival[s].parts["statistical"] / whole[i]))
        for i, s in enumerate(STATES)
    ]


def _share(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.4f}"
