"""Closure, coverage and ranks: exact for exact posteriors, and found wrong for wrong ones."""

import numpy as np
import pytest
from inference_models import gaussian_priors, linear, measured
from scipy import stats

from qtraj.errors import InputError
from qtraj.inference import Calibration, Likelihood, Parameter, Parameters, Uniform, calibrate, closure

DATA = [measured(np.linspace(0.7, 0.4, 8), stat=0.04, syst=0.03, relative=0.05)]


def ranked(width, truths=400, draws=99):
    """Ranks of Gaussian posteriors whose width is wrong by a factor."""
    rng = np.random.default_rng(1)
    truth = rng.standard_normal((truths, 2))
    data = truth + rng.standard_normal((truths, 2))
    samples = data[:, None] / 2 + width * np.sqrt(0.5) * rng.standard_normal((truths, draws, 2))
    below = np.sum(samples < truth[:, None], axis=1)
    distance = (
        np.sum((samples - data[:, None] / 2) ** 2, axis=2) - np.sum((truth - data / 2) ** 2, axis=1)[:, None]
    )
    ranks = np.concatenate([below, np.sum(distance < 0, axis=1)[:, None]], axis=1)
    return Calibration(gaussian_priors(), truth, ranks, draws)


def test_right_posteriors_pass_and_wrong_ones_do_not():
    """Exact conjugate Gaussians; seeds fixed, chance of a false alarm 1 % a row of coverage and 1e-3 a p-value."""
    right, narrow, wide = ranked(1.0), ranked(0.7), ranked(1.4)
    for level in (0.68, 0.95):
        assert right.coverage(level)["good"].all()
        assert np.allclose(right.coverage(level)["expected"], level, atol=0.011)  # a hundred ranks
        assert not narrow.coverage(level)["good"].any()
    assert not wide.coverage(0.68)["good"].any()
    assert min(right.uniformity().values()) > 1e-3
    assert max(*narrow.uniformity().values(), *wide.uniformity().values()) < 1e-3
    counts, expected = right.histogram(20)
    assert counts.shape == (3, 20)
    assert (counts.sum(axis=1) == 400).all()
    assert expected == 20
    with pytest.raises(InputError, match="divide"):
        right.histogram(7)


def test_what_cannot_be_calibrated_is_refused():
    likelihood = Likelihood(DATA, linear(8))
    with pytest.raises(InputError, match=r"truth\['kappa'\]"):
        closure(likelihood, [-1.0, 0.0])
    with pytest.raises(InputError, match="`truth`"):
        closure(likelihood, {"kappa": 4.0})
    with pytest.raises(InputError, match="`sampler`"):
        closure(likelihood, [4.0, 0.0], sampler="mcmc")
    limit = measured([0.1], stat=np.nan, total_plus=np.nan, total_minus=np.nan, upper_limit_cl=0.95)
    with pytest.raises(InputError, match="upper limits"):
        calibrate(Likelihood([limit], linear(1)))
    for sampler, other in (("nuts", {"live": 100}), ("nested", {"warmup": 100})):
        with pytest.raises(InputError, match=f"`{next(iter(other))}`.*sampler='{sampler}'"):
            calibrate(likelihood, sampler=sampler, **other)


@pytest.mark.slow
@pytest.mark.parametrize(("sampler", "options"), [("nested", {"live": 100}), ("nuts", {"chains": 2})])
def test_closure_recovers_a_truth_from_its_data(sampler, options):
    likelihood, truth = Likelihood(DATA, linear(8)), {"kappa": 4.0, "gamma": 0.0}
    found = closure(likelihood, truth, seed=2, sampler=sampler, **options)
    table = found.table()
    assert list(table["truth"]) == [4.0, 0.0]
    assert table["inside95"].all()
    assert found.joint < 0.95
    np.testing.assert_allclose(table["pull"], (table["mean"] - table["truth"]) / table["sd"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("student_nu", "truths", "options"),
    [(None, 100, {}), (4, 100, {}), (None, 50, {"sampler": "nested", "live": 60, "draws": 39})],
    ids=["Gauss", "Student", "nested"],
)
def test_coverage_and_ranks_of_a_hundred_truths(student_nu, truths, options):
    """Flat priors, so that posteriors end at their edges; a global error that multiplies the theory.

    The binomial bounds have a chance of 1 % for each of six rows, the p-values of 1e-3 for each of three names: 6 % in
    all that a perfect sampler fails with a random seed. Nested sampling takes a second a truth, so it has fifty.
    """
    parameters = Parameters([Parameter("kappa", Uniform(0, 8)), Parameter("gamma", Uniform(-8, 8))])
    likelihood = Likelihood(DATA, linear(8, parameters), student_nu=student_nu)
    found = calibrate(likelihood, truths=truths, seed=4, **options)
    for level in (0.68, 0.95):
        assert found.coverage(level)["good"].all()
    assert min(found.uniformity(truths // 10).values()) > 1e-3
    assert stats.kstest(found.truths[:, 0] / 8, "uniform").pvalue > 1e-3


@pytest.mark.slow
def test_an_interrupted_calibration_goes_on_to_the_same_ranks(tmp_path):
    likelihood, options = Likelihood(DATA, linear(8)), {"truths": 30, "draws": 19, "warmup": 100, "seed": 3}
    whole = calibrate(likelihood, **options)

    def interrupt(stage, done, total):
        if done == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        calibrate(likelihood, **options, checkpoint=tmp_path / "ranks.nc", progress=interrupt)
    again = calibrate(likelihood, **options, checkpoint=tmp_path / "ranks.nc")
    np.testing.assert_array_equal(again.ranks, whole.ranks)
    # the first truths do not know how many follow
    np.testing.assert_array_equal(calibrate(likelihood, **(options | {"truths": 20})).ranks, whole.ranks[:20])
