"""The NLO density matrix: equation, exponential, conservation, positivity, limits, order in the step."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import qutip
from density_reference import evolved_by, random_state
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from nlo_reference import MEDIUM, MODEL, START, Space, lindblad, start_blocks
from scipy.integrate import solve_ivp
from scipy.linalg import expm

import qtraj as qt
from qtraj.physics.channels import recoiling_channels
from qtraj.solvers.basis import make_basis
from qtraj.solvers.density import method as density_method
from qtraj.solvers.density.kernels import density_sector, double_precision, evolve_density, padded_steps
from qtraj.solvers.density.propagate import propagate_density, propagate_state, sequences
from qtraj.solvers.jumps.local import NEAR_ZERO, LocalGenerator, exponential
from qtraj.solvers.jumps.soft import (
    LARGEST,
    LARGEST_OF_FOUR,
    SERIES,
    density_exponential,
    pieces,
    soft_generator,
    state_exponential,
)
from qtraj.solvers.steps import Profile, Steps, strang
from qtraj.states import STATE_NAMES

SMALL = qt.LaguerreMesh(6, 0.5)
"""Its highest states lie at hundreds of GeV, so steps must be short."""
FAR = 1e6
"""A jump range that no mesh reaches."""


def constant_steps(duration, kappa, gamma, T, count=16, *, powers=3):
    """Return `count` equal steps of a medium with constant coefficients in GeV^3."""
    dt = duration / count
    each = kappa * dt / T ** np.arange(powers)
    vacuum, before = np.full(count + 1, dt), np.full(count + 1, dt / 2)
    vacuum[[0, -1]] /= 2
    before[0] = 0
    soft = np.repeat(each[None], count + 1, axis=0)
    soft[[0, -1]] /= 2
    return Steps(
        vacuum,
        np.repeat(each[None, None], count, axis=0),
        np.full((count, 1, 1), gamma * dt),
        soft[:, : 0 if powers == 1 else powers],
        before,
    )


def evolved(model, basis, rho, steps, jump_range=FAR):
    """Return (rho, lost) after some steps, rho (2, M, K, K) in the vacuum states."""
    found, lost = evolved_by(*density_sector(model, basis, jump_range), rho, steps)
    return found, lost.sum()


def extrapolated(run, counts):
    """Return what a second-order run finds, its errors in h^2, h^4 ... removed by Romberg's scheme (counts double)."""
    rows = [run(count) for count in counts]
    for order in range(1, len(rows)):
        rows = [
            tuple((4**order * f - c) / (4**order - 1) for f, c in zip(fine, coarse, strict=True))
            for coarse, fine in pairwise(rows)
        ]
    return rows[0]


COUNTS = (512, 1024, 2048)
"""The highest states of the small mesh turn by 0.3 rad in the longest of these steps: what Romberg leaves is below
1e-8 (its last correction is 1e-7)."""


@pytest.mark.parametrize(("l_max", "l", "singlet"), [(1, 0, 1.0), (1, 1, 0.3), (2, 0, 0.0)])
def test_whole_density_matrix_equals_an_integration_of_the_equation(l_max, l, singlet):
    T, duration = 0.4, 0.5
    kappa, gamma = (float(x) for x in MODEL.transport.at(T))
    space, blocks = Space(SMALL, l_max), start_blocks(SMALL, l, singlet, l_max)
    H, jumps = space.hamiltonian(kappa, gamma, T), space.jumps(kappa, T)
    shape = (space.dimension, space.dimension)
    answer = solve_ivp(
        lambda t, y: lindblad(H, jumps, y.reshape(shape)).ravel(),
        (0, duration),
        space.state(blocks).ravel(),
        method="DOP853",
        rtol=1e-9,
        atol=1e-11,
    )
    theirs = answer.y[:, -1].reshape(shape)
    found, lost = at_the_points(l_max, blocks, duration, kappa, gamma, T)
    # DOP853 keeps 1e-9 in each of some hundred steps
    assert found == pytest.approx(space.blocks(theirs), abs=1e-7)
    assert lost == pytest.approx(space.lost(theirs), abs=1e-7)
    # the comparison is about something: both colors are populated, and rho is not real
    assert np.trace(found, axis1=-2, axis2=-1).real.sum(axis=1).min() > 1e-3
    assert np.abs(found.imag).max() > 1e-2


