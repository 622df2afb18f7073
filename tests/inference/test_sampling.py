"""Samplers against the closed form of a linear Gaussian model, against each other, and after an interruption."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from inference_models import Linear, closed_form, linear, measured
from scipy import stats
from scipy.integrate import quad

from qtraj.errors import FileFormatError, InputError
from qtraj.inference import (
    Likelihood,
    Parameter,
    Parameters,
    Posterior,
    Uniform,
    profile,
    sample_nested,
    sample_nuts,
)
from qtraj.inference.sampling import tempered
from qtraj.observables import Estimate

# far enough from zero that the cut of kappa changes nothing, and with errors that do not depend on the theory
DATA = [
    measured(np.linspace(0.7, 0.4, 8), stat=0.04, syst=0.03),
    measured(np.linspace(0.5, 0.4, 5), stat=0.08, syst=0.06, state="Y(2S)"),
]
MODEL = linear(13)
LIKELIHOOD = Likelihood(DATA, MODEL)
COVARIANCE = (
    np.diag(np.r_[np.full(8, 0.05**2), np.full(5, 0.1**2)])
    + MODEL.shifts.T @ MODEL.shifts
    + MODEL.factor @ MODEL.factor.T
)
MEAN, SPREAD, LOG_EVIDENCE = closed_form(LIKELIHOOD.values, MODEL, COVARIANCE)
SD = np.sqrt(np.diag(SPREAD))


def agrees(posterior, mean=MEAN, spread=SPREAD):
    """Means within 5 standard errors and a covariance within 5, with the effective sample sizes: chance 1e-5."""
    table = posterior.table()
    count = table["ess_bulk"].to_numpy()
    sd = np.sqrt(np.diag(spread))
    assert np.all(np.abs(table["mean"] - mean) < 5 * sd / np.sqrt(count))
    found = np.cov(posterior.samples.T)
    width = np.sqrt((np.outer(np.diag(spread), np.diag(spread)) + spread**2) / (count.min() / 2))
    assert np.all(np.abs(found - spread) < 5 * width)


@pytest.fixture(scope="module")
def nested():
    return sample_nested(LIKELIHOOD, live=100, seed=3)


@pytest.fixture(scope="module")
def exact():
    """2000 independent samples of the closed form, in two chains."""
    rng, sources = np.random.default_rng(5), np.concatenate([MODEL.shifts, MODEL.factor.T])
    theta = rng.multivariate_normal(MEAN, SPREAD, 2000)
    scaled = sources / np.diag(COVARIANCE - sources.T @ sources)
    conditional = np.linalg.inv(np.eye(4) + scaled @ sources.T)
    residual = LIKELIHOOD.values - MODEL.offset - theta @ np.asarray(MODEL.slopes)
    nuisances = residual @ scaled.T @ conditional + rng.multivariate_normal(np.zeros(4), conditional, 2000)
    return Posterior.of(
        LIKELIHOOD, theta.reshape(2, 1000, 2), nuisances.reshape(2, 1000, 4), sampler="closed form", settings={},
        evidence=Estimate(LOG_EVIDENCE, {"statistical": 0.01}),
    )  # fmt: skip


def test_the_table_of_independent_samples_is_that_of_the_closed_form(exact):
    agrees(exact)
    table = exact.table()
    # independent: an effective number is uncertain by the noise of the autocorrelations, 10 % here
    assert np.all(np.abs(table[["ess_bulk", "ess_tail"]] / 2000 - 1) < 0.3)
    assert table["r_hat"].max() < 1.01
    for low, high, width in (("low68", "high68", 0.9945), ("low95", "high95", 1.96)):
        assert np.all(np.abs((table[high] - table[low]) / (2 * width * SD) - 1) < 0.15)


@pytest.mark.slow
def test_nested_sampling_finds_the_posterior_and_the_evidence(nested):
    agrees(nested)
    assert abs(nested.evidence.value - LOG_EVIDENCE) < 4 * nested.evidence.error
    assert nested.evidence.error < 0.3  # sqrt(information / live points): 2.5 nats, 200 points give 0.11


@pytest.mark.slow
def test_nuisances_are_drawn_from_their_distribution(nested):
    """Feed-down moves all points: its posterior is the closed form, too, integrated over the parameters."""
    A = np.asarray(MODEL.slopes).T
    total = COVARIANCE + A @ np.diag([1.0, 4.0]) @ A.T
    residual = LIKELIHOOD.values - MODEL.offset - A @ [4.0, -1.0]
    row = MODEL.shifts[0] @ np.linalg.inv(total)
    mean, variance = row @ residual, 1 - row @ MODEL.shifts[0]
    pulls = nested.pulls()
    assert list(pulls.index) == ["feed-down"]
    count = len(nested.samples)
    assert abs(pulls["mean"].iloc[0] - mean) < 5 * np.sqrt(variance / count)
    assert abs(pulls["sd"].iloc[0] ** 2 - variance) < 5 * variance * np.sqrt(2 / count)


def test_the_posterior_without_a_measurement_is_that_of_the_others(exact):
    found = exact.contributions()
    only = linear(13)
    alone = Linear(only.offset[:8], only.slopes[:, :8], only.parameters)
    mean, spread, _ = closed_form(LIKELIHOOD.values[:8], alone, COVARIANCE[:8, :8])
    row = found.iloc[1]
    count = row["ess"]
    assert count > 50
    for i, name in enumerate(("kappa", "gamma")):
        sd = np.sqrt(spread[i, i])
        assert abs(row[f"mean {name}"] - mean[i]) < 5 * sd / np.sqrt(count)
        assert abs(row[f"sd {name}"] - sd) < 5 * sd / np.sqrt(2 * count)


def test_predictive_bands_are_those_of_the_parameters_and_of_the_theory(exact):
    """At other points with the fitted source: covariance from parameters, source and factor in closed form."""
    A = np.asarray(MODEL.slopes).T
    joint = np.concatenate([A, MODEL.shifts.T], axis=1)
    prior, noise = np.diag([1.0, 4.0, 1.0]), COVARIANCE - MODEL.shifts.T @ MODEL.shifts
    spread = joint @ prior @ joint.T + noise
    after = prior - prior @ joint.T @ np.linalg.solve(spread, joint @ prior)
    expected = np.sqrt(np.diag(joint @ after @ joint.T + MODEL.factor @ MODEL.factor.T))
    bands = exact.predictive(MODEL, seed=1)
    count = len(exact.samples)
    assert np.all(np.abs(bands.sd / expected - 1) < 5 / np.sqrt(2 * count))
    low, high = bands.band(0.68)
    # a quantile of a Gaussian at 1 sd is known to 1.5 of a standard error
    assert np.all(np.abs((high - low) / (2 * 0.9945 * expected) - 1) < 5 * 1.5 / np.sqrt(count))


def test_a_posterior_survives_its_file(exact, tmp_path):
    exact.save(tmp_path / "posterior.nc")
    again = Posterior.load(tmp_path / "posterior.nc")
    np.testing.assert_array_equal(again.samples, exact.samples)
    np.testing.assert_array_equal(again.nuisances, exact.nuisances)
    assert again.parameters == exact.parameters
    assert (again.evidence.value, again.evidence.error) == (exact.evidence.value, exact.evidence.error)
    assert again.contributions().equals(exact.contributions())
    (tmp_path / "other.nc").write_bytes(b"no netCDF")
    for name in ("other.nc", "none.nc"):
        with pytest.raises(FileFormatError, match=name):
            Posterior.load(tmp_path / name)


@pytest.mark.slow
def test_interrupted_nested_sampling_goes_on_to_the_same_samples(nested, tmp_path):
    def interrupt(stage, done, total):
        if stage == "run 2 of 2":
            raise KeyboardInterrupt

    path = tmp_path / "nested.nc"
    with pytest.raises(KeyboardInterrupt):
        sample_nested(LIKELIHOOD, live=100, seed=3, checkpoint=path, progress=interrupt)
    stages = []
    again = sample_nested(
        LIKELIHOOD, live=100, seed=3, checkpoint=path, progress=lambda stage, *_: stages.append(stage)
    )
    assert stages.count("run 1 of 2") == 1  # read, not sampled
    np.testing.assert_array_equal(again.samples, nested.samples)
    assert again.evidence.value == nested.evidence.value
    other = LIKELIHOOD.with_values(LIKELIHOOD.values + 0.01)
    with pytest.raises(InputError, match="belong to this inference"):
        sample_nested(other, live=100, seed=3, checkpoint=path)


@pytest.mark.slow
def test_nuts_finds_the_posterior_and_agrees_with_nested_sampling():
    walk, nest = sample_nuts(LIKELIHOOD, seed=5), sample_nested(LIKELIHOOD, live=500, seed=5)
    agrees(walk)
    table = walk.table()
    assert table["r_hat"].max() < 1.01
    assert table["ess_bulk"].min() > 1000
    assert np.all(np.abs(table["mean"] - nest.table()["mean"]) < 0.1 * SD)
    assert abs(nest.evidence.value - LOG_EVIDENCE) < 3 * nest.evidence.error
    assert not walk.data.sample_stats["diverging"].values.any()


@pytest.mark.slow
def test_samplers_agree_with_chi_square_on_a_grid_where_all_errors_depend_on_the_theory():
    """Global and two-sided errors make the covariance depend on theta; the grid integrates the density itself."""
    data = [
        measured(np.linspace(0.7, 0.4, 8), syst=0.03, relative=0.15),
        measured(np.linspace(0.6, 0.3, 5), stat_plus=0.05, stat_minus=0.08, relative=0.1, state="Y(2S)"),
    ]
    parameters = Parameters([Parameter("kappa", Uniform(0, 10)), Parameter("gamma", Uniform(-8, 4))])
    likelihood = Likelihood(data, linear(13, parameters), systematic="correlated")
    x, y = np.linspace(0, 10, 81), np.linspace(-8, 4, 81)
    density = np.exp([[float(likelihood.log_likelihood([a, b])) for b in y] for a in x])
    weight = density / density.sum()
    mean = np.array([weight.sum(1) @ x, weight.sum(0) @ y])
    sd = np.sqrt([weight.sum(1) @ (x - mean[0]) ** 2, weight.sum(0) @ (y - mean[1]) ** 2])
    log_evidence = np.log(density.mean())
    walk, nest = sample_nuts(likelihood, seed=1), sample_nested(likelihood, seed=1)
    for posterior in (walk, nest):
        assert np.all(np.abs(posterior.table()["mean"] - mean) < 0.1 * sd)
        assert np.all(np.abs(posterior.table()["sd"] / sd - 1) < 0.1)
    # 81 points per axis: trapezium rule, edges below 1e-3
    assert abs(nest.evidence.value - log_evidence) < 3 * nest.evidence.error + 0.02


@pytest.mark.slow
def test_limits_and_students_t_are_sampled_with_their_nuisances():
    """One parameter, one source: both samplers against the double integral, with an outlier and a limit."""
    data = [
        measured([0.5, 0.52, 1.5], stat=0.05),
        measured(
            [0.6], stat=np.nan, total_plus=np.nan, total_minus=np.nan, upper_limit_cl=0.95, state="Y(2S)"
        ),
    ]
    model = Linear(np.zeros(4), np.ones((1, 4)), Parameters([Parameter("gamma", Uniform(0, 2))]),
                   np.array([[0.1, 0.1, 0.1, 0.05]]), None, ("source",))  # fmt: skip
    likelihood = Likelihood(data, model, student_nu=4)

    def density(t):
        def given(nu):
            height = stats.t(4, scale=0.05).logpdf(np.array([0.5, 0.52, 1.5]) - t - 0.1 * nu).sum()
            limit = stats.norm.logcdf((0.6 - t - 0.05 * nu) / (0.6 / stats.norm.ppf(0.95)))
            return np.exp(height + limit) * stats.norm.pdf(nu)

        return quad(given, -7, 7, limit=200)[0] / 2

    x = np.linspace(0, 2, 201)
    f = np.array([density(t) for t in x])
    evidence, mean = np.trapezoid(f, x), np.trapezoid(f * x, x) / np.trapezoid(f, x)
    sd = np.sqrt(np.trapezoid(f * (x - mean) ** 2, x) / evidence)
    nest, walk = sample_nested(likelihood, seed=2), sample_nuts(likelihood, seed=2)
    assert abs(nest.evidence.value - np.log(evidence)) < 4 * nest.evidence.error
    for posterior in (nest, walk):
        row = posterior.table().iloc[0]
        assert abs(row["mean"] - mean) < 5 * sd / np.sqrt(row["ess_bulk"])
        assert abs(row["sd"] / sd - 1) < 0.1


@pytest.mark.slow
def test_nuts_repeats_itself_and_goes_on_after_an_interruption(tmp_path):
    options = {"draws": 250, "chains": 2, "warmup": 200, "seed": 8}
    whole = sample_nuts(LIKELIHOOD, **options)
    np.testing.assert_array_equal(sample_nuts(LIKELIHOOD, **options).samples, whole.samples)

    def interrupt(stage, done, total):
        if (stage, done) == ("draws", 200):
            raise KeyboardInterrupt

    path = tmp_path / "nuts.nc"
    with pytest.raises(KeyboardInterrupt):
        sample_nuts(LIKELIHOOD, **options, checkpoint=path, progress=interrupt)
    steps = []
    again = sample_nuts(LIKELIHOOD, **options, checkpoint=path, progress=lambda *step: steps.append(step))
    assert ("draws", 200, 250) in steps
    assert ("draws", 0, 250) not in steps
    np.testing.assert_array_equal(again.samples, whole.samples)
    np.testing.assert_array_equal(again.nuisances, whole.nuisances)
    # more draws of the same inference begin with those that are there
    more = sample_nuts(LIKELIHOOD, **(options | {"draws": 300}), checkpoint=path)
    np.testing.assert_array_equal(more.data.posterior["kappa"][:, :250], whole.data.posterior["kappa"])
    with pytest.raises(InputError, match="seed differ"):
        sample_nuts(LIKELIHOOD, **(options | {"seed": 9}), checkpoint=path)


def test_the_profile_of_a_linear_model_is_a_parabola():
    """Without priors the least chi-square over the others has the curvature of the marginal covariance."""
    found = profile(LIKELIHOOD, ["kappa", "gamma"], size=5)
    A = np.asarray(MODEL.slopes).T
    information = A.T @ np.linalg.solve(COVARIANCE, A)
    best = np.linalg.solve(information, A.T @ np.linalg.solve(COVARIANCE, LIKELIHOOD.values - MODEL.offset))
    # MIGRAD ends 2e-5 of chi-square above the minimum: 0.005 sd from it
    sd = np.sqrt(np.diag(np.linalg.inv(information)))
    assert np.all(np.abs(np.array(list(found.best.values())) - best) < 0.01 * sd)
    assert found.least == pytest.approx(LIKELIHOOD.chi_square(best)[0], abs=1e-4)
    kappa, gamma = np.meshgrid(*found.grids, indexing="ij")
    away = np.stack([kappa - best[0], gamma - best[1]])
    expected = LIKELIHOOD.chi_square(best)[0] + np.einsum("iab,ij,jab->ab", away, information, away)
    np.testing.assert_allclose(found.deviance, expected, rtol=1e-7)
    one = profile(LIKELIHOOD, "gamma", grids={"gamma": best[1] + np.array([-1.0, 0.0, 1.0])})
    width = np.sqrt(np.linalg.inv(information)[1, 1])
    np.testing.assert_allclose(one.deviance - one.least, [1 / width**2, 0, 1 / width**2], atol=1e-4)
    low, high = one.intervals["gamma"][0.68]
    # MINOS finds the crossing to 1 % of an error
    assert (high - low) / 2 == pytest.approx(0.9945 * width, rel=0.02)
    assert one.nuisances["feed-down"] == pytest.approx(LIKELIHOOD.chi_square(best)[1][0], abs=0.01)


def test_wrong_arguments_are_refused_before_anything_is_sampled(tmp_path):
    for call, words in (
        (lambda: sample_nested(LIKELIHOOD, live=3), "at least 6"),
        (lambda: sample_nuts(LIKELIHOOD, warmup=10), "`warmup`"),
        (lambda: sample_nuts(LIKELIHOOD, chains=0), "`chains`"),
        (lambda: profile(LIKELIHOOD, "T_end"), "kappa, gamma"),
        (lambda: profile(LIKELIHOOD, ["kappa", "kappa"]), "one or two names"),
        (lambda: profile(LIKELIHOOD, "kappa", grids={"gamma": [0, 1]}), "name kappa"),
        (lambda: profile(LIKELIHOOD, "kappa", grids={"kappa": [-1, 1]}), "the prior"),
    ):
        with pytest.raises(InputError, match=words):
            call()


def test_a_missing_package_is_named_with_its_extra(monkeypatch):
    def absent(name):
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr("qtraj.inference.posterior.import_module", absent)
    with warnings.catch_warnings():
        for call in (sample_nuts, sample_nested, lambda likelihood: profile(likelihood, "kappa")):
            with pytest.raises(InputError, match=r"qtraj\[infer\]"):
                call(LIKELIHOOD)


@pytest.mark.slow
@pytest.mark.parametrize("nu", [None, 4.0])
def test_tempered_samples_have_the_variance_over_the_power(nu):
    """Of a Gaussian with a flat prior; with Student's t, too, they are of the Gaussian with integrated nuisances."""
    flat = Parameters([Parameter("kappa", Uniform(0.0, 12.0)), Parameter("gamma", Uniform(-40.0, 40.0))])
    model = replace(MODEL, parameters=flat)
    A = np.asarray(model.slopes).T
    spread = np.linalg.inv(A.T @ np.linalg.solve(COVARIANCE, A))
    likelihood = Likelihood(DATA, model, student_nu=nu)
    mean = spread @ A.T @ np.linalg.solve(COVARIANCE, likelihood.values - model.offset)
    narrow, wide = tempered(likelihood, (1.0, 0.5), live=200, seed=2)
    for samples, power in ((narrow, 1.0), (wide, 0.5)):
        # of 200 live points about 100 samples are independent of each other: five standard errors
        sd = np.sqrt(np.diag(spread) / power)
        assert np.all(np.abs(samples.mean(axis=0) - mean) < 5 * sd / np.sqrt(100))
        assert np.all(np.abs(samples.std(axis=0) / sd - 1) < 5 / np.sqrt(200))
