"""Tables of benchmark results as Markdown: every number comes from the files that `make bench` wrote."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def tables(folder: Path) -> str:
    """Return the results of every machine, one section each."""
    lines: list[str] = []
    for path in sorted(folder.glob("*.json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(content.get("tables"), dict):  # paper and peers have pages of their own
            lines += machine(content["machine"])
            for entry in content["tables"].values():
                lines += table(entry)
    return "\n".join(lines) + "\n"


def machine(here: dict[str, Any]) -> Iterator[str]:
    """Yield what was measured on, and when."""
    load = ", ".join(str(x) for x in here["load_1_5_15_min"])
    versions = ", ".join(f"{name} {version}" for name, version in here["versions"].items())
    yield f"## {here['cpu']}, {here['cores']} cores\n"
    yield f"{here['date_utc']} UTC; load average {load} over 1, 5, 15 minutes; Python {here['python']}; {versions}.\n"


def table(entry: dict[str, Any]) -> Iterator[str]:
    """Yield one table."""
    yield f"### {entry['title']}\n"
    yield row(entry["columns"])
    yield row("---" for _ in entry["columns"])
    yield from (row(cells) for cells in entry["rows"])
    yield ""
    if entry["note"]:
        yield entry["note"] + "\n"


def row(cells: Any) -> str:
    """Return one row of a Markdown table."""
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"
