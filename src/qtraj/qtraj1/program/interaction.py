"""Local energies of the effective Hamiltonian, step by step: potential, medium shift and width.

Everything here is diagonal in r; the centrifugal and kinetic terms belong to the steppers. `QTrajKSUPotential` is the
KSU potential as the C++ code QTraj-NLO 2.1 has it, for the comparison with its results and for nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from ...physics.model import OCTET_WIDTH
from ...physics.potentials.coulomb import COLORS, CoulombPotential
from ...physics.potentials.ksu import KSUPotential, landau_damping
from ...physics.transport import Transport
from ..files.parameters import LegacyParameters
from .temperature import HBARC, Steps

Complex = NDArray[np.complex128]
Float = NDArray[np.float64]


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
        vacuum = self.vacuum(r, "singlet")
        hot = T[:, None] >= _VACUUM_BELOW_T
        return np.where(hot & (screened <= self.ceiling), screened, vacuum)

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


class Interaction(Protocol):
    """Local part of the effective Hamiltonian, as the steppers use it."""

    def local(self, color: int, n: int) -> Complex:
        """Return the local energy of H_eff in GeV during step `n`, shape (num,); color 0 singlet, 1 octet."""
        ...

    @property
    def vacuum(self) -> Float:
        """Singlet potential without medium in GeV, shape (num,)."""
        ...

    def same_as_before(self, n: int) -> bool:
        """Return whether the medium of step `n` is that of step n - 1, so that factors may be used again."""
        ...


def make_interaction(p: LegacyParameters, steps: Steps, r: Float) -> Interaction:
    """Return the interaction that the parameters ask for, on the points `r` in GeV^-1."""
    return Munich(p, steps, r) if p.potential == 0 else Screened(p, steps, r)


class Munich:
    """Coulomb potential with (gamma/2 - i kappa/2) r^2, for the octet times 7/16: arXiv:2107.06147, eqs. (2.2)-(2.9).

    Attributes
    ----------
    T, kappa, gamma : ndarray, shape (steps,)
        Temperature in GeV and transport coefficients in GeV^3 of each step.
    potential : ndarray, shape (2, num)
        Coulomb potential of singlet and octet in GeV.
    """

    def __init__(self, p: LegacyParameters, steps: Steps, r: Float) -> None:
        self.T = steps.T
        # no medium, no coefficients: the fits have a pole near T = 0
        on = steps.T > 0
        self.kappa, self.gamma = np.zeros_like(steps.T), np.zeros_like(steps.T)
        transport = Transport(kappa=p.kappa_hat, gamma=p.gam, T_c=T_C)
        self.kappa[on], self.gamma[on] = transport.at(steps.T[on])
        coulomb = CoulombPotential(p.alpha)
        self.potential = np.array([coulomb.vacuum(r, color) for color in COLORS])
        self._r_squared = r**2

    @property
    def vacuum(self) -> Float:
        """Singlet potential without medium."""
        return np.asarray(self.potential[0])

    def local(self, color: int, n: int) -> Complex:
        """Return V_c + g_c (gamma - i kappa) r^2/2 of step `n`."""
        medium = 0.5 * WIDTHS[color] * (self.gamma[n] - 1j * self.kappa[n])
        return np.asarray(self.potential[color] + medium * self._r_squared)

    def same_as_before(self, n: int) -> bool:
        """Return whether T did not change."""
        return n > 0 and bool(self.T[n] == self.T[n - 1])


class Screened:
    """KSU potentials as the original has them, complex, without jumps; `QTrajKSUPotential` names its flaws.

    Potential 1 ignores the anisotropy of the medium, 2 takes it.
    """

    def __init__(self, p: LegacyParameters, steps: Steps, r: Float) -> None:
        self.potential = QTrajKSUPotential(alpha=p.alpha, md_factor=p.mdfac)
        self._r, self._T = r, steps.T
        isotropic = p.potential == 1
        self._xi = np.zeros_like(steps.T) if isotropic else steps.xi
        self._hard_scale = steps.T if isotropic else steps.hard_scale
        self._block: tuple[int, Complex] = (-1, np.empty((0, len(r)), dtype=complex))

    @property
    def vacuum(self) -> Float:
        """Singlet potential without medium in GeV, shape (num,)."""
        return self.potential.vacuum(self._r, "singlet")

    def local(self, color: int, n: int) -> Complex:
        """Return V(r) in the medium of step `n`; the octet has none and is refused."""
        # evaluated for 64 steps at once: the functions of r cost more for one step than for many
        block, inside = divmod(n, BLOCK)
        if self._block[0] != block or color != 0:
            part = slice(block * BLOCK, (block + 1) * BLOCK)
            values = self.potential.medium(
                self._r, COLORS[color], self._T[part], self._xi[part], self._hard_scale[part]
            )
            self._block = (block, values)
        return np.asarray(self._block[1][inside])

    def same_as_before(self, n: int) -> bool:
        """Return whether temperature, anisotropy and hard scale did not change."""
        media = (self._T, self._xi, self._hard_scale)
        return n > 0 and all(bool(values[n] == values[n - 1]) for values in media)
