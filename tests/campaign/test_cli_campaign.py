"""`qtraj campaign` on the command line: plan, run, status, resume, merge, and shares of an array job."""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
import xarray as xr
from stand_in import RUN_FILE, ExponentialDecay
from typer.testing import CliRunner

from qtraj.campaign.results import open_results
from qtraj.campaign.run import carry_out
from qtraj.campaign.store import Store, status
from qtraj.campaign.work import Worker
from qtraj.cli import app
from qtraj.io.results import read_dataset

TEXT = RUN_FILE.replace("[output]", "[campaign]\nchunk = 4\n[output]")  # 24 chunks, 96 solves


@pytest.fixture
def campaign(monkeypatch, tmp_path):
    """Call `qtraj campaign` with the stand-in for the solver."""
    solver, runner = ExponentialDecay(), CliRunner()
    call = Worker.__call__
    monkeypatch.setattr(
        Worker, "__call__", lambda self, *arguments: call(Worker(self.folder, solver), *arguments)
    )
    file = tmp_path / "run.toml"
    file.write_text(TEXT)

    def invoke(*words: object):
        return runner.invoke(app, ["campaign", *map(str, words)])

    invoke.file, invoke.store, invoke.solver = file, tmp_path / "store", solver
    return invoke


def test_plan_run_interrupted_status_resume_merge(campaign, tmp_path):
    where = ("--store", campaign.store)
    planned = campaign("plan", campaign.file, *where)
    assert planned.exit_code == 0, planned.output
    assert "96 solves in 24 chunks" in planned.stdout
    campaign.solver.interrupt_at = 10
    stopped = campaign("run", campaign.file, *where)
    assert stopped.exit_code == 130
    assert f"resume --store {campaign.store}" in stopped.stderr
    seen = campaign("status", *where)
    assert "chunks   10 of 24" in seen.stdout
    assert "stopped" in seen.stdout
    assert campaign("merge", *where).exit_code == 2
    campaign.solver.interrupt_at = None
    campaign.file.unlink()  # resume and merge need the store only
    resumed = campaign("resume", *where)
    assert resumed.exit_code == 0, resumed.output
    assert "96 histories to solve, 40 of them finished before" in resumed.stderr
    assert "96/96 histories" in resumed.stderr
    assert "finished" in campaign("status", *where).stdout
    merged = campaign("merge", *where, "--out", tmp_path / "all.nc")
    assert merged.exit_code == 0, merged.output
    survivals = read_dataset(tmp_path / "all.nc")
    assert dict(survivals.sizes) == {"setting": 3, "l": 2, "history": 16, "state": 6}
    assert "raa" in read_dataset(campaign.store / "result.nc")


def test_members_of_an_array_job_do_the_work_of_one(campaign, tmp_path):
    where = ("--store", campaign.store)
    early = campaign("run", campaign.file, *where, "--index", 0, "--of", 5)
    assert early.exit_code == 2
    assert "--store" in early.stderr
    campaign("plan", campaign.file, *where)
    for index in range(5):
        command = ("run", campaign.file) if index % 2 else ("resume",)
        done = campaign(*command, *where, "--index", index, "--of", 5)
        assert done.exit_code == 0, done.output
    assert len(campaign.solver.calls) == 24
    assert campaign("run", campaign.file, "--store", tmp_path / "whole").exit_code == 0
    members, whole = (open_results(folder).load() for folder in (campaign.store, tmp_path / "whole"))
    xr.testing.assert_identical(members, whole)
    campaign.file.write_text(TEXT.replace("0.5", "0.7"))
    other = campaign("run", campaign.file, *where, "--index", 0, "--of", 5)
    assert other.exit_code == 2
    assert "campaign plan" in other.stderr


def test_members_of_an_array_job_submit_no_jobs(campaign, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))  # no sbatch: submitting would be refused
    campaign.file.write_text(TEXT.replace("chunk = 4", 'chunk = 4\nexecutor = "slurm"'))
    where = ("--store", campaign.store)
    assert campaign("plan", campaign.file, *where).exit_code == 0
    done = campaign("resume", *where, "--index", 0, "--of", 24)
    assert done.exit_code == 0, done.output
    assert len(campaign.solver.calls) == 1
    assert "sbatch" in campaign("resume", *where).stderr


