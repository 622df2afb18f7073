"""The one function of the package: check, dispatch, return."""

from __future__ import annotations

import inspect
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.util import find_spec
from threading import Timer
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike
from rich import progress as bars
from rich.console import Console

from .._checks import called, function, increasing, instance
from .._types import Float
from ..errors import InputError, collected
from ..physics.initial import InitialState, check_initial
from ..physics.medium import HINT_TIME, MAX_END_FM, History, as_histories, check_lifetime
from ..physics.model import LindbladModel
from ..units import from_fm, to_fm
from .density.method import DensityMatrix
from .nojump.validity import warn_of_charm
from .result import Progress, Result, Solution, made, make_result

BAR_AFTER_S: Final = 1.0
NOTEBOOK_EVERY_S: Final = 0.25  # between two lines

# Distances in GeV^-1 at which a start is evaluated to see that it can be.
_PROBE_R: Final = np.array([0.5, 1.0, 2.0])


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
    progress: Progress | bool | None = None,
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
    progress : bool or callable, optional
        True shows a bar after a second, on a terminal or in a notebook. A function is called as ``progress(done,
        total)`` while the work is done: numbers of runs, of which a history may need several; the last two are equal.

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
    reported = reporting(progress)
    times = checked_times(() if times_fm is None else times_fm)
    histories, batch = checked_problem(model, medium, initial)
    started = time.perf_counter()
    with collected(), reported as report:
        warn_of_charm(model, histories)
        solution = method.solve(model, histories, initial, [from_fm(t) for t in times], report)
    asked = {"method": method, "model": model, "initial": initial, "medium": medium}
    provenance = made(len(histories), started)
    return make_result(
        solution,
        is_ratio=initial.survival_is_ratio,
        batch=batch,
        times_fm=times,
        settings={name: repr(thing) for name, thing in asked.items()},
        provenance=provenance,
    )


def reporting(progress: Progress | bool | None) -> AbstractContextManager[Progress]:
    """Give the callback that `progress` asks for, with its errors named.

    One that does not take two arguments is refused at once.
    """
    if progress is None or progress is False:
        return nullcontext(lambda done, total: None)
    if progress is True:
        return progress_bar()
    allowed = "be True, False, a function of (done, total) or None"
    function("progress", progress, allowed)
    try:
        inspect.signature(progress).bind(0, 1)
    except TypeError:
        raise InputError("progress", progress, allowed) from None
    except ValueError:  # some built-in functions have no signature
        pass
    return nullcontext(lambda done, total: called("progress", progress, done, total))


@contextmanager
def progress_bar(console: Console | None = None) -> Iterator[Progress]:
    """Give a progress callback that moves a bar from the second second on; where nobody sees a bar, it does nothing."""
    console = Console(stderr=True) if console is None else console
    if console.is_jupyter and find_spec("ipywidgets") is None:
        with _notebook_line() as report:  # Rich draws in a notebook with widgets only
            yield report
        return
    if not (console.is_terminal or console.is_jupyter):
        yield lambda done, total: None
        return
    counted = bars.TextColumn("solving"), bars.BarColumn(), bars.TaskProgressColumn()
    timed = bars.TimeElapsedColumn(), bars.TextColumn("left"), bars.TimeRemainingColumn()
    bar = bars.Progress(*counted, *timed, console=console, transient=True, refresh_per_second=4)
    task = bar.add_task("", total=None)
    begin = Timer(BAR_AFTER_S, bar.start)
    begin.daemon = True
    begin.start()
    try:
        yield lambda done, total: bar.update(task, completed=done, total=total)
    finally:
        begin.cancel()
        begin.join()
        if bar.live.is_started:
            bar.stop()


@contextmanager
def _notebook_line() -> Iterator[Progress]:
    """Give a progress callback that shows a line in a notebook and takes it away at the end: one output, not many."""
    from IPython.display import display  # noqa: PLC0415  where a notebook runs, it is there

    began, shown = time.monotonic(), 0.0
    handle: Any = None

    def report(done: int, total: int) -> None:
        nonlocal shown, handle
        now = time.monotonic()
        if now - began < BAR_AFTER_S or now - shown < NOTEBOOK_EVERY_S:
            return
        shown = now
        line = {"text/plain": f"solving {done / total:.0%} after {now - began:.0f} s"}
        if handle is None:
            handle = display(line, raw=True, display_id=True)
        else:
            handle.update(line, raw=True)

    try:
        yield report
    finally:
        if handle is not None:
            handle.update({"text/plain": ""}, raw=True)


def checked_problem(
    model: LindbladModel, medium: Any, initial: InitialState
) -> tuple[Sequence[History], bool]:
    """Return the histories of a medium and whether they are a batch, or raise `InputError` unless all three fit.

    The coefficients must exist at all temperatures in use.
    """
    instance("model", model, LindbladModel, "be a LindbladModel")
    check_initial("initial", initial)
    histories, batch = as_histories(medium)
    # user's classes are tried out once: what they raise gets their name, before anything long begins
    called("initial", initial.u, _PROBE_R, model)
    called("medium", _check_media, model, histories)
    return histories, batch


def checked_times(times_fm: ArrayLike) -> Float:
    """Return increasing, positive times in fm/c, shape (nt,), or raise `InputError`."""
    times = increasing("times_fm", times_fm, "be increasing, positive times in fm/c", least=0, above=0)
    if len(times) and times[-1] > MAX_END_FM:
        raise InputError("times_fm", float(times[-1]), f"be in fm/c, at most {MAX_END_FM:g}", HINT_TIME)
    return times


def _check_media(model: LindbladModel, histories: Sequence[History]) -> None:
    """Check when media end, and evaluate the coefficients at their temperatures, so that bad ones are found now."""
    probes = []
    for i, history in enumerate(histories):
        for a, b in history.active:
            check_lifetime(to_fm(b), "medium", f"history {i}" if len(histories) > 1 else history)
            probes.append(history.temperature(np.linspace(a, b, 5)))
    if probes:
        low, high = min(p.min() for p in probes), max(p.max() for p in probes)
        model.transport.at(np.linspace(low, high, 64))
