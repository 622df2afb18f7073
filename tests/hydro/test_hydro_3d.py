"""3+1D files: every layout at eta_s != 0, and what is cut away of a large file."""

import csv
import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hydro_files import (
    ETA,
    FINE_ETA,
    TAU,
    X,
    Y,
    grid_T,
    tilted,
    tilted_T,
    write_music,
    write_music_3d_era,
    write_music_dense_3d,
    write_old_music,
    write_oscar2008,
    write_vhlle_vtk,
)

from qtraj.errors import FileFormatError, InputError
from qtraj.hydro import (
    Hydro,
    MusicGrid,
    load_shipped,
    open_hydro,
    read_columns,
    read_music,
    read_music_dense,
    read_netcdf,
    read_oscar2008,
    read_oscar2013,
    read_vhlle_vtk,
    write_netcdf,
    write_oscar2013,
)
from qtraj.hydro.readers import music

DATA = Path(__file__).parents[1] / "data" / "hydro"
GRID = MusicGrid(0.6, 0.3, 5, 0.5, -1.0, 4, 0.5, -0.5, 5, deta=1.0, eta_min=-1.5, boost_invariant=False)
ORDERS = [("tau", "x", "y", "eta", "T"), ("eta", "T", "y", "tau", "x")]


def columns_file(folder, order):
    values = dict(zip(("tau", "x", "y", "eta"), np.meshgrid(TAU, X, Y, FINE_ETA, indexing="ij"), strict=True))
    values["T"] = tilted_T()
    np.savetxt(folder / "c.txt", np.stack([values[name].ravel() for name in order], axis=-1), fmt="%.10g")
    return folder / "c.txt"


def written(writer, folder, name):
    writer(Hydro(TAU, X, Y, tilted_T(), FINE_ETA), folder / name)
    return folder / name


# each layout: how to read it (with a cut), and the digits that it stores
F4 = 0.5 * np.finfo("f4").eps
LAYOUTS = {
    **{
        f"MUSIC {era}": (
            lambda d, era=era, **cut: read_music(write_music_3d_era(d / "e.dat", era), **cut),
            F4,
        )
        for era in ("2.5", "3.0", "3.1", "3.1 vorticity")
    },
    "MUSIC dense": (lambda d, **cut: read_music_dense(write_music_dense_3d(d / "e.dat"), GRID, **cut), F4),
    "OSCAR2008H": (
        lambda d, **cut: read_oscar2008(write_oscar2008(d / "o.dat", tilted_T(), eta=FINE_ETA), **cut),
        5.1e-9,
    ),
    "OSCAR2013": (lambda d, **cut: read_oscar2013(written(write_oscar2013, d, "o.txt"), **cut), 0.0),
    "netCDF": (lambda d, **cut: read_netcdf(written(write_netcdf, d, "h.nc"), **cut), 0.0),
    "vHLLE": (
        lambda d, **cut: read_vhlle_vtk(write_vhlle_vtk(d / "v"), tau0_fm=0.6, dtau_fm=0.3, **cut),
        5.1e-4,
    ),
    **{
        f"columns {' '.join(order)}": (
            lambda d, order=order, **cut: read_columns(
                columns_file(d, order), order=order, T_unit="GeV", **cut
            ),
            1e-10,
        )
        for order in ORDERS
    },
}
layouts = pytest.mark.parametrize(("read", "digits"), LAYOUTS.values(), ids=LAYOUTS)


@layouts
def test_every_layout_is_the_field_at_any_rapidity(tmp_path, read, digits):
    """`tilted` is multilinear in space: what is read equals it between the points, too, at both signs of eta."""
    hydro = read(tmp_path)
    np.testing.assert_allclose(hydro.tau_fm, TAU, rtol=1e-7)
    for axis, known in ((hydro.x_fm, X), (hydro.y_fm, Y), (hydro.eta, FINE_ETA)):
        np.testing.assert_allclose(axis, known, atol=1e-7)
    rng = np.random.default_rng(1)
    x, y, eta = (rng.uniform(axis[0], axis[-1], 200) for axis in (X, Y, FINE_ETA))
    for frame, tau in enumerate(TAU):
        T = hydro.temperature_at_frames(frame, x, y, eta)
        np.testing.assert_allclose(T, tilted(tau, x, y, eta), atol=digits + 1e-7)


