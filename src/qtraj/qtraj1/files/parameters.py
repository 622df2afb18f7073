"""``params.txt`` of QTraj 1.0: every key with type, unit, range and meaning; checked, read and written."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field
from math import inf, isfinite
from numbers import Integral
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from ..._atomic import atomic_path, decoded
from ..._checks import boolean, instance, is_finite_number, members, texts
from ..._checks import path as path_of
from ...errors import FileFormatError, InputError
from ...hydro.readers.qtraj_text import histories_from_tables, read_qtraj_averaged, read_qtraj_trajectories
from ...physics.initial import ArrayState, BoundState, CoulombState, GaussianState, InitialState
from ...physics.medium import Bjorken, ConstantTemperature, Histories, History
from ...physics.model import LindbladModel, Order
from ...physics.potentials.coulomb import COLORS, Color, CoulombPotential
from ...physics.potentials.ksu import KSUPotential
from ...physics.transport import FitName, Transport
from ...radial.sine import SineGrid
from ...states import STATES
from ...units import to_fm
from .evolution import read_basis

Value = int | float | bool | str

_SPELLING: Final = {
    bool: re.compile(r"[01]"),
    int: re.compile(r"[+-]?\d+"),
    float: re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"),
}

KAPPA_NAMES: Final[Mapping[int, FitName]] = {-1: "central", -2: "lower", -3: "upper"}


@dataclass(frozen=True)
class Key:
    """One key of ``params.txt``: what it is, what takes its place in qtraj (`today`), and what values it may have.

    `write_params` puts it under the heading `group`. `kind` is bool (written 0 or 1), int, float or str. Values are one
    of the `choices`, if there are any, or in the range value > `above`, `least` <= value <= `most`.
    """

    group: str
    kind: type
    unit: str
    meaning: str
    today: str
    choices: tuple[int, ...] = ()
    above: float = -inf
    least: float = -inf
    most: float = inf

    @property
    def allowed(self) -> str:
        """The rule as a phrase that completes "`key` must ..."."""
        if self.kind is str:
            return "be the name of a file"
        if self.kind is bool:
            return "be 0 or 1"
        if self.choices:
            return f"be one of {', '.join(map(str, self.choices))}"
        limits = {"above": self.above, "at least": self.least, "at most": self.most}
        bounds = [f"{word} {limit:g}" for word, limit in limits.items() if isfinite(limit)]
        noun = "a whole number" if self.kind is int else "a finite number"
        return f"be {noun} {' and '.join(bounds)}".strip()

    def parse(self, name: str, text: str) -> Value:
        """Return the value that `text` spells, or raise InputError; ``1e5`` is no whole number."""
        if self.kind is str:
            return text
        if not _SPELLING[self.kind].fullmatch(text):
            remark = "A comment after a value begins with //." if len(text.split()) > 1 else ""
            raise InputError(name, text, self.allowed, remark or self.meaning_of_choices)
        return float(text) if self.kind is float else int(text)

    def checked(self, name: str, value: Any) -> Value:
        """Return `value` as this key's type, or raise InputError if type or range are wrong."""
        # NumPy's numbers, too; a whole number is a good float, and 0 and 1 are the file's booleans, but True is no 1
        if self.kind is str:
            good = isinstance(value, str) and value != ""
        elif self.kind is bool:
            good = isinstance(value, Integral | np.bool_) and value in (0, 1)
        elif self.kind is int:
            good = isinstance(value, Integral) and not isinstance(value, bool)
        else:
            good = is_finite_number(value)
        if good and self.kind in (int, float):
            good = self.above < value and self.least <= value <= self.most
            good = good and (not self.choices or value in self.choices)
        if not good:
            raise InputError(name, value, self.allowed, self.meaning_of_choices)
        checked: Value = self.kind(value)
        return checked

    @property
    def meaning_of_choices(self) -> str:
        """The meaning as a sentence, where the allowed values are a list."""
        return f"Meaning: {self.meaning}." if self.choices else ""


def _key(*entries: Any, default: Any = MISSING, **rule: Any) -> Any:
    """Return a dataclass field that carries a `Key`; with a default the key is optional."""
    return field(default=default, metadata={"key": Key(*entries, **rule)})


_START: Final = "initial condition and projection"


