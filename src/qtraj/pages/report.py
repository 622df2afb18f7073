"""The report: a run as one self-contained HTML page, which works from disk, without network.

Charts are data for ``points.js``, each point with the text that the pointer shows; tables are rows of text.
"""

from __future__ import annotations

import html
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from ..io.citations import of_data
from ..io.config import NO_DIPOLE
from ..io.factory import feeddown_of
from ..io.pages import page, rounded, write_page
from ..observables.curves import Curve, CurveBand
from ..observables.data.compare import GEOMETRIC
from ..observables.data.dataset import DataSet
from ..observables.data.systems import load_system
from ..observables.estimate import format_value
from ..observables.observable import Observable
from ..observables.overview import Panel, overview
from ..observables.table import AXES, INTEGRATED, selected
from ..plots.artists import one_class
from ..states import shown
from .run import Run, pair_over_time, representative, setup
from .tables import about, agreement_cells, left_out, part_name, window

NO_FLUID: Final = "The density over time is not shown: the hydrodynamics of this run are not at hand."
ACCURACY: Final = {
    "LO": "Solved for this page on a finer mesh than survivals need. The singlet is good to half a percent of its "
    "maximum, the octet to two percent until 0.5 fm/c after the medium begins, then to eight; both to a fifth late "
    "if the start has l = 1. The slider opens where the errors are small.",
    "NLO": "Pairs with more energy than the equation holds for (4 GeV, more in media that start early) are not in the "
    "start and count as lost from the beginning; they have left before the medium acts. The rest is good to a percent "
    "of the maximum, and to a tenth in the octet at 1.5 fm/c, 2.6 fm apart, where jumps end.",
}
ACCURACY["all"] = ACCURACY["NLO"]  # the same step, mesh and start
UNMEASURED: Final = (
    "Solved for this page on a finer mesh than survivals need. How good the density is has not been measured for "
    "complex potentials; the numbers to quote are the survivals."
)
COLD: Final = (
    "The density over time is not shown: the medium is never above T_end on this path, or the jumps of this potential "
    "are not known."
)

# names of the palette of page.css, which has a light and a dark value of each
COLORS: Final = ("--blue", "--red", "--green", "--pink", "--orange", "--sky")
MARKERS: Final = {"CMS": "square", "ATLAS": "triangle", "ALICE": "diamond", "STAR": "cross", "LHCb": "wedge"}
CLASS_MARKERS: Final = ("square", "triangle", "diamond", "wedge", "cross")
PART_LABELS: Final = {
    "total": ("total", ""),
    "no_jump": ("never jumped", "6 4"),
    "regeneration": ("regenerated", "2 4"),
}
_DIGITS: Final = 6


class PageTable(NamedTuple):
    """A table of text, with its caption above and its notes below."""

    caption: str
    headings: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    notes: Sequence[str] = ()
    texts: int = 2  # leading columns that hold text and are left-aligned; the others hold numbers


class Contents(NamedTuple):
    """What a page shows of a run."""

    run: Run
    panels: Sequence[Panel]
    figures: Sequence[Mapping[str, Any]]  # charts as ``points.js`` takes them
    splits: Sequence[Mapping[str, Any]]
    tables: Mapping[str, PageTable | None]  # budget, split and agreement
    moments: Mapping[str, Any] | None  # one pair over time, from `pair_over_time`
    moment_text: str  # which pair, or why there is none
    accuracy: str  # how good its density is


