"""The density in r over time: it integrates to the populations of the density matrix, and nothing disappears."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from qtraj import Bjorken, CoulombState, DensityMatrix, GaussianState, LaguerreMesh, LindbladModel, solve
from qtraj.errors import InputError
from qtraj.solvers.density_in_time import density_in_time
from qtraj.states import STATE_NAMES

MODEL = LindbladModel()
MEDIUM = Bjorken(T0=0.4, tau_fm=0.6, T_end=0.25)
METHOD = DensityMatrix(mesh=LaguerreMesh(40, 0.15), l_max=2, step=1.4, error_budget=False)
TIMES = np.array([0.0, 0.3, 0.9, 1.4, 1.9])


@pytest.fixture(scope="module")
def found():
    return density_in_time(MODEL, MEDIUM, GaussianState(width=0.2), TIMES, method=METHOD)


def test_its_integral_is_the_population_of_the_density_matrix(found):
    result = solve(MODEL, MEDIUM, GaussianState(width=0.2), METHOD, times_fm=TIMES[1:])
    # the same steps and kernel: rounding only
    assert_allclose(found.population[1:], result.diagnostics["population_at"], atol=1e-12)
    assert_allclose(found.density @ found.weights, found.population, atol=1e-12)


def test_trace_and_what_was_lost_add_up_to_one(found):
    # every step adds what it takes away, up to rounding
    assert_allclose(found.population.sum(axis=(1, 2)) + found.lost, 1.0, atol=1e-12)
    assert np.all(np.diff(found.lost) >= 0)
    # positive up to the splitting of the complete positive map onto the finite basis
    assert found.density.min() > -1e-6 * found.density.max()


def test_the_start_is_the_square_of_the_wave_function():
    initial = CoulombState(n=2, l=0)
    found = density_in_time(MODEL, MEDIUM, initial, [0.0], method=METHOD)
    u = initial.u(found.r, MODEL)
    expected = u**2 / np.sum(found.weights * u**2)
    # what lies above the energies kept is below 1e-6 of a bound state
    assert_allclose(found.density[0, 0, 0], expected, atol=1e-5 * expected.max())
    assert found.density[0, 1].max() == found.density[0, 0, 1:].max() == 0


def test_elsewhere_it_is_the_function_through_the_mesh_points(found):
    r = np.sort(np.concatenate([found.r, np.linspace(0, 25, 400)]))
    fine = density_in_time(MODEL, MEDIUM, GaussianState(width=0.2), TIMES, r=r, method=METHOD)
    at_points = fine.density[..., np.searchsorted(r, found.r)]
    # the sum over the functions of the mesh cancels to 1e-9 where the density is small
    assert_allclose(at_points, found.density, atol=1e-9 * found.density.max())
    assert np.isnan(fine.weights).all()
    assert fine.density[..., 0].max() == 0  # u(0) = 0


def test_before_the_medium_acts_overlaps_stay(found):
    assert_allclose(found.overlap[1], found.overlap[0], atol=1e-12)
    assert found.overlap[-1, 0] < found.overlap[0, 0]
    assert found.overlap[0, STATE_NAMES.index("1P")] == 0 < found.overlap[-1, STATE_NAMES.index("1P")]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"times_fm": [1.0, 0.5]}, "`times_fm` must be increasing"),
        ({"times_fm": []}, "`times_fm` must be a list"),
        ({"r": [-1.0, 1.0]}, "`r` must be increasing and not negative"),
        ({"medium": [MEDIUM, MEDIUM]}, "`medium` must be the temperature history of one pair"),
        ({"model": LindbladModel(order="NLO")}, "`model.order` must be 'LO'"),
        ({"initial": GaussianState(l=3)}, "`l_max` must be at least the l = 3"),
    ],
)
def test_bad_input_is_refused(changes, message):
    arguments = {"model": MODEL, "medium": MEDIUM, "initial": GaussianState(), "times_fm": [1.0]} | changes
    with pytest.raises(InputError, match=message):
        density_in_time(**arguments, method=METHOD)
