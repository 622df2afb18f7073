"""Batches of histories through the NLO kernels: matrices, start, check points, projection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from ...physics.initial import InitialState
from ...physics.model import LindbladModel
from ..basis import OCTET, SINGLET, Basis
from ..nojump.nlo import propagate_state_nlo
from ..steps import Plan, Profile
from .kernels import double_precision
from .nlo_kernels import NloSector, evolve_density_nlo
from .nlo_operators import gain_matrices, largest_rate, loss_matrices
from .nlo_resolution import NloDiscretization
from .nlo_steps import Bounds, commutator_free, stacked
from .propagate import (
    Callback,
    Overlaps,
    follow,
    sequences,
)

Float = NDArray[np.float64]

DECAY_MARGIN = 1.05
"""Bound on the decay rates of the density matrix over twice that of a pure state; the largest reach 0.99 of that."""

BARE_STEP = 0.4
"""Step of the run without jumps; stability needs shorter ones, at which its error is below 1e-6."""


def density_sector(model: LindbladModel, basis: Basis, jump_range: float) -> tuple[NloSector, Bounds]:
    """Return the constants of `evolve_density_nlo`, and where the spectrum of the generator lies."""
    losses = [
        [loss_matrices(model, basis, c, l, jump_range) for l in range(basis.l_max + 1)]
        for c in (SINGLET, OCTET)
    ]
    r_squared = np.array([[loss.r_squared for loss in row] for row in losses])
    decay = np.array([[loss.decay for loss in row] for row in losses])
    jumps = np.stack([gain_matrices(model, basis, dl, jump_range) for dl in (1, -1)], axis=1)
    bounds = Bounds(
        energy=float((basis.energies[..., -1] - basis.energies[..., 0]).max()),
        phase=0.5 * float(np.linalg.eigvalsh(r_squared).max()),
        decay=2 * DECAY_MARGIN * max(largest_rate(loss) for row in losses for loss in row),
    )
    return NloSector(basis.energies, r_squared, np.moveaxis(decay, 2, 0), jumps), bounds


def propagate_density_nlo(
    basis: Basis,
    model: LindbladModel,
    initial: InitialState,
    plans: Sequence[Plan],
    *,
    jump_range: float,
    filter_energy: float,
    diagnostics: bool = False,
    callback: Callback | None = None,
) -> Overlaps:
    """Propagate the density matrix of the NLO equation; arguments as for `propagate_density`.

    What is too fast of the start, see `Basis.filtered`, counts as lost.
    """
    matrices, bounds = density_sector(model, basis, jump_range)
    with double_precision():
        sector: NloSector = jax.device_put(matrices)

    def evolve(X: Any, gone: Any, pieces: Sequence[Any]) -> tuple[Any, Any]:
        steps, number = stacked(pieces, bounds)
        with double_precision():
            X, jumped = evolve_density_nlo(sector, np.stack(X), gone[0], steps, number)
        return X, np.stack([jumped, gone[1]])  # nothing leaves the basis but by jumps

    return follow(basis, initial, plans, evolve, filter_energy, diagnostics=diagnostics, callback=callback)


def regenerate_nlo(
    d: NloDiscretization,
    model: LindbladModel,
    initial: InitialState,
    profiles: Sequence[Profile],
    checkpoints: Sequence[float],
    steps: Sequence[float],
    *,
    coarse: bool,
    diagnostics: bool,
) -> tuple[Float, Overlaps, list[int]]:
    """Return the overlaps after at least one jump, (n, segments, 6), the whole density matrix's, and numbers of steps.

    They are the difference of two runs with the same discretization, with and without jumps.
    """
    basis = d.basis(model)
    plans = [
        sequences(p, checkpoints, commutator_free, step, coarse=coarse, smooth=True)
        for p, step in zip(profiles, steps, strict=True)
    ]
    full = propagate_density_nlo(
        basis,
        model,
        initial,
        plans,
        jump_range=d.jump_range,
        filter_energy=d.filter_energy,
        diagnostics=diagnostics,
    )
    no_jump = propagate_state_nlo(
        basis,
        model,
        initial,
        profiles,
        checkpoints,
        step=BARE_STEP,
        coarse=True,
        jump_range=d.jump_range,
        filter_energy=d.filter_energy,
    )
    return full.overlap - no_jump.overlap, full, [plan.steps for plan in plans]
