"""Every example of the documentation runs as written: Python and shell, pages and docstrings."""

from __future__ import annotations

import doctest
import importlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from legacy_files import SAMPLES

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PACKAGE = ROOT / "src" / "qtraj"
PYTHON = re.compile(r"(?ms)^```(?:python|\{code-cell\} python)\n(.*?)^```")
SHELL = re.compile(r"(?ms)^```sh\n(.*?)^```")

ELSEWHERE = {
    "observables.md": "tests/observables/test_page.py",
    "qtraj1.md": "tests/qtraj1/test_qtraj1_page.py",
    "spectroscopy.md": "tests/spectroscopy/test_spectrum_files.py",
    "trajectories.md": "tests/test_readme.py",
}
"""Pages whose Python has a test that also looks at what it prints."""

COMPUTATIONS = {"paper.md", "peers.md"}
"""Pages whose commands are computations of hours; benchmarks/ has tests of its own."""

SLOW = {
    "events.md",
    "report.md",
    "accuracy.md",
    "nlo.md",
    "view.md",
    "explore.md",
    "start.md",
    "gallery.md",
    "dipole.md",
    "all_orders.md",
    "complex_potential.md",
    "your_own_system.md",
}
"""Pages that take more than two seconds, or need a campaign."""


def pages(pattern: re.Pattern[str]) -> list[Path]:
    """Return the pages of the documentation with such blocks; the tutorials run at every build."""
    listed = [
        p for p in sorted(DOCS.rglob("*.md")) if not {"_build", "_generated", "tutorials"} & set(p.parts)
    ]
    return [p for p in listed if p.name not in COMPUTATIONS and pattern.search(p.read_text(encoding="utf-8"))]


def blocks(page: Path, pattern: re.Pattern[str]) -> list[str]:
    return pattern.findall(page.read_text(encoding="utf-8"))


