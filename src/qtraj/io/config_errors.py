"""Every fault of a run file, and every contradiction in it, as an InputError that names the key and what to do."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, Self, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from ..errors import InputError
from ..hydro.readers.netcdf import shipped_runs
from ..hydro.sampling import GROUP, GROUP_SQRT_S_GEV, check_rapidity
from ..observables.data.systems import system_of
from ..physics.model import EXPANDED, RECOIL
from ..physics.potentials import POTENTIALS, is_complex, takes_alpha

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from .config import Model, RunConfig

PLAUSIBLE: Final = 0.1
"""Relative difference of a cross section from that of a known system: published values differ by 7 % (67.6 and 72 mb
at 5.02 TeV), a slip of the decimal point by more."""

SAME_ENERGY: Final = 1e-3  # relative: 5.02 TeV and 5023 GeV are one energy

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


def rule(allowed: str) -> PydanticCustomError:
    """Return a fault whose text completes "`key` must ...", as InputError wants it."""
    return PydanticCustomError("rule", allowed)


def must(allowed: str, holds: Callable[[Any], bool]) -> Callable[[Any], Any]:
    """Return a validator that lets through the values for which `holds` is true."""

    def checked(value: Any) -> Any:
        if not holds(value):
            raise rule(allowed)
        return value

    return checked


def one_of(names: Collection[str]) -> Callable[[str], str]:
    """Return a validator that lets through these names."""
    return must(f"be one of {', '.join(map(repr, names))}", lambda value: value in names)


class Section(BaseModel):
    """Section of a run file: nothing unknown passes, nothing is converted, and rules hold between keys."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    def _rules(self) -> Iterator[tuple[bool, str]]:
        """Yield whether the keys together break a rule, and the rule; each rule may rely on those before it."""
        yield from ()

    @model_validator(mode="after")
    def _keep_rules(self) -> Self:
        for broken, allowed in self._rules():
            if broken:
                raise rule(allowed)
        return self


CHOICE_OF_POTENTIAL: Final = (
    f"be {', '.join(map(repr, POTENTIALS))}, {{ file = 'V.txt' }} or {{ python = 'module:name' }}"
)


def named_potential(value: Any) -> Any:
    """Return the table of a potential that is given by its name alone; `PydanticCustomError` for no name."""
    if not isinstance(value, str):
        return value
    if value not in POTENTIALS:
        raise rule(CHOICE_OF_POTENTIAL)
    return {"name": value}  # a name alone is short for a table that says only it


def checked_rapidity(value: Any) -> Any:
    """Return the rapidity of paths as `sample_paths` takes it."""
    try:
        return check_rapidity(value)
    except InputError as error:
        raise rule(error.allowed) from None


def written(pattern: str, allowed: str) -> AfterValidator:
    """Return the check that a text has this form."""
    return AfterValidator(must(allowed, lambda text: re.fullmatch(pattern, text) is not None))


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


def _key(location: Sequence[str | int]) -> str:
    """Spell a location as in TOML: ``("medium", "files", 0, "path")`` is ``medium.files[0].path``."""
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return key.lstrip(".") or "run file"


def _allowed(fault: ErrorDetails) -> str:
    """Return pydantic's message as the end of "`key` must ..."; the rules of `config` are written as that."""
    message = fault["msg"]
    if fault["type"] == "tuple_type":
        return "be a list in brackets"
    if fault["type"] == "string_too_short":
        return "be a text that is not empty"
    if message.startswith(("Input should be ", "Input should have ")):
        return message.removeprefix("Input should ")
    return message if message.split()[0] in {"be", "have", "not"} else f"be valid ({message})"


def _unknown(location: Sequence[str | int], schema: type[BaseModel]) -> tuple[str, str]:
    """Return what is allowed in place of an unknown key, and the nearest known key as a remedy."""
    known = list(_keys(schema))
    section = ".".join(str(part) for part in location[:-1] if not isinstance(part, int))
    siblings = [key.rpartition(".")[2] for key in known if key.rpartition(".")[0] == section]
    where = f"[{_key(location[:-1])}]" if len(location) > 1 else "a run file"
    allowed = f"be a known key; {where} has {', '.join(siblings)}"
    name = str(location[-1])
    near = difflib.get_close_matches(name, siblings, n=1)
    # in another section only what is nearly the same word
    near += [k for k in known if difflib.get_close_matches(name, [k.rpartition(".")[2]], cutoff=0.8)]
    return allowed, f"Did you mean `{near[0]}`?" if near else ""


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


