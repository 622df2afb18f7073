"""The noise-free solver: the density matrix of the full Lindblad equation, with an error budget for every history.

The answer is the sum of two parts. The part without any jump comes from `nojump`, accurate to 1e-6 at no cost. Only
regeneration, the rest, needs the density matrix: it is the difference of two runs with the same discretization, with
and without jumps, in which most of the splitting error cancels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from warnings import warn

import numpy as np
from numpy.typing import NDArray

from ..errors import AccuracyWarning, InputError
from ..physics.initial import InitialState
from ..physics.medium import History
from ..physics.model import LindbladModel
from ..radial.laguerre import LaguerreMesh
from ..states import STATES
from .basis import Basis, make_basis
from .discretization import (
    RANGES,
    STEPS,
    TIERS,
    Discretization,
    Levels,
    levels_to_climb,
    starting_levels,
)
from .nojump import NoJump, check_step
from .propagate import initial_overlaps, propagate_density, propagate_pure, sequences
from .result import Progress, Solution
from .schedule import strang

Float = NDArray[np.float64]

BLOCK = 64
"""Histories solved together: bounds memory and sets how often progress is reported."""

PARTS = ("time_step", "l_max", "mesh")


@dataclass(frozen=True)
class DensityMatrix:
    """Solve for the density matrix, without sampling noise.

    Main arguments

    Parameters
    ----------
    rtol : float
        Relative tolerance on the survival of 1S, 2S, 3S (of 1P, 2P for a P-wave start), 1e-5 to 0.05. It chooses mesh,
        l_max and step; where the error budget of a history exceeds rtol * survival + atol, that history is refined.
    atol : float
        Absolute tolerance on the same survivals (ratios to the initial overlap), at least 1e-8.

    Other arguments, for studies of convergence

    mesh : LaguerreMesh, optional
        Fixed mesh; its vacuum states up to 12 GeV are kept.
    l_max : int, optional
        Fixed largest l, at least 2 and at least the l of the start.
    step : float, optional
        Fixed longest time step in GeV^-1.
    error_budget : bool
        Estimate the errors (and refine) by comparisons: three more runs, 2.7 times the cost of the answer itself.
    refinements : int
        How often a history may be refined, 0 to 10, before an `AccuracyWarning` says what was reached.
    diagnostics : bool
        Compute purity and von Neumann entropy at the end.

    Raises
    ------
    InputError
        If an argument is out of range.

    Notes
    -----
    A fixed argument is never refined. Errors: `time_step` from a run with twice the step, `l_max` from a run with
    l_max + 1, `mesh` from a run on a second mesh with another energy cut.
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
        if not (np.isfinite(self.rtol) and 1e-5 <= self.rtol <= 0.05):
            raise InputError("rtol", self.rtol, "be from 1e-5 to 0.05")
        if not (np.isfinite(self.atol) and 1e-8 <= self.atol <= 0.1):
            raise InputError("atol", self.atol, "be from 1e-8 to 0.1")
        if self.mesh is not None and not isinstance(self.mesh, LaguerreMesh):
            raise InputError("mesh", self.mesh, "be a LaguerreMesh(points=..., scale=...) or None")
        if self.l_max is not None and not (isinstance(self.l_max, int) and 2 <= self.l_max <= 20):
            raise InputError("l_max", self.l_max, "be an integer from 2 to 20")
        if self.step is not None:
            check_step(self.step)
        if not (isinstance(self.refinements, int) and 0 <= self.refinements <= 10):
            raise InputError("refinements", self.refinements, "be an integer from 0 to 10")

    def solve(
        self,
        model: LindbladModel,
        histories: Sequence[History],
        initial: InitialState,
        checkpoints: Sequence[float],
        progress: Progress,
    ) -> Solution:
        """Return the overlaps of every history; called by `solve`, which has checked the arguments."""
        if self.l_max is not None and self.l_max < initial.l:
            raise InputError("l_max", self.l_max, f"be at least the l = {initial.l} of the initial state")
        bare = NoJump(error_budget=self.error_budget)
        order = np.argsort([sum(b - a for a, b in h.active) for h in histories], kind="stable")
        blocks = []
        for i in range(0, len(order), BLOCK):
            members = [histories[int(j)] for j in order[i : i + BLOCK]]
            quiet = bare.solve(model, members, initial, checkpoints, lambda done, total: None)
            blocks.append(_Block(self, model, members, initial, checkpoints, quiet).solve())
            progress(min(i + BLOCK, len(order)), len(order))
        return _joined(blocks, np.argsort(order))

    def discretization(self, levels: Levels, initial: InitialState) -> Discretization:
        """Return the discretization at some levels of the ladders, with the fixed arguments in their place."""
        return Discretization(
            mesh=TIERS[levels.tier].mesh if self.mesh is None else self.mesh,
            # the jumps of a start with l > 0 need as many l above it
            l_max=TIERS[levels.tier].l_max + initial.l if self.l_max is None else self.l_max,
            step=STEPS[levels.step] if self.step is None else self.step,
            jump_range=RANGES[levels.jump_range],
        )

    def refined(self, levels: Levels, excess: Mapping[str, float], highest: int) -> Levels:
        """Return levels at which each part, now too large by a factor `excess`, should fit, up to a `highest` tier."""
        climbs = {part: levels_to_climb(factor, part) for part, factor in excess.items()}
        fixed = {"time_step": self.step, "l_max": self.l_max, "mesh": self.mesh}
        climbs = {part: climb if fixed[part] is None else 0 for part, climb in climbs.items()}
        return Levels(
            tier=min(levels.tier + max(climbs["l_max"], climbs["mesh"]), highest),
            step=min(levels.step + climbs["time_step"], len(STEPS) - 1),
            # one at a time: a longer range than the mesh can absorb brings back what its end reflects
            jump_range=min(levels.jump_range + int(climbs["mesh"] > 0), len(RANGES) - 1),
        )


