"""What the readers share: files and their checks, tables of numbers, columns brought onto a grid."""

from __future__ import annotations

import gzip
import hashlib
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce
from itertools import islice
from pathlib import Path
from typing import Any, Final, Literal, TextIO, TypeVar, cast

import h5py
import numpy as np
from numpy.typing import NDArray

from ..._atomic import text_encoding
from ..._checks import interval, mapping, number
from ..._checks import path as path_of
from ..._types import Float
from ...errors import FileFormatError, InputError, note
from ...physics.medium import MAX_T
from ...units import HBARC
from ..field import Hydro

R = TypeVar("R")
TemperatureUnit = Literal["GeV", "MeV", "fm^-1"]
Within = (
    Mapping[str, tuple[float, float]] | None
)  # ranges of x, y (fm) and eta that a reader keeps; None keeps all

# factor from the unit of a temperature column to GeV
TO_GEV: Final[Mapping[str, float]] = {"GeV": 1.0, "MeV": 1e-3, "fm^-1": HBARC}
HDF5_SIGNATURE: Final = b"\x89HDF\r\n\x1a\n"  # first bytes of every HDF5 file, netCDF4 among them
COORDINATES: Final = ("tau", "x", "y", "eta")
FIELDS: Final = ("T", "vx", "vy")


@dataclass(frozen=True)
class Cut:
    """What is kept of a file: cells at least as hot as `T_min` (GeV) whose coordinates are `within` ranges."""

    T_min: float = 0.0
    within: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @classmethod
    def checked(cls, T_min: float | None, within: Within) -> Cut:
        """Return the cut of two arguments of a reader, or raise InputError."""
        allowed = f"be a temperature in GeV, 0 to {MAX_T:g}"
        T = 0.0 if T_min is None else number("T_min", T_min, allowed, low=0, high=MAX_T)
        ranges = {}
        for name, pair in mapping("within", {} if within is None else within).items():
            if name not in COORDINATES[1:]:
                raise InputError("within", name, f"name ranges of {', '.join(COORDINATES[1:])}")
            ranges[name] = interval(f"within[{name!r}]", pair)
        return cls(T, ranges)

    @property
    def keeps_all(self) -> bool:
        """Whether nothing is cut."""
        return self.T_min == 0 and not self.within

    def inside(self, name: str, values: Any) -> NDArray[np.bool_]:
        """Return which values of a coordinate are in its range; float32 headers have 7 digits."""
        low, high = self.within.get(name, (-np.inf, np.inf))
        slack = 1e-6 * (high - low) if np.isfinite(high - low) else 0.0
        return np.asarray((np.asarray(values) >= low - slack) & (np.asarray(values) <= high + slack))


NO_CUT: Final = Cut()


