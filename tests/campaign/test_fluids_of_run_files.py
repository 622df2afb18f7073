"""Fluids that [[medium.files]] names: folders of JEWEL-2D, halves, two stages, rapidity."""

import json
from pathlib import Path

import numpy as np
import pytest
from stand_in import RUN_FILE, ExponentialDecay, make_run_file

from qtraj.campaign.plan import make_plan
from qtraj.campaign.reading import MissingDataWarning, load_survivals
from qtraj.campaign.results import merge, open_results
from qtraj.campaign.run import measured, run
from qtraj.campaign.sources import read_fluid, source_from_json, sources
from qtraj.errors import FileFormatError, InputError
from qtraj.hydro import (
    MEAN_MASS,
    Hydro,
    Nucleus,
    OpticalGlauber,
    Paths,
    event_plane,
    histories_along,
    load_shipped,
    sample_paths,
    write_netcdf,
)
from qtraj.io.config import load_run_file
from qtraj.io.factory import own_data
from qtraj.io.results import read_dataset
from qtraj.io.survivals import write_survival_csv
from qtraj.observables import Bins, FeedDown, load_system, raa_curve, with_geometry
from qtraj.observables.overview import overview
from qtraj.pages.report import NO_FLUID, report_contents
from qtraj.pages.run import load_run, setup

TAU = np.arange(0.6, 8.0, 0.6)
GRID = np.arange(-12.0, 12.1, 1.0)
ETA = np.arange(-3.0, 3.1, 1.0)


def fireball(tau=TAU, x=GRID, y=GRID, eta=None, factor=1.0):
    axes = np.meshgrid(tau, x, y, *([] if eta is None else [eta]), indexing="ij")
    T = factor * 0.45 * (0.6 / axes[0]) ** 0.5 * np.exp(-(axes[1] ** 2 + 1.2 * axes[2] ** 2) / 60)
    T = T if eta is None else T * np.exp(-(axes[3] ** 2) / 20)
    return Hydro(tau, x, y, T, eta=eta, attrs={"source": "made up", "sha256": str(factor)})


def jewel(folder, hydro):
    folder.mkdir()
    for k, tau in enumerate(hydro.tau_fm):
        rows = [
            f"{x:.6f} {y:.6f} {hydro.T[k, i, j]:.9g}"
            for i, x in enumerate(hydro.x_fm)
            for j, y in enumerate(hydro.y_fm)
        ]
        (folder / f"Tcontour{tau:06.3f}").write_text("\n".join(rows) + "\n")
    return folder


def of(*entries):
    text = RUN_FILE.replace("b_fm = [9.2, 2.3]", 'hydro = "files"').replace("[1.0, 0.5]", "[1.0]")
    text = text.replace("[-1.75, 0.0]", "[-1.75]").replace("[medium]", "[medium]\nallow_hot_end = true")
    return make_run_file(text + "".join(f"[[medium.files]]\nb_fm = 2.3\n{entry}\n" for entry in entries))


def temperatures(run_file, number=0):
    source = sources(run_file, 8)[number]
    batch = source.batch(0, 8)
    again = source_from_json(run_file.config, number, json.loads(json.dumps(source.to_json())))
    assert again.digest == source.digest
    np.testing.assert_array_equal(again.batch(0, 8).histories.T, batch.histories.T)
    return batch.histories.T, batch.paths


def expected(run_file, hydro, y=0.0):
    paths = temperatures(run_file)[1]
    own = Paths(*(paths[name] for name in ("x_fm", "y_fm", "pT", "phi", "replicate")), rapidity=y)
    return histories_along(hydro, own, run_file.config.medium.T_end[0], allow_hot_end=True).T


def test_a_folder_of_contours_is_a_fluid_and_a_pattern_of_folders_is_events(tmp_path):
    """`Is a directory` stopped a run of the files that JEWEL-2D writes."""
    folder = jewel(tmp_path / "e1", fireball())
    file = of(f'path = "{folder}"')
    np.testing.assert_allclose(temperatures(file)[0], expected(file, fireball()), rtol=1e-7)
    jewel(tmp_path / "e2", fireball(factor=0.9))
    events = sources(of(f'path = "{tmp_path}/e*"'), 8)[0]
    assert len(events.files) == 2
    digest = events.digest
    (tmp_path / "e2" / "Tcontour01.200").write_text((folder / "Tcontour01.200").read_text())
    assert sources(of(f'path = "{tmp_path}/e*"'), 8)[0].digest != digest
    (tmp_path / "other").mkdir()
    with pytest.raises(FileFormatError, match="no one of contour files"):
        sources(of(f'path = "{tmp_path / "other"}"'), 8)


