"""Dependence on the lattice: spacing, volume and time step."""

from __future__ import annotations

import numpy as np
from cases.common import MEDIUM, MODEL, Table
from numpy.typing import NDArray

import qtraj as qt
from qtraj.qtraj1.files.parameters import LegacyParameters
from qtraj.qtraj1.program.steps import histories
from qtraj.qtraj1.program.trajectories import evolve_without_jumps, make_setup

from . import exact, sampled
from .compare import comparison_table, noise_of_one, percent, ratio_noise
from .record import RESULTS, Record
from .reported import PAPER_DT, PAPER_LENGTH, PAPER_NUM, SPACING, STATES, TIME_STEP, VOLUME

Float = NDArray[np.float64]

RULES = (
    "QTraj's rules: T of the begin of a step for all of it, one step below T_f, and Coulomb functions on the grid "
    "to project on instead of the eigenstates of the grid."
)
SAMPLED = 128
"""Trajectories with common random numbers."""


def spacing(record: Record) -> tuple[Table, ...]:
    """Change num at L = 80 GeV^-1: the paper's test of the lattice spacing."""
    nums = (255, 511) if record.quick else (511, 1023, 2047, 4095, 8191)
    dt = 0.02 if record.quick else PAPER_DT
    record.expect(len(nums) + 5)
    true, error = np.array(record.piece("without noise or lattice", lambda: exact.truth().tolist()))
    totals = {}
    for num in nums:
        bare, more = record.piece(f"num {num}", lambda n=num: _on_lattice(n, PAPER_LENGTH, dt, n))
        totals[num] = np.array(bare) + np.array(more)
    theirs = {
        num: np.array(
            record.piece(f"num {num}, rules of QTraj 1.0", lambda n=num: _qtraj(n, PAPER_LENGTH, dt).tolist())
        )
        for num in nums[-2:]
    }
    common = record.piece("common random numbers", lambda: _two_spacings(record.quick))
    noise = ratio_noise(noise_of_one(record), SPACING)
    fine, coarse = totals[nums[-1]], totals[nums[-2]]
    rows = [
        (num, f"{PAPER_LENGTH / (num + 1):.5f}", *(f"{x:.6f}" for x in total), *percent(total / true - 1))
        for num, total in totals.items()
    ]
    answer = Table(
        f"Survival without sampling noise against num, L {PAPER_LENGTH:g} GeV^-1, dt {dt:g} GeV^-1",
        ("num", "spacing (1/GeV)", *STATES, *(f"off {s}" for s in STATES)),
        (*rows, ("none", "0", *(f"{x:.6f}" for x in true), "0", "0", "0")),
        "Last row: DensityMatrix(rtol=1e-4), which has no such lattice; its own error is below "
        f"{np.max(error / true):.0e}. "
        "The rest of each difference is the time step.",
    )
    change = theirs[nums[-1]] - theirs[nums[-2]] + np.array(common[0])
    extra = {"by QTraj's rules": change / coarse, **_common_columns(common, coarse)}
    return answer, comparison_table(SPACING, fine / coarse, noise, extra, RULES)


def volume(record: Record) -> tuple[Table, ...]:
    """Change the box at constant spacing."""
    lengths = (20.0, 40.0) if record.quick else (20.0, 40.0, 80.0, 160.0)
    per_length = 12.8 if record.quick else 51.2
    dt, long_step = (0.02, 0.04) if record.quick else (PAPER_DT, 0.01)
    record.expect(len(lengths) + 4)
    bare = {
        length: np.array(
            record.piece(
                f"L {length:g}, no jumps",
                lambda b=length: exact.without_jumps(round(b * per_length) - 1, b, dt).tolist(),
            )
        )
        for length in lengths
    }
    # twice the spacing for the density matrix: what the box does hardly depends on it
    more = {
        length: np.array(
            record.piece(
                f"L {length:g}, regeneration",
                lambda b=length: exact.regeneration(round(b * per_length / 2) - 1, b, l_max=2).tolist(),
            )
        )
        for length in lengths[:2]
    }
    longest = lengths[-1]
    for length in lengths[2:]:
        more[length] = more[lengths[1]]

    def boxes() -> list[list[float]]:
        grids = [qt.SineGrid(round(b * per_length) - 1, b, "fftw") for b in lengths[-2:]]
        runs = [sampled.regenerated(grid, long_step, 8 if record.quick else 32) for grid in grids]
        return [x.tolist() for x in sampled.shift(*runs)]

    common = record.piece("common random numbers", boxes)
    noise = ratio_noise(noise_of_one(record), VOLUME)
    totals = {length: bare[length] + more[length] for length in lengths}
    rows = [
        (
            f"{b:g}",
            round(b * per_length) - 1,
            *(f"{x:.7f}" for x in total),
            *percent(total / totals[longest] - 1),
        )
        for b, total in totals.items()
    ]
    answer = Table(
        f"Survival without sampling noise against L, spacing {1 / per_length:g} GeV^-1, dt {dt:g} GeV^-1",
        ("L (1/GeV)", "num", *STATES, *(f"off {s}" for s in STATES)),
        tuple(rows),
        f"Off: from L {longest:g}. Part without jumps on this grid; regeneration at twice the spacing up to L "
        f"{lengths[1]:g}, taken from there for longer boxes.",
    )
    ratio = totals[lengths[-2]] / totals[longest]
    return answer, comparison_table(VOLUME, ratio, noise, _common_columns(common, totals[longest]))


