"""Potentials, transport coefficients and the list of jump channels."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.testing import assert_allclose

import qtraj as qt
from qtraj import InputError


def test_coulomb_potential_has_casimir_scaling():
    r = np.array([0.1, 1.0, 7.0])
    potential = qt.CoulombPotential(0.6)
    assert_allclose(potential.vacuum(r, "singlet"), -0.6 / r, rtol=1e-15)
    # octet/singlet = -1/(N_c^2 - 1)
    assert_allclose(potential.vacuum(r, "octet") / potential.vacuum(r, "singlet"), -1 / 8, rtol=1e-15)
    assert_allclose(potential.alpha_s, 0.45, rtol=1e-15)


def test_bohr_radius_and_binding_energies_of_bottomonium():
    model = qt.LindbladModel()
    # six digits are printed in the literature
    assert_allclose(model.bohr_radius, 0.67763, rtol=1e-5)
    assert_allclose(-model.potential.alpha / (2 * model.bohr_radius), -0.46042, rtol=1e-5)


@pytest.mark.parametrize(("fit", "value"), [("lower", 0.6935), ("central", 1.0943), ("upper", 1.4951)])
def test_kappa_hat_at_the_start_of_the_baseline(fit, value):
    # four decimals are known
    assert_allclose(qt.Transport(fit, T_c=0.150).kappa_hat(0.425), value, atol=5e-5)


@pytest.mark.parametrize("fit", ["lower", "central", "upper"])
def test_kappa_hat_depends_on_temperature_over_critical_temperature_only(fit):
    T = np.linspace(0.2, 0.6, 9)
    small, large = qt.Transport(fit, T_c=0.150), qt.Transport(fit, T_c=0.165)
    assert_allclose(large.kappa_hat(1.1 * T), small.kappa_hat(T), rtol=1e-13)


def test_fits_are_ordered_and_fall_with_temperature():
    T = np.linspace(0.19, 0.6, 50)
    lower, central, upper = (qt.Transport(fit).kappa_hat(T) for fit in ("lower", "central", "upper"))
    assert np.all(lower < central)
    assert np.all(central < upper)
    assert np.all(np.diff(central) < 0)


def test_coefficients_scale_with_the_cube_of_temperature():
    T = np.array([[0.2, 0.3], [0.4, 0.5]])
    kappa, gamma = qt.Transport(kappa=2.0, gamma=-1.5).at(T)
    assert_allclose(kappa, 2.0 * T**3, rtol=1e-15)
    assert_allclose(gamma, -1.5 * T**3, rtol=1e-15)


def test_a_callable_that_repeats_a_constant_or_a_fit_is_the_same_coefficient():
    T = np.linspace(0.25, 0.5, 7)
    fit = qt.Transport("central")
    called = qt.Transport(kappa=fit.kappa_hat, gamma=lambda T: -10 * T)
    assert_allclose(called.kappa_hat(T), fit.kappa_hat(T), rtol=0)
    assert_allclose(called.gamma_hat(T), -10 * T, rtol=0)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"kappa": "middle"}, "kappa"),
        ({"kappa": -0.1}, "kappa"),
        ({"kappa": float("nan")}, "kappa"),
        ({"kappa": float("inf")}, "kappa"),
        ({"kappa": None}, "kappa"),
        ({"kappa": [1.0, 2.0]}, "kappa"),
        ({"gamma": float("nan")}, "gamma"),
        ({"gamma": "central"}, "gamma"),
        ({"T_c": 150.0}, "T_c"),
        ({"T_c": 0.0}, "T_c"),
        ({"T_c": "0.15"}, "T_c"),
    ],
)
def test_bad_coefficients_are_refused_by_name(arguments, name):
    with pytest.raises(InputError) as caught:
        qt.Transport(**arguments)
    assert caught.value.argument == name


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"kappa": lambda T: -T}, "kappa"),
        ({"kappa": lambda T: T * np.nan}, "kappa"),
        ({"kappa": lambda T: 1.0}, "kappa"),  # wrong shape
        ({"kappa": lambda T: np.append(T, T)}, "kappa"),
        ({"gamma": lambda T: T / 0}, "gamma"),
        ({"gamma": lambda T: np.zeros(3)}, "gamma"),
    ],
)
def test_bad_values_of_a_callable_are_refused_by_name(arguments, name):
    with pytest.raises(InputError) as caught, np.errstate(divide="ignore"):
        qt.Transport(**arguments).at(np.array([0.3, 0.4]))
    assert caught.value.argument == name


@pytest.mark.parametrize("fit", ["lower", "central", "upper"])
def test_below_the_pole_of_a_fit_is_refused(fit):
    # 1/kappa_hat -> a < 0 for T -> 0: every fit has a pole, below which kappa would be negative
    with pytest.raises(InputError, match="pole"):
        qt.Transport(fit).kappa_hat([0.3, 0.01])
    with pytest.raises(InputError, match="pole"):
        qt.Transport(fit).kappa_hat(0.01)


@pytest.mark.parametrize("l", range(6))
@pytest.mark.parametrize(("color", "width"), [("singlet", 1.0), ("octet", 7 / 16)])
def test_channel_rates_sum_to_the_width(color, width, l):
    rates = [channel.rate(l) for channel in qt.LindbladModel().channels if channel.source == color]
    assert_allclose(sum(rates), width, rtol=1e-15)  # sum_n C_n^+ C_n = Gamma


def test_color_matrix_is_the_one_of_the_lindblad_equation():
    model = qt.LindbladModel()
    assert_allclose(model.color_matrix, [[0, 1 / 8], [1, 5 / 16]], rtol=1e-15)
    assert_allclose(model.color_matrix.sum(axis=0), model.widths, rtol=1e-15)  # what leaves arrives somewhere
    # the octet goes on to the octet with 5/7 and to the singlet with 2/7
    assert_allclose(model.color_matrix[:, 1] / model.widths[1], [2 / 7, 5 / 7], rtol=1e-15)


def test_color_rates_balance_at_equal_population_of_all_color_states():
    # singlet 1 and octet 8 color states: the flow singlet -> octet equals the flow back
    B = qt.LindbladModel().color_matrix
    assert_allclose(B[1, 0] * 1, B[0, 1] * 8, rtol=1e-15)


def test_angular_weights_are_multiplication_by_the_cosine():
    # W_{l+1,l} = (l+1)/(2l+1), W_{l-1,l} = l/(2l+1): cos P_l, so the eigenvalues are the Gauss-Legendre nodes
    up = next(c for c in qt.LindbladModel().channels if c.delta_l == 1)
    down = next(c for c in qt.LindbladModel().channels if c.delta_l == -1)
    size = 6
    W = np.zeros((size, size))
    for l in range(size):
        if l + 1 < size:
            W[l + 1, l] = up.angular_weight(l)
        if l > 0:
            W[l - 1, l] = down.angular_weight(l)
    nodes, _ = np.polynomial.legendre.leggauss(size)
    assert_allclose(np.sort(np.linalg.eigvals(W).real), nodes, atol=1e-13)


def test_a_potential_of_the_user_is_accepted():
    @dataclass(frozen=True)
    class Cornell:
        alpha: float = 0.5

        def vacuum(self, r, color):
            return -self.alpha / r + 0.2 * r if color == "singlet" else 0.06 / r

    assert_allclose(qt.LindbladModel(Cornell()).bohr_radius, 2 / (4.73 * 0.5))


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"potential": 0.6}, "potential"),
        ({"potential": qt.CoulombPotential}, "potential"),  # the class, not an instance
        ({"transport": "central"}, "transport"),
        ({"mass": 4730.0}, "mass"),
        ({"mass": float("nan")}, "mass"),
        ({"mass": "4.73"}, "mass"),
        ({"mass": None}, "mass"),
        ({"order": "N2LO"}, "order"),
        ({"order": "NLO", "potential": qt.KSUPotential()}, "order"),
        ({"order": None}, "order"),
    ],
)
def test_bad_models_are_refused_by_name(arguments, name):
    with pytest.raises(InputError) as caught:
        qt.LindbladModel(**arguments)
    assert caught.value.argument == name


@pytest.mark.parametrize("alpha", [0.0, -0.5, float("nan"), float("inf"), "0.6", None, True])
def test_bad_couplings_are_refused(alpha):
    with pytest.raises(InputError) as caught:
        qt.CoulombPotential(alpha)
    assert caught.value.argument == "alpha"
