"""`qtraj view` of QTraj 1.0 output: which state a snapshot holds, units, norms; and the command itself."""

import json
import re
import shutil

import numpy as np
import pytest
from legacy_files import COLLECTED, SAMPLES
from numpy.testing import assert_allclose, assert_array_equal
from typer.testing import CliRunner

from qtraj.cli import app
from qtraj.errors import FileFormatError, InputError
from qtraj.plots import load_evolution, view
from qtraj.qtraj1 import (
    SummaryBlock,
    average_ratios,
    read_ratios,
    read_snapshot,
    read_summary,
    write_snapshot,
    write_summary,
)
from qtraj.qtraj1.convert import convert
from qtraj.units import HBARC

runner = CliRunner()
BJORKEN = SAMPLES / "bjorken" / "output-307"
BASIS = SAMPLES / "basis" / "output"
BOHR = 1 / (2.365 * 0.6239853)  # 1/(m alpha) of the samples


@pytest.fixture
def run(tmp_path):
    """A copy of the run with trajectories, to be changed."""
    return shutil.copytree(SAMPLES / "bjorken", tmp_path / "bjorken") / "output-307"


def test_the_evolution_without_jumps_is_the_first_block():
    data, rows = load_evolution(BJORKEN), read_summary(BJORKEN / "summary.tsv")[0]
    keep = [0, 1, 2, 4, 5, 6, 7]  # the start of the medium stands twice
    assert_array_equal(data.times_fm, rows.t_fm[keep])
    assert_array_equal(data.norm, rows.norm[keep])
    # printed for the normalized state where there are jumps: times the norm, the survival without jump
    assert_allclose(data.overlaps, rows.overlaps[keep] * rows.norm[keep, None], rtol=1e-14)
    assert_allclose(data.mean_radius, rows.r_mean[keep] * 1.5 * BOHR, rtol=1e-12)
    # a Gaussian exp(-r^2/(0.2 a0)^2) in three dimensions has <r> = sqrt(2/pi) 0.2 a0 (the sum over a grid of
    # 0.6 of its width: 1 percent)
    assert data.mean_radius[0] == pytest.approx(np.sqrt(2 / np.pi) * 0.2 * BOHR, rel=0.02)
    # at the end nearly the Coulomb 1S state, E = -m alpha^2/2, the rest in higher ones
    assert data.energy[-1] == pytest.approx(-2.365 * 0.6239853**2 / 2, rel=0.03)
    assert not data.jumps


def test_runs_without_jumps_are_brought_to_the_same_norms():
    """Both samples are the same physics; one prints columns of the state with its norm, in a smaller box."""
    jumps, none = load_evolution(BJORKEN), load_evolution(BASIS)
    # on eigenstates of the lattice instead of Coulomb functions: 2.5 percent for 3S, which feels the wall
    assert_allclose(none.overlaps[3:], jumps.overlaps[3:], rtol=0.04, atol=1e-6)
    assert_allclose(none.mean_radius[3:], jumps.mean_radius[3:], rtol=1e-3)
    assert_allclose(none.energy[3:], jumps.energy[3:], rtol=0.02)


def test_snapshots_of_a_run_without_jumps_are_its_normalized_states():
    data = load_evolution(BASIS)
    assert data.snapshots.tolist() == [0, 6]
    first, last = (np.sum(np.gradient(data.r) * np.abs(data.u[i]) ** 2) for i in (0, 6))
    # the sum over every point; norms are printed with six decimals, here 0.008697
    assert first == pytest.approx(1, abs=1e-5)
    assert last == pytest.approx(1, abs=1e-4)
    radius = np.sum(np.gradient(data.r) * data.r * np.abs(data.u[6]) ** 2)
    assert radius == pytest.approx(data.mean_radius[6], rel=1e-4)


def test_a_snapshot_belongs_to_the_last_trajectory_that_passed_its_step():
    bare = load_evolution(BJORKEN)
    assert bare.snapshots.tolist() == [0]
    assert "trajectory 39" in bare.notes[0]
    last = load_evolution(BJORKEN, trajectory=39)
    assert last.snapshots.tolist() == [0, 6]
    assert last.jumps
    # every third point of a wave packet is enough for its norm and radius
    assert np.sum(np.gradient(last.r) * np.abs(last.u[6]) ** 2) == pytest.approx(1, abs=1e-3)
    radius = np.sum(np.gradient(last.r) * last.r * np.abs(last.u[6]) ** 2)
    assert radius == pytest.approx(last.mean_radius[6], rel=1e-3)
    other = load_evolution(BJORKEN, trajectory=5)
    assert other.snapshots.tolist() == [0]
    assert (
        len(other.thinned(100, 100).r) == 25
    )  # a start narrower than the spacing does not shrink the view to it
    assert "--trajectory 39" in " ".join(other.notes)


def test_a_trajectory_begins_with_the_evolution_without_jumps():
    blocks = read_summary(BJORKEN / "summary.tsv")
    data, own = load_evolution(BJORKEN, trajectory=2), blocks[3]
    assert own.trajectory == 2
    assert_array_equal(data.times_fm[-len(own) :], own.t_fm)
    assert_array_equal(data.times_fm[: -len(own)], [t for t in np.unique(blocks[0].t_fm) if t < own.t_fm[0]])
    assert_array_equal(data.color[-2:], own.color[-2:])
    assert_array_equal(data.overlaps[-len(own) :], own.overlaps)
    never = load_evolution(BJORKEN, trajectory=0)  # its block is empty
    assert_array_equal(never.norm, load_evolution(BJORKEN).norm)


