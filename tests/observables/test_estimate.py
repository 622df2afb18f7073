import pickle
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from uncertainties import ufloat

from qtraj.errors import InputError
from qtraj.observables.estimate import Estimate, format_value, weighted_mean

errors = st.floats(0, 1e3)
scales = st.floats(1e-3, 1e3)


@given(st.dictionaries(st.sampled_from(["statistical", "paths", "time_step", "mesh", "l_max"]), errors))
def test_numerical_parts_add_linearly_and_statistical_ones_in_quadrature(parts):
    estimate = Estimate(1.0, parts)
    statistical = [parts[n] for n in parts if n in ("statistical", "paths")]
    numerical = [parts[n] for n in parts if n not in ("statistical", "paths")]
    # rounding of at most five terms
    assert estimate.numerical == pytest.approx(sum(numerical), rel=1e-14)
    assert estimate.statistical == pytest.approx(np.linalg.norm(statistical), rel=1e-14)
    assert estimate.error == pytest.approx(np.hypot(estimate.statistical, estimate.numerical), rel=1e-14)


@given(errors, errors, errors, scales)
def test_error_scales_with_its_parts(a, b, c, scale):
    def error(factor):
        return Estimate(0.0, {"paths": factor * a, "mesh": factor * b, "l_max": factor * c}).error

    # rounding only; subnormal squares lose digits, hence the absolute term
    assert error(scale) == pytest.approx(scale * error(1.0), rel=1e-13, abs=1e-150)


@given(st.integers(1, 4), st.integers(1, 4), errors)
def test_parts_broadcast_to_the_value_and_index_with_it(n, m, error):
    per_column = np.linspace(0, error, m)
    estimate = Estimate(np.arange(n * m, dtype=float).reshape(n, m), {"mesh": error, "paths": per_column})
    assert estimate.parts["mesh"].shape == estimate.parts["paths"].shape == (n, m)
    last = estimate[n - 1, m - 1]
    assert last.value == n * m - 1
    assert (last.parts["mesh"], last.parts["paths"]) == (error, per_column[-1])


def test_what_is_not_estimated_stays_with_the_entries():
    assert Estimate([1.0, 2.0], not_estimated=("l_max",))[0].not_estimated == ("l_max",)


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        (1.0, {"mesh": -1e-9}),
        (1.0, {"mesh": np.nan}),
        (1.0, {"mesh": [0.1, 0.2]}),
        ([1.0, 2.0], {"paths": [0.1, 0.2, 0.3]}),
        ("much", {}),
        (1.0, {"mesh": "little"}),
    ],
)
def test_an_error_that_is_no_error_is_refused(value, parts):
    with pytest.raises(InputError):
        Estimate(value, parts)


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (0.35486, 0.000123, "0.35486(12)"),
        (0.0996, 0.00996, "0.100(10)"),
        (0.354, 0.0996, "0.35(10)"),
        (0.5, 0.994, "0.50(99)"),
        (0.5, 0.996, "0.5(10)"),
        (12.34, 1.5, "12.3(15)"),
        (5.4, 99.6, "5(100)"),
        (1234.0, 567.0, "1234(567)"),
        (-1e-5, 0.01, "0.000(10)"),
        (-0.25, 0.01, "-0.250(10)"),
        (1e-9, 1e-10, "1e-09 +- 1e-10"),
        (12345.0, 9999.0, "12345 +- 1e+04"),
        (0.25, 0.0, "0.25"),
        (0.25, np.inf, "0.25"),
        (np.nan, 0.1, "nan"),
    ],
)
def test_format_rounds_value_and_error_together(value, error, text):
    assert format_value(value, error) == text


@given(st.floats(-10, 10), st.floats(1e-7, 9.0))
def test_the_printed_number_reads_back(value, error):
    match = re.fullmatch(r"(-?\d+)\.(\d+)\((\d\d)\)", format_value(value, error))
    assert match is not None  # two digits of error, whatever the rounding does
    whole, fraction, digits = match.groups()
    unit = 10.0 ** -len(fraction)
    # half a unit of the last digit, and rounding to binary
    assert abs(float(f"{whole}.{fraction}") - value) <= 0.5 * unit * (1 + 1e-6)
    assert abs(int(digits) * unit - error) <= 0.5 * unit * (1 + 1e-6)


def test_a_scalar_prints_itself():
    assert str(Estimate(0.35486, {"mesh": 1.2e-4})) == "0.35486(12)"
    assert str(Estimate([0.5, 0.25], {"mesh": 0.5})) == "[0.50(50) 0.25(50)]"


@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(-5, 5), st.floats(0.1, 1)), min_size=1), scales)
def test_the_weighted_mean_is_linear_and_ignores_the_size_of_weights(rows, scale):
    a, b, w = np.array(rows).T
    # rounding of sums of terms of size 5, as the values may cancel
    np.testing.assert_allclose(
        weighted_mean(3 * a - b, w), 3 * weighted_mean(a, w) - weighted_mean(b, w), atol=1e-12
    )
    np.testing.assert_allclose(weighted_mean(a, scale * w), weighted_mean(a, w), atol=1e-12)
    np.testing.assert_allclose(weighted_mean(np.full_like(w, 2.5), w), 2.5, rtol=1e-14)


# ------------------------------------------------------------------------------------------------- arithmetic


