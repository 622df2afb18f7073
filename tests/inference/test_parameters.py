"""Priors against SciPy's distributions, and what parameters refuse."""

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

from qtraj.errors import InputError
from qtraj.inference import LogUniform, Normal, Parameter, Parameters, Uniform

PRIORS = {
    "uniform": (Uniform(1.0, 9.0), stats.uniform(1.0, 8.0)),
    "log-uniform": (LogUniform(0.1, 10.0), stats.loguniform(0.1, 10.0)),
    "normal": (Normal(0.2, 0.03), stats.norm(0.2, 0.03)),
    "cut": (Normal(4.0, 2.0, low=0.0, high=5.0), stats.truncnorm(-2.0, 0.5, 4.0, 2.0)),
    "tail": (Normal(0.0, 1.0, low=3.0), stats.truncnorm(3.0, np.inf, 0.0, 1.0)),
}


@pytest.mark.parametrize("name", PRIORS)
def test_quantiles_and_densities_are_those_of_the_distribution(name):
    prior, reference = PRIORS[name]
    u = np.linspace(0.001, 0.999, 41)
    x = np.asarray(prior.from_unit(u))
    assert x.dtype == np.float64
    # quantiles in a tail are differences from 1: a distribution beyond 3 sigma keeps 13 digits less 3
    np.testing.assert_allclose(x, reference.ppf(u), rtol=1e-9)
    np.testing.assert_allclose(prior.log_density(x), reference.logpdf(x), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", PRIORS)
def test_densities_integrate_to_one_and_vanish_beyond_the_ends(name):
    prior, _ = PRIORS[name]
    low, high = np.asarray(prior.from_unit(np.array([1e-12, 1 - 1e-12])))
    assert quad(lambda x: np.exp(float(prior.log_density(x))), low, high)[0] == pytest.approx(1, abs=1e-7)
    for end in (prior.low, prior.high):
        if np.isfinite(end):
            outside = end + (0.1 if end == prior.high else -0.1)
            assert float(prior.log_density(outside)) == -np.inf


def test_the_joint_prior_is_the_product():
    parameters = Parameters(
        [Parameter("kappa", Uniform(0, 10)), Parameter("T_end", Normal(0.19, 0.02, low=0.1))]
    )
    theta = parameters.from_unit(np.array([[0.2, 0.3], [0.5, 0.9]]))
    parts = [member.prior.log_density(np.asarray(theta)[:, i]) for i, member in enumerate(parameters)]
    np.testing.assert_allclose(parameters.log_prior(theta), np.sum(parts, axis=0), rtol=1e-14)
    assert (parameters.names, parameters.index("T_end"), len(parameters)) == (("kappa", "T_end"), 1, 2)
    assert parameters["T_end"].kind.unit == "GeV"


def test_unit_normals_are_quantiles():
    parameters = Parameters([Parameter("gamma", Normal(-1.0, 2.0)), Parameter("kappa", Uniform(0, 10))])
    z = np.array([0.7, -1.2])
    np.testing.assert_allclose(
        parameters.from_normal(z), [-1 + 2 * 0.7, 10 * stats.norm.cdf(-1.2)], rtol=1e-12
    )


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Uniform(2, 1), "`high` must be above low"),
        (lambda: Uniform(0, np.inf), "`high`"),
        (lambda: LogUniform(0, 1), "`low` must be positive"),
        (lambda: Normal(0, -1), "`sigma`"),
        (lambda: Normal(0, 1, low=7), "hold a part of a Gaussian"),
        (lambda: Parameter("kapa", Uniform(0, 1)), "kappa, gamma, T_end"),
        (lambda: Parameter("kappa", Normal(4, 1)), "begin at 0"),
        (lambda: Parameter("kappa", 3.0), "be Uniform, LogUniform or Normal"),
        (lambda: Parameters([Parameter("gamma", Uniform(0, 1))] * 2), "each name once"),
        (
            lambda: Parameters([Parameter(n, Uniform(0, 1)) for n in ("kappa", "kappa@0.2", "kappa@0.4")]),
            "not both|or",
        ),
        (lambda: Parameters([Parameter("kappa@0.25", Uniform(0, 1))]), "two or more knots"),
        (
            lambda: Parameters([Parameter(f"kappa@{T}", Uniform(0, 1)) for T in ("0.2", "0.20")]),
            "different T",
        ),
    ],
)
def test_wrong_priors_and_parameters_are_refused(make, words):
    with pytest.raises(InputError, match=words):
        make()


def test_a_truth_is_given_by_name_or_in_order_and_lies_in_the_priors():
    parameters = Parameters([Parameter("kappa", Uniform(0, 10)), Parameter("gamma", Uniform(-5, 5))])
    np.testing.assert_array_equal(parameters.checked({"gamma": -1, "kappa": 4}), [4.0, -1.0])
    for wrong in ({"kappa": 4}, [4.0], [4.0, 9.0], "x"):
        with pytest.raises(InputError, match="theta"):
            parameters.checked(wrong)
