"""Thermal levels beyond leading order: closed forms, the limit of leading order, the evolution without jumps."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import qtraj as qt
from qtraj.physics.initial import BoundState
from qtraj.spectroscopy.hamiltonian import effective_hamiltonian, symmetric_hamiltonian
from qtraj.spectroscopy.levels import thermal_levels
from qtraj.spectroscopy.routes import complex_levels, select
from qtraj.spectroscopy.spectral import SpectralFunction
from qtraj.states import State
from qtraj.units import N_C, to_fm

MODEL = qt.LindbladModel(order="NLO")
MESH, FINER = qt.LaguerreMesh(96, 0.12), qt.LaguerreMesh(120, 0.12)
SMALL = qt.LaguerreMesh(64, 0.14)
NAMES = tuple(state.name for state in qt.STATES)


def model_with(kappa, gamma, order="NLO", **potential):
    return qt.LindbladModel(qt.CoulombPotential(**potential), qt.Transport(kappa, gamma), order=order)


def test_first_order_of_coulomb_states_is_the_closed_form():
    T = np.array([0.2, 0.4])
    levels = thermal_levels(MODEL, T, NAMES, routes=["perturbation"])
    kappa, gamma = MODEL.transport.at(T)
    M, a0 = MODEL.mass, MODEL.bohr_radius
    a = -N_C * MODEL.potential.alpha_s / (8 * T)
    for i, state in enumerate(levels.states):
        n, l = state.n, state.l
        r, r_squared = a0 * (3 * n**2 - l * (l + 1)) / 2, a0**2 * n**2 * (5 * n**2 + 1 - 3 * l * (l + 1)) / 2
        inverse_r, p_squared = 1 / (n**2 * a0), 1 / (n * a0) ** 2
        # arXiv:2205.10289: |r + i p/(2 M T) + a r/|r||^2, summed over the directions
        mean = r_squared - 3 / (2 * M * T) + 2 * a * r + p_squared / (2 * M * T) ** 2
        mean += -a / (M * T) * inverse_r + a**2
        # collocated derivatives of the S waves, which have a cusp at r = 0, are good to 1e-8
        assert_allclose(levels.width("perturbation").value[i], kappa * mean, rtol=1e-7)
        assert_allclose(levels.shift("perturbation").value[i], gamma / 2 * r_squared, rtol=1e-9)


@pytest.mark.parametrize("matrix", [effective_hamiltonian, symmetric_hamiltonian])
@pytest.mark.parametrize(("kappa", "gamma", "theta"), [(2.0, 0.0, 0.25), (1.1, -1.75, 0.4), (3.0, 1.0, 0.1)])
def test_levels_of_the_oscillator_with_friction(matrix, kappa, gamma, theta):
    """H_eff = A p^2 + B r^2 + F (r d/dr + d/dr r) + C has the levels 2 sqrt(A B + F^2) (2k + l + 3/2) + C."""
    model, T = model_with(kappa, gamma, alpha=1e-13), 0.4
    kappa, gamma, M = kappa * T**3, gamma * T**3, model.mass
    A, B = 1 / M - 0.5j * kappa / (2 * M * T) ** 2, 0.5 * (gamma - 1j * kappa)
    F, C = -1j * kappa / (4 * M * T), 0.75j * kappa / (M * T)
    mesh = qt.LaguerreMesh(110, 0.12)
    for l in (0, 1, 2):
        exact = 2 * np.sqrt(A * B + F**2) * (2 * np.arange(3) + l + 1.5) + C
        found, _ = select(matrix(model, mesh, l, T, theta), exact)
        # Gaussians on a mesh of exponentials: 110 points resolve three levels to 1e-6
        assert_allclose(found, exact, rtol=1e-6)


def test_poles_depend_neither_on_the_angle_nor_on_the_form_of_the_matrix():
    T = np.array([0.3])
    states = tuple(State.named(name) for name in ("1S", "2S", "1P"))
    reference = complex_levels(MODEL, T, states, MESH, FINER)
    turned = complex_levels(MODEL, T, states, MESH, FINER, 0.5)
    # two digits above the rounding of the matrix: eigenvectors that are not orthogonal amplify it
    assert_allclose(turned.energy, reference.energy, rtol=0, atol=1e-8)
    assert_allclose(turned.radius, reference.radius, rtol=0, atol=1e-6)
    bare = effective_hamiltonian(MODEL, MESH, 0, 0.3, 0.4)
    assert_allclose(select(bare, reference.energy[:2, 0])[0], reference.energy[:2, 0], atol=1e-7)


def test_at_high_temperature_leading_order_comes_back():
    """With kappa and gamma held, the difference to leading order is a series in 1/T."""
    states = tuple(State.named(name) for name in ("1S", "1P"))
    differences = []
    for T in (0.5, 1.0, 2.0):
        next_order, leading = (
            complex_levels(
                model_with(0.02 / T**3, -0.03 / T**3, order), np.array([T]), states, SMALL, SMALL
            ).energy[:, 0]
            for order in ("NLO", "LO")
        )
        differences.append(np.abs(next_order - leading))
    orders = np.log2(np.array(differences[:-1]) / np.array(differences[1:]))
    # the next term of the series halves with each step
    assert_allclose(orders[1], 1, atol=0.15)
    assert np.all(np.abs(orders[1] - 1) < 0.6 * np.abs(orders[0] - 1))


def test_the_routes_agree_within_their_errors():
    levels = thermal_levels(MODEL, [0.15, 0.2, 0.25], ("1S", "1P"), mesh=SMALL)
    exact = levels.routes["poles"]
    first, peaks = levels.routes["perturbation"], levels.routes["spectral"]
    # 1P is far from any convergence of the series already at the first temperature
    converging = first.parts["third_order"].real < 0.4 * first.parts["second_order"].real
    assert np.array_equal(converging, [[True] * 3, [False] * 3])
    for name, other, factor, compared in (
        # second and third order leave the rest of their series, see the test at leading order
        ("perturbation", first, 1.3, converging),
        ("spectral", peaks, 1.0, np.isfinite(peaks.energy)),
    ):
        difference = other.energy - exact.energy
        # 1e-9 GeV: rounding of the poles
        assert np.all((np.abs(difference.real) <= factor * levels.shift(name).error + 1e-9)[compared])
        assert np.all((2 * np.abs(difference.imag) <= factor * levels.width(name).error + 1e-9)[compared])
    assert np.all(np.isfinite(peaks.energy))


@pytest.mark.parametrize("T", [0.25, 0.35])
def test_the_width_is_the_rate_of_decay_without_jumps(T):
    """Late, the overlap with 1S falls like exp(-Gamma t): the solver knows nothing of eigenvalues."""
    width = thermal_levels(MODEL, [T], ["1S"], routes=["poles"]).width("poles").value[0, 0]
    times = np.array([8.0, 11.0])  # 2S and higher have decayed to below 1e-4
    medium = qt.ConstantTemperature(T=T, tau_fm=0.6, duration_fm=times[-1] - 0.6)
    found = qt.solve(
        MODEL, medium, BoundState(1, 0), qt.NoJump(error_budget=False), times_fm=times
    ).survival_at["1S"]
    rate = np.log(found.value[0] / found.value[1]) / (times[1] - times[0]) * to_fm(1.0)
    assert rate == pytest.approx(width, rel=1e-3)


ALL, TWIN = qt.LindbladModel(order="all"), qt.LindbladModel(order="all", positive=True)


@pytest.mark.parametrize("positive", [False, True])
def test_a_flat_spectrum_has_the_widths_of_leading_order(positive):
    flat = qt.Spectrum(lambda omega, T: np.ones_like(omega * T), check=False)
    T, names = [0.2, 0.4], ("1S", "2S", "1P")
    levels, leading = (
        thermal_levels(model, T, names, routes=["perturbation"], mesh=SMALL)
        for model in (qt.LindbladModel(order="all", spectrum=flat, positive=positive), qt.LindbladModel())
    )
    # a sum over all states of the mesh, but for those whose energies no spectrum is asked for
    assert_allclose(levels.width("perturbation").value, leading.width("perturbation").value, rtol=1e-6)
    assert_allclose(levels.shift("perturbation").value, leading.shift("perturbation").value, rtol=1e-9)


def test_at_all_orders_a_medium_without_the_energy_to_break_a_pair_does_not_break_it():
    """The share of the width that is left falls as fast as the binding energy's share of pairs in the medium."""
    T = np.array([0.15, 0.2, 0.3, 0.6])
    all_orders, leading = (
        thermal_levels(model, T, ("1S",), routes=["perturbation"], mesh=SMALL).width("perturbation").value[0]
        for model in (ALL, qt.LindbladModel())
    )
    share, binding = all_orders / leading, ALL.mass * ALL.potential.alpha**2 / 4
    assert np.all(
        share < binding / T / np.expm1(binding / T)
    )  # S falls with energy, and all others are higher
    assert np.all(np.diff(share) > 0)


