"""`qtraj legacy` as a program: the genuine files come out again, and no finished trajectory is lost."""

import json
import shutil
import sys
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from legacy_files import SAMPLES
from legacy_runs import no_jump, parameters
from typer.testing import CliRunner

from qtraj.campaign.reading import cited
from qtraj.cli import app
from qtraj.errors import FileFormatError, InputError
from qtraj.qtraj1 import read_basis, read_params, read_ratios, read_summary, write_params
from qtraj.qtraj1.program import output as files
from qtraj.qtraj1.program.output import Screen
from qtraj.qtraj1.program.run import pairs, run_legacy

FAST = {
    "num": 63,
    "L": 20,
    "dt": 0.02,
    "kappa": 4,
    "gam": 0,
    "T0": 0.6,
    "Tf": 0.35,
    "tmed": 1,
    "snapFreq": 50,
}
"""A short medium on a coarse grid."""


class Quiet(Screen):
    """Keeps what is printed, and may interrupt after some trajectories."""

    def __init__(self, interrupt_at=None):
        self.printed = []
        self.interrupt_at = interrupt_at
        super().__init__(self.printed.append)

    @contextmanager
    def bar(self, what, total):
        def tick(done):
            if what == "trajectories" and done == self.interrupt_at:
                raise KeyboardInterrupt

        yield tick


def run(p, directory, **changes):
    return run_legacy(p, directory, screen=changes.pop("screen", Quiet()), **changes)


@pytest.fixture
def sample_folder(tmp_path):
    """A copy of the input of a genuine run."""

    def copy(name):
        shutil.copytree(SAMPLES / name / "input", tmp_path / name / "input")
        return tmp_path / name

    return copy


def deterministic_rows(path):
    """What stands before the first trajectory of a summary."""
    return path.read_text(encoding="utf-8").partition("#")[0]


def same_bytes(one, other):
    return one.read_bytes() == other.read_bytes()


def test_the_basis_run_comes_out_byte_for_byte(sample_folder):
    folder, genuine, screen = sample_folder("basis"), SAMPLES / "basis", Quiet()
    out = run(read_params(folder / "input" / "params.txt"), folder, screen=screen)
    assert out == folder / "output"
    for name in ("ratios.tsv", "summary.tsv", "snapshot_0.tsv"):
        assert same_bytes(out / name, genuine / "output" / name), name
    # at the end the sixth digit of its smallest values, 1e-9 of the largest, is rounding
    end, known = (np.loadtxt(each / "snapshot_7471.tsv") for each in (out, genuine / "output"))
    np.testing.assert_allclose(end, known, rtol=6e-6, atol=1e-13)
    # eigenvectors of two libraries: equal but for the sign and rounding
    ours, theirs = (read_basis(each / "basisfunctions.tsv") for each in (out, genuine / "output"))
    signs = np.sign(np.sum(ours * theirs, axis=1).real)
    np.testing.assert_allclose(ours, signs[:, None] * theirs, atol=1e-10)
    # the screen, but for date, version and the name of a library
    kept = [line for line in screen.printed if not line.startswith(("qtraj", "Done"))]
    known = (genuine / "screen.txt").read_text(encoding="utf-8").replace(" (Armadillo)", "").splitlines()
    assert kept == [line for line in known if not line.startswith(("QTraj", "Done"))]


def test_stored_eigenstates_reproduce_the_run_that_computed_them(sample_folder):
    folder = sample_folder("basis")
    shutil.copy(SAMPLES / "basis" / "output" / "basisfunctions.tsv", folder / "input")
    changes = pairs(["-projType", "2", "-basisFunctionsFile", "input/basisfunctions.tsv"])
    out = run(read_params(folder / "input" / "params.txt", changes), folder)
    assert same_bytes(out / "ratios.tsv", SAMPLES / "basis" / "output" / "ratios.tsv")
    assert not (out / "basisfunctions.tsv").exists()


