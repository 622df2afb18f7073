"""Survival without any jump at next-to-leading order: batches of histories through `kernels_nlo_pure`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..physics.initial import InitialState
from ..physics.medium import History
from ..physics.model import LindbladModel
from ..states import STATES
from .basis import SINGLET, Basis
from .kernels import double_precision
from .kernels_nlo_pure import WholeSector, WholeSteps, evolve_whole
from .nlo_operators import filtered, largest_rate, loss_matrices
from .projection import Projection
from .propagate import batch_size, components, target_states
from .schedule import coarsened, step_edges

Float = NDArray[np.float64]
Complex = NDArray[np.complex128]

STABLE = 2.2
"""Length of a step times the largest rate. The classical method is stable up to 2.78 on the real, 2.83 on the imaginary
axis."""


@dataclass(frozen=True, eq=False)
class _Plan:
    """Steps of one history between check points; arrays as in `WholeSteps` without the axis of histories."""

    vacuum: Float
    length: Float
    coefficients: Float


@dataclass(frozen=True, eq=False)
class _Sector:
    """Matrices of a sector and what limits the step: largest energy, decay over kappa, phase over gamma."""

    matrices: WholeSector
    energy: float
    decay: float
    phase: float

    def rate(self, coefficients: Float) -> Float:
        """Return a bound on the generator, for coefficients of shape (..., 4)."""
        kappa, gamma = coefficients[..., 0], np.abs(coefficients[..., 3])
        return np.asarray(np.hypot(self.decay * kappa, self.energy + self.phase * gamma))


@dataclass(frozen=True, eq=False)
class WholeRun:
    """What a batch of n histories has become.

    Parameters
    ----------
    overlap : ndarray, shape (n, times, 6)
        Overlaps at the check points and the end.
    norm : ndarray, shape (n, times)
        Probability of no jump so far, within the basis and the filter.
    energy, radius : ndarray, shape (n,)
        Root mean squares of the vacuum energy in GeV and of r in GeV^-1 at the end.
    """

    overlap: Float
    norm: Float
    energy: Float
    radius: Float


@lru_cache(maxsize=16)
def _sector(model: LindbladModel, basis: Basis, color: int, l: int, jump_range: float) -> _Sector:
    loss = loss_matrices(model, basis, color, l, jump_range)
    energies, _ = basis.sector(color, l)
    phase = 0.5 * float(np.linalg.eigvalsh(loss.r_squared)[-1])
    matrices = WholeSector(energies, np.concatenate([loss.decay, loss.r_squared[None]]))
    return _Sector(matrices, float(energies[-1]), largest_rate(loss), phase)


def propagate_whole(
    basis: Basis,
    model: LindbladModel,
    initial: InitialState,
    histories: Sequence[History],
    checkpoints: Sequence[float],
    *,
    step: float,
    coarse: bool,
    jump_range: float,
    filter_energy: float,
    projection: Projection = "computed",
) -> WholeRun:
    """Propagate under H_eff alone, in the sectors the initial state occupies.

    Parameters
    ----------
    basis, model, initial, histories, checkpoints
        As for the methods.
    step : float
        Longest step in GeV^-1 as in `step_edges`; stability may need shorter ones.
    coarse : bool
        Take steps twice as long.
    jump_range : float
        Distance in GeV^-1 beyond which rates saturate.
    filter_energy : float
        Energy in GeV above which the start is left out.
    projection : str or StoredStates
        States to project on.

    """
    n, times, size = len(histories), len(checkpoints) + 1, batch_size()
    overlap, norm = np.zeros((n, times, len(STATES))), np.zeros((n, times))
    squares = np.zeros((2, n))
    for color, weight in components(initial):
        sector = _sector(model, basis, color, initial.l, jump_range)
        start = filtered(basis, initial, color, filter_energy)
        for first in range(0, n, size):
            members = histories[first : first + size]
            rows = slice(first, first + len(members))
            # each history has its own end: one that goes on in vacuum until the longest ends would spread
            ends = [max([b for _, b in h.active] + list(checkpoints), default=0.0) for h in members]
            state: Complex = np.repeat(start[None].astype(complex), len(members), axis=0)
            for k, begin in enumerate([0.0, *checkpoints]):
                stops = [checkpoints[k]] * len(members) if k < len(checkpoints) else ends
                plans = [
                    _plan(sector, model, h, begin, stop, step, coarse=coarse)
                    for h, stop in zip(members, stops, strict=True)
                ]
                steps, count = _stacked(plans)
                with double_precision():
                    state = np.asarray(evolve_whole(sector.matrices, state, steps, count))
                norm[rows, k] += weight * (np.abs(state) ** 2).sum(axis=-1)
                if color == SINGLET:
                    columns, targets = target_states(basis, model, initial.l, projection)
                    overlap[np.ix_(range(n)[rows], [k], columns)] = (
                        weight * (np.abs(state @ targets.T) ** 2)[:, None]
                    )
            r_squared = sector.matrices.matrices[3] / model.widths[color]
            squares[0, rows] += weight * (np.abs(state) ** 2) @ sector.matrices.energies**2
            squares[1, rows] += weight * np.einsum("bi,ij,bj->b", state.conj(), r_squared, state).real
    energy, radius = np.sqrt(squares / norm[:, -1])
    return WholeRun(overlap, norm, energy, radius)


def _plan(
    sector: _Sector,
    model: LindbladModel,
    history: History,
    start: float,
    end: float,
    step: float,
    *,
    coarse: bool,
) -> _Plan:
    """Return the steps of one history: pairs of steps of `step_edges`, cut into equal stable steps."""
    vacuum, length, nodes = [0.0], [], []
    now = start
    for edges in coarsened(step_edges(model, history, start, end, step)):
        vacuum[-1] += edges[0] - now
        rates = sector.rate(_coefficients(model, history, edges))
        for (a, b), rate in zip(pairwise(edges), np.maximum(rates[1:], rates[:-1]), strict=True):
            parts = max(1, int(np.ceil((b - a) * rate / STABLE))) * (1 if coarse else 2)
            t = np.linspace(a, b, 2 * parts + 1)
            found = _coefficients(model, history, t)
            nodes += [found[2 * j : 2 * j + 3] for j in range(parts)]
            length += [(b - a) / parts] * parts
            vacuum += [0.0] * parts
        now = edges[-1]
    vacuum[-1] += end - now
    return _Plan(np.array(vacuum), np.array(length), np.array(nodes).reshape(-1, 3, 4))


def _coefficients(model: LindbladModel, history: History, t: Float) -> Float:
    """Return kappa, kappa/T, kappa/T^2, gamma at times t, shape (len(t), 4)."""
    T = history.temperature(t)
    kappa, gamma = model.transport.at(T)
    return np.stack([kappa, kappa / T, kappa / T**2, gamma], axis=-1)


def _stacked(plans: Sequence[_Plan]) -> tuple[WholeSteps, int]:
    """Return the steps of a batch, padded with steps that do nothing to one of few lengths, and the number to take."""
    count = max(len(p.length) for p in plans)
    rows = 64
    while rows < count:
        rows *= 2
    B = len(plans)
    vacuum, length, nodes = np.zeros((rows + 1, B)), np.zeros((rows, B)), np.zeros((rows, 3, 4, B))
    for b, p in enumerate(plans):
        S = len(p.length)
        vacuum[:S, b], vacuum[count, b] = p.vacuum[:S], p.vacuum[S]
        length[:S, b], nodes[:S, ..., b] = p.length, p.coefficients
    return WholeSteps(vacuum, length, nodes), count
