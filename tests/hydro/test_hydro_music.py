"""MUSIC's two evolution files."""

import numpy as np
import pytest
from hydro_files import ETA, TAU, X, Y, flow, grid_T, grid_v, truncate, write_music, write_music_dense
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from qtraj.errors import FileFormatError, InputError
from qtraj.hydro import MusicGrid, read_music, read_music_dense, read_music_input

GRID = MusicGrid(tau0_fm=0.6, dtau_fm=0.3, nx=5, dx_fm=0.5, x_min_fm=-1.0, ny=4, dy_fm=0.5, y_min_fm=-0.5)
F4 = np.finfo("f4").eps  # the files hold float32


@pytest.mark.parametrize("kind", ["all", "vorticity"])
def test_axes_fields_and_velocities(tmp_path, kind):
    hydro = read_music(write_music(tmp_path / "e.dat", grid_T(), kind=kind))
    np.testing.assert_allclose(hydro.tau_fm, TAU, rtol=1e-12)  # header floats are read as their decimals
    np.testing.assert_array_equal(hydro.x_fm, X)
    np.testing.assert_array_equal(hydro.y_fm, Y)
    np.testing.assert_allclose(hydro.T, grid_T(), rtol=F4)
    np.testing.assert_allclose(hydro.vx, grid_v()[0], atol=4 * F4)
    np.testing.assert_allclose(hydro.vy, grid_v()[1], atol=4 * F4)
    assert hydro.eta is None
    assert len(hydro.attrs["sha256"]) == 64


def test_three_dimensional(tmp_path):
    hydro = read_music(write_music(tmp_path / "e.dat", grid_T(ETA), eta=ETA))
    np.testing.assert_array_equal(hydro.eta, ETA)
    np.testing.assert_allclose(hydro.T, grid_T(ETA), rtol=F4)
    assert hydro.vx is None  # the meaning of u^3 depends on the version of MUSIC


def test_absent_cells_are_nan_and_frames_are_counted(tmp_path):
    hydro = read_music(write_music(tmp_path / "e.dat", grid_T(), drop=lambda T: T < 0.25))
    np.testing.assert_array_equal(hydro.stored, grid_T() >= 0.25)
    assert np.all(np.isnan(hydro.T[~hydro.stored]))


def test_index_equal_to_nx_of_the_header(tmp_path):
    hydro = read_music(write_music(tmp_path / "e.dat", grid_T(), header_nx=4))
    np.testing.assert_array_equal(hydro.x_fm, X)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(hnp.arrays("f4", (3, 5, 4), elements=st.floats(0.125, 0.75, width=32)), st.data())
def test_round_trip_of_any_field(tmp_path, T, data):
    missing = data.draw(hnp.arrays(bool, (3, 5, 4)))
    missing[::2, 0, 0] = False  # two frames must be there
    hydro = read_music(write_music(tmp_path / "e.dat", T, drop=lambda _: missing[..., None]))
    np.testing.assert_array_equal(np.isnan(hydro.T), missing)
    np.testing.assert_array_equal(hydro.T[~missing], T[~missing])


def break_header(path, index, value):
    data = np.fromfile(path, "<f4")
    data[index] = value
    data.tofile(path)
    return path


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (lambda p: truncate(p, 4), "truncated"),
        (lambda p: truncate(p, 17), "truncated"),
        (lambda p: (p.write_bytes(b""), p)[1], "empty"),
        (lambda p: (p.write_bytes(p.read_bytes()[:64]), p)[1], "truncated"),
        (lambda p: p.with_name("absent.dat"), "no such file"),
        (lambda p: break_header(p, 15, 17), "no header"),
        (lambda p: break_header(p, 2, 5.5), "no header"),
        (lambda p: break_header(p, 3, -0.5), "no header"),
        (lambda p: break_header(p, 16 + 1, 6), "outside the grid"),
        (lambda p: break_header(p, 16 + 1, -1), "no indices"),
        (lambda p: break_header(p, 16 + 1, 0.5), "no indices"),
        (lambda p: break_header(p, 16 + 1, 3), "twice"),
        (lambda p: break_header(p, 16 + 6, np.nan), "NaN"),
        (lambda p: break_header(p, 16 + 6, 250.0), "MeV"),
        (lambda p: break_header(p, 16 + 6, -0.2), "positive"),
    ],
)
def test_bad_files_are_refused(tmp_path, spoil, word):
    path = spoil(write_music(tmp_path / "e.dat", grid_T()))
    with pytest.raises(FileFormatError, match=word) as caught:
        read_music(path)
    assert str(path) in str(caught.value)


