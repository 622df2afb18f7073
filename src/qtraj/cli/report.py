"""`qtraj report`: a run as one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    source: Annotated[
        Path,
        typer.Argument(metavar="RUN", help="Folder of a run, store of a campaign, or merged result (.nc)."),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE.html", help="The page.  [report.html, in the run's folder]"),
    ] = None,
) -> None:
    """Write one HTML page of a run: setup, observables, data, errors, one pair in time, provenance."""
    from .._atomic import writable_folder
    from ..errors import InputError
    from ..pages.report.page import report_contents, write_report
    from ..pages.report.source import load_run

    target = out or (source if source.is_dir() else source.parent) / "report.html"
    if target.suffix not in (".html", ".htm"):
        raise InputError("--out", str(target), "end in .html")
    run = load_run(source)
    writable_folder(target.parent)
    typer.echo(f"wrote {write_report(report_contents(run), target)}")
