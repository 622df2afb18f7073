"""What a user has, recognized by its kind, and read: its survivals, its temperatures, or what to cite for it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike
from scipy.interpolate import PchipInterpolator

from ..errors import AccuracyWarning, FileFormatError, InputError, warn_user
from ..hydro.readers.qtraj_text import METADATA_NAMES, TemperatureTable, read_qtraj_trajectories
from ..io.citations import (
    Choices,
    Citation,
    literature,
    merged,
    of_choices,
    of_program,
    of_run,
    of_steady_state,
)
from ..io.config import RunConfig, RunFile, load_run_file, parse_config
from ..io.results import read_dataset
from ..io.survivals import read_survival_csv, table_from_averages, table_from_ratios, tables_from_results
from ..observables.bins import SPECTRA
from ..observables.data.dataset import DataSet
from ..observables.data.files import data_of
from ..observables.data.systems import system_of
from ..observables.estimate import Estimate
from ..observables.observable import survival_average
from ..observables.table import FED_STATES, SurvivalTable
from ..physics.medium import TabulatedTemperature
from ..qtraj1 import (
    LegacyParameters,
    RatioTable,
    average_ratios,
    read_averaged_ratios,
    read_params,
    read_ratios,
)
from ..qtraj1.convert import TITLE
from ..qtraj1.files.ratios import is_averaged
from ..qtraj1.program.output import RUN_RECORD
from ..solvers.equilibrium import SteadyState
from ..solvers.result import Saved
from ..states import State
from .plan import make_plan
from .results import open_results
from .run import STORE, measured
from .sources import Batch, TrajectorySource
from .store import Store

NETCDF: Final = (".nc", ".netcdf")

OUTPUT_NAMES: Final = ("ratios", "summary", "snapshot", "basisfunctions")
"""How the names of QTraj 1.0's output files begin."""

_SOURCES: Final = (
    "Give a run file (.toml), a result (.nc), the folder of a run or campaign, or files of QTraj 1.0."
)


def _store(folder: Path) -> Store | None:
    """Return the store in a folder of a run, or the folder itself if it is one."""
    for place in (folder / STORE, folder):
        if Store(place).plan_path.is_file():
            return Store(place)
    return None


class MissingDataWarning(UserWarning):
    """Measurements that a run file names are not where they were."""


@dataclass(frozen=True, eq=False)
class Survivals:
    """What was read."""

    tables: dict[str, SurvivalTable]  # one for each setting of the model, the central one first
    title: str  # for figures
    system: str | None = None  # name of the collision system, if the source states one that the package knows
    feeddown: str | None = None  # feed-down table that the source names
    ratios: RatioTable | None = None  # the rows of a ratio file
    data: tuple[DataSet, ...] = ()  # measurements that the run file names beside those of the system

    def averages(self, *, weighted: bool = False) -> dict[str, dict[str, Estimate]]:
        """Return the mean survival of the radial states, for each setting.

        Of a ratio file, for each initial l, the mean ratios of the states with this l as `average_ratios` takes them,
        with its warnings about rare rows; and under a name of its own what became the other states.
        """
        if self.ratios is None:
            return {label: survival_average(table) for label, table in self.tables.items()}
        averages: dict[str, dict[str, Estimate]] = {}
        for l in self.ratios.angular_momenta:
            means = average_ratios(self.ratios, l=l, weighted=weighted)
            same_l = {name: mean for name, mean in means.items() if State.named(name).l == l}
            others = {name: mean for name, mean in means.items() if name not in same_l}
            averages |= {f"l = {l}": same_l, f"l = {l}, transition to": others}
        return {label: means for label, means in averages.items() if means}

    def missing_states(self) -> list[str]:
        """Return the states that feed-down needs and no row knows."""
        known = {state for table in self.tables.values() for state in table.states}
        return [state for state in FED_STATES if state not in known]


