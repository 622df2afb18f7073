"""A slow twin of the no-jump solver: the algorithm of QTraj 1.0 on a uniform sine grid, in thirty plain lines.

Strang steps V(dt/2) T(dt) V(dt/2) with the kinetic factor applied between two type-I sine transforms. With the time
conventions of the C++ code it reproduces that code's numbers to rounding; with centered ones, and extrapolated in the
spacing, it is an independent road to the numbers of the package, which it shares nothing with but T and kappa_hat.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.fft import dst
from scipy.special import eval_genlaguerre

LEVELS = {0: ("1S", "2S", "3S"), 1: ("1P", "2P"), 2: ("1D",)}
MASS, ALPHA = 4.73, 0.6239853
BOHR = 2 / (MASS * ALPHA)
OCTET_FACTOR = 7 / 16


@dataclass(frozen=True)
class Start:
    """Gaussian of a width in Bohr radii, or (width None) the Coulomb state with radial quantum number 1."""

    l: int = 0
    width: float | None = 0.2
    octet: bool = False

    def u(self, r):
        x = r / BOHR
        if self.width is None:
            return coulomb(self.l + 1, self.l, r)
        return x ** (self.l + 1) * np.exp(-((x / self.width) ** 2))


def coulomb(n, l, r):
    rho = 2 * r / (n * BOHR)
    return rho ** (l + 1) * np.exp(-rho / 2) * eval_genlaguerre(n - l - 1, 2 * l + 1, rho)


def evolve(start, num, length, dt, kappa, gamma):
    """Return (overlaps at the end, overlaps at the start, norm); dt, kappa and gamma of every step, shape (steps,)."""
    dx = length / (num + 1)
    r, k = dx * np.arange(1, num + 1), np.pi / length * np.arange(1, num + 1)
    color = OCTET_FACTOR if start.octet else 1.0
    potential = (ALPHA / 8 if start.octet else -ALPHA) / r + start.l * (start.l + 1) / (MASS * r**2)
    u0 = _normalized(start.u(r), dx)
    u = u0.astype(complex)
    last, kinetic = None, None
    # neighboring half steps of the potential are one multiplication
    phase = np.concatenate([[0], dt / 2]) + np.concatenate([dt / 2, [0]])
    absorb = np.concatenate([[0], dt * kappa / 2]) + np.concatenate([dt * kappa / 2, [0]])
    shift = np.concatenate([[0], dt * gamma / 2]) + np.concatenate([dt * gamma / 2, [0]])
    factors = {}
    for i in range(len(dt) + 1):
        if phase[i] not in factors:
            factors[phase[i]] = np.exp(-1j * potential * phase[i])
        u = u * factors[phase[i]]
        if absorb[i] or shift[i]:
            u = u * np.exp(-0.5 * color * (absorb[i] + 1j * shift[i]) * r**2)
        if i < len(dt):
            if dt[i] != last:
                last = dt[i]
                kinetic = np.exp(-1j * k**2 / MASS * last) / (2 * (num + 1))
            u = dst(dst(u, 1) * kinetic, 1)
    before, after = {}, {}
    for j, name in enumerate(LEVELS[start.l]):
        state = _normalized(coulomb(start.l + 1 + j, start.l, r), dx)
        singlet = 0.0 if start.octet else 1.0
        before[name] = singlet * float(abs(dx * state @ u0) ** 2)
        after[name] = singlet * float(abs(dx * state @ u) ** 2)
    return after, before, float(dx * np.sum(abs(u) ** 2))


def cpp_steps(temperature, transport, tau_med, T_end, dt, total_steps, bjorken):
    """Step lists in the convention of the C++ code: T at the start of a step, T <= T_end still taken for Bjorken."""
    t = dt * np.arange(total_steps)
    kappa, gamma = np.zeros(total_steps), np.zeros(total_steps)
    on = t >= tau_med
    T = np.asarray(temperature(t[on]))
    coefficients = np.where(bjorken | (T_end < T), np.array(transport.at(T)), 0.0)
    kappa[on], gamma[on] = coefficients
    return np.full(total_steps, dt), kappa, gamma


def centered_steps(temperature, transport, start, end, dt):
    """Step lists with T at the middle of each step, the medium acting exactly from `start` to `end`."""
    vacuum, medium = int(np.ceil(start / dt)), int(np.ceil((end - start) / dt))
    edges = np.linspace(start, end, medium + 1)
    k, g = transport.at(temperature((edges[1:] + edges[:-1]) / 2))
    lengths = np.concatenate([np.full(vacuum, start / vacuum), np.full(medium, (end - start) / medium)])
    none = np.zeros(vacuum)
    return lengths, np.concatenate([none, k]), np.concatenate([none, g])


def _normalized(u, dx):
    return u / np.sqrt(dx * np.sum(np.abs(u) ** 2))
