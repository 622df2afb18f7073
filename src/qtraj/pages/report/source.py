"""A finished run: its survivals and its run file, how it was set up in sentences, where it came from, what to cite."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from ..._checks import path as path_of
from ...campaign.plan import Plan, make_plan
from ...campaign.reading import NETCDF, Survivals, load_survivals
from ...campaign.run import RESULT, STORE, citations
from ...campaign.sources import TrajectorySource, interval
from ...campaign.store import Store
from ...errors import FileFormatError, InputError
from ...io.config import NO_DIPOLE, RunConfig, RunFile, parse_config
from ...io.results import read_dataset

PROVENANCE: Final = {
    "created": "computed",
    "finished": "first part computed",
    "command": "command",
    "seed": "seed of the paths",
    "python": "Python",
}
"""Attributes of results that the report shows, and their names; those that end in ``_version`` are shown, too."""

ORDERS: Final = {"LO": "leading order", "NLO": "next-to-leading order"}
FEEDDOWN: Final = {"group": "one step, arXiv:2012.01240", "pdg2026": "all cascades, PDG 2026"}


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
    cited = citations(plan.run_file, [dict(fluid.attrs) for fluid in plan.sources])
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
    named = {label: str(attrs[name]) for name, label in PROVENANCE.items() if name in attrs}
    versions = {
        str(n).removesuffix("_version"): str(v) for n, v in attrs.items() if str(n).endswith("_version")
    }
    return named | versions


def setup(run: Run) -> dict[str, str]:
    """Return how a run was set up: topics and sentences.

    Parameters
    ----------
    run : Run
        The run.
    """
    config = run.config
    model = config.model
    system = config.system
    nuclei = system.woods_saxon
    topics = {
        "Collision": f"{system.name} at {system.sqrt_s_GeV:g} GeV per nucleon pair; σ_NN = {system.sigma_nn_mb:g} mb; "
        f"nuclei of A = {nuclei.A}, R = {nuclei.R_fm:g} fm, a = {nuclei.a_fm:g} fm",
        "Equation": f"Lindblad equation of potential NRQCD at {ORDERS[model.order]} in binding energy over temperature",
        "Potential": f"{_potential(config)}; bottom-quark mass M = {model.mass:g} GeV",
        "Transport": _transport(config),
        "Medium": f"acts on the pair while T > {', '.join(f'{T:g}' for T in config.medium.T_end)} GeV; {_hydro(run)}",
        "Initial state": f"color singlet, Gaussian of width {config.initial.width:g} Bohr radii, in "
        f"{' and in '.join(f'l = {l}' for l in config.initial.l)}",
        "Paths": _paths(run),
        "Method": _method(config),
        "Feed-down": FEEDDOWN.get(config.observables.feeddown, config.observables.feeddown),
    }
    if run.plan is not None:
        topics["Size"] = f"{run.plan.histories} solutions, {len(run.plan.settings)} settings of the transport"
    return topics


def _potential(config: RunConfig) -> str:
    potential, alpha = config.model.potential, config.model.alpha
    if potential.python is not None:
        return f"{potential.python} of the user"
    name = {"coulomb": "Coulomb", "ksu": "Kent State University"}.get(potential.name or "", potential.file)
    return f"{name}, C_F α_s = {alpha:g}"


def _method(config: RunConfig) -> str:
    method = config.method
    if method.kind == "trajectories":
        return "quantum trajectories" + (f", {method.n} of each pair" if method.n is not None else "")
    errors = (
        f"numerical errors {'of every path' if method.budget == 'all' else 'from the paths of one replicate'}"
    )
    if method.kind == "nojump":
        return f"evolution without jumps, {errors}"
    tolerances = f"rtol = {method.rtol:g}" + (f", atol = {method.atol:g}" if method.budget == "all" else "")
    return f"density matrix, {tolerances}, {errors}"


def _paths(run: Run) -> str:
    paths, sources = run.config.paths, () if run.plan is None else run.plan.sources
    made = sum(source.count for source in sources if isinstance(source, TrajectorySource))
    kinds = []
    if run.plan is None or any(not isinstance(source, TrajectorySource) for source in sources):
        several = (
            f" of which each sends pairs in {paths.directions} directions" if paths.directions > 1 else ""
        )
        kinds.append(
            f"straight lines from sampled production points, p_T up to {paths.pT_max:g} GeV: {paths.n} paths in each "
            f"of {paths.replicates} replicates for each impact parameter, from scrambled Sobol points{several}, "
            f"seed {paths.seed}"
        )
    if made:
        kinds.append(f"{made} ready-made ones, as their files say")
    return "; ".join(kinds)


def _transport(config: RunConfig) -> str:
    model = config.model
    if NO_DIPOLE in model.kappa:
        return "no dipole terms: the width is that of the potential"
    fits = f" (lattice fits, T_c = {model.T_c:g} GeV)" if model.has_fits else ""
    kappa, gamma = (
        ", ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in values)
        for values in (model.kappa, model.gamma)
    )
    gamma = gamma.replace("-", "−")
    one = len(model.kappa) == len(model.gamma) == 1
    return f"κ/T³: {kappa}{fits}; γ/T³: {gamma}" + ("" if one else "; the first of each is central")


def _hydro(run: Run) -> str:
    medium = run.config.medium
    source = (
        "hydrodynamics of the package (MUSIC)" if medium.hydro == "shipped" else "hydrodynamics from files"
    )
    if run.plan is None:
        return source
    parameters = (
        f"{interval(*fluid.b_range)} ({interval(*fluid.participants(np.array(fluid.b_range)).round())})"
        for fluid in run.plan.sources
    )
    return f"{source} at impact parameters b in fm (participants): {', '.join(parameters)}"
