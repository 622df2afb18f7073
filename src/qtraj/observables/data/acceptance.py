"""Kinematic ranges of measurements, from the words in which the data tables state them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import inf
from typing import Final

from ..._checks import interval, settle, text, texts
from ...errors import InputError

Range = tuple[float, float]

EVERYTHING: Final[Range] = (-inf, inf)

_NUMBER = r"(-?\d+(?:\.\d+)?)"
_NAME = r"(\|y_cm\||\|y\||pT|y_cm|y|Ntrk)"
_BETWEEN = re.compile(rf"{_NUMBER}<{_NAME}<{_NUMBER}(?: GeV)?")
_BELOW = re.compile(rf"{_NAME}<{_NUMBER}(?: GeV)?")
_ABOVE = re.compile(rf"{_NAME}>{_NUMBER}(?: GeV)?")


@dataclass(frozen=True)
class Acceptance:
    """Range of p_T in GeV and of rapidity in which a measurement counts mesons.

    Parameters
    ----------
    pT : (float, float)
        In GeV; 0 to infinity where no limit is stated.
    y : (float, float)
        Rapidity, that of the nucleon-nucleon center of mass in proton-nucleus collisions.
    other : tuple of str
        Conditions on something else, such as the number of tracks.

    Raises
    ------
    InputError
        If a range is none.
    """

    pT: Range = (0.0, inf)
    y: Range = EVERYTHING
    other: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        settle(self, pT=interval("pT", self.pT), y=interval("y", self.y), other=texts("other", self.other))

    @classmethod
    def parse(cls, kinematics: str) -> Acceptance:
        """Read `kinematics`, words such as ``pT<30 GeV; |y|<2.4`` or ``-4.46<y_cm<-2.96``.

        Raises
        ------
        InputError
            If a condition is not understood.
        """
        text("kinematics", kinematics)
        ranges: dict[str, Range] = {}
        other: list[str] = []
        for condition in filter(None, map(str.strip, kinematics.split(";"))):
            name, limits = _limits(condition)
            if name == "pT":
                ranges["pT"] = max(limits[0], 0.0), limits[1]
            elif name.startswith("|"):
                ranges["y"] = -limits[1], limits[1]
            elif name.startswith("y"):
                ranges["y"] = limits
            else:
                other.append(condition)
        return cls(**ranges, other=tuple(other))

    def within(self, pT: Range | None = None, y: Range | None = None) -> bool:
        """Return whether the acceptance lies in `pT` (GeV) and `y`, ends included; None does not restrict."""
        pairs = ((self.pT, pT), (self.y, y))
        return all(outer is None or (outer[0] <= inner[0] and inner[1] <= outer[1]) for inner, outer in pairs)


def _limits(condition: str) -> tuple[str, Range]:
    if match := _BETWEEN.fullmatch(condition):
        return match[2], (float(match[1]), float(match[3]))
    if match := _BELOW.fullmatch(condition):
        return match[1], (-inf, float(match[2]))
    if match := _ABOVE.fullmatch(condition):
        return match[1], (float(match[2]), inf)
    raise InputError("kinematics", condition, "be a condition such as 'pT<30 GeV', '|y|<2.4' or '2.5<y<4'")
