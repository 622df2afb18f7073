"""Splittings as lists of numbers: times add up, integrals are those of the medium, coefficients have their order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import qtraj as qt
from qtraj.solvers.density.kernels import padded_steps
from qtraj.solvers.density.propagate import sequences
from qtraj.solvers.steps import Profile, chin_4b, cut_edges, step_edges, strang

MODEL = qt.LindbladModel()
MEDIUM = qt.Bjorken(0.425, 0.6, 0.25)
REHEATED = qt.TabulatedTemperature([0.6, 1.0, 1.5, 2.0, 3.0], [0.4, 0.2, 0.2, 0.35, 0.2], T_end=0.25)


def whole(medium, splitting, step=0.3, model=MODEL):
    return sequences(Profile(model, medium), [], splitting, step).main[0]


@pytest.mark.parametrize("splitting", [strang, chin_4b])
@pytest.mark.parametrize("medium", [MEDIUM, REHEATED], ids=["one interval", "two intervals"])
def test_vacuum_times_add_up_to_the_end_of_the_medium(splitting, medium):
    steps = whole(medium, splitting)
    assert_allclose(steps.vacuum.sum(), medium.active[-1][1], rtol=1e-13)
    assert np.all(steps.vacuum >= 0)  # a forward splitting: damping is never undone
    assert len(steps.vacuum) == steps.steps + 1


def test_the_cold_gap_is_vacuum():
    (_, first_end), (second_start, _) = REHEATED.active
    for splitting in (strang, chin_4b):
        steps = whole(REHEATED, splitting)
        gap = steps.vacuum.max()  # longer than the gap by what lies between it and the medium steps around it
        assert second_start - first_end < gap < second_start - first_end + 0.6


def test_strang_integrates_kappa_exactly_enough():
    # Bjorken: Int T^3 dt = T0^3 tau ln(end/start) = 3 T0^3 tau ln(T0/T_end)
    model = qt.LindbladModel(transport=qt.Transport(kappa=2.0, gamma=-1.5))
    steps = whole(MEDIUM, strang, model=model)
    start = MEDIUM.active[0][0]
    exact = 3 * 0.425**3 * start * np.log(0.425 / 0.25)
    # three-point Gauss-Legendre: order 6 in a step of 0.1 of the time that has passed
    assert_allclose(steps.kappa.sum(), 2.0 * exact, rtol=1e-8)
    assert_allclose(steps.phases.sum(), -1.5 * exact, rtol=1e-8)


@pytest.mark.parametrize("splitting", [strang, chin_4b])
@pytest.mark.parametrize("where", [0.03, 0.25, 0.5, 0.77, 0.99])
def test_a_hot_spot_finer_than_any_step_is_met_where_it_is(splitting, where):
    """All of the medium in 1e-3 of a step: its whole kappa acts at its place, and nothing elsewhere."""
    model = qt.LindbladModel(transport=qt.Transport(kappa=2.0, gamma=-1.5))

    class Spot:
        active = ((3.0, 4.0),)
        knots = (3.0 + where - 5e-4, 3.0 + where + 5e-4)

        def temperature(self, t):
            return np.where(np.abs(t - 3.0 - where) < 5e-4, 1.0, 1e-3)

    steps = splitting(Profile(model, Spot()), [np.array([3.0, 4.0])], 0.0, 4.0)
    times = np.cumsum(steps.vacuum)[:-1]
    assert_allclose(
        steps.kappa[:, 0].sum(), 2.0 * 1e-3, rtol=1e-3
    )  # the gradient correction, of kappa gamma dt^3/M
    assert_allclose(times @ steps.kappa[:, 0] / steps.kappa[:, 0].sum(), 3.0 + where, atol=1e-3)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(3, 60), st.floats(0.02, 0.4), st.floats(0.1, 3.0))
def test_steps_have_the_integral_and_the_center_of_any_table(seed, points, spacing, step):
    """However jagged a table, the steps of any length have the kappa and gamma of its interpolant, and their times."""
    rng = np.random.default_rng(seed)
    tau = 0.6 + np.concatenate([[0.0], np.cumsum(spacing * rng.uniform(0.3, 1.7, points))])
    table = qt.TabulatedTemperature(tau, np.append(rng.uniform(0.2, 0.6, points), 0.19), 0.19)
    ((start, end),) = table.active
    model = qt.LindbladModel(transport=qt.Transport(kappa=2.0, gamma=lambda T: -1.0 - T))
    x, w = np.polynomial.legendre.leggauss(20)
    exact = np.zeros((2, 2))  # zeroth and first moment of kappa and gamma, by another quadrature
    for a, b in zip(table.knots[:-1], table.knots[1:], strict=True):
        t = (a + b) / 2 + (b - a) / 2 * x
        for row, values in enumerate(model.transport.at(table.temperature(t))):
            exact[row] += (b - a) / 2 * np.array([w @ values, w @ (values * t)])
    for splitting in (strang, chin_4b):
        # heavy quarks: the gradient correction, of second order in the coefficients, vanishes
        heavy = qt.LindbladModel(transport=model.transport, mass=10.0)
        steps = whole(table, splitting, step, heavy)
        times, kappa = np.cumsum(steps.vacuum)[:-1], steps.kappa.mean(axis=1)
        tolerance = 1e-6 if splitting is strang else 0.05
        assert_allclose(kappa.sum(), exact[0, 0], rtol=tolerance)
        assert_allclose(steps.phases.mean(axis=1).sum(), exact[1, 0], rtol=tolerance)
        # the centers of kappa and gamma differ a little, and a step has one for both
        assert_allclose(times @ kappa / kappa.sum(), exact[0, 1] / exact[0, 0], rtol=2e-3)
        assert start <= times[0]
        assert times[-1] <= end


def test_knots_that_say_nothing_change_nothing():
    """The same function with more knots: the integrals of any steps are the same to the tolerance of the profile."""
    table = qt.TabulatedTemperature([0.6, 0.8, 0.9, 1.3, 2.0], [0.4, 0.3, 0.45, 0.3, 0.2], T_end=0.25)

    class Knotted:
        active, temperature = table.active, staticmethod(table.temperature)
        knots = np.sort(np.concatenate([table.knots, np.linspace(3.1, 9.0, 57)]))

    edges = np.linspace(3.0, 10.0, 12)
    plain, knotted = (Profile(MODEL, h).legendre_of(edges) for h in (table, Knotted()))
    assert_allclose(knotted, plain, atol=1e-6 * np.abs(plain).max())


def test_a_coefficient_that_jumps_with_temperature_is_integrated():
    """kappa = 2 above 300 MeV and nothing below: the Bjorken medium has it until T = 300 MeV, within any step."""
    model = qt.LindbladModel(transport=qt.Transport(kappa=lambda T: np.where(T > 0.3, 2.0, 0.0), gamma=0.0))
    start = MEDIUM.active[0][0]
    exact = 2.0 * 3 * 0.425**3 * start * np.log(0.425 / 0.3)
    for step in (0.2, 1.4):
        # pieces are halved down to 1e-6 of the interval
        assert_allclose(whole(MEDIUM, strang, step, model).kappa.sum(), exact, rtol=1e-5)


def test_coefficients_that_oscillate_without_end_are_refused():
    model = qt.LindbladModel(transport=qt.Transport(kappa=lambda T: 1 + np.sin(1e9 * T) ** 2, gamma=0.0))
    with pytest.raises(qt.InputError, match="average them"):
        Profile(model, MEDIUM)


def test_the_kicks_of_a_constant_medium_are_those_of_algorithm_4b():
    # times (1 -+ 1/sqrt(3))/2, weights dt/2, and V + (2 - sqrt(3))/24 dt^2 [V, [T, V]] in the place of V = W r^2, with
    # [V, [T, V]] = -(8/M) W^2 r^2: S. A. Chin, Phys. Lett. A 226 (1997) 344
    kappa, gamma, dt = 1.3, -0.9, 0.25
    model = qt.LindbladModel(transport=qt.Transport(kappa=kappa, gamma=gamma))
    medium = qt.ConstantTemperature(0.4, 0.6, 2.0)
    edges = medium.active[0][0] + dt * np.arange(3)
    steps = chin_4b(Profile(model, medium), [edges], 0.0, float(edges[-1]))
    places = (np.cumsum(steps.vacuum)[:-1] - edges[0]) / dt
    assert_allclose(places, np.array([1 - 3**-0.5, 1 + 3**-0.5, 3 - 3**-0.5, 3 + 3**-0.5]) / 2, rtol=1e-10)
    for color, g in enumerate(model.widths):
        W = g * 0.4**3 * (gamma - 1j * kappa) / 2
        corrected = W - dt**2 * (2 - 3**0.5) / 24 * 8 / model.mass * W**2
        found = g * (steps.phases[:, color, 0] - 1j * steps.kappa[:, color]) / 2
        assert_allclose(found, dt / 2 * corrected, rtol=1e-10)


def test_looking_changes_no_step():
    points = [1.0, 4.0, 4.01, 8.0, 30.0]  # before, inside, twice in a step, and after the medium
    plain = whole(MEDIUM, strang, 0.2)
    plan = sequences(Profile(MODEL, MEDIUM), points, strang, 0.2)
    # the kicks of the main line are those of the run in which nobody looks, bit by bit
    assert np.array_equal(np.concatenate([s.kappa for s in plan.main]), plain.kappa)
    now = 0.0
    for time, main, side in zip([*points, 30.0], plan.main, plan.side, strict=True):
        now += main.vacuum.sum()
        assert_allclose(now + (0.0 if side is None else side.vacuum.sum()), time, rtol=1e-12)
        assert side is None or side.steps == 1
    assert [side is None for side in plan.side] == [True, False, False, False, True, True]


@settings(max_examples=50)
@given(st.floats(0.02, 3.0), st.floats(0.27, 0.6))
def test_edges_cover_each_interval_and_halve(step, T0):
    medium = qt.Bjorken(T0, 0.6, 0.25)
    (edges,) = step_edges(Profile(MODEL, medium), step)
    ((start, end),) = medium.active
    assert edges[0] == start
    assert edges[-1] == end
    assert np.all(np.diff(edges) > 0)
    (coarse,), (fine,) = (cut_edges(Profile(MODEL, medium), step, halvings) for halvings in (-1, 1))
    assert len(fine) - 1 == 2 * (len(edges) - 1) == 4 * (len(coarse) - 1)
    assert np.array_equal(fine[::2], edges)
    assert np.array_equal(edges[::2], coarse)


def test_smaller_steps_where_the_medium_is_strong():
    (edges,) = step_edges(Profile(MODEL, MEDIUM), 0.05)
    steps = np.diff(edges)
    assert np.all(np.diff(steps) > -1e-12)  # it cools, so steps grow
    # (0.3 + 0.7 strength/0.12 GeV^3)/step, strength |gamma| + kappa: nearly exact at the ends of the interval
    strength = np.sum(np.abs(MODEL.transport.at(np.array([0.425, 0.25]))), axis=0)
    assert_allclose(
        steps[[0, -1]], 0.05 / (0.3 + 0.7 * strength / 0.12), rtol=0.03
    )  # within 1/65 of the interval


def test_padding_adds_steps_that_do_nothing():
    short, long = whole(qt.Bjorken(0.3, 0.6, 0.25), strang), whole(MEDIUM, strang)
    both, count = padded_steps([short, long], 0, np.zeros(0))
    assert count == long.steps
    for i, steps in enumerate((short, long)):
        n = steps.steps
        assert_array_equal(both.vacuum[: n + 1, i], steps.vacuum)
        assert_array_equal(both.terms[:n, :, i], steps.terms[:, 0])
        assert_array_equal(both.phases[:n, :, i], steps.phases[:, 0])
        for array, length in ((both.vacuum, n + 1), (both.terms, n), (both.phases, n)):
            assert not np.any(array[length:, ..., i])


@pytest.mark.parametrize("splitting", [strang, chin_4b])
def test_a_cold_history_has_no_steps(splitting):
    cold = qt.TabulatedTemperature([0.6, 1.0], [0.2, 0.1], 0.25, allow_cold=True)
    steps = whole(cold, splitting)
    assert steps.steps == 0
    assert_allclose(steps.vacuum, [0.0])
