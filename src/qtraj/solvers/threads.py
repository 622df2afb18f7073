"""Independent computations side by side in threads: XLA and NumPy let other threads go on while they compute."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Job = TypeVar("Job")
Answer = TypeVar("Answer")


def side_by_side(
    function: Callable[[Job], Answer], jobs: Sequence[Job], workers: int | None = None
) -> list[Answer]:
    """Return ``[function(job) for job in jobs]``, computed by `workers` threads (default: as many as cores).

    The answers do not depend on the number of threads.
    """
    workers = min(len(jobs), workers or os.cpu_count() or 1)
    if workers <= 1:
        return [function(job) for job in jobs]
    with ThreadPoolExecutor(max_workers=workers) as pool:
        return list(pool.map(function, jobs))
