"""Averages of emulated paths, corrected by solved ones: exact identities, and the frequency of errors."""

import numpy as np
import pytest
from survival_tables import toy_table

import qtraj as qt
from qtraj.emulation import corrected_table
from qtraj.observables.bins import Bins
from qtraj.observables.estimate import Estimate
from qtraj.observables.feeddown import FeedDown
from qtraj.observables.geometry import CollisionGeometry, with_geometry
from qtraj.observables.observable import double_ratio_curve, raa_curve, survival_average, vn_curve
from qtraj.observables.table import SurvivalTable

FEEDDOWN = FeedDown.named("group")
CALCULATION = FeedDown.named("group", errors=False)
GEOMETRY = CollisionGeometry.named("PbPb5023")
BINS = {
    "b": Bins("b_fm"),
    "pT": Bins.edges("pT_GeV", [0, 4, 9, 20]),
    "all": Bins("integrated"),
    "centrality": Bins.edges("centrality_pct", [0, 20, 90]),
}


def samples(*tables):
    return tuple(np.searchsorted((2.3, 6.0, 9.2, 11.6), table.b_fm) for table in tables)


def pair(seed=0, n=16, N=64, spoil=0.05):
    """Return solved and cheap paths of a toy medium, emulated with errors, corrected: that, and both tables."""
    solved, cheap = (
        toy_table(seed=seed, per_replicate=n),
        toy_table(seed=seed + 1000, per_replicate=N, replicates=16),
    )

    def emulated(table):
        wrong = 1 + spoil * (np.sin(7 * table.pT) + np.cos(table.phi) ** 2)[:, None]
        return table.survival.value * wrong, table.no_jump.value * wrong**2

    total, no_jump = emulated(cheap)
    seen = SurvivalTable(
        total, cheap.replicate, no_jump=no_jump, b_fm=cheap.b_fm, pT=cheap.pT, phi=cheap.phi, y=cheap.y
    )
    total, no_jump = emulated(solved)
    both = samples(solved, cheap)
    table = corrected_table(solved, total, seen, emulated_no_jump=no_jump, samples=both, fall_back=False)
    return table, solved, cheap


def curves(table, bins):
    for part in ("total", "no_jump", "regeneration"):
        yield raa_curve(table, bins, FEEDDOWN, part=part)
        yield vn_curve(table, bins, FEEDDOWN, part=part)
        yield vn_curve(table, bins, FEEDDOWN, n=3, production="as_sampled", part=part)
        yield double_ratio_curve(table, bins, FEEDDOWN, part=part)


@pytest.mark.parametrize("bins", BINS)
def test_emulated_on_the_solved_paths_themselves_every_observable_is_the_solved_one(bins):
    """mean e + mean(f - e) = mean f, whatever e is: in bins, with weights, for ratios, flow and regeneration."""
    rng = np.random.default_rng(1)
    solved = with_geometry(toy_table(per_replicate=32), GEOMETRY)
    wrong = rng.random(solved.survival.value.shape), rng.random(solved.survival.value.shape)
    columns = {
        name: getattr(solved, name)
        for name in ("weight", "b_fm", "n_part", "centrality_pct", "pT", "phi", "y")
    }
    cheap = SurvivalTable(wrong[0], solved.replicate, no_jump=wrong[1], **columns)
    both = samples(solved, solved)
    table = corrected_table(solved, wrong[0], cheap, emulated_no_jump=wrong[1], samples=both, fall_back=False)
    assert len(table) == 2 * len(solved)
    for exact, found in zip(curves(solved, BINS[bins]), curves(table, BINS[bins]), strict=True):
        np.testing.assert_allclose(found.x, exact.x, rtol=1e-12, atol=1e-12)
        for name, value in exact.values.items():
            np.testing.assert_allclose(found[name].value, value.value, rtol=1e-9, atol=1e-12)
            # the error of the solver is that of the solved paths
            for part in ("mesh", "time_step", "branching"):
                if part in value.parts:
                    np.testing.assert_allclose(
                        found[name].parts[part], value.parts[part], rtol=1e-9, atol=1e-12
                    )


