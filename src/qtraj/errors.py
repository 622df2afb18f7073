"""Exceptions and warnings of qtraj: one form for bad arguments, and no traceback from deep inside."""

from __future__ import annotations

from math import isfinite
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray


class QtrajError(Exception):
    """Base class of every exception that qtraj raises on purpose."""


class InputError(QtrajError, ValueError):
    """A bad argument: names it, its value, what is allowed and what to do.

    Parameters
    ----------
    argument : str
        Name of the argument as the user wrote it.
    value : object
        The offending value.
    allowed : str
        What the argument must be; completes the sentence "`argument` must ...".
    remedy : str, optional
        What to do about it, a sentence.
    """

    def __init__(self, argument: str, value: Any, allowed: str, remedy: str = "") -> None:
        self.argument, self.value, self.allowed, self.remedy = argument, value, allowed, remedy
        super().__init__(
            f"`{argument}` must {allowed}, but is {_short(value)}." + (f" {remedy}" if remedy else "")
        )

    def __reduce__(self) -> tuple[type[InputError], tuple[str, Any, str, str]]:
        # default pickling of exceptions would pass the message as `argument`
        return type(self), (self.argument, _short(self.value), self.allowed, self.remedy)


class FileFormatError(QtrajError):
    """A file that is missing, truncated or not in the declared layout.

    Parameters
    ----------
    path : object
        The file.
    problem : str
        What is wrong with it, where.
    remedy : str, optional
        What to do about it, a sentence.
    """

    def __init__(self, path: Any, problem: str, remedy: str = "") -> None:
        self.path, self.problem, self.remedy = str(path), problem, remedy
        super().__init__(f"{self.path}: {problem}." + (f" {remedy}" if remedy else ""))

    def __reduce__(self) -> tuple[type[FileFormatError], tuple[str, str, str]]:
        return type(self), (self.path, self.problem, self.remedy)


class AccuracyWarning(UserWarning):
    """A requested accuracy was not reached; the result carries the error that was."""


class PerformanceWarning(UserWarning):
    """A choice costs up to ten times the time of one beside it; the result is as good."""


def is_finite_number(value: Any) -> bool:
    """Return whether `value` is a finite real number: no string, None, bool, NaN or infinity."""
    return not isinstance(value, bool) and isinstance(value, Real) and isfinite(value)


def float_array(argument: str, value: Any) -> NDArray[np.float64]:
    """Return `value` as a float array of any shape, or raise `InputError` if it is not an array of real numbers."""
    try:
        array = np.asarray(value)
    except ValueError:  # ragged
        array = np.asarray("ragged")
    if array.dtype.kind not in "iuf":
        raise InputError(argument, value, "be an array of real numbers")
    return array.astype(np.float64)


def _short(value: Any, limit: int = 80) -> str:
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."
