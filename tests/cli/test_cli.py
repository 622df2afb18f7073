"""The command line: one sentence for a mistake, the documented exit codes, the documented files."""

import ast
import json
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import typer
from stand_in import RUN_FILE, ExponentialDecay
from typer.testing import CliRunner

import qtraj as qt
import qtraj.campaign.run as campaign
from qtraj.campaign.executors import InProcess
from qtraj.campaign.run import RESULT
from qtraj.cli import app
from qtraj.io.config import load_run_file
from qtraj.io.inference import is_inference_file, load_inference_file
from qtraj.io.results import read_dataset

EXAMPLES = Path(__file__).parents[2] / "examples"

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
    assert "Υ(1S)" in result.stdout
    assert "Y(1S)" not in result.stdout
    prediction = read_dataset(tmp_path / "out" / RESULT)
    assert f"{prediction['raa'].sel(meson='Y(1S)')[0, 1]:.3f}"[:4] in result.stdout
    assert result.stderr.count("\n") == 1 + 12  # a heading and a line per task where there is no terminal


def test_what_has_one_setting_has_no_range(monkeypatch, file, tmp_path):
    use_solver(monkeypatch, ExponentialDecay())
    heads = []
    for i, gamma in enumerate(("[-1.75, 0.0]", "[-1.75]")):
        text = re.sub(r"(?m)^kappa = .*$", "kappa = [1.0]", file.read_text(encoding="utf-8"))
        file.write_text(re.sub(r"(?m)^gamma = .*$", f"gamma = {gamma}", text), encoding="utf-8")
        result = runner.invoke(app, ["run", str(file), "--output", str(tmp_path / str(i))])
        assert result.exit_code == 0, result.stderr
        assert "kappa range" not in result.stdout
        heads.append(("gamma range" in result.stdout, "Ranges: " in result.stdout))
    assert heads == [(True, True), (False, False)]


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


def test_the_executor_of_the_command_line_solves(monkeypatch, file, tmp_path):
    use_solver(monkeypatch, ExponentialDecay())
    chosen = []

    def executor(name, workers, scheduler, job):
        chosen.append((name, workers, scheduler))
        return InProcess()

    monkeypatch.setattr("qtraj.campaign.executors.chosen_executor", executor)
    arguments = ["run", str(file), "--output", str(tmp_path / "out")]
    result = runner.invoke(app, [*arguments, "--executor", "local", "--workers", "3"])
    assert result.exit_code == 0, result.stderr
    assert chosen == [("local", 3, None)]
    assert_one_line(runner.invoke(app, [*arguments, "--workers", "2"]), "--workers", "in-process", "local")
    assert_one_line(
        runner.invoke(app, [*arguments, "--scheduler", "tcp://a:1", "--executor", "local"]), "--scheduler"
    )


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
        (["--potential", "ksu", "--T0", "0.3", "--rtol", "0.05"], ["DensityMatrix", "mesh"]),
        (["--potential", "htl", "--method", "nojump"], ["NoJump", "mesh"]),
        (
            ["--potential", "ksu", "--method", "trajectories", "--n", "256"],
            ["QuantumTrajectories", "statistical"],
        ),
        (["--method", "nojump", "--order", "NLO"], ["NoJump", "0.59595"]),
        (["--method", "nojump", "--order", "all"], ["NoJump", "0.6125"]),
        (["--method", "nojump", "--order", "all", "--positive"], ["NoJump", "0.6296"]),
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


SHORT = ["solve", "--method", "nojump", "--T0", "0.4", "--duration", "0.5"]


def test_solve_saves_its_result_as_netcdf(tmp_path):
    path = tmp_path / "deep" / "result.nc"
    result = runner.invoke(app, [*SHORT, "--out", str(path)])
    assert result.exit_code == 0, result.stderr
    assert f"wrote {path}" in result.stdout
    loaded = qt.load(path)
    assert str(loaded.survival["1S"]) in result.stdout
    assert "NoJump" in loaded.settings["method"]
    assert {"command", "created", "qtraj_version"} <= set(loaded.provenance)


def test_solve_prints_json_and_nothing_else(tmp_path):
    path = tmp_path / "result.nc"
    result = runner.invoke(app, [*SHORT, "--json", "--out", str(path)])
    assert result.exit_code == 0, result.stderr
    numbers = json.loads(result.stdout)
    assert numbers["survival"]["1S"]["value"] == float(qt.load(path).survival["1S"])
    assert set(numbers["survival"]["1S"]["parts"]) == {"time_step", "mesh"}
    assert result.stderr == f"wrote {path}\n"


