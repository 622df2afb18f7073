"""Shared by the commands: the options that several have, and how a table is printed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from typer import Option

EXIT_INPUT = 2
EXIT_INTERRUPTED = 130  # 128 + SIGINT, the shell's convention
TABLE_WIDTH = 150  # columns, where no terminal says how many there are

Potential = Annotated[str, Option(metavar="coulomb|ksu|FILE", help="A potential, or a table of V(r).")]
Alpha = Annotated[
    float | None,
    Option(help="Coulomb coupling C_F alpha_s instead of the potential's; a table needs one."),
]
Beyond = Annotated[
    str | None, Option(metavar="constant|linear", help="How a table goes on beyond its last point.")
]
Below = Annotated[
    str | None,
    Option(metavar="coulomb|constant", help="How a table goes on below its first point  [coulomb]"),
]
Octet = Annotated[
    str | None, Option(metavar="coulomb", help="Octet of a table that has none: +alpha/(8 r).  [no octet]")
]
Mass = Annotated[float | None, Option(help="Heavy-quark mass, GeV  [4.73; with ksu 4.70]")]
Kappa = Annotated[str | None, Option(help="central (default), lower, upper, or a number kappa/T^3.")]
Gamma = Annotated[float | None, Option(help="gamma/T^3.  [-1.75]")]
CriticalTemperature = Annotated[
    float | None, Option("--T-c", help="Critical temperature of the kappa fits, GeV  [0.150]")
]
Order = Annotated[str, Option(metavar="LO|NLO", help="Order in E/T.")]


def print_table(*tables: Any, width: int = TABLE_WIDTH, highlight: bool = True) -> None:
    """Print tables of Rich in the width of the terminal, or in `width` columns where there is none."""
    console = Console()
    console = console if console.is_terminal else Console(width=width)
    for table in tables:
        console.print(table, highlight=highlight)


def wrote(paths: Iterable[Path]) -> None:
    """Tell which files were written."""
    for path in paths:
        typer.echo(f"wrote {path}")


def comma_separated(text: str) -> tuple[str, ...]:
    """Return the entries of an option such as ``1S,2S``."""
    return tuple(entry.strip() for entry in text.split(",") if entry.strip())
