"""`qtraj states`: the printed numbers are those of the levels, files hold the states, mistakes are one line."""

from io import StringIO

import numpy as np
import pytest
from numpy.testing import assert_allclose
from rich.console import Console
from typer.testing import CliRunner

import qtraj as qt
from qtraj.cli import app
from qtraj.io.results import load_states
from qtraj.pages.tables import levels_tables, measured_mass
from qtraj.solvers.projection import projection_vectors, vacuum_levels
from qtraj.states import MESONS

runner = CliRunner()
MODEL = qt.LindbladModel()


def invoke(*arguments):
    result = runner.invoke(app, ["states", *arguments])
    assert result.exit_code == 0, result.stderr
    return result


def tables(text):
    """Return the rows of the two tables by the name of the state, each a list of words."""
    blocks = text.split("|<state|Coulomb>|^2")
    names = {state.name for state in qt.STATES}
    return [
        {words[0]: words[1:] for line in block.splitlines() if (words := line.split()) and words[0] in names}
        for block in blocks
    ]


def test_coulomb_energies_masses_and_radii_are_exact_to_the_digits_printed():
    properties, overlaps = tables(invoke().stdout)
    a0 = MODEL.bohr_radius
    for i, state in enumerate(qt.STATES):
        energy = -MODEL.mass * MODEL.potential.alpha**2 / (4 * state.n**2)
        radius = a0 * (3 * state.n**2 - state.l * (state.l + 1)) / 2
        squared = a0**2 * state.n**2 * (5 * state.n**2 + 1 - 3 * state.l * (state.l + 1)) / 2
        row = properties[state.name]
        assert_allclose(float(row[0]), energy, atol=5.1e-6)
        assert_allclose(float(row[1]), 2 * MODEL.mass + energy, atol=5.1e-5)
        assert_allclose(float(row[4]), radius, atol=6e-5)
        assert_allclose(float(row[5]), 0.1973269804 * radius, atol=6e-5)
        assert_allclose(float(row[6]), 0.1973269804 * np.sqrt(squared), atol=6e-5)
        shown = [0.0 if word == "-" else float(word) for word in overlaps[state.name]]
        assert shown == [float(j == i) for j in range(6)]


def test_measured_masses_are_spin_averages():
    properties, _ = tables(invoke("--potential", "ksu").stdout)
    masses = {meson.name: meson.mass for meson in MESONS}
    assert float(properties["1S"][2]) == masses["Y(1S)"]
    center = (masses["chi_b0(1P)"] + 3 * masses["chi_b1(1P)"] + 5 * masses["chi_b2(1P)"]) / 9
    assert_allclose(float(properties["1P"][2]), center, atol=5.1e-5)
    assert properties["1D"][2] == "-"
    assert measured_mass("1D") is None
    for name in ("1S", "2S", "1P", "3S", "2P"):
        mass, pdg, difference = map(float, properties[name][1:4])
        # the difference is that of the unrounded masses
        assert_allclose(difference, 1e3 * (mass - pdg), atol=0.051 + 0.1)


def test_charm_stands_beside_charmonium_on_a_mesh_of_its_size():
    done = invoke("--mass", "1.5", "--alpha", "0.5")
    properties, _ = tables(done.stdout)
    assert_allclose(float(properties["1S"][2]), 3.0969)
    assert_allclose(float(properties["1P"][2]), (3.41471 + 3 * 3.51067 + 5 * 3.55617) / 9, atol=5.1e-5)
    assert properties["3S"][2] == "-"  # psi(4040) lies above the threshold
    assert "J/ψ" in done.stdout
    # rms radius of the Coulomb 3S, 207^(1/2) a0: an unscaled mesh would end within it
    assert_allclose(float(properties["3S"][6]), 0.19732698 * np.sqrt(207) * 2 / (1.5 * 0.5), atol=6e-5)
    assert "deforms" not in done.stderr


def test_a_reduced_mass_is_named_and_no_quarkonium_is_compared():
    done = invoke("--mass", "2.365")
    assert "reduced mass of a pair of bottom quarks" in done.stderr
    assert "mass=4.73" in done.stderr
    assert "No quarkonium is known" in done.stdout


def test_ksu_masses_of_the_original_on_its_own_lattice():
    arguments = "--potential ksu --grid sine --num 1023 --length 40 --derivative 1"
    properties, _ = tables(invoke(*arguments.split()).stdout)
    # as the C++ code prints them: four to five decimals, and hbar c differs in the seventh digit
    printed = {"1S": 9.4609, "2S": 10.0012, "1P": 9.88099, "3S": 10.3601, "2P": 10.2534, "1D": 10.1301}
    for name, mass in printed.items():
        assert_allclose(float(properties[name][1]), mass, atol=5.1e-5)


