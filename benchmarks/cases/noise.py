"""What jumps beyond the dipole cost: work against precision of complex potentials beside the leading order."""

from __future__ import annotations

import time
import warnings
from functools import cache

import numpy as np

import qtraj as qt

from .common import MEDIUM, MODEL, START, Table, at_equal_error, best_time

ALPHA = MODEL.potential.alpha
STATES = ("1S", "2S", "3S")
RTOLS = (1e-2, 5e-3, 2e-3, 1e-3, 5e-4)
FINE = qt.DensityMatrix(mesh=qt.LaguerreMesh(96, 0.105), l_max=11, step=0.2, error_budget=False)
"""Finer in everything than the methods that are timed."""


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


def media(quick: bool) -> list[qt.Bjorken]:
    """Return histories whose temperatures, and couplings that run with them, differ."""
    return [qt.Bjorken(T0, 0.6, 0.25) for T0 in np.linspace(0.35, 0.45, 2 if quick else 4)]


@cache
def measured(quick: bool) -> dict[tuple[str, bool], list[tuple[float, float, float, float]]]:
    """Return (rtol, CPU time of a history in s, largest true error, largest quoted one) by model and error budget."""
    found: dict[tuple[str, bool], list[tuple[float, float, float, float]]] = {}
    histories = media(quick)
    truth = {name: _values(_solve(model, histories, FINE)) for name, model in models().items()}
    for budget in (False, True):
        for rtol in RTOLS[1:4] if quick else RTOLS:
            method = qt.DensityMatrix(rtol=rtol, error_budget=budget)
            for name, model in models().items():  # one after the other, so that all see the same machine
                seconds, result = best_time(
                    lambda m=model, method=method: _solve(m, histories, method),
                    1 if quick else 2,
                    time.process_time,
                )
                true = float(np.abs(_values(result) / truth[name] - 1).max())
                quoted = np.array([result.survival[s].error / result.survival[s].value for s in STATES]).max()
                found.setdefault((name, budget), []).append(
                    (rtol, seconds / len(histories), true, float(quoted))
                )
    return found


def beyond_dipole(quick: bool) -> Table:
    """Work against precision: CPU time of a history and largest true error of each model, by rtol."""
    rows = []
    for (name, budget), runs in measured(quick).items():
        for rtol, seconds, true, quoted in runs:
            said = f"{quoted:.1e}" if budget else "-"
            rows.append(
                (name, "yes" if budget else "no", f"{rtol:g}", round(1e3 * seconds, 1), f"{true:.1e}", said)
            )
    return Table(
        f"Jumps of complex potentials: {len(media(quick))} histories, T0 0.35 to 0.45 GeV, in one call, warm",
        ("model", "error budget", "rtol", "CPU ms a history", "true", "quoted"),
        tuple(rows),
        "Largest relative errors of 1S, 2S and 3S, against 96 points, l_max 11 and shorter steps.",
    )


def noise_batch(quick: bool) -> Table:
    """Cost over the leading order at equal true error, from the runs of `beyond_dipole`."""
    found, rows = measured(quick), []
    for (name, budget), runs in found.items():
        if name != "LO":
            curves = [[run[1:3] for run in each] for each in (runs, found["LO", budget])]
            ratios = at_equal_error(*curves)
            same = [a[1] / b[1] for a, b in zip(runs, found["LO", budget], strict=True)]
            cells = [f"{min(r):.1f} to {max(r):.1f}" if r else "-" for r in ([r for _, r in ratios], same)]
            span = f"{ratios[0][0]:.0e} to {ratios[-1][0]:.0e}" if ratios else "-"
            mean = f"{np.exp(np.mean(np.log([r for _, r in ratios]))):.1f}" if ratios else "-"
            rows.append((name, "yes" if budget else "no", span, mean, *cells))
    return Table(
        "CPU time of a history over that at leading order",
        ("model", "error budget", "true errors", "mean", "at equal true error", "at equal rtol"),
        tuple(rows),
        "Interpolated between the runs of beyond_dipole; the mean is that of logarithms.",
    )


def wave_trajectories(quick: bool) -> Table:
    """Trajectories whose jumps are waves of the noise, beside those of the dipole and beside the density matrix."""
    rows, n = [], 256 if quick else 4096
    exact, sampled = qt.DensityMatrix(error_budget=False), qt.QuantumTrajectories(n=n, seed=1)
    for name in ("LO", "HTL", "Gaussian, 5 GeV^-1"):
        model = models()[name]
        density, right = best_time(lambda m=model: _solve(m, MEDIUM, exact), 2, time.process_time)
        seconds, result = best_time(lambda m=model: _solve(m, MEDIUM, sampled), 1, time.process_time)
        found = {s: (result.survival[s], right.survival[s].value) for s in STATES}
        noise = [f"{100 * e.parts['statistical'] / e.value:.2g}" for e, _ in found.values()]
        off = [f"{(e.value - truth) / e.error:+.1f}" for e, truth in found.values()]
        estimate = found["2S"][0]
        to_a_percent = seconds * (estimate.parts["statistical"] / estimate.value / 0.01) ** 2
        each = round(1e3 * seconds / n, 2), round(1e3 * density), round(to_a_percent, 1)
        rows.append((name, *each, " ".join(noise), " ".join(off)))
    return Table(
        f"{n} trajectories of the baseline history, one thread, beside the density matrix at rtol 1e-3",
        (
            "model",
            "CPU ms a trajectory",
            "density ms",
            "s to 1 % of 2S",
            "noise of 1S 2S 3S in %",
            "off in errors",
        ),
        tuple(rows),
        "No error budget of the density matrix; off: the difference of the two over the error of the trajectories.",
    )


def _values(result):
    return np.array([result.survival[s].value for s in STATES])


def _solve(model, histories, method):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", qt.AccuracyWarning)
        return qt.solve(model, histories, START, method)
