"""Run the tests that docs/validation_claims.toml names, and save what they found to docs/_data/validation.json.

python tools/make_validation.py            # `make validation`; some minutes
python tools/make_validation.py --only "Leading order"
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "docs" / "_ext"), str(ROOT / "benchmarks")]

from cases.common import machine  # noqa: E402
from qtraj_docs import claims  # noqa: E402

RESULTS = ROOT / "docs" / "_data" / "validation.json"
LIBRARIES = ("qtraj", "numpy", "scipy", "jax", "qutip")


def main() -> None:
    """Run, read, save."""
    listed = claims.load(ROOT)
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--only", choices=sorted({claim.group for claim in listed}), help="one group of claims"
    )
    only = parser.parse_args().only
    tests = dict.fromkeys(test for claim in listed if only in (None, claim.group) for test in claim.tests)
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "junit.xml"
        code = run(list(tests), report)
        found = read(report, list(tests))
    old = json.loads(RESULTS.read_text(encoding="utf-8"))["tests"] if only and RESULTS.exists() else {}
    save({**header(), "tests": old | found})
    sys.exit(code)


def run(tests: list[str], report: Path) -> int:
    """Run the tests, slow ones too, and return pytest's exit code."""
    command = [sys.executable, "-m", "pytest", "-W", "error", "-q", "-m", "slow or not slow", *tests]
    # the older family of the report names the file of each test
    return subprocess.run(
        [*command, f"--junitxml={report}", "-o", "junit_family=xunit1"], cwd=ROOT, check=False
    ).returncode


def read(report: Path, tests: list[str]) -> dict[str, Any]:
    """Return for each test how many of its cases passed, how long they took, and the numbers that they noted."""
    found: dict[str, Any] = {
        test: {"passed": 0, "failed": 0, "seconds": 0.0, "measured": []} for test in tests
    }
    for case in ElementTree.parse(report).iter("testcase"):
        entry = found[f"{case.get('file')}::{case.get('name', '').partition('[')[0]}"]
        bad = any(case.find(kind) is not None for kind in ("failure", "error", "skipped"))
        entry["failed" if bad else "passed"] += 1
        entry["seconds"] = round(entry["seconds"] + float(case.get("time", 0)), 2)
        entry["measured"] += [
            json.loads(note.get("value", ""))
            for note in case.iter("property")
            if note.get("name") == "measured"
        ]
    return found


def header() -> dict[str, Any]:
    """Return what the results were found with."""
    here = machine()
    return {
        "cpu": here["cpu"],
        "date_utc": time.strftime("%Y-%m-%d %H:%M", time.gmtime()),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in LIBRARIES},
    }


def save(content: dict[str, Any]) -> None:
    """Write the file whole or not at all."""
    RESULTS.parent.mkdir(exist_ok=True)
    temporary = RESULTS.with_suffix(".json.part")
    temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    os.replace(temporary, RESULTS)


if __name__ == "__main__":
    main()
