"""CPU time against error of the survival, a panel for each state, names at the curves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from cases.common import TRUTH
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qtraj.plots.style import save_figure, style

from .points import Point

TRUTH_ERROR = {"1S": 4e-6, "2S": 3e-6, "3S": 3e-6}
"""Uncertainty of the true survivals, absolute (cases/common.py)."""

NAMES = {
    "DensityMatrix": ("DensityMatrix", "last", (8, -14)),
    "DensityMatrix, error budget": ("with error budget", "last", (10, 0)),
    "DensityMatrix, 64 in one call": ("64 in one call", "first", (-14, 12)),
    "NoJump (that part only)": ("NoJump", "first", (10, -4)),
    "QuantumTrajectories, mesh": ("trajectories, mesh", "line", (0, -16)),
    "QuantumTrajectories, sine grid": ("trajectories, sine grid", "line", (0, 6)),
    "QuTiP mesolve": ("QuTiP mesolve", "last", (10, -3)),
    "QuTiP mcsolve": ("QuTiP mcsolve", "line", (0, 6)),
    "dynamiqs mesolve": ("dynamiqs mesolve", "first", (10, 8)),
}
"""Short name, the point of the curve where it stands, and its distance from there in points."""

LEFT, RIGHT = 2e-3, 1e9
BOTTOM, TOP = 3e-7, 0.3


def drawn(points: Sequence[Point], path_stem: Path) -> tuple[Path, Path]:
    """Draw all curves and save them as PNG and PDF."""
    names = list(dict.fromkeys(p.curve for p in points))
    colors = mpl.colormaps["tab20"].colors[::2] + mpl.colormaps["tab20"].colors[1::2]
    with style():
        figure = Figure(figsize=(21, 9), layout="constrained")
        axes = figure.subplots(1, len(TRUTH), sharey=True)
        for ax, state in zip(axes, TRUTH, strict=True):
            for name, color in zip(names, colors, strict=False):
                _curve(ax, [p for p in points if p.curve == name], state, color)
            _frame(ax, state)
        axes[0].set_ylabel("relative error of the survival")
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=4)
        return save_figure(figure, path_stem)


def _curve(ax: Axes, points: Sequence[Point], state: str, color: tuple[float, ...]) -> None:
    name = points[0].curve
    points = sorted(points, key=lambda p: p.cpu_s)
    cpu = np.array([p.cpu_s for p in points])
    errors = np.array([max(p.expected_error(state), BOTTOM) for p in points])
    sampled = bool(points[0].noise)
    ax.loglog(cpu, errors, "o" if sampled else "s-", color=color, ms=7, label=name)
    if sampled:
        last, times = points[-1], np.geomspace(cpu[0], RIGHT, 60)
        noise, floor = last.noise[state] * np.sqrt(last.cpu_s / times), last.floor.get(state, 0.0)
        ax.loglog(times, np.hypot(noise, floor), "--", color=color, lw=1.2)
    short, where, offset = NAMES.get(name, ("C++", "first", (-8, 8)))
    if where == "line":
        # the floor, to the right of which the curves run apart
        spot = (2e3, float(np.hypot(noise, floor)[np.searchsorted(times, 2e3)]))
    else:
        spot = (cpu[0], errors[0]) if where == "first" else (cpu[-1], errors[-1])
    ax.annotate(short, spot, offset, textcoords="offset points", color=color, fontsize=11)


def _frame(ax: Axes, state: str) -> None:
    ax.set(xlim=(LEFT, RIGHT), ylim=(BOTTOM, TOP), xlabel="CPU time of one history (s)")
    ax.axhspan(BOTTOM, TRUTH_ERROR[state] / TRUTH[state], color="0.9", zorder=0)
    ax.text(RIGHT / 2, BOTTOM * 1.3, "the truth is not known better", ha="right", fontsize=12, color="0.4")
    ax.text(0.96, 0.95, rf"$\Upsilon$({state})", ha="right", va="top", transform=ax.transAxes, fontsize=20)
