"""The evolution of one pair as figure, animation and page: wave function, norm, radius, energy, overlaps, jumps.

The page is one HTML file with a time slider; it works from disk, without network.
"""

from __future__ import annotations

import html
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.animation import FFMpegWriter, FuncAnimation, PillowWriter
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from .._atomic import atomic_path, writable_folder
from .._checks import choice, instance, texts
from .._checks import path as path_of
from .._types import Float, Integer
from ..errors import InputError
from ..io.pages import page, rounded, write_page
from ..qtraj1.convert import NETCDF
from ..states import STATE_NAMES
from .artists import GRAY, STATE_COLORS
from .evolution import SUMMARY, Evolution
from .style import NotebookFigure, style, write_figure

# one color for each of the six states, of the palette of `STATE_COLORS`
RADIAL_COLORS: Final = {
    **{name[2:4]: color for name, color in STATE_COLORS.items()},
    "1P": "#CC79A7",
    "2P": "#E69F00",
    "1D": "#56B4E9",
}
COLOR_NAMES: Final = ("singlet", "octet")
PAIR_COLORS: Final = ("#0072B2", "#D55E00")

_MEAN: Final = r"$\langle\mathit{r}\rangle$"
TIME: Final = r"$\mathit{t}$ [fm/$\mathit{c}$]"
RADIUS: Final = r"$\mathit{r}$ [fm]"
WAVE: Final = r"$\mathit{u}(\mathit{r})$ [fm$^{-1/2}$]"
DENSITY: Final = r"$|\mathit{u}(\mathit{r})|^2$ [fm$^{-1}$]"
MEAN_RADIUS: Final = rf"{_MEAN} [fm]"
ENERGY: Final = r"$\langle\mathit{H}\rangle$ [GeV]"
OVERLAP: Final = r"$|\langle\mathit{nl}\,|\mathit{u}\rangle|^2$"
FEW_ROWS: Final = 40  # up to here every stored time gets a marker
SMALLEST: Final = 1e-8  # below it an overlap says nothing
FRAMES: Final = 60  # most times and radii of an animation
POINTS: Final = 400
_CURVES: Final = 5
_OUTLIER: Final = 5.0  # times the median: higher peaks run out of the figure
_DECADE: Final = 10.0
_SECONDS: Final = 10.0  # of an animation
_SLOWEST: Final = 1.25  # frames a second, for runs with few snapshots
_SMALL: Final[Any] = {  # settings of an animation; Matplotlib types every key of its settings
    **{"font.size": 12, "axes.labelsize": 14, "legend.fontsize": 11},
    **dict.fromkeys(("figure.autolayout", "figure.constrained_layout.use"), False),
    # most of the time of a frame goes into ticks
    **dict.fromkeys(("xtick.minor.visible", "ytick.minor.visible", "xtick.top", "ytick.right"), False),
}
FORMATS: Final = ("png", "pdf", "gif", "mp4", "html")
PAGE_FRAMES: Final = 160
PAGE_POINTS: Final = 260  # most times and radii in a page: at 16 characters each, about 1.5 MB
# names of the page's palette, which has a light and a dark value of each
_PAGE_STATE_COLORS: Final = ("--blue", "--red", "--pink", "--green", "--orange", "--sky")
_PAGE_PAIR_COLORS: Final = ("--blue", "--red")


def plot_density_map(ax: Axes, evolution: Evolution) -> Axes:
    """Draw |u|^2 as an image over time and radius, with <r> on it; a wave function fills the times nearest to it."""
    i = _known(evolution)
    density = evolution.density_fm[i].T
    # the brightest moments of a narrow start would leave the rest black
    top = float(np.percentile(density.max(axis=0), 75, method="lower"))
    options: dict[str, Any] = {"cmap": "viridis", "norm": Normalize(0, top), "rasterized": True}
    image = ax.pcolormesh(_edges(evolution.times_fm[i]), _edges(evolution.r_fm), density, **options)
    bar = ax.figure.colorbar(image, ax=ax, extend="max", pad=0.02)
    bar.set_label(DENSITY)
    ax.plot(evolution.times_fm, evolution.mean_radius_fm, "--w", linewidth=1.4, label=_MEAN)
    ax.legend(labelcolor="white", loc="upper right")
    ax.set(xlabel=TIME, ylabel=RADIUS, ylim=(0, evolution.visible_radius_fm), xlim=_time_range(evolution))
    return ax


