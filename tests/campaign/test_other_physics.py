"""Short campaigns with other potentials, methods and ends of the medium: each number is that of `qtraj.solve`."""

import numpy as np
import pytest

import qtraj as qt
from qtraj.campaign.plan import make_plan
from qtraj.campaign.reading import load_survivals
from qtraj.campaign.results import band, open_results
from qtraj.campaign.run import carry_out, prepare, run
from qtraj.campaign.store import Store
from qtraj.campaign.work import solve_chunk
from qtraj.errors import InputError
from qtraj.io.citations import of_run
from qtraj.io.config import RunFile, parse_config
from qtraj.io.factory import potential_of

MODULE = """
import qtraj as qt

cornell = qt.CallablePotential(lambda r: -0.4 / r + 0.04 * r * (r < 6) + 0.24 * (r >= 6), alpha=0.4, octet="coulomb")
"""


def made(folder, model="", medium="T_end = 0.25", initial="", method="", paths="n = 1\nreplicates = 2"):
    text = f"""
[system]
preset = "PbPb5020"
[model]
{model}
[medium]
b_fm = [11.6]
{medium}
[initial]
{initial}
[method]
{method}
[paths]
{paths}
[output]
directory = "unused"
"""
    return RunFile(parse_config(text), text, folder / "run.toml")


def solved(run_file, folder, setting=0):
    """Return stored survivals (l, history, state) of a setting and the histories of the plan."""
    plan = prepare(run_file, Store(folder))
    carry_out(Store(folder))
    results = open_results(folder).isel(setting=setting).load()
    source = plan.sources[0].ending(plan.settings[setting].T_end)
    return results, source.batch(0, source.count).histories


def test_the_ksu_potential_without_jumps(tmp_path):
    method = "kind = 'nojump'\ngrid = { kind = 'sine', num = 255, length = 30.0 }\ndt = 0.02"
    run_file = made(tmp_path, 'potential = "ksu"', method=method)
    results, histories = solved(run_file, tmp_path / "store")
    model = qt.LindbladModel(qt.KSUPotential(), mass=4.70)
    grid = qt.SineGrid(num=255, length=30.0)
    answer = qt.solve(model, histories, qt.GaussianState(l=0), qt.NoJump(grid=grid, dt=0.02))
    np.testing.assert_array_equal(results["survival"].values[0, :, 0], answer.survival["1S"].value)
    assert list(results["kappa"].values.ravel()) == ["none"]
    prediction = run(run_file, tmp_path / "run")
    assert 0 < prediction["raa"].sel(meson="Y(1S)").item() < 1
    assert any("Islam" in line for line in prediction.attrs["citations"].splitlines())


@pytest.mark.slow
def test_the_jumps_of_a_complex_potential(tmp_path):
    """The density matrix of a run file is that of the library, and the papers of its jumps are cited."""
    htl = 'potential = { name = "htl", alpha_s = 0.313, real = "coulomb" }\nalpha = 0.6239853'
    run_file = made(tmp_path, htl, method="rtol = 0.05")
    results, histories = solved(run_file, tmp_path / "store")
    model = qt.LindbladModel(qt.HTLPotential(0.313, real="coulomb", alpha=0.6239853))
    answer = qt.solve(model, histories, qt.GaussianState(l=0), qt.DensityMatrix(rtol=0.05))
    np.testing.assert_allclose(
        results["survival"].values[0, :, 0], answer.survival["1S"].value, rtol=1e-12, atol=1e-15
    )
    jumped = results["survival"] - results["no_jump"]
    assert (jumped.values[0, :, 1] >= 0).all()
    assert jumped.values[0, :, 1].max() > 1e-4  # 2S from 1S and back
    assert "Blaizot2017" in {each.reference.key for each in of_run(run_file)}


