"""All orders in E/T and the positive twin: equation, conservation, limits, convergence, and others' solvers."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import qutip
from density_reference import evolved_by, unpacked
from redfield_reference import JUMPS, Pair, evolved, ways

import qtraj as qt
from qtraj.physics.spectrum import ohmic
from qtraj.solvers.basis import make_basis
from qtraj.solvers.density.kernels import density_sector
from qtraj.solvers.density.propagate import propagate_density, sequences
from qtraj.solvers.density.resolution import discretization_at, starting_levels
from qtraj.solvers.jumps.soft import jump_matrices
from qtraj.solvers.separable import separable_spectrum
from qtraj.solvers.steps import Profile, Steps, strang
from qtraj.states import STATE_NAMES

COULOMB, TRANSPORT = qt.CoulombPotential(), qt.Transport("central", -1.75)
ALL = qt.LindbladModel(COULOMB, TRANSPORT, order="all")
TWIN = qt.LindbladModel(COULOMB, TRANSPORT, order="all", positive=True)
MEDIUM = qt.Bjorken(T0=0.425, tau_fm=0.6, T_end=0.25)
START = qt.GaussianState(l=0, width=0.2)
MESH = qt.LaguerreMesh(6, 1.0)
"""Its highest states lie at 25 GeV, within the energies for which a spectrum is taken apart."""
DRUDE = qt.Spectrum(lambda w, T: ohmic(w, T) / (1 + w**2))
"""A spectrum that ends at 1 GeV."""
FAR = 1e6
COUNTS = (64, 128, 256)


def constant_steps(model, duration, kappa, gamma, T, count):
    """Return `count` equal steps of a medium with constant coefficients in GeV^3."""
    dt = duration / count
    each = np.array([kappa * dt])
    if model.spectrum is not None:
        ratios = separable_spectrum(model).coefficients(np.array([T]))[0]
        each = kappa * dt * np.concatenate([[1.0], ratios])
    elif model.order == "NLO":
        each = kappa * dt / T ** np.arange(3)
    vacuum, before = np.full(count + 1, dt), np.full(count + 1, dt / 2)
    vacuum[[0, -1]] /= 2
    before[0] = 0
    soft = np.repeat(each[None], count + 1, axis=0)
    soft[[0, -1]] /= 2
    if model.is_local:
        soft, before = np.zeros((count + 1, 0)), np.zeros(count + 1)
    return Steps(
        vacuum, np.repeat(each[None, None], count, axis=0), np.full((count, 1, 1), gamma * dt), soft, before
    )


def extrapolated(run):
    """Return what a second-order run finds, its errors in h^2, h^4 ... removed by Romberg's scheme."""
    rows = [run(count) for count in COUNTS]
    for order in range(1, len(rows)):
        rows = [(4**order * fine - coarse) / (4**order - 1) for coarse, fine in pairwise(rows)]
    return rows[0]


def ours(model, blocks, duration, kappa, gamma, T, mesh=MESH):
    """Return rho at the mesh points, (2, M, N, N), of the kernel with all states of a mesh."""
    basis = make_basis(model, mesh, blocks.shape[1] - 1, mesh.points)
    V = basis.vectors
    back = V.swapaxes(-1, -2)
    sector = density_sector(model, basis, FAR)
    return extrapolated(
        lambda count: (
            V
            @ evolved_by(*sector, back @ blocks @ V, constant_steps(model, duration, kappa, gamma, T, count))[
                0
            ]
            @ back
        )
    )


def start_blocks(l, singlet, l_max, mesh=MESH):
    u = mesh.coefficients(qt.GaussianState(l, width=1.5).u(mesh.r, ALL))
    blocks = np.zeros((2, l_max + 1, mesh.points, mesh.points))
    blocks[:, l] = np.outer(u, u) / (u @ u)
    return blocks * np.array([singlet, 1 - singlet])[:, None, None, None]


@pytest.mark.parametrize(("l_max", "l", "singlet"), [(1, 0, 1.0), (2, 1, 0.3)])
def test_whole_density_matrix_equals_an_integration_of_the_redfield_equation(l_max, l, singlet):
    T, duration = 0.3, 1.0
    kappa, gamma = (float(x) for x in TRANSPORT.at(T))
    blocks = start_blocks(l, singlet, l_max)
    theirs = evolved(
        Pair(MESH, l_max, ALL).redfield,
        blocks,
        (0, duration),
        lambda t: (kappa, gamma, lambda w: ohmic(w, T)),
    )
    found = ours(ALL, blocks, duration, kappa, gamma, T)
    # S is a sum of functions of omega to 1e-5 of its largest value, which acts with kappa r^2 t of order one
    assert found == pytest.approx(theirs, abs=1e-6)
    assert np.abs(theirs - blocks).max() > 0.05


