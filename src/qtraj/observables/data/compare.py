r"""Theory beside data: a calculation at the points of a measurement, and chi-square with all kinds of errors.

A global uncertainty moves all points of a measurement together. With residuals r = data - theory, point-to-point
variances D and the shifts B (one column for each source of correlated error, per standard deviation),

.. math:: \chi^2 = \min_\theta \sum_i \frac{(r - B \theta)_i^2}{D_i} + \theta^2 = r^T (D + B B^T)^{-1} r,

the nuisance parameters theta in units of their standard deviations. A relative error multiplies the theory, not the
data: the other choice pulls fits down (G. D'Agostini, Nucl. Instrum. Meth. A 346 (1994) 306).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaincc

from ..._checks import boolean, choice, finite_array, float_array, instance, instances, members
from ..._types import Float
from ...errors import InputError
from ..bins import SPECTRA, Bins
from ..curves import Curve
from ..estimate import Estimate, joined
from ..feeddown import FeedDown
from ..geometry import coverage
from ..observable import Observable, double_ratio
from ..table import INTEGRATED, SurvivalTable
from .dataset import DataSet
from .systems import CollisionSystem, system_of

Range = tuple[float, float]
Systematic = Literal["uncorrelated", "correlated"]

# share of the collisions of a centrality class that must lie near computed impact parameters for a comparison
LEAST_COVERAGE: Final = 0.5
GEOMETRIC: Final = ("N_part", "centrality_pct")
RAPIDITIES: Final = ("y", "abs_y", "y_cm")

# share of the binary collisions from which on a centrality class stands for all: 0-60 % holds 98 % in Pb-Pb
LEAST_SHARE: Final = 0.95


@dataclass(frozen=True, eq=False)
class ChiSquare:
    """Agreement of theory with measured points.

    Parameters
    ----------
    value : float
        Chi-square.
    points : int
        Number of points that enter.
    pulls : ndarray, shape (points,)
        What is left of each residual after the correlated shifts, in units of its point-to-point error.
    shifts : mapping of str to float
        Fitted shift of each correlated source, in its standard deviations.
    left_out : int
        Points without a prediction or without an error, and upper limits.
    """

    value: float
    points: int
    pulls: Float
    shifts: dict[str, float]
    left_out: int = 0

    @property
    def p_value(self) -> float:
        """Probability of a larger chi-square if the theory is right and has no free parameter."""
        return float(gammaincc(self.points / 2, self.value / 2))

    def __str__(self) -> str:
        left = f", {self.left_out} left out" if self.left_out else ""
        shifts = ", ".join(f"{name} {shift:+.1f} sigma" for name, shift in self.shifts.items())
        return f"chi2 = {self.value:.1f} for {self.points} points (p = {self.p_value:.2g}){left}" + (
            f"; shifts: {shifts}" if shifts else ""
        )


def nuisance_fit(residual: ArrayLike, error: ArrayLike, shifts: ArrayLike) -> tuple[float, Float]:
    """Return chi-square and the nuisance parameters that minimize it.

    Parameters
    ----------
    residual, error : array_like, shape (n,)
        Data minus theory, and the positive point-to-point error.
    shifts : array_like, shape (m, n)
        Change of each point per standard deviation of each correlated source.

    Returns
    -------
    value : float
        Chi-square.
    theta : ndarray, shape (m,)
        Nuisance parameters in their standard deviations.

    Raises
    ------
    InputError
        If a shape is wrong, a number is not finite, or an error not positive.
    """
    r = finite_array("residual", residual, 1)
    sigma = finite_array("error", error, 1)
    if sigma.shape != r.shape or not np.all(sigma > 0):
        raise InputError("error", error, f"be positive, one for each of {len(r)} residuals")
    moved = finite_array("shifts", shifts)
    if not moved.ndim or moved.shape[-1] != len(r):
        raise InputError("shifts", shifts, f"be of shape (m, {len(r)}), a row for each source")
    scaled = moved.reshape(-1, len(r)) / sigma
    # chi-square is a quadratic form in theta: its minimum solves linear equations
    normal = np.eye(len(scaled)) + scaled @ scaled.T
    theta = np.linalg.solve(normal, scaled @ (r / sigma))
    return float(np.sum((r / sigma - theta @ scaled) ** 2) + np.sum(theta**2)), np.asarray(theta)


def chi_square(
    datasets: DataSet | Sequence[DataSet],
    predictions: ArrayLike | Sequence[ArrayLike],
    errors: ArrayLike | Sequence[ArrayLike] | None = None,
    *,
    systematic: Systematic = "uncorrelated",
    common_global: bool = False,
) -> ChiSquare:
    """Compare predictions with one or several measurements.

    Parameters
    ----------
    datasets : DataSet or sequence of DataSet
        Measured points.
    predictions : array_like of shape (n,), or a sequence of them
        Theory at each point; NaN where there is none.
    errors : array_like of shape (n,), or a sequence of them, optional
        Independent errors of the predictions, added in quadrature to those of the points.
    systematic : {"uncorrelated", "correlated"}, optional
        Whether the systematic errors of one measurement vary from point to point, or all rise and fall together.
    common_global : bool, optional
        Whether the measurements of one experiment share one global shift; by default each has its own.

    Returns
    -------
    ChiSquare

    Raises
    ------
    InputError
        If a shape is wrong or no point can be compared.

    Notes
    -----
    Of two-sided errors the one towards the theory counts. The global uncertainty is the mean of its sides.
    """
    given: tuple[Any, ...] = datasets, predictions, errors
    if isinstance(datasets, DataSet):  # one measurement and its arrays
        given = tuple(None if each is None else (each,) for each in given)
    sets, allowed = instances("datasets", given[0], DataSet), "be a list of arrays, one for each measurement"
    theory = members("predictions", given[1], allowed)
    spread = [np.zeros(len(d)) for d in sets] if given[2] is None else members("errors", given[2], allowed)
    common_global = boolean("common_global", common_global)
    if not len(sets) == len(theory) == len(spread) or not sets:
        raise InputError("predictions", len(theory), f"hold one array for each of {len(sets)} measurements")
    systematic = choice("systematic", systematic, get_args(Systematic))

    errors_of = error_model(sets, systematic, common_global)
    pieces = []
    for data, values, error in zip(sets, theory, spread, strict=True):
        prediction, theory_error = float_array("predictions", values), float_array("errors", error)
        for name, array in (("predictions", prediction), ("errors", theory_error)):
            if array.shape != (len(data),):
                raise InputError(name, array.shape, f"have one value for each of {len(data)} points")
        pieces.append((prediction, theory_error))
    prediction, theory_error = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
    above = np.where(
        prediction > errors_of.value, 1.0, 0.0
    )  # of two-sided errors the one towards the theory counts
    sigma = np.hypot(errors_of.point(above), theory_error)
    use = np.isfinite(prediction) & (sigma > 0) & ~np.isfinite(errors_of.limit_cl)
    if not np.any(use):
        raise InputError("datasets", [str(data) for data in sets], "share points with the predictions")
    common, n = errors_of.shifts(prediction, above)[:, use], int(use.sum())
    there = np.any(common != 0, axis=1)
    residual, sigma, common = (errors_of.value - prediction)[use], sigma[use], common[there]
    value, theta = nuisance_fit(residual, sigma, common)
    names = [name for name, kept in zip(errors_of.names, there, strict=True) if kept]
    fitted = dict(zip(names, theta.tolist(), strict=True))
    return ChiSquare(value, n, (residual - theta @ common) / sigma, fitted, len(use) - n)


@dataclass(frozen=True, eq=False)
class ErrorModel:
    """Errors of the n points of several measurements, one after the other, and their m correlated sources.

    `value`, `limit_cl`: the measured values, and the confidence level of an upper limit, NaN else. `below`, `above`:
    point-to-point errors towards a theory below and above the point, NaN or zero where none is known. `names`: of the
    sources. Per standard deviation a source moves the theory by `relative` of it and by the absolute error towards it,
    `shift_below` and `shift_above`, (m, n) each.
    """

    value: Float
    limit_cl: Float
    below: Float
    above: Float
    names: tuple[str, ...]
    relative: Float
    shift_below: Float
    shift_above: Float

    def point(self, above: Any) -> Any:
        """Return point-to-point errors, (n,); `above` is 1 where the theory is above the point, 0 where below."""
        return self.below + above * (self.above - self.below)

    def shifts(self, prediction: Any, above: Any) -> Any:
        """Return the shift of each source at each point, (m, n), for theory of shape (n,)."""
        return self.relative * prediction + self.shift_below + above * (self.shift_above - self.shift_below)


def error_model(datasets: Sequence[DataSet], systematic: Systematic, common_global: bool) -> ErrorModel:
    """Return the errors of measurements and the sources that they share; the arguments are those of `chi_square`."""
    common, n = systematic == "correlated", sum(map(len, datasets))
    sides: dict[str, list[Float]] = {"minus": [], "plus": []}
    # one row for each source of correlated error, over the points of all measurements
    rows: dict[tuple[Any, ...], tuple[str, Float]] = {}
    start = 0
    labels = [f"{data.experiment} {data.state} {data.observable}" for data in datasets]
    energies = {data.experiment: {(d.system, d.sqrt_s_GeV) for d in datasets if d.experiment == data.experiment}
                for data in datasets}  # fmt: skip
    for number, (data, label) in enumerate(zip(datasets, labels, strict=True)):
        points = slice(start, start := start + len(data))
        systematics = []
        for side, errors in sides.items():
            stat, total = getattr(data, f"stat_{side}"), getattr(data, f"total_{side}")
            syst = np.nan_to_num(getattr(data, f"syst_{side}"))
            errors.append(np.where(np.isfinite(stat), np.hypot(stat, 0.0 if common else syst), total))
            systematics.append(syst)
        collisions = f"{data.system} {data.sqrt_s_GeV:g} GeV"
        if labels.count(label) > 1:
            label += f" {collisions}, {data.kinematics} against {data.x_name}"  # noqa: PLW2901
        # luminosities and centralities of one experiment are common to one kind of collision
        shared = f"{data.experiment} {collisions}" if len(energies[data.experiment]) > 1 else data.experiment
        relative = np.nan_to_num((data.global_rel_plus + data.global_rel_minus) / 2)
        key = ("global", shared) if common_global else ("global", number)
        name = f"{shared if common_global else label} global"
        rows.setdefault(key, (name, np.zeros((3, n))))[1][0, points] = relative
        if common:
            rows["systematic", number] = (f"{label} systematic", np.zeros((3, n)))
            rows["systematic", number][1][1:, points] = systematics
    moved = np.array([row for _, row in rows.values()]).reshape(-1, 3, n)
    there = np.any(moved != 0, axis=(1, 2))
    names = tuple(name for (name, _), kept in zip(rows.values(), there, strict=True) if kept)
    value, limit_cl = (
        np.concatenate([getattr(data, name) for data in datasets]) for name in ("value", "upper_limit_cl")
    )
    below, above = (np.concatenate(sides[side]) for side in ("minus", "plus"))
    relative, shift_below, shift_above = np.moveaxis(moved[there], 1, 0)
    return ErrorModel(value, limit_cl, below, above, names, relative, shift_below, shift_above)


def compare(curve: Curve, datasets: Sequence[DataSet], **options: Any) -> ChiSquare:
    """Compare a curve with measurements, with its error interpolated as well; see `chi_square` for the options.

    Parameters
    ----------
    curve : Curve
        Interpolated at the points (`Curve.at`), or taken bin by bin where it was made in the bins of the data.
    datasets : sequence of DataSet
        Of the observable and axis of the curve.
    **options
        Of `chi_square`.

    Returns
    -------
    ChiSquare
        Of all points of all measurements.

    Raises
    ------
    InputError
        If the curve is of another observable or axis, or lacks a state.
    """
    instance("curve", curve, Curve)
    at = []
    for data in instances("datasets", datasets, DataSet):
        if (data.observable, data.x_name) != (curve.observable, curve.x_name):
            allowed = f"hold {curve.observable} against {curve.x_name}, as the curve"
            raise InputError("datasets", str(data), allowed)
        points = curve[data.state]
        same = len(curve) == len(data) and np.array_equal(
            [curve.x_low, curve.x_high], [data.x_low, data.x_high], equal_nan=True
        )
        at.append(points if same else curve.at(data.state, data.x))
    return chi_square(list(datasets), [e.value for e in at], [e.error for e in at], **options)


def theory_at(data: DataSet, table: SurvivalTable, feeddown: FeedDown) -> Estimate:
    """Return the observable of a measurement at its points.

    Against N_part or centrality a table with a few impact parameters is interpolated between them, one with a continuum
    of them is averaged over the centrality classes of the points; everything else is averaged over the bins of the
    measurement. The acceptance in p_T, and in rapidity if the paths differ in it, selects the paths; the centrality
    class of a measurement against p_T or rapidity selects impact parameters.

    Parameters
    ----------
    data : DataSet
        R_AA, R_pA, double ratio or v2.
    table : SurvivalTable
        With the columns of `with_geometry`.
    feeddown : FeedDown
        Fractions and cross sections.

    Returns
    -------
    Estimate, shape (n,)
        NaN at points where the table has no paths.

    Raises
    ------
    InputError
        If the table lacks a column that the measurement needs, or all of its acceptance.
    """
    instance("data", data, DataSet)
    instance("table", table, SurvivalTable)
    instance("feeddown", feeddown, FeedDown)
    chosen = table.select(**_ranges(data, table))
    if data.x_name == INTEGRATED:
        return _curve(data, chosen, Bins(INTEGRATED), feeddown)[data.state]
    x = chosen.coordinate(data.x_name)
    if data.x_name in GEOMETRIC and np.ptp(x) == 0:
        allowed = "differ between the paths for a comparison against N_part or centrality"
        raise InputError("b_fm", float(x[0]) if table.b_fm is None else float(table.b_fm[0]), allowed)
    if data.x_name in GEOMETRIC and len(np.unique(x)) <= SPECTRA:
        return _curve(data, chosen, Bins(data.x_name), feeddown).at(data.state, data.x)
    if data.x_name in RAPIDITIES and np.ptp(x) == 0:
        raise InputError("y", float(x[0]), "differ between the paths for a comparison against rapidity")
    intervals: list[Range | None] = list(zip(data.x_low.tolist(), data.x_high.tolist(), strict=True))
    axis = data.x_name
    if axis == "N_part":  # the mean of a centrality class, which is the bin
        axis, intervals = "centrality_pct", [centrality_class(words) for words in data.centrality]
    x = chosen.coordinate(axis)
    points = [
        _curve(data, chosen, Bins(axis, [interval]), feeddown)[data.state][0]
        if interval is not None and chosen.weight[(interval[0] <= x) & (x < interval[1])].sum() > 0
        else None
        for interval in intervals
    ]
    return joined(points)


def centrality_class(words: str) -> Range | None:
    """Return the ends of a class such as ``"10-30%"`` in percent; None for an empty text."""
    first, _, last = words.rstrip("%").partition("-")
    return (float(first), float(last)) if last else None


def agreement(
    curve: Curve,
    table: SurvivalTable,
    feeddown: FeedDown,
    system: CollisionSystem | None,
    shown: Sequence[str],
    own: Sequence[DataSet] = (),
    y: Range | None = None,
) -> tuple[tuple[DataSet, ...], dict[str, ChiSquare], tuple[str, ...]]:
    """Return the measurements of what a curve shows, the chi-square with each, and what could not be compared, and why.

    `shown` are mesons or ratios, `own` further measurements; a system of None has no others. Those that reach beyond
    `y`, the least and largest abs(y) of a curve that is selected in it, are not of its observable. Measurements of
    other conditions than those of the table are in the last and not in the first: no figure shows them beside it.
    """
    wanted = curve.x_name if curve.x_name != "y" else "abs_y"
    drawn: list[DataSet] = []
    compared: dict[str, ChiSquare] = {}
    left_out: list[str] = []
    shipped = () if system is None else system.measurements(curve.observable, wanted)
    for data in (
        *shipped,
        *(each for each in own if (each.observable, each.x_name) == (curve.observable, wanted)),
    ):
        if data.state not in shown or not (y is None or _within(data.acceptance.y, y)):
            continue
        name = f"{data.experiment} {data.state}, {data.kinematics}"
        if data.x_name not in GEOMETRIC and data.centrality[0]:
            name += f", {data.centrality[0]}"
        try:
            _check_conditions(data, table, system)
            drawn.append(data)
            _check_coverage(data, table, system)
            theory = theory_at(data, table, feeddown)
            if not np.any(np.isfinite(theory.value)):
                left_out.append(f"{name}: none of its {len(data)} points is where paths were computed")
            else:
                compared[name] = chi_square(data, theory.value, theory.error)
        except InputError as error:
            left_out.append(f"{name}: {error}")
    return tuple(drawn), compared, tuple(left_out)


def rapidity_notes(
    rapidities: ArrayLike | None, x_name: str, datasets: Sequence[DataSet], y: Range | None = None
) -> tuple[str, ...]:
    """Say which paths a curve is over, or which measurements beside it are at other rapidities, a line each.

    `rapidities` are those of the paths, None where they are not known; `x_name` is the axis; `y` selects abs(y).
    """
    if rapidities is None or y is not None or x_name in RAPIDITIES:
        return ()
    low, high = float(np.min(rapidities)), float(np.max(rapidities))
    if low < high:
        held = f"What is shown is over paths of all rapidities, {low:.3g} to {high:.3g}"
        return (f"{held}; `qtraj observe` compares each measurement with those in its acceptance.",)
    beyond = {
        f"{data.experiment} ({data.acceptance.y[0]:g} < y < {data.acceptance.y[1]:g})"
        for data in datasets
        if not data.acceptance.y[0] <= low <= data.acceptance.y[1]
    }
    if not beyond:
        return ()
    names = f"All paths are at y = {low:g}, the data of {', '.join(sorted(beyond))} are not"
    return (f"{names}: compared as if the medium were the same at all rapidities.",)


def _within(acceptance: Range, y: Range) -> bool:
    """Return whether a range of rapidities lies in one of abs(y)."""
    low, high = acceptance
    least = 0.0 if low <= 0 <= high else min(abs(low), abs(high))
    return y[0] <= least and max(abs(low), abs(high)) <= y[1]


def _check_conditions(data: DataSet, table: SurvivalTable, system: CollisionSystem | None) -> None:
    """Refuse measurements of something else than the rows stand for, as far as the geometry of a system says."""
    if data.acceptance.other:
        raise InputError("kinematics", "; ".join(data.acceptance.other), "select what paths know")
    if system is None:
        return
    words, geometric = data.centrality[0], data.x_name in GEOMETRIC
    classes = centrality_class(words)
    if not geometric and table.centrality_pct is None and classes is not None:
        low, high = classes[0] / 100, classes[1] / 100
        mean = system.geometry.class_mean
        if mean("n_coll", low, high) * (high - low) / mean("n_coll", 0.0, 1.0) < LEAST_SHARE:
            remedy = "Rows with b_fm and --system know their centrality."
            raise InputError("centrality", words, "be all collisions for rows without one", remedy)
    if not system.unequal:
        return
    if geometric or classes is not None:
        made_of = "made of the energy in a detector, which says little about the impact parameter"
        allowed = f"be all collisions: classes of proton-nucleus collisions are {made_of}"
        raise InputError("centrality", words, allowed)
    y = 0.0 if table.y is None else float(table.y[0])
    one = table.y is None or np.ptp(table.y) == 0
    low, high = data.acceptance.y
    if one and data.x_name not in RAPIDITIES and not low <= y <= high:
        allowed = f"be within {low:g} < y_cm < {high:g}: forward and backward differ"
        raise InputError("y", f"{y:g} on all paths", allowed)


def stands_for_all(table: SurvivalTable, system: CollisionSystem) -> bool:
    """Return whether an average over the rows is one over all collisions: minimum bias.

    Only rows with the weights of `with_geometry` are, whose impact parameters lie near `LEAST_COVERAGE` of the binary
    collisions or more; one impact parameter is none.
    """
    if "weighting" not in table.attrs or table.centrality_pct is None:
        return False
    return coverage(table.centrality_pct / 100, system.geometry) >= LEAST_COVERAGE


def _check_coverage(data: DataSet, table: SurvivalTable, system: CollisionSystem | None) -> None:
    """Refuse to compare a centrality class with geometries that are not representative of it."""
    if system is None or data.x_name in GEOMETRIC or table.centrality_pct is None:
        return
    low, high = _ranges(data, table).get("centrality_pct", (0.0, 100.0))
    share = coverage(table.centrality_pct / 100, system.geometry, low / 100, high / 100)
    if share < LEAST_COVERAGE:
        covered = f"geometries at {100 * share:.0f} % of the collisions"
        least = f"at least {100 * LEAST_COVERAGE:.0f} % of those in the class of {low:g} to {high:g} %"
        raise InputError("b_fm", covered, f"cover {least}")


def _curve(data: DataSet, table: SurvivalTable, bins: Bins, feeddown: FeedDown) -> Curve:
    above, _, below = data.state.partition("/")
    observable = double_ratio([(above, below)]) if below else Observable.named(data.observable)
    return observable.curve(table, bins, feeddown)


def _ranges(data: DataSet, table: SurvivalTable) -> dict[str, Range]:
    acceptance = data.acceptance
    ranges: dict[str, Range] = {}
    if data.x_name != "pT_GeV" and table.pT is not None and acceptance.pT != (0.0, inf):
        ranges["pT_GeV"] = acceptance.pT
    # paths all at one rapidity stand for all of them, as in boost-invariant hydrodynamics: `rapidity_notes` says so
    differ = table.y is not None and np.ptp(table.y) > 0
    if data.x_name not in RAPIDITIES and differ and isfinite(acceptance.y[1]):
        system = system_of(data.system, data.sqrt_s_GeV)
        # of equal nuclei both sides are one, and hold twice the paths
        both = system is not None and not system.unequal and acceptance.y[0] >= 0
        ranges["abs_y" if both else "y"] = acceptance.y
    classes = centrality_class(data.centrality[0])
    if data.x_name not in GEOMETRIC and classes is not None and table.centrality_pct is not None:
        ranges["centrality_pct"] = classes
    return ranges
