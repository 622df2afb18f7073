"""Optical Glauber: laws, the numbers of the shipped runs, and the table of the group's parameters."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from qtraj.errors import InputError
from qtraj.hydro import PB208, PB208_GROUP, Nucleus, OpticalGlauber, load_shipped

MUSIC = OpticalGlauber(PB208, 67.6)


@settings(max_examples=40)
@given(st.integers(12, 238), st.floats(2.0, 7.0), st.floats(0.3, 0.65))
def test_thickness_integrates_to_the_mass_number(A, R, a):
    nucleus = Nucleus(A, R, a)
    r = np.linspace(0, nucleus.extent_fm, 2001)
    # trapezoid in r: error O(dr^2) ~ 1e-5 relative; the tail left out is e^-20
    assert np.trapezoid(2 * np.pi * r * nucleus.thickness(r), r) == pytest.approx(A, rel=5e-5)


@pytest.mark.parametrize("r", [0.0, 3.3, 6.62, 10.0])
def test_thickness_is_the_integral_of_the_density(r):
    expected = quad(
        lambda z: PB208.rho0 / (1 + np.exp((np.hypot(r, z) - 6.62) / 0.546)), 0, 25, epsabs=1e-12
    )[0]
    # cubic spline in r with step 0.02 fm: (0.02/0.5)^4/384 ~ 1e-8
    assert PB208.thickness(r) == pytest.approx(2 * expected, rel=1e-7)


def test_cross_section_weighted_collisions():
    # integral d^2b N_coll(b) = sigma A^2; 40 Gauss points on a smooth function: far below the 1e-5 of rho0
    nodes, weights = np.polynomial.legendre.leggauss(40)
    b = 14.0 * (nodes + 1)
    total = 14.0 * np.sum(weights * 2 * np.pi * b * [MUSIC.n_coll(b_) for b_ in b])
    assert total == pytest.approx(MUSIC.sigma_fm2 * 208**2, rel=2e-5)


def test_densities_integrate_to_the_numbers():
    x = np.arange(-20, 20, 0.2)[:, None]
    y = np.arange(-20, 20, 0.2)[None, :]
    assert MUSIC.collision_density(6.0, x, y).sum() * 0.04 == pytest.approx(MUSIC.n_coll(6.0), rel=1e-9)
    assert MUSIC.participant_density(6.0, x, y).sum() * 0.04 == pytest.approx(MUSIC.n_part(6.0), rel=1e-9)


@settings(max_examples=20)
@given(st.floats(0, 17), st.floats(0.1, 3))
def test_both_numbers_fall_with_b_and_stay_in_bounds(b, step):
    assert 0 < MUSIC.n_part(b + step) < MUSIC.n_part(b) < 2 * 208
    assert 0 < MUSIC.n_coll(b + step) < MUSIC.n_coll(b)


@given(st.floats(-8, 8), st.floats(-8, 8), st.floats(0, 14))
def test_equal_nuclei_make_symmetric_densities(x, y, b):
    expected = MUSIC.collision_density(b, x, y)
    for sx, sy in ((-1, 1), (1, -1)):
        assert MUSIC.collision_density(b, sx * x, sy * y) == pytest.approx(expected, rel=1e-12)


# README of the MUSIC runs, rounded to the digits printed there
@pytest.mark.parametrize(
    ("b", "n_part", "n_coll"), [(2.3, 380.7, 1833), (6.0, 249.1, 982), (9.2, 118.7, 335), (11.6, 44.4, 79.0)]
)
def test_the_shipped_runs(b, n_part, n_coll):
    attrs = load_shipped(b).attrs
    glauber = OpticalGlauber.from_attrs(attrs)
    assert glauber.n_part(b) == pytest.approx(n_part, abs=0.06)
    assert glauber.n_coll(b) == pytest.approx(n_coll, rel=6e-4)
    assert attrs["n_part"] == n_part
    assert attrs["n_coll"] == n_coll


# rows of glauber_optical_PbPb5023.csv (optical Glauber with the group's parameters, own script, 6 digits)
@pytest.mark.parametrize(
    ("b", "n_part", "n_bin"),
    [
        (0.0, 406.923, 2121.83),
        (3.0, 361.435, 1732.03),
        (6.0, 245.599, 983.328),
        (9.0, 120.845, 349.575),
        (12.0, 31.2733, 48.0733),
        (15.0, 1.71241, 1.30862),
    ],
)
def test_the_groups_parameters(b, n_part, n_bin):
    glauber = OpticalGlauber(PB208_GROUP, 67.0)
    # the table was made on a grid of 0.09 fm; agreement is 4e-5 at b = 15 fm and better elsewhere
    assert glauber.n_part(b) == pytest.approx(n_part, rel=1e-4)
    assert glauber.n_coll(b) == pytest.approx(n_bin, rel=1e-4)


def test_bad_input_is_refused():
    for bad in ({"A": 0}, {"R_fm": -1.0}, {"a_fm": np.nan}, {"rho0_fm3": 0.0}):
        with pytest.raises(InputError, match=next(iter(bad))):
            Nucleus(**({"A": 208, "R_fm": 6.62, "a_fm": 0.546} | bad))
    with pytest.raises(InputError, match="in mb"):
        OpticalGlauber(PB208, 0.0676)
    with pytest.raises(InputError, match="b_fm"):
        MUSIC.n_part(-1.0)
    with pytest.raises(InputError, match="woods_saxon"):
        OpticalGlauber.from_attrs({"A": 208})
