"""A number with an error that is honest about its parts."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
from numpy.typing import ArrayLike

from .._checks import float_array, integer, mapping, real, settle, texts
from .._types import Float
from ..errors import InputError

if TYPE_CHECKING:
    import xarray as xr

# effective number of contributions below which the scatter of a sample is no safe error: known to 16 % with 20
TRUSTED = 20.0

SHOWN: Final = 24  # entries up to which an array of estimates is printed in full

_CALLS: Final = itertools.count()  # tells the sources of errors apart

# name of a part; for each entry the number of the source of its error, and that error with a sign
_FEW: Final = 64  # entries whose sources of errors are looked up at once
_Term = tuple[str, Any, Any]


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

    ``+ - * /`` propagate errors to first order, part by part. What comes from one estimate stays correlated: ``x - x``
    is zero without an error. Errors of different estimates add in quadrature in the statistical parts, and linearly in
    all others: two runs may be wrong in the same direction, and measured input is the same. Estimates of one sample
    have correlated statistical errors, of which the numbers alone say nothing; observables such as the double ratio
    take them from the sample. A copy, or what is read from a file, is another estimate.

    ``f"{x:.2u}"`` prints the error on two digits, ``0.35486(12)``, as `str` does; ``f"{x:.1u}"`` on one; a format of
    numbers such as ``.4f`` prints ``0.3549 +- 0.0001``.
    """

    value: Any
    parts: Mapping[str, Any] = field(default_factory=dict)
    not_estimated: tuple[str, ...] = ()
    _terms: Any = field(default=None, init=False, repr=False)

    # NumPy's numbers and arrays leave arithmetic with an estimate to the estimate
    __array_ufunc__ = None

    STATISTICAL: ClassVar[tuple[str, ...]] = ("statistical", "paths", "correction")
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

        def picked(values: Any) -> Any:
            # rows by their numbers: a table of survivals is cut into bins, and `take` is three times faster
            rows = isinstance(index, np.ndarray) and index.dtype.kind == "i" and np.ndim(values) > 0
            return np.take(values, index, axis=0) if rows else np.asarray(values)[index]

        parts = {name: picked(part) for name, part in self.parts.items()}
        entries = Estimate(picked(self.value), parts, self.not_estimated)

        def terms() -> list[_Term]:
            return [(name, picked(source), picked(error)) for name, source, error in self._sources()]

        # the rows of a table are seldom calculated with, so their sources are looked up when they are
        settle(entries, _terms=terms if np.size(entries.value) > _FEW else terms())
        return entries

    def __getstate__(self) -> dict[str, Any]:
        # in another process the numbers of sources mean something else
        return {**self.__dict__, "_terms": None}

    def __float__(self) -> float:
        if np.ndim(self.value):
            remedy = "Take an entry, x[0], or all values, x.value."
            raise InputError("estimate", np.shape(self.value), "be a single number", remedy)
        return float(self.value)

    def __str__(self) -> str:
        return self._text(format_value)

    def __repr__(self) -> str:
        if np.ndim(self.value):
            return f"Estimate of shape {np.shape(self.value)}: {self}"
        return f"Estimate({', '.join([str(self), *(f'{n} {p:.2g}' for n, p in self.parts.items())])})"

    def __format__(self, spec: str) -> str:
        if digits := re.fullmatch(r"(.*?)\.([1-9]\d?)uS?", spec):
            return format(self._text(lambda v, e: format_value(v, e, int(digits[2]))), digits[1])
        if spec.endswith(tuple("eEfFgG%")):
            return self._text(lambda value, error: f"{value:{spec}} +- {error:{spec}}")
        return format(str(self), spec)

    def _text(self, write: Callable[[float, float], str]) -> str:
        value, error = np.asarray(self.value), np.asarray(self.error)
        if not value.ndim:
            return write(float(value), float(error))
        # only what is printed is formatted: an array may have a million entries
        return np.array2string(
            np.arange(value.size).reshape(value.shape),
            formatter={"int": lambda i: write(float(value.flat[i]), float(error.flat[i]))},
            threshold=SHOWN,
            edgeitems=max(1, 4 - value.ndim),
        )

    def __neg__(self) -> Estimate:
        return _derived(-self.value, (self, -1.0))

    def __add__(self, other: Any) -> Any:
        return _of_two(self, other, np.add, lambda a, b: (1.0, 1.0))

    def __sub__(self, other: Any) -> Any:
        return _of_two(self, other, np.subtract, lambda a, b: (1.0, -1.0))

    def __rsub__(self, other: Any) -> Any:
        return _of_two(self, other, lambda a, b: b - a, lambda a, b: (-1.0, 1.0))

    def __mul__(self, other: Any) -> Any:
        return _of_two(self, other, np.multiply, lambda a, b: (b, a))

    def __truediv__(self, other: Any) -> Any:
        return _of_two(self, other, _quotient, lambda a, b: (1 / b, -a / b**2))

    def __rtruediv__(self, other: Any) -> Any:
        return _of_two(self, other, lambda a, b: _quotient(b, a), lambda a, b: (-b / a**2, 1 / a))

    __radd__, __rmul__ = __add__, __mul__

    def _sources(self) -> list[_Term]:
        """Return the errors by part and source, signed; an estimate that nothing made is a source of its own."""
        if self._terms is None:
            shape = np.shape(self.value)
            source = (next(_CALLS) << 32) + np.arange(np.prod(shape, dtype=int)).reshape(shape)
            settle(self, _terms=[(name, source, np.asarray(part)) for name, part in self.parts.items()])
        if callable(self._terms):
            settle(self, _terms=self._terms())
        terms: list[_Term] = self._terms
        return terms


