"""Which bins a table fills, and what is said where it fills none."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from survival_tables import toy_table

from qtraj.observables.bins import CENTRALITY_EDGES, LEAST_ROWS, filled_bins, momentum_bins, not_shown
from qtraj.observables.data.compare import theory_at
from qtraj.observables.data.dataset import load_data
from qtraj.observables.data.systems import load_system
from qtraj.observables.feeddown import FeedDown
from qtraj.observables.geometry import with_geometry
from qtraj.observables.observable import raa_curve
from qtraj.observables.overview import overview
from qtraj.observables.table import SurvivalTable

GROUP = FeedDown.named("group", errors=False)
PBPB = load_system("PbPb5020")


def rows(n=400, replicates=4, survival=None, **columns):
    """Rows of one survival, 0.5 by default."""
    values = np.full(n, 0.5) if survival is None else survival
    return SurvivalTable(np.outer(values, np.ones(6)), np.arange(n) % replicates, **columns)


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.integers(30, 300))
def test_bins_hold_enough_rows_of_every_value(seed, n):
    pT = 30 * np.random.default_rng(seed).random(n) ** 2
    bins = momentum_bins(rows(n, pT=pT), LEAST_ROWS)
    if bins is None:
        assert n < 2 * LEAST_ROWS * 4  # fewer than two bins' worth may fail to fill one
        return
    counts = [np.count_nonzero((low <= pT) & (pT < high)) for low, high in bins.intervals]
    assert min(counts) >= LEAST_ROWS * 4
    assert sum(counts) == n
    assert all(a[1] == b[0] for a, b in zip(bins.intervals, bins.intervals[1:], strict=False))


def test_a_continuum_of_impact_parameters_is_binned_in_centrality():
    """Impact parameters drawn at random, as in QTraj's files: S falls with N_part, and so must the curve."""
    rng = np.random.default_rng(4)
    b = PBPB.geometry.b_of(0.9 * rng.random(2000))
    table = with_geometry(rows(2000, survival=np.exp(-3 * (1 - b / 20)), b_fm=b), PBPB.geometry)
    bins = filled_bins(table)
    assert bins["centrality"].intervals[0] == CENTRALITY_EDGES[:2]
    curve = raa_curve(table, bins["npart"], GROUP)["Y(1S)"].value
    assert len(curve) == 8
    assert np.all(np.diff(curve) < 0)


def test_measured_participants_are_compared_in_their_classes():
    rng = np.random.default_rng(5)
    b = PBPB.geometry.b_of(PBPB.geometry.centrality[-1] * rng.random(4000))
    survival = 0.2 + 0.6 * PBPB.geometry.at("centrality", b)
    table = with_geometry(rows(4000, survival=survival, b_fm=b), PBPB.geometry)
    (cms,) = load_data(
        "R_AA", system="PbPb", sqrt_s_GeV=5020, experiment="CMS", state="Y(1S)", x_name="N_part"
    )
    found = theory_at(cms, table, GROUP)
    for words, value in zip(cms.centrality, found.value, strict=True):
        low, high = (float(word) / 100 for word in words.rstrip("%").split("-"))
        inside = np.linspace(low, min(high, PBPB.geometry.centrality[-1]), 200)
        weight = PBPB.geometry.at("n_coll", PBPB.geometry.b_of(inside))
        # mean of a linear survival in the class; 4000 random rows leave holes of a few 1e-4 in centrality
        assert value == pytest.approx(0.2 + 0.6 * np.average(inside, weights=weight), abs=0.004)


def test_rapidity_is_shown_where_the_rows_differ_in_it():
    rng = np.random.default_rng(6)
    y = 4.8 * rng.random(1200) - 2.4
    table = rows(1200, survival=0.3 + 0.1 * np.abs(y), y=y)
    (panel,) = (panel for panel in overview({"t": table}, feeddown=GROUP) if panel.name == "raa_y")
    assert panel.curve.x_name == "abs_y"
    # linear in |y|: the mean of a bin is the value at its mean
    np.testing.assert_allclose(panel.curve["Y(2S)"].value, 0.3 + 0.1 * panel.curve.x, rtol=1e-12)
    assert panel.curve.x_high[-1] == pytest.approx(2.4)


def test_measured_rapidities_are_averaged_over_their_bins():
    y = np.random.default_rng(7).random(4000) * 4.8 - 2.4
    table = rows(4000, survival=0.3 + 0.1 * np.abs(y), y=y)
    (cms,) = (
        d
        for d in load_data(
            "R_AA", system="PbPb", sqrt_s_GeV=5020, experiment="CMS", x_name="abs_y", state="Y(1S)"
        )
    )
    found = theory_at(cms, table, GROUP)
    expected = 0.3 + 0.1 * (cms.x_low + cms.x_high) / 2
    # rows at random: the mean |y| of 600 in a bin of 0.4 is known to 0.005
    np.testing.assert_allclose(found.value, expected, atol=2e-3)


def test_what_is_missing_is_said_and_not_drawn():
    flat = toy_table()
    assert "raa_y" not in [panel.name for panel in overview({"t": flat}, system=PBPB)]
    assert not_shown(flat, PBPB) == [
        "not shown: R_AA against |y|, since all paths are at rapidity 0: a medium that is the same at all others "
        "has no dependence to show"
    ]
    bare = not_shown(rows())
    assert [line.split(",")[0] for line in bare] == [
        "not shown: R_AA against N_part and centrality",
        "not shown: R_AA against p_T",
        "not shown: R_AA against |y|",
        "not shown: flow coefficients",
    ]
    few = not_shown(rows(12, pT=np.arange(12.0), y=np.arange(12.0)))
    assert sum("no bin holds 8 paths" in line for line in few) == 2
    assert any("no system says" in line for line in not_shown(rows(b_fm=np.full(400, 5.0))))
