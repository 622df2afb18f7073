"""The soft part of a medium step: what of the generator is no function of r, in the vacuum states, by a short series.

A jump at next-to-leading order, C = f(r) + Q/T on u = r R with f = r + a/T, contains the recoil
Q = (1/(2 M)) (d/dr + c_l/r). With its own local part F taken out, C X C^T - F X F^T is

    L X Q^T + Q X L^T,     L = F/T + Q/(2 T^2),

and the decay loses the decay of f, exactly: A = -(1/2) sum C^+C + (1/2) sum f^2 - friction. At all orders, with R the
matrix of r, M = R S(omega)/2 element by element (`physics.spectrum`) and F = S(0) r/2 + S'(0) a its local part,

    Lambda X R^T + R X Lambda^T - (F X R^T + R X F^T) = L X R^T + R X L^T,     L = M - F,

is the same with another L, and R in place of Q: data, not another step. S(omega; T) is a short sum of functions of omega
times numbers that depend on T, see `separable.SeparableSpectrum`. What remains is small, so
that three terms of the series of its exponential do: at 12 steps of the baseline (T_end 250 MeV) a sixth term changes
survivals by 1e-6. Decays are computed with the complete set of states on the mesh in between.
"""

from __future__ import annotations

from dataclasses import dataclass
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
from ..separable import SPAN, separable_spectrum
from .local import distances, functions, local_decay, within

SOURCES = np.array([0, 1, 1])
"""Color before the jumps s -> o, o -> s, o -> o, in the order of `model.channels`."""

SERIES = 3
"""Terms of the exponential of the soft part."""

LARGEST = 2.0
"""Norm of the soft part above which a step takes its exponential in pieces: three terms damp up to 2.5."""


class SoftGenerator(NamedTuple):
    """Matrices in K states of M = l_max + 1 sectors of each color, which `Profile.terms` multiply, P of them.

    decay (P, 2, M, K, K), A on the amplitudes; left (P, 2, 3, M - 1, K, K), or without the first, which is zero, and
    right (2, 3, M - 1, K, K), L and Q of the jumps up and down of `SOURCES`, between l and l + 1.
    """

    decay: Any
    left: Any
    right: Any


@dataclass(frozen=True, eq=False)
class Loss:
    """Decay of one (color, l) sector: d psi/dt = kappa sum_p A_p/T^p psi - i (gamma/2) g_c r^2 psi.

    Parameters
    ----------
    decay : ndarray, shape (3, K, K)
        A_p = -(1/2) sum_channels rate C^+C - (friction), real.
    r_squared : ndarray, shape (K, K)
        g_c r^2.
    """

    decay: Float
    r_squared: Float


def jump_matrices(
    model: LindbladModel, channel: JumpChannel, mesh: LaguerreMesh, l: int, jump_range: float
) -> tuple[Float, Float]:
    """Return R and S, (N, N) each, of sqrt(rate) C = R + S/T from l at the mesh points; jump_range in GeV^-1."""
    weight = np.sqrt(channel.rate(l))
    f = functions(model, channel, distances(model, mesh, jump_range))
    return weight * np.diag(f[0]), weight * (_recoil(channel, mesh, l) + np.diag(f[1]))


def _recoil(channel: JumpChannel, mesh: LaguerreMesh, l: int) -> Float:
    """Return Q at the mesh points, (N, N)."""
    return np.asarray(channel.recoil * (mesh.derivative + np.diag(channel.centrifugal(l) / mesh.r)))


def loss_matrices(model: LindbladModel, basis: Basis, color: int, l: int, jump_range: float) -> Loss:
    """Return the whole decay of a sector in its vacuum states, local and soft."""
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
    return Loss(decay, model.widths[color] * (V.T * r**2) @ V)


@lru_cache(maxsize=128)
def soft_decay(model: LindbladModel, basis: Basis, color: int, l: int, jump_range: float) -> Float:
    """Return the decay of a sector without that of the local part, (P, K, K)."""
    V = basis.sector(color, l)[1]
    local = local_decay(model, color, distances(model, basis.mesh, jump_range))
    if model.spectrum is not None:
        return np.concatenate(
            [np.stack([(V.T * f) @ V for f in local]), _spectral_decay(model, basis, color, l, jump_range)]
        )
    loss = loss_matrices(model, basis, color, l, jump_range)
    return np.asarray(loss.decay + np.stack([(V.T * f) @ V for f in local]))


def _spectral_decay(model: LindbladModel, basis: Basis, color: int, l: int, jump_range: float) -> Float:
    """Return -R^T (R U_p(omega))/2 in the states of a sector for each function of omega, (terms, K, K).

    All states of the mesh lie in between, not only those that are kept.
    """
    mesh, (energies, V) = basis.mesh, basis.sector(color, l)
    r, spectrum = distances(model, mesh, jump_range), separable_spectrum(model)
    decay = np.zeros((spectrum.terms, basis.size, basis.size))
    for channel in model.channels:
        if channel.source == COLORS[color] and channel.rate(l) > 0:
            target, low = COLORS.index(channel.target), l + channel.delta_l
            above, W = vacuum_spectrum(model.potential, model.mass, mesh, target, low)
            R = (W.T * r) @ V
            U = spectrum.functions(above[:, None] - energies)
            decay -= 0.5 * channel.rate(l) * (R.T @ (R * U))
    return decay


