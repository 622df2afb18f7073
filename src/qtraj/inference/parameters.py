"""What is inferred: parameters by name, and what is known of them before the data: their priors."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property, wraps
from math import erf, inf, sqrt
from typing import Any, Final, NamedTuple, Protocol, TypeVar, cast, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr, ndtri

from .._checks import finite_array, instances, is_finite_number, number, positive, settle, text
from ..errors import InputError

Function = TypeVar("Function", bound=Callable[..., Any])

# least share of a normal distribution between its ends: beyond, its quantiles lose more digits than they keep
LEAST_MASS: Final = 1e-6
# smallest distance of a quantile from 0 and 1: a normal deviate has no more than 8.2 standard deviations
_EDGE: Final = 2.0**-53


def in_float64(function: Function) -> Function:
    """Make a function of JAX compute in float64, whatever the setting of the process."""

    @wraps(function)
    def wrapped(*args: Any, **options: Any) -> Any:
        with jax.enable_x64(True):
            return function(*args, **options)

    return cast(Function, wrapped)


@runtime_checkable
class Prior(Protocol):
    """Distribution of a parameter before the data: ends, quantiles and density, in JAX."""

    @property
    def low(self) -> float:
        """Least value."""

    @property
    def high(self) -> float:
        """Largest value."""

    def from_unit(self, u: Any) -> Any:
        """Return the quantile of `u` in 0 to 1."""

    def log_density(self, x: Any) -> Any:
        """Return the logarithm of the normalized density at `x`, -inf beyond the ends."""


@dataclass(frozen=True)
class Uniform:
    """Every value from `low` to `high` is as probable as every other.

    Parameters
    ----------
    low, high : float
        Ends, in the unit of the parameter.

    Raises
    ------
    InputError
        If an end is not finite or `low` is not below `high`.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        settle(self, **_ends(self.low, self.high))

    @in_float64
    def from_unit(self, u: Any) -> Any:
        """Return the quantile of `u`, array_like from 0 to 1, as a JAX array of its shape."""
        return self.low + (self.high - self.low) * jnp.asarray(u)

    @in_float64
    def log_density(self, x: Any) -> Any:
        """Return the logarithm of the density at `x`, array_like, as a JAX array of its shape."""
        return _between(x, self.low, self.high, -jnp.log(self.high - self.low) + jnp.zeros(jnp.shape(x)))


