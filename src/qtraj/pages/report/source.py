"""A finished run as the report needs it: its survivals, its run file, where it came from, what to cite."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..._checks import path as path_of
from ...campaign.plan import Plan, make_plan
from ...campaign.run import RESULT, STORE, citations
from ...campaign.store import Store
from ...campaign.survivals import NETCDF, Survivals, load_survivals
from ...errors import FileFormatError, InputError
from ...io.config import RunConfig, RunFile, parse_config
from ...io.results import read_dataset

PROVENANCE: Final = {
    "created": "computed",
    "finished": "first part computed",
    "command": "command",
    "seed": "seed of the paths",
    "python": "Python",
}
"""Attributes of results that the report shows, and their names; those that end in ``_version`` are shown, too."""


@dataclass(frozen=True, eq=False)
class Run:
    """A finished run.

    Parameters
    ----------
    name : str
        Name of its folder or file.
    config : RunConfig
        Its run file.
    text : str
        The run file, word for word.
    survivals : Survivals
        Survival along all paths, one table for each setting.
    provenance : mapping of str to str
        When, by which command and with which versions it was made.
    citations : tuple of str
        What to cite.
    plan : Plan or None
        The campaign; None for a merged file whose hydrodynamics are not in the package.
    """

    name: str
    config: RunConfig
    text: str
    survivals: Survivals
    provenance: Mapping[str, str]
    citations: tuple[str, ...]
    plan: Plan | None


def load_run(source: str | Path) -> Run:
    """Read a run.

    Parameters
    ----------
    source : str or Path
        Folder of `qtraj run` (or the ``result.nc`` in it), store of a campaign, or a file of `qtraj campaign merge`.

    Raises
    ------
    FileFormatError
        If it is missing, damaged or of another kind.
    InputError
        If it is not finished or knows no run file.
    """
    source = path_of("source", source)
    if source.name == RESULT and (source.parent / STORE).is_dir():
        source = source.parent
    if source.is_dir():
        return _from_folder(source)
    if not source.is_file():
        raise FileFormatError(source, "no such file or folder", "Check the path.")
    if source.suffix not in NETCDF:
        remedy = "`qtraj observe` shows the observables of any survival table."
        raise InputError("RUN", str(source), "be the folder of a run, a store, or a merged result", remedy)
    return _from_file(source)


def _from_folder(folder: Path) -> Run:
    survivals = load_survivals(folder)
    store = Store(folder / STORE if (folder / STORE).is_dir() else folder)
    plan = store.load_plan()
    result = folder / RESULT
    attrs = (read_dataset(result) if result.is_file() else store.read(plan.keys[0])).attrs
    config = plan.config
    cited = citations(plan.run_file, [dict(each.attrs) for each in plan.sources])
    provenance = _provenance({"seed": config.paths.seed, **attrs})
    return Run(folder.name, config, plan.run_file.text, survivals, provenance, tuple(cited), plan)


def _from_file(path: Path) -> Run:
    survivals = load_survivals(path)
    attrs = read_dataset(path).attrs
    text = str(attrs.get("run_file", ""))
    if not text:
        raise InputError("RUN", str(path), "hold its run file", "`qtraj campaign merge` writes such files.")
    config = parse_config(text, str(path), stored=True)
    # fluids of the package are there, those of the user may be anywhere
    shipped = config.medium.hydro == "shipped"
    plan = make_plan(RunFile(config, text, path)) if shipped else None
    cited = str(attrs.get("citations", "")).splitlines()
    return Run(path.name, config, text, survivals, _provenance(attrs), tuple(cited), plan)


def _provenance(attrs: Mapping[str, Any]) -> dict[str, str]:
    named = {words: str(attrs[name]) for name, words in PROVENANCE.items() if name in attrs}
    versions = {
        str(n).removesuffix("_version"): str(v) for n, v in attrs.items() if str(n).endswith("_version")
    }
    return named | versions
