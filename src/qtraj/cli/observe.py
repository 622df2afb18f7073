"""`qtraj observe`: every observable of a calculation beside the data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer
from rich.console import Console

if TYPE_CHECKING:
    from ..observables.geometry import Weighting

TABLE_WIDTH = 150  # columns, where no terminal says how many there are


def observe(
    source: Annotated[
        list[Path],
        typer.Argument(
            metavar="SOURCE ...",
            help="Folder of a run or campaign, merged result (.nc), survivals (.csv), or a ratio file of QTraj 1.0; "
            "several runs that differ in T_end, the central one first, make a band over T_end.",
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for figures and tables.")] = Path(
        "observables"
    ),
    system: Annotated[
        str | None,
        typer.Option(
            help="PbPb5020, PbPb2760, AuAu200, OO5360, pPb5020 or pPb8160: geometry and data; by default that of the "
            "run."
        ),
    ] = None,
    feeddown: Annotated[
        str | None,
        typer.Option(metavar="group|pdg2026", help="Feed-down table; by default that of the run, or group."),
    ] = None,
    feeddown_errors: Annotated[
        bool, typer.Option(help="Whether errors of branching fractions (PDG 2026) are part of the errors.")
    ] = True,
    weighting: Annotated[
        str | None,
        typer.Option(
            metavar="collisions|exponential|rows",
            help="How impact parameters weigh: N_coll, exp(-c/0.25) as in the group's notebooks, or as the rows say.  "
            "[collisions, where --system and b are known]",
        ),
    ] = None,
    states: Annotated[str, typer.Option(help="Mesons to draw, separated by commas.")] = "Y(1S),Y(2S),Y(3S)",
    harmonics: Annotated[
        str, typer.Option(help="Orders n of the flow coefficients v_n, separated by commas.")
    ] = "2",
    weighted: Annotated[
        bool,
        typer.Option("--weighted", help="Of a ratio file: weigh paths with the weight in their metadata."),
    ] = False,
) -> None:
    """Go from survivals to R_AA, double ratios and v_n: figures, CSV, HEPData files, and chi-square with data."""
    from .._atomic import writable_folder
    from ..campaign.survivals import load_runs
    from ..errors import InputError
    from ..io.curves_csv import write_survival_means
    from ..io.factory import feeddown_of
    from ..observables.axes import not_shown
    from ..observables.data.systems import load_system
    from ..observables.feeddown import FeedDown
    from ..observables.overview import overview
    from ..pages.report.observed import agreement_table, integrated_table, left_out, notes, survival_table
    from ..plots.observables_files import write_observables

    if weighting not in (None, "collisions", "exponential", "rows"):
        raise InputError("--weighting", weighting, "be collisions, exponential or rows")
    orders = _orders(harmonics)
    chosen_system = load_system(system) if system is not None else None
    chosen_feeddown = FeedDown.named(feeddown, errors=feeddown_errors) if feeddown is not None else None
    folder = writable_folder(out)

    found = load_runs(source, weighted=weighted)
    if chosen_system is None and found.system is not None:
        chosen_system = load_system(found.system)
    if weighting in ("collisions", "exponential") and (
        chosen_system is None or all(table.b_fm is None for table in found.tables.values())
    ):
        lacking = (
            "no --system says" if chosen_system is None else "the rows have no impact parameter that says"
        )
        raise InputError(
            "--weighting", weighting, f"be left out: {lacking} how many collisions a row stands for"
        )
    if chosen_feeddown is None:
        chosen_feeddown = feeddown_of(found.feeddown or "group", Path(), errors=feeddown_errors)
    console = Console()
    console = console if console.is_terminal else Console(width=TABLE_WIDTH)
    averages = found.averages(weighted=weighted)
    written = [write_survival_means(folder / "survival.csv", averages)]
    console.print(survival_table(averages))
    missing = found.missing_states()
    if missing:
        typer.echo(
            f"No R_AA: feed-down needs {', '.join(missing)} as well, from a run that starts in the other l."
        )
    else:
        panels = overview(
            found.tables,
            system=chosen_system,
            feeddown=chosen_feeddown,
            weighting=None if weighting == "rows" else cast("Weighting", weighting or "collisions"),
            mesons=[name.strip() for name in states.split(",")],
            harmonics=orders,
        )
        for table in (integrated_table(panels), agreement_table(panels)):
            if table is not None:
                console.print(table)
        for line in (*left_out(panels), *not_shown(next(iter(found.tables.values())), chosen_system)):
            typer.echo(line)
        for line in notes(panels):
            typer.echo(line)
        qualifiers = {"feed-down": chosen_feeddown.name, "source": ", ".join(each.name for each in source)}
        if chosen_system is not None:
            qualifiers = {"system": chosen_system.label, **qualifiers}
        written += write_observables(panels, folder, title=found.title, qualifiers=qualifiers)
    for path in written:
        typer.echo(f"wrote {path}")


def _orders(text: str) -> list[int]:
    from ..errors import InputError

    words = [word.strip() for word in text.split(",")]
    if not all(word.isdecimal() and int(word) > 0 for word in words) or len(set(words)) < len(words):
        raise InputError("--harmonics", text, "be whole numbers from 1 on, such as 2 or 2,3,4, none twice")
    return [int(word) for word in words]
