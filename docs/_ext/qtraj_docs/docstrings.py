"""Docstrings are written to be read as they stand; here they become reStructuredText that says the same.

Formulas in them are plain text: an indented block is shown as it is, and bars and single stars are no markup.
"""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx

SECTION = re.compile(r"^-{3,}\s*$")
PARAGRAPHS = {"Notes", "References", "Examples"}
CODE = re.compile(r"(``.*?``|`.*?`)")


def prepare(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Change the lines of a docstring in place, before numpydoc takes it apart."""
    lines[:] = literal_formulas([plain(line) for line in lines])


def plain(line: str) -> str:
    """Return a line in which ``|x|`` and ``a * b`` mean themselves, outside of code."""
    parts = CODE.split(line)
    return "".join(
        part
        if i % 2
        else re.sub(r"(?<!\\)\||(?<=[\w(] )\*(?=\s)|(?<=, )\*(?=\w)", lambda m: "\\" + m[0], part)
        for i, part in enumerate(parts)
    )


def literal_formulas(lines: list[str]) -> list[str]:
    """Return the lines with ``::`` before indented blocks of the text, where they are formulas.

    Indented lines of a section such as Parameters are descriptions and stay.
    """
    out: list[str] = []
    section, inside = "", False
    for i, line in enumerate(lines):
        if i + 1 < len(lines) and SECTION.match(lines[i + 1]) and line.strip():
            section, inside = line.strip(), False
        indented = line.startswith("    ")
        if line.strip() and not indented:
            inside = False
        begins = indented and not inside and i > 0 and not lines[i - 1].strip()
        if begins and (not section or section in PARAGRAPHS) and not introduced(lines[: i - 1]):
            out += ["::", ""]
        inside = inside or (indented and begins)
        out.append(
            line.replace("\\|", "|").replace("\\*", "*")
            if inside and not section_of_values(section)
            else line
        )
    return out


def section_of_values(section: str) -> bool:
    """Return whether a section lists names with descriptions."""
    return bool(section) and section not in PARAGRAPHS


def introduced(before: list[str]) -> bool:
    """Return whether the text already says that a literal block or a directive follows."""
    last = next((line for line in reversed(before) if line.strip()), "")
    return (
        last.rstrip().endswith("::") or last.lstrip().startswith((".. ", "- ", "* ")) or last.startswith(" ")
    )
