"""What a run writes: its output folder, which holds every finished trajectory whenever the run ends, and the screen.

The screen shows the text of the original, and a progress bar with the time left on a terminal. The rows of single
trajectories, which the original prints, too, go to ``summary.tsv`` only.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ..._atomic import atomic_path
from ..._types import Complex, Float
from ...errors import FileFormatError, InputError
from ...provenance import versions
from ...states import STATES
from ..files.evolution import SummaryBlock, thinned, write_snapshot, write_summary
from ..files.parameters import LegacyParameters, spelled
from ..files.ratios import RatioTable, has_metadata, ratio_lines, read_ratios
from ..files.text import write_lines
from .steps import TRAJECTORY_FILE
from .trajectories import NoJumpEvolution, Trajectory, random_numbers

FLUSH_EVERY: Final = 2.0  # seconds between writes of ``ratios.tsv``, which is written as a whole
RUN_RECORD: Final = "run.json"  # parameters, seed and versions; a file that the original does not have


# What to do with the output of an earlier run in the folder
Existing = Literal["refuse", "append", "overwrite"]
_WRITTEN: Final = re.compile(r"(ratios|summary|basisfunctions|snapshot_\d+)\.tsv")
_WITH_SEED: Final = re.compile(r"output-(-?\d+)")


class OutputFolder:
    """Output of a run: ``ratios.tsv`` is written every few seconds, the other files at the end.

    `metadata` are those of the histories that will run, empty strings where they have none. `existing` says what to do
    with output of an earlier run, of the original or of qtraj: refuse to touch it; append rows of another seed to its
    ``ratios.tsv`` and leave every other file as it is (then `appends` is True); or overwrite all of it.
    """

    def __init__(
        self, path: Path, p: LegacyParameters, metadata: Sequence[str], existing: Existing = "refuse"
    ) -> None:
        self.path, self._p = path, p
        self._file, self._with_metadata = path / "ratios.tsv", p.temperatureEvolution == TRAJECTORY_FILE
        entries = sorted(path.iterdir()) if path.is_dir() else []
        self._earlier = [entry for entry in entries if _WRITTEN.fullmatch(entry.name)]
        if self._earlier and existing == "refuse":
            names = ", ".join(entry.name for entry in self._earlier[:3])
            more = ", ..." if len(self._earlier) > 3 else ""
            remedy = "Nothing was changed. --append adds rows of another randomseed, --overwrite replaces the files."
            raise FileFormatError(path, f"holds the output of an earlier run ({names}{more})", remedy)
        self.appends = bool(self._earlier) and existing == "append"
        if self.appends:
            # the original has no run record, but its folder may be named after the seed
            named, record = _WITH_SEED.fullmatch(path.name), self._record()
            seeds = {int(named[1])} if named else set[int]()
            runs = (record, *record.get("appended", ()))
            seeds |= {run["parameters"]["randomseed"] for run in runs if "parameters" in run}
            if p.randomseed in seeds:
                raise self._same_seed(f"{path} is the output of a run with this seed")
            self._check_rows(metadata)
        self._ratios: list[tuple[Float, float, str]] = []
        self._blocks: list[SummaryBlock] = []
        self._snapshots: dict[int, Complex] = {}
        self._flushed = time.monotonic()

    def begin(self, transform: str) -> None:
        """Remove what this run replaces, and write parameters with the seed, and versions."""
        if not self.appends:
            for path in self._earlier:  # not one by one: snapshots of steps that this run has not would stay
                try:
                    path.unlink()
                except OSError as error:
                    problem = f"cannot be replaced ({error.strerror})"
                    raise FileFormatError(path, problem, "Check its rights.") from error
        record: dict[str, Any] = {"transform": transform, **versions()}
        if transform == "fftw":
            record["pyfftw_version"] = version("pyfftw")
        record["parameters"] = self._p.given()
        if self.appends:  # the first run's record stays in front
            first = self._record()
            record = {**first, "appended": [*first.get("appended", ()), record]}
        with atomic_path(self.path / RUN_RECORD) as temporary:
            temporary.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")

    def begin_history(self, evolution: NoJumpEvolution) -> None:
        """Take the no-jump evolution of the next history; summary and snapshots are those of the last one."""
        self._blocks = [evolution.rows]
        self._snapshots = {stored.step: stored.state for stored in evolution.stored}

    def add_row(self, ratios: Float, r0: float, metadata: str) -> None:
        """Take a row of ``ratios.tsv``."""
        self._ratios.append((ratios, r0, metadata))
        if time.monotonic() - self._flushed > FLUSH_EVERY:
            self._write_ratios()

    def add(self, trajectory: Trajectory, metadata: str) -> None:
        """Take a finished trajectory."""
        self.add_row(trajectory.ratios, trajectory.r0, metadata)
        if self._p.outputSummaryFile:
            self._blocks.append(trajectory.rows)
        self._snapshots |= trajectory.snapshots

    def write(self) -> None:
        """Write all that is not written yet; of a run that appends the rows alone."""
        self._write_ratios()
        if self.appends:
            return
        if self._p.outputSummaryFile and self._blocks:
            write_summary(self.path / "summary.tsv", self._blocks)
        if self._p.saveWavefunctions:
            for step, state in self._snapshots.items():
                snapshot = thinned(state, self._p.L, self._p.snapPts)
                write_snapshot(self.path / f"snapshot_{step}.tsv", snapshot.r, snapshot.u)

    def _record(self) -> dict[str, Any]:
        """Return the run record of the earlier run, empty if it has none, as that of the original."""
        path = self.path / RUN_RECORD
        if not path.is_file():
            return {}
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise FileFormatError(path, f"is damaged ({error})", "Restore it, or delete it.") from None
        return record if isinstance(record, dict) else {}

    def _same_seed(self, evidence: str) -> InputError:
        remedy = f"{evidence}: the same rows would count twice."
        return InputError("randomseed", self._p.randomseed, "be another one to append rows", remedy)

    def _check_rows(self, metadata: Sequence[str]) -> None:
        """Find out before the computation whether rows can be added to an existing file."""
        file, p = self._file, self._p
        if not (file.is_file() and file.stat().st_size):
            return
        if has_metadata(file) != self._with_metadata:
            problem = f"its rows come {'without' if self._with_metadata else 'with'} metadata, those of this run differ"
            raise FileFormatError(file, problem, "Run in another folder, or move the file away.")
        table = read_ratios(file, metadata=self._with_metadata)  # a truncated last line raises
        if p.doJumps == bool(np.any(table.r0 == 0)):  # the first random number of a run without jumps is 0
            problem = "it holds rows of a run " + ("without jumps" if p.doJumps else "with jumps")
            raise FileFormatError(file, problem, f"Those of doJumps {int(p.doJumps)} do not belong to them.")
        if not p.doJumps:
            known = {*zip(table.l.tolist(), table.metadata or ("",) * len(table), strict=True)}
            if known & {(p.initL, above) for above in metadata}:
                remedy = (
                    "Without jumps there is one row and no chance: a second one would add nothing but weight."
                )
                raise FileFormatError(file, "it holds a row of this kind already", remedy)
            return
        # the rows themselves tell, too, if the record is lost: six digits of two numbers in a row
        zeroth, first = (float(f"{random_numbers(p.randomseed, n).random():g}") for n in (0, 1))
        follows = np.append(table.r0[1:] == first, True)
        if np.any((table.r0 == zeroth) & follows):
            raise self._same_seed(f"{file} has the random numbers of this seed")

    def _write_ratios(self) -> None:
        if self._ratios:
            ratios, r0, metadata = zip(*self._ratios, strict=True)
            above = metadata if self._with_metadata else None
            table = RatioTable(np.array(ratios), np.array(r0), np.full(len(r0), self._p.initL), above)
            write_lines(self._file, ratio_lines(table), append=True)
        self._ratios, self._flushed = [], time.monotonic()


RULE: Final = "-" * 147
_HEADING: Final = (
    "          t [fm/c]        norm       (c,l)"
    + f"{'1,0':>12}"
    + "".join(f"{f'{state.n},{state.l}':>13}" for state in STATES[1:])
    + f"{'<r>/s0':>13}{'evac':>12}"
)


class Screen:
    """Screen output: lines go to `write`, the progress bar to `console`, if that is a terminal."""

    def __init__(self, write: Callable[[str], None] = print, console: Console | None = None) -> None:
        self._write, self._console = write, Console(stderr=True) if console is None else console

    def _lines(self, *lines: str) -> None:
        for line in lines:
            self._write(line)

    def say(self, message: str) -> None:
        """Print a message of the run."""
        self._write(f"==> {message}")

    def start(self, p: LegacyParameters) -> None:
        """Print the time and the parameters."""
        values = [f"{name} = {spelled(value)}" for name, value in p.given().items()]
        self._lines(RULE, f"qtraj {version('qtraj')}, legacy mode, started: {_now()}", RULE, *values)

    def masses(self, masses: Float) -> None:
        """Print the masses 2 M_Q + E of computed states in GeV."""
        names = (f"{state.n}{'spd'[state.l]}" for state in STATES)
        lines = (f"==> M({name}) = {mass:g}" for name, mass in zip(names, masses, strict=False))
        self._lines(RULE, *lines, RULE)

    def no_jump(self, evolution: NoJumpEvolution, jumps: bool) -> None:
        """Print the vacuum part and the part with medium of the evolution without jumps, as the original does."""
        rows, vacuum, lines = evolution.rows, evolution.vacuum_rows, []
        for k in range(len(rows)):
            numbers = (*rows.overlaps[k], rows.r_mean[k], rows.energy[k])
            head = f"      t = {rows.t_fm[k]:.6f} fm/c  {rows.norm[k]:.6f}    ({rows.color[k]},{rows.l[k]})"
            lines.append(head + "".join(f"{number:13.6f}" for number in numbers))
        self._lines(RULE, _HEADING, RULE, *lines[:vacuum], RULE, " No jumps", RULE, *lines[vacuum:], RULE)
        if jumps:
            self.say(f"Heff final norm is {evolution.norm:.6f}")

    def end(self) -> None:
        """Print the time."""
        self._lines(f"Done: {_now()}", RULE)

    @contextmanager
    def bar(self, what: str, total: int) -> Iterator[Callable[[int], None]]:
        """Yield a progress callback, called with the number done of `total`; it moves a bar, on terminals only."""
        if not self._console.is_terminal:
            yield lambda done: None
            return
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("left"))
        with Progress(*columns, TimeRemainingColumn(), console=self._console, transient=True) as progress:
            task = progress.add_task(what, total=total)
            yield lambda done: progress.update(task, completed=done)


def _now() -> str:
    return datetime.now().astimezone().strftime("%a %b %d %H:%M:%S %Y")
