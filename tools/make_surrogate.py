"""Run the shipped hydrodynamics over a grid of (kappa_hat, gamma_hat) and store R_AA for `qtraj explore`.

    python tools/make_surrogate.py src/qtraj/data/surrogate/raa_pbpb5020.json

The grid is of Chebyshev points, so that polynomials in the two coefficients interpolate without wiggles. Few paths are
enough for a page that explores: all settings share the same ones, so their scatter moves all curves alike. It takes
four minutes of one core; finished settings are kept in the folder of --work and used again.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from qtraj._atomic import atomic_path
from qtraj.campaign.run import run
from qtraj.io.config import RunFile, parse_config
from qtraj.provenance import versions

KAPPA, GAMMA = (0.6, 3.0), (-3.5, 0.0)
POINTS = {"kappa": 4, "gamma": 4}
CHECK = (1.5, -0.9)
"""A setting off the grid, stored beside it for the test of the surrogate."""
MESONS = ("Y(1S)", "Y(2S)", "Y(3S)")
RUN = """\
[system]
preset = "PbPb5020"
[model]
order = "LO"
kappa = [{kappa}]
gamma = {gamma}
[medium]
T_end = 0.250
hydro = "shipped"
b_fm = [2.3, 6.0, 9.2, 11.6]
[initial]
width = 0.2
[paths]
n = {paths}
replicates = {replicates}
seed = 1
[method]
rtol = 1e-2
budget = "replicate"
[observables]
feeddown = "group"
states = ["Y(1S)", "Y(2S)", "Y(3S)"]
[output]
directory = "unused"
"""


def chebyshev_lobatto(low: float, high: float, count: int) -> list[float]:
    """Return Chebyshev points from `low` to `high`, the ends among them."""
    x = -np.cos(np.pi * np.arange(count) / (count - 1))
    return [round(float(v), 6) for v in low + (high - low) * (x + 1) / 2]


def run_text(kappa: float | str, gamma: list[float], arguments: argparse.Namespace) -> str:
    """Return the run file of one kappa_hat."""
    paths, replicates = arguments.paths, arguments.replicates
    return RUN.format(kappa=kappa, gamma=gamma, paths=paths, replicates=replicates)


def predicted(kappa: float, gamma: list[float], arguments: argparse.Namespace) -> xr.Dataset:
    """Run one kappa_hat with all gamma_hat."""
    text = run_text(kappa, gamma, arguments)
    run_file = RunFile(parse_config(text, "surrogate"), text, Path("surrogate.toml"))
    found = run(run_file, arguments.work / f"kappa_{kappa:g}_{len(gamma)}").sel(meson=list(MESONS))
    print(f"kappa_hat = {kappa:g} done", flush=True)
    return found


def main() -> None:
    """Run, gather, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--work", type=Path, default=Path("runs/surrogate"))
    parser.add_argument("--paths", type=int, default=16, help="Sobol points per replicate")
    parser.add_argument("--replicates", type=int, default=4)
    arguments = parser.parse_args()
    kappa = chebyshev_lobatto(*KAPPA, POINTS["kappa"])
    gamma = chebyshev_lobatto(*GAMMA, POINTS["gamma"])
    rows: dict[str, list[Any]] = {"raa": [], "raa_no_jump": [], "raa_error_paths": []}
    for value in kappa:
        found = predicted(value, gamma, arguments)
        for name, gathered in rows.items():
            gathered.append(found[name].values.round(6).tolist())
    seen = predicted(CHECK[0], [CHECK[1]], arguments)["raa"].values[0]
    content = {
        "what": "R_AA of Pb-Pb at 5.02 TeV, indices (kappa_hat, gamma_hat, meson, n_part)",
        "kappa_hat": kappa,
        "gamma_hat": gamma,
        "mesons": list(MESONS),
        "n_part": found["n_part"].values.round(2).tolist(),
        "b_fm": found["b_fm"].values.tolist(),
        **rows,
        "check": {"kappa_hat": CHECK[0], "gamma_hat": CHECK[1], "raa": seen.round(6).tolist()},
        "provenance": {
            "tool": "tools/make_surrogate.py",
            "paths": f"{arguments.replicates} replicates of {arguments.paths} straight lines per impact parameter",
            "run_file": run_text("one of kappa_hat", gamma, arguments),
            **{name: str(version) for name, version in versions().items()},
        },
    }
    with atomic_path(arguments.out) as path:
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
