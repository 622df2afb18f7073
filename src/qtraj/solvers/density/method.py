"""The noise-free solver: the density matrix of the full Lindblad equation, with an error budget for every history.

The answer is the sum of two parts. The part without any jump comes from `nojump`, accurate to 1e-5 at no cost. Only
regeneration, the rest, needs the density matrix: it is the difference of two runs with the same discretization, with
and without jumps, in which most of the splitting error cancels. At next-to-leading order, where a step is dear, a run
with twice the step takes away most of what is left. The equation is that of arXiv:2107.06147, eqs. (2.2)-(2.9), at
next-to-leading order that of arXiv:2205.10289.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..._checks import boolean, instance, integer, number, settle
from ..._types import Float
from ...errors import InputError, note
from ...physics.initial import InitialState
from ...physics.medium import History
from ...physics.model import LindbladModel
from ...radial.laguerre import LaguerreMesh
from ...states import STATES
from ..nojump.method import NoJump, check_step, default_mesh
from ..nojump.on_mesh import ROUNDING
from ..parallel import Tally, side_by_side
from ..result import Progress, Solution
from ..steps import Profile, strang
from ..thermal import check_jumps
from .propagate import Overlaps, propagate_density, propagate_state, sequences
from .resolution import (
    RANGES,
    STEPS,
    Discretization,
    Levels,
    discretization_at,
    extrapolates,
    ladder_of,
    levels_to_climb,
    starting_levels,
)

BLOCK = 64
"""Histories solved together: bounds memory and sets how often progress is reported."""

SHARES: Final = {
    # Richardson's estimate for a second-order method is a third; long steps are not yet asymptotic, see `step_share`
    "time_step": 2 / 3,
    # contributions fall by about 0.45 per l, so all beyond l_max + 1 add as much again
    "l_max": 2.0,
    # the finer mesh has up to half of the error left
    "mesh": 2.0,
}
"""Parts of the error of regeneration, over the change in the run with twice the step, one more l, the finer mesh."""

FEW_L: Final = 5
"""With a smaller l_max jumps of a complex potential, which have twice as many angles, take pairs beyond it and back
within a step: half the step divides the error by 2.2 (l_max = 2) and 2.9 (4), and not by 4."""

RATES_OF_NOISE: Final = (0.5, 0.875)
"""Least and largest rate at which contributions of a complex potential, whose jumps reach many l, fall with l: what a
run with one l less shows, and `RATE_GROWS` more. Measured: 0.4 to 0.5 (HTL), 0.68 (HTL, P wave, survival 1e-5) and 0.88
(3S from a 2S, seven times)."""

RATE_GROWS: Final = 0.2
"""Rates grow with l: those of HTL from 0.3 to 0.5 between l = 4 and 8."""

FEW_STEPS: Final = 16
"""With fewer steps than this the error can be 0.7 of the difference (2S from 1S at weak kappa)."""

EXTRAPOLATED: Final = 1 / 4
"""What is taken away, over the difference to the run with twice the step, where `extrapolates` says so. Richardson's
third holds for steps that are short; those in use are longer, and their error is 0.15 to 0.33 of the difference: a
quarter leaves a tenth of the difference, and of any error of second order a fourth."""

ROUGH: Final = 3e-3
ROUGH_STEP: Final = 0.35
"""Smallest rtol at which the part without jumps takes longer steps at next-to-leading order, and these steps in GeV^-1:
1e-5 to 4e-5 of 2S and 3S are then left (250 and 190 MeV), and it would cost a third of a history otherwise."""

LEFT: Final = 1 / 6
"""Error that is then quoted over the same difference: 0.02 to 0.11 of it are left of 2S and 3S (8 to 60 steps, baseline
and down to 190 MeV)."""


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
        Estimate the errors (and refine) by comparisons: three more runs, 3 to 4 times the cost of the answer itself; a
        fourth, with one less l, for a complex potential.
    refinements : int
        How often a history may be refined, 0 to 10, before an `AccuracyWarning` says what was reached.
    diagnostics : bool
        Compute purity and von Neumann entropy of the pairs that are left at the end, normalized, and the smallest
        eigenvalue of their density matrix: at all orders in E/T it may lie slightly below zero. There one more run
        finds ``twin_difference``, what the positive twin says otherwise: an error of the equation, not of solving it.

    Raises
    ------
    InputError
        If an argument is out of range.

    Notes
    -----
    A fixed argument is never refined. Errors: `time_step` from a run with twice the step, `l_max` from a run with
    l_max + 1 and a higher energy cut, `mesh` from a run on a denser and longer mesh with a longer jump range and,
    beyond leading order, a higher energy cut; at next-to-leading order the last two beside each other with twice the
    step. There that run also takes away most of the error of the step, with or without an error budget.
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
        check_potential(model, histories)
        if self.l_max is not None and self.l_max < initial.l:
            raise InputError("l_max", self.l_max, f"be at least the l = {initial.l} of the initial state")
        method = NoJump(error_budget=self.error_budget)
        if extrapolates(model) and self.rtol >= ROUGH:
            method = replace(method, step=ROUGH_STEP)
        # histories of similar length share a block, since a block's runs have the length of its longest
        order = np.argsort([sum(b - a for a, b in h.active) for h in histories], kind="stable")
        blocks = []
        # for each history, the part without jumps counted as one
        runs = (6 if model.has_width else 5) if self.error_budget else 2 + int(extrapolates(model))
        tally = Tally(progress, len(order) * runs)
        for i in range(0, len(order), BLOCK):
            tally.until(min(i + BLOCK, len(order)) * runs)
            profiles = [Profile(model, histories[int(j)], thermal=True) for j in order[i : i + BLOCK]]
            no_jump = method.on_mesh(default_mesh(model), model, profiles, initial, checkpoints)
            tally.add(len(profiles))
            blocks.append(_solved(self, model, profiles, initial, checkpoints, no_jump, tally.add))
            tally.reach()
        return _joined(blocks, np.argsort(order))

    def discretization(self, levels: Levels, model: LindbladModel, initial: InitialState) -> Discretization:
        """Return the discretization at `levels` for `model` and `initial`, with the fixed arguments in place."""
        d = discretization_at(levels, model, initial.l)
        return replace(
            d,
            mesh=d.mesh if self.mesh is None else self.mesh,
            l_max=d.l_max if self.l_max is None else self.l_max,
            step=d.step if self.step is None else self.step,
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


def extrapolated(fine: Float, coarse: Float, model: LindbladModel) -> Float:
    """Return regeneration from runs of a step and twice the step."""
    return fine + EXTRAPOLATED * (fine - coarse) if extrapolates(model) else fine


def has_jumps(model: LindbladModel) -> bool:
    """Return whether the jumps of a complex potential are known; of another one True."""
    try:
        if model.has_width:
            check_potential(model)
    except InputError:
        return False
    return True


def check_potential(model: LindbladModel, histories: Sequence[History] = ()) -> None:
    """Raise `InputError` for a potential whose jumps are not known, or would have negative probabilities."""
    # the temperatures of a table count, wherever it is looked at
    check_jumps(model, histories, np.ones(1), model.scales.length * RANGES[-1])


@dataclass(frozen=True, eq=False)
class Regeneration:
    """One run: overlaps after at least one jump, shape (members, times, 6), the density matrix's numbers, steps."""

    overlap: Float
    density: Overlaps
    steps: list[int]


