"""A pure state under the NLO H_eff by Runge-Kutta steps of the whole generator, in JAX.

The splitting of the density matrix (`kernels_nlo`) loses orders at next-to-leading order: the width contains p^2 and
changes the cusp of the wave function at r = 0, so that vacuum and medium steps disagree about it. One vector is cheap
enough for steps that the classical fourth-order method takes stably, without any splitting.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax


class NloStateSector(NamedTuple):
    """One (color, l) sector: energies (K,), and the matrices A0, A1, A2, g_c r^2 in the vacuum states, (4, K, K)."""

    energies: Any
    matrices: Any


class NloStateSteps(NamedTuple):
    """Steps of a batch of B histories.

    vacuum (S + 1, B), vacuum times before each step and at the end; length (S, B); coefficients (S, 3, 4, B): kappa,
    kappa/T, kappa/T^2 and gamma at the beginning, middle and end of each step.
    """

    vacuum: Any
    length: Any
    coefficients: Any


@jax.jit
def evolve_state_nlo(sector: NloStateSector, state: Any, s: NloStateSteps, steps: Any) -> Any:
    """Return the state (B, K), complex, in the vacuum states after `steps` steps of H_eff.

    Parameters
    ----------
    sector : WholeSector
        Matrices of the sector.
    state : array, shape (B, K)
        Coefficients in the vacuum eigenbasis.
    s : WholeSteps
        The steps.
    steps : int
        Number of steps to take.
    """
    stacked = jnp.concatenate(list(jnp.swapaxes(sector.matrices, -1, -2)), axis=1)

    def slope(pair: Any, coefficients: Any) -> Any:
        """Return d psi/dt of psi = pair[0] + i pair[1]; the matrices are real."""
        k0, k1, k2, gamma = coefficients[:, :, None]
        decays, energies = [], []
        for u in pair:
            Y0, Y1, Y2, Y3 = jnp.split(u @ stacked, 4, axis=1)
            decays.append(k0 * Y0 + k1 * Y1 + k2 * Y2)
            energies.append(sector.energies * u + 0.5 * gamma * Y3)
        return jnp.stack([decays[0] + energies[1], decays[1] - energies[0]])

    def step(i: Any, a: Any) -> Any:
        a = a * jnp.exp(-1j * s.vacuum[i][:, None] * sector.energies)
        h, (begin, middle, end) = s.length[i][:, None], s.coefficients[i]
        u = jnp.stack([a.real, a.imag])
        k1 = slope(u, begin)
        k2 = slope(u + 0.5 * h * k1, middle)
        k3 = slope(u + 0.5 * h * k2, middle)
        k4 = slope(u + h * k3, end)
        u = u + h / 6 * (k1 + 2 * (k2 + k3) + k4)
        return u[0] + 1j * u[1]

    a = lax.fori_loop(0, steps, step, state + 0j)
    return a * jnp.exp(-1j * s.vacuum[steps][:, None] * sector.energies)
