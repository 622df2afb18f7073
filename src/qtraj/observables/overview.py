"""All observables of a calculation beside what was measured: what `qtraj observe` shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, get_args

import numpy as np

from .._checks import choice, instance, mapping, members, texts
from ..errors import InputError
from .axes import flow_bins, places
from .binned import DOUBLE_RATIOS, Ranges, double_ratio_curve, raa_curve
from .curves import INTEGRATED, Bins, Curve, CurveBand, curve_band
from .data.chi_square import ChiSquare
from .data.compare import agreement, stands_for_all
from .data.dataset import DataSet
from .data.systems import CollisionSystem
from .feeddown import MESON_NAMES, FeedDown
from .flow import check_order, vn_curve
from .geometry import Weighting, with_geometry
from .table import Part, SurvivalTable

FLOW_CENTRALITY: Final = (10.0, 90.0)
"""Centrality class of v_n against p_T, percent: that of v2 of CMS (arXiv:2006.07707)."""

VARIED: Final = ("kappa", "gamma", "T_end")
"""Settings whose variation makes a band."""

UPSILONS: Final = ("Y(1S)", "Y(2S)", "Y(3S)")

HOT_MEDIUM_ONLY: Final = (
    "Suppression by the hot medium only: the data also hold nuclear parton densities, energy loss in cold matter and "
    "break-up by comovers, which no survival knows."
)
"""What R_pA of survivals leaves out."""

ODD_ORDER: Final = (
    "Angles are those from the reaction plane: in collisions of equal nuclei, odd orders with respect to it vanish by "
    "symmetry, and what is shown is the noise of the sampling."
)
"""What odd flow coefficients of symmetric systems are."""

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
    notes : tuple of str
        What a reader of the numbers has to know.
    """

    name: str
    curve: Curve
    bands: tuple[CurveBand, ...]
    shown: tuple[str, ...]
    parts: Mapping[str, Curve] = field(default_factory=dict)
    datasets: tuple[DataSet, ...] = ()
    agreement: Mapping[str, ChiSquare] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Plan:
    """What a panel will hold."""

    name: str
    bins: Bins
    of: CurveOf
    notes: tuple[str, ...] = ()


def overview(
    tables: Mapping[str, SurvivalTable],
    *,
    system: CollisionSystem | None = None,
    feeddown: FeedDown | None = None,
    weighting: Weighting | None = "collisions",
    mesons: Sequence[str] = UPSILONS,
    harmonics: Sequence[int] = (2,),
) -> list[Panel]:
    """Return every observable that the tables allow.

    Parameters
    ----------
    tables : mapping of str to SurvivalTable
        One for each setting of the model, the central one first; the attributes kappa, gamma and T_end say what varies.
    system : CollisionSystem, optional
        Gives tables with impact parameters their centralities, N_part and weights, and measurements to compare with.
        In proton-nucleus collisions R_AA is called R_pA, and rapidity is that of the nucleon-nucleon center of mass.
    feeddown : FeedDown, optional
        ``FeedDown.named("group")`` by default.
    weighting : {"collisions", "exponential"} or None, optional
        How impact parameters weigh, see `with_geometry`.
    mesons : sequence of str, optional
        Mesons to draw; the curves hold all nine.
    harmonics : sequence of int, optional
        Orders of the flow coefficients.

    Returns
    -------
    list of Panel

    Raises
    ------
    InputError
        If a table lacks a state that feed-down needs, or an order is no positive number.
    """
    for label, table in mapping("tables", tables).items():
        instance(f"tables[{label!r}]", table, SurvivalTable)
    if not tables:
        raise InputError("tables", tables, "hold at least one setting")
    mesons = texts("mesons", mesons, f"be a list of names among {', '.join(MESON_NAMES)}")
    orders = members("harmonics", harmonics, "be a list of whole numbers, at least 1")
    harmonics = [check_order(n) for n in orders]
    feeddown = FeedDown.named() if feeddown is None else instance("feeddown", feeddown, FeedDown)
    if system is not None:
        instance("system", system, CollisionSystem)
    choice("weighting", weighting, (*get_args(Weighting), None))
    if system is not None:
        tables = {
            label: with_geometry(table, system.geometry, weighting) if table.b_fm is not None else table
            for label, table in tables.items()
        }
    central = next(iter(tables.values()))
    central.check_states()
    ratios = tuple(f"{a}/{b}" for a, b in DOUBLE_RATIOS if a in mesons and b in mesons)
    return [
        _panel(plan, tables, feeddown, ratios if plan.name.startswith("double") else tuple(mesons), system)
        for plan in _possible(central, system, harmonics)
        if ratios or not plan.name.startswith("double")
    ]


