"""Complex eigenvalues of H_eff on the mesh, followed from the vacuum states upward in temperature.

For dipole terms with kappa > 0 the eigenfunctions of H_eff fall like exp(-sqrt(M c) r^2/2), c = (gamma - i kappa)/2,
without any scaling: -i kappa r^2/2 is its own absorbing boundary, and the spectrum is discrete. The bare matrix is far
from normal, though, which amplifies what the mesh leaves out, and high levels converge slowly. Rotated by
theta = -arg(c)/4 the far region is as real as it can be, and they are as good as the low ones.

A complex potential that becomes constant, V -> V_inf with Im V_inf < Im E, needs no scaling either: a bound state
decays like exp(i k r), k = sqrt(M (E - V_inf)) with Im k > 0, and stays isolated beside the continuum that starts at
V_inf until it dissolves there. From then on it moves with the length of the mesh, which is how that is noticed.

The matrix is the one from which friction has been transformed away: it is complex symmetric at either order.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..physics.model import LindbladModel
from ..radial.laguerre import LaguerreMesh
from ..states import State
from .hamiltonian import MAX_ROTATION, best_rotation, continuum, symmetric_hamiltonian, vacuum_hamiltonian
from .routes import MISSING, RouteLevels, distance
from .tracking import follow, nearest, select

Float = NDArray[np.float64]
Complex = NDArray[np.complex128]

TURN = 0.05
"""By how much the angle of complex scaling is varied, up and down, to see that eigenvalues do not depend on it."""

MELTED = 0.01
"""A level whose distance from the continuum changes by this part on a longer mesh belongs to the continuum."""


def complex_levels(
    model: LindbladModel,
    T: Float,
    states: tuple[State, ...],
    mesh: LaguerreMesh,
    finer: LaguerreMesh,
    rotation: float | None = None,
) -> RouteLevels:
    """Return complex eigenvalues of H_eff.

    Parameters
    ----------
    model, T, states, mesh, finer
        As for `perturbation.first_order`.
    rotation : float, optional
        Angle theta of complex scaling, 0 to below pi/4; by default `best_rotation`, which is 0 where the potential is
        not analytic.

    Returns
    -------
    RouteLevels
        With the parts ``mesh``, ``rounding`` and, under complex scaling, ``rotation``. <r> is Re (v|r|v), which does
        not depend on theta. States that have dissolved in the continuum are NaN, with the remark ``melted``.
    """
    theta = best_rotation(model, T) if rotation is None else rotation
    energy = np.empty((len(states), len(T)), dtype=complex)
    on_finer, turned = np.empty_like(energy), np.zeros_like(energy)
    radius, radius_finer = np.empty(energy.shape), np.empty(energy.shape)
    for l in sorted({state.l for state in states}):
        rows = [i for i, state in enumerate(states) if state.l == l]
        indices = [states[i].radial_index for i in rows]
        energy[rows], vectors = _followed(model, T, l, indices, mesh, theta)
        radius[rows] = np.transpose([_radius(v, mesh, theta) for v in vectors])
        for j, t in enumerate(T):
            here = energy[rows, j]
            matrix = symmetric_hamiltonian(model, finer, l, float(t), theta)
            on_finer[rows, j], vectors_finer = select(matrix, here)
            radius_finer[rows, j] = _radius(vectors_finer, finer, theta)
            for other in _other_angles(theta):
                found = nearest(symmetric_hamiltonian(model, mesh, l, float(t), other), here)
                turned[rows, j] = _larger(turned[rows, j], distance(found, here))
    parts = {"mesh": distance(energy, on_finer), "rounding": np.full_like(energy, _rounding(model, mesh))}
    if theta > 0:
        parts["rotation"] = turned
    melted = np.abs(energy - on_finer) > MELTED * np.abs(energy - continuum(model, mesh, T))
    return RouteLevels(
        np.where(melted, MISSING, energy),
        parts,
        np.where(melted, np.nan, radius),
        {"mesh": np.abs(radius - radius_finer)},
        np.where(melted, "melted", ""),
    )


def _rounding(model: LindbladModel, mesh: LaguerreMesh) -> complex:
    """Return what rounding of the matrix leaves in eigenvalues, a bound on both parts in GeV."""
    size = np.linalg.norm(vacuum_hamiltonian(model, mesh, 0), 2)
    return complex(np.finfo(float).eps * size * (1 + 1j))


def _radius(vectors: Complex, mesh: LaguerreMesh, theta: float) -> Float:
    """Re (v|r|v) in GeV^-1 of the columns of (N, k)."""
    return np.asarray((np.exp(1j * theta) * (mesh.r @ vectors**2)).real)


def _followed(
    model: LindbladModel, T: Float, l: int, indices: list[int], mesh: LaguerreMesh, theta: float
) -> tuple[Complex, Complex]:
    """Energies (k, nt) and eigenvectors (nt, N, k) of the states with these radial indices."""
    vacuum = vacuum_hamiltonian(model, mesh, l)
    real_levels = np.asarray(np.linalg.eigvalsh(vacuum.real)[indices], dtype=complex)
    before = vacuum_hamiltonian(model, mesh, l, theta)
    _, vectors = select(before, real_levels)
    energies, history = [], []
    for t in T:
        now = symmetric_hamiltonian(model, mesh, l, float(t), theta)
        found, vectors = follow(before, now, vectors)
        energies.append(found)
        history.append(vectors)
        before = now
    return np.array(energies).T, np.array(history)


def _other_angles(theta: float) -> tuple[float, ...]:
    if theta == 0:
        return ()
    return tuple(angle for angle in (theta - TURN, theta + TURN) if 0 <= angle < MAX_ROTATION)


def _larger(a: Complex, b: Complex) -> Complex:
    return np.asarray(np.maximum(a.real, b.real) + 1j * np.maximum(a.imag, b.imag))
