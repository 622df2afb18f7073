"""What the figures are made of: bands, points with errors, and their legends."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from numpy.typing import ArrayLike
from scipy.interpolate import PchipInterpolator

from .._checks import finite_array, increasing, integer
from .._types import Float
from ..errors import InputError
from ..observables.curves import Curve, CurveBand
from ..observables.data.compare import centrality_class
from ..observables.data.dataset import DataSet
from ..states import shown

# Okabe and Ito (2008): told apart with every common kind of color vision
STATE_COLORS: Final = {"Y(1S)": "#0072B2", "Y(2S)": "#D55E00", "Y(3S)": "#009E73"}
EXPERIMENT_COLORS: Final = {
    "CMS": "#000000",
    "ATLAS": "#8E2C8E",
    "ALICE": "#7A5200",
    "STAR": "#444444",
    "LHCb": "#B03060",
}
MARKERS: Final = {"CMS": "o", "ATLAS": "s", "ALICE": "D", "STAR": "*", "LHCb": "v"}
GRAY: Final = "#666666"
SYSTEM_NAMES: Final = {"PbPb": "Pb–Pb", "AuAu": "Au–Au", "pPb": "p–Pb"}
_MARGIN: Final = 1.07  # ends of the axis over the last points
# symbols of the settings that are varied
COEFFICIENTS: Final = {"kappa": r"$\hat\kappa$", "gamma": r"$\hat\gamma$", "T_end": "$T_f$"}
# parts of an error that are not numerical, in words
SOURCES: Final = {
    "paths": "path sampling",
    "correction": "emulation",
    "branching": "branching fractions",
    "cross_sections": "cross sections",
}
_BOX_HALF_WIDTH: Final = 1 / 110  # of the axis: 4 in N_part up to 440, narrower than the shifts of points


def guide(n_part: ArrayLike, values: ArrayLike, points: int = 200) -> tuple[Float, Float]:
    """Return a monotone curve through computed points, to guide the eye; it does not extrapolate.

    Parameters
    ----------
    n_part, values : array_like, shape (k,)
        Computed points, k >= 2, in increasing order of N_part.
    points : int, optional
        Number of points of the curve.

    Returns
    -------
    x, y : ndarray, shape (points,)
        The curve from the first to the last point: piecewise cubic (PCHIP, Fritsch and Butland 1984), through
        every computed point and without extrema between them.

    Raises
    ------
    InputError
        If the points do not increase, or the arrays are not of one length.
    """
    at = increasing("n_part", n_part, "be at least two increasing numbers", least=2)
    given = finite_array("values", values, 1)
    if given.shape != at.shape:
        raise InputError("values", values, f"be one number for each of {len(at)} points")
    x = np.linspace(at[0], at[-1], integer("points", points, 2))
    return x, np.asarray(PchipInterpolator(at, given)(x))


def draw_range(ax: Axes, band: CurveBand, variant: int) -> None:
    """Fill from the smallest to the largest value: boxes of bins, or curves between points, which guide the eye."""
    band, options = band.without_gaps(), fill_style(color_of(band.name), variant)
    curve = band.curve
    if curve.binned:
        for left, right, low, high in zip(curve.x_low, curve.x_high, band.low, band.high, strict=True):
            ax.add_patch(Rectangle((left, low), right - left, high - low, zorder=2, **options))
    elif len(curve) > 1:
        order = np.argsort(curve.x)
        x = curve.x[order]
        at, central = guide(x, band.central.value[order])
        # three monotone curves keep their order at the points only
        low = np.minimum(guide(x, band.low[order])[1], central)
        high = np.maximum(guide(x, band.high[order])[1], central)
        ax.fill_between(at, low, high, zorder=2, label=band.label, **options)


def draw_central(ax: Axes, band: CurveBand) -> None:
    """Draw the central setting: markers with the error of the calculation, and a guide or the width of the bins."""
    band = band.without_gaps()
    curve, value, color = band.curve, band.central.value, color_of(band.name)
    if curve.binned:
        ax.hlines(value, curve.x_low, curve.x_high, color=color, linewidth=1.8, zorder=3)
    elif len(curve) > 1:
        order = np.argsort(curve.x)
        ax.plot(*guide(curve.x[order], value[order]), color=color, linewidth=1.8, zorder=3)
    at = (curve.x_low + curve.x_high) / 2 if curve.binned else curve.x
    bars: dict[str, Any] = {"elinewidth": 1.6, "zorder": 5.5, "label": state_label(band.name)}
    ax.errorbar(at, value, yerr=band.central.error, **theory_marker(color), **bars)


def draw_points(ax: Axes, data: DataSet, color: str, shift: float) -> None:
    """Draw statistical errors as bars and systematic ones as boxes; totals as bars if only they are known."""
    x = data.x + shift
    split = np.isfinite(data.stat_plus)
    bars = np.where(split, (data.stat_minus, data.stat_plus), (data.total_minus, data.total_plus))
    boxes = np.isfinite(data.syst_minus + data.syst_plus)
    low, high = data.value - data.syst_minus, data.value + data.syst_plus
    for corner in zip(x[boxes], low[boxes], high[boxes], strict=True):
        _add_box(ax, *corner, color)
    marker, label = _data_marker(data), _data_label(data)
    ax.errorbar(x, data.value, yerr=bars, **marker, color=color, elinewidth=1.3, zorder=6, label=label)


def draw_global_boxes(ax: Axes, datasets: Sequence[DataSet], several: bool) -> None:
    """Put one box per known global uncertainty at R_AA = 1, from the right edge inwards."""
    left, right = ax.get_xlim()
    width = _BOX_HALF_WIDTH * (right - left)
    x = right - 2 * width  # where no point is: N_part of central collisions ends before
    for data in datasets:
        plus, minus = data.global_rel_plus[0], data.global_rel_minus[0]
        if np.isfinite(plus + minus):
            _add_box(ax, x, 1 - minus, 1 + plus, data_color(data, several), alpha=0.6)
            x -= 2.5 * width


def add_data_legend(ax: Axes, datasets: Sequence[DataSet], several: bool) -> None:
    """Name experiments and acceptances, one entry for all states that share them."""
    if not datasets:
        return
    # global uncertainties differ between states, so one entry for several states cannot quote them
    quote_global = not several and ax.get_ylim()[1] <= 1
    order = {experiment: i for i, experiment in enumerate(MARKERS)}
    ranked = sorted(datasets, key=lambda data: order.get(data.experiment, len(order)))
    entries = {_data_label(data, quote_global): data for data in ranked}
    handles = [
        Line2D([], [], color=GRAY if several else data_color(data, several), **_data_marker(data))
        for data in entries.values()
    ]
    # as a plain artist: an Axes keeps one legend of its own, which is that of the theory
    place: dict[str, Any] = {"loc": "upper right", "labelspacing": 0.25, "borderaxespad": 0.4}
    ax.add_artist(Legend(ax, handles, list(entries), **place))


def theory_entries(bands: Sequence[CurveBand], centrals: Mapping[str, str]) -> dict[str, Any]:
    """Return the legend's handle of each setting that was varied and of each central one, with its color."""
    color = next(iter(centrals.values())) if len(centrals) == 1 else GRAY
    labels = list(dict.fromkeys(band.label for band in bands))
    entries: dict[str, Any] = {
        band_label(label): Patch(**fill_style(color, i)) for i, label in enumerate(labels) if label
    }
    return entries | {name: Line2D([], [], **theory_marker(color)) for name, color in centrals.items()}


