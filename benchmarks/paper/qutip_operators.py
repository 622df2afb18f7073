"""The baseline's operators as the paper gives them to QuTiP: on NUM points, all colors and l in one space."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import qutip
import scipy.sparse as sp
from cases.common import MEDIUM, MODEL, START
from numpy.typing import NDArray

import qtraj as qt
from qtraj.physics.potentials.coulomb import COLORS

from .exact import BEGIN, END, GridBasis, grid_basis
from .reported import STATES

Float = NDArray[np.float64]

SPLINE_POINTS = 801


@dataclass(frozen=True)
class Operators:
    """Operators of dimension D = 2 (l_max + 1) NUM, and one more l that only receives, for trajectories.

    Parameters
    ----------
    num : int
        Points.
    length : float
        Box in GeV^-1.
    l_max : int
        Largest l.
    derivative : {0, 1}
        Kinetic energy: 0 dense and exact for each wave, 1 of second differences, tridiagonal.
    sink : bool
        Keep the pairs that jump out of l_max in a sector of their own, where nothing happens to them.
    """

    num: int
    length: float
    l_max: int = 1
    derivative: int = 1
    sink: bool = False

    @cached_property
    def grid(self) -> qt.SineGrid:
        """The points."""
        return qt.SineGrid(self.num, self.length, derivative=self.derivative)

    @property
    def dimension(self) -> int:
        """Dimension of the space, the sink included."""
        return 2 * self._angles * self.num

    @property
    def _angles(self) -> int:
        return self.l_max + 1 + self.sink

    def place(self, color: int, l: int) -> int:
        """Return the number of a sector."""
        return color * self._angles + l

    @cached_property
    def hamiltonian(self) -> qutip.Qobj:
        """Vacuum Hamiltonian in GeV."""
        blocks = []
        for color in COLORS:
            vacuum = MODEL.potential.vacuum(self.grid.r, color)
            blocks += [
                sp.csr_matrix(self.grid.hamiltonian(vacuum, l, MODEL.mass)) for l in range(self.l_max + 1)
            ]
            blocks += [sp.csr_matrix((self.num, self.num))] * self.sink
        return self._qobj(sp.block_diag(blocks))

    @cached_property
    def shift(self) -> qutip.Qobj:
        """The operator of gamma, g_c r^2/2."""
        return self._qobj(sp.diags(self._on_sectors(0.5 * MODEL.widths)))

    @cached_property
    def jumps(self) -> list[qutip.Qobj]:
        """Jump operators over sqrt(kappa), one for each channel and l: together they would make coherence."""
        found = []
        for channel in MODEL.channels:
            for l in range(self.l_max + 1):
                end = l + channel.delta_l
                if 0 <= end < self._angles:
                    matrix = sp.lil_matrix((2 * self._angles,) * 2)
                    source, target = COLORS.index(channel.source), COLORS.index(channel.target)
                    matrix[self.place(target, end), self.place(source, l)] = np.sqrt(channel.rate(l))
                    found.append(self._qobj(sp.kron(matrix, sp.diags(self.grid.r))))
        return found

    @cached_property
    def leak(self) -> qutip.Qobj:
        """Width over kappa of jumps out of l_max, where no sink takes them."""
        missing = self._on_sectors(MODEL.widths) - sum((C.dag() * C).diag().real for C in self.jumps)
        return self._qobj(sp.diags(missing))

    def _on_sectors(self, factors: Float) -> Float:
        """Return factor_c r^2 on every sector but the sink, shape (dimension,)."""
        alive = np.zeros((2, self._angles))
        alive[:, : self.l_max + 1] = factors[:, None]
        return np.kron(alive.ravel(), self.grid.r**2)

    def _qobj(self, matrix: sp.spmatrix) -> qutip.Qobj:
        return qutip.Qobj(sp.csr_matrix(matrix, dtype=complex))

    def liouvillian(self) -> qutip.QobjEvo:
        """Return the superoperator of the equation as a function of time in GeV^-1."""
        decay = qutip.spre(self.leak) + qutip.spost(self.leak)
        medium = sum(qutip.lindblad_dissipator(C) for C in self.jumps) - 0.5 * decay
        constant, shift = qutip.liouvillian(self.hamiltonian), qutip.liouvillian(self.shift)
        return qutip.QobjEvo([constant, [medium, coefficient(1)], [shift, coefficient(1, of_gamma=True)]])

    @cached_property
    def basis(self) -> GridBasis:
        """All vacuum eigenstates on the same points."""
        return grid_basis(self.grid, self.l_max, self.num)

    @cached_property
    def start(self) -> NDArray[np.complex128]:
        """Pair when the medium begins to act, (dimension,)."""
        energies, vectors = self.basis.sector(0, START.l)
        psi = np.zeros(self.dimension, complex)
        a = self.basis.coefficients(START, 0)
        psi[: self.num] = vectors @ (a * np.exp(-1j * energies * BEGIN))
        return psi

    @property
    def targets(self) -> list[qutip.Qobj]:
        """Projectors on 1S, 2S, 3S over their initial overlaps."""
        _, vectors = self.basis.sector(0, 0)
        initial = self.basis.coefficients(START, 0) ** 2
        found = []
        for i in range(len(STATES)):
            v = np.zeros((self.dimension, 1), complex)
            v[: self.num, 0] = vectors[:, i]
            found.append(qutip.Qobj(v).proj() / initial[i])
        return found


def coefficient(power: float, *, of_gamma: bool = False) -> qutip.Coefficient:
    """Return a power of kappa, or of gamma, as a function of time in GeV^-1: a spline, which QuTiP evaluates fast."""
    t = np.linspace(BEGIN, END, SPLINE_POINTS)
    kappa, gamma = MODEL.transport.at(MEDIUM.temperature(t))
    return qutip.coefficient((gamma if of_gamma else kappa) ** power, tlist=t, order=3)