def load_runs(sources: Sequence[str | Path], *, weighted: bool = False) -> Survivals:
    """Read one source, or runs that differ in T_end, as settings of one model."""
    runs = [load_survivals(source, weighted=weighted) for source in sources]
    if len(runs) == 1:
        return runs[0]
    ends = [next(iter(run.tables.values())).attrs.get("T_end") for run in runs]
    if None in ends or len(set(ends)) < len(ends) or len({run.system for run in runs}) > 1:
        names = ", ".join(str(source) for source in sources)
        raise InputError("SOURCE", names, "be one source, or runs of one system that differ in T_end")
    first, *others = runs
    tables = dict(first.tables)
    for source, run in zip(sources[1:], others, strict=True):
        a, b = (next(iter(each.tables.values())) for each in (first, run))
        columns = ("b_fm", "pT", "phi", "y", "weight", "replicate")
        if all(np.array_equal(getattr(a, name), getattr(b, name)) for name in columns):
            continue
        fixed = [[] if each.b_fm is None else np.unique(each.b_fm).tolist() for each in (a, b)]
        if fixed[0] != fixed[1] and min(map(len, fixed)) <= SPECTRA:
            points = ", ".join(f"{x:g}" for x in fixed[0])
            allowed = f"be a run at the impact parameters of {sources[0]}: {points} fm"
            raise InputError("SOURCE", str(source), allowed)
        # the scatter of other paths looks like an effect of T_end
        warn_user(
            f"the paths of {source} are not those of {sources[0]}, so the band over T_end also holds the scatter of "
            "both. Runs with the same [paths], seed included, have the same paths.",
            AccuracyWarning,
        )
    for end, run in zip(ends[1:], others, strict=True):
        tables |= {f"{label}, T_end={end:g}": table for label, table in run.tables.items()}
    return replace(first, tables=tables)


def load_survivals(source: str | Path, *, weighted: bool = False) -> Survivals:
    """Read survival tables; the kind of the source is recognized."""
    source = Path(source)
    if weighted and source.exists() and (source.is_dir() or source.suffix in (*NETCDF, ".csv")):
        allowed = f"be left out: {source.name} is no ratio file, and its rows have their weights anyway"
        raise InputError("--weighted", weighted, allowed)
    if source.is_dir():
        return _from_campaign(source)
    if not source.is_file():
        raise FileFormatError(source, "no such file or folder", "Check the path.")
    if source.suffix == ".toml":
        remedy = f"`qtraj run {source}` solves it, and its folder is such a source."
        raise InputError("SOURCE", str(source), "be what was computed and no run file", remedy)
    if source.suffix in NETCDF:
        results = read_dataset(source)
        if results.attrs.get("title") in Saved.kinds:
            remedy = "`qtraj.load` reads it; observables are made of the paths of `qtraj run`."
            raise FileFormatError(source, f"holds a {results.attrs['title']}, and no run", remedy)
        if "raa" in results and "history" not in results.dims:
            # R_AA of a run: its survivals are in the store beside it
            store = _store(source.parent)
            if store is None or store.load_plan(to_read=True).run_file.text != results.attrs.get("run_file"):
                remedy = "Give the folder of its run, or the file of `qtraj campaign merge`."
                raise FileFormatError(source, "holds R_AA, and not the survival along each path", remedy)
            return _from_campaign(source.parent)
        tables, run_file = tables_from_results(results), stored_run_file(source, results.attrs)
        return Survivals(tables, "") if run_file is None else _of_run(tables, run_file, source.parent)
    if source.suffix == ".csv":
        return Survivals({"table": read_survival_csv(source)}, source.name)
    if is_averaged(source):
        table = table_from_averages(read_averaged_ratios(source), weighted=weighted)
        return Survivals({"averages": table}, source.name)
    ratios = read_ratios(source)
    return Survivals({"ratios": table_from_ratios(ratios, weighted=weighted)}, source.name, ratios=ratios)


