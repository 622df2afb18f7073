"""Leading-order steps on the two grids: a Laguerre mesh with exact vacuum motion, and a sine grid with split steps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...physics.initial import InitialState
from ...physics.medium import History
from ...physics.model import LindbladModel
from ...physics.potentials.coulomb import COLORS
from ...radial.laguerre import LaguerreMesh
from ...radial.sine import SineGrid
from ..basis import basis_size, make_basis, spectrum
from ..projection import Projection, initial_coefficients
from .propagators import (
    Complex,
    DipolePropagators,
    Float,
    Fraction,
    Integer,
    Propagators,
    color_and_l,
    squared_norm,
)
from .time_grid import TimeGrid


class MeshPropagators(DipolePropagators):
    """Steps on a Laguerre mesh, with the vacuum states up to `basis.ENERGY_CUT`.

    Parameters
    ----------
    model, history, time_grid
        What to evolve under, and when.
    grid : LaguerreMesh
        The mesh.
    projection : str or StoredStates
        What to project on.
    jump_range : float
        Distance in GeV^-1 beyond which jumps count as lost, as in `kernels.lindblad_sector`.
    size : int, optional
        Number of states kept in each sector, by default `basis_size`.
    filter_energy : float
        Energy in GeV above which the start is left out, see `Basis.filtered`.
    """

    def __init__(
        self,
        model: LindbladModel,
        history: History,
        time_grid: TimeGrid,
        grid: LaguerreMesh,
        projection: Projection,
        jump_range: float = np.inf,
        size: int | None = None,
        filter_energy: float = np.inf,
    ) -> None:
        super().__init__(model, history, time_grid, grid, projection)
        self.size = basis_size(model, grid) if size is None else size
        self.filter_energy = filter_energy
        self.radial_factor = self.r * np.exp(-((self.r / jump_range) ** 12))
        self._sectors: dict[int, tuple[Float, Float]] = {}

    def start(self, initial: InitialState, color: int) -> Float:
        """Return the initial state, cut to the basis and the filter."""
        basis = make_basis(self.model, self.grid, initial.l, self.size)
        return np.asarray(
            basis.sector(color, initial.l)[1] @ basis.filtered(initial, color, self.filter_energy)
        )

    def advance(self, states: Complex, sectors: Integer, step: int, fraction: Fraction = 1.0) -> Float:
        """Evolve the states in place; return the part of their norm inside the basis."""
        keep = np.empty(len(states))
        for sector in np.unique(sectors):
            rows = np.flatnonzero(sectors == sector)
            share = fraction if np.ndim(fraction) == 0 else np.asarray(fraction)[rows]
            inside = states[rows] * self._half(int(sector), step, share, early=True)
            evolved, kept = self._vacuum(inside, int(sector), self.time_grid.lengths[step] * share)
            keep[rows] = kept / squared_norm(inside)
            states[rows] = evolved * self._half(int(sector), step, share, early=False)
        return keep

    def step_adjoint(self, states: Complex, sector: int, step: int) -> Complex:
        """Return the adjoint of a whole step."""
        late = self._half(sector, step, 1.0, early=False).conj()
        evolved, _ = self._vacuum(states * late, sector, -self.time_grid.lengths[step])
        return evolved * self._half(sector, step, 1.0, early=True).conj()

    def _vacuum(self, states: Complex, sector: int, dt: Fraction) -> tuple[Complex, Float]:
        energies, vectors = self._eigenstates(sector)
        amplitudes = _real_product(states, vectors)
        kept = squared_norm(amplitudes)
        amplitudes *= np.exp(-1j * np.multiply.outer(dt, energies))
        return _real_product(amplitudes, vectors.T), kept

    def _eigenstates(self, sector: int) -> tuple[Float, Float]:
        """Return energies (K,) and vectors (N, K) of a sector."""
        if sector not in self._sectors:
            color, l = color_and_l(sector)
            energies, vectors = spectrum(self.model.potential, self.model.mass, self.grid, color, l)
            self._sectors[sector] = (energies[: self.size], np.ascontiguousarray(vectors[:, : self.size]))
        return self._sectors[sector]


class SinePropagators(DipolePropagators):
    """Split-step evolution on a sine grid: potential, kinetic energy by sine transforms, potential.

    Parameters
    ----------
    model, history, time_grid
        What to evolve under, and when.
    grid : SineGrid
        The grid.
    projection : str or StoredStates
        What to project on.
    """

    def __init__(
        self,
        model: LindbladModel,
        history: History,
        time_grid: TimeGrid,
        grid: SineGrid,
        projection: Projection,
    ) -> None:
        super().__init__(model, history, time_grid, grid, projection)
        self.radial_factor = self.r
        self._kinetic = grid.kinetic(model.mass)
        self._statics: dict[tuple[int, int], Float] = {}
        self._memo: dict[object, tuple[object, Complex]] = {}

    def start(self, initial: InitialState, color: int) -> Float:
        """Return the initial state."""
        return initial_coefficients(initial, self.grid, self.model, COLORS[color])

    def advance(self, states: Complex, sectors: Integer, step: int, fraction: Fraction = 1.0) -> Float:
        """Evolve the states in place; nothing leaves this basis."""
        # a uniform time grid shares the medium evenly: both factors are the same
        if np.ndim(fraction):
            halves = [
                self._half(int(s), step, f, early=True)
                for s, f in zip(sectors, np.asarray(fraction), strict=True)
            ]
        else:
            of_sector = {int(s): self._half(int(s), step, fraction, early=True) for s in np.unique(sectors)}
            halves = [of_sector[int(s)] for s in sectors]
        # row by row: rows are long, and gathering those of a sector would cost two more passes through memory
        for i, half in enumerate(halves):
            states[i] *= half
        states[...] = self.grid.kinetic_step(
            states, self._kinetic_phase(self.time_grid.lengths[step] * fraction)
        )
        for i, half in enumerate(halves):
            states[i] *= half
        return np.ones(len(states))

    def step_adjoint(self, states: Complex, sector: int, step: int) -> Complex:
        """Return the adjoint of a whole step."""
        half = self._half(sector, step, 1.0, early=True).conj()
        phase = self._kinetic_phase(self.time_grid.lengths[step]).conj()
        return np.asarray(self.grid.kinetic_step(states * half, phase) * half)

    def _half(self, sector: int, step: int, fraction: Fraction, *, early: bool) -> Complex:
        """Return exp(-P/2) as the product of a factor of each color and a phase of each sector, which repeat."""
        color, l = color_and_l(sector)
        if fraction != 1.0 or self.model.thermal is not None:
            return super()._half(sector, step, fraction, early=early)
        dt = float(self.time_grid.lengths[step])
        medium = 0.5 * complex(self.time_grid.kappa[step], self.time_grid.gamma[step])
        return self._remembered(
            ("medium", color), medium, lambda: np.exp(-medium * self._widths[color])
        ) * self._remembered(("static", sector), dt, lambda: np.exp(-0.5j * dt * self._static(color, l)))

    def _kinetic_phase(self, dt: Fraction) -> Complex:
        if np.ndim(dt):
            return np.asarray(np.exp(-1j * np.multiply.outer(dt, self._kinetic)))
        return self._remembered("kinetic", dt, lambda: np.exp(-1j * float(dt) * self._kinetic))

    def _remembered(self, key: object, argument: object, compute: Callable[[], Complex]) -> Complex:
        """Return compute(), kept until `argument` changes: equal steps follow each other."""
        found = self._memo.get(key)
        if found is None or found[0] != argument:
            found = self._memo[key] = (argument, compute())
        return found[1]

    def _static(self, color: int, l: int) -> Float:
        key = (color, l)
        if key not in self._statics:
            centrifugal = l * (l + 1) / (self.model.mass * self.r**2)
            self._statics[key] = self.model.potential.vacuum(self.r, COLORS[color]) + centrifugal
        return self._statics[key]


def make_propagators(
    model: LindbladModel,
    history: History,
    time_grid: TimeGrid,
    grid: LaguerreMesh | SineGrid,
    projection: Projection,
    jump_range: float,
    filter_energy: float = np.inf,
) -> Propagators:
    """Return the propagators of either grid; `jump_range` and `filter_energy` are for the mesh only."""
    if isinstance(grid, SineGrid):
        return SinePropagators(model, history, time_grid, grid, projection)
    return MeshPropagators(
        model, history, time_grid, grid, projection, jump_range, filter_energy=filter_energy
    )


def _real_product(states: Complex, matrix: Float) -> Complex:
    """Return states @ matrix for a real matrix at half the cost: the real and imaginary parts are rows of their own."""
    rows = np.concatenate([states.real, states.imag]) @ matrix
    return rows[: len(states)] + 1j * rows[len(states) :]
