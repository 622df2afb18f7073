"""What to cite for whatever a user has: a run file, a result, a campaign, or files of QTraj 1.0."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from ..errors import FileFormatError, InputError
from ..io.citations import Choices, Citation, merged, of_choices, of_program, of_run
from ..io.config import RunConfig, RunFile, load_run_file, parse_config
from ..io.references import literature
from ..io.results import read_dataset
from ..observables.data.dataset import DataSet
from ..observables.data.systems import load_system, system_names
from ..qtraj1 import LegacyParameters, read_params
from ..qtraj1.convert import TITLE
from ..qtraj1.program.output import RUN_RECORD
from .plan import make_plan
from .run import STORE, measured
from .store import Store
from .survivals import NETCDF

OUTPUT_NAMES: Final = ("ratios", "summary", "snapshot", "basisfunctions")
"""How the names of QTraj 1.0's output files begin."""

_SOURCES: Final = (
    "Give a run file (.toml), a result (.nc), the folder of a run or campaign, or files of QTraj 1.0."
)


def cited(source: str | Path, *, params: Path | None = None, observables: bool = False) -> list[Citation]:
    """Return what to cite for a calculation; the kind of the source is recognized."""
    source = Path(source)
    if not source.exists():
        raise FileFormatError(source, "no such file or folder", "Check the path.")
    if (store := _store(source) if source.is_dir() else None) is not None or _is_ours(source):
        if params is not None:
            raise InputError("--params", str(params), f"be left out: {source.name} is no output of QTraj 1.0")
    elif observables:
        allowed = f"be left out: no system is known of {source.name}, a file of QTraj 1.0"
        raise InputError("--observables", observables, allowed)
    if source.suffix == ".toml":
        plan = make_plan(load_run_file(source))
        return _of_config(plan.run_file, (each.attrs for each in plan.sources), observables)
    if store is not None:
        plan = store.load_plan()
        return _of_config(plan.run_file, (each.attrs for each in plan.sources), observables)
    if _is_ours(source):
        return _of_result(source, read_dataset(source).attrs, observables)
    return _of_qtraj(source, params)


def _is_ours(source: Path) -> bool:
    """Return whether a file is a run file or a result, and not of QTraj 1.0."""
    if source.suffix in NETCDF and source.is_file():
        return read_dataset(source).attrs.get("title") != TITLE
    return source.suffix == ".toml"


def _store(folder: Path) -> Store | None:
    for place in (folder / STORE, folder):
        if Store(place).plan_path.is_file():
            return Store(place)
    return None


def _of_config(
    run: RunConfig | RunFile, fluids: Iterable[Mapping[str, Any]], observables: bool
) -> list[Citation]:
    config = run.config if isinstance(run, RunFile) else run
    data = [*measured(config), *(_compared(config) if observables else ())]
    return of_run(run, fluids, data)


def _compared(config: RunConfig) -> list[DataSet]:
    """Return the measurements of all observables of a run's system."""
    found: list[DataSet] = []
    for system in map(load_system, system_names()):
        if (system.data, system.sqrt_s_GeV) == (config.system.name, config.system.sqrt_s_GeV):
            for observable, axes in system.observables.items():
                for axis in axes:
                    found += system.measurements(observable, axis)
    return found


def _of_result(path: Path, attrs: Mapping[str, Any], observables: bool) -> list[Citation]:
    if "run_file" not in attrs:
        raise FileFormatError(path, "does not say from which run file it comes", _SOURCES)
    fluids = json.loads(attrs.get("hydro", "[]"))
    return _of_config(parse_config(str(attrs["run_file"]), str(path), stored=True), fluids, observables)


def _of_qtraj(source: Path, params: Path | None) -> list[Citation]:
    """Return what to cite for input or output of QTraj 1.0: that program, too, where it made the numbers."""
    if source.name == "params.txt":
        return _of_parameters(read_params(source), here=False)
    _require_output(source)
    record = _run_record(source) if params is None else ""
    # without parameters: a run of the original to which `qtraj legacy` added rows
    if record and "parameters" in (noted := json.loads(record)):
        return _of_parameters(LegacyParameters(**noted["parameters"]), here=True)
    found = params or (source if source.is_dir() else source.parent).resolve().parent / "input" / "params.txt"
    if not found.is_file():
        problem = "the params.txt of this run is not in ../input, where QTraj keeps it"
        raise FileFormatError(source, problem, "Name it with --params.")
    return _of_parameters(read_params(found), here=False)


def _of_parameters(p: LegacyParameters, *, here: bool) -> list[Citation]:
    program = of_program() if here else Citation("program", literature()["Omar2022"])
    return merged([program, *of_choices(Choices.of_legacy(p))])


def _require_output(source: Path) -> None:
    names = [entry.name for entry in source.iterdir()] if source.is_dir() else [source.name]
    if source.suffix not in NETCDF and not any(name.startswith(OUTPUT_NAMES) for name in names):
        raise FileFormatError(source, "is nothing that qtraj can name the sources of", _SOURCES)


def _run_record(source: Path) -> str:
    """Return what `qtraj legacy` noted of its run, or an empty string."""
    if source.suffix in NETCDF:
        return str(read_dataset(source).attrs.get("run_record", ""))
    path = (source if source.is_dir() else source.parent) / RUN_RECORD
    return path.read_text(encoding="utf-8") if path.is_file() else ""
