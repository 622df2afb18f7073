"""The three charts of the page in Bokeh: each is drawn once, and `show` changes the numbers under its lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from bokeh.models import ColumnDataSource, HoverTool, Legend, LegendItem, PrintfTickFormatter, Whisker
from bokeh.plotting import figure
from numpy.typing import NDArray

from .numbers import R_MAX, Numbers
from .surrogate import RaaSurrogate

Float = NDArray[np.float64]

COLORS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
"""Of Okabe and Ito: told apart by color-blind readers, too."""

SIZE: Final = {"sizing_mode": "stretch_width", "height": 350}
LEAST: Final = 1e-4
"""Smallest survival on the logarithmic axis."""


def _figure(title: str, x: str, y: str, **options: Any) -> Any:
    plot = figure(
        title=title,
        x_axis_label=x,
        y_axis_label=y,
        tools="",
        toolbar_location=None,
        **SIZE,
        **options,
    )
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
    plot.add_layout(
        Legend(
            items=items,
            orientation="horizontal",
            location="center",
            border_line_alpha=0.0,
            label_text_font_size="12px",
            padding=0,
            margin=4,
        ),
        "below",
    )


class SurvivalChart:
    """Survival of three states, or transition to them, against time: total, without jumps, and their difference."""

    STYLES: Final = {"survival": "solid", "no_jump": "dashed", "regeneration": "dotted"}

    def __init__(self) -> None:
        self.figure = _figure(
            "Survival or transition (- - no jump, \N{MIDDLE DOT}\N{MIDDLE DOT}\N{MIDDLE DOT} regenerated)",
            "t (fm/c)",
            "survival, or probability",
            y_axis_type="log",
            y_range=(LEAST, 1.3),
        )
        self.sources = [ColumnDataSource() for _ in range(3)]
        self._items = []
        hover = []
        for source, color in zip(self.sources, COLORS, strict=False):
            source.data = _empty("t", "state", *self.STYLES)
            lines = [
                self.figure.line("t", name, source=source, color=color, line_width=2.2, line_dash=dash)
                for name, dash in self.STYLES.items()
            ]
            hover.append(lines[0])
            self._items.append(LegendItem(label="", renderers=lines[:1]))
        tips = [("state", "@state"), ("t", "@t{0.00} fm/c"), ("in all", "@survival{0.00000}")]
        tips += [("without jumps", "@no_jump{0.00000}"), ("regeneration", "@regeneration{0.00000}")]
        self.figure.add_tools(HoverTool(renderers=hover, tooltips=tips))
        _legend(self.figure, self._items)

    def show(self, n: Numbers) -> None:
        """Show the numbers of one position of the controls."""
        for source, item, state in zip(self.sources, self._items, n.settings.states, strict=True):
            values = {name: getattr(n, name)[state] for name in self.STYLES}
            # a logarithmic axis has no place for zero
            shown = {name: np.where(y > LEAST / 10, y, np.nan) for name, y in values.items()}
            source.data = {"t": n.times_fm, "state": [state] * len(n.times_fm), **shown}
            kind = "" if n.held[state] else " (transition)"
            item.label = {"value": state + kind}


class DensityChart:
    """Probability density in r at the end for each color and l."""

    LARGEST_L: Final = 3

    def __init__(self) -> None:
        self.figure = _figure(
            "The pairs kept at the end (- - octet)",
            "r (1/GeV)",
            "probability per length (GeV)",
            x_range=(0.0, R_MAX),
        )
        self.figure.y_range.start = 0
        self.figure.yaxis.formatter = PrintfTickFormatter(format="%.2g")
        self.source = ColumnDataSource(data=_empty("r", *self._columns()))
        self._items = []
        hover = []
        for l in range(self.LARGEST_L + 1):
            lines = [
                self.figure.line(
                    "r", f"{color}{l}", source=self.source, color=COLORS[l], line_width=2.2, line_dash=dash
                )
                for color, dash in (("singlet", "solid"), ("octet", "dashed"))
            ]
            hover += lines[: l == 0]
            self._items.append(LegendItem(label=f"l = {l}", renderers=lines[:1]))
        self._hover = HoverTool(renderers=hover, mode="vline")
        self.figure.add_tools(self._hover)
        _legend(self.figure, self._items)

    def _columns(self) -> Sequence[str]:
        return [f"{color}{l}" for color in ("singlet", "octet") for l in range(self.LARGEST_L + 1)]

    def show(self, n: Numbers) -> None:
        """Show the numbers of one position of the controls."""
        l_max = n.density.shape[1] - 1
        nothing = np.full(len(n.r), np.nan)
        data: dict[str, Any] = {"r": n.r}
        for c, color in enumerate(("singlet", "octet")):
            for l in range(self.LARGEST_L + 1):
                data[f"{color}{l}"] = n.density[c, l] if l <= l_max else nothing
        self.source.data = data
        shown = range(min(l_max, self.LARGEST_L) + 1)
        for l, item in enumerate(self._items):
            item.visible = l in shown
        values = "singlet @singlet{l}{{0.00000}}, octet @octet{l}{{0.00000}}"
        self._hover.tooltips = [("r", "@r{0.0}/GeV"), *((f"l = {l}", values.format(l=l)) for l in shown)]


class RaaChart:
    """R_AA against N_part from the surrogate, with its errors."""

    def __init__(self, surrogate: RaaSurrogate) -> None:
        self._surrogate = surrogate
        self.figure = _figure(
            "R_AA, Pb-Pb 5.02 TeV (LO, T_f = 250 MeV)",
            "N_part",
            "R_AA",
            x_range=(0.0, 420.0),
            y_range=(0.0, 1.1),
        )
        self.sources = []
        items = []
        for meson, color in zip(surrogate.mesons, COLORS, strict=False):
            source = ColumnDataSource(data=_empty("n_part", "meson", "raa", "error", "low", "high"))
            line = self.figure.line("n_part", "raa", source=source, color=color, line_width=2.2)
            points = self.figure.scatter("n_part", "raa", source=source, color=color, size=7)
            self.figure.add_layout(
                Whisker(
                    source=source,
                    base="n_part",
                    lower="low",
                    upper="high",
                    line_color=color,
                    upper_head=None,
                    lower_head=None,
                )
            )
            tips = [
                ("", "@meson"),
                ("N_part", "@n_part{0.0}"),
                ("R_AA", "@raa{0.000} \N{PLUS-MINUS SIGN} @error{0.000}"),
            ]
            self.figure.add_tools(HoverTool(renderers=[points], tooltips=tips))
            self.sources.append(source)
            items.append(
                LegendItem(label=meson.replace("Y", "\N{GREEK CAPITAL LETTER UPSILON}"), renderers=[line])
            )
        _legend(self.figure, items)

    def show(self, kappa_hat: float, gamma_hat: float) -> None:
        """Show R_AA for two coefficients; the bars are the errors of paths and interpolation in quadrature."""
        values = self._surrogate(kappa_hat, gamma_hat)
        errors = np.hypot(self._surrogate.error, np.asarray(self._surrogate.paths).mean(axis=(0, 1)))
        for source, meson, raa, error in zip(
            self.sources, self._surrogate.mesons, values, errors, strict=True
        ):
            source.data = {
                "n_part": np.asarray(self._surrogate.n_part),
                "meson": [meson] * len(raa),
                "raa": raa,
                "error": error,
                "low": raa - error,
                "high": raa + error,
            }
