"""The two inner loops in JAX: a pure state under H_eff, and the density matrix of the full equation, at any order.

Both walk through the steps of a splitting (`steps.Steps`): vacuum, the local part of the medium, vacuum, the soft part
if the model has one, vacuum, the local part, ... The state lives in the vacuum eigenbasis, where a vacuum step is a
phase and the soft part a matrix; the local part is a function of r, so each step goes to the mesh points and back.

rho is hermitian, so the real matrix X = Re rho + Im rho holds all of it: Re rho and Im rho are its symmetric and
antisymmetric parts. A real orthogonal change of basis acts as V X V^T, at half the cost of the complex one, real jumps
and decays act on X as on rho, and rho_ab -> exp(-i(a_a - a_b)) rho_ab becomes
X -> cos(a_a - a_b) X - sin(a_a - a_b) X^T.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..._types import Float
from ...physics.model import LindbladModel
from ..basis import Basis
from ..jumps.local import (
    LocalGenerator,
    distances,
    exponential,
    legendre_transform,
    local_decay,
    local_generator,
    local_phases,
)
from ..jumps.soft import (
    SoftGenerator,
    TwinGenerator,
    bound,
    density_exponential,
    pieces,
    soft_decay,
    soft_generator,
    state_exponential,
)
from ..steps import Steps

LENGTHS = tuple(128 * 4**k for k in range(11))
"""Numbers of steps to which sequences are padded: few, since each is compiled. Only the numbers of a step are padded,
and nothing is computed for those that are not taken."""


@contextmanager
def double_precision() -> Iterator[None]:
    """Compute in float64 inside, whatever the user's JAX setting, and leave that setting alone."""
    with jax.enable_x64(True):
        yield


class PaddedSteps(NamedTuple):
    """Steps of B histories, S of them with those that do nothing; arrays as in `steps.Steps`, the histories last.

    vacuum (S + 1, B); terms (S, P, B); phases (S, Q, B); and, if there is a soft part, soft (S + 1, P, B),
    before (S + 1, B), and pieces and fourth (S + 1, B), how its exponential is taken, see `jumps.soft.pieces`.
    """

    vacuum: Any
    terms: Any
    phases: Any
    soft: Any = None
    before: Any = None
    pieces: Any = None
    fourth: Any = None


def padded_steps(members: Sequence[Steps], color: int, soft_bound: Float) -> tuple[PaddedSteps, int]:
    """Return the steps of a batch in one color, and how many to take; `soft_bound` is that of `jumps.soft.bound`.

    Shorter members get steps that do nothing.
    """
    count = max(steps.steps for steps in members)
    rows = next(length for length in LENGTHS if length >= count)

    def padded(arrays: Sequence[Float], length: int) -> Float:
        out = np.zeros((length, *arrays[0].shape[1:], len(arrays)))
        for i, array in enumerate(arrays):
            out[: len(array), ..., i] = array
        return out

    column = min(color, members[0].terms.shape[1] - 1)
    local = PaddedSteps(
        padded([s.vacuum for s in members], rows + 1),
        padded([s.terms[:, column] for s in members], rows),
        padded([s.phases[:, column] for s in members], rows),
    )
    if members[0].soft.shape[-1] == 0:
        return local, count
    soft = padded([s.soft for s in members], rows + 1)
    number, fourth = pieces(np.swapaxes(soft, 1, 2), soft_bound)
    before = padded([s.before for s in members], rows + 1)
    return local._replace(soft=soft, before=before, pieces=number, fourth=fourth), count


# ---------------------------------------------------------------------------------------------------- pure state


class StateSector(NamedTuple):
    """One (color, l) sector for a pure state of N points and K states.

    energies (K,); vectors (N, K); decay (P, N), that of the local part; phases (Q, N), those of the local part; soft
    (P, K, K), the decay of the soft part (a `TwinDecay` of jumps R sqrt(S)), or None.
    """

    energies: Any
    vectors: Any
    decay: Any
    phases: Any
    soft: Any


def state_sector(
    model: LindbladModel, basis: Basis, color: int, l: int, jump_range: float
) -> tuple[StateSector, Float]:
    """Return the constants of `evolve_state`, and the bound on the soft part of `padded_steps`."""
    r = distances(model, basis.mesh, jump_range)
    energies, vectors = basis.sector(color, l)
    soft = None if model.is_local else soft_decay(model, basis, color, l, jump_range)
    phases = local_phases(model, r)[:, color]
    sector = StateSector(energies, vectors, local_decay(model, color, r), phases, soft)
    return sector, np.zeros(0) if soft is None else bound(model, soft)


@jax.jit
def evolve_state(sector: StateSector, state: Any, s: PaddedSteps, steps: Any) -> Any:
    """Return the state (B, K), complex, after `steps` steps of H_eff.

    Parameters
    ----------
    sector : StateSector
        Constants of the sector.
    state : array, shape (B, K)
        Coefficients in the vacuum eigenbasis.
    s : PaddedSteps
        The steps.
    steps : int
        Number of steps to take, at most S.
    """

    def free(a: Any, t: Any) -> Any:
        return a * jnp.exp(-1j * sector.energies * t[:, None])

    def medium(a: Any, i: Any) -> Any:
        exponent = s.terms[i][: len(sector.decay)].T @ sector.decay + 1j * (s.phases[i].T @ sector.phases)
        return (a @ sector.vectors.T * jnp.exp(-exponent)) @ sector.vectors

    def step(i: Any, a: Any) -> Any:
        if sector.soft is None:
            a = free(a, s.vacuum[i])
        else:
            a = state_exponential(sector.soft, s.soft[i], s.pieces[i], s.fourth[i], free(a, s.before[i]))
            a = free(a, s.vacuum[i] - s.before[i])
        # after the last vacuum no medium follows: one loop for all, since what is in it is dear to compile
        return jax.lax.cond(i < steps, medium, lambda a, i: a, a, i)

    return jax.lax.fori_loop(0, steps + 1, step, state + 0j)