def test_a_table_of_the_coulomb_potential_gives_its_levels(tmp_path):
    path = tmp_path / "V.txt"
    r = np.linspace(0.05, 60, 1200)
    np.savetxt(path, np.column_stack([r, -MODEL.potential.alpha / r]), header="r[GeV^-1] V[GeV]", comments="")
    arguments = ["--potential", str(path), "--alpha", str(MODEL.potential.alpha)]
    # r V, which the table's spline interpolates, is constant: exact
    assert tables(invoke(*arguments).stdout) == tables(invoke().stdout)
    bare = runner.invoke(app, ["states", "--potential", str(path)])
    assert bare.exit_code == 2
    assert "--alpha" in bare.stderr
    short = runner.invoke(app, ["states", *arguments, "--scale", "0.2"])
    assert short.exit_code == 2
    assert "beyond" in short.stderr
    assert "Vacuum states" in invoke(*arguments, "--scale", "0.2", "--beyond", "constant").stdout


def test_overlaps_are_probabilities_within_one_l():
    levels = vacuum_levels(qt.LindbladModel(qt.KSUPotential(), mass=4.7), qt.LaguerreMesh())
    overlap = levels.coulomb_overlap
    assert np.all(overlap >= 0)
    assert np.all(overlap.sum(axis=0) <= 1 + 1e-10)
    assert np.all(overlap.sum(axis=1) <= 1 + 1e-10)
    l = np.array([state.l for state in qt.STATES])
    assert np.all((overlap > 0) == (l[:, None] == l))


def test_states_that_are_not_bound_are_marked_and_not_saved(tmp_path):
    path = tmp_path / "short.nc"
    result = invoke("--grid", "sine", "--num", "511", "--length", "12", "--out", str(path))
    properties, overlaps = tables(result.stdout)
    for name in ("3S", "2P", "1D"):
        assert properties[name][0] == "unbound"
        assert set(overlaps[name]) == {"-"}
    assert load_states(path).names == ("1S", "2S", "1P")


def test_saved_states_are_those_of_the_grid(tmp_path):
    path = tmp_path / "states.nc"
    result = invoke("--grid", "sine", "--num", "511", "--length", "40", "--out", str(path))
    assert f"wrote {path}" in result.stdout
    grid = qt.SineGrid(511, 40.0)
    computed = projection_vectors("computed", grid, MODEL)
    assert_allclose(projection_vectors(load_states(path), grid, MODEL), computed, atol=1e-14)


def test_a_deformed_state_is_a_warning_in_one_line():
    result = invoke("--grid", "sine", "--num", "511", "--length", "17")
    assert result.stderr.startswith("qtraj: warning: the grid ends at 17 GeV^-1 and deforms the computed 3S")


def test_a_terminal_gets_lines_that_fit_it():
    console = Console(width=80, force_terminal=True, color_system=None, record=True, file=StringIO())
    console.print(levels_tables(vacuum_levels(MODEL, qt.LaguerreMesh())))
    lines = console.export_text().splitlines()
    assert max(map(len, lines)) <= 80
    assert sum(line.startswith("┏") for line in lines) == 2
    assert "│ 1S    │ -0.46042 │ 8.9996 │" in "\n".join(lines)


@pytest.mark.parametrize(
    ("arguments", "fragments"),
    [
        ("--potential ksy", ["--potential", "three-loop, wilson-line or a file", "ksy"]),
        ("--potential ksu --beyond linear", ["--beyond", "ksu"]),
        ("--grid mash", ["--grid", "mesh, sine"]),
        ("--num 511", ["--num", "--grid mesh", "--points, --scale"]),
        ("--grid sine --scale 0.1", ["--scale", "--grid sine"]),
        ("--alpha -1", ["alpha", "-1"]),
        ("--mass 0", ["mass", "GeV"]),
        ("--points 900", ["points", "170"]),
        ("--grid sine --derivative 2", ["derivative", "2"]),
        ("--grid sine --num 255 --length 0.5 --out none.nc", ["bind at least one"]),
    ],
)
def test_a_mistake_is_one_line(arguments, fragments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = runner.invoke(app, ["states", *arguments.split()])
    assert result.exit_code == 2
    assert result.stderr.startswith("qtraj: ")
    assert result.stderr.count("\n") == 1
    for fragment in fragments:
        assert fragment in result.stderr
    assert not list(tmp_path.iterdir())
