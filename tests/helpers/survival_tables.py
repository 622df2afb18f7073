"""Survival tables with a known answer, for tests of everything behind the solver."""

import numpy as np

from qtraj.observables.estimate import Estimate
from qtraj.observables.table import SurvivalTable

B_FM = (2.3, 6.0, 9.2, 11.6)
OPACITY = np.array([1.0, 2.5, 2.2, 3.5, 3.0, 5.0])


def toy_table(kappa=1.0, *, per_replicate=64, replicates=4, b_fm=B_FM, flow=0.05, seed=0, **attrs):
    """S = exp(-kappa c (1 - b/14) heat) (1 + 2 flow cos 2 phi), heat uniform; 40 % never jumped."""
    rng = np.random.default_rng(seed)
    n = per_replicate * replicates
    rows = n * len(b_fm)
    heat, phi = np.tile(rng.random(n), len(b_fm)), np.tile(2 * np.pi * rng.random(n), len(b_fm))
    b = np.repeat(b_fm, n)
    survival = np.exp(-kappa * OPACITY * ((1 - b / 14) * heat)[:, None])
    survival = survival * (1 + 2 * flow * np.cos(2 * phi))[:, None] / (1 + 2 * abs(flow))
    return SurvivalTable(
        Estimate(survival, {"mesh": 1e-3 * survival, "time_step": np.full((rows, 6), 2e-4)}),
        np.tile(np.repeat(np.arange(replicates), per_replicate), len(b_fm)),
        no_jump=Estimate(0.4 * survival, {"mesh": 1e-4 * survival}),
        b_fm=b,
        pT=np.tile(20 * rng.random(n), len(b_fm)),
        phi=phi,
        y=np.zeros(rows),
        attrs={"kappa": kappa, "gamma": -1.75, **attrs},
    )


def toy_settings():
    """Central, two other kappas, one other gamma that changes nothing."""
    return {
        "central": toy_table(),
        "low": toy_table(0.8),
        "high": toy_table(1.2),
        "gamma": toy_table(gamma=0.0),
    }
