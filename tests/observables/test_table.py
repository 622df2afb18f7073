import numpy as np
import pytest

from qtraj.errors import InputError
from qtraj.observables.estimate import Estimate
from qtraj.observables.table import SurvivalTable
from qtraj.states import STATE_NAMES

N = 12
RNG = np.random.default_rng(3)
SURVIVAL = RNG.random((N, 6))


def table(**columns):
    given = {"survival": SURVIVAL, "replicate": np.arange(N) % 3, "pT": np.arange(N), "y": np.arange(N) - 6.0}
    return SurvivalTable(**(given | columns))


def test_regeneration_is_total_minus_no_jump_and_bounds_add():
    total = Estimate(SURVIVAL, {"mesh": np.full((N, 6), 0.01), "time_step": np.full((N, 6), 0.02)})
    no_jump = Estimate(0.4 * SURVIVAL, {"mesh": np.full((N, 6), 0.003)})
    regenerated = table(survival=total, no_jump=no_jump).part("regeneration")
    np.testing.assert_allclose(regenerated.value, 0.6 * SURVIVAL, rtol=1e-14)
    np.testing.assert_allclose(regenerated.parts["mesh"], 0.013)
    np.testing.assert_allclose(regenerated.parts["time_step"], 0.02)


def test_selection_takes_the_lower_end_and_not_the_upper():
    assert table().select(pT_GeV=(2, 5)).pT.tolist() == [2, 3, 4]
    assert table().select(abs_y=(0, 2), pT_GeV=None).y.tolist() == [-1, 0, 1]


def test_states_that_no_row_knows_are_named():
    s_wave = SURVIVAL.copy()
    s_wave[:, [STATE_NAMES.index("1P"), STATE_NAMES.index("2P")]] = np.nan
    assert table(survival=s_wave).states == ("1S", "2S", "3S", "1D")
    with pytest.raises(InputError, match="Add a run that starts in the l of 1P, 2P"):
        table(survival=s_wave).check_states()


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"survival": SURVIVAL[:, :5]}, r"`survival` must have shape \(n, 6\)"),
        ({"survival": np.full((N, 6), np.nan)}, "`survival` must be finite"),
        ({"replicate": np.arange(N) / 2}, "`replicate` must be 12 integers"),
        ({"replicate": np.arange(3)}, "`replicate` must be 12 integers"),
        ({"weight": -np.ones(N)}, "`weight` must be non-negative"),
        ({"weight": np.zeros(N)}, "positive sum"),
        ({"phi": np.full(N, np.nan)}, "`phi` must be 12 finite numbers"),
        ({"no_jump": np.where(SURVIVAL > 0.5, SURVIVAL, np.nan)}, "`no_jump` must know the states"),
    ],
)
def test_bad_columns_are_refused(columns, words):
    with pytest.raises(InputError, match=words):
        table(**columns)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda t: t.part("no_jump"), "without no-jump survivals"),
        (lambda t: t.part("half"), "be one of total, no_jump, regeneration"),
        (lambda t: t.coordinate("phi"), "which lacks phi"),
        (lambda t: t.coordinate("N_part"), "`with_geometry`"),
        (lambda t: t.coordinate("pt"), "be one of b_fm, N_part"),
        (lambda t: t.select(pT_GeV=(5, 2)), "low < high"),
        (lambda t: t.select(pT_GeV=(50, 60)), "at least one row"),
    ],
)
def test_questions_that_the_table_cannot_answer(ask, words):
    with pytest.raises(InputError, match=words):
        ask(table())
