"""Averages over many emulated paths, corrected by few solved ones."""

from __future__ import annotations

from dataclasses import replace
from math import ceil, log2
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._checks import boolean, finite_array, float_array, instance
from .._types import Float
from ..errors import AccuracyWarning, InputError, warn_user
from ..observables.estimate import Estimate
from ..observables.table import SurvivalTable

# Measured on the shipped Pb-Pb runs, 32 replicates: 4096 emulated paths of an impact parameter know the mean survival
# of 2S or 3S, the least certain, to 2.2e-3, 65,536 to 2.3e-4. Replicates know that error to 13 %, and the largest of
# ten impact parameters and five states is two of these above the expected one.
_PATHS, _ERROR, _POWER = 4096, 1.25 * 2.2e-3, 0.82
# Solved paths of an impact parameter alone, b = 6 fm: the correction of mean survival is known from 64 to 1.0e-3
# at LO and 1.7e-3 at NLO, from 128 to 3e-4 and 5e-4 at LO, from 256 to 1e-5. Several impact parameters share their
# emulators and need fewer of each.
_TAUGHT: Final = ((4e-3, 64), (8e-4, 128), (0.0, 256))

_COLUMNS: Final = ("b_fm", "n_part", "centrality_pct", "pT", "phi", "y")


def corrected_table(
    solved: SurvivalTable,
    emulated: ArrayLike,
    others: SurvivalTable,
    *,
    emulated_no_jump: ArrayLike | None = None,
    samples: tuple[ArrayLike, ArrayLike] | None = None,
    points: ArrayLike | None = None,
    fall_back: bool = True,
) -> SurvivalTable:
    r"""Return a table whose averages are those of the other paths, corrected by the solved ones.

    In each bin of each observable, with f the solved and e the emulated survival,

    .. math:: \langle S \rangle = \frac{1}{N} \sum_\mathrm{emulated} e + \frac{1}{n} \sum_\mathrm{solved} (f - e) .

    Whatever the emulator does, this is unbiased if none saw the paths that it is corrected on (`cross_fit`) and the
    emulated paths are others than the solved ones. Errors get the parts ``"paths"``, the scatter of their
    replicates, and ``"correction"``, the scatter of f - e.

    Parameters
    ----------
    solved : SurvivalTable
        n solved paths.
    emulated : array_like, shape (n, 6)
        Their emulated survival, NaN where unknown, by emulators that did not see them: `CrossFit.emulated`.
    others : SurvivalTable
        N emulated paths with the same columns: `CrossFit.values`.
    emulated_no_jump : array_like, shape (n, 6), optional
        As `emulated`, without any jump; as both tables have such survivals, or none.
    samples : pair of array_like of int, shapes (n,) and (N,), optional
        Numbers from 0 on of what the paths were drawn for, such as impact parameters: paths of one sample are corrected
        by its own. By default all are one sample.
    points : array_like of int, shape (n,), optional
        Number of the production point and momentum of each solved path: those of several directions from one point are
        one independent path. By default each has its own.
    fall_back : bool, optional
        Return `solved` where its averages have the smaller variance.

    Returns
    -------
    SurvivalTable
        Its ``attrs`` say how many paths were solved and emulated, and with ``"average"`` what was averaged.

    Raises
    ------
    InputError
        If shapes, columns or states differ.

    Warns
    -----
    AccuracyWarning
        If the emulator does not help, and the plain average of the solved paths is returned.
    """
    instance("solved", solved, SurvivalTable)
    instance("others", others, SurvivalTable)
    fall_back = boolean("fall_back", fall_back)
    given = [(solved.survival, emulated, others.survival, "emulated")]
    if solved.no_jump is not None or others.no_jump is not None or emulated_no_jump is not None:
        if solved.no_jump is None or others.no_jump is None or emulated_no_jump is None:
            raise InputError(
                "emulated_no_jump", emulated_no_jump, "be given if, and only if, both tables have such"
            )
        given.append((solved.no_jump, emulated_no_jump, others.no_jump, "emulated_no_jump"))
    joined: list[Estimate] = []
    for exact, seen, cheap, name in given:
        e = float_array(name, seen)
        if e.shape != exact.value.shape or not np.array_equal(np.isnan(e), np.isnan(exact.value)):
            raise InputError(
                name, e.shape, f"have shape {exact.value.shape} and know the states that `solved` knows"
            )
        value = np.concatenate([cheap.value, exact.value - e])
        # the error of the solver is that of the solved paths, whose mean the sums take
        parts = {p: np.concatenate([np.zeros_like(cheap.value), error]) for p, error in exact.parts.items()}
        joined.append(Estimate(value, parts, exact.not_estimated))
    columns: dict[str, Any] = {}
    for name in _COLUMNS:
        pair = getattr(others, name), getattr(solved, name)
        if (pair[0] is None) != (pair[1] is None):
            raise InputError("others", name, "have the columns that `solved` has")
        columns[name] = None if pair[0] is None else np.concatenate(pair)
    of_solved, of_others = _samples(samples, len(solved), len(others))
    label = {"solved": len(solved), "emulated": len(others)}
    if fall_back and (
        useless := _unhelped(solved, joined[0].value[len(others) :], others, of_solved, of_others)
    ):
        warn_user(
            f"the emulator does not make the averages of {', '.join(useless)} more precise than the plain average of "
            f"the {len(solved)} solved paths, which is used.",
            AccuracyWarning,
        )
        average = "solved paths alone: the emulator does not help"
        return replace(
            solved, attrs={**solved.attrs, "solved": len(solved), "emulated": 0, "average": average}
        )
    given_points = np.arange(len(solved)) if points is None else finite_array("points", points, 1)
    if given_points.shape != (len(solved),):
        raise InputError("points", given_points.shape, f"be {len(solved)} numbers")
    # paths of several samples may share their Sobol points: those of one number count as one
    number = np.zeros(len(solved), dtype=np.int64)
    for sample in np.unique(of_solved):
        own = of_solved == sample
        number[own] = np.unique(given_points[own], return_inverse=True)[1]
    return SurvivalTable(
        survival=joined[0],
        no_jump=joined[1] if len(joined) > 1 else None,
        replicate=np.concatenate([others.replicate, others.replicate.max() + 1 + number]),
        weight=np.concatenate([others.weight, solved.weight]),
        emulation=np.concatenate([-1 - of_others, 1 + of_solved]),
        attrs={**solved.attrs, **label, "average": "emulated paths, corrected by solved ones"},
        **columns,
    )