def test_a_state_that_has_just_jumped_is_normalized_by_its_own_norm(run):
    """QTraj writes the snapshot before it normalizes the state, and the norm 1 in the table."""
    blocks = list(read_summary(run / "summary.tsv"))
    own = blocks[-1]
    norm = own.norm.copy()
    norm[-1] = 1.0
    columns = (own.t_fm, norm, own.color, own.l, own.overlaps, own.r_mean, own.energy)
    blocks[-1] = SummaryBlock(own.trajectory, *columns)
    write_summary(run / "summary.tsv", blocks)
    before = read_snapshot(run / "snapshot_7471.tsv")
    write_snapshot(run / "snapshot_7471.tsv", before.r, 3.7 * before.u)
    data = load_evolution(run, trajectory=39)
    assert np.sum(np.gradient(data.r) * np.abs(data.u[-1]) ** 2) == pytest.approx(1, rel=1e-12)


def test_netcdf_made_of_a_folder_shows_the_same(run):
    target = run.parent / "run.nc"
    convert(run, target)
    text, packed = load_evolution(run, trajectory=39), load_evolution(target, trajectory=39)
    assert_array_equal(packed.u, text.u)
    assert_array_equal(packed.overlaps, text.overlaps)


def test_what_does_not_belong_together_is_named(run):
    params = run.parent / "input" / "params.txt"
    original = params.read_text(encoding="utf-8")

    def fails(old, new, match):
        params.write_text(re.sub(old, new, original), encoding="utf-8")
        with pytest.raises(FileFormatError, match=match):
            load_evolution(run)

    fails(r"\ndt\s+\S+", "\ndt 0.003", "snapshot_7471.tsv would be at 4.42")
    fails(r"doJumps\s+1", "doJumps 0", "it has trajectories")
    params.unlink()
    with pytest.raises(FileFormatError, match="--params"):
        load_evolution(run)
    elsewhere = run / "mine.txt"
    elsewhere.write_text(original, encoding="utf-8")
    assert len(load_evolution(run, params=elsewhere).times_fm) == 7
    with pytest.raises(InputError, match="from 0 to 39"):
        load_evolution(run, params=elsewhere, trajectory=40)
    with pytest.raises(InputError, match="no trajectories"):
        load_evolution(BASIS, trajectory=0)


def test_the_command_writes_all_views(tmp_path):
    out = tmp_path / "views"
    result = runner.invoke(app, ["view", str(BJORKEN), "--trajectory", "39", "--out", str(out)])
    assert result.exit_code == 0, result.stderr
    assert sorted(p.name for p in out.iterdir()) == ["view.gif", "view.html", "view.pdf", "view.png"]
    assert all(f"wrote {path}" in result.stdout for path in out.iterdir())
    page = (out / "view.html").read_text(encoding="utf-8")
    data = json.loads(re.search(r'type="application/json">(.*?)</script>', page, re.S)[1])
    assert "output-307: trajectory 39" in page
    radius = next(chart for chart in data["series"] if "radius" in chart["title"])["lines"][0]["values"]
    assert_allclose(radius, load_evolution(BJORKEN, trajectory=39).mean_radius * HBARC, rtol=1e-3)


def test_the_command_writes_what_it_is_asked_for(tmp_path):
    result = runner.invoke(app, ["view", str(BASIS), "--out", str(tmp_path), "--format", "html, png"])
    assert result.exit_code == 0, result.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["view.html", "view.png"]


def test_solve_writes_the_views_of_its_pair(tmp_path, monkeypatch):
    monkeypatch.setattr(view, "FRAMES", 3)  # each takes a tenth of a second
    flags = ["--T0", "0.3", "--duration", "0.2", "--width", "1", "--rtol", "0.05"]
    result = runner.invoke(app, ["solve", *flags, "--view", str(tmp_path / "out")])
    assert result.exit_code == 0, result.stderr
    assert (tmp_path / "out" / "view.gif").is_file()
    assert "ConstantTemperature(T=0.3" in (tmp_path / "out" / "view.html").read_text(encoding="utf-8")


def test_a_ratio_file_is_averaged():
    result = runner.invoke(app, ["view", str(COLLECTED)])
    assert result.exit_code == 0, result.stderr
    ratios = read_ratios(COLLECTED)
    assert "60 trajectories on 1 path" in result.stdout
    for l in ratios.angular_momenta:
        for mean in average_ratios(ratios, l=l).values():
            assert str(mean) in result.stdout
    assert "scatter over paths (the table holds one)" in result.stdout


@pytest.mark.parametrize(
    "flag", [["--out", "here"], ["--format", "png"], ["--trajectory", "1"], ["--params", "params.txt"]]
)
def test_flags_of_the_views_contradict_a_ratio_file(flag, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = runner.invoke(app, ["view", str(COLLECTED), *flag])
    assert result.exit_code == 2
    assert f"`{flag[0]}` must be left out with {COLLECTED}, a file of ratios" in result.stderr
    assert result.stdout == ""
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "fragments"),
    [
        (["none"], ["none", "no such file"]),
        ([str(SAMPLES)], ["summary.tsv", "qtraj solve --view"]),
        ([str(BJORKEN), "--format", "svg"], ["format", "svg", "html"]),
        ([str(BJORKEN), "--trajectory", "40"], ["trajectory", "40", "39"]),
        ([str(BJORKEN / "snapshot_0.tsv")], ["snapshot_0.tsv"]),
    ],
)
def test_a_mistake_is_one_line(arguments, fragments):
    result = runner.invoke(app, ["view", *arguments])
    assert result.exit_code == 2
    assert result.stderr.startswith("qtraj: ")
    assert result.stderr.count("\n") == 1
    for fragment in fragments:
        assert fragment in result.stderr