@pytest.mark.parametrize(
    ("l_max", "l", "singlet"), [(1, 0, 1.0), pytest.param(1, 1, 0.3, marks=pytest.mark.slow)]
)
def test_whole_density_matrix_of_the_twin_equals_qutip(l_max, l, singlet):
    T, duration = 0.3, 1.0
    kappa, gamma = (float(x) for x in TRANSPORT.at(T))
    pair, blocks, N = Pair(MESH, l_max, TWIN), start_blocks(l, singlet, l_max), MESH.points
    sink = 2 * (l_max + 1) * N

    def sector(color, l):
        first = (color * (l_max + 1) + l) * N if l <= l_max else sink
        return slice(first, first + N)

    def embedded(entries):
        matrix = np.zeros((sink + N, sink + N), complex)
        for where, block in entries:
            matrix[where] += block
        return qutip.Qobj(matrix)

    every = [(c, l) for c in range(2) for l in range(l_max + 1)]
    H = embedded(((sector(*s), sector(*s)), pair.hamiltonian(*s, gamma)) for s in every)
    jumps = [
        embedded(
            [
                (
                    (sector(target, end), sector(source, l)),
                    np.sqrt(kappa * weight * share)
                    * pair.elementwise((source, l), (target, end), lambda w: np.sqrt(ohmic(w, T))),
                )
            ]
        )
        for source, target, weight in JUMPS
        for l in range(l_max + 1)
        for end, share in ways(l)
    ]
    rho = embedded(((sector(*s), sector(*s)), blocks[s]) for s in every)
    options = {"method": "vern9", "atol": 1e-12, "rtol": 1e-11, "nsteps": 100_000, "progress_bar": ""}
    theirs = qutip.mesolve(H, rho, [0, duration], jumps, options=options).states[-1].full()
    theirs = np.array([[theirs[sector(c, l), sector(c, l)] for l in range(l_max + 1)] for c in range(2)])
    assert ours(TWIN, blocks, duration, kappa, gamma, T) == pytest.approx(theirs, abs=1e-6)
    assert np.linalg.eigvalsh(theirs).min() > -1e-10


class Closed(qt.JumpChannel):
    """A channel within one color that knows l = 0 and 1 only."""

    def angular_weight(self, l):
        return 0.0 if self.delta_l > 0 and l > 0 else super().angular_weight(l)


def test_one_color_in_three_dimensions_is_that_of_qutip_brmesolve():
    """Octet to octet, l <= 1, coupled through x, y and z; without the secular approximation, gamma = 0."""
    T, duration, kappa, N = 0.3, 1.0, 0.05, MESH.points
    model = qt.LindbladModel(COULOMB, TRANSPORT, order="all")
    within = [c.source == c.target for c in model.channels]
    closed = [
        Closed(c.source, c.target, c.delta_l, float(same), c.recoil, c.shift)
        for c, same in zip(model.channels, within, strict=True)
    ]
    object.__setattr__(model, "channels", tuple(closed))
    blocks = start_blocks(0, 0.0, 1)
    found = ours(model, blocks, duration, kappa, 0.0, T)
    h = [MESH.hamiltonian(COULOMB.vacuum(MESH.r, "octet"), l, model.mass) for l in (0, 1, 1, 1)]
    H = np.zeros((4 * N, 4 * N))
    for i, block in enumerate(h):
        H[i * N : (i + 1) * N, i * N : (i + 1) * N] = block
    couplings = []
    for i in (1, 2, 3):  # <00| x_i |1 j> = r delta_ij/sqrt(3) in real spherical harmonics
        x = np.zeros((4 * N, 4 * N))
        x[:N, i * N : (i + 1) * N] = np.diag(MESH.r) / np.sqrt(3)
        # QuTiP counts energy that the system emits
        couplings.append([qutip.Qobj(x + x.T), lambda w: kappa * float(ohmic(-w, T))])
    rho = np.zeros((4 * N, 4 * N), complex)
    rho[:N, :N] = blocks[1, 0]
    options = {"method": "vern9", "atol": 1e-12, "rtol": 1e-11, "nsteps": 100_000, "progress_bar": ""}
    solved = qutip.brmesolve(
        qutip.Qobj(H), qutip.Qobj(rho), [0, duration], couplings, sec_cutoff=-1, options=options
    )
    theirs = solved.states[-1].full()
    S = theirs[:N, :N]
    P = sum(theirs[i * N : (i + 1) * N, i * N : (i + 1) * N] for i in (1, 2, 3))
    assert found[1] == pytest.approx(np.array([S, P]), abs=1e-6)
    assert np.trace(P).real > 0.02


