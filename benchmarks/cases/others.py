"""The same task by other programs: the C++ code's trajectories (measured elsewhere) and QuTiP's mesolve (here)."""

from __future__ import annotations

import warnings

import jax
import numpy as np
import qutip

import qtraj as qt
from qtraj.physics.potentials.coulomb import COLORS
from qtraj.solvers.basis import make_basis
from qtraj.solvers.density.kernels import density_sector, double_precision, evolve_density, padded_steps
from qtraj.solvers.steps import Steps

from .common import MEDIUM, MODEL, START, TRUTH, Table, best_time

TRAJECTORIES = 100_000
CPP = (
    ("QTraj-NLO 2.1, AMD EPYC, num 4096, at most 6 jumps", 1.24),
    ("QTraj-NLO 2.1, AMD EPYC, num 4096, any number of jumps", 11.0),
    ("QTraj 1.0, arXiv:2107.06147, Xeon E5-2630 v3, num 4096", 3.0),
)
"""One-core seconds a trajectory, 11 900 medium steps of the baseline."""
CPP_ERROR = 0.033
"""Standard error on 1S of 1e5 trajectories, relative."""


def trajectories(quick: bool) -> Table:
    """Cost of the baseline by trajectories over the cost of one history here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", qt.AccuracyWarning)
        seconds, result = best_time(
            lambda: qt.solve(MODEL, [MEDIUM] * 64, START, qt.DensityMatrix()), 1 if quick else 3
        )
    seconds /= 64
    found = max(abs(result.survival[n].value[0] / TRUTH[n] - 1) for n in TRUTH)
    rows = [("qtraj, batch of 64, with error budget", f"{seconds:.3g}", f"{found:.1e}", "1")]
    rows += [
        (name, f"{each * TRAJECTORIES:.3g}", f"{CPP_ERROR} (1S)", f"{each * TRAJECTORIES / seconds:.1e}")
        for name, each in CPP
    ]
    return Table(
        "The baseline against 1e5 quantum trajectories",
        ("program", "seconds", "relative error", "cost / ours"),
        tuple(rows),
        "Times of the C++ codes were measured by others or on another machine, one core; ours uses all cores.",
    )


def mesolve(quick: bool) -> Table:
    """QuTiP and this kernel on the same operators: all states of a small mesh, l_max 1, constant temperature."""
    kappa, gamma = (float(x) for x in MODEL.transport.at(0.4))
    duration, l_max = 4.0, 1
    rows = []
    for points in (4, 6) if quick else (4, 6, 8, 10):
        mesh = qt.LaguerreMesh(points, 1.8 / points)
        basis = make_basis(MODEL, mesh, l_max, points)
        u = basis.coefficients(qt.GaussianState(0, 1.5), 0)
        L, rho, sector = (
            _liouvillian(mesh, l_max, kappa, gamma),
            *_start(mesh, l_max, basis.vectors[0, 0] @ u),
        )
        options = {
            "method": "vern9",
            "atol": 1e-9,
            "rtol": 1e-8,
            "nsteps": 1_000_000,
            "progress_bar": "",
            "normalize_output": False,  # the trace falls as pairs leave l_max
        }
        theirs, result = best_time(
            lambda L=L, rho=rho, o=options: qutip.mesolve(L, rho, [0, duration], options=o), 1
        )
        ours, block = best_time(lambda b=basis, u=u: _ours(b, u, duration, kappa, gamma), 3)
        V = basis.vectors[0, 0]
        difference = np.abs(V @ block @ V.T - result.states[-1].full()[sector, sector]).max()
        rows.append(
            (
                2 * points * (l_max + 1),
                f"{theirs:.3g}",
                f"{ours:.3g}",
                f"{theirs / ours:.1f}",
                f"{difference:.1e}",
            )
        )
    return Table(
        "QuTiP mesolve and this kernel on the same operators (T 0.4 GeV for 4 GeV^-1)",
        ("dimension of rho", "QuTiP (s)", "qtraj (s)", "ratio", "difference of rho"),
        tuple(rows),
        "4096 steps here, far more than needed, to come as close as mesolve; what a physics run needs is above.",
    )


def _liouvillian(mesh: qt.LaguerreMesh, l_max: int, kappa: float, gamma: float) -> qutip.Qobj:
    N, M = mesh.points, l_max + 1
    D = 2 * M * N

    def at(color: int, l: int) -> slice:
        return slice((color * M + l) * N, (color * M + l + 1) * N)

    H, leak, jumps = np.zeros((D, D)), np.zeros(D), []
    for c, color in enumerate(COLORS):
        for l in range(M):
            shift = np.diag(0.5 * gamma * MODEL.widths[c] * mesh.r**2)
            vacuum = MODEL.potential.vacuum(mesh.r, color)
            H[at(c, l), at(c, l)] = mesh.hamiltonian(vacuum, l, MODEL.mass) + shift
    for channel in MODEL.channels:
        source, target = COLORS.index(channel.source), COLORS.index(channel.target)
        for l in range(M):
            end, rate = l + channel.delta_l, kappa * channel.rate(l)
            if end > l_max:
                leak[at(source, l)] += rate * mesh.r**2
            elif end >= 0:
                C = np.zeros((D, D))
                C[at(target, end), at(source, l)] = np.diag(np.sqrt(rate) * mesh.r)
                jumps.append(qutip.Qobj(C).to("csr"))
    G = qutip.Qobj(np.diag(leak)).to("csr")
    return qutip.liouvillian(qutip.Qobj(H).to("csr"), jumps) - 0.5 * (qutip.spre(G) + qutip.spost(G))


def _start(mesh: qt.LaguerreMesh, l_max: int, u: np.ndarray) -> tuple[qutip.Qobj, slice]:
    D, sector = 2 * (l_max + 1) * mesh.points, slice(0, mesh.points)
    rho = np.zeros((D, D))
    rho[sector, sector] = np.outer(u, u)
    return qutip.Qobj(rho), sector


def _ours(basis, u, duration: float, kappa: float, gamma: float, steps: int = 4096) -> np.ndarray:
    """Return the singlet S-wave block at the end, in the vacuum basis."""
    dt, K = duration / steps, basis.size
    vacuum = np.full(steps + 1, dt)
    vacuum[[0, -1]] /= 2
    local = np.full((steps, 1, 1), kappa * dt), np.full((steps, 1, 1), gamma * dt)
    given = Steps(vacuum, *local, np.zeros((steps + 1, 0)), np.zeros(steps + 1))
    start = np.zeros((2, basis.l_max + 1, 1, K, K))
    start[0, 0, 0] = np.outer(u, u)
    with double_precision():
        constants, limit = density_sector(MODEL, basis, 1e6)
        sector = jax.device_put(constants)
        X, _ = evolve_density(sector, list(start), np.zeros((2, 1)), *padded_steps([given], 0, limit))
        x = np.asarray(X[0])[0, 0]
    return (x + x.T) / 2 + 1j * (x - x.T) / 2
