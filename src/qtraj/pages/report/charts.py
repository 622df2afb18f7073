"""Figures of the report as data for ``points.js``: each point carries the text that the pointer shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np

from ...io.pages import rounded
from ...observables.curves import Curve, CurveBand
from ...observables.data.dataset import DataSet
from ...observables.estimate import Estimate, format_value
from ...observables.observable import Observable
from ...observables.overview import Panel
from ...observables.table import AXES, INTEGRATED
from .words import part_name

# names of the palette of page.css, which has a light and a dark value of each
COLORS: Final = ("--blue", "--red", "--green", "--pink", "--orange", "--sky")
MARKERS: Final = {"CMS": "square", "ATLAS": "triangle", "ALICE": "diamond", "STAR": "cross", "LHCb": "wedge"}
PART_WORDS: Final = {
    "total": ("total", ""),
    "no_jump": ("never jumped", "6 4"),
    "regeneration": ("regenerated", "2 4"),
}
_DIGITS: Final = 6


def figures(panels: Sequence[Panel]) -> list[dict[str, Any]]:
    """Return one chart for each observable against a variable.

    Parameters
    ----------
    panels : sequence of Panel
        From `qtraj.observables.overview.overview`; single numbers over everything are left out.
    """
    return [_figure(panel) for panel in panels if panel.curve.x_name != INTEGRATED]


def splits(panels: Sequence[Panel]) -> list[dict[str, Any]]:
    """Return one chart for each meson: R_AA in total, of pairs that never jumped, and of regenerated ones."""
    for panel in panels:
        if panel.parts and panel.curve.x_name != INTEGRATED:
            return [
                _split(panel, name, color) for name, color in zip(panel.shown, _colors(panel), strict=True)
            ]
    return []


def _figure(panel: Panel) -> dict[str, Any]:
    curve = panel.curve
    colors = dict(zip(panel.shown, _colors(panel), strict=True))
    series: list[dict[str, Any]] = []
    for name, color in colors.items():
        bands = [band for band in panel.bands if band.name == name]
        series += [_band(band, color, i) for i, band in enumerate(bands) if band.label]
        series.append(_theory(curve, name, color, bands))
    series += [_data(data, colors[data.state]) for data in panel.datasets]
    title = f"{Observable.named(curve.observable).title} against {AXES[curve.x_name].name}"
    chart = {"name": panel.name, "title": title, **_axes(curve), "series": series}
    return {**chart, "note": _note(panel)}


def _axes(curve: Curve) -> dict[str, Any]:
    observable = Observable.named(curve.observable)
    axes = {"xLabel": AXES[curve.x_name].heading, "yLabel": observable.symbol}
    return {**axes, "fromZero": observable.unmodified > 0}


def _note(panel: Panel) -> str:
    words = []
    if len(panel.curve) > 1 and not np.any(panel.curve.x_high > panel.curve.x_low):
        words.append("Lines between the circles guide the eye.")
    if any(band.label for band in panel.bands):
        words.append("Bands: range over settings, no confidence interval.")
    if panel.curve.selection:
        words.append(f"Selected: {panel.curve.selection}.")
    if panel.datasets:
        words.append("Data: bars statistical, boxes systematic errors.")
    return " ".join(words)


def _split(panel: Panel, name: str, color: str) -> dict[str, Any]:
    curves = {"total": panel.curve, **panel.parts}
    series = []
    for part, curve in curves.items():
        words, dash = PART_WORDS[part]
        line = _theory(curve, name, color, (), words)
        series.append({**line, "state": words, "dash": dash})
    title = f"{name}: where R_AA comes from"
    return {
        "name": f"split_{name}",
        "title": title,
        **_axes(panel.curve),
        "series": series,
        "note": "",
    }


def _colors(panel: Panel) -> list[str]:
    return [f"var({COLORS[i % len(COLORS)]})" for i in range(len(panel.shown))]


def _theory(
    curve: Curve, name: str, color: str, bands: Sequence[CurveBand], words: str = "central setting"
) -> dict[str, Any]:
    values = curve[name]
    points = []
    for i in range(len(curve)):
        value = values[i]
        lines = [f"{name}, {words}", _place(curve.x_name, curve.x[i], curve.x_low[i], curve.x_high[i])]
        lines += estimate_lines(value, Observable.named(curve.observable).symbol)
        lines += [
            f"range of {_band_words(band)}: {band.low[i]:.3g} to {band.high[i]:.3g}"
            for band in bands
            if band.label
        ]
        points.append(
            _point(curve.x[i], curve.x_low[i], curve.x_high[i], float(value.value))
            | {"up": _number(value.error), "down": _number(value.error), "tip": [*lines, "source: this run"]}
        )
    binned = bool(np.any(curve.x_high > curve.x_low))
    look = {"color": color, "line": not binned, "dash": ""}
    return {"kind": "theory", "state": name, "group": "calculated", **look, "points": points}


def estimate_lines(value: Estimate, name: str) -> list[str]:
    """Return the lines of a tooltip: a number with its error and the parts of the error."""
    parts = ", ".join(f"{part_name(part)} {float(size):.2g}" for part, size in value.parts.items())
    return [
        f"{name} = {value}",
        f"error {float(value.error):.2g}: {parts}" if parts else "error not estimated",
    ]


def _band(band: CurveBand, color: str, number: int) -> dict[str, Any]:
    curve = band.curve
    return {
        "kind": "band",
        "state": band.name,
        "group": f"range of {_band_words(band)}",
        "color": color,
        "dash": "5 3" if number else "",
        "binned": bool(np.any(curve.x_high > curve.x_low)),
        **{key: rounded(getattr(curve, name), _DIGITS) for key, name in _EDGES.items()},
        "bottom": rounded(band.low, _DIGITS),
        "top": rounded(band.high, _DIGITS),
    }


_EDGES: Final = {"x": "x", "low": "x_low", "high": "x_high"}


def _band_words(band: CurveBand) -> str:
    name, _, values = band.label.partition(":")
    return f"{ {'kappa': 'κ/T³', 'gamma': 'γ/T³'}.get(name, name) }:{values}".replace("-", "−")


def _data(data: DataSet, color: str) -> dict[str, Any]:
    return {
        "kind": "data",
        "state": data.state,
        "group": f"{data.experiment}, {data.kinematics}",
        "color": color,
        "marker": MARKERS.get(data.experiment, "square"),
        "points": list(_data_points(data)),
    }


def _data_points(data: DataSet) -> Iterator[dict[str, Any]]:
    for i in range(len(data)):
        low, high = float(data.x_low[i]), float(data.x_high[i])
        x = float(data.x[i]) if np.isfinite(data.x[i]) else (low + high) / 2
        if not np.isfinite(x) or not np.isfinite(data.value[i]):
            continue
        limit = np.isfinite(data.upper_limit_cl[i])
        # measurements that publish one total error have no parts
        whole = not np.isfinite(data.stat_plus[i])
        up, down = (data.total_plus, data.total_minus) if whole else (data.stat_plus, data.stat_minus)
        point = _point(x, low, high, float(data.value[i]))
        if limit:
            yield point | {"limit": True, "tip": _data_tip(data, i, x)}
            continue
        point |= {"up": _number(up[i]), "down": _number(down[i])}
        if not whole:
            point |= {"systUp": _number(data.syst_plus[i]), "systDown": _number(data.syst_minus[i])}
        yield point | {"tip": _data_tip(data, i, x)}


def _data_tip(data: DataSet, i: int, x: float) -> list[str]:
    y = Observable.named(data.observable).symbol
    lines = [f"{data.experiment} {data.state}, {data.kinematics}"]
    lines.append(_place(data.x_name, x, float(data.x_low[i]), float(data.x_high[i])))
    if data.centrality[i] and data.x_name != "centrality_pct":
        lines.append(f"centrality {data.centrality[i]}")
    if np.isfinite(data.upper_limit_cl[i]):
        lines.append(f"{y} < {data.value[i]:.3g} (upper limit, {data.upper_limit_cl[i]:g} % confidence)")
        return [*lines, f"source: {data.source}"]
    total = max(_known(data.total_plus[i]), _known(data.total_minus[i]))
    lines.append(f"{y} = {format_value(float(data.value[i]), total)}")
    for words, plus, minus in (
        ("statistical", data.stat_plus[i], data.stat_minus[i]),
        ("systematic", data.syst_plus[i], data.syst_minus[i]),
        ("total", data.total_plus[i], data.total_minus[i]),
        ("global, relative", data.global_rel_plus[i], data.global_rel_minus[i]),
    ):
        if np.isfinite(plus):
            size = f"±{plus:.2g}" if plus == minus else f"+{plus:.2g} −{minus:.2g}"
            lines.append(f"{words} {size}")
    return [*lines, f"source: {data.source}"]


def _known(value: float) -> float:
    return float(value) if np.isfinite(value) else 0.0


def _place(x_name: str, x: float, low: float, high: float) -> str:
    name, unit = AXES[x_name].name, AXES[x_name].unit
    text = f"{name} = {x:.4g}" + (f" {unit}" if unit else "")
    return text + (f" ({low:g} to {high:g})" if high > low else "")


def _point(x: float, low: float, high: float, y: float) -> dict[str, Any]:
    edges = {"low": _number(low), "high": _number(high)} if high > low else {}
    return {"x": _number(x), "y": _number(y), **edges}


def _number(value: Any) -> float | None:
    return rounded(np.atleast_1d(value), _DIGITS)[0]
