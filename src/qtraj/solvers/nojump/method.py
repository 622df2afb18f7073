"""Survival without any jump: evolution with H_eff alone, by the forward fourth-order splitting.

H_eff = H - i Gamma/2 of arXiv:2107.06147; the splitting is that of S. A. Chin, Phys. Lett. A 226 (1997) 344.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, replace
from typing import Any

import numpy as np

from ..._checks import boolean, instance, number, settle
from ..._types import Float
from ...errors import InputError
from ...physics.initial import InitialState
from ...physics.medium import History
from ...physics.model import LindbladModel
from ...physics.potentials.coulomb import COLORS
from ...radial.laguerre import LaguerreMesh
from ...radial.sine import SineGrid
from ...states import STATES
from ..density.propagate import StateRun, components, initial_overlaps, propagate_state, sequences
from ..parallel import Tally
from ..projection import Projection, checked_projection
from ..result import Progress, Solution
from ..steps import Profile, chin_4b, strang
from ..thermal import check_thermal
from ..trajectories.propagators import next_order_refused
from .on_mesh import EXCESS, EXCESS_OF_KINKS, MeshSetting, error_parts, fast_pairs, no_jump_solution
from .on_sine import DEFAULT_DT, SplitRun, solve_split
from .validity import expansion_parameters, warn_if_not_small

DEFAULT_MESH = LaguerreMesh(96, 0.09)
"""Converged to 1e-6 on the baseline, and still a negligible cost for a pure state."""

MESH_OF_WIDTH = LaguerreMesh(120, 0.07)
"""The same for a potential that is complex in the medium. Its width saturates, so that fast pairs live on until the end
of the mesh sends them back: 96 points miss up to 2e-4 of 3S (HTL) and 1e-3 (KSU), 120 points 2e-5 and 3e-4."""


@dataclass(frozen=True)
class NoJump:
    """Evolution with H_eff = H - i Gamma/2 only: the survival of pairs that never jump.

    Parameters
    ----------
    grid : LaguerreMesh or SineGrid, optional
        By default `DEFAULT_MESH`, or `MESH_OF_WIDTH` for a complex potential, scaled with the Bohr radius of the model.
        On a mesh the vacuum states up to 20 GeV are kept; a sine grid is evolved by QTraj's split steps.
    step : float
        On a mesh: time step in GeV^-1 in a medium of the strength of the baseline, as in `step_edges`; the error falls
        as step^4 until it meets the limit of the basis, near 1e-6.
    dt : float, optional
        On a sine grid: time step in GeV^-1, by default 0.002; the error falls as dt^2.
    projection : {"computed", "coulomb"} or StoredStates
        States to project on, see `projection_vectors`.
    error_budget : bool
        Also run with twice the step and on other grids, and report the differences as errors.

    Raises
    ------
    InputError
        If an argument is out of range, or `dt` is given for a mesh.
    """

    grid: LaguerreMesh | SineGrid | None = None
    step: float = 0.2
    dt: float | None = None
    projection: Projection = "computed"
    error_budget: bool = True

    def __post_init__(self) -> None:
        allowed = "be a LaguerreMesh(points=...) or a SineGrid(num=...)"
        if self.grid is not None:
            instance("grid", self.grid, (LaguerreMesh, SineGrid), allowed)
        settle(
            self,
            step=check_step(self.step),
            dt=check_dt(self.dt, self.grid),
            projection=checked_projection(self.projection),
            error_budget=boolean("error_budget", self.error_budget),
        )

    def solve(
        self,
        model: LindbladModel,
        histories: Sequence[History],
        initial: InitialState,
        checkpoints: Sequence[float],
        progress: Progress,
    ) -> Solution:
        """Return the overlaps of every history; called by `solve`, which has checked the arguments."""
        grid = default_mesh(model) if self.grid is None else self.grid
        if isinstance(grid, SineGrid):
            if not model.is_local:
                raise next_order_refused(model, "NoJump on a SineGrid")
            dt = DEFAULT_DT / model.scales.energy if self.dt is None else self.dt
            split = SplitRun(model, initial, self.projection, grid, dt)
            return solve_split(split, histories, checkpoints, progress, error_budget=self.error_budget)
        for color, _ in components(initial):
            check_thermal(model, histories, grid.r, COLORS[color])
        profiles = [Profile(model, h, thermal=True) for h in histories]
        # a run for each color, and four for an error budget; see `fourth_order` for the factor
        runs = len(components(initial)) * (4 if self.error_budget else 1) * (1 if model.powers == 1 else 2)
        tally = Tally(progress, runs * len(histories))
        solution = self.on_mesh(grid, model, profiles, initial, checkpoints, tally.add)
        tally.reach()
        return solution

    def on_mesh(
        self,
        mesh: LaguerreMesh,
        model: LindbladModel,
        profiles: Sequence[Profile],
        initial: InitialState,
        checkpoints: Sequence[float],
        advance: Callable[[int], None] = lambda members: None,
    ) -> Solution:
        """Return the overlaps of every history on a mesh.

        Parameters
        ----------
        mesh : LaguerreMesh
            The mesh.
        model : LindbladModel
            The equation.
        profiles : sequence of Profile
            The coefficients along each history.
        initial : InitialState
            The start.
        checkpoints : sequence of float
            Times in GeV^-1 at which overlaps are wanted as well.
        advance : callable, optional
            Called with the number of histories that a run has just propagated.

        Returns
        -------
        Solution

        Warns
        -----
        AccuracyWarning
            If the expansions of next-to-leading order do not hold.
        """
        settings = [MeshSetting.of(mesh, p) for p in profiles]
        shape = (len(profiles), len(checkpoints) + 1, len(STATES) + 1)
        found = np.zeros(shape)
        parts = {name: np.zeros(shape) for name in ("time_step", "mesh")} if self.error_budget else {}
        moments = np.zeros((2, len(profiles)))
        fast = np.zeros(shape[:2])

        def run(
            setting: MeshSetting, members: Sequence[Profile], *, coarse: bool
        ) -> tuple[Float, StateRun, Float]:
            """Return overlaps and norm, the run they come from, and the error of what the norm says of fast pairs."""
            basis = setting.basis(model, initial.l)
            runs = []

            def at(halvings: int, splitting: Any) -> Float:
                plans = [sequences(p, checkpoints, splitting, self.step, halvings=halvings) for p in members]
                state = propagate_state(
                    basis,
                    model,
                    initial,
                    plans,
                    self.projection,
                    jump_range=setting.jump_range,
                    filter_energy=setting.filter_energy,
                    advance=advance,
                )
                runs.append(state)
                return np.concatenate([state.overlap, state.norm[..., None]], axis=-1)

            value = fourth_order(at, model, setting, coarse=coarse)
            kept, unsure = fast_pairs(members, basis, initial, setting.filter_energy, checkpoints)
            value[..., -1] += kept
            return value, runs[0], unsure

        for setting in sorted(set(settings), key=astuple):
            rows = [i for i, other in enumerate(settings) if other == setting]
            members = [profiles[i] for i in rows]
            found[rows], state, fast[rows] = run(setting, members, coarse=False)
            moments[:, rows] = state.energy, state.radius
            if self.error_budget:
                coarse = run(setting, members, coarse=True)[0]
                # a longer mesh has larger phases at its end, which the longest steps of a complex potential alias
                same = not model.has_width
                finer = [run(other, members, coarse=same)[0] for other in setting.others(model)]
                excess = EXCESS if model.thermal is None else EXCESS_OF_KINKS
                beside = coarse if same else found[rows]
                for name, part in error_parts(found[rows], coarse, finer, beside, excess=excess).items():
                    parts[name][rows] = part
        start = initial_overlaps(settings[0].basis(model, initial.l), model, initial, self.projection)
        solution = no_jump_solution(start, found, parts)
        if self.error_budget:
            solution = replace(solution, norm_parts={**solution.norm_parts, "fast_pairs": fast})
        if not model.is_local:
            parameters = expansion_parameters([p.history for p in profiles], *moments)
            solution = replace(solution, diagnostics=parameters)
            warn_if_not_small(model, parameters)
        return solution


def default_mesh(model: LindbladModel) -> LaguerreMesh:
    """Return the mesh for the part without jumps of a model, scaled with its Bohr radius."""
    return (MESH_OF_WIDTH if model.has_width else DEFAULT_MESH).scaled(model.scales.length)


def fourth_order(
    run: Callable[[int, Any], Float], model: LindbladModel, setting: MeshSetting, *, coarse: bool
) -> Float:
    """Return what a run finds, with an error of fourth order in the time step.

    Parameters
    ----------
    run : callable
        Takes how often to halve the steps (-1 to join them in pairs) and a splitting; returns overlaps.
    model : LindbladModel
        Only for jumps r is the double commutator a multiple of r^2, and the splitting of fourth order. Otherwise two
        runs of second order are extrapolated, with half the step, as recoil and the edges of a potential reach energies
        that long steps do not follow (1S of the baseline at NLO: 3e-5 off, then 6e-8).
    setting : MeshSetting
        What is kept: faster pairs need shorter steps.
    coarse : bool
        Take steps twice as long.
    """
    if model.powers == 1 and model.thermal is None:
        return run(-1 if coarse else 0, chin_4b)
    # steps twice as long come back to the same phase at energies that are kept: 3S in Gaussian noise of 2.5 GeV^-1 is
    # then off by 7e-5, and by 7e-3 in the coarse run, where HTL and KSU are off by 1e-8 and 1e-6
    halvings = setting.doublings + (1 if coarse else 2)
    half, whole = run(halvings, strang), run(halvings - 1, strang)
    return np.asarray((4 * half - whole) / 3)


def check_step(step: float) -> float:
    """Return `step` as a float, or raise `InputError` unless it is a plausible time step in GeV^-1."""
    return number("step", step, "be a time step in GeV^-1, from 1e-4 to 5", low=1e-4, high=5)


def check_dt(dt: float | None, grid: LaguerreMesh | SineGrid | None) -> float | None:
    """Return `dt` as a float, or raise `InputError` unless it is a time step in GeV^-1 on a sine grid, or None."""
    if dt is None:
        return None
    if not isinstance(grid, SineGrid):
        raise InputError("dt", dt, "be None on a LaguerreMesh", "Its time step is `step`.")
    return number("dt", dt, "be a time step in GeV^-1, from 1e-6 to 0.5", low=1e-6, high=0.5)