@dataclass
class _Block:
    """A few histories: solve, compare, refine where the budget exceeds the tolerance."""

    method: DensityMatrix
    model: LindbladModel
    histories: Sequence[History]
    initial: InitialState
    checkpoints: Sequence[float]
    bare: Solution
    starts: list[Levels] = field(init=False)
    levels: list[Levels] = field(init=False)
    regenerated: Float = field(init=False)
    parts: dict[str, Float] = field(init=False)
    diagnostics: list[dict[str, Any]] = field(init=False)

    def solve(self) -> Solution:
        n = len(self.histories)
        shape = self.bare.overlap.shape
        self.starts = [
            starting_levels(self.method.rtol, self.model, h, self.initial.l) for h in self.histories
        ]
        self.levels = list(self.starts)
        self.regenerated = np.zeros(shape)
        self.parts = {name: np.zeros(shape) for name in PARTS} if self.method.error_budget else {}
        self.diagnostics = [{} for _ in range(n)]
        todo = list(range(n))
        for _ in range(1 + self.method.refinements):
            # histories with different steps share a run: the steps are only numbers to it
            for key in sorted({self._key(i) for i in todo}):
                self._run([i for i in todo if self._key(i) == key])
            todo = self._refined(todo)
        return self._solution()

    def _key(self, i: int) -> tuple[int, int]:
        return self.levels[i].tier, self.levels[i].jump_range

    def _run(self, members: list[int]) -> None:
        discretizations = [self.method.discretization(self.levels[i], self.initial) for i in members]
        first = discretizations[0]
        steps = [d.step for d in discretizations]
        fine = self._regeneration(first, members, steps, coarse=False, keep=True)
        self.regenerated[members] = fine
        if not self.method.error_budget:
            return
        coarse = self._regeneration(first, members, steps, coarse=True)
        higher = self._regeneration(replace(first, l_max=first.l_max + 1), members, steps, coarse=False)
        other = self._regeneration(first.companion(self._basis(first).size), members, steps, coarse=False)
        # Richardson's estimate for a second-order method is a third of it; long steps are not yet asymptotic
        self.parts["time_step"][members] = self._error(fine, coarse)
        # contributions fall by about 0.45 per l, so all beyond l_max + 1 add as much again
        self.parts["l_max"][members] = 2 * self._error(fine, higher)
        self.parts["mesh"][members] = self._error(fine, other)

    def _error(self, value: Float, other: Float) -> Float:
        """Return |other - value|, where excited states share the largest relative change of regeneration.

        The difference of two approximations can vanish by accident for one state, hardly for all of them; the excited
        states of one l regenerate in the same region of r.
        """
        difference = np.abs(other - value)
        excited = self.aimed & np.array([s.n > 1 for s in STATES])
        size = np.maximum(np.abs(value), np.abs(other))[..., excited]
        relative = difference[..., excited] / np.maximum(size, 1e-300)
        difference[..., excited] = relative.max(axis=-1, keepdims=True) * size
        return difference

    def _regeneration(
        self,
        d: Discretization,
        members: list[int],
        steps: Sequence[float],
        *,
        coarse: bool,
        keep: bool = False,
    ) -> Float:
        """Overlaps after at least one jump, shape (members, times, 6)."""
        basis = self._basis(d)
        plans = [
            sequences(self.model, self.histories[i], self.checkpoints, strang, step, coarse=coarse)
            for i, step in zip(members, steps, strict=True)
        ]
        full = propagate_density(
            basis,
            self.model,
            self.initial,
            plans,
            jump_range=d.jump_range,
            diagnostics=keep and self.method.diagnostics,
        )
        bare, _ = propagate_pure(basis, self.model, self.initial, plans)
        if keep:
            for row, i in enumerate(members):
                self.diagnostics[i] = {
                    "population": full.population[row],
                    "lost": full.lost[row],
                    "purity": full.purity[row],
                    "entropy": full.entropy[row],
                    "steps": sum(s.steps for s in plans[row]),
                    "l_max": d.l_max,
                }
        return full.overlap - bare

    def _basis(self, d: Discretization) -> Basis:
        return make_basis(self.model, d.mesh, d.l_max, d.size)

    def _refined(self, todo: list[int]) -> list[int]:
        """Raise the levels of histories whose budget exceeds the tolerance; return those that changed."""
        if not self.method.error_budget:
            return []
        allowed = self._allowed()
        again = []
        for i in todo:
            sizes = np.array([np.max(self._target(self.parts[name][i]) / allowed[i]) for name in PARTS])
            floor = np.max(self._target(_sum(self.bare.parts)[i]) / allowed[i])
            if sizes.sum() + floor <= 1:
                continue
            # each part may use a third of the tolerance
            excess = {name: 3 * float(size) for name, size in zip(PARTS, sizes, strict=True)}
            # two tiers cost about ten times as much; who needs more asks for a smaller rtol
            highest = min(self.starts[i].tier + 2, len(TIERS) - 1)
            levels = self.method.refined(self.levels[i], excess, highest)
            if levels != self.levels[i]:
                self.levels[i] = levels
                again.append(i)
        return again

    def _target(self, values: Float) -> Float:
        """Restrict (times, 6) to the end and the states the tolerance is about."""
        return np.asarray(values[-1][self.aimed])

    @property
    def aimed(self) -> NDArray[np.bool_]:
        """The states the tolerance is about, shape (6,): those the start overlaps with, or else 1S, 2S, 3S."""
        aimed = self.bare.initial_overlap > 0
        return aimed if aimed.any() else np.array([s.l == 0 for s in STATES])

    def _allowed(self) -> Float:
        scale = np.where(self.bare.initial_overlap > 0, self.bare.initial_overlap, 1.0)
        total = self.bare.overlap + self.regenerated
        return np.array(
            [
                self.method.rtol * np.abs(self._target(t)) + self.method.atol * self._target(scale[None])
                for t in total
            ]
        )

    def _solution(self) -> Solution:
        parts = {name: self.parts[name] + self.bare.parts.get(name, 0.0) for name in self.parts}
        self._warn(parts)
        basis = make_basis(self.model, NoJump().grid, self.initial.l)
        M = max(d["l_max"] for d in self.diagnostics) + 1
        population = np.zeros((*self.bare.overlap.shape[:2], 2, M))
        for row, d in enumerate(self.diagnostics):
            population[row, :, :, : d["population"].shape[-1]] = d["population"]
        diagnostics = {
            name: np.array([d[name] for d in self.diagnostics])
            for name in ("lost", "purity", "entropy", "steps", "l_max")
        }
        return Solution(
            initial_overlap=initial_overlaps(basis, self.initial),
            overlap=self.bare.overlap + self.regenerated,
            parts=parts,
            no_jump=self.bare.overlap,
            no_jump_parts=self.bare.parts,
            norm=self.bare.norm,
            not_estimated=() if self.method.error_budget else PARTS,
            diagnostics={"population": population, **diagnostics},
        )

    def _warn(self, parts: dict[str, Float]) -> None:
        if not parts:
            return
        ratio = np.array(
            [
                np.max(self._target(total) / allowed)
                for total, allowed in zip(_sum(parts), self._allowed(), strict=True)
            ]
        )
        if np.any(ratio > 1):
            warn(
                f"{int(np.sum(ratio > 1))} of {len(ratio)} histories did not reach rtol={self.method.rtol:g}: the "
                f"largest estimated error is {ratio.max():.2g} times that. The result carries the errors reached.",
                AccuracyWarning,
                stacklevel=5,
            )


def _sum(parts: Mapping[str, Float]) -> Float:
    return np.asarray(np.sum(list(parts.values()), axis=0))


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
        diagnostics=diagnostics,
    )
