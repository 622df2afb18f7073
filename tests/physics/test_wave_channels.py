"""The partial waves of jumps in a complex potential: their rates are its widths, and what they bring back is K."""

import numpy as np
import pytest
from numpy.polynomial.legendre import leggauss
from scipy.special import eval_legendre

import qtraj as qt
from qtraj.physics.channels import angular, leading_order_channels, radial, wave, wave_channels
from qtraj.physics.noise import gains, octet_decay, singlet_decay
from qtraj.physics.positivity import dictionary, project
from qtraj.units import C_F

Q = np.array([0.05, 0.3, 0.9, 2.0, 5.0])
W = np.array([0.2, 0.1, 0.07, 0.04, 0.01])
R = np.array([0.05, 0.7, 2.0, 5.0, 9.0])
WAVES = 60
"""Highest L: j_L(q r/2) is below 1e-20 for q r/2 <= 22.5."""


def G(r):
    return wave(np.multiply.outer(r, Q)) @ W


def waves_of(channel):
    return np.arange(1 if channel.odd else 0, WAVES, 2)


@pytest.mark.parametrize("l", [0, 1, 2, 7, 40])
@pytest.mark.parametrize("L", [0, 1, 2, 5, 33])
def test_angular_weights_expand_products_of_legendre_polynomials(l, L):
    mu, weights = leggauss(l + L + 1)
    product = eval_legendre(l, mu) * eval_legendre(L, mu)
    target = np.arange(abs(l - L), l + L + 1, 2)
    exact = (2 * target + 1) / 2 * (eval_legendre(target[:, None], mu) @ (weights * product))
    # logarithms of factorials up to 150!, 600, and their differences
    assert angular(l, L) == pytest.approx(exact, abs=1e-12)
    assert angular(l, L).sum() == pytest.approx(1, abs=2e-11)


@pytest.mark.parametrize("color", ["singlet", "octet"])
def test_rates_sum_up_to_the_widths(color):
    decay = singlet_decay(G(R)) if color == "singlet" else octet_decay(G(R), G(R / 2))
    total, whole = np.zeros(len(R)), np.zeros(len(R))
    for channel in wave_channels():
        if channel.source == color:
            L = waves_of(channel)
            squares = radial(L[:, None, None], np.multiply.outer(R, Q) / 2) ** 2
            total += channel.color_weight * np.einsum("l,lrk,k->r", 2 * L + 1, squares, W)
            x = np.multiply.outer(R, Q)
            whole += channel.color_weight * channel.whole(wave(x), wave(x / 2)) @ W
    assert total == pytest.approx(2 * decay, rel=1e-12)
    assert whole == pytest.approx(2 * decay, rel=1e-12)


def test_what_jumps_bring_back_is_that_of_the_equation():
    """Sum over channels of C rho C^+, l by l, against K of `noise` on Legendre polynomials in mu."""
    l_max = 6
    rng = np.random.default_rng(2)
    rho = rng.normal(size=(2, l_max + 1, len(R), len(R)))
    found = np.zeros((2, l_max + WAVES + 1, len(R), len(R)))
    factor = {}
    for channel in wave_channels():
        source, target = (
            ("singlet", "octet").index(channel.source),
            ("singlet", "octet").index(channel.target),
        )
        for L in waves_of(channel):
            if (channel.odd, L) not in factor:
                f = radial(np.array(L), np.multiply.outer(R, Q) / 2)
                factor[channel.odd, L] = (2 * L + 1) * (f * W) @ f.T
            for l in range(l_max + 1):
                behind = np.arange(abs(l - L), l + L + 1, 2)
                gain = channel.color_weight * factor[channel.odd, L] * rho[source, l]
                found[target, behind] += angular(l, L)[:, None, None] * gain
    mu, weights = leggauss(160)
    r, s = R[:, None], R[None, :]
    plus, minus = (
        G(np.sqrt(np.maximum(r**2 + s**2 + 2 * sign * r * s * mu[:, None, None], 0)) / 2) for sign in (1, -1)
    )
    to_singlet, to_octet, within = gains(G(R / 2)[:, None], G(R / 2)[None, :], plus, minus)
    P = eval_legendre(np.arange(l_max + 1), mu[:, None])
    singlet, octet = np.einsum("ml,clrs->cmrs", P, rho)
    new = np.array([to_singlet * octet, to_octet * singlet + within * octet])
    l = np.arange(l_max + 9)
    project_on = (2 * l[:, None] + 1) / 2 * weights * eval_legendre(l[:, None], mu)
    exact = np.einsum("lm,cmrs->clrs", project_on, new)
    assert found[:, : len(l)] == pytest.approx(exact, abs=1e-10 * np.abs(exact).max())


def test_the_dipole_limit_has_the_channels_of_leading_order():
    # q -> 0: j_1(q r/2) = q r/6, so that w_k = 6 c/q^2 gives G = c r^2 = kappa r^2/(2 C_F)
    q, kappa = 1e-4, 0.3
    w = 6 * kappa / (2 * C_F) / q**2
    rate = {}
    for channel in wave_channels():
        if channel.odd:
            f = radial(np.array(1), q * R / 2)
            rate[channel.source, channel.target] = channel.color_weight * w * 3 * f**2
        else:  # a rotation of color does nothing
            for L in (0, 2):
                f = radial(np.array(L), q * R / 2)
                assert np.all(channel.color_weight * w * (2 * L + 1) * f**2 < 1e-6 * kappa)
    for channel in leading_order_channels():
        exact = channel.color_weight * kappa * R**2
        assert rate[channel.source, channel.target] == pytest.approx(exact, rel=1e-7)
        for l in (0, 1, 4):
            if channel.rate(l) > 0:
                i = 0 if channel.delta_l < 0 or l == 0 else 1
                assert angular(l, 1)[i] == pytest.approx(channel.angular_weight(l), rel=1e-13)


@pytest.mark.parametrize("T", [0.2, 0.45])
def test_the_quadrature_of_a_potential_has_its_widths(T):
    # the distance of HTL from its projection is 2e-4 of the largest G
    potential, r_max = qt.HTLPotential(0.35, 2.2), 40.0
    r = dictionary(r_max)[0]
    true = [
        -potential.medium(x, "singlet", *(np.array([y]) for y in (T, 0.0, T)))[0].imag / C_F
        for x in (r, r / 2)
    ]
    weights = project(true[0], r_max)
    fit = [
        np.column_stack([x**2, wave(np.multiply.outer(x, dictionary(r_max)[1]))]) @ weights
        for x in (r, r / 2)
    ]
    largest = true[0].max()
    assert singlet_decay(fit[0]) == pytest.approx(singlet_decay(true[0]), abs=C_F * 3e-4 * largest)
    assert octet_decay(*fit) == pytest.approx(octet_decay(*true), abs=4 * 3e-4 * largest)
