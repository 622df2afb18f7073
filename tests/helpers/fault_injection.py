"""Processes to kill, disks to fill: the faults that a campaign must survive, as the operating system makes them."""

import ctypes
import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stand_in import RUN_FILE, ExponentialDecay, make_run_file

from qtraj.campaign.run import carry_out, prepare
from qtraj.campaign.store import Store

# 2 impact parameters x 16 paths x 3 settings x 2 l in 24 chunks
MANY_CHUNKS = RUN_FILE.replace("n = 4", "n = 8").replace("[output]", "[campaign]\nchunk = 8\n[output]")
N_CHUNKS = 24

# children are forked from a server that has imported everything and started no thread
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["fault_injection"])

NOBODY = 65534
CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
MS_REMOUNT, MS_REC, MS_PRIVATE = 32, 16384, 1 << 18


@dataclass
class SlowDecay(ExponentialDecay):
    """The stand-in, with time to be killed."""

    seconds: float = 0.3

    def __call__(self, *arguments, **options):
        time.sleep(self.seconds)
        return super().__call__(*arguments, **options)


def planned(folder: Path, text: str = MANY_CHUNKS) -> Store:
    store = Store(folder)
    prepare(make_run_file(text), store, solve=ExponentialDecay())
    return store


def solve_all(folder: Path, seconds: float = 0.0) -> None:
    """What a child process does: a campaign in its own process."""
    carry_out(Store(folder), solve=SlowDecay(seconds=seconds))


@contextmanager
def running(folder: Path, seconds: float) -> Iterator[multiprocessing.Process]:
    """A campaign in a child process; it is killed at the end if it still runs."""
    process = PROCESSES.Process(target=solve_all, args=(folder, seconds))
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()
        process.close()


def in_child(target, *arguments):
    """Return what `target` returns in a child process."""
    receiver, sender = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=_answer, args=(sender, target, *arguments))
    process.start()
    sender.close()
    try:
        answer = receiver.recv()
    finally:
        receiver.close()
        process.join()
        process.close()
    if isinstance(answer, BaseException):
        raise answer
    return answer


def _answer(sender, target, *arguments) -> None:
    try:
        answer = target(*arguments)
    except BaseException as error:
        answer = error
    sender.send(answer)


def message_of(folder: Path, text: str = MANY_CHUNKS) -> str:
    """Run a campaign and return what it complains about, with its kind."""
    try:
        planned(folder, text)
        solve_all(folder)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def as_nobody(folder: Path) -> str:
    """The same for a user who may only read."""
    with tempfile.TemporaryDirectory() as warm:  # imports what this user may not
        message_of(Path(warm), RUN_FILE)
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    return message_of(folder)


def on_a_full_disk(folder: Path) -> tuple[str, int, str, int]:
    """Run a campaign on a disk that fills up, then on one with space; return messages and chunks after each.

    The disk is a tmpfs of 300 kB in a mount namespace of this process; where the system allows none (containers without
    user namespaces), a limit on the size of files stands for it.
    """
    small = mount_tmpfs(folder, "size=300k")
    if not small:
        resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, resource.RLIM_INFINITY))
    first = message_of(folder)
    there = len(list(Store(folder).files()))
    if small:
        mount_tmpfs(folder, "size=100m", MS_REMOUNT)
    else:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return first, there, message_of(folder), len(list(Store(folder).files()))


def mount_tmpfs(folder: Path, options: str, flags: int = 0) -> bool:
    """Mount a tmpfs that only this process sees; return whether that was allowed."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not flags:
        uid, gid = os.getuid(), os.getgid()
        if libc.unshare(CLONE_NEWNS | (0 if uid == 0 else CLONE_NEWUSER)) != 0:
            return False
        if uid != 0:
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
            Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
        libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None)
    return libc.mount(b"tmpfs", str(folder).encode(), b"tmpfs", flags, options.encode()) == 0
