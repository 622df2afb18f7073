"""The effective Hamiltonian of a singlet pair at constant temperature, as a matrix on a Laguerre mesh.

    H_eff(T) = p_r^2/M + l(l+1)/(M r^2) + V(r; T) + gamma r^2/2 - i kappa G/2 - i (kappa f/T) (r d/dr + d/dr r)

with kappa, gamma ~ T^3 and G = sum_channels rate C^+C from the one list of jumps: r^2 at leading order in E/T
(arXiv:2107.06147 eqs. (2.2)-(2.4)), with terms in p, r and 1/r at next-to-leading order (arXiv:2205.10289), where there
is also friction, f = 1/(4 M). At all orders G = sum_channels rate R^T (R S(omega)/kappa), or sum rate C^+C of its
positive twin, between the vacuum states of singlet and octet on the mesh, see `physics.spectrum`. A potential with a
width of its own is complex and has no dipole terms. All routes to thermal masses and widths see this matrix only.

Complex scaling r -> r e^{i theta} is exact for an analytic potential: the mesh keeps its form with the complex scale
h e^{i theta}, the matrix becomes complex symmetric in another way, and isolated eigenvalues stay where they are.

Friction, and the decay at all orders, are not symmetric under transposition. Friction goes: with u = exp(c r^2/2) w, A
the coefficient of p_r^2 and F = -i kappa f/T that of the friction, c = F/A turns F (r d/dr + d/dr r) into (F^2/A) r^2.
The matrix for w, `symmetric_hamiltonian`, has the same eigenvalues, and its eigenvectors are their own left ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._checks import float_array, instance, integer, number, positive
from .._types import Complex, Float
from ..errors import InputError
from ..physics.model import LindbladModel, width_terms
from ..physics.potentials.coulomb import CoulombPotential
from ..radial.laguerre import LaguerreMesh
from ..solvers.basis import SINGLET, make_basis
from ..solvers.jumps.soft import spectral_jump
from ..solvers.separable import SPAN_OF_SPECTRUM, ratios, separable_spectrum
from ..solvers.thermal import AMPLIFICATION

HIGHEST_T = 2.0  # GeV; above it a temperature was meant in MeV

# below it, r e^{i theta} keeps eigenfunctions of the dipole terms square integrable for every kappa and gamma
MAX_ROTATION = np.pi / 4


def checked_temperatures(T: ArrayLike) -> Float:
    """Return increasing temperatures in GeV as an array of one dimension."""
    array = np.atleast_1d(float_array("T", T))
    increases = (
        array.ndim == 1 and array.size and np.all(np.diff(array, prepend=0) > 0)
    )  # not where one is NaN
    if not increases or array[-1] > HIGHEST_T:
        allowed = f"be increasing temperatures above 0 and up to {HIGHEST_T:g} GeV"
        raise InputError("T", np.asarray(T).tolist(), allowed, "Temperatures are in GeV.")
    return array


def is_analytic(model: LindbladModel) -> bool:
    """Return whether complex scaling applies: the potential is a formula in r without kinks."""
    return isinstance(model.potential, CoulombPotential)


def vacuum_hamiltonian(model: LindbladModel, mesh: LaguerreMesh, l: int, rotation: float = 0.0) -> Complex:
    """Return the matrix of the singlet's vacuum Hamiltonian in GeV, shape (N, N), on a mesh of N points.

    `rotation` is the angle theta of complex scaling, 0 to below pi/4, which needs an analytic potential.
    """
    turn = _turn(model, rotation)
    turned = mesh.r * turn
    static = _vacuum(model, turned) + l * (l + 1) / (model.mass * turned**2)
    return np.asarray(mesh.p_squared / (model.mass * turn**2) + np.diag(static), dtype=complex)


def effective_hamiltonian(
    model: LindbladModel, mesh: LaguerreMesh, l: int, T: float, rotation: float = 0.0
) -> Complex:
    """Return the matrix of H_eff at temperature T in GeV, shape (N, N).

    It is complex symmetric but for the friction and, at all orders in E/T, the decay.

    Parameters
    ----------
    model : LindbladModel
        The model.
    mesh : LaguerreMesh
        Mesh of N points.
    l : int
        Orbital angular momentum.
    T : float
        Temperature in GeV; the medium is isotropic.
    rotation : float
        Angle theta of complex scaling in radians, 0 for none.

    Returns
    -------
    ndarray of complex, shape (N, N)
        In GeV, in the basis of the mesh.

    Raises
    ------
    InputError
        If a rotation is asked for and the potential is not analytic, or the order is all orders, or the angle is not
        from 0 to below pi/4; for a T that the coefficients or the spectrum of the model do not know.
    """
    instance("model", model, LindbladModel, "be a LindbladModel")
    instance("mesh", mesh, LaguerreMesh)
    l = integer("l", l, 0)
    T = positive("T", T, "be a positive temperature in GeV")
    matrix = _without_friction(model, mesh, l, T, rotation)
    if model.friction:
        # r d/dr; minus its transpose it is r d/dr + d/dr r
        drag = mesh.r[:, None] * mesh.derivative
        matrix += _friction(model, T) * (drag - drag.T)
    return matrix


def symmetric_hamiltonian(
    model: LindbladModel, mesh: LaguerreMesh, l: int, T: float, rotation: float = 0.0
) -> Complex:
    """Return a complex symmetric matrix with the eigenvalues of H_eff at LO or NLO, (N, N), without its friction.

    Its eigenvectors v have (v|f(r)|v) = (left|f(r)|right) of H_eff. Without friction it is `effective_hamiltonian`.
    """
    matrix = _without_friction(model, mesh, l, T, rotation)
    if model.friction:
        kappa, _ = model.transport.at(T)
        # the coefficient of p_r^2 in GeV^-1
        kinetic = 1 / model.mass - 0.5j * float(kappa) * width_terms(model, "singlet", T).p_squared
        matrix += np.diag(_friction(model, T) ** 2 / kinetic * (mesh.r * _turn(model, rotation)) ** 2)
    return matrix


def _without_friction(model: LindbladModel, mesh: LaguerreMesh, l: int, T: float, rotation: float) -> Complex:
    kappa, gamma = (float(x) for x in model.transport.at(T))
    turn = _turn(model, rotation)
    turned = mesh.r * turn
    # G = Gamma/kappa of the singlet in GeV^-2
    width = np.zeros((mesh.points, mesh.points), dtype=complex)
    if model.spectrum is not None:
        width += _spectral_width(model, mesh, l, T, rotation)
    for channel in model.channels if model.spectrum is None else ():
        if channel.source == "singlet" and channel.rate(l) > 0:
            momentum = (mesh.derivative + np.diag(channel.centrifugal(l) / mesh.r)) / turn
            beyond = channel.recoil * momentum + np.diag(model.change(channel, mesh.r))
            C = np.diag(turned) + beyond / T
            # without conjugation: the continuation of C^+C to complex r
            width += channel.rate(l) * (C.T @ C)
    change = np.diag(0.5 * gamma * turned**2) - 0.5j * kappa * width
    if model.thermal is not None:
        change += np.diag(medium_potential(model, mesh.r, T) - _vacuum(model, mesh.r))
    return np.asarray(vacuum_hamiltonian(model, mesh, l, rotation) + change)


def _spectral_width(model: LindbladModel, mesh: LaguerreMesh, l: int, T: float, rotation: float) -> Float:
    """Return G at all orders, by all vacuum states of the mesh."""
    if rotation:
        raise InputError(
            "rotation", rotation, "be 0 at all orders: S(omega, T) is known at real energies only"
        )
    low, high = SPAN_OF_SPECTRUM
    if not low <= T <= high:
        raise InputError("T", T, f"be from {low:g} to {high:g} GeV at all orders in E/T")
    basis = make_basis(model, mesh, l, mesh.points)
    shares = ratios(model, np.array([T]))[0, -separable_spectrum(model).terms :]
    G = np.zeros((mesh.points, mesh.points))
    for channel in model.channels:
        if channel.source == "singlet" and channel.rate(l) > 0:
            R, functions = spectral_jump(model, channel, basis, l, np.inf)
            C = R * np.tensordot(shares, functions, 1)
            G += (C if model.positive else R).T @ C
    V = basis.sector(SINGLET, l)[1]
    return np.asarray(V @ G @ V.T)


def _friction(model: LindbladModel, T: float) -> complex:
    """Return F in GeV, the coefficient of r d/dr + d/dr r."""
    kappa, _ = model.transport.at(T)
    return -1j * float(kappa) * model.friction / T


def medium_potential(model: LindbladModel, r: Float, T: float) -> Complex:
    """Return the singlet potential V(r; T) in GeV without dipole terms, shape of r; the vacuum's if not thermal."""
    if model.thermal is None:
        return np.asarray(_vacuum(model, r), dtype=complex)
    V = np.asarray(model.thermal.medium(r, "singlet", np.array([T]), np.zeros(1), np.array([T])))
    if V.shape != (1, len(r)) or not np.all(np.isfinite(V)):
        raise InputError("potential", V.shape, f"return {len(r)} finite values at T = {T:g} GeV")
    if np.any(V.imag > (AMPLIFICATION if model.has_width else 0.0)):
        allowed = "have Im V <= 0 GeV, and 0 without a width: it absorbs"
        raise InputError("potential", float(V.imag.max()), allowed)
    return np.asarray(V[0], dtype=complex)