def report_contents(run: Run) -> Contents:
    """Compute what the report of a run shows: all observables, and one pair over time."""
    config, system = run.config, run.survivals.system
    panels: list[Panel] = overview(
        run.survivals.tables,
        system=load_system(system) if system is not None else None,
        feeddown=feeddown_of(run.survivals.feeddown or "group", Path()),
        mesons=config.observables.states,
        data=run.survivals.data,
    )
    pair, which = None, NO_FLUID
    if (chosen := representative(run)) is not None and run.plan is not None:
        history, which = chosen
        pair = pair_over_time(replace(run.plan.run_file, config=run.config), history)
        which = COLD if pair is None else which
    tables = {
        "budget": budget_table(panels),
        "split": split_table(panels),
        "agreement": agreement_rows(panels),
    }
    accuracy = UNMEASURED if NO_DIPOLE in config.model.kappa else ACCURACY[config.model.order]
    return Contents(run, panels, figures(panels), splits(panels), tables, pair, which, accuracy)


def report_page(contents: Contents) -> str:
    """Return the page: style, scripts and data are inside it, all text is escaped."""
    run, panels, tables = contents.run, contents.panels, contents.tables
    system = f"{run.config.system.name} at {run.config.system.sqrt_s_GeV:g} GeV per nucleon pair"
    measured = map(str, of_data(data for panel in panels for data in panel.datasets))
    cited = dict.fromkeys([*run.citations, *measured])
    return page(
        "report.html",
        title=run.config.output.title or run.name,
        styles=["page.css", "report.css"],
        scripts=["charts.js", "points.js", "timeline.js", "report.js"],
        data={"figures": contents.figures, "splits": contents.splits, "moments": contents.moments},
        subtitle=html.escape(f"{system}. Report of {run.name}, made by qtraj {version('qtraj')}."),
        setup=definitions(setup(run), symbols),
        budget=table_html(tables["budget"], "This run holds no R_AA."),
        split=table_html(tables["split"], "This run does not know which pairs never jumped."),
        agreement=table_html(tables["agreement"], "No measurement could be compared with this run."),
        left_out="".join(f"<p>{symbols(line)}</p>\n" for line in left_out(panels)),
        moment_text=symbols(contents.moment_text),
        accuracy=html.escape(contents.accuracy),
        hidden="" if contents.moments is not None else " hidden",
        provenance=definitions(run.provenance, html.escape),
        run_file=html.escape(run.text),
        citations="\n".join(f"<li>{html.escape(line)}</li>" for line in cited),
    )


def write_report(contents: Contents, path: str | os.PathLike[str]) -> Path:
    """Write the page, complete or not at all, and return its path."""
    return write_page(path, report_page(contents))


def symbols(text: str) -> str:
    """Return escaped text with the indices of known symbols, as in N_part, set as such."""
    text = html.escape(shown(text))
    return re.sub(
        r"(?<=[A-Za-zασχ])_(AA|NN|part|end|start|hydro|T|D|F|[bc][012]?|s)\b", r"<sub>\1</sub>", text
    )


def definitions(entries: Mapping[str, str], escaped: Callable[[str], str]) -> str:
    """Return entries of a definition list, their texts escaped by a function."""
    return "\n".join(f"<dt>{html.escape(k)}</dt><dd>{escaped(v)}</dd>" for k, v in entries.items())


def table_html(table: PageTable | None, otherwise: str) -> str:
    """Return a table as HTML, or a paragraph where there is none."""
    if table is None:
        return f"<p>{html.escape(otherwise)}</p>"

    def cells(tag: str, row: Sequence[str]) -> str:
        opened = (tag if i < table.texts else f'{tag} class="number"' for i in range(len(row)))
        return "".join(f"<{o}>{symbols(text)}</{tag[:2]}>" for o, text in zip(opened, row, strict=True))

    rows = "\n".join(f"<tr>{cells('td', row)}</tr>" for row in table.rows)
    notes = "".join(f"<p>{symbols(note)}</p>\n" for note in table.notes)
    caption = f"<caption>{symbols(table.caption)}</caption>"
    head = cells('th scope="col"', table.headings)
    body = f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>"
    # the box scrolls by itself where the window is narrow, and takes the focus for it
    box = f'<div class="scroll" tabindex="0" role="region" aria-label="{html.escape(table.caption)}">'
    return f"{box}<table>{caption}\n{body}</table></div>\n{notes}"


