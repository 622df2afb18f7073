"""Records of the jumps of quantum trajectories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...units import to_fm
from .start_ensemble import StratifiedBatch

Float = NDArray[np.float64]
Integer = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class JumpRecord:
    """Every jump of the n trajectories of one history, sorted by trajectory and time.

    A start that is a mixture of colors has trajectories from each color: first those from the singlet, then those from
    the octet, numbered on.

    Parameters
    ----------
    trajectory : ndarray, shape (jumps,)
        Number of the trajectory, 0 to n - 1.
    time_fm : ndarray, shape (jumps,)
        Time of the jump in fm/c.
    color, l : ndarray, shape (jumps,)
        Color (0 singlet, 1 octet) and l after the jump.
    r0, weight : ndarray, shape (n,)
        First random number of each trajectory, and its weight: the mean over all pairs of what those that jump have is
        ``np.mean(weight * x)``. On a mesh, pairs that jump beyond the jump range are followed with less weight than
        this.
    start : ndarray, shape (n,)
        Color of each trajectory at the start, before its first jump.
    """

    trajectory: Integer
    time_fm: Float
    color: Integer
    l: Integer
    r0: Float
    weight: Float
    start: Integer

    def of(self, trajectory: int) -> list[tuple[float, int, int]]:
        """Return (time in fm/c, color, l) of every jump of a trajectory."""
        a, b = np.searchsorted(self.trajectory, [trajectory, trajectory + 1])
        return [(float(self.time_fm[i]), int(self.color[i]), int(self.l[i])) for i in range(a, b)]


def join_jumps(starts: Sequence[tuple[int, float, Sequence[StratifiedBatch]]]) -> JumpRecord:
    """Return the record of all jumps.

    Parameters
    ----------
    starts : sequence of (int, float, sequence of StratifiedBatch)
        Each color of the start, its probability, and its rounds, whose trajectories are numbered from 0 on.
    """
    steps, first, sizes = [], 0, []
    for _, _, rounds in starts:
        # trajectory j of every color has the same number in its rounds, but is another pair with another history
        steps += [s._replace(trajectory=s.trajectory + first) for r in rounds for s in r.jumps]
        sizes.append(sum(len(r.r0) for r in rounds))
        first += sizes[-1]
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
        np.concatenate([none, *(r.r0 for _, _, rounds in starts for r in rounds)]),
        # so that a plain mean over all rows is the mean over the mixture
        np.concatenate([none, *(len(starts) * p * r.weight for _, p, rounds in starts for r in rounds)]),
        np.repeat([color for color, _, _ in starts], sizes),
    )
