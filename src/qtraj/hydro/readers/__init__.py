"""Readers of hydro outputs, one file a family of formats, and the one registry of those that describe themselves.

A new format is a new module with a `Format`, and its entry in `FORMATS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ..._checks import choice, text
from ..._checks import path as path_of
from ...errors import FileFormatError
from ..field import Hydro
from . import jetdata, music, netcdf, oscar, per_time
from .common import HDF5_SIGNATURE, Format, Within, existing_file, first_bytes

FORMATS: Final[Mapping[str, Format]] = {
    entry.name: entry
    for entry in (
        music.FORMAT,
        jetdata.FORMAT,
        oscar.FORMAT_2008,
        oscar.FORMAT_2013,
        per_time.FORMAT,
        netcdf.FORMAT,
    )
}
"""Formats that need nothing but the file (or, for jewel2d, the folder), by name."""

# further formats of run files: the file does not say what it holds, and the reader takes further arguments
DECLARED: Final = ("columns", "music_dense", "qtraj_trajectories")

_OTHERS: Final = (
    f"Give format= one of {', '.join(FORMATS)}; use read_music_dense for evolution_xyeta.dat (needs the "
    "grid), read_columns for plain text (needs order and unit), read_vhlle_vtk for a folder of "
    "T_taustep*.vtk (needs the times), read_qtraj_averaged or "
    "read_qtraj_trajectories for QTraj tables."
)


def open_hydro(
    path: str | Path,
    format: str = "auto",  # noqa: A002 - the word users know from pandas
    *,
    mirror: str = "",
    T_min: float | None = None,
    within: Within = None,
) -> Hydro:
    """Read a hydro output of any format that describes itself.

    Parameters
    ----------
    path : path-like
        File, or folder of JEWEL-2D contour files.
    format : str, optional
        ``"auto"`` looks at the content, never at the name; or one of ``music``, ``jetdata``, ``oscar2008``,
        ``oscar2013``, ``jewel2d``, ``netcdf``.
    mirror : str, optional
        Axes of which the file holds the half from 0 on, such as ``"xy"``: see `Hydro.mirrored`.
    T_min : float, optional
        Keep only cells of at least this temperature in GeV, in the smallest box around them: a 3+1D run of several GB
        then needs the memory of its hot cells. Every reader goes through its file in pieces, with or without. Take it
        a little lower than `T_end`: cells below count as not stored, as those below the output cut of the code do.
    within : mapping of str to (float, float), optional
        Keep only cells in these ranges of ``"x"``, ``"y"`` (fm) or ``"eta"``, such as ``{"eta": (-1, 1)}``.

    Returns
    -------
    Hydro
        Without velocities if something is cut: nothing in the package needs them.

    Raises
    ------
    InputError
        If `format` is unknown, or the field cannot be mirrored.
    FileFormatError
        If the format is not recognized (the message lists the readers), or the file is bad.
    """
    chosen = choice("format", format, ("auto", *FORMATS), f"be 'auto' or one of {', '.join(FORMATS)}")
    mirror = text("mirror", mirror)
    path = path_of("path", path)
    if chosen != "auto":
        return FORMATS[chosen].read(path, T_min=T_min, within=within).mirrored(mirror)
    if not path.is_dir():
        existing_file(path)
    for entry in FORMATS.values():
        if entry.matches(path):
            return entry.read(path, T_min=T_min, within=within).mirrored(mirror)
    if path.is_dir():
        raise FileFormatError(path, "the folder holds no Tcontour files", _OTHERS)
    if first_bytes(path).startswith(HDF5_SIGNATURE):
        raise FileFormatError(path, "it is HDF5, but neither JetData.h5 nor qtraj's netCDF", _OTHERS)
    raise FileFormatError(path, "its format is not recognized", _OTHERS)
