"""NetCDF files of results and of states: what they carry beside the numbers."""

from __future__ import annotations

import datetime
import platform
import shlex
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import xarray as xr

from .._netcdf import CHECKSUM, DIGEST_LENGTH, SEAL, check_seal, checksum, read_dataset, write_dataset
from ..errors import FileFormatError, InputError
from ..observables.estimate import estimate_from, estimate_variables, stack
from ..physics.initial import StoredStates
from ..provenance import versions

__all__ = [
    "CHECKSUM",
    "DIGEST_LENGTH",
    "SEAL",
    "check_seal",
    "checksum",
    "estimate_from",
    "estimate_variables",
]
__all__ += ["load_states", "provenance", "read_dataset", "save_states", "stack", "write_dataset"]


def provenance(run_file_text: str, seed: int, citations: Sequence[str]) -> dict[str, str]:
    """Return the attributes that every result carries: how to make it again, and whom to cite."""
    return {
        "run_file": run_file_text,
        "seed": str(seed),
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        **versions(),
        "h5netcdf_version": version("h5netcdf"),
        "citations": "\n".join(citations),
    }


def save_states(states: StoredStates, path: str | Path, attributes: Mapping[str, str] | None = None) -> Path:
    """Write states as netCDF, ``u(state, r)`` with r in GeV^-1; `attributes` say where they come from."""
    r = states.radii
    dataset = xr.Dataset(
        {"u": (("state", "r"), [states.u(name, r) for name in states.names], {"units": "GeV^(1/2)"})},
        coords={"state": list(states.names), "r": ("r", r, {"units": "GeV^-1"})},
        attrs={"title": "reduced radial functions u(r), Int u^2 dr = 1", **(attributes or {}), **versions()},
    )
    return write_dataset(dataset, path)


def load_states(path: str | Path) -> StoredStates:
    """Read states that `save_states` wrote."""
    dataset = read_dataset(path)
    if "u" not in dataset or dataset["u"].dims != ("state", "r"):
        raise FileFormatError(path, "holds no u(state, r)", "`qtraj states --out` writes such a file.")
    names = [str(name) for name in dataset["state"].values]
    try:
        return StoredStates(dataset["r"].values, dict(zip(names, dataset["u"].values, strict=True)))
    except InputError as error:
        raise FileFormatError(path, f"its states are not valid: {error}") from error
