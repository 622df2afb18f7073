"""MUSIC's two evolution files."""

from dataclasses import asdict, replace

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


def test_two_slices_that_are_no_boost_invariant_run_are_refused(tmp_path):
    two = replace(GRID, neta=2)
    path = write_music_dense(tmp_path / "e.dat", grid_T(), slices=2, warmer=0.01)
    with pytest.raises(
        FileFormatError, match=r"two slices in eta differ by up to 0\.01 GeV.*boost_invariant=False"
    ):
        read_music_dense(path, two)
    # a file with one slice in each frame, an even number of frames: half of them would be taken for slices
    single = write_music_dense(tmp_path / "one.dat", grid_T()[:2])
    with pytest.raises(FileFormatError, match="Has it one slice, neta=1"):
        read_music_dense(single, two)
    # and the other way round: each time would count as two
    double = write_music_dense(tmp_path / "two.dat", grid_T()[:2], slices=2)
    with pytest.raises(FileFormatError, match=r"every second frame repeats the one before.*neta=2"):
        read_music_dense(double, GRID)
    np.testing.assert_allclose(read_music_dense(double, two).T, grid_T()[:2], rtol=F4)


def test_dense_three_dimensional(tmp_path):
    T = grid_T(ETA)
    rows = np.zeros((*T.shape, 5))
    rows[..., 0] = T
    rows.transpose(0, 3, 2, 1, 4).astype("<f4").tofile(tmp_path / "e.dat")
    grid = replace(GRID, neta=3, deta=0.5, eta_min=-0.5, boost_invariant=False)
    hydro = read_music_dense(tmp_path / "e.dat", grid)
    np.testing.assert_array_equal(hydro.eta, ETA)
    np.testing.assert_allclose(hydro.T, T, rtol=F4)


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


MUSIC_KEYS = {
    "Initial_profile": 0, "Initial_time_tau_0": 0.6, "Delta_Tau": 0.05, "output_evolution_every_N_timesteps": 6,
    "boost_invariant": 1, "Grid_size_in_x": 5, "X_grid_size_in_fm": 2.0, "Grid_size_in_y": 4, "Y_grid_size_in_fm": 1.5,
    "Grid_size_in_eta": 5, "Eta_grid_size": 4.0, "outputBinaryEvolution": 1,
}  # fmt: skip
PLANE = {"nx": 5, "dx_fm": 0.5, "x_min_fm": -1.0, "ny": 4, "dy_fm": 0.5, "y_min_fm": -0.5}


@pytest.fixture
def music_input(tmp_path):
    """Write a music_input of these keys; None leaves one out."""

    def write(**changes):
        keys = {name: value for name, value in {**MUSIC_KEYS, **changes}.items() if value is not None}
        text = "".join(f"{name}  {value}  # remark\n" for name, value in keys.items())
        (tmp_path / "music_input").write_text(text + "EndOfData\n", encoding="utf-8")
        return tmp_path / "music_input"

    return write


def named(path, **known):
    """The fields of the grid that the keys leave open, in the words of the refusal."""
    with pytest.raises(FileFormatError, match="does not tell") as caught:
        read_music_input(path, **known)
    assert str(path) in str(caught.value)
    fields, _, why = caught.value.problem.partition("it does not tell ")[2].partition(": ")
    return set(fields.split(", ")), why


def test_a_boost_invariant_run_has_one_slice_whatever_the_grid_in_eta(music_input, tmp_path):
    grid, _ = read_music_input(music_input())
    assert (grid.neta, grid.boost_invariant, grid.deta, grid.eta_min) == (1, True, None, None)
    # the file of such a run is read with it
    hydro = read_music_dense(write_music_dense(tmp_path / "e.dat", grid_T()), grid)
    np.testing.assert_allclose(hydro.T, grid_T(), rtol=F4)
    # the legacy form, on request
    assert read_music_input(music_input(Grid_size_in_eta=2), neta=2)[0].neta == 2


@pytest.mark.parametrize(
    ("n_eta", "fields"), [(1, set()), (2, {"boost_invariant", "neta"}), (64, {"boost_invariant", "neta"})]
)
def test_several_slices_without_the_key_may_be_anything(music_input, n_eta, fields):
    path = music_input(boost_invariant=None, Grid_size_in_eta=n_eta)
    if not fields:
        assert read_music_input(path)[0].neta == 1
        return
    assert named(path)[0] == fields
    assert named(path, boost_invariant=True)[0] == {"neta"}
    assert named(path, boost_invariant=False)[0] == {"deta"}
    assert read_music_input(path, boost_invariant=True, neta=1)[0].neta == 1
    assert read_music_input(path, boost_invariant=False, deta=0.5)[0].neta == n_eta


def test_the_spacing_in_rapidity_depends_on_the_version(music_input):
    path = music_input(boost_invariant=0, output_evolution_every_N_eta=2)
    fields, why = named(path)
    assert fields == {"deta"}
    assert (
        "deta is 2 in versions since 2018 and 1.6 in earlier ones" in why
    )  # 4/(5 - 1) and 4/5, every second one
    grid, _ = read_music_input(path, deta=2)
    assert (grid.neta, grid.deta, grid.eta_min, grid.boost_invariant) == (3, 2, -2.0, False)


