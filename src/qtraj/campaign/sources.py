"""Where the histories of one impact parameter come from: generated or read in pieces, never all at once."""

from __future__ import annotations

import glob
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, lru_cache
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from itertools import islice
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from .._types import Float
from ..errors import FileFormatError, InputError
from ..hydro import (
    Hydro,
    MusicGrid,
    Nucleus,
    OpticalGlauber,
    PlaneDensity,
    TrajectoryIndex,
    begin_earlier,
    event_plane,
    index_qtraj_trajectories,
    join,
    load_shipped,
    open_hydro,
    read_columns,
    read_music_dense,
    read_qtraj_trajectories,
    shipped_runs,
)
from ..hydro.paths import BOOST_INVARIANT, histories_along
from ..hydro.readers.per_time import is_contour_folder
from ..hydro.sampling import collision_plane, sample_paths
from ..io.config import Early, Fluid, HydroFile, Paths, RunConfig, RunFile, System
from ..physics.medium import Histories, History, TabulatedTemperature

PATH_NAMES = ("x_fm", "y_fm", "pT", "phi", "rapidity", "b_fm", "weight", "event", "replicate")
"""What is known of each path: every batch has all of it, NaN where a trajectory file does not say it (rapidity)."""

CHEAP_REPLICATES = 32
"""Scramblings of the emulated paths of a fluid: their scatter knows the error to 13 %, and two errors hold 94.6 % of
the means (Student's t with 31 degrees of freedom), where the 91.4 % of eight would be too few."""

FIRST_CHEAP = 2**20
"""Number of the first scrambling of emulated paths, beyond those of all solved ones."""

TRAJECTORIES = "qtraj_trajectories"
_SAME_B_FM = 0.005  # metadata are rounded
LEAST_METADATA = 6  # b, x, y, eta, p_T, phi: without one of them a path has no place in an observable


@dataclass(frozen=True)
class InputFile:
    """A file of temperatures, known by its content."""

    name: str  # absolute path; of a run inside the package, the name of its file
    sha256: str  # digest of its bytes


def shipped_files(config: RunConfig) -> list[tuple[float, float, InputFile]]:
    """Return impact parameter, participants and file of the shipped runs that a run file asks for."""
    system, hydro, remedy = config.system, config.medium.hydro, "Give [[medium.files]] of your own."
    of_kind = [run for run in shipped_runs() if run.boost_invariant == (hydro == "shipped")]
    by_b = {
        run.b_fm: run for run in of_kind if (run.nuclei, run.sqrt_s_GeV) == (system.name, system.sqrt_s_GeV)
    }
    if not by_b:
        known = ", ".join(dict.fromkeys(f"{run.system} at {run.sqrt_s_GeV:g} GeV" for run in of_kind))
        asked = f"{system.name} at {system.sqrt_s_GeV:g} GeV"
        raise InputError("system", asked, f"be {known} for hydro = '{hydro}'", remedy)
    found = []
    for b in config.medium.b_fm or by_b:
        if b not in by_b:
            allowed = f"be among {sorted(by_b)}, the runs of {system.name} that come with qtraj"
            raise InputError("medium.b_fm", b, allowed, remedy)
        name = by_b[b].file
        found.append((b, by_b[b].n_part, InputFile(name, _digest(files("qtraj.data") / "hydro" / name))))
    return found


def event_files(run_file: RunFile, entry: Fluid) -> tuple[InputFile, ...]:
    """Return the file of an entry ``[[medium.files]]``, or all files that its pattern names, sorted.

    A folder of contour files of JEWEL-2D counts as one.
    """
    path = run_file.resolve(entry.path).absolute()
    matching = map(Path, sorted(glob.glob(str(path))))
    names = [path] if path.exists() else [m for m in matching if m.is_file() or is_contour_folder(m)]
    if not names:
        raise FileFormatError(path, "no such file", "Check `path` of [[medium.files]].")
    return tuple(InputFile(str(name), _digest(name)) for name in names)


