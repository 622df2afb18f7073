"""The local part of a medium step: jumps, decay and phases that are functions of r, r' and the angle, exponentiated.

A jump that multiplies by r_i/r f(r), with f = r at leading order and f = r + a/T at the next (arXiv:2205.10289), is
multiplication by mu = cos(r, r') in the Legendre basis of l. In (r, r', mu) all such jumps and the decay they bring are
therefore one real 2x2 color matrix

    K_cc = -(1/2) sum_c' w_c'c (f^2(r) + f^2(r')) + w_cc f f' mu,     K_c'c = w_c'c f(r) f(r') mu,

a polynomial in 1/T, with the color weights w and f of each channel. exp(K) has a closed form. gamma gives phases
exp(-i g_c gamma (r^2 - r'^2)/2), half of which go before and half after it; a potential that changes with the medium
gives others. The K of a complex potential, beyond the dipole, is that of `physics.noise`.

Far away pairs never come back, and the mesh ends. Jumps beyond the jump range count as lost: in what comes back f is
f exp(-(r/range)^12), in the decay it is not, so that the map stays completely positive. The exponent makes the edge
sharp beside the range, and smooth beside the spacing of the mesh.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from numpy.polynomial.legendre import leggauss
from scipy.special import eval_legendre

from ..._types import Float
from ...physics.channels import JumpChannel
from ...physics.model import LindbladModel
from ...physics.noise import gains, octet_decay, singlet_decay
from ...physics.potentials.coulomb import COLORS
from ...radial.laguerre import LaguerreMesh
from ..separable import separable

SATURATION = 1.1
"""Distance at which r saturates in the presence of a soft part, over the jump range: r is 1 % smaller at the range, and
grows no more beyond. It bounds the products of r and p in the soft part, which is summed as a series."""

NEAR_ZERO = 0.5
"""Below this square of the half difference of the eigenvalues of K exp(K) is a series in it: there the difference may
vanish, or be imaginary, as K_so K_os < 0 where r or r' < |a|/T."""

SERIES = 8
"""Terms of that series: the first left out is NEAR_ZERO^8/16!, below 1e-15."""


class LocalGenerator(NamedTuple):
    """K(r, r', mu) of N points and M angles: P matrices, which `Profile.terms` multiply.

    phases (Q, 2, N): those of each color which `Profile.phases` multiply, g_c r^2/2 for gamma; mean, half, to_singlet,
    to_octet (P, M, N, N): (K_ss + K_oo)/2, (K_ss - K_oo)/2, K_so, K_os; or, for a single dipole term, where K always
    has the same eigenvectors, minus and plus (M, N, N), its eigenvalues, and projector (2, 2, M, N, N) on the
    eigenvector of plus; or, for a complex potential, noise (P, M, N, N), width (P, N) and inner (P, N): its functions
    at |r - r'|/2, r and r/2, and kept (N,), the share of an amplitude that is `within` the jump range.
    """

    phases: Any
    mean: Any = None
    half: Any = None
    to_singlet: Any = None
    to_octet: Any = None
    minus: Any = None
    plus: Any = None
    projector: Any = None
    noise: Any = None
    width: Any = None
    inner: Any = None
    kept: Any = None

    @property
    def angles(self) -> int:
        """M, the number of angles."""
        matrices = next(m for m in (self.mean, self.minus, self.noise) if m is not None)
        return int(matrices.shape[-3])


def distances(model: LindbladModel, mesh: LaguerreMesh, jump_range: float) -> Float:
    """Return r as jumps and phases see it, (N,): it saturates beyond the jump range where there is a soft part."""
    reach = SATURATION * jump_range
    if model.is_local or not np.isfinite(reach):
        return np.asarray(mesh.r)
    return np.asarray(mesh.r / (1 + (mesh.r / reach) ** 16) ** (1 / 16))


def within(mesh: LaguerreMesh, jump_range: float) -> Float:
    """Return the share of a jump's amplitude that is not lost beyond the jump range, (N,)."""
    return np.asarray(np.exp(-((mesh.r / jump_range) ** 12)))


def functions(model: LindbladModel, channel: JumpChannel, r: Float) -> Float:
    """Return the factors of 1/T^0 and 1/T^1 of f(r) = r + a/T of a channel, shape (2 or 1, N).

    At all orders the second is that of S'(0)/S(0).
    """
    return np.stack([r, model.change(channel, r)])[: model.powers]


def products(f: Float, g: Float, powers: int) -> Float:
    """Return the product of two polynomials in 1/T, the first `powers` of it, (P, ...) from (p, ...) each."""
    out = np.zeros((powers, *np.broadcast_shapes(f.shape[1:], g.shape[1:])))
    for i, a in enumerate(f):
        for j, b in enumerate(g):
            if i + j < powers:
                out[i + j] += a * b
    return out


