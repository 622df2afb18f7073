"""The hydrodynamic runs that come with the package (see data/hydro/README.md for their origin)."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable

import h5netcdf

from .._checks import number
from ..errors import InputError
from .field import Hydro
from .readers.netcdf import read_netcdf


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
    for resource in _folder().iterdir():
        if not resource.name.endswith(".nc"):
            continue
        with as_file(resource) as path, h5netcdf.File(path, "r") as nc:
            attrs = nc.attrs
            numbers = (float(attrs[name]) for name in ("b_fm", "n_part", "n_coll"))
            b_fm, n_part, n_coll = numbers
            runs.append(
                ShippedRun(
                    b_fm=b_fm,
                    n_part=n_part,
                    n_coll=n_coll,
                    system=str(attrs["system"]),
                    sqrt_s_GeV=float(attrs["sqrt_s_GeV"]),
                    sigma_nn_mb=float(attrs["sigma_nn_mb"]),
                    title=str(attrs["title"]),
                    file=resource.name,
                )
            )
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
    b_fm = number("b_fm", b_fm)
    runs = shipped_runs()
    for run in runs:
        if abs(run.b_fm - b_fm) < 1e-6:
            with as_file(_folder() / run.file) as path:
                return read_netcdf(path)
    raise InputError("b_fm", b_fm, f"be one of {[run.b_fm for run in runs]}, the runs that come with qtraj")


def _folder() -> Traversable:
    return files("qtraj.data") / "hydro"
