"""Survival without any jump at next-to-leading order: batches of histories through `kernels_nlo_pure`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ...physics.initial import InitialState
from ...physics.model import LindbladModel
from ...states import STATES
from ..basis import SINGLET, Basis
from ..density.kernels import double_precision
from ..density.nlo_operators import largest_rate, loss_matrices
from ..density.propagate import batch_size, components, segments_of, target_states
from ..projection import Projection
from ..steps import GAMMA, KAPPA, KAPPA_OVER_T, KAPPA_OVER_T2, Profile, coarsened, planned, step_edges
from .nlo_kernels import NloStateSector, NloStateSteps, evolve_state_nlo

Float = NDArray[np.float64]
Complex = NDArray[np.complex128]

STABLE = 2.2
"""Length of a step times the largest rate. The classical method is stable up to 2.78 on the real, 2.83 on the imaginary
axis."""


@dataclass(frozen=True, eq=False)
class _Segment:
    """Steps of one history between check points; arrays as in `NloStateSteps` without the axis of histories."""

    vacuum: Float
    length: Float
    coefficients: Float

    @property
    def steps(self) -> int:
        """Number of steps."""
        return len(self.length)


@dataclass(frozen=True, eq=False)
class _Sector:
    """Matrices of a sector and what limits the step: largest energy, decay over kappa, phase over gamma."""

    matrices: NloStateSector
    energy: float
    decay: float
    phase: float

    def rate(self, legendre: Float) -> Float:
        """Return a bound on the generator in each step from the coefficients' Legendre polynomials, (S, 5, n)."""
        largest = np.abs(legendre).sum(axis=-1)
        return np.asarray(
            np.hypot(self.decay * largest[:, KAPPA], self.energy + self.phase * largest[:, GAMMA])
        )


@dataclass(frozen=True, eq=False)
class NloStateRun:
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
    matrices = NloStateSector(energies, np.concatenate([loss.decay, loss.r_squared[None]]))
    return _Sector(matrices, float(energies[-1]), largest_rate(loss), phase)


def propagate_state_nlo(
    basis: Basis,
    model: LindbladModel,
    initial: InitialState,
    profiles: Sequence[Profile],
    checkpoints: Sequence[float],
    *,
    step: float,
    coarse: bool,
    jump_range: float,
    filter_energy: float,
    projection: Projection = "computed",
) -> NloStateRun:
    """Propagate under H_eff alone, in the sectors the initial state occupies.

    Parameters
    ----------
    basis, model, initial, checkpoints
        As for the methods.
    profiles : sequence of Profile
        Coefficients along each history.
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
    n, times, size = len(profiles), len(checkpoints) + 1, batch_size()
    overlap, norm = np.zeros((n, times, len(STATES))), np.zeros((n, times))
    squares = np.zeros((2, n))
    for color, weight in components(initial):
        sector = _sector(model, basis, color, initial.l, jump_range)
        start = basis.filtered(initial, color, filter_energy)

        def stepped(
            profile: Profile, intervals: Sequence[Float], begin: float, end: float, sector: _Sector = sector
        ) -> _Segment:
            return _segment(sector, profile, intervals, begin, end, parts=1 if coarse else 2)

        for first in range(0, n, size):
            members = profiles[first : first + size]
            rows = slice(first, first + len(members))
            plans = [planned(p, stepped, coarsened(step_edges(p, step)), checkpoints) for p in members]
            state: Complex = np.repeat(start[None].astype(complex), len(members), axis=0)
            for k, (pieces, side) in enumerate(segments_of(plans, range(len(members)))):
                with double_precision():
                    state = np.asarray(evolve_state_nlo(sector.matrices, state, *_stacked(pieces)))
                    seen = (
                        state
                        if side is None
                        else np.asarray(evolve_state_nlo(sector.matrices, state, *_stacked(side)))
                    )
                norm[rows, k] += weight * (np.abs(seen) ** 2).sum(axis=-1)
                if color == SINGLET:
                    columns, targets = target_states(basis, model, initial.l, projection)
                    overlap[np.ix_(range(n)[rows], [k], columns)] = (
                        weight * (np.abs(seen @ targets.T) ** 2)[:, None]
                    )
            r_squared = sector.matrices.matrices[3] / model.widths[color]
            squares[0, rows] += weight * (np.abs(state) ** 2) @ sector.matrices.energies**2
            squares[1, rows] += weight * np.einsum("bi,ij,bj->b", state.conj(), r_squared, state).real
    energy, radius = np.sqrt(squares / norm[:, -1])
    return NloStateRun(overlap, norm, energy, radius)


def _segment(
    sector: _Sector, profile: Profile, intervals: Sequence[Float], start: float, end: float, parts: int
) -> _Segment:
    """Return the steps of one segment: those given, each cut into `parts` times as many equal steps as are stable.

    The coefficients of a step are the values, at its beginning, middle and end, of the parabola that has the moments of
    the medium: its integral is exact however rough the medium is.
    """
    vacuum, length, nodes = [0.0], [np.zeros(0)], [np.zeros((0, 3, 4))]
    now = start
    for edges in intervals:
        vacuum[-1] += edges[0] - now
        dt = np.diff(edges)
        rate = sector.rate(profile.legendre_of(edges))
        counts = parts * np.maximum(1, np.ceil(dt * rate / STABLE).astype(int))
        fine = [np.linspace(a, b, n + 1)[:-1] for (a, b), n in zip(pairwise(edges), counts, strict=True)]
        t = np.append(np.concatenate(fine), edges[-1])
        c = profile.legendre_of(t, 2)[:, [KAPPA, KAPPA_OVER_T, KAPPA_OVER_T2, GAMMA]]
        mean, slope, bend = np.moveaxis(c, -1, 0)
        nodes.append(np.stack([mean - slope + bend, mean - bend / 2, mean + slope + bend], axis=1))
        length.append(np.repeat(dt / counts, counts))
        vacuum += [0.0] * int(counts.sum())
        now = edges[-1]
    vacuum[-1] += end - now
    return _Segment(np.array(vacuum), np.concatenate(length), np.concatenate(nodes))


def _stacked(segments: Sequence[_Segment]) -> tuple[NloStateSteps, int]:
    """Return the steps of a batch, padded with steps that do nothing to one of few lengths, and the number to take."""
    count = max(p.steps for p in segments)
    rows = 64
    while rows < count:
        rows *= 2
    B = len(segments)
    vacuum, length, nodes = np.zeros((rows + 1, B)), np.zeros((rows, B)), np.zeros((rows, 3, 4, B))
    for b, p in enumerate(segments):
        S = p.steps
        vacuum[:S, b], vacuum[count, b] = p.vacuum[:S], p.vacuum[S]
        length[:S, b], nodes[:S, ..., b] = p.length, p.coefficients
    return NloStateSteps(vacuum, length, nodes), count
