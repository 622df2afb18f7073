"""Every observable of a calculation as figures, CSV files and a HEPData submission."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from matplotlib.figure import Figure

from .._atomic import writable_folder
from .._checks import instances, mapping, text
from .._checks import path as path_of
from ..io.curves_csv import write_panel_csv
from ..io.hepdata import HepdataTable, write_hepdata
from ..observables.curves import INTEGRATED
from ..observables.overview import Panel
from ..observables.raa import Band
from .observables import observable_figure, parts_figure
from .observables_layout import band_label
from .raa import default_note, raa_figure
from .style import save_figure

AXIS_WORDS: Final = {
    "N_part": "the mean number of participants",
    "centrality_pct": "centrality",
    "pT_GeV": "transverse momentum",
    "abs_y": "rapidity",
    "y": "rapidity",
    "y_cm": "rapidity in the nucleon-nucleon center of mass",
    "b_fm": "impact parameter",
    "integrated": "nothing: one number over all paths",
}
INPUT_WORDS: Final = {"branching": "branching fractions", "cross_sections": "cross sections"}
OBSERVABLE_WORDS: Final = {
    "R_AA": "Nuclear modification factor",
    "double_ratio": "Double ratios of nuclear modification factors",
    "R_pA": "Nuclear modification factor in proton-nucleus collisions",
}


def write_observables(
    panels: Sequence[Panel], out: str | Path, *, title: str = "", qualifiers: Mapping[str, str] | None = None
) -> list[Path]:
    """Write one CSV file and one figure (PNG, PDF) per panel and a HEPData submission of all.

    Parameters
    ----------
    panels : sequence of Panel
        From `qtraj.observables.overview`.
    out : str or Path
        The folder; created if need be.
    title : str, optional
        Above the figures.
    qualifiers : mapping of str to str, optional
        What holds for all tables: system, feed-down, ...

    Returns
    -------
    list of Path
        ``NAME.csv``, ``NAME.png``, ``NAME.pdf``, ``regeneration.png``, ``regeneration.pdf``, ``hepdata/*.yaml``.

    Raises
    ------
    FileFormatError
        If a file cannot be written.
    """
    panels, title = instances("panels", panels, Panel), text("title", title)
    qualifiers = {} if qualifiers is None else mapping("qualifiers", qualifiers)
    folder, collision = writable_folder(path_of("out", out)), qualifiers.get("system", "")
    written: list[Path] = []
    for panel in panels:
        written.append(write_panel_csv(folder / f"{panel.name}.csv", panel))
        # a single point makes no figure
        if panel.curve.x_name != INTEGRATED and len(panel.curve) > 1:
            written += save_figure(_figure(panel, title, collision), folder / panel.name)
    for panel in panels:
        if panel.curve.x_name == "N_part" and panel.parts and len(panel.curve) > 1:
            note = "Regenerated: total minus pairs that never jumped, path by path."
            written += save_figure(parts_figure(panel, title=title, note=note), folder / "regeneration")
    tables = [_table(panel, dict(qualifiers)) for panel in panels]
    return written + write_hepdata(folder / "hepdata", tables, title)


def _figure(panel: Panel, title: str, collision: str) -> Figure:
    curve = panel.curve
    binned = bool((curve.x_high > curve.x_low).any())
    if (curve.observable, curve.x_name) == ("R_AA", "N_part") and not binned:
        bands = [Band(b.name, curve.x, b.central, b.low, b.high, band_label(b.label)) for b in panel.bands]
        note = default_note(bands, panel.datasets)
        note = note.replace("path sampling and numerics", _sources(panel))
        return raa_figure(bands, panel.datasets, title=title, note=note)
    return observable_figure(panel, title=title, note=_note(panel), collision=collision)


def _note(panel: Panel) -> str:
    curve = panel.curve
    words = f"bars: errors of {_sources(panel)}"
    binned = bool((curve.x_high > curve.x_low).any())
    place = "in the bins shown" if binned else "at the open circles; curves between them guide the eye"
    lines = [f"Theory is computed {place} ({words})."]
    if curve.selection:
        lines[0] += f" Selected: {_in_words(curve.selection)}."
    if panel.datasets:
        lines.append("Data: bars statistical, boxes systematic; bins and centrality classes of the papers.")
    return "\n".join([*lines, *panel.notes])


def _sources(panel: Panel) -> str:
    """Say what the bars of a panel hold."""
    parts = dict.fromkeys(part for value in panel.curve.values.values() for part in value.parts)
    words = [text for part, text in {"paths": "path sampling", **INPUT_WORDS}.items() if part in parts]
    if set(parts) - {"paths", *INPUT_WORDS}:
        words.insert(1 if "paths" in parts else 0, "numerics")
    *others, last = words or ["nothing: none is estimated"]
    return f"{', '.join(others)} and {last}" if others else last


def _in_words(selection: str) -> str:
    text = re.sub(r"(\S+) <= (\w+) < (\S+)", r"\2 \1 to \3", selection)
    return text.replace("centrality_pct", "centrality in %").replace(
        "pT_GeV", r"$\mathit{p}_\mathrm{T}$ in GeV"
    )


def _table(panel: Panel, qualifiers: Mapping[str, str]) -> HepdataTable:
    curve = panel.curve
    what = OBSERVABLE_WORDS.get(curve.observable, f"Flow coefficient {curve.observable}")
    description = (
        f"{what} against {AXIS_WORDS[curve.x_name]}, central setting with errors of the calculation; "
    )
    description = " ".join(
        [f"{description}further errors are the ranges over settings of the model.", *panel.notes]
    )
    bands: dict[str, dict[str, tuple[object, object]]] = {}
    for band in panel.bands:
        if band.label:
            bands.setdefault(band.name, {})[band.label] = (band.low, band.high)
    chosen = {"selection": curve.selection} if curve.selection else {}
    return HepdataTable(panel.name, description, curve, bands, {**qualifiers, **chosen})
