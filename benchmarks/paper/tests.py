"""All tests by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cases.common import Table

from . import cost, jumps, lattice, qutip_side, start, trajectories
from .record import Record

TESTS: Mapping[str, Callable[[Record], tuple[Table, ...]]] = {
    "spacing": lattice.spacing,
    "volume": lattice.volume,
    "time_step": lattice.time_step,
    "width": start.width,
    "max_jumps": jumps.max_jumps,
    "r_max": jumps.r_max,
    "trajectories": trajectories.trajectories,
    "cost": cost.cost,
    "qutip": qutip_side.qutip,
}
