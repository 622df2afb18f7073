"""The two inner loops in JAX: a pure state under H_eff, and the density matrix of the full Lindblad equation.

Both walk through the steps of a splitting (`schedule.Steps`). The state lives in the vacuum eigenbasis, where a
vacuum step is a phase; a medium step is local in r, so each step goes to the mesh points and back.

Density matrix, in three ideas:

* rho is hermitian, so the real matrix X = Re rho + Im rho holds all of it: Re rho and Im rho are its symmetric and
  antisymmetric parts. A real orthogonal change of basis acts as V X V^T, at half the cost of the complex one, and
  rho_ab -> exp(-i(a_a - a_b)) rho_ab becomes X -> cos(a_a - a_b) X - sin(a_a - a_b) X^T.
* W of the l -> l +- 1 jumps is multiplication by mu = cos(theta) in the Legendre basis, so in (r, r', mu) the jumps and
  the decay are kappa times a real 2x2 color matrix K(r, r', mu) with the fixed eigenvalues lambda+- and projectors:
  exp(s K) = exp(s lambda-) + (exp(s lambda+) - exp(s lambda-)) P.
* gamma only gives phases exp(-i g_c gamma (r^2 - r'^2)/2); half of them go before and half after exp(s K).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.polynomial.legendre import leggauss
from numpy.typing import NDArray
from scipy.special import eval_legendre

from ...physics.model import LindbladModel
from ..basis import Basis

Float = NDArray[np.float64]


@contextmanager
def double_precision() -> Iterator[None]:
    """Compute in float64 inside, whatever the user's JAX setting, and leave that setting alone."""
    with jax.enable_x64(True):
        yield


# ---------------------------------------------------------------------------------------------------- pure state


class StateSector(NamedTuple):
    """One (color, l) sector for a pure state: energies (K,), vectors (N, K), width factor g_c r^2 (N,)."""

    energies: Any
    vectors: Any
    width: Any


@jax.jit
def evolve_state(sector: StateSector, state: Any, vacuum: Any, kappa: Any, gamma: Any, steps: Any) -> Any:
    """Return the state (B, K), complex, after `steps` steps of H_eff = h - i (kappa + i gamma) g_c r^2 / 2.

    Parameters
    ----------
    sector : PureSector
        Basis of the sector.
    state : array, shape (B, K)
        Coefficients in the vacuum eigenbasis.
    vacuum : array, shape (S + 1, B)
        Vacuum times.
    kappa, gamma : array, shape (S, B)
        Integrated medium coefficients.
    steps : int
        Number of steps to take, at most S.
    """

    def free(a: Any, t: Any) -> Any:
        return a * jnp.exp(-1j * sector.energies * t[:, None])

    def step(i: Any, a: Any) -> Any:
        u = a @ sector.vectors.T
        u = u * jnp.exp(-0.5 * (kappa[i] + 1j * gamma[i])[:, None] * sector.width)
        return free(u @ sector.vectors, vacuum[i + 1])

    return jax.lax.fori_loop(0, steps, step, free(state + 0j, vacuum[0]))


# ------------------------------------------------------------------------------------------------ density matrix


class LindbladSector(NamedTuple):
    """Constants of the density-matrix kernel, for N points, K states and M = l_max + 1 angles.

    energies, one (M, K) for each color; vectors, one (M, N, K) for each color; r (N,); widths (2,); lambda_minus and
    lambda_plus (M, N, N), eigenvalues of K(r, r', mu); projector (2, 2, M, N, N) on the eigenvector of lambda_plus.
    """

    energies: Any
    vectors: Any
    r: Any
    widths: Any
    lambda_minus: Any
    lambda_plus: Any
    projector: Any


