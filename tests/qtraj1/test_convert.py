"""qtraj convert: text to netCDF and back, byte for byte, or one clear sentence."""

import gzip
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr
from legacy_files import COLLECTED, RATIOS, SAMPLES
from typer.testing import CliRunner

from qtraj.cli import app
from qtraj.errors import FileFormatError, InputError
from qtraj.qtraj1.convert import convert

FOLDERS = sorted({path.parent for path in SAMPLES.rglob("*.tsv")})


def contents(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.parts[-2])
def test_a_folder_comes_back_byte_for_byte(folder, tmp_path):
    netcdf = tmp_path / "run.nc"
    assert convert(folder, netcdf).written == (netcdf,)
    convert(netcdf, tmp_path / "again")
    assert contents(tmp_path / "again") == contents(folder)


def test_a_collection_comes_back_plain_or_packed(tmp_path):
    text = gzip.decompress(COLLECTED.read_bytes())
    convert(COLLECTED, tmp_path / "all.nc")
    convert(tmp_path / "all.nc", tmp_path / "plain.tsv")
    assert (tmp_path / "plain.tsv").read_bytes() == text
    convert(tmp_path / "all.nc", tmp_path / "packed.tsv.gz")
    assert gzip.decompress((tmp_path / "packed.tsv.gz").read_bytes()) == text
    (tmp_path / "folder").mkdir()
    assert convert(tmp_path / "all.nc", tmp_path / "folder").written == (
        tmp_path / "folder" / COLLECTED.name,
    )


def test_the_file_is_one_that_xarray_users_can_read(tmp_path):
    convert(SAMPLES / "trajectory" / "output-420", tmp_path / "run.nc")
    with xr.open_dataset(tmp_path / "run.nc", engine="h5netcdf") as root:
        assert root.attrs["files"].split("\n") == ["ratios.tsv", "snapshot_1521.tsv", "summary.tsv"]
        assert root.attrs["qtraj_version"]
    with xr.open_dataset(tmp_path / "run.nc", group="ratios.tsv", engine="h5netcdf") as ratios:
        assert ratios["ratio"].sel(state="2S")[0] == 13.9443
        assert ratios["metadata"].values[ratios["path"][0]] == "5.25\t1.30\t-0.75\t0.10\t6.40\t2.15"
    with xr.open_dataset(tmp_path / "run.nc", group="summary.tsv", engine="h5netcdf") as summary:
        assert summary["rows"].sum() == summary.sizes["row"]
        np.testing.assert_array_equal(summary["trajectory"], np.arange(-1, 40))


def test_existing_files_are_kept_unless_forced(tmp_path):
    target = tmp_path / "run.nc"
    target.write_text("precious")
    with pytest.raises(FileFormatError, match="--force"):
        convert(RATIOS, target)
    assert target.read_text() == "precious"
    convert(RATIOS, target, force=True)
    (tmp_path / "ratios.tsv").write_text("precious")
    with pytest.raises(FileFormatError, match="--force"):
        convert(target, tmp_path)
    assert (tmp_path / "ratios.tsv").read_text() == "precious"
    convert(target, tmp_path, force=True)
    assert (tmp_path / "ratios.tsv").read_bytes() == RATIOS.read_bytes()


def test_what_would_not_come_back_is_refused(tmp_path):
    path = tmp_path / "ratios.tsv"
    path.write_text(RATIOS.read_text().replace("0.791498", "0.79149800"))
    with pytest.raises(FileFormatError, match="line 2 is"):
        convert(path, tmp_path / "run.nc")
    assert not (tmp_path / "run.nc").exists()


