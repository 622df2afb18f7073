"""A newcomer's path in an empty environment: the commands of the first page, copied and run as written."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow  # downloads and installs everything that qtraj needs
def test_the_first_page_works_in_an_empty_environment(tmp_path):
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split("\0")
    for name in filter(None, tracked):
        if (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    page = (ROOT / "docs" / "start.md").read_text(encoding="utf-8")
    shell = "".join(re.findall(r"(?ms)^```sh\n(.*?)^```", page))
    python = "".join(re.findall(r"(?ms)^```\{code-cell\} python\n(.*?)^```", page))
    (tmp_path / "first.py").write_text(python, encoding="utf-8")
    # nothing of the environment that runs this test may help
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"{shell}\nMPLBACKEND=agg python first.py"],
        cwd=tmp_path,
        env=clean,
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert re.search(r"1S\s+0\.3548\d+\(\d+\)", done.stdout)
    assert (tmp_path / "first_plot.png").stat().st_size > 10_000
