"""The files of `qtraj view`: from an evolution to figure, animation and page.

The page is one HTML file with a time slider; it works from disk, without network.
"""

from __future__ import annotations

import html
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from .._atomic import writable_folder
from .._checks import choice, instance, texts
from .._checks import path as path_of
from .._types import Float
from ..errors import InputError
from ..io.pages import page, rounded, write_page
from ..qtraj1.convert import NETCDF
from ..states import STATE_NAMES
from .evolution import SUMMARY, Evolution
from .style import write_figure
from .view import COLOR_NAMES, SMALLEST, save_animation, view_figure

FORMATS: Final = ("png", "pdf", "gif", "mp4", "html")

FRAMES: Final = 160
POINTS: Final = 260  # most times and radii in a page: at 16 characters each, about 1.5 MB
# names of the page's palette, which has a light and a dark value of each
_STATE_COLORS: Final = ("--blue", "--red", "--pink", "--green", "--orange", "--sky")
_PAIR_COLORS: Final = ("--blue", "--red")


def is_ratio_file(source: str | os.PathLike[str]) -> bool:
    """Return whether `source` is a file other than those that `load_evolution` reads: then it has to be ratios."""
    path = Path(source)
    return path.is_file() and path.name != SUMMARY and path.suffix != NETCDF


def checked_formats(text: str | None) -> tuple[str, ...] | None:
    """Return the formats in a list such as ``png,html``, None for None, or raise `InputError`."""
    if text is None:
        return None
    formats = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    if not set(formats) <= set(FORMATS):
        raise InputError("format", text, f"be of {', '.join(FORMATS)}, separated by commas")
    return formats


def write_views(
    evolution: Evolution, directory: str | os.PathLike[str], formats: Sequence[str] | None = None
) -> tuple[Path, ...]:
    """Write the views of an evolution and return their paths.

    Parameters
    ----------
    evolution : Evolution
        What to show.
    directory : str or path
        Folder for ``view.png``, ``view.html``, ...; created if needed.
    formats : sequence of str, optional
        Of `FORMATS`; by default png, pdf and html, and gif where wave functions are known.

    Returns
    -------
    tuple of Path
        The files.

    Raises
    ------
    FileFormatError
        If a file cannot be written.
    InputError
        If an animation is asked for and there are no wave functions, or MP4 and ffmpeg is missing.
    """
    instance("evolution", evolution, Evolution)
    path_of("directory", directory)
    if formats is None:
        formats = ("png", "pdf", "html", *(("gif",) if len(evolution.snapshots) else ()))
    allowed = f"be a list of {', '.join(FORMATS)}"
    formats = [choice("formats", each, FORMATS, allowed) for each in texts("formats", formats, allowed)]
    folder = writable_folder(Path(directory))
    written: list[Path] = []
    for ending in formats:
        path = folder / f"view.{ending}"
        if ending == "html":
            written.append(write_view_page(evolution, path))
        elif ending in ("gif", "mp4"):
            written.append(save_animation(evolution, path))
        else:
            written.append(write_figure(view_figure(evolution), path))
    return tuple(written)


def view_page(evolution: Evolution) -> str:
    """Return the HTML page of an evolution: style, script and data are inside it, all text is escaped.

    Long ones are thinned to `FRAMES` times and `POINTS` radii, and the page says so; numbers have four digits.
    """
    thin = evolution.thinned(FRAMES, POINTS)
    notes = list(evolution.notes)
    if len(thin.times_fm) < len(evolution.times_fm):
        notes.append(f"{len(thin.times_fm)} of the {len(evolution.times_fm)} stored times are shown.")
    return page(
        "view.html",
        title=evolution.title,
        styles=["page.css"],
        scripts=["charts.js", "timeline.js", "view.js"],
        data=_data(thin),
        notes="\n".join(f"<p>{html.escape(note)}</p>" for note in notes),
    )


