"""The density-matrix kernel against matrix exponentials, and the laws it must keep whatever the numbers."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from density_reference import (
    MODEL,
    UNLIMITED,
    evolved,
    local_steps,
    packed,
    points_basis,
    random_state,
    sector_of,
    strang_steps,
    unpacked,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

import qtraj as qt
from qtraj.solvers.basis import make_basis
from qtraj.solvers.density.kernels import (
    StateSector,
    double_precision,
    evolve_density,
    evolve_state,
    padded_steps,
)
from qtraj.solvers.jumps.local import legendre_transform

MESH = qt.LaguerreMesh(7, 0.25)
KAPPA, GAMMA = 0.06, -0.11  # GeV^3, those of T = 0.4 GeV


def up_and_down(l_max: int) -> np.ndarray:
    """W[l', l] of the Lindblad equation: (l+1)/(2l+1) up, l/(2l+1) down."""
    W = np.zeros((l_max + 1, l_max + 1))
    for l in range(l_max):
        W[l + 1, l] = (l + 1) / (2 * l + 1)
        W[l, l + 1] = (l + 1) / (2 * l + 3)
    return W


B = np.array([[0, 1 / 8], [1, 5 / 16]])
G = np.array([1, 7 / 16])


def medium_generator(r: float, s: float, l_max: int, kappa: float, gamma: float, reach: float = UNLIMITED):
    """Generator on (color, l) at the points r, r' of the medium terms of the Lindblad equation, as they are written."""
    jump = [x * np.exp(-((x / reach) ** 12)) for x in (r, s)]
    width = -0.5 * kappa * (r**2 + s**2) - 0.5j * gamma * (r**2 - s**2)
    return np.kron(np.diag(width * G), np.eye(l_max + 1)) + kappa * jump[0] * jump[1] * np.kron(
        B, up_and_down(l_max)
    )


def medium_flow(r: float, s: float, l_max: int, kappa: float, gamma: float, reach: float = UNLIMITED):
    """One medium step: the phases of gamma, which differ between the colors, half before and half after the rest."""
    half = expm(medium_generator(r, s, l_max, 0, gamma / 2, reach))
    return half @ expm(medium_generator(r, s, l_max, kappa, 0, reach)) @ half


def test_model_carries_the_published_color_matrix():
    # arXiv:1711.04515: rates to s, to o (rows) from s, from o (columns) in units of kappa r^2
    assert np.array_equal(MODEL.color_matrix, B)
    assert np.array_equal(MODEL.widths, G)


@pytest.mark.parametrize("size", [1, 2, 3, 6, 13])
def test_legendre_transform_diagonalizes_the_angular_jumps(size):
    forward, back = legendre_transform(size, size)
    mu, _ = np.polynomial.legendre.leggauss(size)
    # rounding, with condition number ~ size
    assert back @ forward == pytest.approx(np.eye(size), abs=1e-13)
    assert back @ np.diag(mu) @ forward == pytest.approx(up_and_down(size - 1), abs=1e-13)


@given(rho=st.integers(0, 2**32 - 1), size=st.integers(1, 6))
@settings(max_examples=30, deadline=None)
def test_packing_loses_nothing(rho, size):
    state = random_state(np.random.default_rng(rho), 1, size)
    assert unpacked(packed(state)) == pytest.approx(state, abs=1e-16)


@pytest.mark.parametrize("l_max", [0, 1, 2, 5])
@pytest.mark.parametrize("reach", [UNLIMITED, 3.0])
@pytest.mark.parametrize("gamma", [0.0, GAMMA])
def test_medium_step_is_the_exponential_of_the_generator(l_max, reach, gamma):
    rho = random_state(np.random.default_rng(l_max), l_max, MESH.points)
    step = 0.7
    sector = sector_of(MODEL, points_basis(MESH, l_max), reach)
    found, _ = evolved(sector, rho, [0, 0], [KAPPA * step], [gamma * step])
    expected = np.empty_like(rho)
    for i, r in enumerate(MESH.r):
        for j, s in enumerate(MESH.r):
            flow = medium_flow(r, s, l_max, KAPPA * step, gamma * step, reach)
            expected[:, :, i, j] = (flow @ rho[:, :, i, j].ravel()).reshape(2, l_max + 1)
    # both exact: rounding of two exponentials of norm < 10
    assert found == pytest.approx(expected, abs=1e-13)


@given(
    r=st.floats(1e-3, 40),
    s=st.floats(1e-3, 40),
    strength=st.floats(0, 3),
    phase=st.floats(-3, 3),
    seed=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_medium_step_at_any_pair_of_points(r, s, strength, phase, seed):
    l_max = 3
    # the first two points moved to (r, s): the kernel must not depend on what mesh they are on
    moved = qt.LaguerreMesh(MESH.points, MESH.scale)
    moved.__dict__["r"] = np.array([r, s, *MESH.r[2:]])
    sector = sector_of(MODEL, points_basis(moved, l_max))
    rho = random_state(np.random.default_rng(seed), l_max, MESH.points)
    unit = 1 / max(r, s) ** 2  # kappa r^2 dt of order one, as in a run
    found, _ = evolved(sector, rho, [0, 0], [strength * unit], [phase * unit])
    flow = medium_flow(r, s, l_max, strength * unit, phase * unit)
    # rounding; elements of rho are below one
    assert found[:, :, 0, 1].ravel() == pytest.approx(flow @ rho[:, :, 0, 1].ravel(), abs=1e-13)


@pytest.mark.parametrize("reach", [UNLIMITED, 3.0])
def test_lost_trace_is_the_flux_out_of_the_sectors(reach):
    # on the diagonal r = r' the medium is a classical chain of rates: what leaves it is known exactly
    l_max, step = 2, 0.7
    rho = random_state(np.random.default_rng(3), l_max, MESH.points)
    sector = sector_of(MODEL, points_basis(MESH, l_max), reach)
    found, lost = evolved(sector, rho, [0, 0], [KAPPA * step], [GAMMA * step])
    left = sum(
        (
            expm(step * medium_generator(r, r, l_max, KAPPA, 0, reach)).real @ rho[:, :, i, i].real.ravel()
        ).sum()
        for i, r in enumerate(MESH.r)
    )
    assert lost == pytest.approx([1 - left, 0], abs=1e-13)  # nothing is above a complete basis
    assert lost[0] > 0.01  # the test is not empty
    assert np.trace(found, axis1=-2, axis2=-1).sum() + lost.sum() == pytest.approx(1, abs=1e-13)


@given(
    seed=st.integers(0, 2**32 - 1),
    kappa=st.floats(0, 2),
    gamma=st.floats(-3, 3),
    reach=st.sampled_from([2.0, 1e6]),
)
@settings(max_examples=40, deadline=None)
def test_any_state_stays_positive_and_its_trace_accounted_for(seed, kappa, gamma, reach):
    l_max = 2
    rho = random_state(np.random.default_rng(seed), l_max, MESH.points)
    sector = sector_of(MODEL, make_basis(MODEL, MESH, l_max, MESH.points), reach)
    after, lost = evolved(sector, rho, *strang_steps(2.0, kappa, gamma, 8))
    trace = np.trace(after, axis1=-2, axis2=-1).sum()
    assert abs(trace.imag) < 1e-15
    assert trace.real + lost.sum() == pytest.approx(1, abs=1e-12)
    assert np.all(lost > -1e-13)
    assert np.linalg.eigvalsh(after).min() > -1e-14  # rounding of a matrix of norm < 1


def test_a_basis_cut_in_energy_keeps_rho_positive_and_counts_what_it_cuts():
    l_max, mesh = 2, qt.LaguerreMesh(24, 0.2)
    sector = sector_of(MODEL, make_basis(MODEL, mesh, l_max, 12))
    rho = random_state(np.random.default_rng(5), l_max, 12)
    after, lost = evolved(sector, rho, *strang_steps(3.0, KAPPA, GAMMA, 20))
    assert lost[1] > 1e-3
    assert np.trace(after, axis1=-2, axis2=-1).sum().real + lost.sum() == pytest.approx(1, abs=1e-12)
    assert np.linalg.eigvalsh(after).min() > -1e-14


def test_without_jumps_the_evolution_is_unitary():
    l_max = 2
    sector = sector_of(MODEL, make_basis(MODEL, MESH, l_max, MESH.points))
    rho = random_state(np.random.default_rng(7), l_max, MESH.points)
    after, lost = evolved(sector, rho, *strang_steps(5.0, 0.0, GAMMA, 50))
    # rounding grows at most linearly in 50 steps
    assert np.linalg.eigvalsh(after) == pytest.approx(np.linalg.eigvalsh(rho), abs=1e-14)
    assert lost == pytest.approx([0, 0], abs=1e-13)


def test_padded_steps_change_no_population():
    l_max = 1
    sector = sector_of(MODEL, make_basis(MODEL, MESH, l_max, MESH.points))
    rho = random_state(np.random.default_rng(8), l_max, MESH.points)
    vacuum, kappa, gamma = strang_steps(2.0, KAPPA, GAMMA, 6)
    after, lost = evolved(sector, rho, vacuum, kappa, gamma)
    idle = np.zeros(9)
    padded, lost_padded = evolved(sector, rho, *(np.concatenate([a, idle]) for a in (vacuum, kappa, gamma)))
    assert padded == pytest.approx(after, abs=1e-14)
    assert lost_padded == pytest.approx(lost, abs=1e-14)


def test_density_matrix_without_gain_is_the_pure_state_of_h_eff():
    # Two independent kernels: a pure state under H_eff, and the density matrix with every jump counted as lost
    l_max = 0  # any jump changes l
    basis = make_basis(MODEL, MESH, l_max, MESH.points)
    a = np.random.default_rng(9).normal(size=MESH.points)
    a /= np.linalg.norm(a)
    rho = np.zeros((2, 1, MESH.points, MESH.points), complex)
    rho[0, 0] = np.outer(a, a)
    vacuum, kappa, gamma = strang_steps(4.0, KAPPA, GAMMA, 16)
    found, _ = evolved(sector_of(MODEL, basis), rho, vacuum, kappa, gamma)
    pure = StateSector(basis.energies[0, 0], basis.vectors[0, 0], *[MESH.r[None] ** 2 / 2] * 2, None)
    with double_precision():
        steps = padded_steps([local_steps(vacuum, kappa, gamma)], 0, np.zeros(0))
        state = evolve_state(pure, a[None], *steps)
    state = np.asarray(state)[0]
    assert found[0, 0] == pytest.approx(np.outer(state, state.conj()), abs=1e-13)
    assert not found[1].any()


def test_steps_converge_to_the_exponential_of_all_medium_terms_with_order_two():
    # With all energies zero: what remains is the splitting of gamma's phases from the jumps
    l_max, duration = 1, 1.4
    sector = sector_of(MODEL, points_basis(MESH, l_max))
    rho = random_state(np.random.default_rng(12), l_max, MESH.points)
    r, s = MESH.r[4], MESH.r[5]
    flow = expm(duration * medium_generator(r, s, l_max, KAPPA, GAMMA))
    expected = flow @ rho[:, :, 4, 5].ravel()
    errors = []
    for n in (4, 8, 16):
        found, _ = evolved(sector, rho, np.zeros(n + 1), *strang_steps(duration, KAPPA, GAMMA, n)[1:])
        errors.append(np.abs(found[:, :, 4, 5].ravel() - expected).max())
    # corrections relative to the leading term fall by 4 with each halving; fitted once, they leave 0.05
    assert -np.polyfit(np.log([4, 8, 16]), np.log(errors), 1)[0] == pytest.approx(2, abs=0.05)


def test_strang_steps_converge_with_order_two():
    l_max = 2
    sector = sector_of(MODEL, make_basis(MODEL, MESH, l_max, MESH.points))
    rho = random_state(np.random.default_rng(10), l_max, MESH.points)
    numbers = [512, 1024, 2048]
    runs = [evolved(sector, rho, *strang_steps(2.0, KAPPA, GAMMA, n))[0] for n in [*numbers, 16384]]
    errors = [np.abs(run - runs[-1]).max() for run in runs[:-1]]
    order = -np.polyfit(np.log(numbers), np.log(errors), 1)[0]
    # the next term of the error, relative (dt/dt_0)^2, and the reference's own error of 1/64 of the last
    assert order == pytest.approx(2, abs=0.03)


def test_forward_derivatives_equal_central_differences(measured):
    # d(populations)/d(scale of kappa), /d(scale of gamma): what a fit of kappa_hat and gamma_hat needs
    l_max = 1
    basis = make_basis(MODEL, MESH, l_max, MESH.points)
    rho = random_state(np.random.default_rng(11), l_max, MESH.points)
    steps, count = padded_steps([local_steps(*strang_steps(3.0, KAPPA, GAMMA, 12))], 0, np.zeros(0))
    with double_precision():
        sector = jax.device_put(sector_of(MODEL, basis))
        start = [jnp.asarray(x) for x in packed(rho)]

        def populations(scales):
            scaled = steps._replace(terms=scales[0] * steps.terms, phases=scales[1] * steps.phases)
            X, lost = evolve_density(sector, start, jnp.zeros((2, 1)), scaled, count)
            diagonal = jnp.einsum("clbaa->cla", jnp.stack(X))
            return jnp.concatenate([diagonal.ravel(), lost.ravel()])

        one, h = jnp.ones(2), 1e-4
        for name, direction in zip(("kappa", "gamma"), np.eye(2), strict=True):
            _, derivative = jax.jvp(populations, (one,), (jnp.asarray(direction),))
            difference = (populations(one + h * direction) - populations(one - h * direction)) / (2 * h)
            measured(
                f"derivative with respect to {name}",
                *(np.abs(d).max() for d in (derivative, difference)),
                1e-7,
            )
            # truncation h^2/6 f''' ~ 1e-9, rounding 1e-16/h ~ 1e-12
            assert np.asarray(derivative) == pytest.approx(np.asarray(difference), abs=1e-7)
            assert np.abs(derivative).max() > 1e-3
