"""Samplers of the posterior, and the profile of the likelihood.

All three see one density. NUTS (blackjax) and nested sampling (dynesty) share nothing beyond it, so that each tests the
other; nested sampling also integrates it: the evidence. They move in coordinates in which every prior is the same: unit
normals for NUTS, the unit cube for nested sampling. Where the integral over the nuisance parameters is a closed form
they sample the parameters alone, and the nuisance parameters are drawn afterwards from their exact distribution.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtri
from numpy.typing import ArrayLike

from .._checks import function, increasing, instance, integer, mapping, texts
from .._types import Float
from ..errors import AccuracyWarning, InputError, warn_user
from ..observables.estimate import Estimate
from .checkpoint import Checkpoint
from .likelihood import Likelihood
from .parameters import in_float64
from .posterior import LEVELS, Posterior, needs_extra

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with the name of a stage, what is done of it, and its total."""

CHUNK: Final = 100  # draws of each chain between two checkpoints
# share of accepted energy errors that NUTS adapts its step to; larger than Stan's 0.8, as steps are cheap here
ACCEPTANCE: Final = 0.9
# unknowns up to which NUTS adapts all correlations, and not the widths alone
DENSE: Final = 12
# R-hat up to which the chains count as mixed; A. Gelman and D. B. Rubin, Statist. Sci. 7 (1992) 457, allow 1.1
LEAST_MIXED: Final = 1.05
# share of the evidence that may be left in the live points: dynesty's dlogz
REMAINDER: Final = 0.01
_ROUGHLY: Final = 0.1  # the same where no evidence is wanted
# what of a run of dynesty makes its result
KEPT: Final = ("samples_u", "samples_id", "samples_it", "logl", "logvol", "logz", "logzerr", "logwt", "ncall")


@in_float64
def sample_nuts(
    likelihood: Likelihood,
    *,
    draws: int = 1000,
    chains: int = 4,
    warmup: int = 1000,
    seed: int = 0,
    checkpoint: str | Path | None = None,
    progress: Progress | None = None,
) -> Posterior:
    """Sample the posterior with the No-U-Turn sampler (M. D. Hoffman and A. Gelman, JMLR 15 (2014) 1593).

    Parameters
    ----------
    likelihood : Likelihood
        Data, theory and priors.
    draws, chains : int, optional
        Samples of each chain after the warm-up, and independent chains, two at least for R-hat.
    warmup : int, optional
        Steps in which each chain adapts its step and its metric; not among the samples.
    seed : int, optional
        Of all random numbers: the same seed gives the same samples.
    checkpoint : path, optional
        File that keeps what is drawn. After an interruption the same call goes on there, to the same samples.
    progress : callable, optional
        Called with ``"warm-up"`` or ``"draws"``, the number done and the total.

    Returns
    -------
    Posterior
        Samples of equal weight.

    Raises
    ------
    InputError
        If an argument is wrong, a package of the extra `infer` is missing, the checkpoint belongs to another inference,
        or the likelihood is not finite.

    Warns
    -----
    AccuracyWarning
        If the chains have not mixed: R-hat above 1.05.
    """
    instance("likelihood", likelihood, Likelihood)
    settings = {
        "draws": integer("draws", draws, 4),
        "chains": integer("chains", chains, 1),
        "warmup": integer("warmup", warmup, 100),
        "seed": integer("seed", seed, 0),
    }
    report = no_report if progress is None else function("progress", progress)
    needs_extra("blackjax", "arviz")
    store = Checkpoint(checkpoint, "nuts", likelihood, {n: v for n, v in settings.items() if n != "draws"})
    base, values = likelihood.base, jnp.tile(likelihood.values, (chains, 1))
    warm_keys, draw_keys, last_key = keys_of(seed, chains)
    kept = store.read()
    if kept is None:
        report("warm-up", 0, warmup)
        state = warm_chains(base, warmup, warm_keys, values)
        kept = {f"state{i}": np.asarray(leaf) for i, leaf in enumerate(jax.tree.leaves(state))}
        size = state[0].position.shape[-1]
        kept |= {"z": np.zeros((chains, 0, size)), "diverging": np.zeros((chains, 0), dtype=bool)}
        kept |= {name: np.zeros((chains, 0)) for name in ("acceptance_rate", "energy", "lp", "n_steps")}
        store.write(kept)
    report("warm-up", warmup, warmup)
    # draw i of a chain depends on its state and on key i alone: chunks and interruptions change nothing
    structure: Any = jax.tree.structure(jax.eval_shape(partial(warm_chains, base, warmup), warm_keys, values))
    leaves = [jnp.asarray(kept[f"state{i}"]) for i in range(structure.num_leaves)]
    state = jax.tree.unflatten(structure, leaves)
    while (done := kept["z"].shape[1]) < draws:
        report("draws", done, draws)
        state, new = draw_chains(base, CHUNK, state, draw_keys, values, jnp.asarray(done))
        kept = {name: np.concatenate([kept[name], np.asarray(new[name])], axis=1) for name in new}
        kept |= {f"state{i}": np.asarray(leaf) for i, leaf in enumerate(jax.tree.leaves(state))}
        store.write(kept)
    report("draws", draws, draws)
    z = kept.pop("z")[:, :draws]
    stats = {name: array[:, :draws] for name, array in kept.items() if not name.startswith("state")}
    theta, nuisances = _unpacked(base, last_key, jnp.asarray(z), values[0])
    if not np.all(np.isfinite(stats["lp"])):
        raise InputError(
            "likelihood", "NaN or infinite", "be finite everywhere in the priors", "Check `predict`."
        )
    found = Posterior.of(
        likelihood, theta, nuisances, sampler="NUTS (blackjax)", settings=settings, stats=stats
    )
    if chains > 1 and (worst := float(found.table()["r_hat"].max())) > LEAST_MIXED:
        words = f"The chains differ: R-hat = {worst:.2f} is above {LEAST_MIXED}. Take more draws and a longer warm-up; "
        words += "nested sampling finds separate maxima."
        warn_user(words, AccuracyWarning)
    return found


