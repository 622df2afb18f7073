"""From a temperature history to the sequence of vacuum and medium steps of a splitting.

A splitting is a list of numbers: vacuum for times vacuum[0], then medium step 1 with the integrals (kappa[0],
gamma[0]) in GeV^2, vacuum for vacuum[1], medium step 2, ... Colder gaps are vacuum.

A medium may have features finer than any step: hot spots, jagged tables, coefficients that jump with T. `Profile`
therefore holds the coefficients as polynomials between all the times at which they bend, and a step sees the medium
through exact integrals over it only: how much of it there is, and when. A step is as long as the strength of the medium
allows, however the medium is distributed inside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.polynomial.legendre import leggauss, legint, legval, legvander

from .._types import Float
from ..errors import InputError
from ..physics.medium import History, knots_of, medium_state
from ..physics.model import LindbladModel
from .separable import ratios, separable

KAPPA, GAMMA, STRENGTH = range(3)
"""What a `Profile` holds first: kappa, gamma and kappa + |gamma| in GeV^3. What else multiplies a fixed matrix of the
generator follows: powers of 1/T, or a potential at some distances."""

TYPICAL: Final = (1.0, 3.0)
"""Distances in GeV^-1, for bottomonium, between which a thermal potential is compared with kappa and gamma, for the
choice of steps and ranges: the sizes of 1S and 2S."""

_NODES: Final = leggauss(5)[0]
"""Nodes of the polynomials of a piece, of degree 4."""
_TO_LEGENDRE: Final = np.linalg.inv(legvander(_NODES, 4))
_PROBES: Final = np.array([-0.99, -0.72, 0.27, 0.99])
"""Where a piece is compared with its polynomial: away from the nodes, near the ends, and not symmetric."""
_AT_PROBES: Final = legvander(_PROBES, 4)

PIECES: Final = 16
"""Pieces of an active interval to begin with, equal in ln t as media cool. In a Bjorken medium the polynomials are then
good to 1e-7 of the largest coefficient."""

PIECE_TOLERANCE: Final = 1e-6
"""Largest deviation of the polynomials over the largest coefficient; a piece that deviates more is halved. The
integrals of a step are then good to about a tenth of it, below the 1e-5 of the best answers."""

SHORTEST_PIECE: Final = 1e-6
"""Length over that of the interval below which a piece is not halved: a coefficient that jumps is off there only."""

MAX_PIECES: Final = 20_000
"""A history whose coefficients need more is no function that any step could follow."""

_QUARTERS: Final = np.diff(
    legval(np.linspace(-1, 1, 5), np.array([legint(row) for row in np.eye(5)]).T), axis=1
).T
"""Integrals of the Legendre polynomials over the quarters of [-1, 1], shape (4, 5)."""

_POINTS, _WEIGHTS = leggauss(4)
_KICKS: Final = np.array(
    # Int Int |x - y| P_j(x) P_k(y) dx dy over [-1, 1]^2, j, k = 0 ... 3
    [
        [8 / 3, 0, 4 / 15, 0],
        [0, -8 / 15, 0, 4 / 105],
        [4 / 15, 0, -8 / 105, 0],
        [0, 4 / 105, 0, -8 / 315],
    ]
)

FEWEST_PAIRS: Final = 4
"""Pairs of steps in an interval, however short: with two, a kappa that jumps within them left an error of 1.5 times the
difference to half as many steps; with four, of a third."""

ROUGH: Final = 0.6
"""Largest Legendre coefficient of the strength of the medium in a step, over its mean, for steps that shall see a
smooth medium: see `resolved`. A medium that falls by half within the step has 1/3."""

SHORTEST_STEP: Final = 0.02
"""Length in GeV^-1 (0.004 fm/c) below which a step is not cut for a rough medium: the fastest motion kept, of 12 GeV,
turns by a quarter of a radian."""


class Profile:
    """The coefficients of a model along one history, as polynomials in time between the times at which they bend.

    Parameters
    ----------
    model : LindbladModel
        For its transport coefficients.
    history : History
        The medium. Its ``knots``, if it has any, are where its temperature may bend; a history without may have no
        feature finer than a sixteenth of ln(end/start).
    thermal : bool
        Hold what a potential that changes with the medium is, too: without, only dipole terms are seen.

    Attributes
    ----------
    start, end : ndarray, shape (P,)
        Ends of the pieces in GeV^-1, increasing; between two active intervals there is none.
    terms, phases : list of int
        Positions among the quantities of what multiplies the matrices of the local part, and its phases: kappa/T^p,
        p < `LindbladModel.powers`, or kappa times `separable.ratios`, and gamma; of a thermal potential those of
        `separable.Separable`.
    legendre : ndarray, shape (P, quantities, 5)
        Coefficients of each quantity (see `KAPPA`) in Legendre polynomials on [start, end].
    plans : dict
        Steps made for this history, see `propagate.sequences`.

    Raises
    ------
    InputError
        If the coefficients oscillate without end.
    """

    def __init__(self, model: LindbladModel, history: History, *, thermal: bool = False) -> None:
        self.model, self.history = model, history
        self.plans: dict[Any, Plan] = {}
        self._spread: dict[tuple[float, ...], Float] = {}
        self._thermal = separable(model) if thermal else None
        others = ratios(model, np.array([0.3])).shape[-1]
        self.terms, self.phases = [KAPPA, *range(STRENGTH + 1, STRENGTH + 1 + others)], [GAMMA]
        if self._thermal is not None:
            self._thermal.check(history)
            first = STRENGTH + 1 + self._thermal.terms
            # a width of its own takes the place of kappa
            self.terms = list(range(STRENGTH + 1, first)) if model.has_width else self.terms
            self.phases = [GAMMA, *range(first, first + self._thermal.phases)]
        self.quantities = max(STRENGTH, *self.terms, *self.phases) + 1
        self._loosely = np.isin(np.arange(self.quantities), self.phases[1:])
        knots = knots_of(history)
        pieces = []
        for a, b in history.active:
            inner = knots[(knots > a) & (knots < b)]
            # interior edges of the first subdivision are geometric; a knot nearer than rounding to one is the same
            edges = np.unique([a, *np.geomspace(a, b, PIECES + 1)[1:-1], *inner, b])
            pieces.append(self._interval(edges[:-1], edges[1:]))
        none = (np.zeros(0), np.zeros(0), np.zeros((0, self.quantities, 5)))
        self.start, self.end, self.legendre = (
            np.concatenate(parts) for parts in zip(none, *pieces, strict=True)
        )

    def _interval(self, a: Float, b: Float) -> tuple[Float, Float, Float]:
        """Return the pieces of one active interval, halved until their polynomials fit."""
        shortest = SHORTEST_PIECE * (b[-1] - a[0])
        done: list[tuple[Float, Float, Float]] = []
        scale, count = np.zeros((1, 1)), 0
        while len(a):
            middle, half = (a + b)[:, None] / 2, (b - a)[:, None] / 2
            values = self._values(middle + half * np.concatenate([_NODES, _PROBES]))
            scale = np.maximum(scale, np.abs(values).max(axis=(0, 2))[:, None])
            c = values[..., : len(_NODES)] @ _TO_LEGENDRE.T
            deviation = np.abs(c @ _AT_PROBES.T - values[..., len(_NODES) :])
            # a potential whose string breaks has kinks in time at every distance: its phases need no more than a step
            limit = np.where(self._loosely, np.inf, PIECE_TOLERANCE)[:, None] * scale
            bad = np.any(deviation > limit, axis=(1, 2)) & (b - a > shortest)
            done.append((a[~bad], b[~bad], c[~bad]))
            count += int(np.sum(~bad))
            a, middle, b = a[bad], middle[bad, 0], b[bad]
            a, b = np.concatenate([a, middle]), np.concatenate([middle, b])
            if count + len(a) > MAX_PIECES:
                raise InputError(
                    "model.transport",
                    self.model.transport,
                    f"be smooth between at most {MAX_PIECES} times of a history",
                    "kappa, gamma or the temperature oscillate without end: average them.",
                )
        starts, ends, legendre = (np.concatenate(parts) for parts in zip(*done, strict=True))
        order = np.argsort(starts)
        return starts[order], ends[order], legendre[order]

    def _values(self, t: Float) -> Float:
        """Return the quantities at times (n, m) inside active intervals, shape (n, quantities, m)."""
        if self._thermal is not None:
            return self._thermal_values(t)
        T = self.history.temperature(t)
        kappa, gamma = self.model.transport.at(T)
        others = kappa * ratios(self.model, T.ravel()).T.reshape(-1, *T.shape)
        return np.stack([kappa, gamma, kappa + np.abs(gamma), *others], axis=1)

    def _thermal_values(self, t: Float) -> Float:
        """Return the same of a thermal potential; kappa and the strength then say how strong it is."""
        model, potential = self.model, self.model.thermal
        assert potential is not None
        assert self._thermal is not None
        T, xi, scale = medium_state(self.history, t.ravel())
        kappa, gamma = model.transport.at(T)
        G, change = self._thermal.coefficients(T, xi, scale)
        # what a dipole and gamma would be that widen and turn as much at typical distances
        near, far = (model.scales.length * r for r in TYPICAL)
        r = np.array([near, far])
        V = potential.medium(r, "singlet", T, xi, scale)
        turned = V.real - potential.vacuum(r, "singlet")
        width = kappa - 2 * V[:, 1].imag / far**2 if model.has_width else kappa
        strength = width + np.abs(gamma + 2 * (turned[:, 1] - turned[:, 0]) / (far**2 - near**2))
        values = np.stack([width, gamma, strength, *G.T, *change.T], axis=1)
        return values.reshape(*t.shape, -1).swapaxes(1, 2)

    def legendre_of(self, edges: Float, degree: int = 3) -> Float:
        """Return the projections of the quantities on Legendre polynomials in each step; zero where nothing acts.

        Parameters
        ----------
        edges : ndarray, shape (S + 1,)
            Increasing edges of the steps in GeV^-1.
        degree : int
            Highest polynomial, at most 3.

        Returns
        -------
        ndarray, shape (S, quantities, degree + 1)
            c with f(t) ~ sum_j c_j P_j(x), x from -1 to 1 in each step; c_0 is the mean of f over the step, exactly.
        """
        steps = len(edges) - 1
        c = np.zeros((steps, self.quantities, degree + 1))
        if not len(self.start) or not steps:
            return c
        inside = (self.start > edges[0]) & (self.start < edges[-1])
        ends = (self.end > edges[0]) & (self.end < edges[-1])
        cuts = np.unique(np.concatenate([edges, self.start[inside], self.end[ends]]))
        middle, half = (cuts[1:] + cuts[:-1]) / 2, np.diff(cuts) / 2
        piece = np.maximum(np.searchsorted(self.start, middle, side="right") - 1, 0)
        acts = (middle > self.start[piece]) & (middle < self.end[piece])
        middle, half, piece = middle[acts], half[acts], piece[acts]
        step = np.searchsorted(edges, middle, side="right") - 1
        t = middle[:, None] + half[:, None] * _POINTS
        a, b = self.start[piece, None], self.end[piece, None]
        # a product of degree 4 + 3 = 7: four Gauss points are exact
        values = self.legendre[piece] @ legvander((2 * t - a - b) / (b - a), 4).swapaxes(1, 2)
        a, b = edges[step, None], edges[step + 1, None]
        test = legvander((2 * t - a - b) / (b - a), degree) * (_WEIGHTS * half[:, None])[..., None]
        np.add.at(c, step, values @ test)
        return np.asarray(c * (2 * np.arange(degree + 1) + 1) / np.diff(edges)[:, None, None])

    def integrals(self, edges: Float) -> Float:
        """Return the integral of each quantity over each step, shape (S, quantities)."""
        return self.legendre_of(edges, 0)[..., 0] * np.diff(edges)[:, None]

    @cached_property
    def strengths(self) -> list[tuple[Float, Float]]:
        """Times and the integrals of kappa + |gamma| between them in each active interval, four to each piece."""
        found = []
        for a, b in self.history.active:
            mine = (self.start >= a) & (self.end <= b)
            start, end = self.start[mine], self.end[mine]
            t = np.append(np.linspace(start, end, 5)[:-1].T.ravel(), end[-1])
            quarters = (self.legendre[mine, STRENGTH] @ _QUARTERS.T) * (end - start)[:, None] / 2
            found.append((t, quarters.ravel()))
        return found

    def total(self, quantity: int) -> float:
        """Return the integral of one quantity over the whole history."""
        return float(self.legendre[:, quantity, 0] @ (self.end - self.start))

    def spread(self, checkpoints: Sequence[float]) -> Float:
        """Return the integral of kappa t^2 from 0 to each of some times and to the end, shape (times + 1,), in GeV^0.

        Times (2 v)^2 g_c it is the exponent of the decay of a pair that flies apart, either quark with the velocity v.
        """
        if tuple(checkpoints) in self._spread:
            return self._spread[tuple(checkpoints)]
        edges = np.unique(np.concatenate([[0.0], self.start, self.end, np.asarray(checkpoints, dtype=float)]))
        c, dt, middle = self.legendre_of(edges, 2)[:, KAPPA], np.diff(edges), (edges[1:] + edges[:-1]) / 2
        # t = middle + x dt/2, and t^2 in Legendre polynomials of x
        parts = dt * ((middle**2 + dt**2 / 12) * c[:, 0] + middle * dt / 3 * c[:, 1] + dt**2 / 30 * c[:, 2])
        total = np.concatenate([[0.0], np.cumsum(parts)])
        found = np.append(total[np.searchsorted(edges, checkpoints)], total[-1])
        self._spread[tuple(checkpoints)] = found
        return found

    def smallest(self, quantity: int) -> float | None:
        """Return the smallest value of one quantity while the medium acts, from nine points a piece; None if cold."""
        if not len(self.start):
            return None
        return float((self.legendre[:, quantity] @ legvander(np.linspace(-1, 1, 9), 4).T).min())


@dataclass(frozen=True)
class Steps:
    """Steps of one history.

    Parameters
    ----------
    vacuum : ndarray, shape (steps + 1,)
        Vacuum times in GeV^-1 around the medium steps.
    terms : ndarray, shape (steps, colors, P)
        Time integrals of `Profile.terms` for each color; colors is 1 where all share them.
    phases : ndarray, shape (steps, colors, Q)
        Those of `Profile.phases`.
    soft : ndarray, shape (steps + 1, P)
        The same integrals for the soft part of the generator, which acts within each vacuum time; P = 0 without one.
    before : ndarray, shape (steps + 1)
        How much of each vacuum time passes before the soft part acts.
    """

    vacuum: Float
    terms: Float
    phases: Float
    soft: Float
    before: Float

    @property
    def steps(self) -> int:
        """Number of medium steps."""
        return int(self.terms.shape[0])

    @property
    def kappa(self) -> Float:
        """Time integral of kappa in GeV^2, shape (steps, colors)."""
        return self.terms[..., 0]


MOTION: Final = {True: 0.3, False: 0.7}
"""Share of the motion of the pair in the density of steps, by `LindbladModel.is_local`: the rest is the strength of the
medium. Errors times steps squared, of three media at NLO (`benchmarks/run.py --only steps`): with 0.3 up to 1.8 times
those with 0.7 (2S at 190 MeV), with 1 up to 1.5 times (1S, kappa_hat = 4)."""

MOTION_OF_NOISE: Final = 0.8
"""The same for jumps of a complex potential, whose strength at one distance says less: with 0.3, HTL in the baseline
medium has 4 times the error of 2S per step that jumps at leading order have."""


def step_edges(profile: Profile, step: float, motion: float | None = None) -> list[Float]:
    """Return the edges of the steps in each active interval, in GeV^-1.

    They depend on the medium alone, not on the times at which overlaps are wanted. Each interval gets an even number of
    steps, so that every second edge makes a run with exactly half of them.

    Parameters
    ----------
    profile : Profile
        The coefficients along the history.
    step : float
        Length of a step in GeV^-1 where |gamma| + kappa = 0.12 GeV^3, the mean of the baseline medium, for
        bottomonium; for other systems as often the time 1/(M alpha^2).
    motion : float, optional
        Share of the motion of the pair in the density of steps; by default that of `MOTION`.

    Notes
    -----
    The density of steps is (m + (1 - m) (|gamma| + kappa)/0.12 GeV^3)/step with m of `MOTION`: strong coefficients act
    as fast phases and decay and need short steps; without them there remains the motion of the pair.
    """
    if motion is None:
        motion = MOTION_OF_NOISE if profile.model.has_width else MOTION[profile.model.is_local]
    scales = profile.model.scales
    edges = []
    for t, strength in profile.strengths:
        density = motion * scales.energy * np.diff(t) + (1 - motion) * scales.length**2 * strength / 0.12
        count = np.concatenate([[0.0], np.cumsum(density)]) / step
        pairs = max(FEWEST_PAIRS, int(np.ceil(count[-1] / 2 - 1e-9)))
        inner = np.interp(np.linspace(0, count[-1], 2 * pairs + 1), count, t)
        edges.append(np.concatenate([t[:1], inner[1:-1], t[-1:]]))
    return edges


def cut_edges(profile: Profile, step: float, halvings: int = 0) -> list[Float]:
    """Return the edges of `step_edges` with every step halved so many times, or with -1 joined to its neighbor."""
    intervals = step_edges(profile, step)
    if halvings < 0:
        return [edges[::2] for edges in intervals]
    for _ in range(halvings):
        intervals = [np.sort(np.concatenate([e, (e[1:] + e[:-1]) / 2])) for e in intervals]
    return intervals


def resolved(profile: Profile, intervals: Sequence[Float]) -> list[Float]:
    """Return the steps, each halved until the medium in it is smooth or it is shorter than `SHORTEST_STEP`, scaled.

    For methods whose steps hold the medium constant, or nearly: exponentials of a whole generator, and trajectories,
    which locate a jump within a step by constant rates.
    """
    shortest = SHORTEST_STEP / profile.model.scales.energy

    def halved(edges: Float) -> Float:
        while True:
            c = np.abs(profile.legendre_of(edges)[:, STRENGTH])
            rough = (c[:, 1:].max(axis=1) > ROUGH * c[:, 0]) & (np.diff(edges) > 2 * shortest)
            if not np.any(rough):
                return edges
            edges = np.sort(np.concatenate([edges, (edges[1:] + edges[:-1])[rough] / 2]))

    return [halved(edges) for edges in intervals]


def centers_of(legendre: Float) -> Float:
    """Return the center of mass of the medium in each step, from -1 to 1, 0 without a medium; see `legendre_of`."""
    mean, slope = legendre[:, STRENGTH, 0], legendre[:, STRENGTH, 1]
    # Int x P_1 dx = 2/3: the center lies at x = slope/(3 mean)
    return np.divide(slope, 3 * mean, out=np.zeros_like(mean), where=mean > 0)


def strang(
    profile: Profile,
    intervals: Sequence[Float],
    start: float,
    end: float,
    timed_by: Profile | None = None,
    previous: Float | None = None,
    *,
    followed: bool = False,
) -> Steps:
    """Return the second-order sequence V(a) M V(b) of each step, with all coefficients integrated over the step.

    The medium acts at its center of mass in the step, a after its beginning and b before its end: in the middle for a
    constant one, exactly where it is for a hot spot. The error is of second order in the length of the step for any
    distribution of the medium within it.

    M is the local part of the generator. A soft part S, if there is one, acts at the edges: S/2 V(a) M V(b) S/2, where
    the halves of neighboring steps act at once. That costs one S a step, half of S next to M or M around S, and is
    three times as accurate, since it cancels best between runs with and without jumps: 24 equal steps of the baseline
    at NLO (T_end 250 MeV) find regeneration to 2e-6 of the 1S and 2e-4 of the 2S (`benchmarks/run.py --only steps`).

    Parameters
    ----------
    profile : Profile
        The coefficients along the history.
    intervals : sequence of ndarray
        Step edges of each active interval.
    start, end : float
        Time before the first and after the last step in GeV^-1.
    timed_by : Profile, optional
        Another profile, whose medium says when this one acts: for derivatives at fixed times.
    previous : ndarray, shape (2,), optional
        The edges of the step that ended at `start`, if there was one: its half of the soft part is still to come.
    followed : bool
        Whether a step begins at `end`: then it is left to that to bring the soft part.
    """
    parts = []  # of each step: time at its center, integrals of terms and phases
    softs: list[tuple[float, Float]] = []  # times and integrals of the soft parts: one more than steps
    P, Q, has_soft = len(profile.terms), len(profile.phases), not profile.model.is_local
    if has_soft and (previous is not None or not intervals):
        late = np.zeros(P) if previous is None else profile.integrals(previous)[0, profile.terms] / 2
        softs.append((start, late))
    for k, edges in enumerate(intervals):
        c, dt = profile.legendre_of(edges, 1), np.diff(edges)
        center = centers_of(c if timed_by is None else timed_by.legendre_of(edges, 1))
        terms, phases = (c[:, rows, 0] * dt[:, None] for rows in (profile.terms, profile.phases))
        times = (edges[1:] + edges[:-1]) / 2 + center * dt / 2
        if has_soft:
            halves = np.concatenate([np.zeros((1, P)), terms / 2, np.zeros((1, P))])
            here = list(zip(edges, halves[1:] + halves[:-1], strict=True))
            if softs and k == 0:  # of the step before `start`, at the same time
                here[0] = (here[0][0], here[0][1] + softs.pop()[1])
            elif softs:  # between two intervals a step that does nothing separates their soft parts
                parts.append((edges[:1], np.zeros((1, P)), np.zeros((1, Q))))
            softs += here
        parts.append((times, terms, phases))
    none = (np.zeros(0), np.zeros((0, P)), np.zeros((0, Q)))
    times, terms, phases = (np.concatenate(arrays) for arrays in zip(none, *parts, strict=True))
    moments = np.concatenate([[start], times, [end]])
    if not has_soft:
        soft, before = np.zeros((len(times) + 1, 0)), np.zeros(len(times) + 1)
    else:
        soft = np.array([amount for _, amount in softs])
        before = np.array([time for time, _ in softs]) - moments[:-1]
        if followed:
            soft[-1] = 0.0
    return Steps(np.diff(moments), terms[:, None], phases[:, None], soft, before)


def chin_4b(
    profile: Profile,
    intervals: Sequence[Float],
    start: float,
    end: float,
    timed_by: Profile | None = None,
) -> Steps:
    """Return the fourth-order forward sequence V M V M V of each step, for H_eff alone.

    The medium acts at two times with weights such that both have the moments of the medium in the step, up to the
    third: the Gauss quadrature whose weight function is the medium. For a constant medium the times are
    (1 -+ 1/sqrt(3))/2, algorithm 4B of S. A. Chin, Phys. Lett. A 226 (1997) 344; a hot spot is met where it is.

    The double commutator [r^2, [p^2, r^2]] = 8 r^2 (times -1 in this sign) is again proportional to r^2, so what the
    two kicks miss at second order in the medium only changes their weights: with W_c(t) = g_c (gamma - i kappa)/2,

        sum of the kicks = Int W dt - (2/M) [ Int Int |t - t'| W W' dt dt' - sum_ij |t_i - t_j| W_i W_j ]

    which for a constant medium is Chin's correction (Chin and Chen, J. Chem. Phys. 117 (2002) 1409, for one that
    changes in time). Arguments as for `strang`; for generators without a soft part.
    """
    widths, mass = profile.model.widths, profile.model.mass
    times, kappa, gamma = [np.zeros(0)], [np.zeros((0, len(widths)))], [np.zeros((0, len(widths)))]
    for edges in intervals:
        c, dt = profile.legendre_of(edges), np.diff(edges)
        timing = c if timed_by is None else timed_by.legendre_of(edges)
        x = _gauss_nodes(timing[:, STRENGTH])
        # where gamma dominates and kappa acts at another time, its own nodes keep its weights positive
        odd = np.any(_weights(timing[:, KAPPA], x) < 0, axis=1)
        x[odd] = _gauss_nodes(timing[odd, KAPPA])
        k, g = (_weights(c[:, q], x) for q in (KAPPA, GAMMA))
        missed = {}
        for name, (f, h), (w, v) in (
            ("kk", (KAPPA, KAPPA), (k, k)),
            ("gg", (GAMMA, GAMMA), (g, g)),
            ("kg", (KAPPA, GAMMA), (k, g)),
        ):
            exact = np.einsum("sj,jk,sk->s", c[:, f], _KICKS, c[:, h])
            kicks = (x[:, 1] - x[:, 0]) * (w[:, 0] * v[:, 1] + w[:, 1] * v[:, 0])
            missed[name] = (dt / 2) ** 3 * (exact - kicks)
        # half of the correction in either kick, which is where it belongs but for terms of higher order
        for_kappa = missed["kg"][:, None] * -widths / mass
        for_gamma = (missed["gg"] - missed["kk"])[:, None] * -widths / (2 * mass)
        times.append(((edges[1:] + edges[:-1])[:, None] / 2 + x * dt[:, None] / 2).ravel())
        for total, weights, correction in ((kappa, k, for_kappa), (gamma, g, for_gamma)):
            both = (weights * dt[:, None] / 2)[:, :, None] + correction[:, None, :]
            total.append(both.reshape(-1, len(widths)))
    vacuum = np.diff(np.concatenate([[start], *times, [end]]))
    soft, before = np.zeros((len(vacuum), 0)), np.zeros(len(vacuum))
    return Steps(vacuum, np.concatenate(kappa)[..., None], np.concatenate(gamma)[..., None], soft, before)


def _gauss_nodes(c: Float) -> Float:
    """Return the two nodes in [-1, 1] of the Gauss quadrature of densities sum_j c_j P_j, shape (S, 4) to (S, 2)."""
    mass = np.where(c[:, 0] > 0, 2 * c[:, 0], 1.0)
    # moments about 0 over the mass: Int P_j P_j = 2/(2j + 1), x^2 = (1 + 2 P_2)/3, x^3 = (3 P_1 + 2 P_3)/5
    p1, p2, p3 = (2 / 3 * c[:, 1] / mass, 2 / 5 * c[:, 2] / mass, 2 / 7 * c[:, 3] / mass)
    center, second, third = p1, (1 + 2 * p2) / 3, (3 * p1 + 2 * p3) / 5
    variance = np.maximum(second - center**2, 1e-12)  # a hot spot without width has both nodes at its place
    skew = (third - 3 * center * second + 2 * center**3) / (2 * variance)
    width = np.sqrt(variance + skew**2)
    nodes = center[:, None] + np.stack([skew - width, skew + width], axis=1)
    # no medium in the step: any nodes do. Rounding may put a node of a spot at the edge beyond it
    return np.asarray(np.where(c[:, :1] > 0, np.clip(nodes, -1, 1), np.array([-1, 1]) / np.sqrt(3)))


def _weights(c: Float, x: Float) -> Float:
    """Return weights at the nodes x with the zeroth and first moment of the densities, (S, 2)."""
    mass, first = 2 * c[:, 0], 2 / 3 * c[:, 1]
    second = (first - x[:, 0] * mass) / (x[:, 1] - x[:, 0])
    return np.stack([mass - second, second], axis=1)


@dataclass(frozen=True)
class Plan:
    """Steps of one history from 0 through the check points to its end.

    Parameters
    ----------
    main : sequence of Steps
        From time to time, then to the end; where a time lies inside a step, the segment ends at the edge before it.
    side : sequence of Steps or None
        For each of those times the part of a step from that edge to it: a side branch, so that they change nothing.
    """

    main: Sequence[Any]
    side: Sequence[Any]

    @property
    def steps(self) -> int:
        """Number of medium steps, without those of the side branches."""
        return sum(s.steps for s in self.main)


def planned(
    profile: Profile,
    splitting: Any,
    intervals: Sequence[Float],
    checkpoints: Sequence[float],
) -> Plan:
    """Return the steps of a splitting such as `strang` through all check points (in GeV^-1) to the end of the medium.

    Parameters
    ----------
    profile : Profile
        The coefficients along the history.
    splitting : callable
        Such as `strang`.
    intervals : sequence of ndarray
        Step edges of each active interval.
    checkpoints : sequence of float
        Increasing times.
    """
    end = max([edges[-1] for edges in intervals] + list(checkpoints), default=0.0)
    main, side, now = [], [], 0.0
    has_soft = not profile.model.is_local
    previous: Float | None = None  # the step that ends now, whose half of the soft part has not acted yet
    for t in checkpoints:
        inside = next((e for e in intervals if e[0] < t < e[-1]), None)
        at = 0 if inside is None else int(np.searchsorted(inside, t, side="right")) - 1
        here = t if inside is None else float(inside[at])
        joints: dict[str, Any] = {"previous": previous, "followed": at > 0} if has_soft else {}
        main.append(splitting(profile, _between(intervals, now, here), now, here, **joints))
        previous = inside[at - 1 : at + 1] if has_soft and inside is not None and at > 0 else None
        rest = [] if here == t else [np.array([here, t])]
        joints = {"previous": previous} if has_soft else {}
        side.append(splitting(profile, rest, here, t, **joints) if rest or previous is not None else None)
        now = here
    joints = {"previous": previous} if has_soft else {}
    main.append(splitting(profile, _between(intervals, now, end), now, end, **joints))
    return Plan(tuple(main), (*side, None))


def _between(intervals: Sequence[Float], start: float, end: float) -> list[Float]:
    """Return the step edges from start to end, which lie at edges or outside of all intervals."""
    parts = [edges[(edges >= start) & (edges <= end)] for edges in intervals]
    return [edges for edges in parts if len(edges) > 1]
