"""`qtraj run`: from run files to R_AA."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from ..errors import InputError
from . import options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..campaign.executors import Executor
    from ..io.config import RunFile
    from ..observables.curves import Band
    from ..observables.data.dataset import DataSet


def run(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE.toml ...",
            help="Run files; examples/pbpb_5020.toml explains them. Of several, a figure compares the answers.",
        ),
    ],
    output: Annotated[
        Path | None, typer.Option(help="Folder for the results instead of that of the (only) run file.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Compute finished chunks again.")] = False,
) -> None:
    """Go from a run file to R_AA: a figure, a netCDF result and a table. Resumes where it was interrupted."""
    from ..campaign.executors import executor_of
    from ..io.config import load_run_file

    run_files = [load_run_file(file) for file in files]
    if output is not None and len(files) > 1:
        raise InputError("--output", str(output), "be left out with several run files")
    directories = [output or Path(run_file.config.output.directory) for run_file in run_files]
    if len(set(directories)) < len(directories):
        raise InputError("[output] directory", str(directories[-1]), "differ between the run files")
    executors = [executor_of(run_file.config.campaign) for run_file in run_files]
    answers = {}
    for run_file, directory, executor in zip(run_files, directories, executors, strict=True):
        title = run_file.config.output.title or str(directory)
        answers[title] = _solve_and_show(run_file, directory, executor, fresh=fresh)
    if len(answers) > 1:
        _compare(answers, directories[-1])


def _solve_and_show(
    run_file: RunFile, directory: Path, executor: Executor, *, fresh: bool
) -> tuple[list[Band], Sequence[DataSet]]:
    """Solve one run file, write and print R_AA, and return its bands and the data beside them."""
    from ..campaign.prediction import VARIED, band, summary, table
    from ..campaign.progress import reporting
    from ..campaign.run import RESULT, measured
    from ..campaign.run import run as run_campaign
    from ..plots import raa_figure, save_figure

    config = run_file.config
    try:
        with reporting(Console(stderr=True)) as report:
            prediction = run_campaign(run_file, directory, fresh=fresh, report=report, executor=executor)
    except KeyboardInterrupt:
        typer.echo(
            f"Interrupted. Finished chunks are in {directory}; the same command goes on from there.", err=True
        )
        raise typer.Exit(options.EXIT_INTERRUPTED) from None
    data = measured(config)
    # a coefficient with one value makes no band
    many = {"kappa": config.model.kappa, "gamma": config.model.gamma, "T_end": config.medium.T_end}
    varied = [name for name in VARIED if len(many[name]) > 1] or VARIED[:1]
    bands = [band(prediction, meson, name) for meson in config.observables.states for name in varied]
    pictures = save_figure(raa_figure(bands, data, title=config.output.title), directory / "raa")
    options.print_table(table(summary(prediction, config.observables.states, data), config.output.title))
    options.wrote([*pictures, directory / RESULT])
    return bands, data


def _compare(answers: dict[str, tuple[list[Band], Sequence[DataSet]]], directory: Path) -> None:
    """Draw R_AA of several run files one above the other, beside the data of the first."""
    from ..plots import raa_comparison_figure, save_figure

    _, data = next(iter(answers.values()))
    figure = raa_comparison_figure({title: bands for title, (bands, _) in answers.items()}, data)
    options.wrote(save_figure(figure, directory / "raa_comparison"))
