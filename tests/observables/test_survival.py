import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import chi2, qmc

from qtraj.errors import InputError
from qtraj.observables.estimate import Estimate
from qtraj.observables.feeddown import MESON_NAMES
from qtraj.observables.sums import MesonSurvival, average, meson_survival, scatter

REPLICATE = np.repeat(np.arange(4), 8)
values_of_32 = arrays(float, 32, elements=st.floats(0, 1))


def test_value_and_error_by_hand():
    # replicate means 0.2 and 0.4: mean 0.3, error |0.4 - 0.2|/2
    estimate = average([0.1, 0.5, 0.3, 0.3], [7, 9, 7, 9])
    assert estimate.value == pytest.approx(0.3, rel=1e-15)
    assert estimate.parts["paths"] == pytest.approx(0.1, rel=1e-14)
    assert set(estimate.parts) == {"paths"}


@given(values_of_32, st.permutations(range(32)))
def test_the_order_of_paths_does_not_matter(values, order):
    shuffled = average(values[order], REPLICATE[order])
    straight = average(values, REPLICATE)
    # rounding of sums of 32 terms of order one
    assert shuffled.value == pytest.approx(straight.value, abs=1e-14)
    assert shuffled.parts["paths"] == pytest.approx(straight.parts["paths"], abs=1e-14)


@given(values_of_32)
def test_the_average_of_equal_replicates_is_the_plain_mean(values):
    assert average(values, REPLICATE).value == pytest.approx(np.mean(values), abs=1e-14)  # rounding


@given(values_of_32, st.floats(0, 3), st.floats(-1, 1))
def test_the_average_is_linear(values, factor, shift):
    estimate, moved = average(values, REPLICATE), average(factor * values + shift, REPLICATE)
    # rounding of numbers of order three
    assert moved.value == pytest.approx(factor * estimate.value + shift, abs=1e-13)
    assert moved.parts["paths"] == pytest.approx(factor * estimate.parts["paths"], abs=1e-13)


def test_a_weight_counts_like_repeated_paths():
    values, weights = np.array([0.1, 0.4, 0.2, 0.7]), np.array([3, 1, 2, 2])
    weighted = average(values, [0, 0, 1, 1], weights)
    repeated = average(np.repeat(values, weights), np.repeat([0, 0, 1, 1], weights))
    assert weighted.value == pytest.approx(repeated.value, rel=1e-14)
    assert weighted.parts["paths"] == pytest.approx(repeated.parts["paths"], rel=1e-13)


def test_numerical_parts_average_linearly_and_statistical_ones_are_in_the_scatter():
    parts = {"mesh": np.arange(32.0), "time_step": 0.5, "statistical": np.ones(32)}
    estimate = average(Estimate(np.zeros(32), parts, ("potential",)), REPLICATE)
    assert estimate.parts == {"paths": 0.0, "mesh": pytest.approx(15.5), "time_step": pytest.approx(0.5)}
    assert estimate.not_estimated == ("potential",)


def test_the_error_is_the_spread_of_the_averages():
    """Over many samples, the mean of paths^2 is the variance of the average: the estimator is unbiased."""
    rng = np.random.default_rng(1)
    estimates = [average(rng.random(32), REPLICATE) for _ in range(2000)]
    variance = np.mean([e.parts["paths"] ** 2 for e in estimates])
    # uniform numbers: variance 1/12 of one, 1/(12 x 32) of the mean; with four replicates paths^2 has a
    # relative width of sqrt(2/3), so its mean over 2000 samples is known to 2 %: five standard errors
    assert variance == pytest.approx(1 / 12 / 32, rel=5 * np.sqrt(2 / 3 / 2000))


def test_the_error_is_known_to_one_over_root_two_r_minus_one():
    rng = np.random.default_rng(2)
    replicates = 9
    errors = scatter(rng.normal(size=(replicates, 20000)))
    # chi with 8 degrees of freedom: 1/sqrt(2 (R - 1)) is its relative width up to 1/(8 (R - 1)) = 1.6 %
    assert np.std(errors) / np.mean(errors) == pytest.approx(1 / np.sqrt(2 * (replicates - 1)), rel=0.03)
    # and its distribution is that chi: 5 % quantile within five standard errors of sqrt(0.05 0.95 / 20000)
    below = np.mean(errors**2 * replicates * (replicates - 1) < chi2.ppf(0.05, replicates - 1))
    assert below == pytest.approx(0.05, abs=0.0077)


