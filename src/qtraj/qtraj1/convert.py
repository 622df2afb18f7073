"""QTraj 1.0's text files to one netCDF file, and back to the same bytes."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

import numpy as np
import xarray as xr

from .._atomic import atomic_path
from .._types import Complex
from ..errors import FileFormatError, InputError
from ..io.results import CHECKSUM, checksum, read_dataset
from ..provenance import versions
from ..states import STATE_NAMES
from .files import evolution as waves
from .files.ratios import RatioTable, ratio_lines, read_ratios
from .files.text import lines_of, write_lines
from .program.output import RUN_RECORD

FIRST_BLOCK: Final = -1  # stands for the summary block before the first trajectory
AMPLITUDE: Final = {"units": "GeV^(1/2)"}
STATE: Final = {"state": list(STATE_NAMES)}


def _from_ratios(path: Path) -> xr.Dataset:
    """Return a ratio file with dimensions row, state and, where there is metadata, physical_path."""
    table = read_ratios(path)
    columns = {
        "ratio": (("row", "state"), table.ratios, {"long_name": "final over initial overlap"}),
        "r0": ("row", table.r0, {"long_name": "first random number"}),
        "l": ("row", table.l, {"long_name": "initial angular momentum"}),
    }
    dataset = xr.Dataset(columns, STATE)
    if table.metadata is None:
        return dataset
    # in the order of their appearance
    names = {line: i for i, line in enumerate(dict.fromkeys(table.metadata))}
    index = np.array([names[line] for line in table.metadata])
    dataset["path"] = ("row", index, {"long_name": "index of metadata"})
    return dataset.assign(metadata=("physical_path", np.array(list(names), dtype=object)))


def _to_ratios(dataset: xr.Dataset) -> Iterator[str]:
    metadata = None
    if "path" in dataset:
        names = [str(name) for name in dataset["metadata"].values]
        metadata = tuple(names[i] for i in dataset["path"].values)
    ratios, r0, l = (dataset[name].values for name in ("ratio", "r0", "l"))
    return ratio_lines(RatioTable(ratios, r0, l, metadata))


def _from_summary(path: Path) -> xr.Dataset:
    """Return a summary file with dimensions row, state and block; `rows` holds the length of each block."""
    blocks = waves.read_summary(path)
    units = {"t_fm": "fm/c", "r_mean": "3/(2 m alpha)", "energy": "GeV/dx"}
    variables: dict[str, Any] = {}
    for name in ("t_fm", "norm", "color", "l", "r_mean", "energy", "overlaps"):
        values = np.concatenate([getattr(block, name) for block in blocks])
        dimensions = ("row", "state") if name == "overlaps" else ("row",)
        variables[name.removesuffix("s")] = (dimensions, values, {"units": units.get(name, "1")})
    numbers = [FIRST_BLOCK if block.trajectory is None else block.trajectory for block in blocks]
    variables |= {"trajectory": ("block", numbers), "rows": ("block", [len(block) for block in blocks])}
    return xr.Dataset(variables, STATE)


def _to_summary(dataset: xr.Dataset) -> Iterator[str]:
    columns = [dataset[name].values for name in ("t_fm", "norm", "color", "l", "overlap", "r_mean", "energy")]
    lengths = dataset["rows"].values
    blocks = zip(dataset["trajectory"].values, lengths, np.cumsum(lengths), strict=True)
    return waves.summary_lines(
        waves.SummaryBlock(
            None if number == FIRST_BLOCK else int(number),
            *(column[stop - length : stop] for column in columns),
        )
        for number, length, stop in blocks
    )


def _parts(u: Complex, dimensions: tuple[str, ...]) -> dict[str, Any]:
    # netCDF has no complex numbers
    return {"u_real": (dimensions, u.real, AMPLITUDE), "u_imag": (dimensions, u.imag, AMPLITUDE)}


def _complex(dataset: xr.Dataset) -> Complex:
    return waves.complex_of(dataset["u_real"].values, dataset["u_imag"].values)


def _from_snapshot(path: Path) -> xr.Dataset:
    snapshot = waves.read_snapshot(path)
    variables = {"magnitude": ("r", snapshot.magnitude, AMPLITUDE), **_parts(snapshot.u, ("r",))}
    return xr.Dataset(variables, {"r": ("r", snapshot.r, {"units": "GeV^-1"})})


# from a file to a dataset, for every kind of text file by the beginning of its usual name
READ: Final[dict[str, Callable[[Path], xr.Dataset]]] = {
    "ratios": _from_ratios,
    "summary": _from_summary,
    "snapshot": _from_snapshot,
    "basisfunctions": lambda path: xr.Dataset(_parts(waves.read_basis(path), ("state", "point")), STATE),
}

# from the dataset to the lines of the file
LINES: Final[dict[str, Callable[[xr.Dataset], Iterator[str]]]] = {
    "ratios": _to_ratios,
    "summary": _to_summary,
    "snapshot": lambda dataset: waves.snapshot_lines(
        waves.Snapshot(dataset["r"].values, _complex(dataset), dataset["magnitude"].values)
    ),
    "basisfunctions": lambda dataset: waves.basis_lines(_complex(dataset)),
}


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
    """Convert QTraj 1.0 output to netCDF, or such a netCDF file back to text; overwrite files with `force` only.

    `source` is an output folder or one of its files, plain or gzip, and `target` ends in ``.nc``; or `source` is such
    a netCDF file, and `target` the folder, or the file where it was made from one. The netCDF file has a group for each
    text file, with its checksum, the versions that wrote it, and the run record of `qtraj legacy`. Each text file is
    compared with what it will come back as, byte for byte, before anything is written.
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
    record = ""  # what `qtraj legacy` adds to the files of the original
    if RUN_RECORD in left_out:
        left_out.remove(RUN_RECORD)
        record = (source / RUN_RECORD).read_text(encoding="utf-8")
    root = xr.Dataset(
        attrs={
            "title": TITLE,
            "source": source.resolve().name,
            "source_kind": "folder" if source.is_dir() else "file",
            "files": "\n".join(groups),
            "file_checksums": "\n".join(str(group.attrs[CHECKSUM]) for group in groups.values()),
            "run_record": record,
            "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            **versions(),
        }
    )
    with atomic_path(target) as temporary, temporary.open("wb+") as file:
        root.assign_attrs({CHECKSUM: checksum(root)}).to_netcdf(file, engine="h5netcdf")
        for name, group in groups.items():
            # nearly all ratios are zero and pack well; strings have no filter
            numeric = (n for n, v in group.variables.items() if v.dtype.kind in "fi" and v.size)
            packed = {variable: {"zlib": True} for variable in numeric}
            group.to_netcdf(file, mode="a", group=name, engine="h5netcdf", encoding=packed)
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
    to_folder = root.attrs["source_kind"] == "folder" or target.is_dir()
    if to_folder and target.is_file():
        raise InputError("OUT", str(target), "be a folder: this netCDF file was made from one")
    paths = {name: target / name if to_folder else target for name in names}
    if root.attrs["run_record"]:
        paths[RUN_RECORD] = target / RUN_RECORD
    _refuse_existing(list(paths.values()), force)
    for name, group in groups.items():
        write_lines(paths[name], LINES[group.attrs["kind"]](group))
    if root.attrs["run_record"]:
        write_lines(paths[RUN_RECORD], root.attrs["run_record"].removesuffix("\n").split("\n"))
    return Conversion(tuple(paths.values()))


