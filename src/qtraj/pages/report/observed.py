"""The tables of `qtraj observe`: survival, minimum bias, and the agreement with data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from rich.table import Table

from ...observables.estimate import Estimate
from ...observables.overview import Panel
from ...observables.table import INTEGRATED


def survival_table(averages: Mapping[str, Mapping[str, Estimate]]) -> Table:
    """Return the mean survival of the radial states.

    Parameters
    ----------
    averages : mapping of str to mapping of str to Estimate
        By the name of a setting, then of a state.
    """
    table = Table(title="Mean survival over all paths", title_justify="left")
    table.add_column("setting")
    states = list(dict.fromkeys(state for means in averages.values() for state in means))
    for state in states:
        table.add_column(state, justify="right")
    for label, means in averages.items():
        table.add_row(label, *(str(means[state]) if state in means else "" for state in states))
    return table


def integrated_table(panels: Sequence[Panel]) -> Table | None:
    """Return R_AA (or R_pA) over everything with the parts of its error, or None if no panel holds it."""
    found = [panel for panel in panels if panel.curve.x_name == INTEGRATED]
    if not found:
        return None
    panel = found[0]
    ratio = panel.curve.observable
    title = f"{ratio}, minimum bias" if panel.name.endswith("minimum_bias") else f"{ratio} over all rows"
    table = Table(title=title, title_justify="left", caption_justify="left")
    for heading in ("meson", ratio, *panel.parts, "parts of the error"):
        table.add_column(
            heading if heading == ratio else heading.replace("_", " "),
            justify="left" if heading == "meson" else "right",
        )
    for name in panel.shown:
        value = panel.curve[name][0]
        parts = ", ".join(f"{part} {float(size):.2g}" for part, size in value.parts.items())
        table.add_row(name, str(value), *(str(part[name][0]) for part in panel.parts.values()), parts)
    missing = dict.fromkeys(note for name in panel.shown for note in panel.curve[name].not_estimated)
    if missing:
        table.caption = f"Not estimated: {'; '.join(missing)}."
    return table


def agreement_table(panels: Sequence[Panel]) -> Table | None:
    """Return chi-square with each measurement, or None if there is none."""
    rows = [(panel, name, chi) for panel in panels for name, chi in panel.agreement.items()]
    if not rows:
        return None
    table = Table(
        title="Agreement of the central setting with data", title_justify="left", caption_justify="left"
    )
    for heading in ("observable", "measurement", "chi2", "points", "p", "largest pull", "global shift"):
        table.add_column(heading, justify="left" if heading in ("observable", "measurement") else "right")
    previous = ""
    for panel, name, chi in rows:
        if previous and panel.name != previous:
            table.add_section()
        points = f"{chi.points}" + (f" of {chi.points + chi.left_out}" if chi.left_out else "")
        pull = f"{chi.pulls[int(np.argmax(np.abs(chi.pulls)))]:+.1f}"
        shift = ", ".join(f"{value:+.1f}" for value in chi.shifts.values()) or "-"
        first = "" if panel.name == previous else panel.name
        table.add_row(first, name, f"{chi.value:.1f}", points, f"{chi.p_value:.2g}", pull, shift)
        previous = panel.name
    table.caption = (
        "At the points, in the bins and the acceptance of each measurement; errors of the calculation are included, "
        "the model's own uncertainty (the bands) is not. Global shifts in their standard deviations."
    )
    return table


def left_out(panels: Sequence[Panel]) -> list[str]:
    """Return which measurements could not be compared, and why, one line each."""
    return [f"not compared: {panel.name}, {line}" for panel in panels for line in panel.left_out]


def notes(panels: Sequence[Panel]) -> list[str]:
    """Return what a reader of the numbers has to know, each once, with the panels it belongs to."""
    every = dict.fromkeys(note for panel in panels for note in panel.notes)
    return [
        f"note: {', '.join(panel.name for panel in panels if note in panel.notes)}: {note}" for note in every
    ]
