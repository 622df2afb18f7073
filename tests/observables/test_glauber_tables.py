import csv
from importlib import resources

import numpy as np
import pytest

FOLDER = resources.files("qtraj.data").joinpath("glauber")


def columns(name):
    rows = list(csv.DictReader(FOLDER.joinpath(name).read_text(encoding="utf-8").splitlines()))
    return rows, {c: np.array([float(r[c]) for r in rows]) for c in rows[0] if c != "centrality"}


@pytest.mark.parametrize("system", ["PbPb2760", "PbPb5023", "AuAu200"])
def test_geometry_falls_from_head_on_to_nothing(system):
    rows, table = columns(f"glauber_optical_{system}.csv")
    centrality = np.array([float(row["centrality"]) for row in rows])
    assert np.all(np.diff(table["N_part"]) < 0)
    assert np.all(np.diff(centrality) >= 0)
    assert centrality[0] == 0
    # the tables end at 20 fm, where the optical profile still has its exponential tail
    assert 0.9999 < centrality[-1] <= 1
    # dc/db integrates to the centrality: trapezoids of width 0.1 fm miss h^2/12 of the slope, below 1e-4
    integral = np.cumsum(0.05 * (table["dcentrality_db_fm-1"][1:] + table["dcentrality_db_fm-1"][:-1]))
    np.testing.assert_allclose(centrality[1:], integral, atol=1e-4)
