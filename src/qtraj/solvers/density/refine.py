"""Regeneration of a few histories with an error budget: compare runs that differ in one discretization each, refine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from ...errors import note
from ...physics.initial import InitialState
from ...physics.model import LindbladModel
from ...states import STATES
from ..parallel import side_by_side
from ..result import Solution
from ..steps import Profile, strang
from .nlo_propagate import regenerate_nlo
from .nlo_resolution import NloDiscretization, first_levels
from .propagate import Overlaps, propagate_density, propagate_state, sequences
from .resolution import TIERS, Discretization, Levels

Float = NDArray[np.float64]

SHARES: Final = {
    # Richardson's estimate for a second-order method is a third; long steps are not yet asymptotic, see `step_share`
    "time_step": 2 / 3,
    # contributions fall by about 0.45 per l, so all beyond l_max + 1 add as much again
    "l_max": 2.0,
    # the finer mesh has up to half of the error left
    "mesh": 2.0,
}
"""Parts of the error of regeneration, over the change in the run with twice the step, one more l, the finer mesh."""

PARTS = tuple(SHARES)

FEW_STEPS: Final = 16
"""With fewer steps than this the error at leading order can be 0.7 of the difference (2S from 1S at weak kappa)."""


def step_share(steps: int, *, local: bool) -> float:
    """Return the error over the change in the run with twice the step, for a run of some number of steps."""
    if not local:  # of fourth order, but for terms in 1/T^2
        return 1 / 2
    return 1.0 if steps < FEW_STEPS else SHARES["time_step"]


ROUNDING: Final = 1e-13
"""Overlaps of the density matrix are known to this, of a normalized pair: some hundred steps, and a margin of ten."""


class Settings(Protocol):
    """What a comparison needs of the method: its tolerances and how it discretizes."""

    @property
    def rtol(self) -> float:
        """Relative tolerance."""
        ...

    @property
    def atol(self) -> float:
        """Absolute tolerance."""
        ...

    @property
    def error_budget(self) -> bool:
        """Whether to compare."""
        ...

    @property
    def refinements(self) -> int:
        """How often to refine."""
        ...

    @property
    def diagnostics(self) -> bool:
        """Whether to compute purity and entropy."""
        ...

    def discretization(self, levels: Levels, model: LindbladModel, initial: InitialState) -> Discretization:
        """Return the discretization at some levels."""
        ...

    def refined(self, levels: Levels, excess: Mapping[str, float], highest: int) -> Levels:
        """Return levels at which the parts of the error fit."""
        ...


@dataclass(frozen=True, eq=False)
class Regeneration:
    """One run: overlaps after at least one jump, shape (members, times, 6), the density matrix's numbers, steps."""

    overlap: Float
    density: Overlaps
    steps: list[int]