def test_a_perfect_emulator_leaves_the_mean_of_the_cheap_paths():
    table, solved, cheap = pair(spoil=0.0)
    for exact, found in zip(curves(cheap, BINS["pT"]), curves(table, BINS["pT"]), strict=True):
        for name, value in exact.values.items():
            np.testing.assert_allclose(found[name].value, value.value, rtol=1e-12, atol=1e-14)
            np.testing.assert_allclose(
                found[name].parts["paths"], value.parts["paths"], rtol=1e-9, atol=1e-14
            )
            assert np.all(found[name].parts["correction"] < 1e-12)
    assert table.attrs["solved"] == len(solved)
    assert table.attrs["emulated"] == len(cheap)


def test_averages_lie_inside_their_errors_as_often_as_they_should():
    """200 samples, every observable: 93 to 97 % inside two errors. Means of 16 states and bins fluctuate by 1 %."""
    reference = toy_table(seed=77, per_replicate=2**15, replicates=2)
    asked = [
        (raa_curve, BINS["b"]),
        (raa_curve, BINS["pT"]),
        (vn_curve, BINS["b"]),
        (double_ratio_curve, BINS["all"]),
    ]
    truth = [observable(reference, bins, CALCULATION) for observable, bins in asked]
    inside, pulls = [], []
    for seed in range(200):
        table, *_ = pair(seed=seed, n=12, N=24)
        for (observable, bins), exact in zip(asked, truth, strict=True):
            found = observable(table, bins, CALCULATION)
            for name, value in exact.values.items():
                # that of the calculation, without that of the solver and of branching fractions
                pull = (found[name].value - value.value) / np.hypot(
                    found[name].statistical, value.statistical
                )
                inside.append(np.mean(np.abs(pull) < 2))
                pulls.append(np.mean(pull))
    assert 0.93 < np.mean(inside) < 0.97
    assert abs(np.mean(pulls)) < 0.1


def test_an_emulator_that_knows_nothing_is_unbiased_and_says_so():
    """Shuffled emulations: the mean stays, with an error of that of the plain average or more."""
    truth = survival_average(toy_table(seed=77, per_replicate=2**14, replicates=2))["1S"].value
    pulls, errors, plain = [], [], []
    for seed in range(100):
        solved, cheap = (
            toy_table(seed=seed, per_replicate=8),
            toy_table(seed=seed + 999, per_replicate=16, replicates=16),
        )
        rng = np.random.default_rng(seed)
        # a permutation would keep the mean of the solved paths, and with it cancel the error
        seen, others = (rng.choice(solved.survival.value, len(table)) for table in (solved, cheap))
        columns = {name: getattr(cheap, name) for name in ("b_fm", "pT", "phi", "y")}
        cheap = SurvivalTable(others, cheap.replicate, no_jump=others, **columns)
        both = samples(solved, cheap)
        mean = survival_average(
            corrected_table(solved, seen, cheap, emulated_no_jump=seen, samples=both, fall_back=False)
        )["1S"]
        pulls.append((mean.value - truth) / mean.statistical)
        errors.append(mean.statistical)
        plain.append(survival_average(solved)["1S"].statistical)
    assert abs(np.mean(pulls)) < 4 / np.sqrt(100)
    assert 0.91 < np.mean(np.abs(pulls) < np.float64(2)) < 0.99
    assert np.mean(errors) > np.mean(plain)


def test_where_the_emulator_does_not_help_the_plain_average_is_taken():
    solved, cheap = toy_table(per_replicate=8), toy_table(seed=5, replicates=16)
    rng = np.random.default_rng(0)
    seen = rng.permutation(solved.survival.value)
    with pytest.warns(
        qt.AccuracyWarning, match="does not make the averages of 1S, .* more precise than the plain"
    ):
        table = corrected_table(
            solved, seen, cheap, emulated_no_jump=0.4 * seen, samples=samples(solved, cheap)
        )
    assert table.emulation is None
    assert "solved paths alone" in table.attrs["average"]
    assert survival_average(table)["1S"].value == survival_average(solved)["1S"].value


