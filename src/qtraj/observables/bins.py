"""Bins of a variable: the class, and those that the rows of a table fill."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._checks import choice, float_array, increasing, instance, settle
from ..errors import InputError
from .data.dataset import DataSet
from .data.systems import CollisionSystem
from .table import AXES, INTEGRATED, SurvivalTable

# at most so many different impact parameters are points of a curve; more are a continuum that is binned
SPECTRA: Final = 24
# rows that a bin needs in each independent group: with fewer the scatter of groups underestimates the error (a
# ratio of two sums over two or three paths is far from linear). A flow coefficient needs more of them, unless the
# directions of each group cancel (antithetic sets, see `qtraj.hydro.sample_paths`).
LEAST_ROWS: Final = 8
LEAST_ROWS_FLOW: Final = 32
PT_EDGES: Final = (0.0, 2.0, 4.0, 6.0, 9.0, 12.0, 16.0, 20.0, 30.0)  # edges of the bins in p_T, GeV
# edges of centrality classes, percent, for rows whose impact parameters are a continuum
CENTRALITY_EDGES: Final = (0.0, 5.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 100.0)
RAPIDITY_STEP: Final = 0.4  # width of the bins in rapidity
_MOST_GROUPS: Final = 16  # where every row is a group of its own, a few dozen rows make a bin
_N_PART_BINS: Final = 8
_END: Final = 1e-9  # relative distance of the end of the last bin from the largest value
_CANCELED: Final = 1e-9  # of a sum: rounding, not chance
_SAME: Final = 1e-9  # values of one geometry agree to rounding


@dataclass(frozen=True, eq=False)
class Bins:
    """Bins of one variable.

    Parameters
    ----------
    x_name : str
        ``"N_part"``, ``"centrality_pct"``, ``"b_fm"``, ``"pT_GeV"``, ``"y"``, ``"abs_y"``, ``"y_cm"`` or
        ``"integrated"``.
    intervals : sequence of (low, high), optional
        low <= x < high; they may overlap or leave gaps, as those of measurements do. By default each value that the
        table holds is a bin of its own (geometries at fixed impact parameters).

    Raises
    ------
    InputError
        If the name is unknown or an interval is not increasing.
    """

    x_name: str
    intervals: Sequence[tuple[float, float]] | None = None

    def __post_init__(self) -> None:
        settle(self, x_name=choice("x_name", self.x_name, AXES, f"be one of {', '.join(AXES)}"))
        if self.intervals is not None:
            allowed = "be pairs (low, high) with low < high"
            pairs = float_array("intervals", self.intervals, allowed)
            if pairs.ndim != 2 or pairs.shape[1:] != (2,) or not np.all(pairs[:, 0] < pairs[:, 1]):
                raise InputError("intervals", self.intervals, allowed)
            settle(self, intervals=[(float(low), float(high)) for low, high in pairs])

    @classmethod
    def edges(cls, x_name: str, edges: ArrayLike) -> Bins:
        """Return adjacent bins of `x_name` with these edges."""
        e = increasing("edges", edges, "be at least two increasing numbers: low < high in each bin", least=2)
        return cls(x_name, list(pairwise(e.tolist())))

    @classmethod
    def of(cls, data: DataSet) -> Bins:
        """Return the bins of the measurement `data`, for theory averaged over the same; `InputError` without edges."""
        instance("data", data, DataSet)
        if data.x_name == INTEGRATED:
            return cls(INTEGRATED)
        if not np.all(np.isfinite(data.x_low) & np.isfinite(data.x_high)):
            raise InputError("data", str(data), "have the edges of its bins")
        return cls(data.x_name, list(zip(data.x_low.tolist(), data.x_high.tolist(), strict=True)))

    def rows(self, table: SurvivalTable) -> Iterator[tuple[float, float, float, NDArray[np.intp]]]:
        """Yield x, low, high and the numbers of the rows of `table` in each bin; x is their weighted mean.

        A bin without a row of positive weight is an `InputError`.
        """
        if self.x_name == INTEGRATED:
            yield np.nan, np.nan, np.nan, np.arange(len(table))
            return
        x = table.coordinate(self.x_name)
        if self.intervals is None:
            values = np.unique(x)
            new = np.diff(values, prepend=-np.inf) > _SAME * np.maximum(np.abs(values), 1.0)
            for value in values[new].tolist():
                same = np.abs(x - value) <= _SAME * max(abs(value), 1.0)
                yield value, value, value, np.flatnonzero(same)
            return
        for low, high in self.intervals:
            inside = np.flatnonzero((low <= x) & (x < high))
            if not table.weight[inside].sum() > 0:
                where = f"{self.x_name} of which is {x.min():.4g} to {x.max():.4g}"
                raise InputError("intervals", (low, high), f"hold rows of the table, {where}")
            yield float(np.average(x[inside], weights=table.weight[inside])), low, high, inside


def filled_bins(table: SurvivalTable, rapidity: str = "abs_y") -> dict[str, Bins]:
    """Return bins for each variable that the rows know and differ in: ``"npart"``, ``"centrality"``, ``"pt"``, ``"y"``.

    A few impact parameters are points, more are binned; `rapidity` is the axis of ``"y"``, "abs_y" or "y_cm".
    """
    bins = {"npart": _geometry_bins(table, "N_part"), "centrality": _geometry_bins(table, "centrality_pct")}
    bins["pt"] = momentum_bins(table, LEAST_ROWS)
    if _differ(table, rapidity):
        y = table.coordinate(rapidity)
        first, last = np.floor(y.min() / RAPIDITY_STEP), np.floor(y.max() / RAPIDITY_STEP) + 1
        edges = np.round(RAPIDITY_STEP * np.arange(first, last + 1), 6)
        bins["y"] = _joined(table, rapidity, edges.tolist(), LEAST_ROWS)
    return {name: each for name, each in bins.items() if each is not None}


def geometry_bins(table: SurvivalTable) -> Bins:
    """Return the points of R_AA against N_part: those of `filled_bins`, or all rows as one where they are too few."""
    return _geometry_bins(table, "N_part") or Bins(INTEGRATED)


def geometries(table: SurvivalTable) -> list[NDArray[np.intp]]:
    """Return the rows of each geometry, as of `geometry_bins`, from peripheral to central; a row is in one of them."""
    return [rows for *_, rows in geometry_bins(table).rows(table)]


def momentum_bins(table: SurvivalTable, least: int) -> Bins | None:
    """Return bins of `PT_EDGES`, joined until each holds `least` rows per group."""
    if not _differ(table, "pT_GeV"):
        return None
    above = next((edge for edge in PT_EDGES if edge > table.pT.max()), float(np.floor(table.pT.max())) + 1.0)
    return _joined(table, "pT_GeV", [*(edge for edge in PT_EDGES if edge < above), above], least)


def flow_bins(table: SurvivalTable, n: int) -> Bins | None:
    """Return bins in p_T for v_n, wide enough for its noise."""
    _, group = np.unique(table.replicate, return_inverse=True)
    wave = table.weight * np.exp(1j * n * table.phi)
    if table.emulation is not None:  # the solved paths correct the emulated ones, whose scatter counts
        wave = np.where(table.emulation > 0, 0.0, wave)
    sums = np.hypot(np.bincount(group, wave.real), np.bincount(group, wave.imag))
    # cos n phi and sin n phi cancel in every group of whole antithetic sets
    balanced = np.all(sums < _CANCELED * np.bincount(group, table.weight))
    return momentum_bins(table, LEAST_ROWS if balanced else LEAST_ROWS_FLOW)


def not_shown(table: SurvivalTable, system: CollisionSystem | None = None) -> list[str]:
    """Return what cannot be shown of a table, and why, one line each."""
    ratio, rapidity = ("R_AA", "abs_y") if system is None else (system.ratio, system.rapidity)
    bins = filled_bins(table, rapidity)
    no_geometry = ""
    if table.b_fm is None and not table.column_known("N_part"):
        no_geometry = "the source has neither impact parameters nor participants"
    elif system is None and not table.column_known("N_part"):
        no_geometry = "no system says how many participants an impact parameter has"
    few = f"no bin holds {LEAST_ROWS} paths in each independent group"
    reasons = {
        f"{ratio} against N_part and centrality": no_geometry,
        f"{ratio} against p_T": _lack(table, "pT_GeV", "p_T") or ("" if "pt" in bins else few),
        f"{ratio} against {'|y|' if rapidity == 'abs_y' else rapidity}": _lack(table, rapidity, "rapidity")
        or ("" if "y" in bins else few),
        "flow coefficients": _lack(table, "phi", "angle to the reaction plane"),
    }
    return [f"not shown: {what}, since {why}" for what, why in reasons.items() if why]


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
    # as many rows in each bin: N_part has no classes of its own
    edges = np.unique(np.quantile(x, np.linspace(0, 1, _N_PART_BINS + 1))).tolist()
    edges[-1] += _END * max(abs(edges[-1]), 1.0)  # open above: the largest value belongs to the last bin
    return _joined(table, axis, edges, LEAST_ROWS)


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
