"""How a run tells that it is alive: a bar with the time left on a terminal, a line per task elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from .plan import Task


class Reporter(Protocol):
    """Hears about a run: once how much there is to do, then each task and its histories."""

    def begin(self, total: int, reused: int) -> None:
        """Hear the number of histories of the run, and how many are finished from before."""

    def advance(self, task: Task, done: int) -> None:
        """Hear that `done` histories of `task` are solved by now."""

    def finish(self, task: Task) -> None:
        """Hear that the result of `task` is stored."""


class Silent:
    """Says nothing."""

    def begin(self, total: int, reused: int) -> None:
        """Say nothing."""

    def advance(self, task: Task, done: int) -> None:
        """Say nothing."""

    def finish(self, task: Task) -> None:
        """Say nothing."""


class Lines:
    """Prints a line per finished task, for logs.

    Parameters
    ----------
    console : rich.console.Console
        Where to print.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._total = self._done = 0

    def begin(self, total: int, reused: int) -> None:
        """Print what there is to do."""
        self._total, self._done = total, reused
        self._console.print(f"{total} histories to solve, {reused} of them finished before", highlight=False)

    def advance(self, task: Task, done: int) -> None:
        """Say nothing until the task is finished."""

    def finish(self, task: Task) -> None:
        """Print the finished task."""
        self._done += len(task)
        self._console.print(f"{self._done}/{self._total} histories: {task}", highlight=False, soft_wrap=True)


class Bar:
    """Moves a progress bar that counts histories.

    Parameters
    ----------
    progress : rich.progress.Progress
        The running display.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._bar = progress.add_task("preparing", total=None)
        self._finished = 0

    def begin(self, total: int, reused: int) -> None:
        """Start the clock with what is finished from before, so that it does not count as speed."""
        self._finished = reused
        self._progress.reset(self._bar, total=total, completed=reused, description="solving")

    def advance(self, task: Task, done: int) -> None:
        """Move the bar."""
        self._progress.update(self._bar, completed=self._finished + done, description=str(task))

    def finish(self, task: Task) -> None:
        """Move the bar to the end of the task."""
        self._finished += len(task)
        self._progress.update(self._bar, completed=self._finished)


@contextmanager
def reporting(console: Console) -> Iterator[Reporter]:
    """Give the reporter that suits the console: a bar on a terminal, lines elsewhere.

    Parameters
    ----------
    console : rich.console.Console
        Where to print.
    """
    if not console.is_terminal:
        yield Lines(console)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("histories"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        yield Bar(progress)


@contextmanager
def solving(console: Console) -> Iterator[Callable[[int, int], None] | None]:
    """Yield a function of (done, total) for `qtraj.solve` that moves a bar on a terminal, or None elsewhere."""
    if not console.is_terminal:
        yield None
        return
    columns = (
        TextColumn("solving"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