class Cells:
    """The stored cells of a field while its file is read in pieces, and at the end the dense field of them.

    A large file is never in memory as a whole: of each cell its number in the frame, T and, where nothing is cut, the
    velocity are kept. T = 0 is the mark of hydro codes for "outside the fireball".
    """

    def __init__(self, space: Mapping[str, Float], cut: Cut) -> None:
        self.space, self.cut = dict(space), cut
        self.shape = tuple(len(axis) for axis in self.space.values())
        inside = [cut.inside(name, axis) for name, axis in self.space.items()]
        self._inside = None
        if not all(np.all(i) for i in inside):
            self._inside = reduce(np.logical_and.outer, inside).reshape(-1)
        self._pieces: list[tuple[int, NDArray[np.uint32], dict[str, NDArray[Any]]]] = []

    def add(self, frame: int, cell: NDArray[Any] | None, **fields: NDArray[Any]) -> None:
        """Add cells of a frame; `cell` counts through x, y[, eta], the last fastest; None stands for all in order."""
        T = fields["T"].reshape(-1)
        # NaN and negative T are kept, and refused later
        keep = (T != 0) & ~((T > 0) & (self.cut.T_min > T))
        if self._inside is not None:
            keep &= self._inside if cell is None else self._inside[cell]
        if not self.cut.keeps_all:
            fields = {"T": T}
        elif len(fields) > 1 and len(self.shape) == 2:
            # a plane is small: its velocities are those of the file, also outside the fireball
            fields, keep = {**fields, "T": np.where(keep, T, np.asarray(0, T.dtype))}, np.ones_like(keep)
        number = np.flatnonzero(keep) if cell is None else cell[keep]
        if len(number):
            kept = {name: values.reshape(-1)[keep] for name, values in fields.items()}
            self._pieces.append((frame, number.astype(np.uint32), kept))

    def renumber(self, numbers: NDArray[np.intp]) -> None:
        """Give frame i the number `numbers[i]`: some files tell only at their end which frames they hold."""
        self._pieces = [(int(numbers[frame]), cell, kept) for frame, cell, kept in self._pieces]

    def field(
        self, file: Path, tau: Float, *, optional: bool = False, doubled: str = ""
    ) -> tuple[dict[str, Float], dict[str, NDArray[Any]]]:
        """Return axes and fields, NaN where nothing is stored; `doubled` says what two records of a cell mean.

        Without a cut all of the grid, but for last lines that hold nothing where they are `optional`; else the box
        of what is kept, and one line around it, so that a path does not leave the grid where the medium ends.
        """
        if not self._pieces:
            remedy = "Lower T_min, or widen the ranges." if not self.cut.keeps_all else ""
            raise FileFormatError(file, "it stores no cell that is kept", remedy)
        low, high = np.array(self.shape), np.zeros(len(self.shape), dtype=int)
        for _, cell, _ in self._pieces:
            index = np.unravel_index(cell, self.shape)
            low = np.minimum(low, [i.min() for i in index])
            high = np.maximum(high, [i.max() + 1 for i in index])
        numbers = [frame for frame, *_ in self._pieces]
        begin, end = 0, len(tau)
        if self.cut.keeps_all:
            low, high = low * 0, np.maximum(high, np.array(self.shape) - int(optional))
        else:
            low, high = np.maximum(low - 1, 0), np.minimum(high + 1, self.shape)
            # frames before the first that is kept would be a medium that is not there
            begin, end = min(numbers), min(max(numbers) + 2, len(tau))
        shape = (end - begin, *(high - low))
        # frame by frame: what is in place is let go, and memory of the dense field is used as it is filled
        self._pieces.sort(key=lambda piece: piece[0], reverse=True)
        fields = {name: np.empty(shape, values.dtype) for name, values in self._pieces[0][2].items()}
        for i in range(end - begin):
            expected = 0
            for array in fields.values():
                array[i] = np.nan
            while self._pieces and self._pieces[-1][0] == begin + i:
                _, cell, values = self._pieces.pop()
                place = tuple(n - l for n, l in zip(np.unravel_index(cell, self.shape), low, strict=True))
                zero = values["T"] == 0
                for name, array in fields.items():
                    array[i][place] = np.where(zero, np.nan, values[name]) if name == "T" else values[name]
                expected += int(np.count_nonzero(~zero))
            if np.count_nonzero(~np.isnan(fields["T"][i])) != expected:
                raise FileFormatError(file, "some cells occur twice, or hold T = NaN", doubled)
        axes = {name: axis[i:j] for (name, axis), i, j in zip(self.space.items(), low, high, strict=True)}
        return {"tau": tau[begin:end], **axes}, fields


@dataclass(frozen=True)
class Format:
    """A layout that needs nothing but the file: its name in run files and for `open_hydro`, and its reader.

    `matches` tells from a look at its first bytes whether an existing file or folder is in this layout.
    """

    name: str
    read: Callable[..., Hydro]  # path, and T_min and within of a `Cut`
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


def table_pieces(
    file: Path,
    n_columns: int,
    *,
    skip_lines: int = 0,
    delimiter: str | None = None,
    problem: str = "",
    rows: int = 200_000,
) -> Iterator[Float]:
    """Yield the numbers of a text file in pieces, shape (rows, n_columns), or raise FileFormatError.

    Without a `delimiter` the first line of numbers tells it: semicolons, between which a comma is a decimal one, as
    spreadsheets of many countries write them, else commas, else white space.
    """
    check_last_line(file)
    done = 0
    try:
        delimiter = _delimiter(file, skip_lines) if delimiter is None else delimiter
        with opened_text(file) as handle:
            lines: Iterator[str] = islice(handle, skip_lines, None)
            if delimiter == ";":
                lines = (line.replace(",", ".") for line in lines)
            while True:
                with warnings.catch_warnings():
                    # numpy warns about an empty table, which is refused below
                    warnings.simplefilter("ignore", UserWarning)
                    table = np.loadtxt(lines, delimiter=delimiter, ndmin=2, max_rows=rows)
                if table.size == 0:
                    break
                if table.shape[1] != n_columns:
                    fault = f"{table.shape[1]} columns, but {n_columns} are declared"
                    raise FileFormatError(file, fault, problem)
                done += len(table)
                yield table
                if len(table) < rows:
                    break
    except (ValueError, UnicodeDecodeError, EOFError, gzip.BadGzipFile) as error:
        fault = f"not {n_columns} numbers on every line: {error}".rstrip(".")
        fault += f" (counted after {done} lines of numbers)" if done else ""
        raise FileFormatError(file, fault, problem) from None
    if not done:
        raise FileFormatError(file, "it holds no numbers", problem)


