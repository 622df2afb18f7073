"""Survival tables as CSV: the way in for anybody's calculation."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .._atomic import atomic_path
from .._checks import path as path_of
from ..errors import FileFormatError
from ..observables.estimate import Estimate
from ..observables.table import SurvivalTable
from ..states import STATE_NAMES

Float = NDArray[np.float64]

CSV_COLUMNS: Final = {
    "replicate": "replicate",
    "weight": "weight",
    "b_fm": "b_fm",
    "N_part": "n_part",
    "centrality_pct": "centrality_pct",
    "pT_GeV": "pT",
    "phi": "phi",
    "y": "y",
}
"""Columns of a CSV file beside those of the states, and the argument of `SurvivalTable` that each fills."""

_OF_STATE = re.compile(rf"({'|'.join(STATE_NAMES)})(_no_jump)?(?:_error_(\w+))?")


def read_survival_csv(path: str | Path) -> SurvivalTable:
    """Read a CSV file with one row per path.

    Parameters
    ----------
    path : str or Path
        UTF-8 text; lines that begin with ``#`` are comments, the first other line names the columns, in any order:

        - those of `CSV_COLUMNS`, of which only ``replicate`` is needed: the independent group of each row;
          number the rows if each is independent;
        - a state, ``1S``, ``2S``, ``1P``, ``3S``, ``2P``, ``1D``: its survival, empty where a row does not know it;
        - ``1S_no_jump``: its survival without any jump;
        - ``1S_error_NAME``, ``1S_no_jump_error_NAME``: a numerical part of the error of either.

    Returns
    -------
    SurvivalTable

    Raises
    ------
    FileFormatError
        Naming the line: for a missing file, an unknown column, a line of another length, or what is no number.
    InputError
        If the numbers make no table.
    """
    path = path_of("path", path)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FileFormatError(path, f"cannot be read ({error})", "Check the path.") from None
    kept = [(i, line) for i, line in enumerate(lines, start=1) if line.strip() and not line.startswith("#")]
    rows = list(csv.reader(line for _, line in kept))
    if len(rows) < 2:
        raise FileFormatError(path, "holds no row below a header line", "One row per path is needed.")
    header = [name.strip() for name in rows[0]]
    _check_header(path, header)
    values = np.array(
        [_numbers(path, kept[i][0], row, header) for i, row in enumerate(rows[1:], start=1)], dtype=float
    )
    columns = dict(zip(header, values.T, strict=True))
    arguments: dict[str, Any] = {
        argument: columns[name] for name, argument in CSV_COLUMNS.items() if name in columns
    }
    if np.any(arguments["replicate"] != np.rint(arguments["replicate"])):
        raise FileFormatError(path, "column replicate holds something else than whole numbers")
    arguments["replicate"] = arguments["replicate"].astype(np.int64)
    for argument, ending in (("survival", ""), ("no_jump", "_no_jump")):
        if any(f"{state}{ending}" in columns for state in STATE_NAMES):
            arguments[argument] = _estimate(columns, ending, len(values))
    return SurvivalTable(**arguments, attrs={"source": path.name})


def write_survival_csv(path: str | Path, table: SurvivalTable) -> Path:
    """Write a table as `read_survival_csv` reads it, with all digits.

    Raises
    ------
    FileFormatError
        If the file cannot be written.
    """
    columns: dict[str, NDArray[Any]] = {
        name: values
        for name, argument in CSV_COLUMNS.items()
        if (values := getattr(table, argument)) is not None
    }
    known = [(j, state) for j, state in enumerate(STATE_NAMES) if state in table.states]
    for ending, estimate in (("", table.survival), ("_no_jump", table.no_jump)):
        if estimate is None:
            continue
        columns |= {f"{state}{ending}": estimate.value[:, j] for j, state in known}
        for part, values in estimate.parts.items():
            columns |= {f"{state}{ending}_error_{part}": values[:, j] for j, state in known}
    path = path_of("path", path)
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(columns)
        for row in zip(*(values.tolist() for values in columns.values()), strict=True):
            writer.writerow("" if np.isnan(value) else repr(value) for value in row)
    return path


def _check_header(path: Path, header: Sequence[str]) -> None:
    problems = [
        f"column {n!r} is unknown" for n in header if n not in CSV_COLUMNS and not _OF_STATE.fullmatch(n)
    ]
    problems += [f"column {name!r} appears twice" for name in header if header.count(name) > 1]
    if "replicate" not in header:
        problems.append("has no column 'replicate'")
    if not set(STATE_NAMES) & set(header):
        problems.append("has no column of a state")
    if problems:
        known = ", ".join((*CSV_COLUMNS, *STATE_NAMES))
        raise FileFormatError(path, problems[0], f"Columns: {known}, 1S_no_jump, 1S_error_NAME, ...")


def _numbers(path: Path, number: int, row: Sequence[str], header: Sequence[str]) -> list[float]:
    if len(row) != len(header):
        raise FileFormatError(path, f"line {number}: {len(row)} columns instead of {len(header)}")
    values = []
    for word, name in zip(row, header, strict=True):
        if not word.strip() and name not in CSV_COLUMNS:
            values.append(np.nan)
            continue
        try:
            value = float(word)
        except ValueError:
            value = np.nan
        if not np.isfinite(value):
            raise FileFormatError(path, f"line {number}: {word!r} in column {name} is no finite number")
        values.append(value)
    return values


def _estimate(columns: Mapping[str, Float], ending: str, rows: int) -> Estimate:
    missing, zero = np.full(rows, np.nan), np.zeros(rows)

    def stacked(suffix: str, default: Float) -> Float:
        return np.stack([columns.get(f"{state}{suffix}", default) for state in STATE_NAMES], axis=1)

    found = [match for name in columns if (match := _OF_STATE.fullmatch(name)) and match[3]]
    parts = dict.fromkeys(match[3] for match in found if (match[2] or "") == ending)
    errors = {part: np.nan_to_num(stacked(f"{ending}_error_{part}", zero)) for part in parts}
    return Estimate(stacked(ending, missing), errors)
