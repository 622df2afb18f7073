"""What a sampler or a calibration has finished, on disk: after an interruption it goes on there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .._checks import path as path_of
from .._netcdf import read_dataset, write_dataset
from ..errors import FileFormatError, InputError
from .likelihood import Likelihood


class Checkpoint:
    """What a sampler has by now, in a netCDF file with a checksum, or nowhere."""

    def __init__(
        self, path: str | Path | None, sampler: str, likelihood: Likelihood, settings: Mapping[str, Any]
    ) -> None:
        self._path = None if path is None else path_of("checkpoint", path)
        self._what = {} if path is None else {"sampler": sampler, "of": likelihood.fingerprint(), **settings}

    def read(self) -> dict[str, Any] | None:
        """Return the arrays, None without a file; raise `InputError` if they are of another inference."""
        if self._path is None or not self._path.exists():
            return None
        stored = read_dataset(self._path)
        try:
            what = json.loads(stored.attrs.get("what", ""))
        except ValueError:
            raise FileFormatError(self._path, "is no checkpoint of a sampler", "Give another path.") from None
        if what != self._what:
            changed = [n for n in self._what if what.get(n) != self._what[n]]
            allowed = f"belong to this inference: {', '.join(changed)} differ"
            raise InputError("checkpoint", str(self._path), allowed, "Delete it, or give another path.")
        return {str(name): variable.values for name, variable in stored.items()}

    def write(self, arrays: Mapping[str, Any]) -> None:
        """Write the arrays, whole or not at all."""
        if self._path is None:
            return
        import xarray as xr  # noqa: PLC0415

        variables = {n: ([f"{n}_{i}" for i in range(np.ndim(a))], np.asarray(a)) for n, a in arrays.items()}
        write_dataset(xr.Dataset(variables, attrs={"what": json.dumps(self._what)}), self._path)