@dataclass(frozen=True, kw_only=True)
class LegacyParameters:
    """All parameters of a QTraj 1.0 run under the names of that code, checked one by one and together.

    Lengths and times are in GeV^-1, everything else in powers of GeV; `describe_keys` lists type, unit, meaning
    and successor of each. A key without a default must be given: the original has no defaults either.

    Raises
    ------
    InputError
        If a value has the wrong type, is out of range or contradicts another one; its ``argument`` is the key.

    References
    ----------
    arXiv:2107.06147, section on the parameters, and its successor QTraj-NLO 2.1 for `stepper`.
    """

    # A table: heading, type, unit, meaning, what takes its place today; then the rule.
    # fmt: off
    potential: int = _key("physics", int, "", "0 Munich, 1 isotropic KSU, 2 anisotropic KSU",
        "`CoulombPotential`, `KSUPotential`", choices=(0, 1, 2))
    doJumps: bool = _key("physics", bool, "", "1 quantum jumps, 0 H_eff only",
        "method: `QuantumTrajectories` or `NoJump`")
    maxJumps: int = _key("physics", int, "", "jumps after which a trajectory stops",
        "`QuantumTrajectories(max_jumps=)`, unlimited by default", least=0)
    m: float = _key("physics", float, "GeV", "reduced mass M_Q/2",
        "`LindbladModel(mass=M_Q)`: the heavy-quark mass, 2 m", above=0)
    alpha: float = _key("physics", float, "", "coupling C_F alpha_s", "`CoulombPotential(alpha=)`", above=0)
    kappa: float = _key("physics", float, "", "kappa/T^3: -1 central, -2 lower, -3 upper fit, or a constant >= 0",
        "`Transport(kappa=)`")
    gam: float = _key("physics", float, "", "gamma/T^3", "`Transport(gamma=)`")
    mdfac: float = _key("physics", float, "", "factor on the Debye mass (KSU)",
        "`KSUPotential(md_factor=)`", above=0, default=1.0)

    temperatureEvolution: int = _key("medium", int, "", "0 Bjorken, 1 averaged file, 2 trajectory file, 3 constant T0",
        "medium: `Bjorken`, `TabulatedTemperature`, `Histories`, `ConstantTemperature`", choices=(0, 1, 2, 3))
    temperatureFile: str | None = _key("medium", str, "", "file of temperatureEvolution 1 and 2",
        "`read_qtraj_averaged`, `read_qtraj_trajectories`", default=None)
    T0: float = _key("medium", float, "GeV", "temperature at tmed (Bjorken, constant)", "`Bjorken(T0=)`",
        above=0, most=5)
    Tf: float = _key("medium", float, "GeV", "temperature at which the medium ends", "`T_end=` of the medium", above=0)
    tmed: float = _key("medium", float, "GeV^-1", "time at which the medium begins",
        "`tau_fm=` of the medium, in fm/c", least=0)
    t0: float = _key("medium", float, "GeV^-1", "time at which the evolution begins",
        "none: the start is at 0", least=0)

    initType: int = _key(_START, int, "", "0 Coulomb singlet, 1 Gaussian, 100 computed eigenstate,"
        " 200 from basisFunctionsFile", "`CoulombState`, `GaussianState`, `BoundState`, `ArrayState`",
        choices=(0, 1, 100, 200))
    projType: int = _key(_START, int, "", "final states: 0 Coulomb, 1 computed, 2 from a file",
        "`projection=` of the method", choices=(0, 1, 2))
    initWidth: float = _key(_START, float, "a0", "width of the Gaussian start", "`GaussianState(width=)`", above=0)
    initN: int = _key(_START, int, "", "principal quantum number n > l (1P is n = 2)", "`n=` of the start", least=1)
    initL: int = _key(_START, int, "", "initial angular momentum", "`l=` of the start", least=0)
    initC: int = _key(_START, int, "", "initial color: 0 singlet, 1 octet", "`color=` of the start", choices=(0, 1))
    basisFunctionsFile: str | None = _key(_START, str, "", "eigenstates that projType 2 and initType 200 read",
        "`StoredStates`", default=None)
    nBasis: int = _key(_START, int, "", "number of computed or stored eigenstates", "always six", least=1, most=6)

    nTrajectories: int = _key("Monte Carlo", int, "", "number of trajectories", "`QuantumTrajectories(n=)`", least=1)
    randomseed: int = _key("Monte Carlo", int, "", "seed; 0 the clock, -1 a fixed list of random numbers",
        "`QuantumTrajectories(seed=)`", least=-1)
    rMax: float = _key("Monte Carlo", float, "", "a first random number above it records zeros",
        "`QuantumTrajectories(r_max=)`", above=0, most=1)

    num: int = _key("numerics", int, "", "points of the grid; 2^n - 1 is fast", "`SineGrid(num=)`", least=15)
    L: float = _key("numerics", float, "GeV^-1", "length of the box", "`SineGrid(length=)`", above=0)
    dt: float = _key("numerics", float, "GeV^-1", "time step", "`dt=` of the method", above=0)
    maxSteps: int = _key("numerics", int, "", "number of steps for constant T0",
        "none: the medium ends the run", least=1)
    derivType: int = _key("numerics", int, "", "kinetic term: 0 k^2/(2m), 1 second differences",
        "`SineGrid(derivative=)`", choices=(0, 1))
    stepper: int = _key("numerics", int, "", "0 split step (that of 1.0), 1 Crank-Nicolson LO, 2 NLO",
        "none: `qtraj legacy` only", choices=(0, 1, 2), default=0)
    nThreads: int = _key("numerics", int, "", "threads; no influence on the numbers", "none", least=1, default=1)

    snapFreq: int = _key("output", int, "steps", "steps between rows of summary.tsv and snapshots", "none", least=1)
    snapPts: int = _key("output", int, "", "points of a snapshot, num/snapPts is the stride", "none", least=1)
    dirnameWithSeed: bool = _key("output", bool, "", "1 output-SEED, 0 output", "the caller chooses names")
    saveWavefunctions: bool = _key("output", bool, "", "1 writes snapshot_STEP.tsv", "none")
    outputSummaryFile: bool = _key("output", bool, "", "1 writes summary.tsv", "none")
    outfileID: str | None = _key("output", str, "", "mark of a run; no influence on the numbers", "none", default=None)
    # fmt: on

    def __post_init__(self) -> None:
        for name, rule in KEYS.items():
            value = getattr(self, name)
            if value is not None or name in REQUIRED:
                object.__setattr__(self, name, rule.checked(name, value))
        for name, allowed, remedy in _contradictions(self):
            raise InputError(name, getattr(self, name), allowed, remedy)

    @property
    def mass(self) -> float:
        """Heavy-quark mass M_Q = 2 m in GeV."""
        return 2 * self.m

    @property
    def kappa_hat(self) -> FitName | float:
        """The `kappa` argument of `Transport`: the name of a fit, or the constant."""
        return self.kappa if self.kappa >= 0 else KAPPA_NAMES[int(self.kappa)]

    @property
    def output_folder(self) -> str:
        """Name of the folder that the original writes to, beside ``input``."""
        return f"output-{self.randomseed}" if self.dirnameWithSeed else "output"

    def given(self) -> dict[str, Any]:
        """Return the keys that have a value, in the order of the class."""
        return {name: getattr(self, name) for name in KEYS if getattr(self, name) is not None}


