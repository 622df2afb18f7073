"""Potentials, transport coefficients and the list of jump channels."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.testing import assert_allclose

import qtraj as qt
from qtraj import InputError
from qtraj.physics.transport import PRESETS


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
        ({"gamma_vacuum": 17.0}, "gamma_vacuum"),
        ({"gamma_vacuum": None}, "gamma_vacuum"),
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


def test_gamma_has_a_part_that_does_not_depend_on_temperature():
    T = np.array([[0.2, 0.3], [0.4, 0.5]])
    transport = qt.Transport(2.0, -1.5, gamma_vacuum=0.017)
    kappa, gamma = transport.at(T)
    assert_allclose(kappa, 2.0 * T**3, rtol=1e-15)
    assert_allclose(gamma, -1.5 * T**3 + 0.017, rtol=1e-14)
    assert_allclose(transport.gamma_hat(T) * T**3, gamma, rtol=1e-14)
    # alone, it is there at T = 0, too
    assert qt.Transport(2.0, 0.0, gamma_vacuum=0.017).at(0.0)[1] == pytest.approx(0.017, rel=1e-15)


def test_gamma_of_the_vacuum_is_the_same_as_a_function_of_temperature():
    """Solved, with derivatives: gamma(0) and gamma_hat = gamma(0)/T^3 are one problem."""
    medium, start = qt.Bjorken(0.35, 0.6, 0.28), qt.GaussianState()
    found = []
    for transport in (
        qt.Transport(1.0, -1.0, gamma_vacuum=0.02),
        qt.Transport(1.0, lambda T: -1.0 + 0.02 / T**3),
        qt.Transport(1.0, -1.0),
    ):
        model = qt.LindbladModel(transport=transport)
        solved = qt.solve(model, medium, start, qt.DensityMatrix(rtol=0.02, error_budget=False))
        found.append([solved.overlap[name].value for name in ("1S", "2S", "1P")])
    assert_allclose(found[0], found[1], rtol=1e-9)
    assert np.all(np.abs(np.array(found[0]) / found[2] - 1) > 1e-3)


def test_gamma_of_the_vacuum_counts_once():
    transport = qt.Transport(1.88, 0.0, gamma_vacuum=0.017)
    with pytest.raises(InputError, match="twice") as caught:
        qt.LindbladModel(qt.ThreeLoopPotential(), transport, mass=4.85)
    assert caught.value.argument == "transport"
    qt.LindbladModel(qt.ThreeLoopPotential(0.0), transport, mass=4.85)
    with pytest.raises(InputError, match="width of its own"):
        qt.LindbladModel(qt.KSUPotential(), qt.Transport(0.0, 0.0, gamma_vacuum=0.017))


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_ranges_with_a_source(name):
    T = np.linspace(0.2, 0.29, 5)
    lower, central, upper = (
        qt.Transport.preset(name, edge).at(T)[0] for edge in ("lower", "central", "upper")
    )
    assert np.all(lower < central)
    assert np.all(central < upper)
    assert qt.Transport.preset(name) == qt.Transport.preset(name, "central")
    assert len(PRESETS[name].source) > 10
    qt.LindbladModel(qt.ThreeLoopPotential(), qt.Transport.preset(name))


def test_presets_hold_their_numbers():
    assert qt.Transport.preset("group") == qt.Transport()
    assert qt.Transport.preset("three-loop") == qt.Transport(1.88, 0.0)
    # the range at the four temperatures of the lattice
    T = np.array([0.195, 0.220, 0.251, 0.293])
    assert_allclose(qt.Transport.preset("lattice", "lower").kappa_hat(T), [8.5, 6.0, 4.7, 3.9], rtol=1e-14)
    assert_allclose(qt.Transport.preset("lattice", "upper").kappa_hat(T), [13.4, 10.8, 9.0, 7.7], rtol=1e-14)
    with pytest.raises(InputError, match=r"a table from 0\.195 to 0\.293 GeV"):
        qt.Transport.preset("lattice").at(0.3)


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
