"""Stored radial functions as netCDF."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import xarray as xr

from ..errors import FileFormatError, InputError
from ..physics.stored_states import StoredStates
from ..provenance import versions
from .results import read_dataset, write_dataset


def save_states(states: StoredStates, path: str | Path, attributes: Mapping[str, str] | None = None) -> Path:
    """Write states as netCDF: ``u(state, r)`` with the coordinates ``state`` (names) and ``r`` in GeV^-1."""
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
