"""Every public name is documented: summary, parameters with types and units, returns with shapes, errors, source."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import textwrap
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from documented import MODULES
from numpydoc.docscrape import FunctionDoc

UNIT = re.compile(
    r"GeV|\bfm\b|_fm|\bmb\b|\bnb\b|\bs\b|second|percent|_pct|radian|\brad\b|dimensionless|rapidity|relative|fraction"
    r"|probabilit|number|factor|ratio|weight|\bunits?\b|coupling|kappa_hat|gamma_hat|R_AA|surviv|overlap|angle|Bohr|dpi|level|inch",
    re.IGNORECASE,
)
"""Words that tell what a number is measured in, or that it has no unit."""

PURE = {
    "replicate", "replicate_means", "l", "norm", "n_part", "n_coll", "population", "residual", "numerical",
    "predictions", "x", "x_low", "x_high", "x_ends", "value", "values", "parts", "low", "high", "states", "color",
    "r_max", "alpha", "anisotropy", "diagnostics", "lost", "error", "errors", "shifts", "vectors", "stat_plus",
    "stat_minus", "syst_plus", "syst_minus", "total_plus", "total_minus",
}  # fmt: skip
"""Arguments that are numbers without a unit, or in that of what they belong to, as their descriptions say."""

PROTOCOL = {"u", "vacuum", "medium", "solve"}
"""Methods whose arguments the protocols describe: InitialState, Potential, ThermalPotential, Method."""

PHYSICS = (
    "qtraj.physics.initial",
    "qtraj.physics.medium",
    "qtraj.physics.channels",
    "qtraj.physics.model",
    "qtraj.physics.transport",
    "qtraj.physics.potentials.ksu",
    "qtraj.physics.potentials.htl",
    "qtraj.physics.potentials.three_loop",
    "qtraj.physics.potentials.wilson_line",
    "qtraj.physics.potentials.coulomb.",
    "qtraj.radial",
    "qtraj.solvers.nojump.method",
    "qtraj.solvers.density.method.",
    "qtraj.solvers.trajectories.method",
    "qtraj.spectroscopy.levels.thermal_levels",
    "qtraj.spectroscopy.spectral",
    "qtraj.hydro.glauber",
    "qtraj.hydro.sampling",
    "qtraj.observables.observable",
    "qtraj.observables.data.compare",
    "qtraj.observables.feeddown",
)
"""Modules with equations: their public names give the source, themselves or in the words of their module."""

SOURCE = re.compile(r"arXiv|math::|Complexity|Phys\.|Chem\.|Instrum|\beqs?\.|JHEP|:math:|Efron|PDG|docs/")


def public() -> dict[str, Any]:
    """Return every public function and class by its name, each once."""
    things = {}
    for module in MODULES:
        for name in importlib.import_module(module).__all__:
            thing = getattr(importlib.import_module(module), name)
            if inspect.isroutine(thing) or inspect.isclass(thing):
                things[f"{thing.__module__}.{thing.__qualname__}"] = thing
    from qtraj.campaign.results import open_results

    return things | {"qtraj.campaign.results.open_results": open_results}


PUBLIC = public()
FUNCTIONS = {name: thing for name, thing in PUBLIC.items() if not inspect.isclass(thing)}
CLASSES = {name: thing for name, thing in PUBLIC.items() if inspect.isclass(thing)}


def methods() -> dict[str, Any]:
    """Return the public methods, class methods and properties that public classes define."""
    found = {}
    for name, thing in CLASSES.items():
        for base in (b for b in thing.__mro__ if b.__module__.startswith("qtraj")):
            for own, member in vars(base).items():
                if own.startswith("_"):
                    continue
                if isinstance(member, classmethod | staticmethod):
                    found[f"{name}.{own}"] = member.__func__
                elif isinstance(member, property):
                    found[f"{name}.{own}"] = member.fget
                elif isinstance(member, cached_property):
                    found[f"{name}.{own}"] = member.func
                elif inspect.isfunction(member):
                    found[f"{name}.{own}"] = member
    return found


METHODS = methods()


def sections(thing: Any) -> FunctionDoc:
    return FunctionDoc(thing, doc=inspect.getdoc(thing) or "")


def arguments(thing: Any) -> list[str]:
    names = inspect.signature(thing).parameters
    return [name for name in names if name not in {"self", "cls"}]


def documented(doc: FunctionDoc) -> dict[str, Any]:
    """Return the documented parameters, `a, b : float` taken apart."""
    entries = [*doc["Parameters"], *doc["Other Parameters"], *doc["Attributes"]]
    return {name.strip().lstrip("*"): entry for entry in entries for name in entry.name.split(",")}


def raised(thing: Any) -> set[str]:
    """Return the names of qtraj's exceptions that a function raises itself."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(thing)))
    calls = [
        node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)
    ]
    names = {ast.unparse(call.func) for call in calls}
    return names & {"InputError", "FileFormatError"}


