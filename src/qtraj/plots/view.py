"""The evolution of one pair as a figure: density and wave function, norm, radius, energy, overlaps, jumps."""

from __future__ import annotations

from typing import Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from .._checks import instance
from ..errors import InputError
from ..states import STATE_NAMES
from .artists import GRAY, STATE_COLORS
from .evolution import Evolution, Float, Integer
from .style import style

RADIAL_COLORS: Final = {
    **{name[2:4]: color for name, color in STATE_COLORS.items()},
    "1P": "#CC79A7",
    "2P": "#E69F00",
    "1D": "#56B4E9",
}
"""One color for each of the six states, of the palette of `STATE_COLORS`."""

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
_CURVES: Final = 5
_OUTLIER: Final = 5.0
_DECADE: Final = 10.0


def plot_density_map(ax: Axes, evolution: Evolution) -> Axes:
    """Draw |u|^2 as an image over time and radius, with <r> on it; returns the same Axes.

    Each wave function fills the times that are nearer to it than to any other one.
    """
    i = _known(evolution)
    density = evolution.density_fm[i].T
    # the brightest moments of a narrow start would leave the rest black
    top = float(np.percentile(density.max(axis=0), 75, method="lower"))
    image = ax.pcolormesh(
        _edges(evolution.times_fm[i]),
        _edges(evolution.r_fm),
        density,
        cmap="viridis",
        norm=Normalize(0, top),
        rasterized=True,
    )
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
    chosen = _chosen(evolution, times_fm, _CURVES)
    peaks = evolution.density_fm[chosen].max(axis=1)
    # a local start is a hundred times higher than what it becomes
    top = float(peaks[peaks <= _OUTLIER * np.percentile(peaks, 50, method="lower")].max())
    for i, peak, color in zip(chosen, peaks, _time_colors(len(chosen)), strict=True):
        label = _time_label(evolution, i) + (f" (up to {peak:.3g})" if peak > top else "")
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
    ax.legend(
        title=rf"$\mathit{{t}}$ = {_time_label(evolution, int(i))} fm/$\mathit{{c}}$", title_fontsize=12.5
    )
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
        ax.text(
            0.5, 0.5, "no bound state at any stored time", transform=ax.transAxes, ha="center", color=GRAY
        )
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
        figure = Figure(figsize=(13.0, 4.0 * rows + 0.9), layout="constrained")
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


def _known(evolution: Evolution) -> Integer:
    known = evolution.snapshots
    if not len(known):
        raise InputError("evolution", evolution.title, "hold at least one wave function")
    return known


def _chosen(evolution: Evolution, times_fm: ArrayLike | None, count: int) -> list[int]:
    if times_fm is None:
        known = evolution.times_fm[_known(evolution)]
        times_fm = np.linspace(known[0], known[-1], count)
    return [int(i) for i in evolution.nearest_snapshots(times_fm)]


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
    margin = 0.02 * (last - first) or 0.05
    return first - margin, last + margin


def _time_label(evolution: Evolution, i: int) -> str:
    return f"{evolution.times_fm[i]:.2f}"


def _time_colors(count: int) -> list[tuple[float, ...]]:
    # the yellow end is lost on white
    return [mpl.colormaps["viridis"](x) for x in np.linspace(0, 0.82, count)]


def _edges(points: Float) -> Float:
    """Return cell edges halfway between points, the outer ones at the points."""
    if len(points) == 1:
        return np.array([points[0] - 0.05, points[0] + 0.05])
    return np.concatenate([points[:1], (points[1:] + points[:-1]) / 2, points[-1:]])
