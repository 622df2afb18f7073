"""From a stored run to the files of `qtraj view`: figure, animation and page."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from .._atomic import atomic_path, writable_folder
from .._checks import choice, instance, integer, texts
from .._checks import path as path_of
from ..errors import FileFormatError, InputError
from ..qtraj1.convert import NETCDF, convert
from .animation import save_animation
from .evolution import Evolution
from .legacy_view import SUMMARY, find_params, load_legacy_evolution
from .style import style
from .view import view_figure
from .view_page import write_view_page

FORMATS: Final = ("png", "pdf", "gif", "mp4", "html")


def load_evolution(
    source: str | os.PathLike[str],
    *,
    trajectory: int | None = None,
    params: str | os.PathLike[str] | None = None,
) -> Evolution:
    """Return the evolution stored in `source`.

    Parameters
    ----------
    source : str or path
        Output folder of QTraj 1.0, its ``summary.tsv``, or what `qtraj convert` made of the folder.
    trajectory, params
        As in `load_legacy_evolution`.

    Returns
    -------
    Evolution
        Of the pair that never jumps, or of the trajectory.

    Raises
    ------
    FileFormatError
        If there is no evolution in `source`, or as in `load_legacy_evolution`.
    InputError
        As in `load_legacy_evolution`.
    """
    path = path_of("source", source)
    trajectory = None if trajectory is None else integer("trajectory", trajectory)
    params = None if params is None else path_of("params", params)
    if not path.exists():
        raise FileFormatError(path, "no such file or folder", "Check the path.")
    if path.suffix == NETCDF:
        params = find_params(path) if params is None else params
        with TemporaryDirectory() as scratch:
            folder = Path(scratch) / path.stem
            folder.mkdir()
            convert(path, folder)
            _require_summary(path, folder)
            return load_legacy_evolution(folder, trajectory=trajectory, params=params)
    folder = path.parent if path.name == SUMMARY else path
    _require_summary(path, folder)
    return load_legacy_evolution(folder, trajectory=trajectory, params=params)


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
    return tuple(_write(evolution, folder / f"view.{ending}") for ending in formats)


def _write(evolution: Evolution, path: Path) -> Path:
    if path.suffix == ".html":
        return write_view_page(evolution, path)
    if path.suffix in (".gif", ".mp4"):
        return save_animation(evolution, path)
    # the same figure gives the same file
    options: dict[str, Any] = {"metadata": {"CreationDate": None}} if path.suffix == ".pdf" else {"dpi": 200}
    # fonts of formulas are looked up when a figure is drawn, not when it is made
    with style(), atomic_path(path) as temporary:
        view_figure(evolution).savefig(temporary, **options)
    return path


def _require_summary(source: Path, folder: Path) -> None:
    if not (folder / SUMMARY).is_file():
        remedy = "QTraj writes it with outputSummaryFile 1; `qtraj solve --view DIR` needs no files."
        raise FileFormatError(source, f"holds no {SUMMARY}", remedy)
