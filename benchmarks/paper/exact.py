"""Answers without sampling noise: on any grid, by number of jumps, and with early jumps left out.

On a sine grid the part without jumps is `NoJump`, exactly as the trajectories have it. The rest, regeneration, is
the difference of two density matrices in the vacuum eigenstates of that grid, with and without jumps: their only error
of the grid is the spacing, which is what is asked for. It is taken in a box of 20 GeV^-1, from where nothing returns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any

import jax
import numpy as np
from cases.common import MEDIUM, MODEL, START
from numpy.typing import NDArray
from scipy.linalg import eigh

import qtraj as qt
from qtraj.physics.potentials.coulomb import COLORS
from qtraj.solvers.basis import ENERGY_CUT, OCTET, SINGLET, Basis, make_basis
from qtraj.solvers.density.kernels import DensitySector, double_precision, evolve_density, padded_steps
from qtraj.solvers.density.resolution import jump_range_of
from qtraj.solvers.jumps.local import LocalGenerator, color_matrix, local_phases
from qtraj.solvers.steps import Profile, Steps, step_edges, strang
from qtraj.states import STATES

from .reported import STATES as NAMES

Float = NDArray[np.float64]
Blocks = list[Float]
"""Re rho + Im rho of each l in the vacuum states, (l_max + 1, 1, K, K), for the singlet and the octet."""

S_WAVES = [i for i, state in enumerate(STATES) if state.l == 0]
BEGIN, END = MEDIUM.active[0]
PROFILE = Profile(MODEL, MEDIUM)
FINE_MESH = qt.LaguerreMesh(64, 0.12)
DEGREE = 9
"""Powers told apart: each more costs a factor of six in rounding, each less leaves a larger tail of many jumps."""
SHORT_BOX = 20.0
"""Length in GeV^-1 of the box for regeneration on a sine grid."""


def truth(width: float = START.width) -> Float:
    """Return the survival of 1S, 2S, 3S without noise, and its error, shape (2, 3)."""
    result = qt.solve(MODEL, MEDIUM, qt.GaussianState(0, width), qt.DensityMatrix(rtol=1e-4))
    found = [result.survival[name] for name in NAMES]
    return np.array([[e.value for e in found], [e.error for e in found]], dtype=float)


def without_jumps(num: int, length: float, dt: float, width: float = START.width) -> Float:
    """Return the survival of 1S, 2S, 3S without jumps on a sine grid, as the trajectories have it, shape (3,)."""
    grid = qt.SineGrid(num, length, "fftw")
    method = qt.NoJump(grid=grid, dt=dt, error_budget=False)
    result = qt.solve(MODEL, MEDIUM, qt.GaussianState(0, width), method)
    return np.array([float(result.no_jump[name].value) for name in NAMES])


def regeneration(num: int, length: float = SHORT_BOX, *, l_max: int = 3, step: float = 0.35) -> Float:
    """Return the survival of 1S, 2S, 3S after at least one jump on the points of a sine grid, shape (3,).

    Parameters
    ----------
    num : int
        Points.
    length : float
        Box in GeV^-1.
    l_max : int
        Largest l.
    step : float
        Time step in GeV^-1; its error is the same on all grids.
    """
    grid, steps = qt.SineGrid(num, length), whole(step)
    found = []
    for share, l in ((1.0, l_max), (0.0, 0)):
        matrix = DensityRun(grid_basis(grid, l), share)
        found.append(matrix.survival(matrix.evolved(matrix.start, steps))[S_WAVES])
    return found[0] - found[1]


class GridBasis(Basis):
    """Vacuum eigenstates of each sector on a sine grid."""

    def sector(self, color: int, l: int) -> tuple[Float, Float]:
        """Return energies (K,) and vectors (N, K)."""
        return lowest_states(self.mesh, color, l, self.size)


def grid_basis(grid: qt.SineGrid, l_max: int, size: int | None = None) -> GridBasis:
    """Return the states of a grid; by default as many as a free particle has below the cut of the package's bases."""
    highest = int(np.sqrt(ENERGY_CUT * MODEL.mass) * grid.length / np.pi)
    return GridBasis(grid, MODEL, l_max, min(grid.num, highest) if size is None else size)


