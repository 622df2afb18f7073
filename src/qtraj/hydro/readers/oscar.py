"""OSCAR files: OSCAR2008H histories (TECHQM, "OSCAR Standard Output Format for Hydro Codes") and OSCAR2013."""

from __future__ import annotations

import itertools
from codecs import BOM_UTF8
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..._atomic import atomic_path
from ..._checks import instance
from ..._types import Float
from ...errors import FileFormatError
from ..field import Hydro
from .common import (
    COORDINATES,
    FIELDS,
    Cells,
    Cut,
    Format,
    Within,
    build_hydro,
    existing_file,
    first_bytes,
    opened_text,
    table_pieces,
    to_grid,
)

_MAGIC_2008: Final = "OSCAR2008H"
_MAGIC_2013: Final = "#!OSCAR2013"
_END = "END_OF_HEADER"
# every header known has 14 lines; a file without the end mark must not be read whole in search of it
_MAX_HEADER_LINES = 200


class _Header(NamedTuple):
    lines: list[str]
    points: list[int]  # nt nx ny [neta or nz]
    limits: list[float]  # t0 t1 x0 x1 y0 y1 [eta0 eta1, or z0 z1]
    cartesian: bool  # t and z instead of tau and eta


def read_oscar2008(
    path: str | Path,
    *,
    T_min: float | None = None,
    within: Within = None,
) -> Hydro:
    """Read an OSCAR2008H ``history`` on an Eulerian grid: boost invariant, 3+1D, or Cartesian (GEOM ``3d-cart``).

    Parameters
    ----------
    path : path-like
        Text: header up to ``END_OF_HEADER``, then lines ``it ix iy [ieta] e P T R_qgp vx vy [y_L] ...`` with
        indices from 0 or from 1, in the order t > x > y [> eta].
    T_min, within : optional
        See `open_hydro`.

    Returns
    -------
    Hydro
        x_i = x0 + i (x1 - x0)/(nx - 1) and likewise t, y, eta. A run may end before the header's t1
        (writers put a fixed number of steps there). T = 0 (cells or frames after freeze-out) becomes NaN. Of a
        Cartesian grid the plane z = 0 is taken (the mean of the two beside it where none is there), in which t is the
        proper time: a field at mid-rapidity. An octant is completed by `Hydro.mirrored`, or ``open_hydro(mirror=)``.

    Raises
    ------
    FileFormatError
        If the file is missing, empty, no history, its header cannot be understood, or its last frame is cut off.
    """
    cut, file = Cut.checked(T_min, within), existing_file(path)
    header = _read_2008_header(file)
    n_index, n_header = len(header.points), len(header.lines)
    with opened_text(file) as handle:
        n_columns = len(next(itertools.islice(handle, n_header, None), "").split())
    if n_columns == 0:
        raise FileFormatError(file, "nothing follows the header: truncated")
    if n_columns < n_index + 6:
        raise FileFormatError(file, f"{n_columns} columns, but indices, e P T R_qgp vx vy need {n_index + 6}")
    n_frames, shape = header.points[0], tuple(header.points[1:])
    # limits come in pairs; the spacing follows from the header's number of points, not from those in the file
    tau, *space = (
        low + (high - low) / (n - 1) * np.arange(n)
        for (low, high), n in zip(np.reshape(header.limits, (-1, 2)), header.points, strict=True)
    )
    planes = _middle_planes(file, space.pop()) if header.cartesian else None
    cells = Cells(dict(zip(COORDINATES[1:], space, strict=False)), cut)
    n_cells, first, n_lines, frame = int(np.prod(shape)), 0, 0, 0
    place = np.indices(shape).reshape(len(shape), -1).T
    # after the indices: e P T R_qgp vx vy
    columns = {"T": n_index + 2, "vx": n_index + 4, "vy": n_index + 5}
    tables = table_pieces(file, n_columns, skip_lines=n_header, rows=n_cells)
    for frame, table in enumerate(tables):
        n_lines += len(table)
        if frame == 0:
            first = int(np.all(table[0, :n_index] == 1))
        ordered = len(table) == n_cells and np.array_equal(table[:, 1:n_index] - first, place)
        if not ordered or frame == n_frames or np.any(table[:, 0] != frame + first):
            n_lines += sum(map(len, tables))
            if n_lines % n_cells or n_lines > n_cells * n_frames:
                problem = f"{n_lines} lines are no whole number of frames of {n_cells} cells"
                problem += f", at most {n_frames}: truncated, or the header has another grid"
                raise FileFormatError(file, problem)
            problem = "the indices do not run as t > x > y from 0, or from 1"
            raise FileFormatError(file, problem, "Is a line missing?")
        fields = {name: table[:, column].reshape(shape) for name, column in columns.items()}
        if not all(np.all(np.isfinite(f)) for f in fields.values()):
            raise FileFormatError(file, "T or a velocity is NaN or infinite")
        if planes is not None:
            # a plane that is not hot does not count as one of T = 0
            whole = np.all(fields["T"][..., planes] > 0, axis=-1)
            fields = {
                name: np.where(whole, np.mean(f[..., planes], axis=-1), 0.0) for name, f in fields.items()
            }
        cells.add(frame, None, **fields)
    axes, dense = cells.field(file, tau[: frame + 1])
    return build_hydro(file, axes, dense, "OSCAR2008H history", header="\n".join(header.lines))