PLANE_OF = {profile: set(PLANE) for profile in (8, 9, 91, 92, 93)} | {
    1: {*PLANE, "neta", "boost_invariant"},
    42: {*PLANE, "tau0_fm"},
    7: {*PLANE, "tau0_fm"},  # of an old version
}


@pytest.mark.parametrize("profile", PLANE_OF)
def test_an_initial_condition_may_bring_its_own_grid(music_input, profile):
    path = music_input(Initial_profile=profile)
    fields, why = named(path)
    assert fields == PLANE_OF[profile]
    assert f"Initial_profile {profile}" in why
    assert named(path, nx=5, dx_fm=0.5)[0] == fields - {"nx", "dx_fm"}
    if profile != 1:
        told = PLANE | ({"tau0_fm": 0.4} if "tau0_fm" in fields else {})
        grid, _ = read_music_input(path, **told)
        assert {name: value for name, value in asdict(grid).items() if name in told} == told
        assert grid.dtau_fm == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("profile", "more"),
    [
        (8, set()),
        (9, {"neta"}),
        (92, {"neta"}),
        (42, {"tau0_fm", "neta", "eta_min"}),
        (1, {"neta", "boost_invariant"}),
    ],
)
def test_of_a_3d_run_the_slices_may_be_those_of_the_initial_condition(music_input, profile, more):
    assert named(music_input(Initial_profile=profile, boost_invariant=0))[0] == {*PLANE, "deta", *more}


@pytest.mark.parametrize("profile", [11, 13, 30, 111, 112, 113, 131])
def test_an_initial_condition_may_move_the_start(music_input, profile):
    path = music_input(Initial_profile=profile, dynamicGridDetermination=0)
    assert named(path)[0] == {"tau0_fm"}
    assert read_music_input(path, tau0_fm=0.87)[0].tau0_fm == 0.87
    if profile in (13, 131):
        fitted = {"tau0_fm", "dx_fm", "x_min_fm", "dy_fm", "y_min_fm"}
        assert named(music_input(Initial_profile=profile))[0] == fitted


@pytest.mark.parametrize("profile", [0, 101, None])
def test_other_initial_conditions_leave_the_keys_as_they_are(music_input, profile):
    grid, binary = read_music_input(music_input(Initial_profile=profile))
    assert asdict(grid) == asdict(replace(GRID, y_min_fm=-0.75)) | {"dtau_fm": pytest.approx(0.3)}
    assert binary


def test_a_long_time_step_is_replaced_by_music(music_input):
    path = music_input(Delta_Tau=0.12)
    fields, why = named(path)
    assert fields == {"dtau_fm"}
    assert "0.12 by a CFL step unless reset_dtau_use_CFL_condition is 0" in why
    assert read_music_input(path, dtau_fm=0.3)[0].dtau_fm == 0.3
    kept = music_input(Delta_Tau=0.12, reset_dtau_use_CFL_condition=0)
    assert read_music_input(kept)[0].dtau_fm == pytest.approx(0.72)
    assert named(music_input(dtaudxRatio=0.1))[0] == {"dtau_fm"}  # of versions that replace any step


def test_the_first_line_of_a_key_counts_in_any_case(music_input):
    path = music_input(delta_TAU=0.07)
    assert read_music_input(path)[0].dtau_fm == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("changes", "known", "error", "message"),
    [
        ({"Grid_size_in_x": 1}, {}, FileFormatError, "Grid_size_in_x 1 is no whole number of at least 2"),
        ({"Grid_size_in_x": 10.5}, {}, FileFormatError, "Grid_size_in_x 10.5 is no whole number"),
        ({"Initial_time_tau_0": -1}, {}, FileFormatError, "tau0_fm` must be at least 0"),
        ({}, {"deta": 0.5}, FileFormatError, "deta` must be left out in a boost-invariant run"),
        ({}, {"dtau": 0.5}, InputError, "`dtau` must be one of tau0_fm, dtau_fm"),
    ],
)
def test_bad_music_inputs_are_named(music_input, changes, known, error, message):
    with pytest.raises(error, match=message):
        read_music_input(music_input(**changes), **known)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"neta": 3}, "`neta` must be 1 or 2 in a boost-invariant run"),
        ({"deta": 0.5}, "`deta` must be left out"),
        ({"boost_invariant": False}, "`neta` must be at least 2 in a 3\\+1D run"),
        ({"boost_invariant": False, "neta": 5}, "`deta` must be given in a 3\\+1D run"),
        ({"boost_invariant": False, "neta": 5, "deta": 0.5}, "`eta_min` must be given"),
        ({"x_min_fm": np.nan}, "`x_min_fm` must be finite"),
        ({"ny": 4.5}, "`ny` must be a whole number"),
    ],
)
def test_grids_that_no_run_has_are_refused(changes, message):
    with pytest.raises(InputError, match=message):
        replace(GRID, **changes)


@pytest.mark.parametrize(("name", "value"), [("nx", 0), ("dx_fm", 0.0), ("dtau_fm", -0.1)])
def test_bad_grids_are_refused(name, value):
    numbers = {"tau0_fm": 0.6, "dtau_fm": 0.3, "nx": 5, "dx_fm": 0.5, "x_min_fm": -1, "ny": 4, "dy_fm": 0.5}
    with pytest.raises(InputError, match=name):
        MusicGrid(**(numbers | {"y_min_fm": -0.5, name: value}))
