"""What the clock of a history changes in R_AA against p_T: proper time of the hydro, or of the moving pair.

    python benchmarks/clock.py [--n 32]

Paths of examples/pbpb_5020.toml at b = 6 fm, solved at leading order with the density matrix; the same paths with both
clocks, so that the noise of the sampling cancels in the ratio.
"""

from __future__ import annotations

import argparse

import numpy as np
from rich.console import Console
from rich.table import Table

import qtraj as qt
from qtraj.hydro import OpticalGlauber, histories_along, load_shipped, sample_paths
from qtraj.observables import Bins, Curve, FeedDown, SurvivalTable, raa_curve
from qtraj.states import STATE_NAMES

B_FM, T_END, RTOL = 6.0, 0.25, 1e-2
BINS = Bins.edges("pT_GeV", [0, 3, 6, 9, 12, 16, 20])
MESONS = ("Y(1S)", "Y(2S)")


def raa(clock: str, n: int) -> Curve:
    """Return R_AA against p_T of `n` paths in each of 8 replicates."""
    hydro = load_shipped(B_FM)
    paths = sample_paths(OpticalGlauber.from_attrs(hydro.attrs), B_FM, n, seed=1, pT_max=20.0)
    histories = histories_along(hydro, paths, T_END, clock=clock)
    survival = np.full((len(paths), len(STATE_NAMES)), np.nan)
    for l, states in ((0, ("1S", "2S", "3S")), (1, ("1P", "2P"))):
        method = qt.DensityMatrix(rtol=RTOL, error_budget=False)
        result = qt.solve(qt.LindbladModel(), histories, qt.GaussianState(l=l), method)
        for state in states:
            survival[:, STATE_NAMES.index(state)] = result.survival[state].value
    table = SurvivalTable(survival, paths.replicate, pT=paths.pT)
    return raa_curve(table, BINS, FeedDown.named("group", errors=False))


def main() -> None:
    """Solve both and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=32, help="paths in each of 8 replicates, a power of two")
    n = parser.parse_args().n
    by = {clock: raa(clock, n) for clock in ("hydro", "pair")}
    table = Table(title=f"R_AA at b = {B_FM:g} fm, {8 * n} paths")
    for heading in ("p_T [GeV]", *(f"{name}, {clock}" for name in MESONS for clock in (*by, "ratio"))):
        table.add_column(heading, justify="right")
    for i, (low, high) in enumerate(BINS.intervals or ()):
        cells = [f"{low:g}-{high:g}"]
        for name in MESONS:
            hydro, pair = (by[clock][name][i] for clock in ("hydro", "pair"))
            cells += [str(hydro), str(pair), f"{pair.value / hydro.value:.2f}"]
        table.add_row(*cells)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
