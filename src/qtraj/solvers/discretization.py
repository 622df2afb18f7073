"""Mesh, jump range, l_max and step of the density-matrix method: ladders of levels and where to start on them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from ..physics.medium import History
from ..physics.model import LindbladModel
from ..radial.laguerre import LaguerreMesh

MESHES: Final = (
    LaguerreMesh(48, 0.14),
    LaguerreMesh(64, 0.12),
    LaguerreMesh(80, 0.11),
    LaguerreMesh(96, 0.10),
    LaguerreMesh(128, 0.09),
)
L_MAX: Final = (2, 3, 4, 5, 6, 8, 10, 12)
STEPS: Final = (1.4, 1.0, 0.7, 0.5, 0.35, 0.25, 0.18, 0.125, 0.09, 0.06, 0.045)
"""Longest step in GeV^-1."""
RANGES: Final = (10.0, 11.0, 12.0, 14.0, 16.0, 18.0, 20.0, 23.0, 26.0, 30.0, 35.0, 40.0)
"""Jump ranges in GeV^-1."""


@dataclass(frozen=True)
class Levels:
    """Positions on the ladders."""

    mesh: int
    l_max: int
    step: int
    jump_range: int


STARTS: Final = (
    (3e-3, Levels(0, 0, 0, 2)),
    (7e-4, Levels(1, 1, 1, 3)),
    (3e-4, Levels(2, 2, 2, 4)),
    (1e-4, Levels(3, 3, 3, 5)),
    (0.0, Levels(4, 4, 5, 6)),
)
"""(smallest rtol, where to start), measured on the baseline medium of the tests."""

RATES: Final = {"step": 2.0, "l_max": 2.0, "mesh": 2.5}
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
        Longest time step in GeV^-1.
    jump_range : float
        Distance in GeV^-1 beyond which a jump counts as lost.
    size : int, optional
        Number of states kept instead.
    """

    mesh: LaguerreMesh
    l_max: int
    step: float
    jump_range: float
    size: int | None = None

    def companion(self, size: int) -> Discretization:
        """Return a discretization of equal cost to compare with: other mesh points, energy cut and range.

        `size` is the number of states of this one; at the smaller scale it reaches higher energies.
        """
        mesh = LaguerreMesh(self.mesh.points, round(0.85 * self.mesh.scale, 6))
        return replace(self, mesh=mesh, jump_range=0.87 * self.jump_range, size=size)


def starting_levels(rtol: float, model: LindbladModel, history: History, l: int) -> Levels:
    """Return where to start for a tolerance in the medium of one history and the l of the initial state.

    The baseline sets the scale: strong coefficients need shorter steps, since kappa and gamma act as phases and decay
    ~ (|gamma| + kappa) r^2 dt; weak ones let distant pairs come back, so the range grows as kappa falls.
    """
    start = next(levels for smallest, levels in STARTS if rtol >= smallest)
    strongest, weakest = _strength(model, history)
    step = STEPS[start.step] * min(1.0, 0.24 / strongest)
    if l > 0:  # little survives without a jump, so the relative error of regeneration counts
        start, step = replace(start, mesh=start.mesh + (start.mesh < len(MESHES) - 1)), step / 2
    reach = RANGES[start.jump_range] * (0.0254 / weakest) ** 0.6
    return replace(
        start,
        step=next((i for i, s in enumerate(STEPS) if s <= 1.001 * step), len(STEPS) - 1),
        jump_range=next((i for i, r in enumerate(RANGES) if r >= 0.999 * reach), len(RANGES) - 1),
    )


def levels_to_climb(excess: float, part: str) -> int:
    """Return by how many levels to refine a part of the error that exceeds its share by the factor `excess`."""
    if excess <= 1:
        return 0
    return min(MAX_CLIMB, max(1, int(np.ceil(np.log(excess) / np.log(RATES[part]) - 0.3))))


def _strength(model: LindbladModel, history: History) -> tuple[float, float]:
    """Return the largest |gamma| + kappa and the smallest kappa while the medium acts, in GeV^3."""
    times = [np.linspace(a, b, 9) for a, b in history.active]
    if not times:
        return 1e-9, 1e-9
    kappa, gamma = model.transport.at(history.temperature(np.concatenate(times)))
    return max(1e-9, float(np.max(np.abs(gamma) + kappa))), max(1e-9, float(kappa.min()))
