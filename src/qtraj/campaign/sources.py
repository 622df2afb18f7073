"""Where the histories of one impact parameter come from: generated or read in pieces, never all at once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import islice
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import FileFormatError, InputError
from ..hydro import TemperatureTable, TrajectoryIndex, index_qtraj_trajectories, read_qtraj_trajectories
from ..hydro.paths import histories_along
from ..hydro.sampling import sample_paths
from ..io.config import HydroFile, RunConfig, RunFile
from ..physics.medium import Histories, History, TabulatedTemperature
from .fluids import (
    InputFile,
    attributes,
    check_unchanged,
    event_files,
    glauber,
    production_density,
    read_fluid,
)
from .fluids import shipped as shipped_files

PATH_NAMES = ("x_fm", "y_fm", "pT", "phi", "b_fm", "weight", "event", "replicate")
"""What is known of each path: every batch has all of it."""

TRAJECTORIES = "qtraj_trajectories"


@dataclass(frozen=True, eq=False)
class Batch:
    """Some histories and their paths.

    Parameters
    ----------
    histories : sequence of History
        n histories.
    paths : mapping of str to ndarray, shape (n,)
        The entries of `PATH_NAMES`.
    """

    histories: Sequence[History]
    paths: Mapping[str, NDArray[Any]]


class Source(Protocol):
    """Histories of one impact parameter: how many there are, and any range of them."""

    @property
    def b_fm(self) -> float:
        """Impact parameter, fm."""

    @property
    def n_part(self) -> float:
        """Mean number of participants."""

    @property
    def count(self) -> int:
        """Number of histories."""

    @property
    def sample(self) -> int:
        """How many of the first histories are a random sample of all."""

    @property
    def digest(self) -> str:
        """SHA-256 of all that determines the histories."""

    @property
    def attrs(self) -> Mapping[str, Any]:
        """Where the temperatures come from."""

    def batch(self, start: int, stop: int) -> Batch:
        """Return the histories `start` to `stop`; they do not depend on the range they are asked for in."""

    def to_json(self) -> dict[str, Any]:
        """Return what `source_from_json` needs beside the run file."""


@dataclass(frozen=True, eq=False)
class FluidSource:
    """Straight paths through one fluid, or through each of many events of one class.

    Parameters
    ----------
    config : RunConfig
        The run file.
    entry : HydroFile or None
        How to read the files; None for runs inside the package.
    b_fm, n_part : float
        Impact parameter in fm and participants.
    files : tuple of InputFile
        One per event.

    Notes
    -----
    Each event has its own scramblings. One fluid: its scramblings are the replicates whose scatter is the error of an
    average. Many events: the events are, so that the error holds their fluctuation, too.
    """

    config: RunConfig
    entry: HydroFile | None
    b_fm: float
    n_part: float
    files: tuple[InputFile, ...]

    @property
    def _per_event(self) -> int:
        return self.config.paths.n * self.config.paths.replicates

    @property
    def count(self) -> int:
        """Number of histories."""
        return len(self.files) * self._per_event

    @property
    def sample(self) -> int:
        """Paths of the first replicate: of one scrambling, or of the first event."""
        return self.config.paths.n if len(self.files) == 1 else self._per_event

    @cached_property
    def digest(self) -> str:
        """SHA-256 of files, geometry and sampling."""
        reading = self.entry.model_dump(include={"format", "columns", "grid"}) if self.entry else None
        return _sha256(
            [file.sha256 for file in self.files],
            reading,
            self.config.system.model_dump(include={"woods_saxon", "sigma_nn_mb"}),
            self.b_fm,
            self.config.paths.model_dump(),
            self.config.medium.T_end,
            self.config.medium.allow_hot_end,
        )

    @property
    def attrs(self) -> Mapping[str, Any]:
        """Attributes of the first fluid."""
        return attributes(self.files[0], self.entry, self.b_fm)

    def batch(self, start: int, stop: int) -> Batch:
        """Return the histories `start` to `stop`, the fluids read one after the other."""
        n = self._per_event
        pieces = [
            self._piece(event, max(start - event * n, 0), min(stop - event * n, n))
            for event in range(start // n, (stop - 1) // n + 1)
        ]
        if len(pieces) == 1:
            return pieces[0]
        paths = {name: np.concatenate([piece.paths[name] for piece in pieces]) for name in PATH_NAMES}
        return Batch([history for piece in pieces for history in piece.histories], paths)

    def _piece(self, event: int, start: int, stop: int) -> Batch:
        settings = self.config.paths
        paths = sample_paths(
            production_density(self.config.system, self.b_fm),
            self.b_fm,
            settings.n,
            replicates=settings.replicates,
            seed=settings.seed,
            pT_max=settings.pT_max,
            start=start,
            stop=stop,
            first_replicate=event * settings.replicates,
            directions=settings.directions,
            scrambling=settings.scrambling,
        )
        fluid = read_fluid(self.files[event], self.entry, self.b_fm)
        medium = self.config.medium
        histories: Histories = histories_along(fluid, paths, medium.T_end, allow_hot_end=medium.allow_hot_end)
        n = stop - start
        known = {name: histories.metadata[name] for name in ("x_fm", "y_fm", "pT", "phi", "replicate")}
        known |= {"b_fm": np.full(n, self.b_fm), "weight": np.ones(n), "event": np.full(n, event)}
        if len(self.files) > 1:
            known["replicate"] = known["event"]
        return Batch(histories, known)

    def to_json(self) -> dict[str, Any]:
        """Return files and participants."""
        return {"b_fm": self.b_fm, "n_part": self.n_part, "files": [asdict(file) for file in self.files]}


@dataclass(frozen=True, eq=False)
class TrajectorySource:
    """Temperatures along ready-made paths, in a trajectory file of QTraj that may hold any number of them.

    Parameters
    ----------
    config : RunConfig
        The run file.
    b_fm, n_part : float
        Impact parameter in fm and participants of the class.
    file : InputFile
        The file, plain or gzip.
    index : TrajectoryIndex
        Where its blocks are.
    """

    config: RunConfig
    b_fm: float
    n_part: float
    file: InputFile
    index: TrajectoryIndex

    @property
    def count(self) -> int:
        """Number of histories."""
        return self.index.count

    @property
    def sample(self) -> int:
        """As many of the first paths as a replicate of sampled paths has."""
        return min(self.config.paths.n, self.count)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the file's and where the medium ends."""
        return _sha256(self.file.sha256, self.config.medium.T_end, self.config.medium.allow_hot_end)

    @property
    def attrs(self) -> Mapping[str, Any]:
        """Name and digest of the file."""
        return {"source": self.file.name, "format": TRAJECTORIES, "sha256": self.file.sha256}

    def batch(self, start: int, stop: int) -> Batch:
        """Read the blocks `start` to `stop`."""
        check_unchanged(self.file)
        blocks = read_qtraj_trajectories(self.file.name, self.index, start)
        tables = list(islice(blocks, stop - start))
        paths = {name: np.array([t.metadata.get(name, np.nan) for t in tables]) for name in PATH_NAMES[:5]}
        paths["weight"] = np.array([t.metadata.get("weight", 1.0) for t in tables])
        # independent paths: each is a replicate of its own
        paths["event"] = paths["replicate"] = np.arange(start, stop)
        return Batch([self._history(table) for table in tables], paths)

    def _history(self, table: TemperatureTable) -> TabulatedTemperature:
        # on its own times: a common grid would depend on which paths are read together
        return TabulatedTemperature(
            table.tau_fm,
            table.T,
            self.config.medium.T_end,
            allow_cold=True,
            alpha=table.anisotropy,
            hard_scale=table.hard_scale,
            allow_hot_end=self.config.medium.allow_hot_end,
        )

    def to_json(self) -> dict[str, Any]:
        """Return file, participants and index."""
        numbers = {"b_fm": self.b_fm, "n_part": self.n_part}
        return {**numbers, "files": [asdict(self.file)], "trajectories": asdict(self.index)}


