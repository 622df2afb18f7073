"""The claims of the validation page: ``docs/validation_claims.toml``."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

FILE = "docs/validation_claims.toml"


@dataclass(frozen=True)
class Claim:
    """What is claimed, against what it is checked, and the tests that check it."""

    group: str
    claim: str
    against: str
    tests: tuple[str, ...]


def load(root: Path) -> list[Claim]:
    """Return the claims in the order of the file."""
    entries = tomllib.loads((root / FILE).read_text(encoding="utf-8"))["claim"]
    return [Claim(e["group"], e["claim"], e["against"], tuple(e["tests"])) for e in entries]
