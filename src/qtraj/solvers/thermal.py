"""Time integrals of a potential that changes with the medium: the pointwise phases and decay of a splitting step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._types import Float
from ..errors import InputError
from ..physics.medium import History, knots_of, medium_state
from ..physics.model import LindbladModel
from ..physics.noise import effective_potential
from ..physics.positivity import check_positive, states_of
from ..physics.potentials.coulomb import Color
from .separable import separable

_GAUSS_X, _GAUSS_W = np.polynomial.legendre.leggauss(3)

# Largest Im V in GeV that counts as rounding, of a table for example.
AMPLIFICATION = 1e-9

# Values of the potential held at once: bounds memory for many steps on a large grid.
_BLOCK = 2_000_000


def thermal_integrals(
    model: LindbladModel, history: History, edges: Float, r: Float, color: Color
) -> NDArray[Any] | None:
    """Return the integral over each step of V_medium(r; T(t)) - V_vacuum(r), or None if the potential is not thermal.

    Dimensionless, shape (steps, N), complex for a potential with a width, of which Gamma_c/2 is minus the imaginary
    part, see `physics.noise.effective_potential`; three-point Gauss-Legendre in time. `edges`
    (steps + 1,) and the grid points r (N,) are in GeV^-1. Each step lies inside an active interval or outside all,
    where the result is 0. A potential that is not finite, not of shape (times, points), amplifies (Im V > 0), or is
    complex without saying so raises `InputError`.
    """
    potential = model.thermal
    if potential is None:
        return None
    knots = knots_of(history)
    # three points in each smooth part of a step
    cuts = np.unique(np.concatenate([edges, knots[(knots > edges[0]) & (knots < edges[-1])]]))
    half, middle = np.diff(cuts) / 2, (cuts[1:] + cuts[:-1]) / 2
    part_of = np.searchsorted(edges, middle, side="right") - 1
    inside = [(a < middle) & (middle < b) for a, b in history.active or [(0, 0)]]
    active = np.flatnonzero(np.any(inside, axis=0))
    vacuum = potential.vacuum(r, color)
    integrals = np.zeros((len(edges) - 1, len(r)), dtype=complex if potential.has_width else float)
    block = max(1, _BLOCK // (len(_GAUSS_X) * len(r)))
    for i in range(0, len(active), block):
        parts = active[i : i + block]
        t = middle[parts, None] + half[parts, None] * _GAUSS_X
        V = effective_potential(potential, r, color, *medium_state(history, t.ravel()))
        _check(V, (t.size, len(r)), has_width=potential.has_width)
        V = V.reshape(*t.shape, len(r)) - vacuum
        # a step may have several parts, which plain indexing would not add up
        np.add.at(integrals, part_of[parts], np.einsum("sg,sgr->sr", half[parts, None] * _GAUSS_W, V))
    return integrals


def check_thermal(model: LindbladModel, histories: Sequence[History], r: Float, color: Color) -> None:
    """Evaluate a thermal potential at the extremes of the media in use, so that a bad one is found before a long run.

    Errors are those of `thermal_integrals`, and that the potential does not know such a medium.
    """
    potential = model.thermal
    probes = [medium_state(h, np.linspace(a, b, 5)) for h in histories for a, b in h.active]
    if potential is None or not probes:
        return
    states = np.concatenate(probes, axis=1)
    # each of T, xi and hard scale at its least and its largest
    extremes = np.unique([*np.argmin(states, axis=1), *np.argmax(states, axis=1)])
    V = effective_potential(potential, r, color, *states[:, extremes])
    _check(V, (len(extremes), len(r)), has_width=potential.has_width)


def check_jumps(model: LindbladModel, histories: Sequence[History], r: Float, reach: float) -> None:
    """Raise `InputError` unless the jumps of a potential are known and have probabilities, for methods that have jumps.

    Parameters
    ----------
    model : LindbladModel
        The equation.
    histories : sequence of History
        The media it will see.
    r : ndarray, shape (N,)
        Grid points in GeV^-1.
    reach : float
        Largest distance in GeV^-1 at which its noise is looked at.
    """
    potential = model.potential
    potential.vacuum(np.ones(1), "octet")
    check_thermal(model, histories, r, "singlet")
    if model.thermal is None or not model.has_width:
        return
    check_thermal(model, histories, r, "octet")
    states, parts = states_of(histories), separable(model)
    seen = model.thermal.medium(r, "octet", *states) if len(states[0]) else 0.0
    if (parts is not None and parts.octet_width) or np.any(np.imag(seen)):
        allowed = "have a real octet potential for DensityMatrix and QuantumTrajectories"
        remedy = "An octet decays by the jumps that follow from Im V_s. NoJump() takes any potential."
        raise InputError("potential", type(potential).__name__, allowed, remedy)
    check_positive(model.thermal, states, reach)


def _check(V: NDArray[Any], shape: tuple[int, int], *, has_width: bool) -> None:
    if V.shape != shape:
        raise InputError("potential", V.shape, f"return (times, points) in the medium, {shape}")
    if not np.all(np.isfinite(V)):
        raise InputError("potential", V[~np.isfinite(V)][0], "be finite on the grid in the medium")
    if np.iscomplexobj(V) and not has_width:
        raise InputError("potential", V.dtype, "be real in the medium, as its has_width says")
    if np.iscomplexobj(V) and np.any(V.imag > AMPLIFICATION):
        raise InputError("potential", float(V.imag.max()), "have Im V <= 0 GeV: a width absorbs")
