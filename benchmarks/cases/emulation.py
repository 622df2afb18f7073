"""Emulation: time to R_AA of Y(1S) to 0.002, how well unseen paths are emulated, and the error that a run reaches."""

from __future__ import annotations

import tempfile
import time
import warnings
from math import ceil
from pathlib import Path

import numpy as np

import qtraj as qt
from qtraj.campaign.plan import make_plan
from qtraj.campaign.reading import load_survivals
from qtraj.campaign.run import run
from qtraj.emulation import Emulator, Sample, outputs_of
from qtraj.io.config import RunFile, parse_config
from qtraj.io.factory import method_of, model_of
from qtraj.observables.observable import survival_average

from .common import Table
from .noise import models

TARGET = 0.002
"""Error of R_AA of Y(1S) from the choice of paths, at each impact parameter."""

SHIPPED = "[2.3, 6.0, 9.2, 11.6]"

RUN_FILE = """
[system]
preset = "PbPb5020"
[model]
order = "{order}"
kappa = ["central"]
gamma = [-1.75]
[medium]
T_end = {T_end}
b_fm = {b_fm}
[paths]
{paths}
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


def accuracy(quick: bool) -> Table:
    """Emulated less solved survival of paths that no emulator saw, by how many were solved."""
    counts = (60, 120) if quick else (60, 120, 240, 480)
    unseen = 100 if quick else 400
    equations = {
        "LO, 250 MeV": None,
        "NLO, 250 MeV": qt.LindbladModel(order="NLO"),
        "HTL, 250 MeV": models()["HTL"],
    }
    if quick:
        del equations["HTL, 250 MeV"]
    run_file = _text("LO", 0.25, paths="n = 64\nreplicates = 4")
    batches = [source.batch(0, ceil((counts[-1] + unseen) / 4)) for source in make_plan(run_file).sources]
    # path i of each impact parameter in turn, so that any number of them holds as many of each
    histories = [h for of_path in zip(*(b.histories for b in batches), strict=True) for h in of_path]
    rows = []
    for name, given in equations.items():
        model = model_of(run_file) if given is None else given
        method = qt.DensityMatrix(rtol=1e-2, error_budget=False)
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", qt.AccuracyWarning
            )  # short histories end fast: E/T is large there
            values = outputs_of(qt.solve(model, histories, qt.GaussianState(width=0.2), method))
        for n in counts:
            known = {output: value[:n] for output, value in values.items()}
            emulator = Emulator.fit([Sample(model, histories[:n], known)])
            found = emulator.predict(histories[-unseen:], model)
            errors = [
                np.sqrt(np.mean((found[f"survival {s}"].value - values[f"survival {s}"][-unseen:]) ** 2))
                for s in ("1S", "2S", "3S")
            ]
            rows.append((name, n, *(f"{error:.1e}" for error in errors)))
    title = (
        f"Emulated less solved survival of {unseen} unseen paths, rms; b = 2.3, 6.0, 9.2, 11.6 fm together"
    )
    return Table(
        title, ("equation", "solved paths", "1S", "2S", "3S"), tuple(rows), "rtol = 1e-2, one setting."
    )


def target(quick: bool) -> Table:
    """The error of averaged survivals that `[paths] error` asks for, and what a run reaches, at LO and NLO."""
    rows = []
    for order, T_end in (("LO", 0.25), ("NLO", 0.19)):
        for asked in (4e-3,) if quick else (4e-3, 1e-3, 5e-4):
            with tempfile.TemporaryDirectory() as folder:
                prediction = run(_text(order, T_end, paths=f"error = {asked}", b_fm="[6.0]"), Path(folder))
                (table,) = load_survivals(folder).tables.values()
            means = survival_average(table)
            worst = max(mean.statistical for mean in means.values())
            correction = max(mean.parts["correction"] for mean in means.values())
            counts = (prediction.attrs["solved_paths"], prediction.attrs["emulated_paths"])
            row = (
                f"{order}, {1e3 * T_end:.0f} MeV",
                f"{asked:.0e}",
                f"{worst:.1e}",
                f"{correction:.1e}",
                *counts,
            )
            rows.append(row)
    columns = ("equation", "asked", "reached", "of it the correction", "solved paths", "emulated")
    title = (
        "What a target error of the paths reaches at b = 6 fm: the least certain of the averaged survivals"
    )
    return Table(title, columns, tuple(rows), "One setting, rtol = 1e-2.")


def paths(quick: bool) -> Table:
    """The errors of R_AA at four impact parameters by the number of emulated paths, and what the correction adds."""
    rows = []
    for order, cheap in (("LO", 4096),) if quick else (("LO", 4096), ("LO", 65536), ("NLO", 4096)):
        with tempfile.TemporaryDirectory() as folder:
            prediction = run(
                _text(order, 0.25, paths=f"n = 8\nreplicates = 8\ncheap = {cheap}"), Path(folder)
            )
        of = prediction.isel(setting=0)
        correction = of["raa_error_correction"]
        for meson in ("Y(1S)", "Y(2S)"):
            errors = np.hypot(of["raa_error_paths"], correction).sel(meson=meson).values
            rows.append(
                (
                    f"{order}, 250 MeV",
                    cheap,
                    meson,
                    " ".join(f"{error:.1e}" for error in errors),
                    f"{float(correction.sel(meson=meson).max()):.1e}",
                )
            )
    columns = (
        "equation",
        "emulated paths of each b",
        "state",
        "error of R_AA",
        "of it the correction, at most",
    )
    title = "Error of R_AA from paths at b = 2.3, 6.0, 9.2, 11.6 fm, 64 solved paths of each"
    return Table(title, columns, tuple(rows), "One setting, rtol = 1e-2; without the errors of the solver.")


def _text(order: str, T_end: float, cheap: int = 0, *, paths: str = "", b_fm: str = SHIPPED) -> RunFile:
    paths = paths or f"n = 2\nreplicates = 10\ncheap = {cheap}"
    content = RUN_FILE.format(order=order, T_end=T_end, paths=paths, b_fm=b_fm)
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
