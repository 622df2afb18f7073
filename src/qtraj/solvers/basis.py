"""Vacuum eigenstates of every (color, l) sector on a mesh: the basis in which vacuum steps are exact phases."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from .._types import Float
from ..physics.initial import InitialState
from ..physics.model import LindbladModel
from ..physics.potentials.coulomb import COLORS, Potential
from ..radial.laguerre import LaguerreMesh
from ..states import STATES, State

SINGLET, OCTET = 0, 1


@dataclass(frozen=True, eq=False)
class Basis:
    """Lowest eigenstates of h_{c,l} for l = 0 ... l_max on a mesh.

    Parameters
    ----------
    mesh : LaguerreMesh
        The mesh of N points.
    model : LindbladModel
        The model, of which initial states take potential, mass and Bohr radius.
    l_max : int
        Largest l.
    size : int
        Number K of states kept in each sector.
    """

    mesh: LaguerreMesh
    model: LindbladModel
    l_max: int
    size: int

    def sector(self, color: int, l: int) -> tuple[Float, Float]:
        """Return energies (K,) in GeV and orthonormal mesh coefficients (N, K) of one sector.

        Built when asked for: a potential may know no octet, and a pure state needs one sector only.
        """
        energies, vectors = spectrum(self.model.potential, self.model.mass, self.mesh, color, l)
        return energies[: self.size], vectors[:, : self.size]

    @cached_property
    def energies(self) -> Float:
        """Eigenvalues in GeV, shape (2, l_max + 1, K), order of colors (singlet, octet)."""
        return np.array([[self.sector(c, l)[0] for l in range(self.l_max + 1)] for c in range(len(COLORS))])

    @cached_property
    def vectors(self) -> Float:
        """Mesh coefficients of the eigenstates, orthonormal columns, shape (2, l_max + 1, N, K)."""
        return np.array([[self.sector(c, l)[1] for l in range(self.l_max + 1)] for c in range(len(COLORS))])

    @property
    def threshold(self) -> float:
        """Energy in GeV from which on pairs count as fast: 0, or that of the 3S in a potential that confines it."""
        return _threshold(self.model, self.mesh)

    def coefficients(self, initial: InitialState, color: int) -> Float:
        """Return the coefficients of the normalized initial radial function in sector (color, l), shape (K,).

        Their norm is below one where the basis cuts off high energies.
        """
        u = self.mesh.coefficients(initial.u(self.mesh.r, self.model))
        _, vectors = self.sector(color, initial.l)
        return np.asarray(vectors.T @ (u / np.linalg.norm(u)))

    def filtered(self, initial: InitialState, color: int, energy: float) -> Float:
        """Return the coefficients (K,) of the start times exp(-(E/energy)^4), E > 0 the energies above the `threshold`.

        Fast pairs have left before the medium acts, but a mesh cannot hold all energies at all distances: it would send
        them back. A sharp cut would leave ripples near r = 0, where the p^2 of the NLO width sees them and shifts
        survivals by 1e-3.
        """
        energies, _ = self.sector(color, initial.l)
        keep = np.exp(-((np.maximum(energies - self.threshold, 0) / energy) ** 4))
        return np.asarray(keep * self.coefficients(initial, color))


ENERGY_CUT = 12.0
"""Highest energy kept, in GeV, for bottomonium; others have it scaled by `LindbladModel.scales`. What lies above has
left the quarkonium before the medium can act; a mesh of finite resolution would reflect it, and its highest eigenstates
sit unphysically at r = 0, where nothing absorbs them."""


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
    return _cached_basis(model, mesh, l_max, basis_size(model, mesh) if size is None else size)


def basis_size(model: LindbladModel, mesh: LaguerreMesh, energy: float | None = None) -> int:
    """Return how many states of each sector are kept: as many as lie below `energy` (GeV) in the S-wave singlet.

    By default that is `ENERGY_CUT`, scaled to the model.
    """
    energy = ENERGY_CUT * model.scales.energy if energy is None else energy
    energies, _ = spectrum(model.potential, model.mass, mesh, SINGLET, 0)
    return max(len(STATES), int(np.searchsorted(energies, energy + _threshold(model, mesh))))


def _threshold(model: LindbladModel, mesh: LaguerreMesh) -> float:
    return max(0.0, float(spectrum(model.potential, model.mass, mesh, SINGLET, 0)[0][2]))


@lru_cache(maxsize=64)
def _cached_basis(model: LindbladModel, mesh: LaguerreMesh, l_max: int, size: int) -> Basis:
    return Basis(mesh, model, l_max, size)


@lru_cache(maxsize=128)
def spectrum(
    potential: Potential, mass: float, mesh: LaguerreMesh, color: int, l: int
) -> tuple[Float, Float]:
    """Return all eigenvalues (N,) and eigenvectors (N, N) of the vacuum Hamiltonian of one color and l."""
    energies, vectors = np.linalg.eigh(mesh.hamiltonian(potential.vacuum(mesh.r, COLORS[color]), l, mass))
    return energies, vectors


def states_with(l: int) -> tuple[tuple[int, State], ...]:
    """Return (position in STATES, state) of the states with angular momentum l."""
    return tuple((i, s) for i, s in enumerate(STATES) if s.l == l)
