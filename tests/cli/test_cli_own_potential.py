"""`qtraj solve --potential FILE` with all that a table needs: its octet, what it is beyond its ends, a complex one."""

import numpy as np
import pytest
from typer.testing import CliRunner

import qtraj as qt
from qtraj.cli import app

ALPHA = 0.6
R = np.linspace(0.05, 12.0, 50)


def solve(*arguments):
    return CliRunner().invoke(app, ["solve", *map(str, arguments)], env={"COLUMNS": "200"})


@pytest.fixture
def real(tmp_path):
    """V(r) without medium, with a byte-order mark and a comment in Latin-1."""
    path = tmp_path / "V.txt"
    rows = "".join(f"{r:.10g} {-ALPHA / r + 0.02 * r:.10g}\n" for r in R)
    path.write_bytes(b"# f\xfcr alle\nr[GeV^-1] V[GeV]\n" + rows.encode())
    return path


@pytest.fixture
def complex_table(tmp_path):
    path = tmp_path / "W.txt"
    rows = ["r[GeV^-1] T[GeV] ReV[GeV] ImV[GeV]"]
    rows += [
        f"{r:.10g} {T} {-ALPHA / r + 0.02 * r * (T == 0):.10g} {-T * min(r / 10, 0.5):.10g}"
        for T in (0.0, 0.2, 0.3, 0.5)
        for r in R
    ]
    path.write_text("\n".join(rows) + "\n")
    return path


def test_a_table_with_an_octet_is_solved_as_in_python(real):
    """It stopped at `beyond` and `octet`, which no flag could give."""
    result = solve(
        "--potential", real, "--alpha", ALPHA, "--beyond", "linear", "--octet", "coulomb", "--rtol", 0.05
    )
    assert result.exit_code == 0, result.output
    potential = qt.TabulatedPotential.read(real, alpha=ALPHA, beyond="linear", octet="coulomb")
    medium, start = qt.Bjorken(0.425, 0.6, 0.25), qt.GaussianState()
    expected = qt.solve(qt.LindbladModel(potential), medium, start, qt.DensityMatrix(rtol=0.05))
    assert str(expected).splitlines()[-5:] == result.stdout.splitlines()[-5:]


def test_a_complex_table_needs_no_dipole_terms_and_for_jumps_an_octet_and_noise(complex_table):
    """`transport must be left out`, which nobody had given."""
    result = solve("--potential", complex_table, "--alpha", ALPHA, "--beyond", "constant")
    assert result.exit_code == 0, result.output
    assert "1S" in result.stdout
    for flags, word in (
        (("--kappa", "central"), "has a width of its own"),
        (("--method", "density"), "`octet` must be given"),
        (("--method", "trajectories", "--n", 8), "`octet` must be given"),
        (("--method", "trajectories", "--n", 8, "--octet", "coulomb"), "use NoJump()"),
        (("--T-c", 0.16), "`--T-c` must be left out"),
    ):
        failed = solve("--potential", complex_table, "--alpha", ALPHA, "--beyond", "constant", *flags)
        assert failed.exit_code == 2
        assert word in failed.output
        assert failed.output.count("\n") == 1


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        (("--beyond", "linear"), "`octet` must be given"),
        (("--octet", "coulomb"), "`beyond` must be 'constant' or 'linear'"),
        (("--octet", "mine"), "`--octet` must be 'casimir', 'coulomb'"),
        (("--below", "linear"), "`--below` must be"),
    ],
)
def test_what_a_table_lacks_is_said(real, flags, word):
    failed = solve("--potential", real, "--alpha", ALPHA, *flags)
    assert failed.exit_code == 2
    assert word in failed.output
    assert failed.output.count("\n") == 1


def test_flags_of_tables_are_never_ignored():
    for command in ("solve", "states", "spectrum"):
        failed = CliRunner().invoke(app, [command, "--below", "constant"])
        assert failed.exit_code == 2
        assert "it says how a table is read" in failed.output


@pytest.mark.parametrize(
    ("flags", "potential", "mass"),
    [
        (
            ("cornell,sigma=0.2,string_breaking_fm=1.1",),
            qt.CornellPotential(sigma=0.2, string_breaking_fm=1.1),
            4.7,
        ),
        (("three-loop,gamma_vacuum=0",), qt.ThreeLoopPotential(0.0), 4.85),
        (("cornell", "--octet", "coulomb", "--alpha", 0.4), qt.CornellPotential(0.4, octet="coulomb"), 4.7),
        (("three-loop", "--octet", "coulomb", "--mass", 4.8), qt.ThreeLoopPotential(octet="coulomb"), 4.8),
    ],
)
def test_a_potential_with_arguments_is_solved_as_in_python(flags, potential, mass):
    coarse = ("--T0", 0.3, "--T-end", 0.28, "--rtol", 0.05)
    result = solve("--potential", *flags, *coarse, "--transport", "three-loop")
    assert result.exit_code == 0, result.output
    model = qt.LindbladModel(potential, qt.Transport(1.88, 0.0), mass=mass)
    expected = qt.solve(model, qt.Bjorken(0.3, 0.6, 0.28), qt.GaussianState(), qt.DensityMatrix(rtol=0.05))
    assert str(expected).splitlines()[-5:] == result.stdout.splitlines()[-5:]


def test_a_complex_potential_with_arguments_is_solved_as_in_python():
    result = solve("--potential", "htl,alpha_s=0.3,md_over_T=2,real=yukawa", "--T0", 0.3, "--T-end", 0.28)
    assert result.exit_code == 0, result.output
    model = qt.LindbladModel(qt.HTLPotential(0.3, 2.0, real="yukawa"))
    expected = qt.solve(model, qt.Bjorken(0.3, 0.6, 0.28), qt.GaussianState())
    assert str(expected).splitlines()[-5:] == result.stdout.splitlines()[-5:]


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        (("htl,md=2",), "It takes alpha_s, md_over_T"),
        (("htl,md_over_T",), "NAME,ARGUMENT=VALUE"),
        (("htl,md_over_T=2,md_over_T=3",), "each once"),
        (("htl,alpha=0.4",), "NAME,ARGUMENT=VALUE"),
        (("htl,md_over_T=lots",), "`md_over_T` must be m_D/T from 0 to 10"),
        (("coulomb,octet=casimir",), "coulomb takes none"),
        (("coulomb", "--octet", "casimir"), "`--octet` must be left out"),
        (("three-loop", "--alpha", 0.4), "which has its own"),
        (("three-loop", "--octet", "casimir"), "does not saturate"),
        (("three-loop", "--gamma-vacuum", 0.017), "twice"),
        (("htl", "--transport", "three-loop"), "has a width of its own"),
        (("htl", "--gamma-vacuum", 0.01), "has a width of its own"),
        (("wilson-line", "--T-end", 0.19), "0.195 to 0.7"),
        (("html",), "be coulomb, cornell, ksu, htl, three-loop, wilson-line or a file"),
    ],
)
def test_arguments_of_potentials_are_checked(flags, word):
    failed = solve("--potential", *flags)
    assert failed.exit_code == 2
    assert word in failed.output
    assert failed.output.count("\n") == 1
