"""The parts of the trajectory method: random streams, strata, jump times, scores; orders of convergence in the step."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2, kstest
from trajectory_cases import GAUSSIAN, MEDIUM, MESH, MODEL, UNLIMITED

import qtraj as qt
from qtraj.solvers.trajectories.ensemble import Ensemble, Streams
from qtraj.solvers.trajectories.estimators import EndPoint, Sample
from qtraj.solvers.trajectories.method import round_sizes
from qtraj.solvers.trajectories.propagators import MeshPropagators, make_propagators
from qtraj.solvers.trajectories.start_ensemble import StartEnsemble
from qtraj.solvers.trajectories.time_grid import graded_time_grid, uniform_time_grid

FALSE_ALARM = 1e-3
BROAD = qt.GaussianState(0, 1.0)
BJORKEN = qt.Bjorken(T0=0.425, tau_fm=0.2, T_end=0.3)


# ------------------------------------------------------------------------------------------------------- streams


@given(
    first=st.integers(0, 10_000),
    size=st.integers(1, 60),
    cut=st.integers(0, 59),
    k=st.integers(0, 5),
)
def test_a_trajectory_finds_its_numbers_in_any_batch(first, size, cut, k):
    whole = Streams(3, 1, first, size).numbers(k)
    cut = min(cut, size - 1)
    part = Streams(3, 1, first + cut, size - cut).numbers(k)
    np.testing.assert_array_equal(whole[cut:], part)


def test_streams_are_uniform_and_differ():
    numbers = np.array([Streams(0, 0, 0, 4096).numbers(k) for k in range(4)])
    assert kstest(numbers.ravel(), "uniform").pvalue > FALSE_ALARM
    correlation = np.corrcoef(
        [*numbers, Streams(1, 0, 0, 4096).numbers(0), Streams(0, 1, 0, 4096).numbers(0)]
    )
    # 15 pairs of 4096 independent numbers: 5 sigma
    assert np.abs(correlation - np.eye(6)).max() < 5 / 64


def test_take_picks_each_trajectorys_own_number():
    streams = Streams(7, 0, 10, 6)
    rows, k = np.array([5, 0, 2]), np.array([1, 0, 3])
    expected = [streams.numbers(b)[a] for a, b in zip(rows, k, strict=True)]
    np.testing.assert_array_equal(streams.take(rows, k), expected)


@given(n=st.integers(2, 20_000), grid=st.sampled_from([MESH, qt.SineGrid(127, 20.0)]))
def test_rounds_add_up_and_can_be_judged(n, grid):
    sizes = round_sizes(qt.QuantumTrajectories(n=n, grid=grid))
    assert sum(sizes) == n
    assert min(sizes) >= 2


# --------------------------------------------------------------------------------------------------------- sample


def test_the_error_of_a_stratified_mean():
    """Scores linear in the stratum plus noise: the error is that of the noise, not of the trend."""
    rng = np.random.default_rng(0)
    n, noise = 1000, 0.1
    means, errors = [], []
    for _ in range(200):
        sample = Sample((1, 6))
        for _ in range(2):
            y = np.linspace(0, 5, n)[None, :, None] + noise * rng.standard_normal((1, n, 6))
            sample.add(y)
        means.append(sample.mean[0])
        errors.append(sample.error[0])
    expected = noise / np.sqrt(2 * n)
    # the trend adds (5/1000)^2/2 to a variance of 0.01: 0.1 %; each error is known to 2 %
    np.testing.assert_allclose(np.mean(errors), expected, rtol=0.01)
    statistic = np.sum(np.var(means, axis=0, ddof=1)) / expected**2 * 199
    assert chi2.isf(1 - FALSE_ALARM / 2, 6 * 199) < statistic < chi2.isf(FALSE_ALARM / 2, 6 * 199)


def test_effective_contributions_and_the_unseen():
    sample = Sample((1, 6))
    scores = np.zeros((1, 100, 6))
    scores[0, :50, 0] = 2.0  # 50 equal contributions
    scores[0, 0, 1] = 7.0  # one
    sample.add(scores)
    np.testing.assert_allclose(sample.effective[0, :3], [50, 1, 0])
    np.testing.assert_allclose(sample.unseen(4.0)[0, :3], [0, 3 / 100 * 4, 3 / 100 * 4])


# ---------------------------------------------------------------------------------------------------------- clock


def test_clocks_meet_the_medium_and_the_check_points():
    for time_grid in (
        graded_time_grid(MODEL, BJORKEN, [0.5, 2.0], 0.3),
        uniform_time_grid(MODEL, BJORKEN, [0.5, 2.0], 0.01),
    ):
        ((start, end),) = BJORKEN.active
        assert {0.0, 0.5, 2.0, start, end} <= set(time_grid.edges)
        np.testing.assert_allclose(np.diff(time_grid.edges), time_grid.lengths, rtol=1e-9, atol=1e-15)
        np.testing.assert_array_equal(time_grid.edges[list(time_grid.marks)], [0.5, 2.0, end])
        middle = (time_grid.edges[1:] + time_grid.edges[:-1]) / 2
        np.testing.assert_array_equal(time_grid.active, (middle > start) & (middle < end))
        # Int T^3 dt of a Bjorken medium is T0^3 tau ln(end/tau)
        T3 = BJORKEN.T0**3 * start * np.log(end / start)
        np.testing.assert_allclose(time_grid.kappa.sum(), 3.0 * T3, rtol=1e-6)
        np.testing.assert_allclose(time_grid.gamma.sum(), -1.75 * T3, rtol=1e-6)


# --------------------------------------------------------------------------------------------- orders of the step


def propagators_of(grid, step, medium=BJORKEN):
    if isinstance(grid, qt.SineGrid):
        time_grid = uniform_time_grid(MODEL, medium, [], step)
    else:
        time_grid = graded_time_grid(MODEL, medium, [], step)
    return make_propagators(MODEL, medium, time_grid, grid, "coulomb", UNLIMITED)


def first_jump_times(grid, step, r0):
    propagators = propagators_of(grid, step)
    if isinstance(propagators, MeshPropagators):
        # all states: an energy cut after every step is a projection that the medium leaves at first order in the step
        propagators.size = grid.points
    ensemble = Ensemble(
        propagators,
        propagators.start(BROAD, 0),
        0,
        r0,
        np.ones(len(r0)),
        Streams(0, 0, 0, len(r0)),
        (EndPoint(propagators, len(r0) + 1),),
        1,
        record=True,
    )
    ensemble.run()
    times = np.full(len(r0), np.nan)
    for jumps in ensemble.jumps:
        times[jumps.trajectory] = jumps.time
    return times


def fitted_order(steps, errors):
    return np.polyfit(np.log(steps), np.log(errors), 1)[0]


def test_jump_times_are_of_second_order_on_the_mesh(measured):
    """Times at which the norm of the state without jumps meets given numbers, against a run of 16 times the steps."""
    r0 = np.linspace(0.7, 0.9, 7)
    steps = np.array([0.4, 0.2, 0.1])
    exact = first_jump_times(MESH, steps[-1] / 16, r0)
    errors = [np.sqrt(np.mean((first_jump_times(MESH, step, r0) - exact) ** 2)) for step in steps]
    measured("order of the time of a jump, mesh", fitted_order(steps, errors), 2, 0.25)
    # the steps are graded, so they are only nearly halved; an algorithm that jumps at the ends of steps has order 1
    assert fitted_order(steps, errors) == pytest.approx(2, abs=0.25)


def test_jump_times_are_of_second_order_on_the_sine_grid(measured):
    r0 = np.linspace(0.7, 0.9, 7)
    grid, steps = qt.SineGrid(255, 20.0), np.array([0.02, 0.01, 0.005])
    exact = first_jump_times(grid, steps[-1] / 8, r0)
    errors = [np.sqrt(np.mean((first_jump_times(grid, step, r0) - exact) ** 2)) for step in steps]
    measured("order of the time of a jump, sine grid", fitted_order(steps, errors), 2, 0.25)
    assert fitted_order(steps, errors) == pytest.approx(2, abs=0.25)


def one_jump(step):
    propagators = propagators_of(MESH, step)
    start_ensemble = StartEnsemble(propagators, qt.GaussianState(0, 0.4, "octet"), 1, "last_jump", 1, 16, 1)
    return start_ensemble.one_jump[-1]


def test_last_jump_scores_are_of_second_order():
    """From the octet, overlaps with P waves after exactly one jump need no sampling: order and Richardson's limit."""
    steps = np.array([0.4, 0.2, 0.1, 0.05])
    values = np.array([one_jump(step)[[2, 4]] for step in steps])  # 1P, 2P
    limit = (4 * values[-1] - values[-2]) / 3
    errors = np.abs(values[:-1] - limit).max(axis=1)
    # at least: with the medium at its place in every step little of the second order is left, 1e-8 of 1e-4
    assert fitted_order(steps[:-1], errors) > 1.75
    assert errors[-1] < 1e-4 * values[-1].min()


