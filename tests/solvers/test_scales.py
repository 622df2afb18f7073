"""Charm and other scales: a pair in a medium scaled as it is gives the numbers of bottomonium, by every method."""

from __future__ import annotations

import numpy as np
import pytest

import qtraj as qt
from qtraj.errors import InputError
from qtraj.physics.model import AS_BOTTOM
from qtraj.radial.sine import SineGrid
from qtraj.solvers.nojump.wave_functions import wave_functions
from qtraj.solvers.projection import STATES_MESH, vacuum_levels
from qtraj.spectroscopy import thermal_levels

BOTTOM = qt.LindbladModel()
CHARM = qt.LindbladModel(qt.CoulombPotential(0.5), mass=1.5)
LENGTH, ENERGY = CHARM.scales
LOCAL = qt.GaussianState(l=0, width=0.2)
MIXED = qt.GaussianState(l=1, width=0.4, color=0.3)

# no second warning of what the tests of warnings look at
pytestmark = pytest.mark.filterwarnings("ignore::qtraj.errors.AccuracyWarning")


def scaled(order: str, start_fm: float = 0.5) -> tuple[tuple, tuple]:
    """Return model and medium of bottomonium, and of charmonium: lengths, times and energies as of the pair."""
    kappa, gamma = 0.9, -1.5
    factor = ENERGY / LENGTH**2 / ENERGY**3  # of kappa/T^3, where kappa goes as energy/length^2
    bottom = qt.LindbladModel(transport=qt.Transport(kappa=kappa, gamma=gamma), order=order)
    transport = qt.Transport(kappa=kappa * factor, gamma=gamma * factor)
    charm = qt.LindbladModel(CHARM.potential, transport, CHARM.mass, order)

    def medium(energy: float) -> qt.Bjorken:
        return qt.Bjorken(T0=0.4 * energy, tau_fm=start_fm / energy, T_end=0.3 * energy)

    return (bottom, medium(1.0)), (charm, medium(ENERGY))


CASES = {
    "no jump": (qt.NoJump(), "LO", LOCAL),
    "no jump of a mixture": (qt.NoJump(projection="coulomb"), "LO", MIXED),
    "no jump at NLO": (qt.NoJump(), "NLO", LOCAL),
    "density": (qt.DensityMatrix(rtol=1e-2), "LO", LOCAL),
    "density of an octet P wave": (qt.DensityMatrix(rtol=1e-2), "LO", MIXED),
    "density at NLO": (qt.DensityMatrix(rtol=1e-2, refinements=0), "NLO", LOCAL),
    "trajectories": (qt.QuantumTrajectories(n=64), "LO", LOCAL),
    "trajectories at NLO": (qt.QuantumTrajectories(n=64), "NLO", LOCAL),
}


@pytest.mark.parametrize(
    "case", [pytest.param(c, marks=pytest.mark.slow) if c == "density at NLO" else c for c in CASES]
)
def test_charm_in_a_scaled_medium_gives_the_numbers_of_bottomonium(case):
    method, order, start = CASES[case]
    (bottom, medium), (charm, slow) = scaled(order)
    expected = qt.solve(bottom, medium, start, method, times_fm=[0.7])
    found = qt.solve(charm, slow, start, method, times_fm=[0.7 / ENERGY])
    for name, survival in (expected.survival | expected.transition).items():
        other = (found.survival | found.transition)[name]
        assert float(other.value) == pytest.approx(float(survival.value), rel=1e-7, abs=1e-11)
        assert float(other.error) == pytest.approx(float(survival.error), rel=1e-3, abs=1e-9)


def test_steps_on_a_sine_grid_scale():
    (bottom, medium), (charm, slow) = scaled("LO")
    grid = SineGrid(num=255, length=20.0)
    expected = qt.solve(bottom, medium, LOCAL, qt.NoJump(grid=grid))
    found = qt.solve(charm, slow, LOCAL, qt.NoJump(grid=grid.scaled(LENGTH)))
    for name, survival in expected.survival.items():
        assert float(found.survival[name].value) == pytest.approx(float(survival.value), rel=1e-7)


