"""One warning for each call, of all its histories, at the line of the user: whatever the method does inside."""

import numpy as np
import pytest
from trajectory_cases import MEDIUM, MODEL

import qtraj as qt
from qtraj.plots import evolve_for_view
from qtraj.solvers.density import method as density

BJORKEN = [qt.Bjorken(T0, 0.6, 0.25) for T0 in (0.3, 0.32, 0.34)]
SHORT = qt.SineGrid(255, 16.0)
"""It deforms the 3S, 2P and 1D."""


def the_only(caught):
    (warning,) = caught
    assert warning.category is qt.AccuracyWarning
    assert warning.filename == __file__
    return str(warning.message)


def test_blocks_of_histories_are_one_call(monkeypatch):
    monkeypatch.setattr(density, "BLOCK", 2)
    # far too coarse, and fixed: nothing can be refined
    method = qt.DensityMatrix(rtol=1e-5, atol=1e-8, mesh=qt.LaguerreMesh(32, 0.2), l_max=2, step=4.0)
    with pytest.warns(qt.AccuracyWarning) as caught:
        qt.solve(qt.LindbladModel(), BJORKEN, qt.GaussianState(), method)
    assert the_only(caught).startswith("3 of 3 histories did not reach rtol=1e-05")


def test_histories_of_trajectories_are_one_call():
    method = qt.QuantumTrajectories(n=16, estimator="end_point", grid=qt.LaguerreMesh(48, 0.14))
    cold = qt.TabulatedTemperature([0.6, 2.0], [0.2, 0.15], 0.25, allow_cold=True)
    with pytest.warns(qt.AccuracyWarning) as caught:
        qt.solve(MODEL, [MEDIUM, MEDIUM, cold], qt.CoulombState(3, 0), method)
    message = the_only(caught)
    assert message.startswith("2 of 2 histories rest on few trajectories; in the worst, history ")
    with pytest.warns(qt.AccuracyWarning) as caught:
        qt.solve(MODEL, MEDIUM, qt.CoulombState(3, 0), method)
    assert the_only(caught).startswith("history 0: 16 trajectories leave only ")


@pytest.mark.parametrize(
    "method",
    [
        qt.NoJump(grid=SHORT, dt=0.05),
        qt.QuantumTrajectories(n=256, grid=SHORT, dt=0.05),
    ],
)
def test_a_short_grid_is_one_warning(method):
    """The budget compares with a second grid, of the same length."""
    with pytest.warns(qt.AccuracyWarning, match="the grid ends at") as caught:
        qt.solve(MODEL, [MEDIUM] * 3, qt.GaussianState(0, 0.4), method)
    assert "3S (" in the_only(caught)


def test_next_to_leading_order_says_once_how_many_histories(monkeypatch):
    monkeypatch.setattr(density, "BLOCK", 1)
    model = qt.LindbladModel(order="NLO")
    media = [qt.Bjorken(0.3, 0.6, T_end) for T_end in (0.28, 0.285, 0.29)]
    for method in (qt.NoJump(error_budget=False), qt.DensityMatrix(rtol=0.05, error_budget=False)):
        with pytest.warns(qt.AccuracyWarning) as caught:
            qt.solve(model, media, qt.CoulombState(3, 0), method)
        assert the_only(caught).startswith("the dipole expansion in r T does not hold in 3 of 3 histories")


def test_functions_beside_solve_point_at_their_callers():
    stored_at_the_edge = qt.SineGrid(255, 16.0)
    with pytest.warns(qt.AccuracyWarning) as caught:
        qt.vacuum_levels(MODEL, stored_at_the_edge)
    assert "3S (" in the_only(caught)
    with pytest.warns(qt.AccuracyWarning) as caught:
        evolve_for_view(MODEL, MEDIUM, qt.GaussianState(0, 0.4), grid=stored_at_the_edge, dt=0.05)
    assert "3S (" in the_only(caught)
    r = np.linspace(0.0, 30.0, 301)
    u = r * np.exp(-r / 2)
    u /= np.sqrt(np.trapezoid(u**2, r))
    with pytest.warns(qt.AccuracyWarning) as caught:
        qt.StoredStates(r, {"1S": u, "2S": u, "3S": u})
    assert all(pair in the_only(caught) for pair in ("1S and 2S", "1S and 3S", "2S and 3S"))
