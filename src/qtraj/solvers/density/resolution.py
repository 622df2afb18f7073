"""Mesh, l_max, jump range and step of the density-matrix method: tiers of accuracy and where to start on them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from ...physics.medium import History
from ...physics.model import LindbladModel
from ...radial.laguerre import LaguerreMesh
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
    """

    mesh: LaguerreMesh
    l_max: int


TIERS: Final = (
    MeshTier(LaguerreMesh(48, 0.14), 2),
    MeshTier(LaguerreMesh(64, 0.12), 3),
    MeshTier(LaguerreMesh(64, 0.12), 5),
    MeshTier(LaguerreMesh(80, 0.11), 7),
    MeshTier(LaguerreMesh(104, 0.10), 9),
    MeshTier(LaguerreMesh(128, 0.09), 12),
)
STEPS: Final = tuple(1.4 * 2 ** (-k / 2) for k in range(12))
"""Time steps in GeV^-1 in a medium of the strength of the baseline, as in `step_edges`."""
RANGES: Final = (12.0, 16.0, 20.0, 25.0, 31.0)
"""Jump ranges in GeV^-1."""


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


def energy_doublings_of(history: History) -> int:
    """Return how often the filter energy doubles because the medium of a history starts early."""
    start = min((a for a, _ in history.active), default=LATE_START)
    if start >= LATE_START:
        return 0
    return min(MAX_ENERGY_DOUBLINGS, int(np.ceil(2 * np.log2(LATE_START / max(start, 1e-3)))))


@dataclass(frozen=True)
class Levels:
    """Positions in `TIERS`, `STEPS` and `RANGES`, doublings of the start's energy, and at NLO added l."""

    tier: int
    step: int
    jump_range: int
    energy_doublings: int
    added_l: int = 0


DRIVEN_BACK: Final = 2.5
"""|gamma|/kappa above which a start with l > 0 begins a tier higher: with 3.5 (kappa lower, gamma_hat -3.5) two tiers
more than usual leave errors of 7 % of a survival of 1e-3, three leave 1 %."""

STARTS: Final = ((3e-3, 0, 2), (7e-4, 1, 3), (3e-4, 2, 4), (1e-4, 3, 6), (0.0, 4, 8))
"""(smallest rtol, tier, step) to start from, measured on the baseline medium of the tests."""

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
        Mesh; its vacuum states up to `basis.ENERGY_CUT` are kept.
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

    def finer(self) -> Discretization:
        """Return a discretization with a denser, longer mesh and a longer range, to compare with.

        The start stays as it is: a faster one is what a mesh holds worse, and could hide what a denser one mends.
        """
        return replace(self, mesh=self.mesh.compared(1.2), jump_range=1.15 * self.jump_range)

    def higher(self, size: int) -> Discretization:
        """Return one with one more l, a faster start and an eighth more states than `size`, to compare with."""
        return replace(
            self,
            l_max=self.l_max + 1,
            size=min(self.mesh.points, size + size // 8),
            filter_energy=FASTER * self.filter_energy,
        )


def starting_levels(rtol: float, profile: Profile, l: int) -> Levels:
    """Return where to start for a tolerance in the medium of one history and the l of the initial state.

    Where kappa is weak distant pairs come back, so the range grows as kappa falls.
    """
    tier, step = next((tier, step) for smallest, tier, step in STARTS if rtol >= smallest)
    if l > 0:  # little survives without a jump, so the relative error of regeneration counts
        # what gamma drives back hard has been further away and faster, which takes a better mesh
        driven = mean_ratio(profile) > DRIVEN_BACK
        tier, step = min(tier + int(tier > 0) + int(driven), len(TIERS) - 1), step + 2
    return Levels(tier, step, RANGES.index(default_jump_range(profile)), energy_doublings_of(profile.history))


def default_jump_range(profile: Profile) -> float:
    """Return the jump range in GeV^-1 for the medium of one history."""
    reach = 15.0 * (0.0254 / weakest_kappa(profile)) ** 0.6
    return next((r for r in RANGES if r >= reach), RANGES[-1])


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
