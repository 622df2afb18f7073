"""Dependence on the width of the initial Gaussian."""

from __future__ import annotations

import numpy as np
from cases.common import Table

from . import exact
from .compare import comparison_table, noise_of_one, percent, ratio_noise
from .record import Record
from .reported import PAPER_DT, PAPER_LENGTH, PAPER_NUM, PAPER_TRAJECTORIES, STATES, WIDTH

WIDTHS = (0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
COMPARED = (0.1, 0.2)


def width(record: Record) -> tuple[Table, ...]:
    """Change the width; 0.02, which the paper's text names, is narrower than its lattice spacing of 0.029 a0."""
    widths = COMPARED if record.quick else WIDTHS
    num, length, dt = (255, 20.0, 0.02) if record.quick else (PAPER_NUM, PAPER_LENGTH, PAPER_DT)
    record.expect(len(widths) + 2 * len(COMPARED))
    true = {w: np.array(record.piece(f"width {w:g}", lambda w=w: exact.truth(w).tolist()))[0] for w in widths}
    lattice = {
        w: np.array(
            record.piece(
                f"width {w:g}, lattice", lambda w=w: exact.without_jumps(num, length, dt, w).tolist()
            )
        )
        for w in COMPARED
    }
    narrow, wide = COMPARED
    noise = {w: noise_of_one(record, w) for w in COMPARED}
    of_ratio = np.hypot(noise[narrow], noise[wide]) / np.sqrt(WIDTH.trajectories)
    rows = [
        (f"{w:g}", *(f"{x:.6f}" for x in found), *percent(found / true[wide] - 1))
        for w, found in true.items()
    ]
    answer = Table(
        "Survival without sampling noise against the width of the Gaussian start, no lattice",
        ("width (a0)", *STATES, *(f"off {s}" for s in STATES)),
        tuple(rows),
        f"Off: from width {wide:g}. DensityMatrix(rtol=1e-4).",
    )
    extra = {"without jumps, on the paper's lattice": lattice[narrow] / lattice[wide] - 1}
    compared = comparison_table(WIDTH, true[narrow] / true[wide], of_ratio, extra)
    single = ratio_noise(noise[wide], WIDTH) / np.sqrt(2)
    rows = [
        (f"{w:g}", *(f"{100 * x / np.sqrt(PAPER_TRAJECTORIES):.1f} %" for x in noise[w])) for w in COMPARED
    ]
    noises = Table(
        f"Noise of one run of {PAPER_TRAJECTORIES} trajectories by the paper's estimator",
        ("width (a0)", *STATES),
        tuple(rows),
        "A narrower start has faster pairs: fewer never jump, and each of those counts more "
        f"(width {wide:g}, {WIDTH.trajectories} trajectories: {100 * single[0]:.1f} % on 1S).",
    )
    return answer, compared, noises