def at_the_points(l_max, blocks, duration, kappa, gamma, T):
    """Return (rho, lost) of the kernel, rho at the points of the small mesh."""
    basis = make_basis(MODEL, SMALL, l_max, SMALL.points)
    V, back = basis.vectors, basis.vectors.swapaxes(-1, -2)

    def run(count):
        steps = constant_steps(duration, kappa, gamma, T, count)
        return evolved(MODEL, basis, back @ blocks @ V, steps)

    found, lost = extrapolated(run, COUNTS)
    return V @ found @ back, lost


def test_whole_density_matrix_equals_qutip(measured):
    T, duration, l_max = 0.3, 1.0, 1
    kappa, gamma = (float(x) for x in MODEL.transport.at(T))
    space, blocks = Space(SMALL, l_max), start_blocks(SMALL, 0, 0.6, l_max)
    result = qutip.mesolve(
        qutip.Qobj(space.hamiltonian(kappa, gamma, T)).to("csr"),
        qutip.Qobj(space.state(blocks)).to("csr"),
        [0, duration],
        [qutip.Qobj(C).to("csr") for C in space.jumps(kappa, T)],
        options={"method": "vern9", "atol": 1e-12, "rtol": 1e-11, "nsteps": 100_000, "progress_bar": ""},
    )
    theirs = result.states[-1].full()
    found, lost = at_the_points(l_max, blocks, duration, kappa, gamma, T)
    measured(
        "largest difference of an element of rho at NLO", np.abs(found - space.blocks(theirs)).max(), 0, 1e-8
    )
    # mesolve converges below 1e-9 at these tolerances
    assert found == pytest.approx(space.blocks(theirs), abs=1e-8)
    assert lost == pytest.approx(space.lost(theirs), abs=1e-8)


def test_at_infinite_temperature_the_next_order_is_the_leading_order():
    # S/T and the friction vanish: the same map as that of the LO channels, whose kernel takes another closed form
    basis = make_basis(MODEL, SMALL, 2, SMALL.points)
    leading = qt.LindbladModel(MODEL.potential, MODEL.transport)
    rho = start_blocks(SMALL, 0, 0.5, 2)
    expected, expected_lost = evolved(leading, basis, rho, constant_steps(3.0, 0.05, -0.1, 0.3, 64, powers=1))

    def at(T):
        return evolved(MODEL, basis, rho, constant_steps(3.0, 0.05, -0.1, T, 64))

    hot, lost = at(1e9)
    assert hot == pytest.approx(expected, abs=1e-8)
    assert lost == pytest.approx(expected_lost, abs=1e-8)
    # and the correction falls as 1/T
    off = [at(T)[0] - expected for T in (200.0, 400.0)]
    assert np.linalg.norm(off[0]) / np.linalg.norm(off[1]) == pytest.approx(2, rel=0.05)


def with_channels(recoil):
    """Return a leading-order model whose jumps know the change of the potential, and recoil as told."""
    model = qt.LindbladModel()
    channels = [replace(c, recoil=recoil) for c in recoiling_channels(model.mass, -0.25)]
    object.__setattr__(model, "channels", tuple(channels))
    return model


@pytest.mark.parametrize(
    "method", [qt.NoJump(error_budget=False), qt.DensityMatrix(0.003, error_budget=False)]
)
def test_jumps_without_recoil_are_the_limit_of_jumps_with_little(method):
    """The first have no soft part at all; both go through the same steps, with a look on the way."""
    static, almost = with_channels(0.0), with_channels(1e-9)
    assert static.is_local
    assert not almost.is_local
    if isinstance(method, qt.DensityMatrix):
        method = replace(method, mesh=qt.LaguerreMesh(48, 0.14), l_max=2, step=1.4)
    short = qt.Bjorken(0.35, 0.6, 0.25)
    one, other = (qt.solve(m, short, START, method, times_fm=[1.0]) for m in (static, almost))
    for name in ("1S", "2S", "3S"):
        # states, grading of steps and saturation of r depend on whether there is a soft part: tolerances of both
        assert other.survival[name].value == pytest.approx(one.survival[name].value, rel=2e-3)
        assert other.survival_at[name].value[0] == pytest.approx(one.survival_at[name].value[0], rel=2e-3)
    assert one.survival["1S"].value > qt.solve(qt.LindbladModel(), short, START, method).survival["1S"].value


