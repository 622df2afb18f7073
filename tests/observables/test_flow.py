"""v_n of survivals whose flow is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import qmc

from qtraj.errors import InputError
from qtraj.observables.bins import Bins
from qtraj.observables.estimate import Estimate
from qtraj.observables.feeddown import MESON_NAMES, FeedDown
from qtraj.observables.observable import vn_curve
from qtraj.observables.table import SurvivalTable

GROUP = FeedDown.named("group")
ALL = Bins("integrated")
SCALE = np.array([0.5, 0.3, 0.25, 0.1, 0.2, 0.1])


def angles(n, replicates=8, seed=0):
    points = [qmc.Sobol(1, rng=np.random.default_rng([seed, r])).random(n)[:, 0] for r in range(replicates)]
    return 2 * np.pi * np.concatenate(points), np.repeat(np.arange(replicates), n)


def table(survival, phi, replicate, **columns):
    return SurvivalTable(survival, replicate, phi=phi, **columns)


def test_an_isotropic_medium_makes_no_flow():
    phi, replicate = angles(64)
    heat = np.random.default_rng(1).random((len(phi), 1))
    unequal = table(SCALE ** (1 + heat), phi, replicate)
    for estimate in vn_curve(unequal, ALL, GROUP).values.values():
        # four standard errors of eight replicates: t distribution of 7 degrees, 0.5 % for each meson
        assert abs(estimate.value[0]) < 4 * estimate.parts["paths"][0]
    equal = table(np.tile(SCALE, (len(phi), 1)), phi, replicate)
    for estimate in vn_curve(equal, ALL, GROUP).values.values():
        assert abs(estimate.value[0]) < 1e-15  # exact: what the sample has of its own is subtracted


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize("production", ["isotropic", "as_sampled"])
def test_the_flow_of_a_known_survival(n, production, measured):
    """S = s (1 + 2 a cos n phi) has v_n = a, whatever the feed-down does among states that share it."""
    phi = 2 * np.pi * (np.arange(256) + 0.3) / 256  # equidistant: sums of cosines are exact
    survival = SCALE * (1 + 2 * 0.08 * np.cos(n * phi))[:, None]
    curve = vn_curve(table(survival, phi, np.arange(256) % 4), ALL, GROUP, n=n, production=production)
    assert curve.observable == f"v{n}"
    if production == "isotropic":
        measured(f"v{n} of Y(1S) of S = s (1 + 0.16 cos {n} phi)", curve["Y(1S)"].value[0], 0.08, 1e-14)
    for estimate in curve.values.values():
        assert estimate.value[0] == pytest.approx(0.08, abs=1e-14)


def test_feeddown_mixes_the_flow_of_parents_by_their_yields():
    phi = 2 * np.pi * np.arange(128) / 128
    a = np.array([0.02, 0.05, 0.04, 0.1, 0.08, 0.0])
    survival = SCALE * (1 + 2 * a * np.cos(2 * phi)[:, None])
    curve = vn_curve(table(survival, phi, np.arange(128) % 4), ALL, GROUP)
    radial = [0, 1, 2, 2, 2, 3, 4, 4, 4]
    yields = GROUP.matrix * GROUP.sigma_direct * SCALE[radial]
    expected = yields @ a[radial] / yields.sum(axis=1)
    found = [curve[name].value[0] for name in MESON_NAMES]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@settings(max_examples=25)
@given(st.integers(0, 10**6))
def test_sampled_angles_give_the_flow_within_the_error(seed):
    phi, replicate = angles(32, seed=seed)
    survival = SCALE * (1 + 2 * 0.1 * np.cos(2 * phi))[:, None]
    estimate = vn_curve(table(survival, phi, replicate), ALL, GROUP)["Y(1S)"]
    # 8 replicates: |t| above 8 has a chance of 1e-4; 25 examples of it 0.2 %; 2e-5 for the second order in the noise
    assert abs(estimate.value[0] - 0.1) < 8 * estimate.parts["paths"][0] + 2e-5


def test_subtracting_the_known_isotropic_production_takes_noise_away():
    rng = np.random.default_rng(2)
    phi = 2 * np.pi * rng.random(2048)
    survival = SCALE * (1 + 2 * 0.05 * np.cos(2 * phi))[:, None]
    errors = {
        production: vn_curve(table(survival, phi, np.arange(2048)), ALL, GROUP, production=production)[
            "Y(1S)"
        ].parts["paths"][0]
        for production in ("isotropic", "as_sampled")
    }
    assert errors["as_sampled"] == pytest.approx(1 / np.sqrt(2 * 2048), rel=0.1)  # of <cos 2 phi>
    assert errors["isotropic"] < 0.15 * errors["as_sampled"]  # 2 v_2 and more


def test_a_common_relative_error_of_the_survival_makes_no_error_of_the_flow():
    phi = 2 * np.pi * np.arange(64) / 64
    survival = SCALE * (1 + 0.2 * np.cos(2 * phi))[:, None]
    common = table(Estimate(survival, {"mesh": 0.01 * survival}), phi, np.arange(64) % 4)
    assert vn_curve(common, ALL, GROUP)["Y(3S)"].parts["mesh"][0] < 1e-15


def test_flow_in_bins_of_momentum():
    phi, replicate = angles(256)
    pT = np.tile([1.0, 5.0], len(phi) // 2)
    survival = SCALE * (1 + 2 * np.where(pT < 2, 0.02, 0.1) * np.cos(2 * phi))[:, None]
    curve = vn_curve(table(survival, phi, replicate, pT=pT), Bins.edges("pT_GeV", [0, 3, 10]), GROUP)
    np.testing.assert_allclose(curve["Y(1S)"].value, [0.02, 0.1], atol=1e-3)  # 1000 Sobol angles in each bin


@pytest.mark.parametrize(
    ("arguments", "words"),
    [({"n": 0}, "`n`"), ({"n": 2.0}, "`n`"), ({"production": "flat"}, "`production`")],
)
def test_bad_arguments_are_refused(arguments, words):
    phi, replicate = angles(4)
    with pytest.raises(InputError, match=words):
        vn_curve(table(np.tile(SCALE, (len(phi), 1)), phi, replicate), ALL, GROUP, **arguments)


def test_a_table_without_angles_has_no_flow():
    with pytest.raises(InputError, match="lacks phi"):
        vn_curve(SurvivalTable(np.ones((4, 6)), np.arange(4)), ALL, GROUP)


@pytest.mark.parametrize("n", [1, 3, 5])
def test_odd_orders_vanish_where_the_collision_is_symmetric(n):
    """Equal nuclei: a path and its image turned by pi about the beam survive alike."""
    phi, replicate = angles(16)
    survival = np.exp(-np.outer(1 + 0.4 * np.cos(2 * phi) + 0.1 * np.cos(4 * phi), 1 / SCALE))
    both = table(np.tile(survival, (2, 1)), np.concatenate([phi, phi + np.pi]), np.tile(replicate, 2))
    odd, even = (vn_curve(both, ALL, GROUP, n=k)["Y(1S)"].value[0] for k in (n, 2))
    assert abs(odd) < 1e-14  # rounding
    assert even < -0.1