# an error budget needs four, and each takes as long as a tenth of a history
@lru_cache(maxsize=8)
def soft_generator(model: LindbladModel, basis: Basis, jump_range: float) -> SoftGenerator | None:
    """Return the soft part of a model's generator in the states of a basis, None if it has none; cached."""
    if model.is_local:
        return None
    mesh, K = basis.mesh, basis.size
    r, kept = distances(model, mesh, jump_range), within(mesh, jump_range)
    spectrum = None if model.spectrum is None else separable_spectrum(model)
    decay = np.array(
        [
            [soft_decay(model, basis, color, l, jump_range) for l in range(basis.l_max + 1)]
            for color in range(len(COLORS))
        ]
    )
    number = model.powers - 1 if spectrum is None else model.powers + spectrum.terms
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
                    left[:2, direction, i, low] = [-0.5 * R, -(W * f[1]) @ V]
                    left[2:, direction, i, low] = 0.5 * R * spectrum.functions(omega)
                    continue
                right[direction, i, low] = W @ (_recoil(channel, mesh, l) @ V)
                left[:, direction, i, low] = [(W * each) @ V for each in f]
        if spectrum is None:
            left[1, direction] += right[direction] / 2
    return SoftGenerator(np.moveaxis(decay, 2, 0), left, right)


def bound(model: LindbladModel, decay: Float) -> Float:
    """Return the largest norm of the matrices (P, ..., K, K) of each term: how fast the soft part acts, (P,).

    At all orders terms cancel: there it is the norm of their sum over kappa, the first, at the worst temperature.
    """
    if model.spectrum is not None:
        T = np.geomspace(*SPAN, 8)
        ratios = np.concatenate([np.ones((8, 1)), separable_spectrum(model).coefficients(T)], axis=1)
        sums = np.tensordot(ratios, decay, 1)
        worst = np.linalg.norm(sums, ord=2, axis=(-2, -1)).max()
        return np.concatenate([[worst], np.zeros(len(decay) - 1)])
    return np.asarray(np.abs(np.linalg.norm(decay, ord=2, axis=(-2, -1))).reshape(len(decay), -1).max(axis=1))


def pieces(soft: Float, largest: Float) -> NDArray[np.int64]:
    """Return in how many pieces each exponential is taken, (S,), from integrals (S, P) and a `bound` (P,)."""
    return np.maximum(1, np.ceil(np.abs(soft) @ largest / LARGEST)).astype(int)


def density_exponential(soft: SoftGenerator, terms: Any, number: Any, X: Any) -> Any:
    """Return exp of the soft part applied to X = Re rho + Im rho, one (M, B, K, K) for each color.

    terms (P, B) are the integrals of kappa/T^p, number (B,) in how many pieces each exponential is taken.
    """
    terms = terms / number
    first = len(soft.decay) - len(soft.left)
    A = sum(t[:, None, None] * matrix[:, :, None] for t, matrix in zip(terms, soft.decay, strict=True))
    L = sum(
        t[:, None, None] * matrix[:, :, :, None] for t, matrix in zip(terms[first:], soft.left, strict=True)
    )
    R = soft.right[:, :, :, None]

    def act(X: Any) -> Any:
        sources = jnp.stack([X[SOURCES, :-1], X[SOURCES, 1:]])
        gain = L @ (sources @ _transposed(R)) + R @ (sources @ _transposed(L))
        to_octet, to_singlet, within_octet = jnp.moveaxis(gain, 1, 0)
        up, down = jnp.stack([to_singlet, to_octet + within_octet], axis=1)
        out = A @ X + X @ _transposed(A)
        return out.at[:, 1:].add(up).at[:, :-1].add(down)

    return list(_in_pieces(act, number[:, None, None], jnp.stack(X)))


def state_exponential(decay: Any, terms: Any, number: Any, state: Any) -> Any:
    """Return exp of the soft decay (P, K, K) applied to states (B, K); terms and number as above."""
    A = jnp.einsum("pb,pij->bij", terms / number, decay)
    # real and imaginary part side by side: a product of complex matrices would cost twice as much
    parts = jnp.stack([jnp.real(state), jnp.imag(state)])
    parts = _in_pieces(lambda a: jnp.einsum("bij,cbj->cbi", A, a), number[:, None], parts)
    return parts[0] + 1j * parts[1]


def _in_pieces(act: Any, number: Any, X: Any) -> Any:
    """Return exp(act) X by its series, as often in succession as each history asks for."""

    def piece(k: Any, X: Any) -> Any:
        term = total = X
        for n in range(1, SERIES + 1):
            term = act(term) / n
            total = total + term
        return jnp.where(k < number, total, X)

    return lax.fori_loop(0, jnp.max(number), piece, X)


def _transposed(X: Any) -> Any:
    return jnp.swapaxes(X, -1, -2)
