"""Laws of the Lagrange-Laguerre mesh: spectra with closed forms, Gauss quadrature, derivatives of known functions."""

from itertools import pairwise
from math import factorial

import numpy as np
import pytest
from numpy.testing import assert_allclose

from qtraj import InputError, LaguerreMesh

MASS = 4.73
ALPHA = 0.6239853
BOHR = 2 / (MASS * ALPHA)


def levels(mesh, potential, l):
    return np.linalg.eigvalsh(mesh.hamiltonian(potential, l, MASS))


def coulomb_energy(n):
    return -MASS * ALPHA**2 / (4 * n**2)


def test_mesh_points_are_zeros_of_the_laguerre_polynomial():
    mesh = LaguerreMesh(5, 2.0)
    # L_5 explicitly: sum of (-1)^k binom(5, k) x^k / k!
    polynomial = np.polynomial.Polynomial([1, -5, 5, -5 / 3, 5 / 24, -1 / 120])
    assert_allclose(polynomial(mesh.x), 0, atol=1e-12)  # rounding of terms of size 1e2
    assert_allclose(mesh.r, 2.0 * mesh.x, rtol=0)


@pytest.mark.parametrize("points", [4, 10, 40])
def test_quadrature_is_exact_for_polynomials_times_an_exponential(points):
    mesh = LaguerreMesh(points, 0.3)
    for k in range(2 * points):  # Gauss: exact up to degree 2 points - 1
        moment = np.sum(mesh.weights * np.exp(-mesh.x) * mesh.x**k)
        # positive terms: no cancellation, only the rounding of the zeros, amplified by x^k
        assert_allclose(moment, mesh.scale * factorial(k), rtol=1e-10)


def test_quadrature_is_not_exact_one_degree_beyond():
    mesh = LaguerreMesh(4, 1.0)
    error = factorial(8) - np.sum(mesh.weights * np.exp(-mesh.x) * mesh.x**8)
    # the Gauss-Laguerre remainder for f = x^(2n) is (n!)^2
    assert_allclose(error, factorial(4) ** 2, rtol=1e-9)


@pytest.mark.parametrize("points", [64, 128, 170])
def test_weights_sum_laws_hold_for_large_meshes(points):
    mesh = LaguerreMesh(points, 0.12)
    decay = np.exp(-mesh.x)
    assert np.all(mesh.weights > 0)
    assert_allclose(np.sum(mesh.weights * decay), mesh.scale, rtol=1e-11)
    assert_allclose(np.sum(mesh.weights * decay * mesh.x), mesh.scale, rtol=1e-11)
    # without the exponential the weights measure the distance covered: spacing of neighboring points
    assert_allclose(mesh.weights[5:-5], np.gradient(mesh.r)[5:-5], rtol=0.02)


def test_coefficients_carry_the_norm_and_invert():
    mesh = LaguerreMesh(30, 0.3)
    u = mesh.r * np.exp(-mesh.r)
    c = mesh.coefficients(u)
    assert_allclose(np.sum(c**2), 0.25, rtol=1e-12)  # Int r^2 exp(-2 r) dr = 1/4
    assert_allclose(mesh.values(c), u, rtol=1e-14)


@pytest.mark.parametrize(("l", "n"), [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3), (3, 4)])
def test_coulomb_levels_are_exact_for_a_commensurate_scale(l, n):
    # exp(-r/(n a0)) is in the basis for scale = n a0/2: the variational value is exact up to rounding, which the
    # largest element of p^2, about 1e4 GeV^2, brings to 1e-12
    mesh = LaguerreMesh(20, n * BOHR / 2)
    found = levels(mesh, -ALPHA / mesh.r, l)[n - l - 1]
    assert_allclose(found, coulomb_energy(n), rtol=1e-10)