@lru_cache(maxsize=1)  # a fluid may fill much of the memory; chunks come fluid by fluid
def read_fluid(
    file: InputFile,
    entry: HydroFile | None,
    b_fm: float,
    before: InputFile | None = None,
    early: Early | None = None,
) -> Hydro:
    """Read the fluid of a file; `entry` describes it, None stands for a run inside the package.

    `before` is the file of the stage before it; `early` the medium before the first frame of all.
    """
    if entry is None:
        fluid = next(load_shipped(run.name, run.b_fm) for run in shipped_runs() if run.file == file.name)
    else:
        fluid = _read(file, entry)
        if before is not None and entry.before is not None:
            fluid = join(_read(before, entry.before), fluid)
    return fluid if early is None else begin_earlier(fluid, **early.model_dump())


def _read(file: InputFile, entry: Fluid) -> Hydro:
    check_unchanged(file)
    path, T_min = Path(file.name), entry.T_min
    if entry.columns is not None:
        return read_columns(path, **entry.columns.model_dump(), T_min=T_min).mirrored(entry.mirror)
    if entry.grid is not None:
        grid = MusicGrid(**entry.grid.model_dump())
        return read_music_dense(path, grid, T_min=T_min).mirrored(entry.mirror)
    return open_hydro(path, entry.format, mirror=entry.mirror, T_min=T_min)


@lru_cache(maxsize=4)
def check_unchanged(file: InputFile) -> None:
    """Raise FileFormatError if a file is not what it was when the plan was made."""
    path = Path(file.name)
    if not path.exists():
        raise FileFormatError(path, "is gone since the plan was made", "Put it back.")
    if _digest(path) != file.sha256:
        raise FileFormatError(path, "has changed since the plan was made", "`qtraj campaign run` plans anew.")


@lru_cache(
    maxsize=32
)  # more than the ten impact parameters of the shipped runs, 1.5 MB each: settings repeat them
def production_density(system: System, b_fm: float) -> PlaneDensity:
    """Return the binary-collision density of a system at an impact parameter, ready for sampling."""
    return collision_plane(glauber(system), b_fm)


def glauber(system: System) -> OpticalGlauber:
    """Return the optical Glauber model of a system."""
    return OpticalGlauber(Nucleus(**system.woods_saxon.model_dump(), name=system.name), system.sigma_nn_mb)


@lru_cache(maxsize=8)
def participants(system: System) -> Callable[[Float], Float]:
    """Return mean N_part as a function of the impact parameter in fm, for paths that each have their own.

    A cubic spline in ln N_part: off by less than 1e-3 participants (Pb-Pb, near b = 0; measured at random b).
    """
    model = glauber(system)
    b = np.linspace(0.0, 2 * model.nucleus.extent_fm, 101)
    spline = CubicSpline(b, np.log([model.n_part(float(each)) for each in b]))
    # beyond, nothing collides: the smallest number is as good as any
    return lambda b_fm: np.asarray(np.exp(spline(np.minimum(b_fm, b[-1]))))


def _digest(file: Path | Traversable) -> str:
    if isinstance(file, Path) and file.is_dir():
        if not is_contour_folder(file):
            problem = "is a folder, and no one of contour files of JEWEL-2D"
            raise FileFormatError(file, problem, "Name a file; a pattern such as 'events/*.nc' names many.")
        return _sha256([[part.name, _digest(part)] for part in sorted(file.glob("*[TV]contour*"))])
    try:
        with as_file(file) as path, path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError as error:
        raise FileFormatError(file, f"cannot be read ({error.strerror})", "Check the path.") from None


@dataclass(frozen=True, eq=False)
class Batch:
    """Some histories and their paths."""

    histories: Sequence[History]
    paths: Mapping[str, NDArray[Any]]  # the entries of `PATH_NAMES`, shape (n,) each