def add_theory_legend(ax: Axes, bands: Sequence[CurveBand], centrals: Mapping[str, str]) -> None:
    """Name what was varied and the central curves; `centrals` gives the color of each name."""
    if not bands:
        return
    entries = theory_entries(bands, centrals)
    for name, color in centrals.items():
        entries[name] = (Line2D([], [], color=color, linewidth=1.8), entries[name])
    # below the legend of the data and the line at 1
    place: dict[str, Any] = {"loc": "upper right", "bbox_to_anchor": (1.0, 0.69)}
    place |= {"labelspacing": 0.3, "borderaxespad": 0.4, "handler_map": {tuple: HandlerTuple(ndivide=1)}}
    ax.legend(list(entries.values()), list(entries), **place)


def color_of(name: str) -> str:
    """Return the color of a state, of a ratio that of its numerator."""
    return STATE_COLORS.get(name.partition("/")[0], GRAY)


def data_color(data: DataSet, several: bool) -> str:
    """Return the color of points: by state where `several` are shown, else by experiment."""
    return color_of(data.state) if several else EXPERIMENT_COLORS.get(data.experiment, GRAY)


def band_label(label: str) -> str:
    """Return the label of a band for a figure, with symbols for coefficients."""
    for plain, symbol in COEFFICIENTS.items():
        if label.startswith(f"{plain}:"):
            return symbol + label.removeprefix(plain).replace("-", "\N{MINUS SIGN}")
    return label


def write_corner(ax: Axes, name: str, size: int) -> None:
    """Name a meson or ratio in the upper left corner."""
    corner = ax.text(0.05, 0.95, state_label(name), fontsize=size, color=color_of(name), va="top")
    corner.set_transform(ax.transAxes)


def write_note(figure: Figure, note: str) -> None:
    """Write a text below the panels."""
    letters = int(14.5 * figure.get_figwidth())  # in an inch of this size, measured on wide notes
    lines = [line for part in note.splitlines() for line in textwrap.wrap(part, letters)]
    if lines:
        words = "\n".join(lines)
        figure.supxlabel(words, fontsize=10.5, color="#333333", x=0.01, ha="left", linespacing=1.4)


def error_sources(curves: Sequence[Curve]) -> str:
    """Say what the bars of curves hold, from the parts of their errors."""
    parts = dict.fromkeys(part for c in curves for value in c.values.values() for part in value.parts)
    words = [text for part, text in SOURCES.items() if part in parts]
    if set(parts) - set(SOURCES):
        words.insert(1 if "paths" in parts else 0, "numerics")
    *others, last = words or ["nothing: none is estimated"]
    return f"{', '.join(others)} and {last}" if others else last


