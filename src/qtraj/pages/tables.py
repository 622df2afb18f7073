"""Tables on the terminal: those of `qtraj states`, of `qtraj observe`, and of a ratio file of QTraj 1.0."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from ..observables.data.compare import ChiSquare
from ..observables.estimate import Estimate
from ..observables.observable import Observable
from ..observables.overview import Panel
from ..observables.table import AXES, INTEGRATED, selected
from ..physics.model import quark_of
from ..qtraj1 import average_ratios, effective_rows, read_ratios
from ..qtraj1.files.ratios import ENOUGH_ROWS
from ..solvers.projection import Levels
from ..states import CHARMONIA, MESONS, STATE_NAMES, State, shown
from ..units import to_fm

UNBOUND, EMPTY = "unbound", "-"
LEVEL_HEADINGS: Final = (
    *("E\nGeV", "2M+E\nGeV", "PDG\nGeV", "diff\nMeV"),
    *("<r>\nGeV^-1", "<r>\nfm", "rms(r)\nfm"),
)
_RARE = "rare rows"  # how `average_ratios` begins what it says of single states
_FEW_ROWS: Final = (
    f"A mean that fewer than {ENOUGH_ROWS} effective rows carry is most likely too small, and so is its statistical "
    "error; rare_events bounds what was not seen."
)


FAMILIES: Final = {
    "bottom": (MESONS, shown("PDG 2026: Y(nS); chi_b(nP) averaged over spin")),
    "charm": (CHARMONIA, shown("PDG 2026: J/psi, psi(2S); chi_c(1P) averaged over spin")),
    None: (
        (),
        "No quarkonium is known of quarks of this mass (bottom: 3.8 to 5.6 GeV, charm: 1.0 to 2.1 GeV)",
    ),
}
"""Measured mesons and how a table names them, by the quark that a mass belongs to."""


def measured_mass(name: str, quark: str | None = "bottom") -> float | None:
    """Return the measured mass of a state in GeV, that of P states averaged over the 2J+1 of chi_0, 1, 2.

    None where there is no such meson in the family of the quark (1D).
    """
    mesons = [meson for meson in FAMILIES[quark][0] if meson.radial == name]
    if not mesons:
        return None
    # the members of a multiplet come in the order J = 0, 1, 2; a single meson is a 3S1 state
    weights = [2 * j + 1 for j in range(len(mesons))]
    return sum(w * meson.mass for w, meson in zip(weights, mesons, strict=True)) / sum(weights)


def levels_tables(levels: Levels, *, plain: bool = False) -> Group:
    """Return the two tables of a potential, masses and sizes, and overlaps; `plain` ones have no lines."""
    model, grid = levels.model, levels.grid
    quark = quark_of(model.mass)
    above = (
        f"Vacuum states of {model.potential}\n"
        f"M = {model.mass:g} GeV, {grid}\n"
        f"bound: below {levels.threshold:.4g} GeV, the potential at the end of the grid, {grid.r[-1]:.3g} GeV^-1"
    )
    between = (
        f"{FAMILIES[quark][1]}\n\n"
        f"|<state|Coulomb>|^2, Coulomb functions with a0 = 2/(M alpha) = {model.bohr_radius:.4f} GeV^-1"
    )
    properties, overlaps = (
        Table(box=None if plain else box.HEAVY_HEAD, pad_edge=not plain) for _ in range(2)
    )
    for table, headings in ((properties, LEVEL_HEADINGS), (overlaps, STATE_NAMES)):
        table.add_column("state")
        for heading in headings:
            table.add_column(heading, justify="right", no_wrap=True)
    for i, name in enumerate(STATE_NAMES):
        pdg, bound = measured_mass(name, quark), name in levels.names
        measured = EMPTY if pdg is None else f"{pdg:.4f}"
        cells = [UNBOUND, EMPTY, measured, *[EMPTY] * 4]
        if bound:
            mass, mean = levels.masses[i], levels.mean_radius[i]
            difference = EMPTY if pdg is None else f"{1e3 * (mass - pdg):+.1f}"
            cells = [f"{levels.energies[i]:.5f}", f"{mass:.4f}", measured, difference]
            cells += [f"{r:.4f}" for r in (mean, to_fm(mean), to_fm(levels.rms_radius[i]))]
        properties.add_row(name, *cells)
        known = [bound and State.named(other).l == State.named(name).l for other in STATE_NAMES]
        values = levels.coulomb_overlap[i]
        overlaps.add_row(name, *(f"{v:.5f}" if k else EMPTY for v, k in zip(values, known, strict=True)))
    return Group(Text(above), properties, Text(between), overlaps)


def survival_table(averages: Mapping[str, Mapping[str, Estimate]]) -> Table:
    """Return the mean survival of the radial states, by the name of a setting, then of a state."""
    states = list(dict.fromkeys(state for means in averages.values() for state in means))
    table = _titled("Mean survival over all paths", ["setting", *states], left=["setting"])
    for label, means in averages.items():
        table.add_row(label, *(str(means[state]) if state in means else "" for state in states))
    return table


def integrated_table(panels: Sequence[Panel]) -> Table | None:
    """Return R_AA (or R_pA) over everything with the parts of its error, or None if no panel holds it."""
    panel = next((panel for panel in panels if panel.curve.x_name == INTEGRATED), None)
    if panel is None:
        return None
    ratio = panel.curve.observable
    title = f"{ratio}, minimum bias" if panel.name.endswith("minimum_bias") else f"{ratio} over all rows"
    names = [name.replace("_", " ") for name in panel.parts]
    table = _titled(title, ["meson", ratio, *names, "parts of the error"], left=["meson"])
    for name in panel.shown:
        value = panel.curve[name][0]
        split = (str(part[name][0]) for part in panel.parts.values())
        table.add_row(shown(name), str(value), *split, _error_parts(value))
    missing = dict.fromkeys(note for name in panel.shown for note in panel.curve[name].not_estimated)
    if missing:
        table.caption = f"Not estimated: {'; '.join(missing)}."
    return table


def about(panel: Panel) -> str:
    """Return which observable a panel shows, against what, and at which rapidity if it chooses one, in words."""
    symbol, x_name = Observable.named(panel.curve.observable).symbol, panel.curve.x_name
    what = f"{symbol} over all" if x_name == INTEGRATED else f"{symbol} against {AXES[x_name].name}"
    return what + window(panel)


def window(panel: Panel) -> str:
    """Return the rapidity that a panel chooses, with a comma before it.

    A class of centrality is not named: it is that of the figure, and measurements are compared in their own.
    """
    return "".join(f", {selected(part)}" for part in panel.curve.selection.split("; ") if "abs_y" in part)


def agreement_table(panels: Sequence[Panel]) -> Table | None:
    """Return chi-square with each measurement, or None if there is none."""
    compared = [panel for panel in panels if panel.agreement]
    if not compared:
        return None
    headings = ["observable", "measurement", "chi2", "points", "p", "largest pull", "global shift"]
    table = _titled("Agreement of the central setting with data", headings, left=headings[:2])
    for panel in compared:
        for i, (name, chi) in enumerate(panel.agreement.items()):
            table.add_row("" if i else about(panel), shown(name), *agreement_cells(chi))
        table.add_section()
    table.caption = (
        "At the points, in the bins and the acceptance of each measurement; errors of the calculation are included, "
        "the model's own uncertainty (the bands) is not. Global shifts in their standard deviations."
    )
    return table


def agreement_cells(chi: ChiSquare) -> tuple[str, str, str, str, str]:
    """Return chi-square, number of points, p-value, largest pull and global shifts as text."""
    points = f"{chi.points}" + (f" of {chi.points + chi.left_out}" if chi.left_out else "")
    pull = chi.pulls[int(np.argmax(np.abs(chi.pulls)))]
    shifts = ", ".join(f"{shift:+.1f}" for shift in chi.shifts.values()) or "-"
    return f"{chi.value:.1f}", points, f"{chi.p_value:.2g}", f"{pull:+.1f}", shifts


def left_out(panels: Sequence[Panel]) -> list[str]:
    """Return which measurements could not be compared, and why, one line for each reason."""
    reasons: dict[str, list[str]] = {}
    for panel in panels:
        for line in panel.left_out:
            name, mark, reason = line.partition(": `")
            reasons.setdefault(mark + reason, []).append(shown(f"{about(panel)}, {name}"))
    several = "not compared: {} measurements ({} to {})"
    return [
        (f"not compared: {names[0]}" if len(names) == 1 else several.format(len(names), names[0], names[-1]))
        + reason
        for reason, names in reasons.items()
    ]


def notes(panels: Sequence[Panel]) -> list[str]:
    """Return what a reader of the numbers has to know, each once, with the panels it belongs to."""
    every = dict.fromkeys(note for panel in panels for note in panel.notes)
    named = {note: ", ".join(about(panel) for panel in panels if note in panel.notes) for note in every}
    return [shown(f"note: {names}: {note}") for note, names in named.items()]


def ratios_table(path: str | Path) -> Table:
    """Return the mean ratio of each state in a ratio file of QTraj 1.0, plain or gzip, for each initial l.

    Mean with its error, the parts of the error, and the effective number of rows that carry the mean; below it what the
    rows cannot tell.
    """
    ratios = read_ratios(path)
    title = f"{Path(path).name}: {len(ratios)} {'trajectory' if len(ratios) == 1 else 'trajectories'}"
    if ratios.metadata is not None:
        paths = len(set(ratios.metadata))
        title += f" on {paths} {'path' if paths == 1 else 'paths'}"
    headings = ["start l", "state", "mean ratio", "parts of the error", "effective rows"]
    table = _titled(title, headings, left=headings[:4])
    caption = [_FEW_ROWS]
    for l in ratios.angular_momenta:
        chosen = ratios.select(ratios.l == l)
        means = average_ratios(chosen)
        for j, (name, mean) in enumerate(means.items()):
            carried = f"{effective_rows(chosen.ratios[:, j]):.1f} of {len(chosen)}"
            # the start has nothing of a state of another l, so that its column is no ratio: QTraj writes the overlap
            what = name if State.named(name).l == l else f"{name} (overlap)"
            table.add_row("" if j else str(l), what, str(mean), _error_parts(mean), carried)
        table.add_section()
        missing = dict.fromkeys(note for mean in means.values() for note in mean.not_estimated)
        caption += [f"Not estimated for l = {l}: {note}." for note in missing if not note.startswith(_RARE)]
    table.caption = "\n".join(caption)
    return table


def _titled(title: str, headings: Sequence[str], left: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", caption_justify="left")
    for heading in headings:
        table.add_column(heading, justify="left" if heading in left else "right")
    return table


def part_name(part: str) -> str:
    """Return the name of a part of an error for readers: time step; l_max is a symbol."""
    return part if part == "l_max" else part.replace("_", " ")


def _error_parts(value: Estimate) -> str:
    return ", ".join(f"{part_name(part)} {float(size):.2g}" for part, size in value.parts.items())
