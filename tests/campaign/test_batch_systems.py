"""Batch systems, with commands that run their jobs on this machine: submitted, solved, canceled; and array jobs."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import dask
import fake_batch_system
import pytest
import xarray as xr
from fake_batch_system import notes, unquoted
from fault_injection import SlowDecay, planned
from stand_in import RUN_FILE, ExponentialDecay, make_run_file

from qtraj.campaign.executors import chosen_executor
from qtraj.campaign.executors import dask as executors_dask
from qtraj.campaign.executors.batch import array_script, job_script
from qtraj.campaign.executors.dask import CampaignError
from qtraj.campaign.results import open_results
from qtraj.campaign.run import carry_out
from qtraj.campaign.store import status
from qtraj.errors import InputError
from qtraj.io.config import load_run_file
from qtraj.io.config_campaign import Job

EXAMPLES = Path(__file__).parents[2] / "examples"
SYSTEMS = ("slurm", "pbs", "htcondor")
SUBMIT = {"slurm": "sbatch", "pbs": "qsub", "htcondor": "condor_submit"}
TWO_CORES = Job(cores=2, memory="2 GB", prologue=("export QTRAJ_SAYS='two words'",))


@pytest.fixture
def commands(tmp_path, monkeypatch):
    """The folder of the batch systems' commands, which come first on the path."""
    folder = tmp_path / "bin"
    folder.mkdir()
    fake_batch_system.install(folder)
    path = os.pathsep.join([str(folder), str(Path(sys.executable).parent), os.environ["PATH"]])
    monkeypatch.setenv("PATH", path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1] / "helpers"), prepend=os.pathsep)
    return folder


def alive(folder: Path) -> list[int]:
    """Return the process groups of jobs that still have a process."""
    found = []
    for group in map(int, notes(folder, "process")):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            continue
        found.append(group)
    return found


def wait_until(condition, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.1)


def numbers(folder: Path) -> xr.Dataset:
    return open_results(folder).load().drop_attrs()


@pytest.mark.slow  # processes of workers: seconds each
@pytest.mark.parametrize("system", SYSTEMS)
def test_jobs_are_submitted_solve_every_chunk_and_are_canceled(commands, tmp_path, system):
    store = planned(tmp_path / "store")
    with dask.config.set({f"jobqueue.{system}.interface": "lo"}):
        carry_out(store, solve=SlowDecay(seconds=0.05), executor=chosen_executor(system, 2, None, TWO_CORES))
    jobs = notes(commands, "submitted")
    assert len(jobs) == 2
    assert [job.partition(".")[0] for job in notes(commands, "canceled")] == jobs
    wait_until(lambda: not alive(commands), 20)
    here = planned(tmp_path / "here")
    carry_out(here, solve=ExponentialDecay())
    xr.testing.assert_identical(numbers(store.folder), numbers(here.folder))


