"""The table that `qtraj spectrum` prints: mass shifts and widths by route, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from rich import box
from rich.table import Table

from ..observables.estimate import format_value
from .files import Row

SHOWN = 0.005
"""MeV; smaller errors are below the last digit and are not printed. The files have them."""

DECIMALS = 2

MISSING = "-"

LARGE = 1000.0
"""MeV; larger errors are printed in whole MeV."""

PREFERRED = ("poles", "perturbation", "spectral")
"""Whose binding energy and radius are shown, the first that there is."""


def table(rows: Iterable[Row], title: str = "", *, plain: bool = False) -> Table:
    """Return rows as a table for `rich.console.Console.print`.

    Parameters
    ----------
    rows : iterable of Row
        From `files.rows`, and from `read_levels` for other tables to compare with.
    title : str
        Above the table.
    plain : bool
        Without lines, so that every row is a list of words.
    """
    listed = list(rows)
    routes = list(dict.fromkeys(row.route for row in listed))
    shown = next((route for route in PREFERRED if route in routes), routes[0])
    result = Table(
        title=title,
        caption=_caption(shown),
        title_justify="left",
        caption_justify="left",
        box=None if plain else box.HEAVY_HEAD,
    )
    result.add_column("state", no_wrap=True, min_width=5)
    result.add_column("T\n\nMeV", justify="right", no_wrap=True, min_width=3)
    for heading in ("shift", "width"):
        for route in routes:
            result.add_column(f"{heading}\n{route}\nMeV", justify="right", no_wrap=True)
    result.add_column("binding\n\nMeV", justify="right", no_wrap=True)
    result.add_column("<r>\n\nfm", justify="right", no_wrap=True)
    previous = ""
    for (state, T), cells in _lines(listed, routes, shown):
        if previous and state != previous:
            result.add_section()
        previous = state
        result.add_row(state, f"{T:g}", *cells)
    return result


def _caption(shown: str) -> str:
    return (
        "shift: Re E(T) - E(0). Errors of the calculation, those above 0.005 MeV, on the last digits. "
        f"Binding (below the potential far away) and <r>: {shown}."
    )


def _lines(rows: list[Row], routes: list[str], shown: str) -> Iterator[tuple[tuple[str, float], list[str]]]:
    """Yield one line per state and temperature."""
    states = list(dict.fromkeys(row.state for row in rows))
    ordered = sorted(rows, key=lambda row: (states.index(row.state), row.T_MeV))
    for key, group in groupby(ordered, key=lambda row: (row.state, row.T_MeV)):
        by_route = {row.route: row for row in group}
        cells = [_cell(by_route.get(route), name) for name in ("shift", "width") for route in routes]
        cells += [_cell(by_route.get(shown), "binding"), _cell(by_route.get(shown), "radius")]
        yield key, cells


def _cell(row: Row | None, name: str) -> str:
    value = None if row is None else row.values[name]
    if row is None or value is None:
        return (row.remark if row is not None else "") or MISSING
    error = row.errors[name] or 0.0
    if error < SHOWN:
        return f"{value + 0.0:.{DECIMALS}f}"
    # format_value changes to powers of ten for large errors: those of first order where it has run away
    return format_value(value, error) if error < LARGE else f"{round(value) + 0}({error:.0f})"
