"""Hydro as netCDF: the compact format of the runs that come with the package."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Final

import h5netcdf
import numpy as np
from numpy.typing import NDArray

from ..._atomic import atomic_path
from ..._checks import instance
from ...errors import FileFormatError
from .._check import existing_file, for_file
from ..field import Hydro

FORMAT: Final = "qtraj hydro 1"
"""Value of the attribute ``qtraj_format``."""

_UNITS: Final = {"tau": "fm/c", "x": "fm", "y": "fm", "eta": "1", "T": "GeV", "vx": "c", "vy": "c"}


def write_netcdf(hydro: Hydro, path: str | Path) -> None:
    """Write `hydro` without loss as compressed netCDF4: tau, x, y[, eta], T[, vx, vy] and its attributes.

    Parameters
    ----------
    hydro : Hydro
        The field. Attributes must be strings or numbers.
    path : path-like
        The file; it appears whole or not at all.

    Raises
    ------
    FileFormatError
        If it cannot be written.
    """
    instance("hydro", hydro, Hydro)
    axes = {"tau": hydro.tau_fm, "x": hydro.x_fm, "y": hydro.y_fm}
    if hydro.eta is not None:
        axes["eta"] = hydro.eta
    fields = {"T": hydro.T, "vx": hydro.vx, "vy": hydro.vy}
    contents = io.BytesIO()  # HDF5 does not survive a disk that fills up under it, so it writes into memory
    with h5netcdf.File(contents, "w") as nc:
        nc.attrs.update({"qtraj_format": FORMAT, **hydro.attrs})
        nc.dimensions = {name: len(axis) for name, axis in axes.items()}
        for name, axis in axes.items():
            nc.create_variable(name, (name,), data=axis).attrs["units"] = _UNITS[name]
        for name, values in fields.items():
            if values is None:
                continue
            variable = nc.create_variable(
                name, tuple(axes), data=values, compression="gzip", compression_opts=9, shuffle=True
            )
            variable.attrs["units"] = _UNITS[name]
    with atomic_path(path) as temporary:
        temporary.write_bytes(contents.getbuffer())


def read_netcdf(path: str | Path) -> Hydro:
    """Read what `write_netcdf` wrote.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    Hydro

    Raises
    ------
    FileFormatError
        If the file is missing, empty, truncated, or another kind of file.
    """
    file = existing_file(path)
    try:
        with h5netcdf.File(file, "r") as nc:
            return for_file(file, lambda: _read(file, nc))
    except OSError as error:
        raise FileFormatError(
            file, f"netCDF4 cannot open or read it ({error})", "Truncated, or no netCDF4."
        ) from None


def _read(file: Path, nc: h5netcdf.File) -> Hydro:
    attrs: dict[str, Any] = {
        name: value.item() if isinstance(value, np.generic) else value for name, value in nc.attrs.items()
    }
    if attrs.pop("qtraj_format", None) != FORMAT:
        raise FileFormatError(file, f"the attribute qtraj_format is not {FORMAT!r}")

    def values(name: str) -> NDArray[Any] | None:
        return np.asarray(nc.variables[name][...]) if name in nc.variables else None

    tau, x, y, T = (values(name) for name in ("tau", "x", "y", "T"))
    if tau is None or x is None or y is None or T is None:
        raise FileFormatError(file, "one of the variables tau, x, y, T is missing")
    return Hydro(tau, x, y, T, eta=values("eta"), vx=values("vx"), vy=values("vy"), attrs=attrs)
