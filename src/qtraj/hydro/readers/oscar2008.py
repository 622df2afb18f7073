"""Reader for OSCAR2008H histories (TECHQM, "OSCAR Standard Output Format for Hydro Codes")."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import FileFormatError
from .._check import existing_file, file_attrs, for_file
from ..field import Hydro
from .columns import build_hydro, load_table

_END = "END_OF_HEADER"
# every header known has 14 lines; a file without the end mark must not be read whole in search of it
_MAX_HEADER_LINES = 200


@dataclass(frozen=True)
class _Header:
    lines: int
    points: tuple[int, ...]  # nt nx ny [neta]
    limits: tuple[float, ...]  # t0 t1 x0 x1 y0 y1 [eta0 eta1]
    text: str


def read_oscar2008(path: str | Path) -> Hydro:
    """Read an OSCAR2008H ``history`` on an Eulerian grid, boost invariant or 3+1D.

    Parameters
    ----------
    path : path-like
        Text: header up to ``END_OF_HEADER``, then lines ``it ix iy [ieta] e P T R_qgp vx vy [y_L] ...`` with
        indices from 0, in the order t > x > y [> eta].

    Returns
    -------
    Hydro
        x_i = x0 + i (x1 - x0)/(nx - 1) and likewise t, y, eta. A run may end before the header's t1
        (writers put a fixed number of steps there). T = 0 (cells or frames after freeze-out) becomes NaN.

    Raises
    ------
    FileFormatError
        If the file is missing, empty, no history, its header cannot be understood, or its last frame is cut
        off.
    """
    file = existing_file(path)
    header = _read_header(file)
    n_index = len(header.points)
    n_columns = _count_columns(file, header.lines)
    table = load_table(file, n_columns, skip_lines=header.lines)
    if n_columns < n_index + 6:
        raise FileFormatError(file, f"{n_columns} columns, but indices, e P T R vx vy need {n_index + 6}")
    n_cells = int(np.prod(header.points[1:]))
    n_frames, rest = divmod(len(table), n_cells)
    if rest or n_frames > header.points[0]:
        raise FileFormatError(
            file,
            f"{len(table)} lines are no whole number of frames of {n_cells} cells, at most {header.points[0]}"
            ": truncated, or the header has another grid",
        )
    shape = (n_frames, *header.points[1:])
    if not np.array_equal(table[:, :n_index], np.indices(shape).reshape(n_index, -1).T):
        raise FileFormatError(file, "the indices do not run as t > x > y from 0", "Is a line missing?")
    names = ("tau", "x", "y", "eta")[:n_index]
    limits = np.reshape(header.limits, (-1, 2))
    axes = {
        name: low + (high - low) / (n - 1) * np.arange(size)
        for name, (low, high), n, size in zip(names, limits, header.points, shape, strict=False)
    }
    fields = {
        name: table[:, n_index + column].reshape(shape) for name, column in (("T", 2), ("vx", 4), ("vy", 5))
    }
    if not all(np.all(np.isfinite(f)) for f in fields.values()):
        raise FileFormatError(file, "T or a velocity is NaN or infinite")
    attrs = file_attrs(file, "OSCAR2008H history") | {"header": header.text}
    return for_file(file, lambda: build_hydro(axes, fields, attrs))


def _read_header(file: Path) -> _Header:
    lines: list[str] = []
    with file.open(encoding="utf-8", errors="replace") as handle:
        for line in handle:
            lines.append(line.rstrip())
            if lines[-1].strip() == _END or len(lines) > _MAX_HEADER_LINES:
                break
    if not lines or not lines[0].startswith("OSCAR2008H"):
        raise FileFormatError(file, "the first line does not start with OSCAR2008H")
    if lines[-1].strip() != _END:
        raise FileFormatError(file, f"there is no line {_END}: truncated header")
    if "history" not in lines[0].split():
        raise FileFormatError(
            file, f"it is {lines[0].split()[1:]}, not a history", "Only histories hold T(tau,x,y)."
        )
    grid = [i for i, line in enumerate(lines) if line.startswith("GRID:")]
    if not grid or "euler" not in lines[grid[0]].lower():
        raise FileFormatError(file, "there is no line 'GRID: Euler'", "Other grids are not supported.")
    try:
        points = tuple(int(w) for w in lines[grid[0] + 1].split())
        limits = tuple(float(w) for w in lines[grid[0] + 2].split())
    except (ValueError, IndexError):
        raise FileFormatError(
            file, "the two lines after GRID: are not nt nx ny nz ... and t0 t1 x0 x1 ..."
        ) from None
    three_d = any(line.startswith("GEOM:") and line.split()[1:2] == ["3d"] for line in lines)
    n_axes = 4 if three_d else 3
    if len(points) != 7 or len(limits) < 2 * n_axes or min(points[:n_axes]) < 2:
        raise FileFormatError(file, f"the grid {points} with limits {limits} is not understood")
    return _Header(len(lines), points[:n_axes], limits[: 2 * n_axes], "\n".join(lines))


def _count_columns(file: Path, header_lines: int) -> int:
    with file.open(encoding="utf-8", errors="replace") as handle:
        for number, line in enumerate(handle):
            if number >= header_lines:
                return len(line.split())
    raise FileFormatError(file, "nothing follows the header: truncated")
