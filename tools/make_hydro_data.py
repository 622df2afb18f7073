"""Make the hydro runs that ship with qtraj from the original MUSIC files.

    python tools/make_hydro_data.py evolution_all_xyeta_b4.2.dat music3d_b6.0.nc ... --out src/qtraj/data/hydro

A .dat file is what MUSIC wrote. Nothing is rounded: T is the float32 of the file. Velocities are kept where the package
had them before nothing needed them: v = u/sqrt(1 + u^2) of the float32 u. Grid lines outside of which no frame stores
a cell are cut off, all but one. A .nc file is a compact copy of a 3+1D run, with its own attributes: T as it is.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from qtraj.hydro import Hydro, read_music, read_netcdf, write_netcdf
from qtraj.hydro.readers.common import sha256

# by sha256 of the originals, so that only these runs get these attributes: system, b in fm, N_part and N_coll by the
# optical Glauber model of the runs' own nuclei and sigma_NN, s(0,0) in fm^-3
RUNS = {
    "bb36f82db9f33ebe": ("PbPb5020", 2.3, 380.7, 1833.0, 251.11),
    "f3d4293cf4cb1f0c": ("PbPb5020", 6.0, 249.1, 982.0, 210.47),
    "9f62f2895531ced1": ("PbPb5020", 9.2, 118.7, 335.0, 142.07),
    "87c679c5128d2fb4": ("PbPb5020", 11.6, 44.4, 79.0, 69.26),
    "64d51c00130b4f2a": ("PbPb5020", 0.0, 406.64, 2061.81, 257.98),
    "41a34ccadf0d9459": ("PbPb5020", 4.2, 321.69, 1420.56, 234.94),
    "57f3a82d5aa52497": ("PbPb5020", 7.8, 173.47, 583.15, 176.27),
    "0c7f3a0366356865": ("PbPb5020", 10.4, 77.70, 179.49, 107.21),
    "cd45bf486e6052ac": ("PbPb5020", 12.5, 25.63, 36.10, 42.75),
    "9f842304bb07fd59": ("PbPb5020", 13.5, 11.60, 12.53, 20.43),
    "caf6c68fbe06941c": ("OO5360", 0.0, 28.10, 53.45, 58.25),
    "5ef5a39b52bd8968": ("OO5360", 2.0, 22.09, 36.88, 50.13),
    "2172ef3069241c48": ("OO5360", 3.5, 12.77, 16.81, 34.11),
    "f7e51bb53fbce3bc": ("OO5360", 4.5, 7.01, 7.49, 20.98),
    "70d28fdc064d750e": ("OO5360", 5.0, 4.74, 4.54, 14.85),
    "c40aa443acc700d1": ("AuAu200", 2.2, 350.25, 1087.58, 107.00),
    "18b6bd78e7f7dd0f": ("AuAu200", 5.8, 221.02, 580.60, 90.48),
    "a9c046c124d11791": ("AuAu200", 8.8, 103.79, 206.16, 63.44),
    "3636f4de62b5e108": ("AuAu200", 11.1, 37.47, 50.80, 33.09),
}
# the first four runs that shipped: they keep their velocities
WITH_VELOCITIES = ("bb36f82db9f33ebe", "f3d4293cf4cb1f0c", "9f62f2895531ced1", "87c679c5128d2fb4")
RUNS_3D = ("f458df13058a439d", "0bfe994542c1b8f7", "7fb9eb2c31d2c5b9")  # sha256 of the netCDF files

IC = (
    "s(tau_0) = K [(1 - alpha)/2 n_part + alpha n_coll], u = (1,0,0,0), pi^munu = 0; alpha = 0.15, "
    "K = {K} ({why}); impact parameter along x"
)
LEAD = "40.450 fm^-1 for all b", "T(tau_0; 0,0) = 0.480 GeV at b = 2.3 fm"
SYSTEMS = {
    "PbPb5020": {
        "label": "Pb-Pb 5.02 TeV",
        "system": "Pb-Pb",
        "sqrt_s_GeV": 5020.0,
        "initial_condition": IC.format(K=LEAD[0], why=LEAD[1]),
        "A": 208,
        "woods_saxon_R_fm": 6.62,
        "woods_saxon_a_fm": 0.546,
        "woods_saxon_rho0_fm-3": 0.160391,
        "sigma_nn_mb": 67.6,
        "numerics": "tau_0 = 0.6 fm/c, points of 0.125 fm, every second one written; doubling spacing and step "
        "changes T by 0.04 % at the center and at most 0.45 % where T > 0.155 GeV (b = 9.2 fm)",
    },
    "OO5360": {
        "label": "O-O 5.36 TeV",
        "system": "O-O",
        "sqrt_s_GeV": 5360.0,
        "initial_condition": IC.format(K="40.450 fm^-1 for all b", why="that of Pb-Pb at 5.02 TeV"),
        "A": 16,
        "woods_saxon_R_fm": 2.608,
        "woods_saxon_a_fm": 0.513,
        "woods_saxon_w": -0.051,
        "woods_saxon_rho0_fm-3": 0.165362,
        "sigma_nn_mb": 67.86,
        "numerics": "tau_0 = 0.6 fm/c, points of 0.1 fm, every second one written; doubling spacing and step changes T "
        "by 0.03 % at the center and at most 0.29 % where T > 0.155 GeV (b = 3.5 fm)",
    },
    "AuAu200": {
        "label": "Au-Au 200 GeV",
        "system": "Au-Au",
        "sqrt_s_GeV": 200.0,
        "initial_condition": IC.format(
            K="23.095 fm^-1 for all b", why="T(tau_0; 0,0) = 0.370 GeV at b = 2.2 fm"
        ),
        "A": 197,
        "woods_saxon_R_fm": 6.38,
        "woods_saxon_a_fm": 0.535,
        "woods_saxon_rho0_fm-3": 0.169346,
        "sigma_nn_mb": 41.6,
        "numerics": "tau_0 = 0.6 fm/c, points of 0.125 fm, every second one written; accuracy as of Pb-Pb: doubling "
        "spacing and step changes T by at most 0.45 % where T > 0.155 GeV",
    },
}

COMMON = {
    "boost_invariant": 1,
    "provenance": "Output of MUSIC (github.com/MUSIC-fluid/MUSIC, branch public_stable, v3.1-14-g1fd9f40), "
    "source code unmodified; smooth optical-Glauber initial state; evolution_all_xyeta.dat with "
    "output_evolution_data 2.",
    "commit": "1fd9f402ffefa53fcbdad467b420cd816425e472",
    "equation_of_state": "MUSIC EOS_to_use 9, hrg_hotqcd_eos_binary.dat: HotQCD lattice (arXiv:1407.6387) "
    "matched to a hadron resonance gas",
    "transport": "eta/s = 0.16, tau_pi = 5 eta/(e+P), second-order terms on, no bulk viscosity, no baryons",
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
    name, b, n_part, n_coll, s0 = RUNS[key]
    system = dict(SYSTEMS[name])
    ix, iy = (_used(hydro.stored.any(axis=axes)) for axes in ((0, 2), (0, 1)))
    velocities = (hydro.vx, hydro.vy) if key in WITH_VELOCITIES else (None, None)
    vx, vy = (v[:, ix, iy] if v is not None else None for v in velocities)
    attrs = {
        "title": f"{system.pop('label')}, b = {b} fm, MUSIC 2+1D viscous hydrodynamics",
        "b_fm": b,
        "n_part": n_part,
        "n_coll": n_coll,
        "entropy_density_center_fm-3": s0,
        # below this T is 0.150 GeV in the one file, 0.1448 GeV in all others
        "output_cut_GeV_fm-3": 0.234 if key == "bb36f82db9f33ebe" else 0.18,
        **system,
        **COMMON,
        **{f"original_{name}": hydro.attrs[name] for name in ("source", "sha256")},
        "units": hydro.attrs["units"],
        "source": f"MUSIC, {system['system']}, b = {b} fm (shipped with qtraj)",
    }
    return Hydro(hydro.tau_fm, hydro.x_fm[ix], hydro.y_fm[iy], hydro.T[:, ix, iy], vx=vx, vy=vy, attrs=attrs)


def _used(stored: np.ndarray) -> slice:
    where = np.flatnonzero(stored)
    # one empty line on every side: a path that leaves the fireball must not leave the grid
    return slice(max(where[0] - 1, 0), min(where[-1] + 2, len(stored)))


def compact_3d(file: Path) -> Hydro:
    """Return a 3+1D run, which is compact already."""
    if (key := sha256(file)[:16]) not in RUNS_3D:
        raise SystemExit(f"{file}: sha256 {key}... is not one of the known runs")
    hydro = read_netcdf(file)
    return replace(hydro, attrs={**hydro.attrs, "source": f"{hydro.attrs['source']} (shipped with qtraj)"})


def main() -> None:
    """Convert the files given on the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    for file in options.files:
        flat = file.suffix != ".nc"
        hydro = compact(read_music(file)) if flat else compact_3d(file)
        attrs = hydro.attrs
        system = f"{attrs['system'].replace('-', '').lower()}{attrs['sqrt_s_GeV']:.0f}"
        target = options.out / f"music{'' if flat else '3d'}_{system}_b{attrs['b_fm']:.1f}.nc"
        write_netcdf(hydro, target)
        print(f"{target}: {hydro.shape}, {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
