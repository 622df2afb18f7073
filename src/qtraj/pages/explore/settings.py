"""What the controls of the page can be set to: the only things that a visitor can say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from ..._checks import choice, number, settle
from ...physics.initial import CoulombState, GaussianState, InitialState
from ...physics.medium import Bjorken
from ...physics.model import LindbladModel
from ...physics.potentials.coulomb import CoulombPotential
from ...physics.transport import Transport

TAU_FM: Final = 0.6
"""Proper time at which the medium begins, fm/c."""


@dataclass(frozen=True)
class Slider:
    """Range of one number.

    Parameters
    ----------
    low, high, step : float
        Ends, and distance of neighboring values.
    """

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
