"""``snapshot_<step>.tsv`` of QTraj 1.0: the wave function on a part of the grid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..._checks import complex_array, float_array, integer, positive
from ..._checks import path as path_of
from ...errors import InputError
from .text import Float, lines_of, numbers, write_lines

Complex = NDArray[np.complex128]

COLUMNS: Final = 4


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A wave function at one step.

    Parameters
    ----------
    r : array_like, shape (n,)
        Points in GeV^-1, with the walls.
    u : array_like of complex, shape (n,)
        u(r) in GeV^(1/2), not normalized.
    magnitude : array_like, shape (n,), optional
        abs(u) in GeV^(1/2) as the file has it: of a u with more digits than the file shows. Default abs(u).

    Raises
    ------
    InputError
        If shapes differ or a number is not finite.
    """

    r: Float
    u: Complex
    magnitude: Float | None = None

    def __post_init__(self) -> None:
        r = float_array("r", self.r)
        u = complex_array("u", self.u).astype(np.complex128)
        magnitude = np.abs(u) if self.magnitude is None else float_array("magnitude", self.magnitude)
        for name, values in (("r", r), ("u", u), ("magnitude", magnitude)):
            if values.shape != (r.size,) or r.size == 0 or not np.all(np.isfinite(values)):
                raise InputError(name, values.shape, f"be finite, of one shape (n,), here ({r.size},)")
            object.__setattr__(self, name, values)

    def __len__(self) -> int:
        return len(self.r)


def thinned(u: ArrayLike, length: float, points: int) -> Snapshot:
    """Return what QTraj 1.0 keeps of a wave function: both walls and every (num // points)-th point, from r = dx on.

    Parameters
    ----------
    u : array_like of complex, shape (num,)
        In GeV^(1/2), on the grid r_i = (i + 1) dx, dx = length/(num + 1).
    length : float
        Length of the box in GeV^-1.
    points : int
        The parameter ``snapPts``, 1 to num.

    Returns
    -------
    Snapshot
        The points kept.

    Raises
    ------
    InputError
        If `points` is out of range.
    """
    u = complex_array("u", u).astype(np.complex128)
    if u.ndim != 1 or not len(u) or not np.all(np.isfinite(u)):
        raise InputError("u", u.shape, "be a list of finite numbers")
    length = positive("length", length, "be a positive length in GeV^-1")
    points = integer("points", points, 1, len(u), f"be from 1 to num = {len(u)}")
    kept = np.arange(0, len(u), len(u) // points)
    r = (kept + 1) * (length / (len(u) + 1))
    return Snapshot(np.concatenate([[0.0], r, [length]]), np.concatenate([[0.0], u[kept], [0.0]]))


def read_snapshot(path: str | Path) -> Snapshot:
    """Read a ``snapshot_<step>.tsv``, plain or gzip.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    Snapshot
        Points and wave function, of n points with the walls.

    Raises
    ------
    FileFormatError
        Naming file and line, for a missing, empty, truncated or damaged file.
    """
    values = numbers(path, list(lines_of(path)), COLUMNS)
    u = np.empty(len(values), dtype=np.complex128)
    # one by one: adding i times the imaginary part would lose the sign of a zero
    u.real, u.imag = values[:, 2], values[:, 3]
    return Snapshot(values[:, 0], u, values[:, 1])


def write_snapshot(
    path: str | Path, r: ArrayLike, u: ArrayLike, *, magnitude: ArrayLike | None = None
) -> Path:
    """Write a ``snapshot_<step>.tsv`` as QTraj 1.0 does: r, abs(u), Re u, Im u on six significant digits.

    Parameters
    ----------
    path : str or Path
        The file; gzip if the name ends in ``.gz``.
    r, u, magnitude : array_like, shape (n,)
        As in `Snapshot`; `thinned` picks the points that the original writes.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        If shapes differ or a number is not finite.
    FileFormatError
        If the file cannot be written.
    """
    path = path_of("path", path)
    # Snapshot checks the arrays
    snapshot = Snapshot(cast("Float", r), cast("Complex", u), cast("Float | None", magnitude))
    return write_lines(path, snapshot_lines(snapshot))


def snapshot_lines(snapshot: Snapshot) -> Iterator[str]:
    """Yield the lines of a ``snapshot_<step>.tsv``."""
    columns = np.stack([snapshot.r, np.asarray(snapshot.magnitude), snapshot.u.real, snapshot.u.imag], axis=1)
    for row in columns.tolist():
        yield "\t".join(f"{value:g}" for value in row)
