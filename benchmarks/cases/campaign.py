"""Campaigns: one Dask worker and two, what the store costs, memory with the number of histories, and a whole run."""

from __future__ import annotations

import sys
import tempfile
import time
import warnings
from pathlib import Path

import qtraj as qt
from qtraj.campaign.executors import Executor, InProcess, chosen_executor
from qtraj.campaign.progress import Reporter
from qtraj.campaign.run import carry_out, prepare
from qtraj.campaign.store import Store
from qtraj.io.config import RunFile, parse_config
from qtraj.io.config_campaign import Job

from .common import Table, in_new_process

RUN_FILE = """
[system]
name = "PbPb"
sqrt_s_GeV = 5020
sigma_nn_mb = 67.6
woods_saxon = {{ A = 208, R_fm = 6.62, a_fm = 0.546 }}
[model]
kappa = ["central"]
gamma = [-1.75]
[medium]
T_end = 0.25
{b_fm}
[paths]
n = {n}
replicates = {replicates}
[method]
rtol = {rtol}
budget = "replicate"
[campaign]
chunk = {chunk}
[output]
directory = "unused"
"""

MEMORY = """
import resource, sys, tempfile
from pathlib import Path
import numpy as np
from qtraj.campaign.run import carry_out, prepare
from qtraj.campaign.store import Store
from qtraj.io.config import RunFile, parse_config
from qtraj.observables.estimate import Estimate
from qtraj.states import STATE_NAMES
class Result:
    def __init__(self, n):
        self.survival = self.no_jump = {s: Estimate(np.full(n, 0.5), {"mesh": 1e-4}) for s in STATE_NAMES}
def solve(model, medium, initial, *, method, progress):
    return Result(len(medium))
with tempfile.TemporaryDirectory() as folder:
    store = Store(Path(folder))
    plan = prepare(RunFile(parse_config(sys.argv[1]), sys.argv[1], Path("x.toml")), store, solve=solve)
    carry_out(store, solve=solve)
    print(plan.histories // 2, len(plan.chunks), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""

PRODUCTION = 262_144 * 2 * 5
"""Solves of a production run: physical trajectories, l = 0 and 1, five settings (examples/campaign_slurm.toml)."""


class Times(Reporter):
    """Notes when chunks are finished."""

    def __init__(self) -> None:
        self.finished: list[tuple[float, int]] = []

    def finish(self, chunk: str, histories: int) -> None:
        """Note a chunk."""
        self.finished.append((time.perf_counter(), histories))

    def rate(self, skip: int, workers: int) -> float:
        """Histories per second after the first `skip` chunks, when all workers have compiled, until one has no more."""
        rest = self.finished[skip : len(self.finished) - workers + 1]
        return sum(n for _, n in rest) / (rest[-1][0] - self.finished[skip - 1][0])


def text(**changes: object) -> str:
    """Return a run file."""
    given = {"b_fm": "b_fm = [6.0]", "n": 64, "replicates": 2, "rtol": 1e-3, "chunk": 64}
    return RUN_FILE.format(**(given | changes))


def campaign(content: str, executor: Executor) -> tuple[Times, float, int]:
    """Return when chunks were finished, wall time and number of solves of a campaign in a new store."""
    times = Times()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        started = time.perf_counter()
        plan = prepare(RunFile(parse_config(content), content, Path("x.toml")), store)
        carry_out(store, report=times, executor=executor)
        return times, time.perf_counter() - started, plan.histories


def workers(quick: bool) -> Table:
    """Throughput of one and two local Dask workers of one thread each, without start-up and compilation."""
    content = text(n=64, replicates=4 if quick else 24)
    rates = {}
    for count in (1, 2):
        times, _, _ = campaign(content, chosen_executor("local", count, None, Job()))
        # both angular momenta, with and without error budget, are compiled in the first half
        rates[count] = times.rate(len(times.finished) // 2, count)
    rows = tuple((n, round(rate, 2), round(rate / rates[1], 2)) for n, rate in rates.items())
    return Table(
        "Local Dask workers, one thread each, rtol 1e-3, b = 6 fm", ("workers", "solves/s", "ratio"), rows
    )


def overhead(quick: bool) -> Table:
    """CPU time of a campaign in this process beside that of bare `solve` on the same histories, in turns."""
    content = text(n=64, replicates=2, chunk=256)
    campaign(content, InProcess())  # compiles
    times: list[tuple[float, float]] = []
    for _ in range(1 if quick else 3):
        started = time.process_time()
        _, _, solves = campaign(content, InProcess())
        middle = time.process_time()
        _bare(content)
        times.append((middle - started, time.process_time() - middle))
    whole, bare = (min(column) for column in zip(*times, strict=True))
    ratios = sorted(100 * (a / b - 1) for a, b in times)
    rows = (
        ("bare solve, a chunk at once", round(1e3 * bare / solves, 2), "-"),
        (
            "campaign: plan, histories, solve, store",
            round(1e3 * whole / solves, 2),
            f"{100 * (whole / bare - 1):.1f} % ({ratios[0]:.1f} to {ratios[-1]:.1f} %)",
        ),
    )
    return Table(
        f"{solves} solves, warm, shortest of {len(times)} in turns",
        ("what", "CPU ms a solve", "overhead (single turns)"),
        rows,
    )


def _bare(content: str) -> None:
    """Solve what the campaign of a run file solves, with nothing around it."""
    with tempfile.TemporaryDirectory() as folder:
        plan = prepare(RunFile(parse_config(content), content, Path("x.toml")), Store(Path(folder)))
    model = qt.LindbladModel(qt.CoulombPotential(), qt.Transport("central", -1.75))
    for chunk in plan.chunks:
        histories = plan.sources[0].batch(chunk.start, chunk.stop).histories
        method = qt.DensityMatrix(rtol=1e-3, error_budget=chunk.budget == "sample", refinements=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", qt.AccuracyWarning)
            qt.solve(model, histories, qt.GaussianState(l=chunk.l, width=0.2), method)


def memory(quick: bool) -> Table:
    """Peak memory of a process that carries out campaigns of 1e3 and 1e5 histories with a solver that does nothing."""
    rows = []
    unit = 1 if sys.platform == "darwin" else 1024
    for n, chunk in ((64, 512), (8192, 4096))[: 1 if quick else 2]:
        content = text(n=n, replicates=16, chunk=chunk).replace('budget = "replicate"', "")
        seconds, printed = in_new_process(MEMORY, [content])
        histories, chunks, peak = (int(word) for word in printed.split())
        rows.append((histories, chunks, round(peak * unit / 1e6), round(seconds, 1)))
    return Table(
        "Campaigns in this process, a solver that returns at once",
        ("histories", "chunks", "peak memory (MB)", "wall time (s)"),
        tuple(rows),
        "What the campaign itself needs; the solver works on 64 histories at a time.",
    )


def whole_run(quick: bool) -> Table:
    """The shipped hydrodynamics, l = 0 and 1, rtol 1e-3, end to end on two workers, and what it extrapolates to."""
    content = text(b_fm="", n=16 if quick else 256, replicates=4 if quick else 10, chunk=128)
    _, seconds, solves = campaign(content, chosen_executor("local", 2, None, Job()))
    cost = 2 * seconds / solves
    return Table(
        "Shipped hydrodynamics, LO, rtol 1e-3, two workers, start-up and compilation included",
        ("histories", "solves", "wall time (s)", "core-seconds a solve", "production run (core-hours)"),
        ((solves // 2, solves, round(seconds), round(cost, 4), round(cost * PRODUCTION / 3600, 1)),),
        "Production: 262144 paths, l = 0 and 1, five settings. The C++ code needs 1e4 to 1.5e4 core-hours.",
    )