def _from_campaign(folder: Path) -> Survivals:
    store = _store(folder)
    if store is None:
        remedy = "`qtraj run FILE.toml` and `qtraj campaign run FILE.toml` make one."
        raise FileFormatError(folder, "holds no campaign", remedy)
    plan = store.load_plan(to_read=True)
    return _of_run(tables_from_results(open_results(store.folder)), plan.run_file, folder)


def stored_run_file(source: Path, attrs: Mapping[str, Any]) -> RunFile | None:
    """Return the run file inside a result, where it was if it is still there, else beside the result."""
    text = str(attrs.get("run_file", ""))
    if not text:
        return None
    path = Path(str(attrs.get("run_file_path", "")))
    return RunFile(parse_config(text, str(source), stored=True), text, path if path.is_file() else source)


def of_its_time(run_file: RunFile, b_fm: ArrayLike) -> RunFile:
    """Return the run file of a result, whose paths have `b_fm`: "all" of the package are those of that time."""
    medium = run_file.config.medium
    if medium.hydro == "files" or medium.b_fm is not None:
        return run_file
    medium = medium.model_copy(update={"b_fm": tuple(map(float, np.unique(b_fm)))})
    return replace(run_file, config=run_file.config.model_copy(update={"medium": medium}))


def _of_run(tables: dict[str, SurvivalTable], run_file: RunFile, folder: Path) -> Survivals:
    """Return the survivals of a run with what its run file says of them; files that it names may lie in `folder`."""
    config = run_file.config
    if reason := config.initial.lacks_raa:
        allowed = f"be a start whose survivals make observables: {reason}"
        raise InputError("initial", config.initial.kind, allowed)
    end = {"T_end": config.medium.T_end[0]}  # files of earlier versions know no T_end of their settings
    tables = {label: replace(table, attrs={**end, **table.attrs}) for label, table in tables.items()}
    system = system_of(config.system.name, config.system.sqrt_s_GeV)
    places = list(dict.fromkeys([run_file.path.parent.absolute(), folder.absolute()]))
    data: list[DataSet] = []
    missing: list[str] = []
    for words in config.observables.data:
        name = words.partition(",")[0]
        place = next((place for place in places if (place / name).is_file()), None)
        data += () if place is None else data_of(words, place, "observables.data")
        missing += [name] if place is None else []
    if missing:
        warn_user(
            f"the data {', '.join(missing)} that the run file names are not shown: they are not in "
            f"{' or '.join(map(str, places))}. Put them there, or give them to `qtraj observe` with --data.",
            MissingDataWarning,
        )
    # a feed-down table of the user's lies beside the run file, too
    feeddown = config.observables.feeddown
    tables_there = [place / feeddown for place in places if (place / feeddown).is_file()]
    return Survivals(
        tables,
        config.output.title,
        None if system is None else system.name,
        str(tables_there[0]) if tables_there else feeddown,
        data=tuple(data),
    )


