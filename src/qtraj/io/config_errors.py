"""Every fault of a run file, and every contradiction in it, as an InputError that names the key and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, get_args

from pydantic import BaseModel, ValidationError

from ..errors import InputError
from ..hydro.readers.netcdf import shipped_runs
from ..observables.data.systems import load_system, system_names

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from .config import RunConfig, System

PLAUSIBLE: Final = 0.1
"""Relative difference of a cross section from that of a known system: published values differ by 7 % (67.6 and 72 mb
at 5.02 TeV), a slip of the decimal point by more."""


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


def refuse_contradictions(config: RunConfig) -> None:
    """Refuse a key that is given and cannot have the effect that its user expects beside the other keys.

    Parameters
    ----------
    config : RunConfig
        A run file with valid values.

    Raises
    ------
    InputError
        For the first such key; says beside what it has no effect.
    """
    model, medium, paths, method = config.model, config.medium, config.paths, config.method
    if "T_c" in model.model_fields_set and not any(isinstance(kappa, str) for kappa in model.kappa):
        allowed = "be left out where every kappa is a number"
        raise InputError(
            "model.T_c", model.T_c, allowed, "It scales the fits 'central', 'lower' and 'upper'."
        )
    if "atol" in method.model_fields_set and method.budget == "replicate":
        remedy = "It says which paths are refined, and only budget = 'all' refines any."
        raise InputError("method.atol", method.atol, "be left out with budget = 'replicate'", remedy)
    if config.campaign.chunk is not None and "chunk_seconds" in config.campaign.model_fields_set:
        allowed = f"be left out with chunk = {config.campaign.chunk}, the size that it would choose"
        raise InputError("campaign.chunk_seconds", config.campaign.chunk_seconds, allowed)
    if medium.files and all(file.format == "qtraj_trajectories" for file in medium.files):
        for name in sorted(paths.model_fields_set):
            if (
                name == "n" and method.budget == "replicate"
            ):  # then so many paths are the sample for the errors
                continue
            allowed = "be left out: all paths come ready-made, from trajectory files"
            raise InputError(f"paths.{name}", getattr(paths, name), allowed)
    _check_cross_section(config.system, shipped=medium.hydro == "shipped")


def _check_cross_section(system: System, *, shipped: bool) -> None:
    """Refuse a cross section that is not the one behind N_part, where the run would not notice."""
    place, sigma = (system.name, system.sqrt_s_GeV), system.sigma_nn_mb
    if shipped:
        runs = [run for run in shipped_runs() if (run.system.replace("-", ""), run.sqrt_s_GeV) == place]
        for run in runs:
            if run.sigma_nn_mb != sigma:
                allowed = (
                    f"be {run.sigma_nn_mb:g} with hydro = 'shipped': N_part of these runs was made with it"
                )
                raise InputError("system.sigma_nn_mb", sigma, allowed, "Others need [[medium.files]].")
        return
    for known in map(load_system, system_names()):
        if (known.data, known.sqrt_s_GeV) == place and abs(sigma / known.sigma_nn_mb - 1) > PLAUSIBLE:
            allowed = f"be within {100 * PLAUSIBLE:g} % of {known.sigma_nn_mb:g}, that of {known.name}"
            raise InputError("system.sigma_nn_mb", sigma, allowed, "It is in mb.")


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
