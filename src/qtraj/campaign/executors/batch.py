"""Batch systems: Dask workers as jobs through dask-jobqueue, and scripts of plain array jobs."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

import dask
import dask_jobqueue
from dask.utils import parse_bytes
from dask_jobqueue.htcondor import quote_arguments
from distributed import Client

from ...errors import InputError
from ...io.config import Job
from ...solvers.parallel import ONE_THREAD
from .dask import ALLOWED_FAILURES

System = Literal["slurm", "htcondor", "pbs"]

NAMES: Final = {"slurm": "SLURM", "htcondor": "HTCondor", "pbs": "PBS"}
CLUSTERS: Final = {system: getattr(dask_jobqueue, f"{name}Cluster") for system, name in NAMES.items()}
FOREIGN: Final = {"slurm": ("disk",), "htcondor": ("queue", "account", "walltime"), "pbs": ("disk",)}
"""Keys of ``[campaign.job]`` that a batch system does not have."""
MIB: Final = 2**20
EXPORTS: Final = tuple(f"export {name}={value}" for name, value in ONE_THREAD.items())
UNKNOWN_ADDRESS: Final = "tcp://<address of the scheduler>:8786"


@contextmanager
def jobs(system: System, job: Job, count: int) -> Iterator[Client]:
    """Submit `count` jobs of Dask workers, and give their client; the jobs are canceled at the end."""
    command = CLUSTERS[system].job_cls.submit_command.split()[0]
    if shutil.which(command) is None:  # Dask would wait for workers for ever
        raise InputError("executor", system, f"be a batch system whose command {command} is on this machine")
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": ALLOWED_FAILURES}),
        CLUSTERS[system](scheduler_options={"dashboard_address": ":0"}, **_options(system, job)) as cluster,
    ):
        cluster.scale(jobs=count)
        with Client(cluster, set_as_default=False) as client:
            yield client


def job_script(system: System, job: Job) -> str:
    """Return the script of one job of Dask workers, as `jobs` would submit it."""
    kind = CLUSTERS[system].job_cls
    script: str = kind(scheduler=UNKNOWN_ADDRESS, name="qtraj", **_options(system, job)).job_script()
    return script


def _options(system: System, job: Job) -> dict[str, Any]:
    """Return the arguments of dask-jobqueue: one process per core, since a chunk uses one thread."""
    _check_keys(system, job)
    options: dict[str, Any] = {"cores": job.cores, "processes": job.cores, "memory": job.memory}
    options |= {"job_name": "qtraj", "job_script_prologue": [*job.prologue, *EXPORTS]}
    if system == "htcondor":
        return {**options, "disk": job.disk, "job_extra_directives": dict(map(_pair, job.directives))}
    options |= {"walltime": job.walltime, "job_extra_directives": list(job.directives)}
    return options | job.model_dump(include={"queue", "account"}, exclude_none=True)


def array_script(system: System, job: Job, folder: Path, members: int) -> str:
    """Return the script of an array job whose members each solve their share of the chunks, without any scheduler.

    A member is one process on one core, with that core's part of the job's memory and disk.
    """
    _check_keys(system, job)
    index = {"slurm": "$SLURM_ARRAY_TASK_ID", "pbs": "$PBS_ARRAY_INDEX", "htcondor": "$(Process)"}[system]
    store = shlex.quote(str(folder.absolute()))
    command = f"qtraj campaign resume --store {store} --index {index} --of {members}"
    shell = [*job.prologue, *EXPORTS, command]
    memory, disk = (-(-parse_bytes(text) // (job.cores * MIB)) for text in (job.memory, job.disk))
    if system == "htcondor":
        lines = ["executable = /bin/sh", f'arguments = "{quote_arguments(["-c", "; ".join(shell)])}"']
        lines += ["request_cpus = 1", f"request_memory = {memory} MB", f"request_disk = {disk} MB"]
        return "\n".join([*lines, *job.directives, f"queue {members}"]) + "\n"
    if system == "slurm":
        mark, names = "#SBATCH", ("--partition=", "--account=")
        lines = [f"--array=0-{members - 1}", "--ntasks=1", f"--mem={memory}M", f"--time={job.walltime}"]
    else:
        mark, names = "#PBS", ("-q ", "-A ")
        lines = [f"-J 0-{members - 1}", f"-l select=1:ncpus=1:mem={memory}mb", f"-l walltime={job.walltime}"]
    named = [f"{name}{value}" for name, value in zip(names, (job.queue, job.account), strict=True) if value]
    directives = [f"{mark} {line}" for line in (*lines, *named, *job.directives)]
    return "\n".join(["#!/usr/bin/env bash", *directives, *shell]) + "\n"


def _check_keys(system: System, job: Job) -> None:
    """Refuse keys that this batch system knows nothing of."""
    for name in FOREIGN[system]:
        if name in job.model_fields_set:
            allowed = f"be left out for {NAMES[system]}, which has none"
            raise InputError(f"campaign.job.{name}", getattr(job, name), allowed)


def _pair(directive: str) -> tuple[str, str]:
    name, equals, value = directive.partition("=")
    if not equals:
        raise InputError("campaign.job.directives", directive, "be of the form 'name = value' for HTCondor")
    return name.strip(), value.strip()