@dataclass(frozen=True, eq=False)
class FluidSource:
    """Straight paths through one fluid, or through each of many events of one class.

    Each event has its own scramblings. One fluid: its scramblings are the replicates whose scatter is the error of an
    average. Many events: the events are, so that the error holds their fluctuation, too.
    """

    config: RunConfig
    entry: HydroFile | None  # how to read the files; None for runs inside the package
    b_fm: float  # impact parameter, fm
    n_part: float  # mean number of participants
    files: tuple[InputFile, ...]  # one per event
    T_end: float  # temperature at which the medium ends, GeV
    before: tuple[InputFile, ...] = ()  # the stage before, one per event or none
    first_replicate: int = 0  # of the first event
    T_scale: float = 1.0  # factor on all temperatures

    def ending(self, T_end: float, T_scale: float = 1.0, from_fm: float | None = None) -> FluidSource:
        """Return it with histories that begin at a time in fm/c and end at a temperature in GeV, all scaled."""
        config, medium = self.config, self.config.medium
        if from_fm is not None and medium.early is not None:
            early = medium.early.model_copy(update={"from_fm": from_fm})
            config = config.model_copy(update={"medium": medium.model_copy(update={"early": early})})
        return replace(self, config=config, T_end=T_end, T_scale=T_scale)

    def emulated(self) -> FluidSource:
        """Return the source of the paths that are emulated, of scramblings of their own.

        One fluid has `CHEAP_REPLICATES` of them, each of many events two, and as many paths as it takes.
        """
        events, total = len(self.files), self.config.paths.cheap or 0
        replicates = CHEAP_REPLICATES if events == 1 else 2
        n = 1
        while n * replicates * events < total or n < self.config.paths.directions:
            n *= 2
        paths = self.config.paths.model_copy(update={"n": n, "replicates": replicates})
        config = self.config.model_copy(update={"paths": paths})
        return replace(self, config=config, first_replicate=FIRST_CHEAP)

    @property
    def b_range(self) -> tuple[float, float]:
        """Twice the impact parameter, fm."""
        return self.b_fm, self.b_fm

    def participants(self, b_fm: Float) -> Float:
        """Return the participants of the class."""
        return np.full(np.shape(b_fm), self.n_part)

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
        reading = self._reading() if self.entry else None
        geometry = self.config.system.model_dump(include={"woods_saxon", "sigma_nn_mb"})
        sampling, hot_end = _drawn(self.config.paths), self.config.medium.allow_hot_end
        for key in ("rapidity", "clock"):  # as for `_reading`
            if sampling[key] == type(self.config.paths).model_fields[key].default:
                del sampling[key]
        contents, early = [file.sha256 for file in self.files], self.config.medium.early
        more: list[Any] = [] if early is None else [early.model_dump()]
        more += [] if self.T_scale == 1 else [{"T_scale": self.T_scale}]
        return _sha256(contents, reading, geometry, self.b_fm, sampling, self.T_end, hot_end, *more)

    def _reading(self) -> dict[str, Any]:
        """Return how the files are read; what is not used is left out, so that runs of before have their digests."""
        own: dict[str, Any] = self.entry.model_dump(exclude={"path", "b_fm", "n_part"}) if self.entry else {}
        unused = {"rapidity": 0.0, "before": None, "mirror": "", "T_min": None, "plane": "reaction"}
        for key, value in unused.items():
            if own[key] == value:
                del own[key]
        if self.before:
            stage = {key: value for key, value in own["before"].items() if (key, value) != ("T_min", None)}
            own["before"] = [{**stage, "path": ""}, [file.sha256 for file in self.before]]
        return own

    def _fluid(self, event: int) -> Hydro:
        before = self.before[event] if self.before else None
        return read_fluid(self.files[event], self.entry, self.b_fm, before, self.config.medium.early)

    @property
    def attrs(self) -> Mapping[str, Any]:
        """Where the temperatures of the first fluid come from, terms and citations, and what is assumed of it.

        Where its file is not at hand, as in the copy of a run, its name and digest.
        """
        paths = self.config.paths
        try:
            fluid = self._fluid(0)
        except FileFormatError:
            return {"source": self.files[0].name, "sha256": self.files[0].sha256, "clock": paths.clock}
        central = paths.rapidity == 0.0 and not (self.entry and self.entry.rapidity)
        assumed = {} if central or fluid.eta is not None else {"medium": BOOST_INVARIANT}
        return {**fluid.attrs, "clock": paths.clock, **assumed}

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
        """Return the histories `start` to `stop` of one event."""
        density = production_density(self.config.system, self.b_fm)
        settings = _drawn(self.config.paths)
        del settings["clock"]
        settings["first_replicate"] = self.first_replicate + event * self.config.paths.replicates
        if self.entry and self.entry.rapidity:
            settings["rapidity"] = self.entry.rapidity
        paths = sample_paths(density, self.b_fm, start=start, stop=stop, **settings)
        ends: dict[str, Any] = {"allow_hot_end": self.config.medium.allow_hot_end}
        fluid = self._fluid(event)
        # of a scaled medium the fluid itself is cut where it becomes as hot as T_end
        histories: Histories = histories_along(
            fluid, paths, self.T_end / self.T_scale, clock=self.config.paths.clock, **ends
        )
        if self.T_scale != 1:
            known_of = histories.metadata, histories.attrs
            histories = Histories(histories.tau_fm, self.T_scale * histories.T, self.T_end, *known_of, **ends)
        n = stop - start
        known = {name: histories.metadata[name] for name in ("x_fm", "y_fm", "pT", "phi", "replicate")}
        known |= {"b_fm": np.full(n, self.b_fm), "weight": np.ones(n), "event": np.full(n, event)}
        known["rapidity"] = paths.rapidity
        if self.entry and self.entry.plane == "event":
            known["phi"] = known["phi"] - event_plane(fluid)
        if len(self.files) > 1:
            known["replicate"] = known["event"]
        return Batch(histories, known)

    def to_json(self) -> dict[str, Any]:
        """Return files and participants."""
        stored = {"b_fm": self.b_fm, "n_part": self.n_part, "files": [asdict(file) for file in self.files]}
        return stored | ({"before": [asdict(file) for file in self.before]} if self.before else {})


