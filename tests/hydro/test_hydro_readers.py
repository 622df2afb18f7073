"""JetData.h5, columns, JEWEL-2D, OSCAR, netCDF and the recognition of formats."""

import gzip

import h5py
import numpy as np
import pytest
from hydro_files import (
    ETA,
    TAU,
    X,
    Y,
    grid_T,
    grid_v,
    small_hydro,
    truncate,
    write_columns,
    write_jetdata,
    write_music,
    write_music_dense,
    write_oscar2008,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from qtraj.errors import FileFormatError, InputError
from qtraj.hydro import (
    open_hydro,
    read_columns,
    read_jetdata_h5,
    read_jewel2d,
    read_netcdf,
    read_oscar2008,
    read_oscar2013,
    write_netcdf,
    write_oscar2013,
)
from qtraj.hydro.readers import DECLARED, FORMATS
from qtraj.io.config import HYDRO_FORMATS

quick = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
temperatures = hnp.arrays("f8", (3, 5, 4), elements=st.floats(0.05, 1.0))


def assert_is_small_hydro(hydro, rtol=1e-12, velocity=True):
    np.testing.assert_allclose(hydro.tau_fm, TAU, rtol=1e-12)
    np.testing.assert_allclose(hydro.x_fm, X, atol=1e-12)
    np.testing.assert_allclose(hydro.y_fm, Y, atol=1e-12)
    np.testing.assert_allclose(hydro.T, grid_T(), rtol=rtol)
    if velocity:
        np.testing.assert_allclose(hydro.vx, grid_v()[0], atol=1e-8)
        np.testing.assert_allclose(hydro.vy, grid_v()[1], atol=1e-8)


# --- JetData.h5


def test_jetdata(tmp_path):
    assert_is_small_hydro(read_jetdata_h5(write_jetdata(tmp_path / "JetData.h5", grid_T())))


def test_jetdata_time_is_from_the_number_of_the_frame(tmp_path):
    hydro = read_jetdata_h5(write_jetdata(tmp_path / "JetData.h5", grid_T(), skip=(1,)))
    np.testing.assert_allclose(hydro.tau_fm, [0.6, 1.2])


def edit(path, change):
    with h5py.File(path, "r+") as h5:
        change(h5["Event"])
    return path


def replace(event, name, values):
    del event[name]
    event[name] = values


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (lambda p: truncate(p, 200), "HDF5 cannot"),
        (lambda p: (p.write_bytes(b""), p)[1], "empty"),
        (lambda p: (p.write_bytes(b"text"), p)[1], "HDF5 cannot"),
        (lambda p: edit(p, lambda e: e.attrs.pop("DX")), "no attribute DX"),
        (lambda p: edit(p, lambda e: e.attrs.modify("XH", 3)), "has shape"),
        (lambda p: edit(p, lambda e: e["Frame_0001"].pop("Temp")), "no dataset Temp"),
        (lambda p: edit(p, lambda e: [e.pop(f"Frame_000{k}") for k in (0, 1)]), "1 frames"),
        (lambda p: edit(p, lambda e: replace(e, "Frame_0001/Temp", np.full((5, 4), np.nan))), "NaN"),
        (lambda p: edit(p, lambda e: replace(e, "Frame_0001/Temp", np.full((5, 4), 300.0))), "MeV"),
        (lambda p: edit(p, lambda e: e.attrs.modify("dTau", np.array([-0.3]))), "increasing"),
        (lambda p: edit(p, lambda e: e.file.move("Event", "Other")), "no group /Event"),
    ],
)
def test_bad_jetdata_is_refused(tmp_path, spoil, word):
    with pytest.raises(FileFormatError, match=word):
        read_jetdata_h5(spoil(write_jetdata(tmp_path / "JetData.h5", grid_T())))


# --- columns

ORDER = ("tau", "x", "y", "T", "vx", "vy")


@pytest.mark.parametrize(
    ("order", "unit", "scale"),
    [
        (ORDER, "GeV", 1.0),
        (("x", "y", "tau", "_", "T", "vx", "vy"), "fm^-1", 1 / 0.1973269804),  # the Hybrid model's text
        (("y", "tau", "T", "x", "vy", "vx"), "MeV", 1000.0),
    ],
)
@pytest.mark.parametrize("slow", ["tau", "y"])
def test_columns_in_any_order_and_unit(tmp_path, order, unit, scale, slow):
    path = write_columns(tmp_path / "c.txt", grid_T(), order, scale=scale, slow=slow)
    assert_is_small_hydro(read_columns(path, order=order, T_unit=unit), rtol=1e-9)  # ten digits are written


