"""The tables of the validation page, from the claims and from what the last `make validation` found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from . import claims
from .benchmarks import row

RESULTS = "docs/_data/validation.json"


def tables(root: Path) -> str:
    """Return what was found, group by group."""
    found = json.loads((root / RESULTS).read_text(encoding="utf-8"))
    lines = list(summary(found))
    for group, members in groupby(claims.load(root), key=lambda claim: claim.group):
        listed = list(members)
        lines += [
            f"## {group}\n",
            *claim_list(listed, found["tests"]),
            *measured_table(listed, found["tests"]),
        ]
    return "\n".join(lines) + "\n"


def summary(found: dict[str, Any]) -> Iterator[str]:
    """Yield when, where and how it went."""
    runs = list(found["tests"].values())
    passed = sum(test["passed"] for test in runs)
    failed = sum(test["failed"] for test in runs)
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    verdict = "all passed" if not failed else f"**{failed} failed**"
    yield (
        f"`make validation`, {found['date_utc']} UTC, {found['cpu']}, Python {found['python']}, {versions}: "
        f"{passed + failed} checks in {len(runs)} tests, {verdict}, {sum(t['seconds'] for t in runs):.0f} s.\n"
    )


def claim_list(listed: list[claims.Claim], tests: dict[str, Any]) -> Iterator[str]:
    """Yield claim, reference and state of its tests."""
    for claim in listed:
        states = ", ".join(f"{{test}}`{test}` {state(tests.get(test))}" for test in claim.tests)
        yield f"{claim.claim[0].upper()}{claim.claim[1:]}"
        yield f": Against {claim.against}: {states}\n"


def state(result: dict[str, Any] | None) -> str:
    """Return how a test went."""
    if result is None:
        return "(not run)"
    if result["failed"]:
        return f"(**{result['failed']} failed**)"
    count = "" if result["passed"] == 1 else f"{result['passed']} cases "
    return f"({count}passed)"


def measured_table(listed: list[claims.Claim], tests: dict[str, Any]) -> Iterator[str]:
    """Yield the numbers that the tests noted, beside what they were compared with."""
    notes = [
        note
        for test in dict.fromkeys(test for claim in listed for test in claim.tests)
        for note in tests.get(test, {}).get("measured", [])
    ]
    if not notes:
        return
    yield row(["measured", "value", "reference", "difference", "allowed"])
    yield row(["---", "---:", "---:", "---:", "---:"])
    for note in notes:
        difference = note["value"] - note["reference"]
        shown = [f"{note[name]:.6g}" for name in ("value", "reference")]
        yield row([note["what"], *shown, f"{difference:.1e}", f"{note['allowed']:.1e}"])
    yield ""
