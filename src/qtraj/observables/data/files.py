"""Measurements from files: CSV with a few columns, and tables of HEPData in YAML and CSV, as that site serves them."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from math import hypot, isfinite, nan
from pathlib import Path
from typing import Any, Final

from ..._atomic import decoded
from ..._checks import path as path_of
from ..._checks import text
from ...errors import FileFormatError, InputError
from ..feeddown import MESON_NAMES
from ..table import AXES, INTEGRATED
from .dataset import NUMBERS, Acceptance, DataSet, grouped

OWN: Final = "own"  # quality of data that did not come with the package
OBSERVABLES: Final = ("R_AA", "R_pA", "double_ratio", "v2")
WORDS: Final = {
    "observable": "R_AA",
    "state": "",
    "x_name": "",
    "experiment": "",
    "system": "",
    "sqrt_s_GeV": "",
    "kinematics": "",
    "centrality": "",
    "paper": "",
    "arxiv": "",
    "hepdata": "",
    "note": "",
}
"""Columns of words, and what they are where a file and `read_data` do not say them; state and x_name must be said."""

_ERRORS: Final = ("stat", "syst", "total", "global_rel")
_COLUMNS: Final = (*WORDS, *NUMBERS, *_ERRORS)
_STATE: Final = re.compile(r"(?:upsilon|upsi|\bups|[YΥϒ])[^0-9A-Za-z]{0,3}([123])\s*S", re.IGNORECASE)
_CHI: Final = re.compile(r"chi_b[012]\([12]P\)")
_NUMBER: Final = re.compile(r"[-+]?\d+\.?\d*(?:e[-+]?\d+)?", re.IGNORECASE)
_NUCLEI: Final = {"PB": "Pb", "AU": "Au", "XE": "Xe", "O": "O", "P": "p"}
_YAML: Final = (".yaml", ".yml")

_BIN: Final = re.compile(
    r"\s*([-+]?\d+\.?\d*(?:e[-+]?\d+)?)\s*(?:-|–|to)\s*([-+]?\d+\.?\d*(?:e[-+]?\d+)?)\s*%?\s*", re.IGNORECASE
)

Row = dict[str, str]


def read_data(path: str | Path, *, where: str | None = None, **words: str) -> tuple[DataSet, ...]:
    """Read measurements of your own, for `theory_at`, `chi_square`, `overview` and ``qtraj observe --data``.

    Parameters
    ----------
    path : path-like
        CSV, or a table of HEPData in YAML or CSV, as that site serves it. In a CSV file of your own the first line
        names the columns, in any order; ``#`` begins a comment, and semicolons may separate. Needed are ``value`` (or
        the observable's name, such as ``R_AA``) and the place: an axis by name (``N_part``, ``pT_GeV``, ``abs_y``,
        ``centrality_pct``, ``y_cm``), or ``x`` and ``x_name``. All else may be left out: ``x_low``, ``x_high``; errors
        ``stat``, ``syst``, ``total`` (or each as ``stat_plus``, ``stat_minus``), ``global_rel``; ``upper_limit_cl``;
        and the words below, which may be columns, too.
    where : str, optional
        Of a HEPData table with two axes: the bin, such as ``"1.2-2.4"``, or value of the axis that is not ``x_name``.
        By default each of its bins is a measurement of its own.
    **words : str
        What the file does not say of all its points: ``state`` (``"Y(1S)"``, or ``"Y(2S)/Y(1S)"`` for a double ratio),
        ``observable`` (R_AA unless the file knows better), ``x_name``, ``experiment`` (by default the name of the
        file), ``system``, ``sqrt_s_GeV`` (any system if not said), ``kinematics`` (``"pT<30 GeV; |y|<2.4"``),
        ``centrality`` (``"0-90%"``), ``paper``, ``arxiv``, ``hepdata``, ``note``. They go before those of the file.

    Returns
    -------
    tuple of DataSet
        One for each experiment, state and kinematic range, of quality ``"own"``.

    Raises
    ------
    InputError
        If a word is unknown.
    FileFormatError
        If the file is missing, or does not say a state, a place or a value, or which of two axes is the abscissa.

    Notes
    -----
    Of HEPData's errors the label says the kind: with "stat" statistical, with "glob", "lumi" or "norm" common to all
    points, others are added in quadrature as systematic; a single one without a label is the total error. What the
    names of the variables mean is recognized for Upsilon states; where it is not, the message says what to give.

    Of a table with two axes ``x_name`` says which is the abscissa; the bins of the other become the kinematic range or
    the centrality class. It may be left out where one of them has a single bin, and where they are N_part and
    centrality.
    """
    file = path_of("path", path)
    for name, value in words.items():
        if name not in WORDS:
            raise InputError(name, value, f"be one of {', '.join(WORDS)}")
        text(name, value)
    if where is not None:
        text("where", where)
    try:
        content = decoded(file.read_bytes())
    except OSError as error:
        raise FileFormatError(file, f"cannot be read ({error.strerror})", "Check the path.") from None
    except ValueError as error:
        raise FileFormatError(file, f"is no text ({error})", "CSV or YAML is.") from None
    if file.suffix in _YAML:
        tables = [_yaml_table(file, content)]
    else:
        tables = list(_csv_tables(file, content)) if "#:" in content else []
    if tables:
        rows = [row for table in tables for row in _rows_of_table(file, table, words.get("x_name"), where)]
    elif where is not None:
        raise InputError("where", where, f"be left out: {file.name} is no table of HEPData with two axes")
    else:
        rows = _own_rows(file, content)
    if not rows:
        raise FileFormatError(file, "holds no measured point")
    return grouped([_completed(file, row | words) for row in rows])


def _completed(file: Path, row: Row) -> Row:
    """Return a row with every column of the tables that come with the package, checked."""
    row = {**WORDS, "experiment": file.stem, **{name: value for name, value in row.items() if value}}
    for name, what in (
        ("state", "of what meson"),
        ("x_name", "against what"),
        ("value", "what was measured"),
    ):
        if not row.get(name):
            remedy = f"Give {name}=..., or a column of that name."
            raise FileFormatError(file, f"does not say {name}, {what} its points are", remedy)
    named = _states(row["state"])
    if "/".join(named) not in (*MESON_NAMES, *(f"{a}/{b}" for a in MESON_NAMES for b in MESON_NAMES)):
        remedy = f"Names: {', '.join(MESON_NAMES)}, and ratios of two, such as Y(2S)/Y(1S)."
        raise FileFormatError(file, f"state {row['state']!r} is no meson", remedy)
    row["state"] = "/".join(named)
    if row["x_name"] not in AXES:
        raise FileFormatError(file, f"x_name {row['x_name']!r} is none of {', '.join(AXES)}")
    if row["observable"] not in OBSERVABLES:
        raise FileFormatError(file, f"observable {row['observable']!r} is none of {', '.join(OBSERVABLES)}")
    numbers = {name: _number(file, name, row.get(name, "")) for name in (*NUMBERS, *_ERRORS)}
    for kind in _ERRORS:
        for side in ("plus", "minus"):
            name = f"{kind}_{side}"
            # lower errors may have a sign
            for given, signed in ((kind, False), (name, side == "minus")):
                if numbers[given] < 0 and not signed:
                    raise FileFormatError(file, f"the error {given} = {numbers[given]:g} is negative")
            numbers[name] = abs(numbers[name] if isfinite(numbers[name]) else numbers[kind])
    for side in ("plus", "minus"):
        parts = [numbers[f"{kind}_{side}"] for kind in ("stat", "syst")]
        if not isfinite(numbers[f"total_{side}"]) and any(map(isfinite, parts)):
            numbers[f"total_{side}"] = hypot(*(part for part in parts if isfinite(part)))
    if not isfinite(numbers["x"]) and row["x_name"] != INTEGRATED:
        numbers["x"] = (numbers["x_low"] + numbers["x_high"]) / 2
        if not isfinite(numbers["x"]):
            raise FileFormatError(
                file, f"a point has no place: neither x nor x_low and x_high of {row['x_name']}"
            )
    try:
        Acceptance.parse(row["kinematics"])
    except InputError as error:
        raise FileFormatError(file, str(error).rstrip(".")) from None
    if row["centrality"] and not re.fullmatch(r"\d+(\.\d+)?-\d+(\.\d+)?%?", row["centrality"]):
        raise FileFormatError(file, f"centrality {row['centrality']!r} is no class such as '10-30%'")
    energy = repr(_number(file, "sqrt_s_GeV", row["sqrt_s_GeV"]))
    spelled = {name: repr(value) if isfinite(value) else "" for name, value in numbers.items()}
    fixed = {"quality": OWN, "status": "current", "read_from": file.name, "sqrt_s_GeV": energy}
    return {**row, **{name: spelled[name] for name in NUMBERS}, **fixed}


def _number(file: Path, name: str, word: str) -> float:
    try:
        return float(word) if word.strip() else nan
    except ValueError:
        raise FileFormatError(file, f"{word!r} in {name} is no number") from None


def _own_rows(file: Path, content: str) -> list[Row]:
    lines = [line for line in content.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    mark = ";" if lines and ";" in lines[0] else ","
    table = [[word.strip() for word in words] for words in csv.reader(lines, delimiter=mark)]
    if len(table) < 2:
        raise FileFormatError(file, "holds no row below a line of column names")
    header, *body = table
    places = [name for name in header if name in AXES]
    values = [name for name in header if name in OBSERVABLES]
    unknown = [name for name in header if name not in (*_COLUMNS, *places, *values)]
    if unknown or len(places) > 1 or len(values) > 1 or len(set(header)) < len(header):
        known = f"Columns: {', '.join((*_COLUMNS, *AXES, *OBSERVABLES))}; one axis and one observable."
        raise FileFormatError(file, f"unknown or repeated columns: {', '.join(unknown or header)}", known)
    implied = {"x_name": places[0]} if places else {}
    implied |= {"observable": values[0]} if values else {}
    names = ["x" if name in places else "value" if name in values else name for name in header]
    rows = []
    for number, words in enumerate(body, 2):
        if len(words) != len(header):
            raise FileFormatError(file, f"row {number} has {len(words)} columns instead of {len(header)}")
        # decimal commas, in the columns of numbers of files whose columns semicolons separate
        pairs = zip(names, words, strict=True)
        rows.append(
            implied | {n: w.replace(",", ".") if mark == ";" and n not in WORDS else w for n, w in pairs}
        )
    return rows


# --- HEPData: a table of named variables, from YAML or CSV


@dataclass
class _Variable:
    """A measured variable: its name with unit, qualifiers, and for each point the value and errors by label."""

    name: str
    qualifiers: list[tuple[str, str]] = field(default_factory=list)
    points: list[tuple[str, dict[str, tuple[str, str]]]] = field(default_factory=list)


@dataclass
class _Axis:
    """An axis of a table: its name with unit, and (x, low, high) of each point, empty where there is none."""

    name: str
    places: list[tuple[str, str, str]]

    @property
    def x_name(self) -> str:
        """The axis among `AXES`, empty if it is not understood."""
        name = self.name.lower().partition("[")[0]
        plain = re.sub(r"\\(?:rm|mathrm|text|it|left|right|langle|rangle)\b", "", name)
        plain = re.sub(r"[^a-z|]", "", plain)
        if "npart" in plain:
            return "N_part"
        if plain.startswith("cent"):
            return "centrality_pct"
        if plain.startswith(("pt", "ptrans", "transversemom")):
            return "pT_GeV"
        if plain in ("selection", "integrated"):
            return INTEGRATED
        if plain.strip("|") in ("y", "absy", "rapidity", "yrap", "absyrap", "ycm"):
            numbers = [float(n) for place in self.places for n in place if _NUMBER.fullmatch(n)]
            return "abs_y" if min(numbers, default=0.0) >= 0 else "y_cm"
        return ""

    @property
    def labels(self) -> list[str]:
        """The bin, or else the value, of each point, as `where` names it."""
        return [_label(f"{low} to {high}" if low else x) for x, low, high in self.places]


@dataclass
class _Table:
    """A table of HEPData: its axes, and what was measured at their points."""

    axes: list[_Axis]
    variables: list[_Variable]
    doi: str = ""


def _label(words: str) -> str:
    """Return a bin or a value in one spelling, such as ``1.2-2.4``."""
    if match := _BIN.fullmatch(words):
        return f"{float(match[1]):g}-{float(match[2]):g}"
    return f"{float(words):g}" if _NUMBER.fullmatch(words.strip()) else words.strip()


def _yaml_table(file: Path, content: str) -> _Table:
    try:
        yaml = import_module("yaml")
    except ImportError:
        remedy = 'python -m pip install "qtraj[hepdata]", or download the table as CSV.'
        raise FileFormatError(file, "YAML needs the package PyYAML", remedy) from None
    try:
        documents = list(yaml.safe_load_all(content))
        (table,) = documents
        variables = [
            _Variable(
                _with_unit(entry["header"]),
                [(str(q["name"]), f"{q['value']} {q.get('units', '')}") for q in entry.get("qualifiers", ())],
                [(str(point["value"]), _yaml_errors(point)) for point in entry["values"]],
            )
            for entry in table["dependent_variables"]
        ]
        axes = []
        for axis in table["independent_variables"]:
            places = [tuple(str(v.get(key, "")) for key in ("value", "low", "high")) for v in axis["values"]]
            axes.append(_Axis(_with_unit(axis["header"]), places))  # type: ignore[arg-type]
    except (yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        remedy = "It has independent_variables and dependent_variables; submission.yaml lists such files."
        problem = f"is no table of HEPData ({type(error).__name__}: {error})".replace("\n", " ")
        raise FileFormatError(file, problem, remedy) from None
    sizes = {len(axis.places) for axis in axes} | {len(variable.points) for variable in variables}
    if not axes or len(sizes) != 1:
        raise FileFormatError(file, "its variables have different numbers of points")
    return _Table(axes, variables)


def _with_unit(header: Mapping[str, Any]) -> str:
    unit = header.get("units")
    return f"{header['name']} [{unit}]" if unit else str(header["name"])


def _yaml_errors(point: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    errors: dict[str, tuple[str, str]] = {}
    for number, entry in enumerate(point.get("errors", ())):
        both = entry.get("asymerror") or {"plus": entry["symerror"], "minus": entry["symerror"]}
        # several errors without a label are several errors
        errors[str(entry.get("label", "" if len(point["errors"]) == 1 else f"error {number}"))] = (
            str(both["plus"]),
            str(both["minus"]),
        )
    return errors


def _csv_tables(file: Path, content: str) -> Iterator[_Table]:
    """Yield the tables of HEPData's CSV: remarks under ``#:``, then one block of lines for each variable."""
    doi = ""
    qualifiers: list[tuple[str, str]] = []
    block: list[list[str]] = []
    for line in (*content.splitlines(), ""):
        if line.startswith("#:"):
            words = next(csv.reader([line[2:].strip()]))
            name, colon, rest = line[2:].strip().partition(": ")
            if (colon and len(words) == 1) or name in ("description", "name", "table_doi", "data_file"):
                doi = rest if name == "table_doi" else doi
                if name.startswith("keyword"):
                    qualifiers.append((name.removeprefix("keyword "), rest))
            else:
                value = next((word for word in words[1:] if word.strip()), "")
                qualifiers = [q for q in qualifiers if q[0] != words[0]] + [(words[0], value)]
        elif line.strip():
            block += csv.reader([line])
        elif block:
            yield _csv_table(file, block, list(qualifiers), doi)
            block = []


