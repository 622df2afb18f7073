"""Chunks: they cover a plan once, and no number depends on how it was cut."""

import gzip
import tracemalloc
from itertools import pairwise

import jax
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from stand_in import RUN_FILE, ExponentialDecay, make_run_file

import qtraj as qt
from qtraj.campaign.plan import UNIT, Plan, make_plan, plan_from_json
from qtraj.campaign.reading import load_survivals
from qtraj.campaign.results import merge, open_results
from qtraj.campaign.run import RESULT, carry_out, prepare, run
from qtraj.campaign.sources import PATH_NAMES
from qtraj.campaign.store import Store
from qtraj.campaign.work import solve_chunk
from qtraj.errors import FileFormatError, InputError
from qtraj.hydro import load_shipped, write_netcdf
from qtraj.io.config import parse_config
from qtraj.io.results import read_dataset
from qtraj.units import from_fm

SECTION = '[[medium.files]]\npath = "{}"\nb_fm = {}\n'


def with_files(*entries: str) -> str:
    return RUN_FILE.replace("b_fm = [9.2, 2.3]", 'hydro = "files"') + "".join(entries)


def trajectory_file(path, count=600, weight=1.0, last=0.2) -> str:
    """Bjorken flows of different temperatures, each on times of its own."""
    blocks = []
    for i in range(count):
        tau = np.geomspace(0.6, 8 + 0.01 * i, 20 + i % 3)
        T = np.maximum((0.3 + 0.001 * i) * np.cbrt(0.6 / tau), last)
        T[-1] = last
        meta = [2.3, 0.1 * i, -1.0, 0.0, 5.0, 0.3, 0.0, weight if i else 1.0]
        points = "\n".join(f"{t:.12g} {x:.12g}" for t, x in zip(tau, T, strict=True))
        blocks.append(
            f"{len(meta)}\n"
            + "\n".join(f"{m:g}" for m in meta)
            + f"\n{len(tau)}\n{points}\n"
            + "\n" * (i % 2)
        )
    data = "".join(blocks).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    text = with_files(SECTION.format(path, 2.3) + 'format = "qtraj_trajectories"\n')
    return text.replace("[paths]\nn = 4\nreplicates = 2\n", "")  # the paths are those of the file


@pytest.fixture(scope="module")
def plans(tmp_path_factory) -> dict[str, Plan]:
    """One plan for each kind of source."""
    folder = tmp_path_factory.mktemp("files")
    for i, b in enumerate((9.2, 6.0, 9.2)):
        write_netcdf(load_shipped(b), folder / f"event{i}.nc")
    texts = {
        "fluid": RUN_FILE.replace("n = 4", "n = 64"),
        "events": with_files(SECTION.format(folder / "event*.nc", 9.2)).replace("n = 4", "n = 32"),
        "trajectories": trajectory_file(folder / "paths.txt"),
        "gzip": trajectory_file(folder / "paths.txt.gz"),
    }
    return {name: make_plan(make_run_file(text)) for name, text in texts.items()}


KINDS = ("fluid", "events", "trajectories", "gzip")


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_a_history_does_not_depend_on_the_range_it_is_asked_for_in(plans, kind, data):
    source = plans[kind].sources[0]
    whole = source.batch(0, source.count)
    start = data.draw(st.integers(0, source.count - 1))
    stop = data.draw(st.integers(start + 1, source.count))
    part = source.batch(start, stop)
    assert len(part.histories) == stop - start
    for name in PATH_NAMES:
        np.testing.assert_array_equal(part.paths[name], whole.paths[name][start:stop])
    for i in {0, stop - start - 1}:
        np.testing.assert_array_equal(part.histories[i].T, whole.histories[start + i].T)


def test_events_have_paths_of_their_own_and_are_the_replicates(plans):
    (source,) = plans["events"].sources
    paths = source.batch(0, source.count).paths
    assert source.count == 3 * 64
    np.testing.assert_array_equal(np.unique(paths["replicate"]), [0, 1, 2])
    assert len(np.unique(paths["x_fm"])) == source.count


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("budget", ["all", "replicate"])
@settings(max_examples=20, deadline=None)
@given(size=st.integers(1, 300))
def test_chunks_and_units_cover_every_history_once(plans, kind, budget, size):
    planned = plans[kind]
    text = planned.run_file.text.replace("[output]", f'[method]\nbudget = "{budget}"\n[output]')
    plan = Plan(make_run_file(text), planned.sources, size)
    seen = [np.zeros(source.count, int) for source in plan.sources]
    for chunk in plan.chunks:
        edges = list(plan.units(chunk))
        assert (edges[0][0], edges[-1][1]) == (chunk.start, chunk.stop)
        assert all(a[1] == b[0] for a, b in pairwise(edges))
        assert all(0 < stop - start <= UNIT for start, stop in edges)
        seen[chunk.source][chunk.start : chunk.stop] += 1
    for counts in seen:
        np.testing.assert_array_equal(counts, 2 * len(plan.settings))
    assert sum(map(len, plan.chunks)) == plan.histories


