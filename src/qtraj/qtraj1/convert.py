"""QTraj 1.0's text files to one netCDF file, and back to the same bytes."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice, zip_longest
from pathlib import Path
from typing import Final

import numpy as np
import xarray as xr

from .._atomic import atomic_path
from ..errors import FileFormatError, InputError
from ..io.results import CHECKSUM, checksum, read_dataset
from ..provenance import versions
from ..states import STATE_NAMES
from .files.evolution import (
    Snapshot,
    SummaryBlock,
    basis_lines,
    read_basis,
    read_snapshot,
    read_summary,
    snapshot_lines,
    summary_lines,
)
from .files.ratios import RatioTable, ratio_lines, read_ratios
from .files.text import lines_of, write_lines
from .program.output import RUN_RECORD

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


def _summary_blocks(dataset: xr.Dataset) -> Iterator[SummaryBlock]:
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
    snapshot = Snapshot(dataset["r"].values, _complex(dataset), dataset["magnitude"].values)
    return snapshot_lines(snapshot)


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


def _complex(dataset: xr.Dataset) -> np.ndarray[tuple[int, ...], np.dtype[np.complex128]]:
    u = np.empty(dataset["u_real"].shape, dtype=np.complex128)
    u.real, u.imag = dataset["u_real"].values, dataset["u_imag"].values
    return u


FORMATS: Final = {
    "ratios": Format(ratios_dataset, _ratio_lines),
    "summary": Format(summary_dataset, lambda dataset: summary_lines(_summary_blocks(dataset))),
    "snapshot": Format(snapshot_dataset, _snapshot_lines),
    "basisfunctions": Format(basis_dataset, lambda dataset: basis_lines(_complex(dataset))),
}
"""Every kind of text file, by the beginning of its usual name."""


NETCDF: Final = ".nc"

TITLE: Final = "Output of QTraj 1.0"

_NAMED: Final = re.compile(r"(ratios|summary|snapshot|basisfunctions).*\.tsv(\.gz)?")
_BY_COLUMNS: Final = {2: "basisfunctions", 4: "snapshot", 6: "ratios", 8: "ratios", 12: "summary"}


@dataclass(frozen=True)
class Conversion:
    """Result of `convert`: the new files, and the names in the folder that are no output of QTraj 1.0."""

    written: tuple[Path, ...]
    left_out: tuple[str, ...] = ()


def convert(source: str | Path, target: str | Path, *, force: bool = False) -> Conversion:
    """Convert QTraj 1.0 output to netCDF, or such a netCDF file back to text.

    The netCDF file has a group for each text file, named after it, with its checksum, and the versions that wrote
    it; a run record of `qtraj legacy` goes along. Before anything is written, each text file is compared with what
    it will come back as, byte for byte.

    Parameters
    ----------
    source : str or Path
        An output folder, or one ratios, summary, snapshot or basis file (plain or gzip), or a netCDF file made
        from one of these.
    target : str or Path
        A name that ends in ``.nc`` for text; for netCDF made from a folder, a folder, and made from a file, a file
        or an existing folder.
    force : bool
        Overwrite existing files.

    Returns
    -------
    Conversion

    Raises
    ------
    InputError
        If the target has the wrong kind of name.
    FileFormatError
        If the source is missing, damaged, of no known kind or would not come back byte for byte; if a target
        exists and `force` is not given, or cannot be written.
    """
    source, target = Path(source), Path(target)
    if not source.exists():
        raise FileFormatError(source, "no such file or folder", "Check the path.")
    if source.suffix == NETCDF:
        if target.suffix == NETCDF and not target.is_dir():
            remedy = "Name a folder or a text file."
            raise InputError("OUT", str(target), f"not end in {NETCDF}: netCDF becomes text", remedy)
        return _to_text(source, target, force)
    if target.suffix != NETCDF:
        raise InputError("OUT", str(target), f"end in {NETCDF}: text becomes netCDF")
    _refuse_existing([target], force)
    return _to_netcdf(source, target)


def _to_netcdf(source: Path, target: Path) -> Conversion:
    files, left_out = [source], []
    if source.is_dir():
        entries = sorted(source.iterdir())
        files = [entry for entry in entries if entry.is_file() and _NAMED.fullmatch(entry.name)]
        left_out = [entry.name for entry in entries if entry not in files]
        if not files:
            remedy = "It should hold ratios.tsv, summary.tsv, snapshot_<step>.tsv or basisfunctions.tsv."
            raise FileFormatError(source, "no output of QTraj 1.0 in this folder", remedy)
    groups = {file.name: _dataset(file) for file in files}
    record = source / RUN_RECORD  # what `qtraj legacy` adds to the files of the original
    if record.is_file():
        left_out.remove(RUN_RECORD)
    root = xr.Dataset(
        attrs={
            "title": TITLE,
            "source": source.resolve().name,
            "source_kind": "folder" if source.is_dir() else "file",
            "files": "\n".join(groups),
            "file_checksums": "\n".join(str(group.attrs[CHECKSUM]) for group in groups.values()),
            "run_record": record.read_text(encoding="utf-8") if record.is_file() else "",
            "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            **versions(),
        }
    )
    with atomic_path(target) as temporary:
        root.assign_attrs({CHECKSUM: checksum(root)}).to_netcdf(temporary, engine="h5netcdf")
        for name, group in groups.items():
            # nearly all ratios are zero and pack well; strings have no filter
            packed = {
                n: {"zlib": True} for n, v in group.variables.items() if v.dtype.kind in "fi" and v.size
            }
            group.to_netcdf(temporary, mode="a", group=name, engine="h5netcdf", encoding=packed)
    return Conversion((target,), tuple(left_out))


def _to_text(source: Path, target: Path, force: bool) -> Conversion:
    root = read_dataset(source)
    if root.attrs.get("title") != TITLE:
        problem = "is a netCDF file, but not one that `qtraj convert` made"
        raise FileFormatError(source, problem, "Check the path.")
    names = root.attrs["files"].split("\n")
    # a crafted file must not write elsewhere
    if any(Path(name).name != name for name in names):
        raise FileFormatError(source, "names a file outside its folder", "Do not use this file.")
    groups = {name: read_dataset(source, name) for name in names}
    if root.attrs["file_checksums"].split("\n") != [checksum(group) for group in groups.values()]:
        raise FileFormatError(source, "a group does not belong to this file", "Convert the text files again.")
    whole = root.attrs["source_kind"] == "folder" or target.is_dir()
    if whole and target.is_file():
        raise InputError("OUT", str(target), "be a folder: this netCDF file was made from one")
    paths = {name: target / name if whole else target for name in names}
    if root.attrs["run_record"]:
        paths[RUN_RECORD] = target / RUN_RECORD
    _refuse_existing(list(paths.values()), force)
    for name, group in groups.items():
        write_lines(paths[name], FORMATS[group.attrs["kind"]].lines(group))
    if root.attrs["run_record"]:
        write_lines(paths[RUN_RECORD], root.attrs["run_record"].removesuffix("\n").split("\n"))
    return Conversion(tuple(paths.values()))


def _dataset(file: Path) -> xr.Dataset:
    """Return a text file as a dataset, with its checksum, from which the same text can be written."""
    kind = _kind(file)
    group = FORMATS[kind].read(file).assign_attrs(kind=kind)
    for number, (line, again) in enumerate(zip_longest(lines_of(file), FORMATS[kind].lines(group)), start=1):
        if line != again:
            problem = (
                f"line {number} is {line!r} where QTraj 1.0 writes {again!r}, it would not come back as it is"
            )
            remedy = "The readers in qtraj.qtraj1 take it; rewrite it with a writer."
            raise FileFormatError(file, problem, remedy)
    return group.assign_attrs({CHECKSUM: checksum(group)})


def _kind(file: Path) -> str:
    if named := _NAMED.fullmatch(file.name):
        return named[1]
    # a file of another name is told by its number of columns
    first = next(iter(islice(lines_of(file), 1)))
    columns = first.count("\t") + 1
    if columns not in _BY_COLUMNS:
        remedy = "Files of QTraj 1.0 have 2 (basis), 4 (snapshot), 8 (ratios) or 12 (summary) columns."
        raise FileFormatError(file, f"line 1 has {columns} columns: of no known kind", remedy)
    return _BY_COLUMNS[columns]


def _refuse_existing(targets: list[Path], force: bool) -> None:
    present: Iterator[Path] = (target for target in targets if target.exists())
    if not force and (existing := next(present, None)) is not None:
        remedy = "Choose another name, or overwrite it with --force."
        raise FileFormatError(existing, "exists already", remedy)
