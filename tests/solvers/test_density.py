"""The density-matrix method as users call it: baseline, known states, conservation, invariances, warnings."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from density_reference import (
    MEDIUM,
    MODEL,
    START,
    UNLIMITED,
    evolved,
    sector_of,
    strang_steps,
)

import qtraj as qt
from qtraj.solvers.basis import make_basis
from qtraj.states import STATE_NAMES
from qtraj.units import OCTET_DIMENSION

BASELINE = {"1S": 0.354863, "2S": 0.030488, "3S": 0.019442}
"""Continuum values by a prototype of ours, other code: meshes 96 and 128 x 0.08, l_max 6, 120/240 steps, Richardson."""
BASELINE_ERROR = 4e-6
COLD = qt.TabulatedTemperature([0.6, 1.0], [0.2, 0.19], T_end=0.25, allow_cold=True)
CHEAP = {"mesh": qt.LaguerreMesh(28, 0.22), "l_max": 2, "step": 1.4}
"""For laws that hold on any discretization."""


@pytest.fixture(scope="module")
def baseline():
    return qt.solve(MODEL, MEDIUM, START, qt.DensityMatrix(diagnostics=True))


@pytest.mark.parametrize("name", BASELINE)
def test_baseline_by_the_default_method(baseline, name, measured):
    found, expected = baseline.survival[name], BASELINE[name]
    measured(f"survival {name}", found.value, expected, 1e-3 * expected)
    assert found.value == pytest.approx(expected, rel=1e-3)  # what rtol promises
    assert abs(found.value - expected) <= found.error + BASELINE_ERROR
    assert found.error <= 1e-3 * expected + 2e-5  # rtol and atol
    assert set(found.parts) == {"time_step", "mesh", "l_max"}


def test_trace_and_what_was_lost_add_to_one(baseline, measured):
    d = baseline.diagnostics
    measured("trace and what was lost", d["trace"] + d["lost"].sum(), 1, 1e-10)
    assert d["trace"] + d["lost"].sum() == pytest.approx(1, abs=1e-10)
    assert d["population"].shape == (2, d["l_max"] + 1)
    assert d["population"].sum() == pytest.approx(d["trace"], abs=1e-15)
    assert d["population"].min() > 0
    # rho is a state, and a mixed one
    assert 0 < d["purity"] < 1
    assert d["entropy"] > 0


def test_no_jump_part_is_that_of_the_no_jump_method(baseline):
    alone = qt.solve(MODEL, MEDIUM, START, qt.NoJump())
    for name in STATE_NAMES:
        assert baseline.overlap_no_jump[name].value == alone.overlap[name].value
        assert baseline.overlap[name].value >= baseline.overlap_no_jump[name].value
    for name in ("1S", "2S", "3S"):
        assert baseline.no_jump[name].value == alone.survival[name].value
        assert baseline.regeneration[name].value >= 0


STARTS = [
    (qt.CoulombState(1, 0), (1, OCTET_DIMENSION)),
    (qt.CoulombState(2, 1), (3, 3 * OCTET_DIMENSION)),
    (qt.CoulombState(3, 2, color="octet"), (5, 5 * OCTET_DIMENSION)),
    (qt.GaussianState(0, 1.0, "octet"), (1, OCTET_DIMENSION)),
    (qt.GaussianState(1, 0.2, 0.3), (3, 3 * OCTET_DIMENSION)),
    (qt.GaussianState(0, 0.2), (1, OCTET_DIMENSION)),
]


@pytest.mark.parametrize(("state", "copies"), STARTS)
def test_purity_and_entropy_of_an_untouched_start(state, copies):
    # In each color (2l+1) d_c equally likely orientations and colors of one radial state, with the probability p_c of
    # this color among the pairs that the basis, which ends at 12 GeV, leaves of it: Tr rho^2 = sum p_c^2/copies,
    # S = -sum p_c ln(p_c/copies)
    method = qt.DensityMatrix(diagnostics=True, error_budget=False)
    d = qt.solve(MODEL, COLD, state, method).diagnostics
    share = d["population"].sum(axis=-1) / d["trace"]
    found = [(p, n) for p, n in zip(share, copies, strict=True) if p > 0]
    # rounding
    assert d["purity"] == pytest.approx(sum(p**2 / n for p, n in found), abs=1e-12)
    assert d["entropy"] == pytest.approx(-sum(p * np.log(p / n) for p, n in found), abs=1e-12)
    assert d["trace"] + d["lost"].sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(
    ("state", "copies"), [(qt.CoulombState(1, 0), 1), (qt.CoulombState(3, 0), 1), (qt.CoulombState(2, 1), 3)]
)
def test_bound_states_are_whole_in_the_basis(state, copies):
    d = qt.solve(MODEL, COLD, state, qt.DensityMatrix(diagnostics=True, error_budget=False)).diagnostics
    # the mesh represents bound states to 1e-11, of which the filter of the start takes away what is fast
    assert d["trace"] == pytest.approx(1, abs=1e-11)
    assert (d["purity"], d["entropy"]) == pytest.approx((1 / copies, np.log(copies)), abs=1e-10)


def test_a_wide_octet_has_the_entropy_of_its_eight_colors():
    state = qt.GaussianState(0, 1.0, "octet")
    d = qt.solve(MODEL, COLD, state, qt.DensityMatrix(diagnostics=True, error_budget=False)).diagnostics
    # 4e-5 of it lies above 12 GeV, and entropy and purity are those of the rest
    assert d["purity"] == pytest.approx(1 / 8, rel=1e-12)
    assert d["entropy"] == pytest.approx(np.log(8), rel=1e-12)


def test_a_cold_history_survives_unchanged():
    result = qt.solve(MODEL, [COLD, MEDIUM, COLD], START, qt.DensityMatrix(error_budget=False))
    for name in ("1S", "2S", "3S"):
        # rounding of a rotation by the vacuum phases
        assert result.survival[name].value[[0, 2]] == pytest.approx([1, 1], abs=1e-12)
        assert result.survival[name].value[1] == pytest.approx(BASELINE[name], rel=2e-3)


@pytest.mark.parametrize("l", [0, 1])
def test_evolution_is_linear_in_the_color_mixture(l):
    p = 0.35
    method = qt.DensityMatrix(**CHEAP, error_budget=False)
    singlet, octet, mixed = (
        np.array(
            [e.value for e in qt.solve(MODEL, MEDIUM, qt.GaussianState(l, 0.2, c), method).overlap.values()]
        )
        for c in ("singlet", "octet", p)
    )
    assert mixed == pytest.approx(p * singlet + (1 - p) * octet, rel=1e-11, abs=1e-18)  # rounding
    assert octet[STATE_NAMES.index("1P")] > 0


def test_without_kappa_nothing_jumps_and_nothing_is_lost_to_the_medium():
    model = qt.LindbladModel(transport=qt.Transport(kappa=0.0, gamma=-1.75))
    method = qt.DensityMatrix(**CHEAP, error_budget=False)
    result = qt.solve(model, MEDIUM, START, method)
    for name in STATE_NAMES:
        # rounding: with and without jumps are two kernels
        jumped = result.overlap[name].value - result.overlap_no_jump[name].value
        assert jumped == pytest.approx(0, abs=1e-12)
    assert result.diagnostics["lost"][0] == pytest.approx(0, abs=1e-12)
    assert result.diagnostics["population"][1].max() == 0


def test_with_enough_l_a_short_medium_loses_no_trace():
    # All energies kept and no limit on the range: only l > l_max can lose, and at most two jumps happen
    mesh, l_max = qt.LaguerreMesh(24, 0.15), 12
    basis = make_basis(MODEL, mesh, l_max, mesh.points)
    rho = np.zeros((2, l_max + 1, mesh.points, mesh.points))
    a = basis.coefficients(qt.CoulombState(1, 0), 0)
    rho[0, 0] = np.outer(a, a)
    after, lost = evolved(sector_of(MODEL, basis, UNLIMITED), rho, *strang_steps(1.0, 0.1, -0.1, 10))
    assert np.trace(after[1:], axis1=-2, axis2=-1).sum().real > 0.05  # it jumped
    # kappa r^2 t = 0.1 on average, 0.5 at 3 Bohr radii: thirteen jumps have probability below 1e-12
    assert lost == pytest.approx([0, 0], abs=1e-11)
    assert np.linalg.eigvalsh(after).min() > -1e-12


def media(count: int) -> list[qt.Bjorken]:
    """Histories of many lengths, hot and cool, in no order."""
    T0 = 0.3 + 0.2 * np.random.default_rng(4).permutation(count) / count
    return [qt.Bjorken(T, 0.6, 0.25) for T in T0]


def values_and_errors(result):
    estimates = [*result.overlap.values(), *result.overlap_no_jump.values(), *result.survival.values()]
    return np.array([x for e in estimates for x in (e.value, *e.parts.values())])


@pytest.mark.parametrize("size", [1, 3, 8])
def test_batches_change_nothing(size):
    # with rtol and atol at their loosest nothing is refined, which would be another choice for some histories
    method = qt.DensityMatrix(**CHEAP, rtol=0.05, atol=0.1)
    histories = media(16)
    everything = values_and_errors(qt.solve(MODEL, histories, START, method))
    some = np.random.default_rng(size).permutation(16)[:size]
    found = values_and_errors(qt.solve(MODEL, [histories[i] for i in some], START, method))
    # bit by bit on a CPU, which solves them one by one; a GPU's batches have another order of sums
    assert found == pytest.approx(
        everything[..., some], rel=0, abs=0 if jax.default_backend() == "cpu" else 1e-13
    )


def test_check_points_do_not_change_the_end(baseline):
    times = [0.3, 1.1, 2.2, 4.0]
    watched = qt.solve(MODEL, MEDIUM, START, times_fm=times)
    assert watched.times_fm == pytest.approx(times)
    for name in ("1S", "2S", "3S"):
        end, series = watched.survival[name], watched.survival_at[name]
        # other step edges, the same answer within both budgets
        assert abs(end.value - baseline.survival[name].value) <= end.error + baseline.survival[name].error
        # before the medium all survives, after it nothing changes: vacuum phases, to rounding
        assert series.value[0] == pytest.approx(1, abs=1e-10)
        assert series.value[3] == pytest.approx(end.value, rel=1e-10)
        assert 1 > series.value[1] > series.value[2] > end.value


@pytest.mark.parametrize("setting", [False, True])
def test_the_users_jax_setting_is_neither_used_nor_touched(setting):
    before = jax.config.jax_enable_x64
    method = qt.DensityMatrix(**CHEAP, error_budget=False)
    try:
        jax.config.update("jax_enable_x64", setting)
        result = qt.solve(MODEL, MEDIUM, START, method)
        assert jax.config.jax_enable_x64 == setting
        assert jax.numpy.ones(2).dtype == (np.float64 if setting else np.float32)
    finally:
        jax.config.update("jax_enable_x64", before)
    reference = qt.solve(MODEL, MEDIUM, START, method)
    for name in STATE_NAMES:
        assert result.overlap[name].value.dtype == np.float64
        assert result.overlap[name].value == pytest.approx(reference.overlap[name].value, rel=1e-13)


def test_a_fixed_l_max_that_is_too_small_warns_and_says_how_far_off_it_is():
    method = qt.DensityMatrix(rtol=1e-4, atol=1e-8, l_max=2, refinements=0)
    with pytest.warns(qt.AccuracyWarning, match="1 of 1 histories did not reach rtol=0.0001"):
        result = qt.solve(MODEL, MEDIUM, START, method)
    for name, expected in BASELINE.items():
        found = result.survival[name]
        assert abs(found.value - expected) <= found.error + BASELINE_ERROR
    assert result.survival["3S"].error > 1e-4 * BASELINE["3S"]


def test_without_an_error_budget_the_result_says_that_nothing_was_estimated():
    result = qt.solve(MODEL, MEDIUM, START, qt.DensityMatrix(**CHEAP, error_budget=False))
    found = result.survival["1S"]
    assert not found.parts
    assert set(found.not_estimated) == {"time_step", "mesh", "l_max"}


def test_the_mesh_converges_exponentially():
    # All states of the mesh kept, all else fixed. The octet feels another cusp than the singlet, so its population
    # converges only algebraically; what is projected on bound states does not see that.
    l_max, numbers = 2, [8, 12, 16, 20, 24, 40]

    def overlaps(points: int):
        mesh = qt.LaguerreMesh(points, 0.2)
        basis = make_basis(MODEL, mesh, l_max, points)
        a = basis.coefficients(qt.CoulombState(1, 0), 0)
        rho = np.zeros((2, l_max + 1, points, points))
        rho[0, 0] = np.outer(a, a)
        after, _ = evolved(sector_of(MODEL, basis), rho, *strang_steps(2.0, 0.07, -0.11, 8))
        return np.array([after[0, 0, 1, 1].real, after[0, 2, 0, 0].real])  # 2S and 1D

    runs = [overlaps(n) for n in numbers]
    errors = np.abs(np.array(runs[:-1]) - runs[-1])
    # At least 4 per 4 points, everywhere: an algebraic law of order p would give 1.2^p at the end
    assert np.all(errors[:-1] / errors[1:] > 4)
    assert errors[-1] == pytest.approx([0, 0], abs=1e-6)
