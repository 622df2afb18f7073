"""How the cost grows with points, l_max, histories and cores, and a GPU where there is one."""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
from cases.common import MEDIUM, MODEL, START, Table, in_new_process

import qtraj as qt

from . import with_dynamiqs, with_qutip
from .bases import SPACES, Space
from .points import timed

SHARE = 0.02
"""Part of the medium that the peers march through here: enough for some ten steps."""
PEER_RTOL = 1e-4

POINTS, L_MAX = (32, 48, 64, 96), (2, 3, 4, 6)
PEER_POINTS, PEER_L_MAX = (24, 36, 48), (1, 2, 3)
HISTORIES = (1, 4, 16, 64)

CHILD = """
import os, sys
cores = int(sys.argv[1])
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = str(cores)
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
sys.path.insert(0, sys.argv[2])
from peers.scaling import timed_jobs
timed_jobs(cores)
"""


def points(quick: bool) -> Table:
    """CPU time against mesh points, at a fixed end of the mesh."""
    rows = []
    for n in POINTS[:2] if quick else POINTS:
        rows.append(_row("qtraj DensityMatrix", n, _history(n, 2), None))
    for n in PEER_POINTS[:1] if quick else PEER_POINTS:
        rows += _peers(n, Space(qt.LaguerreMesh(n, 6.7 / n), 5.0, 1))
    return _table("Mesh points (l_max 2 here, 1 for the peers)", "points", rows)


def l_max(quick: bool) -> Table:
    """CPU time against l_max."""
    rows = []
    for l in L_MAX[:2] if quick else L_MAX:
        rows.append(_row("qtraj DensityMatrix", l, _history(48, l), None))
    for l in PEER_L_MAX[:1] if quick else PEER_L_MAX:
        rows += _peers(l, Space(qt.LaguerreMesh(24, 6.7 / 24), 5.0, l))
    return _table("l_max (48 points here, 24 for the peers)", "l_max", rows)


def histories(quick: bool) -> Table:
    """CPU time a history against the histories in one call."""
    rows = []
    for n in HISTORIES[:2] if quick else HISTORIES:
        _, cpu = _best(lambda n=n: _solve(qt.DensityMatrix(error_budget=False), n), 2)
        rows.append(("qtraj DensityMatrix", n, f"{1e3 * cpu / n:.1f}"))
    note = "QuTiP and dynamiqs solve one history after the other: their cost is proportional to the number."
    return Table("Histories in one call", ("method", "histories", "CPU ms a history"), tuple(rows), note)


def cores(quick: bool) -> Table:
    """Wall time with one and with two cores, each in a process of its own."""
    folder = str(Path(__file__).parents[1])
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    counts = [n for n in (1, 2) if n <= (1 if quick else available)]
    found = {}
    for n in counts:
        _, printed = in_new_process(CHILD, [str(n), folder])
        found[n] = json.loads(printed.splitlines()[-1])
    rows = [
        (
            job,
            *(f"{found[n][job]:.2f}" for n in counts),
            f"{found[counts[0]][job] / found[counts[-1]][job]:.2f}",
        )
        for job in found[1]
    ]
    columns = ("job", *(f"wall s, {n} core" + "s" * (n > 1) for n in counts), "speed-up")
    load = f"{os.getloadavg()[0]:.1f}"
    note = f"Load of the machine meanwhile {load}: above the number of cores the second core was shared with others."
    return Table("Cores", columns, tuple(rows), note)


def gpu(quick: bool) -> Table:
    """64 histories on the GPU and on the CPU; a line that says so where JAX sees no GPU."""
    columns = ("device", "ms a history")
    try:
        devices = [jax.devices("gpu")[0], jax.devices("cpu")[0]]
    except RuntimeError:
        return Table("GPU", columns, (("no GPU here", "-"),))
    rows = []
    for device in devices:
        with jax.default_device(device):
            wall, _ = _best(lambda: _solve(qt.DensityMatrix(error_budget=False), 64), 1 if quick else 3)
        rows.append((device.device_kind, f"{1e3 * wall / 64:.2f}"))
    return Table("GPU", columns, tuple(rows), "Wall time.")


def timed_jobs(count: int) -> None:
    """Print the wall times of warm jobs on `count` cores as JSON; called in a process of its own."""
    many = qt.QuantumTrajectories(n=8192, workers=count)
    jobs = {
        "qtraj DensityMatrix, 64 histories": lambda: _solve(qt.DensityMatrix(error_budget=False), 64),
        "qtraj QuantumTrajectories, mesh, n 8192": lambda: _solve(many, 1),
        "QuTiP mesolve, dimension 60": lambda: with_qutip.mesolve(SPACES[0], PEER_RTOL),
        "QuTiP mcsolve, dimension 60, n 32": lambda: with_qutip.mcsolve(SPACES[0], 32, workers=count),
    }
    if with_dynamiqs.INSTALLED:
        jobs["dynamiqs mesolve, dimension 60"] = lambda: with_dynamiqs.mesolve(SPACES[0], PEER_RTOL)
    sys.stdout.write(json.dumps({name: _best(job, 2)[0] for name, job in jobs.items()}) + "\n")


def _peers(value: int, space: Space) -> list[tuple[Any, ...]]:
    calls = {"QuTiP mesolve": lambda: with_qutip.mesolve(space, PEER_RTOL, SHARE)}
    if with_dynamiqs.INSTALLED:
        calls["dynamiqs mesolve"] = lambda: with_dynamiqs.mesolve(space, PEER_RTOL, SHARE)
    return [_row(name, value, call, space.dimension) for name, call in calls.items()]


def _row(name: str, value: int, call: Callable[[], Any], dimension: int | None) -> tuple[Any, ...]:
    _, cpu = _best(call, 2)
    return (name, value, "-" if dimension is None else dimension, f"{1e3 * cpu:.1f}")


def _table(title: str, varied: str, rows: list[tuple[Any, ...]]) -> Table:
    note = f"QuTiP and dynamiqs: the first {100 * SHARE:g} % of the medium. "
    return Table(
        title,
        ("method", varied, "dimension of rho", "CPU ms"),
        tuple(sorted(rows, key=lambda row: row[0], reverse=True)),
        note + _growth(rows),
    )


def _growth(rows: list[tuple[Any, ...]]) -> str:
    """Return the powers with which the cost grows, from the first and the last row of each method."""
    words = []
    for name in sorted({row[0] for row in rows}, reverse=True):
        mine = [row for row in rows if row[0] == name]
        if len(mine) > 1:
            (_, a, _, low), (_, b, _, high) = mine[0], mine[-1]
            words.append(f"{name} {np.log(float(high) / float(low)) / np.log(b / a):.1f}")
    return "Power of the growth from the first to the last: " + ", ".join(words) + "." if words else ""


def _history(points: int, l: int) -> Callable[[], Any]:
    method = qt.DensityMatrix(
        mesh=qt.LaguerreMesh(points, 6.7 / points), l_max=l, step=0.7, error_budget=False
    )
    return lambda: _solve(method, 1)


def _solve(method: Any, count: int) -> qt.Result:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", qt.AccuracyWarning)
        return qt.solve(MODEL, MEDIUM if count == 1 else [MEDIUM] * count, START, method)


def _best(call: Callable[[], Any], repeats: int) -> tuple[float, float]:
    """Return the shortest (wall, CPU) time in s of warm calls."""
    call()
    times = [timed(call)[:2] for _ in range(repeats)]
    return min(t[0] for t in times), min(t[1] for t in times)
