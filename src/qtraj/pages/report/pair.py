"""One representative pair of a run over time: temperature, density in r and l, populations, bound states."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from ...io.config import RunFile
from ...io.factory import model_of, start_of
from ...io.pages import rounded
from ...observables.bins import geometries
from ...physics.medium import History
from ...solvers.density.evolution import DensityInTime, density_in_time
from ...states import STATE_NAMES
from ...units import HBARC, to_fm
from .source import Run

TIMES: Final = 61
POINTS: Final = 241
"""Times and radii on the page: with 14 curves at 7 characters each, about 1.5 MB."""

FARTHEST_FM: Final = 6.0
SHOWN: Final = 0.97
"""Share of the probability at the end inside the largest radius on the page."""

COLOR_NAMES: Final = ("singlet", "octet")
LETTERS: Final = "SPDF"
"""Angular momenta with a curve each; those above are shown as their sum."""

_SMALLEST: Final = 1e-7


def representative(run: Run) -> tuple[History, str] | None:
    """Return the history of the most central collisions whose 1S survival is nearest to their mean, and what it is.

    Parameters
    ----------
    run : Run
        The run.

    Returns
    -------
    (History, str) or None
        None if the hydrodynamics of the run are not at hand.
    """
    if run.plan is None:
        return None
    table = next(iter(run.survivals.tables.values()))
    central = geometries(table)[-1]
    survival = table.survival.value[central, STATE_NAMES.index("1S")]
    nearest = int(np.argmin(np.abs(survival - survival.mean())))
    # the rows are the histories of one source after the other
    chosen, number = int(central[nearest]), 0
    while chosen >= run.plan.sources[number].count:
        chosen -= run.plan.sources[number].count
        number += 1
    batch = run.plan.sources[number].batch(chosen, chosen + 1)
    paths = {name: float(values[0]) for name, values in batch.paths.items()}
    which = (
        f"Path {chosen} at b = {paths['b_fm']:g} fm, the one whose 1S survival, {survival[nearest]:.3f}, is nearest "
        f"to the mean of {len(survival)} paths, {survival.mean():.3f}; p_T = {paths['pT']:.2f} GeV, produced at "
        f"x = {paths['x_fm']:.2f} fm, y = {paths['y_fm']:.2f} fm; starts in l = 0, central setting."
    )
    return batch.histories[0], which.replace("-", "\N{MINUS SIGN}")


def pair_over_time(run_file: RunFile, history: History) -> dict[str, Any] | None:
    """Return the data of the section with the slider, or None if there is nothing to show.

    That is so for a history that is never hot, and for a potential that changes with the medium.

    Parameters
    ----------
    run_file : RunFile
        Model and initial state.
    history : History
        The temperatures.
    """
    model = model_of(run_file)
    # the density matrix knows potentials of the vacuum only
    if not history.active or model.thermal is not None:
        return None
    times = np.linspace(0.0, to_fm(history.active[-1][1]), TIMES)
    r_fm = np.linspace(0.0, FARTHEST_FM, 2 * POINTS)
    start = start_of(run_file, min(run_file.config.initial.l))
    evolution = density_in_time(model, history, start, times, r=r_fm / HBARC)
    return _data(evolution, history)


def _data(evolution: DensityInTime, history: History) -> dict[str, Any]:
    r_fm, density = evolution.r * HBARC, evolution.density / HBARC
    inside = np.cumsum(density[-1].sum(axis=(0, 1)))
    last = int(np.searchsorted(inside, SHOWN * inside[-1])) + 1
    columns = np.unique(np.linspace(0, last, POINTS).round().astype(int).clip(max=len(r_fm) - 1))
    density, population = (_joined(values) for values in (density, evolution.population))
    sectors = [(c, l) for l in range(density.shape[2]) for c in (0, 1)]
    # digits far below the highest curve of the same chart have no width on the screen
    smallest = 1e-5 * np.maximum(density.max(axis=(2, 3), keepdims=True), _SMALLEST)
    shown = np.round(density[..., columns] / smallest) * smallest
    return {
        "t": [round(float(t), 6) for t in evolution.times_fm],
        "r": rounded(r_fm[columns], 5),
        "sectors": [{"color": COLOR_NAMES[c], "l": l, "name": sector_name(c, l)} for c, l in sectors],
        "density": [[rounded(shown[i, c, l]) for c, l in sectors] for i in range(len(shown))],
        "population": [rounded(population[:, c, l], 5) for c, l in sectors],
        "lost": rounded(evolution.lost, 5),
        "octet": [rounded(bound, 5) for bound in evolution.octet.T],
        "T": rounded(_temperatures(history, evolution.times_fm)),
        "states": {
            name: rounded(np.where(values > _SMALLEST, values, np.nan))
            for name, values in zip(STATE_NAMES, evolution.overlap.T, strict=True)
            if values.max() > _SMALLEST
        },
    }


def sector_name(color: int, l: int) -> str:
    """Return for example ``"singlet S"``."""
    return f"{COLOR_NAMES[color]} {LETTERS[l] if l < len(LETTERS) else f'l ≥ {l}'}"


def _joined(values: Any) -> Any:
    """Return values (nt, 2, l_max + 1, ...) with the sum over all l above those of `LETTERS` in one entry."""
    named = values[:, :, : len(LETTERS)]
    above = values[:, :, len(LETTERS) :]
    return np.concatenate([named, above.sum(axis=2, keepdims=True)], axis=2) if above.shape[2] else named


def _temperatures(history: History, times_fm: Any) -> Any:
    """Return T in GeV where the medium acts, NaN elsewhere."""
    T = np.full(len(times_fm), np.nan)
    t = times_fm / HBARC
    for start, end in history.active:
        # the last time is the end of the medium up to rounding
        hot = (start <= t) & (t <= end * (1 + 1e-12))
        T[hot] = history.temperature(np.minimum(t[hot], end))
    return T
