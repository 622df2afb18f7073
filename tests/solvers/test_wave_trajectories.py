"""Trajectories of complex potentials: the jumps have their rates, the dipole limit is leading order, features are on.

Statistical tests have fixed seeds; each states how often a correct code would fail with another seed.
"""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy.special import spherical_jn
from scipy.stats import chi2

import qtraj as qt
from qtraj.errors import InputError
from qtraj.physics.channels import angular, radial, wave_channels
from qtraj.physics.medium import as_histories
from qtraj.solvers.trajectories.method import Sampling
from qtraj.solvers.trajectories.propagators import make_propagators, sector_of
from qtraj.solvers.trajectories.time_grid import graded_time_grid
from qtraj.solvers.trajectories.waves import partial_waves
from qtraj.units import C_F

MEDIUM = qt.Bjorken(T0=0.425, tau_fm=0.6, T_end=0.25)
COLD = qt.Bjorken(T0=0.4, tau_fm=0.6, T_end=0.33)
COULOMB = qt.CoulombPotential()
HTL = qt.HTLPotential(0.35, 2.2, real="coulomb", alpha=COULOMB.alpha)
MESH = qt.LaguerreMesh(48, 0.14)


def noisy(G):
    """Return a Coulomb potential with Im V_s = -C_F G(r, T)."""

    def V(r, T):
        return -COULOMB.alpha / r - 1j * C_F * np.where(T > 0, G(r, np.maximum(T, 1e-3)), 0.0)

    return qt.CallablePotential(V, alpha=COULOMB.alpha, octet="coulomb")


@cache
def propagators(model, grid=MESH):
    (history,), _ = as_histories(COLD)
    return make_propagators(model, history, graded_time_grid(model, history, (), 0.3), grid, "computed")


def state(grid=MESH, l=1, middle=2.0):
    """Return a state that is neither a bound state nor real."""
    r = grid.r
    u = grid.coefficients(r ** (l + 1) * np.exp(-((r / middle) ** 1.5)) * np.exp(0.4j * r))
    return u / np.linalg.norm(u)


def sampled(model, method, initial, medium=MEDIUM, checkpoints=()):
    """Return what is sampled of one history, without the part without jumps."""
    histories, _ = as_histories(medium)
    none = np.zeros((len(checkpoints) + 1, 6))
    sampling = Sampling(method, model, histories[0], initial, checkpoints, 0, none)
    return sampling, sampling.run(np.inf, lambda trajectories: None)


def test_partial_waves_are_spherical_bessel_functions():
    x = np.array([1e-5, 0.1, 1.0, 7.3, 16.0, 90.0])
    found = partial_waves(x)
    L = np.arange(found.shape[1])
    exact = (2 * L + 1) * radial(L, x[:, None]) ** 2
    assert found == pytest.approx(exact, rel=1e-9, abs=1e-14)
    # what is left out
    assert np.all(spherical_jn(found.shape[1], x) < 1e-10)


def test_the_decay_is_the_width_of_the_quadrature():
    """-2 Im of the exponents of a step against the whole rate of the waves in its middle, both colors."""
    p = propagators(qt.LindbladModel(HTL))
    lengths, edges = p.time_grid.lengths, p.time_grid.edges
    step = 3
    for color in (0, 1):
        decay = -2 * p._thermal(color, step).imag / lengths[step]
        rate = p.waves._sums[color] @ p.waves.weights_at((edges[step] + edges[step + 1]) / 2)
        # the projection is off by 2e-4 of the largest, the middle of a step by its square
        assert rate == pytest.approx(decay, abs=1e-3 * decay.max())


