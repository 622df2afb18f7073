"""Matrices of the NLO equation in the vacuum states of a mesh: widths, friction and jumps as functions of temperature.

Everything is a polynomial in 1/T: a jump operator is R + S/T, the decay -Gamma/2 - (friction) is A0 + A1/T + A2/T^2,
both times kappa. Two changes tame the far region, where pairs never come back and the mesh ends. In every C, r is
replaced by a function that saturates beyond the jump range, so that decay rates stay bounded; and jumps beyond the
range count as lost. Gamma is made of the same matrices C before that cut, so the map stays completely positive.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...physics.channels import JumpChannel
from ...physics.model import LindbladModel
from ...physics.potentials.coulomb import COLORS
from ...radial.laguerre import LaguerreMesh
from ..basis import Basis

Float = NDArray[np.float64]

SATURATION = 1.1
"""Distance at which r saturates, over the jump range: r is 1 % smaller at the range, and grows no more beyond."""

COLDEST, HOTTEST = 0.12, 0.6
"""Temperatures in GeV for which the bound on decay rates holds."""


@dataclass(frozen=True, eq=False)
class Loss:
    """Decay of one (color, l) sector: d psi/dt = kappa (A0 + A1/T + A2/T^2) psi - i (gamma/2) g_c r^2 psi.

    Parameters
    ----------
    decay : ndarray, shape (3, K, K)
        A0, A1, A2 = -(1/2) sum_channels rate C^+C - (friction), real.
    r_squared : ndarray, shape (K, K)
        g_c r^2.
    """

    decay: Float
    r_squared: Float


def jump_matrices(channel: JumpChannel, mesh: LaguerreMesh, l: int, reach: float) -> tuple[Float, Float]:
    """Return R and S, (N, N) each, of sqrt(rate) C = R + S/T from l at the mesh points.

    Parameters
    ----------
    channel : JumpChannel
        Its color change and direction.
    mesh : LaguerreMesh
        Mesh of N points.
    l : int
        Angular momentum before the jump.
    reach : float
        Distance in GeV^-1 beyond which r saturates.
    """
    weight = np.sqrt(channel.rate(l))
    momentum = mesh.derivative + np.diag(channel.centrifugal(l) / mesh.r)
    S = channel.recoil * momentum + channel.shift * np.eye(mesh.points)
    return weight * np.diag(saturating(mesh.r, reach)), weight * S


def saturating(r: Float, reach: float) -> Float:
    """Return r for r << reach, reach for r >> reach."""
    return np.asarray(r / (1 + (r / reach) ** 16) ** (1 / 16))


def loss_matrices(model: LindbladModel, basis: Basis, color: int, l: int, jump_range: float) -> Loss:
    """Return the decay of a sector in its vacuum states."""
    mesh, V, reach = basis.mesh, basis.vectors[color, l], SATURATION * jump_range
    decay = np.zeros((3, basis.size, basis.size))
    for channel in model.channels:
        if channel.source == COLORS[color] and channel.rate(l) > 0:
            R, S = (matrix @ V for matrix in jump_matrices(channel, mesh, l, reach))
            decay -= 0.5 * np.array([R.T @ R, R.T @ S + S.T @ R, S.T @ S])
    r = saturating(mesh.r, reach)
    # -i (kappa/(4 M T)) {r_i, p_i} = -(kappa/(4 M T)) (r d/dr + d/dr r) on u
    drag = V.T @ (r[:, None] * (mesh.derivative @ V))
    decay[1] -= model.friction * model.widths[color] * (drag - drag.T)
    return Loss(decay, model.widths[color] * (V.T * r**2) @ V)


def gain_matrices(model: LindbladModel, basis: Basis, delta_l: int, jump_range: float) -> Float:
    """Return R and S of every jump with this delta_l, shape (2, 3, l_max, K, K).

    The second axis runs over the color changes s -> o, o -> s, o -> o in the order of `model.channels`; the third over
    the pairs (l, l + 1), whose lower or upper member is the source. Jumps beyond the range are cut off.
    """
    mesh, reach = basis.mesh, SATURATION * jump_range
    cut = np.exp(-((mesh.r / jump_range) ** 12))[:, None]
    channels = [c for c in model.channels if c.delta_l == delta_l]
    out = np.zeros((2, len(channels), basis.l_max, basis.size, basis.size))
    for i, channel in enumerate(channels):
        source, target = COLORS.index(channel.source), COLORS.index(channel.target)
        for low in range(basis.l_max):
            l = low if delta_l > 0 else low + 1
            matrices = jump_matrices(channel, mesh, l, reach)
            V, W = basis.vectors[source, l], basis.vectors[target, l + delta_l]
            out[:, i, low] = [W.T @ (cut * (m @ V)) for m in matrices]
    return out


def largest_rate(loss: Loss) -> float:
    """Return the largest eigenvalue of -(A + A^+)/2 over the temperatures in use."""
    A0, A1, A2 = loss.decay
    rates = []
    for T in (COLDEST, HOTTEST):
        A = A0 + A1 / T + A2 / T**2
        rates.append(-np.linalg.eigvalsh((A + A.T) / 2)[0])
    return float(max(rates))