def test_the_density_in_time_scales():
    (bottom, medium), (charm, slow) = scaled("LO")
    expected = qt.density_in_time(bottom, medium, LOCAL, [0.7])
    found = qt.density_in_time(charm, slow, LOCAL, [0.7 / ENERGY])
    np.testing.assert_allclose(found.r, LENGTH * expected.r)
    np.testing.assert_allclose(found.density * LENGTH, expected.density, atol=1e-8)


def test_wave_functions_and_levels_scale():
    (bottom, medium), (charm, slow) = scaled("LO")
    expected = wave_functions(bottom, medium, LOCAL, [0.0, 0.7])
    found = wave_functions(charm, slow, LOCAL, [0.0, 0.7 / ENERGY])
    np.testing.assert_allclose(found.overlaps, expected.overlaps, rtol=1e-6)
    np.testing.assert_allclose(vacuum_levels(CHARM).energies, ENERGY * vacuum_levels(BOTTOM).energies)
    levels = thermal_levels(bottom, [0.2, 0.3], ["1S", "2S"])
    slower = thermal_levels(charm, [0.2 * ENERGY, 0.3 * ENERGY], ["1S", "2S"])
    for route in levels.routes:
        energy, other = levels.routes[route].energy, slower.routes[route].energy
        np.testing.assert_allclose(other, ENERGY * energy, rtol=1e-4)


@pytest.mark.parametrize("mass", [4.73, 4.70, 5.3, 4.2])
def test_bottomonium_is_computed_as_before(mass):
    """Within `AS_BOTTOM` no mesh, range or step is any other than before there were scales."""
    assert qt.LindbladModel(mass=mass).scales == (1.0, 1.0)
    assert max(LENGTH, 1 / ENERGY) > AS_BOTTOM
    assert vacuum_levels(qt.LindbladModel(mass=mass)).grid == STATES_MESH


def test_a_string_sets_the_scale_where_it_binds_more_than_the_coulomb_part():
    """A filter at the energies of the Coulomb part alone would take the bound states away."""
    potential = qt.CallablePotential(lambda r: -0.3 / r + 0.2 * r, alpha=0.3, octet="coulomb")
    model = qt.LindbladModel(potential, mass=1.5)
    assert model.scales.length < 0.5 * model.bohr_radius / BOTTOM.bohr_radius
    cold = qt.ConstantTemperature(0.2, 0.6, duration_fm=1e-4)
    result = qt.solve(model, cold, qt.BoundState(2, 0), qt.NoJump())
    assert float(result.survival["2S"].value) == pytest.approx(1.0, abs=2e-3)


def test_a_grid_of_the_user_stays_as_it_is():
    grid = SineGrid(num=255, length=60.0)
    medium = qt.ConstantTemperature(0.2, 0.5, duration_fm=1.0)
    found = wave_functions(CHARM, medium, LOCAL, [0.5], grid=grid)
    assert found.r[-1] == grid.r[-1]


@pytest.mark.filterwarnings("default::qtraj.errors.AccuracyWarning")
def test_a_solve_of_charm_says_what_is_not_in_it():
    hot = qt.ConstantTemperature(0.4, 0.6, duration_fm=0.5)
    with pytest.warns(qt.AccuracyWarning) as said:
        qt.solve(CHARM, [hot, hot], LOCAL, qt.NoJump(error_budget=False))
    messages = [str(warning.message) for warning in said]
    assert len(messages) == 2
    assert any("different pairs" in message and "1.5 GeV" in message for message in messages)
    assert any("r T" in message and "0.4 GeV" in message for message in messages)


@pytest.mark.parametrize(("mass", "quark"), [(2.365, "bottom"), (2.35, "bottom"), (0.75, "charm")])
def test_half_a_mass_is_named_as_the_reduced_mass(mass, quark):
    with pytest.warns(UserWarning, match=rf"reduced mass of a pair of {quark} quarks.*mass={2 * mass:g}"):
        qt.LindbladModel(mass=mass)


def test_a_mass_of_no_quark_is_refused():
    with pytest.raises(InputError, match="heavy-quark mass"):
        qt.LindbladModel(mass=0.3)
