"""Readers of formats with a file for each time: contours of the 2D version of JEWEL, VTK files of vHLLE."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from ..._checks import path as path_of
from ..._checks import positive
from ..._types import Float
from ...errors import FileFormatError
from ..field import Hydro
from .common import (
    Cells,
    Cut,
    Format,
    Within,
    build_hydro,
    existing_file,
    load_table,
    opened_text,
    sha256,
    to_grid,
    uniform_axis,
)

_T_NAME = re.compile(r"Tcontour(\d+\.\d+)(\.gz)?$")


def read_jewel2d(
    paths: str | Path | Sequence[str | Path],
    *,
    T_min: float | None = None,
    within: Within = None,
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


_VTK_NAME = re.compile(r"T_taustep(\d+)\.vtk$")
_VTK_KEYS = ("DIMENSIONS", "SPACING", "ORIGIN")


def read_vhlle_vtk(
    folder: str | Path,
    *,
    tau0_fm: float,
    dtau_fm: float,
    T_min: float | None = None,
    within: Within = None,
) -> Hydro:
    """Read the files ``T_taustep#####.vtk`` of a folder: legacy VTK in ASCII, structured points in x, y and eta.

    Parameters
    ----------
    folder : path-like
        Folder of the files; x runs fastest in them, then y, eta. T has three decimals there, steps of 1 MeV.
    tau0_fm, dtau_fm : float
        Proper time of the first file and from one number of a file to the next, fm/c: the files do not tell them. Files
        may be missing between.
    T_min, within : optional
        See `open_hydro`.

    Returns
    -------
    Hydro
        3+1D, or boost invariant where the files have one point in eta. T = 0 becomes NaN.

    Raises
    ------
    FileFormatError
        If there are fewer than two files, or one is truncated, not in this layout, or on another grid.
    """
    tau0_fm, dtau_fm = positive("tau0_fm", tau0_fm), positive("dtau_fm", dtau_fm)
    cut, place = Cut.checked(T_min, within), path_of("folder", folder)
    numbers = {int(m[1]): f for f in place.glob("*.vtk") if (m := _VTK_NAME.search(f.name))}
    files = [existing_file(numbers[number]) for number in sorted(numbers)]
    if len(files) < 2:
        raise FileFormatError(place, f"{len(files)} files T_taustep#####.vtk, at least 2 are needed")
    first_grid, _ = _vtk_frame(files[0])
    axes = [uniform_axis(origin, step, int(n)) for n, step, origin in first_grid.T]
    flat = len(axes[2]) == 1
    cells = Cells(dict(zip(("x", "y", "eta"), axes[:2] if flat else axes, strict=False)), cut)
    for i, file in enumerate(files):
        grid, T = _vtk_frame(file)
        if not np.array_equal(grid, first_grid):
            raise FileFormatError(file, f"its grid differs from the one of {files[0].name}")
        cells.add(i, None, T=T.reshape([len(axis) for axis in axes[::-1]]).transpose())
    tau = tau0_fm + dtau_fm * (np.array(sorted(numbers)) - min(numbers))
    found, fields = cells.field(files[0], tau)
    names, digests = " ".join(f.name for f in files), " ".join(map(sha256, files))
    return build_hydro(files[0], found, fields, "vHLLE VTK", source=names, sha256=digests)


def _vtk_frame(file: Path) -> tuple[Float, Float]:
    """Return points, spacing and origin of (x, y, eta), shape (3, 3), and the numbers in the order of the file."""
    head, found, body = {}, False, ""
    lines = file.read_text(encoding="latin-1").split("\n", 12)
    for i, line in enumerate(lines):
        words = line.split()
        if words and words[0] in _VTK_KEYS:
            head[words[0]] = words[1:]
        found = found or words[:2] == ["SCALARS", "T"]
        if words[:1] == ["LOOKUP_TABLE"]:
            body = "\n".join(lines[i + 1 :])
            break
    if not found or head.keys() != set(_VTK_KEYS) or "ASCII" not in (line.strip() for line in lines):
        problem = "it is no ASCII file of structured points with SCALARS T"
        raise FileFormatError(file, problem, "vHLLE's files of other quantities hold no temperature.")
    try:
        grid, T = np.array([head[key] for key in _VTK_KEYS], dtype=float), np.array(body.split(), dtype=float)
    except ValueError as error:
        raise FileFormatError(file, f"a number cannot be read ({error})") from None
    if grid.shape != (3, 3) or not np.all(np.isfinite(grid)) or np.any(grid[:2] <= 0) or np.any(grid[0] % 1):
        raise FileFormatError(file, f"its grid {grid.tolist()} is not understood")
    if T.size != int(np.prod(grid[0])) or not np.all(np.isfinite(T)):
        points = " x ".join(f"{n:g}" for n in grid[0])
        raise FileFormatError(file, f"{T.size} numbers for {points} points, or one is NaN: truncated")
    return grid, T


FORMAT: Final = Format("jewel2d", read_jewel2d, is_contour_folder)
