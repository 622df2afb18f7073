"""A run gives the same answer however often it is interrupted, and never takes another run's parts."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from stand_in import RUN_FILE, ExponentialDecay, make_run_file

from qtraj.campaign.plan import Setting, make_plan, settings
from qtraj.campaign.results import band, curves, open_results, summary
from qtraj.campaign.run import RESULT, citations, measured, run
from qtraj.campaign.store import DamagedChunkWarning
from qtraj.errors import AccuracyWarning, InputError, note
from qtraj.hydro import load_shipped, write_netcdf
from qtraj.io.results import read_dataset
from qtraj.observables.estimate import Estimate
from qtraj.observables.feeddown import MESON_NAMES, FeedDown

N_CHUNKS = 3 * 2 * 2  # settings x impact parameters x l
RADIAL = ("1S", "2S", "1P", "1P", "1P", "3S", "2P", "2P", "2P")  # of the nine mesons, in their order


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An uninterrupted run: its folder and its prediction."""
    directory = tmp_path_factory.mktemp("whole")
    return directory, run(make_run_file(), directory, solve=ExponentialDecay())


@pytest.fixture
def finished(whole, tmp_path):
    """A copy of the folder of the uninterrupted run."""
    return Path(shutil.copytree(whole[0], tmp_path / "copy"))


def parts_of(directory):
    return sorted((directory / "store" / "chunks").glob("*.nc"))


def numbers(prediction: xr.Dataset) -> xr.Dataset:
    return prediction.drop_attrs()


def test_each_coefficient_is_varied_with_the_other_central(run_file):
    assert settings(run_file.config) == (
        Setting(1.0, -1.75, 0.25),
        Setting(0.5, -1.75, 0.25),
        Setting(1.0, 0.0, 0.25),
    )
    plan = make_plan(run_file)
    assert len(plan.chunks) == N_CHUNKS == len(set(plan.keys))


def test_the_prediction_is_the_average_of_what_the_solver_says(run_file, solver, tmp_path):
    prediction = run(run_file, tmp_path, solve=solver)
    assert len(solver.calls) == N_CHUNKS
    np.testing.assert_array_equal(prediction["b_fm"], [9.2, 2.3])  # increasing N_part
    # the whole chain again in three lines, for one number
    T = np.asarray(make_plan(run_file).sources[1].batch(0, 8).histories.T)
    theta = np.where(T > 0.25, T - 0.25, 0).sum(axis=1)
    survival = [
        np.exp(-0.5 * {"1S": 1, "2S": 2, "1P": 3, "3S": 4, "2P": 5}[s] * theta).mean() for s in RADIAL
    ]
    expected = FeedDown.named("group").apply(np.array(survival))
    found = prediction["raa"].sel(setting="kappa=0.5, gamma=-1.75").isel(geometry=1)
    np.testing.assert_allclose(found, expected, rtol=1e-12)  # rounding only
    np.testing.assert_allclose(prediction["raa_no_jump"], 0.5 * prediction["raa"], rtol=1e-12)


def test_the_result_file_holds_the_answer_and_how_to_make_it_again(whole):
    stored = read_dataset(whole[0] / RESULT)
    xr.testing.assert_identical(stored, whole[1])
    assert stored.attrs["run_file"] == RUN_FILE
    hydro = json.loads(stored.attrs["hydro"])
    assert [entry["b_fm"] for entry in hydro] == [9.2, 2.3]
    assert "1009.3244" in stored.attrs["citations"]  # MUSIC
    assert "2107.06147" in stored.attrs["citations"]  # QTraj 1.0


@pytest.mark.parametrize("interrupt_at", [0, 5, N_CHUNKS - 1])
def test_an_interrupted_run_goes_on_and_ends_at_the_same_numbers(run_file, whole, tmp_path, interrupt_at):
    with pytest.raises(KeyboardInterrupt):
        run(run_file, tmp_path, solve=ExponentialDecay(interrupt_at=interrupt_at))
    assert len(parts_of(tmp_path)) == interrupt_at
    second = ExponentialDecay()
    resumed = run(run_file, tmp_path, solve=second)
    assert len(second.calls) == N_CHUNKS - interrupt_at
    xr.testing.assert_identical(numbers(resumed), numbers(whole[1]))


