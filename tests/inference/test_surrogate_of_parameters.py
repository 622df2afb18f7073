"""The surrogate: as good as its covariance says on points it did not see, and honest where a design is small."""

from dataclasses import replace

import jax
import numpy as np
import pytest
from inference_models import CURVE_PARAMETERS as PARAMETERS
from inference_models import N_PART, curve, curve_design

from qtraj._netcdf import read_dataset, write_dataset
from qtraj.errors import FileFormatError, InputError
from qtraj.inference import Likelihood
from qtraj.inference.design import Design, design_points
from qtraj.inference.surrogate import Surrogate


def test_designs_of_one_seed_contain_each_other_and_fill_the_priors():
    points = design_points(PARAMETERS, 32, seed=3)
    np.testing.assert_array_equal(design_points(PARAMETERS, 11, seed=3), points[:11])
    assert not np.array_equal(design_points(PARAMETERS, 11, seed=4), points[:11])
    # of 32 Sobol points each half of each prior holds 16
    middle = np.asarray(PARAMETERS.from_unit([0.5, 0.5]))
    np.testing.assert_array_equal(np.sum(points < middle, axis=0), [16, 16])


def test_it_is_right_between_the_points_and_knows_how_right():
    surrogate = Surrogate.fit(curve_design(design_points(PARAMETERS, 20, seed=1)))
    unseen = curve_design(design_points(PARAMETERS, 64, seed=2))
    in_data, in_own = surrogate.misses(unseen)
    assert np.sqrt(np.mean(in_data**2)) < 1 / 15  # of a third of the errors of the data a fifth
    assert np.abs(in_data).max() < 1 / 3
    assert np.sqrt(np.mean(in_own**2)) < 1.5
    for theta in unseen.points[:5]:
        np.testing.assert_allclose(surrogate(theta).shifts, curve(theta)[1], atol=2e-3)


@pytest.mark.slow
def test_scatter_of_the_design_is_in_the_covariance():
    noisy = Surrogate.fit(curve_design(design_points(PARAMETERS, 24, seed=1), noise=0.02))
    _, in_own = noisy.misses(curve_design(design_points(PARAMETERS, 64, seed=2)))
    assert 0.3 < np.sqrt(np.mean(in_own**2)) < 1.3
    made = noisy(np.array([3.0, 0.2]))
    assert np.all(np.sum(np.asarray(made.covariance_factor) ** 2, axis=1) > 0.02**2)


@pytest.mark.slow
def test_it_has_a_gradient_and_float64():
    surrogate = Surrogate.fit(curve_design(design_points(PARAMETERS, 16, seed=1)))
    with jax.enable_x64(True):
        theta = jax.numpy.array([2.0, 0.21])
        slope = jax.jacfwd(lambda t: surrogate(t).mean)(theta)
        step = 1e-5 * np.array([1.0, 0.0])
        finite = (np.asarray(surrogate(theta + step).mean) - np.asarray(surrogate(theta - step).mean)) / 2e-5
    assert slope.dtype == np.float64
    np.testing.assert_allclose(slope[:, 0], finite, rtol=1e-5, atol=1e-9)


def on_grid(surrogate):
    """Mean and standard deviation of ln kappa at T_end = 0.2 GeV by summation over a grid."""
    likelihood = Likelihood(surrogate.design.datasets, surrogate)
    kappa = np.asarray(PARAMETERS["kappa"].prior.from_unit((np.arange(200) + 0.5) / 200))
    with jax.enable_x64(True):
        theta = np.stack([kappa, np.full(200, 0.2)], axis=1)
        log = np.asarray(jax.jit(jax.vmap(likelihood.log_likelihood))(theta))
    weight = np.exp(log - log.max())
    weight /= weight.sum()
    mean = weight @ np.log(kappa)
    return mean, np.sqrt(weight @ (np.log(kappa) - mean) ** 2)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_small_design_widens_the_posterior_and_does_not_move_it(seed):
    mean, sd = on_grid(Surrogate.fit(curve_design(design_points(PARAMETERS, 32, seed=seed))))
    small = curve_design(design_points(PARAMETERS, 7, seed=seed), noise=0.03, seed=seed)
    few_mean, few_sd = on_grid(Surrogate.fit(small))
    assert few_sd > 1.1 * sd
    # what the small design adds to the variance is the size of the shifts: one in 400 beyond three of it
    assert abs(few_mean - mean) < 3 * np.sqrt(few_sd**2 - sd**2)


def test_a_design_survives_its_file_and_too_small_ones_are_refused(tmp_path):
    design = curve_design(design_points(PARAMETERS, 8, seed=1))
    again = Design.load(design.save(tmp_path / "design.nc"))
    for name in ("points", "values", "errors", "shifts"):
        np.testing.assert_array_equal(getattr(again, name), getattr(design, name))
    assert (again.parameters, again.shift_names) == (design.parameters, design.shift_names)
    assert str(again.datasets[0]) == str(design.datasets[0])
    theta = np.array([2.0, 0.2])
    for one, other in zip(Surrogate.fit(again)(theta), Surrogate.fit(design)(theta), strict=True):
        np.testing.assert_array_equal(one, other)
    stored = read_dataset(tmp_path / "design.nc")
    for found, words in (
        ("qtraj design 2", "has the format 'qtraj design 2'"),
        ("qtraj emulator 1", "no design"),
    ):
        write_dataset(stored.assign_attrs(format=found), tmp_path / "other.nc")
        with pytest.raises(FileFormatError, match=words):
            Design.load(tmp_path / "other.nc")
    with pytest.raises(InputError, match="have 4 points or more for 2 parameters"):
        Surrogate.fit(design.rows(slice(3)))
    with pytest.raises(InputError, match="points of data"):
        Surrogate.fit(design).misses(
            Design(*([PARAMETERS, design.points, (), np.zeros((8, 3))] + [None] * 3))
        )


def test_a_design_without_named_sources_has_none():
    design = curve_design(design_points(PARAMETERS, 8, seed=1))
    bare = replace(design, shifts=np.zeros((8, 0, len(N_PART))), shift_names=())
    assert Surrogate.fit(bare)(np.array([2.0, 0.2])).shifts.shape == (0, len(N_PART))
