"""A Dask scheduler and its workers, each a process of its own to kill; forked, so that they start at once."""

import asyncio
import logging
from multiprocessing.connection import Connection
from pathlib import Path

from distributed import Scheduler, Worker
from fault_injection import PROCESSES

WORKERS = ("worker-0", "worker-1")


def serve_scheduler(sender: Connection) -> None:
    """Run a scheduler and tell its address."""

    async def serve() -> None:
        async with Scheduler(host="127.0.0.1", port=0, dashboard=False) as scheduler:
            sender.send(scheduler.address)
            await scheduler.finished()

    logging.disable(logging.CRITICAL)
    asyncio.run(serve())


def serve_worker(address: str, name: str, folder: Path) -> None:
    """Run a worker of one thread, without a nanny."""

    async def serve() -> None:
        options = {"name": name, "nthreads": 1, "local_directory": str(folder), "dashboard": False}
        async with Worker(address, **options) as worker:
            await worker.finished()

    logging.disable(logging.CRITICAL)
    asyncio.run(serve())


class Cluster:
    """A scheduler and two workers.

    Parameters
    ----------
    folder : Path
        For the workers' files.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.processes, self.address = folder, {}, ""
        self.start("scheduler")

    def start(self, name: str) -> None:
        """Start a process; a new scheduler gets new workers."""
        if name != "scheduler":
            self._run(name, serve_worker, self.address, name, self.folder)
            return
        self.stop()
        receiver, sender = PROCESSES.Pipe(duplex=False)
        with receiver, sender:
            self._run(name, serve_scheduler, sender)
            self.address = receiver.recv()
        for worker in WORKERS:
            self.start(worker)

    def kill(self, name: str) -> None:
        """End a process with SIGKILL."""
        process = self.processes.pop(name)
        process.kill()
        process.join()
        process.close()

    def stop(self) -> None:
        """End all processes."""
        for name in list(self.processes):
            self.kill(name)

    def _run(self, name: str, target, *arguments: object) -> None:
        self.processes[name] = PROCESSES.Process(target=target, args=arguments)
        self.processes[name].start()
