"""Measurements from files of the user's and of HEPData."""

import numpy as np
import pytest
from survival_tables import toy_table
from typer.testing import CliRunner

import qtraj.observables as qo
from qtraj.cli import app
from qtraj.errors import FileFormatError, InputError
from qtraj.io.survivals import write_survival_csv
from qtraj.observables import chi_square, load_system, overview, read_data

PLAIN = (
    "N_part,R_AA,stat,syst,state\n381,0.35,0.02,0.03,Y(1S)\n224,0.42,0.03,0.04,Y(1S)\n381,0.1,0.02,,Y(2S)\n"
)

YAML = r"""
dependent_variables:
- header: {name: '$R_{AA}$'}
  qualifiers:
  - {name: RE, value: PB PB --> UPSILON(1S) X}
  - {name: SQRT(S)/NUCLEON, units: TeV, value: '5.02'}
  - {name: ABS(YRAP), value: < 2.4}
  - {name: Centrality, units: '%', value: 0-90}
  values:
  - errors:
    - {label: stat, symerror: 0.02}
    - {label: sys, asymerror: {minus: -0.03, plus: 0.04}}
    - {label: 'sys,global', symerror: 5%}
    value: 0.35
  - errors: []
    value: '-'
independent_variables:
- header: {name: '$p_{T}$', units: GeV/c}
  values:
  - {low: 0, high: 4}
  - {low: 4, high: 10}
"""

CSV = """#: table_doi: 10.17182/hepdata.99999.v1/t3
#: name: Table 3
#: description: R_AA, as a function of N_part, not only of centrality
#: data_file: raa.yaml
#: keyword reactions: PB PB --> UPSI(2S) X
#: keyword observables: RAA
#: keyword cmenergies: 5020.0
#: RE,PB PB --> UPSI(2S) X
#: SQRT(S)/NUCLEON [GEV],5020
#: PT [GEV],<30
$\\langle N_{\\rm part} \\rangle$,$\\Upsilon$(1S) $R_{AA}$,stat +,stat -,sys +,sys -
381,0.35,0.02,-0.02,0.04,-0.03
224,0.42,0.03,-0.03,0.05,-0.04

$\\langle N_{\\rm part} \\rangle$,$\\Upsilon$(2S) $R_{AA}$,stat +,stat -
381,0.1,0.02,-0.02
224,-,-,-
"""


def file(tmp_path, text, name="mine.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_few_columns_are_enough(tmp_path):
    one, two = read_data(file(tmp_path, PLAIN))
    assert (one.state, two.state, one.observable, one.x_name) == ("Y(1S)", "Y(2S)", "R_AA", "N_part")
    assert (one.experiment, one.quality, one.status, one.read_from) == ("mine", "own", "current", "mine.csv")
    np.testing.assert_allclose(one.total_plus, np.hypot([0.02, 0.03], [0.03, 0.04]))
    np.testing.assert_allclose(two.total_minus, [0.02])
    found = chi_square(one, [0.35, 0.42])
    assert (found.value, found.points) == (0.0, 2)


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + PLAIN.replace(",Y(", ";Y(").replace(",", ";"),
        PLAIN.replace(",Y(", ";Y(").replace(",", ";").replace(".", ","),
        "# mine\n" + PLAIN,
    ],
)
def test_spreadsheets_of_many_countries(tmp_path, text):
    one, _ = read_data(file(tmp_path, text))
    np.testing.assert_allclose(one.value, [0.35, 0.42])


def test_what_the_file_does_not_say_is_an_argument(tmp_path):
    path = file(tmp_path, "x_low,x_high,value,total\n0,4,0.4,0.1\n4,10,0.5,0.1\n")
    words = {"state": "Y(1S)", "x_name": "pT_GeV", "kinematics": "|y|<2.4", "centrality": "0-90%"}
    (data,) = read_data(path, **words, experiment="CMS", system="PbPb", sqrt_s_GeV="5020")
    np.testing.assert_allclose(data.x, [2, 7])
    assert data.acceptance.y == (-2.4, 2.4)
    assert str(data).startswith("CMS Y(1S) R_AA against pT_GeV, PbPb 5020 GeV, |y|<2.4: 2 points")
    with pytest.raises(FileFormatError, match=r"does not say state.*Give state="):
        read_data(path)
    with pytest.raises(InputError, match="`colour` must be one of"):
        read_data(path, colour="red")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "no row below"),
        (PLAIN.replace("stat", "stats"), "unknown or repeated columns: stats"),
        (PLAIN.replace("0.42", "much"), "'much' in value is no number"),
        (PLAIN.replace("224,", ""), "row 3 has 4 columns instead of 5"),
        (PLAIN.replace("N_part", "x"), "does not say x_name"),
        (PLAIN.replace("state", "centrality"), r"does not say state"),
        ("N_part,pT_GeV,R_AA,state\n1,2,0.3,Y(1S)\n", "one axis"),
        ("N_part,value,state,kinematics\n1,0.3,Y(1S),all\n", "kinematics"),
        ("N_part,value,state,observable\n1,0.3,Y(1S),yield\n", "'yield' is none of"),
        ("N_part,value,state\n,0.3,Y(1S)\n", "has no place"),
    ],
)
def test_mistakes_are_named(tmp_path, text, word):
    with pytest.raises(FileFormatError, match=word):
        read_data(file(tmp_path, text))


