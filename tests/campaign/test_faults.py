"""Faults, injected by the operating system: each is named, nothing is lost, and no bit of the answer changes."""

import errno
import fcntl
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr
from fault_injection import (
    MANY_CHUNKS,
    N_CHUNKS,
    as_nobody,
    in_child,
    message_of,
    on_a_full_disk,
    planned,
    running,
    solve_all,
)
from stand_in import RUN_FILE, ExponentialDecay, make_run_file

import qtraj.campaign.store
from qtraj.campaign.results import merge, open_results
from qtraj.campaign.run import carry_out
from qtraj.campaign.store import (
    DamagedChunkWarning,
    NoFileLocksWarning,
    Store,
    StoreInUseError,
    is_held,
    locked,
    status,
)
from qtraj.errors import FileFormatError, InputError
from qtraj.hydro import load_shipped, write_netcdf
from qtraj.io.results import read_dataset


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A store that was finished without any trouble."""
    folder = tmp_path_factory.mktemp("whole")
    planned(folder)
    solve_all(folder)
    return folder


@pytest.fixture
def finished(whole, tmp_path):
    return Store(Path(shutil.copytree(whole, tmp_path / "copy")))


def numbers(folder) -> xr.Dataset:
    return open_results(folder).load().drop_attrs()


def wait_for(condition, seconds=30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.01)


@pytest.mark.parametrize("times", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_a_main_process_killed_many_times_loses_nothing_and_changes_no_bit(whole, tmp_path, times):
    store, moments = planned(tmp_path), random.Random(6)
    in_child(os.getpid)  # the server that children are forked from is up
    with running(tmp_path, seconds=0.3) as process:
        started = time.monotonic()
        wait_for(lambda: any(store.files()))
        first_chunk = time.monotonic() - started  # on this machine, with its load
    before, kills = 1, 1
    while kills < times:
        with running(tmp_path, seconds=0.3) as process:
            process.join(moments.uniform(0.0, 1.2 * first_chunk))  # reading, solving or writing
            kills += process.is_alive()
        there = sorted(store.files())
        assert len(there) >= before
        before = len(there)
        if before == N_CHUNKS:  # too early: some disappear, which is one more fault
            for path in there[::2]:
                path.unlink()
            before = N_CHUNKS // 2
    carry_out(store, solve=ExponentialDecay())
    assert len(list(store.files())) == N_CHUNKS
    xr.testing.assert_identical(numbers(tmp_path), numbers(whole))


def test_two_runs_on_one_store_are_refused_with_the_name_of_the_first_and_a_dead_one_is_no_obstacle(tmp_path):
    store = planned(tmp_path)
    with running(tmp_path, seconds=0.3) as process:
        wait_for(lambda: any(store.files()))
        with pytest.raises(StoreInUseError, match=rf"in-process.*process {process.pid} on"):
            carry_out(store, solve=ExponentialDecay())
        seen = status(tmp_path)
        assert f"process {process.pid}" in str(seen)
        assert seen.rate > 0
        assert "left" in str(seen)
    assert not is_held(store.lock_path)  # kill -9 above
    assert "resume" in str(status(tmp_path))
    carry_out(store, solve=ExponentialDecay())
    assert status(tmp_path).complete


def test_a_run_on_another_machine_is_believed_as_long_as_it_shows_signs_of_life(tmp_path):
    path = tmp_path / "lock"
    with locked(path, "a campaign"):
        pass
    path.write_text(path.read_text().replace('"what": ""', '"what": "a campaign"'))
    stranger = path.read_text().replace(f'"host": "{os.uname().nodename}"', '"host": "elsewhere"')
    path.write_text(stranger)
    assert is_held(path)
    with pytest.raises(StoreInUseError, match="elsewhere"), locked(path, "mine"):
        pass
    path.write_text(stranger)
    os.utime(path, (time.time() - 100, time.time() - 100))
    assert not is_held(path)
    with locked(path, "mine"):
        assert is_held(path)


def test_without_the_heart_beat_a_lock_that_stays_on_its_machine_would_let_two_runs_in(tmp_path, monkeypatch):
    """Lustre mounted with localflock, NFS with local_lock: flock succeeds on two machines at once."""
    path = tmp_path / "lock"
    monkeypatch.setattr("fcntl.flock", lambda handle, operation: None)
    with locked(path, "the first"):
        monkeypatch.setattr("socket.gethostname", lambda: "another-node")
        assert is_held(path)  # `qtraj campaign status` from there
        with pytest.raises(StoreInUseError, match="the first"), locked(path, "the second"):
            pass
        monkeypatch.setattr("qtraj.campaign.store.DEAD_AFTER_S", -1.0)  # flock alone
        assert not is_held(path)
        with locked(path, "the second"):
            pass


def test_members_of_an_array_job_share_the_store_and_keep_a_run_out(whole, tmp_path):
    store = planned(tmp_path)
    for index in (2, 0):
        carry_out(store, solve=ExponentialDecay(), member=(index, 3))
    assert len(list(store.files())) == 2 * N_CHUNKS // 3
    with locked(store.lock_path, "member 1 of 3", shared=True):
        with pytest.raises(StoreInUseError, match="member 1 of 3"):
            carry_out(store, solve=ExponentialDecay())
        carry_out(store, solve=ExponentialDecay(), member=(1, 3))
        with (
            locked(store.folder / "lock-1-of-3", "member 1 of 3"),
            pytest.raises(StoreInUseError, match="member 1 of 3"),
        ):
            carry_out(store, solve=ExponentialDecay(), member=(1, 3))
    xr.testing.assert_identical(numbers(tmp_path), numbers(whole))


def test_a_full_disk_is_named_and_the_run_goes_on_when_there_is_space(tmp_path):
    first, there, second, at_last = in_child(on_a_full_disk, tmp_path)
    assert first.startswith("FileFormatError")
    assert "cannot be written" in first
    assert "free space" in first
    assert 0 <= there < N_CHUNKS
    assert (second, at_last) == ("", N_CHUNKS)


def test_a_folder_that_cannot_be_written_is_named_before_anything_is_solved():
    # outside tmp_path, which other users cannot enter
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o555)
        message = in_child(as_nobody, folder)
        folder.chmod(0o755)
        assert message.startswith("FileFormatError")
        assert f"{folder}: cannot be written (Permission denied)" in message
        assert not any(folder.iterdir())
        assert message_of(folder, RUN_FILE) == ""


def chunk_files(store):
    return sorted(store.files())


def test_damage_anywhere_in_a_chunk_is_found_or_harmless(finished, whole):
    """Flip bytes all over a file: either the numbers are read unchanged, or the file is refused by name."""
    path = chunk_files(finished)[7]
    healthy, key = path.read_bytes(), path.stem
    expected = finished.read(key)
    found = 0
    for position in np.linspace(0, len(healthy) - 1, 60).astype(int):
        damaged = bytearray(healthy)
        damaged[position] ^= 0xFF
        path.write_bytes(damaged)
        try:
            xr.testing.assert_identical(finished.read(key), expected)
        except FileFormatError as error:
            found += path.name in str(error)
    assert found > 10  # the rest is padding and room for more attributes


def test_a_damaged_chunk_a_truncated_one_and_one_of_another_configuration_are_named_and_solved_again(
    finished, whole
):
    files = chunk_files(finished)
    files[3].write_bytes(files[3].read_bytes()[:-100])
    files[5].write_bytes(b"")
    files[9].write_bytes(files[10].read_bytes())
    solver = ExponentialDecay()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        carry_out(finished, solve=solver)
    texts = [str(w.message) for w in caught if issubclass(w.category, DamagedChunkWarning)]
    assert len(texts) == 3 == len(solver.calls)
    for i, word in ((3, "truncated"), (5, "truncated"), (9, "another configuration")):
        assert any(files[i].name in text and word in text for text in texts)
    xr.testing.assert_identical(numbers(finished.folder), numbers(whole))


def test_reading_names_a_bad_chunk(finished):
    files = chunk_files(finished)
    files[9].write_bytes(files[10].read_bytes())
    with pytest.raises(FileFormatError, match=rf"{files[9].name}.*another configuration"):
        open_results(finished.folder).load()
    files[9].unlink()
    with pytest.raises(InputError, match="1 are missing"):
        open_results(finished.folder)
    partial = open_results(finished.folder, partial=True).load()
    assert np.isnan(partial["survival"]).sum() == 8 * 6  # one chunk of 8 histories, 6 states


def test_chunks_of_another_run_file_are_told_apart(finished):
    other = planned(finished.folder, MANY_CHUNKS.replace("kappa = [1.0, 0.5]", "kappa = [1.0, 0.7]"))
    seen = status(other.folder)
    assert (seen.chunks_done, seen.foreign) == (2 * N_CHUNKS // 3, N_CHUNKS // 3)
    solver = ExponentialDecay()
    carry_out(other, solve=solver)
    assert {kappa for kappa, _ in solver.calls} == {0.7}


def test_damage_that_leaves_size_and_time_of_a_file_as_they_were_is_found(finished, whole):
    """Why there is no index of verified chunks: trusting size and time, it would pass over this one."""
    path = chunk_files(finished)[0]
    before, content = path.stat(), bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    solver = ExponentialDecay()
    with pytest.warns(DamagedChunkWarning, match=path.name):
        carry_out(finished, solve=solver)
    assert len(solver.calls) == 1
    xr.testing.assert_identical(numbers(finished.folder), numbers(whole))


def test_an_index_that_an_earlier_version_wrote_is_no_obstacle(finished):
    (finished.folder / "index.jsonl").write_text("{}\nnot json\n")
    solver = ExponentialDecay()
    carry_out(finished, solve=solver)
    assert not solver.calls
    assert status(finished.folder).complete


def test_the_time_spent_is_that_of_the_chunks(finished, monkeypatch):
    times = [finished.read(key).attrs["seconds"] for key in sorted(path.stem for path in finished.files())]
    assert status(finished.folder).seconds == pytest.approx(sum(times))
    monkeypatch.setattr("qtraj.campaign.store.TIMED_CHUNKS", 6)
    seen = status(finished.folder)
    assert seen.seconds == pytest.approx(sum(times[:6]) / 6 * N_CHUNKS)
    assert "spent    about" in str(seen)


def test_a_damaged_plan_and_a_folder_without_one_are_named(tmp_path, finished):
    with pytest.raises(InputError, match="--store"):
        status(tmp_path / "nothing")
    text = finished.plan_path.read_text()
    for damaged in (text[: len(text) // 2], "{}"):
        finished.plan_path.write_text(damaged)
        with pytest.raises(FileFormatError, match=r"plan\.json.*plans anew"):
            status(finished.folder)
    # of another version: read with a warning (test_code_changes), not gone on with
    finished.plan_path.write_text(text.replace('"qtraj": "', '"qtraj": "0.0.'))
    with pytest.raises(FileFormatError, match=r"plan\.json.*plans anew"):
        finished.load_plan()
    planned(finished.folder)
    assert status(finished.folder).complete


def test_a_fluid_that_changes_after_the_plan_is_named(tmp_path):
    write_netcdf(load_shipped(9.2), tmp_path / "fluid.nc")
    entry = f'[[medium.files]]\npath = "{tmp_path}/fluid.nc"\nb_fm = 9.2\n'
    text = RUN_FILE.replace("b_fm = [9.2, 2.3]", 'hydro = "files"') + entry
    store = planned(tmp_path / "store", text)
    write_netcdf(load_shipped(2.3), tmp_path / "fluid.nc")
    message = in_child(complaint, store.folder)  # in a process that has not read the fluid yet
    assert "fluid.nc: has changed since the plan was made" in message
    make_run_file(text)
    planned(store.folder, text)
    carry_out(store, solve=ExponentialDecay())
    assert status(store.folder).complete


def complaint(folder) -> str:
    try:
        solve_all(folder)
    except FileFormatError as error:
        return str(error)
    return ""


def test_leftovers_of_the_dead_are_swept_but_not_files_in_the_making(finished):
    old, new = (finished.chunk_folder / f".{name}-12345678.nc" for name in ("old", "new"))
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 7200, time.time() - 7200))
    carry_out(finished, solve=ExponentialDecay())
    assert (old.exists(), new.exists()) == (False, True)
    assert len(list(finished.files())) == N_CHUNKS


@pytest.fixture(params=[errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def without_locks(request, monkeypatch):
    """A file system whose flock answers as Lustre without ``flock``, old NFS and FUSE do."""

    def flock(file, operation):
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr(fcntl, "flock", flock)
    return request.param


def test_without_file_locks_the_heart_beat_keeps_others_out(without_locks, tmp_path):
    lock = tmp_path / "lock"

    def held() -> None:
        with locked(lock, "a run"):
            assert is_held(lock)
            with pytest.raises(StoreInUseError, match="in use by a run"), locked(lock, "another"):
                pass

    with pytest.warns(NoFileLocksWarning, match="no file locks"):
        held()
    assert not is_held(lock)
    # one that was killed on this machine keeps nobody out, one that lives elsewhere does
    words = [sys.executable, "-c", "import os; print(os.getpid())"]
    gone = int(subprocess.run(words, capture_output=True, check=True).stdout)
    who = {"what": "a run", "host": socket.gethostname(), "pid": gone, "started": 0.0, "shared": False}
    lock.write_text(json.dumps(who))
    with locked(lock, "the next"):  # no second warning
        pass
    lock.write_text(json.dumps({**who, "host": "elsewhere"}))
    with pytest.raises(StoreInUseError, match="elsewhere"), locked(lock, "the next"):
        pass


def test_members_of_an_array_share_a_store_without_file_locks(without_locks, tmp_path, monkeypatch):
    with pytest.warns(NoFileLocksWarning):
        store = planned(tmp_path, RUN_FILE)
    with locked(store.lock_path, "member 0 of 2", shared=True):
        carry_out(store, solve=ExponentialDecay(), member=(1, 2))
    monkeypatch.setattr(qtraj.campaign.store, "DEAD_AFTER_S", 0.0)  # a minute later
    carry_out(store, solve=ExponentialDecay())
    assert status(tmp_path).complete


def test_files_are_read_and_written_whatever_locks_hdf5_could_have(finished, tmp_path):
    """HDF5 would refuse a file that somebody has locked, as it does where flock fails."""
    chunk = next(iter(finished.files()))
    with chunk.open() as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(OSError, match="lock"):
            h5py.File(chunk, "r", locking=True)
        read_dataset(chunk)
        merge(finished.folder, tmp_path / "merged.nc")


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_a_campaign_on_a_file_system_without_locks_ends_with_one_warning(tmp_path):
    """The system call itself fails, for Python and for HDF5."""
    (tmp_path / "flock.c").write_text(
        "#include <errno.h>\nint flock(int file, int operation) { errno = ENOLCK; return -1; }\n"
    )
    subprocess.run(["cc", "-shared", "-fPIC", "-o", "flock.so", "flock.c"], cwd=tmp_path, check=True)
    script = (
        "from fault_injection import *; from pathlib import Path; from qtraj.campaign.results import merge\n"
        "planned(Path('store'), RUN_FILE); solve_all(Path('store')); merge('store', 'merged.nc')"
    )
    environment = {
        **os.environ,
        "LD_PRELOAD": str(tmp_path / "flock.so"),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("NoFileLocksWarning") == 1
    assert (tmp_path / "merged.nc").exists()
