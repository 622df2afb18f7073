"""Every no-jump case of the reference set: the numbers of the C++ code on its own grid, with its own time steps.

Its 15-digit output is reproduced to the rounding that accumulates over 15 000 steps. The KSU cases differ by more,
since the code integrates the Landau-damping function numerically; ours is exact to 1e-14.
"""

import warnings

import numpy as np
import pytest
from legacy_runs import CASES, INPUTS, no_jump, parameters, setup_of
from scipy.fft import dst
from scipy.interpolate import CubicSpline

import qtraj as qt
from qtraj.errors import InputError, PerformanceWarning
from qtraj.qtraj1.program.run import run_legacy
from qtraj.qtraj1.program.steps import HBARC, histories

ROUNDING = 5e-11
"""Relative; 15 000 steps of rounding to 1e-16 add up to 1e-12, ten times that in small interfering overlaps."""

QUADRATURE = 5e-7
"""Relative, for the KSU potentials: what the quadrature of the C++ code leaves; below its six printed digits."""

WHOLE = ("coulomb_computed_basis", "cn_nlo_octet", "constant_T", "file_trajectory", "dt_0p005")
"""Short cases, run to the end in the fast suite."""

BEGINNING = ("derivtype1", "octet_swave", "pwave_gaussian", "baseline_num1024_L20", "file_averaged_T",
             "cn_lo", "cn_nlo", "ksu_iso_gaussian", "ksu_aniso")  # fmt: skip
"""One case of everything else, run to the first snapshot that the medium has acted on."""


def tolerance(case) -> float:
    return QUADRATURE if case["parameters"].get("potential") else ROUNDING


def run(name, last=None):
    case = CASES[name]
    p = parameters(case["parameters"], snapFreq=case["steps"][1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PerformanceWarning)  # of the case with 1024 points
        return (case, *no_jump(p, last=last))


def assert_series(case, evolution, count):
    """Compare the first `count` rows of the time series: norm, overlaps, <r> and energy."""
    rows, rtol = evolution.rows, tolerance(case)
    once = np.flatnonzero(np.diff(rows.t_fm, prepend=-1) > 0)[:count]  # the row at tau_med comes twice
    np.testing.assert_allclose(rows.norm[once], case["norms"][:count], rtol=rtol)
    np.testing.assert_allclose(rows.r_mean[once], case["r_mean"][:count], rtol=rtol)
    np.testing.assert_allclose(rows.energy[once], case["energy"][:count], rtol=rtol)
    # an overlap that nearly vanishes by orthogonality has the absolute rounding of amplitudes of order 1
    rounding = {"atol": 1e-13} if rtol == ROUNDING else {"atol": 1e-9}
    np.testing.assert_allclose(rows.overlaps[once], case["overlaps"][:count], rtol=rtol, **rounding)


def assert_end(case, evolution):
    np.testing.assert_allclose(evolution.ratios, case["ratios"], rtol=tolerance(case))
    np.testing.assert_allclose(evolution.norm, case["norm"], rtol=tolerance(case))
    # what the unmodified code prints
    np.testing.assert_allclose(evolution.ratios, case["ratios_printed"], rtol=6e-6)
    assert f"{evolution.norm:.6f}" == case["norm_printed"]


@pytest.mark.parametrize("name", WHOLE)
def test_short_cases(name):
    case, _, evolution = run(name)
    assert_series(case, evolution, len(case["steps"]))
    assert_end(case, evolution)


@pytest.mark.parametrize("name", BEGINNING)
def test_beginnings(name):
    count = next(i for i, step in enumerate(CASES[name]["steps"]) if step > CASES[name]["vacuum_steps"]) + 1
    case, _, evolution = run(name, last=CASES[name]["steps"][count - 1])
    assert [each.step for each in evolution.stored] == case["steps"][:count]
    assert_series(case, evolution, count)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in CASES if name not in WHOLE])
def test_all_other_cases_to_the_end(name):
    case, _, evolution = run(name)
    assert_series(case, evolution, len(case["steps"]))
    assert_end(case, evolution)


@pytest.mark.parametrize("name", CASES)
def test_steps_and_temperatures(name):
    case = CASES[name]
    (steps,) = histories(parameters(case["parameters"]), INPUTS)
    assert (steps.first_medium, steps.total) == (case["vacuum_steps"], case["total_steps"])
    assert steps.metadata == case.get("metadata", "")
    at, known = case["steps"][:-1], case["T"][:-1]
    np.testing.assert_allclose(steps.T[at], known, rtol=1e-14)
    if "alpha_x" in case:
        x, y, z, hard_scale = (case[key] for key in ("alpha_x", "alpha_y", "alpha_z", "lambda_GeV"))
        medium = [i for i, T in enumerate(known) if T > 0]
        chosen = [at[i] for i in medium]
        np.testing.assert_allclose(steps.hard_scale[chosen], [hard_scale[i] for i in medium], rtol=1e-14)
        xi = [((x[i] + y[i]) / (2 * z[i])) ** 2 - 1 for i in medium]
        np.testing.assert_allclose(steps.xi[chosen], xi, rtol=1e-13)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if "masses" in case])