def cited(source: str | Path, *, params: Path | None = None, observables: bool = False) -> list[Citation]:
    """Return what to cite for a calculation.

    `source` is a run file, ``result.nc`` of a run, a file of `qtraj equilibrium` or `qtraj campaign merge`, the folder
    of a run or of a store, a ``params.txt`` of QTraj 1.0, or its output: a folder, a file in it, or what `qtraj
    convert` made of them.
    `params` belongs to output of QTraj 1.0; by default it is the run record of `qtraj legacy`, or
    ``../input/params.txt``. `observables` adds the measurements that `qtraj observe` and `qtraj report` show.
    """
    source = Path(source)
    if not source.exists():
        raise FileFormatError(source, "no such file or folder", "Check the path.")
    store = _store(source) if source.is_dir() else None
    attrs = read_dataset(source).attrs if source.suffix in NETCDF and source.is_file() else None
    is_result = attrs is not None and attrs.get("title") != TITLE
    if store is None and not is_result and source.suffix != ".toml":
        if observables:
            allowed = f"be left out: no system is known of {source.name}, a file of QTraj 1.0"
            raise InputError("--observables", observables, allowed)
        return _of_qtraj(source, params)
    if params is not None:
        raise InputError("--params", str(params), f"be left out: {source.name} is no output of QTraj 1.0")
    if attrs is not None and attrs.get("title") == SteadyState.title:
        return of_steady_state(str(attrs["settings"]))
    if attrs is not None:
        if "run_file" not in attrs:
            raise FileFormatError(source, "does not say from which run file it comes", _SOURCES)
        fluids: Iterable[Mapping[str, Any]] = json.loads(attrs.get("hydro", "[]"))
        run: RunConfig | RunFile
        run = config = parse_config(str(attrs["run_file"]), str(source), stored=True)
    else:
        plan = make_plan(load_run_file(source)) if store is None else store.load_plan(to_read=True)
        run, config, fluids = plan.run_file, plan.config, [each.attrs for each in plan.sources]
    data = list(measured(config))
    system = system_of(config.system.name, config.system.sqrt_s_GeV)
    if observables and system is not None:
        for observable, axes in system.observables.items():
            for axis in axes:
                data += system.measurements(observable, axis)
    return of_run(run, fluids, data)


def _of_qtraj(source: Path, params: Path | None) -> list[Citation]:
    """Return what to cite for input or output of QTraj 1.0: that program, too, where it made the numbers."""
    original = Citation("program", literature()["Omar2022"])
    if source.name == "params.txt":
        return merged([original, *of_choices(Choices.of_legacy(read_params(source)))])
    names = [entry.name for entry in source.iterdir()] if source.is_dir() else [source.name]
    if source.suffix not in NETCDF and not any(name.startswith(OUTPUT_NAMES) for name in names):
        raise FileFormatError(source, "is nothing that qtraj can name the sources of", _SOURCES)
    folder = source if source.is_dir() else source.parent
    text = ""  # what `qtraj legacy` noted of its run
    if params is None and source.suffix in NETCDF:
        text = str(read_dataset(source).attrs.get("run_record", ""))
    elif params is None and (folder / RUN_RECORD).is_file():
        text = (folder / RUN_RECORD).read_text(encoding="utf-8")
    record: dict[str, Any] = json.loads(text or "{}")
    if "parameters" in record:
        parameters = LegacyParameters(**record["parameters"])
        return merged([of_program(), *of_choices(Choices.of_legacy(parameters))])
    # no record, or one without parameters: a run of the original to which `qtraj legacy` added rows
    path = params or folder.resolve().parent / "input" / "params.txt"
    if not path.is_file():
        problem = "the params.txt of this run is not in ../input, where QTraj keeps it"
        raise FileFormatError(source, problem, "Name it with --params.")
    return merged([original, *of_choices(Choices.of_legacy(read_params(path)))])


def trajectory_tables(source: str | Path, dtau_fm: float | None = None) -> Iterator[TemperatureTable]:
    """Yield the temperatures along every path of a source, with the path as metadata of QTraj's trajectory files.

    `source` is a run file, the folder of a run or store, a file of `qtraj campaign merge`, a
    netCDF file of histories (variables tau in fm/c and T (path, tau) in GeV, b_fm, x_fm, y_fm, pT, phi and, where they
    are known, rapidity and weight), or a trajectory file of QTraj. `dtau_fm` interpolates to times so far apart, as
    qtraj does; else the times are those of the source.
    """
    source = Path(source)
    if not source.exists():
        raise FileFormatError(source, "no such file or folder", "Check the path.")
    if source.is_dir():
        store = _store(source)
        if store is None:
            raise FileFormatError(source, "holds no campaign", "Give a run file, or the folder of a run.")
        sources = store.load_plan().sources
    elif source.suffix == ".toml":
        sources = make_plan(load_run_file(source)).sources
    elif source.suffix in NETCDF:
        try:
            dataset = xr.load_dataset(source, engine="h5netcdf")
        except (OSError, ValueError) as error:
            raise FileFormatError(source, f"netCDF4 cannot open it ({error})", "Truncated?") from None
        if {"tau", "T"} <= set(dataset.variables):  # anybody's file, without a checksum
            yield from _denser(_stored_tables(source, dataset), dtau_fm)
            return
        results = read_dataset(source)
        run_file = stored_run_file(source, results.attrs)
        if run_file is None or "b_fm" not in results:
            problem = "holds neither temperatures along paths nor the paths of a run"
            raise FileFormatError(source, problem, "Give the run file.")
        sources = make_plan(of_its_time(run_file, results["b_fm"].values)).sources
    else:
        yield from _denser(read_qtraj_trajectories(source), dtau_fm)
        return
    for each in sources:
        if isinstance(each, TrajectorySource):
            yield from _denser(read_qtraj_trajectories(each.file.name), dtau_fm)
            continue
        for start in range(0, each.count, _AT_ONCE):
            batch = each.batch(start, min(start + _AT_ONCE, each.count))
            yield from _denser((_table(batch, i) for i in range(len(batch.histories))), dtau_fm)


