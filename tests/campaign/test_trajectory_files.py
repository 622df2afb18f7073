"""Trajectory files in a run: each path has the impact parameter, participants and rapidity that its metadata say."""

from functools import partial

import numpy as np
import pytest
from stand_in import RUN_FILE, ExponentialDecay, make_run_file, trajectory_block
from typer.testing import CliRunner

import qtraj.campaign.run as campaign
from qtraj.campaign.plan import make_plan
from qtraj.campaign.reading import load_survivals
from qtraj.campaign.results import merge, open_results, summary
from qtraj.campaign.run import run
from qtraj.campaign.sources import glauber, participants
from qtraj.campaign.store import status
from qtraj.cli import app
from qtraj.errors import FileFormatError, InputError
from qtraj.io.config import parse_config
from qtraj.io.results import estimate_from
from qtraj.observables.data.systems import load_system
from qtraj.observables.feeddown import MESON_NAMES, FeedDown
from qtraj.observables.overview import overview
from qtraj.pages.report import report_contents
from qtraj.pages.run import load_run, representative, setup
from qtraj.radial.laguerre import LaguerreMesh
from qtraj.solvers.density import evolution as density_in_time
from qtraj.solvers.density.method import DensityMatrix

RNG = np.random.default_rng(9)
FEW = np.tile([9.2, 2.3, 6.0], 48)
MANY = 12 * np.sqrt(RNG.random(400))  # as collisions are distributed


def run_file(path, blocks, keys="", method=""):
    path.write_text("".join(blocks), encoding="utf-8")
    text = RUN_FILE.replace("b_fm = [9.2, 2.3]", 'hydro = "files"').replace("[output]", f"{method}\n[output]")
    text = text.replace("[paths]\nn = 4\nreplicates = 2\n", "")
    text = text.replace("[1.0, 0.5]", "[1.0]").replace("[-1.75, 0.0]", "[-1.75]")
    entry = f'[[medium.files]]\npath = "{path}"\nformat = "qtraj_trajectories"\n{keys}\n'
    return make_run_file(text + entry)


def paths_file(path, b_fm, metadata=8, **options):
    return run_file(path, [trajectory_block(b, i, metadata) for i, b in enumerate(b_fm)], **options)


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """A run with three impact parameters in one file, and its folder."""
    folder = tmp_path_factory.mktemp("few")
    return run(
        paths_file(folder / "paths.txt", FEW), folder / "out", solve=ExponentialDecay()
    ), folder / "out"


def test_each_impact_parameter_is_a_point_with_its_own_participants(few):
    prediction, folder = few
    np.testing.assert_allclose(prediction["b_fm"], [9.2, 6.0, 2.3])
    model = glauber(make_run_file().config.system)
    expected = [model.n_part(b) for b in (9.2, 6.0, 2.3)]
    np.testing.assert_allclose(prediction["n_part"], expected, atol=1e-3)  # of the spline
    results = open_results(folder / "store")
    np.testing.assert_allclose(results["b_fm"], FEW)
    assert [row.b_fm for row in summary(prediction, ["Y(1S)"], ())] == pytest.approx([2.3, 6.0, 9.2])
    survival = results["survival"].sel(l=0, state="1S").isel(setting=0).values
    found = prediction["survival"].sel(meson="Y(1S)").isel(setting=0)
    np.testing.assert_allclose(found, [survival[b == FEW].mean() for b in (9.2, 6.0, 2.3)], rtol=1e-12)


def assert_same_curve(prediction, folder):
    """What `qtraj run` quotes is what `qtraj observe` of its folder quotes: values, errors and every part of them."""
    found = load_survivals(folder)
    panels = overview(found.tables, system=load_system(found.system), feeddown=FeedDown.named(found.feeddown))
    (panel,) = (panel for panel in panels if panel.name == "raa_npart")
    np.testing.assert_allclose(prediction["n_part"], panel.curve.x, rtol=1e-12)
    for name, curve in (("raa", panel.curve), ("raa_no_jump", panel.parts["no_jump"])):
        quoted = estimate_from(prediction, name)
        for j, meson in enumerate(MESON_NAMES):
            np.testing.assert_allclose(quoted.value[0, j], curve[meson].value, rtol=1e-12)
            np.testing.assert_allclose(quoted.error[0, j], curve[meson].error, rtol=1e-9)
            assert quoted.parts.keys() == curve[meson].parts.keys() >= {"paths", "branching"}
            for part, sizes in curve[meson].parts.items():
                # atol: derivatives that cancel leave rounding of numbers of order one
                np.testing.assert_allclose(quoted.parts[part][0, j], sizes, rtol=1e-9, atol=1e-15)
            assert quoted.not_estimated == curve[meson].not_estimated


def test_the_run_and_its_observables_agree(few):
    assert_same_curve(*few)


