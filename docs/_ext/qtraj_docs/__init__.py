"""Sphinx extension of this documentation: pages made of tests, results and changelog, and the roles that link to them.

Everything it writes goes to ``docs/_generated`` at the start of a build, from files in the repository alone.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxRole

from . import benchmarks, changelog, docstrings, notebooks, tests_pages, validation

ROOT = Path(__file__).resolve().parents[3]
GENERATED = ROOT / "docs" / "_generated"


class TestRole(SphinxRole):
    """``{test}`tests/folder/test_file.py::test_name``` links to the source of a test; a file alone to all of it."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        path, _, name = self.text.partition("::")
        shown = name.removeprefix("test_").replace("_", " ") or path.removeprefix("tests/")
        reference = addnodes.pending_xref(
            refdomain="std",
            reftype="ref",
            reftarget=tests_pages.label(self.text),
            refexplicit=True,
            refwarn=True,
            refdoc=self.env.docname,
        )
        reference += nodes.inline(shown, shown)
        return [reference], []


def write_pages(app: Sphinx, config: Any) -> None:
    """Write the generated pages; files whose content is the same keep their times, so that builds are short."""
    pages = {
        "validation.inc": validation.tables(ROOT),
        "benchmarks.inc": benchmarks.tables(ROOT / "benchmarks" / "results"),
        "changelog.inc": changelog.text(ROOT),
        **{
            f"notebooks/{page.stem}.ipynb": notebooks.notebook(page)
            for page in notebooks.pages(ROOT / "docs")
        },
        **{f"tests/{name}": text for name, text in tests_pages.pages(ROOT).items()},
    }
    for name, text in pages.items():
        write(GENERATED / name, text)
    copy_mathjax(GENERATED / "static" / "mathjax")
    for old in (GENERATED / "tests").glob("*.md"):
        if f"tests/{old.name}" not in pages:
            old.unlink()


def copy_mathjax(folder: Path) -> None:
    """Put MathJax beside the pages, in the one file that holds its fonts as well: formulas need no network."""
    folder.mkdir(parents=True, exist_ok=True)
    package = resources.files("mathjax") / "static" / "mathjax" / "es5"
    for name in ("tex-svg.js",):
        (folder / name).write_bytes((package / name).read_bytes())


def write(path: Path, text: str) -> None:
    """Write a file unless it says so already."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def resolve_soft(
    app: Sphinx, env: BuildEnvironment, node: addnodes.pending_xref, text: nodes.TextElement
) -> nodes.Node | None:
    """Link a name in single backticks of a docstring if it has a page, and leave it as code if not.

    Docstrings write names of arguments, functions and classes alike in single backticks, and a public name without
    the module that documents it. References with a role of their own (``:func:``) must resolve.
    """
    if (node.get("refdomain"), node.get("reftype")) != ("py", "obj"):
        return None
    objects = env.domains["py"].objects
    name = node["reftarget"].lstrip(".")
    found = [full for full in objects if full == name or full.endswith("." + name)]
    public = min(found, key=lambda full: (full.count("."), full), default=None)
    if public is None:
        return text
    entry = objects[public]
    reference = nodes.reference("", "", internal=True, reftitle=public)
    reference["refuri"] = f"{app.builder.get_relative_uri(node['refdoc'], entry.docname)}#{entry.node_id}"
    reference += text
    return reference


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect."""
    app.add_role("test", TestRole())
    app.connect("config-inited", write_pages)
    app.connect("autodoc-process-docstring", docstrings.prepare, priority=400)  # numpydoc comes at 500
    app.connect("missing-reference", resolve_soft)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
