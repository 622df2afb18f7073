"""Observables in bins of anything, theory beside data: each function takes Axes and returns them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ..errors import InputError
from ..observables.curves import INTEGRATED, CurveBand
from ..observables.experiment import DataSet
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
from .raa import collision_label
from .style import style

AXIS_LABELS: Final = {
    "N_part": r"$\langle \mathit{N}_\mathrm{part}\rangle$",
    "centrality_pct": "Centrality [%]",
    "b_fm": r"$\mathit{b}$ [fm]",
    "pT_GeV": r"$\mathit{p}_\mathrm{T}$ [GeV]",
    "y": r"$\mathit{y}$",
    "abs_y": r"$|\mathit{y}|$",
}
OBSERVABLE_LABELS: Final = {
    "R_AA": r"$\mathit{R}_\mathrm{AA}$",
    "double_ratio": "Double ratio AA / pp",
    "v2": r"$\mathit{v}_2$",
    "v3": r"$\mathit{v}_3$",
}
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
    x_max: float | None = None,
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
    x_max : float, optional
        Upper end of the axis; by default that of theory and data.

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
    _check(bands, datasets)
    curve, name = bands[0].curve, bands[0].name
    color = color_of(name.partition("/")[0])
    top = _right_end(bands, datasets) if x_max is None else x_max
    ax.set_xlim(0, top)
    binned = bool(np.any(curve.x_high > curve.x_low))
    labels = list(dict.fromkeys(band.label for band in bands))
    for band in bands:
        (_draw_boxes if binned else _draw_ribbon)(ax, band, color, labels.index(band.label))
    _draw_central(ax, bands[0], color, binned)
    for data in datasets:
        experiment = EXPERIMENT_COLORS.get(data.experiment, GRAY)
        draw_points(ax, data, experiment, _SHIFT.get(data.experiment, 0.0) * top, _BOX * top)
    if curve.observable.startswith("v"):
        ax.axhline(0.0, color="black", linewidth=0.8, zorder=1)
    ax.set_xlabel(AXIS_LABELS[curve.x_name])
    ax.set_ylabel(OBSERVABLE_LABELS.get(curve.observable, curve.observable))
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

    Raises
    ------
    InputError
        If the panel has no parts, or fewer than two points.
    """
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
    positive = [curve[name].value[curve[name].value > 0].min() for curve in lines.values()]
    ax.set_yscale("log")
    ax.set(xlim=(0, 1.08 * total.x.max()), ylim=(0.4 * min(positive), 8.0))
    ax.set_xlabel(AXIS_LABELS[total.x_name])
    ax.set_ylabel(OBSERVABLE_LABELS["R_AA"])
    if legend:
        ax.legend(loc="upper right")
    return ax


def observable_figure(panel: Panel, *, title: str = "", note: str = "") -> Figure:
    """Return the figure of a panel with one Axes per meson or ratio; write it with `save_figure`.

    Parameters
    ----------
    panel : Panel
        From `qtraj.observables.overview`; not of the axis ``"integrated"``.
    title : str, optional
        Above the first Axes.
    note : str, optional
        Below.

    Raises
    ------
    InputError
        If the panel holds a single number.
    """
    if panel.curve.x_name == INTEGRATED:
        raise InputError("panel", panel.name, "have an axis: minimum bias is one number")
    with style():
        figure, panels = _axes(len(panel.shown))
        tops = _limits(panel)
        right = _right_end(panel.bands, panel.datasets)
        for ax, name in zip(panels, panel.shown, strict=True):
            bands = [band for band in panel.bands if band.name == name]
            data = [d for d in panel.datasets if d.state == name]
            plot_curve(ax, bands, _one_class(data), legend=False, x_max=right)
            ax.set_ylim(*tops[name])
            if not panel.curve.observable.startswith("v") and tops[name][1] > _LINE_FREE:
                ax.axhline(1.0, color="black", linewidth=0.8, linestyle=(0, (2, 2)), zorder=1)
            add_data_legend(ax, _one_class(data), several=False)
            _corner(ax, name)
        add_curve_legend(panels[-1], [b for b in panel.bands if b.name == panel.shown[-1]], GRAY)
        _dress(figure, panels, title, collision_label(panel.datasets), note)
    return figure


