"""What a run says on the screen: the text of the original, and a progress bar with the time left on a terminal.

The rows of single trajectories, which the original prints, too, go to ``summary.tsv`` only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib.metadata import version
from typing import Final

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ...states import STATES
from ..files.parameters import LegacyParameters
from ..files.summary import SummaryBlock
from .no_jump import NoJumpEvolution

RULE: Final = "-" * 147
_HEADING: Final = (
    "          t [fm/c]        norm       (c,l)"
    + f"{'1,0':>12}"
    + "".join(f"{f'{state.n},{state.l}':>13}" for state in STATES[1:])
    + f"{'<r>/s0':>13}{'evac':>12}"
)


class Screen:
    """Prints lines, and shows how far the run is.

    Parameters
    ----------
    write : callable
        Prints a line.
    console : rich.console.Console, optional
        Where the progress bar appears if it is a terminal.
    """

    def __init__(self, write: Callable[[str], None] = print, console: Console | None = None) -> None:
        self._write = write
        self._console = Console(stderr=True) if console is None else console

    def lines(self, *lines: str) -> None:
        """Print lines."""
        for line in lines:
            self._write(line)

    def say(self, message: str) -> None:
        """Print a message of the run."""
        self._write(f"==> {message}")

    def start(self, p: LegacyParameters) -> None:
        """Print the time and the parameters."""
        values = [f"{name} = {_short(value)}" for name, value in p.given().items()]
        self.lines(RULE, f"qtraj {version('qtraj')}, legacy mode, started: {_now()}", RULE, *values)

    def masses(self, masses: np.ndarray) -> None:
        """Print the masses 2 M_Q + E of computed states in GeV."""
        self.lines(RULE)
        for state, mass in zip(STATES, masses, strict=False):
            self.say(f"M({state.n}{'spd'[state.l]}) = {mass:g}")
        self.lines(RULE)

    def no_jump(self, evolution: NoJumpEvolution, jumps: bool) -> None:
        """Print the vacuum part and the part with medium of the evolution without jumps."""
        rows = table_lines(evolution.rows)
        first_medium = evolution.vacuum_rows
        self.lines(
            RULE, _HEADING, RULE, *rows[:first_medium], RULE, " No jumps", RULE, *rows[first_medium:], RULE
        )
        if jumps:
            self.say(f"Heff final norm is {evolution.norm:.6f}")

    def end(self) -> None:
        """Print the time."""
        self.lines(f"Done: {_now()}", RULE)

    @contextmanager
    def bar(self, what: str, total: int) -> Iterator[Callable[[int], None]]:
        """Give a function that hears how many of `total` are done; it moves a bar, on terminals only."""
        if not self._console.is_terminal:
            yield lambda done: None
            return
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("left"))
        with Progress(*columns, TimeRemainingColumn(), console=self._console, transient=True) as progress:
            task = progress.add_task(what, total=total)
            yield lambda done: progress.update(task, completed=done)


def table_lines(rows: SummaryBlock) -> list[str]:
    """Return the rows of a block as the original prints them."""
    lines = []
    for k in range(len(rows)):
        numbers = (*rows.overlaps[k], rows.r_mean[k], rows.energy[k])
        head = f"      t = {rows.t_fm[k]:.6f} fm/c  {rows.norm[k]:.6f}    ({rows.color[k]},{rows.l[k]})"
        lines.append(head + "".join(f"{number:13.6f}" for number in numbers))
    return lines


def _short(value: object) -> str:
    if isinstance(value, bool):
        return str(int(value))
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def _now() -> str:
    return datetime.now().astimezone().strftime("%a %b %d %H:%M:%S %Y")
