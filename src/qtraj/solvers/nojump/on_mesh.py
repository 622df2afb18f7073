"""What discretizes a run without jumps on a mesh, and its error from comparisons with coarser steps and finer bases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from ..._types import Float
from ...physics.initial import InitialState
from ...physics.model import LindbladModel
from ...radial.laguerre import LaguerreMesh
from ..basis import Basis, basis_size, make_basis
from ..density.propagate import components
from ..density.resolution import energy_doublings_of, jump_range_of
from ..jumps.local import local_decay
from ..result import Solution
from ..steps import Profile

PURE_FILTER, PURE_CUT = 6.0, 20.0
"""Energies in GeV above which the start is left out and states are dropped, for a medium that starts late: they change
the baseline by 1e-6 (1S) and 4e-6 (2S), and a P-wave start that gamma drives back hard is good to 3e-3, where without
them it was off by half."""

NLO_FILTER, NLO_CUT, NLO_RANGE = 8.0, 25.0, 16.0
"""The same at NLO, and the distance in GeV^-1 beyond which rates saturate, at least: the baseline changes by less than
1e-5."""

SHARE: Final = 1 / 3
"""Time-step error over the change with twice the step, for fourth order and tables, which are only piecewise smooth;
Richardson's is a fifteenth."""

EXCESS: Final = 1.5
"""Mesh error over the largest difference between the bases, which have errors of their own, of about half the size."""


EXCESS_OF_KINKS: Final = 4.0
"""The same for a potential that changes with the medium, which may have kinks, see `MeshSetting.others`: 3.4 for 1P of
KSU after a local start."""


ROUNDING: Final = 1e-13
"""Amplitudes, and overlaps of a density matrix, are known to this, of a normalized pair: some hundred orthogonal
transformations, and a margin of ten."""


@dataclass(frozen=True)
class MeshSetting:
    """What discretizes a pure state on a mesh.

    Parameters
    ----------
    mesh : LaguerreMesh
        Mesh points.
    filter_energy, cut : float
        Energies in GeV above which the start is left out, smoothly, and states are dropped.
    doublings : int
        How often both were doubled because the medium starts early.
    jump_range : float
        Distance in GeV^-1 beyond which rates saturate at NLO.
    """

    mesh: LaguerreMesh
    filter_energy: float
    cut: float
    doublings: int
    jump_range: float

    @classmethod
    def of(cls, mesh: LaguerreMesh, profile: Profile) -> MeshSetting:
        """Return the setting for one history."""
        scales = profile.model.scales
        doublings = energy_doublings_of(profile.history, scales.energy)
        factor = scales.energy * 2.0**doublings
        if not profile.model.is_local:
            reach = max(NLO_RANGE * scales.length, jump_range_of(profile))
            return cls(mesh, NLO_FILTER * factor, NLO_CUT * factor, doublings, reach)
        return cls(mesh, PURE_FILTER * factor, PURE_CUT * factor, doublings, np.inf)

    def finer(self) -> tuple[MeshSetting, MeshSetting]:
        """Return a setting with a denser and longer mesh, and one that also keeps higher energies."""
        longer = replace(self, mesh=self.mesh.compared(1.25), jump_range=1.2 * self.jump_range)
        return longer, replace(longer, filter_energy=1.5 * self.filter_energy, cut=1.6 * self.cut)

    def others(self, model: LindbladModel) -> tuple[MeshSetting, ...]:
        """Return all settings to compare with: for a thermal potential a third, whose points are moved.

        What a kink of the potential costs, as of a string that breaks, depends on where it lies between two points, so
        that two meshes can agree by accident: with the KSU potential 96 points miss 5e-5 of 1S, 1e-3 of 2S and 3e-3 of
        3S after a local start.
        """
        if model.thermal is None:
            return self.finer()
        return (*self.finer(), replace(self, mesh=replace(self.mesh, scale=1.1 * self.mesh.scale)))

    def basis(self, model: LindbladModel, l: int) -> Basis:
        """Return the basis for states of one l."""
        return make_basis(model, self.mesh, l, basis_size(model, self.mesh, self.cut))


def fast_pairs(
    profiles: Sequence[Profile],
    basis: Basis,
    initial: InitialState,
    filter_energy: float,
    checkpoints: Sequence[float],
) -> tuple[Float, Float]:
    """Return the probability that a pair too fast for the basis or the filter has not jumped, and its error.

    Such a pair flies apart on a straight line, r = 2 (E/M)^(1/2) t, and decays with kappa g_c r^2, or with the width of
    its potential: where that matters, it is taken as uncertain by as much as its exponent. Without a medium it is
    exact.

    Parameters
    ----------
    profiles : sequence of Profile
        The coefficients along each of n histories.
    basis : Basis
        The basis.
    initial : InitialState
        The start.
    filter_energy : float
        Energy in GeV above which it is left out.
    checkpoints : sequence of float
        Times in GeV^-1; the end follows.

    Returns
    -------
    probability, error : ndarray, shape (n, times)
    """
    probability, error = (np.zeros((len(profiles), len(checkpoints) + 1)) for _ in range(2))
    for color, share in components(initial):
        energies, _ = basis.sector(color, initial.l)
        whole = basis.coefficients(initial, color) ** 2
        fast = whole - basis.filtered(initial, color, filter_energy) ** 2
        # what lies above the basis has at least its highest energy
        fast, energies = np.append(fast, max(0.0, 1 - whole.sum())), np.append(energies, energies[-1])
        speeds = 2 * np.sqrt(np.maximum(energies - basis.threshold, 0) / basis.model.mass)
        x = np.array([_exponents(p, color, speeds, checkpoints, basis.mesh.r[-1]) for p in profiles])
        probability += share * (np.exp(-x) @ fast)
        error += share * ((x * np.exp(-x)) @ fast)
    return probability, error


