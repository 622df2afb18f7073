"""The KSU potential as the C++ code QTraj-NLO 2.1 has it, for the comparison with its results and for nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...physics.potentials.ksu import KSUPotential
from ...physics.potentials.screening import landau_damping

Float = NDArray[np.float64]

HBARC_QTRAJ: Final = 0.197326938
"""hbar c in GeV fm of the C++ code, in which r_SB = 1.25 fm is converted."""

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
        return self.string_breaking_fm / HBARC_QTRAJ

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
