"""Against what a table of survivals can be shown: bins that its rows fill, and why there are none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .curves import Bins
from .data.systems import CollisionSystem
from .estimate import Float
from .table import SurvivalTable

SPECTRA: Final = 24
"""At most so many different impact parameters are points of a curve; more are a continuum that is binned."""

LEAST_ROWS: Final = 8
LEAST_ROWS_FLOW: Final = 32
"""Rows that a bin needs in each independent group: with fewer the scatter of groups underestimates the error (a ratio
of two sums over two or three paths is far from linear). A flow coefficient needs more of them, unless the directions
of each group cancel (antithetic sets, see `qtraj.hydro.sample_paths`)."""

PT_EDGES: Final = (0.0, 2.0, 4.0, 6.0, 9.0, 12.0, 16.0, 20.0, 30.0)
"""Edges of the bins in p_T, GeV."""

CENTRALITY_EDGES: Final = (0.0, 5.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 100.0)
"""Edges of centrality classes, percent, for rows whose impact parameters are a continuum."""

RAPIDITY_STEP: Final = 0.4
"""Width of the bins in rapidity."""

_MOST_GROUPS: Final = 16  # where every row is a group of its own, a few dozen rows make a bin
_N_PART_BINS: Final = 8
_END: Final = 1e-9  # bins are open above: the largest value belongs to the last one
_CANCELED: Final = 1e-9  # of a sum: rounding, not chance


def places(table: SurvivalTable, rapidity: str = "abs_y") -> dict[str, Bins]:
    """Return bins for each variable that the rows know and differ in, keyed by a short name for files.

    Parameters
    ----------
    table : SurvivalTable
        The rows.
    rapidity : {"abs_y", "y_cm"}, optional
        Which axis rapidity belongs to.

    Returns
    -------
    dict of str to Bins
        ``"npart"``, ``"centrality"``, ``"pt"``, ``"y"``. A few impact parameters are points, more are binned.
    """
    found = {
        "npart": _geometry_bins(table, "N_part"),
        "centrality": _geometry_bins(table, "centrality_pct"),
        "pt": momentum_bins(table, LEAST_ROWS),
        "y": _rapidity_bins(table, rapidity),
    }
    return {name: bins for name, bins in found.items() if bins is not None}


def geometries(table: SurvivalTable) -> list[NDArray[np.intp]]:
    """Return the rows of each geometry, from peripheral to central collisions.

    A geometry is one N_part; of more than `SPECTRA` different ones, a bin of N_part as in `places`, or all rows where
    they are too few for bins.

    Parameters
    ----------
    table : SurvivalTable
        Rows that know their N_part.

    Returns
    -------
    list of ndarray of int
        Index arrays; each row is in one of them.
    """
    n_part = table.coordinate("N_part")
    bins = _geometry_bins(table, "N_part")
    if bins is None:
        return [np.arange(len(table))]
    if bins.intervals is None:
        # values of one geometry agree to rounding
        edges = np.flatnonzero(np.diff(np.sort(n_part)) > _END * np.maximum(np.sort(n_part)[1:], 1.0)) + 1
        return list(np.split(np.argsort(n_part, kind="stable"), edges))
    return [np.flatnonzero((low <= n_part) & (n_part < high)) for low, high in bins.intervals]


def momentum_bins(table: SurvivalTable, least: int) -> Bins | None:
    """Return bins of `PT_EDGES`, joined until each holds `least` rows per group."""
    if not _differ(table, "pT_GeV"):
        return None
    above = next((edge for edge in PT_EDGES if edge > table.pT.max()), float(np.floor(table.pT.max())) + 1.0)
    return _joined(table, "pT_GeV", [*(edge for edge in PT_EDGES if edge < above), above], least)


def flow_bins(table: SurvivalTable, n: int) -> Bins | None:
    """Return bins in p_T for v_n, wide enough for its noise."""
    return momentum_bins(table, LEAST_ROWS if _balanced(table, n) else LEAST_ROWS_FLOW)


def _balanced(table: SurvivalTable, n: int) -> bool:
    """Whether cos n phi and sin n phi cancel in every group, as they do in whole antithetic sets."""
    _, group = np.unique(table.replicate, return_inverse=True)
    wave = table.weight * np.exp(1j * n * table.phi)
    sums = np.hypot(np.bincount(group, wave.real), np.bincount(group, wave.imag))
    return bool(np.all(sums < _CANCELED * np.bincount(group, table.weight)))


def not_shown(table: SurvivalTable, system: CollisionSystem | None = None) -> list[str]:
    """Return what cannot be shown of a table, and why, one line each."""
    ratio, rapidity = ("R_AA", "abs_y") if system is None else (system.ratio, system.rapidity)
    found = places(table, rapidity)
    few = f"no bin holds {LEAST_ROWS} paths in each independent group"
    reasons = {
        f"{ratio} against N_part and centrality": _lack_of_geometry(table, system),
        f"{ratio} against p_T": _lack(table, "pT_GeV", "p_T") or ("" if "pt" in found else few),
        f"{ratio} against {'|y|' if rapidity == 'abs_y' else rapidity}": _lack(table, rapidity, "rapidity")
        or ("" if "y" in found else few),
        "flow coefficients": _lack(table, "phi", "angle to the reaction plane"),
    }
    return [f"not shown: {what}, since {why}" for what, why in reasons.items() if why]


def _lack_of_geometry(table: SurvivalTable, system: CollisionSystem | None) -> str:
    if table.column_known("N_part") or (table.b_fm is not None and system is not None):
        return ""
    if table.b_fm is not None:
        return "no system says how many participants an impact parameter has"
    return "the source has neither impact parameters nor participants"


def _lack(table: SurvivalTable, axis: str, word: str) -> str:
    if not table.column_known(axis):
        return f"the source has no {word} of its paths"
    if _differ(table, axis):
        return ""
    value = float(table.coordinate(axis)[0])
    if word == "rapidity":
        return f"all paths are at rapidity {value:g}: a medium that is the same at all others has no dependence to show"
    return f"all paths have the same {word}, {value:g}"


def _differ(table: SurvivalTable, axis: str) -> bool:
    return table.column_known(axis) and bool(np.ptp(table.coordinate(axis)) > 0)


def _geometry_bins(table: SurvivalTable, axis: str) -> Bins | None:
    if not table.column_known(axis):
        return None
    x = table.coordinate(axis)
    if len(np.unique(x)) <= SPECTRA:
        return Bins(axis)
    if axis == "centrality_pct":
        return _joined(table, axis, CENTRALITY_EDGES, LEAST_ROWS)
    edges = np.quantile(x, np.linspace(0, 1, _N_PART_BINS + 1))
    return _joined(table, axis, [*np.unique(edges)[:-1].tolist(), _above(x)], LEAST_ROWS)


def _rapidity_bins(table: SurvivalTable, axis: str) -> Bins | None:
    if not _differ(table, axis):
        return None
    y = table.coordinate(axis)
    first, last = np.floor(y.min() / RAPIDITY_STEP), np.floor(y.max() / RAPIDITY_STEP) + 1
    return _joined(table, axis, np.round(RAPIDITY_STEP * np.arange(first, last + 1), 6).tolist(), LEAST_ROWS)


def _above(x: Float) -> float:
    largest = float(x.max())
    return largest + _END * max(abs(largest), 1.0)


def _joined(table: SurvivalTable, axis: str, edges: Sequence[float], least: int) -> Bins | None:
    """Return adjacent bins of these edges, joined until each holds enough rows; None without enough rows for one."""
    x = table.coordinate(axis)
    needed = least * min(len(np.unique(table.replicate)), _MOST_GROUPS)
    intervals: list[tuple[float, float]] = []
    low = edges[0]
    for high in edges[1:]:
        if np.count_nonzero((low <= x) & (x < high)) >= needed:
            intervals.append((low, high))
            low = high
    if intervals and np.any((low <= x) & (x < edges[-1])):  # too few for a bin of their own join the last one
        intervals[-1] = intervals[-1][0], edges[-1]
    return Bins(axis, intervals) if intervals else None