def _csv_table(
    file: Path, block: Sequence[Sequence[str]], qualifiers: list[tuple[str, str]], doi: str
) -> _Table:
    header, *rows = block
    if len(header) < 2 or any(len(row) != len(header) for row in rows):
        raise FileFormatError(file, f"the columns {', '.join(header)} are no table of HEPData")
    axes: list[_Axis] = []
    first = 0
    while first < len(
        header
    ):  # the first column is an axis, others are if they have bins, or a name that is known
        name, ends = header[first], [first + 1, first + 2]
        if header[first + 1 : first + 3] != [f"{name} LOW", f"{name} HIGH"]:
            ends = []
        places = [(row[first], *((row[i] for i in ends) if ends else ("", ""))) for row in rows]
        axis = _Axis(name, places)
        if axes and not ends and not axis.x_name:
            break
        axes.append(axis)
        first += 1 + len(ends)
    if first == len(header):
        raise FileFormatError(file, f"the columns {', '.join(header)} hold nothing that was measured")
    variables: list[_Variable] = []
    for i in range(first, len(header)):
        if header[i].endswith((" +", " -")):
            label, side = header[i][:-2], header[i][-1]
            for (_, errors), row in zip(variables[-1].points if variables else [], rows, strict=True):
                plus, minus = errors.get(label, ("", ""))
                errors[label] = (row[i], minus) if side == "+" else (plus, row[i])
        else:
            variables.append(_Variable(header[i], qualifiers, [(row[i], {}) for row in rows]))
    return _Table(axes, variables, doi)


