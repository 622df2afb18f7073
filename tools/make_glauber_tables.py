"""Make the optical Glauber tables of the systems whose tables qtraj computes itself (O-O, p-Pb).

    python tools/make_glauber_tables.py --out src/qtraj/data/glauber

Nuclei and cross sections are those of src/qtraj/data/systems/*.toml.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from qtraj.hydro.glauber import Nucleus, OpticalGlauber, ProtonNucleus, collision_geometry
from qtraj.observables.data.systems import load_system
from qtraj.observables.geometry import CollisionGeometry

B_MAX_FM = 15.0  # N_coll is below 1e-6 there in all of them


def write(geometry: CollisionGeometry, path: Path) -> None:
    """Write a geometry in the columns of the other tables."""
    lines = ["b_fm,centrality,N_part,N_bin,P_inel"]
    columns = (geometry.b_fm, geometry.centrality, geometry.n_part, geometry.n_coll)
    lines += [
        f"{b:.2f},{c:.6f},{n_part:.6g},{n_coll:.6g},{-np.expm1(-n_coll):.6f}"
        for b, c, n_part, n_coll in zip(*columns, strict=True)
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    """Make the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    folder = parser.parse_args().out
    for name in ("OO5360", "pPb5020", "pPb8160"):
        system = load_system(name)
        nucleus = Nucleus(**system.nucleus, name=system.target)
        kind = ProtonNucleus if system.projectile == "p" else OpticalGlauber
        geometry = collision_geometry(kind(nucleus, system.sigma_nn_mb), B_MAX_FM, name=name)
        write(geometry, folder / f"glauber_optical_{name}.csv")


if __name__ == "__main__":
    main()
