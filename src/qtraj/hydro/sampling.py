"""Production points, momenta and rapidities of quarkonia: scrambled Sobol points, replicated.

Scrambling: A. B. Owen, J. Complexity 14 (1998) 466. The density of production points is inverted along its marginal in
x and then along y given x.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from math import inf
from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import BSpline, RectBivariateSpline, make_interp_spline
from scipy.optimize.elementwise import find_root
from scipy.stats import qmc

from .._checks import (
    called,
    choice,
    finite_array,
    float_array,
    function,
    instance,
    integer,
    is_finite_number,
    number,
    positive,
)
from .._types import Float
from ..errors import InputError
from .glauber import OpticalGlauber
from .paths import MEAN_MASS, Paths

POINTS: Final = 201  # grid lines of the tables in x and in y

# bound on the error of the tabulated distributions (probability) for Woods-Saxon densities; tested
CDF_ERROR: Final = 1e-8

# density relative to its maximum below which the plane is left out (probability of the rest: < 1e-8).
_NEGLIGIBLE = 1e-10
# quintic splines through POINTS lines: CDF_ERROR is their tested error
_DEGREE = 5
# of a box of 40 fm: 1e-12 fm, below the error of the tables
_PRECISION = 2.5e-14


class PlaneDensity:
    """A smooth density n(x, y), prepared for inversion of its distribution: marginal in x, then y given x.

    The cumulative integrals are antiderivatives of quintic splines through `POINTS` x `POINTS` values on
    the box where the density matters; for Woods-Saxon nuclei their error is below `CDF_ERROR`. They are
    inverted to rounding, so no further error enters.

    Parameters
    ----------
    density : callable
        n(x, y) >= 0 for arrays x, y in fm that broadcast; any normalization.
    half_width_fm : float
        The density is taken as zero where abs(x) or abs(y) is larger.

    Raises
    ------
    InputError
        If the density is negative, not finite, or zero everywhere.
    """

    def __init__(self, density: Callable[[Float, Float], Float], half_width_fm: float) -> None:
        function("density", density, "be a function of arrays x and y in fm")
        half_width_fm = positive("half_width_fm", half_width_fm, "be positive")
        # twice: a coarse table finds where the density matters, the second puts all lines there
        x = y = np.linspace(-half_width_fm, half_width_fm, POINTS)
        values = _evaluate(density, x, y)
        self.x_fm, self.y_fm = (_important(a, values.max(axis=1 - i)) for i, a in enumerate((x, y)))
        values = _evaluate(density, self.x_fm, self.y_fm)
        cumulative = _cumulative(self.y_fm, values.T)(self.y_fm).T
        marginal = cumulative[:, -1]
        self._x_cdf = _cumulative(self.x_fm, marginal)
        self._total = float(self._x_cdf(self.x_fm[-1]))
        # normalized row by row, so that the tails in x are as accurate as the center
        rows = np.maximum(marginal, np.finfo(float).tiny)[:, None]
        self._y_cdf = RectBivariateSpline(
            self.x_fm, self.y_fm, cumulative / rows, kx=_DEGREE, ky=_DEGREE, s=0
        )

    def marginal_cdf(self, x_fm: ArrayLike) -> Float:
        """Return the probability of a point left of `x_fm`."""
        return np.asarray(self._x_cdf(np.asarray(x_fm, dtype=float)) / self._total)

    def conditional_cdf(self, x_fm: ArrayLike, y_fm: ArrayLike) -> Float:
        """Return the probability of a point below `y_fm` if it is at `x_fm`; the arguments have one shape."""
        return np.asarray(self._y_cdf.ev(np.asarray(x_fm, dtype=float), np.asarray(y_fm, dtype=float)))

    def inverse(self, u: ArrayLike, v: ArrayLike) -> tuple[Float, Float]:
        """Map (`u`, `v`) of the unit square to (x, y) in fm, (n,): uniform points become points of the density."""
        x = _inverted(self.marginal_cdf, u, self.x_fm)
        return x, _inverted(self.conditional_cdf, v, self.y_fm, x)


def _evaluate(density: Callable[[Float, Float], Float], x: Float, y: Float) -> Float:
    values = float_array("density", called("density", density, x[:, None], y[None, :]), "return real numbers")
    if values.shape != (len(x), len(y)) or not np.all(np.isfinite(values)) or np.any(values < 0):
        value = "another shape, negative or not finite"
        raise InputError("density", value, "be finite, >= 0, of shape (x, y)")
    if not np.any(values > 0):
        raise InputError("density", "zero on the whole box", "be positive somewhere")
    return values


def _important(axis: Float, largest: Float) -> Float:
    where = np.flatnonzero(largest > _NEGLIGIBLE * largest.max())
    # one line beyond the last that matters, so that the density ends near zero inside the box
    low, high = axis[max(where[0] - 1, 0)], axis[min(where[-1] + 1, len(axis) - 1)]
    return np.linspace(low, high, POINTS)


def _cumulative(axis: Float, values: Float) -> BSpline[Any]:
    spline: BSpline[Any] = make_interp_spline(axis, values, k=_DEGREE).antiderivative()
    return spline


def _inverted(cdf: Callable[..., Float], target: ArrayLike, axis: Float, *given: Float) -> Float:
    """Solve cdf(*given, z) = target for every element; the cdf increases from 0 to 1 along the axis."""
    target = np.asarray(target, dtype=float)
    ends = [np.full(target.shape, end) for end in (axis[0], axis[-1])]
    # the spline of a cdf misses 0 and 1 by rounding
    low, high = (cdf(*given, end) for end in ends)
    found = find_root(
        lambda z, wanted, *others: cdf(*others, z) - wanted,
        tuple(ends),
        args=(np.clip(target, low, high), *given),
        tolerances={"xatol": _PRECISION * (axis[-1] - axis[0]), "xrtol": 0.0},
    )
    return np.asarray(found.x)


DIMENSIONS: Final = 4  # x, y, p_T, phi; the rapidity is a fifth where it is drawn

# Paths that share position and p_T: one; two at right angles; four or eight, equally spaced all around
Directions = Literal[1, 2, 4, 8]

# Whether impact parameters share the scramblings of the points, or each has its own
Scrambling = Literal["common", "own"]
_STREAM_FM: Final = 1e-6  # impact parameters that differ by more are told apart

# Rapidities of pairs as the Kent State group samples them in Pb-Pb at 5.02 TeV: f(y) ~ (1 - x)^13.8 with
# x = 2 m_T cosh y/sqrt(s), at the mass of Y(1S) and p_T = 5 GeV; x = 1 is the kinematic limit. No other energy has a
# published power.
GROUP: Final = "group"
GROUP_SQRT_S_GEV: Final = 5023.0
_GROUP_X: Final = 2 * float(np.hypot(9.46, 5.0)) / GROUP_SQRT_S_GEV
_GROUP_POWER: Final = 13.8
GROUP_LIMIT: Final = float(np.arccosh(1 / _GROUP_X))  # abs(y) < 6.15

# One number, a range, rows of (y, density), or "group"
Rapidity = float | tuple[float, float] | tuple[tuple[float, float], ...] | Literal["group"]


def sample_paths(
    source: OpticalGlauber | PlaneDensity,
    b_fm: float,
    n: int,
    *,
    replicates: int = 8,
    seed: int = 0,
    pT_max: float = 30.0,
    mass: float = MEAN_MASS,
    start: int = 0,
    stop: int | None = None,
    first_replicate: int = 0,
    directions: Directions = 1,
    scrambling: Scrambling = "common",
    rapidity: Rapidity | ArrayLike = 0.0,
) -> Paths:
    """Draw paths: points of the binary-collision density, p_T of p_T/(p_T^2 + M^2)^2, phi uniform, rapidity as asked.

    Each replicate is a Sobol sequence in (x, y, p_T, phi) and, where it is drawn, the rapidity, with its own random
    scrambling (Owen), so replicate means are independent and unbiased, and their error falls faster than n^-1/2 for
    smooth quantities.

    Parameters
    ----------
    source : OpticalGlauber or PlaneDensity
        The density of production points; a PlaneDensity is used as it is.
    b_fm : float
        Impact parameter, fm.
    n : int
        Paths in each replicate, a power of two (the balance of Sobol points rests on it).
    replicates : int, optional
        Independent replicates, at least 2.
    seed : int, optional
        The same seed gives the same paths, and replicate k does not depend on the number of replicates.
    pT_max, mass : float, optional
        Cut of the spectrum, and M of the spectrum and of the motion, GeV.
    start, stop : int, optional
        Return only these of the `replicates` x `n` paths, bit by bit as they are among all.
    first_replicate : int, optional
        Number of the first replicate: others with the same seed are other paths.
    directions : {1, 2, 4, 8}, optional
        Paths in an antithetic set, at most `n`, which follow one another. They share all but phi; their phi differ so
        that the sum of cos k phi over the set is zero for k = 2 (two directions at right angles), 0 < k < 4 (four of
        them) or 0 < k < 8 (eight): survival that is the same in all directions then makes no flow on any sample. `n`
        counts paths, so a replicate has n/directions Sobol points.
    scrambling : {"common", "own"}, optional
        ``"common"``: all impact parameters use the same Sobol points, and differences between them are less noisy.
        ``"own"``: each has its own, and averages over them are less noisy.
    rapidity : float, (float, float), array_like of shape (k, 2) or "group", optional
        One rapidity for all; ``(low, high)``: uniform between them; rows (y, density): linear between the rows, zero
        outside, of any normalization; ``"group"``: (1 - 2 sqrt(9.46^2 + 5^2)/5023 cosh y)^13.8 to its kinematic limit
        abs(y) < 6.15, the distribution of the Kent State group at 5.02 TeV. It does not depend on p_T.

    Returns
    -------
    Paths
        `replicates` x `n` paths, replicate by replicate.

    Raises
    ------
    InputError
        If `n` is no power of two, a number is out of its range, or `rapidity` is none of these.
    """
    instance("source", source, (OpticalGlauber, PlaneDensity))
    b_fm = number("b_fm", b_fm, "be a non-negative number of fm", low=0)
    n = integer("n", n, 1, allowed="be a power of two")
    if n & (n - 1):
        raise InputError("n", n, "be a power of two")
    replicates = integer("replicates", replicates, 2, inf, "be at least 2", "One replicate has no error.")
    seed = integer("seed", seed, 0, allowed="be a non-negative integer")
    pT_max = positive("pT_max", pT_max, "be positive, in GeV")
    mass = positive("mass", mass, "be positive, in GeV")
    first_replicate = integer("first_replicate", first_replicate, 0)
    counts = get_args(Directions)
    directions = choice("directions", directions, counts, f"be one of {', '.join(map(str, counts))}")
    if directions > n:
        raise InputError("directions", directions, f"be at most n, here {n}: a set is not divided")
    kinds = get_args(Scrambling)
    scrambling = choice("scrambling", scrambling, kinds, f"be one of {', '.join(kinds)}")
    total = n * replicates
    start, stop = integer("start", start), total if stop is None else integer("stop", stop)
    if not 0 <= start < stop <= total:
        raise InputError("start, stop", (start, stop), f"be a range of paths within {total}")
    rapidity = check_rapidity(rapidity)
    drawn_y = not isinstance(rapidity, float)
    plane = source if isinstance(source, PlaneDensity) else collision_plane(source, b_fm)
    # a key of integers: fm in steps of 1e-6
    stream = (round(b_fm / _STREAM_FM),) if scrambling == "own" else ()
    pieces = [
        _sets(
            (first_replicate + k, *stream),
            seed,
            max(start - k * n, 0),
            min(stop - k * n, n),
            directions,
            drawn_y,
        )
        for k in range(start // n, (stop - 1) // n + 1)
    ]
    u, phi = (np.concatenate(columns) for columns in zip(*pieces, strict=True))
    # the third number is p_T, the fourth phi, the fifth the rapidity
    x, y = plane.inverse(u[:, 0], u[:, 1])
    drawn = {"replicates": replicates, "seed": seed, "pT_max": pT_max, "mass": mass}
    how = {"points": "scrambled Sobol, scipy.stats.qmc", "directions": directions, "scrambling": scrambling}
    how["rapidity"] = rapidity_words(rapidity)
    y_L = inverse_rapidity(u[:, -1], rapidity)
    replicate = first_replicate + np.arange(start, stop) // n
    attrs = {"b_fm": b_fm, "n_per_replicate": n, **drawn, **how}
    return Paths(x, y, inverse_pT(u[:, 2], pT_max, mass), phi, replicate, mass, attrs, y_L)


def _sets(
    key: tuple[int, ...], seed: int, start: int, stop: int, directions: int, drawn_y: bool
) -> tuple[Float, Float]:
    """Return Sobol points and angles of paths `start` to `stop` of one replicate.

    `key` is the replicate and, with scramblings of its own, what stands for the impact parameter; `drawn_y` says
    whether the points have a fifth coordinate.
    """
    path = np.arange(start, stop)
    first, last = start // directions, (stop - 1) // directions
    # of a replicate alone, the child that SeedSequence(seed).spawn would give as this number
    child = np.random.SeedSequence(seed, spawn_key=key)
    engine = qmc.Sobol(DIMENSIONS + drawn_y, scramble=True, rng=np.random.default_rng(child))
    if first > 0:
        engine.fast_forward(first)
    # SciPy warns of a first draw that is no power of two; the sequence as a whole is one, and balanced
    u = np.concatenate([engine.random(1), engine.random(last - first)])[path // directions - first]
    # equally spaced directions are the same set after a turn by their spacing: points in one such sector give every
    # set once, and more evenly than points all around
    spacing, sector = (np.pi / 2, 2 * np.pi) if directions == 2 else (2 * np.pi / directions,) * 2
    return u, sector * u[:, 3] + spacing * (path % directions)


def collision_plane(glauber: OpticalGlauber, b_fm: float) -> PlaneDensity:
    """Return the binary-collision density at `b_fm` ready for sampling."""
    b_fm = number("b_fm", b_fm, "be a non-negative number of fm", low=0)
    return PlaneDensity(partial(glauber.collision_density, b_fm), glauber.nucleus.extent_fm)


def inverse_pT(u: ArrayLike, pT_max: float, mass: float) -> Float:
    """Return the p_T below which a fraction `u` of the spectrum p_T/(p_T^2 + M^2)^2 lies, GeV.

    Its cumulative distribution is p_T^2/(p_T^2 + M^2), so p_T = M sqrt(w/(1 - w)) with w = u times its
    value at the cut.
    """
    w = np.asarray(u, dtype=float) * pT_max**2 / (pT_max**2 + mass**2)
    return np.asarray(mass * np.sqrt(w / (1.0 - w)))


def check_rapidity(rapidity: Any) -> Rapidity:
    """Return the `rapidity` of `sample_paths` as number, pair, rows (y, density) or "group", or raise InputError."""
    allowed = f"be a number, a range (low, high) with low < high, rows (y, density) or {GROUP!r}"
    if isinstance(rapidity, str):
        choice("rapidity", rapidity, (GROUP,), allowed)
        return "group"
    if is_finite_number(rapidity):
        return float(rapidity)
    values = finite_array("rapidity", rapidity, allowed=allowed)
    if values.shape == (2,) and values[0] < values[1]:
        return float(values[0]), float(values[1])
    rows = values.ndim == 2 and values.shape[1] == 2 and len(values) > 1
    if not rows or np.any(np.diff(values[:, 0]) <= 0) or np.any(values[:, 1] < 0) or not values[:, 1].any():
        remedy = "Rows have increasing y and a density that is nowhere negative and somewhere positive."
        raise InputError("rapidity", rapidity, allowed, remedy)
    return tuple((float(y), float(density)) for y, density in values)


def inverse_rapidity(u: ArrayLike, rapidity: Rapidity) -> Float:
    """Return the rapidity below which a fraction `u` of a checked distribution lies, (n,)."""
    u = np.asarray(u, dtype=float)
    if isinstance(rapidity, float):
        return np.full(u.shape, rapidity)
    if rapidity == GROUP:
        cdf, axis = _group_cdf()
        return _inverted(cdf, u, axis)
    rows = np.array(rapidity, dtype=float)
    if rows.ndim == 1:  # uniform
        return np.asarray(rows[0] + u * (rows[1] - rows[0]))
    # a density linear in each interval: its integral is quadratic, and this form of the root does not cancel
    y, f = rows.T
    h = np.diff(y)
    below = np.concatenate([[0.0], np.cumsum(h * (f[1:] + f[:-1]) / 2)])
    wanted = u * below[-1]
    i = np.clip(np.searchsorted(below, wanted, side="right") - 1, 0, len(h) - 1)
    rest, slope = wanted - below[i], np.diff(f)[i] / h[i]
    root = f[i] + np.sqrt(np.maximum(f[i] ** 2 + 2 * slope * rest, 0.0))
    return np.asarray(np.minimum(y[i] + 2 * rest / np.where(root > 0, root, 1.0), y[i + 1]))


@cache
def _group_cdf() -> tuple[Callable[[Float], Float], Float]:
    y = np.linspace(-GROUP_LIMIT, GROUP_LIMIT, POINTS)
    integral = _cumulative(y, np.maximum(1 - _GROUP_X * np.cosh(y), 0.0) ** _GROUP_POWER)
    total = integral(y[-1])
    return lambda z: np.asarray(integral(z) / total), y


def rapidity_words(rapidity: Rapidity) -> str:
    """Return a distribution of rapidities in words, for provenance."""
    if isinstance(rapidity, float):
        return f"{rapidity:g}"
    if isinstance(rapidity, str):
        return f"(1 - 2 sqrt(9.46^2 + 5^2)/5023 cosh y)^13.8, |y| < {GROUP_LIMIT:.2f}"
    if isinstance(rapidity[0], float):
        return f"uniform from {rapidity[0]:g} to {rapidity[1]:g}"
    return f"table of {len(rapidity)} rows from {rapidity[0][0]:g} to {rapidity[-1][0]:g}"
