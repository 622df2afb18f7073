r"""Sums over paths, group by group, and any smooth function of them with its error; averages of survivals.

R_AA, double ratios and flow coefficients are functions g of sums over paths, T = sum_r t_r over independent groups r.
Their statistical error is that of the linearized function, the infinitesimal jackknife (B. Efron, The Jackknife, the
Bootstrap and Other Resampling Plans, SIAM 1982, chapter 6):

.. math:: \sigma^2 = \frac{R}{R - 1} \sum_r \left( \nabla g(T) \cdot t_r \right)^2 .

The states share their paths, so errors of ratios and differences are correlated: this counts all correlations, which
quotient rules for errors would miss. For a mean it is the scatter of the group means.

A path that was solved with quantum trajectories has a statistical error of its own. The random numbers of paths are
independent, so the scatter of groups holds these errors already, added in quadrature: no sum takes them a second time.

Emulated paths are corrected by solved ones, whose scatter is a second, independent part of the error: `corrections`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from .._checks import choice, finite_array, float_array, instance, mapping, settle
from .._types import Float
from ..errors import InputError
from ..states import STATE_NAMES, State
from .estimate import TRUSTED, Estimate, joint_errors
from .feeddown import MESON_NAMES
from .table import FED_STATES, MESON_COLUMNS, SurvivalTable

# A function of sums (..., k, n) that gives values (..., m); smooth, so that it takes complex numbers
Statistic = Callable[[NDArray[np.complex128] | Float], NDArray[np.complex128] | Float]
ONE_GROUP: Final = "scatter over paths (fewer than two independent groups)"
UNCORRECTED: Final = "error of the emulation (fewer than two solved paths)"

# derivatives by a complex step, exact to rounding: no differences are taken (Squire and Trapp 1998)
_STEP: Final = 1e-40


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums over the rows of a table, of k quantities for each of n states.

    `groups`, shape (R, k, n), has for each independent group first the sums of w f over the rows that know the state,
    one for each factor f, then those of w f S. `numerical` and `statistical`, shape (k, n), are the sums over all rows
    with parts of the error in the place of S (zero where S is not in); statistical errors add in quadrature, and are
    None where no row has one. `corrections`, shape (paths, k, n), is what each solved path adds to the sums of
    emulated ones, less the mean; None where nothing is emulated.
    """

    groups: Float
    numerical: Mapping[str, Float]
    not_estimated: tuple[str, ...]
    statistical: Float | None = None
    corrections: Float | None = None


def replicate_sums(table: SurvivalTable, survival: Estimate, factors: Sequence[Float] = ()) -> Sums:
    """Return the sums of the six radial states, k = 2 (1 + number of factors).

    `survival`, shape (n, 6), is from `SurvivalTable.part`; `factors`, shape (n,) each, stand beside 1, such as
    cos(2 phi).
    """
    if table.emulation is not None and np.any(table.emulation):
        return _corrected_sums(table, survival, factors)
    known = np.isfinite(survival.value)
    weights = table.weight * np.array([np.ones(len(table)), *factors])
    labels, groups = np.unique(table.replicate, return_inverse=True)

    def summed(values: Float) -> Float:
        return _by_group(groups, len(labels), weights, np.where(known, values, 0.0))

    def of_survival(sums: Float) -> Float:
        return np.concatenate([np.zeros((len(weights), len(STATE_NAMES))), sums])

    numerical = {
        name: of_survival(summed(part).sum(axis=0))
        for name, part in survival.parts.items()
        if name not in (*Estimate.STATISTICAL, "rare_events")
    }
    if "rare_events" in survival.parts:
        rare = np.where(known, survival.parts["rare_events"], 0.0)
        numerical["rare_events"] = of_survival(_unseen(table, rare, weights))
    statistical = None
    if np.any(error := np.where(known, survival.statistical, 0.0)):
        statistical = of_survival(np.sqrt(np.square(weights) @ np.square(error)))
    both = np.concatenate([summed(np.ones_like(survival.value)), summed(survival.value)], axis=1)
    return Sums(both, numerical, survival.not_estimated, statistical)