def assert_clean(check: Callable[[str, Any], str | None], things: Mapping[str, Any]) -> None:
    """Assert that a check finds nothing wrong, or say all that it finds."""
    wrong = [f"{name}: {words}" for name, thing in things.items() if (words := check(name, thing))]
    assert not wrong, "\n".join(wrong)


def test_a_summary_says_what_it_is():
    def check(name: str, thing: Any) -> str | None:
        summary = " ".join(sections(thing)["Summary"])
        return None if summary.endswith((".", ":")) and len(summary) > 15 else summary or "no docstring"

    assert_clean(check, PUBLIC)


def test_parameters_are_those_of_the_signature_with_types_units_and_shapes():
    def check(name: str, thing: Any) -> str | None:
        if inspect.isclass(thing) and (issubclass(thing, BaseException) or not arguments(thing)):
            return None
        found = documented(sections(thing))
        if "describe_keys" in inspect.getdoc(thing):  # docs/qtraj1.md has the table, with a test
            return None
        if set(arguments(thing)) - set(found) or (
            not inspect.isclass(thing) and set(found) - set(arguments(thing))
        ):
            return f"not both in signature and docstring: {set(arguments(thing)) ^ set(found)}"
        return "; ".join(filter(None, (entry_problem(argument, entry) for argument, entry in found.items())))

    assert_clean(check, PUBLIC)


def entry_problem(argument: str, entry: Any) -> str | None:
    """Return what the description of an argument lacks."""
    words = f"{argument} {entry.type} {' '.join(entry.desc)}"
    if re.match(r"(As|Of)( in| for)? `\w+", " ".join(entry.desc)):
        return None  # described there
    if not entry.type and not entry.name.startswith("**"):
        return f"{argument} has no type"
    if not entry.desc and not re.search(r"str|Axes|bool", entry.type):
        return f"{argument} is not described"
    if (
        re.search(r"\bfloat\b|array_like|ndarray", entry.type)
        and argument not in PURE
        and not UNIT.search(words)
    ):
        return f"{argument} has no unit"
    if re.search(r"array_like|ndarray", entry.type) and not re.search(
        r"shape|length|any|\(n,?\)|\.\.\.", words
    ):
        return f"{argument} has no shape"
    return None


def test_what_a_function_returns_is_described():
    def check(name: str, thing: Any) -> str | None:
        annotation = str(inspect.signature(thing).return_annotation)
        doc = sections(thing)
        if annotation in {"None", "<class 'NoneType'>"} or "``with`` block" in inspect.getdoc(thing):
            return None
        words = " ".join(f"{e.type} {' '.join(e.desc)}" for e in [*doc["Returns"], *doc["Yields"]])
        if not words:
            return f"returns {annotation}"
        is_array = "Float" in annotation or "NDArray" in annotation
        return "no shape" if is_array and "shape" not in words else None

    assert_clean(check, FUNCTIONS)


def test_methods_say_what_they_return_and_name_their_arguments():
    def check(name: str, thing: Any) -> str | None:
        text = inspect.getdoc(thing) or ""
        if not text.split("\n\n")[0].rstrip().endswith((".", ":")):
            return "no summary"
        if name.rpartition(".")[2] in PROTOCOL:
            return None
        missing = [argument for argument in arguments(thing) if not re.search(rf"\b{argument}\b", text)]
        return f"does not mention {missing}" if missing else None

    assert_clean(check, METHODS)


def test_errors_that_are_raised_are_documented():
    def check(name: str, thing: Any) -> str | None:
        if not hasattr(thing, "__code__"):
            return None
        owner = CLASSES.get(name.rpartition(".")[0])
        text = (inspect.getdoc(thing) or "") + (inspect.getdoc(owner) or "" if owner else "")
        return ", ".join(error for error in raised(thing) if error not in text)

    assert_clean(check, FUNCTIONS | METHODS)


def test_errors_of_a_constructor_are_documented():
    def check(name: str, thing: Any) -> str | None:
        made = [vars(thing).get(method) for method in ("__init__", "__post_init__")]
        written = [m for m in made if inspect.isfunction(m) and m.__code__.co_filename.endswith(".py")]
        return ", ".join(e for m in written for e in raised(m) if e not in (inspect.getdoc(thing) or ""))

    assert_clean(check, CLASSES)


def test_physics_gives_its_source():
    def check(name: str, thing: Any) -> str | None:
        words = (inspect.getdoc(thing) or "") + (inspect.getmodule(thing).__doc__ or "")
        return None if SOURCE.search(words) else "no source"

    assert_clean(check, {name: PUBLIC[name] for name in PUBLIC if name.startswith(PHYSICS)})
