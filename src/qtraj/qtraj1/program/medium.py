"""The medium of every time step by the rules of the original program: its temperature, and what a pair feels in it.

Flaws of the original, which the rest of qtraj does not have:

- hbar c is 0.197326938 GeV fm, exact to seven digits;
- step n takes T at its start for its whole length: first order in dt;
- 1e-4 GeV is added to T and to lambda inside the logarithm of the spline and not subtracted again;
- Bjorken flow takes one step with T <= Tf, files drop the last step with T > Tf;
- maxSteps ends nothing but the constant medium.

What a pair feels here is diagonal in r: potential, medium shift and width; the centrifugal and kinetic terms belong to
the steppers. `QTrajKSUPotential` is the KSU potential as the C++ code QTraj-NLO 2.1 has it, for the comparison with its
results and for nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from ...hydro.readers.qtraj_text import TemperatureTable, read_qtraj_averaged, read_qtraj_trajectories
from ...physics.model import OCTET_WIDTH
from ...physics.potentials.coulomb import COLORS, CoulombPotential
from ...physics.potentials.ksu import KSUPotential, landau_damping
from ...physics.transport import Transport
from ..files.parameters import LegacyParameters
from ..files.text import lines_of

Complex = NDArray[np.complex128]
Float = NDArray[np.float64]

HBARC: Final = 0.197326938
"""hbar c of the original program in GeV fm; the constant of its C++ code."""

OFFSET: Final = 1e-4
"""GeV, added to T and lambda before the logarithm."""

BJORKEN, AVERAGED_FILE, TRAJECTORY_FILE, CONSTANT = range(4)
"""Values of temperatureEvolution."""


@dataclass(frozen=True, eq=False)
class Steps:
    """The medium in each time step; step n goes from t0 + n dt to t0 + (n + 1) dt, times in GeV^-1.

    `T`, `xi` and `hard_scale` (steps,) are temperature in GeV at the start of the step, 0 where there is no medium,
    anisotropy ((alpha_x + alpha_y) / (2 alpha_z))^2 - 1, and lambda in GeV. `first_medium` vacuum steps come before
    tmed. `metadata` are the metadata lines of a trajectory file joined by tabs.
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

    def same_as_before(self, n: int) -> bool:
        """Return whether the medium of step `n` is that of step n - 1, so that factors may be used again."""
        media = (self.T, self.xi, self.hard_scale)
        return n > 0 and all(bool(values[n] == values[n - 1]) for values in media)


def histories(p: LegacyParameters, directory: Path) -> Iterator[Steps]:
    """Yield the media of a run: one, or one for each block of a trajectory file; file names count from `directory`."""
    file = directory / str(p.temperatureFile)
    if p.temperatureEvolution == BJORKEN:
        yield _bjorken(p)
    elif p.temperatureEvolution == CONSTANT:
        t = p.t0 + p.dt * np.arange(p.maxSteps)
        yield _steps(p, np.where(t >= p.tmed, p.T0, 0.0))
    elif p.temperatureEvolution == AVERAGED_FILE:
        yield _tabulated(p, read_qtraj_averaged(file))
    else:
        for table, metadata in zip(read_qtraj_trajectories(file), _metadata(file), strict=False):
            yield _tabulated(p, table, metadata)


def _bjorken(p: LegacyParameters) -> Steps:
    """Return the steps of T = T0 (tmed/t)^(1/3) up to and with the first one with T <= Tf."""
    end = p.tmed * (p.T0 / p.Tf) ** 3
    t = p.t0 + p.dt * np.arange(int((end - p.t0) / p.dt) + 3)
    T = np.where(t >= p.tmed, p.T0 * np.cbrt(p.tmed / np.maximum(t, p.tmed)), 0.0)
    last = int(np.flatnonzero((t >= p.tmed) & (p.Tf >= T))[0])
    return _steps(p, T[: last + 1])


