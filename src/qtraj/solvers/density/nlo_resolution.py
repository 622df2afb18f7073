"""What discretizes the NLO equation: energies of the start, states kept, and tiers of accuracy."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from ...radial.laguerre import MAX_POINTS, LaguerreMesh
from ..steps import KAPPA, Profile
from .resolution import (
    FASTER,
    RANGES,
    Discretization,
    Levels,
    MeshTier,
    energy_doublings_of,
    mean_ratio,
    starting_levels,
    weakest_kappa,
)

STATES_UP_TO: Final = 8.0
"""Energy in GeV of the states kept for the density matrix, if the medium starts late."""

WEAK_GAMMA: Final = 0.5
"""|gamma|/kappa below which pairs far apart keep coming back: gamma turns their phases, and makes them forget."""

BASELINE_KAPPA: Final = 0.6
"""Integral of kappa over the baseline medium in GeV^2, for which the l_max of `NLO_TIERS` was measured."""

NLO_TIERS: Final = (
    MeshTier(LaguerreMesh(56, 0.11), 2),
    MeshTier(LaguerreMesh(64, 0.10), 3),
    MeshTier(LaguerreMesh(80, 0.10), 4),
    MeshTier(LaguerreMesh(96, 0.09), 6),
    MeshTier(LaguerreMesh(112, 0.085), 8),
    MeshTier(LaguerreMesh(128, 0.08), 11),
)
"""Meshes for the shortest jump range, see `nlo_mesh`."""

NLO_STEPS: Final = tuple(2.8 * 2 ** (-k / 2) for k in range(12))
"""Time steps in GeV^-1 in a medium of the strength of the baseline, two exponentials each."""

NLO_STARTS: Final = ((3e-3, 0, 0), (7e-4, 1, 1), (3e-4, 2, 2), (1e-4, 3, 3), (0.0, 4, 5))
"""(smallest rtol, tier, step) to start from, measured on the baseline medium of the tests."""


class NloDiscretization(Discretization):
    """The same for the NLO density matrix, with fewer states: the run to compare with keeps up to `FASTER` energies."""

    def higher(self, size: int) -> NloDiscretization:
        """Return one with one more l, a faster start and higher energies, to compare with."""
        return replace(
            self,
            l_max=self.l_max + 1,
            size=None,
            cut=FASTER * self.cut,
            filter_energy=FASTER * self.filter_energy,
        )


def first_levels(rtol: float, profile: Profile, l: int) -> Levels:
    """Return where to start at the order of the model; arguments as for `nlo_starting_levels`."""
    begin = nlo_starting_levels if not profile.model.is_local else starting_levels
    return begin(rtol, profile, l)


def nlo_starting_levels(rtol: float, profile: Profile, l: int) -> Levels:
    """Return where to start for a tolerance in the medium of one history and the l of the initial state."""
    tier, step = next((tier, step) for smallest, tier, step in NLO_STARTS if rtol >= smallest)
    if l > 0:  # little survives without a jump, so the relative error of regeneration counts
        tier, step = min(tier + int(tier > 0), len(NLO_TIERS) - 1), step + 1
    added_l = 2 * round(NLO_TIERS[tier].l_max * (_momentum_broadening(profile) - 1) / 2)
    return Levels(
        tier, step, RANGES.index(nlo_jump_range(profile)), energy_doublings_of(profile.history), added_l
    )


def _momentum_broadening(profile: Profile) -> float:
    """Return how far jumps spread a pair in l, over the baseline: the integral of kappa, at least 1."""
    return float(np.clip(profile.total(KAPPA) / BASELINE_KAPPA, 1.0, 5.0))


def nlo_mesh(tier: MeshTier, jump_range: float) -> LaguerreMesh:
    """Return the mesh of a tier for a jump range in GeV^-1.

    At a distance r a Laguerre mesh holds energies up to points/(M r scale); jumps give momenta at all distances up to
    the range, and what the mesh cannot hold it sends back. A longer range therefore needs a longer and denser mesh.
    """
    stretch = jump_range / RANGES[0]
    points = min(MAX_POINTS, round(stretch * tier.mesh.points))
    return LaguerreMesh(points, tier.mesh.scale / stretch**0.5)


def nlo_jump_range(profile: Profile) -> float:
    """Return the jump range in GeV^-1 for the medium of one history."""
    reach = 11.5 * (0.0254 / weakest_kappa(profile)) ** 0.5
    if mean_ratio(profile) < WEAK_GAMMA:
        reach = max(17.0, 1.3 * reach)
    return next((r for r in RANGES if r >= reach), RANGES[-1])
