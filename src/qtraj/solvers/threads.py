"""Independent computations side by side in threads: XLA and NumPy let other threads go on while they compute."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

Job = TypeVar("Job")
Answer = TypeVar("Answer")

ONE_THREAD: Final = {"OMP_NUM_THREADS": "1", "NPROC": "1"}
"""Environment of a process that shall compute on one core: BLAS and `side_by_side` read the first, XLA the second."""


def side_by_side(
    function: Callable[[Job], Answer], jobs: Sequence[Job], workers: int | None = None
) -> list[Answer]:
    """Return ``[function(job) for job in jobs]``, computed by `workers` threads.

    The default are as many as OMP_NUM_THREADS allows, or else as cores. The answers do not depend on their number.
    """
    workers = min(len(jobs), workers or _allowed())
    if workers <= 1:
        return [function(job) for job in jobs]
    with ThreadPoolExecutor(max_workers=workers) as pool:
        return list(pool.map(function, jobs))


def _allowed() -> int:
    """Return the number of threads that the process may use: OMP_NUM_THREADS is the convention, Dask workers set it."""
    text = os.environ.get("OMP_NUM_THREADS", "")
    return max(int(text), 1) if text.isdecimal() else os.cpu_count() or 1