_FIELDS: Final = LegacyParameters.__dataclass_fields__
KEYS: Final[Mapping[str, Key]] = {name: entry.metadata["key"] for name, entry in _FIELDS.items()}
"""Every key of ``params.txt`` by name."""

# keys that must be given
REQUIRED: Final = tuple(name for name, entry in _FIELDS.items() if entry.default is MISSING)


def describe_keys() -> list[tuple[str, str, str, str]]:
    """Return (key, unit, meaning, what takes its place in qtraj) for every key, in the order of the class.

    Returns
    -------
    list of tuple of str
        One entry for each key.
    """
    return [(name, key.unit, key.meaning, key.today) for name, key in KEYS.items()]


def idle(p: LegacyParameters, name: str) -> str:
    """Return the condition under which a key would have an effect, such as ``doJumps 1``, or "" if it has one.

    A params.txt has to hold every key, so there an idle one says nothing; on the command line it is a mistake.
    """
    munich, jumps = (p.potential == 0, "potential 0"), (p.doJumps, "doJumps 1")
    waits = {
        "mdfac": (p.potential != 0, "potential 1 or 2"),
        "kappa": munich,
        "gam": munich,
        "temperatureFile": (p.temperatureEvolution in (1, 2), "temperatureEvolution 1 or 2"),
        "T0": (p.temperatureEvolution in (0, 3), "temperatureEvolution 0 or 3"),
        "maxSteps": (p.temperatureEvolution == 3, "temperatureEvolution 3"),
        "initWidth": (p.initType == 1, "initType 1"),
        "basisFunctionsFile": (p.projType == 2 or p.initType == 200, "projType 2 or initType 200"),
        **dict.fromkeys(("nTrajectories", "maxJumps", "rMax"), jumps),
        # the seed also names the folder
        "randomseed": (
            p.doJumps or p.dirnameWithSeed,
            "doJumps 1, or dirnameWithSeed 1, which names the folder",
        ),
        "derivType": (p.stepper == 0, "stepper 0"),
        "snapPts": (p.saveWavefunctions, "saveWavefunctions 1"),
    }
    acts, condition = waits.get(name, (True, ""))
    return "" if acts else condition


