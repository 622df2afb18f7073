"""The table that a run prints: R_AA with errors and bands beside the nearest measured points."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from rich.table import Table

from ..observables.data.dataset import DataSet
from ..observables.estimate import Estimate, format_value
from .prediction import VARIED, band

_CAPTION = (
    "R_AA: central setting, error of the calculation (paths and numerics) on its last digits. Ranges: least "
    "and largest value over the settings. Data: total error without the global one, at the N_part given."
)


@dataclass(frozen=True)
class Row:
    """R_AA of one meson at one impact parameter.

    Parameters
    ----------
    meson : str
        Name.
    n_part, b_fm : float
        Participants and impact parameter in fm.
    central : Estimate
        R_AA of the central setting with the error of the calculation.
    ranges : mapping of str to (low, high)
        Over the settings of each varied coefficient.
    measured : tuple of str
        The nearest point of each experiment: name, value with total error, its N_part.
    """

    meson: str
    n_part: float
    b_fm: float
    central: Estimate
    ranges: dict[str, tuple[float, float]]
    measured: tuple[str, ...]


def summary(prediction: xr.Dataset, mesons: Sequence[str], data: Sequence[DataSet]) -> Iterator[Row]:
    """Yield the rows of the table, meson by meson, from central to peripheral.

    Parameters
    ----------
    prediction : xarray.Dataset
        From `predict`, or read from the result file of a run.
    mesons : sequence of str
        The mesons to show.
    data : sequence of DataSet
        Measured R_AA against N_part.
    """
    n_part, b_fm = prediction["n_part"].values, prediction["b_fm"].values
    for meson in mesons:
        bands = {
            varied: band(prediction, meson, varied)
            for varied in VARIED
            if varied != "T_end" or ("T_end" in prediction and len(set(prediction["T_end"].values)) > 1)
        }
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
    """Return the rows as a table for `rich.console.Console.print`.

    Parameters
    ----------
    rows : iterable of Row
        From `summary`.
    title : str, optional
        Above the table.
    """
    result = Table(title=title, caption=_CAPTION, caption_justify="left", title_justify="left")
    rows = list(rows)
    varied = [f"{name} range" for name in (rows[0].ranges if rows else ())]
    for heading in ("meson", "N_part", "b [fm]", "R_AA", *varied):
        result.add_column(heading, justify="left" if heading == "meson" else "right", no_wrap=True)
    result.add_column("nearest data")
    previous = ""
    for row in rows:
        if previous and row.meson != previous:
            result.add_section()
        previous = row.meson
        ranges = (f"{low:.3f} - {high:.3f}" for low, high in row.ranges.values())
        place = f"{row.n_part:.0f}", f"{row.b_fm:g}"
        result.add_row(row.meson, *place, str(row.central), *ranges, "; ".join(row.measured))
    return result