def test_a_potential_of_the_user_in_python(tmp_path):
    (tmp_path / "mine.py").write_text(MODULE, encoding="utf-8")
    run_file = made(
        tmp_path, 'potential = { python = "mine:cornell" }\nkappa = [3.0]', method="kind = 'nojump'"
    )
    before = make_plan(run_file).keys
    results, histories = solved(run_file, tmp_path / "store")
    cornell = qt.CallablePotential(
        lambda r: -0.4 / r + 0.04 * r * (r < 6) + 0.24 * (r >= 6), alpha=0.4, octet="coulomb"
    )
    model = qt.LindbladModel(cornell, qt.Transport(3.0, -1.75))
    answer = qt.solve(model, histories, qt.GaussianState(l=1), qt.NoJump())
    np.testing.assert_array_equal(results["survival"].values[1, :, 2], answer.survival["1P"].value)
    # another content of the module is another problem
    (tmp_path / "mine.py").write_text(MODULE.replace("-0.4 / r", "-0.41 / r"), encoding="utf-8")
    assert not set(before) & set(make_plan(run_file).keys)
    assert potential_of(run_file).vacuum(np.array([1.0]), "singlet") == pytest.approx(-0.37)


def test_a_band_of_T_end(tmp_path):
    run_file = made(
        tmp_path, "kappa = [3.0]\ngamma = [-1.75]", "T_end = [0.25, 0.2]", method="kind = 'nojump'"
    )
    cold, histories = solved(run_file, tmp_path / "run" / "store", setting=1)
    assert {history.T_end for history in histories} == {0.2}
    model = qt.LindbladModel(transport=qt.Transport(3.0, -1.75))
    answer = qt.solve(model, histories, qt.GaussianState(l=0), qt.NoJump())
    np.testing.assert_array_equal(cold["survival"].values[0, :, 0], answer.survival["1S"].value)
    prediction = run(run_file, tmp_path / "run")
    values = band(prediction, "Y(1S)", "T_end")
    assert values.low[0] < values.high[0] == values.central.value[0]  # a longer medium suppresses more
    assert values.label == "T_end: 0.25, 0.2"
    kappa = band(prediction, "Y(1S)", "kappa")
    assert kappa.low == kappa.high
    assert not kappa.label  # one value is no band to be named
    tables = load_survivals(tmp_path / "run").tables
    assert [table.attrs["T_end"] for table in tables.values()] == [0.25, 0.2]


def test_trajectories_do_not_depend_on_the_chunks_nor_share_random_numbers(tmp_path):
    run_file = made(
        tmp_path, "kappa = [3.0]\ngamma = [-1.75]", method="kind = 'trajectories'\nn = 16\nseed = 5"
    )
    whole, parts = make_plan(run_file, 2), make_plan(run_file, 1)
    with pytest.warns(qt.AccuracyWarning):
        answers = [
            [solve_chunk(plan, chunk, qt.solve, lambda done: None) for chunk in plan.chunks if chunk.l == 0]
            for plan in (whole, parts)
        ]
    survival = answers[0][0]["survival"].values
    np.testing.assert_array_equal(survival, np.concatenate([each["survival"].values for each in answers[1]]))
    assert {"survival_error_statistical", "survival_error_rare_events"} <= set(answers[0][0])
    # one history twice: the same seed would give the same sample
    history = whole.sources[0].batch(0, 1).histories
    model = qt.LindbladModel(transport=qt.Transport(3.0, -1.75))
    with pytest.warns(qt.AccuracyWarning):
        other = qt.solve(model, history, qt.GaussianState(l=0), qt.QuantumTrajectories(n=16, seed=5))
    assert other.survival["1S"].value[0] != survival[0, 0]
    spread = (
        answers[0][0]["survival_error_statistical"].values[0, 0]
        + other.survival["1S"].parts["statistical"][0]
    )
    assert abs(other.survival["1S"].value[0] - survival[0, 0]) < 5 * spread