@lru_cache(maxsize=32)
def lowest_states(grid: qt.SineGrid, color: int, l: int, count: int) -> tuple[Float, Float]:
    """Return energies (count,) in GeV and coefficients (N, count) of the lowest states."""
    potential = MODEL.potential.vacuum(grid.r, COLORS[color])
    return eigh(grid.hamiltonian(potential, l, MODEL.mass), subset_by_index=(0, count - 1))


@dataclass(frozen=True, eq=False)
class DensityRun:
    """The density matrix of the baseline in a basis, with all jumps multiplied by a number.

    Survival is a polynomial in that number; the coefficient of its k-th power is the share of pairs with k jumps.

    Parameters
    ----------
    basis : Basis
        The basis.
    share : float
        The number: 1 for the equation, 0 for no jumps.
    jump_range : float, optional
        As of `DensityMatrix`; by default that of the baseline.
    """

    basis: Basis
    share: float = 1.0
    jump_range: float = jump_range_of(PROFILE)

    @cached_property
    def constants(self) -> Any:
        """Constants of the kernel."""
        # K is linear in what comes back: all of it, and nothing where every jump is beyond the range
        mesh, l_max = self.basis.mesh, self.basis.l_max
        full, lost = (color_matrix(MODEL, mesh, l_max, reach) for reach in (self.jump_range, 1e-9))
        K = self.share * full + (1 - self.share) * lost
        phases = local_phases(MODEL, mesh.r)
        local = LocalGenerator(phases, (K[0, 0] + K[1, 1]) / 2, (K[0, 0] - K[1, 1]) / 2, K[0, 1], K[1, 0])
        sector = DensitySector(tuple(self.basis.energies), tuple(self.basis.vectors), local, None)
        with double_precision():
            return jax.device_put(sector)

    @property
    def start(self) -> Blocks:
        """The baseline's start."""
        a = self.basis.coefficients(START, SINGLET)
        blocks = np.zeros((2, self.basis.l_max + 1, 1, self.basis.size, self.basis.size))
        blocks[SINGLET, START.l, 0] = np.outer(a, a)
        return list(blocks)

    def evolved(self, blocks: Blocks, steps: Steps) -> Blocks:
        """Return the density matrix after some steps."""
        with double_precision():
            found, _ = evolve_density(
                self.constants,
                blocks,
                np.zeros((2, 1)),
                *padded_steps([steps], SINGLET, np.zeros(0)),
            )
            return [np.asarray(block) for block in found]

    def at_edges(self, edges: Float) -> Iterator[Blocks]:
        """Yield the density matrix at the edges of steps."""
        blocks, before = self.start, 0.0
        for a, b in pairwise(edges):
            steps = strang(PROFILE, [np.array([a, b])], before, float(b))
            blocks, before = self.evolved(blocks, steps), float(b)
            yield blocks

    def survival(self, blocks: Blocks) -> Float:
        """Return overlaps with the six states over the initial ones, raw where those vanish, shape (6,)."""
        start = self.basis.coefficients(START, SINGLET)
        found = np.zeros(len(STATES))
        for j, state in enumerate(STATES):
            if state.l <= self.basis.l_max:
                scale = start[state.radial_index] ** 2 if state.l == START.l else 1.0
                found[j] = blocks[SINGLET][state.l, 0, state.radial_index, state.radial_index] / scale
        return found


def whole(step: float) -> Steps:
    """Return the Strang steps of the baseline."""
    return stepped(edges_of(step))


def stepped(edges: Float) -> Steps:
    """Return the Strang steps with these edges."""
    return strang(PROFILE, [edges], 0.0, END)


def edges_of(step: float) -> Float:
    """Return the edges of the baseline's steps, from the begin of the medium to its end."""
    (edges,) = step_edges(PROFILE, step)
    return edges


