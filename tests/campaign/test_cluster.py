"""Dask executors: any number of workers gives the same bits, and whatever dies, nothing is lost."""

import os
import random
import signal
import sys
import time
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import dask
import numpy as np
import pytest
import xarray as xr
from dask_processes import Cluster
from fault_injection import MANY_CHUNKS, N_CHUNKS, PROCESSES, SlowDecay, in_child, planned
from stand_in import RUN_FILE, ExponentialDecay, make_run_file

from qtraj.campaign.executors import chosen_executor, share
from qtraj.campaign.executors.batch import array_script, job_script
from qtraj.campaign.executors.dask import (
    CampaignError,
    DaskExecutor,
    NoInterrupt,
    OwnDevice,
    existing,
    local,
    shared_compilation,
    visible_devices,
)
from qtraj.campaign.progress import Reporter
from qtraj.campaign.results import open_results
from qtraj.campaign.run import carry_out, run
from qtraj.errors import InputError
from qtraj.io.config import load_run_file
from qtraj.io.config_campaign import Job

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The numbers of a campaign in this process."""
    store = planned(tmp_path_factory.mktemp("whole"))
    carry_out(store, solve=ExponentialDecay())
    return numbers(store)


@pytest.fixture(autouse=True, scope="module")
def workers_start_at_once():
    """Workers are forked from a server that has imported everything, the stand-in included."""
    in_child(os.getpid)
    with dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"}):
        yield


def numbers(store) -> xr.Dataset:
    return open_results(store.folder).load().drop_attrs()


class Killer(Reporter):
    """Kills one of the workers after some chunks, with SIGKILL."""

    def __init__(self, after: set[int]) -> None:
        self.after, self.finished, self.killed, self.client = after, 0, 0, None

    @contextmanager
    def connect(self):
        with local(2) as client:
            self.client = client
            yield client

    def finish(self, chunk, histories):
        self.finished += 1
        if self.finished in self.after:
            pids = list(self.client.run(os.getpid, on_error="ignore").values())
            with suppress(ProcessLookupError):
                os.kill(next(pid for pid in pids if isinstance(pid, int)), signal.SIGKILL)
                self.killed += 1


@pytest.mark.slow  # five processes of workers
def test_two_workers_of_which_three_are_killed_give_the_bits_of_this_process(whole, tmp_path):
    store, killer = planned(tmp_path), Killer({2, 5, 12})
    carry_out(
        store, solve=SlowDecay(seconds=0.1), report=killer, executor=DaskExecutor("test", killer.connect)
    )
    assert (killer.killed, killer.finished) == (3, N_CHUNKS)  # each chunk was reported once
    assert len(list(store.files())) == N_CHUNKS
    xr.testing.assert_identical(numbers(store), whole)


@pytest.fixture
def cluster(tmp_path_factory):
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    yield cluster
    cluster.stop()


class KillsScheduler(Reporter):
    """Kills the scheduler after some chunks, and then does something for a while."""

    def __init__(self, cluster: Cluster, after: int, seconds: float) -> None:
        self.cluster, self.after, self.seconds, self.finished = cluster, after, seconds, 0

    def finish(self, chunk, histories):
        self.finished += 1
        if self.finished == self.after:
            self.cluster.kill("scheduler")
            time.sleep(self.seconds)


def on(cluster: Cluster) -> DaskExecutor:
    return DaskExecutor(f"Dask scheduler {cluster.address}", partial(existing, cluster.address))


# Dask has noticed and looks for it; Dask does not know it yet
@pytest.mark.slow  # the client of a dead scheduler takes its time
@pytest.mark.parametrize("seconds", [0.3, 0.0])
def test_a_scheduler_that_is_killed_is_named_and_the_next_one_goes_on(
    whole, tmp_path, cluster, monkeypatch, seconds
):
    store, killer = planned(tmp_path), KillsScheduler(cluster, 4, seconds)
    executor = on(cluster)
    monkeypatch.setattr("qtraj.campaign.executors.dask.CONNECT_S", 5)  # how long it may take to notice
    with pytest.raises(CampaignError, match=r"scheduler was lost.*resume"):
        carry_out(store, solve=SlowDecay(seconds=0.2), report=killer, executor=executor)
    assert 4 <= len(list(store.files())) < N_CHUNKS
    cluster.start("scheduler")
    carry_out(store, solve=SlowDecay(seconds=0.0), executor=on(cluster))
    xr.testing.assert_identical(numbers(store), whole)


def run_on(folder: Path, address: str) -> None:
    """The main process of the next test."""
    from qtraj.campaign.store import Store

    executor = DaskExecutor("test", partial(existing, address))
    with suppress(CampaignError, InputError):  # the scheduler may be the one that was killed
        carry_out(Store(folder), solve=SlowDecay(seconds=0.3), executor=executor)


@pytest.mark.slow
def test_twenty_kills_of_worker_scheduler_or_main_process_lose_nothing_and_change_no_bit(
    whole, tmp_path, cluster
):
    store, dice = planned(tmp_path), random.Random(20)
    victims = [*["main"] * 7, *["scheduler"] * 6, *["worker-0"] * 4, *["worker-1"] * 3]
    dice.shuffle(victims)
    before = 0
    for victim in victims:
        main = PROCESSES.Process(target=run_on, args=(tmp_path, cluster.address))
        main.start()
        main.join(dice.uniform(0.5, 4.0))
        if victim == "main":
            main.kill()
        else:
            cluster.kill(victim)
            main.join(dice.uniform(0.5, 2.0))  # it notices, or goes on with the other worker
            main.kill()
            cluster.start(victim)
        main.join()
        there = sorted(store.files())
        assert len(there) >= before
        for path in there[: max(len(there) - N_CHUNKS // 2, 0)]:  # there is always something left to do
            path.unlink()
        before = min(len(there), N_CHUNKS // 2)
    carry_out(store, solve=SlowDecay(seconds=0.0), executor=on(cluster))
    assert len(list(store.files())) == N_CHUNKS
    xr.testing.assert_identical(numbers(store), whole)


def test_no_scheduler_at_an_address_is_one_clear_message(tmp_path, monkeypatch):
    monkeypatch.setattr("qtraj.campaign.executors.dask.CONNECT_S", 0.2)
    store = planned(tmp_path)
    for address in ("tcp://127.0.0.1:9", "nonsense"):
        with pytest.raises(InputError, match=f"scheduler.*{address}|{address}.*scheduler|Dask scheduler"):
            carry_out(store, solve=ExponentialDecay(), executor=DaskExecutor("x", partial(existing, address)))


def test_each_worker_of_a_machine_gets_a_gpu_of_its_own(monkeypatch):
    seen = []
    for name in (0, 1, "SLURMCluster-4-1", "SLURMCluster-4-2"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,7")
        OwnDevice({}).setup(SimpleNamespace(name=name, address="tcp://10.0.0.1:4000"))
        seen.append(os.environ["CUDA_VISIBLE_DEVICES"])
    assert seen == ["5", "7", "7", "5"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert visible_devices() == []


@pytest.mark.parametrize(
    ("devices", "processes", "own", "share"),
    [
        ("0", 1, {}, None),
        ("0", 2, {}, "0.3750"),
        ("0,1", 2, {}, None),
        ("0,1", 3, {}, "0.3750"),
        ("", 2, {}, None),
        ("0", 2, {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}, None),
    ],
)
def test_workers_that_share_a_gpu_divide_its_memory(monkeypatch, devices, processes, own, share):
    for name in (
        "XLA_CLIENT_MEM_FRACTION",
        "XLA_PYTHON_CLIENT_MEM_FRACTION",
        "XLA_PYTHON_CLIENT_PREALLOCATE",
    ):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)  # restored to what it was
    for name, value in {"CUDA_VISIBLE_DEVICES": devices, **own}.items():
        monkeypatch.setenv(name, value)
    plugin = OwnDevice({"10.0.0.1": processes, "10.0.0.2": 16})
    plugin.setup(SimpleNamespace(name="1", address="tcp://10.0.0.1:4000"))
    assert os.environ.get("XLA_CLIENT_MEM_FRACTION") == share


def test_workers_of_one_job_divide_the_memory_of_its_gpu():
    assert "export XLA_CLIENT_MEM_FRACTION=0.1875" in job_script("slurm", Job(cores=4))
    assert "XLA_" not in job_script("slurm", Job(cores=1))
    own = Job(cores=4, prologue=("export XLA_PYTHON_CLIENT_PREALLOCATE=false",))
    assert "MEM_FRACTION" not in job_script("slurm", own)


def test_members_of_an_array_share_out_every_chunk_once():
    for of in (1, 3, 7, 40):
        shares = [share(range(24), index, of) for index in range(of)]
        assert sorted(n for part in shares for n in part) == list(range(24))
        assert max(map(len, shares)) - min(map(len, shares)) <= 1


@pytest.mark.parametrize(
    ("system", "fragments"),
    [
        (
            "slurm",
            ["#SBATCH -p batch", "#SBATCH -A heavy-ions", "--cpus-per-task=16", "-t 04:00:00", "avx512"],
        ),
        ("pbs", ["#PBS -q workq", "#PBS -A heavy-ions", "ncpus=16", "walltime=04:00:00", "#PBS -m n"]),
        ("htcondor", ["MY.DaskWorkerCores = 8", "getenv = True", "Queue", "condor"]),
    ],
)
def test_job_scripts_say_what_the_examples_ask_for(system, fragments):
    campaign = load_run_file(EXAMPLES / f"campaign_{system}.toml").config.campaign
    assert campaign.executor == system
    script = job_script(system, campaign.job)
    for fragment in [
        *fragments,
        "activate",
        "dask_worker",
        f"--nworkers {campaign.job.cores}",
        "--nthreads 1",
    ]:
        assert fragment in script
    chosen_executor(system, 4, None, campaign.job)  # the packages are there, and nothing is submitted


@pytest.mark.parametrize(
    ("system", "fragments"),
    [
        ("slurm", ["#SBATCH --array=0-9", "#SBATCH --mem=500M", "--index $SLURM_ARRAY_TASK_ID --of 10"]),
        ("pbs", ["#PBS -J 0-9", "ncpus=1:mem=500mb", "--index $PBS_ARRAY_INDEX --of 10"]),
        ("htcondor", ["request_memory = 500 MB", "--index $(Process) --of 10", "queue 10"]),
    ],
)
def test_array_scripts_run_one_member_each_on_its_part_of_the_job(system, fragments):
    script = array_script(system, Job(cores=8, memory="4000 MiB"), Path("a store"), 10)
    for fragment in [*fragments, "qtraj campaign resume --store", "a store", "OMP_NUM_THREADS=1"]:
        assert fragment in script


def test_what_a_batch_system_does_not_know_is_refused():
    with pytest.raises(InputError, match=r"campaign\.job\.queue.*HTCondor"):
        job_script("htcondor", Job(queue="main"))
    with pytest.raises(InputError, match="name = value"):
        job_script("htcondor", Job(directives=("getenv",)))
    with pytest.raises(InputError, match=r"executor.*slurm"):
        chosen_executor("slrum", 1, None, Job())
    with pytest.raises(InputError, match="--scheduler"):
        chosen_executor("scheduler", 1, None, Job())


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "qtraj.campaign.executors.dask", None)
    with pytest.raises(InputError, match=r"qtraj\[campaign\]"):
        chosen_executor("local", 2, None, Job())


def test_the_plan_has_as_many_chunks_as_these_tests_count_on():
    assert MANY_CHUNKS.count("chunk = 8") == 1


def test_workers_leave_ctrl_c_to_the_main_process():
    before = signal.getsignal(signal.SIGINT)
    try:
        NoInterrupt().setup(None)
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_one_cluster_serves_solved_and_emulated_paths(tmp_path):
    """Workers that were started once solve, then emulate; the numbers are those of this process."""
    text = RUN_FILE.replace("n = 4\nreplicates = 2", "n = 16\nreplicates = 4\ncheap = 512")
    run_file = make_run_file(text.replace("gamma = [-1.75, 0.0]", "gamma = [-1.75]"))
    started = []

    @contextmanager
    def connect():
        started.append(1)
        with local(1) as client:
            yield client

    solve = ExponentialDecay()
    prediction = run(run_file, tmp_path / "workers", solve=solve, executor=DaskExecutor("test", connect))
    assert started == [1]
    here = run(run_file, tmp_path / "here", solve=solve)
    assert here.attrs["emulated_paths"] == prediction.attrs["emulated_paths"] == 2 * 512
    for name in ("raa", "raa_error_paths", "raa_error_correction"):
        np.testing.assert_allclose(prediction[name], here[name], rtol=1e-9, atol=1e-12)
    # nothing is missing, so nobody is started
    run(run_file, tmp_path / "here", solve=solve, executor=DaskExecutor("test", connect))
    assert started == [1]


def test_workers_share_what_jax_compiles_where_the_user_says_or_for_this_cluster(monkeypatch):
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    assert shared_compilation("here")["JAX_COMPILATION_CACHE_DIR"] == "here"
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "mine")
    assert shared_compilation("here")["JAX_COMPILATION_CACHE_DIR"] == "mine"


@pytest.mark.slow  # two processes that import JAX and compile
def test_what_one_worker_compiles_the_next_one_reads(monkeypatch):
    """As many files as compiled functions; the second worker compiles none, and computes the same bits."""
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    # what compiles too fast is not kept, and how fast depends on what else the machine does
    monkeypatch.setenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")

    def compute() -> tuple[int, str, bytes]:
        # jax is imported in the worker, under the environment that it was given
        import jax
        import jax.numpy as jnp

        hits = []
        jax.monitoring.register_event_listener(
            lambda event, **kwargs: hits.append(event) if event.endswith("cache_hits") else None
        )
        step = jax.jit(
            lambda x: jax.lax.fori_loop(0, 9, lambda i, y: jnp.sin(y @ y.T) @ jnp.linalg.inv(y), x)
        )
        answer = step(jnp.eye(7) + 0.1).tobytes()
        return len(hits), os.environ["JAX_COMPILATION_CACHE_DIR"], answer

    with local(2) as client:
        workers = sorted(client.scheduler_info()["workers"])
        answers = [client.submit(compute, workers=[each], pure=False).result() for each in workers]
        folder = Path(answers[0][1])
        assert any(folder.iterdir())
    assert [hits > 0 for hits, *_ in answers] == [False, True]
    assert answers[0][1:] == answers[1][1:]
    assert not folder.exists()
