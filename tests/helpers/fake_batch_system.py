"""The commands of SLURM, PBS and HTCondor, as far as campaigns use them: jobs run on this machine, at once.

`install` puts them into a folder, where they also note what they did: a line "submitted ID" or "canceled ID" each.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

SUBMIT = {
    "sbatch": "Submitted batch job {}",
    "qsub": "{}.server",
    "condor_submit": "1 job(s) submitted to cluster {}.",
}
CANCEL = ("scancel", "qdel", "condor_rm")
QUEUE = ("squeue", "qstat", "condor_q")
ARRAY = {
    "sbatch": (r"#SBATCH --array=0-(\d+)", "SLURM_ARRAY_TASK_ID"),
    "qsub": (r"#PBS -J 0-(\d+)", "PBS_ARRAY_INDEX"),
}


def install(folder: Path) -> None:
    """Put the commands into a folder."""
    for command in (*SUBMIT, *CANCEL, *QUEUE):
        (folder / command).write_text(
            f'#!/bin/sh\nexec {sys.executable} {__file__} {folder} {command} "$@"\n'
        )
        (folder / command).chmod(0o755)


def notes(folder: Path, word: str) -> list[str]:
    """Return the jobs that were submitted or canceled."""
    lines = [line.split() for path in folder.glob("notes-*") for line in path.read_text().splitlines()]
    return sorted(job for what, job in lines if what == word)


def members(command: str, job: Path) -> list[tuple[list[str], dict[str, str]]]:
    """Return what each member of a job runs, and its environment."""
    text = job.read_text()
    if command == "condor_submit":
        (executable,) = re.findall(r"(?mi)^executable\s*=\s*(\S+)$", text)
        (arguments,) = re.findall(r'(?mi)^arguments\s*=\s*"(.*)"$', text)
        (count,) = re.findall(r"(?mi)^queue *(\d*)$", text)
        filled = [arguments.replace("$(Process)", str(number)) for number in range(int(count or 1))]
        return [([executable, *unquoted(each)], {}) for each in filled]
    pattern, variable = ARRAY[command]
    if (array := re.search(pattern, text)) is None:
        return [(["/bin/bash", str(job)], {})]
    return [(["/bin/bash", str(job)], {variable: str(number)}) for number in range(int(array[1]) + 1)]


def unquoted(arguments: str) -> list[str]:
    """Return the words that HTCondor makes of the arguments between the double quotes of a submit description."""
    words = re.findall(r"((?:'(?:[^']|'')*'|[^\s'])+)", arguments.replace('""', '"'))
    return [re.sub(r"'((?:[^']|'')*)'", lambda quoted: quoted[1].replace("''", "'"), word) for word in words]


def submit(folder: Path, command: str, script: str) -> None:
    """Start the members of a job, each the leader of a process group, and answer as the original does."""
    number = os.getpid()
    job = Path(shutil.copy(script, folder / f"job-{number}"))
    with (folder / f"output-{number}").open("wb") as output, (folder / f"notes-{number}").open("a") as kept:
        for words, environment in members(command, job):
            process = subprocess.Popen(
                words,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
            kept.write(f"process {process.pid}\n")
        kept.write(f"submitted {number}\n")
    print(SUBMIT[command].format(number))


def cancel(folder: Path, job: str) -> None:
    """End a job with SIGTERM, as batch systems do first."""
    number = job.partition(".")[0]
    path = folder / f"notes-{number}"
    for line in path.read_text().splitlines():
        word, value = line.split()
        if word == "process":
            with suppress(ProcessLookupError):
                os.killpg(int(value), signal.SIGTERM)
    with path.open("a") as kept:
        kept.write(f"canceled {number}\n")


def ask(folder: Path, command: str, job: str) -> None:
    """List a job while one of its processes is alive."""
    groups = [
        int(line.split()[1])
        for line in (folder / f"notes-{job.partition('.')[0]}").read_text().splitlines()
        if line.startswith("process")
    ]
    for group in groups:
        with suppress(ProcessLookupError):
            os.killpg(group, 0)
            print(job)
            return
    if command == "qstat":
        sys.exit(f"qstat: {job} Job has finished, use -x or -H to obtain historical job information")


if __name__ == "__main__":
    place, name, argument = Path(sys.argv[1]), sys.argv[2], sys.argv[-1]
    if name in SUBMIT:
        if (place / "refuses").exists():
            sys.exit(f"{name}: error: invalid account or partition specified")
        submit(place, name, argument)
    elif name in QUEUE:
        ask(place, name, argument)
    else:
        cancel(place, argument)
