"""The figure, the animation and the data of `qtraj view`: what is drawn is what was stored."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.animation import FFMpegWriter
from matplotlib.figure import Figure
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from view_data import TIMES, evolution, trajectory, without_waves

import qtraj as qt
from qtraj.errors import InputError
from qtraj.plots import evolve_for_view, style, view, view_figure
from qtraj.plots.view import animate, save_animation
from qtraj.units import HBARC


def axes():
    return Figure().subplots()


def drawn(line):
    return np.array(line.get_data())


def test_a_series_is_drawn_as_it_is_in_fm():
    data = evolution()
    (norm,) = view.plot_norm(axes(), data).lines
    assert_array_equal(drawn(norm), [TIMES, data.norm])
    (radius,) = view.plot_mean_radius(axes(), data).lines
    assert_allclose(drawn(radius)[1], 1.05 * HBARC, rtol=1e-14)
    energy = view.plot_energy(axes(), data).lines[0]
    assert_array_equal(drawn(energy)[1], data.energy)


def test_only_populated_states_appear_each_in_its_color():
    ax = view.plot_overlaps(axes(), evolution())
    assert [line.get_label() for line in ax.lines] == ["1S", "2S"]
    assert_array_equal(drawn(ax.lines[1])[1], evolution().overlaps[:, 1])
    assert ax.lines[0].get_color() == view.RADIAL_COLORS["1S"]
    assert ax.get_yscale() == "log"
    empty = view.plot_overlaps(axes(), evolution(overlaps=np.zeros((4, 6))))
    assert "no bound state" in empty.texts[0].get_text()


def test_density_and_wave_function_are_those_of_the_nearest_stored_time():
    data = evolution()
    ax = view.plot_densities(axes(), data, [0.4, 2.9])
    assert [line.get_label() for line in ax.lines] == ["0.00", "3.00"]
    r, density = drawn(ax.lines[1])
    assert_array_equal(r, data.r * HBARC)
    # one pair in all: Int |u|^2 dr = 1, by the trapezoidal rule at steps of 0.07 a0
    assert np.trapezoid(density, r) == pytest.approx(1, abs=1e-4)
    wave = view.plot_wave_function(axes(), data)
    real, imaginary = (drawn(line)[1] for line in wave.lines)
    assert_array_equal(real + 1j * imaginary, data.u_fm[3])


def test_a_start_far_above_the_rest_is_cut_and_says_so():
    data = evolution()
    u = data.u.copy()
    u[0] *= 10
    ax = view.plot_densities(axes(), evolution(u=u), [0, 1.5, 3])
    assert "up to" in ax.lines[0].get_label()
    assert ax.get_ylim()[1] < 2 * np.max(drawn(ax.lines[1])[1])


def test_the_map_holds_the_density_of_every_snapshot():
    data = evolution()
    figure = Figure()
    ax = view.plot_density_map(figure.subplots(), data)
    mesh = ax.collections[0]
    assert_array_equal(mesh.get_array(), data.density_fm[[0, 2, 3]].T)
    # cells meet halfway between stored times
    assert_allclose(mesh.get_coordinates()[0, :, 0], [0, 0.75, 2.25, 3.0])
    assert figure.axes[1].get_ylabel() == view.DENSITY


def test_a_trajectory_shows_its_colors_and_angular_momenta():
    ax = view.plot_track(axes(), trajectory())
    path, singlet, octet = ax.lines
    assert_array_equal(drawn(path)[1], [0, 0, 1, 4])
    assert_array_equal(drawn(singlet)[0], [0, 0.5])
    assert_array_equal(drawn(octet), [[1.5, 3.0], [1, 4]])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["singlet", "octet"]


@pytest.mark.parametrize(
    ("data", "panels"),
    [
        (evolution(), 7),
        (trajectory(), 8),
        (without_waves(), 4),
        (evolution(energy=np.full(4, np.nan)), 6),
    ],
)
def test_the_figure_has_a_labeled_panel_for_all_that_is_known(data, panels):
    figure = view_figure(data)
    shown = [ax for ax in figure.axes if ax.get_xlabel()]  # color bars have none
    assert len(shown) == panels
    assert all(ax.get_ylabel() for ax in shown)
    assert {ax.get_xlabel() for ax in shown} <= {view.TIME, view.RADIUS}
    assert figure.get_suptitle() == data.title
    with style():
        figure.draw_without_rendering()


def test_settings_of_the_user_stay_as_they_are(tmp_path):
    before = dict(mpl.rcParams)
    view_figure(evolution())
    save_animation(evolution(), tmp_path / "a.gif")
    assert dict(mpl.rcParams) == before


def test_the_animation_has_a_frame_for_every_stored_wave_function(tmp_path):
    path = save_animation(evolution(), tmp_path / "pair.gif")
    with Image.open(path) as image:
        assert image.n_frames == 3
        assert image.size == (768, 432)  # 9.6 x 5.4 inches at 80 dpi
        assert 3 * image.info["duration"] == pytest.approx(2400)  # each stays 0.8 s: few frames need time


def test_a_frame_shows_the_wave_the_time_and_the_overlaps():
    data = evolution()
    made = animate(data)
    figure = made._fig
    made._draw_frame(3)
    wave, density, bars = figure.axes
    kept = data.thinned(view.FRAMES, view.POINTS)
    assert_array_equal(wave.lines[2].get_ydata(), kept.u_fm[3].real)
    assert_array_equal(density.lines[0].get_ydata(), kept.density_fm[3])
    assert [bar.get_height() for bar in bars.patches][:2] == [0.1, 1e-6]
    assert figure.get_suptitle().startswith("t = 3.00 fm/c")
    made._draw_was_started = (
        True  # a test that looks at one frame; Matplotlib warns about animations never drawn
    )


def test_long_evolutions_are_thinned_with_both_ends_kept():
    data = evolution()
    thin = data.thinned(2, 20)
    assert_array_equal(thin.times_fm, [0.0, 3.0])
    assert len(thin.r) == 20
    assert thin.r_fm[-1] <= data.visible_radius_fm
    assert_array_equal(thin.u[0], data.u[0][np.isin(data.r, thin.r)])
    assert_array_equal(without_waves().thinned(3, 5).overlaps, without_waves().overlaps[[0, 2, 3]])


def test_animations_that_cannot_be_made_are_refused(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="wave functions"):
        save_animation(without_waves(), tmp_path / "a.gif")
    with pytest.raises(InputError, match=r"\.gif or \.mp4"):
        save_animation(evolution(), tmp_path / "a.avi")
    monkeypatch.setattr(FFMpegWriter, "isAvailable", lambda: False)
    with pytest.raises(InputError, match="ffmpeg"):
        save_animation(evolution(), tmp_path / "a.mp4")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"times_fm": [0.0, 1.0, 1.0, 2.0]}, "times_fm"),
        ({"times_fm": []}, "times_fm"),
        ({"norm": [1.0]}, "norm"),
        ({"overlaps": np.zeros((4, 5))}, "overlaps"),
        ({"u": np.zeros((4, 3))}, "u"),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(changes, name):
    with pytest.raises(InputError) as error:
        evolution(**changes)
    assert error.value.argument == name


def test_a_pair_is_evolved_on_the_spot():
    medium = qt.ConstantTemperature(T=0.3, tau_fm=0.2, duration_fm=0.3)
    data = evolve_for_view(
        qt.LindbladModel(), medium, qt.GaussianState(width=1.0), grid=qt.SineGrid(255, 20.0)
    )
    assert data.times_fm[[0, -1]] == pytest.approx([0.0, 0.5])
    assert len(data.snapshots) == len(data.times_fm) == 121
    assert (data.r[0], data.u[:, 0].any()) == (0, False)
    # the last step to the wall is missing, where 1e-11 has arrived
    assert_allclose(np.trapezoid(data.density_fm, data.r_fm, axis=1), 1, rtol=1e-9)
    assert np.all(data.norm[data.times_fm < 0.2] == pytest.approx(1))
    assert np.all(np.diff(data.norm[data.times_fm > 0.2]) < 0)
    assert any("T=0.3" in note for note in data.notes)


def test_a_model_of_next_order_is_drawn_at_its_order_and_says_what_is_left_out():
    medium = qt.ConstantTemperature(T=0.3, tau_fm=0.6, duration_fm=0.6)
    lo, nlo = (
        evolve_for_view(qt.LindbladModel(order=order), medium, qt.GaussianState(), np.linspace(0, 1.2, 13))
        for order in ("LO", "NLO")
    )
    expected = qt.solve(
        qt.LindbladModel(order="NLO"), medium, qt.GaussianState(), qt.NoJump(error_budget=False)
    ).overlap_no_jump["1S"]
    assert nlo.overlaps[-1, 0] == pytest.approx(expected.value, rel=1e-3)
    assert abs(lo.overlaps[-1, 0] / expected.value - 1) > 0.1
    assert any("order='NLO'" in note for note in nlo.notes)
    assert any("left out" in note for note in nlo.notes)
    assert not any("left out" in note for note in lo.notes)
    assert len(nlo.snapshots) == 13
    assert_allclose(np.trapezoid(nlo.density_fm, nlo.r_fm, axis=1), 1, rtol=5e-3)
    view_figure(nlo)