def test_a_place_that_cannot_be_written_is_found_before_anything_is_solved(monkeypatch, tmp_path):
    monkeypatch.setattr("qtraj.solvers.solve.solve", None)
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert_one_line(
        runner.invoke(app, [*SHORT, "--out", str(tmp_path / "file" / "x.nc")]), "cannot be written"
    )


def test_brackets_in_titles_are_text(monkeypatch, file, tmp_path):
    title = "R_AA [central] of [/b] and :smile:"
    file.write_text(RUN_FILE.replace('"small"', f'"{title}"'), encoding="utf-8")
    use_solver(monkeypatch, ExponentialDecay())
    result = runner.invoke(app, ["run", str(file), "--output", str(tmp_path / "out")])
    assert result.exit_code == 0, result.stderr
    assert title in result.stdout
    assert "b [fm]" in result.stdout


def commands(group=None, words=()):
    """Yield every command with its words on the command line."""
    group = typer.main.get_command(app) if group is None else group
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*words, name))
        else:
            yield (*words, name), command


@pytest.mark.parametrize("words", [words for words, _ in commands()], ids=" ".join)
def test_help_shows_every_bracket_that_is_written(words):
    command = dict(commands())[words]
    shown = runner.invoke(app, [*words, "--help"], env={"COLUMNS": "400"}).stdout
    texts = [command.help, *(getattr(parameter, "help", None) or "" for parameter in command.params)]
    for bracket in re.findall(r"\[[^\]]*\]", " ".join(texts).replace("\\[", "[")):
        assert bracket in shown
    assert "\\[" not in shown


def test_init_writes_run_files_that_are_read_and_name_themselves(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for directory in ([], ["mine"]):
        result = runner.invoke(app, ["init", *directory])
        assert result.exit_code == 0, result.stderr
        folder = tmp_path.joinpath(*directory)
        files = sorted(folder.glob("*.toml"))
        assert [path.name for path in files] == sorted(path.name for path in EXAMPLES.glob("*.toml"))
        for path in files:
            load_inference_file(path) if is_inference_file(path) else load_run_file(path)
            for named in re.findall(r"[\w/]*(?:pbpb|campaign_)\w+\.toml", path.read_text(encoding="utf-8")):
                assert Path(named).is_file() or (folder / named).is_file()
        for named in re.findall(r"[\w/]+\.toml", result.stdout):
            assert Path(named).is_file()
    again = runner.invoke(app, ["init", "mine"])
    assert_one_line(again, "hold none of the files to write", "is there")


def test_no_message_names_a_file_that_a_wheel_lacks():
    """Of the project's own files: a user who installed a wheel has none of them."""
    gone = re.compile(r"\b(examples|docs|benchmarks|tools|tests)/\w+\.\w+|\bmake (run|test|docs|bench)\b")
    sources = [path for path in (EXAMPLES.parent / "src").rglob("*.py") if "qtraj1" not in path.parts]
    found = [(path.name, text) for path in sources for text in strings(path) if gone.search(text)]
    assert found == []


def strings(path: Path) -> list[str]:
    """Return the texts in a module, without docstrings."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    documentation = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    texts = [n for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    return [node.value for node in texts if id(node) not in documentation]


def test_where_posix_locks_are_missing_a_campaign_is_one_sentence(file):
    script = "import sys; sys.modules['fcntl'] = None; from qtraj.cli import app; app(['run', sys.argv[1]])"
    done = subprocess.run(
        [sys.executable, "-c", script, str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("qtraj: runs and campaigns need Linux or macOS (on Windows: WSL)")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("seconds", [0.0, 0.02, 0.1, 0.3, 0.6, 1.0, 1.5, 2.5])
def test_ctrl_c_at_any_moment_is_one_line(seconds, tmp_path):
    """In the first second, while the package is imported, it was a traceback of thirty lines."""
    command = (
        "import os, signal, sys, threading, time\n"
        f"sys.argv = ['qtraj', 'solve', '--rtol', '1e-5']\n"
        "def interrupt():\n"
        "    while 'qtraj._interrupt' not in sys.modules: time.sleep(1e-4)\n"
        f"    time.sleep({seconds} + 0.01); os.kill(os.getpid(), signal.SIGINT)\n"
        "threading.Thread(target=interrupt, daemon=True).start()\n"
        "from qtraj.cli import app\n"
        "app()\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", command],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=120,
        check=False,
    )
    assert found.returncode in (130, 0)  # 0 where a quick machine had finished
    assert found.returncode == 0 or found.stderr == "Interrupted. The same command begins again.\n"


def test_an_import_in_python_leaves_ctrl_c_alone():
    command = "import signal, qtraj; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    found = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    assert found.stdout == "True\n"
