"""Thermal mass shifts and widths against temperature, and spectral functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from ..errors import InputError
from ..spectroscopy.files import Row
from ..spectroscopy.spectral import SpectralFunction
from .style import NotebookFigure, style

Quantity = Literal["shift", "width", "binding"]
SHOWN: Final[tuple[Quantity, ...]] = ("shift", "width")  # rows of the figure
LABELS: Final = {
    "shift": r"$\Delta\mathit{m}$  [MeV]",
    "width": r"$\mathit{\Gamma}$  [MeV]",
    "binding": r"$\mathit{E}_\mathrm{bind}$  [MeV]",
}
NAMES: Final = {
    "perturbation": "first order",
    "poles": r"eigenvalues of $\mathit{H}_\mathrm{eff}$",
    "spectral": "peaks of $\\rho(\\omega)$",
    "dipole": r"dipole, $\mathit{\kappa}\langle\mathit{r}^2\rangle$",
}
# Okabe and Ito (2008)
LOOKS: Final[dict[str, dict[str, Any]]] = {
    "perturbation": {"color": "#666666", "linestyle": (0, (5, 2)), "linewidth": 1.6, "zorder": 2},
    "poles": {"color": "#0072B2", "linestyle": "-", "linewidth": 2.2, "zorder": 3},
    "spectral": {"color": "#D55E00", "linestyle": "", "marker": "o", "markersize": 6, "zorder": 4},
    "dipole": {"color": "#009E73", "linestyle": ":", "linewidth": 2.0, "zorder": 2},
}
# markers and colors of tables from elsewhere
OTHERS: Final = (("s", "#000000"), ("D", "#009E73"), ("^", "#8E2C8E"), ("v", "#7A5200"))
ROOM: Final = 0.12  # share of the range of the numbers left free above and below


def plot_levels(
    ax: Axes, rows: Sequence[Row], state: str, quantity: Quantity, *, legend: bool = True
) -> Axes:
    """Draw `quantity` "shift", "width" or "binding" of one state against temperature, by route; returns the same Axes.

    Call it inside ``with style():``. `rows` are from `rows` of `qtraj.spectroscopy.files`, and of tables from
    elsewhere, which are drawn as points. The axis follows all but first-order perturbation theory, which runs out of it
    where it fails. Bars are errors, and so is the band of first order, drawn where second order is smaller than first.
    """
    chosen = [row for row in rows if row.state == state and row.values[quantity] is not None]
    if not chosen:
        raise InputError("state", state, f"have a {quantity} in the rows")
    for route in dict.fromkeys(row.route for row in chosen):
        _draw(ax, [row for row in chosen if row.route == route], quantity, _styles(rows)[route])
    ax.set_xlabel(r"$\mathit{T}$  [MeV]")
    ax.set_ylabel(LABELS[quantity])
    ax.set_ylim(_limits(chosen, quantity))
    temperatures = [row.T_MeV for row in rows]
    margin = 0.03 * (max(temperatures) - min(temperatures)) or 10.0
    ax.set_xlim(min(temperatures) - margin, max(temperatures) + margin)
    if legend:
        ax.legend(handles=_handles(rows), frameon=False)
    return ax


def spectrum_figure(rows: Sequence[Row], *, title: str = "") -> Figure:
    """Return the figure of shifts (above) and widths (below), one column per state with any number."""
    known = {(row.state, quantity) for row in rows for quantity in SHOWN if row.values[quantity] is not None}
    states = [s for s in dict.fromkeys(row.state for row in rows) if all((s, q) in known for q in SHOWN)]
    if not states:
        raise InputError("rows", f"{len(rows)} without", "have a shift and a width of some state")
    with style():
        figure = NotebookFigure(figsize=(1.6 + 4.2 * len(states), 8.4), layout="constrained")
        axes = figure.subplots(len(SHOWN), len(states), sharex=True, squeeze=False)
        for column, state in enumerate(states):
            for row, quantity in enumerate(SHOWN):
                ax = plot_levels(axes[row, column], rows, state, quantity, legend=False)
                if column > 0:
                    ax.set_ylabel("")
                if row == 0:
                    ax.set_xlabel("")
            axes[0, column].set_title(state, fontsize=20)
        handles = _handles(rows)
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)
        if title:
            figure.suptitle(title, fontsize=14, wrap=True)
    return figure


def plot_spectral_functions(
    ax: Axes,
    functions: Sequence[SpectralFunction],
    omega: NDArray[np.float64],
    *,
    levels: Mapping[str, float] | None = None,
    title: str = "",
) -> Axes:
    """Draw spectral functions of one channel, one per temperature, from dark (cold) to light (hot).

    Call it inside ``with style():``; it returns the same Axes. `omega`, shape (nw,), are energies in GeV without the
    masses of the quarks; the axis has masses 2 M_Q + omega. `levels` are vacuum energies in GeV to mark, by name.
    """
    if not functions:
        raise InputError("functions", functions, "hold at least one spectral function")
    # a plain ramp through the colors of a printed page; the ends of the map are too dark and too pale
    shades = mpl.colormaps["plasma"](np.linspace(0.05, 0.85, len(functions)))
    pair = 2 * functions[0].model.mass
    for function, color in zip(functions, shades, strict=True):
        label = rf"$\mathit{{T}}$ = {1000 * function.T:.0f} MeV"
        ax.plot(pair + omega, function.density(omega), color=color, linewidth=1.8, label=label)
    ax.set_yscale("log")
    ax.set_xlim(pair + omega[0], pair + omega[-1])
    ax.set_xlabel(r"$\mathit{M} = 2\mathit{M}_\mathit{Q} + \omega$  [GeV]")
    ax.set_ylabel(r"$\rho(\omega)$  [GeV$^{-1}$]")
    for name, energy in (levels or {}).items():
        ax.axvline(pair + energy, color="#666666", linewidth=1.0, linestyle=(0, (2, 3)), zorder=1)
        # above the axes, at the energy
        place: dict[str, Any] = {"xycoords": ax.get_xaxis_transform(), "textcoords": "offset points"}
        place |= {"xytext": (0, 4), "ha": "center"}
        ax.annotate(name, (pair + energy, 1.0), **place, fontsize=13, color="#444444")
    ax.legend(title=title, frameon=False, loc="lower right", title_fontsize=14)
    return ax


def spectral_figure(
    channels: Mapping[str, Sequence[SpectralFunction]],
    omega: NDArray[np.float64],
    levels: Mapping[str, Mapping[str, float]],
    *,
    title: str = "",
) -> Figure:
    """Return the figure of spectral functions, one panel per channel, by its text; `levels` as there, by channel."""
    with style():
        figure = NotebookFigure(figsize=(1.2 + 6.2 * len(channels), 5.8), layout="constrained")
        axes = figure.subplots(1, len(channels), squeeze=False)[0]
        for ax, (text, functions) in zip(axes, channels.items(), strict=True):
            plot_spectral_functions(ax, functions, omega, levels=levels.get(text), title=text)
            if ax is not axes[0]:
                ax.set_ylabel("")
        if title:
            figure.suptitle(title, fontsize=14, wrap=True)
    return figure


def _draw(ax: Axes, rows: Sequence[Row], quantity: str, options: dict[str, Any]) -> None:
    rows = sorted(rows, key=lambda row: row.T_MeV)
    T, value = np.array([(row.T_MeV, row.values[quantity]) for row in rows], dtype=float).T
    error = np.array([row.errors[quantity] or 0.0 for row in rows])
    if rows[0].route == "perturbation":
        # the modulus of the complex shift against its second order
        sizes = [np.hypot(row.values["shift"] or 0.0, (row.values["width"] or 0.0) / 2) for row in rows]
        means_something = np.array([row.errors["shift"] or 0.0 for row in rows]) < sizes
        low, high = (np.where(means_something, value + sign * error, np.nan) for sign in (-1, 1))
        ax.fill_between(T, low, high, color=options["color"], alpha=0.18, linewidth=0)
    if options["linestyle"] == "":
        ax.errorbar(T, value, yerr=error, elinewidth=1.6, **options)
        return
    # a single temperature needs a marker to be seen
    ax.plot(T, value, **options, marker="" if len(T) > 1 else "o")


def _styles(rows: Sequence[Row]) -> dict[str, dict[str, Any]]:
    styles = dict(LOOKS)
    others = [route for route in dict.fromkeys(row.route for row in rows) if route not in LOOKS]
    for i, route in enumerate(others):
        marker, color = OTHERS[i % len(OTHERS)]
        styles[route] = {"color": color, "marker": marker, "markersize": 7, "fillstyle": "none", "zorder": 5}
        styles[route] |= {"linestyle": ""}
    return styles


def _handles(rows: Sequence[Row]) -> list[Line2D]:
    styles = _styles(rows)
    return [
        Line2D([], [], label=NAMES.get(route, route), **styles[route])
        for route in dict.fromkeys(row.route for row in rows)
    ]


def _limits(rows: Sequence[Row], quantity: str) -> tuple[float, float]:
    steady = [row for row in rows if row.route not in ("perturbation", "dipole")] or list(rows)
    centers = np.array([row.values[quantity] for row in steady], dtype=float)
    low, high = min(0.0, float(centers.min())), max(0.0, float(centers.max()))
    room = ROOM * (high - low) or 1.0
    return (low - room if low < 0 else -0.3 * room), high + room