def test_one_jump_from_the_octet_is_what_two_level_perturbation_theory_says():
    """In a short, weak medium the score is kappa B_so W Int dt |<nP| r |u(t)>|^2, with vacuum evolution in between."""
    model = qt.LindbladModel(transport=qt.Transport(kappa=1e-3, gamma=0.0))
    duration = 0.02  # fm/c: shorter than any time of motion, so u(t) is the start
    medium = qt.ConstantTemperature(T=0.4, tau_fm=1e-4, duration_fm=duration)
    time_grid = graded_time_grid(model, medium, [], 0.05)
    propagators = make_propagators(model, medium, time_grid, qt.LaguerreMesh(64, 0.12), "coulomb", UNLIMITED)
    start_ensemble = StartEnsemble(propagators, qt.GaussianState(0, 1.0, "octet"), 1, "last_jump", 1, 16, 1)
    start = propagators.start(qt.GaussianState(0, 1.0, "octet"), 1)
    kappa = 1e-3 * 0.4**3 * qt.units.from_fm(duration)
    # octet to singlet 1/8, l = 0 -> 1 always
    expected = kappa / 8 * (propagators.targets[2] @ (propagators.r * start)) ** 2
    # motion during 0.1 GeV^-1 changes the overlap by order (E t)^2 ~ 1e-2
    assert start_ensemble.one_jump[-1][2] == pytest.approx(expected, rel=0.02)


def test_norm_and_weights_of_the_state_without_jumps():
    """Row 0 of a march is H_eff evolution: its overlaps are those of NoJump on the same grid."""
    grid = qt.SineGrid(255, 20.0)
    propagators = propagators_of(grid, 0.02, MEDIUM)
    start_ensemble = StartEnsemble(propagators, GAUSSIAN, 0, "end_point", 1, 16, 1)
    method = qt.NoJump(grid=grid, dt=0.02, projection="coulomb", error_budget=False)
    result = qt.solve(MODEL, MEDIUM, GAUSSIAN, method)
    # the same steps in both; rounding
    assert start_ensemble.overlap[-1][0] == pytest.approx(result.overlap["1S"].value, rel=1e-12)
    assert start_ensemble.norm_range[0] == pytest.approx(result.norm.value, rel=1e-12)
