"""The time steps of the original program: the temperature of each, what a pair feels in it, and how it moves.

Flaws of the original, which the rest of qtraj does not have:

- hbar c is 0.197326938 GeV fm, exact to seven digits;
- step n takes T at its start for its whole length: first order in dt;
- 1e-4 GeV is added to T and to lambda inside the logarithm of the spline and not subtracted again;
- Bjorken flow takes one step with T <= Tf, files drop the last step with T > Tf;
- maxSteps ends nothing but the constant medium.

`QTrajKSUPotential` is the KSU potential as the C++ code QTraj-NLO 2.1 has it, for the comparison with its
results and for nothing else.

The split step is the algorithm of arXiv:2107.06147,

    u(t + dt) = exp(-i V_eff dt/2) exp(-i p_r^2 dt/(2m)) exp(-i V_eff dt/2) u(t) ,

where V_eff holds potential, centrifugal term, medium shift and -i Gamma/2, and the kinetic factor acts between two
type-I sine transforms. Crank-Nicolson is that of the successor of the program,

    (1 + i H_eff dt/2) u(t + dt) = (1 - i H_eff dt/2) u(t) .

There p^2 is the second difference and p the centered first difference, so H_eff is tridiagonal. At NLO
(arXiv:2205.10289) H_eff has, beside the width below, the term kappa/(4 M T) {r_i, p_i}, for the octet times 7/16; on
u = r R it is the symmetrized product -i (r d/dr + d/dr r), hermitian on the grid, too.

    Gamma_s = kappa [ r^2 - 3/(2MT) - 2 a r + p^2/(4 M^2 T^2) + a/(M T r) + a^2 ],    a = N_c alpha_s/(8T), M = 2 m
    Gamma_o = (kappa/8) [ the same with a -> -a ] + (5 kappa/16) [ the same with a = 0 ]

Flaws of the original: where there is no medium
(T = 0) the NLO terms are left out; its jumps at NLO take direction-averaged rates (`run.run_legacy` refuses them).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.linalg.lapack import zgtsv

from ..._types import Complex, Float, Integer
from ...errors import QtrajError
from ...hydro.readers.qtraj_text import TemperatureTable, read_qtraj_averaged, read_qtraj_trajectories
from ...physics.model import OCTET_WIDTH
from ...physics.potentials.coulomb import COLORS, CoulombPotential
from ...physics.potentials.ksu import KSUPotential, landau_damping
from ...physics.transport import Transport
from ...radial.sine import SineGrid
from ...units import C_F, N_C, OCTET_DIMENSION
from ..files.parameters import LegacyParameters
from ..files.text import lines_of

HBARC: Final = 0.197326938  # hbar c of the original program in GeV fm; the constant of its C++ code
OFFSET: Final = 1e-4  # GeV, added to T and lambda before the logarithm
BJORKEN, AVERAGED_FILE, TRAJECTORY_FILE, CONSTANT = range(4)  # values of temperatureEvolution


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

    @cached_property
    def began(self) -> Integer:
        """Step at which the medium of each step began, shape (steps,): factors of the one serve the other, too."""
        media = np.stack([self.T, self.xi, self.hard_scale])
        new = np.any(np.diff(media, axis=1, prepend=np.nan) != 0, axis=0)
        return np.maximum.accumulate(np.where(new, np.arange(self.total), 0))


def histories(p: LegacyParameters, directory: Path) -> Iterator[Steps]:
    """Yield the media of a run: one, or one for each block of a trajectory file; file names count from `directory`."""
    file = directory / str(p.temperatureFile)
    if p.temperatureEvolution == BJORKEN:
        # T = T0 (tmed/t)^(1/3) up to and with the first step with T <= Tf
        end = p.tmed * (p.T0 / p.Tf) ** 3
        t = p.t0 + p.dt * np.arange(int((end - p.t0) / p.dt) + 3)
        T = np.where(t >= p.tmed, p.T0 * np.cbrt(p.tmed / np.maximum(t, p.tmed)), 0.0)
        last = int(np.flatnonzero((t >= p.tmed) & (p.Tf >= T))[0])
        yield _steps(p, T[: last + 1])
    elif p.temperatureEvolution == CONSTANT:
        t = p.t0 + p.dt * np.arange(p.maxSteps)
        yield _steps(p, np.where(t >= p.tmed, p.T0, 0.0))
    elif p.temperatureEvolution == AVERAGED_FILE:
        yield _tabulated(p, read_qtraj_averaged(file), "")
    else:
        lines = lines_of(file)  # a second time, for the metadata of each block as the file spells them
        for table in read_qtraj_trajectories(file):
            count = next(line for line in lines if line.strip())
            metadata = "\t".join(text.strip() for text in islice(lines, int(count.split()[0])))
            points = int(next(lines).split()[0])
            next(islice(lines, points, points), None)  # consumes the points
            yield _tabulated(p, table, metadata)


def _tabulated(p: LegacyParameters, table: TemperatureTable, metadata: str) -> Steps:
    """Return the steps of a table, by natural cubic splines in (ln tau, ln T), as the original's."""
    tau = table.tau_fm / HBARC
    t = p.t0 + p.dt * np.arange(int(max(tau[-1] - p.t0, 0.0) / p.dt) + 2)
    inside = (t >= max(p.tmed, tau[0])) & (t <= tau[-1])
    log_tau, log_t = np.log(tau), np.log(t[inside])

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
        # f(xi) by the series below 1e-4, and by the form for xi > 0 above
        positive = np.maximum(xi, _SERIES_BELOW_XI)
        angle = np.arcsin(np.sqrt(positive / (1 + positive)))
        closed = np.sqrt(2) * (1 + positive) * angle
        closed /= np.sqrt(positive) * np.sqrt(1 + positive + (1 + positive) ** 2 * angle / np.sqrt(positive))
        series = 1 - 2 * xi**2 / 45 + 44 * xi**3 / 945 - 8 * xi**4 / 189
        f = np.where(xi < _SERIES_BELOW_XI, series, closed)
        screened = self.screened(r, np.sqrt(f) * self.debye_mass(T))
        hot = T[:, None] >= _VACUUM_BELOW_T
        return np.where(hot & (screened <= self.ceiling), screened, self.vacuum(r, "singlet"))

    def imaginary_part(self, r: Float, T: Float, xi: Float, hard_scale: Float) -> Float:
        """Return Im V in GeV, shape (nt, nr)."""
        strength = self.coupling(T) * hard_scale / np.sqrt(1 + xi / 3)
        strength = np.where(_VACUUM_BELOW_T <= T, strength, 0.0)
        return np.asarray(-strength[:, None] * landau_damping(np.outer(self.debye_mass(T), r)))


