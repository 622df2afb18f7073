"""How long the answer takes, at which true error, and how much memory a large batch needs."""

from __future__ import annotations

import sys
import time
import warnings

import numpy as np

import qtraj as qt

from .common import MEDIUM, MODEL, START, TRUTH, Table, best_time, in_new_process

COLD = """
import qtraj as qt
model = qt.LindbladModel(qt.CoulombPotential(), qt.Transport(kappa="central", gamma=-1.75))
result = qt.solve(model, qt.Bjorken(T0=0.425, tau_fm=0.6, T_end=0.25), qt.GaussianState(width=0.2))
print(result.survival["1S"])
"""

MEMORY = """
import resource, sys
import numpy as np
import qtraj as qt
tau, T0 = np.geomspace(0.6, 6.0, 40), np.linspace(0.3, 0.45, 1000)
histories = qt.Histories(tau, T0[:, None] * (0.6 / tau) ** (1 / 3), T_end=0.25)
qt.solve(qt.LindbladModel(), histories, qt.GaussianState(), qt.DensityMatrix(error_budget=sys.argv[1] == "1"))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


FINER = qt.DensityMatrix(rtol=1e-4, error_budget=False)


def batch_of_64(quick: bool) -> Table:
    """Time a history in a batch of 64 baseline histories, warm, and the true error of what comes out."""
    rows = []
    tolerances = (1e-3,) if quick else (5e-3, 1e-3, 3e-4, 1e-4)
    for rtol in tolerances:
        for budget in (False, True):
            method = qt.DensityMatrix(rtol=rtol, error_budget=budget)
            seconds, result = best_time(lambda m=method: _solve([MEDIUM] * 64, m), 1 if quick else 3)
            found = {name: result.survival[name][0] for name in TRUTH}
            errors = [f"{abs(found[n].value / TRUTH[n] - 1):.1e}" for n in TRUTH]
            quoted = [f"{found[n].error / TRUTH[n]:.1e}" for n in TRUTH] if budget else ["-"] * 3
            rows.append(
                (f"{rtol:g}", "yes" if budget else "no", round(1e3 * seconds / 64, 2), *errors, *quoted)
            )
    return Table(
        "64 baseline histories in one call, warm",
        (
            "rtol",
            "error budget",
            "ms a history",
            *(f"true {n}" for n in TRUTH),
            *(f"quoted {n}" for n in TRUTH),
        ),
        tuple(rows),
        "Relative errors; the truth is known to 1e-5, 1e-4, 1.5e-4.",
    )


def next_order(quick: bool) -> Table:
    """Time a history beyond LO beside one at LO in a batch of 16, and the errors of all against finer runs."""
    rows, orders = [], {"LO": {}, "NLO": {"order": "NLO"}, "all orders": {"order": "all"}}
    orders["positive twin"] = {"order": "all", "positive": True}
    T0 = np.linspace(0.38, 0.46, 4 if quick else 16)
    for T_end in (0.25,) if quick else (0.25, 0.19):
        media, finer = [qt.Bjorken(T, 0.6, T_end) for T in T0], {}
        for budget in (False, True):
            seconds: dict[str, float] = {}
            method = qt.DensityMatrix(error_budget=budget)
            for order, of in orders.items():
                model = qt.LindbladModel(MODEL.potential, MODEL.transport, **of)
                if order not in finer:  # of every fifth history; its own error is below a fifth of any shown
                    finer[order] = qt.solve(model, media[::5], START, FINER)
                seconds[order], result = best_time(
                    lambda m=model, x=media, method=method: qt.solve(m, x, START, method),
                    1 if quick else 3,
                    time.process_time,
                )
                shown = {}
                for name in ("1S", "2S"):
                    truth, found = finer[order].survival[name], result.survival[name]
                    off = np.abs(found.value[::5] - truth.value)
                    shown[f"true {name}"] = f"{(off / truth.value).max():.1e}"
                    shown[f"quoted {name}"] = f"{(found.error / found.value).max():.1e}" if budget else "-"
                rows.append(
                    (
                        T_end,
                        "yes" if budget else "no",
                        order,
                        round(1e3 * seconds[order] / len(T0), 1),
                        round(seconds[order] / seconds["LO"], 2),
                        round(seconds[order] / seconds["NLO"], 2) if "NLO" in seconds else "-",
                        *shown.values(),
                    )
                )
    return Table(
        "Orders in E/T: histories with T0 from 380 to 460 MeV in one call, warm, rtol 1e-3, CPU time",
        (
            "T_end [GeV]",
            "error budget",
            "order",
            "ms a history",
            "over LO",
            "over NLO",
            "true 1S",
            "quoted 1S",
            "true 2S",
            "quoted 2S",
        ),
        tuple(rows),
        "Largest relative errors of the histories, true ones against rtol 1e-4.",
    )


def order_precision(quick: bool) -> Table:
    """CPU time and true errors of NLO beside LO, at two tolerances, and the ratio at the same true error."""
    rows, orders = [], {"LO": {}, "NLO": {"order": "NLO"}}
    T0, tolerances = np.linspace(0.38, 0.46, 4 if quick else 8), (3e-3, 1e-3)
    for T_end in (0.25,) if quick else (0.25, 0.19):
        media, finer = [qt.Bjorken(T, 0.6, T_end) for T in T0], {}
        for budget in (False,) if quick else (False, True):
            points = {}
            for order, of in orders.items():
                model = qt.LindbladModel(MODEL.potential, MODEL.transport, **of)
                if order not in finer:  # of every third history; its own error is some 1e-4 of 2S and 3S
                    # LO is cheap, and its 3S down to 190 MeV needs it
                    rtol = 1e-5 if model.is_local else 1e-4
                    method = qt.DensityMatrix(rtol=rtol, error_budget=False)
                    finer[order] = qt.solve(model, media[::3], START, method).survival
                for rtol in tolerances:
                    method = qt.DensityMatrix(rtol=rtol, error_budget=budget)
                    qt.solve(model, media, START, method)
                    started = time.process_time()
                    result = qt.solve(model, media, START, method)
                    ms = 1e3 * (time.process_time() - started) / len(media)
                    off = [
                        np.abs(result.survival[name].value[::3] / finer[order][name].value - 1).max()
                        for name in ("1S", "2S", "3S")
                    ]
                    points[order, rtol] = max(off), ms
                    error, cost = points["LO", rtol]
                    rows.append((T_end, "yes" if budget else "no", order, f"{rtol:g}", round(ms, 1)))
                    rows[-1] += (*(f"{x:.1e}" for x in off), round(ms / cost, 2))
                # its own cost at the largest error that LO has, between the tolerances
                errors, costs = np.log([points[order, rtol] for rtol in reversed(tolerances)]).T
                for k, rtol in enumerate(tolerances):
                    error, cost = points["LO", rtol]
                    # beyond its coarsest tolerance it is no cheaper, and then more accurate than asked
                    ratio = np.exp(np.interp(np.log(error), np.maximum.accumulate(errors), costs)) / cost
                    rows[k - len(tolerances)] += (round(float(ratio), 2),)
    return Table(
        "NLO beside LO: histories with T0 from 380 to 460 MeV in one call, warm",
        (
            "T_end [GeV]",
            "error budget",
            "order",
            "rtol",
            "CPU ms a history",
            "true 1S",
            "true 2S",
            "true 3S",
            "over LO, same rtol",
            "over LO, same error",
        ),
        tuple(rows),
        "Largest relative errors against rtol 1e-5 at LO, 1e-4 else; same error: the largest that LO has at that rtol.",
    )


def one_history(quick: bool) -> Table:
    """Time one history: the first answer of a new Python process, and the next ones."""
    cold = min(in_new_process(COLD)[0] for _ in range(1 if quick else 3))
    warm, _ = best_time(lambda: _solve(MEDIUM, qt.DensityMatrix()), 5)
    bare, _ = best_time(lambda: _solve(MEDIUM, qt.DensityMatrix(error_budget=False)), 5)
    no_jump, _ = best_time(lambda: _solve(MEDIUM, qt.NoJump()), 5)
    return Table(
        "One baseline history, default method",
        ("what", "time"),
        (
            ("new process: import, compilation, answer with error budget", f"{cold:.2f} s"),
            ("warm, with error budget", f"{1e3 * warm:.0f} ms"),
            ("warm, without error budget", f"{1e3 * bare:.0f} ms"),
            ("warm, no-jump part only (NoJump)", f"{1e3 * no_jump:.0f} ms"),
        ),
    )


def memory(quick: bool) -> Table:
    """Peak memory of a process that solves 1000 histories of different lengths."""
    unit = 1 if sys.platform == "darwin" else 1024
    rows = []
    for budget in (False,) if quick else (False, True):
        seconds, printed = in_new_process(MEMORY, ["1" if budget else "0"])
        rows.append(("yes" if budget else "no", round(int(printed) * unit / 1e9, 2), round(seconds, 1)))
    return Table(
        "1000 tabulated histories, T0 0.30 to 0.45 GeV, in a new process",
        ("error budget", "peak memory (GB)", "wall time (s)"),
        tuple(rows),
    )


def scaling(quick: bool) -> Table:
    """How the time of a history grows with mesh points, l_max, steps and the size of the batch."""
    base = {"points": 48, "l_max": 2, "step": 0.7, "batch": 16}
    ranges = {
        "points": (32, 48, 64, 96, 128),
        "l_max": (2, 3, 4, 6, 8),
        "step": (1.4, 0.7, 0.35, 0.175),
        "batch": (1, 2, 4, 8, 16, 64),
    }
    rows = []
    for name, values in ranges.items():
        for value in values[:2] if quick else values:
            c = base | {name: value}
            method = qt.DensityMatrix(
                mesh=qt.LaguerreMesh(c["points"], 6.7 / c["points"]),
                l_max=c["l_max"],
                step=c["step"],
                error_budget=False,
            )
            seconds, result = best_time(
                lambda m=method, n=c["batch"]: _solve([MEDIUM] * n, m), 1 if quick else 3
            )
            steps = int(np.max(result.diagnostics["steps"]))
            per_history = 1e3 * seconds / c["batch"]
            rows.append((name, value, steps, round(per_history, 2), round(1e3 * per_history / steps)))
    return Table(
        "Scaling around 48 points, l_max 2, step 0.7 GeV^-1, batch of 16",
        ("varied", "value", "steps", "ms a history", "us a step"),
        tuple(rows),
        "Points at a fixed end of the mesh; states up to 12 GeV are kept, so that matrices grow less than the mesh.",
    )


def _solve(medium, method):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", qt.AccuracyWarning)
        return qt.solve(MODEL, medium, START, method)