def test_masses_of_computed_states(name):
    case = CASES[name]
    found = setup_of(parameters(case["parameters"]), last=1).masses
    np.testing.assert_allclose(found, case["masses"], rtol=1e-12)


def test_both_transforms_agree():
    p = parameters(CASES["constant_T"]["parameters"], num=255, maxSteps=1700)
    scipy, fftw = (no_jump(p, transform=name)[1] for name in ("scipy", "fftw"))
    np.testing.assert_allclose(fftw.overlaps, scipy.overlaps, rtol=1e-11)


def test_two_points_are_joined_by_a_power_law(tmp_path):
    # linear in (ln t, ln(T + 1e-4)); the 1e-4 GeV stay in
    table = tmp_path / "two.txt"
    table.write_text("# two points\n2\n0.3\t0.5\t1\t1\t1\t0.5\n3.0\t0.2\t1\t1\t1\t0.2\n", encoding="utf-8")
    p = parameters(temperatureEvolution=1, temperatureFile=table.name, Tf=0.25, dt=0.01)
    (steps,) = histories(p, tmp_path)
    t = p.dt * np.arange(steps.total)
    power = np.log(0.2001 / 0.5001) / np.log(3.0 / 0.3)
    expected = np.where(t >= p.tmed, 0.5001 * (np.maximum(t, p.dt) * HBARC / 0.3) ** power, 0)
    np.testing.assert_allclose(steps.T, expected, rtol=1e-12)
    # the step after the last one has T > Tf, too, and is not taken; the next but one is below
    after = 0.5001 * ((steps.total + np.arange(2)) * p.dt * HBARC / 0.3) ** power
    assert after[0] > p.Tf > after[1]


def test_a_medium_below_the_final_temperature_is_no_medium(tmp_path):
    table = tmp_path / "cold.txt"
    table.write_text("1\n5.25\n2\n0.3\t0.21\n3.0\t0.2\n", encoding="utf-8")
    p = parameters(temperatureEvolution=2, temperatureFile=table.name, Tf=0.25)
    setup, evolution = no_jump(p, tmp_path)
    assert setup.steps.total == 0
    assert evolution.norm == pytest.approx(1, abs=1e-14)
    np.testing.assert_allclose(evolution.ratios[[0, 1, 3]], 1, rtol=1e-13)


LATE = {"t0": 5.0, "tmed": 3.0, "kappa": 4, "gam": -1.75, "num": 127, "L": 20, "dt": 0.01, "snapFreq": 100}
"""The evolution begins when the medium is there for 2 GeV^-1."""

TABLE = np.array([[0.2, 0.6], [0.5, 0.5], [0.9, 0.4], [1.4, 0.3], [2.2, 0.2]])
"""tau in fm/c and T in GeV."""


def late_media(directory):
    """Parameters of each kind of medium that is there at t0, and its temperature at t GeV^-1."""
    lines = [f"{tau} {T} 1 1 1 {T}" for tau, T in TABLE]
    (directory / "averaged.txt").write_text("\n".join(["#", "5", *lines]) + "\n", encoding="utf-8")
    (directory / "paths.txt").write_text("\n".join(["1", "5.25", "5", *lines]) + "\n", encoding="utf-8")
    knots, values = np.log(TABLE[:, 0] / HBARC), np.log(TABLE[:, 1] + 1e-4)
    spline = CubicSpline(knots, values, bc_type="natural")

    def table(t):
        return np.exp(spline(np.log(t)))

    yield {"temperatureEvolution": 0, "T0": 0.5, "Tf": 0.35}, lambda t: 0.5 * np.cbrt(3.0 / t), 1
    yield {"temperatureEvolution": 1, "temperatureFile": "averaged.txt", "Tf": 0.35}, table, -1
    yield {"temperatureEvolution": 2, "temperatureFile": "paths.txt", "Tf": 0.35}, table, -1
    yield {"temperatureEvolution": 3, "T0": 0.4, "Tf": 0.1, "maxSteps": 300}, lambda t: 0.4 + 0 * t, None


