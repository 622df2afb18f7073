"""How long time steps may be: the splitting error of regeneration against the number and the grading of steps."""

from __future__ import annotations

import numpy as np

import qtraj as qt
from qtraj.solvers.density.propagate import propagate_density, propagate_state
from qtraj.solvers.density.resolution import discretization_at, starting_levels
from qtraj.solvers.solve import checked_problem
from qtraj.solvers.steps import Profile, planned, resolved, step_edges, strang

from .common import START, Table

CENTRAL = qt.Transport("central", -1.75)
MEDIA = {
    "baseline": (CENTRAL, 0.425),
    "cool": (CENTRAL, 0.3),
    "strong": (qt.Transport(4.0, -1.75), 0.425),
}
SHARES = (0.3, 0.7, 1.0)  # of the motion of the pair in the density of steps, see `steps.MOTION`
REFERENCE = (
    8  # how many times finer the steps of the reference are; what is left is below 2 % of any error shown
)


def grading(quick: bool) -> Table:
    """Error of the total survival of 1S and 2S by steps of several gradings, and equal ones, at either order."""
    rows = []
    for order, T_end in (("LO", 0.25), ("NLO", 0.25), ("NLO", 0.19)):
        for name, (transport, T0) in MEDIA.items():
            model = qt.LindbladModel(qt.CoulombPotential(), transport, order=order)
            profile = Profile(model, checked_problem(model, qt.Bjorken(T0, 0.6, T_end), START)[0][0])
            levels = starting_levels(3e-3 if quick else 1e-3, profile, 0)
            d = discretization_at(levels, model, 0)
            (active,) = profile.history.active
            equal = [np.linspace(*active, 24 * REFERENCE + 1)]
            finest = min([equal, step_edges(profile, 0.7 / REFERENCE, 0.3)], key=lambda e: -len(e[0]))
            truth, scale = _regenerated(profile, d, resolved(profile, finest))
            for share in SHARES[:1] if quick else (*SHARES, "equal, 24", "equal, 48"):
                if isinstance(share, float):
                    edges = step_edges(profile, 1.0, share)
                else:
                    edges = [np.linspace(*active, int(share.split()[1]) + 1)]
                found, _ = _regenerated(profile, d, edges)
                error = np.abs(found - truth) / scale
                rows.append(
                    (order, T_end, name, share, len(edges[0]) - 1, f"{error[0]:.1e}", f"{error[1]:.1e}")
                )
    return Table(
        "Splitting error of regeneration, over the total survival",
        ("order", "T_end [GeV]", "medium", "share of motion", "steps", "1S", "2S"),
        tuple(rows),
        "Regeneration is the run with jumps less the run without, of the same steps; step 1 GeV^-1.",
    )


def _regenerated(profile, d, edges):
    """Return regeneration of 1S and 2S with steps of these edges, and their total survival."""
    model, basis = profile.model, d.basis(profile.model)
    plans = [planned(profile, strang, edges, [])]
    kept = {"jump_range": d.jump_range, "filter_energy": d.filter_energy}
    total = propagate_density(basis, model, START, plans, **kept).overlap[0, -1, [0, 1]]
    return total - propagate_state(basis, model, START, plans, **kept).overlap[0, -1, [0, 1]], total
