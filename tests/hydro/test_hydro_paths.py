"""Paths through a run and the histories along them."""

import time

import numpy as np
import pytest
from hydro_files import TAU, field, grid_T, small_hydro

from qtraj.errors import AccuracyWarning, InputError
from qtraj.hydro import Hydro, OpticalGlauber, Paths, histories_along, load_shipped, sample_paths
from qtraj.units import from_fm


def one_path(x=0.0, y=0.0, pT=0.0, phi=0.0, mass=10.0):
    return Paths(x, y, pT, phi, 0, mass=mass)


def big_hydro(T_of, n_frames=7, half=6.0, **options):
    tau = 0.6 + 0.5 * np.arange(n_frames)
    axis = np.linspace(-half, half, 49)
    return Hydro(tau, axis, axis, T_of(tau[:, None, None], axis[:, None], axis[None, :]), **options)


def cooling(tau, x, y):
    return 0.4 * (0.6 / tau) ** 0.5 + 0.003 * x - 0.002 * y


def test_velocity_and_straight_line():
    path = Paths([1.0], [2.0], [7.5], [0.3], [0], mass=10.0)
    assert path.v_T == pytest.approx(0.6)  # 7.5/12.5
    x, y = path.position([0.0, 2.0])
    np.testing.assert_allclose(x, [[1.0, 1.0 + 1.2 * np.cos(0.3)]])
    np.testing.assert_allclose(y, [[2.0, 2.0 + 1.2 * np.sin(0.3)]])


def test_temperature_is_the_fields_at_the_moving_place():
    hydro = big_hydro(cooling)
    paths = Paths([0.0, 1.0, -2.0], [0.5, 0.0, 1.0], [0.0, 5.0, 20.0], [0.0, 2.0, 4.0], [0, 0, 1])
    histories = histories_along(hydro, paths, 0.25)
    expected = cooling(hydro.tau_fm, *paths.position(hydro.tau_fm))
    np.testing.assert_allclose(histories.T, expected, rtol=1e-7)  # linear in space: exact up to the snapping
    np.testing.assert_array_equal(histories.tau_fm, hydro.tau_fm)
    np.testing.assert_array_equal(histories.metadata["replicate"], [0, 0, 1])
    np.testing.assert_array_equal(histories.metadata["pT"], paths.pT)
    assert histories.T_end == 0.25


def test_provenance_is_recorded():
    histories = histories_along(
        big_hydro(cooling, attrs={"source": "made up", "b_fm": 1.0}), one_path(), 0.25
    )
    assert histories.attrs["hydro_source"] == "made up"
    assert "proper time" in histories.attrs["clock"]


def test_where_nothing_is_stored_the_floor_stands():
    def sparse(tau, x, y):
        T = cooling(tau, 0 * x, 0 * y) * np.exp(-(x**2 + y**2) / 4)
        return np.where(T < 0.15, np.nan, T)

    hydro = big_hydro(sparse)
    histories = histories_along(hydro, Paths([0.0, 5.5], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0, 0]), 0.2)
    assert np.all(histories.T[1] == hydro.T_floor)
    assert len(histories[1].active) == 0
    assert np.all(histories.T[0] == hydro.T[:, 24, 24])


@pytest.mark.parametrize("T_end", [0.1, np.nan])
def test_T_end_below_the_floor_is_refused(T_end):
    with pytest.raises(InputError, match="lowest temperature"):
        histories_along(big_hydro(cooling), one_path(), T_end)


def test_a_run_that_ends_hot_is_refused():
    with pytest.raises(InputError, match="longer"):
        histories_along(big_hydro(cooling, n_frames=3), one_path(), 0.22)
    meant = histories_along(big_hydro(cooling, n_frames=3), one_path(), 0.22, allow_hot_end=True)
    assert meant[0].active[0][1] == pytest.approx(from_fm(1.6))


def test_a_grid_that_ends_inside_the_medium_is_refused():
    with pytest.raises(InputError, match="larger grid"):
        histories_along(big_hydro(cooling, half=1.0), one_path(pT=30.0), 0.25)


def test_medium_lost_at_a_sharp_edge_is_announced():
    def sharp(tau, x, y):
        return np.where(np.hypot(x, y) < 3.0, cooling(tau, x, y), np.nan)

    with pytest.warns(AccuracyWarning, match="1 of 2 paths"):
        histories_along(big_hydro(sharp), Paths([0.0, 2.9], [0.0] * 2, [0.0] * 2, [0.0] * 2, [0, 0]), 0.25)


def test_three_dimensional_runs_are_read_at_mid_rapidity():
    eta = np.array([-1.0, 0.0, 1.0])
    T = grid_T()[..., None] - 0.05 * eta**2
    histories = histories_along(small_hydro(T=T, eta=eta), one_path(0.2, 0.1), 0.25)
    np.testing.assert_allclose(histories.T[0], field(TAU, 0.2, 0.1), atol=1e-8)


def test_interpolation_between_frames_of_a_real_run():
    # every second frame of the run (0.6 instead of 0.3 fm/c) must give the frames left out along moving paths
    hydro = load_shipped(6.0)
    coarse = Hydro(hydro.tau_fm[::2], hydro.x_fm, hydro.y_fm, hydro.T[::2])
    paths = sample_paths(OpticalGlauber.from_attrs(hydro.attrs), 6.0, 64, replicates=2)
    fine_T = histories_along(hydro, paths, 0.25).T
    coarse_T = histories_along(coarse, paths, 0.25)
    errors = []
    for fine, tabulated in zip(fine_T, coarse_T, strict=True):
        for start, end in tabulated.active:
            t = hydro.tau_fm / 0.1973269804
            left_out = (np.arange(len(t)) % 2 == 1) & (t > start) & (t < end)
            errors.extend(tabulated.temperature(t[left_out]) / fine[left_out] - 1)
    # measured at this doubled spacing: 0.02 and 0.0012; at least 4 times less at the true one (order >= 2)
    assert np.abs(errors).max() < 0.03
    assert np.sqrt(np.mean(np.square(errors))) < 0.002


def test_a_thousand_paths_take_well_under_a_second():
    hydro = load_shipped(2.3)
    started = time.perf_counter()
    paths = sample_paths(OpticalGlauber.from_attrs(hydro.attrs), 2.3, 128, replicates=8)
    histories = histories_along(hydro, paths, 0.25)
    assert time.perf_counter() - started < 1.0  # 0.1 s on two cores of 2024
    assert len(histories) == 1024


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"x_fm": [0.0, np.nan]}, "finite"),
        ({"pT": [-1.0, 0.0]}, "non-negative"),
        ({"phi": [0.0]}, "one length"),
        ({"y_fm": []}, "non-empty"),
        ({"mass": 0.0}, "mass"),
    ],
)
def test_bad_paths_are_refused(changes, word):
    good = {name: [0.0, 0.0] for name in ("x_fm", "y_fm", "pT", "phi", "replicate")}
    with pytest.raises(InputError, match=word):
        Paths(**(good | changes))
