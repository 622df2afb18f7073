"""Figures of the tests, made from the saved tables alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from cases.common import Table
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator, NullLocator

from qtraj.plots.style import style

from . import cost
from .reported import STATES

FOLDER = Path(__file__).parents[2] / "docs" / "figures"
# Okabe and Ito (2008)
COLORS = {"1S": "#0072B2", "2S": "#D55E00", "3S": "#009E73"}
GRAY = "#666666"
PERCENT = 100.0


def number(text: Any) -> float:
    """Return the first number of a cell, NaN where there is none; percents stay percents."""
    found = re.search(r"[-+]?\d+\.?\d*(?:e[-+]?\d+)?", str(text))
    return float(found[0]) if found else np.nan


def column(table: Table, name: str) -> np.ndarray:
    """Return a column of numbers."""
    at = list(table.columns).index(name)
    return np.array([number(row[at]) for row in table.rows])


def save(name: str, tables: Sequence[Table], folder: Path = FOLDER) -> Path:
    """Draw the figure of one test and write it as PNG."""
    with style():
        figure = DRAW[name](tables)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"paper_{name}.png"
        figure.savefig(path, dpi=110)
    return path


def two_panels(width: float = 12.5, ratios: tuple[float, float] = (1.0, 1.0)) -> tuple[Figure, Axes, Axes]:
    """Return a figure with two panels."""
    figure = Figure(figsize=(width, 5.2), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=ratios)
    return figure, left, right


def draw_comparison(ax: Axes, table: Table) -> None:
    """Draw the paper's ratios, the noise of such ratios, and the ratios without noise."""
    noise_name = next(c for c in table.columns if c.startswith("noise of a ratio"))
    for i, (row, noise) in enumerate(zip(table.rows, column(table, noise_name), strict=True)):
        state = row[0]
        center = 1 + number(row[2]) / PERCENT
        ax.fill_between(
            [i - 0.33, i + 0.33],
            center - noise / PERCENT,
            center + noise / PERCENT,
            color="#dddddd",
            linewidth=0,
        )
        ax.plot([i - 0.33, i + 0.33], [center, center], color=COLORS[state], linewidth=2.4)
        value, error = (float(x) for x in str(row[1]).split(" ± "))
        ax.errorbar(i, value, error, color="black", marker="o", markersize=6, capsize=4)
    ax.plot([], [], color=GRAY, linewidth=2.4, label="without noise")
    ax.fill_between([], [], [], color="#dddddd", label="noise of such a ratio (1 s.d.)")
    ax.errorbar([], [], [], color="black", marker="o", markersize=6, capsize=4, label="paper")
    ax.set_xticks(range(3), [rf"$\Upsilon$({s})" for s in STATES])
    ax.xaxis.minorticks_off()
    ax.set_xlim(-0.6, 2.6)
    ax.set_ylabel("Ratio of survivals")
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + 0.35 * (high - low))
    ax.set_title(table.title.partition(":")[0], fontsize=14)
    ax.legend(loc="upper left")


def draw_changes(ax: Axes, table: Table, x: str, label: str, prefix: str = "off ") -> None:
    """Draw relative changes in percent against a setting, sizes on a logarithmic scale; open where negative."""
    positions = column(table, x)
    for state in STATES:
        change = column(table, f"{prefix}{state}")
        shown = np.isfinite(positions) & (positions > 0) & (change != 0)
        line = np.where(shown, np.abs(change), np.nan)  # broken at the setting that the changes are from
        ax.plot(positions, line, color=COLORS[state], label=rf"$\Upsilon$({state})")
        for sign, face in ((1, COLORS[state]), (-1, "white")):
            of_sign = shown & (np.sign(change) == sign)
            observe = {"color": COLORS[state], "markerfacecolor": face, "markersize": 7}
            ax.plot(positions[of_sign], np.abs(change[of_sign]), "o", **observe)
    ax.set_xscale("log")
    ax.set_yscale("log")
    known = positions[np.isfinite(positions) & (positions > 0)]
    ax.set_xticks(known, [f"{x:g}" for x in known])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel(label)
    ax.set_ylabel("|Change| of survival  [%]")
    ax.legend(loc="best", title="open: negative", title_fontsize=12)


def _lattice(x: str, label: str) -> Callable[[Sequence[Table]], Figure]:
    def draw(tables: Sequence[Table]) -> Figure:
        figure, left, right = two_panels()
        draw_changes(left, tables[0], x, label)
        draw_comparison(right, tables[1])
        return figure

    return draw


def _max_jumps(tables: Sequence[Table]) -> Figure:
    (table,) = tables
    figure, left, right = two_panels()
    jumps = column(table, "maxJumps")
    for state in STATES:
        kept, recorded = column(table, state), column(table, f"QTraj's rule {state}")
        left.plot(jumps, kept, "-o", color=COLORS[state], markersize=5, label=rf"$\Upsilon$({state})")
        right.plot(jumps[2:], recorded[2:], "-o", color=COLORS[state], markersize=5)
        sampled = column(table, f"sampled {state}")
        left.plot(jumps, sampled, "k+", markersize=12, zorder=5)
    left.plot([], [], "k+", markersize=12, label="8 192 trajectories")
    left.set_title("those with at most maxJumps", fontsize=14)
    right.set_title("QTraj's rule: the stopped ones count", fontsize=14)
    for ax in (left, right):
        ax.axhline(1, color=GRAY, linewidth=1, zorder=0)
        ax.set_xlabel("maxJumps")
        ax.xaxis.set_major_locator(MultipleLocator(1))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.set_ylabel("Share of survival")
    left.legend(loc="lower right")
    return figure


