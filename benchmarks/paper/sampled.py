"""Trajectories: common random numbers for small differences, and the noise of the paper's estimator.

The paper averages |<n|u>|^2 of all trajectories, those that never jump among them: a share p = 0.0092 of the baseline,
each of which counts 38 for 1S. Its noise follows from a weighted sample, in which each first random number r0
has its share of weight: no run of 1e5 trajectories is needed to know the noise of one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from cases.common import MEDIUM, MODEL, START
from numpy.typing import NDArray

import qtraj as qt
from qtraj.solvers.basis import SINGLET
from qtraj.solvers.density.resolution import jump_range_of
from qtraj.solvers.steps import Profile
from qtraj.solvers.trajectories.estimators import Sample
from qtraj.solvers.trajectories.propagators import make_propagators
from qtraj.solvers.trajectories.start_ensemble import StartEnsemble
from qtraj.solvers.trajectories.time_grid import graded_time_grid, uniform_time_grid
from qtraj.states import STATES

from .exact import S_WAVES

Float = NDArray[np.float64]

MESH, MESH_STEP = qt.LaguerreMesh(64, 0.12), 0.3
NODE_SPACING = 0.05
"""Distance in GeV^-1 of the places where last jumps are scored."""


@dataclass(frozen=True, eq=False)
class Pool:
    """A weighted sample of trajectories as the paper counts them.

    Parameters
    ----------
    p : float
        Share that never jumps.
    bare : ndarray, shape (6,)
        What each of those counts: overlap of the normalized end over the initial one.
    value : ndarray, shape (n, 6)
        What each of the others counts.
    weight : ndarray, shape (n,)
        Their weights; the mean weight is 1 - p.
    """

    p: float
    bare: Float
    value: Float
    weight: Float

    @property
    def mean(self) -> Float:
        """Mean of a trajectory, shape (6,)."""
        return self.p * self.bare + (self.weight[:, None] * self.value).mean(axis=0)

    @property
    def deviation(self) -> Float:
        """Standard deviation of one trajectory of the paper, shape (6,)."""
        square = self.p * self.bare**2 + (self.weight[:, None] * self.value**2).mean(axis=0)
        return np.sqrt(square - self.mean**2)

    def runs(self, trajectories: int, count: int, seed: int) -> tuple[Float, Float]:
        """Return means and standard errors of whole runs as the paper makes them, shape (count, 6) each."""
        rng = np.random.default_rng(seed)
        cumulative = np.cumsum(self.weight) / self.weight.sum()
        means, errors = np.zeros((2, count, len(STATES)))
        for run in range(count):
            bare = rng.binomial(trajectories, self.p)
            # side="right" keeps the draw of exactly 1 - eps inside, and rounding of the sum outside
            drawn = np.minimum(
                np.searchsorted(cumulative, rng.random(trajectories - bare), side="right"),
                len(self.weight) - 1,
            )
            values = self.value[drawn]
            means[run] = (bare * self.bare + values.sum(axis=0)) / trajectories
            square = (bare * self.bare**2 + (values**2).sum(axis=0)) / trajectories
            errors[run] = np.sqrt((square - means[run] ** 2) / (trajectories - 1))
        return means, errors


def pool(n: int, *, width: float = START.width, seed: int = 0) -> Pool:
    """Return n trajectories on the Laguerre mesh, each scored by its end."""
    start = qt.GaussianState(0, width)
    reach = jump_range_of(Profile(MODEL, MEDIUM))
    time_grid = graded_time_grid(MODEL, MEDIUM, [], MESH_STEP)
    propagators = make_propagators(MODEL, MEDIUM, time_grid, MESH, "computed", reach)
    start_ensemble = StartEnsemble(propagators, start, SINGLET, "end_point", 1, 4096, 1)
    done = start_ensemble.round((seed, 0), 0, n, start_ensemble.norm_range)
    scale, p = _initial(propagators, start), start_ensemble.norm_range[0]
    value = done.scores[-1] / done.weight[:, None] / scale
    return Pool(p, start_ensemble.overlap[-1] / p / scale, value, done.weight)


def regenerated(grid: qt.SineGrid, dt: float, n: int, seed: int = 0) -> tuple[Float, Float]:
    """Return the survival of 1S, 2S, 3S after one jump, exact, shape (3,), and scores after more, shape (n, 3).

    The random numbers depend on the seed and the trajectory alone, so that two grids or two steps share them.
    """
    time_grid = uniform_time_grid(MODEL, MEDIUM, [], dt)
    propagators = make_propagators(MODEL, MEDIUM, time_grid, grid, "computed", np.inf)
    stride = max(1, int(NODE_SPACING / dt))
    batch = max(16, (1 << 16) // grid.num)
    start_ensemble = StartEnsemble(propagators, START, SINGLET, "last_jump", stride, batch, 1)
    done = start_ensemble.round((seed, 0), 0, n, start_ensemble.norm_range)
    scale = _initial(propagators, START)[S_WAVES]
    return start_ensemble.one_jump[-1, S_WAVES] / scale, done.scores[-1][:, S_WAVES] / scale


def shift(a: tuple[Float, Float], b: tuple[Float, Float]) -> tuple[Float, Float, Float]:
    """Return the change of regeneration from b to a, its error, and that without common numbers, (3,) each."""
    found, alone = [], []
    for scores in (a[1] - b[1], a[1], b[1]):
        sample = Sample((1, scores.shape[1]))
        sample.add(scores[None])
        found.append(sample.mean[0])
        alone.append(sample.error[0])
    return a[0] - b[0] + found[0], alone[0], np.hypot(alone[1], alone[2])


def _initial(propagators: object, start: qt.GaussianState) -> Float:
    """Return the initial overlaps, one where there are none, shape (6,)."""
    overlap = np.ones(len(STATES))
    overlap[S_WAVES] = (propagators.targets[S_WAVES] @ propagators.start(start, SINGLET)) ** 2  # type: ignore[attr-defined]
    return overlap
