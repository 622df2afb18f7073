"""One step of H_eff for a batch of states in any (color, l), on either grid, at any order.

Where jumps are functions of r, a step is exp(-P2) exp(-i K dt) exp(-P1) with multiplications P1 + P2 = P(r) that
contain the medium. On the Laguerre mesh K is the whole vacuum Hamiltonian, exact in its eigenbasis; on the sine grid K
is the kinetic energy, and P contains the vacuum potential and the centrifugal term (QTraj's step, arXiv:2107.06147
section 3). States are rows of coefficients c with sum |c|^2 = Int |u|^2 dr; a sector is the number 2 l + color.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from ..._types import Complex, Float, Integer
from ...errors import InputError
from ...physics.channels import JumpChannel
from ...physics.initial import InitialState
from ...physics.medium import History
from ...physics.model import LindbladModel
from ...physics.potentials.coulomb import COLORS
from ...radial.laguerre import LaguerreMesh
from ...radial.sine import SineGrid
from ...states import STATES
from ..basis import SINGLET, Basis, basis_size, make_basis, spectrum
from ..jumps.local import distances, within
from ..jumps.soft import jump_matrices, loss_matrices, spectral_jump
from ..projection import Projection, initial_coefficients, projection_vectors
from ..separable import ratios
from ..thermal import thermal_integrals
from .time_grid import TimeGrid
from .waves import WaveJumps

Fraction = float | Float

# Steps for which a potential that changes with the medium is evaluated at once.
THERMAL_BLOCK = 128


def sector_of(color: int, l: int | Integer) -> Any:
    """Return the number of a sector, or of many."""
    return 2 * l + color


def color_and_l(sector: Any) -> tuple[Any, Any]:
    """Return color (0 singlet, 1 octet) and l of a sector, or of many."""
    return sector % 2, sector // 2


def target_of(channel: JumpChannel, l: int) -> int:
    """Return the sector that a channel leads to from l."""
    return int(sector_of(COLORS.index(channel.target), l + channel.delta_l))


def by_sector(sectors: Integer) -> Iterator[tuple[int, Integer]]:
    """Yield every sector that occurs, and the rows in it."""
    for sector in np.unique(sectors):
        yield int(sector), np.flatnonzero(sectors == sector)


def next_order_refused(model: LindbladModel, method: str) -> InputError:
    """Return the error that says which methods solve a model whose jumps are not functions of r."""
    allowed = "be DensityMatrix(), or NoJump() or QuantumTrajectories() on a LaguerreMesh"
    return InputError("method", method, f"{allowed}, for order {model.order!r}", "Or use order='LO'.")


class Propagators(ABC):
    """Steps of H_eff on one grid of N points for one history."""

    def __init__(
        self, model: LindbladModel, history: History, time_grid: TimeGrid, grid: Any, projection: Projection
    ) -> None:
        self.model, self.history, self.time_grid, self.grid = model, history, time_grid, grid
        self.projection = projection
        self._block: dict[int, tuple[int, Complex]] = {}

    @property
    def waves(self) -> WaveJumps | None:
        """The jumps of a complex potential, None if jumps are those of dipoles."""
        return None

    @abstractmethod
    def start(self, initial: InitialState, color: int) -> Float:
        """Return the coefficients of the initial state, shape (N,)."""

    @abstractmethod
    def advance(self, states: Complex, sectors: Integer, step: int, fraction: Fraction = 1.0) -> Float:
        """Evolve the states (B, N), in place, through a fraction of a step; return the part of their norm kept, (B,).

        What is not kept left the basis; the decay by the medium is not counted here.
        """

    @abstractmethod
    def decay(self, states: Complex, sectors: Integer, step: int) -> Float:
        """Return <Gamma> of the states times the length of the step, (B,); not divided by their norms."""

    @abstractmethod
    def jump(
        self, states: Complex, sectors: Integer, step: int, chance: Float
    ) -> tuple[Complex, Integer, Float]:
        """Return normalized states after a jump, their sectors, and the part of the weight kept, from one draw each."""

    @abstractmethod
    def jump_adjoint(self, states: Complex, channel: JumpChannel, l: int, edge: int) -> Complex:
        """Return sqrt(rate) C^+ of the channel from l, applied to states (B, N) behind the jump, at an edge."""

    @abstractmethod
    def step_adjoint(self, states: Complex, sector: int, step: int) -> Complex:
        """Return the adjoint of a whole step, applied to states of one sector."""

    @property
    def r(self) -> Float:
        """Grid points in GeV^-1, shape (N,)."""
        return np.asarray(self.grid.r)

    @cached_property
    def targets(self) -> Float:
        """The six states to project on, shape (6, N), order of `STATES`."""
        return projection_vectors(self.projection, self.grid, self.model)


class LocalPropagators(Propagators):
    """Steps and jumps that multiply by functions of r, on either grid.

    A dipole jump multiplies by r, and the medium by r^2; a complex potential has `waves`. Of the amplitude after a jump
    `kept` (N,) is not lost beyond a jump range.
    """

    def __init__(
        self,
        model: LindbladModel,
        history: History,
        time_grid: TimeGrid,
        grid: Any,
        projection: Projection,
        kept: Float,
    ) -> None:
        if not model.is_local:  # these steps would silently be those of the leading order
            raise next_order_refused(model, type(self).__name__)
        super().__init__(model, history, time_grid, grid, projection)
        self._kept = kept
        self._widths = 0.5 * model.widths[:, None] * self.r**2
        self._branchings: dict[int, tuple[Integer, Float]] = {}

    @cached_property
    def waves(self) -> WaveJumps | None:
        """The jumps of a complex potential."""
        return WaveJumps(self.model, self.time_grid, self.r, self._kept) if self.model.has_width else None

    def decay(self, states: Complex, sectors: Integer, step: int) -> Float:
        """Return <Gamma> of the states times the length of the step."""
        color, _ = color_and_l(sectors)
        rate = self.time_grid.kappa[step] * self.model.widths[color]
        decay = np.asarray(rate * squared_norm(states * self.r))
        if self.model.has_width:
            for one in np.unique(color):
                thermal = self._thermal(int(one), step)
                if thermal is not None:
                    rows = color == one
                    decay[rows] -= 2 * np.abs(states[rows]) ** 2 @ thermal.imag
        return decay

    def jump(
        self, states: Complex, sectors: Integer, step: int, chance: Float
    ) -> tuple[Complex, Integer, Float]:
        """Return normalized states after a jump; which channel a dipole takes does not depend on the state."""
        if self.waves is not None:
            return self.waves.jump(states, sectors, step, chance)
        after, target = states * self._radial_factor, np.empty_like(sectors)
        # a state wholly beyond the jump range keeps no weight, and roulette ends it
        size = np.maximum(squared_norm(after), np.finfo(float).tiny)
        kept = size / squared_norm(states * self.r)
        after /= np.sqrt(size)[:, None]
        for sector, rows in by_sector(sectors):
            targets, cumulative = self._branching(sector)
            target[rows] = targets[np.searchsorted(cumulative, chance[rows], side="right")]
        return after, target, kept

    def jump_adjoint(self, states: Complex, channel: JumpChannel, l: int, edge: int) -> Complex:
        """Return sqrt(rate) C^+ of the channel from l, applied to states behind the jump."""
        return np.asarray(np.sqrt(channel.rate(l)) * states * self._radial_factor)

    @property
    def _radial_factor(self) -> Float:
        return self.r * self._kept

    def _branching(self, sector: int) -> tuple[Integer, Float]:
        """Return the sectors that jumps lead to, and the cumulated probabilities of all but the last."""
        if sector not in self._branchings:
            color, l = color_and_l(sector)
            channels = [c for c in self.model.channels if c.source == COLORS[color] and c.rate(l) > 0]
            rates = np.array([c.rate(l) for c in channels])
            targets = np.array([target_of(c, l) for c in channels])
            self._branchings[sector] = (targets, np.cumsum(rates)[:-1] / rates.sum())
        return self._branchings[sector]

    def _half(self, sector: int, step: int, fraction: Fraction, *, early: bool) -> Complex:
        """Return the factor before (`early`) or after the motion, shape (N,), or (B, N) for a fraction of each state.

        Together they are exp(-P); the medium takes its `TimeGrid.early` share of it before, everything else a half.
        """
        color, l = color_and_l(sector)
        share = self.time_grid.early[step] if early else 1 - self.time_grid.early[step]
        medium = share * (self.time_grid.kappa[step] + 1j * self.time_grid.gamma[step])
        exponent = medium * self._widths[color] + 0.5j * self._static(color, l) * self.time_grid.lengths[step]
        thermal = self._thermal(color, step)
        if thermal is not None:
            exponent = exponent + 0.5j * thermal
        # a fraction of a step takes that fraction of everything in it
        return np.asarray(np.exp(-np.multiply.outer(fraction, exponent)))

    def _thermal(self, color: int, step: int) -> Complex | None:
        """Return the integral of the change of the potential over a step, (N,), computed for blocks of steps."""
        time_grid = self.time_grid
        if self.model.thermal is None or not time_grid.active[step]:
            return None
        first = step - step % THERMAL_BLOCK
        block = self._block.get(color)
        if block is None or block[0] != first:
            edges = time_grid.edges[first : first + THERMAL_BLOCK + 1]
            integrals = thermal_integrals(self.model, self.history, edges, self.r, COLORS[color])
            # one assignment of a pair: other threads see the old block or the new one
            block = self._block[color] = (first, np.asarray(integrals, dtype=complex))
        return np.asarray(block[1][step - first])

    def _static(self, color: int, l: int) -> Float | float:
        """Return the part of the static Hamiltonian that is a function of r and not in K, (N,)."""
        return 0.0


def squared_norm(states: Complex) -> Float:
    """Return sum |c|^2 of each row."""
    pairs = states.view(float)
    return np.asarray(np.einsum("bi,bi->b", pairs, pairs))


class MeshPropagators(LocalPropagators):
    """Steps on a Laguerre mesh, with the lowest `size` vacuum states of each sector, by default to `basis.ENERGY_CUT`.

    Jumps beyond `jump_range` (GeV^-1) count as lost, see `jumps.local.within`; what is above `filter_energy`
    (GeV) is left out of the start, see `Basis.filtered`.
    """

    def __init__(
        self,
        model: LindbladModel,
        history: History,
        time_grid: TimeGrid,
        grid: LaguerreMesh,
        projection: Projection,
        jump_range: float = np.inf,
        size: int | None = None,
        filter_energy: float = np.inf,
    ) -> None:
        # smooth, since the mesh could not hold a sharp edge: 1/e at the range, 1 - 2e-4 at half of it
        super().__init__(model, history, time_grid, grid, projection, within(grid, jump_range))
        self.size = basis_size(model, grid) if size is None else size
        self.filter_energy = filter_energy
        self._sectors: dict[int, tuple[Float, Float]] = {}

    def start(self, initial: InitialState, color: int) -> Float:
        """Return the initial state, cut to the basis and the filter."""
        basis = make_basis(self.model, self.grid, initial.l, self.size)
        _, vectors = basis.sector(color, initial.l)
        return np.asarray(vectors @ basis.filtered(initial, color, self.filter_energy))

    def advance(self, states: Complex, sectors: Integer, step: int, fraction: Fraction = 1.0) -> Float:
        """Evolve the states in place; return the part of their norm inside the basis."""
        keep = np.empty(len(states))
        for sector, rows in by_sector(sectors):
            share = fraction if np.ndim(fraction) == 0 else np.asarray(fraction)[rows]
            inside = states[rows] * self._half(sector, step, share, early=True)
            evolved, kept = self._vacuum(inside, sector, self.time_grid.lengths[step] * share)
            keep[rows] = kept / squared_norm(inside)
            states[rows] = evolved * self._half(sector, step, share, early=False)
        return keep

    def step_adjoint(self, states: Complex, sector: int, step: int) -> Complex:
        """Return the adjoint of a whole step."""
        # the factors of a step in reverse order, each conjugated
        late = self._half(sector, step, 1.0, early=False).conj()
        evolved, _ = self._vacuum(states * late, sector, -self.time_grid.lengths[step])
        return evolved * self._half(sector, step, 1.0, early=True).conj()

    def _vacuum(self, states: Complex, sector: int, dt: Fraction) -> tuple[Complex, Float]:
        energies, vectors = self._eigenstates(sector)
        amplitudes = _real_product(states, vectors)
        # what the products with r^2 made of higher energies is lost here; phases change no norm
        kept = squared_norm(amplitudes)
        amplitudes *= np.exp(-1j * np.multiply.outer(dt, energies))
        return _real_product(amplitudes, vectors.T), kept

    def _eigenstates(self, sector: int) -> tuple[Float, Float]:
        """Return energies (K,) and vectors (N, K) of a sector."""
        if sector not in self._sectors:
            color, l = color_and_l(sector)
            energies, vectors = spectrum(self.model.potential, self.model.mass, self.grid, color, l)
            self._sectors[sector] = (energies[: self.size], np.ascontiguousarray(vectors[:, : self.size]))
        return self._sectors[sector]


class SinePropagators(LocalPropagators):
    """Split-step evolution on a sine grid: potential, kinetic energy by sine transforms, potential."""

    def __init__(
        self,
        model: LindbladModel,
        history: History,
        time_grid: TimeGrid,
        grid: SineGrid,
        projection: Projection,
    ) -> None:
        super().__init__(model, history, time_grid, grid, projection, np.ones(grid.num))
        self._kinetic = grid.kinetic(model.mass)
        self._statics: dict[tuple[int, int], Float] = {}
        self._memo: dict[object, tuple[object, Complex]] = {}

    def start(self, initial: InitialState, color: int) -> Float:
        """Return the initial state."""
        return initial_coefficients(initial, self.grid, self.model, COLORS[color])

    def advance(self, states: Complex, sectors: Integer, step: int, fraction: Fraction = 1.0) -> Float:
        """Evolve the states in place; nothing leaves this basis."""
        # a uniform time grid shares the medium evenly: both factors are the same
        if np.ndim(fraction):
            pairs = zip(sectors, np.asarray(fraction), strict=True)
            halves = [self._half(int(s), step, f, early=True) for s, f in pairs]
        else:
            of_sector = {int(s): self._half(int(s), step, fraction, early=True) for s in np.unique(sectors)}
            halves = [of_sector[int(s)] for s in sectors]
        # row by row: rows are long, and gathering those of a sector would cost two more passes through memory
        for i, half in enumerate(halves):
            states[i] *= half
        phase = self._kinetic_phase(self.time_grid.lengths[step] * fraction)
        states[...] = self.grid.kinetic_step(states, phase)
        for i, half in enumerate(halves):
            states[i] *= half
        return np.ones(len(states))

    def step_adjoint(self, states: Complex, sector: int, step: int) -> Complex:
        """Return the adjoint of a whole step."""
        half = self._half(sector, step, 1.0, early=True).conj()
        phase = self._kinetic_phase(self.time_grid.lengths[step]).conj()
        return np.asarray(self.grid.kinetic_step(states * half, phase) * half)

    def _half(self, sector: int, step: int, fraction: Fraction, *, early: bool) -> Complex:
        """Return exp(-P/2) as the product of a factor of each color and a phase of each sector, which repeat."""
        color, l = color_and_l(sector)
        if fraction != 1.0 or self.model.thermal is not None:
            return super()._half(sector, step, fraction, early=early)
        dt = float(self.time_grid.lengths[step])
        medium = 0.5 * complex(self.time_grid.kappa[step], self.time_grid.gamma[step])
        decay = self._remembered(("medium", color), medium, lambda: np.exp(-medium * self._widths[color]))
        return decay * self._remembered(
            ("static", sector), dt, lambda: np.exp(-0.5j * dt * self._static(color, l))
        )

    def _kinetic_phase(self, dt: Fraction) -> Complex:
        if np.ndim(dt):
            return np.asarray(np.exp(-1j * np.multiply.outer(dt, self._kinetic)))
        return self._remembered("kinetic", dt, lambda: np.exp(-1j * float(dt) * self._kinetic))

    def _remembered(self, key: object, argument: object, compute: Callable[[], Complex]) -> Complex:
        """Return compute(), kept until `argument` changes: equal steps follow each other."""
        kept = self._memo.get(key)
        if kept is None or kept[0] != argument:
            kept = self._memo[key] = (argument, compute())
        return kept[1]

    def _static(self, color: int, l: int) -> Float:
        if (color, l) not in self._statics:
            centrifugal = l * (l + 1) / (self.model.mass * self.r**2)
            self._statics[color, l] = self.model.potential.vacuum(self.r, COLORS[color]) + centrifugal
        return self._statics[color, l]


class Exponent(NamedTuple):
    """Eigenvalues (K,), right eigenvectors (K, K) and their inverse, of a step of H_eff."""

    values: Complex
    vectors: Complex
    inverse: Complex


class Branch(NamedTuple):
    """A channel out of a sector: the sector it leads to, and matrices (P, N, K) from states to points.

    sqrt(rate) C is their sum with `NloPropagators` weights: R + S/T, or R U_p(omega) with the roots of S(omega_p).
    """

    target: int
    matrices: Float


class NloPropagators(Propagators):
    """Steps of H_eff and jumps beyond leading order on a mesh; arguments are those of `MeshPropagators`.

    Nothing is split: within a step the coefficients are constant, and exp of the whole H_eff is exact for any fraction
    of the step from the eigenvectors of a (non-hermitian) matrix. Which channel a jump takes depends on the state:
    color and direction are drawn together with the exact rates ||C u||^2 (arXiv:2205.10289), in place of the averaged
    rates of the C++ code. States are coefficients of vacuum states, sectors of any l are built when a trajectory enters
    them. At all orders in E/T (the positive twin, C = R sqrt(S)) the decay is that of the jumps of the step.
    """

    def __init__(
        self,
        model: LindbladModel,
        history: History,
        time_grid: TimeGrid,
        grid: LaguerreMesh,
        projection: Projection,
        jump_range: float = np.inf,
        size: int | None = None,
        filter_energy: float = np.inf,
    ) -> None:
        super().__init__(model, history, time_grid, grid, projection)
        self.size = basis_size(model, grid) if size is None else size
        self.jump_range, self.filter_energy = jump_range, filter_energy
        self._cut = within(grid, jump_range)
        self._exponents: dict[tuple[int, int], Exponent] = {}
        self._losses: dict[int, Float] = {}
        # what multiplies the matrices of a jump, among the terms of a profile: 1 and 1/T, or the roots of S
        self._of_jump = slice(0, 2) if model.spectrum is None else slice(model.powers, None)
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
        return self._basis(initial.l).filtered(initial, color, self.filter_energy)

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
        for sector, rows in by_sector(sectors):
            branches = self._branches_of(sector)
            behind = [states[rows] @ C.T for C in self._jumps(sector, step)]
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
        T = self.history.temperature(self.time_grid.edges[edge : edge + 1])
        weights = np.concatenate([[1.0], ratios(self.model, T)[0]])[self._of_jump]
        C = np.tensordot(weights, branch.matrices, 1)
        return np.asarray(((states @ self.vacuum_states(target).T) * self._cut) @ C)

    @cached_property
    def _moments(self) -> Float:
        """Integrals of the terms of the profile over each step, kappa first, shape (steps, terms)."""
        profile = self.time_grid.profile
        return profile.integrals(self.time_grid.edges)[:, profile.terms]

    def _jumps(self, sector: int, step: int) -> list[Float]:
        """Return sqrt(rate) C of each branch in a step, (N, K)."""
        moments = self._moments[step]
        # means over the step weighted with kappa, which is how the decay of the step sees 1/T; without it nothing jumps
        weights = moments[self._of_jump] / (moments[0] or 1.0)
        return [np.tensordot(weights, branch.matrices, 1) for branch in self._branches_of(sector)]

    def _basis(self, l: int) -> Basis:
        return make_basis(self.model, self.grid, l, self.size)

    def vacuum_states(self, sector: int) -> Float:
        """Return what the coefficients of a sector stand for: its vacuum states at the points, shape (N, K)."""
        color, l = color_and_l(sector)
        return self._basis(l).sector(color, l)[1]

    def _branches_of(self, sector: int) -> list[Branch]:
        if sector not in self._branches:
            color, l = color_and_l(sector)
            V = self.vacuum_states(sector)

            def matrices(channel: JumpChannel) -> Float:
                if self.model.spectrum is None:
                    terms = jump_matrices(self.model, channel, self.grid, l, self.jump_range)
                    return np.stack([m @ V for m in terms])
                R, U = spectral_jump(self.model, channel, self._basis(l), l, self.jump_range)
                target = COLORS.index(channel.target)
                all_states = spectrum(
                    self.model.potential, self.model.mass, self.grid, target, l + channel.delta_l
                )
                return np.asarray(all_states[1] @ (R * U))

            self._branches[sector] = [
                Branch(target_of(channel, l), matrices(channel))
                for channel in self.model.channels
                if channel.source == COLORS[color] and channel.rate(l) > 0
            ]
        return self._branches[sector]

    def _decay_matrix(self, sector: int, step: int) -> Float:
        """Return kappa (A0 + A1/T + A2/T^2), or of jumps -C^+C/2, integrated over the step, (K, K)."""
        if self.model.spectrum is not None:
            total = sum(C.T @ C for C in self._jumps(sector, step))
            return np.asarray(-0.5 * self._moments[step, 0] * total)
        if sector not in self._losses:
            color, l = color_and_l(sector)
            self._losses[sector] = loss_matrices(self.model, self._basis(l), color, l, self.jump_range)
        return np.asarray(np.tensordot(self._moments[step], self._losses[sector], 1))

    def _exponent(self, sector: int, step: int) -> Exponent:
        if (sector, step) not in self._exponents:
            color, l = color_and_l(sector)
            energies, _ = self._basis(l).sector(color, l)
            H = np.diag(energies * self.time_grid.lengths[step]).astype(complex)
            if self.time_grid.active[step]:
                A = self._decay_matrix(sector, step)
                V = self.vacuum_states(sector)
                r = distances(self.model, self.grid, self.jump_range)
                H += 0.5 * self.time_grid.gamma[step] * self.model.widths[color] * (V.T * r**2) @ V + 1j * A
            # not normal, so that its left eigenvectors are the inverse and not the adjoint of the right ones
            values, vectors = np.linalg.eig(-1j * H)
            self._exponents[sector, step] = Exponent(values, vectors, np.linalg.inv(vectors))
        return self._exponents[sector, step]


def make_propagators(
    model: LindbladModel,
    history: History,
    time_grid: TimeGrid,
    grid: LaguerreMesh | SineGrid,
    projection: Projection,
    jump_range: float = np.inf,
    size: int | None = None,
    filter_energy: float = np.inf,
) -> Propagators:
    """Return the propagators of a model on either grid; the last three arguments are for the mesh, see there."""
    if isinstance(grid, SineGrid):
        return SinePropagators(model, history, time_grid, grid, projection)
    on_mesh = MeshPropagators if model.is_local else NloPropagators
    return on_mesh(model, history, time_grid, grid, projection, jump_range, size, filter_energy)


def _real_product(states: Complex, matrix: Float) -> Complex:
    """Return states @ matrix for a real matrix at half the cost: the real and imaginary parts are rows of their own."""
    rows = np.concatenate([states.real, states.imag]) @ matrix
    return rows[: len(states)] + 1j * rows[len(states) :]
