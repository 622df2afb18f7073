"""The plan of a campaign: chunks, each with a key that stands for all that determines its numbers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from ..emulation.emulator import FEWEST
from ..errors import FileFormatError, InputError, QtrajError, warn_user
from ..io.config import CoefficientTable, Gamma, Kappa, RunConfig, RunFile, parse_config
from ..io.factory import Budget, check_choices, check_media, identity
from ..physics.medium import ConstantTemperature
from ..provenance import code_digest
from .sources import FIRST_CHEAP, TRAJECTORIES, Source, drawn, interval, source_from_json, sources

UNIT: Final = 256
"""Histories solved in one call. On a CPU the numbers of a history do not depend on who is solved with it. A GPU's do,
in their last digits; there, chunks whose size is a multiple of this have the same units, so the same numbers."""

CHEAP_UNIT: Final = 2**13
"""Paths whose temperatures are in memory at a time when they are emulated."""

CODE_DIGEST: Final = code_digest()
"""Digest of the sources, taken when they are imported: what is edited later is not what this process runs."""

_ANEW: Final = "`qtraj campaign run FILE.toml --store DIR` plans anew."


class OtherCodeWarning(UserWarning):
    """Results are those of another version of the code, or of code that was edited since."""


@dataclass(frozen=True)
class Setting:
    """One choice of what a run varies: transport coefficients, end of the medium, and what ``[[settings]]`` can say."""

    kappa: Kappa  # name of a lattice fit, kappa/T^3, or a table of it
    gamma: Gamma  # gamma/T^3, or a table of it
    T_end: float  # temperature at which the medium ends, GeV
    ends: str = field(default="", compare=False)  # its part of the label, where a run has several
    T_scale: float = 1.0  # factor on the temperatures of the medium
    from_fm: float | None = None  # beginning of the medium, if not that of the run file
    potential: tuple[tuple[str, float], ...] = ()  # arguments of the potential beside those of the run file

    @property
    def label(self) -> str:
        """Name of the setting in results and messages."""
        gamma = f"{self.gamma:g}" if isinstance(self.gamma, float) else str(self.gamma)
        return f"kappa={self.kappa}, gamma={gamma}{self.ends}"

    def applied(self, run_file: RunFile) -> RunFile:
        """Return the run file with the potential of this setting."""
        if not self.potential:
            return run_file
        model = run_file.config.model
        chosen = model.potential.model_copy(update=dict(self.potential))
        changed = model.model_copy(update={"potential": chosen})
        return replace(run_file, config=run_file.config.model_copy(update={"model": changed}))

    def of(self, source: Source) -> Source:
        """Return a source whose histories begin and end as this setting says, at its temperatures."""
        return source.ending(self.T_end, self.T_scale, self.from_fm)


def settings(config: RunConfig) -> tuple[Setting, ...]:
    """Return the settings of a run file: central, then the other kappas, then the other gammas, then the other T_end.

    Each is varied with the others at their central values, as in arXiv:2012.01240; or those of ``[[settings]]``.
    """
    kappa, *kappas = config.model.kappa
    gamma, *gammas = config.model.gamma
    T_end, *ends = config.medium.T_end
    if config.settings:
        return tuple(
            Setting(
                kappa if each.kappa is None else each.kappa,
                gamma if each.gamma is None else each.gamma,
                each.T_end or T_end,
                f", T_end={each.T_end or T_end:g}, setting {number}",
                each.T_scale,
                each.from_fm,
                tuple(sorted((each.potential or {}).items())),
            )
            for number, each in enumerate(config.settings)
        )
    return (
        Setting(kappa, gamma, T_end),
        *(Setting(other, gamma, T_end) for other in kappas),
        *(Setting(kappa, other, T_end) for other in gammas),
        *(Setting(kappa, gamma, other, f", T_end={other:g}") for other in ends),
    )


@dataclass(frozen=True)
class Chunk:
    """Some histories of one source for one setting, started in one l."""

    setting: Setting  # Transport coefficients
    source: int  # number of the source in the plan
    l: int  # orbital angular momentum of the start
    start: int  # first of its histories in the source
    stop: int  # one behind the last
    budget: Budget  # what is estimated of the numerical error

    def __len__(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True, eq=False)
class Plan:
    """All chunks of a run file, in a fixed order: the central setting first."""

    run_file: RunFile
    sources: Sequence[Source]  # one per entry of the hydrodynamics
    chunk_size: int  # largest number of histories of a chunk
    # what made it, if that was not this code: version and digest of its code, keys of its chunks if they were stored
    made_by: tuple[str, str] = field(default_factory=lambda: (version("qtraj"), CODE_DIGEST))
    stored_keys: tuple[str, ...] = ()

    @property
    def is_of_this_code(self) -> bool:
        """Whether the code that runs made the plan."""
        return self.made_by == (version("qtraj"), CODE_DIGEST)

    @property
    def solver(self) -> str:
        """The code that made the plan, and solves it, in words."""
        maker, digest = self.made_by
        return f"qtraj {maker} (code {digest[:8]})" if digest else f"qtraj {maker}"

    @property
    def config(self) -> RunConfig:
        """Content of the run file."""
        return self.run_file.config

    @cached_property
    def settings(self) -> tuple[Setting, ...]:
        """The settings, central first."""
        return settings(self.config)

    @cached_property
    def chunks(self) -> tuple[Chunk, ...]:
        """The chunks; the histories of a source stay together, so that a fluid is read once."""
        return tuple(
            Chunk(setting, number, l, start, min(start + self.chunk_size, last), budget)
            for setting in self.settings
            for number, source in enumerate(self.sources)
            for l in self.config.initial.l
            for first, last, budget in self.segments(source)
            for start in range(first, last, self.chunk_size)
        )

    def segments(self, source: Source) -> tuple[tuple[int, int, Budget], ...]:
        """Return ranges of the histories of a source and what is estimated of the error in each."""
        method = self.config.method
        # each trajectory of a pair tells of the error: there is no run without a budget
        everything = method.budget == "all" or method.kind == "trajectories"
        if everything or source.sample == source.count:
            return ((0, source.count, "all" if everything else "sample"),)
        return (0, source.sample, "sample"), (source.sample, source.count, "none")

    def units(self, chunk: Chunk) -> Iterator[tuple[int, int]]:
        """Yield the ranges of histories that are solved together: their edges are the same for all chunk sizes."""
        origin = self.sources[chunk.source].sample if chunk.budget == "none" else 0
        start = chunk.start
        while start < chunk.stop:
            edge = origin + UNIT * ((start - origin) // UNIT + 1)
            yield start, min(edge, chunk.stop)
            start = edge

    @property
    def histories(self) -> int:
        """Number of solves: histories of all sources, for each setting and l."""
        return len(self.config.initial.l) * len(self.settings) * sum(source.count for source in self.sources)

    def describe(self, chunk: Chunk) -> str:
        """Return a chunk in words."""
        place = f"b = {interval(*self.sources[chunk.source].b_range)} fm"
        return f"{place}, {chunk.setting.label}, l = {chunk.l}, histories {chunk.start}-{chunk.stop - 1}"

    def source(self, chunk: Chunk) -> Source:
        """Return the source of a chunk, its histories as the setting says; the same object each time."""
        return self.source_of(chunk.source, chunk.setting)

    def source_of(self, number: int, setting: Setting) -> Source:
        """Return source `number`, its histories as a setting says; the same object for all that share them."""
        medium = setting.T_end, setting.T_scale, setting.from_fm
        return self._sources.setdefault((number, medium), setting.of(self.sources[number]))

    @cached_property
    def _sources(self) -> dict[tuple[int, Any], Source]:
        return {}

    def coordinates(self) -> dict[str, Any]:
        """Return the settings as coordinates of a dataset: label, kappa, gamma and T_end."""
        kappas, gammas = [str(s.kappa) for s in self.settings], [s.gamma for s in self.settings]
        # numbers, unless one of them is a table, which only has a name
        named = any(isinstance(gamma, CoefficientTable) for gamma in gammas)
        of_T_end = {"long_name": "temperature at which the medium ends", "units": "GeV"}
        return {
            "setting": [s.label for s in self.settings],
            "kappa": ("setting", kappas, {"long_name": "kappa/T^3, name of a fit or table, or number"}),
            "gamma": ("setting", list(map(str, gammas)) if named else gammas, {"long_name": "gamma/T^3"}),
            "T_end": ("setting", [s.T_end for s in self.settings], of_T_end),
        }

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """For each chunk the SHA-256 of all that determines its numbers: arguments of the solver, and its code."""
        if self.stored_keys:
            return self.stored_keys
        maker, code = self.made_by

        @cache  # thousands of chunks share a few problems and sources
        def problem(setting: Setting, l: int, budget: Budget) -> dict[str, Any]:
            return identity(setting.applied(self.run_file), setting.kappa, setting.gamma, l, budget)

        def key(chunk: Chunk) -> str:
            arguments = {
                "qtraj": maker,
                "code": code,
                **problem(chunk.setting, chunk.l, chunk.budget),
                "source": self.source(chunk).digest,
                "histories": [chunk.start, chunk.stop],
            }
            return hashlib.sha256(json.dumps(arguments, sort_keys=True).encode()).hexdigest()

        return tuple(map(key, self.chunks))

    @cached_property
    def cheap_chunks(self) -> tuple[tuple[int, int, int], ...]:
        """Source, first and one behind the last of the emulated paths that are drawn together; of all settings."""
        if self.config.paths.cheap is None:
            return ()
        counts = [source.emulated().count for source in self.sources]
        return tuple(
            (number, start, min(start + CHEAP_UNIT, count))
            for number, count in enumerate(counts)
            for start in range(0, count, CHEAP_UNIT)
        )

    @cached_property
    def cheap_keys(self) -> tuple[str, ...]:
        """Key of what the emulators make of the solved paths, then of each of `cheap_chunks`."""
        solved = hashlib.sha256(json.dumps(self.keys).encode()).hexdigest()
        ranges: tuple[Any, ...] = ("solved", *self.cheap_chunks) if self.cheap_chunks else ()
        return tuple(
            hashlib.sha256(f"{solved} {FIRST_CHEAP} {piece}".encode()).hexdigest() for piece in ranges
        )

    def to_json(self) -> str:
        """Return the plan as text, for `plan_from_json`."""
        content = {
            "qtraj": version("qtraj"),
            "code": CODE_DIGEST,
            "path": str(self.run_file.path.absolute()),
            "chunk_size": self.chunk_size,
            "keys": self.keys,
            "sources": [source.to_json() for source in self.sources],
            "run_file": self.run_file.text,
        }
        return json.dumps(content, indent=1) + "\n"


def make_plan(run_file: RunFile, chunk_size: int = UNIT) -> Plan:
    """Plan a run file: find its temperatures and make sure that histories can be made of them."""
    check_choices(run_file)
    config = run_file.config
    # trajectories of one's own may be anisotropic, or end hot
    own_media = any(file.format == TRAJECTORIES for file in config.medium.files)
    if not own_media and not config.medium.allow_hot_end:
        # every path that is hot cools to T_end: what cannot be solved there is refused before paths are drawn
        for setting in settings(config):
            end = [ConstantTemperature(setting.T_end, tau_fm=0.6, duration_fm=1.0)]
            check_media(setting.applied(run_file), setting.kappa, setting.gamma, end)
    plan = Plan(run_file, sources(run_file, UNIT), chunk_size)
    if plan.cheap_keys:
        _check_emulation(plan)
    for number, source in enumerate(plan.sources):
        for setting in plan.settings:
            histories = drawn(plan.source_of(number, setting), 0, min(UNIT, source.count)).histories
            check_media(setting.applied(run_file), setting.kappa, setting.gamma, histories)
    return plan


def _check_emulation(plan: Plan) -> None:
    """See that the solved paths can teach an emulator, before any is solved."""
    # many settings are fitted together, so that each may be less certain: as many as its folds need
    least = 2 * FEWEST if plan.config.settings else 4 * FEWEST
    for setting in plan.settings if plan.config.settings else plan.settings[:1]:
        hot = 0
        for number, source in enumerate(plan.sources):
            histories = drawn(plan.source_of(number, setting), 0, min(UNIT, source.count)).histories
            hot += sum(bool(history.active) for history in histories)
        if hot < least:
            allowed = f"be large enough that the medium acts on {least} of the solved paths, here on {hot}"
            raise InputError("paths.n", plan.config.paths.n, allowed, "An emulator learns from them.")


def plan_from_json(text: str, name: str, *, to_read: bool = False) -> Plan:
    """Read what `Plan.to_json` wrote; a plan of other code is refused, unless it is only `to_read` its results."""
    try:
        content: dict[str, Any] = json.loads(text)
        made_by = content["qtraj"], str(content.get("code", ""))
        if not to_read and made_by[0] != version("qtraj"):
            problem = f"made by qtraj {made_by[0]}, this is {version('qtraj')}"
            raise FileFormatError(name, problem, _ANEW)
        if not to_read and made_by[1] != CODE_DIGEST:
            problem = f"made by qtraj {made_by[0]} before its code was changed"
            remedy = f"{_ANEW} Chunks of the other code stay, for when it comes back."
            raise FileFormatError(name, problem, remedy)
        keys = tuple(map(str, content.get("keys", ()))) if to_read else ()
        config = parse_config(content["run_file"], name, stored=True)
        planned = [source_from_json(config, i, stored) for i, stored in enumerate(content["sources"])]
        run_file = RunFile(config, content["run_file"], Path(content["path"]))
        plan = Plan(run_file, planned, int(content["chunk_size"]), made_by, keys)
    except QtrajError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        problem = f"not the plan of a campaign ({error})"
        raise FileFormatError(name, problem, _ANEW) from None
    if keys and len(keys) != len(plan.chunks):
        raise FileFormatError(name, f"has {len(keys)} keys for {len(plan.chunks)} chunks", _ANEW)
    if not plan.is_of_this_code:
        _warn_of_other_code(name, plan.solver, replace(plan, made_by=(version("qtraj"), CODE_DIGEST)).solver)
    return plan


@cache  # once for each plan
def _warn_of_other_code(name: str, solver: str, this: str) -> None:
    warn_user(
        f"{name} was made by {solver}, this is {this}: its results are read as that code computed them, and only that "
        f"code goes on with it. {_ANEW}",
        OtherCodeWarning,
    )
