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
    if p.t0 > p.tmed:
        yield "t0", f"be at most tmed ({p.tmed:g} GeV^-1)", "The evolution cannot begin inside the medium."
    if p.temperatureEvolution == 0 and p.tmed == 0:
        yield "tmed", "be above 0 with temperatureEvolution 0", "Bjorken flow scales with tmed/t."


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
