"""Media: analytic cooling, monotone interpolation, where a medium acts, batches, and every way to get one wrong."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import qtraj as qt
from qtraj import InputError
from qtraj.physics.medium import as_histories
from qtraj.units import from_fm

NAN, INF = float("nan"), float("inf")


@st.composite
def tables(draw):
    """Tables of 2 to 12 points that cross 0.25 GeV any number of times."""
    steps = draw(st.lists(st.floats(0.01, 2.0), min_size=1, max_size=11))
    tau = 0.6 + np.concatenate([[0.0], np.cumsum(steps)])
    T = draw(st.lists(st.floats(0.1, 0.6), min_size=len(tau), max_size=len(tau)))
    return tau, np.array(T)


# --------------------------------------------------------------------------------------------- analytic media


@pytest.mark.parametrize(("T0", "tau", "T_end"), [(0.425, 0.6, 0.25), (0.5, 0.3, 0.19), (0.26, 1.0, 0.25)])
def test_bjorken_expansion_conserves_T_cubed_tau(T0, tau, T_end):
    medium = qt.Bjorken(T0=T0, tau_fm=tau, T_end=T_end)
    ((start, end),) = medium.active
    t = np.linspace(start, end, 50)
    assert_allclose(medium.temperature(t) ** 3 * t, T0**3 * from_fm(tau), rtol=1e-13)
    assert_allclose(start, from_fm(tau), rtol=1e-15)
    assert_allclose(medium.temperature(np.array([start, end])), [T0, T_end], rtol=1e-13)


def test_constant_temperature_acts_for_its_duration():
    medium = qt.ConstantTemperature(T=0.3, tau_fm=0.6, duration_fm=2.0)
    assert_allclose(medium.active, [(from_fm(0.6), from_fm(2.6))], rtol=1e-14)
    assert_allclose(medium.temperature(np.linspace(3, 13, 5)), 0.3, rtol=0)


# ------------------------------------------------------------------------------------------------ interpolation


@given(tables())
def test_interpolation_reproduces_the_points_and_never_overshoots(table):
    tau, T = table
    medium = qt.TabulatedTemperature(tau, T, T_end=0.05, allow_hot_end=True)
    assert_allclose(medium.temperature(from_fm(tau)), T, rtol=1e-12)
    for (a, b), (Ta, Tb) in zip(pairwise(tau), pairwise(T), strict=True):
        inside = medium.temperature(from_fm(np.linspace(a, b, 17)))
        # a monotone piece stays between its ends, and has no wiggle; 1e-12 is the rounding of log and exp
        assert inside.min() >= min(Ta, Tb) * (1 - 1e-12)
        assert inside.max() <= max(Ta, Tb) * (1 + 1e-12)
        assert np.all(np.diff(inside) * np.sign(Tb - Ta) >= -1e-12)


@given(st.floats(0.05, 1.2), st.integers(2, 9), st.floats(0.2, 1.0))
def test_power_laws_are_reproduced_exactly(exponent, points, T0):
    # ln T is linear in ln tau, and the interpolation is in these variables
    tau = np.geomspace(0.6, 9.0, points)
    medium = qt.TabulatedTemperature(tau, T0 * (tau / 0.6) ** -exponent, 0.01, allow_hot_end=True)
    between = np.linspace(0.6, 9.0, 101)
    assert_allclose(medium.temperature(from_fm(between)), T0 * (between / 0.6) ** -exponent, rtol=1e-12)


def test_a_bjorken_table_ends_when_bjorken_ends():
    exact = qt.Bjorken(0.425, 0.6, 0.25)
    tau = np.array([0.6, 1.1, 2.0, 4.5])
    table = qt.TabulatedTemperature(tau, exact.temperature(from_fm(tau)), 0.25)
    assert_allclose(table.active, exact.active, rtol=1e-12)


def test_interpolation_of_a_smooth_history_converges():
    def T(tau):
        return 0.45 * np.exp(-0.25 * (tau - 0.6))

    fine = np.linspace(0.6, 4.6, 1001)
    errors = []
    for points in (11, 21, 41):
        tau = np.linspace(0.6, 4.6, points)
        medium = qt.TabulatedTemperature(tau, T(tau), 0.17)
        errors.append(np.max(np.abs(medium.temperature(from_fm(fine)) / T(fine) - 1)))
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    # Fritsch-Butland slopes on points that are not equidistant in ln tau are of first order, the interpolant of second
    # at least
    assert np.all(orders > 2)


# ------------------------------------------------------------------------------------------- where a medium acts


@settings(max_examples=200)
@given(tables())
def test_a_table_acts_exactly_where_it_is_hot(table):
    tau, T = table
    T_end = 0.25
    medium = qt.TabulatedTemperature(tau, T, T_end, allow_cold=True, allow_hot_end=True)
    ends = [edge for interval in medium.active for edge in interval]
    assert np.all(np.diff(ends) > 0)  # ordered, disjoint, not touching
    t = from_fm(np.linspace(tau[0], tau[-1], 400))
    hot = np.zeros(len(t), dtype=bool)
    near = np.zeros(len(t), dtype=bool)  # the crossings are roots of cubics, known to rounding
    for a, b in medium.active:
        assert tau[0] * (1 - 1e-12) <= a * from_fm(1) ** -1 < b * from_fm(1) ** -1 <= tau[-1] * (1 + 1e-12)
        hot |= (t >= a) & (t <= b)
        near |= (np.abs(t - a) < 1e-9 * t) | (np.abs(t - b) < 1e-9 * t)
    temperature = medium.temperature(t)
    near |= np.abs(temperature / T_end - 1) < 1e-12
    assert np.all(temperature[hot & ~near] > T_end)
    assert np.all(temperature[~hot & ~near] <= T_end)


def test_several_crossings_give_several_intervals():
    tau = [0.6, 1.0, 2.0, 3.0, 4.0, 5.0]
    medium = qt.TabulatedTemperature(tau, [0.2, 0.3, 0.2, 0.35, 0.26, 0.2], T_end=0.25)
    assert len(medium.active) == 2
    edges = np.array(medium.active).ravel()
    assert_allclose(medium.temperature(edges), 0.25, rtol=1e-12)
    assert from_fm(0.6) < edges[0] < from_fm(1.0) < edges[1] < from_fm(2.0) < edges[2] < from_fm(3.0)
    assert from_fm(4.0) < edges[3] < from_fm(5.0)


def test_touching_the_end_temperature_splits_nothing():
    medium = qt.TabulatedTemperature([0.6, 1.0, 2.0, 3.0, 4.0], [0.4, 0.3, 0.25, 0.3, 0.25], T_end=0.25)
    assert_allclose(medium.active, [(from_fm(0.6), from_fm(4.0))], rtol=1e-12)


def test_a_plateau_at_the_end_temperature_is_cold():
    medium = qt.TabulatedTemperature([0.6, 1.0, 2.0, 3.0, 4.0], [0.4, 0.25, 0.25, 0.25, 0.2], T_end=0.25)
    assert_allclose(medium.active, [(from_fm(0.6), from_fm(1.0))], rtol=1e-12)


HOT_END = ([0.6, 1.0, 2.0], [0.4, 0.35, 0.3])


def test_a_table_that_ends_hot_must_be_meant():
    """What follows the last time is unknown, and a cut there would let too many pairs survive."""
    tau, T = HOT_END
    for make in (
        lambda **meant: qt.TabulatedTemperature(tau, T, 0.25, **meant),
        lambda **meant: qt.Histories(tau, [T, [0.4, 0.3, 0.2]], 0.25, **meant),
    ):
        with pytest.raises(InputError, match=r"0\.3 GeV, at 2 fm/c.*allow_hot_end=True") as caught:
            make()
        assert caught.value.argument == "T_end"
        make(allow_hot_end=True)
    meant = qt.TabulatedTemperature(tau, T, 0.25, allow_hot_end=True)
    assert_allclose(meant.active, [(from_fm(0.6), from_fm(2.0))], rtol=1e-12)
    batch = qt.Histories(tau, [T, T, T], 0.25, allow_hot_end=True)
    assert batch[1].active == meant.active
    assert batch[1:].allow_hot_end
    # the last temperature may be T_end itself
    assert qt.TabulatedTemperature(tau, T, 0.3).active == meant.active


def test_no_medium_acts_longer_than_any_fireball():
    """A misplaced digit of T_end must not make a run of hours."""
    with pytest.raises(
        InputError, match=r"before 200 fm/c.*it acts until 368.5 fm/c.*Raise T_end to 0.0613"
    ) as caught:
        qt.Bjorken(0.425, 0.6, 0.05)
    assert caught.value.argument == "T_end"
    assert qt.Bjorken(0.425, 0.6, 0.0614).active[0][1] < from_fm(200)
    late = ([0.6, 100.0, 300.0, 301.0], [0.4, 0.3, 0.26, 0.2])
    with pytest.raises(InputError, match="300 fm/c"):
        qt.TabulatedTemperature(*late, 0.25)
    with pytest.raises(InputError, match="300 fm/c"):
        qt.Histories(late[0], [late[1]], 0.25)
    # cold for long is no matter
    assert len(qt.TabulatedTemperature([0.6, 2.0, 300.0], [0.4, 0.2, 0.1], 0.25).active) == 1


def test_a_cold_table_must_be_meant():
    tau, T = [0.6, 1.0, 2.0], [0.24, 0.2, 0.15]
    with pytest.raises(InputError) as caught:
        qt.TabulatedTemperature(tau, T, 0.25)
    assert caught.value.argument == "T_end"
    assert qt.TabulatedTemperature(tau, T, 0.25, allow_cold=True).active == ()


# ------------------------------------------------------------------------------------------------------ batches

TAU = np.array([0.6, 1.0, 2.0, 4.0])
TEMPERATURES = np.array([[0.4, 0.35, 0.3, 0.2], [0.2, 0.2, 0.2, 0.2], [0.3, 0.28, 0.26, 0.22]])


def batch():
    metadata = {"x_fm": [1.0, 2.0, 3.0], "phi": np.array([0.1, 0.2, 0.3])}
    return qt.Histories(TAU, TEMPERATURES, 0.25, metadata, attrs={"source": "test"})


def test_a_batch_is_a_sequence_of_its_tables():
    histories = batch()
    assert len(histories) == len(list(histories)) == 3
    for i in (0, 2, -1, np.int64(0)):
        alone = qt.TabulatedTemperature(TAU, TEMPERATURES[i], 0.25)
        assert histories[i].active == alone.active
    assert histories[1].active == ()
    with pytest.raises(IndexError):
        histories[3]


@pytest.mark.parametrize(
    "index", [slice(1, None), [2, 0], np.array([2, 0]), np.array([True, False, True]), slice(None, None, -1)]
)
def test_a_part_of_a_batch_keeps_its_metadata(index):
    part = batch()[index]
    assert_allclose(part.T, TEMPERATURES[index], rtol=0)
    assert_allclose(part.metadata["x_fm"], np.array([1.0, 2.0, 3.0])[index], rtol=0)
    assert_allclose(part.metadata["phi"], np.array([0.1, 0.2, 0.3])[index], rtol=0)
    assert part.attrs == {"source": "test"}
    assert part.T_end == 0.25


def test_as_histories_tells_one_from_a_batch():
    medium = qt.Bjorken(0.425)
    assert as_histories(medium) == ((medium,), False)
    assert as_histories([medium]) == ([medium], True)
    histories = batch()
    assert as_histories(histories) == (histories, True)
    assert "3 histories" in repr(histories)


# ---------------------------------------------------------------------------------------------------- bad input


def table(tau=(0.6, 1.0, 2.0), T=(0.4, 0.3, 0.2), T_end=0.25):
    return qt.TabulatedTemperature(tau, T, T_end)


def histories(tau=TAU, T=TEMPERATURES, T_end=0.25, **kwargs):
    return qt.Histories(tau, T, T_end, **kwargs)


BAD = [
    (lambda: qt.Bjorken(425.0, 0.6, 0.25), "T0", "MeV"),
    (lambda: qt.Bjorken(0.425, 0.6, 250.0), "T_end", "MeV"),
    (lambda: qt.Bjorken(0.425, 3.04, 0.25), "tau_fm", "GeV^-1"),
    (lambda: qt.Bjorken(0.25, 0.6, 0.25), "T_end", "T0"),
    (lambda: qt.Bjorken(0.2, 0.6, 0.25), "T_end", "T0"),
    (lambda: qt.Bjorken(-0.4, 0.6, 0.25), "T0", "positive"),
    (lambda: qt.Bjorken(NAN, 0.6, 0.25), "T0", "finite"),
    (lambda: qt.Bjorken(0.425, NAN, 0.25), "tau_fm", "fm/c"),
    (lambda: qt.Bjorken(0.425, 0.0, 0.25), "tau_fm", "above 0"),
    (lambda: qt.Bjorken(0.425, -0.6, 0.25), "tau_fm", "above 0"),
    (lambda: qt.Bjorken(0.425, 0.6, NAN), "T_end", "finite"),
    (lambda: qt.Bjorken(0.425, 0.6, 0.0), "T_end", "positive"),
    (lambda: qt.Bjorken("0.425"), "T0", "GeV"),
    (lambda: qt.Bjorken(None), "T0", "GeV"),
    (lambda: qt.Bjorken([0.4, 0.5]), "T0", "GeV"),
    (lambda: qt.ConstantTemperature(300.0, 0.6, 1.0), "T", "MeV"),
    (lambda: qt.ConstantTemperature(INF, 0.6, 1.0), "T", "finite"),
    (lambda: qt.ConstantTemperature(0.3, 3.0, 1.0), "tau_fm", "GeV^-1"),
    (lambda: qt.ConstantTemperature(0.3, 0.6, 0.0), "duration_fm", "positive"),
    (lambda: qt.ConstantTemperature(0.3, 0.6, -1.0), "duration_fm", "positive"),
    (lambda: qt.ConstantTemperature(0.3, 0.6, NAN), "duration_fm", "positive"),
    (lambda: qt.ConstantTemperature(0.3, 0.6, 1e4), "duration_fm", "at most"),
    (lambda: qt.ConstantTemperature(0.3, 0.6, None), "duration_fm", "positive"),
    (lambda: table(tau=[], T=[]), "tau_fm", "at least two"),
    (lambda: table(tau=[0.6], T=[0.4]), "tau_fm", "at least two"),
    (lambda: table(tau=[[0.6, 1.0, 2.0]]), "tau_fm", "1-D"),
    (lambda: table(tau=[0.6, 2.0, 1.0]), "tau_fm", "entries 1, 2"),
    (lambda: table(tau=[0.6, 1.0, 1.0]), "tau_fm", "entries 1, 2"),
    (lambda: table(tau=[0.6, NAN, 2.0]), "tau_fm", "finite"),
    (lambda: table(tau=[0.6, 1.0, INF]), "tau_fm", "finite"),
    (lambda: table(tau=[0.0, 1.0, 2.0]), "tau_fm[0]", "above 0"),
    (lambda: table(tau=[3.04, 5.07, 10.1]), "tau_fm[0]", "GeV^-1"),
    (lambda: table(tau=["a", "b", "c"]), "tau_fm", "numbers"),
    (lambda: table(tau=None), "tau_fm", "numbers"),
    (lambda: table(T=[0.4, 0.3]), "T", "3 times"),
    (lambda: table(T=[0.4, NAN, 0.2]), "T", "entry (1,)"),
    (lambda: table(T=[0.4, 0.0, 0.2]), "T", "entry (1,)"),
    (lambda: table(T=[0.4, -0.3, 0.2]), "T", "entry (1,)"),
    (lambda: table(T=[400.0, 300.0, 200.0]), "T", "MeV"),
    (lambda: table(T=[[0.4, 0.3, 0.2]] * 3), "T", "Histories"),
    (lambda: table(T=[0.4, "hot", 0.2]), "T", "numbers"),
    (lambda: table(T=[0.4, 0.3j, 0.2]), "T", "numbers"),
    (lambda: table(T_end=0.4), "T_end", "largest T"),
    (lambda: table(T_end=250.0), "T_end", "MeV"),
    (lambda: table(T_end=NAN), "T_end", "finite"),
    (lambda: table(T_end=None), "T_end", "finite"),
    (lambda: histories(T=TEMPERATURES[0]), "T", "(histories, times)"),
    (lambda: histories(T=np.empty((0, 4))), "T", "at least one"),
    (lambda: histories(T=TEMPERATURES[:, :3]), "T", "4 times"),
    (lambda: histories(T=1000 * TEMPERATURES), "T", "MeV"),
    (lambda: histories(T=np.where(TEMPERATURES > 0.38, NAN, TEMPERATURES)), "T", "entry (0, 0)"),
    (lambda: histories(T=np.where(TEMPERATURES > 0.38, 0, TEMPERATURES)), "T", "entry (0, 0)"),
    (lambda: histories(T=[[0.4, 0.3], [0.2]]), "T", "numbers"),
    (lambda: histories(tau=TAU[::-1]), "tau_fm", "increase"),
    (lambda: histories(tau=from_fm(TAU)), "tau_fm[0]", "GeV^-1"),
    (lambda: histories(T_end=-0.1), "T_end", "positive"),
    (lambda: histories(T_end="cold"), "T_end", "GeV"),
    (lambda: histories(metadata={"phi": [1.0, 2.0]}), "metadata['phi']", "3 histories"),
    (lambda: histories(metadata={"phi": 1.0}), "metadata['phi']", "3 histories"),
    (lambda: as_histories([]), "medium", "non-empty"),
    (lambda: as_histories("Bjorken"), "medium", "Bjorken(...)"),
    (lambda: as_histories(0.425), "medium", "Bjorken(...)"),
    (lambda: as_histories(qt.Bjorken), "medium", "Bjorken(...)"),
    (lambda: as_histories([qt.Bjorken(0.425), 0.4]), "medium[1]", "Bjorken(...)"),
    (lambda: as_histories([qt.Bjorken]), "medium[0]", "Bjorken(...)"),
]


@pytest.mark.parametrize(("make", "name", "hint"), BAD)
def test_bad_media_are_refused_by_name_with_a_hint(make, name, hint):
    with pytest.raises(InputError) as caught:
        make()
    assert caught.value.argument == name
    assert hint in str(caught.value)
