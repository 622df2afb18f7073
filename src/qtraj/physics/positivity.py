"""Which complex potentials have noise behind them: its spectrum in momentum, and the nearest one that has.

Noise in place of the gluon field is the stochastic potential of Y. Akamatsu and A. Rothkopf, arXiv:1110.1203. The
equation of `noise` is one of probabilities only if D(x), of which G(x) = D(0) - D(x) is all that enters, has a spectrum
that is nowhere negative,

    G(r) = Int_0^inf dq q^2/(2 pi^2) D~(q) [1 - sin(q r)/(q r)],     D~(q) = (4 pi/q^3) Int_0^inf dr sin(q r) (r G)''.

Since 1 - cos(2 x) <= 4 (1 - cos x), it is necessary that G(2 r) <= 4 G(r). The functions that are allowed are a cone,

    G(r) = c r^2 + sum_k w_k [1 - sin(q_k r)/(q_k r)],     c, w_k >= 0,

c r^2 being what is left of a wave for q -> 0: the dipole limit. The distance of a potential from the cone says how far
it is from noise, and the w_k are a quadrature of D~ without any negative weight, from which trajectories are drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import nnls

from .._checks import float_array, instance, positive
from .._types import Float
from ..errors import InputError
from .channels import wave
from .medium import History, check_temperature, medium_state
from .noise import correlation
from .potentials.coulomb import Potential, ThermalPotential, thermal_potential

R_MAX: Final = 80.0
"""Largest distance in GeV^-1 that `noise` looks at: D~ is then resolved to 0.1 GeV, below the Debye mass."""

TOLERANCE: Final = 0.01
"""Largest distance from the cone, over the largest G, that counts as none. The quadrature itself leaves up to 2e-4
(HTL, KSU); the Wilson-line potential of T-matrix fits is at 0.04 and more up to 352 MeV, and at 0.006 at 500 MeV."""

_STEP: Final = 0.1
"""Step in ln T of the temperatures at which `check_positive` looks: the distance changes slowly with T."""

_WINDOW: Final = 8.0
"""r_max over the length R of the window exp(-r^2/(2 R^2)), which is 1e-14 there."""

_PANEL_X, _PANEL_W = np.polynomial.legendre.leggauss(10)


@dataclass(frozen=True, eq=False)
class Noise:
    """The noise behind a complex potential at one temperature; made by `noise`.

    Parameters
    ----------
    T : float
        Temperature in GeV.
    r : ndarray, shape (nr,)
        Distances in GeV^-1.
    G : ndarray, shape (nr,)
        G(r) = -Im V_s/C_F in GeV.
    q : ndarray, shape (nq,)
        Momenta in GeV.
    spectrum : ndarray, shape (nq,)
        D~(q) in GeV^-2, seen with the resolution of 8/r_max in q: q^2 D~ is averaged with a Gaussian in three
        dimensions, which keeps its sign. r^2 gives a peak of this width at q = 0.
    curvature : float
        c of the projection in GeV^3.
    momenta, weights : ndarray, shape (K,)
        q_k in GeV and w_k > 0 in GeV of the projection.
    distance : float
        Largest |G - projection| over the largest G, a ratio.
    doubling : float
        Largest ratio G(2 r)/(4 G(r)): above 1 there is no such noise.
    """

    T: float
    r: Float
    G: Float
    q: Float
    spectrum: Float
    curvature: float
    momenta: Float
    weights: Float
    distance: float
    doubling: float

    @property
    def is_positive(self) -> bool:
        """Whether the potential is as near to noise as the solvers with jumps ask, `TOLERANCE` = 0.01."""
        return self.distance <= TOLERANCE

    @property
    def negative_share(self) -> float:
        """Integral of q^2 |D~| where D~ < 0 over that everywhere, within `q`."""
        density = self.q**2 * self.spectrum
        return float(np.trapezoid(np.maximum(-density, 0), self.q) / np.trapezoid(np.abs(density), self.q))

    def projection(self, r: ArrayLike) -> Float:
        """Return the nearest G that noise can have, in GeV, shape of `r`, for r in GeV^-1."""
        r = float_array("r", r)
        waves = wave(np.multiply.outer(r, self.momenta))
        return np.asarray(self.curvature * r**2 + waves @ self.weights)

    def __repr__(self) -> str:
        says = "positive" if self.is_positive else "not positive"
        return f"Noise(T={self.T:g} GeV: {says}, distance {self.distance:.2g}, G(2r)/4G(r) <= {self.doubling:.3g})"


def noise(potential: Potential, T: float, *, q: ArrayLike | None = None, r_max: float = R_MAX) -> Noise:
    """Return the noise behind a complex potential in an isotropic medium: its spectrum, and its distance from one.

    `DensityMatrix` and `QuantumTrajectories` need noise whose spectrum is nowhere negative. `NoJump` does not.

    Parameters
    ----------
    potential : Potential
        A potential that is complex in the medium.
    T : float
        Temperature in GeV.
    q : array_like, shape (nq,), optional
        Positive momenta in GeV at which D~ is wanted; by default 300 up to 6 GeV.
    r_max : float
        Largest distance in GeV^-1 at which the potential is evaluated; a table may end earlier than the default.

    Returns
    -------
    Noise

    Raises
    ------
    InputError
        If an argument is out of range, or the potential has no width.

    Examples
    --------
    >>> import qtraj as qt
    >>> qt.noise(qt.KSUPotential(), T=0.3).is_positive
    True
    """
    thermal = _with_width(potential)
    T, r_max = check_temperature("T", T), positive("r_max", r_max, "be a positive distance in GeV^-1")
    q = np.linspace(0.02, 6.0, 300) if q is None else float_array("q", q)
    if q.ndim != 1 or not len(q) or not np.all(np.isfinite(q) & (q > 0)):
        raise InputError("q", q, "be a 1-D array of positive momenta in GeV")
    state = tuple(np.array([value]) for value in (T, 0.0, T))
    r, momenta, _ = dictionary(r_max)
    G = _checked(correlation(thermal, r, *state))[0]
    weights = project(G, r_max)
    kept = weights[1:] > 0
    return Noise(
        T=T,
        r=r,
        G=G,
        q=q,
        spectrum=_spectrum(thermal, state, q, r_max),
        curvature=float(weights[0]),
        momenta=momenta[kept],
        weights=weights[1:][kept],
        distance=distance(G, weights, r_max),
        doubling=_doubling(thermal, state, r[r <= r_max / 2]),
    )


def check_positive(potential: ThermalPotential, states: tuple[Float, Float, Float], r_max: float) -> None:
    """Raise `InputError` unless noise is behind a potential with a width; for solvers, before a long run.

    Parameters
    ----------
    potential : ThermalPotential
        A potential with a width.
    states : tuple of ndarray, shape (nt,)
        T in GeV, xi and hard scale in GeV of the media it will see, as of `states_of`.
    r_max : float
        Largest distance in GeV^-1 that the solver uses.
    """
    if np.any(states[1]):
        rows = range(len(states[0]))
        found = [
            (float(states[0][i]), _distance_at(potential, tuple(float(x[i]) for x in states), r_max))
            for i in rows
        ]
    else:  # at temperatures that many media share, each of which is looked at once
        steps = np.unique(np.round(np.log(states[0]) / _STEP))
        shared = np.unique(np.clip(np.exp(_STEP * steps), *getattr(potential, "T_range", (0.0, np.inf))))
        found = [(float(T), _distance_at(potential, (float(T), 0.0, float(T)), r_max)) for T in shared]
    for T, off in found:
        if off > TOLERANCE:
            raise InputError(
                "potential",
                type(potential).__name__,
                f"have an imaginary part that noise can make: at T = {T:.4g} GeV it is off by {off:.2g} of the "
                f"largest, and {TOLERANCE:g} is allowed",
                f"Its jumps would have negative probabilities: use NoJump(), and see qt.noise(potential, T={T:.4g}).",
            )


@lru_cache(maxsize=1024)
def _distance_at(potential: ThermalPotential, state: tuple[float, ...], r_max: float) -> float:
    """Return the distance from the cone in one state of the medium; a fit takes 15 ms."""
    T, xi, scale = (np.array([x]) for x in state)
    G = _checked(correlation(potential, dictionary(r_max)[0], T, xi, scale))[0]
    return distance(G, project(G, r_max), r_max)


def states_of(histories: Sequence[History], count: int = 9) -> tuple[Float, Float, Float]:
    """Return T, xi and hard scale at some times of some histories, from the coldest to the hottest, (nt,) each."""
    probes = [medium_state(h, np.linspace(a, b, count)) for h in histories for a, b in h.active]
    if not probes:
        return (np.zeros(0),) * 3
    states = np.concatenate(probes, axis=1)
    order = np.argsort(states[0])
    some = order[np.unique(np.linspace(0, len(order) - 1, count).astype(int))]
    # and where the medium is least and most anisotropic
    T, xi, scale = states[:, np.unique([*some, np.argmin(states[1]), np.argmax(states[1])])]
    return T, xi, scale


@lru_cache(maxsize=8)
def dictionary(r_max: float) -> tuple[Float, Float, Float]:
    """Return distances (nr,) in GeV^-1, momenta (K,) in GeV and the functions of the cone there, (nr, 1 + K).

    The first function is r^2. Steps in q are 2.5/r_max up to 100/r_max, so that no wave turns twice between two of
    them, then 2.5 %; the last one is a wave as short as the first distance.
    """
    r = np.concatenate([np.geomspace(2.5e-4, 0.05, 120)[:-1], np.linspace(0.05, 1, 400)]) * r_max
    k = np.concatenate([[0.125, 0.25, 0.5], np.arange(1, 268)])
    q = 100 / r_max * np.sinh(0.025 * k)
    return r, q, np.column_stack([r**2, wave(np.multiply.outer(r, q))])


def project(G: Float, r_max: float) -> Float:
    """Return c and the w_k (1 + K,) >= 0 of the point of the cone next to G, given at the r of `dictionary`, (nr,).

    Next in the sum of (difference)^2/G: small distances, where tight states are, count more than in that of squares.
    """
    if not np.any(G > 0):
        return np.zeros(1 + len(dictionary(r_max)[1]))
    root = np.sqrt(np.maximum(G, 1e-12 * G.max()))
    A = dictionary(r_max)[2] / root[:, None]
    size = np.linalg.norm(A, axis=0)
    return np.asarray(nnls(A / size, G / root, maxiter=100 * A.shape[1])[0] / size)


def distance(G: Float, weights: Float, r_max: float) -> float:
    """Return the largest |G - projection| over the largest G, at the r of `dictionary`; 0 for G = 0."""
    largest = float(np.max(np.abs(G)))
    return float(np.max(np.abs(dictionary(r_max)[2] @ weights - G))) / largest if largest > 0 else 0.0


def _spectrum(potential: ThermalPotential, state: Any, q: Float, r_max: float) -> Float:
    """Return D~(q) (nq,) with the window W = exp(-r^2/(2 R^2)), R = r_max/8.

    W multiplies the Fourier transform of q^2 D~, the positive function (r G)''/r, and so averages q^2 D~. Two partial
    integrations move the derivatives from G, which may be a table, to sin(q r) W.
    """
    R = r_max / _WINDOW
    # ten points a panel integrate waves of up to 6 radians in it; small panels at 0, where G is r^2 ln r for HTL
    panel = min(0.1, 6 / float(q.max()))
    edges = np.append(0.0, np.geomspace(1e-4, 1, 24) * panel)
    edges = np.append(edges, np.linspace(panel, r_max, int(np.ceil(r_max / panel)))[1:])
    half, middle = np.diff(edges)[:, None] / 2, (edges[1:] + edges[:-1])[:, None] / 2
    r = (middle + half * _PANEL_X).ravel()
    f = (half * _PANEL_W).ravel() * r * np.exp(-((r / R) ** 2) / 2)
    f *= correlation(potential, r, *state)[0]
    out = np.empty(len(q))
    for i, p in enumerate(q):
        sine, cosine = np.sin(p * r), np.cos(p * r)
        out[i] = sine @ (f * (r**2 / R**4 - 1 / R**2 - p**2)) - 2 * p / R**2 * (cosine @ (f * r))
    return 4 * np.pi / q**3 * out


def _doubling(potential: ThermalPotential, state: Any, r: Float) -> float:
    near, far = (correlation(potential, x, *state)[0] for x in (r, 2 * r))
    largest = max(float(near.max()), np.finfo(float).tiny)
    counts = near > 1e-12 * largest  # G of nothing is rounding
    return float(np.max(far[counts] / (4 * near[counts]), initial=0.0))


def _checked(G: NDArray[Any]) -> Float:
    if not np.all(np.isfinite(G)):
        raise InputError("potential", float(G[~np.isfinite(G)][0]), "have a finite imaginary part")
    return G


def _with_width(potential: Potential) -> ThermalPotential:
    instance("potential", potential, Potential, "be a potential such as KSUPotential()")
    thermal = None if isinstance(potential, type) else thermal_potential(potential)
    if thermal is None or not thermal.has_width:
        allowed = "be complex in the medium: noise is what its imaginary part tells of"
        raise InputError("potential", potential, allowed)
    return thermal
