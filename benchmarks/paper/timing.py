"""Times that other programs on the machine hardly change."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def cpu_time(call: Callable[[], Any], repeats: int, *, warm: bool = True) -> tuple[float, Any]:
    """Return (shortest CPU time of the process in s, last result) of a call.

    The tests run on one thread, so that this is the time on an idle core, but for what sharing caches costs.
    """
    result = call() if warm else None
    times = []
    for _ in range(repeats):
        started = time.process_time()
        result = call()
        times.append(time.process_time() - started)
    return min(times), result
