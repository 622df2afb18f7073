"""`qtraj cite`: what to cite for a calculation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def cite(
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="[SOURCE]",
            help="Run file, result (.nc), folder of a run or campaign; params.txt or output of QTraj 1.0.",
        ),
    ] = None,
    bibtex: Annotated[bool, typer.Option("--bibtex", help="As BibTeX.")] = False,
    observables: Annotated[
        bool,
        typer.Option("--observables", help="Also the measurements beside qtraj observe and qtraj report."),
    ] = False,
    params: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", exists=True, dir_okay=False, help="Of output of QTraj 1.0: its params.txt."
        ),
    ] = None,
) -> None:
    """Print what to cite: program, equations, coefficients, method, hydrodynamics, feed-down and data of a run.

    Without SOURCE: what `qtraj solve` rests on, by its defaults.
    """
    from ..campaign.citing import cited
    from ..errors import InputError
    from ..io.citations import Choices, as_bibtex, merged, of_choices, of_program

    if source is None:
        for flag, value in (("--params", params and str(params)), ("--observables", observables or None)):
            if value is not None:
                raise InputError(flag, value, "be given with a SOURCE only")
        found = merged([of_program(), *of_choices(Choices())])
    else:
        found = cited(source, params=params, observables=observables)
    typer.echo(as_bibtex(found) if bibtex else "\n".join(map(str, found)))
