"""Quarkonium states: the six radial states of the solver and the nine physical ones, with PDG names and masses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ._checks import integer, settle, text
from .errors import InputError

_L_LETTERS: Final = "SPDF"


@dataclass(frozen=True)
class State:
    """A vacuum eigenstate counted as the field does: 1S, 2S, 1P (n = 2, l = 1), ...

    Parameters
    ----------
    n : int
        Principal quantum number, n > l.
    l : int
        Orbital angular momentum, 0 to 3.

    Raises
    ------
    InputError
        If the numbers are not those of a state.
    """

    n: int
    l: int

    def __post_init__(self) -> None:
        l = integer("l", self.l, 0, len(_L_LETTERS) - 1)
        n = integer("n", self.n, l + 1, allowed=f"be an integer above l = {l}", remedy="1P is n = 2, l = 1.")
        settle(self, n=n, l=l)

    @property
    def radial_index(self) -> int:
        """Position among the states of this l, 0 for the lowest."""
        return self.n - self.l - 1

    @property
    def name(self) -> str:
        """Spectroscopic name, for example ``1P`` for n = 2, l = 1."""
        return f"{self.radial_index + 1}{_L_LETTERS[self.l]}"

    @classmethod
    def named(cls, name: str) -> State:
        """Return the state called `name`, for example ``State.named("1P")``.

        `InputError` if `name` is no spectroscopic name.
        """
        allowed = "be a spectroscopic name such as '1S' or '2P'"
        text("name", name, allowed)
        if not name[:-1].isdecimal() or int(name[:-1]) < 1 or name[-1] not in _L_LETTERS:
            meant = re.search(rf"[1-9]\s*[{_L_LETTERS}]", name, re.IGNORECASE)  # 1s, Upsilon(1S)
            hint = "" if meant is None else f"Did you mean '{meant[0].replace(' ', '').upper()}'?"
            raise InputError("name", name, allowed, hint)
        l = _L_LETTERS.index(name[-1])
        return cls(n=int(name[:-1]) + l, l=l)


STATES: Final = tuple(State.named(name) for name in ("1S", "2S", "1P", "3S", "2P", "1D"))
"""The states every method projects on, in the order of every QTraj file."""

STATE_NAMES: Final = tuple(state.name for state in STATES)


@dataclass(frozen=True)
class Meson:
    """A physical quarkonium state; `radial` names the solver's state whose survival it and its spin partners take."""

    name: str  # of the PDG, for example ``Y(1S)`` or ``chi_b1(1P)``
    pdg_id: int  # Monte Carlo number of the PDG
    mass: float  # GeV
    radial: str


# Masses: PDG 2026 (CC BY 4.0, Int. J. Mod. Phys. A 41, 2630011).
MESONS: Final = (
    Meson("Y(1S)", 553, 9.4604, "1S"),
    Meson("Y(2S)", 100553, 10.0234, "2S"),
    Meson("chi_b0(1P)", 10551, 9.85944, "1P"),
    Meson("chi_b1(1P)", 20553, 9.89278, "1P"),
    Meson("chi_b2(1P)", 555, 9.91221, "1P"),
    Meson("Y(3S)", 200553, 10.3551, "3S"),
    Meson("chi_b0(2P)", 110551, 10.2325, "2P"),
    Meson("chi_b1(2P)", 120553, 10.25546, "2P"),
    Meson("chi_b2(2P)", 100555, 10.26865, "2P"),
)
"""The nine bottomonium states of the feed-down, in the order of its matrices."""

CHARMONIA: Final = (
    Meson("J/psi", 443, 3.0969, "1S"),
    Meson("psi(2S)", 100443, 3.68610, "2S"),
    Meson("chi_c0(1P)", 10441, 3.41471, "1P"),
    Meson("chi_c1(1P)", 20443, 3.51067, "1P"),
    Meson("chi_c2(1P)", 445, 3.55617, "1P"),
)
"""The charmonia below the threshold of open charm that `qtraj states` compares with: no feed-down knows them."""
