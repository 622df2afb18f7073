"""Geometry tables against the published ones and the package's own Glauber model; weights of impact parameters."""

import csv
from importlib import resources

import numpy as np
import pytest

from qtraj.errors import InputError
from qtraj.hydro.glauber import PB208, PB208_GROUP, Nucleus, OpticalGlauber, ProtonNucleus, collision_geometry
from qtraj.observables.data.systems import load_system
from qtraj.observables.geometry import CollisionGeometry, coverage, geometric_weights, with_geometry
from qtraj.observables.table import SurvivalTable

PBPB = CollisionGeometry.named("PbPb5023")
AU197_GROUP = Nucleus(197, R_fm=6.369085, a_fm=0.535, rho0_fm3=0.17)


def class_means():
    path = resources.files("qtraj.data").joinpath("glauber/glauber_optical_bins.csv")
    for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines()):
        low, high = (float(word) / 100 for word in row["centrality"].rstrip("%").split("-"))
        if high <= 0.9:  # beyond, the class reaches past the table
            yield pytest.param(row, low, high, id=f"{row['system']} {row['centrality']}")


@pytest.mark.parametrize(
    ("name", "nucleus", "sigma"),
    [("PbPb5023", PB208_GROUP, 67.0), ("PbPb2760", PB208_GROUP, 62.0), ("AuAu200", AU197_GROUP, 42.0)],
)
def test_the_glauber_model_gives_the_published_tables(name, nucleus, sigma, measured):
    table = CollisionGeometry.named(name)
    ours = collision_geometry(OpticalGlauber(nucleus, sigma), 20.0, step_fm=0.5)
    at = ours.b_fm <= 15
    for what in ("n_part", "n_coll"):
        head_on = table.at(what, 0.0)
        measured(f"{what} of {name} at b = 0", getattr(ours, what)[0], head_on, 1e-3 * head_on)
    # the tables come from a grid of 0.09 fm; the goal is 0.5 %
    np.testing.assert_allclose(ours.n_part[at], table.at("n_part", ours.b_fm[at]), rtol=1e-3)
    np.testing.assert_allclose(ours.n_coll[at], table.at("n_coll", ours.b_fm[at]), rtol=1e-3)
    # trapezoids of 0.5 fm where P_inel falls from 1 to 0 within 3 fm: 5e-3 with 1 fm, a quarter of it here
    np.testing.assert_allclose(ours.centrality, table.at("centrality", ours.b_fm), atol=2e-3)


@pytest.mark.parametrize(("row", "low", "high"), [*class_means()])
def test_means_over_centrality_classes_are_the_published_ones(row, low, high):
    geometry = CollisionGeometry.named(row["system"])
    # 400 intervals of centrality, six digits in the tables
    assert geometry.class_mean("n_part", low, high) == pytest.approx(float(row["N_part_mean"]), rel=5e-4)
    if row["system"] == "PbPb2760":  # the group's 5.02 TeV list is that of another cross section
        assert geometry.class_mean("n_part", low, high) == pytest.approx(float(row["group_N_part"]), rel=5e-3)


def test_impact_parameter_and_centrality_are_inverse():
    b = np.linspace(0.5, 14, 28)
    np.testing.assert_allclose(PBPB.b_of(PBPB.at("centrality", b)), b, atol=2e-3)  # six digits of centrality


@pytest.mark.parametrize("name", ["OO5360", "pPb5020", "pPb8160"])
def test_tables_computed_here_are_those_of_their_systems(name):
    system = load_system(name)
    nucleus = Nucleus(**system.nucleus)
    kind = ProtonNucleus if system.projectile == "p" else OpticalGlauber
    collider = kind(nucleus, system.sigma_nn_mb)
    for b in (0.0, 2.0, 5.0):
        assert system.geometry.at("n_part", b) == pytest.approx(collider.n_part(b), rel=1e-5)  # six digits
        assert system.geometry.at("n_coll", b) == pytest.approx(collider.n_coll(b), rel=1e-5)


def test_a_proton_hits_the_nucleons_in_its_way():
    proton = ProtonNucleus(PB208, 67.6)
    assert proton.n_coll(0.0) == pytest.approx(6.76 * PB208.thickness(0.0), rel=1e-12)
    assert proton.n_part(0.0) == pytest.approx(1 + proton.n_coll(0.0), abs=2e-6)  # the proton surely hits
    # far outside: two participants for each of the rare collisions
    assert proton.n_part(13.0) == pytest.approx(2 * proton.n_coll(13.0), rel=1e-3)
    b = np.linspace(0, 20, 2001)
    collisions = [proton.n_coll(each) for each in b]
    # integral d^2b sigma T_A = sigma A; trapezoids of 0.01 fm
    assert np.trapezoid(2 * np.pi * b * collisions, b) == pytest.approx(6.76 * 208, rel=1e-4)