def test_a_table_of_hepdata_in_yaml(tmp_path):
    (data,) = read_data(file(tmp_path, YAML, "t.yaml"), experiment="CMS")
    assert (data.state, data.observable, data.x_name) == ("Y(1S)", "R_AA", "pT_GeV")
    assert (data.system, data.sqrt_s_GeV, data.kinematics) == ("PbPb", 5020, "|y|<2.4")
    assert data.centrality == ("0-90%",)
    np.testing.assert_allclose([data.x_low[0], data.x_high[0], data.value[0]], [0, 4, 0.35])
    np.testing.assert_allclose([data.stat_plus[0], data.syst_plus[0], data.syst_minus[0]], [0.02, 0.04, 0.03])
    np.testing.assert_allclose(data.global_rel_plus, 0.05)
    assert len(data) == 1  # "-" is no value


def test_a_table_of_hepdata_in_csv(tmp_path):
    one, two = read_data(file(tmp_path, CSV, "HEPData-ins1-v1-Table_3.csv"))
    assert (one.state, two.state, one.x_name) == ("Y(1S)", "Y(2S)", "N_part")
    assert (one.system, one.sqrt_s_GeV, one.kinematics) == ("PbPb", 5020, "pT<30 GeV")
    assert one.hepdata == "10.17182/hepdata.99999.v1/t3"
    np.testing.assert_allclose(one.x, [381, 224])
    np.testing.assert_allclose(one.syst_minus, [0.03, 0.04])
    np.testing.assert_allclose(two.value, [0.1])


def test_centrality_classes_and_ratios_are_recognized(tmp_path):
    text = YAML.replace("'$p_{T}$', units: GeV/c", "Centrality, units: '%'").replace(
        "'$R_{AA}$'", r"'$\Upsilon$(2S)/$\Upsilon$(1S) double ratio'"
    )
    (data,) = read_data(file(tmp_path, text, "t.yaml"))
    assert (data.observable, data.state, data.x_name) == ("double_ratio", "Y(2S)/Y(1S)", "centrality_pct")
    assert data.centrality == ("0-4%",)
    words = text.replace("{low: 0, high: 4}", "{value: 0-10%}").replace(
        "{low: 4, high: 10}", "{value: 10-30%}"
    )
    (data,) = read_data(file(tmp_path, words, "w.yaml"))
    np.testing.assert_allclose([data.x_low[0], data.x_high[0]], [0, 10])


def test_what_is_no_table_is_refused(tmp_path):
    with pytest.raises(FileFormatError, match="submission"):
        read_data(file(tmp_path, "a: 1\n", "t.yaml"))
    with pytest.raises(FileFormatError, match="submission"):
        read_data(file(tmp_path, "{:", "t.yaml"))
    with pytest.raises(FileFormatError, match="cannot be read"):
        read_data(tmp_path / "none.csv")
    short = YAML + "- header: {name: y}\n  values: [{value: 1}]\n"
    with pytest.raises(FileFormatError, match="different numbers of points"):
        read_data(file(tmp_path, short, "t.yaml"))
    third = "- header: {name: phi}\n  values: [{value: 1}, {value: 2}]\n"
    with pytest.raises(FileFormatError, match="the table has 3 axes"):
        read_data(file(tmp_path, YAML + third + third, "t.yaml"))


# two axes, in the shape that HEPData serves: a list of points, each with its place on both
PLACES = [(0, 4, 0, 1.2), (4, 10, 0, 1.2), (0, 4, 1.2, 2.4), (4, 10, 1.2, 2.4)]
VALUES = [0.35, 0.36, 0.37, 0.38]


