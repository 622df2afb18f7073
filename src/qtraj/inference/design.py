"""The design: the calculation at a few points of the parameters, a campaign whose settings they are.

The points are those of a scrambled Sobol sequence in the cube of the priors (I. M. Sobol', USSR Comput. Math. Math.
Phys. 7 (1967) 86), so that a longer design contains a shorter one and reuses what it solved. Each is one entry
``[[settings]]`` of a run file: chunks, resume, workers and averages over emulated paths are those of any campaign.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import ceil, log2
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import xarray as xr
from scipy.stats import qmc

from .._checks import finite_array, function, instance, instances, integer
from .._checks import path as path_of
from .._netcdf import check_format, read_dataset, write_dataset
from .._types import Float
from ..campaign.executors import Executor
from ..campaign.plan import Plan, make_plan
from ..campaign.progress import Reporter
from ..campaign.results import open_results
from ..campaign.run import STORE, carry_out, prepare
from ..campaign.store import Store
from ..errors import InputError
from ..io.config import RunFile, parse_config
from ..io.factory import feeddown_of
from ..io.inference import toml_text
from ..io.survivals import tables_from_results
from ..observables.data.compare import theory_at
from ..observables.data.dataset import NUMBERS, DataSet
from ..observables.data.systems import CollisionSystem, system_of
from ..observables.feeddown import MESON_NAMES, FeedDown
from ..observables.geometry import with_geometry
from ..observables.table import SurvivalTable
from ..solvers.solve import solve as solve_lindblad
from .parameters import KNOT, Parameters

_FORMAT: Final = "qtraj design 1"
_INPUT_ERRORS: Final = ("branching", "cross_sections")

NEGLIGIBLE: Final = 0.02
"""Share of the error of the data below which an error of feed-down is one of the calculation, without a name."""

# replicates of emulated paths, of 32, on which shifts are computed: a shift is a difference on the same paths, known
# to 3 % of itself from two of them (shipped Pb-Pb), and takes a fifth of the time
_REPLICATES_OF_SHIFTS: Final = 2
# GeV between the points of a table of kappa between knots: the monotone cubic through them is a straight line but for
# the last interval before a knot
_TABLE_STEP: Final = 0.01
_COLDEST, _HOTTEST = 0.05, 2.0  # GeV: beyond what any medium has


@dataclass(frozen=True, eq=False)
class Design:
    """What was computed: theory at the points of the data, at some points of the parameters.

    Attributes
    ----------
    parameters : Parameters
        What varies, with priors.
    points : ndarray, shape (d, p)
        Their values, in the units of the parameters: GeV, fm/c or dimensionless.
    datasets : tuple of DataSet
        Measurements; without points that the calculation has no prediction for.
    values, errors : ndarray, shape (d, n)
        Theory at the n points of all measurements, and its error of paths and numerics.
    shifts : ndarray, shape (d, m, n)
        Change of the theory when a measured number of feed-down rises by its standard error.
    shift_names : tuple of str, length m
        Which number.
    """

    parameters: Parameters
    points: Float
    datasets: tuple[DataSet, ...]
    values: Float
    errors: Float
    shifts: Float
    shift_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.points)

    def rows(self, chosen: Any) -> Design:
        """Return the design of the points that `chosen`, an index array, a slice or a mask, picks."""
        arrays = {name: getattr(self, name)[chosen] for name in ("points", "values", "errors", "shifts")}
        return replace(self, **arrays)

    def joined(self, other: Design) -> Design:
        """Return the design of the points of both.

        Parameters
        ----------
        other : Design
            Of the same parameters and the same points of data.

        Returns
        -------
        Design

        Raises
        ------
        InputError
            If it is of others.
        """
        instance("other", other, Design)
        data = [json.dumps(_written(each)) for each in other.datasets]
        if other.parameters != self.parameters or data != [json.dumps(_written(d)) for d in self.datasets]:
            allowed = "be a design of the same parameters and the same points of data"
            raise InputError("other", ", ".join(map(str, other.datasets)), allowed)
        # a source without a name in one of them moves nothing there
        names = tuple(dict.fromkeys((*self.shift_names, *other.shift_names)))
        moved = [np.zeros((len(each), len(names), self.values.shape[1])) for each in (self, other)]
        for array, each in zip(moved, (self, other), strict=True):
            array[:, [names.index(name) for name in each.shift_names]] = each.shifts
        both: dict[str, Any] = {
            name: np.concatenate([getattr(self, name), getattr(other, name)])
            for name in ("points", "values", "errors")
        }
        return replace(self, **both, shifts=np.concatenate(moved), shift_names=names)

    def digest(self) -> str:
        """Return a digest of all that it holds."""
        known = [self.parameters.to_json(), self.shift_names, [_written(data) for data in self.datasets]]
        digest = hashlib.sha256(json.dumps(known).encode())
        for array in (self.points, self.values, self.errors, self.shifts):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def save(self, path: str | Path) -> Path:
        """Write the design to `path` as netCDF, for `Design.load`, and return the path."""
        variables = {
            "points": (("design", "parameter"), self.points),
            "values": (("design", "point"), self.values),
            "errors": (("design", "point"), self.errors),
            "shifts": (("design", "source", "point"), self.shifts),
        }
        coordinates = {"parameter": list(self.parameters.names), "source": list(self.shift_names)}
        attrs = {
            "format": _FORMAT,
            "parameters": self.parameters.to_json(),
            "datasets": json.dumps([_written(data) for data in self.datasets]),
        }
        return write_dataset(xr.Dataset(variables, coordinates, attrs), path_of("path", path))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read from `path` what `save` wrote.

        Parameters
        ----------
        path : str or Path
            The file.

        Returns
        -------
        Design

        Raises
        ------
        FileFormatError
            If it holds something else.
        """
        path = path_of("path", path)
        dataset = read_dataset(path)
        check_format(path, dataset.attrs, _FORMAT, "`compute_design` writes such a file.")
        datasets = tuple(_read(entry) for entry in json.loads(dataset.attrs["datasets"]))
        arrays = {name: dataset[name].values for name in ("points", "values", "errors", "shifts")}
        names = tuple(str(name) for name in dataset["source"].values)
        parameters = Parameters.from_json(dataset.attrs["parameters"])
        return cls(parameters, datasets=datasets, shift_names=names, **arrays)


