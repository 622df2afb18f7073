"""The soft part of a medium step: what of the generator is no function of r, in the vacuum states, by a short series.

A jump at next-to-leading order, C = f(r) + Q/T on u = r R with f = r + a/T, contains the recoil
Q = (1/(2 M)) (d/dr + c_l/r). With its own local part F taken out, C X C^T - F X F^T is

    L X Q^T + Q X L^T,     L = F/T + Q/(2 T^2),

and the decay loses the decay of f, exactly: A = -(1/2) sum C^+C + (1/2) sum f^2 - friction. At all orders, with R the
matrix of r, M = R S(omega)/2 element by element (`physics.spectrum`) and F = S(0) r/2 + S'(0) a its local part,

    Lambda X R^T + R X Lambda^T - (F X R^T + R X F^T) = L X R^T + R X L^T,     L = M - F,

is the same with another L, and R in place of Q: data, not another step. S(omega; T) is a short sum of functions of
omega times numbers that depend on T, see `separable.SeparableSpectrum`. The positive twin, C = R sqrt(S), is bilinear
in such a sum: there a step takes the mean of C over it, weighted with kappa, and of F = r + a S'(0)/S(0), and

    C X C^T - F X F^T = L X Q^T + Q X L^T,     Q = C - F,     L = (C + F)/2.

What remains is small, so that three terms of the series of its exponential do, and in long steps four: at 12 steps of
the baseline (T_end 250 MeV) a sixth term changes survivals by 1e-6. Decays are computed with the complete set of states
on the mesh in between.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax
from numpy.typing import NDArray

from ..._types import Float
from ...physics.channels import JumpChannel
from ...physics.model import LindbladModel
from ...physics.potentials.coulomb import COLORS
from ...radial.laguerre import LaguerreMesh
from ..basis import Basis
from ..basis import spectrum as vacuum_spectrum
from ..separable import SPAN_OF_SPECTRUM, ratios, separable_spectrum
from .local import distances, functions, local_decay, within

SOURCES = np.array([0, 1, 1])
"""Color before the jumps s -> o, o -> s, o -> o, in the order of `model.channels`."""

SERIES = 3
"""Terms of the exponential of the soft part."""

LARGEST = 2.0
"""Norm of the soft part above which a step takes a fourth term: three damp up to 2.5."""

FOURTH = 6 / 50
"""The fourth term over what the generator makes of the third: with 1/50 of the fourth power of the generator, where the
exponential has 1/24, four terms damp up to 5.4, and their error is half that of three."""

LARGEST_OF_FOUR = 5.0
"""Norm above which a step takes its exponential in pieces of four terms."""


class TwinDecay(NamedTuple):
    """Decay of sectors by jumps R sqrt(S).

    local (3, ..., K, K), that of the local part, which powers of b = S'(0)/S(0) multiply; jumps (P, C, ..., N, K), the
    C channels from the states kept to all of the mesh.
    """

    local: Any
    jumps: Any


class TwinGenerator(NamedTuple):
    """The same as `SoftGenerator` for jumps R sqrt(S).

    decay, a `TwinDecay` of M sectors for each color; local (2, 2, 3, M - 1, K, K), the factors of 1 and b in F; jumps
    (P, 2, 3, M - 1, K, K), those of each function of omega in C.
    """

    decay: Any
    local: Any
    jumps: Any


class SoftGenerator(NamedTuple):
    """Matrices in K states of M = l_max + 1 sectors of each color, which `Profile.terms` multiply, P of them.

    decay (P, 2, M, K, K), A on the amplitudes; left (P, 2, 3, M - 1, K, K), or without the first, which is zero, and
    right (2, 3, M - 1, K, K), L and Q of the jumps up and down of `SOURCES`, between l and l + 1.
    """

    decay: Any
    left: Any
    right: Any


def jump_matrices(
    model: LindbladModel, channel: JumpChannel, mesh: LaguerreMesh, l: int, jump_range: float
) -> tuple[Float, Float]:
    """Return R and S, (N, N) each, of sqrt(rate) C = R + S/T from l at the mesh points; jump_range in GeV^-1."""
    weight = np.sqrt(channel.rate(l))
    r = distances(model, mesh, jump_range)
    return weight * np.diag(r), weight * (_recoil(channel, mesh, l) + np.diag(model.change(channel, r)))


def _recoil(channel: JumpChannel, mesh: LaguerreMesh, l: int) -> Float:
    """Return Q at the mesh points, (N, N)."""
    return np.asarray(channel.recoil * (mesh.derivative + np.diag(channel.centrifugal(l) / mesh.r)))


def loss_matrices(model: LindbladModel, basis: Basis, color: int, l: int, jump_range: float) -> Float:
    """Return the whole decay of a sector at next-to-leading order in its vacuum states, local and soft, (3, K, K).

    A_p of d psi/dt = kappa sum_p A_p/T^p psi: -(1/2) sum_channels rate C^+C - (friction), real.
    """
    mesh, V = basis.mesh, basis.sector(color, l)[1]
    decay = np.zeros((3, basis.size, basis.size))
    for channel in model.channels:
        if channel.source == COLORS[color] and channel.rate(l) > 0:
            R, S = (matrix @ V for matrix in jump_matrices(model, channel, mesh, l, jump_range))
            decay -= 0.5 * np.array([R.T @ R, R.T @ S + S.T @ R, S.T @ S])
    r = distances(model, mesh, jump_range)
    # -i (kappa/(4 M T)) {r_i, p_i} = -(kappa/(4 M T)) (r d/dr + d/dr r) on u
    drag = V.T @ (r[:, None] * (mesh.derivative @ V))
    decay[1] -= model.friction * model.widths[color] * (drag - drag.T)
    return decay


@lru_cache(maxsize=128)
def soft_decay(model: LindbladModel, basis: Basis, color: int, l: int, jump_range: float) -> Any:
    """Return the decay of a sector without that of the local part, (P, K, K), or a `TwinDecay`."""
    V = basis.sector(color, l)[1]
    here = local_decay(model, color, distances(model, basis.mesh, jump_range))
    local = np.stack([(V.T * f) @ V for f in here])
    if model.spectrum is None:
        return loss_matrices(model, basis, color, l, jump_range) + local
    jumps = [
        spectral_jump(model, channel, basis, l, jump_range)
        for channel in model.channels
        if channel.source == COLORS[color]
    ]
    if model.positive:
        return TwinDecay(local, np.stack([R * U for R, U in jumps], axis=1))
    # R^T (R U): all states of the mesh lie in between, not only those that are kept
    decay = -0.5 * sum(R.T @ (R * U) for R, U in jumps)
    return np.concatenate([local, decay])


def spectral_jump(
    model: LindbladModel, channel: JumpChannel, basis: Basis, l: int, jump_range: float
) -> tuple[Float, Float]:
    """Return sqrt(rate) r, (N, K), from the states kept of a sector to all of the mesh, and U_p(omega), (P, N, K).

    The sector is the channel's source with angular momentum l; where it leads nowhere both are zero.
    """
    mesh, source, target = basis.mesh, COLORS.index(channel.source), COLORS.index(channel.target)
    spectrum = separable_spectrum(model)
    if channel.rate(l) == 0:
        return np.zeros((mesh.points, basis.size)), np.zeros((spectrum.terms, mesh.points, basis.size))
    energies, V = basis.sector(source, l)
    above, W = vacuum_spectrum(model.potential, model.mass, mesh, target, l + channel.delta_l)
    R = np.sqrt(channel.rate(l)) * (W.T * distances(model, mesh, jump_range)) @ V
    return R, spectrum.functions(above[:, None] - energies)


# an error budget needs four, and each takes as long as a tenth of a history
@lru_cache(maxsize=8)
def soft_generator(
    model: LindbladModel, basis: Basis, jump_range: float
) -> SoftGenerator | TwinGenerator | None:
    """Return the soft part of a model's generator in the states of a basis, None if it has none; cached."""
    if model.is_local:
        return None
    mesh, K = basis.mesh, basis.size
    r, kept = distances(model, mesh, jump_range), within(mesh, jump_range)
    spectrum = None if model.spectrum is None else separable_spectrum(model)
    decay = [
        [soft_decay(model, basis, color, l, jump_range) for l in range(basis.l_max + 1)]
        for color in range(len(COLORS))
    ]
    number = model.powers - 1 if spectrum is None else 2 + spectrum.terms
    left, right = np.zeros((number, 2, 3, basis.l_max, K, K)), np.zeros((2, 3, basis.l_max, K, K))
    for direction, delta_l in enumerate((1, -1)):
        for i, channel in enumerate(c for c in model.channels if c.delta_l == delta_l):
            source, target = COLORS.index(channel.source), COLORS.index(channel.target)
            for low in range(basis.l_max):
                l = low if delta_l > 0 else low + 1
                weight = np.sqrt(channel.rate(l))
                V, W = basis.vectors[source, l], weight * basis.vectors[target, l + delta_l].T * kept
                f = functions(model, channel, r)
                if spectrum is not None:
                    R = right[direction, i, low] = (W * r) @ V
                    omega = basis.energies[target, l + delta_l][:, None] - basis.energies[source, l]
                    left[:2, direction, i, low] = [R, (W * f[1]) @ V]
                    left[2:, direction, i, low] = R * spectrum.functions(omega)
                    continue
                right[direction, i, low] = W @ (_recoil(channel, mesh, l) @ V)
                left[:, direction, i, low] = [(W * each) @ V for each in f]
        if spectrum is None:
            left[1, direction] += right[direction] / 2
    if model.positive:
        twin = [
            TwinDecay(np.stack([d.local for d in each], axis=1), np.stack([d.jumps for d in each], axis=2))
            for each in decay
        ]
        return TwinGenerator(tuple(twin), left[:2], left[2:])
    if spectrum is not None:
        left *= np.array([-0.5, -1.0, *np.full(spectrum.terms, 0.5)])[:, None, None, None, None, None]
    return SoftGenerator(np.moveaxis(np.array(decay), 2, 0), left, right)


