"""Survival without any jump by second-order split steps on a sine grid, with the steps of the trajectories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..._types import Float
from ...physics.initial import InitialState
from ...physics.medium import History
from ...physics.model import LindbladModel
from ...physics.potentials.coulomb import COLORS
from ...radial.sine import SineGrid
from ...states import STATES
from ..basis import SINGLET, states_with
from ..density.propagate import components
from ..projection import Projection
from ..result import Progress, Solution
from ..thermal import check_thermal
from ..trajectories.propagators import Propagators, make_propagators, sector_of, squared_norm
from ..trajectories.time_grid import uniform_time_grid
from .on_mesh import no_jump_solution

DEFAULT_DT = 0.002
"""Time step on a sine grid in GeV^-1: the error of the baseline is then 4e-4, below that of 2047 points."""


@dataclass(frozen=True)
class SplitRun:
    """Split-step evolution of one initial state.

    Parameters
    ----------
    model : LindbladModel
        Model.
    initial : InitialState
        Start.
    projection : str or StoredStates
        What to project on.
    grid : SineGrid
        Grid.
    step : float
        Uniform time step in GeV^-1.
    """

    model: LindbladModel
    initial: InitialState
    projection: Projection
    grid: SineGrid
    step: float

    def propagators(self, history: History, checkpoints: Sequence[float]) -> Propagators:
        """Return the steps of one history."""
        time_grid = uniform_time_grid(self.model, history, checkpoints, self.step)
        return make_propagators(self.model, history, time_grid, self.grid, self.projection)

    def initial_overlaps(self, history: History) -> Float:
        """Return the overlaps at the start, shape (6,); those of any history."""
        propagators, overlap = self.propagators(history, ()), np.zeros(len(STATES))
        for color, share in components(self.initial):
            if color == SINGLET:
                own = [i for i, _ in states_with(self.initial.l)]
                overlap[own] = (
                    share * (propagators.targets[own] @ propagators.start(self.initial, color)) ** 2
                )
        return overlap

    def overlaps(self, history: History, checkpoints: Sequence[float]) -> Float:
        """Return the six overlaps and the norm at the check points and the end, shape (times, 7)."""
        propagators = self.propagators(history, checkpoints)
        colors = [share * self._evolve(propagators, color) for color, share in components(self.initial)]
        return np.asarray(np.sum(colors, axis=0))

    def _evolve(self, propagators: Propagators, color: int) -> Float:
        states = propagators.start(self.initial, color)[None].astype(complex)
        sectors = np.array([sector_of(color, self.initial.l)])
        own = [i for i, _ in states_with(self.initial.l)]
        marks, steps = propagators.time_grid.marks, propagators.time_grid.steps
        found = np.zeros((len(marks), len(STATES) + 1))
        for edge in range(steps + 1):
            for m in (m for m, mark in enumerate(marks) if mark == edge):
                found[m, -1] = squared_norm(states)[0]
                if color == SINGLET:
                    found[m, own] = np.abs(propagators.targets[own] @ states[0]) ** 2
            if edge < steps:
                propagators.advance(states, sectors, edge)
        return found


def solve_split(
    run: SplitRun,
    histories: Sequence[History],
    checkpoints: Sequence[float],
    progress: Progress,
    *,
    error_budget: bool,
) -> Solution:
    """Return the overlaps of every history without jumps, as `NoJump.solve`."""
    for color, _ in components(run.initial):
        check_thermal(run.model, histories, run.grid.r, COLORS[color])
    found, parts = [], []
    for i, history in enumerate(histories):
        found.append(run.overlaps(history, checkpoints))
        if error_budget:
            parts.append(_errors(run, history, checkpoints, found[-1]))
        progress(i + 1, len(histories))
    names = parts[0] if parts else ()
    joined = {name: np.array([part[name] for part in parts]) for name in names}
    return no_jump_solution(run.initial_overlaps(histories[0]), np.array(found), joined)


def _errors(run: SplitRun, history: History, checkpoints: Sequence[float], found: Float) -> dict[str, Float]:
    """Errors from twice the step and twice the spacing.

    Both are of second order, so that a doubled one is off by three times the error more. The estimates take half the
    difference instead of a third, for what is not yet asymptotic.
    """
    others = {
        "time_step": replace(run, step=2 * run.step),
        "mesh": replace(run, grid=replace(run.grid, num=(run.grid.num + 1) // 2 - 1)),
    }
    return {name: abs(other.overlaps(history, checkpoints) - found) / 2 for name, other in others.items()}