def plot_densities(ax: Axes, evolution: Evolution, times_fm: ArrayLike | None = None) -> Axes:
    """Draw |u|^2 of the normalized state against r at the stored times nearest to `times_fm`; returns the same Axes.

    By default up to five times, spread over the evolution.
    """
    if times_fm is None:
        known = evolution.times_fm[_known(evolution)]
        times_fm = np.linspace(known[0], known[-1], _CURVES)
    chosen = evolution.nearest_snapshots(times_fm).tolist()
    peaks = evolution.density_fm[chosen].max(axis=1)
    # a local start is a hundred times higher than what it becomes
    top = float(peaks[peaks <= _OUTLIER * np.percentile(peaks, 50, method="lower")].max())
    # the yellow end of the map is lost on white
    colors = [mpl.colormaps["viridis"](x) for x in np.linspace(0, 0.82, len(chosen))]
    for i, peak, color in zip(chosen, peaks, colors, strict=True):
        label = f"{evolution.times_fm[i]:.2f}" + (f" (up to {peak:.3g})" if peak > top else "")
        ax.plot(evolution.r_fm, evolution.density_fm[i], color=color, label=label)
    ax.set(xlabel=RADIUS, ylabel=DENSITY, xlim=(0, evolution.visible_radius_fm), ylim=(0, 1.1 * top))
    ax.legend(title=TIME, title_fontsize=12.5)
    return ax


def plot_wave_function(ax: Axes, evolution: Evolution, time_fm: float | None = None) -> Axes:
    """Draw Re u, Im u and +-|u| against r at the stored time nearest to `time_fm`, the last by default."""
    last = float(evolution.times_fm[_known(evolution)[-1]])
    (i,) = evolution.nearest_snapshots(last if time_fm is None else time_fm)
    u, r = evolution.u_fm[i], evolution.r_fm
    ax.fill_between(r, -np.abs(u), np.abs(u), color=GRAY, alpha=0.18, linewidth=0, label=r"$\pm|\mathit{u}|$")
    ax.plot(r, u.real, color=PAIR_COLORS[0], label=r"Re $\mathit{u}$")
    ax.plot(r, u.imag, color=PAIR_COLORS[1], linestyle="--", label=r"Im $\mathit{u}$")
    ax.set(xlabel=RADIUS, ylabel=WAVE, xlim=(0, evolution.visible_radius_fm))
    title = rf"$\mathit{{t}}$ = {evolution.times_fm[i]:.2f} fm/$\mathit{{c}}$"
    ax.legend(title=title, title_fontsize=12.5)
    return ax


def plot_norm(ax: Axes, evolution: Evolution) -> Axes:
    """Draw the norm against time, on a logarithmic scale where no jump restores it; returns the same Axes."""
    _series(ax, evolution, evolution.norm, "black")
    ax.set(xlabel=TIME, ylabel="norm since the last jump" if evolution.jumps else "norm without jump")
    if evolution.jumps:
        ax.set_ylim(0, 1.05)
    else:
        _logarithmic(ax, evolution.norm)
    return ax


def plot_mean_radius(ax: Axes, evolution: Evolution) -> Axes:
    """Draw <r> of the normalized state in fm against time; returns the same Axes."""
    _series(ax, evolution, evolution.mean_radius_fm, "black")
    ax.set(xlabel=TIME, ylabel=MEAN_RADIUS, ylim=(0, None))
    return ax


def plot_energy(ax: Axes, evolution: Evolution) -> Axes:
    """Draw the vacuum energy of the normalized state in GeV against time; returns the same Axes."""
    _series(ax, evolution, evolution.energy, "black")
    ax.axhline(0.0, color=GRAY, linewidth=0.8, linestyle=(0, (2, 2)))
    ax.set(xlabel=TIME, ylabel=ENERGY)
    return ax