def design_points(parameters: Parameters, count: int, seed: int = 0) -> Float:
    """Return the first `count` points of a scrambled Sobol sequence in the cube of the priors, shape (count, p)."""
    sobol = qmc.Sobol(len(parameters), rng=np.random.default_rng(integer("seed", seed, 0)))
    u = sobol.random_base2(ceil(log2(integer("count", count, 1))))[:count]
    return np.asarray(parameters.from_unit(u), dtype=float)


def settings_of(parameters: Parameters, points: Float) -> list[dict[str, Any]]:
    """Return points of the parameters as entries ``[[settings]]`` of a run file.

    Parameters
    ----------
    parameters : Parameters
        Their names.
    points : ndarray, shape (d, p)
        Values.

    Returns
    -------
    list of dict
        Entries, one for each point.
    """
    keys = {"tau_start_fm": "from_fm"}
    entries = []
    for number, point in enumerate(np.asarray(points, dtype=float).tolist()):
        entry: dict[str, Any] = {}
        knots = {}
        for name, value in zip(parameters.names, point, strict=True):
            if KNOT.fullmatch(name):
                knots[float(name.partition("@")[2])] = value
            elif name in ("alpha_s", "md_over_T"):
                entry.setdefault("potential", {})[name] = value
            else:
                entry[keys.get(name, name)] = value
        if knots:
            at = sorted(knots)
            T = np.unique(np.concatenate([np.arange(_COLDEST, _HOTTEST, _TABLE_STEP), at, [_HOTTEST]]))
            kappa = np.interp(T, at, [knots[T_knot] for T_knot in at])
            table = [list(pair) for pair in zip(T.tolist(), kappa.tolist(), strict=True)]
            entry["kappa"] = {"points": table, "name": f"knots {number}"}
        entries.append(entry)
    return entries