def _corrected_sums(table: SurvivalTable, survival: Estimate, factors: Sequence[Float]) -> Sums:
    """Return the sums over emulated paths, corrected by what solved ones differ from their emulation.

    Of sample k, the solved rows i with weights v and differences c change the sum of w f S in group r by

        W_r sum_i v f c/sum_i v,    W_r: weight of the emulated rows of the sample in the group,

    so the sums stay sums over independent groups. The solved paths of a sample scatter independently of each other, a
    path of a Sobol sequence at most as much as a random one: what each adds, less the mean, is the other part of the
    error. Paths of several samples may share their points, so what rows of one `replicate` add counts as one number.
    """
    role = table.emulation
    rows = np.flatnonzero(role <= 0)
    parts = {name: np.take(part, rows, axis=0) for name, part in survival.parts.items()}
    # emulated paths have no numerical errors: those are of the solved ones
    some = {name: part for name, part in parts.items() if np.any(part)}
    emulated = Estimate(np.take(survival.value, rows, axis=0), some, survival.not_estimated)
    no_jump = table.no_jump[rows] if "rare_events" in some else None
    lean = SurvivalTable(emulated, table.replicate[rows], no_jump=no_jump, weight=table.weight[rows])
    base = replicate_sums(lean, emulated, [np.asarray(f)[rows] for f in factors])
    labels, group = np.unique(table.replicate[rows], return_inverse=True)
    known = np.isfinite(survival.value)
    weights = table.weight * np.array([np.ones(len(table)), *factors])
    k, groups, missing = len(weights), base.groups.copy(), list(base.not_estimated)
    numerical = {
        name: np.zeros((2 * k, len(STATE_NAMES))) for name in parts if name not in Estimate.STATISTICAL
    }
    numerical |= {name: sums.copy() for name, sums in base.numerical.items()}
    paths, number = np.unique(table.replicate, return_inverse=True)
    corrections = np.zeros((len(paths), 2 * k, len(STATE_NAMES)))
    for sample in np.unique(-role[role < 0]):
        cheap, solved = np.flatnonzero(role[rows] == -sample), np.flatnonzero(role == sample)
        v = table.weight[solved, None] * known[solved]
        total = v.sum(axis=0)
        # a state that no row knows has none of the independent paths
        count = np.where(total > 0, len(np.unique(number[solved])), 0)
        if np.any(count[np.any(known[rows[cheap]], axis=0)] < 2):
            missing.append(UNCORRECTED)
        # shape (groups, states): weight of the emulated paths that know the state
        own = rows[cheap]
        W = _by_group(group[cheap], len(labels), table.weight[None, own], known[own].astype(float))[:, 0]
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(
                total > 0, weights[:, solved, None] * known[solved] / total, 0.0
            )  # (k, i, states)
        c = np.where(known[solved], survival.value[solved], 0.0)
        mean = np.sum(share * c, axis=1)
        groups[:, k:] += W[:, None] * mean
        each = share * c - share[0] * mean[:, None]
        spread = np.sqrt(count / np.maximum(count - 1, 1)) * W.sum(axis=0) * each
        np.add.at(corrections[:, k:], number[solved], spread.transpose(1, 0, 2))
        for name, part in survival.parts.items():
            if name not in Estimate.STATISTICAL:
                error = np.sum(share * np.where(known[solved], part[solved], 0.0), axis=1)
                numerical.setdefault(name, np.zeros((2 * k, len(STATE_NAMES))))[k:] += W.sum(axis=0) * error
    there = np.any(corrections != 0, axis=(1, 2))
    return Sums(groups, numerical, tuple(dict.fromkeys(missing)), base.statistical, corrections[there])


def _by_group(group: NDArray[np.intp], count: int, weights: Float, values: Float) -> Float:
    """Return the sums (count, k, n) over the rows of each group of `weights` (k, rows) times `values` (rows, n)."""
    place = np.arange(len(group) + 1)
    each = [csr_array((weight, group, place), shape=(len(group), count)).T @ values for weight in weights]
    return np.stack(each, axis=1)