def test_sobol_replicates_show_their_true_error():
    """On a smooth function scramblings scatter far less than independent points, and honestly."""
    replicates, n = 16, 64
    points = np.concatenate([qmc.Sobol(2, rng=seed).random(n) for seed in range(replicates)])
    estimate = average(np.exp(-points.sum(axis=1)), np.repeat(np.arange(replicates), n))
    exact = (1 - np.exp(-1)) ** 2
    # the deviation in units of its error follows Student's t with 15 degrees of freedom: |t| < 5 but for 2e-4
    assert abs(estimate.value - exact) < 5 * estimate.parts["paths"]
    independent = np.std(np.exp(-points.sum(axis=1))) / np.sqrt(replicates * n)
    assert estimate.parts["paths"] < independent / 5


@pytest.mark.parametrize(
    ("survival", "replicate", "weights", "words"),
    [
        (np.ones(4), [0, 0, 0, 0], None, "at least 2 replicates"),
        ([], [], None, "at least 2 replicates"),
        (np.ones(3), [0, 0, 1], None, "same number"),
        (np.ones(5), [0, 0, 1, 1], None, "one value per path"),
        ([1, np.nan, 1, 1], [0, 0, 1, 1], None, "finite"),
        (np.ones(4), [[0, 0], [1, 1]], None, "shape"),
        (np.ones(4), [0, 0, 1, 1], [1, 1, 0, 0], "positive sum"),
        (np.ones(4), [0, 0, 1, 1], [1, -1, 1, 1], "non-negative"),
        (np.ones(4), [0, 0, 1, 1], [1, 1, 1], "non-negative"),
    ],
)
def test_an_average_without_an_error_is_refused(survival, replicate, weights, words):
    with pytest.raises(InputError, match=words):
        average(survival, replicate, weights)


def runs(seed=0):
    rng = np.random.default_rng(seed)
    return (
        {s: Estimate(rng.random(32), {"mesh": 0.01 * rng.random(32)}) for s in ("1S", "2S", "3S")},
        {s: Estimate(rng.random(32), {"l_max": rng.random(32)}, ("time_step",)) for s in ("1P", "2P")},
    )


def test_each_meson_takes_the_survival_of_its_radial_state():
    s_wave, p_wave = runs()
    survival = meson_survival(s_wave, p_wave, REPLICATE)
    radial = dict(zip(MESON_NAMES, ["1S", "2S", "1P", "1P", "1P", "3S", "2P", "2P", "2P"], strict=True))
    for meson, state in radial.items():
        expected = average({**s_wave, **p_wave}[state], REPLICATE)
        assert survival[meson].value == pytest.approx(expected.value, rel=1e-14)
        assert survival[meson].error == pytest.approx(expected.error, rel=1e-13)
    assert survival["Y(1S)"].parts["l_max"] == survival["chi_b0(1P)"].parts["mesh"] == 0.0
    assert survival.not_estimated == ("time_step",)


def test_a_difference_is_formed_inside_each_replicate():
    s_wave, p_wave = runs()
    total = meson_survival(s_wave, p_wave, REPLICATE)
    shifted = MesonSurvival(total.replicates - 0.125, {"mesh": 0.5})
    difference = total - shifted
    # paths move both alike, so nothing of their scatter is left; rounding of numbers of order one
    np.testing.assert_allclose(difference.estimate.value, 0.125, atol=1e-15)
    np.testing.assert_allclose(difference.estimate.parts["paths"], 0.0, atol=1e-15)
    np.testing.assert_array_equal(difference.numerical["mesh"], total.numerical["mesh"] + 0.5)
    np.testing.assert_array_equal(difference.numerical["l_max"], total.numerical["l_max"])


def test_missing_states_and_wrong_shapes_are_refused():
    s_wave, p_wave = runs()
    with pytest.raises(InputError, match=r"`p_wave` must hold the state 1P.*l = 1"):
        meson_survival(s_wave, s_wave, REPLICATE)
    with pytest.raises(InputError, match="one value per path"):
        meson_survival(s_wave, p_wave, np.repeat(np.arange(4), 4))
    with pytest.raises(InputError, match="at least 2"):
        MesonSurvival(np.ones((1, 9)), {})
    with pytest.raises(InputError, match="shape"):
        MesonSurvival(np.ones((2, 8)), {})
    with pytest.raises(InputError, match="finite"):
        MesonSurvival(np.full((2, 9), np.inf), {})
    with pytest.raises(InputError, match="non-negative"):
        MesonSurvival(np.ones((2, 9)), {"mesh": -0.1})
    with pytest.raises(InputError, match="shape"):
        MesonSurvival(np.ones((2, 9)), {}) - MesonSurvival(np.ones((3, 9)), {})
    with pytest.raises(InputError, match=r"chi_b0\(1P\)"):
        MesonSurvival(np.ones((2, 9)), {})["chi_b(1P)"]
