"""Run files: TOML with sections that follow the sentence (model, medium, ...); nothing unknown passes.

Quantities are in powers of GeV; a key that ends in ``_fm`` is in fm, in ``_mb`` in millibarn.
"""

from __future__ import annotations

import tomllib
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from .._checks import path as path_of
from ..errors import FileFormatError, InputError
from ..hydro.readers.music import MusicGrid
from ..hydro.sampling import Directions, Scrambling
from ..observables.data.systems import load_system, system_names
from ..physics.transport import FitName
from ..states import MESONS
from .config_errors import input_error, refuse_contradictions

HydroFormat = Literal[
    "auto", "music", "jetdata", "oscar2008", "oscar2013", "jewel2d", "netcdf", "columns", "music_dense",
    "qtraj_trajectories",
]  # fmt: skip
"""Layouts that ``[[medium.files]]`` may name: columns and music_dense must be described; the last holds no fluid but
the temperatures along ready-made paths."""

Executor = Literal["in-process", "local", "scheduler", "slurm", "htcondor", "pbs"]
"""Who solves the chunks of a campaign: this process, Dask workers here, those of a scheduler, or batch jobs."""

KAPPA_FITS = get_args(FitName)
MESON_NAMES = tuple(meson.name for meson in MESONS)


def _rule(allowed: str) -> PydanticCustomError:
    # the text completes "`key` must ...", as InputError wants it
    return PydanticCustomError("rule", allowed)


def _kappa(value: Any) -> Any:
    if isinstance(value, str) and value in KAPPA_FITS:
        return value
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf"):
        return float(value)
    raise _rule("be 'central', 'lower', 'upper' or a non-negative number kappa/T^3")


def _meson(value: Any) -> str:
    if value not in MESON_NAMES:
        raise _rule(f"be one of {', '.join(MESON_NAMES)}")
    return str(value)


def _distinct(values: tuple[Hashable, ...]) -> tuple[Hashable, ...]:
    if len(set(values)) < len(values):
        raise _rule("not repeat a value")
    return values


def _power_of_two(value: int) -> int:
    if value & (value - 1):
        raise _rule("be a power of two, so that Sobol points stay balanced")
    return value


def _temperature(value: float) -> float:
    if not 0 < value < 5:
        raise _rule("be a temperature in GeV, above 0 and below 5")
    return value


Positive = Annotated[float, Field(gt=0)]
Temperature = Annotated[float, AfterValidator(_temperature)]
Kappa = Annotated[FitName | float, BeforeValidator(_kappa)]
_SET = (Field(min_length=1, strict=False), AfterValidator(_distinct))  # TOML has lists only: not strict


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class WoodsSaxon(_Section):
    """Key ``woods_saxon`` of ``[system]``: density rho0 (1 + w r^2/R^2)/(1 + exp((r - R)/a)) of both nuclei."""

    A: Annotated[int, Field(ge=1)]
    R_fm: Positive
    a_fm: Positive
    w: Annotated[float, Field(gt=-0.25)] = 0.0


class System(_Section):
    """Section ``[system]``: what collides; the name selects the data, the rest is the geometry.

    A preset fills in what is not given.
    """

    preset: str | None = None
    name: Literal["PbPb", "AuAu", "XeXe", "OO"]
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
            raise _rule(f"have a preset among {', '.join(known)}")
        if values.keys() >= cls.model_fields.keys():
            raise _rule("leave something for the preset to fill in, or have no preset")
        system = known[preset]
        defaults = {
            "name": system.data,
            "sqrt_s_GeV": system.sqrt_s_GeV,
            "sigma_nn_mb": system.sigma_nn_mb,
            "woods_saxon": dict(system.nucleus),
        }
        return defaults | values


class Model(_Section):
    """Section ``[model]``: potential and transport; the first kappa and gamma are central."""

    alpha: Positive = 0.6239853
    mass: Positive = 4.73
    order: Literal["LO", "NLO"] = "LO"
    kappa: Annotated[tuple[Kappa, ...], *_SET] = ("central", "lower", "upper")
    gamma: Annotated[tuple[float, ...], *_SET] = (-1.75, -3.5, 0.0)
    T_c: Temperature = 0.150


class Columns(_Section):
    """Key ``columns`` of ``[[medium.files]]``: what a text file holds, see `qtraj.hydro.read_columns`."""

    order: Annotated[tuple[str, ...], Field(min_length=1, strict=False)]
    T_unit: Literal["GeV", "MeV", "fm^-1"]
    mirror: Literal["", "x", "y", "xy"] = ""
    sparse: bool = False
    skip_lines: Annotated[int, Field(ge=0)] = 0
    delimiter: str | None = None


class Grid(_Section):
    """Key ``grid`` of ``[[medium.files]]``: MUSIC's file without a header, see `qtraj.hydro.MusicGrid`."""

    tau0_fm: Positive
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

    @model_validator(mode="after")
    def _possible(self) -> Self:
        try:
            MusicGrid(**self.model_dump())
        except InputError as error:
            raise _rule(f"have a key {error.argument} that must {error.allowed}") from None
        return self


class HydroFile(_Section):
    """One entry ``[[medium.files]]``: the output of a hydrodynamic code at one impact parameter.

    A path with ``*``, ``?`` or ``[...]`` names many files, each of them one event of this class. The paths of a
    trajectory file know their impact parameters themselves.
    """

    path: str
    format: HydroFormat = "auto"
    b_fm: Annotated[float, Field(ge=0)] | None = None
    n_part: Positive | None = None
    columns: Columns | None = None
    grid: Grid | None = None

    @model_validator(mode="after")
    def _described(self) -> Self:
        for key, layout in (("columns", "columns"), ("grid", "music_dense")):
            if (getattr(self, key) is not None) != (self.format == layout):
                raise _rule(f"have the key '{key}' if, and only if, format = '{layout}'")
        if self.b_fm is None and self.format != "qtraj_trajectories":
            raise _rule("have the key 'b_fm', which only format = 'qtraj_trajectories' can do without")
        return self


