"""Production points, transverse momenta and directions of quarkonia: scrambled Sobol points, replicated."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import qmc

from ..errors import InputError
from .glauber import OpticalGlauber
from .paths import MEAN_MASS, Paths
from .plane import PlaneDensity

Float = NDArray[np.float64]

DIMENSIONS: Final = 4
"""x, y, p_T, phi."""


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

    Returns
    -------
    Paths
        `replicates` x `n` paths, replicate by replicate.

    Raises
    ------
    InputError
        If `n` is no power of two, or a number is out of its range.
    """
    _check_numbers(n, replicates, seed, pT_max, mass)
    total = n * replicates
    stop = total if stop is None else stop
    if not 0 <= start < stop <= total:
        raise InputError("start, stop", (start, stop), f"be a range of paths within {total}")
    plane = source if isinstance(source, PlaneDensity) else collision_plane(source, b_fm)
    u = np.concatenate(
        [
            _points(seed, first_replicate + k, max(start - k * n, 0), min(stop - k * n, n))
            for k in range(start // n, (stop - 1) // n + 1)
        ]
    )
    x, y = plane.inverse(u[:, 0], u[:, 1])
    return Paths(
        x_fm=x,
        y_fm=y,
        pT=inverse_pT(u[:, 2], pT_max, mass),
        phi=2 * np.pi * u[:, 3],
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
        },
    )


def _points(seed: int, replicate: int, start: int, stop: int) -> Float:
    """Return points `start` to `stop` of one scrambled Sobol sequence, shape (stop - start, DIMENSIONS)."""
    # the child that SeedSequence(seed).spawn would give as number `replicate`
    child = np.random.SeedSequence(seed, spawn_key=(replicate,))
    engine = qmc.Sobol(DIMENSIONS, scramble=True, rng=np.random.default_rng(child))
    if start > 0:
        engine.fast_forward(start)
        return np.asarray(engine.random(stop - start))
    # SciPy warns of a first draw that is no power of two; the sequence as a whole is one, and balanced
    first = engine.random(1)
    return np.concatenate([first, engine.random(stop - 1)]) if stop > 1 else np.asarray(first)


def collision_plane(glauber: OpticalGlauber, b_fm: float) -> PlaneDensity:
    """Return the binary-collision density at `b_fm` ready for sampling."""
    if not 0 <= b_fm < np.inf:
        raise InputError("b_fm", b_fm, "be a non-negative number of fm")

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


def _check_numbers(n: int, replicates: int, seed: int, pT_max: float, mass: float) -> None:
    if n < 1 or n & (n - 1):
        raise InputError("n", n, "be a power of two")
    if replicates < 2:
        raise InputError("replicates", replicates, "be at least 2", "One replicate has no error.")
    if seed < 0:
        raise InputError("seed", seed, "be a non-negative integer")
    for name, value in (("pT_max", pT_max), ("mass", mass)):
        if not 0 < value < np.inf:
            raise InputError(name, value, "be positive, in GeV")