@pytest.mark.parametrize("color", [0, 1])
@pytest.mark.parametrize(
    "potential", [HTL, noisy(lambda r, T: 1.4 * T**3 * 25 / (2 * C_F) * (1 - np.exp(-((r / 5) ** 2))))]
)
def test_jumps_have_their_rates_and_make_their_states(color, potential):
    """Targets and moments of r after 40 000 jumps of one state against C rho C^+; a false alarm once in 500 runs."""
    n, l, step, p = 40_000, 1, 3, propagators(qt.LindbladModel(potential))
    u = state(l=l)
    sectors = np.full(n, sector_of(color, l))
    number = np.random.default_rng(color).random(n)
    after, target, kept = p.jump(np.tile(u, (n, 1)), sectors, step, number)
    assert np.sum(np.abs(after) ** 2, axis=1) == pytest.approx(1, rel=1e-12)
    assert np.all(kept == 1)
    w = p.waves.weights_at((p.time_grid.edges[step] + p.time_grid.edges[step + 1]) / 2)
    probability, radius = {}, {}
    density = np.abs(u) ** 2
    for channel in wave_channels():
        if channel.source != ("singlet", "octet")[color]:
            continue
        for L in range(1 if channel.odd else 0, 120, 2):
            f = radial(np.array(L), np.multiply.outer(MESH.r, p.waves._q) / 2)
            f[:, 0] = MESH.r / np.sqrt(6) if L == 1 else 0.0
            at_r = channel.color_weight * (2 * L + 1) * f**2 @ w * density
            for end, share in zip(range(abs(l - L), l + L + 1, 2), angular(l, L), strict=True):
                key = int(sector_of(("singlet", "octet").index(channel.target), end))
                probability[key] = probability.get(key, 0.0) + share * at_r.sum()
                radius[key] = radius.get(key, 0.0) + share * at_r @ MESH.r
    total = sum(probability.values())
    # 1/L^2 of the jumps have more than L, from the tail of D~
    assert total == pytest.approx(density @ (p.waves._sums[color] @ w), rel=2e-4)
    often = [key for key in probability if probability[key] / total * n > 25]
    counts = np.array([np.sum(target == key) for key in often])
    expected = np.array([probability[key] / total * n for key in often])
    # the rest counts as one more class
    counts, expected = np.append(counts, n - counts.sum()), np.append(expected, n - expected.sum())
    assert np.sum((counts - expected) ** 2 / expected) < chi2.isf(1e-3, len(counts) - 1)
    found = np.abs(after) ** 2 @ MESH.r
    pulls = [
        (found[target == key].mean() - radius[key] / probability[key])
        / (found[target == key].std() / np.sqrt(np.sum(target == key)))
        for key in often
    ]
    assert np.sum(np.square(pulls)) < chi2.isf(1e-3, len(pulls))


