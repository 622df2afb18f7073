"""Results of a campaign: all chunks as one dataset that is read where it is looked at, as one file, and their R_AA."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import dask.array as da
import h5py
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from rich.table import Table

from .._checks import boolean
from .._checks import path as path_of
from .._types import Float
from ..emulation import CrossFit, Sample, cross_fit
from ..emulation.features import features_of
from ..errors import AccuracyWarning, FileFormatError, InputError, warn_user
from ..io.factory import model_of
from ..io.results import estimate_from, estimate_variables, provenance, stack, write_dataset
from ..io.survivals import tables_from_results
from ..observables.bins import geometry_bins
from ..observables.curves import Band, RaaCurve, envelope
from ..observables.data.dataset import DataSet
from ..observables.data.systems import CollisionSystem, system_of
from ..observables.estimate import Estimate, format_value
from ..observables.feeddown import MESON_NAMES, FeedDown
from ..observables.geometry import with_geometry
from ..observables.observable import meson_survivals, modification
from ..observables.overview import VARIED
from ..observables.table import Part, SurvivalTable
from ..states import STATE_NAMES, STATES, shown
from .executors import Executor
from .plan import Plan, Setting
from .sources import PATH_NAMES, Source
from .store import REMEDY, Store, present
from .work import QUANTITIES, Advance, Worker

_MEANING = {
    "survival": "final over initial overlap",
    "no_jump": "final overlap of pairs that never jumped over initial overlap",
}

_SMALL = 2**18  # bytes of a chunk that is kept in memory once it was read: 128 MB in all

_CAPTION = (
    "R_AA: central setting, error of the calculation (paths, numerics and branching fractions) on its last digits. "
    "{ranges}Data: total error without the global one, at the N_part given."
)
_RANGES = "Ranges: least and largest value over the settings. "


def open_results(folder: str | Path, *, partial: bool = False) -> xr.Dataset:
    """Open a campaign as one dataset; chunks are read, and checked, when their numbers are asked for.

    Parameters
    ----------
    folder : str or Path
        The store.
    partial : bool, optional
        Accept missing chunks; their numbers are NaN.

    Returns
    -------
    xarray.Dataset
        ``survival`` and ``no_jump`` of dimensions (setting, l, history, state); for states of another l than that of
        the start they are no survivals, but the probability of the state at the end. Each has one variable per part of
        its error (NaN where it was not asked for); over histories the coordinates of `PATH_NAMES`, ``n_part`` of their
        impact parameters, and number of their ``source``. The arrays are Dask arrays. Of a run with ``cheap`` paths the
        solved histories are followed by the emulated ones: ``emulation`` is k for a solved path of the k-th source,
        from 1 on, and -k for an emulated one, ``survival_emulated`` and ``no_jump_emulated`` what is emulated of the
        solved ones.

    Raises
    ------
    InputError
        If the folder is no store, or chunks are missing and `partial` is False.
    FileFormatError
        Here or later, if a chunk is damaged or of another configuration; names the file.
    """
    store = Store(path_of("folder", folder))
    partial = boolean("partial", partial)
    plan = store.load_plan(to_read=True)
    there = present(store)
    if set(plan.keys) <= there.keys() and not set(plan.cheap_keys) <= there.keys():
        emulate(store)
        there = present(store)
    missing = sum(key not in there for key in plan.keys)
    if missing == len(plan.keys) or (missing and not partial):
        remedy = f"`qtraj campaign resume --store {folder}` solves them."
        allowed = f"hold all {len(plan.keys)} chunks, {missing} are missing"
        raise InputError("--store", str(folder), allowed, remedy)
    results = _dataset(plan, store, [key if key in there else "" for key in plan.keys])
    return results if missing or not plan.cheap_keys else _with_emulated(plan, store, results)


def _dataset(plan: Plan, store: Store, present_keys: Sequence[str]) -> xr.Dataset:
    """Return the chunks of a plan as lazy arrays, one block a chunk; a key is empty where the chunk is missing."""
    S, ls = len(plan.settings), plan.config.initial.l
    first = plan.chunks[: len(plan.chunks) // S]  # of the central setting: the others repeat their ranges
    blocks = [chunk for chunk in first if chunk.l == ls[0]]  # and so does each l
    sizes, numbers = tuple(map(len, blocks)), [chunk.source for chunk in blocks]
    sources = [plan.sources[number] for number in numbers]
    by_setting = np.array(present_keys).reshape(S, -1)
    keys = np.stack([by_setting[:, [chunk.l == l for chunk in first]] for l in ls], axis=1)  # (S, l, block)
    # every setting and l has the same paths, so any chunk tells
    some_key = np.array([next(filter(None, column), "") for column in keys.reshape(-1, len(blocks)).T])

    def variable(name: str, **attrs: str) -> xr.Variable:
        chunks = ((1,) * S, (1,) * len(ls), sizes, (len(STATE_NAMES),))
        return xr.Variable(("setting", "l", "history", "state"), _array(store, keys, name, chunks), attrs)

    # a finished chunk with an error budget, or any if there is none yet, knows which parts the error has
    finished = [pair for pair in zip(plan.chunks, present_keys, strict=True) if pair[1]]
    sampled = store.read(min(finished, key=lambda pair: pair[0].budget == "none")[1])
    variables = {}
    for name in QUANTITIES:
        parts = [str(v).partition("_error_")[2] for v in sampled if str(v).startswith(f"{name}_error_")]
        meaning = f"{_MEANING[name]}; of a state of another l than the start's its probability at the end"
        known = {"error_parts": " ".join(parts), "not_estimated": sampled.attrs["not_estimated"]}
        variables[name] = variable(name, **known, long_name=meaning)
        for part in parts:
            error = f"{name}_error_{part}"
            variables[error] = variable(error, long_name=f"{part} error of {name}")
    paths = {name: _array(store, some_key, name, (sizes,)) for name in PATH_NAMES}
    n_part = _participants(sources, paths["b_fm"])
    coordinates: dict[str, Any] = {name: ("history", values) for name, values in paths.items()}
    coordinates["source"] = "history", np.repeat(numbers, sizes)
    coordinates["n_part"] = "history", n_part, {"long_name": "mean number of participants"}
    coordinates |= {**plan.coordinates(), "l": list(ls), "state": list(STATE_NAMES)}
    return xr.Dataset(variables, coordinates, {"run_file": plan.run_file.text})


def _participants(sources: Sequence[Source], b_fm: da.Array) -> da.Array:
    """Return the participants of impact parameters of which each block belongs to one of the sources."""

    def of_block(b_fm: Float, block_info: Mapping[Any, Any]) -> Float:
        (block,) = block_info[None]["chunk-location"]
        n_part: Float = sources[block].participants(b_fm)
        return n_part

    return da.map_blocks(of_block, b_fm, dtype=float, meta=np.empty(0))


def emulate(store: Store, executor: Executor | None = None) -> None:
    """Emulate the cheap paths of a plan whose chunks are solved, and keep them in the store as chunks of their own."""
    plan = store.load_plan()
    missing = set(plan.cheap_keys) - store.finished(plan.cheap_keys)
    if not missing:
        return
    solved = _dataset(plan, store, plan.keys)
    fits = []
    seen = {f"{part}_emulated": np.full(solved[part].shape, np.nan) for part in QUANTITIES}
    for i, setting in enumerate(plan.settings):
        fit = _fit(plan, setting, solved.isel(setting=i))
        fits.append(fit)
        for part in QUANTITIES:
            seen[f"{part}_emulated"][i] = _placed(plan, fit, part, fit.emulated)
    dims = ("setting", "l", "history", "state")
    dataset = xr.Dataset({name: (dims, values) for name, values in seen.items()})
    store.write(plan.cheap_keys[0], dataset.assign_attrs(_CHEAP, chunk="solved paths, emulated"))
    numbers = [n for n, key in enumerate(plan.cheap_keys[1:]) if key in missing]
    worker = Emulation(store.folder, fits=tuple(fits))
    for _ in executor.map(worker, numbers, lambda number, done: None) if executor else map(worker, numbers):
        pass


_CHEAP = {"seconds": 0.0, "not_estimated": ""}  # attributes that every chunk has


def _fit(plan: Plan, setting: Setting, solved: xr.Dataset) -> CrossFit:
    """Fit one setting of the model; the sources share emulators, whose folds leave out whole replicates of all."""
    solved = solved[[*QUANTITIES, "source", "replicate"]].load()
    model = model_of(plan.run_file, setting.kappa, setting.gamma)
    samples = []
    for number, source in enumerate(plan.sources):
        own = solved.isel(history=np.flatnonzero(solved["source"].values == number))
        values = {
            f"{part} {STATE_NAMES[j]}": own[part].values[i, :, j].clip(min=0.0)
            for part in QUANTITIES
            for i, l in enumerate(plan.config.initial.l)
            for j, state in enumerate(STATES)
            if state.l == l and l in (0, 1)
        }
        samples.append(Sample(model, source.ending(setting.T_end).batch(0, source.count).histories, values))
    return cross_fit(samples, solved["replicate"].values)


def _placed(plan: Plan, fit: CrossFit, part: str, values: Float) -> Float:
    """Return emulated survivals (n, m) as (l, n, state), NaN for states that are not of a start."""
    placed = np.full((len(plan.config.initial.l), len(values), len(STATE_NAMES)), np.nan)
    for column, name in enumerate(fit.names):
        of, state = name.split()
        if of == part:
            l = STATES[STATE_NAMES.index(state)].l
            placed[plan.config.initial.l.index(l), :, STATE_NAMES.index(state)] = values[:, column]
    return placed


@dataclass(frozen=True)
class Emulation(Worker):
    """Emulates cheap paths by the number of their chunk; goes to other processes by pickle."""

    fits: tuple[CrossFit, ...] = ()  # one for each setting

    def __call__(self, number: int, advance: Advance | None = None) -> int:
        """Draw the paths, emulate them for all settings, write the chunk, and return the number."""
        store = Store(self.folder)
        plan = store.load_plan()
        place, start, stop = plan.cheap_chunks[number]
        source = plan.sources[place].emulated()
        values = {
            part: np.empty((len(plan.settings), len(plan.config.initial.l), stop - start, len(STATE_NAMES)))
            for part in QUANTITIES
        }
        for T_end in plan.config.medium.T_end:
            batch = source.ending(T_end).batch(start, stop)
            ones = [i for i, setting in enumerate(plan.settings) if setting.T_end == T_end]
            models = [model_of(plan.run_file, plan.settings[i].kappa, plan.settings[i].gamma) for i in ones]
            # fitted to the same histories, so on the same bins of time
            x = features_of(models, batch.histories, self.fits[ones[0]].emulators[0].edges_fm)
            for i, of_setting in zip(ones, x, strict=True):
                emulated = self.fits[i].values_at(of_setting)
                for part in QUANTITIES:
                    values[part][i] = _placed(plan, self.fits[i], part, emulated)
        variables: dict[str, Any] = {name: ("history", path) for name, path in batch.paths.items()}
        dims = ("setting", "l", "history", "state")
        variables |= {part: (dims, of_settings) for part, of_settings in values.items()}
        chunk = f"paths {start}-{stop - 1} of source {place}, emulated"
        store.write(plan.cheap_keys[number + 1], xr.Dataset(variables).assign_attrs(_CHEAP, chunk=chunk))
        return number


def _with_emulated(plan: Plan, store: Store, solved: xr.Dataset) -> xr.Dataset:
    """Return the solved paths, then the emulated ones, as one dataset.

    ``emulation`` is k + 1 for a solved path of source k and -k - 1 for an emulated one; ``survival_emulated`` and
    ``no_jump_emulated`` are what the emulators say of solved paths that they did not see.
    """
    S, L, n = (solved.sizes[dim] for dim in ("setting", "l", "history"))
    keys, pieces = np.array(plan.cheap_keys[1:]), plan.cheap_chunks
    sizes = tuple(stop - start for _, start, stop in pieces)
    whole, dims = ((S,), (L,), sizes, (len(STATE_NAMES),)), ("setting", "l", "history", "state")
    numbers = np.repeat([place for place, *_ in pieces], sizes)

    def longer(name: str, variable: xr.Variable) -> Any:
        if "history" not in variable.dims:
            return variable
        axis = variable.dims.index("history")
        if name in QUANTITIES:
            more = _array(store, keys[None, None], name, whole)
        elif name in PATH_NAMES:
            more = _array(store, keys, name, (sizes,))
        elif name == "source":
            more = numbers
        elif name == "n_part":
            more = _participants(
                [plan.sources[place] for place, *_ in pieces], _array(store, keys, "b_fm", (sizes,))
            )
        else:  # errors are those of the solved paths
            shape = (*variable.shape[:axis], len(numbers), *variable.shape[axis + 1 :])
            more = da.full(shape, np.nan, chunks=-1)
        return xr.Variable(variable.dims, da.concatenate([variable.data, more], axis=axis), variable.attrs)

    both = xr.Dataset(
        {str(name): longer(str(name), v.variable) for name, v in solved.data_vars.items()},
        {str(name): longer(str(name), v.variable) for name, v in solved.coords.items()},
        solved.attrs,
    )
    for part in QUANTITIES:
        name = f"{part}_emulated"
        seen = _array(store, np.array(plan.cheap_keys[:1])[None, None], name, ((S,), (L,), (n,), whole[3]))
        unknown = da.full((S, L, len(numbers), len(STATE_NAMES)), np.nan, chunks=-1)
        of_solved = {"long_name": f"{part} of solved paths as emulated by what did not see them"}
        both[name] = xr.Variable(dims, da.concatenate([seen, unknown], axis=2), of_solved)
    kind = np.concatenate([solved["source"].values + 1, -1 - numbers])
    return both.assign_coords(emulation=("history", kind))


def _array(store: Store, keys: NDArray[np.str_], name: str, chunks: tuple[tuple[int, ...], ...]) -> da.Array:
    block = partial(_block, store, keys, name)
    return da.map_blocks(block, chunks=chunks, dtype=float, meta=np.empty((0,) * len(chunks)))


def _block(store: Store, keys: NDArray[np.str_], name: str, block_info: Mapping[Any, Any]) -> Float:
    """Return one block of a variable; NaN where the chunk is missing or has no such variable."""
    place, shape = block_info[None]["chunk-location"], block_info[None]["chunk-shape"]
    key = str(keys[place[: keys.ndim]])
    if not key:
        return np.full(shape, np.nan)
    path = store.path(key)
    try:
        state = path.stat()
    except OSError as error:
        raise FileFormatError(path, f"cannot be read ({error.strerror})", REMEDY) from None
    _check(store, key, state.st_mtime_ns)
    if state.st_size < _SMALL:
        return _contents(path, state.st_mtime_ns).get(name, np.full(shape, np.nan)).reshape(shape)
    with h5py.File(path, "r", locking=False) as file:
        values = np.asarray(file[name], dtype=float) if name in file else np.full(shape, np.nan)
    return values.reshape(shape)


@lru_cache(maxsize=512)
def _contents(path: Path, mtime_ns: int) -> dict[str, Float]:
    """Return the numbers of a small file, which has twenty variables: to open it takes longer than to read it."""
    with h5py.File(path, "r", locking=False) as file:
        return {name: np.asarray(v, dtype=float) for name, v in file.items() if v.dtype.kind in "iuf"}


@lru_cache(maxsize=2**16)
def _check(store: Store, key: str, mtime_ns: int) -> None:
    """Check the file of a chunk, once; the time of the file is an argument, so that a new one is checked anew."""
    store.check(key)


def merge(folder: str | Path, target: str | Path, citations: Sequence[str] = ()) -> Path:
    """Write the results of a finished campaign as one netCDF file, chunk by chunk, with checksum and provenance."""
    results = open_results(folder)
    plan = Store(Path(folder)).load_plan(to_read=True)
    results.attrs = {
        "title": plan.config.output.title or "Survival along each path",
        **provenance(plan.run_file.text, plan.config.paths.seed, citations),
        "run_file_path": str(plan.run_file.path.absolute()),
        "solved_by": plan.solver,
        "hydro": json.dumps([dict(source.attrs) for source in plan.sources]),
        "clock": plan.config.paths.clock,
    }
    return write_dataset(results, target)


def predict(plan: Plan, results: xr.Dataset, feeddown: FeedDown) -> xr.Dataset:
    """Average a campaign over paths, one setting at a time, and return survival and R_AA of the nine mesons.

    The numbers are those of `qtraj observe`: the same table of survivals, bins, observable and error. ``raa``,
    ``raa_no_jump`` and ``survival`` have the dimensions (setting, meson, geometry), each with the parts of its error.
    """
    if reason := plan.config.initial.lacks_raa:
        remedy = "`qtraj campaign merge` writes the probabilities along each path."
        raise InputError("initial", plan.config.initial.kind, f"be a start with R_AA: {reason}", remedy)
    nuclei = plan.config.system
    system = system_of(nuclei.name, nuclei.sqrt_s_GeV)
    raa, survival = modification(), meson_survivals()
    wanted: dict[str, tuple[Any, Part]]
    wanted = {"raa": (raa, "total"), "raa_no_jump": (raa, "no_jump"), "survival": (survival, "total")}
    answers: dict[str, dict[str, Estimate]] = {name: {} for name in wanted}
    n_part, b_fm, averages = [], [], []
    for i, setting in enumerate(plan.settings):
        (table,) = tables_from_results(results.isel(setting=[i])).values()
        averages.append(str(table.attrs.get("average", "")))
        bins = geometry_bins(table)
        if bins.intervals is not None:
            table = _weighed(table, system)
        for name, (observable, part) in wanted.items():
            curve = observable.curve(table, bins, feeddown, part=part)
            answers[name][setting.label] = stack({meson: curve[meson] for meson in MESON_NAMES})
        # every setting has the same paths
        points = [table.rows(rows) for *_, rows in bins.rows(table)]
        n_part = [float(np.average(rows.n_part, weights=rows.weight)) for rows in points]
        b_fm = [float(np.average(rows.b_fm, weights=rows.weight)) for rows in points]
    variables: dict[str, Any] = {}
    for name, by_setting in answers.items():
        variables |= estimate_variables(name, stack(by_setting), ("setting", "meson", "geometry"))
    coordinates = {
        **plan.coordinates(),
        "meson": list(MESON_NAMES),
        "n_part": ("geometry", n_part, {"long_name": "mean number of participants"}),
        "b_fm": ("geometry", b_fm, {"long_name": "mean impact parameter", "units": "fm"}),
    }
    attrs = {}
    if "emulation" in results.coords:
        emulated = results["emulation"].values < 0
        attrs = {"solved_paths": int(np.sum(~emulated)), "emulated_paths": int(np.sum(emulated))}
        coordinates["average"] = ("setting", averages, {"long_name": "what the averages are made of"})
    target, reached = (
        plan.config.paths.error,
        max(float(np.max(e.statistical)) for e in answers["survival"].values()),
    )
    if target is not None and reached > target:
        remedy = "Give `solved` and `cheap`, larger ones."
        warn_user(
            f"averaged survivals are known to {reached:.1g}, paths.error is {target:g}. {remedy}",
            AccuracyWarning,
        )
    return xr.Dataset(variables, coordinates, attrs)


def _weighed(table: SurvivalTable, system: CollisionSystem | None) -> SurvivalTable:
    """Return rows of many impact parameters with the weights that `qtraj observe` gives them.

    How the impact parameters of a trajectory file were drawn is not written in it, so in a bin of N_part each counts
    with the number of collisions it stands for; of a system that the package does not know, as often as it was drawn.
    """
    if np.ptp(table.weight) > 0:
        remedy = "The weighted survivals are in the store: `qtraj campaign merge`."
        allowed = "be the same for all paths of R_AA in bins of impact parameters"
        raise InputError("weight", (table.weight.min(), table.weight.max()), allowed, remedy)
    if system is None or table.b_fm.max() > system.geometry.b_fm[-1]:
        return table
    return with_geometry(table, system.geometry)


def curves(prediction: xr.Dataset, name: str = "raa") -> dict[str, RaaCurve]:
    """Return the curves R_AA(N_part) of a prediction, one per setting."""
    estimate = estimate_from(prediction, name)
    mesons = [str(meson) for meson in prediction["meson"].values]
    n_part = prediction["n_part"].values
    return {
        str(setting): RaaCurve(n_part, {meson: estimate[i, j] for j, meson in enumerate(mesons)})
        for i, setting in enumerate(prediction["setting"].values)
    }


def band(prediction: xr.Dataset, meson: str, varied: str) -> Band:
    """Return the range of R_AA of one meson when one of `VARIED` is varied and the others are central.

    With one value of it there is no range, and nothing for a legend to name.
    """
    # files of earlier versions know no T_end of their settings
    fixed = [prediction[name].values for name in VARIED if name != varied and name in prediction]
    chosen = prediction.isel(setting=np.all([values == values[0] for values in fixed], axis=0))
    every = curves(chosen)
    values = ", ".join(value if isinstance(value, str) else f"{value:g}" for value in chosen[varied].values)
    label = f"{varied}: {values}" if len(every) > 1 else ""
    return envelope(every, meson, next(iter(every)), label)


@dataclass(frozen=True)
class Row:
    """R_AA of one meson at one impact parameter."""

    meson: str
    n_part: float
    b_fm: float
    central: Estimate  # R_AA of the central setting with the error of the calculation
    ranges: dict[str, tuple[float, float]]  # over the settings of each varied coefficient
    measured: tuple[str, ...]  # the nearest point of each experiment: name, value, total error, N_part


def summary(prediction: xr.Dataset, mesons: Sequence[str], data: Sequence[DataSet]) -> Iterator[Row]:
    """Yield the rows of the table, meson by meson, from central to peripheral."""
    n_part, b_fm = prediction["n_part"].values, prediction["b_fm"].values
    for meson in mesons:
        # what has one setting has no range; files of earlier versions know no T_end of their settings
        names = [name for name in VARIED if name in prediction and len(set(prediction[name].values)) > 1]
        bands = {varied: band(prediction, meson, varied) for varied in dict.fromkeys(("kappa", *names))}
        points = [measurement for measurement in data if measurement.state == meson]
        for i in np.argsort(-n_part):
            ranges = {varied: (float(bands[varied].low[i]), float(bands[varied].high[i])) for varied in names}
            nearest = []
            for measured in points:
                j = int(np.argmin(np.abs(measured.x - n_part[i])))
                error = max(measured.total_plus[j], measured.total_minus[j])
                value = format_value(float(measured.value[j]), float(error))
                nearest.append(f"{measured.experiment} {value} at {measured.x[j]:.0f}")
            central = bands["kappa"].central[i]
            yield Row(meson, float(n_part[i]), float(b_fm[i]), central, ranges, tuple(nearest))


def table(rows: Iterable[Row], title: str = "") -> Table:
    """Return the rows as a table for `rich.console.Console.print`."""
    rows = list(rows)
    varied = tuple(rows[0].ranges) if rows else ()
    caption = _CAPTION.format(ranges=_RANGES if varied else "")
    result = Table(title=title, caption=caption, caption_justify="left", title_justify="left")
    for heading in ("meson", "N_part", "b [fm]", "R_AA", *(f"{name} range" for name in varied)):
        result.add_column(heading, justify="left" if heading == "meson" else "right", no_wrap=True)
    result.add_column("nearest data")
    previous = ""
    for row in rows:
        if previous and row.meson != previous:
            result.add_section()
        previous = row.meson
        cells = (f"{low:.3f} - {high:.3f}" for low, high in row.ranges.values())
        place = f"{row.n_part:.0f}", f"{row.b_fm:g}"
        result.add_row(shown(row.meson), *place, str(row.central), *cells, "; ".join(row.measured))
    return result
