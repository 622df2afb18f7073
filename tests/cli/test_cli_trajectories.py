"""`qtraj convert --to qtraj-trajectories`: what qtraj samples, for the C++ code."""

import gzip
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from legacy_runs import CASES, INPUTS, parameters
from stand_in import RUN_FILE, ExponentialDecay, make_run_file
from typer.testing import CliRunner

from qtraj.campaign.plan import make_plan
from qtraj.campaign.reading import trajectory_tables
from qtraj.campaign.results import merge
from qtraj.campaign.run import run
from qtraj.cli import app
from qtraj.hydro import read_qtraj_trajectories
from qtraj.qtraj1.program.steps import histories

TEXT = RUN_FILE.replace("b_fm = [9.2, 2.3]", 'b_fm = [9.2, 2.3]\nhydro = "shipped-3d"').replace(
    "[paths]", "[paths]\nrapidity = [-1.5, 3.0]"
)
DIGITS = 5e-10  # relative; ten significant ones are printed


@pytest.fixture(scope="module")
def run_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("convert") / "run.toml"
    path.write_text(TEXT)
    return path


def convert(*arguments):
    return CliRunner().invoke(app, ["convert", *map(str, arguments), "--to", "qtraj-trajectories"])


@pytest.mark.parametrize("n", [6, 7, 8])
@pytest.mark.parametrize("name", ["t.txt", "t.txt.gz"])
def test_paths_of_a_run_file_are_written_with_their_rapidity(run_file, tmp_path, n, name):
    done = convert(run_file, tmp_path / name, "--metadata", n)
    assert done.exit_code == 0, done.output
    written = list(read_qtraj_trajectories(tmp_path / name))
    plan = make_plan(make_run_file(TEXT))
    assert len(written) == sum(source.count for source in plan.sources) == 16
    number = 0
    for source in plan.sources:
        batch = source.batch(0, source.count)
        for i, history in enumerate(batch.histories):
            table = written[number]
            np.testing.assert_allclose(table.tau_fm, history.tau_fm, rtol=DIGITS)
            np.testing.assert_allclose(table.T, history.T, rtol=DIGITS)
            np.testing.assert_array_equal(table.hard_scale, table.T)
            y = batch.paths["rapidity"][i]
            known = [batch.paths[k][i] for k in ("b_fm", "x_fm", "y_fm")] + [y]
            known += [batch.paths[k][i] for k in ("pT", "phi")] + [y, 1.0]
            np.testing.assert_allclose(list(table.metadata.values()), known[:n], rtol=DIGITS)
            number += 1
    assert {t.metadata["eta"] for t in written} == {
        t.metadata["eta"] for t in written if -1.5 <= t.metadata["eta"] <= 3
    }
    assert min(t.metadata["eta"] for t in written) < -0.5 < 1.0 < max(t.metadata["eta"] for t in written)


def test_a_run_and_its_merged_result_have_the_paths_of_the_run_file(run_file, tmp_path):
    run(make_run_file(TEXT), tmp_path / "run", solve=ExponentialDecay())
    merge(tmp_path / "run" / "store", tmp_path / "merged.nc", [])
    for i, source in enumerate((run_file, tmp_path / "run", tmp_path / "merged.nc")):
        assert convert(source, tmp_path / f"{i}.txt").exit_code == 0
    first = (tmp_path / "0.txt").read_bytes()
    assert (tmp_path / "1.txt").read_bytes() == first
    assert (tmp_path / "2.txt").read_bytes() == first


