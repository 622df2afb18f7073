"""Antithetic sets of directions: what cancels exactly, what is kept, and errors that are true."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import qmc, t

from qtraj.errors import InputError
from qtraj.hydro import MEAN_MASS, PlaneDensity, sample_paths
from qtraj.hydro.sampling import inverse_pT
from qtraj.observables.bins import Bins
from qtraj.observables.feeddown import FeedDown
from qtraj.observables.observable import vn_curve
from qtraj.observables.table import SurvivalTable

ELLIPSE = PlaneDensity(lambda x, y: np.exp(-(x**2) / 4 - y**2 / 8), 15.0)
BARE = FeedDown.named("group", errors=False)
ALL = Bins("integrated")
SCALE = np.array([0.5, 0.3, 0.25, 0.1, 0.2, 0.1])
SETS = [2, 4, 8]


def draw(directions, n=32, b_fm=6.0, **options):
    return sample_paths(ELLIPSE, b_fm, n, directions=directions, **options)


def flow(survival, paths, bins=ALL, **options):
    table = SurvivalTable(np.outer(survival, SCALE), paths.replicate, pT=paths.pT, phi=paths.phi)
    return vn_curve(table, bins, BARE, **options)["Y(1S)"]


@pytest.mark.parametrize("directions", SETS)
def test_a_set_shares_all_but_the_direction(directions):
    paths = draw(directions)
    for values in (paths.x_fm, paths.y_fm, paths.pT, paths.replicate):
        assert np.all(np.ptp(values.reshape(-1, directions), axis=1) == 0)
    assert len(np.unique(np.round(paths.phi, 12))) == len(paths)
    orders = [2] if directions == 2 else range(1, directions)
    for k in orders:
        sums = np.exp(1j * k * paths.phi.reshape(-1, directions)).sum(axis=1)
        np.testing.assert_allclose(sums, 0, atol=1e-13)  # rounding of angles up to 2 pi


@pytest.mark.parametrize("directions", [4, 8])
def test_angles_all_around_fill_the_circle_evenly(directions):
    paths = draw(directions, n=64, replicates=3)
    for k in range(3):
        phi = paths.phi[paths.replicate == k]
        np.testing.assert_array_equal(np.sort(np.floor(phi / (2 * np.pi) * 64)), np.arange(64))


def test_one_direction_is_the_plain_sequence():
    """The paths of earlier versions: Owen scrambling with the children of the seed, one angle per point."""
    paths = sample_paths(ELLIPSE, 6.0, 16, replicates=2, seed=3)
    for k, child in enumerate(np.random.SeedSequence(3).spawn(2)):
        u = qmc.Sobol(4, rng=np.random.default_rng(child)).random(16)
        mine = paths.replicate == k
        np.testing.assert_array_equal(paths.phi[mine], 2 * np.pi * u[:, 3])
        np.testing.assert_array_equal(paths.pT[mine], inverse_pT(u[:, 2], 30.0, MEAN_MASS))


@settings(max_examples=40)
@given(st.sampled_from([1, *SETS]), st.sampled_from(["common", "own"]), st.data())
def test_any_range_is_drawn_on_its_own(directions, scrambling, data):
    options = {"replicates": 3, "seed": 2, "scrambling": scrambling}
    start = data.draw(st.integers(0, 47))
    stop = data.draw(st.integers(start + 1, 48))
    every, some = draw(directions, 16, **options), draw(directions, 16, start=start, stop=stop, **options)
    for name in ("x_fm", "y_fm", "pT", "phi", "replicate"):
        np.testing.assert_array_equal(getattr(some, name), getattr(every, name)[start:stop])


def test_impact_parameters_share_their_points_or_have_their_own():
    common, own = (
        [draw(4, b_fm=b, scrambling=scrambling) for b in (6.0, 9.2)] for scrambling in ("common", "own")
    )
    np.testing.assert_array_equal(common[0].phi, common[1].phi)
    np.testing.assert_array_equal(common[0].pT, common[1].pT)
    assert not np.any(own[0].phi == own[1].phi)
    first = draw(4, scrambling="own", first_replicate=8)
    assert not np.any(first.phi == own[0].phi)


@settings(max_examples=20)
@given(st.sampled_from(SETS), st.sampled_from(["isotropic", "as_sampled"]), st.integers(0, 10**6))
def test_survival_equal_in_all_directions_makes_no_flow_at_all(directions, production, seed):
    paths = draw(directions, replicates=4, seed=seed)
    survival = np.exp(-0.1 * paths.x_fm**2 - 0.2 * paths.y_fm**2 - 0.05 * paths.pT)
    for bins in (ALL, Bins("pT_GeV", [(0, 5), (5, 30)])):
        for n in [2] if directions == 2 else range(1, min(directions, 5)):
            estimate = flow(survival, paths, bins, n=n, production=production)
            # rounding; a value of its own would be 0.01 on so few paths
            np.testing.assert_allclose(estimate.value, 0, atol=1e-13)
            np.testing.assert_allclose(estimate.parts["paths"], 0, atol=1e-13)


def test_eight_directions_give_a_known_flow_exactly():
    paths = draw(8, n=8, replicates=2)
    survival = np.exp(-0.1 * paths.x_fm**2 - 0.05 * paths.pT) * (1 + 2 * 0.07 * np.cos(2 * paths.phi))
    # cos 2 phi and cos 4 phi both vanish on each set, so even 16 paths give it
    assert flow(survival, paths).value[0] == pytest.approx(0.07, abs=1e-14)


def inward_outward(paths, v=0.07):
    """Pairs that move inwards lose more: <S cos 2 phi> of this term is zero, so that v_2 = v for every density."""
    even = np.exp(-0.05 * (paths.x_fm**2 + paths.y_fm**2) - 0.03 * paths.pT) * (
        1 + 2 * v * np.cos(2 * paths.phi)
    )
    return even + 0.15 * (paths.x_fm * np.cos(paths.phi) + paths.y_fm * np.sin(paths.phi))


def estimates(directions, seeds, n=32):
    found = []
    for seed in seeds:
        paths = draw(directions, n, seed=seed)
        estimate = flow(inward_outward(paths), paths)
        found.append((estimate.value[0], estimate.parts["paths"][0]))
    return np.array(found).T


def test_sets_take_the_noise_of_isotropic_and_inward_survival_away():
    spread = {m: estimates(m, range(20), n=16)[0].std(ddof=1) for m in (1, 4)}
    # each is known to 16 % from 20 seeds; four directions cancel all but 2 v <cos 4 phi>
    assert spread[4] < 0.25 * spread[1]


@pytest.mark.parametrize("directions", [2, 4])
def test_the_stated_errors_are_true(directions):
    value, error = estimates(directions, range(100), n=16)
    outside = np.count_nonzero(np.abs(value - 0.07) > t.ppf(0.975, 7) * error)
    # 5 % of 100 if the errors are those of Student's t with 7 degrees; 15 or more by chance: 1.4e-4
    assert outside < 15


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"directions": 3}, "`directions` must be one of 1, 2, 4, 8"),
        ({"directions": 8, "n": 4}, "`directions` must be at most n"),
        ({"directions": 1, "scrambling": "none"}, "`scrambling` must be one of common, own"),
        ({"directions": 1, "scrambling": "own", "b_fm": -1.0}, "`b_fm` must be"),
    ],
)
def test_impossible_sets_are_refused(options, words):
    with pytest.raises(InputError, match=words):
        draw(**options)
