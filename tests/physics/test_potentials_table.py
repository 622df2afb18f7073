"""Tabulated potentials: order of the interpolation, rules at the ends, files, identity, bad input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import qtraj as qt
from qtraj import FileFormatError, InputError
from qtraj.physics.potentials.table import read_potential_table
from qtraj.units import HBARC

R = np.geomspace(0.02, 20.0, 60)
KSU = qt.KSUPotential()
T = np.array([0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5])


def cornell(r):
    return -0.4 / r + 0.2 * r


def ksu_rows(r, T):
    return KSU.medium(r, "singlet", T, 0 * T, T)


def table(r=R, V=None, **arguments):
    arguments.setdefault("alpha", 0.4)
    return qt.TabulatedPotential(r, cornell(r) if V is None else V, **arguments)


# ------------------------------------------------------------------------------------------------- interpolation


def test_the_table_is_kept_and_the_singularity_is_exact():
    potential = table(octet="coulomb")
    assert_allclose(potential.vacuum(R, "singlet"), cornell(R), rtol=1e-14)
    # r V = -a + sigma r^2 is a polynomial: the spline has no error at all
    between = np.sqrt(R[1:] * R[:-1])
    assert_allclose(potential.vacuum(between, "singlet"), cornell(between), atol=1e-13)
    assert_allclose(potential.vacuum(between, "octet"), 0.05 / between, rtol=1e-15)
    assert potential.vacuum(np.full((2, 3), 1.0), "singlet").shape == (2, 3)


def test_the_error_falls_as_the_fourth_power_of_the_spacing():
    def function(r):
        return -0.4 / r * np.exp(-0.8 * r) + 0.3 * np.exp(-((r - 3) ** 2))

    x = np.linspace(0.5, 9.5, 997)
    errors = []
    for points in (61, 121, 241):
        r = np.linspace(0.1, 10.0, points)
        errors.append(np.max(np.abs(table(r, function(r)).vacuum(x, "singlet") - function(x))))
    assert_allclose(np.log2(np.array(errors[:-1]) / errors[1:]), 4, atol=0.3)


def test_the_error_in_temperature_falls_as_the_fourth_power_too():
    x = np.linspace(0.25, 0.42, 57)  # the ends of a spline converge more slowly
    errors = []
    for points in (17, 33, 65):
        rows = np.linspace(0.14, 0.5, points)
        V = ksu_rows(R, rows).real
        potential = table(V=V, T=rows, vacuum=KSU.vacuum(R, "singlet"))
        found = potential.medium(R, "singlet", x, 0 * x, x)
        errors.append(np.max(np.abs(found - ksu_rows(R, x).real)))
    assert_allclose(np.log2(np.array(errors[:-1]) / errors[1:]), 4, atol=0.5)


def test_below_the_first_point():
    r = np.array([1e-4, 0.01])
    assert_allclose(table().vacuum(r, "singlet"), cornell(R[0]) * R[0] / r, rtol=1e-15)
    assert_allclose(table(below="constant").vacuum(r, "singlet"), cornell(R[0]), rtol=1e-14)


def test_the_width_of_a_small_pair_is_that_of_a_dipole():
    """It grew as 1/r below the first point, so that a pair without size decayed."""
    potential, at = table(V=cornell(R) - 0.01j * R**2), np.array([0.3])
    r = np.array([1e-6, 1e-3, 0.01, R[0]])
    V = potential.medium(r, "singlet", at, 0 * at, at)[0]
    assert_allclose(V.imag, -0.01 * r**2, rtol=1e-12)
    assert_allclose(V.real, cornell(R[0]) * R[0] / r, rtol=1e-12)


def test_beyond_the_last_point():
    r = np.array([25.0, 100.0])
    last = cornell(R[-1])
    assert_allclose(table(beyond="constant").vacuum(r, "singlet"), last, rtol=1e-14)
    slope = 0.4 / R[-1] ** 2 + 0.2
    found = table(beyond="linear").vacuum(r, "singlet")
    assert_allclose(found, last + slope * (r - R[-1]), rtol=1e-12)
    with pytest.raises(InputError, match=r"3\.95 fm") as caught:  # 20 GeV^-1
        table().vacuum(r, "singlet")
    assert caught.value.argument == "beyond"


def test_rows_of_temperature_continue_each_by_itself():
    V = np.array([1.0, 2.0])[:, None] * cornell(R)
    potential = table(V=V, T=[0.2, 0.4], vacuum=cornell(R), beyond="linear")
    r, at = np.array([0.001, 3.0, 50.0]), np.array([0.2, 0.3, 0.4])
    found = potential.medium(r, "singlet", at, 0 * at, at)
    assert_allclose(found, np.outer([1.0, 1.5, 2.0], found[0]), rtol=1e-12)  # two rows: linear in T
    assert_allclose(found[0], table(beyond="linear").vacuum(r, "singlet"), rtol=1e-12)


# ---------------------------------------------------------------------------------------------- kinds of tables


def test_a_real_table_of_r_is_a_plain_potential():
    potential = table(octet=0.05 / R)
    assert not potential.is_thermal
    assert_allclose(potential.vacuum(R, "octet"), 0.05 / R, rtol=1e-14)
    assert qt.LindbladModel(potential).thermal is None


def test_a_complex_table_of_r_acts_in_the_medium_only():
    potential = table(V=cornell(R) - 0.01j * R**2, beyond="constant")
    assert qt.LindbladModel(potential).has_width
    assert_allclose(potential.vacuum(R, "singlet"), cornell(R), rtol=1e-13)
    at = np.array([0.2, 0.3])
    assert_allclose(potential.medium(R, "singlet", at, 0 * at, at).imag, [-0.01 * R**2] * 2, rtol=1e-12)


def test_a_complex_table_without_imaginary_part_is_real():
    assert not table(V=cornell(R) + 0j).has_width


def test_the_row_of_zero_temperature_is_the_vacuum():
    rows = np.concatenate([[0.0], T])
    potential = table(V=ksu_rows(R, rows), T=rows)
    assert potential.has_width
    assert_allclose(potential.vacuum(R, "singlet"), KSU.vacuum(R, "singlet"), rtol=1e-13)
    assert_allclose(potential.medium(R, "singlet", T, 0 * T, T), ksu_rows(R, T), rtol=1e-11, atol=1e-14)


def test_a_width_never_amplifies_between_the_points():
    # a width that ends in a corner makes a cubic overshoot
    V = cornell(R) - 1j * np.maximum(R - 5.0, 0.0)
    potential = table(V=V)
    x = np.linspace(0.1, 19.0, 500)
    at = np.array([0.3])
    assert np.max(potential.medium(x, "singlet", at, 0 * at, at).imag) <= 0


def test_the_range_of_a_table():
    assert table(V=ksu_rows(R, T).real, T=T, vacuum=KSU.vacuum(R, "singlet")).T_range == (T[0], T[-1])
    assert table().T_range == (0.0, np.inf)


def test_temperatures_outside_the_table_are_refused():
    potential = table(V=ksu_rows(R, T).real, T=T, vacuum=KSU.vacuum(R, "singlet"))
    for t in (0.14, 0.51):
        at = np.array([0.3, t])
        with pytest.raises(InputError, match="inside the table"):
            potential.medium(R, "singlet", at, 0 * at, at)


def test_an_anisotropic_medium_is_refused():
    at = np.array([0.3])
    with pytest.raises(InputError, match="isotropic"):
        table(V=cornell(R) - 0.01j).medium(R, "singlet", at, at, at)


def test_an_octet_that_was_not_given_is_missed_by_name():
    with pytest.raises(InputError, match="coulomb") as caught:
        table().vacuum(R, "octet")
    assert caught.value.argument == "octet"


def test_equal_numbers_are_one_key():
    assert table() == table()
    assert hash(table()) == hash(table())
    others = [table(V=2 * cornell(R)), table(beyond="linear"), table(alpha=0.41), table(octet="coulomb")]
    assert len({table(), *others}) == 5
    assert table() != "table"
    assert "sha256" in repr(table())


# ------------------------------------------------------------------------------------------------------- files

NAMES = st.sampled_from(["r[fm]", "r[GeV^-1]"])


def write(path, names, columns, comment="# from somewhere\n\n"):
    rows = "\n".join(" ".join(repr(float(x)) for x in row) for row in np.transpose(columns))
    path.write_text(f"{comment}{' '.join(names)}  # columns\n{rows}\n")
    return path


def test_a_file_in_fm(tmp_path):
    file = write(tmp_path / "V.txt", ["r[fm]", "V[GeV]"], [R * HBARC, cornell(R)])
    read = qt.TabulatedPotential.read(file, alpha=0.4, octet="coulomb", beyond="linear")
    x = np.array([0.01, 1.0, 30.0])
    expected = table(octet="coulomb", beyond="linear")
    assert_allclose(read.vacuum(x, "singlet"), expected.vacuum(x, "singlet"), rtol=1e-12)
    assert_allclose(read.vacuum(x, "octet"), 0.05 / x, rtol=1e-14)


@settings(max_examples=30)
@given(st.permutations(range(6)), NAMES, st.booleans(), st.booleans(), st.integers(0, 2**32 - 1))
def test_columns_and_rows_in_any_order(tmp_path_factory, order, distance, width, octet, seed):
    r, T = R[::12], np.array([0.0, 0.2, 0.3])
    V = ksu_rows(r, T)
    grid_T, grid_r = np.meshgrid(T, r, indexing="ij")
    columns = {
        distance: grid_r * (HBARC if distance == "r[fm]" else 1.0),
        "ReV[GeV]" if width else "V[GeV]": V.real,
        "T[GeV]": grid_T,
    }
    if width:
        columns["ImV[GeV]"] = V.imag
    if octet:
        columns["octet[GeV]"] = 0.05 / grid_r
    names = [list(columns)[i] for i in order if i < len(columns)]
    rows = np.random.default_rng(seed).permutation(V.size)
    file = tmp_path_factory.mktemp("potential") / "V.txt"
    write(file, names, [columns[name].ravel()[rows] for name in names])
    found = read_potential_table(file)
    assert_allclose(found["r"], r, rtol=1e-15)
    assert_allclose(found["T"], T, rtol=0)
    assert_allclose(found["V"], V if width else V.real, rtol=0)
    assert ("octet" in found) == octet
    assert qt.TabulatedPotential.read(file, alpha=0.4).has_width == width


@pytest.mark.parametrize("name", ["r", "r_fm"])
def test_an_npz_file(tmp_path, name):
    file = tmp_path / "V.npz"
    np.savez(
        file,
        **{name: R * (HBARC if name == "r_fm" else 1.0)},
        V=ksu_rows(R, T),
        T=T,
        vacuum=KSU.vacuum(R, "singlet"),
    )
    read = qt.TabulatedPotential.read(file, alpha=0.409)
    expected = table(V=ksu_rows(R, T), T=T, vacuum=KSU.vacuum(R, "singlet"), alpha=0.409)
    assert_allclose(
        read.medium(R, "singlet", T, 0 * T, T), expected.medium(R, "singlet", T, 0 * T, T), rtol=1e-12
    )
    if name == "r":
        assert read == expected


ROWS = "1 2\n2 3\n3 4\n4 5\n"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "no line"),
        ("r[fm] V[GeV]\n", "no line"),
        ("1 2\n" + ROWS, "columns"),
        ("r V\n" + ROWS, "columns"),
        ("r[fm] r[fm]\n" + ROWS, "repeated"),
        ("r[fm] r[GeV^-1]\n" + ROWS, "needed"),
        ("r[fm] V[GeV] ReV[GeV]\n1 2 3\n", "needed"),
        ("r[fm] V[GeV] ImV[GeV]\n1 2 3\n", "goes with"),
        ("r[fm] V[GeV]\n1 2\n2\n3 4\n", "row 2 has 1"),
        ("r[fm] V[GeV]\n1 2\n2 x\n3 4\n", "no number"),
        ("r[fm] V[GeV]\n1 2\n2 nan\n3 4\n4 5\n", "finite"),
        ("r[fm] V[GeV]\n1 2\n3 3\n2 4\n4 5\n", "increasing"),
        ("r[fm] V[GeV]\n1 2\n2 3\n", "at least 4"),
        ("r[fm] V[GeV]\n0 2\n2 3\n3 3\n4 3\n", "r = 0"),
        ("r[fm] ReV[GeV] ImV[GeV]\n1 2 0\n2 3 1\n3 3 0\n4 3 0\n", "absorbs"),
        ("T[GeV] r[fm] V[GeV]\n0 1 2\n0 2 2\n0.2 1 2\n", "no grid"),
        ("T[GeV] r[fm] V[GeV]\n0 1 2\n0 2 2\n0.2 1 2\n0.2 1 3\n", "no grid"),
        ("\udcff\0", "no text file"),
    ],
)
def test_bad_text_files_are_refused_by_name(tmp_path, text, word):
    file = tmp_path / "V.txt"
    file.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(FileFormatError, match=word) as caught:
        qt.TabulatedPotential.read(file, alpha=0.4)
    assert caught.value.path == str(file)


@pytest.mark.parametrize(
    ("arrays", "word"),
    [
        ({"V": R}, "must have"),
        ({"r": R, "r_fm": R, "V": R}, "must have"),
        ({"r": R, "V": R, "x": R}, "unknown"),
    ],
)
def test_bad_npz_files_are_refused_by_name(tmp_path, arrays, word):
    np.savez(tmp_path / "V.npz", **arrays)
    with pytest.raises(FileFormatError, match=word):
        qt.TabulatedPotential.read(tmp_path / "V.npz", alpha=0.4)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut", b"text"])
def test_a_broken_npz_file_is_refused(tmp_path, content):
    (tmp_path / "V.npz").write_bytes(content)
    with pytest.raises(FileFormatError, match="npz"):
        qt.TabulatedPotential.read(tmp_path / "V.npz", alpha=0.4)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(FileFormatError, match="no such file"):
        qt.TabulatedPotential.read(tmp_path / "absent.txt", alpha=0.4)


def test_an_octet_twice_is_refused(tmp_path):
    file = write(tmp_path / "V.txt", ["r[fm]", "V[GeV]", "octet[GeV]"], [R, R, R])
    with pytest.raises(InputError, match="octet"):
        qt.TabulatedPotential.read(file, alpha=0.4, octet="coulomb")


# --------------------------------------------------------------------------------------------------- bad arrays


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"alpha": 0.0}, "alpha"),
        ({"r": R[::-1]}, "r"),
        ({"r": R - R[0]}, "r"),
        ({"r": R[:3]}, "r"),
        ({"r": ["a"] * 60}, "r"),
        ({"V": cornell(R)[:-1]}, "V"),
        ({"V": ["a"] * 60}, "V"),
        ({"V": np.where(R > 1, np.inf, 1.0)}, "V"),
        ({"V": cornell(R) + 0.1j}, "V"),
        ({"V": [cornell(R)] * 2, "T": [0.4, 0.2]}, "T"),
        ({"V": [cornell(R)], "T": [0.0]}, "T"),
        ({"V": [cornell(R)] * 2, "T": [0.0, 300.0]}, "T"),
        ({"V": [cornell(R)] * 2, "T": [-0.1, 0.3]}, "T"),
        ({"V": [cornell(R)] * 2, "T": [0.2, 0.3]}, "vacuum"),
        ({"V": [cornell(R)] * 2, "T": [0.0, 0.3], "vacuum": cornell(R)}, "vacuum"),
        ({"V": [cornell(R)] * 2, "T": [0.2, 0.3], "vacuum": cornell(R)[1:]}, "vacuum"),
        ({"V": [cornell(R)] * 2, "T": [0.2, 0.3], "vacuum": cornell(R) - 1j}, "vacuum"),
        ({"V": [cornell(R)] * 2, "T": [0.2, 0.3], "vacuum": cornell(R), "octet": [R, R]}, "T"),
        ({"V": [cornell(R) - 1j] * 2, "T": [0.0, 0.3]}, "V"),
        ({"octet": "casimir"}, "octet"),
        ({"octet": R[1:]}, "octet"),
        ({"below": "linear"}, "below"),
        ({"beyond": "coulomb"}, "beyond"),
    ],
)
def test_bad_tables_are_refused_by_name(arguments, name):
    given = {"r": R, "V": cornell(R), "alpha": 0.4} | arguments
    with pytest.raises(InputError) as caught:
        qt.TabulatedPotential(given.pop("r"), given.pop("V"), **given)
    assert caught.value.argument == name