def test_exponentials_of_long_steps_damp_and_are_of_third_order():
    """The highest states decay fastest: in no step may they grow, however long, and low ones keep their decay."""
    norm = np.linspace(0.01, 25.0, 1000)
    number, fourth = pieces(norm[:, None], np.ones(1))
    with double_precision():
        start = np.ones((len(norm), 1))
        after = state_exponential(-np.ones((1, 1, 1)), norm[None], number, fourth, start)
    found, x = np.asarray(after).real[:, 0], norm / number
    assert np.all(np.abs(found) < 1)
    # what is left is at most the fourth term of the series, x^4/4!, of each piece
    assert np.all(np.abs(found - np.exp(-norm)) <= number * x**4 / 24)
    # a fourth term costs less than another piece of three
    assert set(fourth[norm < LARGEST]) == {0.0}
    assert np.all(number == np.ceil(norm / LARGEST_OF_FOUR))


@settings(max_examples=100, deadline=None)
@given(
    st.floats(-3, 0), st.floats(-3, 3), st.floats(-1, 1), st.floats(-1, 1), st.sampled_from([0.01, 0.3, 1.0])
)
def test_local_exponential_is_that_of_the_color_matrix(mean, half, so, os, size):
    # K_so K_os < 0 occurs near the origin, where the square of the eigenvalues' difference may be negative
    so, os, half = size * so, size * os, size * half
    # larger rotations within a step do not occur: |a|/T is below 2 GeV^-1, kappa dt below 0.3 GeV^2
    assume(half**2 + so * os >= -NEAR_ZERO)
    K = np.array([[mean + half, so], [os, mean - half]])
    one = np.ones((3, 1, 1, 1)) * np.array([1.0, 0, 0])[:, None, None, None]
    local = LocalGenerator(None, *(x * one for x in (mean, half, so, os)))
    with double_precision():
        found = exponential(local, np.array([[1.0], [5.0], [7.0]]), jnp.full((1, 1, 1, 1), 0.3), -0.8)
    expected = expm(K) @ [0.3, -0.8]
    # the series of eight terms ends below 1e-14 of its largest value
    assert [float(np.ravel(x)[0]) for x in found] == pytest.approx(expected, rel=1e-12, abs=1e-14)


def test_soft_exponential_is_of_the_order_of_its_series_and_takes_pieces_where_it_is_large():
    basis = make_basis(MODEL, qt.LaguerreMesh(20, 0.25), 2, 8)
    soft = soft_generator(MODEL, basis, 12.0)
    rho = random_state(np.random.default_rng(3), 2, 8)
    X = [(block.real + block.imag)[:, None] for block in rho]

    def after(kappa, number=1):
        with double_precision():
            terms = kappa / 0.25 ** np.arange(3)[:, None]
            return np.stack(density_exponential(soft, terms, np.array([number]), np.zeros(1), X))

    def errors(kappa):
        exact = after(kappa, 64)  # error 64^-3 of one piece
        return [np.linalg.norm(after(kappa, n) - exact) for n in (1, 2)]

    (one, _), (half, _) = errors(0.02), errors(0.01)
    assert one / half == pytest.approx(2 ** (SERIES + 1), rel=0.1)
    one, two = errors(0.02)
    assert one / two == pytest.approx(2**SERIES, rel=0.1)


@pytest.fixture(scope="module")
def baseline():
    return qt.solve(MODEL, MEDIUM, START, qt.DensityMatrix(diagnostics=True))


BASELINE = {"1S": 0.597362, "2S": 0.051862, "3S": 0.038108}
"""Our own with rtol 1e-4: finer in mesh, l_max and step than the default; error 7e-5 (1S) to 4e-4 (3S), its budget."""


@pytest.mark.parametrize("name", BASELINE)
def test_baseline_by_the_default_method(baseline, name):
    found, expected = baseline.survival[name], BASELINE[name]
    assert found.value == pytest.approx(expected, rel=1e-3)  # what rtol promises
    assert abs(found.value - expected) <= found.error + 4e-4 * expected
    assert found.error <= 1e-3 * expected + 2e-5  # rtol and atol
    assert set(found.parts) == {"time_step", "mesh", "l_max"}


def test_trace_and_what_was_lost_add_to_one(baseline):
    d = baseline.diagnostics
    assert d["trace"] + d["lost"].sum() == pytest.approx(1, abs=1e-10)
    assert d["population"].min() > 0
    assert 0 < d["purity"] < 1
    assert {"energy_over_T", "r_times_T"} <= set(d)


