"""Spectral functions of a local source at constant temperature, and thermal levels as their peaks.

    S(t) = <psi_0| e^{-i H_eff t} |psi_0>,     rho(omega) = (1/pi) Re Int_0^inf dt e^{i omega t} S(t)

for a real psi_0 (M. Laine, O. Philipsen, P. Romatschke and M. Tassler, arXiv:hep-ph/0611300: the Schroedinger equation
of the real-time correlator). On the mesh e^{-i H_eff t} is the exponential of a matrix H_eff = Z R Z^+, R triangular
(Schur), which is stable although H_eff is far from normal. The integral over all times is then done in closed form,

    rho(omega) = -(1/pi) Im <psi_0| (omega - H_eff)^{-1} |psi_0>,

so that no window in time widens the peaks. rho >= 0 since H_eff absorbs, and Int rho d omega = <psi_0|psi_0> = 1.

Near an isolated pole E - i Gamma/2 with complex residue,

    rho(omega) = [ A Gamma/2 + B (omega - E) ] / [ (omega - E)^2 + Gamma^2/4 ] + polynomial,

a skewed Breit-Wigner curve on a smooth background (the form used for lattice spectral functions: Y. Burnier and A.
Rothkopf, arXiv:1208.1899). A, B and the polynomial are linear, so only E and Gamma are searched for. Lower peaks of the
same channel join with free A and B.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import expm, schur
from scipy.optimize import least_squares

from .._checks import choice, float_array, instance, integer, positive, settle
from .._types import Complex, Float
from ..physics.initial import BoundState, GaussianState, InitialState, check_initial
from ..physics.model import LindbladModel
from ..radial.laguerre import LaguerreMesh
from ..solvers.projection import initial_coefficients
from ..states import State
from .hamiltonian import checked_temperatures, effective_hamiltonian
from .routes import MISSING, RouteLevels, distance, first_order, modulus

DEFAULT_MESH = LaguerreMesh(96, 0.12)  # to 44 GeV^-1: long enough for 3S near its threshold
LOCAL_WIDTH = 0.2  # width of the local source in Bohr radii: the group's start (arXiv:2107.06147)
LOCAL_SOURCE = GaussianState(l=0, width=LOCAL_WIDTH)  # nearly point-like S wave


def mesh_for(model: LindbladModel, mesh: LaguerreMesh | None) -> LaguerreMesh:
    """Return a user's mesh, checked, or `DEFAULT_MESH` scaled with the Bohr radius of the model."""
    if mesh is None:
        return DEFAULT_MESH.scaled(model.scales.length)
    instance("mesh", mesh, LaguerreMesh, "be a LaguerreMesh")
    return mesh


@dataclass(frozen=True)
class SpectralFunction:
    """Spectral function and real-time correlator of one source at one temperature.

    Parameters
    ----------
    model : LindbladModel
        The model.
    T : float
        Temperature in GeV; the medium is isotropic and at rest in time.
    source : InitialState
        A singlet; its angular momentum is the channel: l = 0 for Y, l = 1 for chi_b. `GaussianState` is nearly
        point-like, `BoundState` is an extended source that prefers one state.
    mesh : LaguerreMesh, optional
        Mesh of N points; by default `DEFAULT_MESH`, scaled with the Bohr radius.

    Raises
    ------
    InputError
        If an argument is out of range.
    """

    model: LindbladModel
    T: float
    source: InitialState = LOCAL_SOURCE
    mesh: LaguerreMesh | None = None

    def __post_init__(self) -> None:
        instance("model", self.model, LindbladModel, "be a LindbladModel")
        T = positive("T", self.T, "be a positive temperature in GeV")
        settle(self, T=float(checked_temperatures(T)[0]))
        check_initial("source", self.source)
        settle(self, mesh=mesh_for(self.model, self.mesh))
        _ = self._schur  # bad sources and temperatures are found now

    def density(self, omega: ArrayLike) -> Float:
        """Return rho(omega) in GeV^-1, shape of `omega`, energies in GeV without the masses of the quarks."""
        omega = float_array("omega", omega)
        triangle, left, right = self._schur
        solution = np.empty((len(right), omega.size), dtype=complex)
        # (omega - H)^{-1}|psi_0> by back substitution, for all energies at once
        for i in range(len(right) - 1, -1, -1):
            known = triangle[i, i + 1 :] @ solution[i + 1 :]
            solution[i] = (right[i] + known) / (omega.ravel() - triangle[i, i])
        return np.asarray(-(left @ solution).imag.reshape(omega.shape) / np.pi)

    def correlator(self, step: float, count: int) -> Complex:
        """Return S(t) at t = 0, `step`, ..., (`count` - 1) `step` in GeV^-1, shape (count,), by exact steps."""
        step = positive("step", step, "be a positive time in GeV^-1")
        count = integer("count", count, 1)
        triangle, left, right = self._schur
        # one exponential, then products: exact at every step
        propagator = expm(-1j * step * triangle)
        values = np.empty(count, dtype=complex)
        for k in range(count):
            values[k] = left @ right
            right = propagator @ right
        return values

    @cached_property
    def _schur(self) -> tuple[Complex, Complex, Complex]:
        """R (N, N), and the source in the basis Z from the left and from the right, (N,)."""
        mesh = mesh_for(self.model, self.mesh)
        start = initial_coefficients(self.source, mesh, self.model, "singlet")
        matrix = effective_hamiltonian(self.model, mesh, self.source.l, self.T)
        triangle, basis = schur(matrix, output="complex")
        return triangle, start @ basis, basis.conj().T @ start


