"""Paths at any rapidity through a 3+1D run, and whose proper time their histories are in."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import qmc

import qtraj as qt
from qtraj.errors import InputError
from qtraj.hydro import (
    PB208,
    Hydro,
    OpticalGlauber,
    Paths,
    PlaneDensity,
    histories_along,
    load_shipped,
    sample_paths,
)
from qtraj.hydro.sampling import CDF_ERROR, GROUP_LIMIT, inverse_rapidity

TAU = np.array([0.6, 1.0, 1.7, 2.9, 5.0])
X, Y, ETA = np.linspace(-9, 8, 69), np.linspace(-8, 9, 86), np.linspace(-5, 5.5, 43)
ROUND = PlaneDensity(lambda x, y: np.exp(-(x**2 + y**2) / 8), 12.0)


def field(tau, x, y, eta):
    """A fireball that lies askew: no reflection in x, y or eta leaves it as it is."""
    place = np.exp(-((x - 0.8) ** 2) / 60 - (y + 0.5) ** 2 / 45 - (eta - 0.4) ** 2 / 18)
    return 0.5 * (0.6 / tau) ** (1 / 3) * place * (1 + 0.01 * x * eta)


def hydro_of(T_of=field, eta=ETA, **options):
    axes = np.meshgrid(TAU, X, Y, eta, indexing="ij")
    return Hydro(TAU, X, Y, T_of(*axes), eta=eta, **options)


def random_paths(n=10_000, y=5.0, seed=2, **options):
    rng = np.random.default_rng(seed)
    x0, y0 = rng.uniform(-3, 3, (2, n))
    pT, phi = rng.uniform(0, 20, n), rng.uniform(0, 2 * np.pi, n)
    return Paths(x0, y0, pT, phi, np.zeros(n, int), rapidity=rng.uniform(-y, y, n), **options)


def straight_line(hydro, paths):
    """Return x, y and eta of each path when its own clock, the lab time t, shows tau at the place where it is."""
    m_T = np.hypot(paths.pT, paths.mass)[:, None]
    y = paths.rapidity[:, None]
    t = hydro.tau_fm * np.cosh(y)
    distance = paths.pT[:, None] / (m_T * np.cosh(y)) * t
    z = t * np.tanh(y)
    assert np.allclose(np.sqrt(t**2 - z**2), hydro.tau_fm)
    place = [
        c[:, None] + distance * f(paths.phi)[:, None] for c, f in ((paths.x_fm, np.cos), (paths.y_fm, np.sin))
    ]
    return *place, np.arctanh(z / t)


def test_the_temperature_is_that_of_the_field_where_the_pair_is():
    hydro, paths = hydro_of(), random_paths()
    T = histories_along(hydro, paths, 0.15, allow_hot_end=True).T
    exact = field(hydro.tau_fm, *straight_line(hydro, paths))
    # trilinear interpolation is off by at most sum_i h_i^2/8 max|d_i^2 T|; second differences are h_i^2 d_i^2 T, and
    # between the lines of this grid their maximum is less than a factor 1 + h_i larger
    grid = np.meshgrid(TAU, X, Y, ETA, indexing="ij")
    bound = 0.0
    for axis, lines in ((1, X), (2, Y), (3, ETA)):
        bound += np.abs(np.diff(field(*grid), 2, axis=axis)).max() / 8 * (1 + lines[1] - lines[0])
    assert 5e-5 < bound < 1e-3  # GeV
    assert np.abs(T - exact).max() < bound
    # the test sees the signs: at -eta, or with x and y exchanged, the field is another
    x, y, eta = straight_line(hydro, paths)
    for wrong in ((x, y, -eta), (y, x, eta), (-x, y, eta)):
        assert np.abs(T - field(hydro.tau_fm, *wrong)).max() > 100 * bound


def test_all_axes_are_read_as_a_loop_over_corners_reads_them():
    """The scalar law, written out, on a field with holes, at points on grid lines and at both ends of every axis."""
    rng = np.random.default_rng(4)
    hydro = hydro_of()
    T = np.where(rng.random(hydro.T.shape) < 0.02, np.nan, hydro.T)
    T[:, :, :, :3] = np.nan  # nothing stored far backward, as a file with a cut has it
    hydro = Hydro(TAU, X, Y, T, eta=ETA)
    n = 2000
    at = [rng.uniform(axis[0] - 0.2, axis[-1] + 0.2, n) for axis in (X, Y, ETA)]
    for values, axis in zip(at, (X, Y, ETA), strict=True):
        values[:: rng.integers(3, 6)] = rng.choice(axis, len(values[:: rng.integers(3, 6)]))[0]
        values[::50], values[1::50] = axis[0], axis[-1]
    frames = rng.integers(0, len(TAU), n)

    def scalar(frame, place):
        cells = []
        for axis, value in zip((X, Y, ETA), place, strict=True):
            position = (value - axis[0]) / (axis[1] - axis[0])
            position = round(position) if abs(position - round(position)) < 1e-6 else position
            if not 0 <= position <= len(axis) - 1:
                return np.nan
            low = min(int(position), len(axis) - 2)
            cells.append((low, position - low))
        total = 0.0
        for corner in np.ndindex(2, 2, 2):
            weight = np.prod([f if up else 1 - f for up, (_, f) in zip(corner, cells, strict=True)])
            if weight > 0:
                total += weight * T[(frame, *(low + up for up, (low, _) in zip(corner, cells, strict=True)))]
        return total

    expected = np.array([scalar(f, place) for f, place in zip(frames, np.transpose(at), strict=True)])
    read = hydro.temperature_at_frames(frames, *at)
    np.testing.assert_array_equal(np.isnan(read), np.isnan(expected))
    assert 0.3 < np.isfinite(read).mean() < 0.95
    assert {True, False} == set((at[2] > 0)[np.isfinite(read)].tolist())  # on both sides of mid-rapidity
    np.testing.assert_allclose(read, expected, rtol=1e-13)
    one = [hydro.temperature_at_frames(int(f), *place) for f, *place in zip(frames, *at, strict=True)]
    np.testing.assert_array_equal(np.array(one), read)


def test_without_dependence_on_rapidity_a_3_1D_run_is_the_2_1D_run_bit_for_bit():
    rng = np.random.default_rng(0)
    flat = Hydro(TAU, X, Y, rng.uniform(0.2, 0.5, (len(TAU), len(X), len(Y))))
    whole = Hydro(TAU, X, Y, np.repeat(flat.T[..., None], len(ETA), axis=3), eta=ETA)
    paths = random_paths(2000)
    of_whole, of_flat = (histories_along(h, paths, 0.25, allow_hot_end=True) for h in (whole, flat))
    np.testing.assert_array_equal(of_whole.T, of_flat.T)
    assert "mid-rapidity" in of_flat.attrs["medium"]  # what such a run assumes is said
    assert "medium" not in of_whole.attrs
    central = histories_along(flat, random_paths(5, y=0.0), 0.25, allow_hot_end=True)
    assert "medium" not in central.attrs


def test_reflection_of_the_run_and_of_the_paths_changes_nothing():
    hydro, paths = hydro_of(eta=np.linspace(-5, 5, 41)), random_paths()
    there = Hydro(TAU, X, Y, hydro.T[..., ::-1], eta=hydro.eta)
    other = Paths(paths.x_fm, paths.y_fm, paths.pT, paths.phi, paths.replicate, rapidity=-paths.rapidity)
    T, mirrored = (
        histories_along(h, p, 0.15, allow_hot_end=True).T for h, p in ((hydro, paths), (there, other))
    )
    np.testing.assert_allclose(mirrored, T, rtol=1e-13)
    assert np.abs(histories_along(hydro, other, 0.15, allow_hot_end=True).T / T - 1).max() > 0.1


def test_a_rapidity_outside_the_run_is_named_with_what_to_do():
    hydro = hydro_of(attrs={"source": "askew"})
    paths = Paths([0.0] * 3, [0.0] * 3, [1.0] * 3, [0.0] * 3, [0] * 3, rapidity=[0.0, -5.5, 1.0])
    with pytest.raises(
        InputError, match=r"within the rapidities of askew, -5 to 5\.5, but is -5\.5.*range inside"
    ):
        histories_along(hydro, paths, 0.15)
    half = hydro_of(eta=np.linspace(0, 5, 21))
    with pytest.raises(InputError, match="mirror = 'z'"):
        histories_along(half, paths, 0.15)
    whole = half.mirrored("z")
    assert len(histories_along(whole, random_paths(4), 0.15, allow_hot_end=True)) == 4


def test_rapidities_are_one_number_or_one_for_each_path():
    five = ([0.0] * 5, [0.0] * 5, [1.0] * 5, [0.0] * 5, [0] * 5)
    np.testing.assert_array_equal(Paths(*five, rapidity=1.5).rapidity, np.full(5, 1.5))
    np.testing.assert_array_equal(Paths(*five).rapidity, np.zeros(5))
    for wrong in ([1.0, 2.0], np.inf, [[1.0] * 5]):
        with pytest.raises(InputError, match="rapidity"):
            Paths(*five, rapidity=wrong)
    histories = histories_along(
        hydro_of(), Paths(*five, rapidity=np.arange(5) - 2.0), 0.15, allow_hot_end=True
    )
    np.testing.assert_array_equal(histories.metadata["y"], np.arange(5) - 2.0)
    assert "rapidity -2 to 2" in histories.attrs["path"]


# the clock


def test_the_clock_of_the_pair_is_that_of_the_hydro_times_M_over_m_T():
    hydro, paths = hydro_of(), random_paths(50, mass=10.0)
    hydro_time, pair_time = (
        histories_along(hydro, paths, 0.25, allow_hot_end=True, clock=clock) for clock in ("hydro", "pair")
    )
    np.testing.assert_array_equal(pair_time.T, hydro_time.T)
    slower = 10.0 / np.hypot(10.0, paths.pT)
    np.testing.assert_allclose(pair_time.tau_fm, slower[:, None] * TAU, rtol=1e-15)
    for i in range(50):
        if not hydro_time[i].active:  # far forward and cold
            assert not pair_time[i].active
            continue
        (a,), (b,) = hydro_time[i].active, pair_time[i].active
        np.testing.assert_allclose(b, slower[i] * np.array(a), rtol=1e-12)
        t = np.linspace(*a, 20)[1:-1]
        # a table in (ln tau, ln T): a factor on all times moves the interpolant as a whole
        np.testing.assert_allclose(
            pair_time[i].temperature(slower[i] * t), hydro_time[i].temperature(t), rtol=1e-12
        )
    assert sum(bool(history.active) for history in hydro_time) > 20
    assert "proper time of the pair" in pair_time.attrs["clock"]
    assert "hydro" in hydro_time.attrs["clock"]
    part = pair_time[10:20]
    np.testing.assert_array_equal(part[3].tau_fm, pair_time[13].tau_fm)


def test_without_transverse_momentum_both_clocks_agree_and_with_it_more_pairs_survive():
    hydro = hydro_of()
    paths = Paths([0.5] * 3, [0.0] * 3, [0.0, 5.0, 15.0], [0.3] * 3, [0] * 3, rapidity=[-1.0, 0.0, 2.0])
    S = {
        clock: qt.solve(
            qt.LindbladModel(),
            histories_along(hydro, paths, 0.25, allow_hot_end=True, clock=clock),
            qt.GaussianState(),
            qt.NoJump(error_budget=False),
        )
        .survival["1S"]
        .value
        for clock in ("hydro", "pair")
    }
    assert S["pair"][0] == S["hydro"][0]
    assert np.all(S["pair"][1:] > S["hydro"][1:])  # the same heat for a shorter time


def test_own_times_of_each_history_are_checked():
    T = np.full((2, 3), 0.3)
    with pytest.raises(InputError, match=r"increase strictly \(entries 1, 2 of row 1\)"):
        qt.Histories([[0.6, 1.0, 2.0], [0.6, 1.0, 1.0]], T, 0.25, allow_hot_end=True)
    with pytest.raises(InputError, match="above 0"):
        qt.Histories([[0.6, 1.0, 2.0], [-0.6, 1.0, 2.0]], T, 0.25, allow_hot_end=True)
    with pytest.raises(InputError, match=r"history 1 is 0\.3 GeV, at 3 fm/c"):
        qt.Histories([[0.6, 1.0, 2.0], [0.6, 1.0, 3.0]], [[0.3, 0.3, 0.2], [0.3] * 3], 0.25)
    with pytest.raises(InputError, match="'hydro' or 'pair'"):
        histories_along(hydro_of(), random_paths(3), 0.15, clock="lab")


# the distribution


def density_of_the_group(y):
    return np.maximum(1 - 2 * np.sqrt(9.46**2 + 5**2) / 5023 * np.cosh(y), 0) ** 13.8


TABLE = [[-3.0, 0.0], [-1.0, 2.0], [0.5, 2.0], [2.0, 0.5], [4.0, 0.0]]
DENSITIES = {
    "group": ("group", density_of_the_group, GROUP_LIMIT),
    "uniform": ((-2.0, 3.5), lambda y: np.where((y > -2) & (y < 3.5), 1.0, 0.0), 6.0),
    "table": (TABLE, lambda y: np.interp(y, *np.transpose(TABLE), left=0, right=0), 6.0),
}


@pytest.mark.parametrize("name", DENSITIES)
def test_rapidities_follow_their_density(name):
    rapidity, density, end = DENSITIES[name]
    edges = sorted({-3.0, -2.0, -1.0, 0.5, 2.0, 3.5, 4.0, -end, end})

    def below(y):
        parts = [e for e in edges if e < y] + [y]
        return sum(quad(density, a, b, epsabs=1e-13)[0] for a, b in pairwise(parts))

    u = np.array([1e-6, 0.01, 0.2, 0.5, 0.77, 0.999])
    at = inverse_rapidity(u, rapidity)
    np.testing.assert_allclose([below(y) / below(end) for y in at], u, atol=CDF_ERROR)
    paths = sample_paths(ROUND, 0.0, 64, replicates=3, seed=5, rapidity=rapidity)
    for k in range(3):  # a scrambled net: one rapidity in each of 64 intervals of one probability
        part = np.array([below(y) / below(end) for y in paths.rapidity[paths.replicate == k]])
        np.testing.assert_array_equal(np.sort(np.floor(64 * part)), np.arange(64))


def test_the_end_of_the_groups_distribution_is_its_kinematic_limit():
    assert np.cosh(GROUP_LIMIT) * 2 * np.sqrt(9.46**2 + 25) == pytest.approx(5023)
    ends = inverse_rapidity([0.0, 1.0], "group")
    np.testing.assert_allclose(ends, [-GROUP_LIMIT, GROUP_LIMIT], atol=0.15)  # (1 - x)^13.8 is flat there


def test_one_rapidity_for_all_leaves_the_points_as_they_were():
    plain = sample_paths(ROUND, 0.0, 32, seed=9)
    for y in (0.0, -1.5):
        same = sample_paths(ROUND, 0.0, 32, seed=9, rapidity=y)
        for name in ("x_fm", "y_fm", "pT", "phi", "replicate"):
            np.testing.assert_array_equal(getattr(same, name), getattr(plain, name))
        np.testing.assert_array_equal(same.rapidity, np.full(256, y))
    # and these are points in four dimensions, as before
    child = np.random.SeedSequence(9, spawn_key=(0,))
    engine = qmc.Sobol(4, scramble=True, rng=np.random.default_rng(child))
    np.testing.assert_allclose(plain.phi[:32], 2 * np.pi * engine.random(32)[:, 3], rtol=1e-15)


@pytest.mark.parametrize("options", [{}, {"directions": 4}, {"scrambling": "own"}])
def test_any_range_of_paths_is_drawn_as_among_all(options):
    whole = sample_paths(ROUND, 2.0, 16, replicates=3, rapidity="group", **options)
    part = sample_paths(ROUND, 2.0, 16, replicates=3, rapidity="group", start=13, stop=37, **options)
    for name in ("x_fm", "pT", "phi", "rapidity", "replicate"):
        np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[13:37])
    if "directions" in options:  # a set shares its rapidity
        assert np.all(np.ptp(whole.rapidity.reshape(-1, 4), axis=1) == 0)


def test_means_over_rapidity_and_place_agree_with_quadrature_within_their_error():
    n, replicates = 256, 16
    paths = sample_paths(ROUND, 0.0, n, replicates=replicates, seed=3, rapidity="group")
    norm = quad(density_of_the_group, -GROUP_LIMIT, GROUP_LIMIT)[0]
    y2 = quad(lambda y: y**2 * density_of_the_group(y), -GROUP_LIMIT, GROUP_LIMIT)[0] / norm
    for values, exact in (
        (paths.rapidity**2, y2),
        (paths.rapidity**2 * paths.x_fm**2, 4 * y2),
        (paths.rapidity, 0),
    ):
        means = np.reshape(values, (replicates, n)).mean(axis=1)
        # 4 sigma of Student's t with 15 degrees of freedom: chance of a false alarm 1e-3 a number, seed fixed
        assert abs(means.mean() - exact) < 4 * means.std(ddof=1) / 4


@pytest.mark.parametrize(
    "rapidity",
    ["pp", (2.0, 1.0), (0.0, 1.0, 2.0), [[0.0, 1.0]], [[0.0, 1.0], [0.0, 1.0]], [[0.0, -1.0], [1.0, 1.0]],
     [[0.0, 0.0], [1.0, 0.0]], np.nan, [[0.0, 1.0, 2.0]] * 2],
)  # fmt: skip
def test_what_is_no_distribution_is_refused(rapidity):
    with pytest.raises(InputError, match="rapidity"):
        sample_paths(OpticalGlauber(PB208, 67.6), 6.0, 4, rapidity=rapidity)


def test_the_shipped_run_is_flat_on_its_plateau_and_even_and_falls_outside():
    """Its envelope is one for |eta_s| < 2.3; the fall-off reaches |eta_s| = 1 nowhere within the fireball's life."""
    hydro = load_shipped("PbPb5020-3d", 6.0)
    source = OpticalGlauber.from_attrs(hydro.attrs)

    def T(y):
        paths = sample_paths(source, 6.0, 128, replicates=2, seed=4, rapidity=y)
        return histories_along(hydro, paths, 0.2).T

    central = T(0.0)
    hot = central > 0.2
    for y in (0.5, 1.0):
        np.testing.assert_allclose(T(y)[hot], central[hot], rtol=2e-4)  # numbers are stored to 1.5e-5 GeV
    assert np.all(T(1.7)[hot] > 0.99 * central[hot])
    for y in (1.7, 3.3):
        np.testing.assert_allclose(T(-y), T(y), rtol=1e-12)
    # entropy density falls by exp(-(|y| - 2.3)^2/(2 1.6^2)), T at the start by about its third root
    fall = T(4.0)[:, 0] / central[:, 0]
    assert np.median(fall) == pytest.approx(np.exp(-(1.7**2) / (2 * 1.6**2) / 3), rel=0.05)