def _r_max(tables: Sequence[Table]) -> Figure:
    (table,) = tables
    figure = Figure(figsize=(8, 5.6), layout="constrained")
    ax = figure.subplots()
    limit = column(table, "rMax")
    for state in STATES:
        ax.plot(
            limit,
            column(table, state),
            "-o",
            color=COLORS[state],
            markersize=5,
            label=rf"$\Upsilon$({state})",
        )
        ax.plot(limit, column(table, f"sampled {state}"), "k+", markersize=12, zorder=5)
    ax.plot([], [], "k+", markersize=12, label="8 192 trajectories")
    ax.plot(limit, column(table, "trajectories evolved"), "--", color=GRAY, label="trajectories evolved")
    ax.plot(limit, column(table, "steps evolved"), ":", color=GRAY, linewidth=2.5, label="steps evolved")
    ax.set_xscale("log")
    ax.set_xlabel("rMax")
    ax.set_ylabel("Share of that at rMax = 1")
    ax.set_ylim(0, 1.08)
    ax.legend(loc="upper left", bbox_to_anchor=(0.02, 0.66), fontsize=12)
    return figure


def _trajectories(tables: Sequence[Table]) -> Figure:
    _, spreads, _ = tables
    figure = Figure(figsize=(8, 6), layout="constrained")
    ax = figure.subplots()
    n = column(spreads, "trajectories")
    looks = {"paper's mean": "-", "no jump exact, end point": "--", "no jump exact, last jump": ":"}
    for title, line in looks.items():
        for state in STATES:
            ax.plot(
                n, column(spreads, f"{title} {state}"), line, color=COLORS[state], marker="o", markersize=5
            )
        ax.plot([], [], line, color=GRAY, label=title)
    for state in STATES:
        ax.plot([], [], color=COLORS[state], label=rf"$\Upsilon$({state})")
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel("Trajectories")
    ax.set_ylabel("Noise of survival  [%]")
    low, high = ax.get_ylim()
    ax.set_ylim(low, high * 30)
    ax.legend(loc="upper right", ncols=2, fontsize=12)
    return figure


def _cost(tables: Sequence[Table]) -> Figure:
    steps = tables[0]
    figure = Figure(figsize=(8, 6), layout="constrained")
    ax = figure.subplots()
    num = column(steps, "num = 2^n - 1")
    looks = (
        ("FFTW", 0, "o", "#0072B2"),
        ("SciPy", 0, "s", "#D55E00"),
        ("FFTW, num + 1", 1, "^", "#009E73"),
        ("C++", 0, "D", "black"),
        ("C++, num + 1", 1, "v", "#8E2C8E"),
    )
    for name, more, marker, color in looks:
        times = column(steps, name)
        known = np.isfinite(times)
        label = name.replace("num + 1", r"num = $2^n$").replace("C++", "C++ (AMD EPYC)")
        ax.plot(num[known] + more, times[known], marker, color=color, label=label)
        if known.sum() > 2:
            A, B, _ = cost.fit(num[known] + more, times[known])
            ax.plot(num[known], A * num[known] ** B * np.log(num[known]), color=color, linewidth=1)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel("num")
    ax.set_ylabel("One step of one state  [ms]")
    ax.legend(loc="upper left", title=r"lines: $A\,N^B \ln N$", title_fontsize=12)
    return figure


def _qutip(tables: Sequence[Table]) -> Figure:
    times, _, memory, _ = tables
    figure, left, right = two_panels()
    run = np.array([not str(row[0]).endswith(")") for row in times.rows])
    num = column(times, "NUM")
    for name, color, label in (
        ("QuTiP, solving (s)", "#D55E00", "QuTiP mesolve"),
        ("qtraj (s)", "#0072B2", "density matrix here"),
    ):
        left.plot(num[run], column(times, name)[run], "o-", color=color, label=label)
    left.set_ylabel("Whole baseline  [s]")
    for name, color in (("dense, exact waves", "#8E2C8E"), ("second differences", "#009E73")):
        rows = [row for row in memory.rows if row[0] == name]
        x, y = np.array([[number(row[1]), number(row[3])] for row in rows]).T
        right.plot(x[:-1], y[:-1] / 1000, "o", color=color, label=f"{name}: NUM {x[-1]:.0f} in 16 GB")
        right.plot(x[-3:], y[-3:] / 1000, "--", color=color)
    right.axhline(16, color=GRAY, linewidth=1)
    right.set_ylabel("QuTiP superoperator  [GB]")
    for ax in (left, right):
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.set_xlabel(r"NUM, $l_\mathrm{max} = 1$")
        low, high = ax.get_ylim()
        ax.set_ylim(low, high * 6)
        ax.legend(loc="upper left", fontsize=12)
    left.set_xticks(num[run], [f"{n:g}" for n in num[run]])
    left.xaxis.set_minor_locator(NullLocator())
    return figure


DRAW: Mapping[str, Callable[[Sequence[Table]], Figure]] = {
    "spacing": _lattice("spacing (1/GeV)", r"Spacing  [GeV$^{-1}$]"),
    "volume": _lattice("L (1/GeV)", r"L  [GeV$^{-1}$]"),
    "time_step": _lattice("dt (1/GeV)", r"dt  [GeV$^{-1}$]"),
    "width": _lattice("width (a0)", r"Width  [$a_0$]"),
    "max_jumps": _max_jumps,
    "r_max": _r_max,
    "trajectories": _trajectories,
    "cost": _cost,
    "qutip": _qutip,
}
