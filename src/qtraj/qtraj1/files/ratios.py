"""``ratios.tsv`` of QTraj 1.0: one row for each trajectory, each under a metadata line where the file has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..._checks import boolean, float_array, instance, settle, texts
from ..._checks import path as path_of
from ...errors import FileFormatError, InputError
from ...states import STATE_NAMES, STATES
from .text import CHUNK, Float, is_finite, lines_of, numbers, write_lines

COLUMNS: Final = len(STATE_NAMES) + 2
"""Six ratios, the first random number, the initial angular momentum."""


@dataclass(frozen=True, eq=False)
class RatioTable:
    """Rows of a ``ratios.tsv``.

    Parameters
    ----------
    ratios : array_like, shape (n, 6)
        Final overlap over initial overlap of each state, in the order of STATE_NAMES; the raw final overlap where
        the initial one is zero or the start is an eigenstate. Zeros where the trajectory ended in the octet.
    r0 : array_like, shape (n,)
        First random number of each trajectory, 0 to 1.
    l : array_like of int, shape (n,)
        Initial angular momentum.
    metadata : sequence of str, length n, optional
        Metadata line before each row: b, x, y, ... of the physical trajectory, joined by tabs, as text.

    Raises
    ------
    InputError
        If a shape is wrong, a number is negative or not finite, or a random number exceeds 1.
    """

    ratios: Float
    r0: Float
    l: NDArray[np.intp]
    metadata: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        ratios, r0 = float_array("ratios", self.ratios), float_array("r0", self.r0)
        if ratios.ndim != 2 or ratios.shape[1] != len(STATE_NAMES) or not len(ratios):
            raise InputError("ratios", ratios.shape, f"have shape (n, {len(STATE_NAMES)}), n at least 1")
        _check("ratios", ratios, ratios.shape)
        _check("r0", r0, ratios.shape[:1], most=1)
        l = float_array("l", self.l)
        _check("l", l, ratios.shape[:1])
        if np.any(l != np.rint(l)):
            raise InputError("l", self.l, "hold whole numbers")
        if self.metadata is not None:
            metadata = texts("metadata", self.metadata, "be a list of lines")
            if len(metadata) != len(ratios):
                raise InputError("metadata", len(metadata), f"have one line for each of {len(ratios)} rows")
            settle(self, metadata=metadata)
        for name, value in (("ratios", ratios), ("r0", r0), ("l", l.astype(np.intp))):
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.r0)

    @property
    def angular_momenta(self) -> tuple[int, ...]:
        """The initial angular momenta in the table, increasing."""
        return tuple(int(l) for l in np.unique(self.l))

    def select(self, chosen: ArrayLike) -> RatioTable:
        """Return the rows that `chosen`, an index array or a mask, picks."""
        rows = np.arange(len(self))[np.asarray(chosen)]
        metadata = None if self.metadata is None else tuple(self.metadata[row] for row in rows)
        return RatioTable(self.ratios[rows], self.r0[rows], self.l[rows], metadata)


def joined(tables: Iterable[RatioTable]) -> RatioTable:
    """Return the rows of several tables of one kind as one table."""
    parts = list(tables)
    lines = [part.metadata for part in parts if part.metadata is not None]
    if len(lines) not in (0, len(parts)):
        raise InputError("tables", f"{len(lines)} of {len(parts)}", "all have metadata, or none")
    return RatioTable(
        np.concatenate([part.ratios for part in parts]),
        np.concatenate([part.r0 for part in parts]),
        np.concatenate([part.l for part in parts]),
        tuple(chain.from_iterable(lines)) if lines else None,
    )


def read_ratios(path: str | Path, *, metadata: bool | None = None) -> RatioTable:
    """Read a whole ratio file, also a concatenation of several of one kind, plain or gzip.

    Parameters
    ----------
    path : str or Path
        ``ratios.tsv`` or a collection of them.
    metadata : bool, optional
        Whether a metadata line precedes each row; recognized from the first three lines if not given.

    Returns
    -------
    RatioTable

    Raises
    ------
    FileFormatError
        As `iterate_ratios`.
    """
    return joined(iterate_ratios(path, metadata=metadata))


def iterate_ratios(path: str | Path, *, metadata: bool | None = None) -> Iterator[RatioTable]:
    """Iterate over a ratio file in tables of thousands of rows, without holding it in memory.

    Parameters
    ----------
    path, metadata
        As in `read_ratios`.

    Yields
    ------
    RatioTable
        The next rows, in the order of the file.

    Raises
    ------
    FileFormatError
        Naming file and line: for a missing, empty, truncated or damaged file, a wrong number of columns,
        a number that is not finite or out of range, or a first line that may be a row or metadata.
    """
    path = path_of("path", path)
    metadata = None if metadata is None else boolean("metadata", metadata)
    return _tables(path, metadata)


def _tables(path: Path, metadata: bool | None) -> Iterator[RatioTable]:
    lines = lines_of(path)
    head = list(islice(lines, 3))
    step = 1 + (has_metadata(path, head) if metadata is None else metadata)
    lines, first, known = chain(head, lines), 1, dict[str, str]()
    while chunk := list(islice(lines, CHUNK - CHUNK % step)):
        if len(chunk) % step:
            problem = f"line {first + len(chunk) - 1} is metadata without a row: truncated"
            raise FileFormatError(path, problem, "Delete that line.")
        rows = _rows(path, chunk[step - 1 :: step], first + step - 1, step)
        # equal lines share one string: a file has a hundred or more rows for each physical trajectory
        above = tuple(known.setdefault(line, line) for line in chunk[::2]) if step == 2 else None
        yield RatioTable(rows[:, :-2], rows[:, -2], rows[:, -1].astype(np.intp), above)
        first += len(chunk)


def has_metadata(path: str | Path, head: Sequence[str]) -> bool:
    """Return whether the first lines of a ratio file are metadata and rows in turn.

    A line of eight metadata values may look like a row. It is a row only if its numbers are in the range of one
    and spelled as QTraj 1.0 spells them (``1.3``, never ``1.30``), and if it does not come again as third line
    around another one, unless it is then certainly a row: the state at the end has one l, so the ratios of the others
    vanish.

    Parameters
    ----------
    path : str or Path
        For messages.
    head : sequence of str
        The first lines, up to three.

    Raises
    ------
    FileFormatError
        If the first line has the numbers of a row in another spelling, which may be either.
    """
    fields = head[0].split("\t")
    if len(fields) != COLUMNS or not all(map(is_finite, fields)):
        return True
    # a row: ratios not negative, r0 at most 1, l whole
    values = list(map(float, fields))
    if min(values) < 0 or values[-2] > 1 or values[-1] != int(values[-1]):
        return True
    if len(head) == 3 and head[0] == head[2] != head[1] and not _has_one_l(values):
        return True
    if all(f"{value:g}" == field for value, field in zip(values, fields, strict=True)):
        return False
    remedy = "Say which it is: metadata=True or metadata=False."
    raise FileFormatError(path, "line 1 may be a row or a line of metadata", remedy)


def _has_one_l(values: Sequence[float]) -> bool:
    return len({state.l for state, ratio in zip(STATES, values, strict=False) if ratio}) <= 1


def write_ratios(path: str | Path, rows: RatioTable, *, append: bool = False) -> Path:
    """Write a ratio file as QTraj 1.0 does, or add rows to one; gzip if the name ends in ``.gz``.

    Parameters
    ----------
    path : str or Path
        The file.
    rows : RatioTable
        What to write, with six significant digits in their shortest form.
    append : bool
        Keep the rows of an existing file, as the original does in an existing folder.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    FileFormatError
        If the file cannot be written, or an existing one is damaged or of the other kind (metadata or not).
    """
    path, append = path_of("path", path), boolean("append", append)
    instance("rows", rows, RatioTable)
    # a file of both kinds could not be read again
    if append and path.is_file() and path.stat().st_size:
        present = has_metadata(path, list(islice(lines_of(path), 3)))
        if present != (rows.metadata is not None):
            kinds = ("without", "with") if rows.metadata is not None else ("with", "without")
            problem = f"it holds rows {kinds[0]} metadata, the new ones come {kinds[1]} it"
            raise FileFormatError(path, problem, "Write to another folder.")
    return write_lines(path, ratio_lines(rows), append=append)


def ratio_lines(rows: RatioTable) -> Iterator[str]:
    """Yield the lines of a ratio file."""
    for i, (ratios, r0, l) in enumerate(
        zip(rows.ratios.tolist(), rows.r0.tolist(), rows.l.tolist(), strict=True)
    ):
        if rows.metadata is not None:
            yield rows.metadata[i]
        yield "\t".join([*(f"{value:g}" for value in ratios), f"{r0:g}", str(l)])


def _rows(path: Path, lines: Sequence[str], first: int, step: int) -> Float:
    values = numbers(path, lines, COLUMNS, first, step)
    l = values[:, -1]
    bad = np.any(values < 0, axis=1) | (values[:, -2] > 1) | (l != np.rint(l))
    if np.any(bad):
        where = first + step * int(np.argmax(bad))
        problem = f"line {where} is no row of six ratios, a random number up to 1 and l"
        remedy = "If every second line is metadata, say so: metadata=True." if step == 1 else ""
        raise FileFormatError(path, problem, remedy)
    return values


def _check(name: str, values: Float, shape: tuple[int, ...], most: float = np.inf) -> None:
    if values.shape != shape:
        raise InputError(name, values.shape, f"have shape {shape}")
    good = np.isfinite(values) & (values >= 0) & (values <= most)
    if not np.all(good):
        limit = "" if most == np.inf else f" and at most {most:g}"
        raise InputError(name, float(values[~good][0]), f"be finite, non-negative{limit}")
