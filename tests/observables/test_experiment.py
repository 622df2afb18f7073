import csv
import re
from importlib import resources

import numpy as np
import pytest
from stand_in import make_run_file

from qtraj.campaign.run import measured
from qtraj.errors import InputError
from qtraj.observables.data import dataset as experiment
from qtraj.observables.data.dataset import FILES, STATUSES, Acceptance, load_data, load_raa
from qtraj.observables.data.systems import load_system


def rows(name):
    path = resources.files("qtraj.data").joinpath(f"experiment/{name}")
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def test_the_main_selection_has_the_published_points():
    counts = {(d.experiment, d.state): len(d) for d in load_raa("PbPb", 5020)}
    assert counts == {
        ("CMS", "Y(1S)"): 9,
        ("CMS", "Y(2S)"): 9,
        ("CMS", "Y(3S)"): 4,
        ("ATLAS", "Y(1S)"): 8,
        ("ATLAS", "Y(2S)"): 3,
        ("ALICE", "Y(1S)"): 9,
        ("ALICE", "Y(2S)"): 2,
    }


def test_a_point_as_published():
    """Central point of CMS, PLB 790 (2019) 270: R_AA = 0.319 +- 0.019 + 0.019 - 0.020."""
    (cms,) = load_raa(state="Y(1S)", experiment="CMS")
    assert (cms.x[-1], cms.centrality[-1]) == (384.3, "0-5%")
    assert (cms.value[-1], cms.stat_plus[-1], cms.syst_plus[-1], cms.syst_minus[-1]) == (
        0.319,
        0.019,
        0.019,
        0.020,
    )
    assert cms.paper == "PLB 790 (2019) 270"
    assert cms.source.endswith("doi:10.17182/hepdata.83200.v2/t19")
    assert "|y|<2.4" in str(cms)
    # 3.05 % and 3.62 % in quadrature; four decimals are stored
    assert cms.global_rel_plus[0] == pytest.approx(np.hypot(0.0305, 0.0362), abs=5e-5)


def test_totals_are_the_quadrature_of_their_parts():
    for x_name in ("N_part", "pT_GeV", "abs_y", "centrality_pct"):
        for data in load_raa(x_name=x_name):
            for sign in ("plus", "minus"):
                stat, syst, total = (getattr(data, f"{part}_{sign}") for part in ("stat", "syst", "total"))
                # five decimals are stored
                np.testing.assert_allclose(np.hypot(stat, syst), total, atol=5.1e-6)


def test_relative_global_errors_are_those_of_the_source():
    for row in rows(FILES[0]):
        relative = [float(row[f"global_rel_{sign}"] or "nan") for sign in ("plus", "minus")]
        percents = re.findall(r"([+-]?)(\d+\.?\d*) *%", row["global_unc"])
        if percents:
            expected = [np.linalg.norm([float(p) for s, p in percents if s != other]) / 100 for other in "-+"]
        elif row["global_plus"]:
            expected = [float(row[f"global_{sign}"]) / float(row["value"]) for sign in ("plus", "minus")]
        else:
            expected = [np.nan, np.nan]
        # four decimals are stored
        np.testing.assert_allclose(relative, expected, atol=5.1e-5)


def test_every_row_has_a_source_a_known_status_and_sound_numbers():
    for name in FILES:
        for row in rows(name):
            assert row["paper"]
            assert "@" in row["read_from"] or row["quality"] == "abstract"  # a repository at a commit
            assert row["status"] in STATUSES
            assert row["observable"] == "v2" or float(row["value"]) >= 0
            errors = [row[c] for c in row if c.endswith(("_plus", "_minus")) or c == "total"]
            assert all(float(error) >= 0 for error in errors if error)


def test_data_that_should_not_be_compared_are_left_out():
    current = load_raa(state="Y(2S)", experiment="CMS", x_name="pT_GeV")
    superseded = load_raa(state="Y(2S)", experiment="CMS", x_name="pT_GeV", status="superseded")
    assert [len(d) for d in current] == [5]
    assert [len(d) for d in superseded] == [3]
    assert "superseded" in superseded[0].note
    assert {d.paper for d in current}.isdisjoint({d.paper for d in superseded})