def _quotient(a: Any, b: Any) -> Any:
    if np.any(b == 0):
        raise InputError("divisor", b[()], "be different from zero")
    return a / b


def _of_two(
    x: Estimate,
    other: Any,
    operation: Callable[[Any, Any], Any],
    slopes: Callable[[Any, Any], tuple[Any, Any]],
) -> Any:
    """Return an operation on an estimate and an estimate, number or array; `slopes` are its derivatives."""
    if not isinstance(other, Estimate):
        if (
            not isinstance(other, int | float | np.number | np.ndarray)
            or np.asarray(other).dtype.kind not in "iuf"
        ):
            return NotImplemented
        other = Estimate(other)
    a, b = np.asarray(x.value), np.asarray(other.value)
    try:
        np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        raise InputError("other", b.shape, f"have a shape that broadcasts to {a.shape}") from None
    value = operation(a, b)
    return _derived(value, *zip((x, other), slopes(a, b), strict=True))


def _derived(value: Any, *operands: tuple[Estimate, Any]) -> Estimate:
    """Return an estimate that depends on others with the given derivatives."""
    value = np.asarray(value)
    terms: list[_Term] = []
    for estimate, slope in operands:
        for part, source, error in estimate._sources():
            # where there is no number there is no error
            signed = np.where(np.isfinite(value), slope * error, 0.0)
            _add_term(terms, part, np.broadcast_to(source, value.shape), signed)
    parts = {}
    for part in dict.fromkeys(part for part, _, _ in terms):
        errors = np.array([error for other, _, error in terms if other == part])
        independent = part in Estimate.STATISTICAL
        parts[part] = np.sqrt(np.sum(errors**2, axis=0)) if independent else np.sum(np.abs(errors), axis=0)
    missing = dict.fromkeys(reason for estimate, _ in operands for reason in estimate.not_estimated)
    found = Estimate(value, parts, tuple(missing))
    settle(found, _terms=terms)
    return found


def _add_term(terms: list[_Term], part: str, source: Any, error: Any) -> None:
    """Add errors of a part to those of the same source, entry by entry; what is left is a term of its own."""
    for i, (name, known, sum_) in enumerate(terms):
        if name == part and np.any(same := known == source):
            terms[i] = (name, known, sum_ + np.where(same, error, 0.0))
            error = np.where(same, 0.0, error)
            if np.all(same):
                return
    terms.append((part, source, error))


