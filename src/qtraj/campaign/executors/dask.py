"""Chunks on Dask: workers here, those of a scheduler that runs, or jobs of a batch system."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.parse import urlsplit

import dask
from distributed import Client, Future, KilledWorker, LocalCluster, WorkerPlugin, as_completed

from ...errors import InputError, QtrajError
from ...solvers.parallel import ONE_THREAD
from ..work import Worker
from . import Progress

IN_FLIGHT: Final = 2  # chunks per worker thread: one is solved, one waits; memory does not grow with the plan
ATTEMPTS: Final = 3  # how often a chunk is handed out again after Dask gave it up: workers died with it
ALLOWED_FAILURES: Final = 10  # workers that may die while they solve one chunk before Dask gives it up
CONNECT_S: Final = 10  # time that a scheduler has to answer, also after a connection was lost
ASK_S: Final = 5.0  # how often to ask whether workers are left that may solve anything
POLL_S: Final = 0.02  # how often to look for finished chunks

JAX_SHARE: Final = 0.75  # of the memory of a GPU that JAX reserves
MEMORY_SHARE: Final = "XLA_CLIENT_MEM_FRACTION"
OTHER_SHARES: Final = ("XLA_PYTHON_CLIENT_MEM_FRACTION", "XLA_PYTHON_CLIENT_PREALLOCATE")

LOST: Final = (
    "the Dask scheduler was lost. Finished chunks are kept: `qtraj campaign resume` goes on with a new one."
)


class CampaignError(QtrajError):
    """The campaign cannot go on; what was finished is in the store."""


@dataclass(frozen=True)
class DaskExecutor:
    """Hands chunks to the workers of the Dask client that `connect` gives."""

    name: str
    connect: Callable[[], AbstractContextManager[Client]]
    ended: Callable[[], str] = str  # why no worker will come any more, empty while one may

    @contextmanager
    def opened(self) -> Iterator[DaskExecutor]:
        """Give an executor whose workers, once started, stay until the end: to start some takes seconds."""
        with ExitStack() as stack:
            clients: list[Client] = []

            def connect() -> AbstractContextManager[Client]:
                if not clients:
                    clients.append(stack.enter_context(self.connect()))
                return nullcontext(clients[0])

            yield replace(self, connect=connect)

    def map(self, worker: Worker, numbers: Sequence[int], progress: Progress) -> Iterator[int]:
        """Yield the number of each chunk as it is finished."""
        del progress  # workers tell when they have finished
        if not numbers:
            return
        with self.connect() as client:
            with _scheduler_needed(client):
                addresses = client.sync(client.scheduler.ncores, callback_timeout=CONNECT_S)
                machines = Counter(map(_machine, addresses))
                client.register_plugin(OwnDevice(machines), name="qtraj-device")
            waiting: deque[int] = deque(numbers)
            running: dict[Future, int] = {}
            killed: Counter[int] = Counter()
            finished = as_completed(loop=client.loop)
            while waiting or running:
                with _scheduler_needed(client):
                    threads = client.sync(client.scheduler.ncores, callback_timeout=CONNECT_S).values()
                    room = IN_FLIGHT * max(sum(threads), 1) - len(running)
                    for _ in range(min(room, len(waiting))):
                        number = waiting.popleft()
                        # each hand-out has a key of its own: an orphan of an earlier run is nothing to wait for
                        future = client.submit(worker, number, pure=False)
                        running[future] = number
                        finished.add(future)
                    future = _next(client, finished, self.ended)
                    outcome = _outcome(future)
                number = running.pop(future)
                if isinstance(outcome, int):
                    yield outcome
                elif outcome is None:
                    running[future] = number
                    finished.add(future)
                elif not isinstance(outcome, KilledWorker):
                    raise outcome
                else:
                    killed[number] += 1
                    if killed[number] > ATTEMPTS:
                        times = (ALLOWED_FAILURES + 1) * killed[number]
                        raise CampaignError(
                            f"chunk {number} took its workers down {times} times: give them more memory, or take a "
                            "smaller `campaign.chunk` in a new store."
                        )
                    waiting.append(number)


# A client that loses its scheduler closes itself, and leaves without an answer what it is asked while it does: no call
# to it may wait for ever.


def _next(client: Client, finished: as_completed, ended: Callable[[], str]) -> Future:
    """Wait for a chunk that has come to an end, one way or the other."""
    asked = time.monotonic()
    while not finished.has_ready():
        if time.monotonic() - asked > ASK_S:
            asked = time.monotonic()
            alone = not client.sync(client.scheduler.ncores, callback_timeout=CONNECT_S)
            if alone and (reason := ended()):
                raise CampaignError(f"{reason} Finished chunks are kept: `qtraj campaign resume` goes on.")
        if client.status != "running":
            raise CampaignError(LOST)
        time.sleep(POLL_S)
    return next(finished)


def _outcome(future: Future) -> int | Exception | None:
    """Return what came of a chunk: its number, or what its worker raised; None if the worker died with the answer."""
    if future.status in {"lost", "pending"}:  # the scheduler has it computed again
        return None
    try:
        number: int = future.result(timeout=CONNECT_S)
    except Exception as error:
        if future.status in {"lost", "pending"}:
            return None
        if future.status != "error":  # it was the way to the answer that failed
            raise
        return error
    return number


@contextmanager
def _scheduler_needed(client: Client) -> Iterator[None]:
    """Name a scheduler that was lost, by whatever error that shows itself: Dask has many."""
    try:
        yield
    except CampaignError:
        raise
    except Exception as error:
        if isinstance(error, (OSError, CancelledError)) or client.status != "running":
            raise CampaignError(LOST) from error
        raise


class OwnDevice(WorkerPlugin):  # type: ignore[misc]
    """Gives each worker process one of the GPUs of its machine, or its part of one, before anything asks for a GPU.

    `processes` are the worker processes of each machine.
    """

    def __init__(self, processes: Mapping[str, int]) -> None:
        self.processes = dict(processes)

    def setup(self, worker: Any) -> None:
        """Let the worker see the GPU of its number only, and take its part of the memory there."""
        devices = visible_devices()
        if devices:
            divide_memory(-(-self.processes.get(_machine(worker.address), 1) // len(devices)))
        if len(devices) > 1:
            digits = str(worker.name).rpartition("-")[2]
            number = int(digits) if digits.isdecimal() else 0
            os.environ["CUDA_VISIBLE_DEVICES"] = devices[number % len(devices)]


def _machine(address: str) -> str:
    return urlsplit(address).hostname or address


def divide_memory(processes: int) -> None:
    """Let JAX in this process reserve its part of the memory of a GPU that so many processes share.

    By default each would reserve three quarters of it, and all but the first fail. What the user says of it counts.
    """
    if processes > 1 and not any(name in os.environ for name in (MEMORY_SHARE, *OTHER_SHARES)):
        os.environ[MEMORY_SHARE] = f"{JAX_SHARE / processes:.4f}"


def visible_devices() -> list[str]:
    """Return the GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [name for name in named.split(",") if name]
    return [str(i) for i, _ in enumerate(sorted(Path("/proc/driver/nvidia/gpus").glob("*")))]


