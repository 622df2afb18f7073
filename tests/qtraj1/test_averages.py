"""Averages of ratio files: the formulas, and honesty where rare rows carry the mean."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from legacy_files import COLLECTED, RATIOS, SAMPLES, ratio_table

from qtraj.errors import InputError
from qtraj.qtraj1 import NoJumpPart, RatioTable, average_ratios, effective_rows, read_ratios
from qtraj.states import STATE_NAMES

P_BJORKEN = 0.008697  # last norm of the first block of summary.tsv


def notes(estimate):
    return " ".join(estimate.not_estimated)


def test_mean_and_standard_error_of_two_values():
    # k ones among n rows: mean k/n, error sqrt(q (1 - q)/(n - 1))
    n, k = 100, 40
    estimate = average_ratios(ratio_table(np.arange(n) < k))["1S"]
    assert estimate.value == pytest.approx(0.4, rel=1e-15)
    assert estimate.error == pytest.approx(np.sqrt(0.4 * 0.6 / 99), rel=1e-14)
    assert dict(estimate.parts).keys() == {"statistical"}
    assert estimate.not_estimated == ()


def test_paths_count_once_and_their_scatter_is_the_error():
    # path a: 1, 2, 3 (mean 2); path b: 4 (mean 4): mean 3, error |4 - 2|/2
    table = ratio_table([1, 4, 2, 3], metadata=("a", "b", "a", "a"))
    by_path = average_ratios(table)["1S"]
    assert by_path.value == pytest.approx(3, rel=1e-15)
    assert by_path.parts["paths"] == pytest.approx(1, rel=1e-15)
    by_row = average_ratios(table, by="rows")["1S"]
    assert by_row.value == pytest.approx(2.5, rel=1e-15)
    assert by_row.parts["statistical"] == pytest.approx(np.std([1, 2, 3, 4], ddof=1) / 2, rel=1e-14)


def test_weights_are_those_of_the_metadata():
    lines = tuple("5\t1\t1\t0\t6\t2\t0\t" + w for w in ("3", "1"))
    estimate = average_ratios(ratio_table([2, 4], metadata=lines), weighted=True)["1S"]
    assert estimate.value == pytest.approx(2.5, rel=1e-15)
    # sqrt(2 (9 * 0.25 + 1 * 2.25))/4
    assert estimate.parts["paths"] == pytest.approx(0.75, rel=1e-14)
    assert "weighted=True" in notes(average_ratios(ratio_table([2, 4], metadata=lines))["1S"])


@settings(max_examples=40)
@given(hnp.arrays(float, st.integers(2, 30), elements=st.floats(0, 1e3)), st.randoms(use_true_random=False))
def test_one_row_for_each_path_is_an_average_over_rows_in_any_order(x, random):
    order = list(range(len(x)))
    random.shuffle(order)
    rows = average_ratios(ratio_table(x))["1S"]
    paths = average_ratios(ratio_table(x[order], metadata=tuple(map(str, order))))["1S"]
    assert paths.value == pytest.approx(rows.value, rel=1e-12)
    # the standard deviation of nearly equal numbers loses digits
    assert paths.parts["paths"] == pytest.approx(rows.parts["statistical"], rel=1e-6, abs=1e-10)


def test_the_two_waves_of_a_collection_are_kept_apart():
    table = read_ratios(COLLECTED)
    with pytest.raises(InputError, match="one of 0, 1"):
        average_ratios(table)
    with pytest.raises(InputError, match="one of 0, 1"):
        average_ratios(table, l=2)
    for l, name, folder in ((0, "1S", "trajectory/output-420"), (1, "1P", "trajectory_l1/output-541")):
        alone = average_ratios(read_ratios(SAMPLES / folder / "ratios.tsv"))
        both = average_ratios(table, l=l)
        assert list(both) == list(STATE_NAMES)
        assert both[name].value == alone[name].value > 0
        assert "scatter over paths" in notes(both[name])


def test_the_exact_part_replaces_the_rows_that_did_not_jump():
    # p = 0.25: one row in two did not jump by chance, the others hold 1 and 3
    table = ratio_table([8, 8, 1, 3], r0=[0.1, 0.2, 0.6, 0.7])
    part = NoJumpPart.from_rows(table, 0.25, resolution=1e-3)
    assert part.ratios[0] == 2
    estimate = average_ratios(table, no_jump=part)["1S"]
    assert estimate.value == pytest.approx(2 + 0.75 * 2, rel=1e-15)
    assert estimate.parts["statistical"] == pytest.approx(0.75 * 1, rel=1e-14)
    assert estimate.parts["rounding"] == pytest.approx(8e-3, rel=1e-15)


def test_rows_beyond_r_max_fill_no_part_of_the_interval():
    table = ratio_table([8, 1, 3, 0, 0], r0=[0.1, 0.3, 0.4, 0.6, 0.9])
    estimate = average_ratios(table, no_jump=NoJumpPart.from_rows(table, 0.25), r_max=0.5)["1S"]
    assert estimate.value == pytest.approx(2 + 0.25 * 2, rel=1e-15)
    assert "rMax = 0.5" in notes(estimate)


def test_both_estimators_have_the_right_mean_and_error_and_the_exact_part_wins():
    """Rows like those of QTraj, whose mean is known: 40 with p = 0.02, a jumped row is 1 with probability 0.4."""
    p, height, chance, n, runs = 0.02, 40.0, 0.4, 1000, 200
    truth = p * height + (1 - p) * chance
    rng = np.random.default_rng(20210714)
    part = NoJumpPart(p, [p * height, 0, 0, 0, 0, 0])
    pulls, errors = [], []
    for _ in range(runs):
        r0 = rng.random(n)
        x = np.where(r0 < p, height, rng.random(n) < chance)
        pair = [average_ratios(ratio_table(x, r0), no_jump=known)["1S"] for known in (None, part)]
        errors.append([e.statistical for e in pair])
        pulls.append(
            [
                (e.value - truth) / known
                for e, known in zip(pair, known_errors(p, height, chance, n), strict=True)
            ]
        )
    # the mean of 200 unit normals is within 0.28, their variance within 0.4, at 4 standard deviations each:
    # a false alarm in about 4000 seeds (four numbers, two-sided)
    assert np.max(np.abs(np.mean(pulls, axis=0))) < 4 / np.sqrt(runs)
    assert np.max(np.abs(np.var(pulls, axis=0) - 1)) < 4 * np.sqrt(2 / runs)
    # the printed error is the known one on average; the error of an error is 10 % or less a run
    np.testing.assert_allclose(np.mean(errors, axis=0), known_errors(p, height, chance, n), rtol=0.05)
    assert np.mean(errors, axis=0)[0] > 10 * np.mean(errors, axis=0)[1]


def known_errors(p, height, chance, n):
    """Standard deviations of the two estimators: of a row, and of a jumped row, over the square root of rows."""
    mean = p * height + (1 - p) * chance
    square = p * height**2 + (1 - p) * chance
    return np.sqrt((square - mean**2) / n), (1 - p) * np.sqrt(chance * (1 - chance) / ((1 - p) * n))


def test_a_mean_that_rests_on_one_row_says_so_with_a_bound():
    plain = average_ratios(read_ratios(RATIOS))
    assert "1.0 effective rows of 40" in notes(plain["1S"])
    # three over the number of rows, times the size of the one row
    assert plain["1S"].parts["rare_events"] == pytest.approx(3 * 38.2618 / 40, rel=1e-15)
    assert "none of 40 contributes" in notes(plain["1P"])


def test_the_bound_covers_the_truth_where_the_standard_error_does_not():
    """The published trap: jumped rows of 1 in 5 % and of 38 in 0.1 % of 300 rows, so the large ones are not seen."""
    p, height, n, runs = 0.0087, 38.0, 300, 400
    part = NoJumpPart(p, [p * height, 0, 0, 0, 0, 0])
    truth = p * height + (1 - p) * (0.05 + 0.001 * height)
    rng = np.random.default_rng(11)
    covered = []
    for _ in range(runs):
        draw = rng.random(n)
        x = np.where(draw < 0.001, height, np.where(draw < 0.051, 1.0, 0.0))
        estimate = average_ratios(ratio_table(x), no_jump=part)["1S"]
        covered.append([abs(estimate.value - truth) < 2 * e for e in (estimate.statistical, estimate.error)])
    rate = np.mean(covered, axis=0)
    # in 74 % of the runs no large row is seen; two standard errors reach the truth then only where there are 18 or
    # more small rows instead of 15 (a quarter of the runs): 45 % in all, known to 2.5 %
    assert rate[0] < 0.6
    assert rate[1] == 1


def test_with_the_no_jump_part_known_even_unseen_rows_have_a_bound():
    table = read_ratios(RATIOS)
    part = NoJumpPart.from_rows(table, P_BJORKEN)
    estimate = average_ratios(table, no_jump=part)["1S"]
    # no jumped row contributes: the exact part is the value, p times the row, known to the digits of p
    assert estimate.value == pytest.approx(38.2618 * P_BJORKEN, rel=1e-15)
    assert estimate.statistical == 0
    assert estimate.parts["rare_events"] == pytest.approx(3 / 39 * (1 - P_BJORKEN) * 38.2618, rel=1e-12)
    # the no-jump run on this grid, all digits: 0.332766112529987 (golden_public.json, setting "baseline")
    assert abs(part.ratios[0] - 0.332766112529987) < part.error[0] + 5e-6 * part.ratios[0]


def test_a_run_without_jumps_is_exact_and_says_what_is_missing():
    estimate = average_ratios(read_ratios(SAMPLES / "basis" / "output" / "ratios.tsv"))["1S"]
    assert estimate.value == 0.334734
    assert estimate.error == 0
    assert estimate.not_estimated == ("jumps (doJumps 0)",)


def test_one_sampled_row_has_no_error():
    assert "one row" in notes(average_ratios(ratio_table([1.0]))["1S"])


@given(hnp.arrays(float, st.integers(1, 30), elements=st.floats(0, 1e300)), st.floats(1e-3, 1e3))
def test_effective_rows_lie_between_one_and_all_and_know_no_unit(x, factor):
    count = effective_rows(x)
    if not x.any():
        assert count == 0
        return
    assert 1 - 1e-12 <= count <= np.count_nonzero(x) * (1 + 1e-12)
    assert effective_rows(np.ones(len(x))) == len(x)
    if x[x > 0].min() > 1e-280:  # below, scaling loses digits of subnormal numbers
        assert effective_rows(x * factor) == pytest.approx(count, rel=1e-9)


TWO_PATHS = ratio_table([1, 2, 3, 4], metadata=("a", "b", "a", "b"))
PART = NoJumpPart(0.1, [0.3, 0, 0, 0, 0, 0])


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (lambda: average_ratios(TWO_PATHS, no_jump=PART), "one temperature history"),
        (lambda: average_ratios(ratio_table([1, 2], r0=[0.01, 0.02]), no_jump=PART), "at least two rows"),
        (lambda: average_ratios(ratio_table([1, 2]), by="paths"), "without metadata"),
        (lambda: average_ratios(ratio_table([1, 2]), by="events"), "'rows' or 'paths'"),
        (lambda: average_ratios(ratio_table([1, 2]), weighted=True), "over rows"),
        (lambda: average_ratios(TWO_PATHS, weighted=True), "no eighth value"),
        (
            lambda: average_ratios(ratio_table([1], metadata=("\t" * 7 + "-1",)), weighted=True),
            "non-negative",
        ),
        (lambda: average_ratios(ratio_table([1, 2]), r_max=0), "at most 1"),
        (lambda: NoJumpPart(0, np.zeros(6)), "between 0 and 1"),
        (lambda: NoJumpPart(0.5, np.zeros(5)), "6 finite"),
        (lambda: NoJumpPart.from_rows(ratio_table([1, 2]), 0.1), "did not jump"),
    ],
)
def test_questions_without_an_answer_are_refused(call, problem):
    with pytest.raises(InputError, match=problem):
        call()


def test_a_selection_keeps_rows_and_metadata_together():
    chosen = TWO_PATHS.select(np.array([False, True, False, True]))
    assert isinstance(chosen, RatioTable)
    assert chosen.metadata == ("b", "b")
    assert chosen.ratios[:, 0].tolist() == [2, 4]
