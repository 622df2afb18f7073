"""The store of a campaign: one folder with the plan, one sealed file per finished chunk, and the lock of a run.

The files alone say what is finished: there is no second record that could disagree with them.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import threading
import time
import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import IO, Any, Final

import h5py
import numpy as np
import xarray as xr

from .._atomic import atomic_path, writable_folder
from ..errors import FileFormatError, InputError, QtrajError, warn_user
from ..io.results import check_seal, read_dataset, write_dataset
from .plan import Plan, plan_from_json
from .progress import duration

try:
    import fcntl
except ModuleNotFoundError:
    raise QtrajError(
        "runs and campaigns need Linux or macOS (on Windows: WSL): their folders are locked by POSIX file locks."
    ) from None

REMEDY: Final = "`qtraj campaign resume` computes it again."

LEFTOVER_AGE_S: Final = 3600.0  # a temporary file of this age is abandoned: to write a chunk takes seconds

HEARTBEAT_S: Final = 5.0
DEAD_AFTER_S: Final = 60.0
"""How often a run touches its lock file, and the age of the last touch after which a run on another machine counts as
dead: twelve touches, so that a file system that stalls for a while is no death."""

LOCK_ATTEMPTS: Final = 4
# what flock answers on Lustre without ``flock``, old NFS, and FUSE: no locks available, no such call, not supported
NO_LOCKS: Final = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
RATE_WINDOW_S: Final = 600.0  # the rate of a run is that of its last ten minutes
TIMED_CHUNKS: Final = 100  # their times `status` reads, at 1 ms each; it estimates the sum over all from them


class DamagedChunkWarning(UserWarning):
    """The file of a chunk is damaged or not what its name says; the chunk is computed again."""


class NoFileLocksWarning(UserWarning):
    """The file system has no file locks; runs on the store know of each other by their heart beats alone."""


class StoreInUseError(QtrajError):
    """Another run works on the store; the message names it."""


@dataclass(frozen=True)
class Store:
    """A folder that holds a campaign; `prepare` creates it."""

    folder: Path

    @property
    def plan_path(self) -> Path:
        """The plan."""
        return self.folder / "plan.json"

    @property
    def lock_path(self) -> Path:
        """The lock of a run."""
        return self.folder / "lock"

    @property
    def chunk_folder(self) -> Path:
        """The chunks."""
        return self.folder / "chunks"

    def path(self, key: str) -> Path:
        """Return where a chunk is, or will be."""
        return self.chunk_folder / f"{key}.nc"

    def prepare(self) -> None:
        """Create the folders and make sure that files can be written there."""
        writable_folder(self.folder)
        writable_folder(self.chunk_folder)

    def load_plan(self, *, to_read: bool = False) -> Plan:
        """Return the stored plan; `to_read` its results, and not to go on with it, it may be of other code."""
        if not self.plan_path.is_file():
            remedy = "`qtraj campaign run FILE.toml --store DIR` begins one."
            raise InputError("--store", str(self.folder), "be the store of a campaign", remedy)
        text = self.plan_path.read_text(encoding="utf-8")
        return plan_from_json(text, str(self.plan_path), to_read=to_read)

    def save_plan(self, plan: Plan) -> None:
        """Write the plan, unless it is there already."""
        text = plan.to_json()
        if self.plan_path.is_file() and self.plan_path.read_text(encoding="utf-8") == text:
            return
        with atomic_path(self.plan_path) as temporary:
            temporary.write_text(text, encoding="utf-8")

    def check(self, key: str) -> float:
        """Make sure that a chunk is finished, undamaged and the one of its name; return the seconds it took."""
        path = self.path(key)
        if not check_seal(path):
            raise FileFormatError(path, "has no seal, it may be truncated", REMEDY)
        try:
            with h5py.File(path, "r", locking=False) as file:
                if file.attrs.get("key") != key:
                    problem = f"holds a chunk of another configuration ({file.attrs.get('chunk', 'unknown')})"
                    raise FileFormatError(path, problem, REMEDY)
                return float(np.ravel(file.attrs["seconds"])[0])  # netCDF keeps a number as an array of one
        except (OSError, KeyError) as error:
            raise FileFormatError(path, f"not a readable netCDF file ({error})", REMEDY) from None

    def finished(self, keys: Collection[str]) -> set[str]:
        """Return which chunks among `keys` are finished; every file is read and compared with its seal.

        Measured: 1e4 chunks of 560 kB (2048 histories each) take 9 s, which is nothing beside the days of their
        solution, and damage is found whatever size and time of the file say.
        """
        intact = set()
        for key in present(self).keys() & set(keys):
            try:
                self.check(key)
                intact.add(key)
            except FileFormatError as error:
                warnings.warn(f"{error.path}: {error.problem}; computing it again.", DamagedChunkWarning, 2)
        return intact

    def read(self, key: str) -> xr.Dataset:
        """Return a finished chunk."""
        self.check(key)
        return read_dataset(self.path(key))

    def write(self, key: str, chunk: xr.Dataset) -> None:
        """Write a finished chunk; it appears whole or not at all."""
        write_dataset(chunk.assign_attrs(key=key), self.path(key))

    def files(self) -> Iterator[Path]:
        """Yield the files of finished chunks, of whatever plan."""
        return self.chunk_folder.glob("[!.]*.nc")

    def sweep(self) -> None:
        """Remove temporary files that killed processes left behind."""
        for path in [*self.folder.glob(".*-*"), *self.chunk_folder.glob(".*-*.nc")]:
            with suppress(FileNotFoundError):  # its owner was alive and has finished
                if time.time() - path.stat().st_mtime > LEFTOVER_AGE_S:
                    path.unlink()


def present(store: Store) -> dict[str, float]:
    """Return the keys of all chunk files with the time of each, s since the epoch; their content is not checked."""
    return {path.stem: path.stat().st_mtime for path in store.files()}


@contextmanager
def locked(path: Path, what: str, *, shared: bool = False) -> Iterator[None]:
    """Hold a lock file while the body runs.

    Two things keep others out. The kernel's lock (flock) is free at once, whatever ends the process, but on some file
    systems it does not reach other machines (Lustre mounted with ``localflock``, NFS with ``local_lock``). The heart
    beat, the time of the file, reaches every machine, but a killed process is noticed only after `DEAD_AFTER_S`.
    So a process on this machine is judged by flock, one on another machine by its heart beat as well. Where the file
    system has no flock, the heart beat alone decides, and whether the process is alive if it ran on this machine.
    """
    try:
        handle = path.open("a+", encoding="utf-8")
    except OSError as error:
        problem = f"cannot be written ({error.strerror})"
        raise FileFormatError(path, problem, "Check the permissions.") from None
    with handle:
        free = _flock(handle, shared=shared)
        other = holder(path)
        busy = _lives(other, elsewhere=free is not None)
        if free is False or (busy and not (shared and other.get("shared"))):
            owner = _named(other)
            if other:
                since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(other["started"]))
                owner += f" since {since}, last sign of life {time.time() - other['beat']:.0f} s ago"
            raise StoreInUseError(
                f"{path.parent} is in use by {owner}. Wait for it, stop it, or take another --store; "
                f"`qtraj campaign status --store {path.parent}` shows its progress."
            )
        if free is None:
            _warn_of_no_locks(path.parent)
        _sign(handle, what, shared=shared)
        stop = threading.Event()

        def keep_beating() -> None:
            while not stop.wait(HEARTBEAT_S):
                with suppress(OSError):  # a full or lost disk shows itself where a chunk is written
                    os.utime(path)

        beat = threading.Thread(target=keep_beating, daemon=True)
        beat.start()
        try:
            yield
        finally:
            stop.set()
            beat.join()
            if not shared:  # those who share it go on
                _sign(handle, "", shared=False)


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
    except OSError:  # no such file, a folder that only its owner may write, or a file system without locks
        return _lives(holder(path), elsewhere=False)
    return _lives(holder(path), elsewhere=True)


def _flock(handle: IO[str], *, shared: bool) -> bool | None:
    """Take the kernel's lock of a file if it is free; None if the file system has no locks."""
    for _ in range(LOCK_ATTEMPTS):
        try:
            fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.05)  # `is_held` may hold it for a moment
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
            return None
        else:
            return True
    return False


