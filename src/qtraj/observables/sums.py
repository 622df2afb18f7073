r"""Weighted sums over paths, group by group, and any smooth function of them with its error.

R_AA, double ratios and flow coefficients are functions g of sums over paths, T = sum_r t_r over independent groups r.
Their statistical error is that of the linearized function, the infinitesimal jackknife (B. Efron, The Jackknife, the
Bootstrap and Other Resampling Plans, SIAM 1982, chapter 6):

.. math:: \sigma^2 = \frac{R}{R - 1} \sum_r \left( \nabla g(T) \cdot t_r \right)^2 .

The states share their paths, so errors of ratios and differences are correlated: this counts all correlations, which
quotient rules for errors would miss. For a mean it is the scatter of the group means.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..states import STATE_NAMES
from .estimate import Estimate, Float
from .table import SurvivalTable

Statistic = Callable[[NDArray[np.complex128] | Float], NDArray[np.complex128] | Float]
"""A function of sums (..., k, 6) that gives values (..., m); smooth, so that it takes complex numbers."""

ONE_GROUP: Final = "scatter over paths (fewer than two independent groups)"

# derivatives by a complex step, exact to rounding: no differences are taken (Squire and Trapp 1998)
_STEP: Final = 1e-40


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums over the rows of a table.

    Parameters
    ----------
    groups : ndarray, shape (R, k, 6)
        For each independent group: first the sums of w f over the rows that know the state, one for each factor f,
        then those of w f S.
    numerical : mapping of str to ndarray, shape (k, 6)
        The same sums over all rows with the numerical parts of the error in the place of S (zero for the first).
    not_estimated : tuple of str
        Sources of error known to exist and not estimated.
    """

    groups: Float
    numerical: Mapping[str, Float]
    not_estimated: tuple[str, ...]


def replicate_sums(table: SurvivalTable, survival: Estimate, factors: Sequence[Float] = ()) -> Sums:
    """Return the sums of a table.

    Parameters
    ----------
    table : SurvivalTable
        Weights and groups.
    survival : Estimate, shape (n, 6)
        From `SurvivalTable.part`.
    factors : sequence of ndarray, shape (n,), optional
        Further factors beside 1, such as cos(2 phi).

    Returns
    -------
    Sums
        With k = 2 (1 + number of factors).
    """
    known = np.isfinite(survival.value)
    weights = [table.weight * factor for factor in (np.ones(len(table)), *factors)]
    labels, groups = np.unique(table.replicate, return_inverse=True)

    def summed(values: Float) -> Float:
        filled = np.where(known, values, 0.0)
        sums = np.zeros((len(labels), len(weights), len(STATE_NAMES)))
        for i, w in enumerate(weights):
            np.add.at(sums[:, i], groups, w[:, None] * filled)
        return sums

    numerical = {
        name: np.concatenate([np.zeros((len(weights), len(STATE_NAMES))), summed(part).sum(axis=0)])
        for name, part in survival.parts.items()
        if name not in Estimate.STATISTICAL
    }
    both = np.concatenate([summed(np.ones_like(survival.value)), summed(survival.value)], axis=1)
    return Sums(both, numerical, survival.not_estimated)


def estimate(sums: Sums, statistic: Statistic) -> Estimate:
    """Return a function of the sums with its error.

    Parameters
    ----------
    sums : Sums
        From `replicate_sums`.
    statistic : callable
        Must not change when all sums of one state are multiplied by one number: a ratio.

    Returns
    -------
    Estimate, shape (m,)
        Part ``"paths"`` from the scatter of groups (see the module), left out where there are fewer than two; each
        numerical part is the sum over states of what its bound does to the value: the errors of one state share a
        sign on all paths, those of different states may conspire.
    """
    total = sums.groups.sum(axis=0)
    value = np.real(statistic(total))
    # a group may lack a state: R counts the groups that have it
    count = np.count_nonzero(sums.groups[:, 0], axis=0)
    correction = np.sqrt(count / np.maximum(count - 1, 1))
    influence = _derivative(statistic, total, sums.groups * correction)
    scatter = np.sqrt(np.sum(np.square(influence), axis=0))

    each_state = np.eye(len(STATE_NAMES))[:, None, :]
    parts = {
        name: np.sum(np.abs(_derivative(statistic, total, bound * each_state)), axis=0)
        for name, bound in sums.numerical.items()
    }
    if np.any(count[count > 0] < 2):
        return Estimate(value, parts, (*sums.not_estimated, ONE_GROUP))
    return Estimate(value, {"paths": scatter, **parts}, sums.not_estimated)


def _derivative(statistic: Statistic, at: Float, along: Float) -> Float:
    """Return the derivatives at `at` (k, 6) along directions (..., k, 6), shape (..., m)."""
    return np.asarray(np.imag(statistic(at + 1j * _STEP * along)) / _STEP)
