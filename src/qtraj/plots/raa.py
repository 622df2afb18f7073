"""R_AA against N_part, theory beside data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .._checks import boolean, instance, instances, mapping, number, positive, text
from ..errors import InputError
from ..observables.curves import CurveBand
from ..observables.data.dataset import DataSet
from ..observables.feeddown import MESON_NAMES
from ..observables.observable import modification
from ..observables.table import AXES
from . import artists
from .artists import GRAY, color_of
from .style import NotebookFigure, style

SYSTEM_NAMES: Final = {"PbPb": "Pb–Pb", "AuAu": "Au–Au", "pPb": "p–Pb"}

# how far points may be moved in N_part, on demand: experiments share classes and cover each other
SHIFTS: Final = {"ATLAS": -9.0, "ALICE": 9.0}
_N_PART: Final = r"$\mathit{N}_\mathrm{part}$"
_R_AA: Final = modification().label
_N_PART_MAX: Final = 440.0  # leaves room for the global boxes right of central Pb-Pb
_HEADROOM: Final = 1.27  # y axis over highest point: room for state label and legend


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

    Call it inside ``with style():``.

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
        How far to move the points of an experiment in N_part, so that they do not cover others; none by
        default.
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

    Notes
    -----
    Colors tell states apart; in an Axes with one state only, points are colored by experiment instead.
    Theory is known at the markers, whose bars are the errors of the calculation; the lines between them are
    `guide`. A known global uncertainty is a box at R_AA = 1, or a number in the legend if 1 is not shown.
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
        if np.any(np.isfinite(data.upper_limit_cl)):
            raise InputError("datasets", str(data), "hold measured points, not upper limits")
    y_max = _HEADROOM * _top(bands, datasets) if y_max is None else y_max
    largest = max(float(np.max(x)) for x in (*(band.curve.x for band in bands), *(d.x for d in datasets)))
    # a light system would be lost on the axis of lead
    x_max = _N_PART_MAX if largest > _N_PART_MAX / 4 else 1.2 * largest
    ax.set(xlim=(0, x_max), ylim=(0, y_max))
    ax.set_xlabel(AXES["N_part"].label)
    ax.set_ylabel(_R_AA)

    labels = list(dict.fromkeys(band.label for band in bands))
    for band in bands:
        artists.draw_range(ax, band, labels.index(band.label))
    for state in dict.fromkeys(band.name for band in bands):
        artists.draw_central(ax, next(band for band in bands if band.name == state))
    for data in datasets:
        artists.draw_points(ax, data, artists.data_color(data, several), shifts.get(data.experiment, 0.0))
    if y_max > 1:
        ax.axhline(1.0, color="black", linewidth=0.8, linestyle=(0, (2, 2)), zorder=1)
        artists.draw_global_boxes(ax, datasets, several)
    if legend:
        artists.add_data_legend(ax, datasets, several)
        names = {artists.state_label(state): color_of(state) for state in states}
        artists.add_theory_legend(ax, bands, names if several else {"central setting": color_of(states[0])})
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
    return _figure_of_rows({title: bands}, states, datasets, note, shifts)


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
    datasets : sequence of DataSet, optional
        Measured R_AA against N_part, all of one collision system and energy.
    note : str, optional
        Text below the panels; by default `default_note`, empty for none.
    shifts : mapping of str to float, optional
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
    everything = [band for bands in calculations.values() for band in bands]
    states = _states(everything, datasets)
    for title, bands in calculations.items():
        if missing := set(states) - {band.name for band in bands}:
            raise InputError("calculations", title, f"hold all states, also {', '.join(sorted(missing))}")
    return _figure_of_rows(calculations, states, datasets, note, shifts)


def default_note(
    bands: Sequence[CurveBand],
    datasets: Sequence[DataSet],
    shifts: Mapping[str, float] | None = None,
) -> str:
    """Return the text that says how to read the figure of `raa_figure`: a line on theory, one on data.

    Parameters
    ----------
    bands : sequence of Band or CurveBand
        What the figure draws.
    datasets : sequence of DataSet
        Measurements in it.
    shifts : mapping of str to float, optional
        How far the points of experiments are moved in N_part.

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
        parts = [f"Data: bars statistical, boxes systematic, boxes at {_R_AA}$=1$ global where published"]
        experiments = list(dict.fromkeys(data.experiment for data in datasets))
        moved = [f"{name} by {shifts[name]:+g}".replace("-", "−") for name in experiments if name in shifts]
        if moved:
            parts.append(f"points moved in {_N_PART}: {', '.join(moved)}")
        read_off = dict.fromkeys(data.experiment for data in datasets if data.quality == "digitised")
        if read_off:
            parts.append(f"{' and '.join(read_off)} read off the published figure")
        lines.append("; ".join(parts) + ".")
    return "\n".join(lines)


def _figure_of_rows(
    rows: Mapping[str, Sequence[CurveBand]],
    states: Sequence[str],
    datasets: Sequence[DataSet],
    note: str | None,
    shifts: Mapping[str, float] | None,
) -> Figure:
    """Return a figure with a row of panels, one per state, for each title and its bands, all on the same scales."""
    note = None if note is None else text("note", note)
    # own data need not say of which collisions they are
    collisions = {collision_label(data) for data in datasets if data.system}
    if len(collisions) > 1:
        raise InputError("datasets", sorted(collisions), "be of one collision system and energy")
    everything = [band for bands in rows.values() for band in bands]
    width = max(9.0, 1.2 + 4.6 * len(states))
    with style():
        figure = NotebookFigure(figsize=(width, 0.9 + 5.0 * len(rows)), layout="constrained")
        axes = figure.subplots(len(rows), len(states), squeeze=False)
        for panels, (title, bands) in zip(axes, rows.items(), strict=True):
            for ax, state in zip(panels, states, strict=True):
                # one scale for Y(1S), one for the excited states, in all rows
                scale = [other for other in states if (other == "Y(1S)") == (state == "Y(1S)")]
                measured = [data for data in datasets if data.state in scale]
                y_max = _HEADROOM * _top([band for band in everything if band.name in scale], measured)
                drawn = [band for band in bands if band.name == state]
                points = [data for data in datasets if data.state == state]
                plot_raa_npart(ax, drawn, points, y_max=y_max, shifts=shifts, legend=False)
                artists.add_data_legend(ax, points, several=False)
                artists.write_corner(ax, state, 20)
                if state != scale[0]:
                    ax.tick_params(labelleft=False)
                    ax.set_ylabel("")
            artists.add_theory_legend(panels[-1], bands, {"central setting": GRAY})
            panels[0].set_title(title, loc="left", fontsize=15, fontweight="bold")
        axes[0, -1].set_title("".join(collisions), loc="right", fontsize=15)
        artists.write_note(figure, default_note(everything, datasets, shifts) if note is None else note)
    return figure


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


def _top(bands: Sequence[CurveBand], datasets: Sequence[DataSet]) -> float:
    tops = [float(np.max(np.maximum(b.high, b.central.value + b.central.error))) for b in bands]
    tops += [float(np.max(d.value + np.nan_to_num(d.total_plus))) for d in datasets]
    return max(tops)


def collision_label(data: DataSet) -> str:
    """Return system and energy of a measurement for a figure."""
    name = SYSTEM_NAMES.get(data.system, data.system)
    energy = data.sqrt_s_GeV
    text = f"{energy / 1000:.3g} TeV" if energy >= 1000 else f"{energy:g} GeV"
    return rf"{name}  $\sqrt{{\mathit{{s}}_\mathrm{{NN}}}}$ = {text}"
