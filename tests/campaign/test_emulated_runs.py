"""Runs whose paths are emulated: what they average, what they store, and what they refuse."""

from dataclasses import replace

import numpy as np
import pytest
from stand_in import RUN_FILE, ExponentialDecay, make_run_file, trajectory_block

from qtraj.campaign.plan import make_plan
from qtraj.campaign.reading import load_survivals
from qtraj.campaign.results import merge, open_results
from qtraj.campaign.run import RESULT, STORE, run
from qtraj.campaign.store import Store, status
from qtraj.errors import InputError
from qtraj.hydro import load_shipped, write_netcdf
from qtraj.io.results import read_dataset
from qtraj.io.survivals import tables_from_results
from qtraj.observables.observable import survival_average
from qtraj.pages.run import load_run, representative
from qtraj.physics.initial import GaussianState
from qtraj.physics.model import LindbladModel
from qtraj.physics.transport import Transport
from qtraj.states import STATE_NAMES

CHEAP = RUN_FILE.replace("n = 4\nreplicates = 2", "n = 16\nreplicates = 4\ncheap = 512\ndirections = 2")
CHEAP = CHEAP.replace("gamma = [-1.75, 0.0]", "gamma = [-1.75]")
N_CHUNKS = 2 * 2 * 2  # settings x impact parameters x l


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    directory = tmp_path_factory.mktemp("emulated")
    return directory, run(make_run_file(CHEAP), directory, solve=ExponentialDecay())


def test_the_mean_is_that_of_all_cheap_paths_as_if_they_were_solved(whole):
    """The stand-in solves them all: the corrected emulation agrees within its correction's error."""
    directory, _ = whole
    plan = Store(directory / STORE).load_plan()
    tables = load_survivals(directory).tables
    assert len(tables) == len(plan.settings) == 2
    for setting, table in zip(plan.settings, tables.values(), strict=True):
        for source in plan.sources:
            histories = source.emulated().batch(0, 512).histories
            model = LindbladModel(transport=Transport(float(setting.kappa), setting.gamma))
            solve, start = ExponentialDecay(), GaussianState()
            exact = solve(model, histories, start, method=None, progress=lambda done, total: None)
            rows = table.rows(np.isclose(table.b_fm, source.b_fm))
            assert len(rows) == 64 + 512
            for part, known in (("total", exact.survival), ("no_jump", exact.no_jump)):
                means = survival_average(rows, part)
                assert list(means) == [state for state in STATE_NAMES if state != "1D"]
                for state, mean in means.items():
                    miss = abs(mean.value - known[state].value.mean())
                    # 60 numbers: four errors
                    assert miss < 4 * mean.parts["correction"] + 1e-9
                    # the stand-in counts frames, so it is no function of integrals over time
                    assert mean.parts["correction"] < 3 * mean.parts["paths"]


def test_the_result_says_how_many_paths_and_both_errors(whole):
    directory, prediction = whole
    assert prediction.attrs["solved_paths"] == 2 * 64
    assert prediction.attrs["emulated_paths"] == 2 * 512
    assert set(prediction["average"].values) == {"emulated paths, corrected by solved ones"}
    assert {"paths", "correction", "mesh", "branching"} <= set(prediction["raa"].attrs["error_parts"].split())
    stored = read_dataset(directory / RESULT)
    np.testing.assert_array_equal(stored["raa"], prediction["raa"])
    assert stored.attrs["emulated_paths"] == 2 * 512


def test_the_path_of_the_report_is_an_emulated_one(whole):
    """Rows of solved paths hold what they add, not survivals, and are no rows of the sources' histories."""
    directory, _ = whole
    loaded = load_run(directory)
    history, which = representative(loaded)
    table = next(iter(load_survivals(directory).tables.values()))
    rows = np.flatnonzero((table.emulation < 0) & (table.b_fm == table.b_fm.min()))
    survival = table.survival.value[rows, STATE_NAMES.index("1S")]
    nearest = int(np.argmin(np.abs(survival - survival.mean())))
    assert f"{survival[nearest]:.3f} as emulated" in which
    assert f"p_T = {table.pT[rows[nearest]]:.2f} GeV" in which
    (source,) = (s for s in loaded.plan.sources if s.b_fm == table.b_fm.min())
    path = source.emulated().batch(nearest, nearest + 1)
    np.testing.assert_array_equal(history.T, path.histories[0].T)
    assert path.paths["pT"][0] == table.pT[rows[nearest]]


