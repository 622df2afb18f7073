"""The page: controls, charts and a table, and who solves while a slider moves. All numbers come from `numbers`."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from html import escape
from typing import Any, Final

import numpy as np
import panel as pn

from ...errors import QtrajError
from .charts import DensityChart, RaaChart, SurvivalChart
from .numbers import Numbers, numbers
from .settings import ORDERS, SLIDERS, STARTS, Settings
from .surrogate import load_surrogate

SOLVER: Final = ThreadPoolExecutor(max_workers=1, thread_name_prefix="qtraj-explore")
"""One solve at a time, whatever the number of visitors: the page stays responsive, and so does the machine."""

LABELS: Final = {
    "T0": "T\N{SUBSCRIPT ZERO} (GeV)",
    "T_end": "T_f (GeV)",
    "kappa_hat": "\N{GREEK SMALL LETTER KAPPA}/T\N{SUPERSCRIPT THREE}",
    "gamma_hat": "\N{GREEK SMALL LETTER GAMMA}/T\N{SUPERSCRIPT THREE}",
}
STYLE: Final = """
<style>
.qx { font-family: system-ui, sans-serif; font-size: 13px; color: #222; line-height: 1.45 }
.qx table { border-collapse: collapse; margin: 6px 0 10px; font-variant-numeric: tabular-nums }
.qx th, .qx td { padding: 3px 14px 3px 0; text-align: right; border-bottom: 1px solid #ddd; font-size: 13px }
.qx th:first-child, .qx td:first-child { text-align: left }
.qx .note { color: #8a4b00 }
.qx .quiet { color: #666 }
.qx h1 { font-size: 20px; margin: 0 0 4px }
</style>
"""

GRID: Final = {
    "display": "grid",
    "grid-template-columns": "repeat(auto-fit, minmax(min(100%, 340px), 1fr))",
    "flex": "1 1 340px",
    "max-width": "1010px",
    "min-width": "0",
}
"""Charts side by side where the window is wide, below each other on a telephone."""

TEMPLATE: Final = """
{% extends base %}
{% block postamble %}<meta name="viewport" content="width=device-width, initial-scale=1">{% endblock %}
{% block contents %}{{ embed(roots.layout) }}{% endblock %}
"""


class Page:
    """One visitor's page.

    Attributes
    ----------
    controls : dict of str to panel widget
        By the names of `Settings`.
    layout : panel.Column
        What the browser shows.
    shown : Numbers or None
        What it shows now.
    """

    def __init__(self) -> None:
        start = Settings()
        self.controls: dict[str, Any] = {
            name: pn.widgets.FloatSlider(
                label=LABELS[name],
                start=s.low,
                end=s.high,
                step=s.step,
                value=getattr(start, name),
                format="0.000" if s.step < 0.01 else "0.00",
                width=230,
            )
            for name, s in SLIDERS.items()
        }
        self.controls["order"] = pn.widgets.RadioButtonGroup(
            options=list(ORDERS), value=start.order, width=230
        )
        self.controls["start"] = pn.widgets.Select(
            label="Start (singlet)", options=list(STARTS), value=start.start, width=230
        )
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
        """Where the controls are.

        Raises
        ------
        InputError
            If a browser sent what no control can be set to.
        """
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
            found = done.result()
        except QtrajError as error:
            self._say(str(error), note=True)
            return
        self.show(found)
        if found.settings != self.settings:
            self.follow()

    def show(self, n: Numbers) -> None:
        """Show the numbers of one position of the controls."""
        self.shown = n
        self._survival.show(n)
        self._density.show(n)
        self._table.object = self._tabulated(n)
        self._say(f"Solved in {n.seconds:.2f} s.")

    def _say(self, text: str, *, note: bool = False) -> None:
        kind = "note" if note else "quiet"
        self._status.object = f'{STYLE}<div class="qx {kind}">{escape(text)}</div>'

    def _tabulated(self, n: Numbers) -> str:
        rows = "".join(
            f"<tr><td>{state}{'' if n.held[state] else ' (transition)'}</td>"
            + "".join(f"<td>{part[state][-1]:.4g}</td>" for part in (n.survival, n.no_jump, n.regeneration))
            + "</tr>"
            for state in n.settings.states
        )
        ratios = [state for state in n.settings.states if n.is_ratio[state]]
        meaning = f"Survival of {', '.join(ratios)} is relative to the start; " if ratios else ""
        meaning += "other numbers are" if ratios else "Each number is"
        meaning += " the probability of the state. "
        singlet, octet = n.population.sum(axis=-1)
        meaning += (
            f"The densities are of the pairs kept, singlet {singlet:.2g} and octet {octet:.2g} of 1; others are too "
            f"fast or too far apart. Of all pairs {n.octet[0]:.2g} to {n.octet[1]:.2g} are octets."
        )
        notes = "".join(f'<p class="note">{escape(note)}</p>' for note in n.notes)
        worst = float(np.max(self._surrogate.error))
        paths = float(np.max(np.asarray(self._surrogate.paths)))
        return (
            f'{STYLE}<div class="qx"><b>At the end of the medium, t = {n.times_fm[-1]:.2f} fm/c</b><table>'
            f"<tr><th></th><th>at the end</th><th>without jumps</th><th>regeneration</th></tr>{rows}</table>"
            f"{meaning} From the density matrix at rtol = 1e-2 without its error budget: about 1 % "
            "(3 % for states that the start is not made of); "
            f"<code>qtraj solve</code> gives numbers with errors.{notes}"
            f'<p class="quiet">R_AA follows the two coefficients only. Bars: its few paths (at most {paths:.3f}, '
            f"common to all settings) and interpolation between runs (leave-one-out, at most {worst:.4f}).</p></div>"
        )

    def _arranged(self) -> Any:
        title = pn.pane.HTML(
            f'{STYLE}<div class="qx"><h1>qtraj explore</h1>A bottom quark pair in a medium that cools as in '
            "Bjorken flow: move a slider, and the Lindblad equation is solved.</div>",
            width=230,
        )
        cost = "NLO costs more: seconds instead of tenths of one"
        order = pn.pane.HTML(
            f'{STYLE}<div class="qx">Order in E/T <span class="quiet">({cost})</span></div>', width=230
        )
        sliders = [self.controls[name] for name in SLIDERS]
        controls = pn.Column(
            title, *sliders, self.controls["start"], order, self.controls["order"], self._status, width=250
        )
        panes = [
            pn.pane.Bokeh(chart.figure, sizing_mode="stretch_width")
            for chart in (self._survival, self._density, self._raa)
        ]
        shown = pn.Column(*panes, self._table, sizing_mode="stretch_width", styles=GRID)
        return pn.FlexBox(controls, shown, flex_wrap="wrap", margin=10, sizing_mode="stretch_width")


def page() -> Any:
    """Return a new page, for `panel.serve`."""
    template = pn.Template(TEMPLATE)
    template.add_panel("layout", Page().layout)
    return template
