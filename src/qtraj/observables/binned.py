r"""R_AA and double ratios of a survival table in bins of anything.

With S_j the weighted mean survival of the parent j in a bin, F the feed-down matrix and sigma the direct cross
sections,

.. math:: R_{AA}^i = \frac{\sum_j F_{ij} \sigma_j S_j}{\sum_j F_{ij} \sigma_j}, \qquad
          \text{double ratio} = \frac{R_{AA}^a}{R_{AA}^b} .
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from .._checks import choice, instance, mapping, members
from ..states import STATE_NAMES
from .curves import Bins, Curve, Selection
from .estimate import Estimate, Float
from .feeddown import MESON_NAMES, FeedDown
from .sums import Statistic, Sums, estimate, replicate_sums
from .table import MESON_COLUMNS, Part, SurvivalTable

Ranges = Mapping[str, tuple[float, float]]

DOUBLE_RATIOS: Final = (("Y(2S)", "Y(1S)"), ("Y(3S)", "Y(1S)"), ("Y(3S)", "Y(2S)"))
"""The double ratios that experiments publish, numerator first."""


def survival_average(table: SurvivalTable, part: Part = "total") -> dict[str, Estimate]:
    """Return the weighted mean survival of each radial state that the table knows.

    Parameters
    ----------
    table : SurvivalTable
        All its rows enter.
    part : {"total", "no_jump", "regeneration"}, optional
        Which survival.

    Returns
    -------
    dict of str to Estimate
        Keyed by the name of the radial state.
    """
    instance("table", table, SurvivalTable)
    survival = table.part(part)
    means = {}
    for state in table.states:
        j = STATE_NAMES.index(state)
        rows = np.flatnonzero(np.isfinite(survival.value[:, j]))
        alone = table.rows(rows)
        means[state] = estimate(replicate_sums(alone, survival[rows]), _mean_of_one(j))[0]
    return means


def _mean_of_one(column: int) -> Statistic:
    return lambda sums: sums[..., 1, column, None] / sums[..., 0, column, None]


def raa_curve(
    table: SurvivalTable,
    bins: Bins,
    feeddown: FeedDown,
    *,
    part: Part = "total",
    ranges: Ranges | None = None,
    observable: str = "R_AA",
) -> Curve:
    """Return R_AA of the nine mesons in bins.

    Parameters
    ----------
    table : SurvivalTable
        Survivals and weights of the paths.
    bins : Bins
        For example ``Bins("N_part")``, ``Bins.edges("pT_GeV", [0, 2, 4, 8])`` or ``Bins("integrated")``: minimum bias
        if the rows carry the weights of `with_geometry`.
    feeddown : FeedDown
        Fractions and cross sections; their errors, where it has them, are the parts ``"branching"`` and
        ``"cross_sections"``.
    part : {"total", "no_jump", "regeneration"}, optional
        Pairs counted in the numerator. R_AA of the total is the sum of the other two.
    ranges : mapping of str to (low, high), optional
        Further selection, as in `SurvivalTable.select`.
    observable : str, optional
        What the ratio is called: ``"R_pA"`` in proton-nucleus collisions.

    Returns
    -------
    Curve

    Raises
    ------
    InputError
        If the table lacks a column or a state, or a bin is empty.
    """

    def statistic(fractions: FeedDown) -> Statistic:
        return lambda sums: fractions.apply(_mean_survival(sums, 1))

    return curve_of(observable, MESON_NAMES, table, bins, feeddown, part, ranges, statistic)


def double_ratio_curve(
    table: SurvivalTable,
    bins: Bins,
    feeddown: FeedDown,
    *,
    pairs: Sequence[tuple[str, str]] = DOUBLE_RATIOS,
    part: Part = "total",
    ranges: Ranges | None = None,
) -> Curve:
    """Return R_AA(a)/R_AA(b) in bins, with the correlation of both in its error.

    Parameters
    ----------
    table, bins, feeddown, part, ranges
        As in `raa_curve`.
    pairs : sequence of (str, str), optional
        Mesons a and b.

    Returns
    -------
    Curve
        Keyed by ``"a/b"``, for example ``"Y(2S)/Y(1S)"``.

    Raises
    ------
    InputError
        As in `raa_curve`, or if a meson is unknown.
    """
    allowed = f"hold pairs of names among {', '.join(MESON_NAMES)}"
    pairs = [members("pairs", pair, allowed, 2) for pair in members("pairs", pairs, allowed)]
    for meson in (meson for pair in pairs for meson in pair):
        choice("pairs", meson, MESON_NAMES, allowed)
    above, below = ([MESON_NAMES.index(pair[k]) for pair in pairs] for k in (0, 1))

    def statistic(fractions: FeedDown) -> Statistic:
        def ratios(sums: Any) -> Any:
            raa = fractions.apply(_mean_survival(sums, 1))
            return raa[..., above] / raa[..., below]

        return ratios

    names = [f"{a}/{b}" for a, b in pairs]
    return curve_of("double_ratio", names, table, bins, feeddown, part, ranges, statistic)


def _mean_survival(sums: Any, row: int) -> Any:
    """Mean of the nine mesons from sums (..., 2, 6)."""
    return (sums[..., row, :] / safe_weights(sums[..., 0, :]))[..., MESON_COLUMNS]


def safe_weights(weights: Any) -> Any:
    """Weights without the zeros of states that nobody asks for (1D)."""
    return np.where(weights == 0, 1.0, weights)


def curve_of(
    observable: str,
    names: Sequence[str],
    table: SurvivalTable,
    bins: Bins,
    feeddown: FeedDown,
    part: Part,
    ranges: Ranges | None,
    statistic: Callable[[FeedDown], Statistic],
    factors: Callable[[SurvivalTable], Sequence[Float]] = lambda _: (),
) -> Curve:
    """Return the curve of any function of sums: what `raa_curve`, `double_ratio_curve` and `vn_curve` share.

    Parameters
    ----------
    observable, names : str, sequence of str
        What it is, and the name of each value of the function.
    table, bins, feeddown, part, ranges
        As in `raa_curve`.
    statistic : callable
        From a feed-down to a function of sums (..., k, 6), see `sums.estimate`.
    factors : callable, optional
        From rows to further factors of the sums, see `sums.replicate_sums`.
    """
    instance("table", table, SurvivalTable)
    instance("bins", bins, Bins)
    instance("feeddown", feeddown, FeedDown)
    selection = Selection({} if ranges is None else mapping("ranges", ranges))
    chosen = table.select(**selection.ranges)
    points: list[Estimate] = []
    places: list[tuple[float, float, float]] = []
    for x, low, high, rows in bins.split(chosen):
        rows.check_states()
        sums = replicate_sums(rows, rows.part(part), factors(rows))
        points.append(_with_input_errors(sums, feeddown, statistic))
        places.append((x, low, high))
    values = {name: _stacked([point[i] for point in points]) for i, name in enumerate(names)}
    words = str(selection) if part == "total" else "; ".join(filter(None, (part, str(selection))))
    x, low, high = np.array(places).T
    return Curve(observable, bins.x_name, x, low, high, values, words)


def _with_input_errors(
    sums: Sums, feeddown: FeedDown, statistic: Callable[[FeedDown], Statistic]
) -> Estimate:
    """Return the estimate with the errors of branching fractions and cross sections, by central differences."""
    central = estimate(sums, statistic(feeddown))
    total = sums.groups.sum(axis=0)
    squares: dict[str, Float] = {}
    for name, up, down in feeddown.variations:
        shift = (np.real(statistic(up)(total)) - np.real(statistic(down)(total))) / 2
        squares[name] = squares.get(name, np.zeros_like(shift)) + shift**2
    measured = {name: np.sqrt(square) for name, square in squares.items()}
    missing = tuple(dict.fromkeys((*central.not_estimated, *feeddown.not_estimated)))
    return Estimate(central.value, {**central.parts, **measured}, missing)


def _stacked(points: Sequence[Estimate]) -> Estimate:
    names = dict.fromkeys(name for point in points for name in point.parts)
    return Estimate(
        np.array([point.value for point in points]),
        {name: np.array([point.parts.get(name, 0.0) for point in points]) for name in names},
        tuple(dict.fromkeys(note for point in points for note in point.not_estimated)),
    )
