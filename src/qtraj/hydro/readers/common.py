"""What the readers share: files and their checks, tables of numbers, columns brought onto a grid."""

from __future__ import annotations

import gzip
import hashlib
import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final, Literal, TextIO, TypeVar, cast

import h5py
import numpy as np
from numpy.typing import NDArray

from ..._atomic import text_encoding
from ..._checks import path as path_of
from ..._types import Float
from ...errors import FileFormatError, InputError, note
from ...units import HBARC
from ..field import Hydro

R = TypeVar("R")
TemperatureUnit = Literal["GeV", "MeV", "fm^-1"]

# factor from the unit of a temperature column to GeV
TO_GEV: Final[Mapping[str, float]] = {"GeV": 1.0, "MeV": 1e-3, "fm^-1": HBARC}
HDF5_SIGNATURE: Final = b"\x89HDF\r\n\x1a\n"  # first bytes of every HDF5 file, netCDF4 among them
COORDINATES: Final = ("tau", "x", "y", "eta")
FIELDS: Final = ("T", "vx", "vy")


@dataclass(frozen=True)
class Format:
    """A layout that needs nothing but the file: its name in run files and for `open_hydro`, and its reader.

    `matches` tells from a look at its first bytes whether an existing file or folder is in this layout.
    """

    name: str
    read: Callable[[str | Path], Hydro]
    matches: Callable[[Path], bool]


def existing_file(path: str | Path) -> Path:
    """Return `path` if it is a non-empty file, else raise FileFormatError."""
    file = path_of("path", path)
    if not file.is_file():
        raise FileFormatError(file, "there is no such file")
    if file.stat().st_size == 0:
        raise FileFormatError(file, "the file is empty")
    return file


def check_last_line(path: Path) -> None:
    """Raise FileFormatError if a text file does not end with its line: a number may be cut there."""
    with path.open("rb") as handle:
        handle.seek(-min(2, path.stat().st_size), os.SEEK_END)
        # gzip notices truncation itself; UTF-16 has a zero beside the line feed
        if path.suffix != ".gz" and not handle.read(2).rstrip(b"\0").endswith((b"\r", b"\n")):
            remedy = "If the file is complete, add a line break."
            raise FileFormatError(path, "the last line has no end: truncated", remedy)


def for_file(path: Path, build: Callable[[], R]) -> R:
    """Call `build`; turn an InputError about its arrays into a FileFormatError that names the file."""
    try:
        return build()
    except InputError as error:
        raise FileFormatError(path, str(error).rstrip("."), "Check the declared layout and units.") from error


def map_floats(path: Path) -> NDArray[np.float32]:
    """Memory-map a file of little-endian float32."""
    size = path.stat().st_size
    if size % 4:
        raise FileFormatError(path, f"{size} bytes are no whole number of float32 values: truncated")
    return np.memmap(path, dtype="<f4", mode="r")


def uniform_axis(first: float, step: float, n: int, offset: int = 0) -> NDArray[np.float64]:
    """Return first + step (offset + i), i = 0 ... n - 1."""
    return np.asarray(first + step * np.arange(offset, offset + n), dtype=np.float64)


def opened_text(file: Path) -> TextIO:
    """Open a text, plain or gzip, whatever program saved it: a byte-order mark and Latin-1 comments do no harm."""
    packed = file.suffix == ".gz"
    with gzip.open(file) if packed else file.open("rb") as handle:
        encoding = text_encoding(handle.read(4))
    # Latin-1 reads any byte, and numbers are ASCII in it as in UTF-8
    encoding = "latin-1" if encoding == "utf-8" else encoding
    return cast(
        "TextIO", gzip.open(file, "rt", encoding=encoding) if packed else file.open(encoding=encoding)
    )


def _delimiter(file: Path, skip_lines: int) -> str | None:
    """Return what separates the columns of a table: a semicolon, a comma, or None for white space."""
    with opened_text(file) as handle:
        for line in islice(handle, skip_lines, None):
            if content := line.partition("#")[0].strip():
                return next((mark for mark in ";," if mark in content), None)
    return None