@pytest.mark.parametrize(("init_type", "proj_type"), [(100, 1), (200, 2)])
def test_starts_in_computed_and_stored_eigenstates(init_type, proj_type, tmp_path):
    shutil.copy(SAMPLES / "basis" / "output" / "basisfunctions.tsv", tmp_path)
    p = parameters(
        initType=init_type, projType=proj_type, initN=2, basisFunctionsFile="basisfunctions.tsv", num=255, L=20,
        temperatureEvolution=3, maxSteps=1200, Tf=0.1, tmed=0.9,
    )  # fmt: skip
    setup, evolution = no_jump(p, tmp_path)
    start = evolution.rows.overlaps[0]
    np.testing.assert_allclose(start, [0, 1, 0, 0, 0, 0], atol=1e-14)
    # a computed eigenstate gives raw overlaps, a stored one ratios: of 2S the same
    assert evolution.ratios[1] == pytest.approx(evolution.overlaps[1], rel=1e-12)
    assert (setup.masses is not None) == (init_type == 100)


@pytest.mark.parametrize(("name", "output"), [("bjorken", "output-307"), ("trajectory", "output-420")])
def test_deterministic_parts_of_the_runs_with_jumps(sample_folder, name, output):
    folder = sample_folder(name)
    # rMax below the no-jump norm: no trajectory is evolved, and a row is either the no-jump one or zeros
    changes = pairs(["-rMax", "0.005", "-nTrajectories", "1500"])
    out = run(read_params(folder / "input" / "params.txt", changes), folder)
    assert out.name == output
    genuine = SAMPLES / name / output
    assert deterministic_rows(out / "summary.tsv") == deterministic_rows(genuine / "summary.tsv")
    for snapshot in genuine.glob("snapshot_[01]*.tsv"):  # no jump has happened before the medium
        assert same_bytes(out / snapshot.name, snapshot)
    # the row of a trajectory that does not jump, its random number apart
    table, known = read_ratios(out / "ratios.tsv"), read_ratios(genuine / "ratios.tsv")
    np.testing.assert_array_equal(table.ratios[np.argmin(table.r0)], known.ratios[np.argmin(known.r0)])
    assert table.metadata is None or set(table.metadata) == set(known.metadata)


@pytest.mark.parametrize(("name", "output"), [("bjorken", "output-307"), ("trajectory", "output-420")])
def test_trajectories_go_on_from_the_states_of_the_original(name, output):
    # first random numbers and first rows of 80 genuine trajectories
    p = read_params(SAMPLES / name / "input" / "params.txt")
    _, evolution = no_jump(p, SAMPLES / name)
    table = read_ratios(SAMPLES / name / output / "ratios.tsv")
    blocks = read_summary(SAMPLES / name / output / "summary.tsv")[1:]
    for r0, block in zip(table.r0, blocks, strict=True):
        assert (len(block) == 0) == (r0 < evolution.norm)
        if len(block):
            start = evolution.start_for(r0, p.snapFreq)
            assert f"{start.norm:.6f}" == f"{block.norm[0]:.6f}"
            assert start.step * p.dt * 0.197326938 == pytest.approx(block.t_fm[0], abs=1e-6)