def _possible(
    table: SurvivalTable, system: CollisionSystem | None, harmonics: Sequence[int]
) -> Iterator[_Plan]:
    ratio, rapidity = ("R_AA", "abs_y") if system is None else (system.ratio, system.rapidity)
    unequal = system is not None and system.unequal
    found = places(table, rapidity)
    everything = "minimum_bias" if system is not None and stands_for_all(table, system) else "all_rows"
    notes = (HOT_MEDIUM_ONLY,) if unequal else ()
    for short, bins in (*found.items(), (everything, Bins(INTEGRATED))):
        yield _Plan(f"{ratio.replace('_', '').lower()}_{short}", bins, _ratio(ratio), notes)
    for short in ("npart", "pt", "y"):
        if short in found:
            yield _Plan(f"double_ratio_{short}", found[short], _double_ratio, notes)
    if not (table.column_known("phi") and np.ptp(table.phi) > 0):
        return
    within = _flow_class(table)
    for n in harmonics:
        odd = (ODD_ORDER,) if n % 2 and not unequal else ()
        if "centrality" in found:
            yield _Plan(f"v{n}_centrality", found["centrality"], _flow(n), odd)
        momenta = flow_bins(table.select(**within), n)
        if momenta is not None:
            yield _Plan(f"v{n}_pt", momenta, _flow(n, within), odd)


def _ratio(observable: str) -> CurveOf:
    def ratio(table: SurvivalTable, bins: Bins, feeddown: FeedDown, part: Part) -> Curve:
        return raa_curve(table, bins, feeddown, part=part, observable=observable)

    return ratio


def _double_ratio(table: SurvivalTable, bins: Bins, feeddown: FeedDown, part: Part) -> Curve:
    return double_ratio_curve(table, bins, feeddown, part=part)


def _flow(n: int, ranges: Ranges | None = None) -> CurveOf:
    def flow(table: SurvivalTable, bins: Bins, feeddown: FeedDown, part: Part) -> Curve:
        return vn_curve(table, bins, feeddown, n=n, part=part, ranges=ranges)

    return flow


def _flow_class(table: SurvivalTable) -> Ranges:
    if not table.column_known("centrality_pct"):
        return {}
    c = table.coordinate("centrality_pct")
    inside = (FLOW_CENTRALITY[0] <= c) & (c < FLOW_CENTRALITY[1])
    return {"centrality_pct": FLOW_CENTRALITY} if inside.any() else {}


def _panel(
    plan: _Plan,
    tables: Mapping[str, SurvivalTable],
    feeddown: FeedDown,
    shown: tuple[str, ...],
    system: CollisionSystem | None,
) -> Panel:
    curves = {label: plan.of(table, plan.bins, feeddown, "total") for label, table in tables.items()}
    first, central = next(iter(tables.items()))
    bands = tuple(
        curve_band([curves[key] for key in keys], meson, label)
        for meson in shown
        for label, keys in varied_settings(tables).items()
    )
    curve = curves[first]
    parts: dict[str, Curve] = {}
    if curve.observable.startswith("R_") and central.no_jump is not None:
        chosen: tuple[Part, ...] = ("no_jump", "regeneration")
        parts |= {part: plan.of(central, plan.bins, feeddown, part) for part in chosen}
    datasets, agreements, left_out = agreement(curve, central, feeddown, system, shown)
    return Panel(plan.name, curve, bands, shown, parts, datasets, agreements, left_out, plan.notes)


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
