"""Bound states on either grid: spectra in closed form, and the order with which each grid reaches them."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from qtraj import InputError, LaguerreMesh
from qtraj.radial.bound import DENSE_LIMIT, bound_states
from qtraj.radial.sine import SineGrid

MASS = 4.73
ALPHA = 0.6239853
BOHR = 2 / (MASS * ALPHA)
MESH = LaguerreMesh(80, 0.14)
GRIDS = [
    MESH,
    SineGrid(255, 40.0),  # dense
    SineGrid(1023, 40.0),  # iterated
    SineGrid(1023, 40.0, derivative=1),
]


def coulomb_energy(n):
    return -MASS * ALPHA**2 / (4 * n**2)


def coulomb(grid, l, count):
    return bound_states(grid, -ALPHA / grid.r, l, MASS, count)


@pytest.mark.parametrize("l", [0, 1, 2])
def test_coulomb_levels_and_radii_on_the_mesh(l):
    n = np.arange(l + 1, 4)
    energies, vectors = coulomb(MESH, l, len(n))
    # the tail of n = 3 beyond the mesh, 42 GeV^-1: (r/a0)^6 exp(-2 r/(3 a0)) of about 1e-8 in the norm
    assert_allclose(energies, coulomb_energy(n), rtol=1e-8)
    assert_allclose(vectors**2 @ MESH.r, BOHR * (3 * n**2 - l * (l + 1)) / 2, rtol=1e-6)


@pytest.mark.parametrize(("l", "scale", "points"), [(0, 0.06, range(10, 40, 2)), (1, 0.2, range(8, 22))])
def test_coulomb_levels_converge_spectrally_with_the_mesh(l, scale, points):
    errors = [coulomb(LaguerreMesh(n, scale), l, 1)[0][0] - coulomb_energy(l + 1) for n in points]
    # Laguerre coefficients of r^(l+1) exp(-b x) fall as q^N N^(l+1), q = |b - 1/2|/(b + 1/2); energies as the square
    b = scale / ((l + 1) * BOHR)
    model = np.stack([points, np.log(points), np.ones(len(points))], axis=1)
    slope, power, _ = np.linalg.lstsq(model, np.log(np.abs(errors)), rcond=None)[0]
    assert_allclose(
        slope, 2 * np.log(abs(b - 0.5) / (b + 0.5)), rtol=0.03
    )  # corrections of relative order 1/N
    assert_allclose(power, 2 * (l + 1), atol=0.2)


@pytest.mark.parametrize("derivative", [0, 1])
def test_the_coulomb_cusp_makes_the_sine_grid_second_order(derivative):
    spacings, errors = [], []
    for num in (511, 1023, 2047):
        grid = SineGrid(num, 30.0, derivative=derivative)
        spacings.append(grid.dx)
        errors.append(coulomb(grid, 0, 2)[0] - coulomb_energy(np.array([1, 2])))
    order = np.diff(np.log(np.abs(errors)), axis=0) / np.diff(np.log(spacings))[:, None]
    # the next order is dx^3 or dx^4: relative corrections of dx/a0 < 0.09, halved from line to line
    assert_allclose(order[0], 2, atol=0.15)
    assert_allclose(order[1], 2, atol=0.08)


@pytest.mark.parametrize("grid", GRIDS, ids=str)
@pytest.mark.parametrize("l", [0, 1, 2])
def test_harmonic_oscillator(grid, l):
    # p^2/M + c r^2: omega (2 k + l + 3/2), omega = 2 sqrt(c/M)
    stiffness = 0.05
    omega = 2 * np.sqrt(stiffness / MASS)
    exact = omega * (2 * np.arange(4) + l + 1.5)
    energies, vectors = bound_states(grid, stiffness * grid.r**2, l, MASS, 4)
    spectral = isinstance(grid, LaguerreMesh) or (grid.derivative == 0 and l % 2 == 0)
    # u ~ r^(l+1) of even l continues smoothly to an odd function, and the sine series converges exponentially; for odd
    # l it has a kink at r = 0, and the error is a power of dx (0.16 and 0.04 of a length 1.4), as for differences
    tolerance = 1e-9 if spectral else 2e-3
    assert_allclose(energies, exact, rtol=tolerance)
    # virial theorem: half of the energy is potential
    assert_allclose(stiffness * vectors**2 @ grid.r**2, exact / 2, rtol=10 * tolerance)


@pytest.mark.parametrize("grid", GRIDS, ids=str)
@pytest.mark.parametrize("l", [0, 1, 2])
def test_states_are_orthonormal_and_start_positive(grid, l):
    energies, vectors = coulomb(grid, l, 4)
    assert vectors.shape == (4, len(grid.r))
    assert np.all(np.diff(energies) > 0)
    # the iteration stops at a residual of 2e-10 GeV; divided by level spacings of 0.02 GeV and more
    assert_allclose(vectors @ vectors.T, np.eye(4), atol=1e-8)
    size = np.abs(vectors)
    for k, v in enumerate(vectors):
        lobe = v[size[k] > 0.01 * size[k].max()]
        assert lobe[0] > 0
        assert np.count_nonzero(np.diff(np.sign(lobe))) == k  # the node theorem


@pytest.mark.parametrize("l", [0, 1])
def test_iterated_states_are_those_of_the_dense_matrix(l):
    grid = SineGrid(DENSE_LIMIT + 128, 25.0)
    values = -ALPHA / grid.r + 0.05 * grid.r
    energies, vectors = bound_states(grid, values, l, MASS, 3)
    exact, columns = np.linalg.eigh(grid.hamiltonian(values, l, MASS))
    # energies to the square of the residual; vectors to the residual 2e-10 over spacings of 0.2 GeV
    assert_allclose(energies, exact[:3], rtol=1e-11)
    assert_allclose(np.abs(np.sum(vectors * columns[:, :3].T, axis=1)), 1, atol=1e-14)


def test_many_points_cost_little_and_agree_with_half_the_box():
    # at the same spacing the wall is left: the tail of 2S at 20 GeV^-1, (r/a0)^4 exp(-r/a0), is 1e-7; 1S has none
    large = coulomb(SineGrid(8191, 40.0), 0, 2)[0]
    small = coulomb(SineGrid(4095, 20.0), 0, 2)[0]
    assert_allclose(large[0], small[0], rtol=1e-10)
    assert_allclose(large[1], small[1], rtol=1e-7)


def test_second_differences_are_below_the_spectral_kinetic_energy():
    # 2 (1 - cos k dx)/dx^2 <= k^2 for every wave, so every level is lower
    grid = SineGrid(511, 30.0)
    spectral, _ = coulomb(grid, 0, 5)
    differences, _ = coulomb(replace(grid, derivative=1), 0, 5)
    assert np.all(differences < spectral)


R = MESH.r


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ((None, R, 0, MASS, 1), "grid"),
        ((LaguerreMesh, R, 0, MASS, 1), "grid"),
        ((MESH, R[:-1], 0, MASS, 1), "potential_values"),
        ((MESH, R * 1j, 0, MASS, 1), "potential_values"),
        ((MESH, np.where(R > 1, np.inf, R), 0, MASS, 1), "potential_values"),
        ((MESH, R, -1, MASS, 1), "l"),
        ((MESH, R, 0.0, MASS, 1), "l"),
        ((MESH, R, 0, 0.0, 1), "mass"),
        ((MESH, R, 0, None, 1), "mass"),
        ((MESH, R, 0, MASS, 0), "count"),
        ((MESH, R, 0, MASS, 81), "count"),
        ((MESH, R, 0, MASS, 1.0), "count"),
    ],
)
def test_bad_arguments_are_refused_by_name(arguments, name):
    with pytest.raises(InputError) as caught:
        bound_states(*arguments)
    assert caught.value.argument == name


def test_an_iteration_that_does_not_converge_is_an_error(monkeypatch):
    monkeypatch.setattr("qtraj.radial.bound.ROUND", 1)
    monkeypatch.setattr("qtraj.radial.bound.MAX_ROUNDS", 1)
    with pytest.raises(InputError, match="derivative=1") as caught:
        coulomb(SineGrid(1023, 40.0), 0, 3)
    assert caught.value.argument == "grid"
