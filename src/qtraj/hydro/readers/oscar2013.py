"""Reader and writer of OSCAR2013 full-evolution files: self-describing text."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np

from ..._atomic import atomic_path
from ..._checks import instance
from ...errors import FileFormatError
from .._check import existing_file, file_attrs, for_file
from ..field import Hydro
from .columns import build_hydro, load_table, to_grid

_MAGIC = "#!OSCAR2013"


def read_oscar2013(path: str | Path) -> Hydro:
    """Read ``#!OSCAR2013 full-evolution nt nx ny nz column names ...``.

    Parameters
    ----------
    path : path-like
        Text; ``#`` starts a comment. The columns must include ``x y T`` and the time ``tau`` (or ``t``,
        which is the same at mid-rapidity, if nz is 1); ``eta`` if nz > 1; ``vx vy`` are read, others
        ignored. fm and GeV.

    Returns
    -------
    Hydro
        T = 0 becomes NaN.

    Raises
    ------
    FileFormatError
        If the file is missing, empty, no full evolution, lacks a column, or does not hold nt nx ny nz lines.
    """
    file = existing_file(path)
    points, names = _read_header(file)
    table = load_table(file, len(names))
    n_cells = int(np.prod(points))
    if len(table) != n_cells:
        raise FileFormatError(file, f"{len(table)} lines, but the header promises {n_cells}: truncated")
    wanted = ("tau", "x", "y", "T", "vx", "vy") + (("eta",) if points[3] > 1 else ())
    columns = {name: table[:, names.index(name)] for name in wanted if name in names}
    axes, fields = to_grid(file, columns, sparse=False)
    if tuple(len(a) for a in axes.values()) != tuple(points[: len(axes)]):
        raise FileFormatError(
            file, f"the coordinates span {[len(a) for a in axes.values()]}, the header {points}"
        )
    attrs = file_attrs(file, "OSCAR2013 full-evolution")
    return for_file(file, lambda: build_hydro(axes, fields, attrs))


def _read_header(file: Path) -> tuple[list[int], list[str]]:
    with file.open(encoding="utf-8", errors="replace") as handle:
        words = handle.readline().split()
    if words[:2] != [_MAGIC, "full-evolution"]:
        raise FileFormatError(
            file,
            f"the first line is not '{_MAGIC} full-evolution ...'",
            "Particle lists hold no temperature.",
        )
    try:
        points = [int(w) for w in words[2:6]]
    except ValueError:
        points = []
    if len(points) != 4 or min(points) < 1:
        raise FileFormatError(file, "nt nx ny nz are missing after full-evolution")
    names = words[6:]
    if "tau" not in names and "t" in names and points[3] == 1:
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
    with_velocity = hydro.vx is not None and hydro.vy is not None
    names = "it ix iy iz tau x y eta T" + (" vx vy" if with_velocity else "")
    T = np.nan_to_num(hydro.T).reshape(points)
    fields = [T] + [
        np.nan_to_num(v).reshape(points) for v in (hydro.vx, hydro.vy) if with_velocity and v is not None
    ]
    eta = np.zeros(1) if hydro.eta is None else hydro.eta
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as handle:
        handle.write(f"{_MAGIC} full-evolution {' '.join(map(str, points))} {names}\n")
        handle.write(f"# source: {hydro.attrs.get('source', 'unknown')}; fm, GeV; T = 0: not stored\n")
        for index in itertools.product(*map(range, points)):
            it, ix, iy, iz = index
            place = (hydro.tau_fm[it], hydro.x_fm[ix], hydro.y_fm[iy], eta[iz])
            numbers = [repr(float(v)) for v in place] + [str(f[index]) for f in fields]
            handle.write(" ".join((*map(str, index), *numbers)) + "\n")
