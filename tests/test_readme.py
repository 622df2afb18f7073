"""The examples of README and of the docstrings run as written."""

import doctest
import re
from pathlib import Path

import pytest

import qtraj
import qtraj.solvers.solve

README = Path(__file__).parent.parent / "README.md"


def test_python_examples_of_the_readme_run(capsys):
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) == 2
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(README), "exec"), names)
    assert "1S" in capsys.readouterr().out  # the result prints itself
    assert len(names["histories"]) == 64


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
