"""From a run file to the objects it names: potential, model, start, method, feed-down table.

Run, campaign, report and citations make these objects here and nowhere else. `check_choices` makes them all before
anything is computed; `identity` says what of them determines the numbers.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from importlib import import_module
from importlib.machinery import SourceFileLoader
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Literal, cast

import numpy as np

from .._types import Float
from ..errors import AccuracyWarning, FileFormatError, InputError, warn_user
from ..hydro.readers.common import load_table
from ..observables.data.dataset import DataSet
from ..observables.data.files import data_of
from ..observables.feeddown import FeedDown
from ..physics.initial import (
    ArrayState,
    BoundState,
    CoulombState,
    GaussianState,
    InitialState,
    singlet_probability,
)
from ..physics.medium import History, medium_state
from ..physics.model import NO_DIPOLE as NO_DIPOLE_TERMS
from ..physics.model import LindbladModel, quark_of
from ..physics.potentials import POTENTIALS
from ..physics.potentials.coulomb import COLORS, Color, Potential, thermal_potential
from ..physics.potentials.table import TabulatedPotential
from ..physics.transport import Interpolated, Transport
from ..radial.sine import SineGrid
from ..solvers.density.method import DensityMatrix, check_potential
from ..solvers.nojump.method import DEFAULT_MESH as NO_JUMP_MESH
from ..solvers.nojump.method import NoJump
from ..solvers.solve import Method, checked_problem
from ..solvers.trajectories.method import DEFAULT_MESH as TRAJECTORY_MESH
from ..solvers.trajectories.method import QuantumTrajectories
from ..solvers.trajectories.method import check_potential as check_trajectories
from .config import NO_DIPOLE, CoefficientTable, Gamma, Kappa, RunFile
from .config_errors import METHOD_KEYS
from .results import load_states

SHIPPED_FEEDDOWN: Final = ("group", "pdg2026")

Budget = Literal["all", "sample", "none"]
"""What is estimated of the numerical error: of each history, refined; of each history as it is; nothing."""

_PROBE_R: Final = np.array([0.5, 1.0, 2.0])  # GeV^-1; potential and start are evaluated there as a trial


@contextmanager
def keyed(section: str, **keys: str) -> Iterator[None]:
    """Name the key of the run file, where a class names its argument."""
    try:
        yield
    except InputError as error:
        key = keys.get(error.argument, error.argument)
        raise InputError(f"{section}.{key}", error.value, error.allowed, error.remedy) from None


def potential_of(run_file: RunFile) -> Potential:
    """Return the potential of a run file."""
    model = run_file.config.model
    choice = model.potential
    keys = {key: f"potential.{key}" for key in choice.arguments}
    with keyed("model", **{"octet": "potential.octet", "beyond": "potential.beyond"} | keys):
        if choice.python is not None:
            with _named(
                choice.python, "potential.python", "a potential in a Python module, or what makes one"
            ):
                potential: Any = _python_object(run_file, choice.python)
                if isinstance(potential, type) or not isinstance(potential, Potential):
                    potential = potential()  # what makes one
            if isinstance(potential, type) or not isinstance(potential, Potential):
                allowed = "be or make a potential such as CoulombPotential()"
                raise InputError("potential.python", choice.python, allowed)
            return potential
        if choice.file is not None:
            return TabulatedPotential.read(
                run_file.resolve(choice.file), alpha=model.alpha, **choice.arguments
            )
        coupling = {"alpha": model.alpha} if "alpha" in model.model_fields_set else {}
        return POTENTIALS[choice.name or "coulomb"](**coupling, **choice.arguments)


def model_of(run_file: RunFile, kappa: Kappa | None = None, gamma: Gamma | None = None) -> LindbladModel:
    """Return the model of a run file; `kappa` and `gamma` are entries of its lists, the central ones by default."""
    model = run_file.config.model
    kappa = model.kappa[0] if kappa is None else kappa
    gamma = model.gamma[0] if gamma is None else gamma
    potential = potential_of(run_file)
    with keyed("model", transport="kappa"):
        if kappa == NO_DIPOLE:
            transport = NO_DIPOLE_TERMS
        else:
            coefficients = (_coefficient(run_file, "kappa", kappa), _coefficient(run_file, "gamma", gamma))
            transport = Transport(*coefficients, T_c=model.T_c, gamma_vacuum=model.gamma_vacuum)
        thermal = thermal_potential(potential)
        if thermal is not None and thermal.has_width and kappa != NO_DIPOLE:
            allowed = "be ['none'] for a potential that is complex in the medium"
            remedy = "Its width is its own; dipole terms would count the decay twice."
            raise InputError("kappa", kappa, allowed, remedy)
        spectrum = None
        if model.spectrum is not None:
            name = model.spectrum.python
            with _named(name, "spectrum.python", "a function of (omega, T) in a Python module"):
                spectrum = _python_object(run_file, name)
        return LindbladModel(potential, transport, model.mass, model.order, spectrum, model.positive)


def start_of(run_file: RunFile, l: int) -> InitialState:
    """Return the start in angular momentum l of a run file."""
    start = run_file.config.initial
    number = start.l.index(l)
    color = {1: "singlet", 0: "octet"}.get(cast("int", start.color), start.color)
    with keyed("initial", values="file", r="file"):
        if start.kind == "gaussian":
            return GaussianState(l=l, width=start.width, color=color)
        if start.kind == "file":
            r, u = _columns(run_file, start.file or "", 1 + len(start.l))[:, [0, 1 + number]].T
            return ArrayState(r, u, l=l, color=color)
        n = l + 1 if start.n is None else start.n[number]
        if start.kind == "coulomb":
            return CoulombState(n=n, l=l, color=color)
        return BoundState(n=n, l=l, color=cast("Color", color))


def method_of(run_file: RunFile, budget: Budget = "all", seed: int | None = None) -> Method:
    """Return the method of a run file; the `seed` of trajectories may be another one."""
    method = run_file.config.method
    values = {key: getattr(method, key) for key in METHOD_KEYS[method.kind] if key != "budget"}
    given: dict[str, Any] = {key: value for key, value in values.items() if value is not None}
    length = model_of(run_file).scales.length
    with keyed("method"):
        if "grid" in given:
            settings = method.grid.model_dump(exclude={"kind"}, exclude_none=True) if method.grid else {}
            kind = "mesh" if method.kind == "density" else "grid"
            mesh = TRAJECTORY_MESH if method.kind == "trajectories" else NO_JUMP_MESH
            sine = SineGrid().scaled(length) if given.pop("grid").kind == "sine" else None
            default = sine or mesh.scaled(length)
            with keyed("grid"):
                given[kind] = replace(default, **settings)
        if given.get("projection", "computed") not in ("computed", "coulomb"):
            given["projection"] = load_states(run_file.resolve(given["projection"]))
        if method.kind == "trajectories":
            return QuantumTrajectories(**given if seed is None else given | {"seed": seed})
        # without a budget the tolerance of the density matrix only chooses its discretization
        given["error_budget"] = budget != "none"
        if method.kind == "nojump":
            return NoJump(**given)
        return DensityMatrix(**given | ({"refinements": 0} if budget == "sample" else {}))


def feeddown_of(name: str, folder: Path, *, errors: bool = True) -> FeedDown:
    """Return a feed-down table by its name, or from a TOML file in `folder`: the arguments of `FeedDown`."""
    path = folder / name
    if name in SHIPPED_FEEDDOWN or not path.is_file():
        try:
            return FeedDown.named(name, errors=errors)
        except InputError as error:
            allowed = f"{error.allowed}, or a file beside the run file"
            raise InputError("observables.feeddown", name, allowed) from None
    try:
        return FeedDown(**{"name": path.name, "source": path.name} | tomllib.loads(path.read_text("utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, TypeError, InputError) as error:
        remedy = "It has matrix (9 x 9) and sigma_exp (9), as qtraj.observables.FeedDown takes them."
        raise FileFormatError(path, f"holds no feed-down table: {error}".rstrip("."), remedy) from None


def own_data(run_file: RunFile) -> tuple[DataSet, ...]:
    """Return the measurements that a run file names beside those of its system."""
    key, folder = "observables.data", run_file.path.parent
    return tuple(data for text in run_file.config.observables.data for data in data_of(text, folder, key))


def check_choices(run_file: RunFile) -> None:
    """Make every object that a run file names, and see that they fit together, before anything is computed."""
    config = run_file.config
    feeddown_of(config.observables.feeddown, run_file.path.parent)
    own_data(run_file)
    method_of(run_file)
    model = model_of(run_file)
    if quark_of(model.mass) != "bottom":
        warn_user(
            f"model.mass = {model.mass:g} GeV is not that of a bottom quark: the survivals are those of this mass, "
            "but mesons, feed-down and data of `qtraj observe` and `report` are those of bottomonium. Use survivals.",
            AccuracyWarning,
        )
    starts = [start_of(run_file, l) for l in config.initial.l]
    for color in _colors(run_file, model):
        with keyed("model", octet="potential.octet", color="potential"):
            model.potential.vacuum(_PROBE_R, color)
    with keyed("model"):
        _check_jumps(run_file, model)
    for start in starts:
        with keyed("initial", potential="n"):
            start.u(_PROBE_R, model)
    for kappa in config.model.kappa:
        for gamma in config.model.gamma:
            model_of(run_file, kappa, gamma)


def _colors(run_file: RunFile, model: LindbladModel) -> tuple[Color, ...]:
    """Return the colors that a run meets: a complex potential solved without jumps those of the start alone."""
    jumps = bool(model.channels) or run_file.config.method.kind != "nojump"
    start = singlet_probability(run_file.config.initial.color)
    return COLORS if jumps or start < 1 else COLORS[:1]


def check_media(run_file: RunFile, kappa: Kappa, gamma: Gamma, histories: Sequence[History]) -> None:
    """See that a setting can be solved at the temperatures of histories: fits and tables have their ranges."""
    model = model_of(run_file, kappa, gamma)
    start = start_of(run_file, run_file.config.initial.l[0])
    with keyed("model", T="kappa", medium="potential", octet="potential.octet"):
        checked_problem(model, histories, start)
        if model.thermal is not None:
            for history in histories:
                for begin, end in history.active:
                    state = medium_state(history, np.array([begin, end]))
                    for color in _colors(run_file, model):
                        model.thermal.medium(_PROBE_R, color, *state)
        _check_jumps(run_file, model, histories)


def _check_jumps(run_file: RunFile, model: LindbladModel, histories: Sequence[History] = ()) -> None:
    """See that the jumps of a potential are known and have probabilities, if the method of a run file has jumps."""
    method = method_of(run_file)
    if isinstance(method, QuantumTrajectories):
        check_trajectories(method, model, histories)
    elif isinstance(method, DensityMatrix):
        check_potential(model, histories)


def identity(run_file: RunFile, kappa: Kappa, gamma: Gamma, l: int, budget: Budget) -> dict[str, Any]:
    """Return all that determines the numbers of a start and a setting, but the temperatures, for the key of a chunk.

    It is made of the objects, and of the content of files, so that two spellings of one problem have one identity.
    """
    config = run_file.config
    choice, start, stored = config.model.potential, config.initial, config.method.projection
    model = model_of(run_file, kappa, gamma)
    state, method = start_of(run_file, l), method_of(run_file, budget)
    if isinstance(method, QuantumTrajectories):  # these two change nothing but the speed
        method = replace(method, workers=1, batch=None)
    transport, potential = model.transport, repr(model.potential)
    if not isinstance(transport.kappa, str):  # only the fits know T_c
        transport = replace(transport, T_c=Transport.T_c)
    if choice.python is not None:
        potential = _content(run_file, choice.python)
    elif choice.file is not None:
        potential = f"{potential} {choice.octet} {_digest(run_file.resolve(choice.file))}"
    own_projection = stored not in (None, "computed", "coulomb")
    beyond: dict[str, Any] = {}  # the keys of other orders stay what they were
    if model.spectrum is not None:
        spectrum = config.model.spectrum
        beyond = {
            "spectrum": None if spectrum is None else _content(run_file, spectrum.python),
            "positive": model.positive,
        }
    return {
        **beyond,
        "potential": potential,
        "transport": repr(transport),
        "mass": model.mass,
        "order": model.order,
        "initial": _columns(run_file, start.file, 1 + len(start.l)).tolist() if start.file else repr(state),
        "l": l,
        "color": singlet_probability(state.color),
        "method": repr(method),
        "projection": _digest(run_file.resolve(str(stored))) if own_projection else None,
    }


def _coefficient(run_file: RunFile, name: str, value: Any) -> Any:
    """Return kappa or gamma as `Transport` takes it."""
    if not isinstance(value, CoefficientTable):
        return value
    points = value.points or tuple(map(tuple, _columns(run_file, value.file or "", 2).tolist()))
    T, values = zip(*points, strict=True)
    if len(T) < 2 or not all(a < b for a, b in pairwise(T)) or not np.all(np.isfinite(values)):
        raise InputError(name, str(value), "be a table of two or more increasing T in GeV and finite values")
    if name == "kappa" and min(values) < 0:
        raise InputError(name, min(values), "be a table of non-negative kappa/T^3")
    return Interpolated(name, T, values)


def _columns(run_file: RunFile, name: str, count: int) -> Float:
    path = run_file.resolve(name)
    if not path.is_file():
        raise FileFormatError(path, "no such file", "A name in a run file is relative to it.")
    return load_table(path, count)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextmanager
def _named(name: str, key: str, what: str) -> Iterator[None]:
    """Say that `key` must name `what`, of whatever a user's module raises."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        remedy = f"It raised {type(error).__name__}: {error}."
        raise InputError(key, name, f"name {what}", remedy) from None


def _python_object(run_file: RunFile, name: str) -> Any:
    """Return what ``module:name`` of a run file stands for."""
    module, _, attribute = name.partition(":")
    return getattr(_module(module, run_file.path.parent), attribute)


def _content(run_file: RunFile, name: str) -> str:
    """Return ``module:name`` with the digest of its module."""
    module = _module(name.partition(":")[0], run_file.path.parent)
    return f"{name} {_digest(Path(str(module.__file__)))}"


def _module(name: str, folder: Path) -> ModuleType:
    """Return a module beside the run file, or an installed one."""
    path = folder / f"{name.replace('.', '/')}.py"
    if not path.is_file():
        return import_module(name)
    return _module_of_file(name, path.absolute(), path.stat().st_mtime_ns)


@cache  # one object for one file, so that what is cached by potential stays valid
def _module_of_file(name: str, path: Path, mtime_ns: int) -> ModuleType:
    module = ModuleType(name)
    module.__file__ = str(path)
    SourceFileLoader(name, str(path)).exec_module(module)
    return module
