"""Every fault of a run file becomes one InputError that names the TOML key and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel, ValidationError

from ..errors import InputError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


class _Missing:
    def __repr__(self) -> str:
        return "missing"


def input_error(error: ValidationError, schema: type[BaseModel]) -> InputError:
    """Return the first fault of a validation as an InputError; an unknown key comes before everything else.

    Parameters
    ----------
    error : pydantic.ValidationError
        What pydantic found.
    schema : type of pydantic.BaseModel
        The model that was validated, to know its keys.
    """
    # a misspelled required key shows up as unknown and as missing: the first is the cause
    faults = sorted(error.errors(), key=lambda fault: fault["type"] != "extra_forbidden")
    fault = faults[0]
    key = _key(fault["loc"])
    # a bad entry makes pydantic complain about its list, too
    others = [_key(f["loc"]) for f in faults[1:] if not key.startswith(_key(f["loc"]))]
    more = f"Further problems: {', '.join(others)}." if others else ""
    if fault["type"] == "extra_forbidden":
        allowed, remedy = _unknown(fault["loc"], schema)
        return InputError(key, fault["input"], allowed, f"{remedy} {more}".strip())
    if fault["type"] == "missing":
        return InputError(key, _Missing(), "be given", more)
    return InputError(key, fault["input"], _allowed(fault), more)


def _key(location: Sequence[str | int]) -> str:
    """Spell a location as in TOML: ``("medium", "files", 0, "path")`` is ``medium.files[0].path``."""
    key = ""
    for part in location:
        key += f"[{part}]" if isinstance(part, int) else f".{part}"
    return key.lstrip(".") or "run file"


def _allowed(fault: ErrorDetails) -> str:
    message = fault["msg"]
    if fault["type"] == "tuple_type":
        return "be a list in brackets"
    for start in ("Input should be ", "Input should have "):
        if message.startswith(start):
            verb = start.split()[-1]
            return f"{verb} {message.removeprefix(start)}"
    return message if message.split()[0] in {"be", "have", "not"} else f"be valid ({message})"


def _unknown(location: Sequence[str | int], schema: type[BaseModel]) -> tuple[str, str]:
    """Return what is allowed in place of an unknown key, and the nearest known key as a remedy."""
    known = list(_keys(schema))
    section = _key(location[:-1]) if len(location) > 1 else ""
    plain_section = ".".join(str(part) for part in location[:-1] if not isinstance(part, int))
    siblings = [key.rpartition(".")[2] for key in known if key.rpartition(".")[0] == plain_section]
    where = f"[{section}]" if section else "a run file"
    allowed = f"be a known key; {where} has {', '.join(siblings)}"
    name = str(location[-1])
    near = difflib.get_close_matches(name, siblings, n=1)
    if near:
        return allowed, f"Did you mean `{near[0]}`?"
    elsewhere = [k for k in known if difflib.get_close_matches(name, [k.rpartition(".")[2]], cutoff=0.8)]
    return allowed, f"Did you mean `{elsewhere[0]}`?" if elsewhere else ""


def _keys(schema: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Yield every dotted key of a model and of the models inside it."""
    for name, field in schema.model_fields.items():
        yield prefix + name
        for inner in _models(field.annotation):
            yield from _keys(inner, f"{prefix}{name}.")


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
