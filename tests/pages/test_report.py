"""The page of `qtraj report`: self-contained, escaped, and its numbers are those of the run."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from stand_in import RUN_FILE, ExponentialDecay, make_run_file
from survival_tables import toy_table
from typer.testing import CliRunner

from pages import Page, assert_self_contained, data_of
from qtraj import DensityMatrix, GaussianState, LaguerreMesh, LindbladModel, Transport, solve
from qtraj.campaign.reading import load_survivals
from qtraj.campaign.results import merge
from qtraj.campaign.run import run as run_campaign
from qtraj.cli import app
from qtraj.io.results import read_dataset, write_dataset
from qtraj.io.survivals import write_survival_csv
from qtraj.observables.data.dataset import load_data
from qtraj.observables.data.systems import load_system
from qtraj.observables.feeddown import FeedDown
from qtraj.observables.overview import overview
from qtraj.observables.table import selected
from qtraj.pages.report import ACCURACY, NO_FLUID, figures, report_contents, report_page
from qtraj.pages.run import load_run, representative
from qtraj.solvers.density import evolution as density_in_time
from qtraj.states import shown
from qtraj.units import HBARC

TITLE = "a <b>run</b> & </script><script>alert(1)</script>"
COARSE = DensityMatrix(mesh=LaguerreMesh(40, 0.15), l_max=5, step=2.8, error_budget=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report") / "run"
    run_campaign(make_run_file(RUN_FILE.replace('"small"', f"'{TITLE}'")), folder, solve=ExponentialDecay())
    return folder


@pytest.fixture(scope="module")
def loaded(folder):
    return load_run(folder)


@pytest.fixture(scope="module")
def contents(loaded):
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(density_in_time.FINE, True, COARSE)
        return report_contents(loaded)


@pytest.fixture(scope="module")
def text(contents):
    return report_page(contents)


@pytest.fixture(scope="module")
def panels(folder):
    return overview(
        load_survivals(folder).tables, system=load_system("PbPb5020"), feeddown=FeedDown.named("group")
    )


def chart(data, name):
    return next(figure for figure in data["figures"] if figure["name"] == name)


def test_the_page_asks_for_nothing_but_itself_and_is_small(text):
    assert_self_contained(text)
    assert len(text.encode()) < 5e6


def test_text_of_the_user_is_text_on_the_page(text, loaded):
    page = Page(text)
    assert page.text["h1"] == [TITLE]
    assert sum(tag == "script" for tag, _ in page.elements) == 5
    assert not any(tag == "b" for tag, _ in page.elements)
    assert "".join(page.text["pre"]) == loaded.text
    assert TITLE in loaded.text


def test_the_embedded_data_are_the_contents(text, contents):
    data = data_of(text)
    assert data["figures"] == contents.figures
    assert data["splits"] == contents.splits
    assert data["moments"] == contents.moments


def test_theory_is_that_of_the_observables(text, panels):
    data = data_of(text)
    assert {figure["name"] for figure in data["figures"]} >= {
        "raa_npart",
        "raa_centrality",
        "double_ratio_npart",
    }
    panel = next(panel for panel in panels if panel.name == "raa_npart")
    for meson in panel.shown:
        series = next(
            s
            for s in chart(data, "raa_npart")["series"]
            if s["kind"] == "theory" and s["state"] == shown(meson)
        )
        estimate = panel.curve[meson]
        # six digits are written
        assert_allclose([p["x"] for p in series["points"]], panel.curve.x, rtol=1e-5)
        assert_allclose([p["y"] for p in series["points"]], estimate.value, rtol=1e-5)
        assert_allclose([p["up"] for p in series["points"]], estimate.error, rtol=1e-5)
        tip = series["points"][0]["tip"]
        assert tip[0] == f"{shown(meson)}, central setting"
        assert f"R_AA = {estimate[0]}" in tip
        assert any("paths" in line and "mesh" in line and "branching" in line for line in tip)
        bands = [
            s
            for s in chart(data, "raa_npart")["series"]
            if s["kind"] == "band" and s["state"] == shown(meson)
        ]
        assert [band["group"] for band in bands] == ["range of κ/T³: 1.0, 0.5", "range of γ/T³: −1.75, 0.0"]
        expected = [band for band in panel.bands if band.name == meson]
        for band, wanted in zip(bands, expected, strict=True):
            assert_allclose(band["bottom"], wanted.low, rtol=1e-5)
            assert_allclose(band["top"], wanted.high, rtol=1e-5)


def test_measured_points_have_their_errors_and_source(text):
    (cms,) = load_data(
        "R_AA", system="PbPb", sqrt_s_GeV=5020, state="Y(1S)", experiment="CMS", x_name="N_part"
    )
    found = [
        s
        for s in chart(data_of(text), "raa_npart")["series"]
        if s["kind"] == "data" and s["group"].startswith("CMS") and s["state"] == "Υ(1S)"
    ]
    assert len(found) == 1
    points = found[0]["points"]
    assert_allclose([p["y"] for p in points], cms.value, rtol=1e-5)
    assert_allclose([p["up"] for p in points], cms.stat_plus, rtol=1e-5)
    assert_allclose([p["systDown"] for p in points], cms.syst_minus, rtol=1e-5)
    assert points[0]["tip"][-1] == f"source: {cms.source}"
    assert any(line.startswith("global, relative ±") for line in points[0]["tip"])
    record = cms.hepdata.partition("/t")[0]
    (cited,) = [line for line in Page(text).text["li"] if cms.arxiv in line]
    assert cited.startswith("data of CMS: ")
    assert cited.endswith(f"doi:{record}")


def test_an_upper_limit_is_no_point_with_errors(panels):
    panel = next(panel for panel in panels if panel.name == "raa_npart")
    data = panel.datasets[0]
    limit = replace(data, upper_limit_cl=np.full(len(data), 95.0))
    (figure,) = figures([replace(panel, datasets=(limit,))])
    (series,) = [s for s in figure["series"] if s["kind"] == "data"]
    assert all(point["limit"] and "up" not in point for point in series["points"])
    assert f"R_AA < {data.value[0]:.3g} (upper limit, 95 % confidence)" in series["points"][0]["tip"]


def test_axes_have_names_and_units(text):
    data = data_of(text)
    for figure in data["figures"] + data["splits"]:
        assert figure["title"]
        assert figure["yLabel"]
        assert figure["xLabel"]
    assert chart(data, "raa_centrality")["xLabel"] == "centrality [%]"
    for label in ("r [fm]", "ρ(r) [1/fm]", "t [fm/c]", "T [GeV]"):
        assert label in text


def test_total_is_never_jumped_plus_regenerated(contents, text):
    assert [split["name"] for split in contents.splits] == ["split_Y(1S)", "split_Y(2S)", "split_Y(3S)"]
    for split in contents.splits:
        total, bare, regenerated = (np.array([p["y"] for p in s["points"]]) for s in split["series"])
        assert_allclose(total, bare + regenerated, rtol=2e-6)
        assert_allclose(bare, total / 2, rtol=2e-6)  # the stand-in's
    assert {row[-1] for row in contents.tables["split"].rows} == {"50.0 %"}
    assert "share regenerated" in Page(text).text["th"]


def test_regeneration_has_an_axis_that_shows_it(contents):
    assert all(split["log"] for split in contents.splits)
    assert not any(figure.get("log") for figure in contents.figures)


def test_classes_of_one_experiment_are_told_apart(panels):
    """v2 of CMS is measured in five classes: with one marker and one name they are one cloud of points."""
    panel = next(panel for panel in panels if panel.name == "raa_npart")
    classes = [
        d for d in load_data("v2", state="Y(1S)", x_name="pT_GeV", experiment="CMS") if d.centrality[0]
    ]
    assert len(classes) == 5
    curve = replace(panel.curve, observable="v2", x_name="pT_GeV")
    bands = tuple(replace(band, curve=curve) for band in panel.bands)
    flow = replace(panel, name="v2_pt", curve=curve, bands=bands, datasets=tuple(classes), parts={})
    (figure,) = figures([flow])
    data = [s for s in figure["series"] if s["kind"] == "data"]
    assert len({s["group"] for s in data}) == len({s["marker"] for s in data}) == 5
    assert [s["group"] for s in data if not s["hidden"]] == ["CMS, |y|<2.4, 10-90%"]


def test_a_selection_is_in_words():
    assert selected("10 <= centrality_pct < 90") == "centrality 10 to 90 %"
    assert selected("0 <= pT_GeV < 6, 0 <= abs_y < 1") == "transverse momentum 0 to 6 GeV, rapidity 0 to 1"


def test_mesons_have_their_letter_and_not_y(text):
    assert "Υ(1S)" in Page(text).text["td"]
    for plain in ("Y(1S)", "chi_b"):
        places = text.split(plain)[:-1]
        # names of charts are keys, and so is what the run file says
        assert all(
            place.endswith('"split_') or place.rfind("<pre") > place.rfind("</pre") for place in places
        )


def test_the_slider_opens_where_densities_are_good(contents):
    pair = contents.moments
    begins = next(t for t, T in zip(pair["t"], pair["T"], strict=True) if T is not None)
    assert 0.3 < pair["t"][pair["first"]] - begins < 0.5


def test_the_error_budget_names_every_part(contents, panels):
    table = contents.tables["budget"]
    assert table.headings == ("meson", "where", "R_AA", "error", "paths", "mesh", "branching")
    whole = next(panel for panel in panels if panel.name == "raa_minimum_bias")
    row = next(row for row in table.rows if row[:2] == ("Υ(1S)", "all"))
    value = whole.curve["Y(1S)"][0]
    assert row[2] == str(value)
    assert row[4] == f"{value.parts['paths']:.1e}".replace("-", "−")
    assert any("tails" in note for note in table.notes)


def test_chi_square_is_that_of_the_comparison(contents, panels):
    found = {row[:2]: row for row in contents.tables["agreement"].rows}
    panel = next(panel for panel in panels if panel.name == "raa_npart")
    assert panel.agreement
    for name, chi in panel.agreement.items():
        row = found["R_AA against N_part", shown(name)]
        assert row[2] == f"{chi.value:.1f}"
        assert row[3].split()[0] == str(chi.points)


def test_the_pair_over_time(contents, loaded):
    data = contents.moments
    population = np.array(data["population"])
    # five digits are written
    assert_allclose(population.sum(axis=0) + data["lost"], 1.0, atol=1e-4)
    octet = population[[sector["color"] == "octet" for sector in data["sectors"]]].sum(axis=0)
    low, high = np.array(data["octet"])
    before = np.array(data["t"]) < 0.6
    assert_allclose(
        np.array([low, high])[:, before], 0.0, atol=1e-9
    )  # a singlet, however little of it is kept
    assert_allclose(low, octet, atol=1e-4)
    assert_allclose(high[~before], (octet + data["lost"])[~before], atol=1e-4)
    assert [sector["name"] for sector in data["sectors"][:3]] == ["singlet S", "octet S", "singlet P"]
    assert data["sectors"][-1]["name"] == "octet l ≥ 4"
    density = np.array(data["density"])
    assert density.shape == (len(data["t"]), len(data["sectors"]), len(data["r"]))
    assert_allclose(np.isfinite(np.array(data["T"], dtype=float)), np.array(data["t"]) >= 0.6)
    # b = 2.3 fm, the most central of the two
    assert "at b = 2.3 fm" in contents.moment_text
    assert data["t"][0] == data["r"][0] == 0
    assert data["r"][-1] > HBARC


def test_what_was_run_in_words(text, loaded):
    words = "".join(Page(text).text["dd"])
    for part in (
        "1, 0.5; γ/T³: −1.75, 0",
        "T > 0.25 GeV",
        "2.3 (381)",
        "width 0.2 Bohr radii",
        "one step, arXiv",
    ):
        assert part in words
    assert loaded.provenance["qtraj"] in words
    assert loaded.provenance["seed of the paths"] == "1"


def test_a_merged_result_tells_the_same(folder, tmp_path, text):
    path = merge(folder / "store", tmp_path / "merged.nc", ["one paper"])
    run = load_run(path)
    assert run.citations == ("one paper",)
    assert run.plan is not None
    assert run.plan.keys == load_run(folder).plan.keys
    assert load_run(folder / "result.nc").name == "run"


def test_a_result_without_impact_parameters_has_those_that_came_with_the_package_then(folder, tmp_path):
    """A run file without b_fm means all runs of the package: those of its time."""
    path = merge(folder / "store", tmp_path / "merged.nc", ["one paper"])
    result = read_dataset(path).load()
    text = result.attrs["run_file"].replace("b_fm = [9.2, 2.3]", "")
    assert text != result.attrs["run_file"]
    plan = load_run(write_dataset(result.assign_attrs(run_file=text), tmp_path / "old.nc")).plan
    assert sorted(plan.keys) == sorted(load_run(folder).plan.keys)


def test_without_fluid_the_page_says_why(loaded):
    contents = report_contents(replace(loaded, plan=None))
    assert contents.moment_text == NO_FLUID
    assert contents.moments is None
    assert "hydrodynamics of this run are not at hand" in report_page(contents)


def test_at_next_order_the_density_is_that_of_next_order(loaded):
    model = loaded.config.model.model_copy(update={"order": "NLO"})
    config = loaded.config.model_copy(update={"model": model})
    history, _ = representative(loaded)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(density_in_time.FINE, False, COARSE)
        found = report_contents(replace(loaded, config=config))
    assert found.accuracy == ACCURACY["NLO"]
    assert ACCURACY["NLO"] in Page(report_page(found)).text["p"][-1]
    end = solve(
        LindbladModel(transport=Transport(config.model.kappa[0], config.model.gamma[0]), order="NLO"),
        history,
        GaussianState(width=config.initial.width),
        COARSE,
        times_fm=found.moments["t"][1:],
    ).diagnostics["population"]
    shown = np.array(found.moments["population"])[:, -1]
    # five digits are written; l = 4 and 5 are shown as their sum
    assert_allclose(shown[:8:2], end[0, :4], rtol=1e-4)
    assert_allclose(shown[1:8:2], end[1, :4], rtol=1e-4)


def report(*arguments):
    return CliRunner().invoke(app, ["report", *map(str, arguments)])


def test_the_command_writes_into_the_folder_of_the_run(folder, monkeypatch):
    monkeypatch.setitem(density_in_time.FINE, True, COARSE)
    result = report(folder)
    assert result.exit_code == 0, result.output
    assert result.output == f"wrote {folder / 'report.html'}\n"
    assert Page((folder / "report.html").read_text(encoding="utf-8")).text["h1"] == [TITLE]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none"], "none: no such file or folder"),
        (["."], "holds no campaign"),
        (["mine.csv"], "`RUN` must be the folder of a run, a store, or a merged result"),
        (["mine.csv", "--out", "page.txt"], "`--out` must end in .html"),
    ],
)
def test_bad_input_is_one_line(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    write_survival_csv(tmp_path / "mine.csv", toy_table(per_replicate=8))
    result = report(*arguments)
    assert result.exit_code == 2
    assert message in result.output
    assert len(result.stderr.strip().splitlines()) == 1
