"""The pieces of benchmarks/paper: exact answers by number of jumps, the paper's estimator, fits, resuming, the page."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from cases.common import MEDIUM, MODEL, START, TRUTH, Table
from paper import cost, exact, figures, jumps, page, record, sampled
from paper.tests import TESTS

import qtraj as qt
from qtraj.states import STATES


@pytest.fixture(scope="module")
def by_jumps():
    return exact.by_jumps(6, step=0.35, l_max=3)


def test_contributions_by_number_of_jumps_add_up_to_the_answer(by_jumps):
    exactly, _, total = by_jumps
    bare = qt.solve(MODEL, MEDIUM, START, qt.NoJump(error_budget=False))
    for i in exact.S_WAVES:
        name = STATES[i].name
        # the density matrix without NoJump's better part without jumps: this step misses 3e-3 of 3S
        assert exactly[:, i].sum() == pytest.approx(TRUTH[name], rel=1e-2)
        assert exactly[:, i].sum() == pytest.approx(total[i], rel=5e-3)  # the rest jumps more often
        assert exactly[0, i] == pytest.approx(float(bare.no_jump[name].value), rel=1e-2)


def test_parity_decides_which_numbers_of_jumps_reach_a_state(by_jumps):
    exactly, at_jump, _ = by_jumps
    for j, state in enumerate(STATES):
        even = exactly[(state.l + 1) % 2 :: 2, j]
        assert np.all(even == 0)
        # zero but for rounding and for many jumps, which the polynomial's degree does not tell apart: 1e-6.
        # A singlet with l = 1 needs three jumps: color changes in the first and the last, l in every one
        first = {0: 0, 1: 3, 2: 2}[state.l]
        assert np.all(np.abs(exactly[:first, j]) < 1e-5 * exactly[first, j])
        assert np.all(at_jump[: max(first, 2), j] < 1e-5 * at_jump[:, j].max())


def test_stopping_at_a_jump_counts_pairs_that_would_have_gone_on(by_jumps):
    exactly, at_jump, _ = by_jumps
    # the flux through the k-th jump into a state exceeds what of it is there at the end: the rest decays or jumps on
    assert np.all(at_jump[2, exact.S_WAVES] > exactly[2, exact.S_WAVES])


def test_late_jumps_interpolate_between_everything_and_no_jump():
    middle = 0.5 * (exact.BEGIN + exact.END)
    whole, some, none = exact.with_late_jumps([0.0, middle, exact.END], step=0.35, l_max=3)[:, exact.S_WAVES]
    assert np.all(whole > some)
    assert np.all(some > none)
    bare = qt.solve(MODEL, MEDIUM, START, qt.NoJump(error_budget=False))
    expected = [float(bare.no_jump[STATES[i].name].value) for i in exact.S_WAVES]
    assert none == pytest.approx(expected, rel=1e-2)  # the step's error is 3e-3 of 3S


@pytest.mark.slow
def test_regeneration_on_a_sine_grid_tends_to_that_of_the_mesh():
    """The spacing's error falls as its square: the Coulomb cusp."""
    true = {n: TRUTH[n] for n in ("1S", "2S", "3S")}
    bare = qt.solve(MODEL, MEDIUM, START, qt.NoJump(error_budget=False))
    expected = np.array([true[n] - float(bare.no_jump[n].value) for n in true])
    found = exact.regeneration(255, l_max=3, step=0.35)
    # 2S and 3S: spacing 0.08 GeV^-1 is an eighth of a Bohr radius; 1S regenerates 0.3 % only, from the cusp
    assert found[1:] == pytest.approx(expected[1:], rel=0.15)