def test_R_AA_of_trajectories_has_the_scatter_of_paths_which_holds_their_statistical_errors(tmp_path):
    method = "kind = 'trajectories'\nn = 16\nseed = 5"
    run_file = made(tmp_path, "kappa = [3.0]\ngamma = [-1.75]", method=method)
    with pytest.warns(qt.AccuracyWarning):
        prediction = run(run_file, tmp_path / "run")
    results = open_results(tmp_path / "run" / "store").load()
    assert np.any(results["survival_error_statistical"] > 0)
    assert "raa_error_paths" in prediction
    assert "raa_error_statistical" not in prediction
    # the bound of 2 x 16 trajectories is that of one sample: half of what one path alone would have
    survival, bound = (
        prediction.sel(meson="Y(1S)"),
        results["survival_error_rare_events"].isel(setting=0, l=0, state=0),
    )
    assert survival["survival_error_rare_events"].item() == pytest.approx(bound.max().item() / 2)


def test_starts_without_R_AA_give_probabilities_and_no_R_AA(tmp_path):
    run_file = made(
        tmp_path,
        "kappa = [3.0]\ngamma = [-1.75]",
        initial="kind = 'bound'\nl = [1]",
        method="kind = 'nojump'",
    )
    with pytest.raises(InputError, match="only a Gaussian in the singlet"):
        run(run_file, tmp_path / "run")
    results, histories = solved(run_file, tmp_path / "store")
    model = qt.LindbladModel(transport=qt.Transport(3.0, -1.75))
    answer = qt.solve(model, histories, qt.BoundState(2, 1), qt.NoJump())
    np.testing.assert_array_equal(results["survival"].values[0, :, 2], answer.survival["1P"].value)
    assert list(results["l"].values) == [1]
    with pytest.raises(InputError, match="only a Gaussian in the singlet"):
        load_survivals(tmp_path / "store")


@pytest.mark.parametrize("kind", ["density", "trajectories"])
def test_jumps_without_probabilities_are_refused_before_a_path_is_drawn(tmp_path, monkeypatch, kind):
    """At T_end, which every hot path reaches: no fluid is read, no path drawn."""
    monkeypatch.setattr("qtraj.campaign.plan.sources", lambda *_: pytest.fail("looked for paths"))
    run_file = made(tmp_path, 'potential = "wilson-line"', method=f'kind = "{kind}"')
    with pytest.raises(InputError, match=r"model\.potential.*noise can make: at T = 0\.24.*NoJump"):
        make_plan(run_file)
    # without jumps, and where noise makes the potential, there is nothing to refuse
    for medium, method in (("T_end = 0.25", 'kind = "nojump"'), ("T_end = 0.5", f'kind = "{kind}"')):
        with pytest.raises(pytest.fail.Exception, match="looked for paths"):
            make_plan(made(tmp_path, 'potential = "wilson-line"', medium=medium, method=method))


@pytest.mark.parametrize("kind", ["density", "trajectories"])
def test_jumps_without_probabilities_at_higher_temperatures_are_refused_by_the_plan(tmp_path, kind):
    """1 - exp(-r^4) is the width of no noise, as it grows faster than r^2; here only above 260 MeV."""
    (tmp_path / "hotter.py").write_text("""
import numpy as np
import qtraj as qt

def V(r, T):
    hot = 3 * np.maximum(T - 0.26, 0.0)
    width = T * -np.expm1(-((0.4 * r) ** 2)) + hot * -np.expm1(-((0.4 * r) ** 4))
    return -0.4 / r - 0.5j * width

own = qt.CallablePotential(V, alpha=0.4, octet="coulomb")
""")
    run_file = made(
        tmp_path, 'potential = { python = "hotter:own" }\nkappa = ["none"]', method=f'kind = "{kind}"'
    )
    with pytest.raises(InputError, match=r"model\.potential.*noise can make: at T = 0\.(27|3)"):
        make_plan(run_file)