@dataclass(frozen=True, eq=False)
class TrajectorySource:
    """Temperatures along ready-made paths, in a trajectory file of QTraj that may hold any number of them."""

    config: RunConfig
    # participants if the run file says how many, else those of the Glauber model at the b of each path
    n_part: float | None
    file: InputFile  # plain or gzip
    index: TrajectoryIndex  # where its blocks are
    T_end: float  # temperature at which the medium ends, GeV
    emulates: bool = False  # whether it gives the paths that are emulated beside the solved ones
    T_scale: float = 1.0  # factor on all temperatures

    def emulated(self) -> TrajectorySource:
        """Return the source of the paths that are emulated: at most ``paths.cheap`` of those that are not solved."""
        return replace(self, emulates=True)

    @cached_property
    def _blocks(self) -> NDArray[np.int64]:
        """Numbers of the blocks of the file that are paths of this source: all, or those solved, or those emulated.

        Both are spread evenly over the file, whose paths may be sorted.
        """
        paths, every = self.config.paths, np.arange(self.index.count)
        if paths.cheap is None:
            return every
        solved = _spread(len(every), paths.n * paths.replicates)
        if not self.emulates:
            return solved
        others = np.setdiff1d(every, solved)
        return others[_spread(len(others), paths.cheap)]

    def ending(self, T_end: float, T_scale: float = 1.0, from_fm: float | None = None) -> TrajectorySource:
        """Return the source with histories that end at a temperature in GeV, all scaled; they begin as they are."""
        return replace(self, T_end=T_end, T_scale=T_scale)

    @property
    def b_range(self) -> tuple[float, float]:
        """Least and largest impact parameter of the paths, fm."""
        return self.index.b_fm

    def participants(self, b_fm: Float) -> Float:
        """Return the participants at impact parameters in fm."""
        if self.n_part is not None:
            return np.full(np.shape(b_fm), self.n_part)
        return participants(self.config.system)(b_fm)

    @property
    def count(self) -> int:
        """Number of histories."""
        return len(self._blocks)

    @property
    def sample(self) -> int:
        """As many of the first paths as a replicate of sampled paths has."""
        return min(self.config.paths.n, self.count)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the file's, of which paths of it are meant, and where the medium ends."""
        some: list[Any] = [] if self.config.paths.cheap is None else [self._blocks.tolist()]
        some += [] if self.T_scale == 1 else [{"T_scale": self.T_scale}]
        return _sha256(self.file.sha256, self.T_end, self.config.medium.allow_hot_end, *some)

    @property
    def attrs(self) -> Mapping[str, Any]:
        """Name and digest of the file."""
        return {"source": self.file.name, "format": TRAJECTORIES, "sha256": self.file.sha256}

    def batch(self, start: int, stop: int) -> Batch:
        """Read the paths `start` to `stop`."""
        check_unchanged(self.file)
        wanted = self._blocks[start:stop]
        blocks = read_qtraj_trajectories(self.file.name, self.index, int(wanted[0]))
        read = islice(blocks, int(wanted[-1] - wanted[0]) + 1)
        chosen = set(wanted.tolist())
        tables = [table for number, table in enumerate(read, int(wanted[0])) if number in chosen]
        paths = {name: np.array([t.metadata.get(name, np.nan) for t in tables]) for name in PATH_NAMES[:6]}
        paths["weight"] = np.array([t.metadata.get("weight", 1.0) for t in tables])
        # independent paths: each is a replicate of its own
        paths["event"] = paths["replicate"] = wanted
        # each on its own times: a common grid would depend on which paths are read together
        ends: dict[str, Any]
        ends = {"T_end": self.T_end, "allow_cold": True, "allow_hot_end": self.config.medium.allow_hot_end}
        histories = [
            TabulatedTemperature(
                t.tau_fm,
                self.T_scale * t.T,
                alpha=t.anisotropy,
                hard_scale=None if t.hard_scale is None else self.T_scale * t.hard_scale,
                **ends,
            )
            for t in tables
        ]
        return Batch(histories, paths)

    def to_json(self) -> dict[str, Any]:
        """Return file, participants and index."""
        files = [asdict(self.file)]
        return {"n_part": self.n_part, "files": files, "trajectories": asdict(self.index)}