@dataclass
class Refinement:
    """A few histories: solve, compare, refine where the budget exceeds the tolerance.

    Parameters
    ----------
    method : Settings
        The method.
    model, initial, checkpoints
        As for the method.
    profiles : sequence of Profile
        The coefficients along each history.
    no_jump : Solution
        The part without any jump, with its errors.
    """

    method: Settings
    model: LindbladModel
    profiles: Sequence[Profile]
    initial: InitialState
    checkpoints: Sequence[float]
    no_jump: Solution
    starts: list[Levels] = field(init=False)
    levels: list[Levels] = field(init=False)
    regenerated: Float = field(init=False)
    parts: dict[str, Float] = field(init=False)
    diagnostics: list[dict[str, Any]] = field(init=False)

    def solve(self) -> Solution:
        """Return the overlaps with their errors."""
        n = len(self.profiles)
        shape = self.no_jump.overlap.shape
        self.starts = [first_levels(self.method.rtol, p, self.initial.l) for p in self.profiles]
        self.levels = list(self.starts)
        self.regenerated = np.zeros(shape)
        self.parts = {name: np.zeros(shape) for name in PARTS} if self.method.error_budget else {}
        self.diagnostics = [{} for _ in range(n)]
        todo = list(range(n))
        for _ in range(1 + self.method.refinements):
            # histories with different steps share a run: the steps are only numbers to it
            for key in sorted({self._key(i) for i in todo}, key=astuple):
                self._run([i for i in todo if self._key(i) == key])
            todo = self._refined(todo)
        return self._solution()

    def _key(self, i: int) -> Levels:
        return replace(self.levels[i], step=0)

    def _run(self, members: list[int]) -> None:
        discretizations = [
            self.method.discretization(self.levels[i], self.model, self.initial) for i in members
        ]
        first, steps = discretizations[0], [d.step for d in discretizations]
        runs = [(first, False)]
        if self.method.error_budget:
            size = first.basis(self.model).size
            # the most expensive first, so that all cores end together
            runs = [(first.finer(), False), (first.higher(size), False), (first, False), (first, True)]
        found = side_by_side(lambda run: self._regenerate(run[0], members, steps, coarse=run[1]), runs)
        if len(found) == 1:
            self._store(members, found[0], first)
            return
        finer, higher, fine, coarse = found
        self._store(members, fine, first)
        for part, other in (("time_step", coarse), ("l_max", higher), ("mesh", finer)):
            self.parts[part][members] = SHARES[part] * self._error(fine, other)
        shares = [step_share(steps, local=self.model.is_local) / SHARES["time_step"] for steps in fine.steps]
        self.parts["time_step"][members] *= np.array(shares)[:, None, None]

    def _regenerate(
        self, d: Discretization, members: list[int], steps: Sequence[float], *, coarse: bool
    ) -> Regeneration:
        if isinstance(d, NloDiscretization):
            return Regeneration(
                *regenerate_nlo(
                    d,
                    self.model,
                    self.initial,
                    [self.profiles[i] for i in members],
                    self.checkpoints,
                    steps,
                    coarse=coarse,
                    diagnostics=self.method.diagnostics and not coarse,
                )
            )
        basis = d.basis(self.model)
        plans = [
            sequences(self.profiles[i], self.checkpoints, strang, step, coarse=coarse)
            for i, step in zip(members, steps, strict=True)
        ]
        diagnostics = self.method.diagnostics and not coarse
        full = propagate_density(
            basis,
            self.model,
            self.initial,
            plans,
            jump_range=d.jump_range,
            filter_energy=d.filter_energy,
            diagnostics=diagnostics,
        )
        no_jump, _ = propagate_state(basis, self.model, self.initial, plans, filter_energy=d.filter_energy)
        return Regeneration(full.overlap - no_jump, full, [plan.steps for plan in plans])

    def _store(self, members: list[int], fine: Regeneration, d: Discretization) -> None:
        self.regenerated[members] = fine.overlap
        for row, i in enumerate(members):
            self.diagnostics[i] = {
                "population": fine.density.population[row],
                "lost": fine.density.lost[row],
                "cut": fine.density.cut[row],
                "purity": fine.density.purity[row],
                "entropy": fine.density.entropy[row],
                "steps": fine.steps[row],
                "l_max": d.l_max,
            }

    def _error(self, value: Regeneration, other: Regeneration) -> Float:
        """Return |other - value|, where states of one kind share the largest relative change of regeneration.

        The difference of two approximations can vanish by accident for one state, hardly for all. Of one kind are the
        excited states that the tolerance is about, and each of the others with those of lower l: the higher its l, the
        further away a state regenerates, and the worse it converges.
        """
        difference = np.abs(other.overlap - value.overlap)
        size = np.maximum(np.abs(value.overlap), np.abs(other.overlap))
        # a state that is not reached differs by rounding, all of itself: that is its error, and nobody else's
        true = np.maximum(difference - ROUNDING, 0.0)
        relative = np.divide(true, size, out=np.zeros_like(size), where=true > 0)
        excited = self._aimed & np.array([s.n > 1 for s in STATES])
        l, rest = np.array([s.l for s in STATES]), ~self._aimed
        kinds = [(excited, excited), *((rest & (l == k), rest & (l <= k)) for k in np.unique(l))]
        for mine, kind in kinds:
            largest = relative[..., kind].max(axis=-1, keepdims=True, initial=0.0)
            true[..., mine] = largest * size[..., mine]
        return true + ROUNDING

    def _refined(self, todo: list[int]) -> list[int]:
        """Raise the levels of histories whose budget exceeds the tolerance; return those that changed."""
        if not self.method.error_budget:
            return []
        allowed = self._allowed()
        again = []
        for i in todo:
            sizes = np.array([np.max(self._target(self.parts[name][i]) / allowed[i]) for name in PARTS])
            floor = np.max(self._target(_sum(self.no_jump.parts)[i]) / allowed[i])
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
        return np.asarray(values[-1][self._aimed])

    @property
    def _aimed(self) -> NDArray[np.bool_]:
        """The states the tolerance is about, shape (6,): those the start overlaps with, or else 1S, 2S, 3S."""
        aimed = self.no_jump.initial_overlap > 0
        return aimed if aimed.any() else np.array([s.l == 0 for s in STATES])

    def _allowed(self) -> Float:
        # survivals are ratios to the initial overlap; where there is none, only the relative tolerance has a meaning
        scale = self.no_jump.initial_overlap
        total = self.no_jump.overlap + self.regenerated
        return np.array(
            [
                self.method.rtol * np.abs(self._target(t))
                + self.method.atol * self._target(scale[None])
                # of an octet that no medium meets nothing is found, and nothing but rounding is asked
                + 100 * ROUNDING
                for t in total
            ]
        )

    def _solution(self) -> Solution:
        parts = {name: self.parts[name] + self.no_jump.parts.get(name, 0.0) for name in self.parts}
        self._warn(parts)
        M = max(d["l_max"] for d in self.diagnostics) + 1
        population = np.zeros((*self.no_jump.overlap.shape[:2], 2, M))
        for row, d in enumerate(self.diagnostics):
            population[row, :, :, : d["population"].shape[-1]] = d["population"]
        diagnostics = {
            name: np.array([d[name] for d in self.diagnostics])
            for name in ("lost", "cut", "purity", "entropy", "steps", "l_max")
        }
        return Solution(
            initial_overlap=self.no_jump.initial_overlap,
            overlap=self.no_jump.overlap + self.regenerated,
            parts=parts,
            no_jump=self.no_jump.overlap,
            no_jump_parts=self.no_jump.parts,
            norm=self.no_jump.norm,
            norm_parts=self.no_jump.norm_parts,
            not_estimated=() if self.method.error_budget else PARTS,
            diagnostics={"population": population, **diagnostics, **self.no_jump.diagnostics},
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
        note(_not_reached, (self.method.rtol, ratio))


def _not_reached(found: list[tuple[float, Float]]) -> list[str]:
    """Say how many of all histories exceed the tolerance, whatever blocks they were solved in."""
    messages = []
    for rtol in dict.fromkeys(rtol for rtol, _ in found):
        ratio = np.concatenate([ratio for other, ratio in found if other == rtol])
        if np.any(ratio > 1):
            messages.append(
                f"{int(np.sum(ratio > 1))} of {len(ratio)} histories did not reach rtol={rtol:g}: the "
                f"largest estimated error is {ratio.max():.2g} times that. The result carries the errors reached."
            )
    return messages


def _sum(parts: Mapping[str, Float]) -> Float:
    return np.asarray(np.sum(list(parts.values()), axis=0))