def test_preliminary_and_duplicate_points_come_only_when_asked_for():
    secondary = load_raa(status=["preliminary", "duplicate"])
    assert {d.quality for d in secondary} == {"notebook"}
    assert {(d.experiment, d.status) for d in secondary} == {("ATLAS", "preliminary"), ("CMS", "duplicate")}
    assert all(np.all(np.isnan(d.stat_plus)) and np.all(d.total_plus == d.total_minus) for d in secondary)
    assert all(d.status == "current" and d.quality != "notebook" for d in load_raa())


def test_double_ratios_in_oxygen_say_that_they_are_at_second_hand():
    oxygen = load_data("double_ratio", system="OO", x_name="integrated", status="preliminary")
    assert {d.state: (d.value[0], d.stat_plus[0], d.syst_plus[0]) for d in oxygen} == {
        "Y(2S)/Y(1S)": (0.66, 0.05, 0.02),
        "Y(3S)/Y(1S)": (0.39, 0.07, 0.03),
        "Y(3S)/Y(2S)": (0.60, 0.13, 0.03),
    }
    assert all("slide" in d.note and "second hand" in d.note and d.quality == "preliminary" for d in oxygen)
    assert not load_data("double_ratio", system="OO", required=False)


def test_duplicates_agree_with_the_first_copy():
    (first,) = load_raa(state="Y(3S)", experiment="CMS")
    (copy,) = load_raa(state="Y(3S)", experiment="CMS", status="duplicate")
    # the first has two digits
    np.testing.assert_allclose(copy.value, first.value, atol=0.0051)
    np.testing.assert_array_equal(copy.x, first.x)


def test_selection_by_quality():
    assert {d.experiment for d in load_raa(quality="digitised")} == {"ATLAS"}
    assert {d.experiment for d in load_raa(quality=("hepdata", "paper_table"))} == {"CMS", "ALICE"}


def test_upper_limits_are_marked():
    (limit,) = load_raa(state="Y(3S)", x_name="integrated")
    assert limit.upper_limit_cl[0] == 0.95
    assert np.isnan(limit.stat_plus[0])


def test_four_colliders_and_four_observables():
    systems = {(d.system, d.sqrt_s_GeV) for o in ("R_AA", "double_ratio", "v2", "R_pA") for d in load_data(o)}
    assert systems == {("PbPb", 5020), ("PbPb", 2760), ("AuAu", 200), ("pPb", 5020), ("pPb", 8160)}
    counts = {o: sum(map(len, load_data(o, status=STATUSES))) for o in ("double_ratio", "v2", "R_pA")}
    assert counts == {"double_ratio": 65, "v2": 32, "R_pA": 122}


def test_flow_as_published():
    """ALICE, PRL 123 (2019) 192301: v2 = -0.003 +- 0.030 +- 0.006 in 5-60 %."""
    (alice,) = load_data("v2", experiment="ALICE", x_name="centrality_pct")
    i = alice.centrality.index("5-60%")
    assert (alice.value[i], alice.stat_plus[i], alice.syst_plus[i]) == (-0.003, 0.030, 0.006)
    assert alice.acceptance == Acceptance((2, 15), (2.5, 4.0))


def test_measurements_in_one_centrality_class_stay_apart():
    classes = [set(d.centrality) for d in load_data("v2", experiment="CMS", system="PbPb", x_name="pT_GeV")]
    assert all(len(each) == 1 for each in classes)
    assert len(classes) == 5


def test_selection_by_kinematics():
    central = load_data("R_AA", system="PbPb", sqrt_s_GeV=5020, x_name="N_part", y=(-2.4, 2.4))
    assert {d.experiment for d in central} == {"CMS", "ATLAS"}
    forward = load_data("R_AA", system="PbPb", sqrt_s_GeV=5020, x_name="N_part", y=(2, 5), pT=(0, 20))
    assert {d.experiment for d in forward} == {"ALICE"}
    with pytest.raises(InputError, match="match measured points"):
        load_data("R_AA", pT=(0, 1))