@pytest.mark.parametrize("medium", range(4))
def test_an_evolution_that_begins_inside_the_medium(medium, tmp_path):
    changes, temperature, last = list(late_media(tmp_path))[medium]
    p = parameters(LATE, **changes)
    setup, evolution = no_jump(p, tmp_path)
    # the medium acts from the first step on; Bjorken takes one step with T <= Tf, a table leaves out one with T > Tf
    t = p.t0 + p.dt * np.arange(100_000)
    T = temperature(t[t < 2.2 / HBARC])
    total = p.maxSteps if last is None else int(np.argmax(p.Tf >= T)) + last
    assert (setup.steps.first_medium, setup.steps.total) == (0, total)
    np.testing.assert_allclose(setup.steps.T, T[:total], rtol=1e-12)
    assert evolution.rows.t_fm[0] == pytest.approx(p.t0 * HBARC)
    assert evolution.rows.norm[0] == pytest.approx(1, abs=1e-14)
    # the same steps, written out: exp(-i V dt/2) exp(-i k^2 dt/(2m)) exp(-i V dt/2) with V - i kappa T^3 r^2/2
    dx = p.L / (p.num + 1)
    r, k = dx * np.arange(1, p.num + 1), np.pi / p.L * np.arange(1, p.num + 1)
    u = r * np.exp(-((r * p.m * p.alpha / p.initWidth) ** 2))
    u = u / np.sqrt(dx * np.sum(u**2)) + 0j
    for T_n in T[:total]:
        V = -p.alpha / r + 0.5 * (p.gam - 1j * p.kappa) * T_n**3 * r**2
        u = dst(u * np.exp(-0.5j * p.dt * V), type=1, norm="ortho")
        u = dst(u * np.exp(-0.5j * p.dt * k**2 / p.m), type=1, norm="ortho") * np.exp(-0.5j * p.dt * V)
    assert evolution.norm == pytest.approx(dx * np.sum(np.abs(u) ** 2), rel=1e-11)
    ground = r * np.exp(-r * p.m * p.alpha)
    ground /= np.sqrt(dx * np.sum(ground**2))
    assert evolution.overlaps[0] == pytest.approx(abs(dx * ground @ u) ** 2, rel=1e-9)


def test_an_evolution_that_begins_inside_the_medium_agrees_with_the_new_methods():
    # a Coulomb state waits for the medium unchanged, so that a table which starts at t0 is the same problem
    p = parameters(
        LATE, temperatureEvolution=0, T0=0.5, Tf=0.35, initType=0, initWidth=1.0, num=2047, dt=0.002
    )
    _, evolution = no_jump(p)
    t = np.linspace(p.t0, p.tmed * (p.T0 / p.Tf) ** 3, 400)
    medium = qt.TabulatedTemperature(qt.units.to_fm(t), p.T0 * np.cbrt(p.tmed / t), T_end=p.Tf)
    model = qt.LindbladModel(transport=qt.Transport(kappa=p.kappa, gamma=p.gam))
    result = qt.solve(model, medium, qt.CoulombState(1, 0), qt.NoJump(error_budget=False))
    # 1.2e-3: first order in dt, 2.2e-3 with twice the step; the cusp of a grid of 2047 points has 1e-4
    assert evolution.norm == pytest.approx(result.norm.value, rel=2e-3)
    assert evolution.overlaps[0] == pytest.approx(result.survival["1S"].value, rel=2e-3)


def test_jumps_of_the_nlo_stepper_are_refused(tmp_path):
    with pytest.raises(InputError, match="doJumps"):
        run_legacy(parameters(doJumps=1, stepper=2), tmp_path)


def test_a_constant_medium_after_the_last_step_leaves_the_vacuum():
    setup, evolution = no_jump(parameters(temperatureEvolution=3, maxSteps=100, Tf=0.1))
    assert (setup.steps.first_medium, setup.steps.total) == (100, 100)
    assert evolution.norm == pytest.approx(1, abs=1e-12)


@pytest.mark.slow
def test_crank_nicolson_at_next_order_extrapolates_to_the_mesh():
    """Grids and steps halved twice, two powers of the spacing removed: the numbers of NoJump at NLO on its mesh.

    The wave function has a cusp, so the second differences leave dx^2 and dx^3; the first of the two corrections is
    1e-2, the second 1e-4 of the 3S, so what is left is some 1e-5.
    """
    runs = []
    for num, dt in ((255, 0.004), (511, 0.002), (1023, 0.001)):
        p = parameters(CASES["cn_nlo"]["parameters"], num=num, L=20, dt=dt, maxSteps=20000, snapFreq=20000)
        _, evolution = no_jump(p)
        runs.append([*np.array(evolution.ratios)[[0, 1, 3]], evolution.norm])
    first = (4 * np.array(runs[1:]) - runs[:-1]) / 3
    continuum = (8 * first[1] - first[0]) / 7
    model = qt.LindbladModel(transport=qt.Transport("central", -1.75), order="NLO")
    result = qt.solve(model, qt.Bjorken(0.425, 0.6, 0.25), qt.GaussianState(), qt.NoJump())
    mesh = [*(result.survival[name].value for name in ("1S", "2S", "3S")), result.norm.value]
    np.testing.assert_allclose(continuum, mesh, rtol=1e-4)
