"""R_pA: what can be compared with survivals of proton-nucleus collisions, and what is refused."""

import numpy as np
import pytest

from qtraj.observables.data.compare import theory_at
from qtraj.observables.data.dataset import load_data
from qtraj.observables.data.systems import load_system
from qtraj.observables.feeddown import FeedDown
from qtraj.observables.overview import HOT_MEDIUM_ONLY, overview
from qtraj.observables.table import SurvivalTable

GROUP = FeedDown.named("group", errors=False)
PPB5, PPB8 = load_system("pPb5020"), load_system("pPb8160")
SCALE = np.array([0.9, 0.7, 0.75, 0.5, 0.6, 0.4])


def rows(n=2000, **columns):
    rng = np.random.default_rng(8)
    given = {"pT": 25 * rng.random(n), **columns}
    return SurvivalTable(np.tile(SCALE, (n, 1)), np.arange(n) % 4, **given)


def panels(table, system):
    return {panel.name: panel for panel in overview({"t": table}, system=system, feeddown=GROUP)}


def test_paths_at_mid_rapidity_are_compared_where_it_was_measured():
    found = panels(rows(), PPB5)
    assert list(found) == ["rpa_pt", "rpa_all_rows", "double_ratio_pt"]
    panel = found["rpa_pt"]
    assert panel.curve.observable == "R_pA"
    assert {name.partition(" Y(1S)")[0] for name in panel.agreement if "Y(1S)" in name} == {"ATLAS", "CMS"}
    assert panel.notes == (HOT_MEDIUM_ONLY,)
    assert "cold" in HOT_MEDIUM_ONLY


def test_forward_measurements_are_not_set_beside_mid_rapidity():
    panel = panels(rows(), PPB8)["rpa_pt"]
    assert panel.datasets == ()  # ALICE and LHCb only, all away from mid-rapidity: not drawn either
    assert panel.agreement == {}
    assert len(panel.left_out) == 6
    assert all("forward and backward differ" in line for line in panel.left_out)


def test_rapidities_of_the_center_of_mass_keep_their_sign():
    y = np.linspace(-4.9, 4.4, 2000)
    survival = np.outer(0.6 + 0.05 * y, np.ones(6))  # grows along the proton
    table = SurvivalTable(survival, np.arange(2000) % 4, pT=np.full(2000, 5.0), y=y)
    panel = panels(table, PPB5)["rpa_y"]
    assert panel.curve.x_name == "y_cm"
    np.testing.assert_allclose(panel.curve["Y(1S)"].value, 0.6 + 0.05 * panel.curve.x, rtol=1e-12)
    (atlas,) = load_data("R_pA", system="pPb", sqrt_s_GeV=5020, experiment="ATLAS", x_name="y_cm")
    found = theory_at(atlas, table, GROUP)
    # equidistant rows, 0.005 apart
    np.testing.assert_allclose(found.value, 0.6 + 0.05 * (atlas.x_low + atlas.x_high) / 2, atol=3e-4)
    assert {name.split()[0] for name in panel.agreement} == {"ALICE", "ATLAS", "CMS", "LHCb"}
    forward = panels(table, PPB8)
    assert {name.split()[0] for name in forward["rpa_y"].agreement} == {"ALICE", "LHCb"}
    assert {name.split()[0] for name in forward["double_ratio_y"].agreement} == {"LHCb"}


def test_the_acceptance_selects_rapidities():
    y = np.random.default_rng(9).uniform(-5, 5, 4000)
    survival = np.outer(np.where(y > 0, 0.9, 0.5), np.ones(6))
    pT = np.random.default_rng(1).uniform(0, 25, 4000)
    table = SurvivalTable(survival, np.arange(4000) % 4, pT=pT, y=y)
    forward, backward = (
        next(
            d
            for d in load_data("R_pA", system="pPb", sqrt_s_GeV=8160, experiment="LHCb", x_name="pT_GeV")
            if d.state == "Y(1S)" and (d.acceptance.y[0] > 0) == ahead
        )
        for ahead in (True, False)
    )
    np.testing.assert_allclose(theory_at(forward, table, GROUP).value, 0.9, rtol=1e-12)
    np.testing.assert_allclose(theory_at(backward, table, GROUP).value, 0.5, rtol=1e-12)


def test_events_chosen_by_tracks_and_classes_of_detectors_are_refused():
    phi = 2 * np.pi * np.random.default_rng(2).random(2000)
    flow = panels(rows(phi=phi), PPB8)["v2_pt"]
    assert flow.datasets == ()
    assert "69<Ntrk<300" in flow.left_out[0]
    b = np.repeat([0.5, 3.0, 5.0, 7.0], 500)
    ratios = panels(rows(b_fm=b), PPB5)
    assert "rpa_centrality" in ratios  # shown, with nothing beside it
    assert ratios["rpa_centrality"].datasets == ()


def test_all_collisions_are_compared_only_with_measurements_of_all():
    """Rows without impact parameters stand for what the user made them of: a class they are not is refused."""
    phi = 2 * np.pi * np.random.default_rng(3).random(2000)
    found = panels(rows(phi=phi), load_system("PbPb5020"))
    assert found["raa_pt"].agreement
    refused = [line for line in found["v2_pt"].left_out if "all collisions for rows without one" in line]
    assert any("10-30%" in line for line in refused)
    assert not found["v2_pt"].agreement


@pytest.mark.parametrize("system", ["pPb5020", "pPb8160"])
def test_unequal_nuclei_have_their_own_names(system):
    loaded = load_system(system)
    assert (loaded.unequal, loaded.ratio, loaded.rapidity) == (True, "R_pA", "y_cm")
    equal = load_system("PbPb5020")
    assert (equal.unequal, equal.ratio, equal.rapidity) == (False, "R_AA", "abs_y")
