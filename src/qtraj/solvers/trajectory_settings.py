"""What `QuantumTrajectories` is told, checked."""

from __future__ import annotations

from dataclasses import dataclass, field

from .._checks import is_finite_number
from ..errors import InputError
from ..radial.laguerre import LaguerreMesh
from ..radial.sine import SineGrid
from .nojump import check_dt, check_step
from .projection import Projection
from .rounds import Estimator


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
        _check_integer("n", self.n, 2)
        _check_integer("seed", self.seed, 0)
        if not isinstance(self.grid, LaguerreMesh | SineGrid):
            raise InputError("grid", self.grid, "be a LaguerreMesh(...) or a SineGrid(...)")
        check_step(self.step)
        check_dt(self.dt, self.grid)
        if self.estimator not in ("last_jump", "end_point"):
            raise InputError("estimator", self.estimator, "be 'last_jump' or 'end_point'")
        if self.max_jumps is not None:
            _check_integer("max_jumps", self.max_jumps, 1)
        if not (is_finite_number(self.r_max) and 0 < self.r_max <= 1):
            raise InputError("r_max", self.r_max, "be above 0 and at most 1")
        _check_integer("workers", self.workers, 1)
        if self.batch is not None:
            _check_integer("batch", self.batch, 1)
        for name in ("target_error", "time_limit_s", "jump_range"):
            value = getattr(self, name)
            if value is not None and not (is_finite_number(value) and value > 0):
                raise InputError(name, value, "be a positive number or None")
        if self.jump_range is not None and isinstance(self.grid, SineGrid):
            raise InputError("jump_range", self.jump_range, "be None on a SineGrid, which keeps all jumps")


def _check_integer(argument: str, value: int, lowest: int) -> None:
    if not (type(value) is int and value >= lowest):
        raise InputError(argument, value, f"be an integer, at least {lowest}")
