"""What the text files of QTraj 1.0 have in common: tab-separated numbers, lines that end, plain or gzip."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import IO, Final, cast

import numpy as np

from ..._atomic import atomic_path
from ..._checks import path as path_of
from ..._types import Float
from ...errors import FileFormatError, InputError

_GZIP_MAGIC: Final = b"\x1f\x8b"
CHUNK: Final = 16384  # lines held at a time: 1 MB of text
TRUNCATED: Final = "A number may be cut there: delete the line, or add a line feed if it is complete."
DAMAGED: Final = "The line is damaged, or the file is of another kind."


def lines_of(path: str | Path, *, edited: bool = False) -> Iterator[str]:
    """Yield the lines of a text file, plain or gzip by its content, without their ends, those of Windows, too.

    With `edited` a byte-order mark and comments (#) above the first line are left out; elsewhere they may be content.
    """
    path = path_of("path", path)
    number = 0
    try:
        with path.open("rb") as raw:
            opened = gzip.open if raw.read(2) == _GZIP_MAGIC else open
        with opened(path, "rb") as handle:
            for count, line in enumerate(cast("IO[bytes]", handle), start=1):
                content = line.removeprefix(codecs.BOM_UTF8) if edited and count == 1 else line
                words = _decoded(content)
                if not words.endswith("\n"):
                    raise FileFormatError(path, f"line {count} has no end: truncated", TRUNCATED)
                if number or not (edited and words.startswith("#")):
                    number = count
                    yield words[:-1].removesuffix("\r")
    except ValueError as error:
        raise FileFormatError(path, f"is not a text file ({error})", "Check the path.") from error
    except (OSError, EOFError, zlib.error) as error:
        raise FileFormatError(path, f"cannot be read ({error})", "Check the path.") from error
    if number == 0:
        raise FileFormatError(path, "the file is empty", "The run that wrote it did not finish.")


def _decoded(line: bytes) -> str:
    """Return a line in UTF-8, or in Latin-1 with the letters of old editors."""
    try:
        return line.decode()
    except UnicodeDecodeError:
        words = line.decode("latin-1")
    if any("\x7f" < letter < "\xa0" or letter == "\0" for letter in words):
        raise ValueError("it holds bytes that no text has")
    return words


def numbers(path: str | Path, lines: Sequence[str], columns: int, first: int = 1, step: int = 1) -> Float:
    """Return tab-separated lines as an array of shape (len(lines), columns).

    The lines are number `first`, `first` + `step`, ... of the file at `path`, which messages name.
    """
    try:
        # all lines at once; which one is bad is found out only if one is
        values = np.array("\t".join(lines).split("\t"), dtype=np.float64).reshape(len(lines), columns)
        if all(line.count("\t") == columns - 1 for line in lines) and np.all(np.isfinite(values)):
            return values
    except ValueError:
        pass
    faults = ((first + step * i, _fault(line, columns)) for i, line in enumerate(lines))
    number, problem = next((number, fault) for number, fault in faults if fault)
    raise FileFormatError(path, f"line {number}: {problem}", DAMAGED)


def _fault(line: str, columns: int) -> str:
    fields = line.split("\t")
    if len(fields) != columns:
        return f"{len(fields)} columns instead of {columns}"
    bad = [word for word in fields if not is_finite(word)]
    return f"{bad[0]!r} is no finite number" if bad else ""


def is_finite(word: str) -> bool:
    """Return whether a word spells a finite number."""
    try:
        return bool(np.isfinite(float(word)))
    except ValueError:
        return False


def write_lines(path: str | Path, lines: Iterable[str], *, append: bool = False) -> Path:
    """Write lines, each ended by a line feed, as a whole or not at all; gzip if the name ends in ``.gz``.

    With `append` they come after the lines of an existing file.
    """
    path = path_of("path", path)
    with atomic_path(path) as temporary, temporary.open("wb") as raw:
        # no name and no time inside: equal content makes equal files
        packed = gzip.GzipFile("", "wb", fileobj=raw, mtime=0) if path.suffix == ".gz" else nullcontext(raw)
        with packed as binary, io.TextIOWrapper(binary, encoding="utf-8", newline="\n") as handle:
            if append and path.is_file() and path.stat().st_size:
                handle.writelines(f"{line}\n" for line in lines_of(path))
            empty = True
            for line in lines:
                if "\n" in line:
                    raise InputError("lines", line, "hold no line feed")
                handle.write(line + "\n")
                empty = False
            if empty:
                raise InputError("lines", [], "hold at least one line")
    return path