def parameters(listed: list[Path], slow: set[str]) -> list:
    return [
        pytest.param(p, id=str(p.relative_to(DOCS)), marks=[pytest.mark.slow] if p.name in slow else [])
        for p in listed
    ]


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """An empty folder with what the pages take for granted: the examples, and an output folder of QTraj 1.0."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    shutil.copytree(SAMPLES / "bjorken" / "output-307", tmp_path / "output-307")
    shutil.copytree(SAMPLES / "bjorken" / "input", tmp_path / "input")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_shell(commands: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run commands as a user does, with this Python and its `qtraj` first on the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=folder,
        env=os.environ | {"PATH": path, "MPLBACKEND": "agg"},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


@pytest.mark.parametrize(
    "page", parameters([p for p in pages(PYTHON) if p.name not in ELSEWHERE and p.name != "events.md"], SLOW)
)
def test_python_of_a_page_runs(page: Path, folder: Path):
    names: dict[str, object] = {"__name__": "page"}
    with mpl.rc_context({"backend": "agg"}):
        for block in blocks(page, PYTHON):
            exec(compile(block, str(page), "exec"), names)


@pytest.mark.parametrize("page", parameters([DOCS / name for name in ELSEWHERE], set()))
def test_pages_with_tests_of_their_own_have_them(page: Path):
    test = (ROOT / ELSEWHERE[page.name]).read_text(encoding="utf-8")
    assert page.stem in test
    assert "exec(" in test


@pytest.mark.slow
@pytest.mark.parametrize("page", parameters(pages(SHELL), set()))
def test_shell_of_a_page_runs(page: Path, folder: Path):
    commands = "".join(blocks(page, SHELL))
    if page.name == "start.md":
        commands = commands.partition("pip install .\n")[2]  # tests/docs/test_newcomer.py installs
    done = run_shell(commands, folder)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_campaign_of_many_events_runs_from_the_shell_to_python(folder: Path):
    page = DOCS / "howto" / "events.md"
    done = run_shell("".join(blocks(page, SHELL)), folder)
    assert done.returncode == 0, done.stderr
    for block in blocks(page, PYTHON):
        exec(compile(block, str(page), "exec"), {})


def modules_with_examples() -> list[str]:
    """Return the modules with examples in docstrings but the two that tests/test_readme.py runs."""
    paths = sorted(PACKAGE.rglob("*.py"))
    names = [
        ".".join(("qtraj", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")
        for path in paths
        if ">>>" in path.read_text(encoding="utf-8")
    ]
    return [name for name in names if name not in {"qtraj", "qtraj.solvers.solve"}]


@pytest.mark.parametrize("module", modules_with_examples())
def test_examples_of_docstrings_run(module: str):
    failed, attempted = doctest.testmod(importlib.import_module(module))
    assert attempted > 0
    assert failed == 0


def shown_commands() -> list[str]:
    """Return the command lines that pages show in indented blocks, without their comments; `sh` blocks run above."""
    listed = [ROOT / "README.md", *(p for p in sorted(DOCS.rglob("*.md")) if "_build" not in p.parts)]
    text = "\n".join(p.read_text(encoding="utf-8") for p in listed if "tutorials" not in p.parts)
    lines = re.findall(r"(?m)^ {4}(qtraj .+)$", text)
    return sorted({line.partition("#")[0].strip() for line in lines})


NOT_RUN = {
    "qtraj run examples/pbpb_5020.toml": "minutes; tests/campaign runs it small",
    "qtraj run examples/pbpb_5020.toml examples/pbpb_5020_nlo.toml examples/pbpb_5020_all.toml": "minutes, as well",
    **dict.fromkeys(
        (
            "qtraj infer examples/infer_pbpb_5020.toml",
            "qtraj infer examples/infer_pbpb_5020_orders.toml",
            "qtraj infer examples/infer_pbpb_5020.toml --closure --truth kappa=4,gamma=0",
            "qtraj infer examples/infer_pbpb_5020.toml --calibrate 100",
            "qtraj infer examples/infer_pbpb_5020.toml --sampler nested --seed 2",
        ),
        "many minutes; tests/cli and tests/inference run small files",
    ),
    "qtraj explore": "serves until Ctrl-C; tests/browser opens it",
    "qtraj explore --no-show --origin localhost:8016": "as well",
}
"""Shown commands that no test here runs, and why. Those of campaigns with DIR for a folder: tests/campaign."""


@pytest.fixture(scope="module")
def workplace(tmp_path_factory) -> Path:
    """A folder with every file that the commands of the pages name."""
    from stand_in import RUN_FILE, ExponentialDecay, make_run_file
    from survival_tables import toy_table

    from qtraj.campaign.results import merge
    from qtraj.campaign.run import STORE
    from qtraj.campaign.run import run as run_campaign
    from qtraj.io.survivals import write_survival_csv
    from qtraj.observables import FeedDown

    folder = tmp_path_factory.mktemp("workplace")
    for name, T_end in (("pbpb_5020", "0.25"), ("250", "0.25"), ("190", "0.19")):
        text = RUN_FILE.replace("T_end = 0.25", f"T_end = {T_end}")
        run_campaign(make_run_file(text), folder / "runs" / name, solve=ExponentialDecay())
    merge(folder / "runs" / "250" / STORE, folder / "merged.nc")
    write_survival_csv(folder / "mine.csv", toy_table(per_replicate=8))
    (folder / "datafile.gz").write_bytes((SAMPLES / "trajectory_datafile.gz").read_bytes())
    (folder / "ratios.tsv.gz").write_bytes((SAMPLES / "trajectory_datafile.gz").read_bytes())
    shutil.copytree(SAMPLES / "bjorken" / "output-307", folder / "output-307")
    shutil.copytree(SAMPLES / "bjorken" / "input", folder / "input")
    shutil.copy(folder / "input" / "params.txt", folder / "params.txt")
    (folder / "examples").symlink_to(ROOT / "examples")
    (folder / "lattice.csv").write_text("T_MeV,state,mass_MeV\n200,1S,9450\n", encoding="utf-8")
    group = FeedDown.named()
    rows = ",\n".join(str(row.tolist()) for row in np.asarray(group.matrix))
    feeddown = f"matrix = [{rows}]\nsigma_exp = {np.asarray(group.sigma_exp).tolist()}\n"
    (folder / "mine.toml").write_text(feeddown, encoding="utf-8")
    for command in (
        "qtraj convert output-307 run.nc",
        "qtraj observe mine.csv --system PbPb5020 --out measured",
    ):
        done = run_shell(command, folder)
        assert done.returncode == 0, done.stderr
    # what `observe` writes is a table as HEPData serves them
    shutil.copy(folder / "measured" / "hepdata" / "raa_npart.yaml", folder / "cms.yaml")
    return folder


def test_commands_that_are_not_run_are_still_shown():
    assert set(NOT_RUN) <= set(shown_commands())


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [c for c in shown_commands() if c not in NOT_RUN and "--store DIR" not in c and "FILE.toml" not in c],
)
def test_a_shown_command_runs_with_the_files_it_names(command: str, workplace: Path):
    done = run_shell(command, workplace)
    assert done.returncode == 0, done.stderr


def test_every_command_that_a_page_shows_has_these_flags():
    """Commands that are shown and not run name options that exist."""
    helps: dict[tuple[str, ...], str] = {}
    text = "\n".join(p.read_text(encoding="utf-8") for p in [ROOT / "README.md", *DOCS.glob("*.md")])
    shown = re.findall(r"(?m)^(?: {4}|)qtraj (.+)$", text)
    assert len(shown) > 30
    from typer.testing import CliRunner

    from qtraj.cli import app

    for line in shown:
        words = line.partition("#")[0].split()
        if words[0] == "legacy":  # takes the keys of params.txt
            continue
        command = tuple(words[:2] if words[0] == "campaign" else words[:1])
        if command not in helps:
            result = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "400", "NO_COLOR": "1"})
            assert result.exit_code == 0, line
            helps[command] = result.output
        for flag in re.findall(r"(?<!\S)(--[\w-]+)", line.partition("#")[0]):
            assert flag in helps[command], line