def test_a_quarter_is_completed(tmp_path):
    write_netcdf(fireball(x=GRID[12:], y=GRID[12:]), tmp_path / "quarter.nc")
    file = of(f'path = "{tmp_path}/quarter.nc"\nmirror = "xy"')
    np.testing.assert_allclose(temperatures(file)[0], expected(file, fireball()), rtol=1e-12)


def test_two_stages_are_one_fluid(tmp_path):
    early, late = np.array([0.2, 0.4, 0.6]), TAU
    for k in (1, 2):
        write_netcdf(fireball(early, factor=1 - k / 20), tmp_path / f"pre{k}.nc")
        write_netcdf(fireball(late, factor=1 - k / 20), tmp_path / f"hydro{k}.nc")
    one = of(f'path = "{tmp_path}/hydro1.nc"\nbefore = {{ path = "{tmp_path}/pre1.nc" }}')
    whole = fireball(np.concatenate([early[:2], late]), factor=0.95)
    np.testing.assert_allclose(temperatures(one)[0], expected(one, whole), rtol=1e-12)
    assert sources(one, 8)[0].digest != sources(of(f'path = "{tmp_path}/hydro1.nc"'), 8)[0].digest
    many = of(f'path = "{tmp_path}/hydro?.nc"\nbefore = {{ path = "{tmp_path}/pre?.nc" }}')
    assert len(sources(many, 8)[0].before) == 2
    with pytest.raises(InputError, match="name 2 files, one for each event"):
        sources(of(f'path = "{tmp_path}/hydro?.nc"\nbefore = {{ path = "{tmp_path}/pre1.nc" }}'), 8)
    exchanged = of(f'path = "{tmp_path}/pre1.nc"\nbefore = {{ path = "{tmp_path}/hydro1.nc" }}')
    with pytest.raises(InputError, match="exchanged"):
        sources(exchanged, 8)[0].batch(0, 8)


def test_rapidities_of_a_three_dimensional_fluid(tmp_path):
    """Pairs stay at the space-time rapidity that is theirs, and observables are binned in it."""
    write_netcdf(fireball(eta=ETA), tmp_path / "f.nc")
    entry = f'path = "{tmp_path}/f.nc"\nrapidity = '
    file = of(entry + "2.0", entry + "0.0")
    forward, central = (temperatures(file, number) for number in (0, 1))
    np.testing.assert_allclose(forward[0], expected(file, fireball(eta=ETA), 2.0), rtol=1e-12)
    np.testing.assert_allclose(forward[0], central[0] * np.exp(-4 / 20), rtol=1e-12)
    run(file, tmp_path / "out", solve=ExponentialDecay())
    results = open_results(tmp_path / "out" / "store")
    assert sorted(set(results["rapidity"].values.tolist())) == [0.0, 2.0]
    with pytest.raises(InputError, match="within the rapidities of made up, -3 to 3"):
        sources(of(entry + "3.5"), 8)[0].batch(0, 8)
    with pytest.raises(InputError, match="same b_fm and rapidity"):
        of(entry + "1.0", entry + "1.0")


