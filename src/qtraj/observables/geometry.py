"""Centrality, participants and collisions as functions of the impact parameter, and weights of geometries."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import PchipInterpolator

from .._checks import choice, finite_array, float_array, increasing, instance, number, settle, text
from .._types import Float
from ..errors import InputError
from .table import SurvivalTable

Weighting = Literal["collisions", "exponential"]

# centrality scale of the minimum-bias weight exp(-c/0.25) in the notebooks of the Kent State group
EXPONENTIAL_SCALE: Final = 0.25
_COLUMNS: Final = {"b_fm": "b_fm", "centrality": "centrality", "n_part": "N_part", "n_coll": "N_bin"}


@dataclass(frozen=True, eq=False)
class CollisionGeometry:
    """Geometry of a collision system against the impact parameter.

    Parameters
    ----------
    b_fm : array_like, shape (k,)
        Impact parameters from 0, increasing, fm.
    centrality : array_like, shape (k,)
        Fraction of inelastic collisions with a smaller impact parameter, 0 to 1, not decreasing.
    n_part, n_coll : array_like, shape (k,)
        Mean participants and binary collisions.
    name : str, optional
        What to call it.

    Raises
    ------
    InputError
        If a shape differs or a column is out of order.
    """

    b_fm: Any
    centrality: Any
    n_part: Any
    n_coll: Any
    name: str = ""

    def __post_init__(self) -> None:
        for column in _COLUMNS:
            settle(self, **{column: float_array(column, getattr(self, column))})
        settle(self, name=text("name", self.name))
        b = self.b_fm
        if b.ndim != 1 or len(b) < 2 or b[0] != 0 or np.any(np.diff(b) <= 0):
            raise InputError("b_fm", self.b_fm, "increase from 0")
        for column in ("centrality", "n_part", "n_coll"):
            values = getattr(self, column)
            if values.shape != b.shape or not np.all(np.isfinite(values) & (values >= 0)):
                raise InputError(column, values.shape, f"be {len(b)} non-negative numbers, one for each b")
        if np.any(np.diff(self.centrality) < 0) or self.centrality[-1] > 1:
            raise InputError("centrality", self.centrality, "rise from 0 to at most 1")

    @classmethod
    def named(cls, name: str) -> CollisionGeometry:
        """Return the geometry `name` of the package, from ``data/glauber/glauber_optical_NAME.csv``."""
        files = (f.name for f in resources.files("qtraj.data").joinpath("glauber").iterdir())
        names = (re.fullmatch(r"glauber_optical_(.*)\.csv", file) for file in files if "_bins" not in file)
        known = sorted(match[1] for match in names if match)
        return _shipped(choice("name", name, known, f"be one of {', '.join(known)}"))

    def at(self, column: str, b_fm: ArrayLike) -> Float:
        """Return the `column` ``centrality``, ``n_part`` or ``n_coll`` at `b_fm`, of its shape, within the table.

        Interpolated with monotone cubics; between the shipped points, 0.1 fm apart, to 1e-4.
        """
        b = float_array("b_fm", b_fm)
        if not np.all((b >= 0) & (b <= self.b_fm[-1])):
            raise InputError("b_fm", b_fm, f"be between 0 and {self.b_fm[-1]:g} fm, the end of {self.name}")
        return np.asarray(PchipInterpolator(self.b_fm, getattr(self, column))(b))

    def b_of(self, centrality: ArrayLike) -> Float:
        """Return the impact parameter in fm at which the fraction `centrality` of collisions is more central."""
        c = float_array("centrality", centrality)
        if not np.all((c >= 0) & (c <= self.centrality[-1])):
            raise InputError("centrality", centrality, f"be between 0 and {self.centrality[-1]:.5g}")
        rising = np.concatenate([[True], np.diff(self.centrality) > 0])
        b = PchipInterpolator(self.centrality[rising], self.b_fm[rising])(c)
        return np.asarray(np.minimum(b, self.b_fm[-1]))  # the end may be missed by a rounding

    def class_mean(self, column: str, low: float, high: float) -> float:
        """Return the mean of the `column` ``n_part`` or ``n_coll`` over centralities from low to high, fractions."""
        if not 0 <= low < high <= 1:
            raise InputError("low, high", (low, high), "be fractions with 0 <= low < high <= 1")
        # in centrality every collision counts once; the last of them lie beyond the table
        c = np.linspace(low, min(high, float(self.centrality[-1])), 401)
        return float(np.trapezoid(self.at(column, self.b_of(c)), c) / (c[-1] - c[0]))


def with_geometry(
    table: SurvivalTable, geometry: CollisionGeometry, weighting: Weighting | None = "collisions"
) -> SurvivalTable:
    r"""Return a table whose rows know centrality and N_part, and whose impact parameters weigh what they should.

    The mean over all collisions that make the pairs is an integral over centrality with the yield as weight,

    .. math:: \langle S \rangle = \frac{\int_0^1 dc \, N_{coll}(c) S(c)}{\int_0^1 dc \, N_{coll}(c)} .

    The table knows S at a few impact parameters; S is taken to be linear in c between them and constant beyond, so each
    of them gets the integral of N_coll times its hat function, which the rows of that impact parameter share.

    Parameters
    ----------
    table : SurvivalTable
        With ``b_fm``.
    geometry : CollisionGeometry
        Of the same collision system.
    weighting : {"collisions", "exponential"}, optional
        ``"collisions"``: N_coll(c) of the geometry. ``"exponential"``: exp(-c/0.25), the weight in the notebooks of the
        Kent State group. None keeps the weights, for rows whose impact parameters were drawn with the yield.

    Returns
    -------
    SurvivalTable
        An N_part that the table has stays; it belongs to its hydrodynamics.

    Raises
    ------
    InputError
        If the table has no impact parameters, or they leave the geometry.
    """
    instance("table", table, SurvivalTable)
    instance("geometry", geometry, CollisionGeometry)
    allowed = f"be one of {', '.join(get_args(Weighting))}, or None"
    weighting = choice("weighting", weighting, (*get_args(Weighting), None), allowed)
    b = table.coordinate("b_fm")
    centrality = geometry.at("centrality", b)
    n_part = table.n_part if table.n_part is not None else geometry.at("n_part", b)
    weight = table.weight
    if weighting is not None:
        values, place = np.unique(b, return_inverse=True)
        weight_at_b = np.bincount(place, table.weight)
        if np.any(weight_at_b <= 0):
            raise InputError("weight", values[weight_at_b <= 0].tolist(), "be positive somewhere at each b")
        # rows of one impact parameter share its weight in the ratio of their own
        weight = table.weight * (geometric_weights(values, geometry, weighting) / weight_at_b)[place]
    return replace(
        table,
        weight=weight,
        centrality_pct=100 * centrality,
        n_part=n_part,
        attrs={**table.attrs, "geometry": geometry.name, "weighting": weighting or "as sampled"},
    )


def geometric_weights(
    b_fm: Sequence[float] | Float, geometry: CollisionGeometry, weighting: Weighting = "collisions"
) -> Float:
    """Return the share of each of a few impact parameters in the yield of all collisions; they sum to 1.

    Parameters
    ----------
    b_fm : array_like, shape (k,)
        Different impact parameters, increasing, fm.
    geometry, weighting
        As in `with_geometry`.

    Returns
    -------
    ndarray, shape (k,)
        Shares, dimensionless.

    Raises
    ------
    InputError
        If an impact parameter is out of order or outside the geometry, or the weighting is unknown.
    """
    instance("geometry", geometry, CollisionGeometry)
    weighting = choice("weighting", weighting, get_args(Weighting))
    allowed = "be increasing impact parameters in fm, not negative"
    points = geometry.at("centrality", increasing("b_fm", b_fm, allowed, low=0))
    c = geometry.centrality
    density = geometry.n_coll if weighting == "collisions" else np.exp(-c / EXPONENTIAL_SCALE)
    # S linear between the points and constant beyond is a sum of hats, each 1 at its point and 0 at the others
    hats = np.array([np.interp(c, points, one) for one in np.eye(len(points))])
    shares = np.trapezoid(hats * density, c, axis=1)
    return np.asarray(shares / shares.sum())


def coverage(
    centrality: ArrayLike, geometry: CollisionGeometry, low: float = 0.0, high: float = 1.0
) -> float:
    """Return which share of the collisions of a centrality class lies near geometries that were computed.

    A geometry stands for the centralities nearer to it than to its neighbors, the outermost ones for as much on their
    other side.

    Parameters
    ----------
    centrality : array_like, shape (k,)
        Computed centralities, fractions; one alone stands for nothing but itself.
    geometry : CollisionGeometry
        Gives the number of collisions at each centrality.
    low, high : float, optional
        The class, fractions.

    Returns
    -------
    float
        Share, 0 to 1.

    Raises
    ------
    InputError
        If a centrality is no number, or the class none.
    """
    instance("geometry", geometry, CollisionGeometry)
    low = number("low", low, "be a fraction below `high`", low=0, below=1)
    high = number("high", high, f"be a fraction above `low` = {low:g}", above=low, high=1)
    points = np.unique(finite_array("centrality", centrality, 1))
    if len(points) < 2:
        return 0.0
    # half a step beyond the outermost points, as far as they stand for inwards
    first = points[0] - (points[1] - points[0]) / 2
    last = points[-1] + (points[-1] - points[-2]) / 2
    c = np.linspace(low, min(high, float(geometry.centrality[-1])), 2001)
    collisions = np.interp(c, geometry.centrality, geometry.n_coll)
    return float(np.sum(collisions[(first <= c) & (c <= last)]) / np.sum(collisions))


@cache
def _shipped(name: str) -> CollisionGeometry:
    path = resources.files("qtraj.data").joinpath(f"glauber/glauber_optical_{name}.csv")
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    columns = {key: np.array([float(row[column]) for row in rows]) for key, column in _COLUMNS.items()}
    return CollisionGeometry(**columns, name=name)
