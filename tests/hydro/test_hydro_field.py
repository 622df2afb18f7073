"""Hydro: validation and interpolation."""

import numpy as np
import pytest
from hydro_files import ETA, TAU, X, Y, field, grid_T, small_hydro
from hypothesis import given
from hypothesis import strategies as st

from qtraj.errors import InputError
from qtraj.hydro import Hydro, begin_earlier, event_plane

inside_x = st.floats(X[0], X[-1])
inside_y = st.floats(Y[0], Y[-1])


@given(inside_x, inside_y, st.integers(0, 2))
def test_linear_fields_are_reproduced_at_the_frames(x, y, frame):
    got = small_hydro().temperature_at_frames(frame, x, y)
    # bilinear interpolation is exact for a field linear in x and y; grid positions are snapped within 1e-6
    # of a cell, a change of 1e-8 GeV here
    assert got == pytest.approx(field(TAU[frame], x, y), abs=2e-8)


@given(st.floats(TAU[0], TAU[-1]))
def test_bjorken_flow_is_reproduced_between_the_frames(tau):
    # a field uniform in space, T ~ tau^(-1/3), is a straight line in (ln tau, ln T)
    hydro = small_hydro(T=np.broadcast_to(field(TAU, 0, 0)[:, None, None], (3, 5, 4)))
    assert hydro.temperature(tau, 0.3, 0.1) == pytest.approx(field(tau, 0, 0), rel=1e-12)


def test_three_dimensional_runs_are_trilinear():
    hydro = small_hydro(T=grid_T(ETA), eta=ETA)
    assert hydro.temperature(0.9, -0.3, 0.7, 0.2) == pytest.approx(field(0.9, -0.3, 0.7, 0.2), abs=1e-12)
    assert hydro.temperature(0.9, 0.4, 0.1) == pytest.approx(field(0.9, 0.4, 0.1, 0.0), abs=1e-12)


def test_second_order_in_the_spacing():
    def largest_error(n):
        axis = np.linspace(-2, 2, n)
        T = 0.3 * np.exp(-(axis[:, None] ** 2 + 2 * axis**2) / 10)
        hydro = Hydro([0.6, 0.9], axis, axis, np.stack([T, T]))
        x, y = np.meshgrid(np.linspace(-1.9, 1.9, 101), np.linspace(-1.9, 1.9, 101))
        return np.abs(hydro.temperature_at_frames(0, x, y) - 0.3 * np.exp(-(x**2 + 2 * y**2) / 10)).max()

    order = np.log2(largest_error(17) / largest_error(33))
    assert order == pytest.approx(2.0, abs=0.15)  # bilinear; next order changes it by O(h^2) ~ 5 %


def test_never_interpolates_across_the_edge_of_stored_cells():
    T = grid_T()
    T[:, 3, 2] = np.nan  # x = 0.5, y = 0.5
    hydro = small_hydro(T=T)
    for x, y in ((0.3, 0.3), (0.7, 0.3), (0.3, 0.7), (0.7, 0.7), (0.5, 0.5), (0.5, 0.49)):
        assert np.isnan(hydro.temperature(0.7, x, y)), (x, y)
    # on the line between two stored corners the missing ones have no weight
    assert hydro.temperature(0.9, 0.25, 0.0) == pytest.approx(field(0.9, 0.25, 0.0), abs=1e-12)
    assert hydro.temperature(0.9, 0.0, 0.5) == pytest.approx(field(0.9, 0.0, 0.5), abs=1e-12)


def test_a_frame_without_the_cell_ends_the_field_there():
    T = grid_T()
    T[2] = np.nan
    hydro = small_hydro(T=T)
    assert hydro.temperature(0.9, 0.1, 0.1) == pytest.approx(field(0.9, 0.1, 0.1), abs=1e-12)
    assert np.isnan(hydro.temperature(0.91, 0.1, 0.1))


@pytest.mark.parametrize(
    "place", [(0.59, 0, 0), (1.21, 0, 0), (0.7, -1.01, 0), (0.7, 1.01, 0), (0.7, 0, 1.01)]
)
def test_nan_outside_of_the_run(place):
    assert np.isnan(small_hydro().temperature(*place))


def test_largest_corner_bounds_what_is_cut_away():
    T = grid_T()
    T[:, 3, 2] = np.nan
    hydro = small_hydro(T=T)
    corner = hydro.largest_corner(0, 0.7, 0.7)
    assert corner == pytest.approx(field(TAU[0], 1.0, 1.0))
    assert np.isnan(hydro.largest_corner(0, 5.0, 0.0))


