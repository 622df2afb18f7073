"""Quantum trajectories against the density matrix, and what they promise about seeds, batches, stops and errors."""

from __future__ import annotations

import warnings
import weakref

import numpy as np
import pytest
from scipy.stats import chi2, norm
from trajectory_cases import GAUSSIAN, MEDIUM, MESH, MODEL, STARTS, UNLIMITED, exact, jumped

import qtraj as qt
from qtraj.physics.potentials.coulomb import COLORS
from qtraj.solvers.trajectories import method as trajectories
from qtraj.states import STATE_NAMES

FALSE_ALARM = 1e-3
BASELINE = qt.LindbladModel(transport=qt.Transport("central", -1.75))
BASELINE_MEDIUM = qt.Bjorken(T0=0.425, tau_fm=0.6, T_end=0.25)


def sampled(**settings):
    defaults = {"grid": MESH, "step": 0.2, "jump_range": UNLIMITED}
    return qt.QuantumTrajectories(**(defaults | settings))


def pull(name, method):
    """Return (trajectories - density matrix) / error for the starting state, and for all six."""
    found, error = jumped(qt.solve(MODEL, MEDIUM, STARTS[name], method))
    truth, _ = exact(name)
    with np.errstate(invalid="ignore"):
        pulls = np.where(error > 0, (found - truth) / error, 0.0)
    return pulls[STATE_NAMES.index(name)], pulls


SETTINGS = [(name, estimator) for name in STARTS for estimator in ("last_jump", "end_point")]


def test_trajectories_equal_the_density_matrix_on_the_mesh():
    own, everything = [], []
    for seed, (name, estimator) in enumerate(SETTINGS):
        n = 2048 if estimator == "last_jump" else 4096
        with warnings.catch_warnings():
            # end points leave few contributions to some states other than the one judged here
            warnings.simplefilter("ignore", qt.AccuracyWarning)
            one, six = pull(name, sampled(n=n, seed=seed, estimator=estimator))
        own.append(one)
        if estimator == "last_jump":
            everything.append(six)
    # eight independent samples; two-sided, since errors may be too large as well as too small
    statistic = np.sum(np.square(own))
    assert chi2.isf(1 - FALSE_ALARM / 2, len(own)) < statistic < chi2.isf(FALSE_ALARM / 2, len(own)), own
    # the six states of a sample share trajectories: Bonferroni's bound holds for any correlation
    everything = np.array(everything)
    assert np.abs(everything).max() < norm.isf(FALSE_ALARM / 2 / everything.size), everything


# the sine grid's own discretization error of the jump part, as its no-jump part shows it: relative, at 511 points
SINE = qt.SineGrid(511, 20.0)
SINE_ERROR = 0.01