@in_float64
def sample_nested(
    likelihood: Likelihood,
    *,
    live: int = 250,
    runs: int = 2,
    seed: int = 0,
    checkpoint: str | Path | None = None,
    progress: Progress | None = None,
) -> Posterior:
    """Sample the posterior and integrate it by nested sampling (J. Skilling, Bayesian Analysis 1 (2006) 833).

    Parameters
    ----------
    likelihood : Likelihood
        Data, theory and priors.
    live : int, optional
        Live points of each run.
    runs : int, optional
        Independent runs, joined to one with ``live * runs`` live points.
    seed : int, optional
        Of all random numbers: the same seed gives the same samples.
    checkpoint : path, optional
        File that keeps finished runs. After an interruption the same call goes on with the next, to the same samples.
    progress : callable, optional
        Called with ``"run 1 of 2"`` and so on, the number of points so far, and an estimate of their total.

    Returns
    -------
    Posterior
        Samples of equal weight, as many as are independent, and the evidence.

    Raises
    ------
    InputError
        If an argument is wrong, a package of the extra `infer` is missing, or the checkpoint belongs to another
        inference.
    """
    instance("likelihood", likelihood, Likelihood)
    settings = {
        "live": enough_live("live", live, likelihood),
        "runs": integer("runs", runs, 1),
        "seed": integer("seed", seed, 0),
    }
    report = no_report if progress is None else function("progress", progress)
    needs_extra("dynesty", "arviz")
    store = Checkpoint(checkpoint, "nested", likelihood, {n: v for n, v in settings.items() if n != "runs"})
    joined = _nested(likelihood, settings, store, report)
    rng = np.random.default_rng([1, seed, runs])
    u = joined["samples_u"][_equally_weighted(joined["logwt"], rng)]
    *_, last_key = keys_of(seed, 1)
    z = ndtri(jnp.clip(jnp.asarray(u), 2.0**-53, 1 - 2.0**-53))[None]
    theta, nuisances = _unpacked(likelihood.base, last_key, z, jnp.asarray(likelihood.values))
    evidence = Estimate(float(joined["logz"][-1]), {"statistical": float(joined["logzerr"][-1])})
    settings["calls"] = int(np.sum(joined["ncall"]))
    return Posterior.of(
        likelihood,
        theta,
        nuisances,
        sampler="nested sampling (dynesty)",
        settings=settings,
        evidence=evidence,
    )