def _contradictions(p: LegacyParameters) -> Iterator[tuple[str, str, str]]:
    """Yield (key, what it must be, what to do) where values together have no meaning: refused, not interpreted."""
    evolution, available = p.temperatureEvolution, STATES[: p.nBasis]
    names = ", ".join(f"({s.n}, {s.l})" for s in available)
    central = "The original takes the central fit between -1 and 0; write -1 for it." if p.kappa > -1 else ""
    # Bjorken flow: T^3 tau is constant. After tmed the medium acts from t0 on; after its end there is none.
    end = p.tmed * (p.T0 / p.Tf) ** 3
    # A table: the contradiction, key, what it must be, what to do.
    # fmt: off
    rules = [
        (p.kappa < 0 and p.kappa not in KAPPA_NAMES, "kappa",
            "be -1 (central fit), -2 (lower), -3 (upper) or a constant of at least 0", central),
        (p.potential != 0 and p.doJumps, "doJumps", f"be 0 with the KSU potential (potential {p.potential})",
            "A complex potential without jump operators: set doJumps 0, or potential 0."),
        (p.potential != 0 and p.stepper == 2, "stepper", f"be 0 or 1 with the KSU potential (potential {p.potential})",
            "The NLO terms belong to the Munich potential: set potential 0, or stepper 0."),
        (evolution in (1, 2) and p.temperatureFile is None, "temperatureFile",
            f"be given with temperatureEvolution {evolution}",
            f"Name the file that temperatureEvolution {evolution} reads."),
        (evolution in (0, 3) and p.Tf >= p.T0, "T0", f"be above Tf ({p.Tf:g} GeV)",
            "The medium would never act: raise T0 or lower Tf."),
        (evolution == 0 and p.tmed == 0, "tmed", "be above 0 with temperatureEvolution 0",
            "Bjorken flow scales with tmed/t."),
        (evolution == 0 and p.t0 >= end, "t0", f"be below {end:g} GeV^-1",
            "Bjorken flow has cooled down to Tf before: the medium would never act."),
        (p.initN <= p.initL, "initN", f"be above initL ({p.initL})", "The 1P state is initN 2, initL 1."),
        *((getattr(p, name) == value and p.basisFunctionsFile is None, "basisFunctionsFile",
            f"be given with {name} {value}", "Name the file of stored eigenstates.")
            for name, value in (("projType", 2), ("initType", 200))),
        (p.initType in (100, 200) and not any((s.n, s.l) == (p.initN, p.initL) for s in available), "initN",
            f"be one of the nBasis = {p.nBasis} states (initN, initL) = {names}",
            f"initL is {p.initL}; initType {p.initType} starts in one of those states."),
        (p.snapPts > p.num, "snapPts", f"be at most num ({p.num})",
            "A snapshot holds every (num/snapPts)-th point of the grid."),
        (p.dt >= p.L, "dt", f"be far below the box, L = {p.L:g} GeV^-1", "0.001 to 0.005 is usual."),
    ]
    # fmt: on
    return (rule[1:] for rule in rules if rule[0])


COMMENT: Final = "//"
LINE_LIMIT: Final = 127  # longest line that the original reads whole


class _Entry(NamedTuple):
    """Text of a value, and the line where it stands (0: the command line)."""

    text: str
    line: int