def _tabulated(p: LegacyParameters, table: TemperatureTable, metadata: str = "") -> Steps:
    tau = table.tau_fm / HBARC
    t = p.t0 + p.dt * np.arange(int(max(tau[-1] - p.t0, 0.0) / p.dt) + 2)
    inside = (t >= max(p.tmed, tau[0])) & (t <= tau[-1])
    log_tau, log_t = np.log(tau), np.log(t[inside])

    # natural cubic splines in (ln tau, ln T), as the original's
    def interpolated(values: Float, outside: float, offset: float = 0.0) -> Float:
        out = np.full(len(t), outside)
        out[inside] = np.exp(CubicSpline(log_tau, np.log(values + offset), bc_type="natural")(log_t))
        return out

    T = interpolated(table.T, 0.0, OFFSET)
    # colder than Tf is no medium
    T[p.Tf >= T] = 0.0
    acting = np.flatnonzero(T)
    # the index of the last hot step, not one more: the flaw of files named above
    total = int(acting[-1]) if acting.size else 0
    if table.anisotropy is None or table.hard_scale is None:
        return _steps(p, T[:total], metadata=metadata)
    x, y, z = (interpolated(alpha, 1.0)[:total] for alpha in table.anisotropy.T)
    hard_scale = interpolated(table.hard_scale, 0.0, OFFSET)[:total]
    return _steps(p, T[:total], ((x + y) / (2 * z)) ** 2 - 1, hard_scale, metadata)


def _steps(
    p: LegacyParameters,
    T: Float,
    xi: Float | None = None,
    hard_scale: Float | None = None,
    metadata: str = "",
) -> Steps:
    """Return steps from t0 on; without `xi` and `hard_scale` the medium is isotropic."""
    first_medium = int(np.count_nonzero(p.t0 + p.dt * np.arange(len(T)) < p.tmed))
    xi, hard_scale = np.zeros_like(T) if xi is None else xi, T if hard_scale is None else hard_scale
    return Steps(T, xi, hard_scale, first_medium, p.t0, p.dt, metadata)


def _metadata(file: Path) -> Iterator[str]:
    """Iterate over the metadata of the blocks of a trajectory file, text unchanged."""
    lines = lines_of(file)
    for line in lines:
        if line.strip():
            yield "\t".join(text.strip() for text in islice(lines, int(line.split()[0])))
            points = int(next(lines).split()[0])
            next(islice(lines, points, points), None)  # consumes the points


# thresholds of the C++ code: temperature in GeV below which V is the vacuum's, anisotropy below which f is a series
_VACUUM_BELOW_T: Final = 1e-8
_SERIES_BELOW_XI: Final = 1e-4


@dataclass(frozen=True)
class QTrajKSUPotential(KSUPotential):
    """`KSUPotential` with the departures of QTraj-NLO 2.1, potentials 1 (xi = 0, lambda = T) and 2.

    Notes
    -----
    1. Where the screened potential exceeds V_vac(r_SB), Re V is V_vac(r), not V_vac(r_SB): it jumps down where the
       screened potential exceeds the ceiling at r < r_SB, which it does below T = 0.13 GeV.
    2. Im V contains the isotropic m_D(T); lambda is a prefactor only.
    3. For xi < 1e-4, negative values included, f(xi) is the series 1 - 2 xi^2/45 + 44 xi^3/945 - 8 xi^4/189.
    4. Below T = 1e-8 GeV the potential is the vacuum's.
    5. hbar c is 0.197326938 GeV fm.

    The cut T > 0.1 GeV of the running coupling is the parent's, too: there C_F alpha_s(2 pi T) = 1.07, far above alpha,
    so the coupling is frozen long before. Masses agree with the C++ code to 1e-12, survivals to 3e-7: it integrates
    phi numerically.
    """

    @property
    def string_breaking(self) -> float:
        """r_SB in GeV^-1 with the constant of the C++ code."""
        return self.string_breaking_fm / HBARC

    def real_part(self, r: Float, T: Float, xi: Float) -> Float:
        """Return Re V in GeV, shape (nt, nr)."""
        screened = self.screened(r, np.sqrt(_anisotropy_factor(xi)) * self.debye_mass(T))
        hot = T[:, None] >= _VACUUM_BELOW_T
        return np.where(hot & (screened <= self.ceiling), screened, self.vacuum(r, "singlet"))

    def imaginary_part(self, r: Float, T: Float, xi: Float, hard_scale: Float) -> Float:
        """Return Im V in GeV, shape (nt, nr)."""
        strength = self.coupling(T) * hard_scale / np.sqrt(1 + xi / 3)
        strength = np.where(_VACUUM_BELOW_T <= T, strength, 0.0)
        return np.asarray(-strength[:, None] * landau_damping(np.outer(self.debye_mass(T), r)))


