"""Solve what is missing of a plan and keep each finished task."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import xarray as xr

from ..io.results import estimate_variables, stack
from ..observables.estimate import Estimate
from ..physics.initial import GaussianState
from ..physics.medium import Histories
from ..physics.model import LindbladModel
from ..physics.potentials import CoulombPotential
from ..physics.transport import Transport
from ..solvers.density import DensityMatrix
from ..solvers.solve import solve as solve_lindblad
from ..states import STATE_NAMES
from .plan import Task
from .progress import Reporter, Silent
from .store import PartStore


class Solved(Protocol):
    """What a run needs of a solver's result: survivals as arrays over histories."""

    @property
    def survival(self) -> Mapping[str, Estimate]:
        """Survival of each state."""

    @property
    def no_jump(self) -> Mapping[str, Estimate]:
        """Survival of each state without any jump."""


class Solver(Protocol):
    """The signature of `qtraj.solve`, the seam where a test or another machine puts its own."""

    def __call__(
        self,
        model: LindbladModel,
        medium: Histories,
        initial: GaussianState,
        *,
        method: DensityMatrix,
        progress: Callable[[int, int], None],
    ) -> Solved:
        """Solve a batch of histories."""


def execute(
    tasks: Sequence[Task], store: PartStore, *, solve: Solver = solve_lindblad, report: Reporter | None = None
) -> list[xr.Dataset]:
    """Return the parts of all tasks, from the store where they are finished, else solved now and stored.

    Parameters
    ----------
    tasks : sequence of Task
        The plan.
    store : PartStore
        Where parts are kept. An interruption loses the current task only.
    solve : callable, optional
        `qtraj.solve` or a stand-in with its signature.
    report : Reporter, optional
        Hears about the progress.

    Returns
    -------
    list of xarray.Dataset
        In the order of `tasks`; variables ``survival`` and ``no_jump`` of dimensions (state, history) with
        their error parts.
    """
    report = report or Silent()
    found = [store.load(task) for task in tasks]
    report.begin(
        total=sum(map(len, tasks)),
        reused=sum(len(task) for task, part in zip(tasks, found, strict=True) if part is not None),
    )
    return [
        part if part is not None else _compute(task, store, solve, report)
        for task, part in zip(tasks, found, strict=True)
    ]


def _compute(task: Task, store: PartStore, solve: Solver, report: Reporter) -> xr.Dataset:
    config = task.config
    model = LindbladModel(
        CoulombPotential(alpha=config.model.alpha),
        Transport(kappa=task.setting.kappa, gamma=task.setting.gamma, T_c=config.model.T_c),
        mass=config.model.mass,
        order=config.model.order,
    )
    result = solve(
        model,
        task.geometry.histories,
        GaussianState(l=task.l, width=config.initial.width),
        method=DensityMatrix(rtol=config.method.rtol, atol=config.method.atol),
        progress=lambda done, total: report.advance(task, done),
    )
    part = _part(result)
    store.save(task, part)
    report.finish(task)
    return part


def _part(result: Solved) -> xr.Dataset:
    dims = ("state", "history")
    variables: dict[str, Any] = {}
    for name, estimates in (("survival", result.survival), ("no_jump", result.no_jump)):
        variables |= estimate_variables(name, stack({state: estimates[state] for state in STATE_NAMES}), dims)
    return xr.Dataset(variables, coords={"state": list(STATE_NAMES)})