Source = FluidSource | TrajectorySource
"""Histories of one impact parameter, or of paths that know theirs: how many there are, and any range of them.

A source has `b_range`, the least and largest impact parameter in fm; `participants` at impact parameters in fm; the
`count` of histories, and how many of the first are a random `sample` of all; the `digest` of all that determines them;
`attrs`, where the temperatures come from; `ending`, the same with another end of the medium; `batch`, any range of the
histories, which do not depend on the range they are asked for in; and `to_json`, for `source_from_json`.
"""


def drawn(source: Source, start: int, stop: int) -> Batch:
    """Return the histories `start` to `stop` of a source as a list; few are kept for what solves them next.

    The settings and starts of a run with emulated paths all solve the same few histories, and to make one takes 0.5 ms.
    """
    return _kept(source, start, stop) if stop - start <= _KEPT else _made(source, start, stop)


def _made(source: Source, start: int, stop: int) -> Batch:
    batch = source.batch(start, stop)
    return Batch(list(batch.histories), batch.paths)


_KEPT = 64  # histories: 32 times as many of a fluid have 15 MB, of long tables with anisotropy 100 MB
_kept = lru_cache(maxsize=32)(_made)


def sources(run_file: RunFile, every: int) -> tuple[Source, ...]:
    """Return the sources of a run file, one per entry of its hydrodynamics; files are found, their content digested."""
    config = run_file.config
    T_end = config.medium.T_end[0]
    if config.medium.hydro != "files":
        return tuple(FluidSource(config, None, b, n, (file,), T_end) for b, n, file in shipped_files(config))
    return tuple(_of_entry(run_file, number, every) for number in range(len(config.medium.files)))


def source_from_json(config: RunConfig, number: int, stored: Mapping[str, Any]) -> Source:
    """Return source `number` of a run file from what `to_json` gave."""
    T_end = config.medium.T_end[0]
    files = tuple(InputFile(**file) for file in stored["files"])
    if "trajectories" in stored:
        own: dict[str, Any] = dict(stored["trajectories"])
        own |= {name: tuple(value) for name, value in own.items() if isinstance(value, list)}  # from JSON
        index = TrajectoryIndex(**own)
        return TrajectorySource(config, stored["n_part"], files[0], index, T_end)
    entry = config.medium.files[number] if config.medium.hydro == "files" else None
    before = tuple(InputFile(**file) for file in stored.get("before", ()))
    return FluidSource(config, entry, stored["b_fm"], stored["n_part"], files, T_end, before)