@layouts
def test_a_cut_keeps_the_field_where_it_is_hot(tmp_path, read, digits):
    """Cut by T and in rapidity, each layout is the whole field there, NaN elsewhere, in the box around it."""
    whole = read(tmp_path)
    T_min = 0.2905  # no value of the grid is within 5e-4 of it
    cut = read(tmp_path, T_min=T_min, within={"eta": (-0.6, 1.6), "x": (-2, 0.6)})
    index = [
        [int(np.argmin(np.abs(a - v))) for v in b]
        for a, b in ((whole.x_fm, cut.x_fm), (whole.y_fm, cut.y_fm))
    ]
    eta = [int(np.argmin(np.abs(whole.eta - v))) for v in cut.eta if v < 3]
    place = np.ix_(range(len(cut.tau_fm)), *index, eta)
    inside = (whole.x_fm[index[0]] < 0.6)[:, None, None] & (np.abs(whole.eta[eta] - 0.5) < 1.1)
    expected = np.where((whole.T[place] >= T_min) & inside, whole.T[place], np.nan)
    got = cut.T[..., : len(eta)]
    # one line around the box: it may be one that the header's n makes possible, where nothing is stored
    real = (
        np.isclose(whole.x_fm[index[0]], cut.x_fm)[:, None, None]
        & np.isclose(whole.y_fm[index[1]], cut.y_fm)[:, None]
    )
    np.testing.assert_array_equal(np.where(real, got, np.nan), np.where(real, expected, np.nan))
    assert np.count_nonzero(cut.stored) == np.count_nonzero(
        (T_min <= whole.T) & (whole.x_fm < 0.6)[:, None, None] & (np.abs(whole.eta - 0.5) < 1.1)
    )
    assert cut.vx is None
    assert 0 < np.count_nonzero(cut.stored) < whole.T.size / 2


@pytest.mark.parametrize("piece", [2, 17, 33, 64, 101, 1000])
def test_music_does_not_depend_on_the_pieces_it_is_read_in(tmp_path, monkeypatch, piece):
    """A header, a frame or a record may be cut anywhere by the end of a piece."""
    T = grid_T()
    T[0, 1:3, 1] = T[2, :, 0] = np.nan
    files = [write_music_3d_era(tmp_path / f"{era}.dat", era) for era in ("2.5", "3.0", "3.1")]
    files += [write_old_music(tmp_path / f"o{h}.dat", T, itau=(0, 0, 1), headers=h) for h in (False, True)]
    files += [write_music(tmp_path / "n.dat", grid_T(ETA), eta=ETA, drop=lambda T: T < 0.25)]
    whole = [read_music(file) for file in files]
    monkeypatch.setattr(music, "_PIECE", piece)
    for file, known in zip(files, whole, strict=True):
        hydro = read_music(file)
        for name in ("tau_fm", "x_fm", "y_fm", "T", "vx", "vy", "eta"):
            one, other = getattr(hydro, name), getattr(known, name)
            assert (one is None) == (other is None)
            if one is not None:
                np.testing.assert_array_equal(one, other)


def test_a_cut_of_the_whole_is_the_whole_but_for_its_margin(tmp_path):
    hydro = open_hydro(write_music(tmp_path / "e.dat", grid_T()), T_min=0.01)
    T = hydro.temperature_at_frames(np.arange(3)[:, None, None], X[:, None], Y)
    np.testing.assert_array_equal(T, read_music(tmp_path / "e.dat").T)
    assert hydro.eta is None


def test_the_raw_music_file_is_the_compact_one():
    """A cut of MUSIC's own file of Pb-Pb, b = 6 fm, against the compact file and the check values of the original.

    The cut has four frames, x from -0.5 to 1 fm, y from -1 to 0.5 fm and eta_s from -5 on: no axis is symmetric.
    """
    raw, compact = read_music(DATA / "music_3d_cut.dat"), load_shipped("PbPb5020-3d", 6.0)
    assert raw.shape == (4, 39, 39, 31)
    frame, ix, iy, ieta = np.nonzero(raw.stored)
    assert len(frame) == 1568
    place = raw.x_fm[ix], raw.y_fm[iy], raw.eta[ieta]
    assert (place[0].min(), place[0].max(), place[1].min(), place[1].max()) == (-0.5, 1.0, -1.0, 0.5)
    # T of the compact file is a multiple of 2^-16 GeV
    np.testing.assert_allclose(
        compact.temperature_at_frames(frame, *place), raw.T[raw.stored], atol=2**-17 + 1e-9
    )
    lines = (DATA / "check_values_music3d.csv").read_text().splitlines()
    rows = [row for row in csv.DictReader(lines[1:]) if row["b_fm"] == "6.0" and float(row["tau"]) < 1.9]
    assert len(rows) == 4
    for frame, row in enumerate(rows):
        assert raw.tau_fm[frame] == pytest.approx(float(row["tau"]))
        for eta in (2, 3, 4):
            # four decimals are printed; the run is symmetric in eta_s
            for sign in (1, -1):
                got = raw.temperature_at_frames(frame, 0.0, 0.0, sign * eta)
                assert got == pytest.approx(float(row[f"T_0_0_{eta}"]), abs=5.1e-5)


