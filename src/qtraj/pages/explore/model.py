"""The model of the page: what the controls can be set to, and the numbers shown there. It knows no browser."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..._checks import choice, number, settle
from ...errors import AccuracyWarning
from ...physics.initial import CoulombState, GaussianState, InitialState
from ...physics.medium import Bjorken
from ...physics.model import LindbladModel
from ...physics.potentials.coulomb import CoulombPotential
from ...physics.transport import Transport
from ...solvers.density.evolution import density_in_time
from ...solvers.density.method import DensityMatrix
from ...solvers.solve import solve
from ...units import to_fm

Float = NDArray[np.float64]

TAU_FM: Final = 0.6
"""Proper time at which the medium begins, fm/c."""


class Slider(NamedTuple):
    """Range of one number: its ends, and the distance of neighboring values."""

    low: float
    high: float
    step: float


SLIDERS: Final[Mapping[str, Slider]] = MappingProxyType(
    {
        "T0": Slider(0.31, 0.50, 0.005),
        "T_end": Slider(0.18, 0.30, 0.005),
        "kappa_hat": Slider(0.6, 3.0, 0.05),
        "gamma_hat": Slider(-3.5, 0.0, 0.05),
    }
)
"""The sliders. T0 and T_end (GeV) do not meet; kappa_hat and gamma_hat cover what `surrogate` covers."""

STARTS: Final[Mapping[str, InitialState]] = MappingProxyType(
    {
        "Gaussian, l = 0": GaussianState(l=0),
        "Gaussian, l = 1": GaussianState(l=1),
        "1S": CoulombState(1, 0),
        "2S": CoulombState(2, 0),
    }
)
"""Initial states in the singlet by their names on the page."""

ORDERS: Final = ("LO", "NLO")


@dataclass(frozen=True)
class Settings:
    """One position of all controls.

    Parameters
    ----------
    T0, T_end : float
        Temperatures at which the medium begins and ends, GeV (Bjorken flow from `TAU_FM` on).
    kappa_hat, gamma_hat : float
        kappa/T^3 and gamma/T^3.
    order : {"LO", "NLO"}
        Order in E/T.
    start : str
        One of `STARTS`.

    Raises
    ------
    InputError
        If a number is outside the range of its slider or a name is unknown: a browser may send anything.
    """

    T0: float = 0.425
    T_end: float = 0.25
    kappa_hat: float = 1.4
    gamma_hat: float = -1.75
    order: Literal["LO", "NLO"] = "LO"
    start: str = "Gaussian, l = 0"

    def __post_init__(self) -> None:
        for name, slider in SLIDERS.items():
            # a browser rounds the steps of a slider its own way
            slack = 1e-9 * (slider.high - slider.low)
            low, high = slider.low - slack, slider.high + slack
            allowed = f"be from {slider.low:g} to {slider.high:g}"
            settle(self, **{name: number(name, getattr(self, name), allowed, low=low, high=high)})
        for name, known in (("order", ORDERS), ("start", tuple(STARTS))):
            settle(self, **{name: choice(name, getattr(self, name), known, f"be one of {', '.join(known)}")})

    @property
    def model(self) -> LindbladModel:
        """The Lindblad equation."""
        return LindbladModel(
            CoulombPotential(), Transport(kappa=self.kappa_hat, gamma=self.gamma_hat), order=self.order
        )

    @property
    def medium(self) -> Bjorken:
        """The temperature history."""
        return Bjorken(T0=self.T0, tau_fm=TAU_FM, T_end=self.T_end)

    @property
    def initial(self) -> InitialState:
        """The start."""
        return STARTS[self.start]

    @property
    def states(self) -> tuple[str, ...]:
        """Three states to follow: two of the l of the start, and one of another l, which only jumps reach."""
        return ("1P", "2P", "1S") if self.initial.l == 1 else ("1S", "2S", "1P")


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
    """
    started = time.perf_counter()
    end = to_fm(settings.medium.active[-1][1])
    # dense at first, where the medium is hot
    times = TAU_FM * (end / TAU_FM) ** np.linspace(0, 1, TIMES)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", AccuracyWarning)
        result = solve(settings.model, settings.medium, settings.initial, METHOD, times_fm=times)
    r = (np.arange(BINS * PER_BIN) + 0.5) * R_MAX / (BINS * PER_BIN)
    pair = density_in_time(settings.model, settings.medium, settings.initial, times[-1:], r=r, method=METHOD)
    density = pair.density[-1]
    held = {name: name in result.survival for name in settings.states}
    total = {**result.overlap_at, **result.survival_at}
    no_jump = {**result.overlap_no_jump_at, **result.no_jump_at}
    return Numbers(
        settings=settings,
        times_fm=times,
        survival={name: np.asarray(total[name].value) for name in settings.states},
        no_jump={name: np.asarray(no_jump[name].value) for name in settings.states},
        held=held,
        is_ratio={name: there and settings.initial.survival_is_ratio for name, there in held.items()},
        population=np.asarray(result.diagnostics["population"]),
        octet=np.asarray(result.diagnostics["octet"]),
        r=r.reshape(BINS, PER_BIN).mean(axis=-1),
        density=density.reshape(*density.shape[:2], BINS, PER_BIN).mean(axis=-1),
        notes=tuple(dict.fromkeys(str(w.message) for w in caught if issubclass(w.category, AccuracyWarning))),
        seconds=time.perf_counter() - started,
    )