def _unseen(table: SurvivalTable, rare: Float, weights: Float) -> Float:
    """Return what events that no trajectory of any row saw may add to the sums, shape (k, n), of weights (k, rows).

    `rare`, shape (rows, n), is what they may add to each row: 3/N times the most that one of its N trajectories may
    contribute, and 0 where `TRUSTED` trajectories or more contribute. The rows have independent random numbers, so all
    trajectories together are one sample, and the same rules hold for it:

    - `TRUSTED` contributions make the scatter of groups a safe error, and nothing is added. Each row with a regenerated
      part has at least one, each row without a bound at least `TRUSTED`, so the number below is a lower bound.
    - Else at most three unseen events are expected in the whole sample (95 % confidence), not three in each row: the
      bound of a sum is the largest of its rows.
    """
    bound = np.asarray(np.max(np.abs(weights)[:, :, None] * rare, axis=1))
    if table.no_jump is None:
        return bound
    jumped = np.nan_to_num(table.weight[:, None] * (table.survival.value - table.no_jump.value)).clip(min=0.0)
    squares = np.sum(np.square(jumped) / np.where(rare > 0, 1.0, TRUSTED), axis=0)
    enough = np.square(jumped.sum(axis=0)) >= TRUSTED * squares
    return np.where(enough & (squares > 0), 0.0, bound)


@np.errstate(divide="ignore", invalid="ignore")
def estimate(sums: Sums, statistic: Statistic) -> Estimate:
    """Return a function of the sums with its error, shape (m,).

    `statistic` must not change when all sums of one state are multiplied by one number: a ratio. The part ``"paths"``
    is the scatter of groups (see the module); with fewer than two, ``"statistical"`` holds the errors of the rows, if
    they have any. Each numerical part is the sum over states of what its bound does to the value: the errors of one
    state share a sign on all paths, those of different states may conspire. Where there is no value (a ratio to no
    survivors) it is NaN, and its errors are zero.
    """
    total = sums.groups.sum(axis=0)
    value = np.real(statistic(total))
    defined = np.isfinite(value)
    # a group may lack a state: R counts the groups that have it
    count = np.count_nonzero(sums.groups[:, 0], axis=0)
    correction = np.sqrt(count / np.maximum(count - 1, 1))
    influence = _derivative(statistic, total, sums.groups * correction)
    scatter = np.sqrt(np.sum(np.square(influence), axis=0))

    def bounded(errors: Float) -> Float:
        # one direction for each state, in which its sums alone move
        each_state = errors * np.eye(total.shape[-1])[:, None, :]
        return np.asarray(np.sum(np.abs(_derivative(statistic, total, each_state)), axis=0))

    parts = {name: bounded(bound) for name, bound in sums.numerical.items()}
    value = np.where(defined, value, np.nan)
    corrected = {}
    if sums.corrections is not None:
        influence = _derivative(statistic, total, sums.corrections)
        corrected["correction"] = np.sqrt(np.sum(np.square(influence), axis=0))
    if np.any(count[count > 0] < 2):
        if sums.statistical is not None:  # states share their trajectories: their errors may be correlated
            parts["statistical"] = bounded(sums.statistical)
        missing = (*sums.not_estimated, ONE_GROUP)
    else:
        parts, missing = {"paths": scatter, **parts}, sums.not_estimated
    parts |= corrected
    return Estimate(value, {name: np.where(defined, part, 0.0) for name, part in parts.items()}, missing)


def mean(sums: Any) -> Any:
    """Return the mean survivals (..., n) of sums w and w S, (..., 2, n): the `Statistic` of an average."""
    return sums[..., 1, :] / sums[..., 0, :]


def _derivative(statistic: Statistic, at: Float, along: Float) -> Float:
    """Return the derivatives at `at` (k, n) along directions (..., k, n), shape (..., m)."""
    return np.asarray(np.imag(statistic(at + 1j * _STEP * along)) / _STEP)


def average(
    survival: Estimate | ArrayLike, replicate: ArrayLike, weights: ArrayLike | None = None
) -> Estimate:
    r"""Average over paths that were drawn in independent replicates.

    With m_r the (weighted) mean over the paths of replicate r, r = 1 ... R,

    .. math:: m = \frac{1}{R} \sum_r m_r, \qquad
              \mathrm{paths}^2 = \frac{1}{R (R - 1)} \sum_r (m_r - m)^2 .

    Paths inside one replicate are the points of one scrambled Sobol sequence: they avoid each other, so only
    whole replicates are independent (A. B. Owen, SIAM J. Numer. Anal. 34 (1997) 1884). The error itself is
    known to a relative 1/sqrt(2 (R - 1)): 41 % with 4 replicates, 27 % with 8.

    Parameters
    ----------
    survival : Estimate or array_like, shape (n,)
        Survival along each path.
    replicate : array_like of int, shape (n,)
        Replicate of each path: at least two, all of the same number of paths.
    weights : array_like, shape (n,), optional
        Non-negative weights of the paths; their sum is positive in each replicate.

    Returns
    -------
    Estimate
        Scalar, with part ``"paths"``, which holds the statistical parts of the paths; numerical parts are averaged
        linearly, since they may share a sign. Of ``"rare_events"`` the largest counts once: all
        trajectories are one sample.

    Raises
    ------
    InputError
        If shapes differ, replicates are fewer than two or unequal, or a number is not finite.
    """
    given = survival if isinstance(survival, Estimate) else Estimate(survival)
    # any state may stand for the numbers
    sums = _path_sums({STATE_NAMES[0]: ("survival", given)}, replicate, weights)
    return estimate(sums, lambda sums: mean(sums[..., :1]))[0]


