"""The density in r over time: it integrates to the populations of the density matrix, and nothing disappears."""

from dataclasses import fields, replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from qtraj import (
    Bjorken,
    BoundState,
    CallablePotential,
    CoulombState,
    DensityMatrix,
    GaussianState,
    HTLPotential,
    KSUPotential,
    LaguerreMesh,
    LindbladModel,
    NoJump,
    density_in_time,
    load,
    solve,
)
from qtraj._netcdf import write_dataset
from qtraj.errors import InputError
from qtraj.solvers.density.evolution import wigner_negativity
from qtraj.solvers.density.kernels import evolve_density
from qtraj.solvers.density.propagate import propagate_density, sequences
from qtraj.solvers.density.resolution import extrapolates, starting_levels
from qtraj.solvers.steps import Profile, strang
from qtraj.states import STATE_NAMES
from qtraj.units import from_fm, to_fm

MODEL, NEXT_ORDER = LindbladModel(), LindbladModel(order="NLO")
HTL, KSU = LindbladModel(HTLPotential()), LindbladModel(KSUPotential())
MEDIUM = Bjorken(T0=0.4, tau_fm=0.6, T_end=0.25)
# an octet with a width of its own has no jumps that belong to it
DECAYING = CallablePotential(
    lambda r, T: -0.4 / r - 0.1j * T * r**2 / (1 + r**2),
    alpha=0.4,
    octet=lambda r, T: 0.05 / r - 0.1j * T * r**2 / (1 + r**2),
)
METHOD = DensityMatrix(mesh=LaguerreMesh(40, 0.15), l_max=2, step=1.4, error_budget=False)
MEDIUM_END_FM = to_fm(MEDIUM.active[-1][1])
TIMES = np.array([0.0, 0.3, 0.9, 1.4, 1.9])


@pytest.fixture(scope="module", params=[MODEL, NEXT_ORDER, HTL, KSU], ids=["LO", "NLO", "HTL", "KSU"])
def model(request):
    return request.param


@pytest.fixture(scope="module")
def found(model):
    return density_in_time(model, MEDIUM, GaussianState(width=0.2), TIMES, method=METHOD)


@pytest.fixture(scope="module")
def solved(model):
    return solve(model, MEDIUM, GaussianState(width=0.2), METHOD, times_fm=TIMES[1:])


def test_its_integral_is_the_population_of_the_density_matrix(found, solved):
    # the same steps and kernel: rounding only
    assert_allclose(found.population[1:], solved.diagnostics["population_at"], atol=1e-12)
    assert_allclose(found.density @ found.weights, found.population, atol=1e-12)


def test_the_last_frame_is_the_end_of_the_density_matrix(model, found):
    end = solve(model, MEDIUM, GaussianState(width=0.2), METHOD, times_fm=TIMES[1:-1])
    last = density_in_time(
        model, MEDIUM, GaussianState(width=0.2), [*TIMES[1:-1], MEDIUM_END_FM], method=METHOD
    )
    assert_allclose(last.population[-1], end.diagnostics["population"], atol=1e-12)
    assert last.lost[-1] == pytest.approx(end.diagnostics["lost"].sum(), abs=1e-12)


def test_overlaps_are_those_of_solve_but_for_the_part_without_jumps(model, found, solved):
    """States of another l are reached by jumps only, so that both take them from the same density matrix."""
    start, expected = GaussianState(width=0.2), found.overlap[1:]
    if extrapolates(model):  # with a run of twice the step
        profile = Profile(model, MEDIUM)
        d = METHOD.discretization(starting_levels(METHOD.rtol, profile, 0), model, start)
        plan = sequences(profile, [from_fm(t) for t in TIMES[1:]], strang, d.step, halvings=-1)
        cuts = {"jump_range": d.jump_range, "filter_energy": d.filter_energy}
        twice = propagate_density(d.basis(model), model, start, [plan], **cuts).overlap[0, :-1]
        assert not np.allclose(twice, expected, rtol=1e-3, atol=0)
        expected = expected + (expected - twice) / 4
    for name in ("1P", "2P", "1D"):
        assert_allclose(expected[:, STATE_NAMES.index(name)], solved.transition_at[name].value, atol=1e-12)


def test_trace_and_what_was_lost_add_up_to_one(found):
    # every step adds what it takes away, up to rounding
    assert_allclose(found.population.sum(axis=(1, 2)) + found.lost, 1.0, atol=1e-12)
    # the sum of an exponential ends at 1e-10
    assert np.all(np.diff(found.lost) >= -1e-10)
    # positive up to the splitting of the complete positive map onto the finite basis
    assert found.density.min() > -1e-6 * found.density.max()


