"""The posterior of a surrogate is that of chi-square at directly computed runs."""

import jax
import numpy as np
import pytest
from stand_in import make_run_file

from qtraj.inference import Likelihood, LogUniform, Parameter, Parameters, Surrogate, compute_design
from qtraj.observables import chi_square, load_data

RUN_FILE = """
[system]
preset = "PbPb5020"
[model]
kappa = [4.0]
gamma = [0.0]
[medium]
T_end = 0.25
b_fm = [0.0, 6.0, 9.2]
[paths]
n = 4
replicates = 4
cheap = 512
scrambling = "own"
[method]
rtol = 0.03
budget = "replicate"
[output]
directory = "unused"
"""


@pytest.mark.slow
def test_the_posterior_is_that_of_chi_square_on_a_grid_of_runs(tmp_path):
    parameters = Parameters([Parameter("kappa", LogUniform(0.5, 12.0))])
    data = load_data("R_AA", system="PbPb", sqrt_s_GeV=5020, experiment=("CMS", "ATLAS"), x_name="N_part")
    data = tuple(each for each in data if each.state != "Y(3S)")
    run_file = make_run_file(RUN_FILE)
    design = compute_design(run_file, parameters, data, tmp_path, count=8, seed=1)
    knots = np.geomspace(0.5, 12.0, 9)
    runs = compute_design(run_file, parameters, data, tmp_path, points=knots[:, None])
    assert [str(one) for one in runs.datasets] == [str(one) for one in design.datasets]
    # chi-square of each run, by a cubic in ln kappa between them
    edges = np.cumsum([len(each) for each in runs.datasets])[:-1]
    chi2 = [
        chi_square(runs.datasets, np.split(values, edges), np.split(errors, edges)).value
        for values, errors in zip(runs.values, runs.errors, strict=True)
    ]
    from scipy.interpolate import CubicSpline

    x = np.linspace(np.log(0.5), np.log(12.0), 2001)
    likelihood = Likelihood(design.datasets, Surrogate.fit(design))
    with jax.enable_x64(True):
        log = np.asarray(jax.jit(jax.vmap(likelihood.log_likelihood))(np.exp(x)[:, None]))

    def moments(log):
        weight = np.exp(log - log.max())
        weight /= weight.sum()
        mean = weight @ x
        return mean, np.sqrt(weight @ (x - mean) ** 2)

    mean, sd = moments(log)
    exact, width = moments(-0.5 * CubicSpline(np.log(knots), chi2)(x))
    # branching fractions and the surrogate are errors of the likelihood alone: they widen it a little
    assert abs(mean - exact) < 0.3 * width
    assert 0.9 * width < sd < 1.3 * width
