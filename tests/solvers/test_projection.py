"""What a wave function is projected on: the same states from three sources on both grids, all of them bound."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

import qtraj as qt
from qtraj import AccuracyWarning, InputError
from qtraj.solvers.basis import make_basis
from qtraj.solvers.projection import initial_coefficients, projection_vectors, vacuum_levels

MODEL = qt.LindbladModel()
KSU = qt.LindbladModel(qt.KSUPotential(), mass=4.7)
MESH = qt.LaguerreMesh(96, 0.12)
SINE = qt.SineGrid(1023, 50.0)
DIFFERENCES = replace(SINE, derivative=1)
GRIDS = pytest.mark.parametrize("grid", [MESH, SINE, DIFFERENCES], ids=["mesh", "sine", "differences"])


@dataclass(frozen=True)
class Yukawa:
    alpha: float = 0.6239853
    screening: float = 0.5  # 2S needs screening * a0 < 0.31

    def vacuum(self, r, color):
        return -self.alpha / r * np.exp(-self.screening * r)


SCREENED = qt.LindbladModel(Yukawa())


@GRIDS
@pytest.mark.parametrize("model", [MODEL, KSU], ids=["coulomb", "ksu"])
def test_computed_states_are_orthonormal_eigenstates_of_the_grid(grid, model):
    vectors = projection_vectors("computed", grid, model)
    values = model.potential.vacuum(grid.r, "singlet")
    for l in (0, 1, 2):
        rows = vectors[[i for i, state in enumerate(qt.STATES) if state.l == l]]
        assert_allclose(rows @ rows.T, np.eye(len(rows)), atol=1e-8)
        h = grid.hamiltonian(values, l, model.mass)
        energies = np.sum(rows * (rows @ h), axis=1)
        # residuals of the iteration are 2e-10 GeV; the dense product adds the rounding of elements of 1e3 to 1e4 GeV
        assert_allclose(rows @ h, energies[:, None] * rows, atol=2e-9)
        assert np.all(np.diff(energies) > 0)


def test_computed_states_are_those_of_the_density_matrix_solver():
    basis = make_basis(MODEL, MESH, 2)
    vectors = projection_vectors("computed", MESH, MODEL)
    for i, state in enumerate(qt.STATES):
        overlap = vectors[i] @ basis.vectors[0, state.l, :, state.radial_index]
        assert_allclose(abs(overlap), 1, rtol=1e-12)


def test_computed_and_coulomb_states_agree_in_the_coulomb_potential():
    for grid, tolerance in ((MESH, 1e-9), (SINE, 2e-3), (DIFFERENCES, 2e-3)):
        computed, coulomb = (projection_vectors(p, grid, MODEL) for p in ("computed", "coulomb"))
        assert_allclose(np.linalg.norm(coulomb, axis=1), 1, rtol=1e-14)
        # the mesh holds them to rounding; on the sine grids the cusp leaves (dx/a0)^2 = 5e-3 times less than one half
        assert_allclose(1 - np.sum(computed * coulomb, axis=1), 0, atol=tolerance)


def test_the_lattice_error_of_the_states_is_second_order_and_of_the_overlaps_fourth():
    missing = []
    for num in (255, 511, 1023):
        grid = qt.SineGrid(num, 40.0)
        computed, coulomb = (projection_vectors(p, grid, MODEL) for p in ("computed", "coulomb"))
        missing.append(1 - np.sum(computed[0] * coulomb[0]) ** 2)
    # the wave function is off by dx^2, the overlap by its square; dx/a0 is 0.23 at first, so higher orders show
    assert_allclose(np.diff(np.log2(missing)), -4, atol=0.5)


@GRIDS
def test_stored_states_give_back_what_was_stored(grid):
    computed = projection_vectors("computed", grid, KSU)
    found = projection_vectors(vacuum_levels(KSU, grid).stored(), grid, KSU)
    # exact on the sine grids, whose points are stored; a spline through 4096 points for the mesh
    assert_allclose(found, computed, atol=1e-7 if grid is MESH else 1e-14)


def test_states_that_are_left_out_have_no_row():
    stored = vacuum_levels(SCREENED, MESH).stored()
    assert stored.names == ("1S",)
    vectors = projection_vectors(stored, SINE, SCREENED)
    assert_allclose(np.linalg.norm(vectors, axis=1), [1, 0, 0, 0, 0, 0], rtol=1e-14)


@GRIDS
def test_states_that_are_not_bound_are_named(grid):
    with pytest.raises(InputError, match="2S, 1P, 3S, 2P, 1D are not bound") as caught:
        projection_vectors("computed", grid, SCREENED)
    assert caught.value.argument == "projection"


def test_a_box_that_is_too_short_is_refused_or_warned_of():
    with pytest.raises(InputError, match="3S, 2P, 1D are not bound"):
        projection_vectors("computed", qt.SineGrid(255, 10.0), MODEL)
    with pytest.warns(AccuracyWarning) as caught:
        projection_vectors("computed", qt.SineGrid(255, 16.0), MODEL)
    (warning,) = caught
    assert all(f"{name} (" in str(warning.message) for name in ("3S", "2P", "1D"))
    assert warning.filename == __file__
    for projection in ("coulomb", vacuum_levels(MODEL, MESH).stored()):
        with pytest.raises(InputError, match="projected 3S") as caught:
            projection_vectors(projection, qt.SineGrid(255, 12.0), MODEL)
        assert caught.value.argument == "grid"


@pytest.mark.parametrize("projection", ["Coulomb", None, 1, qt.StoredStates, np.eye(6)])
def test_another_projection_is_refused(projection):
    with pytest.raises(InputError) as caught:
        projection_vectors(projection, MESH, MODEL)
    assert caught.value.argument == "projection"


def test_computed_states_cannot_be_changed_by_who_asks():
    vectors = projection_vectors("computed", MESH, MODEL)
    with pytest.raises(ValueError, match="read-only"):
        vectors[0] = 0


@GRIDS
@pytest.mark.parametrize(
    "initial",
    [qt.GaussianState(), qt.GaussianState(l=1, color="octet"), qt.CoulombState(2, 0), qt.BoundState(2, 1)],
)
def test_starts_are_normalized_functions_on_the_grid(grid, initial):
    color = "octet" if initial.color == "octet" else "singlet"
    c = initial_coefficients(initial, grid, MODEL, color)
    u = grid.coefficients(initial.u(grid.r, MODEL))
    assert_allclose(np.sum(c**2), 1, rtol=1e-14)
    assert_allclose(c, u / np.sqrt(np.sum(u**2)), rtol=1e-13)


def test_a_start_is_in_its_own_colors_only():
    for color in ("singlet", "octet"):
        mixed = initial_coefficients(qt.GaussianState(color=0.3), MESH, MODEL, color)
        assert_allclose(mixed, initial_coefficients(qt.GaussianState(color=color), MESH, MODEL, color))
    for state, color in ((qt.GaussianState(), "octet"), (qt.GaussianState(color=0.0), "singlet")):
        with pytest.raises(InputError) as caught:
            initial_coefficients(state, MESH, MODEL, color)
        assert caught.value.argument == "color"


def test_a_start_that_the_grid_does_not_see_is_refused():
    narrow = qt.ArrayState(np.linspace(0, 0.01, 20), np.linspace(0, 0.01, 20))
    with pytest.raises(InputError) as caught:
        initial_coefficients(narrow, qt.SineGrid(255, 40.0), MODEL, "singlet")
    assert caught.value.argument == "grid"
