"""The paper's ratio of two settings beside the ratio without noise and the noise of such a ratio."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from cases.common import START, Table
from numpy.typing import NDArray

from . import sampled
from .exact import S_WAVES
from .record import Record
from .reported import STATES, Refinement

Float = NDArray[np.float64]
POOL = 16_384
"""Trajectories from which the noise of the paper's estimator is taken; it is then known to 2 %."""


def noise_of_one(record: Record, width: float = START.width) -> Float:
    """Return the relative standard deviation of one trajectory of the paper, for 1S, 2S, 3S, shape (3,)."""

    def compute() -> list[float]:
        found = sampled.pool(1024 if record.quick else POOL, width=width)
        return (found.deviation / found.mean)[S_WAVES].tolist()

    return np.array(record.piece(f"noise of the paper's estimator, width {width:g}", compute))


def comparison_table(
    reported: Refinement,
    exact: Float,
    noise: Float,
    extra: Mapping[str, Float] | None = None,
    note: str = "",
) -> Table:
    """Return the table of one comparison.

    Parameters
    ----------
    reported : Comparison
        What the paper says.
    exact : ndarray, shape (3,)
        Ratio without noise.
    noise : ndarray, shape (3,)
        Relative noise of a ratio of two such runs.
    extra : mapping of str to ndarray, shape (3,)
        Further columns, in percent.
    note : str
        What they are.
    """
    extra = extra or {}
    rows = []
    for i, state in enumerate(STATES):
        away = (reported.ratio[i] - exact[i]) / noise[i]
        rows.append(
            (
                state,
                f"{reported.ratio[i]:g} ± {reported.error[i]:g}",
                f"{100 * (exact[i] - 1):+.2g} %",
                *(f"{100 * values[i]:.2g} %" for values in extra.values()),
                f"{100 * noise[i]:.1f} %",
                f"{away:+.1f}",
            )
        )
    return Table(
        f"{reported.what}: the paper's ratio, and what is left of it without noise",
        (
            "state",
            "paper",
            "change without noise",
            *extra,
            f"noise of a ratio, {reported.trajectories:,} trajectories".replace(",", " "),
            "paper - exact, in noise",
        ),
        tuple(rows),
        f"Noise: standard deviation of the ratio of two independent runs by the paper's estimator. {note}".rstrip(),
    )


def ratio_noise(noise: Float, reported: Refinement) -> Float:
    """Return the relative noise of a ratio of two runs."""
    return noise * np.sqrt(2 / reported.trajectories)


def percent(values: Any) -> list[str]:
    """Return relative differences as text, with two digits."""
    return [f"{100 * value:+.2g} %" if value else "0" for value in values]
