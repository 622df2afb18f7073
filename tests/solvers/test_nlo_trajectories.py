"""Quantum trajectories beyond leading order: the density matrix, exact branching, adjoints, batches."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.stats import chi2
from trajectory_cases import STARTS, jumped

import qtraj as qt
from qtraj.solvers.basis import basis_size
from qtraj.solvers.trajectories.propagators import NloPropagators, sector_of, squared_norm
from qtraj.solvers.trajectories.time_grid import graded_time_grid
from qtraj.states import STATE_NAMES

TRANSPORT = qt.Transport(kappa=3.0, gamma=-1.75)
MODEL = qt.LindbladModel(transport=TRANSPORT, order="NLO")
MODELS = {
    "NLO": MODEL,
    "NLO, Cornell": qt.LindbladModel(qt.CornellPotential(), TRANSPORT, order="NLO"),
    "twin": qt.LindbladModel(transport=TRANSPORT, order="all", positive=True),
}
MEDIUM = qt.ConstantTemperature(T=0.4, tau_fm=0.6, duration_fm=0.4)
MESH = qt.LaguerreMesh(48, 0.14)
FALSE_ALARM = 1e-3
OCTET_P = int(sector_of(1, 1))


def solved(initial, method, model=MODEL):
    with warnings.catch_warnings():
        # r T of excited states is not small in this hot medium, which is not the question here
        warnings.simplefilter("ignore", qt.AccuracyWarning)
        return qt.solve(model, MEDIUM, initial, method)


@pytest.fixture(scope="module", params=MODELS)
def propagators(request):
    model = MODELS[request.param]
    size, time_grid = basis_size(model, MESH, 8.0), graded_time_grid(model, MEDIUM, [], 0.5)
    return NloPropagators(model, MEDIUM, time_grid, MESH, "coulomb", 14.0, size, filter_energy=4.0)


def random_states(propagators, count=3, seed=0):
    rng = np.random.default_rng(seed)
    size = propagators.targets.shape[1]
    # low states are full of amplitude, as those of a pair are
    envelope = np.exp(-np.arange(size) / 5)
    return envelope * (rng.standard_normal((count, size)) + 1j * rng.standard_normal((count, size)))


def active_step(propagators):
    return int(np.flatnonzero(propagators.time_grid.active)[1])


def pull(name, seed, exact, error, model=MODEL):
    """Return (trajectories - density matrix) / error for the part of the starting state after jumps."""
    method = qt.QuantumTrajectories(n=2048, seed=seed, grid=MESH)
    found, noise = jumped(solved(STARTS[name], method, model))
    i = STATE_NAMES.index(name)
    return (found[i] - exact) / np.hypot(noise[i], error)


@pytest.mark.slow
def test_trajectories_equal_the_density_matrix():
    """Four independent starts, with the error that the density matrix quotes."""
    pulls = []
    for seed, name in enumerate(STARTS):
        exact = solved(STARTS[name], qt.DensityMatrix(rtol=3e-3))
        total = exact.overlap[name]
        pulls.append(pull(name, seed, total.value - exact.no_jump[name].value, total.error))
    assert np.sum(np.square(pulls)) < chi2.isf(FALSE_ALARM, len(pulls)), pulls


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[pytest.mark.slow] if kind != "NLO" else []) for kind in MODELS]
)
def test_trajectories_equal_the_density_matrix_quickly(kind):
    """Three starts, and the density matrix without its budget: it knows these parts after jumps to 1 %."""
    pulls, model = [], MODELS[kind]
    for seed, name in enumerate(("1S", "2S", "1P")):
        exact = solved(STARTS[name], qt.DensityMatrix(error_budget=False), model)
        truth = exact.overlap[name].value - exact.no_jump[name].value
        pulls.append(pull(name, seed, truth, 0.01 * truth, model))
    assert np.sum(np.square(pulls)) < chi2.isf(FALSE_ALARM, len(pulls)), pulls


def test_rates_of_all_channels_add_up_to_the_width(propagators):
    """Sum ||C u||^2 = <Gamma> for any state of the octet P wave, which has all four channels."""
    step, states = active_step(propagators), random_states(propagators)
    kappa = propagators.time_grid.kappa[step]
    rates = [squared_norm(states @ C.T) for C in propagators._jumps(OCTET_P, step)]
    assert len(rates) == 4
    sectors = np.full(len(states), OCTET_P)
    # the temperature is constant, so kappa, kappa/T and kappa/T^2 belong to one T: rounding
    np.testing.assert_allclose(
        kappa * np.sum(rates, axis=0), propagators.decay(states, sectors, step), rtol=1e-10
    )


def test_branching_depends_on_the_state(propagators):
    """Each draw picks channels with the probabilities ||C u||^2: counted over equidistant draws."""
    step, state = active_step(propagators), random_states(propagators, 1)
    n = 2000
    chance = (np.arange(n) + 0.5) / n
    after, target, kept = propagators.jump(np.repeat(state, n, axis=0), np.full(n, OCTET_P), step, chance)
    branches = propagators._branches_of(OCTET_P)
    rates = np.array([squared_norm(state @ C.T)[0] for C in propagators._jumps(OCTET_P, step)])
    counts = [np.sum(target == b.target) for b in branches]
    # equidistant draws miss the probability of an interval by less than one count
    assert np.abs(counts - n * rates / rates.sum()).max() <= 1
    np.testing.assert_allclose(squared_norm(after), 1, rtol=1e-12)
    assert np.all((kept > 0) & (kept <= 1 + 1e-12))


def test_norm_falls_with_the_width(propagators):
    """d ln(norm)/dt at the start of a step is -<Gamma>."""
    step, states = active_step(propagators), random_states(propagators)
    sectors, part = np.full(len(states), OCTET_P), 1e-6
    end = states.copy()
    propagators.advance(end, sectors, step, np.full(len(states), part))
    slope = (squared_norm(states) - squared_norm(end)) / part
    np.testing.assert_allclose(slope, propagators.decay(states, sectors, step), rtol=1e-4)


def test_parts_of_a_step_make_a_step(propagators):
    step, states = active_step(propagators), random_states(propagators)
    sectors = np.full(len(states), OCTET_P)
    whole, parts = states.copy(), states.copy()
    propagators.advance(whole, sectors, step)
    for share in (0.3, 0.7):
        propagators.advance(parts, sectors, step, np.full(len(states), share))
    # eigenvectors of a non-hermitian matrix with a condition number of 1e4
    np.testing.assert_allclose(whole, parts, atol=1e-10)


def test_backward_is_the_adjoint_of_forward(propagators):
    step, u, v = active_step(propagators), random_states(propagators, 1, 1), random_states(propagators, 1, 2)
    forward = u.copy()
    propagators.advance(forward, np.array([OCTET_P]), step)
    back = propagators.step_adjoint(v, OCTET_P, step)
    assert np.vdot(v, forward) == pytest.approx(np.vdot(back, u), rel=1e-10)


def test_pull_back_is_the_adjoint_of_a_jump(propagators):
    """<v| sqrt(rate) C u> = <sqrt(rate) C^+ v|u>, for the channel from the octet P wave to the singlet S wave."""
    (channel,) = (c for c in MODEL.channels if (c.source, c.target, c.delta_l) == ("octet", "singlet", -1))
    targets = [b.target for b in propagators._branches_of(OCTET_P)]
    target = int(sector_of(0, 0))
    u, v = random_states(propagators, 1, 3), random_states(propagators, 1, 4)
    edge = active_step(propagators)
    # the temperature is constant, so the jumps of a step are those at its edge
    C = propagators._jumps(OCTET_P, edge)[targets.index(target)]
    cut = np.exp(-((MESH.r / 14.0) ** 12))
    jumped_state = ((u @ C.T) * cut) @ propagators.vacuum_states(target)
    pulled = propagators.jump_adjoint(v, channel, 1, edge)
    assert np.vdot(v, jumped_state) == pytest.approx(np.vdot(pulled, u), rel=1e-12)


def test_batches_change_nothing():
    settings = {"n": 100, "seed": 3, "grid": MESH, "records": True}
    one, other = (
        solved(STARTS["1S"], qt.QuantumTrajectories(**settings, batch=batch, workers=workers))
        for batch, workers in ((100, 1), (9, 2))
    )
    np.testing.assert_array_equal(one.jumps.trajectory, other.jumps.trajectory)
    np.testing.assert_array_equal(one.jumps.l, other.jumps.l)
    # rounding, times the condition number of the eigenvectors
    np.testing.assert_allclose(one.jumps.time_fm, other.jumps.time_fm, rtol=1e-9)


def test_a_sine_grid_is_refused():
    with pytest.raises(qt.InputError, match="LaguerreMesh"):
        solved(STARTS["1S"], qt.QuantumTrajectories(n=64, grid=qt.SineGrid(255, 30.0)))
