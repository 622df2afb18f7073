"""Observables in bins of anything, theory beside data: figures, and the files of all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, StrMethodFormatter

from .._atomic import writable_folder
from .._checks import boolean, choice, instance, instances, interval, mapping, number, positive, text
from .._checks import path as path_of
from ..errors import InputError
from ..io.observables import HepdataTable, write_hepdata, write_panel_csv
from ..observables.curves import CurveBand
from ..observables.data.dataset import DataSet
from ..observables.feeddown import MESON_NAMES
from ..observables.observable import Observable, modification
from ..observables.overview import Panel
from ..observables.table import AXES, INTEGRATED, selected
from . import artists
from .artists import GRAY, color_of
from .style import NotebookFigure, save_figure, style

# how far points may be moved in N_part, on demand: experiments share classes and cover each other
SHIFTS: Final = {"ATLAS": -9.0, "ALICE": 9.0}
PART_STYLES: Final[dict[str, dict[str, Any]]] = {
    "total": {"label": "total", "linestyle": "-", "marker": "o", "markersize": 8},
    "no_jump": {"label": "never jumped", "linestyle": "--", "marker": "s", "markersize": 5},
    "regeneration": {"label": "regenerated", "linestyle": ":", "marker": "^", "markersize": 7},
}
_N_PART: Final = r"$\mathit{N}_\mathrm{part}$"
_N_PART_MAX: Final = 440.0  # leaves room for the global boxes right of central Pb-Pb
_HEADROOM: Final = 1.27  # y axis over highest point: room for state label and legend
_LINE_FREE: Final = 1.4  # upper end of the axis from which a line at 1 stays below the legends
_DASHED: Final[dict[str, Any]] = {"color": "black", "linewidth": 0.8, "linestyle": (0, (2, 2)), "zorder": 1}


def plot_curve(
    ax: Axes,
    bands: Sequence[CurveBand],
    datasets: Sequence[DataSet] = (),
    *,
    legend: bool = True,
    x_ends: tuple[float, float] | None = None,
) -> Axes:
    """Draw one meson or ratio: bands over model settings, the central setting with its error, measured points.

    Call it inside ``with style():``. At fixed geometries (N_part, centrality of one impact parameter) curves between
    the points guide the eye; in bins each band is a box of the width of the bin. Bars are errors of the calculation.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    bands : sequence of CurveBand
        Of one meson or ratio and one axis, one per coefficient that is varied.
    datasets : sequence of DataSet, optional
        Measurements of the same.
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
    """
    instance("ax", ax, Axes)
    bands, datasets = instances("bands", bands, CurveBand), instances("datasets", datasets, DataSet)
    legend = boolean("legend", legend)
    x_ends = None if x_ends is None else interval("x_ends", x_ends)
    if not bands:
        raise InputError("bands", bands, "hold at least one band")
    what = (bands[0].name, bands[0].curve.observable, bands[0].curve.x_name)
    for band in bands:
        if (band.name, band.curve.observable, band.curve.x_name) != what:
            raise InputError("bands", band.name, f"all be of {' '.join(what)}")
    for data in datasets:
        if (data.state, data.observable, data.x_name) != what:
            raise InputError("datasets", str(data), f"hold {what[1]} of {what[0]} against {what[2]}")
    _draw(ax, bands, datasets, artists.ends(bands, datasets) if x_ends is None else x_ends)
    if legend:
        artists.add_data_legend(ax, datasets, several=False)
        entries = artists.theory_entries(bands, {"central setting": color_of(bands[0].name)})
        ax.legend(entries.values(), entries, loc="lower right", labelspacing=0.3, borderaxespad=0.5)
    return ax


def plot_raa_npart(
    ax: Axes,
    bands: Sequence[CurveBand],
    datasets: Sequence[DataSet] = (),
    *,
    y_max: float | None = None,
    shifts: Mapping[str, float] | None = None,
    legend: bool = True,
) -> Axes:
    """Draw R_AA against N_part: bands over model settings and measured points.

    Call it inside ``with style():``. Colors tell states apart; in an Axes with one state only, points are colored by
    experiment instead. Theory is known at the markers, whose bars are the errors of the calculation; the lines between
    them are `guide`. A known global uncertainty is a box at R_AA = 1, or a number in the legend if 1 is not shown.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    bands : sequence of Band or CurveBand
        Theory. Bands of one state that carry different labels get different fills; the central curve of a
        state is that of its first band.
    datasets : sequence of DataSet, optional
        Measured R_AA against N_part.
    y_max : float, optional
        Upper end of the R_AA axis; by default what leaves room for the legends.
    shifts : mapping of str to float, optional
        How far to move the points of an experiment in N_part, so that they do not cover others; none by default.
    legend : bool, optional
        Whether to add legends for data and theory.

    Returns
    -------
    matplotlib.axes.Axes
        The same Axes.

    Raises
    ------
    InputError
        If there is nothing to draw, or a data set is not R_AA against N_part or is an upper limit.
    """
    instance("ax", ax, Axes)
    bands, datasets = _checked(bands, datasets)
    y_max = None if y_max is None else positive("y_max", y_max)
    shifts = {} if shifts is None else mapping("shifts", shifts)
    shifts = {name: number(f"shifts[{name!r}]", shift) for name, shift in shifts.items()}
    legend = boolean("legend", legend)
    states = _states(bands, datasets)
    several = len(states) > 1
    for data in datasets:
        if (data.observable, data.x_name) != ("R_AA", "N_part"):
            where = f"{data.observable} against {data.x_name}"
            raise InputError("datasets", where, "hold R_AA against N_part")
    y_max = _HEADROOM * artists.extent(bands, datasets)[1] if y_max is None else y_max
    ax.set_ylim(0, y_max)
    x = artists.ends(bands, datasets)[1]  # a light system would be lost on the axis of lead
    _draw(ax, bands, datasets, (0, x if x < _N_PART_MAX / 4 else _N_PART_MAX), several, shifts)
    if y_max > 1:
        ax.axhline(1.0, **_DASHED)
        artists.draw_global_boxes(ax, datasets, several)
    if legend:
        artists.add_data_legend(ax, datasets, several)
        names = {artists.state_label(state): color_of(state) for state in states}
        artists.add_theory_legend(ax, bands, names if several else {"central setting": color_of(states[0])})
    return ax


def _draw(
    ax: Axes,
    bands: Sequence[CurveBand],
    datasets: Sequence[DataSet],
    x_ends: tuple[float, float],
    several: bool = False,
    shifts: Mapping[str, float] | None = None,
) -> None:
    """Draw ranges over settings, central settings with their errors, and measured points, and name both axes.

    This draws every observable: R_AA against N_part, `several` states in one Axes or not, and all others.
    """
    for data in datasets:
        if np.any(np.isfinite(data.upper_limit_cl)):
            raise InputError("datasets", str(data), "hold measured points, not upper limits")
    ax.set_xlim(*x_ends)
    labels = list(dict.fromkeys(band.label for band in bands))
    for band in bands:
        artists.draw_range(ax, band, labels.index(band.label))
    centrals = {band.name: band for band in reversed(bands)}  # that of a state is the one of its first band
    for name in dict.fromkeys(band.name for band in bands):
        artists.draw_central(ax, centrals[name])
    for data in datasets:
        shift = (shifts or {}).get(data.experiment, 0.0)
        artists.draw_points(ax, data, artists.data_color(data, several), shift)
    shown = bands[0].curve if bands else datasets[0]
    observable = Observable.named(shown.observable)
    if observable.unmodified == 0:
        ax.axhline(0.0, color="black", linewidth=0.8, zorder=1)
    ax.set(xlabel=AXES[shown.x_name].label, ylabel=observable.label)


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
    curves = {"total": panel.curve, **panel.parts}
    if set(PART_STYLES) - set(curves) or len(panel.curve) < 2:
        raise InputError("panel", panel.name, "hold the parts no_jump and regeneration at two points or more")
    color, x = color_of(name), panel.curve.x
    order = np.argsort(x)
    for part, options in PART_STYLES.items():
        value, error = curves[part][name].value[order], curves[part][name].error[order]
        ax.plot(x[order], value, color=color, markerfacecolor="white", **options)
        # a logarithmic axis has no place for bars that reach zero
        ax.errorbar(x[order], value, yerr=np.minimum(error, 0.99 * np.abs(value)), fmt="none", color=color)
    values = np.concatenate([curves[part][name].value for part in PART_STYLES])
    positive_values = values[values > 0]
    ax.set_yscale("log")
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())
    # two decades at least, so that two powers of ten are marked; room for the legend above
    top = 8.0 * positive_values.max()
    ax.set(xlim=(0, 1.08 * x.max()), ylim=(min(0.4 * positive_values.min(), top / 200), top))
    label = Observable.named(panel.curve.observable).label
    ax.set(xlabel=AXES[panel.curve.x_name].label, ylabel=label)
    if legend:
        ax.legend(loc="upper right")
    return ax


def raa_figure(
    bands: Sequence[CurveBand],
    datasets: Sequence[DataSet] = (),
    *,
    title: str = "",
    note: str | None = None,
    shifts: Mapping[str, float] | None = None,
) -> Figure:
    """Return the figure of R_AA against N_part with one panel per state; write it with `save_figure`.

    Excited states share a scale of their own: on that of Y(1S) their central points would lie on the axis.

    Parameters
    ----------
    bands : sequence of Band or CurveBand
        Theory, any number of bands per state.
    datasets : sequence of DataSet, optional
        Measured R_AA against N_part, all of one collision system and energy.
    title : str, optional
        Text above the first panel, for example the name of the calculation.
    note : str, optional
        Text below the panels; by default `default_note`, empty for none.
    shifts : mapping of str to float, optional
        How far to move the points of an experiment, none by default, such as ``{"ATLAS": -9.0, "ALICE": 9.0}``.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If there is nothing to draw, states have different bands, data are of different systems, or as in
        `plot_raa_npart`.
    """
    bands, datasets = _checked(bands, datasets)
    title = text("title", title)
    states = _states(bands, datasets)
    labels = {tuple(band.label for band in bands if band.name == state) for state in states}
    if len(labels - {()}) > 1:  # one legend serves all panels
        raise InputError("bands", sorted(labels), "carry the same labels in the same order for each state")
    return _raa_rows({title: bands}, states, datasets, note, shifts)


def raa_comparison_figure(
    calculations: Mapping[str, Sequence[CurveBand]],
    datasets: Sequence[DataSet] = (),
    *,
    note: str | None = None,
    shifts: Mapping[str, float] | None = None,
) -> Figure:
    """Return calculations one above the other, a row of panels for each, beside the same data on the same scales.

    Parameters
    ----------
    calculations : mapping of str to sequence of Band or CurveBand
        Title of each row and its theory; all of the same states.
    datasets, note, shifts
        As for `raa_figure`.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If there is nothing to draw, the calculations have different states, or as in `raa_figure`.
    """
    mapping("calculations", calculations)
    calculations = {title: _checked(bands, datasets)[0] for title, bands in calculations.items()}
    datasets = instances("datasets", datasets, DataSet)
    states = _states([band for bands in calculations.values() for band in bands], datasets)
    for title, bands in calculations.items():
        if missing := set(states) - {band.name for band in bands}:
            raise InputError("calculations", title, f"hold all states, also {', '.join(sorted(missing))}")
    return _raa_rows(calculations, states, datasets, note, shifts)


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
    x_ends, observable = artists.ends(panel.bands, panel.datasets), Observable.named(panel.curve.observable)

    def draw(figure: Figure, axes: Sequence[Axes], _: str) -> None:
        for ax, name in zip(axes, panel.shown, strict=True):
            bands = [band for band in panel.bands if band.name == name]
            data = artists.one_class([d for d in panel.datasets if d.state == name])
            plot_curve(ax, bands, data, legend=False, x_ends=x_ends)
            # zero at the bottom of what is positive, and room above for the legends
            bottom, top = artists.extent(bands, data)
            if observable.unmodified > 0:
                ax.set_ylim(0.0, 1.5 * top or 1.0)
                if 1.5 * top > _LINE_FREE:
                    ax.axhline(observable.unmodified, **_DASHED)
            else:
                reach = max(top, -bottom, 0.005)
                ax.set_ylim(min(1.2 * bottom, -0.2 * reach), 1.6 * reach)
            artists.add_data_legend(ax, data, several=False)
            artists.write_corner(ax, name, 18)
            ax.set_ylabel(observable.label if ax is axes[0] else "")
        entries = artists.theory_entries(bands, {"central setting": GRAY})
        # above the Axes, where it covers no points
        figure.legend(entries.values(), entries, loc="outside upper center", ncols=len(entries))

    return _figure(len(panel.shown), draw, (title,), artists.collision(panel.datasets) or collision, note)


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

    def draw(_: Figure, axes: Sequence[Axes], __: str) -> None:
        for ax, name in zip(axes, panel.shown, strict=True):
            plot_parts(ax, panel, name, legend=ax is axes[0])
            artists.write_corner(ax, name, 18)
            if ax is not axes[0]:
                ax.set_ylabel("")

    return _figure(len(panel.shown), draw, (title,), artists.collision(panel.datasets), note)


def _raa_rows(
    rows: Mapping[str, Sequence[CurveBand]],
    states: Sequence[str],
    datasets: Sequence[DataSet],
    note: str | None,
    shifts: Mapping[str, float] | None,
) -> Figure:
    """Return R_AA against N_part, a row of panels for each title and its bands, all on the same scales."""
    note = None if note is None else text("note", note)
    # own data need not say of which collisions they are
    collisions = {artists.collision_label(data) for data in datasets if data.system}
    if len(collisions) > 1:
        raise InputError("datasets", sorted(collisions), "be of one collision system and energy")
    everything = [band for bands in rows.values() for band in bands]

    def draw(_: Figure, axes: Sequence[Axes], title: str) -> None:
        for ax, state in zip(axes, states, strict=True):
            # one scale for Y(1S), one for the excited states, in all rows
            scale = [other for other in states if (other == "Y(1S)") == (state == "Y(1S)")]
            measured = [data for data in datasets if data.state in scale]
            y_max = (
                _HEADROOM * artists.extent([band for band in everything if band.name in scale], measured)[1]
            )
            bands = [band for band in rows[title] if band.name == state]
            points = [data for data in datasets if data.state == state]
            plot_raa_npart(ax, bands, points, y_max=y_max, shifts=shifts, legend=False)
            artists.add_data_legend(ax, points, several=False)
            artists.write_corner(ax, state, 20)
            if state != scale[0]:
                ax.tick_params(labelleft=False)
                ax.set_ylabel("")
        artists.add_theory_legend(axes[-1], rows[title], {"central setting": GRAY})

    below = default_note(everything, datasets, shifts) if note is None else note
    size = max(9.0, 1.2 + 4.6 * len(states)), 0.9 + 5.0 * len(rows)
    return _figure(len(states), draw, tuple(rows), "".join(collisions), below, size)


def _figure(
    count: int,
    draw: Callable[[Figure, Sequence[Axes], str], None],
    titles: Sequence[str],
    collision: str,
    note: str,
    size: tuple[float, float] | None = None,
) -> Figure:
    """Return a figure with a row of `count` panels for each title, which `draw` fills."""
    with style():
        size = size or (max(8.0, 1.2 + 4.6 * count), 6.2)
        figure = NotebookFigure(figsize=size, layout="constrained")
        axes = figure.subplots(len(titles), count, squeeze=False)
        for row, title in zip(axes, titles, strict=True):
            draw(figure, row, title)
            row[0].set_title(title, loc="left", fontsize=15, fontweight="bold")
        axes[0, -1].set_title(collision, loc="right", fontsize=15)
        artists.write_note(figure, note)
    return figure


def default_note(
    bands: Sequence[CurveBand],
    datasets: Sequence[DataSet],
    shifts: Mapping[str, float] | None = None,
) -> str:
    """Return the text that says how to read the figure of `raa_figure`: a line on theory, one on data.

    Parameters
    ----------
    bands, datasets, shifts
        As for `raa_figure`.

    Returns
    -------
    str
        Two lines at most.
    """
    bands, datasets = _checked(bands, datasets)
    shifts = {} if shifts is None else mapping("shifts", shifts)
    lines = []
    if bands:
        bars = f"bars: errors of {artists.error_sources([band.curve for band in bands])}"
        between = f"the curves between them interpolate monotonically in {_N_PART}, to guide the eye"
        lines.append(f"Theory is computed at the open circles ({bars}); {between}.")
    if datasets:
        parts = [
            f"Data: bars statistical, boxes systematic, boxes at {modification().label}$=1$ global where published"
        ]
        experiments = list(dict.fromkeys(data.experiment for data in datasets))
        moved = [f"{name} by {shifts[name]:+g}".replace("-", "−") for name in experiments if name in shifts]
        if moved:
            parts.append(f"points moved in {_N_PART}: {', '.join(moved)}")
        read_off = dict.fromkeys(data.experiment for data in datasets if data.quality == "digitised")
        if read_off:
            parts.append(f"{' and '.join(read_off)} read off the published figure")
        lines.append("; ".join(parts) + ".")
    return "\n".join(lines)


def _checked(
    bands: Sequence[CurveBand], datasets: Sequence[DataSet]
) -> tuple[tuple[CurveBand, ...], tuple[DataSet, ...]]:
    bands, datasets = instances("bands", bands, CurveBand), instances("datasets", datasets, DataSet)
    for curve in (band.curve for band in bands):
        if (curve.observable, curve.x_name) != ("R_AA", "N_part") or curve.binned:
            where = f"{curve.observable} against {curve.x_name}"
            raise InputError("bands", where, "hold R_AA against N_part, at points", "See `plot_curve`.")
    return bands, datasets


def _states(bands: Sequence[CurveBand], datasets: Sequence[DataSet]) -> list[str]:
    drawn = {band.name for band in bands} | {data.state for data in datasets}
    if not drawn:
        raise InputError("bands", bands, "hold at least one band")
    return [state for state in MESON_NAMES if state in drawn]


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
        titled = ", ".join(filter(None, (title, selected(panel.curve.selection))))
        written.append(write_panel_csv(folder / f"{panel.name}.csv", panel))
        # a single point makes no figure
        if panel.curve.x_name == INTEGRATED or len(panel.curve) < 2:
            continue
        written += save_figure(_figure_of(panel, title, titled, collision, shifts), folder / panel.name)
        if panel.curve.x_name == "N_part" and panel.parts:
            note = "Regenerated: total minus pairs that never jumped, path by path."
            name = f"regeneration{panel.name.partition('npart')[2]}"
            written += save_figure(parts_figure(panel, title=titled, note=note), folder / name)
    tables = [HepdataTable.of(panel, qualifiers) for panel in panels]
    return written + write_hepdata(folder / "hepdata", tables, title)


def _figure_of(
    panel: Panel, title: str, titled: str, collision: str, shifts: Mapping[str, float] | None
) -> Figure:
    curve = panel.curve
    if (curve.observable, curve.x_name) == ("R_AA", "N_part") and not curve.binned:
        return raa_figure(panel.bands, panel.datasets, title=titled, shifts=shifts)
    return observable_figure(panel, title=title, note=_note(panel), collision=collision)


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
