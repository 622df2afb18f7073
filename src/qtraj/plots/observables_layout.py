"""Labels, ends of axes, and which measurements share a figure of observables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from ..observables.curves import CurveBand
from ..observables.data.compare import centrality_class
from ..observables.data.dataset import DataSet
from ..observables.overview import Panel

AXIS_LABELS: Final = {
    "N_part": r"$\langle \mathit{N}_\mathrm{part}\rangle$",
    "centrality_pct": "Centrality [%]",
    "b_fm": r"$\mathit{b}$ [fm]",
    "pT_GeV": r"$\mathit{p}_\mathrm{T}$ [GeV]",
    "y": r"$\mathit{y}$",
    "abs_y": r"$|\mathit{y}|$",
    "y_cm": r"$\mathit{y}_\mathrm{cm}$",
}
OBSERVABLE_LABELS: Final = {
    "R_AA": r"$\mathit{R}_\mathrm{AA}$",
    "R_pA": r"$\mathit{R}_\mathrm{pA}$",
    "double_ratio": "Double ratio to pp",
}

_MARGIN: Final = 1.07  # ends of the axis over the last points


def observable_label(observable: str) -> str:
    """Return the label of an axis: ``"R_AA"``, ``"v2"``, ... with symbols."""
    if observable.startswith("v"):
        return rf"$\mathit{{v}}_{{{observable[1:]}}}$"
    return OBSERVABLE_LABELS.get(observable, observable)


def band_label(label: str) -> str:
    """Return the label of a band for a figure, with symbols for coefficients."""
    for plain, symbol in (("kappa", r"$\hat\kappa$"), ("gamma", r"$\hat\gamma$"), ("T_end", r"$T_f$")):
        if label.startswith(f"{plain}:"):
            return symbol + label.removeprefix(plain).replace("-", "\N{MINUS SIGN}")
    return label


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


def limits(panel: Panel) -> dict[str, tuple[float, float]]:
    """Limits of the vertical axis: room for the legends above, zero at the bottom of what is positive."""
    found = {}
    for name in panel.shown:
        central = panel.curve[name]
        highs = [float(np.max(central.value + central.error))]
        highs += [float(np.max(band.high)) for band in panel.bands if band.name == name]
        lows = [float(np.min(central.value - central.error))]
        lows += [float(np.min(band.low)) for band in panel.bands if band.name == name]
        for data in one_class([d for d in panel.datasets if d.state == name]):
            highs.append(float(np.max(data.value + np.nan_to_num(data.total_plus))))
            lows.append(float(np.min(data.value - np.nan_to_num(data.total_minus))))
        top, bottom = max(highs), min(lows)
        if panel.curve.observable.startswith("v"):
            reach = max(top, -bottom, 0.005)
            found[name] = min(1.2 * bottom, -0.2 * reach), 1.6 * reach
        else:
            found[name] = 0.0, 1.5 * top
    return found
