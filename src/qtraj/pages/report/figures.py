"""Figures and tables of the report: charts as data for ``points.js``, tables as rows of text.

Each point of a chart carries the text that the pointer shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from ...io.pages import rounded
from ...observables.curves import Curve, CurveBand
from ...observables.data.dataset import DataSet
from ...observables.estimate import format_value
from ...observables.observable import Observable
from ...observables.overview import Panel
from ...observables.table import AXES, INTEGRATED
from ..tables import agreement_cells

# names of the palette of page.css, which has a light and a dark value of each
COLORS: Final = ("--blue", "--red", "--green", "--pink", "--orange", "--sky")
MARKERS: Final = {"CMS": "square", "ATLAS": "triangle", "ALICE": "diamond", "STAR": "cross", "LHCb": "wedge"}
PART_LABELS: Final = {
    "total": ("total", ""),
    "no_jump": ("never jumped", "6 4"),
    "regeneration": ("regenerated", "2 4"),
}
_DIGITS: Final = 6


def symbol(observable: str) -> str:
    """Return the symbol of an observable."""
    return Observable.named(observable).symbol


def part_name(name: str) -> str:
    """Return the name of a part of an error for a reader."""
    return name if name == "l_max" else name.replace("_", " ")


def against(curve: Curve) -> str:
    """Return for example ``"R_AA against N_part"``."""
    name = symbol(curve.observable)
    return f"{name} over all" if curve.x_name == INTEGRATED else f"{name} against {AXES[curve.x_name].name}"


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
    note = [
        "Lines between the circles guide the eye." if len(curve) > 1 and not _binned(curve) else "",
        "Bands: range over settings, no confidence interval." if any(b.label for b in panel.bands) else "",
        f"Selected: {curve.selection}." if curve.selection else "",
        "Data: bars statistical, boxes systematic errors." if panel.datasets else "",
    ]
    title = Observable.named(curve.observable).title
    return {
        "name": panel.name,
        "title": f"{title} against {AXES[curve.x_name].name}",
        **_axes(curve),
        "series": series,
        "note": " ".join(filter(None, note)),
    }


def _axes(curve: Curve) -> dict[str, Any]:
    observable = Observable.named(curve.observable)
    axes = {"xLabel": AXES[curve.x_name].heading, "yLabel": observable.symbol}
    return {**axes, "fromZero": observable.unmodified > 0}


def _binned(curve: Curve) -> bool:
    return bool(np.any(curve.x_high > curve.x_low))


def _split(panel: Panel, name: str, color: str) -> dict[str, Any]:
    series = []
    for part, curve in {"total": panel.curve, **panel.parts}.items():
        label, dash = PART_LABELS[part]
        series.append({**_theory(curve, name, color, (), label), "state": label, "dash": dash})
    head = {"name": f"split_{name}", "title": f"{name}: where R_AA comes from", **_axes(panel.curve)}
    return {**head, "series": series, "note": ""}


def _colors(panel: Panel) -> list[str]:
    return [f"var({COLORS[i % len(COLORS)]})" for i in range(len(panel.shown))]


def _theory(
    curve: Curve, name: str, color: str, bands: Sequence[CurveBand], label: str = "central setting"
) -> dict[str, Any]:
    values = curve[name]
    points = []
    for i in range(len(curve)):
        value = values[i]
        error, parts = _number(value.error), value.parts.items()
        sizes = ", ".join(f"{part_name(part)} {float(size):.2g}" for part, size in parts)
        tip = [
            f"{name}, {label}",
            _place(curve.x_name, curve.x[i], curve.x_low[i], curve.x_high[i]),
            f"{symbol(curve.observable)} = {value}",
            f"error {float(value.error):.2g}: {sizes}" if sizes else "error not estimated",
            *(f"range of {_settings(b)}: {b.low[i]:.3g} to {b.high[i]:.3g}" for b in bands if b.label),
            "source: this run",
        ]
        point = _point(curve.x[i], curve.x_low[i], curve.x_high[i], float(value.value))
        points.append({**point, "up": error, "down": error, "tip": tip})
    style = {"color": color, "line": not _binned(curve), "dash": ""}
    return {"kind": "theory", "state": name, "group": "calculated", **style, "points": points}


def _band(band: CurveBand, color: str, number: int) -> dict[str, Any]:
    curve = band.curve
    return {
        "kind": "band",
        "state": band.name,
        "group": f"range of {_settings(band)}",
        "color": color,
        "dash": "5 3" if number else "",
        "binned": _binned(curve),
        "x": rounded(curve.x, _DIGITS),
        "low": rounded(curve.x_low, _DIGITS),
        "high": rounded(curve.x_high, _DIGITS),
        "bottom": rounded(band.low, _DIGITS),
        "top": rounded(band.high, _DIGITS),
    }


def _settings(band: CurveBand) -> str:
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
        point = _point(x, low, high, float(data.value[i]))
        if np.isfinite(data.upper_limit_cl[i]):
            point |= {"limit": True}
        elif not np.isfinite(data.stat_plus[i]):  # one total error is published, and no parts
            point |= {"up": _number(data.total_plus[i]), "down": _number(data.total_minus[i])}
        else:
            point |= {"up": _number(data.stat_plus[i]), "down": _number(data.stat_minus[i])}
            point |= {"systUp": _number(data.syst_plus[i]), "systDown": _number(data.syst_minus[i])}
        yield point | {"tip": _data_tip(data, i, x)}


def _data_tip(data: DataSet, i: int, x: float) -> list[str]:
    y = symbol(data.observable)
    lines = [f"{data.experiment} {data.state}, {data.kinematics}"]
    lines.append(_place(data.x_name, x, float(data.x_low[i]), float(data.x_high[i])))
    if data.centrality[i] and data.x_name != "centrality_pct":
        lines.append(f"centrality {data.centrality[i]}")
    if np.isfinite(data.upper_limit_cl[i]):
        lines.append(f"{y} < {data.value[i]:.3g} (upper limit, {data.upper_limit_cl[i]:g} % confidence)")
        return [*lines, f"source: {data.source}"]
    total = max(float(np.nan_to_num(error[i])) for error in (data.total_plus, data.total_minus))
    lines.append(f"{y} = {format_value(float(data.value[i]), total)}")
    for name, plus, minus in (
        ("statistical", data.stat_plus[i], data.stat_minus[i]),
        ("systematic", data.syst_plus[i], data.syst_minus[i]),
        ("total", data.total_plus[i], data.total_minus[i]),
        ("global, relative", data.global_rel_plus[i], data.global_rel_minus[i]),
    ):
        if np.isfinite(plus):
            size = f"±{plus:.2g}" if plus == minus else f"+{plus:.2g} −{minus:.2g}"
            lines.append(f"{name} {size}")
    return [*lines, f"source: {data.source}"]


def _place(x_name: str, x: float, low: float, high: float) -> str:
    name, unit = AXES[x_name].name, AXES[x_name].unit
    text = f"{name} = {x:.4g}" + (f" {unit}" if unit else "")
    return text + (f" ({low:g} to {high:g})" if high > low else "")


def _point(x: float, low: float, high: float, y: float) -> dict[str, Any]:
    edges = {"low": _number(low), "high": _number(high)} if high > low else {}
    return {"x": _number(x), "y": _number(y), **edges}


def _number(value: Any) -> float | None:
    return rounded(np.atleast_1d(value), _DIGITS)[0]


@dataclass(frozen=True)
class PageTable:
    """A table of text.

    Parameters
    ----------
    caption : str
        What it holds, with units.
    headings : tuple of str
        Of the columns.
    rows : tuple of tuple of str
        Cells.
    notes : tuple of str
        Below it.
    texts : int
        Number of leading columns that hold text and are left-aligned; the others hold numbers.
    """

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    texts: int = 2


def budget_table(panels: Sequence[Panel]) -> PageTable | None:
    """Return R_AA and the parts of its error, over everything and at each place of the first curve.

    None if the panels hold no R_AA.
    """
    chosen = _raa_panels(panels)
    if not chosen:
        return None
    parts = list(
        dict.fromkeys(p for panel in chosen for name in panel.shown for p in panel.curve[name].parts)
    )
    rows = []
    for panel, name, i in _points(chosen):
        value = panel.curve[name][i]
        sizes = (_size(value.parts[p]) if p in value.parts else "–" for p in parts)
        rows.append((name, _where(panel.curve, i), str(value), _size(value.error), *sizes))
    missing = dict.fromkeys(n for p in chosen for name in p.shown for n in p.curve[name].not_estimated)
    notes = (
        "Numerical parts add linearly; they, the scatter of paths and the errors of measured input add in quadrature.",
        *([f"Not estimated: {'; '.join(missing)}."] if missing else []),
    )
    headings = ("meson", "where", "R_AA", "error", *map(part_name, parts))
    return PageTable("R_AA of the central setting and the parts of its error", headings, tuple(rows), notes)


def split_table(panels: Sequence[Panel]) -> PageTable | None:
    """Return R_AA as the sum of pairs that never jumped and regenerated ones, or None if that is not known."""
    chosen = [panel for panel in _raa_panels(panels) if panel.parts]
    if not chosen:
        return None
    rows = []
    for panel, name, i in _points(chosen):
        curves = (panel.curve, panel.parts["no_jump"], panel.parts["regeneration"])
        total, no_jump, regenerated = (curve[name][i] for curve in curves)
        share = f"{100 * float(regenerated.value) / float(total.value):.1f} %" if total.value else "–"
        rows.append((name, _where(panel.curve, i), str(total), str(no_jump), str(regenerated), share))
    headings = ("meson", "where", "R_AA", "never jumped", "regenerated", "share regenerated")
    return PageTable("R_AA = never jumped + regenerated, central setting", headings, tuple(rows))


def agreement_rows(panels: Sequence[Panel]) -> PageTable | None:
    """Return chi-square with each measurement, or None if there is none."""
    rows = []
    for panel in panels:
        for name, chi in panel.agreement.items():
            cells = ("–" if cell == "-" else cell.replace("-", "−") for cell in agreement_cells(chi))
            rows.append((against(panel.curve), name, *cells))
    if not rows:
        return None
    notes = (
        "At the points, in the bins and the acceptance of each measurement. Errors of the calculation are included, "
        "the range over settings is not. Largest pull and global shift in standard deviations.",
    )
    headings = ("observable", "measurement", "χ²", "points", "p", "largest pull", "global shift")
    return PageTable("Agreement of the central setting with data", headings, tuple(rows), notes)


def _raa_panels(panels: Sequence[Panel]) -> list[Panel]:
    """Return R_AA over everything and against the first variable."""
    raa = [panel for panel in panels if panel.curve.observable == "R_AA"]
    integrated = [panel for panel in raa if panel.curve.x_name == INTEGRATED]
    others = [panel for panel in raa if panel.curve.x_name != INTEGRATED]
    return integrated + others[:1]


def _points(panels: Sequence[Panel]) -> Iterator[tuple[Panel, str, int]]:
    """Yield every panel, meson and place along its curve."""
    for panel in panels:
        for name in panel.shown:
            for i in range(len(panel.curve)):
                yield panel, name, i


def _size(error: Any) -> str:
    return f"{float(error):.1e}".replace("-", "\N{MINUS SIGN}") if error else "0"


def _where(curve: Curve, i: int) -> str:
    if curve.x_name == INTEGRATED:
        return "all"
    name, unit = AXES[curve.x_name].name, AXES[curve.x_name].unit
    if curve.x_high[i] > curve.x_low[i]:
        return f"{name} {curve.x_low[i]:g} to {curve.x_high[i]:g} {unit}".strip()
    return f"{name} = {curve.x[i]:.4g} {unit}".strip()
