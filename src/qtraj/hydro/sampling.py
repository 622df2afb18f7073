"""Production points, transverse momenta and directions of quarkonia: scrambled Sobol points, replicated.

Scrambling: A. B. Owen, J. Complexity 14 (1998) 466.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import qmc

from .._checks import choice, instance, integer, number, positive
from ..errors import InputError
from .glauber import OpticalGlauber
from .paths import MEAN_MASS, Paths
from .plane import PlaneDensity

Float = NDArray[np.float64]

DIMENSIONS: Final = 4
"""x, y, p_T, phi."""

Directions = Literal[1, 2, 4, 8]
"""Paths that share position and p_T: one; two at right angles; four or eight, equally spaced all around."""

Scrambling = Literal["common", "own"]
"""Whether impact parameters share the scramblings of the points, or each has its own."""

_STREAM_FM: Final = 1e-6  # impact parameters that differ by more are told apart

_Key = tuple[int, ...]  # replicate and, with scramblings of its own, what stands for the impact parameter


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
) -> Paths:
    """Draw paths: points of the binary-collision density, p_T of p_T/(p_T^2 + M^2)^2, phi uniform.

    Each replicate is a Sobol sequence in (x, y, p_T, phi) with its own random scrambling (Owen), so
    replicate means are independent and unbiased, and their error falls faster than n^-1/2 for smooth
    quantities.

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
    pT_max : float, optional
        Cut of the spectrum, GeV.
    mass : float, optional
        M of the spectrum and of the motion, GeV.
    start, stop : int, optional
        Return only these of the `replicates` x `n` paths, bit by bit as they are among all.
    first_replicate : int, optional
        Number of the first replicate: others with the same seed are other paths.
    directions : {1, 2, 4, 8}, optional
        Paths in an antithetic set, at most `n`. They share x, y and p_T; their phi differ so that the sum of
        cos k phi over the set is zero for k = 2 (two directions at right angles), 0 < k < 4 (four of them) or
        0 < k < 8 (eight). Survival that is the same in all directions then makes no flow on any sample. `n` counts
        paths, so a replicate has n/directions Sobol points; the paths of a set follow one another.
    scrambling : {"common", "own"}, optional
        ``"common"``: all impact parameters use the same Sobol points, and differences between them are less noisy.
        ``"own"``: each has its own, and averages over them are less noisy.

    Returns
    -------
    Paths
        `replicates` x `n` paths, replicate by replicate.

    Raises
    ------
    InputError
        If `n` is no power of two, or a number is out of its range.
    """
    instance("source", source, (OpticalGlauber, PlaneDensity))
    b_fm = number("b_fm", b_fm, "be a non-negative number of fm", low=0)
    n = integer("n", n, 1, allowed="be a power of two")
    if n & (n - 1):
        raise InputError("n", n, "be a power of two")
    replicates = integer(
        "replicates", replicates, 2, allowed="be at least 2", remedy="One replicate has no error."
    )
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
    plane = source if isinstance(source, PlaneDensity) else collision_plane(source, b_fm)
    own = (round(b_fm / _STREAM_FM),) if scrambling == "own" else ()
    pieces = [
        _sets((first_replicate + k, *own), seed, max(start - k * n, 0), min(stop - k * n, n), directions)
        for k in range(start // n, (stop - 1) // n + 1)
    ]
    u, phi = (np.concatenate(columns) for columns in zip(*pieces, strict=True))
    x, y = plane.inverse(u[:, 0], u[:, 1])
    return Paths(
        x_fm=x,
        y_fm=y,
        pT=inverse_pT(u[:, 2], pT_max, mass),
        phi=phi,
        replicate=first_replicate + np.arange(start, stop) // n,
        mass=mass,
        attrs={
            "b_fm": b_fm,
            "n_per_replicate": n,
            "replicates": replicates,
            "seed": seed,
            "pT_max": pT_max,
            "mass": mass,
            "points": "scrambled Sobol, scipy.stats.qmc",
            "directions": directions,
            "scrambling": scrambling,
        },
    )


def _sets(key: _Key, seed: int, start: int, stop: int, directions: int) -> tuple[Float, Float]:
    """Return Sobol points and angles of paths `start` to `stop` of one replicate."""
    path = np.arange(start, stop)
    first = start // directions
    u = _points(key, seed, first, (stop - 1) // directions + 1)[path // directions - first]
    # equally spaced directions are the same set after a turn by their spacing: points in one such sector give every
    # set once, and more evenly than points all around
    spacing, sector = (np.pi / 2, 2 * np.pi) if directions == 2 else (2 * np.pi / directions,) * 2
    return u, sector * u[:, 3] + spacing * (path % directions)


def _points(key: _Key, seed: int, start: int, stop: int) -> Float:
    """Return points `start` to `stop` of one scrambled Sobol sequence, shape (stop - start, DIMENSIONS)."""
    # of a replicate alone, the child that SeedSequence(seed).spawn would give as this number
    child = np.random.SeedSequence(seed, spawn_key=key)
    engine = qmc.Sobol(DIMENSIONS, scramble=True, rng=np.random.default_rng(child))
    if start > 0:
        engine.fast_forward(start)
        return np.asarray(engine.random(stop - start))
    # SciPy warns of a first draw that is no power of two; the sequence as a whole is one, and balanced
    first = engine.random(1)
    return np.concatenate([first, engine.random(stop - 1)]) if stop > 1 else np.asarray(first)


def collision_plane(glauber: OpticalGlauber, b_fm: float) -> PlaneDensity:
    """Return the binary-collision density at `b_fm` ready for sampling."""
    b_fm = number("b_fm", b_fm, "be a non-negative number of fm", low=0)

    def density(x: Float, y: Float) -> Float:
        return glauber.collision_density(b_fm, x, y)

    return PlaneDensity(density, glauber.nucleus.extent_fm)


def inverse_pT(u: ArrayLike, pT_max: float, mass: float) -> Float:
    """Return the p_T below which a fraction `u` of the spectrum p_T/(p_T^2 + M^2)^2 lies, GeV.

    Its cumulative distribution is p_T^2/(p_T^2 + M^2), so p_T = M sqrt(w/(1 - w)) with w = u times its
    value at the cut.
    """
    w = np.asarray(u, dtype=float) * pT_max**2 / (pT_max**2 + mass**2)
    return np.asarray(mass * np.sqrt(w / (1.0 - w)))