def symmetric(x, y):
    return 0.3 * (0.6 / TAU[:, None, None]) ** (1 / 3) - 0.02 * np.abs(x)[:, None] - 0.005 * np.abs(y)


@pytest.mark.parametrize("start", [0.0, 0.25])
def test_first_quadrant_files_are_completed(tmp_path, start):
    half_x, half_y = start + 0.5 * np.arange(3), start + 0.5 * np.arange(4)
    T = symmetric(half_x, half_y)
    lines = [
        f"{TAU[i]} {half_x[j]} {half_y[k]} {T[i, j, k]:.12g} {0.1 * half_x[j]} {0.2 * half_y[k]}"
        for i, j, k in np.ndindex(T.shape)
    ]
    path = tmp_path / "dreena.txt"
    path.write_text("\n".join(lines) + "\n")
    hydro = read_columns(path, order=ORDER, T_unit="GeV", mirror="xy")
    n = 2 * np.array([3, 4]) - (start == 0.0)
    assert hydro.shape == (3, *n)
    np.testing.assert_allclose(hydro.x_fm, -hydro.x_fm[::-1], atol=1e-15)
    np.testing.assert_allclose(hydro.T, symmetric(hydro.x_fm, hydro.y_fm), rtol=1e-11)
    np.testing.assert_allclose(hydro.vx, np.broadcast_to(0.1 * hydro.x_fm[:, None], hydro.shape), atol=1e-15)
    np.testing.assert_allclose(hydro.vy, np.broadcast_to(0.2 * hydro.y_fm, hydro.shape), atol=1e-15)


def test_sparse_columns_and_zero_mean_outside(tmp_path):
    T = grid_T()
    T[1, 2, 1] = 0.0
    path = write_columns(tmp_path / "c.txt", T, ORDER[:4], keep=lambda x, y: (x, y) != (1.0, 1.0))
    hydro = read_columns(path, order=ORDER[:4], T_unit="GeV", sparse=True)
    assert np.count_nonzero(~hydro.stored) == 3 + 1
    assert np.isnan(hydro.T[1, 2, 1])
    assert np.all(np.isnan(hydro.T[:, 4, 3]))


@quick
@given(temperatures)
def test_columns_round_trip_of_any_field(tmp_path, T):
    path = write_columns(tmp_path / "c.txt", T, ORDER, form="{!r}")
    path.write_text(path.read_text().replace("np.float64(", "").replace(")", ""))
    np.testing.assert_array_equal(read_columns(path, order=ORDER, T_unit="GeV").T, T)


def edit_line(path, number, line):
    lines = path.read_text().splitlines()
    number %= len(lines)
    lines[number : number + 1] = [] if line is None else [line]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (lambda p: truncate(p, 9), "no end: truncated"),
        (lambda p: edit_line(p, -1, "1.2 1"), "not 4 numbers"),
        (lambda p: edit_line(p, -1, None), "truncated"),
        (lambda p: (p.write_text(""), p)[1], "empty"),
        (lambda p: (p.write_text("# nothing\n"), p)[1], "no numbers"),
        (lambda p: edit_line(p, 3, "0.6 -1 0.5 nan"), "NaN"),
        (lambda p: edit_line(p, 3, "nan -1 0.5 0.3"), "NaN"),
        (lambda p: edit_line(p, 3, "0.6 -1 0.0 0.3"), "twice"),
        (lambda p: edit_line(p, 3, "0.6 -1 0.5 275"), "MeV"),
        (lambda p: edit_line(p, 3, "0.6 -1 0.5 word"), "not 4 numbers"),
        (lambda p: edit_line(p, 3, "0.6 -1 0.5 -0.3"), "positive"),
    ],
)
def test_bad_columns_are_refused(tmp_path, spoil, word):
    path = spoil(write_columns(tmp_path / "c.txt", grid_T(), ORDER[:4]))
    with pytest.raises(FileFormatError, match=word):
        read_columns(path, order=ORDER[:4], T_unit="GeV")