@pytest.mark.slow  # two processes import and compile
@pytest.mark.parametrize("system", SYSTEMS)
def test_an_array_job_solves_a_campaign_without_any_scheduler(commands, tmp_path, system):
    text = (
        RUN_FILE.replace("[1.0, 0.5]", "[1.0]")
        .replace("[-1.75, 0.0]", "[-1.75]")
        .replace("[9.2, 2.3]", "[11.6]")
    )
    text = text.replace(
        "[output]", f'[method]\nrtol = 0.05\n[campaign]\nexecutor = "{system}"\nchunk = 4\n[output]'
    )
    (tmp_path / "run.toml").write_text(text)
    store, script = tmp_path / "a store", tmp_path / "array.sub"
    command = ["qtraj", "campaign", "plan", "run.toml", "--store", "a store"]
    for words in (command, [*command, "--script", "--array", "2"]):
        printed = subprocess.run(words, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    script.write_text(printed)
    subprocess.run([SUBMIT[system], str(script)], check=True, capture_output=True)
    wait_until(lambda: not alive(commands), 120)
    assert status(store).complete
    assert len(notes(commands, "process")) == 2
    assert open_results(store)["survival"].notnull().all()


@pytest.mark.parametrize("system", SYSTEMS)
def test_scripts_are_correct_shell_and_find_the_store(system):
    job = load_run_file(EXAMPLES / f"campaign_{system}.toml").config.campaign.job
    array = array_script(system, job.model_copy(update={"prologue": ()}), Path("it's a store"), 10)
    for script in (job_script(system, job), array):
        subprocess.run(["bash", "-n"], input=shell_of(script), text=True, check=True)
    # as the shell of a member understands it
    words = "qtraj() { printf '%s\\n' \"$@\"; }\n" + shell_of(array)
    said = subprocess.run(
        ["bash", "-c", words], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    assert said[:4] == ["campaign", "resume", "--store", str(Path("it's a store").absolute())]
    assert said[-2:] == ["--of", "10"]


def shell_of(script: str) -> str:
    """Return the shell commands of a script: all of it, or what a submit description of HTCondor hands to sh -c."""
    quoted = re.search(r'(?mi)^arguments\s*=\s*"(.*)"$', script)
    return unquoted(quoted[1])[-1] if quoted else script


def test_a_batch_system_that_is_not_here_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match=r"executor.*sbatch"):
        carry_out(
            planned(tmp_path), solve=ExponentialDecay(), executor=chosen_executor("slurm", 1, None, Job())
        )


@pytest.mark.parametrize(
    ("system", "job", "worker", "member", "absent"),
    [
        ("slurm", {"memory": "none"}, "--memory-limit 0", "--ntasks=1\n#SBATCH --time", "--mem"),
        ("pbs", {"memory": "none"}, "select=1:ncpus=4\n", "select=1:ncpus=1\n", "mem="),
        ("htcondor", {"memory": "none"}, "RequestDisk", "request_disk", "equest_?[mM]emory"),
        ("slurm", {"memory_per_core": "2 GiB"}, "--mem-per-cpu=2048M", "--mem-per-cpu=2048M", "--mem="),
        ("pbs", {"memory_per_core": "2 GiB"}, "ncpus=4:mem=8192MB", "mem=2048mb", "mem=8192mb"),
        ("htcondor", {"memory_per_core": "2 GiB"}, "Memory = 8589934592", "request_memory = 2048 MB", "none"),
    ],
)
def test_memory_of_a_job_may_be_none_or_that_of_each_core(system, job, worker, member, absent):
    asked = Job(cores=4, **job)
    scripts = job_script(system, asked), array_script(system, asked, Path("store"), 3)
    for script, wanted in zip(scripts, (worker, member), strict=True):
        assert wanted in script
        assert not re.search(absent, script.replace("--memory-limit", ""))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('memory = "4"', "campaign.job.memory.*size with its unit"),
        ('memory = "plenty"', "campaign.job.memory.*size with its unit"),
        ('memory_per_core = "2 elephants"', "campaign.job.memory_per_core.*size with its unit"),
        ('memory = "4 GB"\nmemory_per_core = "2 GB"', "memory_per_core, not both"),
        ('walltime = "4 hours"', "campaign.job.walltime.*04:00:00"),
    ],
)
def test_sizes_and_times_of_jobs_are_checked_where_they_are_read(line, message):
    with pytest.raises(InputError, match=message):
        make_run_file(RUN_FILE.replace("[output]", f"[campaign.job]\n{line}\n[output]"))


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_batch_system_that_refuses_the_job_ends_the_run_in_a_sentence(
    commands, tmp_path, system, monkeypatch
):
    monkeypatch.setattr(executors_dask, "ASK_S", 0.1)
    (commands / "refuses").touch()
    store = planned(tmp_path / "store")
    with dask.config.set({f"jobqueue.{system}.interface": "lo"}), pytest.raises(CampaignError) as error:
        carry_out(store, solve=ExponentialDecay(), executor=chosen_executor(system, 2, None, TWO_CORES))
    said = (
        f"refused the jobs: {SUBMIT[system]}: error: invalid account or partition specified. Finished chunks"
    )
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("system", SYSTEMS)
def test_jobs_that_all_end_before_the_work_end_the_run_in_a_sentence(commands, tmp_path, system, monkeypatch):
    monkeypatch.setattr(executors_dask, "ASK_S", 0.5)
    store = planned(tmp_path / "store")
    job = TWO_CORES.model_copy(update={"prologue": ("exit 0",)})  # as at the walltime, and before any work
    with dask.config.set({f"jobqueue.{system}.interface": "lo"}), pytest.raises(CampaignError) as error:
        carry_out(store, solve=ExponentialDecay(), executor=chosen_executor(system, 2, None, job))
    assert "have ended, at their walltime (02:00:00) or by what their output says. Finished" in str(
        error.value
    )
