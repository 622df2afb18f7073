"""Observables in bins of anything, theory beside data: figures, and the files of all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import NullFormatter, StrMethodFormatter

from .._atomic import writable_folder
from .._checks import boolean, choice, instance, instances, interval, mapping, text
from .._checks import path as path_of
from ..errors import InputError
from ..io.observables import HepdataTable, write_hepdata, write_panel_csv
from ..observables.curves import CurveBand
from ..observables.data.compare import centrality_class
from ..observables.data.dataset import DataSet
from ..observables.observable import Observable
from ..observables.overview import Panel
from ..observables.table import AXES, INTEGRATED, selected
from . import artists
from .artists import EXPERIMENT_COLORS, GRAY, color_of
from .raa import collision_label, raa_figure
from .style import NotebookFigure, save_figure, style

PART_LABELS: Final = {"no_jump": "never jumped", "regeneration": "regenerated"}

_PART_STYLES: Final[dict[str, dict[str, Any]]] = {
    "total": {"linestyle": "-", "marker": "o", "markersize": 8},
    "no_jump": {"linestyle": "--", "marker": "s", "markersize": 5},
    "regeneration": {"linestyle": ":", "marker": "^", "markersize": 7},
}
_BOX: Final = 0.009  # half width of systematic boxes, of the axis
_LINE_FREE: Final = 1.4  # upper end of the axis from which a line at 1 stays below the legends
_MARGIN: Final = 1.07  # ends of the axis over the last points


def plot_curve(
    ax: Axes,
    bands: Sequence[CurveBand],
    datasets: Sequence[DataSet] = (),
    *,
    legend: bool = True,
    x_ends: tuple[float, float] | None = None,
) -> Axes:
    """Draw one meson or ratio: bands over model settings, the central setting with its error, measured points.

    Call it inside ``with style():``.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    bands : sequence of CurveBand
        Of one meson or ratio and one axis, one per coefficient that is varied.
    datasets : sequence of DataSet, optional
        Measurements of the same; upper limits are refused.
    legend : bool, optional
        Whether to add the legends.
    x_ends : (float, float), optional
        Ends of the axis; by default those of theory and data, from zero where all are positive.

    Returns
    -------
    matplotlib.axes.Axes
        The same Axes.

    Raises
    ------
    InputError
        If there is no band, bands or data differ in name or axis, or a data set holds upper limits.

    Notes
    -----
    At fixed geometries (N_part, centrality of one impact parameter) curves between the points guide the eye; in bins
    each band is a box of the width of the bin. Bars are errors of the calculation.
    """
    instance("ax", ax, Axes)
    bands, datasets = instances("bands", bands, CurveBand), instances("datasets", datasets, DataSet)
    legend = boolean("legend", legend)
    x_ends = None if x_ends is None else interval("x_ends", x_ends)
    _check(bands, datasets)
    curve = bands[0].curve
    observable = Observable.named(curve.observable)
    left, right = ends(bands, datasets) if x_ends is None else x_ends
    ax.set_xlim(left, right)
    labels = list(dict.fromkeys(band.label for band in bands))
    for band in bands:
        if band.label:
            (artists.draw_boxes if curve.binned else artists.draw_range)(ax, band, labels.index(band.label))
    artists.draw_central(ax, bands[0])
    for data in datasets:
        color = EXPERIMENT_COLORS.get(data.experiment, GRAY)
        artists.draw_points(ax, data, color, 0.0, _BOX * (right - left))
    if observable.unmodified == 0:
        ax.axhline(0.0, color="black", linewidth=0.8, zorder=1)
    ax.set_xlabel(AXES[curve.x_name].label)
    ax.set_ylabel(observable.label)
    if legend:
        artists.add_data_legend(ax, datasets, several=False)
        entries = _curve_entries(bands, color_of(bands[0].name))
        ax.legend(*entries, loc="lower right", labelspacing=0.3, borderaxespad=0.5)
    return ax


def plot_parts(ax: Axes, panel: Panel, name: str, *, legend: bool = True) -> Axes:
    """Draw R_AA of one meson and its two parts, pairs that never jumped and regenerated ones, on a logarithmic axis.

    Call it inside ``with style():``.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    panel : Panel
        At fixed geometries, with both parts.
    name : str
        The meson.
    legend : bool, optional
        Whether to add a legend.

    Returns
    -------
    matplotlib.axes.Axes
        The same Axes.

    Raises
    ------
    InputError
        If the panel has no parts, or fewer than two points.
    """
    instance("ax", ax, Axes)
    instance("panel", panel, Panel)
    name = choice("name", name, panel.curve.values)
    legend = boolean("legend", legend)
    if set(PART_LABELS) - set(panel.parts) or len(panel.curve) < 2:
        raise InputError("panel", panel.name, "hold the parts no_jump and regeneration at two points or more")
    color, total = color_of(name), panel.curve
    order = np.argsort(total.x)
    lines = {"total": total, **{part: panel.parts[part] for part in PART_LABELS}}
    for part, curve in lines.items():
        x, value, label = total.x[order], curve[name].value[order], PART_LABELS.get(part, "total")
        ax.plot(x, value, color=color, label=label, markerfacecolor="white", **_PART_STYLES[part])
        # a logarithmic axis has no place for bars that reach zero
        bars = np.minimum(curve[name].error[order], 0.99 * np.abs(value))
        ax.errorbar(x, value, yerr=bars, fmt="none", color=color)
    positive = np.concatenate([curve[name].value[curve[name].value > 0] for curve in lines.values()])
    ax.set_yscale("log")
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())
    # two decades at least, so that two powers of ten are marked; room for the legend above
    top = 8.0 * positive.max()
    ax.set(xlim=(0, 1.08 * total.x.max()), ylim=(min(0.4 * positive.min(), top / 200), top))
    ax.set_xlabel(AXES[total.x_name].label)
    ax.set_ylabel(Observable.named(total.observable).label)
    if legend:
        ax.legend(loc="upper right")
    return ax


def observable_figure(panel: Panel, *, title: str = "", note: str = "", collision: str = "") -> Figure:
    """Return the figure of a panel with one Axes per meson or ratio; write it with `save_figure`.

    Parameters
    ----------
    panel : Panel
        From `qtraj.observables.overview`; not of the axis ``"integrated"``.
    title, note : str, optional
        Above the first Axes, and below all.
    collision : str, optional
        What collides, above the last Axes; by default that of the measurements.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If the panel holds a single number.
    """
    instance("panel", panel, Panel)
    title, note, collision = text("title", title), text("note", note), text("collision", collision)
    if panel.curve.x_name == INTEGRATED:
        raise InputError("panel", panel.name, "have an axis: minimum bias is one number")
    with style():
        figure, panels = _axes(len(panel.shown))
        tops, observable = limits(panel), Observable.named(panel.curve.observable)
        x_ends = ends(panel.bands, panel.datasets)
        for ax, name in zip(panels, panel.shown, strict=True):
            bands = [band for band in panel.bands if band.name == name]
            data = [d for d in panel.datasets if d.state == name]
            plot_curve(ax, bands, one_class(data), legend=False, x_ends=x_ends)
            ax.set_ylim(*tops[name])
            if observable.unmodified > 0 and tops[name][1] > _LINE_FREE:
                line: dict[str, Any] = {"linewidth": 0.8, "linestyle": (0, (2, 2)), "zorder": 1}
                ax.axhline(observable.unmodified, color="black", **line)
            artists.add_data_legend(ax, one_class(data), several=False)
            artists.write_corner(ax, name, 18)
        entries = _curve_entries([b for b in panel.bands if b.name == panel.shown[-1]], GRAY)
        # above the Axes, where it covers no points
        figure.legend(*entries, loc="outside upper center", ncols=len(entries[0]))
        _dress(figure, panels, title, _collision(panel) or collision, note)
    return figure


def parts_figure(panel: Panel, *, title: str = "", note: str = "") -> Figure:
    """Return the figure of `plot_parts` for each meson of a panel.

    Parameters
    ----------
    panel : Panel
        At fixed geometries, with both parts.
    title, note : str, optional
        Above the first Axes, and below all.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        As `plot_parts`.
    """
    instance("panel", panel, Panel)
    title, note = text("title", title), text("note", note)
    with style():
        figure, panels = _axes(len(panel.shown))
        for ax, name in zip(panels, panel.shown, strict=True):
            plot_parts(ax, panel, name, legend=name == panel.shown[0])
            artists.write_corner(ax, name, 18)
        _dress(figure, panels, title, _collision(panel), note)
    return figure


def _curve_entries(bands: Sequence[CurveBand], color: str) -> tuple[list[Any], list[str]]:
    """Return handles and names of what was varied and of the central setting, for a legend."""
    handles: list[Any] = [
        Rectangle((0, 0), 1, 1, **artists.fill_style(color, i)) for i, band in enumerate(bands) if band.label
    ]
    names = [artists.band_label(band.label) for band in bands if band.label]
    handles.append(mpl.lines.Line2D([], [], **artists.theory_marker(color)))
    return handles, [*names, "central setting"]


def _axes(count: int) -> tuple[Figure, np.ndarray[Any, Any]]:
    figure = NotebookFigure(figsize=(max(8.0, 1.2 + 4.6 * count), 6.2), layout="constrained")
    return figure, np.atleast_1d(figure.subplots(1, count))


def _collision(panel: Panel) -> str:
    return ", ".join(sorted({collision_label(data) for data in panel.datasets}))


def _dress(figure: Figure, panels: Any, title: str, collision: str, note: str) -> None:
    for ax in panels[1:]:
        ax.set_ylabel("")
    panels[0].set_title(title, loc="left", fontsize=15, fontweight="bold")
    panels[-1].set_title(collision, loc="right", fontsize=15)
    artists.write_note(figure, note)


def _check(bands: Sequence[CurveBand], datasets: Sequence[DataSet]) -> None:
    if not bands:
        raise InputError("bands", bands, "hold at least one band")
    first = bands[0]
    what = (first.name, first.curve.observable, first.curve.x_name)
    for band in bands:
        if (band.name, band.curve.observable, band.curve.x_name) != what:
            raise InputError("bands", band.name, f"all be of {' '.join(what)}")
    for data in datasets:
        if (data.state, data.observable, data.x_name) != what:
            raise InputError("datasets", str(data), f"hold {what[1]} of {what[0]} against {what[2]}")
        if np.any(np.isfinite(data.upper_limit_cl)):
            raise InputError("datasets", str(data), "hold measured points, not upper limits")


def ends(bands: Sequence[CurveBand], datasets: Sequence[DataSet]) -> tuple[float, float]:
    """Return the ends of the horizontal axis, from zero where all points are positive."""
    lows = [*(np.min(band.curve.x_low) for band in bands), *(np.nanmin([d.x, d.x_low]) for d in datasets)]
    highs = [*(np.max(band.curve.x_high) for band in bands), *(np.max(data.x) for data in datasets)]
    return _MARGIN * float(min(*lows, 0.0)), _MARGIN * float(max(*highs, 0.0))


def one_class(datasets: Sequence[DataSet]) -> list[DataSet]:
    """Keep one centrality class and range of p_T of each experiment and rapidity, the widest: others would cover it."""
    widest: dict[tuple[str, tuple[float, float]], DataSet] = {}
    for data in datasets:
        key = data.experiment, data.acceptance.y
        if key not in widest or _width(data) > _width(widest[key]):
            widest[key] = data
    return list(widest.values())


def _width(data: DataSet) -> tuple[float, float]:
    low, high = centrality_class(data.centrality[0]) or (0.0, 0.0)
    return high - low, data.acceptance.pT[1] - data.acceptance.pT[0]


def limits(panel: Panel) -> dict[str, tuple[float, float]]:
    """Limits of the vertical axis: room for the legends above, zero at the bottom of what is positive."""
    limits_of = {}
    for name in panel.shown:
        central = panel.curve[name]
        drawn = [(central.value - central.error, central.value + central.error)]
        drawn += [(band.low, band.high) for band in panel.bands if band.name == name]
        for data in one_class([d for d in panel.datasets if d.state == name]):
            below, above = np.nan_to_num(data.total_minus), np.nan_to_num(data.total_plus)
            drawn.append((data.value - below, data.value + above))
        # points without a value are NaN, and all may be
        bottom = min(float(np.min(low[np.isfinite(low)], initial=0.0)) for low, _ in drawn)
        top = max(float(np.max(high[np.isfinite(high)], initial=0.0)) for _, high in drawn)
        if Observable.named(panel.curve.observable).unmodified == 0:
            reach = max(top, -bottom, 0.005)
            limits_of[name] = min(1.2 * bottom, -0.2 * reach), 1.6 * reach
        else:
            limits_of[name] = 0.0, 1.5 * top or 1.0
    return limits_of


def write_observables(
    panels: Sequence[Panel],
    out: str | Path,
    *,
    title: str = "",
    qualifiers: Mapping[str, str] | None = None,
    shifts: Mapping[str, float] | None = None,
) -> list[Path]:
    """Write one CSV file and one figure (PNG, PDF) per panel and a HEPData submission of all.

    Parameters
    ----------
    panels : sequence of Panel
        From `qtraj.observables.overview`.
    out : str or Path
        The folder; created if need be.
    title : str, optional
        Above the figures.
    qualifiers : mapping of str to str, optional
        What holds for all tables: system, feed-down, ...
    shifts : mapping of str to float, optional
        How far to move the points of an experiment in N_part, as for `raa_figure`.

    Returns
    -------
    list of Path
        ``NAME.csv``, ``NAME.png``, ``NAME.pdf``, ``regeneration*.png``, ``regeneration*.pdf``, ``hepdata/*.yaml``.

    Raises
    ------
    FileFormatError
        If a file cannot be written.
    """
    panels, title = instances("panels", panels, Panel), text("title", title)
    qualifiers = {} if qualifiers is None else mapping("qualifiers", qualifiers)
    folder, collision = writable_folder(path_of("out", out)), qualifiers.get("system", "")
    written: list[Path] = []
    for panel in panels:
        written.append(write_panel_csv(folder / f"{panel.name}.csv", panel))
        # a single point makes no figure
        if panel.curve.x_name != INTEGRATED and len(panel.curve) > 1:
            written += save_figure(_figure(panel, title, collision, shifts), folder / panel.name)
    for panel in panels:
        if panel.curve.x_name == "N_part" and panel.parts and len(panel.curve) > 1:
            note = "Regenerated: total minus pairs that never jumped, path by path."
            name = f"regeneration{panel.name.partition('npart')[2]}"
            figure = parts_figure(panel, title=_title(panel, title), note=note)
            written += save_figure(figure, folder / name)
    tables = [_table(panel, dict(qualifiers)) for panel in panels]
    return written + write_hepdata(folder / "hepdata", tables, title)


def _figure(panel: Panel, title: str, collision: str, shifts: Mapping[str, float] | None) -> Figure:
    curve = panel.curve
    if (curve.observable, curve.x_name) == ("R_AA", "N_part") and not curve.binned:
        return raa_figure(panel.bands, panel.datasets, title=_title(panel, title), shifts=shifts)
    return observable_figure(panel, title=title, note=_note(panel), collision=collision)


def _title(panel: Panel, title: str) -> str:
    """Return the title of a figure that has no note on what is selected."""
    return ", ".join(filter(None, (title, panel.curve.selection and selected(panel.curve.selection))))


def _note(panel: Panel) -> str:
    curve = panel.curve
    words = f"bars: errors of {artists.error_sources([curve])}"
    place = "in the bins shown" if curve.binned else "at the open circles; curves between them guide the eye"
    lines = [f"Theory is computed {place} ({words})."]
    if curve.selection:
        lines[0] += f" Selected: {selected(curve.selection)}."
    if panel.datasets:
        lines.append("Data: bars statistical, boxes systematic; bins and centrality classes of the papers.")
    return "\n".join([*lines, *panel.notes])


def _table(panel: Panel, qualifiers: Mapping[str, str]) -> HepdataTable:
    curve = panel.curve
    against = "over all paths" if curve.x_name == INTEGRATED else f"against {AXES[curve.x_name].words}"
    what = f"{Observable.named(curve.observable).title} {against}, central setting with errors of the calculation;"
    description = " ".join([what, "further errors are the ranges over settings of the model.", *panel.notes])
    bands: dict[str, dict[str, tuple[object, object]]] = {}
    for band in panel.bands:
        if band.label:
            bands.setdefault(band.name, {})[band.label] = (band.low, band.high)
    chosen = {"selection": curve.selection} if curve.selection else {}
    return HepdataTable(panel.name, description, curve, bands, {**qualifiers, **chosen})
