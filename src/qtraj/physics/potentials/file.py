"""Files of tabulated potentials: text with named columns, or npz."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..._checks import path as path_of
from ...errors import FileFormatError
from ...units import HBARC

Float = NDArray[np.float64]

COLUMNS: Final = ("r[fm]", "r[GeV^-1]", "V[GeV]", "ReV[GeV]", "ImV[GeV]", "T[GeV]", "octet[GeV]")
"""Column names of a text file."""

_ARRAYS: Final = ("r", "r_fm", "V", "T", "vacuum", "octet")


def read_potential_table(path: str | Path) -> dict[str, Any]:
    """Return the arrays of a file by the argument names of `TabulatedPotential`: r, V and, if there, T, vacuum, octet.

    Raises
    ------
    FileFormatError
        If the file is missing or not in the layout that `TabulatedPotential.read` describes.
    """
    file = path_of("path", path)
    if not file.is_file():
        raise FileFormatError(file, "there is no such file")
    return _read_npz(file) if file.suffix == ".npz" else _read_text(file)


def _read_npz(file: Path) -> dict[str, Any]:
    if not zipfile.is_zipfile(file):
        raise FileFormatError(file, "it is no npz file, or a truncated one")
    try:
        # no pickles: a file must not run code
        with file.open("rb") as handle, np.load(handle, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise FileFormatError(file, f"it is no npz file of plain arrays ({error})") from None
    unknown = sorted(set(arrays) - set(_ARRAYS))
    if unknown:
        raise FileFormatError(file, f"unknown arrays {unknown}", f"Known are {', '.join(_ARRAYS)}.")
    if ("r" in arrays) == ("r_fm" in arrays) or "V" not in arrays:
        remedy = "It must have V and one of r (GeV^-1) and r_fm."
        raise FileFormatError(file, f"it has {sorted(arrays)}", remedy)
    if "r_fm" in arrays:
        arrays["r"] = arrays.pop("r_fm") / HBARC
    return arrays


def _read_text(file: Path) -> dict[str, Any]:
    try:
        lines = [line.split("#")[0].split() for line in file.read_text(encoding="utf-8").splitlines()]
    except UnicodeDecodeError:
        raise FileFormatError(file, "it is no text file", "Text, or npz by its name.") from None
    lines = [line for line in lines if line]
    if len(lines) < 2:
        raise FileFormatError(file, "it has no line of column names followed by numbers")
    names, values = lines[0], _numbers(file, lines)
    _check_names(file, names)
    columns = dict(zip(names, values.T, strict=True))
    columns["r"] = columns.pop("r[fm]") / HBARC if "r[fm]" in columns else columns.pop("r[GeV^-1]")
    real = columns["V[GeV]"] if "V[GeV]" in columns else columns["ReV[GeV]"]
    fields: dict[str, NDArray[Any]] = {
        "V": real + 1j * columns["ImV[GeV]"] if "ImV[GeV]" in columns else real
    }
    if "octet[GeV]" in columns:
        fields["octet"] = columns["octet[GeV]"]
    if "T[GeV]" not in columns:
        return {"r": columns["r"], **fields}
    return _on_grid(file, columns["r"], columns["T[GeV]"], fields)


def _numbers(file: Path, lines: list[list[str]]) -> Float:
    width = len(lines[0])
    for number, line in enumerate(lines[1:], start=1):
        if len(line) != width:
            raise FileFormatError(file, f"row {number} has {len(line)} numbers for {width} column names")
    try:
        return np.array(lines[1:], dtype=float)
    except ValueError as error:
        raise FileFormatError(file, f"a row holds no number: {error}") from None


def _check_names(file: Path, names: list[str]) -> None:
    remedy = f"Known columns are {', '.join(COLUMNS)}."
    unknown = [name for name in names if name not in COLUMNS]
    if unknown or len(set(names)) < len(names):
        raise FileFormatError(file, f"unknown or repeated columns in {names}", remedy)
    distance = ("r[fm]" in names) + ("r[GeV^-1]" in names)
    if distance != 1 or ("V[GeV]" in names) + ("ReV[GeV]" in names) != 1:
        remedy = "One distance and one of V[GeV] and ReV[GeV] are needed."
        raise FileFormatError(file, f"columns {names}", remedy)
    if "ImV[GeV]" in names and "ReV[GeV]" not in names:
        raise FileFormatError(file, f"columns {names}", "ImV[GeV] goes with ReV[GeV].")


def _on_grid(file: Path, r: Float, T: Float, fields: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """Sort rows by (T, r) and return the fields as (nt, nr)."""
    # rows may come in any order
    order = np.lexsort((r, T))
    temperatures, distances = np.unique(T), np.unique(r)
    shape = (len(temperatures), len(distances))
    expected = np.tile(distances, len(temperatures))
    if len(r) != expected.size or not np.array_equal(r[order], expected):
        raise FileFormatError(file, f"{len(r)} rows are no grid of {shape[0]} T and {shape[1]} r")
    return {
        "r": distances,
        "T": temperatures,
        **{name: values[order].reshape(shape) for name, values in fields.items()},
    }
