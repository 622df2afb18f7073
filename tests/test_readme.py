"""The examples of README and of the docstrings run as written."""

import doctest
import re
from pathlib import Path

import pytest

import qtraj
import qtraj.solvers.solve

README = Path(__file__).parent.parent / "README.md"


def python_of(page: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_the_example_of_the_readme_runs(capsys):
    (block,) = python_of(README)
    exec(compile(block, str(README), "exec"), {})
    assert "1S" in capsys.readouterr().out  # the result prints itself


def test_hydrodynamics_that_come_with_the_package_give_a_batch_of_histories():
    page = README.parent / "docs" / "howto" / "hydro.md"
    names: dict[str, object] = {}
    exec(compile(python_of(page)[0], str(page), "exec"), names)
    assert len(names["histories"]) == 64


@pytest.mark.parametrize("page", ["index", "start"])
@pytest.mark.parametrize("part", ["example", "methods"])
def test_pages_that_show_a_part_of_the_readme_include_it(page, part):
    """Example and table of methods stand in README alone; other pages include what is between its markers."""
    begin, end = f"<!-- begin {part} -->", f"<!-- end {part} -->"
    text = README.read_text(encoding="utf-8")
    assert text.count(begin) == text.count(end) == 1
    assert text.index(begin) < text.index(end)
    included = (README.parent / "docs" / f"{page}.md").read_text(encoding="utf-8")
    assert f"```{{include}} ../README.md\n:start-after: {begin}\n:end-before: {end}\n```" in included


@pytest.mark.parametrize("page", ["trajectories"])
def test_python_examples_of_the_docs_run(page):
    text = (README.parent / "docs" / f"{page}.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, page, "exec"), {})


@pytest.mark.parametrize("module", [qtraj, qtraj.solvers.solve], ids=lambda m: m.__name__)
def test_docstring_examples_run(module):
    failed, attempted = doctest.testmod(module)
    assert attempted > 0
    assert failed == 0
