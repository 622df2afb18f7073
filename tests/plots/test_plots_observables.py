"""Figures of observables: what is drawn where, and what is refused."""

import io

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from PIL import Image
from survival_tables import toy_settings

from qtraj.errors import InputError
from qtraj.observables.data.dataset import load_data
from qtraj.observables.data.systems import load_system
from qtraj.observables.observable import Observable
from qtraj.observables.overview import overview
from qtraj.observables.table import AXES, INTEGRATED
from qtraj.plots.artists import band_label, state_label
from qtraj.plots.observables import (
    observable_figure,
    parts_figure,
    plot_curve,
    plot_parts,
    plot_raa_npart,
    raa_figure,
    write_observables,
)
from qtraj.plots.style import style


@pytest.fixture(scope="module")
def panels():
    found = overview(toy_settings(), system=load_system("PbPb5020"))
    return {panel.name: panel for panel in found}


def axes():
    return Figure().subplots()


def bands_of(panel, name):
    return [band for band in panel.bands if band.name == name]


def test_boxes_of_bins_span_the_settings(panels):
    panel = panels["raa_pt"]
    (kappa, gamma) = bands_of(panel, "Y(1S)")
    ax = axes()
    assert plot_curve(ax, [kappa, gamma]) is ax
    boxes = [p.get_bbox() for p in ax.patches if isinstance(p, Rectangle)][: len(kappa.curve)]
    np.testing.assert_allclose([b.x0 for b in boxes], kappa.curve.x_low)
    np.testing.assert_allclose([b.x1 for b in boxes], kappa.curve.x_high)
    np.testing.assert_allclose([b.y0 for b in boxes], kappa.low)
    np.testing.assert_allclose([b.y1 for b in boxes], kappa.high)
    markers = ax.containers[0].lines[0]
    np.testing.assert_allclose(markers.get_xdata(), (kappa.curve.x_low + kappa.curve.x_high) / 2)
    np.testing.assert_allclose(markers.get_ydata(), kappa.central.value)


def test_raa_against_n_part_is_drawn_as_any_observable(panels):
    panel, shown = panels["raa_npart"], []
    for plot in (plot_curve, plot_raa_npart):
        data = [d for d in panel.datasets if d.state == "Y(1S)"]
        ax = plot(axes(), bands_of(panel, "Y(1S)"), data, legend=False)
        lines = [line.get_xydata() for line in ax.lines if len(line.get_xydata()) > 2]
        fills = [path.vertices for each in ax.collections for path in each.get_paths()]
        boxes = [
            p.get_bbox() for p in ax.patches if p.get_bbox().y0 < 0.9
        ]  # without that of global errors at 1
        shown.append((lines, fills, [(b.y0, b.y1, (b.x0 + b.x1) / 2) for b in boxes]))
        assert (ax.get_xlabel(), ax.get_ylabel()) == (AXES["N_part"].label, Observable.named("R_AA").label)
    for one, other in zip(*shown, strict=True):
        assert len(one) == len(other) > 0
        for a, b in zip(one, other, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12)


def test_points_keep_their_values_and_places(panels):
    panel = panels["double_ratio_npart"]
    ax = axes()
    data = [d for d in panel.datasets if d.state == "Y(2S)/Y(1S)"]
    plot_curve(ax, bands_of(panel, "Y(2S)/Y(1S)"), data)
    _theory, *drawn = ax.containers
    assert len(drawn) == len(data) == 3
    for container, points in zip(drawn, data, strict=True):
        np.testing.assert_allclose(container.lines[0].get_ydata(), points.value)
        np.testing.assert_allclose(container.lines[0].get_xdata(), points.x)


def test_flow_has_a_line_at_zero_and_both_signs(panels):
    figure = observable_figure(panels["v2_centrality"], title="toy")
    for ax in figure.axes:
        low, high = ax.get_ylim()
        assert low < 0 < high
        assert any(np.allclose(line.get_ydata(), 0) for line in ax.lines)


def test_the_parts_are_shown_separately(panels):
    panel = panels["raa_npart"]
    ax = plot_parts(axes(), panel, "Y(2S)")
    labels = [line.get_label() for line in ax.lines if not line.get_label().startswith("_")]
    assert labels == ["total", "never jumped", "regenerated"]
    total, still, back = (line.get_ydata() for line in ax.lines[:3])
    np.testing.assert_allclose(still + back, total, rtol=1e-12)
    with pytest.raises(InputError, match="no_jump and regeneration"):
        plot_parts(axes(), panels["double_ratio_npart"], "Y(2S)/Y(1S)")


