"""The benchmarks start: their imports follow the package."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2] / "benchmarks"
IMPORTS = """
import importlib, json, sys
from pathlib import Path
root = Path.cwd()
names = [".".join(p.relative_to(root).with_suffix("").parts) for p in root.rglob("*.py") if p.stem != "__init__"]
sys.path.insert(0, str(root))
for name in names:
    importlib.import_module(name)
print(json.dumps(names))
"""


def test_every_module_of_the_benchmarks_can_be_imported():
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert {"run", "cases.speed", "paper.exact"} <= set(json.loads(done.stdout.splitlines()[-1]))
