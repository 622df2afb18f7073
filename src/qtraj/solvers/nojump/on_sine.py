"""Survival without any jump by second-order split steps: on a sine grid, and for thermal potentials on a mesh.

The steps are those of the trajectories, `propagators`. (On a mesh with dipole terms alone `method` has fourth-order
ones.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from ..._types import Float
from ...physics.initial import InitialState
from ...physics.medium import History
from ...physics.model import LindbladModel
from ...physics.potentials.coulomb import COLORS
from ...radial.laguerre import LaguerreMesh
from ...radial.sine import SineGrid
from ...states import STATES
from ..basis import SINGLET, basis_size, make_basis, states_with
from ..density.propagate import components
from ..projection import Projection
from ..result import Progress, Solution
from ..steps import Profile
from ..thermal import check_thermal
from ..trajectories.propagators import Propagators, make_propagators, sector_of, squared_norm
from ..trajectories.time_grid import graded_time_grid, uniform_time_grid
from .on_mesh import MeshSetting, error_parts, fast_pairs, no_jump_solution

DEFAULT_DT = 0.002
"""Time step on a sine grid in GeV^-1: the error of the baseline is then 4e-4, below that of 2047 points."""

STEP_FRACTION = 0.0625
"""Length of a step on a mesh over that of the fourth-order steps of dipole terms."""


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
    grid : LaguerreMesh or SineGrid
        Grid.
    step : float
        Time step in GeV^-1: graded as in `schedule.step_edges` on a mesh, uniform on a sine grid.
    size : int, optional
        Number of vacuum states kept on a mesh, by default `basis_size`.
    filter_energy : float
        Energy in GeV above which the start is left out on a mesh.
    """

    model: LindbladModel
    initial: InitialState
    projection: Projection
    grid: LaguerreMesh | SineGrid
    step: float
    size: int | None = None
    filter_energy: float = np.inf

    def propagators(self, history: History, checkpoints: Sequence[float]) -> Propagators:
        """Return the steps of one history."""
        on = uniform_time_grid if isinstance(self.grid, SineGrid) else graded_time_grid
        time_grid = on(self.model, history, checkpoints, self.step)
        return make_propagators(
            self.model,
            history,
            time_grid,
            self.grid,
            self.projection,
            size=self.size,
            filter_energy=self.filter_energy,
        )

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

    def along(self, history: History) -> SplitRun:
        """Return the run for one history: on a mesh without what of the start is too fast, as in `MeshSetting`.

        A width of the potential's own is bounded: it lets fast pairs survive, which all belong to the norm.
        """
        if isinstance(self.grid, SineGrid) or self.model.has_width:
            return self
        return self.on(MeshSetting.of(self.grid, Profile(self.model, history)))

    def on(self, setting: MeshSetting) -> SplitRun:
        """Return the run with the mesh, the states and the filter of a setting."""
        size = basis_size(self.model, setting.mesh, setting.cut)
        return replace(self, grid=setting.mesh, size=size, filter_energy=setting.filter_energy)

    def fast_pairs(self, history: History, checkpoints: Sequence[float]) -> tuple[Float, Float]:
        """Return what the norm owes to pairs that are filtered away, and its error, (times,) each."""
        if isinstance(self.grid, SineGrid) or not np.isfinite(self.filter_energy):
            return (np.zeros(len(checkpoints) + 1),) * 2
        basis = make_basis(self.model, self.grid, self.initial.l, self.size)
        profile = Profile(self.model, history)
        probability, error = fast_pairs([profile], basis, self.initial, self.filter_energy, checkpoints)
        return probability[0], error[0]

    def overlaps(self, history: History, checkpoints: Sequence[float]) -> Float:
        """Return the six overlaps and the norm at the check points and the end, shape (times, 7)."""
        propagators = self.propagators(history, checkpoints)
        colors = [share * self._evolve(propagators, color) for color, share in components(self.initial)]
        found: Float = np.sum(colors, axis=0)
        found[:, -1] += self.fast_pairs(history, checkpoints)[0]
        return found

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
    errors = _sine_errors if isinstance(run.grid, SineGrid) else _mesh_errors
    found, parts, fast = [], [], []
    for i, history in enumerate(histories):
        mine = run.along(history)
        found.append(mine.overlaps(history, checkpoints))
        if error_budget:
            parts.append(errors(mine, history, checkpoints, found[-1]))
            fast.append(mine.fast_pairs(history, checkpoints)[1])
        progress(i + 1, len(histories))
    names = parts[0] if parts else ()
    joined = {name: np.array([part[name] for part in parts]) for name in names}
    solution = no_jump_solution(run.initial_overlaps(histories[0]), np.array(found), joined)
    if np.any(fast):
        return replace(solution, norm_parts={**solution.norm_parts, "fast_pairs": np.array(fast)})
    return solution


def _sine_errors(
    run: SplitRun, history: History, checkpoints: Sequence[float], found: Float
) -> dict[str, Float]:
    """Errors from twice the step and twice the spacing.

    Both are of second order, so that a doubled one is off by three times the error more. The estimates take half the
    difference instead of a third, for what is not yet asymptotic.
    """
    grid = cast("SineGrid", run.grid)
    others = {
        "time_step": replace(run, step=2 * run.step),
        "mesh": replace(run, grid=replace(grid, num=(grid.num + 1) // 2 - 1)),
    }
    return {name: abs(other.overlaps(history, checkpoints) - found) / 2 for name, other in others.items()}


def _mesh_errors(
    run: SplitRun, history: History, checkpoints: Sequence[float], found: Float
) -> dict[str, Float]:
    """Errors from twice the step, and from other meshes with twice the step.

    Those are denser and longer, with a higher energy cut, and with moved points: what a kink of the potential costs, as
    of string breaking, depends on where it lies between two points, so that two meshes can agree by accident, and all
    are equally wrong. With the KSU potential 96 points miss 5e-5 of 1S, 1e-3 of 2S and 3e-3 of 3S after a local start.
    Its width is bounded, so that fast pairs survive, too, and the norm depends on the energy cut: a sine grid gives
    the norm of a local start. The energy cut after every step makes the steps of first order where the medium drives
    the state over it, so the whole difference to twice the step counts.
    """
    grid = cast("LaguerreMesh", run.grid)
    coarse = replace(run, step=2 * run.step)
    moved = replace(grid, scale=1.1 * grid.scale)
    if np.isfinite(run.filter_energy):
        setting = MeshSetting.of(grid, Profile(run.model, history))
        others = [coarse.on(s) for s in (*setting.finer(), replace(setting, mesh=moved))]
    else:
        finer = grid.compared(1.25)
        size = basis_size(run.model, finer)
        others = [
            replace(coarse, grid=finer),
            replace(coarse, grid=finer, size=min(finer.points, int(1.3 * size))),
            replace(coarse, grid=moved),
        ]
    compared = [other.overlaps(history, checkpoints) for other in others]
    return error_parts(found, coarse.overlaps(history, checkpoints), compared, share=1.0, excess=2.0)
