"""Figures of an inference: the posterior, its predictions beside data, nuisance parameters, and what data say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator, NullLocator
from scipy.interpolate import RectBivariateSpline
from scipy.stats import binom, chi2

from .._checks import instance, instances, integer, mapping, number, text
from .._types import Float
from ..errors import InputError
from ..inference.calibration import Calibration
from ..inference.parameters import Kind, Parameter, Prior, kind_of
from ..inference.posterior import LEVELS, Posterior, Predictive, needs_extra
from ..inference.sampling import Profile
from ..observables.data.dataset import DataSet
from ..observables.observable import Observable
from ..observables.table import AXES, INTEGRATED
from . import artists
from .style import NotebookFigure, style

# of several posteriors in one figure; Okabe and Ito (2008), as those of the states
COLORS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
TRUTH: Final = "#B00020"
TRUSTED: Final = 100  # effective samples below which a posterior by importance weights is drawn open
_SIDE: Final = 2.7  # inches of a panel of a corner plot
_MOST: Final = 0.998  # share of the samples that the axes of a corner plot show
# bins over which contours are smoothed: a few thousand samples in 32 x 32 bins are rough
_SMOOTH: Final = 1.2
_TITLE: Final[dict[str, Any]] = {"loc": "left", "fontsize": 15, "fontweight": "bold"}
_PREDICTED: Final = (
    "Boxes: theory with its errors at each point, in the acceptance of its measurement, over the posterior. Data: bars "
    "statistical, boxes systematic, arrows upper limits; global errors are nuisance parameters of the fit."
)
_PULLS: Final = "Mean and standard deviation of each nuisance parameter; gray: before the data."
_PROFILED: Final = "Lines: profile of the likelihood, all other unknowns fitted again, without a prior."
_RANKS: Final = (
    "Ranks of the truths among independent samples of the posteriors of their synthetic data; gray: 99 % of the counts "
    "of uniform ranks. Regions of 68 and 95 %: the share of the truths that they hold."
)
_WITHOUT: Final = (
    "Band: mean and standard deviation with all data. Points: without the measurement, by importance weights; open "
    f"where they leave fewer than {TRUSTED} effective samples."
)


def corner_figure(
    posteriors: Posterior | Mapping[str, Posterior],
    *,
    truth: Mapping[str, float] | None = None,
    title: str = "",
    note: str = "",
) -> Figure:
    """Return the marginal posterior of each parameter and of each pair; write it with `save_figure`.

    Contours hold 68 and 95 % of the samples. Dashed: the prior.

    Parameters
    ----------
    posteriors : Posterior, or mapping of str to Posterior
        One, or several of the same parameters with a label each: samplers, or models.
    truth : mapping of str to float, optional
        Known values by the names of parameters, of a closure test, in their units.
    title, note : str, optional
        Above and below.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If there is nothing to draw, parameters differ, `truth` names another, or the extra `infer` is missing.
    """
    title, note = text("title", title), text("note", note)
    entries = {"": posteriors} if isinstance(posteriors, Posterior) else mapping("posteriors", posteriors)
    if not 0 < len(entries) <= len(COLORS):
        raise InputError("posteriors", len(entries), f"hold 1 to {len(COLORS)} posteriors")
    for label, posterior in entries.items():
        instance(f"posteriors[{label!r}]", posterior, Posterior)
    first = next(iter(entries.values())).parameters
    for label, posterior in entries.items():
        if posterior.parameters.names != first.names:
            allowed = f"hold posteriors of the same parameters, {', '.join(first.names)}"
            raise InputError("posteriors", f"{label}: {', '.join(posterior.parameters.names)}", allowed)
    known = (
        {} if truth is None else {n: number(f"truth[{n!r}]", v) for n, v in mapping("truth", truth).items()}
    )
    if other := set(known) - set(first.names):
        raise InputError("truth", sorted(other), f"name parameters: {', '.join(first.names)}")
    needs_extra("corner")
    import corner  # noqa: PLC0415  an extra

    count, labels = len(first), [axis_label(parameter.kind) for parameter in first]
    columns = [posterior.samples.T for posterior in entries.values()]
    ends = [_ends([values[i] for values in columns], first.members[i].prior) for i in range(count)]
    size = _SIDE * count + 1.2
    with style():
        figure = NotebookFigure(figsize=(max(size, 5.2), max(size, 4.8)), layout="constrained")
        axes = figure.subplots(count, count, squeeze=False, sharex="col")
        for i, row in enumerate(axes):
            for j, ax in enumerate(row):
                if j > i:
                    ax.remove()
                    continue
                for values, color in zip(columns, COLORS, strict=False):
                    if i == j:
                        options: dict[str, Any] = {"histtype": "step", "color": color, "linewidth": 1.8}
                        # a few hundred samples in 40 bins would be all noise
                        bins = int(np.clip(np.sqrt(len(values[i])), 12, 40))
                        ax.hist(values[i], bins, range=ends[i], density=True, **options)
                        continue
                    corner.hist2d(
                        values[j],
                        values[i],
                        ax=ax,
                        bins=32,
                        range=[ends[j], ends[i]],
                        levels=LEVELS,
                        smooth=_SMOOTH,
                        color=color,
                        plot_datapoints=False,
                        plot_density=False,
                        fill_contours=len(columns) == 1,
                    )
                ax.set_xlim(*ends[j])
                ax.xaxis.set_major_locator(MaxNLocator(4))
                ax.set_xlabel(labels[j] if i == count - 1 else "", loc="center")
                if i == j:
                    x = np.linspace(*ends[i], 200)
                    prior = np.exp(np.asarray(first.members[i].prior.log_density(x)))
                    ax.plot(x, prior, color=artists.GRAY, linestyle="--", linewidth=1.2)
                    ax.yaxis.set_major_locator(NullLocator())
                    ax.yaxis.set_minor_locator(NullLocator())
                    if len(columns) == 1:
                        ax.set_title(interval(first.members[i], columns[0][i]), fontsize=14)
                else:
                    ax.set_ylim(*ends[i])
                    ax.yaxis.set_major_locator(MaxNLocator(4))
                    ax.tick_params(labelleft=j == 0)
                    ax.set_ylabel(labels[i] if j == 0 else "", loc="center")
                _draw_truth(ax, known.get(first.names[j]), known.get(first.names[i]) if i != j else None)
        handles = {label: Line2D([], [], color=c) for label, c in zip(entries, COLORS, strict=False) if label}
        handles["prior"] = Line2D([], [], color=artists.GRAY, linestyle="--", linewidth=1.2)
        if known:
            handles["truth"] = Line2D([], [], color=TRUTH, marker="s", markersize=5, linewidth=1.2)
        # where a corner plot is empty; a single panel has no such corner
        place: dict[str, Any] = {"loc": "upper right"}
        if count == 1:
            place = {"loc": "outside lower center", "ncols": len(handles)}
        figure.legend(handles.values(), handles, **place)
        if title:
            figure.suptitle(title, fontsize=15, fontweight="bold", x=0.01, ha="left")
        artists.write_note(figure, note)
    return figure


def axis_label(kind: Kind) -> str:
    """Return symbol and unit of a parameter for an axis."""
    return f"{kind.label} [{kind.unit}]" if kind.unit else kind.label


def interval(parameter: Parameter, values: Float) -> str:
    """Return a parameter with its median and the central 68 % of its samples, as a formula."""
    low, middle, high = np.quantile(values, [(1 - LEVELS[0]) / 2, 0.5, (1 + LEVELS[0]) / 2])
    smaller = max(min(high - middle, middle - low), 1e-12)
    digits = max(0, 1 - int(np.floor(np.log10(smaller))))  # two digits of the smaller error
    up, down = f"{high - middle:.{digits}f}", f"{middle - low:.{digits}f}"
    return (
        f"{parameter.kind.label} $= {middle:.{digits}f}^{{+{up}}}_{{-{down}}}$ {parameter.kind.unit}".rstrip()
    )


def _ends(columns: Sequence[Float], prior: Prior) -> tuple[float, float]:
    """Return the ends of an axis for samples, of all posteriors in one figure: contours must not leave the prior."""
    low = min(float(np.quantile(values, (1 - _MOST) / 2)) for values in columns)
    high = max(float(np.quantile(values, (1 + _MOST) / 2)) for values in columns)
    room = 0.06 * (high - low) or 0.5
    return max(low - room, prior.low), min(high + room, prior.high)


def _draw_truth(ax: Axes, x: float | None, y: float | None) -> None:
    if x is not None:
        ax.axvline(x, color=TRUTH, linewidth=1.2)
    if y is not None:
        ax.axhline(y, color=TRUTH, linewidth=1.2)
    if x is not None and y is not None:
        ax.plot(x, y, "s", color=TRUTH, markersize=5)


def predictive_figures(
    datasets: Sequence[DataSet], predictive: Predictive, *, title: str = "", note: str | None = None
) -> dict[str, Figure]:
    """Return what a posterior predicts beside measurements, a figure for each observable and axis.

    Parameters
    ----------
    datasets : sequence of DataSet
        Fitted or not, of any observables.
    predictive : Predictive
        From `Posterior.predictive`, at all points of the measurements, one after the other.
    title, note : str, optional
        Above and below; by default the note says how to read it, empty for none.

    Returns
    -------
    dict of str to matplotlib.figure.Figure
        By names for files, such as ``"R_AA_N_part_PbPb5020"``.

    Raises
    ------
    InputError
        If `predictive` is not of these points.
    """
    sets, title = instances("datasets", datasets, DataSet, least=1), text("title", title)
    draws = instance("predictive", predictive, Predictive).draws
    note = _PREDICTED if note is None else text("note", note)
    if draws.shape[1] != sum(map(len, sets)):
        allowed = f"be at the {sum(map(len, sets))} points of the measurements"
        raise InputError("predictive", draws.shape[1], allowed)
    tails = [(1 - level) / 2 for level in reversed(LEVELS)]
    quantiles = np.quantile(draws, [*tails, 0.5, *(1 - tail for tail in reversed(tails))], axis=0)
    bands = np.split(quantiles, np.cumsum([len(data) for data in sets])[:-1], axis=1)
    groups: dict[str, list[tuple[DataSet, Float]]] = {}
    for data, band in zip(sets, bands, strict=True):
        axis = "all" if data.x_name == INTEGRATED else data.x_name
        groups.setdefault(f"{data.observable}_{axis}_{data.system}{data.sqrt_s_GeV:g}", []).append(
            (data, band)
        )
    return {name: _predictive_figure(group, title, note) for name, group in groups.items()}


def _predictive_figure(group: Sequence[tuple[DataSet, Float]], title: str, note: str) -> Figure:
    """Return the figure of one observable against one axis; integrated values stand side by side in one Axes."""
    first = group[0][0]
    observable, along = Observable.named(first.observable), first.x_name != INTEGRATED
    states = list(dict.fromkeys(data.state for data, _ in group))
    panels = [[state] for state in states] if along else [states]
    color = artists.color_of(states[0]) if len(states) == 1 else artists.GRAY
    with style():
        figure = NotebookFigure(figsize=(max(8.0, 1.2 + 4.6 * len(panels)), 6.2), layout="constrained")
        for ax, inside in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
            drawn = [(data, band) for data, band in group if data.state in inside]
            if along:
                _draw_along(ax, drawn)
                artists.write_corner(ax, inside[0], 18)
            else:
                _draw_side_by_side(ax, drawn)
            _set_heights(ax, drawn, observable.unmodified)
            artists.add_data_legend(ax, [data for data, _ in drawn], several=False)
            ax.set_ylabel(observable.label if inside is panels[0] else "")
        entries = {
            f"{100 * LEVELS[0]:.0f} %": Patch(facecolor=color, alpha=0.55, linewidth=0),
            f"{100 * LEVELS[1]:.0f} % of the posterior": Patch(facecolor=color, alpha=0.22, linewidth=0),
            "median, in the color of the experiment": Line2D([], [], color="black", linewidth=1.4),
        }
        figure.legend(entries.values(), entries, loc="outside upper center", ncols=len(entries))
        # above one panel both have no room on a line
        apart = "\n" if len(panels) == 1 and len(title) > 30 else ""
        figure.axes[0].set_title(title + apart, **_TITLE)
        figure.axes[-1].set_title(artists.collision([first]), loc="right", fontsize=15)
        artists.write_note(figure, note)
    return figure


def _draw_along(ax: Axes, drawn: Sequence[tuple[DataSet, Float]]) -> None:
    """Draw theory and data against an axis, theory in the bins of the data or, against N_part, beside the points."""
    # against N_part the ends are a spread of the class, no bin
    wide = [data.x_name != "N_part" and bool(np.all(data.x_high > data.x_low)) for data, _ in drawn]
    left, right = artists.ends([], [data for data, _ in drawn])
    right = max(
        [right, *(float(np.max(data.x_high)) for (data, _), bins in zip(drawn, wide, strict=True) if bins)]
    )
    ax.set_xlim(left, right)
    half = (right - left) / 60
    for (data, band), bins in zip(drawn, wide, strict=True):
        # some points of p_T have bins and no place of their own
        x = np.where(np.isfinite(data.x), data.x, (data.x_low + data.x_high) / 2)
        _draw_boxes(ax, *((data.x_low, data.x_high) if bins else (x - half, x + half)), band, data)
        _draw_measured(ax, data, x)
    ax.set_xlabel(AXES[drawn[0][0].x_name].label)


def _draw_side_by_side(ax: Axes, drawn: Sequence[tuple[DataSet, Float]]) -> None:
    """Draw numbers that have no axis, each at a place with the name of its state."""
    names: list[str] = []
    ax.set_xlim(-0.6, sum(len(data) for data, _ in drawn) - 0.4)
    for data, band in drawn:
        x = len(names) + np.arange(len(data), dtype=float)
        _draw_boxes(ax, x - 0.3, x + 0.3, band, data)
        _draw_measured(ax, data, x)
        names += [artists.state_label(data.state)] * len(data)
    ax.set_xticks(range(len(names)), names)
    ax.xaxis.set_minor_locator(NullLocator())
    ax.tick_params(axis="x", length=0)


def _draw_boxes(ax: Axes, left: Float, right: Float, band: Float, data: DataSet) -> None:
    color = artists.color_of(data.state)
    for low, high, alpha in ((band[0], band[4], 0.22), (band[1], band[3], 0.42)):
        for corner in zip(left, low, right - left, high - low, strict=True):
            ax.add_patch(
                Rectangle(corner[:2], *corner[2:], facecolor=color, alpha=alpha, linewidth=0, zorder=2)
            )
    # of which experiment a box is: its points have this color
    ax.hlines(band[2], left, right, color=artists.data_color(data, several=False), linewidth=1.4, zorder=3)


def _draw_measured(ax: Axes, data: DataSet, x: Float) -> None:
    limits, color = np.isfinite(data.upper_limit_cl), artists.data_color(data, several=False)
    if not np.all(limits):
        artists.draw_points(ax, replace(data, x=x).points(~limits), color, 0.0)
    for at, value in zip(x[limits], data.value[limits], strict=True):
        ax.annotate(
            "", (at, 0.75 * value), (at, value), arrowprops={"arrowstyle": "-|>", "color": color}, zorder=6
        )
        ax.plot(at, value, marker="_", color=color, markersize=12, zorder=6)


def _set_heights(ax: Axes, drawn: Sequence[tuple[DataSet, Float]], unmodified: float) -> None:
    """Set the ends of the vertical axis: zero below what is positive, and room for the legend above."""
    tops = [np.concatenate([band[-1], data.value + np.nan_to_num(data.total_plus)]) for data, band in drawn]
    lows = [np.concatenate([band[0], data.value - np.nan_to_num(data.total_minus)]) for data, band in drawn]
    top, bottom = float(np.nanmax(np.concatenate(tops))), float(np.nanmin(np.concatenate(lows)))
    if unmodified > 0:
        ax.set_ylim(0.0, 1.45 * top)
        return
    ax.axhline(0.0, color="black", linewidth=0.8, zorder=1)
    reach = max(top, -bottom, 0.005)
    ax.set_ylim(min(1.2 * bottom, -0.2 * reach), 1.6 * reach)


def pulls_figure(posterior: Posterior, *, title: str = "", note: str | None = None) -> Figure:
    """Return the pulls: mean and standard deviation of each nuisance parameter, in its standard deviations.

    Parameters
    ----------
    posterior : Posterior
        With a nuisance parameter at least.
    title, note : str, optional
        Above and below; by default the note says how to read it, empty for none.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If the posterior has no nuisance parameter.
    """
    title, note = text("title", title), _PULLS if note is None else text("note", note)
    pulls = instance("posterior", posterior, Posterior).pulls()
    if not len(pulls):
        raise InputError("posterior", "no nuisance parameter", "have one for a figure of pulls")
    rows = np.arange(len(pulls))[::-1]
    with style():
        figure = NotebookFigure(figsize=(9.0, 2.0 + 0.42 * len(pulls)), layout="constrained")
        ax = figure.subplots()
        ax.axvspan(-1, 1, color=artists.GRAY, alpha=0.16, linewidth=0)
        ax.axvline(0.0, color=artists.GRAY, linewidth=0.8)
        mean, sd = pulls["mean"].to_numpy(), pulls["sd"].to_numpy()
        ax.errorbar(mean, rows, xerr=sd, fmt="o", color=COLORS[0], elinewidth=1.6, markersize=6)
        reach = max(2.5, 1.15 * float(np.max(np.abs(mean) + sd)))
        ax.set(xlim=(-reach, reach), xlabel="Pull [standard deviations]")
        _name_rows(ax, list(pulls.index))
        ax.set_title(title, **_TITLE)
        artists.write_note(figure, note)
    return figure


def contributions_figure(posterior: Posterior, *, title: str = "", note: str | None = None) -> Figure:
    """Return what each measurement contributes: the posterior of each parameter without it, beside that with all.

    Parameters
    ----------
    posterior : Posterior
        Of two measurements or more.
    title, note : str, optional
        Above and below; by default the note says how to read it, empty for none.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If there is one measurement only.
    """
    title, note = text("title", title), _WITHOUT if note is None else text("note", note)
    table = instance("posterior", posterior, Posterior).contributions()
    if len(table) < 2:
        raise InputError("posterior", list(table.index), "be of two measurements or more")
    rows, parameters, samples = np.arange(len(table))[::-1], posterior.parameters, posterior.samples
    trusted = table["ess"].to_numpy() >= TRUSTED
    with style():
        size = 4.6 + 2.9 * len(parameters), 2.0 + 0.45 * len(table)
        figure = NotebookFigure(figsize=size, layout="constrained")
        axes = figure.subplots(1, len(parameters), squeeze=False, sharey=True)[0]
        for ax, parameter, values in zip(axes, parameters, samples.T, strict=True):
            mean, sd = values.mean(), values.std(ddof=1)
            ax.axvspan(mean - sd, mean + sd, color=COLORS[0], alpha=0.2, linewidth=0)
            ax.axvline(mean, color=COLORS[0], linewidth=1.4)
            without, spread = (table[f"{what} {parameter.name}"].to_numpy() for what in ("mean", "sd"))
            for known, face in ((trusted, COLORS[1]), (~trusted, "white")):
                bars: dict[str, Any] = {
                    "fmt": "o",
                    "color": COLORS[1],
                    "markerfacecolor": face,
                    "elinewidth": 1.6,
                }
                ax.errorbar(without[known], rows[known], xerr=spread[known], **bars)
            ax.set_xlabel(axis_label(parameter.kind), loc="center")
            ax.xaxis.set_major_locator(MaxNLocator(4))
            _name_rows(ax, [f"without {name}" for name in short_names(list(table.index))])
        axes[0].set_title(title, **_TITLE)
        artists.write_note(figure, note)
    return figure


def profile_figure(
    profile: Profile, posterior: Posterior | None = None, *, title: str = "", note: str | None = None
) -> Figure:
    """Return the profile of the likelihood in one or two parameters: its rise, or its contours over the posterior.

    Parameters
    ----------
    profile : Profile
        From `qtraj.inference.profile`.
    posterior : Posterior, optional
        Whose contours of 68 and 95 % stand behind those of a profile in two parameters.
    title, note : str, optional
        Above and below; by default the note says how to read it, empty for none.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If the posterior lacks a parameter, or belongs to a profile in one.
    """
    instance("profile", profile, Profile)
    title, note = text("title", title), _PROFILED if note is None else text("note", note)
    labels = [axis_label(kind_of(name)) for name in profile.names]
    rise, spans = profile.deviance - profile.least, [(grid[0], grid[-1]) for grid in profile.grids]
    with style():
        figure = NotebookFigure(layout="constrained")
        ax = figure.subplots()
        if len(profile.names) == 1:
            if posterior is not None:
                raise InputError("posterior", posterior, "be left out with a profile in one parameter")
            levels = chi2.ppf(LEVELS, 1)
            ax.plot(profile.grids[0], rise, color=COLORS[0])
            for level, height in zip(LEVELS, levels, strict=True):
                ax.axhline(height, color=artists.GRAY, linestyle="--", linewidth=1.0)
                ax.annotate(f"{100 * level:.0f} %", (1.0, height), (-4, 3), ha="right", fontsize=12,
                            xycoords=("axes fraction", "data"), textcoords="offset points")  # fmt: skip
            ax.axvline(profile.best[profile.names[0]], color=artists.GRAY, linewidth=1.0)
            ax.set(ylim=(0, 2.2 * levels[-1]), xlim=spans[0], ylabel=r"$\Delta\chi^2$")
        else:
            handles: dict[str, Any] = {}
            if posterior is not None:
                _draw_behind(ax, instance("posterior", posterior, Posterior), profile.names)
                handles["posterior, 68 and 95 %"] = Patch(facecolor=COLORS[0], alpha=0.5)
            x, y = (np.linspace(*span, 201) for span in spans)
            kx, ky = (min(3, len(grid) - 1) for grid in profile.grids)
            smooth = RectBivariateSpline(*profile.grids, rise, kx=kx, ky=ky)(x, y)
            lines: tuple[Any, ...] = ("-", "--")
            for level, line in zip(LEVELS, lines, strict=True):  # 2.28 and 5.99 for a Gaussian
                height = float(chi2.ppf(level, 2))
                ax.contour(x, y, smooth.T, levels=[height], colors=[COLORS[1]], linestyles=[line])
                handles[f"profile, {100 * level:.0f} %"] = Line2D([], [], color=COLORS[1], linestyle=line)
            options: dict[str, Any] = {"color": COLORS[1], "markersize": 9, "mew": 2, "zorder": 5}
            # it may lie on the edge of a prior
            (best,) = ax.plot(*(profile.best[n] for n in profile.names), "x", clip_on=False, **options)
            handles["best fit"] = best
            ax.set(xlim=spans[0], ylim=spans[1])
            ax.set_ylabel(labels[1], loc="center")
            figure.legend(handles.values(), handles, loc="outside upper center", ncols=len(handles))
        ax.set_xlabel(labels[0], loc="center")
        ax.set_title(title, **_TITLE)
        artists.write_note(figure, note)
    return figure


def _draw_behind(ax: Axes, posterior: Posterior, names: Sequence[str]) -> None:
    """Fill the contours of two parameters of a posterior."""
    needs_extra("corner")
    import corner  # noqa: PLC0415  an extra

    columns = [posterior.parameters.index(name) for name in names]
    x, y = samples = posterior.samples[:, columns].T
    options: dict[str, Any] = {"plot_datapoints": False, "plot_density": False, "fill_contours": True}
    ends = [_ends([v], posterior.parameters.members[i].prior) for i, v in zip(columns, samples, strict=True)]
    corner.hist2d(x, y, ax=ax, bins=32, range=ends, levels=LEVELS, smooth=_SMOOTH, color=COLORS[0], **options)


def calibration_figure(
    calibration: Calibration, *, bins: int = 10, title: str = "", note: str | None = None
) -> Figure:
    """Return the histogram of the ranks of each parameter and of all together, with the coverage of the regions.

    Parameters
    ----------
    calibration : Calibration
        From `qtraj.inference.calibrate`.
    bins : int, optional
        A divisor of the number of ranks, as `Calibration.histogram` takes it.
    title, note : str, optional
        Above and below; by default the note says how to read it, empty for none.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If `bins` does not divide the number of ranks.
    """
    instance("calibration", calibration, Calibration)
    title, note = text("title", title), _RANKS if note is None else text("note", note)
    counts, expected = calibration.histogram(integer("bins", bins, 2))
    p_values = calibration.uniformity(bins)
    coverage = {level: calibration.coverage(level)["inside"] for level in LEVELS}
    low, high = binom.ppf([0.005, 0.995], len(calibration.truths), 1 / bins)
    top = 1.75 * max(high, counts.max())  # room for three lines of text
    with style():
        size = (max(8.0, 1.2 + 3.4 * len(counts)), 5.0)
        figure = NotebookFigure(figsize=size, layout="constrained")
        axes = figure.subplots(1, len(counts), squeeze=False, sharey=True)[0]
        for ax, name, row in zip(axes, calibration.names, counts, strict=True):
            ax.axhspan(low, high, color=artists.GRAY, alpha=0.2, linewidth=0)
            ax.axhline(expected, color=artists.GRAY, linewidth=1.0)
            ax.stairs(row, np.linspace(0, 1, bins + 1), color=COLORS[0], linewidth=1.8)
            inside = ", ".join(
                f"{100 * level:.0f} %: {100 * held[name]:.0f} %" for level, held in coverage.items()
            )
            words = f"{inside}\n$p$ of uniform ranks: {p_values[name]:.2g}"
            ax.text(0.05, 0.96, words, transform=ax.transAxes, va="top", fontsize=12)
            known = name in calibration.parameters.names
            label = calibration.parameters[name].kind.label if known else "the joint region"
            ax.set_xlabel(f"Rank of {label}", loc="center")
            ax.set(xlim=(0, 1), ylim=(0, top))
            ax.xaxis.set_major_locator(MaxNLocator(4, prune="lower"))
        axes[0].set_ylabel("Truths")
        axes[0].set_title(title, **_TITLE)
        artists.write_note(figure, note)
    return figure


def short_names(measurements: Sequence[str]) -> list[str]:
    """Return the names of measurements as far as they tell them apart: experiment, state, observable, then the rest."""
    parts = [name.partition(":")[0].split(", ") for name in measurements]
    for count in range(1, max(map(len, parts)) + 1):
        names = [", ".join(part[:count]) for part in parts]
        if len(set(names)) == len(names):
            return names
    return [f"{', '.join(part)} ({number})" for number, part in enumerate(parts, start=1)]


def _name_rows(ax: Axes, names: Sequence[str]) -> None:
    """Write names at the rows, the first one at the top."""
    ax.set_ylim(-0.7, len(names) - 0.3)
    ax.set_yticks(range(len(names))[::-1], [_with_symbols(name) for name in names])
    ax.yaxis.set_minor_locator(NullLocator())
    ax.tick_params(axis="y", length=0, labelsize=13)


def _with_symbols(words: str) -> str:
    """Return words with the symbols of a figure."""
    for plain, symbol in _SYMBOLS.items():
        words = words.replace(plain, symbol)
    return artists.state_label(words)


_SYMBOLS: Final = {
    **{name: Observable.named(name).label for name in ("R_AA", "R_pA")},
    "double_ratio": "double ratio",
    "N_part": r"$\mathit{N}_\mathrm{part}$",
    "pT_GeV": r"$\mathit{p}_\mathrm{T}$",
    "centrality_pct": "centrality",
    "abs_y": r"|$\mathit{y}$|",
    "->": r"$\to$",
    **{"gamma": r"$\gamma$", "omega": r"$\omega$", "pi+": r"$\pi^+$", "pi-": r"$\pi^-$", "pi0": r"$\pi^0$"},
    " pi pi": r" $\pi\pi$",
}
