"""params.txt: what the original reads is read the same, and what it would silently misread is refused."""

from dataclasses import replace
from math import isfinite

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from legacy_files import PARAMS, SAMPLES

from qtraj.errors import FileFormatError, InputError
from qtraj.qtraj1 import LegacyParameters, describe_keys, read_params, write_params
from qtraj.qtraj1.files.parameters import KEYS, REQUIRED

GENUINE = sorted(SAMPLES.rglob("params.txt"))
TEXT = PARAMS.read_text(encoding="utf-8")


def write(tmp_path, text):
    path = tmp_path / "params.txt"
    path.write_text(text, encoding="utf-8")
    return path


def changed(key, line):
    """The genuine file with the line of one key replaced."""
    old = next(each for each in TEXT.splitlines() if each.split()[0] == key)
    return TEXT.replace(f"{old}\n", line and f"{line}\n")


def test_a_genuine_file_is_read_with_its_types():
    p = read_params(PARAMS)
    assert (p.potential, p.doJumps, p.nTrajectories, p.num) == (0, True, 40, 511)
    assert (p.m, p.mass, p.tmed, p.dt) == (2.365, 4.73, 3.0406390839551767, 0.002)
    assert p.kappa_hat == "central"
    assert p.output_folder == "output-307"
    assert replace(p, dirnameWithSeed=False).output_folder == "output"
    assert replace(p, kappa=2.5).kappa_hat == 2.5


@pytest.mark.parametrize("path", GENUINE, ids=lambda path: path.parts[-3])
def test_genuine_files_survive_a_round_trip(path, tmp_path):
    p = read_params(path)
    written = write_params(tmp_path / "params.txt", p)
    assert read_params(written) == p
    # the original cuts longer lines and wants one pair in each
    lines = written.read_text().splitlines()
    assert max(map(len, lines)) <= 127
    assert all(line.startswith("//") or len(line.split()) == 2 for line in lines)


@settings(max_examples=40)
@given(
    dt=st.floats(1e-6, 1.0),
    gam=st.floats(-4, 4),
    kappa=st.floats(0, 1e6) | st.sampled_from([-1.0, -2.0, -3.0]),
    seed=st.integers(-1, 2**31 - 1),
    name=st.text("abcXYZ019_./-", min_size=1, max_size=40).filter(lambda name: not name.startswith("//")),
    jumps=st.booleans(),
)
def test_every_value_comes_back_exactly(tmp_path_factory, dt, gam, kappa, seed, name, jumps):
    p = replace(
        read_params(PARAMS), dt=dt, gam=gam, kappa=kappa, randomseed=seed, outfileID=name, doJumps=jumps
    )
    path = tmp_path_factory.mktemp("params") / "params.txt"
    assert read_params(write_params(path, p)) == p


def test_a_value_that_reads_as_a_comment_is_not_written(tmp_path):
    with pytest.raises(InputError, match="comment") as caught:
        write_params(tmp_path / "params.txt", replace(read_params(PARAMS), outfileID="//a"))
    assert caught.value.argument == "outfileID"


def test_comments_blanks_tabs_order_and_long_lines_do_not_matter(tmp_path):
    lines = [line for line in TEXT.splitlines() if not line.startswith("//")]
    spaced = [f"  {line.replace(chr(9), '   ')}   // {'x' * 200}" for line in reversed(lines)]
    text = "\n\n".join(["// heading", "   // another", *spaced]).replace("L   40   //", "L 40//")
    assert read_params(write(tmp_path, text)) == read_params(PARAMS)


def test_a_path_may_hold_a_double_slash_but_not_after_a_blank(tmp_path):
    path = write(tmp_path, TEXT + "temperatureFile\t./input//T.txt\t// the file\n")
    assert read_params(path).temperatureFile == "./input//T.txt"


def test_overrides_replace_the_file_and_the_last_one_counts():
    p = read_params(PARAMS, [("-num", "1023"), ("L", "80"), ("-num", "2047"), ("-doJumps", "0")])
    assert (p.num, p.L, p.doJumps) == (2047, 80.0, False)
    assert replace(p, num=511, L=40.0, doJumps=True) == read_params(PARAMS)


