"""A calculation at the points of a measurement: in its bins, its centrality class and its acceptance."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Final

import numpy as np

from ..._checks import instance
from ...errors import InputError
from ..bins import SPECTRA, Bins
from ..curves import Curve
from ..estimate import Estimate, joined
from ..feeddown import FeedDown
from ..geometry import coverage
from ..observable import Observable, double_ratio
from ..table import INTEGRATED, SurvivalTable
from .chi_square import ChiSquare, chi_square
from .dataset import DataSet
from .systems import CollisionSystem

LEAST_COVERAGE: Final = 0.5
"""Share of the collisions of a centrality class that must lie near computed impact parameters for a comparison."""

GEOMETRIC: Final = ("N_part", "centrality_pct")
RAPIDITIES: Final = ("y", "abs_y", "y_cm")

LEAST_SHARE: Final = 0.95
"""Share of the binary collisions from which on a centrality class stands for all: 0-60 % holds 98 % in Pb-Pb."""

Range = tuple[float, float]


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
    if data.x_name in GEOMETRIC and len(np.unique(x)) <= SPECTRA:
        return _curve(data, chosen, Bins(data.x_name), feeddown).at(data.state, data.x)
    if data.x_name in RAPIDITIES and np.ptp(x) == 0:
        raise InputError("y", float(x[0]), "differ between the paths for a comparison against rapidity")
    axis = "centrality_pct" if data.x_name in GEOMETRIC else data.x_name
    return _in_bins(data, chosen, axis, feeddown)


def _in_bins(data: DataSet, table: SurvivalTable, axis: str, feeddown: FeedDown) -> Estimate:
    x = table.coordinate(axis)
    points = [
        _curve(data, table, Bins(axis, [interval]), feeddown)[data.state][0]
        if interval is not None and table.weight[(interval[0] <= x) & (x < interval[1])].sum() > 0
        else None
        for interval in _intervals(data, axis)
    ]
    return joined(points)


def _intervals(data: DataSet, axis: str) -> list[Range | None]:
    """Return the bins of the points; N_part is the mean of a centrality class, which is the bin."""
    if data.x_name == "N_part" and axis == "centrality_pct":
        return [centrality_class(words) for words in data.centrality]
    return list(zip(data.x_low.tolist(), data.x_high.tolist(), strict=True))


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
) -> tuple[tuple[DataSet, ...], dict[str, ChiSquare], tuple[str, ...]]:
    """Return the measurements of what a curve shows, the chi-square with each, and what could not be compared.

    Parameters
    ----------
    curve : Curve
        Says which observable against what.
    table, feeddown
        As in `theory_at`.
    system : CollisionSystem or None
        None has no measurements.
    shown : sequence of str
        Mesons or ratios.

    Returns
    -------
    tuple of DataSet, dict of str to ChiSquare, tuple of str
        Measurements of other conditions than those of the table are named in the third and are not in the first, so
        that no figure shows them beside it.
    """
    if system is None:
        return (), {}, ()
    wanted = curve.x_name if curve.x_name != "y" else "abs_y"
    drawn: list[DataSet] = []
    compared: dict[str, ChiSquare] = {}
    left_out: list[str] = []
    for data in system.measurements(curve.observable, wanted):
        if data.state not in shown:
            continue
        name = f"{data.experiment} {data.state}, {data.kinematics}"
        if data.x_name not in GEOMETRIC and data.centrality[0]:
            name += f", {data.centrality[0]}"
        try:
            _check_conditions(data, table, system)
            drawn.append(data)
            _check_coverage(data, table, system)
            theory = theory_at(data, table, feeddown)
            compared[name] = chi_square(data, theory.value, theory.error)
        except InputError as error:
            left_out.append(f"{name}: {error}")
    return tuple(drawn), compared, tuple(left_out)


def _check_conditions(data: DataSet, table: SurvivalTable, system: CollisionSystem) -> None:
    """Refuse measurements of something else than the rows stand for."""
    if data.acceptance.other:
        raise InputError("kinematics", "; ".join(data.acceptance.other), "select what paths know")
    classes = centrality_class(data.centrality[0])
    if (
        data.x_name not in GEOMETRIC
        and table.centrality_pct is None
        and classes is not None
        and _share(system, classes) < LEAST_SHARE
    ):
        remedy = "Rows with b_fm and --system know their centrality."
        raise InputError("centrality", data.centrality[0], "be all collisions for rows without one", remedy)
    if system.unequal:
        _check_unequal(data, table, classes)


def _check_unequal(data: DataSet, table: SurvivalTable, classes: Range | None) -> None:
    if data.x_name in GEOMETRIC or classes is not None:
        raise InputError(
            "centrality", data.centrality[0], "be all collisions: classes of proton-nucleus collisions are made of the "
            "energy in a detector, which says little about the impact parameter"
        )  # fmt: skip
    y = 0.0 if table.y is None else float(table.y[0])
    one = table.y is None or np.ptp(table.y) == 0
    low, high = data.acceptance.y
    if one and data.x_name not in RAPIDITIES and not low <= y <= high:
        allowed = f"be within {low:g} < y_cm < {high:g}: forward and backward differ"
        raise InputError("y", f"{y:g} on all paths", allowed)


def _share(system: CollisionSystem, classes: Range) -> float:
    low, high = classes[0] / 100, classes[1] / 100
    geometry = system.geometry
    inside = geometry.class_mean("n_coll", low, high) * (high - low)
    return inside / geometry.class_mean("n_coll", 0.0, 1.0)


def stands_for_all(table: SurvivalTable, system: CollisionSystem) -> bool:
    """Return whether an average over the rows is one over all collisions: minimum bias.

    Only rows with the weights of `with_geometry` are, whose impact parameters lie near `LEAST_COVERAGE` of the binary
    collisions or more; one impact parameter is none.
    """
    if "weighting" not in table.attrs or table.centrality_pct is None:
        return False
    return coverage(table.centrality_pct / 100, system.geometry) >= LEAST_COVERAGE


def _check_coverage(data: DataSet, table: SurvivalTable, system: CollisionSystem) -> None:
    """Refuse to compare a centrality class with geometries that are not representative of it."""
    if data.x_name in GEOMETRIC or table.centrality_pct is None:
        return
    low, high = _ranges(data, table).get("centrality_pct", (0.0, 100.0))
    share = coverage(table.centrality_pct / 100, system.geometry, low / 100, high / 100)
    if share < LEAST_COVERAGE:
        raise InputError(
            "b_fm",
            f"geometries at {100 * share:.0f} % of the collisions",
            f"cover at least {100 * LEAST_COVERAGE:.0f} % of those in the class of {low:g} to {high:g} %",
        )


def _curve(data: DataSet, table: SurvivalTable, bins: Bins, feeddown: FeedDown) -> Curve:
    above, _, below = data.state.partition("/")
    observable = double_ratio([(above, below)]) if below else Observable.named(data.observable)
    return observable.curve(table, bins, feeddown)


def _ranges(data: DataSet, table: SurvivalTable) -> dict[str, Range]:
    acceptance = data.acceptance
    ranges: dict[str, Range] = {}
    low, high = acceptance.pT
    if data.x_name != "pT_GeV" and table.pT is not None and (low > 0 or isfinite(high)):
        ranges["pT_GeV"] = (low, high)
    # paths all at mid-rapidity stand for all rapidities, as in boost-invariant hydrodynamics
    if (
        data.x_name not in RAPIDITIES
        and table.y is not None
        and np.ptp(table.y) > 0
        and isfinite(acceptance.y[1])
    ):
        ranges["y"] = acceptance.y
    classes = centrality_class(data.centrality[0])
    if data.x_name not in GEOMETRIC and classes is not None and table.centrality_pct is not None:
        ranges["centrality_pct"] = classes
    return ranges
