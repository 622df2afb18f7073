"""Observables as files: CSV, and the YAML of HEPData (hepdata-submission.readthedocs.io), ready to be uploaded.

HEPData's own library would bring seven packages and change the YAML loader of the whole process; the format is a dozen
lines, and the tests hold the files to HEPData's schemas.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from .._atomic import atomic_path
from .._checks import path as path_of
from ..observables.curves import Curve
from ..observables.estimate import Estimate
from ..observables.observable import Observable
from ..observables.overview import Panel
from ..observables.table import AXES, INTEGRATED
from .survivals import write_csv

DIGITS: Final = 6  # significant digits of values and errors; the CSV files hold more


def write_panel_csv(path: str | Path, panel: Panel) -> Path:
    """Write all mesons of a panel with every part of their errors."""
    curve = panel.curve
    parts = list(dict.fromkeys(part for value in curve.values.values() for part in value.parts))
    labels = list(dict.fromkeys(band.label for band in panel.bands if band.label))
    header = [
        *("name", curve.x_name, "low", "high", curve.observable, "error"),
        *(f"error_{part}" for part in parts),
        *(f"{label} {end}" for label in labels for end in ("low", "high")),
        *panel.parts,
    ]
    missing = dict.fromkeys(note for value in curve.values.values() for note in value.not_estimated)
    comments = [f"selection: {curve.selection}"] if curve.selection else []
    comments += [*panel.notes, *([f"errors not estimated: {'; '.join(missing)}"] if missing else [])]
    nothing, rows = np.full(len(curve), np.nan), []
    for name, value in curve.values.items():
        bands = {band.label: (band.low, band.high) for band in panel.bands if band.name == name}
        columns = [curve.x, curve.x_low, curve.x_high, value.value, value.error]
        columns += [value.parts.get(part, nothing) for part in parts]
        columns += [end for label in labels for end in bands.get(label, (nothing, nothing))]
        columns += [part[name].value for part in panel.parts.values()]
        for numbers in np.transpose(columns):
            rows.append([name, *("" if np.isnan(number) else f"{number:.10g}" for number in numbers)])
    return write_csv(path, header, rows, comments)


def write_survival_means(path: str | Path, averages: Mapping[str, Mapping[str, Estimate]]) -> Path:
    """Write mean survivals: one row per setting and radial state, with every part of the error."""
    every = [estimate for means in averages.values() for estimate in means.values()]
    parts = list(dict.fromkeys(part for estimate in every for part in estimate.parts))
    header = ["setting", "state", "survival", "error", *(f"error_{part}" for part in parts), "not_estimated"]
    rows = []
    for setting, means in averages.items():
        for state, mean in means.items():
            errors = [f"{mean.parts[part]:.10g}" if part in mean.parts else "" for part in parts]
            numbers = [f"{mean.value:.10g}", f"{mean.error:.10g}", *errors]
            rows.append([setting, state, *numbers, "; ".join(mean.not_estimated)])
    return write_csv(path, header, rows)


@dataclass(frozen=True)
class HepdataTable:
    """One table of a submission."""

    name: str  # its title; the name of the data file follows from it
    description: str
    curve: Curve  # what it holds: one dependent variable for each name
    # by name, then by label: (low, high), the ranges over model settings, as further asymmetric errors
    bands: Mapping[str, Mapping[str, tuple[Any, Any]]] = field(default_factory=dict)
    qualifiers: Mapping[str, str] = field(default_factory=dict)  # such as system, energy and feed-down

    @classmethod
    def of(cls, panel: Panel, qualifiers: Mapping[str, str]) -> HepdataTable:
        """Return the table of a panel; `qualifiers` hold for all tables of a submission."""
        curve = panel.curve
        against = "over all paths" if curve.x_name == INTEGRATED else f"against {AXES[curve.x_name].words}"
        title = Observable.named(curve.observable).title
        what = f"{title} {against}, central setting with errors of the calculation;"
        description = " ".join(
            [what, "further errors are the ranges over settings of the model.", *panel.notes]
        )
        bands: dict[str, dict[str, tuple[object, object]]] = {}
        for band in panel.bands:
            if band.label:
                bands.setdefault(band.name, {})[band.label] = (band.low, band.high)
        chosen = {"selection": curve.selection} if curve.selection else {}
        return cls(panel.name, description, curve, bands, {**qualifiers, **chosen})

    @property
    def file_name(self) -> str:
        """Name of its data file."""
        return f"{self.name.lower().replace(' ', '_')}.yaml"


def write_hepdata(folder: str | Path, tables: Sequence[HepdataTable], comment: str = "") -> list[Path]:
    """Write ``submission.yaml`` and one data file per table."""
    folder = path_of("folder", folder)
    written, documents = [], [{"comment": comment or "Theory predictions made with qtraj"}]
    for table in tables:
        written.append(_write(folder / table.file_name, [_data(table)]))
        keywords = [{"name": "observables", "values": [table.curve.observable]}]
        if system := table.qualifiers.get("system"):
            keywords.append({"name": "reactions", "values": [system]})
        entry: dict[str, Any] = {"name": table.name, "description": table.description, "location": "qtraj"}
        documents.append(entry | {"keywords": keywords, "data_file": table.file_name})
    return [_write(folder / "submission.yaml", documents), *written]


def _data(table: HepdataTable) -> dict[str, Any]:
    curve, axis = table.curve, AXES[table.curve.x_name]
    header = {"name": axis.symbol or axis.words.capitalize(), "units": axis.unit}
    places: list[dict[str, Any]] = []
    for x, low, high in zip(curve.x, curve.x_low, curve.x_high, strict=True):
        places.append({"value": "all" if curve.x_name == INTEGRATED else _round(x)})
        if low < high:
            places[-1] |= {"low": _round(low), "high": _round(high)}
    qualifiers = [{"name": key, "value": value} for key, value in table.qualifiers.items()]
    dependent: list[dict[str, Any]] = []
    for name, estimate in curve.values.items():
        points: list[dict[str, Any]] = []
        for i, value in enumerate(np.atleast_1d(estimate.value)):
            if np.isnan(value):  # HEPData's sign of a missing point
                points.append({"value": "-"})
                continue
            errors: list[dict[str, Any]] = []
            for label, part in estimate.parts.items():
                errors.append({"symerror": _round(np.atleast_1d(part)[i]), "label": label})
            for label, (low, high) in table.bands.get(name, {}).items():
                ends = {"plus": _round(high[i] - value), "minus": _round(low[i] - value)}
                errors.append({"asymerror": ends, "label": label})
            points.append({"value": _round(value)} | ({"errors": errors} if errors else {}))
        head: dict[str, Any] = {"header": {"name": f"{curve.observable} {name}"}}
        dependent.append(head | ({"qualifiers": qualifiers} if qualifiers else {}) | {"values": points})
    independent = {"header": {key: text for key, text in header.items() if text}, "values": places}
    return {"independent_variables": [independent], "dependent_variables": dependent}


def _round(value: Any) -> float:
    return float(f"{float(value):.{DIGITS}g}")


def _write(path: Path, documents: Sequence[Any]) -> Path:
    text = "---\n".join("\n".join(_yaml(document)) + "\n" for document in documents)
    with atomic_path(path) as temporary:
        temporary.write_text(f"---\n{text}" if len(documents) > 1 else text, encoding="utf-8")
    return path


def _yaml(value: Any, indent: int = 0) -> list[str]:
    """Return a mapping as lines of block YAML; small mappings and numbers as JSON, which is YAML too."""
    lines, pad = [], " " * indent
    for key, item in value.items():
        if isinstance(item, list) and item:
            lines.append(f"{pad}{key}:")
            for entry in item:
                first, *rest = _yaml(entry) if _is_deep(entry) else [_flow(entry)]
                lines += [f"{pad}- {first}", *(f"{pad}  {line}" for line in rest)]
        elif _is_deep(item):
            lines += [f"{pad}{key}:", *_yaml(item, indent + 2)]
        else:
            lines.append(f"{pad}{key}: {_flow(item)}")
    return lines


def _is_deep(value: Any) -> bool:
    return isinstance(value, dict) and any(isinstance(item, dict | list) for item in value.values())


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_flow(item)}' for key, item in value.items())}}}"
    if isinstance(value, float):
        # YAML 1.1 takes 1e-05 for a word: its numbers have a dot
        mantissa, e, exponent = repr(value).partition("e")
        return mantissa + (".0" if e and "." not in mantissa else "") + e + exponent
    return json.dumps(value, ensure_ascii=False)