def bound(model: LindbladModel, decay: Any) -> Float:
    """Return the largest norm of the matrices (P, ..., K, K) of each term: how fast the soft part acts, (P,).

    At all orders terms cancel: there it is the norm of their sum over kappa, the first, at the worst temperature.
    `decay` may be a `TwinDecay`, or one for each color.
    """
    if model.spectrum is not None:
        T = np.geomspace(*SPAN_OF_SPECTRUM, 8)
        values = np.concatenate([np.ones((8, 1)), ratios(model, T)], axis=1)
        if model.positive:
            parts = [decay] if isinstance(decay, TwinDecay) else decay
            sums = [np.asarray(twin_decay(part, values.T)) for part in parts]
        else:
            sums = [np.tensordot(values, decay, 1)]
        worst = max(np.linalg.norm(each, ord=2, axis=(-2, -1)).max() for each in sums)
        return np.concatenate([[worst], np.zeros(values.shape[1] - 1)])
    return np.asarray(np.abs(np.linalg.norm(decay, ord=2, axis=(-2, -1))).reshape(len(decay), -1).max(axis=1))


def pieces(soft: Float, largest: Float) -> tuple[NDArray[np.int64], Float]:
    """Return in how many pieces each exponential is taken, and `FOURTH` where those have four terms, else 0.

    Both are (S,); from integrals (S, P) and a `bound` (P,).
    """
    norm = np.abs(soft) @ largest
    number = np.maximum(1, np.ceil(norm / LARGEST_OF_FOUR)).astype(int)
    return number, np.where(norm > LARGEST * number, FOURTH, 0.0)