def test_files_of_another_declaration_are_refused(tmp_path):
    path = write_columns(tmp_path / "c.txt", grid_T(), ORDER)
    with pytest.raises(FileFormatError, match="6 columns, but 4"):
        read_columns(path, order=ORDER[:4], T_unit="GeV")
    with pytest.raises(FileFormatError, match="neither at 0 nor"):
        read_columns(path, order=ORDER, T_unit="GeV", mirror="x")


@pytest.mark.parametrize(
    ("declared", "word"),
    [
        ({"order": ("tau", "x", "y")}, "contain tau"),
        ({"order": ("tau", "x", "y", "T", "T")}, "at most once"),
        ({"order": ("tau", "x", "y", "T", "z")}, "at most once"),
        ({"T_unit": "K"}, "T_unit"),
        ({"mirror": "z"}, "mirror"),
    ],
)
def test_bad_declarations_are_refused_before_reading(tmp_path, declared, word):
    with pytest.raises(InputError, match=word):
        read_columns(tmp_path / "absent", **({"order": ORDER, "T_unit": "GeV"} | declared))


# --- JEWEL-2D


def write_jewel(folder, T, *, compress=False, heading="", velocity=True):
    vx, vy = grid_v()
    for k, tau in enumerate(TAU):
        for kind, fields in (("T", [T[k]]), ("V", [vx[k], vy[k]])):
            if kind == "V" and not velocity:
                continue
            lines = [
                f"  {x:.6f} {y:.6f} " + " ".join(f"{f[i, j]:.10g}" for f in fields)
                for i, x in enumerate(X)
                for j, y in enumerate(Y)
            ]
            text = heading + "\n".join(lines) + "\n"
            name = folder / f"{kind}contour{tau:06.3f}"
            if compress:
                name.with_name(name.name + ".gz").write_bytes(gzip.compress(text.encode()))
            else:
                name.write_text(text)
    return folder


@pytest.mark.parametrize("options", [{}, {"compress": True}, {"heading": "x y value\n"}, {"velocity": False}])
def test_jewel(tmp_path, options):
    hydro = read_jewel2d(write_jewel(tmp_path, grid_T(), **options))
    assert_is_small_hydro(hydro, rtol=1e-9, velocity=options.get("velocity", True))  # ten digits are written
    assert (hydro.vx is None) == (options.get("velocity") is False)


def test_jewel_zero_is_outside(tmp_path):
    T = grid_T()
    T[:, 0, 0] = 0.0
    hydro = read_jewel2d(write_jewel(tmp_path, T))
    assert np.all(np.isnan(hydro.T[:, 0, 0]))
    assert np.isnan(hydro.temperature(0.6, -0.9, -0.4))


def test_bad_jewel_files_are_refused(tmp_path):
    with pytest.raises(FileFormatError, match="0 Tcontour files"):
        read_jewel2d(tmp_path)
    write_jewel(tmp_path, grid_T(), compress=True)
    broken = sorted(tmp_path.glob("Tcontour*"))
    with pytest.raises(FileFormatError, match="1 Tcontour files"):
        read_jewel2d(broken[:1])
    truncate(broken[1], 30)
    with pytest.raises(FileFormatError, match=broken[1].name):
        read_jewel2d(tmp_path)
    with pytest.raises(FileFormatError, match="its time is unknown"):
        read_jewel2d(sorted(tmp_path.glob("Vcontour*")))


def test_a_truncated_jewel_frame_is_refused(tmp_path):
    write_jewel(tmp_path, grid_T(), velocity=False)
    frame = sorted(tmp_path.glob("Tcontour*"))[1]
    edit_line(frame, -1, None)
    with pytest.raises(FileFormatError, match="truncated"):
        read_jewel2d(tmp_path)


# --- OSCAR


def test_oscar2008(tmp_path):
    # the layout has eight decimals
    assert_is_small_hydro(read_oscar2008(write_oscar2008(tmp_path / "O.dat", grid_T())), rtol=2e-8)


def test_oscar2008_three_dimensional(tmp_path):
    hydro = read_oscar2008(write_oscar2008(tmp_path / "O.dat", grid_T(ETA), eta=ETA))
    np.testing.assert_allclose(hydro.eta, ETA)
    np.testing.assert_allclose(hydro.T, grid_T(ETA), rtol=2e-8)


