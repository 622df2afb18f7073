import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from qtraj.errors import InputError
from qtraj.observables.bins import Bins
from qtraj.observables.curves import Band, RaaCurve, envelope
from qtraj.observables.estimate import Estimate
from qtraj.observables.feeddown import MESON_NAMES, FeedDown
from qtraj.observables.observable import modification, raa, raa_npart, survival_average
from qtraj.observables.sums import MesonSurvival, average, meson_survival
from qtraj.observables.table import SurvivalTable
from qtraj.states import STATE_NAMES

GROUP = FeedDown.named("group")
replicate_means = arrays(float, (5, 9), elements=st.floats(0, 1))
numerical_parts = arrays(float, 9, elements=st.floats(0, 0.1))


def survival(seed=0, **parts):
    return MesonSurvival(np.random.default_rng(seed).random((5, 9)), parts)


def test_raa_is_exactly_one_without_medium():
    for name, estimate in raa(GROUP, MesonSurvival(np.ones((4, 9)), {"mesh": 0.0})).items():
        assert (name, estimate.value, estimate.error) == (name, 1.0, 0.0)


@given(replicate_means, numerical_parts)
def test_errors_propagate_through_the_ratio(means, mesh):
    result = raa(GROUP, MesonSurvival(means, {"mesh": mesh}))
    by_hand = (GROUP.matrix @ (means * GROUP.sigma_direct).T).T / (GROUP.matrix @ GROUP.sigma_direct)
    for i, name in enumerate(MESON_NAMES):
        # rounding of sums of nine terms of order one
        assert result[name].value == pytest.approx(by_hand[:, i].mean(), abs=1e-14)
        assert result[name].parts["paths"] == pytest.approx(
            np.std(by_hand[:, i], ddof=1) / np.sqrt(5), abs=1e-14
        )
        # every survival off by its bound in one direction: the largest shift that R_AA can make
        shifted = GROUP.apply(means.mean(axis=0) + mesh)[i]
        assert result[name].value + result[name].parts["mesh"] == pytest.approx(shifted, abs=1e-14)


def test_correlation_between_states_is_kept():
    """States that rise and fall together: adding their errors in quadrature would give 0.71 of the truth."""
    means = np.linspace(0.4, 0.6, 5)[:, None] * np.ones(9)
    result = raa(GROUP, MesonSurvival(means, {}))
    error = np.std(means[:, 0], ddof=1) / np.sqrt(5)
    for estimate in result.values():
        assert estimate.parts["paths"] == pytest.approx(error, rel=1e-12)  # weights sum to one up to rounding


@given(replicate_means, replicate_means)
def test_regeneration_and_no_jump_add_to_the_total(total, no_jump):
    total, no_jump = MesonSurvival(total, {}), MesonSurvival(no_jump, {})
    parts, whole = (raa(GROUP, total - no_jump), raa(GROUP, no_jump)), raa(GROUP, total)
    for name in MESON_NAMES:
        # rounding of numbers of order one
        assert sum(part[name].value for part in parts) == pytest.approx(whole[name].value, abs=1e-14)


def test_errors_that_nobody_estimated_are_named():
    result = raa(GROUP, MesonSurvival(np.ones((2, 9)), {}, ("l_max",)))
    assert result["Y(1S)"].not_estimated == ("l_max", "cross sections")
    alone = raa(FeedDown.named("group", errors=False), MesonSurvival(np.ones((2, 9)), {}, ("l_max",)))
    assert alone["Y(1S)"].not_estimated == ("l_max", "feed-down fractions", "cross sections")


def test_a_curve_is_its_points_sorted_by_n_part():
    points = [survival(1, mesh=0.1), survival(2), survival(3, l_max=0.2)]
    curve = raa_npart(GROUP, points, [370, 50, 130])
    np.testing.assert_array_equal(curve.n_part, [50, 130, 370])
    for k, point in enumerate([points[1], points[2], points[0]]):
        for name, estimate in raa(GROUP, point).items():
            assert curve[name].value[k] == estimate.value
            assert curve[name].error[k] == estimate.error


