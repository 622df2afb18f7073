"""The design is a campaign: resumed, reused, and its numbers those of the run files that its settings stand for."""

import numpy as np
import pytest
from stand_in import ExponentialDecay, make_run_file

from qtraj.errors import InputError
from qtraj.inference import LogUniform, Parameter, Parameters, Uniform
from qtraj.inference.design import compute_design, settings_of
from qtraj.observables import FeedDown, load_data, theory_at

RUN_FILE = """
[system]
preset = "PbPb5020"
[model]
kappa = [1.0]
gamma = [0.0]
[medium]
T_end = 0.25
b_fm = [0.0, 6.0, 10.4]
[paths]
n = 4
replicates = 2
[output]
directory = "unused"
"""
PARAMETERS = Parameters([Parameter("kappa", LogUniform(0.05, 0.4)), Parameter("T_end", Uniform(0.2, 0.3))])
DATA = (
    *load_data("R_AA", system="PbPb", sqrt_s_GeV=5020, experiment="CMS", x_name="N_part"),
    *load_data("v2", system="PbPb", sqrt_s_GeV=5020, experiment="CMS", x_name="centrality_pct"),
)


def computed(folder, solve=None, count=3, run_file=RUN_FILE, **options):
    solve = solve or ExponentialDecay()
    return compute_design(
        make_run_file(run_file), PARAMETERS, DATA, folder, count=count, solve=solve, **options
    )


@pytest.fixture(scope="module")
def design(tmp_path_factory):
    return computed(tmp_path_factory.mktemp("design"))


def test_the_values_are_those_of_a_run_with_these_parameters(design, tmp_path):
    from qtraj.campaign.results import open_results
    from qtraj.campaign.run import STORE, run
    from qtraj.io.survivals import tables_from_results
    from qtraj.observables import load_system, with_geometry

    kappa, T_end = design.points[1].tolist()
    alone = make_run_file(
        RUN_FILE.replace("[1.0]", f"[{kappa!r}]").replace("T_end = 0.25", f"T_end = {T_end!r}")
    )
    run(alone, tmp_path, solve=ExponentialDecay())
    (table,) = tables_from_results(open_results(tmp_path / STORE)).values()
    table = with_geometry(table, load_system("PbPb5020").geometry)
    feeddown = FeedDown.named("group")
    expected = [theory_at(data, table, feeddown) for data in design.datasets]
    np.testing.assert_allclose(design.values[1], np.concatenate([e.value for e in expected]), rtol=1e-12)
    # named shifts take the place of the errors of branching fractions, or these are negligible and in the errors
    start = 0
    for data, estimate in zip(design.datasets, expected, strict=True):
        points = slice(start, start := start + len(data))
        measured = estimate.parts["branching"]
        named = np.linalg.norm(design.shifts[1][:, points], axis=0)
        if np.any(named):
            np.testing.assert_allclose(named, measured, rtol=0.02)  # one side of a nearly linear function
        else:
            assert np.all(measured <= 0.02 * np.fmax(data.total_plus, data.total_minus))
    assert set(design.shift_names) <= set(feeddown.matrix_shifts)


def test_points_without_a_prediction_are_left_out(design):
    assert np.all(np.isfinite(design.values))
    assert sum(map(len, design.datasets)) == design.values.shape[1] < sum(map(len, DATA))
    computed_to = 30  # participants at b = 10.4 fm are 62; the curve is not extended far
    assert all(np.all(data.x > computed_to) for data in design.datasets if data.x_name == "N_part")


def test_a_design_goes_on_after_an_interruption_and_is_read_once_finished(design, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        computed(tmp_path, ExponentialDecay(interrupt_at=7))
    again = ExponentialDecay()
    resumed = computed(tmp_path, again)
    assert len(again.calls) == 3 * 3 * 2 - 7
    np.testing.assert_array_equal(resumed.values, design.values)
    nothing = ExponentialDecay()
    np.testing.assert_array_equal(computed(tmp_path, nothing).shifts, design.shifts)
    assert not nothing.calls
    # a longer one solves what is new
    more = ExponentialDecay()
    longer = computed(tmp_path, more, count=4)
    assert len(more.calls) == 3 * 2
    np.testing.assert_array_equal(longer.rows(slice(3)).values, design.values)


def test_knots_of_kappa_are_straight_lines_between_them_and_constant_beyond():
    knots = Parameters([Parameter(f"kappa@{T}", Uniform(1, 9)) for T in (0.2, 0.4)])
    (entry,) = settings_of(knots, np.array([[8.0, 2.0]]))
    (setting,) = make_run_file(RUN_FILE + "[[settings]]\n").config.settings
    from qtraj.campaign.plan import settings
    from qtraj.io.factory import model_of
    from qtraj.io.inference import toml_text

    assert setting.kappa is None
    run_file = make_run_file(RUN_FILE + toml_text({"settings": [entry]}))
    (chosen,) = settings(run_file.config)
    kappa = model_of(run_file, chosen.kappa, chosen.gamma).transport.kappa_hat
    np.testing.assert_allclose(
        kappa([0.15, 0.2, 0.25, 0.3, 0.37, 0.4, 0.7]), [8, 8, 6.5, 5, 2.9, 2, 2], rtol=1e-9
    )


def test_every_parameter_has_its_key_of_a_setting():
    names = ["gamma", "T_scale", "tau_start_fm", "alpha_s", "md_over_T"]
    many = Parameters([Parameter(name, Uniform(0.1, 0.5)) for name in names])
    (entry,) = settings_of(many, np.array([[0.1, 0.2, 0.3, 0.4, 0.5]]))
    potential = {"alpha_s": 0.4, "md_over_T": 0.5}
    assert entry == {"gamma": 0.1, "T_scale": 0.2, "from_fm": 0.3, "potential": potential}


def test_what_does_not_go_together_is_refused_before_anything_is_solved(tmp_path):
    never = ExponentialDecay(interrupt_at=0)
    with pytest.raises(InputError, match="have no settings"):
        computed(tmp_path, never, run_file=RUN_FILE + "[[settings]]\nkappa = 2.0\n")
    with pytest.raises(InputError, match=r"be of OO at 5360 GeV"):
        computed(tmp_path, never, run_file=RUN_FILE.replace("PbPb5020", "OO5360").replace("b_fm", "# b_fm"))
    start = Parameters([Parameter("tau_start_fm", Uniform(0.1, 0.5))])
    with pytest.raises(InputError, match="have early in"):
        compute_design(make_run_file(RUN_FILE), start, DATA, tmp_path, solve=never)