def _rows_of_table(file: Path, table: _Table, x_name: str | None, where: str | None) -> Iterator[Row]:
    axis, other = _abscissa(file, table.axes, x_name)
    points = list(range(len(axis.places)))
    if where is not None:
        if other is None:
            raise InputError("where", where, f"be left out: the table in {file.name} has one axis")
        points = [i for i, label in enumerate(other.labels) if label == _label(where)]
        if not points:
            there = ", ".join(dict.fromkeys(other.labels))
            raise FileFormatError(
                file, f"no point is at {where} of the axis {other.name}", f"Give one of {there}."
            )
    for variable in table.variables:
        said = _meaning(table, axis, variable)
        for i in points:
            place, (value, errors) = axis.places[i], variable.points[i]
            if not _NUMBER.fullmatch(value.strip()):
                continue  # HEPData writes "-" where there is no value
            row = said if other is None else said | _beside(file, axis, other, points, i, said["kinematics"])
            row = {**row, "value": value, **dict(zip(("x", "x_low", "x_high"), place, strict=True))}
            if said["x_name"] == INTEGRATED:
                row["x"] = ""
            if not row["x_low"] and (ends := _ends(row["x"])) is not None:
                row |= {"x": "", "x_low": str(ends[0]), "x_high": str(ends[1])}
            if said["x_name"] == "centrality_pct" and row["x_low"]:
                row["centrality"] = f"{float(row['x_low']):g}-{float(row['x_high']):g}%"
            yield row | _errors(value, errors)


