"""A slow twin of the no-jump solver for potentials that change with the medium: plain split steps on a sine grid.

It shares the potential, T(t) and nothing else with the package; eigenstates and starts are computed here.
"""

from __future__ import annotations

import numpy as np
from scipy.fft import dst
from scipy.linalg import eigh

LENGTH = 40.0
"""GeV^-1; fast pairs that come back from the end after the medium is gone overlap with nothing."""


def vacuum_states(potential, mass, l, num, count):
    """Lowest eigenstates of the spectral Hamiltonian, rows of values with dx sum u^2 = 1."""
    r, k = grid(num)
    sines = np.sqrt(2 / (num + 1)) * np.sin(np.outer(r, k))
    h = sines * (k**2 / mass) @ sines
    h[np.diag_indices(num)] += potential.vacuum(r, "singlet") + l * (l + 1) / (mass * r**2)
    _, vectors = eigh(h, subset_by_index=(0, count - 1))
    return vectors.T / np.sqrt(LENGTH / (num + 1))


def grid(num):
    """Points and wave numbers."""
    j = np.arange(1, num + 1)
    return LENGTH / (num + 1) * j, np.pi / LENGTH * j


def survivals(potential, mass, medium, num, dt, *, l=0, width=None):
    """Overlaps with the three lowest states of this l (ratios for a Gaussian start of a width) and the norm.

    `width` is in Bohr radii; None starts from the lowest eigenstate. T is taken at the middle of each step.
    """
    r, k = grid(num)
    dx = r[0]
    states = vacuum_states(potential, mass, l, num, 3)
    x = r * mass * potential.alpha / 2
    start = states[0] if width is None else x ** (l + 1) * np.exp(-((x / width) ** 2))
    start = start / np.sqrt(dx * np.sum(start**2))
    ((begin, end),) = medium.active
    centrifugal = l * (l + 1) / (mass * r**2)
    u = start.astype(complex)
    for a, b, hot in ((0.0, begin, False), (begin, end, True)):
        edges = np.linspace(a, b, int(np.ceil((b - a) / dt)) + 1)
        step = edges[1] - edges[0]
        kinetic = np.exp(-1j * k**2 / mass * step) / (2 * (num + 1))
        for first in range(0, len(edges) - 1, 256):
            t = (edges[:-1] + edges[1:])[first : first + 256] / 2
            if hot:
                T = medium.temperature(t)
                V = potential.medium(r, "singlet", T, np.zeros_like(T), T)
            else:
                V = np.broadcast_to(potential.vacuum(r, "singlet"), (len(t), num))
            for half in np.exp(-0.5j * step * (V + centrifugal)):
                u = half * dst(dst(half * u, 1) * kinetic, 1)
    overlap, before = (np.abs(dx * states @ v) ** 2 for v in (u, start))
    return np.array([*(overlap if width is None else overlap / before), dx * np.sum(np.abs(u) ** 2)])


def continuum(potential, mass, medium, runs, **start):
    """Extrapolate runs (num, dt) with dx halved and dt divided by four, so that errors are one series in dx.

    The Coulomb cusp and the kink of string breaking both leave dx^2, and dx^3 next.

    Returns
    -------
    value, uncertainty : ndarray, shape (4,)
        The limit and the size of its last correction.
    """
    values = np.array([survivals(potential, mass, medium, *run, **start) for run in runs])
    first = (4 * values[1:] - values[:-1]) / 3
    second = (8 * first[1:] - first[:-1]) / 7
    return second[-1], np.abs(second[-1] - first[-1])
