"""First-order perturbation theory in the change of H_eff by the medium, with the next two orders as its error.

    E_n(T) = E_n + <n|dH|n> + sum_k <n|dH|k> <k|dH|n>/(E_n - E_k) + ...,   dH = H_eff(T) - H_vacuum

For the dipole terms the first order is delta E = (gamma/2) <r^2> and Gamma = kappa <r^2> (N. Brambilla, M. A.
Escobedo, A. Vairo and P. Vander Griend, arXiv:1903.08063), with the mean of all of C^+C for r^2 at next-to-leading
order, where friction only mixes states; for a complex potential <Re V - V_vac> and -2 <Im V>.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..physics.model import LindbladModel
from ..radial.laguerre import LaguerreMesh
from ..states import State
from .hamiltonian import effective_hamiltonian, vacuum_hamiltonian
from .routes import RouteLevels, distance, modulus

Float = NDArray[np.float64]
Complex = NDArray[np.complex128]


def first_order(
    model: LindbladModel, T: Float, states: tuple[State, ...], mesh: LaguerreMesh, finer: LaguerreMesh
) -> RouteLevels:
    """Return energies of first order in the medium.

    Parameters
    ----------
    model : LindbladModel
        The model.
    T : ndarray, shape (nt,)
        Temperatures in GeV.
    states : tuple of State
        The states, bound in the vacuum.
    mesh, finer : LaguerreMesh
        The mesh, and another to tell the error.

    Returns
    -------
    RouteLevels
        With the parts ``second_order`` and ``third_order``, the sizes of these terms, and ``mesh``. <r> is of first
        order, too, and its change times the relative change is the error.
    """
    orders, radius, change = _orders(model, T, states, mesh)
    orders_finer, radius_finer, change_finer = _orders(model, T, states, finer)
    parts = {
        "second_order": modulus(orders[1]),
        "third_order": modulus(orders[2]),
        "mesh": distance(orders[0], orders_finer[0]),
    }
    radius_mesh = np.abs(radius + change - radius_finer - change_finer)
    return RouteLevels(
        orders[0], parts, radius + change, {"second_order": change**2 / radius, "mesh": radius_mesh}
    )


def _orders(
    model: LindbladModel, T: Float, states: tuple[State, ...], mesh: LaguerreMesh
) -> tuple[Complex, Float, Float]:
    """Energies to first order, terms of second and third (3, ns, nt), vacuum radii and first-order changes (ns, nt)."""
    shape = (len(states), len(T))
    orders = np.empty((3, *shape), dtype=complex)
    radius, change = np.empty(shape), np.empty(shape)
    for l in sorted({state.l for state in states}):
        vacuum = vacuum_hamiltonian(model, mesh, l)
        levels, vectors = np.linalg.eigh(vacuum.real)
        r = (vectors.T * mesh.r) @ vectors
        for j, t in enumerate(T):
            medium = vectors.T @ (effective_hamiltonian(model, mesh, l, float(t)) - vacuum) @ vectors
            for i, state in enumerate(states):
                if state.l != l:
                    continue
                n = state.radial_index
                right, left = _mixing(medium[:, n], levels, n), _mixing(medium[n], levels, n)
                orders[0, i, j] = levels[n] + medium[n, n]
                orders[1, i, j] = left @ medium[:, n]
                orders[2, i, j] = left @ medium @ right - medium[n, n] * (left @ right)
                radius[i, j] = r[n, n]
                change[i, j] = ((right + left) @ r[n]).real
    return orders, radius, change


def _mixing(elements: Complex, levels: Float, n: int) -> Complex:
    """Admixtures of the other states, shape (N,), zero for k = n: <k|dH|n>/(E_n - E_k) to the right eigenstate.

    With <n|dH|k> to the left one; friction is not symmetric, so that they differ.
    """
    gaps = levels[n] - levels
    gaps[n] = np.inf
    return np.asarray(elements / gaps)
