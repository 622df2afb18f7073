"""NoJump at next-to-leading order on a mesh: grouping of histories and the error budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..physics.initial import InitialState
from ..physics.medium import History
from ..physics.model import LindbladModel
from ..radial.laguerre import MAX_POINTS, LaguerreMesh
from .basis import make_basis
from .nlo_discretization import basis_size_up_to, nlo_jump_range, speed_of
from .nlo_operators import filtered
from .nlo_validity import expansion_parameters
from .nlo_whole import propagate_whole
from .nojump_budget import error_parts, no_jump_solution
from .projection import Projection
from .propagate import components, initial_overlaps
from .result import ROUNDING, Solution

Float = NDArray[np.float64]

FILTER, CUT, RANGE = 8.0, 25.0, 16.0
"""Energies in GeV above which the start is left out and states are dropped, for a medium that starts late, and the
distance in GeV^-1 beyond which rates saturate, at least: they change the baseline by less than 1e-5."""


@dataclass(frozen=True)
class _Setting:
    mesh: LaguerreMesh
    filter_energy: float
    cut: float
    jump_range: float

    def finer(self) -> tuple[_Setting, _Setting]:
        """Return a setting with a denser and longer mesh, and one that also keeps higher energies."""
        mesh = replace(self.mesh, points=min(MAX_POINTS, int(np.ceil(1.25 * self.mesh.points))))
        longer = replace(self, mesh=mesh, jump_range=1.2 * self.jump_range)
        return longer, replace(longer, filter_energy=1.3 * self.filter_energy, cut=1.6 * self.cut)


@dataclass(frozen=True)
class NloNoJump:
    """The arguments of `NoJump` that matter here, and the problem.

    Parameters
    ----------
    mesh, step, projection, error_budget
        As for `NoJump`.
    model, initial, checkpoints
        As for its `solve`.
    """

    mesh: LaguerreMesh
    step: float
    projection: Projection
    error_budget: bool
    model: LindbladModel
    initial: InitialState
    checkpoints: Sequence[float]

    def solve(self, histories: Sequence[History]) -> Solution:
        """Return the overlaps of every history."""
        keys = [(speed_of(h), max(RANGE, nlo_jump_range(self.model, h))) for h in histories]
        n, times = len(histories), len(self.checkpoints) + 1
        found = np.zeros((n, times, 7))
        parts = {name: np.zeros((n, times, 7)) for name in ("time_step", "mesh")} if self.error_budget else {}
        energy, radius, cut = np.zeros(n), np.zeros(n), np.zeros((n, times))
        for speed, jump_range in sorted(set(keys)):
            rows = [i for i, key in enumerate(keys) if key == (speed, jump_range)]
            setting = _Setting(self.mesh, FILTER * 2**speed, CUT * 2**speed, jump_range)
            members = [histories[i] for i in rows]
            found[rows], energy[rows], radius[rows] = self._run(setting, members, coarse=False)
            if self.error_budget:
                coarse = self._run(setting, members, coarse=True)[0]
                finer = [self._run(other, members, coarse=True)[0] for other in setting.finer()]
                for name, part in error_parts(found[rows], coarse, finer).items():
                    parts[name][rows] = part
                # of the pairs left out, the slowest, which the last run adds, have jumped least
                kept, slower, faster = (self._kept(other) for other in (setting, *setting.finer()))
                if faster - slower > ROUNDING:
                    unjumped = np.abs(finer[1] - finer[0])[..., -1] / (faster - slower)
                    cut[rows] = (1 - kept) * np.minimum(unjumped, 1.0)
        basis = make_basis(
            self.model, self.mesh, self.initial.l, basis_size_up_to(self.model, self.mesh, CUT)
        )
        start = initial_overlaps(basis, self.model, self.initial, self.projection)
        solution = no_jump_solution(start, found, parts)
        norm_parts = {**solution.norm_parts, **({"cut": cut} if self.error_budget else {})}
        diagnostics = expansion_parameters(histories, energy, radius)
        return replace(solution, norm_parts=norm_parts, diagnostics=diagnostics)

    def _kept(self, setting: _Setting) -> float:
        """Return the part of the start that the filter keeps."""
        size = basis_size_up_to(self.model, setting.mesh, setting.cut)
        basis = make_basis(self.model, setting.mesh, self.initial.l, size)
        return sum(
            share * float(np.sum(filtered(basis, self.initial, color, setting.filter_energy) ** 2))
            for color, share in components(self.initial)
        )

    def _run(
        self, setting: _Setting, histories: Sequence[History], *, coarse: bool
    ) -> tuple[Float, Any, Any]:
        """Return overlaps and norm, (n, times, 7), and energy and radius at the end, (n,)."""
        size = basis_size_up_to(self.model, setting.mesh, setting.cut)
        run = propagate_whole(
            make_basis(self.model, setting.mesh, self.initial.l, size),
            self.model,
            self.initial,
            histories,
            self.checkpoints,
            step=self.step,
            coarse=coarse,
            jump_range=setting.jump_range,
            filter_energy=setting.filter_energy,
            projection=self.projection,
        )
        return np.concatenate([run.overlap, run.norm[..., None]], axis=-1), run.energy, run.radius