def test_a_trajectory_file_and_a_netcdf_of_histories_are_sources_too(run_file, tmp_path):
    tables = list(trajectory_tables(run_file))[:8]  # of one impact parameter, so of one grid of times
    assert convert(run_file, tmp_path / "all.txt.gz", "--metadata", 8).exit_code == 0
    assert convert(tmp_path / "all.txt.gz", tmp_path / "six.txt").exit_code == 0
    six = gzip.decompress((tmp_path / "all.txt.gz").read_bytes()).decode()
    assert six != (tmp_path / "six.txt").read_text()
    # from six lines, eight again: a pair stays at the space-time rapidity that is its own
    assert convert(tmp_path / "six.txt", tmp_path / "eight.txt.gz", "--metadata", 8).exit_code == 0
    assert gzip.decompress((tmp_path / "eight.txt.gz").read_bytes()).decode() == six
    columns = {
        name: ("path", [t.metadata[name] for t in tables]) for name in ("b_fm", "x_fm", "y_fm", "pT", "phi")
    }
    columns |= {"rapidity": ("path", [t.metadata["rapidity"] for t in tables])}
    columns |= {"T": (("path", "time"), [t.T for t in tables]), "tau": ("time", tables[0].tau_fm)}
    xr.Dataset(columns).to_netcdf(tmp_path / "paths.nc", engine="h5netcdf")
    done = convert(tmp_path / "paths.nc", tmp_path / "again.txt", "--metadata", 8)
    assert done.exit_code == 0, done.output
    assert six.startswith((tmp_path / "again.txt").read_text())


def test_denser_times_are_on_the_curve_of_the_history(run_file, tmp_path):
    assert convert(run_file, tmp_path / "t.txt", "--dtau", 0.07, "--columns", 2).exit_code == 0
    table = next(iter(read_qtraj_trajectories(tmp_path / "t.txt")))
    history = make_plan(make_run_file(TEXT)).sources[0].batch(0, 1).histories[0]
    np.testing.assert_allclose(np.diff(table.tau_fm)[:-1], 0.07, rtol=1e-6)
    assert table.tau_fm[-1] == pytest.approx(history.tau_fm[-1])
    np.testing.assert_allclose(table.T, history.temperature(table.tau_fm / 0.1973269804), rtol=1e-9)
    assert table.anisotropy is None


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--to", "root"], "qtraj-trajectories"),
        (["--metadata", "8"], "--to"),
        (["--dtau", "0.1"], "--to"),
        (["--to", "qtraj-trajectories", "--metadata", "5"], "6, 7 or 8"),
        (["--to", "qtraj-trajectories", "--dtau", "-1"], "positive"),
    ],
)
def test_flags_that_do_not_go_together_are_refused(run_file, tmp_path, arguments, word):
    done = CliRunner().invoke(app, ["convert", str(run_file), str(tmp_path / "t.txt"), *arguments])
    assert done.exit_code != 0
    assert word in " ".join((done.output + str(done.exception)).split())
    assert not list(tmp_path.iterdir())


def test_an_existing_file_is_kept(run_file, tmp_path):
    (tmp_path / "t.txt").write_text("mine")
    assert convert(run_file, tmp_path / "t.txt").exit_code != 0
    assert (tmp_path / "t.txt").read_text() == "mine"
    assert convert(run_file, tmp_path / "t.txt", "--force").exit_code == 0


def test_the_media_of_qtraj_1_are_those_that_were_written(run_file, tmp_path):
    """T at the steps of the C++ code: of its own file as before, of sampled paths as `qtraj.solve` takes it.

    The original adds 1e-4 GeV to T, and its natural splines differ from the monotone ones where T bends; with points
    0.02 fm/c apart by less than 2e-4 of T where the medium acts.
    """
    p = parameters(CASES["file_trajectory"]["parameters"])
    assert convert(INPUTS / str(p.temperatureFile), tmp_path / "again.txt").exit_code == 0
    (one,) = histories(p, INPUTS)
    (other,) = histories(replace(p, temperatureFile="again.txt"), tmp_path)
    np.testing.assert_array_equal(other.T, one.T)

    assert convert(run_file, tmp_path / "sampled.txt", "--dtau", 0.02, "--metadata", 8).exit_code == 0
    p = replace(p, temperatureFile="sampled.txt", Tf=0.25, dt=0.02, maxSteps=4000)
    plan = make_plan(make_run_file(TEXT))
    sampled = [h for source in plan.sources for h in source.batch(0, source.count).histories]
    media = list(histories(p, tmp_path))
    assert len(media) == len(sampled)
    for steps, history in zip(media, sampled, strict=True):
        acts = np.flatnonzero(steps.T > 0.2502)
        assert (len(acts) > 0) == (history.T.max() > 0.25)
        if len(acts):
            tau = np.array([steps.time_fm(step) for step in acts])
            known = history.temperature(tau / 0.197326938)
            np.testing.assert_allclose(steps.T[acts] - 1e-4, known, rtol=2e-4)
