"""Tables of thermal levels: what is written is what was computed, and foreign tables are read or refused by line."""

import csv
import json
import re
from io import StringIO
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from rich.console import Console

import qtraj as qt
from qtraj.plots.spectrum import plot_levels, plot_spectral_functions, spectrum_figure
from qtraj.plots.style import style
from qtraj.spectroscopy.files import COLUMNS, read_levels, rows, table, write_levels
from qtraj.spectroscopy.levels import thermal_levels
from qtraj.spectroscopy.spectral import SpectralFunction
from qtraj.units import to_fm

mpl.use("Agg")


@pytest.fixture(scope="module")
def levels():
    model = qt.LindbladModel(qt.KSUPotential(), mass=4.70)
    return thermal_levels(model, [0.2, 0.5], ("1S", "2S"), routes=["perturbation", "poles"])


def test_rows_are_the_levels_in_the_units_of_the_field(levels):
    found = {(row.state, row.T_MeV, row.route): row for row in rows(levels)}
    assert len(found) == 8
    for i, state in enumerate(("1S", "2S")):
        for j, T in enumerate((200.0, 500.0)):
            row = found[state, T, "poles"]
            if row.remark:
                assert row.values["width"] is None
                assert np.isnan(levels.width("poles").value[i, j])
                continue
            assert_allclose(row.values["shift"], 1000 * levels.shift("poles").value[i, j], rtol=1e-12)
            assert_allclose(row.values["radius"], to_fm(levels.mean_radius("poles").value[i, j]), rtol=1e-12)
            assert_allclose(
                row.values["mass"] - row.values["shift"], 1000 * (9.4 + levels.vacuum[i]), rtol=1e-12
            )
    assert found["2S", 500.0, "poles"].remark == "melted"


def test_csv_comes_back_and_json_agrees(levels, tmp_path):
    csv_path, json_path = write_levels(levels, tmp_path)
    back, original = read_levels(csv_path), list(rows(levels))
    document = json.loads(json_path.read_text())
    assert len(back) == len(original) == len(document["rows"])
    for read, row, entry in zip(back, original, document["rows"], strict=True):
        assert read.route == f"spectrum {row.route}"
        assert (read.state, read.T_MeV, read.remark) == (row.state, row.T_MeV, row.remark)
        for name, value in row.values.items():
            assert entry[name]["value"] == value
            if value is None:
                assert read.values[name] is None
            else:
                assert_allclose(read.values[name], value, rtol=1e-8)  # nine digits
                assert_allclose(read.errors[name], row.errors[name], rtol=1e-8)
    assert document["settings"]["mass_GeV"] == "4.7"
    # the parts of an error add up to it, but for the vacuum's, which belongs to the shift alone
    parts = document["error_parts_MeV"]["perturbation"]
    total = sum(np.array(part["width"]) for part in parts.values())
    assert_allclose(total, 1000 * levels.width("perturbation").error, rtol=1e-12)


number = st.floats(-5000, 5000).map(lambda x: float(f"{x:.9g}"))


@given(
    st.lists(
        st.tuples(st.sampled_from(qt.STATES), st.floats(0, 900), number, st.one_of(st.none(), number)),
        min_size=1,
    )
)
def test_any_table_in_some_of_the_columns_is_read(tmp_path_factory, records):
    path = tmp_path_factory.mktemp("tables") / "lattice.csv"
    with path.open("w", newline="") as file:
        file.write("# from elsewhere\n")
        writer = csv.writer(file)
        writer.writerow(["state", "T_MeV", "shift_MeV", "width_MeV"])
        for state, T, shift, width in records:
            writer.writerow([state.name, T, shift, "" if width is None else width])
    found = read_levels(path)
    assert [(r.state, r.T_MeV, r.values["shift"], r.values["width"], r.route) for r in found] == [
        (state.name, T, shift, width, "lattice") for state, T, shift, width in records
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "lacks the column T_MeV"),
        ("T_MeV,shift_MeV\n1,2\n", "lacks the column state"),
        ("T_MeV,state,color\n1,1S,red\n", "unknown column 'color'"),
        ("T_MeV,state\n", "no rows"),
        ("# note\nT_MeV,state,width_MeV\n200,1S,10\n300,1S,wide\n", "line 4"),
        ("T_MeV,state,width_MeV\n200,1S,nan\n", "line 2.*not finite"),
        ("T_MeV,state,width_MeV\n200,1S\n", "line 2.*one field per column"),
        ("T_MeV,state\n200,1S,3\n", "line 2.*one field per column"),
        ("T_MeV,state\n-200,1S\n", "line 2.*temperature"),
        ("T_MeV,state\n200,S1\n", "line 2.*spectroscopic"),
    ],
)
def test_bad_tables_are_refused_by_line(tmp_path, text, problem):
    path = tmp_path / "table.csv"
    path.write_text(text)
    with pytest.raises(qt.FileFormatError, match=problem):
        read_levels(path)


