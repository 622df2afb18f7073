"""The adaptive design: more points where the posterior is, until the surrogate is sure there.

The first points fill the prior. Each further round samples the posterior as the surrogate knows it, tempered, and takes
those samples that would most lower the surrogate's variance over all of them. Its points are predicted before they are
computed: a test on points that nobody learned from. What is chosen is kept in a file before it is computed, so that an
interruption changes no point.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from .._atomic import atomic_path
from .._checks import function, instance, integer, positive
from .._checks import path as path_of
from .._types import Float
from ..campaign.plan import CODE_DIGEST
from ..errors import AccuracyWarning, warn_user
from .design import Design
from .likelihood import Likelihood
from .sampling import Progress, tempered
from .surrogate import Surrogate

# power of the likelihood from which points are drawn: sqrt(2) wider than the posterior, as the surrogate may be wrong
_POWER: Final = 0.5
# live points: a few hundred samples in two seconds; the posterior itself is sampled later, with more
_LIVE: Final = 100
_CANDIDATES: Final = 256  # samples that are chosen from
_MOST: Final = 0.95  # share of the posterior in which the surrogate shall be as good as asked


@dataclass(frozen=True)
class Round:
    """What is known of the surrogate after a round of the design.

    Attributes
    ----------
    points : int
        Of the design so far.
    missed, missed_own : float
        Root mean square, dimensionless, of (surrogate of the rounds before) - (computed) at the points of this round,
        over the errors of the data and over the errors that the surrogate gave itself; NaN for the first round, which
        nothing predicted.
    error : float
        Error of the surrogate for want of points, in errors of the data, a root mean square over the data: 95 % of the
        posterior is below. Where `missed_own` is above one it multiplies it.
    """

    points: int
    missed: float
    missed_own: float
    error: float


@dataclass(frozen=True, eq=False)
class Adapted:
    """A design that was adapted to a posterior.

    Attributes
    ----------
    design : Design
        All points, in the order of the rounds.
    surrogate : Surrogate
        What it learned from them.
    likelihood : Likelihood
        Of the data of the design, with this surrogate.
    rounds : tuple of Round
        The first one, then those that were added.
    samples : ndarray, shape (S, p)
        Samples of the tempered posterior, in the units of the parameters.
    """

    design: Design
    surrogate: Surrogate
    likelihood: Likelihood
    rounds: tuple[Round, ...]
    samples: Float

    def points(self, count: int) -> Float:
        """Return samples from which another calculation is learned best in the region of the posterior, (count, p)."""
        count = min(integer("count", count, 1), len(self.samples))
        return np.asarray(self.samples[self.surrogate.most_telling(self.samples, count, anew=True)])


def adapt_design(
    design: Design,
    compute: Callable[..., Design],
    *,
    rounds: int = 3,
    count: int = 6,
    error: float = 0.1,
    seed: int = 0,
    directory: str | Path | None = None,
    progress: Progress | None = None,
    **likelihood: Any,
) -> Adapted:
    """Add points to a design where the posterior is, until the surrogate is known there.

    Parameters
    ----------
    design : Design
        The first points, which fill the prior.
    compute : callable
        Called with `points` of shape (d, p), returns their design: the same calculation as the first, such as
        `compute_design` with all other arguments.
    rounds, count : int, optional
        Further rounds at most, and points of each.
    error : float, optional
        Share of the error of the data: the rounds end where the surrogate is known better in 95 % of the posterior.
    seed : int, optional
        Of the samples of the posterior that points are chosen from.
    directory : path, optional
        Folder that keeps which points were chosen: another call goes on with the same.
    progress : callable, optional
        Called with a stage, what is done and the total.
    **likelihood : object
        Options of `Likelihood`.

    Returns
    -------
    Adapted

    Raises
    ------
    InputError
        If an argument is wrong, or `compute` returns a design of other data.

    Warns
    -----
    AccuracyWarning
        If the surrogate is not that good after the last round. The posterior is wider for it.
    """
    instance("design", design, Design)
    function("compute", compute)
    rounds, count, seed = integer("rounds", rounds, 0), integer("count", count, 1), integer("seed", seed, 0)
    error = positive("error", error)
    folder = None if directory is None else path_of("directory", directory)
    if progress is not None:
        function("progress", progress)
    history: list[Round] = []
    misses = float("nan"), float("nan")
    while True:
        surrogate = Surrogate.fit(design)
        fitted = Likelihood(design.datasets, surrogate, **likelihood)
        what = [CODE_DIGEST, design.digest(), misses, count, seed, repr(likelihood)]
        digest = hashlib.sha256(json.dumps(what).encode()).hexdigest()[:16]
        kept = None if folder is None else folder / f"round-{digest}.json"
        if kept is not None and kept.exists():
            stored = json.loads(kept.read_text(encoding="utf-8"))
        else:

            def show(stage: str, done: int, total: int, known: int = len(design)) -> None:
                if progress is not None:
                    progress(f"posterior of {known} points", done, total)

            posterior, wide = tempered(fitted, (1.0, _POWER), live=_LIVE, seed=seed, progress=show)
            wide = wide[:_CANDIDATES]
            known = np.sqrt(np.mean(surrogate.uncertainty(posterior[:_CANDIDATES]) ** 2, axis=1))
            reached = float(np.quantile(known, _MOST)) * np.fmax(misses[1], 1.0)
            chosen = wide[surrogate.most_telling(wide, min(count, len(wide)))]
            stored = {
                "round": asdict(Round(len(design), *misses, float(reached))),
                "points": chosen.tolist(),
                "samples": wide.tolist(),
            }
            if kept is not None:
                with atomic_path(kept) as temporary:
                    temporary.write_text(json.dumps(stored), encoding="utf-8")
        history.append(Round(**stored["round"]))
        if history[-1].error <= error or len(history) > rounds:
            break
        new = instance("what compute returns", compute(points=np.array(stored["points"])), Design)
        in_data, in_own = surrogate.misses(new)
        misses = float(np.sqrt(np.mean(in_data**2))), float(np.sqrt(np.mean(in_own**2)))
        design = design.joined(new)
    if history[-1].error > error:
        words = f"The surrogate is known to {history[-1].error:.2g} of the error of the data after {rounds} rounds"
        words += f", not to {error:g}: the posterior is wider for it. More points, or rounds, make it better."
        warn_user(words, AccuracyWarning)
    return Adapted(design, surrogate, fitted, tuple(history), np.array(stored["samples"]))