def means(terms: Any) -> tuple[Any, Any, Any]:
    """Return the integral of kappa, and b and the root of S at each omega_p, weighted with it; terms (P, ...)."""
    kappa = terms[0]
    over_kappa = terms / jnp.where(kappa > 0, kappa, 1.0)
    return kappa, over_kappa[1], over_kappa[3:]


def weighted(weights: Any, matrices: Any) -> Any:
    """Return the sum of matrices (P, ..., n, k) with weights (P, B), shape (..., B, n, k)."""
    return sum(w[:, None, None] * m[..., None, :, :] for w, m in zip(weights, matrices, strict=True))


def twin_decay(decay: TwinDecay, terms: Any) -> Any:
    """Return -(1/2) Int kappa dt (C^+C - F^+F) of the mean jumps, (..., B, K, K), from integrals (P, B)."""
    kappa, b, roots = means(terms)
    C = weighted(roots, decay.jumps)
    local = weighted(kappa * jnp.stack([jnp.ones_like(b), b, b**2]), decay.local)
    return local - 0.5 * kappa[:, None, None] * (_transposed(C) @ C).sum(axis=0)


def density_exponential(
    soft: SoftGenerator | TwinGenerator, terms: Any, number: Any, fourth: Any, X: Any
) -> Any:
    """Return exp of the soft part applied to X = Re rho + Im rho, one (M, B, K, K) for each color.

    terms (P, B) are the integrals of kappa/T^p, number and fourth (B,) are those of `pieces`.
    """
    terms = terms / number
    if isinstance(soft, TwinGenerator):
        kappa, b, roots = means(terms)
        A = jnp.stack([twin_decay(decay, terms) for decay in soft.decay])
        C, F = weighted(roots, soft.jumps), weighted([jnp.ones_like(b), b], soft.local)
        L, R = kappa[:, None, None] * (C + F) / 2, C - F
    else:
        A = weighted(terms, soft.decay)
        L = weighted(terms[len(soft.decay) - len(soft.left) :], soft.left)
        R = soft.right[:, :, :, None]

    def act(X: Any) -> Any:
        sources = jnp.stack([X[SOURCES, :-1], X[SOURCES, 1:]])
        gain = L @ (sources @ _transposed(R)) + R @ (sources @ _transposed(L))
        to_octet, to_singlet, within_octet = jnp.moveaxis(gain, 1, 0)
        up, down = jnp.stack([to_singlet, to_octet + within_octet], axis=1)
        out = A @ X + X @ _transposed(A)
        return out.at[:, 1:].add(up).at[:, :-1].add(down)

    return list(_in_pieces(act, number[:, None, None], fourth[:, None, None], jnp.stack(X)))


