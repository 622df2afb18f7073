"""Which chunks are finished: an index that saves reading them again, made from the chunks themselves."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass

import numpy as np

from .._atomic import atomic_path
from ..errors import FileFormatError
from .store import DamagedChunkWarning, Store


@dataclass(frozen=True)
class Entry:
    """A finished chunk: as long as size and time of its file are these, its content is the one that was verified.

    Parameters
    ----------
    key : str
        The chunk's key.
    size : int
        Bytes of its file.
    mtime_ns : int
        When the file was finished, ns since the epoch.
    seconds : float
        How long the solution took.
    """

    key: str
    size: int
    mtime_ns: int
    seconds: float


def entry_of(store: Store, key: str, seconds: float) -> Entry:
    """Return the entry of a chunk that was just written or verified."""
    status = store.path(key).stat()
    return Entry(key, status.st_size, status.st_mtime_ns, seconds)


def load_index(store: Store) -> dict[str, Entry]:
    """Return the stored index; lines that cannot be read are left out, since `verified` makes them again."""
    entries = {}
    if store.index_path.is_file():
        for line in store.index_path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                entry = Entry(**json.loads(line))
            except (ValueError, TypeError):
                continue
            entries[entry.key] = entry
    return entries


def save_index(store: Store, entries: Mapping[str, Entry]) -> None:
    """Write the index.

    Raises
    ------
    FileFormatError
        If it cannot be written.
    """
    with atomic_path(store.index_path) as temporary:
        temporary.write_text(
            "".join(f"{json.dumps(asdict(entry))}\n" for entry in entries.values()), encoding="utf-8"
        )


def verified(
    store: Store, keys: Collection[str], known: Mapping[str, Entry] | None = None
) -> dict[str, Entry]:
    """Return the finished chunks among `keys`: files that are not as `known` are read and checked.

    Parameters
    ----------
    store : Store
        The store.
    keys : collection of str
        Keys of a plan.
    known : mapping of str to Entry, optional
        The stored index by default; empty to read every file.

    Warns
    -----
    DamagedChunkWarning
        For each file that is damaged or holds a chunk of another configuration; names it. It counts as missing.
    """
    known = load_index(store) if known is None else known
    wanted, entries = set(keys), {}
    for key, status in _present(store).items():
        if key not in wanted:
            continue
        entry = known.get(key)
        if entry is None or (entry.size, entry.mtime_ns) != (status.st_size, status.st_mtime_ns):
            try:
                entry = entry_of(store, key, np.asarray(store.check(key)["seconds"]).item())
            except FileFormatError as error:
                warnings.warn(f"{error.path}: {error.problem}; computing it again.", DamagedChunkWarning, 2)
                continue
        entries[key] = entry
    return entries


def present(store: Store) -> dict[str, float]:
    """Return the keys of all chunk files with the time of each, s since the epoch; their content is not checked."""
    return {key: status.st_mtime for key, status in _present(store).items()}


def _present(store: Store) -> dict[str, os.stat_result]:
    found = {}
    if store.chunk_folder.is_dir():
        with os.scandir(store.chunk_folder) as entries:
            for entry in entries:
                name = entry.name
                if name.endswith(".nc") and not name.startswith("."):
                    found[name.removesuffix(".nc")] = entry.stat()
    return found