def enough_live(name: str, live: Any, likelihood: Likelihood) -> int:
    """Return a number of live points, if it is large enough for nested sampling of the likelihood."""
    p = len(likelihood.parameters)
    size = p if likelihood.gaussian else p + likelihood.size
    # a bound of ellipsoids needs more live points than unknowns in each of them
    least = 2 * size + 2
    return integer(name, live, least, allowed=f"be an integer, at least {least} for {size} unknowns")


def nested_draws(likelihood: Likelihood, live: int, count: int, seed: Sequence[int]) -> Float:
    """Return at most `count` samples of the parameters from one nested run, (count, p), in a random order."""
    rng = np.random.default_rng(seed)
    settings = {"live": live, "runs": 1, "seed": int(rng.integers(2**31))}
    made = _nested(likelihood, settings, Checkpoint(None, "nested", likelihood, {}), no_report)
    # as many from every run, so that the functions of JAX are compiled once
    chosen = _equally_weighted(made["logwt"], rng)[:count]
    return np.asarray(
        likelihood.parameters.from_unit(made["samples_u"][chosen, : len(likelihood.parameters)])
    )


def _nested(
    likelihood: Likelihood,
    settings: Mapping[str, int],
    store: Checkpoint,
    report: Progress,
    *,
    roughly: bool = False,
) -> Any:
    """Return dynesty's results of independent runs, joined, in the unit cube; `roughly` as `tempered` needs them."""
    from dynesty import NestedSampler  # noqa: PLC0415
    from dynesty.results import Results  # noqa: PLC0415
    from dynesty.utils import merge_runs  # noqa: PLC0415

    base, values = likelihood.base, jnp.asarray(likelihood.values)
    size = len(base.parameters) + (0 if base.gaussian or roughly else base.size)
    live, runs, seed = (settings[name] for name in ("live", "runs", "seed"))
    remainder = _ROUGHLY if roughly else REMAINDER

    def density(u: Float) -> float:
        found = float((_roughly_in_cube if roughly else _in_cube)(base, jnp.asarray(u), values))
        return found if np.isfinite(found) else -1e300  # dynesty takes no -inf from the first points

    kept = store.read() or {}
    finished = []
    for number_of_run in range(runs):
        stage, prefix = f"run {number_of_run + 1} of {runs}", f"run{number_of_run}_"
        if f"{prefix}logl" not in kept:
            rng = np.random.default_rng([0, seed, number_of_run])
            sampler = NestedSampler(density, _same, size, nlive=live, rstate=rng)

            def show(results: Any, niter: int, *_: Any, stage: str = stage, **options: Any) -> None:
                if niter % live == 0:
                    # the volume shrinks by 1/e in `live` points, and what is left by delta_logz of it
                    left = live * max(float(results.delta_logz) / remainder, 1.0) ** 0.5
                    report(stage, niter, niter + int(min(left, 20 * live)))

            with warnings.catch_warnings():
                # a narrow, bent posterior takes more calls, which is no error
                warnings.filterwarnings("ignore", "The enlargement factor", UserWarning)
                sampler.run_nested(dlogz=remainder, print_progress=True, print_func=show)
            found = sampler.results
            for name in KEPT:
                kept[prefix + name] = np.asarray(found[name])
            store.write(kept)
        run = {name.removeprefix(prefix): array for name, array in kept.items() if name.startswith(prefix)}
        run |= {"samples": run["samples_u"], "nlive": live, "niter": len(run["logl"]) - live, "eff": 1.0}
        run |= {"blob": np.zeros(len(run["logl"])), "information": np.zeros(len(run["logl"]))}
        report(stage, len(run["logl"]), len(run["logl"]))
        finished.append(Results(run))
    return merge_runs(finished, print_progress=False) if runs > 1 else finished[0]


def _equally_weighted(log_weights: Float, rng: np.random.Generator) -> Any:
    """Return numbers of samples that have equal weights, as many as Kish's effective number, in a random order."""
    weights = np.exp(log_weights - log_weights.max())
    weights /= weights.sum()
    # at equal distances in the sum of the weights
    count = max(int(1 / np.sum(weights**2)), 4)
    chosen = np.searchsorted(np.cumsum(weights), (np.arange(count) + rng.uniform()) / count)
    return rng.permutation(np.minimum(chosen, len(weights) - 1))