@pytest.mark.parametrize("budget", ["all", "replicate"])
@pytest.mark.parametrize("feeddown", ["group", "pdg2026"])
def test_a_run_of_fluids_and_its_observables_agree(tmp_path, budget, feeddown):
    keys = f'[method]\nbudget = "{budget}"\n[observables]\nfeeddown = "{feeddown}"\n[output]'
    run_file = make_run_file(RUN_FILE.replace("[output]", keys))
    assert_same_curve(run(run_file, tmp_path, solve=ExponentialDecay()), tmp_path)


def weighted(block, weight):
    lines = block.splitlines()
    lines[8] = str(weight)  # after the number of metadata lines, the last of eight
    return "\n".join(lines) + "\n"


def test_weights_of_paths_count_at_their_impact_parameter(tmp_path):
    blocks = [weighted(trajectory_block(b, i), 1 + i % 2) for i, b in enumerate([9.2, 9.2, 2.3, 2.3] * 8)]
    prediction = run(run_file(tmp_path / "p.txt", blocks), tmp_path / "out", solve=ExponentialDecay())
    assert_same_curve(prediction, tmp_path / "out")
    # the same paths with one in two written twice
    twice = [b for block in blocks for b in [block] * (2 if weighted(block, 2) == block else 1)]
    twice = [weighted(block, 1) for block in twice]
    repeated = run(run_file(tmp_path / "q.txt", twice), tmp_path / "twice", solve=ExponentialDecay())
    np.testing.assert_allclose(prediction["raa"], repeated["raa"], rtol=1e-12)
    many = [weighted(trajectory_block(b, i), 1 + i % 2) for i, b in enumerate(MANY)]
    with pytest.raises(InputError, match="be the same for all paths of R_AA in bins"):
        run(run_file(tmp_path / "r.txt", many), tmp_path / "many", solve=ExponentialDecay())


def test_a_continuum_of_impact_parameters_is_binned_as_in_the_observables(tmp_path):
    """In a bin each impact parameter counts with the collisions it stands for, however often it was drawn."""
    prediction = run(paths_file(tmp_path / "p.txt", MANY), tmp_path / "out", solve=ExponentialDecay())
    assert 1 < prediction.sizes["geometry"] < 10
    assert np.all(np.diff(prediction["raa"].sel(meson="Y(1S)")[0]) < 0)  # hotter in the center
    assert_same_curve(prediction, tmp_path / "out")
    too_few = run(paths_file(tmp_path / "f.txt", MANY[:40]), tmp_path / "f", solve=ExponentialDecay())
    np.testing.assert_allclose(
        too_few["b_fm"], [MANY[:40].mean()], rtol=1e-6
    )  # one point of all: eight digits


def test_participants_between_the_points_of_the_spline_are_those_of_the_model():
    system = make_run_file().config.system
    b = RNG.random(5) * 15
    np.testing.assert_allclose(participants(system)(b), [glauber(system).n_part(x) for x in b], atol=1e-3)
    assert np.all(participants(system)(np.array([0.0, 20.0, 35.0, 100.0])) > 0)


def test_rapidity_is_kept_and_selects_paths(few, tmp_path):
    folder = few[1]
    merged = merge(folder / "store", tmp_path / "merged.nc")
    for source in (folder, merged):
        table = next(iter(load_survivals(source).tables.values()))
        np.testing.assert_allclose(table.y, -4 + (np.arange(len(FEW)) * 0.23) % 8, rtol=1e-7)
        assert 0 < len(table.select(y=(-2.4, 2.4))) < len(table)
    panels = {p.name for p in overview(load_survivals(folder).tables, system=load_system("PbPb5020"))}
    assert "raa_y" in panels


def test_older_files_have_no_rapidity_and_fluids_are_at_mid_rapidity(tmp_path):
    run(paths_file(tmp_path / "p.txt", FEW, metadata=6), tmp_path / "old", solve=ExponentialDecay())
    run(make_run_file(), tmp_path / "fluid", solve=ExponentialDecay())
    old, fluid = (next(iter(load_survivals(tmp_path / name).tables.values())) for name in ("old", "fluid"))
    assert old.y is None
    assert np.all(fluid.y == 0)


def test_the_report_of_several_impact_parameters(few, monkeypatch):
    coarse = DensityMatrix(mesh=LaguerreMesh(40, 0.15), l_max=5, step=2.8, error_budget=False)
    monkeypatch.setitem(density_in_time.FINE, True, coarse)
    loaded = load_run(few[1])
    words = setup(loaded)
    assert "144 ready-made ones" in words["Paths"]
    assert "Sobol" not in words["Paths"]
    assert "2.3 to 9.2 (38" in words["Medium"]
    _, which = representative(loaded)
    assert "at b = 2.3 fm" in which
    assert "mean of 48 paths" in which
    contents = report_contents(loaded)
    assert contents.moments is not None
    assert "raa_npart" in {figure["name"] for figure in contents.figures}


