"""Derivatives of survival: finite differences, perturbation theory, batches, refusals."""

from __future__ import annotations

from dataclasses import astuple, replace

import numpy as np
import pytest
from density_reference import MEDIUM, MODEL, START

import qtraj as qt
from qtraj.solvers.density.resolution import Discretization
from qtraj.solvers.density.sensitivity import _Problem
from qtraj.solvers.steps import Steps, strang

SHORT = qt.Bjorken(T0=0.32, tau_fm=0.6, T_end=0.25)


@pytest.fixture(scope="module")
def baseline():
    return qt.sensitivity(MODEL, MEDIUM, START)


def shifted(model: qt.LindbladModel, log_kappa: float, gamma: float) -> qt.LindbladModel:
    given = model.transport
    return replace(
        model,
        transport=qt.Transport(
            lambda T: (1 + log_kappa) * given.kappa_hat(T), given.gamma + gamma, given.T_c
        ),
    )


def test_survival_is_that_of_the_density_matrix(baseline):
    plain = qt.solve(MODEL, MEDIUM, START, qt.DensityMatrix(refinements=0))
    assert set(baseline.survival) == {"1S", "2S", "3S"}  # what the start holds
    for name in ("1S", "2S", "3S"):
        assert baseline.survival[name].value == pytest.approx(plain.survival[name].value, rel=1e-9)
        assert set(baseline.by_gamma[name].parts) == set(plain.survival[name].parts)
    assert baseline.transition["1P"].value == pytest.approx(plain.transition["1P"].value, rel=1e-9)
    assert set(baseline.by_gamma["1P"].parts) == set(plain.transition["1P"].parts)


