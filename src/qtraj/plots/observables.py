"""Observables in bins of anything, theory beside data: each function takes Axes and returns them."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import NullFormatter, StrMethodFormatter

from .._checks import boolean, choice, instance, instances, interval, text
from ..errors import InputError
from ..observables.curves import INTEGRATED, CurveBand
from ..observables.data.dataset import DataSet
from ..observables.overview import Panel
from .artists import (
    EXPERIMENT_COLORS,
    GRAY,
    add_data_legend,
    color_of,
    draw_points,
    fill_look,
    guide,
    state_label,
    theory_marker,
)
from .observables_layout import AXIS_LABELS, band_label, ends, limits, observable_label, one_class
from .raa import collision_label
from .style import style

PART_LABELS: Final = {"no_jump": "never jumped", "regeneration": "regenerated"}

_PART_LOOKS: Final[dict[str, dict[str, Any]]] = {
    "total": {"linestyle": "-", "marker": "o", "markersize": 8},
    "no_jump": {"linestyle": "--", "marker": "s", "markersize": 5},
    "regeneration": {"linestyle": ":", "marker": "^", "markersize": 7},
}
_BOX: Final = 0.009  # half width of systematic boxes, of the axis
_LINE_FREE: Final = 1.4  # upper end of the axis from which a line at 1 stays below the legends
_SHIFT: Final = {
    "CMS": 0.0,
    "ATLAS": -0.012,
    "ALICE": 0.012,
}  # of points, of the axis: experiments share bins


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
        Where to draw.
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
    curve, name = bands[0].curve, bands[0].name
    color = color_of(name.partition("/")[0])
    left, right = ends(bands, datasets) if x_ends is None else x_ends
    ax.set_xlim(left, right)
    binned = bool(np.any(curve.x_high > curve.x_low))
    labels = list(dict.fromkeys(band.label for band in bands))
    for band in bands:
        (_draw_boxes if binned else _draw_ribbon)(ax, band, color, labels.index(band.label))
    _draw_central(ax, bands[0], color, binned)
    for data in datasets:
        experiment = EXPERIMENT_COLORS.get(data.experiment, GRAY)
        draw_points(
            ax, data, experiment, _SHIFT.get(data.experiment, 0.0) * (right - left), _BOX * (right - left)
        )
    if curve.observable.startswith("v"):
        ax.axhline(0.0, color="black", linewidth=0.8, zorder=1)
    ax.set_xlabel(AXIS_LABELS[curve.x_name])
    ax.set_ylabel(observable_label(curve.observable))
    if legend:
        add_data_legend(ax, datasets, several=False)
        add_curve_legend(ax, bands)
    return ax


def plot_parts(ax: Axes, panel: Panel, name: str, *, legend: bool = True) -> Axes:
    """Draw R_AA of one meson and its two parts, pairs that never jumped and regenerated ones, on a logarithmic axis.

    Call it inside ``with style():``.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    panel : Panel
        At fixed geometries, with both parts.
    name : str
        The meson.
    legend : bool, optional
        Whether to add a legend.

    Returns
    -------
    matplotlib.axes.Axes
        `ax`.

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
        value, error = curve[name].value[order], curve[name].error[order]
        look, label = _PART_LOOKS[part], PART_LABELS.get(part, "total")
        ax.plot(total.x[order], value, color=color, label=label, markerfacecolor="white", **look)
        ax.errorbar(
            total.x[order], value, yerr=np.minimum(error, 0.99 * np.abs(value)), fmt="none", color=color
        )
    positive = np.concatenate([curve[name].value[curve[name].value > 0] for curve in lines.values()])
    ax.set_yscale("log")
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())
    # two decades at least, so that two powers of ten are marked; room for the legend above
    top = 8.0 * positive.max()
    ax.set(xlim=(0, 1.08 * total.x.max()), ylim=(min(0.4 * positive.min(), top / 200), top))
    ax.set_xlabel(AXIS_LABELS[total.x_name])
    ax.set_ylabel(observable_label(total.observable))
    if legend:
        ax.legend(loc="upper right")
    return ax


