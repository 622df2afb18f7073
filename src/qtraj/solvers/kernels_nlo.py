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
from jax import lax

from .kernels import rotate, trace

COLOR_CHANGES = ((0, 1), (1, 0), (1, 1))
"""Source and target of the jumps s -> o, o -> s, o -> o, in the order of `model.channels`."""


class NloSector(NamedTuple):
    """Constants for K states and M = l_max + 1.

    energies, one (M, K) for each color; r_squared, g_c r^2, one (M, K, K) each; decay, A0 to A2, one (3, M, K, K) each;
    up and down (2, 3, M - 1, K, K): R and S of the jumps of `COLOR_CHANGES` between l and l + 1.
    """

    energies: Any
    r_squared: Any
    decay: Any
    up: Any
    down: Any


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
    X : tuple of two arrays, shape (M, B, K, K)
        Re rho + Im rho of each l in the vacuum states, for the singlet and the octet.
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

    X, lost = lax.fori_loop(0, steps, step, (tuple(X), lost))
    return _free(sector, X, s.vacuum[steps]), lost


def _exponential(generator: Any, X: Any, at: NloSteps) -> Any:
    """Return exp(L) X = sum_n c_n P_n X with P_0 = 1, P_1 = (L + shift)/focus, P_{n+1} = 2 P_1 P_n + P_{n-1}.

    P_n(i x focus - shift) = i^n T_n(x): the Chebyshev expansion of an exponential on an imaginary interval.
    """
    focus, shift, c = at.focus[:, None, None], at.shift[:, None, None], at.coefficients[..., None, None]

    def scaled(Y: Any) -> Any:
        return tuple((l + shift * y) / focus for l, y in zip(generator(Y), Y, strict=True))

    def term(n: Any, carry: Any) -> Any:
        before, now, total = carry
        after = tuple(2 * p + b for p, b in zip(scaled(now), before, strict=True))
        return now, after, tuple(t + c[n] * a for t, a in zip(total, after, strict=True))

    first = scaled(X)
    total = tuple(c[0] * x + c[1] * y for x, y in zip(X, first, strict=True))
    return lax.fori_loop(2, at.terms, term, (X, first, total))[2]


def _generator(sector: NloSector, at: NloSteps) -> Any:
    """Return the function X -> L X for one step."""
    x, kappa = at.inverse_T[:, None, None], at.kappa[:, None, None]
    decay = [kappa * (A0[:, None] + x * (A1[:, None] + x * A2[:, None])) for A0, A1, A2 in sector.decay]
    phase = [0.5 * at.gamma[:, None, None] * r2[:, None] for r2 in sector.r_squared]
    energies = [at.length[:, None] * e[:, None] for e in sector.energies]
    # of the two factors sqrt(kappa) one C gets both
    up, down = (
        [R[:, None] + x * S[:, None] for R, S in zip(*m, strict=True)] for m in (sector.up, sector.down)
    )

    def act(X: Any) -> Any:
        out = []
        for A, H, e, y in zip(decay, phase, energies, X, strict=True):
            t = jnp.swapaxes(y, -1, -2)
            out.append(
                A @ y - H @ t + y @ jnp.swapaxes(A, -1, -2) + t @ H - (e[..., :, None] - e[..., None, :]) * t
            )
        for k, (source, target) in enumerate(COLOR_CHANGES):
            from_below = _congruence(up[k], X[source][:-1])
            from_above = _congruence(down[k], X[source][1:])
            out[target] = out[target].at[1:].add(kappa * from_below).at[:-1].add(kappa * from_above)
        return tuple(out)

    return act


def _congruence(C: Any, X: Any) -> Any:
    """Return C X C^T for each l and history."""
    return C @ X @ jnp.swapaxes(C, -1, -2)


def _free(sector: NloSector, X: Any, t: Any) -> Any:
    """Return X after the vacuum times t (B,)."""
    angles = [t[:, None] * e[:, None] for e in sector.energies]
    return tuple(rotate(X, [(jnp.cos(a), jnp.sin(a)) for a in angles]))
