"""The page: controls, three charts in Bokeh, and a table. All numbers come from `model.numbers`, in a thread.

Each chart is drawn once, and its `show` changes the numbers under its lines.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from html import escape
from string import Template
from typing import Any, Final

import numpy as np
import panel as pn
from bokeh.models import ColumnDataSource, HoverTool, Legend, LegendItem, PrintfTickFormatter, Whisker
from bokeh.plotting import figure

from ...errors import QtrajError
from ...io.pages import template
from ...physics.model import ORDERS
from .model import R_MAX, SLIDERS, STARTS, Numbers, RaaSurrogate, Settings, load_surrogate, numbers

# one solve at a time, whatever the number of visitors: the page stays responsive, and so does the machine
SOLVER: Final = ThreadPoolExecutor(max_workers=1, thread_name_prefix="qtraj-explore")
LABELS: Final = {
    "T0": "T at 0.6 fm/c (GeV)",
    "T_end": "T at the end (GeV)",
    "kappa_hat": "\N{GREEK SMALL LETTER KAPPA}/T\N{SUPERSCRIPT THREE}",
    "gamma_hat": "\N{GREEK SMALL LETTER GAMMA}/T\N{SUPERSCRIPT THREE}",
}
STYLE: Final = f"<style>{template('explore.css')}</style>"
# of Okabe and Ito: told apart by color-blind readers, too
COLORS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
LEAST: Final = (1e-8, 1e-4)  # ends of the logarithmic axis: it reaches down to what is regenerated at the end
LARGEST_L: Final = 3  # curves in r of larger l are not drawn: there is little probability in them
# charts side by side where the window is wide, below each other on a telephone
GRID: Final = {
    "display": "grid",
    "grid-template-columns": "repeat(auto-fit, minmax(min(100%, 340px), 1fr))",
    "flex": "1 1 340px",
    "max-width": "1010px",
    "min-width": "0",
}


def _figure(title: str, x: str, y: str, **options: Any) -> Any:
    options |= {"tools": "", "toolbar_location": None, "sizing_mode": "stretch_width", "height": 350}
    plot = figure(title=title, x_axis_label=x, y_axis_label=y, **options)
    plot.title.text_font_size = "13px"
    for axis in (*plot.xaxis, *plot.yaxis):
        axis.axis_label_text_font_style = "normal"
        axis.axis_label_text_font_size = "13px"
        axis.major_label_text_font_size = "12px"
    plot.grid.grid_line_color = "#ececec"
    plot.outline_line_color = "#999999"
    plot.min_border_right = 18
    return plot


def _empty(*columns: str) -> dict[str, Any]:
    return {column: [] for column in columns}


def _legend(plot: Any, items: list[LegendItem]) -> None:
    style = {"border_line_alpha": 0.0, "label_text_font_size": "12px", "padding": 0, "margin": 4}
    plot.add_layout(Legend(items=items, orientation="horizontal", location="center", **style), "below")


def _name(n: Numbers, state: str) -> str:
    return state if n.held[state] else f"{state} (transition)"


class SurvivalChart:
    """Survival of three states, or transition to them, against time: total, without jumps, and their difference."""

    STYLES: Final = {"survival": "solid", "no_jump": "dashed", "regeneration": "dotted"}

    def __init__(self) -> None:
        title = "Survival (- - no jump, \N{MIDDLE DOT}\N{MIDDLE DOT}\N{MIDDLE DOT} regenerated)"
        axis: dict[str, Any] = {"y_axis_type": "log", "y_range": (LEAST[1], 1.3)}
        self.figure = _figure(title, "t (fm/c)", "survival, or probability", **axis)
        self.sources = [ColumnDataSource() for _ in range(3)]
        self._items = []
        hover = []
        for source, color in zip(self.sources, COLORS, strict=False):
            source.data = _empty("t", "state", *self.STYLES)
            line = partial(self.figure.line, "t", source=source, color=color, line_width=2.2)
            lines = [line(name, line_dash=dash) for name, dash in self.STYLES.items()]
            hover.append(lines[0])
            self._items.append(LegendItem(label="", renderers=lines[:1]))
        tips = [("state", "@state"), ("t", "@t{0.00} fm/c"), ("in all", "@survival{0.00000}")]
        tips += [("without jumps", "@no_jump{0.00000}"), ("regeneration", "@regeneration{0.00000}")]
        self.figure.add_tools(HoverTool(renderers=hover, tooltips=tips))
        _legend(self.figure, self._items)

    def show(self, n: Numbers) -> None:
        """Show the numbers of one position of the controls."""
        ends = [part[s][-1] for part in (n.survival, n.regeneration) for s in n.settings.states]
        least = float(np.clip(0.3 * min((y for y in ends if y > 0), default=1.0), *LEAST))
        self.figure.y_range.start = least
        for source, item, state in zip(self.sources, self._items, n.settings.states, strict=True):
            values = {name: getattr(n, name)[state] for name in self.STYLES}
            # a logarithmic axis has no place for zero
            shown = {name: np.where(y > least / 10, y, np.nan) for name, y in values.items()}
            source.data = {"t": n.times_fm, "state": [state] * len(n.times_fm), **shown}
            item.label = {"value": _name(n, state)}


class DensityChart:
    """Probability density in r at the end for each color and l."""

    COLUMNS: Final = tuple(f"{color}{l}" for color in ("singlet", "octet") for l in range(LARGEST_L + 1))

    def __init__(self) -> None:
        title = "The pairs kept at the end (- - octet)"
        self.figure = _figure(title, "r (1/GeV)", "probability per length (GeV)", x_range=(0.0, R_MAX))
        self.figure.y_range.start = 0
        self.figure.yaxis.formatter = PrintfTickFormatter(format="%.2g")
        self.source = ColumnDataSource(data=_empty("r", *self.COLUMNS))
        self._items = []
        hover = []
        for l in range(LARGEST_L + 1):
            line = partial(self.figure.line, "r", source=self.source, color=COLORS[l], line_width=2.2)
            lines = [line(f"singlet{l}", line_dash="solid"), line(f"octet{l}", line_dash="dashed")]
            hover += lines[: l == 0]
            self._items.append(LegendItem(label=f"l = {l}", renderers=lines[:1]))
        self._hover = HoverTool(renderers=hover, mode="vline")
        self.figure.add_tools(self._hover)
        _legend(self.figure, self._items)

    def show(self, n: Numbers) -> None:
        """Show the numbers of one position of the controls."""
        # columns of l that the equation does not have stay empty
        shown = range(min(n.density.shape[1], LARGEST_L + 1))
        curves = np.full((2, LARGEST_L + 1, len(n.r)), np.nan)
        curves[:, : len(shown)] = n.density[:, : len(shown)]
        self.source.data = {"r": n.r, **dict(zip(self.COLUMNS, curves.reshape(-1, len(n.r)), strict=True))}
        for l, item in enumerate(self._items):
            item.visible = l in shown
        values = "singlet @singlet{l}{{0.00000}}, octet @octet{l}{{0.00000}}"
        self._hover.tooltips = [("r", "@r{0.0}/GeV"), *((f"l = {l}", values.format(l=l)) for l in shown)]


class RaaChart:
    """R_AA against N_part from the surrogate, with its errors."""

    def __init__(self, surrogate: RaaSurrogate) -> None:
        self._surrogate = surrogate
        title = "Pb\N{EN DASH}Pb, 5.02 TeV (LO, down to 250 MeV)"
        self.figure = _figure(
            title,
            "mean number of participants",
            "nuclear modification factor",
            x_range=(0.0, 420.0),
            y_range=(0.0, 1.1),
        )
        self.sources = []
        items = []
        for meson, color in zip(surrogate.mesons, COLORS, strict=False):
            source = ColumnDataSource(data=_empty("n_part", "meson", "raa", "error", "low", "high"))
            line = self.figure.line("n_part", "raa", source=source, color=color, line_width=2.2)
            points = self.figure.scatter("n_part", "raa", source=source, color=color, size=7)
            ends = {"base": "n_part", "lower": "low", "upper": "high", "lower_head": None, "upper_head": None}
            self.figure.add_layout(Whisker(source=source, line_color=color, **ends))
            tips = [("", "@meson"), ("participants", "@n_part{0.0}")]
            tips += [("factor", "@raa{0.000} \N{PLUS-MINUS SIGN} @error{0.000}")]
            self.figure.add_tools(HoverTool(renderers=[points], tooltips=tips))
            self.sources.append(source)
            label = meson.replace("Y", "\N{GREEK CAPITAL LETTER UPSILON}")
            items.append(LegendItem(label=label, renderers=[line]))
        _legend(self.figure, items)

    def show(self, kappa_hat: float, gamma_hat: float) -> None:
        """Show R_AA for two coefficients; the bars are the errors of paths and interpolation in quadrature."""
        fit = self._surrogate
        errors = np.hypot(fit.error, fit.paths.mean(axis=(0, 1)))
        shown = zip(self.sources, fit.mesons, fit(kappa_hat, gamma_hat), errors, strict=True)
        for source, meson, raa, error in shown:
            values = {"raa": raa, "error": error, "low": raa - error, "high": raa + error}
            source.data = {"n_part": fit.n_part, "meson": [meson] * len(raa), **values}


class Page:
    """One visitor's page: `layout` is what the browser shows, `shown` the numbers there, if any.

    `controls` are widgets by the names of `Settings`.
    """

    def __init__(self) -> None:
        start = Settings()
        self.controls: dict[str, Any] = {}
        for name, (low, high, step) in SLIDERS.items():
            values = {"start": low, "end": high, "step": step, "format": "0.000" if step < 0.01 else "0.00"}
            slider = pn.widgets.FloatSlider(
                label=LABELS[name], value=getattr(start, name), width=230, **values
            )
            self.controls[name] = slider
        order: dict[str, Any] = {"options": list(ORDERS), "value": start.order}
        self.controls["order"] = pn.widgets.RadioButtonGroup(**order, width=230)
        states: dict[str, Any] = {"options": list(STARTS), "value": start.start}
        self.controls["start"] = pn.widgets.Select(label="Start (singlet)", **states, width=230)
        self.shown: Numbers | None = None
        self._busy = False
        self._surrogate = load_surrogate()
        self._survival, self._density = SurvivalChart(), DensityChart()
        self._raa = RaaChart(self._surrogate)
        self._table = pn.pane.HTML("", sizing_mode="stretch_width")
        self._status = pn.pane.HTML("", width=230)
        self._document = pn.state.curdoc
        self.layout = self._arranged()
        for control in self.controls.values():
            control.param.watch(self.follow, "value")
        self.follow()

    @property
    def settings(self) -> Settings:
        """Where the controls are; `InputError` if a browser sent what no control can be set to."""
        return Settings(**{name: control.value for name, control in self.controls.items()})

    def follow(self, *_: Any) -> None:
        """Solve where the controls are, unless a solve is under way: then its end looks where they have gone."""
        try:
            wanted = self.settings
        except QtrajError as error:
            self._say(str(error), note=True)
            return
        self._raa.show(wanted.kappa_hat, wanted.gamma_hat)
        if self._busy:
            return
        self._busy = True
        self._say("Solving ... (the first of a kind is compiled: about ten seconds)")
        SOLVER.submit(numbers, wanted).add_done_callback(self._announce)

    def _announce(self, done: Future[Numbers]) -> None:
        """Hand a result from the solver's thread to the page's."""
        if self._document is None:
            self._arrived(done)
        else:
            self._document.add_next_tick_callback(partial(self._arrived, done))

    def _arrived(self, done: Future[Numbers]) -> None:
        self._busy = False
        try:
            arrived = done.result()
        except QtrajError as error:
            self._say(str(error), note=True)
            return
        self.show(arrived)
        if arrived.settings != self.settings:
            self.follow()

    def show(self, n: Numbers) -> None:
        """Show the numbers of one position of the controls."""
        self._survival.show(n)
        self._density.show(n)
        self._table.object = self._tabulated(n)
        self._say(f"Solved in {n.seconds:.2f} s.")
        self.shown = n  # last: who waits for it, in another thread, finds all of it

    def _say(self, text: str, *, note: bool = False) -> None:
        kind = "note" if note else "quiet"
        self._status.object = f'{STYLE}<div class="qx {kind}">{escape(text)}</div>'

    def _tabulated(self, n: Numbers) -> str:
        parts, states = (n.survival, n.no_jump, n.regeneration), n.settings.states
        cells = {state: "".join(f"<td>{part[state][-1]:.4g}</td>" for part in parts) for state in states}
        ratios = ", ".join(state for state in states if n.is_ratio[state])
        meaning = "Each number is the probability of the state."
        if ratios:
            meaning = f"Survival of {ratios} is relative to the start; other numbers are the probability of the state."
        shares = {"singlet": n.population[0].sum(), "octet": n.population[1].sum()}
        shares |= {"least": n.octet[0], "most": n.octet[1]}
        return STYLE + Template(template("explore_table.html")).substitute(
            t=f"{n.times_fm[-1]:.2f}",
            rows="".join(f"<tr><td>{_name(n, state)}</td>{cells[state]}</tr>" for state in states),
            meaning=meaning,
            notes="".join(f'<p class="note">{escape(note)}</p>' for note in n.notes),
            paths=f"{np.max(self._surrogate.paths):.3f}",
            worst=f"{np.max(self._surrogate.error):.4f}",
            **{name: f"{share:.2g}" for name, share in shares.items()},
        )

    def _arranged(self) -> Any:
        about = "A bottom quark pair in a medium that cools as in Bjorken flow: move a slider"
        head = f"<h1>qtraj explore</h1>{about}, and the Lindblad equation is solved."
        title = pn.pane.HTML(f'{STYLE}<div class="qx">{head}</div>', width=230)
        cost = '<span class="quiet">(NLO costs more: seconds instead of tenths of one)</span>'
        order = pn.pane.HTML(f'{STYLE}<div class="qx">Order in E/T {cost}</div>', width=230)
        sliders, given = [self.controls[name] for name in SLIDERS], self.controls
        controls = pn.Column(title, *sliders, given["start"], order, given["order"], self._status, width=250)
        charts = (self._survival, self._density, self._raa)
        panes = [pn.pane.Bokeh(chart.figure, sizing_mode="stretch_width") for chart in charts]
        shown = pn.Column(*panes, self._table, sizing_mode="stretch_width", styles=GRID)
        return pn.FlexBox(controls, shown, flex_wrap="wrap", margin=10, sizing_mode="stretch_width")


def page() -> Any:
    """Return a new page, for `panel.serve`."""
    layout = pn.Template(template("explore.html"))
    layout.add_panel("layout", Page().layout)
    return layout
