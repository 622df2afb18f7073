"""CPU time against error of the survival, a panel for each state, names at the curves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from cases.common import TRUTH
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from qtraj.plots.style import save_figure, style

from .points import Point

TRUTH_ERROR = {"1S": 4e-6, "2S": 3e-6, "3S": 3e-6}
"""Uncertainty of the true survivals, absolute (cases/common.py)."""

NAMES = {
    "DensityMatrix": ("DensityMatrix", "last", (2, -20)),
    "DensityMatrix, error budget": ("error budget", "first", (2, 9)),
    "DensityMatrix, 64 in one call": ("64 in one call", "first", (-14, 20)),
    "NoJump (that part only)": ("NoJump", "last", (10, -4)),
    "QuantumTrajectories, mesh": ("trajectories, mesh", "line", (0, -16)),
    "QuantumTrajectories, sine grid": ("trajectories, sine grid", "line", (0, 6)),
    "QuTiP mesolve": ("QuTiP mesolve", "last", (10, -3)),
    "QuTiP mcsolve": ("QuTiP mcsolve", "first", (10, 4)),
    "dynamiqs mesolve": ("dynamiqs mesolve", "first", (10, 8)),
    "QTraj-NLO 2.1, AMD EPYC, num 4096, at most 6 jumps": ("C++ code", "first", (-10, 9)),
}
"""Short name, the point of the curve where it stands, and its distance from there in points."""

NAMED_AT = 2e3
"""CPU time in s at which dashed lines are named: there they run apart."""

LEFT, RIGHT = 2e-3, 1e9
BOTTOM, TOP = 3e-7, 3.0


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
    ends = {"first": (cpu[0], errors[0]), "last": (cpu[-1], errors[-1])}
    if sampled:
        last, times = points[-1], np.geomspace(cpu[0], RIGHT, 60)
        noise, floor = last.noise[state] * np.sqrt(last.cpu_s / times), last.floor.get(state, 0.0)
        expected = np.hypot(noise, floor)
        ax.loglog(times, expected, "--", color=color, lw=1.2)
        ends["line"] = (NAMED_AT, float(np.interp(NAMED_AT, times, expected)))
    if name in NAMES:
        short, where, offset = NAMES[name]
        text = ax.annotate(short, ends[where], offset, textcoords="offset points", color=color, fontsize=11)
        text.set_path_effects([withStroke(linewidth=3, foreground="white")])


def _frame(ax: Axes, state: str) -> None:
    ax.set(xlim=(LEFT, RIGHT), ylim=(BOTTOM, TOP), xlabel="CPU time of one history (s)")
    ax.axhspan(BOTTOM, TRUTH_ERROR[state] / TRUTH[state], color="0.9", zorder=0)
    ax.text(RIGHT / 2, BOTTOM * 1.3, "the truth is not known better", ha="right", fontsize=12, color="0.4")
    ax.text(0.96, 0.95, rf"$\Upsilon$({state})", ha="right", va="top", transform=ax.transAxes, fontsize=20)
