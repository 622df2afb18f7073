"""What `qtraj observe` shows: bands over settings, parts, comparison at the points of the data."""

import numpy as np
import pytest
from survival_tables import toy_settings, toy_table

from qtraj.errors import InputError
from qtraj.observables.bins import Bins
from qtraj.observables.data.compare import theory_at
from qtraj.observables.data.dataset import load_data
from qtraj.observables.data.systems import load_system
from qtraj.observables.feeddown import FeedDown
from qtraj.observables.geometry import with_geometry
from qtraj.observables.observable import raa_curve, vn_curve
from qtraj.observables.overview import overview, varied_settings
from qtraj.observables.table import SurvivalTable

GROUP = FeedDown.named("group")
PBPB = load_system("PbPb5020")


@pytest.fixture(scope="module")
def panels():
    return {panel.name: panel for panel in overview(toy_settings(), system=PBPB)}


def test_everything_that_the_table_allows_is_there(panels):
    assert list(panels) == [
        *("raa_npart", "raa_centrality", "raa_pt", "raa_minimum_bias"),
        *("double_ratio_npart", "double_ratio_pt", "v2_centrality", "v2_pt"),
    ]
    bare = toy_table()
    bare = SurvivalTable(bare.survival, bare.replicate)
    assert [panel.name for panel in overview({"only": bare})] == ["raa_all_rows"]


def test_each_coefficient_is_varied_with_the_others_central():
    assert varied_settings(toy_settings()) == {
        "kappa: 1.0, 0.8, 1.2": ["central", "low", "high"],
        "gamma: -1.75, 0.0": ["central", "gamma"],
    }
    assert varied_settings({"only": toy_table()}) == {"": ["only"]}
    T_f = {"a": toy_table(T_end=0.25), "b": toy_table(T_end=0.19)}
    assert varied_settings(T_f) == {"T_end: 0.25, 0.19": ["a", "b"]}


def test_bands_hold_the_other_settings(panels):
    tables = {key: with_geometry(table, PBPB.geometry) for key, table in toy_settings().items()}
    band = next(b for b in panels["raa_pt"].bands if b.name == "Y(2S)" and b.label.startswith("kappa"))
    bins = Bins("pT_GeV", list(zip(band.curve.x_low, band.curve.x_high, strict=True)))
    for key, edge in (("low", band.high), ("high", band.low), ("central", band.central.value)):
        np.testing.assert_allclose(raa_curve(tables[key], bins, GROUP)["Y(2S)"].value, edge, rtol=1e-12)


def test_the_parts_add_to_the_total(panels):
    for name in ("raa_npart", "raa_pt", "raa_minimum_bias"):
        panel = panels[name]
        both = sum(panel.parts[part]["Y(3S)"].value for part in ("no_jump", "regeneration"))
        np.testing.assert_allclose(both, panel.curve["Y(3S)"].value, rtol=1e-12)
        np.testing.assert_allclose(panel.parts["no_jump"]["Y(3S)"].value / both, 0.4, rtol=1e-12)


def test_minimum_bias_weighs_with_collisions_or_as_the_group_does():
    by = {
        w: overview({"t": toy_table()}, system=PBPB, weighting=w) for w in ("collisions", "exponential", None)
    }
    values = {w: next(p for p in panels if p.name == "raa_minimum_bias") for w, panels in by.items()}
    values = {w: panel.curve["Y(1S)"].value[0] for w, panel in values.items()}
    # exp(-c/0.25) gives peripheral collisions more, equal weights of the four geometries most
    assert values["collisions"] < values["exponential"] < values[None]


def test_points_of_a_measurement_in_its_own_bins_and_class():
    table = with_geometry(toy_table(per_replicate=256), PBPB.geometry)
    data = load_data("v2", experiment="CMS", system="PbPb", x_name="pT_GeV")
    (chosen,) = (d for d in data if d.centrality[0] == "10-30%")
    found = theory_at(chosen, table, GROUP)
    for i in range(3):  # the last bin goes to 50 GeV
        low, high = chosen.x_low[i], chosen.x_high[i]
        ranges = {"centrality_pct": (10.0, 30.0)}
        expected = vn_curve(table, Bins("pT_GeV", [(low, high)]), GROUP, ranges=ranges)["Y(1S)"]
        assert found.value[i] == pytest.approx(expected.value[0], rel=1e-12)


def test_points_between_geometries_are_interpolated_and_outside_missing():
    table = with_geometry(toy_table(), PBPB.geometry)
    (cms,) = load_data(
        "R_AA", system="PbPb", sqrt_s_GeV=5020, experiment="CMS", state="Y(1S)", x_name="N_part"
    )
    found = theory_at(cms, table, GROUP)
    n_part = np.sort(np.unique(table.n_part))
    outside = (cms.x < n_part[0]) | (cms.x > n_part[-1])
    np.testing.assert_array_equal(np.isnan(found.value), outside)


def test_momentum_acceptance_selects_paths():
    table = with_geometry(toy_table(), PBPB.geometry)
    (alice,) = load_data("v2", experiment="ALICE", x_name="centrality_pct")
    cut = table.select(pT_GeV=(2, 15))
    expected = vn_curve(cut, Bins("centrality_pct"), GROUP).at("Y(1S)", alice.x)
    np.testing.assert_allclose(theory_at(alice, table, GROUP).value, expected.value, rtol=1e-12)


def test_paths_at_one_rapidity_are_not_compared_against_rapidity(panels):
    (cms, *_) = load_data("R_AA", system="PbPb", sqrt_s_GeV=5020, experiment="CMS", x_name="abs_y")
    table = with_geometry(toy_table(), PBPB.geometry)
    with pytest.raises(InputError, match="differ between the paths"):
        theory_at(cms, table, GROUP)


def test_agreement_is_with_every_measurement_of_what_is_shown(panels):
    assert {name.split(",")[0] for name in panels["double_ratio_pt"].agreement} == {
        *("CMS Y(2S)/Y(1S)", "CMS Y(3S)/Y(2S)", "ATLAS Y(2S)/Y(1S)"),
    }
    assert all(chi.points > 0 for panel in panels.values() for chi in panel.agreement.values())
    assert sum(len(panel.left_out) for panel in panels.values()) == 0


def test_a_class_is_not_compared_with_geometries_that_say_little_about_it():
    peripheral = overview({"t": toy_table(b_fm=(9.2, 11.6))}, system=PBPB)
    panel = next(panel for panel in peripheral if panel.name == "raa_pt")
    assert panel.datasets
    assert not panel.agreement
    assert all("cover at least 50 %" in line for line in panel.left_out)


def test_a_table_of_one_wave_is_refused():
    survival = toy_table().survival.value.copy()
    survival[:, [2, 4]] = np.nan
    with pytest.raises(InputError, match="1P, 2P"):
        overview({"s": SurvivalTable(survival, np.arange(len(survival)))})
    with pytest.raises(InputError, match="at least one setting"):
        overview({})


@pytest.mark.parametrize("b_fm", [(5.25,), (9.2, 11.6)])
def test_an_average_over_few_collisions_is_not_called_minimum_bias(b_fm):
    names = [panel.name for panel in overview({"t": toy_table(b_fm=b_fm)}, system=PBPB)]
    assert "raa_all_rows" in names
    assert "raa_minimum_bias" not in names
