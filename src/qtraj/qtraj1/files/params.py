"""Read and write ``params.txt``: lines ``KEY value``, ``//`` comments, ``-KEY value`` on the command line."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..._atomic import atomic_path
from ..._checks import instance, members, texts
from ..._checks import path as path_of
from ...errors import FileFormatError, InputError
from .parameters import KEYS, REQUIRED, Key, LegacyParameters, Value, idle

COMMENT: Final = "//"

LINE_LIMIT: Final = 127
"""Longest line that the original reads whole."""

GO_ON: Final = "QTraj 1.0 ignores unknown keys; to go on, delete it or put // before the line."


@dataclass(frozen=True)
class _Entry:
    """Text of a value, and the line where it stands (0: the command line)."""

    text: str
    line: int


def read_params(path: str | Path, overrides: Sequence[tuple[str, str]] = ()) -> LegacyParameters:
    """Read a ``params.txt``, apply command-line overrides, and check every value and all of them together.

    Parameters
    ----------
    path : str or Path
        Lines ``KEY value``, separated by blanks or tabs, in any order; empty lines and lines that start with
        ``//`` are skipped, and a comment ``// ...`` may follow a value. Lines may be longer than the 127
        characters that the original reads.
    overrides : sequence of (str, str)
        Pairs ``("-KEY", "value")``, the dash optional; they replace the file's values, the last one counts.

    Returns
    -------
    LegacyParameters

    Raises
    ------
    FileFormatError
        If the file cannot be read, a line is no pair, or a key is unknown, repeated or missing, or its value is
        bad; names file and line.
    InputError
        If an override is unknown or without effect beside the other keys, or its value is bad.
    """
    path = path_of("path", path)
    allowed = "be pairs ('-KEY', 'value')"
    for i, pair in enumerate(members("overrides", overrides, allowed)):
        members(f"overrides[{i}]", texts(f"overrides[{i}]", pair, allowed), allowed, 2)
    entries = _file_entries(path)
    for flag, text in overrides:
        name = flag.removeprefix("-")
        if name not in KEYS:
            raise InputError(flag, text, "be a key of params.txt", _near(name))
        entries[name] = _Entry(text, 0)
    _require_all(path, entries)
    try:
        values: dict[str, Any] = {name: KEYS[name].parse(name, entry.text) for name, entry in entries.items()}
        parameters = LegacyParameters(**values)
    except InputError as error:
        raise _located(path, entries, error) from None
    for name, entry in entries.items():
        if entry.line == 0 and (condition := idle(parameters, name)):
            remedy = f"It acts with {condition}."
            raise InputError(f"-{name}", entry.text, "be left out: here it has no effect", remedy)
    return parameters


def write_params(path: str | Path, parameters: LegacyParameters) -> Path:
    """Write a ``params.txt`` that both codes read, under headings, every number with all its digits.

    Parameters
    ----------
    path : str or Path
        The file.
    parameters : LegacyParameters
        What to write.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        If a line would be longer than the original reads, or a value would be taken for a comment.
    FileFormatError
        If the file cannot be written.
    """
    path = path_of("path", path)
    instance("parameters", parameters, LegacyParameters)
    lines, group = [f"{COMMENT} written by qtraj; one KEY and value per line"], ""
    for name, value in parameters.given().items():
        if KEYS[name].group != group:
            group = KEYS[name].group
            lines.append(f"{COMMENT} {group}")
        if str(value).startswith(COMMENT):
            raise InputError(
                name, value, f"not begin with {COMMENT}: there a comment begins", "Write ./ before it."
            )
        lines.append(f"{name}\t{_spelled(KEYS[name], value)}")
        if len(lines[-1]) > LINE_LIMIT:
            raise InputError(
                name, value, f"fit into a line of {LINE_LIMIT} characters", "Use a shorter path."
            )
    with atomic_path(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _file_entries(path: Path) -> dict[str, _Entry]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise FileFormatError(path, f"cannot be read ({error.strerror})", "Check the path.") from error
    except UnicodeDecodeError as error:
        raise FileFormatError(path, f"is not a text file ({error.reason})", "Check the path.") from error
    entries: dict[str, _Entry] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith(COMMENT):
            continue
        name, *rest = line.split(maxsplit=1)
        if name not in KEYS:
            raise FileFormatError(
                path, f"line {number}: unknown key `{name}`", f"{_near(name)} {GO_ON}".strip()
            )
        if name in entries:
            problem = f"line {number}: `{name}` is already set in line {entries[name].line}"
            raise FileFormatError(path, problem, "Keep one of the two.")
        entries[name] = _Entry(_without_comment(KEYS[name], rest[0] if rest else ""), number)
    return entries


def _require_all(path: Path, entries: dict[str, _Entry]) -> None:
    missing = [name for name in REQUIRED if name not in entries]
    if "potential" in entries and entries["potential"].text != "0" and "mdfac" not in entries:
        missing.append("mdfac")  # a factor of the KSU potentials alone
    if missing:
        meanings = "; ".join(f"{name}: {KEYS[name].meaning}" for name in missing[:3])
        remedy = (
            f"QTraj 1.0 has no defaults; add a line for each ({meanings}{' ...' if missing[3:] else ''})."
        )
        raise FileFormatError(path, f"missing keys: {', '.join(missing)}", remedy)


def _without_comment(key: Key, text: str) -> str:
    # a path may hold a double slash, so only one after a blank opens a comment there
    mark = f" {COMMENT}" if key.kind is str else COMMENT
    return f" {text}".replace("\t", " ").partition(mark)[0].strip()


def _near(name: str) -> str:
    near = difflib.get_close_matches(name, KEYS, n=1)
    # capitals are the usual mistake: nthreads, Dojumps
    near = near or [known for known in KEYS if known.lower() == name.lower()]
    return f"Did you mean `{near[0]}`?" if near else ""


def _located(path: Path, entries: dict[str, _Entry], error: InputError) -> Exception:
    """Return the error with the line of the key, or with its flag where the command line set it."""
    entry = entries.get(error.argument)
    if entry is None:  # not given, but another key asks for it
        return FileFormatError(path, f"`{error.argument}` must {error.allowed}", error.remedy)
    if entry.line == 0:
        return InputError(f"-{error.argument}", error.value, error.allowed, error.remedy)
    problem = str(InputError(error.argument, error.value, error.allowed)).rstrip(".")
    return FileFormatError(path, f"line {entry.line}: {problem}", error.remedy)


def _spelled(key: Key, value: Value) -> str:
    if key.kind is bool:
        return str(int(value))
    return repr(value).removesuffix(".0") if key.kind is float else str(value)
