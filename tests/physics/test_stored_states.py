"""Stored states: exact at their points, checked for norm and orthogonality, the same after a round trip."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import qtraj as qt
from qtraj import AccuracyWarning, FileFormatError, InputError
from qtraj.io.results import load_states, read_dataset, save_states, write_dataset

MODEL = qt.LindbladModel()
R = np.linspace(0, 60, 1201)


def coulomb(name, r=R):
    state = next(qt.CoulombState(s.n, s.l) for s in qt.STATES if s.name == name)
    return state.u(r, MODEL) / np.sqrt(state.norm_squared(MODEL))


ALL = np.array([coulomb(state.name) for state in qt.STATES])
STATES = qt.StoredStates(R, ALL)


def test_values_come_back_at_the_points_and_between_them():
    for i, state in enumerate(qt.STATES):
        # the norm of the spline, which is divided out, and the spline itself are exact to (0.05/0.68)^4/384 = 1e-7
        assert_allclose(STATES.u(state.name, R), ALL[i], atol=1e-6)
        between = R[:-1] + 0.025
        assert_allclose(STATES.u(state.name, between), coulomb(state.name, between), atol=2e-5)
    assert STATES.u("1S", np.array([60.1, 1e3])).tolist() == [0, 0]


def test_a_stored_state_is_a_start():
    for state in qt.STATES:
        start = STATES.state(state.name)
        assert (start.l, start.color) == (state.l, "singlet")
        assert_allclose(start.u(R, MODEL), STATES.u(state.name, R), atol=1e-14)
    assert STATES.state("1S", color=0.25).color == 0.25


def test_names_keep_the_order_of_the_states_and_say_what_is_there():
    some = qt.StoredStates(R[1:], {"2P": ALL[4, 1:], "1S": ALL[0, 1:]})
    assert some.names == ("1S", "2P")
    assert repr(some) == "StoredStates(1S 2P, 1201 radii to 60 GeV^-1)"
    with pytest.raises(InputError, match="1S, 2P") as caught:
        some.state("3S")
    assert caught.value.argument == "name"


def test_functions_that_are_not_orthogonal_are_named():
    with pytest.warns(AccuracyWarning, match="1S and 2S"):
        qt.StoredStates(R, {"1S": ALL[0], "2S": np.sqrt(1 - 0.02**2) * ALL[1] + 0.02 * ALL[0]})


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ((R, ALL[:5]), "values"),
        ((R, ALL[0]), "values"),
        ((R[:-1], ALL), "values"),
        ((R, {}), "values"),
        ((R, {"4S": ALL[0]}), "values"),
        ((R, {"1S": 0 * R}), "values"),
        ((R, {"1S": np.full_like(R, np.nan)}), "values"),
        ((R, {"1S": ["a"] * len(R)}), "values['1S']"),
        ((R, {"1S": 1.02 * ALL[0]}), "values"),
        ((0.1973 * R, ALL), "values"),  # fm for GeV^-1
        ((R, {"1S": ALL[0] / np.maximum(R, 1e-3)}), "values"),  # R(r) for u(r)
        ((R[::-1], ALL), "r"),
        (("r", ALL), "r"),
    ],
)
def test_bad_states_are_refused_by_name(arguments, name):
    with pytest.raises(InputError) as caught:
        qt.StoredStates(*arguments)
    assert caught.value.argument == name


@settings(max_examples=15, deadline=None)  # each writes a file
@given(st.lists(st.sampled_from([state.name for state in qt.STATES]), min_size=1, unique=True))
def test_a_file_gives_the_same_states_back(tmp_path_factory, names):
    states = qt.StoredStates(R[::8], {name: coulomb(name, R[::8]) for name in names})
    path = tmp_path_factory.mktemp("states") / "states.nc"
    again = load_states(save_states(states, path, {"potential": "Coulomb"}))
    assert again.names == states.names
    for name in states.names:
        # the norm, one already, is divided out a second time
        assert_allclose(again.u(name, R), states.u(name, R), atol=1e-14)
    assert read_dataset(path).attrs["potential"] == "Coulomb"


def test_files_that_hold_no_valid_states_are_refused(tmp_path):
    path = save_states(STATES, tmp_path / "states.nc")
    dataset = read_dataset(path)
    with pytest.raises(FileFormatError, match="no such file"):
        load_states(tmp_path / "none.nc")
    write_dataset(dataset.drop_vars("u"), path)
    with pytest.raises(FileFormatError, match="no u"):
        load_states(path)
    write_dataset(dataset.assign(u=2 * dataset["u"]), path)
    with pytest.raises(FileFormatError, match="not valid"):
        load_states(path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(FileFormatError, match="netCDF"):
        load_states(path)
