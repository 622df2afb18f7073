"""Vacuum eigenstates of every (color, l) sector on a mesh: the basis in which vacuum steps are exact phases."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..physics.initial import InitialState
from ..physics.model import LindbladModel
from ..physics.potentials import COLORS, Potential
from ..radial.laguerre import LaguerreMesh
from ..states import STATES, State

Float = NDArray[np.float64]
SINGLET, OCTET = 0, 1


@dataclass(frozen=True, eq=False)
class Basis:
    """Lowest eigenstates of h_{c,l} for l = 0 ... l_max on a mesh.

    Parameters
    ----------
    mesh : LaguerreMesh
        The mesh of N points.
    energies : ndarray, shape (2, l_max + 1, K)
        Eigenvalues in GeV, order of colors (singlet, octet).
    vectors : ndarray, shape (2, l_max + 1, N, K)
        Mesh coefficients of the eigenstates, orthonormal columns.
    model : LindbladModel
        The model, of which initial states take potential, mass and Bohr radius.
    """

    mesh: LaguerreMesh
    energies: Float
    vectors: Float
    model: LindbladModel

    @property
    def l_max(self) -> int:
        """Largest l."""
        return int(self.energies.shape[1]) - 1

    @property
    def size(self) -> int:
        """Number K of states kept in each sector."""
        return int(self.energies.shape[2])

    def coefficients(self, initial: InitialState, color: int) -> Float:
        """Return the coefficients of the normalized initial radial function in sector (color, l), shape (K,).

        Their norm is below one where the basis cuts off high energies.
        """
        u = self.mesh.coefficients(initial.u(self.mesh.r, self.model))
        return np.asarray(self.vectors[color, initial.l].T @ (u / np.linalg.norm(u)))


ENERGY_CUT = 12.0
"""Highest energy kept, in GeV. What lies above has left the quarkonium before the medium can act; a mesh of finite
resolution would reflect it, and its highest eigenstates sit unphysically at r = 0, where nothing absorbs them."""


def make_basis(model: LindbladModel, mesh: LaguerreMesh, l_max: int, size: int | None = None) -> Basis:
    """Return the lowest states of each sector of `model` on `mesh`, cached.

    Parameters
    ----------
    model : LindbladModel
        For its potential and mass.
    mesh : LaguerreMesh
        Mesh points.
    l_max : int
        Largest l.
    size : int, optional
        Number of states in each sector; by default as many as lie below `ENERGY_CUT` in the S-wave singlet.
    """
    size = basis_size(model, mesh) if size is None else size
    energies, vectors = _lowest(model.potential, model.mass, mesh, l_max, size)
    return Basis(mesh, energies, vectors, model)


def basis_size(model: LindbladModel, mesh: LaguerreMesh) -> int:
    """Return how many states of each sector are kept: as many as lie below `ENERGY_CUT` in the S-wave singlet."""
    energies = spectrum(model.potential, model.mass, mesh, 0)[0][SINGLET]
    return max(len(STATES), int(np.searchsorted(energies, ENERGY_CUT)))


@lru_cache(maxsize=64)
def _lowest(
    potential: Potential, mass: float, mesh: LaguerreMesh, l_max: int, size: int
) -> tuple[Float, Float]:
    """Energies (2, l_max + 1, size) and vectors (2, l_max + 1, N, size) of all sectors."""
    spectra = [spectrum(potential, mass, mesh, l) for l in range(l_max + 1)]
    energies = np.stack([e[:, :size] for e, _ in spectra], axis=1)
    vectors = np.stack([v[:, :, :size] for _, v in spectra], axis=1)
    return energies, vectors


@lru_cache(maxsize=64)
def spectrum(potential: Potential, mass: float, mesh: LaguerreMesh, l: int) -> tuple[Float, Float]:
    """Eigenvalues (2, N) and eigenvectors (2, N, N) of the vacuum Hamiltonian for both colors."""
    h = np.array([mesh.hamiltonian(potential.vacuum(mesh.r, c), l, mass) for c in COLORS])
    energies, vectors = np.linalg.eigh(h)
    return energies, vectors


def states_with(l: int) -> tuple[tuple[int, State], ...]:
    """Return (position in STATES, state) of the states with angular momentum l."""
    return tuple((i, s) for i, s in enumerate(STATES) if s.l == l)
