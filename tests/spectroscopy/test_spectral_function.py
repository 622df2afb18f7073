"""Spectral functions: laws that hold exactly, the evolution they come from, and the fits of their peaks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.integrate import quad

import qtraj as qt
from qtraj.physics.initial import BoundState
from qtraj.spectroscopy.spectral import Peak, SpectralFunction, fit_peak, source_of
from qtraj.states import State
from qtraj.units import to_fm

MUNICH = qt.LindbladModel()
KSU = qt.LindbladModel(qt.KSUPotential(), mass=4.70)
# wide: the mesh has lines of GeV to TeV, which nothing widens near r = 0, and a narrow source sees them
SOURCES = [qt.GaussianState(l=0, width=2.0), qt.GaussianState(l=1, width=2.0), qt.CoulombState(2, 0)]
IDS = ["S", "P", "2S"]


def integral(function, power=0, scale=1.0):
    """Int rho omega^power d omega with omega = scale tan(x): all of the axis, periodic in x, so sums converge fast."""
    x = (np.arange(60000) + 0.5) / 60000 * np.pi - np.pi / 2
    return (
        np.mean(function.density(scale * np.tan(x)) * (scale * np.tan(x)) ** power / np.cos(x) ** 2)
        * np.pi
        * scale
    )


@pytest.mark.parametrize("model", [MUNICH, KSU], ids=["munich", "ksu"])
@pytest.mark.parametrize("source", SOURCES, ids=IDS)
def test_density_is_positive_and_integrates_to_the_norm(model, source):
    function = SpectralFunction(model, 0.3, source, qt.LaguerreMesh(48, 0.14))
    assert np.all(function.density(np.linspace(-5, 60, 3001)) > 0)
    # lines of the mesh that are narrower than the spacing of the sum hold up to 4e-6 of the norm of the first source
    assert_allclose(integral(function), 1, rtol=1e-5)


def test_density_is_the_fourier_transform_of_the_evolution_in_time():
    # an extended source has no high energies, so that a sum over times is enough; the first term is half
    function = SpectralFunction(MUNICH, 0.35, qt.CoulombState(1, 0), qt.LaguerreMesh(40, 0.14))
    step, count = 0.01, 40000
    correlator = function.correlator(step, count)
    assert_allclose(correlator[0], 1, rtol=1e-13)
    assert np.abs(correlator[-1]) < 1e-8
    times = step * np.arange(count)
    weights = np.full(count, step)
    weights[0] /= 2
    omega = np.array([-0.7, -0.5, -0.45, -0.2, 0.3])
    waves = np.exp(1j * np.outer(omega, times))
    # trapezoidal rule: step^2/12 times the slope at t = 0, |<H_eff>| < 1 GeV
    expected = (waves @ (weights * correlator)).real / np.pi
    assert_allclose(function.density(omega), expected, atol=step**2)


def test_correlator_is_the_overlap_of_the_evolution_without_jumps():
    T, duration = 0.3, 12.0
    function = SpectralFunction(MUNICH, T, BoundState(1, 0))
    correlator = function.correlator(duration, 2)[1]
    medium = qt.ConstantTemperature(T=T, tau_fm=0.6, duration_fm=to_fm(duration))
    overlap = qt.solve(MUNICH, medium, BoundState(1, 0), method=qt.NoJump()).overlap["1S"]
    # NoJump says how well it knows its overlap
    assert_allclose(np.abs(correlator) ** 2, overlap.value, atol=3 * overlap.error + 1e-8)


def test_a_pole_far_from_others_is_a_breit_wigner():
    function = SpectralFunction(KSU, 0.15, BoundState(1, 0))
    peak = fit_peak(function.density, 0.07 - 0.005j)
    height = function.density(np.array([peak.energy]))[0]
    # 1S as source: the peak has all of the norm but the square of its admixtures, 1e-4
    assert_allclose(height, 2 / (np.pi * peak.width), rtol=2e-3)


@settings(max_examples=60)
@given(
    energy=st.floats(-0.6, 0.6),
    width=st.floats(0.005, 0.5),
    skew=st.floats(-0.5, 0.5),
    slope=st.floats(-0.3, 0.3),
    offset=st.tuples(st.floats(-0.3, 0.3), st.floats(-0.3, 0.3)),
)
def test_a_skewed_breit_wigner_on_a_line_is_found_exactly(energy, width, skew, slope, offset):
    def density(omega):
        x = (omega - energy) / width
        return (0.5 + skew * x) / (x**2 + 0.25) + 0.3 + slope * x

    peak = fit_peak(density, complex(energy + offset[0] * width, -(1 + offset[1]) * width / 2))
    # the form is exact, so all fits agree; least squares stops at 1e-7 of the width
    assert_allclose([peak.energy, peak.width], [energy, width], atol=1e-5 * width)
    assert peak.error < 1e-5 * width


def test_overlapping_peaks_are_told_apart_with_the_lower_one_known():
    first, second = Peak(0.0, 0.2), Peak(0.25, 0.3)

    def density(omega):
        return sum(p.width / 2 / ((omega - p.energy) ** 2 + p.width**2 / 4) for p in (first, second))

    found = fit_peak(density, 0.28 - 0.12j, [first])
    assert_allclose([found.energy, found.width], [second.energy, second.width], rtol=1e-4)


def test_without_a_peak_none_is_reported():
    assert fit_peak(lambda omega: 1.0 / (1 + np.exp(-3 * omega)), 0.1 - 0.1j) is None
    assert fit_peak(np.ones_like, 0.1 - 0.1j) is None
    assert fit_peak(np.ones_like, 0.1 + 0.1j) is None


def test_energies_of_any_shape_and_a_single_one():
    function = SpectralFunction(MUNICH, 0.3, mesh=qt.LaguerreMesh(24, 0.2))
    grid = np.array([[-0.5, 0.0], [0.5, 1.0]])
    assert function.density(grid).shape == (2, 2)
    assert_allclose(function.density(0.5), function.density(grid)[1, 0], rtol=1e-12)


def test_a_narrow_peak_holds_its_share_of_the_norm():
    # |<1S|source>|^2 of the local source is 0.0257673 (published for these parameters); a weak medium keeps it
    weak = qt.LindbladModel(transport=qt.Transport(0.2, 0.0))
    function = SpectralFunction(weak, 0.1)
    share, _ = quad(lambda w: float(function.density(w)), -0.465, -0.456, points=[-0.46042], limit=400)
    # the wings beyond 16 widths hold 2 % of it
    assert_allclose(share, 0.0257673, rtol=0.05)


@pytest.mark.parametrize(
    ("arguments", "argument"),
    [
        ({"T": 300.0}, "T"),
        ({"mesh": qt.SineGrid()}, "mesh"),
        ({"model": "coulomb"}, "model"),
        ({"source": qt.GaussianState(l=0, width=0.2, color="octet")}, "color"),
    ],
)
def test_bad_arguments_are_named(arguments, argument):
    with pytest.raises(qt.InputError) as error:
        SpectralFunction(**({"model": MUNICH, "T": 0.3} | arguments))
    assert error.value.argument == argument


def test_bad_steps_and_sources_are_named():
    with pytest.raises(qt.InputError, match="step"):
        SpectralFunction(MUNICH, 0.3).correlator(0.0, 3)
    with pytest.raises(qt.InputError, match="source"):
        source_of(State.named("1S"), "wall")