# kernels of NoJump at all orders take 4 s each
@pytest.mark.parametrize(
    "model",
    [MODEL, *(pytest.param(m, marks=pytest.mark.slow) for m in (ALL, TWIN))],
    ids=["NLO", "all", "twin"],
)
def test_the_correlator_is_the_overlap_of_the_evolution_without_jumps(model):
    T, duration = 0.3, 12.0
    correlator = SpectralFunction(model, T, BoundState(1, 0)).correlator(duration, 2)[1]
    medium = qt.ConstantTemperature(T=T, tau_fm=0.6, duration_fm=to_fm(duration))
    overlap = qt.solve(model, medium, BoundState(1, 0), qt.NoJump()).overlap["1S"]
    # NoJump leaves energies above 8 GeV out of its start, 1e-5 of 1S
    assert_allclose(np.abs(correlator) ** 2, overlap.value, atol=3 * overlap.error + 1e-5)


@pytest.mark.parametrize("source", [qt.GaussianState(l=0, width=2.0), qt.GaussianState(l=1, width=2.0)])
def test_the_spectral_function_is_positive(source):
    function = SpectralFunction(MODEL, 0.3, source, qt.LaguerreMesh(48, 0.14))
    # Gamma is a sum of C^+C at every momentum, so that nothing amplifies
    assert np.all(function.density(np.linspace(-5, 60, 3001)) > 0)


