"""Tutorials and gallery as notebooks to download."""

from __future__ import annotations

from pathlib import Path


def notebook(page: Path) -> str:
    """Return a page with code cells as a Jupyter notebook, without outputs; the same text for the same page."""
    # here, as tests that need no notebooks read this package without the tools of the documentation
    import nbformat  # noqa: PLC0415
    from myst_nb.core.read import read_myst_markdown_notebook  # noqa: PLC0415

    made = read_myst_markdown_notebook(page.read_text(encoding="utf-8"), path=page)
    for i, cell in enumerate(made.cells):
        cell["id"] = f"cell-{i}"  # random by default
    return nbformat.writes(made)


def pages(docs: Path) -> list[Path]:
    """Return the pages that are notebooks."""
    listed = [*sorted((docs / "tutorials").glob("*.md")), docs / "gallery.md"]
    return [page for page in listed if "```{code-cell}" in page.read_text(encoding="utf-8")]
