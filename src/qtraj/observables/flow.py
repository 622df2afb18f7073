r"""Flow coefficients v_n of the mesons from the survival as a function of the angle to the reaction plane.

With phi the direction of a pair from the reaction plane, S_j its survival as state j, and the feed-down matrix F and
the direct cross sections sigma of `FeedDown`, a daughter keeps the direction of its parents, so

.. math:: v_n^i = \frac{\sum_j F_{ij} \sigma_j \langle S_j \cos n\phi \rangle}
                       {\sum_j F_{ij} \sigma_j \langle S_j \rangle} .

For S(phi) = s (1 + 2 a cos 2 phi) and uniform phi this is v_2 = a.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np

from .._checks import choice, instance, integer
from .binned import Ranges, curve_of, safe_weights
from .curves import Bins, Curve
from .estimate import Float
from .feeddown import MESON_NAMES, FeedDown
from .sums import Statistic
from .table import MESON_COLUMNS, Part, SurvivalTable

Production = Literal["isotropic", "as_sampled"]


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
    r"""Return v_n of the nine mesons in bins.

    Parameters
    ----------
    table : SurvivalTable
        With ``phi`` measured from the reaction plane.
    bins, feeddown, part, ranges
        As in `raa_curve`.
    n : int, optional
        Order, at least 1. The angle is that from the reaction plane (the impact parameter), so odd orders vanish by
        symmetry in collisions of equal nuclei, of fluctuating events on average; v_3 from an event plane of its own
        needs a table whose angles are those from that plane.
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

    Notes
    -----
    v_n of the regeneration part is that of the regenerated yield alone.
    """
    n = check_order(n)
    production = choice("production", production, get_args(Production))
    instance("table", table, SurvivalTable).coordinate("phi")

    def factors(rows: SurvivalTable) -> Sequence[Float]:
        return (np.cos(n * rows.phi),)

    def statistic(fractions: FeedDown) -> Statistic:
        yields = fractions.matrix * fractions.sigma_direct

        def flow(sums: Any) -> Any:
            # rows of sums: w, w cos, w S, w S cos
            weight = safe_weights(sums[..., 0, :])
            survival, moment = ((sums[..., k, :] / weight)[..., MESON_COLUMNS] for k in (2, 3))
            if production == "isotropic":
                sampled = (sums[..., 1, :] / weight)[..., MESON_COLUMNS]
                moment = moment - sampled * survival
            return (moment @ yields.T) / (survival @ yields.T)

        return flow

    return curve_of(f"v{n}", MESON_NAMES, table, bins, feeddown, part, ranges, statistic, factors)


def check_order(n: int) -> int:
    """Return n, or raise `InputError` unless it is an order of a flow coefficient: a whole number from 1 on."""
    return integer("n", n, 1, allowed="be a whole number, at least 1")
