"""The command line, a thin shell: read, call one public function, write.

Heavy modules are imported inside the commands, so that ``qtraj --help`` is quick.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ..errors import InputError, QtrajError
from . import options
from .campaign import campaign_app
from .cite import cite
from .explore import explore
from .observe import observe
from .report import report
from .run import EXIT_INTERRUPTED, TABLE_WIDTH, run
from .spectrum import spectrum

EXIT_INPUT = 2

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)


@contextmanager
def _one_line_messages() -> Iterator[None]:
    """Turn errors that qtraj raises on purpose, and warnings, into one line each on the standard error."""
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.showwarning = lambda message, *_: typer.echo(f"qtraj: warning: {message}", err=True)
        try:
            yield
        except QtrajError as error:
            typer.echo(f"qtraj: {error}", err=True)
            raise typer.Exit(EXIT_INPUT) from None


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"qtraj {version('qtraj')}")
        raise typer.Exit


@app.callback()
def main(
    show_version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and stop."),
    ] = False,
) -> None:
    """Heavy quarkonium in the quark-gluon plasma, from hydrodynamics to R_AA without sampling noise."""


app.command()(_one_line_messages()(run))


@app.command()
@_one_line_messages()
def solve(
    temperature: Annotated[
        float | None, typer.Option("--T0", help="Temperature at --tau, GeV (Bjorken flow)  [0.425]")
    ] = None,
    tau: Annotated[
        float | None, typer.Option("--tau", help="Proper time at which the medium begins, fm/c  [0.6]")
    ] = None,
    T_end: Annotated[
        float | None, typer.Option("--T-end", help="Temperature at which the medium ends, GeV  [0.25]")
    ] = None,
    duration: Annotated[
        float | None,
        typer.Option("--duration", help="Hold T0 constant for this long, fm/c, instead of Bjorken flow."),
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option(
            "--table", exists=True, dir_okay=False, help="Text file of two columns, tau (fm/c) and T (GeV)."
        ),
    ] = None,
    allow_hot_end: Annotated[
        bool, typer.Option("--allow-hot-end", help="Of a table that ends above T-end: end the medium there.")
    ] = False,
    kappa: options.Kappa = None,
    gamma: options.Gamma = None,
    T_c: options.CriticalTemperature = None,
    potential: options.Potential = "coulomb",
    alpha: options.Alpha = None,
    mass: options.Mass = None,
    order: options.Order = "LO",
    l: Annotated[int | None, typer.Option("--l", help="Angular momentum of the Gaussian start  [0]")] = None,
    width: Annotated[
        float | None, typer.Option(help="Width of the Gaussian start in Bohr radii  [0.2]")
    ] = None,
    color: Annotated[str, typer.Option(help="Color of the start: singlet or octet.")] = "singlet",
    state: Annotated[
        str | None, typer.Option(help="Start in this Coulomb state, such as 1S, instead.")
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(help="density (no sampling noise), nojump or trajectories.  [density; with ksu nojump]"),
    ] = None,
    rtol: Annotated[
        float | None, typer.Option(help="Of density: relative accuracy of 1S, 2S, 3S  [1e-3]")
    ] = None,
    n: Annotated[int | None, typer.Option("--n", help="Of trajectories: their number  [4096]")] = None,
    seed: Annotated[int | None, typer.Option(help="Of trajectories: seed  [0]")] = None,
    view: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Also write figure, animation and page of the evolution without jumps."
        ),
    ] = None,
) -> None:
    """Solve one temperature history and print the survival of each state with its error."""
    from ..campaign.progress import solving
    from ..io.choices import chosen_initial, chosen_medium, chosen_method, chosen_model, chosen_transport
    from ..solvers.solve import solve as solve_lindblad

    transport = chosen_transport(potential, kappa, gamma, T_c)
    model = chosen_model(potential, alpha, mass, transport=transport, order=order)
    medium = chosen_medium(temperature, tau, T_end, duration, table, allow_hot_end=allow_hot_end)
    initial = chosen_initial(l, width, color, state)
    method = method or ("nojump" if model.has_width else "density")
    chosen = chosen_method(method, rtol, n, seed)
    with solving(Console(stderr=True)) as progress:
        result = solve_lindblad(model, medium, initial, chosen, progress=progress)
    typer.echo(str(result))
    if view is not None:
        from ..plots.evolution import evolve_for_view
        from ..plots.view_files import write_views

        for path in write_views(evolve_for_view(model, medium, initial), view):
            typer.echo(f"wrote {path}")


@app.command()
@_one_line_messages()
def states(
    potential: options.Potential = "coulomb",
    alpha: options.Alpha = None,
    beyond: options.Beyond = None,
    mass: options.Mass = None,
    grid: Annotated[str, typer.Option(help="mesh (Laguerre) or sine (uniform).")] = "mesh",
    points: Annotated[int | None, typer.Option(help="Points of the mesh  [128]")] = None,
    scale: Annotated[float | None, typer.Option(help="Scale of the mesh, GeV^-1  [0.12]")] = None,
    num: Annotated[int | None, typer.Option(help="Points of the sine grid  [2047]")] = None,
    length: Annotated[float | None, typer.Option(help="Length of the sine grid, GeV^-1  [40]")] = None,
    derivative: Annotated[
        int | None, typer.Option(help="Sine grid: 0 spectral, 1 second differences  [0]")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.nc", help="Save the bound states as netCDF.")
    ] = None,
) -> None:
    """Print masses, radii and Coulomb overlaps of the six vacuum states of a potential."""
    from ..io.choices import chosen_grid, chosen_model
    from ..io.stored_states import save_states
    from ..pages.report.levels import levels_tables
    from ..solvers.levels import vacuum_levels

    model = chosen_model(potential, alpha=alpha, mass=mass, beyond=beyond)
    chosen = chosen_grid(grid, points=points, scale=scale, num=num, length=length, derivative=derivative)
    levels = vacuum_levels(model, chosen)
    stored = levels.stored() if out is not None else None
    console = Console()
    plain = not console.is_terminal
    console = Console(width=TABLE_WIDTH) if plain else console
    console.print(levels_tables(levels, plain=plain), highlight=False)
    if out is not None and stored is not None:
        source = {"potential": str(model.potential), "mass_GeV": f"{model.mass:g}", "grid": str(chosen)}
        typer.echo(f"wrote {save_states(stored, out, source)}")


@app.command()
@_one_line_messages()
def convert(
    source: Annotated[
        Path,
        typer.Argument(metavar="IN", help="QTraj 1.0 output: a folder or one file; or a netCDF file of it."),
    ],
    target: Annotated[
        Path, typer.Argument(metavar="OUT", help="FILE.nc; or the folder or file for the text.")
    ],
    force: Annotated[bool, typer.Option("--force", help="Overwrite existing files.")] = False,
) -> None:
    """Convert QTraj 1.0's text files to netCDF, or such a file back to the same text."""
    from ..qtraj1.convert import convert as convert_files

    done = convert_files(source, target, force=force)
    for name in done.left_out:
        typer.echo(f"qtraj: left out {source / name}: no output of QTraj 1.0", err=True)
    for path in done.written:
        typer.echo(f"wrote {path}")


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
@_one_line_messages()
def legacy(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="params.txt [-KEY value ...]", help="Input of QTraj 1.0, and what replaces it."
        ),
    ],
    fftw: Annotated[bool, typer.Option("--fftw/--scipy", help="Library of the sine transforms.")] = False,
    append: Annotated[
        bool,
        typer.Option("--append", help="Add rows of another seed to an existing ratios.tsv, no other file."),
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the output of an earlier run.")
    ] = False,
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
        kept = "Interrupted. The finished trajectories are in the output folder;"
        typer.echo(f"{kept} add to them with --append and another -randomseed.", err=True)
        raise typer.Exit(EXIT_INTERRUPTED) from None
    typer.echo(f"wrote {folder}")


