"""What QuTiP and dynamiqs are given: the baseline's operators in vacuum eigenstates below a cut, in a good clock.

A sector is one color and one l. Each has the same number K of vacuum eigenstates; the jump matrices <c' l'| r |c l>
come from the Laguerre mesh that the eigenstates live on. Three choices favor the peers:

- rho is block diagonal, so the jumps are collected into four operators, each of which takes a sector to one sector and
  no two sectors to the same one. They create no coherence, and four is the smallest number for which that is possible.
- The clock is s = Int kappa dt. In it the jump operators are constant, and only H depends on time.
- Pairs that jump out of l_max, or above the cut, decay: H has the anti-hermitian part that the four operators lack. So
  the width of each state is exact, and what is truncated is only what would have come back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from cases.common import MEDIUM, MODEL, START, TRUTH
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.linalg import sqrtm

import qtraj as qt
from qtraj.physics.potentials.coulomb import COLORS
from qtraj.solvers.basis import SINGLET, Basis, make_basis, spectrum

Float = NDArray[np.float64]
Complex = NDArray[np.complex128]

GROUPS = (
    (("singlet", "octet", 1), ("octet", "singlet", 1)),
    (("singlet", "octet", -1), ("octet", "singlet", -1)),
    (("octet", "octet", 1),),
    (("octet", "octet", -1),),
)
"""Channels (source, target, change of l) of each of the four operators."""

CLOCK_POINTS = 801
"""Points of the tables of the coefficients: the cubic spline through them is good to 1e-10 of the value."""


@dataclass(frozen=True)
class Space:
    """A truncated Hilbert space, blocks numbered color-major.

    Parameters
    ----------
    mesh : LaguerreMesh
        Mesh of the eigenstates; its end limits r^2, and so the stiffness.
    cut : float
        Eigenstates of the S-wave singlet below this energy in GeV are kept, and as many of each other sector.
    l_max : int
        Largest l.
    """

    mesh: qt.LaguerreMesh
    cut: float
    l_max: int

    @property
    def name(self) -> str:
        """Return cut, l_max and dimension in words."""
        return f"below {self.cut:g} GeV, l_max {self.l_max}, dimension {self.dimension}"

    @cached_property
    def size(self) -> int:
        """Number K of states in a sector."""
        energies, _ = spectrum(MODEL.potential, MODEL.mass, self.mesh, SINGLET, 0)
        return int(np.searchsorted(energies, self.cut))

    @property
    def sectors(self) -> int:
        """Number of sectors."""
        return len(COLORS) * (self.l_max + 1)

    @property
    def dimension(self) -> int:
        """Dimension of the Hilbert space."""
        return self.sectors * self.size

    @cached_property
    def basis(self) -> Basis:
        """The eigenstates."""
        return make_basis(MODEL, self.mesh, self.l_max, self.size)

    def at(self, color: int, l: int) -> slice:
        """Return where the states of a sector stand."""
        first = (color * (self.l_max + 1) + l) * self.size
        return slice(first, first + self.size)

    def each_sector(self) -> Iterator[tuple[int, int, slice, Float]]:
        """Yield color, l, place and mesh coefficients (N, K) of each sector."""
        for color in range(len(COLORS)):
            for l in range(self.l_max + 1):
                yield color, l, self.at(color, l), self.basis.vectors[color, l]

    @cached_property
    def energies(self) -> Float:
        """Vacuum energies, (dimension,), around the middle of the spectrum, which explicit integrators prefer."""
        levels = self.basis.energies.reshape(-1)
        return levels - (levels.min() + levels.max()) / 2

    @cached_property
    def shift(self) -> Float:
        """The operator of gamma, g_c r^2/2, (dimension, dimension)."""
        return self._r_squared() / 2

    @cached_property
    def jumps(self) -> list[Float]:
        """The four jump operators over sqrt(kappa), (dimension, dimension) each."""
        return [self._jump(group) for group in GROUPS]

    @cached_property
    def leak(self) -> Float:
        """Width over kappa that the jump operators lack, positive semidefinite, block diagonal."""
        return self._r_squared() - sum(C.T @ C for C in self.jumps)

    @cached_property
    def leak_root(self) -> Float:
        """L with L^T L = leak, (K, dimension): a jump into a place from which nothing returns, for trajectories."""
        roots = [np.real(sqrtm(self.leak[where, where])) for _, _, where, _ in self.each_sector()]
        return np.concatenate(roots, axis=1)

    @cached_property
    def start(self) -> Complex:
        """Pair when the medium begins to act, normalized in this space, (dimension,)."""
        coefficients = self.basis.coefficients(START, SINGLET)
        phases = np.exp(-1j * self.basis.energies[SINGLET, START.l] * MEDIUM.active[0][0])
        psi = np.zeros(self.dimension, complex)
        psi[self.at(SINGLET, START.l)] = coefficients * phases / np.linalg.norm(coefficients)
        return psi

    @property
    def wanted(self) -> dict[str, int]:
        """Return the position of 1S, 2S, 3S."""
        return {name: self.at(SINGLET, 0).start + i for i, name in enumerate(TRUTH)}

    def survival(self, populations: Float) -> dict[str, float]:
        """Return survival from the populations (dimension,) at the end."""
        return {name: float(populations[i] / abs(self.start[i]) ** 2) for name, i in self.wanted.items()}

    def _r_squared(self) -> Float:
        matrix = np.zeros((self.dimension, self.dimension))
        for color, _, where, V in self.each_sector():
            matrix[where, where] = MODEL.widths[color] * (V.T * self.mesh.r**2) @ V
        return matrix

    def _jump(self, group: tuple[tuple[str, str, int], ...]) -> Float:
        matrix = np.zeros((self.dimension, self.dimension))
        for channel in MODEL.channels:
            if (channel.source, channel.target, channel.delta_l) not in group:
                continue
            source, target = COLORS.index(channel.source), COLORS.index(channel.target)
            for l in range(self.l_max + 1):
                end = l + channel.delta_l
                if 0 <= end <= self.l_max:
                    V, W = self.basis.vectors[source, l], self.basis.vectors[target, end]
                    weight = np.sqrt(channel.rate(l))
                    matrix[self.at(target, end), self.at(source, l)] = weight * (W.T * self.mesh.r) @ V
        return matrix


@dataclass(frozen=True)
class TimeGrid:
    """The clock s = Int kappa dt of the baseline's medium, H(s) = a(s) H_vac + b(s) g r^2/2.

    Attributes
    ----------
    s : ndarray, shape (CLOCK_POINTS,)
        Equidistant values from 0 to the end, in GeV^2.
    a, b : ndarray, shape (CLOCK_POINTS,)
        1/kappa in GeV^-3, and gamma/kappa.
    """

    s: Float
    a: Float
    b: Float

    @property
    def end(self) -> float:
        """Value at the end of the medium, in GeV^2."""
        return float(self.s[-1])


@lru_cache(maxsize=1)
def baseline_clock() -> TimeGrid:
    """Return the clock of the baseline."""
    ((begin, end),) = MEDIUM.active
    t = np.linspace(begin, end, 20 * CLOCK_POINTS)
    kappa, _ = MODEL.transport.at(MEDIUM.temperature(t))
    elapsed = CubicSpline(t, kappa).antiderivative()(t)
    s = np.linspace(0, elapsed[-1], CLOCK_POINTS)
    kappa, gamma = MODEL.transport.at(MEDIUM.temperature(np.clip(CubicSpline(elapsed, t)(s), begin, end)))
    return TimeGrid(s, 1 / kappa, gamma / kappa)


SPACES = (
    Space(qt.LaguerreMesh(24, 0.20), 3.0, 1),
    Space(qt.LaguerreMesh(48, 0.14), 5.0, 1),
    Space(qt.LaguerreMesh(48, 0.14), 5.0, 2),
    Space(qt.LaguerreMesh(80, 0.10), 8.0, 3),
)
"""From a scan of some thirty spaces by `limit`: the smallest for an error of 1e-2, and then for less. A few others come
closer to the truth by a change of sign of their error, and are not taken."""