@pytest.mark.slow
def test_trajectories_equal_the_density_matrix_on_the_sine_grid():
    own = []
    for seed, (name, estimator) in enumerate(SETTINGS):
        n = 512 if estimator == "last_jump" else 4096
        method = qt.QuantumTrajectories(
            n=n, seed=seed, grid=SINE, dt=0.01, estimator=estimator, projection="coulomb"
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", qt.AccuracyWarning)
            found, error = jumped(qt.solve(MODEL, MEDIUM, STARTS[name], method))
        truth, _ = exact(name)
        i = STATE_NAMES.index(name)
        own.append((found[i] - truth[i]) / np.hypot(error[i], SINE_ERROR * truth[i]))
    assert np.sum(np.square(own)) < chi2.isf(FALSE_ALARM, len(own)), own


def test_populations_and_trace():
    """Nothing is lost without a jump range, so the weights sum to one up to the scatter of the sample."""
    n = 4096
    result = qt.solve(MODEL, MEDIUM, STARTS["1S"], sampled(n=n))
    _, truth = exact("1S")
    population = result.diagnostics["population"]
    # every trajectory ends once with a weight below ln(1/p) r0 < 2: the scatter of a mean is below 1/sqrt(n)
    bound = 3.3 / np.sqrt(n)
    assert abs(result.diagnostics["trace"] - 1) < bound
    assert np.abs(population[:, :7] - truth[:, :7]).max() < bound
    assert np.abs(population[:, 7] - truth[:, 7:].sum(axis=-1)).max() < bound


def test_errors_of_populations_are_the_scatter_of_independent_runs():
    found, by_color, quoted, quoted_by_color = [], [], [], []
    for seed in range(40):
        d = qt.solve(MODEL, MEDIUM, STARTS["1S"], sampled(n=128, seed=seed, step=0.3)).diagnostics
        found.append(d["population"][:, :3].ravel())
        quoted.append(d["population_error"][:, :3].ravel())
        by_color.append(d["population"].sum(axis=-1))
        quoted_by_color.append(d["color_error"])
    low, high = chi2.isf([1 - FALSE_ALARM / 2, FALSE_ALARM / 2], 39) / 39
    for values, errors in ((found, quoted), (by_color, quoted_by_color)):
        scatter, expected = np.var(values, axis=0, ddof=1), np.mean(np.square(errors), axis=0)
        reached = (
            expected > 0
        )  # an octet with l = 0 needs two jumps within the octet, but all others are there
        ratio = scatter[reached] / expected[reached]
        assert len(ratio) >= 2
        # collapsed strata may quote a little too much
        assert np.all(ratio < high)
        assert np.all(ratio > 0.5 * low)


def records(method, initial=STARTS["1S"]):
    return qt.solve(MODEL, MEDIUM, initial, method)


@pytest.mark.parametrize("change", [{"batch": 7}, {"batch": 64}, {"batch": 100, "workers": 2}])
def test_batches_and_workers_change_nothing(change):
    settings = {"n": 200, "seed": 5, "records": True}
    one, other = records(sampled(**settings)), records(sampled(**settings, **change))
    for name in ("trajectory", "color", "l"):
        np.testing.assert_array_equal(getattr(one.jumps, name), getattr(other.jumps, name))
    # rounding of different matrix shapes, some hundred steps
    np.testing.assert_allclose(one.jumps.time_fm, other.jumps.time_fm, rtol=1e-12)
    for name in STATE_NAMES:
        np.testing.assert_allclose(one.overlap[name].value, other.overlap[name].value, rtol=1e-12)


@pytest.mark.filterwarnings("ignore:.*effective contributions:qtraj.AccuracyWarning")  # 48 are few
def test_batches_change_nothing_on_the_sine_grid():
    settings = {"n": 48, "grid": qt.SineGrid(255, 30.0), "dt": 0.02, "jump_range": None, "records": True}
    one, other = (records(sampled(**settings, batch=b)) for b in (48, 7))
    np.testing.assert_array_equal(one.jumps.trajectory, other.jumps.trajectory)
    np.testing.assert_allclose(one.jumps.time_fm, other.jumps.time_fm, rtol=1e-12)
    np.testing.assert_allclose(one.overlap["1S"].value, other.overlap["1S"].value, rtol=1e-12)


def test_a_history_of_a_batch_has_streams_of_its_own():
    method = sampled(n=64, records=True)
    pair = qt.solve(MODEL, [MEDIUM, MEDIUM], STARTS["1S"], method)
    alone = qt.solve(MODEL, MEDIUM, STARTS["1S"], method)
    np.testing.assert_array_equal(pair.jumps[0].r0, alone.jumps.r0)
    assert not np.any(pair.jumps[1].r0 == alone.jumps.r0)


def test_only_the_numbers_of_a_history_are_kept(monkeypatch):
    """Backward states and batches fill tens of MB of each history: they go before the next one begins."""
    alive = []

    class Watched(trajectories.Sampling):
        def __post_init__(self):
            assert not any(reference() for reference in alive)
            super().__post_init__()
            alive.extend(
                [
                    weakref.ref(self),
                    *(weakref.ref(start_ensemble.propagators) for start_ensemble in self._start_ensembles),
                ]
            )

    monkeypatch.setattr(trajectories, "Sampling", Watched)
    result = qt.solve(MODEL, [MEDIUM] * 3, STARTS["1S"], sampled(n=64, records=True))
    assert len(alive) == 6
    assert not any(reference() for reference in alive)
    assert len(result.jumps) == 3


def test_records_obey_the_selection_rules():
    result = qt.solve(MODEL, MEDIUM, STARTS["2S"], sampled(n=256, records=True))
    jumps = result.jumps
    assert np.all((jumps.time_fm >= 0.1) & (jumps.time_fm <= 0.5))
    for trajectory in range(256):
        color, l, time = 0, 0, 0.0
        for t, new_color, new_l in jumps.of(trajectory):
            assert abs(new_l - l) == 1  # a dipole changes l by one
            assert (color, new_color) != (0, 0)  # a singlet becomes an octet
            assert t >= time
            color, l, time = new_color, new_l, t
        assert len(jumps.of(trajectory)) >= 1  # only trajectories that jump are sampled


def is_one_possible_history(model, start, l, history):
    """Whether channels of the model lead from (start, l) through the jumps of one trajectory, one after the other."""
    color, time = start, 0.0
    for t, new_color, new_l in history:
        ways = {
            (COLORS.index(c.target), l + c.delta_l)
            for c in model.channels
            if c.source == COLORS[color] and c.rate(l) > 0
        }
        if (new_color, new_l) not in ways or t < time:
            return False
        color, l, time = new_color, new_l, t
    return True


@pytest.mark.filterwarnings("ignore:.*effective contributions:qtraj.AccuracyWarning")  # few trajectories
@pytest.mark.parametrize("color", ["singlet", "octet", 0.3])
@pytest.mark.parametrize(
    "settings", [{}, {"grid": qt.SineGrid(191, 30.0), "dt": 0.02, "jump_range": None}], ids=str
)
@pytest.mark.parametrize("l", [0, 1])
def test_every_recorded_trajectory_is_one_possible_history(color, settings, l):
    n, initial = 48, qt.CoulombState(2, l, color)
    result = records(sampled(n=n, records=True, seed=3, **settings), initial)
    jumps = result.jumps
    starts = [0, 1] if color == 0.3 else [COLORS.index(color)]
    assert jumps.start.tolist() == np.repeat(starts, n).tolist()
    assert len(jumps.r0) == len(jumps.weight) == len(jumps.start) == result.diagnostics["trajectories"]
    assert len(np.unique(jumps.r0)) == len(jumps.r0)
    for trajectory, start in enumerate(jumps.start):
        history = jumps.of(trajectory)
        assert len(history) >= 1
        assert is_one_possible_history(MODEL, start, l, history)
    assert sum(len(jumps.of(j)) for j in range(len(jumps.r0))) == len(jumps.time_fm)


def test_weights_of_a_mixture_average_over_its_pairs():
    p, settings = 0.3, {"n": 256, "seed": 5, "records": True, "grid": qt.SineGrid(191, 30.0), "dt": 0.02}
    settings["jump_range"] = None
    mixture, *pure = (
        records(sampled(**settings), qt.CoulombState(1, 0, color)) for color in (p, "singlet", "octet")
    )
    # a plain mean over all rows; with one trajectory in each of 256 strata the mean weight scatters by less than 1/256
    jumped_share = np.mean(mixture.jumps.weight)
    assert jumped_share == pytest.approx(1 - mixture.norm.value, abs=1 / 256)
    means = [np.mean(one.jumps.weight) for one in pure]
    assert jumped_share == pytest.approx(p * means[0] + (1 - p) * means[1], rel=1e-12)
    # the same streams: the trajectories of the mixture are those of its colors
    for one, first in zip(pure, (0, 256), strict=True):
        np.testing.assert_array_equal(mixture.jumps.r0[first : first + 256], one.jumps.r0)
        assert [mixture.jumps.of(first + j) for j in range(256)] == [one.jumps.of(j) for j in range(256)]


def test_a_pair_that_cannot_jump_has_an_empty_record():
    model = qt.LindbladModel(transport=qt.Transport(0.0, 0.0))
    result = qt.solve(model, MEDIUM, qt.CoulombState(1, 0, 0.5), sampled(n=8, records=True))
    assert len(result.jumps.r0) == len(result.jumps.start) == result.diagnostics["trajectories"] == 0
    assert result.jumps.of(0) == []


def test_errors_are_the_scatter_of_independent_runs():
    values, errors = [], []
    for seed in range(40):
        result = qt.solve(MODEL, MEDIUM, GAUSSIAN, sampled(n=128, seed=seed, step=0.3))
        found, error = jumped(result)
        values.append(found[:2])
        errors.append(error[:2])
    scatter = np.var(values, axis=0, ddof=1) / np.mean(np.square(errors), axis=0)
    # 39 chi2_39/39 to five in ten thousand on either side; collapsed strata may quote a little too much
    low, high = chi2.isf([1 - FALSE_ALARM / 2, FALSE_ALARM / 2], 39) / 39
    assert np.all(scatter < high)
    assert np.all(scatter > 0.7 * low)


def test_stop_at_a_target_error():
    result = qt.solve(
        BASELINE, BASELINE_MEDIUM, qt.GaussianState(), qt.QuantumTrajectories(n=40_000, target_error=0.006)
    )
    assert result.settings["stopped_by"] == "target_error"
    n = int(result.diagnostics["trajectories"])
    assert n < 40_000
    assert n % 4096 == 0
    for name in ("1S", "2S", "3S"):
        assert result.survival[name].parts["statistical"] <= 0.006 * result.survival[name].value


def test_stop_at_a_time_limit():
    result = qt.solve(MODEL, MEDIUM, STARTS["1S"], sampled(n=100_000, time_limit_s=1e-9))
    assert result.settings["stopped_by"] == "time_limit_s"
    assert int(result.diagnostics["trajectories"]) == 4096
    assert qt.solve(MODEL, MEDIUM, STARTS["1S"], sampled(n=64)).settings["stopped_by"] == "n"


def test_a_cold_history_needs_no_trajectories():
    cold = qt.TabulatedTemperature([0.6, 2.0], [0.2, 0.15], 0.25, allow_cold=True)
    result = qt.solve(MODEL, cold, qt.GaussianState(), sampled(n=64))
    assert result.settings["stopped_by"] == "nothing to sample"
    assert result.survival["1S"].value == pytest.approx(1.0, abs=1e-9)


def test_a_cold_history_beside_a_hot_one_has_every_part_of_the_error():
    cold = qt.TabulatedTemperature([0.6, 2.0], [0.2, 0.15], 0.25, allow_cold=True)
    settings = {"n": 64, "max_jumps": 1, "r_max": 0.5}
    for media in ([MEDIUM, cold], [cold, MEDIUM]):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", qt.AccuracyWarning)  # 64 trajectories are few
            parts = qt.solve(MODEL, media, STARTS["2S"], sampled(**settings)).overlap["2S"].parts
        assert parts["max_jumps"][media.index(cold)] == parts["r_max"][media.index(cold)] == 0
        assert parts["r_max"][media.index(MEDIUM)] > 0


def test_rare_events_are_not_hidden():
    """End points of few trajectories: the error must cover the truth although the scatter does not know it."""
    with pytest.warns(qt.AccuracyWarning, match="effective contributions"):
        result = qt.solve(
            BASELINE,
            BASELINE_MEDIUM,
            qt.GaussianState(),
            qt.QuantumTrajectories(n=256, estimator="end_point"),
        )
    for name, truth in {"1S": 0.354863, "2S": 0.030488, "3S": 0.019442}.items():
        estimate = result.survival[name]
        assert estimate.parts["rare_events"] > 0
        assert abs(estimate.value - truth) < estimate.error


def test_what_max_jumps_omits_is_in_the_error():
    free = qt.solve(MODEL, MEDIUM, STARTS["2S"], sampled(n=2048))
    cut = qt.solve(MODEL, MEDIUM, STARTS["2S"], sampled(n=2048, max_jumps=2))
    truth, _ = exact("2S")
    for i, name in enumerate(STATE_NAMES):
        omitted = cut.overlap[name].parts["max_jumps"]
        # the same trajectories, so the difference is what the cut omits, measured on half of them
        assert free.overlap[name].value - cut.overlap[name].value <= 2 * omitted + 1e-15, name
        assert "max_jumps" not in free.overlap[name].parts
        assert i >= 3 or omitted < max(truth[i], 1e-6)
    many = qt.solve(MODEL, MEDIUM, STARTS["2S"], sampled(n=256, max_jumps=10_000))
    assert all(many.overlap[name].parts["max_jumps"] == 0 for name in STATE_NAMES)


def test_what_r_max_omits_is_in_the_error():
    free = qt.solve(BASELINE, BASELINE_MEDIUM, qt.GaussianState(), qt.QuantumTrajectories(n=2048))
    cut = qt.solve(BASELINE, BASELINE_MEDIUM, qt.GaussianState(), qt.QuantumTrajectories(n=2048, r_max=0.05))
    for name in ("1S", "2S", "3S"):
        a, b = free.survival[name], cut.survival[name]
        noise = 3.3 * np.hypot(a.parts["statistical"], b.parts["statistical"])
        assert abs(a.value - b.value) < b.parts["r_max"] + noise
        assert b.parts["r_max"] > 0


def test_an_r_max_above_the_norm_that_the_mesh_holds_omits_nothing():
    free, cut = (
        qt.solve(BASELINE, BASELINE_MEDIUM, qt.GaussianState(), sampled(n=256, r_max=r_max))
        for r_max in (1.0, 0.9)
    )
    assert cut.survival["1S"].parts["r_max"] == 0
    assert cut.survival["1S"].value == free.survival["1S"].value


def test_survival_at_times_is_that_of_shorter_media():
    times = [0.25, 0.5]
    result = qt.solve(MODEL, MEDIUM, GAUSSIAN, sampled(n=4096), times_fm=times)
    for i, t in enumerate(times):
        shorter = qt.ConstantTemperature(T=0.4, tau_fm=0.1, duration_fm=t - 0.1)
        single = qt.solve(MODEL, shorter, GAUSSIAN, sampled(n=4096, seed=1))
        for name in ("1S", "2S", "3S"):
            a, b = result.survival_at[name][i], single.survival[name]
            error = np.hypot(a.parts["statistical"], b.parts["statistical"])
            # the part without jumps takes other steps: within its quoted error; six comparisons of independent samples
            assert abs(a.value - b.value) < norm.isf(FALSE_ALARM / 12) * error + 2 * b.numerical


def test_color_mixture_is_the_mixture_of_its_colors():
    singlet, octet, mixed = (
        qt.solve(MODEL, MEDIUM, qt.GaussianState(0, 0.4, color), sampled(n=512))
        for color in ("singlet", "octet", 0.3)
    )
    for name in STATE_NAMES:
        expected = 0.3 * singlet.overlap[name].value + 0.7 * octet.overlap[name].value
        np.testing.assert_allclose(mixed.overlap[name].value, expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("settings", "argument"),
    [
        ({"n": 1}, "n"),
        ({"n": 10.0}, "n"),
        ({"seed": -1}, "seed"),
        ({"grid": 5}, "grid"),
        ({"step": 0}, "step"),
        ({"dt": 0.01}, "dt"),
        ({"grid": qt.SineGrid(127, 20.0), "dt": 7.0}, "dt"),
        ({"grid": qt.SineGrid(127, 20.0), "jump_range": 10.0}, "jump_range"),
        ({"estimator": "luck"}, "estimator"),
        ({"max_jumps": 0}, "max_jumps"),
        ({"r_max": 0.0}, "r_max"),
        ({"r_max": 1.5}, "r_max"),
        ({"batch": 0}, "batch"),
        ({"workers": 0}, "workers"),
        ({"target_error": -1.0}, "target_error"),
        ({"time_limit_s": 0}, "time_limit_s"),
        ({"jump_range": float("nan")}, "jump_range"),
    ],
)
def test_bad_arguments_are_named(settings, argument):
    with pytest.raises(qt.InputError) as caught:
        qt.QuantumTrajectories(**settings)
    assert caught.value.argument == argument


@pytest.mark.parametrize("grid", [MESH, qt.SineGrid(255, 30.0)])
def test_a_thermal_potential_without_width_jumps(grid):
    """A Coulomb potential that only claims to depend on T: the same trajectories, up to rounding of its integrals."""
    coulomb = qt.CoulombPotential()
    claims = qt.CallablePotential(
        lambda r, T: -coulomb.alpha / r + 0 * T, alpha=coulomb.alpha, octet="coulomb"
    )
    settings = {"n": 64, "records": True, "projection": "coulomb"}
    if isinstance(grid, qt.SineGrid):
        settings |= {"jump_range": None, "dt": 0.02}
    found = [
        qt.solve(
            qt.LindbladModel(potential, MODEL.transport), MEDIUM, STARTS["1S"], sampled(grid=grid, **settings)
        )
        for potential in (claims, coulomb)
    ]
    np.testing.assert_array_equal(found[0].jumps.trajectory, found[1].jumps.trajectory)
    np.testing.assert_allclose(found[0].jumps.time_fm, found[1].jumps.time_fm, rtol=1e-10)


def test_a_thermal_potential_moves_the_levels():
    """Real V(r, T) = V(r) + shift for the singlet: a phase common to all, so no probability changes."""
    coulomb = qt.CoulombPotential()
    shifted = qt.CallablePotential(
        lambda r, T: -coulomb.alpha / r - 0.3 * T, alpha=coulomb.alpha, octet="coulomb"
    )
    found = [
        qt.solve(
            qt.LindbladModel(potential, MODEL.transport), MEDIUM, STARTS["1S"], sampled(n=64, records=True)
        )
        for potential in (shifted, coulomb)
    ]
    np.testing.assert_allclose(found[0].jumps.time_fm, found[1].jumps.time_fm, rtol=1e-10)
