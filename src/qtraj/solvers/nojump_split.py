"""Survival without any jump on a sine grid: QTraj's split-step evolution, with errors from coarser steps and grids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..physics.initial import InitialState, singlet_probability
from ..physics.medium import History
from ..physics.model import LindbladModel
from ..physics.potentials import COLORS
from ..radial.sine import SineGrid
from ..states import STATES
from .basis import SINGLET, states_with
from .clock import Clock, uniform_clock
from .flows import SineFlows, sector_of, squared_norm
from .nojump_budget import no_jump_solution
from .projection import Projection, initial_coefficients, projection_vectors
from .result import Progress, Solution

Float = NDArray[np.float64]

DEFAULT_DT = 0.002
"""Time step in GeV^-1: the error of the baseline is then 4e-4, below that of 2047 points."""


@dataclass(frozen=True)
class SineRun:
    """Split-step evolution of one initial state.

    Parameters
    ----------
    model : LindbladModel
        Model.
    initial : InitialState
        Start.
    grid : SineGrid
        Grid.
    dt : float
        Time step in GeV^-1.
    projection : str or StoredStates
        What to project on.
    """

    model: LindbladModel
    initial: InitialState
    grid: SineGrid
    dt: float
    projection: Projection

    def initial_overlaps(self) -> Float:
        """Return the overlaps at the start, shape (6,)."""
        overlap = np.zeros(len(STATES))
        share = singlet_probability(self.initial.color)
        if share > 0:
            start = initial_coefficients(self.initial, self.grid, self.model, COLORS[SINGLET])
            own = [i for i, _ in states_with(self.initial.l)]
            overlap[own] = (
                share * (projection_vectors(self.projection, self.grid, self.model)[own] @ start) ** 2
            )
        return overlap

    def overlaps(self, history: History, checkpoints: Sequence[float]) -> Float:
        """Return the six overlaps and the norm at the check points and the end, shape (times, 7)."""
        clock = uniform_clock(self.model, history, checkpoints, self.dt)
        found = np.zeros((len(clock.marks), len(STATES) + 1))
        p = singlet_probability(self.initial.color)
        for color, share in ((0, p), (1, 1 - p)):
            if share > 0:
                found += share * self._evolve(history, clock, color)
        return found

    def _evolve(self, history: History, clock: Clock, color: int) -> Float:
        flows = SineFlows(self.model, history, clock, self.grid, self.projection)
        states = flows.start(self.initial, color)[None].astype(complex)
        sectors = np.array([sector_of(color, self.initial.l)])
        own = [i for i, _ in states_with(self.initial.l)]
        found = np.zeros((len(clock.marks), len(STATES) + 1))
        for edge in range(clock.steps + 1):
            for m, mark in enumerate(clock.marks):
                if mark == edge:
                    found[m, -1] = squared_norm(states)[0]
                    if color == SINGLET:
                        found[m, own] = np.abs(flows.targets[own] @ states[0]) ** 2
            if edge < clock.steps:
                flows.advance(states, sectors, edge)
        return found


def solve_on_sine_grid(
    grid: SineGrid,
    dt: float,
    projection: Projection,
    model: LindbladModel,
    histories: Sequence[History],
    initial: InitialState,
    checkpoints: Sequence[float],
    progress: Progress,
    *,
    error_budget: bool,
) -> Solution:
    """Return the overlaps of every history without jumps, as `NoJump.solve`.

    Notes
    -----
    Step and spacing are of second order, so a run with twice of one is off by three times the error more. The
    estimates take half the difference instead of a third, for what is not yet asymptotic.
    """
    run = SineRun(model, initial, grid, dt, projection)
    others = {
        "time_step": replace(run, dt=2 * dt),
        "mesh": replace(run, grid=replace(grid, num=(grid.num + 1) // 2 - 1)),
    }
    found, differences = [], []
    for i, history in enumerate(histories):
        found.append(run.overlaps(history, checkpoints))
        if error_budget:
            differences.append(
                [abs(other.overlaps(history, checkpoints) - found[-1]) for other in others.values()]
            )
        progress(i + 1, len(histories))
    parts = dict(zip(others, np.swapaxes(differences, 0, 1) / 2, strict=True)) if differences else {}
    return no_jump_solution(run.initial_overlaps(), np.array(found), parts)
