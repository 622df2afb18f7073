"""NoJump on a sine grid: the C++ code's algorithm without its first-order time steps; orders and error estimates."""

from __future__ import annotations

import numpy as np
import pytest
from no_jump_cases import GOLDEN, centered_run, history_of, initial_of, model_of

import qtraj as qt

CASE = GOLDEN["baseline_num1023_L20"]
MODEL = qt.LindbladModel()
MEDIUM = qt.ConstantTemperature(T=0.4, tau_fm=0.1, duration_fm=0.4)
START = qt.GaussianState(0, 0.4)


def solved(num, dt, length=20.0, **settings):
    method = qt.NoJump(grid=qt.SineGrid(num, length), dt=dt, projection="coulomb", **settings)
    return qt.solve(MODEL, MEDIUM, START, method)


def values(result, names=("1S", "2S")):
    return np.array([result.survival[name].value for name in names])


def fitted_order(sizes, errors):
    return np.polyfit(np.log(sizes), np.log(errors), 1)[0]


def test_equals_the_independent_twin():
    """The same grid, centered steps in both; they differ in how T is averaged over a step, (dt T'')^2 ~ 1e-9."""
    points = 256
    method = qt.NoJump(grid=qt.SineGrid(points - 1, 20.0), dt=0.016, projection="coulomb", error_budget=False)
    result = qt.solve(model_of(CASE), history_of(CASE), initial_of(CASE), method)
    twin = centered_run(CASE, points)  # 1S, 2S, 3S, norm, at dt = 0.001 (1024/points)^2
    found = [*values(result, ("1S", "2S", "3S")), result.norm.value]
    np.testing.assert_allclose(found, twin, rtol=1e-5)


def test_second_order_in_the_time_step():
    steps = np.array([0.02, 0.01, 0.005])
    runs = np.array([values(solved(127, dt, error_budget=False)) for dt in steps])
    exact = values(solved(127, steps[-1] / 8, error_budget=False))
    errors = np.abs(runs - exact).max(axis=1)
    # on a fixed grid the Coulomb potential is bounded, so the steps are of second order once they resolve its largest
    # value alpha/dx = 4 GeV and the largest kinetic energy, 85 GeV
    assert fitted_order(steps, errors) == pytest.approx(2, abs=0.2)


def test_second_order_in_the_spacing_with_the_coulomb_cusp():
    """The step goes as dx^2, so that all errors are one series in dx: 1S, in which the cusp is largest."""
    nums = [127, 255, 511]
    runs = np.array([values(solved(n, 0.016 * (255 / n) ** 2, error_budget=False), ("1S",)) for n in nums])
    continuum = qt.solve(MODEL, MEDIUM, START, qt.NoJump()).survival["1S"].value
    errors = np.abs(runs[:, 0] - continuum)
    assert fitted_order([20 / (n + 1) for n in nums], errors) == pytest.approx(2, abs=0.2)


def test_the_error_budget_covers_the_error():
    result = solved(511, 0.004)
    exact = qt.solve(MODEL, MEDIUM, START, qt.NoJump())
    for name in ("1S", "2S", "3S"):
        estimate = result.survival[name]
        assert abs(estimate.value - exact.survival[name].value) < estimate.numerical
        assert estimate.numerical < 0.1 * estimate.value


def test_batch_and_times_equal_single_runs():
    cold = qt.TabulatedTemperature([0.6, 2.0], [0.2, 0.15], 0.25, allow_cold=True)
    method = qt.NoJump(grid=qt.SineGrid(127, 20.0), dt=0.02, projection="coulomb", error_budget=False)
    batch = qt.solve(MODEL, [MEDIUM, cold], START, method, times_fm=[0.3])
    alone = qt.solve(MODEL, MEDIUM, START, method, times_fm=[0.3])
    np.testing.assert_array_equal(batch.survival["1S"].value[0], alone.survival["1S"].value)
    np.testing.assert_array_equal(batch.survival_at["1S"].value[0], alone.survival_at["1S"].value)
    assert batch.survival["1S"].value[0] < alone.survival_at["1S"].value[0] < 1
    assert batch.norm.value[1] == pytest.approx(1, abs=1e-12)  # unitary without a medium


def test_octet_and_mixture():
    norms = [
        qt.solve(
            MODEL,
            MEDIUM,
            qt.GaussianState(0, 0.4, color),
            qt.NoJump(grid=qt.SineGrid(127, 20.0), dt=0.02, projection="coulomb", error_budget=False),
        ).norm.value
        for color in ("singlet", "octet", 0.25)
    ]
    assert norms[2] == pytest.approx(0.25 * norms[0] + 0.75 * norms[1], rel=1e-12)


def test_transforms_agree():
    """FFTW and SciPy differ by rounding in each of some hundred steps."""
    results = [
        qt.solve(
            MODEL,
            MEDIUM,
            START,
            qt.NoJump(
                grid=qt.SineGrid(255, 20.0, transform=name), dt=0.01, projection="coulomb", error_budget=False
            ),
        )
        for name in ("scipy", "fftw")
    ]
    np.testing.assert_allclose(values(results[0]), values(results[1]), rtol=1e-11)


def test_projections():
    """Computed states are eigenstates of the grid, Coulomb functions nearly: they differ by the order dx^2."""
    grid = qt.SineGrid(511, 30.0)
    found = [
        qt.solve(MODEL, MEDIUM, START, qt.NoJump(grid=grid, dt=0.01, projection=p, error_budget=False))
        for p in ("computed", "coulomb")
    ]
    np.testing.assert_allclose(values(found[0]), values(found[1]), rtol=0.05)
    assert not np.array_equal(values(found[0]), values(found[1]))
    on_mesh = [qt.solve(MODEL, MEDIUM, START, qt.NoJump(projection=p)) for p in ("computed", "coulomb")]
    np.testing.assert_allclose(values(on_mesh[0]), values(on_mesh[1]), rtol=1e-6)


@pytest.mark.parametrize(
    ("settings", "argument"),
    [({"dt": 0.1}, "dt"), ({"grid": qt.SineGrid(127, 20.0), "dt": -1.0}, "dt"), ({"grid": "sine"}, "grid")],
)
def test_bad_arguments_are_named(settings, argument):
    with pytest.raises(qt.InputError) as caught:
        qt.NoJump(**settings)
    assert caught.value.argument == argument