Density = Callable[[Float], Float]
POINTS = 81  # energies in the window of a fit

# half-widths of the window in units of Gamma; the first is the result, the spread of all is the error
WINDOWS = (0.5, 0.8)
DEGREES = (2, 1)  # degrees of the background
ROUNDS = 20  # fits, each in the window of the one before, until the peak stays where it is
SETTLED = 1e-6  # change of E and Gamma, relative to Gamma, at which it stays

# between the widths of the peak and of the guess; first order misses that of excited states by 5 in a hot medium
FACTOR = 8.0
SMALLEST = 1e-9  # least height of a peak over that of rho: below, it fits rounding
LOST = 0.25  # error of E or Gamma/2 relative to Gamma above which there is no peak to speak of

# least distance from the next lower peak relative to Gamma: closer ones cannot be told apart by a fit
RESOLVED = 0.25


@dataclass(frozen=True)
class Peak:
    """One peak: E and Gamma in GeV, and a bound on the errors of E and Gamma/2 from other windows and backgrounds."""

    energy: float
    width: float
    error: float = 0.0

    @property
    def pole(self) -> complex:
        """E - i Gamma/2."""
        return self.energy - 0.5j * self.width


def fit_peak(density: Density, guess: complex, lower: Sequence[Peak] = ()) -> Peak | None:
    """Return the peak of the spectral function `density` near `guess`, E - i Gamma/2, or None if there is none.

    `lower` are lower peaks, which overlap with this one. There is none if a fit does not converge near the guess, the
    fits differ by more than a quarter of the width, or a lower peak is closer than that.
    """
    poles: list[complex] = []
    for window, degree in product(WINDOWS, DEGREES):
        if (pole := _fit(density, guess, lower, window, degree)) is None:
            return None
        poles.append(pole)
    width = -2 * poles[0].imag
    # the spread over windows and backgrounds is the error of the fit
    error = max(abs(pole - poles[0]) for pole in poles)
    gap = min((abs(poles[0].real - peak.energy) for peak in lower), default=np.inf)
    if error > LOST * width or gap < RESOLVED * width:
        return None
    return Peak(poles[0].real, width, error)


def _fit(
    density: Density,
    guess: complex,
    lower: Sequence[Peak],
    window: float = WINDOWS[0],
    degree: int = DEGREES[0],
) -> complex | None:
    """Return E - i Gamma/2 of one fit, its window moving with the peak; None if it does not converge."""

    def misfit(parameters: Float, x: Float, values: Float, *rest: Any) -> Float:
        # residuals after the linear parameters have been solved for
        design, linear = _linear(parameters, x, values, *rest)
        return np.asarray(design @ linear - values)

    expected = -2 * guess.imag
    energy, width = guess.real, expected
    if not width > 0:
        return None
    for _ in range(ROUNDS):
        start, scale = energy, width
        omega = np.linspace(start - window * scale, start + window * scale, POINTS)
        values = density(omega)
        if not np.any(values):
            return None
        others = [((peak.energy - start) / scale, peak.width / scale) for peak in lower]
        # in units of the width of the peak, and of the height of rho; no further than a width from the last place
        problem = ((omega - start) / scale, values / np.max(np.abs(values)), others, degree)
        bounds = ([-1, 0.2], [1, 5])
        result = least_squares(
            misfit, [0.0, 1.0], bounds=bounds, args=problem, xtol=1e-12, ftol=1e-14, gtol=1e-14
        )
        energy, width = start + scale * result.x[0], scale * result.x[1]
        near = abs(energy - guess.real) <= max(expected, width) and 1 / FACTOR < width / expected < FACTOR
        design, linear = _linear(result.x, *problem)
        peak = slice(degree + 1, degree + 3)
        height = np.max(np.abs(design[:, peak] @ linear[peak]))
        if not near or height < SMALLEST:
            return None
        if max(abs(result.x[0]), abs(result.x[1] - 1)) < SETTLED:
            return complex(energy, -width / 2)
    return None