# ------------------------------------------------------------------------------------------------ density matrix


class DensitySector(NamedTuple):
    """Constants of `evolve_density` for N points, K states and M = l_max + 1 angles.

    energies, one (M, K) for each color; vectors, one (M, N, K) for each color; the local and the soft part.
    """

    energies: Any
    vectors: Any
    local: LocalGenerator
    soft: SoftGenerator | TwinGenerator | None


def density_sector(model: LindbladModel, basis: Basis, jump_range: float) -> tuple[DensitySector, Float]:
    """Return the constants of `evolve_density`, and the bound on the soft part of `padded_steps`."""
    local = local_generator(model, basis.mesh, basis.l_max, jump_range)
    soft = soft_generator(model, basis, jump_range)
    # the density matrix has two sides, and decays twice as fast
    limit = np.zeros(0) if soft is None else 2 * bound(model, soft.decay)
    return DensitySector(tuple(basis.energies), tuple(basis.vectors), local, soft), limit


@jax.jit
def evolve_density(sector: DensitySector, X: Any, lost: Any, s: PaddedSteps, steps: Any) -> tuple[Any, Any]:
    """Return the density matrix after `steps` steps of the full equation, and the trace lost on the way.

    Parameters
    ----------
    sector : DensitySector
        Constants of the model on the basis.
    X : tuple of two arrays, shape (M, B, K, K)
        Re rho + Im rho of each l in the vacuum eigenbasis, for the singlet and the octet.
    lost : array, shape (2, B)
        Trace lost so far in jumps beyond l_max or the jump range and to energies above the basis; more is added.
    s : PaddedSteps
        The steps.
    steps : int
        Number of steps to take, at most S.
    """

    def phases_of(i: Any) -> Any:
        """Return the (cos, sin) of step i: of the vacuum, on both sides of the soft part, and of the medium."""
        times = [s.vacuum[i]] if sector.soft is None else [s.before[i], s.vacuum[i] - s.before[i]]
        free = [[_cos_sin(t[:, None] * e[:, None, :]) for e in sector.energies] for t in times]
        angles = (0.5 * (s.phases[i].T @ phase) for phase in jnp.swapaxes(sector.local.phases, 0, 1))
        return [*free, [_cos_sin(angle) for angle in angles]]

    back = [jnp.swapaxes(v, -1, -2) for v in sector.vectors]

    def medium(i: Any, X: Any, lost: Any, phase: Any) -> tuple[Any, Any]:
        Y = [congruence(v, x) for v, x in zip(sector.vectors, X, strict=True)]
        Z = _medium(sector.local, Y, s.terms[i], phase)
        X = [congruence(v, z) for v, z in zip(back, Z, strict=True)]
        before, after, kept = trace(Y), trace(Z), trace(X)
        return X, lost + jnp.stack([before - after, after - kept])

    def step(i: Any, carry: tuple[Any, Any, Any]) -> tuple[Any, Any, Any]:
        X, lost, (*free, phase) = carry
        X = rotate(X, free[0])
        if sector.soft is not None:
            before = trace(X)
            X = density_exponential(sector.soft, s.soft[i], s.pieces[i], s.fourth[i], X)
            lost = lost.at[0].add(before - trace(X))
            X = rotate(X, free[1])
        # once, as in `evolve_state`
        X, lost = jax.lax.cond(i < steps, medium, lambda i, X, lost, phase: (X, lost), i, X, lost, phase)
        # made a step ahead: where they are used they would be evaluated for every matrix element
        return X, lost, phases_of(i + 1)

    X, lost, _ = jax.lax.fori_loop(0, steps + 1, step, (list(X), lost, phases_of(0)))
    return X, lost


def _medium(local: LocalGenerator, Y: Any, terms: Any, phase: Any) -> Any:
    """Return Y, (M, B, N, N) at the mesh points for each color, after the local part of a step."""
    # Singlet and octet stay separate arrays: stacked, XLA evaluates the exponentials element by element.
    to_mu, to_l = legendre_transform(Y[0].shape[0], local.angles)
    colors = (jnp.tensordot(to_mu, y, 1) for y in rotate(Y, phase))
    mixed = exponential(local, terms, *colors)
    return rotate([jnp.tensordot(to_l, z, 1) for z in mixed], phase)


def _cos_sin(angle: Any) -> tuple[Any, Any]:
    return jnp.cos(angle), jnp.sin(angle)


def rotate(X: Any, phase: Any) -> Any:
    """Multiply rho_ab of each color by exp(-i (angle_a - angle_b)), in terms of X; `phase` is their (cos, sin)."""
    rotated = []
    for x, (c, s) in zip(X, phase, strict=True):
        cos = c[..., :, None] * c[..., None, :] + s[..., :, None] * s[..., None, :]
        sin = s[..., :, None] * c[..., None, :] - c[..., :, None] * s[..., None, :]
        rotated.append(cos * x - sin * jnp.swapaxes(x, -1, -2))
    return rotated


def congruence(V: Any, x: Any) -> Any:
    """Return V x V^T for each l, V of shape (M, n, k) and x of shape (M, B, k, k)."""
    return jnp.einsum("lia,lbaj->lbij", V, jnp.einsum("lbad,ljd->lbaj", x, V))


def trace(X: Any) -> Any:
    """Trace over colors, l and r, shape (B,); a strided sum, since XLA masks whole matrices for a diagonal."""
    return sum(jnp.sum(x.reshape(*x.shape[:2], -1)[..., :: x.shape[-1] + 1], axis=(0, 2)) for x in X)
