"""The jump algorithm of the C++ code: its rules one by one, and its Monte Carlo results within errors.

Of the reference runs the long ones are compared in what rests on many trajectories: numbers of jumps, final color and
l, and the plain 1S mean. Their regenerated 2S, 3S and 1P come from 0 to 4 trajectories and bound nothing; the run with
rMax 0.03 and the short media have converged ones.
"""

import numpy as np
import pytest
from legacy_runs import CASES, MONTE_CARLO, no_jump, parameters
from scipy.stats import binomtest, norm

from qtraj.qtraj1.program.trajectories import Record, Trajectory, sample
from qtraj.states import STATE_NAMES

FALSE_ALARM = 1e-3
"""Of each statistical test, for another seed; with these seeds the outcome is fixed."""

SHORT = {
    "kappa": 4,
    "gam": 0,
    "T0": 0.6,
    "Tf": 0.35,
    "tmed": 1,
    "num": 63,
    "L": 20,
    "dt": 0.02,
    "initWidth": 1.0,
}
"""A short hot medium on a coarse grid, 253 steps."""


@pytest.fixture(scope="module")
def short():
    """The short medium with an octet start, recording everything."""
    p = parameters(SHORT, initC=1, doJumps=1, snapFreq=30, outputSummaryFile=1, saveWavefunctions=1)
    return no_jump(p)


def outcomes(short, seed=5, numbers=range(40), **changes):
    return list(sample(*short, seed, numbers, **changes))


def assert_equal(one, other):
    assert [o.number for o in one] == [o.number for o in other]
    for a, b in zip(one, other, strict=True):
        assert (a.r0, a.color, a.l, a.jumps, a.to_singlet) == (b.r0, b.color, b.l, b.jumps, b.to_singlet)
        np.testing.assert_array_equal(a.ratios, b.ratios)
        for name in ("t_fm", "norm", "overlaps", "r_mean", "energy"):
            np.testing.assert_array_equal(getattr(a.rows, name), getattr(b.rows, name))


def last_snapshots(done):
    """The states that end up in the snapshot files."""
    last = {}
    for o in done:
        last |= o.snapshots
    return last


@pytest.mark.parametrize("batch", [1, 7, 100])
def test_results_do_not_depend_on_what_runs_side_by_side(short, batch):
    one, other = outcomes(short, batch=batch), outcomes(short)
    assert_equal(one, other)
    states = last_snapshots(one), last_snapshots(other)
    assert sorted(states[0]) == sorted(states[1])
    for step, state in states[0].items():
        np.testing.assert_array_equal(state, states[1][step])


def test_a_trajectory_depends_on_seed_and_number_alone(short):
    assert_equal(outcomes(short)[10:20], outcomes(short, numbers=range(10, 20)))
    seeds = {outcomes(short, seed=seed, numbers=range(1))[0].r0 for seed in range(-1, 20)}
    seeds |= {outcomes(short, seed=seed, numbers=range(1))[0].r0 for seed in (2**62, 2**62 + 1)}
    assert len(seeds) == 23


def test_r0_below_the_no_jump_norm_is_the_no_jump_outcome():
    setup, evolution = no_jump(parameters(SHORT, doJumps=1))
    done = outcomes((setup, evolution), numbers=range(60))
    still = [o for o in done if o.r0 < evolution.norm]
    assert 0 < len(still) < 60
    for o in still:
        np.testing.assert_allclose(o.ratios * evolution.norm, evolution.ratios, rtol=1e-15)
        assert (o.jumps, o.evolved, len(o.rows)) == (0, False, 0)
    assert all(o.evolved for o in done if o.r0 >= evolution.norm)


def test_above_r_max_zeros_are_recorded():
    free, cut = (outcomes(no_jump(parameters(SHORT, doJumps=1, rMax=r_max))) for r_max in (1.0, 0.5))
    for a, b in zip(free, cut, strict=True):
        if a.r0 > 0.5:
            assert not b.evolved
            assert not np.any(b.ratios)
        else:
            np.testing.assert_array_equal(a.ratios, b.ratios)


def test_a_trajectory_stops_after_its_last_allowed_jump(short):
    setup, evolution = no_jump(parameters(SHORT, initC=1, doJumps=1, maxJumps=1))
    few, many = outcomes((setup, evolution)), outcomes(short)
    assert {o.jumps for o in few if o.evolved} == {1}
    # an octet S wave jumps to a P wave; if it became a singlet its overlaps at the time of the jump are recorded
    assert {o.l for o in few if o.evolved} == {1}
    returned = [o for o in few if o.color == 0]
    assert returned
    assert all(o.ratios[STATE_NAMES.index("1P")] > 0 for o in returned)
    assert [o.r0 for o in few] == [o.r0 for o in many]
    assert all(o.jumps >= 1 for o in many if o.evolved)


def test_at_most_one_jump_in_a_step_and_none_in_the_last():
    # the width takes nearly everything in one step, so that a jump happens whenever it may
    p = parameters(SHORT, doJumps=1, kappa=3e4, dt=0.1)
    setup, evolution = no_jump(p)
    steps = setup.steps.total - setup.steps.first_medium
    jumps = np.array([o.jumps for o in outcomes((setup, evolution))])
    assert jumps.max() == steps - 1


def test_jumped_states_are_r_u_normalized():
    # one jump at the end of the first step of the medium; then the state is what a single step made of it, times r
    p = parameters(SHORT, doJumps=1, initC=1, kappa=3e4, dt=0.1, maxJumps=1)
    setup, evolution = no_jump(p)
    first = setup.steps.first_medium
    before = no_jump(p, last=first + 1)[1].stored[-1].state
    expected = setup.grid.r * before
    expected /= np.sqrt(setup.norms(expected))
    overlaps = setup.overlaps(expected[None, :], np.array([0]), np.array([1]))[0]
    returned = [o for o in outcomes((setup, evolution)) if o.color == 0]
    assert returned
    for o in returned:
        np.testing.assert_allclose(o.ratios, overlaps, rtol=1e-12, atol=1e-300)


