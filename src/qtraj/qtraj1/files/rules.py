"""Rules between the keys of ``params.txt``: combinations that have no meaning are refused, not interpreted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...errors import InputError
from ...states import STATES, State

if TYPE_CHECKING:
    from .parameters import LegacyParameters

Fault = tuple[str, str, str]  # key, what it must be, what to do


def check_together(p: LegacyParameters) -> None:
    """Raise InputError for the first combination of values that contradicts itself."""
    for rules in (_physics, _medium, _start, _grid):
        for name, allowed, remedy in rules(p):
            raise InputError(name, getattr(p, name), allowed, remedy)


def idle(p: LegacyParameters, name: str) -> str:
    """Return what a key waits for to have an effect, such as ``doJumps 1``, or an empty string if it has one.

    A params.txt has to hold every key, so there an idle one says nothing; on the command line it is a mistake.
    """
    waits = {
        "mdfac": (p.potential != 0, "potential 1 or 2"),
        "kappa": (p.potential == 0, "potential 0"),
        "gam": (p.potential == 0, "potential 0"),
        "temperatureFile": (p.temperatureEvolution in (1, 2), "temperatureEvolution 1 or 2"),
        "T0": (p.temperatureEvolution in (0, 3), "temperatureEvolution 0 or 3"),
        "maxSteps": (p.temperatureEvolution == 3, "temperatureEvolution 3"),
        "initWidth": (p.initType == 1, "initType 1"),
        "basisFunctionsFile": (p.projType == 2 or p.initType == 200, "projType 2 or initType 200"),
        "nTrajectories": (p.doJumps, "doJumps 1"),
        "maxJumps": (p.doJumps, "doJumps 1"),
        "rMax": (p.doJumps, "doJumps 1"),
        "randomseed": (
            p.doJumps or p.dirnameWithSeed,
            "doJumps 1, or dirnameWithSeed 1, which names the folder",
        ),
        "derivType": (p.stepper == 0, "stepper 0"),
        "snapPts": (p.saveWavefunctions, "saveWavefunctions 1"),
    }
    acts, condition = waits.get(name, (True, ""))
    return "" if acts else condition


def _physics(p: LegacyParameters) -> Iterator[Fault]:
    if p.kappa < 0 and p.kappa not in (-1, -2, -3):
        remedy = (
            "The original takes the central fit between -1 and 0; write -1 for it." if p.kappa > -1 else ""
        )
        yield "kappa", "be -1 (central fit), -2 (lower), -3 (upper) or a constant of at least 0", remedy
    if p.potential != 0 and p.doJumps:
        remedy = "A complex potential without jump operators: set doJumps 0, or potential 0."
        yield "doJumps", f"be 0 with the KSU potential (potential {p.potential})", remedy
    if p.potential != 0 and p.stepper == 2:
        remedy = "The NLO terms belong to the Munich potential: set potential 0, or stepper 0."
        yield "stepper", f"be 0 or 1 with the KSU potential (potential {p.potential})", remedy


def _medium(p: LegacyParameters) -> Iterator[Fault]:
    if p.temperatureEvolution in (1, 2) and p.temperatureFile is None:
        which = f"temperatureEvolution {p.temperatureEvolution}"
        yield "temperatureFile", f"be given with {which}", f"Name the file that {which} reads."
    if p.temperatureEvolution in (0, 3) and p.Tf >= p.T0:
        yield "T0", f"be above Tf ({p.Tf:g} GeV)", "The medium would never act: raise T0 or lower Tf."
    if p.temperatureEvolution == 0 and p.tmed == 0:
        yield "tmed", "be above 0 with temperatureEvolution 0", "Bjorken flow scales with tmed/t."
    # after tmed the medium acts from t0 on; after its end there is none
    end = p.tmed * (p.T0 / p.Tf) ** 3
    if p.temperatureEvolution == 0 and p.t0 >= end:
        remedy = "Bjorken flow has cooled down to Tf before: the medium would never act."
        yield "t0", f"be below {end:g} GeV^-1", remedy


def _start(p: LegacyParameters) -> Iterator[Fault]:
    if p.initN <= p.initL:
        remedy = "The 1P state is initN 2, initL 1."
        yield "initN", f"be above initL ({p.initL})", remedy
    if p.projType == 2 and p.basisFunctionsFile is None:
        yield "basisFunctionsFile", "be given with projType 2", "Name the file of stored eigenstates."
    if p.initType == 200 and p.basisFunctionsFile is None:
        yield "basisFunctionsFile", "be given with initType 200", "Name the file of stored eigenstates."
    if p.initType in (100, 200):
        kept = STATES[: p.nBasis]
        if State(p.initN, p.initL) not in kept:
            names = ", ".join(f"({s.n}, {s.l})" for s in kept)
            allowed = f"be one of the nBasis = {p.nBasis} states (initN, initL) = {names}"
            yield (
                "initN",
                allowed,
                f"initL is {p.initL}; initType {p.initType} starts in one of those states.",
            )


def _grid(p: LegacyParameters) -> Iterator[Fault]:
    if p.snapPts > p.num:
        yield (
            "snapPts",
            f"be at most num ({p.num})",
            "A snapshot holds every (num/snapPts)-th point of the grid.",
        )
    if p.dt >= p.L:
        yield "dt", f"be far below the box, L = {p.L:g} GeV^-1", "0.001 to 0.005 is usual."