def test_many_3d_events_have_their_own_paths_and_planes(tmp_path):
    """Two events, the second turned by 0.7: each has other paths, and azimuths from its own event plane."""
    turn = 0.7
    x, y = GRID[:, None, None] + 0 * ETA, GRID[None, :, None] + 0 * ETA

    def turned(angle):
        along, across = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
        shape = np.exp(-(along**2) / 40 - across**2 / 60 - (ETA - 0.5) ** 2 / 40)
        T = 0.45 * (0.6 / TAU[:, None, None, None]) ** 0.5 * shape
        return Hydro(TAU, GRID, GRID, T, eta=ETA, attrs={"source": f"turned by {angle}"})

    events = [turned(0.0), turned(turn)]
    for i, event in enumerate(events):
        write_netcdf(event, tmp_path / f"event{i}.nc")
    # the short axis of the fireball; the grid, a cross, turns what it cuts off: 1e-3
    assert [event_plane(event) for event in events] == pytest.approx([0.0, turn], abs=1e-3)
    entry = f'path = "{tmp_path}/event*.nc"\nrapidity = -1.2'
    batches = {}
    for plane in ("reaction", "event"):
        run_file = of(f'{entry}\nplane = "{plane}"')
        source = sources(run_file, 8)[0]
        batches[plane] = source.batch(0, source.count)
    T, paths = batches["reaction"].histories, batches["reaction"].paths
    assert list(np.unique(paths["event"])) == [0, 1]
    half = len(T) // 2
    assert not np.any(np.isin(paths["x_fm"][:half], paths["x_fm"][half:]))
    for number, event in enumerate(events):
        mine = paths["event"] == number
        own = Paths(*(paths[n][mine] for n in ("x_fm", "y_fm", "pT", "phi", "replicate")), rapidity=-1.2)
        along = histories_along(event, own, 0.25, allow_hot_end=True)
        np.testing.assert_array_equal(np.array([h.T for h, m in zip(T, mine, strict=True) if m]), along.T)
        shift = batches["event"].paths["phi"][mine] - paths["phi"][mine]
        np.testing.assert_allclose(shift, -event_plane(event), atol=1e-12)


@pytest.mark.parametrize(("law", "power"), [("constant", 0.0), ("bjorken", 1 / 3), ("free_streaming", 1 / 4)])
def test_a_medium_before_the_first_frame(tmp_path, law, power):
    write_netcdf(fireball(), tmp_path / "fluid.nc")
    entry = f'path = "{tmp_path}/fluid.nc"'
    plain = of(entry)
    text = plain.text.replace("[medium]", f'[medium]\nearly = {{ law = "{law}", from_fm = 0.2 }}')
    early = make_run_file(text)
    assert sources(early, 8)[0].digest != sources(plain, 8)[0].digest
    T = temperatures(early)[0]
    histories = sources(early, 8)[0].batch(0, 8).histories
    np.testing.assert_array_equal(T[:, -len(TAU) :], temperatures(plain)[0])
    assert histories.tau_fm[0] == pytest.approx(0.2)
    # at production the path is at its first point, but for v tau
    paths = sources(early, 8)[0].batch(0, 8).paths
    v = paths["pT"] / np.hypot(paths["pT"], MEAN_MASS)
    x, y = (paths["x_fm"] + 0.2 * v * np.cos(paths["phi"]), paths["y_fm"] + 0.2 * v * np.sin(paths["phi"]))
    first = fireball().temperature_at_frames(0, x, y)
    np.testing.assert_allclose(T[:, 0], first * 3.0**power, rtol=1e-12)


# what a cut of 0.2 GeV leaves out is below T_end; a coarse grid cuts paths short by part of a cell, as said
@pytest.mark.filterwarnings("ignore:.*cut short by part of a cell")
def test_cells_below_T_min_are_as_those_that_the_file_does_not_store(tmp_path):
    write_netcdf(fireball(eta=ETA), tmp_path / "fluid.nc")
    entry = f'path = "{tmp_path}/fluid.nc"\nrapidity = 1.5'
    whole, cut = of(entry), of(f"{entry}\nT_min = 0.2")
    fluid = fireball(eta=ETA)
    known = Hydro(TAU, GRID, GRID, np.where(fluid.T < 0.2, np.nan, fluid.T), eta=ETA)
    T = temperatures(cut)[0]
    times = sources(cut, 8)[0].batch(0, 8).histories.tau_fm
    # to rounding: the grid of the cells that are kept begins elsewhere, and so do the numbers of its lines
    rounding = {"rtol": 2 * np.finfo(float).eps, "atol": 0}
    np.testing.assert_allclose(T, expected(whole, known, 1.5)[:, : len(times)], **rounding)
    hot = T > 0.25
    assert hot.any()
    np.testing.assert_allclose(T[hot], temperatures(whole)[0][:, : len(times)][hot], **rounding)
    assert sources(cut, 8)[0].digest != sources(whole, 8)[0].digest
    with pytest.raises(InputError, match=r"T_min of .* below T_end"):
        of(f"{entry}\nT_min = 0.25")