def _of_entry(run_file: RunFile, number: int, every: int) -> Source:
    config, entry = run_file.config, run_file.config.medium.files[number]
    files = event_files(run_file, entry)
    if entry.format != TRAJECTORIES:
        b_fm = float(cast("float", entry.b_fm))  # the run file needs one for a fluid
        n_part = entry.n_part if entry.n_part is not None else glauber(config.system).n_part(b_fm)
        before = () if entry.before is None else event_files(run_file, entry.before)
        if before and len(before) != len(files):
            allowed = f"name {len(files)} files, one for each event of {entry.path}"
            raise InputError(f"medium.files[{number}].before.path", f"{len(before)} files", allowed)
        return FluidSource(config, entry, b_fm, n_part, files, config.medium.T_end[0], before)
    if len(files) > 1:
        raise FileFormatError(entry.path, f"names {len(files)} trajectory files", "Join them with cat.")
    index = index_qtraj_trajectories(files[0].name, every)
    _check_metadata(config, number, index)
    lowest = config.lowest_T_end
    if index.last_T > lowest and not config.medium.allow_hot_end:
        allowed = f"be above {index.last_T:.4g} GeV, where a path of {entry.path} ends"
        remedy = "Or set allow_hot_end = true: the medium then ends there."
        raise InputError("medium.T_end", lowest, allowed, remedy)
    return TrajectorySource(config, entry.n_part, files[0], index, config.medium.T_end[0])


def _check_metadata(config: RunConfig, number: int, index: TrajectoryIndex) -> None:
    """Refuse a trajectory file whose paths do not know enough, or are not what the run file says of them."""
    entry, key = config.medium.files[number], f"medium.files[{number}]"
    path = entry.path
    fewest, most = index.n_metadata
    if fewest < LEAST_METADATA:
        problem = f"a block has {fewest} metadata lines, a run needs {LEAST_METADATA}: b, x, y, eta, p_T, phi"
        raise FileFormatError(path, problem, "`qtraj.solve` needs none of them.")
    if fewest != most:
        problem = f"some blocks have {fewest} metadata lines, others {most}"
        raise FileFormatError(path, problem, "Give each kind a file and an entry of its own.")
    low, high = index.b_fm
    if entry.b_fm is not None and max(entry.b_fm - low, high - entry.b_fm) > _SAME_B_FM:
        allowed = f"be left out or that of the paths of {path}, which have b = {interval(low, high)} fm"
        raise InputError(f"{key}.b_fm", entry.b_fm, allowed, "The first metadata line of a block is its b.")
    if entry.n_part is not None and high - low > _SAME_B_FM:
        known = f"the paths of {path} have b = {interval(low, high)} fm, each with its own N_part"
        allowed = f"be left out: {known}"
        raise InputError(f"{key}.n_part", entry.n_part, allowed)
    if config.method.budget == "replicate" and index.sorted_by_b:
        allowed = f"be 'all': the paths of {path} are sorted by b, so that the first are no sample of all"
        raise InputError("method.budget", config.method.budget, allowed, "Or shuffle its blocks.")


def interval(low: float, high: float) -> str:
    """Return ``"2.3"``, or ``"0.2 to 12"`` if the ends differ."""
    return f"{low:g}" if high == low else f"{low:g} to {high:g}"


def _spread(count: int, chosen: int) -> NDArray[np.int64]:
    """Return at most `chosen` of the numbers below `count`, evenly spaced."""
    chosen = min(chosen, count)
    return (np.arange(chosen) * count + count // 2) // max(chosen, 1)


def _drawn(paths: Paths) -> dict[str, Any]:
    """Return the keys of ``[paths]`` that say how paths are drawn: arguments of `sample_paths`, and the clock."""
    return paths.model_dump(exclude={"solved", "cheap", "error"})


def _sha256(*content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