def _middle_planes(file: Path, z_fm: Float) -> NDArray[np.intp]:
    """Return the index of the plane z = 0, or of the two beside it; of half a fireball, the one half a step away."""
    step, tiny = z_fm[1] - z_fm[0], 1e-3
    near = np.flatnonzero(np.abs(z_fm) < tiny * step)
    if not len(near):
        near = np.flatnonzero(np.abs(z_fm) <= (0.5 + tiny) * step)
    if not len(near):
        problem = f"its z from {z_fm[0]:g} to {z_fm[-1]:g} fm have no plane at z = 0, the mid-rapidity"
        raise FileFormatError(file, problem)
    return near


def _read_2008_header(file: Path) -> _Header:
    lines: list[str] = []
    with opened_text(file) as handle:
        for line in handle:
            lines.append(line.rstrip())
            if lines[-1].strip() == _END or len(lines) > _MAX_HEADER_LINES:
                break
    if not lines or not lines[0].startswith(_MAGIC_2008):
        raise FileFormatError(file, "the first line does not start with OSCAR2008H")
    if lines[-1].strip() != _END:
        raise FileFormatError(file, f"there is no line {_END}: truncated header")
    if "history" not in lines[0].split():
        problem = f"it is {lines[0].split()[1:]}, not a history"
        raise FileFormatError(file, problem, "Only histories hold T(tau,x,y).")
    grid = [i for i, line in enumerate(lines) if line.startswith("GRID:")]
    if not grid or "euler" not in lines[grid[0]].lower():
        raise FileFormatError(file, "there is no line 'GRID: Euler'", "Other grids are not supported.")
    try:
        points = [int(word) for word in lines[grid[0] + 1].split()]
        limits = [float(word) for word in lines[grid[0] + 2].split()]
    except (ValueError, IndexError):
        problem = "the two lines after GRID: are not nt nx ny nz ... and t0 t1 x0 x1 ..."
        raise FileFormatError(file, problem) from None
    geometries = [line.split()[1] for line in lines if line.startswith("GEOM:") and len(line.split()) > 1]
    geometry = geometries[0].lower() if geometries else ""
    known = {"3d": 4, "3d-cart": 4, "scaling2d": 3, "2d": 3, "": 3}
    if geometry not in known:
        raise FileFormatError(file, f"GEOM: {geometry} is none of {', '.join(filter(None, known))}")
    n_axes = known[geometry]
    if len(points) != 7 or len(limits) < 2 * n_axes or min(points[:n_axes]) < 2:
        raise FileFormatError(file, f"the grid {tuple(points)} with limits {tuple(limits)} is not understood")
    return _Header(lines, points[:n_axes], limits[: 2 * n_axes], geometry == "3d-cart")


