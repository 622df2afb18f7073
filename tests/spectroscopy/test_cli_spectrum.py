"""`qtraj spectrum`: prints and writes what `thermal_levels` gives; mistakes are one line."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from typer.testing import CliRunner

import qtraj as qt
from qtraj.cli import app
from qtraj.radial.bound import bound_states
from qtraj.spectroscopy.files import read_levels
from qtraj.spectroscopy.levels import thermal_levels

runner = CliRunner()
FAST = [
    "--points",
    "2",
    "--T-min",
    "0.2",
    "--T-max",
    "0.3",
    "--states",
    "1S,1P",
    "--route",
    "perturbation,poles",
]


def test_files_and_table_hold_what_the_function_gives(tmp_path):
    other = tmp_path / "lattice.csv"
    other.write_text("T_MeV,state,shift_MeV,width_MeV,width_error_MeV\n200,1S,-8,21,4\n")
    result = runner.invoke(
        app,
        [
            "spectrum",
            *FAST,
            "--kappa",
            "1.0",
            "--gamma",
            "-1",
            "--out",
            str(tmp_path),
            "--compare",
            str(other),
        ],
    )
    assert result.exit_code == 0, result.stderr
    model = qt.LindbladModel(transport=qt.Transport(1.0, -1.0))
    levels = thermal_levels(model, [0.2, 0.3], ("1S", "1P"), routes=["poles"])
    width = 1000 * levels.width("poles").value
    read = [
        row.values["width"] for row in read_levels(tmp_path / "spectrum.csv") if row.route.endswith("poles")
    ]
    assert_allclose(read, width.ravel(), rtol=1e-8)
    line = next(line.split() for line in result.stdout.splitlines() if line.split()[:2] == ["1S", "200"])
    # shift by two routes and the other table, then width by them
    assert line[4] == "-8.00"
    assert float(line[6]) == pytest.approx(width[0, 0], abs=0.0051)
    assert line[7] == "21.0(40)"
    for name in (
        "spectrum.json",
        "spectrum.png",
        "spectrum.pdf",
        "spectral_functions.png",
        "spectral_functions.pdf",
    ):
        assert (tmp_path / name).stat().st_size > 1000


def test_ksu_takes_no_dipole_terms():
    result = runner.invoke(app, ["spectrum", *FAST, "--potential", "ksu"])
    assert result.exit_code == 0, result.stderr
    assert "kappa" not in result.stdout
    assert "M = 4.7 GeV" in result.stdout
    assert "KSUPotential()" in result.stdout  # nothing but what is not at its default


def test_the_widths_of_a_potential_and_of_the_dipole_stand_side_by_side(tmp_path):
    """Gamma = -2 <Im V> and kappa <r^2>, of the same states, with the kappa of the flags."""
    flags = ["--T-min", "0.2", "--T-max", "0.3", "--points", "2", "--states", "1S,2S"]
    flags += [
        "--potential",
        "htl,alpha_s=0.35,md_over_T=2.2,real=coulomb",
        "--alpha",
        "0.6239853",
        "--kappa",
        "1.4",
    ]
    flags += ["--route", "perturbation,dipole", "--out", str(tmp_path)]
    result = runner.invoke(app, ["spectrum", *flags])
    assert result.exit_code == 0, result.stderr
    assert "dipole: kappa_hat 1.4" in " ".join(result.stdout.split())
    htl = qt.HTLPotential(0.35, 2.2, real="coulomb", alpha=0.6239853)
    mesh = qt.LaguerreMesh(110, 0.1)
    (_, vectors), T = bound_states(mesh, htl.vacuum(mesh.r, "singlet"), 0, 4.73, 2), np.array([0.2, 0.3])
    V = htl.medium(mesh.r, "singlet", T, 0 * T, T)
    full = -2 * vectors**2 @ V.imag.T
    dipole = np.outer(vectors**2 @ mesh.r**2, 1.4 * T**3)
    # at kappa_hat = 1.4 both have one width of 1S at 300 MeV: the dipole then has a larger one of 2S
    assert full[0, 1] == pytest.approx(dipole[0, 1], rel=0.02)
    assert dipole[1, 1] > 1.3 * full[1, 1]
    rows = {(row.state, row.T_MeV, row.route): row for row in read_levels(tmp_path / "spectrum.csv")}
    for i, state in enumerate(("1S", "2S")):
        for j, t in enumerate((200.0, 300.0)):
            for route, expected in (("perturbation", full), ("dipole", dipole)):
                row = rows[state, t, f"spectrum {route}"]
                assert row.values["width"] == pytest.approx(1e3 * expected[i, j], rel=1e-5)
    # 2S is too large for the dipole at 300 MeV, not so at 100: second and third order exceed the first, and it is said
    assert [rows["2S", t, "spectrum dipole"].remark for t in (200.0, 300.0)] == ["diverges", "diverges"]
    assert {row.remark for key, row in rows.items() if "2S" not in key or "dipole" not in key[2]} == {""}
    line = next(line.split() for line in result.stdout.splitlines() if line.split()[:2] == ["2S", "300"])
    assert line[5] == f"{1e3 * dipole[1, 1]:.0f}?"  # no error of ten times the value
    assert "?: second and third order" in " ".join(result.stdout.split())
    cold = thermal_levels(
        qt.LindbladModel(htl), [0.1], ("2S",), routes=("dipole",), dipole=qt.Transport(1.4, 0.0)
    )
    assert cold.routes["dipole"].remark(0, 0) == ""
    # by default a complex potential has all routes, and the coefficients are those of Transport()
    levels = thermal_levels(qt.LindbladModel(htl), [0.3], ("1S",), routes=("dipole",))
    assert levels.dipole == qt.Transport()
    # of dipole terms alone it is first order
    coulomb = qt.LindbladModel(transport=qt.Transport(1.4, -1.0))
    both = thermal_levels(coulomb, [0.3], ("1S", "1P"), routes=("perturbation", "dipole"))
    for name in ("shift", "width"):
        first, second = (getattr(both, name)(route) for route in ("perturbation", "dipole"))
        assert_allclose(second.value, first.value, rtol=1e-11)
        assert_allclose(second.error, first.error, rtol=1e-6)


@pytest.mark.parametrize("positive", [False, True])
def test_all_orders_are_those_of_the_function(positive):
    flags = ["spectrum", *FAST[:-2], "--order", "all", *["--positive"] * positive]
    result = runner.invoke(app, [*flags, "--route", "perturbation"])
    assert result.exit_code == 0, result.stderr
    model = qt.LindbladModel(order="all", positive=positive)
    levels = thermal_levels(model, [0.2, 0.3], ("1S", "1P"), routes=["perturbation"])
    line = next(line.split() for line in result.stdout.splitlines() if line.split()[:2] == ["1S", "200"])
    value = 1000 * levels.width("perturbation").value[0, 0]
    assert float(line[3].split("(")[0]) == pytest.approx(value, abs=0.051)
    assert ("positive twin" in " ".join(result.stdout.split())) == positive
    refused = runner.invoke(app, [*flags, "--route", "poles"])
    assert refused.exit_code == 2
    assert "Take perturbation and spectral." in refused.stderr


def test_next_order_is_that_of_the_function():
    result = runner.invoke(app, ["spectrum", *FAST, "--order", "NLO"])
    assert result.exit_code == 0, result.stderr
    levels = thermal_levels(qt.LindbladModel(order="NLO"), [0.2, 0.3], ("1S", "1P"), routes=["poles"])
    line = next(line.split() for line in result.stdout.splitlines() if line.split()[:2] == ["1S", "300"])
    # shift by two routes, then width by them
    assert float(line[5]) == pytest.approx(1000 * levels.width("poles").value[0, 1], abs=0.0051)
    assert "NLO" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--order", "NNLO"], "order"),
        (["--order", "NLO", "--potential", "ksu"], "order"),
        (["--points", "0"], "--points"),
        (["--states", "1Z"], "name"),
        (["--states", "6S"], "bound in the vacuum"),
        (["--route", "pole"], "routes"),
        (["--T-min", "200"], "Temperatures are in GeV"),
        (["--T-min", "0.4", "--T-max", "0.3"], "increasing"),
        (["--kappa", "middle"], "kappa"),
        (["--source", "wall"], "source"),
        (["--potential", "ksu", "--kappa", "1", "--route", "poles"], "--kappa"),
        (["--potential", "ksu", "--transport", "group", "--route", "poles"], "--transport"),
        (["--transport", "best"], "--transport"),
        (["--transport", "three-loop", "--kappa", "1"], "--kappa"),
        (["--transport", "three-loop", "--T-c", "0.155"], "--T-c"),
        (["--transport", "lattice"], "a table from 0.195 to 0.293"),
        (["--compare", "nowhere.csv"], "nowhere.csv"),
    ],
)
def test_mistakes_are_one_line(arguments, message):
    result = runner.invoke(app, ["spectrum", *arguments])
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
