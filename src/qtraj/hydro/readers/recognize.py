"""open_hydro: read a hydro output whose format is recognized by its content."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import h5py
import numpy as np

from ..._checks import choice
from ..._checks import path as path_of
from ...errors import FileFormatError
from .._check import existing_file
from ..field import Hydro
from .jetdata import read_jetdata_h5
from .jewel import read_jewel2d
from .music import parse_music_header, read_music
from .netcdf import FORMAT, read_netcdf
from .oscar2008 import read_oscar2008
from .oscar2013 import read_oscar2013

READERS: Final[Mapping[str, Callable[[str | Path], Hydro]]] = {
    "music": read_music,
    "jetdata": read_jetdata_h5,
    "oscar2008": read_oscar2008,
    "oscar2013": read_oscar2013,
    "jewel2d": read_jewel2d,
    "netcdf": read_netcdf,
}
"""Formats that need nothing but the file (or, for jewel2d, the folder)."""

_OTHERS: Final = (
    f"Give format= one of {', '.join(READERS)}; use read_music_dense for evolution_xyeta.dat (needs the "
    "grid), read_columns for plain text (needs order and unit), read_qtraj_averaged or "
    "read_qtraj_trajectories for QTraj tables."
)


def open_hydro(path: str | Path, format: str = "auto") -> Hydro:  # noqa: A002 - the word users know from pandas
    """Read a hydro output of any format that describes itself.

    Parameters
    ----------
    path : path-like
        File, or folder of JEWEL-2D contour files.
    format : str, optional
        ``"auto"`` looks at the content, never at the name; or one of ``music``, ``jetdata``, ``oscar2008``,
        ``oscar2013``, ``jewel2d``, ``netcdf``.

    Returns
    -------
    Hydro

    Raises
    ------
    InputError
        If `format` is unknown.
    FileFormatError
        If the format is not recognized (the message lists the readers), or the file is bad.
    """
    chosen = choice("format", format, ("auto", *READERS), f"be 'auto' or one of {', '.join(READERS)}")
    path = path_of("path", path)
    return READERS[_recognize(path) if chosen == "auto" else chosen](path)


def _recognize(path: Path) -> str:
    if path.is_dir():
        if any(path.glob("*Tcontour*")):
            return "jewel2d"
        raise FileFormatError(path, "the folder holds no Tcontour files", _OTHERS)
    file = existing_file(path)
    with file.open("rb") as handle:
        head = handle.read(64)
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return _recognize_hdf5(file)
    if head.startswith(b"#!OSCAR2013"):
        return "oscar2013"
    if head.startswith(b"OSCAR2008H"):
        return "oscar2008"
    if len(head) == 64 and parse_music_header(np.frombuffer(head, "<f4")) is not None:
        return "music"
    raise FileFormatError(file, "its format is not recognized", _OTHERS)


def _recognize_hdf5(file: Path) -> str:
    try:
        with h5py.File(file, "r") as h5:
            if "Event" in h5:
                return "jetdata"
            mark = h5.attrs.get("qtraj_format")
    except OSError as error:
        raise FileFormatError(file, f"HDF5 cannot open it ({error})", "Truncated?") from None
    if mark == FORMAT:
        return "netcdf"
    raise FileFormatError(file, "it is HDF5, but neither JetData.h5 nor qtraj's netCDF", _OTHERS)
