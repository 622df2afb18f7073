"""Temperature files of QTraj 1 and 2, an averaged table or many along trajectories, and the histories they give."""

from __future__ import annotations

import gzip
import zlib
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Final, cast

import numpy as np
from scipy.interpolate import PchipInterpolator

from ..._atomic import atomic_path
from ..._checks import boolean, choice, float_array, instance, instances, integer, mapping, number, settle
from ..._types import Float
from ...errors import FileFormatError, InputError
from ...physics.medium import Histories, check_cools, check_temperature
from ..field import check_temperature as check_field
from ..field import check_times
from .common import check_last_line, existing_file

# metadata lines of a trajectory in their order; older files have the first six
METADATA_NAMES: Final = ("b_fm", "x_fm", "y_fm", "eta", "pT", "phi", "rapidity", "weight")


@dataclass(frozen=True, eq=False)
class TemperatureTable:
    """Temperature along one path.

    Parameters
    ----------
    tau_fm, T : array_like, shape (n,)
        Increasing proper times in fm/c and temperatures in GeV, n >= 2.
    anisotropy : array_like, shape (n, 3), optional
        alpha_x, alpha_y, alpha_z.
    hard_scale : array_like, shape (n,), optional
        lambda in GeV.
    metadata : mapping of str to float, optional
        See METADATA_NAMES: b, x, y in fm, space-time rapidity, p_T in GeV, phi, ...

    Raises
    ------
    InputError
        If times do not increase or are not fm/c, T is not positive, finite and in GeV, or shapes differ.
    """

    tau_fm: Float
    T: Float
    anisotropy: Float | None = None
    hard_scale: Float | None = None
    metadata: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        settle(self, tau_fm=check_times("tau_fm", self.tau_fm))
        settle(self, T=check_field("T", float_array("T", self.T), self.tau_fm.shape))
        if np.any(np.isnan(self.T)):
            raise InputError("T", np.nan, "be finite")
        for name, shape in (("anisotropy", (len(self.T), 3)), ("hard_scale", self.T.shape)):
            if getattr(self, name) is None:
                continue
            array = float_array(name, getattr(self, name))
            if array.shape != shape or not np.all(np.isfinite(array) & (array > 0)):
                allowed = f"be positive and finite, of shape {shape}: one row for each time"
                raise InputError(name, getattr(self, name), allowed)
            settle(self, **{name: array})
        mapping("metadata", self.metadata)


def read_qtraj_averaged(path: str | Path) -> TemperatureTable:
    """Read an averaged temperature file: a comment, the number of points n, then n lines of six columns.

    Parameters
    ----------
    path : path-like
        Text, plain or gzip; columns tau [fm/c], T [GeV], alpha_x, alpha_y, alpha_z, lambda [GeV].

    Returns
    -------
    TemperatureTable

    Raises
    ------
    FileFormatError
        If the file is missing, empty, truncated, longer than it says, or its values cannot be meant.
    """
    file = existing_file(path)
    check_last_line(file)
    with _opened(file) as handle:
        if _is_number(handle.readline().strip()):
            remedy = "For trajectories use read_qtraj_trajectories."
            raise FileFormatError(file, "the first line is a number, not a comment", remedy)
        table = _read_points(file, handle, {})
        if handle.read().strip():
            raise FileFormatError(file, f"more lines follow than the {len(table.T)} announced")
    return table


@dataclass(frozen=True)
class TrajectoryIndex:
    """Where the blocks of a trajectory file are, and what they have in common.

    Parameters
    ----------
    count : int
        Blocks in the file.
    every : int
        Blocks between two offsets.
    offsets : tuple of int
        Position in bytes of blocks 0, `every`, 2 `every`, ... (of the uncompressed text).
    last_T : float
        The largest of the last temperatures of the blocks, GeV: until there the file knows every path.
    n_metadata : (int, int)
        Fewest and most metadata lines of a block.
    b_fm : (float, float)
        Least and largest impact parameter, fm.
    sorted_by_b : bool
        Whether blocks of different impact parameters are in the order of it, or those of each one together: then the
        first blocks are no sample of all.
    """

    count: int
    every: int
    offsets: tuple[int, ...]
    last_T: float
    n_metadata: tuple[int, int]
    b_fm: tuple[float, float]
    sorted_by_b: bool