@dataclass(frozen=True)
class LogUniform:
    """The logarithm is uniform: every factor is as probable as every other.

    Parameters
    ----------
    low, high : float
        Positive ends, in the unit of the parameter.

    Raises
    ------
    InputError
        If an end is not positive and finite or `low` is not below `high`.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        positive("low", self.low, "be positive for a logarithm to exist", "Uniform begins anywhere.")
        settle(self, **_ends(self.low, self.high))

    @in_float64
    def from_unit(self, u: Any) -> Any:
        """Return the quantile of `u`, array_like from 0 to 1, as a JAX array of its shape."""
        return self.low * (self.high / self.low) ** jnp.asarray(u)

    @in_float64
    def log_density(self, x: Any) -> Any:
        """Return the logarithm of the density at `x`, array_like, as a JAX array of its shape."""
        inside = jnp.clip(jnp.asarray(x), self.low, self.high)
        return _between(x, self.low, self.high, -jnp.log(inside) - jnp.log(jnp.log(self.high / self.low)))


@dataclass(frozen=True)
class Normal:
    """Gaussian, cut where `low` and `high` say.

    Parameters
    ----------
    mean, sigma : float
        Of the whole Gaussian, in the unit of the parameter.
    low, high : float, optional
        Ends; infinite by default.

    Raises
    ------
    InputError
        If `sigma` is not positive, or the ends hold less than a millionth of the Gaussian.
    """

    mean: float
    sigma: float
    low: float = -inf
    high: float = inf

    def __post_init__(self) -> None:
        settle(self, mean=number("mean", self.mean), sigma=positive("sigma", self.sigma))
        settle(self, **_ends(self.low, self.high, infinite=True))
        if self._mass < LEAST_MASS:
            ends = f"{self.low:g} to {self.high:g}"
            raise InputError(
                "low, high", ends, f"hold a part of a Gaussian at {self.mean:g} +- {self.sigma:g}"
            )

    @property
    def _mass(self) -> float:
        a, b = ((end - self.mean) / self.sigma / sqrt(2) for end in (self.low, self.high))
        return (erf(b) - erf(a)) / 2

    @in_float64
    def from_unit(self, u: Any) -> Any:
        """Return the quantile of `u`, array_like from 0 to 1, as a JAX array of its shape."""
        a, b = (ndtr((end - self.mean) / self.sigma) for end in (self.low, self.high))
        x = self.mean + self.sigma * ndtri(jnp.clip(a + (b - a) * jnp.asarray(u), _EDGE, 1 - _EDGE))
        return jnp.clip(x, self.low, self.high)  # rounding must not leave the range

    @in_float64
    def log_density(self, x: Any) -> Any:
        """Return the logarithm of the density at `x`, array_like, as a JAX array of its shape."""
        z = (jnp.asarray(x) - self.mean) / self.sigma
        height = -jnp.log(self.sigma * self._mass) - jnp.log(2 * jnp.pi) / 2
        return _between(x, self.low, self.high, height - z**2 / 2)


_PRIORS: Final = {kind.__name__: kind for kind in (Uniform, LogUniform, Normal)}


class Kind(NamedTuple):
    """What a parameter is, for tables, axes and checks."""

    words: str
    symbol: str  # plain text
    label: str  # Matplotlib's mathtext
    unit: str
    least: float  # values below have no meaning


PARAMETERS: Final = {
    "kappa": Kind("momentum diffusion coefficient over T^3", "κ̂", r"$\hat\kappa$", "", 0.0),
    "gamma": Kind("dispersive coefficient over T^3", "γ̂", r"$\hat\gamma$", "", -inf),
    "T_end": Kind("temperature where the evolution ends", "T_end", r"$T_\mathrm{end}$", "GeV", 0.0),
    "tau_start_fm": Kind("proper time where the medium starts", "τ_start", r"$\tau_\mathrm{start}$", "fm/c", 0.0),
    "T_scale": Kind("factor on the temperature of the hydrodynamics", "T/T_hydro", r"$T/T_\mathrm{hydro}$", "", 0.0),
    "alpha_s": Kind("coupling beyond the dipole", "α_s", r"$\alpha_s$", "", 0.0),
    "md_over_T": Kind("Debye mass over temperature beyond the dipole", "m_D/T", r"$m_D/T$", "", 0.0),
}  # fmt: skip
"""Parameters by name. ``"kappa@0.25"`` is kappa over T^3 at the temperature 0.25 GeV, linear between such knots."""

KNOT: Final = re.compile(r"kappa@(\d*\.?\d+)")


def kind_of(name: str) -> Kind:
    """Return what the parameter `name` is, or raise `InputError` that lists the names."""
    text("name", name)
    if name in PARAMETERS:
        return PARAMETERS[name]
    if (knot := KNOT.fullmatch(name)) and float(knot[1]) > 0:
        T = f"{float(knot[1]):g}"
        kappa = PARAMETERS["kappa"]
        return Kind(
            f"{kappa.words} at T = {T} GeV", f"κ̂({T} GeV)", rf"$\hat\kappa({T}\,\mathrm{{GeV}})$", "", 0.0
        )
    allowed = f"be one of {', '.join(PARAMETERS)}, or 'kappa@0.25' for a knot at the temperature 0.25 GeV"
    raise InputError("name", name, allowed)


@dataclass(frozen=True)
class Parameter:
    """One unknown number, and its prior.

    Parameters
    ----------
    name : str
        ``"kappa"`` and ``"gamma"`` (over T^3), ``"T_end"`` (GeV), ``"tau_start_fm"`` (fm/c), ``"T_scale"`` (factor on
        the temperature of the hydrodynamics), ``"alpha_s"``, ``"md_over_T"``; ``"kappa@0.25"`` is kappa over T^3 at
        0.25 GeV, linear in the temperature between two or more such knots and constant beyond.
    prior : Uniform, LogUniform or Normal
        Or any object with `low`, `high`, `from_unit` and `log_density`, as they have them.

    Raises
    ------
    InputError
        If there is no such parameter or its prior reaches values without meaning.
    """

    name: str
    prior: Prior

    def __post_init__(self) -> None:
        kind = kind_of(self.name)
        settle(self, name=str(self.name))
        if not isinstance(self.prior, Prior) or isinstance(self.prior, type):
            raise InputError(f"prior of {self.name}", self.prior, "be Uniform, LogUniform or Normal")
        if self.prior.low < kind.least:
            remedy = f"Give the prior low={kind.least:g}."
            raise InputError(f"prior of {self.name}", self.prior, f"begin at {kind.least:g} or above", remedy)

    @property
    def kind(self) -> Kind:
        """Words, symbol, label and unit."""
        return kind_of(self.name)


@dataclass(frozen=True)
class Parameters:
    """The unknown numbers of an inference, in order.

    Parameters
    ----------
    members : sequence of Parameter
        One at least; ``"kappa"`` or knots of it, not both; two knots at least.

    Raises
    ------
    InputError
        If a name appears twice or names contradict each other.

    Examples
    --------
    >>> from qtraj.inference import Normal, Parameter, Parameters, Uniform
    >>> parameters = Parameters([Parameter("kappa", Uniform(0, 10)), Parameter("T_end", Normal(0.19, 0.02, low=0.15))])
    >>> parameters.names
    ('kappa', 'T_end')
    """

    members: tuple[Parameter, ...]

    def __post_init__(self) -> None:
        members = instances("members", self.members, Parameter, least=1)
        names = [member.name for member in members]
        for name in names:
            if names.count(name) > 1:
                raise InputError("members", name, "have each name once")
        knots = [name for name in names if KNOT.fullmatch(name)]
        if knots and ("kappa" in names or len({float(name[6:]) for name in knots}) < max(2, len(knots))):
            remedy = "One constant kappa is the parameter 'kappa'."
            raise InputError(
                "members", names, "hold kappa, or two or more knots of it at different T", remedy
            )
        settle(self, members=members)

    @classmethod
    def from_json(cls, written: str) -> Parameters:
        """Return the parameters that `to_json` has `written`; `KeyError` or `ValueError` if it is something else."""
        entries = json.loads(written)
        return cls(tuple(Parameter(e["name"], _PRIORS[e["prior"]](**e["arguments"])) for e in entries))

    def to_json(self) -> str:
        """Return names, priors and their arguments as JSON, for the attributes of files."""
        return json.dumps(
            [
                {
                    "name": member.name,
                    "prior": type(member.prior).__name__,
                    "arguments": {
                        f.name: getattr(member.prior, f.name) for f in fields(cast(Any, member.prior))
                    },
                }
                for member in self.members
            ]
        )

    def __len__(self) -> int:
        return len(self.members)

    def __iter__(self) -> Iterator[Parameter]:
        return iter(self.members)

    def __getitem__(self, name: str) -> Parameter:
        """Return the parameter of this name."""
        return self.members[self.index(name)]

    def index(self, name: str) -> int:
        """Return the position of the parameter `name`, or raise `InputError`."""
        if name not in self.names:
            raise InputError("name", name, f"be one of {', '.join(self.names)}")
        return self.names.index(name)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names in order."""
        return tuple(member.name for member in self.members)

    @property
    def low(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Least values of the priors, shape (p,)."""
        return np.array([member.prior.low for member in self.members])

    @property
    def high(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Largest values of the priors, shape (p,)."""
        return np.array([member.prior.high for member in self.members])

    @in_float64
    def from_unit(self, u: Any) -> Any:
        """Return the parameters at quantiles of their priors.

        Parameters
        ----------
        u : array_like, shape (..., p)
            From 0 to 1.

        Returns
        -------
        jax.Array, shape (..., p)
            In the units of the parameters.
        """
        u = jnp.asarray(u)
        return jnp.stack([m.prior.from_unit(u[..., i]) for i, m in enumerate(self.members)], axis=-1)

    @in_float64
    def from_normal(self, z: Any) -> Any:
        """Return the parameters at unit normals `z`, shape (..., p): samplers walk where every prior is alike."""
        return self.from_unit(jnp.clip(ndtr(jnp.asarray(z)), _EDGE, 1 - _EDGE))

    @in_float64
    def log_prior(self, theta: Any) -> Any:
        """Return the logarithm of the prior density at parameters `theta` of shape (..., p)."""
        theta = jnp.asarray(theta)
        return sum(member.prior.log_density(theta[..., i]) for i, member in enumerate(self.members))

    def checked(self, theta: Any, argument: str = "theta") -> np.ndarray[Any, np.dtype[np.float64]]:
        """Return `theta`, a mapping by name or an array of shape (p,), as an array; errors name `argument`."""
        if isinstance(theta, Mapping):
            if set(theta) != set(self.names):
                raise InputError(argument, sorted(theta), f"give a value for each of {', '.join(self.names)}")
            theta = [theta[name] for name in self.names]
        values = finite_array(argument, theta, 1)
        if values.shape != (len(self),):
            raise InputError(argument, theta, f"have one value for each of {', '.join(self.names)}")
        for name, value, low, high in zip(self.names, values, self.low, self.high, strict=True):
            if not low <= value <= high:
                raise InputError(
                    f"{argument}[{name!r}]", float(value), f"lie in its prior, {low:g} to {high:g}"
                )
        return values


def _ends(low: Any, high: Any, *, infinite: bool = False) -> dict[str, float]:
    """Return the ends of a range, low below high."""
    for name, end, allowed in (("low", low, -inf), ("high", high, inf)):
        if not (is_finite_number(end) or (infinite and isinstance(end, float) and end == allowed)):
            raise InputError(name, end, "be a finite number")
    if not low < high:
        raise InputError("high", high, f"be above low = {low:g}")
    return {"low": float(low), "high": float(high)}


def _between(x: Any, low: float, high: float, density: Any) -> Any:
    """Return the density inside of the ends and -inf beyond."""
    x = jnp.asarray(x)
    return jnp.where((x >= low) & (x <= high), density, -jnp.inf)