def _exponents(
    profile: Profile, color: int, speeds: Float, checkpoints: Sequence[float], reach: float
) -> Float:
    """Return the exponents of the decay of pairs that fly apart, until each time, (times, n)."""
    model = profile.model
    if not model.has_width:
        return np.asarray(np.multiply.outer(profile.spread(checkpoints), model.widths[color] * speeds**2))
    if not len(profile.start):
        return np.zeros((len(checkpoints) + 1, len(speeds)))
    ends = [0.0, *checkpoints, max(*checkpoints, *profile.end)]
    edges = np.unique(np.concatenate([ends, np.linspace(profile.start, profile.end, 5).ravel()]))
    middle = (edges[1:] + edges[:-1]) / 2
    # far away a width is constant, or has long left nothing
    distance = np.clip(np.multiply.outer(middle, speeds), 1e-6, reach)
    decay = local_decay(model, color, distance.ravel()).reshape(-1, *distance.shape)
    steps = 2 * np.einsum("sp,psn->sn", profile.integrals(edges)[:, profile.terms], decay)
    total = np.concatenate([np.zeros((1, len(speeds))), np.cumsum(steps, axis=0)])
    return np.asarray(total[np.searchsorted(edges, ends[1:])])


def error_parts(
    found: Float,
    coarse: Float,
    finer: Sequence[Float],
    beside: Float | None = None,
    *,
    share: float = SHARE,
    excess: float = EXCESS,
) -> dict[str, Float]:
    """Return the parts `time_step` and `mesh`, each of the shape of `found`.

    Parameters
    ----------
    found : ndarray, shape (..., 7)
        Six overlaps and the norm.
    coarse : ndarray, shape (..., 7)
        The same with twice the step.
    finer : sequence of ndarray, shape (..., 7)
        On finer bases, with the steps of `beside`.
    beside : ndarray, shape (..., 7), optional
        What `finer` is compared with, by default `coarse`.
    share : float
        Share of the difference between the steps that counts as error. Richardson's is a fifteenth at fourth order and
        a third at second; the default is for fourth order and tables, which are only piecewise smooth.
    excess : float
        Error over the largest difference between the bases: the others have errors of their own, by default of about
        half the size.
    """
    return {
        "time_step": _shared(coarse, found) * share,
        "mesh": excess
        * np.max([_shared(other, coarse if beside is None else beside) for other in finer], axis=0),
    }


def no_jump_solution(initial_overlap: Float, found: Float, parts: dict[str, Float]) -> Solution:
    """Return the solution of a method without jumps from overlaps and norm (n, times, 7) and their error parts."""
    overlap_parts = {name: part[..., :-1] for name, part in parts.items()}
    return Solution(
        initial_overlap=initial_overlap,
        overlap=found[..., :-1],
        parts=overlap_parts,
        no_jump=found[..., :-1],
        no_jump_parts=overlap_parts,
        norm=found[..., -1],
        norm_parts={name: part[..., -1] for name, part in parts.items()},
        not_estimated=() if parts else ("time_step", "mesh"),
    )


def _shared(other: Float, value: Float) -> Float:
    """Return |other - value| of (..., 7), where all states share the largest relative difference.

    Two approximations can agree by accident for one state, hardly for all. But of a state that is hardly there, as the
    1S where a 2S starts and nothing acts, the whole overlap may differ. What it then tells of the others is by how much
    amplitudes are off: where that is less than the relative difference, they share that. The last entry, the norm,
    stands alone. Differences of rounding count for none but the state that has them.
    """
    difference = np.abs(other - value)
    size = np.abs(value[..., :-1])
    # an amplitude a that is off by eta gives an overlap that is off by 2 |a| eta + eta^2
    # (a state of another l has none, and is 0 exactly)
    rounding = np.where(size + difference[..., :-1] > 0, 2 * ROUNDING * np.sqrt(size) + ROUNDING**2, 0.0)
    true = np.maximum(difference[..., :-1] - rounding, 0.0)
    relative = np.divide(true, size, out=np.zeros_like(size), where=true > 0)
    root = np.sqrt(size)
    eta = np.divide(true, root + np.sqrt(size + true), out=np.zeros_like(size), where=true > 0)
    mine, theirs = (..., slice(None), None), (..., None, slice(None))
    shared = np.minimum(relative[theirs] * size[mine], (2 * root[mine] + eta[theirs]) * eta[theirs])
    difference[..., :-1] = shared.max(axis=-1) + rounding
    return difference
