"""Settings of all tests, and the numbers that they note for the validation page."""

import json
from collections.abc import Callable

import pytest
from hypothesis import settings

# an example may take longer than hypothesis' 200 ms on a busy machine: that is no failure of the code
settings.register_profile("qtraj", deadline=None)
settings.load_profile("qtraj")


@pytest.fixture
def measured(record_property) -> Callable[[str, float, float, float], None]:
    """Return a function that notes a number for docs/validation.md: what, value, reference, allowed difference."""

    def note(what: str, value: float, reference: float, allowed: float) -> None:
        numbers = {"value": float(value), "reference": float(reference), "allowed": float(allowed)}
        record_property("measured", json.dumps({"what": what, **numbers}))

    return note
