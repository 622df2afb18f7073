"""Mesh, l_max, jump range and step of the density-matrix method: tiers of accuracy and where to start on them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from ...physics.medium import History
from ...physics.model import LindbladModel
from ...radial.laguerre import MAX_POINTS, LaguerreMesh
from ..basis import ENERGY_CUT, Basis, basis_size, make_basis
from ..steps import KAPPA, STRENGTH, Profile


@dataclass(frozen=True)
class MeshTier:
    """A mesh and an l_max of matching accuracy; few of them, since each is compiled once.

    Parameters
    ----------
    mesh : LaguerreMesh
        Mesh points.
    l_max : int
        Largest l for a start with l = 0.
    kept : float
        Energy of the states kept over the cut of the ladder.
    """

    mesh: LaguerreMesh
    l_max: int
    kept: float = 1.0


RANGES: Final = (12.0, 16.0, 20.0, 25.0, 31.0)
"""Jump ranges in GeV^-1; like everything here for bottomonium, and scaled to other models by `LindbladModel.scales`."""

MESH_RANGES: Final = (12.0, 16.0, 25.0, 31.0)
"""Those for which generators with a soft part have meshes, the next longer one for the others: with one for 20 GeV^-1 a
history takes a fifth less time than with that for 25 (82 and 105 ms at 190 MeV), and its kernels 15 s to compile."""


STEPS: Final = tuple(1.4 * 2 ** (-k / 2) for k in range(12))
"""Time steps in GeV^-1 in a medium of the strength of the baseline, see `step_edges`."""


@dataclass(frozen=True)
class Ladder:
    """What discretizes a kind of generator, from coarse to fine.

    Parameters
    ----------
    tiers : tuple of MeshTier
        Meshes and l_max; `mesh_of` stretches the meshes of generators with a soft part for longer jump ranges.
    starts : tuple of (float, int, int)
        (smallest rtol, tier, position in `STEPS`) to start from, measured on the baseline medium of the tests.
    cut : float
        Energy in GeV of the states kept, if the medium starts late.
    """

    tiers: tuple[MeshTier, ...]
    starts: tuple[tuple[float, int, int], ...]
    cut: float


LOCAL: Final = Ladder(
    tiers=(
        MeshTier(LaguerreMesh(48, 0.14), 2),
        MeshTier(LaguerreMesh(64, 0.12), 3),
        MeshTier(LaguerreMesh(64, 0.12), 5),
        MeshTier(LaguerreMesh(80, 0.11), 7),
        MeshTier(LaguerreMesh(104, 0.10), 9),
        MeshTier(LaguerreMesh(128, 0.09), 12),
    ),
    starts=((3e-3, 0, 2), (7e-4, 1, 3), (3e-4, 2, 4), (1e-4, 3, 6), (0.0, 4, 8)),
    cut=ENERGY_CUT,
)

NOISE: Final = Ladder(
    tiers=(
        # jumps by any momentum reach more l at once: with 3 the 3S of HTL is off by 6e-3, with 5 by 1.5e-3; the mesh is
        # off by less than that
        MeshTier(LaguerreMesh(48, 0.14), 5),
        MeshTier(LaguerreMesh(64, 0.12), 7),
        MeshTier(LaguerreMesh(64, 0.12), 9),
        MeshTier(LaguerreMesh(80, 0.11), 10),
        MeshTier(LaguerreMesh(104, 0.10), 11),
        MeshTier(LaguerreMesh(128, 0.09), 14),
    ),
    starts=((3e-3, 0, 1), (7e-4, 1, 2), (3e-4, 2, 3), (1e-4, 3, 5), (0.0, 4, 7)),
    cut=ENERGY_CUT,
)

SOFT: Final = Ladder(
    tiers=(
        # at 6 GeV the 2S of the baseline changes by 3e-5, that of kappa_hat = 4 by 4e-4
        MeshTier(LaguerreMesh(56, 0.11), 2, kept=0.75),
        MeshTier(LaguerreMesh(72, 0.10), 3, kept=0.75),
        MeshTier(LaguerreMesh(80, 0.10), 4),
        # at 8 GeV the 1S from an octet is off by 3e-3 (all orders) and 5e-3 (next-to-leading order), at 10.4 by 1e-4
        MeshTier(LaguerreMesh(96, 0.09), 6, kept=1.3),
        MeshTier(LaguerreMesh(112, 0.085), 8, kept=1.3),
        MeshTier(LaguerreMesh(128, 0.08), 11, kept=1.3),
    ),
    starts=((3e-3, 0, 1), (7e-4, 1, 3), (3e-4, 2, 4), (1e-4, 3, 6), (0.0, 4, 8)),
    cut=8.0,
)


EXTRAPOLATED: Final = replace(
    SOFT, starts=((8e-3, 0, 0), (3e-3, 0, 1), (7e-4, 1, 1), (3e-4, 2, 3), (1e-4, 3, 5), (0.0, 4, 7))
)
"""The same with longer steps, for regeneration that is extrapolated in the step: at an rtol of 1e-3 the 2S of the
baseline (250 MeV, 12 steps) is off by 1e-4 and that of 360 MeV down to 190 MeV (16 steps) by 5e-5."""


def extrapolates(model: LindbladModel) -> bool:
    """Return whether regeneration is extrapolated in the step: where a step is dear, and short enough.

    Not at all orders, where the highest energies kept turn by a circle within a step: what they do with twice the step
    says nothing about the step itself.
    """
    return not model.is_local and model.spectrum is None


def ladder_of(model: LindbladModel) -> Ladder:
    """Return the ladder for the generator of a model."""
    if model.is_local:
        return NOISE if model.has_width else LOCAL
    return EXTRAPOLATED if extrapolates(model) else SOFT


LATE_START: Final = 2.9
"""Time in GeV^-1 from which on the medium meets only pairs slower than `FILTER`, 0.57 fm/c: at 4 GeV a pair is then
5 GeV^-1 wide. A medium that starts earlier meets faster ones, with energies that grow as 1/t^2."""

FILTER: Final = 4.0
"""Energy in GeV above which a start is left out for the density matrix, if the medium starts late. See
`Basis.filtered`; the no-jump survivals of the baseline change by 2e-6 (1S) and 3e-5 (2S)."""

FASTER: Final = 1.3
"""Factor of the filter energy in the run with one more l, which shows what is left out of the start."""

MAX_ENERGY_DOUBLINGS: Final = 2
"""The filter doubles at most so often: no mesh in use holds more."""


def energy_doublings_of(history: History, energy_scale: float = 1.0) -> int:
    """Return how often the filter energy doubles because the medium of a history starts early.

    `energy_scale` is that of `LindbladModel.scales`.
    """
    start = energy_scale * min((a for a, _ in history.active), default=LATE_START / energy_scale)
    if start >= LATE_START:
        return 0
    return min(MAX_ENERGY_DOUBLINGS, int(np.ceil(2 * np.log2(LATE_START / max(start, 1e-3)))))


@dataclass(frozen=True)
class Levels:
    """Positions in the tiers of a ladder, in `STEPS` and in `RANGES`, doublings of the start's energy, and added l."""

    tier: int
    step: int
    jump_range: int
    energy_doublings: int
    added_l: int = 0


