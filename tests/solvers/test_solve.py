"""solve(): every bad argument is refused by name before anything is computed, and the result is what was asked for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

import qtraj as qt
from qtraj import InputError

MODEL = qt.LindbladModel()
MEDIUM = qt.Bjorken(0.425, 0.6, 0.25)
START = qt.GaussianState()
FAST = qt.NoJump(grid=qt.LaguerreMesh(40, 0.15), step=0.5, error_budget=False)


class Untouched:
    """A method that must not be reached."""

    def solve(self, model, histories, initial, checkpoints, progress):
        raise AssertionError("computed before checking")


def refused(**changes):
    arguments = {"model": MODEL, "medium": MEDIUM, "initial": START, "method": Untouched()} | changes
    with pytest.raises(InputError) as caught:
        qt.solve(**arguments)
    return caught.value


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("model", qt.CoulombPotential()),
        ("model", None),
        ("model", qt.LindbladModel),
        ("medium", 0.425),
        ("medium", None),
        ("medium", []),
        ("medium", "Bjorken"),
        ("medium", qt.Bjorken),
        ("initial", "1S"),
        ("initial", None),
        ("initial", qt.GaussianState),
        ("method", "NoJump"),
        ("method", qt.NoJump),
        ("method", 3),
        ("progress", 3),
        ("times_fm", 1.0),
        ("times_fm", [1.0, 0.5]),
        ("times_fm", [1.0, 1.0]),
        ("times_fm", [-1.0, 1.0]),
        ("times_fm", [0.0, 1.0]),
        ("times_fm", [1.0, np.nan]),
        ("times_fm", [[1.0, 2.0]]),
        ("times_fm", [1.0, 300.0]),
        ("times_fm", ["soon"]),
    ],
)
def test_bad_arguments_are_refused_by_name(argument, value):
    assert refused(**{argument: value}).argument == argument


def test_a_bad_member_of_a_batch_is_named():
    assert refused(medium=[MEDIUM, 0.4]).argument == "medium[1]"


def test_a_medium_below_the_pole_of_kappa_is_refused_before_computing():
    assert "pole" in str(refused(medium=qt.ConstantTemperature(0.02, 0.6, 1.0)))


class Endless:
    """A medium of the user's own whose end was given in fm/c."""

    active = ((3.0, 1500.0),)

    def temperature(self, t):
        return np.full_like(t, 0.3)


def test_no_medium_of_whatever_kind_acts_for_ever():
    error = refused(medium=[MEDIUM, Endless()])
    assert error.argument == "medium"
    assert "history 1" in str(error)
    assert "before 200 fm/c (it acts until 296 fm/c)" in str(error)


def test_a_callable_coefficient_that_turns_bad_in_this_medium_is_refused_before_computing():
    transport = qt.Transport(kappa=lambda T: T - 0.3)  # negative below 0.3 GeV
    error = refused(model=qt.LindbladModel(transport=transport))
    assert error.argument == "kappa"
    transport = qt.Transport(gamma=lambda T: np.where(T < 0.3, np.nan, -1.0))
    assert refused(model=qt.LindbladModel(transport=transport)).argument == "gamma"


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"grid": 96}, "grid"),
        ({"grid": None}, "grid"),
        ({"step": 0.0}, "step"),
        ({"step": -0.1}, "step"),
        ({"step": np.nan}, "step"),
        ({"step": 10.0}, "step"),
        ({"step": "0.1"}, "step"),
        ({"step": None}, "step"),
    ],
)
def test_a_bad_no_jump_method_is_refused_by_name(arguments, name):
    with pytest.raises(InputError) as caught:
        qt.NoJump(**arguments)
    assert caught.value.argument == name


# ------------------------------------------------------------------------------------------- shape of the result


def test_one_history_gives_numbers_and_a_batch_gives_arrays():
    one = qt.solve(MODEL, MEDIUM, START, FAST, times_fm=[0.5, 1.0])
    many = qt.solve(MODEL, [MEDIUM, MEDIUM], START, FAST, times_fm=[0.5, 1.0])
    assert np.shape(one.survival["1S"].value) == ()
    assert np.shape(many.survival["1S"].value) == (2,)
    assert np.shape(one.survival_at["1S"].value) == (2,)
    assert np.shape(many.survival_at["1S"].value) == (2, 2)
    assert np.ndim(one.norm.value) == 0
    assert np.shape(many.norm.value) == (2,)
    # padding of a batch and the order of a matrix product change the rounding only
    assert_allclose(many.survival["1S"].value, one.survival["1S"].value, rtol=1e-12)


def test_progress_is_told_the_total():
    seen = []
    qt.solve(MODEL, [MEDIUM] * 3, START, FAST, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (3, 3)


def test_the_result_prints_its_method_states_and_budget():
    text = str(qt.solve(MODEL, MEDIUM, START, qt.NoJump(step=0.4)))
    for word in ("NoJump", "1 history", "1S", "2S", "3S", "time_step", "mesh", "norm"):
        assert word in text
    assert "1P" not in text  # not in this sector


def test_errors_that_were_not_estimated_are_said_to_be():
    estimate = qt.solve(MODEL, MEDIUM, START, FAST).survival["1S"]
    assert set(estimate.not_estimated) == {"time_step", "mesh"}


# --------------------------------------------------------------------------------------------- JAX's settings


@pytest.fixture
def jax_settings():
    before = jax.config.jax_enable_x64
    yield
    jax.config.update("jax_enable_x64", before)


@pytest.mark.usefixtures("jax_settings")
@pytest.mark.parametrize("x64", [False, True])
@pytest.mark.parametrize(
    "method", [FAST, qt.DensityMatrix(rtol=0.05, error_budget=False)], ids=["NoJump", "DensityMatrix"]
)
def test_double_precision_whatever_the_user_set_and_the_setting_untouched(x64, method):
    expected = qt.solve(MODEL, MEDIUM, START, method)
    jax.config.update("jax_enable_x64", x64)
    users = jnp.ones(3).dtype
    found = qt.solve(MODEL, MEDIUM, START, method)
    assert jax.config.jax_enable_x64 is x64
    assert jnp.ones(3).dtype == users == (jnp.float64 if x64 else jnp.float32)
    for name in ("1S", "2S", "3S"):
        assert np.asarray(found.survival[name].value).dtype == np.float64
        # float32 anywhere would leave 1e-7
        assert_allclose(found.survival[name].value, expected.survival[name].value, rtol=1e-13)


@pytest.mark.usefixtures("jax_settings")
def test_the_setting_survives_an_error():
    jax.config.update("jax_enable_x64", False)

    def broken(done, total):
        raise RuntimeError("stop")

    with pytest.raises(InputError, match="stop") as caught:
        qt.solve(MODEL, MEDIUM, START, FAST, progress=broken)
    assert caught.value.argument == "progress"
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert jax.config.jax_enable_x64 is False