def scatter(replicate_means: ArrayLike) -> Any:
    """Return the standard error of the mean of independent replicates, over the first axis.

    Parameters
    ----------
    replicate_means : array_like, shape (R, ...)
        R >= 2 independent means of the same quantity.

    Returns
    -------
    ndarray or float, shape (...)
        sqrt(sum (m_r - m)^2 / (R (R - 1))), itself known to a relative 1/sqrt(2 (R - 1)).

    Raises
    ------
    InputError
        If there are fewer than two means.
    """
    means = float_array("replicate_means", replicate_means)
    if means.ndim < 1 or len(means) < 2:
        raise InputError("replicate_means", replicate_means, *_AT_LEAST_TWO)
    return np.std(means, axis=0, ddof=1) / np.sqrt(len(means))


@dataclass(frozen=True, eq=False)
class MesonSurvival:
    """Survival of the nine mesons in one geometry, replicate by replicate.

    R_AA and every difference of survivals are formed inside each replicate: states share their paths, so their errors
    are correlated.

    Parameters
    ----------
    replicates : array_like, shape (R, 9)
        Mean survival of each replicate, R >= 2, in the order of `MESON_NAMES`.
    numerical : mapping of str to array_like, shape (9,), optional
        Numerical parts of the error, averaged over paths.
    not_estimated : tuple of str, optional
        Sources of error known to exist and not estimated.

    Raises
    ------
    InputError
        If a shape is wrong, a survival is not finite or there are fewer than two replicates.
    """

    replicates: Any
    numerical: Mapping[str, Any]
    not_estimated: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        means = float_array("replicates", self.replicates)
        if means.ndim != 2 or means.shape[1] != len(MESON_NAMES):
            raise InputError("replicates", means.shape, f"have shape (replicates, {len(MESON_NAMES)})")
        if len(means) < 2:
            raise InputError("replicates", len(means), *_AT_LEAST_TWO)
        if not np.all(np.isfinite(means)):
            raise InputError("replicates", self.replicates, "be finite")
        # Estimate checks the numerical parts: one rule for every error in the package
        parts = Estimate(means[0], self.numerical, self.not_estimated).parts
        settle(self, replicates=means, numerical=dict(parts))

    @property
    def estimate(self) -> Estimate:
        """Survival of the nine mesons, arrays of shape (9,)."""
        return estimate(self.sums, mean)

    @property
    def sums(self) -> Sums:
        """The same as sums over paths of the nine mesons, each replicate with weight 1."""
        groups = np.stack([np.ones_like(self.replicates), self.replicates], axis=1)
        nothing, count = np.zeros(len(MESON_NAMES)), len(self.replicates)
        # a bound on the mean is 1/R of what it adds to the sum over R replicates
        numerical = {name: np.stack([nothing, count * part]) for name, part in self.numerical.items()}
        return Sums(groups, numerical, self.not_estimated)

    def __getitem__(self, meson: str) -> Estimate:
        """Return the survival of one meson, for example ``survival["Y(1S)"]``."""
        choice("meson", meson, MESON_NAMES, f"be one of {', '.join(MESON_NAMES)}")
        return self.estimate[MESON_NAMES.index(meson)]

    def __sub__(self, other: MesonSurvival) -> MesonSurvival:
        """Return the difference, replicate by replicate: total minus no-jump is regeneration.

        Both must come from the same paths. Numerical parts add, as bounds on a difference do.
        """
        if self.replicates.shape != other.replicates.shape:
            allowed = f"have replicates of shape {self.replicates.shape}"
            raise InputError("other", other.replicates.shape, allowed)
        parts, missing = joint_errors(self.estimate, other.estimate)
        del parts["paths"]  # it is the scatter of the differences
        return MesonSurvival(self.replicates - other.replicates, parts, missing)


