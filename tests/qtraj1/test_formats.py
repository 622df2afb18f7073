"""The text files of QTraj 1.0: genuine ones come back byte for byte, damage is named with its line."""

import gzip
from itertools import chain

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from legacy_files import COLLECTED, RATIOS, SAMPLES
from stand_in import trajectory_block

from qtraj.errors import FileFormatError, InputError
from qtraj.hydro import read_qtraj_trajectories
from qtraj.qtraj1 import (
    RatioTable,
    Snapshot,
    SummaryBlock,
    iterate_ratios,
    iterate_summary,
    read_averaged_ratios,
    read_basis,
    read_ratios,
    read_snapshot,
    read_summary,
    thinned,
    write_basis,
    write_ratios,
    write_snapshot,
    write_summary,
)
from qtraj.states import STATES

SUMMARY = SAMPLES / "bjorken" / "output-307" / "summary.tsv"
SNAPSHOT = SAMPLES / "bjorken" / "output-307" / "snapshot_7471.tsv"
BASIS = SAMPLES / "basis" / "output" / "basisfunctions.tsv"
DX = 20 / 256  # of BASIS: L 20, num 255


def copy_snapshot(source, target):
    snapshot = read_snapshot(source)
    return write_snapshot(target, snapshot.r, snapshot.u, magnitude=snapshot.magnitude)


COPIES = {
    "ratios": lambda source, target: write_ratios(target, read_ratios(source)),
    "summary": lambda source, target: write_summary(target, iterate_summary(source)),
    "snapshot": copy_snapshot,
    "basisfunctions": lambda source, target: write_basis(target, read_basis(source)),
}


@pytest.mark.parametrize("path", sorted(SAMPLES.rglob("*.tsv")), ids=lambda p: f"{p.parts[-3]}-{p.stem}")
@pytest.mark.parametrize("ending", ["tsv", "tsv.gz"])
def test_genuine_files_come_back_byte_for_byte(path, ending, tmp_path):
    target = COPIES[path.stem.split("_")[0]](path, tmp_path / f"copy.{ending}")
    data = target.read_bytes()
    assert (gzip.decompress(data) if ending.endswith("gz") else data) == path.read_bytes()


# what the README of the samples says about them
def test_ratios_hold_the_documented_numbers():
    table = read_ratios(RATIOS)
    assert len(table) == 40
    assert table.metadata is None
    np.testing.assert_array_equal(table.ratios[0], [38.2618, 3.0033, 0, 1.71083, 0, 0])
    assert (table.r0[0], table.l[0]) == (0.00116552, 0)


def test_a_collection_holds_both_waves_with_their_metadata():
    table = read_ratios(COLLECTED)
    assert len(table) == 60
    assert table.angular_momenta == (0, 1)
    assert set(table.metadata) == {"5.25\t1.30\t-0.75\t0.10\t6.40\t2.15"}
    p_wave = table.select(table.l == 1)
    assert len(p_wave) == 20
    assert p_wave.ratios[10, 2] == 0.000192439


def test_the_summary_has_an_unnumbered_block_and_one_for_each_trajectory():
    blocks = read_summary(SUMMARY)
    assert [block.trajectory for block in blocks] == [None, *range(40)]
    assert [len(block) for block in blocks[:2]] == [8, 0]  # trajectory 0 did not jump
    assert blocks[0].norm[-1] == 0.008697
    assert set(np.concatenate([block.color for block in blocks])) == {0, 1}


def test_the_row_of_the_ratios_is_the_last_overlap_over_the_first():
    first = read_summary(SUMMARY)[0]
    row = read_ratios(RATIOS).ratios[0]
    # both files print about six digits
    np.testing.assert_allclose(
        first.overlaps[-1, [0, 1, 3]] / first.overlaps[0, [0, 1, 3]], row[[0, 1, 3]], rtol=2e-6
    )


def test_the_snapshot_of_the_start_is_normalized_on_its_coarse_points():
    snapshot = read_snapshot(SAMPLES / "bjorken" / "output-307" / "snapshot_0.tsv")
    assert len(snapshot) == 173
    assert (snapshot.r[0], snapshot.r[-1], snapshot.u[0], snapshot.u[-1]) == (0, 40, 0, 0)
    # |u| is rounded apart from Re u and Im u, to six digits each
    np.testing.assert_allclose(snapshot.magnitude, np.abs(snapshot.u), rtol=2e-5)


def test_stored_eigenstates_are_orthonormal_within_their_l():
    states = read_basis(BASIS)
    assert states.shape == (6, 255)
    s_waves = states[[0, 1, 3]]
    # 17 digits are stored; what is left is the eigensolver of the original
    np.testing.assert_allclose(DX * s_waves @ s_waves.T, np.eye(3), atol=1e-10)


