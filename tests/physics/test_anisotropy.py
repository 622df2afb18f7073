"""Anisotropic columns of temperature tables: interpolation, xi, what media without them say, bad columns."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import qtraj as qt
from qtraj import InputError
from qtraj.hydro import TemperatureTable, histories_from_tables
from qtraj.physics.medium import medium_state
from qtraj.units import from_fm

TAU = np.array([0.6, 1.0, 2.0, 4.0])
T = np.array([0.4, 0.35, 0.3, 0.2])
ALPHA = np.array([[1.09, 1.05, 0.62], [1.06, 1.04, 0.76], [1.03, 1.02, 0.9], [1.01, 1.0, 0.98]])
SCALE = 1.1 * T


def xi_of(alpha):
    return ((alpha[..., 0] + alpha[..., 1]) / (2 * alpha[..., 2])) ** 2 - 1


def test_the_columns_are_reproduced():
    medium = qt.TabulatedTemperature(TAU, T, 0.25, alpha=ALPHA, hard_scale=SCALE)
    temperature, xi, scale = medium_state(medium, from_fm(TAU))
    assert_allclose(temperature, T, rtol=1e-12)
    assert_allclose(xi, xi_of(ALPHA), rtol=1e-12)
    assert_allclose(scale, SCALE, rtol=1e-12)


def test_power_laws_are_interpolated_exactly():
    # logarithms are linear in ln tau
    tau = np.array([0.6, 1.3, 2.0, 5.0])
    alpha = np.stack([1.1 * tau**-0.01, 1.05 * tau**-0.02, 0.7 * tau**0.2], axis=-1)
    medium = qt.TabulatedTemperature(tau, 0.4 * tau**-0.3, 0.25, alpha=alpha, hard_scale=0.5 * tau**-0.35)
    between = np.linspace(0.6, 5.0, 50)
    _, xi, scale = medium_state(medium, from_fm(between))
    x, y, z = 1.1 * between**-0.01, 1.05 * between**-0.02, 0.7 * between**0.2
    assert_allclose(xi, ((x + y) / (2 * z)) ** 2 - 1, rtol=1e-11)
    assert_allclose(scale, 0.5 * between**-0.35, rtol=1e-12)


@pytest.mark.parametrize(
    "medium",
    [
        qt.Bjorken(0.425, 0.6, 0.25),
        qt.ConstantTemperature(0.3, 0.6, 3.0),
        qt.TabulatedTemperature(TAU, T, 0.25),
        qt.TabulatedTemperature(TAU, T, 0.25, alpha=np.ones((4, 3)), hard_scale=T),
    ],
)
def test_isotropic_media_have_xi_0_and_the_temperature_as_scale(medium):
    ((start, end),) = medium.active
    t = np.linspace(start, end, 9)
    temperature, xi, scale = medium_state(medium, t)
    assert_allclose(xi, 0, atol=1e-15)
    assert_allclose(scale, temperature, rtol=1e-14)
    assert xi.shape == scale.shape == t.shape


def test_a_batch_gives_each_history_its_columns():
    alpha, scale = np.stack([ALPHA, ALPHA[::-1]]), np.stack([SCALE, 2 * SCALE])
    batch = qt.Histories(TAU, [T, T], 0.25, alpha=alpha, hard_scale=scale)
    for histories in (batch, batch[[0, 1]], batch[::-1][::-1]):
        for i, history in enumerate(histories):
            _, xi, lam = medium_state(history, from_fm(TAU))
            assert_allclose(xi, xi_of(alpha[i]), rtol=1e-11)
            assert_allclose(lam, scale[i], rtol=1e-12)
    assert qt.Histories(TAU, [T, T], 0.25)[:1].alpha is None


@pytest.mark.parametrize(
    ("columns", "name"),
    [
        ({"alpha": ALPHA}, "hard_scale"),
        ({"hard_scale": SCALE}, "alpha"),
        ({"alpha": ALPHA[:3], "hard_scale": SCALE}, "alpha"),
        ({"alpha": ALPHA[:, :2], "hard_scale": SCALE}, "alpha"),
        ({"alpha": -ALPHA, "hard_scale": SCALE}, "alpha"),
        ({"alpha": ALPHA * np.nan, "hard_scale": SCALE}, "alpha"),
        ({"alpha": "round", "hard_scale": SCALE}, "alpha"),
        ({"alpha": ALPHA, "hard_scale": SCALE[:2]}, "hard_scale"),
        ({"alpha": ALPHA, "hard_scale": 0 * SCALE}, "hard_scale"),
        ({"alpha": ALPHA, "hard_scale": 1000 * SCALE}, "hard_scale"),
    ],
)
def test_bad_columns_are_refused_by_name(columns, name):
    with pytest.raises(InputError) as caught:
        qt.TabulatedTemperature(TAU, T, 0.25, **columns)
    assert caught.value.argument == name


# ------------------------------------------------------------------------------------------------ QTraj's tables


def test_qtraj_tables_keep_their_columns():
    tables = [TemperatureTable(TAU, T, ALPHA, SCALE), TemperatureTable(TAU, T, ALPHA[::-1], SCALE)]
    histories = histories_from_tables(tables, 0.25)
    assert_allclose(histories.alpha, [ALPHA, ALPHA[::-1]], rtol=0)
    assert_allclose(histories.hard_scale, [SCALE, SCALE], rtol=0)
    assert histories_from_tables(tables, 0.25, anisotropic=False).alpha is None


def test_a_change_of_the_time_grid_keeps_power_laws():
    tau = np.array([0.6, 0.9, 1.7, 4.0])
    alpha = np.stack([1.1 * tau**-0.01, 1.05 * tau**-0.02, 0.7 * tau**0.2], axis=-1)
    tables = [TemperatureTable(TAU, T, ALPHA, SCALE), TemperatureTable(tau, T, alpha, 0.5 * tau**-0.35)]
    histories = histories_from_tables(tables, 0.25)
    union = histories.tau_fm
    expected = np.stack([1.1 * union**-0.01, 1.05 * union**-0.02, 0.7 * union**0.2], axis=-1)
    assert_allclose(histories.alpha[1], expected, rtol=1e-12)
    assert_allclose(histories.hard_scale[1], 0.5 * union**-0.35, rtol=1e-12)
    assert_allclose(histories.alpha[0][np.isin(union, TAU)], ALPHA, rtol=0)


def test_tables_with_and_without_columns_are_not_mixed():
    tables = [TemperatureTable(TAU, T, ALPHA, SCALE), TemperatureTable(TAU, T)]
    with pytest.raises(InputError, match="anisotropic=False"):
        histories_from_tables(tables, 0.25)
    assert len(histories_from_tables(tables, 0.25, anisotropic=False)) == 2
