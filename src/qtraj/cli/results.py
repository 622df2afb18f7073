"""Commands that read what was computed: `observe`, `report`, `cite`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer
from typer import Argument, Option

from ..errors import InputError
from . import options

if TYPE_CHECKING:
    from ..observables.data.dataset import DataSet
    from ..observables.geometry import Weighting
    from ..observables.overview import Panel


SOURCE_FILE = "source.txt"  # of a folder of `observe`: what its files were made of


def observe(
    source: Annotated[
        list[Path],
        Argument(
            metavar="SOURCE ...",
            help="Folder of a run or campaign, merged result (.nc), survivals (.csv), or a ratio file of QTraj 1.0; "
            "several runs that differ in T_end, the central one first, make a band over T_end.",
        ),
    ],
    out: Annotated[
        Path | None,
        Option(
            metavar="DIR",
            help="Folder for figures and tables.  [observables in the folder of a run, FILE_observables beside a file]",
        ),
    ] = None,
    system: Annotated[
        str | None,
        Option(
            help="PbPb5020, PbPb2760, AuAu200, OO5360, pPb5020 or pPb8160: geometry and data; by default that of the "
            "run."
        ),
    ] = None,
    feeddown: Annotated[
        str | None,
        Option(
            metavar="group|pdg2026|FILE",
            help="Feed-down table, or a TOML file of one: matrix, sigma_exp; by default that of the run, or group.",
        ),
    ] = None,
    feeddown_errors: Annotated[
        bool, Option(help="Whether errors of branching fractions (PDG 2026) are part of the errors.")
    ] = True,
    data: Annotated[
        list[str] | None,
        Option(
            metavar="FILE[,NAME=VALUE...]",
            help="Also compare with measurements of your own: CSV, or a table of HEPData (YAML, CSV). What the file "
            "does not say follows, such as state=Y(1S),x_name=N_part; may be repeated.",
        ),
    ] = None,
    weighting: Annotated[
        str | None,
        Option(
            metavar="collisions|exponential|rows",
            help="How impact parameters weigh: N_coll, exp(-c/0.25) as in the group's notebooks, or as the rows say.  "
            "[collisions, where --system and b are known]",
        ),
    ] = None,
    states: Annotated[str, Option(help="Mesons to draw, separated by commas.")] = "Y(1S),Y(2S),Y(3S)",
    shift: Annotated[
        bool,
        Option("--shift", help="Move points of ATLAS and ALICE aside in N_part, where they cover others."),
    ] = False,
    harmonics: Annotated[
        str, Option(help="Orders n of the flow coefficients v_n, separated by commas.")
    ] = "2",
    weighted: Annotated[
        bool, Option("--weighted", help="Of a ratio file: weigh paths with the weight in their metadata.")
    ] = False,
) -> None:
    """Go from survivals to R_AA, double ratios and v_n: figures, CSV, HEPData files, and chi-square with data."""
    from .._atomic import writable_folder
    from ..campaign.reading import load_runs
    from ..io.factory import SHIPPED_FEEDDOWN, feeddown_of
    from ..io.observables import write_survival_means
    from ..observables.bins import not_shown
    from ..observables.data.files import data_of
    from ..observables.data.systems import load_system
    from ..observables.feeddown import MESON_NAMES
    from ..observables.overview import overview
    from ..pages.tables import agreement_table, integrated_table, left_out, notes, survival_table
    from ..plots.observables import SHIFTS, write_observables

    if weighting not in (None, "collisions", "exponential", "rows"):
        raise InputError("--weighting", weighting, "be collisions, exponential or rows")
    orders = options.comma_separated(harmonics)
    if not orders or not all(n.isdecimal() and int(n) > 0 for n in orders) or len(set(orders)) < len(orders):
        allowed = "be whole numbers from 1 on, such as 2 or 2,3,4, none twice"
        raise InputError("--harmonics", harmonics, allowed)
    mesons = options.comma_separated(states)
    if not mesons or not set(mesons) <= set(MESON_NAMES):
        raise InputError(
            "--states", states, f"be one of {', '.join(MESON_NAMES)}, or several, separated by commas"
        )
    chosen_system = load_system(system) if system is not None else None
    chosen_feeddown = None
    if feeddown is not None:
        if feeddown not in SHIPPED_FEEDDOWN and not Path(feeddown).is_file():
            allowed = f"be {', '.join(SHIPPED_FEEDDOWN)} or a TOML file of a table"
            raise InputError("--feeddown", feeddown, allowed)
        chosen_feeddown = feeddown_of(feeddown, Path(), errors=feeddown_errors)
    own = [each for words in data or () for each in data_of(words, Path(), "--data")]
    runs = load_runs(source, weighted=weighted)
    folder = writable_folder(_folder_for(source, out))
    own += runs.data
    if chosen_system is None and runs.system is not None:
        chosen_system = load_system(runs.system)
    lacking = "no --system says" if chosen_system is None else ""
    if not lacking and all(table.b_fm is None for table in runs.tables.values()):
        lacking = "the rows have no impact parameter that says"
    if weighting in ("collisions", "exponential") and lacking:
        allowed = f"be left out: {lacking} how many collisions a row stands for"
        raise InputError("--weighting", weighting, allowed)
    if chosen_feeddown is None:
        chosen_feeddown = feeddown_of(runs.feeddown or "group", Path(), errors=feeddown_errors)
    averages = runs.averages(weighted=weighted)
    (folder / SOURCE_FILE).write_text(_sources(source, folder), encoding="utf-8")
    written = [write_survival_means(folder / "survival.csv", averages)]
    options.print_table(survival_table(averages))
    if missing := ", ".join(runs.missing_states()):
        typer.echo(f"No R_AA: feed-down needs {missing} as well, from a run that starts in the other l.")
        if own:
            typer.echo("Nothing is compared with --data.")
    else:
        panels = overview(
            runs.tables,
            system=chosen_system,
            feeddown=chosen_feeddown,
            weighting=None if weighting == "rows" else cast("Weighting", weighting or "collisions"),
            mesons=mesons,
            harmonics=list(map(int, orders)),
            data=own,
        )
        tables = (integrated_table(panels), agreement_table(panels))
        options.print_table(*(table for table in tables if table is not None))
        first = next(iter(runs.tables.values()))
        unused = [str(each) for each in own if not any(_is_about(panel, each) for panel in panels)]
        nowhere = [f"not shown, as no figure is about it: {line}" for line in unused]
        for line in (*left_out(panels), *nowhere, *not_shown(first, chosen_system), *notes(panels)):
            typer.echo(line)
        qualifiers = {"feed-down": chosen_feeddown.name, "source": ", ".join(path.name for path in source)}
        if chosen_system is not None:
            qualifiers = {"system": chosen_system.label, **qualifiers}
        shifts = SHIFTS if shift else None
        written += write_observables(panels, folder, title=runs.title, qualifiers=qualifiers, shifts=shifts)
    options.wrote(written)


def _folder_for(sources: list[Path], out: Path | None) -> Path:
    """Return where the output of `observe` goes: beside its source, and never over that of another."""
    first = sources[0]
    beside = (
        first / "observables"
        if first.is_dir()
        else first.parent / f"{first.name.partition('.')[0]}_observables"
    )
    if first.name == "result.nc":
        beside = first.parent / "observables"
    folder = beside if out is None else out
    marker = folder / SOURCE_FILE
    if marker.is_file() and (before := marker.read_text(encoding="utf-8")) != _sources(sources, folder):
        there = ", ".join(before.split("\n")[:-1])
        allowed = f"be a folder without the output of another source; this one holds that of {there}"
        raise InputError("--out", str(folder), allowed, "Choose another, or delete it.")
    return folder


def _sources(sources: list[Path], folder: Path) -> str:
    """Return the sources, a line each, as seen from the folder, so that both can be moved."""
    return "".join(f"{os.path.relpath(path, folder)}\n" for path in sources)


def _is_about(panel: Panel, data: DataSet) -> bool:
    axis = panel.curve.x_name if panel.curve.x_name != "y" else "abs_y"
    return (panel.curve.observable, axis) == (data.observable, data.x_name) and data.state in panel.shown


def report(
    source: Annotated[
        Path, Argument(metavar="RUN", help="Folder of a run, store of a campaign, or merged result (.nc).")
    ],
    out: Annotated[
        Path | None,
        Option(
            metavar="FILE.html",
            help="The page.  [report.html in the run's folder, FILE_report.html beside a file]",
        ),
    ] = None,
) -> None:
    """Write one HTML page of a run: setup, observables, data, errors, one pair in time, provenance."""
    from .._atomic import writable_folder
    from ..pages.report import report_contents, write_report
    from ..pages.run import load_run

    own = source.is_dir() or source.name == "result.nc"
    beside = source if source.is_dir() else source.parent
    target = out or beside / ("report.html" if own else f"{source.name.partition('.')[0]}_report.html")
    if target.suffix not in (".html", ".htm"):
        raise InputError("--out", str(target), "end in .html")
    run = load_run(source)
    writable_folder(target.parent)
    options.wrote([write_report(report_contents(run), target)])


def cite(
    source: Annotated[
        Path | None,
        Argument(
            metavar="[SOURCE]",
            help="Run or inference file, result (.nc), folder of a run or campaign; params.txt or output of QTraj 1.0.",
        ),
    ] = None,
    bibtex: Annotated[bool, Option("--bibtex", help="As BibTeX.")] = False,
    observables: Annotated[
        bool, Option("--observables", help="Also the measurements beside qtraj observe and qtraj report.")
    ] = False,
    params: Annotated[
        Path | None,
        Option(metavar="FILE", exists=True, dir_okay=False, help="Of output of QTraj 1.0: its params.txt."),
    ] = None,
) -> None:
    """Print what to cite: program, equations, coefficients, method, hydrodynamics, feed-down and data of a run.

    Without SOURCE: what `qtraj solve` rests on, by its defaults.
    """
    from ..campaign.reading import cited
    from ..io.citations import Choices, as_bibtex, merged, of_choices, of_program
    from ..io.inference import is_inference_file

    if source is None:
        for flag, value in (("--params", params and str(params)), ("--observables", observables or None)):
            if value is not None:
                raise InputError(flag, value, "be given with a SOURCE only")
        references = merged([of_program(), *of_choices(Choices())])
    elif source.suffix == ".toml" and is_inference_file(source):
        from ..io.inference import load_inference_file
        from ..pages.inference import cited_by_inference

        options.refuse(
            {"--params": params and str(params), "--observables": observables or None},
            "with an inference file, which names its data",
        )
        references = cited_by_inference(load_inference_file(source))
    else:
        references = cited(source, params=params, observables=observables)
    typer.echo(as_bibtex(references) if bibtex else "\n".join(map(str, references)))