def read_oscar2013(
    path: str | Path,
    *,
    T_min: float | None = None,
    within: Within = None,
) -> Hydro:
    """Read ``#!OSCAR2013 full-evolution nt nx ny nz column names ...``.

    Parameters
    ----------
    path : path-like
        Text; ``#`` starts a comment. The columns must include ``x y T`` and the time ``tau`` (or ``t``, which is the
        same at mid-rapidity, if nz is 1); ``eta`` if nz > 1; ``vx vy`` are read, others ignored. fm and GeV.
    T_min, within : optional
        See `open_hydro`.

    Returns
    -------
    Hydro
        T = 0 becomes NaN.

    Raises
    ------
    FileFormatError
        If the file is missing, empty, no full evolution, lacks a column, or does not hold nt nx ny nz lines.
    """
    cut, file = Cut.checked(T_min, within), existing_file(path)
    points, names = _read_2013_header(file)
    n_lines, n_cells = 0, int(np.prod(points))
    wanted = (*COORDINATES[: 4 if points[3] > 1 else 3], *FIELDS)

    def pieces() -> Iterator[dict[str, Float]]:
        nonlocal n_lines
        for table in table_pieces(file, len(names)):
            n_lines += len(table)
            yield {name: table[:, names.index(name)] for name in wanted if name in names}
        if n_lines != n_cells:
            raise FileFormatError(file, f"{n_lines} lines, but the header promises {n_cells}: truncated")

    axes, fields = to_grid(file, pieces(), sparse=False, cut=cut)
    if cut.keeps_all and tuple(len(a) for a in axes.values()) != tuple(points[: len(axes)]):
        problem = f"the coordinates span {[len(a) for a in axes.values()]}, the header {points}"
        raise FileFormatError(file, problem)
    return build_hydro(file, axes, fields, "OSCAR2013 full-evolution")


def _read_2013_header(file: Path) -> tuple[list[int], list[str]]:
    with opened_text(file) as handle:
        words = handle.readline().split()
    if words[:2] != [_MAGIC_2013, "full-evolution"]:
        problem = f"the first line is not '{_MAGIC_2013} full-evolution ...'"
        raise FileFormatError(file, problem, "Particle lists hold no temperature.")
    try:
        points = [int(w) for w in words[2:6]]
    except ValueError:
        points = []
    if len(points) != 4 or min(points) < 1:
        raise FileFormatError(file, "nt nx ny nz are missing after full-evolution")
    names = words[6:]
    if "tau" not in names and "t" in names and points[3] == 1:
        # at mid-rapidity t and tau are the same
        names[names.index("t")] = "tau"
    needed = ["tau", "x", "y", "T"] + (["eta"] if points[3] > 1 else [])
    missing = [name for name in needed if name not in names]
    if missing or len(set(names)) != len(names):
        raise FileFormatError(file, f"columns {names} lack {missing} or repeat a name")
    return points, names


def write_oscar2013(hydro: Hydro, path: str | Path) -> None:
    """Write `hydro` as OSCAR2013 full-evolution text; what is not stored is written as T = 0.

    Parameters
    ----------
    hydro : Hydro
        The field; numbers are written with all their digits, so reading it back gives the same.
    path : path-like
        The file; it appears whole or not at all.

    Raises
    ------
    FileFormatError
        If it cannot be written.
    """
    instance("hydro", hydro, Hydro)
    points = (*hydro.shape, 1)[:4]
    names, stored = "it ix iy iz tau x y eta T", [hydro.T]
    if hydro.vx is not None and hydro.vy is not None:
        names, stored = f"{names} vx vy", [hydro.T, hydro.vx, hydro.vy]
    fields = [np.nan_to_num(values).reshape(points) for values in stored]
    eta = np.zeros(1) if hydro.eta is None else hydro.eta
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as handle:
        handle.write(f"{_MAGIC_2013} full-evolution {' '.join(map(str, points))} {names}\n")
        handle.write(f"# source: {hydro.attrs.get('source', 'unknown')}; fm, GeV; T = 0: not stored\n")
        for index in np.ndindex(points):
            it, ix, iy, iz = index
            point = (hydro.tau_fm[it], hydro.x_fm[ix], hydro.y_fm[iy], eta[iz])
            numbers = [repr(float(v)) for v in point] + [str(f[index]) for f in fields]
            handle.write(" ".join((*map(str, index), *numbers)) + "\n")


def _begins(path: Path, magic: str) -> bool:
    return first_bytes(path).removeprefix(BOM_UTF8).startswith(magic.encode())


FORMAT_2008: Final = Format("oscar2008", read_oscar2008, lambda path: _begins(path, _MAGIC_2008))
FORMAT_2013: Final = Format("oscar2013", read_oscar2013, lambda path: _begins(path, _MAGIC_2013))