def test_the_representative_path_is_found_in_any_of_several_files(tmp_path):
    first = paths_file(tmp_path / "a.txt", [9.2, 6.0] * 20)
    (tmp_path / "b.txt").write_text("".join(trajectory_block(2.3, i) for i in range(30)), encoding="utf-8")
    entry = f'[[medium.files]]\npath = "{tmp_path}/b.txt"\nformat = "qtraj_trajectories"\n'
    prediction = run(make_run_file(first.text + entry), tmp_path / "out", solve=ExponentialDecay())
    np.testing.assert_allclose(prediction["b_fm"], [9.2, 6.0, 2.3])
    history, which = representative(load_run(tmp_path / "out"))
    assert "at b = 2.3 fm" in which
    assert history.T[0] == pytest.approx(0.45 - 0.012 * 2.3, abs=2e-3)


def test_the_whole_command(tmp_path, monkeypatch):
    file = tmp_path / "run.toml"
    file.write_text(paths_file(tmp_path / "p.txt", FEW).text, encoding="utf-8")
    monkeypatch.setattr(campaign, "run", partial(campaign.run, solve=ExponentialDecay()))
    result = CliRunner().invoke(app, ["run", str(file), "--output", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    assert "b = 2.3 to 9.2 fm" in result.stderr
    assert status(tmp_path / "out" / "store").complete


def refused(error, match, run_file):
    with pytest.raises(error, match=match):
        make_plan(run_file)


def test_what_a_run_needs_is_checked_before_anything_is_solved(tmp_path):
    path = tmp_path / "p.txt"
    good = [trajectory_block(2.3, i) for i in range(30)]
    for fewer in (1, 5):
        # far behind the histories that a plan looks at
        blocks = [*(trajectory_block(2.3, i) for i in range(300)), trajectory_block(2.3, metadata=fewer)]
        refused(
            FileFormatError,
            rf"p\.txt: a block has {fewer} metadata lines, a run needs 6",
            run_file(path, blocks),
        )
    refused(
        FileFormatError,
        "some blocks have 6 metadata lines, others 8",
        run_file(path, [*good, trajectory_block(2.3, metadata=6)]),
    )
    for points, problem in (
        (["0.6 0.4", "0.5 0.2"], "block 31: .*increasing"),
        (["0.6 0.4 1", "0.7 0.2 1"], "block 31: 3 columns"),
        (["0.6 0.4", "0.7 -0.2"], "block 31: .*positive"),
    ):
        refused(FileFormatError, problem, run_file(path, [*good, trajectory_block(2.3, points=points)]))
    refused(
        FileFormatError, "block 31: b_fm = -2.3 is negative", run_file(path, [*good, trajectory_block(-2.3)])
    )


def test_contradictions_between_run_file_and_metadata_are_named(tmp_path):
    path = tmp_path / "p.txt"
    refused(
        InputError, r"`medium\.files\[0\]\.b_fm` must be left out or that .* b = 2\.3 to 9\.2 fm, but is 2\.3",
        paths_file(path, FEW, keys="b_fm = 2.3"),
    )  # fmt: skip
    refused(InputError, r"b_fm.*b = 9\.2 fm", paths_file(path, [9.2] * 8, keys="b_fm = 2.3"))
    refused(
        InputError,
        r"`medium\.files\[0\]\.n_part` must be left out",
        paths_file(path, FEW, keys="n_part = 300.0"),
    )
    plan = make_plan(paths_file(path, [9.2] * 8, keys="b_fm = 9.2\nn_part = 118.7"))
    np.testing.assert_array_equal(plan.sources[0].participants(np.full(2, 9.2)), 118.7)
    with pytest.raises(InputError, match=r"medium\.files\[0\].*'b_fm'"):  # a fluid does not know it
        parse_config(paths_file(path, FEW).text.replace("qtraj_trajectories", "music"))


def test_errors_of_a_sample_stand_for_paths_in_any_order_of_impact_parameters_but_a_sorted_one(tmp_path):
    method = '[method]\nbudget = "replicate"\n[paths]\nn = 32'
    for order in (np.sort(FEW), -np.sort(-FEW), np.repeat([6.0, 2.3, 9.2], 48)):
        with pytest.raises(InputError, match=r"`method\.budget` must be 'all'.*sorted by b"):
            make_plan(paths_file(tmp_path / "p.txt", order, method=method))

    class Sampled(ExponentialDecay):
        def __call__(self, model, medium, initial, *, method, progress):
            result = super().__call__(model, medium, initial, method=method, progress=progress)
            if method.error_budget:
                return result
            for estimates in (result.survival, result.no_jump):
                for state, estimate in estimates.items():
                    estimates[state] = type(estimate)(estimate.value, {}, ("mesh",))
            return result

    prediction = run(paths_file(tmp_path / "p.txt", FEW, method=method), tmp_path / "out", solve=Sampled())
    np.testing.assert_allclose(prediction["survival_error_mesh"], 1e-4, rtol=1e-12)