finite = st.floats(0, 1e300, allow_subnormal=False)
LINE = st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), max_size=12)


def six_digits(values):
    return np.array([float(f"{v:g}") for v in np.ravel(values)]).reshape(np.shape(values))


@st.composite
def ratio_tables(draw):
    n = draw(st.integers(1, 6))
    ratios = draw(hnp.arrays(float, (n, 6), elements=st.just(0.0) | finite))
    # the state at the end has one l
    own = draw(hnp.arrays(int, n, elements=st.integers(0, 2)))
    ratios[own[:, None] != np.array([state.l for state in STATES])] = 0
    r0 = draw(hnp.arrays(float, n, elements=st.floats(0, 1)))
    l = draw(hnp.arrays(int, n, elements=st.integers(0, 3)))
    # one tab at least: text with the eight words of a row is a row to any reader
    lines = draw(st.none() | st.lists(LINE.map(lambda text: f"b\t{text}"), min_size=n, max_size=n))
    return RatioTable(ratios, r0, l, None if lines is None else tuple(lines))


TWICE = RatioTable(np.zeros((3, 6)), np.zeros(3), np.array([1, 0, 1]))
"""Rows A, B, A: what a third run with the same seed may append to."""


@settings(max_examples=60)
@example(table=TWICE, more=True)
@given(table=ratio_tables(), more=st.booleans())
def test_any_ratios_come_back_to_six_digits(tmp_path_factory, table, more):
    path = tmp_path_factory.mktemp("ratios") / "ratios.tsv"
    write_ratios(path, table)
    if more:
        write_ratios(path, table, append=True)
    again = read_ratios(path, metadata=table.metadata is not None)
    times = 1 + more
    np.testing.assert_array_equal(again.ratios, np.tile(six_digits(table.ratios), (times, 1)))
    np.testing.assert_array_equal(again.r0, np.tile(six_digits(table.r0), times))
    np.testing.assert_array_equal(again.l, np.tile(table.l, times))
    assert again.metadata == (table.metadata and table.metadata * times)


numbers = st.floats(-1e300, 1e300)


@settings(max_examples=40)
@given(
    lengths=st.lists(st.integers(0, 3), min_size=1, max_size=4),
    values=hnp.arrays(float, (12, 8), elements=numbers),
    times=hnp.arrays(float, (12, 2), elements=st.floats(0, 100)),
)
def test_any_summary_comes_back(tmp_path_factory, lengths, values, times):
    if not sum(lengths):
        lengths[0] = 1  # a file without a line is no summary
    blocks, stops = [], np.cumsum(lengths)
    for i, (length, stop) in enumerate(zip(lengths, stops, strict=True)):
        at = slice(stop - length, stop)
        color = np.arange(length) % 2
        columns = (color, color + 3, values[at, :6], values[at, 6], values[at, 7])
        blocks.append(SummaryBlock(i - 1 if i else None, times[at, 0], times[at, 1], *columns))
    path = tmp_path_factory.mktemp("summary") / "summary.tsv"
    again = read_summary(write_summary(path, blocks))
    for before, after in zip(blocks, again, strict=True):
        assert after.trajectory == before.trajectory
        # %.6f and %.6e
        np.testing.assert_allclose(after.t_fm, before.t_fm, rtol=0, atol=5.0001e-7)
        np.testing.assert_allclose(after.overlaps, before.overlaps, rtol=5.0001e-7, atol=0)
        np.testing.assert_array_equal(after.l, before.l)
    text = path.read_bytes()
    assert write_summary(path, again).read_bytes() == text


@settings(max_examples=40)
@given(u=hnp.arrays(complex, st.integers(1, 20), elements=st.complex_numbers(max_magnitude=1e200)))
def test_basis_files_keep_every_bit_and_snapshots_six_digits(tmp_path_factory, u):
    folder = tmp_path_factory.mktemp("states")
    states = read_basis(write_basis(folder / "basisfunctions.tsv", u[None]), num=len(u))
    np.testing.assert_array_equal(states[0].view(float), u.view(float))
    np.testing.assert_array_equal(np.signbit(states[0].view(float)), np.signbit(u.view(float)))
    snapshot = read_snapshot(write_snapshot(folder / "snapshot_1.tsv", np.arange(len(u)), u))
    np.testing.assert_array_equal(snapshot.u.view(float), six_digits(u.view(float)))


@pytest.mark.parametrize(
    ("num", "points", "kept"), [(511, 128, 171), (255, 128, 255), (255, 255, 255), (7, 1, 1)]
)
def test_thinning_keeps_the_walls_and_every_strided_point(num, points, kept):
    u = np.arange(1, num + 1) * (1 + 2j)
    snapshot = thinned(u, 40.0, points)
    assert len(snapshot) == kept + 2
    np.testing.assert_allclose(snapshot.r[1:-1] * (num + 1) / 40, snapshot.u[1:-1].real, rtol=1e-14)
    assert (snapshot.r[0], snapshot.r[-1], snapshot.u[0], snapshot.u[-1]) == (0, 40, 0, 0)


