"""Run files: TOML with sections that follow the sentence (model, medium, ...); nothing unknown passes.

Quantities are in powers of GeV; a key that ends in ``_fm`` is in fm, in ``_mb`` in millibarn.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from .._checks import is_finite_number
from .._checks import path as path_of
from ..emulation.estimator import chosen_paths
from ..errors import FileFormatError, InputError
from ..hydro.field import EarlyLaw
from ..hydro.paths import Clock
from ..hydro.readers import DECLARED, FORMATS
from ..hydro.readers.music import MusicGrid
from ..hydro.sampling import Directions, Rapidity, Scrambling
from ..observables.data.dataset import load_data
from ..observables.data.systems import load_system, system_names
from ..observables.feeddown import MESON_NAMES
from ..physics.initial import MAX_L
from ..physics.model import Order
from ..physics.potentials import MASSES, POTENTIALS, arguments_of, is_complex
from ..physics.potentials.table import Below, Beyond
from ..physics.transport import KAPPA_FITS, PRESETS, FitName
from .config_campaign import Campaign
from .config_errors import (
    CHOICE_OF_POTENTIAL,
    Section,
    checked_rapidity,
    input_error,
    must,
    named_potential,
    one_of,
    refuse_contradictions,
    rule,
)

HYDRO_FORMATS = ("auto", *FORMATS, *DECLARED)
"""Layouts that ``[[medium.files]]`` may name: columns and music_dense must be described; the last holds no fluid but
the temperatures along ready-made paths."""

NO_DIPOLE = "none"  # kappa for no dipole terms, which a potential with a width of its own needs


def _kappa(value: Any) -> Any:
    if isinstance(value, str) and value in (*KAPPA_FITS, NO_DIPOLE):
        return value
    allowed = "be 'central', 'lower', 'upper', 'none', a non-negative number kappa/T^3 or a table of T"
    return _coefficient(value, allowed, least=0.0)


def _coefficient(value: Any, allowed: str, least: float = -float("inf")) -> float | CoefficientTable:
    if is_finite_number(value) and value >= least:
        return float(value)
    if not isinstance(value, dict):
        raise rule(allowed)
    try:
        return CoefficientTable.model_validate(value)
    except ValidationError as error:
        # the entry of a list: its own faults are told in one sentence under the key of the entry
        fault = input_error(error, CoefficientTable)
        raise rule(f"have a key {fault.argument} that must {fault.allowed}") from None


def _temperatures(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return value
    if not is_finite_number(value):
        raise rule("be a valid number, a temperature in GeV, or a list of them: a band")
    return (_temperature(value),)


def _system(value: str) -> str:
    known = [load_system(name) for name in system_names()]
    # Xe-Xe has neither a file nor data in the package: [system] then says its geometry
    names = {"XeXe"} | {data.system for data in load_data("R_AA")}
    names |= {system.data for system in known if system.projectile == system.target}
    return one_of(sorted(names))(value)


_color = must(
    "be 'singlet', 'octet' or the probability of the singlet, from 0 to 1",
    lambda value: value in ("singlet", "octet") or (is_finite_number(value) and 0 <= value <= 1),
)
distinct = must("not repeat a value", lambda values: len(set(values)) == len(values))
_power_of_two = must("be a power of two, so that Sobol points stay balanced", lambda n: not n & (n - 1))
_temperature = must("be a temperature in GeV, above 0 and below 5", lambda value: 0 < value < 5)

Positive = Annotated[float, Field(gt=0)]
Temperature = Annotated[float, AfterValidator(_temperature)]
_SET = (Field(min_length=1, strict=False), AfterValidator(distinct))  # TOML has lists only: not strict
_Pair = Annotated[tuple[float, float], Field(strict=False)]
_Meson = Annotated[str, AfterValidator(one_of(MESON_NAMES))]


class CoefficientTable(Section):
    """Entry of ``kappa`` or ``gamma``: kappa/T^3 or gamma/T^3 at temperatures in GeV, from a file or in place."""

    file: str | None = None
    points: Annotated[tuple[_Pair, ...], Field(min_length=2, strict=False)] | None = None
    name: Annotated[str, Field(min_length=1)] | None = None

    def _rules(self) -> Iterator[tuple[bool, str]]:
        both = (self.file is None) == (self.points is None)
        yield both, "have file = 'T and value.txt' or points = [[T, value], ...], one of them"
        yield any(b[0] <= a[0] for a, b in pairwise(self.points or ())), "have points of increasing T in GeV"

    def __str__(self) -> str:
        return self.name or (Path(self.file).name if self.file else "table")


Kappa = Annotated[FitName | Literal["none"] | float | CoefficientTable, BeforeValidator(_kappa)]
_GAMMA = "be a finite number gamma/T^3 or a table of T"
Gamma = Annotated[float | CoefficientTable, BeforeValidator(lambda value: _coefficient(value, _GAMMA))]


class WoodsSaxon(Section):
    """Key ``woods_saxon`` of ``[system]``: density rho0 (1 + w r^2/R^2)/(1 + exp((r - R)/a)) of both nuclei."""

    A: Annotated[int, Field(ge=1)]
    R_fm: Positive
    a_fm: Positive
    w: Annotated[float, Field(gt=-0.25)] = 0.0


class System(Section):
    """Section ``[system]``: what collides; the name selects the data, the rest is the geometry.

    A preset fills in what is not given.
    """

    preset: str | None = None
    name: Annotated[str, AfterValidator(_system)]
    sqrt_s_GeV: Positive
    sigma_nn_mb: Positive
    woods_saxon: WoodsSaxon

    @model_validator(mode="before")
    @classmethod
    def _filled(cls, values: Any) -> Any:
        if not isinstance(values, dict) or "preset" not in values:
            return values
        presets = {name: load_system(name) for name in system_names()}
        known = {name: s for name, s in presets.items() if s.projectile == s.target}
        preset = values["preset"]
        if not isinstance(preset, str) or preset not in known:
            raise rule(f"have a preset among {', '.join(known)}")
        if values.keys() >= cls.model_fields.keys():
            raise rule("leave something for the preset to fill in, or have no preset")
        system = known[preset]
        energy = {"sqrt_s_GeV": system.sqrt_s_GeV, "sigma_nn_mb": system.sigma_nn_mb}
        return {"name": system.data, **energy, "woods_saxon": dict(system.nucleus)} | values


_PythonName = Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")]  # ``module:name``


class PotentialChoice(Section):
    """Key ``potential`` of ``[model]``: ``{ name = ... }``, ``{ file = ... }`` or ``{ python = "module:name" }``.

    Beside a name stand arguments of its class, beside a file how `qtraj.TabulatedPotential.read` reads it. The object
    `name` of a Python module, beside the run file or installed, is a potential, or makes one when it is called.
    """

    model_config = ConfigDict(extra="allow")

    name: Annotated[str, AfterValidator(one_of(POTENTIALS))] | None = None
    file: str | None = None
    octet: str | None = None
    below: Below = "coulomb"
    beyond: Beyond | None = None
    python: _PythonName | None = None

    def _rules(self) -> Iterator[tuple[bool, str]]:
        yield [self.name, self.file, self.python].count(None) != 2, CHOICE_OF_POTENTIAL
        taken = ("octet", "below", "beyond") if self.file else arguments_of(self.name) if self.name else ()
        kind = "a file" if self.file else repr(self.name) if self.name else "a Python object"
        for key in sorted({*self.arguments} - {*taken}):
            yield True, f"not have {key}: {kind} takes {', '.join(taken) or 'no other key'}"

    @property
    def arguments(self) -> dict[str, Any]:
        """Arguments of the class of this name, or of how a file is read, that are given."""
        return self.model_dump(exclude={"name", "file", "python"}, exclude_unset=True)


class SettingChoice(Section):
    """Entry ``[[settings]]``: one setting of the run. What it leaves out is the first of a list of the run file.

    ``T_scale`` multiplies the temperatures of the medium, ``from_fm`` is that of ``early`` in ``[medium]``, and
    ``potential`` holds arguments of the potential.
    """

    kappa: Annotated[FitName | Literal["none"] | float | CoefficientTable | None, BeforeValidator(_kappa)] = (
        None
    )
    gamma: Annotated[
        float | CoefficientTable | None, BeforeValidator(lambda value: _coefficient(value, _GAMMA))
    ] = None
    T_end: Temperature | None = None
    T_scale: Positive = 1.0
    from_fm: Positive | None = None
    potential: dict[str, float] | None = None


class SpectrumChoice(Section):
    """Key ``spectrum`` of ``[model]``, ``{ python = "module:name" }``: S(omega, T)/kappa, see `LindbladModel`."""

    python: _PythonName


class Model(Section):
    """Section ``[model]``: potential and transport; the first kappa and gamma are central."""

    potential: Annotated[PotentialChoice, BeforeValidator(named_potential)] = PotentialChoice(name="coulomb")
    alpha: Positive = 0.6239853
    mass: Positive = 4.73
    order: Order = "LO"
    spectrum: SpectrumChoice | None = None
    positive: bool = False
    kappa: Annotated[tuple[Kappa, ...], *_SET] = ("central", "lower", "upper")
    gamma: Annotated[tuple[Gamma, ...], *_SET] = (-1.75, -3.5, 0.0)
    gamma_vacuum: Annotated[float, Field(ge=-0.2, le=0.2)] = 0.0
    T_c: Temperature = 0.150
    transport: Annotated[str, AfterValidator(one_of(PRESETS))] | None = None

    @model_validator(mode="before")
    @classmethod
    def _filled(cls, values: Any) -> Any:
        """Fill in what goes with a potential, a preset, and a kappa of "none": no dipole terms, so no band."""
        if not isinstance(values, dict):
            return values
        choice, preset = values.get("potential"), values.get("transport")
        name = choice.get("name") if isinstance(choice, dict) else choice
        if isinstance(preset, str) and preset in PRESETS:
            if values.keys() & {"kappa", "gamma"}:
                raise rule("have a transport by name, or kappa and gamma, not both")
            values = PRESETS[preset].entries(preset) | values
        if isinstance(name, str) and name in POTENTIALS:
            own: dict[str, Any] = {"mass": MASSES[name]} if name in MASSES else {}
            values = own | ({"kappa": [NO_DIPOLE]} if is_complex(name) else {}) | values
        if values.get("kappa") == [NO_DIPOLE]:
            values = {"gamma": [0.0]} | values
        return values

    def _rules(self) -> Iterator[tuple[bool, str]]:
        for key, values in (("kappa", self.kappa), ("gamma", self.gamma)):
            same = len(set(map(str, values))) < len(values)
            yield same, f"give the tables of {key} a name each, so that results can tell them apart"

    @property
    def has_fits(self) -> bool:
        """Whether a kappa is one of the lattice fits, which T_c scales."""
        return any(kappa in KAPPA_FITS for kappa in self.kappa)


class Columns(Section):
    """Key ``columns`` of ``[[medium.files]]``: what a text file holds, see `qtraj.hydro.read_columns`."""

    order: Annotated[tuple[str, ...], Field(min_length=1, strict=False)]
    T_unit: Literal["GeV", "MeV", "fm^-1"]
    mirror: Literal["", "x", "y", "xy"] = ""
    sparse: bool = False
    skip_lines: Annotated[int, Field(ge=0)] = 0
    delimiter: str | None = None


class Grid(Section):
    """Key ``grid`` of ``[[medium.files]]``: MUSIC's file without a header, see `qtraj.hydro.MusicGrid`."""

    tau0_fm: Annotated[float, Field(ge=0)]
    dtau_fm: Positive
    nx: Annotated[int, Field(ge=2)]
    dx_fm: Positive
    x_min_fm: float
    ny: Annotated[int, Field(ge=2)]
    dy_fm: Positive
    y_min_fm: float
    neta: Annotated[int, Field(ge=1)] = 1
    deta: Positive | None = None
    eta_min: float | None = None
    boost_invariant: bool = True

    def _rules(self) -> Iterator[tuple[bool, str]]:
        try:
            MusicGrid(**self.model_dump())
        except InputError as error:
            yield True, f"have a key {error.argument} that must {error.allowed}"


