"""What every HTML page of the package needs to hold its data."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

_DIGITS = 4


def embedded_json(data: Any) -> str:
    """Return JSON that is safe inside a ``<script>`` element: no ``<``, ``>`` or ``&`` as such."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def rounded(values: ArrayLike, digits: int = _DIGITS) -> list[float | None]:
    """Return the values at `digits` significant digits, None where they are not finite."""
    return [float(f"{v:.{digits}g}") if np.isfinite(v) else None for v in np.asarray(values, float)]