def _regenerated(
    d: Discretization,
    model: LindbladModel,
    profiles: Sequence[Profile],
    initial: InitialState,
    checkpoints: Sequence[float],
    steps: Sequence[float],
    *,
    coarse: bool,
    diagnostics: bool,
    advance: Callable[[int], None],
) -> Regeneration:
    """Run some histories, each with its own time step, with one discretization (`coarse`: with twice the steps)."""
    basis = d.basis(model)
    plans = [
        sequences(p, checkpoints, strang, step, halvings=-1 if coarse else 0)
        for p, step in zip(profiles, steps, strict=True)
    ]
    full = propagate_density(
        basis,
        model,
        initial,
        plans,
        jump_range=d.jump_range,
        filter_energy=d.filter_energy,
        diagnostics=diagnostics and not coarse,
        advance=advance,
    )
    no_jump = propagate_state(
        basis, model, initial, plans, jump_range=d.jump_range, filter_energy=d.filter_energy
    )
    return Regeneration(full.overlap - no_jump.overlap, full, [plan.steps for plan in plans])


def _solved(
    method: DensityMatrix,
    model: LindbladModel,
    profiles: Sequence[Profile],
    initial: InitialState,
    checkpoints: Sequence[float],
    no_jump: Solution,
    advance: Callable[[int], None],
) -> Solution:
    """Solve a block of histories, compare runs that differ in one discretization each, refine what is not good enough.

    `no_jump` is the part without any jump, with its errors; `advance` is called with the number of histories that a run
    has finished; the other arguments are those of the method.
    """
    budget, shape = method.error_budget, no_jump.overlap.shape
    refined = budget and method.refinements > 0
    starts = [starting_levels(method.rtol, p, initial.l, refined=refined) for p in profiles]
    levels = list(starts)
    regenerated = np.zeros(shape)
    parts = {name: np.zeros(shape) for name in SHARES} if budget else {}
    diagnostics: list[dict[str, Any]] = [{} for _ in profiles]
    # the tolerance is about the states the start overlaps with, or else 1S, 2S, 3S
    aimed = no_jump.initial_overlap > 0
    aimed = aimed if aimed.any() else np.array([s.l == 0 for s in STATES])

    def at_the_end(values: Float) -> Float:
        return np.asarray(values[..., -1, :][..., aimed])

    def allowed() -> Float:
        """Return the largest errors that the tolerance allows at the end, (n, states aimed at)."""
        # survivals are ratios to the initial overlap; where there is none, only the relative tolerance has a meaning
        total = np.abs(at_the_end(no_jump.overlap + regenerated))
        # of an octet that no medium meets nothing is found, and nothing but rounding is asked
        return method.rtol * total + method.atol * no_jump.initial_overlap[aimed] + 100 * ROUNDING

    def excess_of(errors: Mapping[str, Float]) -> Float:
        """Return the largest error at the end of each history over what is allowed, (n,)."""
        return np.asarray(np.max(at_the_end(_sum(errors) + _sum(no_jump.parts)) / allowed(), axis=-1))

    answer: tuple[Any, ...] = (regenerated, *parts.values(), diagnostics)
    todo = list(range(len(profiles)))
    for refinement in range(1 + method.refinements):
        before = [each.copy() for each in answer]
        reached = excess_of(parts) if budget else np.zeros(len(profiles))
        # histories with different steps share a run: the steps are only numbers to it
        keys = {i: replace(levels[i], step=0) for i in todo}
        for key in sorted(set(keys.values()), key=astuple):
            members = [i for i in todo if keys[i] == key]
            discretizations = [method.discretization(levels[i], model, initial) for i in members]
            d = discretizations[0]
            # what mesh and l_max change then shows as well with twice the step
            compared = extrapolates(model)
            runs = [(d, False), (d, True)] if compared else [(d, False)]
            if budget:  # the most expensive first, so that all cores end together
                runs = [(d.finer(model), compared), (d.higher(model), compared), (d, False), (d, True)]
                if model.has_width and d.l_max > max(initial.l, 2):
                    runs.append((replace(d, l_max=d.l_max - 1), False))

            def regenerate(
                run: tuple[Discretization, bool],
                members: list[int] = members,
                steps: Sequence[float] = tuple(each.step for each in discretizations),
            ) -> Regeneration:
                return _regenerated(
                    run[0],
                    model,
                    [profiles[i] for i in members],
                    initial,
                    checkpoints,
                    steps,
                    coarse=run[1],
                    diagnostics=method.diagnostics,
                    advance=advance,
                )

            results = side_by_side(regenerate, runs)
            fine = results[runs.index((d, False))]
            coarse = results[runs.index((d, True))] if (d, True) in runs else fine
            regenerated[members] = extrapolated(fine.overlap, coarse.overlap, model)
            names = ("population", "lost", "cut", "purity", "entropy", "smallest_eigenvalue")
            for row, i in enumerate(members):
                diagnostics[i] = {name: getattr(fine.density, name)[row] for name in names}
                diagnostics[i] |= {"steps": fine.steps[row], "l_max": d.l_max}
            if method.diagnostics and not model.is_lindblad:
                # with the same mesh and steps, whose errors are those of either
                twin = replace(model, positive=True)
                plans = [
                    sequences(Profile(twin, profiles[i].history), checkpoints, strang, each.step)
                    for i, each in zip(members, discretizations, strict=True)
                ]
                of_twin = propagate_density(
                    d.basis(twin),
                    twin,
                    initial,
                    plans,
                    jump_range=d.jump_range,
                    filter_energy=d.filter_energy,
                )
                difference = (of_twin.overlap - fine.density.overlap)[:, -1]
                for row, i in enumerate(members):
                    diagnostics[i]["twin_difference"] = difference[row]
            if budget:
                finer, higher, _, _, *lower = results
                beside = coarse if compared else fine  # of the same steps
                for part, one, other in (
                    ("time_step", fine, coarse),
                    ("l_max", beside, higher),
                    ("mesh", beside, finer),
                ):
                    change = _shared_change(one.overlap, other.overlap, aimed)
                    parts[part][members] = SHARES[part] * change
                if model.has_width:
                    less = _shared_change(fine.overlap, lower[0].overlap, aimed) if lower else None
                    more = parts["l_max"][members] / SHARES["l_max"]
                    parts["l_max"][members] = l_part(more, less, d.l_max)
                shares = [step_share(steps, model, d.l_max) / SHARES["time_step"] for steps in fine.steps]
                parts["time_step"][members] *= np.array(shares)[:, None, None]
        if not budget:
            break
        # the largest of each part over what is allowed, and what the part without jumps leaves of it
        limit = allowed()
        sizes = {name: np.max(at_the_end(part) / limit, axis=-1) for name, part in parts.items()}
        floor = np.max(at_the_end(_sum(no_jump.parts)) / limit, axis=-1)
        again = []
        for i in todo:
            if sum(size[i] for size in sizes.values()) + floor[i] <= 1:
                continue
            # each part may use a third of the tolerance; two tiers cost about ten times as much, and who needs more
            # asks for a smaller rtol
            excess = {name: 3 * float(size[i]) for name, size in sizes.items()}
            climbed = method.refined(
                levels[i], excess, min(starts[i].tier + 2, len(ladder_of(model).tiers) - 1)
            )
            if climbed != levels[i]:
                levels[i] = climbed
                again.append(i)
        # a longer range can bring back what the mesh does not hold: then the answer before it was the better one
        if refinement:
            _take_back(np.flatnonzero(excess_of(parts) > reached).tolist(), answer, before)
        todo = again
        if not todo:
            break

    total_parts = {name: part + no_jump.parts.get(name, 0.0) for name, part in parts.items()}
    if budget:
        note(_not_reached, (method.rtol, excess_of(parts)))
    M = max(d["l_max"] for d in diagnostics) + 1
    for each in diagnostics:
        lacking = M - each["population"].shape[-1]
        each["population"] = np.pad(each["population"], [(0, 0), (0, 0), (0, lacking)])
    return Solution(
        initial_overlap=no_jump.initial_overlap,
        overlap=no_jump.overlap + regenerated,
        parts=total_parts,
        no_jump=no_jump.overlap,
        no_jump_parts=no_jump.parts,
        norm=no_jump.norm,
        norm_parts=no_jump.norm_parts,
        not_estimated=() if budget else tuple(SHARES),
        diagnostics={
            **{name: np.array([each[name] for each in diagnostics]) for name in diagnostics[0]},
            **no_jump.diagnostics,
        },
    )