def test_a_missing_table_is_refused(tmp_path):
    with pytest.raises(qt.FileFormatError, match="cannot be read"):
        read_levels(tmp_path / "nowhere.csv")


def test_printed_numbers_are_those_of_the_rows(levels):
    console = Console(width=200, file=StringIO())
    console.print(table(rows(levels), plain=True))
    lines = [line.split() for line in console.file.getvalue().splitlines()]
    printed = {(words[0], words[1]): words[2:] for words in lines if words and words[0] in ("1S", "2S")}
    poles = {(row.state, f"{row.T_MeV:g}"): row for row in rows(levels) if row.route == "poles"}
    assert printed.keys() == poles.keys()
    assert float(printed["1S", "200"][1]) == pytest.approx(poles["1S", "200"].values["shift"], abs=0.0051)
    assert float(printed["1S", "200"][3]) == pytest.approx(poles["1S", "200"].values["width"], abs=0.0051)
    assert printed["2S", "500"][3] == "melted"


def test_plots_draw_the_rows_into_the_axes_given(levels):
    listed = list(rows(levels))
    with style():
        figure = mpl.figure.Figure()
        ax = figure.subplots()
        assert plot_levels(ax, listed, "1S", "width") is ax
    curve = next(line for line in ax.get_lines() if line.get_color() == "#0072B2")
    assert_allclose(curve.get_ydata(), 1000 * levels.width("poles").value[0])
    assert_allclose(curve.get_xdata(), [200, 500])
    assert {text.get_text() for text in ax.get_legend().get_texts()} == {
        "first order",
        r"eigenvalues of $\mathit{H}_\mathrm{eff}$",
    }
    assert "MeV" in ax.get_xlabel()
    assert "MeV" in ax.get_ylabel()
    titles = [ax.get_title() for ax in spectrum_figure(listed).axes]
    assert titles[:2] == ["1S", "2S"]


def test_spectral_functions_are_drawn_where_the_masses_are():
    function = SpectralFunction(qt.LindbladModel(), 0.3, mesh=qt.LaguerreMesh(24, 0.2))
    omega = np.linspace(-1, 1, 50)
    ax = mpl.figure.Figure().subplots()
    assert plot_spectral_functions(ax, [function], omega, levels={"1S": -0.46}) is ax
    assert_allclose(ax.get_lines()[0].get_xdata(), 9.46 + omega)
    assert_allclose(ax.get_lines()[0].get_ydata(), function.density(omega))


def test_nothing_to_draw_is_an_error(levels):
    ax = mpl.figure.Figure().subplots()
    with pytest.raises(qt.InputError, match="state"):
        plot_levels(ax, list(rows(levels)), "3S", "width")
    with pytest.raises(qt.InputError, match="rows"):
        spectrum_figure([])
    with pytest.raises(qt.InputError, match="functions"):
        plot_spectral_functions(ax, [], np.zeros(3))


def test_columns_of_the_file_are_documented(levels, tmp_path):
    path, _ = write_levels(levels, tmp_path / "new" / "folder")
    assert path.read_text().splitlines()[0] == ",".join(COLUMNS)


def test_the_example_of_the_docs_prints_what_they_say(capsys):
    page = (Path(__file__).parents[2] / "docs" / "spectroscopy.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(.*?)```\n\nprints\n\n(.*?)\n\n", page, flags=re.DOTALL)
    assert code is not None
    exec(compile(code[1], "docs/spectroscopy.md", "exec"), {})
    assert capsys.readouterr().out.split() == code[2].split()


def test_the_docs_name_the_columns():
    page = (Path(__file__).parents[2] / "docs" / "spectroscopy.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in page for name in COLUMNS if "error" not in name)
