"""Finished pieces of a test in a JSON file, so that an interrupted run goes on where it was."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cases.common import Table, machine
from rich.progress import Progress

RESULTS = Path(__file__).parents[1] / "results" / "paper"


class Record:
    """Pieces of one test, saved as they end.

    A piece is whatever JSON can hold: numbers, lists, dictionaries of them. What another machine computed is not
    taken over, since times are compared.

    Parameters
    ----------
    name : str
        Name of the test.
    quick : bool
        Fewer and smaller computations; nothing is read or saved.
    again : bool
        Compute everything again.
    progress : rich.progress.Progress, optional
        Where to show how far it is.
    """

    def __init__(
        self, name: str, *, quick: bool = False, again: bool = False, progress: Progress | None = None
    ) -> None:
        self.name, self.quick, here = name, quick, machine()
        self.path = RESULTS / f"{name}.json"
        self._progress = progress
        self._task = progress.add_task(name, total=None) if progress else None
        self._done = 0
        old = json.loads(self.path.read_text()) if self.path.exists() and not quick and not again else None
        usable = old is not None and old["machine"]["cpu"] == here["cpu"]
        self.machine: dict[str, Any] = old["machine"] if usable else here
        self.pieces: dict[str, Any] = old["pieces"] if usable else {}

    def expect(self, pieces: int) -> None:
        """Say how many pieces there will be."""
        if self._progress:
            self._progress.update(self._task, total=pieces)

    def piece(self, key: str, compute: Callable[[], Any]) -> Any:
        """Return the value of a piece, computed unless the file has it."""
        if self._progress:
            self._progress.update(self._task, description=f"{self.name}: {key}")
        if key not in self.pieces:
            wall, cpu = time.perf_counter(), time.process_time()
            value = compute()
            self.pieces[key] = {
                "value": value,
                "wall_s": round(time.perf_counter() - wall, 2),
                "cpu_s": round(time.process_time() - cpu, 2),
            }
            self.machine = machine()  # date and load are those of the last piece
            self.save()
        self._done += 1
        if self._progress:
            self._progress.update(self._task, completed=self._done)
        # as a later run will find it, so that a first run and a resumed one give the same table
        return json.loads(json.dumps(self.pieces[key]["value"]))

    def save(self, tables: tuple[Table, ...] = ()) -> None:
        """Write the file, complete or not at all."""
        if self.quick:
            return
        content = {"machine": self.machine, "tables": [asdict(t) for t in tables], "pieces": self.pieces}
        temporary = self.path.with_suffix(".json.part")
        RESULTS.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(content, indent=1) + "\n")
        os.replace(temporary, self.path)