def test_the_noise_of_the_papers_estimator_is_what_pairs_without_jumps_make():
    pool = sampled.pool(1024)
    i = exact.S_WAVES[0]
    # a share p counts bare each: binomial noise, to which jumps add below 1 %
    binomial = pool.bare[i] * np.sqrt(pool.p * (1 - pool.p))
    assert pool.deviation[i] == pytest.approx(binomial, rel=0.01)
    assert pool.mean[i] == pytest.approx(TRUTH["1S"], rel=0.01)
    means, errors = pool.runs(2000, 400, seed=3)
    # the spread of 400 means has an error of 1/sqrt(800), 3.5 %; four of them
    assert means[:, i].std() == pytest.approx(pool.deviation[i] / np.sqrt(2000), rel=0.15)
    assert errors[:, i].mean() == pytest.approx(pool.deviation[i] / np.sqrt(2000), rel=0.15)


def test_common_random_numbers_beat_independent_ones():
    runs = [sampled.regenerated(qt.SineGrid(num, 20.0), 0.04, 24) for num in (255, 127)]
    _, error, alone = sampled.shift(*runs)
    assert np.all(error < alone)
    same = sampled.shift(runs[0], runs[0])
    assert np.all(same[0] == 0)
    assert np.all(same[1] == 0)


def test_work_of_r_max_is_a_share_that_grows():
    norms, times = np.array([1.0, 0.5, 0.2, 0.1]), np.array([0.0, 1.0, 2.0, 3.0])
    shares = [jumps._work(limit, norms, times) for limit in (0.1, 0.2, 0.5, 1.0)]
    assert shares[0] == 0
    assert shares[-1] == 1
    assert np.all(np.diff(shares) > 0)


def test_the_fit_finds_its_own_law():
    num = np.array([511.0, 1023, 4095, 16383])
    A, B, off = cost.fit(num, 2e-5 * num**1.1 * np.log(num))
    assert pytest.approx(2e-5) == A
    assert pytest.approx(1.1) == B
    assert off < 1e-12


def test_a_finished_piece_is_not_computed_again(tmp_path, monkeypatch):
    monkeypatch.setattr(record, "RESULTS", tmp_path)
    calls = []

    def compute():
        calls.append(1)
        return [1.5, 2.5]

    for again, expected in ((False, 1), (False, 1), (True, 2)):
        assert record.Record("some", again=again).piece("a", compute) == [1.5, 2.5]
        assert len(calls) == expected
    quick = record.Record("some", quick=True)
    quick.piece("a", compute)
    assert len(calls) == 3  # a quick run takes nothing from the file ...
    quick.save()
    assert record.Record("some").piece("a", compute) == [1.5, 2.5]  # ... and leaves nothing there
    assert len(calls) == 3


@pytest.mark.parametrize("old", ["", "old\n"])
def test_the_page_is_renewed_between_its_marks(old):
    text = f"before\n<!-- some -->\n{old}<!-- end some -->\nafter\n"
    table = Table("Title", ("a", "b"), ((1, "x|y"),), "Note.")
    versions = {"qtraj": "1", "qutip": "2"}
    machine = {"date_utc": "d", "cores": 2, "cpu": "c", "load_1_5_15_min": [1], "versions": versions}
    block = page.block(machine, [table])
    new = page.replaced(text, "some", block)
    assert r"| 1 | x\|y |" in block
    assert new == f"before\n<!-- some -->\n\n{block}\n\n<!-- end some -->\nafter\n"
    assert page.replaced(new, "some", block) == new
    assert page.replaced(text, "other", block) == text


@pytest.mark.parametrize("name", TESTS)
def test_the_page_holds_the_saved_tables(name):
    text = page.PAGE.read_text()
    assert page.block(*page.load(name)) in text
    assert f"figures/paper_{name}.png" in text


def test_a_figure_is_drawn_from_saved_tables(tmp_path):
    _, tables = page.load("time_step")
    assert figures.save("time_step", tables, tmp_path).read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
@pytest.mark.parametrize("name", TESTS)
def test_a_quick_run_makes_tables_and_figure(name, tmp_path):
    tables = TESTS[name](record.Record(name, quick=True))
    assert all(len(t.columns) == len(row) for t in tables for row in t.rows)
    assert all(len(t.rows) > 1 for t in tables)
    assert figures.save(name, tables, tmp_path).read_bytes().startswith(b"\x89PNG")