def test_arguments_broadcast_and_floor_is_the_smallest_stored():
    hydro = small_hydro()
    assert hydro.temperature(TAU[:, None], X[None, :], 0.0).shape == (3, 5)
    assert hydro.T_floor == grid_T().min()


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"tau_fm": TAU[::-1]}, "increasing"),
        ({"tau_fm": [0.6, 0.6, 0.9]}, "increasing"),
        ({"tau_fm": TAU[:1], "T": grid_T()[:1]}, "at least 2"),
        ({"tau_fm": [0.0, 0.3, 0.6]}, "positive proper time"),
        ({"tau_fm": TAU / 0.1973269804}, "GeV\\^-1"),
        ({"tau_fm": [0.6, np.nan, 1.2]}, "finite"),
        ({"x_fm": X[::-1]}, "increasing"),
        ({"x_fm": [-1, -0.5, 0, 0.5, 2.0]}, "one spacing"),
        ({"y_fm": Y[:3]}, "shape"),
        ({"T": grid_T() * 1000}, "MeV"),
        ({"T": -grid_T()}, "positive"),
        ({"T": grid_T() * 0}, "positive"),
        ({"T": grid_T() * np.nan}, "at least one"),
        ({"T": np.where(grid_T() > 0.3, np.inf, grid_T())}, "finite"),
        ({"vx": np.zeros((3, 5, 3))}, "shape"),
        ({"vx": np.full((3, 5, 4), 1.5)}, "units of c"),
    ],
)
def test_bad_fields_are_refused(changes, word):
    with pytest.raises(InputError, match=word):
        small_hydro(**changes)


@pytest.mark.parametrize("eta", [None, np.array([-1.0, 0.5, 2.0])])
@pytest.mark.parametrize(("law", "power"), [("constant", 0.0), ("bjorken", 1 / 3), ("free_streaming", 1 / 4)])
def test_a_field_that_begins_earlier_follows_its_law(eta, law, power):
    """T0(x, y, eta) (tau0/tau)^power from 0.6 fm/c, begun at 0.15 fm/c, is that law from 0.15 fm/c on, at any time."""
    x, y, tau = np.linspace(-2, 2, 5), np.linspace(-1, 2, 4), np.array([0.6, 0.9, 1.5])
    space = (x, y) if eta is None else (x, y, eta)

    def law_of(t, *place):
        x, y, e = (*place, 0.0)[:3]
        return (0.4 + 0.02 * x - 0.03 * y + 0.01 * e * x) * (0.6 / t) ** power

    T = law_of(*np.meshgrid(tau, *space, indexing="ij"))
    hydro = begin_earlier(Hydro(tau, x, y, T, eta), law, 0.15)
    rng = np.random.default_rng(3)
    place = [rng.uniform(a[0], a[-1], 100) for a in space]
    t = rng.uniform(0.15, 1.5, 100)
    np.testing.assert_allclose(hydro.temperature(t, *place), law_of(t, *place), rtol=1e-12)
    assert hydro.tau_fm[0] == pytest.approx(0.15)
    np.testing.assert_array_equal(hydro.tau_fm[-3:], tau)
    np.testing.assert_array_equal(hydro.T[-3:], T)


@pytest.mark.parametrize(
    ("law", "from_fm", "word"),
    [
        ("none", 0.2, "leave it out"),
        ("bjorken", 0.6, "before the first frame"),
        ("bjorken", 0.0, "above 0"),
        ("bjorken", 1e-5, "5"),
    ],
)
def test_early_media_that_make_no_sense_are_refused(law, from_fm, word):
    T = np.full((2, 3, 3), 0.4)
    hydro = Hydro([0.6, 0.9], [-1.0, 0.0, 1.0], [-1.0, 0.0, 1.0], T)
    with pytest.raises(InputError, match=word):
        begin_earlier(hydro, law, from_fm)


@pytest.mark.parametrize("n", [2, 3, 4])
@pytest.mark.parametrize("angle", [-0.6, 0.0, 0.25])
def test_the_event_plane_is_where_the_density_is_short(n, angle):
    """Entropy exp(-r^2 (1 + e cos n(phi - angle))/6) about a point off the center: shortest at `angle`."""
    x = np.linspace(-12, 12, 161)
    z = x[:, None] - 0.7 + 1j * (x + 0.4)
    density = np.exp(-(np.abs(z) ** 2) * (1 + 0.2 * np.cos(n * (np.angle(z) - angle))) / 6)
    hydro = Hydro([0.6, 0.9], x, x, np.stack([0.4 * density ** (1 / 3)] * 2))
    # of odd harmonics the center of weight is not quite the point
    assert event_plane(hydro, n) == pytest.approx(angle, abs=1e-6 if n != 3 else 1e-3)
    stacked = Hydro([0.6, 0.9], x, x, hydro.T[..., None] * np.array([0.5, 1.0, 0.9]), eta=[-1.0, 0.0, 1.0])
    assert event_plane(stacked, n) == pytest.approx(event_plane(hydro, n), abs=1e-12)
