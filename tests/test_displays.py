"""What a terminal and a notebook show of an object is short and says what it is, whatever the size."""

from dataclasses import replace

import numpy as np
import pytest

import qtraj as qt
from qtraj.observables import SurvivalTable, load_raa

MODEL = qt.LindbladModel()
LEVELS = qt.vacuum_levels(MODEL)


def histories(n):
    """Return a batch whose metadata are numbers, words and vectors."""
    words = {"pT": np.arange(float(n)), "source": np.array(["<b>"] * n), "x_fm": np.zeros((n, 2))}
    return qt.Histories([0.6, 1.0, 2.0], np.tile([0.4, 0.3, 0.2], (n, 1)), 0.25, words)


def table(n):
    """Return a table whose rows do not know their P states."""
    survival = np.tile([0.5, 0.2, np.nan, 0.1, np.nan, np.nan], (n, 1))
    return SurvivalTable(survival, np.arange(n) % 4, no_jump=survival / 2, b_fm=np.linspace(0, 12, n))


def levels(n):
    return qt.thermal_levels(MODEL, np.linspace(0.2, 0.4, n), ["1S", "1P"], routes=["perturbation", "poles"])


OBJECTS = {
    "Histories": (histories(2), "2 histories", "pT"),
    "many Histories": (histories(20_000), "20000 histories", "highest T"),
    "SurvivalTable": (table(3), "3 rows", "b_fm"),
    "large SurvivalTable": (
        table(50_000),
        "50000 rows in 4 independent groups: 1S, 2S, 3S, also without jump",
        "3S",
    ),
    "DataSet": (load_raa()[0], "R_AA against N_part", "total_plus"),
    "Levels": (LEVELS, "Vacuum states of CoulombPotential", "2M+E"),
    "Levels, few bound": (
        replace(LEVELS, energies=np.where(np.arange(6) < 3, LEVELS.energies, np.nan)),
        "M = 4.73 GeV",
        "unbound",
    ),
    "ThermalLevels": (levels(1), "1S, 1P at 0.2 GeV", "width [MeV]"),
    "many ThermalLevels": (levels(30), "30 temperatures, 0.2 to 0.4 GeV", "poles"),
    "Estimate": (qt.Estimate(np.ones(100_000), {"mesh": 0.1}), "shape (100000,)", None),
}


@pytest.mark.parametrize("name", sorted(OBJECTS))
def test_what_is_shown_is_short_and_says_what_it_is(name):
    thing, words, column = OBJECTS[name]
    assert words in repr(thing)
    assert len(repr(thing)) < 700
    assert "array(" not in repr(thing)
    if column is None:
        return
    html = thing._repr_html_()
    assert len(html) < 20_000
    assert html.count("<table") == html.count("</table>") == 1
    assert column in html
    assert "<b>" not in html


def test_columns_of_a_result_never_touch():
    """`0.000438416 +- 8.8e-090.000438416 +- 8.8e-09`"""
    small = {"1S": qt.Estimate(0.000438416, {"mesh": 8.8e-9})}
    assert "8.8e-09 0.000438416" in repr(qt.Sensitivity(small, {}, small, small))
