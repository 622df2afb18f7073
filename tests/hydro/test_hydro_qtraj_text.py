"""Both temperature files of QTraj, and the histories made of them."""

import gzip

import numpy as np
import pytest
from hydro_files import truncate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qtraj.errors import FileFormatError, InputError
from qtraj.hydro import (
    TemperatureTable,
    histories_from_tables,
    read_qtraj_averaged,
    read_qtraj_trajectories,
    write_qtraj_trajectories,
)
from qtraj.units import from_fm

TAU = np.array([0.4, 0.6, 0.9, 1.5])
T = np.array([0.40, 0.35, 0.30, 0.20])
ANISOTROPY = np.array([[1.1, 1.05, 0.6]] * 4) + 0.01 * np.arange(4)[:, None]
META = (5.25, 1.3, -0.75, 0.1, 6.4, 2.15)


def points(tau, temperature, six=True):
    rows = [
        [t, T_, *a, T_ * 1.2] if six else [t, T_]
        for t, T_, a in zip(tau, temperature, ANISOTROPY, strict=False)
    ]
    return [str(len(rows))] + ["\t".join(repr(float(v)) for v in row) for row in rows]


def averaged(path, tau=TAU, temperature=T):
    path.write_text("# t [fm/c] T [GeV] ...\n" + "\n".join(points(tau, temperature)) + "\n")
    return path


def block(meta=META, tau=TAU, temperature=T, six=True):
    return [str(len(meta)), *(repr(float(m)) for m in meta), *points(tau, temperature, six)]


def trajectories(path, *blocks):
    path.write_text("\n".join(line for b in blocks for line in b) + "\n")
    return path


def test_averaged(tmp_path):
    table = read_qtraj_averaged(averaged(tmp_path / "T.txt"))
    np.testing.assert_array_equal(table.tau_fm, TAU)
    np.testing.assert_array_equal(table.T, T)
    np.testing.assert_array_equal(table.anisotropy, ANISOTROPY)
    np.testing.assert_array_equal(table.hard_scale, T * 1.2)


def test_trajectory_variants_in_one_file(tmp_path):
    path = trajectories(tmp_path / "t.txt", block(), [""], block(six=False), block((*META, 0.3, 2.0)))
    old, two_columns, new = read_qtraj_trajectories(path)
    assert old.metadata == {"b_fm": 5.25, "x_fm": 1.3, "y_fm": -0.75, "eta": 0.1, "pT": 6.4, "phi": 2.15}
    assert new.metadata == old.metadata | {"rapidity": 0.3, "weight": 2.0}
    assert two_columns.anisotropy is None
    np.testing.assert_array_equal(two_columns.T, T)
    np.testing.assert_array_equal(new.anisotropy, ANISOTROPY)


def test_blocks_are_read_one_at_a_time(tmp_path):
    path = trajectories(tmp_path / "t.txt", block(), block()[:-2])
    tables = read_qtraj_trajectories(path)
    assert next(tables).metadata["pT"] == 6.4
    with pytest.raises(FileFormatError, match="block 2: 2 of 4 points"):
        next(tables)


def test_compressed_files(tmp_path):
    path = trajectories(tmp_path / "t.txt", block())
    packed = tmp_path / "t.txt.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    (table,) = read_qtraj_trajectories(packed)
    np.testing.assert_array_equal(table.T, T)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    st.lists(st.tuples(st.floats(0.01, 2.0), st.floats(1e-3, 4.9)), min_size=2, max_size=4),
    st.lists(st.floats(-20, 20), min_size=6, max_size=8),
    st.booleans(),
)
def test_round_trip_of_any_table(tmp_path, rows, meta, six):
    tau = np.cumsum([r[0] for r in rows])
    temperature = np.array([r[1] for r in rows])
    (table,) = read_qtraj_trajectories(trajectories(tmp_path / "t.txt", block(meta, tau, temperature, six)))
    np.testing.assert_array_equal(table.tau_fm, tau)
    np.testing.assert_array_equal(table.T, temperature)
    assert tuple(table.metadata.values()) == tuple(meta)