def _ends(words: str) -> tuple[float, float] | None:
    """Return the ends of a bin that is written as words, such as ``0-10%``."""
    match = _BIN.fullmatch(words)
    return (float(match[1]), float(match[2])) if match else None


def _errors(value: str, errors: Mapping[str, tuple[str, str]]) -> Row:
    squares: dict[str, float] = {}
    for label, sides in errors.items():
        plain = label.lower()
        kind = "total" if not plain or plain.startswith("tot") else "stat" if "stat" in plain else "syst"
        if any(word in plain for word in ("glob", "lumi", "norm")):
            kind = "global_rel"
        for side, word in zip(("plus", "minus"), sides, strict=True):
            if not _NUMBER.match(word.strip()):
                continue
            size = float(word.strip().rstrip("%"))
            # a percentage is relative to the value, and a common error is always taken as relative
            size *= float(value) / 100 if "%" in word else 1.0
            size /= (float(value) or 1.0) if kind == "global_rel" else 1.0
            name = f"{kind}_{side}"
            squares[name] = squares.get(name, 0.0) + size**2
    return {name: repr(square**0.5) for name, square in squares.items()}


def _meaning(table: _Table, axis: _Axis, variable: _Variable) -> Row:
    """Return what the names and qualifiers of a variable say, as far as they are understood."""
    said: Row = {"hepdata": table.doi.removeprefix("https://doi.org/"), "x_name": axis.x_name}
    plain = re.sub(r"[^a-z0-9]", "", re.sub(r"\\(?:rm|mathrm|text|it)\b", "", variable.name.lower()))
    words = " ".join([variable.name, *(value for _, value in variable.qualifiers)]).replace("\\", " ")
    for mark, observable in (("raa", "R_AA"), ("rpa", "R_pA"), ("rppb", "R_pA"), ("v2", "v2")):
        if mark in plain:
            said["observable"] = observable
    states = _states(variable.name.replace("\\", " ")) or _states(words)
    if len(states) == 2 and "observable" not in said:
        said |= {"observable": "double_ratio", "state": "/".join(states)}
    elif len(states) == 1:
        said["state"] = states[0]
    kinematics = []
    for name, value in variable.qualifiers:
        short = re.sub(r"[^a-z|]", "", name.lower().partition("[")[0])
        numbers = [float(n) for n in re.findall(r"\d+\.?\d*", value)]
        if short in ("re", "reactions") and (nuclei := re.match(r"\s*(\w+)\s+(\w+)\s*-->", value)):
            known = [_NUCLEI.get(each.upper(), each) for each in nuclei.groups()]
            said["system"] = "".join(sorted(known, key=lambda n: n != "p"))
        elif short.startswith(("sqrt", "cmenerg")) and numbers:
            tev = "tev" in f"{name} {value}".lower() or numbers[0] < 20
            said["sqrt_s_GeV"] = f"{numbers[0] * (1000 if tev else 1):g}"
        elif short.startswith("cent") and (ends := _ends(value)) is not None:
            said["centrality"] = f"{ends[0]:g}-{ends[1]:g}%"
        elif short in ("pt", "ptrans", "y", "|y|", "absy", "yrap", "absyrap") and numbers:
            letter, unit = ("pT", " GeV") if short.startswith("pt") else ("|y|" if short != "y" else "y", "")
            low, high = (numbers[0], numbers[-1]) if len(numbers) > 1 else (0.0, numbers[0])
            kinematics.append(
                f"{low:g}<{letter}<{high:g}{unit}" if low or letter == "y" else f"{letter}<{high:g}{unit}"
            )
    said["kinematics"] = "; ".join(kinematics)
    return said


