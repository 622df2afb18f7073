"""Settings that a run file lists: any point of the parameters, each a setting like those of a band."""

import numpy as np
import pytest
from stand_in import RUN_FILE, ExponentialDecay, make_run_file

from qtraj.campaign.plan import make_plan
from qtraj.campaign.results import open_results
from qtraj.campaign.run import STORE, run
from qtraj.errors import InputError
from qtraj.io.survivals import tables_from_results
from qtraj.observables.observable import survival_average
from qtraj.states import STATE_NAMES

ONE = RUN_FILE.replace("kappa = [1.0, 0.5]", "kappa = [1.0]").replace(
    "gamma = [-1.75, 0.0]", "gamma = [-1.75]"
)
LISTED = """
[[settings]]
[[settings]]
kappa = 0.5
[[settings]]
gamma = 0.0
"""


def test_a_list_that_spells_a_band_is_that_band():
    band, listed = make_plan(make_run_file()), make_plan(make_run_file(ONE + LISTED))
    assert listed.settings == band.settings
    assert listed.keys == band.keys
    assert len({setting.label for setting in listed.settings}) == 3


def test_every_key_of_a_setting_reaches_the_histories_or_the_model_and_the_key_of_a_chunk():
    early = ONE.replace("T_end = 0.25", "T_end = 0.25\nearly = { law = 'bjorken', from_fm = 0.5 }")
    early = early.replace("kappa = [1.0]", "potential = { name = 'cornell' }\nkappa = [1.0]")
    lines = [
        "",
        "T_end = 0.3",
        "T_scale = 1.1",
        "from_fm = 0.3",
        "potential = { sigma = 0.25 }",
        "kappa = 2.0",
    ]
    listed = make_run_file(early + "".join(f"[[settings]]\n{line}\n" for line in lines))
    plan = make_plan(listed)
    assert len(set(plan.keys)) == len(plan.keys)
    plain, end, scaled, sooner, *_ = (
        setting.of(plan.sources[1]).batch(0, 8).histories for setting in plan.settings
    )
    assert (end.T_end, scaled.T_end) == (0.3, 0.25)
    np.testing.assert_allclose(scaled.T, 1.1 * plain.T, rtol=1e-15)
    assert (plain.tau_fm[0], sooner.tau_fm[0]) == (0.5, 0.3)
    model = plan.settings[4].applied(listed).config.model
    assert model.potential.arguments == {"sigma": 0.25}
    assert plan.settings[0].applied(listed) is listed


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("from_fm = 0.3", "have early in"),
        ("potential = { strength = 1.0 }", "strength"),
        ("kapa = 1.0", "Did you mean `kappa`"),
        ("T_scale = 0.0", "greater than 0"),
        ("kappa = -1.0", "non-negative"),
    ],
)
def test_a_wrong_entry_is_named(lines, problem):
    with pytest.raises(InputError, match=problem) as caught:
        make_run_file(f"{ONE}[[settings]]\n{lines}\n")
    assert "settings" in str(caught.value)


def test_a_medium_scaled_below_what_the_hydro_knows_is_refused():
    with pytest.raises(InputError, match="lowest temperature"):
        make_plan(make_run_file(ONE + "[[settings]]\nT_scale = 3.0\n"))


@pytest.mark.parametrize("cheap", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_the_average_of_each_setting_is_that_of_its_paths(tmp_path, cheap):
    """The stand-in solves all emulated paths: the emulators that settings share are corrected in each of them."""
    rng = np.random.default_rng(1)
    text = ONE.replace("n = 4\nreplicates = 2", "n = 16\nreplicates = 4" + ("\ncheap = 512" if cheap else ""))
    entries = "".join(
        f"[[settings]]\nkappa = {kappa}\nT_end = {T_end}\nT_scale = {T_scale}\n"
        for kappa, T_end, T_scale in rng.uniform([0.3, 0.2, 0.95], [1.0, 0.28, 1.05], (6, 3))
    )
    run_file = make_run_file(text + entries)
    run(run_file, tmp_path, solve=ExponentialDecay())
    plan = make_plan(run_file)
    tables = tables_from_results(open_results(tmp_path / STORE))
    assert len(tables) == 6
    for setting, table in zip(plan.settings, tables.values(), strict=True):
        for source in plan.sources:
            paths = setting.of(source)
            histories = (paths.emulated() if cheap else paths).batch(0, 512 if cheap else 64).histories
            theta = np.where(setting.T_end < histories.T, histories.T - setting.T_end, 0.0).sum(axis=1)
            rows = table.rows(np.isclose(table.b_fm, source.b_fm))
            for state, mean in survival_average(rows, "total").items():
                exact = np.exp(-setting.kappa * (STATE_NAMES.index(state) + 1) * theta).mean()
                # 60 numbers: four errors, as the stand-in is no function of integrals
                error = 4 * mean.parts["correction"] + 1e-9 if cheap else 1e-12
                assert abs(mean.value - exact) < error
