"""The time steps of the original program: split step (stepper 0) and Crank-Nicolson (1 at LO, 2 at NLO in E/T).

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

Flaws of the original: V_eff and H_eff are those of the temperature at the start of the step; where there is no medium
(T = 0) the NLO terms are left out; its jumps at NLO take direction-averaged rates (`trajectories.refuse_unknown`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, solve_banded

from ...errors import QtrajError
from ...physics.model import OCTET_WIDTH
from ...radial.sine import SineGrid
from ...units import C_F, N_C, OCTET_DIMENSION
from .medium import WIDTHS, Interaction, Munich

Complex = NDArray[np.complex128]
Float = NDArray[np.float64]
Integer = NDArray[np.int64]

TO_SINGLET = 1 / OCTET_DIMENSION
"""Weight of the octet's width that leads to the singlet; the rest of 7/16 stays in the octet."""


def sectors(color: Integer, l: Integer) -> tuple[list[tuple[int, int]], Integer]:
    """Return the different (color, l) of a batch, and the index of each row into them, shape (B,)."""
    if len(color) == 1:
        return [(int(color[0]), int(l[0]))], np.zeros(1, dtype=np.int64)
    codes, index = np.unique(2 * l + color, return_inverse=True)
    return [(int(code) % 2, int(code) // 2) for code in codes], index


class SplitStep:
    """The split step on the sine grid; `m` is the reduced mass in GeV, `dt` the time step in GeV^-1."""

    def __init__(self, grid: SineGrid, interaction: Interaction, m: float, dt: float) -> None:
        self._grid, self._interaction, self._dt = grid, interaction, dt
        self._kinetic = np.exp(-1j * dt * grid.kinetic(2 * m))  # heavy-quark mass 2 m: k^2/(2 m)
        self._centrifugal = 1 / (2 * m * grid.r**2)
        self._barriers: dict[int, Complex] = {}
        self._local: tuple[int, dict[int, Complex]] = (-1, {})

    def advance(self, states: Complex, color: Integer, l: Integer, n: int) -> Complex:
        """Return the states (B, num) after step `n`, each row independent of the others to the last bit.

        `states` holds values u(r_i) and may be overwritten; `color` (B,), 0 singlet, 1 octet, and `l` (B,) belong to
        its rows.
        """
        different, index = sectors(color, l)
        # one factor for each (color, l) of the batch, then a row of it for each state
        factors = np.array([self._half_step(c, angular, n) for c, angular in different])
        factor = factors[0] if len(factors) == 1 else factors[index]
        states *= factor
        states = self._grid.kinetic_step(states, self._kinetic)
        states *= factor
        return states

    def _half_step(self, color: int, l: int, n: int) -> Complex:
        if l not in self._barriers:
            self._barriers[l] = np.exp(-0.5j * self._dt * l * (l + 1) * self._centrifugal)
        return np.asarray(self._local_factor(color, n) * self._barriers[l])

    def _local_factor(self, color: int, n: int) -> Complex:
        # the factors of a step serve the next one, too, if the medium is the same
        step, factors = self._local
        if step != n and not (step == n - 1 and self._interaction.steps.same_as_before(n)):
            factors = {}
        self._local = (n, factors)
        if color not in factors:
            factors[color] = np.exp(-0.5j * self._dt * self._interaction.local(color, n))
        return factors[color]


class CrankNicolson:
    """Crank-Nicolson on the points of the sine grid, with second differences.

    `m` is the reduced mass in GeV, `dt` the time step in GeV^-1. With `nlo`, for `Munich` alone, H_eff is that of
    next-to-leading order in E/T; its terms contain the Coulomb coupling `alpha` = C_F alpha_s. A tridiagonal matrix is
    an array (3, num) in the order of `scipy.linalg.solve_banded`: above, on and below the diagonal, column by column.
    """

    def __init__(
        self, grid: SineGrid, interaction: Interaction, m: float, dt: float, alpha: float, nlo: bool
    ) -> None:
        self._r, self._dx, self._m, self._dt = grid.r, grid.dx, m, dt
        self._interaction, self._alpha, self._nlo = interaction, alpha, nlo
        self._rp_pr = np.zeros((3, grid.num), dtype=complex)  # r p + p r
        self._rp_pr[0, 1:] = -0.5j * (self._r[:-1] + self._r[1:]) / self._dx
        self._rp_pr[2, :-1] = -self._rp_pr[0, 1:]

    def advance(self, states: Complex, color: Integer, l: Integer, n: int) -> Complex:
        """Return the states after step `n`; see `SplitStep.advance`."""
        different, index = sectors(color, l)
        for i, (c, angular) in enumerate(different):
            rows = states[index == i]
            generator = 0.5j * self._dt * self._effective(c, angular, n)
            right = rows - generator[1] * rows
            right[:, :-1] -= generator[0, 1:] * rows[:, 1:]
            right[:, 1:] -= generator[2, :-1] * rows[:, :-1]
            generator[1] += 1
            try:
                # of a tridiagonal matrix this is LAPACK's solver with partial pivoting, all states at once
                states[index == i] = solve_banded((1, 1), generator, right.T).T
            except LinAlgError:
                raise QtrajError("The Crank-Nicolson matrix is singular: choose another dt.") from None
        return states

    def _effective(self, color: int, l: int, n: int) -> Complex:
        """Return H_eff of a sector during step `n`, (3, num)."""
        # p^2 = p_r^2 + l(l+1)/r^2 by second differences
        p_squared: Complex = np.full((3, len(self._r)), -1 / self._dx**2, dtype=np.complex128)
        p_squared[1] = 2 / self._dx**2 + l * (l + 1) / self._r**2
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
