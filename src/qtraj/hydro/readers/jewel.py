"""Reader for the per-time contour files of the 2D version of JEWEL."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from ..._checks import path as path_of
from ..._types import Float
from ...errors import FileFormatError
from ..field import Hydro
from .common import Cells, Cut, Format, build_hydro, existing_file, load_table, opened_text, sha256, to_grid

_T_NAME = re.compile(r"Tcontour(\d+\.\d+)(\.gz)?$")


def read_jewel2d(
    paths: str | Path | Sequence[str | Path],
    *,
    T_min: float | None = None,
    within: Mapping[str, tuple[float, float]] | None = None,
) -> Hydro:
    """Read ``Tcontour##.###`` files (lines x y T, one file for each proper time in its name).

    Parameters
    ----------
    paths : path-like or sequence of path-like
        A folder, or the temperature files, plain or gzip. ``Vcontour##.###`` (x y vx vy) beside every one
        of them gives `vx` and `vy`. A line of heading is skipped if there is one.
    T_min, within : optional
        See `open_hydro`.

    Returns
    -------
    Hydro
        x, y in fm, T in GeV; T = 0 in the files means outside the fireball and becomes NaN.

    Raises
    ------
    FileFormatError
        If there are fewer than two frames, the frames have different grids, or a file is missing, truncated
        or not in this layout.
    """
    cut = Cut.checked(T_min, within)
    files = _temperature_files(paths)
    velocity_files = [file.with_name(file.name.replace("Tcontour", "Vcontour")) for file in files]
    frames = [_read_frame(file, ("x", "y", "T")) for file in files]
    for file, (axes, _) in zip(files, frames, strict=True):
        if any(not np.array_equal(axes[a], frames[0][0][a]) for a in ("x", "y")):
            problem = f"its grid differs from the one of {files[0].name}"
            raise FileFormatError(file, problem, "Is it truncated?")
    fields = [{"T": f["T"]} for _, f in frames]
    # a velocity that some frames lack could not be interpolated in time
    if all(file.is_file() for file in velocity_files):
        for field, file in zip(fields, velocity_files, strict=True):
            velocities = _read_frame(file, ("x", "y", "vx", "vy"))[1]
            field |= {name: velocities[name] for name in ("vx", "vy")}
    cells = Cells({name: frames[0][0][name] for name in ("x", "y")}, cut)
    for i, field in enumerate(fields):
        cells.add(i, None, **field)
    axes, dense = cells.field(files[0], np.array([_time(file) for file in files]))
    names, digests = " ".join(file.name for file in files), " ".join(sha256(file) for file in files)
    return build_hydro(files[0], axes, dense, "JEWEL-2D Tcontour", source=names, sha256=digests)


def _temperature_files(paths: str | Path | Sequence[str | Path]) -> list[Path]:
    if isinstance(paths, str) or not isinstance(paths, Sequence):
        folder = path_of("paths", paths)
        candidates = sorted(folder.glob("*Tcontour*")) if folder.is_dir() else [folder]
    else:
        folder, candidates = Path(), [Path(p) for p in paths]
    files = [existing_file(f) for f in candidates]
    for file in files:
        if not _T_NAME.search(file.name):
            raise FileFormatError(file, "the name does not end in Tcontour##.###, so its time is unknown")
    if len(files) < 2:
        raise FileFormatError(folder, f"{len(files)} Tcontour files, at least 2 are needed")
    return sorted(files, key=_time)


def _time(file: Path) -> float:
    match = _T_NAME.search(file.name)
    return float(match.group(1)) if match else np.nan


def _read_frame(file: Path, order: tuple[str, ...]) -> tuple[dict[str, Float], dict[str, Float]]:
    existing_file(file)
    heading = 0
    try:
        with opened_text(file) as handle:
            first = handle.readline().split()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise FileFormatError(file, f"it cannot be read as text ({error})") from None
    try:
        np.array(first, dtype=float)
    except ValueError:
        heading = 1  # a first line that is no numbers
    table = load_table(file, len(order), skip_lines=heading)
    axes, fields = to_grid(file, [{name: table[:, i] for i, name in enumerate(order)}], sparse=False)
    return axes, {name: np.nan_to_num(values[0]) for name, values in fields.items()}


def is_contour_folder(path: Path) -> bool:
    """Return whether a path is a folder of contour files."""
    return path.is_dir() and any(path.glob("*Tcontour*"))


FORMAT: Final = Format("jewel2d", read_jewel2d, is_contour_folder)
