"""The output folder of a run: every finished trajectory is in it, whenever the run ends."""

from __future__ import annotations

import json
import time
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ...atomic import atomic_path
from ...errors import FileFormatError
from ...provenance import versions
from .no_jump import NoJumpEvolution
from .parameters import LegacyParameters
from .ratios import RatioTable, has_metadata, ratio_lines
from .snapshots import thinned, write_snapshot
from .summary import SummaryBlock, write_summary
from .temperature import TRAJECTORY_FILE
from .text import lines_of, write_lines
from .trajectories import Outcome

Float = NDArray[np.float64]
Complex = NDArray[np.complex128]

FLUSH_EVERY: Final = 2.0
"""Seconds between writes of ``ratios.tsv``, which is written as a whole."""

RUN_RECORD: Final = "run.json"
"""Parameters, seed and versions; a file that the original does not have."""


class OutputFolder:
    """Collects what a run finds and writes it: ``ratios.tsv`` now and then, the rest at the end.

    Parameters
    ----------
    path : Path
        An existing folder is used again: rows are added to ``ratios.tsv``, everything else is replaced.
    p : LegacyParameters

    Raises
    ------
    FileFormatError
        If there are rows already to which those of this run cannot be added.
    """

    def __init__(self, path: Path, p: LegacyParameters) -> None:
        self.path, self._p = path, p
        self._file, self._with_metadata = path / "ratios.tsv", p.temperatureEvolution == TRAJECTORY_FILE
        self._check_rows()
        self._ratios: list[tuple[Float, float, str]] = []
        self._blocks: list[SummaryBlock] = []
        self._snapshots: dict[int, Complex] = {}
        self._flushed = time.monotonic()

    def record_run(self, transform: str) -> None:
        """Write parameters with the seed, and versions."""
        record: dict[str, Any] = {"transform": transform, **versions()}
        if transform == "fftw":
            record["pyfftw_version"] = version("pyfftw")
        record["parameters"] = self._p.given()
        with atomic_path(self.path / RUN_RECORD) as temporary:
            temporary.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")

    def begin_history(self, evolution: NoJumpEvolution) -> None:
        """Take the no-jump evolution of the next history; summary and snapshots are those of the last one."""
        self._blocks = [evolution.rows]
        self._snapshots = {each.step: each.state for each in evolution.stored}

    def add_row(self, ratios: Float, r0: float, metadata: str) -> None:
        """Take a row of ``ratios.tsv``."""
        self._ratios.append((ratios, r0, metadata))
        if time.monotonic() - self._flushed > FLUSH_EVERY:
            self._write_ratios()

    def add(self, outcome: Outcome, metadata: str) -> None:
        """Take a finished trajectory."""
        self.add_row(outcome.ratios, outcome.r0, metadata)
        if self._p.outputSummaryFile:
            self._blocks.append(outcome.rows)
        self._snapshots |= outcome.snapshots

    def write(self) -> None:
        """Write all that is not written yet."""
        self._write_ratios()
        if self._p.outputSummaryFile and self._blocks:
            write_summary(self.path / "summary.tsv", self._blocks)
        if self._p.saveWavefunctions:
            for step, state in self._snapshots.items():
                kept = thinned(state, self._p.L, self._p.snapPts)
                write_snapshot(self.path / f"snapshot_{step}.tsv", kept.r, kept.u)

    def _check_rows(self) -> None:
        """Find out before the computation whether rows can be added to an existing file."""
        if not (self._file.is_file() and self._file.stat().st_size):
            return
        lines = lines_of(self._file)
        if has_metadata(self._file, list(islice(lines, 3))) != self._with_metadata:
            problem = f"its rows come {'without' if self._with_metadata else 'with'} metadata, those of this run differ"
            raise FileFormatError(self._file, problem, "Run in another folder, or move the file away.")
        for _ in lines:  # a truncated last line raises
            pass

    def _write_ratios(self) -> None:
        if self._ratios:
            ratios, r0, metadata = zip(*self._ratios, strict=True)
            above = metadata if self._with_metadata else None
            table = RatioTable(np.array(ratios), np.array(r0), np.full(len(r0), self._p.initL), above)
            write_lines(self._file, ratio_lines(table), append=True)
        self._ratios, self._flushed = [], time.monotonic()
