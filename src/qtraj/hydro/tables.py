"""Histories from QTraj's temperature tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from .._checks import boolean, instances, number
from ..errors import InputError
from ..physics.medium import Histories
from ..physics.medium_checks import check_cools, check_temperature
from .readers.qtraj_text import TemperatureTable

Float = NDArray[np.float64]


def histories_from_tables(
    tables: Iterable[TemperatureTable],
    T_end: float,
    *,
    tau_start_fm: float | None = None,
    anisotropic: bool = True,
    allow_hot_end: bool = False,
) -> Histories:
    """Return histories of QTraj's tables, brought to one time grid.

    Parameters
    ----------
    tables : iterable of TemperatureTable
        For example `read_qtraj_trajectories`.
    T_end : float
        Temperature in GeV below which the medium does not act.
    tau_start_fm : float, optional
        Time from which the medium acts; by default the first time of the tables, if they share it.
    anisotropic : bool
        Keep alpha_x, alpha_y, alpha_z and lambda where all tables have them; False makes isotropic media.
    allow_hot_end : bool
        Accept tables that end above T_end: their medium then ends there.

    Returns
    -------
    Histories
        On the union of all times from `tau_start_fm` on; tables of equal times are used as they are, others
        are interpolated by monotone cubics in (ln tau, ln T), and the anisotropy columns likewise. A table that
        ends early keeps its last values, T below `T_end`.

    Raises
    ------
    InputError
        If there is no table, tables start at different times and `tau_start_fm` is not given, one starts
        after it, or ends above `T_end` and `allow_hot_end` is False, or only some have anisotropy columns.
    """
    if isinstance(tables, Iterable):
        tables = list(tables)  # InputErrors of a file that is read here name the file
    listed = instances("tables", tables, TemperatureTable, least=1)
    T_end = check_temperature("T_end", T_end)
    anisotropic = boolean("anisotropic", anisotropic)
    allow_hot_end = boolean("allow_hot_end", allow_hot_end)
    start = _start(listed, tau_start_fm)
    last = max(float(table.tau_fm[-1]) for table in listed)
    for i, table in enumerate(listed):
        check_cools(table.tau_fm, table.T, T_end, allow_hot_end=allow_hot_end, medium=f"table {i}")
        if table.T[-1] > T_end and table.tau_fm[-1] < last:
            raise InputError(
                "allow_hot_end",
                True,
                f"be False here: table {i} ends hot at {table.tau_fm[-1]:g} fm/c, another at {last:g} fm/c",
                "On one grid of times the heat would go on; make a TabulatedTemperature of each and a list of them.",
            )
    times = np.unique(np.concatenate([t.tau_fm for t in listed]))
    tau = np.concatenate([[start], times[times > start]])
    if len(tau) < 2:
        raise InputError("tau_start_fm", start, "be before the last time of the tables")
    T = np.stack([_resample(table, table.T, tau) for table in listed])
    alpha, hard_scale = _anisotropy(listed, tau) if anisotropic else (None, None)
    names = [n for n in listed[0].metadata if all(n in t.metadata for t in listed)]
    metadata = {name: np.array([t.metadata[name] for t in listed]) for name in names}
    attrs = {"source": "QTraj temperature tables", "clock": "tau of the tables"}
    return Histories(tau, T, T_end, metadata, attrs, alpha, hard_scale, allow_hot_end)


def _anisotropy(tables: Sequence[TemperatureTable], tau: Float) -> tuple[Float | None, Float | None]:
    """Return alpha (n, nt, 3) and hard_scale (n, nt) at the times tau, or None for both if no table has them."""
    having = [t for t in tables if t.anisotropy is not None and t.hard_scale is not None]
    if not having:
        return None, None
    if len(having) < len(tables):
        raise InputError(
            "tables",
            f"{len(having)} of {len(tables)} tables with anisotropy columns",
            "all have anisotropy columns, or none",
            "anisotropic=False ignores the columns.",
        )
    columns = [np.column_stack([np.asarray(t.anisotropy), np.asarray(t.hard_scale)]) for t in having]
    at = np.stack([_resample(t, c, tau) for t, c in zip(having, columns, strict=True)])
    return at[..., :3], at[..., 3]


def _start(tables: Sequence[TemperatureTable], tau_start_fm: float | None) -> float:
    first = [float(t.tau_fm[0]) for t in tables]
    if tau_start_fm is None and min(first) < max(first):
        allowed = f"be given, because the tables start between {min(first)} and {max(first)} fm/c"
        raise InputError("tau_start_fm", None, allowed)
    start = first[0] if tau_start_fm is None else number("tau_start_fm", tau_start_fm)
    if start < max(first):
        raise InputError("tau_start_fm", start, f"be at least {max(first)}, the latest first time of a table")
    return start


def _resample(table: TemperatureTable, values: Float, tau: Float) -> Float:
    """Return `values` (n, ...) of a table at the times tau, shape (nt, ...)."""
    tau = np.minimum(tau, table.tau_fm[-1])
    curve = PchipInterpolator(np.log(table.tau_fm), np.log(values))
    at = np.exp(curve(np.log(tau)))
    # knots are kept to the last digit
    index = np.searchsorted(table.tau_fm, tau)
    same = table.tau_fm[index] == tau
    at[same] = values[index[same]]
    return np.asarray(at)
