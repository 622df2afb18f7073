"""Batches of histories through the JAX kernels: sorting, check points, projection."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from ..._types import Complex, Float
from ...physics.initial import InitialState, singlet_probability
from ...physics.model import LindbladModel
from ...states import STATES
from ...units import OCTET_DIMENSION
from ..basis import OCTET, SINGLET, Basis, states_with
from ..parallel import side_by_side
from ..projection import Projection, projection_vectors
from ..result import ROUNDING
from ..steps import Plan, Profile, Steps, cut_edges, planned
from .kernels import (
    DensitySector,
    StateSector,
    density_sector,
    double_precision,
    evolve_density,
    evolve_state,
    padded_steps,
    state_sector,
)

Callback = Callable[[Float, Float], None]
"""Sees one history go by: called at the start and after each segment with X = Re rho + Im rho of each color and l in
the vacuum states, shape (2, l_max + 1, K, K), and the trace lost until then, shape ()."""


@dataclass(frozen=True, eq=False)
class Overlaps:
    """Projections on the six states at the check points.

    Parameters
    ----------
    overlap : ndarray, shape (n, times, 6)
        |<n l|psi>|^2 or <n l|rho|n l>, order of `STATES`.
    population : ndarray, shape (n, times, 2, l_max + 1)
        Trace of each (color, l) sector.
    lost : ndarray, shape (n, 2)
        Trace lost in jumps (beyond l_max or the jump range) and above the basis, at the end.
    purity, entropy : ndarray, shape (n,)
        Tr rho^2 and -Tr rho ln rho of what is left at the end, normalized, counting color and m.
    smallest_eigenvalue : ndarray, shape (n,)
        Smallest eigenvalue of the blocks rho_{c,l} at the end.
    cut : ndarray, shape (n, 2)
        Trace that is not in the start, in each color.
    """

    overlap: Float
    population: Float
    lost: Float
    purity: Float
    entropy: Float
    smallest_eigenvalue: Float
    cut: Float


def initial_overlaps(
    basis: Basis, model: LindbladModel, initial: InitialState, projection: Projection = "computed"
) -> Float:
    """Return the overlaps with the six states at the start, shape (6,)."""
    overlap = np.zeros(len(STATES))
    share = singlet_probability(initial.color)
    if share > 0:
        rows, targets = target_states(basis, model, initial.l, projection)
        overlap[rows] = share * (targets @ basis.coefficients(initial, SINGLET)) ** 2
    return overlap


def sequences(
    profile: Profile,
    checkpoints: Sequence[float],
    splitting: Callable[[Profile, Sequence[Float], float, float], Any],
    step: float,
    *,
    halvings: int = 0,
) -> Plan:
    """Return the steps of one history from 0 through all check points (in GeV^-1) to the end of its medium.

    `step` is the length of a step as in `step_edges`; then every step is halved, or with -1 joined to its neighbor.
    """
    key = (splitting, step, halvings, tuple(checkpoints))
    if key not in profile.plans:  # runs that are compared share their steps
        profile.plans[key] = planned(profile, splitting, cut_edges(profile, step, halvings), checkpoints)
    return profile.plans[key]


@dataclass(frozen=True, eq=False)
class StateRun:
    """What n histories have become without any jump.

    Parameters
    ----------
    overlap : ndarray, shape (n, segments, 6)
        Overlaps after each segment.
    norm : ndarray, shape (n, segments)
        Probability of no jump so far, within the basis and the filter.
    energy, radius : ndarray, shape (n,)
        Root mean squares of the vacuum energy in GeV and of r in GeV^-1 at the end; 0 for a model that is local.
    """

    overlap: Float
    norm: Float
    energy: Float
    radius: Float


def propagate_state(
    basis: Basis,
    model: LindbladModel,
    initial: InitialState,
    plans: Sequence[Plan],
    projection: Projection = "computed",
    *,
    jump_range: float = np.inf,
    filter_energy: float = np.inf,
    advance: Callable[[int], None] = lambda members: None,
) -> StateRun:
    """Propagate under H_eff alone, in the sectors the initial state occupies, what of the start is not too fast.

    Arguments are those of `propagate_density`, with the states to project on; `advance` is called for each color.
    """
    n, segments = len(plans), len(plans[0].main)
    overlap, norm = np.zeros((n, segments, len(STATES))), np.zeros((n, segments))
    squares = np.zeros((2, n))
    rows, targets = target_states(basis, model, initial.l, projection)
    for color, weight in components(initial):
        sector, limit = state_sector(model, basis, color, initial.l, jump_range)
        start = basis.filtered(initial, color, filter_energy)
        for members, padded in batches(plans, batch_size()):
            state: Complex = np.repeat(start[None].astype(complex), len(padded), axis=0)

            def evolve(
                state: Complex,
                segment: Sequence[Steps],
                sector: StateSector = sector,
                color: int = color,
                limit: Float = limit,
            ) -> Complex:
                with double_precision():
                    return np.asarray(evolve_state(sector, state, *padded_steps(segment, color, limit)))

            for k, (segment, side) in enumerate(segments_of(plans, padded)):
                state = evolve(state, segment)
                seen = (state if side is None else evolve(state, side))[: len(members)]
                norm[members, k] += weight * (np.abs(seen) ** 2).sum(axis=-1)
                if color == SINGLET:
                    overlap[np.ix_(members, [k], rows)] = weight * (np.abs(seen @ targets.T) ** 2)[:, None]
            if (
                not model.is_local
            ):  # only the expansions of next-to-leading order ask how fast and large a pair is
                squares[0, members] += weight * np.abs(seen) ** 2 @ np.asarray(sector.energies) ** 2
                squares[1, members] += weight * np.abs(seen @ sector.vectors.T) ** 2 @ basis.mesh.r**2
            advance(len(members))
    energy, radius = np.sqrt(squares / norm[:, -1])
    return StateRun(overlap, norm, energy, radius)


def propagate_density(
    basis: Basis,
    model: LindbladModel,
    initial: InitialState,
    plans: Sequence[Plan],
    *,
    jump_range: float,
    filter_energy: float = np.inf,
    diagnostics: bool = False,
    callback: Callback | None = None,
    advance: Callable[[int], None] = lambda members: None,
) -> Overlaps:
    """Propagate the density matrix of the full equation.

    Parameters
    ----------
    basis : Basis
        Mesh, states and l_max.
    model : LindbladModel
        The equation.
    initial : InitialState
        Start, any color mixture.
    plans : sequence of Plan
        Steps of each history, from `sequences`.
    jump_range : float
        Distance in GeV^-1 beyond which jumps count as lost.
    filter_energy : float
        Energy in GeV above which the start is left out, and counts as lost.
    diagnostics : bool
        Compute purity, entropy and the smallest eigenvalue at the end (NaN otherwise).
    callback : Callback, optional
        Sees the density matrix of the only history.
    advance : callable, optional
        Called with the number of histories that have just been propagated, in any thread.
    """
    constants, limit = density_sector(model, basis, jump_range)
    with double_precision():
        sector: DensitySector = jax.device_put(constants)
    n, segments, M = len(plans), len(plans[0].main), basis.l_max + 1
    overlap = np.zeros((n, segments, len(STATES)))
    population, lost = np.zeros((n, segments, 2, M)), np.zeros((n, 2))
    purity, entropy, smallest = np.full((3, n), np.nan)
    start, cut = starting_density(basis, initial, filter_energy)
    if callback is not None:
        callback(start, np.asarray(cut))

    def evolve(X: Any, gone: Any, segment: Sequence[Steps]) -> tuple[Any, Any]:
        with double_precision():
            after: tuple[Any, Any] = evolve_density(sector, X, gone, *padded_steps(segment, SINGLET, limit))
        return after

    def propagate(batch: tuple[list[int], list[int]]) -> None:
        members, padded = batch
        X: Any = [np.repeat(block[:, None], len(padded), axis=1) for block in start]
        count = len(members)
        gone: Any = np.repeat([[0.0], [cut]], len(padded), axis=1)
        for k, (segment, side) in enumerate(segments_of(plans, padded)):
            X, gone = evolve(X, gone, segment)
            # what is seen inside a step is a side branch: looking changes nothing
            seen, seen_gone = (X, gone) if side is None else evolve(X, gone, side)
            if callback is not None:
                callback(np.stack(seen)[:, :, 0], np.asarray(seen_gone)[:, 0].sum())
            diagonal = np.einsum("clbaa->bcla", np.stack(seen))[:count]
            population[members, k] = diagonal.sum(axis=-1)
            for j, s in enumerate(STATES):
                if s.l <= basis.l_max:
                    overlap[members, k, j] = diagonal[:, SINGLET, s.l, s.radial_index]
        lost[members] = np.asarray(gone).T[:count]
        if diagnostics:
            final = np.stack(X)[:, :, :count]
            values = eigenvalues(final)
            purity[members], entropy[members] = purity_entropy(values)
            smallest[members] = values.min(axis=(0, 1, 3))
        advance(count)

    side_by_side(propagate, list(batches(plans, batch_size())))
    start_population = np.trace(start, axis1=-2, axis2=-1)
    cuts = np.tile(missing(initial, start_population), (n, 1))
    return Overlaps(overlap, population, lost, purity, entropy, smallest, cuts)


def missing(initial: InitialState, population: Float) -> Float:
    """Return what the populations (2, l_max + 1) of a start lack of each of its colors, shape (2,)."""
    shares = np.zeros(2)
    for color, share in components(initial):
        shares[color] = share
    lacking = shares - population.sum(axis=-1)
    return np.where(lacking > ROUNDING, lacking, 0.0)  # a start that is wholly kept lacks only rounding


def starting_density(basis: Basis, initial: InitialState, filter_energy: float) -> tuple[Float, float]:
    """Return rho at the start, (2, l_max + 1, K, K), without what is too fast, and the trace it lacks."""
    rho = np.zeros((2, basis.l_max + 1, basis.size, basis.size))
    for color, weight in components(initial):
        a = basis.filtered(initial, color, filter_energy)
        rho[color, initial.l] += weight * np.outer(a, a)
    return rho, 1 - float(np.trace(rho, axis1=-2, axis2=-1).sum())


def target_states(
    basis: Basis, model: LindbladModel, l: int, projection: Projection
) -> tuple[list[int], Float]:
    """Return the positions in STATES of the states with this l, and the states in the basis, (states, K)."""
    rows = [i for i, _ in states_with(l)]
    targets = projection_vectors(projection, basis.mesh, model)[rows]
    if projection == "computed":  # they are the first states of the basis, exactly
        return rows, np.eye(basis.size)[: len(rows)]
    return rows, targets @ basis.sector(SINGLET, l)[1]


def components(initial: InitialState) -> tuple[tuple[int, float], ...]:
    """Return (color, probability) of the colors a start occupies."""
    p = singlet_probability(initial.color)
    return tuple((color, weight) for color, weight in ((SINGLET, p), (OCTET, 1 - p)) if weight > 0)


def batch_size() -> int:
    """Return how many histories to propagate at once."""
    # one already fills a CPU, and alone its last bits cannot depend on who else is solved; a GPU wants more
    return 1 if jax.default_backend() == "cpu" else 128


def segments_of(
    plans: Sequence[Plan], members: Sequence[int]
) -> Iterator[tuple[list[Any], list[Any] | None]]:
    """Yield the steps of each segment of some plans, and of the side branches at its end, None where nobody has any."""
    for k in range(len(plans[0].main)):
        pieces, side = [plans[i].main[k] for i in members], [plans[i].side[k] for i in members]
        if all(branch is None for branch in side):
            yield pieces, None
        else:
            yield pieces, [b if b is not None else _nothing(p) for b, p in zip(side, pieces, strict=True)]


def _nothing(steps: Steps) -> Steps:
    """Return steps of the kind of `steps` that take no time."""
    P = steps.soft.shape[-1]
    return Steps(np.zeros(1), steps.terms[:0], steps.phases[:0], np.zeros((1, P)), np.zeros(1))


def batches(plans: Sequence[Plan], size: int) -> Iterator[tuple[list[int], list[int]]]:
    """Yield groups of indices of similar length, plain and padded to `size`, or alone, so that few shapes compile."""
    order = np.argsort([plan.steps for plan in plans], kind="stable")
    for i in range(0, len(order), size):
        members = [int(j) for j in order[i : i + size]]
        if len(members) <= size // 4:
            yield from (([j], [j]) for j in members)
        else:
            yield members, members + [members[-1]] * (size - len(members))


def eigenvalues(X: Float) -> Float:
    """Return the eigenvalues of the blocks of rho, (2, M, B, K), from X of shape (2, M, B, K, K)."""
    symmetric, antisymmetric = (X + X.swapaxes(-1, -2)) / 2, (X - X.swapaxes(-1, -2)) / 2
    return np.linalg.eigvalsh(symmetric + 1j * antisymmetric)


def purity_entropy(values: Float) -> tuple[Float, Float]:
    """Purity and von Neumann entropy of the normalized state, each (B,), from its `eigenvalues` (2, M, B, K).

    It is the state of the pairs that are kept: rho over its trace, so that an entropy does not change with how much of
    a start a mesh leaves out. NaN where nothing is kept. A block rho_{c,l} stands for (2l+1) d_c equal copies, d_c the
    number of colors, of rho_{c,l}/((2l+1) d_c) each.
    """
    trace = values.sum(axis=(0, 1, 3))
    values = values / np.where(trace > 0, trace, np.nan)[:, None]
    copies = np.array([1, OCTET_DIMENSION])[:, None] * (2 * np.arange(values.shape[1]) + 1)
    copies = copies[:, :, None, None]
    # rounding leaves eigenvalues of -1e-18: they carry no entropy
    positive = np.maximum(values, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        term = np.where(positive > 0, positive * np.log(positive / copies), 0.0)
    return np.sum(values**2 / copies, axis=(0, 1, 3)), -np.sum(term, axis=(0, 1, 3))