def write_view_page(evolution: Evolution, path: str | os.PathLike[str]) -> Path:
    """Write the page of an evolution, complete or not at all, and return its path."""
    return write_page(path, view_page(evolution))


def _data(evolution: Evolution) -> dict[str, Any]:
    u, known = evolution.u_fm, set(evolution.snapshots.tolist())
    # the tails are noise of no width on the screen
    scale = 1e-4 * float(np.nanmax(np.abs(u))) if known else 1.0
    rows = [np.round(u[i] / scale) * scale if i in known else None for i in range(len(evolution.times_fm))]
    return {
        "t": [round(float(t), 6) for t in evolution.times_fm],
        "r": rounded(evolution.r_fm, 5),
        "re": [None if row is None else rounded(row.real) for row in rows],
        "im": [None if row is None else rounded(row.imag) for row in rows],
        "series": _series(evolution),
        "readout": _readout(evolution),
    }


def _series(evolution: Evolution) -> list[dict[str, Any]]:
    """Return the charts against time, as `charts.js` takes them."""
    jumps = evolution.jumps

    def line(values: Float, name: str = "", color: str = "--blue") -> dict[str, Any]:
        # between the stored times of a trajectory lie jumps: its lines are dotted
        return _line(name, color, values) | ({"dash": "2 4"} if jumps else {})

    norm: dict[str, Any] = {"yRange": [0, 1.05]} if jumps else {"log": True}
    overlaps = [
        line(np.where(y > SMALLEST, y, np.nan), STATE_NAMES[j], _STATE_COLORS[j])
        for j, y in ((j, evolution.overlaps[:, j]) for j in evolution.populated)
    ]
    title = "Norm since the last jump" if jumps else "Norm without jump"
    charts = [_chart(title, "norm", line(evolution.norm), **norm)]
    title = "Mean radius of the normalized state"
    charts.append(_chart(title, "⟨r⟩ [fm]", line(evolution.mean_radius_fm), fromZero=True))
    title = "Overlaps of the normalized state" if jumps else "Overlaps without jump"
    empty = "no bound state at any stored time"
    charts.append(_chart(title, "|⟨nl|u⟩|²", *overlaps, log=True, empty=empty))
    if np.any(np.isfinite(evolution.energy)):
        charts.append(_chart("Vacuum energy of the normalized state", "⟨H⟩ [GeV]", line(evolution.energy)))
    if jumps:
        top = float(max(2, evolution.l.max())) + 1
        lines = [
            _line(name, color, np.where(evolution.color == i, evolution.l, np.nan))
            | {"points": True, "tipName": f"{name}, l"}
            for i, (name, color) in enumerate(zip(COLOR_NAMES, _PAIR_COLORS, strict=True))
        ]
        charts.append(_chart("Color and angular momentum", "angular momentum l", *lines, yRange=[-0.5, top]))
    return charts


def _chart(title: str, y_label: str, *lines: dict[str, Any], **options: Any) -> dict[str, Any]:
    return {"title": title, "yLabel": y_label, **options, "lines": lines}


def _line(name: str, color: str, values: Float) -> dict[str, Any]:
    return {"name": name, "color": f"var({color})", "values": rounded(values)}


def _readout(evolution: Evolution) -> list[tuple[str, list[Any], str]]:
    """Return name, values and unit of what the page writes out for the chosen time."""
    entries: list[tuple[str, list[Any], str]] = [
        ("color", [COLOR_NAMES[c] for c in evolution.color], ""),
        ("l", [int(l) for l in evolution.l], ""),
        ("norm", rounded(evolution.norm), ""),
        ("⟨r⟩", rounded(evolution.mean_radius_fm), "fm"),
    ]
    if np.any(np.isfinite(evolution.energy)):
        entries.append(("⟨H⟩", rounded(evolution.energy), "GeV"))
    return entries + [(STATE_NAMES[j], rounded(evolution.overlaps[:, j]), "") for j in evolution.populated]