class Fluid(Section):
    """How to read the output of a hydrodynamic code; also the key ``before`` of ``[[medium.files]]``."""

    path: str
    format: Annotated[str, AfterValidator(one_of(HYDRO_FORMATS))] = "auto"
    columns: Columns | None = None
    grid: Grid | None = None
    mirror: Annotated[str, AfterValidator(one_of(("", "x", "y", "z", "xy", "xz", "yz", "xyz")))] = ""
    T_min: Temperature | None = None

    def _rules(self) -> Iterator[tuple[bool, str]]:
        for key, value, layout in (("columns", self.columns, "columns"), ("grid", self.grid, "music_dense")):
            one_alone = (value is not None) != (self.format == layout)
            yield one_alone, f"have the key '{key}' if, and only if, format = '{layout}'"
        twice = bool(self.mirror and self.columns and self.columns.mirror)
        yield twice, "have 'mirror' once, beside 'columns' or in it"


class HydroFile(Fluid):
    """One entry ``[[medium.files]]``: the output of a hydrodynamic code at one impact parameter.

    A path with ``*``, ``?`` or ``[...]`` names many files, each of them one event of this class. ``before`` is the
    stage before the hydrodynamics, in a file of its own (as many as events). With ``plane = "event"`` azimuths count
    from the event plane of each file (`qtraj.hydro.event_plane`), else from the x axis. The paths of a trajectory file
    know their impact parameters and rapidities themselves; others have the ``rapidity`` of the entry or of ``[paths]``.
    """

    b_fm: Annotated[float, Field(ge=0)] | None = None
    n_part: Positive | None = None
    rapidity: float = 0.0
    before: Fluid | None = None
    plane: Literal["reaction", "event"] = "reaction"

    def _rules(self) -> Iterator[tuple[bool, str]]:
        yield from super()._rules()
        ready = self.format == "qtraj_trajectories"
        lacks_b = self.b_fm is None and not ready
        yield lacks_b, "have the key 'b_fm', which only format = 'qtraj_trajectories' can do without"
        useless = [key for key in ("rapidity", "before", "mirror", "T_min") if getattr(self, key)]
        useless += ["plane"] * (self.plane != "reaction")
        for key in useless if ready else ():
            why = "with format = 'qtraj_trajectories', whose paths know everything"
            yield True, f"not have the key '{key}' {why}"
        no_fluid = self.before is not None and self.before.format == "qtraj_trajectories"
        yield no_fluid, "have a fluid as 'before', not format = 'qtraj_trajectories'"