def test_no_jump_part_is_that_of_the_no_jump_method(baseline):
    alone = qt.solve(MODEL, MEDIUM, START, qt.NoJump())
    for name in STATE_NAMES:
        assert baseline.overlap_no_jump[name].value == alone.overlap[name].value
        assert baseline.overlap[name].value >= baseline.overlap_no_jump[name].value
    for name in ("1S", "2S", "3S"):
        assert baseline.no_jump[name].value == alone.survival[name].value
        assert baseline.regeneration[name].value >= 0


CHEAP = qt.LaguerreMesh(30, 0.2)


def run(model, media, step, *, l_max=2, mesh=CHEAP, jump_range=12.0, size=24):
    basis = make_basis(model, mesh, l_max, size)
    plans = [sequences(Profile(model, h), [], strang, step) for h in media]
    return propagate_density(
        basis, model, START, plans, jump_range=jump_range, filter_energy=4.0, diagnostics=True
    )


def test_what_no_channel_takes_away_stays():
    # without a limit to the range trace leaves through l_max, and to states above the basis
    short = qt.Bjorken(0.3, 0.6, 0.29)
    few = run(MODEL, [short], 0.5, l_max=2, mesh=qt.LaguerreMesh(20, 0.25), jump_range=FAR, size=12)
    many = run(MODEL, [short], 0.5, l_max=8, mesh=qt.LaguerreMesh(20, 0.25), jump_range=FAR, size=12)
    assert few.lost[0, 0] > 1.3 * many.lost[0, 0] > 0
    assert many.lost[0, 0] < 2e-5  # of the trace: jumps to states above the twelve kept
    for found in (few, many):
        assert found.population.sum() + found.lost.sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(
    ("kappa", "gamma", "T_end"), [("central", -1.75, 0.25), (4.0, 0.0, 0.19), ("upper", -3.5, 0.25)]
)
def test_rho_stays_positive_but_for_the_splitting(kappa, gamma, T_end):
    """The equation is completely positive; its soft part alone is not, so a step is to its own error only."""
    model = qt.LindbladModel(transport=qt.Transport(kappa, gamma), order="NLO")
    basis = make_basis(model, CHEAP, 2, 24)
    rho = np.zeros((2, 3, 24, 24))
    rho[0, 0, 5, 5] = 1.0
    history = qt.Bjorken(0.425, 0.6, T_end)
    smallest = []
    for step in (1.0, 0.5, 0.25):
        (whole,) = sequences(Profile(model, history), [], strang, step).main
        found, lost = evolved(model, basis, rho, whole, 12.0)
        smallest.append(np.linalg.eigvalsh(found).min())
        assert np.trace(found, axis1=-2, axis2=-1).real.sum() + lost == pytest.approx(1, abs=1e-10)
    assert smallest[0] > -1e-4
    # of second order, until only rounding is left
    assert smallest[2] > smallest[0] / 10 - 1e-12


@cache
def regenerated(step, *, halvings=0):
    basis = make_basis(MODEL, CHEAP, 2, 24)
    plans = [sequences(Profile(MODEL, MEDIUM), [], strang, step, halvings=halvings)]
    full = propagate_density(basis, MODEL, START, plans, jump_range=12.0, filter_energy=4.0)
    alone = propagate_state(basis, MODEL, START, plans, jump_range=12.0, filter_energy=4.0)
    return full.overlap[0, -1, [0, 1, 3]] - alone.overlap[0, -1, [0, 1, 3]], full.overlap[0, -1, [0, 1, 3]]


def test_order_in_the_step():
    runs = [regenerated(step) for step in (0.4, 0.2, 0.1, 0.025)]
    value, total = runs[-1]
    errors = np.abs(np.array([r for r, _ in runs[:-1]]) - value)
    # second order: over two halvings a factor of 16, a little less as the shortest step has 1/16 of the second's error
    assert np.all(errors[0] / errors[2] > 11)
    # what is left at 0.4 GeV^-1 (30 steps): 2e-6 of the 1S, 2e-4 of the others
    assert np.all(errors[0] / total < [1e-5, 5e-4, 5e-4])


