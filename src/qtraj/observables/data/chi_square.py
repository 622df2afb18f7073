r"""Chi-square with statistical, systematic and global errors.

A global uncertainty moves all points of a measurement together. With residuals r = data - theory, point-to-point
variances D and the shifts B (one column for each source of correlated error, per standard deviation),

.. math:: \chi^2 = \min_\theta \sum_i \frac{(r - B \theta)_i^2}{D_i} + \theta^2 = r^T (D + B B^T)^{-1} r,

the nuisance parameters theta in units of their standard deviations. A relative error multiplies the theory, not the
data: the other choice pulls fits down (G. D'Agostini, Nucl. Instrum. Meth. A 346 (1994) 306).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaincc

from ..._checks import boolean, choice, finite_array, float_array, instance, instances, members
from ...errors import InputError
from ..curves import Curve
from ..estimate import Float
from .dataset import DataSet

Systematic = Literal["uncorrelated", "correlated"]


@dataclass(frozen=True, eq=False)
class ChiSquare:
    """Agreement of theory with measured points.

    Parameters
    ----------
    value : float
        Chi-square.
    points : int
        Number of points that enter.
    pulls : ndarray, shape (points,)
        What is left of each residual after the correlated shifts, in units of its point-to-point error.
    shifts : mapping of str to float
        Fitted shift of each correlated source, in its standard deviations.
    left_out : int
        Points without a prediction or without an error, and upper limits.
    """

    value: float
    points: int
    pulls: Float
    shifts: dict[str, float]
    left_out: int = 0

    @property
    def p_value(self) -> float:
        """Probability of a larger chi-square if the theory is right and has no free parameter."""
        return float(gammaincc(self.points / 2, self.value / 2))

    def __str__(self) -> str:
        left = f", {self.left_out} left out" if self.left_out else ""
        shifts = ", ".join(f"{name} {shift:+.1f} sigma" for name, shift in self.shifts.items())
        return f"chi2 = {self.value:.1f} for {self.points} points (p = {self.p_value:.2g}){left}" + (
            f"; shifts: {shifts}" if shifts else ""
        )


def nuisance_fit(residual: ArrayLike, error: ArrayLike, shifts: ArrayLike) -> tuple[float, Float]:
    """Return chi-square and the nuisance parameters that minimize it.

    Parameters
    ----------
    residual, error : array_like, shape (n,)
        Data minus theory, and the positive point-to-point error.
    shifts : array_like, shape (m, n)
        Change of each point per standard deviation of each correlated source.

    Returns
    -------
    value : float
        Chi-square.
    theta : ndarray, shape (m,)
        Nuisance parameters in their standard deviations.

    Raises
    ------
    InputError
        If a shape is wrong, a number is not finite, or an error not positive.
    """
    r = finite_array("residual", residual, 1)
    sigma = finite_array("error", error, 1)
    if sigma.shape != r.shape or not np.all(sigma > 0):
        raise InputError("error", error, f"be positive, one for each of {len(r)} residuals")
    moved = finite_array("shifts", shifts)
    if not moved.ndim or moved.shape[-1] != len(r):
        raise InputError("shifts", shifts, f"be of shape (m, {len(r)}), a row for each source")
    scaled = moved.reshape(-1, len(r)) / sigma
    normal = np.eye(len(scaled)) + scaled @ scaled.T
    theta = np.linalg.solve(normal, scaled @ (r / sigma))
    return float(np.sum((r / sigma - theta @ scaled) ** 2) + np.sum(theta**2)), np.asarray(theta)


def chi_square(
    datasets: DataSet | Sequence[DataSet],
    predictions: ArrayLike | Sequence[ArrayLike],
    errors: ArrayLike | Sequence[ArrayLike] | None = None,
    *,
    systematic: Systematic = "uncorrelated",
    common_global: bool = False,
) -> ChiSquare:
    """Compare predictions with one or several measurements.

    Parameters
    ----------
    datasets : DataSet or sequence of DataSet
        Measured points.
    predictions : array_like of shape (n,), or a sequence of them
        Theory at each point; NaN where there is none.
    errors : array_like of shape (n,), or a sequence of them, optional
        Independent errors of the predictions, added in quadrature to those of the points.
    systematic : {"uncorrelated", "correlated"}, optional
        Whether the systematic errors of one measurement vary from point to point, or all rise and fall together.
    common_global : bool, optional
        Whether the measurements of one experiment share one global shift; by default each has its own.

    Returns
    -------
    ChiSquare

    Raises
    ------
    InputError
        If a shape is wrong or no point can be compared.

    Notes
    -----
    Of two-sided errors the one towards the theory counts. The global uncertainty is the mean of its sides.
    """
    one = isinstance(datasets, DataSet)
    sets = [datasets] if isinstance(datasets, DataSet) else list(instances("datasets", datasets, DataSet))
    theory = _listed("predictions", predictions, one=one)
    spread = [np.zeros(len(data)) for data in sets] if errors is None else _listed("errors", errors, one=one)
    common_global = boolean("common_global", common_global)
    if not len(sets) == len(theory) == len(spread) or not sets:
        raise InputError("predictions", len(theory), f"hold one array for each of {len(sets)} measurements")
    systematic = choice("systematic", systematic, get_args(Systematic))

    pieces = [_piece(*piece, systematic) for piece in zip(sets, theory, spread, strict=True)]
    n = sum(len(piece.residual) for piece in pieces)
    if not n:
        raise InputError("datasets", [str(data) for data in sets], "share points with the predictions")
    columns: dict[str, Float] = {}
    start = 0
    for data, piece in zip(sets, pieces, strict=True):
        place = slice(start, start + len(piece.residual))
        for name, shift in piece.shifts.items():
            shared = common_global and name == "global"
            owner = data.experiment if shared else f"{data.experiment} {data.state} {data.observable}"
            column = columns.setdefault(f"{owner} {name}", np.zeros(n))
            column[place] = shift
        start = place.stop
    residual, sigma = (np.concatenate([getattr(p, name) for p in pieces]) for name in ("residual", "sigma"))
    common = np.array(list(columns.values())).reshape(-1, n)
    value, theta = nuisance_fit(residual, sigma, common)
    return ChiSquare(
        value,
        n,
        (residual - theta @ common) / sigma,
        dict(zip(columns, theta.tolist(), strict=True)),
        sum(len(data) for data in sets) - n,
    )


def compare(curve: Curve, datasets: Sequence[DataSet], **options: Any) -> ChiSquare:
    """Compare a curve with measurements, with its error interpolated as well; see `chi_square` for the options.

    Parameters
    ----------
    curve : Curve
        Interpolated at the points (`Curve.at`), or taken bin by bin where it was made in the bins of the data.
    datasets : sequence of DataSet
        Of the observable and axis of the curve.
    **options
        Of `chi_square`.

    Returns
    -------
    ChiSquare
        Of all points of all measurements.

    Raises
    ------
    InputError
        If the curve is of another observable or axis, or lacks a state.
    """
    instance("curve", curve, Curve)
    at = []
    for data in instances("datasets", datasets, DataSet):
        if (data.observable, data.x_name) != (curve.observable, curve.x_name):
            raise InputError(
                "datasets", str(data), f"hold {curve.observable} against {curve.x_name}, as the curve"
            )
        points = curve[data.state]
        same = len(curve) == len(data) and np.array_equal(
            [curve.x_low, curve.x_high], [data.x_low, data.x_high], equal_nan=True
        )
        at.append(points if same else curve.at(data.state, data.x))
    return chi_square(list(datasets), [e.value for e in at], [e.error for e in at], **options)


@dataclass(frozen=True, eq=False)
class _Piece:
    """The comparable points of one measurement: residuals, point-to-point errors, shifts of common errors."""

    residual: Float
    sigma: Float
    shifts: dict[str, Float]


def _listed(argument: str, given: Any, *, one: bool) -> list[Any]:
    """Return what belongs to each measurement: `given` itself if there is one, else its members."""
    return [given] if one else list(members(argument, given, "be a list of arrays, one for each measurement"))


def _piece(data: DataSet, theory: Any, error: Any, systematic: Systematic) -> _Piece:
    prediction, theory_error = float_array("predictions", theory), float_array("errors", error)
    for name, values in (("predictions", prediction), ("errors", theory_error)):
        if values.shape != (len(data),):
            raise InputError(name, values.shape, f"have one value for each of {len(data)} points")
    above = prediction > data.value

    def side(name: str) -> Float:
        return np.asarray(np.where(above, getattr(data, f"{name}_plus"), getattr(data, f"{name}_minus")))

    stat, syst, total = side("stat"), np.nan_to_num(side("syst")), side("total")
    common = systematic == "correlated"
    point = np.where(np.isfinite(stat), np.hypot(stat, 0.0 if common else syst), total)
    sigma = np.hypot(point, theory_error)
    use = np.isfinite(prediction) & (sigma > 0) & ~np.isfinite(data.upper_limit_cl)
    relative = np.nan_to_num((data.global_rel_plus + data.global_rel_minus) / 2)
    candidates = {"global": relative * prediction, **({"systematic": syst} if common else {})}
    shifts = {name: shift[use] for name, shift in candidates.items() if np.any(shift[use] != 0)}
    return _Piece((data.value - prediction)[use], sigma[use], shifts)
