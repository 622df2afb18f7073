"""dynamiqs (JAX) on the baseline: mesolve by adaptive Runge-Kutta steps in double precision, compiled beforehand.

On the smallest space Tsit5 and Dopri5 cost the same and Dopri8 half as much again.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from importlib.util import find_spec
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.polynomial import Chebyshev

from .bases import SPACES, Space, baseline_clock
from .limit import limit
from .points import Answer, Task

INSTALLED = find_spec("dynamiqs") is not None
if INSTALLED:  # it changes settings of JAX when it is imported, after which everything compiles anew
    import dynamiqs as dq
MISSING = "dynamiqs is not installed (pip install -e '.[peers]' --constraint constraints.txt)"

DEGREE = 24
"""Of the polynomials for the coefficients of H: they then agree with the tables to 1e-13."""


def tasks(quick: bool) -> list[Task]:
    """Return the ladder of mesolve, one space after another; nothing where dynamiqs is not installed."""
    if not INSTALLED:
        return []
    return [
        Task(
            "dynamiqs mesolve",
            f"{space.name}, rtol {rtol:g}",
            partial(mesolve, space, rtol),
            partial(limit, space),
            prepare=partial(mesolve, space, rtol, share=1e-4),
            long=i > 1,
        )
        for i, (space, rtol) in enumerate(zip(SPACES[:3], (1e-5, 1e-5, 1e-6), strict=True))
        if not (quick and i > 0)
    ]


def mesolve(space: Space, rtol: float, share: float = 1.0) -> Answer:
    """Return the survival by mesolve after a share of the medium."""
    with jax.enable_x64(True):
        H, jumps, rho = _operators(space)
        found = dq.mesolve(
            H,
            jumps,
            rho,
            jnp.array([0.0, share * baseline_clock().end]),
            method=dq.method.Tsit5(rtol=rtol, atol=1e-2 * rtol),
            save_states=False,
            progress_meter=False,
        )
        density = np.asarray(found.final_state.to_jax())
    return Answer(space.survival(np.diagonal(density).real))


@lru_cache(maxsize=8)
def _operators(space: Space) -> tuple[Any, list[Any], Any]:
    """Return H, the jump operators and the start; kept, since dynamiqs compiles anew for new functions of time."""

    def operator(matrix: np.ndarray) -> Any:
        return dq.asqarray(jnp.asarray(matrix.astype(complex)))

    time_grid = baseline_clock()
    H = (
        dq.modulated(_polynomial(time_grid.s, time_grid.a), operator(np.diag(space.energies)))
        + dq.modulated(_polynomial(time_grid.s, time_grid.b), operator(space.shift))
        + dq.constant(operator(-0.5j * space.leak))
    )
    return H, [operator(C) for C in space.jumps], operator(np.outer(space.start, space.start.conj()))


def _polynomial(s: np.ndarray, values: np.ndarray) -> Callable[[Any], Any]:
    """Return a function of s for JAX through tabulated values, summed by Clenshaw's recurrence."""
    fit = Chebyshev.fit(s, values, DEGREE)
    offset, slope = fit.mapparms()
    first, *rest = fit.coef

    def evaluated(time: Any) -> Any:
        x, b, before = offset + slope * time, 0.0, 0.0
        for c in reversed(rest):
            b, before = c + 2 * x * b - before, b
        return first + x * b - before

    return evaluated