def test_keys_that_do_not_change_a_split_step_run_may_be_missing(tmp_path):
    text = "".join(
        f"{line}\n" for line in TEXT.splitlines() if line.split()[0] not in ("stepper", "nThreads", "mdfac")
    )
    assert read_params(write(tmp_path, text)) == read_params(PARAMS)


# line numbers are those of the genuine file
@pytest.mark.parametrize(
    ("key", "line", "fragments"),
    [
        ("num", "nmu 511", ["line 30", "unknown key `nmu`", "`num`", "put // before"]),
        ("doJumps", "DOJUMPS 1", ["unknown key `DOJUMPS`", "`doJumps`"]),
        ("num", "", ["missing keys: num", "points of the grid"]),
        ("num", "num 511\nnum 255", ["line 31", "already set in line 30"]),
        ("num", "num", ["line 30", "`num` must be a whole number at least 15"]),
        ("num", "num 1e3", ["line 30", "'1e3'"]),
        ("num", "num 7", ["line 30", "at least 15, but is 7"]),
        ("L", "L 40 GeV^-1", ["line 31", "`L` must be a finite number above 0", "begins with //"]),
        ("L", "L nan", ["`L` must"]),
        ("doJumps", "doJumps 2", ["line 4", "0 or 1"]),
        ("kappa", "kappa -0.5", ["central", "write -1"]),
        ("kappa", "kappa -4", ["-1 (central fit), -2 (lower), -3 (upper)"]),
        ("potential", "potential 1", ["`doJumps` must be 0 with the KSU potential"]),
        ("potential", "potential 3", ["one of 0, 1, 2", "2 anisotropic KSU"]),
        ("temperatureEvolution", "temperatureEvolution 1", ["`temperatureFile` must be given"]),
        ("temperatureEvolution", "temperatureEvolution 2", ["with temperatureEvolution 2"]),
        ("T0", "T0 0.25", ["line 13", "`T0` must be above Tf (0.25 GeV)"]),
        ("T0", "T0 425", ["at most 5, but is 425"]),
        ("t0", "t0 15", ["`t0` must be below 14.9387 GeV^-1", "never act"]),
        ("initL", "initL 1", ["`initN` must be above initL (1)", "1P state is initN 2"]),
        ("projType", "projType 2", ["`basisFunctionsFile` must be given with projType 2"]),
        ("initType", "initType 200", ["`basisFunctionsFile` must be given with initType 200"]),
        ("initType", "initType 2", ["one of 0, 1, 100, 200"]),
        ("rMax", "rMax 1.5", ["above 0 and at most 1"]),
        ("rMax", "rMax 0", ["above 0 and at most 1"]),
        ("nTrajectories", "nTrajectories 0", ["at least 1"]),
        ("snapPts", "snapPts 512", ["`snapPts` must be at most num (511)"]),
        ("dt", "dt 50", ["`dt` must be far below the box"]),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_with_file_and_line(tmp_path, key, line, fragments):
    path = write(tmp_path, changed(key, line))
    with pytest.raises(FileFormatError) as caught:
        read_params(path)
    message = str(caught.value)
    for fragment in [str(path), *fragments]:
        assert fragment in message


@pytest.mark.parametrize(
    ("overrides", "fragments"),
    [
        ([("-initType", "100"), ("-initN", "4")], ["`-initN`", "(3, 2)"]),
        ([("-initType", "100"), ("-nBasis", "2"), ("-initN", "3")], ["`-initN`", "nBasis = 2", "(2, 0)"]),
        ([("-potential", "1"), ("-doJumps", "0"), ("-stepper", "2")], ["`-stepper`", "KSU"]),
        ([("-tmed", "0")], ["`-tmed`", "above 0"]),
        ([("-nTrajectorie", "3")], ["`-nTrajectorie`", "`nTrajectories`"]),
    ],
)
def test_a_bad_override_is_named_with_its_flag(overrides, fragments):
    with pytest.raises(InputError) as caught:
        read_params(PARAMS, overrides)
    for fragment in fragments:
        assert fragment in str(caught.value)


@pytest.mark.parametrize(
    ("given", "idle", "condition"),
    [
        ([], [("mdfac", "2"), ("temperatureFile", "T.txt"), ("maxSteps", "7")], "acts with"),
        ([], [("basisFunctionsFile", "b")], "projType 2 or initType 200"),
        ([("-potential", "1"), ("-doJumps", "0")], [("kappa", "3"), ("gam", "-1")], "potential 0"),
        ([("-temperatureEvolution", "2"), ("-temperatureFile", "T.txt")], [("T0", "0.4")], "Evolution 0 or 3"),
        ([("-initType", "0")], [("initWidth", "1")], "initType 1"),
        ([("-doJumps", "0"), ("-dirnameWithSeed", "0")],
         [("nTrajectories", "5"), ("maxJumps", "5"), ("rMax", "0.5"), ("randomseed", "5")], "doJumps 1"),
        ([("-stepper", "1")], [("derivType", "1")], "stepper 0"),
        ([("-saveWavefunctions", "0")], [("snapPts", "64")], "saveWavefunctions 1"),
    ],
)  # fmt: skip
def test_an_override_without_effect_is_named(given, idle, condition):
    read_params(PARAMS, given)
    for name, text in idle:
        with pytest.raises(InputError, match=f"`-{name}` must be left out: here it has no effect") as caught:
            read_params(PARAMS, [*given, (f"-{name}", text)])
        assert condition in str(caught.value)


def test_an_override_with_effect_is_taken():
    without = [("-doJumps", "0"), ("-randomseed", "5")]  # the sample writes to output-SEED
    assert read_params(PARAMS, without).output_folder == "output-5"
    stored = [("-initType", "200"), ("-basisFunctionsFile", "b")]
    assert read_params(PARAMS, stored).basisFunctionsFile == "b"


def test_the_ksu_potential_needs_its_debye_mass_factor(tmp_path):
    path = write(tmp_path, changed("mdfac", ""))
    with pytest.raises(FileFormatError, match="missing keys: mdfac"):
        read_params(path, [("-potential", "1"), ("-doJumps", "0")])


def test_what_is_no_text_file_is_refused(tmp_path):
    with pytest.raises(FileFormatError, match="cannot be read"):
        read_params(tmp_path / "none.txt")
    binary = tmp_path / "binary.txt"
    binary.write_bytes(b"num \xff\xfe\0")
    with pytest.raises(FileFormatError, match="not a text file"):
        read_params(binary)


def test_a_line_that_the_original_would_cut_is_not_written(tmp_path):
    p = replace(read_params(PARAMS), temperatureFile="x" * 127)
    with pytest.raises(InputError, match="127 characters"):
        write_params(tmp_path / "params.txt", p)
    assert not list(tmp_path.iterdir())


@settings(max_examples=100)
@given(st.text(max_size=60), st.sampled_from(sorted(KEYS)))
def test_any_text_after_a_key_is_a_value_or_an_error_of_ours(tmp_path_factory, text, key):
    path = tmp_path_factory.mktemp("params") / "params.txt"
    path.write_text(
        changed(key, "") if key in REQUIRED else TEXT.replace(f"\n{key}\t", "\n//"), encoding="utf-8"
    )
    try:
        value = getattr(read_params(path, [(key, text)]), key)
    except (InputError, FileFormatError):
        return
    assert KEYS[key].checked(key, value) == value
    assert isinstance(value, str) or isfinite(value)


def test_wrong_types_are_refused_without_a_file():
    given_values = read_params(PARAMS).given()
    for key, value in [
        ("num", 511.0),
        ("num", True),
        ("m", "2"),
        ("m", float("inf")),
        ("outfileID", ""),
        ("doJumps", 2),
    ]:
        with pytest.raises(InputError, match=key):
            LegacyParameters(**{**given_values, key: value})
    assert LegacyParameters(**{**given_values, "L": 40, "doJumps": 1}) == read_params(PARAMS)


def test_every_key_is_described():
    table = describe_keys()
    assert [row[0] for row in table] == list(KEYS)
    assert all(meaning and today for _, _, meaning, today in table)