@pytest.mark.parametrize("weighted", [False, True])
def test_both_roads_to_raa_give_one_value_and_one_error(weighted):
    """Replicates of solver runs, and a table of survivals: all parts of the error, weights and rare events on."""
    rng, n = np.random.default_rng(8), 40
    replicate = np.repeat([3, 1, 7, 5], n // 4)
    sizes = {"mesh": 1e-2, "time_step": 1e-3, "rare_events": 0.05, "statistical": 0.1}
    values = rng.random((2, n, 6))  # two geometries
    errors = {part: size * rng.random((2, n, 6)) for part, size in sizes.items()}
    weight = rng.random((2, n)) + 0.1 if weighted else np.ones((2, n))
    # replicates that count alike: that is what an average over replicates is
    weight /= np.array([np.bincount(replicate, w)[replicate] for w in weight])
    runs = []
    for k in range(2):
        survivals = {
            state: Estimate(values[k, :, j], {p: e[k, :, j] for p, e in errors.items()}, ("l_max",))
            for j, state in enumerate(STATE_NAMES)
        }
        runs.append(meson_survival(survivals, survivals, replicate, weight[k]))
        of_rows = Estimate(values[k], {p: e[k] for p, e in errors.items()}, ("l_max",))
        means = survival_average(SurvivalTable(of_rows, replicate, weight=weight[k]))
        for state, survival in survivals.items():
            assert_same(average(survival, replicate, weight[k]), means[state])
    table = SurvivalTable(
        Estimate(values.reshape(-1, 6), {p: e.reshape(-1, 6) for p, e in errors.items()}, ("l_max",)),
        np.tile(replicate, 2),
        weight=weight.ravel(),
        n_part=np.repeat([370.0, 50.0], n),
    )
    points = raa_npart(GROUP, runs, [370, 50])
    curve = modification().curve(table, Bins("N_part"), GROUP)
    np.testing.assert_array_equal(points.x, curve.x)
    for meson in MESON_NAMES:
        assert_same(points[meson], curve[meson])


def assert_same(one, other):
    assert set(one.parts) == set(other.parts) >= {"paths", "mesh", "time_step", "rare_events"}
    assert one.not_estimated == other.not_estimated
    np.testing.assert_allclose(one.value, other.value, rtol=1e-13)
    for part in one.parts:  # sums of the same numbers in another order
        np.testing.assert_allclose(one.parts[part], other.parts[part], rtol=1e-11, atol=1e-16)


def curve(values, n_part=(50, 130, 370), error=0.01):
    return RaaCurve(n_part, {"Y(1S)": Estimate(values, {"paths": error})})


@given(arrays(float, (4, 3), elements=st.floats(0, 1)))
def test_an_envelope_holds_every_setting_and_is_no_wider(values):
    curves = {str(i): curve(v) for i, v in enumerate(values)}
    band = envelope(curves, "Y(1S)", central="2", label="kappa")
    np.testing.assert_array_equal(band.low, values.min(axis=0))
    np.testing.assert_array_equal(band.high, values.max(axis=0))
    np.testing.assert_array_equal(band.central.value, values[2])
    # errors of the calculation stay beside the band
    np.testing.assert_array_equal(band.central.error, 0.01)


def test_mismatched_input_is_refused():
    with pytest.raises(InputError, match="one value per survival"):
        raa_npart(GROUP, [survival()], [50, 130])
    with pytest.raises(InputError, match="one value per survival"):
        raa_npart(GROUP, [], [])
    with pytest.raises(InputError, match="strictly increasing"):
        raa_npart(GROUP, [survival(), survival()], [50, 50])
    with pytest.raises(InputError, match="positive"):
        curve([1, 1, 1], n_part=(0, 1, 2))
    with pytest.raises(InputError, match="finite"):
        curve([1, 1, 1], n_part=(1, 2, np.nan))
    with pytest.raises(InputError, match="one value per N_part"):
        curve([1, 1])
    with pytest.raises(InputError, match=r"be one of Y\(1S\)"):
        curve([1, 1, 1])["Y(2S)"]
    with pytest.raises(InputError, match="be one of lower, upper"):
        envelope({"lower": curve([1, 1, 1]), "upper": curve([1, 1, 1])}, "Y(1S)", central="middle")
    with pytest.raises(InputError, match="at least one setting"):
        envelope({}, "Y(1S)", central="middle")
    with pytest.raises(InputError, match="N_part of the central"):
        envelope({"a": curve([1, 1, 1]), "b": curve([1, 1, 1], (1, 2, 3))}, "Y(1S)", central="a")
    with pytest.raises(InputError, match="between low and high"):
        Band("Y(1S)", [50], Estimate([0.5]), [0.6], [0.7])
    with pytest.raises(InputError, match="state"):
        Band("1S", [50], Estimate([0.5]), [0.5], [0.5])