@pytest.mark.parametrize(("step", "left"), [(1.0, 0.65), (0.7, 1 / 3), (0.5, 1 / 3), (0.35, 0.5)])
def test_the_run_with_twice_the_step_takes_away_most_of_the_error(step, left):
    (fine, total), (coarse, _) = regenerated(step), regenerated(step, halvings=-1)
    value, _ = regenerated(0.025)
    found = density_method.extrapolated(fine, coarse, MODEL)
    before, after = (np.abs(each - value)[1:] for each in (fine, found))  # of 2S and 3S
    # of an error of second order a fourth is left; 12 steps are not there yet, and the 3S of 32 is below it
    assert np.all(after <= left * before), (before / total[1:], after / total[1:])
    # what is quoted contains it, whatever the step, with the largest difference of both states
    quoted = density_method.step_share(16, MODEL, 2) * np.abs(fine - coarse)[1:] / total[1:]
    assert np.all(after / total[1:] <= quoted.max())


@pytest.mark.parametrize("model", [qt.LindbladModel(), qt.LindbladModel(order="all")], ids=["LO", "all"])
def test_only_next_to_leading_order_is_extrapolated(model):
    fine, coarse = np.array([2.0]), np.array([1.0])
    assert density_method.extrapolated(fine, coarse, model) is fine
    assert density_method.extrapolated(fine, coarse, MODEL) == 2.25


def test_rough_steps_of_the_part_without_jumps_are_far_below_their_tolerance():
    rough, found = (
        qt.solve(MODEL, MEDIUM, START, qt.NoJump(step=step, error_budget=False)).survival
        for step in (density_method.ROUGH_STEP, qt.NoJump().step)
    )
    for name in ("1S", "2S", "3S"):
        assert rough[name].value == pytest.approx(found[name].value, rel=density_method.ROUGH / 50)


def test_batches_change_nothing():
    media = [qt.Bjorken(T, 0.6, 0.25) for T in (0.3, 0.36, 0.42, 0.34, 0.4)]
    together = run(MODEL, media, 2.8)
    for i in (0, 2, 4):
        alone = run(MODEL, [media[i]], 2.8)
        # bit by bit on a CPU, which solves them one by one; a GPU's batches have another order of sums
        rounding = 0 if jax.default_backend() == "cpu" else 1e-12
        assert together.overlap[i] == pytest.approx(alone.overlap[0], rel=0, abs=rounding)
        assert together.population[i] == pytest.approx(alone.population[0], rel=0, abs=rounding)


def test_derivative_with_respect_to_kappa():
    basis = make_basis(MODEL, qt.LaguerreMesh(20, 0.25), 2, 12)
    constants, limit = density_sector(MODEL, basis, 12.0)
    plan = sequences(Profile(MODEL, MEDIUM), [], strang, 2.8)
    steps, count = padded_steps(plan.main, 0, limit)
    with double_precision():
        sector = jax.device_put(constants)
        start = [jnp.zeros((3, 1, 12, 12)).at[0, 0, 0, 0].set(1.0), jnp.zeros((3, 1, 12, 12))]

        def survival(factor):
            scaled = steps._replace(terms=factor * steps.terms, soft=factor * steps.soft)
            X, _ = evolve_density(sector, start, jnp.zeros((2, 1)), scaled, count)
            return X[0][0, 0, 0, 0]

        value, slope = jax.jvp(survival, (jnp.ones(()),), (jnp.ones(()),))
        difference = float((survival(1 + 1e-4) - survival(1 - 1e-4)) / 2e-4)
        value, slope = float(value), float(slope)
    assert 0 < value < 1
    assert slope < 0
    # central differences of a smooth function: (1e-4)^2, and rounding over 1e-4
    assert slope == pytest.approx(difference, rel=1e-6)


def test_strong_kappa_down_to_190_mev_needs_no_tuning():
    model = qt.LindbladModel(transport=qt.Transport(4.0, 0.0), order="NLO")
    method = qt.DensityMatrix(error_budget=False, diagnostics=True)
    result = qt.solve(model, qt.Bjorken(0.425, 0.6, 0.19), START, method)
    d = result.diagnostics
    assert d["trace"] + d["lost"].sum() == pytest.approx(1, abs=1e-10)
    assert d["population"].min() > 0
    assert d["entropy"] > 0
    # our own with rtol = 0.03 and its budget, finer in everything
    for name, value in (("1S", 0.3330), ("2S", 0.0181), ("3S", 0.0214)):
        assert result.survival[name].value == pytest.approx(value, rel=0.03)
