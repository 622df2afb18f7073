"""Which methods solve models at next-to-leading order in E/T."""

from __future__ import annotations

from ..errors import InputError
from ..physics.model import LindbladModel


def require_leading_order(model: LindbladModel, method: str) -> None:
    """Raise `InputError` if `model` is at next-to-leading order, for a method that ignores its terms."""
    if model.order != "LO":
        raise next_order_refused(model, method)


def next_order_refused(model: LindbladModel, method: str) -> InputError:
    """Return the error that says which methods solve the model."""
    return InputError(
        "method",
        method,
        f"be DensityMatrix() or NoJump() on a LaguerreMesh for a model of order {model.order!r}",
        "Or use order='LO'.",
    )
