"""Survival without any jump: evolution with H_eff alone, by the forward fourth-order splitting.

H_eff = H - i Gamma/2 of arXiv:2107.06147; the splitting is that of S. A. Chin, Phys. Lett. A 226 (1997) 344.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from .._checks import boolean, instance, number, settle
from ..errors import InputError
from ..physics.initial import InitialState
from ..physics.medium import History
from ..physics.model import LindbladModel
from ..radial.laguerre import MAX_POINTS, LaguerreMesh
from ..radial.sine import SineGrid
from .basis import Basis, make_basis
from .nlo_nojump import NloNoJump
from .nlo_validity import warn_if_not_small
from .nojump_budget import error_parts, no_jump_solution
from .nojump_split import DEFAULT_DT, STEP_FRACTION, SplitRun, solve_split
from .order import next_order_refused
from .projection import Projection, checked_projection
from .propagate import initial_overlaps, propagate_pure, sequences
from .result import Progress, Solution
from .schedule import chin_4a

Float = NDArray[np.float64]

DEFAULT_MESH = LaguerreMesh(96, 0.09)
"""Converged to 1e-6 on the baseline, and still a negligible cost for a pure state."""


@dataclass(frozen=True)
class NoJump:
    """Evolution with H_eff = H - i Gamma/2 only: the survival of pairs that never jump.

    Parameters
    ----------
    grid : LaguerreMesh or SineGrid
        On a mesh the vacuum states up to 12 GeV are kept; a sine grid is evolved by QTraj's split steps.
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

    grid: LaguerreMesh | SineGrid = field(default=DEFAULT_MESH)
    step: float = 0.2
    dt: float | None = None
    projection: Projection = "computed"
    error_budget: bool = True

    def __post_init__(self) -> None:
        allowed = "be a LaguerreMesh(points=...) or a SineGrid(num=...)"
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
        if model.order == "NLO":
            return self._solve_nlo(model, histories, initial, checkpoints, progress)
        if isinstance(self.grid, SineGrid) or model.thermal is not None:
            split = SplitRun(model, initial, self.projection, self.grid, self._split_step())
            return solve_split(split, histories, checkpoints, progress, error_budget=self.error_budget)
        basis = make_basis(model, self.grid, initial.l)

        def run(basis: Basis, *, coarse: bool) -> Float:
            plans = [sequences(model, h, checkpoints, chin_4a, self.step, coarse=coarse) for h in histories]
            overlap, norm = propagate_pure(basis, model, initial, plans, self.projection)
            return np.concatenate([overlap, norm[..., None]], axis=-1)

        found = run(basis, coarse=False)
        parts: dict[str, Float] = {}
        if self.error_budget:
            coarse = run(basis, coarse=True)
            finer = [run(other, coarse=True) for other in finer_bases(self.grid, model, initial.l)]
            parts = error_parts(found, coarse, finer)
        progress(len(histories), len(histories))
        return no_jump_solution(initial_overlaps(basis, model, initial, self.projection), found, parts)

    def _solve_nlo(
        self,
        model: LindbladModel,
        histories: Sequence[History],
        initial: InitialState,
        checkpoints: Sequence[float],
        progress: Progress,
    ) -> Solution:
        if isinstance(self.grid, SineGrid):
            raise next_order_refused(model, "NoJump on a SineGrid")
        run = NloNoJump(self.grid, self.step, self.projection, self.error_budget, model, initial, checkpoints)
        solution = run.solve(histories)
        warn_if_not_small(solution.diagnostics)
        progress(len(histories), len(histories))
        return solution

    def _split_step(self) -> float:
        if isinstance(self.grid, SineGrid):
            return DEFAULT_DT if self.dt is None else self.dt
        return self.step * STEP_FRACTION


def finer_bases(grid: LaguerreMesh, model: LindbladModel, l: int) -> tuple[Basis, Basis]:
    """Return a basis on a denser and longer mesh, and one that also keeps higher energies, to compare with."""
    mesh = replace(grid, points=min(MAX_POINTS, int(np.ceil(1.25 * grid.points))))
    basis = make_basis(model, mesh, l)
    return basis, make_basis(model, mesh, l, min(mesh.points, int(1.3 * basis.size)))


def check_step(step: float) -> float:
    """Return `step` as a float, or raise `InputError` unless it is a plausible time step in GeV^-1."""
    return number("step", step, "be a time step in GeV^-1, from 1e-4 to 5", low=1e-4, high=5)


def check_dt(dt: float | None, grid: LaguerreMesh | SineGrid) -> float | None:
    """Return `dt` as a float, or raise `InputError` unless it is a time step in GeV^-1 on a sine grid, or None."""
    if dt is None:
        return None
    if isinstance(grid, LaguerreMesh):
        raise InputError("dt", dt, "be None on a LaguerreMesh", "Its time step is `step`.")
    return number("dt", dt, "be a time step in GeV^-1, from 1e-6 to 0.5", low=1e-6, high=0.5)