T_C: Final = 0.150  # GeV; critical temperature of the kappa_hat fits in the original
WIDTHS: Final = (1.0, OCTET_WIDTH)  # Gamma_c/(kappa r^2) of singlet and octet
BLOCK: Final = 64  # steps for which a screened potential is evaluated at a time


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
        """Return V(r) in the medium of step `n` in GeV, shape (num,); `run` refuses octets with this potential."""
        # evaluated for 64 steps at once: the functions of r cost more for one step than for many
        block, inside = divmod(n, BLOCK)
        if self._block[0] != block:
            part = slice(block * BLOCK, (block + 1) * BLOCK)
            media = self.steps.T[part], self._xi[part], self._hard_scale[part]
            self._block = (block, self._potential.medium(self._r, COLORS[color], *media))
        return np.asarray(self._block[1][inside])


Interaction = Munich | Screened  # Local part of the effective Hamiltonian, as the steppers use it


# weight of the octet's width that leads to the singlet; the rest of 7/16 stays in the octet
TO_SINGLET = 1 / OCTET_DIMENSION


def sectors(color: Integer, l: Integer) -> tuple[list[tuple[int, int]], Integer]:
    """Return the different (color, l) of a batch, and the index of each row into them, shape (B,)."""
    if len(color) == 1:
        return [(int(color[0]), int(l[0]))], np.zeros(1, dtype=np.int64)
    codes, index = np.unique(2 * l + color, return_inverse=True)
    return [(int(code) % 2, int(code) // 2) for code in codes], index


class SplitStep:
    """The split step on the sine grid; `m` is the reduced mass in GeV, `dt` the time step in GeV^-1."""

    def __init__(self, grid: SineGrid, interaction: Interaction, m: float, dt: float) -> None:
        self._grid, self._began = grid, interaction.steps.began
        self._kinetic = np.exp(-1j * dt * grid.kinetic(2 * m))  # heavy-quark mass 2 m: k^2/(2 m)
        centrifugal = 1 / (2 * m * grid.r**2)
        self._barrier = cache(lambda l: np.exp(-0.5j * dt * l * (l + 1) * centrifugal))
        # one for each color
        self._local = lru_cache(2)(lambda color, n: np.exp(-0.5j * dt * interaction.local(color, n)))

    def advance(self, states: Complex, color: Integer, l: Integer, n: int) -> Complex:
        """Return the states (B, num) after step `n`, each row independent of the others to the last bit.

        `states` holds values u(r_i) and may be overwritten; `color` (B,), 0 singlet, 1 octet, and `l` (B,) belong to
        its rows.
        """
        different, index = sectors(color, l)
        # one factor for each (color, l) of the batch, then a row of it for each state
        factors = np.array(
            [self._local(c, self._began[n]) * self._barrier(angular) for c, angular in different]
        )
        factor = factors[0] if len(factors) == 1 else factors[index]
        states *= factor
        states = self._grid.kinetic_step(states, self._kinetic)
        states *= factor
        return states


class CrankNicolson:
    """Crank-Nicolson on the points of the sine grid, with second differences.

    `m` is the reduced mass in GeV, `dt` the time step in GeV^-1. With `nlo`, for `Munich` alone, H_eff is that of
    next-to-leading order in E/T; its terms contain the Coulomb coupling `alpha` = C_F alpha_s. A tridiagonal matrix is
    an array (3, num): above, on and below the diagonal, column by column, as for `scipy.linalg.solve_banded`.
    """

    def __init__(
        self, grid: SineGrid, interaction: Interaction, m: float, dt: float, alpha: float, nlo: bool
    ) -> None:
        self._r, self._dx, self._m, self._dt = grid.r, grid.dx, m, dt
        self._interaction, self._alpha, self._nlo = interaction, alpha, nlo
        self._rp_pr = np.zeros((3, grid.num), dtype=complex)  # r p + p r
        self._rp_pr[0, 1:] = -0.5j * (self._r[:-1] + self._r[1:]) / self._dx
        self._rp_pr[2, :-1] = -self._rp_pr[0, 1:]

        @cache
        def p_squared(l: int) -> Complex:  # p_r^2 + l(l+1)/r^2
            matrix = np.full((3, grid.num), -1 / grid.dx**2, dtype=np.complex128)
            matrix[1] = 2 / grid.dx**2 + l * (l + 1) / grid.r**2
            return matrix

        self._p_squared = p_squared

    def advance(self, states: Complex, color: Integer, l: Integer, n: int) -> Complex:
        """Return the states after step `n`; see `SplitStep.advance`."""
        different, index = sectors(color, l)
        for i, (c, angular) in enumerate(different):
            rows = states[index == i]
            generator = 0.5j * self._dt * self._effective(c, angular, n)
            right = rows - generator[1] * rows
            right[:, :-1] -= generator[0, 1:] * rows[:, 1:]
            right[:, 1:] -= generator[2, :-1] * rows[:, :-1]
            # LAPACK's tridiagonal solver with partial pivoting, all states at once
            *_, solution, info = zgtsv(generator[2, :-1], 1 + generator[1], generator[0, 1:], right.T)
            if info != 0:
                raise QtrajError("The Crank-Nicolson matrix is singular: choose another dt.")
            states[index == i] = solution.T
        return states

    def _effective(self, color: int, l: int, n: int) -> Complex:
        """Return H_eff of a sector during step `n`, (3, num)."""
        p_squared = self._p_squared(l)
        H = p_squared / (2 * self._m)
        medium = self._interaction
        if not (self._nlo and isinstance(medium, Munich) and medium.steps.T[n] > 0):
            H[1] += medium.local(color, n)
            return H
        r, M, T, kappa = self._r, 2 * self._m, medium.steps.T[n], medium.kappa[n]
        a = N_C * self._alpha / C_F / (8 * T)  # alpha is C_F alpha_s

        def width(a: float) -> Float:
            return np.asarray(r**2 - 3 / (2 * M * T) - 2 * a * r + a / (M * T * r) + a**2)

        octet_width = TO_SINGLET * width(-a) + (OCTET_WIDTH - TO_SINGLET) * width(0.0)
        H[1] += medium.potential[color] + WIDTHS[color] * medium.gamma[n] * r**2 / 2
        H[1] -= 0.5j * kappa * (octet_width if color else width(a))
        H -= 0.5j * WIDTHS[color] * kappa / (4 * M**2 * T**2) * p_squared
        H += WIDTHS[color] * kappa / (4 * M * T) * self._rp_pr
        return H
