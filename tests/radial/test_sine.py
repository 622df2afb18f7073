"""Laws of the sine grid: an orthonormal involution, exact kinetic energy, analytic evolutions, fitted orders."""

import pickle
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from qtraj import InputError, PerformanceWarning, SineGrid
from qtraj.radial import sine as dst

MASS = 4.73
ALPHA = 0.6239853
both = pytest.mark.parametrize("transform", ["scipy", "fftw"])

# An FFT of length N errs by about eps log2(N) of the norm (Higham, Accuracy and Stability, 24.1): 3e-15 for 4096.
ROUNDING = 1e-14


def random_states(*shape, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


def sine_matrix(num):
    j = np.arange(1, num + 1)
    return np.sqrt(2 / (num + 1)) * np.sin(np.pi * np.outer(j, j) / (num + 1))


def fitted_order(steps, errors):
    return np.polyfit(np.log(steps), np.log(errors), 1)[0]


# --- the transform


@both
@settings(deadline=None)  # the first use of a length plans its transform
@given(n=st.sampled_from([4, 5, 6, 7, 9, 11, 16, 21, 32, 55, 64]), count=st.integers(1, 4))
def test_transform_is_the_sum_of_its_definition(transform, n, count):
    states = random_states(count, n - 1, seed=n)
    expected = states @ sine_matrix(n - 1)
    assert_allclose(SineGrid(n - 1, 1.0, transform).sine_transform(states), expected, atol=2 * ROUNDING)


@both
@pytest.mark.parametrize("num", [3, 4, 511, 2047, 2057])
def test_transform_is_its_own_inverse_and_unitary(transform, num):
    grid, states = SineGrid(num, 40.0, transform), random_states(70, num)
    found = grid.sine_transform(states)
    norms = np.linalg.norm(states, axis=1)
    assert_allclose(np.linalg.norm(found, axis=1), norms, rtol=ROUNDING)
    difference = np.linalg.norm(grid.sine_transform(found) - states, axis=1)
    assert np.all(difference < 2 * ROUNDING * norms)


@pytest.mark.parametrize("num", [4, 63, 1023])
def test_both_transforms_agree(num):
    states, factor = random_states(9, num), np.exp(-1j * np.arange(num))
    one, other = SineGrid(num, 40.0, "scipy"), SineGrid(num, 40.0, "fftw")
    bound = ROUNDING * np.linalg.norm(states)
    assert np.linalg.norm(one.sine_transform(states) - other.sine_transform(states)) < bound
    steps = one.kinetic_step(states.copy(), factor) - other.kinetic_step(states.copy(), factor)
    assert np.linalg.norm(steps) < 2 * bound


@both
def test_transform_of_any_shape_and_of_real_numbers(transform):
    grid, states = SineGrid(15, 1.0, transform), random_states(2, 3, 15)
    found = grid.sine_transform(states)
    assert_array_equal(found[1, 2], grid.sine_transform(states[1, 2]))
    assert_allclose(grid.sine_transform(states.real), found.real, atol=ROUNDING)
    columns = np.asfortranarray(states[0])
    assert_array_equal(grid.sine_transform(columns), found[0])
    assert grid.sine_transform(states[:, :0]).shape == (2, 0, 15)


# --- the kinetic step


@both
def test_kinetic_step_is_transform_factor_transform(transform):
    grid, states = SineGrid(127, 10.0, transform), random_states(300, 127)
    shared, each = random_states(127, seed=1), random_states(300, 127, seed=2)
    for factor in (shared, each, each.real):
        expected = grid.sine_transform(factor * grid.sine_transform(states))
        found = grid.kinetic_step(states.copy(), factor)
        assert_allclose(found, expected, atol=ROUNDING * np.linalg.norm(expected, axis=1).max())


@both
def test_kinetic_step_works_in_place_where_it_can_and_returns_the_result_always(transform):
    grid, factor = SineGrid(31, 5.0, transform), np.exp(-1j * np.arange(31))
    states = random_states(4, 2, 31)
    expected = grid.kinetic_step(states.copy(), factor)
    assert_array_equal(grid.kinetic_step(np.asfortranarray(states), factor), expected)
    assert_array_equal(grid.kinetic_step(states[:, 0], factor), expected[:, 0])
    found = grid.kinetic_step(states, factor)
    assert np.shares_memory(found, states)
    assert_array_equal(found, expected)


@both
def test_a_batch_equals_its_single_states_to_the_last_bit_with_any_number_of_threads(transform):
    num, factor = 2047, random_states(2047, seed=1)
    states = random_states(30, num)  # four blocks, the last of them not full
    batch = SineGrid(num, 40.0, transform).kinetic_step(states.copy(), factor)
    threaded = SineGrid(num, 40.0, transform, threads=3)
    assert_array_equal(threaded.kinetic_step(states.copy(), factor), batch)
    assert_array_equal(threaded.sine_transform(states), SineGrid(num, 40.0, transform).sine_transform(states))
    for i in (0, 7, 8, 29):
        assert_array_equal(threaded.kinetic_step(states[i].copy(), factor), batch[i])


@both
def test_one_grid_may_be_used_from_many_threads_at_once(transform):
    grid, states = SineGrid(1023, 40.0, transform), random_states(40, 1023)
    expected = grid.sine_transform(states)
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            assert_array_equal(np.stack(list(pool.map(grid.sine_transform, states))), expected)


@both
def test_waves_of_the_box_have_the_energies_k_squared_over_mass(transform):
    grid = SineGrid(255, 20.0, transform)
    waves = np.sin(np.outer(grid.k, grid.r)) * np.sqrt(2 / 256)
    energies = grid.kinetic(MASS)
    assert_allclose(energies, grid.k**2 / MASS, rtol=1e-15)
    # rounding is relative to the highest energy
    found = grid.kinetic_step(waves.astype(complex), energies)
    assert_allclose(found, energies[:, None] * waves, atol=ROUNDING * energies[-1])


@both
@pytest.mark.parametrize("derivative", [0, 1])
def test_kinetic_step_is_unitary_over_many_steps(transform, derivative):
    grid, states = SineGrid(255, 20.0, transform, derivative), random_states(5, 255)
    norms, factor = np.linalg.norm(states, axis=1), np.exp(-0.01j * grid.kinetic(MASS))
    for _ in range(1000):
        states = grid.kinetic_step(states, factor)
    # the rounding of 1000 steps, each of a few eps at random: 1e-14; a systematic drift of 1 eps a step: 2e-13
    assert_allclose(np.linalg.norm(states, axis=1), norms, rtol=1e-13)


def test_second_difference_dispersion_is_that_of_the_second_difference():
    grid = SineGrid(63, 8.0, derivative=1)
    states = random_states(63)
    padded = np.pad(states, 1)
    expected = (2 * states - padded[:-2] - padded[2:]) / grid.dx**2
    assert_allclose(grid.p_squared @ states, expected, rtol=1e-13)
    found = grid.kinetic_step(states.copy(), grid.kinetic(MASS))
    # rounding is relative to the highest energy, 4/(M dx^2)
    assert_allclose(MASS * found, expected, atol=10 * ROUNDING * 4 / grid.dx**2)
    assert_allclose(grid.kinetic(MASS), 2 * (1 - np.cos(grid.k * grid.dx)) / (MASS * grid.dx**2), rtol=1e-12)


@pytest.mark.parametrize("derivative", [0, 1])
@pytest.mark.parametrize("l", [0, 2])
def test_hamiltonian_matrix_is_the_action_of_transforms_and_potential(derivative, l):
    grid = SineGrid(95, 12.0, derivative=derivative)
    potential = -ALPHA / grid.r - 0.05j * grid.r**2
    states = random_states(3, 95)
    kinetic = grid.kinetic_step(states.copy(), grid.kinetic(MASS))
    expected = kinetic + (potential + l * (l + 1) / (MASS * grid.r**2)) * states
    matrix = grid.hamiltonian(potential, l, MASS)
    # rounding is relative to the largest matrix element, about 1e3 GeV
    assert_allclose(states @ matrix.T, expected, atol=10 * ROUNDING * np.abs(matrix).max())
    assert_array_equal(matrix, matrix.T)


@pytest.mark.parametrize("derivative", [0, 1])
def test_free_spectrum_of_the_hamiltonian(derivative):
    grid = SineGrid(80, 12.0, derivative=derivative)
    found = np.linalg.eigvalsh(grid.hamiltonian(np.zeros(80), 0, MASS))
    assert_allclose(found, grid.kinetic(MASS), atol=1e-13 * found[-1])


# --- analytic evolutions


def gaussian(r, a, t, stiffness=0.0):
    """r exp(-a r^2) at t = 0, evolved with p^2/M + stiffness r^2: a Gaussian with complex width at all times."""
    if stiffness == 0:
        spread, a_t = 1 + 4j * a * t / MASS, a / (1 + 4j * a * t / MASS)
    else:
        omega, b = 2 * np.sqrt(stiffness / MASS), np.sqrt(stiffness * MASS) / 2
        spread = np.cos(omega * t) + 1j * a / b * np.sin(omega * t)
        a_t = (a * np.cos(omega * t) + 1j * b * np.sin(omega * t)) / spread
    return r * spread**-1.5 * np.exp(-a_t * r**2)


@both
@pytest.mark.parametrize("time", [0.1, 2.0, 5.0])
def test_a_free_gaussian_spreads_exactly_in_one_step(transform, time):
    # at t = 5 the tail at L is exp(-85), and at the largest k the spectrum is exp(-400): rounding is left
    grid = SineGrid(511, 40.0, transform)
    found = grid.kinetic_step(gaussian(grid.r, 1.0, 0) + 0j, np.exp(-1j * grid.kinetic(MASS) * time))
    assert_allclose(found, gaussian(grid.r, 1.0, time), atol=ROUNDING)


def test_the_second_difference_spreads_it_with_an_error_of_order_dx_squared():
    nums, errors = (255, 511, 1023, 2047), []
    for num in nums:
        grid = SineGrid(num, 40.0, derivative=1)
        found = grid.kinetic_step(gaussian(grid.r, 1.0, 0) + 0j, np.exp(-1j * grid.kinetic(MASS) * 2.0))
        errors.append(np.abs(found - gaussian(grid.r, 1.0, 2.0)).max())
    # the next order, dx^4, is 1 % of the error on the coarsest grid
    assert_allclose(fitted_order(1 / (np.array(nums) + 1), errors), 2, atol=0.02)


@both
@pytest.mark.parametrize("stiffness", [0.05, 0.02 - 0.03j, -0.005 - 0.02j])
def test_complex_oscillator_by_strang_splitting_converges_as_dt_squared(transform, stiffness):
    grid, duration, steps = SineGrid(127, 24.0, transform), 4.0, np.array([10, 20, 40, 80])
    exact = gaussian(grid.r, 0.5, duration, complex(stiffness))
    errors = []
    for count in steps:
        dt = duration / count
        half = np.exp(-0.5j * stiffness * grid.r**2 * dt)
        factor = np.exp(-1j * grid.kinetic(MASS) * dt)
        u = gaussian(grid.r, 0.5, 0) + 0j
        for _ in range(count):
            u = half * grid.kinetic_step(half * u, factor)
        errors.append(np.linalg.norm(u - exact))
    # the error of the splitting is even in dt: corrections of relative order dt^2, below 1 % at 10 steps
    assert_allclose(fitted_order(duration / steps, errors), 2, atol=0.02)
    assert errors[-1] < 1e-4 * np.linalg.norm(exact)


def test_coulomb_ground_state_converges_as_dx_squared(measured):
    exact, errors = -MASS * ALPHA**2 / 4, []
    for num in (127, 255, 511):
        grid = SineGrid(num, 15.0)
        errors.append(np.linalg.eigvalsh(grid.hamiltonian(-ALPHA / grid.r, 0, MASS))[0] / exact - 1)
    coarse, fine = np.log2(np.abs(errors[:-1]) / np.abs(errors[1:]))
    # the cusp u ~ r (1 - r/a0) makes the error c dx^2 (1 + c' dx/a0 + ...): the order misses 2 by a term that
    # halves with dx, and what the extrapolation leaves is of order (dx/a0)^2 = 0.01
    measured("order in dx of the 1S energy on the sine grid", fine, 2, 0.1)
    assert abs(fine - 2) < 0.1
    assert_allclose(2 * fine - coarse, 2, atol=0.02)


# --- the grid


def test_grid_points_weights_and_coefficients():
    grid = SineGrid(7, 4.0)
    assert_allclose(grid.r, [0.5, 1, 1.5, 2, 2.5, 3, 3.5], rtol=1e-15)
    assert_allclose(grid.k, np.pi / 4 * np.arange(1, 8), rtol=1e-15)
    assert_allclose(grid.weights, 0.5)
    u = np.sin(np.pi * grid.r / 4)
    c = grid.coefficients(u)
    assert_allclose(np.sum(c**2), 2.0, rtol=1e-14)  # Int sin^2 over half a wave; exact on the grid
    assert_allclose(grid.values(c), u, rtol=1e-15)


def test_grids_compare_by_what_changes_results():
    grid = SineGrid(63, 10.0, "scipy", threads=2)
    grid.kinetic_step(random_states(2, 63), np.ones(63))
    assert grid == SineGrid(63, 10.0)
    assert hash(grid) == hash(SineGrid(63, 10.0))
    assert grid != SineGrid(63, 10.0, "fftw")
    assert grid != SineGrid(63, 10.0, derivative=1)
    assert pickle.loads(pickle.dumps(grid)) == grid


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        *(("num", x) for x in (2, 2**22 + 1, 63.0, "63", True)),
        *(("length", x) for x in (0, -1.0, np.inf, np.nan, "40", None)),
        *(("transform", x) for x in ("FFTW", "numpy", None)),
        *(("derivative", x) for x in (2, -1, True, 0.0)),
        *(("threads", x) for x in (0, 1.0, None, True)),
    ],
)
def test_bad_arguments_are_named(argument, value):
    with pytest.raises(InputError) as caught:
        SineGrid(**{"num": 63, argument: value})
    assert caught.value.argument == argument