@in_float64
def tempered(
    likelihood: Likelihood,
    powers: Sequence[float],
    *,
    live: int,
    seed: int,
    progress: Progress | None = None,
) -> list[Float]:
    """Return samples of the prior times powers of the likelihood, (S, p) each, from one nested run.

    A power of one half doubles the variance of a Gaussian posterior. Nuisance parameters are integrated over, as if all
    errors were Gaussian, without upper limits: good enough to choose points, and quick with any likelihood.
    """
    needs_extra("dynesty")
    settings = {"live": max(live, 2 * len(likelihood.parameters) + 2), "runs": 1, "seed": seed}
    store = Checkpoint(None, "nested", likelihood, {})
    made = _nested(likelihood, settings, store, progress or no_report, roughly=True)
    rng = np.random.default_rng([4, seed])
    theta = np.asarray(likelihood.parameters.from_unit(made["samples_u"]))
    # a weight is the volume of a shell of the cube times the likelihood
    return [theta[_equally_weighted(made["logwt"] + (power - 1) * made["logl"], rng)] for power in powers]


@dataclass(frozen=True, eq=False)
class Profile:
    """The best fit, and how the agreement gets worse away from it, all other unknowns fitted again at each point.

    Attributes
    ----------
    names : tuple of str
        One or two parameters.
    grids : tuple of ndarray, shape (size,) each
        Their values, in the units of the parameters.
    deviance : ndarray, shape (len(grids[0]),) or (len(grids[0]), len(grids[1]))
        Chi-square, or with upper limits or Student's t minus twice the logarithm of the likelihood over its peak.
    best : dict of str to float
        All parameters where the deviance is least, in their units.
    nuisances : dict of str to float
        Nuisance parameters there, in units of their standard deviations.
    least : float
        The deviance there, a number.
    intervals : dict of str to dict of float to (float, float)
        MINOS intervals of each of `names` by their level, 0.68 and 0.95; they end where the prior does.
    """

    names: tuple[str, ...]
    grids: tuple[Float, ...]
    deviance: Float
    best: dict[str, float]
    nuisances: dict[str, float]
    least: float
    intervals: dict[str, dict[float, tuple[float, float]]]