class Medium(_Section):
    """Section ``[medium]``: temperature at which the medium ends and where the temperatures come from."""

    T_end: Temperature
    allow_hot_end: bool = False
    hydro: Literal["shipped", "files"] = "shipped"
    b_fm: Annotated[tuple[float, ...], *_SET] | None = None
    files: Annotated[tuple[HydroFile, ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.hydro == "shipped" and self.files:
            raise _rule("be hydro = 'files' when [[medium.files]] are given")
        if self.hydro == "files" and not self.files:
            raise _rule("have an entry [[medium.files]] with path and b_fm when hydro = 'files'")
        if self.hydro == "files" and self.b_fm is not None:
            raise _rule("not have b_fm when hydro = 'files': each of [[medium.files]] has its own")
        given = [file.b_fm for file in self.files if file.b_fm is not None]
        if len(set(given)) < len(given):
            raise _rule("not have two [[medium.files]] with the same b_fm")
        return self


class Initial(_Section):
    """Section ``[initial]``: the state in which the pair is produced, a Gaussian in the singlet."""

    width: Positive = 0.2


class Paths(_Section):
    """Section ``[paths]``: sampling of the pairs' production points and momenta."""

    n: Annotated[int, Field(ge=1), AfterValidator(_power_of_two)] = 32
    replicates: Annotated[int, Field(ge=2)] = 8
    directions: Directions = 1
    scrambling: Scrambling = "common"
    seed: Annotated[int, Field(ge=0)] = 1
    pT_max: Positive = 20.0

    @model_validator(mode="after")
    def _whole_sets(self) -> Self:
        if self.directions > self.n:
            raise _rule(f"have at most n = {self.n} directions: a set of paths belongs to one replicate")
        return self


class Method(_Section):
    """Section ``[method]``: accuracy of the density-matrix solver, see `qtraj.DensityMatrix`."""

    rtol: Annotated[float, Field(ge=1e-5, le=0.05)] = 1e-3
    atol: Annotated[float, Field(ge=1e-8, le=0.1)] = 2e-5
    budget: Literal["all", "replicate"] = "all"


class Observables(_Section):
    """Section ``[observables]``: feed-down and the mesons to report."""

    feeddown: Literal["group", "pdg2026"] = "group"
    states: Annotated[tuple[Annotated[str, BeforeValidator(_meson)], ...], *_SET] = (
        "Y(1S)",
        "Y(2S)",
        "Y(3S)",
    )


class Job(_Section):
    """Section ``[campaign.job]``: what a batch system gives to one job."""

    queue: str | None = None
    account: str | None = None
    cores: Annotated[int, Field(ge=1)] = 1
    memory: str = "4 GB"
    disk: str = "1 GB"
    walltime: str = "02:00:00"
    directives: Annotated[tuple[str, ...], Field(strict=False)] = ()
    prologue: Annotated[tuple[str, ...], Field(strict=False)] = ()


class Campaign(_Section):
    """Section ``[campaign]``: who solves the chunks; no number of the answer depends on it."""

    executor: Executor = "in-process"
    workers: Annotated[int, Field(ge=1)] = 1
    scheduler: str | None = None
    chunk: Annotated[int, Field(ge=1)] | None = None
    chunk_seconds: Positive = 30.0
    job: Job = Job()

    @model_validator(mode="after")
    def _address(self) -> Self:
        if (self.executor == "scheduler") != (self.scheduler is not None):
            raise _rule("have the key scheduler = 'tcp://...' if, and only if, executor = 'scheduler'")
        return self


class Output(_Section):
    """Section ``[output]``: where the results go, relative to the working directory."""

    directory: Annotated[str, Field(min_length=1)]
    title: str = ""


class RunConfig(_Section):
    """A whole run file."""

    system: System
    model: Model = Model()
    medium: Medium
    initial: Initial = Initial()
    paths: Paths = Paths()
    method: Method = Method()
    observables: Observables = Observables()
    campaign: Campaign = Campaign()
    output: Output


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
    """Check the text of a run file.

    Parameters
    ----------
    text : str
        TOML.
    name : str, optional
        What to call it in messages.
    stored : bool, optional
        It is the text inside a finished result, whose numbers it explains: keys without effect no longer matter.

    Raises
    ------
    FileFormatError
        If the text is not TOML; says where.
    InputError
        For the first key that is unknown, missing or has a value that is not allowed; names the key, its
        value, what is allowed and, for an unknown key, the nearest known one. For a key that is given and has no
        effect beside the others, unless the text is `stored`.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FileFormatError(name, f"not TOML: {error}", "See examples/pbpb_5020.toml.") from None
    try:
        config = RunConfig.model_validate(table)
    except ValidationError as error:
        raise input_error(error, RunConfig) from None
    if not stored:
        refuse_contradictions(config)
    return config


def load_run_file(path: str | Path) -> RunFile:
    """Read and check a run file.

    Parameters
    ----------
    path : str or Path
        A TOML file.

    Raises
    ------
    FileFormatError
        If the file cannot be read or is not TOML.
    InputError
        As for `parse_config`.
    """
    path = path_of("path", path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise FileFormatError(path, f"cannot be read ({error.strerror})", "Check the path.") from None
    except UnicodeDecodeError:
        raise FileFormatError(path, "not UTF-8 text", "A run file is TOML text in UTF-8.") from None
    return RunFile(parse_config(text, str(path)), text, path)
