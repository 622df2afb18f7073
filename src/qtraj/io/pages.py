"""What every HTML page of the package is made of: one head, style and scripts inside it, and its data."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from importlib.metadata import version
from importlib.resources import files
from os import PathLike
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._atomic import atomic_path
from .._checks import path as path_of


def page(
    content: str, *, title: str, styles: Sequence[str], scripts: Sequence[str], data: Any, **fields: str
) -> str:
    """Return a self-contained page."""
    body = Template(template(content)).substitute(timeline=template("timeline.html"), **fields)
    return Template(template("page.html")).substitute(
        version=html.escape(version("qtraj")),
        title=html.escape(title),
        style="".join(map(template, styles)),
        content=body,
        data=embedded_json(data),
        scripts="".join(f"<script>\n{template(name)}</script>\n" for name in scripts),
    )


def write_page(path: str | PathLike[str], text: str) -> Path:
    """Write a page, complete or not at all."""
    path = path_of("path", path)
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


def template(name: str) -> str:
    """Return the text of a template."""
    # by path: to import the plots would take Matplotlib, too
    return (files("qtraj") / "plots" / "templates" / name).read_text(encoding="utf-8")


def embedded_json(data: Any) -> str:
    """Return JSON that is safe inside a ``<script>`` element: no ``<``, ``>`` or ``&`` as such."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def rounded(values: ArrayLike, digits: int = 4) -> list[float | None]:
    """Return the values at `digits` significant digits, None where they are not finite."""
    return [float(f"{v:.{digits}g}") if np.isfinite(v) else None for v in np.asarray(values, float)]