def state_label(state: str) -> str:
    """Return the name of a meson or ratio for a figure."""
    symbols = shown(state).replace("\N{GREEK CAPITAL LETTER UPSILON}", r"$\mathrm{\Upsilon}$")
    return re.sub("\N{GREEK SMALL LETTER CHI}_(\\w+)", r"$\\chi_{\\mathrm{\1}}$", symbols)


def extent(bands: Sequence[CurveBand], datasets: Sequence[DataSet]) -> tuple[float, float]:
    """Return the lowest and the highest end of bands and bars, zero among them."""
    lows = [np.minimum(b.low, b.central.value - b.central.error) for b in bands]
    highs = [np.maximum(b.high, b.central.value + b.central.error) for b in bands]
    lows += [data.value - np.nan_to_num(data.total_minus) for data in datasets]
    highs += [data.value + np.nan_to_num(data.total_plus) for data in datasets]
    # points without a value are NaN, and all may be
    bottom, top = (
        np.fmin.reduce(np.concatenate([*lows, [0.0]])),
        np.fmax.reduce(np.concatenate([*highs, [0.0]])),
    )
    return float(bottom), float(top)


def ends(bands: Sequence[CurveBand], datasets: Sequence[DataSet]) -> tuple[float, float]:
    """Return the ends of the horizontal axis, from zero where all points are positive."""
    lows = [*(np.min(band.curve.x_low) for band in bands), *(np.nanmin([d.x, d.x_low]) for d in datasets)]
    highs = [*(np.max(band.curve.x_high) for band in bands), *(np.max(data.x) for data in datasets)]
    return _MARGIN * float(min(*lows, 0.0)), _MARGIN * float(max(*highs, 0.0))


def one_class(datasets: Sequence[DataSet]) -> list[DataSet]:
    """Keep one centrality class and range of p_T of each experiment and rapidity, the widest: others would cover it."""
    widest: dict[tuple[str, tuple[float, float]], DataSet] = {}
    for data in datasets:
        key = data.experiment, data.acceptance.y
        if key not in widest or _width(data) > _width(widest[key]):
            widest[key] = data
    return list(widest.values())


def _width(data: DataSet) -> tuple[float, float]:
    low, high = centrality_class(data.centrality[0]) or (0.0, 0.0)
    return high - low, data.acceptance.pT[1] - data.acceptance.pT[0]


def collision_label(data: DataSet) -> str:
    """Return system and energy of a measurement for a figure."""
    name = SYSTEM_NAMES.get(data.system, data.system)
    energy = data.sqrt_s_GeV
    text = f"{energy / 1000:.3g} TeV" if energy >= 1000 else f"{energy:g} GeV"
    return rf"{name}  $\sqrt{{\mathit{{s}}_\mathrm{{NN}}}}$ = {text}"


def collision(datasets: Sequence[DataSet]) -> str:
    """Return system and energy of measurements for a figure."""
    return ", ".join(sorted({collision_label(data) for data in datasets}))


def _add_box(ax: Axes, x: float, low: float, high: float, color: str, alpha: float = 0.22) -> None:
    left, right = ax.get_xlim()
    half = _BOX_HALF_WIDTH * (right - left)
    look: dict[str, Any] = {"facecolor": mpl.colors.to_rgba(color, alpha), "edgecolor": color}
    ax.add_patch(Rectangle((x - half, low), 2 * half, high - low, **look, linewidth=0.7, zorder=5))


def fill_style(color: str, variant: int) -> dict[str, Any]:
    """Return the style of a band: filled, or hatched for every second variation."""
    edge = mpl.colors.to_rgba(color, 0.8)
    if variant % 2:
        return {"facecolor": "none", "edgecolor": edge, "hatch": "////", "linewidth": 0.8}
    return {"facecolor": mpl.colors.to_rgba(color, 0.30), "edgecolor": "none", "linewidth": 0.0}


def theory_marker(color: str) -> dict[str, Any]:
    """Return the style of computed points."""
    face = {"markerfacecolor": "white", "markeredgewidth": 1.6, "markersize": 7}
    return {"marker": "o", "linestyle": "none", "color": color, **face}


def _data_marker(data: DataSet) -> dict[str, Any]:
    size = {"STAR": 10.0, "CMS": 6.0}.get(data.experiment, 5.5)
    return {"marker": MARKERS.get(data.experiment, "v"), "markersize": size, "linestyle": "none"}


def _data_label(data: DataSet, quote_global: bool = False) -> str:
    """Name the experiment and its rapidity range: ``CMS, |y| < 2.4``."""
    rapidity = [part.strip() for part in data.kinematics.split(";") if "y" in part]
    text = ", ".join([data.experiment, *rapidity]).replace("<", " < ").replace("-", "−")
    text = text.replace("y_cm", r"$\mathit{y}_\mathrm{cm}$").replace("|y|", r"|$\mathit{y}$|")
    text = text.replace(" y ", r" $\mathit{y}$ ")
    known = np.isfinite(data.global_rel_plus[0])
    return f"{text} (global ±{100 * data.global_rel_plus[0]:.1f} %)" if quote_global and known else text
