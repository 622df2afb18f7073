"""Observables against rapidity and in the acceptance of each experiment, from paths of all rapidities."""

from dataclasses import replace

import numpy as np
import pytest
from survival_tables import OPACITY, toy_table

from qtraj.observables.bins import Bins
from qtraj.observables.data.compare import rapidity_notes, theory_at
from qtraj.observables.data.dataset import Acceptance, load_data
from qtraj.observables.data.systems import load_system
from qtraj.observables.feeddown import FeedDown
from qtraj.observables.geometry import with_geometry
from qtraj.observables.observable import raa_curve, vn_curve
from qtraj.observables.overview import overview
from qtraj.pages.report import figures
from qtraj.pages.tables import about
from qtraj.plots.observables import write_observables

GROUP = FeedDown.named("group")
PBPB = load_system("PbPb5020")
SHIPPED = {"system": "PbPb", "sqrt_s_GeV": 5020}


def table_in_y(per_replicate=256, least=-5.0):
    """The toy table with |y| up to 5: the medium is as it is up to 2.3, then thinner, and flow lives forward only."""
    table = toy_table(per_replicate=per_replicate, flow=0.0)
    rng = np.random.default_rng(7)
    n = per_replicate * 4
    y = np.tile(rng.uniform(least, 5.0, n), 4)
    heat = np.tile(np.exp(-(np.maximum(np.abs(y[:n]) - 2.3, 0) ** 2) / 2), 4)
    survival = np.exp(-np.outer((1 - table.b_fm / 14) * heat, OPACITY))
    survival *= 1 + np.where(np.abs(y) > 2.5, 0.1, 0.0)[:, None] * np.cos(2 * table.phi)[:, None]
    return replace(table, survival=survival / 1.1, no_jump=0.4 * survival / 1.1, y=y)


@pytest.fixture(scope="module")
def panels():
    return {panel.name: panel for panel in overview({"t": table_in_y()}, system=PBPB)}


def test_every_observable_is_there_where_the_experiments_measure(panels):
    plain = {"raa_npart", "raa_centrality", "raa_pt", "raa_y", "raa_minimum_bias"}
    plain |= {"double_ratio_npart", "double_ratio_pt", "double_ratio_y", "v2_centrality", "v2_pt"}
    windows = ("raa_npart", "raa_pt", "double_ratio_npart", "double_ratio_pt", "v2_centrality", "v2_pt")
    assert set(panels) == plain | {f"{name}_{w}" for name in windows for w in ("midrapidity", "forward")}
    assert len(overview({"t": toy_table()}, system=PBPB)) == 8  # one rapidity has no windows


def test_a_window_holds_its_paths_and_the_measurements_inside(panels):
    table = with_geometry(table_in_y(), PBPB.geometry)
    forward = panels["raa_npart_forward"]
    expected = raa_curve(table, Bins("N_part"), GROUP, ranges={"abs_y": (2.5, 4.0)})
    np.testing.assert_array_equal(forward.curve["Y(1S)"].value, expected["Y(1S)"].value)
    assert np.all(forward.curve["Y(1S)"].value > panels["raa_npart_midrapidity"].curve["Y(1S)"].value)
    for name, window in (("_midrapidity", (-2.4, 2.4)), ("_forward", (2.5, 4.0))):
        for panel in (panel for key, panel in panels.items() if key.endswith(name)):
            assert "abs_y" in panel.curve.selection
            assert all(data.acceptance.within(y=window) for data in panel.datasets)
    assert {data.experiment for data in forward.datasets} == {"ALICE"}
    assert {data.experiment for data in panels["raa_pt_midrapidity"].datasets} == {"CMS", "ATLAS"}
    # flow lives forward only
    forward, central = (panels[f"v2_pt{w}"].curve["Y(1S)"] for w in ("_forward", "_midrapidity"))
    assert np.all(forward.value > 0.02)
    assert np.all(np.abs(central.value) < 1e-4)  # noise of the few between 2.3 and 2.4


