"""The evolution of one pair as an animation: wave function and density in r, overlaps as bars, frame by frame."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, Protocol

import matplotlib as mpl
import numpy as np
from matplotlib.animation import AbstractMovieWriter, FFMpegWriter, FuncAnimation, PillowWriter
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .._atomic import atomic_path
from .._checks import path as path_of
from ..errors import InputError
from ..states import STATE_NAMES
from .artists import GRAY
from .evolution import Evolution
from .style import style
from .view import COLOR_NAMES, DENSITY, OVERLAP, PAIR_COLORS, RADIAL_COLORS, RADIUS, SMALLEST, WAVE

FRAMES: Final = 60
POINTS: Final = 400
_SIZE: Final = (9.6, 5.4)
_DPI: Final = 80
_SECONDS: Final = 10.0
_SMALL: Final[Any] = {  # Matplotlib types every key of its settings
    "figure.autolayout": False,
    "figure.constrained_layout.use": False,
    "font.size": 12,
    "axes.labelsize": 14,
    "legend.fontsize": 11,
    # most of the time of a frame goes into ticks
    "xtick.minor.visible": False,
    "ytick.minor.visible": False,
    "xtick.top": False,
    "ytick.right": False,
}
_SLOWEST: Final = 1.25  # frames a second, for runs with few snapshots


def animate(evolution: Evolution) -> FuncAnimation:
    """Return the animation of an evolution over the times whose wave function is known.

    Parameters
    ----------
    evolution : Evolution
        What to show; thinned to `FRAMES` times and `POINTS` radii.

    Returns
    -------
    matplotlib.animation.FuncAnimation
        Write it with `save_animation`.

    Raises
    ------
    InputError
        If it holds no wave function.
    """
    if not len(evolution.snapshots):
        raise InputError("evolution", evolution.title, "hold wave functions", "Run with saveWavefunctions 1.")
    thin = evolution.thinned(FRAMES, POINTS)
    frames = thin.snapshots.tolist()
    with style(), mpl.rc_context(_SMALL):
        figure = Figure(figsize=_SIZE, layout="constrained")
        grid = figure.add_gridspec(2, 3)
        parts: list[_Part] = [
            _Wave(figure.add_subplot(grid[0, :2]), thin),
            _Density(figure.add_subplot(grid[1, :2]), thin),
            _Overlaps(figure.add_subplot(grid[:, 2]), thin),
        ]
        title = figure.suptitle("", x=0.02, ha="left", fontsize=14)

    def draw(i: int) -> Iterable[Artist]:
        title.set_text(
            # no formula: one that changes is typeset anew in every frame, at the cost of all the rest
            f"t = {thin.times_fm[i]:.2f} fm/c,  {COLOR_NAMES[thin.color[i]]},  l = {thin.l[i]},  "
            f"norm {thin.norm[i]:.3g}"
        )
        for part in parts:
            part.show(i)
        return []

    with style(), mpl.rc_context(_SMALL):
        draw(frames[len(frames) // 2])
        figure.draw_without_rendering()
        # one layout for all frames: nothing moves. With "none" instead of no engine each frame is drawn twice
        figure.set_layout_engine(None)
    return FuncAnimation(figure, draw, frames=frames, init_func=lambda: [])


def save_animation(evolution: Evolution, path: str | os.PathLike[str]) -> Path:
    """Write the animation of an evolution as GIF, or as MP4 where ffmpeg is installed.

    Parameters
    ----------
    evolution : Evolution
        What to show.
    path : str or path
        File to write, ending in ``.gif`` or ``.mp4``; it appears complete or not at all.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        If the ending is another one, ffmpeg is missing, or there is no wave function.
    """
    path = path_of("path", path)
    count = min(FRAMES, max(1, len(evolution.snapshots)))
    writer = _writer(path, max(_SLOWEST, count / _SECONDS))
    animation = animate(evolution)
    with style(), atomic_path(path) as temporary:
        animation.save(temporary, writer=writer, dpi=_DPI)
    return path


def _writer(path: Path, fps: float) -> AbstractMovieWriter:
    if path.suffix == ".gif":
        return PillowWriter(fps=fps)  # type: ignore[arg-type]  # takes any number, its type says int
    if path.suffix != ".mp4":
        raise InputError("path", str(path), "end in .gif or .mp4")
    if not FFMpegWriter.isAvailable():
        raise InputError(
            "path", str(path), "end in .gif where ffmpeg is not installed", "Install ffmpeg or take .gif."
        )
    return FFMpegWriter(fps=fps)  # type: ignore[arg-type]


class _Part(Protocol):
    def show(self, i: int) -> None:
        """Show the time of index `i`."""


class _Wave:
    """Re u, Im u and |u| against r."""

    def __init__(self, ax: Axes, evolution: Evolution) -> None:
        self.u, self.ax = evolution.u_fm, ax
        r = evolution.r_fm
        self.size = [ax.plot(r, 0 * r, color=GRAY, linewidth=1.0)[0] for _ in range(2)]
        self.real = ax.plot(r, 0 * r, color=PAIR_COLORS[0], label=r"Re $\mathit{u}$")[0]
        self.imag = ax.plot(r, 0 * r, color=PAIR_COLORS[1], linestyle="--", label=r"Im $\mathit{u}$")[0]
        self.size[0].set_label(r"$\pm|\mathit{u}|$")
        ax.set(xlim=(0, r[-1]), ylabel=WAVE)
        ax.tick_params(labelbottom=False)
        ax.legend(loc="upper right", ncols=3)

    def show(self, i: int) -> None:
        """Show the time of index `i`."""
        u = self.u[i]
        size = np.abs(u)
        for line, y in zip((*self.size, self.real, self.imag), (size, -size, u.real, u.imag), strict=True):
            line.set_ydata(y)
        top = _scale(float(size.max()))
        self.ax.set_ylim(-top, 1.35 * top)  # room for the legend


class _Density:
    """|u|^2 against r."""

    def __init__(self, ax: Axes, evolution: Evolution) -> None:
        self.density, self.ax = evolution.density_fm, ax
        self.line = ax.plot(evolution.r_fm, 0 * evolution.r_fm, color=PAIR_COLORS[0])[0]
        ax.set(xlim=(0, evolution.r_fm[-1]), xlabel=RADIUS, ylabel=DENSITY)

    def show(self, i: int) -> None:
        """Show the time of index `i`."""
        self.line.set_ydata(self.density[i])
        self.ax.set_ylim(0, _scale(float(self.density[i].max())))


class _Overlaps:
    """The six overlaps as bars on a logarithmic scale."""

    def __init__(self, ax: Axes, evolution: Evolution) -> None:
        self.overlaps = np.maximum(evolution.overlaps, SMALLEST)
        self.bars = ax.bar(STATE_NAMES, np.full(6, SMALLEST), color=[RADIAL_COLORS[n] for n in STATE_NAMES])
        shown = self.overlaps[self.overlaps > SMALLEST]
        low, high = (shown.min(), shown.max()) if shown.size else (SMALLEST, 1.0)
        limits = 10 ** np.floor(np.log10(low)), 10 ** np.ceil(np.log10(high) + 0.1)
        ax.set(yscale="log", ylim=limits, ylabel=OVERLAP + (", normalized" if evolution.jumps else ""))
        ax.tick_params(axis="x", which="both", length=0)

    def show(self, i: int) -> None:
        """Show the time of index `i`."""
        for bar, height in zip(self.bars, self.overlaps[i], strict=True):
            bar.set_height(height)


def _scale(largest: float) -> float:
    """Return the upper end of an axis: steps of a factor 1.5, so that it seldom moves."""
    return float(1.5 ** np.ceil(np.log(1.05 * largest) / np.log(1.5)))