def lindblad_sector(model: LindbladModel, basis: Basis, jump_range: float) -> LindbladSector:
    """Return the constants of `evolve_density` for a leading-order model on a basis.

    Jumps beyond `jump_range` in GeV^-1 count as lost: C = r becomes r exp(-(r/jump_range)^12), Gamma unchanged, which
    keeps the map completely positive. Pairs that far apart do not come back, but the end of the mesh would
    reflect them.
    """
    r, B, g = basis.mesh.r, model.color_matrix, model.widths
    mu, _ = leggauss(basis.l_max + 1)
    decay = 0.5 * (r[:, None] ** 2 + r**2)
    jump = r * np.exp(-((r / jump_range) ** 12))
    gain = np.outer(jump, jump) * mu[:, None, None]
    k_ss, k_oo = -g[0] * decay + B[0, 0] * gain, -g[1] * decay + B[1, 1] * gain
    k_so, k_os = B[0, 1] * gain, B[1, 0] * gain
    # K has real eigenvalues because k_so k_os >= 0, and they differ because the widths do
    root = np.sqrt(((k_ss - k_oo) / 2) ** 2 + k_so * k_os)
    minus, plus = (k_ss + k_oo) / 2 - root, (k_ss + k_oo) / 2 + root
    projector = np.array([[k_ss - minus, k_so], [k_os, k_oo - minus]]) / (2 * root)
    return LindbladSector(tuple(basis.energies), tuple(basis.vectors), r, g, minus, plus, projector)


@jax.jit
def evolve_density(
    sector: LindbladSector, X: Any, lost: Any, vacuum: Any, kappa: Any, gamma: Any, steps: Any
) -> tuple[Any, Any]:
    """Return the density matrix after `steps` Strang steps of the full equation, and the trace lost on the way.

    Parameters
    ----------
    sector : LindbladSector
        Constants of the model on the basis.
    X : tuple of two arrays, shape (M, B, K, K)
        Re rho + Im rho of each l in the vacuum eigenbasis, for the singlet and the octet.
    lost : array, shape (2, B)
        Trace lost so far in jumps beyond l_max or the jump range and to energies above the basis; more is added.
    vacuum : array, shape (S + 1, B)
        Vacuum times.
    kappa, gamma : array, shape (S, B)
        Integrated medium coefficients.
    steps : int
        Number of steps to take, at most S.
    """
    # sines and cosines of all steps at once: inside the loop they would be evaluated for every matrix element
    angles = [vacuum[:, None, :, None] * energies[:, None, :] for energies in sector.energies]
    free_phase = [(jnp.cos(angle), jnp.sin(angle)) for angle in angles]
    angles = [0.25 * width * gamma[:, :, None] * sector.r**2 for width in sector.widths]
    medium_phase = [(jnp.cos(angle), jnp.sin(angle)) for angle in angles]
    back = [jnp.swapaxes(v, -1, -2) for v in sector.vectors]

    def step(i: Any, carry: tuple[Any, Any]) -> tuple[Any, Any]:
        X, lost = carry
        Y = [congruence(v, x) for v, x in zip(sector.vectors, X, strict=True)]
        Z = _medium(sector, Y, kappa[i], _at(medium_phase, i))
        X = [congruence(v, z) for v, z in zip(back, Z, strict=True)]
        before, after, kept = trace(Y), trace(Z), trace(X)
        return rotate(X, _at(free_phase, i + 1)), lost + jnp.stack([before - after, after - kept])

    X, lost = jax.lax.fori_loop(0, steps, step, (rotate(X, _at(free_phase, 0)), lost))
    return X, lost


def legendre_transform(size: int) -> tuple[Float, Float]:
    """Return the matrices l -> mu_k and mu_k -> l, each (size, size), for rho(mu) = sum_l P_l(mu) rho_l."""
    mu, weights = leggauss(size)
    l = np.arange(size)
    forward = eval_legendre(l, mu[:, None])
    return forward, (2 * l[:, None] + 1) / 2 * weights * forward.T


def _medium(sector: LindbladSector, Y: Any, kappa: Any, phase: Any) -> Any:
    """One medium step at the mesh points, Y of shape (M, B, N, N) for each color."""
    # Singlet and octet stay separate arrays: stacked, XLA evaluates the exponentials element by element.
    to_mu, to_l = legendre_transform(Y[0].shape[0])
    singlet, octet = (jnp.tensordot(to_mu, y, 1) for y in rotate(Y, phase))
    P, s = sector.projector[:, :, :, None], kappa[:, None, None]
    slow, fast = jnp.exp(sector.lambda_plus[:, None] * s), jnp.exp(sector.lambda_minus[:, None] * s)
    difference = slow - fast
    mixed = (
        fast * singlet + difference * (P[0, 0] * singlet + P[0, 1] * octet),
        fast * octet + difference * (P[1, 0] * singlet + P[1, 1] * octet),
    )
    return rotate([jnp.tensordot(to_l, z, 1) for z in mixed], phase)


def _at(phases: Any, i: Any) -> Any:
    return [(c[i], s[i]) for c, s in phases]


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
