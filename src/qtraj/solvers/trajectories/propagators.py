"""One step of H_eff for a batch of states in any (color, l), on either grid.

A step is exp(-P2) exp(-i K dt) exp(-P1) with multiplications P1 + P2 = P(r) that contain the medium. On the Laguerre
mesh K is the whole vacuum Hamiltonian, exact in its eigenbasis; on the sine grid K is the kinetic energy, and P
contains the vacuum potential and the centrifugal term (QTraj's step, arXiv:2107.06147 section 3). States are rows of
coefficients c with sum |c|^2 = Int |u|^2 dr; a sector is the number 2 l + color.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...physics.channels import JumpChannel
from ...physics.initial import InitialState
from ...physics.medium import History
from ...physics.model import LindbladModel
from ...physics.potentials.coulomb import COLORS
from ..order import next_order_refused
from ..projection import Projection, projection_vectors
from ..thermal import thermal_integrals
from .time_grid import TimeGrid

Float = NDArray[np.float64]
Complex = NDArray[np.complex128]
Integer = NDArray[np.int64]
Fraction = float | Float

THERMAL_BLOCK = 128
"""Steps for which a potential that changes with the medium is evaluated at once."""


def sector_of(color: int, l: int | Integer) -> Any:
    """Return the number of a sector, or of many."""
    return 2 * l + color


def color_and_l(sector: Any) -> tuple[Any, Any]:
    """Return color (0 singlet, 1 octet) and l of a sector, or of many."""
    return sector % 2, sector // 2


class Propagators(ABC):
    """Steps of H_eff on one grid for one history.

    Parameters
    ----------
    model, history, time_grid
        What to evolve under, and when.
    grid : LaguerreMesh or SineGrid
        Grid of N points.
    projection : str or StoredStates
        What to project on.

    """

    def __init__(
        self, model: LindbladModel, history: History, time_grid: TimeGrid, grid: Any, projection: Projection
    ) -> None:
        self.model, self.history, self.time_grid, self.grid = model, history, time_grid, grid
        self.projection = projection
        self._block: dict[int, tuple[int, Complex]] = {}

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


class DipolePropagators(Propagators):
    """Steps and jumps at leading order, where the medium multiplies by r^2 and a jump by r, on either grid.

    Attributes
    ----------
    radial_factor : ndarray, shape (N,)
        The factor C(r) of a jump: r, cut off where a jump range is set.
    """

    radial_factor: Float

    def __init__(
        self, model: LindbladModel, history: History, time_grid: TimeGrid, grid: Any, projection: Projection
    ) -> None:
        if not model.is_local:  # these steps would silently be those of the leading order
            raise next_order_refused(model, type(self).__name__)
        super().__init__(model, history, time_grid, grid, projection)

    def decay(self, states: Complex, sectors: Integer, step: int) -> Float:
        """Return <Gamma> of the states times the length of the step."""
        color, _ = color_and_l(sectors)
        return np.asarray(
            self.time_grid.kappa[step] * self.model.widths[color] * squared_norm(states * self.r)
        )

    def jump(
        self, states: Complex, sectors: Integer, step: int, chance: Float
    ) -> tuple[Complex, Integer, Float]:
        """Return normalized states after a jump; which channel it takes does not depend on the state."""
        after, target = states * self.radial_factor, np.empty_like(sectors)
        # a state wholly beyond the jump range keeps no weight, and roulette ends it
        size = np.maximum(squared_norm(after), np.finfo(float).tiny)
        kept = size / squared_norm(states * self.r)
        after /= np.sqrt(size)[:, None]
        for sector in np.unique(sectors):
            targets, cumulative = self._branching(int(sector))
            chosen = sectors == sector
            target[chosen] = targets[np.searchsorted(cumulative, chance[chosen], side="right")]
        return after, target, kept

    def jump_adjoint(self, states: Complex, channel: JumpChannel, l: int, edge: int) -> Complex:
        """Return sqrt(rate) C^+ of the channel from l, applied to states behind the jump."""
        return np.asarray(np.sqrt(channel.rate(l)) * states * self.radial_factor)

    def _branching(self, sector: int) -> tuple[Integer, Float]:
        """Return the sectors that jumps lead to, and the cumulated probabilities of all but the last."""
        if sector not in self._branchings:
            color, l = color_and_l(sector)
            channels = [c for c in self.model.channels if c.source == COLORS[color] and c.rate(l) > 0]
            rates = np.array([c.rate(l) for c in channels])
            targets = np.array([sector_of(COLORS.index(c.target), l + c.delta_l) for c in channels])
            self._branchings[sector] = (targets, np.cumsum(rates)[:-1] / rates.sum())
        return self._branchings[sector]

    @cached_property
    def _branchings(self) -> dict[int, tuple[Integer, Float]]:
        return {}

    @cached_property
    def _widths(self) -> Float:
        return 0.5 * self.model.widths[:, None] * self.r**2

    def _half(self, sector: int, step: int, fraction: Fraction, *, early: bool) -> Complex:
        """Return the factor before (`early`) or after the motion, shape (N,), or (B, N) for a fraction of each state.

        Together they are exp(-P); the medium takes its `Clock.early` share of it before, everything else a half.
        """
        color, l = color_and_l(sector)
        share = self.time_grid.early[step] if early else 1 - self.time_grid.early[step]
        medium = share * (self.time_grid.kappa[step] + 1j * self.time_grid.gamma[step])
        exponent = medium * self._widths[color] + 0.5j * self._static(color, l) * self.time_grid.lengths[step]
        thermal = self._thermal(color, step)
        if thermal is not None:
            exponent = exponent + 0.5j * thermal
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
            found = thermal_integrals(self.model, self.history, edges, self.r, COLORS[color])
            # one assignment of a pair: other threads see the old block or the new one
            block = self._block[color] = (first, np.asarray(found, dtype=complex))
        return np.asarray(block[1][step - first])

    def _static(self, color: int, l: int) -> Float | float:
        return 0.0


def squared_norm(states: Complex) -> Float:
    """Return sum |c|^2 of each row."""
    pairs = states.view(float)
    return np.asarray(np.einsum("bi,bi->b", pairs, pairs))
