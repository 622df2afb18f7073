"""Solve what is missing of a plan and keep each finished task."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import AccuracyWarning
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
    initial = GaussianState(l=task.l, width=config.initial.width)
    settings = config.method

    def solved(histories: Histories, before: int, **options: Any) -> Solved:
        method = DensityMatrix(rtol=settings.rtol, atol=settings.atol, **options)
        return solve(
            model,
            histories,
            initial,
            method=method,
            progress=lambda done, total: report.advance(task, before + done),
        )

    histories = task.geometry.histories
    if settings.budget == "all":
        part = _part(*_estimates(solved(histories, 0)))
    else:
        chosen = task.geometry.replicate == task.geometry.replicate[0]
        with warnings.catch_warnings():
            # here the tolerance only chooses the discretization; the errors reached enter every average
            warnings.simplefilter("ignore", AccuracyWarning)
            sample = _estimates(solved(histories[chosen], 0, refinements=0))
        rest = _estimates(solved(histories[~chosen], int(chosen.sum()), error_budget=False))
        part = _part(*(_spread(a, b, chosen) for a, b in zip(sample, rest, strict=True)))
    store.save(task, part)
    report.finish(task)
    return part


def _estimates(result: Solved) -> tuple[Estimate, Estimate]:
    """Survival and its no-jump part, shape (state, history)."""
    survival, no_jump = result.survival, result.no_jump
    return stack({s: survival[s] for s in STATE_NAMES}), stack({s: no_jump[s] for s in STATE_NAMES})


def _spread(sample: Estimate, rest: Estimate, chosen: NDArray[np.bool_]) -> Estimate:
    """Join the histories of two estimates; those without an error get the mean error of the sample.

    A replicate is a random sample of the paths, so the mean over all of them has the error it should have.
    """
    value = np.empty((len(STATE_NAMES), len(chosen)))
    value[:, chosen], value[:, ~chosen] = sample.value, rest.value
    parts = {}
    for name, errors in sample.parts.items():
        parts[name] = np.repeat(np.mean(errors, axis=1, keepdims=True), len(chosen), axis=1)
        parts[name][:, chosen] = errors
    return Estimate(value, parts, sample.not_estimated)


def _part(survival: Estimate, no_jump: Estimate) -> xr.Dataset:
    dims = ("state", "history")
    variables = estimate_variables("survival", survival, dims) | estimate_variables("no_jump", no_jump, dims)
    return xr.Dataset(variables, coords={"state": list(STATE_NAMES)})
