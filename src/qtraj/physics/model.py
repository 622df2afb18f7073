"""The Lindblad equation of heavy quarkonium: Hamiltonian, widths and the one list of jump channels for every method.

    d rho/dt = -i [H, rho] + sum_n ( C_n rho C_n^+ - 1/2 {C_n^+ C_n, rho} ),   Gamma = sum_n C_n^+ C_n

For an isotropic medium rho is block diagonal in color and l; `channels` has the jumps between the blocks. At leading
order in E/T (arXiv:1711.04515, arXiv:2107.06147 eqs. (2.2)-(2.9)) a jump is a multiplication by r; at next-to-leading
order (arXiv:2205.10289) it knows the pair's momentum and binding, and the Hamiltonian gains a friction term,

    H = diag(h_s, h_o) + g_c [ gamma r^2/2 + (kappa/(4 M T)) {r_i, p_i} ],   g_c = (1, 7/16).

At all orders in E/T (arXiv:1612.07248, arXiv:1711.04515 before the expansion) it is a master equation of Redfield's
kind, not of Lindblad's: see `physics.spectrum`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Literal, NamedTuple, get_args

import numpy as np

from .._checks import boolean, choice, instance, number, settle
from .._types import Float
from ..errors import InputError, warn_user
from ..radial.bound import bound_states
from ..radial.laguerre import LaguerreMesh
from ..units import N_C
from .channels import JumpChannel, WaveChannel, leading_order_channels, recoiling_channels, wave_channels
from .potentials.coulomb import (
    COLORS,
    Color,
    CoulombPotential,
    Potential,
    ThermalPotential,
    thermal_potential,
)
from .spectrum import Spectrum, SpectrumFunction, check_spectrum, ohmic
from .transport import Transport

OCTET_WIDTH = (N_C**2 - 2) / (2 * (N_C**2 - 1))
"""Gamma_o/Gamma_s = 7/16 at leading order, and the ratio of the octet's gamma term to the singlet's."""

BOTTOM_MASS = 4.73
BOTTOM_RADIUS = 2 / (BOTTOM_MASS * CoulombPotential.alpha)
"""Quark mass in GeV and Bohr radius in GeV^-1 of the bottomonium of the group, for which meshes, ranges, steps and
energy cuts were measured."""

AS_BOTTOM = 1.25
"""Factor in length, and its square in energy, within which a pair is resolved as bottomonium: the margins hold other
fits of M and alpha, too. Beyond it everything scales, and a scaled medium gives the same numbers."""

SEEN_AT: Final = (1.0, 2.5, 6.0)
"""Distances in GeV^-1, for bottomonium, at which `LindbladModel.seen` asks a thermal potential: the sizes of 1S, 2S and
3S. With HTL on the shipped Pb-Pb runs two or five of them leave the same error of emulated survival."""

Order = Literal["LO", "NLO", "all"]
ORDERS: Final[dict[Order, str]] = {
    "LO": "leading order",
    "NLO": "next-to-leading order",
    "all": "all orders",
}
"""Orders in energy over temperature, in words."""
RECOIL: Final[dict[Order, bool]] = {"LO": False, "NLO": True, "all": True}
"""Whether jumps at an order know the energy of the pair: they are then no functions of r, and need a mesh."""
EXPANDED: Final[dict[Order, bool]] = {"LO": True, "NLO": True, "all": False}
"""Whether an order is an expansion in E/T, and a Lindblad equation: without it there is the spectrum, and its twin."""
SHIFT: Final[dict[Order, float]] = {"LO": 0.0, "NLO": -0.25, "all": 0.5}
"""What multiplies (V_target - V_source) r in a jump, beside 1/T at NLO and S'(0)/S(0) at all orders, where
C = r S(omega)/S(0) to first order in omega is half of it from either side; S'(0)/S(0) = -1/(2T) makes both the same."""

NO_DIPOLE = Transport(kappa=0.0, gamma=0.0)
"""No dipole terms: the coefficients of a model whose potential has a width of its own."""


def quark_of(mass: float) -> str | None:
    """Return ``bottom`` or ``charm``, whose quarkonia a heavy-quark mass in GeV belongs to, or None."""
    ranges = {"charm": (1.0, 2.1), "bottom": (3.8, 5.6)}
    return next((quark for quark, (low, high) in ranges.items() if low <= mass <= high), None)


class Scales(NamedTuple):
    """Size a and energy 1/(M a^2) of a pair over those of bottomonium; a is a Coulomb potential's Bohr radius."""

    length: float
    energy: float