def load_table(
    file: Path, n_columns: int, *, skip_lines: int = 0, delimiter: str | None = None, problem: str = ""
) -> Float:
    """Return the numbers of a text file, shape (lines, n_columns): see `table_pieces`."""
    pieces = table_pieces(file, n_columns, skip_lines=skip_lines, delimiter=delimiter, problem=problem)
    return np.concatenate(list(pieces))


def to_grid(
    file: Path, pieces: Iterable[Mapping[str, Float]], *, sparse: bool, cut: Cut = NO_CUT
) -> tuple[dict[str, Float], dict[str, NDArray[Any]]]:
    """Sort columns, given in pieces, into axes and dense fields, NaN where a sparse file has no line.

    Without a column tau the result has no such axis. The lines may come in any order.
    """
    # of each piece its coordinates as numbers among those that occur in it: two bytes where there are few
    read: list[tuple[dict[str, tuple[Float, NDArray[Any]]], dict[str, Float]]] = []
    for columns in pieces:
        coordinates = {}
        for name in (c for c in COORDINATES if c in columns):
            if not np.all(np.isfinite(columns[name])):
                raise FileFormatError(file, f"the column {name} holds NaN or infinity")
            values, code = np.unique(columns[name], return_inverse=True)
            coordinates[name] = values, code.astype(np.uint16 if len(values) < 2**16 else np.uint32)
        fields = {name: np.array(columns[name]) for name in FIELDS if name in columns}
        for name, column in fields.items():
            if np.any(np.isnan(column)):
                raise FileFormatError(file, f"the column {name} holds NaN")
        read.append((coordinates, fields))
    axes = {name: np.unique(np.concatenate([c[name][0] for c, _ in read])) for name in read[0][0]}
    shape = tuple(len(axis) for axis in axes.values())
    n_cells, n_lines = int(np.prod(shape)), 0
    space = {name: axis for name, axis in axes.items() if name != "tau"}
    cells, seen = Cells(space, cut), np.zeros(n_cells, dtype=bool)
    while read:
        coordinates, fields = read.pop()
        index = [
            np.searchsorted(axes[name], values)[code].astype(np.intp)
            for name, (values, code) in coordinates.items()
        ]
        flat = np.ravel_multi_index(index, shape)
        n_lines += len(flat)
        seen[flat] = True
        frame, cell = np.divmod(flat, n_cells // len(axes.get("tau", "1")))
        order = np.argsort(frame, kind="stable")
        for part in np.split(order, np.flatnonzero(np.diff(frame[order])) + 1):
            kept = {name: column[part] for name, column in fields.items()}
            kept.setdefault("T", np.ones(len(part)))  # a file of velocities alone
            cells.add(int(frame[part[0]]), cell[part], **kept)
    # two lines for one cell: a wrong order of columns looks like this
    if np.count_nonzero(seen) != n_lines:
        raise FileFormatError(file, "some cells occur twice", "Is the declared order of the columns right?")
    if not sparse and n_lines != n_cells:
        problem = f"{n_lines} lines for a grid of {' x '.join(map(str, shape))} = {n_cells} cells: truncated"
        remedy = "If cells outside the fireball are left out on purpose, declare the file sparse."
        raise FileFormatError(file, problem, remedy)
    return cells.field(file, axes.get("tau", np.zeros(1)))


def build_hydro(
    file: Path, axes: Mapping[str, Float], fields: Mapping[str, NDArray[Any]], layout: str, **attrs: str
) -> Hydro:
    """Return the Hydro of named axes and fields.

    A frame at tau = 0 is left out, and said so if it stores anything: nothing can be interpolated in ln tau from there.
    """
    if len(axes["tau"]) > 2 and axes["tau"][0] == 0:
        if np.any(fields["T"][0] > 0):
            note(_left_out_at_zero, (file.name, float(axes["tau"][1])))
        axes, fields = {**axes, "tau": axes["tau"][1:]}, {name: field[1:] for name, field in fields.items()}
    T, vx, vy = fields["T"], fields.get("vx"), fields.get("vy")
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
