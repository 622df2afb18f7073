"""Error parts of a no-jump run from its comparison with coarser steps and finer bases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .result import Solution

Float = NDArray[np.float64]

SHARE: Final = 1 / 3
"""Time-step error over the change with twice the step, for fourth order and tables, which are only piecewise smooth;
Richardson's is a fifteenth."""

EXCESS: Final = 1.5
"""Mesh error over the largest difference between the bases, which have errors of their own, of about half the size."""


ROUNDING: Final = 1e-13
"""Amplitudes are known to this, of a normalized pair: a hundred orthogonal transformations, and a margin of ten."""


def error_parts(
    found: Float, coarse: Float, finer: Sequence[Float], *, share: float = SHARE, excess: float = EXCESS
) -> dict[str, Float]:
    """Return the parts `time_step` and `mesh`, each of the shape of `found`.

    Parameters
    ----------
    found : ndarray, shape (..., 7)
        Six overlaps and the norm.
    coarse : ndarray, shape (..., 7)
        The same with twice the step.
    finer : sequence of ndarray, shape (..., 7)
        With twice the step on finer bases.
    share : float
        Share of the difference between the steps that counts as error. Richardson's is a fifteenth at fourth order and
        a third at second; the default is for fourth order and tables, which are only piecewise smooth.
    excess : float
        Error over the largest difference between the bases: the others have errors of their own, by default of about
        half the size.
    """
    return {
        "time_step": _shared(coarse, found) * share,
        "mesh": excess * np.max([_shared(other, coarse) for other in finer], axis=0),
    }


def no_jump_solution(initial_overlap: Float, found: Float, parts: dict[str, Float]) -> Solution:
    """Return the solution of a method without jumps from overlaps and norm (n, times, 7) and their error parts."""
    overlap_parts = {name: part[..., :-1] for name, part in parts.items()}
    return Solution(
        initial_overlap=initial_overlap,
        overlap=found[..., :-1],
        parts=overlap_parts,
        no_jump=found[..., :-1],
        no_jump_parts=overlap_parts,
        norm=found[..., -1],
        norm_parts={name: part[..., -1] for name, part in parts.items()},
        not_estimated=() if parts else ("time_step", "mesh"),
    )


def _shared(other: Float, value: Float) -> Float:
    """Return |other - value| of (..., 7), where all states share the largest relative difference.

    Two approximations can agree by accident for one state, hardly for all. The last entry, the norm, stands alone.
    Differences of rounding count for none but the state that has them.
    """
    difference = np.abs(other - value)
    size = np.abs(value[..., :-1])
    # an amplitude a that is off by eta gives an overlap that is off by 2 |a| eta + eta^2
    # (a state of another l has none, and is 0 exactly)
    rounding = np.where(size + difference[..., :-1] > 0, 2 * ROUNDING * np.sqrt(size) + ROUNDING**2, 0.0)
    true = np.maximum(difference[..., :-1] - rounding, 0.0)
    relative = np.divide(true, size, out=np.zeros_like(size), where=true > 0)
    difference[..., :-1] = relative.max(axis=-1, keepdims=True) * size + rounding
    return difference
