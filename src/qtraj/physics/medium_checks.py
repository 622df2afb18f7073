"""Checks of temperatures and times: finite, positive, and in the units of the package."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, float_array, is_finite_number
from ..units import HBARC

Float = NDArray[np.float64]

MAX_T = 5.0
"""No fluid is hotter than 5 GeV: a larger number was given in MeV."""

MAX_START_FM = 2.5
"""No medium starts later than 2.5 fm/c: a larger number was given in GeV^-1."""

HINT_MEV = "Temperatures are in GeV; divide MeV by 1000."
HINT_TIME = f"Times are in fm/c; multiply GeV^-1 by {HBARC:.4f}."


def check_table(tau_fm: ArrayLike, T: ArrayLike) -> tuple[Float, Float]:
    """Return tau_fm of shape (nt,) and T of shape (..., nt) as float arrays, or raise `InputError`."""
    tau, temperature = float_array("tau_fm", tau_fm), float_array("T", T)
    if tau.ndim != 1 or len(tau) < 2:
        raise InputError("tau_fm", tau.shape, "be a 1-D array of at least two times in fm/c")
    if temperature.shape[-1:] != tau.shape:
        raise InputError("T", temperature.shape, f"have one temperature for each of {len(tau)} times")
    if not np.all(np.isfinite(tau)):
        raise InputError("tau_fm", float(tau[~np.isfinite(tau)][0]), "be finite")
    if np.any(np.diff(tau) <= 0):
        i = int(np.argmax(np.diff(tau) <= 0))
        raise InputError(
            "tau_fm", (float(tau[i]), float(tau[i + 1])), f"increase strictly (entries {i}, {i + 1})"
        )
    check_start("tau_fm[0]", float(tau[0]))
    bad = ~np.isfinite(temperature) | (temperature <= 0)
    if np.any(bad):
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        raise InputError("T", float(temperature[bad][0]), f"be finite and positive, in GeV (entry {where})")
    check_temperature("T", float(temperature.max()))
    return tau, temperature


def check_temperature(name: str, T: Any) -> float:
    """Return `T` as a float, or raise `InputError` unless it is a plausible temperature in GeV."""
    if not (is_finite_number(T) and T > 0):
        raise InputError(name, T, "be a positive, finite temperature in GeV")
    if T > MAX_T:
        raise InputError(name, T, f"be a temperature in GeV, at most {MAX_T:g}", HINT_MEV)
    return float(T)


def check_start(name: str, tau_fm: Any) -> None:
    """Raise `InputError` unless `tau_fm` is a plausible start of a medium in fm/c."""
    if not (is_finite_number(tau_fm) and 0 < tau_fm <= MAX_START_FM):
        raise InputError(
            name, tau_fm, f"be a start time in fm/c, above 0 and at most {MAX_START_FM}", HINT_TIME
        )


def check_end(T_end: Any, hottest: float, what: str = "T0") -> None:
    """Raise `InputError` unless the temperature T_end lies below the hottest one, in GeV."""
    check_temperature("T_end", T_end)
    if T_end >= hottest:
        raise InputError(
            "T_end", T_end, f"be below {what} = {hottest:g} GeV", "Otherwise the medium never acts."
        )
