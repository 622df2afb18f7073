"""`qtraj infer`: what it prints and writes is what was inferred; mistakes are found before anything is computed."""

import re
from dataclasses import replace

import numpy as np
import pytest
from inference_models import linear, measured
from typer.testing import CliRunner

from pages import Page, assert_self_contained
from qtraj.cli import app
from qtraj.inference import Calibration, Closure, Likelihood, Parameter, Parameters, Posterior, Round, Uniform
from qtraj.inference import run as inference_run
from qtraj.inference.run import Inference, Inferred
from qtraj.io.inference import load_inference_file
from qtraj.observables.estimate import Estimate
from qtraj.pages.inference import (
    as_rich,
    calibration_table,
    design_table,
    evidence_table,
    inference_figures,
    posterior_table,
)
from qtraj.plots import pulls_figure

pytest.importorskip("arviz")
pytest.importorskip("corner")

RUNNER = CliRunner()
FILE = """
[run]
system = { preset = "PbPb5020" }
model = { order = "LO", kappa = [4.0], gamma = [0.0] }
medium = { T_end = 0.2, hydro = "shipped" }
paths = { n = 2, replicates = 4, cheap = 2048 }

[parameters]
kappa = { uniform = [1.0, 9.0] }
T_end = { uniform = [0.17, 0.25] }

[[data]]
observable = "R_AA"
experiment = "CMS"
x_name = "N_part"

[[models]]
name = "LO"

[[models]]
name = "NLO"
run = { model = { order = "NLO" } }

[output]
directory = "out"
title = "a <b>title</b>"
"""
PARAMETERS = Parameters((Parameter("kappa", Uniform(1.0, 9.0)), Parameter("T_end", Uniform(0.17, 0.25))))
SETS = (
    measured(np.linspace(0.7, 0.4, 6), relative=0.05),
    measured(
        np.linspace(0.5, 0.4, 4),
        relative=0.07,
        state="Y(2S)",
        note="read <off> a slide",
        status="preliminary",
    ),
)
LIKELIHOOD = Likelihood(SETS, linear(10, PARAMETERS))


def drawn(center, evidence=None, sampler="NUTS (blackjax)"):
    rng = np.random.default_rng(1)
    theta = rng.multivariate_normal(center, [[0.16, 0.001], [0.001, 0.0001]], (2, 250))
    nuisances = rng.normal(0.3, 0.8, (2, 250, LIKELIHOOD.size))
    return Posterior.of(LIKELIHOOD, theta, nuisances, sampler=sampler, settings={}, evidence=evidence)


@pytest.fixture(scope="module")
def models():
    """Two models whose theory is linear; the samples are of a Gaussian."""
    surrogate = LIKELIHOOD.predict
    object.__setattr__(surrogate, "design", _Design(SETS))
    found = {}
    for name, center, log_evidence in (("LO", [4.0, 0.21], -10.0), ("NLO", [5.0, 0.2], -12.5)):
        evidence = Estimate(log_evidence, {"statistical": 0.3})
        posteriors = {"nuts": drawn(center), "nested": drawn(center, evidence, "nested sampling (dynesty)")}
        found[name] = Inferred(name, None, surrogate, LIKELIHOOD, posteriors, {})
    return found


class _Design:
    def __init__(self, datasets):
        self.datasets = datasets

    def __len__(self):
        return 20


@pytest.fixture
def run(models, tmp_path, monkeypatch):
    """Run the command in an empty folder, with these models as what is inferred."""
    calls = []

    def infer(file, directory, **options):
        calls.append((file, options))
        for name in models:
            (directory / name).mkdir(exist_ok=True)
        options["progress"]("draws", 1, 4)
        return Inference(file, directory, models)

    monkeypatch.setattr(inference_run, "infer", infer)
    monkeypatch.setattr("qtraj.pages.inference.cited_by_inference", lambda file: [])
    monkeypatch.chdir(tmp_path)

    def command(*arguments, text=FILE):
        (tmp_path / "infer.toml").write_text(text, encoding="utf-8")
        return RUNNER.invoke(app, ["infer", "infer.toml", *map(str, arguments)], env={"COLUMNS": "200"})

    command.calls, command.folder = calls, tmp_path
    return command