def test_a_run_with_jumps_writes_every_file(tmp_path):
    p = parameters(FAST, doJumps=1, nTrajectories=12, snapPts=15, dirnameWithSeed=1, randomseed=9,
                   outputSummaryFile=1, saveWavefunctions=1)  # fmt: skip
    screen = Quiet()
    out = run(p, tmp_path, screen=screen)
    assert out.name == "output-9"
    table, blocks = read_ratios(out / "ratios.tsv"), read_summary(out / "summary.tsv")
    assert len(table) == 12
    assert [block.trajectory for block in blocks] == [None, *range(12)]
    record = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert record["parameters"]["randomseed"] == 9
    assert record["parameters"]["T0"] == 0.6
    assert record["transform"] == "scipy"
    # a snapshot is that of the last trajectory that passed
    last = next(block for block in reversed(blocks) if len(block))
    snapshots = sorted(int(path.stem.split("_")[1]) for path in out.glob("snapshot_*.tsv"))
    assert snapshots == [0, 50, 100, 150, 200, 250, setup_total(p)]
    values = np.loadtxt(out / f"snapshot_{setup_total(p)}.tsv")
    assert 0.2 < np.sum(values[:, 1] ** 2) * (p.num // p.snapPts) * p.L / 64 / last.norm[-1] < 5
    assert any("12 trajectories" in line for line in screen.printed)


def setup_total(p):
    return no_jump(p)[0].steps.total


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("genuine", [True, False])
def test_an_existing_output_is_refused_and_not_touched(genuine, sample_folder, tmp_path):
    if genuine:
        folder = sample_folder("basis")
        shutil.copytree(SAMPLES / "basis" / "output", folder / "output")
        p = read_params(folder / "input" / "params.txt")
    else:
        folder, p = tmp_path, parameters(FAST, doJumps=1, nTrajectories=3, outputSummaryFile=1)
        run(p, folder)
    before, screen = contents(folder / "output"), Quiet()
    with pytest.raises(FileFormatError, match=r"earlier run \(.*--append adds rows.*--overwrite replaces"):
        run(p, folder, screen=screen)
    assert contents(folder / "output") == before
    assert screen.printed == []


def test_append_adds_rows_of_another_seed_and_changes_no_other_file(tmp_path):
    p = parameters(FAST, doJumps=1, nTrajectories=3, outputSummaryFile=1, saveWavefunctions=1, projType=1)
    first, screen = run(p, tmp_path), Quiet()
    before = contents(first)
    out = run(replace(p, randomseed=2), tmp_path, existing="append", screen=screen)
    assert out == first
    alone = run(replace(p, randomseed=2), tmp_path / "alone")
    after = contents(out)
    assert after.pop("ratios.tsv") == before.pop("ratios.tsv") + (alone / "ratios.tsv").read_bytes()
    record = json.loads(after.pop("run.json"))
    assert record["parameters"] == json.loads(before.pop("run.json"))["parameters"]
    assert [each["parameters"]["randomseed"] for each in record["appended"]] == [2]
    assert after == before
    assert any("Adding rows" in line and "stay those of the earlier run" in line for line in screen.printed)
    for seed in (1, 2):  # the first run and the added one
        with pytest.raises(InputError, match=r"randomseed.*count twice"):
            run(replace(p, randomseed=seed), tmp_path, existing="append")
    (out / "run.json").unlink()  # the rows know their seed, too
    for seed in (1, 2):
        with pytest.raises(InputError, match="random numbers of this seed"):
            run(replace(p, randomseed=seed, nTrajectories=5), tmp_path, existing="append")
    run(replace(p, randomseed=3), tmp_path, existing="append")
    assert len(read_ratios(out / "ratios.tsv")) == 9


def test_append_to_an_output_of_the_original(sample_folder):
    folder = sample_folder("bjorken")
    shutil.copytree(SAMPLES / "bjorken" / "output-307", folder / "output-307")
    before = contents(folder / "output-307")
    p = replace(read_params(folder / "input" / "params.txt"), rMax=0.005, nTrajectories=2)
    with pytest.raises(InputError, match="output-307 is the output of a run with this seed"):
        run(p, folder, existing="append")
    assert contents(folder / "output-307") == before
    shutil.move(folder / "output-307", folder / "output")
    out = run(replace(p, dirnameWithSeed=False), folder, existing="append")
    after = contents(out)
    assert after.pop("ratios.tsv").startswith(before.pop("ratios.tsv"))
    assert "parameters" not in json.loads(after.pop("run.json"))  # those of the earlier run are not known
    assert after == before
    assert "Omar2022" in {each.reference.key for each in cited(out)}


def test_append_without_earlier_output_is_an_ordinary_run(tmp_path):
    p = parameters(FAST, doJumps=1, nTrajectories=3, outputSummaryFile=1)
    assert set(contents(run(p, tmp_path, existing="append"))) == {"ratios.tsv", "summary.tsv", "run.json"}


def test_a_row_without_jumps_is_not_added_twice_nor_to_jumps(tmp_path):
    p = parameters(FAST, randomseed=1)
    run(p, tmp_path)
    with pytest.raises(FileFormatError, match="a row of this kind already"):
        run(replace(p, randomseed=2), tmp_path, existing="append")
    with pytest.raises(FileFormatError, match="rows of a run without jumps"):
        run(replace(p, randomseed=2, doJumps=True), tmp_path, existing="append")
    out = run(replace(p, randomseed=2, initL=1, initN=2), tmp_path, existing="append")
    assert read_ratios(out / "ratios.tsv").angular_momenta == (0, 1)
    run(replace(p, doJumps=True), tmp_path, existing="overwrite")
    with pytest.raises(FileFormatError, match="rows of a run with jumps"):
        run(replace(p, randomseed=2), tmp_path, existing="append")


def test_overwrite_leaves_nothing_of_the_earlier_run(tmp_path):
    p = parameters(FAST, doJumps=1, nTrajectories=3, outputSummaryFile=1, saveWavefunctions=1, projType=1)
    out = run(p, tmp_path)
    (out / "notes.txt").write_text("mine", encoding="utf-8")
    other = replace(p, snapFreq=200, projType=0, nTrajectories=2)
    run(other, tmp_path, existing="overwrite")
    after = contents(out)
    assert after.pop("notes.txt") == b"mine"
    assert after == contents(run(other, tmp_path / "fresh"))


def test_what_fails_early_replaces_nothing_and_leaves_nothing(tmp_path):
    p = parameters(FAST, doJumps=1, nTrajectories=3)
    before = contents(run(p, tmp_path))
    bad = replace(p, projType=2, basisFunctionsFile="absent.tsv")
    for where in (tmp_path, tmp_path / "fresh"):
        with pytest.raises(FileFormatError, match="absent"):
            run(bad, where, existing="overwrite")
    assert contents(tmp_path / "output") == before
    assert not (tmp_path / "fresh").exists()
    with pytest.raises(InputError, match="existing"):
        run(p, tmp_path, existing="add")
    (tmp_path / "output" / "run.json").write_text("{", encoding="utf-8")
    with pytest.raises(FileFormatError, match=r"run\.json: is damaged"):
        run(replace(p, randomseed=5), tmp_path, existing="append")


@pytest.mark.parametrize("at", [1, 4])
def test_an_interrupted_run_keeps_finished_trajectories(at, tmp_path, monkeypatch):
    p = parameters(FAST, doJumps=1, nTrajectories=9, outputSummaryFile=1)
    whole = run(p, tmp_path / "whole")
    monkeypatch.setattr(files, "FLUSH_EVERY", 0.0)
    with pytest.raises(KeyboardInterrupt):
        run(p, tmp_path / "cut", screen=Quiet(interrupt_at=at))
    cut = tmp_path / "cut" / "output"
    lines = (whole / "ratios.tsv").read_text(encoding="utf-8").splitlines(keepends=True)
    assert (cut / "ratios.tsv").read_text(encoding="utf-8") == "".join(lines[:at])
    assert len(read_summary(cut / "summary.tsv")) == 1 + at
    assert not list(cut.glob(".*"))


BLOCKS = "2\n5.25\n1.30\n3\n0.2\t0.60\n0.4\t0.42\n1.2\t0.2\n", "2\n7.5\n-0.2\n2\n0.2\t0.55\n1.2\t0.25\n"


def test_blocks_of_a_trajectory_file_run_one_after_another(tmp_path):
    p = parameters(FAST, doJumps=1, nTrajectories=5, temperatureEvolution=2, temperatureFile="file.txt")
    for name, text in (("one", BLOCKS[0]), ("two", BLOCKS[1]), ("both", "".join(BLOCKS))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file.txt").write_text(text, encoding="utf-8")
    one, two, both = (run(p, tmp_path / name) for name in ("one", "two", "both"))
    table = read_ratios(both / "ratios.tsv")
    assert table.metadata == ("5.25\t1.30",) * 5 + ("7.5\t-0.2",) * 5
    np.testing.assert_array_equal(table.ratios[:5], read_ratios(one / "ratios.tsv").ratios)
    # other trajectories have other random numbers
    assert not np.any(np.isin(table.r0[5:], read_ratios(two / "ratios.tsv").r0))


def test_bad_input_is_found_before_anything_is_written(tmp_path):
    p = parameters(FAST, temperatureEvolution=2, temperatureFile="file.txt")
    with pytest.raises(FileFormatError, match=r"file\.txt"):
        run(p, tmp_path)
    (tmp_path / "file.txt").write_text(BLOCKS[0] + BLOCKS[1][:-12] + "\n", encoding="utf-8")
    with pytest.raises(FileFormatError, match="block 2"):
        run(p, tmp_path)
    with pytest.raises(InputError, match="doJumps"):
        run(parameters(FAST, doJumps=1, stepper=2), tmp_path)
    with pytest.raises(InputError, match="initC"):
        run(parameters(FAST, potential=1, initC=1), tmp_path)
    assert not (tmp_path / "output").exists()


def test_fftw_without_pyfftw_is_refused_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyfftw", None)
    with pytest.raises(InputError, match=r"qtraj\[fftw\]"):
        run_legacy(parameters(FAST), tmp_path, transform="fftw")
    with pytest.raises(InputError, match="scipy with stepper 1"):  # which has no transform
        run_legacy(parameters(FAST, stepper=1), tmp_path, transform="fftw")
    assert not list(tmp_path.iterdir())


def test_rows_with_and_without_metadata_do_not_mix(tmp_path):
    run(parameters(FAST), tmp_path)
    (tmp_path / "file.txt").write_text(BLOCKS[0], encoding="utf-8")
    p = parameters(FAST, temperatureEvolution=2, temperatureFile="file.txt", randomseed=2)
    with pytest.raises(FileFormatError, match="metadata"):
        run(p, tmp_path, existing="append")


def test_the_clock_is_a_recorded_seed(tmp_path, monkeypatch):
    monkeypatch.setattr("qtraj.qtraj1.program.run.time.time", lambda: 1_700_000_000.5)
    p = parameters(FAST, doJumps=1, nTrajectories=2, randomseed=0, dirnameWithSeed=1)
    out = run(p, tmp_path)
    assert out.name == "output-1700000000"
    again = run(parameters(FAST, doJumps=1, nTrajectories=2, randomseed=1_700_000_000), tmp_path)
    assert same_bytes(out / "ratios.tsv", again / "ratios.tsv")


def test_command_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_params("params.txt", parameters(FAST))
    result = CliRunner().invoke(
        app, ["legacy", "params.txt", "-T0", "0.5", "-gam", "-1.75", "-dirnameWithSeed", "1"]
    )
    assert result.exit_code == 0, result.stderr
    assert "T0 = 0.5" in result.stdout
    assert "gam = -1.75" in result.stdout
    assert "wrote output-1" in result.stdout
    assert result.stderr == ""  # no bar where there is no terminal
    expected = no_jump(parameters(FAST, T0=0.5, gam=-1.75))[1].ratios
    np.testing.assert_allclose(read_ratios("output-1/ratios.tsv").ratios[0], expected, rtol=6e-6)


@pytest.mark.parametrize("words", [["-T0"], ["T0", "0.5"], ["-T0", "0.5", "-Tf"]])
def test_words_that_are_no_pairs_are_refused(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_params("params.txt", parameters(FAST))
    result = CliRunner().invoke(app, ["legacy", "params.txt", *words])
    assert result.exit_code == 2
    assert result.stderr.startswith("qtraj: ")
    assert result.stderr.count("\n") == 1


def test_command_line_and_existing_output(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_params("params.txt", parameters(FAST, doJumps=1, nTrajectories=2))

    def legacy(*words):
        return CliRunner().invoke(app, ["legacy", "params.txt", *words])

    assert legacy().exit_code == 0
    for words, fragment in (
        ([], "--append adds rows"),
        (["--append"], "randomseed"),
        (["--append", "--overwrite", "-randomseed", "2"], "`--append` must be left out with --overwrite"),
    ):
        result = legacy(*words)
        assert result.exit_code == 2
        assert fragment in result.stderr
        assert len(read_ratios("output/ratios.tsv")) == 2
    assert legacy("--append", "-randomseed", "2").exit_code == 0
    assert len(read_ratios("output/ratios.tsv")) == 4
    assert legacy("-randomseed", "2", "--overwrite").exit_code == 0
    assert len(read_ratios("output/ratios.tsv")) == 2
