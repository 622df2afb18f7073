"""What the controls of the page can be set to, and the numbers it shows: solved, and R_AA from a fit to runs.

It knows no browser.
"""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.polynomial.chebyshev import chebvander

from ..._checks import choice, float_array, number, settle
from ..._types import Float
from ...errors import AccuracyWarning, InputError
from ...physics.initial import CoulombState, GaussianState, InitialState
from ...physics.medium import Bjorken
from ...physics.model import ORDERS, LindbladModel, Order
from ...physics.potentials.coulomb import CoulombPotential
from ...physics.transport import Transport
from ...solvers.density.evolution import density_in_time
from ...solvers.density.method import DensityMatrix
from ...solvers.solve import solve
from ...units import to_fm

TAU_FM: Final = 0.6  # proper time at which the medium begins, fm/c


class Slider(NamedTuple):
    """Range of one number."""

    low: float
    high: float
    step: float


# the sliders. T0 and T_end (GeV) do not meet; kappa_hat and gamma_hat cover what `surrogate` covers.
SLIDERS: Final[Mapping[str, Slider]] = {
    "T0": Slider(0.31, 0.50, 0.005),
    "T_end": Slider(0.18, 0.30, 0.005),
    "kappa_hat": Slider(0.6, 3.0, 0.05),
    "gamma_hat": Slider(-3.5, 0.0, 0.05),
}
# initial states in the singlet by their names on the page
STARTS: Final[Mapping[str, InitialState]] = {
    "Gaussian, l = 0": GaussianState(l=0),
    "Gaussian, l = 1": GaussianState(l=1),
    "1S": CoulombState(1, 0),
    "2S": CoulombState(2, 0),
}


@dataclass(frozen=True)
class Settings:
    """One position of all controls; what no control can be set to is an `InputError`: a browser may send anything."""

    T0: float = 0.425  # temperatures at which the medium begins and ends, GeV (Bjorken flow from `TAU_FM` on)
    T_end: float = 0.25
    kappa_hat: float = 1.4  # kappa/T^3
    gamma_hat: float = -1.75  # gamma/T^3
    order: Order = "LO"
    start: str = "Gaussian, l = 0"

    def __post_init__(self) -> None:
        for name, slider in SLIDERS.items():
            # a browser rounds the steps of a slider its own way
            slack = 1e-9 * (slider.high - slider.low)
            low, high = slider.low - slack, slider.high + slack
            allowed = f"be from {slider.low:g} to {slider.high:g}"
            settle(self, **{name: number(name, getattr(self, name), allowed, low=low, high=high)})
        for name, known in (("order", ORDERS), ("start", tuple(STARTS))):
            settle(self, **{name: choice(name, getattr(self, name), known, f"be one of {', '.join(known)}")})

    @property
    def model(self) -> LindbladModel:
        """The Lindblad equation."""
        transport = Transport(kappa=self.kappa_hat, gamma=self.gamma_hat)
        return LindbladModel(CoulombPotential(), transport, order=self.order)

    @property
    def medium(self) -> Bjorken:
        """The temperature history."""
        return Bjorken(T0=self.T0, tau_fm=TAU_FM, T_end=self.T_end)

    @property
    def initial(self) -> InitialState:
        """The start."""
        return STARTS[self.start]

    @property
    def states(self) -> tuple[str, ...]:
        """Three states to follow: two of the l of the start, and one of another l, which only jumps reach."""
        return ("1P", "2P", "1S") if self.initial.l == 1 else ("1S", "2S", "1P")


# the cheapest density matrix: the survival of the states that the start is made of is within about 1 % of the exact
# one, the others within 3 %. It leaves out the runs that measure its error.
METHOD: Final = DensityMatrix(rtol=1e-2, error_budget=False)
TIMES: Final = 24
R_MAX: Final = 15.0  # largest distance shown, GeV^-1 (3 fm)
# bins in r, each wider than the mesh is there: ripples of single points of the mesh mean nothing
BINS, PER_BIN = 25, 12


