"""Survival tables from files: CSV round trips, ratio files against their averages, campaigns."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from survival_tables import toy_table

from qtraj.errors import FileFormatError, InputError
from qtraj.io.results import estimate_variables
from qtraj.io.survivals import (
    CSV_COLUMNS,
    read_survival_csv,
    table_from_ratios,
    tables_from_results,
    write_survival_csv,
)
from qtraj.observables.estimate import Estimate
from qtraj.observables.observable import survival_average
from qtraj.observables.table import SurvivalTable
from qtraj.qtraj1 import RatioTable, average_ratios, read_ratios
from qtraj.states import STATE_NAMES


def same(a: SurvivalTable, b: SurvivalTable):
    for name in CSV_COLUMNS.values():
        mine, other = getattr(a, name), getattr(b, name)
        assert (mine is None) == (other is None)
        if mine is not None:
            np.testing.assert_array_equal(mine, other)
    for part in ("survival", "no_jump"):
        mine, other = getattr(a, part), getattr(b, part)
        assert (mine is None) == (other is None)
        if mine is not None:
            np.testing.assert_array_equal(mine.value, other.value)
            assert list(mine.parts) == list(other.parts)
            for name in mine.parts:
                np.testing.assert_array_equal(mine.parts[name], other.parts[name])


def test_a_csv_file_comes_back_to_the_last_bit(tmp_path):
    table = toy_table(per_replicate=2)
    same(read_survival_csv(write_survival_csv(tmp_path / "t.csv", table)), table)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32 - 1), st.lists(st.booleans(), min_size=6, max_size=6).filter(any))
def test_any_table_comes_back(tmp_path, seed, known):
    rng = np.random.default_rng(seed)
    survival = np.where(known, rng.random((5, 6)) * 10.0 ** rng.integers(-300, 3), np.nan)
    survival[1:3] = np.where(rng.random(6) < 0.3, np.nan, survival[1:3])
    table = SurvivalTable(survival, rng.integers(-5, 5, 5), phi=rng.standard_normal(5))
    same(read_survival_csv(write_survival_csv(tmp_path / "t.csv", table)), table)


def test_a_csv_file_written_by_hand(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("# my code\n1S, replicate ,pT_GeV\n0.5,0,1.0\n\n0.7,1,2.5\n", encoding="utf-8")
    table = read_survival_csv(path)
    assert table.states == ("1S",)
    assert table.pT.tolist() == [1.0, 2.5]
    assert survival_average(table)["1S"].value == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("1S\n0.5\n", "no column 'replicate'"),
        ("replicate\n1\n", "no column of a state"),
        ("replicate,1S,colour\n1,0.5,red\n", "column 'colour' is unknown"),
        ("replicate,1S,1S\n1,0.5,0.5\n", "appears twice"),
        ("replicate,1S\n1\n", "line 2: 1 columns instead of 2"),
        ("replicate,1S\n1,half\n", "line 2: 'half' in column 1S"),
        ("# c\nreplicate,1S\n,0.5\n", "line 3: '' in column replicate"),
        ("replicate,1S\n0.5,0.5\n", "whole numbers"),
        ("replicate,1S\n", "no row below"),
    ],
)
def test_a_csv_file_of_another_kind_is_refused(tmp_path, text, problem):
    path = tmp_path / "bad.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FileFormatError, match=problem):
        read_survival_csv(path)


def test_a_missing_csv_file_is_named(tmp_path):
    with pytest.raises(FileFormatError, match=r"none\.csv: cannot be read"):
        read_survival_csv(tmp_path / "none.csv")


def legacy(n=60, paths=6, seed=1, waves=(0, 1), weights=False):
    rng = np.random.default_rng(seed)
    lines = ["\t".join(f"{x:.3f}" for x in rng.random(8 if weights else 6) + 0.1) for _ in range(paths)]
    ratios, l, metadata = [], [], []
    for wave in waves:
        for i in range(n):
            ratios.append(rng.random(6) * (rng.random() < 0.8))
            l.append(wave)
            metadata.append(lines[i % paths])
    return RatioTable(np.array(ratios), rng.random(len(l)), np.array(l), tuple(metadata))


@pytest.mark.parametrize(("metadata", "weights"), [(False, False), (True, False), (True, True)])
def test_means_and_errors_of_a_ratio_file_are_those_of_its_averages(metadata, weights):
    """Every state with the l of its rows' start: value and error of the original's averaging."""
    rows = legacy(weights=weights)
    if not metadata:
        rows = RatioTable(rows.ratios, rows.r0, rows.l)
    means = survival_average(table_from_ratios(rows, weighted=weights))
    # what becomes 1D started in l = 0: no survival
    assert list(means) == [name for name in STATE_NAMES if name != "1D"]
    for state in means:
        l = 1 if state.endswith("P") else 0
        expected = average_ratios(rows, l=l, weighted=weights)[state]
        assert means[state].value == pytest.approx(expected.value, rel=1e-12)
        part = "paths" if metadata else "statistical"
        assert means[state].parts["paths"] == pytest.approx(expected.parts[part], rel=1e-12)


def test_the_genuine_collection(request):
    """S-wave and P-wave runs of one path: rows are independent, each wave has its own number of them."""
    rows = read_ratios(request.config.rootpath / "tests" / "data" / "legacy" / "trajectory_datafile.gz")
    table = table_from_ratios(rows)
    assert table.b_fm[0] == 5.25
    means = survival_average(table)
    for state, l in (("1S", 0), ("3S", 0), ("1P", 1)):
        column = rows.ratios[rows.l == l, STATE_NAMES.index(state)]
        assert means[state].value == pytest.approx(column.mean(), rel=1e-12)
        assert means[state].parts["paths"] == pytest.approx(
            column.std(ddof=1) / np.sqrt(len(column)), rel=1e-12
        )


def test_metadata_fill_the_columns():
    rows = legacy(weights=True)
    table = table_from_ratios(rows)
    first = [float(word) for word in sorted(set(rows.metadata))[0].split("\t")]
    assert (table.b_fm[0], table.pT[0], table.phi[0], table.y[0]) == (first[0], first[4], first[5], first[6])
    assert np.all(table.weight == 1)
    odd = RatioTable(rows.ratios, rows.r0, rows.l, tuple(f"event {m[:3]}" for m in rows.metadata))
    assert table_from_ratios(odd).b_fm is None


@pytest.mark.parametrize("damage", [lambda line: line[:-2] + "x", lambda line: line.rpartition("\t")[0]])
def test_one_damaged_line_of_metadata_is_named_and_takes_no_columns_away(damage):
    rows = legacy(weights=True)
    bad = rows.metadata[4]
    lines = tuple(damage(line) if line == bad else line for line in rows.metadata)
    with pytest.raises(InputError, match="`metadata` must be 8 numbers, as in other lines"):
        table_from_ratios(RatioTable(rows.ratios, rows.r0, rows.l, lines))


def test_means_of_few_rows_say_so():
    rows = legacy(n=400)
    assert table_from_ratios(rows).survival.not_estimated == ()
    rare = rows.ratios.copy()
    rare[5:400, 0] = 0.0  # five rows carry 1S
    (note,) = table_from_ratios(RatioTable(rare, rows.r0, rows.l)).survival.not_estimated
    assert note == "rare rows: fewer than 20 effective ones carry 1S"


def test_ratio_files_without_an_answer_are_refused():
    rows = legacy()
    with pytest.raises(InputError, match="`ratios`"):
        table_from_ratios(RatioTable(rows.ratios, rows.r0, np.full(len(rows), 2)))
    with pytest.raises(InputError, match="no eighth value"):
        table_from_ratios(rows, weighted=True)


def results_dataset():
    """Two settings, two sources of three histories; the second half of the histories has no error of its own."""
    rng = np.random.default_rng(2)
    shape = (2, 2, 6, 6)
    values = {name: rng.random(shape) for name in ("survival", "no_jump")}
    error = np.where(np.arange(6)[:, None] % 3 < 2, rng.random((6, 1)), np.nan) * np.ones((2, 2, 6, 6))
    dims = ("setting", "l", "history", "state")
    variables = {}
    for name, value in values.items():
        stored = estimate_variables(name, Estimate(value, {"mesh": np.nan_to_num(error)}, ("tails",)), dims)
        stored[f"{name}_error_mesh"] = xr.Variable(dims, error)
        variables |= stored
    over = {"pT": np.arange(6.0), "phi": np.arange(6.0), "b_fm": [2.3] * 3 + [6.0] * 3, "weight": np.ones(6)}
    over["n_part"] = [380.7] * 3 + [249.1] * 3
    coordinates = {name: ("history", np.asarray(value)) for name, value in over.items()}
    coordinates |= {"source": ("history", [0, 0, 0, 1, 1, 1]), "replicate": ("history", [0.0, 1, 0, 0, 1, 0])}
    coordinates |= {
        "setting": ["a", "b"],
        "kappa": ("setting", ["central", "lower"]),
        "gamma": ("setting", [-1.75, -1.75]),
        "l": [0, 1],
        "state": list(STATE_NAMES),
    }
    return xr.Dataset(variables, coordinates), values, error


def test_a_campaign_gives_one_table_for_each_setting():
    dataset, values, error = results_dataset()
    tables = tables_from_results(dataset)
    assert list(tables) == ["a", "b"]
    assert tables["b"].attrs == {"setting": "b", "kappa": "lower", "gamma": -1.75}
    for i, table in enumerate(tables.values()):
        assert table.states == ("1S", "2S", "1P", "3S", "2P")  # no run starts in l = 2
        for j, state in enumerate(STATE_NAMES):
            if state == "1D":
                assert np.all(np.isnan(table.survival.value[:, j]))
                continue
            l = 1 if state.endswith("P") else 0  # P states from the run that starts in l = 1
            np.testing.assert_array_equal(table.survival.value[:, j], values["survival"][i, l, :, j])
            np.testing.assert_array_equal(table.no_jump.value[:, j], values["no_jump"][i, l, :, j])
        assert table.n_part.tolist() == [380.7] * 3 + [249.1] * 3
        assert table.replicate.tolist() == [0, 1, 0, 0, 1, 0]
        assert table.survival.not_estimated == ("tails",)
        # the third path of each source takes the mean of the first two
        mesh = table.survival.parts["mesh"][:, 0]
        np.testing.assert_allclose(mesh[2], error[0, 0, :2, 0].mean())
        np.testing.assert_allclose(mesh[5], error[0, 0, 3:5, 0].mean())


def test_a_dataset_of_another_kind_is_refused():
    with pytest.raises(InputError, match="hold survival, no_jump"):
        tables_from_results(xr.Dataset({"raa": 1.0}))
