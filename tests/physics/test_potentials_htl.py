"""The HTL potential: its formula from an independent integral, limits, the running coupling, survival without jumps."""

import mpmath
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import solve_ivp

import qtraj as qt
from qtraj import InputError
from qtraj.units import C_F

R = np.array([0.05, 0.7, 3.0, 20.0])
T = np.array([0.18, 0.3, 0.5])


def phi(x):
    """phi(x) = 2 Int z/(z^2 + 1)^2 [1 - sin(zx)/(zx)], its Fourier integral done by mpmath."""
    with mpmath.workdps(20):
        oscillating = mpmath.quadosc(
            lambda z: mpmath.sin(z * x) / (x * (z**2 + 1) ** 2), [0, mpmath.inf], omega=x
        )
        return float(1 - 2 * oscillating)


def test_it_is_the_formula():
    htl = qt.HTLPotential(0.35, 2.2)
    V = htl.medium(R, "singlet", T, 0 * T, T)
    for i, t in enumerate(T):
        md = 2.2 * t
        assert_allclose(V[i].real, -C_F * 0.35 * (np.exp(-md * R) / R + md), rtol=1e-14)
        assert_allclose(V[i].imag, [-C_F * 0.35 * t * phi(md * r) for r in R], rtol=1e-11)
    assert htl.alpha == pytest.approx(C_F * 0.35, rel=1e-15)
    assert_allclose(htl.vacuum(R, "singlet"), -htl.alpha / R, rtol=1e-15)


def test_the_debye_mass_of_leading_order():
    # three flavors: m_D^2 = (1 + 1/2) g^2 T^2 with g^2 = 4 pi alpha_s
    explicit = qt.HTLPotential(0.3, np.sqrt(1.5 * 4 * np.pi * 0.3))
    implied = qt.HTLPotential(0.3)
    at = (T, 0 * T, T)
    assert_allclose(implied.medium(R, "singlet", *at), explicit.medium(R, "singlet", *at), rtol=1e-14)


def test_real_parts():
    at = (T, 0 * T, T)
    screened, yukawa, coulomb = (
        qt.HTLPotential(0.3, 2.0, real=real, alpha=0.6).medium(R, "singlet", *at)
        for real in ("screened", "yukawa", "coulomb")
    )
    assert_allclose(yukawa.real - screened.real, np.outer(0.6 * 2.0 * T, np.ones_like(R)), rtol=1e-12)
    assert_allclose(coulomb.real, np.broadcast_to(-0.6 / R, coulomb.shape), rtol=1e-15)
    # one width for all
    assert_allclose(yukawa.imag, screened.imag, rtol=0)
    assert_allclose(coulomb.imag, screened.imag, rtol=0)


def test_a_cold_medium_and_one_without_screening_are_the_vacuum():
    cold = np.array([1e-9])
    assert_allclose(qt.HTLPotential(0.3).medium(R, "singlet", cold, 0 * cold, cold)[0], -0.4 / R, atol=1e-8)
    unscreened = qt.HTLPotential(0.3, 0.0).medium(R, "singlet", T, 0 * T, T)
    assert_allclose(unscreened, np.broadcast_to(-0.4 / R, (3, 4)), rtol=1e-15)


def test_at_short_distance_it_is_a_dipole_up_to_a_logarithm():
    # phi = (x^2/3)(4/3 - gamma_E - ln x) + O(x^4 ln x)
    r = np.array([1e-4])
    V = qt.HTLPotential(0.35, 2.2).medium(r, "singlet", T, 0 * T, T)[:, 0]
    x = 2.2 * T * r
    expected = -C_F * 0.35 * T * x**2 / 3 * (4 / 3 - np.euler_gamma - np.log(x))
    assert_allclose(V.imag, expected, rtol=1e-6)


def test_the_running_coupling():
    htl = qt.HTLPotential(0.45, running=2 * np.pi)
    hot = np.array([0.25, 0.5, 1.0])
    coupling = htl.coupling(hot)

    # d alpha/d ln mu = -2 alpha^2 (b0 + b1 alpha + b2 alpha^2), from 2 pi GeV down to pi GeV; the series is off by 1 %
    b0, b1, b2 = 27 / (12 * np.pi), 96 / (24 * np.pi**2), (2857 - 5033 / 3 + 325 / 3) / (128 * np.pi**3)
    back = solve_ivp(
        lambda t, a: 2 * a**2 * (b0 + b1 * a + b2 * a**2),
        (0, np.log(2)),
        coupling[2:],
        rtol=1e-10,
        atol=1e-12,
    )
    assert_allclose(coupling[1], back.y[0, -1], rtol=0.01)
    # never above the frozen value, whose Debye mass follows it
    assert np.all(htl.coupling(np.linspace(0.01, 0.2, 50)) <= 0.45)
    assert htl.coupling(np.array([0.05]))[0] == pytest.approx(0.45, rel=1e-15)
    assert_allclose(htl.debye_mass(hot, hot), np.sqrt(1.5 * 4 * np.pi * coupling) * hot, rtol=1e-14)
    # the coupling of the real part is that of the vacuum: the medium changes nothing at the origin
    near = htl.medium(np.array([1e-6]), "singlet", hot, 0 * hot, hot)[:, 0].real
    assert_allclose(near, -0.6 / 1e-6, rtol=1e-10)


def test_an_anisotropic_medium_is_averaged_as_that_of_ksu():
    xi, scale = np.array([0.3, 1.0, 2.0]), 1.1 * T
    ksu = qt.KSUPotential(0.4, sigma=0.0)
    # the same m_D, its coupling frozen by a hot enough lambda
    ratio = float(ksu.debye_mass(1.0))
    htl = qt.HTLPotential(0.3, ratio)
    V = htl.medium(R, "singlet", T, xi, scale)
    expected = ksu.imaginary_part(R, T, xi, scale) * (0.4 / ksu.coupling(T))[:, None]
    assert_allclose(V.imag, expected, rtol=1e-13)
    far = htl.medium(np.array([1e3]), "singlet", T, xi, scale)[:, 0].real
    from_isotropic = htl.medium(np.array([1e3]), "singlet", T, 0 * xi, T)[:, 0].real
    assert np.all(np.abs(far) < np.abs(from_isotropic))  # less screening


def test_survival_without_jumps_is_the_independent_one():
    # numbers of a plain NumPy prototype of the density matrix, 48 mesh points and 60 steps: good to 1e-3
    htl = qt.HTLPotential(0.35, 2.2, real="coulomb", alpha=0.6239853)
    result = qt.solve(qt.LindbladModel(htl), qt.Bjorken(0.425, 0.6, 0.25), qt.GaussianState(), qt.NoJump())
    found = [result.survival[name].value for name in ("1S", "2S", "3S")]
    assert_allclose(found, [0.4821, 0.0710, 0.0889], rtol=2e-3)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("alpha_s", 0.0),
        ("alpha_s", 0.9),
        ("md_over_T", -1.0),
        ("md_over_T", 300.0),
        ("real", "none"),
        ("alpha", 0.0),
        ("running", 0.0),
        ("n_f", 9),
        ("lambda_ms", 344.0),
        ("octet", None),
    ],
)
def test_bad_arguments_are_refused_by_name(argument, value):
    with pytest.raises(InputError) as caught:
        qt.HTLPotential(**{argument: value})
    assert caught.value.argument == argument
