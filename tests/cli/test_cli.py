"""The command line: one sentence for a mistake, the documented exit codes, the documented files."""

import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from stand_in import RUN_FILE, ExponentialDecay
from typer.testing import CliRunner

import qtraj.campaign.run as campaign
from qtraj.campaign.run import RESULT
from qtraj.cli import app
from qtraj.io.results import read_dataset

runner = CliRunner()


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "run.toml"
    path.write_text(RUN_FILE, encoding="utf-8")
    return path


def use_solver(monkeypatch, solver) -> None:
    monkeypatch.setattr(campaign, "run", partial(campaign.run, solve=solver))


def assert_one_line(result, *fragments: str) -> None:
    assert result.exit_code == 2
    assert result.stderr.startswith("qtraj: ")
    assert result.stderr.count("\n") == 1
    for fragment in fragments:
        assert fragment in result.stderr


def test_run_writes_figure_result_and_table(monkeypatch, file, tmp_path):
    use_solver(monkeypatch, ExponentialDecay())
    result = runner.invoke(app, ["run", str(file), "--output", str(tmp_path / "out")])
    assert result.exit_code == 0, result.stderr
    for name in ("raa.png", "raa.pdf", RESULT):
        assert f"wrote {tmp_path / 'out' / name}" in result.stdout
        assert (tmp_path / "out" / name).stat().st_size > 1000
    assert "CMS 0.319(28) at 384" in result.stdout
    prediction = read_dataset(tmp_path / "out" / RESULT)
    assert f"{prediction['raa'].sel(meson='Y(1S)')[0, 1]:.3f}"[:4] in result.stdout
    assert result.stderr.count("\n") == 1 + 12  # a heading and a line per task where there is no terminal


def test_several_run_files_are_compared(monkeypatch, file, tmp_path):
    use_solver(monkeypatch, ExponentialDecay())
    other = tmp_path / "other.toml"
    monkeypatch.chdir(tmp_path)
    head, _, _ = file.read_text(encoding="utf-8").partition("[output]")
    for path, name in ((file, "one"), (other, "two")):
        path.write_text(f'{head}[output]\ndirectory = "{name}"\ntitle = "{name}"\n', encoding="utf-8")
    result = runner.invoke(app, ["run", str(file), str(other)])
    assert result.exit_code == 0, result.stderr
    for name in ("one/raa.png", "two/raa.png", "two/raa_comparison.png", "two/raa_comparison.pdf"):
        assert (tmp_path / name).stat().st_size > 1000
        assert f"wrote {name}" in result.stdout
    same = runner.invoke(app, ["run", str(file), str(file)])
    assert_one_line(same, "directory", "differ")
    assert_one_line(runner.invoke(app, ["run", str(file), str(other), "--output", "x"]), "--output")


def test_an_interrupted_run_says_how_to_go_on(monkeypatch, file, tmp_path):
    solver = ExponentialDecay(interrupt_at=5)
    use_solver(monkeypatch, solver)
    arguments = ["run", str(file), "--output", str(tmp_path / "out")]
    result = runner.invoke(app, arguments)
    assert result.exit_code == 130
    assert "the same command goes on" in result.stderr
    assert str(tmp_path / "out") in result.stderr
    solver.interrupt_at = None
    result = runner.invoke(app, arguments)
    assert result.exit_code == 0
    assert "40 of them finished before" in result.stderr  # 5 tasks of 8 histories
    assert len(solver.calls) == 12


def test_a_damaged_part_is_a_warning_in_one_line(monkeypatch, file, tmp_path):
    use_solver(monkeypatch, ExponentialDecay())
    arguments = ["run", str(file), "--output", str(tmp_path / "out")]
    runner.invoke(app, arguments)
    part = next((tmp_path / "out" / "store" / "chunks").iterdir())
    part.write_bytes(b"")
    result = runner.invoke(app, arguments)
    assert result.exit_code == 0
    warning = [line for line in result.stderr.splitlines() if line.startswith("qtraj: warning: ")]
    assert len(warning) == 1
    assert part.name in warning[0]


