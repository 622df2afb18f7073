"""Rounds of a design: each point is the most telling one, and the posterior narrows without moving."""

import warnings
from contextlib import contextmanager

import jax
import numpy as np
import pytest
from inference_models import CURVE_PARAMETERS as PARAMETERS
from inference_models import N_PART, curve, curve_design
from scipy.stats import multivariate_normal
from stand_in import ExponentialDecay

from qtraj.campaign.executors import InProcess
from qtraj.errors import AccuracyWarning, InputError
from qtraj.inference import Likelihood, Surrogate, adapt_design, infer
from qtraj.inference.design import design_points
from qtraj.inference.posterior import partial_map
from qtraj.io.inference import load_inference_file


def test_the_chosen_points_are_those_that_lower_the_variance_most():
    surrogate = Surrogate.fit(curve_design(design_points(PARAMETERS, 8, seed=1)))
    theta = design_points(PARAMETERS, 12, seed=5)
    x, J = np.asarray(surrogate._inputs(theta)), len(surrogate.components)
    weights = surrogate.calibration**2 * np.sum(surrogate.components**2, axis=1)

    def kernel(one, two, j):
        a2, b2, c2, *lengths = surrogate.kernels[j]
        square = np.sum(((one[:, None] - two[None]) / np.array(lengths)) ** 2, axis=2)
        return a2 * (b2 + one @ two.T) ** 3 + c2 * np.exp(-square / 2)

    def variance_with(inputs, chosen):
        """Sum over all points of the variance, if the chosen ones were known as well as the noise allows."""
        total = 0.0
        for j in range(J):
            known = np.concatenate([inputs, x[chosen]])
            K = kernel(known, known, j) + (surrogate.noise[j] + 1e-9) * np.eye(len(known))
            if len(inputs):  # the design has the errors of its paths, here none, on the diagonal
                K[: len(inputs), : len(inputs)] = np.linalg.inv(surrogate.inverses[j])
            cross = kernel(x, known, j)
            total += weights[j] * np.trace(kernel(x, x, j) - cross @ np.linalg.solve(K, cross.T))
        return total

    for anew, inputs in ((False, surrogate.inputs), (True, np.empty((0, 2)))):
        found = surrogate.most_telling(theta, 3, anew=anew).tolist()
        for i in range(3):
            left = [variance_with(inputs, [*found[:i], c]) for c in range(len(theta))]
            # of the others none is better; rounding may exchange equals
            assert left[found[i]] <= min(left) * (1 + 1e-6) + 1e-9
        assert len(set(found)) == 3


def test_designs_are_joined_with_all_their_sources_and_others_are_refused():
    first, second = (curve_design(design_points(PARAMETERS, 4, seed=seed)) for seed in (1, 2))
    bare = second.rows(slice(3))
    object.__setattr__(bare, "shifts", bare.shifts[:, 1:])
    object.__setattr__(bare, "shift_names", ("two",))
    both = first.joined(bare)
    assert (len(both), both.shift_names) == (7, ("one", "two"))
    np.testing.assert_array_equal(both.rows(slice(4)).shifts, first.shifts)
    np.testing.assert_array_equal(both.shifts[4:, 1], bare.shifts[:, 0])
    assert not np.any(both.shifts[4:, 0])
    assert both.digest() != first.digest() == both.rows(slice(4)).digest()
    other = curve_design(second.points)
    object.__setattr__(other, "datasets", (other.datasets[0].points(np.arange(5)),))
    with pytest.raises(InputError, match="the same points of data"):
        first.joined(other)


GRID = np.asarray(
    PARAMETERS.from_unit(np.stack(np.meshgrid(*2 * [(np.arange(60) + 0.5) / 60]), -1).reshape(-1, 2))
)


def moments(log):
    """Mean and standard deviation of ln kappa, summed over the grid of the prior."""
    weight = np.exp(log - log.max())
    weight /= weight.sum()
    mean = weight @ np.log(GRID[:, 0])
    return mean, np.sqrt(weight @ (np.log(GRID[:, 0]) - mean) ** 2)


def of_surrogate(surrogate):
    likelihood = Likelihood(surrogate.design.datasets, surrogate)
    with jax.enable_x64(True):
        return moments(np.asarray(jax.jit(partial_map(likelihood.log_likelihood))(GRID)))


