"""Make the hydro runs that ship with qtraj from the original MUSIC files.

    python tools/make_hydro_data.py evolution_all_xyeta_b2.3.dat ... --out src/qtraj/data/hydro

Nothing is rounded: T is the float32 of the file; v = u/sqrt(1 + u^2) of its float32 u. Grid lines outside of
which no frame stores a cell are cut off, all but one.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from qtraj.hydro import Hydro, read_music, write_netcdf

# sha256 of the originals, so that only these runs get these attributes; b in fm, N_part and N_coll by the
# optical Glauber model of the runs' own Woods-Saxon and sigma_NN, s(0,0) in fm^-3, e_cut in GeV/fm^3
RUNS = {
    "bb36f82db9f33ebe": (2.3, 380.7, 1833.0, 251.11, 0.234),
    "f3d4293cf4cb1f0c": (6.0, 249.1, 982.0, 210.47, 0.18),
    "9f62f2895531ced1": (9.2, 118.7, 335.0, 142.07, 0.18),
    "87c679c5128d2fb4": (11.6, 44.4, 79.0, 69.26, 0.18),
}

COMMON = {
    "system": "Pb-Pb",
    "sqrt_s_GeV": 5020.0,
    "boost_invariant": 1,
    "provenance": "Output of MUSIC (github.com/MUSIC-fluid/MUSIC, branch public_stable, v3.1-14-g1fd9f40), "
    "source code unmodified; smooth optical-Glauber initial state; evolution_all_xyeta.dat with "
    "output_evolution_data 2.",
    "commit": "1fd9f402ffefa53fcbdad467b420cd816425e472",
    "initial_condition": "s(tau_0) = K [(1 - alpha)/2 n_part + alpha n_coll], u = (1,0,0,0), pi^munu = 0; "
    "alpha = 0.15, K = 40.450 fm^-1 for all b (T(tau_0; 0,0) = 0.480 GeV at b = 2.3 fm); impact parameter "
    "along x",
    "A": 208,
    "woods_saxon_R_fm": 6.62,
    "woods_saxon_a_fm": 0.546,
    "woods_saxon_rho0_fm-3": 0.160391,
    "sigma_nn_mb": 67.6,
    "equation_of_state": "MUSIC EOS_to_use 9, hrg_hotqcd_eos_binary.dat: HotQCD lattice (arXiv:1407.6387) "
    "matched to a hadron resonance gas",
    "transport": "eta/s = 0.16, tau_pi = 5 eta/(e+P), second-order terms on, no bulk viscosity, no baryons",
    "numerics": "tau_0 = 0.6 fm/c, 208 x 208 points of 0.125 fm, every second one written; doubling spacing "
    "and step changes T by 0.04 % at the center and at most 0.45 % where T > 0.155 GeV (b = 9.2 fm)",
    "terms": "Numbers produced by running MUSIC (GPLv2 code); the licence of the code does not extend to its "
    "output. Free to use and to pass on.",
    "cite": "arXiv:1004.1408 arXiv:1009.3244 arXiv:1509.06738 (MUSIC), arXiv:1407.6387 (equation of state); "
    "state the initial condition, equation of state and transport coefficients.",
    "remark": "A smooth average fireball for examples and tests; it is not tuned to data.",
}


def compact(hydro: Hydro) -> Hydro:
    """Return the run with the empty margin cut off and the attributes of the package data."""
    key = str(hydro.attrs["sha256"])[:16]
    if key not in RUNS:
        raise SystemExit(f"{hydro.attrs['source']}: sha256 {key}... is not one of the known runs")
    b, n_part, n_coll, s0, e_cut = RUNS[key]
    ix, iy = (_used(hydro.stored.any(axis=axes)) for axes in ((0, 2), (0, 1)))
    vx, vy = (v[:, ix, iy] if v is not None else None for v in (hydro.vx, hydro.vy))
    attrs = {
        "title": f"Pb-Pb 5.02 TeV, b = {b} fm, MUSIC 2+1D viscous hydrodynamics",
        "b_fm": b,
        "n_part": n_part,
        "n_coll": n_coll,
        "entropy_density_center_fm-3": s0,
        "output_cut_GeV_fm-3": e_cut,
        **COMMON,
        **{f"original_{name}": hydro.attrs[name] for name in ("source", "sha256")},
        "units": hydro.attrs["units"],
        "source": f"MUSIC, b = {b} fm (shipped with qtraj)",
    }
    return Hydro(hydro.tau_fm, hydro.x_fm[ix], hydro.y_fm[iy], hydro.T[:, ix, iy], vx=vx, vy=vy, attrs=attrs)


def _used(stored: np.ndarray) -> slice:
    where = np.flatnonzero(stored)
    # one empty line on every side: a path that leaves the fireball must not leave the grid
    return slice(max(where[0] - 1, 0), min(where[-1] + 2, len(stored)))


def main() -> None:
    """Convert the files given on the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    for file in options.files:
        hydro = compact(read_music(file))
        target = options.out / f"music_pbpb5020_b{hydro.attrs['b_fm']:.1f}.nc"
        write_netcdf(hydro, target)
        print(f"{target}: {hydro.shape}, {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
