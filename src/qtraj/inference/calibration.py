"""Whether the posterior is what it says: closure, coverage and ranks on synthetic data of known truth.

If the truth is drawn from the prior and the data from the likelihood, its rank among independent samples of the
posterior is uniform (S. Talts et al., arXiv:1804.06788), and regions of probability 68 % hold the truth in 68 % of all
cases. Both are tested on the sampler itself: each truth, with data of its own, is one chain of NUTS, or one run of
nested sampling. A chain stays in one of two separate maxima, and its regions are then too small; nested sampling finds
both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binom, chi2

from .._checks import choice, function, instance, integer, number
from .._types import Float, Integer
from ..errors import InputError
from .checkpoint import Checkpoint
from .likelihood import Likelihood
from .parameters import Parameters, in_float64
from .posterior import Posterior, needs_extra
from .sampling import (
    Progress,
    draw_chains,
    enough_live,
    keys_of,
    nested_draws,
    no_report,
    sample_nested,
    sample_nuts,
    warm_chains,
)

if TYPE_CHECKING:
    import pandas as pd

Sampler = Literal["nuts", "nested"]

# truths whose chains run side by side: between two checkpoints
BATCH: Final = 20
# draws of NUTS to one that enters a rank: their effective number is 0.5 to 1 of a draw where the density is smooth
THIN: Final = 4
# live points of a truth if nothing else is asked for
_LIVE: Final = 250
JOINT: Final = "joint"


@dataclass(frozen=True, eq=False)
class Closure:
    """A posterior of synthetic data beside their truth.

    Attributes
    ----------
    truth : ndarray, shape (p,)
        Parameters that made the data, in their units.
    values : ndarray, shape (n,)
        Synthetic measured values.
    posterior : Posterior
        What was inferred from them.
    """

    truth: Float
    values: Float
    posterior: Posterior

    def table(self) -> pd.DataFrame:
        """Return truth and posterior of each parameter.

        Returns
        -------
        pandas.DataFrame
            Columns ``truth``, ``mean``, ``sd``, ``pull`` (mean minus truth, in sd), ``inside68`` and ``inside95``; a
            row for each parameter.
        """
        rows = self.posterior.table()
        found = rows[["mean", "sd"]].copy()
        found.insert(0, "truth", self.truth)
        found["pull"] = (found["mean"] - found["truth"]) / found["sd"]
        for level in ("68", "95"):
            found[f"inside{level}"] = (rows[f"low{level}"] <= self.truth) & (
                self.truth <= rows[f"high{level}"]
            )
        return found

    @property
    def joint(self) -> float:
        """Probability of the smallest ellipsoid that holds the truth: up to 0.68 it is in the region of 68 %."""
        return float(np.mean(_distances(self.posterior.samples, self.truth)[0] < 0))


def closure(
    likelihood: Likelihood,
    truth: ArrayLike | Mapping[str, float],
    *,
    seed: int = 0,
    sampler: Sampler = "nuts",
    **options: Any,
) -> Closure:
    """Infer a known truth from synthetic data.

    Parameters
    ----------
    likelihood : Likelihood
        Points, errors and theory; the measured values are replaced.
    truth : array_like, shape (p,), or mapping of str to float
        Parameters that make the data, in their units.
    seed : int, optional
        Of the data and of the sampler.
    sampler : {"nuts", "nested"}, optional
        `sample_nuts` or `sample_nested`.
    **options
        Of the sampler.

    Returns
    -------
    Closure

    Raises
    ------
    InputError
        If the truth is beyond the priors or an argument is wrong.
    """
    instance("likelihood", likelihood, Likelihood)
    at = likelihood.parameters.checked(truth, "truth")
    sample = sample_nuts if choice("sampler", sampler, get_args(Sampler)) == "nuts" else sample_nested
    values = likelihood.simulate(at, seed)
    return Closure(at, values, sample(likelihood.with_values(values), seed=seed, **options))


@dataclass(frozen=True, eq=False)
class Calibration:
    """Ranks of truths among the samples of the posteriors of their synthetic data.

    Attributes
    ----------
    parameters : Parameters
        The truths are from their priors.
    truths : ndarray, shape (N, p)
        Parameters that made the data, in their units.
    ranks : ndarray of int, shape (N, p + 1)
        How many of `draws` samples lie below the truth, for each parameter; and how many lie nearer to the mean, in the
        metric of the posterior's covariance: the joint region.
    draws : int
        Samples of each posterior that the ranks count.
    """

    parameters: Parameters
    truths: Float
    ranks: Integer
    draws: int

    @property
    def names(self) -> tuple[str, ...]:
        """Columns of `ranks`: the parameters and ``"joint"``."""
        return (*self.parameters.names, JOINT)

    def coverage(self, level: float, *, false_alarm: float = 0.01) -> pd.DataFrame:
        """Return how often the region of a probability holds the truth.

        Parameters
        ----------
        level : float
            Probability of the region: central intervals of the parameters, the joint ellipsoid.
        false_alarm : float, optional
            Chance that a perfect posterior is outside of `low` to `high` in a row.

        Returns
        -------
        pandas.DataFrame
            For each parameter and ``joint``: ``inside``, the share of the truths; ``expected``, which is `level` but
            for the number of draws; ``low`` and ``high``, the binomial bounds of the share; ``good``.

        Raises
        ------
        InputError
            If a probability is none.
        """
        import pandas as pd  # noqa: PLC0415

        level = number("level", level, "be a probability", above=0, below=1)
        alarm = number("false_alarm", false_alarm, "be a probability", above=0, below=1)
        rows, n = {}, len(self.truths)
        for name, ranks in zip(self.names, self.ranks.T, strict=True):
            if name == JOINT:
                high = round(level * (self.draws + 1)) - 1
                low = 0
            else:
                low = round((1 - level) / 2 * (self.draws + 1))
                high = self.draws - low
            expected = (high - low + 1) / (self.draws + 1)
            inside = int(np.sum((low <= ranks) & (ranks <= high)))
            ends = binom.ppf([alarm / 2, 1 - alarm / 2], n, expected)
            rows[name] = {"inside": inside / n, "expected": expected, "low": ends[0] / n, "high": ends[1] / n}
            rows[name]["good"] = bool(ends[0] <= inside <= ends[1])
        return pd.DataFrame.from_dict(rows, orient="index")

    def histogram(self, bins: int = 10) -> tuple[Integer, float]:
        """Return the counts of the ranks in equal bins, (p + 1, bins), and the count expected in each.

        Parameters
        ----------
        bins : int, optional
            A divisor of the number of ranks, ``draws + 1``.

        Returns
        -------
        counts : ndarray of int, shape (p + 1, bins)
            A row for each of `names`.
        expected : float
            N over `bins`.

        Raises
        ------
        InputError
            If `bins` does not divide the number of ranks.
        """
        bins = integer("bins", bins, 2)
        if (self.draws + 1) % bins:
            raise InputError("bins", bins, f"divide the number of ranks, {self.draws + 1}")
        width = (self.draws + 1) // bins
        counts = np.array([np.bincount(ranks // width, minlength=bins) for ranks in self.ranks.T])
        return counts, len(self.truths) / bins

    def uniformity(self, bins: int = 10) -> dict[str, float]:
        """Return the p-value of uniform ranks for each of `names`, from the chi-square of the histogram.

        Parameters
        ----------
        bins : int, optional
            As in `histogram`; five truths or more in each for the chi-square distribution to hold.

        Returns
        -------
        dict of str to float

        Raises
        ------
        InputError
            As `histogram`.
        """
        counts, expected = self.histogram(bins)
        values = chi2.sf(np.sum((counts - expected) ** 2, axis=1) / expected, len(counts[0]) - 1)
        return dict(zip(self.names, map(float, values), strict=True))


@in_float64
def calibrate(
    likelihood: Likelihood,
    *,
    truths: int = 100,
    draws: int = 99,
    sampler: Sampler = "nuts",
    warmup: int | None = None,
    live: int | None = None,
    seed: int = 0,
    checkpoint: str | Path | None = None,
    progress: Progress | None = None,
) -> Calibration:
    """Infer many truths from the prior, each from synthetic data of its own.

    Parameters
    ----------
    likelihood : Likelihood
        Points, errors, theory and priors; the measured values are replaced. Without upper limits, which have no
        distribution of values.
    truths : int, optional
        Their number.
    draws : int, optional
        Samples of each posterior that the ranks count; the sampler draws four times as many.
    sampler : {"nuts", "nested"}, optional
        One chain of NUTS for each truth, twenty of them side by side; or one run of nested sampling, which is slower,
        and right where the posterior has separate maxima.
    warmup : int, optional
        Of NUTS, as in `sample_nuts`; 300 by default.
    live : int, optional
        Live points of nested sampling; 250 by default.
    seed : int, optional
        Of all random numbers.
    checkpoint : path, optional
        File that keeps what is done. After an interruption the same call goes on there, to the same ranks.
    progress : callable, optional
        Called with ``"truths"``, the number done and the total.

    Returns
    -------
    Calibration

    Raises
    ------
    InputError
        If an argument is wrong or of the other sampler, there are upper limits, nested sampling gives fewer than
        four times `draws` samples, or a package of the extra `infer` is missing.

    Notes
    -----
    Two-sided errors are drawn as two halves of Gaussians around the theory. The likelihood takes the side of a point
    before it moves with its correlated sources, as chi-square does: with very unequal sides the ranks are uniform in
    this approximation only.
    """
    instance("likelihood", likelihood, Likelihood)
    truths, draws = integer("truths", truths, 1), integer("draws", draws, 9)
    nuts = choice("sampler", sampler, get_args(Sampler)) == "nuts"
    if (other := ("live", live) if nuts else ("warmup", warmup))[1] is not None:
        raise InputError(*other, f"be left out with sampler='{sampler}'")
    warmup = integer("warmup", 300 if warmup is None else warmup, 100)
    live = enough_live("live", _LIVE if live is None else live, likelihood)
    seed = integer("seed", seed, 0)
    if np.any(likelihood.limits):
        raise InputError(
            "likelihood", "one with upper limits", "hold measured values only", "Leave the limits out."
        )
    report = no_report if progress is None else function("progress", progress)
    needs_extra("blackjax" if nuts else "dynesty")
    base, own = likelihood.base, likelihood.parameters
    # truth i and its data are those of seed and i alone
    unit = np.array([np.random.default_rng([2, seed, i]).uniform(size=len(own)) for i in range(truths)])
    truth = np.asarray(own.from_unit(unit))
    settings: dict[str, Any] = {"draws": draws, "seed": seed, "sampler": sampler}
    settings |= {"warmup": warmup} if nuts else {"live": live}
    store = Checkpoint(checkpoint, "calibration", likelihood, settings)
    kept = store.read() or {"ranks": np.zeros((0, len(own) + 1), dtype=np.int64)}
    ranks = kept["ranks"]
    while (done := len(ranks)) < truths:
        report("truths", done, truths)
        # the batches are all of one size, so that one compilation serves, and the last one may exceed the truths
        numbers = np.minimum(np.arange(done, done + (BATCH if nuts else 1)), truths - 1)
        values = np.array([likelihood.simulate(truth[i], seed=(seed, int(i))) for i in numbers])
        if nuts:
            warm, draw = zip(*(keys_of((seed, int(i)), 1)[:2] for i in numbers), strict=True)
            measured = jnp.asarray(values)
            chains = warm_chains(base, warmup, jnp.concatenate(warm), measured)
            _, made = draw_chains(base, THIN * draws, chains, jnp.concatenate(draw), measured, jnp.asarray(0))
            theta = np.asarray(own.from_normal(made["z"][..., : len(own)]))
        else:
            simulated = likelihood.with_values(values[0])
            theta = nested_draws(simulated, live, THIN * draws, [5, seed, done])[None]
            if (found := theta.shape[1]) < THIN * draws:
                allowed = (
                    f"be larger for {draws} draws, which take {THIN * draws} samples: a run gave {found}"
                )
                raise InputError("live", live, allowed)
        new = []
        for i, samples in zip(numbers[: truths - done], theta, strict=False):
            below = np.sum(samples[::THIN] < truth[i], axis=0)
            new.append([*below, np.sum(_distances(samples, truth[i])[0][::THIN] < 0)])
        ranks = np.concatenate([ranks, np.array(new, dtype=np.int64)])
        store.write({"ranks": ranks})
    report("truths", truths, truths)
    return Calibration(own, truth, ranks[:truths], draws)


def _distances(samples: Float, truth: Float) -> tuple[Float, float]:
    """Return squared distances of samples to their mean minus that of the truth, (S,), and that of the truth."""
    mean = samples.mean(axis=0)
    lower = np.linalg.cholesky(np.atleast_2d(np.cov(samples, rowvar=False)))
    own = float(np.sum(np.linalg.solve(lower, truth - mean) ** 2))
    return np.sum(np.linalg.solve(lower, (samples - mean).T) ** 2, axis=0) - own, own