def test_any_number_of_times_compiles_once(model):
    """Segments are padded to few lengths: other times are numbers to the kernel, not another program."""
    density_in_time(model, MEDIUM, GaussianState(width=0.2), TIMES, method=METHOD)
    compiled = evolve_density._cache_size()
    density_in_time(model, MEDIUM, GaussianState(width=0.2), np.linspace(0.1, 2.0, 7), method=METHOD)
    assert evolve_density._cache_size() == compiled


@pytest.mark.filterwarnings(
    "ignore:the (dipole )?expansion in"
)  # a pair that has just begun is small and fast
def test_short_and_long_histories_share_their_kernels(model):
    """So do their halves and doubles: how many steps there are is a number to the kernels."""
    fixed = replace(METHOD, step=0.3)
    steps, compiled = [], set()
    for T_end in (0.4, 0.3, 0.25):
        found = solve(model, Bjorken(0.42, 0.6, T_end), GaussianState(width=0.2), method=fixed)
        steps.append(int(found.diagnostics["steps"]))
        compiled.add(evolve_density._cache_size())
    assert steps[0] < 32 < steps[-1]
    assert len(compiled) == 1


def test_the_start_is_the_square_of_the_wave_function(model):
    initial = BoundState(n=2, l=0)
    found = density_in_time(model, MEDIUM, initial, [0.0], method=METHOD)
    u = initial.u(found.r, model)
    expected = u**2 / np.sum(found.weights * u**2)
    # what lies above the energies kept is below 1e-6 of a bound state; where a string breaks, a mesh of 40 points is
    # another by 1e-3
    tolerance = 5e-3 if model is KSU else 1e-5
    assert_allclose(found.density[0, 0, 0], expected, atol=tolerance * expected.max())
    assert found.density[0, 1].max() == found.density[0, 0, 1:].max() == 0


def test_elsewhere_it_is_the_function_through_the_mesh_points(model, found):
    r = np.sort(np.concatenate([found.r, np.linspace(0, 25, 400)]))
    fine = density_in_time(model, MEDIUM, GaussianState(width=0.2), TIMES, r=r, method=METHOD)
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
        ({"times_fm": [1.0, 1e4]}, "`times_fm` must be in fm/c"),
        ({"model": "LO"}, "`model` must be a LindbladModel"),
        ({"model": LindbladModel(DECAYING)}, "`potential` must have a real octet potential"),
        ({"initial": "1S"}, "`initial` must be an initial state"),
        ({"initial": GaussianState(l=3)}, "`l_max` must be at least the l = 3"),
    ],
)
def test_bad_input_is_refused(changes, message):
    arguments = {"model": MODEL, "medium": MEDIUM, "initial": GaussianState(), "times_fm": [1.0]} | changes
    with pytest.raises(InputError, match=message):
        density_in_time(**arguments, method=METHOD)


def test_another_method_is_refused():
    with pytest.raises(InputError, match="`method` must be a DensityMatrix"):
        density_in_time(MODEL, MEDIUM, GaussianState(), [1.0], method=NoJump())


def test_what_is_saved_is_loaded_and_says_what_it_is(found, tmp_path):
    """`DensityInTime` had no file, and its repr was its arrays: 5,812 characters."""
    again = load(found.save(tmp_path / "deep" / "density.nc"))
    for field in fields(found):
        ours, theirs = (getattr(each, field.name) for each in (found, again))
        if field.name in ("settings", "provenance"):
            assert dict(ours) == dict(theirs)
        else:
            np.testing.assert_array_equal(ours, theirs)
    assert repr(found) == str(again)
    assert "5 times, 40 distances to" in repr(found)
    assert len(repr(found).splitlines()) == 8  # the last is entropy and purity
    assert repr(found).count("fm/c") == 5
    assert found._repr_html_().count("<table") == 1
    data = found.to_xarray()
    assert data["density"].dims == ("time_fm", "color", "l", "r")
    assert_allclose((data["density"] * data["weight"]).sum("r"), data["population"], atol=1e-12)
    assert data["overlap"].sel(state="1S", time_fm=0.9) == found.overlap[2, 0]


def test_many_times_print_in_a_few_lines(model):
    many = density_in_time(model, MEDIUM, GaussianState(), np.linspace(0, 2, 31), method=METHOD)
    assert len(repr(many).splitlines()) <= 12
    assert "8 of 31 times" in repr(many)


def test_progress_is_called_with_every_time(found, model):
    calls = []
    same = density_in_time(
        model, MEDIUM, GaussianState(width=0.2), TIMES, method=METHOD, progress=lambda *c: calls.append(c)
    )
    assert calls == [(i, 5) for i in range(1, 6)]
    np.testing.assert_array_equal(same.density, found.density)
    with pytest.raises(InputError, match="`progress` must"):
        density_in_time(model, MEDIUM, GaussianState(), [1.0], progress=lambda done: None)


