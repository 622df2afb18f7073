"""Octets that follow from the singlet: one law for every potential, what is refused, and that everything solves."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import exp1, expi

import qtraj as qt
from qtraj import InputError
from qtraj.physics.potentials import MASSES, POTENTIALS

R = np.geomspace(0.02, 50.0, 60)
T = np.array([0.17, 0.25, 0.45])
XI = np.array([0.0, 0.4, 1.5])


def broken(r):
    return -0.4 / r + 0.2 * np.minimum(r, 6.0)


def screened(r, T):
    """A string that breaks by screening at every temperature, and at 6 GeV^-1 in the vacuum."""
    return -0.4 / r * np.exp(-2 * T * r) + 0.2 * np.minimum(r, 6.0 / (1 + 3 * T))


def complex_of_four(r, T, xi, hard_scale):
    return screened(r, T) / (1 + 0.1 * xi) - 1j * hard_scale * -np.expm1(-((T * r) ** 2))


GRID = np.concatenate([np.geomspace(0.01, 0.5, 40), np.linspace(0.6, 60, 300)])
ROWS = np.array([0.15, 0.2, 0.3, 0.4, 0.5])
KSU = qt.KSUPotential()


def ksu_far(T, xi):
    """Re V far away, min(2 sigma/mu, V_SB), from the formula of the docs."""
    angle = np.where(xi > 0, np.arctan(np.sqrt(xi)) / np.sqrt(np.where(xi > 0, xi, 1)), 1.0)
    f = angle / np.sqrt((1 / (1 + xi) + angle) / 2)
    mu = np.sqrt(f) * np.sqrt((1 + 2 / 6) * 4 * np.pi * 0.409) * T
    r_sb = 1.25 / 0.1973269804
    return np.minimum(2 * 0.21 / mu, -0.409 / r_sb + 0.21 * r_sb)


def htl_far(T, xi, md=2.0):
    angle = np.where(xi > 0, np.arctan(np.sqrt(xi)) / np.sqrt(np.where(xi > 0, xi, 1)), 1.0)
    return -0.4 * md * np.sqrt(angle / np.sqrt((1 / (1 + xi) + angle) / 2)) * T


# potential, V_inf in the vacuum, V_inf(T, xi), whether it knows an anisotropic medium, and the error of its limit
CASES = {
    "Coulomb": (qt.CoulombPotential(0.4), 0.0, None, False, 1e-14),
    "Cornell": (qt.CornellPotential(), ksu_far(np.array(1e-9), np.array(0.0)), None, False, 1e-14),
    "KSU": (KSU, ksu_far(np.array(1e-9), np.array(0.0)), ksu_far, True, 1e-14),
    "HTL": (qt.HTLPotential(0.3, 2.0), 0.0, htl_far, True, 1e-14),
    "Yukawa": (qt.HTLPotential(0.3, 2.0, real="yukawa"), 0.0, lambda T, xi: 0 * T, True, 1e-14),
    "HTL, real part Coulomb": (
        qt.HTLPotential(0.3, 2.2, real="coulomb", alpha=0.6239853), 0.0, lambda T, xi: 0 * T, True, 1e-14
    ),
    "function of r": (qt.CallablePotential(broken, 0.4, "casimir"), 1.2, None, False, 1e-13),
    "function of r and T": (
        qt.CallablePotential(screened, 0.4, "casimir"), 1.2, lambda T, xi: 1.2 / (1 + 3 * T), False, 1e-13
    ),
    "function of four": (
        qt.CallablePotential(complex_of_four, 0.4, "casimir"),
        1.2, lambda T, xi: 1.2 / (1 + 3 * T) / (1 + 0.1 * xi), True, 1e-13,
    ),
    # a table of a Coulomb tail ends at -alpha/60
    "table of r": (
        qt.TabulatedPotential(GRID, broken(GRID), alpha=0.4, octet="casimir", beyond="constant"),
        1.2 - 0.4 / 60, None, False, 1e-13,
    ),
    # and of a spline in T, 1e-3 between the rows of this coarse one
    "table of r and T": (
        qt.TabulatedPotential(
            GRID, [screened(GRID, t) - 0.1j * t for t in ROWS], alpha=0.4, T=ROWS, vacuum=broken(GRID),
            octet="casimir", beyond="constant",
        ),
        1.2 - 0.4 / 60, lambda T, xi: 1.2 / (1 + 3 * T), False, 1e-3,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_octet_is_repelled_by_an_eighth_and_ends_where_the_singlet_ends(name):
    potential, vacuum_far, medium_far, knows_xi, tolerance = CASES[name]
    vacuum = {color: potential.vacuum(R, color) for color in ("singlet", "octet")}
    assert_allclose(vacuum["octet"] + vacuum["singlet"] / 8, 9 / 8 * vacuum_far, atol=tolerance / R.min())
    if medium_far is None:
        return
    xi = XI if knows_xi else 0 * T
    singlet, octet = (potential.medium(R, color, T, xi, 1.2 * T) for color in ("singlet", "octet"))
    assert octet.dtype == float
    assert octet.shape == singlet.shape == (len(T), len(R))
    expected = 9 / 8 * np.broadcast_to(medium_far(T, xi)[:, None], octet.shape)
    assert_allclose(
        octet + singlet.real / 8, expected, atol=tolerance / R.min() if tolerance < 1e-6 else tolerance
    )


def test_of_a_coulomb_potential_it_is_the_coulomb_octet():
    coulomb = qt.CoulombPotential(0.6)
    for shift in (0.0, 1.3):  # and of one with another zero of energy
        potential = qt.CallablePotential(lambda r, shift=shift: shift - 0.6 / r, 0.6, "casimir")
        assert_allclose(potential.vacuum(R, "octet") - shift, coulomb.vacuum(R, "octet"), atol=1e-14)


def test_the_octet_of_hard_thermal_loops_is_the_known_one():
    htl = qt.HTLPotential(0.3, 2.0)
    found = htl.medium(R, "octet", T, 0 * T, T)
    md = 2.0 * T[:, None]
    # alpha_s/(2 N_c) e^{-m_D r}/r and twice the energy of one heavy quark, -C_F alpha_s m_D/2 each
    assert_allclose(found, 0.3 / (6 * R) * np.exp(-md * R) - 4 / 3 * 0.3 * md, rtol=1e-13, atol=1e-14)


def test_the_coulomb_octet_is_a_choice_everywhere():
    r, at = R[None], (T, 0 * T, T)
    table = qt.TabulatedPotential(GRID, broken(GRID), alpha=0.4, octet="coulomb", beyond="constant")
    for potential in (
        qt.KSUPotential(0.4, octet="coulomb"),
        qt.HTLPotential(0.3, octet="coulomb"),
        qt.CornellPotential(0.4, octet="coulomb"),
        qt.CallablePotential(screened, 0.4, "coulomb"),
        table,
    ):
        assert_allclose(potential.vacuum(R, "octet"), 0.05 / R, rtol=1e-14)
        if hasattr(potential, "medium"):
            assert_allclose(potential.medium(R, "octet", *at), np.broadcast_to(0.05 / r, (3, 60)), rtol=1e-14)


@pytest.mark.parametrize(
    "singlet",
    [
        lambda r: -0.4 / r + 0.2 * r,
        lambda r: -0.4 / r + 1e-5 * r,
        lambda r: 0.7 * np.log(r),
        lambda r: -0.1 / np.sqrt(r),
        lambda r: -0.4 / r + 0.0085 * r**2,
        lambda r, T: -0.4 / r + np.where(T > 0, -np.expm1(-T * r) / np.where(T > 0, T, 1), r),
        lambda r: np.where(r < 50, -0.4 / r, np.nan),
    ],
)
def test_a_potential_that_does_not_saturate_is_refused_at_once(singlet):
    with pytest.raises(InputError, match="does not saturate in the vacuum") as caught:
        qt.CallablePotential(singlet, 0.4, "casimir")
    assert caught.value.argument == "octet"
    qt.CallablePotential(singlet, 0.4, "coulomb")


def test_a_formula_that_overflows_far_away_in_a_hot_medium_is_no_obstacle():
    """e^x E_1(x) of Landau damping is not finite above x = 709, and neither is a complex number with it."""

    def damped(r, T):
        x = np.maximum(3.5 * T * r, 1e-9)
        phi = 1 - ((1 + x) * np.exp(-x) * expi(x) + (1 - x) * np.exp(x) * exp1(x)) / (2 * x)
        return screened(r, T) - 1j * T * np.where(T > 0, np.maximum(phi, 0), 0)

    potential = qt.CallablePotential(damped, 0.4, "casimir")
    hot = np.array([0.2, 0.6, 1.2, 2.0])
    found = potential.medium(R, "octet", hot, 0 * hot, hot)
    expected = (
        9 / 8 * (1.2 / (1 + 3 * hot))[:, None] - potential.medium(R, "singlet", hot, 0 * hot, hot).real / 8
    )
    assert_allclose(found, expected, atol=1e-12)


def test_saturation_is_checked_at_the_temperatures_in_use():
    def loose(r, T):
        return broken(r) + np.where(np.abs(T - 0.23) < 0.01, 0.01 * r, 0 * r)

    potential = qt.CallablePotential(loose, 0.4, "casimir")
    potential.medium(R, "octet", T, 0 * T, T)
    at = np.array([0.2, 0.23])
    with pytest.raises(InputError, match=r"does not saturate at T = 0\.23 GeV"):
        potential.medium(R, "octet", at, 0 * at, at)


@pytest.mark.parametrize(
    ("V", "beyond", "hint"),
    [
        (broken(GRID), None, "beyond='constant'"),
        (broken(GRID), "linear", "beyond='constant'"),
        (-0.4 / GRID + 0.2 * GRID, "constant", "settled"),
        (-0.4 / GRID + 1e-3 * GRID, "constant", "settled"),
    ],
)
def test_a_table_without_a_limit_is_refused(V, beyond, hint, tmp_path):
    file = tmp_path / "V.txt"
    np.savetxt(file, np.column_stack([GRID, V]), header="r[GeV^-1] V[GeV]", comments="")
    for make in (
        lambda: qt.TabulatedPotential(GRID, V, alpha=0.4, octet="casimir", beyond=beyond),
        lambda: qt.TabulatedPotential.read(file, alpha=0.4, octet="casimir", beyond=beyond),
    ):
        with pytest.raises(InputError, match=hint) as caught:
            make()
        assert caught.value.argument == "octet"


def test_the_law_holds_whatever_solves_it():
    """A class, the function of the same formula and a table of it are one problem for the solver."""
    cornell = qt.CornellPotential()
    grid = np.concatenate([np.geomspace(1e-3, 0.1, 60), np.arange(0.12, 60, 0.02)])
    potentials = (
        cornell,
        qt.CallablePotential(lambda r: cornell.vacuum(r, "singlet"), 0.409, "casimir"),
        qt.TabulatedPotential(
            grid, cornell.vacuum(grid, "singlet"), alpha=0.409, octet="casimir", beyond="constant"
        ),
    )
    found = []
    for potential in potentials:
        model = qt.LindbladModel(potential, qt.Transport(1.0, -1.0), mass=4.7)
        method = qt.DensityMatrix(rtol=0.02, error_budget=False)
        result = qt.solve(model, qt.Bjorken(0.35, 0.6, 0.28), qt.GaussianState(), method)
        found.append([result.overlap[name].value for name in ("1S", "2S", "1P")])
    assert_allclose(found[1], found[0], rtol=1e-10)
    assert_allclose(
        found[2], found[0], rtol=1e-6
    )  # the kink of the string lies between two points of the table


@pytest.mark.parametrize("color", ["singlet", pytest.param("octet", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", POTENTIALS)
def test_every_potential_solves_with_either_color(name, color):
    """The law of every case: finite, errors contain a finer run, and a history is the same in a batch as alone."""
    model = qt.LindbladModel(POTENTIALS[name](), mass=MASSES.get(name, 4.73))
    media = [qt.Bjorken(0.35, 0.6, 0.3), qt.Bjorken(0.32, 0.6, 0.3)]
    start = qt.GaussianState(color=color)
    found = qt.solve(model, media, start, qt.NoJump(step=0.4))
    finer = qt.solve(model, media[1], start, qt.NoJump(step=0.1, error_budget=False))
    alone = qt.solve(model, media[1], start, qt.NoJump(step=0.4, error_budget=False))
    for state in ("1S", "2S", "3S", "1P"):
        value, error = found.overlap[state].value[1], found.overlap[state].error[1]
        assert np.isfinite(value)
        assert abs(value - finer.overlap[state].value) <= error + 1e-12
        assert alone.overlap[state].value == pytest.approx(value, rel=1e-9, abs=1e-14)
        # bound states are singlets, and S waves alone begin with l = 0
        assert (value > 1e-6) == (color == "singlet" and state != "1P")
    assert np.all(found.norm.value <= 1 + 1e-9)
