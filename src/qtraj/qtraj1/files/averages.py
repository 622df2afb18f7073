"""Means over ratio files, with errors that say when a mean rests on rare rows.

A no-jump row of an S-wave run counts 38 where nearly all others count 0, so the plain mean and its standard
error are both too small until dozens of such rows have been seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..._checks import boolean, choice, finite_array, float_array, instance, integer, number, settle
from ...errors import InputError
from ...observables.estimate import Estimate
from ...states import STATE_NAMES
from .ratios import RatioTable
from .text import Float

Index = NDArray[np.intp]

ENOUGH_ROWS: Final = 20
"""Effective number of contributing rows below which a mean is most likely too small, and its standard error too."""

UNSEEN: Final = 3.0
"""What happens less often than 3/n is not seen in n rows with a chance of 5 % (exp(-3)): the "rule of three"."""

WEIGHT_COLUMN: Final = 7
"""Index of the weight among eight metadata values."""


@dataclass(frozen=True, eq=False)
class NoJumpPart:
    """What is known exactly about the trajectories that never jump.

    Parameters
    ----------
    probability : float
        p, the norm of the no-jump evolution at the end, between 0 and 1.
    ratios : array_like, shape (6,)
        Ratios of the no-jump evolution, not divided by p: the row of a run with ``doJumps 0``.
    error : array_like, shape (6,), optional
        Errors of `ratios`.

    Raises
    ------
    InputError
        If a number is out of range.
    """

    probability: float
    ratios: Any
    error: Any = 0.0

    def __post_init__(self) -> None:
        allowed = "be between 0 and 1 (the final no-jump norm)"
        probability = number("probability", self.probability, allowed, above=0, below=1)
        ratios = float_array("ratios", self.ratios)
        if ratios.shape != (len(STATE_NAMES),) or not np.all(np.isfinite(ratios) & (ratios >= 0)):
            raise InputError("ratios", self.ratios, f"be {len(STATE_NAMES)} finite, non-negative numbers")
        error = finite_array("error", self.error, low=0)
        if error.shape not in ((), ratios.shape):
            raise InputError("error", self.error, f"be one number or {len(STATE_NAMES)}")
        settle(self, probability=probability, ratios=ratios, error=np.broadcast_to(error, ratios.shape))

    @classmethod
    def from_rows(cls, table: RatioTable, probability: float, resolution: float = 5e-7) -> NoJumpPart:
        """Take the no-jump ratios from a row that did not jump: it is their value over p.

        Parameters
        ----------
        table : RatioTable
            Rows of one temperature history and one l.
        probability : float
            p, for example the last norm in the first block of ``summary.tsv``.
        resolution : float
            Largest error of p; ``summary.tsv`` prints six decimals.

        Raises
        ------
        InputError
            If all rows jumped: run once with ``doJumps 0`` instead.
        """
        instance("table", table, RatioTable)
        probability = number("probability", probability, "be between 0 and 1", above=0, below=1)
        resolution = number("resolution", resolution, "be an error, not negative", low=0)
        # a trajectory jumps where its first random number exceeds the no-jump norm p
        still = np.flatnonzero(table.r0 < probability)
        if not len(still):
            remedy = "Run once with doJumps 0 and pass its row to NoJumpPart."
            value = f"{len(table)} rows with a jump"
            raise InputError("table", value, "hold a row that did not jump", remedy)
        row = table.ratios[still[0]]
        return cls(probability, probability * row, resolution * row)


def average_ratios(
    table: RatioTable,
    *,
    l: int | None = None,
    by: Literal["auto", "rows", "paths"] = "auto",
    weighted: bool = False,
    no_jump: NoJumpPart | None = None,
    r_max: float = 1.0,
) -> dict[str, Estimate]:
    r"""Return the mean of each state over a ratio file with its error.

    Over rows, the error is the sample standard deviation over sqrt(n). Over physical trajectories ("paths", rows
    of one metadata line), each path counts once, or with its weight, and the error is the scatter of the path means,

    .. math:: m = \frac{\sum_g w_g m_g}{\sum_g w_g}, \qquad
              \mathrm{paths}^2 = \frac{G}{G - 1} \frac{\sum_g w_g^2 (m_g - m)^2}{(\sum_g w_g)^2} ,

    which holds the sampling noise inside the paths, too. With `no_jump` known, the rows that did not jump are
    replaced by the exact number and the others fill the rest of the interval of the first random number,

    .. math:: m = m_\mathrm{no\,jump} + (r_{\max} - p) \, \langle x \rangle_{p < r_0 \le r_{\max}} ,

    which has the same expectation and a much smaller error.

    Parameters
    ----------
    table : RatioTable
        The rows.
    l : int, optional
        Initial angular momentum of the rows to average; needed where the table holds several.
    by : {"auto", "rows", "paths"}
        What is independent; auto takes paths where there is metadata.
    weighted : bool
        Use the weight in the metadata (its eighth value).
    no_jump : NoJumpPart, optional
        The exact no-jump part; for the rows of one temperature history only.
    r_max : float
        The parameter ``rMax`` of the run; rows beyond it are recorded as zeros, which biases the mean.

    Returns
    -------
    dict of str to Estimate
        For each of STATE_NAMES, with parts ``"statistical"`` or ``"paths"``; ``"rare_events"``, the bound
        3 max(x)/n, where fewer than 20 effective rows, (sum x)^2 / sum x^2, carry the mean (with `no_jump`, a row
        not seen may be as large as one that did not jump); ``"rounding"`` of the exact part.
        What the rows cannot tell is named in ``not_estimated``.

    Raises
    ------
    InputError
        If the table holds no row of this `l`, or several l and none is chosen; if metadata or weights are asked for
        and missing; if `no_jump` is given for several paths, or no row has a jump.
    """
    instance("table", table, RatioTable)
    table = _of_one_l(table, None if l is None else integer("l", l, 0))
    by = choice("by", by, ("auto", "rows", "paths"))
    weighted = boolean("weighted", weighted)
    if no_jump is not None:
        instance("no_jump", no_jump, NoJumpPart)
    r_max = number("r_max", r_max, "be above 0 and at most 1", above=0, high=1)
    labels, weights, notes = _paths(table, by, weighted)
    if r_max < 1:
        notes += (f"trajectories with r0 above rMax = {r_max:g}, recorded as zeros",)
    sampled = bool(np.any(table.r0))
    if not sampled:
        notes += ("jumps (doJumps 0)",)
    if no_jump is not None:
        return _with_exact_part(table, no_jump, r_max, len(weights), notes)
    return {
        name: _mean(values, labels, weights, notes, sampled)
        for name, values in zip(STATE_NAMES, table.ratios.T, strict=True)
    }


def effective_rows(values: ArrayLike) -> float:
    """Return the effective number of rows that carry a mean, (sum x)^2 / sum x^2 (L. Kish); 0 if all vanish.

    Parameters
    ----------
    values : array_like, shape (n,)
        What the rows contribute, any unit.

    Returns
    -------
    float
        Number of rows, 0 to n.

    Raises
    ------
    InputError
        If a value is no finite number.
    """
    x = finite_array("values", values, 1)
    if not len(x):
        return 0.0
    # scaled to the largest: the squares of 1e-200 would vanish
    x = x / peak if (peak := np.max(x)) > 0 else x
    return float(np.sum(x) ** 2 / square) if (square := np.sum(x**2)) > 0 else 0.0


def _of_one_l(table: RatioTable, l: int | None) -> RatioTable:
    present = table.angular_momenta
    if l is None and len(present) > 1:
        remedy = "S-wave and P-wave runs answer different questions; average one at a time."
        raise InputError("l", l, f"be one of {', '.join(map(str, present))}, which the table holds", remedy)
    if l is not None and l not in present:
        raise InputError("l", l, f"be one of {', '.join(map(str, present))}, which the table holds")
    return table if len(present) == 1 else table.select(table.l == l)


def _paths(table: RatioTable, by: str, weighted: bool) -> tuple[Index, Float, tuple[str, ...]]:
    """Return the group of each row, the weight of each group, and notes on what is not estimated."""
    rows_alone = by == "rows" or (by == "auto" and table.metadata is None)
    if rows_alone and weighted:
        allowed = "be False for an average over rows"
        raise InputError("weighted", weighted, allowed, "Weights belong to paths.")
    if rows_alone:
        return np.zeros(len(table), dtype=np.intp), np.ones(1), ()
    if table.metadata is None:
        raise InputError("by", by, "be 'rows' for a table without metadata")
    names, labels = np.unique(np.array(table.metadata, dtype=object), return_inverse=True)
    columns = [str(name).split("\t") for name in names]
    notes: tuple[str, ...] = ()
    if len(names) == 1:
        notes = ("scatter over paths (the table holds one)",)
    if not weighted:
        if all(len(line) > WEIGHT_COLUMN for line in columns):
            notes += ("weights of the paths, which the metadata hold and weighted=True uses",)
        return labels, np.ones(len(names)), notes
    try:
        weights = np.array([float(line[WEIGHT_COLUMN]) for line in columns])
    except (IndexError, ValueError):
        allowed = "be False: the metadata have no eighth value, the weight"
        raise InputError("weighted", weighted, allowed) from None
    if not (np.all(np.isfinite(weights) & (weights >= 0)) and weights.sum() > 0):
        allowed = "be False: the weights are not non-negative with a positive sum"
        raise InputError("weighted", weights, allowed)
    return labels, weights, notes


def _mean(x: Float, labels: Index, weights: Float, notes: tuple[str, ...], sampled: bool) -> Estimate:
    if len(weights) == 1:
        value, parts = np.mean(x), {}
        if len(x) > 1:
            parts["statistical"] = np.std(x, ddof=1) / np.sqrt(len(x))
        elif sampled:
            notes += ("statistical error (one row)",)
    else:
        means = np.bincount(labels, x) / np.bincount(labels)
        value = np.sum(weights * means) / weights.sum()
        # G/(G - 1): the unbiased variance, as for equal weights
        spread = np.sum((weights * (means - value)) ** 2) * len(weights) / (len(weights) - 1)
        parts = {"paths": np.sqrt(spread) / weights.sum()}
    bound, note = _rare(x, len(x)) if sampled else ({}, ())
    return Estimate(value, parts | bound, notes + note)


def _with_exact_part(
    table: RatioTable, no_jump: NoJumpPart, r_max: float, paths: int, notes: tuple[str, ...]
) -> dict[str, Estimate]:
    p = no_jump.probability
    if paths > 1:
        remedy = "The no-jump part differs from path to path: select the rows of one."
        allowed = "belong to one temperature history"
        raise InputError("no_jump", f"one part for {paths} paths", allowed, remedy)
    # rows above r_max are zeros that stand for nothing
    jumped = table.ratios[(table.r0 >= p) & (table.r0 <= r_max)]
    if len(jumped) < 2:
        allowed = "hold at least two rows with p <= r0 <= r_max"
        raise InputError("table", f"{len(jumped)} rows with a jump", allowed)
    share = r_max - p
    estimates = {}
    for name, x, exact, rounding in zip(STATE_NAMES, jumped.T, no_jump.ratios, no_jump.error, strict=True):
        bound, note = _rare(share * x, len(x), unseen=share * exact / p)
        parts = {"statistical": share * np.std(x, ddof=1) / np.sqrt(len(x)), "rounding": rounding, **bound}
        estimates[name] = Estimate(exact + share * np.mean(x), parts, notes + note)
    return estimates


def _rare(x: Float, n: int, unseen: float = 0.0) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the bound on rows not seen, and a note; `unseen` is the size that such a row may have, if known."""
    if n == 1 or (count := effective_rows(x)) >= ENOUGH_ROWS:
        return {}, ()
    size = max(float(np.max(x)), unseen)
    if size == 0:
        return {}, (f"rare rows: none of {n} contributes",)
    note = f"rare rows: {count:.1f} effective rows of {n} carry the sampled mean, it is most likely too small"
    return {"rare_events": UNSEEN * size / n}, (note,)
