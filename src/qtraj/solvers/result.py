"""Results: survival with an error budget, and everything needed to know where it came from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..observables.estimate import Estimate
from ..states import STATE_NAMES

Float = NDArray[np.float64]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Solution:
    """What a method returns: overlaps of n histories at all check points (the end last), as plain arrays.

    Parameters
    ----------
    initial_overlap : ndarray, shape (6,)
        Overlaps at the start.
    overlap, no_jump : ndarray, shape (n, times, 6)
        Overlaps in total and without any jump.
    parts, no_jump_parts : mapping of str to ndarray, shape (n, times, 6)
        Numerical errors of the two.
    norm : ndarray, shape (n, times)
        Probability of no jump.
    norm_parts : mapping of str to ndarray, shape (n, times)
        Its numerical errors.
    not_estimated : tuple of str
        Errors that were not estimated.
    diagnostics : mapping of str to ndarray, shape (n, ...)
        Populations by color and l, lost trace, purity, entropy.
    settings : mapping
        What the method chose: mesh, l_max, steps.
    jumps : tuple, optional
        Record of the jumps of each history (`solvers.jumps.JumpRecord`), or None.
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
    """Survival of each state with its errors; prints itself.

    Parameters
    ----------
    survival : mapping of str to Estimate
        Survival at the end by state name: final over initial overlap where the initial overlap is nonzero and the start
        is a Gaussian singlet, raw overlap otherwise. Shape () for one history, (n,) for a batch.
    no_jump : mapping of str to Estimate
        The part without any jump, normalized likewise; survival - no_jump is regeneration.
    overlap : mapping of str to Estimate
        Raw overlaps at the end.
    initial_overlap : mapping of str to float
        Overlaps at the start.
    norm : Estimate
        Probability that the pair never jumped. Where it is far below the survivals of the start, its error is large: it
        is then made of fast pairs that a finite mesh holds poorly.
    times_fm : ndarray, shape (nt,)
        Requested times in fm/c.
    survival_at, no_jump_at : mapping of str to Estimate, shape (nt,) or (n, nt)
        The same at the requested times.
    diagnostics : mapping of str to ndarray
        ``population`` (..., 2, l_max + 1) by color and l at the end, ``population_at`` (..., nt, 2, l_max + 1),
        ``lost`` (..., 2): trace lost beyond l_max and above the basis, ``trace``, ``purity``, ``entropy``.
    settings, provenance : mapping
        What was asked, what the method chose, versions, wall time in seconds.
    jumps : JumpRecord, tuple of JumpRecord or None
        Jumps of the trajectories of one history, or of each of a batch, if they were asked for.
    """

    survival: Mapping[str, Estimate]
    no_jump: Mapping[str, Estimate]
    overlap: Mapping[str, Estimate]
    initial_overlap: Mapping[str, float]
    norm: Estimate
    times_fm: Float
    survival_at: Mapping[str, Estimate]
    no_jump_at: Mapping[str, Estimate]
    diagnostics: Mapping[str, Any]
    settings: Mapping[str, Any]
    provenance: Mapping[str, Any]
    jumps: Any = None

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
        lines.append(f"{'':4}{'survival':>22}{'without jump':>22}   error budget")
        for name in STATE_NAMES:
            total, bare = self.survival[name], self.no_jump[name]
            if np.ndim(total.value):
                total, bare = total[0], bare[0]
            if total.value == 0 and total.error == 0:
                continue
            budget = ", ".join(f"{part} {value:.1e}" for part, value in total.parts.items())
            lines.append(f"{name:4}{total!s:>22}{bare!s:>22}   {budget or 'not estimated'}")
        norm = self.norm
        if np.ndim(norm.value):
            lines.append(f"(first of {count} histories)")
            norm = norm[0]
        lines.append(f"norm without jump {norm!s}")
        return "\n".join(lines)


def make_result(
    solution: Solution,
    *,
    is_ratio: bool,
    batch: bool,
    times_fm: Float,
    settings: Mapping[str, Any],
    provenance: Mapping[str, Any],
) -> Result:
    """Return the public result of a solution."""

    def estimates(
        values: Float, parts: Mapping[str, Float], time: Any, *, ratio: bool
    ) -> dict[str, Estimate]:
        scale = np.where(solution.initial_overlap > 0, solution.initial_overlap, 1.0) if ratio else np.ones(6)
        index = (..., time) if batch else (0, time)
        return {
            name: Estimate(
                values[..., j][index] / scale[j],
                {part: error[..., j][index] / scale[j] for part, error in parts.items()},
                solution.not_estimated,
            )
            for j, name in enumerate(STATE_NAMES)
        }

    index: tuple[Any, ...] = (..., -1) if batch else (0, -1)
    total, bare = (solution.overlap, solution.parts), (solution.no_jump, solution.no_jump_parts)
    series = slice(0, len(times_fm))
    return Result(
        survival=estimates(*total, -1, ratio=is_ratio),
        no_jump=estimates(*bare, -1, ratio=is_ratio),
        overlap=estimates(*total, -1, ratio=False),
        initial_overlap=dict(zip(STATE_NAMES, map(float, solution.initial_overlap), strict=True)),
        norm=Estimate(
            solution.norm[index],
            {part: error[index] for part, error in solution.norm_parts.items()},
            solution.not_estimated,
        ),
        times_fm=times_fm,
        survival_at=estimates(*total, series, ratio=is_ratio),
        no_jump_at=estimates(*bare, series, ratio=is_ratio),
        diagnostics=_diagnostics(solution, series, batch=batch),
        settings={**settings, **solution.settings},
        provenance=provenance,
        jumps=(solution.jumps if batch else solution.jumps[0]) if any(solution.jumps) else None,
    )


def _diagnostics(solution: Solution, series: slice, *, batch: bool) -> dict[str, Any]:
    found = dict(solution.diagnostics)
    if "population" in found:
        population = found.pop("population")
        found |= {
            "population": population[:, -1],
            "population_at": population[:, series],
            "trace": population[:, -1].sum(axis=(-1, -2)),
        }
    return {name: values if batch else values[0] for name, values in found.items()}
