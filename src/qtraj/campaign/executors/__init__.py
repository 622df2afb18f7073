"""Executors: solve chunks in this process, on Dask workers, or with any object that has `name` and `map`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from importlib import import_module
from typing import Any, Final, Protocol

from ...errors import InputError
from ...io.config_campaign import Campaign, Job
from ..work import Worker

BATCH_SYSTEMS: Final = ("slurm", "htcondor", "pbs")

Progress = Callable[[int, int], None]
"""Progress callback: called with the number of a chunk and how many of its histories are solved."""


class Executor(Protocol):
    """Solves chunks.

    It may have a context `opened` that gives an executor whose workers stay for several calls of `map`: see `staying`.
    """

    @property
    def name(self) -> str:
        """Name that `qtraj campaign status` shows."""

    def map(self, worker: Worker, numbers: Sequence[int], progress: Progress) -> Iterator[int]:
        """Yield the number of each chunk as it is finished, in any order."""


class InProcess:
    """Solves one chunk after the other here."""

    name = "in-process"

    def map(self, worker: Worker, numbers: Sequence[int], progress: Progress) -> Iterator[int]:
        """Yield the chunks in their order."""
        for number in numbers:
            yield worker(number, partial(progress, number))


def staying(executor: Executor) -> AbstractContextManager[Executor]:
    """Give the executor with workers that stay, and keep what they compiled, until the end of the context."""
    opened: Callable[[], AbstractContextManager[Executor]] | None = getattr(executor, "opened", None)
    return nullcontext(executor) if opened is None else opened()


def share(numbers: Sequence[int], index: int, of: int) -> Sequence[int]:
    """Return the chunks of member `index` of an array job of `of` members: every `of`-th, so that shares are alike."""
    return numbers[index::of]


def chosen_executor(name: str, workers: int, scheduler: str | None, job: Job) -> Executor:
    """Return the executor of a name."""
    if name == "in-process":
        return InProcess()
    cluster = _needs_extra("dask", name)
    if name == "local":
        label, connect = f"{workers} local Dask workers", partial(cluster.local, workers)
    elif name == "scheduler":
        if scheduler is None:
            raise InputError("--scheduler", None, "be the address of a Dask scheduler that runs")
        label, connect = f"Dask scheduler {scheduler}", partial(cluster.existing, scheduler)
    else:
        jobs = batch_system(name).Jobs(name, job, workers)
        submitted: Executor = cluster.DaskExecutor(f"{workers} {name} jobs", jobs.connect, jobs.ended)
        return submitted
    executor: Executor = cluster.DaskExecutor(label, connect)
    return executor


def executor_of(
    campaign: Campaign,
    executor: str | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    *,
    member: bool = False,
) -> Executor:
    """Return the executor of a run file, or of the options of the command line in its place."""
    if scheduler is not None and executor not in (None, "scheduler"):
        raise InputError("--scheduler", scheduler, f"be left out with --executor {executor}")
    named = executor or ("scheduler" if scheduler is not None else None)
    name = named or ("in-process" if member else campaign.executor)
    if name in ("in-process", "scheduler"):
        why = "one process, this one" if name == "in-process" else "as many workers as its scheduler has"
        allowed, remedy = f"be left out with executor {name!r}: it is {why}", "'local' starts workers here."
        if workers is not None:
            raise InputError("--workers", workers, allowed, remedy)
        if named is None and not member and campaign.workers > 1:
            raise InputError("campaign.workers", campaign.workers, allowed, remedy)
    return chosen_executor(name, workers or campaign.workers, scheduler or campaign.scheduler, campaign.job)


def batch_system(name: str) -> Any:
    """Return the module that knows batch systems, for one of them."""
    if name not in BATCH_SYSTEMS:
        others = "local, scheduler or in-process; a script needs one of the first"
        raise InputError("executor", name, f"be {', '.join(BATCH_SYSTEMS)}, {others}")
    return _needs_extra("batch", name)


def _needs_extra(module: str, name: str) -> Any:
    try:
        return import_module(f".{module}", __package__)
    except ModuleNotFoundError as error:
        remedy = f"{error.name} is missing: pip install 'qtraj[campaign]'."
        raise InputError("executor", name, "have the packages it needs", remedy) from None
