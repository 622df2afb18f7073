"""The keys of QTraj 1.0's ``params.txt``: type, unit, allowed values, meaning, and their name in qtraj."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf, isfinite
from numbers import Integral
from typing import Any, Final

import numpy as np

from ..._checks import is_finite_number
from ...errors import InputError

Value = int | float | bool | str

KEY: Final = "key"
"""Name under which a dataclass field carries its `Key`."""

_NUMBER: Final = {
    bool: re.compile(r"[01]"),
    int: re.compile(r"[+-]?\d+"),
    float: re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"),
}


@dataclass(frozen=True)
class Key:
    """One key of ``params.txt``.

    Parameters
    ----------
    kind : type
        bool (written 0 or 1), int, float or str.
    unit : str
        Unit of the value; empty for pure numbers.
    meaning : str
        What the original does with it.
    today : str
        What takes its place in qtraj.
    choices : tuple of int
        All allowed values; empty if a range says it.
    above, least, most : float
        Allowed range: value > above, value >= least, value <= most.
    group : str
        Heading under which `write_params` puts it.
    """

    kind: type
    unit: str
    meaning: str
    today: str
    choices: tuple[int, ...] = ()
    above: float = -inf
    least: float = -inf
    most: float = inf
    group: str = ""

    @property
    def allowed(self) -> str:
        """The rule as a phrase that completes "`key` must ..."."""
        if self.kind is str:
            return "be the name of a file"
        if self.kind is bool:
            return "be 0 or 1"
        if self.choices:
            return f"be one of {', '.join(map(str, self.choices))}"
        bounds = [
            f"above {self.above:g}" if isfinite(self.above) else "",
            f"at least {self.least:g}" if isfinite(self.least) else "",
            f"at most {self.most:g}" if isfinite(self.most) else "",
        ]
        noun = "a whole number" if self.kind is int else "a finite number"
        return " ".join(["be", noun, " and ".join(filter(None, bounds))]).strip()

    def parse(self, name: str, text: str) -> Value:
        """Return the value that `text` spells, or raise InputError; ``1e5`` is no whole number."""
        if self.kind is str:
            return text
        spelled = _NUMBER[self.kind].fullmatch(text)
        if not spelled:
            remark = "A comment after a value begins with //." if len(text.split()) > 1 else ""
            raise InputError(name, text, self.allowed, remark or self.meaning_of_choices)
        return float(text) if self.kind is float else int(text)

    def checked(self, name: str, value: Any) -> Value:
        """Return `value` as this key's type, or raise InputError if type or range are wrong."""
        # NumPy's numbers, too; a whole number is a good float, and 0 and 1 are the file's booleans
        if self.kind is float and is_finite_number(value):
            value = float(value)
        elif isinstance(value, Integral | np.bool_) and (
            self.kind is bool or not isinstance(value, bool | np.bool_)
        ):
            value = bool(value) if self.kind is bool and value in (0, 1) else int(value)
        elif self.kind is str and isinstance(value, str):
            value = str(value)
        good = type(value) is self.kind
        if good and self.kind in (int, float):
            good = isfinite(value) and self.above < value <= self.most and value >= self.least
            good = good and (not self.choices or value in self.choices)
        if not good or value == "":
            raise InputError(name, value, self.allowed, self.meaning_of_choices)
        checked: Value = value
        return checked

    @property
    def meaning_of_choices(self) -> str:
        """The meaning as a sentence, where the allowed values are a list."""
        return f"Meaning: {self.meaning}." if self.choices else ""


def key(group: str, kind: type, unit: str, meaning: str, today: str, **rule: Any) -> Any:
    """Return a dataclass field that carries a `Key`; ``default=`` makes the key optional."""
    default = {"default": rule.pop("default")} if "default" in rule else {}
    return field(**default, metadata={KEY: Key(kind, unit, meaning, today, group=group, **rule)})


def keys_of(fields: Mapping[str, Any]) -> dict[str, Key]:
    """Return the `Key` of each dataclass field, in their order."""
    return {name: each.metadata[KEY] for name, each in fields.items()}
