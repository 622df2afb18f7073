"""The tables of docs/paper.md, written between marks by `run.py`, so that no number there was typed."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from cases.common import Table

from .record import RESULTS

PAGE = Path(__file__).parents[2] / "docs" / "paper.md"
MARK = "<!-- {end}{name} -->"


def load(name: str) -> tuple[dict, list[Table]]:
    """Return the machine and the tables of a test, from its file."""
    content = json.loads((RESULTS / f"{name}.json").read_text())
    tables = [
        Table(t["title"], tuple(t["columns"]), tuple(tuple(row) for row in t["rows"]), t["note"])
        for t in content["tables"]
    ]
    return content["machine"], tables


def block(machine: dict, tables: Sequence[Table]) -> str:
    """Return tables as Markdown, and where they were measured."""
    parts = []
    for table in tables:
        lines = [f"**{table.title}**", "", _row(table.columns), _row(["---"] * len(table.columns))]
        lines += [_row(row) for row in table.rows]
        parts.append("\n".join([*lines, *(["", table.note] if table.note else [])]))
    versions = machine["versions"]
    parts.append(
        f"Measured {machine['date_utc']} UTC on {machine['cores']} cores of {machine['cpu']} (load "
        f"{machine['load_1_5_15_min'][0]}), qtraj {versions['qtraj']}, QuTiP {versions['qutip']}."
    )
    return "\n\n".join(parts)


def replaced(page: str, name: str, text: str) -> str:
    """Return the page with another text between the marks of a name; a page without them stays."""
    begin, end = (re.escape(MARK.format(end=e, name=name)) for e in ("", "end "))
    return re.sub(f"({begin}\n).*?({end})", lambda m: f"{m[1]}\n{text}\n\n{m[2]}", page, flags=re.DOTALL)


def update(name: str) -> None:
    """Write the tables of a test into the page."""
    machine, tables = load(name)
    page = PAGE.read_text()
    changed = replaced(page, name, block(machine, tables))
    if changed != page:
        partial = PAGE.with_suffix(".md.part")
        partial.write_text(changed)
        partial.replace(PAGE)


def _row(cells: Sequence[object]) -> str:
    return "| " + " | ".join(str(cell).replace("|", r"\|") for cell in cells) + " |"
