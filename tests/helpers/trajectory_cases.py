"""What the tests of the trajectories share: a short, strong medium with quick answers, and its exact answer."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

import qtraj as qt
from qtraj.solvers.basis import make_basis
from qtraj.solvers.density.propagate import propagate_density, propagate_state, sequences
from qtraj.solvers.steps import Profile, strang

MODEL = qt.LindbladModel(transport=qt.Transport(kappa=3.0, gamma=-1.75))
MEDIUM = qt.ConstantTemperature(T=0.4, tau_fm=0.1, duration_fm=0.4)
UNLIMITED = 1e6
"""A jump range that no mesh reaches."""

MESH = qt.LaguerreMesh(48, 0.14)
STARTS = {
    "1S": qt.CoulombState(1, 0),
    "2S": qt.CoulombState(2, 0),
    "3S": qt.CoulombState(3, 0),
    "1P": qt.CoulombState(2, 1),
}
GAUSSIAN = qt.GaussianState(0, 0.4)


@lru_cache(maxsize=16)
def exact(name, jump_range=UNLIMITED):
    """Return the density matrix's overlaps after at least one jump, (6,), and its populations, (2, l_max + 1).

    64 points, l_max 12 and steps of 0.05 GeV^-1: within 1e-4 of the limit, far below any sample here.
    """
    initial = STARTS.get(name, GAUSSIAN)
    basis = make_basis(MODEL, qt.LaguerreMesh(64, 0.12), 12)
    plans = [sequences(Profile(MODEL, MEDIUM), [], strang, 0.05)]
    full = propagate_density(basis, MODEL, initial, plans, jump_range=jump_range)
    bare = propagate_state(basis, MODEL, initial, plans).overlap
    return full.overlap[0, -1] - bare[0, -1], full.population[0, -1]


def jumped(result):
    """Return the overlaps after at least one jump and their statistical errors, (6,) each, in units of overlap."""
    values = np.array([result.overlap[n].value for n in result.overlap])
    bare = np.array([result.overlap_no_jump[n].value for n in result.overlap])
    errors = np.array([result.overlap[n].parts["statistical"] for n in result.overlap])
    return values - bare, errors
