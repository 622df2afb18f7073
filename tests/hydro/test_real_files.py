"""Files as the programs of the field really write them, and stages that come in two files."""

import gzip

import numpy as np
import pytest
from hydro_files import (
    ETA,
    TAU,
    X,
    Y,
    field,
    grid_T,
    grid_v,
    small_hydro,
    write_columns,
    write_music,
    write_music_dense,
    write_old_music,
    write_oscar2008,
)

from qtraj.errors import AccuracyWarning, FileFormatError, InputError
from qtraj.hydro import (
    Hydro,
    MusicGrid,
    joined_hydro,
    open_hydro,
    read_columns,
    read_music,
    read_music_dense,
    read_oscar2008,
)
from qtraj.hydro.readers.common import load_table

F4 = np.finfo("f4").eps


# --- MUSIC 2.5 and 3.0


@pytest.mark.parametrize("headers", [False, True])
@pytest.mark.parametrize("itau", [(0, 1, 2), (0, 0, 1), (0, 1, 1), (0, 0, 2)])
def test_old_music_counts_frames_by_their_scans(tmp_path, headers, itau):
    """Versions 2.5 and 3.0 truncate the number of a frame, so that two may have the same."""
    hydro = open_hydro(write_old_music(tmp_path / "e.dat", grid_T(), itau=itau, headers=headers))
    np.testing.assert_allclose(hydro.tau_fm, TAU, rtol=1e-12)
    np.testing.assert_allclose(hydro.T, grid_T(), rtol=F4)
    np.testing.assert_allclose(hydro.vx, grid_v()[0], atol=4 * F4)
    np.testing.assert_allclose(hydro.vy, grid_v()[1], atol=4 * F4)


def test_old_music_keeps_sparse_frames_apart(tmp_path):
    T = grid_T()
    T[0, :, 1:] = (
        np.nan
    )  # one row of cells, and in the next frame the row after it: the scan does not start again
    T[1, :, :1] = np.nan
    hydro = read_music(write_old_music(tmp_path / "e.dat", T, itau=(0, 1, 1)))
    np.testing.assert_array_equal(np.isnan(hydro.T), np.isnan(T))


@pytest.mark.parametrize("headers", [False, True])
def test_two_runs_in_one_old_file_are_refused(tmp_path, headers):
    path = write_old_music(tmp_path / "e.dat", grid_T(), itau=(0, 1, 2), headers=headers)
    path.write_bytes(path.read_bytes() * 2 if headers else path.read_bytes() + path.read_bytes()[64:])
    with pytest.raises(FileFormatError, match="second run appended"):
        read_music(path)


def test_a_truncated_old_file_is_refused(tmp_path):
    path = write_old_music(tmp_path / "e.dat", grid_T(), itau=(0, 1, 1), headers=True)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(FileFormatError, match="truncated"):
        read_music(path)


def test_a_start_at_zero_leaves_out_the_frame_that_no_logarithm_knows(tmp_path):
    path = write_old_music(tmp_path / "e.dat", grid_T(), itau=(0, 1, 2), tau0=0.0)
    with pytest.warns(AccuracyWarning, match=r"tau = 0 of e\.dat is left out.*at 0\.3 fm/c"):
        hydro = read_music(path)
    np.testing.assert_allclose(hydro.tau_fm, [0.3, 0.6])
    np.testing.assert_allclose(hydro.T, grid_T()[1:], rtol=F4)


# --- OSCAR2008H


def shifted(path, columns):
    """Let the indices count from 1."""
    head, end, rows = path.read_text().partition("END_OF_HEADER\n")
    lines = []
    for row in rows.splitlines():
        words = row.split()
        lines.append(" ".join([*(str(int(word) + 1) for word in words[:columns]), *words[columns:]]))
    path.write_text(head + end + "\n".join(lines) + "\n")
    return path


def test_oscar_indices_from_one(tmp_path):
    path = shifted(write_oscar2008(tmp_path / "o.dat", grid_T()), 3)
    np.testing.assert_allclose(read_oscar2008(path).T, grid_T(), rtol=1e-7)


def cartesian(path, z):
    """A Cartesian grid whose T depends on z as even functions do."""
    T = grid_T()[..., None] - 0.01 * z**2
    write_oscar2008(path, T, eta=z)
    path.write_text(path.read_text().replace("GEOM: 3d", "GEOM: 3d-cart"))
    return path


@pytest.mark.parametrize("z", [[-0.5, 0.0, 0.5], [0.0, 0.5, 1.0], [-0.1, 0.1], [0.1, 0.3]])
def test_a_cartesian_grid_is_read_at_mid_rapidity(tmp_path, z):
    hydro = open_hydro(shifted(cartesian(tmp_path / "o.dat", np.array(z)), 4))
    assert hydro.eta is None
    np.testing.assert_allclose(hydro.tau_fm, TAU)
    np.testing.assert_allclose(hydro.T, grid_T() - 0.01 * min(np.abs(z)) ** 2, rtol=1e-7)
    np.testing.assert_allclose(hydro.vx, grid_v()[0], atol=1e-7)


def test_a_cartesian_grid_without_mid_rapidity_is_refused(tmp_path):
    with pytest.raises(FileFormatError, match="no plane at z = 0"):
        read_oscar2008(cartesian(tmp_path / "o.dat", np.array([1.0, 1.5])))
    path = write_oscar2008(tmp_path / "p.dat", grid_T())
    path.write_text(path.read_text().replace("GEOM: scaling2d", "GEOM: hyperbolic"))
    with pytest.raises(FileFormatError, match="GEOM: hyperbolic is none of"):
        read_oscar2008(path)


def even(tau, x, y, eta=0.0):
    return field(tau, np.abs(x), np.abs(y), np.abs(eta))


