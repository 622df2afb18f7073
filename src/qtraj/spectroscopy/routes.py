"""Routes to thermal levels that diagonalize: first order in the medium, and complex eigenvalues of H_eff.

First order, with the next two orders as its error, where dH = H_eff(T) - H_vacuum:

    E_n(T) = E_n + <n|dH|n> + sum_k <n|dH|k> <k|dH|n>/(E_n - E_k) + ...

For the dipole terms it is delta E = (gamma/2) <r^2> and Gamma = kappa <r^2> (N. Brambilla, M. A. Escobedo, A. Vairo
and P. Vander Griend, arXiv:1903.08063), with the mean of all of C^+C for r^2 at next-to-leading order, where friction
only mixes states; for a complex potential <Re V - V_vac> and -2 <Im V>.

Complex eigenvalues are followed from the vacuum states upward in temperature. For dipole terms with kappa > 0 the
eigenfunctions of H_eff fall like exp(-sqrt(M c) r^2/2), c = (gamma - i kappa)/2, without any scaling: -i kappa r^2/2 is
its own absorbing boundary, and the spectrum is discrete. The unrotated matrix is far from normal, though, which
amplifies what the mesh leaves out, and high levels converge slowly. Rotated by theta = -arg(c)/4 the far region is as
real as it can be, and they are as good as the low ones. A complex potential that becomes constant, V -> V_inf with
Im V_inf < Im E, needs no scaling either: a bound state decays like exp(i k r), k = sqrt(M (E - V_inf)) with Im k > 0,
and stays isolated beside the continuum that starts at V_inf until it dissolves there. From then on it moves with the
length of the mesh, which is how that is noticed.

The matrix is the one from which friction has been transformed away: it is complex symmetric at either order, so the
left eigenvectors are the transposed right ones, and overlaps are taken without complex conjugation, (u|v) = sum u v.
Between two nearby matrices they are close to one for the same state and to zero for all others, however far from
orthogonal the eigenvectors are in the usual sense.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .._types import Complex, Float
from ..observables.estimate import Estimate
from ..physics.model import LindbladModel
from ..physics.transport import Transport
from ..radial.laguerre import LaguerreMesh
from ..states import State
from .hamiltonian import (
    MAX_ROTATION,
    best_rotation,
    continuum,
    effective_hamiltonian,
    symmetric_hamiltonian,
    vacuum_hamiltonian,
)

MISSING = complex(np.nan, np.nan)  # energy of a state that a route does not find
DIVERGES = "diverges"  # remark on a first order that second and third order exceed


@dataclass(frozen=True, eq=False)
class RouteLevels:
    """Complex energies E - i Gamma/2 of ns states at nt temperatures by one route, arrays of shape (ns, nt).

    `energy` is in GeV, without the masses of the quarks, `MISSING` where the route finds no state; `remarks` say why,
    or `DIVERGES`, or are empty. `parts` bound its error: the real part is that of Re E, the imaginary part that of
    Gamma/2. `radius` is <r> in GeV^-1, NaN where the route has none, and `radius_parts` bound its error.
    """

    energy: Complex
    parts: Mapping[str, Complex]
    radius: Float
    radius_parts: Mapping[str, Float] = field(default_factory=dict)
    remarks: NDArray[np.str_] | None = None

    def real(self, offset: Float | float = 0.0) -> Estimate:
        """Return Re E - offset in GeV with its error, shape (ns, nt)."""
        return estimate_of(self.energy.real - offset, {name: part.real for name, part in self.parts.items()})

    def remark(self, state: int, temperature: int) -> str:
        """Return why one number is missing or no level, else an empty text."""
        return "" if self.remarks is None else str(self.remarks[state, temperature])


def distance(a: Complex | complex, b: Complex | complex) -> Complex:
    """Return |Re(a - b)| + i |Im(a - b)|, the form of a part of an error."""
    difference = np.asarray(a) - np.asarray(b)
    return np.asarray(np.abs(difference.real) + 1j * np.abs(difference.imag))


def modulus(a: Complex | complex) -> Complex:
    """Return |a| (1 + i): a bound on both parts where only the size is known."""
    return np.asarray(np.abs(a) * (1 + 1j))


def estimate_of(value: Float, parts: Mapping[str, Float]) -> Estimate:
    """Return an Estimate, which takes no NaN as error: where the value is NaN it has none."""
    return Estimate(value, {name: np.where(np.isfinite(value), part, 0.0) for name, part in parts.items()})


def first_order(
    model: LindbladModel,
    T: Float,
    states: tuple[State, ...],
    mesh: LaguerreMesh,
    finer: LaguerreMesh,
    *,
    dipole: Transport | None = None,
    advance: Callable[[int], None] = lambda temperatures: None,
) -> RouteLevels:
    """Return energies of first order in the medium, of states that are bound in the vacuum; T (nt,) is in GeV.

    The medium is that of the model, or the terms (gamma - i kappa) r^2/2 of `dipole` alone. `advance` is called with
    how many temperatures are done, for each l.

    The parts of the error are ``second_order`` and ``third_order``, the sizes of these terms, and ``mesh``, the
    difference to the mesh `finer`. <r> is of first order, too, and its change times the relative change is the error.
    Where these orders exceed the first, as those of a dipole in a large state do by powers of ten, the remark is
    `DIVERGES`: first order is then a number to compare, and no level.
    """
    (vacuum, first, second, third), radius, change = _orders(model, T, states, mesh, dipole)
    (vacuum_finer, first_finer, *_), radius_finer, change_finer = _orders(model, T, states, finer, dipole)
    energy, on_finer = vacuum + first, vacuum_finer + first_finer
    advance(len(T) * len({state.l for state in states}))
    remarks = np.where(np.abs(second) + np.abs(third) > np.abs(first), DIVERGES, "")
    parts = {
        "second_order": modulus(second),
        "third_order": modulus(third),
        "mesh": distance(energy, on_finer),
    }
    radius_mesh = np.abs(radius + change - radius_finer - change_finer)
    radius_parts = {"second_order": change**2 / radius, "mesh": radius_mesh}
    return RouteLevels(energy, parts, radius + change, radius_parts, remarks)


def _orders(
    model: LindbladModel,
    T: Float,
    states: tuple[State, ...],
    mesh: LaguerreMesh,
    dipole: Transport | None,
) -> tuple[Complex, Float, Float]:
    """Energies, their terms of first to third order (4, ns, nt), vacuum radii and first-order changes (ns, nt)."""
    shape = (len(states), len(T))
    orders = np.empty((4, *shape), dtype=complex)
    radius, change = np.empty(shape), np.empty(shape)
    for l in sorted({state.l for state in states}):
        # one diagonalization for all temperatures
        vacuum = vacuum_hamiltonian(model, mesh, l)
        levels, vectors = np.linalg.eigh(vacuum.real)
        r = (vectors.T * mesh.r) @ vectors
        for j, t in enumerate(T):
            if dipole is None:
                terms = effective_hamiltonian(model, mesh, l, float(t)) - vacuum
            else:
                kappa, gamma = dipole.at(t)
                terms = np.diag(0.5 * (gamma - 1j * kappa) * mesh.r**2)
            medium = vectors.T @ terms @ vectors
            for i in (i for i, state in enumerate(states) if state.l == l):
                n = states[i].radial_index
                gaps = levels[n] - levels
                gaps[n] = np.inf
                # admixtures <k|dH|n>/(E_n - E_k) to the right eigenstate, with <n|dH|k> to the left one: friction is
                # not symmetric, so that they differ
                right, left = medium[:, n] / gaps, medium[n] / gaps
                orders[0, i, j] = levels[n]
                orders[1, i, j] = medium[n, n]
                orders[2, i, j] = left @ medium[:, n]
                orders[3, i, j] = left @ medium @ right - medium[n, n] * (left @ right)
                radius[i, j] = r[n, n]
                change[i, j] = ((right + left) @ r[n]).real
    return orders, radius, change


# largest distance of |(u|v)| from one, and largest overlap with another state, that counts as the same state
SAME = 0.2

# share of the way between two matrices below which the best overlap is taken as it is: states cross there
SMALLEST_STEP = 2.0**-10


def eigenstates(matrix: Complex) -> tuple[Complex, Complex]:
    """Return eigenvalues (N,) and eigenvectors in the columns (N, N), with (v|v) = 1."""
    energies, vectors = np.linalg.eig(matrix)
    norms = np.sqrt(np.sum(vectors**2, axis=0) + 0j)
    return energies, vectors / norms


def select(matrix: Complex, energies: Complex) -> tuple[Complex, Complex]:
    """Return the eigenvalues (k,) closest to the energies (k,) and their eigenvectors (N, k)."""
    eigenvalues, vectors = eigenstates(matrix)
    best = np.argmin(np.abs(eigenvalues - energies[:, None]), axis=1)
    return eigenvalues[best], vectors[:, best]


def follow(start: Complex, end: Complex, vectors: Complex) -> tuple[Complex, Complex]:
    """Follow eigenvectors (N, k), (v|v) = 1, of one symmetric matrix to another, on the straight line between them.

    Returns the eigenvalues (k,) of `end` that they become, and its eigenvectors (N, k).
    """
    position, step = 0.0, 1.0
    energies = np.empty(vectors.shape[1], dtype=complex)
    rows = np.arange(vectors.shape[1])
    while position < 1:
        trial = min(position + step, 1.0)
        eigenvalues, candidates = eigenstates((1 - trial) * start + trial * end)
        overlaps = np.abs(vectors.T @ candidates)
        best = np.argmax(overlaps, axis=1)
        others = overlaps.copy()
        others[rows, best] = 0.0
        # halve the step until every state has one clear successor
        clear = np.all(np.abs(overlaps[rows, best] - 1) < SAME) and np.all(others < SAME)
        if not clear and step > SMALLEST_STEP:
            step /= 2
            continue
        energies, vectors = eigenvalues[best], candidates[:, best]
        position, step = trial, 2 * step
    return energies, vectors


# by how much the angle of complex scaling is varied, up and down, to see that eigenvalues do not depend on it
TURN = 0.05

# A level whose distance from the continuum changes by this part on a longer mesh belongs to the continuum
MELTED = 0.01


def complex_levels(
    model: LindbladModel,
    T: Float,
    states: tuple[State, ...],
    mesh: LaguerreMesh,
    finer: LaguerreMesh,
    rotation: float | None = None,
    *,
    advance: Callable[[int], None] = lambda temperatures: None,
) -> RouteLevels:
    """Return complex eigenvalues of H_eff; arguments as for `first_order`; `advance` is called for each temperature.

    The angle of complex scaling, `rotation`, is `best_rotation` by default, which is 0 where the potential is not
    analytic. The parts of the error are ``mesh``, ``rounding`` and, under complex scaling, ``rotation``. <r> is
    Re (v|r|v), which does not depend on theta. States that have dissolved in the continuum are NaN, with the remark
    ``melted``.
    """
    theta = best_rotation(model, T) if rotation is None else rotation

    def mean_radius(vectors: Complex, on: LaguerreMesh) -> Float:  # Re (v|r|v) of the columns of (N, k)
        return np.asarray((np.exp(1j * theta) * (on.r @ vectors**2)).real)

    energy = np.empty((len(states), len(T)), dtype=complex)
    on_finer, turned = np.empty_like(energy), np.zeros_like(energy)
    radius, radius_finer = np.empty(energy.shape), np.empty(energy.shape)
    for l in sorted({state.l for state in states}):
        rows = [i for i, state in enumerate(states) if state.l == l]
        real_levels = np.linalg.eigvalsh(vacuum_hamiltonian(model, mesh, l).real)
        start = np.asarray(real_levels[[states[i].radial_index for i in rows]], dtype=complex)
        before = vacuum_hamiltonian(model, mesh, l, theta)  # checks theta
        angles = [angle for angle in (theta - TURN, theta + TURN) if theta and 0 <= angle < MAX_ROTATION]
        _, vectors = select(before, start)
        for j, t in enumerate(T):
            now = symmetric_hamiltonian(model, mesh, l, float(t), theta)
            energy[rows, j], vectors = follow(before, now, vectors)
            before, here = now, energy[rows, j]
            radius[rows, j] = mean_radius(vectors, mesh)
            matrix = symmetric_hamiltonian(model, finer, l, float(t), theta)
            on_finer[rows, j], vectors_finer = select(matrix, here)
            radius_finer[rows, j] = mean_radius(vectors_finer, finer)
            for angle in angles:
                other, _ = select(symmetric_hamiltonian(model, mesh, l, float(t), angle), here)
                change, largest = distance(other, here), turned[rows, j]
                imaginary = np.maximum(largest.imag, change.imag)
                turned[rows, j] = np.maximum(largest.real, change.real) + 1j * imaginary
            advance(1)
    # what rounding of the matrix leaves in its eigenvalues
    size = np.linalg.norm(vacuum_hamiltonian(model, mesh, 0), 2)
    rounding = complex(np.finfo(float).eps * size * (1 + 1j))
    parts = {"mesh": distance(energy, on_finer), "rounding": np.full_like(energy, rounding)}
    if theta > 0:
        parts["rotation"] = turned
    # a level of the continuum moves with the length of the mesh
    melted = np.abs(energy - on_finer) > MELTED * np.abs(energy - continuum(model, mesh, T))
    energy, radius = np.where(melted, MISSING, energy), np.where(melted, np.nan, radius)
    radius_parts, remarks = {"mesh": np.abs(radius - radius_finer)}, np.where(melted, "melted", "")
    return RouteLevels(energy, parts, radius, radius_parts, remarks)
