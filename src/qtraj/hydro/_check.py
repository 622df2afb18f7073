"""Checks shared by the hydro readers: axes, temperatures, files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._checks import float_array
from .._checks import path as path_of
from ..errors import FileFormatError, InputError
from ..physics.medium_checks import MAX_START_FM, MAX_T
from ..units import HBARC

TAU_LAST_MAX_FM: Final = 50.0
"""fm/c; no fireball at RHIC or LHC lives longer, so a larger last time is in GeV^-1."""

R = TypeVar("R")

TemperatureUnit = Literal["GeV", "MeV", "fm^-1"]

TO_GEV: Final[Mapping[str, float]] = {"GeV": 1.0, "MeV": 1e-3, "fm^-1": HBARC}
"""Factor from the unit of a temperature column to GeV."""

# A text axis of step 0.1 fm with three decimals is uniform to 1 %.
_UNIFORM = 0.02


def check_axis(name: str, value: ArrayLike, *, uniform: bool = True) -> NDArray[np.float64]:
    """Return `value` as an increasing axis of at least two finite points, or raise InputError."""
    axis = float_array(name, value)
    if axis.ndim != 1 or axis.size < 2:
        raise InputError(name, axis.shape, "be one-dimensional with at least 2 points")
    if not np.all(np.isfinite(axis)):
        raise InputError(name, axis[~np.isfinite(axis)][0], "be finite")
    steps = np.diff(axis)
    if np.any(steps <= 0):
        where = int(np.argmax(steps <= 0))
        raise InputError(name, axis[where : where + 2].tolist(), f"be strictly increasing (at index {where})")
    if uniform and np.ptp(steps) > _UNIFORM * steps.mean():
        raise InputError(name, [float(steps.min()), float(steps.max())], "have one spacing")
    return axis


def uniform_axis(first: float, step: float, n: int, offset: int = 0) -> NDArray[np.float64]:
    """Return first + step (offset + i), i = 0 ... n - 1."""
    return np.asarray(first + step * np.arange(offset, offset + n), dtype=np.float64)


def check_times(name: str, value: ArrayLike) -> NDArray[np.float64]:
    """Return `value` as increasing positive proper times in fm/c, or raise InputError."""
    tau = check_axis(name, value, uniform=False)
    if tau[0] <= 0:
        raise InputError(name, float(tau[0]), "start at a positive proper time")
    if tau[0] > MAX_START_FM or tau[-1] > TAU_LAST_MAX_FM:
        allowed = f"be in fm/c, from at most {MAX_START_FM:g} to at most {TAU_LAST_MAX_FM:g}"
        raise InputError(
            name, [float(tau[0]), float(tau[-1])], allowed, f"Is it in GeV^-1? Multiply by {HBARC}."
        )
    return tau


def check_temperature(name: str, value: ArrayLike, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return `value` as positive GeV with NaN where nothing is stored, or raise InputError."""
    array = np.asarray(value) if isinstance(value, np.ndarray) else float_array(name, value)
    if array.dtype not in (np.float32, np.float64):  # fields stay in the precision of their file
        array = float_array(name, value)
    if array.shape != shape:
        raise InputError(name, array.shape, f"have the shape of its axes, {shape}")
    if np.all(np.isnan(array)):
        raise InputError(name, "NaN everywhere", "hold at least one temperature")
    low, high = float(np.nanmin(array)), float(np.nanmax(array))
    if low <= 0 or not np.isfinite(high):
        raise InputError(
            name, low if low <= 0 else high, "be positive and finite, NaN where nothing is stored"
        )
    if high > MAX_T:
        raise InputError(name, high, f"be in GeV, at most {MAX_T:g}", "Is it in MeV? Divide by 1000.")
    return array


def existing_file(path: str | Path) -> Path:
    """Return `path` if it is a non-empty file, else raise FileFormatError."""
    file = path_of("path", path)
    if not file.is_file():
        raise FileFormatError(file, "there is no such file")
    if file.stat().st_size == 0:
        raise FileFormatError(file, "the file is empty")
    return file


def check_last_line(path: Path) -> None:
    """Raise FileFormatError if a text file does not end with its line: a number may be cut there."""
    if path.suffix == ".gz":
        return  # gzip notices truncation itself
    with path.open("rb") as handle:
        handle.seek(-1, os.SEEK_END)
        if handle.read(1) not in b"\r\n":
            raise FileFormatError(
                path, "the last line has no end: truncated", "If the file is complete, add a line break."
            )


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def file_attrs(path: Path, layout: str, units: str = "tau, x, y in fm; T in GeV") -> dict[str, str]:
    """Return the attributes of a Hydro read from `path`."""
    return {"source": path.name, "format": layout, "units": units, "sha256": sha256(path)}


def map_floats(path: Path) -> NDArray[np.float32]:
    """Memory-map a file of little-endian float32."""
    size = path.stat().st_size
    if size % 4:
        raise FileFormatError(path, f"{size} bytes are no whole number of float32 values: truncated")
    return np.memmap(path, dtype="<f4", mode="r")


def zero_is_outside(T: NDArray[Any]) -> NDArray[Any]:
    """Replace T = 0, the mark of hydro codes for "outside the fireball", by NaN."""
    return np.where(T == 0, np.asarray(np.nan, dtype=T.dtype), T)


def for_file(path: Path, build: Callable[[], R]) -> R:
    """Call `build`; turn an InputError about its arrays into a FileFormatError that names the file."""
    try:
        return build()
    except InputError as error:
        raise FileFormatError(path, str(error).rstrip("."), "Check the declared layout and units.") from error


def decimal(value: np.float32) -> float:
    """Return the shortest decimal that has this float32: 0.4, not 0.4000000059604645."""
    return float(str(value))