def by_jumps(
    most: int, *, step: float = 0.175, l_max: int = 5, degree: int = DEGREE
) -> tuple[Float, Float, Float]:
    """Return survival by number of jumps, what stopping a trajectory at its k-th jump would record, and survival.

    Parameters
    ----------
    most : int
        Largest number of jumps wanted.
    step, l_max
        Of the density matrix.
    degree : int
        Powers of y = share^2 that are told apart.

    Returns
    -------
    exactly : ndarray, shape (most + 1, 6)
        Contribution of pairs that jump k times in all.
    at_jump : ndarray, shape (most + 1, 6)
        Overlap right after the k-th jump, of all pairs that jump k times or more, as if time ended there.
    total : ndarray, shape (6,)
        Survival with any number of jumps.
    """
    basis, edges = make_basis(MODEL, FINE_MESH, l_max), edges_of(step)
    # only even or only odd powers of the share occur
    y = 0.5 * (1 + np.cos(np.pi * (np.arange(degree) + 0.5) / degree))
    runs = [_survival_and_flux(DensityRun(basis, float(np.sqrt(each))), edges) for each in y]
    final, flux = (np.array(values) for values in zip(*runs, strict=True))
    exactly, at_jump = np.zeros((2, most + 1, len(STATES)))
    vandermonde = np.vander(y, increasing=True)
    for j, state in enumerate(STATES):
        odd = (state.l + START.l) % 2
        _spread(exactly[:, j], odd, np.linalg.solve(vandermonde, final[:, j] / np.sqrt(y) ** odd))
        # the k-th jump is one more than led to the octet that jumps
        before = 1 - odd
        _spread(at_jump[1:, j], before, np.linalg.solve(vandermonde, flux[:, j] / np.sqrt(y) ** before))
    total = DensityRun(basis)
    return exactly, at_jump, total.survival(total.evolved(total.start, stepped(edges)))


def _spread(out: Float, first: int, coefficients: Float) -> None:
    places = out[first::2]
    places[:] = coefficients[: len(places)]


def _survival_and_flux(run: DensityRun, edges: Float) -> tuple[Float, Float]:
    """Return survival at the end, and the time integral of jumps into each state, both shape (6,)."""
    rates, blocks = [np.zeros(len(STATES))], run.start
    for blocks in run.at_edges(edges):
        rates.append(_jump_rates(run, blocks))
    kappa, _ = MODEL.transport.at(MEDIUM.temperature(edges))
    flux = np.trapezoid(kappa[:, None] * np.array(rates), edges, axis=0)
    return run.survival(blocks), flux


def _jump_rates(run: DensityRun, blocks: Blocks) -> Float:
    """Return the rate over kappa of jumps into each state, relative as survival is, shape (6,)."""
    basis, found = run.basis, np.zeros(len(STATES))
    reach = basis.mesh.r * np.exp(-((basis.mesh.r / run.jump_range) ** 12))
    start = basis.coefficients(START, SINGLET)
    for j, state in enumerate(STATES):
        _, targets = basis.sector(SINGLET, state.l)
        for channel in MODEL.channels:
            l = state.l - channel.delta_l
            if (channel.source, channel.target) == ("octet", "singlet") and 0 <= l <= basis.l_max:
                _, vectors = basis.sector(OCTET, l)
                amplitude = vectors.T @ (reach * targets[:, state.radial_index])
                found[j] += channel.rate(l) * amplitude @ blocks[OCTET][l, 0] @ amplitude
        if state.l == START.l:
            found[j] /= start[state.radial_index] ** 2
    return found


def no_jump_norms(edges: Float) -> Float:
    """Return the probability of no jump until each of the edges, shape (edges,)."""
    run = DensityRun(make_basis(MODEL, FINE_MESH, 0), 0.0)
    return np.array([1.0, *(float(np.trace(b[SINGLET][0, 0])) for b in run.at_edges(edges))])


def with_late_jumps(times: Sequence[float], *, step: float = 0.175, l_max: int = 5) -> Float:
    """Return survival where jumps before a time in GeV^-1 lead nowhere, for each of the times, shape (times, 6)."""
    basis = make_basis(MODEL, FINE_MESH, l_max)
    bare, full = DensityRun(basis, 0.0), DensityRun(basis, 1.0)
    found, edges = [], edges_of(step)
    for time in times:
        blocks = full.start
        if time > BEGIN:
            before = np.append(edges[edges < time], time)
            blocks = bare.evolved(blocks, strang(PROFILE, [before], 0.0, time))
        if time < END:
            after = np.append(max(time, BEGIN), edges[edges > max(time, BEGIN)])
            blocks = full.evolved(blocks, strang(PROFILE, [after], time if time > BEGIN else 0.0, END))
        found.append(full.survival(blocks))
    return np.array(found)
