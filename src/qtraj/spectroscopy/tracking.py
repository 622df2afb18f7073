"""Eigenstates of a complex symmetric matrix, followed as the matrix changes.

The left eigenvectors are the transposed right ones, so overlaps are taken without complex conjugation: (u|v) = sum u v.
Between two nearby matrices they are close to one for the same state and to zero for all others, however far from
orthogonal the eigenvectors are in the usual sense.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Complex = NDArray[np.complex128]

SAME = 0.2
"""Largest distance of |(u|v)| from one, and largest overlap with another state, that counts as the same state."""

SMALLEST_STEP = 2.0**-10
"""Share of the way between two matrices below which the best overlap is taken as it is: states cross there."""


def eigenstates(matrix: Complex) -> tuple[Complex, Complex]:
    """Return eigenvalues (N,) and eigenvectors in the columns (N, N), with (v|v) = 1."""
    energies, vectors = np.linalg.eig(matrix)
    norms = np.sqrt(np.sum(vectors**2, axis=0) + 0j)
    return energies, vectors / norms


def nearest(matrix: Complex, energies: Complex) -> Complex:
    """Return the eigenvalue closest to each of the energies, same shape."""
    found = np.linalg.eigvals(matrix)
    return np.asarray(found[np.argmin(np.abs(found - energies[..., None]), axis=-1)])


def select(matrix: Complex, energies: Complex) -> tuple[Complex, Complex]:
    """Return the eigenvalues (k,) closest to the energies (k,) and their eigenvectors (N, k)."""
    found, vectors = eigenstates(matrix)
    best = np.argmin(np.abs(found - energies[:, None]), axis=1)
    return found[best], vectors[:, best]


def follow(start: Complex, end: Complex, vectors: Complex) -> tuple[Complex, Complex]:
    """Follow eigenvectors of one matrix to another along the straight line between them.

    Parameters
    ----------
    start, end : ndarray, shape (N, N)
        Complex symmetric matrices.
    vectors : ndarray, shape (N, k)
        Eigenvectors of `start`, (v|v) = 1.

    Returns
    -------
    energies : ndarray, shape (k,)
        Eigenvalues of `end`.
    vectors : ndarray, shape (N, k)
        Its eigenvectors.
    """
    position, step = 0.0, 1.0
    energies = np.empty(vectors.shape[1], dtype=complex)
    while position < 1:
        trial = min(position + step, 1.0)
        found, candidates = eigenstates((1 - trial) * start + trial * end)
        overlaps = np.abs(vectors.T @ candidates)
        best = np.argmax(overlaps, axis=1)
        if step > SMALLEST_STEP and not _clear(overlaps, best):
            step /= 2
            continue
        energies, vectors = found[best], candidates[:, best]
        position, step = trial, 2 * step
    return energies, vectors


def _clear(overlaps: Float, best: NDArray[np.intp]) -> bool:
    rows = np.arange(len(best))
    largest = overlaps[rows, best]
    others = overlaps.copy()
    others[rows, best] = 0.0
    return bool(np.all(np.abs(largest - 1) < SAME) and np.all(others < SAME))
