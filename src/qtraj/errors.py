"""Exceptions and warnings of qtraj: one form for bad arguments, no traceback from deep inside, one warning a call."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from contextvars import ContextVar, Token
from types import FrameType
from typing import Any, Final

# Makes the messages of one kind of warning, none or more, of all that was noted of it.
Describe = Callable[[list[Any]], list[str]]

_NOTED: ContextVar[dict[Describe, list[Any]] | None] = ContextVar("noted", default=None)
_PACKAGE: Final = __name__.partition(".")[0]


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


class collected:  # noqa: N801  used as a function
    """Context that gathers what `note` reports and warns once of each kind at its end.

    One inside another gathers for the outer one, and so do the threads of `side_by_side`. Nothing is warned of when an
    exception ends it. With `drop`, what is reported inside is forgotten: the results carry their errors in any case.
    """

    def __init__(self, *, drop: bool = False) -> None:
        self._drop = drop
        self._token: Token[dict[Describe, list[Any]] | None] | None = None

    def __enter__(self) -> None:
        if self._drop or _NOTED.get() is None:
            self._token = _NOTED.set({})

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if self._token is None:
            return
        noted = _NOTED.get() or {}
        _NOTED.reset(self._token)
        if kind is None and not self._drop:
            for describe, data in noted.items():
                _warn_of(describe, data)


def note(describe: Describe, data: Any) -> None:
    """Report something that falls short: an `AccuracyWarning`, at once or at the end of the context `collected`.

    `describe` is a function of a module (it stands for the kind of warning) that makes messages of all `data` noted.
    """
    noted = _NOTED.get()
    if noted is None:
        _warn_of(describe, [data])
    else:
        noted.setdefault(describe, []).append(data)


def _warn_of(describe: Describe, data: list[Any]) -> None:
    for message in describe(data):
        warn_user(message, AccuracyWarning)


def warn_user(message: str, category: type[Warning]) -> None:
    """Warn, and point at the line outside the package that called it, however deep inside this is."""
    frame: FrameType | None = sys._getframe()
    depth, level = 0, 1
    while frame is not None:
        depth += 1
        # the outermost one: on the way lie functools and contextlib, which are outside, too
        if frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE:
            level = depth
        frame = frame.f_back
    warnings.warn(message, category, stacklevel=level + 1)


def _short(value: Any, limit: int = 80) -> str:
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."
