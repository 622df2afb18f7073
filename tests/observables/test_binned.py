"""R_AA and double ratios of a table: identities, and errors against resampling."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qtraj.errors import InputError
from qtraj.observables.bins import Bins
from qtraj.observables.curves import curve_band
from qtraj.observables.estimate import Estimate
from qtraj.observables.feeddown import MESON_NAMES, FeedDown
from qtraj.observables.observable import Observable, double_ratio_curve, raa, raa_curve, survival_average
from qtraj.observables.sums import ONE_GROUP, MesonSurvival, average
from qtraj.observables.table import MESON_COLUMNS, SurvivalTable

GROUP, PDG = FeedDown.named("group"), FeedDown.named("pdg2026")
ALL = Bins("integrated")


def random_table(seed=0, replicates=8, rows=16, **columns):
    """States that share their paths: hot paths lose all of them."""
    rng = np.random.default_rng(seed)
    n = replicates * rows
    heat = rng.random((n, 1))
    survival = np.exp(-np.array([1, 2, 2, 3, 3, 4]) * heat)
    given = {
        "survival": Estimate(survival, {"mesh": 0.01 * survival, "time_step": 0.002 + 0 * survival}),
        "replicate": np.repeat(np.arange(replicates), rows),
        "no_jump": 0.3 * survival,
        "pT": 10 * rng.random(n),
        "weight": rng.random(n),
    }
    return SurvivalTable(**(given | columns))


@pytest.mark.parametrize("feeddown", [GROUP, PDG], ids=["group", "pdg2026"])
@pytest.mark.parametrize("bins", [ALL, Bins.edges("pT_GeV", [0, 3, 10])], ids=["all", "pT"])
def test_raa_is_exactly_one_without_medium(feeddown, bins):
    curve = raa_curve(random_table(survival=np.ones((128, 6))), bins, feeddown)
    for name in MESON_NAMES:
        assert np.all(curve[name].value == 1.0)
        assert np.all(curve[name].parts["paths"] < 1e-15)  # rounding of derivatives that cancel
        # whatever the fractions, nothing is lost
        assert np.all(curve[name].parts["branching"] < 1e-15)


def test_one_bin_of_equal_weights_is_the_average_over_replicates():
    table = random_table(weight=None)
    curve = raa_curve(table, ALL, GROUP)
    means = table.survival.value.reshape(8, 16, 6).mean(axis=1)[:, MESON_COLUMNS]
    numerical = {n: p.mean(axis=0)[MESON_COLUMNS] for n, p in table.survival.parts.items()}
    expected = raa(GROUP, MesonSurvival(means, numerical))
    for name in MESON_NAMES:
        assert curve[name].value[0] == pytest.approx(expected[name].value, rel=1e-14)
        for part in ("paths", "mesh", "time_step"):
            # rounding: both are the scatter of eight replicate means and a linear sum
            assert curve[name].parts[part][0] == pytest.approx(expected[name].parts[part], rel=1e-12)


def test_a_mean_of_one_state_agrees_with_the_average_over_replicates():
    table = random_table(weight=None)
    expected = average(Estimate(table.survival.value[:, 0]), table.replicate)
    found = survival_average(table)["1S"]
    assert found.value == pytest.approx(expected.value, rel=1e-14)
    assert found.parts["paths"] == pytest.approx(expected.parts["paths"], rel=1e-12)


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_no_jump_and_regeneration_add_to_the_total(seed):
    table = random_table(seed, rows=4)
    total, still, back = (raa_curve(table, ALL, PDG, part=p) for p in ("total", "no_jump", "regeneration"))
    for name in MESON_NAMES:
        assert still[name].value + back[name].value == pytest.approx(total[name].value, abs=1e-14)  # rounding


@settings(max_examples=15)
@given(st.floats(1e-3, 1e3))
def test_only_ratios_of_weights_count(factor):
    table = random_table()
    scaled = random_table(weight=factor * table.weight)
    for curve in (raa_curve, double_ratio_curve):
        for name, estimate in curve(table, ALL, GROUP).values.items():
            other = curve(scaled, ALL, GROUP)[name]
            assert other.value == pytest.approx(estimate.value, rel=1e-12)
            assert other.parts["paths"] == pytest.approx(estimate.parts["paths"], rel=1e-9)


def bootstrap(table, curve, name, n=2000):
    """Standard deviation over resampled groups."""
    rng = np.random.default_rng(5)
    labels = np.unique(table.replicate)
    rows = [np.flatnonzero(table.replicate == label) for label in labels]
    means = []
    for _ in range(n):
        drawn = rng.integers(len(labels), size=len(labels))
        sample = table.rows(np.concatenate([rows[i] for i in drawn]))
        means.append(curve(sample, ALL, GROUP)[name].value[0])
    # resampling R groups gives (R - 1)/R of the variance
    return np.std(means, ddof=1) * np.sqrt(len(labels) / (len(labels) - 1))


@pytest.mark.parametrize(
    ("curve", "name"),
    [(double_ratio_curve, "Y(2S)/Y(1S)"), (double_ratio_curve, "Y(3S)/Y(1S)"), (raa_curve, "Y(1S)")],
)
def test_errors_agree_with_a_bootstrap_over_groups(curve, name):
    table = random_table(2, replicates=64, rows=4)
    bare = FeedDown(GROUP.matrix, GROUP.sigma_exp)
    found = curve(table, ALL, bare)[name].parts["paths"][0]
    # 400 resamples know a standard deviation to 3.5 %, the linearization is good to about 1/R: 3 sigma is 12 %
    assert found == pytest.approx(bootstrap(table, curve, name, n=400), rel=0.12)


def test_a_naive_quotient_error_would_be_wrong():
    """States rise and fall together, so most of the error cancels in the ratio."""
    table = random_table(2, replicates=64, rows=4)
    ratio = double_ratio_curve(table, ALL, GROUP)["Y(2S)/Y(1S)"]
    both = raa_curve(table, ALL, GROUP)
    relative = [both[name].parts["paths"][0] / both[name].value[0] for name in ("Y(1S)", "Y(2S)")]
    assert ratio.parts["paths"][0] / ratio.value[0] < 0.6 * np.hypot(*relative)


def test_errors_of_branching_fractions_are_those_of_fractions_drawn_at_random():
    table = random_table(4)
    survival = np.average(table.survival.value, weights=table.weight, axis=0)[MESON_COLUMNS]
    rng = np.random.default_rng(6)
    shifts = np.stack(list(PDG.matrix_shifts.values()))
    drawn = []
    for _ in range(2000):
        matrix = PDG.matrix + np.tensordot(rng.standard_normal(len(shifts)), shifts, 1)
        drawn.append(FeedDown(np.maximum(matrix, 0), PDG.sigma_exp).apply(survival))
    curve = raa_curve(table, ALL, PDG)
    for i in (0, 1):
        expected = np.std(drawn, axis=0)[i]
        # 2000 draws know a standard deviation to 1.6 %; linearization: the errors are a few percent of 1
        assert curve[MESON_NAMES[i]].parts["branching"][0] == pytest.approx(expected, rel=0.06)
    assert curve["Y(1S)"].not_estimated == ("cross sections",)


def test_errors_of_cross_sections_enter_when_they_are_known():
    error = 0.1 * np.asarray(GROUP.sigma_exp)
    known = FeedDown(GROUP.matrix, GROUP.sigma_exp, sigma_exp_error=error)
    curve = raa_curve(random_table(), ALL, known)
    assert curve["Y(1S)"].parts["cross_sections"][0] > 0
    assert curve["Y(1S)"].not_estimated == ("feed-down fractions",)
    common = FeedDown(GROUP.matrix, 1.1 * np.asarray(GROUP.sigma_exp))
    assert raa_curve(random_table(), ALL, common)["Y(1S)"].value == pytest.approx(curve["Y(1S)"].value)


def test_waves_of_separate_runs_join_with_independent_errors():
    """Rows that know S waves and rows that know P waves: means of each, and no correlation between them."""
    full = random_table(weight=None)
    s_wave, p_wave = full.survival.value.copy(), full.survival.value.copy()
    s_wave[:, [2, 4]], p_wave[:, [0, 1, 3, 5]] = np.nan, np.nan
    joined = SurvivalTable(np.concatenate([s_wave, p_wave]), np.arange(2 * len(full)))
    curve = raa_curve(joined, ALL, GROUP)
    assert curve["Y(1S)"].value == pytest.approx(raa_curve(full, ALL, GROUP)["Y(1S)"].value, rel=1e-14)
    n = len(full)
    # R = n for each wave: the standard error of a mean
    found = survival_average(joined)["1P"].parts["paths"]
    assert found == pytest.approx(np.std(full.survival.value[:, 2], ddof=1) / np.sqrt(n), rel=1e-12)
    C = GROUP.apply(np.eye(9))  # row j: what a survival of the parent j gives each daughter
    weights = np.array([C[k == MESON_COLUMNS, 0].sum() for k in range(6)])
    by_wave = [(full.survival.value[:, k] @ weights[k]).std(ddof=1) for k in ([0, 1, 3], [2, 4])]
    assert curve["Y(1S)"].parts["paths"][0] == pytest.approx(np.hypot(*by_wave) / np.sqrt(n), rel=1e-12)


def test_one_group_alone_has_no_error_and_says_so():
    curve = raa_curve(random_table(replicates=1), ALL, GROUP)
    assert "paths" not in curve["Y(1S)"].parts
    assert ONE_GROUP in curve["Y(1S)"].not_estimated


def test_bins_of_a_fixed_geometry_and_of_a_range():
    table = random_table(b_fm=np.tile([2.3, 6.0, 9.2, 11.6], 32))
    assert raa_curve(table, Bins("b_fm"), GROUP).x.tolist() == [2.3, 6.0, 9.2, 11.6]
    curve = raa_curve(table, Bins.edges("pT_GeV", [0, 5, 10]), GROUP, ranges={"b_fm": (2, 7)})
    assert curve.x_low.tolist() == [0, 5]
    assert curve.selection == "2 <= b_fm < 7"
    assert np.all((curve.x > curve.x_low) & (curve.x < curve.x_high))


def test_a_curve_is_interpolated_and_never_extrapolated():
    curve = raa_curve(random_table(b_fm=np.tile([2.3, 6.0, 9.2, 11.6], 32)), Bins("b_fm"), GROUP)
    between = curve.at("Y(1S)", [1.0, 2.3, 7.0])
    assert np.isnan(between.value[0])
    assert between.value[1] == pytest.approx(curve["Y(1S)"].value[0], rel=1e-14)
    low, high = sorted(curve["Y(1S)"].value[1:3])
    assert low <= between.value[2] <= high  # monotone
    assert "interpolation in b_fm" in between.not_estimated


def test_a_band_spans_the_settings_around_the_first():
    curves = [raa_curve(random_table(seed), ALL, GROUP) for seed in range(3)]
    values = [curve["Y(2S)"].value[0] for curve in curves]
    band = curve_band(curves, "Y(2S)", "seeds")
    assert (band.low[0], band.central.value[0], band.high[0]) == (min(values), values[0], max(values))


@settings(max_examples=5)
@given(st.sampled_from(["Y(4S)", "1S", ""]))
def test_unknown_mesons_are_refused(name):
    with pytest.raises(InputError, match="`pairs`"):
        double_ratio_curve(random_table(), ALL, GROUP, pairs=[("Y(1S)", name)])


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: Bins("npart"), "be one of b_fm, N_part"),
        (lambda: Bins.edges("pT_GeV", [0, 0, 1]), "low < high"),
        (lambda: raa_curve(random_table(), Bins.edges("pT_GeV", [50, 60]), GROUP), "hold rows of the table"),
        (lambda: raa_curve(random_table(), Bins("N_part"), GROUP), "lacks n_part"),
        (lambda: raa_curve(random_table(), ALL, GROUP).at("Y(1S)", [1.0]), "at least two increasing points"),
        (lambda: raa_curve(random_table(), ALL, GROUP)["Y(4S)"], r"be one of Y\(1S\)"),
    ],
)
def test_bins_without_an_answer_are_refused(ask, words):
    with pytest.raises(InputError, match=words):
        ask()


@pytest.mark.parametrize("feeddown", [GROUP, PDG], ids=["group", "pdg2026"])
def test_errors_of_measured_input_of_a_ratio_are_those_of_input_drawn_at_random(feeddown):
    """Numerator and denominator share fractions and cross sections; so does the bootstrap."""
    table = random_table(4)
    error = 0.08 * np.asarray(feeddown.sigma_exp)
    known = FeedDown(
        feeddown.matrix, feeddown.sigma_exp, matrix_shifts=feeddown.matrix_shifts, sigma_exp_error=error
    )
    survival = np.average(table.survival.value, weights=table.weight, axis=0)[MESON_COLUMNS]
    rng = np.random.default_rng(7)
    shifts = np.stack(list(known.matrix_shifts.values()))
    drawn = {"branching": [], "cross_sections": []}
    for _ in range(1500):
        matrix = known.matrix + np.tensordot(rng.standard_normal(len(shifts)), shifts, 1)
        sigma = known.sigma_exp + error * rng.standard_normal(9)
        for part, one in (
            ("branching", FeedDown(np.maximum(matrix, 0), known.sigma_exp)),
            ("cross_sections", FeedDown(known.matrix, sigma)),
        ):
            raa_drawn = one.apply(survival)
            drawn[part].append(raa_drawn[1] / raa_drawn[0])
    found = double_ratio_curve(table, ALL, known)["Y(2S)/Y(1S)"]
    for part, ratios in drawn.items():
        # 1500 draws know a standard deviation to 1.8 %; linearization: the errors are below a tenth
        assert found.parts[part][0] == pytest.approx(np.std(ratios), rel=0.08)
    assert found.not_estimated == ()


def test_errors_of_fractions_can_be_left_out():
    bare = raa_curve(random_table(), ALL, FeedDown.named("group", errors=False))["Y(1S)"]
    full = raa_curve(random_table(), ALL, GROUP)["Y(1S)"]
    assert set(full.parts) - set(bare.parts) == {"branching"}
    assert bare.value == full.value
    assert "feed-down fractions" in bare.not_estimated


def test_an_observable_of_ones_own_has_the_errors_of_all_others():
    """1 - R_AA: another value, the same error; and a name alone computes nothing."""
    R_AA = Observable.named("R_AA")
    lost = Observable(
        "lost", "Share that is lost", "1 - R_AA", "lost", lambda f: lambda sums: 1 - R_AA.statistic(f)(sums)
    )
    table = random_table()
    found, raa = (each.curve(table, Bins.edges("pT_GeV", [0, 3, 10]), PDG) for each in (lost, R_AA))
    for name in MESON_NAMES:
        np.testing.assert_allclose(found[name].value, 1 - raa[name].value, rtol=1e-13)
        np.testing.assert_allclose(found[name].error, raa[name].error, rtol=1e-12)
        assert found[name].parts.keys() == raa[name].parts.keys()
    with pytest.raises(InputError, match="be R_AA, R_pA, double_ratio"):
        Observable.named("lost").curve(table, ALL, PDG)


@pytest.mark.parametrize("name", ["R_AA", "R_pA", "double_ratio", "v2", "v13", "survival"])
def test_a_named_observable_is_its_name_and_knows_its_value_without_a_medium(name):
    observable = Observable.named(name)
    assert observable.name == name
    assert observable.statistic is not None
    phi = 2 * np.pi * np.arange(128) / 128
    curve = observable.curve(random_table(survival=np.ones((128, 6)), phi=phi, weight=None), ALL, GROUP)
    for value in curve.values.values():
        np.testing.assert_allclose(value.value, observable.unmodified, atol=1e-14)


def sampled(rng, paths, error, rare=None):
    """Return rows of equal paths whose regenerated part was sampled, each with this statistical error."""
    no_jump = np.full((paths, 6), 0.5)
    value = no_jump + 0.1 + error * rng.normal(size=(paths, 6))
    parts = {"statistical": np.full((paths, 6), error)}
    if rare is not None:
        parts["rare_events"] = np.broadcast_to(rare, (paths, 6))
    return SurvivalTable(Estimate(value, parts), np.arange(paths), no_jump=no_jump)


def test_statistical_errors_of_paths_are_in_their_scatter_once_and_in_quadrature():
    rng, feeddown = np.random.default_rng(4), FeedDown.named("group", errors=False)
    error, paths = 0.02, 64
    answers = [
        raa_curve(sampled(rng, paths, error), Bins("integrated"), feeddown)["Y(1S)"] for _ in range(200)
    ]
    # the paths are equal: all scatter is that of the trajectories
    truth = np.std([answer.value[0] for answer in answers], ddof=1)
    quoted = np.mean([answer.error[0] for answer in answers])
    assert quoted == pytest.approx(truth, rel=0.15)  # 200 draws know it to 5 %
    assert quoted < 0.5 * error  # not the average of the errors of the paths
    assert all(set(answer.parts) == {"paths"} for answer in answers)


def test_one_path_has_the_statistical_error_of_its_trajectories():
    table = sampled(np.random.default_rng(4), 1, 0.02)
    mean = survival_average(table)["1S"]
    assert mean.parts == {"statistical": pytest.approx(0.02)}
    assert ONE_GROUP in mean.not_estimated
    twice = SurvivalTable(table.survival[[0, 0]], [0, 0])
    assert survival_average(twice)["1S"].parts["statistical"] == pytest.approx(0.02 / np.sqrt(2))


def test_rare_events_of_many_paths_are_those_of_one_large_sample():
    rng = np.random.default_rng(4)
    bound = 0.6

    def part(table):
        return survival_average(table)["1S"].parts["rare_events"]

    # every path regenerates: 25 of them are more than 20 contributions, whose scatter is a safe error
    assert part(sampled(rng, 25, 1e-3, rare=bound)) == 0
    # three unseen events at most among the trajectories of all paths, not of each
    assert part(sampled(rng, 10, 1e-3, rare=bound)) == pytest.approx(bound / 10)
    of_one = average(sampled(rng, 10, 1e-3, rare=bound).survival[:, 0], np.arange(10))
    assert of_one.parts["rare_events"] == pytest.approx(bound / 10)
    # one path carries all that was seen
    few = sampled(rng, 25, 1e-3, rare=bound)
    value = few.no_jump.value.copy()
    value[3] += 0.1
    few = SurvivalTable(Estimate(value, few.survival.parts), few.replicate, no_jump=few.no_jump)
    assert part(few) == pytest.approx(bound / 25)
    # unless its own trajectories are many
    rare = np.full((25, 6), bound)
    rare[3] = 0.0
    parts = {**few.survival.parts, "rare_events": rare}
    assert part(SurvivalTable(Estimate(value, parts), few.replicate, no_jump=few.no_jump)) == 0