@in_float64
def profile(
    likelihood: Likelihood,
    names: str | Sequence[str],
    *,
    size: int = 21,
    grids: Mapping[str, ArrayLike] | None = None,
) -> Profile:
    """Return the profile of the likelihood in one or two parameters, by MIGRAD and MINOS of iminuit.

    No prior enters, but for its ends.

    Parameters
    ----------
    likelihood : Likelihood
        Data and theory.
    names : str or sequence of str
        One or two parameters.
    size : int, optional
        Points in each of them, over the middle 99.98 % of the prior.
    grids : mapping of str to array_like of shape (size,), optional
        Increasing values of a parameter instead, in its unit.

    Returns
    -------
    Profile

    Raises
    ------
    InputError
        If there is no such parameter, an argument is wrong, iminuit is missing, or no minimum is found.
    """
    instance("likelihood", likelihood, Likelihood)
    chosen = (
        (names,) if isinstance(names, str) else texts("names", names, "be one or two names of parameters")
    )
    own = likelihood.parameters
    indices = [own.index(name) for name in chosen]
    if not 1 <= len(set(chosen)) == len(chosen) <= 2:
        raise InputError("names", chosen, "be one or two names of parameters")
    size = integer("size", size, 2)
    given = {} if grids is None else mapping("grids", grids)
    for name in given:
        if name not in chosen:
            raise InputError("grids", name, f"name {' and '.join(chosen)}")
    ends = np.asarray(own.from_unit(np.array([[1e-4], [1 - 1e-4]]) * np.ones(len(own))))
    axes = []
    for name, i in zip(chosen, indices, strict=True):
        axis = given.get(name, np.linspace(ends[0, i], ends[1, i], size))
        low, high = own.low[i], own.high[i]
        axis = increasing(f"grids[{name!r}]", axis, f"increase from {low:g} to {high:g}, the prior", low=low)
        if axis[-1] > high:
            raise InputError(
                f"grids[{name!r}]", float(axis[-1]), f"increase from {low:g} to {high:g}, the prior"
            )
        axes.append(axis)
    needs_extra("iminuit")
    from iminuit import Minuit  # noqa: PLC0415

    base, p, values = likelihood.base, len(own), jnp.asarray(likelihood.values)
    hidden = 0 if likelihood.gaussian else likelihood.size
    start = np.concatenate([np.asarray(own.from_unit(np.full(p, 0.5))), np.zeros(hidden)])
    fit = Minuit(
        lambda x: float(_deviance(base, x, values)[0]),
        start,
        grad=lambda x: np.asarray(_deviance(base, x, values)[1]),
        name=(*own.names, *(f"nuisance {i}" for i in range(hidden))),
    )
    fit.errordef = Minuit.LEAST_SQUARES
    fit.tol = 0.01  # a tenth of the default: minima are known to 2e-5 of chi-square
    for i, (low, high) in enumerate(zip(own.low, own.high, strict=True)):
        fit.limits[i] = (low, high)
        fit.errors[i] = (ends[1, i] - ends[0, i]) / 10
    fit.migrad()
    if not fit.valid:
        raise InputError(
            "likelihood", f"{fit.fval:.6g} at the last step", "have a minimum inside of the priors"
        )
    least, at, x = fit.fval, fit.values.to_dict(), np.array(fit.values)
    intervals: dict[str, dict[float, tuple[float, float]]] = {name: {} for name in chosen}
    for level in LEVELS:
        for name, i in zip(chosen, indices, strict=True):
            fit.minos(name, cl=level)
            error = fit.merrors[name]
            low = at[name] + error.lower if error.lower_valid else own.low[i]
            high = at[name] + error.upper if error.upper_valid else own.high[i]
            intervals[name][level] = float(low), float(high)
    nuisances = np.asarray(base.conditional(jnp.asarray(x[:p]), values)[0]) if likelihood.gaussian else x[p:]
    for i in indices:
        fit.fixed[i] = True
    deviance = np.empty([len(axis) for axis in axes])
    for row in np.ndindex(deviance.shape):
        fit.values = x  # from the best fit: each point is the same whatever was fitted before
        for i, axis, k in zip(indices, axes, row, strict=True):
            fit.values[i] = axis[k]
        if fit.nfit:
            fit.migrad()
        deviance[row] = float(_deviance(base, np.array(fit.values), values)[0])
    best, pulls = (
        {name: at[name] for name in own.names},
        dict(zip(likelihood.names, nuisances.tolist(), strict=False)),
    )
    return Profile(chosen, tuple(axes), deviance, best, pulls, float(least), intervals)


def _same(u: Float) -> Float:
    return u


def no_report(stage: str, done: int, total: int) -> None:
    """Progress callback that prints nothing."""


def keys_of(seed: int | tuple[int, ...], chains: int) -> tuple[Any, Any, Any]:
    """Return keys of the warm-up and of the draws, one a chain, and of the nuisance parameters drawn afterwards."""
    first, *more = (seed,) if isinstance(seed, int) else seed
    key = jax.random.key(first)
    for number in more:
        key = jax.random.fold_in(key, number)
    warm, draw, last = jax.random.split(key, 3)
    return jax.random.split(warm, chains), jax.random.split(draw, chains), last


def _log_posterior(base: Likelihood, z: Any, values: Any) -> Any:
    """Return the log-posterior of unit normals: the parameters, then the nuisance parameters if not integrated over."""
    p = len(base.parameters)
    return _given(base, base.parameters.from_normal(z[:p]), z[p:], values) - z @ z / 2


def _given(base: Likelihood, theta: Any, nuisances: Any, values: Any) -> Any:
    return base.log_density(theta, None if base.gaussian else nuisances, values, 1.0)


@partial(jax.jit, static_argnums=0)
def _deviance(base: Likelihood, x: Any, values: Any) -> Any:
    """Return the deviance and its gradient at parameters, and nuisance parameters where they are no closed form."""
    p = len(base.parameters)
    return jax.value_and_grad(lambda x: base.deviance(x[:p], None if base.gaussian else x[p:], values))(x)


