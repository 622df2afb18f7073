"""Which methods solve models at next-to-leading order in E/T."""

from __future__ import annotations

from ..errors import InputError
from ..physics.model import LindbladModel


def next_order_refused(model: LindbladModel, method: str) -> InputError:
    """Return the error that says which methods solve the model."""
    return InputError(
        "method",
        method,
        f"be DensityMatrix(), or NoJump() or QuantumTrajectories() on a LaguerreMesh, for order {model.order!r}",
        "Or use order='LO'.",
    )