def _lives(who: dict[str, Any], *, elsewhere: bool) -> bool:
    """Return whether the heart of a lock's holder beats; `elsewhere`: only that of one on another machine counts."""
    if not who or time.time() - who["beat"] >= DEAD_AFTER_S:
        return False
    if who["host"] != socket.gethostname():
        return True
    if elsewhere:
        return False
    try:
        os.kill(who["pid"], 0)  # asks only whether there is such a process
    except ProcessLookupError:
        return False
    except OSError:  # it is another user's
        return True
    return True


@cache  # once for each folder
def _warn_of_no_locks(folder: Path) -> None:
    warn_user(
        f"the file system of {folder} has no file locks: two runs that begin there within a second do not notice each "
        "other, and one that is killed on another machine blocks the folder for a minute.",
        NoFileLocksWarning,
    )


def _sign(handle: IO[str], what: str, *, shared: bool) -> None:
    """Write who holds the lock file; nobody if `what` is empty."""
    me = {"what": what, "host": socket.gethostname(), "pid": os.getpid(), "started": time.time()}
    handle.seek(0)
    handle.truncate()
    handle.write(json.dumps({**me, "shared": shared}) + "\n")
    handle.flush()


def _named(who: dict[str, Any]) -> str:
    return f"{who['what']}, process {who['pid']} on {who['host']}" if who else "another process"