def _anisotropy_factor(xi: Float) -> Float:
    """f(xi) by the series below 1e-4, and by the form for xi > 0 above."""
    positive = np.maximum(xi, _SERIES_BELOW_XI)
    angle = np.arcsin(np.sqrt(positive / (1 + positive)))
    closed = np.sqrt(2) * (1 + positive) * angle
    closed /= np.sqrt(positive) * np.sqrt(1 + positive + (1 + positive) ** 2 * angle / np.sqrt(positive))
    series = 1 - 2 * xi**2 / 45 + 44 * xi**3 / 945 - 8 * xi**4 / 189
    return np.where(xi < _SERIES_BELOW_XI, series, closed)


T_C: Final = 0.150
"""GeV; critical temperature of the kappa_hat fits in the original."""

WIDTHS: Final = (1.0, OCTET_WIDTH)
"""Gamma_c/(kappa r^2) of singlet and octet."""

BLOCK: Final = 64
"""Steps for which a screened potential is evaluated at a time."""


class Munich:
    """Coulomb potential with (gamma/2 - i kappa/2) r^2, for the octet times 7/16: arXiv:2107.06147, eqs. (2.2)-(2.9).

    `kappa` and `gamma` (steps,) are in GeV^3; `potential` (2, num) is that of singlet and octet, and `vacuum` (num,)
    that of the singlet, in GeV.
    """

    def __init__(self, p: LegacyParameters, steps: Steps, r: Float) -> None:
        self.steps = steps
        # no medium, no coefficients: the fits have a pole near T = 0
        on = steps.T > 0
        self.kappa, self.gamma = np.zeros_like(steps.T), np.zeros_like(steps.T)
        transport = Transport(kappa=p.kappa_hat, gamma=p.gam, T_c=T_C)
        self.kappa[on], self.gamma[on] = transport.at(steps.T[on])
        coulomb = CoulombPotential(p.alpha)
        self.potential = np.array([coulomb.vacuum(r, color) for color in COLORS])
        self.vacuum: Float = self.potential[0]
        self._r_squared = r**2

    def local(self, color: int, n: int) -> Complex:
        """Return V_c + g_c (gamma - i kappa) r^2/2 of step `n` in GeV, shape (num,); color 0 singlet, 1 octet."""
        medium = 0.5 * WIDTHS[color] * (self.gamma[n] - 1j * self.kappa[n])
        return np.asarray(self.potential[color] + medium * self._r_squared)


class Screened:
    """KSU potentials as the original has them, complex, without jumps; `QTrajKSUPotential` names its flaws.

    Potential 1 ignores the anisotropy of the medium, 2 takes it. `vacuum` (num,) is in GeV.
    """

    def __init__(self, p: LegacyParameters, steps: Steps, r: Float) -> None:
        self.steps, self._r = steps, r
        self._potential = QTrajKSUPotential(alpha=p.alpha, md_factor=p.mdfac)
        self.vacuum = self._potential.vacuum(r, "singlet")
        isotropic = p.potential == 1
        self._xi = np.zeros_like(steps.T) if isotropic else steps.xi
        self._hard_scale = steps.T if isotropic else steps.hard_scale
        self._block: tuple[int, Complex] = (-1, np.empty((0, len(r)), dtype=complex))

    def local(self, color: int, n: int) -> Complex:
        """Return V(r) in the medium of step `n` in GeV, shape (num,); the octet has none and is refused."""
        # evaluated for 64 steps at once: the functions of r cost more for one step than for many
        block, inside = divmod(n, BLOCK)
        if self._block[0] != block or color != 0:
            part = slice(block * BLOCK, (block + 1) * BLOCK)
            media = self.steps.T[part], self._xi[part], self._hard_scale[part]
            self._block = (block, self._potential.medium(self._r, COLORS[color], *media))
        return np.asarray(self._block[1][inside])


Interaction = Munich | Screened
"""Local part of the effective Hamiltonian, as the steppers use it."""


def make_interaction(p: LegacyParameters, steps: Steps, r: Float) -> Interaction:
    """Return the interaction that the parameters ask for, on the points `r` in GeV^-1."""
    return Munich(p, steps, r) if p.potential == 0 else Screened(p, steps, r)
