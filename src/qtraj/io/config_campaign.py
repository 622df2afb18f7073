"""Sections ``[campaign]`` and ``[campaign.job]`` of a run file: who solves it. No number depends on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final, Literal

from pydantic import Field

from .config_errors import Section, written

Executor = Literal["in-process", "local", "scheduler", "slurm", "htcondor", "pbs"]
"""Who solves the chunks of a campaign: this process, Dask workers here, those of a scheduler, or batch jobs."""

Positive = Annotated[float, Field(gt=0)]

_SIZE = r"(?i:\d+(\.\d+)? *[kMGT]i?B?)"
_WITH_UNIT = "be a size with its unit such as '4 GB' or '500 MiB'"
Size = Annotated[str, written(_SIZE, _WITH_UNIT)]
Memory = Annotated[str, written(rf"none|{_SIZE}", f"{_WITH_UNIT}, or 'none'")]
Walltime = Annotated[str, written(r"(\d+-)?\d+(:\d\d){0,2}", "be a time such as '04:00:00' or '1-12:00:00'")]
NO_MEMORY: Final = "none"


class Job(Section):
    """Section ``[campaign.job]``: what a batch system gives to one job.

    ``memory`` is that of a job, ``"none"`` for batch systems that refuse a job that asks for any; ``memory_per_core``
    stands in its place.
    """

    queue: str | None = None
    account: str | None = None
    cores: Annotated[int, Field(ge=1)] = 1
    memory: Memory = "4 GB"
    memory_per_core: Size | None = None
    disk: Size = "1 GB"
    walltime: Walltime = "02:00:00"
    directives: Annotated[tuple[str, ...], Field(strict=False)] = ()
    prologue: Annotated[tuple[str, ...], Field(strict=False)] = ()

    def _rules(self) -> Iterator[tuple[bool, str]]:
        both = {"memory", "memory_per_core"} <= self.model_fields_set
        yield both, "have memory, of the whole job, or memory_per_core, not both"


class Campaign(Section):
    """Section ``[campaign]``: who solves the chunks; no number of the answer depends on it."""

    executor: Executor = "in-process"
    workers: Annotated[int, Field(ge=1)] = 1
    scheduler: str | None = None
    chunk: Annotated[int, Field(ge=1)] | None = None
    chunk_seconds: Positive = 30.0
    job: Job = Job()

    def _rules(self) -> Iterator[tuple[bool, str]]:
        one_alone = (self.executor == "scheduler") != (self.scheduler is not None)
        yield one_alone, "have the key scheduler = 'tcp://...' if, and only if, executor = 'scheduler'"
