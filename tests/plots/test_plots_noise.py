"""The figure of the noise behind a potential shows what `qtraj.noise` found."""

import numpy as np
import pytest

import qtraj as qt
from qtraj.errors import InputError
from qtraj.plots import noise_figure


def test_the_curves_are_the_numbers():
    noises = [qt.noise(qt.KSUPotential(), T, r_max=40.0) for T in (0.2, 0.4)]
    distance, momentum = noise_figure(noises, title="KSU").axes
    for i, noise in enumerate(noises):
        G, dots = distance.lines[2 * i : 2 * i + 2]
        assert G.get_xydata() == pytest.approx(np.column_stack([noise.r, 1000 * noise.G]))
        assert dots.get_ydata() == pytest.approx(1000 * noise.projection(dots.get_xdata()))
        density = 1000 * noise.q**2 * noise.spectrum / (2 * np.pi**2)
        assert momentum.lines[i].get_ydata() == pytest.approx(density)
    assert [each.get_text() for each in distance.get_legend().texts][-1] == "nearest noise"
    # a D~ without negative values fills nothing
    assert all(np.ptp(band.get_paths()[0].vertices[:, 1]) == 0 for band in momentum.collections)


def test_something_else_is_refused():
    for noises in ([], [1.0], "noise"):
        with pytest.raises(InputError, match="noises"):
            noise_figure(noises)
