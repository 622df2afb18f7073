"""Files appear whole or not at all; text is read whatever program saved it."""

from __future__ import annotations

import codecs
import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ._checks import path as path_of
from .errors import FileFormatError


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; on success sync it and rename it to `path`, on failure remove it.

    The folder is created; what cannot be written raises `FileFormatError`.
    """
    path = path_of("path", path)
    # the ending stays last: Matplotlib and others choose the format by it
    temporary = path.with_name(f".{path.stem}-{uuid.uuid4().hex[:8]}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise _cannot_be_written(path, error) from error
    finally:
        with suppress(OSError):  # gone after success; no folder, nothing to remove
            temporary.unlink()


def text_encoding(head: bytes) -> str:
    """Return the encoding of a text by its first bytes: by its byte-order mark, else UTF-8."""
    marks = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
    return next((name for mark, name in marks.items() if head.startswith(mark)), "utf-8")


def decoded(content: bytes) -> str:
    """Return a text in UTF-8, UTF-16 or else Latin-1, without its byte-order mark; `ValueError` for what is no text.

    Umlauts of old editors are in comments and names only: Latin-1 never changes a number.
    """
    if b"\0" in content and text_encoding(content) != "utf-16":
        raise ValueError("it holds bytes that no text has")
    try:
        return content.decode(text_encoding(content))
    except UnicodeDecodeError:
        return content.decode("latin-1")


def writable_folder(path: str | Path) -> Path:
    """Create a folder and make sure that files can be written there, before anything long begins.

    Raises `FileFormatError` if not.
    """
    path = path_of("path", path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise _cannot_be_written(path, error) from error
    return path


def _cannot_be_written(path: Path, error: OSError) -> FileFormatError:
    problem = f"cannot be written ({error.strerror or error})"
    return FileFormatError(path, problem, "Check the folder's permissions and the free space.")