@pytest.mark.parametrize("budget", ["all", "replicate"])
def test_chunks_of_whole_units_have_the_same_units(plans, budget):
    text = plans["events"].run_file.text.replace("[output]", f'[method]\nbudget = "{budget}"\n[output]')
    cut = [Plan(make_run_file(text), plans["events"].sources, size) for size in (UNIT, 3 * UNIT, 64 * UNIT)]
    units = [{(c.setting, c.l, unit) for c in plan.chunks for unit in plan.units(c)} for plan in cut]
    assert units[0] == units[1] == units[2]


def survivals(tmp_path, text, chunk, **options) -> xr.Dataset:
    store = Store(tmp_path / f"store{chunk}")
    prepare(make_run_file(text.replace("[output]", f"[campaign]\nchunk = {chunk}\n[output]")), store)
    carry_out(store, **options)
    return open_results(store.folder).load().drop_attrs()


@pytest.mark.slow
def test_the_real_solver_gives_the_same_for_any_size_of_chunk(tmp_path, monkeypatch):
    monkeypatch.setattr("qtraj.campaign.plan.UNIT", 64)  # to be quick: two units for each of two l
    text = RUN_FILE.replace("[1.0, 0.5]", '["central"]').replace("[-1.75, 0.0]", "[-1.75]")
    text = text.replace("[9.2, 2.3]", "[9.2]").replace("n = 4", "n = 64")
    text = text.replace("[output]", "[method]\nrtol = 0.02\natol = 1e-3\n[output]")
    whole = survivals(tmp_path, text, 128)
    for size in (64, 50, 7):
        other = survivals(tmp_path, text, size)
        if jax.default_backend() == "cpu":  # bit by bit
            xr.testing.assert_identical(other, whole)
        else:  # batches of a GPU round by who is in them, and survivals are ratios to small overlaps
            xr.testing.assert_allclose(other, whole, rtol=0, atol=5e-12)


def test_a_plan_comes_back_from_its_text(plans):
    for plan in plans.values():
        again = plan_from_json(plan.to_json(), "plan")
        assert again.keys == plan.keys


def test_a_million_histories_are_planned_and_reached_without_holding_them():
    text = RUN_FILE.replace("n = 4", "n = 131072").replace("replicates = 2", "replicates = 8")
    make_plan(make_run_file(RUN_FILE))  # the fluids are read, as in any run
    tracemalloc.start()
    plan = make_plan(make_run_file(text), 64 * UNIT)
    source = plan.sources[0]
    batch = source.batch(source.count - 64, source.count)
    assert len(plan.chunks) == 3 * 2 * 2 * 2**20 // (64 * UNIT)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (source.count, len(batch.histories)) == (2**20, 64)
    assert peak < 30e6  # 2^20 histories of 60 times would be 500 MB


def test_the_size_of_a_chunk_is_measured_once_and_kept(tmp_path):
    store, calls = Store(tmp_path / "store"), ExponentialDecay()
    text = RUN_FILE.replace("n = 4", "n = 256").replace(
        "[output]", "[campaign]\nchunk_seconds = 1e-9\n[output]"
    )
    assert prepare(make_run_file(text), store, solve=calls).chunk_size == UNIT
    measured = len(calls.calls)
    assert measured == 2
    slower = text.replace("1e-9", "1e9")
    assert (
        prepare(make_run_file(slower), store, solve=calls).chunk_size == UNIT
    )  # the store has chunks of this size
    assert len(calls.calls) == measured
    other = Store(tmp_path / "other")
    assert prepare(make_run_file(slower), other, solve=calls).chunk_size == 512  # all there are


def test_a_trajectory_file_goes_all_the_way_to_raa(tmp_path):
    text = trajectory_file(tmp_path / "paths.txt")
    prediction = run(make_run_file(text), tmp_path / "out", solve=ExponentialDecay())
    results = open_results(tmp_path / "out" / "store")
    expected = results["survival"].sel(l=0, state="1S").isel(setting=0).values
    found = prediction["survival"].sel(meson="Y(1S)").isel(setting=0)
    np.testing.assert_allclose(found, expected.mean(), rtol=1e-12)  # rounding
    error = prediction["survival_error_paths"].sel(meson="Y(1S)").isel(setting=0)
    np.testing.assert_allclose(error, expected.std(ddof=1) / np.sqrt(600), rtol=1e-12)