@dataclass(frozen=True)
class Status:
    """How far a campaign is."""

    folder: Path
    chunks: int  # of the plan, and those whose files are there
    chunks_done: int
    histories: int  # solves: histories times settings times l
    histories_done: int
    foreign: int  # chunk files of other plans in the store
    owner: str  # who works on it, empty if nobody
    rate: float | None  # histories a second of the present run; None if none runs, or nothing is finished yet
    seconds: float  # time that the finished chunks took together; beyond `TIMED_CHUNKS` of them an estimate

    @property
    def complete(self) -> bool:
        """Whether every chunk is there."""
        return self.chunks_done == self.chunks

    def __str__(self) -> str:
        share = f"{100 * self.histories_done / self.histories:.0f} %"
        lines = [
            f"store    {self.folder}",
            f"chunks   {self.chunks_done} of {self.chunks}",
            f"solves   {self.histories_done} of {self.histories} histories x settings x l ({share})",
        ]
        if self.foreign:
            lines.append(f"others   {self.foreign} chunk files belong to other plans")
        if self.seconds:
            about = "about " if self.chunks_done > TIMED_CHUNKS else ""
            lines.append(f"spent    {about}{duration(self.seconds)} of solution")
        if self.owner:
            lines.append(f"running  {self.owner}")
            if self.rate:
                left = duration((self.histories - self.histories_done) / self.rate)
                lines.append(f"rate     {self.rate:.3g} a second, {left} left")
        elif self.complete:
            lines.append(f"finished `qtraj campaign merge --store {self.folder}` joins the results")
        else:
            lines.append(f"stopped  `qtraj campaign resume --store {self.folder}` goes on")
        return "\n".join(lines)


def status(folder: str | Path) -> Status:
    """Look at a store, without touching it."""
    store = Store(Path(folder))
    plan = store.load_plan(to_read=True)
    if plan.is_of_this_code:  # what is missing is what `resume` would solve: inputs may have changed since
        plan = replace(plan, stored_keys=())
    there = present(store)
    sizes = {key: len(chunk) for key, chunk in zip(plan.keys, plan.chunks, strict=True)}
    done = {key: when for key, when in there.items() if key in sizes}
    owner, rate = "", None
    if is_held(store.lock_path):
        who, now = holder(store.lock_path), time.time()
        owner = _named(who)
        if who:
            since = max(who["started"], now - RATE_WINDOW_S)
            solved = sum(sizes[key] for key, when in done.items() if when > since)
            rate = solved / max(now - since, 1e-9) or None
    times = []
    for key in sorted(done)[:TIMED_CHUNKS]:  # keys are digests: the first ones are a random sample
        with suppress(FileFormatError):  # a damaged one is named by whoever needs its numbers
            times.append(store.check(key))
    return Status(
        folder=store.folder,
        chunks=len(sizes),
        chunks_done=len(done),
        histories=sum(sizes.values()),
        histories_done=sum(sizes[key] for key in done),
        foreign=len(there.keys() - sizes.keys() - set(plan.cheap_keys)),
        owner=owner,
        rate=rate,
        seconds=sum(times) / len(times) * len(done) if times else 0.0,
    )
