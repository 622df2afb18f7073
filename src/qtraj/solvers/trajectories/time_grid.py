"""The time grid that all trajectories of one history share: step edges, and the medium integrated over each step."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..._types import Float
from ...physics.medium import History
from ...physics.model import LindbladModel
from ..steps import GAMMA, KAPPA, MOTION, MOTION_OF_NOISE, Profile, centers_of, resolved, step_edges


class TimeGrid(NamedTuple):
    """Steps (S) from t = 0 to the end of the medium or the last check point, none across an edge of the medium.

    `edges` (S + 1,) and `lengths` are in GeV^-1, the lengths exactly equal where steps are meant to be; `kappa` and
    `gamma` are integrals over each step in GeV^2, zero in vacuum, where `active` is False. `jumps` are those of what
    multiplies the rates of jumps: kappa, or 1 for a complex potential, whose rates are in GeV. `early` is the share of
    the medium that acts at the beginning of each step, the rest at its end: half of a constant one, more of one that
    acts early, so that its center of mass is right. `marks` are the edges where overlaps are wanted: every check point,
    the end.
    """

    edges: Float
    lengths: Float
    kappa: Float
    gamma: Float
    jumps: Float
    early: Float
    active: NDArray[np.bool_]
    marks: tuple[int, ...]
    profile: Profile

    @property
    def steps(self) -> int:
        """Number of steps."""
        return len(self.kappa)


def graded_time_grid(
    model: LindbladModel, history: History, checkpoints: Sequence[float], step: float
) -> TimeGrid:
    """Return steps graded by the strength of the medium, in which it is smooth, and one step for every vacuum.

    For methods whose vacuum evolution is exact. `step` is the length of a step as in `steps.step_edges`.
    """
    profile = Profile(model, history)
    # rates are constant within a step, so that steps are short where they are large, at any order
    graded, motion = profile, MOTION[True]
    if model.has_width:
        # what strength it has is the potential's. With the share of motion of dipoles the 1S that is left of a P-wave
        # octet (HTL) was off by 7 %
        graded, motion = Profile(model, history, thermal=True), MOTION_OF_NOISE
    intervals = resolved(graded, step_edges(graded, step, motion))
    edges, marks = _with_marks(_joined(intervals, history, checkpoints), checkpoints)
    return _time_grid(profile, edges, np.diff(edges), marks, even=False)


def uniform_time_grid(
    model: LindbladModel, history: History, checkpoints: Sequence[float], dt: float
) -> TimeGrid:
    """Return equal steps of at most `dt` (GeV^-1) in every stretch of vacuum or medium.

    A check point only cuts the step it lies in.
    """
    corners = _joined([np.array(interval) for interval in history.active], history, checkpoints)
    edges, lengths = [corners[:1]], [np.zeros(0)]
    for a, b in pairwise(corners):
        # a stretch of n dt takes n steps in spite of rounding
        count = max(1, int(np.ceil((b - a) / dt - 1e-9)))
        edges.append(np.linspace(a, b, count + 1)[1:])
        lengths.append(np.full(count, (b - a) / count))
    plain = np.concatenate(edges)
    marked, marks = _with_marks(plain, checkpoints)
    # equal steps stay exactly equal, where no check point cuts them
    length = dict(zip(plain[1:].tolist(), np.concatenate(lengths).tolist(), strict=True))
    uncut = np.isin(marked[:-1], plain) & np.isin(marked[1:], plain)
    sizes = [length[b] if u else b - a for (a, b), u in zip(pairwise(marked.tolist()), uncut, strict=True)]
    return _time_grid(Profile(model, history), marked, np.array(sizes), marks, even=True)


def _joined(intervals: Sequence[Float], history: History, checkpoints: Sequence[float]) -> Float:
    """Return the edges of all intervals, with 0 and the end."""
    end = max([b for _, b in history.active] + list(checkpoints), default=0.0)
    return np.unique(np.concatenate([[0.0], *intervals, [end]]))


def _with_marks(edges: Float, checkpoints: Sequence[float]) -> tuple[Float, tuple[int, ...]]:
    """Return the edges with those at the check points, and the positions of the check points and the end."""
    marked = np.unique(np.concatenate([edges, np.asarray(checkpoints, dtype=float)]))
    return marked, tuple(int(np.searchsorted(marked, t)) for t in (*checkpoints, marked[-1]))


def _time_grid(
    profile: Profile, edges: Float, lengths: Float, marks: tuple[int, ...], *, even: bool
) -> TimeGrid:
    middle = (edges[1:] + edges[:-1]) / 2
    active = np.any([(a < middle) & (middle < b) for a, b in profile.history.active or [(0, 0)]], axis=0)
    c = profile.legendre_of(edges, 1)
    # short equal steps share the medium evenly: an exponential for both halves of the step
    early = np.full(len(middle), 0.5) if even else (1 - centers_of(c)) / 2
    kappa, gamma = c[:, KAPPA, 0] * lengths, c[:, GAMMA, 0] * lengths
    jumps = lengths * active if profile.model.has_width else kappa
    return TimeGrid(edges, lengths, kappa, gamma, jumps, early, active, marks, profile)
