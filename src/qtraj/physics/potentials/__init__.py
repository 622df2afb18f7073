"""Potentials between the heavy quark and antiquark, and the names by which run files and the command line know them."""

import inspect
from collections.abc import Callable
from typing import Final

from .coulomb import CoulombPotential, Potential
from .htl import HTLPotential
from .ksu import CornellPotential, KSUPotential
from .three_loop import ThreeLoopPotential
from .wilson_line import WilsonLinePotential

# every other one is a file or a Python object
POTENTIALS: Final[dict[str, Callable[..., Potential]]] = {
    "coulomb": CoulombPotential,
    "cornell": CornellPotential,
    "ksu": KSUPotential,
    "htl": HTLPotential,
    "three-loop": ThreeLoopPotential,
    "wilson-line": WilsonLinePotential,
}

MASSES: Final = {"cornell": 4.70, "ksu": 4.70, "three-loop": 4.85}
"""Bottom masses in GeV that go with a potential: of KSU and its vacuum (arXiv:2007.10211; it puts Y(1S) at 9.461), and
of the three-loop one (arXiv:2403.15545)."""


def arguments_of(name: str) -> tuple[str, ...]:
    """Return the arguments of a potential that has a name, but for alpha, which most of them have."""
    return tuple(
        argument for argument in inspect.signature(POTENTIALS[name]).parameters if argument != "alpha"
    )


def takes_alpha(name: str) -> bool:
    """Return whether alpha is an argument of a potential that has a name."""
    return "alpha" in inspect.signature(POTENTIALS[name]).parameters


def is_complex(name: str | None) -> bool:
    """Return whether a name is that of a potential that is complex in the medium."""
    return name in POTENTIALS and hasattr(POTENTIALS[name], "has_width")