def two_axes_yaml(first="'$p_{T}$', units: GeV/c", second="'$|y|$'"):
    """Return a table in pT and |y|."""
    points = "\n".join(
        f"  - {{errors: [{{label: stat, symerror: 0.02}}], value: {value}}}" for value in VALUES
    )
    sides = ["\n".join(f"  - {{low: {place[k]}, high: {place[k + 1]}}}" for place in PLACES) for k in (0, 2)]
    return (
        "dependent_variables:\n- header: {name: 'R$_{AA}$(Y(1S))'}\n  qualifiers:\n"
        "  - {name: ABS(YRAP), value: < 2.4}\n  - {name: PT, units: GEV, value: < 30}\n"
        f"  values:\n{points}\nindependent_variables:\n"
        f"- header: {{name: {first}}}\n  values:\n{sides[0]}\n- header: {{name: {second}}}\n  values:\n{sides[1]}\n"
    )


def two_axes_csv():
    """Return the same as CSV."""
    names = [f"{name}{end}" for name in ("$p_{T}$ [GeV/c]", "$|y|$") for end in ("", " LOW", " HIGH")]
    rows = [
        [(a + b) / 2, a, b, (c + d) / 2, c, d, value, 0.02, -0.02]
        for (a, b, c, d), value in zip(PLACES, VALUES, strict=True)
    ]
    lines = [[*names, "R$_{AA}$(Y(1S))", "stat +", "stat -"], *rows]
    body = "\n".join(",".join(map(str, line)) for line in lines)
    return f"#: name: Table 4\n#: ABS(YRAP),,,<2.4\n#: PT [GEV],,,<30\n{body}\n"


@pytest.mark.parametrize(("text", "name"), [(two_axes_yaml(), "t.yaml"), (two_axes_csv(), "t.csv")])
def test_a_table_with_two_axes_is_a_measurement_for_each_bin_of_one(tmp_path, text, name):
    """`the table has 2 axes. Keep one of them, in a CSV file of your own.`"""
    path = file(tmp_path, text, name)
    central, forward = read_data(path, x_name="pT_GeV")
    assert (central.kinematics, forward.kinematics) == (
        "pT<30 GeV; 0<|y|<1.2",
        "pT<30 GeV; 1.2<|y|<2.4",
    )
    assert (central.acceptance.y, forward.acceptance.y) == ((-1.2, 1.2), (1.2, 2.4))
    np.testing.assert_allclose(
        [central.x_low, central.x_high, forward.value], [[0, 4], [4, 10], [0.37, 0.38]]
    )
    low, high = read_data(path, x_name="abs_y")
    assert (low.kinematics, high.kinematics) == ("|y|<2.4; 0<pT<4 GeV", "|y|<2.4; 4<pT<10 GeV")
    np.testing.assert_allclose(high.value, [0.36, 0.38])
    for spelled in ("1.2-2.4", "1.20 to 2.4", "1.2–2.4"):
        (one,) = read_data(path, x_name="pT_GeV", where=spelled)
        np.testing.assert_array_equal(one.value, forward.value)
    with pytest.raises(FileFormatError, match=r"x_name=pT_GeV or x_name=abs_y; where=LOW-HIGH") as error:
        read_data(path)
    assert "0-1.2/1.2-2.4" in str(error.value)
    with pytest.raises(
        FileFormatError, match=r"no point is at 2-3 of the axis .*Give one of 0-1\.2, 1\.2-2\.4"
    ):
        read_data(path, x_name="pT_GeV", where="2-3")


def test_an_axis_that_is_not_understood_is_taken_where_it_is_told_to_be(tmp_path):
    path = file(tmp_path, two_axes_yaml(second="COS(THETA)"), "t.yaml")
    with pytest.raises(FileFormatError, match=r"COS\(THETA\).*Give where=\.\.\., one of 0-1\.2, 1\.2-2\.4"):
        read_data(path, x_name="pT_GeV")
    (one,) = read_data(path, x_name="pT_GeV", where="0-1.2")
    assert one.note == "COS(THETA) = 0-1.2"
    np.testing.assert_allclose(one.value, VALUES[:2])


