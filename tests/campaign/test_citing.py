"""`qtraj cite` of whatever a user has gives what the run file behind it gives."""

from pathlib import Path

import pytest
from legacy_runs import DATA, parameters
from stand_in import RUN_FILE, ExponentialDecay, make_run_file
from typer.testing import CliRunner

import qtraj as qt
from qtraj.campaign.reading import cited
from qtraj.campaign.results import merge
from qtraj.campaign.run import RESULT, STORE, run
from qtraj.cli import app
from qtraj.errors import FileFormatError, InputError
from qtraj.io.citations import Choices, of_choices
from qtraj.observables.data.systems import load_system
from qtraj.qtraj1 import read_params, run_legacy, write_params
from qtraj.qtraj1.convert import convert
from qtraj.qtraj1.program.output import Screen

QTRAJ = DATA / "legacy" / "bjorken"


def keys(citations) -> set[str]:
    return {each.reference.key for each in citations}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("run")
    (place / "run.toml").write_text(RUN_FILE, encoding="utf-8")
    run(make_run_file(), place, solve=ExponentialDecay())
    merge(place / STORE, place / "merged.nc")
    return place


@pytest.mark.parametrize("source", [RESULT, "merged.nc", STORE, "."])
def test_all_that_a_run_leaves_cites_what_its_run_file_cites(folder, source):
    expected = cited(folder / "run.toml")
    assert {"Schenke2010", "HotQCD2014", "CMS2019", "CMS2024", "Loizides2018"} <= keys(expected)
    assert cited(folder / source) == expected


def test_with_observables_all_measurements_beside_them_are_cited(folder):
    added = keys(cited(folder, observables=True)) - keys(cited(folder))
    assert {"CMS2021", "ALICE2019v2", "CMS2018"} <= added  # v2, and double ratios
    assert cited(folder / RESULT, observables=True) == cited(folder, observables=True)
    papers = {source for each in load_system("PbPb5020").acceptances for source in each.source.split(", ")}
    found = "\n".join(map(str, cited(folder, observables=True)))
    assert [paper for paper in papers if paper not in found] == []


def test_own_hydrodynamics_stay_in_the_merged_file(folder):
    stored = cited(folder / "merged.nc")
    assert any("MUSIC" in str(each) for each in stored)


@pytest.mark.parametrize("name", ["output-307", "output-307/ratios.tsv", "input/params.txt"])
def test_files_of_qtraj_cite_the_program_that_made_them(name):
    expected = keys(of_choices(Choices.of_legacy(read_params(QTRAJ / "input" / "params.txt"))))
    assert keys(cited(QTRAJ / name)) == expected
    assert str(cited(QTRAJ / name)[0]).startswith("program; reference program and conventions: H. B. Omar")


def test_converted_files_know_their_parameters_or_are_told(tmp_path):
    params = QTRAJ / "input" / "params.txt"
    convert(QTRAJ / "output-307", tmp_path / "converted.nc")
    with pytest.raises(FileFormatError, match="--params"):
        cited(tmp_path / "converted.nc")
    assert cited(tmp_path / "converted.nc", params=params) == cited(QTRAJ / "output-307")


def test_the_legacy_mode_of_qtraj_notes_what_it_ran(tmp_path):
    p = parameters(doJumps=False, num=63, maxSteps=5, dt=0.01, temperatureEvolution=3, outputSummaryFile=True)
    folder = run_legacy(p, tmp_path, screen=Screen(write=lambda line: None))
    found = cited(folder)
    assert keys(found) == {"qtraj"} | keys(of_choices(Choices.of_legacy(p)))
    convert(folder, tmp_path / "converted.nc")
    assert cited(tmp_path / "converted.nc") == found
    other = write_params(tmp_path / "other.txt", parameters(doJumps=False, potential=1))
    assert "Islam2020" in keys(cited(folder, params=other))


def test_other_files_are_refused_with_what_can_be_given(tmp_path):
    for name, content in (("notes.txt", "hello"), ("table.csv", "a,b")):
        (tmp_path / name).write_text(content, encoding="utf-8")
        with pytest.raises(FileFormatError, match=r"run file \(\.toml\)"):
            cited(tmp_path / name)
    with pytest.raises(FileFormatError, match="no such file"):
        cited(tmp_path / "none.toml")
    with pytest.raises(FileFormatError, match=r"run file \(\.toml\)"):
        cited(tmp_path)


def test_flags_without_effect_are_named(folder):
    params = QTRAJ / "input" / "params.txt"
    for source in ("run.toml", RESULT, "merged.nc", STORE, "."):
        with pytest.raises(InputError, match="--params"):
            cited(folder / source, params=params)
    with pytest.raises(InputError, match="--observables"):
        cited(QTRAJ / "output-307", observables=True)
    for flags, name in ((["--params", str(params)], "--params"), (["--observables"], "--observables")):
        result = CliRunner().invoke(app, ["cite", *flags])
        assert result.exit_code == 2
        assert f"`{name}` must be given with a SOURCE only" in result.stderr


def test_the_command_prints_lines_or_bibtex(folder):
    lines = CliRunner().invoke(app, ["cite", str(folder)]).stdout.splitlines()
    assert lines == [str(each) for each in cited(folder)]
    bibtex = CliRunner().invoke(app, ["cite", str(folder), "--bibtex"]).stdout
    assert bibtex.count("\n@") >= len(keys(cited(folder)) - {""})
    plain = CliRunner().invoke(app, ["cite"])
    assert len(plain.stdout.splitlines()) == 1 + len(keys(of_choices(Choices())))


@pytest.mark.parametrize(("order", "more"), [("LO", set()), ("NLO", {"Brambilla2022"}), ("all", set())])
def test_a_steady_state_cites_its_equation_and_what_it_is_compared_with(tmp_path, order, more):
    qt.steady_state(qt.LindbladModel(order=order), 0.45, l_max=1, states=5).save(tmp_path / "steady.nc")
    assert keys(cited(tmp_path / "steady.nc")) == more | {
        "qtraj", "Omar2022", "Brambilla2017", "Brambilla2018", "Brambilla2025"
    }  # fmt: skip