sizes = st.floats(0.5, 5).flatmap(lambda v: st.tuples(st.just(v), st.floats(1e-6, 0.1)))
FORMULAS = {
    "sum": lambda x, y: x + y,
    "difference": lambda x, y: x - y,
    "double ratio": lambda x, y: (x / y) / (1 - y),
    "share": lambda x, y: x / (x + y),
    "asymmetry": lambda x, y: (x - y) / (x + y),
    "with numbers": lambda x, y: 3 - 2 * x / 7 + (1 / y) * np.float64(0.5) - 1,
    "itself": lambda x, y: x * x - x,
    "mean": lambda x, y: sum([x, y, x]) / 3,
    "sign": lambda x, y: -x + y,
}


@given(st.sampled_from(sorted(FORMULAS)), sizes, sizes)
def test_statistical_errors_propagate_as_the_package_uncertainties_has_it(formula, x, y):
    found = FORMULAS[formula](Estimate(x[0], {"statistical": x[1]}), Estimate(y[0], {"statistical": y[1]}))
    other = FORMULAS[formula](ufloat(*x), ufloat(*y))
    assert found.value == pytest.approx(other.nominal_value, rel=1e-12, abs=1e-12)
    # what cancels leaves rounding of slopes of size 100
    assert found.error == pytest.approx(other.std_dev, rel=1e-9, abs=1e-14)


def test_what_comes_from_one_estimate_stays_correlated():
    x = Estimate(0.35, {"statistical": 0.01, "mesh": 0.002}, ("l_max",))
    other = Estimate(0.2, {"statistical": 0.03, "mesh": 0.001})
    assert (x - x).error == (x / x).error == 0
    assert str(x / x) == "1"
    assert ((x + other) - other).error == pytest.approx(x.error, rel=1e-14)
    # bounds of two runs may share a sign; samples are independent
    both = x - other
    assert both.parts == pytest.approx({"statistical": np.hypot(0.01, 0.03), "mesh": 0.003})
    assert both.not_estimated == ("l_max",)


def test_entries_of_an_array_are_correlated_with_the_array_and_with_nothing_else():
    x = Estimate([1.0, 2.0, 4.0], {"statistical": 0.1})
    assert (x[1] - x[1]).error == 0
    np.testing.assert_allclose((x - x[1]).error, [np.hypot(0.1, 0.1), 0, np.hypot(0.1, 0.1)])
    np.testing.assert_allclose((np.array([1.0, 0.0, 2.0]) * x).error, [0.1, 0, 0.2])
    np.testing.assert_allclose((x[:2] + x[1:]).error, np.hypot(0.1, 0.1))


def test_a_copy_in_another_process_is_another_source():
    x = Estimate(0.35, {"statistical": 0.01})
    assert (pickle.loads(pickle.dumps(2 * x)) - 2 * x).error == pytest.approx(2 * np.hypot(0.01, 0.01))


def test_where_there_is_no_number_there_is_no_error():
    ratio = Estimate([1.0, np.nan], {"statistical": [0.1, 0.0]}) / Estimate([2.0, 3.0], {"statistical": 0.1})
    assert ratio.error[1] == 0


@pytest.mark.parametrize(
    ("operation", "argument"),
    [
        (lambda x: x / 0, "divisor"),
        (lambda x: 1 / (x - x), "divisor"),
        (lambda x: Estimate([1.0, 2.0]) + np.ones(3), "other"),
        (lambda x: float(Estimate([1.0, 2.0])), "estimate"),
    ],
)
def test_what_has_no_answer_is_refused_in_a_sentence(operation, argument):
    with pytest.raises(InputError) as caught:
        operation(Estimate(0.35, {"mesh": 0.01}))
    assert caught.value.argument == argument


@pytest.mark.parametrize("other", ["0.1", None, 1j, [1.0]])
def test_what_is_no_number_is_left_to_python(other):
    with pytest.raises(TypeError):
        Estimate(0.35) + other


def test_an_estimate_is_a_number_for_float_and_format():
    x = Estimate(0.35486, {"statistical": 1.2e-4, "mesh": 3e-5})
    assert float(x) == 0.35486
    assert f"{x}" == f"{x:.2u}" == "0.35486(12)"
    assert f"{x:.1u}" == f"{x:.1uS}" == "0.3549(1)"
    assert f"{x:>14.1u}|{x:<14}|" == "     0.3549(1)|0.35486(12)   |"
    assert f"{x:.4f}" == "0.3549 +- 0.0001"
    assert f"{Estimate([0.5, 0.25], {'mesh': 0.5}):.1u}" == "[0.5(5) 0.2(5)]"
    with pytest.raises(ValueError, match="Unknown format code"):
        format(x, "d")


def test_the_representation_is_short_whatever_the_size():
    assert repr(Estimate(0.35486, {"mesh": 1.2e-4})) == "Estimate(0.35486(12), mesh 0.00012)"
    large = Estimate(np.ones((2000, 50)), {"mesh": 0.1})
    assert repr(large).startswith("Estimate of shape (2000, 50): [[1.00(10) 1.00(10) ... ")
    assert len(repr(large)) < 500


def test_rows_of_a_table_keep_the_sources_of_their_errors():
    """Of many entries the sources are looked up when they are needed: what is the same still cancels."""
    x = Estimate(np.linspace(1, 2, 300), {"mesh": np.full(300, 0.1)})
    rows = np.arange(100, 200)
    many, one = x[rows], x[rows][3]
    assert np.all((many - x[rows]).error == 0)
    assert (one - x[103]).error == 0
    assert np.all((many - x[:100]).error == pytest.approx(0.2))
    np.testing.assert_array_equal(many.value, x.value[rows])