def refuse_contradictions(config: RunConfig) -> None:
    """Raise InputError for a key that is given and cannot have the effect that its user expects beside the others."""
    of_problem = chain(_of_model(config.model), _of_start(config), _of_method(config))
    for key, value, wrong, allowed, *remedy in chain(of_problem, _of_histories(config), _of_system(config)):
        if wrong:
            raise InputError(key, value, allowed, *remedy)


_Check = tuple[str, Any, bool, str] | tuple[str, Any, bool, str, str]
"""A key, its value, whether it is wrong, what it must, and perhaps a remedy."""


def _of_model(model: Model) -> Iterator[_Check]:
    given, potential = model.model_fields_set, model.potential
    numbers = all(isinstance(kappa, float) for kappa in model.kappa)
    without_fits = "be left out where every kappa is a number" + ("" if numbers else ", a table or 'none'")
    remedy = "It scales the fits 'central', 'lower' and 'upper'."
    yield "model.T_c", model.T_c, "T_c" in given and not model.has_fits, without_fits, remedy
    lacks_alpha = potential.file is not None and "alpha" not in given
    remedy = "It sets the radius of the Coulomb functions."
    yield "model.alpha", None, lacks_alpha, "be given with a potential from a file", remedy
    own_alpha = potential.python is not None and "alpha" in given
    yield "model.alpha", model.alpha, own_alpha, f"be left out: {potential.python} has its own"
    no_alpha = potential.name is not None and "alpha" in given and not takes_alpha(potential.name)
    yield "model.alpha", model.alpha, no_alpha, f"be left out: '{potential.name}' has its own"
    allowed = f"be left out with potential = '{potential.name}', which has a width of its own"
    remedy = "Dipole terms would count the decay twice."
    twice = is_complex(potential.name) and model.kappa != ("none",)
    key = "kappa" if model.transport is None else "transport"
    yield f"model.{key}", getattr(model, key), twice, allowed, remedy
    none = "none" in model.kappa
    yield "model.kappa", model.kappa, none and len(model.kappa) > 1, "be 'none' alone"
    allowed = "be left out with kappa = ['none']: no dipole terms"
    yield "model.gamma", model.gamma, none and model.gamma != (0.0,), allowed
    yield "model.gamma_vacuum", model.gamma_vacuum, none and model.gamma_vacuum != 0, allowed
    allowed = "be 0 for a potential that has gamma(0) itself"
    has_own = potential.name == "three-loop" and potential.arguments.get("gamma_vacuum") != 0
    yield "model.gamma_vacuum", model.gamma_vacuum, has_own and model.gamma_vacuum != 0, allowed
    allowed = "be 'LO' for a potential that changes with the medium"
    remedy = "Beyond leading order a jump knows the energies of the vacuum."
    thermal = is_complex(potential.name) and RECOIL[model.order]
    yield "model.order", model.order, thermal, allowed, remedy
    for key, value in (("spectrum", model.spectrum), ("positive", model.positive)):
        foreign = bool(value) and EXPANDED[model.order]
        yield f"model.{key}", value, foreign, f"be left out with order = '{model.order}': it belongs to 'all'"


def _of_start(config: RunConfig) -> Iterator[_Check]:
    start = config.initial
    for key, kinds in (("width", ("gaussian",)), ("n", ("coulomb", "bound"))):
        foreign = key in start.model_fields_set and start.kind not in kinds
        allowed = f"be left out with kind = '{start.kind}': it belongs to {' and '.join(kinds)}"
        yield f"initial.{key}", getattr(start, key), foreign, allowed
    mixed = start.kind == "bound" and not isinstance(start.color, str)
    allowed = "be 'singlet' or 'octet' with kind = 'bound': it chooses the potential"
    yield "initial.color", start.color, mixed, allowed