@pytest.mark.parametrize("name", ["raa_pt", "double_ratio_npart", "v2_pt"])
def test_a_figure_names_axes_states_data_and_settings(panels, name):
    figure = observable_figure(panels[name], title="toy", note="how to read it")
    assert all(ax.get_xlabel() for ax in figure.axes)
    assert figure.axes[0].get_ylabel()
    assert figure.axes[0].get_title(loc="left") == "toy"
    assert "5.02 TeV" in figure.axes[-1].get_title(loc="right")
    assert len({ax.get_xlim() for ax in figure.axes}) == 1
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()][-1] == "central setting"
    named = [text.get_text() for child in figure.axes[0].get_children() if isinstance(child, Legend)
             for text in child.get_texts()]  # fmt: skip
    assert any("CMS" in text for text in named)


def test_no_text_of_a_figure_is_a_key(panels):
    """Y(1S) and chi_b0(1P) are keys of files: titles, legends, corners and notes have the letter of the meson."""
    figures = [observable_figure(p) for p in panels.values() if p.curve.x_name != INTEGRATED]
    figures.append(parts_figure(panels["raa_npart"]))
    figures.append(raa_figure(panels["raa_npart"].bands, panels["raa_npart"].datasets))
    figures.append(Figure())
    plot_raa_npart(figures[-1].subplots(), panels["raa_npart"].bands)
    for figure in figures:
        texts = [text.get_text() for text in figure.findobj(Text)]
        texts += [label for ax in figure.axes for label in ax.get_legend_handles_labels()[1]]
        assert any("Upsilon" in text for text in texts)
        assert not any(key in text for text in texts for key in ("Y(", "chi_b0(1P)"))
    assert state_label("chi_b0(1P)/Y(1S)") == r"$\chi_{\mathrm{b0}}$(1P)/$\mathrm{\Upsilon}$(1S)"


def test_labels_of_bands_have_symbols():
    assert band_label("kappa: central, lower") == r"$\hat\kappa$: central, lower"
    assert band_label("gamma: -1.75, 0.0") == "$\\hat\\gamma$: \N{MINUS SIGN}1.75, 0.0"
    assert band_label("T_end: 0.25, 0.19") == "$T_f$: 0.25, 0.19"
    assert band_label("mine") == "mine"


def test_what_does_not_belong_together_is_refused(panels):
    one, other = bands_of(panels["raa_pt"], "Y(1S)")[0], bands_of(panels["raa_pt"], "Y(2S)")[0]
    (limit,) = load_data("R_AA", system="PbPb", sqrt_s_GeV=5020, state="Y(3S)", x_name="integrated")
    with pytest.raises(InputError, match="at least one band"):
        plot_curve(axes(), [])
    with pytest.raises(InputError, match="all be of"):
        plot_curve(axes(), [one, other])
    with pytest.raises(InputError, match="hold R_AA of"):
        plot_curve(axes(), [one], [limit])
    with pytest.raises(InputError, match="one number"):
        observable_figure(panels["raa_minimum_bias"])


def test_every_file_is_written_and_the_pictures_are_pictures(panels, tmp_path):
    chosen = [panels[name] for name in ("raa_npart", "raa_minimum_bias")]
    written = {
        path.relative_to(tmp_path).as_posix() for path in write_observables(chosen, tmp_path, title="toy")
    }
    assert written == {
        *("raa_npart.csv", "raa_npart.png", "raa_npart.pdf", "raa_minimum_bias.csv"),
        *("regeneration.png", "regeneration.pdf"),
        *("hepdata/submission.yaml", "hepdata/raa_npart.yaml", "hepdata/raa_minimum_bias.yaml"),
    }
    with Image.open(tmp_path / "regeneration.png") as picture:
        assert min(picture.size) > 900
    lines = (tmp_path / "raa_npart.csv").read_text(encoding="utf-8").splitlines()
    assert "2.5 < y < 4" in lines[0]  # data at other rapidities than the paths
    assert lines[1] == "# errors not estimated: cross sections"
    assert lines[2] == (
        "name,N_part,low,high,R_AA,error,error_paths,error_mesh,error_time_step,error_branching,"
        '"kappa: 1.0, 0.8, 1.2 low","kappa: 1.0, 0.8, 1.2 high","gamma: -1.75, 0.0 low","gamma: -1.75, 0.0 high",'
        "no_jump,regeneration"
    )
    assert len(lines) == 3 + 9 * 4


def test_a_figure_outside_of_a_style_changes_nothing(panels):
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    with style():
        parts_figure(panels["raa_npart"])
    assert dict(mpl.rcParams) == before


def test_a_figure_is_shown_as_the_value_of_a_cell_without_pyplot(panels):
    figure = observable_figure(panels["raa_npart"])
    image = Image.open(io.BytesIO(figure._repr_png_()))
    assert image.format == "PNG"
    assert image.size == tuple(round(100 * inches) for inches in figure.get_size_inches())
    formatters = pytest.importorskip("IPython.core.formatters")
    shown, _ = formatters.DisplayFormatter().format(figure)
    assert shown["image/png"].startswith(b"\x89PNG")
