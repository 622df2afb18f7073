"""Where the pair is when the medium ends: rho_{c,l}(r), from the same discretization as the survivals."""

from __future__ import annotations

from typing import Any, Final

import jax
import numpy as np
from numpy.typing import NDArray

from ..physics.initial import InitialState
from ..physics.medium import History
from ..physics.model import LindbladModel
from ..solvers.basis import SINGLET, Basis
from ..solvers.density import DensityMatrix
from ..solvers.discretization import Discretization, starting_levels
from ..solvers.kernels import double_precision, evolve_density, lindblad_sector
from ..solvers.kernels_nlo import evolve_density_nlo
from ..solvers.nlo_discretization import NloDiscretization, nlo_starting_levels
from ..solvers.nlo_operators import filtered
from ..solvers.nlo_propagate import density_sector
from ..solvers.nlo_schedule import commutator_free, stacked
from ..solvers.propagate import components, sequences
from ..solvers.schedule import strang

Float = NDArray[np.float64]

ROWS: Final = 128
"""Steps are padded to a multiple of this, so that moving a slider compiles nothing."""


def final_density(
    model: LindbladModel, history: History, initial: InitialState, method: DensityMatrix, r: Float
) -> Float:
    r"""Return rho_{c,l}(r) at the end of the medium, shape (2, l_max + 1, nr), probability per length in GeV.

    Parameters
    ----------
    model : LindbladModel
        Model of either order.
    history : History
        One temperature history.
    initial : InitialState
        Start.
    method : DensityMatrix
        Chooses mesh, l_max and step; nothing is refined, so `solve` has the same with ``error_budget=False``.
    r : ndarray, shape (nr,)
        Distances in GeV^-1.

    Notes
    -----
    rho_{c,l}(r) = sum_ab Re(rho_ab) u_a(r) u_b(r) in the vacuum eigenstates u_a of a sector, summed over the 2l + 1
    orientations and the colors of the octet; its integral over r is the probability of the sector.
    """
    next_order = model.order == "NLO"
    begin = nlo_starting_levels if next_order else starting_levels
    d = method.discretization(begin(method.rtol, model, history, initial.l), model, initial)
    basis = d.basis(model)
    evolved = _next_order if isinstance(d, NloDiscretization) else _leading_order
    rho = evolved(d, basis, model, history, initial)  # type: ignore[arg-type]  # each gets its own discretization
    functions = basis.mesh.interpolate(np.swapaxes(basis.vectors, -1, -2), r)
    # the antisymmetric part of Re rho + Im rho drops out
    return np.asarray(np.einsum("clar,clab,clbr->clr", functions, rho, functions, optimize=True))


def _leading_order(
    d: Discretization, basis: Basis, model: LindbladModel, history: History, initial: InitialState
) -> Float:
    (steps,) = sequences(model, history, [], strang, d.step, coarse=False)
    rows = ROWS * -(-steps.steps // ROWS)

    def padded(values: Float, length: int) -> Float:
        return np.pad(values, (0, length - len(values)))[:, None]

    vacuum = padded(np.ravel(steps.vacuum), rows + 1)
    kappa, gamma = (padded(np.ravel(x[..., SINGLET]), rows) for x in (steps.kappa, steps.gamma))
    start = _start(basis, initial, [basis.coefficients(initial, c) for c, _ in components(initial)])
    with double_precision():
        sector = jax.device_put(lindblad_sector(model, basis, d.jump_range))
        X, _ = evolve_density(sector, tuple(start), np.zeros((2, 1)), vacuum, kappa, gamma, steps.steps)
    return np.stack([np.asarray(x)[:, 0] for x in X])


def _next_order(
    d: NloDiscretization, basis: Basis, model: LindbladModel, history: History, initial: InitialState
) -> Float:
    plan = sequences(model, history, [], commutator_free, d.step, coarse=False)
    matrices, bounds = density_sector(model, basis, d.jump_range)
    steps, number = stacked(plan, bounds)
    start = _start(
        basis, initial, [filtered(basis, initial, c, d.filter_energy) for c, _ in components(initial)]
    )
    with double_precision():
        sector: Any = jax.device_put(matrices)
        X, _ = evolve_density_nlo(sector, start, np.zeros(1), steps, number)
    return np.asarray(X)[:, :, 0]


def _start(basis: Basis, initial: InitialState, coefficients: list[Float]) -> Float:
    """Return rho at the start, shape (2, M, 1, K, K), from the coefficients in each color it occupies."""
    X = np.zeros((2, basis.l_max + 1, 1, basis.size, basis.size))
    for (color, weight), a in zip(components(initial), coefficients, strict=True):
        X[color, initial.l, 0] += weight * np.outer(a, a)
    return X