def test_branching(short):
    # octet with l = 2: to the singlet with 2/7, to l = 1 with 2/5, independent of each other
    random, n = np.random.default_rng(8), 20000
    to_singlet = down = both = 0
    for _ in range(n):
        trajectory = Trajectory(0, 0.5, random, Record(short[0]), 0.5, color=1, l=2)
        trajectory.jump()
        assert trajectory.l in (1, 3)
        to_singlet += trajectory.color == 0
        down += trajectory.l == 1
        both += trajectory.color == 0 and trajectory.l == 1
    for count, p in ((to_singlet, 2 / 7), (down, 2 / 5), (both, 4 / 35)):
        assert binomtest(count, n, p).pvalue > FALSE_ALARM / 3
    singlet = Trajectory(0, 0.5, random, Record(short[0]), 0.5, color=0, l=0)
    singlet.jump()
    assert (singlet.color, singlet.l, singlet.to_singlet) == (1, 1, 0)


def test_snapshots_are_those_of_the_last_trajectory_that_passed(short):
    setup, _ = short
    done = outcomes(short, numbers=range(10))
    last = next(o for o in reversed(done) if o.evolved)
    states = last_snapshots(done)
    for t_fm, norm_then in zip(last.rows.t_fm, last.rows.norm, strict=True):
        step = round(t_fm / setup.steps.time_fm(1))
        assert setup.norms(states[step]) == pytest.approx(norm_then, rel=1e-12)


def test_the_row_at_the_start_goes_on_from_the_stored_state(short):
    _, evolution = short
    for o in outcomes(short):
        if o.evolved:
            assert o.r0 < o.rows.norm[0] or len(o.rows) == 1
            assert o.rows.norm[0] in evolution.rows.norm


class Refinement:
    """Pulls of our means against those of the C++ code, whose false-alarm rates share FALSE_ALARM.

    Both samples have the variance of theirs, the larger one: the regenerated overlaps have long tails, and a small
    sample that misses them has too small a mean and too small an error.
    """

    def __init__(self, name, number, seed):
        self.run = MONTE_CARLO[name]
        p = parameters(self.run["parameters"], nTrajectories=number, snapFreq=self.run["total_steps"] // 20)
        self.setup, self.evolution = no_jump(p)
        assert self.evolution.norm == pytest.approx(self.run["no_jump_norm"], rel=1e-11)
        self.all = list(sample(self.setup, self.evolution, seed, range(number)))
        self.evolved = [o for o in self.all if o.evolved]
        self.pulls = {}

    def add(self, name, values, reference, known):
        """Compare our mean of `values` with theirs of `known` trajectories."""
        total = reference["standard_error"] * np.sqrt(1 + known / len(values))
        self.pulls[name] = (np.mean(values) - reference["mean"]) / total

    def add_populations(self):
        run, over_all = self.run, self.run["statistics_over"].startswith("all")
        chosen, known = (self.all, run["trajectories"]) if over_all else (self.evolved, run["evolved"])
        self.add("jumps", [o.jumps for o in chosen], run["n_jumps"], known)
        self.add("to singlet", [o.to_singlet for o in chosen], run["n_octet_to_singlet_jumps"], known)
        self.add("final l", [o.l for o in chosen], run["final_l"], known)
        self.add("singlets", [o.color == 0 for o in chosen], run["final_singlet_fraction"], known)
        self.add("1S", [o.ratios[0] for o in self.all], run["mean_1S"], run["trajectories"])

    def add_jump_parts(self):
        weight = self.setup.p.rMax - self.evolution.norm
        for i, name in enumerate(STATE_NAMES):
            part = [weight * o.ratios[i] for o in self.evolved]
            self.add(f"{name} regenerated", part, self.run["jump_part"][name], self.run["evolved"])

    def check(self):
        limit = norm.isf(FALSE_ALARM / 2 / len(self.pulls))
        assert max(abs(pull) for pull in self.pulls.values()) < limit, self.pulls


def test_short_medium_in_brief():
    comparison = Refinement("short_medium_1S", number=250, seed=11)
    comparison.add_populations()
    comparison.check()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "number"), [("short_medium_1S", 3000), ("short_medium_octet", 3000)])
def test_short_media(name, number):
    comparison = Refinement(name, number, seed=12)
    comparison.add_populations()
    comparison.add_jump_parts()
    comparison.check()


@pytest.mark.slow
def test_regeneration_below_r_max():
    comparison = Refinement("baseline_rMax_0p03", 20000, seed=13)
    comparison.add_populations()
    comparison.add_jump_parts()
    comparison.check()


@pytest.mark.slow
def test_baseline():
    comparison = Refinement("baseline", 250, seed=14)
    comparison.add_populations()
    comparison.check()


def test_crank_nicolson_jumps_like_the_split_step():
    # both are unitary in vacuum and second order; on this grid and step they differ by about a percent in the
    # no-jump norm, and the same random numbers then give the same first jumps for almost all trajectories
    base = {**CASES["cn_lo"]["parameters"], **SHORT, "doJumps": 1, "derivType": 1, "dt": 0.005}
    norms, jumps = [], []
    for stepper in (0, 1):
        setup, evolution = no_jump(parameters(base, stepper=stepper))
        norms.append(evolution.norm)
        jumps.append([o.jumps for o in outcomes((setup, evolution), numbers=range(30))])
    assert norms[1] == pytest.approx(norms[0], rel=0.02)
    assert abs(np.mean(jumps[0]) - np.mean(jumps[1])) < 1
