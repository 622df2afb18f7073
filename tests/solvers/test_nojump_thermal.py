"""Evolution under potentials that change with the medium: analytic solutions, a slow twin, limits, honest errors."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad
from thermal_twin import continuum

import qtraj as qt
from qtraj import InputError
from qtraj.solvers.thermal import thermal_integrals

MEDIUM = qt.Bjorken(0.425, 0.6, 0.25)
KSU = qt.LindbladModel(qt.KSUPotential(), mass=4.7)
S_WAVES, P_WAVES = ("1S", "2S", "3S"), ("1P", "2P")
R = np.array([0.1, 1.0, 6.0, 20.0])


def found_at_the_end(result, names):
    """Survivals of what the start holds, and the probabilities of other states."""
    return [{**result.overlap, **result.survival}[name] for name in names]


def values(result, names=S_WAVES):
    return np.array([each.value for each in found_at_the_end(result, names)])


def errors(result, names=S_WAVES):
    return np.array([each.error for each in found_at_the_end(result, names)])


# ------------------------------------------------------------------------------------------------ time integrals


def test_integrals_are_those_of_the_potential():
    ((start, end),) = MEDIUM.active
    edges = np.array([start, start + 0.3, start + 0.5, end])
    found = thermal_integrals(KSU, MEDIUM, edges, R, "singlet")
    assert found.shape == (3, 4)
    for i in range(2):  # the last step is long, and tests the shape only
        for j, r in enumerate(R):

            def at(t, part, r=r):
                T = MEDIUM.temperature(np.array([t]))
                V = KSU.potential.medium(np.array([r]), "singlet", T, 0 * T, T)[0, 0]
                return getattr(V - KSU.potential.vacuum(np.array([r]), "singlet")[0], part)

            exact = [quad(at, edges[i], edges[i + 1], args=(part,))[0] for part in ("real", "imag")]
            # three Gauss points: (dt/t)^7 of the whole, dt/t = 0.1
            assert_allclose([found[i, j].real, found[i, j].imag], exact, rtol=1e-6, atol=1e-10)


def test_integrals_are_exact_for_polynomials_of_fifth_degree_in_time():
    @dataclass(frozen=True)
    class Linear:
        active = ((1.0, 4.0),)

        def temperature(self, t):
            return 0.1 * t

    potential = qt.CallablePotential(lambda r, T: -0.4 / r + T**5 * r, alpha=0.4)
    edges = np.array([1.0, 2.0, 4.0])
    found = thermal_integrals(qt.LindbladModel(potential), Linear(), edges, R, "singlet")
    # the vacuum potential of 4 GeV is subtracted again
    assert_allclose(found, np.outer(np.diff(edges**6) / 6e5, R), rtol=1e-12, atol=1e-14)
    assert found.dtype == float


def test_nothing_is_integrated_outside_the_medium_or_without_a_thermal_potential():
    gap = qt.TabulatedTemperature([0.6, 1.0, 1.5, 2.0, 3.0], [0.4, 0.2, 0.2, 0.35, 0.2], T_end=0.25)
    (a, b), (c, d) = gap.active
    found = thermal_integrals(KSU, gap, np.array([0.0, a, b, c, d, 20.0]), R, "singlet")
    assert_allclose(found[[0, 2, 4]], 0, rtol=0)
    assert np.all(found[[1, 3]].imag < 0)
    cold = qt.TabulatedTemperature([0.6, 1.0], [0.2, 0.2], T_end=0.25, allow_cold=True)
    assert_allclose(
        thermal_integrals(KSU, cold, np.array([0.0, 5.0]), R, "singlet"), np.zeros((1, 4)), rtol=0
    )
    assert thermal_integrals(qt.LindbladModel(), MEDIUM, np.array([4.0, 5.0]), R, "singlet") is None


@dataclass(frozen=True)
class Wrong:
    """A potential of the user that breaks one promise."""

    shape: tuple = (3, 4)
    value: complex = 0.0
    alpha: float = 0.5
    has_width: bool = True

    def vacuum(self, r, color):
        return -self.alpha / r

    def medium(self, r, color, T, xi, hard_scale):
        V = np.full(self.shape, self.value)
        return V.astype(complex) if np.iscomplex(self.value) else V


@pytest.mark.parametrize(
    ("potential", "word"),
    [
        (Wrong(shape=(4, 3)), "times, points"),
        (Wrong(value=np.nan), "finite"),
        (Wrong(value=1e-3j), "absorbs"),
        (Wrong(value=-1e-3j, has_width=False), "real"),
    ],
)
def test_potentials_that_break_a_promise_are_refused(potential, word):
    with pytest.raises(InputError, match=word):
        thermal_integrals(qt.LindbladModel(potential), MEDIUM, np.array([4.0, 5.0]), R, "singlet")


# -------------------------------------------------------------------------------------------- analytic solutions


def oscillator(t, c0, c, mass):
    """Overlap and norm of the ground state of p^2/M + c0 r^2 after a time t in p^2/M + c r^2, c complex.

    u = N(t) r exp(-A r^2/2) with A' = (2i/M)(M c - A^2), N'/N = -3 i A/M.
    """
    A0, Ac = np.sqrt(mass * c0), np.sqrt(mass * c + 0j)
    phi = np.arctanh(A0 / Ac + 0j)
    turned = 2j * Ac / mass * t + phi
    A, N = Ac * np.tanh(turned), (np.cosh(phi) / np.cosh(turned)) ** 1.5
    return np.abs(N * (2 * A0 / (A0 + A)) ** 1.5) ** 2, np.abs(N) ** 2 * (A0 / A.real) ** 1.5


@dataclass(frozen=True)
class Oscillator:
    """V = c r^2 in the medium, Re(c) r^2 without."""

    stiffness: complex = 0.06 - 0.02j
    vacuum_stiffness: float = 0.05

    def potential(self):
        return qt.CallablePotential(
            lambda r, T: np.where(T > 0, self.stiffness, self.vacuum_stiffness + 0j) * r**2, alpha=0.5
        )


HOT = qt.ConstantTemperature(0.3, 0.2, 1.5)
"""Lasts 7.6 GeV^-1: a period and a half of the oscillator."""


def oscillator_run(step):
    model = qt.LindbladModel(Oscillator().potential())
    method = qt.NoJump(grid=qt.LaguerreMesh(80, 0.06), step=step, error_budget=False)
    # the oscillator's states end within 15 GeV^-1
    result = qt.solve(model, HOT, qt.BoundState(1, 0), method)
    return np.array([result.survival["1S"].value, result.norm.value])


def test_a_complex_oscillator_is_solved():
    ((start, end),) = HOT.active
    exact = np.array(oscillator(end - start, 0.05, 0.06 - 0.02j, 4.73))
    assert 0.05 < exact[0] < exact[1] < 0.7
    # extrapolated steps of a quarter of this length: 1e-7 is what the states that are dropped leave
    assert np.all(np.abs(oscillator_run(0.2) / exact - 1) < 1e-7)


def test_a_real_potential_is_unitary():
    model = qt.LindbladModel(
        qt.CallablePotential(lambda r, T: -0.6 / r * np.exp(-T * r), alpha=0.6), qt.Transport(0.0, -1.0)
    )
    result = qt.solve(model, MEDIUM, qt.BoundState(1, 0), qt.NoJump(error_budget=False))
    # high energies that the thermal kick excites leave the basis: the cut at 12 GeV holds all but 1e-5
    assert_allclose(result.norm.value, 1, atol=1e-4)
    assert result.survival["1S"].value < 0.99


# ---------------------------------------------------------------------------------------------- known potentials


def test_a_table_of_the_coulomb_potential_reproduces_it():
    coulomb = qt.CoulombPotential()
    r = np.linspace(0.05, 45.0, 400)
    table = qt.TabulatedPotential(r, coulomb.vacuum(r, "singlet"), alpha=coulomb.alpha, octet="coulomb")
    found, expected = (
        qt.solve(qt.LindbladModel(p), MEDIUM, qt.GaussianState(), qt.NoJump()) for p in (table, coulomb)
    )
    # r V is a constant, so that the spline and its continuation to 0 are exact
    assert_allclose(values(found), values(expected), rtol=1e-9)


def test_the_thermal_path_agrees_with_the_fourth_order_one():
    """A Coulomb potential that only claims to depend on T, with dipole terms, in both solvers."""
    coulomb = qt.CoulombPotential()
    claims = qt.CallablePotential(
        lambda r, T: -coulomb.alpha / r + 0 * T, alpha=coulomb.alpha, octet="coulomb"
    )
    model = qt.LindbladModel(claims)
    assert len(model.channels) == 6
    for initial, names in ((qt.GaussianState(), S_WAVES), (qt.GaussianState(l=1, color=0.4), P_WAVES)):
        found, expected = (
            qt.solve(m, MEDIUM, initial, qt.NoJump()) for m in (model, qt.LindbladModel(coulomb))
        )
        # the same mesh: only the steps differ
        time_steps = np.array([[r.survival[n].parts["time_step"] for n in names] for r in (found, expected)])
        assert np.all(np.abs(values(found, names) - values(expected, names)) <= time_steps.sum(axis=0))
        assert np.all(time_steps < 1e-4 * values(found, names))
        assert abs(found.norm.value - expected.norm.value) <= found.norm.error


def test_a_cold_history_survives_exactly():
    histories = qt.Histories([0.6, 1.0, 2.0], [[0.2, 0.2, 0.2], [0.4, 0.3, 0.2]], 0.25)
    result = qt.solve(KSU, histories, qt.GaussianState(), qt.NoJump(error_budget=False))
    for name in S_WAVES:
        assert_allclose(result.survival[name].value[0], 1, rtol=1e-12)
        assert result.survival[name].value[1] < 0.95


def test_an_unscreened_potential_without_damping_is_vacuum():
    model = qt.LindbladModel(qt.KSUPotential(md_factor=0.0), mass=4.7)
    result = qt.solve(model, MEDIUM, qt.GaussianState(), qt.NoJump(error_budget=False))
    assert_allclose(values(result), 1, rtol=1e-9)


# ---------------------------------------------------------------------------------------------------- the twin


@dataclass(frozen=True)
class Case:
    """A start in the package and in the twin, and the twin's limit from 511, 1023 and 2047 points (see `continuum`)."""

    initial: object
    twin: dict
    names: tuple
    value: tuple
    uncertainty: tuple
    norm: float


