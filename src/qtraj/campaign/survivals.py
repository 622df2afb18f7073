"""Survival tables from whatever a user has: a campaign, a merged file, a CSV file, a ratio file of QTraj 1.0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ..errors import FileFormatError, InputError
from ..io.config import parse_config
from ..io.results import read_dataset
from ..io.survivals import read_survival_csv, table_from_ratios, tables_from_results
from ..observables.data.systems import system_of
from ..observables.estimate import Estimate
from ..observables.observable import survival_average
from ..observables.table import SurvivalTable
from ..qtraj1 import RatioTable, average_ratios, read_ratios
from ..states import MESONS, State
from .results import open_results
from .run import STORE
from .store import Store

NETCDF: Final = (".nc", ".netcdf")


@dataclass(frozen=True, eq=False)
class Survivals:
    """What was read."""

    tables: dict[str, SurvivalTable]  # One for each setting of the model, the central one first
    title: str  # For figures
    system: str | None = None  # Name of the collision system, if the source states one that the package knows
    feeddown: str | None = None  # Feed-down table that the source names
    ratios: RatioTable | None = None  # The rows of a ratio file

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
        return [state for state in dict.fromkeys(meson.radial for meson in MESONS) if state not in known]


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
    if source.suffix in NETCDF:
        results = read_dataset(source)
        return _of_run(tables_from_results(results), str(results.attrs.get("run_file", "")))
    if source.suffix == ".csv":
        return Survivals({"table": read_survival_csv(source)}, source.name)
    ratios = read_ratios(source)
    return Survivals({"ratios": table_from_ratios(ratios, weighted=weighted)}, source.name, ratios=ratios)


def _from_campaign(folder: Path) -> Survivals:
    store = folder / STORE if (folder / STORE).is_dir() else folder
    if not Store(store).plan_path.is_file():
        remedy = "`qtraj run FILE.toml` and `qtraj campaign run FILE.toml` make one."
        raise FileFormatError(folder, "holds no campaign", remedy)
    results = open_results(store)
    plan = Store(store).load_plan()
    run = _of_run(tables_from_results(results), plan.run_file.text)
    # a feed-down table of the user's lies beside the run file
    feeddown = plan.run_file.resolve(run.feeddown or "")
    return replace(run, feeddown=str(feeddown.absolute())) if feeddown.is_file() else run


def _of_run(tables: dict[str, SurvivalTable], text: str) -> Survivals:
    if not text:
        return Survivals(tables, "")
    config = parse_config(text, stored=True)
    if reason := config.initial.lacks_raa:
        raise InputError(
            "initial", config.initial.kind, f"be a start whose survivals make observables: {reason}"
        )
    end = {"T_end": config.medium.T_end[0]}  # files of earlier versions know no T_end of their settings
    tables = {label: replace(table, attrs={**end, **table.attrs}) for label, table in tables.items()}
    system = system_of(config.system.name, config.system.sqrt_s_GeV)
    return Survivals(
        tables, config.output.title, None if system is None else system.name, config.observables.feeddown
    )
