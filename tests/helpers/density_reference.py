"""What the tests of the density-matrix solver share: packing of rho, kernel calls, and reference runs of our own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import qtraj as qt
from qtraj.physics.medium import History
from qtraj.solvers.basis import Basis, basis_size, make_basis
from qtraj.solvers.density.kernels import (
    DensitySector,
    density_sector,
    double_precision,
    evolve_density,
    padded_steps,
)
from qtraj.solvers.density.propagate import propagate_density, propagate_state, sequences
from qtraj.solvers.density.resolution import FILTER, energy_doublings_of
from qtraj.solvers.steps import Profile, Steps, chin_4b, strang

MODEL = qt.LindbladModel(qt.CoulombPotential(alpha=0.6239853), qt.Transport("central", -1.75, T_c=0.150))
MEDIUM = qt.Bjorken(T0=0.425, tau_fm=0.6, T_end=0.25)
START = qt.GaussianState(l=0, width=0.2)
UNLIMITED = 1e6
"""A jump range that no mesh reaches."""


class PointsBasis(Basis):
    """The mesh points themselves as basis, all energies zero: a step is then the medium step alone."""

    def sector(self, color: int, l: int) -> tuple[Any, Any]:
        return np.zeros(self.size), np.eye(self.size)


def points_basis(mesh: qt.LaguerreMesh, l_max: int) -> Basis:
    """Return the basis of mesh points."""
    return PointsBasis(mesh, MODEL, l_max, mesh.points)


def packed(rho: Any) -> list[Any]:
    """Return Re rho + Im rho of one density matrix (2, M, K, K), for each color (M, 1, K, K)."""
    return [(block.real + block.imag)[:, None] for block in rho]


def unpacked(X: Any) -> Any:
    """Return the hermitian rho (2, M, K, K) that X, for each color (M, 1, K, K), holds."""
    X = np.stack([np.asarray(x)[:, 0] for x in X])
    transposed = X.swapaxes(-1, -2)
    return (X + transposed) / 2 + 1j * (X - transposed) / 2


def local_steps(vacuum: Any, kappa: Any, gamma: Any) -> Steps:
    """Return the steps, without a soft part, that are given by 1-D arrays."""
    vacuum, kappa, gamma = (np.asarray(a, dtype=float) for a in (vacuum, kappa, gamma))
    nothing = np.zeros((len(vacuum), 0)), np.zeros(len(vacuum))
    return Steps(vacuum, kappa[:, None, None], gamma[:, None, None], *nothing)


def evolved(sector: DensitySector, rho: Any, vacuum: Any, kappa: Any, gamma: Any) -> tuple[Any, Any]:
    """Return (rho, lost) of one density matrix after the steps given by 1-D arrays."""
    return evolved_by(sector, np.zeros(0), rho, local_steps(vacuum, kappa, gamma))


def evolved_by(sector: DensitySector, limit: Any, rho: Any, steps: Steps) -> tuple[Any, Any]:
    """Return (rho, lost) of one density matrix after some steps; `limit` bounds the soft part."""
    with double_precision():
        X, lost = evolve_density(sector, packed(rho), np.zeros((2, 1)), *padded_steps([steps], 0, limit))
        return unpacked(X), np.asarray(lost)[:, 0]


def strang_steps(duration: float, kappa: float, gamma: float, steps: int) -> tuple[Any, Any, Any]:
    """Return (vacuum, kappa, gamma) of `steps` equal Strang steps with constant coefficients in GeV^3."""
    dt = duration / steps
    vacuum = np.full(steps + 1, dt)
    vacuum[[0, -1]] /= 2
    return vacuum, np.full(steps, kappa * dt), np.full(steps, gamma * dt)


def random_state(rng: Any, l_max: int, size: int) -> Any:
    """Return a random positive density matrix of trace one, shape (2, l_max + 1, size, size)."""
    shape = (2, l_max + 1, size, size)
    a = rng.normal(size=shape) + 1j * rng.normal(size=shape)
    rho = a @ a.conj().swapaxes(-1, -2)
    return rho / np.trace(rho, axis1=-2, axis2=-1).sum()


def sector_of(model: qt.LindbladModel, basis: Basis, jump_range: float = UNLIMITED) -> DensitySector:
    """Return the constants of the kernel."""
    return density_sector(model, basis, jump_range)[0]


def fine_overlaps(
    model: qt.LindbladModel,
    media: Sequence[History],
    initial: Any,
    *,
    mesh: qt.LaguerreMesh,
    l_max: int,
    step: float,
    jump_range: float,
    fast: float = 1.1,
) -> Any:
    """Return overlaps (n, 6) at the end: no-jump part by the fourth-order splitting, regeneration by Richardson.

    It shares the kernels with the solver, which other tests compare with QuTiP and with matrix exponentials, and
    none of the choices of mesh, step, l_max, jump range and filter of the start (`fast` times the solver's) whose
    errors the budget estimates.
    """
    overlaps = []
    for medium in media:
        profile, factor = Profile(model, medium, thermal=True), 2.0 ** energy_doublings_of(medium)
        energy = FILTER * factor * fast
        basis = make_basis(model, mesh, l_max, basis_size(model, mesh, 16 * factor))
        regenerated = []
        for halvings in (0, -1):
            plans = [sequences(profile, [], strang, step, halvings=halvings)]
            full = propagate_density(
                basis, model, initial, plans, jump_range=jump_range, filter_energy=energy
            )
            bare = propagate_state(basis, model, initial, plans, filter_energy=energy)
            regenerated.append((full.overlap - bare.overlap)[0, -1])
        long = qt.LaguerreMesh(150, 0.09)
        wide = make_basis(model, long, initial.l, basis_size(model, long, 25 * factor))
        # what a thermal potential does is of second order in the step
        whole = [(chin_4b, 0, 1.0)] if model.thermal is None else [(strang, 0, 4 / 3), (strang, -1, -1 / 3)]
        alone = sum(
            weight
            * propagate_state(
                wide,
                model,
                initial,
                [sequences(profile, [], splitting, 0.05, halvings=halvings)],
                filter_energy=8 * factor,
            ).overlap[0, -1]
            for splitting, halvings, weight in whole
        )
        fine, coarser = regenerated
        overlaps.append(alone + fine + (fine - coarser) / 3)
    return np.array(overlaps)
