"""Figures of an inference: what is drawn is what the posterior says, with labels and units, and no text on another."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from inference_models import linear, measured
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.legend import Legend
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from qtraj.errors import InputError
from qtraj.inference import (
    Calibration,
    Likelihood,
    LogUniform,
    Normal,
    Parameter,
    Parameters,
    Posterior,
    Predictive,
    Profile,
    Uniform,
)
from qtraj.observables import load_data
from qtraj.plots import (
    calibration_figure,
    contributions_figure,
    corner_figure,
    predictive_figures,
    profile_figure,
    pulls_figure,
    style,
)
from qtraj.plots.inference import COLORS, TRUTH, axis_label, interval, short_names

pytest.importorskip("arviz")
pytest.importorskip("corner")

PARAMETERS = Parameters((Parameter("kappa", LogUniform(1.0, 9.0)), Parameter("T_end", Uniform(0.15, 0.35))))
SETS = [
    measured(np.linspace(0.7, 0.4, 6), relative=0.05, syst=0.03),
    measured(np.linspace(0.5, 0.4, 4), relative=0.07, state="Y(2S)"),
]


@pytest.fixture(scope="module")
def posterior():
    """Samples of a Gaussian: the figures do not ask where they come from."""
    likelihood = Likelihood(SETS, linear(10, PARAMETERS))
    rng = np.random.default_rng(1)
    theta = rng.multivariate_normal([4.0, 0.25], [[0.25, 0.002], [0.002, 0.0003]], (2, 400))
    return Posterior.of(
        likelihood, theta, rng.normal(0.5, 0.8, (2, 400, likelihood.size)), sampler="x", settings={}
    )


def texts_on_each_other(figure):
    """Return pairs of visible texts that overlap by more than five pixels, the empty part of a line of letters."""
    FigureCanvasAgg(figure)
    with style():
        figure.canvas.draw()
        renderer = figure.canvas.get_renderer()
        beyond = {
            label
            for ax in figure.axes
            for axis in (ax.xaxis, ax.yaxis)
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks())
            for label in (tick.label1, tick.label2)
            if not min(axis.get_view_interval()) <= tick.get_loc() <= max(axis.get_view_interval())
        }
        found = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]
        shown = [t for t in found if t not in beyond]  # a tick beyond the ends is not drawn
        boxes = [(t.get_text(), t.get_window_extent(renderer)) for t in shown]
    inside = figure.bbox
    for text, box in boxes:
        assert inside.x0 - 2 <= box.x0, text
        assert box.x1 <= inside.x1 + 2, text
    return [
        (a, b)
        for (a, one), (b, two) in combinations(boxes, 2)
        if min(one.x1, two.x1) - max(one.x0, two.x0) > 5 and min(one.y1, two.y1) - max(one.y0, two.y0) > 5
    ]


def legends(figure):
    return [t.get_text() for each in figure.findobj(Legend) for t in each.get_texts()]


def test_a_corner_plot_shows_the_samples_the_prior_and_the_truth(posterior):
    figure = corner_figure(posterior, truth={"kappa": 4.0}, title="Closure", note="how to read it")
    assert texts_on_each_other(figure) == []
    assert len(figure.axes) == 3
    top, pair, last = figure.axes
    assert pair.get_xlabel() == r"$\hat\kappa$"
    assert pair.get_ylabel() == last.get_xlabel() == r"$T_\mathrm{end}$ [GeV]"
    assert legends(figure) == ["prior", "truth"]
    # the histogram is a density of all samples inside of the axis
    (outline,) = [p for p in top.patches if len(p.get_xy()) > 10]
    edges = np.unique(outline.get_xy()[:, 0])
    counts, _ = np.histogram(posterior.samples[:, 0], edges, density=True)
    assert outline.get_xy()[:, 1].max() == pytest.approx(counts.max())
    dashed = [line for line in top.lines if line.get_linestyle() == "--"]
    x, y = dashed[0].get_data()
    inside = (x >= 1.0) & (x <= 9.0)
    np.testing.assert_allclose(y[inside], 1 / (x[inside] * np.log(9.0)), rtol=1e-9)
    for ax in (top, pair):
        assert any(line.get_color() == TRUTH and np.all(np.equal(line.get_xdata(), 4.0)) for line in ax.lines)
    assert not any(line.get_color() == TRUTH for line in last.lines)


def test_several_posteriors_have_their_colors_and_names(posterior):
    figure = corner_figure({"LO": posterior, "NLO": posterior})
    assert texts_on_each_other(figure) == []
    assert legends(figure) == ["LO", "NLO", "prior"]
    colors = [p.get_edgecolor() for p in figure.axes[0].patches]
    assert len(colors) == 2
    assert colors[0] != colors[1]
    assert len(set(COLORS)) == len(COLORS)


def test_one_parameter_has_its_legend_outside(posterior):
    rng = np.random.default_rng(2)
    parameters = Parameters((Parameter("md_over_T", Normal(2.0, 1.0, low=0.5)),))
    model = replace(linear(6), slopes=np.full((1, 6), -0.1), parameters=parameters)
    likelihood = Likelihood(SETS[:1], model)
    one = Posterior.of(
        likelihood,
        rng.normal(2.0, 0.2, (2, 100, 1)),
        np.zeros((2, 100, likelihood.size)),
        sampler="x",
        settings={},
    )
    assert texts_on_each_other(corner_figure(one)) == []
    with pytest.raises(InputError, match="two measurements or more"):
        contributions_figure(one)
    with pytest.raises(InputError, match="posteriors of the same parameters"):
        corner_figure({"a": one, "b": posterior})


def test_the_interval_in_a_title_has_two_digits_of_its_smaller_error():
    values = np.linspace(0.2, 0.3, 10001)  # 68 % in the middle: 0.25 +- 0.034
    assert interval(PARAMETERS["T_end"], values) == r"$T_\mathrm{end}$ $= 0.250^{+0.034}_{-0.034}$ GeV"
    assert axis_label(PARAMETERS["kappa"].kind) == r"$\hat\kappa$"


def test_bands_of_the_posterior_stand_at_the_points_and_hold_their_share():
    sets = [
        *load_data("R_AA", system="PbPb", sqrt_s_GeV=5020, experiment="CMS", x_name="pT_GeV"),
        *load_data(
            "R_AA", system="PbPb", sqrt_s_GeV=5020, experiment="ATLAS", state="Y(1S)", x_name="N_part"
        ),
        *load_data("v2", system="PbPb", sqrt_s_GeV=5020, experiment="ALICE", x_name="pT_GeV"),
        *load_data("R_AA", system="PbPb", sqrt_s_GeV=5020, state="Y(3S)", x_name="integrated"),
    ]
    values = np.concatenate([data.value for data in sets])
    draws = values + 0.05 * np.random.default_rng(3).standard_normal((2001, len(values)))
    figures = predictive_figures(sets, Predictive(draws), title="LO")
    names = ["R_AA_pT_GeV_PbPb5020", "R_AA_N_part_PbPb5020", "v2_pT_GeV_PbPb5020", "R_AA_all_PbPb5020"]
    assert list(figures) == names
    for figure in figures.values():
        assert texts_on_each_other(figure) == []
        assert {"68 %", "95 % of the posterior"} <= set(legends(figure))
        assert any("CMS" in text or "ATLAS" in text or "ALICE" in text for text in legends(figure))
        assert figure.axes[0].get_ylabel()
        assert "5.02 TeV" in figure.axes[-1].get_title(loc="right")
    ax = figures[names[0]].axes[0]
    data = next(d for d in sets if d.state == "Y(1S)")
    boxes = [p.get_bbox() for p in ax.patches if isinstance(p, Rectangle)][: 2 * len(data)]
    wide, narrow = boxes[: len(data)], boxes[len(data) :]
    first = sum(len(d) for d in sets[: [d is data for d in sets].index(True)])
    mine = draws[:, first : first + len(data)]
    for at, (low, high) in ((wide, (2.5, 97.5)), (narrow, (16, 84))):
        np.testing.assert_allclose([b.x0 for b in at], data.x_low)
        np.testing.assert_allclose([b.x1 for b in at], data.x_high)
        np.testing.assert_allclose([b.y0 for b in at], np.percentile(mine, low, axis=0), rtol=1e-9)
        np.testing.assert_allclose([b.y1 for b in at], np.percentile(mine, high, axis=0), rtol=1e-9)
    with pytest.raises(InputError, match="points of the measurements"):
        predictive_figures(sets[:1], Predictive(draws))


def test_pulls_and_contributions_are_the_numbers_of_the_posterior(posterior):
    pulls = posterior.pulls()
    figure = pulls_figure(posterior, title="LO")
    assert texts_on_each_other(figure) == []
    (points,) = figure.axes[0].containers
    np.testing.assert_allclose(points.lines[0].get_xdata(), pulls["mean"])
    labels = [t.get_text() for t in figure.axes[0].get_yticklabels()]
    assert len(labels) == len(pulls)
    assert not any("R_AA" in label or "Y(" in label for label in labels)
    table = posterior.contributions()
    figure = contributions_figure(posterior)
    assert texts_on_each_other(figure) == []
    for ax, parameter in zip(figure.axes, PARAMETERS, strict=True):
        drawn = np.concatenate([c.lines[0].get_xdata() for c in ax.containers])
        np.testing.assert_allclose(np.sort(drawn), np.sort(table[f"mean {parameter.name}"]))
        assert ax.get_xlabel() == axis_label(parameter.kind)


def test_measurements_are_named_as_far_as_they_differ():
    names = [
        "CMS Υ(1S) R_AA against N_part, PbPb 5020 GeV: 9 points (x)",
        "ATLAS Υ(1S) R_AA against N_part, PbPb: 3",
    ]
    assert short_names(names) == ["CMS Υ(1S) R_AA against N_part", "ATLAS Υ(1S) R_AA against N_part"]
    assert short_names(["A, b, c: 1", "A, b, d: 2"]) == ["A, b, c", "A, b, d"]
    assert short_names(["A, b: 1", "A, b: 2"]) == ["A, b (1)", "A, b (2)"]


def test_contours_of_a_profile_are_where_chi_square_rises(posterior):
    """Of a Gaussian in two parameters the regions of 68 and 95 % end where chi-square has risen by 2.28 and 5.99."""
    x, y = np.linspace(2, 6, 81), np.linspace(0.15, 0.35, 81)
    deviance = ((x[:, None] - 4) / 0.5) ** 2 + ((y[None] - 0.25) / 0.02) ** 2 + 7.0
    best = {"kappa": 4.0, "T_end": 0.25}
    figure = profile_figure(Profile(("kappa", "T_end"), (x, y), deviance, best, {}, 7.0, {}), posterior)
    assert texts_on_each_other(figure) == []
    assert legends(figure) == ["posterior, 68 and 95 %", "profile, 68 %", "profile, 95 %", "best fit"]
    contours = [c for c in figure.axes[0].collections if len(c.get_paths()) == 1][-2:]
    for contour, rise in zip(contours, (2.279, 5.991), strict=True):
        at = contour.get_paths()[0].vertices
        found = ((at[:, 0] - 4) / 0.5) ** 2 + ((at[:, 1] - 0.25) / 0.02) ** 2
        np.testing.assert_allclose(
            found, rise, atol=0.02
        )  # linear between points: h^2/4 of the second derivative
    one = Profile(("T_end",), (y,), ((y - 0.25) / 0.02) ** 2, best, {}, 0.0, {})
    figure = profile_figure(one)
    assert texts_on_each_other(figure) == []
    heights = [line.get_ydata()[0] for line in figure.axes[0].lines if line.get_linestyle() == "--"]
    np.testing.assert_allclose(heights, [0.989, 3.841], atol=1e-3)
    with pytest.raises(InputError, match="one parameter"):
        profile_figure(one, posterior)


def test_ranks_are_counted_and_the_coverage_is_written():
    rng = np.random.default_rng(5)
    calibration = Calibration(PARAMETERS, np.zeros((100, 2)), rng.integers(0, 100, (100, 3)), 99)
    figure = calibration_figure(calibration, title="LO")
    assert texts_on_each_other(figure) == []
    counts, _ = calibration.histogram(10)
    inside = 100 * calibration.coverage(0.68)["inside"]
    for ax, row, name in zip(figure.axes, counts, calibration.names, strict=True):
        (steps,) = [p for p in ax.patches if hasattr(p, "get_data")]
        np.testing.assert_allclose(steps.get_data().values, row)
        assert f"68 %: {inside[name]:.0f} %" in ax.texts[0].get_text()
    assert [ax.get_xlabel() for ax in figure.axes][-1] == "Rank of the joint region"
    with pytest.raises(InputError, match="divide"):
        calibration_figure(calibration, bins=7)
