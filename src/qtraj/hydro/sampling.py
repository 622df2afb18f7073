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
    plane = source if isinstance(source, PlaneDensity) else collision_plane(source, b_fm)
    children = np.random.SeedSequence(seed).spawn(replicates)
    engines = (qmc.Sobol(DIMENSIONS, scramble=True, rng=np.random.default_rng(child)) for child in children)
    u = np.concatenate([engine.random(n) for engine in engines])
    x, y = plane.inverse(u[:, 0], u[:, 1])
    return Paths(
        x_fm=x,
        y_fm=y,
        pT=inverse_pT(u[:, 2], pT_max, mass),
        phi=2 * np.pi * u[:, 3],
        replicate=np.repeat(np.arange(replicates), n),
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
