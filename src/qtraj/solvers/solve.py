"""The one function of the package: check, dispatch, return."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._checks import float_array
from ..errors import InputError
from ..physics.initial import InitialState
from ..physics.medium import History, as_histories
from ..physics.model import LindbladModel
from ..provenance import versions
from ..units import from_fm
from .density import DensityMatrix
from .result import Progress, Result, Solution, make_result

Float = NDArray[np.float64]

MAX_TIME_FM = 200.0


@runtime_checkable
class Method(Protocol):
    """A way to solve the Lindblad equation."""

    def solve(
        self,
        model: LindbladModel,
        histories: Sequence[History],
        initial: InitialState,
        checkpoints: Sequence[float],
        progress: Progress,
    ) -> Solution:
        """Return the overlaps of every history at the check points (GeV^-1) and at the end."""
        ...


def solve(
    model: LindbladModel,
    medium: Any,
    initial: InitialState,
    method: Method | None = None,
    *,
    times_fm: ArrayLike | None = None,
    progress: Progress | None = None,
) -> Result:
    """Solve the Lindblad equation of a model in a medium from an initial state.

    Parameters
    ----------
    model : LindbladModel
        Potential, transport coefficients, mass.
    medium : medium, sequence of media or Histories
        Temperature history of one pair, or of a batch; every number of the result then has a leading history axis.
    initial : InitialState
        For example ``GaussianState(l=0, width=0.2)``.
    method : Method, optional
        ``DensityMatrix()`` (default), ``NoJump()`` or ``QuantumTrajectories()``.

    Other Parameters
    ----------------
    times_fm : array_like, shape (nt,), optional
        Increasing times in fm/c at which to report survival and populations as well.
    progress : callable, optional
        Called as ``progress(done, total)`` with numbers of histories.

    Returns
    -------
    Result
        Survivals with errors, each of shape () for one history and (n,) for a batch of n.

    Raises
    ------
    InputError
        For a bad argument, before anything is computed.

    Examples
    --------
    >>> import qtraj as qt
    >>> model = qt.LindbladModel(qt.CoulombPotential(), qt.Transport(kappa="central", gamma=-1.75))
    >>> medium = qt.Bjorken(T0=0.425, tau_fm=0.6, T_end=0.25)
    >>> result = qt.solve(model, medium, qt.GaussianState(l=0, width=0.2), method=qt.NoJump())
    >>> round(float(result.survival["1S"].value), 4)
    0.3539
    """
    method = DensityMatrix() if method is None else method
    # a class has the attributes of its instances
    if isinstance(method, type) or not isinstance(method, Method):
        raise InputError("method", method, "be a method such as DensityMatrix() or NoJump()")
    if progress is not None and not callable(progress):
        raise InputError("progress", progress, "be a function of (done, total) or None")
    times = checked_times(() if times_fm is None else times_fm)
    histories, batch = checked_problem(model, medium, initial)
    started = time.perf_counter()
    solution = method.solve(model, histories, initial, [from_fm(t) for t in times], progress or _silent)
    return make_result(
        solution,
        is_ratio=initial.survival_is_ratio,
        batch=batch,
        times_fm=times,
        settings={
            "method": repr(method),
            "model": repr(model),
            "initial": repr(initial),
            "medium": repr(medium),
        },
        provenance={
            "histories": len(histories),
            "wall_time_s": time.perf_counter() - started,
            **versions(),
        },
    )


def _silent(done: int, total: int) -> None:
    """Report nothing."""


def checked_problem(
    model: LindbladModel, medium: Any, initial: InitialState
) -> tuple[Sequence[History], bool]:
    """Return the histories of a medium and whether they are a batch, when all three fit together.

    Raises
    ------
    InputError
        If one of the three is not what it should be, or the coefficients do not exist at a temperature in use.
    """
    if not isinstance(model, LindbladModel):
        raise InputError("model", model, "be a LindbladModel")
    # a class has the attributes of its instances
    if isinstance(initial, type) or not all(
        hasattr(initial, name) for name in ("u", "l", "color", "survival_is_ratio")
    ):
        raise InputError("initial", initial, "be an initial state such as GaussianState(l=0, width=0.2)")
    histories, batch = as_histories(medium)
    _check_transport(model, histories)
    return histories, batch


def checked_times(times_fm: ArrayLike) -> Float:
    """Return increasing, positive times in fm/c, shape (nt,), or raise `InputError`."""
    times = float_array("times_fm", times_fm)
    if times.ndim != 1 or not np.all(np.isfinite(times)) or np.any(times <= 0) or np.any(np.diff(times) <= 0):
        raise InputError("times_fm", times_fm, "be increasing, positive times in fm/c")
    if len(times) and times[-1] > MAX_TIME_FM:
        raise InputError(
            "times_fm", float(times[-1]), f"be in fm/c, at most {MAX_TIME_FM:g}", "Multiply GeV^-1 by 0.1973."
        )
    return times


def _check_transport(model: LindbladModel, histories: Sequence[History]) -> None:
    """Evaluate the coefficients over the range of temperatures in use, so that a bad one is found now."""
    probes = [h.temperature(np.linspace(a, b, 5)) for h in histories for a, b in h.active]
    if probes:
        low, high = min(p.min() for p in probes), max(p.max() for p in probes)
        model.transport.at(np.linspace(low, high, 64))
