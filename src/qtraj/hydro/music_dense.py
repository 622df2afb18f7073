"""Reader for MUSIC's dense, headerless evolution file and for the run's music_input."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._checks import boolean, instance, integer, number, positive, settle
from ..errors import FileFormatError
from ..physics.medium_checks import MAX_T
from ._check import (
    check_last_line,
    existing_file,
    file_attrs,
    for_file,
    map_floats,
    uniform_axis,
    zero_is_outside,
)
from .field import Hydro


@dataclass(frozen=True)
class MusicGrid:
    """Grid of MUSIC's headerless ``evolution_xyeta.dat``: what the reader cannot know from the file.

    Parameters
    ----------
    tau0_fm, dtau_fm : float
        First frame and spacing of the frames in the file, fm/c.
    nx, ny : int
        Points in the file.
    dx_fm, dy_fm, x_min_fm, y_min_fm : float
        Spacing and first coordinate, fm.
    neta : int
        Slices in space-time rapidity; 1 for boost-invariant runs, 2 in their legacy form, of which only the
        second slice (eta = 0) is meant to be used.
    deta, eta_min : float
        Grid in rapidity of a 3+1D run.
    boost_invariant : bool
        Whether the run is.

    Raises
    ------
    InputError
        If a number is not positive, or the rapidity of a 3+1D run is not described.
    """

    tau0_fm: float
    dtau_fm: float
    nx: int
    dx_fm: float
    x_min_fm: float
    ny: int
    dy_fm: float
    y_min_fm: float
    neta: int = 1
    deta: float = 0.1
    eta_min: float = 0.0
    boost_invariant: bool = True

    def __post_init__(self) -> None:
        for name in ("nx", "ny", "neta"):
            settle(self, **{name: integer(name, getattr(self, name), 1)})
        for name in ("tau0_fm", "dtau_fm", "dx_fm", "dy_fm", "deta"):
            settle(self, **{name: positive(name, getattr(self, name), "be positive")})
        for name in ("x_min_fm", "y_min_fm", "eta_min"):
            settle(self, **{name: number(name, getattr(self, name))})
        settle(self, boost_invariant=boolean("boost_invariant", self.boost_invariant))


def read_music_dense(path: str | Path, grid: MusicGrid, *, binary: bool = True) -> Hydro:
    """Read MUSIC's dense, headerless ``evolution_xyeta.dat`` (``output_evolution_data 1``).

    Parameters
    ----------
    path : path-like
        Five float32 (or text columns) per cell: T [GeV], mu_B or QGP fraction, v_x, v_y, v_z; x fastest,
        then y, eta, tau.
    grid : MusicGrid
        The grid; `read_music_input` gets it from the run's ``music_input``.
    binary : bool, optional
        False for text (``outputBinaryEvolution 0``).

    Returns
    -------
    Hydro
        T = 0 becomes NaN; `vx`, `vy` as in the file.

    Raises
    ------
    FileFormatError
        If the file is missing, empty, truncated, or its length or values do not fit the grid.
    """
    instance("grid", grid, MusicGrid)
    binary = boolean("binary", binary)
    file = existing_file(path)
    values: NDArray[Any] = map_floats(file) if binary else _read_text(file)
    frame = 5 * grid.nx * grid.ny * grid.neta
    if len(values) % frame:
        raise FileFormatError(
            file,
            f"{len(values)} values are no whole number of frames of 5 x {grid.nx} x {grid.ny} x {grid.neta}",
            "Truncated, or the grid is not the one of this file.",
        )
    cells: NDArray[Any] = (
        np.array(values).reshape(-1, grid.neta, grid.ny, grid.nx, 5).transpose(0, 3, 2, 1, 4)
    )
    if (
        not np.all(np.isfinite(cells[..., [0, 2, 3]]))
        or np.any(cells[..., 0] < 0)
        or np.any(cells[..., 0] > MAX_T)
    ):
        raise FileFormatError(
            file,
            "T or v is NaN, T is negative or above 5 GeV",
            "Is it binary float32, and is the grid right?",
        )
    return for_file(file, lambda: _from_dense(file, grid, cells))


def _from_dense(file: Path, g: MusicGrid, cells: NDArray[Any]) -> Hydro:
    if g.boost_invariant:
        cells = cells[..., -1, :]  # the legacy form puts eta = 0 last
    T = zero_is_outside(cells[..., 0])
    return Hydro(
        tau_fm=uniform_axis(g.tau0_fm, g.dtau_fm, len(T)),
        x_fm=uniform_axis(g.x_min_fm, g.dx_fm, g.nx),
        y_fm=uniform_axis(g.y_min_fm, g.dy_fm, g.ny),
        eta=None if g.boost_invariant else uniform_axis(g.eta_min, g.deta, g.neta),
        T=T,
        vx=cells[..., 2],
        vy=cells[..., 3],
        attrs=file_attrs(file, "MUSIC evolution_xyeta.dat"),
    )


def _read_text(file: Path) -> NDArray[np.float64]:
    check_last_line(file)
    try:
        values = np.loadtxt(file, ndmin=2)
    except ValueError as error:
        raise FileFormatError(file, f"not five numbers per line: {error}".rstrip(".")) from None
    if values.shape[1] != 5:
        raise FileFormatError(file, f"{values.shape[1]} columns instead of 5")
    return values.reshape(-1)


def read_music_input(path: str | Path) -> tuple[MusicGrid, bool]:
    """Read the grid of ``evolution_xyeta.dat`` from the text file ``music_input`` of the run.

    Parameters
    ----------
    path : path-like
        The file ``music_input``.

    Returns
    -------
    grid : MusicGrid
        With dx = size/(n-1), x_min = -size/2 and deta = eta_size/n (as older MUSIC sets them) and the
        output's sub-sampling. Initial conditions that bring their own grid override these keys: give
        MusicGrid then.
    binary : bool
        Whether the run wrote binary files.

    Raises
    ------
    FileFormatError
        If a key is missing or not a number.
    """
    file = existing_file(path)
    keys = _parse_keys(file)

    def number(*names: str, default: float | None = None) -> float:
        for name in names:
            if name in keys:
                try:
                    return float(keys[name])
                except ValueError:
                    raise FileFormatError(file, f"{name} {keys[name]!r} is not a number") from None
        if default is None:
            raise FileFormatError(
                file, f"the key {names[0]} is missing", "Give the grid as MusicGrid instead."
            )
        return default

    every = {
        axis: int(number(f"output_evolution_every_N_{axis}", default=1)) for axis in ("timesteps", "x", "eta")
    }
    every["y"] = every["x"]  # MUSIC uses the step of x for y
    grid: dict[str, Any] = {}
    for axis in ("x", "y"):
        n, size = int(number(f"Grid_size_in_{axis}")), number(f"{axis.upper()}_grid_size_in_fm")
        grid[f"n{axis}"] = -(-n // every[axis])
        grid[f"d{axis}_fm"] = size / (n - 1) * every[axis]
        grid[f"{axis}_min_fm"] = -size / 2
    n_eta, eta_size = int(number("Grid_size_in_eta", default=1)), number("Eta_grid_size", default=0.1)
    boost_invariant = bool(number("boost_invariant", "Boost_invariant", default=float(n_eta <= 2)))
    return MusicGrid(
        tau0_fm=number("Initial_time_tau_0"),
        dtau_fm=number("Delta_Tau") * every["timesteps"],
        neta=-(-n_eta // every["eta"]),
        deta=eta_size / n_eta * every["eta"],
        eta_min=-eta_size / 2,
        boost_invariant=boost_invariant,
        **grid,
    ), bool(number("outputBinaryEvolution", default=0.0))


def _parse_keys(file: Path) -> dict[str, str]:
    keys: dict[str, str] = {}
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        words = line.split("#")[0].split()
        if words and words[0] == "EndOfData":
            break
        if len(words) >= 2:
            keys[words[0]] = words[1]
    return keys
