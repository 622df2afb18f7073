"""Estimators of the final overlaps: what a trajectory contributes, and means of many with their errors.

`LastJump` scores every place where the last jump may happen: a trajectory in the octet at time t jumps into the
singlet at a known rate, and what such a state contributes at the end, without another jump, is its overlap with the
bound states evolved backward in time under the adjoint of H_eff. The sum over t is the trapezoidal rule over the
edges of the steps; since the expectation value of the score is a smooth function of t, it is of second order. In the
transport literature this is next-event estimation. `EndPoint` is the plain one, its twin: the overlap of the state
in which a trajectory ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..._types import Complex, Float, Integer
from ...observables.estimate import TRUSTED
from ...physics.potentials.coulomb import COLORS
from ...states import STATES
from ..basis import SINGLET, states_with
from .ensemble import Ensemble
from .propagators import Propagators, by_sector, color_and_l, sector_of
from .time_grid import TimeGrid
from .waves import WaveJumps

# Populations are counted for l = 0 ... 6, and for l >= 7 together.
L_TRACKED = 7

L_TARGETS = tuple(sorted({state.l for state in STATES}))

# Events not seen in n independent trials have at most the probability 3/n, at 95 % confidence.
UNSEEN = 3.0


class EndPoint:
    """Overlaps of the states at the marks, and their populations, weighted; row 0 is the state that never jumps.

    The scores have the shape (marks, B + 1, 6), the populations by color and l (marks, B + 1, 2, L_TRACKED + 1).
    """

    def __init__(self, propagators: Propagators, rows: int) -> None:
        self._propagators, self._marks = propagators, propagators.time_grid.marks
        self.scores = np.zeros((len(self._marks), rows, len(STATES)))
        self.population = np.zeros((len(self._marks), rows, 2, L_TRACKED + 1))

    def observe(self, edge: int, ensemble: Ensemble, rows: Integer) -> None:
        """Score at the marks."""
        marks = [m for m, at in enumerate(self._marks) if at == edge]
        if not marks:
            return
        color, l = color_and_l(ensemble.sectors[rows])
        # the norm of row 0 is the chance that nothing jumped; that of the others is in their random number
        contribution = ensemble.weight[rows] * np.where(rows == 0, ensemble.norm[rows], 1.0)
        for m in marks:
            self.population[m, rows, color, np.minimum(l, L_TRACKED)] = contribution
        for target in L_TARGETS:
            chosen = rows[(color == SINGLET) & (l == target)]
            columns = [i for i, _ in states_with(target)]
            overlap = np.abs(ensemble.states[chosen] @ self._propagators.targets[columns].T) ** 2
            overlap *= _contribution(ensemble, chosen)[:, None]
            for m in marks:
                self.scores[m][np.ix_(chosen, columns)] = overlap


@dataclass(frozen=True, eq=False)
class BackwardStates:
    """The bound states evolved backward from every mark, and through every jump that leads to them.

    Known at n edges, `nodes`, at `times` (n,); `weights` (n, marks) are integrals of what multiplies the rates by the
    trapezoidal rule, zero after the mark. For dipole jumps `channels` has, for each sector that jumps into a bound l,
    that l and the conjugate amplitudes of what a jump from there contributes, shape (n, N, marks * states of this l).
    The `waves` of a complex potential jump from any l: they are applied where a trajectory is, to the states `behind`
    the jump, (n, marks * states, N) for each l.
    """

    nodes: Integer
    times: Float
    weights: Float
    channels: dict[int, list[tuple[int, Complex]]]
    waves: WaveJumps | None
    behind: dict[int, Complex]

    def flux(self, node: int, sector: int, states: Complex) -> Iterator[tuple[int, Float]]:
        """Yield bound l, and rates times final overlaps of jumps there from states (B, N), (B, marks * states)."""
        for l, amplitudes in self.channels.get(sector, ()):
            yield l, np.abs(states @ amplitudes[node]) ** 2
        color, start = color_and_l(sector)
        if self.waves is not None and color != SINGLET:
            t = float(self.times[node])
            for l, behind in self.behind.items():
                if (start + l) % 2 == 1:  # only odd waves change singlets and octets into each other
                    yield l, self.waves.rates_into(states, start, behind[node], l, t)


def backward_states(propagators: Propagators, stride: int) -> BackwardStates:
    """Return the states to project on, evolved backward, at every `stride`-th edge in the medium and at its ends."""
    nodes = _nodes(propagators.time_grid, stride)
    behind = {l: _evolved_back(propagators, l, nodes) for l in L_TARGETS}
    channels: dict[int, list[tuple[int, Complex]]] = {}
    for l in L_TARGETS:
        for channel in propagators.model.channels:
            start = l - channel.delta_l
            if channel.target == COLORS[SINGLET] and start >= 0 and channel.rate(start) > 0:
                table = [
                    # conjugate transposes, so that a score is one product with the states of a batch
                    propagators.jump_adjoint(states, channel, start, int(edge)).conj().T
                    for states, edge in zip(behind[l], nodes, strict=True)
                ]
                sector = int(sector_of(COLORS.index(channel.source), start))
                channels.setdefault(sector, []).append((l, np.array(table)))
    times, weights = propagators.time_grid.edges[nodes], _node_weights(propagators.time_grid, nodes)
    waves = propagators.waves
    return BackwardStates(nodes, times, weights, channels, waves, {} if waves is None else behind)


def _evolved_back(propagators: Propagators, l: int, nodes: Integer) -> Complex:
    """Return the states with this l evolved backward from every mark to every node, (n, marks * states, N)."""
    columns, marks = [i for i, _ in states_with(l)], propagators.time_grid.marks
    count, last = len(columns), max(marks)
    states = np.zeros((len(marks) * count, propagators.targets.shape[1]), dtype=complex)
    evolved = np.zeros((len(nodes), *states.shape), dtype=complex)
    position = {int(edge): i for i, edge in enumerate(nodes)}
    for edge in range(last, int(nodes[0]) - 1 if len(nodes) else last, -1):
        if edge < last:
            states = propagators.step_adjoint(states, int(sector_of(SINGLET, l)), edge)
        for m, at in enumerate(marks):
            if at == edge:  # those of an earlier mark join on the way
                states[m * count : (m + 1) * count] = propagators.targets[columns]
        if edge in position:
            evolved[position[edge]] = states
    return evolved


class LastJump:
    """Expected overlaps from a last jump anywhere along a trajectory.

    `backward` is what a jump contributes, `rows` the number B + 1 of rows of the ensemble; row 0 is the state that
    never jumps. The `scores` (marks, B + 1, 6) are expected overlaps, weighted.
    """

    def __init__(self, propagators: Propagators, backward: BackwardStates, rows: int) -> None:
        self._backward = backward
        self._position = {int(edge): i for i, edge in enumerate(backward.nodes)}
        self.scores = np.zeros((len(propagators.time_grid.marks), rows, len(STATES)))

    def observe(self, edge: int, ensemble: Ensemble, rows: Integer) -> None:
        """Add the contribution of a jump around this edge."""
        if edge not in self._position:
            return
        node = self._position[edge]
        weights = self._backward.weights[node]
        for sector, inside in by_sector(ensemble.sectors[rows]):
            chosen = rows[inside]
            for l, rates in self._backward.flux(node, sector, ensemble.states[chosen]):
                columns = [i for i, _ in states_with(l)]
                flux = rates * _contribution(ensemble, chosen)[:, None]
                shape = len(chosen), len(weights), len(columns)
                found = weights[:, None, None] * flux.reshape(shape).swapaxes(0, 1)
                self.scores[:, chosen[:, None], columns] += found


def _contribution(ensemble: Ensemble, rows: Integer) -> Float:
    """Weights of the normalized states; the state that never jumps counts with its norm."""
    return ensemble.weight[rows] / np.where(rows == 0, 1.0, ensemble.norm[rows])


def _nodes(time_grid: TimeGrid, stride: int) -> Integer:
    """Return every stride-th edge of each stretch of medium between two marks, and the ends of the stretches."""
    active = np.concatenate([[False], time_grid.jumps > 0, [False]])
    ends = {int(i) for i in np.flatnonzero(active[1:] != active[:-1])} | set(time_grid.marks)
    nodes: set[int] = set()
    for a, b in pairwise(sorted(ends | {0, time_grid.steps})):
        if time_grid.jumps[a] > 0:
            nodes |= {*range(a, b, stride), b}
    return np.array(sorted(nodes), dtype=np.int64)


def _node_weights(time_grid: TimeGrid, nodes: Integer) -> Float:
    weights, edges = np.zeros((len(nodes), len(time_grid.marks))), time_grid.edges
    # jumps act at their center in each step, and are shared by the nodes around it as by linear interpolation
    centers = edges[:-1] + (1 - time_grid.early) * np.diff(edges)
    for i, (a, b) in enumerate(pairwise(nodes)):
        jumps, late = time_grid.jumps[a:b], (centers[a:b] - edges[a]) / (edges[b] - edges[a])
        for m, mark in enumerate(time_grid.marks):
            if b <= mark:
                weights[i : i + 2, m] += [jumps @ (1 - late), jumps @ late]
    return weights


class Sample:
    """Running sums of the scores of stratified rounds, of a shape (marks, 6): memory does not grow with the rounds."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.shape, self.n = shape, 0
        self.total, self.squares, self.scatter = (
            np.zeros(shape),
            np.zeros(shape),
            np.zeros((*shape, shape[1])),
        )

    def add(self, scores: Float) -> None:
        """Add one round, shape (marks, n, 6), in the order of its strata.

        Neighbors differ by their own scatter and by that of the means of their strata, so half the mean square of
        their difference bounds the variance within the strata from above (the method of collapsed strata, W. G.
        Cochran, Sampling Techniques, section 5A.12).
        """
        n = scores.shape[1]
        difference = np.diff(scores, axis=1)
        self.scatter += n / (n - 1) / 2 * np.einsum("mni,mnj->mij", difference, difference)
        self.total += scores.sum(axis=1)
        self.squares += np.square(scores).sum(axis=1)
        self.n += n

    @property
    def mean(self) -> Float:
        """Mean score, shape (marks, 6); zero without any."""
        return self.total / max(self.n, 1)

    @property
    def covariance(self) -> Float:
        """Covariance of the mean between states, shape (marks, 6, 6)."""
        return self.scatter / max(self.n, 1) ** 2

    @property
    def error(self) -> Float:
        """Standard error of the mean, shape (marks, 6)."""
        return np.sqrt(np.diagonal(self.covariance, axis1=-2, axis2=-1))

    @property
    def effective(self) -> Float:
        """Effective number of contributions (sum y)^2 / sum y^2, shape (marks, 6); zero where all scores vanish."""
        return np.divide(self.total**2, self.squares, out=np.zeros(self.shape), where=self.squares > 0)

    def unseen(self, contribution: float) -> Float:
        """Return what unseen, rare events may add, shape (marks, 6); zero where the sample is large enough.

        `contribution` is the most that one trajectory can score.
        """
        return np.where(self.effective < TRUSTED, UNSEEN / self.n * contribution, 0.0)
