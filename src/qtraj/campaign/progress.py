"""Progress of a run: a bar with rate and time left on a terminal, a line per chunk elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich import progress as bars
from rich.console import Console
from rich.text import Text


class Reporter:
    """Progress callback of a run: called with the total, then after each chunk. This one prints nothing."""

    def begin(self, total: int, reused: int) -> None:
        """Take the number of histories of the run, and how many are finished from before."""

    def advance(self, chunk: str, done: int) -> None:
        """Take how many histories of a chunk are solved by now."""

    def finish(self, chunk: str, histories: int) -> None:
        """Take the number of histories of a chunk that is stored."""

    def stage(self, name: str, done: int, total: int) -> None:
        """Take how much of a stage that solves no histories is done: of a sampler, after a campaign."""


class Lines(Reporter):
    """Prints a line per finished chunk, for logs."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._total = self._done = self._reused = 0
        self._started = time.monotonic()
        self._stage = "", -1

    def begin(self, total: int, reused: int) -> None:
        """Print the totals."""
        self._total, self._done, self._reused, self._started = total, reused, reused, time.monotonic()
        self._console.print(f"{total} histories to solve, {reused} of them finished before", highlight=False)

    def finish(self, chunk: str, histories: int) -> None:
        """Print the finished chunk, the rate of this run and the time left."""
        self._done += histories
        rate = (self._done - self._reused) / max(time.monotonic() - self._started, 1e-9)
        pace = f"{rate:.3g} a second, {duration((self._total - self._done) / rate)} left"
        line = f"{self._done}/{self._total} histories, {pace}: {chunk}"
        self._console.print(line, highlight=False, soft_wrap=True)

    def stage(self, name: str, done: int, total: int) -> None:
        """Print a line for each quarter of a stage."""
        quarter = 4 * done // max(total, 1)
        if (name, quarter) != self._stage:
            self._stage = name, quarter
            self._console.print(f"{name}: {done}/{total}", highlight=False, soft_wrap=True)


class Bar(Reporter):
    """Moves a progress bar that counts histories, and one for each stage that solves none."""

    def __init__(self, progress: bars.Progress) -> None:
        self._progress = progress
        self._bar = progress.add_task("preparing", total=None, unit="histories")
        self._stages: dict[str, bars.TaskID] = {}
        self._finished = 0

    def begin(self, total: int, reused: int) -> None:
        """Begin with what is finished from before, which does not count as speed."""
        self._finished = reused
        self._progress.reset(self._bar, total=total, completed=reused, description="solving")

    def advance(self, chunk: str, done: int) -> None:
        """Move the bar."""
        self._progress.update(self._bar, completed=self._finished + done, description=chunk)

    def finish(self, chunk: str, histories: int) -> None:
        """Move the bar to the end of the chunk."""
        self._finished += histories
        self.advance(chunk, 0)

    def stage(self, name: str, done: int, total: int) -> None:
        """Move the bar of a stage."""
        if name not in self._stages:
            self._stages[name] = self._progress.add_task(name, unit="")
        self._progress.update(self._stages[name], completed=done, total=total)


class _Rate(bars.ProgressColumn):
    """Histories, or steps of a stage, per second."""

    def render(self, task: bars.Task) -> Text:
        rate = task.finished_speed or task.speed
        return Text(f"{rate:.3g}/s" if rate else "")


def duration(seconds: float) -> str:
    """Return a time as hours, minutes and seconds, 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


@contextmanager
def reporting(console: Console) -> Iterator[Reporter]:
    """Give the reporter that suits the console: a bar on a terminal, lines elsewhere."""
    if not console.is_terminal:
        yield Lines(console)
        return
    counted = bars.TextColumn("{task.description}", markup=False), bars.BarColumn(), bars.MofNCompleteColumn()
    timed = _Rate(), bars.TimeElapsedColumn(), bars.TextColumn("left"), bars.TimeRemainingColumn()
    with bars.Progress(*counted, bars.TextColumn("{task.fields[unit]}"), *timed, console=console) as progress:
        yield Bar(progress)
