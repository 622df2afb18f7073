"""Where the pair is: the probability density in r for each color and l while one history goes on."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.fft import next_fast_len

from ..._checks import boolean, finite_array, increasing, instance
from ..._types import Float
from ...errors import InputError, collected
from ...physics.initial import InitialState
from ...physics.model import LindbladModel
from ...radial.laguerre import LaguerreMesh
from ...states import STATE_NAMES, STATES
from ...units import from_fm
from ..basis import SINGLET, Basis
from ..result import Progress, Saved, Tables, made, octet_bounds
from ..solve import checked_problem, checked_times, reporting
from ..steps import Plan, Profile, strang
from .method import DensityMatrix, check_potential
from .propagate import eigenvalues, missing, propagate_density, purity_entropy, sequences
from .resolution import starting_levels

if TYPE_CHECKING:
    import xarray as xr

FINE: Final = {
    True: DensityMatrix(mesh=LaguerreMesh(128, 0.09), l_max=6, step=0.7),
    False: DensityMatrix(rtol=3e-4),
}
"""What resolves densities, by `LindbladModel.is_local`. Where jumps are functions of r survivals converge long before:
their meshes send back from their end what has left the quarkonium, most of the octet. The meshes of next-to-leading
order hold it."""

COLORS: Final = ("singlet", "octet")
ROWS: Final = 8  # times that are printed

# axes of the numbers, and their units
_AXES: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "density": (("time_fm", "color", "l", "r"), "GeV"),
    "population": (("time_fm", "color", "l"), "1"),
    "lost": (("time_fm",), "1"),
    "cut": (("color",), "1"),
    "octet": (("time_fm", "bound"), "1"),
    "overlap": (("time_fm", "state"), "1"),
    "purity": (("time_fm",), "1"),
    "entropy": (("time_fm",), "1"),
    "negativity": (("time_fm", "color", "l"), "1"),
}

FINER: Final = 1.5
"""Points of the grid for Wigner functions over those that resolve the highest energy: |W| has kinks where W = 0."""


@dataclass(frozen=True, eq=False, repr=False)
class DensityInTime(Saved, made_by="qtraj.density_in_time"):
    """Diagonal of the density matrix at some times; prints itself.

    Parameters
    ----------
    times_fm : ndarray, shape (nt,)
        Times in fm/c.
    r : ndarray, shape (nr,)
        Distances of quark and antiquark in GeV^-1.
    weights : ndarray, shape (nr,)
        Weights of the quadrature over `r` in GeV^-1; NaN where the user chose `r`.
    density : ndarray, shape (nt, 2, l_max + 1, nr)
        rho_{c,l}(r), probability per length in GeV, summed over the 2l + 1 orientations and the colors of the octet;
        colors in the order singlet, octet.
    population : ndarray, shape (nt, 2, l_max + 1)
        Its integral over r, the trace of each sector: the probability of pairs within the energies, distances and l
        that are kept, so that what is not in it is in `lost`.
    lost : ndarray, shape (nt,)
        Probability of the pairs that are left out until then: those above the energies kept, most of a narrow start, at
        once, and those that jump beyond l_max or the range of jumps.
    cut : ndarray, shape (2,)
        Probability of the pairs that are left out from the start on, by the color of the start.
    octet : ndarray, shape (nt, 2)
        Least and largest probability of the octet among all pairs, see `solvers.result.octet_bounds`.
    overlap : ndarray, shape (nt, 6)
        <nl|rho|nl> of the vacuum states in the order of `STATES`, zero where l > l_max.
    purity, entropy : ndarray, shape (nt,)
        Tr rho^2 and -Tr rho ln rho of the pairs kept, normalized, dimensionless; each orientation and each color of the
        octet is a state of its own. NaN in files of version 0.1.
    negativity : ndarray, shape (nt, 2, l_max + 1)
        Probability that the Wigner function of each sector in r and p_r has below zero, see `wigner_negativity`: what
        of it is no classical distribution. NaN where it was not asked for.
    settings, provenance : mapping, optional
        What was asked, versions, wall time in seconds.
    """

    times_fm: Float
    r: Float
    weights: Float
    density: Float
    population: Float
    lost: Float
    cut: Float
    octet: Float
    overlap: Float
    purity: Float
    entropy: Float
    negativity: Float
    settings: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def to_xarray(self) -> xr.Dataset:
        """Return all numbers as a dataset.

        Returns
        -------
        xarray.Dataset
            ``density`` (time_fm, color, l, r) in GeV, ``population`` (time_fm, color, l), ``lost`` (time_fm), ``cut``
            (color), ``octet`` (time_fm, bound), ``overlap`` (time_fm, state), ``purity`` and ``entropy`` (time_fm),
            ``negativity`` (time_fm, color, l); along ``r``, in GeV^-1, the coordinate ``weight`` in GeV^-1. Settings
            and provenance are attributes, in JSON.
        """
        import xarray as xr  # noqa: PLC0415  `import qtraj` is a third quicker without

        coordinates = {
            "time_fm": ("time_fm", self.times_fm, {"units": "fm/c"}),
            "color": list(COLORS),
            "l": np.arange(self.density.shape[2]),
            "r": ("r", self.r, {"units": "GeV^-1"}),
            "weight": ("r", self.weights, {"units": "GeV^-1"}),
            "bound": ["least", "largest"],
            "state": list(STATE_NAMES),
        }
        variables = {n: (axes, getattr(self, n), {"units": unit}) for n, (axes, unit) in _AXES.items()}
        return xr.Dataset(variables, coordinates, self._attributes())

    @classmethod
    def _from_xarray(cls, dataset: xr.Dataset, **stored: Any) -> DensityInTime:
        # files of version 0.1 lack some
        sizes, unknown = dataset.sizes, np.nan
        numbers: dict[str, Any] = {
            name: dataset[name].values if name in dataset else np.full([sizes[a] for a in axes], unknown)
            for name, (axes, _) in _AXES.items()
        }
        numbers |= {"times_fm": dataset["time_fm"].values, "weights": dataset["weight"].values}
        return cls(r=dataset["r"].values, **numbers, **stored)

    def _shown(self) -> tuple[list[str], Tables, list[str]]:
        l_max, count = self.density.shape[2] - 1, len(self.times_fm)
        size = f"{len(self.r)} distances to {self.r[-1]:.3g} GeV^-1, l up to {l_max}"
        lines = [f"density in r at {count} time{'s' * (count > 1)}, {size}{self._counted()}"]
        chosen = np.unique(np.linspace(0, count - 1, min(count, ROWS)).round().astype(int))
        population = self.population.sum(axis=2)
        rows = [
            [
                f"{self.times_fm[i]:.4g} fm/c",
                *(f"{number:.5f}" for number in (*population[i], self.lost[i])),
                f"{self.octet[i, 0]:.3f} to {self.octet[i, 1]:.3f}",
            ]
            for i in chosen
        ]
        headings = ["octet", "left out", "octet of all pairs"]
        below = [f"{len(rows)} of {count} times"] if len(rows) < count else []
        if np.isfinite(self.entropy).all():
            entropy, purity = ((values[0], values[-1]) for values in (self.entropy, self.purity))
            words = f"entropy {entropy[0]:.4g} to {entropy[1]:.4g}, purity {purity[0]:.4g} to {purity[1]:.4g}"
            below.append(f"of the pairs kept, from the first to the last time: {words}")
        return lines, [("singlet", headings, rows)], below


def density_in_time(
    model: LindbladModel,
    medium: Any,
    initial: InitialState,
    times_fm: ArrayLike,
    *,
    r: ArrayLike | None = None,
    method: DensityMatrix | None = None,
    progress: Progress | bool | None = None,
    wigner: bool = False,
) -> DensityInTime:
    r"""Solve the master equation along one history and return the density in r at the times asked for.

    Parameters
    ----------
    model : LindbladModel
        Any that `DensityMatrix` solves.
    medium : medium
        One temperature history.
    initial : InitialState
        Start.
    times_fm : array_like, shape (nt,)
        Increasing times in fm/c, not negative; 0 is the start.
    r : array_like, shape (nr,), optional
        Distances in GeV^-1; by default the points of the mesh, where `weights` integrate exactly.
    method : DensityMatrix, optional
        `FINE` by default. It fixes mesh, l_max and step, or they follow from its tolerance; nothing is refined. With
        ``error_budget=False`` `solve` finds the same populations and, but for the part without jumps, which it knows
        better, the same overlaps; at next-to-leading order it extrapolates them in the step.
    progress : bool or callable, optional
        As of `solve`; the numbers are those of times, the start among them.
    wigner : bool
        Compute the negativity of the Wigner functions, too, in a tenth of a second for each time.

    Returns
    -------
    DensityInTime
        The densities, with populations, overlaps, purity and entropy.

    Raises
    ------
    InputError
        If the medium holds more than one history, a time or distance is out of order or negative, or the model is not
        one that `DensityMatrix` solves.

    Notes
    -----
    With rho_{c,l} = sum_ab rho_ab |a><b| in the vacuum eigenstates u_a of the sector,

    .. math:: \rho_{c,l}(r) = \sum_{ab} \mathrm{Re}(\rho_{ab})\, u_a(r)\, u_b(r) .

    This is one run without an error budget: numbers to quote come from `solve`. Fast pairs are not in the start but in
    `lost`, from the beginning. With `FINE`, compared with a denser and longer mesh in Bjorken flow from 450 MeV, the
    rest is good to a percent of its maximum in the singlet; in the octet at leading order to 0.3 percent at 1 fm/c and
    to 12 percent from 2 fm/c on, at next-to-leading order to 7 percent at 1.5 fm/c, where jumps end.

    Populations are those of the pairs kept, not shares of all: how much of a narrow start is kept depends on the mesh,
    and fast pairs jump to the octet sooner than others. `octet` is what is known of all pairs. The trace is the
    integral by the quadrature of the mesh; fast waves near the origin, which it resolves poorly, integrate to some
    percent more or less between its points.

    Examples
    --------
    >>> import qtraj as qt
    >>> medium = qt.Bjorken(T0=0.4, tau_fm=0.6, T_end=0.25)
    >>> method = qt.DensityMatrix(rtol=0.01)
    >>> found = qt.density_in_time(qt.LindbladModel(), medium, qt.CoulombState(1, 0), [0.6, 2.4], method=method)
    >>> found.density.shape[:2]  # times and colors, before l and r
    (2, 2)
    >>> bool(abs(found.density @ found.weights - found.population).max() < 1e-12)
    True
    """
    histories, _ = checked_problem(model, medium, initial)
    if len(histories) != 1:
        raise InputError("medium", f"{len(histories)} histories", "be the temperature history of one pair")
    check_potential(model)
    if method is None:
        method = FINE[model.is_local]
        if method.mesh is not None:
            method = replace(method, mesh=method.mesh.scaled(model.scales.length))
    instance("method", method, DensityMatrix, "be a DensityMatrix(...) or None")
    boolean("wigner", wigner)
    reported = reporting(progress)
    times = _checked("times_fm", times_fm)
    later = checked_times(times[times > 0])
    profile = Profile(model, histories[0], thermal=True)
    d = method.discretization(starting_levels(method.rtol, profile, initial.l), model, initial)
    if d.l_max < initial.l:
        raise InputError("l_max", d.l_max, f"be at least the l = {initial.l} of the initial state")
    basis = d.basis(model)
    points = basis.mesh.r if r is None else _checked("r", r)
    frames = _Frames(basis, _functions(basis, None if r is None else points), wigner)
    started = time.perf_counter()
    with collected(), reported as report:
        steps = sequences(profile, [from_fm(float(t)) for t in later], strang, d.step)
        # what follows the last time is not needed
        plan = Plan(steps.main[: len(later)], steps.side[: len(later)])

        def see(X: Float, lost: Float) -> None:
            frames.add(X, lost)
            report(len(frames.lost), 1 + len(later))

        propagate_density(
            basis,
            model,
            initial,
            [plan],
            jump_range=d.jump_range,
            filter_energy=d.filter_energy,
            callback=see,
        )
    asked = {"method": method, "model": model, "initial": initial, "medium": medium}
    # the start is seen in any case
    kept = slice(int(times[0] > 0), None)
    population, cut = np.stack(frames.population[kept]), missing(initial, frames.population[0])
    return DensityInTime(
        times_fm=times,
        r=points,
        weights=basis.mesh.weights if r is None else np.full(len(points), np.nan),
        density=np.stack(frames.density[kept]),
        population=population,
        lost=np.array(frames.lost[kept]),
        cut=cut,
        octet=octet_bounds(population, cut),
        overlap=np.stack(frames.overlap[kept]),
        purity=np.array(frames.purity[kept]),
        entropy=np.array(frames.entropy[kept]),
        negativity=np.stack(frames.negativity[kept]),
        settings={name: repr(thing) for name, thing in asked.items()},
        provenance=made(1, started),
    )


def _checked(name: str, values: ArrayLike) -> Float:
    finite = finite_array(name, values, 1)
    if not len(finite):
        raise InputError(name, values, "be a list of at least one number")
    return increasing(name, finite, "be increasing and not negative", low=0)


def _functions(basis: Basis, r: Float | None) -> Float:
    """Return the eigenfunctions u_a at `r`, or at the mesh points, shape (2, l_max + 1, K, nr), in GeV^(1/2)."""
    coefficients = np.swapaxes(basis.vectors, -1, -2)
    if r is None:
        return basis.mesh.values(coefficients)
    return basis.mesh.interpolate(coefficients, r)


def wigner_negativity(rho: Any, dx: float) -> float:
    """Return half the integral of |W| - W, the probability below zero of a Wigner function.

    W(x, p) = (1/pi) int dy rho(x + y, x - y) e^(-2 i p y), whose integral over x and p is the trace (A. Kenfack and
    K. Zyczkowski, J. Opt. B 6 (2004) 396; their delta of a state of trace 1 is twice this). Of pure states only
    Gaussians have none. `rho` (n, n), in GeV, is given on a uniform grid of spacing dx, is zero beyond its ends, and
    knows no momentum above pi/(2 dx).
    """
    n = len(rho)
    length = next_fast_len(2 * n)
    shifted = np.zeros((n, length), dtype=complex)
    for i in range(n):
        reach = min(i, n - 1 - i)
        k = np.arange(-reach, reach + 1)
        shifted[i, k] = rho[i + k, i - k]
    # real, because rho is Hermitian
    W = np.fft.fft(shifted, axis=1).real
    return float((np.abs(W) - W).sum() / 2 * dx / length)


class _Frames:
    """Gathers what the density matrix is at one time after the other; attributes as in `DensityInTime`."""

    def __init__(self, basis: Basis, functions: Float, wigner: bool) -> None:
        self._l_max, self._functions = basis.l_max, functions
        self._uniform: tuple[float, Float] | None = None
        if wigner:
            fastest = np.sqrt(basis.model.mass * max(basis.energies.max(), 0.0))
            dx = np.pi / (2 * FINER * fastest)
            # functions of the mesh end soon beyond its last point
            points = dx * np.arange(1, int(1.1 * basis.mesh.r[-1] / dx))
            self._uniform = dx, _functions(basis, points)
        self.density: list[Float] = []
        self.population: list[Float] = []
        self.lost: list[float] = []
        self.overlap: list[Float] = []
        self.purity: list[float] = []
        self.entropy: list[float] = []
        self.negativity: list[Float] = []

    def add(self, X: Float, lost: Float) -> None:
        """Take X = Re rho + Im rho, shape (2, l_max + 1, K, K): the antisymmetric part drops out of all sums."""
        u = self._functions
        self.density.append(np.einsum("clar,clab,clbr->clr", u, X, u, optimize=True))
        self.population.append(np.trace(X, axis1=-2, axis2=-1))
        self.lost.append(float(lost))
        overlap = np.zeros(len(STATES))
        for j, state in enumerate(STATES):
            if state.l <= self._l_max:
                overlap[j] = X[SINGLET, state.l, state.radial_index, state.radial_index]
        self.overlap.append(overlap)
        purity, entropy = purity_entropy(eigenvalues(X[:, :, None]))
        self.purity.append(float(purity[0]))
        self.entropy.append(float(entropy[0]))
        negativity = np.full(X.shape[:2], np.nan)
        if self._uniform is not None:
            dx, values = self._uniform
            turned = X.swapaxes(-1, -2)
            rho = (X + turned) / 2 + 0.5j * (X - turned)
            for block in np.ndindex(*X.shape[:2]):
                on_grid = values[block].T @ rho[block] @ values[block]
                negativity[block] = wigner_negativity(on_grid, dx)
        self.negativity.append(negativity)