def _samples(samples: Any, n: int, N: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    if samples is None:
        return np.zeros(n, dtype=np.int64), np.zeros(N, dtype=np.int64)
    allowed = f"be a pair of {n} and {N} whole numbers from 0 on"
    if not isinstance(samples, tuple) or len(samples) != 2:
        raise InputError("samples", samples, allowed)
    of_solved, of_others = (finite_array("samples", each, 1, allowed).astype(np.int64) for each in samples)
    if of_solved.shape != (n,) or of_others.shape != (N,) or min(of_solved.min(), of_others.min()) < 0:
        raise InputError("samples", (of_solved.shape, of_others.shape), allowed)
    if not set(of_others) <= set(of_solved):
        raise InputError(
            "samples", sorted(set(of_others) - set(of_solved)), "have solved paths for each emulated one"
        )
    return of_solved, of_others


def _unhelped(
    solved: SurvivalTable, difference: Float, others: SurvivalTable, of_solved: Any, of_others: Any
) -> list[str]:
    """Return the states of which the corrected mean has no smaller variance than the mean of the solved paths.

    Both are variances of means over random paths, so that Sobol points favor neither.
    """

    def variance(values: Float, weight: Float, sample: Any) -> Float:
        total = np.zeros(values.shape[1])
        for k in np.unique(of_others):
            own = sample == k
            w, v = weight[own, None] * np.isfinite(values[own]), np.nan_to_num(values[own])
            w = w / np.maximum(w.sum(axis=0), np.finfo(float).tiny)
            # as large a share as the sample has among the emulated paths
            share = others.weight[of_others == k].sum() / others.weight.sum()
            total += share**2 * np.sum((w * (v - np.sum(w * v, axis=0))) ** 2, axis=0)
        return total

    plain = variance(solved.survival.value, solved.weight, of_solved)
    both = variance(difference, solved.weight, of_solved) + variance(
        others.survival.value, others.weight, of_others
    )
    names = solved.states
    at = [i for i in range(len(plain)) if np.any(np.isfinite(solved.survival.value[:, i]))]
    return [name for name, i in zip(names, at, strict=True) if plain[i] > 0 and both[i] >= plain[i]]


def chosen_paths(given: Any, replicates: int = 8) -> Any:
    """Return the keys of ``[paths]`` with the ``n`` of each replicate and the ``cheap`` paths that others stand for.

    ``solved`` is the number of solved paths of all replicates, by default of as many as `replicates`, and ``error`` the
    error of averaged survivals. What is given as it is stays, and what is no number is left to whoever checks the keys.
    """
    if not isinstance(given, dict):
        return given
    known = dict(given)
    solved, error = known.get("solved"), known.get("error")
    if isinstance(error, float) and error > 0:
        if solved is None:
            solved = next(count for least, count in _TAUGHT if error >= least)
        known.setdefault("cheap", 2 ** ceil(log2(_PATHS * (_ERROR / error) ** (1 / _POWER))))
    if isinstance(each := known.get("replicates"), int) and each > 0:
        replicates = each
    if isinstance(solved, int) and solved > 0:
        known.setdefault("n", 2 ** ceil(log2(max(solved / replicates, 1))))
    return known