@partial(jax.jit, static_argnums=0)
def _in_cube(base: Likelihood, u: Any, values: Any) -> Any:
    """Return the log-likelihood at a point of the unit cube."""
    p = len(base.parameters)
    nuisances = ndtri(jnp.clip(u[p:], 2.0**-53, 1 - 2.0**-53))
    return _given(base, base.parameters.from_unit(u[:p]), nuisances, values)


@partial(jax.jit, static_argnums=0)
def _roughly_in_cube(base: Likelihood, u: Any, values: Any) -> Any:
    """Return the Gaussian log-likelihood at a point of the cube of the parameters, without upper limits."""
    return base.log_density(base.parameters.from_unit(u), None, values, np.where(base.limits, 0.0, 1.0))


def _warm_chain(base: Likelihood, warmup: int, key: Any, values: Any) -> Any:
    """Return state, step and metric of a chain after its warm-up."""
    import blackjax  # noqa: PLC0415
    from blackjax.adaptation.base import get_filter_adapt_info_fn  # noqa: PLC0415

    size = len(base.parameters) + (0 if base.gaussian else base.size)
    begin, adapt = jax.random.split(key)
    adaptation = blackjax.window_adaptation(
        blackjax.nuts,
        lambda z: _log_posterior(base, z, values),
        is_mass_matrix_diagonal=size > DENSE,
        target_acceptance_rate=ACCEPTANCE,
        adaptation_info_fn=get_filter_adapt_info_fn(),
    )
    (state, found), _ = adaptation.run(adapt, jax.random.normal(begin, (size,)), warmup)
    return state, found["step_size"], found["inverse_mass_matrix"]


def _draw_chain(base: Likelihood, count: int, chain: Any, key: Any, values: Any, first: Any) -> Any:
    """Return the chain after `count` draws, and the draws with their statistics; draw i is of key i."""
    from blackjax.mcmc import nuts  # noqa: PLC0415

    state, step, metric = chain
    kernel = nuts.build_kernel()

    def one(state: Any, i: Any) -> Any:
        state, info = kernel(
            jax.random.fold_in(key, i), state, lambda z: _log_posterior(base, z, values), step, metric
        )
        made = {
            "z": state.position,
            "lp": state.logdensity,
            "diverging": info.is_divergent,
            "acceptance_rate": info.acceptance_rate,
            "energy": info.energy,
            "n_steps": info.num_integration_steps.astype(float),
        }
        return state, made

    state, made = jax.lax.scan(one, state, first + jnp.arange(count))
    return (state, step, metric), made


@partial(jax.jit, static_argnums=(0, 1))
def warm_chains(base: Likelihood, warmup: int, keys: Any, values: Any) -> Any:
    """Return chains after their warm-up, each with measured values of its own, (chains, n)."""
    # one after the other: side by side, all would take as many steps as the slowest, and batches of LAPACK's
    # factorizations in JAX 0.10 may wait forever for threads that a small machine does not have
    return jax.lax.map(lambda chain: _warm_chain(base, warmup, *chain), (keys, values))


@partial(jax.jit, static_argnums=(0, 1))
def draw_chains(base: Likelihood, count: int, chains: Any, keys: Any, values: Any, first: Any) -> Any:
    """Return chains and what they drew, (chains, count, ...) each."""
    return jax.lax.map(
        lambda chain: _draw_chain(base, count, chain[0], chain[1], chain[2], first), (chains, keys, values)
    )


@partial(jax.jit, static_argnums=0)
def _unpacked(base: Likelihood, key: Any, z: Any, values: Any) -> tuple[Any, Any]:
    """Return parameters and nuisance parameters of unit normals of shape (chains, draws, unknowns).

    Nuisance parameters that were integrated over are drawn from their exact distribution at each sample.
    """
    p = len(base.parameters)
    theta = base.parameters.from_normal(z[..., :p])
    if not base.gaussian:
        return theta, z[..., p:]
    normals = jax.random.normal(key, (*z.shape[:-1], base.size))

    def one(pair: Any) -> Any:
        mean, root = base.conditional(pair[0], values)
        return mean + root @ pair[1]

    drawn = jax.lax.map(one, (theta.reshape(-1, p), normals.reshape(-1, base.size)))
    return theta, drawn.reshape(normals.shape)
