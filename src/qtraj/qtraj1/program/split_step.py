"""The split step of the original program (stepper 0, the algorithm of arXiv:2107.06147), and what steppers share.

    u(t + dt) = exp(-i V_eff dt/2) exp(-i p_r^2 dt/(2m)) exp(-i V_eff dt/2) u(t)

V_eff holds potential, centrifugal term, medium shift and -i Gamma/2; the kinetic factor acts between two type-I sine
transforms. Flaw of the original: V_eff is that of the temperature at the start of the step.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...radial.sine import SineGrid
from .interaction import Interaction

Float = NDArray[np.float64]
Integer = NDArray[np.int64]
Complex = NDArray[np.complex128]


class Stepper(Protocol):
    """Takes a batch of states through one time step."""

    def advance(self, states: Complex, color: Integer, l: Integer, n: int) -> Complex:
        """Return the states after step `n`.

        Parameters
        ----------
        states : ndarray, shape (B, num)
            Values u(r_i); may be overwritten.
        color, l : ndarray, shape (B,)
            Color (0 singlet, 1 octet) and angular momentum of each state.
        n : int
            The step.

        Returns
        -------
        ndarray, shape (B, num)
            Each row is independent of the other rows, to the last bit.
        """
        ...


def sectors(color: Integer, l: Integer) -> tuple[list[tuple[int, int]], Integer]:
    """Return the different (color, l) of a batch, and for each row the index of its own, shape (B,)."""
    if len(color) == 1:
        return [(int(color[0]), int(l[0]))], np.zeros(1, dtype=np.int64)
    codes, index = np.unique(2 * l + color, return_inverse=True)
    return [(int(code) % 2, int(code) // 2) for code in codes], index


class SplitStep:
    """The split step on the sine grid.

    Parameters
    ----------
    grid : SineGrid
    interaction : Interaction
    m, dt : float
        Reduced mass in GeV and time step in GeV^-1.
    """

    def __init__(self, grid: SineGrid, interaction: Interaction, m: float, dt: float) -> None:
        self._grid, self._interaction, self._dt = grid, interaction, dt
        self._kinetic = np.exp(-1j * dt * grid.kinetic(2 * m))
        self._centrifugal = 1 / (2 * m * grid.r**2)
        self._barriers: dict[int, Complex] = {}
        self._local: tuple[int, dict[int, Complex]] = (-1, {})

    def advance(self, states: Complex, color: Integer, l: Integer, n: int) -> Complex:
        """Return the states after step `n`; see `Stepper.advance`."""
        different, index = sectors(color, l)
        factors = np.array([self._half_step(c, angular, n) for c, angular in different])
        factor = factors[0] if len(factors) == 1 else factors[index]
        states *= factor
        states = self._grid.kinetic_step(states, self._kinetic)
        states *= factor
        return states

    def _half_step(self, color: int, l: int, n: int) -> Complex:
        if l not in self._barriers:
            self._barriers[l] = np.exp(-0.5j * self._dt * l * (l + 1) * self._centrifugal)
        return np.asarray(self._local_factor(color, n) * self._barriers[l])

    def _local_factor(self, color: int, n: int) -> Complex:
        step, factors = self._local
        if step != n and not (step == n - 1 and self._interaction.same_as_before(n)):
            factors = {}
        self._local = (n, factors)
        if color not in factors:
            factors[color] = np.exp(-0.5j * self._dt * self._interaction.local(color, n))
        return factors[color]