def plan_design(run_file: RunFile, parameters: Parameters, points: Float) -> Plan:
    """Return the campaign of a design, checked as far as it can be before the first history is solved.

    `points` have the shape (d, p).
    """
    return make_plan(_designed(run_file, parameters, points))


def _designed(run_file: RunFile, parameters: Parameters, at: Float) -> RunFile:
    """Return the run file whose settings are points of the parameters."""
    if run_file.config.settings:
        raise InputError("run_file", "[[settings]]", "have no settings: the parameters make them")
    text = run_file.text + "\n" + toml_text({"settings": settings_of(parameters, at)})
    return RunFile(parse_config(text, str(run_file.path)), text, run_file.path)


def compute_design(
    run_file: RunFile,
    parameters: Parameters,
    datasets: Sequence[DataSet],
    directory: str | Path,
    *,
    count: int = 24,
    seed: int = 0,
    points: Any = None,
    plan: Plan | None = None,
    report: Reporter | None = None,
    executor: Executor | None = None,
    solve: Any = solve_lindblad,
) -> Design:
    """Compute the theory at the points of measurements for points of the parameters.

    Parameters
    ----------
    run_file : RunFile
        What does not vary; without ``[[settings]]``.
    parameters : Parameters
        What varies, and the priors that the points fill.
    datasets : sequence of DataSet
        Measurements of the system of the run file.
    directory : path
        Folder of the campaign and of the result, ``design.nc``. What is finished there is not computed again.
    count, seed : int, optional
        Number of points, and seed of their scrambling. A longer design of the same seed contains a shorter one.
    points : array_like, shape (d, p), optional
        Points of one's own in place of these.
    plan : Plan, optional
        What `plan_design` made of these points, where it is there already.
    report, executor, solve : optional
        As for a campaign: progress, who solves, and the solver.

    Returns
    -------
    Design

    Raises
    ------
    InputError
        If the run file has settings, a parameter does not fit it, or no measured point has a prediction.
    """
    run_file = instance("run_file", run_file, RunFile)
    parameters = instance("parameters", parameters, Parameters)
    sets = instances("datasets", datasets, DataSet, least=1)
    checked_executor(executor)
    if report is not None:
        instance("report", report, Reporter)
    function("solve", solve, "be a solver such as qtraj.solve")
    if plan is not None:
        instance("plan", plan, Plan)
    at = design_points(parameters, count, seed)
    if points is not None:
        at = finite_array("points", points)
        if at.ndim != 2 or at.shape[1] != len(parameters) or not len(at):
            raise InputError("points", at.shape, f"be of shape (d, {len(parameters)}), a row for each point")
    system = _system(run_file, sets)
    folder = path_of("directory", directory)
    store = Store(folder / STORE)
    designed = _designed(run_file, parameters, at) if plan is None else plan.run_file
    plan = prepare(designed, store, solve=solve, plan=plan)
    identity = hashlib.sha256(
        json.dumps([plan.keys, plan.cheap_keys, repr(parameters), [_written(data) for data in sets]]).encode()
    ).hexdigest()
    finished = folder / f"design-{identity[:16]}.nc"
    if finished.exists():
        return Design.load(finished)
    carry_out(store, report=report, executor=executor, solve=solve)
    results = open_results(store.folder)
    feeddown = feeddown_of(run_file.config.observables.feeddown, run_file.path.parent)
    rows = []
    for i in range(len(plan.settings)):
        (table,) = tables_from_results(results.isel(setting=[i])).values()
        rows.append(_theory(with_geometry(table, system.geometry), sets, feeddown))
    values, errors, shifts = (np.stack(arrays) for arrays in zip(*rows, strict=True))
    known = np.all(np.isfinite(values), axis=0)
    if not np.any(known):
        raise InputError(
            "datasets", [str(data) for data in sets], "have a point where the run has a prediction"
        )
    kept, start = [], 0
    for data in sets:
        own = known[start : (start := start + len(data))]
        if np.any(own):
            kept.append(data.points(own))
    # a number whose shift nobody would notice needs no nuisance parameter
    names = _names(feeddown)
    moved = [i for i in range(len(names)) if np.any(shifts[:, i, known] != 0)]
    arrays = values[:, known], errors[:, known], shifts[:, moved][..., known]
    design = Design(parameters, at, tuple(kept), *arrays, tuple(names[i] for i in moved))
    design.save(finished)
    return design