class Early(Section):
    """Key ``early`` of ``[medium]``: a medium before the first frame, see `qtraj.hydro.begin_earlier`."""

    law: EarlyLaw
    from_fm: Positive


class Medium(Section):
    """Section ``[medium]``: temperatures at which the medium ends, the first central, and where they come from."""

    T_end: Annotated[tuple[Temperature, ...], *_SET, BeforeValidator(_temperatures)]
    allow_hot_end: bool = False
    hydro: Literal["shipped", "shipped-3d", "files"] = "shipped"
    b_fm: Annotated[tuple[float, ...], *_SET] | None = None
    early: Early | None = None
    files: Annotated[tuple[HydroFile, ...], Field(strict=False)] = ()

    def _rules(self) -> Iterator[tuple[bool, str]]:
        from_files = self.hydro == "files"
        given = [(file.b_fm, file.rapidity) for file in self.files if file.b_fm is not None]
        yield not from_files and bool(self.files), "be hydro = 'files' when [[medium.files]] are given"
        lacks_files = from_files and not self.files
        yield lacks_files, "have an entry [[medium.files]] with path and b_fm when hydro = 'files'"
        twice = from_files and self.b_fm is not None
        yield twice, "not have b_fm when hydro = 'files': each of [[medium.files]] has its own"
        hottest = max(
            [cut for file in self.files for f in (file, file.before) if f and (cut := f.T_min)], default=0
        )
        end = min(self.T_end)
        yield hottest >= end, f"have T_min of [[medium.files]] below T_end, {end:g} GeV"
        yield len(set(given)) < len(given), "not have two [[medium.files]] with the same b_fm and rapidity"


