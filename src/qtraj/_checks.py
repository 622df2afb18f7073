"""The checks of arguments: each returns the value in its plain Python or NumPy type, or raises `InputError`.

One set for the whole package, so that every function takes the same things for a number (NumPy's scalars, too, but no
bool, string, None or NaN), an integer or a boolean. `allowed` completes the sentence "`argument` must ...".
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from math import inf, isfinite
from numbers import Integral, Real
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ._types import Float
from .errors import InputError

T = TypeVar("T")


def is_finite_number(value: Any) -> bool:
    """Return whether `value` is a finite real number: no string, None, bool, array, NaN or infinity."""
    try:
        return not isinstance(value, bool) and isinstance(value, Real) and isfinite(value)
    except OverflowError:  # an integer beyond the floats
        return False


def number(
    argument: str,
    value: Any,
    allowed: str = "be a finite number",
    remedy: str = "",
    *,
    above: float = -inf,
    below: float = inf,
    low: float = -inf,
    high: float = inf,
) -> float:
    """Return `value` as a float if it is a finite number with above < value < below and low <= value <= high."""
    if not (is_finite_number(value) and above < value < below and low <= value <= high):
        raise InputError(argument, value, allowed, remedy)
    return float(value)


def real(argument: str, value: Any) -> float:
    """Return `value` as a float if it is a number, NaN and infinity among them."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InputError(argument, value, "be a number")
    return float(value)


def positive(argument: str, value: Any, allowed: str = "be a positive number", remedy: str = "") -> float:
    """Return `value` as a float if it is a finite number above zero."""
    return number(argument, value, allowed, remedy, above=0)


def integer(
    argument: str, value: Any, low: float = -inf, high: float = inf, allowed: str = "", remedy: str = ""
) -> int:
    """Return `value` as an int if it is an integer from `low` to `high`, of Python or of NumPy; 2.0 is none."""
    if not _is_integer(value) or not low <= int(value) <= high:
        limits = f" from {low} to {high}" if high < inf else f", at least {low}"
        raise InputError(argument, value, allowed or "be an integer" + (limits if low > -inf else ""), remedy)
    return int(value)


def _is_integer(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, Integral)


def boolean(argument: str, value: Any) -> bool:
    """Return `value` as a bool if it is True or False, of Python or of NumPy."""
    return bool(instance(argument, value, (bool, np.bool_), "be True or False"))


def choice(argument: str, value: Any, choices: Iterable[T], allowed: str = "", remedy: str = "") -> T:
    """Return that one of the `choices` (strings, integers, None) that `value` equals: True is not 1."""
    known = list(choices)
    # anything else is none of them; an array would be compared element by element
    if value is None or isinstance(value, str) or _is_integer(value):
        for option in known:
            if option == value:
                return option
    *others, last = map(repr, known)
    if len(known) > 4:
        plain = f"be one of {', '.join(others)}, {last}"
    else:
        plain = f"be {', '.join(others)} or {last}" if others else f"be {last}"
    raise InputError(argument, value, allowed or plain, remedy)


def text(argument: str, value: Any, allowed: str = "be a string") -> str:
    """Return `value` as a str if it is a string."""
    return str(instance(argument, value, str, allowed))


def texts(argument: str, value: Any, allowed: str = "be a list of strings") -> tuple[str, ...]:
    """Return `value` as a tuple of str if it is a sequence of strings; one string is none."""
    return tuple(text(f"{argument}[{i}]", item) for i, item in enumerate(members(argument, value, allowed)))


def members(argument: str, value: Any, allowed: str, count: int | None = None) -> tuple[Any, ...]:
    """Return the members of a sequence, of any kind, `count` of them if given; a string and a mapping are none."""
    if isinstance(value, str | Mapping) or not isinstance(value, Iterable):
        raise InputError(argument, value, allowed)
    sequence = tuple(value)
    if count is not None and len(sequence) != count:
        raise InputError(argument, value, allowed)
    return sequence


def path(argument: str, value: Any) -> Path:
    """Return `value` as a Path if it is a string or a path."""
    if not isinstance(value, str | os.PathLike) or isinstance(value, type):
        raise InputError(argument, value, "be a path: a string or a pathlib.Path")
    return Path(value)


