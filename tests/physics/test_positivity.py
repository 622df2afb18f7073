"""The noise behind complex potentials: closed forms of D~, the positive cone, and potentials that are no noise."""

import numpy as np
import pytest
from scipy.integrate import quad

import qtraj as qt
from qtraj.errors import InputError
from qtraj.physics.channels import wave
from qtraj.physics.positivity import TOLERANCE, check_positive, dictionary, project
from qtraj.physics.potentials.ksu import landau_damping
from qtraj.units import C_F

R_MAX = 80.0
R = R_MAX / 8
"""Length of the window in GeV^-1, so that q^2 D~ is averaged with a Gaussian of the width 1/R."""


def potential(G):
    """Return a potential with -Im V_s/C_F = G(r, T)."""

    def V(r, T):
        return -0.5 / r - 1j * C_F * np.where(T > 0, G(r, np.maximum(T, 1e-3)), 0.0)

    return qt.CallablePotential(V, alpha=0.5)


def htl(r, T):
    return 0.35 * T * landau_damping(2.2 * T * r)


def wilson_line(A, a, b, c):
    """Return G of the Wilson-line potential, Gamma_s = A phi(r) with r in fm."""

    def G(r, T):
        s = (0.1973269804 * r) ** 2
        return A * (1 + a * np.exp(-b * s) - (1 + a) * np.exp(-c * s)) / (2 * C_F)

    return potential(G)


WILSON_LINE = {
    0.195: wilson_line(1.02, 0.34514, 5.7597, 1.69875),
    0.251: wilson_line(1.22277, 0.354, 8.0811, 2.35233),
    0.293: wilson_line(1.53819, 0.21116, 16.7262, 3.07552),
    0.352: wilson_line(1.76918, 0.584, 8.711, 4.65185),
    0.500: wilson_line(2.15539, 2.55103, 8.70876, 7.72424),
    0.700: wilson_line(2.41191, -5.67930, 9.10140, 8.70856),
}


def gaussian(strength, length):
    return potential(lambda r, T: strength * (1 - np.exp(-((r / length) ** 2))) * np.ones_like(T))


def averaged(density, q):
    """Return a radial density averaged with a Gaussian of the width 1/R in three dimensions."""
    width = 1 / R

    def folded(p):
        # the angular integral of the Gaussian: its values at q - p and at q + p
        near, far = (np.exp(-((q + s * p) ** 2) / (2 * width**2)) for s in (-1, 1))
        return p / q * density(p) * (near - far)

    ends = (max(0.0, q - 12 * width), q + 12 * width)
    return quad(folded, *ends, epsabs=0, epsrel=1e-11, limit=400)[0] / (width * np.sqrt(2 * np.pi))


