"""A page for each test file that the documentation names, so that its links to tests lead somewhere."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from . import claims

ROLE = re.compile(r"\{test\}`([^`]+)`")

HEAD = """---
orphan: true
---

({label})=
# {title}

{words}

This is the source of `{path}`, test by test. Run it: `python -m pytest {path}`{slow}.
"""

TEST = """
({label})=
## {name}

```{{literalinclude}} ../../../{path}
:language: python
:lines: {first}-{last}
```
"""


def label(node: str) -> str:
    """Return the label of a test or of a test file, as ``{ref}`` knows it."""
    return re.sub(r"[^a-z0-9]+", "-", node.lower()).strip("-")


def named_tests(root: Path) -> set[str]:
    """Return every test or test file that a page or a claim names."""
    found = {test for claim in claims.load(root) for test in claim.tests}
    for page in (root / "docs").rglob("*.md"):
        if "_build" not in page.parts and "_generated" not in page.parts:
            found.update(ROLE.findall(page.read_text(encoding="utf-8")))
    return found


def pages(root: Path) -> dict[str, str]:
    """Return the text of each page by its file name."""
    files = sorted({test.partition("::")[0] for test in named_tests(root)})
    return {f"{label(path)}.md": page(root, path) for path in files if (root / path).exists()}


def page(root: Path, path: str) -> str:
    """Return the page of one test file."""
    source = (root / path).read_text(encoding="utf-8")
    tree = ast.parse(source)
    words = (ast.get_docstring(tree) or "").replace("\n\n", "\n")
    slow = " `-m slow` for those that take minutes" if "pytest.mark.slow" in source else ""
    slow = f", with{slow}" if slow else ""
    head = HEAD.format(label=label(path), title=Path(path).stem, words=escaped(words), path=path, slow=slow)
    return head + "".join(
        TEST.format(label=label(f"{path}::{name}"), name=name, path=path, first=first, last=last)
        for name, first, last in tests_in(tree)
    )


def tests_in(tree: ast.Module) -> Iterator[tuple[str, int, int]]:
    """Yield name, first and last line of each test function, decorators included."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            yield node.name, first, node.end_lineno or first


def escaped(words: str) -> str:
    """Return text that Markdown shows as it is."""
    return re.sub(r"([\\`*_{}\[\]<>$|])", r"\\\1", words)
