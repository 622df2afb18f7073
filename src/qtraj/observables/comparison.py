"""A calculation at the points of a measurement: in its bins, its centrality class and its acceptance."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Final

import numpy as np

from ..errors import InputError
from .binned import double_ratio_curve, raa_curve
from .chi_square import ChiSquare, chi_square
from .curves import INTEGRATED, Bins, Curve
from .estimate import Estimate
from .experiment import DataSet
from .feeddown import FeedDown
from .flow import vn_curve
from .geometry import coverage
from .systems import CollisionSystem
from .table import SurvivalTable

SPECTRA: Final = 24
"""At most so many different impact parameters are points of a curve; more are a continuum that is binned."""

LEAST_COVERAGE: Final = 0.5
"""Share of the collisions of a centrality class that must lie near computed impact parameters for a comparison."""

GEOMETRIC: Final = ("N_part", "centrality_pct")


def theory_at(data: DataSet, table: SurvivalTable, feeddown: FeedDown) -> Estimate:
    """Return the observable of a measurement at its points.

    Against N_part or centrality a table with a few impact parameters is interpolated between them; everything else is
    averaged over the bins of the measurement. The acceptance in p_T, and in rapidity if the paths differ in it, selects
    the paths; the centrality class of a measurement against p_T or rapidity selects impact parameters.

    Parameters
    ----------
    data : DataSet
        R_AA, double ratio or v2.
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
    chosen = table.select(**_ranges(data, table))
    if data.x_name == INTEGRATED:
        return _curve(data, chosen, Bins(INTEGRATED), feeddown)[data.state]
    x = chosen.coordinate(data.x_name)
    if data.x_name in GEOMETRIC and (len(np.unique(x)) <= SPECTRA or data.x_name == "N_part"):
        return _curve(data, chosen, Bins(data.x_name), feeddown).at(data.state, data.x)
    if data.x_name in ("y", "abs_y") and np.ptp(x) == 0:
        raise InputError("y", float(x[0]), "differ between the paths for a comparison against rapidity")
    points = [
        _curve(data, chosen, Bins(data.x_name, [(low, high)]), feeddown)[data.state][0]
        if chosen.weight[(low <= x) & (x < high)].sum() > 0
        else None
        for low, high in zip(data.x_low.tolist(), data.x_high.tolist(), strict=True)
    ]
    known = [point for point in points if point is not None]
    names = dict.fromkeys(name for point in known for name in point.parts)
    return Estimate(
        np.array([np.nan if point is None else point.value for point in points]),
        {name: np.array([0.0 if p is None else p.parts.get(name, 0.0) for p in points]) for name in names},
        tuple(dict.fromkeys(note for point in known for note in point.not_estimated)),
    )


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
    """
    if system is None:
        return (), {}, ()
    wanted = curve.x_name if curve.x_name != "y" else "abs_y"
    found = tuple(d for d in system.measurements(curve.observable, wanted) if d.state in shown)
    compared: dict[str, ChiSquare] = {}
    left_out: list[str] = []
    for data in found:
        name = f"{data.experiment} {data.state}, {data.kinematics}"
        if data.x_name not in GEOMETRIC and data.centrality[0]:
            name += f", {data.centrality[0]}"
        try:
            _check_coverage(data, table, system)
            theory = theory_at(data, table, feeddown)
            compared[name] = chi_square(data, theory.value, theory.error)
        except InputError as error:
            left_out.append(f"{name}: {error}")
    return found, compared, tuple(left_out)


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
    if data.observable == "R_AA":
        return raa_curve(table, bins, feeddown)
    if data.observable == "double_ratio":
        above, _, below = data.state.partition("/")
        return double_ratio_curve(table, bins, feeddown, pairs=[(above, below)])
    if data.observable == "v2":
        return vn_curve(table, bins, feeddown)
    raise InputError("data", data.observable, "be R_AA, double_ratio or v2")


def _ranges(data: DataSet, table: SurvivalTable) -> dict[str, tuple[float, float]]:
    acceptance = data.acceptance
    ranges: dict[str, tuple[float, float]] = {}
    low, high = acceptance.pT
    if data.x_name != "pT_GeV" and table.pT is not None and (low > 0 or isfinite(high)):
        ranges["pT_GeV"] = (low, high)
    # paths all at mid-rapidity stand for all rapidities, as in boost-invariant hydrodynamics
    if (
        data.x_name not in ("y", "abs_y")
        and table.y is not None
        and np.ptp(table.y) > 0
        and isfinite(acceptance.y[1])
    ):
        ranges["y"] = acceptance.y
    words = data.centrality[0].rstrip("%")
    if data.x_name not in GEOMETRIC and words and table.centrality_pct is not None:
        first, _, last = words.partition("-")
        ranges["centrality_pct"] = (float(first), float(last))
    return ranges