def with_paths(text, **changes):
    """Return the run file with these keys of [paths]; those of [medium.files] stand at its end."""
    keys = "".join(f"{name} = {value}\n" for name, value in changes.items())
    return make_run_file(text.replace("replicates = 2\n", f"replicates = 2\n{keys}"))


def test_paths_have_rapidities_of_a_distribution_and_a_clock(tmp_path):
    """[paths] rapidity and clock: the points and times of `sample_paths` and `histories_along`, kept in all files."""
    fluid = fireball(eta=np.arange(-7.0, 7.1, 1.0))
    write_netcdf(fluid, tmp_path / "f.nc")
    text = of(f'path = "{tmp_path}/f.nc"').text
    plain = with_paths(text)
    for y, asked in (
        (2.0, "2.0"),
        ((-2.0, 3.0), "[-2, 3]"),
        ([[-1, 0], [0, 1], [2, 0]],) * 2,
        ("group", '"group"'),
    ):
        file = with_paths(text, rapidity=asked)
        T, known = temperatures(file)
        glauber = OpticalGlauber(Nucleus(208, 6.62, 0.546), 67.6)
        paths = sample_paths(glauber, 2.3, 4, replicates=2, seed=1, pT_max=20.0, rapidity=y)
        np.testing.assert_array_equal(known["rapidity"], paths.rapidity)
        np.testing.assert_array_equal(T, histories_along(fluid, paths, 0.25, allow_hot_end=True).T)
        assert sources(file, 8)[0].digest != sources(plain, 8)[0].digest
    # what is not asked for is as it was before there was such a key
    for default in ({"rapidity": "0.0"}, {"clock": '"hydro"'}):
        assert sources(with_paths(text, **default), 8)[0].digest == sources(plain, 8)[0].digest
    pair = with_paths(text, clock='"pair"', rapidity="[-2, 3]")
    (source,) = sources(pair, 8)
    batch = source.batch(0, 8)
    slower = MEAN_MASS / np.hypot(MEAN_MASS, batch.paths["pT"])
    np.testing.assert_allclose(batch.histories.tau_fm, slower[:, None] * TAU)
    assert source.attrs["clock"] == "pair"
    run(pair, tmp_path / "out", solve=ExponentialDecay())
    assert json.loads(read_dataset(tmp_path / "out" / "result.nc").attrs["hydro"])[0]["clock"] == "pair"
    (table,) = load_survivals(tmp_path / "out").tables.values()
    write_survival_csv(tmp_path / "s.csv", table)
    (again,) = load_survivals(tmp_path / "s.csv").tables.values()
    for found in (table, again):
        np.testing.assert_array_equal(found.y, batch.paths["rapidity"])


def test_a_boost_invariant_medium_says_what_it_assumes(tmp_path):
    file = with_paths(
        RUN_FILE.replace("[1.0, 0.5]", "[1.0]").replace("[-1.75, 0.0]", "[-1.75]"), rapidity="[-1, 1]"
    )
    source = sources(file, 8)[0]
    assert "mid-rapidity" in source.attrs["medium"]
    assert np.ptp(source.batch(0, 8).paths["rapidity"]) > 0.5
    np.testing.assert_array_equal(source.batch(0, 8).histories.T.shape, (8, len(load_shipped(9.2).tau_fm)))
    assert "medium" not in sources(make_run_file(), 8)[0].attrs
    # the result says it, and beside which paths the data stand
    of_all, central = (
        run(each, tmp_path / name, solve=ExponentialDecay()).attrs["notes"].split("\n")
        for name, each in (("y", file), ("central", make_run_file()))
    )
    assert [line.split(":")[0] for line in of_all] == [
        "The hydro is boost invariant",
        f"What is shown is over paths of all rapidities, {_y_range(tmp_path / 'y')}; "
        "`qtraj observe` compares each measurement with those in its acceptance.",
    ]
    assert central == [
        "All paths are at y = 0, the data of ALICE (2.5 < y < 4) are not: compared as if the medium were the same at "
        "all rapidities."
    ]
    assert "rapidity uniform from -1 to 1" in setup(load_run(tmp_path / "y"))["Paths"]
    assert "boost invariant" in setup(load_run(tmp_path / "y"))["Paths"]
    assert "rapidity" not in setup(load_run(tmp_path / "central"))["Paths"]


