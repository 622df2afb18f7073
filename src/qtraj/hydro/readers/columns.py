"""Reader for plain text columns whose order and units the user declares."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ..._checks import boolean, choice, integer, text, texts
from ...errors import InputError
from ..field import Hydro
from .common import (
    COORDINATES,
    FIELDS,
    TO_GEV,
    Cut,
    TemperatureUnit,
    Within,
    build_hydro,
    existing_file,
    for_file,
    table_pieces,
    to_grid,
)

IGNORED: Final = "_"


def read_columns(
    path: str | Path,
    *,
    order: Sequence[str],
    T_unit: TemperatureUnit,
    mirror: str = "",
    sparse: bool = False,
    skip_lines: int = 0,
    delimiter: str | None = None,
    T_min: float | None = None,
    within: Within = None,
) -> Hydro:
    """Read a text file of one cell per line, in any order of the lines.

    Parameters
    ----------
    path : path-like
        Text, plain or gzip; ``#`` starts a comment.
    order : sequence of str
        Names of the columns from left to right: ``tau`` (fm/c), ``x``, ``y`` (fm), ``T`` and, if present,
        ``eta``, ``vx``, ``vy``; ``_`` for a column to ignore. Examples: DREENA-A ``("tau", "x", "y", "T",
        "_")``; the Hybrid model's text ``("x", "y", "tau", "_", "T", "vx", "vy")`` with ``T_unit="fm^-1"``.
    T_unit : {"GeV", "MeV", "fm^-1"}
        Unit of the column T.
    mirror : {"", "x", "y", "xy"}, optional
        Axes along which the file holds the half x >= 0 (y >= 0) of a symmetric fireball: T(-x) = T(x),
        vx(-x) = -vx(x). First-quadrant files (DREENA-A) need ``"xy"``.
    sparse : bool, optional
        True if cells outside the fireball are left out; else every combination of coordinates must be
        there, so that a truncated file is noticed.
    skip_lines : int, optional
        Lines of heading without ``#``.
    delimiter : str, optional
        For example ``","``; by default the first line of numbers tells: semicolons, between which a comma is a decimal
        one, else commas, else white space.
    T_min, within : optional
        See `open_hydro`; of the file, before it is mirrored.

    Returns
    -------
    Hydro
        T = 0 in the file means outside the fireball and becomes NaN.

    Raises
    ------
    InputError
        If `order`, `T_unit` or `mirror` is not one of the above.
    FileFormatError
        If the file is missing, empty, truncated, not numbers, or its values do not fit.
    """
    order = texts("order", order, "be a list of names of columns")
    named, known = [name for name in order if name != IGNORED], {*COORDINATES, *FIELDS}
    if set(named) - known or len(set(named)) != len(named):
        raise InputError("order", order, f"name each of {sorted(known)} at most once, other columns '_'")
    if not {"tau", "x", "y", "T"} <= set(named):
        raise InputError("order", order, "contain tau, x, y and T")
    choice("T_unit", T_unit, TO_GEV)
    choice("mirror", mirror, ("", "x", "y", "xy"))
    sparse = boolean("sparse", sparse)
    skip_lines = integer("skip_lines", skip_lines, 0)
    if delimiter is not None and len(text("delimiter", delimiter)) != 1:
        raise InputError("delimiter", delimiter, "be one character, or None for white space")
    cut, file = Cut.checked(T_min, within), existing_file(path)
    tables = table_pieces(file, len(order), skip_lines=skip_lines, delimiter=delimiter)
    # T is in GeV from here on, so the checks of Hydro see a wrong unit
    factor = {"T": TO_GEV[T_unit]}
    pieces = (
        {name: table[:, i] * factor.get(name, 1.0) for i, name in enumerate(order) if name != IGNORED}
        for table in tables
    )
    axes, fields = to_grid(file, pieces, sparse=sparse, cut=cut)
    units = f"tau, x, y in fm; T in GeV (file: {T_unit})"
    half = build_hydro(file, axes, fields, "columns " + " ".join(order), units=units)
    return for_file(file, lambda: half.mirrored(mirror))
