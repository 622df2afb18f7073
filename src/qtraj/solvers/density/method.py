"""The noise-free solver: the density matrix of the full Lindblad equation, with an error budget for every history.

The answer is the sum of two parts. The part without any jump comes from `nojump`, accurate to 1e-5 at no cost. Only
regeneration, the rest, needs the density matrix: it is the difference of two runs with the same discretization, with
and without jumps, in which most of the splitting error cancels. The equation is that of arXiv:2107.06147, eqs.
(2.2)-(2.9), at next-to-leading order that of arXiv:2205.10289.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._checks import boolean, instance, integer, number, settle
from ...errors import InputError
from ...physics.initial import InitialState
from ...physics.medium import History
from ...physics.model import LindbladModel
from ...radial.laguerre import LaguerreMesh
from ..basis import ENERGY_CUT
from ..nojump.method import DEFAULT_MESH, NoJump, check_step
from ..result import Progress, Solution
from ..steps import Profile
from .nlo_resolution import NLO_STEPS, NLO_TIERS, STATES_UP_TO, NloDiscretization, nlo_mesh
from .refine import Refinement
from .resolution import FILTER, RANGES, STEPS, TIERS, Discretization, Levels, levels_to_climb

Float = NDArray[np.float64]

BLOCK = 64
"""Histories solved together: bounds memory and sets how often progress is reported."""


@dataclass(frozen=True)
class DensityMatrix:
    """Solve for the density matrix, without sampling noise.

    Parameters
    ----------
    rtol : float
        Relative tolerance on the survival of 1S, 2S, 3S (of 1P, 2P for a P-wave start), 1e-5 to 0.05. It chooses mesh,
        l_max and step; where the error budget of a history exceeds rtol * survival + atol, that history is refined.
    atol : float
        Absolute tolerance on the same survivals (ratios to the initial overlap), at least 1e-8.

    Other Parameters
    ----------------
    mesh : LaguerreMesh, optional
        Fixed mesh, as the next two for studies of convergence; its vacuum states up to 12 GeV are kept.
    l_max : int, optional
        Fixed largest l, at least 2 and at least the l of the start.
    step : float, optional
        Fixed time step in GeV^-1 in a medium of the strength of the baseline, see `schedule.step_edges`.
    error_budget : bool
        Estimate the errors (and refine) by comparisons: three more runs, 3.5 times the cost of the answer itself.
    refinements : int
        How often a history may be refined, 0 to 10, before an `AccuracyWarning` says what was reached.
    diagnostics : bool
        Compute purity and von Neumann entropy of the pairs that are left at the end, normalized.

    Raises
    ------
    InputError
        If an argument is out of range.

    Notes
    -----
    A fixed argument is never refined. Errors: `time_step` from a run with twice the step, `l_max` from a run with
    l_max + 1 and a higher energy cut, `mesh` from a run on a denser and longer mesh with a longer jump range.
    """

    rtol: float = 1e-3
    atol: float = 2e-5
    mesh: LaguerreMesh | None = None
    l_max: int | None = None
    step: float | None = None
    error_budget: bool = True
    refinements: int = 2
    diagnostics: bool = False

    def __post_init__(self) -> None:
        if self.mesh is not None:
            instance("mesh", self.mesh, LaguerreMesh, "be a LaguerreMesh(points=..., scale=...) or None")
        settle(
            self,
            rtol=number("rtol", self.rtol, "be from 1e-5 to 0.05", low=1e-5, high=0.05),
            atol=number("atol", self.atol, "be from 1e-8 to 0.1", low=1e-8, high=0.1),
            l_max=None if self.l_max is None else integer("l_max", self.l_max, 2, 20),
            step=None if self.step is None else check_step(self.step),
            error_budget=boolean("error_budget", self.error_budget),
            refinements=integer("refinements", self.refinements, 0, 10),
            diagnostics=boolean("diagnostics", self.diagnostics),
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
        _check_potential(model)
        if self.l_max is not None and self.l_max < initial.l:
            raise InputError("l_max", self.l_max, f"be at least the l = {initial.l} of the initial state")
        method = NoJump(error_budget=self.error_budget)
        order = np.argsort([sum(b - a for a, b in h.active) for h in histories], kind="stable")
        blocks = []
        for i in range(0, len(order), BLOCK):
            profiles = [Profile(model, histories[int(j)]) for j in order[i : i + BLOCK]]
            no_jump = method.on_mesh(DEFAULT_MESH, model, profiles, initial, checkpoints)
            blocks.append(Refinement(self, model, profiles, initial, checkpoints, no_jump).solve())
            progress(min(i + BLOCK, len(order)), len(order))
        return _joined(blocks, np.argsort(order))

    def discretization(self, levels: Levels, model: LindbladModel, initial: InitialState) -> Discretization:
        """Return the discretization at `levels` for `model` and `initial`, with the fixed arguments in place."""
        next_order = not model.is_local
        tier, steps = (NLO_TIERS[levels.tier], NLO_STEPS) if next_order else (TIERS[levels.tier], STEPS)
        jump_range = RANGES[levels.jump_range]
        mesh = nlo_mesh(tier, jump_range) if next_order else tier.mesh
        kind = NloDiscretization if next_order else Discretization
        return kind(
            mesh=mesh if self.mesh is None else self.mesh,
            # the jumps of a start with l > 0 need as many l above it
            l_max=tier.l_max + initial.l + levels.added_l if self.l_max is None else self.l_max,
            step=steps[levels.step] if self.step is None else self.step,
            jump_range=jump_range,
            filter_energy=FILTER * 2.0**levels.energy_doublings,
            cut=STATES_UP_TO * 2.0**levels.energy_doublings if next_order else ENERGY_CUT,
        )

    def refined(self, levels: Levels, excess: Mapping[str, float], highest: int) -> Levels:
        """Return levels at which each part, now too large by a factor `excess`, should fit, up to a `highest` tier."""
        climbs = {part: levels_to_climb(factor, part) for part, factor in excess.items()}
        fixed = {"time_step": self.step, "l_max": self.l_max, "mesh": self.mesh}
        climbs = {part: climb if fixed[part] is None else 0 for part, climb in climbs.items()}
        return replace(
            levels,
            tier=min(levels.tier + max(climbs["l_max"], climbs["mesh"]), highest),
            step=min(levels.step + climbs["time_step"], len(STEPS) - 1),
            # one at a time: a longer range than the mesh can absorb brings back what its end reflects
            jump_range=min(levels.jump_range + int(climbs["mesh"] > 0), len(RANGES) - 1),
        )


def _check_potential(model: LindbladModel) -> None:
    """Raise `InputError` for a potential that changes with the medium, and name the methods that solve it."""
    if model.thermal is None:
        return
    works = "NoJump()" if model.has_width else "NoJump() or QuantumTrajectories()"
    why = "It has a width of its own and no jumps." if model.has_width else ""
    raise InputError(
        "method",
        "DensityMatrix",
        f"be {works} for {type(model.potential).__name__}, which changes with the medium",
        why,
    )


def _joined(blocks: list[Solution], order: Any) -> Solution:
    """Concatenate blocks of histories and put them into the user's order."""

    def joined(arrays: list[Float]) -> Float:
        return np.asarray(np.concatenate(arrays)[order])

    M = max(b.diagnostics["population"].shape[-1] for b in blocks)
    diagnostics = {}
    for name in blocks[0].diagnostics:
        arrays = [b.diagnostics[name] for b in blocks]
        if name == "population":
            arrays = [np.pad(a, [(0, 0)] * 3 + [(0, M - a.shape[-1])]) for a in arrays]
        diagnostics[name] = joined(arrays)
    first = blocks[0]
    return replace(
        first,
        overlap=joined([b.overlap for b in blocks]),
        parts={name: joined([b.parts[name] for b in blocks]) for name in first.parts},
        no_jump=joined([b.no_jump for b in blocks]),
        no_jump_parts={name: joined([b.no_jump_parts[name] for b in blocks]) for name in first.no_jump_parts},
        norm=joined([b.norm for b in blocks]),
        norm_parts={name: joined([b.norm_parts[name] for b in blocks]) for name in first.norm_parts},
        diagnostics=diagnostics,
    )