class Initial(Section):
    """Section ``[initial]``: the states in which the pair is produced, one for each l, all of one color.

    ``coulomb`` and ``bound`` are `qtraj.CoulombState` and `qtraj.BoundState` of principal quantum number n, by default
    the lowest of each l. A file has a column r in GeV^-1 and one column u(r) for each l.
    """

    kind: Literal["gaussian", "coulomb", "bound", "file"] = "gaussian"
    l: Annotated[tuple[Annotated[int, Field(ge=0, le=MAX_L)], ...], *_SET] = (0, 1)
    width: Positive = 0.2
    n: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(strict=False)] | None = None
    color: Annotated[Literal["singlet", "octet"] | float, BeforeValidator(_color)] = "singlet"
    file: str | None = None

    def _rules(self) -> Iterator[tuple[bool, str]]:
        one_alone = (self.kind == "file") != (self.file is not None)
        yield one_alone, "have the key 'file' if, and only if, kind = 'file'"
        yield self.n is not None and len(self.n) != len(self.l), f"have one n for each l = {list(self.l)}"

    @property
    def lacks_raa(self) -> str:
        """Why R_AA cannot be made of these starts; empty if it can."""
        if self.kind != "gaussian" or self.color not in ("singlet", 1):
            return "only a Gaussian in the singlet has survivals relative to its own overlaps"
        if not {0, 1} <= set(self.l):
            return "feed-down needs starts in l = 0 and in l = 1"
        return ""


