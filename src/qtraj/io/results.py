"""NetCDF files, of results and of states: written whole, read back only if they match their checksum."""

from __future__ import annotations

import datetime
import hashlib
import io
import os
import platform
import shlex
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

import dask
import numpy as np
import xarray as xr

from .._atomic import atomic_path
from .._checks import path as path_of
from ..errors import FileFormatError, InputError
from ..hydro.readers.common import HDF5_SIGNATURE, first_bytes
from ..observables.estimate import Estimate
from ..physics.initial import StoredStates
from ..provenance import versions

CHECKSUM = "content_sha256"
# files are complete when they get their names, and some file systems have no locks (errno 37, 38, 95)
UNLOCKED: Final = {"locking": False}
SEAL = b"\nqtraj sha256 "
DIGEST_LENGTH = 64
_BLOCK = 2**20
_AGAIN = "Delete it and run again."


def write_dataset(dataset: xr.Dataset, path: str | Path) -> Path:
    """Write a dataset as netCDF-4 under a temporary name, sync it, and rename it to `path`."""
    path = path_of("path", path)
    stamped = dataset.assign_attrs({CHECKSUM: checksum(dataset)})
    lazy = any(variable.chunks is not None for variable in stamped.variables.values())
    # in a worker of a Dask cluster, xarray would ask the scheduler for a lock on a file that nobody else knows
    with atomic_path(path) as temporary, dask.config.set(scheduler="threads"):
        if lazy:
            with temporary.open(
                "wb+"
            ) as file:  # HDF5 locks what it opens by name, which not every file system can
                stamped.to_netcdf(file, engine="h5netcdf")
        else:  # HDF5 does not survive a disk that fills up under it, so it writes into memory
            contents = io.BytesIO()
            stamped.to_netcdf(contents, engine="h5netcdf")
            temporary.write_bytes(contents.getbuffer())
        _seal(temporary)
    return path


def read_dataset(path: str | Path, group: str | None = None) -> xr.Dataset:
    """Read a whole file that `write_dataset` wrote, and close it."""
    path = path_of("path", path)
    if not path.is_file():
        raise FileFormatError(path, "no such file", "Check the path.")
    if not check_seal(path) and not first_bytes(path).startswith(HDF5_SIGNATURE):
        raise FileFormatError(path, "is empty or no netCDF-4 file", "Check the path.")
    try:
        dataset = xr.load_dataset(path, engine="h5netcdf", group=group, driver_kwds=UNLOCKED)
        found = checksum(dataset)
    # the HDF5 stack reports damage in any of these ways
    except (OSError, KeyError, ValueError, RuntimeError, TypeError, AttributeError, EOFError) as error:
        problem = f"not a readable netCDF file, it may be truncated ({error})"
        raise FileFormatError(path, problem, _AGAIN) from error
    stored = dataset.attrs.pop(CHECKSUM, None)
    if stored != found:
        problem = "has no checksum" if stored is None else "content does not match its checksum"
        raise FileFormatError(path, problem, _AGAIN)
    return dataset


def check_seal(path: Path) -> bool:
    """Compare the bytes of a file with its seal, and return whether it has one.

    The seal is the end of the file, a digest of what is before it: HDF5 ignores what follows its data, and it may hang
    in a damaged file, so damage has to be found before HDF5 reads it.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            end = max(file.seek(0, os.SEEK_END) - len(SEAL) - DIGEST_LENGTH, 0)
            file.seek(end)
            seal = file.read()
            if SEAL not in seal:
                return False
            file.seek(0)
            for start in range(0, end, _BLOCK):
                digest.update(file.read(min(_BLOCK, end - start)))
    except OSError as error:
        raise FileFormatError(path, f"cannot be read ({error.strerror})", "Check the path.") from None
    if seal != SEAL + digest.hexdigest().encode():
        raise FileFormatError(path, "content does not match its checksum", _AGAIN)
    return True


def _seal(path: Path) -> None:
    """Append the digest of a file to it."""
    with path.open("rb+") as file:
        file.write(SEAL + hashlib.file_digest(file, "sha256").hexdigest().encode())


def checksum(dataset: xr.Dataset) -> str:
    """Return the SHA-256 of names, dimensions, types, numbers and attributes, in an order of its own."""
    digest = hashlib.sha256()
    for name in sorted(map(str, dataset.variables)):
        variable = dataset.variables[name]
        text = variable.dtype.kind in "OUST"
        kind = "text" if text else f"{variable.dtype.kind}{variable.dtype.itemsize}"
        digest.update(f"{name} {variable.dims} {variable.shape} {kind} {_sorted(variable.attrs)}\n".encode())
        if text:  # netCDF strings come back as another NumPy type, so their text counts
            digest.update("\0".join(map(str, variable.values.ravel())).encode())
            continue
        # a lazy variable may be larger than the memory
        leading = variable.shape[:-2] if variable.chunks is not None else ()
        for index in np.ndindex(leading):
            digest.update(np.ascontiguousarray(variable[index].values).tobytes())
    digest.update(_sorted({k: v for k, v in dataset.attrs.items() if k != CHECKSUM}).encode())
    return digest.hexdigest()


def _sorted(attributes: Mapping[object, object]) -> str:
    plain = {str(k): np.asarray(v).tolist() for k, v in attributes.items()}
    return repr(sorted(plain.items()))


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


def stack(estimates: Mapping[str, Estimate]) -> Estimate:
    """Stack estimates of equal shape and equal parts along a new first axis, in the order of the mapping."""
    members = list(estimates.values())
    first = members[0]
    for name, member in estimates.items():
        if set(member.parts) != set(first.parts) or np.shape(member.value) != np.shape(first.value):
            given = (sorted(member.parts), np.shape(member.value))
            raise InputError(name, given, "have the parts of the others")
    return Estimate(
        np.stack([member.value for member in members]),
        {part: np.stack([member.parts[part] for member in members]) for part in first.parts},
        tuple(dict.fromkeys(reason for member in members for reason in member.not_estimated)),
    )


def estimate_variables(name: str, estimate: Estimate, dims: Sequence[str]) -> dict[str, xr.Variable]:
    """Return an estimate as netCDF variables: ``name`` and one ``name_error_part`` per part of its error."""
    attrs = {"error_parts": " ".join(estimate.parts), "not_estimated": "; ".join(estimate.not_estimated)}
    variables = {name: xr.Variable(dims, estimate.value, attrs)}
    for part, values in estimate.parts.items():
        of_part = {"long_name": f"{part} error of {name}"}
        variables[f"{name}_error_{part}"] = xr.Variable(dims, values, of_part)
    return variables


def estimate_from(dataset: xr.Dataset, name: str) -> Estimate:
    """Return the estimate that `estimate_variables` stored under `name`."""
    if name not in dataset or "error_parts" not in dataset[name].attrs:
        allowed = f"be an estimate of the dataset, one of {', '.join(map(str, dataset))}"
        raise InputError("name", name, allowed)
    attrs = dataset[name].attrs
    return Estimate(
        dataset[name].values,
        {part: dataset[f"{name}_error_{part}"].values for part in attrs["error_parts"].split()},
        tuple(filter(None, attrs["not_estimated"].split("; "))),
    )


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