def test_paths_of_different_weight_are_kept_and_count_with_it(tmp_path):
    text = trajectory_file(tmp_path / "paths.txt", weight=2.0)
    prediction = run(make_run_file(text), tmp_path / "out", solve=ExponentialDecay())
    merged = read_dataset(merge(tmp_path / "out" / "store", tmp_path / "merged.nc"))
    assert set(merged["weight"].values) == {1.0, 2.0}
    survival = merged["survival"].sel(l=0, state="1S").isel(setting=0)
    expected = np.average(survival, weights=merged["weight"])
    found = prediction["survival"].sel(meson="Y(1S)").isel(setting=0)
    np.testing.assert_allclose(found, expected, rtol=1e-12)  # rounding


def test_bad_trajectory_files_are_named_before_anything_is_solved(tmp_path):
    hot = trajectory_file(tmp_path / "hot.txt", last=0.26)
    with pytest.raises(InputError, match=r"medium\.T_end.*0\.26.*hot\.txt"):
        make_plan(make_run_file(hot))
    meant = make_plan(make_run_file(hot.replace("T_end = 0.25", "T_end = 0.25\nallow_hot_end = true")))
    history = meant.sources[0].batch(0, 1).histories[0]
    assert history.active[-1][1] == pytest.approx(from_fm(8.0))
    cut = trajectory_file(tmp_path / "cut.txt.gz")
    whole = (tmp_path / "cut.txt.gz").read_bytes()
    (tmp_path / "cut.txt.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FileFormatError, match=r"cut\.txt\.gz"):
        make_plan(make_run_file(cut))
    with pytest.raises(FileFormatError, match="no such file"):
        make_plan(make_run_file(with_files(SECTION.format(tmp_path / "none*.nc", 2.3))))


def test_the_merged_file_holds_every_number_with_checksum_and_provenance(tmp_path):
    run(make_run_file(), tmp_path, solve=ExponentialDecay())
    store = tmp_path / "store"
    merged = read_dataset(merge(store, tmp_path / "merged.nc", ["somebody"]))
    xr.testing.assert_identical(merged.drop_attrs(), open_results(store).load().drop_attrs())
    assert merged.attrs["run_file"] == RUN_FILE
    assert merged.attrs["citations"] == "somebody"
    assert (tmp_path / RESULT).exists()


def test_observables_can_be_made_of_the_merged_file_alone(tmp_path):
    run(make_run_file(), tmp_path, solve=ExponentialDecay())
    merged = merge(tmp_path / "store", tmp_path / "merged.nc")
    alone, store = load_survivals(merged), load_survivals(tmp_path / "store")
    assert (alone.title, alone.system, alone.feeddown) == (store.title, store.system, store.feeddown)
    assert list(alone.tables) == list(store.tables)
    for label, table in alone.tables.items():
        for name in ("b_fm", "n_part", "weight", "pT", "phi", "replicate"):
            np.testing.assert_array_equal(getattr(table, name), getattr(store.tables[label], name))
        assert set(table.n_part) == {source.n_part for source in make_plan(make_run_file()).sources}
        np.testing.assert_array_equal(table.survival.value, store.tables[label].survival.value)


def test_the_campaign_section_changes_no_key_but_through_the_size_of_chunks():
    text = RUN_FILE.replace("[output]", '[campaign]\nexecutor = "local"\nworkers = 7\n[output]')
    assert make_plan(make_run_file(text)).keys == make_plan(make_run_file()).keys
    for wrong in ('executor = "scheduler"', 'scheduler = "tcp://a:1"', 'executor = "lokal"', "workers = 0"):
        with pytest.raises(InputError, match="campaign"):
            parse_config(RUN_FILE.replace("[output]", f"[campaign]\n{wrong}\n[output]"))


def test_a_chunk_holds_survivals_and_for_other_states_the_overlap(tmp_path):
    """The numbers of a chunk stay those that they were: a state that the start does not hold has no ratio."""
    solved = []

    def solve(model, medium, initial, *, method, progress):
        cheap = qt.NoJump(grid=qt.LaguerreMesh(40, 0.15), step=0.5, error_budget=False)
        solved.append(qt.solve(model, medium, initial, cheap))
        return solved[-1]

    plan = make_plan(make_run_file(RUN_FILE))
    chunk = plan.chunks[0]
    found = solve_chunk(plan, chunk, solve, lambda done: None)
    for name, own, other in (("survival", "survival", "overlap"), ("no_jump", "no_jump", "overlap_no_jump")):
        for state in qt.STATES:
            source = own if state.l == chunk.l else other
            expected = np.concatenate([np.atleast_1d(getattr(r, source)[state.name].value) for r in solved])
            np.testing.assert_array_equal(found[name].sel(state=state.name), expected)