def instance(
    argument: str, value: Any, kinds: type[T] | tuple[type[T], ...], allowed: str = "", remedy: str = ""
) -> T:
    """Return `value` if it is an object of one of `kinds`."""
    if not isinstance(value, kinds):
        names = " or ".join(k.__name__ for k in (kinds if isinstance(kinds, tuple) else (kinds,)))
        raise InputError(argument, value, allowed or f"be of class {names}", remedy)
    return value


def instances(argument: str, value: Any, kind: type[T], *, least: int = 0) -> tuple[T, ...]:
    """Return `value` as a tuple if it is a sequence of at least `least` objects of class `kind`."""
    allowed = f"be a list of {kind.__name__}"
    if least:
        allowed += f", at least {'one' if least == 1 else least}"
    objects = members(argument, value, allowed)
    if len(objects) < least:
        raise InputError(argument, value, allowed)
    return tuple(instance(f"{argument}[{i}]", item, kind) for i, item in enumerate(objects))


def mapping(
    argument: str, value: Any, allowed: str = "be a mapping such as a dict, with strings as keys"
) -> Any:
    """Return `value` if it is a mapping whose keys are strings."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise InputError(argument, value, allowed)
    return value


def function(argument: str, value: Any, allowed: str = "be a function") -> Any:
    """Return `value` if it can be called."""
    if not callable(value):
        raise InputError(argument, value, allowed)
    return value


def called(argument: str, given: Callable[..., Any], *arguments: Any, remedy: str = "") -> Any:
    """Return ``given(*arguments)``; what a user's function raises becomes the cause of an `InputError`."""
    try:
        return given(*arguments)
    except InputError:  # it names its argument
        raise
    except Exception as error:
        raise InputError(
            argument, given, f"be a function that works: it raised {type(error).__name__}: {error}", remedy
        ) from error


def float_array(argument: str, value: Any, allowed: str = "be an array of real numbers") -> Float:
    """Return `value` as a float array of any shape, or raise `InputError` if it is not an array of real numbers."""
    array = complex_array(argument, value, allowed)
    if array.dtype.kind == "c":
        raise InputError(argument, value, allowed)
    return array.astype(np.float64)


def complex_array(argument: str, value: Any, allowed: str = "be an array of numbers") -> NDArray[Any]:
    """Return `value` as an array of real or complex numbers, or raise `InputError` if it is none."""
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):  # ragged
        array = np.asarray("ragged")
    if array.dtype.kind not in "iufc":
        raise InputError(argument, value, allowed)
    return array


def finite_array(
    argument: str, value: Any, ndim: int | None = None, allowed: str = "", *, low: float = -inf
) -> Float:
    """Return `value` as a float array of `ndim` dimensions of finite numbers that are at least `low`."""
    names = {None: "an array", 0: "a number", 1: "a list", 2: "a table"}
    shape = names.get(ndim, f"an array of {ndim} dimensions")
    allowed = allowed or f"be {shape} of finite numbers" + (f", at least {low:g}" if low > -inf else "")
    array = float_array(argument, value, allowed)
    if (ndim is not None and array.ndim != ndim) or not np.all(np.isfinite(array) & (array >= low)):
        raise InputError(argument, value, allowed)
    return array


def increasing(
    argument: str,
    value: Any,
    allowed: str,
    remedy: str = "",
    *,
    least: int = 1,
    low: float = -inf,
    above: float = -inf,
) -> Float:
    """Return `value` as a 1-D float array of at least `least` finite, strictly increasing numbers in a range."""
    array = float_array(argument, value, allowed)
    good = array.ndim == 1 and len(array) >= least and np.all(np.isfinite(array))
    if not good or np.any(np.diff(array) <= 0) or np.any((array < low) | (array <= above)):
        raise InputError(argument, value, allowed, remedy)
    return array


def interval(
    argument: str, value: Any, allowed: str = "be (low, high), low below high"
) -> tuple[float, float]:
    """Return `value` as (low, high) if it is two numbers, infinite or not, and low < high."""
    ends = float_array(argument, value, allowed)
    if ends.shape != (2,) or not ends[0] < ends[1]:
        raise InputError(argument, value, allowed)
    return float(ends[0]), float(ends[1])


def settle(frozen: Any, /, **values: Any) -> None:
    """Set attributes of a frozen dataclass to their checked values, from its ``__post_init__``."""
    for name, value in values.items():
        object.__setattr__(frozen, name, value)
