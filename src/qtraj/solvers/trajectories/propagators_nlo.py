"""Steps and jumps at next-to-leading order in E/T on a Laguerre mesh, in the vacuum states of each sector.

Nothing is split: within a step the coefficients are constant, and exp of the whole H_eff is exact for any fraction of
the step from the eigenvectors of a (non-hermitian) matrix. Which channel a jump takes depends on the state: color and
direction are drawn together with the exact rates ||C u||^2 (arXiv:2205.10289), in place of the averaged rates of the
C++ code.
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np

from ..._types import Complex, Float, Integer
from ...physics.channels import JumpChannel
from ...physics.initial import InitialState
from ...physics.medium import History
from ...physics.model import LindbladModel
from ...physics.potentials.coulomb import COLORS
from ...states import STATES
from ..basis import SINGLET, Basis, make_basis
from ..density.resolution import Discretization
from ..jumps.local import within
from ..jumps.soft import Loss, jump_matrices, loss_matrices
from ..projection import Projection, projection_vectors
from .propagators import Fraction, Propagators, by_sector, color_and_l, sector_of, squared_norm, target_of
from .time_grid import TimeGrid


class Exponent(NamedTuple):
    """Eigenvalues (K,), right eigenvectors (K, K) and their inverse, of a step of H_eff."""

    values: Complex
    vectors: Complex
    inverse: Complex


class Branch(NamedTuple):
    """A channel out of a sector: the sector it leads to, and sqrt(rate) C = R + S/T from states to points, (N, K)."""

    target: int
    R: Float
    S: Float


class NloPropagators(Propagators):
    """Steps of H_eff and jumps at next-to-leading order; sectors of any l are built when a trajectory enters them."""

    def __init__(
        self,
        model: LindbladModel,
        history: History,
        time_grid: TimeGrid,
        projection: Projection,
        d: Discretization,
    ) -> None:
        super().__init__(model, history, time_grid, d.mesh, projection)
        self._discretization = d
        self._cut = within(d.mesh, d.jump_range)
        self._exponents: dict[tuple[int, int], Exponent] = {}
        self._losses: dict[int, Loss] = {}
        self._branches: dict[int, list[Branch]] = {}

    @cached_property
    def targets(self) -> Float:
        """The six states to project on, each in the vacuum states of its own l, shape (6, K)."""
        vectors = projection_vectors(self.projection, self.grid, self.model)
        return np.array(
            [v @ self.vacuum_states(sector_of(SINGLET, s.l)) for v, s in zip(vectors, STATES, strict=True)]
        )

    def start(self, initial: InitialState, color: int) -> Float:
        """Return the initial state without what is too fast, see `Basis.filtered`."""
        return self._basis(initial.l).filtered(initial, color, self._discretization.filter_energy)

    def advance(self, states: Complex, sectors: Integer, step: int, fraction: Fraction = 1.0) -> Float:
        """Evolve the states in place; nothing leaves the basis but by decay."""
        for sector, rows in by_sector(sectors):
            share = fraction if np.ndim(fraction) == 0 else np.asarray(fraction)[rows]
            values, vectors, inverse = self._exponent(sector, step)
            phases = np.exp(np.multiply.outer(share, values))
            states[rows] = ((states[rows] @ inverse.T) * phases) @ vectors.T
        return np.ones(len(states))

    def step_adjoint(self, states: Complex, sector: int, step: int) -> Complex:
        """Return the adjoint of a whole step."""
        values, vectors, inverse = self._exponent(sector, step)
        return np.asarray(((states @ vectors.conj()) * np.exp(values).conj()) @ inverse.conj())

    def decay(self, states: Complex, sectors: Integer, step: int) -> Float:
        """Return <Gamma> of the states times the length of the step."""
        rate = np.empty(len(states))
        for sector, rows in by_sector(sectors):
            u, A = states[rows], self._decay_matrix(sector, step)
            rate[rows] = -2 * np.einsum("bi,bi->b", u.conj(), u @ A.T).real
        return rate

    def jump(
        self, states: Complex, sectors: Integer, step: int, chance: Float
    ) -> tuple[Complex, Integer, Float]:
        """Return normalized states after a jump through a channel drawn with its rate ||C u||^2."""
        after, target, kept = np.empty_like(states), np.empty_like(sectors), np.empty(len(states))
        x = self._inverse_T(step)
        for sector, rows in by_sector(sectors):
            branches = self._branches_of(sector)
            behind = [states[rows] @ (b.R + x * b.S).T for b in branches]
            rates = np.array([squared_norm(u) for u in behind])
            # one draw chooses the channel; rounding may leave the last cumulated rate below the sum
            threshold = chance[rows] * rates.sum(axis=0)
            chosen = np.minimum((np.cumsum(rates, axis=0) <= threshold).sum(axis=0), len(branches) - 1)
            for k, branch in enumerate(branches):
                taken = chosen == k
                inside = (behind[k][taken] * self._cut) @ self.vacuum_states(branch.target)
                # a state wholly beyond the jump range keeps no weight, and roulette ends it
                size = np.maximum(squared_norm(inside), np.finfo(float).tiny)
                after[rows[taken]] = inside / np.sqrt(size)[:, None]
                kept[rows[taken]] = size / rates[k][taken]
                target[rows[taken]] = branch.target
        return after, target, kept

    def jump_adjoint(self, states: Complex, channel: JumpChannel, l: int, edge: int) -> Complex:
        """Return sqrt(rate) C^+ of the channel from l, applied to states behind the jump."""
        source, target = sector_of(COLORS.index(channel.source), l), target_of(channel, l)
        (branch,) = (b for b in self._branches_of(source) if b.target == target)
        x = 1 / self.history.temperature(self.time_grid.edges[edge : edge + 1])[0]
        return np.asarray(((states @ self.vacuum_states(target).T) * self._cut) @ (branch.R + x * branch.S))

    @cached_property
    def _moments(self) -> Float:
        """Integrals of kappa, kappa/T and kappa/T^2 over each step, shape (steps, 3)."""
        profile = self.time_grid.profile
        return profile.integrals(self.time_grid.edges)[:, profile.terms]

    def _inverse_T(self, step: int) -> float:
        # mean over the step weighted with kappa, which is how the decay of the step sees 1/T
        return float(self._moments[step, 1] / self._moments[step, 0])

    def _basis(self, l: int) -> Basis:
        # the energies kept are those of the discretization for every l that a trajectory reaches
        basis = self._discretization.basis(self.model)
        return make_basis(self.model, self.grid, max(l, basis.l_max), basis.size)

    def vacuum_states(self, sector: int) -> Float:
        """Return what the coefficients of a sector stand for: its vacuum states at the points, shape (N, K)."""
        color, l = color_and_l(sector)
        return self._basis(l).sector(color, l)[1]

    def _branches_of(self, sector: int) -> list[Branch]:
        if sector not in self._branches:
            color, l = color_and_l(sector)
            V, jump_range = self.vacuum_states(sector), self._discretization.jump_range

            def matrices(channel: JumpChannel) -> list[Float]:
                return [m @ V for m in jump_matrices(self.model, channel, self.grid, l, jump_range)]

            self._branches[sector] = [
                Branch(target_of(channel, l), *matrices(channel))
                for channel in self.model.channels
                if channel.source == COLORS[color] and channel.rate(l) > 0
            ]
        return self._branches[sector]

    def _decay_matrix(self, sector: int, step: int) -> Float:
        """Return kappa (A0 + A1/T + A2/T^2) integrated over the step, (K, K)."""
        if sector not in self._losses:
            color, l = color_and_l(sector)
            jump_range = self._discretization.jump_range
            self._losses[sector] = loss_matrices(self.model, self._basis(l), color, l, jump_range)
        return np.asarray(np.einsum("j,jkm->km", self._moments[step], self._losses[sector].decay))

    def _exponent(self, sector: int, step: int) -> Exponent:
        if (sector, step) not in self._exponents:
            color, l = color_and_l(sector)
            energies, _ = self._basis(l).sector(color, l)
            H = np.diag(energies * self.time_grid.lengths[step]).astype(complex)
            if self.time_grid.active[step]:
                A = self._decay_matrix(sector, step)
                H += 0.5 * self.time_grid.gamma[step] * self._losses[sector].r_squared + 1j * A
            # not normal, so that its left eigenvectors are the inverse and not the adjoint of the right ones
            values, vectors = np.linalg.eig(-1j * H)
            self._exponents[sector, step] = Exponent(values, vectors, np.linalg.inv(vectors))
        return self._exponents[sector, step]