CASES = {
    "1S": Case(
        qt.BoundState(1, 0),
        {},
        S_WAVES,
        (0.495560785, 0.000965698, 0.00067365),
        (8.3e-7, 1.3e-8, 2.7e-8),
        0.49740862,
    ),
    "local S": Case(
        qt.GaussianState(),
        {"width": 0.2},
        S_WAVES,
        (0.455038717, 0.024084579, 0.030144853),
        (1.34e-5, 7.3e-7, 7.0e-7),
        0.09389743,
    ),
    "local P": Case(
        qt.GaussianState(l=1),
        {"l": 1, "width": 0.2},
        P_WAVES,
        (0.069326372, 0.025638163),
        (7.7e-7, 4.0e-7),
        0.07342004,
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_ksu_on_the_mesh_agrees_with_the_continuum_of_the_twin(case):
    result = qt.solve(KSU, MEDIUM, case.initial, qt.NoJump())
    true = np.abs(values(result, case.names) - case.value)
    assert np.all(true <= errors(result, case.names) + case.uncertainty)
    # the kink of string breaking on 96 points: 3e-3 at worst, and the norm of a local start depends on the energy cut
    assert np.all(true <= 4e-3 * np.array(case.value))
    assert abs(result.norm.value - case.norm) <= result.norm.error
    if case.initial == qt.BoundState(1, 0):
        # measured: 2e-6, 5e-5, 2e-4, of which the kink makes up half
        assert np.all(true <= np.array([1e-4, 1e-4, 2.5e-4]) * np.array(case.value))
        assert abs(result.norm.value - case.norm) < 5e-6


@pytest.mark.parametrize("points", [48, 56, 64, 72, 80, 100, 120, 140, 160])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_kink_is_inside_the_mesh_part(case, points):
    # the same reach of 32 GeV^-1, so that the points differ in their spacing at the kink
    mesh = qt.LaguerreMesh(points, 8.64 / points)
    result = qt.solve(KSU, MEDIUM, case.initial, qt.NoJump(grid=mesh))
    true = np.abs(values(result, case.names) - case.value)
    assert np.all(true <= errors(result, case.names) + case.uncertainty)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_stored_limit_is_the_twins(case):
    runs = [(255, 0.064), (511, 0.016), (1023, 0.004)]
    value, uncertainty = continuum(KSU.potential, KSU.mass, MEDIUM, runs, **case.twin)
    n = len(case.names)
    assert np.all(np.abs(value[:n] - case.value) <= uncertainty[:n] + case.uncertainty)
    assert np.all(uncertainty[:n] < 3e-3 * np.array(case.value))
    assert abs(value[-1] - case.norm) <= 2 * uncertainty[-1]


# ------------------------------------------------------------------------------------------- anisotropy and batches


def aniso_table(alpha, factor=1.0):
    tau = np.geomspace(0.6, 4.0, 12)
    T = 0.425 * (0.6 / tau) ** (1 / 3)
    return qt.TabulatedTemperature(tau, T, 0.25, alpha=np.broadcast_to(alpha, (12, 3)), hard_scale=factor * T)


def test_a_round_medium_with_columns_is_the_isotropic_one():
    method = qt.NoJump(error_budget=False)
    columns, plain = (
        qt.solve(KSU, medium, qt.GaussianState(), method) for medium in (aniso_table([1.0, 1.0, 1.0]), MEDIUM)
    )
    assert_allclose(
        values(columns), values(plain), rtol=1e-9
    )  # the crossing of T_end is a root, known to rounding


def test_anisotropy_and_hard_scale_act_as_their_equation_says():
    method = qt.NoJump(error_budget=False)
    survival = {
        name: values(qt.solve(KSU, medium, qt.BoundState(1, 0), method))[0]
        for name, medium in {
            "round": aniso_table([1.0, 1.0, 1.0]),
            "oblate": aniso_table([1.0, 1.0, 0.6]),
            "hard": aniso_table([1.0, 1.0, 1.0], 1.1),
        }.items()
    }
    # Im V falls with 1/sqrt(1 + xi/3) and mu with f(xi); a larger lambda means more damping
    assert survival["hard"] < survival["round"] < survival["oblate"]


def test_a_batch_is_its_members():
    media = [MEDIUM, qt.Bjorken(0.3, 0.6, 0.25), aniso_table([1.1, 1.0, 0.7])]
    together = qt.solve(KSU, media, qt.GaussianState(), qt.NoJump(), times_fm=[0.5, 0.9])
    for i, medium in enumerate(media):
        alone = qt.solve(KSU, medium, qt.GaussianState(), qt.NoJump(), times_fm=[0.5, 0.9])
        for name in S_WAVES:
            assert together.survival[name].value[i] == alone.survival[name].value
            assert together.survival[name].error[i] == alone.survival[name].error
            assert_allclose(together.survival_at[name].value[i], alone.survival_at[name].value, rtol=0)
            assert_allclose(alone.survival_at[name].value[0], 1, rtol=1e-12)  # before the medium


def test_a_check_point_changes_nothing():
    plain = qt.solve(KSU, MEDIUM, qt.BoundState(1, 0), qt.NoJump())
    timed = qt.solve(KSU, MEDIUM, qt.BoundState(1, 0), qt.NoJump(), times_fm=[1.0, 9.0])
    # other steps: their error
    assert np.all(
        np.abs(values(timed) - values(plain)) <= [plain.overlap[n].parts["time_step"] for n in S_WAVES]
    )
    assert timed.survival_at["1S"].value[0] > timed.survival["1S"].value
    assert_allclose(timed.survival_at["1S"].value[1], timed.survival["1S"].value, rtol=1e-12)


# ------------------------------------------------------------------------------------------------- what does not work


def test_the_density_matrix_refuses_an_octet_whose_width_contradicts_its_jumps():
    absorbing = qt.CallablePotential(
        lambda r, T: -0.6 / r - 0.1j * T, alpha=0.6, octet=lambda r, T: 0.1 / r - 0.2j * T
    )
    with pytest.raises(InputError, match=r"NoJump\(\)"):
        qt.solve(qt.LindbladModel(absorbing), MEDIUM, qt.GaussianState(), qt.DensityMatrix())
    # without a jump it decays as it says: exp(-2 (0.2 T) t) of all that starts
    octets = qt.solve(qt.LindbladModel(absorbing), HOT, qt.GaussianState(color="octet"), qt.NoJump())
    ((start, end),) = HOT.active
    assert_allclose(octets.norm.value, np.exp(-0.4 * 0.3 * (end - start)), rtol=1e-6)


@pytest.mark.parametrize("color", ["octet", 0.5])
def test_an_octet_start_is_refused_by_a_potential_of_singlets(color):
    singlets = qt.CallablePotential(lambda r, T: -0.4 / r - 0.1j * T * r**2 / (1 + r**2), alpha=0.4)
    with pytest.raises(InputError, match="octet='casimir'") as caught:
        qt.solve(qt.LindbladModel(singlets), MEDIUM, qt.GaussianState(color=color), qt.NoJump())
    assert caught.value.argument == "octet"


def test_a_table_that_ends_inside_the_mesh_is_refused():
    r = np.linspace(0.05, 15.0, 100)
    table = qt.TabulatedPotential(r, KSU.potential.vacuum(r, "singlet") - 0.1j, alpha=0.409)
    with pytest.raises(InputError, match="beyond"):
        qt.solve(qt.LindbladModel(table), MEDIUM, qt.GaussianState(), qt.NoJump())


@pytest.mark.parametrize(
    ("medium", "word"),
    [(qt.Bjorken(0.45, 0.6, 0.25), "inside the table"), (aniso_table([1.0, 1.0, 0.9]), "isotropic")],
)
def test_a_medium_that_the_potential_does_not_know_is_found_before_the_others_are_solved(medium, word):
    T = np.array([0.0, 0.2, 0.3, 0.43])
    r = np.geomspace(0.01, 50.0, 100)
    table = qt.TabulatedPotential(r, KSU.potential.medium(r, "singlet", T, 0 * T, T), alpha=0.409, T=T)
    done = []
    with pytest.raises(InputError, match=word):
        qt.solve(
            qt.LindbladModel(table),
            [MEDIUM, medium],
            qt.GaussianState(),
            qt.NoJump(),
            progress=lambda i, n: done.append(i),
        )
    assert not done