def _states(words: str) -> list[str]:
    """Return the mesons that are named, each once, in their order."""
    found = {match.start(): f"Y({match[1]}S)" for match in _STATE.finditer(words)}
    found |= {match.start(): match[0] for match in _CHI.finditer(words)}
    return list(dict.fromkeys(found[place] for place in sorted(found)))


def _abscissa(file: Path, axes: Sequence[_Axis], x_name: str | None) -> tuple[_Axis, _Axis | None]:
    """Return the axis that the points are drawn against, and the other one of a table with two."""
    if len(axes) == 1:
        return axes[0], None
    if len(axes) > 2:
        there = ", ".join(axis.name for axis in axes)
        remedy = "Write the points in one bin of all but one of them into a CSV file of your own."
        raise FileFormatError(file, f"the table has {len(axes)} axes: {there}", remedy)
    names = [axis.x_name for axis in axes]
    if x_name is None and set(names) == {"N_part", "centrality_pct"}:
        x_name = "N_part"  # both say the class
    if x_name is not None:
        # a name that is not understood is the one that `x_name` explains
        fitting = [i for i, name in enumerate(names) if name == x_name] or [
            i for i, n in enumerate(names) if not n
        ]
    else:
        fitting = [i for i, axis in enumerate(axes) if len(set(axis.labels)) > 1]
    if len(fitting) == 1:
        return axes[fitting[0]], axes[1 - fitting[0]]
    choices = " or ".join(f"x_name={name}" for name in names if name) or "x_name=..."
    first, second = ("/".join(dict.fromkeys(axis.labels)) for axis in axes)
    problem = f"the table has two axes, {axes[0].name} ({first}) and {axes[1].name} ({second})"
    remedy = f"Give {choices}; where=LOW-HIGH takes one bin of the other."
    raise FileFormatError(file, problem, remedy)