def figures(panels: Sequence[Panel]) -> list[dict[str, Any]]:
    """Return one chart for each observable against a variable; single numbers over everything are left out."""
    charts = []
    for panel in panels:
        if panel.curve.x_name == INTEGRATED:
            continue
        curve = panel.curve
        colors = _colors(panel)
        series: list[dict[str, Any]] = []
        for name, color in colors.items():
            bands = [band for band in panel.bands if band.name == name]
            for i, band in enumerate(bands):
                if band.label:
                    ends = {"x": curve.x, "low": curve.x_low, "high": curve.x_high}
                    ends |= {"bottom": band.low, "top": band.high}
                    head = {
                        "kind": "band",
                        "state": shown(name),
                        "group": f"range of {_settings(band)}",
                        "color": color,
                    }
                    style = {"dash": "5 3" if i else "", "binned": curve.binned}
                    numbers = {end: rounded(values, _DIGITS) for end, values in ends.items()}
                    series.append({**head, **style, **numbers})
            series.append(_theory(curve, name, color, bands))
        series += _measured(panel, colors)
        note = [
            "Lines between the circles guide the eye." if len(curve) > 1 and not curve.binned else "",
            "Bands: range over settings, no confidence interval."
            if any(b.label for b in panel.bands)
            else "",
            f"Selected: {selected(curve.selection)}." if curve.selection else "",
            "Data: bars statistical, boxes systematic errors." if panel.datasets else "",
        ]
        title = Observable.named(curve.observable).title
        title = f"{title} against {AXES[curve.x_name].name}{window(panel)}"
        head = {"name": panel.name, "title": title, **_axes(curve)}
        charts.append({**head, "series": series, "note": " ".join(filter(None, note))})
    return charts


def splits(panels: Sequence[Panel]) -> list[dict[str, Any]]:
    """Return one chart for each meson: R_AA in total, of pairs that never jumped, and of regenerated ones."""
    panel = next((panel for panel in panels if panel.parts and panel.curve.x_name != INTEGRATED), None)
    if panel is None:
        return []
    charts = []
    for name, color in _colors(panel).items():
        series = []
        for part, curve in {"total": panel.curve, **panel.parts}.items():
            label, dash = PART_LABELS[part]
            series.append({**_theory(curve, name, color, (), label), "state": label, "dash": dash})
        head = {
            "name": f"split_{name}",
            "title": f"{shown(name)}: where R_AA comes from",
            **_axes(panel.curve),
        }
        charts.append({**head, "log": True, "series": series, "note": ""})
    return charts


def _axes(curve: Curve) -> dict[str, Any]:
    observable = Observable.named(curve.observable)
    axes = {"xLabel": AXES[curve.x_name].heading, "yLabel": observable.symbol}
    return {**axes, "fromZero": observable.unmodified > 0}


def _colors(panel: Panel) -> dict[str, str]:
    """Return the color of each meson or ratio that a panel shows."""
    return {name: f"var({COLORS[i % len(COLORS)]})" for i, name in enumerate(panel.shown)}


def _theory(
    curve: Curve, name: str, color: str, bands: Sequence[CurveBand], label: str = "central setting"
) -> dict[str, Any]:
    values = curve[name]
    points = []
    for i in range(len(curve)):
        value = values[i]
        error = _number(value.error)
        sizes = ", ".join(f"{part_name(part)} {float(size):.2g}" for part, size in value.parts.items())
        tip = [
            f"{shown(name)}, {label}",
            _place(curve.x_name, curve.x[i], curve.x_low[i], curve.x_high[i]),
            f"{Observable.named(curve.observable).symbol} = {value}",
            f"error {float(value.error):.2g}: {sizes}" if sizes else "error not estimated",
            *(f"range of {_settings(b)}: {b.low[i]:.3g} to {b.high[i]:.3g}" for b in bands if b.label),
            "source: this run",
        ]
        point = _point(curve.x[i], curve.x_low[i], curve.x_high[i], float(value.value))
        points.append({**point, "up": error, "down": error, "tip": tip})
    style = {"color": color, "line": not curve.binned, "dash": ""}
    return {"kind": "theory", "state": shown(name), "group": "calculated", **style, "points": points}


