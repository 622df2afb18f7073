"""QuTiP on the baseline: mesolve in matrix form, and mcsolve with its improved sampling.

What was tried for mesolve on the smallest space: superoperators against matrix form, dense against sparse operators,
and the integrators adams, bdf, lsoda, dop853, vern7, vern9, tsit5. Sparse operators in matrix form are eight times
faster than superoperators; on larger spaces adams is the fastest integrator, and no tolerance buys much.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import qutip

from .bases import SPACES, Space, baseline_clock
from .limit import limit
from .points import Answer, Task

OPTIONS = {"method": "adams", "nsteps": 10_000_000, "progress_bar": ""}
TRAJECTORY_RTOL = 1e-6
"""At 1e-4 the part without jumps is off by 3e-3, more than all that comes back as 1S."""
CALIBRATION = 2048
"""Trajectories from which the typical score is taken: some of them come back."""


def tasks(quick: bool) -> list[Task]:
    """Return the ladder of mesolve, one space after another, and mcsolve with two numbers of trajectories."""
    found = [
        Task(
            "QuTiP mesolve",
            f"{s.name}, rtol {r:g}",
            partial(mesolve, s, r),
            partial(limit, s),
            long=i > 1,
        )
        for i, (s, r) in enumerate(zip(SPACES, (1e-4, 1e-4, 1e-4, 1e-5), strict=True))
        if not (quick and i > 0)
    ]
    space, typical = SPACES[0 if quick else 2], 1.0 if quick else typical_score()
    limit(space)  # kept, so that no run has to wait for it
    return found + [
        Task(
            "QuTiP mcsolve",
            f"n {n}, {space.name}",
            partial(mcsolve, space, n, typical),
            partial(limit, space),
            long=not quick,
        )
        for n in ((8,) if quick else (32, 128))
    ]


def mesolve(space: Space, rtol: float, share: float = 1.0) -> Answer:
    """Return the survival by mesolve after a share of the medium."""
    time_grid = baseline_clock()
    H = qutip.QobjEvo([*_hamiltonian(space, 0), _sparse(-0.5j * space.leak)], tlist=time_grid.s)
    options = OPTIONS | {"rtol": rtol, "atol": 1e-2 * rtol, "matrix_form": True}
    options["normalize_output"] = False  # the trace falls as pairs leave the space
    rho = qutip.ket2dm(qutip.Qobj(space.start))
    found = qutip.mesolve(
        H, rho, [0, share * time_grid.end], [_sparse(C) for C in space.jumps], options=options
    )
    return Answer(space.survival(found.states[-1].diag().real))


def mcsolve(space: Space, trajectories: int, typical: float = 1.0, workers: int = 1) -> Answer:
    """Return the survival by mcsolve: the part without jumps once, then trajectories that all jump.

    A trajectory in some thousand comes back, so that the scatter of a short run is no error: it sees none. The variance
    is computed instead, <y^2> = <y> y', with the exact mean score <y> and the typical score y' of those that come back;
    y' = 1 is an upper bound.
    """
    found = _mcsolve(space, trajectories, workers)
    p, populations, errors = (
        found.deterministic_weights[0],
        np.zeros(space.dimension),
        np.zeros(space.dimension),
    )
    without_jump = found.deterministic_trajectories[0].expect
    exact = limit(space)
    for k, (name, i) in enumerate(space.wanted.items()):
        populations[i] = found.average_expect[k][-1].real
        mean = exact[name] * abs(space.start[i]) ** 2 / (1 - p) - p / (1 - p) * without_jump[k][-1].real
        errors[i] = (1 - p) * np.sqrt(mean * (typical - mean) / trajectories)
    return Answer(space.survival(populations), space.survival(errors), trajectories)


def typical_score() -> float:
    """Return <y^2>/<y> of the scores of all three states, from a longer run in the smallest space."""
    found = _mcsolve(SPACES[0], CALIBRATION, 1)
    scores = np.array([runs[:, -1].real for runs in found.runs_expect])
    return float(np.sum(scores**2) / np.sum(scores))


def _mcsolve(space: Space, trajectories: int, workers: int) -> Any:
    """Run mcsolve; jumps that the space does not hold lead into K states in which nothing happens."""
    time_grid, K, D = baseline_clock(), space.size, space.dimension
    away = np.zeros((D + K, D + K))
    away[D:, :D] = space.leak_root
    jumps = [*(np.pad(C, (0, K)) for C in space.jumps), away]
    options = OPTIONS | {"rtol": TRAJECTORY_RTOL, "atol": 1e-2 * TRAJECTORY_RTOL}
    options |= {"improved_sampling": True, "keep_runs_results": True}
    options |= {"map": "parallel", "num_cpus": workers} if workers > 1 else {}
    return qutip.mcsolve(
        qutip.QobjEvo(_hamiltonian(space, K), tlist=time_grid.s),
        qutip.Qobj(np.pad(space.start, (0, K))),
        [0, time_grid.end],
        [_sparse(C) for C in jumps],
        e_ops=[qutip.fock_dm(D + K, i) for i in space.wanted.values()],
        ntraj=trajectories,
        seeds=1,
        options=options,
    )


def _hamiltonian(space: Space, more: int) -> list[list[Any]]:
    """Return the hermitian part of H as QuTiP takes it, with `more` empty states behind."""
    time_grid = baseline_clock()
    vacuum, shift = np.diag(space.energies), space.shift
    return [
        [_sparse(np.pad(vacuum, (0, more))), time_grid.a],
        [_sparse(np.pad(shift, (0, more))), time_grid.b],
    ]


def _sparse(matrix: np.ndarray) -> qutip.Qobj:
    return qutip.Qobj(matrix.astype(complex)).to("csr")
