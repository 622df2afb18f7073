"""What antithetic directions do to the errors of v2 and R_AA at equal numbers of paths.

    python benchmarks/directions.py [--seeds 100]

The paths of examples/pbpb_5020.toml through the shipped hydrodynamics, drawn with many seeds by each design. No
equation is solved: survival is exp(-c integral of (T/0.3 GeV)^3 dtau), with a c for each state. Variances are
those over seeds.
"""

from __future__ import annotations

import argparse

import numpy as np
from rich.console import Console
from rich.table import Table

from qtraj.hydro import OpticalGlauber, Paths, load_shipped, sample_paths
from qtraj.hydro.sampling import collision_plane
from qtraj.observables import Bins, FeedDown, SurvivalTable, load_system, raa_curve, vn_curve, with_geometry

IMPACT_PARAMETERS = (2.3, 6.0, 9.2, 11.6)
OPACITY = np.array([0.15, 0.5, 0.4, 0.9, 0.7, 1.2])  # 1S 2S 1P 3S 2P 1D
T_END, T_SCALE = 0.25, 0.3
PATHS, REPLICATES = 32, 8
DESIGNS = ((1, "common"), (1, "own"), (2, "own"), (4, "common"), (4, "own"), (8, "own"))
FEEDDOWN = FeedDown.named("group", errors=False)
SYSTEM = load_system("PbPb5020")
CLASS = {"centrality_pct": (10.0, 90.0)}


def survival(hydro, paths: Paths) -> np.ndarray:
    """Return the survival of the six states, shape (n, 6)."""
    x, y = paths.position(hydro.tau_fm)
    T = np.nan_to_num(hydro.temperature_at_frames(np.arange(len(hydro.tau_fm)), x, y))
    heat = np.trapezoid(np.where(T > T_END, T / T_SCALE, 0.0) ** 3, hydro.tau_fm, axis=1)
    return np.exp(-np.outer(heat, OPACITY))


def sampled(fluids: dict, seed: int, directions: int, scrambling: str) -> SurvivalTable:
    """Return the table of one seed and design."""
    columns: dict[str, list] = {name: [] for name in ("survival", "replicate", "b_fm", "pT", "phi")}
    for b, (hydro, plane) in fluids.items():
        paths = sample_paths(
            plane,
            b,
            PATHS,
            replicates=REPLICATES,
            seed=seed,
            pT_max=20.0,
            directions=directions,
            scrambling=scrambling,
        )
        own = (survival(hydro, paths), paths.replicate, np.full(len(paths), b), paths.pT, paths.phi)
        for name, values in zip(columns, own, strict=True):
            columns[name].append(values)
    table = SurvivalTable(**{name: np.concatenate(values) for name, values in columns.items()})
    return with_geometry(table, SYSTEM.geometry)


def observables(table: SurvivalTable) -> dict[str, tuple[float, float]]:
    """Return value and stated error of what is compared."""
    curves = {
        "R_AA(1S), b = 6 fm": raa_curve(table, Bins("b_fm", [(5.0, 7.0)]), FEEDDOWN),
        "R_AA(1S), minimum bias": raa_curve(table, Bins("integrated"), FEEDDOWN),
        "v2(1S), 10-90 %": vn_curve(table, Bins("integrated"), FEEDDOWN, ranges=CLASS),
        "v2(1S), p_T < 6 GeV": vn_curve(table, Bins("pT_GeV", [(0.0, 6.0)]), FEEDDOWN, ranges=CLASS),
        "v2(1S), p_T > 6 GeV": vn_curve(table, Bins("pT_GeV", [(6.0, 50.0)]), FEEDDOWN, ranges=CLASS),
    }
    return {name: (c["Y(1S)"].value[0], c["Y(1S)"].parts["paths"][0]) for name, c in curves.items()}


def main() -> None:
    """Draw, average, compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=100)
    seeds = parser.parse_args().seeds
    fluids = {}
    for b in IMPACT_PARAMETERS:
        hydro = load_shipped(b)
        fluids[b] = hydro, collision_plane(OpticalGlauber.from_attrs(hydro.attrs), b)
    table = Table(
        title=f"Standard deviation over {seeds} seeds (times smaller variance; stated over true error)"
    )
    table.add_column("observable")
    spreads: dict[str, dict[str, str]] = {}
    first: dict[str, float] = {}
    for design in DESIGNS:
        label = f"{design[0]} {design[1]}"
        table.add_column(label, justify="right")
        runs = [observables(sampled(fluids, seed, *design)) for seed in range(seeds)]
        for name in runs[0]:
            values = np.array([run[name] for run in runs])
            spread, stated = values[:, 0].std(ddof=1), np.sqrt(np.mean(values[:, 1] ** 2))
            gain = (first.setdefault(name, spread) / spread) ** 2
            spreads.setdefault(name, {})[label] = f"{spread:.4f} ({gain:.2g}; {stated / spread:.2f})"
    for name, row in spreads.items():
        table.add_row(name, *row.values())
    Console(width=150).print(table)


if __name__ == "__main__":
    main()
