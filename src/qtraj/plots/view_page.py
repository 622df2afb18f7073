"""The evolution of one pair as one self-contained HTML page with a time slider; it works from disk, without network."""

from __future__ import annotations

import html
import os
from pathlib import Path
from typing import Any, Final

import numpy as np

from .._atomic import atomic_path
from .._checks import path as path_of
from ..io.pages import page, rounded
from ..states import STATE_NAMES
from .evolution import Evolution, Float
from .view import COLOR_NAMES, SMALLEST

FRAMES: Final = 160
POINTS: Final = 260
"""Most times and radii in a page: at 16 characters each, about 1.5 MB."""

# names of the page's palette, which has a light and a dark value of each
_STATE_COLORS: Final = dict(
    zip(STATE_NAMES, ("--blue", "--red", "--pink", "--green", "--orange", "--sky"), strict=True)
)
_PAIR_COLORS: Final = ("--blue", "--red")


def view_page(evolution: Evolution) -> str:
    """Return the HTML page of an evolution.

    Parameters
    ----------
    evolution : Evolution
        What to show; long ones are thinned to `FRAMES` times and `POINTS` radii, and the page says so.

    Returns
    -------
    str
        The page: style, script and data are inside it, numbers rounded to four digits, all text escaped.
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
    path = path_of("path", path)
    with atomic_path(path) as temporary:
        temporary.write_text(view_page(evolution), encoding="utf-8")
    return path


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
    charts: list[dict[str, Any]] = [
        {
            "title": "Norm since the last jump" if jumps else "Norm without jump",
            "yLabel": "norm",
            **({"yRange": [0, 1.05]} if jumps else {"log": True}),
            "lines": [_line("", "--blue", evolution.norm, dotted=jumps)],
        },
        {
            "title": "Mean radius of the normalized state",
            "yLabel": "⟨r⟩ [fm]",
            "fromZero": True,
            "lines": [_line("", "--blue", evolution.mean_radius_fm, dotted=jumps)],
        },
        {
            "title": "Overlaps of the normalized state" if jumps else "Overlaps without jump",
            "yLabel": "|⟨nl|u⟩|²",
            "log": True,
            "empty": "no bound state at any stored time",
            "lines": [
                _line(
                    STATE_NAMES[j],
                    _STATE_COLORS[STATE_NAMES[j]],
                    _above(evolution.overlaps[:, j], SMALLEST),
                    dotted=jumps,
                )
                for j in evolution.populated
            ],
        },
    ]
    if np.any(np.isfinite(evolution.energy)):
        charts.append(
            {
                "title": "Vacuum energy of the normalized state",
                "yLabel": "⟨H⟩ [GeV]",
                "lines": [_line("", "--blue", evolution.energy, dotted=jumps)],
            }
        )
    if jumps:
        charts.append(_track(evolution))
    return charts


def _track(evolution: Evolution) -> dict[str, Any]:
    lines = [
        {
            **_line(name, color, np.where(evolution.color == i, evolution.l, np.nan)),
            "points": True,
            "tipName": f"{name}, l",
        }
        for i, (name, color) in enumerate(zip(COLOR_NAMES, _PAIR_COLORS, strict=True))
    ]
    return {
        "title": "Color and angular momentum",
        "yLabel": "angular momentum l",
        "yRange": [-0.5, float(max(2, evolution.l.max())) + 1],
        "lines": lines,
    }


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


def _line(name: str, color: str, values: Float, *, dotted: bool = False) -> dict[str, Any]:
    line: dict[str, Any] = {"name": name, "color": f"var({color})", "values": rounded(values)}
    return {**line, "dash": "2 4"} if dotted else line


def _above(values: Float, least: float) -> Float:
    return np.where(values > least, values, np.nan)