NAMES = ("b_fm", "x_fm", "y_fm", "eta", "pT", "phi", "rapidity", "weight")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    st.lists(
        st.lists(st.tuples(st.floats(0.01, 2.0), st.floats(1e-3, 4.9)), min_size=2, max_size=4),
        min_size=1,
        max_size=3,
    ),
    st.lists(st.floats(-20, 20), min_size=8, max_size=8),
    st.sampled_from([6, 7, 8]),
    st.sampled_from([2, 6]),
    st.sampled_from(["t.txt", "t.txt.gz"]),
    st.booleans(),
)
def test_what_is_written_is_read_back_to_the_digits_printed(
    tmp_path, rows, meta, n, columns, name, anisotropic
):
    tables = []
    for each in rows:
        T = np.array([r[1] for r in each])
        more = (
            {}
            if columns == 2 or not anisotropic
            else {"anisotropy": np.outer(T, [1, 2, 3]), "hard_scale": 2 * T}
        )
        metadata = dict(zip(NAMES, meta, strict=True))
        tables.append(TemperatureTable(np.cumsum([r[0] for r in each]), T, metadata=metadata, **more))
    path = tmp_path / name
    assert write_qtraj_trajectories(path, iter(tables), n_metadata=n, columns=columns) == len(tables)
    again = list(read_qtraj_trajectories(path))
    assert path.read_bytes()[:2] == (b"\x1f\x8b" if name.endswith("gz") else str(n).encode() + b"\n")
    for one, other in zip(tables, again, strict=True):
        digits = np.vectorize(lambda value: float(f"{value:.10g}"))
        assert list(other.metadata) == list(NAMES[:n])
        np.testing.assert_array_equal(list(other.metadata.values()), digits(meta[:n]))
        np.testing.assert_array_equal(other.T, digits(one.T))
        np.testing.assert_array_equal(other.tau_fm, digits(one.tau_fm))
        assert (other.anisotropy is None) == (columns == 2)
        if columns == 6:
            alpha = np.ones((len(one.T), 3)) if one.anisotropy is None else one.anisotropy
            np.testing.assert_array_equal(other.anisotropy, digits(alpha))
            np.testing.assert_array_equal(
                other.hard_scale, digits(one.T if one.hard_scale is None else one.hard_scale)
            )


def test_tables_that_cannot_be_written_are_refused_and_leave_no_file(tmp_path):
    full = TemperatureTable(TAU, T, ANISOTROPY, T, dict(zip(NAMES[:6], META, strict=True)))
    for tables, options, word in (
        ([], {}, "at least one table"),
        ([full], {"n_metadata": 7}, "without rapidity"),
        ([full], {"n_metadata": 5}, "6, 7 or 8"),
        ([full], {"columns": 2}, "anisotropy"),
        ([TemperatureTable(TAU, T)], {}, "without b_fm"),
        (7, {}, "list or an iterator"),
    ):
        with pytest.raises(InputError, match=word):
            write_qtraj_trajectories(tmp_path / "t.txt", tables, **options)
    assert not list(tmp_path.iterdir())


def bad_table(values):
    return lambda p: averaged(p, **values)


@pytest.mark.parametrize(
    ("write", "word"),
    [
        (lambda p: (p.write_text(""), p)[1], "empty"),
        (lambda p: p.with_name("absent"), "no such file"),
        (lambda p: truncate(averaged(p), 3), "truncated"),
        (lambda p: (p.write_text("# c\n5\n" + "\n".join(points(TAU, T)[1:]) + "\n"), p)[1], "4 of 5 points"),
        (lambda p: (p.write_text("# c\n3\n" + "\n".join(points(TAU, T)[1:]) + "\n"), p)[1], "more lines"),
        (lambda p: (p.write_text("# c\nmany\n"), p)[1], "not a finite number"),
        (lambda p: (p.write_text("# c\n1.5\n"), p)[1], "whole number"),
        (lambda p: (p.write_text("# c\n2\n0.4 x\n0.5 0.3\n"), p)[1], "not 2 lines"),
        (lambda p: (p.write_text("# c\n2\n0.4 0.3\n0.5\n"), p)[1], "not 2 lines"),
        (lambda p: (p.write_text("# c\n2\n0.4 0.3 1\n0.5 0.3 1\n"), p)[1], "3 columns"),
        (lambda p: trajectories(p, block()), "not a comment"),
        (bad_table({"tau": TAU[::-1]}), "increasing"),
        (bad_table({"tau": TAU[:1], "temperature": T[:1]}), "at least 2"),
        (bad_table({"tau": TAU / 0.15}), "GeV\\^-1"),
        (bad_table({"temperature": 1000 * T}), "MeV"),
        (bad_table({"temperature": -T}), "positive"),
        (bad_table({"temperature": [0.4, np.nan, 0.3, 0.2]}), "finite"),
    ],
)
def test_bad_averaged_files_are_refused(tmp_path, write, word):
    with pytest.raises(FileFormatError, match=word):
        read_qtraj_averaged(write(tmp_path / "T.txt"))


