"""The page of `qtraj view`: self-contained, escaped, small, and its numbers are those of the evolution."""

import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from view_data import TIMES, evolution, trajectory, without_waves

from pages import Page, assert_self_contained, data_of
from qtraj.io.pages import embedded_json, rounded
from qtraj.plots.view import view_page, write_view_page
from qtraj.states import STATE_NAMES
from qtraj.units import HBARC


def test_the_page_asks_for_nothing_but_itself():
    text = view_page(evolution())
    assert_self_contained(text)
    # the name of a namespace is the only address
    assert set(re.findall(r"https?://[^\s\"')]+", text)) <= {"http://www.w3.org/2000/svg"}


def test_text_of_the_user_is_text_on_the_page():
    text = view_page(evolution())
    page = Page(text)
    assert page.text["h1"] == ["a <b>pair</b> & its fate"]
    assert "first </script><script>alert(1)</script>" in page.text["p"]
    assert sum(tag == "script" for tag, _ in page.elements) == 4
    assert not any(tag == "b" for tag, _ in page.elements)


def test_its_numbers_are_those_of_the_evolution():
    data, stored = data_of(view_page(evolution())), evolution().thinned(160, 260)
    assert data["t"] == TIMES.tolist()
    assert_allclose(data["r"], stored.r * HBARC, rtol=1e-4)
    assert data["re"][1] is data["im"][1] is None  # no wave function stored
    u = np.array(data["re"][3]) + 1j * np.array(data["im"][3])
    # half a unit of the fourth digit, 5e-4 of a part that begins with 1, and steps of 1e-4 of the largest value
    assert_allclose(u, stored.u_fm[3], atol=6e-4 * np.abs(stored.u_fm[[0, 2, 3]]).max())
    series = {chart["title"]: chart for chart in data["series"]}
    norm = series["Norm without jump"]
    assert norm["lines"][0]["values"] == evolution().norm.tolist()
    assert norm["log"]
    overlaps = series["Overlaps without jump"]["lines"]
    assert [line["name"] for line in overlaps] == ["1S", "2S"]
    assert overlaps[1]["values"] == [1e-3, 1e-4, 1e-5, 1e-6]
    for chart in data["series"]:
        assert chart["yLabel"]
        assert all(len(line["values"]) == len(TIMES) for line in chart["lines"])


def test_a_trajectory_has_its_path_through_colors():
    data = data_of(view_page(trajectory()))
    path = data["series"][-1]
    assert [line["name"] for line in path["lines"]] == ["singlet", "octet"]
    assert path["lines"][0]["values"] == [0, 0, None, None]
    assert path["lines"][1]["values"] == [None, None, 1, 4]
    readout = {name: values for name, values, _ in data["readout"]}
    assert readout["color"] == ["singlet", "singlet", "octet", "octet"]
    assert set(readout) & set(STATE_NAMES) == {"1S", "2S"}


def test_without_wave_functions_there_are_still_the_curves():
    data = data_of(view_page(without_waves()))
    assert data["r"] == []
    assert data["re"] == [None] * 4
    assert len(data["series"]) == 4


def test_a_long_evolution_stays_below_three_megabytes_and_says_that_it_is_thinned():
    times, r = np.linspace(0, 10, 1000), np.linspace(0, 40, 1200)
    u = np.exp(-((r - 10) ** 2) / 50) * np.exp(2j * times[:, None] * r)
    flat = np.ones(1000)
    text = view_page(
        evolution(
            times_fm=times, norm=flat, color=0 * flat, l=0 * flat, overlaps=np.full((1000, 6), 0.1),
            mean_radius=flat, energy=flat, r=r, u=u,
        )
    )  # fmt: skip
    assert len(text.encode()) < 3e6
    assert "160 of the 1000 stored times are shown." in Page(text).text["p"]


@given(st.recursive(st.text() | st.floats(allow_nan=False, allow_infinity=False), st.lists, max_leaves=8))
def test_embedded_json_comes_back_and_cannot_end_its_element(value):
    text = embedded_json(value)
    assert not set(text) & set("<>&")
    assert json.loads(text) == value


def test_numbers_that_are_none_become_null():
    assert rounded(np.array([1.23456, np.nan, np.inf, 1e-20])) == [1.235, None, None, 1e-20]


def test_the_file_is_the_page(tmp_path):
    path = write_view_page(evolution(), tmp_path / "new" / "view.html")
    assert path.read_text(encoding="utf-8") == view_page(evolution())


@pytest.mark.parametrize(
    "name", ["charts.js", "timeline.js", "view.js", "page.css", "page.html", "view.html"]
)
def test_the_parts_are_package_data(name):
    from importlib.resources import files

    assert (files("qtraj.plots") / "templates" / name).is_file()