def _linear(
    parameters: Float, x: Float, values: Float, others: Sequence[tuple[float, float]], degree: int
) -> tuple[Float, Float]:
    """Background, peak and lower peaks in the columns (nw, k), and their best coefficients (k,)."""
    columns = [x**k for k in range(degree + 1)]
    for energy, width in [(parameters[0], parameters[1]), *others]:
        below = (x - energy) ** 2 + width**2 / 4
        columns += [width / 2 / below, (x - energy) / below]
    design = np.array(columns).T
    # columns of very different size would lose digits
    design /= np.linalg.norm(design, axis=0)
    linear, *_ = np.linalg.lstsq(design, values, rcond=None)
    return design, np.asarray(linear, dtype=np.float64)


SOURCES = ("state", "local")

# where first order misses the peak, the highest point within this many of its widths is tried instead
SCAN, SCAN_POINTS = 3.0, 301
NARROWEST = 1e-7  # width in GeV below which a spectral function has no peak to fit but a line


def source_of(state: State, source: str) -> InitialState:
    """Return the source of a channel: the vacuum state itself (``state``) or a narrow Gaussian (``local``)."""
    if choice("source", source, SOURCES, f"be one of {', '.join(SOURCES)}") == "state":
        return BoundState(state.n, state.l)
    return GaussianState(l=state.l, width=LOCAL_WIDTH)


def peak_levels(
    model: LindbladModel,
    T: Float,
    states: tuple[State, ...],
    mesh: LaguerreMesh,
    finer: LaguerreMesh,
    source: str = "state",
    *,
    advance: Callable[[int], None] = lambda temperatures: None,
) -> RouteLevels:
    """Return energies and widths of peaks of spectral functions; arguments as for `routes.complex_levels`.

    The source is ``state``, the vacuum wave function of each state, an extended source that prefers its peak; or
    ``local``, a narrow Gaussian, whose spectral function has all peaks of the channel, the higher the weaker. The parts
    of the error are ``fit`` and ``mesh``; there are no radii. Where no peak can be told apart, NaN and ``no peak``.
    """
    shape = (len(states), len(T))
    energy = np.full(shape, MISSING)
    fit, other = np.zeros(shape, dtype=complex), np.zeros(shape, dtype=complex)
    for l in sorted({state.l for state in states}):
        # all states of one l up to the highest: lower peaks must be known
        highest = max(state.n for state in states if state.l == l)
        ladder = tuple(State(n, l) for n in range(l + 1, highest + 1))
        guesses = first_order(model, T, ladder, mesh, mesh).energy
        last: dict[State, complex] = {}
        for j, t in enumerate(T):
            lower: list[Peak] = []
            for state, guess in zip(ladder, guesses[:, j], strict=True):
                start = source_of(state, source)
                density, on_finer = (
                    SpectralFunction(model, float(t), start, m).density for m in (mesh, finer)
                )
                peak = _search(density, last.get(state), guess, lower)
                pole = None if peak is None else _fit(on_finer, peak.pole, lower)
                if peak is None or pole is None:
                    break  # a state above an unknown peak cannot be told apart either
                if state in states:
                    i = states.index(state)
                    energy[i, j] = peak.pole
                    fit[i, j], other[i, j] = modulus(peak.error), distance(peak.pole, pole)
                lower.append(peak)
                last[state] = peak.pole
            advance(1)
    remarks = np.where(np.isnan(energy), "no peak", "")
    return RouteLevels(energy, {"fit": fit, "mesh": other}, np.full(shape, np.nan), remarks=remarks)


def _search(density: Density, last: complex | None, guess: complex, lower: list[Peak]) -> Peak | None:
    """Try the peak of the last temperature, first order, and the highest point around."""
    if -2 * guess.imag < NARROWEST:
        return None
    starts = [guess] if last is None else [last, guess]
    omega = guess.real - 2 * guess.imag * np.linspace(-SCAN, SCAN, SCAN_POINTS)
    if lower:
        omega = omega[omega > lower[-1].energy + lower[-1].width]
    if len(omega):
        starts.append(complex(omega[np.argmax(density(omega))], guess.imag))
    peaks = (fit_peak(density, start, lower) for start in starts)
    return next((peak for peak in peaks if peak is not None), None)
