"""Every writer of a file: whole or not at all, synced before it gets its name, and no litter when it fails."""

import errno
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from legacy_runs import parameters
from matplotlib.figure import Figure
from survival_tables import toy_table

from qtraj.errors import FileFormatError
from qtraj.hydro import Hydro, load_shipped, read_netcdf, write_netcdf, write_oscar2013
from qtraj.io.results import write_dataset
from qtraj.io.survivals import write_survival_csv
from qtraj.plots import save_figure
from qtraj.qtraj1 import write_params

FLUID = Hydro(np.array([0.6, 1.0]), np.arange(3.0), np.arange(2.0), np.full((2, 3, 2), 0.3))

WRITERS: dict[str, Callable[[Path], object]] = {
    "fluid.nc": lambda path: write_netcdf(FLUID, path),
    "fluid.oscar": lambda path: write_oscar2013(FLUID, path),
    "figure.png": lambda path: save_figure(Figure(), path.with_suffix("")),
    "result.nc": lambda path: write_dataset(xr.Dataset({"x": 1.0}), path),
    "survival.csv": lambda path: write_survival_csv(path, toy_table(per_replicate=8)),
    "params.txt": lambda path: write_params(path, parameters()),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_that_cannot_be_synced_is_named_and_the_old_one_stays(tmp_path, monkeypatch, name):
    path = tmp_path / name
    path.write_text("old", encoding="utf-8")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FileFormatError, match=rf"{name}: cannot be written \(No space left"):
        WRITERS[name](path)
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("write", [write_netcdf, write_oscar2013])
def test_a_writer_that_fails_on_its_way_leaves_no_litter(tmp_path, monkeypatch, write):
    fluid = replace(FLUID, attrs={"source": "here", "odd": object()})  # no netCDF attribute
    monkeypatch.setattr(np, "nan_to_num", None)  # what the text writer needs
    with pytest.raises(TypeError):
        write(fluid, tmp_path / "fluid.nc")
    assert not list(tmp_path.iterdir())


def test_folders_are_made_and_a_place_that_is_none_is_named(tmp_path):
    (tmp_path / "file").touch()
    for write in (write_netcdf, write_oscar2013):
        write(FLUID, tmp_path / "deep" / "fluid")
        with pytest.raises(FileFormatError, match="cannot be written"):
            write(FLUID, tmp_path / "file" / "fluid")


def test_a_fluid_comes_back_without_loss(tmp_path):
    fluid = load_shipped(11.6)
    write_netcdf(fluid, tmp_path / "fluid.nc")
    again = read_netcdf(tmp_path / "fluid.nc")
    np.testing.assert_array_equal(again.T, fluid.T)
    assert again.attrs == fluid.attrs
