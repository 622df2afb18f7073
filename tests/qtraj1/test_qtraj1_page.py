"""docs/qtraj1.md tells the truth: its table is that of the code, and its examples run on genuine files."""

import re
from pathlib import Path

from legacy_files import SAMPLES

from qtraj.qtraj1 import describe_keys

PAGE = (Path(__file__).parents[2] / "docs" / "qtraj1.md").read_text(encoding="utf-8")


def test_the_table_of_keys_is_the_one_of_the_code():
    expected = [
        f"| `{key}` | {unit or '-'} | {meaning} | {today} |" for key, unit, meaning, today in describe_keys()
    ]
    table = PAGE.split("| key | unit |")[1].split("\n\n")[0].splitlines()[2:]
    assert table == expected


def test_the_python_examples_run(monkeypatch, capsys):
    monkeypatch.chdir(SAMPLES / "bjorken")
    blocks = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    assert blocks
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "docs/qtraj1.md", "exec"), names)
    printed = capsys.readouterr().out
    assert "rare rows" in printed
    assert "rare_events" in printed