@pytest.mark.parametrize("grid", [MESH, qt.SineGrid(255, 30.0)])
def test_the_rates_of_a_last_jump_are_sums_over_waves(grid):
    p = propagators(qt.LindbladModel(HTL), grid)
    t = float(p.time_grid.edges[4])
    w = p.waves.weights_at(t)
    for l, end in ((0, 1), (1, 0), (2, 1), (3, 2), (9, 0), (4, 2)):
        u, v = (np.array([state(grid, k, x) for x in (1.5, 3.0)]) for k in (l, end))
        exact = np.zeros((2, 2))
        for L in range(abs(l - end), l + end + 1, 2):
            if L % 2 == 1:
                f = radial(np.array(L), np.multiply.outer(grid.r, p.waves._q) / 2)
                f[:, 0] = grid.r / np.sqrt(6) if L == 1 else 0.0
                a = np.abs(np.einsum("bn,nk,cn->bck", u, f, v.conj())) ** 2
                exact += 2 / 3 * angular(l, L)[(end - abs(l - L)) // 2] * (2 * L + 1) * a @ w
        found = p.waves.rates_into(u, l, v, end, t)
        assert found == pytest.approx(exact, rel=1e-10)


@pytest.mark.parametrize("grid", [qt.SineGrid(255, 30.0), MESH])
@pytest.mark.parametrize("l", [0, 1])
def test_the_dipole_limit_is_leading_order(grid, l, monkeypatch):
    """Octets that jump once, without any sampling, and the share that never jumps: equal up to the time integrals."""
    # weights are linear in time between two projections: their error falls as its square, from 3e-4 with 0.015
    monkeypatch.setattr("qtraj.solvers.trajectories.waves.CHANGE", 0.002)
    transport = qt.Transport(1.4, 0.0)
    dipole = qt.LindbladModel(COULOMB, transport)
    kappa = lambda T: 1.4 * T**3  # noqa: E731
    limit = qt.LindbladModel(noisy(lambda r, T: kappa(T) * r**2 / (2 * C_F)))
    start = qt.GaussianState(l=l, color="octet")
    method = qt.QuantumTrajectories(n=2, grid=grid, dt=0.02 if isinstance(grid, qt.SineGrid) else None)
    found = []
    for model in (dipole, limit):
        (history,), _ = as_histories(COLD)
        one = Sampling(method, model, history, start, (), 0, np.zeros((1, 6)))
        if not isinstance(
            grid, qt.SineGrid
        ):  # the steps of a mesh follow kappa, which a complex potential has not
            time_grid = graded_time_grid(dipole, history, (), 0.1)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(
                    "qtraj.solvers.trajectories.method.graded_time_grid",
                    lambda model, *_, steps=time_grid: retimed(model, steps),
                )
                one = Sampling(
                    replace(method, jump_range=1e3), model, history, start, (), 0, np.zeros((1, 6))
                )
        ensemble = one._start_ensembles[0]
        found.append([*ensemble.one_jump[0], ensemble.norm_range[0]])
    # a trapezoidal rule over 0.05 or, on a mesh, 0.1 GeV^-1, once with kappa at its edges and once with its integrals
    assert found[1] == pytest.approx(found[0], rel=1e-3 if grid is MESH else 2e-4)


def retimed(model, time_grid):
    """Return the steps of another model for this one."""
    if not model.has_width:
        return time_grid
    none = np.zeros(time_grid.steps)
    return time_grid._replace(kappa=none, gamma=none, jumps=time_grid.lengths * time_grid.active)


@pytest.mark.parametrize("grid", [MESH, qt.SineGrid(127, 30.0)])
def test_an_octet_that_is_real_but_for_its_type_is_real(grid):
    """Complex numbers without an imaginary part are no width of the octet's own: it decays by jumps."""

    def singlet(r, T):
        return -COULOMB.alpha / r - 0.2j * T * r**2 / (1 + r)

    found = []
    for octet in (lambda r: 0.08 / r, lambda r: (0.08 + 0j) / r):
        potential = qt.CallablePotential(singlet, alpha=COULOMB.alpha, octet=octet)
        method = qt.QuantumTrajectories(n=2, grid=grid, dt=0.02 if grid is not MESH else None)
        histories, _ = as_histories(COLD)
        start = qt.GaussianState(width=1.0, color="octet")
        one = Sampling(method, qt.LindbladModel(potential), histories[0], start, (), 0, np.zeros((1, 6)))
        found.append(one._start_ensembles[0].norm_range)
    assert found[1] == pytest.approx(found[0], rel=1e-12)
    assert found[0][0] < 0.8 * found[0][1]


@pytest.mark.filterwarnings("ignore::qtraj.errors.AccuracyWarning")
def test_batches_and_workers_change_no_jump():
    model, start = qt.LindbladModel(HTL), qt.GaussianState(color=0.5)
    found = []
    for batch, workers in ((None, 1), (7, 2)):
        method = qt.QuantumTrajectories(n=48, seed=4, grid=MESH, records=True, batch=batch, workers=workers)
        found.append(sampled(model, method, start, COLD, (4.0, 5.0))[1])
    one, two = found
    for name in ("trajectory", "time_fm", "color", "l"):
        assert getattr(one.record, name) == pytest.approx(getattr(two.record, name), rel=1e-9)
    assert one.mean == pytest.approx(two.mean, rel=1e-9)
    # every jump changes the color or stays in the octet: no singlet jumps to a singlet
    assert np.all(np.diff(one.record.trajectory) >= 0)
    before = np.concatenate([[-1], one.record.color[:-1]])
    again = np.concatenate([[False], np.diff(one.record.trajectory) == 0])
    assert not np.any(again & (before == 0) & (one.record.color == 0))


@pytest.mark.parametrize("grid", [None, qt.SineGrid(255, 40.0)])
def test_all_pairs_are_somewhere(grid):
    """Populations and what is lost add up to one, within the scatter of the weights."""
    model = qt.LindbladModel(qt.HTLPotential())
    dt = 0.02 if grid is not None else None
    method = qt.QuantumTrajectories(n=256, seed=2, grid=grid, dt=dt)
    _, answer = sampled(model, method, qt.GaussianState(width=0.5, color=0.7), COLD)
    population, lost = answer.diagnostics["population"][-1], answer.diagnostics["lost"]
    assert population.sum() + lost.sum() == pytest.approx(1, abs=1e-12)
    # nothing leaves a sine grid; on a mesh some states above the energy cut are lost
    assert abs(lost[0]) < 1e-2
    assert np.all(population >= 0)


@pytest.mark.filterwarnings("ignore::qtraj.errors.AccuracyWarning")
@pytest.mark.parametrize(("start", "own"), [(qt.BoundState(1, 0), [0, 1, 3]), (qt.BoundState(2, 1), [2, 4])])
def test_both_estimates_have_the_same_mean(start, own):
    """Five numbers, each within 3.7 standard errors: a false alarm once in 1000 runs.

    Some 20 to 50 contributions to the end points, so that their scatter is known to 15 %.
    """
    model, medium = qt.LindbladModel(HTL), qt.Bjorken(T0=0.35, tau_fm=0.6, T_end=0.25)
    found = []
    for estimator in ("last_jump", "end_point"):
        method = qt.QuantumTrajectories(n=4096, seed=3, grid=MESH, estimator=estimator)
        _, answer = sampled(model, method, start, medium)
        found.append((answer.mean[0, own], answer.parts["statistical"][0, own]))
    (a, da), (b, db) = found
    assert np.all(np.abs(a - b) < 3.7 * np.hypot(da, db))


@pytest.mark.slow
def test_the_table_of_hard_thermal_loops():
    """1S, 2S, 3S with alpha_s 0.35, m_D 2.2 T: from the equation in (r, r', mu) on another code, good to 1e-3."""
    result = qt.solve(
        qt.LindbladModel(HTL), MEDIUM, qt.GaussianState(width=0.2), qt.QuantumTrajectories(n=8192, seed=5)
    )
    for name, value, tolerance in (("1S", 0.4833, 1e-3), ("2S", 0.0875, 1e-3), ("3S", 0.1037, 3e-3)):
        estimate = result.survival[name]
        assert abs(estimate.value - value) < tolerance + 3 * estimate.parts["statistical"]


def test_a_cold_history_survives():
    """Beside a hot one, in a batch with check points; the hot one does not notice."""
    tau = np.array([0.6, 1.0, 2.0])
    media = qt.Histories(tau, [[0.2, 0.19, 0.18], [0.4, 0.3, 0.2]], 0.25)
    method = qt.QuantumTrajectories(n=64, seed=1, grid=MESH)
    model, start = qt.LindbladModel(HTL), qt.BoundState(1, 0)
    both = qt.solve(model, media, start, method, times_fm=[0.9])
    assert both.survival["1S"].value[0] == pytest.approx(1, abs=1e-6)
    assert both.survival_at["1S"].value[1, 0] > both.survival["1S"].value[1]
    assert both.no_jump["1S"].value[1] < both.survival["1S"].value[1] < 1
    cold = qt.solve(model, media[:1], start, method)
    assert cold.survival["1S"].value == pytest.approx([1], abs=1e-6)


GAUSSIAN = noisy(lambda r, T: 1.4 * T**3 * 25 / (2 * C_F) * (1 - np.exp(-((r / 5) ** 2))))
SETTINGS = {
    "htl, S": (HTL, qt.GaussianState(width=0.2)),
    "htl, P octet": (HTL, qt.GaussianState(l=1, width=0.5, color="octet")),
    "ksu, 1S": (qt.KSUPotential(), qt.BoundState(1, 0)),
    "ksu, P": (qt.KSUPotential(), qt.GaussianState(l=1, width=0.5)),
    "gaussian, S": (GAUSSIAN, qt.GaussianState(width=0.2)),
    "gaussian, S octet": (GAUSSIAN, qt.GaussianState(width=1.0, color="octet")),
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::qtraj.errors.AccuracyWarning")  # errors are what is compared with
@pytest.mark.parametrize("setting", SETTINGS)
def test_trajectories_are_the_density_matrix(setting):
    """Chi-square of all six states together, with the errors of both; all six settings: a false alarm once in 1000."""
    potential, start = SETTINGS[setting]
    model, medium = qt.LindbladModel(potential), qt.Bjorken(T0=0.4, tau_fm=0.6, T_end=0.25)
    exact = qt.solve(model, medium, start, qt.DensityMatrix(rtol=2e-2))
    found = qt.solve(model, medium, start, qt.QuantumTrajectories(n=8192, seed=6))
    covariance = np.asarray(found.diagnostics["covariance"])
    names = list(exact.overlap)
    difference = np.array([found.overlap[n].value - exact.overlap[n].value for n in names])
    # an error of a discretization counts as a standard deviation; those of the part without jumps are shared
    other = [
        exact.overlap[n].error ** 2 + found.overlap[n].error ** 2 - found.overlap[n].parts["statistical"] ** 2
        for n in names
    ]
    assert difference @ np.linalg.solve(covariance + np.diag(other), difference) < chi2.isf(1e-3 / 6, 6)
    # and the comparison is one of what jumps bring back: known to 5 % for some state
    back = np.array([found.overlap[n].value - found.overlap_no_jump[n].value for n in names])
    assert np.min(np.sqrt(np.diag(covariance)) / back) < 0.05


def test_what_has_no_jumps_is_refused_before_anything_is_solved():
    """No noise behind it, no octet, an octet with another width: the error names the potential or its argument."""

    def wilson_line(r, T):
        s = (0.1973269804 * r) ** 2
        phi = 1 + 0.21116 * np.exp(-16.7262 * s) - 1.21116 * np.exp(-3.07552 * s)
        return -0.4 / r - 0.5j * 1.53819 * phi * (T > 0)

    for potential, names in (
        (qt.CallablePotential(wilson_line, alpha=0.4, octet="coulomb"), r"`potential`.*NoJump\(\)"),
        (qt.CallablePotential(wilson_line, alpha=0.4), "`octet`"),
        (
            qt.CallablePotential(
                lambda r, T: -0.4 / r - 0.1j * T * r**2,
                alpha=0.4,
                octet=lambda r, T: 0.05 / r - 0.1j * T * r**2,
            ),
            "real octet",
        ),
    ):
        said = set()
        for method in (qt.QuantumTrajectories(n=64), qt.DensityMatrix()):
            with pytest.raises(InputError, match=names) as error:
                qt.solve(qt.LindbladModel(potential), MEDIUM, qt.GaussianState(), method)
            said.add(str(error.value).partition("is off by")[0])  # each looks as far as its grid reaches
        assert len(said) == 1