@pytest.mark.parametrize(
    ("lines", "word"),
    [
        (["0"], "whole number"),
        (["9"], "9 metadata lines"),
        (["t T"], "not a finite number"),
        (["# t T"], "no block"),  # a comment
        (["2", "1.0"], "truncated"),
        (["1", "nan"], "not a finite number"),
        ([""], "no block"),
    ],
)
def test_bad_trajectory_files_are_refused(tmp_path, lines, word):
    with pytest.raises(FileFormatError, match=word):
        list(read_qtraj_trajectories(trajectories(tmp_path / "t.txt", lines)))


def test_a_missing_trajectory_file_is_noticed_at_once(tmp_path):
    with pytest.raises(FileFormatError, match="no such file"):
        read_qtraj_trajectories(tmp_path / "absent")


# --- histories


def test_tables_of_one_grid_are_used_as_they_are():
    tables = [TemperatureTable(TAU, f * T, metadata={"pT": f, "phi": 0.0}) for f in (1.0, 0.9)]
    histories = histories_from_tables(tables, 0.25)
    np.testing.assert_array_equal(histories.tau_fm, TAU)
    np.testing.assert_array_equal(histories.T, [T, 0.9 * T])
    np.testing.assert_array_equal(histories.metadata["pT"], [1.0, 0.9])


def test_power_laws_survive_the_change_of_grid():
    # T ~ tau^-1/3 is a straight line in (ln tau, ln T), which the monotone cubic reproduces
    def bjorken(tau):
        return 0.4 * (0.4 / tau) ** (1 / 3)

    grids = (np.array([0.4, 0.7, 1.1, 2.5]), np.array([0.4, 0.5, 2.0]))
    histories = histories_from_tables(
        [TemperatureTable(g, bjorken(g)) for g in grids], 0.25, tau_start_fm=0.6
    )
    np.testing.assert_array_equal(histories.tau_fm, [0.6, 0.7, 1.1, 2.0, 2.5])
    np.testing.assert_allclose(histories.T[0], bjorken(histories.tau_fm), rtol=1e-12)
    np.testing.assert_allclose(histories.T[1, :-1], bjorken(histories.tau_fm[:-1]), rtol=1e-12)
    assert histories.T[1, -1] == bjorken(2.0)  # kept after the end of the table: cold


@pytest.mark.parametrize(
    ("tables", "T_end", "start", "word"),
    [
        ([], 0.25, None, "at least one"),
        ([TemperatureTable(TAU, T)], 0.15, None, "last temperature"),
        ([TemperatureTable(TAU, T)], -0.1, None, "positive"),
        ([TemperatureTable(TAU, T)], 0.25, 0.3, "at least 0.4"),
        ([TemperatureTable(TAU, T)], 0.25, 1.5, "before the last"),
        ([TemperatureTable(TAU, T), TemperatureTable(TAU + 0.1, T)], 0.25, None, "be given"),
    ],
)
def test_bad_requests_for_histories_are_refused(tables, T_end, start, word):
    with pytest.raises(InputError, match=word):
        histories_from_tables(tables, T_end, tau_start_fm=start)


def test_tables_that_end_hot_must_be_meant():
    hot, early = TemperatureTable(TAU, T), TemperatureTable(TAU[:-1], T[:-1])
    meant = histories_from_tables([hot], 0.15, allow_hot_end=True)
    assert meant.allow_hot_end
    assert meant[0].active[0][1] == pytest.approx(from_fm(TAU[-1]))
    # on one grid of times the heat of one that ends early would go on
    with pytest.raises(InputError, match="ends hot at") as caught:
        histories_from_tables([hot, early], 0.15, allow_hot_end=True)
    assert caught.value.argument == "allow_hot_end"


@pytest.mark.parametrize("extra", [{"anisotropy": -ANISOTROPY}, {"hard_scale": T[:2]}])
def test_bad_extra_columns_are_refused(extra):
    with pytest.raises(InputError) as caught:
        TemperatureTable(TAU, T, **extra)
    assert caught.value.argument in extra