@pytest.mark.parametrize(
    ("words", "fragments"),
    [
        (["status"], ["--store"]),
        (["status", "--store", "nowhere"], ["nowhere", "be the store of a campaign"]),
        (["run", "FILE", "--executor", "lokal"], ["executor", "lokal"]),
        (["run", "FILE", "--index", "3"], ["--index, --of"]),
        (["run", "FILE", "--index", "3", "--of", "3"], ["--index, --of"]),
        (["plan", "FILE", "--script"], ["in-process", "slurm"]),
        (["plan", "FILE", "--array", "3"], ["--array", "--script"]),
        (["run", "FILE", "--store", "FILE"], ["cannot be written"]),
        (["plan", "FILE", "--executor", "local"], ["--executor", "--script"]),
        (
            ["plan", "FILE", "--script", "--executor", "pbs", "--store", "store"],
            ["--store", "names no store"],
        ),
        (["run", "FILE", "--workers", "3"], ["--workers", "in-process", "'local'"]),
        (["run", "FILE", "--scheduler", "tcp://a:1", "--workers", "3"], ["--workers", "scheduler"]),
        (
            ["run", "FILE", "--scheduler", "tcp://a:1", "--executor", "local"],
            ["--scheduler", "--executor local"],
        ),
        (["run", "FILE", "--fresh", "--index", "0", "--of", "3"], ["--fresh", "array job"]),
        (["resume", "FILE", "--store", "store"], ["FILE", "--store"]),
        (["status", "FILE", "--store", "store"], ["FILE", "--store"]),
        (["merge", "FILE", "--store", "store"], ["FILE", "--store"]),
    ],
)
def test_mistakes_are_one_line(campaign, tmp_path, monkeypatch, words, fragments):
    monkeypatch.chdir(tmp_path)
    result = campaign(*[campaign.file if word == "FILE" else word for word in words])
    assert result.exit_code == 2
    assert len(result.stderr.strip().splitlines()) == 1
    for fragment in fragments:
        assert fragment in result.stderr


def test_a_script_is_printed_and_nothing_else_happens(campaign):
    printed = campaign(
        "plan", campaign.file, "--script", "--executor", "slurm", "--array", 9, "--store", campaign.store
    )
    assert printed.exit_code == 0, printed.output
    assert "--array=0-8" in printed.stdout
    assert "--of 9" in printed.stdout
    assert "dask_worker" in campaign("plan", campaign.file, "--script", "--executor", "pbs").stdout
    assert not campaign.store.exists()


def test_workers_of_the_run_file_are_those_of_its_executor_or_of_the_one_on_the_command_line(campaign):
    campaign.file.write_text(TEXT.replace("chunk = 4", "chunk = 4\nworkers = 3"))
    alone = campaign("run", campaign.file, "--store", campaign.store)
    assert alone.exit_code == 2
    assert "`campaign.workers` must be left out with executor 'in-process'" in alone.stderr
    told = campaign("run", campaign.file, "--store", campaign.store, "--executor", "in-process")
    assert told.exit_code == 0, told.output


@pytest.mark.parametrize(
    ("system", "key"),
    [
        ("slurm", 'disk = "1 GB"'),
        ("pbs", 'disk = "1 GB"'),
        ("htcondor", 'walltime = "01:00:00"'),
        ("htcondor", 'queue = "q"'),
    ],
)
@pytest.mark.parametrize("array", [(), ("--array", "4")])
def test_keys_of_a_job_that_its_batch_system_has_no_word_for_are_named(campaign, system, key, array):
    campaign.file.write_text(TEXT + f"[campaign.job]\n{key}\n")
    result = campaign("plan", campaign.file, "--script", "--executor", system, *array)
    assert result.exit_code == 2
    assert f"`campaign.job.{key.partition(' ')[0]}` must be left out for" in result.stderr


