r"""The probability of the data, given parameters: correlated errors of data and theory, upper limits, outliers.

With residuals r = data - theory, point-to-point variances D and one row of S for each source of correlated error, its
shift of the theory per standard deviation nu,

.. math:: \ln L(\theta, \nu) = \sum_i \ln f\big((r - S^T \nu)_i / \sigma_i\big) - \ln \bar\sigma_i,
          \qquad \nu_j \sim N(0, 1),

with f Gaussian or Student's t. The sources of the data are those of `observables.chi_square`; the theory adds its own:
feed-down and cross sections, and the columns of a factor of its covariance. For Gaussian f the integral over all nu is
a Gaussian of covariance D + S^T S, the minimum over them is chi-square: both are closed forms, and no sampler has to
walk through the nuisance parameters.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import combinations
from typing import Any, Final, NamedTuple, Protocol, cast, get_args, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import cho_solve, solve_triangular
from jax.scipy.special import log_ndtr
from numpy.typing import ArrayLike
from scipy.special import gammaln, ndtri

from .._checks import boolean, choice, finite_array, instance, instances, integer, number, settle
from .._types import Float
from ..errors import InputError
from ..observables.data.compare import ErrorModel, Systematic, centrality_class, error_model
from ..observables.data.dataset import DataSet
from .parameters import Parameters, in_float64

# of a two-sided error the side changes smoothly within this share of the error around the point
BLEND: Final = 0.1
_LOG_2PI: Final = float(np.log(2 * np.pi))


class Prediction(NamedTuple):
    """Theory at the n points of all measurements, one after the other.

    Attributes
    ----------
    mean : array, shape (n,)
        Expected values.
    shifts : array, shape (m, n)
        Change per standard deviation of each source of theory error that has a name.
    covariance_factor : array, shape (n, k)
        L with L L^T the covariance of everything else: emulator, paths, numerics. May depend on the parameters.
    """

    mean: Any
    shifts: Any
    covariance_factor: Any


@runtime_checkable
class Predict(Protocol):
    """A calculation of all points in JAX: traceable, called in float64 with parameters of shape (p,).

    `parameters` are those that it takes, in order; `shift_names` name the rows of `Prediction.shifts`.

    Parameters
    ----------
    *args, **kwargs : object
        Of the class that implements it.
    """

    @property
    def parameters(self) -> Parameters:
        """What it takes."""

    @property
    def shift_names(self) -> tuple[str, ...]:
        """Sources of theory error."""

    def __call__(self, theta: Any) -> Prediction:
        """Return the theory at the points."""


def select(datasets: Sequence[DataSet]) -> tuple[DataSet, ...]:
    """Return measurements that may enter one likelihood together: no measurement twice.

    Two data sets of one experiment and one kind of collision are one measurement if they count mesons of one state in
    overlapping ranges of p_T, rapidity and centrality, whatever the axis: copies, superseded points, the same events
    against N_part and against p_T. R_AA and a double ratio are if they share a state, and a double ratio is that
    follows from two others.

    Parameters
    ----------
    datasets : sequence of DataSet
        One at least.

    Returns
    -------
    tuple of DataSet
        The same.

    Raises
    ------
    InputError
        If one measurement is there twice; the message names both.
    """
    sets = instances("datasets", datasets, DataSet, least=1)
    remedy = "Leave one of them out."
    for one, two in combinations(sets, 2):
        if not _same_events(one, two):
            continue
        ratios, common = _is_ratio(one) + _is_ratio(two), _states(one) & _states(two)
        if one.observable == two.observable and (one.state == two.state if ratios else common):
            why = "count the same mesons twice"
        elif ratios == 1 and common and {one.observable, two.observable} <= {"double_ratio", "R_AA", "R_pA"}:
            why = "hold one state in a ratio and by itself"
        else:
            continue
        pair = f"{one.state} {one.observable}", f"{two.state} {two.observable}"
        raise InputError("datasets", pair, f"not {why}, as these do: {one}; {two}", remedy)
    for three in combinations([data for data in sets if _is_ratio(data)], 3):
        closed = len(set.union(*map(_states, three))) == 3 and len({data.state for data in three}) == 3
        if closed and all(_same_events(*pair) for pair in combinations(three, 2)):
            allowed = f"not hold a double ratio that follows from two others: {'; '.join(map(str, three))}"
            raise InputError("datasets", [data.state for data in three], allowed, remedy)
    return sets


def _is_ratio(data: DataSet) -> bool:
    return data.observable == "double_ratio"


def _states(data: DataSet) -> set[str]:
    """Return the states that enter a measurement: of Y(1S+2S+3S) and of ratios all of them."""
    return set(re.findall(r"\d[SPD]", data.state)) or {data.state}


def _same_events(one: DataSet, two: DataSet) -> bool:
    """Return whether two measurements share events: experiment, collisions, and overlapping ranges of each kind."""
    if any(getattr(one, n) != getattr(two, n) for n in ("experiment", "system", "sqrt_s_GeV")):
        return False
    return all(max(a[0], b[0]) < min(a[1], b[1]) for a, b in zip(_ranges(one), _ranges(two), strict=True))


def _ranges(data: DataSet) -> tuple[tuple[float, float], ...]:
    """Return the ranges of p_T, of rapidity and of centrality in which a measurement counts."""
    pT, y = data.acceptance.pT, data.acceptance.y
    classes = [c for c in map(centrality_class, data.centrality) if c is not None]
    centrality = (
        (min(low for low, _ in classes), max(high for _, high in classes)) if classes else (0.0, 100.0)
    )
    edges = [e for e in (data.x_low, data.x_high) if np.all(np.isfinite(e))]
    if len(edges) == 2:
        own = float(edges[0].min()), float(edges[1].max())
        if data.x_name == "pT_GeV":
            pT = max(pT[0], own[0]), min(pT[1], own[1])
        elif data.x_name in {"y", "y_cm", "abs_y"}:
            # of |y| both signs count
            low = -own[1] if data.x_name == "abs_y" and own[0] <= 0 else own[0]
            y = max(y[0], low), min(y[1], own[1])
    return pT, y, centrality


@dataclass(frozen=True, eq=False)
class Likelihood:
    """Probability of measurements, given a calculation and its parameters.

    Parameters
    ----------
    datasets : sequence of DataSet
        Measurements, none twice (`select`). Points without an error are left out.
    predict : Predict
        Theory at all their points, in JAX.
    systematic : {"uncorrelated", "correlated"}, optional
        As in `observables.chi_square`.
    common_global : bool, optional
        As in `observables.chi_square`.
    student_nu : float, optional
        Degrees of freedom of Student's t for point-to-point errors: 4, say, keeps outliers from pulling. Gaussian by
        default.
    parameters : Parameters, optional
        With other priors than those of `predict`, inside of theirs.

    Raises
    ------
    InputError
        If a measurement is there twice, no point can be compared, or the calculation fails in the middle of the priors.

    Notes
    -----
    Of two-sided errors the one towards the theory counts. Within a tenth of the error around a point it changes
    smoothly from one to the other, so that the density has a gradient everywhere; beyond, it is that of `chi_square`.
    The norm is that of a Gaussian with two halves. An upper limit contributes the probability that a measurement of the
    predicted value lies below it, an error function; its width is the published error, or that with which a
    measurement of zero gives this limit at its confidence level.
    """

    datasets: tuple[DataSet, ...]
    predict: Predict
    systematic: Systematic = field(default="uncorrelated", kw_only=True)
    common_global: bool = field(default=False, kw_only=True)
    student_nu: float | None = field(default=None, kw_only=True)
    parameters: Parameters = field(default=cast(Parameters, None), kw_only=True)
    values: Float = field(init=False, repr=False)
    """Measured values, shape (n,); `with_values` changes them."""
    base: Likelihood = field(init=False, repr=False)
    """The likelihood that others were made of by `with_values`."""
    _errors: ErrorModel = field(init=False, repr=False)
    _columns: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        settle(
            self, datasets=select(self.datasets), common_global=boolean("common_global", self.common_global)
        )
        settle(self, systematic=choice("systematic", self.systematic, get_args(Systematic)))
        if self.student_nu is not None:
            settle(
                self,
                student_nu=number("student_nu", self.student_nu, "be a number above 2, or None", above=2),
            )
        if not isinstance(self.predict, Predict) or isinstance(self.predict, type):
            raise InputError("predict", self.predict, "be a calculation with `parameters` and `shift_names`")
        known = instance("predict.parameters", self.predict.parameters, Parameters)
        given: Any = self.parameters
        own = known if given is None else instance("parameters", given, Parameters)
        settle(self, parameters=own)
        if own.names != known.names or np.any(own.low < known.low) or np.any(own.high > known.high):
            allowed = f"be {', '.join(known.names)} with priors inside of those of `predict`"
            raise InputError("parameters", own.names, allowed)
        errors = error_model(self.datasets, self.systematic, self.common_global)
        settle(self, _errors=errors, values=errors.value)
        if not np.any(self.used):
            raise InputError("datasets", [str(data) for data in self.datasets], "have points with errors")
        self._check_prediction()

    def _check_prediction(self) -> None:
        """Refuse a calculation of the wrong shape or without a number in the middle of the priors."""
        n, m = len(self.values), len(self.predict.shift_names)
        with jax.enable_x64(True):
            made = self.predict(self.parameters.from_unit(np.full(len(self.parameters), 0.5)))
        if not isinstance(made, Prediction):
            raise InputError("predict", type(made).__name__, "return a Prediction")
        mean, shifts, factor = map(np.asarray, made)
        if mean.dtype != np.float64:
            raise InputError("predict", mean.dtype, "compute in float64")
        if mean.shape != (n,) or shifts.shape != (m, n) or factor.shape[:1] != (n,) or factor.ndim != 2:
            found = mean.shape, shifts.shape, factor.shape
            raise InputError("predict", found, f"return arrays of shapes ({n},), ({m}, {n}) and ({n}, k)")
        good = np.isfinite(mean) & np.isfinite(shifts).all(axis=0) & np.isfinite(factor).all(axis=1)
        start = 0
        for data in self.datasets:
            points = slice(start, start := start + len(data))
            if np.any(self.used[points] & ~good[points]):
                remedy = "Leave its points without a prediction out (DataSet.points)."
                raise InputError("predict", str(data), "have a number at each point", remedy)
        # `with_values` keeps the base: what is compiled for one set of values serves for all
        settle(self, _columns=factor.shape[1], base=self)

    @cached_property
    def limits(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which points are upper limits, shape (n,)."""
        return np.isfinite(self._errors.limit_cl)

    @cached_property
    def used(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which points enter, shape (n,): those with an error, and upper limits."""
        return self.limits | ((self._errors.below > 0) & (self._errors.above > 0))

    @property
    def gaussian(self) -> bool:
        """Whether the integral over all nuisance parameters is a closed form: no upper limit, no Student's t."""
        return self.student_nu is None and not np.any(self.limits)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the nuisance parameters: sources of the data, then of the theory."""
        return (*self._errors.names, *self.predict.shift_names)

    @property
    def size(self) -> int:
        """Number of all nuisance parameters: the named ones, then one for each column of the covariance factor."""
        return len(self.names) + self._columns

    def with_values(self, values: ArrayLike) -> Likelihood:
        """Return the likelihood of other measured values with the same errors, for synthetic data.

        Parameters
        ----------
        values : array_like, shape (n,)
            Over the points of all measurements.

        Returns
        -------
        Likelihood

        Raises
        ------
        InputError
            If the shape is wrong or a number not finite.
        """
        made, start = finite_array("values", values, 1), 0
        if made.shape != self.values.shape:
            raise InputError("values", made.shape, f"have one value for each of {len(self.values)} points")
        sets = []
        for data in self.datasets:
            sets.append(replace(data, value=made[start : (start := start + len(data))]))
        other = object.__new__(Likelihood)
        other.__dict__.update(self.__dict__)
        settle(other, datasets=tuple(sets), values=made, _errors=replace(self._errors, value=made))
        return other

    def of_dataset(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Return the number of the measurement of each point, shape (n,)."""
        return np.repeat(np.arange(len(self.datasets)), [len(data) for data in self.datasets])

    @in_float64
    def log_likelihood(self, theta: Any, nuisances: Any = None) -> Any:
        """Return the logarithm of the probability density of the data.

        Parameters
        ----------
        theta : array_like, shape (p,)
            Parameters in the order of `parameters`.
        nuisances : array_like, shape (size,), optional
            In standard deviations; without them the integral over all of them, each a unit normal.

        Returns
        -------
        jax.Array
            A number.

        Raises
        ------
        InputError
            If the integral is not a closed form (`gaussian`).
        """
        if nuisances is None and not self.gaussian:
            allowed = "be given: with upper limits or Student's t the integral over them is no closed form"
            raise InputError("nuisances", None, allowed)
        given = None if nuisances is None else jnp.asarray(nuisances)
        return _log_density(self.base, jnp.asarray(theta), given, jnp.asarray(self.values))

    def log_density(self, theta: Any, nuisances: Any, values: Any, keep: Any) -> Any:
        """Return the `log_likelihood` of other measured values, and of some of the points, for use inside of JAX.

        `theta` and `nuisances` as there; `values` of shape (n,); `keep` of shape (n,): 1 for points that enter, else 0.
        """
        model = self._model(theta, values)
        keep = jnp.where(self.used, keep, 0.0)
        if nuisances is None:
            chi2, lower = self._reduced(model, keep)
            norm = jnp.sum(jnp.log(jnp.diagonal(lower))) + keep @ (jnp.log(model.mean_sigma) + _LOG_2PI / 2)
            return -chi2 / 2 - norm
        return keep @ self._pointwise(model, nuisances)

    def _reduced(self, model: _Model, keep: Any) -> tuple[Any, Any]:
        """Return the least chi-square over the nuisance parameters, and the root of their inverse covariance."""
        sources, z = keep * model.sources / model.sigma, keep * model.residual / model.sigma
        lower = jnp.linalg.cholesky(jnp.eye(len(sources)) + sources @ sources.T)
        best = cho_solve((lower, True), sources @ z)
        # a sum of squares: the difference of two would lose the digits of a good fit
        left = z - best @ sources
        return left @ left + best @ best, lower

    def _pointwise(self, model: _Model, nuisances: Any) -> Any:
        """Return the logarithm of the density of each point at given nuisance parameters, (n,)."""
        z = (model.residual - nuisances @ model.sources) / model.sigma
        if (nu := self.student_nu) is None:
            density = -(z**2) / 2 - _LOG_2PI / 2
        else:
            density = _student_peak(nu) - (nu + 1) / 2 * jnp.log1p(z**2 / nu)
        return jnp.where(self.limits, log_ndtr(z), density - jnp.log(model.mean_sigma))

    def _model(self, theta: Any, values: Any) -> _Model:
        """Return residuals, point-to-point errors and rows of sources at parameters, over all points."""
        made, errors = self.predict(theta), self._errors
        used, limits = self.used, self.limits
        below, above = (np.where(used & ~limits, side, 1.0) for side in (errors.below, errors.above))
        width = np.zeros_like(below)
        for i in np.flatnonzero(limits):
            published = np.nan_to_num(errors.below[i])
            width[i] = published if published > 0 else abs(errors.value[i]) / ndtri(errors.limit_cl[i])
        middle = (below + above) / 2
        t = jnp.clip((made.mean - values) / (BLEND * middle), -1.0, 1.0)
        side = (2 + 3 * t - t**3) / 4  # from 0 to 1, with a continuous derivative
        sigma = jnp.where(limits, width, below + side * (above - below))
        ours = errors.shifts(made.mean, side)
        sources = jnp.concatenate(
            [jnp.asarray(part) for part in (ours, made.shifts, made.covariance_factor.T)]
        )
        residual = jnp.where(used, values - made.mean, 0.0)
        return _Model(residual, sigma, jnp.where(used, sources, 0.0), np.where(limits, 1.0, middle))

    @in_float64
    def chi_square(self, theta: Any) -> tuple[float, Float]:
        """Return chi-square, the least over all nuisance parameters, and the nuisance parameters there.

        Parameters
        ----------
        theta : array_like, shape (p,)
            Parameters.

        Returns
        -------
        value : float
            Equal to that of `observables.chi_square` for the same theory.
        nuisances : ndarray, shape (size,)
            In standard deviations.

        Raises
        ------
        InputError
            If there are upper limits or Student's t, which have no chi-square, or `theta` is none.
        """
        if not self.gaussian:
            raise InputError("student_nu", self.student_nu, "be None, without upper limits, for a chi-square")
        at, values = jnp.asarray(self.parameters.checked(theta)), jnp.asarray(self.values)
        value, best = _chi_square(self.base, at, values)
        return float(value), np.asarray(best)

    def deviance(self, theta: Any, nuisances: Any, values: Any) -> Any:
        """Return chi-square at `theta` and `nuisances`, (size,), or the least over them if they are None.

        Of `values`, (n,), inside of JAX. Generally: minus twice the logarithm of the density over its peak, plus the
        squares of the nuisance parameters.
        """
        model = self._model(theta, values)
        if nuisances is None:
            chi2, _ = self._reduced(model, jnp.where(self.used, 1.0, 0.0))
            return chi2
        peak = -_LOG_2PI / 2 if self.student_nu is None else _student_peak(self.student_nu)
        peaks = jnp.where(self.limits, 0.0, peak - jnp.log(model.mean_sigma))
        density = self._pointwise(model, nuisances) - peaks
        return -2 * jnp.sum(jnp.where(self.used, density, 0.0)) + nuisances @ nuisances

    def conditional(self, theta: Any, values: Any) -> tuple[Any, Any]:
        """Return the mean of all nuisance parameters at `theta` and `values`, (size,), and R with covariance R R^T."""
        model = self._model(theta, values)
        sources = jnp.where(self.used, model.sources / model.sigma, 0.0)
        z = jnp.where(self.used, model.residual / model.sigma, 0.0)
        lower = jnp.linalg.cholesky(jnp.eye(len(sources)) + sources @ sources.T)
        mean = cho_solve((lower, True), sources @ z)
        return mean, solve_triangular(lower, jnp.eye(len(sources)), lower=True).T

    def simulate(self, theta: ArrayLike | Mapping[str, float], seed: int | tuple[int, ...] = 0) -> Float:
        """Return synthetic measured values: what the experiments would find if the parameters were these.

        All errors vary: point to point, correlated, and those of the theory. Of a two-sided error each side comes as
        often as it is wide. Upper limits, and points that do not enter, stay as they are.

        Parameters
        ----------
        theta : array_like, shape (p,), or mapping by name
            The truth.
        seed : int or tuple of int, optional
            Of the random numbers.

        Returns
        -------
        ndarray, shape (n,)
            For `with_values`.

        Raises
        ------
        InputError
            If `theta` is none of the priors.
        """
        truth = self.parameters.checked(theta)
        seeds = seed if isinstance(seed, tuple) else (seed,)
        rng = np.random.default_rng([3, *(integer("seed", each, 0) for each in seeds)])
        with jax.enable_x64(True):
            mean, shifts, factor = map(np.asarray, self.predict(jnp.asarray(truth)))
        n, errors = len(mean), self._errors
        noise = rng.standard_normal(n) if self.student_nu is None else rng.standard_t(self.student_nu, n)
        width = errors.below + errors.above
        above = np.where(rng.uniform(size=n) * np.where(width > 0, width, 1.0) < errors.above, 1.0, 0.0)
        sources = np.concatenate([errors.shifts(mean, above), shifts, factor.T])
        made = mean + rng.standard_normal(len(sources)) @ sources
        made = made + np.where(above > 0, -np.abs(noise), np.abs(noise)) * errors.point(above)
        return np.where(self.used & ~self.limits, made, self.values)

    def fingerprint(self) -> str:
        """Return a digest of all that determines the posterior: data, errors, priors and the theory at a few points."""
        digest = hashlib.sha256(repr((self.parameters, self.names, self.student_nu)).encode())
        errors = self._errors
        arrays = [self.values, errors.limit_cl, errors.below, errors.above, errors.relative]
        with jax.enable_x64(True):
            for u in (0.3, 0.5, 0.7):
                arrays += map(
                    np.asarray, self.predict(self.parameters.from_unit(np.full(len(self.parameters), u)))
                )
        for array in (*arrays, errors.shift_below, errors.shift_above):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


def _student_peak(nu: float) -> float:
    """Return the logarithm of the density of Student's t at zero."""
    return float(gammaln((nu + 1) / 2) - gammaln(nu / 2) - np.log(nu * np.pi) / 2)


@partial(jax.jit, static_argnums=0)
def _log_density(base: Likelihood, theta: Any, nuisances: Any, values: Any) -> Any:
    return base.log_density(theta, nuisances, values, 1.0)


@partial(jax.jit, static_argnums=0)
def _chi_square(base: Likelihood, theta: Any, values: Any) -> Any:
    return base.deviance(theta, None, values), base.conditional(theta, values)[0]


class _Model(NamedTuple):
    """What enters the density at given parameters, over n points and all sources."""

    residual: Any
    sigma: Any
    sources: Any
    mean_sigma: Any
