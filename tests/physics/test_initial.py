"""Initial states: known overlaps, nodes and norms, color mixtures, the same function given in two ways."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

import qtraj as qt
from qtraj import InputError
from qtraj.physics.initial import singlet_probability
from qtraj.solvers.basis import make_basis
from qtraj.solvers.density.propagate import initial_overlaps

MODEL = qt.LindbladModel()
A0 = MODEL.bohr_radius
MESH = qt.LaguerreMesh(96, 0.12)  # its last point, 42 GeV^-1, is beyond the tail of 3S
INDEX = {state.name: i for i, state in enumerate(qt.STATES)}


def overlaps(initial):
    return dict(zip(INDEX, initial_overlaps(make_basis(MODEL, MESH, initial.l), MODEL, initial), strict=True))


def normalized(state, r, dr):
    u = state.u(r, MODEL)
    return u / np.sqrt(np.sum(u**2) * dr)


def test_baseline_overlaps(measured):
    found = overlaps(qt.GaussianState(width=0.2))
    for name, printed in {"1S": 0.0257673, "2S": 0.0031716, "3S": 0.00093707}.items():
        measured(f"overlap of the Gaussian start with {name}", found[name], printed, 5e-8 + 5e-6 * printed)
    # half a unit of the last digit printed, and the dx^4 error of the code that printed them (below)
    assert_allclose(found["1S"], 0.0257673, atol=0.5e-7, rtol=5e-6)
    assert_allclose(found["2S"], 0.0031716, atol=0.5e-7, rtol=5e-6)
    assert_allclose(found["3S"], 0.00093707, atol=0.5e-8, rtol=5e-6)
    assert found["1P"] == found["2P"] == found["1D"] == 0.0


def test_overlaps_of_the_cpp_code_without_its_lattice():
    # its quadrature is the trapezoidal rule; the integrand starts as r^2, so the first Euler-Maclaurin term is dx^4
    golden = json.loads((Path(__file__).parents[1] / "data" / "golden_public.json").read_text())["cases"]
    runs = [golden[f"baseline_num{num}_L80"]["initial_overlaps"] for num in (1023, 2047, 4095)]
    found = overlaps(qt.GaussianState(width=0.2))
    for name in ("1S", "2S", "3S"):
        value = np.array([run[name] for run in runs])
        value = (16 * value[1:] - value[:-1]) / 15
        value = (64 * value[1] - value[0]) / 63
        # what is left is dx^8, a few percent of the 1.4e-7 that the second extrapolation removes
        assert_allclose(found[name], value, rtol=1.5e-8)


@pytest.mark.parametrize("width", [0.1, 0.2, 0.5, 1.0])
def test_gaussian_overlap_with_1s_in_closed_form(width):
    # Int of 2 x exp(-x) x exp(-x^2/D^2) in x = r/a0 by the trapezoidal rule, to (12 D/20 000)^4
    x = np.linspace(0, 12 * width, 20_001)
    gauss, ground = x * np.exp(-((x / width) ** 2)), 2 * x * np.exp(-x)
    # Int x^2 exp(-2 x^2/D^2) dx = sqrt(pi/2) D^3/8
    norm = np.sqrt(np.pi / 2) * width**3 / 8
    exact = np.sum(gauss * ground * (x[1] - x[0])) ** 2 / norm
    # the energy cut of the basis changes no overlap with a bound state; the mesh resolves 0.1 a0 to 1e-6
    assert_allclose(overlaps(qt.GaussianState(width=width))["1S"], exact, rtol=1e-6)


@pytest.mark.parametrize("l", [0, 1, 2, 3])
def test_coulomb_states_are_orthonormal(l):
    # trapezoidal rule on smooth functions that vanish at both ends: the first error term is dr^4
    r, dr = np.linspace(0, 150, 60_001, retstep=True)
    states = [normalized(qt.CoulombState(n, l), r, dr) for n in range(l + 1, 7)]
    gram = np.array([[np.sum(a * b) * dr for b in states] for a in states])
    assert_allclose(gram, np.eye(len(states)), atol=1e-7)


@pytest.mark.parametrize(("n", "l"), [(1, 0), (2, 0), (3, 0), (2, 1), (4, 1), (3, 2), (6, 3)])
def test_coulomb_states_have_their_nodes_and_energies(n, l):
    r, dr = np.linspace(1e-3, 90, 30_000, retstep=True)
    u = normalized(qt.CoulombState(n, l), r, dr)
    signs = np.sign(u[np.abs(u) > 1e-9 * np.max(np.abs(u))])
    assert np.count_nonzero(np.diff(signs)) == n - l - 1
    # <1/r> = 1/(n^2 a0), the virial theorem; the quadrature misses O(dr^2) near the origin
    assert_allclose(np.sum(u**2 / r) * dr, 1 / (n**2 * A0), rtol=1e-4)


@pytest.mark.parametrize("state", qt.STATES, ids=lambda s: s.name)
def test_a_coulomb_start_overlaps_with_itself_only(state):
    found = overlaps(qt.CoulombState(state.n, state.l))
    expected = {name: float(name == state.name) for name in found}
    # the mesh has these states to 1e-11, the analytic 3S tail beyond it included
    assert_allclose(list(found.values()), list(expected.values()), atol=1e-10)


@pytest.mark.parametrize("l", [0, 1, 2])
def test_an_array_reproduces_the_function_it_was_made_of(l):
    gauss = qt.GaussianState(l=l, width=0.5)
    errors = []
    for points in (200, 400):
        r = np.linspace(0, 4, points)
        state = qt.ArrayState(r, 3.0 * gauss.u(r, MODEL), l=l)
        errors.append(np.max(np.abs(state.u(MESH.r, MODEL) / 3.0 - gauss.u(MESH.r, MODEL))))
    # cubic spline: fourth order in the spacing, 2^4 = 16, a little less at the ends
    assert errors[0] / errors[1] > 8
    same, given = overlaps(gauss), overlaps(state)
    assert_allclose(list(given.values()), list(same.values()), rtol=1e-6, atol=1e-15)


def test_an_array_vanishes_beyond_its_last_point_and_at_the_origin():
    state = qt.ArrayState(np.linspace(0.5, 4, 20), np.linspace(1, 2, 20))
    assert_allclose(state.u(np.array([0.0, 4.0, 4.001, 50.0]), MODEL), [0, 2, 0, 0], atol=1e-14)


def test_a_color_mixture_has_its_share_of_the_singlet_overlap():
    pure = overlaps(qt.GaussianState())
    for color, share in (("singlet", 1.0), ("octet", 0.0), (0.25, 0.25), (1, 1.0), (0, 0.0)):
        mixed = overlaps(qt.GaussianState(color=color))
        assert_allclose(mixed["1S"], share * pure["1S"], rtol=1e-14)
        assert singlet_probability(color) == share


def test_only_a_gaussian_singlet_is_quoted_as_a_ratio():
    assert qt.GaussianState().survival_is_ratio
    assert not qt.GaussianState(color=0.5).survival_is_ratio
    assert not qt.GaussianState(color="octet").survival_is_ratio
    assert not qt.CoulombState(1, 0).survival_is_ratio
    assert not qt.ArrayState(np.arange(9.0), np.ones(9)).survival_is_ratio


R = np.linspace(0.1, 3, 30)
U = R * np.exp(-R)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: qt.GaussianState(l=-1), "l"),
        (lambda: qt.GaussianState(l=4), "l"),
        (lambda: qt.GaussianState(l=0.0), "l"),
        (lambda: qt.GaussianState(l="S"), "l"),
        (lambda: qt.GaussianState(width=0.0), "width"),
        (lambda: qt.GaussianState(width=-0.2), "width"),
        (lambda: qt.GaussianState(width=float("nan")), "width"),
        (lambda: qt.GaussianState(width="0.2"), "width"),
        (lambda: qt.GaussianState(width=None), "width"),
        (lambda: qt.GaussianState(color="red"), "color"),
        (lambda: qt.GaussianState(color=1.5), "color"),
        (lambda: qt.GaussianState(color=float("nan")), "color"),
        (lambda: qt.GaussianState(color=None), "color"),
        (lambda: qt.CoulombState(0, 0), "n"),
        (lambda: qt.CoulombState(1, 1), "n"),
        (lambda: qt.CoulombState(7, 0), "n"),
        (lambda: qt.CoulombState(1.0, 0), "n"),
        (lambda: qt.CoulombState(2, 0, color=-0.1), "color"),
        (lambda: qt.ArrayState(R, U[:-1]), "values"),
        (lambda: qt.ArrayState(R[:5], U[:5]), "values"),
        (lambda: qt.ArrayState(np.ones((3, 3)), np.ones((3, 3))), "values"),
        (lambda: qt.ArrayState(R[::-1], U), "r"),
        (lambda: qt.ArrayState(-R[::-1], U), "r"),
        (lambda: qt.ArrayState(np.where(R > 1, np.nan, R), U), "r"),
        (lambda: qt.ArrayState(R, np.where(R > 1, np.nan, U)), "values"),
        (lambda: qt.ArrayState(R, 0 * U), "values"),
        (lambda: qt.ArrayState(R, U, l=5), "l"),
        (lambda: qt.ArrayState(R, U, color="blue"), "color"),
        (lambda: qt.ArrayState(["a"] * 30, U), "r"),
        (lambda: qt.ArrayState(R, U * 1j), "values"),
    ],
)
def test_bad_states_are_refused_by_name(make, name):
    with pytest.raises(InputError) as caught:
        make()
    assert caught.value.argument == name
