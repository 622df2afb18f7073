"""An independent NLO Lindblad equation for the tests: operators on a small mesh as one dense matrix, by SciPy.

The pair lives in the direct sum of the (color, l) sectors and one sink for what leaves l_max. Nothing is shared with
the solver but the mesh: the operators are written here from arXiv:2205.10289.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import qtraj as qt
from qtraj.physics.potentials.coulomb import COLORS
from qtraj.units import C_F, N_C

MODEL = qt.LindbladModel(qt.CoulombPotential(), qt.Transport("central", -1.75), order="NLO")
MEDIUM = qt.Bjorken(T0=0.425, tau_fm=0.6, T_end=0.25)
START = qt.GaussianState(l=0, width=0.2)
WEIGHTS = {("singlet", "octet"): 1.0, ("octet", "singlet"): 1 / 8, ("octet", "octet"): 5 / 16}
SIGNS = {("singlet", "octet"): -1, ("octet", "singlet"): 1, ("octet", "octet"): 0}


class Space:
    """Direct sum of the sectors on the points of a mesh, and a sink.

    The basis functions of a Laguerre mesh are orthogonal only by its quadrature, so d/dr is not exactly antisymmetric;
    as in the solver, Gamma is made of the matrices C themselves.
    """

    def __init__(self, mesh: qt.LaguerreMesh, l_max: int, model: qt.LindbladModel = MODEL) -> None:
        self.mesh, self.l_max, self.points, self.model = mesh, l_max, mesh.points, model
        self.sink = 2 * (l_max + 1) * self.points
        self.dimension = self.sink + self.points  # a sink of one state for each point

    def sector(self, color: int, l: int) -> slice:
        first = (color * (self.l_max + 1) + l) * self.points if l <= self.l_max else self.sink
        return slice(first, first + self.points)

    def embedded(self, entries: Any) -> Any:
        """Return the operator with the given blocks, ((row slice, column slice), matrix)."""
        matrix = np.zeros((self.dimension, self.dimension), complex)
        for where, block in entries:
            matrix[where] += block
        return matrix

    def hamiltonian(self, kappa: float, gamma: float, T: float) -> Any:
        mesh, M, entries = self.mesh, self.model.mass, []
        drag = mesh.r[:, None] * mesh.derivative
        momentum = -1j * (drag - drag.T)  # r p + p r, with p = -i d/dr
        for c, (color, g) in enumerate(zip(COLORS, (1, 7 / 16), strict=True)):
            shift = 0.5 * gamma * g * np.diag(mesh.r**2) + kappa * g / (4 * M * T) * momentum
            for l in range(self.l_max + 1):
                h = mesh.hamiltonian(self.model.potential.vacuum(mesh.r, color), l, M)
                entries.append(((self.sector(c, l), self.sector(c, l)), h + shift))
        return self.embedded(entries)

    def jumps(self, kappa: float, T: float) -> list[Any]:
        """Return one operator for each channel and each l it starts from, see test_qutip.py."""
        mesh, M, operators = self.mesh, self.model.mass, []
        a = N_C * self.model.potential.alpha / C_F / (8 * T)
        for (source, target), weight in WEIGHTS.items():
            for l in range(self.l_max + 1):
                ways = [(l + 1, (l + 1) / (2 * l + 1), -(l + 1))] + (
                    [(l - 1, l / (2 * l + 1), l)] if l else []
                )
                for end, share, centrifugal in ways:
                    C = np.diag(mesh.r + SIGNS[source, target] * a)
                    C = C + (mesh.derivative + np.diag(centrifugal / mesh.r)) / (2 * M * T)
                    where = self.sector(COLORS.index(target), end), self.sector(COLORS.index(source), l)
                    operators.append(self.embedded([(where, np.sqrt(kappa * weight * share) * C)]))
        return operators

    def state(self, blocks: Any) -> Any:
        """Return the density matrix with the blocks (2, l_max + 1, points, points)."""
        places = [(c, l) for c in range(2) for l in range(self.l_max + 1)]
        return self.embedded(((self.sector(c, l), self.sector(c, l)), blocks[c, l]) for c, l in places)

    def blocks(self, rho: Any) -> Any:
        return np.array(
            [[rho[self.sector(c, l), self.sector(c, l)] for l in range(self.l_max + 1)] for c in range(2)]
        )

    def lost(self, rho: Any) -> float:
        return float(np.trace(rho[self.sink :, self.sink :]).real)


def lindblad(H: Any, jumps: list[Any], rho: Any) -> Any:
    """Return the right-hand side of the Lindblad equation."""
    out = -1j * (H @ rho - rho @ H)
    for C in jumps:
        out += C @ rho @ C.conj().T
    decay = 0.5 * sum(C.conj().T @ C for C in jumps)
    return out - decay @ rho - rho @ decay


def start_blocks(mesh: qt.LaguerreMesh, l: int, singlet: float, l_max: int) -> Any:
    """A coherent radial state of angular momentum l in an incoherent color mixture, at the mesh points."""
    u = mesh.coefficients(qt.GaussianState(l, width=1.5).u(mesh.r, MODEL))
    blocks = np.zeros((2, l_max + 1, mesh.points, mesh.points))
    blocks[:, l] = np.outer(u, u) / (u @ u)
    return blocks * np.array([singlet, 1 - singlet])[:, None, None, None]
