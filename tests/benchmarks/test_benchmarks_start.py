"""The benchmarks start: their imports follow the package."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

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


def test_costs_are_compared_where_the_errors_are_equal(monkeypatch):
    """Of cost = a error^-p any point gives the ratio of the a; a run that is good by accident changes nothing."""
    monkeypatch.syspath_prepend(str(ROOT))
    at_equal_error = importlib.import_module("cases.common").at_equal_error
    errors = np.geomspace(1e-2, 1e-5, 7)
    cheap = [(e**-0.5, e) for e in errors]
    dear = [(3 * e**-0.5, e) for e in 0.7 * errors]
    ratios = at_equal_error(dear, cheap)
    assert [r for _, r in ratios] == pytest.approx([3] * len(ratios))
    assert len(ratios) == 12  # all but the largest of one and the smallest of the other
    lucky = sorted([*dear, (10.0, 1e-9)])
    assert at_equal_error(lucky, cheap) == ratios
    assert at_equal_error([(1.0, 1.0)], cheap) == []
