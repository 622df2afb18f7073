"""Independent computations side by side in threads: XLA keeps about one core busy and lets other threads go on."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Job = TypeVar("Job")
Answer = TypeVar("Answer")


def side_by_side(function: Callable[[Job], Answer], jobs: Sequence[Job]) -> list[Answer]:
    """Return ``[function(job) for job in jobs]``, computed by as many threads as there are cores.

    The answers do not depend on the number of threads.
    """
    workers = min(len(jobs), os.cpu_count() or 1)
    if workers <= 1:
        return [function(job) for job in jobs]
    with ThreadPoolExecutor(max_workers=workers) as pool:
        return list(pool.map(function, jobs))
