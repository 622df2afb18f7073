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
from ..radial.laguerre import MAX_POINTS, LaguerreMesh
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
        Time step in GeV^-1 in a medium of the strength of the baseline, as in `step_edges`; the error falls as step^4
        until it meets the limit of the basis, near 1e-6.
    error_budget : bool
        Also run with twice the step and on two finer bases, and report the differences as errors.

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

        def run(basis: Basis, *, coarse: bool) -> Float:
            plans = [sequences(model, h, checkpoints, chin_4a, self.step, coarse=coarse) for h in histories]
            overlap, norm = propagate_pure(basis, model, initial, plans)
            return np.concatenate([overlap, norm[..., None]], axis=-1)

        found = run(basis, coarse=False)
        parts: dict[str, Float] = {}
        if self.error_budget:
            coarse = run(basis, coarse=True)
            finer = self._finer_bases(model, initial.l)
            # a fifteenth would be Richardson's at fourth order, a third at second: tables are only piecewise smooth
            parts["time_step"] = _shared(coarse, found) / 3
            # the finer bases have errors of their own, of about half the size
            parts["mesh"] = 1.5 * np.max(
                [_shared(run(other, coarse=True), coarse) for other in finer], axis=0
            )
        progress(len(histories), len(histories))
        overlap_parts = {name: part[..., :-1] for name, part in parts.items()}
        return Solution(
            initial_overlap=initial_overlaps(basis, initial),
            overlap=found[..., :-1],
            parts=overlap_parts,
            no_jump=found[..., :-1],
            no_jump_parts=overlap_parts,
            norm=found[..., -1],
            norm_parts={name: part[..., -1] for name, part in parts.items()},
            not_estimated=() if self.error_budget else ("time_step", "mesh"),
        )

    def _finer_bases(self, model: LindbladModel, l: int) -> tuple[Basis, Basis]:
        """Return a basis on a denser and longer mesh, and one that also keeps higher energies."""
        mesh = replace(self.grid, points=min(MAX_POINTS, int(np.ceil(1.25 * self.grid.points))))
        basis = make_basis(model, mesh, l)
        return basis, make_basis(model, mesh, l, min(mesh.points, int(1.3 * basis.size)))


def _shared(other: Float, value: Float) -> Float:
    """Return |other - value| of (..., 7), where all states share the largest relative difference.

    Two approximations can agree by accident for one state, hardly for all. The last entry, the norm, stands alone.
    """
    difference = np.abs(other - value)
    size = np.abs(value[..., :-1])
    relative = np.where(size > 0, difference[..., :-1] / np.where(size > 0, size, 1.0), 0.0)
    difference[..., :-1] = relative.max(axis=-1, keepdims=True) * size
    return difference


def check_step(step: float) -> None:
    """Raise `InputError` unless `step` is a plausible time step in GeV^-1."""
    if not (is_finite_number(step) and 1e-4 <= step <= 5):
        raise InputError("step", step, "be a time step in GeV^-1, from 1e-4 to 5")
