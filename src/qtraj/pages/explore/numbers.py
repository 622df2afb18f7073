"""The model of the page: from the position of the controls to all numbers that it shows. It knows no browser."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...errors import AccuracyWarning
from ...physics.medium import Bjorken
from ...solvers.density.evolution import density_in_time
from ...solvers.density.method import DensityMatrix
from ...solvers.solve import solve
from ...units import to_fm
from .settings import TAU_FM, Settings

Float = NDArray[np.float64]

METHOD: Final = DensityMatrix(rtol=1e-2, error_budget=False)
"""The cheapest density matrix: the survival of the states that the start is made of is within about 1 % of the
exact one, the others within 3 %. It leaves out the runs that measure its error."""

TIMES: Final = 24
R_MAX: Final = 15.0
"""Largest distance shown, GeV^-1 (3 fm)."""

BINS, PER_BIN = 25, 12
"""Bins in r, each wider than the mesh is there: ripples of single points of the mesh mean nothing."""


@dataclass(frozen=True, eq=False)
class Numbers:
    """What the page shows for one position of the controls.

    Parameters
    ----------
    settings : Settings
        The position.
    times_fm : ndarray, shape (nt,)
        From the beginning of the medium to its end, fm/c.
    survival, no_jump : mapping of str to ndarray, shape (nt,)
        Of each state of ``settings.states``, at these times; their difference is regeneration. As in `qtraj.solve`:
        survival of a state that the start holds, relative to the initial overlap for a Gaussian; else the probability
        of the transition to it.
    held, is_ratio : mapping of str to bool
        Whether the start holds a state, and whether its survival is such a ratio.
    population : ndarray, shape (2, l_max + 1)
        Probability of each color (singlet, octet) and l at the end, of the pairs that the method keeps.
    octet : ndarray, shape (2,)
        Least and largest probability of the octet among all pairs at the end.
    r : ndarray, shape (nr,)
        Centers of bins of distances, GeV^-1.
    density : ndarray, shape (2, l_max + 1, nr)
        Probability per length in GeV of each color and l at the end, averaged over the bins.
    notes : tuple of str
        Warnings of the solver.
    seconds : float
        What it took.
    """

    settings: Settings
    times_fm: Float
    survival: Mapping[str, Float]
    no_jump: Mapping[str, Float]
    held: Mapping[str, bool]
    is_ratio: Mapping[str, bool]
    population: Float
    octet: Float
    r: Float
    density: Float
    notes: tuple[str, ...]
    seconds: float

    @property
    def regeneration(self) -> Mapping[str, Float]:
        """Survival minus its part without jumps."""
        return {name: total - self.no_jump[name] for name, total in self.survival.items()}


@lru_cache(maxsize=256)
def numbers(settings: Settings) -> Numbers:
    """Solve the Lindblad equation at one position of the controls; positions seen before cost nothing.

    Parameters
    ----------
    settings : Settings
        The position.

    Returns
    -------
    Numbers
    """
    started = time.perf_counter()
    times = _times(settings.medium)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", AccuracyWarning)
        result = solve(settings.model, settings.medium, settings.initial, METHOD, times_fm=times)
    r = (np.arange(BINS * PER_BIN) + 0.5) * R_MAX / (BINS * PER_BIN)
    pair = density_in_time(settings.model, settings.medium, settings.initial, times[-1:], r=r, method=METHOD)
    density = pair.density[-1]
    held = {name: name in result.survival for name in settings.states}
    total, bare = (
        {**result.overlap_at, **result.survival_at},
        {**result.overlap_no_jump_at, **result.no_jump_at},
    )
    return Numbers(
        settings=settings,
        times_fm=times,
        survival={name: np.asarray(total[name].value) for name in settings.states},
        no_jump={name: np.asarray(bare[name].value) for name in settings.states},
        held=held,
        is_ratio={name: there and settings.initial.survival_is_ratio for name, there in held.items()},
        population=np.asarray(result.diagnostics["population"]),
        octet=np.asarray(result.diagnostics["octet"]),
        r=r.reshape(BINS, PER_BIN).mean(axis=-1),
        density=density.reshape(*density.shape[:2], BINS, PER_BIN).mean(axis=-1),
        notes=tuple(dict.fromkeys(str(w.message) for w in caught if issubclass(w.category, AccuracyWarning))),
        seconds=time.perf_counter() - started,
    )


def _times(medium: Bjorken) -> Float:
    """Return the times to show, in fm/c: dense at first, where the medium is hot."""
    end = to_fm(medium.active[-1][1])
    return np.asarray(TAU_FM * (end / TAU_FM) ** np.linspace(0, 1, TIMES))
