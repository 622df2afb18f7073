"""A potential that changes with the medium as a short sum: functions of r, times what it is at a few distances.

The generator of a step contains G(|r - r'|/2; T) for every r, r' and angle, and T changes along a history. But curves
that belong to one potential are alike: among the temperatures of a plasma a dozen of them span all others to 1e-6. So

    G(x; T) = sum_p U_p(x) G(x_p; T),       V_c(r; T) - V_c^vac(r) = sum_q W_q,c(r) [V - V^vac]_q(T),

with distances x_p, r_q chosen by a pivoted QR decomposition among the potential's curves (an interpolative
decomposition: H. Cheng, Z. Gimbutas, P. G. Martinsson and V. Rokhlin, SIAM J. Sci. Comput. 26 (2005) 1389). Functions
and distances depend on the potential alone, so that no result depends on which histories are solved together. Every
history is compared with the potential itself.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import make_interp_spline
from scipy.linalg import lstsq, qr

from .._types import Float
from ..errors import InputError
from ..physics.medium import History, medium_state
from ..physics.model import LindbladModel
from ..physics.potentials.coulomb import COLORS, Color, ThermalPotential
from ..physics.potentials.table import TabulatedPotential
from ..physics.spectrum import SpectrumFunction
from ..units import C_F

SPAN: Final = (0.1, 1.2)
"""Temperatures in GeV for which a potential is taken apart: colder than any hadron gas, hotter than any fluid of the
LHC."""

TEMPERATURES: Final = 200
"""Temperatures in it. Between them a kink in Re V, as that of a string that breaks, is off by 1e-4 of the largest
change of V."""

REACH: Final = 32.0
"""Distance in GeV^-1, for bottomonium, up to which curves are compared: beyond the usual jump ranges."""

CANDIDATES: Final = 400
"""Distances up to there, dense at the origin, from which the few are chosen."""

OMEGA: Final = (-30.0, 60.0)
"""Energies in GeV, for bottomonium, that a pair absorbs: from the highest state kept to the lowest, and so high that
nothing absorbs at `SPAN`."""

OMEGA_UNIT: Final = 0.3
"""Energy in GeV, for bottomonium, above which the energies of the table lie ever farther apart."""

NODES: Final = 1500
"""Distances at which the functions are tabulated for splines in x^(1/2)."""

TOLERANCES: Final = (1e-6, 1e-5)
"""Errors of G over its largest value at the same distance, and of Re V over its largest change. Re V only turns phases,
and a kink would take a function for every temperature."""

OF_SPECTRUM: Final = 1e-5
"""Error of S over its largest value at the same energy, below that of any answer: each function costs time."""

SPAN_OF_SPECTRUM: Final = (0.12, 0.9)
"""Temperatures in GeV for which a spectrum is taken apart, into 12 functions; those of `SPAN` take 14."""

MISMATCH: Final = (1e-4, 2e-3)
"""The same for a history: a potential that differs by more is no function of T as smooth as it should be."""


class Separable:
    """The functions and the distances for one thermal potential.

    Parameters
    ----------
    potential : ThermalPotential
        The potential. It may know no octet, which then must not be asked for.
    length : float
        Size of the pair over that of bottomonium.

    Attributes
    ----------
    colors : tuple of str
        The colors it knows.
    octet_width : bool
        Whether it gives the octet a width of its own, so that the octet does not decay by jumps that follow from G.
    terms, phases : int
        How many functions the widths and the real parts need.
    """

    def __init__(self, potential: ThermalPotential, length: float) -> None:
        self.potential = potential
        self._tables: dict[float, Any] = {}
        reach = REACH * length
        if isinstance(potential, TabulatedPotential) and potential.beyond is None:
            reach = min(reach, float(potential.r[-1]))
        low, high = getattr(potential, "T_range", SPAN)
        span = max(SPAN[0], low), min(SPAN[1], high)
        self._grid = reach * (np.arange(1, CANDIDATES + 1) / CANDIDATES) ** 2
        self.octet_width = False
        self.colors: tuple[Color, ...] = COLORS
        try:
            V = potential.medium(self._grid[-1:], "octet", *(np.array([x]) for x in (0.3, 0.0, 0.3)))
            self.octet_width = bool(np.iscomplexobj(V) and np.any(V.imag))
        except InputError as error:
            if error.argument not in ("octet", "color"):
                raise
            self.colors = COLORS[:1]
        T = _temperatures(*span)
        # a formula may end somewhere, as that of a coupling that runs
        finite = np.all([np.isfinite(values).all(axis=1) for values in self._curves(self._grid, T)], axis=0)
        self._T = T[finite]
        self.span = (span[0], span[1]) if finite.all() else (self._T.min(), self._T.max())
        width, change = self._curves(self._grid, self._T)
        self._sizes = (
            np.maximum(width.max(axis=0), np.finfo(float).tiny),
            max(float(np.abs(change).max()), np.finfo(float).tiny),
        )
        self._width_at = _skeleton(width / self._sizes[0], TOLERANCES[0])
        self._change_at = _skeleton(change, TOLERANCES[1])
        self._widths, self._changes = width[:, self._width_at], change[:, self._change_at]
        self.terms, self.phases = len(self._width_at), len(self._change_at)
        self._on_grid = _solved(self._widths, width), _solved(self._changes, change)

    def _curves(
        self, x: Float, T: Float, xi: Float | None = None, scale: Float | None = None
    ) -> tuple[Float, Float]:
        """Return the widths (nt, 1 or 2 nx), G and that of the octet, and changes of the real parts (nt, colors nx)."""
        state = (T, np.zeros_like(T) if xi is None else xi, T if scale is None else scale)
        V = [self.potential.medium(x, color, *state) for color in self.colors]
        vacuum = [self.potential.vacuum(x, color) for color in self.colors]
        widths = [np.zeros((len(T), 0))]
        if self.potential.has_width:
            widths.append(-V[0].imag / C_F)  # G, see `physics.noise.correlation`
        if self.octet_width:
            widths.append(-V[1].imag)
        changes = [a.real - b for a, b in zip(V, vacuum, strict=True)]
        return np.concatenate(widths, axis=1), np.concatenate(changes, axis=1)

    def coefficients(self, T: Float, xi: Float, hard_scale: Float) -> tuple[Float, Float]:
        """Return the widths at their distances, (nt, terms), and the real parts' changes, (nt, phases), in GeV."""
        chosen = (self._width_at, self._change_at)
        # the potential once, at the distances of either kind
        here = np.unique(np.concatenate(chosen) % CANDIDATES)
        widths, changes = (
            values[:, at // CANDIDATES * len(here) + np.searchsorted(here, at % CANDIDATES)]
            for values, at in zip(self._curves(self._grid[here], T, xi, hard_scale), chosen, strict=True)
        )
        return widths, changes

    def functions(self, x: Float) -> Float:
        """Return U_p of G at distances x in GeV^-1 of any shape, (terms, *x.shape); 0 at the origin."""
        return self._widths_of(x)[..., 0]

    def octet_functions(self, r: Float) -> Float:
        """Return those of the octet's own Gamma_o/2 at distances r (N,), (terms, N), where `octet_width`."""
        return self._widths_of(r)[..., 1]

    def _widths_of(self, x: Float) -> Float:
        values = self._tabulated(x, 0).reshape(*x.shape, self.terms, 1 + self.octet_width)
        return np.moveaxis(values, -2, 0)

    def phase_functions(self, r: Float) -> Float:
        """Return W_q of each color at distances r (N,) in GeV^-1, (phases, 2, N); 0 for an octet that is not known."""
        values = self._tabulated(r, 1).reshape(len(r), self.phases, len(self.colors))
        found = np.zeros((self.phases, len(COLORS), len(r)))
        found[:, : len(self.colors)] = np.moveaxis(values, 0, -1)
        return found

    def _tabulated(self, x: Float, block: int) -> Float:
        """Return the functions of widths or phases at distances x, those of one distance side by side.

        They are splines in x^(1/2) up to the largest x (and not further: a table of a potential may end), made once for
        each mesh. Below the first node, 1e-5 GeV^-1, they are constant.
        """
        end = float(np.max(x))
        root = np.sqrt(end) * np.arange(1, NODES + 1) / NODES
        if end not in self._tables:
            splines: list[Any] = []
            # all curves are sums of those at the chosen distances
            for skeleton, curves in zip(
                (self._widths, self._changes), self._curves(root**2, self._T), strict=True
            ):
                values = _solved(skeleton, curves).reshape(-1, NODES).T
                splines.append(make_interp_spline(root, values, k=3 if splines else 5))
            self._tables[end] = tuple(splines)
        return np.asarray(self._tables[end][block](np.maximum(np.sqrt(x), root[0])))

    def check(self, history: History) -> None:
        """Compare the sums with the potential along a history; raise `InputError` if they do not describe it."""
        times = [np.linspace(a, b, 9) for a, b in history.active]
        if not times:
            return
        T, xi, scale = medium_state(history, np.concatenate(times))
        (low, high), found = self.span, (float(T.min()), float(T.max()))
        if found[0] < low * (1 - 1e-9) or found[1] > high * (1 + 1e-9):  # T_end may be off by rounding
            allowed = (
                f"stay between {low:.4g} and {high:.4g} GeV on a mesh in a potential that changes with T"
            )
            remedy = "NoJump(grid=SineGrid(...)) takes any temperature."
            raise InputError("medium", f"T from {found[0]:.4g} to {found[1]:.4g} GeV", allowed, remedy)
        true = self._curves(self._grid, T, xi, scale)
        for amounts, functions, curves, size, limit in zip(
            self.coefficients(T, xi, scale), self._on_grid, true, self._sizes, MISMATCH, strict=True
        ):
            off = np.abs(amounts @ functions - curves) / size
            if off.max(initial=0.0) > limit:
                allowed = "change smoothly with T, xi and the hard scale"
                remedy = f"{len(functions)} functions of r describe it from {low:.3g} to {high:.3g} GeV, but not here."
                raise InputError("potential", self.potential, allowed, remedy)


class SeparableSpectrum:
    """The same for the spectrum of a model at all orders: S(omega, T)/kappa = sum_p U_p(omega) S(omega_p, T)/kappa.

    Parameters
    ----------
    spectrum : callable
        S(omega, T)/kappa.
    energy : float
        Energies of the pair over those of bottomonium.
    root : bool
        Take the square root of it apart, for jumps R sqrt(S).

    Attributes
    ----------
    terms : int
        How many functions it needs.
    """

    def __init__(self, spectrum: SpectrumFunction, energy: float, *, root: bool) -> None:
        self.spectrum, self.root = spectrum, root
        self._T = _temperatures(*SPAN_OF_SPECTRUM)
        low, high = (energy * omega for omega in OMEGA)
        unit = energy * OMEGA_UNIT
        # dense about zero, where bound states are
        self._nodes = unit * np.sinh(np.linspace(np.arcsinh(low / unit), np.arcsinh(high / unit), 2 * NODES))
        curves = self._curves(self._nodes)
        size = np.maximum(curves.max(axis=0), OF_SPECTRUM)
        every = np.linspace(0, len(self._nodes) - 1, CANDIDATES).astype(int)
        chosen = every[_skeleton((curves / size)[:, every], OF_SPECTRUM)]
        self._omega, self.terms = self._nodes[chosen], len(chosen)
        values = _solved(curves[:, chosen], curves).T
        self._unit = unit
        self._spline = make_interp_spline(np.arcsinh(self._nodes / unit), values, k=5)

    def _curves(self, omega: Float) -> Float:
        return self._values(omega[None], self._T[:, None])

    def _values(self, omega: Float, T: Float) -> Float:
        values = np.asarray(self.spectrum(*np.broadcast_arrays(omega, T)), dtype=float)
        return np.sqrt(values) if self.root else values

    def functions(self, omega: Float) -> Float:
        """Return U_p at energies omega in GeV of any shape, (terms, *omega.shape).

        Above the highest in use nothing absorbs: S falls as e^(-omega/T).
        """
        inside = np.clip(omega, self._nodes[0], self._nodes[-1])
        values = self._spline(np.arcsinh(inside / self._unit))
        return np.moveaxis(np.where((omega > self._nodes[-1])[..., None], 0.0, values), -1, 0)

    def coefficients(self, T: Float) -> Float:
        """Return what multiplies kappa at temperatures (nt,), shape (nt, powers of `LindbladModel` - 1 + terms).

        First b = S'(0)/S(0) in GeV^-1, for jumps b^2 as well, then S(omega_p)/S(0) or its roots.
        """
        low, high = SPAN_OF_SPECTRUM
        if T.size and (
            T.min() < low * (1 - 1e-9) or T.max() > high * (1 + 1e-9)
        ):  # T_end may be off by rounding
            found, allowed = (
                f"T from {T.min():.4g} to {T.max():.4g} GeV",
                f"stay between {low:g} and {high:g} GeV",
            )
            raise InputError("medium", found, f"{allowed} at all orders in E/T", "Raise T_end.")
        h = 1e-4 * T
        slope = np.asarray(self.spectrum(h, T) - self.spectrum(-h, T)) / (2 * h)
        first = [slope, slope**2] if self.root else [slope]
        return np.concatenate([np.stack(first, axis=1), self._values(self._omega[None], T[:, None])], axis=1)


def _temperatures(low: float, high: float) -> Float:
    x = np.cos(np.pi * (np.arange(TEMPERATURES) + 0.5) / TEMPERATURES)
    return np.asarray(low * (high / low) ** ((x + 1) / 2))


@lru_cache(maxsize=16)
def _separable_spectrum(spectrum: SpectrumFunction, energy: float, root: bool) -> SeparableSpectrum:
    return SeparableSpectrum(spectrum, energy, root=root)


def separable_spectrum(model: LindbladModel) -> SeparableSpectrum:
    """Return the spectrum of a model at all orders as a short sum; cached."""
    assert model.spectrum is not None
    return _separable_spectrum(model.spectrum, model.scales.energy, model.positive)


def ratios(model: LindbladModel, T: Float) -> Float:
    """Return what else than kappa multiplies matrices of the generator, over kappa, at temperatures (nt,), (nt, P)."""
    if model.spectrum is not None:
        return separable_spectrum(model).coefficients(T)
    return np.asarray(1 / T[:, None] ** np.arange(1, model.powers))


@lru_cache(maxsize=16)
def _separable(potential: ThermalPotential, length: float) -> Separable:
    return Separable(potential, length)


def separable(model: LindbladModel) -> Separable | None:
    """Return a model's thermal potential as a short sum, None if it has none; cached."""
    return None if model.thermal is None else _separable(model.thermal, model.scales.length)


def _skeleton(curves: Float, tolerance: float) -> NDArray[np.int64]:
    """Return which columns span all others to a tolerance relative to the largest."""
    if not np.any(curves):
        return np.zeros(0, dtype=np.int64)
    triangle, order = qr(curves, mode="r", pivoting=True)
    size = np.abs(np.diag(triangle))
    return np.asarray(order[: int(np.sum(size > tolerance * size[0]))])


def _solved(skeleton: Float, curves: Float) -> Float:
    """Return the coefficients that make curves (nt, n) of those of the skeleton (nt, P), shape (P, n)."""
    if not skeleton.shape[1]:
        return np.zeros((0, curves.shape[1]))
    size = np.abs(skeleton).max(axis=0)
    return np.asarray(lstsq(skeleton / size, curves)[0] / size[:, None])