@dataclass(frozen=True, eq=False)
class Numbers:
    """What the page shows for one position of the controls.

    `survival` and `no_jump`, (nt,) for each state of ``settings.states``, are those of `qtraj.solve`: survival of a
    state that the start holds, relative to the initial overlap for a Gaussian; else the probability of the transition
    to it.
    """

    settings: Settings
    times_fm: Float  # (nt,), from the beginning of the medium to its end
    survival: Mapping[str, Float]
    no_jump: Mapping[str, Float]
    held: Mapping[str, bool]  # whether the start holds a state
    is_ratio: Mapping[str, bool]  # and whether its survival is such a ratio
    population: Float  # (2, l_max + 1), of each color and l at the end, of the pairs that the method keeps
    octet: Float  # (2,), least and largest probability of the octet among all pairs at the end
    r: Float  # (nr,), centers of bins of distances, GeV^-1
    density: Float  # (2, l_max + 1, nr), probability per length in GeV at the end, averaged over the bins
    notes: tuple[str, ...]  # warnings of the solver
    seconds: float

    @property
    def regeneration(self) -> Mapping[str, Float]:
        """Survival minus its part without jumps."""
        return {name: total - self.no_jump[name] for name, total in self.survival.items()}


@lru_cache(maxsize=256)
def numbers(settings: Settings) -> Numbers:
    """Solve the Lindblad equation at one position of the controls; positions seen before cost nothing."""
    started = time.perf_counter()
    end = to_fm(settings.medium.active[-1][1])
    # dense at first, where the medium is hot
    times = TAU_FM * (end / TAU_FM) ** np.linspace(0, 1, TIMES)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", AccuracyWarning)
        result = solve(settings.model, settings.medium, settings.initial, METHOD, times_fm=times)
    r = (np.arange(BINS * PER_BIN) + 0.5) * R_MAX / (BINS * PER_BIN)
    pair = density_in_time(settings.model, settings.medium, settings.initial, times[-1:], r=r, method=METHOD)
    density = pair.density[-1]
    held = {name: name in result.survival for name in settings.states}
    total = {**result.overlap_at, **result.survival_at}
    no_jump = {**result.overlap_no_jump_at, **result.no_jump_at}
    return Numbers(
        settings=settings,
        times_fm=times,
        survival={name: np.asarray(total[name].value) for name in settings.states},
        no_jump={name: np.asarray(no_jump[name].value) for name in settings.states},
        held=held,
        is_ratio={name: there and settings.initial.survival_is_ratio for name, there in held.items()},
        population=np.asarray(result.diagnostics["population"]),
        octet=np.asarray(result.diagnostics["octet"]),
        r=r.reshape(BINS, PER_BIN).mean(axis=-1),
        density=density.reshape(*density.shape[:2], BINS, PER_BIN).mean(axis=-1),
        notes=tuple(dict.fromkeys(str(w.message) for w in caught if issubclass(w.category, AccuracyWarning))),
        seconds=time.perf_counter() - started,
    )


# total degree of the polynomial in (kappa_hat, gamma_hat): ten coefficients from a grid of 4 x 4 runs, of which the
# rest says how well it fits
DEGREE: Final = 3