def test_tables_and_page_are_written(run, models, monkeypatch):
    figure = pulls_figure(models["LO"].posterior, title="a <b>title</b>")
    sections = {"corners": {}, "predictions": {}, "contributions": {}, "pulls": {"LO/pulls": figure}}
    monkeypatch.setattr("qtraj.pages.inference.inference_figures", lambda inference: sections)
    result = run("--output", "here", "--sampler", "nested,nuts", "--seed", 7)
    assert result.exit_code == 0, result.output
    assert "draws: 1/4" in result.output
    ((file, _),) = run.calls
    assert (file.config.sampling.samplers, file.config.sampling.seed) == (("nested", "nuts"), 7)
    kappa = models["LO"].posteriors["nuts"].table().loc["kappa"]
    assert re.search(rf"LO .* nuts .* κ̂ .* {kappa['mean']:.2f} .* {kappa['sd']:.2f}", result.output)
    # exp(-2.5), with both errors in quadrature
    assert re.search(r"NLO .* −12\.50 ± 0\.30 .* −2\.50 ± 0\.42 .* 0\.0821", result.output)
    assert {path.name for path in (run.folder / "here" / "LO").iterdir()} == {"pulls.png", "pulls.pdf"}
    text = (run.folder / "here" / "report.html").read_text(encoding="utf-8")
    assert_self_contained(text)
    page = Page(text)
    assert page.text["h1"] == ["a <b>title</b>"]
    assert "".join(page.text["pre"]) == FILE
    assert [a["alt"] for tag, a in page.elements if tag == "img"] == ["LO, pulls"]
    words = " ".join(text for parts in page.text.values() for text in parts)
    for said in ("Cold nuclear matter", "average over events", "Below T", "Feed-down", "one kind of start"):
        assert said in words


@pytest.mark.slow
def test_every_figure_is_made(models, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "infer.toml").write_text(FILE, encoding="utf-8")
    made = inference_figures(Inference(load_inference_file("infer.toml"), tmp_path, models))
    each = ("corner", "corner_samplers", "profile", "fitted_R_AA_N_part_PbPb5020", "contributions", "pulls")
    expected = {"corner_models", *(f"{model}/{figure}" for model in models for figure in each)}
    assert {name for section in made.values() for name in section} == expected
    # what a preliminary number is stands below it
    note = made["predictions"]["LO/fitted_R_AA_N_part_PbPb5020"].get_supxlabel()
    assert "read <off> a slide" in note.replace("\n", " ")


def test_a_closure_prints_its_truth_and_a_calibration_its_coverage(run, models, monkeypatch):
    seen = []

    def closure(likelihood, truth, **options):
        seen.append((truth, options["sampler"]))
        at = likelihood.parameters.checked(truth)
        return Closure(at, likelihood.values, models["LO"].posterior)

    def calibrate(likelihood, *, truths, **options):
        assert options["sampler"] == "nuts"
        assert "live" not in options
        ranks = np.random.default_rng(3).integers(0, 100, (truths, 3))
        return Calibration(likelihood.parameters, np.zeros((truths, 2)), ranks, 99)

    monkeypatch.setattr("qtraj.pages.inference.write_inference", lambda inference: [])
    monkeypatch.setattr("qtraj.inference.calibration.closure", closure)
    monkeypatch.setattr("qtraj.inference.calibration.calibrate", calibrate)
    result = run("--closure", "--truth", "kappa=4", "--calibrate", 50)
    assert result.exit_code == 0, result.output
    # what is not given is the middle of the prior
    assert seen == 2 * [({"kappa": 4.0, "T_end": pytest.approx(0.21)}, "nuts")]
    assert "a known truth from its own synthetic data" in result.output
    assert "Calibration with 50 truths" in result.output
    for name in ("closure.png", "calibration.png"):
        assert (run.folder / "out" / "LO" / name).is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sampler", "emcee"], "`--sampler` must be nuts, nested"),
        (["--sampler", "nuts,nuts"], "`--sampler` must be nuts, nested"),
        (["--truth", "kappa=4"], "`--truth` must be given with --closure only"),
        (["--closure", "--truth", "kappa"], "`--truth` must be names of parameters with their values"),
        (["--closure", "--truth", "kapa=4"], "`--truth` must name parameters of the file: T_end, kappa"),
        (["--closure", "--truth", "kappa=40"], "lie in its prior, 1 to 9"),
        (["--executor", "cloud"], "executor"),
    ],
)
def test_wrong_flags_are_found_before_anything_is_computed(run, arguments, message):
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.output
    assert run.calls == []


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("kappa = { uniform", "kapa = { uniform", "kapa"),
        ("uniform = [1.0, 9.0]", "uniform = [9.0, 1.0]", "parameters.kappa"),
        ('order = "NLO"', 'order = "NNLO"', "NNLO"),
        ('name = "NLO"', 'name = "LO"', "name of its own"),
        ("[output]", "[sampling]\nsamplers = []\n[output]", "samplers"),
    ],
)
def test_wrong_keys_are_named_with_their_value(tmp_path, monkeypatch, before, after, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "infer.toml").write_text(FILE.replace(before, after), encoding="utf-8")
    result = RUNNER.invoke(app, ["infer", "infer.toml"], env={"COLUMNS": "200"})
    assert result.exit_code == 2, result.output
    assert message in result.output
    assert result.output.count("\n") == 1