def test_a_run_that_is_continued_emulates_as_one_that_was_not(whole, tmp_path):
    _, prediction = whole
    with pytest.raises(KeyboardInterrupt):
        run(make_run_file(CHEAP), tmp_path, solve=ExponentialDecay(interrupt_at=5))
    again = ExponentialDecay()
    np.testing.assert_array_equal(run(make_run_file(CHEAP), tmp_path, solve=again)["raa"], prediction["raa"])
    assert len(again.calls) == N_CHUNKS - 5
    # nothing is left to do, and what was damaged is made again
    store = Store(tmp_path / STORE)
    assert status(store.folder).foreign == 0
    store.path(store.load_plan().cheap_keys[2]).unlink()
    once_more = ExponentialDecay()
    np.testing.assert_array_equal(
        run(make_run_file(CHEAP), tmp_path, solve=once_more)["raa"], prediction["raa"]
    )
    assert not once_more.calls


def test_a_merged_file_has_the_same_survivals(whole, tmp_path):
    directory, _ = whole
    merged = tables_from_results(read_dataset(merge(directory / STORE, tmp_path / "merged.nc")))
    for one, other in zip(merged.values(), load_survivals(directory).tables.values(), strict=True):
        np.testing.assert_array_equal(one.survival.value, other.survival.value)
        np.testing.assert_array_equal(one.emulation, other.emulation)
        np.testing.assert_array_equal(one.weight, other.weight)


def test_members_of_an_array_job_leave_emulation_to_the_reader(whole, tmp_path):
    from qtraj.campaign.run import carry_out, prepare

    store = Store(tmp_path)
    prepare(make_run_file(CHEAP), store, solve=ExponentialDecay())
    for index in (0, 1):
        carry_out(store, solve=ExponentialDecay(), member=(index, 2))
    plan = store.load_plan()
    assert not any(store.path(key).exists() for key in plan.cheap_keys)
    results = open_results(tmp_path)
    assert all(store.path(key).exists() for key in plan.cheap_keys)
    reference = open_results(whole[0] / STORE)
    np.testing.assert_array_equal(results["survival"].values, reference["survival"].values)


def test_solved_paths_are_those_of_a_run_without_cheap_ones():
    """The chunks of a store stay when `cheap` is added: its paths are others, drawn beside them."""
    with_cheap, without = (
        make_plan(make_run_file(text)) for text in (CHEAP, CHEAP.replace("cheap = 512\n", ""))
    )
    assert with_cheap.keys == without.keys
    assert not without.cheap_keys
    assert len(with_cheap.cheap_keys) == 1 + 2
    (source, _), solved = with_cheap.sources, with_cheap.sources[0].batch(0, 64).paths
    cheap = source.emulated().batch(0, 512).paths
    assert not set(np.unique(solved["replicate"])) & set(np.unique(cheap["replicate"]))
    assert len(np.unique(cheap["replicate"])) == 32
    assert not np.isin(solved["x_fm"], cheap["x_fm"]).any()
    # drawn in pieces they are the same
    np.testing.assert_array_equal(source.emulated().batch(100, 300).paths["x_fm"], cheap["x_fm"][100:300])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("cheap = 512", "cheap = 500"), "power of two"),
        (("cheap = 512", "cheap = 32"), "64"),
        (("[output]", '[method]\nkind = "trajectories"\nn = 64\n[output]'), "be left out with method.kind"),
        (("n = 16", "n = 4"), "the medium acts on 64 of the solved paths"),
        (("n = 16", "solved = 48"), "replicates times a power of two, and n be left out"),
        (("[output]", "[initial]\nl = [0]\n[output]"), "be left out for this start"),
    ],
)
def test_what_cannot_be_emulated_is_refused(change, words):
    with pytest.raises(InputError, match=words):
        make_plan(make_run_file(CHEAP.replace(*change)))


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("solved = 64", (16, None)),
        ("error = 5e-3", (16, 2048)),
        ("error = 1e-3", (32, 16384)),
        ("error = 1e-4", (64, 2**18)),
        ("error = 1e-3\nn = 32", (32, 16384)),
        ("error = 1e-3\nsolved = 256\ncheap = 4096", (64, 4096)),
    ],
)
def test_a_target_of_the_error_chooses_the_paths(keys, expected):
    paths = make_run_file(CHEAP.replace("n = 16\n", "").replace("cheap = 512", keys)).config.paths
    assert (paths.n, paths.cheap) == expected


