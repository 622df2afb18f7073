"""The exact answer of a truncated space: what its peers converge to, by blocks, so that it costs little."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from scipy.interpolate import CubicSpline

from .bases import Space, baseline_clock

Complex = NDArray[np.complex128]

TOLERANCE = 1e-8
"""Of the integration: the survivals then keep six digits, more than any peer is asked for."""


@lru_cache(maxsize=16)
def limit(space: Space, rtol: float = TOLERANCE) -> dict[str, float]:
    """Return the survival of 1S, 2S, 3S in a space without error of the time integration."""
    time_grid, blocks = baseline_clock(), space.sectors
    coefficients = CubicSpline(time_grid.s, np.stack([time_grid.a, time_grid.b], axis=-1))
    energies = space.energies.reshape(blocks, -1)
    shift, width = (
        _diagonal(space, space.shift),
        _diagonal(space, space.leak + sum(C.T @ C for C in space.jumps)),
    )
    moves = [move for C in space.jumps for move in _moves(space, C)]
    shape = (blocks, space.size, space.size)

    def slope(s: float, flat: Complex) -> Complex:
        a, b = coefficients(s)
        rho = flat.reshape(shape)
        effective = -1j * b * shift - width / 2
        half = effective @ rho - 1j * a * energies[:, :, None] * rho
        for target, source, C in moves:
            half[target] += 0.5 * (C @ rho[source] @ C.T)
        return (half + half.conj().swapaxes(-1, -2)).ravel()

    start = np.zeros(shape, complex)
    psi = space.start.reshape(blocks, -1)
    start[:] = psi[:, :, None] * psi[:, None, :].conj()
    found = solve_ivp(
        slope, (0, time_grid.end), start.ravel(), "DOP853", [time_grid.end], rtol=rtol, atol=1e-2 * rtol
    )
    return space.survival(np.diagonal(found.y[:, -1].reshape(shape), axis1=1, axis2=2).real.ravel())


def _diagonal(space: Space, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([matrix[where, where] for _, _, where, _ in space.each_sector()])


def _moves(space: Space, C: NDArray[np.float64]) -> list[tuple[int, int, NDArray[np.float64]]]:
    """Return (target, source, block) of an operator's blocks."""
    K, n = space.size, space.sectors
    blocks = C.reshape(n, K, n, K).transpose(0, 2, 1, 3)
    return [(i, j, blocks[i, j]) for i in range(n) for j in range(n) if np.any(blocks[i, j])]
