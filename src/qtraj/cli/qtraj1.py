"""Commands for QTraj 1.0, its files and its program: `convert`, `legacy`, `view`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from .._interrupt import EXIT_INTERRUPTED
from ..errors import InputError
from . import options


def convert(
    source: Annotated[
        Path, Argument(metavar="IN", help="QTraj 1.0 output: a folder or one file; or a netCDF file of it.")
    ],
    target: Annotated[Path, Argument(metavar="OUT", help="FILE.nc; or the folder or file for the text.")],
    force: Annotated[bool, Option("--force", help="Overwrite existing files.")] = False,
) -> None:
    """Convert QTraj 1.0's text files to netCDF, or such a file back to the same text."""
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