def sources(run_file: RunFile, every: int) -> tuple[Source, ...]:
    """Return the sources of a run file, one per impact parameter; files are found, their content digested.

    Parameters
    ----------
    run_file : RunFile
        From `qtraj.io.config.load_run_file`.
    every : int
        Distance of the noted positions in trajectory files.

    Raises
    ------
    InputError
        If the shipped runs are of another system or lack an impact parameter, or a file ends above T_end.
    FileFormatError
        If a file cannot be read; names it.
    """
    config = run_file.config
    if config.medium.hydro == "shipped":
        return tuple(FluidSource(config, None, b, n, (file,)) for b, n, file in shipped_files(config))
    return tuple(_of_entry(run_file, entry, every) for entry in config.medium.files)


def source_from_json(config: RunConfig, number: int, stored: Mapping[str, Any]) -> Source:
    """Return source `number` of a run file from what `to_json` gave."""
    files = tuple(InputFile(**file) for file in stored["files"])
    numbers = stored["b_fm"], stored["n_part"]
    if "trajectories" in stored:
        index = TrajectoryIndex(
            **{**stored["trajectories"], "offsets": tuple(stored["trajectories"]["offsets"])}
        )
        return TrajectorySource(config, *numbers, files[0], index)
    entry = config.medium.files[number] if config.medium.hydro == "files" else None
    return FluidSource(config, entry, *numbers, files)


def _of_entry(run_file: RunFile, entry: HydroFile, every: int) -> Source:
    config, files = run_file.config, event_files(run_file, entry)
    n_part = entry.n_part if entry.n_part is not None else float(glauber(config.system).n_part(entry.b_fm))
    if entry.format != TRAJECTORIES:
        return FluidSource(config, entry, entry.b_fm, n_part, files)
    if len(files) > 1:
        raise FileFormatError(entry.path, f"names {len(files)} trajectory files", "Join them with cat.")
    index = index_qtraj_trajectories(files[0].name, every)
    if index.last_T > config.medium.T_end and not config.medium.allow_hot_end:
        raise InputError(
            "medium.T_end",
            config.medium.T_end,
            f"be above {index.last_T:.4g} GeV, where a path of {entry.path} ends",
            "Or set allow_hot_end = true: the medium then ends there.",
        )
    return TrajectorySource(config, entry.b_fm, n_part, files[0], index)


def _sha256(*content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
