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

    from .config import Model, RunConfig, System

PLAUSIBLE: Final = 0.1
"""Relative difference of a cross section from that of a known system: published values differ by 7 % (67.6 and 72 mb
at 5.02 TeV), a slip of the decimal point by more."""


METHOD_KEYS: Final[dict[str, tuple[str, ...]]] = {
    "density": ("rtol", "atol", "budget", "grid", "l_max", "step", "refinements"),
    "nojump": ("budget", "grid", "step", "dt", "projection"),
    "trajectories": (
        "n", "seed", "target_error", "grid", "step", "dt", "estimator", "projection", "max_jumps", "r_max",
        "jump_range", "batch", "workers",
    ),
}  # fmt: skip
"""Keys of ``[method]`` by its kind. Left out are arguments whose effect no result of a run would hold (records,
diagnostics), and the time limit, with which the numbers would depend on the machine."""


class _Missing:
    def __repr__(self) -> str:
        return "missing"


def input_error(error: ValidationError, schema: type[BaseModel]) -> InputError:
    """Return the first fault of a validation as an InputError; an unknown key comes before everything else."""
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
    """Refuse a key that is given and cannot have the effect that its user expects beside the other keys."""
    medium, paths, method = config.medium, config.paths, config.method
    _check_model(config.model)
    _check_start(config)
    _check_method(config)
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


def _check_model(model: Model) -> None:
    given, potential = model.model_fields_set, model.potential
    if "T_c" in given and not model.has_fits:
        allowed = "be left out where every kappa is a number, a table or 'none'"
        if all(isinstance(kappa, float) for kappa in model.kappa):
            allowed = "be left out where every kappa is a number"
        raise InputError(
            "model.T_c", model.T_c, allowed, "It scales the fits 'central', 'lower' and 'upper'."
        )
    if potential.file is not None and "alpha" not in given:
        remedy = "It sets the radius of the Coulomb functions."
        raise InputError("model.alpha", None, "be given with a potential from a file", remedy)
    if potential.python is not None and "alpha" in given:
        raise InputError("model.alpha", model.alpha, f"be left out: {potential.python} has its own")
    if potential.name == "ksu" and model.kappa != ("none",):
        remedy = "Dipole terms would count the decay twice."
        allowed = "be left out with potential = 'ksu', which has a width of its own"
        raise InputError("model.kappa", model.kappa, allowed, remedy)
    if "none" in model.kappa and (len(model.kappa) > 1 or model.gamma != (0.0,)):
        key, value = ("kappa", model.kappa) if len(model.kappa) > 1 else ("gamma", model.gamma)
        allowed = (
            "be 'none' alone" if key == "kappa" else "be left out with kappa = ['none']: no dipole terms"
        )
        raise InputError(f"model.{key}", value, allowed)
    if potential.name != "coulomb" and model.order == "NLO":
        remedy = "The NLO jump operators of arXiv:2205.10289 are those of Coulomb potentials."
        raise InputError("model.order", model.order, "be 'LO' for a potential that is not Coulomb's", remedy)


def _check_start(config: RunConfig) -> None:
    start = config.initial
    for key, kinds in (("width", ("gaussian",)), ("n", ("coulomb", "bound"))):
        if key in start.model_fields_set and start.kind not in kinds:
            allowed = f"be left out with kind = '{start.kind}': it belongs to {' and '.join(kinds)}"
            raise InputError(f"initial.{key}", getattr(start, key), allowed)
    if start.kind == "bound" and not isinstance(start.color, str):
        allowed = "be 'singlet' or 'octet' with kind = 'bound': it chooses the potential"
        raise InputError("initial.color", start.color, allowed)
    if config.model.potential.name == "ksu" and start.color not in ("singlet", 1):
        raise InputError(
            "initial.color", start.color, "be 'singlet' with potential = 'ksu', which has no octet"
        )


def _check_method(config: RunConfig) -> None:
    method, potential = config.method, config.model.potential.name
    for key in sorted(method.model_fields_set - {"kind"}):
        if key not in METHOD_KEYS[method.kind]:
            kinds = [kind for kind, keys in METHOD_KEYS.items() if key in keys]
            allowed = f"be left out with kind = '{method.kind}': it belongs to {' and '.join(kinds)}"
            raise InputError(f"method.{key}", getattr(method, key), allowed)
    if potential == "ksu" and method.kind != "nojump":
        remedy = "It changes with the medium and has a width of its own, without jumps."
        raise InputError("method.kind", method.kind, "be 'nojump' with potential = 'ksu'", remedy)
    sine = method.grid is not None and method.grid.kind == "sine"
    if sine and (method.kind == "density" or config.model.order == "NLO"):
        beside = "order = 'NLO'" if config.model.order == "NLO" else "kind = 'density'"
        raise InputError("method.grid.kind", "sine", f"be 'mesh' with {beside}")
    if method.dt is not None and not sine:
        raise InputError("method.dt", method.dt, "be left out without grid = { kind = 'sine' }")
    if method.jump_range is not None and sine:
        raise InputError(
            "method.jump_range", method.jump_range, "be left out on a sine grid, which keeps all jumps"
        )


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