@pytest.mark.slow
def test_rounds_narrow_the_posterior_to_the_exact_one_and_never_move_it():
    """Three further rounds of a design that is too small."""
    first = curve_design(design_points(PARAMETERS, 6), noise=0.003)
    calls = []

    def compute(points):
        calls.append(points)
        return curve_design(points, noise=0.003, seed=100 + len(calls))

    with pytest.warns(AccuracyWarning, match="after 3 rounds"):
        adapted = adapt_design(first, compute, rounds=3, count=4, error=1e-4)
    assert [each.points for each in adapted.rounds] == [6, 10, 14, 18]
    # what was missed was said: in its own errors about one. 9 points of a curve are about two numbers, in 4 points 8:
    # the root of a chi-square of 8 degrees of freedom over 8 is above 1.8 once in 1000, and three times here
    assert all(each.missed_own < 2 for each in adapted.rounds[1:])
    assert adapted.rounds[-1].error < adapted.rounds[0].error / 2
    assert adapted.rounds[-1].missed < adapted.rounds[1].missed
    (data,) = first.datasets
    log = []
    for theta in GRID:
        value, shifts = curve(theta)
        covariance = 0.03**2 * np.eye(len(N_PART)) + shifts.T @ shifts
        log.append(multivariate_normal(value, covariance).logpdf(data.value))
    mean, sd = moments(np.array(log))
    for each in adapted.rounds:
        now, width = of_surrogate(Surrogate.fit(adapted.design.rows(slice(each.points))))
        assert width > 0.97 * sd
        # the size of a shift is what the surrogate adds to the variance: beyond three of it once in 400
        assert abs(now - mean) < 3 * np.sqrt(max(width**2 - sd**2, 0)) + 0.1 * sd
    assert abs(now - mean) < 0.1 * sd
    assert width < 1.1 * sd
    # a calculation of its own is learned best at points that span the posterior
    points = adapted.points(6)
    assert np.all((points > PARAMETERS.low) & (points < PARAMETERS.high))
    assert np.ptp(np.log(points[:, 0])) > 2 * sd


FILE = """
[run]
system = { preset = "PbPb5020" }
model = { kappa = [0.2], gamma = [0.0] }
medium = { T_end = 0.25, b_fm = [0.0, 6.0, 10.4] }
paths = { n = 2, replicates = 2 }
[parameters]
kappa = { log_uniform = [0.002, 0.05] }
[[data]]
observable = "R_AA"
experiment = "CMS"
states = ["Y(1S)", "Y(2S)"]
x_name = "N_part"
[design]
points = 4
rounds = 1
round_points = 2
error = 1e-6
[sampling]
samplers = ["nuts"]
draws = 200
chains = 2
warmup = 100
[[predictions]]
name = "OO"
run = { system = { preset = "OO5360" }, medium = { b_fm = [0.0, 3.5] } }
points = 4
[[predictions.data]]
observable = "double_ratio"
x_name = "integrated"
status = "preliminary"
[output]
directory = "unused"
"""


class Workers(InProcess):
    """Counts how often workers are started."""

    started = 0

    @contextmanager
    def opened(self):
        self.started += 1
        yield InProcess()


@pytest.mark.slow
def test_an_inference_goes_on_wherever_it_was_interrupted_to_the_same_numbers(tmp_path):
    (tmp_path / "infer.toml").write_text(FILE, encoding="utf-8")
    file = load_inference_file(tmp_path / "infer.toml")

    def inferred(folder, interrupt_at=None, stage=None, executor=None):
        def progress(named, done, total):
            if stage is not None and named.startswith(stage) and done > 0:
                raise KeyboardInterrupt

        solver = ExponentialDecay(interrupt_at=interrupt_at)
        with warnings.catch_warnings():  # one round is not enough, and the chains are short
            warnings.simplefilter("ignore", AccuracyWarning)
            found = infer(file, tmp_path / folder, executor=executor, solve=solver, progress=progress)
            return found, len(solver.calls)

    workers = Workers()
    whole, solved = inferred("whole", executor=workers)
    assert workers.started == 1  # for the design, its round and the prediction
    (model,) = whole.models.values()
    first, more = 4 * 3 * 2, 2 * 3 * 2  # settings, impact parameters, l; of O-O four settings at two
    assert solved == first + more + 4 * 2 * 2 == 52
    assert [each.points for each in model.rounds] == [4, 6]
    # where it is interrupted, one after the other: what is left to solve then, and what it dies of
    for left in (
        {"interrupt_at": first - 3},  # in the first points
        {"stage": "posterior of 4 points"},  # they are solved, the next are not chosen
        {"interrupt_at": more - 4},  # in the round
        {"stage": "draws"},  # in the sampler
        {"interrupt_at": 5},  # in the prediction
    ):
        with pytest.raises(KeyboardInterrupt):
            inferred("parts", **left)
    parts, rest = inferred("parts")
    assert rest == 4 * 2 * 2 - 5
    (again,) = parts.models.values()
    assert repr(again.rounds) == repr(model.rounds)  # the first has NaN
    np.testing.assert_array_equal(again.surrogate.design.points, model.surrogate.design.points)
    np.testing.assert_array_equal(again.posterior.samples, model.posterior.samples)
    np.testing.assert_array_equal(again.posterior.nuisances, model.posterior.nuisances)
    np.testing.assert_array_equal(
        again.predictions["OO"].design.values, model.predictions["OO"].design.values
    )
    for name in ("posterior_nuts.csv", "theory_OO.csv", "design.csv"):
        texts = [(tmp_path / each / "model" / name).read_text("utf-8") for each in ("whole", "parts")]
        assert texts[0] == texts[1]
    # finished: nothing is solved or drawn again
    assert inferred("parts", interrupt_at=0, stage="")[1] == 0