def test_paths_of_a_trajectory_file_are_solved_in_part_and_emulated_for_the_rest(tmp_path):
    """400 ready-made paths, sorted by b: 128 are solved, the others emulated; the mean is that of all 400."""
    blocks = [trajectory_block(b, i) for i, b in enumerate(np.linspace(2.0, 10.0, 400))]
    (tmp_path / "paths.txt").write_text("".join(blocks))
    text = CHEAP.replace("b_fm = [9.2, 2.3]", 'hydro = "files"').replace("[1.0, 0.5]", "[1.0]")
    text = text.replace("n = 16", "n = 32")
    text = text.replace("cheap = 512\ndirections = 2", "cheap = 512")
    text += f'[[medium.files]]\npath = "{tmp_path}/paths.txt"\nformat = "qtraj_trajectories"\n'
    prediction = run(make_run_file(text), tmp_path / "run", solve=ExponentialDecay())
    assert prediction.attrs["solved_paths"] == 128
    assert prediction.attrs["emulated_paths"] == 272
    plain = text.replace("n = 32\nreplicates = 4\ncheap = 512\n", "")
    exact = run(make_run_file(plain), tmp_path / "plain", solve=ExponentialDecay())
    assert len(prediction["n_part"]) == len(exact["n_part"])
    tables = [next(iter(load_survivals(tmp_path / name).tables.values())) for name in ("run", "plain")]
    assert len(np.unique(tables[0].b_fm)) == 400
    for state in ("1S", "2S", "2P"):
        one, other = (survival_average(table)[state] for table in tables)
        # 272 of the same 400 paths, so the difference is smaller than the scatter of either
        assert abs(one.value - other.value) < one.statistical
        assert one.statistical < 2 * other.statistical


def test_events_are_emulated_one_by_one_and_their_scatter_is_the_error(tmp_path):
    """Four events of one class: each has cheap paths of its own, and the groups of the average are the events."""
    fluid = load_shipped(9.2)
    for i, factor in enumerate((0.97, 0.99, 1.01, 1.03)):
        write_netcdf(
            replace(fluid, T=factor * fluid.T, attrs={**fluid.attrs, "event": i}), tmp_path / f"e{i}.nc"
        )
    text = CHEAP.replace("b_fm = [9.2, 2.3]", 'hydro = "files"').replace("[1.0, 0.5]", "[1.0]")
    text = text.replace("T_end = 0.25", "T_end = 0.26")
    text += f'[[medium.files]]\npath = "{tmp_path}/e*.nc"\nb_fm = 9.2\nn_part = 118.7\n'
    prediction = run(make_run_file(text), tmp_path / "run", solve=ExponentialDecay())
    assert prediction.attrs["solved_paths"] == 4 * 64
    assert prediction.attrs["emulated_paths"] == 512
    (table,) = load_survivals(tmp_path / "run").tables.values()
    cheap = table.rows(table.emulation < 0)
    assert np.unique(cheap.replicate).tolist() == [0, 1, 2, 3]
    # hotter events lose more: the scatter of events is far above that of their paths
    means = [survival_average(cheap.rows(cheap.replicate == k))["1S"].value for k in range(4)]
    assert means == sorted(means, reverse=True)
    assert survival_average(table)["1S"].parts["paths"] == pytest.approx(np.std(means, ddof=1) / 2, rel=0.1)
