"""KSU potentials: limits, joins, the vacuum spectrum, the departures of the C++ code, models with a width."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import qtraj as qt
from qtraj import InputError
from qtraj.physics.potentials.ksu import landau_damping, screening_anisotropy
from qtraj.qtraj1.program.steps import HBARC, QTrajKSUPotential
from qtraj.radial.bound import bound_states
from qtraj.units import C_F, from_fm

KSU, CPP = qt.KSUPotential(), QTrajKSUPotential()
R = np.geomspace(1e-3, 60.0, 400)
T = np.array([0.05, 0.13, 0.2, 0.3, 0.45])
ISOTROPIC = np.zeros_like(T)


def isotropic(potential, T, r=R):
    T = np.atleast_1d(np.asarray(T, dtype=float))
    return potential.medium(r, "singlet", T, np.zeros_like(T), T)


# ------------------------------------------------------------------------------------------------ vacuum


def test_vacuum_is_coulomb_and_string_and_continuous_where_the_string_breaks():
    near = np.array([1e-3, 0.1, 3.0])
    assert_allclose(KSU.vacuum(near, "singlet"), -0.409 / near + 0.21 * near, rtol=1e-15)
    r_sb = from_fm(1.25)
    left, at, right = KSU.vacuum(np.array([np.nextafter(r_sb, 0), r_sb, np.nextafter(r_sb, 99)]), "singlet")
    assert_allclose([left, right], at, rtol=1e-14)
    assert_allclose(KSU.vacuum(np.array([r_sb, 10.0, 1e3]), "singlet"), KSU.ceiling, rtol=1e-15)


MASSES = {
    0: {"1S": 9.46090215067693, "2S": 10.0012342285428, "3S": 10.3601083712279},
    1: {"1P": 9.8809929728975, "2P": 10.2533973163697},
    2: {"1D": 10.1300676717033},
}
"""Masses in GeV that the C++ code QTraj-NLO 2.1 computes with 1023 points, L = 40 GeV^-1, M_b = 4.7 GeV."""


@pytest.mark.parametrize("l", MASSES)
def test_vacuum_masses_of_the_cpp_code(l):
    grid, mass = qt.SineGrid(num=1023, length=40.0, derivative=1), 4.7
    masses = list(MASSES[l].values())
    energies, _ = bound_states(grid, CPP.vacuum(grid.r, "singlet"), l, mass, len(masses))
    assert_allclose(2 * mass + energies, masses, rtol=1e-12)  # rounding of 1023 points: 1e-12 GeV
    energies, _ = bound_states(grid, KSU.vacuum(grid.r, "singlet"), l, mass, len(masses))
    # r_SB = 1.25 fm differs by 2e-7 through hbar c, and V by as much where it ends
    assert_allclose(2 * mass + energies, masses, rtol=1e-7)


# ------------------------------------------------------------------------------------------------ medium


def test_a_cold_medium_and_one_that_does_not_screen_are_the_vacuum():
    vacuum = KSU.vacuum(R, "singlet")
    assert_allclose(isotropic(KSU, 0.0)[0], vacuum, rtol=1e-15)
    unscreened = isotropic(qt.KSUPotential(md_factor=0.0), T)
    assert_allclose(unscreened, np.broadcast_to(vacuum, unscreened.shape), rtol=1e-14)
    # screening enters as m_D^2: at T = 1e-6 and r <= 1/sigma the string term changes by sigma r (m_D r)^2/3 = 1e-8 GeV
    assert_allclose(isotropic(KSU, 1e-6)[0], vacuum, rtol=0, atol=1e-7)


def test_the_real_part_is_screened_at_large_and_coulomb_at_small_distances():
    far = isotropic(KSU, T, np.array([500.0]))[:, 0].real
    assert_allclose(far, np.minimum(2 * KSU.sigma / KSU.debye_mass(T), KSU.ceiling), rtol=1e-8)
    near = np.array([1e-5])
    # -(a/r)(1 + x)e^-x = -(a/r)(1 - x^2/2 + ...): no constant is left
    assert_allclose(isotropic(KSU, T, near).real, -0.409 / 1e-5, rtol=1e-8)


def test_the_real_part_never_exceeds_the_energy_of_string_breaking():
    V = isotropic(KSU, np.linspace(0.0, 0.6, 121)).real
    assert V.max() <= KSU.ceiling
    assert np.all(np.diff(V, axis=1) >= -1e-14)  # attractive everywhere
    # no step in r: the force is (a/r^2)(1 + x + x^2)e^-x + sigma (1 + x)e^-x, at most 3/e times a/r^2, and sigma
    force = 3 / np.e * 0.409 / R[:-1] ** 2 + KSU.sigma
    assert np.all(np.diff(V, axis=1) <= force * np.diff(R))
    assert np.max(np.abs(np.diff(V, axis=0))) < 0.1  # and none in T: 5 MeV apart


def test_the_screened_potential_is_its_formula():
    m, r = 0.8, np.array([0.5, 2.0, 7.0])
    expected = (
        -(0.409 / r) * (1 + m * r) * np.exp(-m * r)
        + 2 * 0.21 / m * (1 - np.exp(-m * r))
        - 0.21 * r * np.exp(-m * r)
    )
    assert_allclose(KSU.screened(r, np.array([m]))[0], expected, rtol=1e-14)


def test_the_width_is_landau_damping_of_the_hard_scale():
    scale, xi = 1.3 * T, np.linspace(-0.3, 2.0, len(T))
    V = KSU.medium(R, "singlet", T, xi, scale)
    damping = landau_damping(KSU.debye_mass(1.0) * np.outer(scale, R))
    expected = -(KSU.coupling(T) * scale / np.sqrt(1 + xi / 3))[:, None] * damping
    assert_allclose(V.imag, expected, rtol=1e-14)
    assert np.all(V.imag <= 0)


def test_the_coupling_is_frozen_at_that_of_the_vacuum():
    T = np.linspace(0.01, 0.6, 500)
    coupling = KSU.coupling(T)
    assert np.all(coupling[T < 0.24] == KSU.alpha)
    assert np.all(np.diff(coupling) <= 0)
    assert np.max(np.abs(np.diff(coupling))) < 2e-3  # no step at 0.1 GeV
    assert coupling[-1] < 0.75 * KSU.alpha


def test_the_debye_mass_of_two_flavors():
    # N_c/3 + N_f/6 = 4/3
    assert_allclose(KSU.debye_mass(T), np.sqrt(4 / 3 * 4 * np.pi * 0.409) * T, rtol=1e-15)
    assert_allclose(qt.KSUPotential(md_factor=1.1).debye_mass(T), 1.1 * KSU.debye_mass(T), rtol=1e-15)
    # with the factor sqrt(1/C_F) it is the usual g T of alpha_s = alpha/C_F
    usual = qt.KSUPotential(md_factor=C_F**-0.5)
    assert_allclose(usual.debye_mass(T), np.sqrt(4 / 3 * 4 * np.pi * 0.409 / C_F) * T, rtol=1e-14)


def test_anisotropy_vanishes_smoothly():
    iso = isotropic(KSU, T)
    previous = None
    for xi in (0.04, 0.02, 0.01):
        V = KSU.medium(R, "singlet", T, np.full_like(T, xi), T)
        # f = 1 - 2 xi^2/45: the real part changes in second order, the width in first, by -xi/6
        size = np.array([np.max(np.abs((V - iso).real)), np.max(np.abs(V.imag / iso.imag - 1 + xi / 6))])
        if previous is not None:
            assert_allclose(previous / size, 4, rtol=0.05)
        previous = size


def test_anisotropy_reduces_screening():
    xi = np.full_like(T, 2.0)
    mu = np.sqrt(screening_anisotropy(xi)) * KSU.debye_mass(T)
    assert np.all(mu < KSU.debye_mass(T))
    aniso = KSU.medium(R, "singlet", T, xi, T).real
    assert_allclose(aniso, np.minimum(KSU.screened(R, mu), KSU.ceiling), rtol=1e-15)
    # a hot medium then binds more: V(infinity) - V(r) is larger everywhere
    iso = isotropic(KSU, T).real
    depth, isotropic_depth = (V[2:, -1:] - V[2:] for V in (aniso, iso))
    assert np.all(depth >= isotropic_depth - 1e-12)


# ------------------------------------------------------------------------------------------------ the C++ code


def test_the_cpp_potential_is_the_same_where_it_is_not_peculiar():
    # isotropic, and hot enough that the screened potential stays below the ceiling: 2 sigma/m_D < V_SB
    T = np.array([0.2, 0.3, 0.45])
    assert_allclose(isotropic(CPP, T), isotropic(KSU, T), rtol=1e-14)


def test_the_cpp_potential_falls_back_to_the_vacuum_above_string_breaking():
    T, r = np.array([0.05]), np.linspace(5.0, 8.0, 61)
    screened = CPP.screened(r, CPP.debye_mass(T))[0]
    above = screened > CPP.ceiling
    V = isotropic(CPP, T, r)[0].real
    assert above.any()
    assert_allclose(V[above], CPP.vacuum(r, "singlet")[above], rtol=0)
    assert_allclose(V[~above], screened[~above], rtol=0)


def test_the_cpp_width_has_the_isotropic_debye_mass_and_the_hard_scale_in_front():
    scale = 1.3 * T
    V = CPP.medium(R, "singlet", T, ISOTROPIC, scale)
    assert_allclose(V.imag, 1.3 * isotropic(CPP, T).imag, rtol=1e-14)


@pytest.mark.parametrize("xi", [-0.6, -0.2, 0.0, 5e-5])
def test_the_cpp_code_uses_the_series_below_1e_4(xi):
    T = np.array([0.3])
    f = 1 - 2 * xi**2 / 45 + 44 * xi**3 / 945 - 8 * xi**4 / 189
    V = CPP.medium(R, "singlet", T, np.array([xi]), T).real
    assert_allclose(V, CPP.screened(R, np.sqrt(f) * CPP.debye_mass(T)), rtol=1e-14)
    deviation = abs(f / screening_anisotropy(xi) - 1)
    assert deviation < (7e-3 if xi == -0.6 else 2e-5)


def test_the_cpp_code_and_the_closed_form_agree_for_positive_anisotropy():
    xi, T = np.array([2e-4, 0.5, 2.0]), np.full(3, 0.3)
    assert_allclose(
        CPP.medium(R, "singlet", T, xi, T).real, KSU.medium(R, "singlet", T, xi, T).real, rtol=1e-12
    )


def test_the_cpp_code_has_a_vacuum_below_1e_8_GeV_and_another_hbar_c():
    cold = isotropic(CPP, [0.0, 9e-9])
    assert_allclose(cold, np.broadcast_to(CPP.vacuum(R, "singlet"), cold.shape), rtol=0)
    assert_allclose(CPP.string_breaking * HBARC, 1.25, rtol=1e-15)


# ------------------------------------------------------------------------------------------- models and bad input


def test_a_model_with_a_width_has_no_dipole_terms():
    model = qt.LindbladModel(KSU, mass=4.7)
    assert model.has_width
    assert model.thermal is KSU
    assert model.channels == ()
    kappa, gamma = model.transport.at(T)
    assert np.all(kappa == 0)
    assert np.all(gamma == 0)
    # so that a copy can be made
    assert qt.LindbladModel(KSU, model.transport, mass=4.7) == model


def test_a_model_without_a_width_has_the_default_transport():
    model = qt.LindbladModel()
    assert not model.has_width
    assert model.thermal is None
    assert model.transport == qt.Transport()
    assert len(model.channels) == 6


@pytest.mark.parametrize("transport", [qt.Transport(), qt.Transport(0.0, -1.0), qt.Transport(1.0, 0.0)])
def test_dipole_terms_and_a_width_are_refused_together(transport):
    with pytest.raises(InputError, match="width of its own") as caught:
        qt.LindbladModel(KSU, transport)
    assert caught.value.argument == "transport"


def test_the_choice_of_an_octet_leaves_the_singlet_as_it_is():
    other = qt.KSUPotential(octet="coulomb")
    assert np.array_equal(isotropic(other, T), isotropic(KSU, T))
    assert other != KSU
    assert qt.CornellPotential().vacuum(R, "singlet") == pytest.approx(KSU.vacuum(R, "singlet"), rel=0)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("alpha", 0.0),
        ("alpha", 1.5),
        ("alpha", "0.4"),
        ("sigma", -0.1),
        ("sigma", float("nan")),
        ("string_breaking_fm", 0.0),
        ("string_breaking_fm", 1250.0),
        ("md_factor", -1.0),
        ("n_f", 2.0),
        ("n_f", 7),
        ("lambda_ms", 344.0),
        ("lambda_ms", None),
        ("octet", None),
        ("octet", "none"),
    ],
)
def test_bad_arguments_are_refused_by_name(argument, value):
    with pytest.raises(InputError) as caught:
        qt.KSUPotential(**{argument: value})
    assert caught.value.argument == argument


def test_equal_potentials_are_one_key():
    assert hash(qt.KSUPotential()) == hash(KSU)
    assert qt.KSUPotential() == KSU
    assert qt.KSUPotential() != CPP  # other numbers, so other eigenstates in the cache
