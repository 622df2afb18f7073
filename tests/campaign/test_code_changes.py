"""Chunks belong to the code that solved them: an edited install never takes them for its own."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from fault_injection import MANY_CHUNKS, N_CHUNKS, planned
from stand_in import ExponentialDecay, make_run_file
from typer.testing import CliRunner

import qtraj
from qtraj.campaign.plan import OtherCodeWarning, make_plan
from qtraj.campaign.reading import load_survivals
from qtraj.campaign.run import carry_out
from qtraj.campaign.run import run as run_campaign
from qtraj.campaign.store import Store, status
from qtraj.cli import app
from qtraj.errors import FileFormatError
from qtraj.io.results import read_dataset
from qtraj.pages.run import load_run
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


@pytest.mark.parametrize("words", [["resume"], ["run", "--index", "0", "--of", "1"]])
def test_to_go_on_with_a_plan_of_other_code_is_refused_with_what_to_do(tmp_path, edit, words):
    store = planned(tmp_path / "store")
    if words[0] == "run":
        (tmp_path / "run.toml").write_text(store.load_plan().run_file.text, encoding="utf-8")
        words.insert(1, str(tmp_path / "run.toml"))
    edit("edited")
    result = CliRunner().invoke(app, ["campaign", *words, "--store", str(store.folder)])
    assert result.exit_code == 2
    for sentence in ("plan.json", "before its code was changed", "`qtraj campaign run FILE.toml"):
        assert sentence in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


@pytest.fixture
def finished(tmp_path):
    """A run of this code."""
    folder = tmp_path / "run"
    run_campaign(make_run_file(), folder, solve=ExponentialDecay())
    return folder


@pytest.mark.parametrize(("stored_keys", "version"), [(True, None), (False, None), (True, "0.0.9")])
def test_results_of_other_code_are_read_with_one_line_that_names_both(
    finished, edit, monkeypatch, stored_keys, version
):
    """`qtraj observe RUN`: `plan.json: made by qtraj 0.1.0 before its code was changed`, with all results there."""
    before = load_survivals(finished)
    plan = Store(finished / "store").plan_path
    content = json.loads(plan.read_text(encoding="utf-8"))
    if not stored_keys:  # as plans were written before
        del content["keys"]
    plan.write_text(json.dumps(content | ({"qtraj": version} if version else {})), encoding="utf-8")
    edit("edited")
    with pytest.warns(
        OtherCodeWarning, match=r"made by qtraj \d.*, this is qtraj \d.*\(code edited\)"
    ) as warned:
        after = load_survivals(finished)
    assert len(warned) == 1
    for label, table in before.tables.items():
        np.testing.assert_array_equal(after.tables[label].survival.value, table.survival.value)
    run = load_run(finished)
    assert run.plan.made_by[0] == (version or qtraj.__version__)


def test_every_command_that_reads_takes_a_run_of_other_code(finished, edit):
    edit("edited")
    arguments = [
        ["campaign", "status", "--store", finished / "store"],
        ["campaign", "merge", "--store", finished / "store"],
        ["cite", finished],
    ]
    for words in arguments:
        result = CliRunner().invoke(app, list(map(str, words)))
        assert result.exit_code == 0, result.output
        assert len(result.stderr.splitlines()) <= 1  # the warning, once for each plan
    merged = read_dataset(finished / "store" / "merged.nc")
    assert "code" in merged.attrs["solved_by"]


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