def local_decay(model: LindbladModel, color: int, r: Float) -> Float:
    """Return the decay of an amplitude, (1/2) sum_c' w_c'c f^2(r) in powers of 1/T or Gamma_c/2, shape (P, N)."""
    potential = separable(model)
    if potential is not None and model.has_width:
        if color > 0 and potential.octet_width:
            return potential.octet_functions(r)
        g = potential.functions(r)
        return np.asarray(singlet_decay(g) if color == 0 else octet_decay(g, potential.functions(r / 2)))
    decay = np.zeros((model.powers, len(r)))
    for channel in model.channels:
        if channel.source == COLORS[color] and channel.delta_l > 0:  # both directions have the same f
            f = functions(model, channel, r)
            decay += 0.5 * channel.color_weight * products(f, f, model.powers)
    return decay


def color_matrix(
    model: LindbladModel, mesh: LaguerreMesh, l_max: int, jump_range: float, angles: int | None = None
) -> Float:
    """Return K(r, r', mu) of dipole jumps on the points of a mesh and Gauss-Legendre angles, (2, 2, P, M, N, N).

    Rows and columns are in the order (singlet, octet); jump_range in GeV^-1; by default M = l_max + 1 angles.
    """
    r, P = distances(model, mesh, jump_range), model.powers
    kept = within(mesh, jump_range)
    mu = leggauss(l_max + 1 if angles is None else angles)[0][:, None, None]
    K = np.zeros((2, 2, P, len(mu), len(r), len(r)))
    for color in range(2):
        decay = local_decay(model, color, r)
        K[color, color] -= (decay[:, :, None] + decay[:, None, :])[:, None]
    for channel in model.channels:
        if channel.delta_l > 0:
            source, target = COLORS.index(channel.source), COLORS.index(channel.target)
            f = functions(model, channel, r) * kept
            gain = products(f[:, :, None], f[:, None, :], P)
            K[target, source] += channel.color_weight * mu * gain[:, None]
    return K


def local_phases(model: LindbladModel, r: Float) -> Float:
    """Return what `Profile.phases` multiply at distances r, (Q, 2, N): g_c r^2/2, then those of a thermal potential."""
    phases = np.multiply.outer(model.widths / 2, r**2)[None]
    potential = separable(model)
    return phases if potential is None else np.concatenate([phases, potential.phase_functions(r)])


def local_generator(
    model: LindbladModel, mesh: LaguerreMesh, l_max: int, jump_range: float, angles: int | None = None
) -> LocalGenerator:
    """Return the constants of `exponential` and the phases; arguments as for `color_matrix`, and how many angles.

    By default as many as there are l; for a complex potential, whose K is no polynomial in mu, about twice as many:
    with fewer, products of high l come back as low ones.
    """
    if model.has_width and separable(model) is not None:
        return _noise_generator(model, mesh, jump_range, 2 * l_max + 4 if angles is None else angles)
    phases = local_phases(model, distances(model, mesh, jump_range))
    K = color_matrix(model, mesh, l_max, jump_range, angles)
    mean, half = (K[0, 0] + K[1, 1]) / 2, (K[0, 0] - K[1, 1]) / 2
    if model.powers > 1:
        return LocalGenerator(phases, mean, half, K[0, 1], K[1, 0])
    # real eigenvalues because K_so K_os >= 0, and never equal because the widths differ
    root = np.sqrt(half[0] ** 2 + K[0, 1, 0] * K[1, 0, 0])
    projector = np.array([[half[0] + root, K[0, 1, 0]], [K[1, 0, 0], root - half[0]]]) / (2 * root)
    return LocalGenerator(phases, minus=mean[0] - root, plus=mean[0] + root, projector=projector)


# an error budget needs five, and each takes as long as a few steps
@lru_cache(maxsize=8)
def _noise_generator(
    model: LindbladModel, mesh: LaguerreMesh, jump_range: float, angles: int
) -> LocalGenerator:
    """Return that of a complex potential; cached."""
    r, potential = distances(model, mesh, jump_range), separable(model)
    assert potential is not None
    mu = leggauss(angles)[0][:, None, None]
    apart = np.sqrt(np.maximum(r[:, None] ** 2 + r**2 - 2 * mu * r[:, None] * r, 0.0)) / 2
    return LocalGenerator(
        local_phases(model, r),
        noise=potential.functions(apart),
        width=potential.functions(r),
        inner=potential.functions(r / 2),
        kept=within(mesh, jump_range),
    )


