"""Thermal levels against closed forms, against each other, and against their own errors."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import qtraj as qt
from qtraj.radial.bound import bound_states
from qtraj.spectroscopy.hamiltonian import best_rotation, effective_hamiltonian, vacuum_hamiltonian
from qtraj.spectroscopy.levels import thermal_levels
from qtraj.spectroscopy.routes import complex_levels, eigenstates, follow
from qtraj.states import State

MUNICH = qt.LindbladModel()
KSU = qt.LindbladModel(qt.KSUPotential(), mass=4.70)


def amplifying_at_371_mev(r, T):
    """Pass the check of the class, which cannot try every temperature."""
    return -0.6 / r + 0.1j * np.where(np.abs(T - 0.371) < 1e-6, T, -T)


NAMES = tuple(state.name for state in qt.STATES)
MESH, FINER = qt.LaguerreMesh(96, 0.12), qt.LaguerreMesh(120, 0.12)


def munich(kappa, gamma):
    return qt.LindbladModel(transport=qt.Transport(kappa, gamma))


def mean_square_radius(state, a0):
    n, l = state.n, state.l
    return a0**2 * n**2 * (5 * n**2 + 1 - 3 * l * (l + 1)) / 2


def test_first_order_of_coulomb_states_is_the_closed_form():
    T = np.array([0.2, 0.4])
    levels = thermal_levels(MUNICH, T, NAMES, routes=["perturbation"])
    kappa, gamma = MUNICH.transport.at(T)
    squares = np.array([mean_square_radius(s, MUNICH.bohr_radius) for s in qt.STATES])[:, None]
    # the mesh ends where 3S has fallen to e^-43; rounding of its kinetic energy leaves 1e-11 GeV
    assert_allclose(levels.shift("perturbation").value, gamma / 2 * squares, rtol=1e-9)
    assert_allclose(levels.width("perturbation").value, kappa * squares, rtol=1e-9)


def test_first_order_of_a_complex_potential_is_its_mean_on_another_grid():
    T = np.array([0.2, 0.3])
    levels = thermal_levels(KSU, T, ("1S", "2S", "1P"), routes=["perturbation"])
    grid = qt.SineGrid(num=2047, length=40.0)
    vacuum = KSU.potential.vacuum(grid.r, "singlet")
    V = KSU.potential.medium(grid.r, "singlet", T, np.zeros(2), T)
    for i, state in enumerate(levels.states):
        _, vectors = bound_states(grid, vacuum, state.l, KSU.mass, state.radial_index + 1)
        density = vectors[-1] ** 2
        # the Coulomb cusp costs a uniform grid (dx/a0)^2 = 4e-4 of the Coulomb energy, 1e-4 GeV
        assert_allclose(levels.shift("perturbation").value[i], (V.real - vacuum) @ density, atol=1e-4)
        assert_allclose(levels.width("perturbation").value[i], -2 * V.imag @ density, rtol=2e-3)


@pytest.mark.parametrize("route", ["poles", "spectral"])
def test_routes_leave_first_order_with_the_second_power_of_the_coupling(route):
    couplings = np.array([0.4, 0.2, 0.1])
    T = 0.2
    differences = []
    for g in couplings:
        levels = thermal_levels(munich(g, -1.6 * g), T, ("1S", "1P"), routes=["perturbation", route])
        first, other = levels.routes["perturbation"], levels.routes[route]
        differences.append(np.abs(other.energy - first.energy)[:, 0])
        # what is left of the error after second order is of third order: at most a tenth of it for 1S here
        bound = first.parts["second_order"].real[:, 0]
        assert differences[-1][0] < 1.1 * bound[0]
    orders = np.log2(np.array(differences[:-1]) / np.array(differences[1:]))
    # corrections of third order over second: 2 % of 1S and 25 % of 1P at the largest coupling, halved in each step
    assert_allclose(orders[-1, 0], 2, atol=0.05)
    assert_allclose(orders[-1, 1], 2, atol=0.25)


@pytest.mark.parametrize("theta", [0.25, 0.4, 0.6])
@pytest.mark.parametrize(("kappa", "gamma"), [(2.0, 0.0), (1.5, 3.0), (1.1, -1.75), (0.0, -1.75)])
def test_levels_of_the_complex_oscillator(theta, kappa, gamma):
    """Without a potential E = 2 sqrt(c/M) (2k + l + 3/2), c = (gamma - i kappa)/2; the inverted one resonates."""
    model = qt.LindbladModel(qt.CoulombPotential(alpha=1e-13), qt.Transport(kappa, gamma))
    mesh, T = qt.LaguerreMesh(110, 0.12), 0.4
    root = np.sqrt(np.hypot(gamma, kappa) * T**3 / 2) * np.exp(-0.5j * np.arctan2(kappa, gamma))  # of c
    for l in (0, 1, 2):
        found = np.linalg.eigvals(effective_hamiltonian(model, mesh, l, T, theta))
        exact = 2 * root / np.sqrt(model.mass) * (2 * np.arange(3) + l + 1.5)
        distances = np.abs(found - exact[:, None]).min(axis=1)
        # Gaussians on a mesh of exponentials: 110 points resolve three levels to 1e-6 at every one of these angles
        assert np.all(distances < 1e-6 * np.abs(exact))


def test_without_scaling_a_callable_potential_finds_the_same_oscillator():
    model = qt.LindbladModel(qt.CallablePotential(lambda r: 0.0 * r, alpha=0.5), qt.Transport(2.0, 1.0))
    c = complex(1.0, -2.0) * 0.4**3 / 2
    assert best_rotation(model, np.array([0.4])) == 0.0
    found = np.linalg.eigvals(effective_hamiltonian(model, qt.LaguerreMesh(110, 0.12), 0, 0.4))
    exact = 2 * np.sqrt(c / model.mass) * 1.5
    assert np.min(np.abs(found - exact)) < 1e-7


def test_poles_do_not_depend_on_the_angle():
    T = np.array([0.3])
    states = tuple(State.named(name) for name in ("1S", "2S", "1P"))
    reference = complex_levels(MUNICH, T, states, MESH, FINER)
    for angle in (0.45, 0.7):
        turned = complex_levels(MUNICH, T, states, MESH, FINER, angle)
        # two digits above the rounding of the matrix: eigenvectors that are not orthogonal amplify it
        assert_allclose(turned.energy, reference.energy, rtol=0, atol=1e-8)
        assert_allclose(turned.radius, reference.radius, rtol=0, atol=1e-6)
    assert np.max(np.abs(reference.parts["rotation"])) < 1e-8


def test_the_bare_mesh_gives_low_levels_too_and_is_slow_for_high_ones():
    T = np.array([0.3])
    states = tuple(State.named(name) for name in NAMES)
    scaled = complex_levels(MUNICH, T, states, MESH, FINER).energy[:, 0]
    bare = np.linalg.eigvals(effective_hamiltonian(MUNICH, MESH, 0, 0.3))
    misses = np.abs(bare - scaled[[0, 3], None]).min(axis=1)
    assert misses[0] < 1e-9  # 1S
    assert misses[1] > 100 * misses[0]  # 3S: nearly parallel eigenvectors amplify the error of the mesh


@pytest.mark.parametrize("route", ["perturbation", "poles"])
def test_a_cold_medium_does_nothing(route):
    levels = thermal_levels(munich(1.0, -2.0), [0.01, 0.02], ("1S", "2S", "1P"), routes=[route])
    for quantity in (levels.shift(route).value, levels.width(route).value):
        # kappa and gamma go as T^3; second order and rounding (1e-11 GeV) change the ratio by 2e-3 for 2S
        assert_allclose(quantity[:, 1] / quantity[:, 0], 8, rtol=3e-3)
        assert np.all(np.abs(quantity) < 5e-4)
    exact = [MUNICH.bohr_radius * (3 * s.n**2 - s.l * (s.l + 1)) / 2 for s in levels.states]
    assert_allclose(levels.mean_radius(route).value[:, 0], exact, rtol=1e-3)
    assert_allclose(levels.binding(route).value[:, 0], -levels.vacuum, rtol=0.02)


def test_a_potential_without_medium_has_no_widths():
    model = qt.LindbladModel(transport=qt.Transport(0.0, 0.0))
    levels = thermal_levels(model, [0.3], ("1S", "1P"))
    for route in ("perturbation", "poles"):
        assert_allclose(levels.shift(route).value, 0, atol=1e-9)
        assert_allclose(levels.width(route).value, 0, atol=1e-9)
    assert levels.routes["spectral"].remark(0, 0) == "no peak"


def test_a_real_thermal_potential_with_dipole_terms_adds_both():
    def screened(r, T):
        return -0.6 / r * np.exp(-0.5 * T * r)

    potential = qt.CallablePotential(screened, alpha=0.6)
    both = qt.LindbladModel(potential, qt.Transport(0.5, -0.5))
    mesh, T = qt.LaguerreMesh(64, 0.12), 0.3
    change = effective_hamiltonian(both, mesh, 0, T) - vacuum_hamiltonian(both, mesh, 0)
    expected = screened(mesh.r, T) + 0.6 / mesh.r + (-0.5 - 0.5j) * T**3 / 2 * mesh.r**2
    assert_allclose(change, np.diag(expected), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("model", [MUNICH, KSU], ids=["munich", "ksu"])
def test_every_route_lies_within_its_error_of_the_poles(model):
    T = [0.15, 0.25, 0.35]
    levels = thermal_levels(model, T, ("1S", "2S", "1P"))
    exact = levels.routes["poles"]
    for route in ("perturbation", "spectral"):
        other = levels.routes[route]
        converging = np.ones(other.energy.shape, dtype=bool)
        if route == "perturbation":
            converging = other.parts["third_order"].real < 0.4 * other.parts["second_order"].real
            assert np.sum(converging) >= 2
        for value, error in (
            ((other.energy - exact.energy).real, levels.shift(route).error),
            (2 * (other.energy - exact.energy).imag, levels.width(route).error),
        ):
            # second and third order leave the rest of their series: 1.3 is 1/(1 - 0.4) over 1 + 0.4, with a margin
            allowed = {"perturbation": 1.3, "spectral": 1.0}[route] * error
            # 1e-9 GeV: rounding of the poles
            assert np.all((np.abs(value) <= allowed + 1e-9) | ~converging), route


def test_the_mesh_part_covers_a_much_finer_mesh():
    T = np.array([0.2, 0.3])
    states = tuple(State.named(name) for name in ("1S", "2S", "1P"))
    coarse = complex_levels(KSU, T, states, qt.LaguerreMesh(32, 0.14), qt.LaguerreMesh(40, 0.14))
    fine = complex_levels(KSU, T, states, qt.LaguerreMesh(128, 0.12), qt.LaguerreMesh(150, 0.12))
    misses = np.abs((coarse.energy - fine.energy).real)
    assert np.all(misses <= 1.2 * coarse.parts["mesh"].real + 1e-11)
    assert np.all(np.abs(fine.parts["mesh"]) < 1e-9)


def test_dissolved_states_are_said_to_be():
    levels = thermal_levels(KSU, [0.2, 0.5], ("1S", "3S"), routes=["poles"])
    width, radius = levels.width("poles"), levels.mean_radius("poles")
    assert np.isnan(width.value[1, 1])
    assert np.isnan(radius.value[1, 1])
    assert levels.routes["poles"].remark(1, 1) == "melted"
    assert np.all(np.isfinite(width.value[[0, 0, 1], [0, 1, 0]]))
    # the continuum is screened, so the binding falls
    binding = levels.binding("poles").value
    assert 0 < binding[0, 1] < binding[0, 0]


def test_following_keeps_states_where_levels_cross():
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(4, 4)))[0]
    start, end = (turn @ np.diag(e) @ turn.T + 0j for e in ([0, 1, 2, 3], [2.5, -1j, 0.1, 3]))
    _, vectors = eigenstates(start)
    vectors = vectors[:, np.argsort(np.linalg.eigvals(start).real)]
    energies, found = follow(start, end, vectors)
    assert_allclose(energies, [2.5, -1j, 0.1, 3], atol=1e-12)
    assert_allclose(np.abs(found.T @ vectors), np.eye(4), atol=1e-7)


@pytest.mark.parametrize(
    ("change", "argument"),
    [
        ({"model": "coulomb"}, "model"),
        ({"T": [300.0]}, "T"),
        ({"T": [0.3, 0.2]}, "T"),
        ({"T": [0.0]}, "T"),
        ({"T": [0.02]}, "T"),  # below the pole of the fit
        ({"states": "1S"}, "states"),
        ({"states": ()}, "states"),
        ({"states": ["1S", "1S"]}, "states"),
        ({"states": ["S1"]}, "name"),
        ({"routes": ["pole"]}, "routes"),
        ({"routes": ()}, "routes"),
        (
            {"model": qt.LindbladModel(qt.CallablePotential(amplifying_at_371_mev, alpha=0.6)), "T": [0.371]},
            "potential",
        ),
        ({"mesh": 64}, "mesh"),
        ({"source": "point"}, "source"),
        ({"rotation": 0.9}, "rotation"),
        ({"model": KSU, "rotation": 0.3}, "rotation"),
        ({"model": KSU, "states": ["6S"]}, "states"),
    ],
)
def test_bad_arguments_are_named(change, argument):
    arguments = {"model": MUNICH, "T": [0.3], "states": ["1S"]} | change
    with pytest.raises(qt.InputError) as error:
        thermal_levels(arguments.pop("model"), arguments.pop("T"), **arguments)
    assert error.value.argument == argument


def test_tunneling_pairs_need_an_analytic_potential():
    model = qt.LindbladModel(qt.CallablePotential(lambda r: -0.6 / r, alpha=0.6), qt.Transport(0.0, -1.0))
    with pytest.raises(qt.InputError, match="tunnels"):
        thermal_levels(model, [0.3], ["1S"], routes=["poles"])
