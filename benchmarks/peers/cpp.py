"""The C++ code's trajectories: seconds measured by others, noise and discretization computed here."""

from __future__ import annotations

import numpy as np
from cases.common import TRUTH
from cases.others import CPP

import qtraj as qt

from .ours import never_jumped, sine_floor, without_jump
from .points import Point

NUM, LENGTH, DT = 4095, 80.0, 0.001
"""Grid of arXiv:2107.06147 (4096 points, 80 GeV^-1) and its step, on the fast size of the sine transform here."""

TRAJECTORIES = (10_000, 100_000, 1_000_000)


def points() -> list[Point]:
    """Return a point for each measured speed and number of trajectories."""
    floor, noise = dict(sine_floor(qt.SineGrid(NUM, LENGTH), DT)), _noise_of_one()
    return [
        Point(
            name,
            f"n {n}",
            wall_s=seconds * n,
            cpu_s=seconds * n,
            trajectories=n,
            noise={state: s / np.sqrt(n) for state, s in noise.items()},
            floor=floor,
        )
        for name, seconds in CPP
        for n in TRAJECTORIES
    ]


def _noise_of_one() -> dict[str, float]:
    """Return the relative standard deviation of one trajectory, without that of its jumps: a lower bound.

    All r0 in [0, 1) count alike: a share p of the trajectories never jumps, and each of those scores S/p, where S is
    the survival without jump. The paper's 3.3 % of 1e5 trajectories on 1S is this number.
    """
    p, survival = never_jumped(), without_jump()
    return {n: float(np.sqrt(survival[n] ** 2 * (1 / p - 1))) / truth for n, truth in TRUTH.items()}
