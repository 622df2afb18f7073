"""Versions of qtraj and of the libraries that make its numbers."""

from __future__ import annotations

from importlib.metadata import version
from typing import Final

LIBRARIES: Final = ("qtraj", "numpy", "scipy", "jax", "jaxlib", "xarray")


def versions() -> dict[str, str]:
    """Return the installed version of qtraj and of each numerical library."""
    return {f"{name}_version": version(name) for name in LIBRARIES}
