import logging

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from qtraj.errors import InputError
from qtraj.observables.curves import Band
from qtraj.observables.data.dataset import load_raa
from qtraj.observables.estimate import Estimate
from qtraj.plots import (
    default_note,
    guide,
    plot_raa_npart,
    raa_comparison_figure,
    raa_figure,
    save_figure,
    style,
    use_style,
)
from qtraj.plots.artists import STATE_COLORS
from qtraj.plots.observables import SHIFTS

N_PART = np.array([48.0, 130.0, 265.0, 372.0])
CENTRAL = {
    "Y(1S)": np.array([0.74, 0.50, 0.34, 0.30]),
    "Y(2S)": np.array([0.38, 0.17, 0.07, 0.055]),
    "Y(3S)": np.array([0.29, 0.12, 0.06, 0.045]),
}
KAPPA, GAMMA = r"$\hat\kappa$ lower to upper", r"$\hat\gamma$ from $-3.5$ to $0$"


def band(state, label=KAPPA, width=0.2):
    central = CENTRAL[state]
    estimate = Estimate(central, {"paths": 0.03 * central})
    return Band(state, N_PART, estimate, (1 - width) * central, (1 + width) * central, label)


BANDS = [band(state, label, width) for state in CENTRAL for label, width in ((KAPPA, 0.2), (GAMMA, 0.1))]


def axes():
    return Figure().subplots()


def legends(ax):
    return [child for child in ax.get_children() if isinstance(child, mpl.legend.Legend)]


def legend_texts(ax):
    return [text.get_text() for legend in legends(ax) for text in legend.get_texts()]


def boxes(ax):
    patches = [p for p in ax.patches if isinstance(p, Rectangle)]
    return [(p.get_x() + p.get_width() / 2, p.get_y(), p.get_y() + p.get_height()) for p in patches]


# values above 1e-12: PCHIP takes the inverse of slopes, which overflows for subnormal ones
@given(st.lists(st.tuples(st.floats(1, 50), st.floats(1e-12, 1)), min_size=2, max_size=8))
def test_the_guide_is_monotone_between_computed_points_and_meets_them(steps):
    gaps, values = np.array(steps).T
    n_part = np.cumsum(gaps)
    x, y = guide(n_part, values, points=301)
    assert (x[0], x[-1]) == (n_part[0], n_part[-1])
    np.testing.assert_allclose((y[0], y[-1]), (values[0], values[-1]), atol=1e-12)  # rounding of a cubic
    for i in range(len(values) - 1):
        inside = y[(x >= n_part[i]) & (x <= n_part[i + 1])]
        assert np.all(inside >= min(values[i : i + 2]) - 1e-12)
        assert np.all(inside <= max(values[i : i + 2]) + 1e-12)


def test_points_are_drawn_where_they_were_measured():
    (cms,) = load_raa(experiment="CMS", state="Y(1S)")
    ax = plot_raa_npart(axes(), [], [cms])
    markers = ax.containers[0].lines[0]
    np.testing.assert_array_equal(markers.get_xdata(), cms.x)
    np.testing.assert_array_equal(markers.get_ydata(), cms.value)
    systematic = boxes(ax)[: len(cms)]
    # rounding of a difference of two corners
    np.testing.assert_allclose([low for _, low, _ in systematic], cms.value - cms.syst_minus, rtol=1e-12)
    np.testing.assert_allclose([high for _, _, high in systematic], cms.value + cms.syst_plus, rtol=1e-12)
    _, low, high = boxes(ax)[-1]
    assert (low, high) == pytest.approx((1 - cms.global_rel_minus[0], 1 + cms.global_rel_plus[0]))


def test_statistical_bars_have_both_sides():
    (data,) = load_raa(experiment="CMS", state="Y(3S)")
    ax = plot_raa_npart(axes(), [], [data])
    (bars,) = ax.containers[0].lines[2]
    ends = np.array([segment[:, 1] for segment in bars.get_segments()])
    np.testing.assert_allclose(ends[:, 0], data.value - data.stat_minus, rtol=1e-12)
    np.testing.assert_allclose(ends[:, 1], data.value + data.stat_plus, rtol=1e-12)