def state_exponential(decay: Any, terms: Any, number: Any, fourth: Any, state: Any) -> Any:
    """Return exp of the decay of `soft_decay` applied to states (B, K); the other arguments as above."""
    terms = terms / number
    A = twin_decay(decay, terms) if isinstance(decay, TwinDecay) else jnp.einsum("pb,pij->bij", terms, decay)
    # real and imaginary part side by side: a product of complex matrices would cost twice as much
    parts = jnp.stack([jnp.real(state), jnp.imag(state)])
    parts = _in_pieces(lambda a: jnp.einsum("bij,cbj->cbi", A, a), number[:, None], fourth[:, None], parts)
    return parts[0] + 1j * parts[1]


def _in_pieces(act: Any, number: Any, fourth: Any, X: Any) -> Any:
    """Return exp(act) X by its series, as often in succession and of as many terms as each history asks for."""
    terms = SERIES + jnp.any(fourth > 0)

    def term(n: Any, carry: tuple[Any, Any]) -> tuple[Any, Any]:
        last, total = carry
        last = jnp.where(n < SERIES, 1 / (n + 1), fourth) * act(last)
        return last, total + last

    def piece(k: Any, X: Any) -> Any:
        # a loop, not three terms in a row: `act` is dear to compile
        total = lax.fori_loop(0, terms, term, (X, X))[1]
        return jnp.where(k < number, total, X)

    return lax.fori_loop(0, jnp.max(number), piece, X)


def _transposed(X: Any) -> Any:
    return jnp.swapaxes(X, -1, -2)