@pytest.mark.parametrize(("l", "scale", "fewest"), [(0, 0.15, 8), (1, 0.25, 12), (2, 0.4, 12), (0, 1.0, 10)])
def test_coulomb_levels_converge_exponentially_with_points(l, scale, fewest):
    points = np.arange(fewest, fewest + 11, 2)
    meshes = [LaguerreMesh(int(count), scale) for count in points]
    errors = [abs(levels(mesh, -ALPHA / mesh.r, l)[0] / coulomb_energy(l + 1) - 1) for mesh in meshes]
    # Laguerre coefficients of r^(l+1) exp(-b x) fall as q^N N^(l+1), q = |b - 1/2|/(b + 1/2); energies as the square.
    b = scale / ((l + 1) * BOHR)
    model = np.stack([points, np.log(points), np.ones(len(points))], axis=1)
    fit, *_ = np.linalg.lstsq(model, np.log(errors), rcond=None)
    assert_allclose(
        fit[0], 2 * np.log(abs(b - 0.5) / (b + 0.5)), rtol=0.03
    )  # corrections of relative order 1/N^2
    assert_allclose(model @ fit, np.log(errors), atol=0.05)
    assert errors[-1] < 1e-5 * errors[0]


@pytest.mark.parametrize("l", [0, 1, 2])
@pytest.mark.parametrize("stiffness", [0.05, 0.02 - 0.03j, -0.01 - 0.05j])
def test_harmonic_oscillator_levels_real_and_complex(l, stiffness):
    # p^2/M + c r^2 has the levels omega (2 k + l + 3/2), omega = 2 sqrt(c/M), for complex c too
    mesh = LaguerreMesh(70, 0.12)
    matrix = mesh.hamiltonian(np.zeros(70), l, MASS) + np.diag(stiffness * mesh.r**2)
    omega = 2 * np.sqrt(complex(stiffness) / MASS)
    exact = omega * (2 * np.arange(3) + l + 1.5)
    found = np.linalg.eigvals(matrix)
    for level in exact:
        # exponential convergence: rounding is left (elements up to 1e4 GeV^2, non-normal for complex c)
        assert np.min(np.abs(found - level)) < 1e-9 * abs(level)


def test_centrifugal_term_raises_the_free_spectrum():
    mesh = LaguerreMesh(40, 0.1)
    spectra = [levels(mesh, np.zeros(40), l) for l in range(4)]
    assert np.all(spectra[0] > 0)  # no bound state without a potential
    for lower, higher in pairwise(spectra):
        assert np.all(higher > lower)


def test_p_squared_is_symmetric_and_has_exact_expectation_values():
    mesh = LaguerreMesh(20, 0.4)
    assert_allclose(mesh.p_squared, mesh.p_squared.T, rtol=1e-15)
    # u = r exp(-r/(2 scale)) lies in the basis and the closed form is exact: <p^2> = 1/(2 scale)^2
    c = mesh.coefficients(mesh.r * np.exp(-mesh.x / 2))
    assert_allclose(c @ mesh.p_squared @ c / (c @ c), 1 / (4 * mesh.scale**2), rtol=1e-11)


def test_free_packet_spreads_as_it_must():
    # u ~ r exp(-r^2/(2 s^2)): <r^2> = (3/2) s^2 (1 + (2 t/(M s^2))^2) with H = p^2/M
    mesh, s = LaguerreMesh(90, 0.1), 0.8
    energies, vectors = np.linalg.eigh(mesh.hamiltonian(np.zeros(90), 0, MASS))
    start = vectors.T @ mesh.coefficients(mesh.r * np.exp(-(mesh.r**2) / (2 * s**2)))
    for t in (0.0, 1.0, 3.0):
        c = vectors @ (np.exp(-1j * energies * t) * start)
        density = np.abs(c) ** 2
        expected = 1.5 * s**2 * (1 + (2 * t / (MASS * s**2)) ** 2)
        assert_allclose(
            density @ mesh.r**2 / density.sum(), expected, rtol=1e-9
        )  # spectral accuracy, then rounding


@pytest.mark.parametrize("power", [1, 2, 4])
def test_derivative_is_exact_in_the_space_of_the_mesh(power):
    mesh = LaguerreMesh(16, 0.5)
    u = mesh.x**power * np.exp(-mesh.x / 2)
    slope = (power * mesh.x ** (power - 1) - mesh.x**power / 2) * np.exp(-mesh.x / 2) / mesh.scale
    found = mesh.values(mesh.derivative @ mesh.coefficients(u))
    assert_allclose(found, slope, atol=1e-11 * np.max(np.abs(slope)))