def test_where_only_the_total_is_known_the_bar_is_the_total():
    (data,) = load_raa(experiment="CMS", state="Y(3S)", status="duplicate")
    ax = plot_raa_npart(axes(), [], [data])
    (bars,) = ax.containers[0].lines[2]
    ends = np.array([segment[:, 1] for segment in bars.get_segments()])
    np.testing.assert_allclose(ends[:, 1], data.value + data.total_plus, rtol=1e-12)
    assert boxes(ax) == []


def test_theory_shows_computed_points_their_errors_and_the_range():
    ax = plot_raa_npart(axes(), [band("Y(1S)")])
    (container,) = ax.containers
    np.testing.assert_array_equal(container.lines[0].get_xdata(), N_PART)
    np.testing.assert_array_equal(container.lines[0].get_ydata(), CENTRAL["Y(1S)"])
    filled = ax.collections[0].get_paths()[0].vertices
    assert filled[:, 1].max() == pytest.approx(1.2 * 0.74, rel=1e-12)
    assert filled[:, 1].min() == pytest.approx(0.8 * 0.30, rel=1e-12)


def test_a_single_computed_point_is_drawn_without_a_curve():
    one = Band("Y(1S)", [370], Estimate([0.3], {"paths": 0.02}), [0.25], [0.35], KAPPA)
    ax = plot_raa_npart(axes(), [one])
    assert len(ax.containers) == 1
    assert len(ax.collections) == 1  # the error bars, no range


def test_light_systems_have_an_axis_of_their_own():
    light = Band("Y(1S)", [7, 28], Estimate([0.9, 0.7], {"paths": 0.02}), [0.9, 0.6], [0.95, 0.8], KAPPA)
    low, high = plot_raa_npart(axes(), [light]).get_xlim()
    assert low == 0
    assert 28 < high < 35
    assert plot_raa_npart(axes(), BANDS).get_xlim() == (0, 440)  # with room for global boxes beside lead


def test_several_states_in_one_axes_are_told_apart_by_color():
    ax = plot_raa_npart(axes(), BANDS, load_raa())
    colors = {to_hex(c.lines[0].get_color()).upper() for c in ax.containers}
    assert colors == set(STATE_COLORS.values())
    texts = legend_texts(ax)
    assert {KAPPA, GAMMA} <= set(texts)
    assert [t for t in texts if "Upsilon" in t] == [rf"$\mathrm{{\Upsilon}}$({n}S)" for n in (1, 2, 3)]
    assert [t.split(",")[0] for t in texts[:3]] == ["CMS", "ATLAS", "ALICE"]


def test_labels_are_those_of_the_field():
    ax = plot_raa_npart(axes(), BANDS)
    assert ax.get_xlabel() == r"$\langle \mathit{N}_\mathrm{part}\rangle$"
    assert ax.get_ylabel() == r"$\mathit{R}_\mathrm{AA}$"


def test_the_figure_has_one_panel_per_state_and_nothing_sticks_out():
    data = load_raa()
    panels = raa_figure(BANDS, data, title="qtraj").axes
    assert [ax.texts[0].get_text()[-4:] for ax in panels] == ["(1S)", "(2S)", "(3S)"]
    assert panels[1].get_ylim() == panels[2].get_ylim()
    for ax, state in zip(panels, CENTRAL, strict=True):
        tops = [d.value + d.total_plus for d in data if d.state == state]
        assert ax.get_ylim()[1] > max(np.max(top) for top in tops)
        assert ax.get_xlim()[1] > max(np.max(d.x) for d in data) + 40
    assert "5.02 TeV" in panels[-1].get_title("right")
    assert panels[0].get_title("left") == "qtraj"


@pytest.mark.parametrize("datasets", [load_raa(), ()])
def test_legends_and_labels_do_not_cover_each_other_or_the_data(datasets):
    figure = raa_figure(BANDS, datasets, title="qtraj, LO")
    with style():  # sizes of formulas depend on the fonts in use
        figure.draw_without_rendering()
        by_axes = [[c.get_window_extent() for c in (*legends(ax), *ax.texts)] for ax in figure.axes]
    for ax, extents in zip(figure.axes, by_axes, strict=True):
        for i, one in enumerate(extents):
            assert not any(one.overlaps(other) for other in extents[i + 1 :])
            assert one.y1 <= ax.bbox.y1
        points = np.concatenate([np.column_stack(c.lines[0].get_data()) for c in ax.containers])
        for x, y in ax.transData.transform(points):
            assert not any(extent.contains(x, y) for extent in extents)


