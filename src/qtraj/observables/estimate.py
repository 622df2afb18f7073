"""A number with an error that is honest about its parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from .._checks import float_array, mapping, real, settle, texts
from .._types import Float
from ..errors import InputError

# effective number of contributions below which the scatter of a sample is no safe error: known to 16 % with 20
TRUSTED = 20.0


@dataclass(frozen=True, eq=False)
class Estimate:
    """A value, or an array of values, with named parts of its error.

    Parameters
    ----------
    value : array_like, any shape
        The number(s).
    parts : mapping of str to array_like, optional
        Non-negative standard errors or bounds, each of a shape that broadcasts to `value`:
        ``"statistical"``, ``"time_step"``, ``"mesh"``, ``"l_max"``, ``"paths"``, ...
    not_estimated : tuple of str, optional
        Sources of error known to exist and not estimated.

    Raises
    ------
    InputError
        If a part is negative, NaN or does not broadcast to `value`, or if something is not a number.

    Notes
    -----
    Numerical parts are bounds that may share a sign, so they add linearly. Their sum, the statistical parts
    and the errors of measured input (branching fractions, cross sections) add in quadrature, as independent.
    """

    value: Any
    parts: Mapping[str, Any] = field(default_factory=dict)
    not_estimated: tuple[str, ...] = ()

    STATISTICAL: ClassVar[tuple[str, ...]] = ("statistical", "paths")
    INPUT: ClassVar[tuple[str, ...]] = ("branching", "cross_sections")

    def __post_init__(self) -> None:
        numbers = "be a number or an array of numbers"
        value = float_array("value", self.value, numbers)
        parts: dict[str, Any] = {}
        for name, part in mapping("parts", self.parts).items():
            argument = f"parts[{name!r}]"
            array = float_array(argument, part, numbers)
            # the negation also catches NaN: an error nobody knows belongs into `not_estimated`
            if not np.all(array >= 0):
                raise InputError(argument, part, "be a non-negative error")
            try:
                parts[name] = np.broadcast_to(array, value.shape)[()]  # [()] makes scalars of 0-d arrays
            except ValueError:
                allowed = f"have a shape that broadcasts to {value.shape}"
                raise InputError(argument, array.shape, allowed) from None
        settle(self, value=value[()], parts=parts, not_estimated=texts("not_estimated", self.not_estimated))

    @property
    def statistical(self) -> Any:
        """Quadrature sum of the statistical parts."""
        return self._quadrature(self.STATISTICAL)

    @property
    def input(self) -> Any:
        """Quadrature sum of the errors of measured input: branching fractions and cross sections."""
        return self._quadrature(self.INPUT)

    @property
    def numerical(self) -> Any:
        """Linear sum of the numerical parts."""
        independent = (*self.STATISTICAL, *self.INPUT)
        return sum((part for name, part in self.parts.items() if name not in independent), self._zero)

    @property
    def error(self) -> Any:
        """Total error: statistical, of measured input and numerical in quadrature."""
        return np.hypot(np.hypot(self.statistical, self.input), self.numerical)

    def _quadrature(self, names: tuple[str, ...]) -> Any:
        return np.sqrt(sum((np.square(p) for name, p in self.parts.items() if name in names), self._zero))

    @property
    def _zero(self) -> Any:
        return np.zeros_like(np.asarray(self.value, dtype=float))[()]

    def __getitem__(self, index: Any) -> Estimate:
        """Return the entries `index` of an array of estimates."""
        parts = {name: np.asarray(part)[index] for name, part in self.parts.items()}
        return Estimate(np.asarray(self.value)[index], parts, self.not_estimated)

    def __str__(self) -> str:
        if np.ndim(self.value):
            pairs = zip(np.ravel(self.value).tolist(), np.ravel(self.error).tolist(), strict=True)
            words = np.array([format_value(*pair) for pair in pairs]).reshape(np.shape(self.value))
            return np.array2string(words, formatter={"str_kind": str})
        return format_value(float(self.value), float(self.error))


def joined(estimates: Sequence[Estimate | None]) -> Estimate:
    """Return scalar estimates as one of shape (k,): NaN for None; a part that one of them lacks counts as zero."""
    known = [each for each in estimates if each is not None]
    names = dict.fromkeys(name for each in known for name in each.parts)
    return Estimate(
        np.array([np.nan if each is None else each.value for each in estimates]),
        {n: np.array([0.0 if e is None else e.parts.get(n, 0.0) for e in estimates]) for n in names},
        tuple(dict.fromkeys(reason for each in known for reason in each.not_estimated)),
    )


def joint_errors(a: Estimate, b: Estimate) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the parts of the error of a difference, which add as bounds do, and what is not estimated of either."""
    names = dict.fromkeys((*a.parts, *b.parts))
    parts = {name: a.parts.get(name, 0.0) + b.parts.get(name, 0.0) for name in names}
    return parts, tuple(dict.fromkeys(a.not_estimated + b.not_estimated))


def format_value(value: float, error: float) -> str:
    """Return ``value`` with its error in parentheses, as the PDG writes it: ``0.35486(12)``.

    Parameters
    ----------
    value, error : float
        The number and its standard error.

    Returns
    -------
    str
        The error on two digits, in units of the last digit of the value (more digits when the error is 100
        or larger); ``value +- error`` where the parentheses would hide the size; the value alone, on eight
        digits, when the error is zero or not finite.

    Raises
    ------
    InputError
        If one of them is no number.
    """
    value, error = real("value", value), real("error", error)
    if not np.isfinite(value) or not np.isfinite(error) or error <= 0:
        return f"{value:.8g}"
    # round first: an error of 0.00996 is 0.010 on two digits and must not print as (100)
    exponent = int(f"{error:.1e}".partition("e")[2])
    if not -8 <= exponent <= 3:
        return f"{value:.6g} +- {error:.2g}"
    decimals = max(1 - exponent, 0)
    digits = round(error * 10.0**decimals)
    # adding 0.0 turns -0.0 into 0.0
    return f"{round(value, decimals) + 0.0:.{decimals}f}({digits})"


def weighted_mean(values: ArrayLike, weights: ArrayLike) -> Float:
    """Return the weighted mean over the last axis.

    Parameters
    ----------
    values : array_like, shape (..., n)
        Numbers.
    weights : array_like, shape (n,) or (..., n)
        Their weights, of any common size.

    Returns
    -------
    ndarray, shape (...)
        In the unit of `values`.

    Raises
    ------
    InputError
        If an array is none of numbers, or the shapes do not fit.
    """
    x, w = float_array("values", values), float_array("weights", weights)
    if not (x.ndim and w.ndim and w.shape in (x.shape, x.shape[-1:])):
        raise InputError("weights", w.shape, f"be of the shape of the values, {x.shape}, or of its last axis")
    return np.asarray(np.sum(x * w, axis=-1) / np.sum(w, axis=-1))
