"""The model of the page: what a slider moves is what `qtraj.solve` gives there."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import qtraj as qt
from qtraj.errors import InputError
from qtraj.pages.explore.model import METHOD, SLIDERS, STARTS, Settings, numbers

SHORT = Settings(T0=0.35, T_end=0.30)  # few steps


def solved(s: Settings, method=METHOD, times_fm=None):
    """What a user gets who types the same numbers."""
    model = qt.LindbladModel(
        qt.CoulombPotential(), qt.Transport(kappa=s.kappa_hat, gamma=s.gamma_hat), order=s.order
    )
    start = {"1S": qt.CoulombState(1, 0), "2S": qt.CoulombState(2, 0)}.get(s.start)
    start = start or qt.GaussianState(l=int(s.start[-1]), width=0.2)
    return qt.solve(model, qt.Bjorken(T0=s.T0, tau_fm=0.6, T_end=s.T_end), start, method, times_fm=times_fm)


@pytest.mark.parametrize(
    "moved",
    [{}, {"T0": 0.4}, {"T_end": 0.28}, {"kappa_hat": 2.5}, {"gamma_hat": -3.0}]
    + [{"start": start} for start in STARTS]
    + [{"order": "NLO", "start": "1S"}],
    ids=str,
)
def test_a_control_moves_and_the_numbers_are_those_of_solve(moved):
    settings = replace(SHORT, **moved)
    shown = numbers(settings)
    end, same = solved(settings), solved(settings, times_fm=shown.times_fm)
    for state in settings.states:
        held = end.initial_overlap[state] > 1e-6
        assert shown.held[state] == held
        total, bare = (
            (same.survival_at, same.no_jump_at) if held else (same.transition_at, same.overlap_no_jump_at)
        )
        assert np.array_equal(shown.survival[state], total[state].value)
        assert np.array_equal(shown.no_jump[state], bare[state].value)
        total = shown.no_jump[state] + shown.regeneration[state]
        assert np.allclose(total, shown.survival[state], rtol=1e-13, atol=0)
        # the times shown divide the same evolution into other steps; rtol is about the states that the start is made
        # of, the others have up to three times that
        rtol = METHOD.rtol if held else 3 * METHOD.rtol
        at_the_end = (end.survival if held else end.transition)[state]
        expected = pytest.approx(at_the_end.value, rel=rtol, abs=METHOD.atol)
        assert shown.survival[state][-1] == expected


def test_every_slider_moves_the_survival():
    moves = {"T0": 0.4, "T_end": 0.28, "kappa_hat": 2.5, "gamma_hat": -3.0}
    found = {numbers(replace(SHORT, **{name: value})).survival["1S"][-1] for name, value in moves.items()}
    assert len(found | {numbers(SHORT).survival["1S"][-1]}) == 5


def test_what_the_solver_warns_of_is_shown():
    # a Gaussian start is fast, and this medium ends before its fast pairs have left: no expansion in E/T
    (note,) = numbers(replace(SHORT, order="NLO")).notes
    assert "the expansion in E/T does not hold" in note


def test_the_page_is_as_accurate_as_it_says():
    exact = solved(SHORT, qt.DensityMatrix(rtol=1e-3)).survival["1S"]
    assert numbers(SHORT).survival["1S"][-1] == pytest.approx(exact.value, rel=METHOD.rtol + 1e-3)


@pytest.mark.parametrize("order", ["LO", "NLO"])
def test_the_density_integrates_to_the_populations(order):
    found = numbers(replace(SHORT, order=order, start="1S"))
    # bins of equal width; beyond the last, 15/GeV, at most 2e-3 of the pairs of this short medium are left
    width = found.r[1] - found.r[0]
    # one segment instead of the page's 23: the same splitting error as above
    assert found.density.sum(axis=-1) * width == pytest.approx(found.population, rel=METHOD.rtol, abs=2e-3)
    assert found.density.min() > -1e-9  # the map is positive up to rounding


@given(name=st.sampled_from(sorted(SLIDERS)), value=st.floats(allow_nan=True, allow_infinity=True))
def test_a_number_outside_the_range_of_its_slider_is_refused(name, value):
    slider = SLIDERS[name]
    if slider.low <= value <= slider.high:
        assert getattr(Settings(**{name: value}), name) == value
    elif not (slider.low - 1e-6 <= value <= slider.high + 1e-6):
        with pytest.raises(InputError, match=name):
            Settings(**{name: value})


@pytest.mark.parametrize(
    "bad", [{"order": "N2LO"}, {"start": "__import__('os')"}, {"T0": "0.4"}, {"T0": None}]
)
def test_what_no_control_can_be_set_to_is_refused(bad):
    with pytest.raises(InputError, match=next(iter(bad))):
        Settings(**bad)
