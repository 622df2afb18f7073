"""Batch systems: Dask workers as jobs through dask-jobqueue, and scripts of plain array jobs."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import dask
import dask_jobqueue
from dask.utils import parse_bytes
from dask_jobqueue.htcondor import quote_arguments
from distributed import Client, Status

from ...errors import InputError
from ...io.config_campaign import NO_MEMORY, Job
from ...solvers.parallel import ONE_THREAD
from .dask import ALLOWED_FAILURES, JAX_SHARE, MEMORY_SHARE, OTHER_SHARES

System = Literal["slurm", "htcondor", "pbs"]

NAMES: Final = {"slurm": "SLURM", "htcondor": "HTCondor", "pbs": "PBS"}
CLUSTERS: Final = {system: getattr(dask_jobqueue, f"{name}Cluster") for system, name in NAMES.items()}
FOREIGN: Final = {"slurm": ("disk",), "htcondor": ("queue", "account", "walltime"), "pbs": ("disk",)}
"""Keys of ``[campaign.job]`` that a batch system does not have."""
MIB: Final = 2**20
EXPORTS: Final = tuple(f"export {name}={value}" for name, value in ONE_THREAD.items())
UNKNOWN_ADDRESS: Final = "tcp://<address of the scheduler>:8786"


# what lists a job, and what it answers of one that has ended, if it does not list nothing
QUEUES: Final = {
    "slurm": ["squeue", "-h", "-j"],
    "htcondor": ["condor_q", "-af", "ClusterId"],
    "pbs": ["qstat"],
}
_ENDED: Final = re.compile(r"(?i)invalid job id|unknown job|has finished")


@dataclass
class Jobs:
    """Jobs of Dask workers: submitted by `connect`, and what became of them."""

    system: System
    job: Job
    count: int
    refused: list[str] = field(default_factory=list)  # what the batch system said of each job that it refused
    submitted: list[str] = field(default_factory=list)  # numbers of the others

    @contextmanager
    def connect(self) -> Iterator[Client]:
        """Submit the jobs, and give their client; the jobs are canceled at the end."""
        kind, jobs = CLUSTERS[self.system], self
        command = kind.job_cls.submit_command.split()[0]
        if shutil.which(command) is None:  # Dask would wait for workers for ever
            allowed = f"be a batch system whose command {command} is on this machine"
            raise InputError("executor", self.system, allowed)

        class Recorded(kind.job_cls):  # type: ignore[misc, name-defined]
            async def start(self) -> None:
                try:
                    await super().start()
                except (RuntimeError, ValueError, OSError) as error:
                    jobs.refused.append(str(error).strip().splitlines()[-1])
                    self.status = Status.failed  # Dask would submit it for ever, or wait
                else:
                    jobs.submitted.append(self.job_id)

        options = {"scheduler_options": {"dashboard_address": ":0"}, **_options(self.system, self.job)}
        with (
            dask.config.set({"distributed.scheduler.allowed-failures": ALLOWED_FAILURES}),
            kind(job_cls=Recorded, **options) as cluster,
        ):
            cluster.scale(jobs=self.count)
            with Client(cluster, set_as_default=False) as client:
                yield client

    def ended(self) -> str:
        """Return why no worker will come any more; empty while one may."""
        name = NAMES[self.system]
        if len(self.refused) == self.count:
            return f"{name} refused the jobs: {self.refused[-1]}."
        if len(self.refused) + len(self.submitted) < self.count:
            return ""
        for number in self.submitted:
            command = [*QUEUES[self.system], number]
            try:
                asked = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
            except (OSError, subprocess.TimeoutExpired):  # nobody knows
                return ""
            answer = asked.stdout + asked.stderr
            if not (_ENDED.search(answer) if asked.returncode else not asked.stdout.strip()):
                return ""
        return f"all jobs of {name} have ended, at their walltime ({self.job.walltime}) or by what their output says."


def job_script(system: System, job: Job) -> str:
    """Return the script of one job of Dask workers, as `Jobs` would submit it."""
    kind = CLUSTERS[system].job_cls
    script: str = kind(scheduler=UNKNOWN_ADDRESS, name="qtraj", **_options(system, job)).job_script()
    return script


def _options(system: System, job: Job) -> dict[str, Any]:
    """Return the arguments of dask-jobqueue: one process per core, since a chunk uses one thread."""
    _check_keys(system, job)
    per_core = _memory_per_core(job)
    # without a limit of the batch system Dask needs a number all the same, and 0 as what its workers may take
    total = f"{(per_core or 1) * job.cores} MiB" if job.memory_per_core or per_core is None else job.memory
    options: dict[str, Any] = {"cores": job.cores, "processes": job.cores, "memory": total}
    # the workers of a job share its GPU, if it has one
    shared = [f"export {MEMORY_SHARE}={JAX_SHARE / job.cores:.4f}"] if job.cores > 1 else []
    given = any(name in line for line in job.prologue for name in (MEMORY_SHARE, *OTHER_SHARES))
    exports = [*EXPORTS, *([] if given else shared)]
    options |= {"job_name": "qtraj", "job_script_prologue": [*job.prologue, *exports]}
    if per_core is None:
        options["worker_extra_args"] = ["--memory-limit", "0"]
    if system == "htcondor":
        skipped = ["RequestMemory"] if per_core is None else []
        options |= {"disk": job.disk, "job_directives_skip": skipped}
        return {**options, "job_extra_directives": dict(map(_pair, job.directives))}
    directives = list(job.directives)
    if system == "pbs" and per_core is None:
        options["resource_spec"] = f"select=1:ncpus={job.cores}"
    elif system == "slurm" and (per_core is None or job.memory_per_core):
        options["job_directives_skip"] = ["--mem="]
        directives[:0] = [] if per_core is None else [f"--mem-per-cpu={per_core}M"]
    options |= {"walltime": job.walltime, "job_extra_directives": directives}
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
    memory, disk = _memory_per_core(job), -(-parse_bytes(job.disk) // (job.cores * MIB))
    if system == "htcondor":
        lines = ["executable = /bin/sh", f'arguments = "{quote_arguments(["-c", "; ".join(shell)])}"']
        lines += ["request_cpus = 1", *([f"request_memory = {memory} MB"] if memory else [])]
        lines += [f"request_disk = {disk} MB"]
        return "\n".join([*lines, *job.directives, f"queue {members}"]) + "\n"
    if system == "slurm":
        mark, names = "#SBATCH", ("--partition=", "--account=")
        asked = "--mem-per-cpu" if job.memory_per_core else "--mem"
        lines = [f"--array=0-{members - 1}", "--ntasks=1", *([f"{asked}={memory}M"] if memory else [])]
        lines += [f"--time={job.walltime}"]
    else:
        mark, names = "#PBS", ("-q ", "-A ")
        lines = [
            f"-J 0-{members - 1}",
            "-l select=1:ncpus=1" + (f":mem={memory}mb" if memory else ""),
            f"-l walltime={job.walltime}",
        ]
    named = [f"{name}{value}" for name, value in zip(names, (job.queue, job.account), strict=True) if value]
    directives = [f"{mark} {line}" for line in (*lines, *named, *job.directives)]
    return "\n".join(["#!/usr/bin/env bash", *directives, *shell]) + "\n"


def _memory_per_core(job: Job) -> int | None:
    """Return the memory of one core in MiB, rounded up; None if a job asks for none."""
    if job.memory == NO_MEMORY:
        return None
    cores = 1 if job.memory_per_core else job.cores
    return int(-(-parse_bytes(job.memory_per_core or job.memory) // (cores * MIB)))


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
