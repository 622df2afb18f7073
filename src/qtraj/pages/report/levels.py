"""The table of `qtraj states`: the vacuum states of a potential beside the measured masses."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from ...solvers.levels import Levels
from ...states import MESONS, STATE_NAMES, State
from ...units import to_fm

UNBOUND, EMPTY = "unbound", "-"
HEADINGS = (
    ("E", "GeV"),
    ("2M+E", "GeV"),
    ("PDG", "GeV"),
    ("diff", "MeV"),
    ("<r>", "GeV^-1"),
    ("<r>", "fm"),
    ("rms(r)", "fm"),
)


def measured_mass(name: str) -> float | None:
    """Return the measured mass of a state in GeV, that of P states averaged over the 2J+1 of chi_b0, 1, 2.

    Parameters
    ----------
    name : str
        One of the six states.

    Returns
    -------
    float or None
        None where `MESONS` has no such meson (1D).
    """
    mesons = [meson for meson in MESONS if meson.radial == name]
    if not mesons:
        return None
    # the members of a multiplet come in the order J = 0, 1, 2; a single meson is a 3S1 state
    weights = [2 * j + 1 for j in range(len(mesons))]
    return sum(w * meson.mass for w, meson in zip(weights, mesons, strict=True)) / sum(weights)


def levels_tables(levels: Levels, *, plain: bool = False) -> Group:
    """Return the two tables of a potential, masses and sizes, and overlaps, for `rich.console.Console.print`.

    Parameters
    ----------
    levels : Levels
        From `vacuum_levels`.
    plain : bool
        Without lines, so that every row is a list of words.
    """
    model, grid = levels.model, levels.grid
    above = (
        f"Vacuum states of {model.potential}\n"
        f"M = {model.mass:g} GeV, {grid}\n"
        f"bound: below {levels.threshold:.4g} GeV, the potential at the end of the grid, {grid.r[-1]:.3g} GeV^-1"
    )
    between = (
        "PDG 2026: Y(nS); chi_b(nP) averaged over spin\n\n"
        f"|<state|Coulomb>|^2, Coulomb functions with a0 = 2/(M alpha) = {model.bohr_radius:.4f} GeV^-1"
    )
    return Group(Text(above), _properties(levels, plain), Text(between), _overlaps(levels, plain))


def _properties(levels: Levels, plain: bool) -> Table:
    table = _table(plain, [f"{name}\n{unit}" for name, unit in HEADINGS])
    for i, name in enumerate(STATE_NAMES):
        pdg = measured_mass(name)
        measured = EMPTY if pdg is None else f"{pdg:.4f}"
        if name not in levels.names:
            table.add_row(name, UNBOUND, EMPTY, measured, *[EMPTY] * 4)
            continue
        mass, mean = levels.masses[i], levels.mean_radius[i]
        table.add_row(
            name,
            f"{levels.energies[i]:.5f}",
            f"{mass:.4f}",
            measured,
            EMPTY if pdg is None else f"{1e3 * (mass - pdg):+.1f}",
            f"{mean:.4f}",
            f"{to_fm(mean):.4f}",
            f"{to_fm(levels.rms_radius[i]):.4f}",
        )
    return table


def _overlaps(levels: Levels, plain: bool) -> Table:
    table = _table(plain, STATE_NAMES)
    for i, name in enumerate(STATE_NAMES):
        cells = [
            f"{levels.coulomb_overlap[i, j]:.5f}" if name in levels.names and _share_l(name, other) else EMPTY
            for j, other in enumerate(STATE_NAMES)
        ]
        table.add_row(name, *cells)
    return table


def _table(plain: bool, headings: Sequence[str]) -> Table:
    table = Table(box=None if plain else box.HEAVY_HEAD, pad_edge=not plain)
    table.add_column("state")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _share_l(name: str, other: str) -> bool:
    return State.named(name).l == State.named(other).l