_AT_ONCE: Final = 1024  # histories


def _table(batch: Batch, i: int) -> TemperatureTable:
    history = cast("TabulatedTemperature", batch.histories[i])
    paths = batch.paths
    known = {name: float(paths[name][i]) for name in METADATA_NAMES if name in paths}
    # a pair made at z = t = 0 stays at the space-time rapidity that is its own
    known["eta"] = known["rapidity"] = float(np.nan_to_num(paths["rapidity"][i]))
    scale = None if history.hard_scale is None else np.asarray(history.hard_scale)
    alpha = None if history.alpha is None else np.asarray(history.alpha)
    return TemperatureTable(np.asarray(history.tau_fm), np.asarray(history.T), alpha, scale, known)


def _stored_tables(source: Path, dataset: xr.Dataset) -> Iterator[TemperatureTable]:
    names = [name for name in METADATA_NAMES if name in dataset]
    missing = {"b_fm", "x_fm", "y_fm", "pT", "phi"} - set(names)
    if missing or dataset["T"].ndim != 2 or dataset["tau"].ndim not in (1, 2):
        problem = (
            f"of tau, T (path, tau), b_fm, x_fm, y_fm, pT, phi something is missing: {sorted(missing) or 'T'}"
        )
        raise FileFormatError(source, problem)
    tau = np.broadcast_to(dataset["tau"].values, dataset["T"].shape)
    for i, T in enumerate(dataset["T"].values):
        known = {name: float(dataset[name].values[i]) for name in names}
        y = known.get("rapidity", known.get("eta", 0.0))
        kept = np.isfinite(T)
        yield TemperatureTable(
            tau[i][kept], T[kept], metadata={"eta": y, "rapidity": y, "weight": 1.0, **known}
        )


def _denser(tables: Iterable[TemperatureTable], dtau_fm: float | None) -> Iterator[TemperatureTable]:
    """Yield tables on times `dtau_fm` apart and at their own last time, interpolated as histories are."""
    for table in tables:
        # QTraj's own older files lack what newer ones say
        y = table.metadata.get("rapidity", table.metadata.get("eta", 0.0))
        known = {"rapidity": y, "weight": 1.0, **table.metadata}
        if dtau_fm is None:
            yield replace(table, metadata=known)
            continue
        first, last = float(table.tau_fm[0]), float(table.tau_fm[-1])
        tau = np.append(np.arange(first, last - 1e-9, dtau_fm), last)
        log = np.log(table.tau_fm)

        def at(values: Any, log: Any = log, tau: Any = tau) -> Any:
            return np.exp(PchipInterpolator(log, np.log(values))(np.log(tau)))

        alpha, scale = (None if v is None else at(v) for v in (table.anisotropy, table.hard_scale))
        yield TemperatureTable(tau, at(table.T), alpha, scale, known)
