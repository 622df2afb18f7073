"""``params.txt`` of QTraj 1.0: every key with type, unit, range and meaning; read, checked, written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass
from typing import Any, Final

from ...physics.transport import FitName
from .keys import Key, key, keys_of
from .rules import check_together

_PHYSICS: Final = "physics"
_MEDIUM: Final = "medium"
_START: Final = "initial condition and projection"
_MONTE_CARLO: Final = "Monte Carlo"
_NUMERICS: Final = "numerics"
_OUTPUT: Final = "output"

KAPPA_NAMES: Final[Mapping[int, FitName]] = {-1: "central", -2: "lower", -3: "upper"}


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

    potential: int = key(
        _PHYSICS, int, "", "0 Munich, 1 isotropic KSU, 2 anisotropic KSU", "`CoulombPotential`, `KSUPotential`",
        choices=(0, 1, 2),
    )  # fmt: skip
    doJumps: bool = key(
        _PHYSICS, bool, "", "1 quantum jumps, 0 H_eff only", "method: `QuantumTrajectories` or `NoJump`"
    )
    maxJumps: int = key(
        _PHYSICS,
        int,
        "",
        "jumps after which a trajectory stops",
        "`QuantumTrajectories(max_jumps=)`, unlimited by default",
        least=0,
    )
    m: float = key(
        _PHYSICS,
        float,
        "GeV",
        "reduced mass M_Q/2",
        "`LindbladModel(mass=M_Q)`: the heavy-quark mass, 2 m",
        above=0,
    )
    alpha: float = key(_PHYSICS, float, "", "coupling C_F alpha_s", "`CoulombPotential(alpha=)`", above=0)
    kappa: float = key(
        _PHYSICS,
        float,
        "",
        "kappa/T^3: -1 central, -2 lower, -3 upper fit, or a constant >= 0",
        "`Transport(kappa=)`",
    )
    gam: float = key(_PHYSICS, float, "", "gamma/T^3", "`Transport(gamma=)`")
    mdfac: float = key(
        _PHYSICS,
        float,
        "",
        "factor on the Debye mass (KSU)",
        "`KSUPotential(md_factor=)`",
        above=0,
        default=1.0,
    )

    temperatureEvolution: int = key(
        _MEDIUM, int, "", "0 Bjorken, 1 averaged file, 2 trajectory file, 3 constant T0",
        "medium: `Bjorken`, `TabulatedTemperature`, `Histories`, `ConstantTemperature`", choices=(0, 1, 2, 3),
    )  # fmt: skip
    temperatureFile: str | None = key(
        _MEDIUM, str, "", "file of temperatureEvolution 1 and 2", "`read_qtraj_averaged`, `read_qtraj_trajectories`",
        default=None,
    )  # fmt: skip
    T0: float = key(
        _MEDIUM, float, "GeV", "temperature at tmed (Bjorken, constant)", "`Bjorken(T0=)`", above=0, most=5
    )
    Tf: float = key(
        _MEDIUM, float, "GeV", "temperature at which the medium ends", "`T_end=` of the medium", above=0
    )
    tmed: float = key(
        _MEDIUM,
        float,
        "GeV^-1",
        "time at which the medium begins",
        "`tau_fm=` of the medium, in fm/c",
        least=0,
    )
    t0: float = key(
        _MEDIUM, float, "GeV^-1", "time at which the evolution begins", "none: the start is at 0", least=0
    )

    initType: int = key(
        _START, int, "", "0 Coulomb singlet, 1 Gaussian, 100 computed eigenstate, 200 from basisFunctionsFile",
        "`CoulombState`, `GaussianState`, `BoundState`, `ArrayState`", choices=(0, 1, 100, 200),
    )  # fmt: skip
    projType: int = key(
        _START, int, "", "final states: 0 Coulomb, 1 computed, 2 from a file", "`projection=` of the method",
        choices=(0, 1, 2),
    )  # fmt: skip
    initWidth: float = key(
        _START, float, "a0", "width of the Gaussian start", "`GaussianState(width=)`", above=0
    )
    initN: int = key(
        _START, int, "", "principal quantum number n > l (1P is n = 2)", "`n=` of the start", least=1
    )
    initL: int = key(_START, int, "", "initial angular momentum", "`l=` of the start", least=0)
    initC: int = key(
        _START, int, "", "initial color: 0 singlet, 1 octet", "`color=` of the start", choices=(0, 1)
    )
    basisFunctionsFile: str | None = key(
        _START, str, "", "eigenstates that projType 2 and initType 200 read", "`StoredStates`", default=None
    )
    nBasis: int = key(
        _START, int, "", "number of computed or stored eigenstates", "always six", least=1, most=6
    )

    nTrajectories: int = key(
        _MONTE_CARLO, int, "", "number of trajectories", "`QuantumTrajectories(n=)`", least=1
    )
    randomseed: int = key(
        _MONTE_CARLO,
        int,
        "",
        "seed; 0 the clock, -1 a fixed list of random numbers",
        "`QuantumTrajectories(seed=)`",
        least=-1,
    )
    rMax: float = key(
        _MONTE_CARLO, float, "", "a first random number above it records zeros", "`QuantumTrajectories(r_max=)`",
        above=0, most=1,
    )  # fmt: skip

    num: int = key(_NUMERICS, int, "", "points of the grid; 2^n - 1 is fast", "`SineGrid(num=)`", least=15)
    L: float = key(_NUMERICS, float, "GeV^-1", "length of the box", "`SineGrid(length=)`", above=0)
    dt: float = key(_NUMERICS, float, "GeV^-1", "time step", "`dt=` of the method", above=0)
    maxSteps: int = key(
        _NUMERICS,
        int,
        "",
        "number of steps for constant T0",
        "none: the medium ends the run",
        least=1,
    )
    derivType: int = key(
        _NUMERICS,
        int,
        "",
        "kinetic term: 0 k^2/(2m), 1 second differences",
        "`SineGrid(derivative=)`",
        choices=(0, 1),
    )
    stepper: int = key(
        _NUMERICS, int, "", "0 split step (that of 1.0), 1 Crank-Nicolson LO, 2 NLO", "none: `qtraj legacy` only",
        choices=(0, 1, 2), default=0,
    )  # fmt: skip
    nThreads: int = key(
        _NUMERICS, int, "", "threads; no influence on the numbers", "none", least=1, default=1
    )

    snapFreq: int = key(
        _OUTPUT, int, "steps", "steps between rows of summary.tsv and snapshots", "none", least=1
    )
    snapPts: int = key(_OUTPUT, int, "", "points of a snapshot, num/snapPts is the stride", "none", least=1)
    dirnameWithSeed: bool = key(_OUTPUT, bool, "", "1 output-SEED, 0 output", "the caller chooses names")
    saveWavefunctions: bool = key(_OUTPUT, bool, "", "1 writes snapshot_STEP.tsv", "none")
    outputSummaryFile: bool = key(_OUTPUT, bool, "", "1 writes summary.tsv", "none")
    outfileID: str | None = key(
        _OUTPUT, str, "", "mark of a run; no influence on the numbers", "none", default=None
    )

    def __post_init__(self) -> None:
        for name, rule in KEYS.items():
            value = getattr(self, name)
            if value is not None or name in REQUIRED:
                object.__setattr__(self, name, rule.checked(name, value))
        check_together(self)

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

KEYS: Final[Mapping[str, Key]] = keys_of(_FIELDS)
"""Every key of ``params.txt`` by name."""

REQUIRED: Final = tuple(name for name, each in _FIELDS.items() if each.default is MISSING)
"""Keys that must be given."""


def describe_keys() -> list[tuple[str, str, str, str]]:
    """Return (key, unit, meaning, what takes its place in qtraj) for every key, in the order of the class.

    Returns
    -------
    list of tuple of str
        One entry for each key.
    """
    return [(name, each.unit, each.meaning, each.today) for name, each in KEYS.items()]