def test_moved_points_and_digitized_ones_are_declared():
    assert "moved" not in default_note(BANDS, load_raa())
    note = default_note(BANDS, load_raa(), SHIFTS)
    assert "ALICE by +9, ATLAS by −9" in note
    assert "ATLAS read off the published figure" in note
    assert "interpolate monotonically" in note
    assert "moved" not in default_note(BANDS, load_raa(experiment="CMS"))
    assert "Theory" not in default_note([], load_raa())


def test_the_global_uncertainty_is_quoted_where_one_is_out_of_range():
    panels = raa_figure(BANDS, load_raa()).axes
    quoted = [[t for t in legend_texts(ax) if "global" in t] for ax in panels]
    assert quoted[0] == []
    assert [len(q) for q in quoted[1:]] == [1, 1]
    assert "±2.6 %" in quoted[1][0]


def test_settings_of_the_user_stay_as_they_are(tmp_path):
    before = dict(mpl.rcParams)
    save_figure(raa_figure(BANDS, load_raa()), tmp_path / "raa")
    assert dict(mpl.rcParams) == before
    with style():
        assert mpl.rcParams["font.sans-serif"] != before["font.sans-serif"]
    with pytest.raises(RuntimeError), style():
        raise RuntimeError
    assert dict(mpl.rcParams) == before


def test_a_session_takes_the_style_until_it_sets_another():
    with mpl.rc_context():
        with style():
            inside = dict(mpl.rcParams)
        assert dict(mpl.rcParams) != inside
        use_style()
        assert dict(mpl.rcParams) == inside


def test_files_are_complete_and_named_by_the_stem(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        png, pdf = save_figure(raa_figure(BANDS[:2]), tmp_path / "raa_b2.3")
    assert not caplog.records  # no missing glyphs
    assert sorted(p.name for p in tmp_path.iterdir()) == ["raa_b2.3.pdf", "raa_b2.3.png"]
    with Image.open(png) as image:
        assert image.size == (1800, 1180)  # 9.0 x 5.9 inches at 200 dpi
    assert pdf.read_bytes().startswith(b"%PDF")
    assert pdf.read_bytes().rstrip().endswith(b"%%EOF")


def test_a_failed_write_leaves_the_old_file(tmp_path):
    (tmp_path / "raa.png").write_text("old")
    figure = Figure()
    figure.text(0, 0, r"$\nonsense$")
    with pytest.raises(ValueError, match="nonsense"):
        save_figure(figure, tmp_path / "raa")
    assert [p.name for p in tmp_path.iterdir()] == ["raa.png"]
    assert (tmp_path / "raa.png").read_text() == "old"


def test_calculations_are_compared_on_the_same_scales():
    data = load_raa()
    higher = [band(state, width=0.5) for state in CENTRAL]
    figure = raa_comparison_figure({"LO": BANDS, "NLO": higher}, data)
    rows = np.reshape(figure.axes, (2, 3))
    assert [row[0].get_title(loc="left") for row in rows] == ["LO", "NLO"]
    for above, below in rows.T:
        assert above.get_ylim() == below.get_ylim()
        assert len(above.containers) > 0
        assert len(below.containers) == len(above.containers)  # the same points in both
    with pytest.raises(InputError, match="Y\\(3S\\)"):
        raa_comparison_figure({"LO": BANDS, "NLO": higher[:2]}, data)


def test_what_cannot_be_drawn_is_refused(tmp_path):
    with pytest.raises(InputError, match="at least one band"):
        raa_figure([])
    with pytest.raises(InputError, match="at least one band"):
        plot_raa_npart(axes(), [])
    with pytest.raises(InputError, match="against N_part"):
        plot_raa_npart(axes(), [], load_raa(x_name="pT_GeV"))
    with pytest.raises(InputError, match="one collision system"):
        raa_figure([], load_raa() + load_raa(sqrt_s_GeV=2760))
    with pytest.raises(InputError, match="same labels"):
        raa_figure(BANDS[:3])
    with pytest.raises(InputError, match="existing folder"):
        save_figure(Figure(), tmp_path / "none" / "raa")
