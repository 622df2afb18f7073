"""The dipole master equation at all orders in E/T, and its positive twin, written down from PHYSICS element by element.

Dense matrices at the points of a small mesh, integrated by SciPy and QuTiP; nothing is shared with the solver but the
mesh and the potential. What leaves l_max is counted as lost.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.integrate import solve_ivp

import qtraj as qt
from qtraj.physics.potentials.coulomb import COLORS

JUMPS = ((0, 1, 1.0), (1, 0, 1 / 8), (1, 1, 5 / 16))
"""(source, target, color weight)."""
WIDTHS = (1.0, 7 / 16)


def ways(l: int) -> list[tuple[int, float]]:
    """Return (l', angular weight) of the jumps from l."""
    return [(l + 1, (l + 1) / (2 * l + 1)), *([(l - 1, l / (2 * l + 1))] if l else [])]


class Pair:
    """Vacuum Hamiltonians of both colors, their energies and states, l = 0 ... l_max + 1."""

    def __init__(self, mesh: qt.LaguerreMesh, l_max: int, model: qt.LindbladModel) -> None:
        self.r, self.l_max, self.points = mesh.r, l_max, mesh.points
        self.h = [
            [mesh.hamiltonian(model.potential.vacuum(mesh.r, c), l, model.mass) for l in range(l_max + 2)]
            for c in COLORS
        ]
        self.states = [[np.linalg.eigh(h) for h in row] for row in self.h]

    def elementwise(self, source: tuple[int, int], target: tuple[int, int], g: Any) -> Any:
        """Return r_mn g(omega_mn), omega what the pair absorbs, as a matrix at the points."""
        (E, V), (F, W) = self.states[source[0]][source[1]], self.states[target[0]][target[1]]
        return W @ ((W.T * self.r) @ V * g(F[:, None] - E)) @ V.T

    def hamiltonian(self, color: int, l: int, gamma: float) -> Any:
        return self.h[color][l] + 0.5 * gamma * WIDTHS[color] * np.diag(self.r**2)

    def redfield(self, rho: Any, kappa: float, gamma: float, S: Any) -> Any:
        """Return d rho/dt, blocks (2, l_max + 1, N, N), for a spectrum kappa S(omega)."""
        out = np.zeros_like(rho, dtype=complex)
        for c in range(2):
            for l in range(self.l_max + 1):
                H = self.hamiltonian(c, l, gamma)
                out[c, l] -= 1j * (H @ rho[c, l] - rho[c, l] @ H)
        for source, target, weight in JUMPS:
            for l in range(self.l_max + 1):
                for end, share in ways(l):
                    L = weight * share * kappa / 2 * self.elementwise((source, l), (target, end), S)
                    decay = self.r[:, None] * L @ rho[source, l]
                    out[source, l] -= decay + decay.conj().T
                    if end <= self.l_max:
                        gain = L @ rho[source, l] * self.r
                        out[target, end] += gain + gain.conj().T
        return out

    def lindblad(self, rho: Any, kappa: float, gamma: float, amplitude: Any, friction: float = 0.0) -> Any:
        """Return the same of the equation with jumps R amplitude(omega), and friction kappa i [h, r^2] in H.

        At next-to-leading order the amplitude is 1 - omega/(4T), and friction 1/(8T).
        """
        out = np.zeros_like(rho, dtype=complex)
        squared = self.r**2
        for c in range(2):
            for l in range(self.l_max + 1):
                h = self.h[c][l]
                H = self.hamiltonian(c, l, gamma)
                H = H + kappa * WIDTHS[c] * friction * 1j * (h * squared - squared[:, None] * h)
                out[c, l] -= 1j * (H @ rho[c, l] - rho[c, l] @ H)
        for source, target, weight in JUMPS:
            for l in range(self.l_max + 1):
                for end, share in ways(l):
                    C = self.elementwise((source, l), (target, end), amplitude)
                    C *= np.sqrt(weight * share * kappa)
                    decay = C.T @ C @ rho[source, l] / 2
                    out[source, l] -= decay + decay.conj().T
                    if end <= self.l_max:
                        out[target, end] += C @ rho[source, l] @ C.T
        return out


def evolved(equation: Any, rho: Any, times: tuple[float, float], at: Any) -> Any:
    """Return rho after an integration by DOP853 of one of the equations; at(t) gives its other arguments."""
    answer = solve_ivp(
        lambda t, y: equation(y.reshape(rho.shape), *at(t)).ravel(),
        times,
        rho.astype(complex).ravel(),
        method="DOP853",
        rtol=1e-9,
        atol=1e-11,
    )
    return answer.y[:, -1].reshape(rho.shape)