def test_derivative_of_a_gaussian_converges_exponentially():
    errors = []
    for points in (20, 30, 40):
        mesh = LaguerreMesh(points, 0.1)
        u = mesh.r * np.exp(-(mesh.r**2))
        slope = (1 - 2 * mesh.r**2) * np.exp(-(mesh.r**2))
        found = mesh.derivative @ mesh.coefficients(u)
        errors.append(np.linalg.norm(found - mesh.coefficients(slope)))
    # ten more points gain at least a factor five each time: no power law of these counts does (1.33^5 = 4.2)
    assert errors[1] < errors[0] / 5
    assert errors[2] < errors[1] / 5


@pytest.mark.parametrize("points", [16, 60, 170])
def test_interpolation_is_exact_in_the_space_of_the_mesh(points):
    mesh = LaguerreMesh(points, 0.12)
    r = np.linspace(0, 1.5 * mesh.r[-1], 3001)
    # beyond the last mesh point and exactly on a point, where a Lagrange formula would divide by zero, as well
    r[::300] = mesh.r[:: max(1, points // 11)][: len(r[::300])]

    def u(r, power):
        return r**power * np.exp(-r / (2 * mesh.scale))

    for power in (1, 2, 5):
        found = mesh.interpolate(mesh.coefficients(u(mesh.r, power)), r)
        # rounding of the zeros and of the three-term recurrence grows with the number of points
        assert_allclose(found, u(r, power), atol=1e-13 * points * np.max(u(r, power)))


def test_interpolation_converges_exponentially_to_rounding():
    r = np.linspace(0, 12, 2001)
    u, errors, counts = r * (1 - r / 1.4) * np.exp(-r / 0.7), [], np.array([8, 12, 16, 20])
    for points in (*counts, 60):
        mesh = LaguerreMesh(int(points), 0.2)
        at_mesh = mesh.coefficients(mesh.r * (1 - mesh.r / 1.4) * np.exp(-mesh.r / 0.7))
        errors.append(np.max(np.abs(mesh.interpolate(at_mesh, r) - u)))
    # exp(-r/b) = exp(-x/2) sum_k z^k L_k(x) (1 - z), z = (b' - 1/2)/(b' + 1/2), b' = scale/b: the terms fall as
    # |z|^N, times a power of N from the polynomial in front, which the fit contains
    z = abs((0.2 / 0.7 - 0.5) / (0.2 / 0.7 + 0.5))
    slope = np.polyfit(counts, np.log(errors[:-1]), 1)[0]
    assert_allclose(slope, np.log(z), rtol=0.15)
    assert errors[-1] < 1e-12  # rounding is left: |z|^60 is 1e-34


def test_interpolation_keeps_the_shape_of_radii_and_of_stacks():
    mesh = LaguerreMesh(12, 0.3)
    c = np.arange(1.0, 25.0).reshape(2, 12)
    r = np.linspace(0, 5, 6).reshape(3, 2)
    assert mesh.interpolate(c, r).shape == (2, 3, 2)
    assert_allclose(mesh.interpolate(c, r)[1], mesh.interpolate(c[1], r), rtol=1e-14)
    assert_allclose(mesh.interpolate(c, mesh.r), mesh.values(c), rtol=1e-11)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"points": 3}, "points"),
        ({"points": 171}, "points"),
        ({"points": 64.0}, "points"),
        ({"points": "64"}, "points"),
        ({"scale": 0.0}, "scale"),
        ({"scale": -0.1}, "scale"),
        ({"scale": float("nan")}, "scale"),
        ({"scale": float("inf")}, "scale"),
        ({"scale": "0.1"}, "scale"),
        ({"scale": None}, "scale"),
    ],
)
def test_bad_meshes_are_refused_by_name(arguments, name):
    with pytest.raises(InputError) as caught:
        LaguerreMesh(**arguments)
    assert caught.value.argument == name