@pytest.mark.parametrize("positive", [False, True])
def test_a_spectrum_without_omega_is_leading_order(positive):
    flat = qt.Spectrum(lambda w, T: np.ones(np.broadcast(w, T).shape), check=False)
    model = qt.LindbladModel(COULOMB, TRANSPORT, order="all", spectrum=flat, positive=positive)
    blocks, leading = start_blocks(0, 0.6, 2), qt.LindbladModel(COULOMB, TRANSPORT)
    found, expected = (ours(m, blocks, 1.0, 0.05, -0.1, 0.3) for m in (model, leading))
    assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("positive", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_the_expansion_of_all_orders_begins_with_leading_and_next_to_leading_order(positive):
    """With S(eps omega) what is left of LO falls as eps, and of NLO, element by element at T/eps, as eps^2.

    The twin has the jumps of next-to-leading order, and not its friction.
    """
    blocks, T, rest = start_blocks(0, 0.6, 1), 0.4, {"LO": [], "NLO": []}
    for eps in (0.02, 0.01):
        slow = qt.Spectrum(lambda w, T, eps=eps: ohmic(eps * w, T), check=False)
        model = qt.LindbladModel(COULOMB, TRANSPORT, order="all", spectrum=slow, positive=positive)
        found, pair = ours(model, blocks, 1.0, 0.05, -0.1, T), Pair(MESH, 1, model)
        orders = {
            "LO": (np.ones_like, 0.0),
            "NLO": (lambda w, eps=eps: 1 - eps * w / (4 * T), 0.0 if positive else eps / (8 * T)),
        }
        for order, (amplitude, friction) in orders.items():
            arguments = (0.05, -0.1, amplitude, friction)
            expansion = evolved(pair.lindblad, blocks, (0, 1.0), lambda t, arguments=arguments: arguments)
            rest[order].append(np.abs(found - expansion).max())
    assert rest["LO"][0] / rest["LO"][1] == pytest.approx(2, rel=0.05)
    assert rest["NLO"][0] / rest["NLO"][1] == pytest.approx(4, rel=0.2)
    assert rest["NLO"][1] < 0.01 * rest["LO"][1]


POTENTIALS = [COULOMB, qt.CornellPotential()]


@pytest.mark.parametrize("potential", POTENTIALS, ids=["Coulomb", "Cornell with string breaking"])
def test_next_to_leading_order_in_any_potential_is_elementwise(potential):
    """C_mn = r_mn (1 - omega_mn/(4T)), and a friction of (1/(8T)) {r, i [H, r]} per channel, for low states."""
    T, mesh, low = 0.3, qt.LaguerreMesh(96, 0.1), 6
    model = qt.LindbladModel(potential, order="NLO")
    pair = Pair(mesh, 2, model)
    for channel in model.channels:
        colors = [("singlet", "octet").index(c) for c in (channel.source, channel.target)]
        for l in (1, 2) if channel.delta_l < 0 else (0, 1):
            target = (colors[1], l + channel.delta_l)
            V, W = (pair.states[c][k][1][:, :low] for c, k in ((colors[0], l), target))
            R, S = jump_matrices(model, channel, mesh, l, FAR)
            expected = np.sqrt(channel.rate(l)) * pair.elementwise(
                (colors[0], l), target, lambda w: 1 - w / (4 * T)
            )
            # the kink where the string breaks lies between two points of the mesh: 1e-4 of the largest element
            size = np.abs(W.T @ expected @ V).max()
            found, theirs = (W.T @ C @ V for C in (R + S / T, expected))
            assert found == pytest.approx(theirs, abs=1e-3 * size)
    for color, width in enumerate(model.widths):
        h, V = pair.h[color][0], pair.states[color][0][1][:, :low]
        drag = mesh.r[:, None] * mesh.derivative
        # (1/8) i [h, r^2] per unit of the width, on the left of H: -i of it is real
        expected = (h * mesh.r**2 - (mesh.r**2)[:, None] * h) / 8
        friction = model.friction * (drag - drag.T)
        found, theirs = (V.T @ x @ V for x in (friction, -expected))
        assert width > 0
        assert found == pytest.approx(theirs, abs=1e-3 * np.abs(theirs).max())


@pytest.mark.parametrize("positive", [False, True])
def test_a_history_equals_an_integration_of_the_equation(positive):
    """The whole machinery, profile, steps and batches, while T falls; Richardson takes the error of the steps."""
    model = TWIN if positive else ALL
    medium = qt.Bjorken(T0=0.45, tau_fm=0.3, T_end=0.38)
    (start, end), basis = medium.active[0], make_basis(model, MESH, 1, MESH.points)
    seen, initial = [], qt.GaussianState(l=0, width=1.5)
    profile, runs = Profile(model, medium), []
    for halvings in (3, 4, 5):
        plan = sequences(profile, [], strang, 0.3, halvings=halvings)
        propagate_density(
            basis, model, initial, [plan], jump_range=FAR, callback=lambda X, lost: seen.append((X, lost))
        )
        rho = unpacked([x[:, None] for x in seen[-1][0]])
        assert np.trace(rho, axis1=-2, axis2=-1).real.sum() + seen[-1][1] == pytest.approx(1, abs=1e-12)
        runs.append(rho)
    runs = [(4 * fine - coarse) / 3 for coarse, fine in pairwise(runs)]
    found = (16 * runs[1] - runs[0]) / 15
    V = basis.vectors
    blocks = V @ unpacked([x[:, None] for x in seen[0][0]]) @ V.swapaxes(-1, -2)
    pair = Pair(MESH, 1, model)

    def at(t):
        T = float(medium.temperature(np.array([t]))[0])
        return *(float(x) for x in TRANSPORT.at(T)), lambda w: ohmic(w, T) ** (0.5 if positive else 1)

    equation = pair.lindblad if positive else pair.redfield

    alone = [
        V[c, l] @ np.diag(np.exp(-1j * basis.energies[c, l] * start)) @ V[c, l].T
        for c in range(2)
        for l in range(2)
    ]
    U = np.array(alone).reshape(2, 2, *alone[0].shape)
    theirs = evolved(equation, U @ blocks @ U.conj().swapaxes(-1, -2), (start, end), at)
    assert V @ found @ V.swapaxes(-1, -2) == pytest.approx(theirs, abs=3e-6)


def assert_baseline(model, expected, method, measured, medium=MEDIUM):
    """Check survivals, trace and smallest eigenvalue of the baseline; return the result."""
    result = qt.solve(model, medium, START, method)
    assert result.diagnostics["trace"] + result.diagnostics["lost"].sum() == pytest.approx(1, abs=1e-12)
    # a master equation of Redfield's kind is positive up to what its Markov approximation leaves
    assert result.diagnostics["smallest_eigenvalue"] > (-1e-6 if model.positive else -1e-5)
    for name, value, rel in zip(("1S", "2S", "3S"), expected, (2e-4, 2e-3, 7e-3), strict=True):
        found, allowed = result.survival[name].value, max(rel * value, 6e-5)  # to four digits
        assert found == pytest.approx(value, abs=allowed)
        measured(f"survival {name}, {model.equation}", found, value, allowed)
    return result


@pytest.mark.slow
def test_numbers_of_the_baseline_down_to_190_MeV(measured):
    """To the digits of the documentation."""
    method = qt.DensityMatrix(1e-3, error_budget=False, diagnostics=True, step=0.2)
    for model, expected in ((ALL, (0.5714, 0.0081, 0.0046)), (TWIN, (0.5895, 0.0084, 0.0047))):
        assert_baseline(model, expected, method, measured, qt.Bjorken(0.425, 0.6, 0.19))


@pytest.mark.slow
def test_numbers_of_a_spectrum_that_ends_at_1_GeV(measured):
    model = qt.LindbladModel(COULOMB, TRANSPORT, order="all", spectrum=DRUDE)
    method = qt.DensityMatrix(1e-3, error_budget=False, diagnostics=True, step=0.15)
    assert_baseline(model, (0.6465, 0.0535, 0.0353), method, measured)


def test_numbers_of_the_baseline(measured):
    """Those of an independent prototype, good to 1e-4 (1S), 1e-3 (2S) and 5e-3 (3S)."""
    method = qt.DensityMatrix(1e-3, error_budget=False, diagnostics=True, step=0.15)
    table = {ALL: (0.6140, 0.0521, 0.0347), TWIN: (0.6314, 0.0542, 0.0365)}
    results = {model: assert_baseline(model, expected, method, measured) for model, expected in table.items()}
    # the distance of both equations, of the same discretization but for the part without jumps
    difference = results[ALL].diagnostics["twin_difference"]
    both = np.array([[results[m].overlap[name].value for name in STATE_NAMES] for m in (ALL, TWIN)])
    assert difference == pytest.approx(both[1] - both[0], rel=5e-3, abs=1e-9)
    assert difference[0] / both[0, 0] == pytest.approx(0.028, abs=1e-3)
    assert "twin_difference" not in results[TWIN].diagnostics
    assert "its positive twin finds 1S +2.8 %, 2S +4.2 %, 3S +5.4 %" in str(results[ALL])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("equation", "transport", "T_end", "rtol", "expected"),
    [
        ({}, TRANSPORT, 0.25, 1e-3, (-2.7e-5, -6.5e-6, -4.7e-6, -4.7e-6)),
        ({}, TRANSPORT, 0.19, 1e-3, (-3.0e-5, -5.2e-6, -2.2e-6, -2.0e-6)),
        ({"spectrum": DRUDE}, TRANSPORT, 0.25, 3e-4, (-3.6e-5, -9.8e-6, -9.0e-6, -9.0e-6)),
        ({"spectrum": DRUDE}, TRANSPORT, 0.19, 1e-3, (-3.5e-5, -6.4e-6, -2.9e-6, -2.6e-6)),
        ({}, qt.Transport(4.0, 0.0), 0.25, 1e-3, (-1.4e-5, -3.7e-6, -1.7e-6, -1.5e-6)),
        ({}, qt.Transport("lower", 0.0), 0.25, 1e-3, (-2.6e-5, -4.8e-6, -2.6e-6, -2.5e-6)),
        ({"positive": True}, TRANSPORT, 0.25, 1e-3, (-4.6e-6, -1.24e-7, 0.0, 0.0)),
    ],
)
def test_the_smallest_eigenvalue(equation, transport, T_end, rtol, expected):
    """The table of the documentation: with rtol = 1e-2, as documented, and with steps half as long and a quarter."""
    model, medium = (
        qt.LindbladModel(COULOMB, transport, order="all", **equation),
        qt.Bjorken(0.425, 0.6, T_end),
    )
    profile = Profile(model, medium)

    def at(rtol):
        return discretization_at(starting_levels(rtol, profile, 0), model, 0)

    def smallest(d, halvings):
        plans = [sequences(profile, [], strang, d.step, halvings=halvings)]
        cuts = {"jump_range": d.jump_range, "filter_energy": d.filter_energy}
        run = propagate_density(d.basis(model), model, START, plans, **cuts, diagnostics=True)
        return run.smallest_eigenvalue[0]

    found = [smallest(at(1e-2), 0), *(smallest(at(rtol), halvings) for halvings in range(3))]
    assert found == pytest.approx(expected, rel=0.03, abs=1e-10)
    assert min(found[1:]) > -1e-5
    # it is that of the equation: more states kept, a faster start and one more l change nothing
    if equation.get("spectrum") and T_end == 0.25:
        more = replace(at(rtol).higher(model), cut=1.7 * at(rtol).cut)
        assert smallest(more, 2) == pytest.approx(-8.99e-6, rel=2e-3)


