"""Hydro as netCDF, the compact format, and the runs in it that come with the package (data/hydro/README.md)."""

from __future__ import annotations

import io
from dataclasses import dataclass
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final

import h5netcdf
import numpy as np

from ..._atomic import atomic_path
from ..._checks import instance, number
from ...errors import FileFormatError, InputError
from ..field import Hydro
from .common import Format, existing_file, for_file, hdf5_root

MARK: Final = "qtraj hydro 1"  # value of the attribute ``qtraj_format``
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
        nc.attrs.update({"qtraj_format": MARK, **hydro.attrs})
        nc.dimensions = {name: len(axis) for name, axis in axes.items()}
        for name, axis in axes.items():
            nc.create_variable(name, (name,), data=axis).attrs["units"] = _UNITS[name]
        packing = {"compression": "gzip", "compression_opts": 9, "shuffle": True}
        for name, values in fields.items():
            if values is not None:
                variable = nc.create_variable(name, tuple(axes), data=values, **packing)
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
        with h5netcdf.File(file, "r", locking=False) as nc:
            return for_file(file, lambda: _read(file, nc))
    except OSError as error:
        problem = f"netCDF4 cannot open or read it ({error})"
        raise FileFormatError(file, problem, "Truncated, or no netCDF4.") from None


def _read(file: Path, nc: h5netcdf.File) -> Hydro:
    attrs: dict[str, Any] = {
        name: value.item() if isinstance(value, np.generic) else value for name, value in nc.attrs.items()
    }
    if attrs.pop("qtraj_format", None) != MARK:
        raise FileFormatError(file, f"the attribute qtraj_format is not {MARK!r}")

    def values(name: str) -> Any:
        return np.asarray(nc.variables[name][...]) if name in nc.variables else None

    if not {"tau", "x", "y", "T"} <= set(nc.variables):
        raise FileFormatError(file, "one of the variables tau, x, y, T is missing")
    tau, x, y, T, eta, vx, vy = map(values, ("tau", "x", "y", "T", "eta", "vx", "vy"))
    return Hydro(tau, x, y, T, eta, vx, vy, attrs)


@dataclass(frozen=True)
class ShippedRun:
    """One run of the package data.

    Parameters
    ----------
    b_fm : float
        Impact parameter in fm.
    n_part, n_coll : float
        Participants and binary collisions by the optical Glauber model of the run's own initial state.
    system : str
        Colliding nuclei.
    sqrt_s_GeV : float
        Energy per nucleon pair.
    sigma_nn_mb : float
        Inelastic nucleon-nucleon cross section behind `n_part` and `n_coll`, mb.
    title : str
        One line.
    file : str
        Name of the file in the package data.
    """

    b_fm: float
    n_part: float
    n_coll: float
    system: str
    sqrt_s_GeV: float
    sigma_nn_mb: float
    title: str
    file: str


def shipped_runs() -> tuple[ShippedRun, ...]:
    """List the runs that come with the package, central to peripheral.

    Returns
    -------
    tuple of ShippedRun
        Names, impact parameters in fm and sources.
    """
    runs = []
    for resource in filter(lambda entry: entry.name.endswith(".nc"), _folder().iterdir()):
        with as_file(resource) as path, h5netcdf.File(path, "r", locking=False) as nc:
            attrs = {name: nc.attrs[name] for name in ShippedRun.__dataclass_fields__ if name != "file"}
        values: dict[str, Any] = {
            name: str(value) if name in {"system", "title"} else float(value) for name, value in attrs.items()
        }
        runs.append(ShippedRun(**values, file=resource.name))
    return tuple(sorted(runs, key=lambda run: run.b_fm))


def load_shipped(b_fm: float) -> Hydro:
    """Load the run of the package data with impact parameter `b_fm`.

    Parameters
    ----------
    b_fm : float
        2.3, 6.0, 9.2 or 11.6 fm: runs are not interpolated in b.

    Returns
    -------
    Hydro
        Its `attrs` hold ``n_part``, ``n_coll``, ``b_fm``, provenance, terms and what to cite.

    Raises
    ------
    InputError
        If there is no run with this impact parameter.
    """
    b_fm, runs = number("b_fm", b_fm), {run.b_fm: run.file for run in shipped_runs()}
    for known, name in runs.items():
        if abs(known - b_fm) < 1e-6:
            with as_file(_folder() / name) as path:
                return read_netcdf(path)
    raise InputError("b_fm", b_fm, f"be one of {list(runs)}, the runs that come with qtraj")


def _folder() -> Traversable:
    return files("qtraj.data") / "hydro"


FORMAT: Final = Format("netcdf", read_netcdf, lambda path: hdf5_root(path)[1].get("qtraj_format") == MARK)