@dataclass(frozen=True, eq=False)
class RaaSurrogate:
    """R_AA(N_part) as a polynomial of total degree `DEGREE` for ln R_AA, fitted to a grid of runs.

    The runs were made once by ``tools/make_surrogate.py``. `raa` and its statistical error `paths`, from the few paths
    that all runs share, have the shape (nk, ng, mesons, np).
    """

    kappa_hat: Float  # (nk,), increasing nodes
    gamma_hat: Float  # (ng,)
    n_part: Float  # (np,), mean numbers of participants
    mesons: tuple[str, ...]
    raa: Float
    paths: Float
    provenance: Mapping[str, Any]  # how the runs were made

    def __post_init__(self) -> None:
        for name in ("kappa_hat", "gamma_hat", "n_part", "raa", "paths"):
            settle(self, **{name: float_array(name, getattr(self, name))})
        shape = (len(self.kappa_hat), len(self.gamma_hat), len(self.mesons), len(self.n_part))
        for name in ("raa", "paths"):
            given = np.shape(getattr(self, name))
            if given != shape:
                raise InputError(name, given, f"have the shape of nodes, mesons, n_part, {shape}")
        if not np.all(self.raa > 0):
            raise InputError("raa", np.min(self.raa), "be positive")
        if min(shape[:2]) <= DEGREE:
            raise InputError("kappa_hat, gamma_hat", shape[:2], f"have at least {DEGREE + 1} nodes each")

    def __call__(self, kappa_hat: float, gamma_hat: float) -> Float:
        """Return R_AA of all mesons at all N_part, shape (mesons, np), inside the grid."""
        given = {"kappa_hat": (kappa_hat, self.kappa_hat), "gamma_hat": (gamma_hat, self.gamma_hat)}
        for name, (value, nodes) in given.items():
            # a polynomial does not extrapolate
            allowed = f"be from {nodes[0]:g} to {nodes[-1]:g}"
            number(name, value, allowed, low=nodes[0] - 1e-9, high=nodes[-1] + 1e-9)
        terms, logs = self._nodes
        coefficients = np.linalg.lstsq(terms, logs, rcond=None)[0]
        here = self._terms(np.array([kappa_hat]), np.array([gamma_hat]))
        return np.asarray(np.exp(here @ coefficients).reshape(len(self.mesons), -1))

    @cached_property
    def error(self) -> Float:
        """Interpolation error of R_AA, shape (mesons, np): root mean square of `leave_one_out`."""
        return np.asarray(np.sqrt((self.leave_one_out**2).mean(axis=(0, 1))))

    @cached_property
    def leave_one_out(self) -> Float:
        """At each node, R_AA of a fit to all the others minus the run's, shape (nk, ng, mesons, np).

        Nodes at the edge are extrapolated then, so this is larger than the error of the fit to all.
        """
        terms, logs = self._nodes
        left = np.empty_like(logs)
        for i in range(len(logs)):
            others = np.arange(len(logs)) != i
            left[i] = terms[i] @ np.linalg.lstsq(terms[others], logs[others], rcond=None)[0]
        return np.asarray((np.exp(left) - np.exp(logs)).reshape(self.raa.shape))

    @cached_property
    def _nodes(self) -> tuple[Float, Float]:
        """The terms of the polynomial, (nodes, terms), and ln R_AA, (nodes, mesons np), of all runs."""
        kappa, gamma = (x.ravel() for x in np.meshgrid(self.kappa_hat, self.gamma_hat, indexing="ij"))
        return self._terms(kappa, gamma), np.log(self.raa).reshape(len(kappa), -1)

    def _terms(self, kappa: Float, gamma: Float) -> Float:
        """Return T_i(kappa) T_j(gamma) for i + j <= DEGREE, shape (n, terms)."""
        x, y = (
            chebvander(2 * (values - nodes[0]) / (nodes[-1] - nodes[0]) - 1, DEGREE)
            for values, nodes in ((kappa, self.kappa_hat), (gamma, self.gamma_hat))
        )
        i, j = np.indices((DEGREE + 1, DEGREE + 1)).reshape(2, -1)
        chosen = i + j <= DEGREE
        return np.asarray(x[:, i[chosen]] * y[:, j[chosen]])


@lru_cache(maxsize=1)
def load_surrogate() -> RaaSurrogate:
    """Return the surrogate that comes with the package: Pb-Pb at 5.02 TeV, leading order, T_end = 250 MeV."""
    text = (files("qtraj.data") / "surrogate" / "raa_pbpb5020.json").read_text(encoding="utf-8")
    content = json.loads(text)
    axes = {name: content[name] for name in ("kappa_hat", "gamma_hat", "n_part")}
    mesons, raa, paths = tuple(content["mesons"]), content["raa"], content["raa_error_paths"]
    return RaaSurrogate(**axes, mesons=mesons, raa=raa, paths=paths, provenance=content["provenance"])
