"""Chi-square with correlated errors against closed forms."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import minimize

from qtraj.errors import InputError
from qtraj.observables.curves import Curve
from qtraj.observables.data.compare import chi_square, compare, nuisance_fit
from qtraj.observables.data.dataset import load_data, load_raa
from qtraj.observables.estimate import Estimate

(CMS,) = load_raa(experiment="CMS", state="Y(1S)")
N = len(CMS)
numbers = st.floats(-3, 3)


def made(value, stat=0.1, syst=0.0, relative=0.0, **changes):
    """CMS's points with other numbers."""
    value = np.asarray(value, dtype=float)
    data = CMS.points(np.arange(len(value)))
    full = {
        "value": value,
        "stat_plus": stat,
        "stat_minus": stat,
        "syst_plus": syst,
        "syst_minus": syst,
        "global_rel_plus": relative,
        "global_rel_minus": relative,
    }
    arrays_ = {
        k: np.broadcast_to(np.asarray(v, dtype=float), value.shape) for k, v in (full | changes).items()
    }
    return replace(data, **arrays_)


@given(
    arrays(float, 5, elements=numbers),
    arrays(float, 5, elements=st.floats(0.1, 2)),
    arrays(float, (2, 5), elements=numbers),
)
def test_the_minimum_over_nuisances_is_the_inverse_covariance(r, sigma, shifts):
    value, theta = nuisance_fit(r, sigma, shifts)
    covariance = np.diag(sigma**2) + shifts.T @ shifts
    assert value == pytest.approx(r @ np.linalg.solve(covariance, r), rel=1e-8, abs=1e-10)

    def explicit(t):
        return np.sum(((r - t @ shifts) / sigma) ** 2) + np.sum(t**2)

    assert explicit(theta) == pytest.approx(value, rel=1e-10, abs=1e-12)
    assert minimize(explicit, theta + 0.1).fun >= value * (1 - 1e-8) - 1e-10


def test_without_global_errors_it_is_the_sum_of_squared_pulls():
    data = made([1.0, 2.0, 3.0], stat=0.3, syst=0.4)
    found = chi_square(data, [1.5, 2.0, 2.0])
    assert found.value == pytest.approx(1 + 0 + 4)  # errors of 0.5
    np.testing.assert_allclose(found.pulls, [-1, 0, 2])
    assert (found.points, found.left_out, found.shifts) == (3, 0, {})


@given(st.floats(0.01, 0.5), st.floats(-0.3, 0.3))
def test_a_shift_of_all_points_costs_what_the_global_error_allows(g, d):
    """Equal points with errors s, theory 1, data 1 + d: chi2 = n d^2/(s^2 + n g^2), in closed form."""
    s = 0.05
    found = chi_square(made([1 + d] * 6, stat=s, relative=g), np.ones(6))
    assert found.value == pytest.approx(6 * d**2 / (s**2 + 6 * g**2), rel=1e-9, abs=1e-12)
    (shift,) = found.shifts.values()
    assert shift == pytest.approx(6 * d * g / (s**2 + 6 * g**2), rel=1e-9, abs=1e-12)


def test_a_correlated_systematic_error_moves_all_points_together():
    data = made([1.2] * 4, stat=0.1, syst=0.2)
    alone = chi_square(data, np.ones(4))
    together = chi_square(data, np.ones(4), systematic="correlated")
    assert alone.value == pytest.approx(4 * 0.04 / 0.05)
    assert together.value == pytest.approx(4 * 0.04 / (0.01 + 4 * 0.04))


def test_measurements_of_one_experiment_may_share_a_global_shift():
    one, two = made([1.2] * 3, relative=0.1), replace(made([1.2] * 3, relative=0.1), state="Y(2S)")
    apart = chi_square([one, two], [np.ones(3)] * 2)
    shared = chi_square([one, two], [np.ones(3)] * 2, common_global=True)
    assert apart.value == pytest.approx(2 * 3 * 0.04 / (0.01 + 3 * 0.01))
    assert shared.value == pytest.approx(6 * 0.04 / (0.01 + 6 * 0.01))
    assert len(apart.shifts) == 2
    assert list(shared.shifts) == ["CMS global"]


def test_the_error_towards_the_theory_counts():
    data = made([1.0, 1.0], stat_plus=0.1, stat_minus=0.2)
    found = chi_square(data, [1.1, 0.9])
    np.testing.assert_allclose(found.pulls, [-1, 0.5])


def test_errors_of_the_theory_add_in_quadrature():
    assert chi_square(made([1.0], stat=0.3), [2.0], [0.4]).value == pytest.approx(4)


def test_totals_serve_where_only_they_are_known_and_limits_do_not_count():
    data = made([1.0, 1.0, 1.0], stat=[np.nan, 0.1, 0.1], total_minus=[0.5, 0.1, 0.1],
                upper_limit_cl=[np.nan, 0.95, np.nan])  # fmt: skip
    found = chi_square(data, [0.5, 0.5, np.nan])
    assert (found.value, found.points, found.left_out) == (pytest.approx(1), 1, 2)


def test_the_p_value_is_uniform_for_a_true_theory():
    """2000 experiments with all three kinds of errors; Kolmogorov: sup |F - p| > 1.95/sqrt(n) has a chance of 1e-3."""
    rng = np.random.default_rng(4)
    truth, n = np.linspace(0.3, 0.9, 8), 2000
    p = []
    for _ in range(n):
        value = truth * (1 + 0.1 * rng.standard_normal()) + np.hypot(0.05, 0.03) * rng.standard_normal(8)
        p.append(chi_square(made(value, stat=0.05, syst=0.03, relative=0.1), truth).p_value)
    distance = np.max(np.abs(np.sort(p) - (np.arange(n) + 0.5) / n))
    assert distance < 1.95 / np.sqrt(n)


def test_a_curve_is_compared_where_the_points_are():
    curve = Curve(
        "R_AA", "N_part", [1.0, 200.0, 400.0], [0.0] * 3, [0.0] * 3,
        {"Y(1S)": Estimate(np.array([0.9, 0.5, 0.3]), {"paths": np.full(3, 0.01)})},
    )  # fmt: skip
    at = curve.at("Y(1S)", CMS.x)
    assert compare(curve, [CMS]).value == pytest.approx(chi_square(CMS, at.value, at.error).value)
    (pT,) = load_data(
        "R_AA", system="PbPb", sqrt_s_GeV=5020, experiment="CMS", state="Y(1S)", x_name="pT_GeV"
    )
    with pytest.raises(InputError, match="R_AA against N_part"):
        compare(curve, [pT])
    own = Curve("R_AA", "pT_GeV", pT.x, pT.x_low, pT.x_high, {"Y(1S)": Estimate(np.full(len(pT), 0.4))})
    assert compare(own, [pT]).points == len(pT)  # bin by bin, the outermost ones too


def test_impossible_comparisons_are_refused():
    with pytest.raises(InputError, match="share points"):
        chi_square(CMS, np.full(N, np.nan))
    with pytest.raises(InputError, match="one value for each of 9 points"):
        chi_square(CMS, np.ones(3))
    with pytest.raises(InputError, match="one array for each"):
        chi_square([CMS, CMS], [np.ones(N)])
    with pytest.raises(InputError, match="`systematic`"):
        chi_square(CMS, np.ones(N), systematic="half")