def joined(estimates: Sequence[Estimate | None]) -> Estimate:
    """Return estimates of one shape along a new first axis: NaN for None, zero for a part that one of them lacks."""
    known = [each for each in estimates if each is not None]
    names = dict.fromkeys(name for each in known for name in each.parts)
    return Estimate(
        np.array([np.nan if each is None else each.value for each in estimates]),
        {n: np.array([0.0 if e is None else e.parts.get(n, 0.0) for e in estimates]) for n in names},
        tuple(dict.fromkeys(reason for each in known for reason in each.not_estimated)),
    )


def stack(estimates: Mapping[str, Estimate]) -> Estimate:
    """Stack estimates of equal shape and equal parts along a new first axis, in the order of the mapping."""
    members = list(estimates.values())
    first = members[0]
    for name, member in estimates.items():
        if set(member.parts) != set(first.parts) or np.shape(member.value) != np.shape(first.value):
            given = (sorted(member.parts), np.shape(member.value))
            raise InputError(name, given, "have the parts of the others")
    return joined(members)


def estimate_variables(
    name: str, estimate: Estimate, dims: Sequence[str]
) -> dict[str, tuple[Sequence[str], Any, dict[str, str]]]:
    """Return an estimate as variables of a dataset: ``name`` and one ``name_error_part`` per part of its error."""
    attrs = {"error_parts": " ".join(estimate.parts), "not_estimated": "; ".join(estimate.not_estimated)}
    variables: dict[str, Any] = {name: (dims, estimate.value, attrs)}
    for part, values in estimate.parts.items():
        of_part = {"long_name": f"{part} error of {name}"}
        variables[f"{name}_error_{part}"] = (dims, values, of_part)
    return variables


def estimate_from(dataset: xr.Dataset, name: str) -> Estimate:
    """Return the estimate that `estimate_variables` stored under `name`."""
    if name not in dataset or "error_parts" not in dataset[name].attrs:
        allowed = f"be an estimate of the dataset, one of {', '.join(map(str, dataset))}"
        raise InputError("name", name, allowed)
    attrs = dataset[name].attrs
    return Estimate(
        dataset[name].values,
        {part: dataset[f"{name}_error_{part}"].values for part in attrs["error_parts"].split()},
        tuple(filter(None, attrs["not_estimated"].split("; "))),
    )


def joint_errors(a: Estimate, b: Estimate) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the parts of the error of a difference, which add as bounds do, and what is not estimated of either."""
    names = dict.fromkeys((*a.parts, *b.parts))
    parts = {name: a.parts.get(name, 0.0) + b.parts.get(name, 0.0) for name in names}
    return parts, tuple(dict.fromkeys(a.not_estimated + b.not_estimated))


def format_value(value: float, error: float, digits: int = 2) -> str:
    """Return ``value`` with its error in parentheses, as the PDG writes it: ``0.35486(12)``.

    Parameters
    ----------
    value, error : float
        The number and its standard error.
    digits : int
        Digits of the error.

    Returns
    -------
    str
        The error in units of the last digit of the value (more digits when it is 100 or larger); ``value +- error``
        where the parentheses would hide the size; the value alone, on eight digits, without a finite error.

    Raises
    ------
    InputError
        If one of them is no number, or `digits` is none from 1 to 15.
    """
    digits = integer("digits", digits, 1, 15)
    value, error = real("value", value), real("error", error)
    if not np.isfinite(value) or not np.isfinite(error) or error <= 0:
        return f"{value:.8g}"
    # round first: an error of 0.00996 is 0.010 on two digits and must not print as (100)
    exponent = int(f"{error:.{digits - 1}e}".partition("e")[2])
    if not -8 <= exponent <= 3:
        return f"{value:.6g} +- {error:.{digits}g}"
    decimals = max(digits - 1 - exponent, 0)
    units = round(error * 10.0**decimals)
    # adding 0.0 turns -0.0 into 0.0
    return f"{round(value, decimals) + 0.0:.{decimals}f}({units})"


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