def test_the_command_run_has_the_executor_of_its_run_file(campaign, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))  # no sbatch
    campaign.file.write_text(TEXT.replace("chunk = 4", 'chunk = 4\nexecutor = "slurm"'))
    result = CliRunner().invoke(app, ["run", str(campaign.file), "--output", str(tmp_path / "out")])
    assert result.exit_code == 2
    assert "sbatch" in result.stderr


SLOW_COMMAND = """
import sys, time
from fault_injection import SlowDecay
import qtraj.campaign.run as campaign
from qtraj.cli import app

class SlowToEnd(SlowDecay):
    def __call__(self, *arguments, **options):
        try:
            return super().__call__(*arguments, **options)
        except KeyboardInterrupt:
            time.sleep(float(sys.argv[1]))  # as a cluster takes to close
            raise

for function in (campaign.prepare, campaign.carry_out, campaign.run):
    function.__kwdefaults__["solve"] = SlowToEnd(seconds=0.5)
app(sys.argv[2:])
"""


@pytest.mark.parametrize("signals", [[signal.SIGINT], [signal.SIGTERM], [signal.SIGINT, signal.SIGINT]])
@pytest.mark.parametrize("command", [["campaign", "run", "run.toml"], ["run", "run.toml"]])
def test_ctrl_c_once_or_twice_is_one_line_and_the_store_goes_on(tmp_path, signals, command):
    text = RUN_FILE.replace('"unused"', '"out"').replace("[output]", "[campaign]\nchunk = 4\n[output]")
    (tmp_path / "run.toml").write_text(text)
    patience = "0" if len(signals) == 1 else "30"  # only the second one ends it in time
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW_COMMAND, patience, *command],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert "to solve" in process.stderr.readline()
    assert "4/" in process.stderr.readline()  # a chunk is finished
    for number in signals:
        time.sleep(0.1)
        process.send_signal(number)
    _, after = process.communicate(timeout=20)
    assert process.returncode == 130
    said = [line for line in after.splitlines() if " histories, " not in line]
    assert len(said) == 1, after
    assert said[0].startswith("Interrupted. ")
    before = status(tmp_path / "out" / "store")
    assert 0 < before.chunks_done < before.chunks
    carry_out(Store(tmp_path / "out" / "store"), solve=ExponentialDecay())
    assert status(tmp_path / "out" / "store").complete


def test_run_files_with_one_executor_share_its_workers(monkeypatch, tmp_path):
    """Two run files start the workers once; one that names other workers has its own."""
    begun, ended, used = [], [], []

    class Workers:
        def __init__(self, name):
            self.name = name

        @contextmanager
        def opened(self):
            begun.append(self.name)
            yield self
            ended.append(self.name)

    def solve_and_show(run_file, directory, executor, *, fresh):
        assert not ended
        used.append(executor)
        return [], []

    monkeypatch.setattr("qtraj.cli.campaign._solve_and_show", solve_and_show)
    monkeypatch.setattr(
        "qtraj.campaign.executors.executor_of",
        lambda campaign, *options: Workers(f"{campaign.workers} workers"),
    )
    monkeypatch.setattr("qtraj.plots.raa_comparison_figure", lambda curves, data: None)
    monkeypatch.setattr("qtraj.plots.save_figure", lambda figure, path: [path])
    files = []
    for i, workers in enumerate((2, 2, 3)):
        text = TEXT.replace("[campaign]", f'[campaign]\nexecutor = "local"\nworkers = {workers}')
        files.append(tmp_path / f"{i}.toml")
        files[-1].write_text(re.sub('(directory = ").*"', rf'\g<1>out{i}"', text))
    answer = CliRunner().invoke(app, ["run", *map(str, files)])
    assert answer.exit_code == 0, answer.output
    assert begun == ["2 workers", "3 workers"]
    assert sorted(ended) == begun
    assert used[0] is used[1] is not used[2]