@pytest.mark.parametrize("T", [0.2, 0.45])
def test_the_spectrum_of_htl_is_that_of_the_exchange_of_a_gluon(T):
    # D~ = 4 pi^2 alpha_s T m_D^2/(q (q^2 + m_D^2)^2)
    m = 2.2 * T
    noise = qt.noise(potential(htl), T, q=np.array([0.05, 0.3, 1.0, 3.0, 8.0]), r_max=R_MAX)
    exact = [averaged(lambda p: 4 * np.pi**2 * 0.35 * T * m**2 * p / (p**2 + m**2) ** 2, q) for q in noise.q]
    # 1e-14 of the window is left at r_max, times q r_max in the integrand; the Gauss panels and quad do better
    assert noise.q**2 * noise.spectrum == pytest.approx(exact, rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("length", [2.5, 5.0, 20.0])
def test_the_spectrum_of_a_gaussian(length):
    noise = qt.noise(gaussian(0.4, length), 0.3, q=np.array([0.05, 0.2, 0.5, 1.0]), r_max=R_MAX)
    exact = [
        averaged(lambda p: 0.4 * (np.pi * length**2) ** 1.5 * p**2 * np.exp(-((p * length / 2) ** 2)), q)
        for q in noise.q
    ]
    assert noise.q**2 * noise.spectrum == pytest.approx(exact, rel=1e-6, abs=1e-8)


def test_the_dipole_limit_is_a_peak_at_no_momentum():
    # (r G)'' = 6 c r, so that only the window is left: 6 c (2 pi R^2)^(3/2) exp(-q^2 R^2/2)
    noise = qt.noise(potential(lambda r, T: 0.1 * r**2), 0.3, q=np.array([0.02, 0.1, 0.3, 2.0]), r_max=R_MAX)
    exact = 0.6 * (2 * np.pi * R**2) ** 1.5 * np.exp(-((noise.q * R) ** 2) / 2)
    assert noise.q**2 * noise.spectrum == pytest.approx(exact, rel=1e-9, abs=1e-9 * exact[0])
    assert noise.curvature == pytest.approx(0.1, rel=1e-12)
    assert noise.weights.sum() < 1e-10


@pytest.mark.parametrize(
    ("kind", "nearest"),
    [
        # the quadrature of the cone: 3e-4 where D~ has a tail, q^-5, rounding where it has none
        (potential(htl), 3e-4),
        (qt.KSUPotential(), 3e-4),
        (gaussian(0.4, 2.5), 1e-6),
        (gaussian(0.4, 20.0), 1e-10),
        (potential(lambda r, T: 0.1 * r**2), 1e-12),
        (potential(lambda r, T: 0.1 * r**2 + 0.2 * wave(1.3 * r) * np.ones_like(T)), 1e-3),
    ],
)
def test_potentials_with_noise_are_in_the_cone(kind, nearest):
    for T in (0.2, 0.35, 0.5):
        noise = qt.noise(kind, T)
        assert noise.is_positive
        assert noise.distance < nearest
        assert noise.doubling <= 1 + 1e-12
        assert noise.negative_share < 1e-6
        assert noise.projection(noise.r) == pytest.approx(noise.G, abs=2 * nearest * noise.G.max())
    check_positive(kind, (np.array([0.2, 0.5]), np.zeros(2), np.array([0.2, 0.5])), 40.0)


def test_the_wilson_line_potential_is_no_noise_below_500_mev():
    for T, kind in WILSON_LINE.items():
        noise = qt.noise(kind, T)
        assert noise.is_positive == (T >= 0.5)
        # of |D~| a tenth is negative in the QGP of today's colliders
        assert noise.negative_share == pytest.approx(
            {0.195: 0.09, 0.251: 0.09, 0.293: 0.09, 0.352: 0.055}.get(T, 0.0), abs=0.015
        )
        # the cheap test knows it too, where the other is far off
        assert (noise.doubling > 1 + 1e-9) == (T < 0.4)
        if T < 0.5:
            with pytest.raises(InputError, match=r"potential.*NoJump\(\)"):
                check_positive(kind, (np.array([T]), np.zeros(1), np.array([T])), 40.0)


def test_the_wilson_line_potential_of_the_package_is_the_same():
    for T, kind in WILSON_LINE.items():
        own, noise = qt.noise(qt.WilsonLinePotential(), T, r_max=40.0), qt.noise(kind, T, r_max=40.0)
        assert own.distance == pytest.approx(noise.distance, rel=1e-6)
        assert own.is_positive == noise.is_positive


def test_the_projection_is_the_nearest_point():
    # optimality of a cone: no function of it would come nearer, and those in use stand still
    functions = dictionary(R_MAX)[2]
    G = qt.noise(WILSON_LINE[0.293], 0.293).G
    weights = project(G, R_MAX)
    assert np.all(weights >= 0)
    slope = functions.T @ ((functions @ weights - G) / G)
    size = np.linalg.norm(functions / np.sqrt(G)[:, None], axis=0)
    assert np.all(slope / size > -1e-10)
    assert slope[weights > 0] / size[weights > 0] == pytest.approx(0.0, abs=1e-10)


def test_noise_that_is_hardly_negative_is_allowed_and_its_distance_told():
    """A Gaussian minus a share of a narrower one: D~ < 0 at large q as soon as the share is above 0."""

    def cut(share):
        return potential(
            lambda r, T: (
                (1 - np.exp(-((r / 5) ** 2)) - share * (1 - np.exp(-((r / 2) ** 2)))) * np.ones_like(T)
            )
        )

    distances = [qt.noise(cut(share), 0.3).distance for share in (0.0, 0.01, 0.05, 0.15)]
    assert np.all(np.diff(distances) > 0)
    assert distances[1] < TOLERANCE < distances[3]
    assert qt.noise(cut(0.01), 0.3).negative_share > 1e-5


@pytest.mark.parametrize(
    "call",
    [
        lambda: qt.noise(qt.CoulombPotential(), 0.3),
        lambda: qt.noise(qt.CallablePotential(lambda r, T: -0.4 / r * np.exp(-T * r), alpha=0.4), 0.3),
        lambda: qt.noise(qt.KSUPotential, 0.3),
        lambda: qt.noise(qt.KSUPotential(), 300.0),
        lambda: qt.noise(qt.KSUPotential(), 0.3, q=np.array([-1.0])),
        lambda: qt.noise(qt.KSUPotential(), 0.3, r_max=0.0),
    ],
)
def test_what_has_no_noise_is_refused(call):
    with pytest.raises(InputError):
        call()
