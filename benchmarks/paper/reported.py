"""What others report: the paper's ratios and times, and times of the C++ code measured on an AMD EPYC."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

STATES = ("1S", "2S", "3S")
PAPER_TRAJECTORIES = 100_000
PAPER_LENGTH, PAPER_NUM, PAPER_DT = 80.0, 4095, 0.001
"""Box in GeV^-1, points and time step in GeV^-1. The paper says 4096: the points of a type-I sine transform of logical
length 2 (num + 1) are 2^n - 1 for the same spacing, 5/256 GeV^-1, and several times faster than 2^n."""


@dataclass(frozen=True)
class Refinement:
    """Two settings that the paper compares, and the ratio of survival that it finds.

    Parameters
    ----------
    what : str
        The two settings.
    ratio, error : tuple of float
        Of 1S, 2S, 3S.
    trajectories : int
        Trajectories of each of the two runs.
    """

    what: str
    ratio: tuple[float, ...]
    error: tuple[float, ...]
    trajectories: int = PAPER_TRAJECTORIES


SPACING = Refinement("num 8192 / 4096, L 80", (1.02, 1.11, 1.15), (0.04, 0.08, 0.11))
VOLUME = Refinement("L 80 / 160, spacing 5/256", (1.01, 1.10, 1.16), (0.04, 0.07, 0.10))
TIME_STEP = Refinement("dt 0.005 / 0.001", (1.029, 1.11, 1.15), (0.030, 0.05, 0.08))
WIDTH = Refinement("width 0.1 / 0.2", (1.00, 1.06, 1.09), (0.04, 0.08, 0.11), 2 * PAPER_TRAJECTORIES)

CPP_NUM = np.array([511, 1023, 2047, 4095])
CPP_SECONDS = np.array([0.64, 1.2, 2.5, 5.2])
CPP_SLOW_NUM = np.array([512, 1024, 2048, 4096])
CPP_SLOW_SECONDS = np.array([0.85, 1.95, 10.0, 12.9])
"""Seconds for 11 900 steps without jumps, QTraj-NLO 2.1 on one core of an AMD EPYC, num = 2^n - 1 and 2^n."""

PAPER_SECONDS = 3.0
"""Seconds of a trajectory at num 4096, Xeon E5-2630 v3, from the paper."""
PAPER_STEPS = 11_900
PAPER_QUTIP_SECONDS = 3.6e7
"""QuTiP 2 mesolve, NUM 4096, l_max 1, extrapolated by the paper; the largest NUM it ran was 512, in 64 GB."""
