"""Survival tables from campaigns, from ratio files of QTraj 1.0, and as CSV: the way in for anybody's calculation."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .._atomic import atomic_path, decoded
from .._checks import path as path_of
from .._types import Float
from ..emulation import corrected_table
from ..errors import FileFormatError, InputError
from ..observables.estimate import Estimate
from ..observables.overview import VARIED
from ..observables.table import SurvivalTable
from ..qtraj1.files.ratios import ENOUGH_ROWS, AveragedRatios, RatioTable, effective_rows
from ..qtraj1.files.text import is_finite
from ..states import STATE_NAMES, STATES, State
from .results import estimate_from

_COLUMNS: Final = ("pT", "phi", "b_fm", "n_part", "weight")
_METADATA: Final = {0: "b_fm", 4: "pT", 5: "phi"}
_STARTS: Final = (0, 1)  # the l that feed-down needs
_WEIGHT: Final = 7  # of eight values: b, x, y, eta, pT, phi, y, weight
_RAPIDITY: Final = 6

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


def tables_from_results(results: xr.Dataset) -> dict[str, SurvivalTable]:
    """Return the tables of a campaign, one for each setting of the model, the central one first."""
    needed = ("survival", "no_jump", *_COLUMNS, "replicate", "source", "setting", "l")
    missing = [name for name in needed if name not in results.variables]
    if missing:
        raise InputError("results", sorted(map(str, results.variables)), f"hold {', '.join(missing)}")
    return {
        str(setting): _table(results.isel(setting=i).load().transpose("l", "history", "state", ...))
        for i, setting in enumerate(results["setting"].values)
    }


def _table(results: xr.Dataset) -> SurvivalTable:
    """Return the table of one setting; of emulated paths that solved ones correct, where it holds both."""
    if "emulation" in results.variables:
        kind, gone = results["emulation"].values, ["emulation", "survival_emulated", "no_jump_emulated"]
        solved, others = (results.isel(history=np.flatnonzero(kind * sign > 0)) for sign in (1, -1))
        pairs = [(name, solved[f"{name}_emulated"].values) for name in ("survival", "no_jump")]
        seen = _table(solved.assign({n: solved[n].copy(data=v) for n, v in pairs}).drop_vars(gone))
        # the error of the solver is that of the solved paths
        none = {name: xr.zeros_like(others[name]) for name in others if "_error_" in str(name)}
        others = others.assign(none)
        # several directions from one point follow one another
        place = np.array([solved[name].values for name in ("x_fm", "y_fm", "pT")])
        points = np.cumsum(np.any(np.diff(place, axis=1, prepend=np.nan) != 0, axis=0))
        return corrected_table(
            _table(solved.drop_vars(gone)),
            seen.survival.value,
            _table(others.drop_vars(gone)),
            emulated_no_jump=seen.no_jump.value,
            samples=(solved["source"].values, others["source"].values),
            points=points,
        )
    # paths without an error get the mean of those of their source, which are a random sample of its paths
    source = results["source"].values
    for name in [name for name in results if "_error_" in str(name)]:
        values = results[name].values
        if not np.any(unknown := np.isnan(values)):
            continue
        values = np.where(unknown, 0.0, values)
        for number in np.unique(source):
            own = source == number
            with np.errstate(
                divide="ignore", invalid="ignore"
            ):  # nothing is known of any path: neither of their mean
                mean = values[:, own].sum(axis=1) / np.sum(~unknown[:, own], axis=1)
            values[:, own] = np.where(unknown[:, own], mean[:, None], values[:, own])
        results = results.assign({name: results[name].copy(data=values)})
    columns: dict[str, Any] = {name: results[name].values for name in _COLUMNS}
    # files of earlier versions hold paths at mid-rapidity only; some trajectory files do not know theirs
    y = results["rapidity"].values if "rapidity" in results.variables else np.zeros(results.sizes["history"])
    return SurvivalTable(
        survival=_joined(results, "survival"),
        no_jump=_joined(results, "no_jump"),
        replicate=results["replicate"].values.astype(np.int64),
        y=y if np.all(np.isfinite(y)) else None,
        attrs={name: results[name].item() for name in ("setting", *VARIED) if name in results},
        **columns,
    )


def _joined(results: xr.Dataset, name: str) -> Estimate:
    """Return shape (history, state): each state from the run that starts in its l, NaN where there is none."""
    estimate = estimate_from(results, name)
    starts = [int(l) for l in results["l"].values]
    place = [starts.index(s.l) if s.l in _STARTS and s.l in starts else None for s in STATES]

    def chosen(values: Any, unknown: float) -> Float:
        none = np.full(values.shape[1], unknown)
        return np.stack([none if l is None else values[l, :, j] for j, l in enumerate(place)], axis=1)

    parts = {part: chosen(values, 0.0) for part, values in estimate.parts.items()}
    return Estimate(chosen(estimate.value, np.nan), parts, estimate.not_estimated)


def table_from_ratios(ratios: RatioTable, *, weighted: bool = False) -> SurvivalTable:
    """Return the table of a ratio file: one row per physical path, or per trajectory without metadata.

    The rows of one metadata line are averaged, for each initial l; S waves come from the rows with l = 0, P waves from
    those with l = 1, and a path without one of them does not know its states. What becomes another state, such as 1D,
    is no survival and in no column. Means and errors over the table are those of `qtraj.qtraj1.average_ratios`.
    """
    metadata = ratios.metadata
    if metadata is not None and len(set(metadata)) > 1:
        names, rows = np.unique(np.array(metadata, dtype=object), return_inverse=True)
    else:  # one path, or nothing known of it: the trajectories themselves are independent
        names, rows = np.full(len(ratios), metadata[0] if metadata else "", object), np.arange(len(ratios))
    return _table_of_paths(
        names, rows, ratios.l, ratios.ratios, np.ones(len(ratios)), weighted, _rare(ratios)
    )


def table_from_averages(averages: AveragedRatios, *, weighted: bool = False) -> SurvivalTable:
    """Return the table of a file of averaged ratios: one row per physical path.

    S waves come from the rows with l = 0, P waves from those with l = 1. The scatter of the paths is the statistical
    error, the noise of the trajectories of each included, so the standard errors in the file enter for one path only.
    """
    names, rows = np.unique(np.array(averages.metadata, dtype=object), return_inverse=True)
    missing = ("rare rows: how many rows carry a mean is not in averages",)
    a = averages
    return _table_of_paths(names, rows, a.l, a.mean, a.count, weighted, missing, a.error)


def _table_of_paths(
    names: NDArray[Any],
    rows: NDArray[np.intp],
    l: NDArray[Any],
    means: Float,
    counts: NDArray[Any],
    weighted: bool,
    not_estimated: tuple[str, ...],
    errors: Float | None = None,
) -> SurvivalTable:
    """Return the table of the paths that metadata `names`; row i of a file, `counts` trajectories, is on path rows[i].

    The `errors` of single rows enter for one path only: else the scatter of paths holds them.
    """
    survival = np.full((len(names), len(STATE_NAMES)), np.nan)
    error = np.zeros(survival.shape)
    for j, state in enumerate(STATES):
        chosen = _of_its_l(l, state)

        def summed(values: Float, chosen: NDArray[np.bool_] = chosen) -> Float:
            return np.bincount(rows[chosen], values[chosen], minlength=len(names)).astype(float)

        count = summed(counts)
        there = count > 0
        survival[there, j] = summed(counts * means[:, j])[there] / count[there]
        if errors is not None:
            error[there, j] = np.sqrt(summed(np.square(counts * errors[:, j]))[there]) / count[there]
    known = np.any(np.isfinite(survival), axis=1)
    if not known.any():
        raise InputError("ratios", np.unique(l).tolist(), "hold rows that start in l = 0 or l = 1")
    columns = _path_columns([str(name) for name in names[known]], weighted)
    parts = {"trajectories": error[known]} if errors is not None and np.count_nonzero(known) == 1 else {}
    return SurvivalTable(Estimate(survival[known], parts, not_estimated), np.flatnonzero(known), **columns)


def _of_its_l(l: NDArray[Any], state: State) -> NDArray[np.bool_]:
    """Return which rows start in the l of a state, so that their ratio is its survival."""
    return np.asarray((l == state.l) & np.isin(l, _STARTS))


def _rare(ratios: RatioTable) -> tuple[str, ...]:
    """Name the states whose mean rests on few rows: then it is most likely too small, and its error with it."""
    of_state = {s.name: ratios.ratios[_of_its_l(ratios.l, s), j] for j, s in enumerate(STATES)}
    few = [name for name, values in of_state.items() if 0 < effective_rows(values) < ENOUGH_ROWS]
    return (f"rare rows: fewer than {ENOUGH_ROWS} effective ones carry {', '.join(few)}",) if few else ()


def _path_columns(lines: Sequence[str], weighted: bool) -> dict[str, Any]:
    """Return the columns of metadata of six or eight numbers; none of metadata in words."""
    words = [line.split("\t") for line in lines]
    sound = [len(line) in (_WEIGHT - 1, _WEIGHT + 1) and all(map(is_finite, line)) for line in words]
    width = len(words[sound.index(True)]) if any(sound) else 0
    columns: dict[str, Float] = {}
    if width:
        for line, numbers, good in zip(lines, words, sound, strict=True):
            # one damaged line must not take the impact parameters and momenta of all others with it
            if not good or len(numbers) != width:
                allowed = f"be {width} numbers, as in other lines of the file"
                remedy = "Correct the line, or delete it and the row below it."
                raise InputError("metadata", line, allowed, remedy)
        values = np.array(words, dtype=float)
        columns = {name: values[:, i] for i, name in _METADATA.items()}
    if width == _WEIGHT + 1:
        columns["y"] = values[:, _RAPIDITY]
    if weighted:
        if width != _WEIGHT + 1:
            raise InputError("weighted", weighted, "be False: the metadata have no eighth value, the weight")
        columns["weight"] = values[:, _WEIGHT]
    return columns


def read_survival_csv(path: str | Path) -> SurvivalTable:
    """Read a CSV file with one row per path.

    Lines that begin with ``#`` are comments; commas or semicolons separate. The first other line names the columns, in
    any order: those of `CSV_COLUMNS`, of which only ``replicate`` is needed, the independent group of each row; a
    state, such as ``1S``: its survival, empty where a row does not know it; ``1S_no_jump``: that without any jump;
    ``1S_error_NAME`` and ``1S_no_jump_error_NAME``: a numerical part of the error of either.
    """
    path = path_of("path", path)
    try:
        lines = decoded(path.read_bytes()).splitlines()
    except (OSError, ValueError) as error:
        raise FileFormatError(path, f"cannot be read ({error})", "Check the path.") from None
    content = {i: line for i, line in enumerate(lines, 1) if line.strip() and not line.startswith("#")}
    mark = ";" if ";" in next(iter(content.values()), "") else ","
    rows = list(csv.reader(content.values(), delimiter=mark))
    if mark == ";":  # spreadsheets that separate with it have decimal commas
        rows = [rows[0], *([word.replace(",", ".") for word in row] for row in rows[1:])]
    if len(rows) < 2:
        raise FileFormatError(path, "holds no row below a header line", "One row per path is needed.")
    header = [name.strip() for name in rows[0]]
    unknown = [name for name in header if name not in CSV_COLUMNS and not _OF_STATE.fullmatch(name)]
    problems = [f"column {name!r} is unknown" for name in unknown]
    problems += [f"column {name!r} appears twice" for name in header if header.count(name) > 1]
    problems += ["has no column 'replicate'"] * ("replicate" not in header)
    problems += ["has no column of a state"] * (not set(STATE_NAMES) & set(header))
    if problems:
        known = ", ".join((*CSV_COLUMNS, *STATE_NAMES))
        raise FileFormatError(path, problems[0], f"Columns: {known}, 1S_no_jump, 1S_error_NAME, ...")
    values = np.full((len(rows) - 1, len(header)), np.nan)
    for i, (number, row) in enumerate(list(zip(content, rows, strict=False))[1:]):
        if len(row) != len(header):
            raise FileFormatError(path, f"line {number}: {len(row)} columns instead of {len(header)}")
        for j, (word, name) in enumerate(zip(row, header, strict=True)):
            if not word.strip() and name not in CSV_COLUMNS:
                continue  # a state that this row does not know
            with suppress(ValueError):
                values[i, j] = float(word)
            if not np.isfinite(values[i, j]):
                problem = f"line {number}: {word!r} in column {name} is no finite number"
                raise FileFormatError(path, problem)
    columns = dict(zip(header, values.T, strict=True))
    arguments: dict[str, Any] = {CSV_COLUMNS[name]: columns[name] for name in CSV_COLUMNS if name in columns}
    if np.any(arguments["replicate"] != np.rint(arguments["replicate"])):
        raise FileFormatError(path, "column replicate holds something else than whole numbers")
    arguments["replicate"] = arguments["replicate"].astype(np.int64)
    for argument, ending in (("survival", ""), ("no_jump", "_no_jump")):
        if any(f"{state}{ending}" in columns for state in STATE_NAMES):
            arguments[argument] = _estimate(columns, ending, len(values))
    return SurvivalTable(**arguments, attrs={"source": path.name})


def write_survival_csv(path: str | Path, table: SurvivalTable) -> Path:
    """Write a table as `read_survival_csv` reads it, with all digits."""
    given = {name: getattr(table, argument) for name, argument in CSV_COLUMNS.items()}
    columns: dict[str, NDArray[Any]] = {name: v for name, v in given.items() if v is not None}
    known = [(j, state) for j, state in enumerate(STATE_NAMES) if state in table.states]
    for ending, estimate in (("", table.survival), ("_no_jump", table.no_jump)):
        if estimate is None:
            continue
        columns |= {f"{state}{ending}": estimate.value[:, j] for j, state in known}
        for part, values in estimate.parts.items():
            columns |= {f"{state}{ending}_error_{part}": values[:, j] for j, state in known}
    rows = zip(*(values.tolist() for values in columns.values()), strict=True)
    return write_csv(path, columns, (["" if np.isnan(v) else repr(v) for v in row] for row in rows))


def write_csv(
    path: str | Path, header: Iterable[str], rows: Iterable[Iterable[str]], comments: Iterable[str] = ()
) -> Path:
    """Write a CSV file, whole or not at all: comments under ``#``, a header and rows."""
    path = path_of("path", path)
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as handle:
        handle.writelines(f"# {comment}\n" for comment in comments)
        csv.writer(handle, lineterminator="\n").writerows([header, *rows])
    return path


def _estimate(columns: Mapping[str, Float], ending: str, rows: int) -> Estimate:
    missing, zero = np.full(rows, np.nan), np.zeros(rows)

    def stacked(suffix: str, default: Float) -> Float:
        return np.stack([columns.get(f"{state}{suffix}", default) for state in STATE_NAMES], axis=1)

    matches = [match for name in columns if (match := _OF_STATE.fullmatch(name)) and match[3]]
    parts = dict.fromkeys(match[3] for match in matches if (match[2] or "") == ending)
    errors = {part: np.nan_to_num(stacked(f"{ending}_error_{part}", zero)) for part in parts}
    return Estimate(stacked(ending, missing), errors)
