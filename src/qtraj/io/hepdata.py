"""Tables in the YAML of HEPData (hepdata-submission.readthedocs.io), ready to be uploaded.

HEPData's own library would bring seven packages and change the YAML loader of the whole process; the format is a dozen
lines, and the tests hold the files to HEPData's schemas.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from .._atomic import atomic_path
from .._checks import path as path_of
from ..observables.curves import Curve

DIGITS: Final = 6
"""Significant digits of values and errors; the CSV files hold more."""

_AXES: Final = {
    "N_part": ("N_part", ""),
    "centrality_pct": ("Centrality", "%"),
    "b_fm": ("b", "fm"),
    "pT_GeV": ("p_T", "GeV"),
    "y": ("y", ""),
    "abs_y": ("|y|", ""),
    "y_cm": ("y_cm", ""),
    "phi": ("phi", "rad"),
    "integrated": ("Selection", ""),
}


@dataclass(frozen=True)
class HepdataTable:
    """One table of a submission.

    Parameters
    ----------
    name, description : str
        Title and text.
    curve : Curve
        What it holds: one dependent variable for each name.
    bands : mapping of str to mapping of str to (low, high), optional
        By name, then by label: the ranges over model settings, as further asymmetric errors.
    qualifiers : mapping of str to str, optional
        What holds for the whole table: system, energy, feed-down, ...
    """

    name: str
    description: str
    curve: Curve
    bands: Mapping[str, Mapping[str, tuple[Any, Any]]] = field(default_factory=dict)
    qualifiers: Mapping[str, str] = field(default_factory=dict)

    @property
    def file_name(self) -> str:
        """Name of its data file."""
        return f"{self.name.lower().replace(' ', '_')}.yaml"


def write_hepdata(folder: str | Path, tables: Sequence[HepdataTable], comment: str = "") -> list[Path]:
    """Write ``submission.yaml`` and one data file per table.

    Parameters
    ----------
    folder : str or Path
        Created if need be.
    tables : sequence of HepdataTable
        In their order.
    comment : str, optional
        What was computed, for the head of the submission.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    FileFormatError
        If a file cannot be written.
    """
    folder = path_of("folder", folder)
    written = [_write(folder / table.file_name, [_data(table)]) for table in tables]
    head = {"comment": comment or "Theory predictions made with qtraj"}
    documents = [head, *(_entry(table) for table in tables)]
    return [_write(folder / "submission.yaml", documents), *written]


def _entry(table: HepdataTable) -> dict[str, Any]:
    system = table.qualifiers.get("system", "")
    keywords = [{"name": "observables", "values": [table.curve.observable]}]
    if system:
        keywords.append({"name": "reactions", "values": [system]})
    return {
        "name": table.name,
        "description": table.description,
        "location": "qtraj",
        "keywords": keywords,
        "data_file": table.file_name,
    }


def _data(table: HepdataTable) -> dict[str, Any]:
    curve = table.curve
    axis, unit = _AXES[curve.x_name]
    values = [_place(curve.x_name, *place) for place in zip(curve.x, curve.x_low, curve.x_high, strict=True)]
    return {
        "independent_variables": [{"header": _header(axis, unit), "values": values}],
        "dependent_variables": [_dependent(table, name) for name in curve.values],
    }


def _dependent(table: HepdataTable, name: str) -> dict[str, Any]:
    estimate, bands = table.curve[name], table.bands.get(name, {})
    qualifiers = [{"name": key, "value": value} for key, value in table.qualifiers.items()]
    points = []
    for i, value in enumerate(np.atleast_1d(estimate.value)):
        errors: list[dict[str, Any]] = [
            {"symerror": _round(np.atleast_1d(part)[i]), "label": label}
            for label, part in estimate.parts.items()
        ]
        for label, (low, high) in bands.items():
            ends = {"plus": _round(high[i] - value), "minus": _round(low[i] - value)}
            errors.append({"asymerror": ends, "label": label})
        points.append({"value": _round(value), "errors": errors} if errors else {"value": _round(value)})
    header = _header(f"{table.curve.observable} {name}", "")
    return {"header": header, **({"qualifiers": qualifiers} if qualifiers else {}), "values": points}


def _header(name: str, unit: str) -> dict[str, str]:
    return {"name": name, "units": unit} if unit else {"name": name}


def _place(x_name: str, x: float, low: float, high: float) -> dict[str, Any]:
    if x_name == "integrated":
        return {"value": "all"}
    if low < high:
        return {"value": _round(x), "low": _round(low), "high": _round(high)}
    return {"value": _round(x)}


def _round(value: Any) -> float:
    return float(f"{float(value):.{DIGITS}g}")


def _write(path: Path, documents: Iterable[Any]) -> Path:
    several = list(documents)
    text = "---\n".join("\n".join(_yaml(document)) + "\n" for document in several)
    with atomic_path(path) as temporary:
        temporary.write_text(f"---\n{text}" if len(several) > 1 else text, encoding="utf-8")
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