def continuum(model: LindbladModel, mesh: LaguerreMesh, T: Float) -> Complex:
    """Return where the continuum of V(r; T) begins, in GeV, shape (nt,), complex if V is.

    It is 0 for the Coulomb potential and the value at the last point of the mesh for others, as in `qtraj states`.
    """
    if isinstance(model.potential, CoulombPotential):
        return np.zeros(len(T), dtype=complex)
    return np.array([medium_potential(model, mesh.r[-1:], float(t))[0] for t in T])


def best_rotation(model: LindbladModel, T: Float) -> float:
    """Return the angle theta in which the far region decays fastest, averaged over temperatures.

    At large r, u ~ exp(-sqrt(M c) e^{2 i theta} r^2/2) with c = (gamma - i kappa)/2, so the exponent is real for
    theta = -arg(c)/4. What next-to-leading order adds to c is a part kappa_hat T/(8 M) of it, a few percent, and not
    worth another angle. It is 0 for potentials that are not analytic; with those, far pairs that nothing binds or
    absorbs, gamma < 0 = kappa, are refused.
    """
    kappa, gamma = model.transport.at(T)
    if not is_analytic(model):
        repelled = (gamma < 0) & (kappa <= 0)
        if np.any(repelled):
            allowed = f"have kappa > 0 where gamma < 0 with {type(model.potential).__name__}"
            remedy = (
                "Such a pair tunnels out, and only analytic potentials can be scaled to see its resonance."
            )
            raise InputError("transport", model.transport, allowed, remedy)
        return 0.0
    # where nothing acts there is no direction to prefer
    acting = (kappa > 0) | (gamma != 0)
    if not np.any(acting):
        return 0.0
    # kappa >= 0 puts the angle of c into [-pi, 0]; -0.0 would turn it to +pi
    angle = -np.arctan2(kappa[acting] + 0.0, gamma[acting])
    return float(np.clip(-np.mean(angle) / 4, 0.0, MAX_ROTATION - 0.1))


def _turn(model: LindbladModel, rotation: float) -> complex:
    rotation = number("rotation", rotation, "be an angle from 0 to below pi/4", low=0, below=MAX_ROTATION)
    if rotation > 0 and not is_analytic(model):
        remedy = "Complex scaling needs a potential that is analytic in r: Coulomb's."
        raise InputError("rotation", rotation, f"be 0 for {type(model.potential).__name__}", remedy)
    return complex(np.exp(1j * rotation)) if rotation else 1.0 + 0j


def _vacuum(model: LindbladModel, r: NDArray[Any]) -> NDArray[Any]:
    # -alpha/r holds for complex r as it stands; others only ever see real radii
    if np.iscomplexobj(r) and not np.any(r.imag):
        r = r.real
    return np.asarray(model.potential.vacuum(r, "singlet"))