def index_qtraj_trajectories(path: str | Path, every: int = 64) -> TrajectoryIndex:
    """Read a trajectory file once, block by block: check all of it and note where the blocks are.

    Parameters
    ----------
    path : path-like
        As for `read_qtraj_trajectories`.
    every : int, optional
        Note the position of one block in `every`.

    Returns
    -------
    TrajectoryIndex
        Number of blocks, where every `every`-th one begins, and what they hold.

    Raises
    ------
    FileFormatError
        If there is no block, or one is truncated or not in the layout, or has a negative b, p_T or weight.
    """
    every = integer("every", every, 1)
    file = existing_file(path)
    check_last_line(file)
    offsets, last_T, n_metadata, b_fm = [], [], [], []
    for block, (position, table) in enumerate(_blocks(file, 0, 0)):
        if block % every == 0:
            offsets.append(position)
        for name in ("b_fm", "pT", "weight"):
            if table.metadata.get(name, 0.0) < 0:
                problem = f"block {block + 1}: {name} = {table.metadata[name]:g} is negative"
                raise FileFormatError(file, problem, "Metadata lines are b, x, y, eta, pT, phi, y, weight.")
        last_T.append(float(table.T[-1]))
        n_metadata.append(len(table.metadata))
        b_fm.append(table.metadata["b_fm"])
    counts, ends = (min(n_metadata), max(n_metadata)), (min(b_fm), max(b_fm))
    # sorted: different values come in order, or those that repeat come together
    steps, different = np.diff(b_fm), len(np.unique(b_fm))
    together = np.count_nonzero(steps) + 1 == different < len(b_fm)
    sorted_by_b = different > 1 and bool(together or np.all(steps >= 0) or np.all(steps <= 0))
    return TrajectoryIndex(len(b_fm), every, tuple(offsets), max(last_T), counts, ends, sorted_by_b)