def test_an_octant_is_completed(tmp_path):
    half = X[2:], Y[1:], ETA[1:]
    T = even(*np.meshgrid(TAU, *half, indexing="ij"))
    path = write_oscar2008(tmp_path / "o.dat", T, eta=half[2])
    # the writer of the tests knows the whole axes only
    path.write_text(
        path.read_text().replace("  -1.000   1.000  -0.500   1.000", "   0.000   1.000   0.000   1.000")
    )
    hydro = open_hydro(path, mirror="xyz")
    whole = np.array([-1, -0.5, 0, 0.5, 1]), np.array([-1, -0.5, 0, 0.5, 1]), ETA
    for axis, expected in zip((hydro.x_fm, hydro.y_fm, hydro.eta), whole, strict=True):
        np.testing.assert_allclose(axis, expected)
    np.testing.assert_allclose(hydro.T, even(*np.meshgrid(TAU, *whole, indexing="ij")), rtol=1e-7)
    with pytest.raises(InputError, match="made of x and y for a boost-invariant"):
        small_hydro().mirrored("z")
    with pytest.raises(InputError, match="each at most once"):
        small_hydro().mirrored("xx")


def test_oscar_from_time_zero(tmp_path):
    path = write_oscar2008(tmp_path / "o.dat", grid_T())
    path.write_text(path.read_text().replace("   0.600   1.200", "   0.000   0.600"))
    with pytest.warns(AccuracyWarning, match="tau = 0"):
        np.testing.assert_allclose(read_oscar2008(path).tau_fm, [0.3, 0.6])


# --- text as spreadsheets and old editors write it


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf# tau T\n0.6 0.4\n1.2 0.3\n",
        "\ufeff0.6\t0.4\n1.2\t0.3\n".encode("utf-16-le"),
        b"# f\xfcr Z\xfcrich\n0.6 0.4\n1.2 0.3\n",
        b"0.6;0.4\r\n1.2;0.3\r\n",
        b"# tau; T\n0,6;0,4\n1,2;0,3\n",
        b"0.6,0.4\n1.2, 0.3\n",
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_tables_of_spreadsheets_and_old_editors(tmp_path, content, packed):
    path = tmp_path / ("t.txt.gz" if packed else "t.txt")
    path.write_bytes(gzip.compress(content) if packed else content)
    np.testing.assert_array_equal(load_table(path, 2), [[0.6, 0.4], [1.2, 0.3]])


def test_decimal_commas_without_semicolons_are_no_numbers(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text("0,6 0,4\n1,2 0,3\n")
    with pytest.raises(FileFormatError, match="not 2 numbers"):
        load_table(path, 2)


def test_columns_with_semicolons_and_a_mark(tmp_path):
    path = write_columns(tmp_path / "c.txt", grid_T(), ("tau", "x", "y", "T"))
    path.write_text("\ufeff" + path.read_text().replace(" ", ";"), encoding="utf-8")
    np.testing.assert_allclose(read_columns(path, order=("tau", "x", "y", "T"), T_unit="GeV").T, grid_T())


# --- two stages


def early_stage(factor=1.0, x=X, y=Y, tau=(0.2, 0.4, 0.6, 0.8)):
    T = factor * field(*np.meshgrid(tau, x, y, indexing="ij"))
    return Hydro(np.array(tau), x, y, T, attrs={"source": "pre.dat", "sha256": "abc"})


@pytest.mark.parametrize("x", [X, np.linspace(-2, 2, 9), np.linspace(-1.2, 1.2, 13)])
def test_two_stages_become_one(x):
    both = joined_hydro(early_stage(x=x), small_hydro(attrs={"source": "hydro.dat"}))
    np.testing.assert_allclose(both.tau_fm, [0.2, 0.4, *TAU])
    np.testing.assert_allclose(both.T, field(*np.meshgrid(both.tau_fm, X, Y, indexing="ij")), rtol=1e-12)
    assert both.attrs["source"] == "pre.dat then hydro.dat"


def test_stages_that_do_not_meet_are_refused():
    late = small_hydro(attrs={"source": "hydro.dat"})
    # between an end and a beginning T may fall as 1/tau at most
    assert len(joined_hydro(early_stage(tau=(0.3, 0.4, 0.5)), late).tau_fm) == 6
    with pytest.raises(InputError, match=r"within 10% where that is hot, but is .*1\.25 times as hot"):
        joined_hydro(early_stage(1.25), late)
    with pytest.raises(InputError, match="stores nothing there"):
        joined_hydro(early_stage(x=X[1:4]), late)
    with pytest.raises(InputError, match="A stage between"):
        joined_hydro(early_stage(tau=(0.1, 0.2)), late)
    with pytest.raises(InputError, match="exchanged"):
        joined_hydro(late, early_stage())
    with pytest.raises(InputError, match="3\\+1D if it is"):
        joined_hydro(early_stage(), small_hydro(T=grid_T(ETA), eta=ETA))


def test_new_music_is_as_before(tmp_path):
    np.testing.assert_allclose(open_hydro(write_music(tmp_path / "e.dat", grid_T())).T, grid_T(), rtol=F4)


def test_dense_music_from_time_zero(tmp_path):
    grid = MusicGrid(0.0, 0.3, 5, 0.5, -1.0, 4, 0.5, -0.5)
    with pytest.warns(AccuracyWarning, match="tau = 0"):
        hydro = read_music_dense(write_music_dense(tmp_path / "e.dat", grid_T()), grid)
    np.testing.assert_allclose(hydro.tau_fm, [0.3, 0.6])
    np.testing.assert_allclose(hydro.T, grid_T()[1:], rtol=F4)
