"""The command line: each command reads its input, calls public functions, and writes.

Heavy modules are imported inside the commands, so that ``qtraj --help`` is quick.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Annotated, Any

import typer
from rich.markup import escape
from typer import Option
from typer.core import TyperCommand

from .._interrupt import AGAIN
from ..errors import QtrajError
from . import campaign, qtraj1, results, solve
from .infer import infer
from .options import EXIT_INPUT, any_terminal, interruptible

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)
campaign_help = "Very many solves: planned in chunks, kept in a store, gone on with after any interruption."
campaign_app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help=campaign_help)


class _AsWritten(TyperCommand):
    """A command whose help is printed as it is written: brackets are no markup."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.help = escape(self.help or "")
        for parameter in self.params:
            if getattr(parameter, "help", None):
                parameter.help = escape(parameter.help)  # type: ignore[attr-defined]


@contextmanager
def _one_line_messages() -> Iterator[None]:
    """Turn errors that qtraj raises on purpose, and warnings, into one line each on the standard error."""
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.showwarning = lambda message, *_: typer.echo(f"qtraj: warning: {message}", err=True)
        try:
            with interruptible(AGAIN):
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
        bool, Option("--version", callback=_show_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Heavy quarkonium in the quark-gluon plasma, from hydrodynamics to R_AA without sampling noise."""
    any_terminal()


def _register(app: typer.Typer, *commands: Callable[..., None], **settings: Any) -> None:
    for command in commands:
        app.command(cls=_AsWritten, **settings)(_one_line_messages()(command))


_register(app, campaign.init)
_register(app, campaign.run_files, name="run")
_register(app, infer)
_register(app, solve.solve, solve.states, qtraj1.convert)
# what follows the file are keys of params.txt with their values
_register(app, qtraj1.legacy, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
_register(app, qtraj1.view_run, name="view")
_register(
    app, results.cite, solve.explore, results.observe, results.report, solve.spectrum, solve.equilibrium
)
_register(campaign_app, campaign.plan, campaign.run, campaign.resume, campaign.status, campaign.merge)
app.add_typer(campaign_app, name="campaign")
