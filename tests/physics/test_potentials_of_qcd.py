"""The three-loop potential with its spectrum and widths, and the potential fitted to Wilson lines of the lattice."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad

import qtraj as qt
from qtraj import InputError
from qtraj.physics.potentials.wilson_line import FITS
from qtraj.radial.bound import bound_states
from qtraj.units import C_F, HBARC

THREE_LOOPS = qt.ThreeLoopPotential()
R = np.array([0.05, 0.3, 0.8, 1.5, 4.0, 12.0])


# ------------------------------------------------------------------------------------------------ three loops


@pytest.fixture(scope="module")
def levels():
    """Splittings from 1S in MeV, and <r^2> in GeV^-2, of 1S, 2S, 3S, 1P, 2P."""
    mesh = qt.LaguerreMesh(128, 0.12)
    V, energies, squares = THREE_LOOPS.vacuum(mesh.r, "singlet"), {}, {}
    for l, letter, first in ((0, "S", 1), (1, "P", 1)):
        E, u = bound_states(mesh, V, l, 4.85, 3)
        for n in range(3):
            energies[f"{first + n}{letter}"] = E[n]
            squares[f"{first + n}{letter}"] = float(u[n] ** 2 @ mesh.r**2)
    return {name: 1e3 * (E - energies["1S"]) for name, E in energies.items()}, squares


def test_the_coupling_at_four_loops():
    # four-loop running from the mass of the tau to three digits
    assert_allclose(THREE_LOOPS.alpha_s([1.0, 1.2, 1.5, 1.777]), [0.477, 0.407, 0.347, 0.314], atol=6e-4)

    # the implicit solution ln(mu2/mu1) = -Int d alpha/(2 alpha (b0 a + ...))
    def inverse(alpha):
        a = alpha / (4 * np.pi)
        return 1 / (2 * alpha * (9 * a + 64 * a**2 + 643.83 * a**3 + 12090.4 * a**4))

    low, high = 0.8, 200.0
    first, last = THREE_LOOPS.alpha_s([low, high])
    assert quad(inverse, last, first, epsrel=1e-11)[0] == pytest.approx(np.log(high / low), rel=1e-9)
    assert THREE_LOOPS.alpha == pytest.approx(C_F * THREE_LOOPS.alpha_s(1.2), rel=1e-14)


def test_the_spectrum(levels):
    # MeV, of an independent code
    splittings = [levels[0][name] for name in ("2S", "3S", "1P", "2P")]
    assert_allclose(splittings, [597, 960, 442, 841], atol=0.7)
    # and those of the paper, which the reconstruction meets to 10 MeV
    assert_allclose(splittings, [597, 950, 442, 834], atol=10)


def test_the_radii_and_the_width_of_1S(levels):
    squares = levels[1]
    assert_allclose([squares[n] for n in ("1S", "1P", "2S", "3S")], [1.33, 3.6, 6.2, 13.5], rtol=6e-3)
    # Gamma = kappa <r^2> in GeV at kappa_hat 1.88, at 200, 250 and 334 MeV
    T = np.array([0.2, 0.25, 0.334])
    kappa, _ = qt.Transport(kappa=1.88, gamma=0.0).at(T)
    assert_allclose(kappa * squares["1S"], [0.0200, 0.0391, 0.0932], rtol=4e-3)
    assert_allclose(kappa * squares["1S"], [0.020, 0.039, 0.092], rtol=2e-2)


def test_gamma_of_the_vacuum_acts_on_both_colors():
    without = qt.ThreeLoopPotential(0.0)
    held = 0.017 * R**2 / 2
    assert_allclose(THREE_LOOPS.vacuum(R, "singlet") - without.vacuum(R, "singlet"), held, atol=1e-14)
    assert_allclose(THREE_LOOPS.vacuum(R, "octet"), 0.43 / (6 * R) + 7 / 16 * held, rtol=1e-14)


def test_the_step_of_the_scale_is_small():
    edge = 1 / 1.11
    below, above = THREE_LOOPS.vacuum(np.array([np.nextafter(edge, 0), edge]), "singlet")
    assert abs(above - below) < 0.003


def test_at_short_distance_it_is_a_coulomb_potential_that_runs():
    # one loop resums into alpha_s(1/r) up to a [a1 + 2 b0 gamma_E] = 1.4 alpha_s
    r = np.array([1e-6, 1e-5])
    alpha_s = THREE_LOOPS.alpha_s(1 / r)
    a = alpha_s / (4 * np.pi)
    first = 1 + a * (7 + 18 * np.euler_gamma)
    assert_allclose(THREE_LOOPS.vacuum(r, "singlet"), -C_F * alpha_s / r * first, rtol=0.03)


def test_its_octets():
    pure = qt.ThreeLoopPotential(0.0, octet="casimir")
    V = pure.vacuum(R, "singlet")
    # its limit far away is what V_s tends to as ln^3 r/r
    far = 9 / 8 * pure.vacuum(np.array([1e9]), "singlet")
    assert_allclose(pure.vacuum(R, "octet") + V / 8, np.broadcast_to(far, R.shape), atol=1e-4)
    with pytest.raises(InputError, match="does not saturate") as caught:
        qt.ThreeLoopPotential(octet="casimir")
    assert caught.value.argument == "octet"
    coulomb = qt.ThreeLoopPotential(octet="coulomb").vacuum(R, "octet")
    assert_allclose(coulomb, THREE_LOOPS.alpha / (8 * R) + 7 / 16 * 0.017 * R**2 / 2, rtol=1e-14)


def test_it_solves_with_the_dipole_terms_of_the_medium():
    model = qt.LindbladModel(THREE_LOOPS, qt.Transport(1.88, 0.0), mass=4.85)
    result = qt.solve(model, qt.Bjorken(0.35, 0.6, 0.25), qt.BoundState(1, 0), qt.NoJump())
    # first order: the norm of 1S without jumps falls as exp(-Int Gamma dt)
    tau = np.geomspace(0.6, 0.6 * (0.35 / 0.25) ** 3, 200)
    T = 0.35 * (0.6 / tau) ** (1 / 3)
    expected = np.exp(-np.trapezoid(1.88 * T**3 * 1.333, tau / HBARC))
    assert result.survival["1S"].value == pytest.approx(expected, rel=0.02)


# ------------------------------------------------------------------------------------------------ Wilson lines


def test_the_fits_are_met_at_their_temperatures():
    potential, r_fm = qt.WilsonLinePotential(), R * HBARC
    T = FITS[:, 0]
    V = potential.medium(R, "singlet", T, 0 * T, T)
    for row, (_, md, c_b, A, a, b, c) in zip(V, FITS, strict=True):
        string = -0.225 / 0.2 * (np.exp(-0.2 * R - (c_b * 0.2 * R) ** 2) - 1)
        assert_allclose(row.real, -4 / 3 * 0.27 * (np.exp(-md * R) / R + md) + string, rtol=1e-12)
        phi = 1 + a * np.exp(-b * r_fm**2) - (1 + a) * np.exp(-c * r_fm**2)
        assert_allclose(-2 * row.imag, A * phi, rtol=1e-12)
    doubled = qt.WilsonLinePotential(half_width=True).medium(R, "singlet", T, 0 * T, T)
    assert_allclose(doubled.imag, 2 * V.imag, rtol=1e-14)
    assert_allclose(doubled.real, V.real, rtol=1e-14)


def test_between_the_fits_nothing_overshoots():
    T = np.linspace(0.195, 0.7, 300)
    r = np.geomspace(1e-3, 60, 80)
    V = qt.WilsonLinePotential().medium(r, "singlet", T, 0 * T, T)
    at = qt.WilsonLinePotential().medium(r, "singlet", FITS[:, 0], 0 * FITS[:, 0], FITS[:, 0])
    assert np.all(V.imag <= 0)
    for part in ("real", "imag"):
        values, fits = getattr(V, part), getattr(at, part)
        for low, high, first, second in zip(FITS[:-1, 0], FITS[1:, 0], fits[:-1], fits[1:], strict=True):
            inside = values[(low <= T) & (high >= T)]
            assert np.all(inside >= np.minimum(first, second) - 1e-12)
            assert np.all(inside <= np.maximum(first, second) + 1e-12)


def test_its_vacuum_is_the_formula_without_screening():
    potential, near = qt.WilsonLinePotential(), np.array([0.1, 1.0, 5.0])
    assert_allclose(potential.vacuum(near, "singlet"), -0.36 / near + 0.225 * near, rtol=1e-13)
    E, _ = bound_states(
        qt.LaguerreMesh(96, 0.12), potential.vacuum(qt.LaguerreMesh(96, 0.12).r, "singlet"), 0, 4.7, 3
    )
    # of bottomonium, spin averages: 572 and 907 MeV
    assert_allclose(E[1:] - E[0], [0.572, 0.907], rtol=0.08)


def test_it_saturates_so_that_its_octet_follows():
    T = np.array([0.2, 0.4])
    V, octet = (qt.WilsonLinePotential().medium(R, color, T, 0 * T, T) for color in ("singlet", "octet"))
    far = qt.WilsonLinePotential().medium(np.array([1e9]), "singlet", T, 0 * T, T).real
    assert_allclose(octet + V.real / 8, np.broadcast_to(9 / 8 * far, octet.shape), atol=1e-9)


@pytest.mark.parametrize(
    ("T", "xi", "hint"), [(0.19, 0.0, "0.195 to 0.7"), (0.71, 0.0, "0.195"), (0.3, 0.1, "isotropic")]
)
def test_it_knows_the_media_of_the_fits_only(T, xi, hint):
    assert qt.WilsonLinePotential().T_range == (0.195, 0.7)
    at = np.array([0.3, T])
    for color in ("singlet", "octet"):
        with pytest.raises(InputError, match=hint):
            qt.WilsonLinePotential().medium(R, color, at, np.array([0.0, xi]), at)


@pytest.mark.parametrize(
    ("kind", "argument", "value"),
    [
        (qt.ThreeLoopPotential, "gamma_vacuum", -0.1),
        (qt.ThreeLoopPotential, "alpha_s_tau", 0.5),
        (qt.ThreeLoopPotential, "nu", 0.5),
        (qt.ThreeLoopPotential, "nu_r", 30.0),
        (qt.ThreeLoopPotential, "nu_us", 0.0),
        (qt.ThreeLoopPotential, "octet", None),
        (qt.WilsonLinePotential, "half_width", 1),
        (qt.WilsonLinePotential, "octet", "perturbative"),
    ],
)
def test_bad_arguments_are_refused_by_name(kind, argument, value):
    with pytest.raises(InputError) as caught:
        kind(**{argument: value})
    assert caught.value.argument == argument