def legendre_transform(size: int, angles: int) -> tuple[Float, Float]:
    """Return the matrices l -> mu_k, (angles, size), and mu_k -> l, (size, angles): rho(mu) = sum_l P_l(mu) rho_l."""
    mu, weights = leggauss(angles)
    l = np.arange(size)
    forward = eval_legendre(l, mu[:, None])
    return forward, (2 * l[:, None] + 1) / 2 * weights * forward.T


def noise_matrices(K: LocalGenerator, terms: Any) -> tuple[Any, Any, Any, Any]:
    """Return (K_ss + K_oo)/2, (K_ss - K_oo)/2, K_so and K_os of a complex potential, (M, B, N, N) each."""
    minus = jnp.einsum("pb,mpij->mbij", terms, jnp.swapaxes(K.noise, 0, 1))
    plus = minus[::-1]  # the angles lie symmetric about 0
    width, inner = terms.T @ K.width, terms.T @ K.inner
    kept = K.kept[:, None] * K.kept
    to_singlet, to_octet, within_octet = gains(inner[:, :, None], inner[:, None, :], plus, minus)
    singlet, octet = (
        decay[:, :, None] + decay[:, None, :] for decay in (singlet_decay(width), octet_decay(width, inner))
    )
    ss, oo = -singlet, kept * within_octet - octet
    return (ss + oo) / 2, (ss - oo) / 2, kept * to_singlet, kept * to_octet


def exponential(K: LocalGenerator, terms: Any, singlet: Any, octet: Any) -> tuple[Any, Any]:
    """Return exp(sum_p terms_p K_p) applied to the two colors, each (M, B, N, N) in (mu, r, r'); terms (P, B)."""
    if K.projector is not None:
        P, s = K.projector[:, :, :, None], terms[0][:, None, None]
        slow, fast = jnp.exp(K.plus[:, None] * s), jnp.exp(K.minus[:, None] * s)
        difference = slow - fast
        return (
            fast * singlet + difference * (P[0, 0] * singlet + P[0, 1] * octet),
            fast * octet + difference * (P[1, 0] * singlet + P[1, 1] * octet),
        )
    if K.noise is not None:
        mean, half, to_singlet, to_octet = noise_matrices(K, terms)
        # K_so K_os >= 0 here. At s = 0, where half and both of them vanish, any small s gives the limit
        s = jnp.sqrt(jnp.maximum(half**2 + to_singlet * to_octet, np.finfo(float).eps ** 2))
        up, down = jnp.exp(mean + s), jnp.exp(mean - s)
        return _mixed((up + down) / 2, (up - down) / (2 * s), half, to_singlet, to_octet, singlet, octet)
    terms = terms[: len(K.mean)]  # what follows belongs to the soft part
    mean, half, to_singlet, to_octet = (
        sum(t[:, None, None] * matrix[:, None] for t, matrix in zip(terms, matrices, strict=True))
        for matrices in (K.mean, K.half, K.to_singlet, K.to_octet)
    )
    # exp(K) = e^mean [cosh(s) + (K - mean) sinh(s)/s],  s^2 = half^2 + K_so K_os
    square = half**2 + to_singlet * to_octet
    s = jnp.sqrt(jnp.maximum(square, NEAR_ZERO))  # its derivative is not wanted at zero
    up, down = jnp.exp(mean + s), jnp.exp(mean - s)
    # e^mean, for less than an exponential; where it underflows nothing is left
    center = jnp.sqrt(jnp.maximum(up * down, np.finfo(float).tiny))
    near = jnp.minimum(square, NEAR_ZERO)
    cosh, sinhc = jnp.ones_like(near), jnp.ones_like(near)
    for n in range(SERIES - 1, 0, -1):
        cosh = 1 + cosh * near / (2 * n * (2 * n - 1))
        sinhc = 1 + sinhc * near / (2 * n * (2 * n + 1))
    cosh = jnp.where(square > NEAR_ZERO, (up + down) / 2, center * cosh)
    sinhc = jnp.where(square > NEAR_ZERO, (up - down) / (2 * s), center * sinhc)
    return _mixed(cosh, sinhc, half, to_singlet, to_octet, singlet, octet)


def _mixed(
    cosh: Any, sinhc: Any, half: Any, to_singlet: Any, to_octet: Any, singlet: Any, octet: Any
) -> tuple[Any, Any]:
    """Return e^mean [cosh(s) + (K - mean) sinh(s)/s] applied to the two colors; `cosh` and `sinhc` contain e^mean."""
    return (
        cosh * singlet + sinhc * (half * singlet + to_singlet * octet),
        cosh * octet + sinhc * (to_octet * singlet - half * octet),
    )
