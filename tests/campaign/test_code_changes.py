"""Chunks belong to the code that solved them: an edited install never takes them for its own."""

import re
import shutil
from pathlib import Path

import pytest
from fault_injection import MANY_CHUNKS, N_CHUNKS, planned
from stand_in import ExponentialDecay, make_run_file
from typer.testing import CliRunner

import qtraj
from qtraj.campaign.plan import make_plan
from qtraj.campaign.run import carry_out
from qtraj.campaign.store import status
from qtraj.cli import app
from qtraj.errors import FileFormatError
from qtraj.provenance import CODE, code_digest
from test_architecture import PACKAGE, imported_units


@pytest.mark.parametrize(
    ("file", "counts"),
    [
        ("solvers/solve.py", True),
        ("physics/transport.py", True),
        ("radial/laguerre.py", True),
        ("hydro/paths.py", True),
        ("campaign/work.py", True),
        ("units.py", True),
        ("plots/style.py", False),  # a figure changes no survival
        ("cli/__init__.py", False),
    ],
)
def test_an_edited_source_of_numbers_changes_the_digest(tmp_path, file, counts):
    copy = Path(shutil.copytree(PACKAGE, tmp_path / "qtraj", ignore=shutil.ignore_patterns("data", "*.pyc")))
    before = code_digest(copy)
    assert before == code_digest()
    source = (copy / file).read_text(encoding="utf-8")
    (copy / file).write_text(re.sub(r"\b2\b", "3", source) + "\n# edited\n", encoding="utf-8")
    assert (code_digest(copy) != before) == counts
    (copy / file).write_text(source, encoding="utf-8")
    assert code_digest(copy) == before


def test_a_new_removed_or_renamed_source_changes_the_digest(tmp_path):
    copy = Path(shutil.copytree(PACKAGE, tmp_path / "qtraj", ignore=shutil.ignore_patterns("data", "*.pyc")))
    before = code_digest(copy)
    (copy / "solvers" / "solve.py").rename(copy / "solvers" / "solve_too.py")
    renamed = code_digest(copy)
    (copy / "solvers" / "solve_too.py").unlink()
    assert len({before, renamed, code_digest(copy)}) == 3


def test_all_that_the_numbers_come_from_is_in_the_digest():
    """What the solvers and the histories import counts, too, unless it holds no number."""
    counted = {name.removesuffix(".py") for name in CODE}
    plain = {
        "errors",
        "_checks",
        "_types",
        "provenance",
        "_atomic",
        "_netcdf",
        "atomic",
    }  # messages, types, versions, files
    for unit in ("radial", "physics", "solvers", "hydro"):
        imported = {u for path in (PACKAGE / unit).glob("*.py") for u in imported_units(path)}
        assert {u for u in imported if not any(c.startswith(u) for c in counted)} <= plain
    for name in CODE:
        assert (PACKAGE / name).exists(), f"{name} has moved"


@pytest.fixture
def edit(monkeypatch):
    """Put another solver in the place of this one: all that a campaign sees of it is its digest."""

    def edited(digest: str) -> None:
        monkeypatch.setattr("qtraj.campaign.plan.CODE_DIGEST", digest)

    return edited


def test_chunks_of_other_code_are_never_used_and_come_back_with_their_code(tmp_path, edit):
    store, before = planned(tmp_path), qtraj.campaign.plan.CODE_DIGEST
    carry_out(store, solve=ExponentialDecay())
    keys = set(store.load_plan().keys)
    edit("edited")
    assert not keys & set(make_plan(make_run_file(MANY_CHUNKS)).keys)
    again = ExponentialDecay()
    carry_out(planned(tmp_path), solve=again)
    assert len(again.calls) == N_CHUNKS
    assert status(tmp_path).foreign == N_CHUNKS
    edit(before)
    unchanged = ExponentialDecay()
    carry_out(planned(tmp_path), solve=unchanged)
    assert not unchanged.calls


@pytest.mark.parametrize("command", ["status", "resume", "merge"])
def test_a_plan_of_other_code_is_named_with_what_to_do(tmp_path, edit, command):
    planned(tmp_path)
    edit("edited")
    result = CliRunner().invoke(app, ["campaign", command, "--store", str(tmp_path)])
    assert result.exit_code == 2
    for words in ("plan.json", "before its code was changed", "`qtraj campaign run FILE.toml"):
        assert words in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_the_size_of_chunks_stays_so_that_old_code_finds_its_chunks(tmp_path, edit):
    text = MANY_CHUNKS.replace("chunk = 8", "chunk_seconds = 1e-9").replace("n = 8", "n = 256")
    size = planned(tmp_path, text).load_plan().chunk_size
    edit("edited")
    assert planned(tmp_path, text.replace("1e-9", "1e9")).load_plan().chunk_size == size


def test_a_worker_of_other_code_refuses_the_plan(tmp_path, edit):
    store = planned(tmp_path)
    text = store.plan_path.read_text(encoding="utf-8")
    edit("edited")
    with pytest.raises(FileFormatError, match="before its code was changed"):
        qtraj.campaign.plan.plan_from_json(text, "plan.json")
