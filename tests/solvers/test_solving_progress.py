"""Progress of one solve: called as work is done, and shown where somebody can see it."""

import io
import time

import numpy as np
import pytest
from rich.console import Console

import qtraj as qt
from qtraj.solvers import solve as module
from qtraj.solvers.parallel import Tally

MODEL = qt.LindbladModel()
METHODS = {
    "NoJump": qt.NoJump(),
    "DensityMatrix": qt.DensityMatrix(rtol=0.05),
    "QuantumTrajectories": qt.QuantumTrajectories(n=1024, batch=128),
    "sine": qt.NoJump(grid=qt.SineGrid(255, 20.0), dt=0.05),
}


@pytest.mark.filterwarnings("ignore::qtraj.AccuracyWarning")  # few trajectories
@pytest.mark.parametrize("name", sorted(METHODS))
@pytest.mark.parametrize("color", ["singlet", 0.3])
def test_progress_is_called_as_work_is_done(name, color):
    media = [qt.ConstantTemperature(0.4, 0.6, duration) for duration in (0.3, 0.4, 0.5)]
    calls = []
    initial = qt.GaussianState(color=color)
    qt.solve(MODEL, media, initial, METHODS[name], progress=lambda *call: calls.append(call))
    done, totals = np.array(calls).T
    assert np.all(totals == totals[0])
    assert np.all(np.diff(done) >= 0)
    assert done[-1] == totals[-1]
    assert done[0] <= totals[0] / 3  # not once at the end of the only block


def test_levels_at_constant_temperature_tell_their_progress():
    calls = []
    qt.thermal_levels(MODEL, [0.2, 0.3], ["1S"], progress=lambda *call: calls.append(call))
    assert calls == [(i, 6) for i in calls[0][:1] + tuple(c[0] for c in calls[1:])]
    assert calls[-1] == (6, 6)
    assert len(calls) >= 4


def test_work_beyond_what_was_foreseen_moves_nothing_until_it_is_done():
    calls = []
    tally = Tally(lambda *call: calls.append(call), 8)
    tally.until(4)
    for _ in range(6):
        tally.add(1)
    tally.reach()
    tally.until(8)
    tally.add(2)
    tally.reach()
    assert calls == [(1, 8), (2, 8), (3, 8), (4, 8), (6, 8), (8, 8)]


class Slow:
    """A method that takes a while."""

    def __init__(self, seconds):
        self.seconds = seconds

    def solve(self, model, histories, initial, checkpoints, progress):
        progress(1, 4)
        time.sleep(self.seconds)
        return qt.NoJump(error_budget=False).solve(model, histories, initial, checkpoints, progress)


def shown(monkeypatch, seconds, after, **console):
    out = io.StringIO()
    monkeypatch.setattr(module, "BAR_AFTER_S", after)
    monkeypatch.setattr(
        module, "Console", lambda **given: Console(**{**given, "stderr": False}, file=out, **console)
    )
    medium = qt.ConstantTemperature(0.4, 0.6, 0.3)
    qt.solve(MODEL, medium, qt.GaussianState(), Slow(seconds), progress=True)
    return out.getvalue()


def test_a_bar_appears_on_a_terminal_when_it_takes_longer(monkeypatch):
    text = shown(monkeypatch, 0.6, 0.05, force_terminal=True, width=100)
    assert "solving" in text
    assert "25%" in text


def test_what_is_quick_shows_no_bar(monkeypatch):
    assert shown(monkeypatch, 0.0, 60.0, force_terminal=True, width=100) == ""


def test_where_nobody_sees_a_bar_there_is_none(monkeypatch):
    assert shown(monkeypatch, 0.3, 0.0, force_terminal=False) == ""


def test_an_error_ends_the_bar(monkeypatch):
    class Broken(Slow):
        def solve(self, *problem):
            time.sleep(0.2)
            raise KeyboardInterrupt

    out = io.StringIO()
    monkeypatch.setattr(module, "BAR_AFTER_S", 0.0)
    monkeypatch.setattr(module, "Console", lambda **given: Console(file=out, force_terminal=True))
    with pytest.raises(KeyboardInterrupt):
        qt.solve(MODEL, qt.Bjorken(0.4), qt.GaussianState(), Broken(0), progress=True)
    assert out.getvalue().count("\x1b[?25h") == 1  # the cursor is back


def test_in_a_notebook_without_widgets_there_is_one_output_and_it_is_empty_at_the_end(monkeypatch):
    """A saved notebook held a line of escape sequences for each quarter of a second."""
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    cell = (
        "import time\nfrom importlib.util import find_spec\nimport qtraj as qt\n"
        "from qtraj.solvers import solve as module\n"
        "module.BAR_AFTER_S = module.NOTEBOOK_EVERY_S = 0.0\n"
        "module.find_spec = lambda name: None\n"
        "with module.reporting(True) as report:\n"
        "    for i in range(5): time.sleep(0.01); report(i, 4)\n"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)])
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    (output,) = notebook.cells[0].outputs
    assert output.output_type == "display_data"
    assert output.data["text/plain"] == ""
