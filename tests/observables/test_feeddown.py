import csv
from importlib import resources

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from qtraj.errors import InputError
from qtraj.observables.feeddown import MESON_NAMES, FeedDown

GROUP = FeedDown.named("group")
PDG = FeedDown.named("pdg2026")
survivals = arrays(float, (3, 9), elements=st.floats(0, 1))


def test_direct_cross_sections_of_the_group(measured):
    # nine digits, from a separate calculation with the same fractions and cross sections
    published = [43.0147236, 14.802724, 3.72, 13.5808, 16.027835, 6.8, 3.27, 12.0, 14.15]
    by_hand = 19 - (0.106 * 6.8 + 0.0138 * 3.27 + 0.181 * 12 + 0.089 * 14.15)
    measured("direct cross section of Y(1S), nb", GROUP.sigma_direct[0], published[0], 1e-9 * published[0])
    np.testing.assert_allclose(GROUP.sigma_direct, published, rtol=1e-9)
    assert GROUP.sigma_direct[1] == pytest.approx(by_hand, rel=1e-14)


@pytest.mark.parametrize("table", [GROUP, PDG])
def test_feeddown_restores_the_measured_cross_sections(table):
    # a triangular system of nine unknowns: rounding only
    np.testing.assert_allclose(table.matrix @ table.sigma_direct, table.sigma_exp, rtol=1e-14)


@pytest.mark.parametrize("table", [GROUP, PDG])
@pytest.mark.parametrize("shape", [(9,), (1, 9), (4, 9), (2, 3, 9)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_raa_is_exactly_one_where_nothing_is_lost(table, shape, order):
    assert np.all(table.apply(np.ones(shape, order=order)) == 1.0)


@pytest.mark.parametrize("table", [GROUP, PDG])
@given(a=survivals, b=survivals)
def test_raa_is_linear_and_bounded_by_the_survivals(table, a, b):
    # rounding of sums of nine terms of order one
    np.testing.assert_allclose(table.apply(2 * a - b), 2 * table.apply(a) - table.apply(b), atol=1e-14)
    raa = table.apply(a)
    assert np.all(raa <= a.max(axis=-1, keepdims=True) + 1e-15)
    assert np.all(raa >= a.min(axis=-1, keepdims=True) - 1e-15)


def test_without_feeddown_raa_is_the_survival():
    survival = np.linspace(0.1, 0.9, 9)
    # S sigma / sigma: one rounding each
    np.testing.assert_allclose(FeedDown(np.eye(9), np.arange(1, 10)).apply(survival), survival, rtol=1e-15)


def test_the_cascade_matrix_is_the_geometric_series_of_its_branching_fractions():
    path = resources.files("qtraj.data").joinpath("feeddown/branching.csv")
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    B = np.zeros((9, 9))
    for row in rows:
        daughter, parent = MESON_NAMES.index(row["daughter"]), MESON_NAMES.index(row["parent"])
        # Y(3S) -> Y(2S) inclusive would count cascades twice: pi+ pi- and pi0 pi0 only
        if "pdg2026" in row["used_by"].split():
            B[daughter, parent] += float(row["pdg2026_value"])
    series = sum(np.linalg.matrix_power(B, k) for k in range(9))  # ends: B is strictly triangular
    # the file holds all digits; the omega and eta channels of the list are the same numbers
    np.testing.assert_allclose(PDG.matrix, series, rtol=1e-12, atol=1e-15)


def test_direct_cross_sections_of_the_cascade_matrix_are_positive_and_smaller():
    assert np.all(PDG.sigma_direct > 0)
    assert np.all(PDG.sigma_direct <= PDG.sigma_exp)


def test_a_table_cannot_be_changed_in_place():
    with pytest.raises(ValueError, match="read-only"):
        GROUP.matrix[0, 1] = 0.5


def changed(row, column, value):
    matrix = np.eye(9)
    matrix[row, column] = value
    return matrix


@pytest.mark.parametrize(
    ("matrix", "sigma", "words"),
    [
        (np.eye(8), np.ones(9), "shape"),
        (np.eye(9), np.ones(8), "shape"),
        (changed(0, 1, -0.1), np.ones(9), "non-negative"),
        (changed(0, 1, np.nan), np.ones(9), "finite"),
        (changed(3, 3, 0.9), np.ones(9), "diagonal"),
        (np.ones((9, 9)), np.ones(9), "invertible"),
        (np.eye(9), np.zeros(9), "positive"),
        (np.eye(9), "many", "numbers"),
        (changed(0, 1, 0.5), [1.0, 4.0] + 7 * [1.0], "feed-down"),
    ],
)
def test_an_impossible_table_is_refused(matrix, sigma, words):
    with pytest.raises(InputError, match=words):
        FeedDown(matrix, sigma)


def test_unknown_names_and_shapes_are_refused():
    with pytest.raises(InputError, match="group, pdg2026"):
        FeedDown.named("pdg")
    with pytest.raises(InputError, match="length 9"):
        GROUP.apply(np.ones(6))


def test_the_shift_of_a_cascade_is_its_derivative():
    """F = (1 - B)^-1 with one fraction changed, by differences."""
    shift = PDG.matrix_shifts["Y(3S) -> chi_b1(2P) gamma"]
    B = np.eye(9) - np.linalg.inv(PDG.matrix)
    moved = B.copy()
    moved[MESON_NAMES.index("chi_b1(2P)"), MESON_NAMES.index("Y(3S)")] += 0.012  # its standard error
    # B is strictly triangular and one step feeds no other of its kind: the change is exactly linear
    np.testing.assert_allclose(np.linalg.inv(np.eye(9) - moved), PDG.matrix + shift, atol=1e-14)


def test_every_element_of_the_groups_matrix_has_an_error():
    off_diagonal = GROUP.matrix - np.eye(9)
    total = sum(GROUP.matrix_shifts.values())
    np.testing.assert_array_equal(total > 0, off_diagonal > 0)
    # 3.9 % of 0.352 and so on: no fraction is known better than 1 % nor worse than half of itself
    relative = (
        np.sqrt(sum(s**2 for s in GROUP.matrix_shifts.values()))[off_diagonal > 0]
        / off_diagonal[off_diagonal > 0]
    )
    assert np.all((relative > 0.01) & (relative < 0.5))


def test_errors_of_input_are_refused_where_they_make_no_sense():
    with pytest.raises(InputError, match="`sigma_exp_error`"):
        FeedDown(GROUP.matrix, GROUP.sigma_exp, sigma_exp_error=-np.ones(9))
    with pytest.raises(InputError, match="matrix_shifts"):
        FeedDown(GROUP.matrix, GROUP.sigma_exp, matrix_shifts={"x": np.ones(9)})
