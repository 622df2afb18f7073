"""Emulation: time to R_AA of Y(1S) to 0.002, with few solved paths and many emulated ones, or solved ones alone."""

from __future__ import annotations

import tempfile
import time
from math import ceil
from pathlib import Path

import numpy as np

import qtraj as qt
from qtraj.campaign.plan import make_plan
from qtraj.campaign.run import run
from qtraj.io.config import RunFile, parse_config
from qtraj.io.factory import method_of, model_of

from .common import Table

TARGET = 0.002
"""Error of R_AA of Y(1S) from the choice of paths, at each impact parameter."""

RUN_FILE = """
[system]
preset = "PbPb5020"
[model]
order = "{order}"
kappa = ["central"]
gamma = [-1.75]
[medium]
T_end = {T_end}
b_fm = [2.3, 6.0, 9.2, 11.6]
[paths]
n = 2
replicates = 10
cheap = {cheap}
[method]
rtol = 1e-2
budget = "replicate"
[output]
directory = "unused"
"""


def time_to_error(quick: bool) -> Table:
    """CPU time to R_AA(N_part) of Y(1S) with path errors of 0.002 at four impact parameters, LO and NLO."""
    rows = []
    for order, T_end in (("LO", 0.25), ("NLO", 0.19)):
        _timed(order, T_end, 64)  # compiles
        cheap = 2048
        while True:
            cpu, errors, solved = _timed(order, T_end, cheap)
            if max(errors) <= TARGET or quick:
                break
            cheap *= 2
        # the emulated paths are as many replicates of Sobol points as solved ones would be: the same scatter
        needed = [cheap * (error / TARGET) ** 2 for error in errors]
        seconds = _per_path(order, T_end, 8 if quick else 20)
        plain = sum(ceil(n) * s for n, s in zip(needed, seconds, strict=True))
        rows.append(
            (
                f"{order}, {1e3 * T_end:.0f} MeV",
                f"{solved} solved, 4 x {cheap} emulated",
                f"{max(errors):.1e}",
                round(cpu, 1),
                f"{sum(map(ceil, needed))} solved",
                round(plain, 1),
                round(plain / cpu, 1),
            )
        )
    columns = ("equation", "with emulation", "error reached", "CPU s", "alone, to 0.002", "CPU s", "ratio")
    title = "Time to R_AA of Y(1S) +- 0.002 at b = 2.3, 6.0, 9.2, 11.6 fm, one setting, l = 0 and 1, warm"
    note = (
        "With emulation: plan, solved paths with their numerical errors, fit, emulated paths, averages, files. Alone: "
        "the solved paths that have the same scatter, without numerical errors or anything else, at the time that 20 "
        "of them take."
    )
    return Table(title, columns, tuple(rows), note)


def _text(order: str, T_end: float, cheap: int) -> RunFile:
    content = RUN_FILE.format(order=order, T_end=T_end, cheap=cheap)
    return RunFile(parse_config(content), content, Path("x.toml"))


def _timed(order: str, T_end: float, cheap: int) -> tuple[float, list[float], int]:
    """Return CPU time of a run with emulation, its path errors of R_AA(1S), and how many paths were solved."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.process_time()
        prediction = run(_text(order, T_end, cheap), Path(folder))
        cpu = time.process_time() - started
    of = prediction.isel(setting=0).sel(meson="Y(1S)")
    errors = np.hypot(of["raa_error_paths"], of["raa_error_correction"]).values
    return cpu, errors.tolist(), prediction.attrs["solved_paths"]


def _per_path(order: str, T_end: float, paths: int) -> list[float]:
    """Return the CPU time of one path, both starts, at each impact parameter, in a warm batch."""
    run_file = _text(order, T_end, 64)
    model, method, times = model_of(run_file), method_of(run_file, "none"), []
    for source in make_plan(run_file).sources:
        histories = list(source.batch(0, paths).histories)
        total = 0.0
        for l in (0, 1):
            start = qt.GaussianState(l=l, width=0.2)
            qt.solve(model, histories, start, method)
            started = time.process_time()
            qt.solve(model, histories, start, method)
            total += (time.process_time() - started) / paths
        times.append(total)
    return times
