"""Checks of temperatures and times: finite, positive, and in the units of the package."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._checks import float_array, number, positive
from ..errors import InputError
from ..units import HBARC

Float = NDArray[np.float64]

MAX_T = 5.0
"""No fluid is hotter than 5 GeV: a larger number was given in MeV."""

MAX_START_FM = 2.5
"""No medium starts later than 2.5 fm/c: a larger number was given in GeV^-1."""

MAX_END_FM = 200.0
"""No medium acts longer, in fm/c: a fireball of the LHC is above 0.15 GeV for 15 fm/c, and a run without a bound on its
length would go on for hours because of one misplaced digit of T_end."""

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
    found = positive(name, T, "be a positive, finite temperature in GeV")
    return number(name, found, f"be a temperature in GeV, at most {MAX_T:g}", HINT_MEV, high=MAX_T)


def check_start(name: str, tau_fm: Any) -> float:
    """Return `tau_fm` as a float, or raise `InputError` unless it is a plausible start of a medium in fm/c."""
    allowed = f"be a start time in fm/c, above 0 and at most {MAX_START_FM}"
    return number(name, tau_fm, allowed, HINT_TIME, above=0, high=MAX_START_FM)


def check_end(T_end: Any, hottest: float, what: str = "T0") -> float:
    """Return T_end as a float, or raise `InputError` unless it lies below the hottest temperature, in GeV."""
    found = check_temperature("T_end", T_end)
    return number(
        "T_end",
        found,
        f"be below {what} = {hottest:g} GeV",
        "Otherwise the medium never acts.",
        below=hottest,
    )


def check_cools(
    tau_fm: Float, T: Float, T_end: float, *, allow_hot_end: bool, medium: str = "the table", row: str = "row"
) -> None:
    """Raise `InputError` if temperatures end above T_end, or still exceed it after any fireball.

    The one check of everything that comes as a table: what follows its last time is unknown, and a medium that is cut
    there lets too many pairs survive.

    Parameters
    ----------
    tau_fm : ndarray, shape (nt,)
        Times in fm/c.
    T : ndarray, shape (nt,) or (n, nt)
        Temperatures in GeV; NaN where nothing is known counts as cold.
    T_end : float
        Temperature in GeV below which the medium does not act.
    allow_hot_end : bool
        The user's word that the cut at the last time is meant.
    medium, row : str
        What to call the whole and one of several.
    """
    rows = np.atleast_2d(T)
    hot = np.flatnonzero(rows[:, -1] > T_end)
    if hot.size and not allow_hot_end:
        of = f" of {row} {hot[0]}" if T.ndim > 1 else ""
        raise InputError(
            "T_end",
            T_end,
            f"be reached before {medium} ends (the last temperature{of} is {rows[hot[0], -1]:.4g} GeV, "
            f"at {tau_fm[-1]:g} fm/c)",
            "Raise T_end, or take what goes on longer; allow_hot_end=True ends the medium there all the same.",
        )
    late = tau_fm > MAX_END_FM
    if np.any(rows[:, late] > T_end):
        check_lifetime(float(tau_fm[late][np.any(rows[:, late] > T_end, axis=0)][-1]))


def check_lifetime(end_fm: float, argument: str = "T_end", value: Any = None, remedy: str = "") -> None:
    """Raise `InputError` if a medium acts beyond `MAX_END_FM`; `end_fm` is when it ends, in fm/c."""
    if end_fm > MAX_END_FM:
        raise InputError(
            argument,
            f"a medium that acts until {end_fm:.4g} fm/c" if value is None else value,
            f"end the medium before {MAX_END_FM:g} fm/c"
            + ("" if value is None else f" (it acts until {end_fm:.4g} fm/c)"),
            remedy or f"Raise T_end, or check the units. {HINT_TIME}",
        )
