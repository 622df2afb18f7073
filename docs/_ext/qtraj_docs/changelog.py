"""The changelog with the fragments of the version to come."""

from __future__ import annotations

import re
from pathlib import Path

TITLES = {
    "breaking": "Breaking changes",
    "feature": "New",
    "performance": "Faster",
    "bugfix": "Fixed",
    "data": "Data",
    "docs": "Documentation",
}


def text(root: Path) -> str:
    """Return CHANGELOG.md, preceded by what the folder ``changelog`` holds."""
    return unreleased(root / "changelog") + released((root / "CHANGELOG.md").read_text(encoding="utf-8"))


def unreleased(folder: Path) -> str:
    """Return the fragments, grouped by what they are."""
    groups: dict[str, list[str]] = {}
    for path in sorted(folder.glob("*.md"), key=lambda path: [int(n) for n in re.findall(r"\d+", path.name)]):
        parts = path.name.split(".")
        if len(parts) > 2 and parts[1] in TITLES:
            groups.setdefault(parts[1], []).append(path.read_text(encoding="utf-8").strip())
    lines = ["## To come\n"] if groups else []
    for kind, title in TITLES.items():
        if kind in groups:
            lines += [f"### {title}\n", *(as_item(fragment) for fragment in groups[kind]), ""]
    return "\n".join(lines) + "\n"


def as_item(fragment: str) -> str:
    """Return a fragment as an item of a list; what follows its first line is indented."""
    return "- " + fragment.removeprefix("- ").replace("\n", "\n  ")


def released(content: str) -> str:
    """Return the sections of CHANGELOG.md without its title and its words about fragments."""
    sections = re.split(r"(?m)^(?=## )", content)[1:]
    return "".join(s for s in sections if "See the fragments" not in s)