def test_states_and_factors_of_the_wrong_shape_are_refused_before_anything_is_overwritten():
    grid, states = SineGrid(15, 1.0), random_states(3, 15)
    before = states.copy()
    for factor in (np.ones(14), np.ones((1, 15)), np.ones((2, 15)), 1.0):
        with pytest.raises(InputError, match=r"`factor` must have the shape \(15,\) or that of the states"):
            grid.kinetic_step(states, factor)
    assert_array_equal(states, before)
    for wrong in (states[:, :14], np.float64(1.0)):
        with pytest.raises(InputError, match="`states` must have 15 entries"):
            grid.sine_transform(wrong)
        with pytest.raises(InputError, match="`states` must have 15 entries"):
            grid.kinetic_step(wrong, np.ones(15))


def test_fftw_without_pyfftw_is_refused_at_once_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyfftw", None)
    with pytest.raises(InputError, match=r'`transform` must be "scipy".*pip install "qtraj\[fftw\]"'):
        SineGrid(63, 10.0, "fftw")
    SineGrid(63, 10.0)


@pytest.mark.parametrize("num", [3, 63, 2047, 4095, 2**4 * 5**3 - 1, 2 * 3 * 7**3 - 1])
def test_fast_sizes_pass_silently(num):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        SineGrid(num)


@pytest.mark.parametrize(
    ("num", "below", "above", "power"),
    [(2048, 2047, 2057, 2047), (4096, 4095, 4115, 4095), (2046, 2024, 2047, 2047), (1500, 1499, 1511, 1023)],
)
def test_slow_sizes_are_warned_of_with_the_nearest_fast_ones(num, below, above, power):
    with pytest.warns(PerformanceWarning, match=f"{below} and {above};.* is {power}") as caught:
        SineGrid(num)
    assert caught[0].filename == __file__  # it points at the caller


def test_plans_are_kept():
    SineGrid(63, 10.0).sine_transform(random_states(63))
    kept = dst.sine_transform_of(63, "scipy")
    SineGrid(63, 20.0, derivative=1).sine_transform(random_states(63))
    assert dst.sine_transform_of(63, "scipy") is kept
