"""What jumps beyond the dipole cost: complex potentials beside the leading order, at which true error."""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np

import qtraj as qt

from .common import MEDIUM, MODEL, START, Table, best_time

ALPHA = MODEL.potential.alpha
BATCH = 16
STATES = ("1S", "2S", "3S")
FINE = qt.DensityMatrix(mesh=qt.LaguerreMesh(96, 0.105), l_max=6, step=0.25, error_budget=False)
"""Finer in everything than the methods that are timed: its errors are a tenth of theirs, but for its jump range."""


def gaussian(length: float) -> qt.LindbladModel:
    """Return the dipole of the baseline cut off at a length in GeV^-1: kappa r^2 -> kappa l^2 (1 - exp(-r^2/l^2))."""

    def coefficients(T):
        # the fit of kappa_hat has a pole below; V is that of the vacuum at T = 0
        cold = np.minimum(np.asarray(T) / 0.2, 1.0) ** 3
        return [cold * x for x in MODEL.transport.at(np.maximum(T, 0.2))]

    def singlet(r, T):
        kappa, gamma = coefficients(T)
        return -ALPHA / r + gamma * r**2 / 2 + 0.5j * kappa * length**2 * np.expm1(-((r / length) ** 2))

    def octet(r, T):
        return ALPHA / (8 * r) + 7 / 32 * coefficients(T)[1] * r**2

    return qt.LindbladModel(qt.CallablePotential(singlet, alpha=ALPHA, octet=octet))


@cache
def models() -> dict[str, qt.LindbladModel]:
    """Return the models, the leading order first."""
    return {
        "LO": MODEL,
        "HTL": qt.LindbladModel(qt.HTLPotential(0.35, md_over_T=2.2, alpha=ALPHA)),
        "HTL, running": qt.LindbladModel(qt.HTLPotential(0.35, alpha=ALPHA, running=2 * np.pi)),
        "Gaussian, 5 GeV^-1": gaussian(5.0),
    }


def beyond_dipole(quick: bool) -> Table:
    """Time a history of each model in a batch of equal ones, with and without error budget, and its true errors."""
    rows, size = [], 4 if quick else BATCH
    for budget in (False,) if quick else (False, True):
        for rtol in (1e-3,) if quick else (5e-3, 1e-3):
            method = qt.DensityMatrix(rtol=rtol, error_budget=budget)
            LO = 0.0
            for name, model in models().items():
                seconds, result = best_time(
                    lambda m=model, method=method: _solve(m, [MEDIUM] * size, method), 1 if quick else 3
                )
                LO = LO or seconds
                truth, found = _truth(model), np.array([result.survival[s].value[0] for s in STATES])
                errors = [f"{e:.1e}" for e in np.abs(found / truth - 1)]
                cost = round(1e3 * seconds / size, 2), round(seconds / LO, 1)
                rows.append((name, f"{rtol:g}", "yes" if budget else "no", *cost, *errors))
    return Table(
        f"Jumps of complex potentials beside the leading order, {size} baseline histories in one call, warm",
        ("model", "rtol", "error budget", "ms a history", "over LO", *(f"true {s}" for s in STATES)),
        tuple(rows),
        "Relative errors, against 96 points, l_max 6 and a third of the steps.",
    )


def noise_batch(quick: bool) -> Table:
    """Time 64 histories whose temperatures differ, with couplings that run with them."""
    T0 = np.linspace(0.33, 0.45, 8 if quick else 64)
    media = [qt.Bjorken(T, 0.6, 0.25) for T in T0]
    rows, LO = [], 0.0
    for name, model in models().items():
        method = qt.DensityMatrix(error_budget=False)
        seconds, result = best_time(
            lambda m=model, method=method: _solve(m, media, method), 1 if quick else 3
        )
        LO = LO or seconds
        ends = [f"{result.survival['1S'].value[i]:.4f}" for i in (0, -1)]
        rows.append((name, round(1e3 * seconds / len(T0), 2), round(seconds / LO, 1), *ends))
    return Table(
        f"{len(T0)} histories of T0 0.33 to 0.45 GeV in one call, warm, rtol 1e-3, no error budget",
        ("model", "ms a history", "over LO", "1S of the coldest", "1S of the hottest"),
        tuple(rows),
    )


@cache
def _truth(model):
    result = _solve(model, MEDIUM, FINE)
    return np.array([result.survival[s].value for s in STATES])


def _solve(model, media, method):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", qt.AccuracyWarning)
        return qt.solve(model, media, START, method)