def test_vhlle_files_that_are_none_are_refused(tmp_path):
    folder = write_vhlle_vtk(tmp_path / "v", steps=(2, 3, 7))
    known = read_vhlle_vtk(folder, tau0_fm=0.6, dtau_fm=0.1)
    np.testing.assert_allclose(known.tau_fm, [0.6, 0.7, 1.1])
    file = folder / "T_taustep00003.vtk"
    text = file.read_text()
    for spoiled, word in (
        (text[:-20], "truncated"),
        (text.replace("SCALARS T ", "SCALARS eps "), "no ASCII file"),
        (text.replace("SPACING 0.5", "SPACING 0.4"), "grid differs"),
        (text.replace("0.3", "0.x"), "cannot be read"),
    ):
        file.write_text(spoiled)
        with pytest.raises(FileFormatError, match=word):
            read_vhlle_vtk(folder, tau0_fm=0.6, dtau_fm=0.1)
    with pytest.raises(FileFormatError, match="0 files"):
        read_vhlle_vtk(tmp_path, tau0_fm=0.6, dtau_fm=0.1)


@pytest.mark.parametrize(
    ("cut", "word"),
    [
        ({"T_min": 200.0}, "T_min"),
        ({"T_min": -0.1}, "T_min"),
        ({"within": {"z": (0, 1)}}, "x, y, eta"),
        ({"within": {"x": (1, -1)}}, "low below high"),
        ({"T_min": 0.9}, "no cell that is kept.*Lower T_min"),
        ({"within": {"eta": (7, 8)}}, "no cell that is kept"),
    ],
)
def test_cuts_that_leave_nothing_are_refused(tmp_path, cut, word):
    kinds = (InputError, FileFormatError)
    with pytest.raises(kinds, match=word):
        open_hydro(write_music(tmp_path / "e.dat", grid_T(ETA), eta=ETA), **cut)


# on Linux ru_maxrss begins with the size of the process that started this one, VmHWM with nothing
LARGE = """
import resource, sys
from pathlib import Path
from qtraj.hydro import MusicGrid, read_music_dense
def peak():
    status = Path("/proc/self/status")
    if status.exists():
        return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
base = peak()
grid = MusicGrid(0.6, 0.1, 100, 0.2, -10, 100, 0.2, -10, 64, deta=0.25, eta_min=-8, boost_invariant=False)
hydro = read_music_dense(sys.argv[1], grid, T_min=0.15)
print(*hydro.shape, float(hydro.T_floor), base, peak())
"""


@pytest.mark.slow
def test_a_file_of_4_gb_needs_no_2_gb_of_memory(tmp_path):
    """Peak memory of a process that reads a sparse file of 4 GB with five hot frames; the file takes no disk."""
    path, shape = tmp_path / "large.dat", (64, 100, 100, 5)
    frame = np.zeros(shape, "<f4")
    hot = np.s_[20:40, 30:70, 30:60, 0]
    with path.open("wb") as handle:
        for i in range(5):
            frame[hot] = 0.4 * (1 + i / 6) ** (-1 / 3) * (1 - 0.01 * np.arange(20))[:, None, None]
            frame.tofile(handle)
        handle.truncate(4 * 2**30 // frame.nbytes * frame.nbytes)
    done = subprocess.run(
        [sys.executable, "-c", LARGE, str(path)], capture_output=True, text=True, check=True
    )
    *size, T_floor, base, peak = done.stdout.split()
    # the frame after the last hot one and a line around the box are kept
    assert list(map(int, size)) == [6, 32, 42, 22]
    assert float(T_floor) == pytest.approx(0.4 * (10 / 6) ** (-1 / 3) * 0.81, rel=1e-6)
    assert int(peak) < 2 * 2**20  # KiB; measured 0.2 GiB, of which half is Python itself
    assert int(peak) - int(base) < 400 * 2**10


def test_mirrored_cuts_are_symmetric(tmp_path):
    hydro = Hydro(TAU, X[2:], Y[1:], tilted_T()[:, 2:, 1:], FINE_ETA)
    write_netcdf(hydro, tmp_path / "half.nc")
    both = open_hydro(tmp_path / "half.nc", mirror="xy", within={"eta": (-0.6, 0.6)})
    for x, y in product((0.5, -0.5), repeat=2):
        assert both.temperature(0.6, x, y, 0.5) == pytest.approx(tilted(0.6, 0.5, 0.5, 0.5), rel=1e-12)
