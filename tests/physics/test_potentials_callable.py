"""Potentials from functions: which arguments they take, what is checked before anything is computed."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import qtraj as qt
from qtraj import InputError

R = np.linspace(0.2, 12.0, 30)
T = np.array([0.2, 0.35])


def yukawa(r, T):
    return -0.4 / r * np.exp(-2 * T * r)


def damped(r, T):
    return yukawa(r, T) - 0.1j * T * r**2


def stretched(r, T, xi, hard_scale):
    return -0.4 / r * np.exp(-hard_scale * r / (1 + xi))


def test_a_function_of_r_is_a_plain_potential():
    cornell = qt.CallablePotential(lambda r: -0.4 / r + 0.2 * r, alpha=0.4, octet=lambda r: 0.05 / r)
    assert not cornell.is_thermal
    assert not cornell.has_width
    assert_allclose(cornell.vacuum(R, "singlet"), -0.4 / R + 0.2 * R, rtol=1e-15)
    assert_allclose(cornell.vacuum(R, "octet"), 0.05 / R, rtol=1e-15)
    model = qt.LindbladModel(cornell)
    assert model.thermal is None
    assert len(model.channels) == 6


def test_a_real_function_of_r_and_T_is_thermal_with_jumps():
    potential = qt.CallablePotential(yukawa, alpha=0.4, octet="coulomb")
    model = qt.LindbladModel(potential)
    assert model.thermal is potential
    assert not model.has_width
    assert len(model.channels) == 6
    assert_allclose(potential.vacuum(R, "singlet"), -0.4 / R, rtol=1e-15)
    V = potential.medium(R, "singlet", T, 0 * T, T)
    assert V.dtype == float
    assert_allclose(V, [yukawa(R, t) for t in T], rtol=1e-15)
    # octet = +alpha/(8 r) in the medium, too
    assert_allclose(potential.medium(R, "octet", T, 0 * T, T), [0.05 / R] * 2, rtol=1e-15)


def test_a_complex_function_is_a_width():
    potential = qt.CallablePotential(damped, alpha=0.4)
    assert qt.LindbladModel(potential).has_width
    assert_allclose(potential.medium(R, "singlet", T, 0 * T, T), [damped(R, t) for t in T], rtol=1e-15)
    assert potential.vacuum(R, "singlet").dtype == float


def test_a_complex_function_of_r_acts_in_the_medium_only():
    potential = qt.CallablePotential(lambda r: (0.1 - 0.02j) * r**2, alpha=0.4)
    assert qt.LindbladModel(potential).has_width
    assert_allclose(potential.vacuum(R, "singlet"), 0.1 * R**2, rtol=1e-15)
    assert_allclose(potential.medium(R, "singlet", T, 0 * T, T), [(0.1 - 0.02j) * R**2] * 2, rtol=1e-15)


def test_a_function_of_four_arguments_sees_the_anisotropy():
    potential = qt.CallablePotential(stretched, alpha=0.4)
    xi = np.array([0.5, 1.0])
    V = potential.medium(R, "singlet", T, xi, 2 * T)
    assert_allclose(V, [stretched(R, *row) for row in zip(T, xi, 2 * T, strict=True)], rtol=1e-15)


def test_other_functions_refuse_an_anisotropic_medium():
    with pytest.raises(InputError, match="isotropic"):
        qt.CallablePotential(yukawa, alpha=0.4).medium(R, "singlet", T, np.array([0.0, 0.1]), T)


def test_arguments_with_defaults_are_not_of_the_medium():
    potential = qt.CallablePotential(lambda r, strength=0.3: -strength / r, alpha=0.3)
    assert not potential.is_thermal
    assert_allclose(potential.vacuum(R, "singlet"), -0.3 / R, rtol=1e-15)


def test_an_octet_that_was_not_given_is_missed_by_name():
    potential = qt.CallablePotential(yukawa, alpha=0.4)
    for call in (
        lambda: potential.vacuum(R, "octet"),
        lambda: potential.medium(R, "octet", T, 0 * T, T),
    ):
        with pytest.raises(InputError, match="coulomb") as caught:
            call()
        assert caught.value.argument == "octet"


def test_the_functions_are_the_identity():
    assert qt.CallablePotential(yukawa, alpha=0.4) == qt.CallablePotential(yukawa, alpha=0.4)
    assert qt.CallablePotential(yukawa, alpha=0.4) != qt.CallablePotential(yukawa, alpha=0.5)
    assert hash(qt.CallablePotential(yukawa, alpha=0.4)) == hash(qt.CallablePotential(yukawa, alpha=0.4))


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (None, "function"),
        (-0.4, "function"),
        (lambda: 0.0, "take"),
        (lambda r, T, xi: r, "take"),
        (lambda r: 1.0, "shape"),
        (lambda r: r[..., :-1], "shape"),
        (lambda r: r.astype(str), "numbers"),
        (lambda r: 1 / (r - r), "finite"),
        (lambda r, T: -0.4 / r + 1 / T, "T = 0 GeV"),
        (lambda r: -1 / r if r > 1 else r, "arrays"),
        (lambda r, T: -0.4 / r - 0.1j * r, "real at T = 0"),
        (lambda r: 0.1j * r, "absorbs"),
        (lambda r, T: 0.1j * T * r, "absorbs"),
    ],
)
def test_bad_functions_are_refused_at_once(function, hint):
    with pytest.raises(InputError, match=hint) as caught:
        qt.CallablePotential(function, alpha=0.4)
    assert caught.value.argument == "singlet"


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"alpha": -0.4}, "alpha"),
        ({"alpha": 0.4, "octet": "adjoint"}, "octet"),
        ({"alpha": 0.4, "octet": 3}, "octet"),
    ],
)
def test_bad_arguments_are_refused_by_name(arguments, name):
    with pytest.raises(InputError) as caught:
        qt.CallablePotential(yukawa, **arguments)
    assert caught.value.argument == name
