"""What the documentation names exists: functions, tests, claims, files; and every public name has a place in it."""

from __future__ import annotations

import ast
import importlib
import json
import re
import sys
from functools import cache
from itertools import groupby
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from documented import MODULES

import qtraj

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
sys.path.insert(0, str(DOCS / "_ext"))

from qtraj_docs import benchmarks, changelog, claims, notebooks, tests_pages  # noqa: E402

PAGES = sorted(p for p in DOCS.rglob("*.md") if not {"_build", "_generated"} & set(p.parts))
CLAIMS = claims.load(ROOT)
NAMED_TESTS = sorted(tests_pages.named_tests(ROOT))


def name_of(path: Path) -> str:
    return str(path.relative_to(DOCS))


def found(full_name: str) -> Any:
    """Return what a dotted name stands for; an attribute hides a module of the same name."""
    first, *rest = full_name.split(".")
    thing, path = importlib.import_module(first), first
    for part in rest:
        path = f"{path}.{part}"
        thing = getattr(thing, part) if hasattr(thing, part) else importlib.import_module(path)
    return thing


@cache
def names_in(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {name for name, _, _ in tests_pages.tests_in(tree)}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_functions_and_classes_that_a_page_links_to_exist(page: Path):
    for target in re.findall(r"\{py:\w+\}`~?([\w.]+)`", page.read_text(encoding="utf-8")):
        assert found(target) is not None, target


@pytest.mark.parametrize("test", NAMED_TESTS)
def test_tests_that_the_documentation_names_exist(test: str):
    path, _, name = test.partition("::")
    assert (ROOT / path).is_file()
    assert not name or name in names_in(path)


def test_each_equation_of_the_physics_page_has_code_and_tests():
    sections = re.split(r"(?m)^## ", (DOCS / "physics.md").read_text(encoding="utf-8"))[1:-1]
    assert len(sections) > 10
    for section in sections:
        title = section.partition("\n")[0]
        assert "$$" in section, title
        assert re.search(r"(?m)^In the code\n: \{py:", section), title
        assert re.search(r"(?m)^Tests\n: \{test\}", section), title
        assert (
            "arxiv.org" in section
            or "Phys." in section
            or title in {"The medium", "Jumps without sampling", "Where the pair starts, and survival"}
        ), title


def test_claims_of_a_group_stand_together_and_say_something():
    groups = [group for group, _ in groupby(CLAIMS, key=lambda claim: claim.group)]
    assert len(groups) == len(set(groups))
    assert all(claim.claim and claim.against and claim.tests for claim in CLAIMS)


def test_the_saved_validation_knows_every_claim_and_nothing_failed():
    saved = json.loads((DOCS / "_data" / "validation.json").read_text(encoding="utf-8"))["tests"]
    wanted = {test for claim in CLAIMS for test in claim.tests}
    assert wanted == set(saved), "run `make validation`"
    for test, result in saved.items():
        assert result["passed"] > 0, test
        assert result["failed"] == 0, test
        for note in result["measured"]:
            assert abs(note["value"] - note["reference"]) <= note["allowed"], (test, note)


def listed_names() -> set[str]:
    """Return the full names of everything that the pages of the interface list."""
    names = set()
    for page in (DOCS / "api").glob("*.md"):
        for block in page.read_text(encoding="utf-8").split("```{eval-rst}")[1:]:
            module = re.search(r"currentmodule:: (\S+)", block)
            assert module, page
            names |= {
                f"{module[1]}.{entry}" for entry in re.findall(r"(?m)^   (\w[\w.]*)$", block.split("```")[0])
            }
    return names


def test_every_public_name_has_a_place_in_the_interface():
    listed = listed_names()
    things = {id(found(name)) for name in listed}
    missing = [
        f"{module}.{name}"
        for module in MODULES
        for name in importlib.import_module(module).__all__
        if name != "__version__"
        and not isinstance(thing := getattr(importlib.import_module(module), name), ModuleType)
        and id(thing) not in things
    ]
    assert not missing
    assert "qtraj.campaign.results.open_results" in listed


def test_nothing_is_listed_that_does_not_exist():
    for name in listed_names():
        assert found(name) is not None


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *PAGES], ids=lambda p: p.name)
def test_links_to_files_lead_somewhere(page: Path):
    text = re.sub(r"(?s)```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        path = target.partition("#")[0]
        if path and not re.match(r"[a-z]+:", path):
            assert (page.parent / path).exists(), target


def test_benchmarks_become_tables_of_their_own_numbers(tmp_path):
    entry = {"title": "T", "columns": ["a", "b"], "rows": [[1.5, "x|y"]], "note": "n"}
    here = {"cpu": "C", "cores": 2, "load_1_5_15_min": [0, 1, 2], "versions": {"qtraj": "1"}, "python": "3",
            "date_utc": "today"}  # fmt: skip
    (tmp_path / "m.json").write_text(json.dumps({"machine": here, "tables": {"t": entry}}))
    (tmp_path / "other.json").write_text("{}")
    text = benchmarks.tables(tmp_path)
    assert "## C, 2 cores" in text
    assert "| 1.5 | x\\|y |" in text


def test_fragments_of_the_changelog_are_grouped_and_indented(tmp_path):
    (tmp_path / "changelog").mkdir()
    (tmp_path / "changelog" / "8.feature.md").write_text("Second\nand its end.\n")
    (tmp_path / "changelog" / "3.feature.md").write_text("First.")
    (tmp_path / "changelog" / "README.md").write_text("none of it")
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\nwords\n\n## 0.1\n\n- old\n")
    text = changelog.text(tmp_path)
    assert text.index("- First.") < text.index("- Second\n  and its end.") < text.index("## 0.1")
    assert "none of it" not in text


@pytest.mark.parametrize("page", notebooks.pages(DOCS), ids=name_of)
def test_a_notebook_has_the_cells_of_its_page_and_a_link(page: Path):
    pytest.importorskip("myst_nb", reason="the tools of the documentation make the notebooks")
    text = notebooks.notebook(page)
    assert text == notebooks.notebook(page)
    code = ["".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    on_page = page.read_text(encoding="utf-8")
    assert code
    assert all(cell.strip() in on_page for cell in code)
    index = DOCS / "tutorials" / "index.md" if page.parent.name == "tutorials" else page
    assert f"_generated/notebooks/{page.stem}.ipynb>" in index.read_text(encoding="utf-8")


def test_the_version_has_one_place():
    assert qtraj.__version__ in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
