"""Hydro as netCDF, the compact format, and the runs in it that come with the package (data/hydro/README.md)."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final

import h5netcdf
import numpy as np

from ..._atomic import atomic_path
from ..._checks import choice, instance, number
from ...errors import FileFormatError, InputError
from ..field import Hydro
from .common import COORDINATES, FIELDS, Cells, Cut, Format, Within, existing_file, for_file, hdf5_root

DEFAULT_SYSTEM: Final = "PbPb5020"
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


def read_netcdf(
    path: str | Path,
    *,
    T_min: float | None = None,
    within: Within = None,
) -> Hydro:
    """Read what `write_netcdf` wrote.

    Parameters
    ----------
    path : path-like
        The file.
    T_min, within : optional
        See `open_hydro`.

    Returns
    -------
    Hydro

    Raises
    ------
    FileFormatError
        If the file is missing, empty, truncated, or another kind of file.
    """
    cut, file = Cut.checked(T_min, within), existing_file(path)
    try:
        with h5netcdf.File(file, "r", locking=False) as nc:
            return for_file(file, lambda: _read(file, nc, cut))
    except OSError as error:
        problem = f"netCDF4 cannot open or read it ({error})"
        raise FileFormatError(file, problem, "Truncated, or no netCDF4.") from None


def _read(file: Path, nc: h5netcdf.File, cut: Cut) -> Hydro:
    attrs: dict[str, Any] = {
        name: value.item() if isinstance(value, np.generic) else value for name, value in nc.attrs.items()
    }
    if attrs.pop("qtraj_format", None) != MARK:
        raise FileFormatError(file, f"the attribute qtraj_format is not {MARK!r}")
    names = set(nc.variables)
    if not {"tau", "x", "y", "T"} <= names:
        raise FileFormatError(file, "one of the variables tau, x, y, T is missing")
    axes = {name: np.asarray(nc.variables[name][...]) for name in COORDINATES if name in names}
    if cut.keeps_all:
        fields = {name: np.asarray(nc.variables[name][...]) for name in FIELDS if name in names}
    else:
        cells = Cells({name: axis for name, axis in axes.items() if name != "tau"}, cut)
        n_frames = len(axes["tau"])
        together = (nc.variables["T"].chunks or (1,))[
            0
        ]  # frames that are compressed together are read together
        for start in range(0, n_frames, together):
            frames = np.asarray(nc.variables["T"][start : min(start + together, n_frames)])
            for i, frame in enumerate(np.nan_to_num(frames), start):  # NaN is not stored here
                cells.add(i, None, T=frame)
        axes, fields = cells.field(file, axes["tau"])
    places = axes["tau"], axes["x"], axes["y"]
    return Hydro(*places, fields["T"], axes.get("eta"), fields.get("vx"), fields.get("vy"), attrs)


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
    boost_invariant : bool, optional
        False for a 3+1D run.
    """

    b_fm: float
    n_part: float
    n_coll: float
    system: str
    sqrt_s_GeV: float
    sigma_nn_mb: float
    title: str
    file: str
    boost_invariant: bool = True

    @property
    def name(self) -> str:
        """Name of the system for `load_shipped`, such as ``"PbPb5020"``; ``"PbPb5020-3d"`` for a 3+1D run."""
        return f"{self.nuclei}{self.sqrt_s_GeV:g}{'' if self.boost_invariant else '-3d'}"

    @property
    def nuclei(self) -> str:
        """Colliding nuclei as run files and data tables call them, such as ``"PbPb"``."""
        return self.system.replace("-", "")


@cache
def shipped_runs() -> tuple[ShippedRun, ...]:
    """List the runs that come with the package.

    Returns
    -------
    tuple of ShippedRun
        By system, those of Pb-Pb at 5.02 TeV first, then central to peripheral.
    """
    runs = []
    for resource in filter(lambda entry: entry.name.endswith(".nc"), _folder().iterdir()):
        with as_file(resource) as path, h5netcdf.File(path, "r", locking=False) as nc:
            attrs = {name: nc.attrs[name] for name in ShippedRun.__dataclass_fields__ if name != "file"}
        texts, flat = {name: str(attrs[name]) for name in ("system", "title")}, bool(attrs["boost_invariant"])
        numbers = {name: float(value) for name, value in attrs.items() if name not in texts}
        runs.append(ShippedRun(**(numbers | texts | {"boost_invariant": flat}), file=resource.name))  # type: ignore[arg-type]
    return tuple(sorted(runs, key=lambda run: (run.name != DEFAULT_SYSTEM, run.name, run.b_fm)))


def load_shipped(system: str | float = DEFAULT_SYSTEM, b_fm: float | None = None) -> Hydro:
    """Load the run of the package data of a system at impact parameter `b_fm`.

    Parameters
    ----------
    system : str
        ``"PbPb5020"``, ``"PbPb5020-3d"`` (3+1D), ``"OO5360"`` or ``"AuAu200"``: `ShippedRun.name` of `shipped_runs`.
        ``load_shipped(2.3)`` is short for ``load_shipped("PbPb5020", 2.3)``.
    b_fm : float
        One of the impact parameters of the system in fm: runs are not interpolated in b.

    Returns
    -------
    Hydro
        Its `attrs` hold ``n_part``, ``n_coll``, ``b_fm``, provenance, terms and what to cite.

    Raises
    ------
    InputError
        If there is no run of this system, or none with this impact parameter; the message lists those there are.

    Examples
    --------
    >>> load_shipped("OO5360", 2.0).shape
    (22, 35, 35)
    """
    if b_fm is None and not isinstance(system, str):
        b_fm, system = system, DEFAULT_SYSTEM
    names = tuple(dict.fromkeys(run.name for run in shipped_runs()))
    allowed = f"be one of {', '.join(names)}, the systems that come with qtraj"
    name = choice("system", system, names, allowed)
    runs = {run.b_fm: run.file for run in shipped_runs() if run.name == name}
    allowed = f"be one of {list(runs)}, the runs of {name} that come with qtraj"
    if b_fm is None:
        raise InputError("b_fm", b_fm, allowed)
    b_fm = number("b_fm", b_fm, allowed)
    for known, file in runs.items():
        if abs(known - b_fm) < 1e-6:
            with as_file(_folder() / file) as path:
                return read_netcdf(path)
    raise InputError("b_fm", b_fm, allowed)


def _folder() -> Traversable:
    return files("qtraj.data") / "hydro"


FORMAT: Final = Format("netcdf", read_netcdf, lambda path: hdf5_root(path)[1].get("qtraj_format") == MARK)