def _settings(band: CurveBand) -> str:
    name, _, values = band.label.partition(":")
    return f"{ {'kappa': 'κ/T³', 'gamma': 'γ/T³'}.get(name, name) }:{values}".replace("-", "−")


def _measured(panel: Panel, colors: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the measurements; where an experiment has several classes, each is named and has a marker of its own.

    The widest class is shown at first, as in the figures, and the others on a click.
    """
    kinds: dict[tuple[str, str], list[str]] = {}
    for data in panel.datasets:
        # against N_part and centrality the points differ in their class, and are one measurement
        name = data.centrality[0] if panel.curve.x_name not in GEOMETRIC else ""
        names = kinds.setdefault((data.experiment, data.kinematics), [])
        if name not in names:
            names.append(name)
    widest = {state: one_class([d for d in panel.datasets if d.state == state]) for state in panel.shown}
    series = []
    for data in panel.datasets:
        made, names = _data(data, colors[data.state]), kinds[data.experiment, data.kinematics]
        if len(names) > 1:
            name = data.centrality[0]
            made["group"] += f", {name}"
            made["marker"] = CLASS_MARKERS[names.index(name) % len(CLASS_MARKERS)]
            made["hidden"] = not any(data is other for other in widest[data.state])
        series.append(made)
    return series


def _data(data: DataSet, color: str) -> dict[str, Any]:
    points, symbol = [], Observable.named(data.observable).symbol
    words = {"stat": "statistical", "syst": "systematic", "total": "total", "global_rel": "global, relative"}
    for i in range(len(data)):
        low, high, value = float(data.x_low[i]), float(data.x_high[i]), float(data.value[i])
        x = float(data.x[i]) if np.isfinite(data.x[i]) else (low + high) / 2
        if not np.isfinite(x) or not np.isfinite(value):
            continue
        point = _point(x, low, high, value)
        tip = [f"{data.experiment} {shown(data.state)}, {data.kinematics}", _place(data.x_name, x, low, high)]
        if data.centrality[i] and data.x_name != "centrality_pct":
            tip.append(f"centrality {data.centrality[i]}")
        if np.isfinite(data.upper_limit_cl[i]):
            point["limit"] = True
            tip.append(f"{symbol} < {value:.3g} (upper limit, {data.upper_limit_cl[i]:g} % confidence)")
        else:
            # one total error may be published, and no parts
            known = "stat" if np.isfinite(data.stat_plus[i]) else "total"
            up, down = (getattr(data, f"{known}_{side}")[i] for side in ("plus", "minus"))
            point |= {"up": _number(up), "down": _number(down)}
            if known == "stat":
                point |= {"systUp": _number(data.syst_plus[i]), "systDown": _number(data.syst_minus[i])}
            total = max(float(np.nan_to_num(error[i])) for error in (data.total_plus, data.total_minus))
            tip.append(f"{symbol} = {format_value(value, total)}")
            for part, name in words.items():
                plus, minus = (getattr(data, f"{part}_{side}")[i] for side in ("plus", "minus"))
                if np.isfinite(plus):
                    size = f"±{plus:.2g}" if plus == minus else f"+{plus:.2g} −{minus:.2g}"
                    tip.append(f"{name} {size}")
        points.append(point | {"tip": [*tip, f"source: {data.source}"]})
    group, marker = f"{data.experiment}, {data.kinematics}", MARKERS.get(data.experiment, "square")
    head = {"kind": "data", "state": shown(data.state), "group": group, "color": color, "marker": marker}
    return {**head, "points": points}


def _place(x_name: str, x: float, low: float, high: float) -> str:
    text = f"{AXES[x_name].name} = {x:.4g} {AXES[x_name].unit}".strip()
    return text + (f" ({low:g} to {high:g})" if high > low else "")


def _point(x: float, low: float, high: float, y: float) -> dict[str, Any]:
    edges = {"low": _number(low), "high": _number(high)} if high > low else {}
    return {"x": _number(x), "y": _number(y), **edges}


def _number(value: Any) -> float | None:
    return rounded(np.atleast_1d(value), _DIGITS)[0]


def budget_table(panels: Sequence[Panel]) -> PageTable | None:
    """Return R_AA and the parts of its error, over everything and along the first curve; None without R_AA."""
    chosen = _raa_panels(panels)
    if not chosen:
        return None
    points = [(name, _where(panel.curve, i), panel.curve[name][i]) for panel, name, i in _points(chosen)]
    parts = list(dict.fromkeys(part for *_, value in points for part in value.parts))
    rows = []
    for name, where, value in points:
        sizes = (_size(value.parts[p]) if p in value.parts else "–" for p in parts)
        rows.append((shown(name), where, str(value), _size(value.error), *sizes))
    missing = dict.fromkeys(reason for *_, value in points for reason in value.not_estimated)
    notes = [
        "Numerical parts add linearly; they, the scatter of paths and the errors of measured input add in quadrature."
    ]
    notes += [f"Not estimated: {'; '.join(missing)}."] * bool(missing)
    headings = ("meson", "where", "R_AA", "error", *map(part_name, parts))
    return PageTable("R_AA of the central setting and the parts of its error", headings, rows, notes)


def split_table(panels: Sequence[Panel]) -> PageTable | None:
    """Return R_AA as the sum of pairs that never jumped and regenerated ones, or None if that is not known."""
    rows = []
    for panel, name, i in _points([panel for panel in _raa_panels(panels) if panel.parts]):
        curves = (panel.curve, panel.parts["no_jump"], panel.parts["regeneration"])
        total, no_jump, regenerated = (curve[name][i] for curve in curves)
        share = f"{100 * float(regenerated.value) / float(total.value):.1f} %" if total.value else "–"
        rows.append((shown(name), _where(panel.curve, i), str(total), str(no_jump), str(regenerated), share))
    headings = ("meson", "where", "R_AA", "never jumped", "regenerated", "share regenerated")
    return PageTable("R_AA = never jumped + regenerated, central setting", headings, rows) if rows else None


def agreement_rows(panels: Sequence[Panel]) -> PageTable | None:
    """Return chi-square with each measurement, or None if there is none."""
    rows = []
    for panel in panels:
        for name, chi in panel.agreement.items():
            cells = ("–" if cell == "-" else cell.replace("-", "−") for cell in agreement_cells(chi))
            rows.append((about(panel), shown(name), *cells))
    if not rows:
        return None
    notes = (
        "At the points, in the bins and the acceptance of each measurement. Errors of the calculation are included, "
        "the range over settings is not. Largest pull and global shift in standard deviations.",
    )
    headings = ("observable", "measurement", "χ²", "points", "p", "largest pull", "global shift")
    return PageTable("Agreement of the central setting with data", headings, rows, notes)


def _raa_panels(panels: Sequence[Panel]) -> list[Panel]:
    """Return R_AA over everything and against the first variable."""
    raa = [panel for panel in panels if panel.curve.observable == "R_AA"]
    along = [panel for panel in raa if panel.curve.x_name != INTEGRATED]
    return [panel for panel in raa if panel.curve.x_name == INTEGRATED] + along[:1]


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
    if curve.x_high[i] > curve.x_low[i]:
        axis = AXES[curve.x_name]
        return f"{axis.name} {curve.x_low[i]:g} to {curve.x_high[i]:g} {axis.unit}".strip()
    return _place(curve.x_name, curve.x[i], 0.0, 0.0)