def test_oxygen_has_a_depression_in_the_middle_and_sixteen_nucleons():
    oxygen = Nucleus(16, R_fm=2.608, a_fm=0.513, w=-0.051)
    r = np.linspace(0, oxygen.extent_fm, 4001)
    assert np.trapezoid(2 * np.pi * r * oxygen.thickness(r), r) == pytest.approx(16, rel=5e-5)
    flat = Nucleus(16, R_fm=2.608, a_fm=0.513)
    assert oxygen.rho0 > flat.rho0  # what is missing outside sits inside
    with pytest.raises(InputError, match="`w`"):
        Nucleus(16, 2.608, 0.513, w=-0.5)


def rows(b_fm, survival, **columns):
    n = len(b_fm)
    return SurvivalTable(np.tile(survival, (6, 1)).T, np.arange(n) % 2, b_fm=b_fm, **columns)


def test_the_weights_integrate_a_survival_linear_in_centrality():
    b = np.array([0.0, 2.3, 6.0, 9.2, 11.6, 20.0])
    c = PBPB.at("centrality", b)
    weights = geometric_weights(b, PBPB)
    fine = PBPB.centrality
    expected = np.trapezoid(fine * PBPB.n_coll, fine) / np.trapezoid(PBPB.n_coll, fine)
    assert weights.sum() == pytest.approx(1, rel=1e-14)
    # the table's trapezoids for both; its points interpolated to 1e-5
    assert weights @ c == pytest.approx(expected, rel=1e-5)
    # the group's weight: mean centrality of exp(-c/0.25) on 0 to 1, in closed form
    closed = 0.25 - np.exp(-4) / (1 - np.exp(-4))
    # trapezoids between the points of the table, which are up to 1 % of centrality apart
    assert geometric_weights(b, PBPB, "exponential") @ c == pytest.approx(closed, rel=1e-3)


def test_every_impact_parameter_gets_its_share_whatever_its_rows_weigh():
    b = np.repeat([2.3, 6.0, 9.2, 11.6], [4, 8, 2, 6])
    given = np.arange(1.0, 21.0)
    table = with_geometry(rows(b, np.zeros(20), weight=given), PBPB)
    shares = [table.weight[b == each].sum() for each in (2.3, 6.0, 9.2, 11.6)]
    np.testing.assert_allclose(shares, geometric_weights([2.3, 6.0, 9.2, 11.6], PBPB), rtol=1e-12)
    np.testing.assert_allclose(table.weight[b == 9.2] / table.weight[b == 9.2][0], given[12:14] / given[12])
    assert table.n_part[0] == pytest.approx(PBPB.at("n_part", 2.3))
    assert table.centrality_pct[0] == pytest.approx(
        np.pi * 2.3**2 / 763.09 * 100, rel=1e-3
    )  # disc over cross section
    kept = with_geometry(rows(b, np.zeros(20), weight=given, n_part=given), PBPB, None)
    np.testing.assert_array_equal(kept.weight, given)
    np.testing.assert_array_equal(kept.n_part, given)  # the hydro's own


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (
            lambda: CollisionGeometry.named("XeXe"),
            "be one of AuAu200, OO5360, PbPb2760, PbPb5023, pPb5020, pPb8160",
        ),
        (lambda: PBPB.at("n_part", 21.0), "between 0 and 20 fm"),
        (lambda: PBPB.b_of(1.2), "`centrality`"),
        (lambda: PBPB.class_mean("n_part", 10, 20), "fractions"),
        (lambda: with_geometry(rows(np.array([1.0, 2.0]), np.ones(2)), PBPB, "flat"), "`weighting`"),
        (lambda: with_geometry(SurvivalTable(np.ones((2, 6)), np.arange(2)), PBPB), "lacks b_fm"),
        (lambda: CollisionGeometry([0, 1], [0, 0.5], [2, 1], [1]), "`n_coll`"),
        (lambda: CollisionGeometry([1, 2], [0, 0.5], [2, 1], [1, 0]), "`b_fm` must increase from 0"),
        (lambda: CollisionGeometry([0, 1], [0.5, 0.2], [2, 1], [1, 0]), "`centrality` must rise"),
        (lambda: ProtonNucleus(PB208, 0.07), "`sigma_nn_mb`"),
        (lambda: collision_geometry(ProtonNucleus(PB208, 70), 1.0, step_fm=2.0), "the step the smaller"),
    ],
)
def test_bad_input_is_refused(ask, words):
    with pytest.raises(InputError, match=words):
        ask()


def test_coverage_counts_collisions_near_computed_geometries():
    assert coverage([0.0, 1.0], PBPB) == pytest.approx(1.0)
    assert coverage([0.1], PBPB) == 0.0
    # 0.3 and 0.5 stand for 0.2 to 0.6
    c = PBPB.centrality
    inside = (c >= 0.2) & (c <= 0.6)
    expected = np.trapezoid(np.where(inside, PBPB.n_coll, 0), c) / np.trapezoid(PBPB.n_coll, c)
    assert coverage([0.3, 0.5], PBPB) == pytest.approx(expected, abs=0.01)  # the table's steps of 1 %
    assert coverage([0.3, 0.5], PBPB, 0.3, 0.5) == pytest.approx(1.0)