class Paths(Section):
    """Section ``[paths]``: sampling of the pairs' production points, momenta and rapidities, and their clock.

    ``n`` paths in each replicate are solved, or ``solved`` in all of them. ``cheap`` others of each entry of the medium
    are emulated: see `qtraj.emulation`. A target ``error`` of averaged survivals chooses those that are not given.
    """

    n: Annotated[int, Field(ge=1), AfterValidator(_power_of_two)] = 32
    replicates: Annotated[int, Field(ge=2)] = 8
    directions: Directions = 1
    scrambling: Scrambling = "common"
    seed: Annotated[int, Field(ge=0)] = 1
    pT_max: Positive = 20.0
    rapidity: Annotated[Rapidity, BeforeValidator(checked_rapidity)] = 0.0
    clock: Clock = "hydro"
    solved: Annotated[int, Field(ge=2)] | None = None
    cheap: Annotated[int, Field(ge=64), AfterValidator(_power_of_two)] | None = None
    error: Annotated[float, Field(ge=5e-5, le=0.01)] | None = None

    def _rules(self) -> Iterator[tuple[bool, str]]:
        allowed = f"have at most n = {self.n} directions: a set of paths belongs to one replicate"
        yield self.directions > self.n, allowed


class GridChoice(Section):
    """Key ``grid`` of ``[method]``: `qtraj.LaguerreMesh` or `qtraj.SineGrid` and their arguments."""

    kind: Literal["mesh", "sine"]
    points: int | None = None
    scale: Positive | None = None
    num: int | None = None
    length: Positive | None = None
    derivative: int | None = None

    def _rules(self) -> Iterator[tuple[bool, str]]:
        keys = ("points", "scale") if self.kind == "mesh" else ("num", "length", "derivative")
        for key in sorted(self.model_fields_set - {"kind", *keys}):
            yield True, f"not have {key} with kind = '{self.kind}', which takes {', '.join(keys)}"