def read_qtraj_trajectories(
    path: str | Path, index: TrajectoryIndex | None = None, start: int = 0
) -> Iterator[TemperatureTable]:
    """Iterate over the blocks of a trajectory file without holding it in memory.

    Parameters
    ----------
    path : path-like
        Text, plain or gzip. A block is: the number of metadata lines, those lines (METADATA_NAMES), the number of
        points, and the points with two columns (tau, T) or six, as in averaged files. Blocks follow one another.
    index : TrajectoryIndex, optional
        From `index_qtraj_trajectories`: go near block `start` at once.
    start : int, optional
        First block to yield, counted from 0; without an index the blocks before it are read.

    Yields
    ------
    TemperatureTable
        One for each block.

    Raises
    ------
    FileFormatError
        When a block is truncated or not in this layout; the file itself is checked before the first block.
    """
    start = integer("start", start, 0)
    if index is not None:
        instance("index", index, TrajectoryIndex, "be from index_qtraj_trajectories, or None")
    file = existing_file(path)
    check_last_line(file)
    # the last noted block before the start; the ones between are read and dropped
    known = index.every * (start // index.every) if index is not None else 0
    offset = index.offsets[start // index.every] if index is not None else 0
    return (table for _, table in islice(_blocks(file, known, offset), start - known, None))


def _blocks(file: Path, block: int, offset: int) -> Iterator[tuple[int, TemperatureTable]]:
    """Yield the blocks from the one at `offset` on, each with its position in bytes; `block` are before it."""
    with _opened(file) as handle:
        handle.seek(offset)
        position = offset
        while line := handle.readline():
            content = line.removeprefix(BOM_UTF8).strip()
            # files are made with cat, some with a blank line or a comment between
            if content and not content.startswith(b"#"):
                block += 1
                where = f"block {block}: "
                n_metadata = int(_number(file, line, where + "number of metadata lines", count=True))
                if n_metadata > len(METADATA_NAMES):
                    raise FileFormatError(file, f"{where}{n_metadata} metadata lines, known are 1 to 8")
                names = METADATA_NAMES[:n_metadata]
                metadata = {name: _number(file, handle.readline(), where + name) for name in names}
                yield position, _read_points(file, handle, metadata, where)
            position = handle.tell()
    if block == 0:
        raise FileFormatError(file, "it holds no block")


def _read_points(
    file: Path, handle: IO[bytes], metadata: Mapping[str, float], where: str = ""
) -> TemperatureTable:
    n = int(_number(file, handle.readline(), where + "number of points", count=True))
    lines = list(islice(handle, n))
    if len(lines) < n:
        raise FileFormatError(file, f"{where}{len(lines)} of {n} points are there: truncated")
    n_columns = len(lines[0].split()) if lines else 0
    try:
        # one conversion for the whole block: a file may have millions of points
        values = np.array(b" ".join(lines).split(), dtype=float).reshape(n, n_columns)
    except ValueError:
        raise FileFormatError(file, f"{where}the points are not {n} lines of {n_columns} numbers") from None
    if n_columns not in (2, 6):
        raise FileFormatError(file, f"{where}{n_columns} columns, known are 2 and 6")
    anisotropy, hard_scale = (values[:, 2:5], values[:, 5]) if n_columns == 6 else (None, None)
    try:
        return TemperatureTable(values[:, 0], values[:, 1], anisotropy, hard_scale, metadata)
    except InputError as error:
        raise FileFormatError(file, where + str(error).rstrip(".")) from error


@contextmanager
def _opened(file: Path) -> Iterator[IO[bytes]]:
    """Open a file, plain or gzip; damage of its compression is named."""
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as handle:
            yield cast("IO[bytes]", handle)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise FileFormatError(file, f"the compressed text is damaged ({error})") from None


def _is_number(word: bytes) -> bool:
    try:
        return bool(np.isfinite(float(word)))
    except ValueError:
        return False


def _number(file: Path, line: bytes, what: str, *, count: bool = False) -> float:
    """Return the number that a line begins with: a remark may follow, as in the C++ code's own examples."""
    words = line.removeprefix(BOM_UTF8).split()  # the mark stands before the first number of a file
    text = line.decode(errors="replace").strip()
    if not words or not _is_number(words[0]):
        raise FileFormatError(file, f"{what}: {text!r} is not a finite number (truncated?)")
    number = float(words[0])
    if count and (number != int(number) or number < 1):
        raise FileFormatError(file, f"{what}: {text!r} is not a positive whole number")
    return number


def write_qtraj_trajectories(
    path: str | Path, tables: Iterable[TemperatureTable], *, n_metadata: int = 6, columns: int = 6
) -> int:
    """Write a trajectory file, block by block as `tables` come, for QTraj's C++ code and `read_qtraj_trajectories`.

    Parameters
    ----------
    path : path-like
        The file, gzip if its name ends in ``.gz``; it appears whole or not at all.
    tables : iterable of TemperatureTable
        Temperatures along paths, with the metadata that are written.
    n_metadata : int, optional
        Metadata lines of a block: 6 (b, x, y, eta, p_T, phi), 7 (and rapidity) or 8 (and weight).
    columns : int, optional
        6: tau, T, alpha_x, alpha_y, alpha_z, lambda, of an isotropic table alpha = 1 and lambda = T; 2: tau and T,
        which only an isotropic table can have.

    Returns
    -------
    int
        Number of blocks.

    Raises
    ------
    InputError
        If there is no table, or one lacks metadata or has an anisotropy that two columns cannot hold.
    FileFormatError
        If the file cannot be written.

    Notes
    -----
    Numbers have ten significant digits. QTraj interpolates between the points with natural cubic splines in
    (ln tau, ln T), which overshoot where T bends; qtraj's histories are monotone there. Points closer in time bring
    them together. QTraj also adds 1e-4 GeV to every T, which is its own.
    """
    names = METADATA_NAMES[: choice("n_metadata", n_metadata, (6, 7, 8))]
    columns, count = choice("columns", columns, (2, 6)), 0
    if not isinstance(tables, Iterable):
        raise InputError("tables", tables, "be TemperatureTables: a list or an iterator of them")
    with atomic_path(path) as temporary:
        with temporary.open("wb") as raw:
            # neither name nor time in the header of gzip: the same histories are the same file
            packed = gzip.GzipFile("", "wb", fileobj=raw, mtime=0) if temporary.suffix == ".gz" else None
            handle = cast("IO[bytes]", packed or raw)
            for table in tables:
                instance("tables", table, TemperatureTable)
                count += 1
                missing = [n for n in names if not np.isfinite(table.metadata.get(n, np.nan))]
                if missing:
                    allowed = f"have finite metadata {', '.join(names)} for {n_metadata} metadata lines"
                    raise InputError("tables", f"table {count} without {', '.join(missing)}", allowed)
                rows = np.column_stack([table.tau_fm, table.T])
                if columns == 6:
                    alpha = np.ones((len(rows), 3)) if table.anisotropy is None else table.anisotropy
                    rows = np.column_stack(
                        [rows, alpha, table.T if table.hard_scale is None else table.hard_scale]
                    )
                elif table.anisotropy is not None:
                    allowed = "be 6: a table has an anisotropy"
                    raise InputError("columns", columns, allowed)
                lines = [str(n_metadata), *(f"{table.metadata[name]:.10g}" for name in names), str(len(rows))]
                lines += ["\t".join(f"{value:.10g}" for value in row) for row in rows.tolist()]
                handle.write(("\n".join(lines) + "\n").encode())
            if packed:
                packed.close()
        if not count:
            raise InputError("tables", "none", "hold at least one table")
    return count


def histories_from_tables(
    tables: Iterable[TemperatureTable],
    T_end: float,
    *,
    tau_start_fm: float | None = None,
    anisotropic: bool = True,
    allow_hot_end: bool = False,
) -> Histories:
    """Return histories of QTraj's tables, brought to one time grid.

    Parameters
    ----------
    tables : iterable of TemperatureTable
        For example `read_qtraj_trajectories`.
    T_end : float
        Temperature in GeV below which the medium does not act.
    tau_start_fm : float, optional
        Time from which the medium acts; by default the first time of the tables, if they share it.
    anisotropic : bool
        Keep alpha_x, alpha_y, alpha_z and lambda where all tables have them; False makes isotropic media.
    allow_hot_end : bool
        Accept tables that end above T_end: their medium then ends there.

    Returns
    -------
    Histories
        On the union of all times from `tau_start_fm` on; tables of equal times are used as they are, others
        are interpolated by monotone cubics in (ln tau, ln T), and the anisotropy columns likewise. A table that
        ends early keeps its last values, T below `T_end`.

    Raises
    ------
    InputError
        If there is no table, tables start at different times and `tau_start_fm` is not given, one starts
        after it, or ends above `T_end` and `allow_hot_end` is False, or only some have anisotropy columns.
    """
    if isinstance(tables, Iterable):
        tables = list(tables)  # InputErrors of a file that is read here name the file
    listed = instances("tables", tables, TemperatureTable, least=1)
    T_end = check_temperature("T_end", T_end)
    anisotropic = boolean("anisotropic", anisotropic)
    allow_hot_end = boolean("allow_hot_end", allow_hot_end)
    start = _start(listed, tau_start_fm)
    last = max(float(table.tau_fm[-1]) for table in listed)
    for i, table in enumerate(listed):
        check_cools(table.tau_fm, table.T, T_end, allow_hot_end=allow_hot_end, medium=f"table {i}")
        if table.T[-1] > T_end and table.tau_fm[-1] < last:
            ends = f"table {i} ends hot at {table.tau_fm[-1]:g} fm/c, another at {last:g} fm/c"
            one = "On one grid of times the heat would go on"
            remedy = f"{one}; make a TabulatedTemperature of each and a list of them."
            raise InputError("allow_hot_end", True, f"be False here: {ends}", remedy)
    times = np.unique(np.concatenate([t.tau_fm for t in listed]))
    tau = np.concatenate([[start], times[times > start]])
    if len(tau) < 2:
        raise InputError("tau_start_fm", start, "be before the last time of the tables")
    T = np.stack([_resample(table, table.T, tau) for table in listed])
    alpha, hard_scale = _anisotropy(listed, tau) if anisotropic else (None, None)
    names = [n for n in listed[0].metadata if all(n in t.metadata for t in listed)]
    metadata = {name: np.array([t.metadata[name] for t in listed]) for name in names}
    attrs = {"source": "QTraj temperature tables", "clock": "tau of the tables"}
    return Histories(tau, T, T_end, metadata, attrs, alpha, hard_scale, allow_hot_end)


def _anisotropy(tables: Sequence[TemperatureTable], tau: Float) -> tuple[Float | None, Float | None]:
    """Return alpha (n, nt, 3) and hard_scale (n, nt) at the times tau, or None for both if no table has them."""
    having = [t for t in tables if t.anisotropy is not None and t.hard_scale is not None]
    if not having:
        return None, None
    if len(having) < len(tables):
        value = f"{len(having)} of {len(tables)} tables with anisotropy columns"
        remedy = "anisotropic=False ignores the columns."
        raise InputError("tables", value, "all have anisotropy columns, or none", remedy)
    columns = [np.column_stack([np.asarray(t.anisotropy), np.asarray(t.hard_scale)]) for t in having]
    at = np.stack([_resample(t, c, tau) for t, c in zip(having, columns, strict=True)])
    return at[..., :3], at[..., 3]


def _start(tables: Sequence[TemperatureTable], tau_start_fm: float | None) -> float:
    first = [float(t.tau_fm[0]) for t in tables]
    if tau_start_fm is None and min(first) < max(first):
        allowed = f"be given, because the tables start between {min(first)} and {max(first)} fm/c"
        raise InputError("tau_start_fm", None, allowed)
    start = first[0] if tau_start_fm is None else number("tau_start_fm", tau_start_fm)
    if start < max(first):
        raise InputError("tau_start_fm", start, f"be at least {max(first)}, the latest first time of a table")
    return start


def _resample(table: TemperatureTable, values: Float, tau: Float) -> Float:
    """Return `values` (n, ...) of a table at the times tau, shape (nt, ...)."""
    # a table that ends early keeps its last values, which are below T_end
    tau = np.minimum(tau, table.tau_fm[-1])
    at = np.exp(PchipInterpolator(np.log(table.tau_fm), np.log(values))(np.log(tau)))
    # knots are kept to the last digit
    index = np.searchsorted(table.tau_fm, tau)
    same = table.tau_fm[index] == tau
    at[same] = values[index[same]]
    return np.asarray(at)
