"""Tables of thermal levels, one row per state, temperature and route: CSV and JSON files, and the table on the screen.

Lattice groups quote T, mass shift and width in MeV; a table in these columns from any source can be read and compared.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, product
from pathlib import Path
from typing import Final

import numpy as np
from rich import box
from rich.table import Table

from .._atomic import atomic_path
from .._checks import instance, text
from .._checks import path as path_of
from ..errors import FileFormatError, QtrajError
from ..observables.estimate import format_value
from ..provenance import versions
from ..states import State
from ..units import to_fm
from .levels import ThermalLevels
from .routes import DIVERGES

GEV: Final = 1000.0  # in MeV
QUANTITIES: Final = ("mass", "shift", "width", "binding", "radius")

# columns of the CSV file; a missing number is an empty field, and the remark says why
UNITS: Final = {name: "fm" if name == "radius" else "MeV" for name in QUANTITIES}
WORDS: Final = ("state", "route", "remark")
_NUMBERS = (f"{name}{suffix}_{UNITS[name]}" for name in QUANTITIES for suffix in ("", "_error"))
COLUMNS: Final = ("T_MeV", "state", "route", *_NUMBERS, "remark")


@dataclass(frozen=True)
class Row:
    """One state at one temperature by one route (where the numbers come from), in MeV and fm.

    `values` and `errors` go by quantity: mass, shift, width, binding in MeV, radius in fm; None for what is missing,
    and `remark` says why. Of a value it is `routes.DIVERGES` or empty.
    """

    T_MeV: float
    state: str
    route: str
    values: dict[str, float | None]
    errors: dict[str, float | None]
    remark: str = ""


def rows(levels: ThermalLevels) -> Iterator[Row]:
    """Yield the rows of a table, state by state, temperatures upward, routes side by side."""
    columns = (levels.mass, levels.shift, levels.width, levels.binding, levels.mean_radius)
    tables = {route: [column(route) for column in columns] for route in levels.routes}
    for (i, state), (j, T) in product(enumerate(levels.states), enumerate(levels.T)):
        # as the file spells it, so that rows of a file and of a calculation meet at the same temperature
        T_MeV = float(_text(GEV * float(T)))
        for route, table in tables.items():
            values: dict[str, float | None] = {}
            errors: dict[str, float | None] = {}
            for name, estimate in zip(QUANTITIES, table, strict=True):
                unit = to_fm(1.0) if name == "radius" else GEV
                value, error = unit * float(estimate.value[i, j]), unit * float(estimate.error[i, j])
                values[name], errors[name] = (value, error) if np.isfinite(value) else (None, None)
            yield Row(T_MeV, state.name, route, values, errors, levels.routes[route].remark(i, j))


def write_levels(levels: ThermalLevels, folder: str | Path, stem: str = "spectrum") -> tuple[Path, Path]:
    """Write a table as CSV and JSON, each complete or not at all.

    Parameters
    ----------
    levels : ThermalLevels
        From `thermal_levels`.
    folder : str or Path
        Where to; it is created.
    stem : str
        Name of the files without their ending.

    Returns
    -------
    tuple of Path
        The CSV file and the JSON file, which also has settings, versions, vacuum energies and the parts of the errors.

    Raises
    ------
    FileFormatError
        If they cannot be written.
    """
    instance("levels", levels, ThermalLevels)
    folder, stem = path_of("folder", folder), text("stem", stem)
    table = list(rows(levels))
    paths = folder / f"{stem}.csv", folder / f"{stem}.json"
    with atomic_path(paths[0]) as path, path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in table:
            numbers = (values[name] for name in QUANTITIES for values in (row.values, row.errors))
            writer.writerow([_text(row.T_MeV), row.state, row.route, *map(_text, numbers), row.remark])
    vacuum = zip(levels.states, levels.vacuum, strict=True)
    document = {
        "settings": dict(levels.settings),
        "versions": versions(),
        "units": {"energy": "MeV", "radius": "fm"},
        "vacuum_energy_MeV": {state.name: GEV * float(energy) for state, energy in vacuum},
        "continuum_MeV": [GEV * float(energy) for energy in levels.continuum],
        "error_parts_MeV": {
            # as (state, temperature); of the width, twice those of the imaginary part
            route: {
                name: {"energy": (GEV * part.real).tolist(), "width": (2 * GEV * part.imag).tolist()}
                for name, part in result.parts.items()
            }
            for route, result in levels.routes.items()
        },
        "rows": [
            {"T_MeV": row.T_MeV, "state": row.state, "route": row.route, "remark": row.remark}
            | {name: {"value": row.values[name], "error": row.errors[name]} for name in QUANTITIES}
            for row in table
        ],
    }
    with atomic_path(paths[1]) as path:
        path.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return paths


def read_levels(path: str | Path) -> list[Row]:
    """Read the CSV file that `write_levels` writes, or one in its columns from another program.

    Parameters
    ----------
    path : str or Path
        A CSV file. ``T_MeV`` and ``state`` must be there and any other of `COLUMNS` may be; lines that begin with ``#``
        are comments. The route of a row is the name of the file, followed by what its column says if there is one.

    Returns
    -------
    list of Row
        In the order of the file; numbers in the units of its columns.

    Raises
    ------
    FileFormatError
        If the file is missing or is no such table; the message names the line.
    """
    path = path_of("path", path)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FileFormatError(path, f"cannot be read ({error})") from error
    numbered = {n: line for n, line in enumerate(lines, 1) if line.strip() and not line.startswith("#")}
    reader = csv.DictReader(numbered.values())
    columns = [name.strip() for name in reader.fieldnames or []]
    reader.fieldnames = columns
    missing, unknown = {"T_MeV", "state"} - set(columns), set(columns) - set(COLUMNS)
    if missing or unknown:
        problem = f"lacks the column {min(missing)}" if missing else f"has an unknown column {min(unknown)!r}"
        raise FileFormatError(path, problem, f"Columns are {', '.join(COLUMNS)}.")
    table = []
    for number, record in zip(list(numbered)[1:], reader, strict=False):
        try:
            if None in record or None in record.values():
                raise ValueError("has not one field per column")  # noqa: TRY301
            fields = {name: value.strip() for name, value in record.items()}
            numbers = {name: float(word) for name, word in fields.items() if word and name not in WORDS}
            if bad := [fields[name] for name, value in numbers.items() if not np.isfinite(value)]:
                raise ValueError(f"{bad[0]} is not finite; leave the field empty")  # noqa: TRY301
            if not numbers.get("T_MeV", -1.0) >= 0:
                raise ValueError("T_MeV must be a temperature")  # noqa: TRY301
            values, errors = (
                {name: numbers.get(f"{name}{suffix}_{UNITS[name]}") for name in QUANTITIES}
                for suffix in ("", "_error")
            )
            state, route = State.named(fields["state"]).name, f"{path.stem} {fields.get('route', '')}".strip()
            table.append(Row(numbers["T_MeV"], state, route, values, errors, fields.get("remark", "")))
        except (ValueError, QtrajError) as error:
            raise FileFormatError(path, f"line {number}: {error}") from error
    if not table:
        raise FileFormatError(path, "has no rows")
    return table


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:.9g}"


SHOWN = 0.005  # MeV; smaller errors are below the last digit and are not printed. The files have them
DECIMALS = 2
MISSING = "-"

# whose binding energy and radius are shown, the first that there is
PREFERRED = ("poles", "perturbation", "spectral", "dipole")


def table(rows: Iterable[Row], title: str = "", *, plain: bool = False) -> Table:
    """Return rows as a table for `rich.console.Console.print`, `title` above it; `plain` is without lines.

    Rows come from `files.rows`, and from `read_levels` for other tables to compare with.
    """
    listed = list(rows)
    routes = list(dict.fromkeys(row.route for row in listed))
    shown = next((route for route in PREFERRED if route in routes), routes[0])
    caption = (
        "shift: Re E(T) - E(0). Errors of the calculation, those above 0.005 MeV, on the last digits. "
        f"Binding (below the potential far away) and <r>: {shown}."
    )
    if any(row.remark == DIVERGES for row in listed):
        caption += " ?: second and third order in the medium exceed the first, which is then no level."
    frame = None if plain else box.HEAVY_HEAD
    result = Table(title=title, caption=caption, title_justify="left", caption_justify="left", box=frame)
    result.add_column("state", no_wrap=True, min_width=5)
    result.add_column("T\n\nMeV", justify="right", no_wrap=True, min_width=3)
    headings = [f"{heading}\n{route}\nMeV" for heading in ("shift", "width") for route in routes]
    for heading in (*headings, "binding\n\nMeV", "<r>\n\nfm"):
        result.add_column(heading, justify="right", no_wrap=True)
    states = list(dict.fromkeys(row.state for row in listed))
    listed.sort(key=lambda row: (states.index(row.state), row.T_MeV))
    for state, of_state in groupby(listed, key=lambda row: row.state):
        for T, group in groupby(of_state, key=lambda row: row.T_MeV):
            by_route = {row.route: row for row in group}
            cells = [_cell(by_route.get(route), name) for name in ("shift", "width") for route in routes]
            cells += [_cell(by_route.get(shown), name) for name in ("binding", "radius")]
            result.add_row(state, f"{T:g}", *cells)
        if state != states[-1]:
            result.add_section()
    return result


def _cell(row: Row | None, name: str) -> str:
    if row is None or (value := row.values[name]) is None:
        return (row.remark if row is not None else "") or MISSING
    error = row.errors[name] or 0.0
    if row.remark == DIVERGES:
        return f"{round(value) + 0}?"
    return f"{value + 0.0:.{DECIMALS}f}" if error < SHOWN else format_value(value, error)