def test_damage_never_passes(tmp_path):
    netcdf = tmp_path / "run.nc"
    convert(RATIOS.parent, netcdf)
    with h5py.File(netcdf, "r+") as file:
        file["ratios.tsv/r0"][3] = 0.5
    with pytest.raises(FileFormatError, match="checksum"):
        convert(netcdf, tmp_path / "out")
    netcdf.write_bytes(netcdf.read_bytes()[:5000])
    with pytest.raises(FileFormatError, match="truncated"):
        convert(netcdf, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_swapped_groups_are_noticed(tmp_path):
    # each group is sound, but snapshot_0 would hold another step
    convert(RATIOS.parent, tmp_path / "run.nc")
    with h5py.File(tmp_path / "run.nc", "r+") as file:
        for old, new in (("0", "x"), ("7471", "0"), ("x", "7471")):
            file.move(f"snapshot_{old}.tsv", f"snapshot_{new}.tsv")
    with pytest.raises(FileFormatError, match="does not belong"):
        convert(tmp_path / "run.nc", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("content", "name", "problem"),
    [
        ("a\tb\tc\n", "x.tsv", "3 columns: of no known kind"),
        ("", "x.tsv", "empty"),
        ("0\t0\n" * 5, "basisfunctions.tsv", "5 lines are not 6 states"),
    ],
)
def test_unknown_files_are_named(tmp_path, content, name, problem):
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(FileFormatError, match=problem) as caught:
        convert(path, tmp_path / "out.nc")
    assert str(path) in str(caught.value)


def test_targets_of_the_wrong_kind_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"end in \.nc"):
        convert(RATIOS, tmp_path / "out.tsv")
    with pytest.raises(FileFormatError, match="no such file"):
        convert(tmp_path / "none", tmp_path / "out.nc")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileFormatError, match=r"should hold ratios\.tsv"):
        convert(tmp_path / "empty", tmp_path / "out.nc")
    convert(RATIOS.parent, tmp_path / "run.nc")
    with pytest.raises(InputError, match=r"not end in \.nc: netCDF becomes text"):
        convert(tmp_path / "run.nc", tmp_path / "again.nc", force=True)
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="be a folder"):
        convert(tmp_path / "run.nc", tmp_path / "file")
    xr.Dataset({"x": 1}).to_netcdf(tmp_path / "other.nc", engine="h5netcdf")
    with pytest.raises(FileFormatError, match="checksum"):
        convert(tmp_path / "other.nc", tmp_path / "out")


def test_files_are_recognized_by_content_where_the_name_says_nothing(tmp_path):
    for source in (
        RATIOS,
        SAMPLES / "basis" / "output" / "basisfunctions.tsv",
        RATIOS.parent / "summary.tsv",
        RATIOS.parent / "snapshot_0.tsv",
    ):
        shutil.copy(source, tmp_path / "data.txt")
        convert(tmp_path / "data.txt", tmp_path / "data.nc", force=True)
        convert(tmp_path / "data.nc", tmp_path / "again.txt", force=True)
        assert (tmp_path / "again.txt").read_bytes() == source.read_bytes()


def test_the_command_names_what_it_wrote_and_left_out(tmp_path):
    folder = tmp_path / "output-307"
    shutil.copytree(RATIOS.parent, folder)
    (folder / "log.txt").write_text("x")
    (folder / "run.json").write_text('{\n "seed": 307\n}\n')
    runner = CliRunner()
    done = runner.invoke(app, ["convert", str(folder), str(tmp_path / "run.nc")])
    assert done.exit_code == 0
    assert done.stdout == f"wrote {tmp_path / 'run.nc'}\n"
    assert f"left out {folder / 'log.txt'}" in done.stderr
    assert runner.invoke(app, ["convert", str(tmp_path / "run.nc"), str(tmp_path / "back")]).exit_code == 0
    (folder / "log.txt").unlink()
    assert contents(tmp_path / "back") == contents(folder)
    again = runner.invoke(app, ["convert", str(folder), str(tmp_path / "run.nc")])
    assert again.exit_code == 2
    assert again.stderr.startswith("qtraj: ")
    assert "--force" in again.stderr
    assert again.stderr.count("\n") == 1
