"""Complex potentials of the tests beyond the dipole, and color algebra from explicit generators."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

import qtraj as qt

ALPHA = 0.6239853
TRANSPORT = qt.Transport("central", -1.75)


def coefficients(T: Any) -> tuple[Any, Any]:
    """Return kappa and gamma of the baseline in GeV^3, also where the fit of kappa_hat has its pole (0 at T = 0)."""
    T = np.asarray(T, dtype=float)
    kappa, gamma = TRANSPORT.at(np.maximum(T, 0.2))
    return kappa * (T / np.maximum(T, 0.2)) ** 3, gamma * (T / np.maximum(T, 0.2)) ** 3


@lru_cache
def beyond_dipole(shape: Callable[[Any], Any], dipole: Any = coefficients) -> qt.LindbladModel:
    """Return Coulomb potentials with gamma of `dipole` as real parts and G = kappa/(2 C_F) shape(r), shape -> r^2."""

    def singlet(r: Any, T: Any) -> Any:
        kappa, gamma = dipole(T)
        return -ALPHA / r + gamma * r**2 / 2 - 0.5j * kappa * shape(r)

    def octet(r: Any, T: Any) -> Any:
        return ALPHA / (8 * r) + 7 / 16 * dipole(T)[1] * r**2 / 2

    return qt.LindbladModel(qt.CallablePotential(singlet, alpha=ALPHA, octet=octet))


def gaussian_noise(length: float) -> qt.LindbladModel:
    """Return the baseline's model with noise of Gaussian correlation, G = kappa/(2 C_F) l^2 (1 - exp(-x^2/l^2))."""
    return _gaussian_noise(float(length))


@lru_cache
def _gaussian_noise(length: float) -> qt.LindbladModel:
    return beyond_dipole(lambda r: -(length**2) * np.expm1(-((r / length) ** 2)))


@lru_cache
def htl(alpha_s: float = 0.35, debye: float = 2.2) -> qt.LindbladModel:
    """Return HTL noise G = alpha_s T phi(m_D r) beside the vacuum's Coulomb potentials."""
    return qt.LindbladModel(
        qt.HTLPotential(alpha_s, real="coulomb", md_over_T=debye, alpha=ALPHA, octet="coulomb")
    )


# ------------------------------------------------------------------------------------------------- color algebra


def generators(N: int) -> np.ndarray:
    """Return the N^2 - 1 hermitian generators of SU(N) with Tr T_a T_b = delta_ab/2, shape (N^2 - 1, N, N)."""
    found = []
    for j in range(N):
        for i in range(j):
            for value in (0.5, -0.5j):
                T = np.zeros((N, N), complex)
                T[i, j], T[j, i] = value, np.conj(value)
                found.append(T)
    for k in range(1, N):
        found.append(np.diag([1.0] * k + [-k] + [0.0] * (N - k - 1)) / np.sqrt(2 * k * (k + 1)))
    return np.array(found, dtype=complex)


def projectors(N: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the projectors on the singlet and the adjoint of a quark and an antiquark, (N^2, N^2) each."""
    s = np.eye(N).ravel() / np.sqrt(N)
    return np.outer(s, s), np.eye(N * N) - np.outer(s, s)