def plot_overlaps(ax: Axes, evolution: Evolution) -> Axes:
    """Draw the probability of each populated state against time on a logarithmic scale; returns the same Axes.

    Its overlap with the state that never jumped, norm included, or for a quantum trajectory its share of the normalized
    state. It is a survival only if divided by the overlap at the start.
    """
    shown = evolution.populated
    for j in shown:
        name = STATE_NAMES[j]
        _series(ax, evolution, evolution.overlaps[:, j], RADIAL_COLORS[name], label=name)
    ax.set(xlabel=TIME, ylabel=OVERLAP + (", normalized" if evolution.jumps else ""))
    if shown:
        _logarithmic(ax, evolution.overlaps[:, shown])
        ax.legend(ncols=len(shown), loc="lower left" if evolution.jumps else "best")
    else:
        words = "no bound state at any stored time"
        ax.text(0.5, 0.5, words, transform=ax.transAxes, ha="center", color=GRAY)
    return ax


def plot_track(ax: Axes, evolution: Evolution) -> Axes:
    """Draw the angular momentum of a trajectory against time, with markers by color; returns the same Axes."""
    # how the path went between two stored times is not known
    ax.plot(evolution.times_fm, evolution.l, color=GRAY, linewidth=1.0, linestyle=":")
    for color, (name, look) in enumerate(zip(COLOR_NAMES, PAIR_COLORS, strict=True)):
        here = evolution.color == color
        marker = "o" if name == "singlet" else "s"
        ax.plot(evolution.times_fm[here], evolution.l[here], marker, color=look, label=name)
    ax.set(xlabel=TIME, ylabel=r"angular momentum $\mathit{l}$", xlim=_time_range(evolution))
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_ylim(-0.5, max(2, int(evolution.l.max())) * 1.25)
    ax.legend(ncols=2, loc="upper left")
    return ax