def test_every_acceptance_is_understood():
    for name in FILES:
        for row in rows(name):
            low, high = Acceptance.parse(row["kinematics"]).y
            assert low < high


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("pT<30 GeV; |y|<2.4", Acceptance((0, 30), (-2.4, 2.4))),
        ("2<pT<15 GeV; 2.5<y<4", Acceptance((2, 15), (2.5, 4))),
        ("-4.46<y_cm<-2.96", Acceptance(y=(-4.46, -2.96))),
        ("pT>0 GeV", Acceptance()),
        ("69<Ntrk<300; |y|<2.4", Acceptance(y=(-2.4, 2.4), other=("69<Ntrk<300",))),
        ("", Acceptance()),
    ],
)
def test_acceptances_in_words(words, expected):
    assert Acceptance.parse(words) == expected


def test_words_that_are_no_condition_are_refused():
    with pytest.raises(InputError, match="`kinematics`"):
        Acceptance.parse("mid-rapidity")


@pytest.mark.parametrize(
    ("selection", "words"),
    [
        ({"state": "Y(4S)"}, r"`state` must be one of .*Y\(1S\)"),
        ({"state": "1S"}, r"`state` must be one of .*Y\(1S\)"),
        ({"experiment": "LHCb"}, "`experiment` must be one of .*CMS"),
        ({"x_name": "npart"}, "`x_name` must be one of .*N_part"),
        ({"quality": "good"}, "`quality` must be one of .*hepdata"),
        ({"status": "all"}, "`status` must be one of .*current"),
        ({"sqrt_s_GeV": 5.02}, "`sqrt_s_GeV` must be one of .*5020"),
        ({"system": "AuAu"}, "Available: .*AuAu 200"),
        ({"state": "Y(3S)", "experiment": "ATLAS"}, r"Available: .*ATLAS Y\(2S\) N_part current"),
    ],
)
def test_a_selection_of_nothing_says_what_there_is(selection, words):
    with pytest.raises(InputError, match=words):
        load_raa(**selection)


def test_where_nothing_was_measured_there_is_nothing_and_no_error_unless_it_is_required():
    for selection in ({"system": "XeXe"}, {"state": "Y(9S)"}, {"sqrt_s_GeV": 5360}, {"pT": (3.0, 3.1)}):
        assert load_data("R_AA", required=False, **selection) == ()
        with pytest.raises(InputError):
            load_data("R_AA", **selection)
    assert load_data("v7", required=False) == ()
    assert load_raa("OO", 5360, required=False) == ()


def test_a_damaged_measurement_is_an_error_and_not_one_measurement_less(monkeypatch):
    """What compares with data must not take a table that it cannot read for one that holds nothing."""
    damaged = tuple(
        {**row, "kinematics": row["kinematics"].replace("<", "&lt;")} for row in experiment._table()
    )
    monkeypatch.setattr(experiment, "_table", lambda: damaged)
    with pytest.raises(InputError, match="kinematics"):
        load_system("PbPb5020").measurements("R_AA", "N_part")
    with pytest.raises(InputError, match="kinematics"):
        measured(make_run_file().config)


def test_of_a_measurement_with_a_limit_the_measured_points_stay(monkeypatch):
    config = make_run_file().config
    cms = next(data for data in measured(config) if data.experiment == "CMS")
    place = {
        "experiment": "CMS",
        "system": "PbPb",
        "state": cms.state,
        "x_name": "N_part",
        "paper": cms.paper,
    }
    rows = [dict(row) for row in experiment._table()]
    next(r for r in rows if place.items() <= r.items() and r["observable"] == "R_AA")["upper_limit_cl"] = (
        "0.95"
    )
    monkeypatch.setattr(experiment, "_table", lambda: tuple(rows))
    assert len(next(data for data in measured(config) if data.experiment == "CMS")) == len(cms) - 1