def test_what_all_orders_have_no_meaning_for_is_refused():
    with pytest.raises(qt.InputError, match="Take perturbation and spectral"):
        thermal_levels(ALL, [0.3], ("1S",), routes=["poles"])
    with pytest.raises(qt.InputError, match=r"`T` must be from 0\.12 to 0\.9 GeV"):
        thermal_levels(ALL, [0.3, 1.0], ("1S",))
    with pytest.raises(qt.InputError, match="real energies"):
        effective_hamiltonian(ALL, SMALL, 0, 0.3, 0.2)


@pytest.mark.slow
def test_widths_at_all_orders_of_the_documentation():
    T, names = [0.2, 0.3, 0.4], ("1S", "2S", "1P")
    for model, expected in (
        (ALL, ((2.50, 21.17, 77.7), (207, 507, 905), (138, 338, 603))),
        (TWIN, ((2.39, 20.57, 76.4), (206, 506, 903), (137, 336, 601))),
    ):
        levels = thermal_levels(model, T, names)
        assert tuple(levels.routes) == ("perturbation", "spectral")
        for found, digits in zip(1e3 * levels.width("spectral").value, expected, strict=True):
            assert_allclose(found, digits, rtol=3e-3)
    first = thermal_levels(ALL, T[:1], ("1S",), routes=["perturbation"]).width("perturbation")
    assert 1e3 * first.value[0, 0] == pytest.approx(1.66, abs=0.01)
    assert 1e3 * first.error[0, 0] == pytest.approx(1.05, abs=0.01)
