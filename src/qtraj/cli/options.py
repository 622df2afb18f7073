"""Shared by the commands: the options that several have, and how a table is printed."""

from __future__ import annotations

import codecs
import io
import signal
import sys
import threading
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from typer import Option

from .. import _interrupt
from ..errors import InputError
from ..physics.model import ORDERS
from ..physics.potentials import POTENTIALS
from ..physics.transport import PRESETS

EXIT_INPUT = 2
TABLE_WIDTH = 150  # columns, where no terminal says how many there are

Potential = Annotated[
    str,
    Option(
        metavar="NAME|FILE",
        help=f"A potential ({', '.join(POTENTIALS)}), also with arguments such as htl,alpha_s=0.35,md_over_T=2.2, or "
        "a table of V(r).",
    ),
]
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
    str | None,
    Option(
        metavar="casimir|coulomb",
        help="Octet: -1/8 of the singlet, ending where that ends, or +alpha/(8 r).  [the potential's; a table's]",
    ),
]
Mass = Annotated[
    float | None,
    Option(help="Heavy-quark mass, GeV  [4.73; with cornell and ksu 4.70, with three-loop 4.85]"),
]
Kappa = Annotated[str | None, Option(help="central (default), lower, upper, or a number kappa/T^3.")]
Gamma = Annotated[float | None, Option(help="gamma/T^3.  [-1.75]")]
GammaVacuum = Annotated[float | None, Option(help="Part of gamma that does not depend on T, GeV^3.  [0]")]
Preset = Annotated[
    str | None,
    Option("--transport", metavar="NAME", help=f"kappa and gamma by name: {', '.join(PRESETS)}."),
]
CriticalTemperature = Annotated[
    float | None, Option("--T-c", help="Critical temperature of the kappa fits, GeV  [0.150]")
]
Order = Annotated[str, Option(metavar="|".join(ORDERS), help="Order in E/T.")]
Positive = Annotated[
    bool, Option("--positive", help="With --order all: the completely positive twin of that equation.")
]
Out = Annotated[
    Path | None,
    Option(metavar="FILE.nc", dir_okay=False, help="Also save the result as netCDF, for qtraj.load."),
]
Json = Annotated[bool, Option("--json", help="Print JSON instead of a table.")]


@contextmanager
def interruptible(line: str) -> Iterator[None]:
    """End a command in one line at Ctrl-C, or SIGTERM, with which batch systems end a job.

    The first unwinds it, so that workers and locks are closed; another one meanwhile ends the process at once. Either
    way no file is lost: each appears whole, and the kernel frees the locks.
    """

    def unwind(signum: int, frame: object) -> None:
        for number in before:
            signal.signal(number, end)
        raise KeyboardInterrupt

    def end(signum: int, frame: object) -> None:
        _interrupt.end(line)

    def swallowed(unraisable: Any) -> None:
        # Python drops what is raised in destructors and callbacks, the interrupt among it
        if isinstance(unraisable.exc_value, KeyboardInterrupt):
            _interrupt.end(line)
        hook(unraisable)

    # only the main thread gets signals, and may say what to do with them
    main = threading.current_thread() is threading.main_thread()
    numbers = (signal.SIGINT, signal.SIGTERM) if main else ()
    before = {number: signal.signal(number, unwind) for number in numbers}
    hook, sys.unraisablehook = sys.unraisablehook, swallowed
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(line, err=True)
        _interrupt.leave_soon()
        raise typer.Exit(_interrupt.EXIT_INTERRUPTED) from None
    finally:
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)


def _spelled(error: UnicodeError) -> tuple[str, int]:
    """Spell what an encoding has no letter for: Y for an Upsilon, the name of another Greek letter, or ``?``."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    names = [unicodedata.name(letter, "") for letter in error.object[error.start : error.end]]
    greek = [name.rpartition(" ")[2].lower() if name.startswith("GREEK") else "?" for name in names]
    return "".join("Y" if letter == "upsilon" else letter for letter in greek), error.end


def any_terminal() -> None:
    """Let a terminal or file whose encoding lacks Greek letters get the text all the same."""
    codecs.register_error("qtraj-spelled", _spelled)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="qtraj-spelled")


def console(*, stderr: bool = False) -> Console:
    """Return a console that prints text as it is: what users write in brackets is no markup."""
    return Console(stderr=stderr, markup=False, emoji=False)


def print_table(*tables: Any, width: int = TABLE_WIDTH, highlight: bool = True) -> None:
    """Print tables of Rich in the width of the terminal, or in `width` columns where there is none."""
    target = console()
    if not target.is_terminal:
        target.width = width
    for table in tables:
        target.print(table, highlight=highlight)


def wrote(paths: Iterable[Path], *, err: bool = False) -> None:
    """Tell which files were written; on standard error where the output is for a program."""
    for path in paths:
        typer.echo(f"wrote {path}", err=err)


def refuse(given: Mapping[str, Any], why: str, remedy: str = "") -> None:
    """Refuse flags that are given, not None, and have no effect."""
    for flag, value in given.items():
        if value is not None:
            raise InputError(flag, value, f"be left out {why}", remedy)


def comma_separated(text: str) -> tuple[str, ...]:
    """Return the entries of an option such as ``1S,2S``."""
    return tuple(entry.strip() for entry in text.split(",") if entry.strip())


def netcdf_name(out: Path | None) -> None:
    """Refuse an ``--out`` whose name says another format than netCDF, by which other commands know the file."""
    if out is not None and out.suffix not in (".nc", ".netcdf"):
        raise InputError("--out", str(out), "end in .nc: it is a netCDF file")