def test_oscar2008_may_end_before_its_header_says(tmp_path):
    assert_is_small_hydro(
        read_oscar2008(write_oscar2008(tmp_path / "O.dat", grid_T(), header_nt=11)), rtol=2e-8
    )


def test_oscar2008_frozen_cells_are_outside(tmp_path):
    T = grid_T()
    T[2] = 0.0
    hydro = read_oscar2008(write_oscar2008(tmp_path / "O.dat", T))
    assert not hydro.stored[2].any()


def edit_text(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return path


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (lambda p: edit_line(p, -1, None), "truncated"),
        (lambda p: truncate(p, 25), "no end: truncated"),
        (lambda p: (p.write_text(""), p)[1], "empty"),
        (lambda p: (p.write_text("\n".join(p.read_text().splitlines()[:14]) + "\n"), p)[1], "truncated"),
        (
            lambda p: (p.write_text("\n".join(p.read_text().splitlines()[:9]) + "\n"), p)[1],
            "truncated header",
        ),
        (lambda p: edit_text(p, "history", "final_hs"), "not a history"),
        (lambda p: edit_text(p, "OSCAR2008H", "OSCAR1999A"), "first line"),
        (lambda p: edit_text(p, "GRID: Euler", "GRID: Lagrange"), "GRID: Euler"),
        (lambda p: edit_text(p, "    3    5    4", "    3    4    4"), "no whole number of frames"),
        (lambda p: edit_text(p, "    3    5    4", "    3    4    5"), "indices"),
        (lambda p: edit_text(p, "    3    5    4", "    x    5    4"), "two lines after GRID"),
        (lambda p: edit_text(p, "   0.600   1.200", "   1.200   0.600"), "increasing"),
        (lambda p: edit_text(p, f"{grid_T()[0, 0, 0]:18.8f}", f"{'NaN':>18}"), "NaN"),
        (lambda p: edit_text(p, f"{grid_T()[0, 0, 0]:18.8f}", f"{277.5:18.8f}"), "MeV"),
    ],
)
def test_bad_oscar2008_is_refused(tmp_path, spoil, word):
    with pytest.raises(FileFormatError, match=word):
        read_oscar2008(spoil(write_oscar2008(tmp_path / "O.dat", grid_T())))


@quick
@given(temperatures, hnp.arrays(bool, (3, 5, 4)), st.booleans())
def test_oscar2013_round_trip_of_any_field(tmp_path, T, missing, single):
    missing[0, 0, 0] = False
    T = np.where(missing, np.nan, T).astype("f4" if single else "f8")
    vx, vy = grid_v()
    written = small_hydro(T=T, vx=vx, vy=vy)
    write_oscar2013(written, tmp_path / "o.txt")
    hydro = read_oscar2013(tmp_path / "o.txt")
    np.testing.assert_array_equal(hydro.T.astype(T.dtype), T)
    for name in ("tau_fm", "x_fm", "y_fm", "vx", "vy"):
        np.testing.assert_array_equal(getattr(hydro, name), getattr(written, name))
    assert [p.name for p in tmp_path.iterdir()] == ["o.txt"]  # no temporary file is left


