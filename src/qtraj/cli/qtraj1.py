"""Commands for QTraj 1.0, its files and its program: `convert`, `legacy`, `view`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from .._interrupt import EXIT_INTERRUPTED, leave_soon
from ..errors import FileFormatError, InputError
from . import options

TRAJECTORIES = "qtraj-trajectories"


def convert(
    source: Annotated[
        Path,
        Argument(
            metavar="IN",
            help="QTraj 1.0 output: a folder or one file; or a netCDF file of it. With --to: what has temperatures.",
        ),
    ],
    target: Annotated[Path, Argument(metavar="OUT", help="FILE.nc; or the folder or file for the text.")],
    force: Annotated[bool, Option("--force", help="Overwrite existing files.")] = False,
    to: Annotated[
        str | None,
        Option(
            "--to",
            metavar="FORMAT",
            help="qtraj-trajectories: temperatures along the paths of IN, a run file or run, for the C++ code.",
        ),
    ] = None,
    metadata: Annotated[int | None, Option(help="With --to: lines on each path, 6, 7 or 8.  [6]")] = None,
    columns: Annotated[int | None, Option(help="With --to: 6, or 2: tau and T only.  [6]")] = None,
    dtau: Annotated[
        float | None,
        Option(metavar="FM", help="With --to: interpolate to times so far apart.  [as they are]"),
    ] = None,
) -> None:
    """Convert QTraj 1.0's text files to netCDF, or such a file back to the same text.

    With --to qtraj-trajectories: write a trajectory file, gzip if its name ends in .gz.
    """
    if to is not None:
        from .._checks import choice, positive
        from ..campaign.reading import trajectory_tables
        from ..hydro import write_qtraj_trajectories

        choice("--to", to, (TRAJECTORIES,))
        kinds = {
            "n_metadata": choice("--metadata", 6 if metadata is None else metadata, (6, 7, 8)),
            "columns": choice("--columns", 6 if columns is None else columns, (2, 6)),
        }
        step = None if dtau is None else positive("--dtau", dtau)
        if target.exists() and not force:
            remedy = "Choose another name, or overwrite it with --force."
            raise FileFormatError(target, "exists already", remedy)
        count = write_qtraj_trajectories(target, trajectory_tables(source, step), **kinds)
        typer.echo(f"{count} trajectories", err=True)
        options.wrote([target])
        return
    for flag, value in {"--metadata": metadata, "--columns": columns, "--dtau": dtau}.items():
        if value is not None:
            raise InputError(flag, value, f"be left out without --to {TRAJECTORIES}")
    from ..qtraj1.convert import convert as convert_files

    done = convert_files(source, target, force=force)
    for name in done.left_out:
        typer.echo(f"qtraj: left out {source / name}: no output of QTraj 1.0", err=True)
    options.wrote(done.written)


def legacy(
    context: typer.Context,
    file: Annotated[
        Path,
        Argument(metavar="params.txt [-KEY value ...]", help="Input of QTraj 1.0, and what replaces it."),
    ],
    fftw: Annotated[bool, Option("--fftw/--scipy", help="Library of the sine transforms.")] = False,
    append: Annotated[
        bool, Option("--append", help="Add rows of another seed to an existing ratios.tsv, no other file.")
    ] = False,
    overwrite: Annotated[bool, Option("--overwrite", help="Replace the output of an earlier run.")] = False,
) -> None:
    """Run a params.txt of QTraj 1.0 here: the files, grid, steps and numbers of the C++ program.

    The output folder appears in the current one, from which relative names in the file count, too.
    """
    from ..qtraj1 import read_params
    from ..qtraj1.program.run import pairs, run_legacy

    if append and overwrite:
        remedy = "Rows are added to the earlier ones, or replace them."
        raise InputError("--append", True, "be left out with --overwrite", remedy)
    parameters = read_params(file, pairs(context.args))
    try:
        folder = run_legacy(
            parameters,
            transform="fftw" if fftw else "scipy",
            existing="append" if append else "overwrite" if overwrite else "refuse",
        )
    except KeyboardInterrupt:
        message = "Interrupted. The finished trajectories are in the output folder;"
        typer.echo(f"{message} add to them with --append and another -randomseed.", err=True)
        leave_soon()
        raise typer.Exit(EXIT_INTERRUPTED) from None
    options.wrote([folder])


def view_run(
    source: Annotated[
        Path,
        Argument(
            metavar="SOURCE",
            help="QTraj 1.0 output folder, or netCDF file of it; or a ratios.tsv, whose averages are printed.",
        ),
    ],
    out: Annotated[Path | None, Option(metavar="DIR", help="Folder for the views.  [view]")] = None,
    formats: Annotated[
        str | None, Option("--format", help="Of png, pdf, gif, mp4, html; by default png,pdf,html,gif.")
    ] = None,
    trajectory: Annotated[
        int | None, Option(help="Show this trajectory instead of the evolution without jumps.")
    ] = None,
    params: Annotated[
        Path | None, Option(help="The run's params.txt  [../input/params.txt of SOURCE]")
    ] = None,
) -> None:
    """Show a stored run in time: wave functions, norm, radius, overlaps, as figure, animation and page."""
    from ..plots.evolution import load_evolution
    from ..plots.view import checked_formats, is_ratio_file, write_views

    chosen = checked_formats(formats)
    if is_ratio_file(source):
        from ..pages.tables import ratios_table

        folders = {"--out": out and str(out), "--params": params and str(params)}
        given = {**folders, "--format": formats, "--trajectory": trajectory}
        remedy = "Its averages are printed; views are made of an output folder or its netCDF file."
        options.refuse(given, f"with {source}, a file of ratios", remedy)
        options.print_table(ratios_table(source))
        return
    evolution = load_evolution(source, trajectory=trajectory, params=params)
    options.wrote(write_views(evolution, out or Path("view"), chosen))