@dataclass(frozen=True)
class LindbladModel:
    """Potential, transport coefficients and mass: everything in the Lindblad equation but the medium.

    Parameters
    ----------
    potential : Potential
        Interaction of the pair, for example ``CoulombPotential()``.
    transport : Transport, optional
        kappa_hat(T) and gamma_hat of the dipole terms; by default ``Transport()``. A potential with a width of its own
        (complex in the medium) has no dipole terms: then leave it out, and it is ``NO_DIPOLE``, kappa = gamma = 0.
    mass : float
        Heavy-quark mass M_Q in GeV (the reduced mass is M_Q/2; one that looks like it is warned of).
    order : {"LO", "NLO", "all"}
        Order in E/T, that is in the energy that a jump exchanges with the medium, over its temperature. "all" is a
        master equation, not a Lindblad equation: `DensityMatrix` solves it, and rho may have eigenvalues slightly below
        zero.
    spectrum : callable, optional
        At all orders the shape S(omega, T)/kappa of the spectrum of the chromoelectric field, omega the energy in GeV
        that the pair absorbs: a function of arrays, 1 at omega = 0, not negative, and with S(omega) = e^(-omega/T)
        S(-omega). By default x/(e^x - 1) with x = omega/T, see `physics.spectrum.ohmic`. ``Spectrum(function,
        check=False)`` takes one without that balance.
    positive : bool
        At all orders solve the completely positive twin of that equation instead, a Lindblad equation with the jumps
        R sqrt(S), which `QuantumTrajectories` can sample, too. Where both differ is what neither knows.

    Attributes
    ----------
    channels : tuple of JumpChannel
        All jumps; sum_channels kappa rate(l) C^+C is the width of each color. None for a potential with a width of its
        own, whose jumps are the `wave_channels`.

    Raises
    ------
    InputError
        If an argument is out of range, both a potential with a width of its own and dipole terms are given, a
        spectrum is given at another order or breaks detailed balance, or the order is not LO for a potential that
        changes with the medium or has no octet.
    """

    potential: Potential = field(default_factory=CoulombPotential)
    transport: Transport = None  # type: ignore[assignment]  # depends on the potential: see __post_init__
    mass: float = BOTTOM_MASS
    order: Order = "LO"
    spectrum: SpectrumFunction | None = None
    positive: bool = False
    channels: tuple[JumpChannel, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # a class has the attributes of its instances
        if isinstance(self.potential, type) or not isinstance(self.potential, Potential):
            raise InputError("potential", self.potential, "be a potential such as CoulombPotential()")
        # a complex potential describes the decay itself; dipole terms would count it twice
        default = NO_DIPOLE if self.has_width else Transport()
        transport: Any = default if self.transport is None else self.transport
        instance("transport", transport, Transport, "be a Transport(kappa=..., gamma=...)")
        if self.has_width and (transport.kappa, transport.gamma, transport.gamma_vacuum) != (0.0, 0.0, 0.0):
            allowed = f"be left out with {type(self.potential).__name__}, which has a width of its own"
            raise InputError("transport", transport, allowed, "Dipole terms would count the decay twice.")
        if transport.gamma_vacuum and getattr(self.potential, "gamma_vacuum", 0.0):
            allowed = f"have gamma_vacuum = 0 with {type(self.potential).__name__}, which has gamma(0) itself"
            raise InputError("transport", transport, allowed, "It would count twice.")
        allowed = "be the heavy-quark mass in GeV, 0.5 to 10"
        settle(
            self,
            transport=transport,
            mass=number("mass", self.mass, allowed, low=0.5, high=10),
            order=choice("order", self.order, get_args(Order)),
        )
        # half a mass in use, to half a percent: the group's and that of KSU; arXiv:2007.10211
        in_use = {"bottom": (BOTTOM_MASS, 4.70), "charm": (1.5, 1.3)}
        halved = (
            q for q, masses in in_use.items() if any(abs(2 * self.mass / M - 1) < 0.005 for M in masses)
        )
        if (quark := next(halved, None)) is not None:
            warn_user(
                f"`mass` = {self.mass:g} GeV looks like the reduced mass of a pair of {quark} quarks. It is that of "
                f"the heavy quark, M_Q, twice as large: give mass={2 * self.mass:g}. (m of QTraj 1.0 is M_Q/2.)",
                UserWarning,
            )
        channels = () if self.has_width else leading_order_channels()
        if RECOIL[self.order]:
            if self.thermal is not None:
                allowed = f"be 'LO' for {type(self.potential).__name__}, which changes with the medium"
                why = "Beyond leading order a jump knows the energies of the vacuum."
                raise InputError("order", self.order, allowed, why)
            self.potential.vacuum(np.ones(1), "octet")  # of which one that has no octet says so
            channels = recoiling_channels(self.mass, SHIFT[self.order])
        if self.order == "all":
            spectrum = ohmic if self.spectrum is None else self.spectrum
            if not isinstance(spectrum, Spectrum):  # which has been checked
                check_spectrum(spectrum)
            settle(self, spectrum=spectrum)
        elif self.spectrum is not None:
            allowed = f"be left out at order {self.order!r}, which knows the spectrum at omega = 0 only"
            raise InputError("spectrum", self.spectrum, allowed, "order='all' takes it.")
        settle(self, positive=boolean("positive", self.positive))
        if self.positive and self.order != "all":
            allowed = f"be left out at order {self.order!r}, whose equation is a Lindblad equation already"
            raise InputError("positive", self.positive, allowed, "order='all' takes it.")
        settle(self, channels=channels)

    @cached_property
    def thermal(self) -> ThermalPotential | None:
        """The potential if it changes with the medium, else None."""
        return thermal_potential(self.potential)

    @cached_property
    def has_width(self) -> bool:
        """Whether the potential is complex in the medium: decay without jumps, for `NoJump` only."""
        return self.thermal is not None and self.thermal.has_width

    @property
    def wave_channels(self) -> tuple[WaveChannel, ...]:
        """All jumps of a potential with a width of its own; none otherwise."""
        return wave_channels() if self.has_width else ()

    @property
    def quantities(self) -> int:
        """How many functions of T say all of the medium that survival is learned from: kappa/T^p, gamma, `seen`."""
        seen = 0 if self.thermal is None else (1 + self.has_width) * len(SEEN_AT)
        return 1 + self.powers + seen

    def seen(self, T: Float) -> Float:
        """Return what a thermal potential does to a singlet in an isotropic medium at temperatures T (nt,) in GeV.

        Shape (nt, q) in GeV: the change of Re V at the distances of `SEEN_AT`, and Gamma/2 there if it has a width.
        """
        assert self.thermal is not None
        r = self.scales.length * np.array(SEEN_AT)
        V = self.thermal.medium(r, "singlet", T, np.zeros_like(T), T)
        change = V.real - self.thermal.vacuum(r, "singlet")
        return np.concatenate([change, -V.imag], axis=1) if self.has_width else change

    @property
    def is_local(self) -> bool:
        """Whether every jump multiplies by a function of r, so that the generator has no soft part.

        At next-to-leading order jumps contain d/dr, too.
        """
        return all(channel.recoil == 0 for channel in self.channels)

    @property
    def is_lindblad(self) -> bool:
        """Whether the equation keeps every rho positive, so that trajectories can sample it."""
        return self.spectrum is None or self.positive

    @property
    def equation(self) -> str:
        """The order in E/T, and whether it is the positive twin, as ``all, positive``."""
        return f"{self.order}, positive" if self.positive else self.order

    @property
    def powers(self) -> int:
        """How many functions of T make the local part of the generator: kappa alone for jumps that are multiples of r.

        Others f = r + a/T, or r + a S'(0)/S(0), enter by their products, with the powers 0, 1 and 2. The master
        equation at all orders is linear in S, and has the first two.
        """
        if all(channel.recoil == channel.shift == 0 for channel in self.channels):
            return 1
        return 3 if self.spectrum is None or self.positive else 2

    def change(self, channel: JumpChannel, r: Float) -> Float:
        """Return (V_target - V_source) r times the shift of a channel, at distances r in GeV^-1; the shape of r."""
        if channel.shift == 0:
            return np.zeros_like(r)
        target, source = (self.potential.vacuum(r, color) for color in (channel.target, channel.source))
        return np.asarray(channel.shift * (target - source) * r)

    @property
    def bohr_radius(self) -> float:
        """Return a0 = 2/(M alpha) in GeV^-1."""
        return 2 / (self.mass * self.potential.alpha)

    @cached_property
    def scales(self) -> Scales:
        """How much larger and slower the pair is than bottomonium, which meshes, ranges, steps and cuts follow.

        A potential with a string, say, binds a 1S that is smaller than the Coulomb one: its own size counts then.
        """
        length = self.bohr_radius / BOTTOM_RADIUS
        if not isinstance(self.potential, CoulombPotential):
            mesh = LaguerreMesh(64, 0.12 * length)
            values = self.potential.vacuum(mesh.r, "singlet")
            (ground,) = bound_states(mesh, values, 0, self.mass, 1)[1]
            radius = np.sqrt(ground**2 @ mesh.r**2 / 3)  # <r^2> = 3 a0^2 of the Coulomb 1S
            length = min(length, float(radius) / BOTTOM_RADIUS)
        energy = BOTTOM_MASS / (self.mass * length**2)
        if 1 / AS_BOTTOM < length < AS_BOTTOM and 1 / AS_BOTTOM**2 < energy < AS_BOTTOM**2:
            return Scales(1.0, 1.0)
        return Scales(length, energy)

    @property
    def color_matrix(self) -> Float:
        """B[c', c], the jump rate from color c to c' in units of kappa r^2, order (singlet, octet)."""
        matrix = np.zeros((2, 2))
        for channel in self.channels:
            if channel.delta_l > 0:  # both directions carry the same color weight
                matrix[COLORS.index(channel.target), COLORS.index(channel.source)] += channel.color_weight
        return matrix

    @property
    def friction(self) -> float:
        """Coefficient of kappa g_c {r_i, p_i}/T in H, in GeV^-1: 1/(4 M) at NLO, else 0."""
        return 1 / (4 * self.mass) if self.order == "NLO" else 0.0

    @property
    def widths(self) -> Float:
        """g_c = Gamma_c/(kappa r^2) at LO, (1, 7/16); color factor of the gamma term and of the friction, too."""
        return np.array([1.0, OCTET_WIDTH])


@dataclass(frozen=True)
class WidthTerms:
    """Gamma_c/kappa as r_squared r^2 + linear r + constant + inverse/r + p_squared p^2 (arXiv:2205.10289).

    Parameters
    ----------
    r_squared : float
        Coefficient of r^2, dimensionless.
    linear : float
        Coefficient of r in GeV^-1.
    constant : float
        In GeV^-2.
    inverse : float
        Coefficient of 1/r in GeV^-3.
    p_squared : float
        Coefficient of p^2, all of it, in GeV^-4.
    """

    r_squared: float
    linear: float
    constant: float
    inverse: float
    p_squared: float


def width_terms(model: LindbladModel, color: Color, T: float) -> WidthTerms:
    """Return the width of a color in units of kappa, in closed form, for grids without dense matrices and for tests.

    With p^2 = p_r^2 + l (l+1)/r^2, M the heavy-quark mass and a = shift/T of each channel,

        Gamma_c = kappa sum_channels color_weight [ r^2 - 3/(2MT) + 2 a r + p^2/(4 M^2 T^2) - (a/(MT))/r + a^2 ]

    which is what sum_channels rate(l) C^+C adds up to, both directions of l together.

    Parameters
    ----------
    model : LindbladModel
        At leading or next-to-leading order, with Coulomb potentials: a is then a constant.
    color : {"singlet", "octet"}
        Color of the pair.
    T : float
        Temperature in GeV.
    """
    terms = [0.0] * 5
    # the channels up stand for both directions: their terms in l cancel in the sum weighted with angular_weight
    for c in model.channels:
        if c.source == color and c.delta_l > 0:
            e, a = c.recoil / T, float(model.change(c, np.ones(1))[0]) / T
            coefficients = (1.0, 2 * a, -3 * e + a**2, -2 * a * e, e**2)
            terms = [t + c.color_weight * x for t, x in zip(terms, coefficients, strict=True)]
    return WidthTerms(*terms)


def jump_factors(model: LindbladModel, omega: Float, T: float) -> list[tuple[Float, Float]]:
    """Return pairs (f, g) of functions of omega, the energy in GeV that a jump absorbs, at a temperature T in GeV.

    Between eigenstates of the vacuum any order is the same elementwise product, with R the matrix of sqrt(kappa rate) r
    in a channel, L = R f and N = R g:

        d rho_target   contains  (1/2) sum over pairs of (L rho N^T + N rho L^T)
        d rho_source   contains  - (1/2) sum over pairs of (N^T L rho + rho L^T N)

    At leading order f = g = 1; at all orders f = S(omega)/kappa and g = 1 (arXiv:1612.07248), of the positive twin both
    are the root of S/kappa (arXiv:2004.01469). At next-to-leading order
    C = R (1 - x/4) with x = omega/T and the friction (1/8) {R, i [H, R]}/T are together the pairs (1 - x/2, 1) and
    (x/4, x/4), in any potential: the expansion of all orders, and the term of second order that makes it positive. Both
    have the shape of omega. `InputError` for an order that is not written in this form.
    """
    one, x = np.ones_like(omega), omega / T
    if model.spectrum is not None:
        S = np.asarray(model.spectrum(omega, np.full_like(omega, T)), dtype=float)
        return [(np.sqrt(S), np.sqrt(S))] if model.positive else [(S, one)]
    if model.order == "NLO":
        return [(1 - x / 2, one), (x / 4, x / 4)]
    if model.order == "LO":
        return [(one, one)]
    raise InputError("order", model.order, "be one whose jumps are known between eigenstates of the vacuum")
