"""The density matrix at next-to-leading order in E/T in JAX: exact exponentials of the whole Lindblad generator.

Jump operators contain d/dr, so nothing is diagonal and the closed forms of `kernels` do not apply. In the vacuum states
of each (color, l) the generator L of a step of constant coefficients is

    L rho = -i [h dt + gamma g_c r^2/2, rho] + kappa (A rho + rho A^T + sum C rho C^T)
    A = A0 + A1/T + A2/T^2,   C = R + S/T

with real matrices; rho is held as X = Re rho + Im rho (see `kernels`), on which -i [H, rho] acts as -H X^T + X^T H.
exp(L) is summed to rounding in Chebyshev polynomials of L: nothing is split, so that the steps are as long as the
temperature allows, and the map is the exponential of a Lindblad generator: completely positive and, but for jumps out
of the space, trace preserving.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .kernels import rotate, trace

SOURCES = np.array([0, 1, 1])
"""Color before the jumps s -> o, o -> s, o -> o, in the order of `model.channels`."""


class NloSector(NamedTuple):
    """Constants for K states and M = l_max + 1; the first axis is color, but for the jumps.

    energies (2, M, K); r_squared, g_c r^2, (2, M, K, K); decay, A0 to A2, (3, 2, M, K, K); jumps
    (2, 2, 3, M - 1, K, K): R and S of the jumps up and down of `SOURCES`, between l and l + 1.
    """

    energies: Any
    r_squared: Any
    decay: Any
    jumps: Any


class NloSteps(NamedTuple):
    """Steps of a batch of B histories.

    vacuum (S + 1, B), vacuum times before each step and at the end; length (S, B); kappa and gamma (S, B), their
    integrals; inverse_T (S, B); and the Chebyshev sums: focus and shift (S, B), coefficients (S, terms, B),
    terms (S,), how many of them a step needs.
    """

    vacuum: Any
    length: Any
    kappa: Any
    gamma: Any
    inverse_T: Any
    focus: Any
    shift: Any
    coefficients: Any
    terms: Any


@jax.jit
def evolve_density_nlo(sector: NloSector, X: Any, lost: Any, s: NloSteps, steps: Any) -> tuple[Any, Any]:
    """Return the density matrix after `steps` steps, and the trace lost on the way.

    Parameters
    ----------
    sector : NloSector
        Matrices of the model in the basis.
    X : array, shape (2, M, B, K, K)
        Re rho + Im rho of each color and l in the vacuum states.
    lost : array, shape (B,)
        Trace lost so far in jumps beyond l_max, the jump range or the energies of the basis; more is added.
    s : NloSteps
        The steps.
    steps : int
        Number of steps to take.
    """

    def step(i: Any, carry: tuple[Any, Any]) -> tuple[Any, Any]:
        X, lost = carry
        X = _free(sector, X, s.vacuum[i])
        before = trace(X)
        at = NloSteps(*(field[i] for field in s))
        X = _exponential(_generator(sector, at), X, at)
        return X, lost + before - trace(X)

    X, lost = lax.fori_loop(0, steps, step, (X, lost))
    return _free(sector, X, s.vacuum[steps]), lost


def _exponential(generator: Any, X: Any, at: NloSteps) -> Any:
    """Return exp(L) X = sum_n c_n P_n X with P_0 = 1, P_1 = (L + shift)/focus, P_{n+1} = 2 P_1 P_n + P_{n-1}.

    P_n(i x focus - shift) = i^n T_n(x): the Chebyshev expansion of an exponential on an imaginary interval.
    """
    focus, shift, c = at.focus[:, None, None], at.shift[:, None, None], at.coefficients[..., None, None]

    def term(n: Any, carry: Any) -> Any:
        before, now, total = carry
        factor = jnp.where(n == 1, 1.0, 2.0) / focus
        after = factor * (generator(now) + shift * now) + before
        return now, after, total + c[n] * after

    return lax.fori_loop(1, at.terms, term, (jnp.zeros_like(X), X, c[0] * X))[2]


def _generator(sector: NloSector, at: NloSteps) -> Any:
    """Return the function X -> L X for one step."""
    x, kappa = at.inverse_T[:, None, None], at.kappa[:, None, None]
    A0, A1, A2 = sector.decay[:, :, :, None]
    A = kappa * (A0 + x * (A1 + x * A2))
    H = 0.5 * at.gamma[:, None, None] * sector.r_squared[:, :, None]
    energies = at.length[:, None] * sector.energies[:, :, None]
    differences = energies[..., :, None] - energies[..., None, :]
    R, S = sector.jumps[:, :, :, :, None]
    C = R + x * S
    rate_C = kappa * C  # not sqrt(kappa) twice: it has no derivative at 0, where padding is

    def act(X: Any) -> Any:
        T = _transposed(X)
        out = A @ X + X @ _transposed(A) - H @ T + T @ H - differences * T
        sources = jnp.stack([X[SOURCES, :-1], X[SOURCES, 1:]])
        to_octet, to_singlet, within_octet = jnp.moveaxis(rate_C @ sources @ _transposed(C), 1, 0)
        up, down = jnp.stack([to_singlet, to_octet + within_octet], axis=1)
        return out.at[:, 1:].add(up).at[:, :-1].add(down)

    return act


def _transposed(X: Any) -> Any:
    return jnp.swapaxes(X, -1, -2)


def _free(sector: NloSector, X: Any, t: Any) -> Any:
    """Return X after the vacuum times t (B,)."""
    angles = t[:, None] * sector.energies[:, :, None]
    return jnp.stack(rotate(X, list(zip(jnp.cos(angles), jnp.sin(angles), strict=True))))