def test_correlations_are_kept():
    """A ratio of a meson to itself has no error; one to its parents a smaller one than independent errors had."""
    table, *_ = pair()
    ratio = double_ratio_curve(table, BINS["b"], FEEDDOWN, pairs=[("Y(1S)", "Y(1S)"), ("Y(2S)", "Y(1S)")])
    assert np.all(ratio["Y(1S)/Y(1S)"].error < 1e-12)
    raa = raa_curve(table, BINS["b"], FEEDDOWN)
    apart = np.hypot(
        raa["Y(2S)"].statistical / raa["Y(2S)"].value, raa["Y(1S)"].statistical / raa["Y(1S)"].value
    )
    assert np.all(ratio["Y(2S)/Y(1S)"].statistical / ratio["Y(2S)/Y(1S)"].value < apart)
    total, other = (raa_curve(table, BINS["b"], FEEDDOWN, part=part) for part in ("total", "no_jump"))
    rest = raa_curve(table, BINS["b"], FEEDDOWN, part="regeneration")
    np.testing.assert_allclose(total["Y(1S)"].value, other["Y(1S)"].value + rest["Y(1S)"].value, rtol=1e-12)


def test_both_parts_of_the_error_are_told():
    """The scatter of 16 replicates falls with the cheap paths, that of the correction with the solved ones."""
    few, more_solved, more_cheap = (
        survival_average(pair(**numbers)[0])["2S"].parts for numbers in ({}, {"n": 256}, {"N": 1024})
    )
    assert more_solved["correction"] / few["correction"] == pytest.approx(0.25, rel=0.3)
    assert more_cheap["paths"] / few["paths"] == pytest.approx(0.25, rel=0.6)
    assert more_cheap["correction"] == pytest.approx(few["correction"], rel=0.1)


def test_paths_that_share_a_point_count_once():
    """Each solved path twice: the same mean, and the same error if it is known that there are two of each."""
    _, solved, cheap = pair()
    once = {"emulated": 1.1 * solved.survival.value, "emulated_no_jump": 1.1 * solved.no_jump.value}
    again = np.repeat(np.arange(len(solved)), 2)
    twice = {name: value[again] for name, value in once.items()}
    one, both, apart = (
        survival_average(corrected_table(table, others=cheap, fall_back=False, **given))["2S"]
        for table, given in (
            (solved, once),
            (solved.rows(again), twice | {"points": again}),
            (solved.rows(again), twice),
        )
    )
    assert both.value == pytest.approx(one.value, rel=1e-12)
    assert both.parts["correction"] == pytest.approx(one.parts["correction"], rel=1e-12)
    assert apart.parts["correction"] == pytest.approx(one.parts["correction"] / np.sqrt(2), rel=0.01)


def test_emulated_paths_without_a_solved_one_are_told():
    table, *_ = pair()
    lonely = table.rows((table.emulation < 0) | (table.b_fm > 7))
    found = raa_curve(lonely, BINS["b"], FEEDDOWN)["Y(1S)"]
    assert any("fewer than two solved paths" in reason for reason in found.not_estimated)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"emulated": np.ones((3, 6))}, "have shape"),
        ({"emulated_no_jump": None}, "be given if, and only if"),
        ({"samples": (np.zeros(3, dtype=int), np.zeros(4, dtype=int))}, "whole numbers from 0 on"),
        ({"others": toy_table(seed=3).rows(np.arange(200)), "samples": "other"}, "have solved paths"),
    ],
)
def test_bad_arguments_are_refused(change, words):
    solved = toy_table(per_replicate=8)
    arguments = {
        "emulated": solved.survival.value,
        "others": toy_table(seed=3),
        "emulated_no_jump": solved.no_jump.value,
    }
    arguments |= change
    if arguments.get("samples") == "other":
        arguments["samples"] = np.zeros(len(solved), dtype=int), np.ones(200, dtype=int)
    with pytest.raises(qt.InputError, match=words):
        corrected_table(solved, **arguments)


def test_states_that_only_some_know():
    """S waves alone: nothing is made up for the others."""
    solved, cheap = toy_table(per_replicate=8), toy_table(seed=3, replicates=16)

    def s_wave(table, values):
        known = values.copy()
        known[:, [2, 4, 5]] = np.nan
        columns = {name: getattr(table, name) for name in ("b_fm", "pT", "phi", "y")}
        return SurvivalTable(
            Estimate(known, {"mesh": np.full(known.shape, 1e-4)}), table.replicate, **columns
        )

    one, many = s_wave(solved, solved.survival.value), s_wave(cheap, 1.01 * cheap.survival.value)
    table = corrected_table(
        one, np.where(np.isnan(one.survival.value), np.nan, 1.01 * one.survival.value), many
    )
    assert table.states == ("1S", "2S", "3S")
    means = survival_average(table)
    assert list(means) == ["1S", "2S", "3S"]
    assert means["1S"].parts["mesh"] == pytest.approx(1e-4)