@pytest.mark.parametrize(
    ("old", "new", "fragments"),
    [
        ("T_end = 0.25", "T_ned = 0.25", ["`medium.T_ned`", "`T_end`"]),
        ("T_end = 0.25", "T_end = 250", ["`medium.T_end`", "GeV", "250"]),
        ("[9.2, 2.3]", "[9.2, 3]", ["b_fm"]),
        ('"PbPb"', '"OO"', ["system", "medium.files"]),
        ("[system]", "[system", ["run.toml", "line 2"]),
    ],
)
def test_a_mistake_in_the_run_file_is_one_line(file, old, new, fragments):
    file.write_text(RUN_FILE.replace(old, new), encoding="utf-8")
    assert_one_line(runner.invoke(app, ["run", str(file)]), *fragments)


def test_a_missing_run_file_is_one_line(tmp_path):
    assert_one_line(runner.invoke(app, ["run", str(tmp_path / "none.toml")]), "none.toml", "cannot be read")


def test_an_output_folder_that_cannot_be_written_is_one_line(monkeypatch, file):
    use_solver(monkeypatch, ExponentialDecay())
    assert_one_line(runner.invoke(app, ["run", str(file), "--output", str(file)]), "cannot be written")


@pytest.mark.parametrize(
    ("flags", "fragments"),
    [
        (["--kappa", "centrl"], ["kappa", "centrl"]),
        (["--kappa", "-1"], ["kappa", "-1"]),
        (["--T0", "425"], ["T0", "425", "GeV"]),
        (["--T0", "0.2"], ["T0"]),
        (["--l", "7"], ["l"]),
        (["--state", "9X"], ["9X"]),
        (["--order", "NNLO"], ["order", "NNLO"]),
        (["--method", "luck"], ["--method", "luck", "trajectories"]),
        (["--method", "trajectories", "--n", "1"], ["n", "1"]),
        (["--method", "trajectories", "--potential", "ksu"], ["--method", "nojump", "width"]),
        (["--potential", "ksu", "--kappa", "central"], ["transport", "width"]),
        (["--potential", "nofile.txt"], ["--potential", "nofile.txt"]),
        (["--duration", "1", "--table", __file__], ["--duration"]),
        (["--allow-hot-end"], ["--allow-hot-end", "--table"]),
        (["--T-end", "0.01"], ["T_end", "200 fm/c", "Raise T_end"]),
    ],
)
def test_a_mistake_in_the_flags_of_solve_is_one_line(flags, fragments):
    assert_one_line(runner.invoke(app, ["solve", *flags]), *fragments)


@pytest.mark.parametrize(
    ("flags", "fragments"),
    [
        (["--method", "nojump"], ["NoJump", "0.3538"]),
        (["--method", "trajectories", "--n", "256"], ["QuantumTrajectories", "0.354", "statistical"]),
        (["--potential", "ksu"], ["NoJump", "mesh"]),
        (["--method", "nojump", "--order", "NLO"], ["NoJump", "0.59595"]),
    ],
)
def test_solve_by_every_method(flags, fragments):
    result = runner.invoke(app, ["solve", *flags])
    assert result.exit_code == 0, result.output
    for fragment in fragments:
        assert fragment in result.stdout


def test_a_table_that_ends_hot_must_be_meant(tmp_path):
    table = tmp_path / "history.txt"
    table.write_text("0.6 0.4\n1.0 0.35\n2.0 0.3\n")
    flags = ["solve", "--method", "nojump", "--table", str(table), "--T-end", "0.25"]
    assert_one_line(runner.invoke(app, flags), "T_end", "0.3 GeV", "allow_hot_end")
    assert runner.invoke(app, [*flags, "--allow-hot-end"]).exit_code == 0


def test_cite_names_the_papers_and_with_a_run_file_its_fluid_and_data(file):
    plain = runner.invoke(app, ["cite"])
    assert plain.exit_code == 0
    assert "2107.06147" in plain.stdout
    assert "1004.1408" not in plain.stdout
    full = runner.invoke(app, ["cite", str(file)])
    assert "1004.1408" in full.stdout
    assert "1805.09215" in full.stdout


def test_the_module_runs_and_the_start_is_light():
    """Help and version answer without what only the commands need."""
    script = (
        "import sys, qtraj.cli; print([m for m in ('xarray', 'matplotlib', 'pydantic') if m in sys.modules])"
    )
    light = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert light.stdout.strip() == "[]"
    version = subprocess.run(
        [sys.executable, "-m", "qtraj", "--version"], capture_output=True, text=True, check=True
    )
    assert version.stdout.startswith("qtraj 0.")
