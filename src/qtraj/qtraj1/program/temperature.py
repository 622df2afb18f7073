"""Temperature of every time step by the rules of the original program.

Its flaws, which the rest of qtraj does not have:

- hbar c is 0.197326938 GeV fm, exact to seven digits;
- step n takes T at its start for its whole length: first order in dt;
- 1e-4 GeV is added to T and to lambda inside the logarithm of the spline and not subtracted again;
- Bjorken flow takes one step with T <= Tf, files drop the last step with T > Tf;
- maxSteps ends nothing but the constant medium.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from ...hydro.readers.qtraj_text import TemperatureTable, read_qtraj_averaged, read_qtraj_trajectories
from ..files.parameters import LegacyParameters

Float = NDArray[np.float64]

HBARC: Final = 0.197326938
"""hbar c of the original program in GeV fm; the constant of its C++ code."""

OFFSET: Final = 1e-4
"""GeV, added to T and lambda before the logarithm."""

BJORKEN, AVERAGED_FILE, TRAJECTORY_FILE, CONSTANT = range(4)
"""Values of temperatureEvolution."""


@dataclass(frozen=True, eq=False)
class Steps:
    """The medium in each time step; step n goes from t0 + n dt to t0 + (n + 1) dt.

    Parameters
    ----------
    T : ndarray, shape (steps,)
        Temperature in GeV at the start of each step, 0 where there is no medium.
    xi : ndarray, shape (steps,)
        Anisotropy ((alpha_x + alpha_y) / (2 alpha_z))^2 - 1.
    hard_scale : ndarray, shape (steps,)
        lambda in GeV.
    first_medium : int
        Number of vacuum steps before tmed, at most `total`.
    t0, dt : float
        Time of step 0 and length of a step in GeV^-1.
    metadata : str
        Metadata lines of a trajectory file joined by tabs; empty for the other media.
    """

    T: Float
    xi: Float
    hard_scale: Float
    first_medium: int
    t0: float
    dt: float
    metadata: str = ""

    @property
    def total(self) -> int:
        """Number of steps."""
        return len(self.T)

    def time_fm(self, step: int) -> float:
        """Return the time in fm/c at the start of `step`, with the hbar c of the original."""
        return (self.t0 + step * self.dt) * HBARC


def histories(p: LegacyParameters, directory: Path) -> Iterator[Steps]:
    """Yield the media of a run: one, or one for each block of a trajectory file.

    Relative file names count from `directory`, the folder in which the run was started.

    Raises
    ------
    FileFormatError
        If the temperature file is missing or not in its layout.
    """
    if p.temperatureEvolution == BJORKEN:
        yield _bjorken(p)
    elif p.temperatureEvolution == CONSTANT:
        t = p.t0 + p.dt * np.arange(p.maxSteps)
        yield _isotropic(p, np.where(t >= p.tmed, p.T0, 0.0))
    elif p.temperatureEvolution == AVERAGED_FILE:
        yield _tabulated(p, read_qtraj_averaged(directory / str(p.temperatureFile)), "")
    else:
        file = directory / str(p.temperatureFile)
        for table, metadata in zip(read_qtraj_trajectories(file), _metadata(file), strict=False):
            yield _tabulated(p, table, metadata)


def _bjorken(p: LegacyParameters) -> Steps:
    """Return the steps of T = T0 (tmed/t)^(1/3) up to and with the first one with T <= Tf."""
    end = p.tmed * (p.T0 / p.Tf) ** 3
    t = p.t0 + p.dt * np.arange(int((end - p.t0) / p.dt) + 3)
    T = np.where(t >= p.tmed, p.T0 * np.cbrt(p.tmed / np.maximum(t, p.tmed)), 0.0)
    last = int(np.flatnonzero((t >= p.tmed) & (p.Tf >= T))[0])
    return _isotropic(p, T[: last + 1])


def _tabulated(p: LegacyParameters, table: TemperatureTable, metadata: str) -> Steps:
    tau = table.tau_fm / HBARC
    t = p.t0 + p.dt * np.arange(int(max(tau[-1] - p.t0, 0.0) / p.dt) + 2)
    inside = (t >= max(p.tmed, tau[0])) & (t <= tau[-1])
    log_tau, log_t = np.log(tau), np.log(t[inside])

    # natural cubic splines in (ln tau, ln T), as the original's
    def interpolated(values: Float, outside: float, offset: float = 0.0) -> Float:
        out = np.full(len(t), outside)
        out[inside] = np.exp(_spline(log_tau, np.log(values + offset), log_t))
        return out

    T = interpolated(table.T, 0.0, OFFSET)
    # colder than Tf is no medium
    T[p.Tf >= T] = 0.0
    acting = np.flatnonzero(T)
    # the index of the last hot step, not one more: the flaw of files named above
    total = int(acting[-1]) if acting.size else 0
    if table.anisotropy is None or table.hard_scale is None:
        return _isotropic(p, T[:total], metadata)
    x, y, z = (interpolated(alpha, 1.0)[:total] for alpha in table.anisotropy.T)
    hard_scale = interpolated(table.hard_scale, 0.0, OFFSET)[:total]
    xi = ((x + y) / (2 * z)) ** 2 - 1
    return _steps(p, T[:total], xi, hard_scale, metadata)


def _spline(x: Float, y: Float, at: Float) -> Float:
    if len(x) == 2:
        return np.asarray(np.interp(at, x, y))
    return np.asarray(CubicSpline(x, y, bc_type="natural")(at))


def _isotropic(p: LegacyParameters, T: Float, metadata: str = "") -> Steps:
    return _steps(p, T, np.zeros_like(T), T, metadata)


def _steps(p: LegacyParameters, T: Float, xi: Float, hard_scale: Float, metadata: str) -> Steps:
    first_medium = int(np.count_nonzero(p.t0 + p.dt * np.arange(len(T)) < p.tmed))
    return Steps(T, xi, hard_scale, first_medium, p.t0, p.dt, metadata)


def _metadata(file: Path) -> Iterator[str]:
    """Iterate over the metadata of the blocks of a trajectory file, text unchanged."""
    with gzip.open(file, "rt") if file.suffix == ".gz" else file.open(encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                yield "\t".join(text.strip() for text in islice(lines, int(line.split()[0])))
                points = int(next(lines).split()[0])
                for _ in islice(lines, points):
                    pass
