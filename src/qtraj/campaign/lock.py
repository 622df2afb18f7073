"""One run at a time on a store; the lock of a process that was killed is free at once."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from ..errors import FileFormatError, QtrajError

ATTEMPTS = 4
HEARTBEAT_S = 5.0
DEAD_AFTER_S = 60.0
"""A run on another machine that gave no sign of life for so long is dead: file locks may not reach across machines."""


class StoreInUseError(QtrajError):
    """Another run works on the store; names it."""

    def __init__(self, path: Path, owner: str) -> None:
        self.path, self.owner = path, owner
        super().__init__(
            f"{path.parent} is in use by {owner}. Wait for it, stop it, or take another --store; "
            f"`qtraj campaign status --store {path.parent}` shows its progress."
        )

    def __reduce__(self) -> tuple[type[StoreInUseError], tuple[Path, str]]:
        return type(self), (self.path, self.owner)


@contextmanager
def locked(path: Path, what: str, *, shared: bool = False) -> Iterator[None]:
    """Hold a lock file while the body runs: the operating system lets go of it whatever ends the process.

    Parameters
    ----------
    path : Path
        The file; it stays, with who holds or held it.
    what : str
        What the holder does, for those it keeps out.
    shared : bool, optional
        Holders that share it keep out only one that does not.

    Raises
    ------
    StoreInUseError
        If another process holds it.
    FileFormatError
        If the file cannot be written.
    """
    try:
        handle = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise FileFormatError(
            path, f"cannot be written ({error.strerror})", "Check the permissions."
        ) from None
    with handle:
        if not _taken(handle, shared=shared):
            raise StoreInUseError(path, _described(holder(path)))
        other = holder(path)
        if _alive_elsewhere(other) and not (shared and other.get("shared")):
            raise StoreInUseError(path, _described(other))
        _write(handle, what, shared=shared)
        stop = threading.Event()
        beat = threading.Thread(target=_beat, args=(path, stop), daemon=True)
        beat.start()
        try:
            yield
        finally:
            stop.set()
            beat.join()
            if not shared:
                _write(handle, "", shared=False)


def holder(path: Path) -> dict[str, Any]:
    """Return who wrote the lock file last: what, host, pid, started, beat (s since the epoch); empty if nobody."""
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return {**content, "beat": path.stat().st_mtime} if content["what"] else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def is_held(path: Path) -> bool:
    """Return whether a process holds the lock file, here or on another machine."""
    try:
        with path.open("r+", encoding="utf-8") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # no such file, or a folder that only its owner may write
        who = holder(path)
        return bool(who) and time.time() - who["beat"] < DEAD_AFTER_S
    return _alive_elsewhere(holder(path))


def _taken(handle: IO[str], *, shared: bool) -> bool:
    """Take the lock if it is free."""
    for _ in range(ATTEMPTS):
        try:
            fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.05)  # `is_held` may be looking
        else:
            return True
    return False


def _alive_elsewhere(who: dict[str, Any]) -> bool:
    return bool(who) and who["host"] != socket.gethostname() and time.time() - who["beat"] < DEAD_AFTER_S


def _described(who: dict[str, Any]) -> str:
    if not who:
        return "another process"
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(who["started"]))
    ago = f"{time.time() - who['beat']:.0f} s ago"
    return f"{who['what']}, process {who['pid']} on {who['host']} since {since}, last sign of life {ago}"


def _write(handle: IO[str], what: str, *, shared: bool) -> None:
    who = {
        "what": what,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "started": time.time(),
        "shared": shared,
    }
    handle.seek(0)
    handle.truncate()
    handle.write(json.dumps(who) + "\n")
    handle.flush()


def _beat(path: Path, stop: threading.Event) -> None:
    while not stop.wait(HEARTBEAT_S):
        try:
            os.utime(path)
        except OSError:  # a full or lost disk shows itself where a chunk is written
            continue
