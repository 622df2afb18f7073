"""All observables of a calculation beside what was measured: what `qtraj observe` shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from ..errors import InputError
from .binned import DOUBLE_RATIOS, Ranges, double_ratio_curve, raa_curve
from .chi_square import ChiSquare
from .comparison import SPECTRA, agreement
from .curves import INTEGRATED, Bins, Curve, CurveBand, curve_band
from .experiment import DataSet
from .feeddown import FeedDown
from .flow import vn_curve
from .geometry import Weighting, with_geometry
from .systems import CollisionSystem
from .table import Part, SurvivalTable

PT_EDGES: Final = (0.0, 2.0, 4.0, 6.0, 9.0, 12.0, 16.0, 20.0, 30.0)
"""Edges of the bins in p_T, GeV."""

LEAST_ROWS: Final = 8
LEAST_ROWS_FLOW: Final = 32
"""Rows that a bin in p_T needs in each independent group: with fewer the scatter of groups underestimates the error
(a ratio of two sums over two or three paths is far from linear). A flow coefficient needs more of them."""

FLOW_CENTRALITY: Final = (10.0, 90.0)
"""Centrality class of v2 against p_T, percent: that of CMS (arXiv:2006.07707)."""

VARIED: Final = ("kappa", "gamma", "T_end")
"""Settings whose variation makes a band."""

UPSILONS: Final = ("Y(1S)", "Y(2S)", "Y(3S)")

CurveOf = Callable[[SurvivalTable, Bins, FeedDown, Part], Curve]


@dataclass(frozen=True, eq=False)
class Panel:
    """One observable against one variable.

    Parameters
    ----------
    name : str
        For file names, such as ``"raa_npart"``.
    curve : Curve
        The central setting, all mesons or ratios.
    bands : tuple of CurveBand
        For each shown meson, one for each coefficient that is varied (one without width if none is).
    shown : tuple of str
        Mesons or ratios to draw.
    parts : mapping of str to Curve
        ``"no_jump"`` and ``"regeneration"`` of the central setting, where the table knows them.
    datasets : tuple of DataSet
        Measurements of the same.
    agreement : mapping of str to ChiSquare
        Of the central setting with each of them, at the points of the measurement.
    left_out : tuple of str
        Measurements that could not be compared, and why.
    """

    name: str
    curve: Curve
    bands: tuple[CurveBand, ...]
    shown: tuple[str, ...]
    parts: Mapping[str, Curve] = field(default_factory=dict)
    datasets: tuple[DataSet, ...] = ()
    agreement: Mapping[str, ChiSquare] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()


def overview(
    tables: Mapping[str, SurvivalTable],
    *,
    system: CollisionSystem | None = None,
    feeddown: FeedDown | None = None,
    weighting: Weighting | None = "collisions",
    mesons: Sequence[str] = UPSILONS,
) -> list[Panel]:
    """Return every observable that the tables allow.

    Parameters
    ----------
    tables : mapping of str to SurvivalTable
        One for each setting of the model, the central one first; the attributes kappa, gamma and T_end say what varies.
    system : CollisionSystem, optional
        Gives tables with impact parameters their centralities, N_part and weights, and measurements to compare with.
    feeddown : FeedDown, optional
        ``FeedDown.named("group")`` by default.
    weighting : {"collisions", "exponential"} or None, optional
        How impact parameters weigh, see `with_geometry`.
    mesons : sequence of str, optional
        Mesons to draw; the curves hold all nine.

    Returns
    -------
    list of Panel

    Raises
    ------
    InputError
        If a table lacks a state that feed-down needs.
    """
    if not tables:
        raise InputError("tables", tables, "hold at least one setting")
    feeddown = FeedDown.named() if feeddown is None else feeddown
    if system is not None:
        tables = {
            label: with_geometry(table, system.geometry, weighting) if table.b_fm is not None else table
            for label, table in tables.items()
        }
    central = next(iter(tables.values()))
    central.check_states()
    ratios = tuple(f"{a}/{b}" for a, b in DOUBLE_RATIOS if a in mesons and b in mesons)
    return [
        _panel(
            name, tables, feeddown, bins, of, ratios if name.startswith("double") else tuple(mesons), system
        )
        for name, bins, of in _possible(central)
        if ratios or not name.startswith("double")
    ]


def _possible(table: SurvivalTable) -> Iterator[tuple[str, Bins, CurveOf]]:
    geometries = {"npart": "N_part", "centrality": "centrality_pct"}
    places = {
        short: Bins(axis)
        for short, axis in geometries.items()
        if table.column_known(axis) and _few(table, axis)
    }
    momenta, wide = (_momentum_bins(table, least) for least in (LEAST_ROWS, LEAST_ROWS_FLOW))
    if momenta is not None:
        places["pt"] = momenta
    if table.column_known("abs_y") and np.ptp(table.coordinate("abs_y")) > 0:
        places["y"] = Bins.edges("abs_y", np.linspace(0, 1.0001 * table.coordinate("abs_y").max(), 6))
    # only with the weights of a geometry is the average over all rows one over all collisions
    everything = "minimum_bias" if "weighting" in table.attrs else "all_rows"
    for short, bins in (*places.items(), (everything, Bins(INTEGRATED))):
        yield f"raa_{short}", bins, _raa
    for short in ("npart", "pt"):
        if short in places:
            yield f"double_ratio_{short}", places[short], _double_ratio
    if table.column_known("phi") and np.ptp(table.phi) > 0:
        if "centrality" in places:
            yield "v2_centrality", places["centrality"], _flow_in({})
        if wide is not None:
            yield "v2_pt", wide, _flow_in(_flow_class(table))


def _raa(table: SurvivalTable, bins: Bins, feeddown: FeedDown, part: Part) -> Curve:
    return raa_curve(table, bins, feeddown, part=part)


def _double_ratio(table: SurvivalTable, bins: Bins, feeddown: FeedDown, part: Part) -> Curve:
    return double_ratio_curve(table, bins, feeddown, part=part)


def _flow_in(ranges: Ranges) -> CurveOf:
    def flow(table: SurvivalTable, bins: Bins, feeddown: FeedDown, part: Part) -> Curve:
        return vn_curve(table, bins, feeddown, part=part, ranges=ranges)

    return flow


def _flow_class(table: SurvivalTable) -> Ranges:
    if not table.column_known("centrality_pct"):
        return {}
    c = table.coordinate("centrality_pct")
    inside = (FLOW_CENTRALITY[0] <= c) & (c < FLOW_CENTRALITY[1])
    return {"centrality_pct": FLOW_CENTRALITY} if inside.any() else {}


def _few(table: SurvivalTable, axis: str) -> bool:
    """Whether the table holds a few geometries, not a continuum."""
    return len(np.unique(table.coordinate(axis))) <= SPECTRA


def _momentum_bins(table: SurvivalTable, least: int) -> Bins | None:
    """Return bins of `PT_EDGES`, joined until each holds `least` rows per group."""
    if not table.column_known("pT_GeV") or np.ptp(table.pT) == 0:
        return None
    # where every row is a group of its own, a few dozen rows make a bin
    needed = least * min(len(np.unique(table.replicate)), 16)
    intervals: list[tuple[float, float]] = []
    low = PT_EDGES[0]
    for high in PT_EDGES[1:]:
        if np.count_nonzero((low <= table.pT) & (table.pT < high)) >= needed:
            intervals.append((low, high))
            low = high
    rest = table.pT >= low
    if intervals and rest.any():  # too few for a bin of their own join the last one
        last = next((edge for edge in PT_EDGES if edge > table.pT.max()), float(table.pT.max()) + 1.0)
        intervals[-1] = intervals[-1][0], last
    return Bins("pT_GeV", intervals) if intervals else None


def _panel(
    name: str,
    tables: Mapping[str, SurvivalTable],
    feeddown: FeedDown,
    bins: Bins,
    of: CurveOf,
    shown: tuple[str, ...],
    system: CollisionSystem | None,
) -> Panel:
    curves = {label: of(table, bins, feeddown, "total") for label, table in tables.items()}
    first, central = next(iter(tables.items()))
    bands = tuple(
        curve_band([curves[key] for key in keys], meson, label)
        for meson in shown
        for label, keys in varied_settings(tables).items()
    )
    parts: dict[str, Curve] = {}
    if name.startswith("raa") and central.no_jump is not None:
        chosen: tuple[Part, ...] = ("no_jump", "regeneration")
        parts |= {part: of(central, bins, feeddown, part) for part in chosen}
    curve = curves[first]
    datasets, agreements, left_out = agreement(curve, central, feeddown, system, shown)
    return Panel(name, curve, bands, shown, parts, datasets, agreements, left_out)


def varied_settings(tables: Mapping[str, SurvivalTable]) -> dict[str, list[str]]:
    """Return what is varied: for each label of a band, the keys of its tables, the central one first.

    A table belongs to the band of a coefficient if all others have their central values.
    """
    attrs = {key: table.attrs for key, table in tables.items()}
    central = next(iter(attrs.values()))
    bands: dict[str, list[str]] = {}
    for name in VARIED:
        others = [other for other in VARIED if other != name]
        keys = [k for k, own in attrs.items() if all(own.get(o) == central.get(o) for o in others)]
        values = [str(attrs[key].get(name)) for key in keys]
        if len(set(values)) > 1:
            bands[f"{name}: {', '.join(values)}"] = keys
    return bands or {"": [next(iter(tables))]}