def _dataset(file: Path) -> xr.Dataset:
    """Return a text file as a dataset, with its checksum, from which the same text can be written."""
    named = _NAMED.fullmatch(file.name)
    # a file of another name is told by its number of columns
    columns = next(lines_of(file)).count("\t") + 1
    kind = named[1] if named else _BY_COLUMNS.get(columns, "")
    if not kind:
        remedy = "Files of QTraj 1.0 have 2 (basis), 4 (snapshot), 8 (ratios) or 12 (summary) columns."
        raise FileFormatError(file, f"line 1 has {columns} columns: of no known kind", remedy)
    group = READ[kind](file).assign_attrs(kind=kind)
    for number, (line, again) in enumerate(
        zip_longest(lines_of(file, edited=kind == "ratios"), LINES[kind](group)), start=1
    ):
        if line != again:
            problem = f"line {number} is {line!r} where QTraj 1.0 writes {again!r}, it would not come back"
            remedy = "The readers in qtraj.qtraj1 take it; rewrite it with a writer."
            raise FileFormatError(file, f"{problem} as it is", remedy)
    return group.assign_attrs({CHECKSUM: checksum(group)})


def _refuse_existing(targets: list[Path], force: bool) -> None:
    existing = next((target for target in targets if target.exists()), None)
    if existing is not None and not force:
        remedy = "Choose another name, or overwrite it with --force."
        raise FileFormatError(existing, "exists already", remedy)