@pytest.mark.parametrize("order", ["LO", "NLO", "all"])
def test_purity_and_entropy_are_those_of_the_density_matrix(order):
    equation, start = LindbladModel(order=order), CoulombState(1, 0)
    evolution = density_in_time(equation, MEDIUM, start, TIMES, method=METHOD)
    ends = solve(equation, MEDIUM, start, replace(METHOD, diagnostics=True), times_fm=TIMES[1:-1])
    last = density_in_time(equation, MEDIUM, start, [*TIMES[1:-1], MEDIUM_END_FM], method=METHOD)
    # the same steps and numbers
    assert_allclose(last.purity[-1], ends.diagnostics["purity"], rtol=1e-12)
    assert_allclose(last.entropy[-1], ends.diagnostics["entropy"], rtol=1e-12)
    # a pure start; the medium mixes it, and what it is after the end of the medium no longer changes
    assert_allclose(evolution.purity[0], 1, atol=1e-12)
    assert_allclose(evolution.entropy[0], 0, atol=1e-10)
    assert evolution.purity[3] < evolution.purity[2] < 0.99
    assert evolution.entropy[3] > evolution.entropy[2] > 0.1
    assert np.isnan(evolution.negativity).all()


def oscillator(n, x, center=0.0, momentum=0.0):
    """Eigenfunctions 0 and 1 of an oscillator of unit width, moved and boosted."""
    y = x - center
    u = np.pi**-0.25 * np.exp(-(y**2) / 2) * (1.0 if n == 0 else np.sqrt(2) * y)
    return u * np.exp(1j * momentum * x)


@pytest.mark.parametrize("momentum", [0.0, 1.5])
def test_negativity_of_wigner_functions_that_are_known(momentum):
    # no state reaches the ends, nor momenta beyond pi/(2 dx) = 13
    dx = 0.12
    x = dx * np.arange(1, 170)
    zero, one = (oscillator(n, x, 10.0, momentum) for n in (0, 1))
    zero, one = (np.outer(u, u.conj()) for u in (zero, one))
    assert_allclose(wigner_negativity(zero, dx), 0, atol=1e-10)  # Hudson: a Gaussian has none
    # W of the first excited state is (2 R^2 - 1) e^(-R^2)/pi; |W| has a kink, of second order in dx
    assert_allclose(wigner_negativity(one, dx), 2 * np.exp(-0.5) - 1, atol=2e-3)
    # half of each is 2 R^2 e^(-R^2)/(2 pi), not negative anywhere
    assert_allclose(wigner_negativity((zero + one) / 2, dx), 0, atol=1e-10)
    # one below: (2 p R^2 + 1 - 2 p) e^(-R^2)/pi, negative within R^2 < 1 - 1/(2 p)
    p = 0.75
    mixed = wigner_negativity((1 - p) * zero + p * one, dx)
    edge = 1 - 1 / (2 * p)
    assert_allclose(mixed, 2 * p * np.exp(-edge) - 1, atol=2e-3)


@pytest.mark.parametrize("order", ["LO", "NLO", "all"])
def test_the_medium_takes_the_negativity_away(order):
    model = LindbladModel(order=order)
    evolution = density_in_time(model, MEDIUM, CoulombState(2, 0), TIMES, method=METHOD, wigner=True)
    assert evolution.negativity.shape == evolution.population.shape
    # a pure 2S has as much as it has in the vacuum; other sectors are empty
    assert evolution.negativity[0, 0, 0] > 0.1
    assert_allclose(evolution.negativity[0].ravel()[1:], 0, atol=1e-12)
    # beside the pairs kept: jumps mix
    share = evolution.negativity.sum(axis=(1, 2)) / evolution.population.sum(axis=(1, 2))
    assert np.all(np.diff(share[1:4]) < 0)
    assert share[3] < 0.6 * share[0]
    # another mesh knows the same number at the start
    other = replace(METHOD, mesh=LaguerreMesh(56, 0.13))
    again = density_in_time(model, MEDIUM, CoulombState(2, 0), [0.0], method=other, wigner=True)
    assert_allclose(again.negativity[0, 0, 0], evolution.negativity[0, 0, 0], rtol=0.01)


def test_a_file_without_purity_is_readable(found, tmp_path):
    """As version 0.1 wrote it."""
    old = found.to_xarray().drop_vars(["purity", "entropy", "negativity"])
    again = load(write_dataset(old, tmp_path / "old.nc"))
    np.testing.assert_array_equal(again.density, found.density)
    assert np.isnan(again.entropy).all()
    assert again.negativity.shape == found.population.shape
    assert "entropy" not in repr(again)
