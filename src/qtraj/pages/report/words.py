"""What was run, in words, and the labels of axes."""

from __future__ import annotations

from typing import Final

import numpy as np

from ...campaign.sources import TrajectorySource, interval
from ...io.config import RunConfig
from ...observables.curves import Curve
from ...observables.observable import Observable
from ...observables.table import AXES, INTEGRATED
from .source import Run

PARTS: Final = {
    "paths": "paths",
    "statistical": "statistical",
    "time_step": "time step",
    "l_max": "l_max",
    "mesh": "mesh",
    "branching": "branching",
    "cross_sections": "cross sections",
}
ORDERS: Final = {"LO": "leading order", "NLO": "next-to-leading order"}
KAPPA: Final = {"central", "lower", "upper"}


def part_name(name: str) -> str:
    """Return the name of a part of an error for a reader."""
    return PARTS.get(name, name.replace("_", " "))


def against(curve: Curve) -> str:
    """Return for example ``"R_AA against N_part"``."""
    name = Observable.named(curve.observable).symbol
    return f"{name} over all" if curve.x_name == INTEGRATED else f"{name} against {AXES[curve.x_name].name}"


def setup(run: Run) -> dict[str, str]:
    """Return what was run: topics and sentences.

    Parameters
    ----------
    run : Run
        The run.
    """
    config = run.config
    model, method = config.model, config.method
    system = config.system
    nuclei = system.woods_saxon
    topics = {
        "Collision": f"{system.name} at {system.sqrt_s_GeV:g} GeV per nucleon pair; σ_NN = {system.sigma_nn_mb:g} mb; "
        f"nuclei of A = {nuclei.A}, R = {nuclei.R_fm:g} fm, a = {nuclei.a_fm:g} fm",
        "Equation": f"Lindblad equation of potential NRQCD at {ORDERS[model.order]} in binding energy over temperature",
        "Potential": f"Coulomb, C_F α_s = {model.alpha:g}; bottom-quark mass M = {model.mass:g} GeV",
        "Transport": _transport(config),
        "Medium": f"acts on the pair while T > {config.medium.T_end:g} GeV; {_hydro(run)}",
        "Initial state": f"color singlet, Gaussian of width {config.initial.width:g} Bohr radii, in l = 0 and in l = 1",
        "Paths": _paths(run),
        "Method": f"density matrix, rtol = {method.rtol:g}, "
        + (
            f"atol = {method.atol:g}, numerical errors of every path"
            if method.budget == "all"
            else "numerical errors from the paths of one replicate"
        ),
        "Feed-down": {"group": "one step, arXiv:2012.01240", "pdg2026": "all cascades, PDG 2026"}[
            config.observables.feeddown
        ],
    }
    if run.plan is not None:
        topics["Size"] = f"{run.plan.histories} solutions, {len(run.plan.settings)} settings of the transport"
    return topics


def _paths(run: Run) -> str:
    paths, sources = run.config.paths, () if run.plan is None else run.plan.sources
    made = sum(each.count for each in sources if isinstance(each, TrajectorySource))
    words = []
    if run.plan is None or any(not isinstance(each, TrajectorySource) for each in sources):
        words.append(
            f"straight lines from sampled production points, p_T up to {paths.pT_max:g} GeV: {paths.n} paths in each "
            f"of {paths.replicates} replicates for each impact parameter, from scrambled Sobol points"
            f"{_sets(paths.directions)}, seed {paths.seed}"
        )
    if made:
        words.append(f"{made} ready-made ones, as their files say")
    return "; ".join(words)


def _sets(directions: int) -> str:
    return f" of which each sends pairs in {directions} directions" if directions > 1 else ""


def _transport(config: RunConfig) -> str:
    model = config.model
    fits = f" (lattice fits, T_c = {model.T_c:g} GeV)" if KAPPA & set(map(str, model.kappa)) else ""
    kappa = ", ".join(value if isinstance(value, str) else f"{value:g}" for value in model.kappa)
    gamma = ", ".join(f"{value:g}" for value in model.gamma).replace("-", "−")
    one = len(model.kappa) == len(model.gamma) == 1
    return f"κ/T³: {kappa}{fits}; γ/T³: {gamma}" + ("" if one else "; the first of each is central")


def _hydro(run: Run) -> str:
    medium = run.config.medium
    source = (
        "hydrodynamics of the package (MUSIC)" if medium.hydro == "shipped" else "hydrodynamics from files"
    )
    if run.plan is None:
        return source
    places = (
        f"{interval(*each.b_range)} ({interval(*each.participants(np.array(each.b_range)).round())})"
        for each in run.plan.sources
    )
    return f"{source} at impact parameters b in fm (participants): {', '.join(places)}"
