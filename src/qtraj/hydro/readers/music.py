"""Reader for MUSIC's sparse evolution file (github.com/MUSIC-fluid/MUSIC, src/grid_info.cpp)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import FileFormatError
from .._check import decimal, existing_file, file_attrs, for_file, map_floats, uniform_axis
from ..field import Hydro

# float32 counts integers exactly up to here; an index beyond it is not an index
_LARGEST_INDEX = 2**24


@dataclass(frozen=True)
class MusicHeader:
    """Header of ``evolution_all_xyeta.dat``.

    Parameters
    ----------
    tau0_fm, dtau_fm : float
        First frame and spacing, fm/c.
    nx, ny, neta : int
        Points; an index equal to `nx` may occur, because MUSIC rounds down here and up when it writes.
    dx_fm, dy_fm, x_min_fm, y_min_fm : float
        Transverse grid, fm.
    deta, eta_min : float
        Grid in space-time rapidity; no meaning if `neta` is 1.
    n_floats : int
        Length of the header in float32.
    n_var : int
        float32 values of each record.
    ux_column : int
        Column of u^x.
    """

    tau0_fm: float
    dtau_fm: float
    nx: int
    dx_fm: float
    x_min_fm: float
    ny: int
    dy_fm: float
    y_min_fm: float
    neta: int
    deta: float
    eta_min: float
    n_floats: int
    n_var: int
    ux_column: int


def parse_music_header(head: NDArray[np.float32]) -> MusicHeader | None:
    """Return the header in the first 16 float32 of a file, or None if this is no MUSIC evolution file.

    ``output_evolution_data 2`` writes 16 floats with four flags and 11 + 2 rhob + 5 shear + bulk + 3 diff
    columns, u^x in column 8; ``output_evolution_data 4`` (vorticity) writes 12 floats and 35 columns without
    cs2, u^x in column 7.
    """
    if len(head) < 16 or not np.all(np.isfinite(head[:12])):
        return None
    tau0, dtau, nx, dx, x_min, ny, dy, y_min, neta, deta, eta_min = (decimal(v) for v in head[:11])
    counts_ok = all(n == int(n) and 1 <= n < _LARGEST_INDEX for n in (nx, ny, neta))
    if not counts_ok or min(tau0, dtau, dx, dy, deta) <= 0:
        return None
    flags = head[11:15]
    if np.all((flags == 0) | (flags == 1)) and head[15] == 11 + flags @ np.array([2, 5, 1, 3], "f4"):
        layout = 16, int(head[15]), 8
    elif head[11] == 35:
        layout = 12, 35, 7
    else:
        return None
    n_floats, n_var, ux_column = layout
    return MusicHeader(
        tau0_fm=tau0,
        dtau_fm=dtau,
        nx=int(nx),
        dx_fm=dx,
        x_min_fm=x_min,
        ny=int(ny),
        dy_fm=dy,
        y_min_fm=y_min,
        neta=int(neta),
        deta=deta,
        eta_min=eta_min,
        n_floats=n_floats,
        n_var=n_var,
        ux_column=ux_column,
    )


def read_music(path: str | Path) -> Hydro:
    """Read MUSIC's sparse ``evolution_all_xyeta.dat`` (``output_evolution_data`` 2 or 4).

    The file is memory-mapped and only the columns of indices, T, u^x and u^y are copied. A file cut off
    between two records looks complete here; `histories_along` refuses a run that ends hot.

    Parameters
    ----------
    path : path-like
        The file, little-endian float32.

    Returns
    -------
    Hydro
        NaN for the cells below MUSIC's output cut. `vx`, `vy` for boost-invariant runs only (the third
        component of the velocity means different things in different versions of MUSIC).

    Raises
    ------
    FileFormatError
        If the file is missing, empty, truncated, not in this layout, or holds values that cannot be meant.
    """
    file = existing_file(path)
    floats = map_floats(file)
    header = parse_music_header(np.array(floats[:16]))
    if header is None:
        raise FileFormatError(
            file,
            "the first 16 floats are no header of MUSIC's evolution_all_xyeta.dat",
            "evolution_xyeta.dat has no header: use read_music_dense.",
        )
    n_values = len(floats) - header.n_floats
    if n_values == 0 or n_values % header.n_var:
        raise FileFormatError(
            file,
            f"{n_values} values after the header are no whole number of records of {header.n_var}: truncated",
            "Copy the file again.",
        )
    records = floats[header.n_floats :].reshape(-1, header.n_var)
    return for_file(file, lambda: _from_records(file, header, records))


def _from_records(file: Path, h: MusicHeader, records: NDArray[np.float32]) -> Hydro:
    index = _indices(file, h, records)
    shape = tuple(max(n, int(i.max()) + 1) for n, i in zip((0, h.nx, h.ny, h.neta), index, strict=True))
    flat = np.ravel_multi_index(index, shape)
    T = _scatter(flat, records[:, 6], shape)
    if np.count_nonzero(~np.isnan(T)) != len(records):
        raise FileFormatError(
            file, "some cells occur twice, or hold T = NaN", "Was a second run appended to it?"
        )
    boost_invariant = shape[3] == 1
    vx = vy = None
    if boost_invariant:
        ux, uy = (np.array(records[:, h.ux_column + i], dtype=float) for i in (0, 1))
        gamma = np.sqrt(1.0 + ux**2 + uy**2)
        vx, vy = (_scatter(flat, (u / gamma).astype("f4"), shape)[..., 0] for u in (ux, uy))
    return Hydro(
        tau_fm=uniform_axis(h.tau0_fm, h.dtau_fm, shape[0]),
        x_fm=uniform_axis(h.x_min_fm, h.dx_fm, shape[1]),
        y_fm=uniform_axis(h.y_min_fm, h.dy_fm, shape[2]),
        eta=None if boost_invariant else uniform_axis(h.eta_min, h.deta, shape[3]),
        T=T[..., 0] if boost_invariant else T,
        vx=vx,
        vy=vy,
        attrs=file_attrs(file, "MUSIC evolution_all_xyeta.dat"),
    )


def _scatter(
    flat: NDArray[np.intp], column: NDArray[np.float32], shape: tuple[int, ...]
) -> NDArray[np.float32]:
    field = np.full(int(np.prod(shape)), np.nan, dtype="f4")
    field[flat] = column
    return field.reshape(shape)


def _indices(file: Path, h: MusicHeader, records: NDArray[np.float32]) -> tuple[NDArray[np.intp], ...]:
    """Return (itau, ix, iy, ieta) after checking them against the header."""
    columns = np.array(records[:, :4])
    whole = np.isfinite(columns) & (columns >= 0) & (columns < _LARGEST_INDEX)
    if not np.all(whole) or np.any(columns != np.floor(columns)):
        raise FileFormatError(file, "the first four columns are no indices", "Is it really MUSIC output?")
    itau, ix, iy, ieta = columns.T.astype(np.intp)
    for name, i, n in (("ix", ix, h.nx), ("iy", iy, h.ny), ("ieta", ieta, h.neta)):
        if i.max() > n:  # i = n is legal, see MusicHeader
            raise FileFormatError(file, f"index {name} = {i.max()} is outside the grid of {n} points")
    if len(np.unique(itau)) < 2:
        raise FileFormatError(file, "it holds a single frame", "A run needs at least two.")
    return itau, ix, iy, ieta
