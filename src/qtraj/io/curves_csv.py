"""Curves with bands and parts as CSV: one row per point of one meson."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from .._atomic import atomic_path
from .._checks import path as path_of
from ..observables.estimate import Estimate
from ..observables.overview import Panel


def write_panel_csv(path: str | Path, panel: Panel) -> Path:
    """Write all mesons of a panel with every part of their errors.

    Parameters
    ----------
    path : str or Path
        The file.
    panel : Panel
        From `qtraj.observables.overview`.

    Returns
    -------
    Path
        Columns: name, x, x_low, x_high, value, error, error_PART, ... of the central setting; low and high of each band
        (empty for mesons that have none); no_jump and regeneration where they are known. What is not estimated stands
        in comment lines.

    Raises
    ------
    FileFormatError
        If the file cannot be written.
    """
    curve, path = panel.curve, path_of("path", path)
    parts = list(dict.fromkeys(part for value in curve.values.values() for part in value.parts))
    labels = list(dict.fromkeys(band.label for band in panel.bands if band.label))
    header = [
        *("name", curve.x_name, "low", "high", curve.observable, "error"),
        *(f"error_{part}" for part in parts),
        *(f"{label} {end}" for label in labels for end in ("low", "high")),
        *panel.parts,
    ]
    missing = dict.fromkeys(note for value in curve.values.values() for note in value.not_estimated)
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as handle:
        if curve.selection:
            handle.write(f"# selection: {curve.selection}\n")
        for note in panel.notes:
            handle.write(f"# {note}\n")
        if missing:
            handle.write(f"# errors not estimated: {'; '.join(missing)}\n")
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(
            _row(panel, name, i, parts, labels) for name in curve.values for i in range(len(curve))
        )
    return path


def write_survival_means(path: str | Path, averages: Mapping[str, Mapping[str, Estimate]]) -> Path:
    """Write mean survivals: one row per setting and radial state, with every part of the error.

    Parameters
    ----------
    path : str or Path
        The file.
    averages : mapping of str to mapping of str to Estimate
        By the name of a setting (or a start of a ratio file), then of a state.

    Raises
    ------
    FileFormatError
        If the file cannot be written.
    """
    every = [estimate for means in averages.values() for estimate in means.values()]
    parts = list(dict.fromkeys(part for estimate in every for part in estimate.parts))
    path = path_of("path", path)
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(
            ["setting", "state", "survival", "error", *(f"error_{part}" for part in parts), "not_estimated"]
        )
        for setting, means in averages.items():
            for state, mean in means.items():
                own = [f"{mean.parts[part]:.10g}" if part in mean.parts else "" for part in parts]
                numbers = [f"{mean.value:.10g}", f"{mean.error:.10g}", *own]
                writer.writerow([setting, state, *numbers, "; ".join(mean.not_estimated)])
    return path


def _row(panel: Panel, name: str, i: int, parts: list[str], labels: list[str]) -> list[str]:
    curve, value = panel.curve, panel.curve[name]
    bands = {band.label: band for band in panel.bands if band.name == name}
    numbers = [curve.x[i], curve.x_low[i], curve.x_high[i], value.value[i], value.error[i]]
    numbers += [value.parts[part][i] if part in value.parts else np.nan for part in parts]
    for label in labels:
        band = bands.get(label)
        numbers += [np.nan, np.nan] if band is None else [band.low[i], band.high[i]]
    numbers += [part[name].value[i] for part in panel.parts.values()]
    return [name, *("" if np.isnan(number) else f"{number:.10g}" for number in numbers)]