def _of_method(config: RunConfig) -> Iterator[_Check]:
    method = config.method
    for key in sorted(method.model_fields_set - {"kind", *METHOD_KEYS[method.kind]}):
        kinds = [kind for kind, keys in METHOD_KEYS.items() if key in keys]
        allowed = f"be left out with kind = '{method.kind}': it belongs to {' and '.join(kinds)}"
        yield f"method.{key}", getattr(method, key), True, allowed
    signed = method.kind == "trajectories" and not EXPANDED[config.model.order] and not config.model.positive
    allowed = "be 'density' or 'nojump' with order = 'all', which is no Lindblad equation"
    yield "method.kind", method.kind, signed, allowed, "positive = true is its completely positive twin."
    sine, recoil = method.grid is not None and method.grid.kind == "sine", RECOIL[config.model.order]
    beside = f"order = '{config.model.order}'" if recoil else "kind = 'density'"
    on_mesh_only = sine and (recoil or method.kind == "density")
    yield "method.grid.kind", "sine", on_mesh_only, f"be 'mesh' with {beside}"
    no_steps = method.dt is not None and not sine
    yield "method.dt", method.dt, no_steps, "be left out without grid = { kind = 'sine' }"
    all_jumps = method.jump_range is not None and sine
    allowed = "be left out on a sine grid, which keeps all jumps"
    yield "method.jump_range", method.jump_range, all_jumps, allowed
    unrefined = "atol" in method.model_fields_set and method.budget == "replicate"
    remedy = "It says which paths are refined, and only budget = 'all' refines any."
    yield "method.atol", method.atol, unrefined, "be left out with budget = 'replicate'", remedy


def _of_histories(config: RunConfig) -> Iterator[_Check]:
    campaign, medium, paths = config.campaign, config.medium, config.paths
    timed = campaign.chunk is not None and "chunk_seconds" in campaign.model_fields_set
    allowed = f"be left out with chunk = {campaign.chunk}, the size that it would choose"
    yield "campaign.chunk_seconds", campaign.chunk_seconds, timed, allowed
    cheap = paths.cheap is not None
    remedy = "It emulates the survival of an expectation value, without noise of its own."
    noisy = cheap and config.method.kind == "trajectories"
    yield "paths.cheap", paths.cheap, noisy, "be left out with method.kind = 'trajectories'", remedy
    reason = config.initial.lacks_raa
    yield "paths.cheap", paths.cheap, cheap and bool(reason), f"be left out for this start: {reason}"
    uneven = paths.solved is not None and paths.n * paths.replicates != paths.solved
    allowed = f"be {paths.replicates} replicates times a power of two, and n be left out"
    yield "paths.solved", paths.solved, uneven, allowed
    ready_made = bool(medium.files) and all(file.format == "qtraj_trajectories" for file in medium.files)
    for name in sorted(paths.model_fields_set):
        # with budget = 'replicate' the first n paths are the sample for the errors
        sample = name == "n" and config.method.budget == "replicate"
        # `n` of each replicate, or `solved`, of the paths of a file are solved, `cheap` others emulated
        sample = sample or (cheap and name in ("n", "replicates", "solved", "cheap", "error"))
        allowed = "be left out: all paths come ready-made, from trajectory files"
        yield f"paths.{name}", getattr(paths, name), ready_made and not sample, allowed
    allowed = "be left out: the temperatures of trajectory files are what their paths meet from the beginning"
    yield "medium.early", "given", ready_made and medium.early is not None, allowed
    some = any(file.format == "qtraj_trajectories" for file in medium.files)
    allowed = "be 'hydro' beside trajectory files, whose times are those of their temperatures"
    yield "paths.clock", paths.clock, some and paths.clock != "hydro", allowed
    twice = "rapidity" in paths.model_fields_set and any(file.rapidity for file in medium.files)
    allowed = "be left out where entries [[medium.files]] have rapidities of their own"
    yield "paths.rapidity", paths.rapidity, twice, allowed
    energy = config.system.sqrt_s_GeV
    other = paths.rapidity == GROUP and abs(energy / GROUP_SQRT_S_GEV - 1) > SAME_ENERGY
    allowed = (
        f"be a number, a range or rows (y, density) at {energy:g} GeV: 'group' is of {GROUP_SQRT_S_GEV:g} GeV"
    )
    yield "paths.rapidity", paths.rapidity, other, allowed


def _of_system(config: RunConfig) -> Iterator[_Check]:
    """Check that the cross section is the one behind N_part, where the run would not notice."""
    key, sigma = "system.sigma_nn_mb", config.system.sigma_nn_mb
    place = (config.system.name, config.system.sqrt_s_GeV)
    hydro = config.medium.hydro
    if hydro != "files":
        for run in shipped_runs():
            same = (run.nuclei, run.sqrt_s_GeV) == place
            allowed = f"be {run.sigma_nn_mb:g} with hydro = '{hydro}': N_part of these runs was made with it"
            yield key, sigma, same and run.sigma_nn_mb != sigma, allowed, "Others need [[medium.files]]."
        return
    if (known := system_of(*place)) is not None:
        allowed = f"be within {100 * PLAUSIBLE:g} % of {known.sigma_nn_mb:g}, that of {known.name}"
        yield key, sigma, abs(sigma / known.sigma_nn_mb - 1) > PLAUSIBLE, allowed, "It is in mb."
