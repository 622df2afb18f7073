r"""Observables as functions of sums over paths: R_AA, double ratios, flow coefficients; one value, one error.

With S_j the weighted mean survival of the parent j in a bin, F the feed-down matrix, sigma the direct cross sections of
`FeedDown`, and phi the direction of a pair from the reaction plane, which a daughter keeps,

.. math:: R_{AA}^i = \frac{\sum_j F_{ij} \sigma_j S_j}{\sum_j F_{ij} \sigma_j}, \qquad
          \text{double ratio} = \frac{R_{AA}^a}{R_{AA}^b}, \qquad
          v_n^i = \frac{\sum_j F_{ij} \sigma_j \langle S_j \cos n\phi \rangle}
                       {\sum_j F_{ij} \sigma_j \langle S_j \rangle} .

R_AA is that of arXiv:2012.01240. For S(phi) = s (1 + 2 a cos 2 phi) and uniform phi, v_2 = a.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from .. import _checks as check
from .._checks import settle
from .._types import Float
from ..errors import InputError
from ..states import STATE_NAMES
from .bins import Bins
from .curves import Curve, RaaCurve
from .estimate import Estimate, joined
from .feeddown import MESON_NAMES, FeedDown
from .sums import MesonSurvival, Statistic, Sums, estimate, mean, replicate_sums
from .table import MESON_COLUMNS, Part, SurvivalTable

Ranges = Mapping[str, tuple[float, float]]
Production = Literal["isotropic", "as_sampled"]

# the double ratios that experiments publish, numerator first
DOUBLE_RATIOS: Final = (("Y(2S)", "Y(1S)"), ("Y(3S)", "Y(1S)"), ("Y(3S)", "Y(2S)"))


@dataclass(frozen=True, eq=False)
class Observable:
    """A function of sums over paths, and the one place of its names.

    Parameters
    ----------
    name : str
        Name in curves and data tables: ``"R_AA"``, ``"double_ratio"``, ``"v2"``.
    title : str
        What it is, in words.
    symbol, label : str
        Symbol in plain text, and label of the axis of a figure in Matplotlib's mathtext.
    statistic : callable or None
        From a feed-down to a function of the sums (..., k, 9) of the nine mesons, see `sums.estimate`. None for what
        has a name only: curves that others computed.
    values : sequence of str, optional
        Names of the values of that function.
    factors : callable, optional
        From rows to further factors of the sums, see `sums.replicate_sums`.
    unmodified : float, optional
        Its value where the medium does nothing: 1 of ratios, 0 of flow.
    adds_up : bool, optional
        Whether the total is the sum of pairs that never jumped and regenerated ones.
    feeds_down : bool, optional
        Whether decays of heavier states, and the errors of what is measured of them, are in it.

    Raises
    ------
    InputError
        If an argument is of another type.
    """

    name: str
    title: str
    symbol: str
    label: str
    statistic: Callable[[FeedDown], Statistic] | None = None
    values: Sequence[str] = MESON_NAMES
    factors: Callable[[SurvivalTable], Sequence[Float]] | None = None
    unmodified: float = 1.0
    adds_up: bool = False
    feeds_down: bool = True

    def __post_init__(self) -> None:
        settle(
            self,
            **{name: check.text(name, getattr(self, name)) for name in ("name", "title", "symbol", "label")},
            values=check.texts("values", self.values),
            unmodified=check.number("unmodified", self.unmodified),
            **{name: check.boolean(name, getattr(self, name)) for name in ("adds_up", "feeds_down")},
        )
        for name in ("statistic", "factors"):
            if getattr(self, name) is not None:
                check.function(name, getattr(self, name))

    @classmethod
    def named(cls, name: str) -> Observable:
        """Return the observable of a name; of an unknown one, that name and no statistic."""
        if order := re.fullmatch(r"v([1-9]\d*)", check.text("name", name)):
            return flow(int(order[1]))
        return _BY_NAME[name]() if name in _BY_NAME else cls(name, name, name, name)

    def curve(
        self,
        table: SurvivalTable,
        bins: Bins,
        feeddown: FeedDown,
        *,
        part: Part = "total",
        ranges: Ranges | None = None,
    ) -> Curve:
        """Return the observable in `bins` of the rows of `table`, with the fractions and cross sections of `feeddown`.

        `bins` are for example ``Bins("N_part")``, ``Bins.edges("pT_GeV", [0, 2, 4, 8])`` or ``Bins("integrated")``;
        `part` is the survival, "total", "no_jump" or "regeneration"; `ranges` select further, as in
        `SurvivalTable.select`. `InputError` if the observable has no statistic, the table lacks a column or a state, or
        a bin is empty. A ratio to pairs none of which survives is NaN.
        """
        check.instance("table", table, SurvivalTable)
        check.instance("bins", bins, Bins)
        check.instance("feeddown", feeddown, FeedDown)
        ranges = {} if ranges is None else check.mapping("ranges", ranges)
        statistic = self.statistic
        if statistic is None:
            raise InputError("observable", self.name, "be R_AA, R_pA, double_ratio or v1, v2, ...")

        def of_states(fractions: FeedDown) -> Statistic:
            of_mesons = statistic(fractions)
            return lambda sums: of_mesons(sums[..., MESON_COLUMNS])

        chosen = table.select(**ranges)
        survival = chosen.part(part)
        if (
            "rare_events" not in survival.parts
        ):  # nothing else of the survivals is needed of the rows of a bin
            chosen = replace(chosen, survival=survival, no_jump=None)
        points: list[Estimate] = []
        edges: list[tuple[float, float, float]] = []
        for x, low, high, numbers in bins.rows(chosen):
            rows = chosen.rows(numbers)
            rows.check_states()
            factors = () if self.factors is None else self.factors(rows)
            sums = replicate_sums(rows, rows.survival if rows.no_jump is None else rows.part(part), factors)
            if self.feeds_down:
                points.append(_with_input_errors(sums, feeddown, of_states))
            else:
                points.append(estimate(sums, of_states(feeddown)))
            edges.append((x, low, high))
        values = {name: joined([point[i] for point in points]) for i, name in enumerate(self.values)}
        selected = [f"{low:g} <= {axis} < {high:g}" for axis, (low, high) in ranges.items()]
        words = "; ".join([*([] if part == "total" else [part]), *selected])
        x, low, high = np.array(edges).T
        return Curve(self.name, bins.x_name, x, low, high, values, words)


def _with_input_errors(
    sums: Sums, feeddown: FeedDown, statistic: Callable[[FeedDown], Statistic]
) -> Estimate:
    """Return the estimate with the errors of branching fractions and cross sections, by central differences.

    They are measured (PDG): an R_AA without them would claim to know the fractions exactly. `FeedDown.named(...,
    errors=False)` leaves them out, and ``not_estimated`` says so.
    """
    central = estimate(sums, statistic(feeddown))
    # the sums stay, only what is made of them changes
    total = sums.groups.sum(axis=0)
    squares: dict[str, Float] = {}
    for name, up, down in feeddown.variations:
        with np.errstate(divide="ignore", invalid="ignore"):  # a missing point has no errors
            shift = np.nan_to_num((np.real(statistic(up)(total)) - np.real(statistic(down)(total))) / 2)
        squares[name] = squares.get(name, np.zeros_like(shift)) + shift**2
    measured = {name: np.sqrt(square) for name, square in squares.items()}
    missing = tuple(dict.fromkeys((*central.not_estimated, *feeddown.not_estimated)))
    return Estimate(central.value, {**central.parts, **measured}, missing)


_RATIOS: Final = {
    "R_AA": ("Nuclear modification factor", r"$\mathit{R}_\mathrm{AA}$"),
    "R_pA": ("Nuclear modification factor in proton-nucleus collisions", r"$\mathit{R}_\mathrm{pA}$"),
}
_FLOWS: Final = {1: "Directed flow", 2: "Elliptic flow", 3: "Triangular flow"}


def modification(name: str = "R_AA") -> Observable:
    """Return R_AA of the nine mesons, in proton-nucleus collisions called ``"R_pA"``."""
    title, label = _RATIOS.get(name, (name, name))
    return Observable(name, title, name, label, _raa_of, adds_up=True)


def _raa_of(fractions: FeedDown) -> Statistic:
    return lambda sums: fractions.apply(mean(sums))


def meson_survivals() -> Observable:
    """Return the mean survival of the nine mesons, before feed-down."""
    title = "Survival before feed-down"
    return Observable(
        "survival", title, "survival", "Survival", lambda _: mean, adds_up=True, feeds_down=False
    )


def double_ratio(pairs: Sequence[tuple[str, str]] = DOUBLE_RATIOS) -> Observable:
    """Return R_AA(a)/R_AA(b) of pairs of mesons."""
    allowed = f"hold pairs of names among {', '.join(MESON_NAMES)}"
    pairs = [check.members("pairs", pair, allowed, 2) for pair in check.members("pairs", pairs, allowed)]
    for meson in (meson for pair in pairs for meson in pair):
        check.choice("pairs", meson, MESON_NAMES, allowed)
    above, below = ([MESON_NAMES.index(pair[k]) for pair in pairs] for k in (0, 1))

    def statistic(fractions: FeedDown) -> Statistic:
        def ratios(sums: Any) -> Any:
            raa = fractions.apply(mean(sums))
            return raa[..., above] / raa[..., below]

        return ratios

    title = "Double ratio of nuclear modification factors"
    names = [f"{a}/{b}" for a, b in pairs]
    return Observable("double_ratio", title, "double ratio", "Double ratio to pp", statistic, names)


def flow(n: int = 2, production: Production = "isotropic") -> Observable:
    """Return the flow coefficient v_n of the nine mesons; `production` as in `vn_curve`."""
    n = check_order(n)
    production = check.choice("production", production, get_args(Production))

    def statistic(fractions: FeedDown) -> Statistic:
        yields = fractions.matrix * fractions.sigma_direct

        def coefficient(sums: Any) -> Any:
            weight, waves, survived, moment = (sums[..., k, :] for k in range(4))  # w, w cos, w S, w S cos
            survival, moment = survived / weight, moment / weight
            if (
                production == "isotropic"
            ):  # what the sample has of <cos n phi> is noise, which the survivals share
                moment = moment - waves / weight * survival
            return (moment @ yields.T) / (survival @ yields.T)

        return coefficient

    return Observable(
        f"v{n}",
        _FLOWS.get(n, f"Flow coefficient of order {n}"),
        "v" + str(n).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")),
        rf"$\mathit{{v}}_{{{n}}}$",
        statistic,
        factors=lambda rows: (np.cos(n * rows.phi),),
        unmodified=0.0,
    )


def check_order(n: int) -> int:
    """Return n, or raise `InputError` unless it is an order of a flow coefficient: a whole number from 1 on."""
    return check.integer("n", n, 1, allowed="be a whole number, at least 1")


# A new observable is a function above and a line here; `overview` says where it is shown
_BY_NAME: Final[Mapping[str, Callable[[], Observable]]] = {
    "R_AA": modification,
    "R_pA": partial(modification, "R_pA"),
    "double_ratio": double_ratio,
    "survival": meson_survivals,
}


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
        Fractions and cross sections, whose errors are the parts ``"branching"`` and ``"cross_sections"``.
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
    return modification(check.text("observable", observable)).curve(
        table, bins, feeddown, part=part, ranges=ranges
    )


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
    return double_ratio(pairs).curve(table, bins, feeddown, part=part, ranges=ranges)


def vn_curve(
    table: SurvivalTable,
    bins: Bins,
    feeddown: FeedDown,
    *,
    n: int = 2,
    part: Part = "total",
    production: Production = "isotropic",
    ranges: Ranges | None = None,
) -> Curve:
    r"""Return v_n of the nine mesons in bins; that of the regeneration part is of the regenerated yield alone.

    Parameters
    ----------
    table : SurvivalTable
        With ``phi`` measured from the reaction plane.
    bins, feeddown, part, ranges
        As in `raa_curve`.
    n : int, optional
        Order, at least 1. Odd orders from the reaction plane vanish by symmetry in collisions of equal nuclei, of
        fluctuating events on average; v_3 from an event plane of its own needs a table with the angles from that plane.
    production : {"isotropic", "as_sampled"}, optional
        ``"isotropic"``: pairs are produced without a preferred direction, so <cos n phi> of the sampled paths, known to
        be zero, is subtracted: a medium that treats all directions alike gives exactly 0, and the noise of the sampling
        nearly cancels. ``"as_sampled"``: what the rows hold, for pairs with a direction of their own.

    Returns
    -------
    Curve
        Observable ``"v2"``, ``"v3"``, ...

    Raises
    ------
    InputError
        As in `raa_curve`; if the table has no phi, or an argument is out of range.
    """
    observable = flow(n, production)
    check.instance("table", table, SurvivalTable).coordinate("phi")
    return observable.curve(table, bins, feeddown, part=part, ranges=ranges)


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
    check.instance("table", table, SurvivalTable)
    survival = table.part(part)
    means = {}
    for state in table.states:
        j = STATE_NAMES.index(state)
        # a run that starts in l = 0 does not know 1P: each state is averaged over the rows that know it
        rows = np.flatnonzero(np.isfinite(survival.value[:, j]))
        sums = replicate_sums(table.rows(rows), survival[rows])
        means[state] = estimate(sums, lambda sums, j=j: mean(sums[..., j, None]))[0]  # type: ignore[misc]
    return means


def raa(feeddown: FeedDown, survival: MesonSurvival) -> dict[str, Estimate]:
    r"""Return R_AA of the nine mesons in one geometry, with the error that `Observable.curve` gives every R_AA.

    R_AA is linear in the survivals, with coefficients >= 0 (`FeedDown.apply`): ``"paths"`` is the scatter of R_AA
    over replicates, since a meson and its parents share their paths; each numerical part is the sum of those of the
    states, which may share a sign; ``"branching"`` and ``"cross_sections"`` are the errors of measured input.

    Parameters
    ----------
    feeddown : FeedDown
        Fractions and cross sections.
    survival : MesonSurvival
        Survival of the nine mesons; no-jump survivals give the part of R_AA from pairs that never jumped, and
        ``total - no_jump`` the regenerated part.

    Returns
    -------
    dict of str to Estimate
        Keyed by meson name, for example ``"Y(1S)"``.
    """
    check.instance("feeddown", feeddown, FeedDown)
    check.instance("survival", survival, MesonSurvival)
    both = _with_input_errors(survival.sums, feeddown, _raa_of)
    return {name: both[i] for i, name in enumerate(MESON_NAMES)}


def raa_npart(feeddown: FeedDown, survivals: Sequence[MesonSurvival], n_part: ArrayLike) -> RaaCurve:
    """Return R_AA against N_part for one setting of the model.

    Parameters
    ----------
    feeddown : FeedDown
        Fractions and cross sections.
    survivals : sequence of MesonSurvival, length k
        One geometry each, in any order.
    n_part : array_like, shape (k,)
        Their mean numbers of participants, all different.

    Returns
    -------
    RaaCurve
        Sorted by N_part.

    Raises
    ------
    InputError
        If the lengths differ or a number of participants is not positive or appears twice.
    """
    check.instance("feeddown", feeddown, FeedDown)
    survivals = check.instances("survivals", survivals, MesonSurvival)
    n_part = check.float_array("n_part", n_part)
    if n_part.shape != (len(survivals),) or not len(survivals):
        raise InputError("n_part", n_part.shape, f"have one value per survival, shape ({len(survivals)},)")
    order = np.argsort(n_part)
    points = [raa(feeddown, survivals[i]) for i in order]
    return RaaCurve(n_part[order], {name: joined([p[name] for p in points]) for name in MESON_NAMES})
