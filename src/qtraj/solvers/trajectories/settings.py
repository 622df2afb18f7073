"""What `QuantumTrajectories` is told, checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import get_args

from ..._checks import boolean, choice, instance, integer, number, positive, settle
from ...errors import InputError
from ...radial.laguerre import LaguerreMesh
from ...radial.sine import SineGrid
from ..nojump.method import check_dt, check_step
from ..projection import Projection, checked_projection
from .start_ensemble import Estimator


@dataclass(frozen=True)
class TrajectorySettings:
    """Arguments of `QuantumTrajectories`, which explains them."""

    n: int = 4096
    seed: int = 0
    grid: LaguerreMesh | SineGrid = field(default=LaguerreMesh(64, 0.12))
    target_error: float | None = None
    time_limit_s: float | None = None
    step: float = 0.3
    dt: float | None = None
    estimator: Estimator = "last_jump"
    projection: Projection = "computed"
    max_jumps: int | None = None
    r_max: float = 1.0
    jump_range: float | None = None
    records: bool = False
    batch: int | None = None
    workers: int = 1

    def __post_init__(self) -> None:
        instance("grid", self.grid, (LaguerreMesh, SineGrid), "be a LaguerreMesh(...) or a SineGrid(...)")
        settle(
            self,
            n=integer("n", self.n, 2),
            seed=integer("seed", self.seed, 0),
            step=check_step(self.step),
            dt=check_dt(self.dt, self.grid),
            estimator=choice("estimator", self.estimator, get_args(Estimator)),
            projection=checked_projection(self.projection),
            r_max=number("r_max", self.r_max, "be above 0 and at most 1", above=0, high=1),
            records=boolean("records", self.records),
            workers=integer("workers", self.workers, 1),
        )
        for name in ("max_jumps", "batch"):
            if getattr(self, name) is not None:
                settle(self, **{name: integer(name, getattr(self, name), 1)})
        for name in ("target_error", "time_limit_s", "jump_range"):
            if getattr(self, name) is not None:
                settle(self, **{name: positive(name, getattr(self, name), "be a positive number or None")})
        if self.jump_range is not None and isinstance(self.grid, SineGrid):
            raise InputError("jump_range", self.jump_range, "be None on a SineGrid, which keeps all jumps")
