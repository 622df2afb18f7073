"""The look of the field as a context, and files written complete or not at all."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import mplhep
from matplotlib.figure import Figure

from .._atomic import atomic_path
from .._checks import instance, positive
from .._checks import path as path_of
from ..errors import InputError

_SIZES: Final[dict[str, Any]] = {
    "figure.figsize": (8.0, 6.0),
    "font.size": 15,
    "axes.labelsize": 18,
    "axes.linewidth": 1.2,
    "xtick.labelsize": 14,
    "ytick.labelsize": 14,
    "legend.fontsize": 12.5,
    "legend.handlelength": 1.6,
    "xtick.major.size": 7,
    "xtick.minor.size": 3.5,
    "ytick.major.size": 7,
    "ytick.minor.size": 3.5,
    "hatch.linewidth": 0.8,
    # TeX Gyre Heros has no root sign; the usual substitute lacks its Unicode number, which Matplotlib logs
    "mathtext.fallback": "stixsans",
}

_SHRINK: Final = 0.6  # power of the width that letters follow: readable in a column, not lost on a page


@contextmanager
def style(width: float | None = None) -> Iterator[None]:
    """Use the fonts, ticks and sizes of the field inside a ``with`` block; nothing outside it changes.

    Parameters
    ----------
    width : float, optional
        Width of a figure in inches, 8 by default; 3.4 is a column of most journals. Its height is three quarters of it.
        Letters and ticks shrink less than the figure: at 3.4 inches labels have 11 and ticks 8 points.

    Raises
    ------
    InputError
        If the width is not a positive number.
    """
    with mpl.rc_context(_settings(width)):
        yield


def use_style() -> None:
    """Use the look of `style` from here on, in all figures of a session: what a notebook wants."""
    mpl.rcParams.update(_settings())


def _settings(width: float | None = None) -> Any:  # Matplotlib types every key of its settings
    if width is None:
        return {**mplhep.style.CMS, **_SIZES}
    full, height = _SIZES["figure.figsize"]
    scale = positive("width", width) / full
    sizes = {key: size * scale**_SHRINK for key, size in _SIZES.items() if isinstance(size, int | float)}
    figure = {"figure.figsize": (width, height * scale), "lines.markersize": 6 * scale**_SHRINK}
    return {**mplhep.style.CMS, **_SIZES, **sizes, **figure}


class NotebookFigure(Figure):
    """A figure that a notebook shows when it is the value of a cell, though Pyplot knows nothing of it."""

    def _repr_png_(self) -> bytes:
        content = io.BytesIO()
        with style():  # fonts of formulas are looked up when a figure is drawn, not when it is made
            self.savefig(content, format="png", dpi=100)
        return content.getvalue()


def save_figure(figure: Figure, path_stem: str | os.PathLike[str]) -> tuple[Path, Path]:
    """Write a figure as PNG (200 dpi) and PDF, each complete or not at all.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure.
    path_stem : str or path
        Path without suffix; ``.png`` and ``.pdf`` are appended. The folder must exist.

    Returns
    -------
    tuple of Path
        The PNG and the PDF.

    Raises
    ------
    InputError
        If the folder does not exist.
    FileFormatError
        If a file cannot be written.
    """
    instance("figure", figure, Figure)
    stem = path_of("path_stem", path_stem)
    if not stem.parent.is_dir():
        raise InputError("path_stem", str(stem), "lie in an existing folder", f"Create {stem.parent} first.")
    png, pdf = (stem.with_name(stem.name + suffix) for suffix in (".png", ".pdf"))
    return write_figure(figure, png), write_figure(figure, pdf)


def write_figure(figure: Figure, path: Path) -> Path:
    """Write a figure as PNG or PDF, complete or not at all; the same figure gives the same file."""
    options: dict[str, Any] = {"metadata": {"CreationDate": None}} if path.suffix == ".pdf" else {"dpi": 200}
    # fonts of formulas are looked up when a figure is drawn, not when it is made
    with style(), atomic_path(path) as temporary:
        figure.savefig(temporary, **options)
    return path