class NoInterrupt(WorkerPlugin):  # type: ignore[misc]
    """Leaves Ctrl-C, which a terminal sends to all its processes, to the main process: it closes the workers."""

    def setup(self, worker: Any) -> None:
        """Ignore the signal, in the process of the worker."""
        del worker
        with suppress(ValueError):  # the loop of a worker runs in the main thread, unless somebody embeds it
            signal.signal(signal.SIGINT, signal.SIG_IGN)


def shared_compilation(folder: str) -> dict[str, str]:
    """Return the environment of workers that keep what JAX compiles in a folder, so that one of them compiles it.

    A folder that the user has named for JAX counts, and then keeps it for later runs.
    """
    # 0.1 s: what takes less is compiled in the time that a file takes
    wanted = {"JAX_COMPILATION_CACHE_DIR": folder, "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.1"}
    return {name: os.environ.get(name, value) for name, value in wanted.items()}


@contextmanager
def local(workers: int) -> Iterator[Client]:
    """Give the client of a cluster of `workers` processes on this machine, with one thread each."""
    settings: dict[str, Any] = {"distributed.scheduler.allowed-failures": ALLOWED_FAILURES}
    # any free port: two campaigns on one machine must not quarrel about the usual one
    quiet = {"dashboard_address": ":0", "silence_logs": "CRITICAL"}
    with (
        TemporaryDirectory(prefix="qtraj-compiled-", ignore_cleanup_errors=True) as compiled,
        # before a worker starts, because XLA makes its threads when JAX is first used
        dask.config.set(
            settings
            | {
                f"distributed.nanny.pre-spawn-environ.{name}": value
                for name, value in (ONE_THREAD | shared_compilation(compiled)).items()
            }
        ),
        LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, **quiet) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        client.register_plugin(NoInterrupt(), name="qtraj-interrupt")
        yield client


@contextmanager
def existing(address: str) -> Iterator[Client]:
    """Give the client of a scheduler that runs."""
    try:
        client = Client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        allowed = f"be the address of a Dask scheduler that runs ({error})"
        raise InputError("scheduler", address, allowed) from None
    try:
        yield client
    finally:
        with suppress(TimeoutError):  # a scheduler that was lost does not say goodbye
            client.close()
