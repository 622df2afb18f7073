"""Histories from QTraj's temperature tables."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from ..errors import InputError
from ..physics.medium import Histories
from .qtraj_text import TemperatureTable

Float = NDArray[np.float64]


def histories_from_tables(
    tables: Iterable[TemperatureTable], T_end: float, *, tau_start_fm: float | None = None
) -> Histories:
    """Return histories of QTraj's tables, brought to one time grid.

    Parameters
    ----------
    tables : iterable of TemperatureTable
        For example `read_qtraj_trajectories`. Anisotropy columns are not used.
    T_end : float
        Temperature in GeV below which the medium does not act.
    tau_start_fm : float, optional
        Time from which the medium acts; by default the first time of the tables, if they share it.

    Returns
    -------
    Histories
        On the union of all times from `tau_start_fm` on; tables of equal times are used as they are, others
        are interpolated by monotone cubics in (ln tau, ln T). A table that ends early keeps its last T,
        below `T_end`.

    Raises
    ------
    InputError
        If there is no table, tables start at different times and `tau_start_fm` is not given, one starts
        after it, or ends above `T_end`.
    """
    listed = list(tables)
    if not listed:
        raise InputError("tables", [], "hold at least one table")
    if not 0 < T_end < np.inf:
        raise InputError("T_end", T_end, "be a positive temperature in GeV")
    start = _start(listed, tau_start_fm)
    for i, table in enumerate(listed):
        if table.T[-1] > T_end:
            last = f"{table.T[-1]:.4g} GeV in table {i}"
            raise InputError("T_end", T_end, f"be above the last temperature of every table, here {last}")
    times = np.unique(np.concatenate([t.tau_fm for t in listed]))
    tau = np.concatenate([[start], times[times > start]])
    if len(tau) < 2:
        raise InputError("tau_start_fm", start, "be before the last time of the tables")
    T = np.stack([_resample(table, tau) for table in listed])
    names = [n for n in listed[0].metadata if all(n in t.metadata for t in listed)]
    metadata = {name: np.array([t.metadata[name] for t in listed]) for name in names}
    attrs = {"source": "QTraj temperature tables", "clock": "tau of the tables"}
    return Histories(tau, T, T_end, metadata=metadata, attrs=attrs)


def _start(tables: list[TemperatureTable], tau_start_fm: float | None) -> float:
    first = [float(t.tau_fm[0]) for t in tables]
    if tau_start_fm is None and min(first) < max(first):
        allowed = f"be given, because the tables start between {min(first)} and {max(first)} fm/c"
        raise InputError("tau_start_fm", None, allowed)
    start = first[0] if tau_start_fm is None else float(tau_start_fm)
    if start < max(first):
        raise InputError("tau_start_fm", start, f"be at least {max(first)}, the latest first time of a table")
    return start


def _resample(table: TemperatureTable, tau: Float) -> Float:
    inside = tau <= table.tau_fm[-1]
    curve = PchipInterpolator(np.log(table.tau_fm), np.log(table.T))
    T = np.where(inside, np.exp(curve(np.log(np.where(inside, tau, table.tau_fm[-1])))), table.T[-1])
    # knots are kept to the last digit
    index = np.clip(np.searchsorted(table.tau_fm, tau), 0, len(table.tau_fm) - 1)
    return np.where(table.tau_fm[index] == tau, table.T[index], T)
