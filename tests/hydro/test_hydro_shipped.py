"""The runs of the package data against the check values that came with the originals."""

import numpy as np
import pytest

from qtraj.errors import InputError
from qtraj.hydro import load_shipped, shipped_runs

# Rows of check_values.csv, made by reading the original MUSIC files (README of the runs): b [fm], tau [fm/c],
# T(0,0), T(5,0), T(0,5) [GeV], u^x(5,0), u^y(0,5), T_max [GeV], stored cells; None = below the output cut.
CHECK_VALUES = [
    (2.3, 0.6, 0.4800, 0.3563, 0.3746, 0.0000, 0.0000, 0.4800, 2953),
    (2.3, 3.0, 0.2973, 0.2276, 0.2331, 0.4502, 0.4044, 0.2973, 2991),
    (2.3, 10.6, 0.1620, 0.1581, 0.1575, 0.5802, 0.5661, 0.1620, 3023),
    (2.3, 12.2, 0.1500, None, None, None, None, 0.1500, 177),
    (6.0, 0.6, 0.4544, 0.2296, 0.3230, 0.0000, 0.0000, 0.4544, 2393),
    (6.0, 4.2, 0.2420, 0.1813, 0.1891, 0.7474, 0.6053, 0.2420, 2553),
    (6.0, 10.8, None, 0.1455, None, 0.6325, None, 0.1457, 572),
    (9.2, 0.6, 0.4029, None, 0.2296, None, 0.0000, 0.4029, 1613),
    (9.2, 4.2, 0.2012, 0.1458, 0.1649, 1.0013, 0.6655, 0.2012, 1581),
    (9.2, 8.1, 0.1450, None, None, None, None, 0.1465, 567),
    (11.6, 0.6, 0.3257, None, 0.1589, None, 0.0000, 0.3257, 1019),
    (11.6, 2.4, 0.2112, None, None, None, None, 0.2112, 799),
    (11.6, 5.7, 0.1469, None, None, None, None, 0.1472, 301),
]
ROUNDING = 5.1e-5  # four decimals are printed


@pytest.mark.parametrize("row", CHECK_VALUES, ids=lambda row: f"b={row[0]},tau={row[1]}")
def test_check_values(row):
    b, tau, *temperatures, ux, uy, T_max, cells = row
    hydro = load_shipped(b)
    frame = int(np.argmin(np.abs(hydro.tau_fm - tau)))
    assert hydro.tau_fm[frame] == pytest.approx(tau)
    expected = [np.nan if T is None else T for T in temperatures]
    got = hydro.temperature(hydro.tau_fm[frame], [0.0, 5.0, 0.0], [0.0, 0.0, 5.0])
    np.testing.assert_allclose(got, expected, atol=ROUNDING)
    assert np.nanmax(hydro.T[frame]) == pytest.approx(T_max, abs=ROUNDING)
    assert np.count_nonzero(hydro.stored[frame]) == cells
    gamma = 1 / np.sqrt(1 - hydro.vx[frame] ** 2 - hydro.vy[frame] ** 2)
    zero, five = (int(np.flatnonzero(hydro.x_fm == x)[0]) for x in (0.0, 5.0)) if b < 11 else (0, 0)
    y_zero, y_five = (int(np.flatnonzero(hydro.y_fm == y)[0]) for y in (0.0, 5.0))
    if ux is not None:
        assert (gamma * hydro.vx[frame])[five, y_zero] == pytest.approx(ux, abs=ROUNDING)
    if uy is not None and b < 11:
        assert (gamma * hydro.vy[frame])[zero, y_five] == pytest.approx(uy, abs=ROUNDING)


@pytest.mark.parametrize("run", shipped_runs(), ids=lambda run: str(run.b_fm))
def test_every_run_says_where_it_comes_from(run):
    hydro = load_shipped(run.b_fm)
    for name in (
        "provenance",
        "commit",
        "terms",
        "cite",
        "original_sha256",
        "transport",
        "equation_of_state",
    ):
        assert hydro.attrs[name]
    assert hydro.attrs["b_fm"] == run.b_fm
    assert hydro.attrs["n_part"] == run.n_part
    assert hydro.tau_fm[0] == 0.6
    # the transverse plane is symmetric for equal nuclei; MUSIC's T is so to the last bit
    x, y = hydro.x_fm, hydro.y_fm
    T = hydro.temperature_at_frames(3, x[:, None], y[None, :])
    np.testing.assert_array_equal(T, hydro.temperature_at_frames(3, -x[:, None], y[None, :]))
    np.testing.assert_array_equal(T, hydro.temperature_at_frames(3, x[:, None], -y[None, :]))


def test_runs_are_listed_from_central_to_peripheral():
    assert [run.b_fm for run in shipped_runs()] == [2.3, 6.0, 9.2, 11.6]
    with pytest.raises(InputError, match=r"11\.6"):
        load_shipped(7.0)
