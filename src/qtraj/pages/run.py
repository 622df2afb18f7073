"""A finished run: its survivals and its run file, how it was set up in sentences, what to cite, one pair over time."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from .._checks import path as path_of
from ..campaign.plan import Plan, make_plan
from ..campaign.reading import NETCDF, Survivals, load_survivals, of_its_time, stored_run_file
from ..campaign.run import RESULT, STORE, citations
from ..campaign.sources import TrajectorySource, interval
from ..campaign.store import Store
from ..errors import FileFormatError, InputError
from ..hydro.paths import CLOCKS
from ..hydro.sampling import rapidity_words
from ..io.config import NO_DIPOLE, RunConfig, RunFile
from ..io.factory import model_of, potential_of, start_of
from ..io.pages import rounded
from ..io.results import read_dataset
from ..observables.bins import geometries
from ..physics.medium import History
from ..physics.model import EXPANDED, ORDERS
from ..physics.transport import PRESETS
from ..solvers.density.evolution import density_in_time
from ..solvers.density.method import has_jumps
from ..states import STATE_NAMES
from ..units import HBARC, to_fm

# attributes of results that the report shows, and their names; those that end in ``_version`` are shown, too
PROVENANCE: Final = {
    "created": "computed",
    "finished": "first part computed",
    "command": "command",
    "seed": "seed of the paths",
    "python": "Python",
}
FEEDDOWN: Final = {"group": "one step, arXiv:2012.01240", "pdg2026": "all cascades, PDG 2026"}


# times and radii of the pair on the page: with 14 curves at 7 characters each, about 1.5 MB
TIMES: Final = 61
POINTS: Final = 241
FARTHEST_FM: Final = 6.0
SHOWN: Final = 0.97  # share of the probability at the end inside the largest radius on the page
OPENS_FM: Final = 0.4  # after the medium begins: errors are below two percent, and the octet is there
COLOR_NAMES: Final = ("singlet", "octet")
LETTERS: Final = "SPDF"  # angular momenta with a curve each; those above are shown as their sum
_SMALLEST: Final = 1e-7


@dataclass(frozen=True, eq=False)
class Run:
    """A finished run."""

    name: str  # of its folder or file
    config: RunConfig
    text: str  # the run file, word for word
    survivals: Survivals  # one table for each setting
    provenance: Mapping[str, str]  # when, by which command and with which versions it was made
    citations: tuple[str, ...]
    plan: Plan | None  # None for a merged file whose hydrodynamics are not in the package


def load_run(source: str | Path) -> Run:
    """Read a run: the folder of `qtraj run`, its ``result.nc``, a store, or a file of `qtraj campaign merge`.

    `FileFormatError` if it is damaged or of another kind, `InputError` if it is not finished or knows no run file.
    """
    source = path_of("source", source)
    if source.name == RESULT and (source.parent / STORE).is_dir():
        source = source.parent
    if not source.exists():
        raise FileFormatError(source, "no such file or folder", "Check the path.")
    if not source.is_dir() and source.suffix not in NETCDF:
        remedy = "`qtraj observe` shows the observables of any survival table."
        raise InputError("RUN", str(source), "be the folder of a run, a store, or a merged result", remedy)
    survivals, plan = load_survivals(source), None
    if source.is_dir():
        store = Store(source / STORE if (source / STORE).is_dir() else source)
        plan, result = store.load_plan(to_read=True), source / RESULT
        attrs = (read_dataset(result) if result.is_file() else store.read(plan.keys[0])).attrs
        config, text = plan.config, plan.run_file.text
        attrs = {"seed": config.paths.seed, **attrs}
        cited = citations(plan.run_file, [dict(fluid.attrs) for fluid in plan.sources])
    else:
        attrs = read_dataset(source).attrs
        run_file = stored_run_file(source, attrs)
        if run_file is None:
            remedy = "`qtraj campaign merge` writes such files."
            raise InputError("RUN", str(source), "hold its run file", remedy)
        config, text = run_file.config, run_file.text
        # fluids of the package are there, those of the user may be anywhere, as may be what else the run file names
        if config.medium.hydro != "files":
            plain = config.observables.model_copy(update={"data": (), "feeddown": "group"})
            run_file = replace(run_file, config=config.model_copy(update={"observables": plain}))
            with suppress(FileFormatError):
                plan = make_plan(of_its_time(run_file, next(iter(survivals.tables.values())).b_fm))
        cited = str(attrs.get("citations", "")).splitlines()
    made = {label: str(attrs[name]) for name, label in PROVENANCE.items() if name in attrs}
    versions = {name: str(v) for name, v in attrs.items() if str(name).endswith("_version")}
    made |= {str(name).removesuffix("_version"): number for name, number in versions.items()}
    return Run(source.name, config, text, survivals, made, tuple(cited), plan)


def setup(run: Run) -> dict[str, str]:
    """Return how a run was set up: topics and sentences."""
    config, model, system = run.config, run.config.model, run.config.system
    nuclei, given = system.woods_saxon, model.potential
    names = {
        "coulomb": "Coulomb",
        "cornell": "Cornell, its string breaking",
        "ksu": "Kent State University",
        "htl": "hard thermal loops",
        "three-loop": "three loops of QCD",
        "wilson-line": "fit to Wilson lines of lattice QCD",
    }
    potential = str(given.file)
    alpha = model.alpha
    if given.name is not None:
        arguments = ", ".join(f"{key} = {value}" for key, value in given.arguments.items())
        arguments = arguments.replace("alpha_s = ", "α_s = ")
        potential = names[given.name] + (f" ({arguments})" if arguments else "")
        alpha = potential_of(RunFile(config, run.text, Path())).alpha
    potential = f"{potential}, C_F α_s = {alpha:g}"
    if given.python is not None:
        potential = f"{given.python} of the user"
    lindblad = (
        "Lindblad equation" if EXPANDED[model.order] or model.positive else "master equation (Redfield)"
    )
    equation = f"{lindblad} of potential NRQCD at {ORDERS[model.order]} in binding energy over temperature"
    if NO_DIPOLE in model.kappa:
        equation = "Lindblad equation of a pair in a color field with white noise, whose correlation is Im V"
    topics = {
        "Collision": f"{system.name} at {system.sqrt_s_GeV:g} GeV per nucleon pair; σ_NN = {system.sigma_nn_mb:g} mb; "
        f"nuclei of A = {nuclei.A}, R = {nuclei.R_fm:g} fm, a = {nuclei.a_fm:g} fm",
        "Equation": equation,
        "Potential": f"{potential}; bottom-quark mass M = {model.mass:g} GeV",
        "Transport": _transport(config),
        "Medium": f"acts on the pair while T > {', '.join(f'{T:g}' for T in config.medium.T_end)} GeV; {_hydro(run)}",
        "Initial state": f"color singlet, Gaussian of width {config.initial.width:g} Bohr radii, in "
        f"{' and in '.join(f'l = {l}' for l in config.initial.l)}",
        "Paths": _paths(run),
        "Method": _method(config),
        "Feed-down": FEEDDOWN.get(config.observables.feeddown, config.observables.feeddown),
    }
    if run.plan is not None:
        count = len(run.plan.settings)
        topics["Size"] = (
            f"{run.plan.histories} solutions, {count} setting{'s' * (count > 1)} of the transport"
        )
    return topics


def _method(config: RunConfig) -> str:
    method = config.method
    if method.kind == "trajectories":
        return "quantum trajectories" + (f", {method.n} of each pair" if method.n is not None else "")
    which = "of every path" if method.budget == "all" else "from the paths of one replicate"
    errors = f"numerical errors {which}"
    if method.kind == "nojump":
        return f"evolution without jumps, {errors}"
    tolerances = f"rtol = {method.rtol:g}" + (f", atol = {method.atol:g}" if method.budget == "all" else "")
    return f"density matrix, {tolerances}, {errors}"


def _paths(run: Run) -> str:
    paths, sources = run.config.paths, () if run.plan is None else run.plan.sources
    made = sum(source.count for source in sources if isinstance(source, TrajectorySource))
    kinds = []
    if run.plan is None or any(not isinstance(source, TrajectorySource) for source in sources):
        several = f" of which each sends pairs in {paths.directions} directions" * (paths.directions > 1)
        kinds.append(
            f"straight lines from sampled production points, p_T up to {paths.pT_max:g} GeV: {paths.n} paths in each "
            f"of {paths.replicates} replicates for each impact parameter, from scrambled Sobol points{several}, "
            f"seed {paths.seed}" + f", rapidity {rapidity_words(paths.rapidity)}" * (paths.rapidity != 0.0)
        )
    if made:
        kinds.append(f"{made} ready-made ones, as their files say")
    if paths.cheap is not None:
        kinds.append(
            f"beside these, which are solved, {paths.cheap} of each impact parameter that are emulated"
        )
    if paths.clock == "pair":
        kinds.append(f"time is the {CLOCKS['pair']}")
    if paths.rapidity != 0.0:  # what is assumed of a boost-invariant fluid
        kinds += dict.fromkeys(str(source.attrs.get("medium", ""))[:-1] for source in sources)
    return "; ".join(filter(None, kinds))


def _transport(config: RunConfig) -> str:
    model = config.model
    if NO_DIPOLE in model.kappa:
        return "no dipole terms: the width is that of the potential"
    fits = f" (lattice fits, T_c = {model.T_c:g} GeV)" if model.has_fits else ""
    kappa = ", ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in model.kappa)
    gamma = ", ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in model.gamma)
    gamma += f"; γ(0) = {model.gamma_vacuum:g} GeV³" if model.gamma_vacuum else ""
    gamma = gamma.replace("-", "−")
    one = len(model.kappa) == len(model.gamma) == 1
    known = f" ({model.transport}: {PRESETS[model.transport].source})" if model.transport else ""
    return f"κ/T³: {kappa}{fits}; γ/T³: {gamma}{known}" + ("" if one else "; the first of each is central")


def _hydro(run: Run) -> str:
    shipped = run.config.medium.hydro != "files"
    source = "hydrodynamics of the package (MUSIC)" if shipped else "hydrodynamics from files"
    if run.plan is None:
        return source
    parameters = (
        f"{interval(*fluid.b_range)} ({interval(*fluid.participants(np.array(fluid.b_range)).round())})"
        for fluid in run.plan.sources
    )
    return f"{source} at impact parameters b in fm (participants): {', '.join(parameters)}"


def representative(run: Run) -> tuple[History, str] | None:
    """Return the history of the most central collisions whose 1S survival is nearest to their mean, and what it is.

    None if the hydrodynamics of the run are not at hand.
    """
    if run.plan is None:
        return None
    table = next(iter(run.survivals.tables.values()))
    central = geometries(table)[-1]  # they come from peripheral to central
    sources, emulated = list(run.plan.sources), table.emulation is not None
    if (
        table.emulation is not None
    ):  # the emulated paths, which come first: what solved ones add is a difference
        central = central[table.emulation[central] < 0]
        sources = [source.emulated() for source in sources]
    survival = table.survival.value[central, STATE_NAMES.index("1S")]
    nearest = int(np.argmin(np.abs(survival - survival.mean())))
    # the rows are the histories of one source after the other
    chosen, number = int(central[nearest]), 0
    while chosen >= sources[number].count:
        chosen -= sources[number].count
        number += 1
    try:
        batch = sources[number].batch(chosen, chosen + 1)
    except FileFormatError:  # its files are elsewhere: the results are here all the same
        return None
    paths = {name: float(values[0]) for name, values in batch.paths.items()}
    which = (
        f"Path {chosen} at b = {paths['b_fm']:g} fm, the one whose 1S survival, {survival[nearest]:.3f}"
        f"{' as emulated' * emulated}, is nearest "
        f"to the mean of {len(survival)} paths, {survival.mean():.3f}; p_T = {paths['pT']:.2f} GeV, produced at "
        f"x = {paths['x_fm']:.2f} fm, y = {paths['y_fm']:.2f} fm; starts in l = 0, central setting."
    )
    return batch.histories[0], which.replace("-", "\N{MINUS SIGN}")


def pair_over_time(run_file: RunFile, history: History) -> dict[str, Any] | None:
    """Return the data of the section with the slider, or None if there is nothing to show.

    That is so for a history that is never hot, and for a complex potential whose jumps are not known.
    """
    model = model_of(run_file)
    # without jumps an octet need not be known
    if not history.active or not has_jumps(model):
        return None
    times = np.linspace(0.0, to_fm(history.active[-1][1]), TIMES)
    r_fm = np.linspace(0.0, FARTHEST_FM, 2 * POINTS)
    start = start_of(run_file, min(run_file.config.initial.l))
    evolution = density_in_time(model, history, start, times, r=r_fm / HBARC)
    density = evolution.density / HBARC
    inside = np.cumsum(density[-1].sum(axis=(0, 1)))
    last = int(np.searchsorted(inside, SHOWN * inside[-1])) + 1
    columns = np.unique(np.linspace(0, last, POINTS).round().astype(int).clip(max=len(r_fm) - 1))
    density, population = (_joined(values) for values in (density, evolution.population))
    sectors = [(c, l) for l in range(density.shape[2]) for c in (0, 1)]
    letters = [*LETTERS, f"l ≥ {len(LETTERS)}"]
    # digits far below the highest curve of the same chart have no width on the screen
    smallest = 1e-5 * np.maximum(density.max(axis=(2, 3), keepdims=True), _SMALLEST)
    shown = np.round(density[..., columns] / smallest) * smallest
    T, t = np.full(len(times), np.nan), evolution.times_fm / HBARC
    for begin, end in history.active:
        # the last time is the end of the medium up to rounding
        hot = (begin <= t) & (t <= end * (1 + 1e-12))
        T[hot] = history.temperature(np.minimum(t[hot], end))
    return {
        "t": [round(float(t), 6) for t in evolution.times_fm],
        "first": int(np.argmin(np.abs(times - to_fm(history.active[0][0]) - OPENS_FM))),
        "r": rounded(r_fm[columns], 5),
        "sectors": [
            {"color": COLOR_NAMES[c], "l": l, "name": f"{COLOR_NAMES[c]} {letters[l]}"} for c, l in sectors
        ],
        "density": [[rounded(shown[i, c, l]) for c, l in sectors] for i in range(len(shown))],
        "population": [rounded(population[:, c, l], 5) for c, l in sectors],
        "lost": rounded(evolution.lost, 5),
        "octet": [rounded(bound, 5) for bound in evolution.octet.T],
        "T": rounded(T),
        "states": {
            name: rounded(np.where(values > _SMALLEST, values, np.nan))
            for name, values in zip(STATE_NAMES, evolution.overlap.T, strict=True)
            if values.max() > _SMALLEST
        },
    }


def _joined(values: Any) -> Any:
    """Return values (nt, 2, l_max + 1, ...) with the sum over all l above those of `LETTERS` in one entry."""
    named = values[:, :, : len(LETTERS)]
    above = values[:, :, len(LETTERS) :]
    return np.concatenate([named, above.sum(axis=2, keepdims=True)], axis=2) if above.shape[2] else named
