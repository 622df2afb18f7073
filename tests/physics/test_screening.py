"""Landau damping, anisotropic screening and the running coupling: definitions, limits, joins, orders."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.integrate import quad, solve_ivp

from qtraj import InputError
from qtraj.physics.potentials.ksu import landau_damping, running_coupling, screening_anisotropy


@pytest.mark.parametrize("x", [0.02, 0.5, 2.0, 2.999, 3.0, 3.001, 8.0, 30.0, 44.9, 45.1, 120.0])
def test_landau_damping_is_its_integral(x):
    # 2 Int z/(z^2+1)^2 dz = 1, and the rest is a Fourier integral, for which QUADPACK has a rule
    fourier, error = quad(lambda z: 1 / (z**2 + 1) ** 2, 0, np.inf, weight="sin", wvar=x, epsabs=1e-13)
    assert_allclose(landau_damping(x), 1 - 2 * fourier / x, rtol=0, atol=1e-12 + 2 * error / x)


@pytest.mark.parametrize("join", [3.0, 45.0])
def test_landau_damping_has_no_step_where_its_forms_meet(join):
    left, right = landau_damping(np.nextafter(join, [0, np.inf]))
    assert abs(left - right) < 4e-16 * join  # a few roundings


def test_landau_damping_at_its_ends():
    assert landau_damping(0.0) == 0
    x = np.array([1e-3, 2e-3, 4e-3])
    small = -(x**2) / 9 * (3 * np.log(x) + 3 * np.euler_gamma - 4)
    assert_allclose(landau_damping(x), small, rtol=1e-5)  # the next term is x^2/10 of it
    x = np.array([200.0, 1e3, 1e6])
    assert_allclose(1 - landau_damping(x), 2 / x**2 + 8 / x**4, rtol=1e-4)  # rounding of 1 - phi at 1e6
    assert landau_damping(np.inf) == 1


@given(st.lists(st.floats(1e-6, 1e4), min_size=2, max_size=20))
def test_landau_damping_rises_from_0_to_1(values):
    phi = landau_damping(np.sort(values))
    assert np.all((phi > 0) & (phi <= 1))
    assert np.all(np.diff(phi) >= -4e-16)
    assert landau_damping(np.reshape(values, (1, -1))).shape == (1, len(values))


def test_screening_anisotropy_is_both_printed_forms():
    xi = np.array([1e-5, 1e-3, 0.1, 1.0, 10.0])
    angle = np.arcsin(np.sqrt(xi / (1 + xi)))
    oblate = np.sqrt(2) * (1 + xi) * angle
    oblate /= np.sqrt(xi) * np.sqrt(1 + xi + (1 + xi) ** 2 * angle / np.sqrt(xi))
    assert_allclose(screening_anisotropy(xi), oblate, rtol=1e-13)
    x = np.array([1e-5, 1e-3, 0.1, 0.6, 0.99])
    angle = np.arcsinh(np.sqrt(x / (1 - x)))
    prolate = np.sqrt(2) * angle / (x**0.25 * np.sqrt(np.sqrt(x) / (1 - x) + angle))
    assert_allclose(screening_anisotropy(-x), prolate, rtol=1e-13)


@pytest.mark.parametrize("sign", [1, -1])
def test_screening_anisotropy_has_the_printed_series(sign):
    xi = sign * np.array([0.01, 0.02, 0.04])
    rest = screening_anisotropy(xi) - (1 - 2 * xi**2 / 45 + 44 * xi**3 / 945 - 8 * xi**4 / 189)
    # all of the series is there, so that xi^5 is left; the term after it bends the fit by a few percent
    assert_allclose(np.polyfit(np.log(np.abs(xi)), np.log(np.abs(rest)), 1)[0], 5, atol=0.15)
    assert screening_anisotropy(0.0) == 1


def test_screening_anisotropy_is_smooth_where_the_series_of_arctan_begins():
    xi = 1e-6 * np.array([0.999, 1.001])
    assert_allclose(screening_anisotropy(xi), 1 - 2 * xi**2 / 45, rtol=1e-15)


@pytest.mark.parametrize("xi", [-1.0, -2.0, [0.1, -1.5], np.nan])
def test_impossible_anisotropies_are_refused(xi):
    with pytest.raises(InputError, match="xi"):
        screening_anisotropy(xi)


@pytest.mark.parametrize("n_f", [0, 2, 3])
def test_the_coupling_obeys_the_three_loop_equation(n_f):
    b0, b1 = (33 - 2 * n_f) / (12 * np.pi), (153 - 19 * n_f) / (24 * np.pi**2)
    b2 = (2857 - 5033 / 9 * n_f + 325 / 27 * n_f**2) / (128 * np.pi**3)
    t = np.array([1200.0, 300.0, 100.0, 30.0])
    expanded = running_coupling(0.3 * np.exp(t / 2), n_f, 0.3)
    flow = solve_ivp(
        lambda _, a: -(a**2) * (b0 + b1 * a + b2 * a**2),
        (t[0], t[-1]),
        expanded[:1],
        t_eval=t,
        rtol=1e-12,
        atol=1e-15,
    )
    deviation = np.abs(expanded / flow.y[0] - 1)[1:]
    # 1/t to 1/t^4 are there, so that ln^4 t/t^4 is left relative to them: the logarithms lower the fitted order by one
    # in this range, and without the last term it would be 2
    assert -np.polyfit(np.log(t[1:]), np.log(deviation), 1)[0] > 2.7


def test_the_coupling_of_five_GeV():
    # the group quotes 0.2034 for three flavors and Lambda = 0.344 GeV
    assert_allclose(running_coupling(5.0, 3, 0.344), 0.2034, atol=5e-5)