def parts_figure(panel: Panel, *, title: str = "", note: str = "") -> Figure:
    """Return the figure of `plot_parts` for each meson of a panel."""
    with style():
        figure, panels = _axes(len(panel.shown))
        for ax, name in zip(panels, panel.shown, strict=True):
            plot_parts(ax, panel, name, legend=name == panel.shown[0])
            _corner(ax, name)
        _dress(figure, panels, title, collision_label(panel.datasets), note)
    return figure


def add_curve_legend(ax: Axes, bands: Sequence[CurveBand], color: str | None = None) -> None:
    """Name the central curve and what was varied."""
    own = color or color_of(bands[0].name.partition("/")[0])
    handles: list[Any] = [
        Rectangle((0, 0), 1, 1, **fill_look(own, i)) for i, band in enumerate(bands) if band.label
    ]
    names = [band_label(band.label) for band in bands if band.label]
    handles.append(mpl.lines.Line2D([], [], **theory_marker(own)))
    ax.legend(handles, [*names, "central setting"], loc="lower right", labelspacing=0.3, borderaxespad=0.5)


def band_label(label: str) -> str:
    """Return the label of a band for a figure, with symbols for coefficients."""
    for plain, symbol in (("kappa", r"$\hat\kappa$"), ("gamma", r"$\hat\gamma$"), ("T_end", r"$T_f$")):
        if label.startswith(f"{plain}:"):
            return symbol + label.removeprefix(plain).replace("-", "\N{MINUS SIGN}")
    return label


def _axes(count: int) -> tuple[Figure, np.ndarray[Any, Any]]:
    figure = Figure(figsize=(max(8.0, 1.2 + 4.6 * count), 5.9), layout="constrained")
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
        figure.supxlabel(note, fontsize=10.5, color="#333333", x=0.01, ha="left", linespacing=1.4)


def _right_end(bands: Sequence[CurveBand], datasets: Sequence[DataSet]) -> float:
    ends = [*(np.max(band.curve.x_high) for band in bands), *(np.max(data.x) for data in datasets)]
    return 1.07 * float(max(ends))


def _one_class(datasets: Sequence[DataSet]) -> list[DataSet]:
    """Keep one centrality class of each experiment, the widest: the classes of one would cover each other."""
    widest: dict[tuple[str, str], DataSet] = {}
    for data in datasets:
        key = data.experiment, data.kinematics
        if key not in widest or _width(data) > _width(widest[key]):
            widest[key] = data
    return list(widest.values())


def _width(data: DataSet) -> float:
    first, _, last = data.centrality[0].rstrip("%").partition("-")
    return float(last) - float(first) if last else 0.0


def _limits(panel: Panel) -> dict[str, tuple[float, float]]:
    """Limits of the vertical axis: room for the legends above, zero at the bottom of what is positive."""
    limits = {}
    for name in panel.shown:
        highs = [float(np.max(band.high)) for band in panel.bands if band.name == name]
        lows = [float(np.min(band.low)) for band in panel.bands if band.name == name]
        for data in _one_class([d for d in panel.datasets if d.state == name]):
            highs.append(float(np.max(data.value + np.nan_to_num(data.total_plus))))
            lows.append(float(np.min(data.value - np.nan_to_num(data.total_minus))))
        top, bottom = max(highs), min(lows)
        if panel.curve.observable.startswith("v"):
            reach = max(top, -bottom, 0.005)
            limits[name] = -1.5 * reach, 2.1 * reach
        else:
            limits[name] = 0.0, 1.5 * top
    return limits


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