def test_the_example_in_three_dimensions_is_flat_on_the_plateau_and_rises_outside(tmp_path):
    """Run, observe, compare: with a stand-in for survival, on the paths and the fluids of the example."""
    example = Path(__file__).parents[2] / "examples" / "pbpb_5020_3d.toml"
    text = example.read_text(encoding="utf-8").replace('["central"]', "[0.3]")
    run(make_run_file(text), tmp_path / "out", solve=ExponentialDecay())
    (table,) = load_survivals(tmp_path / "out").tables.values()
    panels = {panel.name: panel for panel in overview({"t": table}, system=load_system("PbPb5020"))}
    curve, fractions = panels["raa_y"].curve, FeedDown.named("group", errors=False)
    table = with_geometry(table, load_system("PbPb5020").geometry)
    R = raa_curve(table, Bins.edges("abs_y", [0.0, 0.6, 1.2, 1.8, 2.3, 3.2, 4.0, 5.5]), fractions)["Y(1S)"]
    flat, error = R.value[:4], R.parts["paths"][:4]
    mean = np.average(flat, weights=error**-2)
    # three degrees of freedom, errors of 8 replicates: beyond 20 in 0.1 % of the seeds, and this one is fixed
    assert np.sum(((flat - mean) / error) ** 2) < 20
    assert np.all(np.diff(R.value[4:]) > 0)
    assert np.all(R.value[5:] > mean + 3 * np.hypot(R.parts["paths"][5:], error.min()))
    assert {data.experiment for data in panels["raa_y"].datasets} == {"CMS", "ATLAS", "ALICE"}
    assert curve.x_name == "abs_y"
    assert {"paths", "mesh", "branching"} <= set(curve["Y(1S)"].parts)
    alice = panels["raa_npart_forward"]
    assert all(name.startswith("ALICE") for name in alice.agreement)
    assert len(alice.agreement) == 2  # Y(1S) and Y(2S)
    assert not panels["raa_npart"].agreement


def _y_range(folder):
    y = open_results(folder / "store")["rapidity"].values
    return f"{y.min():.3g} to {y.max():.3g}"


@pytest.mark.parametrize(
    ("keys", "entry", "named", "hint"),
    [
        ({"rapidity": "[3, -1]"}, "", "paths.rapidity", "low < high"),
        ({"rapidity": '"pp"'}, "", "paths.rapidity", "'group'"),
        ({"rapidity": "1.0"}, "rapidity = 2.0", "paths.rapidity", "left out"),
        ({"clock": '"lab"'}, "", "paths.clock", "'pair'"),
        ({"clock": '"pair"'}, 'format = "qtraj_trajectories"', "paths.clock", "trajectory files"),
    ],
)
def test_keys_of_paths_that_do_not_go_together_are_refused(keys, entry, named, hint):
    # one entry of two: not all paths come ready-made
    entries = (
        f'[[medium.files]]\nb_fm = 6.0\npath = "g.nc"\n[[medium.files]]\nb_fm = 2.3\npath = "f.nc"\n{entry}\n'
    )
    with pytest.raises(InputError, match=hint) as caught:
        with_paths(RUN_FILE.replace("b_fm = [9.2, 2.3]", 'hydro = "files"') + entries, **keys)
    assert caught.value.argument == named


def test_the_rapidities_of_the_group_are_those_of_one_energy():
    text = (
        RUN_FILE.replace("b_fm = [9.2, 2.3]", 'hydro = "files"')
        + '[[medium.files]]\npath = "f.nc"\nb_fm = 2.3\n'
    )
    assert with_paths(text, rapidity='"group"').config.paths.rapidity == "group"
    with pytest.raises(InputError, match="at 2760 GeV: 'group' is of 5023 GeV"):
        with_paths(text.replace("5020", "2760").replace("67.6", "61.8"), rapidity='"group"')


