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
        ({"grid": "mesh"}, "grid"),
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


# ------------------------------------------------------------------------------------ survival and transition

CHEAP = qt.DensityMatrix(rtol=0.05, error_budget=False)
SHORT = qt.ConstantTemperature(T=0.4, tau_fm=0.6, duration_fm=0.5)


@pytest.mark.parametrize(
    ("initial", "held"),
    [
        (qt.GaussianState(0), {"1S", "2S", "3S"}),
        (qt.GaussianState(1), {"1P", "2P"}),
        (qt.GaussianState(2), {"1D"}),
        (qt.GaussianState(0, 0.2, 0.5), {"1S", "2S", "3S"}),
        (qt.GaussianState(0, 0.2, "octet"), set()),
        (qt.CoulombState(1, 0), {"1S"}),
        (qt.BoundState(2, 1), {"1P"}),
    ],
    ids=lambda value: repr(value) if not isinstance(value, set) else ",".join(sorted(value)) or "none",
)
@pytest.mark.parametrize(
    "method",
    [CHEAP, qt.NoJump(error_budget=False), qt.NoJump(grid=qt.SineGrid(511, 40.0), dt=0.05)],
    ids=repr,
)
def test_what_a_start_does_not_hold_has_no_survival(initial, held, method):
    result = qt.solve(MODEL, SHORT, initial, method, times_fm=[0.3, 0.8])
    for mapping in (
        result.survival,
        result.no_jump,
        result.regeneration,
        result.survival_at,
        result.no_jump_at,
    ):
        assert set(mapping) == held
    others = set(result.overlap) - held
    assert set(result.transition) == set(result.transition_at) == others
    assert len(result.overlap) == len(result.overlap_no_jump) == len(result.overlap_at) == 6
    ratio = isinstance(initial, qt.GaussianState) and initial.color == "singlet"
    for name in held:
        scale = result.initial_overlap[name] if ratio else 1.0
        assert result.survival[name].value == result.overlap[name].value / scale
        assert result.no_jump_at[name].value[1] == result.overlap_no_jump_at[name].value[1] / scale
        assert 0 < result.survival[name].value < 1
    for name in others:
        assert result.transition[name].value == result.overlap[name].value
        # before the medium nothing has become anything else, but for what a grid makes of exact zeros
        assert result.transition_at[name].value[0] == pytest.approx(0, abs=5e-5)
        with pytest.raises(InputError, match=rf"{name}.*transition"):
            result.survival[name]
    assert result.survival.get("4S") is None


def test_survivals_and_transitions_are_printed_apart():
    text = str(qt.solve(MODEL, SHORT, START, CHEAP))
    survival, transition = text.split("transition")
    assert all(name in survival for name in ("1S", "2S", "3S"))
    assert not any(name in survival for name in ("1P", "2P", "1D"))
    assert all(name in transition for name in ("1P", "2P", "1D"))
    assert (
        "survival"
        not in str(qt.solve(MODEL, SHORT, qt.GaussianState(color="octet"), CHEAP)).split("\n", 1)[1]
    )


# --------------------------------------------------------------------- where the pairs are, and what is left out

SAMPLED = {"n": 256, "seed": 2}
ROUTES = {
    "density matrix": CHEAP,
    "trajectories": qt.QuantumTrajectories(**SAMPLED),
    # at leading order only
    "finer": qt.DensityMatrix(error_budget=False),
    "sine": qt.QuantumTrajectories(grid=qt.SineGrid(255, 20.0), dt=0.04, **SAMPLED),
}


