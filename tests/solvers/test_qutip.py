"""Parity with QuTiP's mesolve: the same Lindblad operators on a small basis, the whole density matrix compared."""

from __future__ import annotations

import numpy as np
import pytest
import qutip
from density_reference import evolved, sector_of, strang_steps

import qtraj as qt
from qtraj.physics.potentials.coulomb import COLORS
from qtraj.solvers.basis import make_basis

MODEL = qt.LindbladModel(qt.CoulombPotential(), qt.Transport("central", -1.75))
TEMPERATURE, DURATION = 0.4, 4.0  # GeV, GeV^-1
MESH = qt.LaguerreMesh(6, 0.3)


class Space:
    """Direct sum of the (color, l) sectors in the basis of the mesh points, and one sink for jumps out of l_max."""

    def __init__(self, l_max: int) -> None:
        self.l_max, self.points = l_max, MESH.points
        self.sink = 2 * (l_max + 1) * self.points
        self.dimension = self.sink + 1

    def sector(self, color: int, l: int) -> slice:
        first = (color * (self.l_max + 1) + l) * self.points
        return slice(first, first + self.points)

    def operator(self, entries) -> qutip.Qobj:
        """Return the operator with the given blocks, ((row slice, column slice), matrix)."""
        matrix = np.zeros((self.dimension, self.dimension), complex)
        for where, block in entries:
            matrix[where] = block
        return qutip.Qobj(matrix).to("csr")

    def hamiltonian(self, gamma: float) -> qutip.Qobj:
        entries = []
        for c, color in enumerate(COLORS):
            shift = np.diag(0.5 * gamma * MODEL.widths[c] * MESH.r**2)
            for l in range(self.l_max + 1):
                h = MESH.hamiltonian(MODEL.potential.vacuum(MESH.r, color), l, MODEL.mass)
                entries.append(((self.sector(c, l), self.sector(c, l)), h + shift))
        return self.operator(entries)

    def jumps(self, kappa: float) -> list[qutip.Qobj]:
        """Return one operator for each channel and each l it starts from.

        Together they would create coherence between sectors, which the average over the directions of the three
        operators C_i forbids; so they act one by one. A jump out of l_max goes to the sink, one operator for each
        point, which adds the same r^2 to Gamma.
        """
        operators = []
        for channel in MODEL.channels:
            source, target = COLORS.index(channel.source), COLORS.index(channel.target)
            for l in range(self.l_max + 1):
                C = np.sqrt(kappa * channel.rate(l)) * MESH.r
                start = self.sector(source, l)
                if 0 <= l + channel.delta_l <= self.l_max:
                    end = self.sector(target, l + channel.delta_l)
                    operators.append(self.operator([((end, start), np.diag(C))]))
                elif channel.delta_l > 0:
                    operators += [self.operator([((self.sink, start.start + i), c)]) for i, c in enumerate(C)]
        return operators

    def state(self, blocks) -> qutip.Qobj:
        """Return the density matrix with the blocks (2, l_max + 1, points, points)."""
        return self.operator(
            ((self.sector(c, l), self.sector(c, l)), blocks[c, l])
            for c in range(2)
            for l in range(self.l_max + 1)
        )

    def blocks(self, rho: np.ndarray) -> np.ndarray:
        return np.array(
            [[rho[self.sector(c, l), self.sector(c, l)] for l in range(self.l_max + 1)] for c in range(2)]
        )


def start(l: int, singlet: float, l_max: int) -> np.ndarray:
    """A coherent radial state of angular momentum l in an incoherent color mixture, at the mesh points."""
    u = MESH.coefficients(qt.GaussianState(l, width=1.5).u(MESH.r, MODEL))
    blocks = np.zeros((2, l_max + 1, MESH.points, MESH.points))
    blocks[:, l] = np.outer(u, u) / (u @ u)
    return blocks * np.array([singlet, 1 - singlet])[:, None, None, None]


def ours(l_max: int, rho: np.ndarray, kappa: float, gamma: float):
    """Return (rho, lost) of the kernel at the mesh points, extrapolated in the time step."""
    basis = make_basis(MODEL, MESH, l_max, MESH.points)
    V = basis.vectors
    back = V.swapaxes(-1, -2)
    runs = [
        evolved(sector_of(MODEL, basis), back @ rho @ V, *strang_steps(DURATION, kappa, gamma, n))
        for n in (4096, 8192)
    ]
    (coarse, coarse_lost), (fine, fine_lost) = runs
    # the step's error falls as dt^2 (test_kernels); what is left falls as dt^4
    return V @ (fine + (fine - coarse) / 3) @ back, fine_lost + (fine_lost - coarse_lost) / 3


@pytest.mark.parametrize(("l_max", "l", "singlet"), [(1, 0, 1.0), (2, 1, 0.3), (2, 0, 0.0)])
def test_whole_density_matrix_equals_qutip(l_max, l, singlet, measured):
    kappa, gamma = (float(x) for x in MODEL.transport.at(TEMPERATURE))
    space, rho = Space(l_max), start(l, singlet, l_max)
    result = qutip.mesolve(
        space.hamiltonian(gamma),
        space.state(rho),
        [0, DURATION],
        space.jumps(kappa),
        options={"method": "vern9", "atol": 1e-12, "rtol": 1e-11, "nsteps": 100_000, "progress_bar": ""},
    )
    theirs = result.states[-1].full()
    found, lost = ours(l_max, rho, kappa, gamma)
    populations = np.trace(found, axis1=-2, axis2=-1)
    largest = np.abs(found - space.blocks(theirs)).max()
    measured(f"largest difference of an element of rho, start l = {l}", largest, 0, 1e-8)
    # both converge below 1e-9 (mesolve at these tolerances, ours after extrapolation); ten times that is allowed
    assert found == pytest.approx(space.blocks(theirs), abs=1e-8)
    assert populations == pytest.approx(np.trace(space.blocks(theirs), axis1=-2, axis2=-1), abs=1e-8)
    assert lost == pytest.approx([theirs[space.sink, space.sink].real, 0], abs=1e-8)
    # the comparison is about something: pairs jumped, and rho is not diagonal
    assert populations.real.min() > 1e-4
    assert lost[0] > 1e-3
    assert np.abs(np.triu(found, 1)).max() > 1e-3
    # and no coherence between sectors arises: with the blocks and the sink, nothing of theirs is left
    rest = theirs - space.state(space.blocks(theirs)).full()
    rest[space.sink, space.sink] = 0
    assert np.abs(rest).max() < 1e-12