@app.command("view")
@_one_line_messages()
def view_run(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE",
            help="QTraj 1.0 output folder, or netCDF file of it; or a ratios.tsv, whose averages are printed.",
        ),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Folder for the views.  [view]")
    ] = None,
    formats: Annotated[
        str | None, typer.Option("--format", help="Of png, pdf, gif, mp4, html; by default png,pdf,html,gif.")
    ] = None,
    trajectory: Annotated[
        int | None, typer.Option(help="Show this trajectory instead of the evolution without jumps.")
    ] = None,
    params: Annotated[
        Path | None, typer.Option(help="The run's params.txt  [../input/params.txt of SOURCE]")
    ] = None,
) -> None:
    """Show a stored run in time: wave functions, norm, radius, overlaps, as figure, animation and page."""
    from ..plots.view_files import checked_formats, is_ratio_file, load_evolution, write_views

    chosen = checked_formats(formats)
    if is_ratio_file(source):
        from ..pages.report.ratios import ratios_table

        flags = {"--out": out, "--format": formats, "--trajectory": trajectory, "--params": params}
        for flag, value in flags.items():
            if value is not None:
                remedy = "Its averages are printed; views are made of an output folder or its netCDF file."
                raise InputError(flag, str(value), f"be left out with {source}, a file of ratios", remedy)
        console = Console()
        console = console if console.is_terminal else Console(width=TABLE_WIDTH)
        console.print(ratios_table(source))
        return
    evolution = load_evolution(source, trajectory=trajectory, params=params)
    for path in write_views(evolution, out or Path("view"), chosen):
        typer.echo(f"wrote {path}")


app.command()(_one_line_messages()(cite))
app.command()(_one_line_messages()(explore))
app.command()(_one_line_messages()(observe))
app.command()(_one_line_messages()(report))
app.command()(_one_line_messages()(spectrum))
app.add_typer(campaign_app(_one_line_messages()), name="campaign")
