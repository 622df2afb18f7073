"""R_AA of a run: from its survivals to the dataset that holds the answer, its bands, and the table that it prints.

The numbers are those of `qtraj observe`: the same table of survivals, the same bins, the same observable and error.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from rich.table import Table

from ..errors import InputError
from ..io.results import estimate_from, estimate_variables, stack
from ..io.survivals import tables_from_results
from ..observables.bins import geometry_bins
from ..observables.curves import Band, RaaCurve, envelope
from ..observables.data.dataset import DataSet
from ..observables.data.systems import CollisionSystem, system_of
from ..observables.estimate import Estimate, format_value
from ..observables.feeddown import MESON_NAMES, FeedDown
from ..observables.geometry import with_geometry
from ..observables.observable import meson_survivals, modification
from ..observables.table import Part, SurvivalTable
from .plan import Plan

_DIMS = ("setting", "meson", "geometry")
VARIED = ("kappa", "gamma", "T_end")
"""What makes a band when it is varied."""

_CAPTION = (
    "R_AA: central setting, error of the calculation (paths, numerics and branching fractions) on its last digits. "
    "Ranges: least and largest value over the settings. Data: total error without the global one, at the N_part given."
)


def predict(plan: Plan, results: xr.Dataset, feeddown: FeedDown) -> xr.Dataset:
    """Average a campaign over paths and return survival and R_AA of the nine mesons."""
    if reason := plan.config.initial.lacks_raa:
        remedy = "`qtraj campaign merge` writes the probabilities along each path."
        raise InputError("initial", plan.config.initial.kind, f"be a start with R_AA: {reason}", remedy)
    nuclei = plan.config.system
    system = system_of(nuclei.name, nuclei.sqrt_s_GeV)
    raa, survival = modification(), meson_survivals()
    wanted: dict[str, tuple[Any, Part]] = {
        "raa": (raa, "total"),
        "raa_no_jump": (raa, "no_jump"),
        "survival": (survival, "total"),
    }
    answers: dict[str, dict[str, Estimate]] = {name: {} for name in wanted}
    n_part, b_fm = [], []
    for i, setting in enumerate(plan.settings):
        (table,) = tables_from_results(results.isel(setting=[i])).values()
        bins = geometry_bins(table)
        if bins.intervals is not None:
            table = _weighed(table, system)
        for name, (observable, part) in wanted.items():
            curve = observable.curve(table, bins, feeddown, part=part)
            answers[name][setting.label] = stack({meson: curve[meson] for meson in MESON_NAMES})
        # every setting has the same paths
        points = [table.rows(rows) for *_, rows in bins.rows(table)]
        n_part = [float(np.average(rows.n_part, weights=rows.weight)) for rows in points]
        b_fm = [float(np.average(rows.b_fm, weights=rows.weight)) for rows in points]
    variables: dict[str, Any] = {}
    for name, by_setting in answers.items():
        variables |= estimate_variables(name, stack(by_setting), _DIMS)
    return xr.Dataset(variables, coords=_coordinates(plan, n_part, b_fm))


def _weighed(table: SurvivalTable, system: CollisionSystem | None) -> SurvivalTable:
    """Return rows of many impact parameters with the weights that `qtraj observe` gives them.

    How the impact parameters of a trajectory file were drawn is not written in it, so in a bin of N_part each counts
    with the number of collisions it stands for; of a system that the package does not know, as often as it was drawn.
    """
    if np.ptp(table.weight) > 0:
        remedy = "The weighted survivals are in the store: `qtraj campaign merge`."
        allowed = "be the same for all paths of R_AA in bins of impact parameters"
        raise InputError("weight", (table.weight.min(), table.weight.max()), allowed, remedy)
    if system is None or table.b_fm.max() > system.geometry.b_fm[-1]:
        return table
    return with_geometry(table, system.geometry)


def _coordinates(plan: Plan, n_part: Sequence[float], b_fm: Sequence[float]) -> dict[str, Any]:
    return {
        **plan.coordinates(),
        "meson": list(MESON_NAMES),
        "n_part": ("geometry", list(n_part), {"long_name": "mean number of participants"}),
        "b_fm": ("geometry", list(b_fm), {"long_name": "mean impact parameter", "units": "fm"}),
    }


def curves(prediction: xr.Dataset, name: str = "raa") -> dict[str, RaaCurve]:
    """Return the curves R_AA(N_part) of a prediction, one per setting."""
    estimate = estimate_from(prediction, name)
    mesons = [str(meson) for meson in prediction["meson"].values]
    n_part = prediction["n_part"].values
    return {
        str(setting): RaaCurve(n_part, {meson: estimate[i, j] for j, meson in enumerate(mesons)})
        for i, setting in enumerate(prediction["setting"].values)
    }


def band(prediction: xr.Dataset, meson: str, varied: str) -> Band:
    """Return the range of R_AA of one meson when one of `VARIED` is varied and the others are central."""
    # files of earlier versions know no T_end of their settings
    fixed = [prediction[name].values for name in VARIED if name != varied and name in prediction]
    chosen = prediction.isel(setting=np.all([values == values[0] for values in fixed], axis=0))
    every = curves(chosen)
    values = ", ".join(value if isinstance(value, str) else f"{value:g}" for value in chosen[varied].values)
    return envelope(every, meson, next(iter(every)), f"{varied}: {values}")


@dataclass(frozen=True)
class Row:
    """R_AA of one meson at one impact parameter."""

    meson: str  # Name
    n_part: float  # Participants and impact parameter in fm
    b_fm: float
    central: Estimate  # R_AA of the central setting with the error of the calculation
    ranges: dict[str, tuple[float, float]]  # Over the settings of each varied coefficient
    measured: tuple[str, ...]


def summary(prediction: xr.Dataset, mesons: Sequence[str], data: Sequence[DataSet]) -> Iterator[Row]:
    """Yield the rows of the table, meson by meson, from central to peripheral."""
    n_part, b_fm = prediction["n_part"].values, prediction["b_fm"].values
    for meson in mesons:
        # a range of T_end where it is varied only; files of earlier versions know no T_end of their settings
        shown = [
            name
            for name in VARIED
            if name != "T_end" or ("T_end" in prediction and len(set(prediction["T_end"].values)) > 1)
        ]
        bands = {varied: band(prediction, meson, varied) for varied in shown}
        points = [measurement for measurement in data if measurement.state == meson]
        for i in np.argsort(-n_part):
            yield Row(
                meson,
                float(n_part[i]),
                float(b_fm[i]),
                bands["kappa"].central[i],
                {varied: (float(b.low[i]), float(b.high[i])) for varied, b in bands.items()},
                tuple(_nearest(measurement, n_part[i]) for measurement in points),
            )


def _nearest(measurement: DataSet, n_part: float) -> str:
    i = int(np.argmin(np.abs(measurement.x - n_part)))
    error = max(measurement.total_plus[i], measurement.total_minus[i])
    value = format_value(float(measurement.value[i]), float(error))
    return f"{measurement.experiment} {value} at {measurement.x[i]:.0f}"


def table(rows: Iterable[Row], title: str = "") -> Table:
    """Return the rows as a table for `rich.console.Console.print`."""
    result = Table(title=title, caption=_CAPTION, caption_justify="left", title_justify="left")
    rows = list(rows)
    ranges = [f"{varied} range" for varied in (rows[0].ranges if rows else ())]
    for heading in ("meson", "N_part", "b [fm]", "R_AA", *ranges):
        result.add_column(heading, justify="left" if heading == "meson" else "right", no_wrap=True)
    result.add_column("nearest data")
    previous = ""
    for row in rows:
        if previous and row.meson != previous:
            result.add_section()
        previous = row.meson
        cells = (f"{low:.3f} - {high:.3f}" for low, high in row.ranges.values())
        place = f"{row.n_part:.0f}", f"{row.b_fm:g}"
        result.add_row(row.meson, *place, str(row.central), *cells, "; ".join(row.measured))
    return result
