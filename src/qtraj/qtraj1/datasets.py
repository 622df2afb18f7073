"""QTraj 1.0's text files as xarray datasets, nothing lost: the lines come back from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import xarray as xr

from ..states import STATE_NAMES
from .files.basis import basis_lines, read_basis
from .files.ratios import RatioTable, ratio_lines, read_ratios
from .files.snapshots import Snapshot, read_snapshot, snapshot_lines
from .files.summary import SummaryBlock, read_summary, summary_lines

FIRST_BLOCK: Final = -1
"""Stands for the summary block before the first trajectory."""


@dataclass(frozen=True)
class Format:
    """A file kind: from a file to a dataset, and from the dataset to the lines of the file."""

    read: Callable[[Path], xr.Dataset]
    lines: Callable[[xr.Dataset], Iterator[str]]


def ratios_dataset(path: Path) -> xr.Dataset:
    """Return a ratio file with dimensions row, state and, where there is metadata, physical_path."""
    table = read_ratios(path)
    dataset = xr.Dataset(
        {
            "ratio": (("row", "state"), table.ratios, {"long_name": "final over initial overlap"}),
            "r0": ("row", table.r0, {"long_name": "first random number"}),
            "l": ("row", table.l, {"long_name": "initial angular momentum"}),
        },
        {"state": list(STATE_NAMES)},
    )
    if table.metadata is None:
        return dataset
    # in the order of their appearance
    names = {line: i for i, line in enumerate(dict.fromkeys(table.metadata))}
    dataset["path"] = (
        "row",
        np.array([names[line] for line in table.metadata]),
        {"long_name": "index of metadata"},
    )
    return dataset.assign(metadata=("physical_path", np.array(list(names), dtype=object)))


def _ratio_lines(dataset: xr.Dataset) -> Iterator[str]:
    metadata = None
    if "path" in dataset:
        names = [str(name) for name in dataset["metadata"].values]
        metadata = tuple(names[i] for i in dataset["path"].values)
    return ratio_lines(
        RatioTable(dataset["ratio"].values, dataset["r0"].values, dataset["l"].values, metadata)
    )


def summary_dataset(path: Path) -> xr.Dataset:
    """Return a summary file with dimensions row, state and block; `rows` holds the length of each block."""
    blocks = read_summary(path)
    units = {"t_fm": "fm/c", "r_mean": "3/(2 m alpha)", "energy": "GeV/dx"}
    columns = {
        name: (
            "row",
            np.concatenate([getattr(block, name) for block in blocks]),
            {"units": units.get(name, "1")},
        )
        for name in ("t_fm", "norm", "color", "l", "r_mean", "energy")
    }
    overlap = (("row", "state"), np.concatenate([block.overlaps for block in blocks]), {"units": "1"})
    numbers = [FIRST_BLOCK if block.trajectory is None else block.trajectory for block in blocks]
    index = {"trajectory": ("block", numbers), "rows": ("block", [len(block) for block in blocks])}
    return xr.Dataset({**columns, "overlap": overlap, **index}, {"state": list(STATE_NAMES)})


def _summary_lines(dataset: xr.Dataset) -> Iterator[str]:
    return summary_lines(_blocks(dataset))


def _blocks(dataset: xr.Dataset) -> Iterator[SummaryBlock]:
    columns = [dataset[name].values for name in ("t_fm", "norm", "color", "l", "overlap", "r_mean", "energy")]
    stops = np.cumsum(dataset["rows"].values)
    for number, length, stop in zip(dataset["trajectory"].values, dataset["rows"].values, stops, strict=True):
        trajectory = None if number == FIRST_BLOCK else int(number)
        yield SummaryBlock(trajectory, *(column[stop - length : stop] for column in columns))


def snapshot_dataset(path: Path) -> xr.Dataset:
    """Return a snapshot with the dimension r; netCDF has no complex numbers, so the parts are apart."""
    snapshot = read_snapshot(path)
    amplitude = {"units": "GeV^(1/2)"}
    return xr.Dataset(
        {
            "magnitude": ("r", snapshot.magnitude, amplitude),
            "u_real": ("r", snapshot.u.real, amplitude),
            "u_imag": ("r", snapshot.u.imag, amplitude),
        },
        {"r": ("r", snapshot.r, {"units": "GeV^-1"})},
    )


def _snapshot_lines(dataset: xr.Dataset) -> Iterator[str]:
    u = _complex(dataset)
    return snapshot_lines(Snapshot(dataset["r"].values, u, dataset["magnitude"].values))


def basis_dataset(path: Path) -> xr.Dataset:
    """Return six eigenstates with dimensions state and point."""
    states = read_basis(path)
    amplitude = {"units": "GeV^(1/2)"}
    return xr.Dataset(
        {
            "u_real": (("state", "point"), states.real, amplitude),
            "u_imag": (("state", "point"), states.imag, amplitude),
        },
        {"state": list(STATE_NAMES)},
    )


def _basis_lines(dataset: xr.Dataset) -> Iterator[str]:
    return basis_lines(_complex(dataset))


def _complex(dataset: xr.Dataset) -> np.ndarray[tuple[int, ...], np.dtype[np.complex128]]:
    u = np.empty(dataset["u_real"].shape, dtype=np.complex128)
    u.real, u.imag = dataset["u_real"].values, dataset["u_imag"].values
    return u


FORMATS: Final = {
    "ratios": Format(ratios_dataset, _ratio_lines),
    "summary": Format(summary_dataset, _summary_lines),
    "snapshot": Format(snapshot_dataset, _snapshot_lines),
    "basisfunctions": Format(basis_dataset, _basis_lines),
}
"""Every kind of text file, by the beginning of its usual name."""