def time_step(record: Record) -> tuple[Table, ...]:
    """Change dt."""
    steps = (0.04, 0.02) if record.quick else (0.02, 0.01, 0.005, 0.002, 0.001)
    num, length = (255, 20.0) if record.quick else (PAPER_NUM, PAPER_LENGTH)
    large, small = (0.04, 0.02) if record.quick else (0.005, 0.001)
    record.expect(2 * len(steps) + 3)
    bare, first_order = {}, {}
    for dt in steps:
        bare[dt] = np.array(
            record.piece(f"dt {dt:g}", lambda h=dt: exact.without_jumps(num, length, h).tolist())
        )
        first_order[dt] = np.array(
            record.piece(f"dt {dt:g}, rules of QTraj 1.0", lambda h=dt: _qtraj(num, length, h).tolist())
        )

    def two_steps() -> list[list[float]]:
        grid = qt.SineGrid(255 if record.quick else 1023, exact.SHORT_BOX, "fftw")
        runs = [sampled.regenerated(grid, dt, 16 if record.quick else SAMPLED) for dt in (large, small)]
        more = [one + rest.mean(axis=0) for one, rest in runs]
        return [x.tolist() for x in (*sampled.shift(*runs), more[1])]

    *common, regenerated = record.piece("common random numbers", two_steps)
    noise = ratio_noise(noise_of_one(record), TIME_STEP)
    rows = [
        (
            f"{dt:g}",
            *(f"{x:.6f}" for x in bare[dt]),
            *percent(bare[dt] / bare[steps[-1]] - 1),
            *percent(first_order[dt] / bare[steps[-1]] - 1),
        )
        for dt in steps
    ]
    answer = Table(
        f"Survival without jumps against dt, num {num}, L {length:g} GeV^-1",
        ("dt (1/GeV)", *STATES, *(f"off {s}" for s in STATES), *(f"QTraj's rules {s}" for s in STATES)),
        tuple(rows),
        f"Off: from dt {steps[-1]:g}. {RULES}",
    )
    total = bare[small] + np.array(regenerated)
    change, error, _ = (np.array(x) for x in common)
    ratio = 1 + (bare[large] - bare[small] + change) / total
    theirs = 1 + (first_order[large] - first_order[small] + change) / total
    extra = {"by QTraj's rules": theirs - 1, "error of the jumps' part": error / total}
    return answer, comparison_table(TIME_STEP, ratio, noise, extra, RULES)


def _on_lattice(num: int, length: float, dt: float, dense: int) -> list[list[float]]:
    """Return the parts without and with jumps; the second in the short box at the same spacing."""
    short = round((dense + 1) * exact.SHORT_BOX / length) - 1
    return [exact.without_jumps(num, length, dt).tolist(), exact.regeneration(short).tolist()]


def _two_spacings(quick: bool) -> list[list[float]]:
    """Return the change of regeneration with half the spacing, its error, and that of independent runs."""
    nums, dt, n = ((255, 127), 0.02, 16) if quick else ((2047, 1023), 0.005, SAMPLED)
    runs = [sampled.regenerated(qt.SineGrid(num, exact.SHORT_BOX, "fftw"), dt, n) for num in nums]
    return [x.tolist() for x in sampled.shift(*runs)]


def _common_columns(common: list[list[float]], total: Float) -> dict[str, Float]:
    change, error, alone = (np.array(x) / total for x in common)
    return {
        "jumps' part, common random numbers": change,
        "its error": error,
        "error with independent ones": alone,
    }


def _qtraj(num: int, length: float, dt: float) -> Float:
    """Return the survival of 1S, 2S, 3S without jumps by the rules of the original program, shape (3,)."""
    begin, _ = MEDIUM.active[0]
    parameters = LegacyParameters(
        potential=0, doJumps=0, maxJumps=0, m=MODEL.mass / 2, alpha=MODEL.potential.alpha, kappa=-1,
        gam=MODEL.transport.gamma, temperatureEvolution=0, T0=MEDIUM.T0, Tf=MEDIUM.T_end, tmed=begin, t0=0.0,
        initType=1, projType=0, initWidth=0.2, initN=1, initL=0, initC=0, nBasis=6, nTrajectories=1, randomseed=1,
        rMax=1.0, num=num, L=length, dt=dt, maxSteps=1, derivType=0, snapFreq=1_000_000, snapPts=15,
        dirnameWithSeed=0, saveWavefunctions=0, outputSummaryFile=0,
    )  # fmt: skip
    (steps,) = histories(parameters, RESULTS)
    return evolve_without_jumps(make_setup(parameters, steps, RESULTS, "fftw")).ratios[exact.S_WAVES]
