"""docs/observables.md tells the truth: its example runs, its functions, systems and numbers are the package's."""

import re
from pathlib import Path

import qtraj.observables
from qtraj.observables import load_data, system_names
from qtraj.observables.data.dataset import STATUSES

PAGE = (Path(__file__).parents[2] / "docs" / "observables.md").read_text(encoding="utf-8")


def test_the_example_runs(capsys):
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    exec(compile(block, "docs/observables.md", "exec"), {})
    raa, minimum_bias, double_ratio, flow, chi = capsys.readouterr().out.splitlines()
    assert raa.count("(") == 4  # a value with its error for each geometry
    assert "branching" in minimum_bias
    assert "cross sections" in minimum_bias
    assert 0 < float(double_ratio.partition("(")[0]) < 1
    assert float(flow.partition("(")[0]) > 0  # absorption along x is weaker
    assert chi.startswith("chi2 = ")


def test_the_functions_of_the_table_exist():
    table = PAGE.split("| quantity | function |")[1].split("\n\n")[0]
    names = [name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[2])]
    assert len(names) >= 8
    assert all(hasattr(qtraj.observables, name) for name in names)


def test_the_systems_are_those_of_the_package():
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, flags=re.MULTILINE)) == set(system_names())


def test_the_number_of_points_is_that_of_the_tables():
    observables = ("R_AA", "double_ratio", "v2", "R_pA")
    points = sum(len(d) for observable in observables for d in load_data(observable, status=STATUSES))
    assert f"from {points} measured points" in PAGE


def test_observables_are_reached_from_the_package():
    import qtraj as qt

    assert qt.observables.SurvivalTable is qtraj.observables.SurvivalTable
    assert "observables" in qt.__all__
    assert "`qt.observables`" in PAGE
