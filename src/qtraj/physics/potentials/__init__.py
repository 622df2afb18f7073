"""Potentials between the heavy quark and antiquark."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, Final, cast

from ...errors import InputError
from ...units import C_F
from .coulomb import CoulombPotential, Potential
from .htl import HTLPotential
from .ksu import CornellPotential, KSUPotential
from .three_loop import ThreeLoopPotential
from .wilson_line import WilsonLinePotential

POTENTIALS: Final[Mapping[str, Callable[..., Potential]]] = {
    "coulomb": CoulombPotential,
    "cornell": CornellPotential,
    "ksu": KSUPotential,
    "htl": HTLPotential,
    "three_loop": ThreeLoopPotential,
    "wilson_line": WilsonLinePotential,
}
"""Those that run files and the command line know by a name; every other one is a file or a Python object."""

MASSES: Final = {"ksu": 4.70, "cornell": 4.70, "three_loop": 4.85}
"""Bottom mass in GeV that belongs to a potential: that of KSU, and of its vacuum, puts Y(1S) at 9.461 GeV
(arXiv:2007.10211); `ThreeLoopPotential` is in a scheme with this one."""


def named_potential(name: str, alpha: float | None, arguments: Mapping[str, Any]) -> Potential:
    """Return the potential of a name, of `POTENTIALS`, with the arguments of its class.

    `alpha` is C_F alpha_s; that of HTL is the one of Re V, Im V and m_D alike, as its default.
    """
    made: Any = POTENTIALS[name]
    arguments = dict(arguments)
    known = [item.name for item in fields(made) if item.init]
    if alpha is not None:
        if "alpha" not in known:
            raise InputError("alpha", alpha, f"be left out: {made.__name__} has its own")
        coupled = made is HTLPotential and "alpha_s" not in arguments
        arguments |= {"alpha_s": alpha / C_F} if coupled else {"alpha": alpha}
    for key in arguments:
        if key not in known or (key == "alpha" and alpha is None):
            keys = ", ".join(key for key in known if key != "alpha")
            raise InputError(key, arguments[key], f"be left out: {made.__name__} takes {keys}")
    return cast("Potential", made(**arguments))
