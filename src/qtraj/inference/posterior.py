"""The posterior: samples of parameters and nuisance parameters, and what they say."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import jax
import jax.numpy as jnp
import numpy as np

from .. import provenance
from .._atomic import atomic_path
from .._checks import instance, integer, number
from .._checks import path as path_of
from .._netcdf import check_format
from .._types import Float
from ..errors import FileFormatError, InputError
from ..observables.estimate import Estimate
from .likelihood import Likelihood, Predict
from .parameters import Parameters, in_float64

if TYPE_CHECKING:
    import pandas as pd

LEVELS: Final = (0.68, 0.95)
FORMAT: Final = "qtraj posterior 1"


def needs_extra(*modules: str) -> None:
    """Refuse what needs packages of the extra `infer` that are not installed."""
    for module in modules:
        try:
            _imported(module)
        except ModuleNotFoundError as error:
            remedy = f"{error.name} is missing: pip install 'qtraj[infer]'."
            raise InputError("qtraj.inference", module, "have the packages it needs", remedy) from None


def _imported(module: str) -> Any:
    with warnings.catch_warnings():
        # ArviZ 0.x announces version 1, which needs Python 3.12
        warnings.simplefilter("ignore", FutureWarning)
        return import_module(module)


@dataclass(frozen=True, eq=False)
class Predictive:
    """Theory at points, as the posterior knows it.

    Attributes
    ----------
    draws : ndarray, shape (S, n)
        Theory with its own errors, a row for each sample.
    mean, sd : ndarray, shape (n,)
        Mean and standard deviation, in the unit of the observable.
    """

    draws: Float

    @property
    def mean(self) -> Float:
        """Mean of the draws, shape (n,)."""
        return np.asarray(self.draws.mean(axis=0))

    @property
    def sd(self) -> Float:
        """Standard deviation of the draws, shape (n,)."""
        return np.asarray(self.draws.std(axis=0))

    def band(self, level: float = 0.68) -> tuple[Float, Float]:
        """Return the ends of the central interval of probability `level` at each point, (n,) each."""
        tail = (1 - number("level", level, "be a probability", above=0, below=1)) / 2
        low, high = np.quantile(self.draws, [tail, 1 - tail], axis=0)
        return low, high


@dataclass(frozen=True, eq=False)
class Posterior:
    """Samples of equal weight of the parameters and nuisance parameters.

    Attributes
    ----------
    data : arviz.InferenceData
        All numbers: ``posterior`` (a variable for each parameter, and ``nuisance``), ``log_likelihood``,
        ``sample_stats``, ``observed_data``.
    parameters : Parameters
        With their priors.
    evidence : Estimate or None
        Logarithm of the evidence, of nested sampling.
    sampler : str
        What drew the samples.
    """

    data: Any
    parameters: Parameters
    evidence: Estimate | None
    sampler: str

    @classmethod
    @in_float64
    def of(
        cls,
        likelihood: Likelihood,
        theta: Any,
        nuisances: Any,
        *,
        sampler: str,
        settings: Mapping[str, Any],
        stats: Mapping[str, Any] | None = None,
        evidence: Estimate | None = None,
    ) -> Posterior:
        """Return the posterior of samples of a `likelihood`.

        `theta` and `nuisances` have the shapes (chains, draws, p) and (chains, draws, size). `sampler` and `settings`
        say what drew them, `stats` holds arrays of shape (chains, draws), `evidence` the logarithm of the evidence.
        """
        needs_extra("arviz")
        arviz = _imported("arviz")
        shape, labels = np.shape(theta)[:2], [str(data) for data in likelihood.datasets]
        flat = jnp.asarray(theta).reshape(-1, len(likelihood.parameters)), jnp.asarray(nuisances)
        alone, without = _contributions(
            likelihood.base, flat[0], flat[1].reshape(len(flat[0]), -1), likelihood.values
        )
        q = len(likelihood.names)
        attrs = {
            "format": FORMAT,
            "sampler": sampler,
            "settings": json.dumps(dict(settings)),
            "parameters": likelihood.parameters.to_json(),
            "evidence": json.dumps(
                None if evidence is None else [float(evidence.value), float(evidence.error)]
            ),
            **provenance.versions(),
        }
        groups = {
            "posterior": {
                **{name: np.asarray(theta)[..., i] for i, name in enumerate(likelihood.parameters.names)},
                "nuisance": np.asarray(nuisances)[..., :q],
            },
            "log_likelihood": {
                "dataset": np.asarray(alone).reshape(*shape, -1),
                "without": np.asarray(without).reshape(*shape, -1),
            },
            "observed_data": {"value": np.asarray(likelihood.values)},
        }
        if stats is not None:
            groups["sample_stats"] = {name: np.asarray(array) for name, array in stats.items()}
        data = arviz.from_dict(
            **groups,
            attrs=attrs,
            coords={"source": list(likelihood.names), "measurement": labels},
            dims={
                "nuisance": ["source"],
                "dataset": ["measurement"],
                "without": ["measurement"],
                "value": ["point"],
            },
        )
        return cls(data, likelihood.parameters, evidence, sampler)

    @property
    def samples(self) -> Float:
        """Parameters, shape (S, p), all chains one after the other."""
        variables = [self.data.posterior[name].values.reshape(-1) for name in self.parameters.names]
        return np.stack(variables, axis=-1)

    @property
    def nuisances(self) -> Float:
        """Nuisance parameters in standard deviations, shape (S, q)."""
        values = self.data.posterior["nuisance"].values
        return np.asarray(values.reshape(-1, values.shape[-1]))

    @property
    def nuisance_names(self) -> tuple[str, ...]:
        """Names of the nuisance parameters."""
        return tuple(map(str, self.data.posterior["source"].values))

    def table(self) -> pd.DataFrame:
        """Return mean, sd, central intervals, R-hat and effective sample sizes, a row for each parameter.

        Returns
        -------
        pandas.DataFrame
            Columns ``mean``, ``sd``, ``low68``, ``high68``, ``low95``, ``high95``, ``r_hat`` (NaN for one chain),
            ``ess_bulk``, ``ess_tail``; in the units of the parameters.
        """
        import pandas as pd  # noqa: PLC0415

        arviz = _imported("arviz")
        rows = {}
        for name, values in zip(self.parameters.names, self.samples.T, strict=True):
            chains = self.data.posterior[name].values
            row = {"mean": values.mean(), "sd": values.std(ddof=1)}
            for level in LEVELS:
                low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
                row |= {f"low{100 * level:.0f}": low, f"high{100 * level:.0f}": high}
            row["r_hat"] = float(arviz.rhat(chains)) if len(chains) > 1 else np.nan
            row |= {f"ess_{kind}": float(arviz.ess(chains, method=kind)) for kind in ("bulk", "tail")}
            rows[name] = row
        return pd.DataFrame.from_dict(rows, orient="index")

    def pulls(self) -> pd.DataFrame:
        """Return mean and sd of each nuisance parameter, in its standard deviations: 0 and 1 if the data say nothing.

        Returns
        -------
        pandas.DataFrame
            Columns ``mean`` and ``sd``, a row for each source.
        """
        import pandas as pd  # noqa: PLC0415

        columns = {"mean": self.nuisances.mean(axis=0), "sd": self.nuisances.std(axis=0, ddof=1)}
        return pd.DataFrame(columns, index=list(self.nuisance_names))

    def contributions(self) -> pd.DataFrame:
        """Return what each measurement contributes.

        The posterior without a measurement has weights 1 over its likelihood; ``ess`` is how many samples they leave,
        and few of them say little.

        Returns
        -------
        pandas.DataFrame
            A row for each measurement: ``log_likelihood``, its mean over the posterior, and of the posterior without
            it ``ess`` and, for each parameter, ``mean`` and ``sd`` (such as ``mean kappa``).
        """
        import pandas as pd  # noqa: PLC0415

        rows = {}
        for number_of, label in enumerate(map(str, self.data.log_likelihood["measurement"].values)):
            weights = self.weights_without(number_of)
            mean = weights @ self.samples
            sd = np.sqrt(weights @ (self.samples - mean) ** 2)
            alone = self.data.log_likelihood["dataset"].values[..., number_of]
            row = {"log_likelihood": alone.mean(), "ess": 1 / np.sum(weights**2)}
            for name, m, s in zip(self.parameters.names, mean, sd, strict=True):
                row |= {f"mean {name}": m, f"sd {name}": s}
            rows[label] = row
        return pd.DataFrame.from_dict(rows, orient="index")

    def weights_without(self, measurement: int) -> Float:
        """Return weights of the samples, shape (S,), sum 1, for the posterior without a measurement, by its number."""
        without = self.data.log_likelihood["without"].values
        index = integer("measurement", measurement, 0, without.shape[-1] - 1)
        log = without.reshape(-1, without.shape[-1])[:, index]
        weights = np.exp(log - log.max())
        return np.asarray(weights / weights.sum())

    @in_float64
    def predictive(self, predict: Predict, *, seed: int = 0) -> Predictive:
        """Return the theory at the points of a calculation, of the fitted measurements or of others.

        Sources of theory error that were fitted keep their posterior; others, and the covariance factor, vary as they
        are. Errors of the measurements are not in it.

        Parameters
        ----------
        predict : Predict
            With the parameters of the posterior.
        seed : int, optional
            Of the errors that were not fitted.

        Returns
        -------
        Predictive

        Raises
        ------
        InputError
            If `predict` takes other parameters.
        """
        instance("predict", predict, Predict, "be a calculation with `parameters` and `shift_names`")
        if predict.parameters.names != self.parameters.names:
            allowed = f"take the parameters {', '.join(self.parameters.names)}"
            raise InputError("predict", predict.parameters.names, allowed)
        rng = np.random.default_rng(integer("seed", seed, 0))
        samples, known = self.samples, list(self.nuisance_names)
        shifts = rng.standard_normal((len(samples), len(predict.shift_names)))
        for column, name in enumerate(predict.shift_names):
            if name in known:
                shifts[:, column] = self.nuisances[:, known.index(name)]
        made = jax.eval_shape(predict, jnp.asarray(samples[0]))
        rest = rng.standard_normal((len(samples), made.covariance_factor.shape[1]))

        def one(given: Any) -> Any:
            theta, moved, other = given
            theory = predict(theta)
            return theory.mean + moved @ theory.shifts + theory.covariance_factor @ other

        draws = jax.jit(partial_map(one))((jnp.asarray(samples), jnp.asarray(shifts), jnp.asarray(rest)))
        return Predictive(np.asarray(draws))

    def save(self, path: str | Path) -> Path:
        """Write a netCDF file that `load` and ArviZ read, whole or not at all.

        Parameters
        ----------
        path : path
            Where to.

        Returns
        -------
        Path

        Raises
        ------
        FileFormatError
            If it cannot be written.
        """
        path = path_of("path", path)
        with atomic_path(path) as temporary:
            self.data.to_netcdf(str(temporary), engine="h5netcdf")
        return path

    @classmethod
    def load(cls, path: str | Path) -> Posterior:
        """Return the posterior that `save` wrote.

        Parameters
        ----------
        path : path
            The file.

        Returns
        -------
        Posterior

        Raises
        ------
        FileFormatError
            If there is no such file or it is none of `save`.
        """
        needs_extra("arviz")
        path = path_of("path", path)
        if not path.is_file():
            raise FileFormatError(path, "no such file", "Check the path.")
        try:
            data = _imported("arviz").from_netcdf(str(path), engine="h5netcdf")
            attrs = data.attrs or data.posterior.attrs
            check_format(path, attrs, FORMAT, "`Posterior.save` writes such a file.")
            parameters = Parameters.from_json(attrs["parameters"])
            evidence = json.loads(attrs["evidence"])
        except (OSError, KeyError, ValueError, RuntimeError, TypeError, AttributeError) as error:
            raise FileFormatError(path, f"is no posterior of qtraj ({error})", "Infer it again.") from error
        estimate = None if evidence is None else Estimate(evidence[0], {"statistical": evidence[1]})
        return cls(data, parameters, estimate, str(attrs["sampler"]))


def partial_map(one: Any) -> Any:
    """Return the function that maps `one` over leading axes, one after the other.

    In batches of 32 and more, LAPACK in JAX 0.10 waits forever for threads that a machine with two cores has not.
    """
    return lambda given: jax.lax.map(one, given)


def _contributions(base: Likelihood, theta: Any, nuisances: Any, values: Any) -> tuple[Any, Any]:
    """Return the log-likelihood of each measurement, and 'all but it' minus 'all', (S, number of measurements) each."""
    of, count = base.of_dataset(), len(base.datasets)
    masks = jnp.asarray(of == np.arange(count)[:, None], dtype=float)
    values = jnp.asarray(values)

    def one(given: Any) -> Any:
        at, nu = given
        alone = jax.lax.map(lambda mask: base.log_density(at, nu, values, mask), masks)
        hidden = None if base.gaussian else nu
        every = base.log_density(at, hidden, values, 1.0)
        return alone, jax.lax.map(lambda mask: base.log_density(at, hidden, values, 1 - mask), masks) - every

    made: tuple[Any, Any] = jax.jit(partial_map(one))((theta, nuisances))
    return made