@pytest.mark.parametrize("key", ["rapidity = 1.0", 'mirror = "x"', 'before = { path = "a.nc" }'])
def test_ready_made_paths_have_no_such_keys(key):
    with pytest.raises(InputError, match=key.split()[0]):
        of(f'path = "p.txt"\nformat = "qtraj_trajectories"\n{key}')


def test_digests_of_runs_of_before_are_what_they_were(tmp_path):
    """A store that an earlier version began goes on."""
    write_netcdf(fireball(), tmp_path / "f.nc")
    source = sources(of(f'path = "{tmp_path}/f.nc"'), 8)[0]
    assert source._reading() == {"format": "auto", "columns": None, "grid": None}
    assert make_plan(of(f'path = "{tmp_path}/f.nc"')).sources[0].to_json().keys() == {
        "b_fm",
        "n_part",
        "files",
    }
    assert load_shipped(2.3).mirrored("") is not None


def test_own_data_of_a_run_file_stand_beside_those_of_its_system(tmp_path):
    """[observables] data: in the figure of the run, in `qtraj observe` and in the report."""
    (tmp_path / "mine.csv").write_text("N_part,R_AA,total\n381,0.35,0.03\n330,0.4,0.03\n")
    text = RUN_FILE.replace(
        "[output]", f'[observables]\ndata = ["{tmp_path}/mine.csv,state=Y(1S)"]\n[output]'
    )
    file = make_run_file(text)
    own = own_data(file)
    assert next(data.experiment for data in measured(file.config, own)) == "mine"
    run(file, tmp_path / "out", solve=ExponentialDecay())
    found = load_survivals(tmp_path / "out")
    assert [data.experiment for data in found.data] == ["mine"]
    panels = report_contents(load_run(tmp_path / "out")).panels
    assert "mine" in {data.experiment for panel in panels for data in panel.datasets}


def test_a_merged_file_finds_the_data_that_its_run_file_names_or_says_where_it_looked(tmp_path):
    """`qtraj observe merged.nc` showed nothing of [observables] data, and did not say so; a report failed."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "mine.csv").write_text("N_part,R_AA,total\n381,0.35,0.03\n330,0.4,0.03\n")
    (home / "run.toml").write_text(
        RUN_FILE.replace("[output]", '[observables]\ndata = ["mine.csv,state=Y(1S)"]\n[output]')
    )
    run(load_run_file(home / "run.toml"), tmp_path / "out", solve=ExponentialDecay())
    (tmp_path / "away").mkdir()
    merged = merge(tmp_path / "out" / "store", tmp_path / "away" / "merged.nc")
    for source in (tmp_path / "out", merged, tmp_path / "out" / "result.nc"):  # where the run file is
        assert [data.experiment for data in load_survivals(source).data] == ["mine"]
    (home / "mine.csv").rename(tmp_path / "away" / "mine.csv")  # beside the result
    assert [data.experiment for data in load_survivals(merged).data] == ["mine"]
    (tmp_path / "away" / "mine.csv").unlink()
    for source in (tmp_path / "out", merged):
        with pytest.warns(
            MissingDataWarning, match=r"mine\.csv that the run file names are not shown.*--data"
        ) as said:
            found = load_survivals(source)
        assert found.data == ()
        assert len(said) == 1
    with pytest.warns(MissingDataWarning):
        assert load_run(merged).plan is not None


def test_a_run_whose_hydrodynamics_are_elsewhere_has_a_report(tmp_path):
    """A folder that was copied to a laptop: all but the one figure that needs the fluid."""
    fluid = tmp_path / "f.nc"
    write_netcdf(fireball(), fluid)
    file = make_run_file(
        RUN_FILE.replace("b_fm = [9.2, 2.3]", 'hydro = "files"').replace(
            "[output]", f'[[medium.files]]\npath = "{fluid}"\nb_fm = 2.3\nn_part = 350\n[output]'
        )
    )
    run(file, tmp_path / "out", solve=ExponentialDecay())
    fluid.unlink()
    read_fluid.cache_clear()
    contents = report_contents(load_run(tmp_path / "out"))
    assert contents.moment_text == NO_FLUID