def test_a_single_frame_is_refused(tmp_path):
    with pytest.raises(FileFormatError, match="single frame"):
        read_music(write_music(tmp_path / "e.dat", grid_T()[:1]))


@pytest.mark.parametrize("binary", [True, False])
def test_dense(tmp_path, binary):
    path = write_music_dense(tmp_path / "e.dat", grid_T(), binary=binary)
    hydro = read_music_dense(path, GRID, binary=binary)
    np.testing.assert_allclose(hydro.tau_fm, TAU)
    np.testing.assert_allclose(hydro.x_fm, X)
    np.testing.assert_allclose(hydro.y_fm, Y)
    np.testing.assert_allclose(hydro.T, grid_T(), rtol=1e-6)  # %e keeps seven digits, float32 as many
    np.testing.assert_allclose(hydro.vx, flow(X, 0)[0][None, :, None] * np.ones((3, 1, 4)), atol=1e-6)


def test_dense_legacy_form_with_two_slices(tmp_path):
    grid = MusicGrid(0.6, 0.3, 5, 0.5, -1.0, 4, 0.5, -0.5, neta=2)
    hydro = read_music_dense(write_music_dense(tmp_path / "e.dat", grid_T(), slices=2), grid)
    np.testing.assert_allclose(hydro.T, grid_T(), rtol=F4)


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (lambda p: truncate(p, 4), "no whole number of frames"),
        (lambda p: truncate(p, 1), "truncated"),
        (lambda p: (p.write_bytes(b""), p)[1], "empty"),
        (lambda p: break_header(p, 0, np.nan), "NaN"),
        (lambda p: break_header(p, 0, 300.0), "above 5 GeV"),
    ],
)
def test_bad_dense_files_are_refused(tmp_path, spoil, word):
    with pytest.raises(FileFormatError, match=word):
        read_music_dense(spoil(write_music_dense(tmp_path / "e.dat", grid_T())), GRID)


def test_music_input_gives_the_grid_of_the_output(tmp_path):
    path = tmp_path / "music_input"
    keys = {"Initial_time_tau_0": 0.6, "Delta_Tau": 0.1, "output_evolution_every_N_timesteps": 3}
    keys |= {"X_grid_size_in_fm": 2.0, "Grid_size_in_x": 9, "Y_grid_size_in_fm": 1.5, "Grid_size_in_y": 7}
    keys |= {"output_evolution_every_N_x": 2, "Eta_grid_size": 2.0, "Grid_size_in_eta": 1}
    keys |= {"outputBinaryEvolution": 1}
    path.write_text("\n".join(f"{k} {v}  # remark" for k, v in keys.items()) + "\nEndOfData\nDelta_Tau 7\n")
    grid, binary = read_music_input(path)
    assert binary
    # dx = size/(n - 1), every second point of 9 (7): 5 (4) points
    assert (grid.nx, grid.dx_fm, grid.x_min_fm) == (5, 0.5, -1.0)
    assert (grid.ny, grid.dy_fm, grid.y_min_fm) == (4, 0.5, -0.75)
    assert grid.dtau_fm == pytest.approx(0.3)
    path.write_text("Delta_Tau 0.1\n")
    with pytest.raises(FileFormatError, match="Grid_size_in_x is missing"):
        read_music_input(path)
    path.write_text("Grid_size_in_x many\n")
    with pytest.raises(FileFormatError, match="not a number"):
        read_music_input(path)


@pytest.mark.parametrize(("name", "value"), [("nx", 0), ("dx_fm", 0.0), ("dtau_fm", -0.1)])
def test_bad_grids_are_refused(name, value):
    numbers = {"tau0_fm": 0.6, "dtau_fm": 0.3, "nx": 5, "dx_fm": 0.5, "x_min_fm": -1, "ny": 4, "dy_fm": 0.5}
    with pytest.raises(InputError, match=name):
        MusicGrid(**(numbers | {"y_min_fm": -0.5, name: value}))