def real_exponential(w, T):
    """S of a real correlator that falls as exp(-|t|/tau), tau = 1 GeV^-1."""
    return 1 / (1 + w**2) + 0 * T


def test_a_spectrum_without_detailed_balance_is_refused_unless_forced():
    with pytest.raises(qt.InputError, match=r"off by 1 of itself at omega = .* GeV.*check=False"):
        qt.LindbladModel(order="all", spectrum=real_exponential)
    forced = qt.Spectrum(real_exponential, check=False)
    assert qt.LindbladModel(order="all", spectrum=forced).spectrum is forced
    with pytest.raises(qt.InputError, match="nowhere negative"):
        qt.Spectrum(lambda w, T: 1 - w / (2 * T), check=False)
    with pytest.raises(qt.InputError, match="1 at omega = 0"):
        qt.Spectrum(lambda w, T: 2 * ohmic(w, T))


def test_arguments_that_belong_to_all_orders():
    for order in ("LO", "NLO"):
        for wrong in ({"spectrum": ohmic}, {"positive": True}):
            with pytest.raises(qt.InputError, match="order='all' takes it"):
                qt.LindbladModel(order=order, **wrong)
    with pytest.raises(qt.InputError, match="positive=True"):
        qt.solve(ALL, MEDIUM, START, qt.QuantumTrajectories(n=2))
    with pytest.raises(qt.InputError, match=r"between 0\.12 and 0\.9 GeV"):
        qt.solve(ALL, qt.Bjorken(T0=1.1, tau_fm=0.6, T_end=0.3), START, qt.NoJump())
