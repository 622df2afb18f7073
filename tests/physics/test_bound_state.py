"""Eigenstates as starts: the Coulomb functions again, closed forms, and refusal of what is not bound."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.testing import assert_allclose

import qtraj as qt
from qtraj import InputError
from qtraj.radial.bound import bound_states
from qtraj.solvers.projection import initial_coefficients, projection_vectors

MODEL = qt.LindbladModel()
R = np.linspace(0, 80, 4001)


@dataclass(frozen=True)
class Oscillator:
    """Stiffness in GeV^3; a deeper octet, to tell the two colors apart."""

    alpha: float = 0.5
    stiffness: float = 0.05

    def vacuum(self, r, color):
        return (self.stiffness if color == "singlet" else 4 * self.stiffness) * r**2


@dataclass(frozen=True)
class Yukawa:
    alpha: float = 0.6239853
    screening: float = 0.4

    def vacuum(self, r, color):
        return -self.alpha / r * np.exp(-self.screening * r)


@pytest.mark.parametrize(("n", "l"), [(1, 0), (2, 0), (3, 0), (6, 0), (2, 1), (3, 1), (3, 2), (4, 3)])
def test_in_the_coulomb_potential_it_is_the_coulomb_state(n, l):
    bound, coulomb = qt.BoundState(n, l), qt.CoulombState(n, l)
    exact = coulomb.u(R, MODEL) / np.sqrt(coulomb.norm_squared(MODEL))
    # the mesh holds the Coulomb functions to rounding
    assert_allclose(bound.u(R, MODEL), exact, atol=1e-11)
    assert_allclose(bound.energy(MODEL), -MODEL.mass * MODEL.potential.alpha**2 / (4 * n**2), rtol=1e-9)


@pytest.mark.parametrize(("n", "l"), [(1, 0), (3, 0), (2, 1), (3, 2), (4, 3)])
@pytest.mark.parametrize(("color", "stiffness"), [("singlet", 0.05), ("octet", 0.2)])
def test_oscillator_levels_in_the_potential_of_the_color(n, l, color, stiffness):
    model = qt.LindbladModel(Oscillator())
    omega = 2 * np.sqrt(stiffness / model.mass)
    state = qt.BoundState(n, l, color)
    assert_allclose(state.energy(model), omega * (2 * (n - l - 1) + l + 1.5), rtol=1e-9)
    u = state.u(R, model)
    dr = R[1]
    assert_allclose(np.sum(u**2) * dr, 1, rtol=1e-9)  # smooth and zero at both ends: the rule is exact
    # <r^2> = E/(2 c): half of the energy is potential
    assert_allclose(np.sum(u**2 * R**2) * dr, state.energy(model) / (2 * stiffness), rtol=1e-8)


def test_ksu_levels_of_the_original():
    # masses in GeV that the C++ code printed for num 1023, L 40 and second differences: the spacing is 0.04 a0, and
    # its energies differ from the continuum by up to 0.04^2 times a kinetic energy of 0.1 to 0.2 GeV
    model = qt.LindbladModel(qt.KSUPotential(), mass=4.7)
    printed = {"1S": 9.4609, "2S": 10.0012, "1P": 9.88099, "3S": 10.3601, "2P": 10.2534, "1D": 10.1301}
    for state in qt.STATES:
        mass = 2 * model.mass + qt.BoundState(state.n, state.l).energy(model)
        assert_allclose(mass, printed[state.name], atol=2.5e-4)


def test_a_kink_in_the_potential_leaves_a_small_error():
    # second differences on lattices of 2^14 and 2^15 points, extrapolated in dx^2: exact to 1e-6 GeV
    model = qt.LindbladModel(qt.KSUPotential(), mass=4.7)
    grids = [qt.SineGrid(num, 40.0, derivative=1) for num in (16383, 32767)]
    coarse, fine = (
        bound_states(g, model.potential.vacuum(g.r, "singlet"), 0, model.mass, 3)[0] for g in grids
    )
    exact = fine + (fine - coarse) / 3
    found = [qt.BoundState(n, 0).energy(model) for n in (1, 2, 3)]
    # string breaking at 1.25 fm: the mesh points around it are 0.2 GeV^-1 apart, where 3S is still sizable
    assert_allclose(found, exact, atol=2e-5)


@pytest.mark.parametrize("state", qt.STATES, ids=lambda s: s.name)
def test_a_bound_start_overlaps_with_itself_only(state):
    model = qt.LindbladModel(qt.KSUPotential(), mass=4.7)
    mesh = qt.LaguerreMesh(96, 0.12)
    start = initial_coefficients(qt.BoundState(state.n, state.l), mesh, model, "singlet")
    found = (projection_vectors("computed", mesh, model) @ start) ** 2
    expected = [float(s == state) for s in qt.STATES]
    # the mesh of the solver resolves the kink in another way than that of the state: amplitudes of 1e-4
    same_l = [s.l == state.l for s in qt.STATES]
    assert_allclose(found[same_l], np.array(expected)[same_l], atol=1e-7)


def test_a_screened_potential_keeps_1s_only():
    model = qt.LindbladModel(Yukawa())
    ground = qt.BoundState(1, 0)
    # a strict upper bound: the Coulomb energy shifted by the largest difference of the potentials, alpha * screening
    coulomb = -model.mass * model.potential.alpha**2 / 4
    assert coulomb < ground.energy(model) < coulomb + model.potential.alpha * model.potential.screening
    for n, l, name in ((3, 0, "3S"), (3, 1, "2P"), (3, 2, "1D")):
        with pytest.raises(InputError, match=f"level {name} ") as caught:
            qt.BoundState(n, l).u(R, model)
        assert caught.value.argument == "n"


def test_the_repulsive_octet_binds_nothing():
    with pytest.raises(InputError, match="octet"):
        qt.BoundState(1, 0, "octet").u(R, MODEL)


def test_a_state_that_the_mesh_does_not_resolve_is_refused():
    @dataclass(frozen=True)
    class Comb:
        """Wells of 0.03 GeV^-1, far below the spacing of any mesh that holds the state."""

        alpha: float = 0.5

        def vacuum(self, r, color):
            return np.where(r % 0.2 < 0.03, -40.0, 0.0) - 1.0 / (1 + (r / 5) ** 4)

    with pytest.raises(InputError, match="mesh") as caught:
        qt.BoundState(2, 0).u(R, qt.LindbladModel(Comb()))
    assert caught.value.argument == "potential"


def test_survival_is_a_raw_overlap():
    assert not qt.BoundState(1, 0).survival_is_ratio


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ((0, 0), "n"),
        ((1, 1), "n"),
        ((7, 0), "n"),
        ((2.0, 0), "n"),
        ((1, -1), "l"),
        ((5, 4), "l"),
        ((2, "P"), "l"),
        ((1, 0, "red"), "color"),
        ((1, 0, 0.5), "color"),
        ((1, 0, None), "color"),
    ],
)
def test_bad_quantum_numbers_are_refused_by_name(arguments, name):
    with pytest.raises(InputError) as caught:
        qt.BoundState(*arguments)
    assert caught.value.argument == name
