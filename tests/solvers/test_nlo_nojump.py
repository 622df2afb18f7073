"""NoJump at next-to-leading order: baseline, limits, error budget, early media, warnings, refusals."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from nlo_reference import MEDIUM, MODEL, START

import qtraj as qt
from qtraj.solvers.basis import make_basis
from qtraj.solvers.density.propagate import propagate_state, sequences
from qtraj.solvers.jumps.soft import loss_matrices
from qtraj.solvers.nojump.method import fourth_order
from qtraj.solvers.nojump.on_mesh import MeshSetting
from qtraj.solvers.steps import Profile

LEADING = qt.LindbladModel(MODEL.potential, MODEL.transport)
PROTOTYPE = {"1S": (0.5956, 3e-4), "2S": (0.04315, 3e-5), "3S": (0.02925, 2e-5)}
"""(value, error) by a prototype of ours, other code: no filter of the start, splitting, meshes up to 80 states."""


@pytest.fixture(scope="module")
def baseline():
    return qt.solve(MODEL, MEDIUM, START, qt.NoJump())


@pytest.mark.parametrize("name", PROTOTYPE)
def test_baseline(baseline, name, measured):
    found, (value, error) = baseline.survival[name], PROTOTYPE[name]
    measured(f"no-jump survival {name} at NLO", found.value, value, 2 * error)
    # the prototype's errors are one standard deviation of its irregular convergence
    assert abs(found.value - value) < 2 * error
    assert found.error < 1e-4 * found.value
    assert set(found.parts) == {"time_step", "mesh"}
    assert baseline.no_jump[name].value == found.value


def test_norm_of_the_baseline(baseline):
    assert baseline.norm.value == pytest.approx(0.01563, abs=2e-5)  # the prototype's, its error 1e-5
    assert baseline.norm.error < 1e-4 * baseline.norm.value


@pytest.mark.parametrize("name", PROTOTYPE)
def test_other_meshes_agree_within_the_errors(baseline, name):
    for grid in (qt.LaguerreMesh(128, 0.08), qt.LaguerreMesh(72, 0.11)):
        other = qt.solve(MODEL, MEDIUM, START, qt.NoJump(grid=grid)).survival[name]
        found = baseline.survival[name]
        assert abs(found.value - other.value) <= found.error + other.error


def overlaps(step, initial=START, medium=MEDIUM):
    """Return the overlaps (6,) on a small mesh, with an error of fourth order."""
    basis = make_basis(MODEL, qt.LaguerreMesh(64, 0.12), initial.l, 44)
    profile = Profile(MODEL, medium)

    def run(halvings, splitting):
        plan = sequences(profile, [], splitting, step, halvings=halvings)
        return propagate_state(basis, MODEL, initial, [plan], jump_range=16.0, filter_energy=8.0).overlap[
            0, -1
        ]

    return fourth_order(run, MODEL, MeshSetting.of(basis.mesh, profile), coarse=False)


def test_without_kappa_both_orders_are_one():
    # all terms of next-to-leading order are proportional to kappa; a bound state has no fast part to filter
    transport = qt.Transport(0.0, -1.75)
    initial = qt.CoulombState(1, 0)
    results = [
        qt.solve(qt.LindbladModel(transport=transport, order=order), MEDIUM, initial, qt.NoJump())
        for order in ("LO", "NLO")
    ]
    for name in ("1S", "2S", "3S"):
        low, high = (r.overlap[name] for r in results)
        # unitary motion reaches the end of both meshes: the errors say how well it is held
        assert abs(high.value - low.value) <= high.error + low.error + 1e-6


def test_large_temperature_times_mass_is_the_leading_order():
    mesh, l = qt.LaguerreMesh(40, 0.15), 1
    basis = make_basis(MODEL, mesh, l, 20)
    for color in (0, 1):
        # at a range that no mesh reaches: at leading order r does not saturate
        low = loss_matrices(LEADING, basis, color, l, 1e6)[0]
        A0, A1, A2 = loss_matrices(MODEL, basis, color, l, 1e6)
        assert np.array_equal(A0, low)
        off = [np.linalg.norm(A1 / T + A2 / T**2) for T in (1e3, 1e4)]
        assert off[0] / off[1] == pytest.approx(10, rel=1e-2)


@pytest.mark.parametrize("initial", [START, qt.GaussianState(1, 0.2), qt.CoulombState(2, 0)])
def test_steps_are_of_fourth_order(initial):
    finest = overlaps(0.1, initial)
    errors = [np.abs(overlaps(step, initial) - finest).max() for step in (1.6, 0.8)]
    assert np.abs(overlaps(0.2, initial) - finest).max() < 1e-8  # the step of the method
    assert errors[0] > 10 * errors[1]


def test_decay_is_a_contraction():
    # -(A + A^T)/2 = Gamma/2 is positive, so that no norm grows
    basis = make_basis(MODEL, qt.LaguerreMesh(64, 0.12), 3, 44)
    for color in (0, 1):
        for l in range(4):
            A0, A1, A2 = loss_matrices(MODEL, basis, color, l, 12.0)
            for T in (0.15, 0.19, 0.5):
                A = A0 + A1 / T + A2 / T**2
                assert np.linalg.eigvalsh(A + A.T)[-1] < 1e-12


@pytest.mark.parametrize("tau_fm", [0.3, pytest.param(0.45, marks=pytest.mark.slow)])
def test_early_media_keep_faster_pairs(tau_fm):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", qt.AccuracyWarning)  # the pair is still fast: E/T is not small
        medium = qt.Bjorken(0.425, tau_fm, 0.25)
        rough, fine = (
            qt.solve(MODEL, medium, START, qt.NoJump(grid=grid))
            for grid in (qt.LaguerreMesh(96, 0.09), qt.LaguerreMesh(140, 0.06))
        )
    for name in ("1S", "2S", "3S"):
        a, b = rough.survival[name], fine.survival[name]
        assert abs(a.value - b.value) <= a.error + b.error
        assert a.error < 1e-3 * a.value


def test_batches_and_check_points_change_nothing():
    media = [qt.Bjorken(T, 0.6, 0.25) for T in (0.4, 0.45, 0.42)]
    method = qt.NoJump(error_budget=False)
    together = qt.solve(MODEL, media, START, method, times_fm=[1.0, 2.0])
    alone = qt.solve(MODEL, media[1], START, method)
    # check points cut steps of another length: an error of 1e-8
    assert together.survival["2S"].value[1] == pytest.approx(alone.survival["2S"].value, rel=1e-6)
    assert np.all(np.diff(together.survival_at["1S"].value, axis=1) < 0)


def test_the_numbers_of_a_history_do_not_depend_on_its_batch(monkeypatch):
    """A GPU propagates 128 histories at once: each has its own end, after which its pair would spread in vacuum."""
    media = [
        qt.Bjorken(0.3, 0.6, 0.28),
        qt.Bjorken(0.425, 0.6, 0.25),
        qt.TabulatedTemperature([0.6, 2.0], [0.2, 0.15], 0.25, allow_cold=True),
    ]
    method = qt.NoJump(error_budget=False)
    start = qt.CoulombState(1, 0)
    alone = [qt.solve(MODEL, medium, start, method) for medium in media]
    monkeypatch.setattr("qtraj.solvers.density.propagate.batch_size", lambda: 128)
    together = qt.solve(MODEL, media, start, method)
    for i, one in enumerate(alone):
        for name in ("energy_over_T", "r_times_T"):
            # rounding of products of other shapes
            assert together.diagnostics[name][i] == pytest.approx(float(one.diagnostics[name]), rel=1e-11), (
                i,
                name,
            )
        assert together.norm.value[i] == pytest.approx(float(one.norm.value), rel=1e-11)
        assert together.survival["1S"].value[i] == pytest.approx(float(one.survival["1S"].value), rel=1e-11)


def test_expansion_parameters_of_a_bound_state():
    cold = qt.TabulatedTemperature([0.6, 1.0], [0.251, 0.2505], T_end=0.25, allow_hot_end=True)
    d = qt.solve(MODEL, cold, qt.CoulombState(1, 0), qt.NoJump()).diagnostics
    # virial theorem and <r^2> = 3 a0^2 of the 1S, which a short medium barely changes
    E, a0 = MODEL.mass * MODEL.potential.alpha**2 / 4, MODEL.bohr_radius
    assert d["energy_over_T"] == pytest.approx(E / 0.2505, rel=0.05)
    assert d["r_times_T"] == pytest.approx(np.sqrt(3) * a0 * 0.2505, rel=0.05)


def test_a_wide_pair_warns_that_the_dipole_expansion_fails():
    with pytest.warns(qt.AccuracyWarning, match="dipole expansion"):
        qt.solve(MODEL, qt.Bjorken(0.3, 0.6, 0.28), qt.CoulombState(3, 0), qt.NoJump())


def test_a_fast_pair_warns_that_the_expansion_in_energy_fails():
    with pytest.warns(qt.AccuracyWarning, match="E/T"):
        qt.solve(MODEL, qt.Bjorken(0.425, 0.2, 0.25), START, qt.NoJump(error_budget=False))


def test_a_sine_grid_has_no_next_order():
    with pytest.raises(qt.InputError, match="LaguerreMesh") as caught:
        qt.solve(MODEL, MEDIUM, START, qt.NoJump(grid=qt.SineGrid(255)))
    assert caught.value.argument == "method"