DRIVEN_BACK: Final = 2.5
"""|gamma|/kappa above which a start with l > 0 begins a tier higher: with 3.5 (kappa lower, gamma_hat -3.5) two tiers
more than usual leave errors of 7 % of a survival of 1e-3, three leave 1 %."""

BASELINE_WEAKEST: Final = 0.0254
"""Smallest kappa of the baseline medium in GeV^3, at 250 MeV."""

WEAK_GAMMA: Final = 0.5
"""|gamma|/kappa below which pairs far apart keep coming back: gamma turns their phases, and makes them forget."""

BASELINE_KAPPA: Final = 0.6
"""Integral of kappa in GeV^2, for which the steps of `SOFT` were measured."""

BROADENED: Final = 5 / 3
"""Integral of kappa over that of the baseline up to which its l_max is enough: with it, at 190 MeV, an l_max of 3 is
off by 2e-4 of the 2S and 6e-4 of the 3S."""

RATES: Final = {"time_step": 2.0, "l_max": 4.0, "mesh": 3.0}
"""Factor by which one level reduces an error, from convergence studies; only decides how far to refine at once."""

MAX_CLIMB: Final = 3
"""Levels climbed at once at most: differences far from convergence say little about how far to go."""


@dataclass(frozen=True)
class Discretization:
    """Everything that discretizes the density matrix.

    Parameters
    ----------
    mesh : LaguerreMesh
        Mesh; its vacuum states up to `cut` are kept.
    l_max : int
        Largest angular momentum kept.
    step : float
        Time step in GeV^-1 in a medium of the strength of the baseline.
    jump_range : float
        Distance in GeV^-1 beyond which a jump counts as lost.
    size : int, optional
        Number of states kept instead of those up to `cut`.
    filter_energy : float
        Energy in GeV above which the start is left out, smoothly, see `Basis.filtered`.
    cut : float
        Energy in GeV above which states are dropped.
    """

    mesh: LaguerreMesh
    l_max: int
    step: float
    jump_range: float
    size: int | None = None
    filter_energy: float = np.inf
    cut: float = ENERGY_CUT

    def basis(self, model: LindbladModel) -> Basis:
        """Return the basis."""
        size = basis_size(model, self.mesh, self.cut) if self.size is None else self.size
        return make_basis(model, self.mesh, self.l_max, size)

    def finer(self, model: LindbladModel) -> Discretization:
        """Return a discretization with a denser, longer mesh, a longer range and more states, to compare with.

        The start stays as it is: a faster one is what a mesh holds worse, and could hide what a denser one mends. That
        is why states are added here and not only in `higher`: what few states send back near r = 0 falls with more of
        them while what a faster start sends back grows, and for the 1S from an octet nine tenths of it cancel.
        """
        finer = replace(self, mesh=self.mesh.compared(1.2), jump_range=1.15 * self.jump_range)
        return finer if model.is_local else replace(finer, size=None, cut=FASTER * self.cut)

    def higher(self, model: LindbladModel) -> Discretization:
        """Return one with one more l, a faster start and more states, to compare with."""
        more = replace(self, l_max=self.l_max + 1, filter_energy=FASTER * self.filter_energy)
        if not model.is_local:  # recoil feeds energies: what lies above those kept is an error of its own
            return replace(more, size=None, cut=FASTER * self.cut)
        size = self.basis(model).size
        return replace(more, size=min(self.mesh.points, size + size // 8))


def starting_levels(rtol: float, profile: Profile, l: int, *, refined: bool = False) -> Levels:
    """Return where to start for a tolerance in the medium of one history and the l of the initial state.

    `refined` says whether a history whose error is quoted too large is solved anew.
    """
    model = profile.model
    ladder, local = ladder_of(model), model.is_local
    tier, step = next((tier, step) for smallest, tier, step in ladder.starts if rtol >= smallest)
    if l > 0:  # little survives without a jump, so the relative error of regeneration counts
        # what gamma drives back hard has been further away and faster, which takes a better mesh
        driven = local and mean_ratio(profile) > DRIVEN_BACK
        tier = min(tier + int(tier > 0) + int(driven), len(ladder.tiers) - 1)
        step += 2 if local else 1
    added_l = 0
    if not local:
        # where recoil counts, so do the angular momenta that strong jumps reach; and the error of a step of one length
        # grows as the square of kappa, 1e-3 of the 2S for the baseline and 2e-2 for four times its kappa at 1 GeV^-1:
        # steps shorten from 1.4 times its kappa on. (At 190 MeV 54 steps leave 8e-4 of the 2S, where atol allows 4e-3)
        broadening = _momentum_broadening(profile)
        added_l = 2 * round(ladder.tiers[tier].l_max * max(0.0, broadening - BROADENED) / 2)
        # at all orders energies that turn by a circle within a step must lie above those kept
        step += model.spectrum is not None
        step = min(step + max(0, int(2 * np.log2(broadening) - 1)), len(STEPS) - 1)
    if refined:
        # what is quoted has to fit into the tolerance, too, and to begin anew is dearer than half the step: with steps
        # 1.4 times as long most histories at next-to-leading order did, and took three times as long
        step = min(step + 2 * extrapolates(model) + model.has_width, len(STEPS) - 1)
    doublings = energy_doublings_of(profile.history, model.scales.energy)
    return Levels(tier, step, _range_index(profile), doublings, added_l)


def discretization_at(levels: Levels, model: LindbladModel, l: int) -> Discretization:
    """Return the discretization at some levels for a model and the l of a start."""
    ladder, scales = ladder_of(model), model.scales
    tier, jump_range, doubled = (
        ladder.tiers[levels.tier],
        RANGES[levels.jump_range],
        2.0**levels.energy_doublings,
    )
    mesh = tier.mesh
    if not model.is_local:
        mesh = mesh_of(tier, next(reach for reach in MESH_RANGES if reach >= jump_range))
    return Discretization(
        mesh=mesh.scaled(scales.length),
        # the jumps of a start with l > 0 need as many l above it
        l_max=tier.l_max + l + levels.added_l,
        step=STEPS[levels.step],
        jump_range=scales.length * jump_range,
        filter_energy=scales.energy * FILTER * doubled,
        cut=scales.energy * tier.kept * ladder.cut * (1.0 if model.is_local else doubled),
    )


def mesh_of(tier: MeshTier, jump_range: float) -> LaguerreMesh:
    """Return the mesh of a tier for a generator with a soft part and a jump range in GeV^-1.

    At a distance r a Laguerre mesh holds energies up to points/(M r scale); jumps give momenta at all distances up to
    the range, and what the mesh cannot hold it sends back. A longer range therefore needs a longer and denser mesh: one
    that holds the same energies at the range. (Half again as many points change the 2S at 190 MeV by 2e-4.)
    """
    longer = jump_range / RANGES[0]
    points = min(MAX_POINTS, round(longer**0.65 * tier.mesh.points))
    return LaguerreMesh(points, tier.mesh.scale / longer**0.35)


def _momentum_broadening(profile: Profile) -> float:
    """Return how far jumps spread a pair in l, over the baseline: the integral of kappa, at least 1."""
    return float(np.clip(profile.model.scales.length**2 * profile.total(KAPPA) / BASELINE_KAPPA, 1.0, 5.0))


def jump_range_of(profile: Profile) -> float:
    """Return the jump range in GeV^-1 for the medium of one history.

    Where kappa is weak distant pairs come back, so the range grows as kappa falls. The laws only say where to start:
    the mesh part of the error budget is a run with a longer range, see `Discretization.finer`.
    """
    return profile.model.scales.length * RANGES[_range_index(profile)]


def _range_index(profile: Profile) -> int:
    scales = profile.model.scales
    weakness = BASELINE_WEAKEST * scales.energy / (scales.length**2 * weakest_kappa(profile))
    if profile.model.is_local:
        reach = 15.0 * weakness**0.6
    else:
        reach = 11.5 * weakness**0.5
        if mean_ratio(profile) < WEAK_GAMMA:
            reach = max(17.0, 1.3 * reach)
    return next((i for i, r in enumerate(RANGES) if r >= reach), len(RANGES) - 1)


def mean_ratio(profile: Profile) -> float:
    """Return the integral of |gamma| over that of kappa; 1 in a cold history."""
    kappa, both = profile.total(KAPPA), profile.total(STRENGTH)
    return (both - kappa) / max(kappa, 1e-12) if both > 0 else 1.0


def levels_to_climb(excess: float, part: str) -> int:
    """Return by how many levels to refine a part of the error that exceeds its share by the factor `excess`."""
    if excess <= 1:
        return 0
    return min(MAX_CLIMB, max(1, int(np.ceil(np.log(excess) / np.log(RATES[part]) - 0.3))))


def weakest_kappa(profile: Profile) -> float:
    """Return the smallest kappa while the medium acts, in GeV^3; 1 in a cold history."""
    smallest = profile.smallest(KAPPA)
    return 1.0 if smallest is None else max(1e-9, smallest)