@pytest.mark.parametrize(
    ("initial", "order"),
    [
        (START, "LO"),
        (qt.GaussianState(1), "LO"),
        (qt.GaussianState(0, 0.2, "octet"), "LO"),
        pytest.param(START, "NLO", marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_derivatives_are_finite_differences_of_solve(initial, order):
    model = replace(MODEL, order=order)
    found = qt.sensitivity(model, SHORT, initial)
    size = {**found.survival, **found.transition}
    method, h = qt.DensityMatrix(error_budget=False), 0.02

    def difference(log_kappa, gamma):
        solved = (qt.solve(shifted(model, s * log_kappa, s * gamma), SHORT, initial, method) for s in (1, -1))
        up, down = ({**result.overlap, **result.survival} for result in solved)
        return {n: (up[n].value - down[n].value) / (2 * h) for n in up}

    for slopes, theirs in (
        (found.by_log_kappa, difference(h, 0.0)),
        (found.by_gamma, difference(0.0, h)),
    ):
        for name in [s.name for s in qt.STATES if s.l == initial.l]:
            # h^2 of the third derivative, about as large as the value; the steps of `solve` follow the coefficients,
            # which the budget of the derivatives covers
            tolerance = slopes[name].error + h**2 * size[name].value
            assert slopes[name].value == pytest.approx(theirs[name], abs=tolerance)
            assert slopes[name].value != 0


@pytest.mark.parametrize("which", [1, 2])
def test_the_kernels_are_differentiated_exactly(which):
    problem = _Problem(MODEL, qt.GaussianState(0, 0.2, 0.7), qt.DensityMatrix())
    d = Discretization(qt.LaguerreMesh(40, 0.2), 2, 1.0, 16.0, size=20)
    plan = problem.plan(SHORT, strang, d.step)
    basis, h = d.basis(MODEL), 1e-4
    for evaluate in (
        lambda p: problem.density(d, basis, p),
        lambda p: problem.pure(basis, p, d.jump_range, 4.0),
    ):
        up, down = (
            evaluate(
                [Steps(*[a + s * h * b for a, b in zip(astuple(p), astuple(q), strict=True)]), *plan[1:]]
            )
            for p, q in [(plan[0], plan[which])]
            for s in (1, -1)
        )
        slope = evaluate(plan)[which]
        assert np.abs(slope).max() > 1e-4
        # central differences: h^2 times the third derivative, and rounding over h
        assert slope == pytest.approx((up - down)[0] / (2 * h), abs=1e-8)


def test_a_weak_medium_takes_what_perturbation_theory_says():
    # |<1S|psi>|^2 falls by kappa_hat g <r^2> times the integral of T^3 dt; nothing comes back in first order
    weak = 1e-6
    model = qt.LindbladModel(transport=qt.Transport(weak, 0.0))
    found = qt.sensitivity(model, SHORT, qt.CoulombState(1, 0), rtol=0.05)
    ((start, end),) = SHORT.active
    t = np.linspace(start, end, 20001)
    integral = np.trapezoid(SHORT.temperature(t) ** 3, t)
    expected = -model.widths[0] * 3 * model.bohr_radius**2 * integral
    # the mesh holds <r^2> = 3 a^2 to 1e-8; the next order is 1e-6 of it, the splitting's error in kappa 1e-4
    assert found.by_log_kappa["1S"].value / weak == pytest.approx(expected, rel=1e-4)
    # gamma alone turns phases: no first order in the overlap of an eigenstate
    assert found.by_gamma["1S"].value == pytest.approx(0, abs=1e-5)
    assert found.survival["1S"].value == pytest.approx(1, abs=1e-4)


def test_a_batch_is_its_histories(baseline):
    both = qt.sensitivity(MODEL, [SHORT, MEDIUM], START)
    for mapping, single in (
        (both.survival, baseline.survival),
        (both.by_log_kappa, baseline.by_log_kappa),
        (both.by_gamma, baseline.by_gamma),
    ):
        assert mapping["2S"].value.shape == (2,)
        assert mapping["2S"].value[1] == single["2S"].value
        assert mapping["2S"].error[1] == single["2S"].error


def test_a_potential_that_changes_with_the_medium_is_refused():
    with pytest.raises(qt.InputError, match="does not change with the medium"):
        qt.sensitivity(qt.LindbladModel(qt.KSUPotential()), MEDIUM, START)


@pytest.mark.parametrize("media", [SHORT, [SHORT, MEDIUM]], ids=["one", "batch"])
def test_what_is_saved_is_loaded_and_says_what_it_is(media, tmp_path):
    """`Sensitivity` had no file, no dataset and no progress, and its repr was a dump of dictionaries."""
    calls = []
    start = qt.GaussianState(0, 0.2, 0.7)
    found = qt.sensitivity(MODEL, media, start, rtol=0.05, progress=lambda *call: calls.append(call))
    total = 5 * np.size(found.by_gamma["1S"].value)
    assert calls == [(i, total) for i in range(1, total + 1)]
    again = qt.load(found.save(tmp_path / "found.nc"))
    for mapping in ("survival", "transition", "by_log_kappa", "by_gamma"):
        ours, theirs = getattr(found, mapping), getattr(again, mapping)
        assert list(ours) == list(theirs)
        for name, estimate in ours.items():
            np.testing.assert_array_equal(estimate.value, theirs[name].value)
            np.testing.assert_array_equal(estimate.error, theirs[name].error)
    with pytest.raises(qt.InputError, match="transition"):
        again.survival["1P"]
    assert repr(again) == str(found)
    assert len(repr(found).splitlines()) <= 11
    assert "by ln kappa" in repr(found)
    assert found._repr_html_().count("<table") == 2
    data = found.to_xarray()
    assert data["by_gamma"].dims == (("history",) if isinstance(media, list) else ()) + ("state",)
    assert np.isnan(data["survival"].sel(state="1P")).all()
    np.testing.assert_array_equal(data["transition"].sel(state="1P"), found.transition["1P"].value)


def test_progress_of_other_arguments_is_refused():
    with pytest.raises(qt.InputError, match="`progress` must"):
        qt.sensitivity(MODEL, SHORT, START, progress=3)