def checked_executor(executor: Any) -> None:
    """Raise `InputError` unless an executor, if there is one, has what a campaign calls."""
    if executor is not None and (isinstance(executor, type) or not hasattr(executor, "map")):
        raise InputError("executor", executor, "be an executor, with `name` and `map`, or None")


def _system(run_file: RunFile, sets: Sequence[DataSet]) -> CollisionSystem:
    """Return the system of a run file, of which all measurements must be."""
    config = run_file.config.system
    system = system_of(config.name, config.sqrt_s_GeV)
    if system is None:
        raise InputError("system", config.name, "be one whose geometry the package knows")
    for data in sets:
        if (data.system, data.sqrt_s_GeV) != (system.data, system.sqrt_s_GeV):
            allowed = f"be of {system.data} at {system.sqrt_s_GeV:g} GeV, what the run file computes"
            raise InputError("datasets", str(data), allowed)
    return system


def _names(feeddown: FeedDown) -> list[str]:
    """Return a name for each of `FeedDown.variations`."""
    names = list(feeddown.matrix_shifts)
    if feeddown.sigma_exp_error is not None:
        names += [
            f"cross section of {meson}"
            for meson, error in zip(MESON_NAMES, feeddown.sigma_exp_error, strict=True)
            if error > 0
        ]
    return names


def _theory(table: SurvivalTable, sets: Sequence[DataSet], feeddown: FeedDown) -> tuple[Float, Float, Float]:
    """Return theory and its error at all points, (n,), and its shifts, (m, n)."""
    few = table
    if table.emulation is not None:
        emulated = table.emulation < 0
        replicates = np.unique(table.replicate[emulated])[:_REPLICATES_OF_SHIFTS]
        few = table.rows(np.flatnonzero(~emulated | np.isin(table.replicate, replicates)))
    exact = replace(feeddown, matrix_shifts={}, sigma_exp_error=None)
    values, errors, shifts = [], [], []
    for data in sets:
        estimate = theory_at(data, table, feeddown)
        measured = [estimate.parts[name] for name in _INPUT_ERRORS if name in estimate.parts]
        of_input = np.sqrt(np.sum(np.square(measured), axis=0)) if measured else np.zeros(len(data))
        of_data = np.fmax(data.total_plus, data.total_minus)
        moved = np.zeros((len(feeddown.variations), len(data)))
        if np.any(np.nan_to_num(of_input) > NEGLIGIBLE * np.where(np.isfinite(of_data), of_data, np.inf)):
            central = theory_at(data, few, exact).value
            for i, (_, up, _) in enumerate(feeddown.variations):
                moved[i] = theory_at(data, few, up).value - central
            own = {name: part for name, part in estimate.parts.items() if name not in _INPUT_ERRORS}
            errors.append(np.sqrt(np.sum([np.square(part) for part in own.values()], axis=0)))
        else:
            errors.append(np.asarray(estimate.error))
        values.append(estimate.value)
        shifts.append(moved)
    return np.concatenate(values), np.concatenate(errors), np.concatenate(shifts, axis=1)


def _written(data: DataSet) -> dict[str, Any]:
    """Return a measurement as JSON holds it."""
    return {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in asdict(data).items()
    }


def _read(entry: Mapping[str, Any]) -> DataSet:
    arrays = {name: np.array(entry[name], dtype=float) for name in NUMBERS}
    return DataSet(**{**entry, **arrays, "centrality": tuple(entry["centrality"])})
