"""Survival without any jump: evolution with H_eff alone, by the forward fourth-order splitting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, is_finite_number
from ..physics.initial import InitialState
from ..physics.medium import History
from ..physics.model import LindbladModel
from ..radial.laguerre import LaguerreMesh
from .basis import Basis, make_basis
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
    grid : LaguerreMesh
        Mesh; its vacuum states up to 12 GeV are kept.
    step : float
        Time step in GeV^-1 in a medium of the strength of the baseline, as in `step_edges`; the error falls as step^4.
    error_budget : bool
        Also run with twice the step and on two other bases, and report the differences as errors.

    Raises
    ------
    InputError
        If `step` is not positive.
    """

    grid: LaguerreMesh = field(default=DEFAULT_MESH)
    step: float = 0.2
    error_budget: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.grid, LaguerreMesh):
            raise InputError("grid", self.grid, "be a LaguerreMesh(points=..., scale=...)")
        check_step(self.step)

    def solve(
        self,
        model: LindbladModel,
        histories: Sequence[History],
        initial: InitialState,
        checkpoints: Sequence[float],
        progress: Progress,
    ) -> Solution:
        """Return the overlaps of every history; called by `solve`, which has checked the arguments."""
        basis = make_basis(model, self.grid, initial.l)
        overlap, norm = self._run(basis, model, histories, initial, checkpoints, coarse=False)
        parts: dict[str, Float] = {}
        if self.error_budget:
            coarse, _ = self._run(basis, model, histories, initial, checkpoints, coarse=True)
            mesh = replace(self.grid, scale=0.85 * self.grid.scale)
            # by mesh points alone, and by mesh points with another energy cut; twice, as both are of one kind
            others = [
                self._run(
                    make_basis(model, mesh, initial.l, size),
                    model,
                    histories,
                    initial,
                    checkpoints,
                    coarse=True,
                )[0]
                for size in (None, basis.size)
            ]
            # a fifteenth would be Richardson's at fourth order, a third at second: tables are only piecewise smooth
            parts = {
                "time_step": np.abs(overlap - coarse) / 3,
                "mesh": 2 * np.max([np.abs(other - coarse) for other in others], axis=0),
            }
        progress(len(histories), len(histories))
        return Solution(
            initial_overlap=initial_overlaps(basis, initial),
            overlap=overlap,
            parts=parts,
            no_jump=overlap,
            no_jump_parts=parts,
            norm=norm,
            not_estimated=() if self.error_budget else ("time_step", "mesh"),
        )

    def _run(
        self,
        basis: Basis,
        model: LindbladModel,
        histories: Sequence[History],
        initial: InitialState,
        checkpoints: Sequence[float],
        *,
        coarse: bool,
    ) -> tuple[Float, Float]:
        plans = [sequences(model, h, checkpoints, chin_4a, self.step, coarse=coarse) for h in histories]
        return propagate_pure(basis, model, initial, plans)


def check_step(step: float) -> None:
    """Raise `InputError` unless `step` is a plausible time step in GeV^-1."""
    if not (is_finite_number(step) and 1e-4 <= step <= 5):
        raise InputError("step", step, "be a time step in GeV^-1, from 1e-4 to 5")