def load_table(
    file: Path, n_columns: int, *, skip_lines: int = 0, delimiter: str | None = None, problem: str = ""
) -> Float:
    """Return the numbers of a text file, shape (lines, n_columns), or raise FileFormatError.

    Without a `delimiter` the first line of numbers tells it: semicolons, between which a comma is a decimal one, as
    spreadsheets of many countries write them, else commas, else white space.
    """
    check_last_line(file)
    try:
        with warnings.catch_warnings():
            # numpy warns about an empty table, which is refused below
            warnings.simplefilter("ignore", UserWarning)
            delimiter = _delimiter(file, skip_lines) if delimiter is None else delimiter
            with opened_text(file) as handle:
                lines = (line.replace(",", ".") for line in handle) if delimiter == ";" else handle
                table = np.loadtxt(lines, skiprows=skip_lines, delimiter=delimiter, ndmin=2)
    except (ValueError, UnicodeDecodeError, EOFError, gzip.BadGzipFile) as error:
        fault = f"not {n_columns} numbers on every line: {error}".rstrip(".")
        raise FileFormatError(file, fault, problem) from None
    if table.size == 0:
        raise FileFormatError(file, "it holds no numbers", problem)
    if table.shape[1] != n_columns:
        raise FileFormatError(file, f"{table.shape[1]} columns, but {n_columns} are declared", problem)
    return table


def to_grid(
    file: Path, columns: Mapping[str, Float], *, sparse: bool
) -> tuple[dict[str, Float], dict[str, Float]]:
    """Sort columns of equal length into axes and dense fields, NaN where a sparse file has no line."""
    axes: dict[str, Float] = {}
    indices = []
    for name in (c for c in COORDINATES if c in columns):
        if not np.all(np.isfinite(columns[name])):
            raise FileFormatError(file, f"the column {name} holds NaN or infinity")
        # sorted axes from the values themselves: the lines may come in any order
        axes[name], index = np.unique(columns[name], return_inverse=True)
        indices.append(index)
    shape = tuple(len(axis) for axis in axes.values())
    n_lines, n_cells = len(indices[0]), int(np.prod(shape))
    flat = np.ravel_multi_index(indices, shape)
    # two lines for one cell: a wrong order of columns looks like this
    if len(np.unique(flat)) != n_lines:
        raise FileFormatError(file, "some cells occur twice", "Is the declared order of the columns right?")
    if not sparse and n_lines != n_cells:
        problem = f"{n_lines} lines for a grid of {' x '.join(map(str, shape))} = {n_cells} cells: truncated"
        remedy = "If cells outside the fireball are left out on purpose, declare the file sparse."
        raise FileFormatError(file, problem, remedy)
    fields = {}
    for name in (f for f in FIELDS if f in columns):
        if np.any(np.isnan(columns[name])):
            raise FileFormatError(file, f"the column {name} holds NaN")
        fields[name] = np.full(shape, np.nan)
        fields[name].flat[flat] = columns[name]
    return axes, fields


def build_hydro(
    file: Path, axes: Mapping[str, Float], fields: Mapping[str, NDArray[Any]], layout: str, **attrs: str
) -> Hydro:
    """Return the Hydro of named axes and fields; T = 0 is the mark of hydro codes for "outside the fireball".

    A frame at tau = 0 is left out, and said so if it stores anything: nothing can be interpolated in ln tau from there.
    """
    if len(axes["tau"]) > 2 and axes["tau"][0] == 0:
        if np.any(fields["T"][0] > 0):
            note(_left_out_at_zero, (file.name, float(axes["tau"][1])))
        axes, fields = {**axes, "tau": axes["tau"][1:]}, {name: field[1:] for name, field in fields.items()}
    T, vx, vy = fields["T"], fields.get("vx"), fields.get("vy")
    T = np.where(T == 0, np.asarray(np.nan, dtype=T.dtype), T)
    attrs = {
        "source": file.name,
        "format": layout,
        "units": "tau, x, y in fm; T in GeV",
        "sha256": sha256(file),
        **attrs,
    }
    return for_file(file, lambda: Hydro(axes["tau"], axes["x"], axes["y"], T, axes.get("eta"), vx, vy, attrs))


def _left_out_at_zero(files: list[tuple[str, float]]) -> list[str]:
    return [
        f"The frame at tau = 0 of {name} is left out: the medium begins with the next frame, at {first:g} fm/c."
        for name, first in dict.fromkeys(files)
    ]


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def first_bytes(path: Path, count: int = 64) -> bytes:
    """Return the first bytes of a file, none of a folder: what a layout is told by."""
    if path.is_dir():
        return b""
    with path.open("rb") as handle:
        return handle.read(count)


def hdf5_root(path: Path) -> tuple[set[str], dict[str, Any]]:
    """Return the names of the groups and the attributes of the root of an HDF5 file, nothing of another file."""
    if not first_bytes(path).startswith(HDF5_SIGNATURE):
        return set(), {}
    try:
        with h5py.File(path, "r", locking=False) as h5:
            return set(h5), dict(h5.attrs)
    except OSError as error:
        raise FileFormatError(path, f"HDF5 cannot open it ({error})", "Truncated?") from None
