"""Where the equation ends up: its steady state at constant temperature, in a closed box with a hard wall.

With the vacuum eigenstates of the box, R the matrix of sqrt(kappa rate) r in a channel and the factors f, g of the
order (`physics.model.jump_factors`), the blocks rho_{c,l} obey

    d rho/dt = Z rho + rho Z^+ + sum over channels and factors of (1/2) (L rho' N^T + N rho' L^T),   L = R f,  N = R g
    Z        = -i (E + gamma g_c r^2/2) - (1/2) sum over channels and factors of N^T L

(arXiv:1612.07248, arXiv:1711.04515 at all orders; arXiv:2205.10289 at next-to-leading). Decays have only the states
that are kept in between, and the jumps from l_max to l_max + 1 are left out together with their decay. What is left
conserves the trace exactly, and as (2l+1) W_{l'l} is symmetric and not touched otherwise, it keeps detailed balance.

The generator couples l to l - 1 and l + 1 only. It is therefore inverted block by block in l, each block dense with
2 K^2 real unknowns X = Re rho + Im rho, and the eigenvalues nearest zero come from Arnoldi's iteration with this
inverse. Zero is the steady state; the next one is the slowest relaxation.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.linalg import lu_factor, lu_solve
from scipy.sparse.linalg import ArpackError, LinearOperator, eigs

from .._checks import instance, integer, number
from .._types import Float
from ..errors import InputError
from ..physics.model import LindbladModel, jump_factors
from ..physics.potentials.coulomb import COLORS
from ..radial.bound import states_in_box
from ..states import STATE_NAMES, STATES
from ..units import OCTET_DIMENSION, to_fm
from .result import Saved, Tables, made

if TYPE_CHECKING:
    import xarray as xr

BOX: Final = 20.0
"""Length of the box in GeV^-1 for bottomonium, that of arXiv:2508.11743."""

HIGHEST: Final = 10.0
"""Kinetic energy over T of the highest state that is kept by default: e^-10 of the pairs would be above it."""

MEMORY: Final = 2e9
"""Bytes that the inverse may take."""

MODES: Final = 6
"""Eigenvalues nearest zero that are computed: the steady state and what relaxes most slowly."""

SHIFT: Final = 1e-7
"""Where the generator is inverted, over the largest decay rate: right of zero, closer than any relaxation."""

STEADY: Final = 1e-7
"""Rate of change of the steady state that is accepted, over the largest decay rate."""


class BoxGenerator:
    """Generator of the master equation in K states of a box, block by block; nothing of it is a function of time.

    Attributes
    ----------
    energies : ndarray, shape (2, l_max + 1, K)
        Of the vacuum states in GeV, colors in the order singlet, octet.
    kinetic : ndarray, shape (2, l_max + 1, K, K)
        p^2/M between them, in GeV.
    decay : ndarray, shape (2, l_max + 1, K, K)
        Z of each block, complex, in GeV.
    jumps : list
        (color, l) before, (color, l) after, L and N (K, K), of each channel and pair of factors.
    """

    def __init__(self, model: LindbladModel, T: float, box: float, l_max: int, states: int) -> None:
        kappa, gamma = (float(value) for value in model.transport.at(T))
        blocks = [(color, l) for color in range(2) for l in range(l_max + 1)]
        self.shape = 2, l_max + 1, states, states
        self.energies, u = np.zeros(self.shape[:3]), {}
        self.kinetic, self.decay = np.zeros(self.shape), np.zeros(self.shape, dtype=complex)
        for block in blocks:
            color, l = block

            def potential(r: Float, color: int = color) -> Float:
                return np.asarray(model.potential.vacuum(r, COLORS[color]))

            self.energies[block], r, u[block] = states_in_box(box, potential, l, model.mass, states)
            H = np.diag(self.energies[block])
            self.kinetic[block] = H - (u[block] * potential(r)) @ u[block].T
            self.decay[block] = -1j * H
        self.jumps: list[tuple[tuple[int, int], tuple[int, int], Float, Float]] = []
        for channel in model.channels:
            for l in range(l_max + 1):
                source = COLORS.index(channel.source), l
                target = COLORS.index(channel.target), l + channel.delta_l
                if target not in u or channel.rate(l) == 0:
                    continue
                R = np.sqrt(channel.rate(l)) * (u[target] * r) @ u[source].T
                # sum_channels rate R^T R is g_c r^2 with the states that are kept in between
                self.decay[source] -= 0.5j * gamma * R.T @ R
                omega = self.energies[target][:, None] - self.energies[source]
                for f, g in jump_factors(model, omega, T):
                    L, N = np.sqrt(kappa) * R * f, np.sqrt(kappa) * R * g
                    self.decay[source] -= 0.5 * N.T @ L
                    self.jumps.append((source, target, L, N))

    def act(self, rho: Any) -> Any:
        """Return d rho/dt, (2, l_max + 1, K, K) in GeV, of a Hermitian rho."""
        change = self.decay @ rho
        change = change + _adjoint(change)
        for source, target, L, N in self.jumps:
            gain = L @ rho[source] @ N.T
            change[target] += (gain + _adjoint(gain)) / 2
        return change

    def imbalance(self, gibbs: Float) -> float:
        """Return the defect of detailed balance in occupations (2, l_max + 1, K), as in `SteadyState`."""
        flow: dict[Any, Any] = {}
        for source, target, L, N in self.jumps:
            flow[source, target] = flow.get((source, target), 0.0) + L * N * gibbs[source]
        net = sum(
            float(np.abs(flows - flow[target, source].T).sum()) for (source, target), flows in flow.items()
        )
        return net / (2 * sum(float(flows.sum()) for flows in flow.values()))

    def inverse(self, shift: float) -> Any:
        """Return a function that solves (generator - shift) X = B for X = Re rho + Im rho, (2, l_max + 1, K, K)."""
        _, M, K, _ = self.shape
        size, one = K * K, np.eye(K)
        transposed = np.arange(size).reshape(K, K).T.ravel()
        # from l to l + 1 and back: sums of Kronecker products, which act on matrices cheaper than they are stored
        up: list[list[Any]] = [[] for _ in range(M)]
        down: list[list[Any]] = [[] for _ in range(M)]
        for (c, l), (c_target, l_target), L, N in self.jumps:
            (up if l_target > l else down)[min(l, l_target)].append((c, c_target, L, N))

        def coupled(terms: list[Any], X: Float) -> Float:
            """Apply jumps to columns X (2 K^2, n)."""
            X, out = X.reshape(2, K, K, -1), np.zeros((2, K, K, X.shape[-1]))
            for c, c_target, L, N in terms:
                for a, b in ((L, N), (N, L)):
                    left = np.tensordot(a, X[c], 1)
                    out[c_target] += 0.5 * np.matmul(b, left)
            return out.reshape(2 * size, -1)

        factors: list[Any] = []
        for l in range(M):
            D = np.zeros((2 * size, 2 * size))
            for color in range(2):
                # for X: A X + X A^T - [H, X^T], A and H real and imaginary part of Z = A - i H
                A, H = self.decay[color, l].real, -self.decay[color, l].imag
                part = np.kron(A, one) + np.kron(one, A)
                part -= (np.kron(H, one) - np.kron(one, H))[:, transposed]
                D[color * size : (color + 1) * size, color * size : (color + 1) * size] = part
            D.flat[:: 2 * size + 1] -= shift
            if l:
                back = coupled(down[l - 1], np.eye(2 * size))
                D -= coupled(up[l - 1], lu_solve(factors[-1], back, overwrite_b=True, check_finite=False))
            factors.append(lu_factor(D, overwrite_a=True, check_finite=False))

        def solve(B: Float) -> Float:
            b = [B[:, l].reshape(2 * size, 1) for l in range(M)]
            for l in range(1, M):
                b[l] = b[l] - coupled(up[l - 1], lu_solve(factors[l - 1], b[l - 1], check_finite=False))
            for l in reversed(range(M)):
                if l < M - 1:
                    b[l] = b[l] - coupled(down[l], b[l + 1])
                b[l] = lu_solve(factors[l], b[l], check_finite=False)
            return np.stack([x.reshape(2, K, K) for x in b], axis=1)

        return solve


def _adjoint(rho: Any) -> Any:
    return np.swapaxes(np.conj(rho), -1, -2)


def _hermitian(X: Float) -> Any:
    """Return rho of X = Re rho + Im rho."""
    turned = np.swapaxes(X, -1, -2)
    return (X + turned) / 2 + 0.5j * (X - turned)


@dataclass(frozen=True, eq=False, repr=False)
class SteadyState(Saved, made_by="qtraj.steady_state"):
    """Steady state of a pair in a box beside the Gibbs state at the same temperature; prints itself.

    Parameters
    ----------
    T : float
        Temperature in GeV.
    box : float
        Distance of the wall in GeV^-1.
    energies : ndarray, shape (2, l_max + 1, K)
        Vacuum levels of the box in GeV, colors in the order singlet, octet.
    occupation : ndarray, shape (2, l_max + 1, K)
        Probability of each of them, summed over the 2l + 1 orientations and the colors of the octet.
    gibbs : ndarray, shape (2, l_max + 1, K)
        The same probabilities in the Gibbs state, proportional to (2l + 1) d_c e^(-E/T).
    relative_entropy : float
        Tr rho (ln rho - ln gibbs), zero only for the Gibbs state.
    kinetic, gibbs_kinetic : float
        <p^2>/(M T) of both, dimensionless. A classical gas has 1/2 for the motion along r and, if all l are there, 1
        for the other two directions.
    imbalance : float
        Defect of detailed balance of the rates w between levels in the Gibbs state g, sum |w_mn g_n - w_nm g_m| over
        sum (w_mn g_n + w_nm g_m).
    smallest_eigenvalue : float
        Smallest eigenvalue of rho, summed over orientations and colors; not below zero but for a master equation that
        is not of Lindblad's form.
    modes : ndarray, shape (n,)
        Eigenvalues of the generator nearest zero, without zero, complex, in GeV.
    settings, provenance : mapping, optional
        What was asked, versions, wall time in seconds.
    """

    T: float
    box: float
    energies: Float
    occupation: Float
    gibbs: Float
    relative_entropy: float
    kinetic: float
    gibbs_kinetic: float
    imbalance: float
    smallest_eigenvalue: float
    modes: Any
    settings: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def overlap(self) -> Float:
        """<nl|rho|nl> of the vacuum states of the box, order of `STATES`, zero where l > l_max; shape (6,)."""
        return _overlaps(self.occupation)

    @property
    def gibbs_overlap(self) -> Float:
        """The same in the Gibbs state, shape (6,)."""
        return _overlaps(self.gibbs)

    @property
    def octet(self) -> float:
        """Probability of the octet."""
        return float(self.occupation[1].sum())

    @property
    def angular(self) -> Float:
        """P_l, the probability of each angular momentum, shape (l_max + 1,)."""
        return np.asarray(self.occupation.sum(axis=(0, 2)))

    @property
    def gap(self) -> float:
        """Rate in GeV at which the slowest of the `modes` decays."""
        return float(-np.real(self.modes).max())

    @property
    def relaxation_fm(self) -> float:
        """Time in fm/c in which what is left of the start falls to 1/e in the end, 1/gap."""
        return to_fm(1 / self.gap)

    def to_xarray(self) -> xr.Dataset:
        """Return all numbers as a dataset.

        Returns
        -------
        xarray.Dataset
            ``energies`` in GeV, ``occupation`` and ``gibbs`` (color, l, level); ``overlap`` and ``gibbs_overlap``
            (state); ``modes_real`` and ``modes_imag`` (mode) and ``gap`` in GeV, ``relaxation_fm``; ``T``, ``box``,
            ``octet``, ``relative_entropy``, ``kinetic``, ``gibbs_kinetic``, ``imbalance``, ``smallest_eigenvalue``.
            Settings and provenance are attributes, in JSON.
        """
        import xarray as xr  # noqa: PLC0415  `import qtraj` is a third quicker without

        levels, units = ("color", "l", "level"), {"T": "GeV", "box": "GeV^-1", "gap": "GeV"}
        variables: dict[str, Any] = {
            "energies": (levels, self.energies, {"units": "GeV"}),
            "occupation": (levels, self.occupation),
            "gibbs": (levels, self.gibbs),
            "overlap": ("state", self.overlap),
            "gibbs_overlap": ("state", self.gibbs_overlap),
            "modes_real": ("mode", np.real(self.modes), {"units": "GeV"}),
            "modes_imag": ("mode", np.imag(self.modes), {"units": "GeV"}),
            "relaxation_fm": ((), self.relaxation_fm, {"units": "fm/c"}),
        }
        variables |= {name: ((), getattr(self, name), {"units": units.get(name, "1")}) for name in _SCALARS}
        coordinates = {
            "color": list(COLORS),
            "l": np.arange(self.energies.shape[1]),
            "state": list(STATE_NAMES),
        }
        return xr.Dataset(variables, coordinates, self._attributes())

    @classmethod
    def _from_xarray(cls, dataset: xr.Dataset, **stored: Any) -> SteadyState:
        numbers: dict[str, Any] = {n: dataset[n].values for n in ("energies", "occupation", "gibbs")}
        numbers |= {name: float(dataset[name]) for name in _SCALARS if name not in ("octet", "gap")}
        return cls(
            modes=dataset["modes_real"].values + 1j * dataset["modes_imag"].values, **numbers, **stored
        )

    def to_dict(self) -> dict[str, Any]:
        """Return what a JSON file can hold.

        Returns
        -------
        dict
            ``overlap`` and ``gibbs_overlap`` by state; ``angular`` and ``gibbs_angular``, P_l; the numbers of
            `to_xarray` that have no axis; settings and provenance.
        """
        both = {"overlap": self.overlap, "gibbs_overlap": self.gibbs_overlap}
        return {
            **{
                name: dict(zip(STATE_NAMES, map(float, values), strict=True)) for name, values in both.items()
            },
            "angular": self.angular.tolist(),
            "gibbs_angular": self.gibbs.sum(axis=(0, 2)).tolist(),
            **{name: float(getattr(self, name)) for name in (*_SCALARS, "relaxation_fm")},
            "settings": dict(self.settings),
            "provenance": dict(self.provenance),
        }

    def _shown(self) -> tuple[list[str], Tables, list[str]]:
        l_max, K = self.energies.shape[1] - 1, self.energies.shape[2]
        lines = [
            f"steady state at T = {self.T:g} GeV in a box of {self.box:g} GeV^-1, l up to {l_max}, {K} levels of each"
            f"{self._counted()}"
        ]
        pairs = [
            (name, *values)
            for name, *values in zip(STATE_NAMES, self.overlap, self.gibbs_overlap, strict=True)
            if values[1] > 0
        ]
        pairs += [("octet", self.octet, float(self.gibbs[1].sum()))]
        gibbs_angular = self.gibbs.sum(axis=(0, 2))
        pairs += [
            (f"P_{l}/(2l+1)", P / (2 * l + 1), gibbs_angular[l] / (2 * l + 1))
            for l, P in enumerate(self.angular)
        ]
        pairs += [("<p^2>/(M T)", self.kinetic, self.gibbs_kinetic)]
        rows = [[name, f"{here:.5g}", f"{there:.5g}", f"{here / there:.5g}"] for name, here, there in pairs]
        below = [
            f"relative entropy to the Gibbs state {self.relative_entropy:.3g}; defect of detailed balance "
            f"{self.imbalance:.2g}; smallest eigenvalue {self.smallest_eigenvalue:.1e}",
            f"slowest relaxation {self.gap:.4g} GeV, 1/e in {self.relaxation_fm:.4g} fm/c",
        ]
        return lines, [("steady state", ["Gibbs", "ratio"], rows)], below


_SCALARS: Final = (
    "T",
    "box",
    "octet",
    "relative_entropy",
    "kinetic",
    "gibbs_kinetic",
    "imbalance",
    "smallest_eigenvalue",
    "gap",
)


def _overlaps(occupation: Float) -> Float:
    _, M, K = occupation.shape
    return np.array(
        [occupation[0, s.l, s.radial_index] if s.l < M and s.radial_index < K else 0.0 for s in STATES]
    )


def steady_state(
    model: LindbladModel, T: float, *, box: float | None = None, l_max: int = 3, states: int | None = None
) -> SteadyState:
    r"""Return the state in which a pair ends up at constant temperature in a closed box, beside the Gibbs state.

    Parameters
    ----------
    model : LindbladModel
        Of any order, the positive twin among them, with a potential that does not change with the medium and has an
        octet.
    T : float
        Temperature in GeV.
    box : float, optional
        Distance in GeV^-1 at which a hard wall ends the box; by default 20 for bottomonium, and as much longer as other
        pairs are larger.
    l_max : int
        Highest angular momentum; pairs do not leave it.
    states : int, optional
        Levels K of each color and l that are kept; by default those up to a kinetic energy of 10 T. Time grows as their
        sixth power: 3 s for 30, a minute for 50.

    Returns
    -------
    SteadyState
        Occupations of the levels, the distance from the Gibbs state, and the slowest relaxations.

    Raises
    ------
    InputError
        If an argument is out of range, the potential changes with the medium, nothing jumps (kappa = 0), the inverse
        would take more than 2 GB, or some perturbation grows, so that there is no steady state.

    Notes
    -----
    The vacuum states of the box are those between which everything is computed, with 1S, 2S, ... the lowest of them.
    The generator is that of arXiv:1612.07248 and arXiv:1711.04515 (all orders), closed in l and in the states kept; see
    the module `solvers.equilibrium`.

    At all orders and gamma = 0 the Gibbs state is the steady state exactly, at any kappa, because S(omega) is real and
    in detailed balance:

    .. math:: R_{mn} S(\omega_{mn}) e^{-E_n/T} = R_{mn} S(\omega_{nm}) e^{-E_m/T} .

    gamma moves the levels, which the Gibbs state of the vacuum does not know: the distance is of first order in gamma,
    and of first order in kappa where both scale. gamma r^2/2 is no small term at the wall of a large box, where the
    dipole expansion has ended: compare several `box` and `states`, or take gamma = 0.

    The positive twin has the same rates, in detailed balance, and coherences of first order in kappa: its relative
    entropy to the Gibbs state and its occupations change with kappa^2.

    At leading order every state of every color and orientation is as likely as any other, so that the answer depends on
    `states`; at next-to-leading order it is close to the Gibbs state, and still depends on them.

    Examples
    --------
    >>> import qtraj as qt
    >>> model = qt.LindbladModel(transport=qt.Transport(1e-3, 0.0), order="all")
    >>> found = qt.steady_state(model, 0.45, box=12.0, l_max=1, states=12)
    >>> bool(found.relative_entropy < 1e-8)
    True
    """
    started = time.perf_counter()
    instance("model", model, LindbladModel, "be a LindbladModel(...)")
    if model.thermal is not None:
        raise InputError("model.potential", model.potential, "be one that does not change with the medium")
    T = number(
        "T", T, "be a temperature in GeV, 0.05 to 2", "Divide by 1000 if it is in MeV.", low=0.05, high=2
    )
    default = BOX * model.scales.length
    box = number("box", default if box is None else box, "be a length in GeV^-1, 1 to 500", low=1, high=500)
    l_max = integer("l_max", l_max, 1, 30, "be an integer from 1 to 30: a jump changes l")
    highest = int(np.ceil(box / np.pi * np.sqrt(model.mass * HIGHEST * T)))
    states = integer(
        "states", max(4, highest) if states is None else states, 3, allowed="be an integer of at least 3"
    )
    size = 8.0 * (l_max + 2) * (2 * states**2) ** 2  # one block is at work beside those that are kept
    if size > MEMORY:
        most = int((MEMORY / (32 * (l_max + 2))) ** 0.25)
        remedy = (
            f"It would take {size / 1e9:.2g} GB. A shorter box or a smaller l_max needs fewer or allows more."
        )
        raise InputError("states", states, f"be at most {most} with l_max = {l_max}", remedy)
    if not float(model.transport.at(T)[0]) > 0:
        raise InputError(
            "model.transport", model.transport, f"have kappa > 0 at T = {T:g} GeV: nothing jumps"
        )
    model.potential.vacuum(np.ones(1), "octet")  # of which one that has no octet says so
    generator = BoxGenerator(model, T, box, l_max, states)
    copies = np.array([1, OCTET_DIMENSION])[:, None, None] * (2 * np.arange(l_max + 1) + 1)[:, None]
    weights = np.exp(-(generator.energies - generator.energies.min()) / T)
    partition = float((copies * weights).sum())
    gibbs = copies * weights / partition
    fastest = float(np.abs(generator.decay.real).max())
    solve, shape = generator.inverse(SHIFT * fastest), generator.shape
    length = int(np.prod(shape))
    operator = LinearOperator((length, length), matvec=lambda b: solve(b.reshape(shape)).ravel(), dtype=float)
    start = (gibbs[..., None] * np.eye(states)).ravel() + 1e-3 / length  # and some of everything else
    told_apart = "have one steady state that can be told from what relaxes slowly"
    remedy = "Take fewer states, a shorter box or a larger kappa."
    try:
        inverse, vectors = eigs(operator, k=MODES, which="LM", v0=start, tol=1e-9, ncv=6 * MODES)
    except ArpackError as error:
        raise InputError("model", model, told_apart, remedy) from error
    values = SHIFT * fastest + 1 / inverse
    steady = int(np.argmin(np.abs(values)))
    X = np.real(vectors[:, steady]).reshape(shape)
    rho = _hermitian(X / np.trace(X, axis1=-2, axis2=-1).sum())
    if np.linalg.norm(generator.act(rho)) > STEADY * fastest * np.linalg.norm(rho):
        raise InputError("model", model, told_apart, remedy)
    modes = np.delete(values, steady)
    if np.any(modes.real > STEADY * fastest):
        allowed = f"have no perturbation that grows, as here by {modes.real.max():.2g} GeV"
        raise InputError(
            "model", model, allowed, "The master equation of all orders is not positive; lower kappa."
        )
    modes = modes[np.argsort(-modes.real, kind="stable")]
    occupation = np.real(np.diagonal(rho, axis1=-2, axis2=-1))
    eigenvalues = np.linalg.eigvalsh(rho)
    positive = np.maximum(eigenvalues, np.finfo(float).tiny)
    energy = float((occupation * (generator.energies - generator.energies.min())).sum())
    entropy = -float((positive * np.log(positive / copies)).sum())
    asked = {"model": model, "T": T, "box": box, "l_max": l_max, "states": states}
    return SteadyState(
        T=T,
        box=box,
        energies=generator.energies,
        occupation=occupation,
        gibbs=gibbs,
        relative_entropy=energy / T + float(np.log(partition)) - entropy,
        kinetic=float(np.einsum("clij,clji->", generator.kinetic, rho).real) / T,
        gibbs_kinetic=float((np.diagonal(generator.kinetic, axis1=-2, axis2=-1) * gibbs).sum()) / T,
        imbalance=generator.imbalance(gibbs),
        smallest_eigenvalue=float(eigenvalues.min()),
        modes=modes,
        settings={name: repr(value) for name, value in asked.items()},
        provenance=made(1, started),
    )