def read_params(path: str | Path, overrides: Sequence[tuple[str, str]] = ()) -> LegacyParameters:
    """Read a ``params.txt``, apply command-line overrides, and check every value and all of them together.

    Parameters
    ----------
    path : str or Path
        Lines ``KEY value``, separated by blanks or tabs, in any order; empty lines and lines that start with
        ``//`` are skipped, and a comment ``// ...`` may follow a value. Lines may be longer than the 127
        characters that the original reads.
    overrides : sequence of (str, str)
        Pairs ``("-KEY", "value")``, the dash optional; they replace the file's values, the last one counts.

    Returns
    -------
    LegacyParameters

    Raises
    ------
    FileFormatError
        If the file cannot be read, a line is no pair, or a key is unknown, repeated or missing, or its value is
        bad; names file and line.
    InputError
        If an override is unknown or without effect beside the other keys, or its value is bad.
    """
    path = path_of("path", path)
    allowed = "be pairs ('-KEY', 'value')"
    for i, pair in enumerate(members("overrides", overrides, allowed)):
        members(f"overrides[{i}]", texts(f"overrides[{i}]", pair, allowed), allowed, 2)
    # the command line goes over the file
    entries = _file_entries(path)
    for flag, text in overrides:
        name = flag.removeprefix("-")
        if name not in KEYS:
            raise InputError(flag, text, "be a key of params.txt", _near(name))
        entries[name] = _Entry(text, 0)
    missing = [name for name in REQUIRED if name not in entries]
    if "potential" in entries and entries["potential"].text != "0" and "mdfac" not in entries:
        missing.append("mdfac")  # a factor of the KSU potentials alone
    if missing:
        meanings = "; ".join(f"{name}: {KEYS[name].meaning}" for name in missing[:3])
        more = " ..." if missing[3:] else ""
        remedy = f"QTraj 1.0 has no defaults; add a line for each ({meanings}{more})."
        raise FileFormatError(path, f"missing keys: {', '.join(missing)}", remedy)
    try:
        values = {name: KEYS[name].parse(name, entry.text) for name, entry in entries.items()}
        parameters = LegacyParameters(**values)  # type: ignore[arg-type]  # checked there
    except InputError as error:
        raise _located(path, entries, error) from None
    for name, entry in entries.items():
        if entry.line == 0 and (condition := idle(parameters, name)):
            remedy = f"It acts with {condition}."
            raise InputError(f"-{name}", entry.text, "be left out: here it has no effect", remedy)
    return parameters


class Problem(NamedTuple):
    """What `qtraj.solve` takes, in its order: ``qtraj.solve(*problem)``.

    Parameters
    ----------
    model : LindbladModel
        Potential, transport coefficients and mass.
    medium : History or Histories
        Temperature history, or one for each block of a trajectory file.
    initial : InitialState
        Start.
    """

    model: LindbladModel
    medium: History | Histories
    initial: InitialState


def problem(
    parameters: LegacyParameters, directory: str | Path = ".", *, allow_hot_end: bool = False
) -> Problem:
    """Return model, medium and start of a ``params.txt``, for any method of the package.

    The method is a choice of its own: trajectories, their number and seed, grid and steps do not enter, nor does what
    the final states are (``projection=`` of the methods). `describe_keys` names what takes the place of each key.

    Parameters
    ----------
    parameters : LegacyParameters
        As `read_params` returns them.
    directory : str or Path, optional
        Where relative names of files count from.
    allow_hot_end : bool, optional
        Accept temperature files that end above Tf: the medium then ends there, as in the original.

    Returns
    -------
    Problem
        `model`, `medium` and `initial`. The medium of a trajectory file is one history for each block.

    Raises
    ------
    InputError
        If t0 is not 0 (the pairs of the package are made at time 0), or something is out of range here.
    FileFormatError
        If a file that the parameters name is missing or damaged.
    """
    p = instance("parameters", parameters, LegacyParameters)
    folder, allow_hot_end = path_of("directory", directory), boolean("allow_hot_end", allow_hot_end)
    if p.t0 != 0:
        remedy = "The vacuum evolution before the medium begins there; `qtraj legacy` runs it."
        raise InputError("t0", p.t0, "be 0: here every pair is made at time 0", remedy)
    if p.potential == 0:
        order: Order = "NLO" if p.stepper == 2 else "LO"
        model = LindbladModel(CoulombPotential(p.alpha), Transport(p.kappa_hat, p.gam), p.mass, order)
    else:
        model = LindbladModel(KSUPotential(p.alpha, md_factor=p.mdfac), mass=p.mass)
    color: Color = COLORS[p.initC]
    initial: InitialState
    if p.initType == 1:
        initial = GaussianState(l=p.initL, width=p.initWidth, color=color)
    elif p.initType == 200:
        basis = read_basis(folder / str(p.basisFunctionsFile), p.num, p.nBasis)
        row = [(s.n, s.l) for s in STATES].index((p.initN, p.initL))
        initial = ArrayState(SineGrid(p.num, p.L).r, basis[row].real, l=p.initL, color=color)
    else:
        kind = CoulombState if p.initType == 0 else BoundState
        initial = kind(n=p.initN, l=p.initL, color=color)
    begin = to_fm(p.tmed)
    if p.temperatureEvolution == 0:
        return Problem(model, Bjorken(p.T0, begin, p.Tf), initial)
    if p.temperatureEvolution == 3:
        duration = to_fm(p.maxSteps * p.dt) - begin
        return Problem(model, ConstantTemperature(p.T0, begin, duration_fm=duration), initial)
    file = folder / str(p.temperatureFile)
    averaged = p.temperatureEvolution == 1
    tables = [read_qtraj_averaged(file)] if averaged else list(read_qtraj_trajectories(file))
    start = begin if begin > max(table.tau_fm[0] for table in tables) else None
    how: dict[str, Any] = {"anisotropic": p.potential == 2, "allow_hot_end": allow_hot_end}
    return Problem(model, histories_from_tables(tables, p.Tf, tau_start_fm=start, **how), initial)