def test_huge_files_are_read_in_pieces_that_make_the_whole(tmp_path):
    n = 20000
    rng = np.random.default_rng(5)
    metadata = tuple(f"5.25\t{i // 100}" for i in range(n))
    table = RatioTable(rng.random((n, 6)), rng.random(n), np.zeros(n), metadata)
    path = write_ratios(tmp_path / "ratios.tsv.gz", table)
    pieces = list(iterate_ratios(path))
    assert len(pieces) > 2
    assert tuple(chain.from_iterable(piece.metadata for piece in pieces)) == metadata
    # one string for each path, not for each row
    assert len({id(line) for piece in pieces for line in piece.metadata}) == n // 100
    np.testing.assert_array_equal(np.concatenate([piece.r0 for piece in pieces]), six_digits(table.r0))


ROW = "0.5\t0\t0\t0\t0\t0\t0.25\t0"
EIGHT_VALUES = "5.25\t1.3\t0.75\t0.1\t6.4\t2.1\t0.3\t1"  # may be a row


def write(tmp_path, text, name="ratios.tsv"):
    path = tmp_path / name
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([ROW], False),
        ([ROW, ROW, ROW], False),
        (["5.25\t1.30\t-0.75\t0.10\t6.40\t2.15", ROW], True),
        ([EIGHT_VALUES.replace("0.75", "-0.75"), ROW], True),  # no ratio is negative
        ([EIGHT_VALUES.replace("0.3\t", "1.3\t"), ROW], True),  # no random number exceeds 1
        ([EIGHT_VALUES, ROW, EIGHT_VALUES, ROW], True),  # comes again
    ],
)
def test_metadata_are_recognized(tmp_path, lines, expected):
    table = read_ratios(write(tmp_path, "\n".join(lines) + "\n"))
    assert (table.metadata is not None) == expected
    assert len(table) == len(lines) // (1 + expected)


def test_a_first_line_that_may_be_either_is_not_guessed(tmp_path):
    path = write(tmp_path, f"{EIGHT_VALUES.replace('1.3', '1.30')}\n{ROW}\n")
    with pytest.raises(FileFormatError, match="metadata=True"):
        read_ratios(path)
    assert len(read_ratios(path, metadata=True)) == 1
    assert len(read_ratios(path, metadata=False)) == 2


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "empty"),
        (f"{ROW}\n{ROW}", "line 2 has no end: truncated"),
        (f"{ROW}\n0.5\t0\t0\n", "line 2: 3 columns instead of 8"),
        (f"{ROW}\n{ROW}\t1\n", "line 2: 9 columns instead of 8"),
        (f"{ROW}\n{ROW.replace('0.5', 'nan')}\n", "line 2: 'nan' is no finite number"),
        (f"{ROW}\n{ROW.replace('0.5', 'inf')}\n", "line 2: 'inf' is no finite number"),
        (f"{ROW}\n{ROW.replace('0.5', '-1')}\n", "line 2 is no row"),
        (f"{ROW}\n{ROW.replace('0.25', '1.5')}\n", "line 2 is no row"),
        (f"b\n{ROW}\nb\n", "line 3 is metadata without a row"),
        (f"b\n{ROW}\nb\nb\n", "line 4: 1 columns"),
    ],
)
def test_damaged_ratios_are_named_with_their_line(tmp_path, text, problem):
    path = write(tmp_path, text)
    with pytest.raises(FileFormatError, match=problem) as caught:
        read_ratios(path)
    assert str(path) in str(caught.value)


SUMMARY_ROW = "0.0\t1.0\t0\t0" + "\t0.5" * 8


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"{SUMMARY_ROW}\n# Trajectory\n", "line 2: '# Trajectory' is no heading"),
        (f"{SUMMARY_ROW}\n# Trajectory Number 0\n{SUMMARY_ROW}\t1\n", "line 3: 13 columns instead of 12"),
        (f"{SUMMARY_ROW}\n{SUMMARY_ROW.replace('1.0', 'nan')}\n# Trajectory Number 0\n", "line 2: 'nan'"),
        (SUMMARY_ROW.replace("\t0\t0", "\t2\t0") + "\n", "line 1: columns 3 and 4"),
        (f"{SUMMARY_ROW}\n{SUMMARY_ROW[:-1]}", "line 2 has no end"),
    ],
)
def test_damaged_summaries_are_named_with_their_line(tmp_path, text, problem):
    with pytest.raises(FileFormatError, match=problem):
        read_summary(write(tmp_path, text))