class Method(Section):
    """Section ``[method]``: `qtraj.DensityMatrix`, `qtraj.NoJump` or `qtraj.QuantumTrajectories` and its arguments."""

    kind: Literal["density", "nojump", "trajectories"] = "density"
    rtol: Annotated[float, Field(ge=1e-5, le=0.05)] = 1e-3
    atol: Annotated[float, Field(ge=1e-8, le=0.1)] = 2e-5
    budget: Literal["all", "replicate"] = "all"
    grid: GridChoice | None = None
    l_max: int | None = None
    step: Positive | None = None
    refinements: int | None = None
    dt: Positive | None = None
    projection: str | None = None
    n: int | None = None
    seed: int | None = None
    target_error: Positive | None = None
    estimator: Literal["last_jump", "end_point"] | None = None
    max_jumps: int | None = None
    r_max: Positive | None = None
    jump_range: Positive | None = None
    batch: int | None = None
    workers: int | None = None


class Observables(Section):
    """Section ``[observables]``: feed-down, by the name of a table or of a file, the mesons to report, further data.

    ``data`` names files that `qtraj.observables.read_data` reads, as ``FILE`` or ``FILE,NAME=VALUE,...``.
    """

    feeddown: Annotated[str, Field(min_length=1)] = "group"
    states: Annotated[tuple[_Meson, ...], *_SET] = ("Y(1S)", "Y(2S)", "Y(3S)")
    data: Annotated[tuple[str, ...], Field(strict=False)] = ()


class Output(Section):
    """Section ``[output]``: where the results go, relative to the working directory."""

    directory: Annotated[str, Field(min_length=1)]
    title: str = ""


class RunConfig(Section):
    """A whole run file."""

    system: System
    model: Model = Model()
    medium: Medium
    initial: Initial = Initial()
    paths: Annotated[Paths, BeforeValidator(chosen_paths)] = Paths()
    method: Method = Method()
    observables: Observables = Observables()
    campaign: Campaign = Campaign()
    output: Output
    settings: Annotated[tuple[SettingChoice, ...], Field(strict=False)] = ()

    def _rules(self) -> Iterator[tuple[bool, str]]:
        for i, setting in enumerate(self.settings):
            early = setting.from_fm is not None and self.medium.early is None
            yield (
                early,
                f"have early in [medium], the law before its first frame, for from_fm of settings[{i}]",
            )
            try:
                PotentialChoice.model_validate(
                    self.model.potential.model_dump(exclude_unset=True) | dict(setting.potential or {})
                )
            except ValidationError as error:
                fault = input_error(error, PotentialChoice)
                yield (
                    True,
                    f"have arguments of its potential in settings[{i}].potential, which must {fault.allowed}",
                )

    @property
    def lowest_T_end(self) -> float:
        """The lowest temperature of the medium itself, in GeV, that a setting needs to know."""
        ends = [(s.T_end or self.medium.T_end[0]) / s.T_scale for s in self.settings]
        return min(ends or self.medium.T_end)


@dataclass(frozen=True)
class RunFile:
    """A run file as read: its checked content, its text (kept in every result) and its path."""

    config: RunConfig
    text: str
    path: Path

    def resolve(self, name: str) -> Path:
        """Return the path of a file that the run file names, relative to the run file's own folder."""
        return self.path.parent / name


def parse_config(text: str, name: str = "run file", *, stored: bool = False) -> RunConfig:
    """Check the text of a run file, which messages call `name`.

    A text that is `stored` is that of a finished result: keys without effect no longer matter there.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FileFormatError(
            name, f"not TOML: {error}", "`qtraj init DIR` writes run files to begin from."
        ) from None
    try:
        config = RunConfig.model_validate(table)
    except ValidationError as error:
        raise input_error(error, RunConfig) from None
    if not stored:
        refuse_contradictions(config)
    return config


def file_text(path: Path, what: str) -> str:
    """Return the text of a file, or raise `FileFormatError`, which says that `what` is TOML."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise FileFormatError(path, f"cannot be read ({error.strerror})", "Check the path.") from None
    except UnicodeDecodeError:
        raise FileFormatError(path, "not UTF-8 text", f"{what} is TOML text in UTF-8.") from None


def load_run_file(path: str | Path) -> RunFile:
    """Read and check a run file."""
    path = path_of("path", path)
    text = file_text(path, "A run file")
    return RunFile(parse_config(text, str(path)), text, path)