def test_participants_and_centrality_are_one_axis(tmp_path):
    """The second axis that most tables have only says the class of the first."""
    head = "#: name: Table 3\n#: RE,PB PB --> UPSI(1S) X\n#: PT [GEV],<30\n"
    text = (
        head + "Centrality [%],NPART,RAA,stat +,stat -\n0-10,381,0.35,0.02,-0.02\n10-30,224,0.42,0.03,-0.03\n"
    )
    (data,) = read_data(file(tmp_path, text, "t.csv"))
    assert (data.x_name, data.centrality) == ("N_part", ("0-10%", "10-30%"))
    np.testing.assert_allclose(data.x, [381, 224])
    (data,) = read_data(tmp_path / "t.csv", x_name="centrality_pct")
    np.testing.assert_allclose(data.x_high, [10, 30])
    constant = (
        text.replace("10-30,", "0-10,").replace("NPART", "pT").replace("224,", "22,").replace("381,", "3,")
    )
    (data,) = read_data(file(tmp_path, constant, "c.csv"))
    assert (data.x_name, data.centrality) == ("pT_GeV", ("0-10%", "0-10%"))


def test_a_slice_of_what_has_one_axis_is_refused(tmp_path):
    for text, name in ((YAML, "t.yaml"), (PLAIN, "mine.csv")):
        with pytest.raises(InputError, match="`where` must be left out"):
            read_data(file(tmp_path, text, name), where="0-4")


def test_own_data_stand_beside_those_of_the_system(tmp_path):
    system = load_system("PbPb5020")
    own = read_data(file(tmp_path, PLAIN))
    panels = {
        panel.name: panel for panel in overview({"a": toy_table(per_replicate=32)}, system=system, data=own)
    }
    names = {data.experiment for data in panels["raa_npart"].datasets}
    assert {"mine", "CMS"} <= names
    assert any(name.startswith("mine Y(1S)") for name in panels["raa_npart"].agreement)
    alone = overview({"a": qo.with_geometry(toy_table(per_replicate=32), system.geometry)}, data=own)
    assert {d.experiment for p in alone for d in p.datasets} == {"mine"}
    with pytest.raises(InputError, match="be of PbPb at 5020 GeV"):
        overview(
            {"a": toy_table(per_replicate=32)},
            system=system,
            data=read_data(tmp_path / "mine.csv", system="AuAu"),
        )


def test_observe_takes_own_data_and_own_feed_down(tmp_path, monkeypatch):
    """`No such option: --data`, and `--feeddown FILE` knew two names only."""
    from qtraj.plots import observables as figures

    monkeypatch.setattr(figures, "save_figure", lambda figure, stem: ())
    monkeypatch.setattr(figures, "_figure", lambda panel, *_, **__: None)
    monkeypatch.setattr(figures, "parts_figure", lambda panel, **_: None)
    source = write_survival_csv(tmp_path / "survivals.csv", toy_table(per_replicate=32))
    mine = file(tmp_path, PLAIN)
    other = file(tmp_path, "x,value\n1,0.3\n", "other.csv")
    group = qo.FeedDown.named()
    rows = ",\n".join(str(row.tolist()) for row in np.asarray(group.matrix))
    table = file(
        tmp_path, f"matrix = [{rows}]\nsigma_exp = {np.asarray(group.sigma_exp).tolist()}\n", "fd.toml"
    )

    def observe(*flags):
        arguments = ["observe", source, "--system", "PbPb5020", "--out", tmp_path / "out", *flags]
        return CliRunner().invoke(app, [str(each) for each in arguments], env={"COLUMNS": "200"})

    words = f"{other},state=Y(1S),observable=v2,x_name=y_cm"
    result = observe("--data", mine, "--data", words, "--feeddown", table)
    assert result.exit_code == 0, result.output
    assert "mine Y(1S)" in result.output
    assert "not shown, as no figure is about it: other Y(1S) v2" in result.output
    for flags, word in (
        (("--data", other), "does not say state"),
        (("--data", f"{other},Y(1S)"), "FILE,NAME=VALUE"),
        (("--data", f"{other},colour=red"), "FILE,NAME=VALUE"),
        (("--feeddown", "none.toml"), "group, pdg2026 or a TOML file"),
        (("--feeddown", mine), "holds no feed-down table"),
    ):
        failed = observe(*flags)
        assert failed.exit_code == 2
        assert word in failed.output
        assert failed.output.count("\n") == 1


def test_the_submission_that_observe_writes_is_read_again(tmp_path):
    """The curves of one calculation are the data of another."""
    from qtraj.io.observables import HepdataTable, write_hepdata

    system = load_system("PbPb5020")
    for panel in overview({"a": toy_table(per_replicate=32)}, system=system):
        write_hepdata(tmp_path / panel.name, [HepdataTable(panel.name, panel.name, panel.curve)])
        for data in read_data(tmp_path / panel.name / f"{panel.name}.yaml"):
            assert (data.observable, data.x_name) == (panel.curve.observable, panel.curve.x_name)
            np.testing.assert_allclose(data.value, panel.curve[data.state].value, rtol=1e-5)