def observable_figure(panel: Panel, *, title: str = "", note: str = "", collision: str = "") -> Figure:
    """Return the figure of a panel with one Axes per meson or ratio; write it with `save_figure`.

    Parameters
    ----------
    panel : Panel
        From `qtraj.observables.overview`; not of the axis ``"integrated"``.
    title : str, optional
        Above the first Axes.
    note : str, optional
        Below.
    collision : str, optional
        What collides, above the last Axes; by default that of the measurements.

    Returns
    -------
    matplotlib.figure.Figure
        One Axes per meson or ratio.

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
        tops = limits(panel)
        x_ends = ends(panel.bands, panel.datasets)
        for ax, name in zip(panels, panel.shown, strict=True):
            bands = [band for band in panel.bands if band.name == name]
            data = [d for d in panel.datasets if d.state == name]
            plot_curve(ax, bands, one_class(data), legend=False, x_ends=x_ends)
            ax.set_ylim(*tops[name])
            if not panel.curve.observable.startswith("v") and tops[name][1] > _LINE_FREE:
                ax.axhline(1.0, color="black", linewidth=0.8, linestyle=(0, (2, 2)), zorder=1)
            add_data_legend(ax, one_class(data), several=False)
            _corner(ax, name)
        entries = _curve_entries([b for b in panel.bands if b.name == panel.shown[-1]], GRAY)
        # above the Axes, where it covers no points
        figure.legend(*entries, loc="outside upper center", ncols=len(entries[0]))
        _dress(figure, panels, title, collision_label(panel.datasets) or collision, note)
    return figure


def parts_figure(panel: Panel, *, title: str = "", note: str = "") -> Figure:
    """Return the figure of `plot_parts` for each meson of a panel.

    Parameters
    ----------
    panel : Panel
        At fixed geometries, with both parts.
    title : str, optional
        Above the first Axes.
    note : str, optional
        Below.

    Returns
    -------
    matplotlib.figure.Figure
        One Axes per meson.

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
            _corner(ax, name)
        _dress(figure, panels, title, collision_label(panel.datasets), note)
    return figure


def add_curve_legend(ax: Axes, bands: Sequence[CurveBand], color: str | None = None) -> None:
    """Name the central curve and what was varied."""
    entries = _curve_entries(bands, color)
    ax.legend(*entries, loc="lower right", labelspacing=0.3, borderaxespad=0.5)


def _curve_entries(bands: Sequence[CurveBand], color: str | None) -> tuple[list[Any], list[str]]:
    own = color or color_of(bands[0].name.partition("/")[0])
    handles: list[Any] = [
        Rectangle((0, 0), 1, 1, **fill_look(own, i)) for i, band in enumerate(bands) if band.label
    ]
    names = [band_label(band.label) for band in bands if band.label]
    handles.append(mpl.lines.Line2D([], [], **theory_marker(own)))
    return handles, [*names, "central setting"]


def _axes(count: int) -> tuple[Figure, np.ndarray[Any, Any]]:
    figure = Figure(figsize=(max(8.0, 1.2 + 4.6 * count), 6.2), layout="constrained")
    return figure, np.atleast_1d(figure.subplots(1, count))


def _corner(ax: Axes, name: str) -> None:
    text = ax.text(
        0.05, 0.95, state_label(name), fontsize=18, color=color_of(name.partition("/")[0]), va="top"
    )
    text.set_transform(ax.transAxes)


def _dress(figure: Figure, panels: Any, title: str, collision: str, note: str) -> None:
    for ax in panels[1:]:
        ax.set_ylabel("")
    panels[0].set_title(title, loc="left", fontsize=15, fontweight="bold")
    panels[-1].set_title(collision, loc="right", fontsize=15)
    if note:
        # letters in an inch of this size
        lines = [
            line
            for part in note.splitlines()
            for line in textwrap.wrap(part, int(17 * figure.get_figwidth()))
        ]
        note = "\n".join(lines)
        figure.supxlabel(note, fontsize=10.5, color="#333333", x=0.01, ha="left", linespacing=1.4)


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


def _draw_ribbon(ax: Axes, band: CurveBand, color: str, variant: int) -> None:
    if len(band.curve) < 2 or not band.label:
        return
    order = np.argsort(band.curve.x)
    x = band.curve.x[order]
    at, central = guide(x, band.central.value[order])
    low = np.minimum(guide(x, band.low[order])[1], central)
    high = np.maximum(guide(x, band.high[order])[1], central)
    ax.fill_between(at, low, high, zorder=2, label=band.label, **fill_look(color, variant))


def _draw_boxes(ax: Axes, band: CurveBand, color: str, variant: int) -> None:
    if not band.label:
        return
    look = fill_look(color, variant)
    for left, right, low, high in zip(band.curve.x_low, band.curve.x_high, band.low, band.high, strict=True):
        ax.add_patch(Rectangle((left, low), right - left, high - low, zorder=2, **look))


def _draw_central(ax: Axes, band: CurveBand, color: str, binned: bool) -> None:
    curve, value = band.curve, band.central.value
    if binned:
        ax.hlines(value, curve.x_low, curve.x_high, color=color, linewidth=1.8, zorder=3)
    elif len(curve) > 1:
        order = np.argsort(curve.x)
        ax.plot(*guide(curve.x[order], value[order]), color=color, linewidth=1.8, zorder=3)
    at = (curve.x_low + curve.x_high) / 2 if binned else curve.x
    look = {**theory_marker(color), "elinewidth": 1.6, "zorder": 5.5, "label": band.name}
    ax.errorbar(at, value, yerr=band.central.error, **look)
