"""A Strang step on the sine grid, by SciPy and by FFTW, against the C++ code's (measured elsewhere)."""

from __future__ import annotations

import numpy as np

import qtraj as qt

from .common import MODEL, Table, best_time

STEPS = 11_900
CPP = {511: 0.64, 1023: 1.2, 2047: 2.5, 4095: 5.2}
"""Seconds of QTraj-NLO 2.1 for `STEPS` no-jump steps of the baseline, one core of an AMD EPYC."""

BATCH, LENGTH, DT = 64, 40.0, 0.001


def split_step(quick: bool) -> Table:
    """Time of a step of one state: potential half step, kinetic step, potential half step."""
    rows = []
    for num, seconds in CPP.items():
        cpp = 1e3 * seconds / STEPS
        scipy, scipy_one, fftw, fftw_one = (
            _ms_per_state(qt.SineGrid(num, LENGTH, transform), batch, 5 if quick else 50)
            for transform in ("scipy", "fftw")
            for batch in (BATCH, 1)
        )
        times = (f"{x:.3f}" for x in (cpp, scipy, scipy_one, fftw, fftw_one))
        rows.append((num, *times, f"{scipy / fftw:.1f}", f"{cpp / fftw:.1f}"))
    return Table(
        "Strang step on the sine grid, ms a state",
        (
            "num",
            "C++",
            f"SciPy, batch of {BATCH}",
            "SciPy, one state",
            f"FFTW, batch of {BATCH}",
            "FFTW, one state",
            "SciPy / FFTW",
            "C++ / FFTW",
        ),
        tuple(rows),
        "One thread. C++: QTraj-NLO 2.1, no-jump run of the baseline, measured on one core of an AMD EPYC.",
    )


def _ms_per_state(grid: qt.SineGrid, batch: int, repeats: int) -> float:
    """Return the time of a step in ms a state, with a complex potential."""
    potential = MODEL.potential.vacuum(grid.r, "singlet") - 0.01j * grid.r**2
    half = np.exp(-0.5j * DT * potential)
    factor = np.exp(-1j * DT * grid.kinetic(MODEL.mass))
    u = grid.coefficients(grid.r * np.exp(-(grid.r**2)))
    states = np.tile(u / np.linalg.norm(u), (batch, 1)).astype(complex)

    def step() -> None:
        np.multiply(states, half, out=states)
        grid.kinetic_step(states, factor)
        np.multiply(states, half, out=states)

    seconds, _ = best_time(step, repeats)
    return 1e3 * seconds / batch
