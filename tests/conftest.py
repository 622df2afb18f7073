"""Settings of all tests, and the numbers that they note for the validation page."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# most of the time of many tests is the compilation of kernels: they are kept for the other process and the next run
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(__file__).parents[1] / ".pytest_cache" / "jax"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.3")

# an example may take longer than hypothesis' 200 ms on a busy machine: that is no failure of the code
settings.register_profile("qtraj", deadline=None)
settings.load_profile("qtraj")


# Linux gives a process 65530 areas of memory; each compiled kernel takes some, and JAX ends the process without them
_AREAS = 20_000


def _drop_kernels_if_many() -> None:
    areas = Path("/proc/self/maps")
    if areas.exists() and areas.read_bytes().count(b"\n") > _AREAS:
        import jax

        jax.clear_caches()


@pytest.fixture(scope="module", autouse=True)
def _kernels_of_earlier_modules_do_not_fill_the_memory():
    yield
    _drop_kernels_if_many()


@pytest.fixture(autouse=True)
def _kernels_of_earlier_slow_tests_do_not_fill_the_memory(request):
    yield
    # a module of slow tests alone can compile too many; to look takes milliseconds, too many for each fast test
    if request.node.get_closest_marker("slow"):
        _drop_kernels_if_many()


@pytest.fixture
def measured(record_property) -> Callable[[str, float, float, float], None]:
    """Return a function that notes a number for docs/validation.md: what, value, reference, allowed difference."""

    def note(what: str, value: float, reference: float, allowed: float) -> None:
        numbers = {"value": float(value), "reference": float(reference), "allowed": float(allowed)}
        record_property("measured", json.dumps({"what": what, **numbers}))

    return note