def _beside(file: Path, axis: _Axis, other: _Axis, points: Sequence[int], i: int, kinematics: str) -> Row:
    """Return what point `i` of `points` says on the other axis: its kinematic range, or its centrality class."""
    labels = [other.labels[k] for k in points]
    name, ends = other.x_name, _BIN.fullmatch(other.labels[i])
    if name == "centrality_pct" and ends:
        return {"centrality": f"{other.labels[i]}%"}
    letter = {"pT_GeV": "pT", "abs_y": "|y|", "y_cm": "y_cm"}.get(name)
    if letter and ends:
        # what the qualifiers say of it is the range of the whole table
        conditions = [each for each in kinematics.split("; ") if each and letter not in each]
        low, high = (f"{float(end):g}" for end in ends.groups())
        conditions.append(f"{low}<{letter}<{high}{' GeV' if letter == 'pT' else ''}")
        return {"kinematics": "; ".join(conditions)}
    if len(set(labels)) > 1 and name != INTEGRATED and {name, axis.x_name} != {"N_part", "centrality_pct"}:
        problem = f"the bins of its axis {other.name} are no kinematic range that qtraj knows"
        raise FileFormatError(file, problem, f"Give where=..., one of {', '.join(dict.fromkeys(labels))}.")
    return {"note": f"{other.name} = {other.labels[i]}"}


def data_of(words: str, folder: Path, key: str) -> tuple[DataSet, ...]:
    """Return the measurements of ``FILE,NAME=VALUE,...``, the file in `folder`; `key` is what messages call it."""
    name, *pairs = words.split(",")
    given = dict(pair.partition("=")[::2] for pair in pairs)
    if any("=" not in pair for pair in pairs) or set(given) - {"where", *WORDS}:
        allowed = "be FILE, or FILE,NAME=VALUE,... such as t.yaml,state=Y(1S)"
        raise InputError(key, words, allowed, f"Names: {', '.join(WORDS)}, where.")
    return read_data(folder / name, **given)
