"""Independent computations side by side in threads: XLA and NumPy let other threads go on while they compute."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextvars import ContextVar, copy_context
from threading import Lock, Semaphore, Thread
from typing import Final, TypeVar

Job = TypeVar("Job")
Answer = TypeVar("Answer")

# Environment of a process that shall compute on one core: BLAS and `side_by_side` read the first, XLA the second.
ONE_THREAD: Final = {"OMP_NUM_THREADS": "1", "NPROC": "1"}


# Counts the threads that one call of `side_by_side` and all calls inside it may still add to the caller's.
_BUDGET: ContextVar[Semaphore | None] = ContextVar("budget", default=None)


class Tally:
    """Counts work that threads do, and reports it to a progress callback of (done, total), one thread at a time."""

    def __init__(self, progress: Callable[[int, int], None], total: int) -> None:
        self._progress, self._total = progress, total
        self._done, self._limit, self._lock = 0, total, Lock()

    def until(self, limit: int) -> None:
        """Report less than `limit` until it is reached: work that nobody could foresee moves nothing."""
        self._limit = limit

    def add(self, work: int) -> None:
        """Report more work."""
        with self._lock:
            before, self._done = self._done, min(self._done + work, max(self._done, self._limit - 1))
            if self._done > before:
                self._progress(self._done, self._total)

    def reach(self) -> None:
        """Report all work up to the limit."""
        with self._lock:
            self._done = self._limit
            self._progress(self._done, self._total)


def side_by_side(
    function: Callable[[Job], Answer], jobs: Sequence[Job], workers: int | None = None
) -> list[Answer]:
    """Return ``[function(job) for job in jobs]``, computed by `workers` threads, the caller's among them.

    The default are as many as OMP_NUM_THREADS allows, or else as cores. The answers do not depend on their number.
    Calls inside a job share these threads: they add only those that are free just then, so that never more run than
    one call may have. When jobs raise, the rest are not begun, and the first error is raised.
    """
    limit = min(len(jobs), workers or _allowed())
    if limit <= 1:
        return [function(job) for job in jobs]
    outer = _BUDGET.get()
    budget = Semaphore((workers or _allowed()) - 1) if outer is None else outer
    token = _BUDGET.set(budget)
    try:
        return _shared_out(function, jobs, budget, limit, whole=outer is None)
    finally:
        _BUDGET.reset(token)


def _shared_out(
    function: Callable[[Job], Answer], jobs: Sequence[Job], budget: Semaphore, limit: int, *, whole: bool
) -> list[Answer]:
    """Compute in the caller's thread and up to `limit` - 1 others; `whole` if the budget is this call's alone."""
    answers: dict[int, Answer] = {}
    errors: dict[int, BaseException] = {}
    waiting, lock = iter(range(len(jobs))), Lock()
    others: list[Thread] = []

    def work(between_jobs: Callable[[], None] = lambda: None) -> None:
        while True:
            with lock:
                i = None if errors else next(waiting, None)
            if i is None:
                return
            try:
                answers[i] = function(jobs[i])
            except BaseException as error:  # raised below, in the caller's thread
                errors[i] = error
            between_jobs()

    def help_out() -> None:
        try:
            work()
        finally:
            budget.release()

    def recruit() -> None:
        # again before every job of the caller: what other calls have given back in the meantime
        while (
            len(others) < limit - 1
            and len(answers) + len(others) + 1 < len(jobs)
            and budget.acquire(blocking=False)
        ):
            # the context: warnings are gathered, and the budget shared, across threads
            others.append(Thread(target=copy_context().run, args=(help_out,), daemon=True))
            others[-1].start()

    try:
        recruit()
        work(recruit)
    except BaseException as error:
        errors[-1] = error  # an interrupt between two jobs: the others begin no further one
        raise
    finally:
        if whole:
            budget.release()  # nobody else shares it, so that what the jobs call may use the waiting thread
        for thread in others:
            thread.join()
    if errors:
        raise errors[min(errors)]
    return [answers[i] for i in range(len(jobs))]


def _allowed() -> int:
    """Return the number of threads that the process may use: OMP_NUM_THREADS is the convention, Dask workers set it."""
    text = os.environ.get("OMP_NUM_THREADS", "")
    return max(int(text), 1) if text.isdecimal() else os.cpu_count() or 1
