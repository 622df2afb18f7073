"""All observables of a calculation beside what was measured: what `qtraj observe` shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, get_args

import numpy as np

from .._checks import choice, instance, instances, mapping, members, texts
from ..errors import InputError
from .bins import Bins, filled_bins, flow_bins
from .curves import Curve, CurveBand, curve_band
from .data.compare import ChiSquare, agreement, rapidity_notes, stands_for_all
from .data.dataset import DataSet
from .data.systems import CollisionSystem
from .feeddown import MESON_NAMES, FeedDown
from .geometry import Weighting, with_geometry
from .observable import DOUBLE_RATIOS, Observable, Ranges, check_order, double_ratio, flow, modification
from .table import AXES, INTEGRATED, Part, SurvivalTable

# centrality class of v_n against p_T, percent: that of v2 of CMS (arXiv:2006.07707)
FLOW_CENTRALITY: Final = (10.0, 90.0)
VARIED: Final = ("kappa", "gamma", "T_end")  # settings whose variation makes a band
UPSILONS: Final = ("Y(1S)", "Y(2S)", "Y(3S)")

# what R_pA of survivals leaves out
HOT_MEDIUM_ONLY: Final = (
    "Suppression by the hot medium only: the data also hold nuclear parton densities, energy loss in cold matter and "
    "break-up by comovers, which no survival knows."
)
# what odd flow coefficients of symmetric systems are
ODD_ORDER: Final = (
    "Angles are those from the reaction plane: in collisions of equal nuclei, odd orders with respect to it vanish by "
    "symmetry, and what is shown is the noise of the sampling."
)


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


def overview(
    tables: Mapping[str, SurvivalTable],
    *,
    system: CollisionSystem | None = None,
    feeddown: FeedDown | None = None,
    weighting: Weighting | None = "collisions",
    mesons: Sequence[str] = UPSILONS,
    harmonics: Sequence[int] = (2,),
    data: Sequence[DataSet] = (),
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
    data : sequence of DataSet, optional
        Measurements of your own (`read_data`), shown and compared beside those of the system.

    Returns
    -------
    list of Panel

    Raises
    ------
    InputError
        If a table lacks a state that feed-down needs, an order is no positive number, or `data` are of another system.
    """
    for label, table in mapping("tables", tables).items():
        instance(f"tables[{label!r}]", table, SurvivalTable)
    if not tables:
        raise InputError("tables", tables, "hold at least one setting")
    mesons = texts("mesons", mesons, f"be a list of names among {', '.join(MESON_NAMES)}")
    orders = members("harmonics", harmonics, "be a list of whole numbers, at least 1")
    harmonics = [check_order(n) for n in orders]
    feeddown = FeedDown.named() if feeddown is None else instance("feeddown", feeddown, FeedDown)
    choice("weighting", weighting, (*get_args(Weighting), None))
    if system is not None:
        geometry = instance("system", system, CollisionSystem).geometry
        tables = {
            label: with_geometry(table, geometry, weighting) if table.b_fm is not None else table
            for label, table in tables.items()
        }
    central = next(iter(tables.values()))
    central.check_states()
    own = [each.points(np.isnan(each.upper_limit_cl)) for each in instances("data", data, DataSet)]
    if system is not None:
        for i, each in enumerate(own):
            energy = each.sqrt_s_GeV
            if each.system in ("", system.data) and (np.isnan(energy) or energy == system.sqrt_s_GeV):
                # what a file does not say is what it is compared with
                own[i] = replace(each, system=system.data, sqrt_s_GeV=system.sqrt_s_GeV)
                continue
            allowed = f"be of {system.data} at {system.sqrt_s_GeV:g} GeV, as the calculation"
            raise InputError("data", str(each), allowed, "Leave out what is of another system.")
    plans = _plans(central, system, mesons, harmonics)
    panels = [_panel(*plan, tables=tables, feeddown=feeddown, system=system, own=own) for plan in plans]
    # what is compared with the paths of a window is not compared again beside those of all rapidities
    for i, panel in enumerate(panels):
        elsewhere = [other.agreement for other in panels if other.name.rpartition("_")[0] == panel.name]
        left = {name: chi for name, chi in panel.agreement.items() if not any(name in e for e in elsewhere)}
        panels[i] = replace(panel, agreement=left)
    return panels