def test_other_damage_is_an_error_of_ours(tmp_path):
    packed = COLLECTED.read_bytes()
    (tmp_path / "cut.gz").write_bytes(packed[:-20])
    with pytest.raises(FileFormatError, match="cannot be read"):
        read_ratios(tmp_path / "cut.gz")
    with pytest.raises(FileFormatError, match="cannot be read"):
        read_ratios(tmp_path / "none.tsv")
    (tmp_path / "binary").write_bytes(bytes(range(128, 256)))
    with pytest.raises(FileFormatError, match="not a text file"):
        read_snapshot(tmp_path / "binary")
    with pytest.raises(FileFormatError, match="1530 lines are not 6 states of 256 points"):
        read_basis(BASIS, num=256, count=6)
    with pytest.raises(FileFormatError, match="1530 lines are not 4 states"):
        read_basis(BASIS, count=4)


def test_rows_with_and_without_metadata_are_not_mixed(tmp_path):
    table = read_ratios(RATIOS)
    path = write_ratios(tmp_path / "ratios.tsv", table)
    before = path.read_bytes()
    with pytest.raises(FileFormatError, match="without metadata, the new ones come with"):
        write_ratios(path, RatioTable(table.ratios, table.r0, table.l, ["5.25"] * 40), append=True)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "make",
    [
        lambda: RatioTable(np.zeros((2, 5)), np.zeros(2), np.zeros(2)),
        lambda: RatioTable(np.zeros((0, 6)), np.zeros(0), np.zeros(0)),
        lambda: RatioTable(np.full((1, 6), np.nan), np.zeros(1), np.zeros(1)),
        lambda: RatioTable(np.zeros((1, 6)), np.full(1, 1.5), np.zeros(1)),
        lambda: RatioTable(np.zeros((1, 6)), np.zeros(1), np.full(1, 0.5)),
        lambda: RatioTable(np.zeros((1, 6)), np.zeros(1), np.zeros(1), ("a", "b")),
        lambda: SummaryBlock(None, [0], [1], [0], [0], np.zeros((2, 6)), [1], [1]),
        lambda: Snapshot([0.0, 1.0], [0.0]),
        lambda: Snapshot([0.0], [np.inf]),
        lambda: thinned(np.ones(7), 40.0, 8),
    ],
)
def test_what_no_file_can_hold_is_refused(make):
    with pytest.raises(InputError):
        make()


def test_a_failed_write_leaves_nothing(tmp_path):
    block = SummaryBlock(3, [0], [1], [0], [0], np.zeros((1, 6)), [1], [1])
    with pytest.raises(InputError, match="first block"):
        write_summary(tmp_path / "summary.tsv", [block])
    with pytest.raises(InputError, match="at least one line"):
        write_summary(tmp_path / "summary.tsv", [])
    with pytest.raises(InputError, match="no line feed"):
        write_ratios(tmp_path / "r.tsv", RatioTable(np.zeros((1, 6)), [0.0], [0], ("a\nb",)))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "saved",
    [
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: b"# f\xfcr Z\xfcrich\n" + text,
        lambda text: b"\xef\xbb\xbf# from a spreadsheet\r\n" + text.replace(b"\n", b"\r\n"),
    ],
)
@pytest.mark.parametrize("kind", ["ratios", "with metadata", "averages", "trajectories"])
def test_what_an_editor_does_to_a_file_does_no_harm(tmp_path, kind, saved):
    """`line 1 may be a row or a line of metadata`, `line 3 is metadata without a row`, `is not a text file`."""
    row = [0.3, 0.2, 0, 0.1, 0, 0, 0.5, 0]
    metadata = "0\t1.2\t3.4\t5\t6\t7\t8\t1\n"
    lines = {
        "ratios": ["\t".join(map(str, row)) + "\n"] * 3,
        "with metadata": [metadata + "\t".join(map(str, row)) + "\n"] * 3,
        "averages": [metadata + "\t".join(map(str, [*row[:4], 0, 0, 0.1, 0.01, 0, 0, 0, 0, 100, 0])) + "\n"]
        * 3,
        "trajectories": [trajectory_block(3.0, i) for i in range(3)],
    }
    read = {"averages": read_averaged_ratios, "trajectories": lambda p: list(read_qtraj_trajectories(p))}
    plain, changed = tmp_path / "plain.tsv", tmp_path / "changed.tsv"
    text = "".join(lines[kind]).encode()
    plain.write_bytes(text)
    changed.write_bytes(saved(text))
    expected, found = (read.get(kind, read_ratios)(path) for path in (plain, changed))
    if kind == "trajectories":
        expected, found = expected[-1], found[-1]
        np.testing.assert_array_equal(found.T, expected.T)
    else:
        name = "mean" if kind == "averages" else "ratios"
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    assert found.metadata == expected.metadata
