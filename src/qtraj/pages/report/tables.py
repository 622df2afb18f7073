"""Tables of the report as rows of text: error budget with the regeneration split, and the agreement with data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...observables.curves import Curve
from ...observables.overview import Panel
from ...observables.table import AXES, INTEGRATED
from .words import against, part_name


@dataclass(frozen=True)
class PageTable:
    """A table of text.

    Parameters
    ----------
    caption : str
        What it holds, with units.
    headings : tuple of str
        Of the columns; the first `words` columns are words, the others numbers.
    rows : tuple of tuple of str
        Cells.
    notes : tuple of str
        Below it.
    words : int
        Number of leading columns that are left-aligned.
    """

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    words: int = 2


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
    for panel in chosen:
        for name in panel.shown:
            for i in range(len(panel.curve)):
                value = panel.curve[name][i]
                sizes = (_size(value.parts[p]) if p in value.parts else "–" for p in parts)
                rows.append((name, _place(panel.curve, i), str(value), _size(value.error), *sizes))
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
    for panel in chosen:
        for name in panel.shown:
            for i in range(len(panel.curve)):
                total, bare, regenerated = (
                    curve[name][i]
                    for curve in (panel.curve, panel.parts["no_jump"], panel.parts["regeneration"])
                )
                share = f"{100 * float(regenerated.value) / float(total.value):.1f} %" if total.value else "–"
                rows.append((name, _place(panel.curve, i), str(total), str(bare), str(regenerated), share))
    headings = ("meson", "where", "R_AA", "never jumped", "regenerated", "share regenerated")
    return PageTable("R_AA = never jumped + regenerated, central setting", headings, tuple(rows))


def agreement_rows(panels: Sequence[Panel]) -> PageTable | None:
    """Return chi-square with each measurement, or None if there is none."""
    rows = []
    for panel in panels:
        for name, chi in panel.agreement.items():
            pull = chi.pulls[int(np.argmax(np.abs(chi.pulls)))]
            points = f"{chi.points}" + (f" of {chi.points + chi.left_out}" if chi.left_out else "")
            shifts = ", ".join(f"{shift:+.1f}" for shift in chi.shifts.values()) or "–"
            cells = (f"{chi.value:.1f}", points, f"{chi.p_value:.2g}", f"{pull:+.1f}", shifts)
            rows.append((against(panel.curve), name, *(cell.replace("-", "−") for cell in cells)))
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
    whole = [panel for panel in raa if panel.curve.x_name == INTEGRATED]
    others = [panel for panel in raa if panel.curve.x_name != INTEGRATED]
    return whole + others[:1]


def _size(error: Any) -> str:
    return f"{float(error):.1e}".replace("-", "\N{MINUS SIGN}") if error else "0"


def _place(curve: Curve, i: int) -> str:
    if curve.x_name == INTEGRATED:
        return "all"
    name, unit = AXES[curve.x_name].name, AXES[curve.x_name].unit
    if curve.x_high[i] > curve.x_low[i]:
        return f"{name} {curve.x_low[i]:g} to {curve.x_high[i]:g} {unit}".strip()
    return f"{name} = {curve.x[i]:.4g} {unit}".strip()
