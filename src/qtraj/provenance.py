"""What makes the numbers: versions of qtraj and of the libraries, and a digest of the code itself."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

LIBRARIES: Final = ("qtraj", "numpy", "scipy", "jax", "jaxlib", "xarray")

# Modules and folders whose code determines survivals: equations, methods, histories, and how a chunk is solved.
CODE: Final = (
    "units.py",
    "states.py",
    "radial",
    "physics",
    "solvers",
    "hydro",
    "emulation",
    "observables/estimate.py",
    "observables/geometry.py",
    "io/factory.py",
    "campaign/sources.py",
    "campaign/plan.py",
    "campaign/work.py",
)


def versions() -> dict[str, str]:
    """Return the installed version of qtraj and of each numerical library."""
    return dict(_versions())


@cache
def _versions() -> tuple[tuple[str, str], ...]:
    # every result carries them, and reading them from the installed metadata takes 10 ms
    return tuple((f"{name}_version", version(name)) for name in LIBRARIES)


def code_digest(package: Traversable | None = None) -> str:
    """Return the SHA-256 of the sources of `CODE` in a package, by default the imported one: edits change it."""
    package = files("qtraj") if package is None else package
    digest = hashlib.sha256()
    for name, source in sorted((n, s) for entry in CODE for n, s in _sources(package.joinpath(entry), entry)):
        digest.update(f"{name} {len(source)}\n".encode() + source)
    return digest.hexdigest()


def _sources(place: Traversable, name: str) -> Iterator[tuple[str, bytes]]:
    """Yield names and content of a module, or of all modules in a folder."""
    if place.is_dir():
        for inner in place.iterdir():
            yield from _sources(inner, f"{name}/{inner.name}")
    elif name.endswith(".py") and place.is_file():  # an install may hold compiled modules only
        yield name, place.read_bytes()
