"""The runs of the package data against the check values that came with the originals."""

import csv
from pathlib import Path

import numpy as np
import pytest

from qtraj.errors import InputError
from qtraj.hydro import OpticalGlauber, load_shipped, shipped_runs

DATA = Path(__file__).parents[1] / "data" / "hydro"
ROUNDING = 5.1e-5  # four decimals are printed
ROUNDING_3D = ROUNDING + 7.7e-6  # and T of the 3+1D files is a multiple of 2^-16 GeV


def check_values(name):
    """Return the rows of a table of tests/data/hydro as (system, columns)."""
    lines = (DATA / f"check_values_{name}.csv").read_text().splitlines()
    for row in csv.DictReader(line for line in lines if not line.startswith("#")):
        system = row.pop("system", "PbPb5020") + ("-3d" if name == "music3d" else "")
        yield system, {key: np.nan if value == "-1" else float(value) for key, value in row.items()}


ROWS = [row for name in ("music", "music2", "music3d") for row in check_values(name)]
RUNS = sorted({(system, row["b_fm"]) for system, row in ROWS})


def at(hydro, field, frame, *place):
    """Return a field of the run at a grid point, NaN outside of the stored grid."""
    axes = (hydro.x_fm, hydro.y_fm, hydro.eta)
    found = [np.flatnonzero(axis == c) for axis, c in zip(axes, place, strict=False)]
    return field[frame][tuple(i[0] for i in found)] if all(map(len, found)) else np.nan


def test_the_tables_are_of_the_runs_that_ship():
    assert sorted((run.name, run.b_fm) for run in shipped_runs()) == RUNS
    assert len(RUNS) == 22
    assert len(ROWS) == 556


@pytest.mark.parametrize(("system", "b"), RUNS)
def test_check_values(system, b):
    """Every number of the tables, which were made from the original files without this package."""
    hydro = load_shipped(system, b)
    rounding = ROUNDING if hydro.eta is None else ROUNDING_3D
    rows = [row for name, row in ROWS if (name, row["b_fm"]) == (system, b)]
    for row in rows:
        tau, cells, T_max = row["tau"], row["n_cells"], row["T_max"]
        frame = int(np.argmin(np.abs(hydro.tau_fm - tau)))
        assert hydro.tau_fm[frame] == pytest.approx(tau)
        assert np.nanmax(hydro.T[frame]) == pytest.approx(T_max, abs=rounding)
        assert np.count_nonzero(hydro.stored[frame]) == cells
        for name, value in row.items():
            kind, *place = name.split("_")
            if name == "T_max" or kind not in ("T", "ux", "uy") or (kind != "T" and hydro.vx is None):
                continue
            if kind == "T":
                field = hydro.T
            else:
                gamma = 1 / np.sqrt(1 - hydro.vx.astype(float) ** 2 - hydro.vy.astype(float) ** 2)
                field = gamma * (hydro.vx if kind == "ux" else hydro.vy)
            got = at(hydro, field, frame, *map(float, place))
            assert got == pytest.approx(value, abs=rounding, nan_ok=True), (tau, name)
    assert {round(row["tau"], 3) for row in rows} <= set(np.round(hydro.tau_fm, 3))


@pytest.mark.parametrize("run", shipped_runs(), ids=lambda run: f"{run.name} {run.b_fm}")
def test_every_run_says_where_it_comes_from(run):
    hydro = load_shipped(run.name, run.b_fm)
    for name in (
        "provenance",
        "commit",
        "terms",
        "cite",
        "original_sha256",
        "transport",
        "equation_of_state",
        "initial_condition",
        "numerics",
    ):
        assert hydro.attrs[name]
    assert hydro.attrs["b_fm"] == run.b_fm
    assert hydro.attrs["n_part"] == run.n_part
    assert hydro.tau_fm[0] == 0.6
    # a medium that ends at 0.15 GeV is known, and the fireball has cooled below it in the end
    assert hydro.T_floor < 0.15 + 1e-9
    assert np.nanmax(hydro.T[-1]) < 0.1501
    # the transverse plane is symmetric for equal nuclei; MUSIC's T is so to the last bit, in rapidity, too
    x, y = hydro.x_fm[:, None, None], hydro.y_fm[None, :, None]
    eta = np.zeros(1) if hydro.eta is None else hydro.eta
    T = hydro.temperature_at_frames(3, x, y, eta)
    np.testing.assert_array_equal(T, hydro.temperature_at_frames(3, -x, y, eta))
    np.testing.assert_array_equal(T, hydro.temperature_at_frames(3, x, -y, eta))
    np.testing.assert_array_equal(T, hydro.temperature_at_frames(3, x, y, -eta))


@pytest.mark.parametrize("run", shipped_runs(), ids=lambda run: f"{run.name} {run.b_fm}")
def test_participants_are_those_of_the_runs_own_nuclei(run):
    model = OpticalGlauber.from_attrs(load_shipped(run.name, run.b_fm).attrs)
    # one decimal is kept of the first four runs, two of the others; four digits of N_coll
    assert model.n_part(run.b_fm) == pytest.approx(run.n_part, abs=0.051 if run.n_part > 40 else 0.0051)
    assert model.n_coll(run.b_fm) == pytest.approx(run.n_coll, rel=1e-3)


def test_a_3d_run_is_the_flat_one_at_mid_rapidity():
    """The fall-off at 2.3 cannot reach eta = 0; what is left is half the resolution: 0.41 % at most (README)."""
    for b in (2.3, 6.0, 9.2):
        flat, full = load_shipped("PbPb5020", b), load_shipped("PbPb5020-3d", b)
        tau = np.array([t for t in full.tau_fm if np.min(np.abs(flat.tau_fm - t)) < 1e-4])
        T = [h.temperature(tau[:, None, None], full.x_fm[:, None], full.y_fm) for h in (flat, full)]
        hot = T[0] > 0.155
        assert len(tau) >= 7
        assert np.max(np.abs(T[1] / T[0] - 1)[hot]) < 4.5e-3


def test_runs_are_listed_by_system_from_central_to_peripheral():
    by_name = {}
    for run in shipped_runs():
        by_name.setdefault(run.name, []).append(run.b_fm)
    assert list(by_name) == ["PbPb5020", "AuAu200", "OO5360", "PbPb5020-3d"]
    assert by_name["PbPb5020"] == [0.0, 2.3, 4.2, 6.0, 7.8, 9.2, 10.4, 11.6, 12.5, 13.5]
    assert all(b == sorted(b) for b in by_name.values())


def test_one_number_is_an_impact_parameter_of_lead():
    for again in (load_shipped(2.3), load_shipped(b_fm=2.3)):
        np.testing.assert_array_equal(again.T, load_shipped("PbPb5020", 2.3).T)


@pytest.mark.parametrize(
    ("arguments", "known"),
    [
        ((7.0,), r"b_fm.* one of \[0\.0, 2\.3, .* 13\.5\], the runs of PbPb5020 .* but is 7\.0"),
        (("OO5360", 7.0), r"\[0\.0, 2\.0, 3\.5, 4\.5, 5\.0\], the runs of OO5360"),
        (("OO5360",), r"\[0\.0, 2\.0, 3\.5, 4\.5, 5\.0\], the runs of OO5360"),
        (("XeXe5440", 7.0), "system.* PbPb5020, AuAu200, OO5360, PbPb5020-3d"),
    ],
)
def test_what_does_not_ship_is_refused_with_what_does(arguments, known):
    with pytest.raises(InputError, match=known):
        load_shipped(*arguments)