def test_words_tell_every_panel_apart(panels):
    """A table or a chart that says R_AA against N_part three times says nothing."""
    assert len({about(panel) for panel in panels.values()}) == len(panels)
    assert about(panels["raa_npart"]) == "R_AA against N_part"
    assert about(panels["v2_pt_forward"]) == "v₂ against p_T, rapidity 2.5 to 4"
    titles = [chart["title"] for chart in figures(list(panels.values()))]
    assert len(set(titles)) == len(titles)
    assert "Nuclear modification factor against N_part, rapidity 2.5 to 4" in titles


def test_each_measurement_is_compared_once(panels):
    for name in ("raa_npart", "raa_pt", "v2_pt"):
        inside = [set(panels[f"{name}_{w}"].agreement) for w in ("midrapidity", "forward")]
        assert all(inside)
        assert not inside[0] & inside[1]
        assert not set(panels[name].agreement) & (inside[0] | inside[1])
    assert panels["raa_centrality"].agreement  # it has no windows


def test_each_window_has_files_of_its_own(panels, tmp_path):
    written = write_observables(
        [p for name, p in panels.items() if name.startswith("raa_npart")], tmp_path, title="T"
    )
    assert len(set(written)) == len(written)
    for window in ("", "_midrapidity", "_forward"):
        for name in (f"raa_npart{window}", f"regeneration{window}"):
            assert (tmp_path / f"{name}.png").is_file()
    assert "2.5 <= abs_y < 4" in (tmp_path / "hepdata" / "raa_npart_forward.yaml").read_text(encoding="utf-8")


def test_R_AA_against_rapidity_is_that_of_the_medium_at_each(panels):
    table = with_geometry(table_in_y(), PBPB.geometry)
    curve = panels["raa_y"].curve
    assert curve.x_name == "abs_y"
    value = curve["Y(1S)"].value
    inside = curve.x_high <= 2.3
    assert np.count_nonzero(inside) >= 4
    assert np.ptp(value[inside]) < 1e-12  # the same medium for all of them
    assert np.all(np.diff(value[~inside]) > 0)
    assert {data.experiment for data in panels["raa_y"].datasets} == {"CMS", "ATLAS", "ALICE"}
    # a bin is the mean over its rows, whichever side they are on
    i = int(np.argmax(curve.x > 3))
    bin_ = {"abs_y": (curve.x_low[i], curve.x_high[i])}
    expected = raa_curve(table, Bins("integrated"), GROUP, ranges=bin_)["Y(1S)"].value[0]
    assert value[i] == pytest.approx(expected, rel=1e-12)


def test_forward_points_are_compared_with_forward_paths_of_both_sides():
    table = with_geometry(table_in_y(), PBPB.geometry)
    (alice,) = load_data("v2", experiment="ALICE", x_name="centrality_pct")
    ranges = {"abs_y": (2.5, 4.0), "pT_GeV": (2, 15)}
    expected = vn_curve(table, Bins("centrality_pct"), GROUP, ranges=ranges).at("Y(1S)", alice.x)
    np.testing.assert_allclose(theory_at(alice, table, GROUP).value, expected.value, rtol=1e-12)
    # where forward and backward differ, only one side is the measurement's
    one_sided = replace(alice, system="pPb")
    backward = table.select(y=(-5.0, 2.5))
    with pytest.raises(Exception, match="at least one row"):
        theory_at(one_sided, backward, GROUP)
    assert len(theory_at(alice, backward, GROUP).value) == len(alice)
    assert alice.acceptance == Acceptance((2.0, 15.0), (2.5, 4.0))


def test_what_is_compared_at_another_rapidity_is_said(panels):
    for panel in overview({"t": toy_table()}, system=PBPB):
        forward = any(data.acceptance.y[0] > 0 for data in panel.datasets)
        said = [
            note for note in panel.notes if "All paths are at y = 0, the data of ALICE (2.5 < y < 4)" in note
        ]
        assert len(said) == forward
        assert all(note in said or "rapidit" not in note for note in panel.notes)
    of_all = [name for name, panel in panels.items() if any("all rapidities" in note for note in panel.notes)]
    ends = ("_forward", "_midrapidity", "_y")
    assert of_all == [name for name in panels if not name.endswith(ends)]
    forward = load_data("R_AA", **SHIPPED, experiment="ALICE", state="Y(1S)", x_name="N_part")
    assert rapidity_notes(np.full(8, 3.0), "N_part", forward) == ()
    assert rapidity_notes(None, "N_part", forward) == ()
