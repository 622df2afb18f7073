"""Records of the jumps of quantum trajectories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..units import to_fm
from .rounds import Round

Float = NDArray[np.float64]
Integer = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class JumpRecord:
    """Every jump of the trajectories of one history, sorted by trajectory and time.

    Parameters
    ----------
    trajectory : ndarray, shape (jumps,)
        Number of the trajectory.
    time_fm : ndarray, shape (jumps,)
        Time of the jump in fm/c.
    color, l : ndarray, shape (jumps,)
        Color (0 singlet, 1 octet) and l after the jump.
    r0, weight : ndarray, shape (n,)
        First random number of each trajectory, and its weight in averages over trajectories.
    """

    trajectory: Integer
    time_fm: Float
    color: Integer
    l: Integer
    r0: Float
    weight: Float

    def of(self, trajectory: int) -> list[tuple[float, int, int]]:
        """Return (time in fm/c, color, l) of every jump of a trajectory."""
        a, b = np.searchsorted(self.trajectory, [trajectory, trajectory + 1])
        return [(float(self.time_fm[i]), int(self.color[i]), int(self.l[i])) for i in range(a, b)]


def join_jumps(rounds: Sequence[Round]) -> JumpRecord:
    """Return the record of all jumps of some rounds."""
    steps = [jumps for r in rounds for jumps in r.jumps]
    none = np.zeros(0)
    trajectory, time, color, l = (
        np.concatenate([none, *parts]) for parts in (zip(*steps, strict=True) if steps else ([],) * 4)
    )
    order = np.lexsort((time, trajectory))
    return JumpRecord(
        trajectory[order].astype(np.int64),
        to_fm(1.0) * time[order],
        color[order].astype(np.int64),
        l[order].astype(np.int64),
        np.concatenate([r.r0 for r in rounds]),
        np.concatenate([r.weight for r in rounds]),
    )
