"""What was run, in words, and the labels of axes."""

from __future__ import annotations

from typing import Final

import numpy as np

from ...campaign.sources import TrajectorySource, interval
from ...io.config import NO_DIPOLE, RunConfig
from ...observables.curves import INTEGRATED, Curve
from .source import Run

# X, unit and name in tooltips of each axis
AXES: Final = {
    "N_part": ("number of participants ⟨N_part⟩", "N_part", ""),
    "centrality_pct": ("centrality [%]", "centrality", "%"),
    "pT_GeV": ("transverse momentum p_T [GeV]", "p_T", "GeV"),
    "b_fm": ("impact parameter b [fm]", "b", "fm"),
    "abs_y": ("rapidity |y|", "|y|", ""),
    "y": ("rapidity y", "y", ""),
}
OBSERVABLES: Final = {
    "R_AA": ("Nuclear modification factor", "R_AA"),
    "double_ratio": ("Double ratio, nucleus-nucleus over pp", "double ratio"),
    "v2": ("Elliptic flow", "v₂"),
}
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


def part_name(name: str) -> str:
    """Return the name of a part of an error for a reader."""
    return PARTS.get(name, name.replace("_", " "))


def against(curve: Curve) -> str:
    """Return for example ``"R_AA against N_part"``."""
    name = OBSERVABLES.get(curve.observable, ("", curve.observable))[1]
    return f"{name} over all" if curve.x_name == INTEGRATED else f"{name} against {AXES[curve.x_name][1]}"


def setup(run: Run) -> dict[str, str]:
    """Return what was run: topics and sentences.

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
        "Feed-down": {"group": "one step, arXiv:2012.01240", "pdg2026": "all cascades, PDG 2026"}.get(
            config.observables.feeddown, config.observables.feeddown
        ),
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
    errors = "numerical errors of every path"
    if method.budget == "replicate":
        errors = "numerical errors from the paths of one replicate"
    if method.kind == "nojump":
        return f"evolution without jumps, {errors}"
    if method.budget == "all":
        return f"density matrix, rtol = {method.rtol:g}, atol = {method.atol:g}, {errors}"
    return f"density matrix, rtol = {method.rtol:g}, {errors}"


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
    places = (
        f"{interval(*each.b_range)} ({interval(*each.participants(np.array(each.b_range)).round())})"
        for each in run.plan.sources
    )
    return f"{source} at impact parameters b in fm (participants): {', '.join(places)}"
