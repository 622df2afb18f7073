"""Parity with QuTiP's mcsolve: the same jump operators on a small basis, both with their statistical errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import qutip
from test_qutip import DURATION, MESH, MODEL, TEMPERATURE, Space

import qtraj as qt
from qtraj.solvers.basis import SINGLET, spectrum
from qtraj.solvers.trajectories.estimators import Sample
from qtraj.solvers.trajectories.propagators import make_propagators
from qtraj.solvers.trajectories.start_ensemble import StartEnsemble
from qtraj.solvers.trajectories.time_grid import graded_time_grid
from qtraj.states import STATES
from qtraj.units import to_fm

N_QUTIP, N_OURS = 400, 4096
FALSE_ALARM_SIGMAS = 3.9
"""Three independent, two-sided comparisons at this many standard errors: 3e-4 in all."""


@dataclass
class Lowest:
    """Initial state given by its coefficients on the mesh of six points."""

    coefficients: np.ndarray
    l: int = 0
    color: str = "singlet"
    survival_is_ratio: bool = False

    def u(self, r, model):
        return MESH.values(self.coefficients)


def test_populations_equal_those_of_mcsolve():
    """Start in the lowest singlet state; probabilities of the lowest singlet S states and of all octets at the end."""
    _, vectors = spectrum(MODEL.potential, MODEL.mass, MESH, SINGLET, 0)
    lowest = vectors[:, 0]
    # four l are enough: a return to l = 0 from l = 4 takes at least eight jumps, of which there is less than one
    space = Space(l_max=3)
    kappa, gamma = MODEL.transport.at(TEMPERATURE)
    state = np.zeros(space.dimension, dtype=complex)
    state[space.sector(SINGLET, 0)] = lowest
    observables = []
    for k in range(2):
        v = vectors[:, k]
        where = space.sector(SINGLET, 0)
        observables.append(space.operator([((where, where), np.outer(v, v))]))
    whole = [space.sector(SINGLET, l) for l in range(space.l_max + 1)]
    observables.append(space.operator([((w, w), np.eye(space.points)) for w in whole]))
    found = qutip.mcsolve(
        space.hamiltonian(float(gamma)),
        qutip.Qobj(state),
        [0.0, DURATION],
        space.jumps(float(kappa)),
        e_ops=observables,
        ntraj=N_QUTIP,
        seeds=1,
        options={"progress_bar": "", "improved_sampling": False},
    )
    theirs = np.array([e[-1] for e in found.average_expect])
    their_error = np.array([e[-1] for e in found.std_expect]) / np.sqrt(N_QUTIP)

    medium = qt.ConstantTemperature(T=TEMPERATURE, tau_fm=1e-9, duration_fm=to_fm(DURATION))
    propagators = make_propagators(
        MODEL, medium, graded_time_grid(MODEL, medium, [], 0.1), MESH, "coulomb", 1e6
    )
    # six points do not bind six states; the lowest of each l are only vectors to project on
    propagators.targets = np.array(
        [spectrum(MODEL.potential, MODEL.mass, MESH, SINGLET, s.l)[1][:, s.radial_index] for s in STATES]
    )
    # both parts on the same six points: QuantumTrajectories takes the part without jumps from a finer mesh
    start_ensemble = StartEnsemble(propagators, Lowest(lowest), SINGLET, "last_jump", 1, 1024, 1)
    ours = start_ensemble.round((2, 0), 0, N_OURS, start_ensemble.norm_range)
    sample = Sample(start_ensemble.overlap.shape)
    sample.add(ours.scores)
    overlap = start_ensemble.overlap + start_ensemble.one_jump + sample.mean
    population = start_ensemble.population + ours.population
    values = [*overlap[-1, [0, 1]], population[-1, SINGLET].sum()]
    # the population of the singlet has no error of its own: it is a mean of weights below one
    errors = [*sample.error[-1, [0, 1]], 0.5 / np.sqrt(N_OURS)]
    pulls = (np.array(values) - theirs) / np.hypot(errors, their_error)
    assert np.abs(pulls).max() < FALSE_ALARM_SIGMAS, (values, theirs, pulls)
    assert np.all(their_error > 0)