def _take_back(rows: Sequence[int], now: Sequence[Any], before: Sequence[Any]) -> None:
    """Put back what arrays and lists held before in some rows."""
    for i in rows:
        for each, old in zip(now, before, strict=True):
            each[i] = old[i]


def step_share(steps: int, model: LindbladModel, l_max: int) -> float:
    """Return the error of regeneration over the change in the run with twice the step, of a run of so many steps."""
    if extrapolates(model):
        return LEFT
    if steps < FEW_STEPS or (model.has_width and l_max < FEW_L):
        return 1.0
    return SHARES["time_step"]


def l_part(more: Float, less: Float | None, l_max: int) -> Float:
    """Return the error from l_max of a complex potential, from the changes with one more and with one less l.

    With one more the start is faster, too, which has nothing to do with l: what l changes is less than at one less.
    With few l the rate at which it falls says nothing yet.
    """
    low, high = RATES_OF_NOISE
    if less is None:
        return more / (1 - high)
    rate = np.divide(more, less, out=np.full_like(more, high), where=(less > 0) & (l_max >= FEW_L))
    share = 1 / (1 - np.clip(rate + RATE_GROWS, low, high))
    return np.asarray(np.maximum(share * np.minimum(more, less), SHARES["l_max"] * more))


def _shared_change(value: Float, other: Float, aimed: NDArray[np.bool_]) -> Float:
    """Return |other - value|, (..., 6), where states of one kind share the largest relative change of regeneration.

    The difference of two approximations can vanish by accident for one state, hardly for all. Of one kind are the
    excited states that the tolerance is about, and each of the others with those of lower l: the higher its l, the
    further away a state regenerates, and the worse it converges.
    """
    size = np.maximum(np.abs(value), np.abs(other))
    # a state that is not reached differs by rounding, all of itself: that is its error, and nobody else's
    true = np.maximum(np.abs(other - value) - ROUNDING, 0.0)
    relative = np.divide(true, size, out=np.zeros_like(size), where=true > 0)
    excited = aimed & np.array([s.n > 1 for s in STATES])
    l, rest = np.array([s.l for s in STATES]), ~aimed
    kinds = [(excited, excited), *((rest & (l == k), rest & (l <= k)) for k in np.unique(l))]
    for mine, kind in kinds:
        largest = relative[..., kind].max(axis=-1, keepdims=True, initial=0.0)
        true[..., mine] = largest * size[..., mine]
    return np.asarray(true + ROUNDING)


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