def test_a_finished_run_solves_nothing_unless_fresh(run_file, solver, whole, finished):
    again = run(run_file, finished, solve=solver)
    assert not solver.calls
    xr.testing.assert_identical(numbers(again), numbers(whole[1]))
    run(run_file, finished, solve=solver, fresh=True)
    assert len(solver.calls) == N_CHUNKS


def test_a_damaged_chunk_is_named_and_computed_again(run_file, solver, whole, finished):
    damaged = parts_of(finished)[3]
    damaged.write_bytes(damaged.read_bytes()[:-100])
    with pytest.warns(DamagedChunkWarning, match=damaged.name):
        again = run(run_file, finished, solve=solver)
    assert len(solver.calls) == 1
    xr.testing.assert_identical(numbers(again), numbers(whole[1]))


def test_a_chunk_under_another_name_is_refused(run_file, solver, whole, finished):
    a, b = parts_of(finished)[:2]
    a.write_bytes(b.read_bytes())
    with pytest.warns(DamagedChunkWarning, match="another configuration"):
        again = run(run_file, finished, solve=solver)
    xr.testing.assert_identical(numbers(again), numbers(whole[1]))


@pytest.mark.parametrize(
    ("old", "new", "solved_again"),
    [
        ('title = "small"', 'title = "other"', 0),  # the physics is the same
        ("[paths]", "[observables]\nfeeddown = 'pdg2026'\n[paths]", 0),  # applied after the parts
        ("n = 4", "n = 4\nseed = 2", N_CHUNKS),
        ("T_end = 0.25", "T_end = 0.26", N_CHUNKS),
        ("[model]", "[model]\nmass = 4.7", N_CHUNKS),
        ("[paths]", "[method]\nrtol = 1e-2\n[paths]", N_CHUNKS),
        ("[paths]", "[initial]\nwidth = 0.3\n[paths]", N_CHUNKS),
        ("kappa = [1.0, 0.5]", "kappa = [1.0, 0.7]", N_CHUNKS // 3),
    ],
)
def test_exactly_what_a_change_touches_is_solved_again(solver, finished, old, new, solved_again):
    run(make_run_file(RUN_FILE.replace(old, new)), finished, solve=solver)
    assert len(solver.calls) == solved_again


def test_the_critical_temperature_of_the_fits_changes_every_key():
    text = RUN_FILE.replace("[1.0, 0.5]", '["central", "lower"]')
    keys = (
        make_plan(make_run_file(text.replace("[model]", f"[model]\nT_c = {T}"))).keys for T in (0.150, 0.155)
    )
    assert not set.intersection(*map(set, keys))


def test_bands_contain_their_settings_and_nothing_else(whole):
    prediction = whole[1]
    every = curves(prediction)
    for meson in MESON_NAMES:
        kappa = band(prediction, meson, "kappa")
        low, high = (every[f"kappa={k}, gamma=-1.75"][meson].value for k in (1.0, 0.5))
        np.testing.assert_array_equal(kappa.low, low)  # more kappa, less survival
        np.testing.assert_array_equal(kappa.high, high)
        np.testing.assert_array_equal(kappa.central.value, low)
        gamma = band(prediction, meson, "gamma")
        np.testing.assert_array_equal(gamma.low, gamma.high)  # the stand-in knows no gamma


def test_the_table_quotes_the_nearest_measured_point(run_file, whole):
    rows = list(summary(whole[1], ["Y(1S)"], measured(run_file.config)))
    assert [round(row.b_fm, 1) for row in rows] == [2.3, 9.2]
    central = [text for text in rows[0].measured if text.startswith("CMS")]
    assert central == ["CMS 0.319(28) at 384"]  # arXiv:1805.09215, 0-5 %, total error in quadrature


def test_own_hydro_files_give_the_same_answer_as_the_shipped_ones(solver, whole, tmp_path):
    for b in (9.2, 2.3):
        write_netcdf(load_shipped(b), tmp_path / f"b{b}.nc")
    entry = '[[medium.files]]\npath = "{}/b{}.nc"\nb_fm = {}\nn_part = {}\n'
    entries = "".join(entry.format(tmp_path, b, b, n_part) for b, n_part in ((9.2, 118.7), (2.3, 380.7)))
    text = RUN_FILE.replace("b_fm = [9.2, 2.3]", 'hydro = "files"') + entries
    own = run(make_run_file(text), tmp_path / "own", solve=solver)
    xr.testing.assert_identical(numbers(own), numbers(whole[1]))


def test_shipped_hydro_of_another_system_is_refused_before_anything_is_solved(solver, tmp_path):
    text = RUN_FILE.replace('"PbPb"', '"XeXe"').replace("5020", "5440")
    with pytest.raises(
        InputError, match=r"Pb-Pb at 5020 GeV, Au-Au at 200 GeV, O-O at 5360 GeV.*medium\.files"
    ):
        run(make_run_file(text), tmp_path, solve=solver)
    with pytest.raises(InputError, match="b_fm"):
        run(make_run_file(RUN_FILE.replace("[9.2, 2.3]", "[9.2, 3.0]")), tmp_path, solve=solver)
    assert not solver.calls
    assert not list(tmp_path.iterdir())


def test_citations_name_equation_fluid_and_data(run_file):
    text = "\n".join(citations(run_file.config, [source.attrs for source in make_plan(run_file).sources]))
    for number in ("1612.07248", "2012.01240", "1903.08063", "1004.1408", "1805.09215", "2205.03042"):
        assert number in text


class SampledErrors(ExponentialDecay):
    """The same values; an error that differs from path to path where one is asked for."""

    def __call__(self, model, medium, initial, *, method, progress):
        result = super().__call__(model, medium, initial, method=method, progress=progress)
        if not method.error_budget:
            bare = {s: Estimate(e.value, {}, ("mesh",)) for s, e in result.survival.items()}
            return type(result)(bare, bare)
        errors = np.linspace(1e-4, 3e-4, len(medium))
        varied = {s: Estimate(e.value, {"mesh": errors}) for s, e in result.survival.items()}
        return type(result)(varied, varied)


def test_errors_of_one_replicate_stand_for_all_and_values_are_those_of_every_path(tmp_path, run_file):
    sampled = make_run_file(RUN_FILE.replace("[output]", '[method]\nbudget = "replicate"\n[output]'))
    prediction = run(sampled, tmp_path / "sampled", solve=SampledErrors())
    results = open_results(tmp_path / "sampled" / "store")
    every = run(run_file, tmp_path / "every", solve=SampledErrors())
    np.testing.assert_array_equal(prediction["survival"], every["survival"])
    errors = results["survival_error_mesh"].isel(
        setting=0, l=0, state=0, history=results["source"].values == 0
    )
    replicate = errors["replicate"].values
    np.testing.assert_array_equal(np.isnan(errors), replicate > 0)  # not computed is not zero
    np.testing.assert_allclose(errors[replicate == 0].mean(), 2e-4, rtol=1e-12)
    # the mean error of the sampled paths is the error of the mean over all
    np.testing.assert_allclose(prediction["survival_error_mesh"], 2e-4, rtol=1e-12)


def _described(found):
    return [f"{sum(found)} histories fall short"]


class Noting(ExponentialDecay):
    """Reports every history as short of its tolerance."""

    def __call__(self, model, medium, *args, **options):
        note(_described, len(medium))
        return super().__call__(model, medium, *args, **options)


def test_a_run_warns_once_of_all_its_histories(tmp_path):
    with pytest.warns(AccuracyWarning) as caught:
        run(make_run_file(), tmp_path, solve=Noting())
    (warning,) = caught
    assert warning.filename == __file__
    plan = make_plan(make_run_file())
    assert str(warning.message) == f"{sum(len(chunk) for chunk in plan.chunks)} histories fall short"