def test_tables_say_what_has_not_converged(models):
    rough = {("LO", "nuts"): models["LO"].posterior}
    table = posterior_table(rough)
    assert len(table.rows) == 2
    assert table.rows[1][2] == "T_end [GeV]"
    doubtful = drawn([4.0, 0.21])
    doubtful.data.posterior["kappa"].values[0] += 3.0  # two chains that do not meet
    (note,) = posterior_table({("LO", "nuts"): doubtful}).notes
    assert "Not converged: κ̂ of LO, nuts" in note
    assert as_rich(table).row_count == 2


def test_a_table_says_what_each_round_of_a_design_missed(models):
    assert design_table(models) is None  # as these were made without
    rounds = (Round(8, np.nan, np.nan, 0.7), Round(12, 0.45, 0.8, 0.09))
    table = design_table({"LO": replace(models["LO"], rounds=rounds), "NLO": models["NLO"]})
    assert table.rows == [
        ("LO", "in the prior", "8", "–", "–", "0.70"),
        ("", "round 1", "12", "0.45", "0.80", "0.09"),
    ]


def test_without_nested_sampling_there_is_no_evidence(models, tmp_path):
    only = {
        name: Inferred(name, None, m.surrogate, m.likelihood, {"nuts": m.posteriors["nuts"]}, {})
        for name, m in models.items()
    }
    assert evidence_table(Inference(None, tmp_path, only)) is None
    ranks = np.tile(np.arange(100)[:, None], (1, 3))
    table = calibration_table({"LO": Calibration(PARAMETERS, np.zeros((100, 2)), ranks, 99)})
    assert [row[1] for row in table.rows] == ["κ̂", "T_end", "all together"]
    assert {row[-1] for row in table.rows} == {"1"}  # ranks that are exactly flat


def test_an_inference_file_is_cited_with_its_data_and_samplers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "infer.toml").write_text(FILE, encoding="utf-8")
    result = RUNNER.invoke(app, ["cite", "infer.toml"], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    # the idea, an equation of each model, both samplers, a measurement, the hydrodynamics
    for number in (
        "2601.14399",
        "1612.07248",
        "2205.10289",
        "1111.4246",
        "1904.02180",
        "1805.09215",
        "1004.1408",
    ):
        assert f"arXiv:{number}" in result.output
    only = FILE.replace("[output]", '[sampling]\nsamplers = ["nuts"]\n\n[output]')
    (tmp_path / "infer.toml").write_text(only, encoding="utf-8")
    assert "1904.02180" not in RUNNER.invoke(app, ["cite", "infer.toml"]).output
    refused = RUNNER.invoke(app, ["cite", "infer.toml", "--observables"])
    assert refused.exit_code == 2
    assert "`--observables` must be left out with an inference file" in refused.output
