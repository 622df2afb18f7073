"""Splittings as lists of numbers: times add up, integrals are those of the medium, coefficients have their order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import qtraj as qt
from qtraj.solvers.propagate import sequences
from qtraj.solvers.schedule import chin_4a, coarsened, pad, step_edges, strang

MODEL = qt.LindbladModel()
MEDIUM = qt.Bjorken(0.425, 0.6, 0.25)
REHEATED = qt.TabulatedTemperature([0.6, 1.0, 1.5, 2.0, 3.0], [0.4, 0.2, 0.2, 0.35, 0.2], T_end=0.25)


def whole(medium, splitting, step=0.3, model=MODEL):
    (steps,) = sequences(model, medium, [], splitting, step, coarse=False)
    return steps


@pytest.mark.parametrize("splitting", [strang, chin_4a])
@pytest.mark.parametrize("medium", [MEDIUM, REHEATED], ids=["one interval", "two intervals"])
def test_vacuum_times_add_up_to_the_end_of_the_medium(splitting, medium):
    steps = whole(medium, splitting)
    assert_allclose(steps.vacuum.sum(), medium.active[-1][1], rtol=1e-13)
    assert np.all(steps.vacuum >= 0)  # a forward splitting: damping is never undone
    assert len(steps.vacuum) == steps.steps + 1


def test_the_cold_gap_is_vacuum():
    (_, first_end), (second_start, _) = REHEATED.active
    steps = whole(REHEATED, chin_4a)
    # in this splitting a medium step sits at the end of an interval, so the gap is one vacuum time
    assert np.min(np.abs(steps.vacuum - (second_start - first_end))) < 1e-12


def test_strang_integrates_kappa_exactly_enough():
    # Bjorken: Int T^3 dt = T0^3 tau ln(end/start) = 3 T0^3 tau ln(T0/T_end)
    model = qt.LindbladModel(transport=qt.Transport(kappa=2.0, gamma=-1.5))
    steps = whole(MEDIUM, strang, model=model)
    start = MEDIUM.active[0][0]
    exact = 3 * 0.425**3 * start * np.log(0.425 / 0.25)
    # three-point Gauss-Legendre: order 6 in a step of 0.1 of the time that has passed
    assert_allclose(steps.kappa.sum(), 2.0 * exact, rtol=1e-8)
    assert_allclose(steps.gamma.sum(), -1.5 * exact, rtol=1e-8)


def test_chin_integrates_by_simpson_with_weak_coefficients():
    # the gradient correction is of second order in kappa and gamma, Simpson's rule is left
    model = qt.LindbladModel(transport=qt.Transport(kappa=1e-9, gamma=0.0))
    start = MEDIUM.active[0][0]
    exact = 1e-9 * 3 * 0.425**3 * start * np.log(0.425 / 0.25)
    errors = []
    for count in (16, 32, 64):
        edges = np.linspace(*MEDIUM.active[0], count + 1)
        steps = chin_4a(model, MEDIUM, [edges], 0.0, float(edges[-1]))
        errors.append(abs(steps.kappa[:, 0].sum() / exact - 1))
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert_allclose(orders, 4, atol=0.1)  # the next term of Simpson's error is of order 6


def test_gradient_correction_is_that_of_the_double_commutator():
    # W~ = W - (dt^2/48) (8/M) W^2 for W = g (gamma - i kappa)/2, and the step weighs it with 2/3
    kappa, gamma, dt = 1.3, -0.9, 0.25
    model = qt.LindbladModel(transport=qt.Transport(kappa=kappa, gamma=gamma))
    medium = qt.ConstantTemperature(0.4, 0.6, 2.0)
    edges = medium.active[0][0] + dt * np.arange(3)
    steps = chin_4a(model, medium, [edges], 0.0, float(edges[-1]))
    for color, g in enumerate(model.widths):
        W = g * 0.4**3 * (gamma - 1j * kappa) / 2
        corrected = W - dt**2 / 48 * 8 / model.mass * W**2
        found = g * (steps.gamma[1, color] - 1j * steps.kappa[1, color]) / 2
        assert_allclose(found, dt * 2 / 3 * corrected, rtol=1e-13)
        # the outer weights carry no correction: dt/6, twice that between two steps
        outer = steps.kappa[[0, 2, 4], color]
        assert_allclose(outer, kappa * 0.4**3 * dt * np.array([1, 2, 1]) / 6, rtol=1e-13)


def test_check_points_cut_without_changing_the_total():
    points = [1.0, 4.0, 8.0, 30.0]  # before, inside and after the medium
    segments = sequences(MODEL, MEDIUM, points, strang, 0.2, coarse=False)
    assert_allclose([s.vacuum.sum() for s in segments], np.diff([0.0, *points, 30.0]), atol=1e-12)
    total = sum(s.kappa.sum() for s in segments)
    assert_allclose(total, whole(MEDIUM, strang, 0.2).kappa.sum(), rtol=1e-8)  # Gauss-Legendre again


@settings(max_examples=50)
@given(st.floats(0.02, 3.0), st.floats(0.27, 0.6))
def test_edges_cover_each_interval_and_halve(step, T0):
    medium = qt.Bjorken(T0, 0.6, 0.25)
    (edges,) = step_edges(MODEL, medium, 0.0, np.inf, step)
    ((start, end),) = medium.active
    assert edges[0] == start
    assert edges[-1] == end
    assert np.all(np.diff(edges) > 0)
    (coarse,) = coarsened([edges])
    assert len(edges) - 1 == 2 * (len(coarse) - 1)
    assert coarse[-1] == end


def test_smaller_steps_where_the_medium_is_strong():
    (edges,) = step_edges(MODEL, MEDIUM, 0.0, np.inf, 0.05)
    steps = np.diff(edges)
    assert np.all(np.diff(steps) > -1e-12)  # it cools, so steps grow
    # (0.3 + 0.7 strength/0.12 GeV^3)/step, strength |gamma| + kappa: nearly exact at the ends of the interval
    strength = np.sum(np.abs(MODEL.transport.at(np.array([0.425, 0.25]))), axis=0)
    assert_allclose(
        steps[[0, -1]], 0.05 / (0.3 + 0.7 * strength / 0.12), rtol=0.03
    )  # within 1/65 of the interval


def test_padding_adds_steps_that_do_nothing():
    short, long = whole(qt.Bjorken(0.3, 0.6, 0.25), strang), whole(MEDIUM, strang)
    both = pad([short, long])
    assert both.steps == long.steps
    assert_allclose(both.vacuum[0, : short.steps + 1], short.vacuum, rtol=0)
    assert np.all(both.vacuum[0, short.steps + 1 :] == 0)
    assert np.all(both.kappa[0, short.steps :] == 0)
    assert np.all(both.gamma[0, short.steps :] == 0)
    assert_allclose(both.kappa[1], long.kappa, rtol=0)


@pytest.mark.parametrize("splitting", [strang, chin_4a])
def test_a_cold_history_has_no_steps(splitting):
    cold = qt.TabulatedTemperature([0.6, 1.0], [0.2, 0.1], 0.25, allow_cold=True)
    steps = whole(cold, splitting)
    assert steps.steps == 0
    assert_allclose(steps.vacuum, [0.0])
