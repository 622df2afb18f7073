"""NetCDF files: written whole, read back only if they match their checksum."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from ._atomic import atomic_path
from ._checks import path as path_of
from .errors import FileFormatError

if TYPE_CHECKING:
    import xarray as xr

CHECKSUM = "content_sha256"
SIGNATURE: Final = b"\x89HDF\r\n\x1a\n"  # first bytes of every HDF5 file, netCDF-4 among them
# files are complete when they get their names, and some file systems have no locks (errno 37, 38, 95)
UNLOCKED: Final = {"locking": False}
SEAL = b"\nqtraj sha256 "
DIGEST_LENGTH = 64
_BLOCK = 2**20
_AGAIN = "Delete it and run again."


def write_dataset(dataset: xr.Dataset, path: str | Path) -> Path:
    """Write a dataset as netCDF-4 under a temporary name, sync it, and rename it to `path`."""
    import dask  # noqa: PLC0415  as below

    path = path_of("path", path)
    stamped = dataset.assign_attrs({CHECKSUM: checksum(dataset)})
    lazy = any(variable.chunks is not None for variable in stamped.variables.values())
    # in a worker of a Dask cluster, xarray would ask the scheduler for a lock on a file that nobody else knows
    with atomic_path(path) as temporary, dask.config.set(scheduler="threads"):
        if lazy:
            # HDF5 locks what it opens by name, which not every file system can
            with temporary.open("wb+") as file:
                stamped.to_netcdf(file, engine="h5netcdf")
        else:  # HDF5 does not survive a disk that fills up under it, so it writes into memory
            contents = io.BytesIO()
            stamped.to_netcdf(contents, engine="h5netcdf")
            temporary.write_bytes(contents.getbuffer())
        with temporary.open("rb+") as file:  # the seal: the digest of what is before it
            file.write(SEAL + hashlib.file_digest(file, "sha256").hexdigest().encode())
    return path


def read_dataset(path: str | Path, group: str | None = None) -> xr.Dataset:
    """Read a whole file that `write_dataset` wrote, and close it."""
    import xarray as xr  # noqa: PLC0415  `import qtraj` is a third quicker without

    path = path_of("path", path)
    if not path.is_file():
        raise FileFormatError(path, "no such file", "Check the path.")
    if not check_seal(path):
        with path.open("rb") as file:
            if file.read(len(SIGNATURE)) != SIGNATURE:
                raise FileFormatError(path, "is empty or no netCDF-4 file", "Check the path.")
    try:
        dataset = xr.load_dataset(path, engine="h5netcdf", group=group, driver_kwds=UNLOCKED)
        computed = checksum(dataset)
    # the HDF5 stack reports damage in any of these ways
    except (OSError, KeyError, ValueError, RuntimeError, TypeError, AttributeError, EOFError) as error:
        problem = f"not a readable netCDF file, it may be truncated ({error})"
        raise FileFormatError(path, problem, _AGAIN) from error
    stored = dataset.attrs.pop(CHECKSUM, None)
    if stored != computed:
        problem = "has no checksum" if stored is None else "content does not match its checksum"
        raise FileFormatError(path, problem, _AGAIN)
    return dataset


def check_format(path: Path, attrs: Mapping[str, object], known: str, remedy: str) -> None:
    """Raise `FileFormatError` unless the attributes of a file name the format `known`, such as "qtraj design 1"."""
    found, kind = str(attrs.get("format")), known.rpartition(" ")[0]
    if found.startswith(f"{kind} ") and found != known:
        problem = f"has the format {found!r}, not {known!r}"
        raise FileFormatError(path, problem, "Install the version of qtraj that wrote it.")
    if found != known:
        raise FileFormatError(path, f"holds no {kind.removeprefix('qtraj ')}", remedy)


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
