"""The likelihood against chi-square, multivariate Gaussians and error functions, and what it refuses."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from inference_models import CMS, Linear, linear, measured
from scipy import stats

from qtraj.errors import InputError
from qtraj.inference import Likelihood, Normal, Parameter, Parameters, Uniform, select
from qtraj.observables import chi_square, load_data

THETA = np.array([4.3, -0.5])


def pbpb(observable="R_AA", **selection):
    return load_data(observable, system="PbPb", sqrt_s_GeV=5020, **selection)


def of(datasets, predict=None, **options):
    n = sum(map(len, datasets))
    return Likelihood(datasets, predict or linear(n), **options)


def dense(likelihood, theta):
    """Residuals and full covariance of a likelihood with symmetric errors, made from the data alone."""
    datasets = likelihood.datasets
    value, stat, syst, relative = (
        np.concatenate([getattr(d, name) for d in datasets])
        for name in ("value", "stat_plus", "syst_plus", "global_rel_plus")
    )
    with jax.enable_x64(True):
        mean, shifts, factor = map(np.asarray, likelihood.predict(jnp.asarray(theta)))
    covariance = np.diag(stat**2 + syst**2) + shifts.T @ shifts + factor @ factor.T
    number = np.repeat(np.arange(len(datasets)), [len(d) for d in datasets])
    moved = relative * mean
    covariance += np.outer(moved, moved) * (number[:, None] == number)
    return value - mean, covariance


DATASETS = [
    measured(np.linspace(0.7, 0.4, 8), stat=0.04, syst=0.03, relative=0.1),
    measured(np.linspace(0.5, 0.2, 6), stat=0.05, syst=0.02, relative=0.2, state="Y(2S)"),
]


LIKELIHOOD = of(DATASETS)


def test_the_integral_over_the_nuisances_is_a_multivariate_gaussian():
    residual, covariance = dense(LIKELIHOOD, THETA)
    expected = stats.multivariate_normal(cov=covariance).logpdf(residual)
    assert float(LIKELIHOOD.log_likelihood(THETA)) == pytest.approx(expected, rel=1e-11)


def test_given_and_integrated_nuisances_are_one_density():
    """Bayes: p(data | theta) p(nu | data, theta) = p(data | theta, nu) p(nu), at any nu."""
    nu = np.random.default_rng(0).standard_normal(LIKELIHOOD.size)
    with jax.enable_x64(True):
        mean, root = LIKELIHOOD.conditional(jnp.asarray(THETA), jnp.asarray(LIKELIHOOD.values))
    root = np.asarray(root)
    conditional = stats.multivariate_normal(np.asarray(mean), root @ root.T).logpdf(nu)
    prior = stats.norm.logpdf(nu).sum()
    together = float(LIKELIHOOD.log_likelihood(THETA)) + conditional
    assert together == pytest.approx(float(LIKELIHOOD.log_likelihood(THETA, nu)) + prior, rel=1e-11)


@pytest.mark.parametrize(("systematic", "common_global"), [("uncorrelated", False), ("correlated", True)])
def test_the_profile_over_the_nuisances_is_chi_square(systematic, common_global):
    """With all shipped points of CMS and ALICE, two-sided errors among them; the theory has no error."""
    sets = (
        pbpb(experiment=["CMS", "ALICE"], x_name="N_part")
        + pbpb(
            "v2",
            experiment="CMS",
            x_name="centrality_pct",
        )[:1]
    )
    n = sum(map(len, sets))
    model = linear(n, shifts=None, factor=None, shift_names=())
    likelihood = of(sets, model, systematic=systematic, common_global=common_global)
    mean = np.asarray(model.offset + THETA @ model.slopes)
    pieces = np.split(mean, np.cumsum([len(d) for d in sets])[:-1])
    reference = chi_square(sets, pieces, systematic=systematic, common_global=common_global)
    value, nuisances = likelihood.chi_square(THETA)
    # no point within the tenth of its error in which two sides are blended, unless they are equal
    assert value == pytest.approx(reference.value, rel=1e-12)
    named = dict(zip(likelihood.names, nuisances, strict=False))
    assert {n: named[n] for n in reference.shifts} == pytest.approx(reference.shifts, rel=1e-9, abs=1e-12)


def test_independent_theory_errors_add_as_in_chi_square():
    data, error = measured(np.linspace(0.7, 0.4, 8), relative=0.1), np.linspace(0.01, 0.05, 8)
    model = linear(8, shifts=None, factor=np.diag(error), shift_names=())
    mean = np.asarray(model.offset + THETA @ model.slopes)
    assert of([data], model).chi_square(THETA)[0] == pytest.approx(
        chi_square(data, mean, error).value, rel=1e-12
    )


def test_two_sided_errors_count_towards_the_theory_and_have_a_gradient_everywhere():
    data = measured([0.5], stat_plus=0.1, stat_minus=0.2)
    parameters = Parameters([Parameter("gamma", Uniform(-5, 5))])
    likelihood = of([data], Linear(np.array([0.5]), np.array([[1.0]]), parameters))
    assert likelihood.chi_square([0.1])[0] == pytest.approx(1)
    assert likelihood.chi_square([-0.1])[0] == pytest.approx(0.25)
    x = np.linspace(-0.03, 0.03, 601)
    with jax.enable_x64(True):
        gradient = jax.vmap(jax.grad(lambda t: likelihood.log_likelihood(t[None])))(jnp.asarray(x))
    assert (
        np.max(np.abs(np.diff(gradient))) < 0.1
    )  # no jump: steps of 1e-4 change it by less than 1e-4 times 1e3
    # both halves have the height of a Gaussian of the mean error
    for t in (-0.2, -0.1, 0.1, 0.2):
        height = float(likelihood.log_likelihood([t])) + likelihood.chi_square([t])[0] / 2
        assert height == pytest.approx(stats.norm.logpdf(0, scale=0.15), rel=1e-12)


@pytest.mark.parametrize("nuisance", [-1.5, 0.0, 2.0])
def test_upper_limits_contribute_an_error_function(nuisance):
    """An upper limit U at 95 %: Phi((U - theory) 1.645 / U), which is 95 % for a theory of zero."""
    data = measured([0.1], stat=np.nan, total_plus=np.nan, total_minus=np.nan, upper_limit_cl=0.95)
    model = Linear(np.zeros(1), np.ones((1, 1)), Parameters([Parameter("gamma", Uniform(-5, 5))]),
                   np.array([[0.01]]), None, ("source",))  # fmt: skip
    likelihood = of([data], model)
    width = 0.1 / stats.norm.ppf(0.95)
    for theory in (0.0, 0.05, 0.1, 0.3):
        expected = stats.norm.logcdf((0.1 - theory - 0.01 * nuisance) / width)
        assert float(likelihood.log_likelihood([theory], [nuisance])) == pytest.approx(expected, rel=1e-10)
    assert not likelihood.gaussian
    with pytest.raises(InputError, match="nuisances"):
        likelihood.log_likelihood([0.1])


def test_students_t_forgives_outliers_and_becomes_gaussian():
    nu = np.full(LIKELIHOOD.size, 0.3)
    many = of(DATASETS, student_nu=1e7)
    # the next term of the expansion in 1/nu is z^4/(4 nu): below 1e-5 here
    assert float(many.log_likelihood(THETA, nu)) == pytest.approx(
        float(LIKELIHOOD.log_likelihood(THETA, nu)), abs=1e-4
    )
    (data,) = (measured([0.6], stat=0.1),)
    one = Linear(np.zeros(1), np.ones((1, 1)), Parameters([Parameter("gamma", Uniform(-5, 5))]))
    found = float(of([data], one, student_nu=4).log_likelihood([0.1], []))
    assert found == pytest.approx(stats.t(4, 0.1, 0.1).logpdf(0.6), rel=1e-12)


def test_what_is_left_out_is_not_in_the_density():
    keep = np.r_[np.ones(8), np.zeros(6)]
    residual, covariance = dense(LIKELIHOOD, THETA)
    expected = stats.multivariate_normal(cov=covariance[:8, :8]).logpdf(residual[:8])
    with jax.enable_x64(True):
        found = LIKELIHOOD.log_density(
            jnp.asarray(THETA), None, jnp.asarray(LIKELIHOOD.values), jnp.asarray(keep)
        )
    assert float(found) == pytest.approx(expected, rel=1e-11)


def test_points_without_an_error_do_not_enter():
    stat = np.r_[np.full(5, 0.05), np.nan]
    data = measured(np.linspace(0.7, 0.4, 6), stat=stat, total_plus=np.nan, total_minus=np.nan)
    likelihood = of([data])
    np.testing.assert_array_equal(likelihood.used, [True] * 5 + [False])
    full = linear(6)
    names = ("offset", "slopes", "shifts")
    cut = replace(full, factor=full.factor[:5], **{name: getattr(full, name)[..., :5] for name in names})
    short = Likelihood([data.points(np.arange(5))], cut)
    assert float(likelihood.log_likelihood(THETA)) == pytest.approx(
        float(short.log_likelihood(THETA)), rel=1e-13
    )


def test_simulated_data_have_the_covariance_of_the_likelihood():
    """1000 samples: an entry of their covariance is known to sqrt((C_ii C_jj + C_ij^2)/N); 5 of these, 105 entries."""
    values = np.array([LIKELIHOOD.simulate(THETA, seed) for seed in range(1000)])
    _, covariance = dense(LIKELIHOOD, THETA)
    width = np.sqrt((np.outer(np.diag(covariance), np.diag(covariance)) + covariance**2) / len(values))
    assert np.max(np.abs(np.cov(values.T) - covariance) / width) < 5
    with jax.enable_x64(True):
        mean = np.asarray(LIKELIHOOD.predict(jnp.asarray(THETA)).mean)
    assert np.max(np.abs(values.mean(axis=0) - mean) / np.sqrt(np.diag(covariance) / len(values))) < 5


def test_one_measurement_twice_is_refused():
    one, two = (pbpb(experiment="CMS", state=state, x_name="N_part") for state in ("Y(1S)", "Y(2S)"))
    ratio = pbpb("double_ratio", experiment="CMS", state="Y(2S)/Y(1S)", x_name="N_part")
    assert select(one + two) == one + two
    with pytest.raises(InputError, match=r"CMS Υ\(2S\) R_AA.*double_ratio") as error:
        select(two + ratio)
    assert "Leave one" in str(error.value)
    by_pT, by_class = (
        pbpb(experiment="CMS", state="Y(1S)", x_name=name) for name in ("pT_GeV", "centrality_pct")
    )
    for wrong in (one + ratio, one + two + ratio, one + one, one + by_pT, one + by_class):
        with pytest.raises(InputError, match="`datasets`"):
            select(wrong)
    with pytest.raises(InputError, match="count the same mesons twice"):
        select(pbpb(experiment="CMS", state="Y(2S)", status=["current", "duplicate"], x_name="N_part"))


def test_what_measures_other_mesons_is_no_copy():
    cms = pbpb(experiment="CMS", state="Y(1S)", x_name="N_part")
    atlas = pbpb("double_ratio", experiment="ATLAS", x_name="N_part")
    lower = load_data(
        "R_AA", system="PbPb", sqrt_s_GeV=2760, experiment="CMS", state="Y(1S)", x_name="N_part"
    )
    flow = pbpb("v2", experiment="CMS", x_name="centrality_pct")
    assert len(select(cms + atlas + lower + flow)) == 3 + len(flow)
    # v2 in 10-30, 30-50, 50-90 % and in all of 10-90 %
    by_pT = pbpb("v2", experiment="CMS", x_name="pT_GeV")
    with pytest.raises(InputError, match="count the same mesons twice"):
        select(by_pT)


def test_a_ratio_that_follows_from_two_others_is_refused():
    (ratio,) = pbpb("double_ratio", experiment="CMS", state="Y(2S)/Y(1S)", x_name="N_part")
    all_three = [replace(ratio, state=s) for s in ("Y(2S)/Y(1S)", "Y(3S)/Y(1S)", "Y(3S)/Y(2S)")]
    assert len(select(all_three[:2])) == 2
    with pytest.raises(InputError, match="follows from two others"):
        select(all_three)


def test_bad_calculations_are_refused_before_anything_is_sampled():
    with pytest.raises(InputError, match=r"arrays of shapes \(9,\)"):
        Likelihood([CMS], linear(8))
    broken = linear(9)
    with pytest.raises(InputError, match="have a number at each point"):
        Likelihood([CMS], replace(broken, offset=np.r_[np.nan, broken.offset[1:]]))
    with pytest.raises(InputError, match="`predict`"):
        Likelihood([CMS], lambda theta: theta)
    with pytest.raises(InputError, match="priors inside"):
        Likelihood([CMS], linear(9), parameters=Parameters([Parameter("kappa", Uniform(0, 9))]))
    narrow = Parameters([Parameter("kappa", Uniform(1, 9)), Parameter("gamma", Normal(0, 1))])
    assert Likelihood([CMS], linear(9), parameters=narrow).parameters is narrow
    with pytest.raises(InputError, match="`student_nu`"):
        Likelihood([CMS], linear(9), student_nu=1)