def view_figure(evolution: Evolution) -> Figure:
    """Return the figure of an evolution; write it with `save_figure`.

    Parameters
    ----------
    evolution : Evolution
        What to show. Panels of what it does not hold (wave functions, energies, jumps) are left out.

    Returns
    -------
    matplotlib.figure.Figure
    """
    instance("evolution", evolution, Evolution)
    panels = [plot_norm, plot_mean_radius, plot_overlaps]
    if len(evolution.snapshots):
        panels = [plot_densities, plot_wave_function, *panels]
    if len(evolution.snapshots) > 1:
        panels = [plot_density_map, *panels]
    if np.any(np.isfinite(evolution.energy)):
        panels.append(plot_energy)
    if evolution.jumps:
        panels.append(plot_track)
    rows = -(-len(panels) // 2)
    with style():
        figure = NotebookFigure(figsize=(13.0, 4.0 * rows + 0.9), layout="constrained")
        grid = figure.add_gridspec(rows, 4)
        for k, panel in enumerate(panels):
            alone = k == len(panels) - 1 and len(panels) % 2
            place = grid[k // 2, :] if alone else grid[k // 2, 2 * (k % 2) : 2 * (k % 2) + 2]
            panel(figure.add_subplot(place), evolution)
        figure.suptitle(evolution.title, x=0.01, ha="left", fontsize=17, fontweight="bold")
        if evolution.notes:
            note = "\n".join(evolution.notes)
            figure.supxlabel(note, fontsize=11, color="#333333", x=0.01, ha="left", linespacing=1.4)
    return figure


def animate(evolution: Evolution) -> FuncAnimation:
    """Return the animation of an evolution over the times whose wave function is known; see `save_animation`."""
    if not len(evolution.snapshots):
        raise InputError("evolution", evolution.title, "hold wave functions", "Run with saveWavefunctions 1.")
    thin = evolution.thinned(FRAMES, POINTS)
    frames, r = thin.snapshots.tolist(), thin.r_fm
    waves, densities, overlaps = thin.u_fm, thin.density_fm, np.maximum(thin.overlaps, SMALLEST)
    with style(), mpl.rc_context(_SMALL):
        figure = NotebookFigure(figsize=(9.6, 5.4), layout="constrained")
        grid = figure.add_gridspec(2, 3)
        title = figure.suptitle("", x=0.02, ha="left", fontsize=14)
        # Re u, Im u and |u|
        above = figure.add_subplot(grid[0, :2])
        curves = [above.plot(r, 0 * r, color=GRAY, linewidth=1.0)[0] for _ in range(2)]
        curves += above.plot(r, 0 * r, color=PAIR_COLORS[0], label=r"Re $\mathit{u}$")
        curves += above.plot(r, 0 * r, color=PAIR_COLORS[1], linestyle="--", label=r"Im $\mathit{u}$")
        curves[0].set_label(r"$\pm|\mathit{u}|$")
        above.set(xlim=(0, r[-1]), ylabel=WAVE)
        above.tick_params(labelbottom=False)
        above.legend(loc="upper right", ncols=3)
        below = figure.add_subplot(grid[1, :2])
        (density,) = below.plot(r, 0 * r, color=PAIR_COLORS[0])
        below.set(xlim=(0, r[-1]), xlabel=RADIUS, ylabel=DENSITY)
        # the six overlaps as bars
        beside = figure.add_subplot(grid[:, 2])
        colors = [RADIAL_COLORS[name] for name in STATE_NAMES]
        bars = beside.bar(STATE_NAMES, np.full(len(STATE_NAMES), SMALLEST), color=colors)
        shown = overlaps[overlaps > SMALLEST]
        low, high = (shown.min(), shown.max()) if shown.size else (SMALLEST, 1.0)
        limits = 10 ** np.floor(np.log10(low)), 10 ** np.ceil(np.log10(high) + 0.1)
        beside.set(yscale="log", ylim=limits, ylabel=OVERLAP + (", normalized" if thin.jumps else ""))
        beside.tick_params(axis="x", which="both", length=0)

    def draw(i: int) -> Iterable[Artist]:
        # no formula: one that changes is typeset anew in every frame, at the cost of all the rest
        state = f"{COLOR_NAMES[thin.color[i]]},  l = {thin.l[i]},  norm {thin.norm[i]:.3g}"
        title.set_text(f"t = {thin.times_fm[i]:.2f} fm/c,  {state}")
        u, size = waves[i], np.abs(waves[i])
        for line, y in zip(curves, (size, -size, u.real, u.imag), strict=True):
            line.set_ydata(y)
        density.set_ydata(densities[i])
        # axes end at powers of 1.5, so that they seldom move
        top, highest = (
            float(1.5 ** np.ceil(np.log(1.05 * largest.max()) / np.log(1.5)))
            for largest in (size, densities[i])
        )
        above.set_ylim(-top, 1.35 * top)  # room for the legend
        below.set_ylim(0, highest)
        for bar, height in zip(bars, overlaps[i], strict=True):
            bar.set_height(height)
        return []

    with style(), mpl.rc_context(_SMALL):
        draw(frames[len(frames) // 2])
        figure.draw_without_rendering()
        # one layout for all frames: nothing moves. With "none" instead of no engine each frame is drawn twice
        figure.set_layout_engine(None)
    return FuncAnimation(figure, draw, frames=frames, init_func=lambda: [])


def save_animation(evolution: Evolution, path: str | os.PathLike[str]) -> Path:
    """Write the animation of an evolution as GIF, or as MP4 where ffmpeg is installed, complete or not at all."""
    path = path_of("path", path)
    if path.suffix not in (".gif", ".mp4"):
        raise InputError("path", str(path), "end in .gif or .mp4")
    if path.suffix == ".mp4" and not FFMpegWriter.isAvailable():
        allowed = "end in .gif where ffmpeg is not installed"
        raise InputError("path", str(path), allowed, "Install ffmpeg or take .gif.")
    frames_a_second: Any = max(_SLOWEST, min(FRAMES, max(1, len(evolution.snapshots))) / _SECONDS)
    writer = (PillowWriter if path.suffix == ".gif" else FFMpegWriter)(fps=frames_a_second)
    animation = animate(evolution)
    with style(), atomic_path(path) as temporary:
        animation.save(temporary, writer=writer, dpi=80)
    return path


def _known(evolution: Evolution) -> Integer:
    known = evolution.snapshots
    if not len(known):
        raise InputError("evolution", evolution.title, "hold at least one wave function")
    return known


def _series(ax: Axes, evolution: Evolution, values: Float, color: str, label: str | None = None) -> None:
    marker = "o" if len(evolution.times_fm) <= FEW_ROWS else ""
    # between the stored times of a trajectory lie jumps: the line only leads the eye
    line = {"linestyle": ":", "linewidth": 1.2} if evolution.jumps else {"linewidth": 1.8}
    ax.plot(evolution.times_fm, values, marker=marker, markersize=5, color=color, label=label, **line)
    ax.set_xlim(_time_range(evolution))


def _logarithmic(ax: Axes, values: Float) -> None:
    """Use a logarithmic axis that shows the values above `SMALLEST`."""
    shown = values[values > SMALLEST]
    ax.set_yscale("log")
    low = float(shown.min()) if shown.size else SMALLEST
    high = float(shown.max()) if shown.size else 1.0
    ax.set_ylim(low / 2, max(high * 2, low * _DECADE))


def _time_range(evolution: Evolution) -> tuple[float, float]:
    first, last = float(evolution.times_fm[0]), float(evolution.times_fm[-1])
    margin = 0.02 * (last - first) or 0.05  # a single time has no range
    return first - margin, last + margin


def _edges(points: Float) -> Float:
    """Return cell edges halfway between points, the outer ones at the points."""
    if len(points) == 1:
        return np.array([points[0] - 0.05, points[0] + 0.05])
    return np.concatenate([points[:1], (points[1:] + points[:-1]) / 2, points[-1:]])


def is_ratio_file(source: str | os.PathLike[str]) -> bool:
    """Return whether `source` is a file other than those that `load_evolution` reads: then it has to be ratios."""
    path = Path(source)
    return path.is_file() and path.name != SUMMARY and path.suffix != NETCDF


def checked_formats(text: str | None) -> tuple[str, ...] | None:
    """Return the formats in a list such as ``png,html``, None for None, or raise `InputError`."""
    if text is None:
        return None
    formats = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    if not set(formats) <= set(FORMATS):
        raise InputError("format", text, f"be of {', '.join(FORMATS)}, separated by commas")
    return formats


def write_views(
    evolution: Evolution, directory: str | os.PathLike[str], formats: Sequence[str] | None = None
) -> tuple[Path, ...]:
    """Write the views of an evolution and return their paths.

    Parameters
    ----------
    evolution : Evolution
        What to show.
    directory : str or path
        Folder for ``view.png``, ``view.html``, ...; created if needed.
    formats : sequence of str, optional
        Of `FORMATS`; by default png, pdf and html, and gif where wave functions are known.

    Returns
    -------
    tuple of Path
        The files.

    Raises
    ------
    FileFormatError
        If a file cannot be written.
    InputError
        If an animation is asked for and there are no wave functions, or MP4 and ffmpeg is missing.
    """
    instance("evolution", evolution, Evolution)
    path_of("directory", directory)
    if formats is None:
        formats = ("png", "pdf", "html", *(("gif",) if len(evolution.snapshots) else ()))
    allowed = f"be a list of {', '.join(FORMATS)}"
    formats = [choice("formats", each, FORMATS, allowed) for each in texts("formats", formats, allowed)]
    folder = writable_folder(Path(directory))
    written: list[Path] = []
    for ending in formats:
        path = folder / f"view.{ending}"
        if ending == "html":
            written.append(write_view_page(evolution, path))
        elif ending in ("gif", "mp4"):
            written.append(save_animation(evolution, path))
        else:
            written.append(write_figure(view_figure(evolution), path))
    return tuple(written)


def view_page(evolution: Evolution) -> str:
    """Return the HTML page of an evolution: style, script and data are inside it, all text is escaped.

    Long ones are thinned to `PAGE_FRAMES` times and `PAGE_POINTS` radii, which the page says; numbers have four digits.
    """
    thin = evolution.thinned(PAGE_FRAMES, PAGE_POINTS)
    notes = list(evolution.notes)
    if len(thin.times_fm) < len(evolution.times_fm):
        notes.append(f"{len(thin.times_fm)} of the {len(evolution.times_fm)} stored times are shown.")
    return page(
        "view.html",
        title=evolution.title,
        styles=["page.css"],
        scripts=["charts.js", "timeline.js", "view.js"],
        data=_data(thin),
        notes="\n".join(f"<p>{html.escape(note)}</p>" for note in notes),
    )


def write_view_page(evolution: Evolution, path: str | os.PathLike[str]) -> Path:
    """Write the page of an evolution, complete or not at all, and return its path."""
    return write_page(path, view_page(evolution))


def _data(evolution: Evolution) -> dict[str, Any]:
    u, known = evolution.u_fm, set(evolution.snapshots.tolist())
    # the tails are noise of no width on the screen
    scale = 1e-4 * float(np.nanmax(np.abs(u))) if known else 1.0
    rows = [np.round(u[i] / scale) * scale if i in known else None for i in range(len(evolution.times_fm))]
    return {
        "t": [round(float(t), 6) for t in evolution.times_fm],
        "r": rounded(evolution.r_fm, 5),
        "re": [None if row is None else rounded(row.real) for row in rows],
        "im": [None if row is None else rounded(row.imag) for row in rows],
        "series": _charts(evolution),
        "readout": _readout(evolution),
    }


def _charts(evolution: Evolution) -> list[dict[str, Any]]:
    """Return the charts against time, as `charts.js` takes them."""
    jumps = evolution.jumps

    def line(values: Float, name: str = "", color: str = "--blue") -> dict[str, Any]:
        # between the stored times of a trajectory lie jumps: its lines are dotted
        return _line(name, color, values) | ({"dash": "2 4"} if jumps else {})

    norm: dict[str, Any] = {"yRange": [0, 1.05]} if jumps else {"log": True}
    overlaps = [
        line(np.where(y > SMALLEST, y, np.nan), STATE_NAMES[j], _PAGE_STATE_COLORS[j])
        for j, y in ((j, evolution.overlaps[:, j]) for j in evolution.populated)
    ]
    title = "Norm since the last jump" if jumps else "Norm without jump"
    charts = [_chart(title, "norm", line(evolution.norm), **norm)]
    title = "Mean radius of the normalized state"
    charts.append(_chart(title, "⟨r⟩ [fm]", line(evolution.mean_radius_fm), fromZero=True))
    title = "Overlaps of the normalized state" if jumps else "Overlaps without jump"
    empty = "no bound state at any stored time"
    charts.append(_chart(title, "|⟨nl|u⟩|²", *overlaps, log=True, empty=empty))
    if np.any(np.isfinite(evolution.energy)):
        charts.append(_chart("Vacuum energy of the normalized state", "⟨H⟩ [GeV]", line(evolution.energy)))
    if jumps:
        top = float(max(2, evolution.l.max())) + 1
        lines = [
            _line(name, color, np.where(evolution.color == i, evolution.l, np.nan))
            | {"points": True, "tipName": f"{name}, l"}
            for i, (name, color) in enumerate(zip(COLOR_NAMES, _PAGE_PAIR_COLORS, strict=True))
        ]
        charts.append(_chart("Color and angular momentum", "angular momentum l", *lines, yRange=[-0.5, top]))
    return charts


def _chart(title: str, y_label: str, *lines: dict[str, Any], **options: Any) -> dict[str, Any]:
    return {"title": title, "yLabel": y_label, **options, "lines": lines}


def _line(name: str, color: str, values: Float) -> dict[str, Any]:
    return {"name": name, "color": f"var({color})", "values": rounded(values)}


def _readout(evolution: Evolution) -> list[tuple[str, list[Any], str]]:
    """Return name, values and unit of what the page writes out for the chosen time."""
    entries: list[tuple[str, list[Any], str]] = [
        ("color", [COLOR_NAMES[c] for c in evolution.color], ""),
        ("l", [int(l) for l in evolution.l], ""),
        ("norm", rounded(evolution.norm), ""),
        ("⟨r⟩", rounded(evolution.mean_radius_fm), "fm"),
    ]
    if np.any(np.isfinite(evolution.energy)):
        entries.append(("⟨H⟩", rounded(evolution.energy), "GeV"))
    return entries + [(STATE_NAMES[j], rounded(evolution.overlaps[:, j]), "") for j in evolution.populated]