def populations(model, medium, initial, times_fm):
    """Return octet bounds (times, 2), populations of the colors (times, 2) and left-out part (times,) by all routes."""
    found = {}
    for name, method in ROUTES.items():
        if name in ("finer", "sine") and model.order == "NLO":
            continue
        d = qt.solve(model, medium, initial, method, times_fm=times_fm).diagnostics
        found[name] = d["octet_at"], d["population_at"].sum(axis=-1), d["lost_at"]
        # at the end all that is left out is accounted for, and never more than that at the start
        assert d["trace"] + d["lost"].sum() == pytest.approx(1, abs=1e-10)
        assert np.all(d["cut"] >= 0)
        assert d["cut"].sum() <= d["lost_at"][0] + 1e-12
        assert np.all(d["octet"] >= d["octet_at"][0] - 1e-12) or initial.color != "singlet"
    watched = qt.density_in_time(
        model, medium, initial, times_fm, method=CHEAP if model.order == "NLO" else None
    )
    found["density in time"] = watched.octet, watched.population.sum(axis=-1), watched.lost
    return found


@pytest.mark.filterwarnings(
    "ignore::qtraj.AccuracyWarning"
)  # few trajectories; a Gaussian is too fast for E/T
@pytest.mark.parametrize("order", ["LO", "NLO"])
@pytest.mark.parametrize(("color", "octet"), [("singlet", 0.0), ("octet", 1.0), (0.3, 0.7)])
def test_before_the_medium_every_route_knows_the_colors(order, color, octet):
    model = qt.LindbladModel(order=order)
    found = populations(model, SHORT, qt.GaussianState(color=color), [0.3, 0.8])
    for bounds, population, lost in found.values():
        assert_allclose(bounds[0], octet, atol=1e-12)  # though most of the start is left out on a mesh
        assert_allclose(population.sum(axis=-1) + lost, 1, atol=1e-10)
        assert bounds[1, 0] < bounds[1, 1]


@pytest.mark.filterwarnings("ignore::qtraj.AccuracyWarning")  # few trajectories
@pytest.mark.parametrize("initial", [START, qt.GaussianState(0, 1.0), qt.CoulombState(1, 0)], ids=repr)
def test_all_routes_agree_on_the_octet_within_what_they_state(initial):
    found = populations(MODEL, SHORT, initial, [0.3, 0.8, 1.0])
    low = np.max([bounds[:, 0] for bounds, _, _ in found.values()], axis=0)
    high = np.min([bounds[:, 1] for bounds, _, _ in found.values()], axis=0)
    # every pair of intervals overlaps; on a mesh kept pairs are known to a few percent of themselves
    assert np.all(low <= high + 5e-3)
    # without a limit on energies and distances nothing is left out, and the statement is sharp
    sine = found["sine"][0]
    assert np.all(sine[:, 1] - sine[:, 0] < 0.2)
    if initial == qt.CoulombState(1, 0):  # all energies are kept
        widths = [np.diff(bounds, axis=1).max() for name, (bounds, _, _) in found.items() if name != "sine"]
        assert max(widths) < 0.15


def test_what_is_left_out_is_printed_beside_the_populations():
    text = str(
        qt.solve(MODEL, SHORT, START, qt.DensityMatrix(rtol=0.05, error_budget=False, diagnostics=True))
    )
    for words in (
        "pairs kept:",
        "left out:",
        "of the start",
        "octet of all pairs:",
        "of the pairs kept: entropy",
    ):
        assert words in text


@pytest.mark.parametrize("order", ["LO", "NLO"])
@pytest.mark.filterwarnings("ignore:the .*expansion in:qtraj.AccuracyWarning")
def test_the_norm_of_a_pair_that_cannot_jump_is_one_within_its_error(order):
    """On a mesh most of a local start is left out: the error of the norm says so."""
    model = qt.LindbladModel(transport=qt.Transport(0.0, 0.0), order=order)
    medium = qt.ConstantTemperature(T=0.4, tau_fm=0.6, duration_fm=0.05)
    for initial in (START, qt.CoulombState(1, 0)):
        norm = qt.solve(model, medium, initial, qt.NoJump()).norm
        assert abs(norm.value - 1) <= norm.error + 1e-12
