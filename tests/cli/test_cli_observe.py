"""`qtraj observe` from files to files."""

import csv
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from survival_tables import toy_table
from typer.testing import CliRunner

from qtraj.cli import app
from qtraj.io.survivals import write_survival_csv
from qtraj.observables.estimate import Estimate
from qtraj.qtraj1 import average_ratios, read_ratios
from qtraj.states import STATE_NAMES, State

RUNNER = CliRunner()


def observe(*arguments):
    return RUNNER.invoke(app, ["observe", *map(str, arguments)], env={"COLUMNS": "200"})


@pytest.fixture
def no_figures(monkeypatch):
    """Everything but the figures, which have tests of their own."""
    from qtraj.plots import observables as figures

    monkeypatch.setattr(figures, "save_figure", lambda figure, stem: ())
    monkeypatch.setattr(figures, "_figure", lambda *_: None)
    monkeypatch.setattr(figures, "parts_figure", lambda panel, **_: None)


def test_a_ratio_file_gives_what_the_originals_averaging_gives(tmp_path, no_figures, pytestconfig):
    """Mean and standard error over the rows of each wave, computed here from the text of the genuine file."""
    source = pytestconfig.rootpath / "tests" / "data" / "legacy" / "trajectory_datafile.gz"
    result = observe(source, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    rows = read_ratios(source)
    written = csv.DictReader((tmp_path / "out" / "survival.csv").read_text(encoding="utf-8").splitlines())
    found = {(row["setting"], row["state"]): row for row in written}
    assert len(found) == 12
    for l in (0, 1):
        for j, state in enumerate(STATE_NAMES):
            column = rows.ratios[rows.l == l, j]
            # what became a state of another l is no survival, and not among them
            own = State.named(state).l == l
            row = found[f"l = {l}" if own else f"l = {l}, transition to", state]
            # ten digits are written
            assert float(row["survival"]) == pytest.approx(column.mean(), rel=1e-9, abs=1e-300)
            error = column.std(ddof=1) / np.sqrt(len(column))
            assert float(row["error_statistical"]) == pytest.approx(error, rel=1e-9, abs=1e-300)
    assert "rare rows" in found["l = 0", "1S"]["not_estimated"]
    assert "R_AA over all rows" in result.output
    assert (tmp_path / "out" / "raa_all_rows.csv").is_file()


def test_one_wave_gives_survivals_and_says_what_is_missing(tmp_path, pytestconfig):
    source = pytestconfig.rootpath / "tests" / "data" / "legacy" / "bjorken" / "output-307" / "ratios.tsv"
    result = observe(source, "--out", tmp_path)
    assert result.exit_code == 0
    assert "No R_AA: feed-down needs 1P, 2P as well" in result.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source.txt", "survival.csv"]
    found = csv.DictReader((tmp_path / "survival.csv").read_text(encoding="utf-8").splitlines())
    expected = average_ratios(read_ratios(source))
    assert {row["state"]: float(row["survival"]) for row in found} == pytest.approx(
        {state: estimate.value for state, estimate in expected.items()}, rel=1e-9
    )


def test_a_table_with_a_system_is_compared_with_its_data(tmp_path, no_figures):
    source = write_survival_csv(tmp_path / "mine.csv", toy_table(per_replicate=32))
    result = observe(source, "--system", "PbPb5020", "--out", tmp_path / "out", "--feeddown", "pdg2026")
    assert result.exit_code == 0, result.output
    assert "R_AA, minimum bias" in result.output
    assert "CMS Υ(1S), |y|<2.4, 10-90%" in result.output
    assert "not compared: " not in result.output
    for code in ("Y(1S)", "raa_npart │", "time_step"):  # names of files and columns are no words
        assert code not in result.output
    assert (tmp_path / "out" / "hepdata" / "submission.yaml").is_file()
    data = (tmp_path / "out" / "hepdata" / "raa_npart.yaml").read_text(encoding="utf-8")
    assert '{name: "feed-down", value: "pdg2026"}' in data


def test_the_states_to_draw_are_chosen(tmp_path, no_figures):
    source = write_survival_csv(tmp_path / "mine.csv", toy_table(per_replicate=8))
    result = observe(source, "--out", tmp_path / "out", "--states", "Y(1S)")
    assert result.exit_code == 0
    assert "Υ(1S)" in result.output
    assert "(2S)" not in result.output
    assert not (tmp_path / "out" / "double_ratio_pt.csv").exists()  # a ratio needs two


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.csv"], "none.csv: no such file or folder"),
        (["mine.csv", "--system", "PbPb"], "`system` must be one of AuAu200"),
        (["mine.csv", "--feeddown", "mine"], "`--feeddown` must be group, pdg2026 or a TOML file"),
        (["mine.csv", "--weighting", "flat"], "`--weighting` must be collisions, exponential or rows"),
        (["mine.csv", "--harmonics", "2,zwei"], "`--harmonics` must be whole numbers from 1 on"),
        (["mine.csv", "--harmonics", "0"], "`--harmonics` must be"),
        (["mine.csv", "--harmonics", "2,2"], "none twice"),
        (["mine.csv", "--states", "Y(9S)"], "must be one of Y(1S)"),
        (["mine.csv", "--weighting", "collisions"], "`--weighting` must be left out: no --system says"),
        (["mine.csv", "--weighted"], "`--weighted` must be left out: mine.csv is no ratio file"),
        (
            ["no_b.csv", "--system", "PbPb5020", "--weighting", "exponential"],
            "the rows have no impact parameter",
        ),
        (["empty.tsv"], "empty.tsv: the file is empty"),
        (["."], "holds no campaign"),
    ],
)
def test_bad_input_is_one_line(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    write_survival_csv(tmp_path / "mine.csv", toy_table(per_replicate=8))
    write_survival_csv(tmp_path / "no_b.csv", replace(toy_table(per_replicate=8), b_fm=None))
    (tmp_path / "empty.tsv").touch()
    result = observe(*arguments)
    assert result.exit_code == 2
    assert message in result.output
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_run_folder_knows_system_and_feeddown(tmp_path, no_figures):
    from stand_in import ExponentialDecay, make_run_file

    from qtraj.campaign.reading import load_runs
    from qtraj.campaign.run import run

    folder = tmp_path / "run"
    run(make_run_file(), folder, solve=ExponentialDecay())
    result = observe(folder, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "kappa=0.5, gamma=-1.75" in result.output
    assert {table.attrs["T_end"] for table in load_runs([folder]).tables.values()} == {0.25}
    rows = list(
        csv.DictReader(
            line
            for line in (tmp_path / "out" / "raa_npart.csv").read_text(encoding="utf-8").splitlines()
            if not line.startswith("#")
        )
    )
    # half of the survival of the stand-in never jumped; N_part is that of the hydrodynamics
    assert [float(row["N_part"]) for row in rows[:2]] == [118.7, 380.7]
    assert all(float(r["no_jump"]) == pytest.approx(float(r["R_AA"]) / 2, rel=1e-9) for r in rows)
    assert "kappa: 1.0, 0.5 low" in rows[0]
    shutil.rmtree(folder / "store")
    assert observe(folder, "--out", tmp_path / "out").exit_code == 2


def test_orders_of_flow_are_chosen_and_odd_ones_explained(tmp_path, no_figures):
    source = write_survival_csv(tmp_path / "mine.csv", toy_table(per_replicate=64))
    result = observe(source, "--system", "PbPb5020", "--out", tmp_path / "out", "--harmonics", "2, 3,4")
    assert result.exit_code == 0, result.output
    assert {path.stem for path in (tmp_path / "out").glob("v*.csv")} == {
        *(f"v{n}_{axis}" for n in (2, 3, 4) for axis in ("centrality", "pt")),
    }
    assert "note: v₃ against centrality, v₃ against p_T: " in result.output
    head = (tmp_path / "out" / "v3_pt.csv").read_text(encoding="utf-8").splitlines()[:3]
    assert any("vanish by symmetry" in line for line in head)
    assert "v3_pt" in (tmp_path / "out" / "hepdata" / "submission.yaml").read_text(encoding="utf-8")


def test_a_table_of_proton_nucleus_collisions_is_compared_with_its_data(tmp_path, no_figures):
    table = toy_table(per_replicate=64, b_fm=(0.5, 2.5, 4.5, 6.5))
    source = write_survival_csv(tmp_path / "mine.csv", table)
    result = observe(source, "--system", "pPb5020", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "R_pA, minimum bias" in result.output
    assert "CMS Υ(2S), |y_cm|<1.93" in result.output
    assert "Suppression by the hot medium only" in result.output
    assert "R_pA" in (tmp_path / "out" / "hepdata" / "rpa_pt.yaml").read_text(encoding="utf-8")


def test_errors_of_fractions_can_be_switched_off(tmp_path, no_figures):
    source = write_survival_csv(tmp_path / "mine.csv", toy_table(per_replicate=8))
    for flag, there in (("--feeddown-errors", True), ("--no-feeddown-errors", False)):
        result = observe(source, "--out", tmp_path / "out", flag)
        assert result.exit_code == 0
        header = (tmp_path / "out" / "raa_pt.csv").read_text(encoding="utf-8")
        assert ("error_branching" in header) == there
        assert ("feed-down fractions" in result.output) != there


def test_rapidity_comes_from_trajectory_files_that_have_it(tmp_path, no_figures):
    """Eight values of metadata: b, x, y, eta, p_T, phi, rapidity, weight; survival falls with |y|."""
    rng = np.random.default_rng(3)
    lines = []
    for k in range(400):
        y = 4 * rng.random() - 2
        path = f"{10 * rng.random():.4f}\t0\t0\t0\t{15 * rng.random():.4f}\t{6.28 * rng.random():.4f}\t{y:.4f}\t1"
        ratios = "\t".join([f"{0.8 - 0.2 * abs(y):.6f}"] * 6)
        for l in (0, 1):
            lines += [path, f"{ratios}\t{(k + 0.5) / 400}\t{l}"]
    source = tmp_path / "datafile.tsv"
    source.write_text("\n".join(lines) + "\n", encoding="utf-8")
    result = observe(source, "--system", "PbPb5020", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    text = (tmp_path / "out" / "raa_y.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(line for line in text.splitlines() if line[0] != "#"))
    for row in rows:
        assert float(row["R_AA"]) == pytest.approx(0.8 - 0.2 * float(row["abs_y"]), abs=1e-5)  # six digits
    assert "not shown: R_AA against |y|" not in result.output
    assert "CMS Υ(1S), pT<30 GeV" in result.output


def test_runs_that_differ_in_the_end_of_the_medium_make_a_band(tmp_path, no_figures, monkeypatch):
    from qtraj.campaign import reading

    def read(source, *, weighted):
        end = float(source.name)  # a medium that ends earlier destroys less
        table = toy_table(0.2 / end)
        table = replace(table, attrs={"kappa": "central", "gamma": -1.75, "T_end": end})
        return reading.Survivals({"central": table}, "toy", "PbPb5020")

    monkeypatch.setattr(reading, "load_survivals", read)
    result = observe("0.25", "0.30", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    text = (tmp_path / "out" / "raa_pt.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(line for line in text.splitlines() if line[0] != "#"))
    for row in (row for row in rows if row["name"] == "Y(1S)"):
        assert float(row["T_end: 0.25, 0.3 low"]) == float(row["R_AA"]) < float(row["T_end: 0.25, 0.3 high"])
    twice = observe("0.25", "0.25")
    assert twice.exit_code == 2
    assert "differ in T_end" in twice.output


def test_output_goes_beside_its_source_and_never_over_that_of_another(tmp_path, no_figures, monkeypatch):
    (tmp_path / "a").mkdir()
    (tmp_path / "elsewhere").mkdir()
    for name in ("one", "two"):
        write_survival_csv(tmp_path / "a" / f"{name}.csv", toy_table(per_replicate=8))
    monkeypatch.chdir(tmp_path / "elsewhere")
    for name in ("one", "two", "one"):  # again: its own output is replaced
        assert observe(f"../a/{name}.csv").exit_code == 0
    assert not list((tmp_path / "elsewhere").iterdir())
    assert (tmp_path / "a" / "one_observables" / "survival.csv").is_file()
    assert (tmp_path / "a" / "two_observables" / "raa_npart.csv").is_file() is False  # no --system, no N_part
    result = observe("../a/two.csv", "--out", "../a/one_observables")
    assert result.exit_code == 2
    assert "this one holds that of ../one.csv" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    # both are moved together
    shutil.move(tmp_path / "a", tmp_path / "b")
    assert observe("../b/one.csv").exit_code == 0


def test_data_stand_at_their_own_n_part_unless_asked(tmp_path, monkeypatch):
    from qtraj.plots import observables as figures

    asked = []
    monkeypatch.setattr(figures, "save_figure", lambda figure, stem: ())
    monkeypatch.setattr(figures, "raa_figure", lambda *_, shifts, **__: asked.append(shifts))
    monkeypatch.setattr(figures, "observable_figure", lambda *_, **__: None)
    monkeypatch.setattr(figures, "parts_figure", lambda *_, **__: None)
    source = write_survival_csv(tmp_path / "mine.csv", toy_table(per_replicate=8))
    assert observe(source, "--system", "PbPb5020").exit_code == 0
    assert observe(source, "--system", "PbPb5020", "--shift").exit_code == 0
    assert asked == [None, {"ATLAS": -9.0, "ALICE": 9.0}]


def solved(folder, text=None, **replacements):
    """Solve a run file with the stand-in; return its folder."""
    from stand_in import RUN_FILE, ExponentialDecay, make_run_file

    from qtraj.campaign.run import run

    text = RUN_FILE if text is None else text
    for old, new in replacements.items():
        text = re.sub(rf"(?m)^{old} = .*$", f"{old} = {new}", text)
    run(make_run_file(text), folder, solve=ExponentialDecay())
    return folder


def test_the_result_file_of_a_run_gives_what_its_folder_gives(tmp_path, no_figures):
    folder = solved(tmp_path / "run")
    merged = shutil.copy(folder / "result.nc", folder / "store")  # where `qtraj campaign merge` writes it
    for source, out in ((folder, "a"), (folder / "result.nc", "b"), (merged, "c")):
        assert observe(source, "--out", tmp_path / out).exit_code == 0
    a, b, c = ((tmp_path / out / "raa_npart.csv").read_text(encoding="utf-8") for out in "abc")
    assert a == b == c
    alone = Path(shutil.copy(folder / "result.nc", tmp_path))
    found = observe(alone, "--out", tmp_path / "c")
    assert found.exit_code == 2
    assert "holds R_AA, and not the survival along each path. Give the folder of its run" in found.stderr


def test_runs_whose_paths_differ_say_so(tmp_path, no_figures):
    one = solved(tmp_path / "one", T_end="0.25")
    same = solved(tmp_path / "same", T_end="0.26")
    other = solved(tmp_path / "other", T_end="0.26", n="8")
    apart = solved(tmp_path / "apart", T_end="0.26", b_fm="[9.2, 6.0]")
    assert observe(one, same, "--out", tmp_path / "out").stderr == ""
    found = observe(one, other, "--out", tmp_path / "two")
    assert found.exit_code == 0, found.stderr
    assert f"the paths of {other} are not those of {one}" in found.stderr
    refused = observe(one, apart, "--out", tmp_path / "three")
    assert refused.exit_code == 2
    assert f"be a run at the impact parameters of {one}: 2.3, 9.2 fm" in refused.stderr


def test_one_impact_parameter_is_one_line(tmp_path, no_figures):
    found = observe(solved(tmp_path / "run", b_fm="[9.2]"), "--out", tmp_path / "out")
    assert found.exit_code == 0, found.stderr
    lines = [line for line in found.stdout.splitlines() if "not compared" in line]
    assert len(lines) == 1
    assert "measurements (" in lines[0]
    assert "differ between the paths for a comparison against N_part or centrality, but is 9.2" in lines[0]


def test_a_class_without_survivors_leaves_its_point_out_and_says_so(tmp_path):
    table = toy_table(per_replicate=16)
    lost = (table.b_fm > 3)[:, None]
    survival = Estimate(table.survival.value * lost, {"mesh": table.survival.parts["mesh"] * lost})
    source = write_survival_csv(tmp_path / "mine.csv", replace(table, survival=survival, no_jump=None))
    found = observe(source, "--system", "PbPb5020", "--out", tmp_path / "out")
    assert found.exit_code == 0, found.output
    assert found.stderr == ""
    assert "to divide by: Υ(2S)/Υ(1S), Υ(3S)/Υ(1S), Υ(3S)/Υ(2S) left out there." in found.stdout
    rows = [
        line
        for line in (tmp_path / "out" / "double_ratio_npart.csv").read_text().splitlines()
        if line[0] != "#"
    ]
    values = [row["double_ratio"] for row in csv.DictReader(rows)]
    assert len(values) == 12
    assert values.count("") == 3
    assert '- {value: "-"}' in (tmp_path / "out" / "hepdata" / "double_ratio_npart.yaml").read_text()
    assert (tmp_path / "out" / "double_ratio_npart.png").is_file()
