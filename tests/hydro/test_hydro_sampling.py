"""Sampling: inverse distributions, Sobol means, replicates."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from qtraj.errors import InputError
from qtraj.hydro import MEAN_MASS, PB208, OpticalGlauber, PlaneDensity, sample_paths
from qtraj.hydro.sampling import CDF_ERROR, collision_plane, inverse_pT
from qtraj.states import MESONS

GLAUBER = OpticalGlauber(PB208, 67.6)
NODES, WEIGHTS = np.polynomial.legendre.leggauss(200)


def integral(f, low, high):
    """Gauss-Legendre with 200 points, exact to rounding for densities with a diffuseness of 0.5 fm."""
    z = 0.5 * (high - low) * (NODES + 1) + low
    return 0.5 * (high - low) * np.sum(WEIGHTS * f(z), axis=-1)


def test_correlated_gaussian_has_a_known_inverse():
    sx, sy, rho = 1.5, 2.0, 0.6

    def density(x, y):
        u, v = x / sx, y / sy
        return np.exp(-(u**2 - 2 * rho * u * v + v**2) / (2 * (1 - rho**2)))

    u, v = np.meshgrid(np.linspace(0.01, 0.99, 21), np.linspace(0.01, 0.99, 21))
    x, y = PlaneDensity(density, 20.0).inverse(u.ravel(), v.ravel())
    assert np.abs(norm.cdf(x / sx) - u.ravel()).max() < CDF_ERROR
    conditional = norm.cdf((y - rho * sy / sx * x) / (sy * np.sqrt(1 - rho**2)))
    assert np.abs(conditional - v.ravel()).max() < CDF_ERROR


@pytest.mark.parametrize("b", [0.0, 6.0, 11.6])
def test_error_of_the_tabulated_distributions(b):
    plane = collision_plane(GLAUBER, b)

    def marginal(x):
        return integral(lambda y: GLAUBER.collision_density(b, x[:, None], y), -16, 16)

    total = integral(marginal, -16, 16)
    for x in (-6.1, -3.03, -0.7, 0.0, 2.17, 4.9):
        assert plane.marginal_cdf(x) == pytest.approx(integral(marginal, -16, x) / total, abs=CDF_ERROR)
        # the conditional distribution between grid lines
        row = integral(lambda y, x=x: GLAUBER.collision_density(b, x, y), -16, 16)
        for y in (-4.4, -1.01, 0.3, 2.9):
            part = integral(lambda z, x=x: GLAUBER.collision_density(b, x, z), -16, y)
            assert plane.conditional_cdf(x, y) == pytest.approx(part / row, abs=CDF_ERROR)


@given(st.floats(0, 1), st.floats(1.0, 100.0))
def test_pT_inverts_its_distribution(u, pT_max):
    p = inverse_pT(u, pT_max, MEAN_MASS)
    assert 0 <= p <= pT_max * (1 + 1e-12)
    at_cut = pT_max**2 / (pT_max**2 + MEAN_MASS**2)
    assert p**2 / (p**2 + MEAN_MASS**2) == pytest.approx(u * at_cut, rel=1e-9, abs=1e-12)


def test_pT_density_is_the_spectrum():
    u, p = 0.37, inverse_pT(0.37, 30.0, MEAN_MASS)
    du = 1e-5
    slope = (inverse_pT(u + du, 30.0, MEAN_MASS) - inverse_pT(u - du, 30.0, MEAN_MASS)) / (2 * du)
    norm_ = integral(lambda q: q / (q**2 + MEAN_MASS**2) ** 2, 0.0, 30.0)
    assert 1 / slope == pytest.approx(p / (p**2 + MEAN_MASS**2) ** 2 / norm_, rel=1e-8)  # central difference


def test_mean_mass_weights_spin_states():
    # 1, 3 and 5 states of chi_b0, 1, 2 and 3 of each Y, in the order of MESONS
    weights = [3, 3, 1, 3, 5, 3, 1, 3, 5]
    assert pytest.approx(np.dot(weights, [m.mass for m in MESONS]) / 27) == MEAN_MASS


SMOOTH = {
    "x^2": lambda p: p.x_fm**2,
    "y^2": lambda p: p.y_fm**2,
    "x^2 y^2": lambda p: p.x_fm**2 * p.y_fm**2,
    "x^4": lambda p: p.x_fm**4,
    "v_T": lambda p: p.v_T,
    "cos 2 phi": lambda p: np.cos(2 * p.phi),
    "x cos phi": lambda p: p.x_fm * np.cos(p.phi),
}


def exact_means(b, pT_max):
    def moment(i, j):
        return integral(
            lambda x: integral(
                lambda y: x[:, None] ** i * y**j * GLAUBER.collision_density(b, x[:, None], y), -16, 16
            ),
            -16,
            16,
        )

    total = moment(0, 0)

    def spectrum(p):
        return p / (p**2 + MEAN_MASS**2) ** 2

    v_T = integral(lambda p: spectrum(p) * p / np.hypot(p, MEAN_MASS), 0, pT_max) / integral(
        spectrum, 0, pT_max
    )
    space = {"x^2": (2, 0), "y^2": (0, 2), "x^2 y^2": (2, 2), "x^4": (4, 0)}
    return {name: moment(*ij) / total for name, ij in space.items()} | {
        "v_T": v_T,
        "cos 2 phi": 0,
        "x cos phi": 0,
    }


def test_means_agree_with_quadrature_within_the_stated_error():
    paths = sample_paths(GLAUBER, 6.0, 256, replicates=16, seed=5)
    for name, exact in exact_means(6.0, 30.0).items():
        means = SMOOTH[name](paths).reshape(16, 256).mean(axis=1)
        error = means.std(ddof=1) / 4
        # 4 sigma of Student's t with 15 degrees of freedom: chance of a false alarm 1e-3 a number, seed fixed
        assert abs(means.mean() - exact) < 4 * error, name


def test_replicate_error_falls_faster_than_monte_carlo():
    def scatter(n):
        paths = sample_paths(GLAUBER, 6.0, n, replicates=32, seed=1)
        return np.array([f(paths).reshape(32, n).mean(axis=1).std() for f in SMOOTH.values()])

    slopes = np.log(scatter(1024) / scatter(64)) / np.log(16)
    # independent points give -1/2; each slope is known to 0.06 from 32 replicates
    assert np.all(slopes < -0.7), slopes


def test_seeds_replicates_and_balance():
    paths = sample_paths(GLAUBER, 6.0, 64, replicates=3, seed=7)
    again = sample_paths(GLAUBER, 6.0, 64, replicates=4, seed=7)
    np.testing.assert_array_equal(paths.x_fm, again.x_fm[: 3 * 64])  # replicate k is its own stream
    assert not np.any(np.isin(paths.x_fm, sample_paths(GLAUBER, 6.0, 64, replicates=3, seed=8).x_fm))
    np.testing.assert_array_equal(np.bincount(paths.replicate), [64, 64, 64])
    for k in range(3):  # a scrambled net: one point of phi in each of 64 equal intervals
        phi = paths.phi[paths.replicate == k]
        np.testing.assert_array_equal(np.sort(np.floor(phi / (2 * np.pi) * 64)), np.arange(64))
    assert paths.pT.max() <= 30.0


def test_any_density_can_be_sampled():
    disk = PlaneDensity(lambda x, y: np.exp(-(x**2) / 2 - (y - 1) ** 2 / 8), 15.0)
    paths = sample_paths(disk, 0.0, 256)
    assert paths.y_fm.mean() == pytest.approx(1.0, abs=0.01)  # sigma 2, 2048 Sobol points
    assert paths.x_fm.std() == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(
    "bad",
    [
        {"n": 100},
        {"n": 0},
        {"replicates": 1},
        {"seed": -1},
        {"pT_max": 0.0},
        {"mass": np.nan},
        {"b_fm": -1.0},
    ],
)
def test_bad_requests_are_refused(bad):
    with pytest.raises(InputError, match=f"`{next(iter(bad))}`"):
        sample_paths(**({"source": GLAUBER, "b_fm": 6.0, "n": 64} | bad))


@pytest.mark.parametrize(
    "density", [lambda x, y: -np.ones((201, 201)), lambda x, y: 0 * x * y, lambda x, y: x]
)
def test_bad_densities_are_refused(density):
    with pytest.raises(InputError, match="density"):
        PlaneDensity(density, 10.0)
