"""The baseline, timing, tables and the description of the machine."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table as RichTable

import qtraj as qt

MODEL = qt.LindbladModel(qt.CoulombPotential(alpha=0.6239853), qt.Transport("central", -1.75, T_c=0.150))
MEDIUM = qt.Bjorken(T0=0.425, tau_fm=0.6, T_end=0.25)
START = qt.GaussianState(l=0, width=0.2)
TRUTH = {"1S": 0.354863, "2S": 0.030488, "3S": 0.019442}
"""Continuum values of the baseline, good to 4e-6, 3e-6, 3e-6."""


@dataclass(frozen=True)
class Table:
    """A table of the report: rows of text and numbers under named columns."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    note: str = ""


def rendered(table: Table) -> RichTable:
    """Return a table for the terminal."""
    shown = RichTable(title=table.title, caption=table.note or None, title_justify="left")
    for column in table.columns:
        shown.add_column(column)
    for row in table.rows:
        shown.add_row(*(str(x) for x in row))
    return shown


def best_time(
    call: Callable[[], Any], repeats: int, clock: Callable[[], float] = time.perf_counter
) -> tuple[float, Any]:
    """Return (shortest time in s, last result) of a warm call: other loads of the machine only add to wall time.

    With ``clock=time.process_time`` it is CPU time, for ratios on a machine that others use, too.
    """
    result = call()
    times = []
    for _ in range(repeats):
        started = clock()
        result = call()
        times.append(clock() - started)
    return min(times), result


Curve = Sequence[tuple[float, float]]
"""Work against precision: (cost, true error) of some runs."""


def cost_at(curve: Curve, error: float) -> float:
    """Return the cost at which a method is as good as `error`, between two runs on a line of logarithms; NaN outside.

    A run that is better than a dearer one is left out: approximations may agree with the truth by accident.
    """
    kept: list[tuple[float, float]] = []
    for cost, reached in sorted(curve, reverse=True):
        if not kept or reached > kept[-1][1]:
            kept.append((cost, reached))
    costs, errors = np.log(np.array(kept)).T
    if not errors[0] <= np.log(error) <= errors[-1]:
        return float("nan")
    return float(np.exp(np.interp(np.log(error), errors, costs)))


def at_equal_error(curve: Curve, other: Curve) -> list[tuple[float, float]]:
    """Return (error, cost of `curve` over that of `other`) at all errors of either that both reach, falling."""
    errors = sorted({error for _, error in (*curve, *other)}, reverse=True)
    pairs = [(error, cost_at(curve, error) / cost_at(other, error)) for error in errors]
    return [(error, ratio) for error, ratio in pairs if np.isfinite(ratio)]


def in_new_process(code: str, arguments: Sequence[str] = ()) -> tuple[float, str]:
    """Return (wall time in s, output) of Python code in a process of its own, imports and compilation included."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], check=True, capture_output=True, text=True
    )
    return time.perf_counter() - started, done.stdout


def machine() -> dict[str, Any]:
    """Return what the timings depend on."""
    packages = ("qtraj", "numpy", "scipy", "pyfftw", "jax", "jaxlib", "qutip")
    return {
        "cpu": _cpu_name(),
        "cores": os.cpu_count(),
        "load_1_5_15_min": [round(x, 2) for x in os.getloadavg()],
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: version(name) for name in packages},
        "date_utc": time.strftime("%Y-%m-%d %H:%M", time.gmtime()),
    }


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