def write_params(path: str | Path, parameters: LegacyParameters) -> Path:
    """Write a ``params.txt`` that both codes read, under headings, every number with all its digits.

    Parameters
    ----------
    path : str or Path
    parameters : LegacyParameters
        What to write.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If a line would be longer than the original reads, or a value would be taken for a comment.
    FileFormatError
        If the file cannot be written.
    """
    path = path_of("path", path)
    instance("parameters", parameters, LegacyParameters)
    lines, group = [f"{COMMENT} written by qtraj; one KEY and value per line"], ""
    for name, value in parameters.given().items():
        if KEYS[name].group != group:
            group = KEYS[name].group
            lines.append(f"{COMMENT} {group}")
        if str(value).startswith(COMMENT):
            allowed = f"not begin with {COMMENT}: there a comment begins"
            raise InputError(name, value, allowed, "Write ./ before it.")
        lines.append(f"{name}\t{spelled(value)}")
        if len(lines[-1]) > LINE_LIMIT:
            allowed = f"fit into a line of {LINE_LIMIT} characters"
            raise InputError(name, value, allowed, "Use a shorter path.")
    with atomic_path(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _file_entries(path: Path) -> dict[str, _Entry]:
    try:
        lines = decoded(path.read_bytes()).splitlines()
    except OSError as error:
        raise FileFormatError(path, f"cannot be read ({error.strerror})", "Check the path.") from error
    except ValueError as error:
        raise FileFormatError(path, f"is not a text file ({error})", "Check the path.") from error
    entries: dict[str, _Entry] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith(COMMENT):
            continue
        name, *rest = line.split(maxsplit=1)
        if name not in KEYS:
            remedy = f"{_near(name)} QTraj 1.0 ignores unknown keys; to go on, delete it or put // before the line."
            raise FileFormatError(path, f"line {number}: unknown key `{name}`", remedy.strip())
        if name in entries:
            problem = f"line {number}: `{name}` is already set in line {entries[name].line}"
            raise FileFormatError(path, problem, "Keep one of the two.")
        # a path may hold a double slash, so only one after a blank opens a comment there
        mark = f" {COMMENT}" if KEYS[name].kind is str else COMMENT
        text = " ".join(["", *rest]).replace("\t", " ").partition(mark)[0].strip()
        entries[name] = _Entry(text, number)
    return entries


def _near(name: str) -> str:
    near = difflib.get_close_matches(name, KEYS, n=1)
    # capitals are the usual mistake: nthreads, Dojumps
    near = near or [known for known in KEYS if known.lower() == name.lower()]
    return f"Did you mean `{near[0]}`?" if near else ""


def _located(path: Path, entries: dict[str, _Entry], error: InputError) -> Exception:
    """Return the error with the line of the key, or with its flag where the command line set it."""
    entry = entries.get(error.argument)
    if entry is None:  # not given, but another key asks for it
        return FileFormatError(path, f"`{error.argument}` must {error.allowed}", error.remedy)
    if entry.line == 0:
        return InputError(f"-{error.argument}", error.value, error.allowed, error.remedy)
    problem = str(InputError(error.argument, error.value, error.allowed)).rstrip(".")
    return FileFormatError(path, f"line {entry.line}: {problem}", error.remedy)


def spelled(value: Value) -> str:
    """Return a value as ``params.txt`` and the screen show it: every digit, and 0 or 1 for a bool."""
    if isinstance(value, bool):
        return str(int(value))
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)