def test_oscar2013_three_dimensional_and_foreign_columns(tmp_path):
    path = tmp_path / "o.txt"
    write_oscar2013(small_hydro(T=grid_T(ETA), eta=ETA), path)
    np.testing.assert_array_equal(read_oscar2013(path).T, grid_T(ETA))
    lines = ["#!OSCAR2013 full-evolution 3 5 4 1 it ix iy iz t x y z vx vy vz e p T", "# a comment"]
    vx, vy = grid_v()
    for i, j, k in np.ndindex(3, 5, 4):
        place = f"{i} {j} {k} 0 {TAU[i]:.9g} {X[j]} {Y[k]} 0"
        lines.append(f"{place} {vx[i, j, k]} {vy[i, j, k]} 0 1 0.3 {grid_T()[i, j, k]:.12g}")
    path.write_text("\n".join(lines) + "\n")
    assert_is_small_hydro(read_oscar2013(path), rtol=1e-11)


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (lambda p: edit_line(p, -1, None), "truncated"),
        (lambda p: truncate(p, 5), "no end: truncated"),
        (lambda p: (p.write_text(""), p)[1], "empty"),
        (lambda p: edit_text(p, "full-evolution", "full_event_history"), "first line"),
        (lambda p: edit_text(p, "3 5 4 1", "3 5 4 x"), "nt nx ny nz"),
        (lambda p: edit_text(p, "3 5 4 1", "3 4 5 1"), "span"),
        (lambda p: edit_text(p, " T", " temp"), "lack"),
        (lambda p: edit_text(p, str(grid_T()[0, 0, 0]), "nan"), "NaN"),
        (lambda p: edit_text(p, str(grid_T()[0, 0, 0]), "277.5"), "MeV"),
    ],
)
def test_bad_oscar2013_is_refused(tmp_path, spoil, word):
    path = tmp_path / "o.txt"
    write_oscar2013(small_hydro(), path)
    with pytest.raises(FileFormatError, match=word):
        read_oscar2013(spoil(path))


# --- netCDF and recognition


@quick
@given(temperatures, hnp.arrays(bool, (3, 5, 4)))
def test_netcdf_round_trip_of_any_field(tmp_path, T, missing):
    missing[0, 0, 0] = False
    T = np.where(missing, np.nan, T)
    vx, vy = grid_v()
    write_netcdf(small_hydro(T=T, vx=vx, vy=vy, attrs={"b_fm": 2.5, "source": "made up"}), tmp_path / "h.nc")
    hydro = read_netcdf(tmp_path / "h.nc")
    np.testing.assert_array_equal(hydro.T, T)
    np.testing.assert_array_equal(hydro.vx, vx)
    assert dict(hydro.attrs) == {"b_fm": 2.5, "source": "made up"}
    assert [p.name for p in tmp_path.iterdir()] == ["h.nc"]


def test_bad_netcdf_is_refused(tmp_path):
    path = tmp_path / "h.nc"
    write_netcdf(small_hydro(), path)
    truncate(path, 500)
    with pytest.raises(FileFormatError, match="netCDF4 cannot"):
        read_netcdf(path)
    with pytest.raises(FileFormatError, match="qtraj_format"):
        read_netcdf(write_jetdata(tmp_path / "j.h5", grid_T()))


def netcdf_file(path):
    write_netcdf(small_hydro(), path)
    return path


def oscar2013_file(path):
    write_oscar2013(small_hydro(), path)
    return path


@pytest.mark.parametrize(
    "write",
    [
        lambda p: write_music(p, grid_T()),
        lambda p: write_music(p, grid_T(), kind="vorticity"),
        lambda p: write_jetdata(p, grid_T()),
        lambda p: write_oscar2008(p, grid_T()),
        oscar2013_file,
        netcdf_file,
    ],
)
def test_formats_are_recognized_by_content(tmp_path, write):
    hydro = open_hydro(write(tmp_path / "misleading.txt"))
    np.testing.assert_allclose(hydro.T, grid_T(), rtol=1e-6)


def test_a_folder_of_contours_is_recognized(tmp_path):
    assert open_hydro(write_jewel(tmp_path, grid_T())).shape == (3, 5, 4)


def test_unrecognized_formats_are_not_guessed(tmp_path):
    for path in (
        write_music_dense(tmp_path / "d.dat", grid_T()),
        write_columns(tmp_path / "c", grid_T(), ORDER),
    ):
        with pytest.raises(FileFormatError, match="read_columns"):
            open_hydro(path)
    with pytest.raises(FileFormatError, match="no Tcontour"):
        open_hydro(tmp_path)
    with h5py.File(tmp_path / "other.h5", "w") as h5:
        h5["a"] = 1
    with pytest.raises(FileFormatError, match="neither JetData"):
        open_hydro(tmp_path / "other.h5")
    with pytest.raises(InputError, match="format"):
        open_hydro(tmp_path / "d.dat", format="musik")
    with pytest.raises(FileFormatError, match="no header"):
        open_hydro(tmp_path / "d.dat", format="music")


def test_run_files_and_the_registry_name_the_same_formats():
    assert ("auto", *FORMATS, *DECLARED) == HYDRO_FORMATS