def _plans(
    table: SurvivalTable, system: CollisionSystem | None, mesons: tuple[str, ...], harmonics: Sequence[int]
) -> Iterator[tuple[str, Observable, Bins, tuple[str, ...], tuple[str, ...], Ranges]]:
    """Yield what each panel will hold: name, observable, bins, mesons or ratios shown, notes, ranges of the rows."""
    ratio, rapidity = ("R_AA", "abs_y") if system is None else (system.ratio, system.rapidity)
    unequal = system is not None and system.unequal
    axes = filled_bins(table, rapidity)
    everything = "minimum_bias" if system is not None and stands_for_all(table, system) else "all_rows"
    notes = (HOT_MEDIUM_ONLY,) if unequal else ()
    for short, bins in (*axes.items(), (everything, Bins(INTEGRATED))):
        name = f"{ratio.replace('_', '').lower()}_{short}"
        yield name, modification(ratio), bins, mesons, notes, {}
    ratios = tuple(f"{a}/{b}" for a, b in DOUBLE_RATIOS if a in mesons and b in mesons)
    # everything, then the rows where an experiment measures, if the rows know
    for window, y in {"": None, **_windows(table, system)}.items():
        within: Ranges = {} if y is None else {"abs_y": y}
        rows = table.select(**within)
        if y is not None:
            axes = filled_bins(rows, rapidity)
            for short in ("npart", "pt"):
                if short in axes:
                    yield f"raa_{short}{window}", modification(), axes[short], mesons, notes, within
        for short in ("npart", "pt", "y"):
            if short in axes and ratios and not (y is not None and short == "y"):
                name = f"double_ratio_{short}{window}"
                yield name, double_ratio(), axes[short], ratios, notes, within
        if not (rows.column_known("phi") and np.ptp(rows.phi) > 0):
            continue
        central = dict(within)
        if rows.column_known("centrality_pct"):
            c = rows.coordinate("centrality_pct")
            if np.any((FLOW_CENTRALITY[0] <= c) & (c < FLOW_CENTRALITY[1])):
                central["centrality_pct"] = FLOW_CENTRALITY
        for n in harmonics:
            odd = (ODD_ORDER,) if n % 2 and not unequal else ()
            if "centrality" in axes:
                name = f"v{n}_centrality{window}"
                yield name, flow(n), axes["centrality"], mesons, odd, within
            momenta = flow_bins(table.select(**central), n)
            if momenta is not None:
                yield f"v{n}_pt{window}", flow(n), momenta, mesons, odd, central


def _windows(table: SurvivalTable, system: CollisionSystem | None) -> dict[str, tuple[float, float]]:
    """Return the ranges of abs(y) in which experiments measure collisions of equal nuclei, overlapping ones as one.

    None where all rows have one rapidity, or none of them is inside. The keys are endings of names of panels.
    """
    if system is None or system.unequal or not table.column_known("abs_y"):
        return {}
    y = table.coordinate("abs_y")
    if np.ptp(table.y) == 0:
        return {}
    joined: list[tuple[float, float]] = []
    for own in sorted(entry.ranges["abs_y"] for entry in system.acceptances if "abs_y" in entry.ranges):
        if joined and own[0] <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(own[1], joined[-1][1])
        else:
            joined.append(own)
    words = {True: "_midrapidity", False: "_forward"}
    names = [words[low == 0] + ("" if i < 2 else str(i)) for i, (low, _) in enumerate(joined)]
    held = dict(zip(names, joined, strict=True))
    return {name: (low, high) for name, (low, high) in held.items() if np.any((low <= y) & (y < high))}


def _panel(
    name: str,
    observable: Observable,
    bins: Bins,
    shown: tuple[str, ...],
    notes: tuple[str, ...],
    ranges: Ranges,
    *,
    tables: Mapping[str, SurvivalTable],
    feeddown: FeedDown,
    system: CollisionSystem | None,
    own: Sequence[DataSet],
) -> Panel:
    curves = {key: observable.curve(table, bins, feeddown, ranges=ranges) for key, table in tables.items()}
    first, central = next(iter(tables.items()))
    bands = [
        curve_band([curves[key] for key in keys], meson, label)
        for meson in shown
        for label, keys in varied_settings(tables).items()
    ]
    parts: dict[str, Curve] = {}
    if observable.adds_up and central.no_jump is not None:
        for part in get_args(Part)[1:]:  # the total is the curve itself
            parts[part] = observable.curve(central, bins, feeddown, part=part, ranges=ranges)
    y = ranges.get("abs_y")
    compared = agreement(curves[first], central, feeddown, system, shown, own, y)
    notes = (*notes, *_without_survivors(curves[first], shown))
    notes = (*notes, *rapidity_notes(central.y, bins.x_name, compared[0], y))
    return Panel(name, curves[first], tuple(bands), shown, parts, *compared, notes)


def _without_survivors(curve: Curve, shown: Sequence[str]) -> Iterator[str]:
    """Say which points are left out: there no pair survives that a ratio could be taken to."""
    names: dict[str, list[str]] = {}
    for name in shown:
        if at := ", ".join(f"{x:.4g}" for x in curve.x[np.isnan(curve[name].value)]):
            names.setdefault(at, []).append(name)
    for at, without in names.items():
        where = f"{AXES[curve.x_name].name} = {at}" if curve.x_name != INTEGRATED else "all"
        yield f"No pair survives at {where} to divide by: {', '.join(without)} left out there."


def varied_settings(tables: Mapping[str, SurvivalTable]) -> dict[str, list[str]]:
    """Return what is varied: for each label of a band, the keys of its tables, the central one first.

    A table belongs to the band of a coefficient if all others have their central values.
    """
    attrs = {key: table.attrs for key, table in tables.items()}
    central = next(iter(attrs.values()))
    bands: dict[str, list[str]] = {}
    for name in VARIED:
        others = [other for other in VARIED if other != name]
        keys = [k for k, each in attrs.items() if all(each.get(o) == central.get(o) for o in others)]
        values = [str(attrs[key].get(name)) for key in keys]
        if len(set(values)) > 1:
            bands[f"{name}: {', '.join(values)}"] = keys
    return bands or {"": [next(iter(tables))]}
