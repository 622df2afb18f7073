"""The NLO equation of arXiv:2205.10289: widths, jump operators and friction, symbolically and on both grids."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp
from numpy.testing import assert_allclose

import qtraj as qt
from qtraj.physics.model import width_terms
from qtraj.physics.potentials.coulomb import COLORS
from qtraj.solvers.jumps.soft import jump_matrices
from qtraj.units import C_F, N_C

MODEL = qt.LindbladModel(order="NLO")
FAR = 1e6
"""A reach at which nothing saturates on the meshes of these tests."""

r, l = sp.symbols("r l", positive=True)
M, T, alpha_s = sp.symbols("M T alpha_s", positive=True)
a_s = -sp.Integer(N_C) * alpha_s / (8 * T)
u = sp.Function("u")(r)


def directions(a):
    """Return (weight, C, C^+) of both directions of l as PHYSICS has them, (d/dr)^+ = -d/dr on reduced functions."""
    e = 1 / (2 * M * T)

    def pair(centrifugal):
        return (
            lambda f: r * f + e * (sp.diff(f, r) + centrifugal * f / r) + a * f,
            lambda f: r * f + e * (-sp.diff(f, r) + centrifugal * f / r) + a * f,
        )

    return [((l + 1) / (2 * l + 1), *pair(-(l + 1))), (l / (2 * l + 1), *pair(l))]


def closed_form(a):
    """Return the width in units of kappa and of the color weight, applied to u."""
    p_squared = -sp.diff(u, r, 2) + l * (l + 1) * u / r**2
    return (r**2 - sp.Rational(3, 2) / (M * T) + 2 * a * r - a / (M * T * r) + a**2) * u + p_squared / (
        4 * M**2 * T**2
    )


@pytest.mark.parametrize("a", [a_s, -a_s, sp.Integer(0)], ids=["s to o", "o to s", "o to o"])
def test_jumps_sum_to_the_width_for_every_l(a):
    total = sum(weight * adjoint(C(u)) for weight, C, adjoint in directions(a))
    assert sp.simplify(total - closed_form(a)) == 0


def test_three_vector_jump_operators_sum_to_the_width():
    # the same in Cartesian coordinates: C_i = r_i + i p_i/(2MT) + a r_i/r with i p_i = d/dx_i
    x = sp.symbols("x y z", real=True)
    distance = sp.sqrt(sum(c**2 for c in x))
    psi = sp.Function("psi")(*x)
    e = 1 / (2 * M * T)
    total = 0
    for c in x:
        factor = c + a_s * c / distance
        once = factor * psi + e * sp.diff(psi, c)
        total += factor * once - e * sp.diff(once, c)
    laplacian = sum(sp.diff(psi, c, 2) for c in x)
    expected = (
        distance**2 - 3 * e + 2 * a_s * distance - 2 * a_s * e / distance + a_s**2
    ) * psi - e**2 * laplacian
    assert sp.simplify(total - expected) == 0


@pytest.mark.parametrize(
    ("color", "by_hand"),
    [
        ("singlet", [(1, a_s)]),
        ("octet", [(sp.Rational(1, 8), -a_s), (sp.Rational(5, 16), sp.Integer(0))]),
    ],
)
def test_width_terms_are_the_closed_form(color, by_hand):
    total = sp.expand(sum(weight * closed_form(a) for weight, a in by_hand).subs(l, 0))
    values = {M: MODEL.mass, T: 0.3, alpha_s: MODEL.potential.alpha / C_F}
    # u = r^7: the powers of r tell the terms apart
    powers = sp.Poly(sp.expand(total.subs(u, r**7).doit().subs(values)), r).as_dict()
    w = width_terms(MODEL, color, 0.3)
    found = {9: w.r_squared, 8: w.linear, 7: w.constant, 6: w.inverse, 5: -42 * w.p_squared}
    for power, coefficient in found.items():
        assert_allclose(float(powers.get((power,), 0)), coefficient, rtol=1e-12)


def test_at_leading_order_the_width_is_r_squared():
    for color, g in zip(COLORS, qt.LindbladModel().widths, strict=True):
        w = width_terms(qt.LindbladModel(), color, 0.3)
        assert (w.r_squared, w.linear, w.constant, w.inverse, w.p_squared) == (g, 0, 0, 0, 0)


def test_only_the_next_order_has_recoil_and_friction():
    assert {c.recoil for c in MODEL.channels} == {1 / (2 * MODEL.mass)}
    assert qt.LindbladModel().friction == 0
    assert MODEL.friction == 1 / (4 * MODEL.mass)
    # of the changes one is the opposite of the other, since V_o - V_s changes its sign; for Coulomb both are constants
    at = np.array([0.3, 1.0, 7.0])
    changes = {(c.source, c.target): MODEL.change(c, at) for c in MODEL.channels}
    assert not np.any(changes["octet", "octet"])
    assert np.all(changes["singlet", "octet"] == -changes["octet", "singlet"])
    assert_allclose(changes["singlet", "octet"], -N_C * MODEL.potential.alpha_s / 8, rtol=1e-14)


def decays(matrices_of, grid, color, l, T):
    """Return sum_channels rate C^+C on a grid."""
    total = 0.0
    for channel in MODEL.channels:
        if channel.source == color and channel.rate(l) > 0:
            R, S = matrices_of(channel, grid, l)
            total = total + (R + S / T).T @ (R + S / T)
    return total


def closed_matrix(grid, color, l, T):
    w = width_terms(MODEL, color, T)
    local = w.r_squared * grid.r**2 + w.linear * grid.r + w.constant + w.inverse / grid.r
    return w.p_squared * grid.p_squared + np.diag(local + w.p_squared * l * (l + 1) / grid.r**2)


def smooth(grid, l):
    """Return coefficients of a normalized function r^(l+1) exp(-r/2)."""
    c = grid.coefficients(grid.r ** (l + 1) * np.exp(-grid.r / 2))
    return c / np.linalg.norm(c)


@pytest.mark.parametrize("T", [0.19, 0.4])
@pytest.mark.parametrize("l", [0, 1, 3])
@pytest.mark.parametrize("color", COLORS)
def test_jumps_sum_to_the_width_on_the_mesh(color, l, T):
    mesh = qt.LaguerreMesh(60, 0.25)
    c = smooth(mesh, l)
    total = decays(lambda channel, grid, l: jump_matrices(MODEL, channel, grid, l, FAR), mesh, color, l, T)
    # the mesh represents the function and its quadrature integrates the cusp: what is left is rounding
    assert_allclose(c @ total @ c, c @ closed_matrix(mesh, color, l, T) @ c, rtol=1e-9)


def central_difference(channel, grid, l):
    """Return R and S with the central difference as d/dr, antisymmetric since u vanishes at both ends."""
    D = (np.eye(grid.num, k=1) - np.eye(grid.num, k=-1)) / (2 * grid.dx)
    S = channel.recoil * (D + np.diag(channel.centrifugal(l) / grid.r)) + np.diag(
        MODEL.change(channel, grid.r)
    )
    weight = np.sqrt(channel.rate(l))
    return weight * np.diag(grid.r), weight * S


@pytest.mark.parametrize("color", COLORS)
@pytest.mark.parametrize("l", [1, 2])
def test_jumps_sum_to_the_width_on_a_sine_grid_with_second_differences(color, l):
    errors = []
    for num in (255, 511, 1023):
        grid = qt.SineGrid(num, 40.0, derivative=1)
        c = smooth(grid, l)
        total = c @ decays(central_difference, grid, color, l, 0.25) @ c
        errors.append(abs(total - c @ closed_matrix(grid, color, l, 0.25) @ c))
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    # second order; functions that start as r^(l+1) leave an end term of the same order
    assert_allclose(orders, 2.0, atol=0.1)


@pytest.mark.parametrize("order", ["NLO", "all"])
@pytest.mark.parametrize("potential", [qt.KSUPotential(), qt.HTLPotential()])
def test_potentials_that_change_with_the_medium_have_no_next_order(potential, order):
    with pytest.raises(qt.InputError, match="changes with the medium") as caught:
        qt.LindbladModel(potential, order=order)
    assert caught.value.argument == "order"


def test_a_potential_without_an_octet_has_no_next_order():
    with pytest.raises(qt.InputError, match="octet"):
        qt.LindbladModel(qt.CallablePotential(lambda r: -0.6 / r, alpha=0.6), order="NLO")


@pytest.mark.parametrize("order", ["NLO", "all"])
@pytest.mark.parametrize(
    "potential",
    [qt.CornellPotential(), qt.CallablePotential(lambda r: -0.6 / r, alpha=0.6, octet=lambda r: 0.1 / r)],
)
def test_any_potential_of_the_vacuum_has_a_next_order(potential, order):
    model = qt.LindbladModel(potential, order=order)
    for channel in model.channels:
        r = np.array([0.2, 1.5, 6.0])
        apart = potential.vacuum(r, channel.target) - potential.vacuum(r, channel.source)
        assert_allclose(model.change(channel, r), channel.shift * apart * r, rtol=1e-14)
