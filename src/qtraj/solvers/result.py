"""Results: survival with an error budget, and everything needed to know where it came from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._types import Float
from ..errors import InputError
from ..observables.estimate import Estimate
from ..states import STATE_NAMES

Progress = Callable[[int, int], None]

# A population below this is what rounding leaves of zero.
ROUNDING = 1e-12

# A start that is no local one holds a state if their overlap is more than this times the largest. What a grid makes of
# exact zeros is smaller: on a sine grid of 511 points to 40 GeV^-1 the Coulomb 1S has 1.4e-5 of the 2S.
HELD = 1e-4


@dataclass(frozen=True, eq=False)
class Solution:
    """What a method returns: overlaps of n histories at all check points (the end last), as plain arrays.

    Overlaps in total and without any jump, with their numerical errors by name, have the shape (n, times, 6), the
    `initial_overlap` (6,); `norm`, the probability of no jump, and its errors (n, times). `not_estimated` names errors
    that were not estimated. The diagnostics (n, ...) are populations by color and l, lost trace, what the start lacks
    of each color, purity, entropy; the settings what the method chose: mesh, l_max, steps. `jumps` has the `JumpRecord`
    of each history, or None.
    """

    initial_overlap: Float
    overlap: Float
    parts: Mapping[str, Float]
    no_jump: Float
    no_jump_parts: Mapping[str, Float]
    norm: Float
    norm_parts: Mapping[str, Float]
    not_estimated: tuple[str, ...] = ()
    diagnostics: Mapping[str, Float] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    jumps: tuple[Any, ...] = ()


@dataclass(frozen=True, eq=False)
class Result:
    """Survival of each state of the start, and transitions to others, with their errors; prints itself.

    Parameters
    ----------
    survival : mapping of str to Estimate
        Survival at the end of the states that the start holds, by name: final over initial overlap if the start is a
        Gaussian singlet, else the final overlap. What becomes other states is in `transition`. Shape () for one
        history, (n,) for a batch.
    no_jump : mapping of str to Estimate
        The part without any jump, normalized likewise; survival - no_jump is regeneration.
    overlap, overlap_no_jump : mapping of str to Estimate
        Probability of each of the six states at the end, <nl|rho|nl>, in all and without any jump.
    initial_overlap : mapping of str to float
        Overlaps at the start.
    norm : Estimate
        Probability that the pair never jumped. On a mesh, pairs too fast for it count with the decay of a straight
        flight; the part ``fast_pairs`` of the error says how uncertain that is.
    times_fm : ndarray, shape (nt,)
        Requested times in fm/c.
    survival_at, no_jump_at, overlap_at, overlap_no_jump_at : mapping of str to Estimate, shape (nt,) or (n, nt)
        The same at the requested times.
    diagnostics : mapping of str to ndarray
        ``population`` (..., 2, l_max + 1), probability of the pairs that the method keeps, by color and l at the end
        (the last l of trajectories stands for all from it on); of trajectories its statistical error,
        ``population_error``, and that of its sums over l, ``color_error`` (..., 2). ``trace`` (...), its sum: the rest
        is left out. ``lost`` (..., 2), what is left out: in jumps beyond l_max or the jump range, and above the
        energies kept (of trajectories: after the start and at it). ``cut`` (..., 2), the part of it that is left out of
        the start, by its color. ``octet`` (..., 2), least and largest probability of the octet among all pairs, see
        `octet_bounds`; of trajectories with twice its statistical error. ``population_at``, ``octet_at`` and
        ``lost_at`` (..., nt), all that is left out: the same at the requested times. ``purity``, ``entropy`` (...) of
        the normalized state of the pairs kept.
    settings, provenance : mapping
        What was asked, what the method chose, versions, wall time in seconds.
    jumps : JumpRecord, tuple of JumpRecord or None
        Jumps of the trajectories of one history, or of each of a batch, if they were asked for.
    """

    survival: Mapping[str, Estimate]
    no_jump: Mapping[str, Estimate]
    overlap: Mapping[str, Estimate]
    overlap_no_jump: Mapping[str, Estimate]
    initial_overlap: Mapping[str, float]
    norm: Estimate
    times_fm: Float
    survival_at: Mapping[str, Estimate]
    no_jump_at: Mapping[str, Estimate]
    overlap_at: Mapping[str, Estimate]
    overlap_no_jump_at: Mapping[str, Estimate]
    diagnostics: Mapping[str, Any]
    settings: Mapping[str, Any]
    provenance: Mapping[str, Any]
    jumps: Any = None

    @property
    def transition(self) -> Mapping[str, Estimate]:
        """Probability at the end of each state that the start does not hold: no survival, but what others became."""
        return {name: overlap for name, overlap in self.overlap.items() if name not in self.survival}

    @property
    def transition_at(self) -> Mapping[str, Estimate]:
        """The same at the requested times."""
        return {name: overlap for name, overlap in self.overlap_at.items() if name not in self.survival}

    @property
    def regeneration(self) -> Mapping[str, Estimate]:
        """Survival minus its no-jump part; the error parts are those of the survival."""
        return {
            name: Estimate(total.value - self.no_jump[name].value, total.parts, total.not_estimated)
            for name, total in self.survival.items()
        }

    def __str__(self) -> str:
        count = self.provenance["histories"]
        histories = "1 history" if count == 1 else f"{count} histories"
        lines = [f"{self.settings['method']}, {histories}, {self.provenance['wall_time_s']:.2f} s"]
        for title, found, without in (
            ("survival", self.survival, self.no_jump),
            ("transition", self.transition, self.overlap_no_jump),
        ):
            rows = [_row(name, total, without[name]) for name, total in found.items()]
            if any(rows):
                lines.append(f"{'':4}{title:>22}{'without jump':>22}   error budget")
                lines += filter(None, rows)
        batch = np.ndim(self.norm.value) > 0
        if batch:
            lines.append(f"(first of {count} histories)")
        lines.append(f"norm without jump {self.norm[0] if batch else self.norm!s}")
        if "population" in self.diagnostics:
            first = {name: values[0] if batch else values for name, values in self.diagnostics.items()}
            lines += _populations(first)
        return "\n".join(lines)


def _row(name: str, total: Estimate, no_jump: Estimate) -> str:
    """Return the line of a state, that of the first history, or nothing where there is nothing of it."""
    if np.ndim(total.value):
        total, no_jump = total[0], no_jump[0]
    if total.value == 0 and total.error == 0:
        return ""
    budget = ", ".join(f"{part} {value:.1e}" for part, value in total.parts.items())
    return f"{name:4}{total!s:>22} {no_jump!s:>21}   {budget or 'not estimated'}"


def _populations(d: Mapping[str, Any]) -> list[str]:
    """Say where the pairs of one history are, and what is left out of it."""
    singlet, octet = d["population"].sum(axis=-1)
    cut = float(d["cut"].sum())
    later = max(0.0, round(1 - float(d["trace"]) - cut, 9))
    low, high = d["octet"]
    lines = [
        f"pairs kept: {d['trace']:.3g} (singlet {singlet:.3g}, octet {octet:.3g}); left out: {cut:.3g} of the start, "
        f"{later:.3g} later; octet of all pairs: {low:.3g} to {high:.3g}"
    ]
    if np.isfinite(d.get("entropy", np.nan)):
        lines.append(f"of the pairs kept: entropy {d['entropy']:.4g}, purity {d['purity']:.4g}")
    return lines


class _Held(dict[str, Estimate]):
    """Survivals of the states that a start holds; another state is refused with where its number is."""

    def __missing__(self, name: str) -> Estimate:
        held = ", ".join(self) or "none: the start holds no bound state"
        remedy = "What becomes another state is in `transition`; `overlap` has all six."
        raise InputError("state", name, f"be one that the start holds ({held})", remedy)


def held_states(initial_overlap: Float, *, is_ratio: bool) -> NDArray[np.bool_]:
    """Return which of the six states a start holds, so that one can speak of their survival, shape (6,).

    With `is_ratio` survivals are ratios to the overlaps at the start: a local start holds all states of its l, however
    little of each.
    """
    least = 0.0 if is_ratio else HELD * float(initial_overlap.max())
    return np.asarray(initial_overlap > least)


def by_meaning(
    found: Mapping[str, Estimate], held: NDArray[np.bool_]
) -> tuple[Mapping[str, Estimate], Mapping[str, Estimate]]:
    """Return the survivals, of the states that a start holds, and the transitions to the others."""
    names = [name for name, there in zip(STATE_NAMES, held, strict=True) if there]
    survival = _Held({name: found[name] for name in names})
    return survival, {name: value for name, value in found.items() if name not in survival}


def octet_bounds(population: Float, cut: Float, error: Float | float = 0.0) -> Float:
    """Return the least and the largest probability of the octet among all pairs, shape (..., 2).

    `population` (..., 2, L) is that of the pairs kept, by color and l, `cut` (..., 2) what is left out of the start, of
    each color. The bounds move apart by twice `error` (..., 2), that of the populations of the two colors. A method
    keeps some pairs only, and fast pairs, which a narrow start mostly consists of, jump to the octet sooner than those
    it keeps: the octet's share of the pairs kept depends on which those are. Pairs that are left out may be in either
    color, so the octet has at least what is kept in it, at most all but what is kept in the singlet. Before any jump
    they are still in the color of the start, and both bounds are one number.
    """
    singlet, octet = np.moveaxis(population.sum(axis=-1), -1, 0)
    # a jump changes l, so that of a start with one l nothing has jumped while only that l is there
    untouched = np.count_nonzero(population.sum(axis=-2) > ROUNDING, axis=-1) <= 1
    singlet_error, octet_error = 2 * np.moveaxis(np.broadcast_to(error, (*octet.shape, 2)), -1, 0)
    low = np.where(untouched, octet + cut[..., 1], octet - octet_error)
    high = np.where(untouched, octet + cut[..., 1], 1 - singlet + singlet_error)
    return np.asarray(np.clip(np.stack([low, high], axis=-1), 0.0, 1.0))


def make_result(
    solution: Solution,
    *,
    is_ratio: bool,
    batch: bool,
    times_fm: Float,
    settings: Mapping[str, Any],
    provenance: Mapping[str, Any],
) -> Result:
    """Return the public result of a solution; with `is_ratio` survivals are ratios to the initial overlaps."""
    held = held_states(solution.initial_overlap, is_ratio=is_ratio)
    scale = np.where(held, solution.initial_overlap, 1.0) if is_ratio else np.ones(len(STATE_NAMES))
    missing_parts, first = solution.not_estimated, ... if batch else 0

    def at(
        time: Any, values: Float, parts: Mapping[str, Float]
    ) -> tuple[Mapping[str, Estimate], Mapping[str, Estimate]]:
        """Return the overlaps at a time, and the survivals of the states that the start holds."""
        overlap, ratio = {}, {}
        for j, name in enumerate(STATE_NAMES):
            value = values[..., j][first, time]
            errors = {part: error[..., j][first, time] for part, error in parts.items()}
            overlap[name] = Estimate(value, errors, missing_parts)
            scaled = {part: error / scale[j] for part, error in errors.items()}
            ratio[name] = Estimate(value / scale[j], scaled, missing_parts)
        return overlap, by_meaning(ratio, held)[0]

    series = slice(0, len(times_fm))
    overlap, survival = at(-1, solution.overlap, solution.parts)
    overlap_no_jump, no_jump = at(-1, solution.no_jump, solution.no_jump_parts)
    overlap_at, survival_at = at(series, solution.overlap, solution.parts)
    overlap_no_jump_at, no_jump_at = at(series, solution.no_jump, solution.no_jump_parts)
    norm_parts = {part: error[first, -1] for part, error in solution.norm_parts.items()}
    return Result(
        survival=survival,
        no_jump=no_jump,
        overlap=overlap,
        overlap_no_jump=overlap_no_jump,
        initial_overlap=dict(zip(STATE_NAMES, map(float, solution.initial_overlap), strict=True)),
        norm=Estimate(solution.norm[first, -1], norm_parts, missing_parts),
        times_fm=times_fm,
        survival_at=survival_at,
        no_jump_at=no_jump_at,
        overlap_at=overlap_at,
        overlap_no_jump_at=overlap_no_jump_at,
        diagnostics=_diagnostics(solution, series, batch=batch),
        settings={**settings, **solution.settings},
        provenance=provenance,
        jumps=(solution.jumps if batch else solution.jumps[0]) if any(solution.jumps) else None,
    )


def _diagnostics(solution: Solution, series: slice, *, batch: bool) -> dict[str, Any]:
    found = dict(solution.diagnostics)
    if "population" in found:
        population = found.pop("population")
        errors = found.get("color_error", np.zeros(2))
        octet = octet_bounds(population, found["cut"][:, None], errors)
        left = population.sum(axis=(-1, -2))
        found |= {
            "population": population[:, -1],
            "population_at": population[:, series],
            "trace": left[:, -1],
            "lost_at": 1 - left[:, series],
            "octet": octet[:, -1],
            "octet_at": octet[:, series],
        }
        found |= {name: found[name][:, -1] for name in ("population_error", "color_error") if name in found}
    return {name: values if batch else values[0] for name, values in found.items()}