def meson_survival(
    s_wave: Mapping[str, Estimate],
    p_wave: Mapping[str, Estimate],
    replicate: ArrayLike,
    weights: ArrayLike | None = None,
) -> MesonSurvival:
    """Average two solver runs over paths and give each meson the survival of its radial state.

    The solver does not know spin: chi_b0(1P), chi_b1(1P) and chi_b2(1P) share the survival of 1P.

    Parameters
    ----------
    s_wave : mapping of str to Estimate, shape (n,)
        Survival along each path from the run that starts in l = 0; holds 1S, 2S, 3S.
    p_wave : mapping of str to Estimate, shape (n,)
        The same paths, in the same order, started in l = 1; holds 1P, 2P.
    replicate, weights : array_like, shape (n,)
        As in `average`.

    Returns
    -------
    MesonSurvival

    Raises
    ------
    InputError
        If a state is missing, or as in `average`.
    """
    runs = {0: ("s_wave", s_wave), 1: ("p_wave", p_wave)}
    survivals = {}
    for state in FED_STATES:
        argument, run = runs[State.named(state).l]
        mapping(argument, run)
        if state not in run:
            remedy = f"Pass the survivals of the run that starts in l = {State.named(state).l}."
            raise InputError(argument, list(run), f"hold the state {state}", remedy)
        survivals[state] = state, instance(f"{argument}[{state!r}]", run[state], Estimate)
    sums = _path_sums(survivals, replicate, weights)
    means = estimate(sums, lambda sums: mean(sums[..., MESON_COLUMNS]))
    numerical = {name: part for name, part in means.parts.items() if name != "paths"}
    return MesonSurvival(mean(sums.groups[..., MESON_COLUMNS]), numerical, means.not_estimated)


_AT_LEAST_TWO = (
    "hold at least 2 replicates",
    "The error of an average over paths is the scatter of independent replicates: sample more of them.",
)


def _path_sums(
    survivals: Mapping[str, tuple[str, Estimate]], replicate: ArrayLike, weights: ArrayLike | None
) -> Sums:
    """Return the sums over paths, of replicates that count alike, of (name, survival along each path) of states."""
    replicate = finite_array("replicate", replicate, 1, "have shape (n,), a number for each path")
    names, labels, counts = np.unique(replicate, return_inverse=True, return_counts=True)
    if len(names) < 2:
        raise InputError("replicate", names.tolist(), *_AT_LEAST_TWO)
    if np.any(counts != counts[0]):
        raise InputError("replicate", counts.tolist(), "hold replicates of the same number of paths")
    w = np.ones(len(replicate)) if weights is None else float_array("weights", weights)
    if w.shape != replicate.shape or not np.all(w >= 0) or not np.all(np.isfinite(w)):
        raise InputError("weights", weights, f"be non-negative numbers of shape {replicate.shape}")
    total = np.bincount(labels, w)
    if np.any(total <= 0):
        raise InputError("weights", total.tolist(), "have a positive sum in each replicate")
    value, errors = np.full((len(w), len(STATE_NAMES)), np.nan), dict[str, Float]()
    for state, (name, survival) in survivals.items():
        numerical = {n: part for n, part in survival.parts.items() if n not in Estimate.STATISTICAL}
        for argument, values in {name: np.asarray(survival.value), **numerical}.items():
            if np.shape(values) != w.shape:
                raise InputError(argument, np.shape(values), f"have one value per path, shape {w.shape}")
            if not np.all(np.isfinite(values)):
                raise InputError(argument, values[~np.isfinite(values)], "be finite on every path")
        j = STATE_NAMES.index(state)
        value[:, j] = survival.value
        for part, bound in numerical.items():
            errors.setdefault(part, np.zeros_like(value))[:, j] = bound
    missing = dict.fromkeys(reason for _, survival in survivals.values() for reason in survival.not_estimated)
    table = SurvivalTable(Estimate(value, errors, tuple(missing)), labels, weight=w / total[labels])
    return replicate_sums(table, table.survival)
