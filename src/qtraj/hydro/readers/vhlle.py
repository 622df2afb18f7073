"""Reader for the VTK files of vHLLE (github.com/yukarpenko/vhlle), one file for each quantity and step."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..._checks import path as path_of
from ..._checks import positive
from ..._types import Float
from ...errors import FileFormatError
from ..field import Hydro
from .common import Cells, Cut, build_hydro, existing_file, sha256, uniform_axis

_NAME = re.compile(r"T_taustep(\d+)\.vtk$")
_KEYS = ("DIMENSIONS", "SPACING", "ORIGIN")


def read_vhlle_vtk(
    folder: str | Path,
    *,
    tau0_fm: float,
    dtau_fm: float,
    T_min: float | None = None,
    within: Mapping[str, tuple[float, float]] | None = None,
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
    numbers = {int(m[1]): f for f in place.glob("*.vtk") if (m := _NAME.search(f.name))}
    files = [existing_file(numbers[number]) for number in sorted(numbers)]
    if len(files) < 2:
        raise FileFormatError(place, f"{len(files)} files T_taustep#####.vtk, at least 2 are needed")
    first_grid, _ = _frame(files[0])
    axes = [uniform_axis(origin, step, int(n)) for n, step, origin in first_grid.T]
    flat = len(axes[2]) == 1
    cells = Cells(dict(zip(("x", "y", "eta"), axes[:2] if flat else axes, strict=False)), cut)
    for i, file in enumerate(files):
        grid, T = _frame(file)
        if not np.array_equal(grid, first_grid):
            raise FileFormatError(file, f"its grid differs from the one of {files[0].name}")
        cells.add(i, None, T=T.reshape([len(axis) for axis in axes[::-1]]).transpose())
    tau = tau0_fm + dtau_fm * (np.array(sorted(numbers)) - min(numbers))
    found, fields = cells.field(files[0], tau)
    names, digests = " ".join(f.name for f in files), " ".join(map(sha256, files))
    return build_hydro(files[0], found, fields, "vHLLE VTK", source=names, sha256=digests)


def _frame(file: Path) -> tuple[Float, Float]:
    """Return points, spacing and origin of (x, y, eta), shape (3, 3), and the numbers in the order of the file."""
    head, found, body = {}, False, ""
    lines = file.read_text(encoding="latin-1").split("\n", 12)
    for i, line in enumerate(lines):
        words = line.split()
        if words and words[0] in _KEYS:
            head[words[0]] = words[1:]
        found = found or words[:2] == ["SCALARS", "T"]
        if words[:1] == ["LOOKUP_TABLE"]:
            body = "\n".join(lines[i + 1 :])
            break
    if not found or head.keys() != set(_KEYS) or "ASCII" not in (line.strip() for line in lines):
        problem = "it is no ASCII file of structured points with SCALARS T"
        raise FileFormatError(file, problem, "vHLLE's files of other quantities hold no temperature.")
    try:
        grid, T = np.array([head[key] for key in _KEYS], dtype=float), np.array(body.split(), dtype=float)
    except ValueError as error:
        raise FileFormatError(file, f"a number cannot be read ({error})") from None
    if grid.shape != (3, 3) or not np.all(np.isfinite(grid)) or np.any(grid[:2] <= 0) or np.any(grid[0] % 1):
        raise FileFormatError(file, f"its grid {grid.tolist()} is not understood")
    if T.size != int(np.prod(grid[0])) or not np.all(np.isfinite(T)):
        points = " x ".join(f"{n:g}" for n in grid[0])
        raise FileFormatError(file, f"{T.size} numbers for {points} points, or one is NaN: truncated")
    return grid, T
