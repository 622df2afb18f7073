"""The time grid that all trajectories of one history share: step edges, and the medium integrated over each step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..physics.medium import History
from ..physics.model import LindbladModel
from .schedule import medium_integrals, step_edges

Float = NDArray[np.float64]
Stretch = Callable[[float, float, bool], tuple[Float, Float]]


@dataclass(frozen=True, eq=False)
class Clock:
    """Steps from t = 0 to the end of the medium or the last check point.

    Parameters
    ----------
    edges : ndarray, shape (S + 1,)
        Edges of the steps in GeV^-1; no step crosses an edge of the medium or a check point.
    lengths : ndarray, shape (S,)
        Their lengths in GeV^-1; exactly equal where steps are meant to be.
    kappa, gamma : ndarray, shape (S,)
        Integrals of the coefficients over each step in GeV^2, zero in vacuum.
    active : ndarray of bool, shape (S,)
        Whether the medium acts.
    marks : tuple of int
        Edges at which overlaps are wanted: every check point, then the end.
    """

    edges: Float
    lengths: Float
    kappa: Float
    gamma: Float
    active: NDArray[np.bool_]
    marks: tuple[int, ...]

    @property
    def steps(self) -> int:
        """Number of steps."""
        return len(self.kappa)


def graded_clock(model: LindbladModel, history: History, checkpoints: Sequence[float], step: float) -> Clock:
    """Return steps graded by the strength of the medium, and one step for every vacuum stretch.

    For methods whose vacuum evolution is exact. `step` is the length of a step as in `schedule.step_edges`.
    """

    def stretch(start: float, end: float, active: bool) -> tuple[Float, Float]:
        edges = np.array([start, end])
        if active:
            (edges,) = step_edges(model, history, start, end, step)
        return edges, np.diff(edges)

    return _clock(model, history, checkpoints, stretch)


def uniform_clock(model: LindbladModel, history: History, checkpoints: Sequence[float], dt: float) -> Clock:
    """Return equal steps of at most `dt` (GeV^-1) in every stretch of vacuum or medium."""

    def stretch(start: float, end: float, active: bool) -> tuple[Float, Float]:
        count = max(1, int(np.ceil((end - start) / dt - 1e-9)))
        return np.linspace(start, end, count + 1), np.full(count, (end - start) / count)

    return _clock(model, history, checkpoints, stretch)


def _clock(model: LindbladModel, history: History, checkpoints: Sequence[float], stretch: Stretch) -> Clock:
    end = max([b for _, b in history.active] + list(checkpoints), default=0.0)
    inner = [t for interval in history.active for t in interval] + list(checkpoints)
    corners = np.unique([0.0, end, *(t for t in inner if 0 < t < end)])
    edges: list[Float] = [np.zeros(1)]
    lengths, kappa, gamma, acts = [np.zeros(0)], [np.zeros(0)], [np.zeros(0)], [np.zeros(0, dtype=bool)]
    for a, b in pairwise(corners):
        active = any(start <= a and b <= stop for start, stop in history.active)
        found, steps = stretch(a, b, active)
        k, g = medium_integrals(model, history, found) if active else (np.zeros_like(steps),) * 2
        edges.append(found[1:])
        lengths.append(steps)
        acts.append(np.full(len(steps), active))
        kappa.append(k)
        gamma.append(g)
    all_edges = np.concatenate(edges)
    marks = tuple(int(np.searchsorted(all_edges, t)) for t in (*checkpoints, end))
    sums = [np.concatenate(parts) for parts in (lengths, kappa, gamma)]
    return Clock(all_edges, sums[0], sums[1], sums[2], np.concatenate(acts), marks)
